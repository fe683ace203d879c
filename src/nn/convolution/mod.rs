//! Convolutions: of planes in two and three dimensions, plain, dilated and transposed; over time; with a table of
//! connections; with weights of their own for each position; by planes.

pub mod connected;
mod correlation;
pub mod depthwise;
pub mod engine;
mod gradient;
mod groups;
mod kept;
pub mod local;
pub mod planes;
pub mod temporal;
pub mod unfold;
mod weight;
mod winograd;

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod kinds_tests;
#[cfg(test)]
mod tests;

use crate::fields;
use crate::nn::window::{PlaneWindow, Step};
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;

fields! {
    /// Window, stride and padding of a convolution over planes without dilation.
    pub struct Window {
        /// Its size and stride.
        window: PlaneWindow = PlaneWindow::TEXT,
        /// Zeros on the left and on the right.
        pad_w: i64 = ".padW:long=0",
        /// Zeros above and below.
        pad_h: i64 = ".padH:long=0",
    }
}

impl Window {
    /// What it says of rows and columns.
    fn steps(self) -> [Step; 2] {
        self.window.steps([self.pad_h, self.pad_w], [1, 1])
    }
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
