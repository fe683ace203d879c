//! Results as mutable slices.

use super::loans::{deliver, give_back};
use super::{in_use, lend};
use crate::tensor::Tensor;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::Result;
use crate::tensor::ops::copy::{clone, copy};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The elements of a result in logical order, as a mutable slice that nobody else sees: the result's own memory, or a
/// buffer where that has gaps or belongs to an operand of the same call. A buffer is written back when this is dropped,
/// or when the last operand of the call is.
pub struct Dest<T> {
    first: NonNull<T>,
    len: usize,
    hold: Hold,
}

enum Hold {
    /// There is no element.
    Nothing,
    /// The result's own memory.
    Lent,
    /// The result, and the buffer.
    Buffer(Box<[Tensor; 2]>),
}

// SAFETY: threads that share it only read; it is not sent to another thread, where its loan could not end.
unsafe impl<T: Sync> Sync for Dest<T> {}

impl<T: Element> Dest<T> {
    /// A result that is to be written in whole, of these sizes; what its elements are before may be anything.
    ///
    /// # Errors
    /// Too many dimensions, another element type, or not enough memory.
    #[inline]
    pub fn new(res: &Tensor, sizes: &[usize]) -> Result<Dest<T>> {
        res.resize_for_result(sizes)?;
        Dest::whole(res)
    }

    /// As [`Dest::new`], with the sizes of another tensor.
    ///
    /// # Errors
    /// As [`Dest::new`].
    #[inline]
    pub fn like(res: &Tensor, x: &Tensor) -> Result<Dest<T>> {
        res.resize_like_for_result(x)?;
        Dest::whole(res)
    }

    /// A result that has its sizes.
    #[inline]
    fn whole(res: &Tensor) -> Result<Dest<T>> {
        match Dest::direct(res)? {
            Some(dest) => Ok(dest),
            None => Dest::buffer(res, |res| {
                let elements = Tensor::empty(res.dtype());
                elements.resize_for_result(res.layout().sizes())?;
                Ok(elements)
            }),
        }
    }

    /// A result that keeps its sizes and elements, to be changed.
    ///
    /// # Errors
    /// Another element type, a view outside its storage, a tensor that is another result of the same call, or not
    /// enough memory.
    #[inline]
    pub fn update(res: &Tensor) -> Result<Dest<T>> {
        match Dest::direct(res)? {
            Some(dest) => Ok(dest),
            None => Dest::buffer(res, clone),
        }
    }

    /// The result's own memory; nothing where it has gaps or is lent.
    #[inline(always)]
    fn direct(res: &Tensor) -> Result<Option<Dest<T>>> {
        let Some(all) = res.flat::<T>()? else { return Ok(None) };
        if all.is_empty() {
            return Ok(Some(Dest { first: NonNull::dangling(), len: 0, hold: Hold::Nothing }));
        }
        let lent = lend(res, all.address(), all.bytes(), true);
        // SAFETY: lent from now on until this is dropped.
        Ok(lent.then(|| Dest { first: unsafe { all.first() }, len: all.len(), hold: Hold::Lent }))
    }

    #[cold]
    fn buffer(res: &Tensor, make: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Dest<T>> {
        let elements = make(res)?;
        let all = elements.flat::<T>()?.ok_or_else(|| in_use(res))?;
        // SAFETY: the buffer is nobody else's, and stays as long as this.
        let (first, len) = (unsafe { all.first() }, all.len());
        Ok(Dest { first, len, hold: Hold::Buffer(Box::new([res.clone(), elements])) })
    }
}

impl<T: Real> Dest<T> {
    /// As [`Dest::new`], with every element zero.
    ///
    /// # Errors
    /// As [`Dest::new`].
    pub fn zeros(res: &Tensor, sizes: &[usize]) -> Result<Dest<T>> {
        let mut dest = Dest::new(res, sizes)?;
        super::share_rows(&mut dest, 1, 1, |_, part| part.fill(T::ZERO));
        Ok(dest)
    }

    /// As [`Dest::like`], with every element zero.
    ///
    /// # Errors
    /// As [`Dest::new`].
    pub fn zeros_like(res: &Tensor, x: &Tensor) -> Result<Dest<T>> {
        Dest::zeros(res, x.layout().sizes())
    }
}

impl<T> Dest<T> {
    /// Makes the elements those of the result now, where they are in a buffer and nothing else is lent; otherwise they
    /// reach it later, as when this is dropped.
    ///
    /// # Errors
    /// A result whose storage was made smaller meanwhile.
    pub fn finish(mut self) -> Result<()> {
        match std::mem::replace(&mut self.hold, Hold::Nothing) {
            Hold::Buffer(pair) if !super::loans::any() => copy(&pair[0], &pair[1]),
            hold => {
                self.hold = hold;
                Ok(())
            }
        }
    }
}

impl<T> Drop for Dest<T> {
    #[inline]
    fn drop(&mut self) {
        match std::mem::replace(&mut self.hold, Hold::Nothing) {
            Hold::Nothing => {}
            // SAFETY: lent when this was made, and used no more.
            Hold::Lent => unsafe { give_back(self.first.as_ptr() as usize, self.len * size_of::<T>(), true) },
            Hold::Buffer(pair) => {
                let [to, elements] = *pair;
                deliver(to, elements);
            }
        }
    }
}

impl<T> Deref for Dest<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: as in `deref_mut`.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Dest<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: `len` elements lie there, always initialised (memory of storages is zeroed or was written before).
        // They are lent to this alone or lie in a buffer of our own, and their block is not freed before this is
        // dropped.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }
}
