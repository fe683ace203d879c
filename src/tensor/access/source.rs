//! Operands as slices.

use super::loans::give_back;
use super::{in_use, lend};
use crate::tensor::Tensor;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::ops::copy::clone;
use std::ops::Deref;
use std::ptr::NonNull;

/// The elements of an operand in logical order, as a slice.
pub struct Source<T> {
    first: NonNull<T>,
    len: usize,
    hold: Hold,
}

/// What keeps the memory as it is.
enum Hold {
    /// There is no element.
    Nothing,
    /// The operand's own memory.
    Lent,
    /// A copy that nobody else sees.
    Copy { _elements: Box<Tensor> },
}

// SAFETY: threads that share it only read the elements, which nobody writes as long as it lives. It is not sent to
// another thread, where its loan could not end.
unsafe impl<T: Sync> Sync for Source<T> {}

impl<T: Element> Source<T> {
    /// The elements of a tensor; one with gaps is copied.
    ///
    /// # Errors
    /// Another element type, a view outside its storage, a tensor that is a result of the same call already, or not
    /// enough memory.
    #[inline]
    pub fn of(x: &Tensor) -> Result<Source<T>> {
        if let Some(all) = x.flat::<T>()? {
            if all.is_empty() {
                return Ok(Source::empty());
            }
            if !lend(x, all.address(), all.bytes(), false) {
                return Err(in_use(x));
            }
            // SAFETY: lent from now on until this is dropped.
            return Ok(Source { first: unsafe { all.first() }, len: all.len(), hold: Hold::Lent });
        }
        Source::copied(x)
    }

    /// As [`Source::of`], and a copy where a result lies in the same memory: for kernels that reach results in another
    /// way than through [`Dest`](super::Dest).
    ///
    /// # Errors
    /// As [`Source::of`].
    pub fn apart(x: &Tensor, results: &[&Tensor]) -> Result<Source<T>> {
        if results.iter().any(|r| r.shares_memory(x)) { Source::copied(x) } else { Source::of(x) }
    }

    #[cold]
    fn copied(x: &Tensor) -> Result<Source<T>> {
        let elements = clone(x)?;
        let Some(all) = elements.flat::<T>()?.filter(|all| !all.is_empty()) else { return Ok(Source::empty()) };
        // SAFETY: the copy is nobody else's, and stays as long as this.
        let (first, len) = (unsafe { all.first() }, all.len());
        Ok(Source { first, len, hold: Hold::Copy { _elements: Box::new(elements) } })
    }

    fn empty() -> Source<T> {
        Source { first: NonNull::dangling(), len: 0, hold: Hold::Nothing }
    }
}

impl<T> Drop for Source<T> {
    #[inline]
    fn drop(&mut self) {
        if let Hold::Lent = self.hold {
            // SAFETY: lent when this was made, and used no more.
            unsafe { give_back(self.first.as_ptr() as usize, self.len * size_of::<T>(), false) };
        }
    }
}

impl<T> Deref for Source<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` elements lie there. They are lent to readers or in a copy of our own, so nobody writes them,
        // and their block is not freed before this is dropped.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}
