//! Rows of the nn classes, one file per family.

pub mod activation;
pub mod linear;
