//! Memory that a kernel needs for the time of a call.

use crate::tensor::buffer_pool::{Block, Content};
use crate::tensor::dtype::Element;
use crate::tensor::error::{Error, Kind, Result};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A slice of its own, from the pool that storages take theirs from: a training step that needs the same in each pass
/// asks the system for it once.
pub struct Workspace<T> {
    block: Block,
    len: usize,
    kind: PhantomData<T>,
}

// SAFETY: threads that share it only read its elements; writing takes a mutable reference.
unsafe impl<T: Sync> Sync for Workspace<T> {}

impl<T: Element> Workspace<T> {
    /// A slice of `len` elements, which may be anything.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn new(len: usize) -> Result<Workspace<T>> {
        Workspace::with(len, Content::Any)
    }

    /// A slice of `len` zeros.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn zeros(len: usize) -> Result<Workspace<T>> {
        Workspace::with(len, Content::Zeros)
    }

    fn with(len: usize, content: Content) -> Result<Workspace<T>> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or_else(|| Error::from(Kind::Memory { bytes: usize::MAX }))?;
        Ok(Workspace { block: Block::new(bytes, content)?, len, kind: PhantomData })
    }
}

impl<T> Deref for Workspace<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the block has room for `len` elements, aligned for any of them, is initialised (with zeros or what
        // an earlier owner wrote, and any bytes are elements), and is nobody else's.
        unsafe { self.block.memory().cast_part(0, self.len).slice(0, self.len) }
    }
}

impl<T> DerefMut for Workspace<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { self.block.memory().cast_part(0, self.len).slice_mut(0, self.len) }
    }
}
