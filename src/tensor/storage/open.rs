//! Memory that can be reached as it is: the host's, a storage's own, with nothing put off or kept and out of other threads'
//! reach. Most memory is. One byte of [`Shared`] tells of it, with the element type, so that an access to a few elements
//! does not have to ask for each of these.

use super::{RawSlice, Shared, Storage, loans};
use crate::tensor::dtype::{DTYPES, Element};
use std::sync::atomic::Ordering::Relaxed;

/// What the byte says of other memory. Of open memory it is the number of the element type.
pub(super) const CLOSED: u8 = u8::MAX;

const _: () = assert!(DTYPES < CLOSED as usize, "a byte has no room for so many element types");

impl Shared {
    /// To be called where any of what makes memory open has changed.
    pub(super) fn note_open(&self) {
        let own = self.direct.load(Relaxed) && self.parent.is_none() && self.class.in_host_memory();
        let open = own && !self.across.load(Relaxed);
        self.open.store(if open { self.class.dtype as u8 } else { CLOSED }, Relaxed);
    }
}

impl Storage {
    /// Elements `from..end` of open memory, whoever uses them; nothing where there are not so many, or of another type.
    #[inline(always)]
    pub(in crate::tensor) fn open_elements<T: Element>(&self, from: usize, end: usize) -> Option<RawSlice<'_, T>> {
        let shared = &*self.0;
        let there = shared.open.load(Relaxed) == T::DTYPE as u8 && from <= end && end <= shared.len.load(Relaxed);
        // SAFETY: the memory is that of elements of this type, as many as the length says.
        there.then(|| unsafe { RawSlice::over(shared.ptr.load(Relaxed).cast::<T>().add(from), end - from) })
    }

    /// Element `i` of open memory while nothing is lent: a loop over elements asks for no more. Nothing elsewhere, where
    /// [`Storage::get`] may have it.
    #[inline(always)]
    pub(in crate::tensor) fn get_open<T: Element>(&self, i: usize) -> Option<T> {
        let element = self.open_elements::<T>(i, i.checked_add(1)?)?;
        // SAFETY: in bounds, lent to nobody, and read by value.
        (!loans::any()).then(|| unsafe { element.at(0).read() })
    }

    /// Writes element `i` of open memory while nothing is lent; whether it did.
    #[inline(always)]
    pub(in crate::tensor) fn set_open<T: Element>(&self, i: usize, v: T) -> bool {
        let Some(element) = i.checked_add(1).and_then(|end| self.open_elements::<T>(i, end)) else { return false };
        let free = !loans::any();
        if free {
            // SAFETY: in bounds and lent to nobody, so no reference to the element is alive.
            unsafe { element.at(0).write(v) };
        }
        free
    }

    /// Element `i`, or `None` outside or while a result has it.
    #[inline(always)]
    pub fn get<T: Element>(&self, i: usize) -> Option<T> {
        let _hold = self.hold().ok()?;
        let element = self.elements::<T>(i, i.checked_add(1)?)?;
        // SAFETY: in bounds, lent to no writer, and read by value.
        loans::allows(element.address(), size_of::<T>(), false).then(|| unsafe { element.at(0).read() })
    }

    /// Writes element `i`; whether it exists and nobody has it.
    #[inline(always)]
    pub fn set<T: Element>(&self, i: usize, v: T) -> bool {
        let Ok(_hold) = self.hold() else { return false };
        let Some(element) = i.checked_add(1).and_then(|end| self.elements::<T>(i, end)) else { return false };
        let free = loans::allows(element.address(), size_of::<T>(), true);
        if free {
            // SAFETY: in bounds and lent to nobody, so no reference to the element is alive.
            unsafe { element.at(0).write(v) };
        }
        free
    }
}
