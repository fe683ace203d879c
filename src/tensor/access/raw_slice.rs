//! Memory that others may reach too, for the kernels of this library.

use std::marker::PhantomData;
use std::ptr::NonNull;

/// Elements that lie one after another: in a storage, from the first of a tensor's to the last, or in a slice that threads
/// write different parts of. When it is made they are there, are of this type, and were free for what they were asked for.
///
/// It does not keep them so: a storage may be resized, and others may ask for the same elements. So each access is unsafe,
/// and whoever makes one vouches that the elements are inside, that the storage was not resized since, and that nobody else
/// uses them in a way that does not go with it.
pub(in crate::tensor) struct RawSlice<'a, T> {
    first: NonNull<T>,
    len: usize,
    life: PhantomData<&'a [T]>,
}

impl<T> Clone for RawSlice<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for RawSlice<'_, T> {}

// SAFETY: an address and a length; threads that use the elements do so through unsafe functions, which say that no two of
// them may write the same.
unsafe impl<T: Send + Sync> Send for RawSlice<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for RawSlice<'_, T> {}

impl<'a, T> RawSlice<'a, T> {
    /// No element.
    pub(in crate::tensor) const EMPTY: Self = RawSlice { first: NonNull::dangling(), len: 0, life: PhantomData };

    /// A slice that parts of are to be written from several places.
    pub(in crate::tensor) fn new(data: &'a mut [T]) -> Self {
        RawSlice { len: data.len(), first: NonNull::from(data).cast(), life: PhantomData }
    }

    /// Memory of a storage.
    ///
    /// # Safety
    /// Not null and aligned; `len` initialised elements lie there, for as long as the storage that they are of is neither
    /// resized nor gone.
    #[inline(always)]
    pub(in crate::tensor) unsafe fn over(first: *mut T, len: usize) -> Self {
        // SAFETY: by the contract.
        RawSlice { first: unsafe { NonNull::new_unchecked(first) }, len, life: PhantomData }
    }

    /// Where the first one lies.
    ///
    /// # Safety
    /// As for [`RawSlice::at`].
    #[inline(always)]
    pub(super) unsafe fn first(&self) -> NonNull<T> {
        self.first
    }

    /// How many elements there are.
    #[inline(always)]
    pub(in crate::tensor) fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline(always)]
    pub(in crate::tensor) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the first one lies.
    #[inline(always)]
    pub(in crate::tensor) fn address(&self) -> usize {
        self.first.as_ptr() as usize
    }

    /// How many bytes they take.
    #[inline(always)]
    pub(in crate::tensor) fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }

    /// Whether it has no byte in common with another.
    #[inline(always)]
    pub(in crate::tensor) fn is_apart<U>(&self, other: &RawSlice<'_, U>) -> bool {
        self.address() + self.bytes() <= other.address() || other.address() + other.bytes() <= self.address()
    }

    /// Elements `from..from + n`, as many as there are of them.
    #[inline(always)]
    pub(in crate::tensor) fn part(self, from: usize, n: usize) -> Self {
        debug_assert!(from <= self.len && n <= self.len - from, "{from}, {n} of {}", self.len);
        let from = from.min(self.len);
        // SAFETY: inside the slice, or behind its last element.
        RawSlice { first: unsafe { self.first.add(from) }, len: n.min(self.len - from), life: PhantomData }
    }

    /// Where element `i` lies.
    ///
    /// # Safety
    /// Elements that are reached from there lie inside; see [`RawSlice`] for the rest.
    #[inline(always)]
    pub(in crate::tensor) unsafe fn at(self, i: isize) -> *mut T {
        debug_assert!(self.len == 0 || (0..=self.len as isize).contains(&i), "element {i} of {}", self.len);
        self.first.as_ptr().wrapping_offset(i)
    }

    /// Elements `from..from + n`, to read.
    ///
    /// # Safety
    /// They lie inside, and nobody writes them during the lifetime; see [`RawSlice`] for the rest.
    #[inline(always)]
    pub(in crate::tensor) unsafe fn slice(self, from: usize, n: usize) -> &'a [T] {
        debug_assert!(from <= self.len && n <= self.len - from, "{from}, {n} of {}", self.len);
        // SAFETY: by the contract.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr().wrapping_add(from), n) }
    }

    /// Elements `from..from + n`, to write.
    ///
    /// # Safety
    /// They lie inside, and nobody else uses them during the lifetime; see [`RawSlice`] for the rest.
    #[inline(always)]
    pub(in crate::tensor) unsafe fn slice_mut(self, from: usize, n: usize) -> &'a mut [T] {
        debug_assert!(from <= self.len && n <= self.len - from, "{from}, {n} of {}", self.len);
        // SAFETY: by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr().wrapping_add(from), n) }
    }

    /// `n` elements of another type, from that with number `from` on.
    ///
    /// # Safety
    /// The memory holds them.
    #[inline(always)]
    pub(in crate::tensor) unsafe fn cast_part<U>(self, from: usize, n: usize) -> RawSlice<'a, U> {
        // SAFETY: by the contract, inside the memory or behind its last element.
        RawSlice { first: unsafe { self.first.cast::<U>().add(from) }, len: n, life: PhantomData }
    }
}
