//! Kernels of the nn modules and criteria: plain functions over tensors, one file per family.
//!
//! Every kernel resizes its result. Inputs may have any strides, and results may share memory with inputs: kernels go
//! element by element with [`map`](crate::tensor::map), or take slices through [`access`](crate::tensor::access).

pub mod activation;
pub mod convolution;
pub mod criterion;
pub mod distance;
pub mod dropout;
pub mod featurepooling;
pub mod fusion;
pub mod linear;
pub mod lookup;
pub mod neighbourhood;
pub mod normalization;
pub mod padding;
pub mod pooling;
pub mod positions;
pub mod products;
pub mod sparse;
pub mod tables;
pub mod tree;
pub mod upsampling;
pub mod vectors;
pub mod window;

#[cfg(test)]
mod gradient_tests;
