//! Operations on tensors, one file per family.
pub mod blas;
pub mod products;
