//! Operations on tensors, one file per family.
pub mod alias;
pub mod arith;
pub mod blas;
pub mod compare;
pub mod construct;
pub mod conv;
pub mod copy;
pub mod create;
pub mod index;
pub mod linalg;
pub mod order;
pub mod pointwise;
pub mod products;
pub mod reduce;
pub mod sample;
pub mod spread;
pub mod view;
