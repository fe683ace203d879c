//! Normalizations: of the channels of a batch, and of vectors.

mod batch;
mod vector;

pub use batch::{Forward, Statistics, acc_grad, forward, grad_input};
pub use vector::{Norm, normalize, normalize_grad};
