//! Convolutions: of planes in two and three dimensions, plain, dilated and transposed; over time; with a table of
//! connections; with weights of their own for each position; by planes.

pub mod connected;
pub mod depthwise;
pub mod engine;
pub mod local;
pub mod planes;
pub mod temporal;
pub mod unfold;

#[cfg(test)]
mod tests;

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use crate::tensor::layout::{Layout, shape_text};

/// Fails unless a tensor has these sizes.
fn expect_sizes(what: &str, x: &Tensor, sizes: &[usize]) -> Result<()> {
    demand!(x.has_sizes(sizes), "{what} of size {} expected, got {}", shape_text(sizes), x.shape_text());
    Ok(())
}

/// Gives a weight matrix its planes: (O x C kH kW) becomes (O x C x kH x kW).
fn with_planes(weight: &Tensor, kh: i64, kw: i64) -> Result<()> {
    let (kh, kw) = (kh.max(1) as usize, kw.max(1) as usize);
    if weight.ndim() == 2 && weight.is_contiguous() && weight.size(1).is_multiple_of(kw * kh) {
        let sizes = [weight.size(0), weight.size(1) / (kw * kh), kh, kw];
        let flat = Layout::contiguous(&sizes)?;
        weight.set_layout(Layout::strided(weight.offset(), &sizes, flat.strides())?);
    }
    Ok(())
}
