//! Kernels of the nn modules and criteria: plain functions over tensors, one file per family.
//!
//! Every kernel resizes its result. Inputs may have any strides; where a kernel wants its elements in a row, it takes
//! them through [`dense`], and prepares results with [`target`].

pub mod activation;
pub mod batchnorm;
pub mod conv;
pub mod criterion;
pub mod linear;
pub mod lookup;
pub mod pool;
pub mod shrink;
pub mod softmax;
pub mod spatial;
pub mod unfold;

#[cfg(test)]
mod conv_tests;

use crate::tensor::Tensor;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::ops::blas::packed;

/// The tensor without gaps: itself, or a copy.
///
/// # Errors
/// Not enough memory.
pub fn dense<T: Element>(x: &Tensor) -> Result<Tensor> {
    if x.is_contiguous() { Ok(x.clone()) } else { packed::<T>(x) }
}

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
