//! Rekindle: Torch7, whole, in one binary.
pub mod tensor;
