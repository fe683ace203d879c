//! Distances and angles: between pairs of vectors, and from vectors to learned ones.

mod angles;
mod centers;
mod pairs;

pub use angles::{Lengths, angles, angles_acc_grad, angles_grad};
pub use centers::{euclidean, euclidean_acc_grad, euclidean_grad};
pub use pairs::{cosine, cosine_grad, dot, dot_grad, pairwise, pairwise_grad};
