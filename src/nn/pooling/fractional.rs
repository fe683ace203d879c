//! Maxima over windows at random distances, which are no whole number on average. Graham, Fractional Max-Pooling, 2014.

use super::max::Places;
use super::window::{Axis, Plan, planes_of};
use super::{max, maxima_grad};
use crate::demand;
use crate::fields;
use crate::nn::window::Step;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;

fields! {
    /// Sizes of the windows.
    pub struct FractionalSpatial {
        /// Width of the window.
        kw: i64 = ".poolSizeW:long",
        /// Its height.
        kh: i64 = ".poolSizeH:long",
    }
}
fields! {
    /// Sizes of the windows.
    pub struct FractionalVolumetric {
        /// Frames of the window.
        kt: i64 = ".poolSizeT:long",
        /// Its width.
        kw: i64 = ".poolSizeW:long",
        /// Its height.
        kh: i64 = ".poolSizeH:long",
    }
}

/// One dimension: its name, window, output size, and which of a plane's random numbers is its own.
type Dimension = (&'static str, i64, i64, usize);

/// A plan whose windows `axis(dimension, size)` places.
fn plan<const N: usize>(
    input: &Tensor,
    dimensions: [Dimension; N],
    axis: impl Fn(Dimension, usize) -> Result<Axis>,
) -> Result<Plan> {
    let first = planes_of(input, N)?;
    Plan::of(input, first, |i, size| {
        let (name, window, output, _) = dimensions[i];
        let fits = |v: i64| v > 0 && v < 1 << 31;
        demand!(
            fits(window) && fits(output),
            "window and output of at least 1 expected, got {window} and {output} ({name})"
        );
        demand!(
            output + window <= size as i64,
            "{output} windows of {window} need more than the input's {name} of {size}: {} or more expected",
            output + window
        );
        axis(dimensions[i], size)
    })
}

/// A plan of windows where random numbers from 0 to below 1 place them, one for every plane and dimension.
fn drawn<T: Float, const N: usize>(input: &Tensor, samples: &Tensor, dimensions: [Dimension; N]) -> Result<Plan> {
    let first = planes_of(input, N)?;
    let planes: usize = input.layout().sizes()[..first].iter().product();
    demand!(
        samples.numel() == planes * N,
        "{N} random samples for each of {planes} planes expected, got {}",
        samples.shape_text()
    );
    let samples = Source::<T>::of(samples)?;
    plan(input, dimensions, |(_, window, output, which), size| {
        let own: Vec<T> = samples.iter().skip(which).step_by(N).copied().collect();
        Axis::fractional(size, output as usize, window as usize, &own)
    })
}

/// The sizes alone, for gradients, which go where the indices say.
fn sized<const N: usize>(input: &Tensor, dimensions: [Dimension; N]) -> Result<Plan> {
    plan(input, dimensions, |(_, window, output, _), size| {
        Axis::regular(size, output as usize, Step::new(window, 1, 0))
    })
}

impl FractionalSpatial {
    fn dimensions(self, [width, height]: [i64; 2]) -> [Dimension; 2] {
        [("height", self.kh, height, 1), ("width", self.kw, width, 0)]
    }
}

impl FractionalVolumetric {
    /// The dimensions of the input are height, width and time, in this order.
    fn dimensions(self, [time, width, height]: [i64; 3]) -> [Dimension; 3] {
        [("height", self.kh, height, 2), ("width", self.kw, width, 1), ("time", self.kt, time, 0)]
    }
}

fn forward<T: Float>(input: &Tensor, output: &Tensor, indices: &Tensor, p: &Plan) -> Result<()> {
    let x = Source::<T>::of(input)?;
    let (mut y, mut at) = (Dest::<T>::new(output, &p.sizes)?, Dest::<i64>::new(indices, &p.sizes)?);
    max::forward(&x, p, &mut y, &mut at);
    max::check(&at, p.plane(), false)
}

/// Maxima over planes of an output of this size, with two `samples` for each plane, the width's first; indices count the places in the plane from 1.
///
/// # Errors
/// Sizes that do not fit, a window without a maximum.
pub fn fractional_spatial<T: Float>(
    input: &Tensor,
    output: &Tensor,
    indices: &Tensor,
    width: i64,
    height: i64,
    samples: &Tensor,
    fields: FractionalSpatial,
) -> Result<()> {
    forward::<T>(input, output, indices, &drawn::<T, 2>(input, samples, fields.dimensions([width, height]))?)
}

/// Backward of [`fractional_spatial`].
///
/// # Errors
/// Sizes that do not fit, indices outside of the input.
pub fn fractional_spatial_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    indices: &Tensor,
    width: i64,
    height: i64,
    fields: FractionalSpatial,
) -> Result<()> {
    let p = sized(input, fields.dimensions([width, height]))?;
    maxima_grad::<T>([input, grad_output, grad_input, indices], &p, Places::Plane, false)
}

/// As [`fractional_spatial`], over volumes of height x width x time; the samples of a plane are in the reverse order.
///
/// # Errors
/// As [`fractional_spatial`].
pub fn fractional_volumetric<T: Float>(
    input: &Tensor,
    output: &Tensor,
    indices: &Tensor,
    time: i64,
    width: i64,
    height: i64,
    samples: &Tensor,
    fields: FractionalVolumetric,
) -> Result<()> {
    forward::<T>(input, output, indices, &drawn::<T, 3>(input, samples, fields.dimensions([time, width, height]))?)
}

/// Backward of [`fractional_volumetric`].
///
/// # Errors
/// Sizes that do not fit, indices outside of the input.
#[allow(clippy::too_many_arguments)] // those of the row
pub fn fractional_volumetric_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    indices: &Tensor,
    time: i64,
    width: i64,
    height: i64,
    fields: FractionalVolumetric,
) -> Result<()> {
    let p = sized(input, fields.dimensions([time, width, height]))?;
    maxima_grad::<T>([input, grad_output, grad_input, indices], &p, Places::Plane, false)
}
