//! Which convolutions go Winograd's way ([`crate::tensor::product::correlate`]): windows of 3 x 3 with steps of 1, of Float, where
//! vectors of planes are filled and there are enough tiles to be worth transforming the weights for.
//!
//! `docs/convolutions.md` has the errors. `REKINDLE_EXACT=1` in the environment turns it off.

use super::unfold::Geometry;
use crate::tensor::dtype::DType;
use crate::tensor::error::Result;
use crate::tensor::product::{Multiply, Offsets, Outputs, Planes, Squares, View, Windows, correlate, weight_gradient};
use std::sync::OnceLock;

/// Planes on either side from which vectors are filled.
const PLANES: usize = 16;

/// Tiles in a call from which it pays.
const TILES: usize = 16;

/// The tiles that the environment allows: those of 4 x 4, with `REKINDLE_TILE=2` those of 2 x 2, with `REKINDLE_EXACT=1` none.
fn allowed() -> Option<Outputs> {
    static ALLOWED: OnceLock<Option<Outputs>> = OnceLock::new();
    *ALLOWED.get_or_init(|| {
        let exact = std::env::var_os("REKINDLE_EXACT").is_some_and(|v| v != "0" && !v.is_empty());
        let two = std::env::var_os("REKINDLE_TILE").is_some_and(|v| v == "2");
        if exact { None } else { Some(if two { Outputs::Two } else { Outputs::Four }) }
    })
}

/// A convolution that goes Winograd's way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Winograd {
    input: Planes,
    output: Planes,
    pad: usize,
    tile: Outputs,
}

impl Winograd {
    /// The convolution to `out` planes, if it may.
    pub fn of<T: Multiply>(g: &Geometry, out: usize) -> Option<Winograd> {
        let [z, y, x] = g.axes();
        let flat = z.input == 1 && z.kernel == 1 && z.pad == 0 && z.stride == 1;
        let square = [y, x].iter().all(|a| a.kernel == 3 && a.stride == 1 && a.dilation == 1) && y.pad == x.pad;
        let wide = g.planes >= PLANES && out >= PLANES;
        if T::DTYPE != DType::Float || !flat || !square || !wide || !(0..=2).contains(&y.pad) {
            return None;
        }
        let tile = allowed()?;
        let input = Planes { count: g.planes, height: y.input, width: x.input };
        let output = Planes { count: out, height: y.output, width: x.output };
        Some(Winograd { input, output, pad: y.pad as usize, tile })
    }

    /// Whether samples with so many elements of the input, and with this output, have enough tiles.
    fn pays(&self, elements: usize, y: Planes, least: usize) -> bool {
        let m = if self.tile == Outputs::Four { 4 } else { 2 };
        let batch = elements / self.input.sample_len();
        batch * y.height.div_ceil(m) * y.width.div_ceil(m) >= least
    }

    /// Convolves, as the plan's `forward`; whether it was done.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn forward<T: Multiply>(&self, x: &[T], w: &[T], bias: &[T], y: &mut [T]) -> Result<bool> {
        if !self.is_worth(x.len()) {
            return Ok(false);
        }
        let [rows, cols] = self.weights();
        self.correlate(x, Windows::Plain(View::new(w, &rows, &cols)), bias, y)
    }

    /// Whether [`Winograd::forward`] takes an input of so many elements.
    pub fn is_worth(&self, elements: usize) -> bool {
        self.pays(elements, self.output, TILES)
    }

    /// Rows and columns of the weights.
    fn weights(&self) -> [Offsets; 2] {
        let k = 9 * self.input.count;
        [Offsets::steps(k, 1), Offsets::steps(self.output.count, k)]
    }

    /// What [`Winograd::correlate`] makes of the weights.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn squares<T: Multiply>(&self, w: &[T]) -> Result<Squares<T>> {
        let [rows, cols] = self.weights();
        Squares::new(self.tile, View::new(w, &rows, &cols))
    }

    /// How many elements [`Winograd::squares`] has.
    pub fn squares_len<T: Multiply>(&self) -> usize {
        Squares::<T>::count(self.tile, self.input.count, self.output.count)
    }

    /// Convolves with weights or their squares; whether all is finite.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn correlate<T: Multiply>(&self, x: &[T], w: Windows<T>, bias: &[T], y: &mut [T]) -> Result<bool> {
        correlate(self.tile, (x, self.input, self.pad), w, bias, (y, self.output))
    }

    /// The gradient of the input, as the plan's `transposed`; whether it was done.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn transposed<T: Multiply>(&self, go: &[T], w: &[T], bias: &[T], gi: &mut [T]) -> Result<bool> {
        if !self.pays(gi.len(), self.input, TILES) {
            return Ok(false);
        }
        let k = 9 * self.input.count;
        let flipped = (0..9 * self.output.count).map(|i| i / 9 * k + 8 - i % 9).collect();
        let (rows, cols) = (Offsets::new(flipped), Offsets::steps(self.input.count, 9));
        let w = Windows::Plain(View::new(w, &rows, &cols));
        correlate(self.tile, (go, self.output, 2 - self.pad), w, bias, (gi, self.input))
    }

    /// Adds to the gradient of the weights, as the plan's `weight_gradient`; whether it was done.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn weight_gradient<T: Multiply>(&self, x: &[T], go: &[T], scale: T, gw: &mut [T]) -> Result<bool> {
        let least = TILES.max(self.input.count.max(self.output.count) / 2);
        if !self.pays(x.len(), self.output, least) {
            return Ok(false);
        }
        weight_gradient(self.tile, (x, self.input, self.pad), (go, self.output), scale, gw)
    }
}
