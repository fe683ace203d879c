//! Kernels of the nn modules and criteria: plain functions over tensors, one file per family.
//!
//! Every kernel resizes its result. Inputs may have any strides, and results may share memory with inputs: kernels go
//! element by element with [`map`](crate::tensor::map), or take slices through [`access`](crate::tensor::access).

pub mod activation;
pub mod batchnorm;
pub mod classes;
pub mod convolution;
pub mod criterion;
pub mod linear;
pub mod lookup;
pub mod pairs;
pub mod pooling;
pub mod shrink;
pub mod softmax;
pub mod split;
pub mod tables;
pub mod window;

#[cfg(test)]
mod gradient_tests;
