//! Products of matrices whose elements may lie anywhere on a grid of offsets: what convolutions are made of.
//!
//! A [`View`] is a matrix with element (i, j) at `rows[i] + cols[j]` of a slice; its tables are checked once, when it is made.
//! The right operand of a product is packed into [`Panels`]; the left one is read as it lies, or packed tile by tile. A
//! tile of sums stays in registers for the whole depth of a product, so each element's sum runs in the order of the steps
//! whatever its tile: results depend neither on threads nor on how a product is cut. An [`Epilogue`] says what becomes
//! of it. Kernels are written once, over the vectors of a SIMD level.

mod direct;
mod frame;
mod kernels;
mod multiply;
mod once;
mod repeated;
mod squares;
mod transform;
mod vectors;
mod views;
mod winograd;

pub use direct::{Strips, multiply_direct};
pub use frame::{Frame, Size, strides, volume};
pub use kernels::{Epilogue, Multiply};
pub use multiply::{Panels, add, multiply, multiply_by_panels, parts};
pub use once::{is_once, multiply_once};
pub use repeated::Repeated;
pub use squares::{Squares, Windows};
pub use views::{Offsets, View, ViewMut};
pub use winograd::{Outputs, Planes, correlate, weight_gradient};
