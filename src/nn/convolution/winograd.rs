//! Which convolutions go Winograd's way ([`crate::tensor::product::correlate`]): windows of 3 x 3 with steps of 1, of Float, where
//! vectors of planes are filled and there are enough tiles to be worth transforming the weights for.
//!
//! `docs/convolutions.md` has the errors and the speed. `REKINDLE_EXACT=1` in the environment turns it off.

use super::unfold::Geometry;
use crate::tensor::dtype::DType;
use crate::tensor::error::Result;
use crate::tensor::product::{Multiply, Offsets, Outputs, Planes, View, correlate, weight_gradient};
use std::sync::OnceLock;

/// Planes on either side from which vectors are filled.
const PLANES: usize = 16;

/// Tiles in a call from which it pays.
const TILES: usize = 16;

/// Whether the environment asks for sums in the plain order.
fn exact() -> bool {
    static EXACT: OnceLock<bool> = OnceLock::new();
    *EXACT.get_or_init(|| std::env::var_os("REKINDLE_EXACT").is_some_and(|v| v != "0" && !v.is_empty()))
}

/// A convolution that goes Winograd's way.
#[derive(Clone, Copy)]
pub struct Winograd {
    input: Planes,
    output: Planes,
    pad: usize,
}

impl Winograd {
    /// The convolution to `out` planes, if it may.
    pub fn of<T: Multiply>(g: &Geometry, out: usize) -> Option<Winograd> {
        let [z, y, x] = g.axes();
        let flat = z.input == 1 && z.kernel == 1 && z.pad == 0 && z.stride == 1;
        let square = [y, x].iter().all(|a| a.kernel == 3 && a.stride == 1 && a.dilation == 1) && y.pad == x.pad;
        let wide = g.planes >= PLANES && out >= PLANES;
        if T::DTYPE != DType::Float || !flat || !square || !wide || !(0..=2).contains(&y.pad) || exact() {
            return None;
        }
        let input = Planes { count: g.planes, height: y.input, width: x.input };
        Some(Winograd { input, output: Planes { count: out, height: y.output, width: x.output }, pad: y.pad as usize })
    }

    /// The tile for so many samples with this output, if there are enough.
    fn outputs(batch: usize, y: Planes, least: usize) -> Option<Outputs> {
        let tiles = |m: usize| batch * y.height.div_ceil(m) * y.width.div_ceil(m);
        if tiles(4) >= least {
            Some(Outputs::Four)
        } else if tiles(2) >= least {
            Some(Outputs::Two)
        } else {
            None
        }
    }

    /// Convolves, as the plan's `forward`; whether it was done.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn forward<T: Multiply>(&self, x: &[T], w: &[T], bias: &[T], y: &mut [T]) -> Result<bool> {
        let k = 9 * self.input.count;
        let (rows, cols) = (Offsets::steps(k, 1), Offsets::steps(self.output.count, k));
        let batch = x.len() / (self.input.count * self.input.height * self.input.width);
        let Some(outputs) = Self::outputs(batch, self.output, TILES) else { return Ok(false) };
        correlate(outputs, (x, self.input, self.pad), View::new(w, &rows, &cols), bias, (y, self.output))
    }

    /// The gradient of the input, as the plan's `transposed`; whether it was done.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn transposed<T: Multiply>(&self, go: &[T], w: &[T], bias: &[T], gi: &mut [T]) -> Result<bool> {
        let k = 9 * self.input.count;
        let flipped = (0..9 * self.output.count).map(|i| i / 9 * k + 8 - i % 9).collect();
        let (rows, cols) = (Offsets::new(flipped), Offsets::steps(self.input.count, 9));
        let batch = gi.len() / (self.input.count * self.input.height * self.input.width);
        let Some(outputs) = Self::outputs(batch, self.input, TILES) else { return Ok(false) };
        correlate(outputs, (go, self.output, 2 - self.pad), View::new(w, &rows, &cols), bias, (gi, self.input))
    }

    /// Adds to the gradient of the weights, as the plan's `weight_gradient`; whether it was done.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn weight_gradient<T: Multiply>(&self, x: &[T], go: &[T], scale: T, gw: &mut [T]) -> Result<bool> {
        let batch = x.len() / (self.input.count * self.input.height * self.input.width);
        let least = TILES.max(self.input.count.max(self.output.count) / 2);
        let Some(outputs) = Self::outputs(batch, self.output, least) else { return Ok(false) };
        weight_gradient(outputs, (x, self.input, self.pad), (go, self.output), scale, gw)
    }
}
