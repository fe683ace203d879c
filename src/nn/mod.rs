//! Kernels of the nn modules and criteria: plain functions over tensors, one file per family.
//!
//! Every kernel resizes its result. Inputs may have any strides; where a kernel wants its elements in a row, it takes
//! them through [`contiguous`], and prepares results with [`target`].

pub mod activation;
pub mod batchnorm;
pub mod classes;
pub mod conv;
pub mod criterion;
pub mod linear;
pub mod lookup;
pub mod pairs;
pub mod pool;
pub mod shrink;
pub mod softmax;
pub mod split;
pub mod tables;
pub mod unfold;

#[cfg(test)]
mod conv_tests;
#[cfg(test)]
mod gradient_tests;

use crate::tensor::Tensor;
use crate::tensor::dtype::{Element, Float};
use crate::tensor::error::Result;
use crate::tensor::ops::copy::contiguous;
use crate::tensor::storage::Storage;
use std::marker::PhantomData;

/// Gives a result these sizes without gaps, and returns where its elements lie.
///
/// # Errors
/// Not enough memory.
pub fn target<T: Element>(res: &Tensor, sizes: &[usize]) -> Result<*mut T> {
    res.resize(sizes)?;
    if !res.is_contiguous() {
        res.resize_strided(sizes, &vec![-1; sizes.len()])?;
    }
    Ok(res.view::<T>()?.ptr)
}

/// The elements of a tensor in logical order, read and written by position: for kernels that need several at a time.
/// Positions are checked, so it is sound whatever else sees the storage.
pub struct Flat<T> {
    storage: Option<Storage>,
    first: usize,
    /// How many elements there are.
    pub len: usize,
    kind: PhantomData<T>,
}

impl<T: Float> Flat<T> {
    fn over(x: &Tensor) -> Flat<T> {
        Flat { storage: x.storage(), first: x.offset(), len: x.numel(), kind: PhantomData }
    }

    /// An input; one with gaps is copied.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn of(x: &Tensor) -> Result<Flat<T>> {
        Ok(Flat::over(&contiguous(x)?))
    }

    /// A result, which gets these sizes.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn result(res: &Tensor, sizes: &[usize]) -> Result<Flat<T>> {
        target::<T>(res, sizes)?;
        Ok(Flat::over(res))
    }

    /// Element `i`; 0 outside.
    #[inline(always)]
    pub fn at(&self, i: usize) -> T {
        self.storage.as_ref().filter(|_| i < self.len).and_then(|s| s.get(self.first + i)).unwrap_or(T::ZERO)
    }

    /// Writes element `i`; nothing outside.
    #[inline(always)]
    pub fn put(&self, i: usize, v: T) {
        if let Some(s) = self.storage.as_ref().filter(|_| i < self.len) {
            s.set(self.first + i, v);
        }
    }
}
