//! ONNX: the structure of models, read, and models written.

mod read;
mod write;

pub use read::read;
pub use write::{BATCH, INLINE, Model, OPSETS};
