//! Operations on tensors, one file per family.
pub mod construct;
pub mod copy;
pub mod index;
