//! All that Lua can call, as rows: nothing but declarations. See `docs/rows.md`.

pub mod image;
pub mod nn;
pub mod torch;

use crate::lua::call::{Class, Op};

/// Every operation of package torch.
pub fn ops() -> impl Iterator<Item = &'static Op> {
    torch::ALL.iter().flat_map(|rows| rows.iter())
}

/// The functions of other packages: the table of natives that holds them, and they.
pub fn packages() -> [(&'static str, &'static [Op]); 3] {
    [("image", image::ROWS), ("image.tensor", image::TENSORS), ("image.part", image::PARTS)]
}

/// Every class with Rust methods.
pub fn classes() -> impl Iterator<Item = &'static Class> {
    nn::ALL.iter().flat_map(|rows| rows.iter())
}

/// The forms of `torch.DoubleTensor(...)`.
pub fn tensor_constructor() -> &'static Op {
    &torch::construct::TENSOR
}
/// The forms of `torch.DoubleStorage(...)`.
pub fn storage_constructor() -> &'static Op {
    &torch::construct::STORAGE
}
