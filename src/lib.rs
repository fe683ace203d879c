//! Rekindle: Torch7, whole, in one binary.
pub mod nn;
pub mod tensor;
