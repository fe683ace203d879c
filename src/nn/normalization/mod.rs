//! Normalizations: of the channels of a batch, and of vectors.

mod batch;
mod channels;
mod crossmap;
mod layer;
mod vector;

pub use batch::{Forward, Statistics, acc_grad, backward, forward, grad_input};
pub use crossmap::{CrossMap, cross_map, cross_map_grad};
pub use layer::{layer, layer_acc_grad, layer_grad};
pub use vector::{Norm, normalize, normalize_grad};
