//! Maxima over windows at random distances, which are no whole number on average. Graham, Fractional Max-Pooling, 2014.

use super::max::Places;
use super::window::{Axis, Plan, planes_of};
use super::{max, maxima_grad};
use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;

fields! {
    /// Sizes of the windows, and the random numbers that place them.
    pub struct FractionalSpatial<'a> {
        /// Width of the window.
        kw: i64 = ".poolSizeW:long",
        /// Its height.
        kh: i64 = ".poolSizeH:long",
        /// For every plane, two numbers from 0 to below 1: for the width and for the height.
        samples: Option<&'a Tensor> = ".randomSamples:T=nil",
    }
}
fields! {
    /// Sizes of the windows, and the random numbers that place them.
    pub struct FractionalVolumetric<'a> {
        /// Frames of the window.
        kt: i64 = ".poolSizeT:long",
        /// Its width.
        kw: i64 = ".poolSizeW:long",
        /// Its height.
        kh: i64 = ".poolSizeH:long",
        /// For every plane, three numbers from 0 to below 1: for time, width and height.
        samples: Option<&'a Tensor> = ".randomSamples:T=nil",
    }
}

/// One dimension: its name, window, output size, and which of a plane's random numbers is its own.
type Dimension = (&'static str, i64, i64, usize);

fn plan<T: Float>(input: &Tensor, samples: Option<&Tensor>, dimensions: &[Dimension]) -> Result<Plan> {
    let n = dimensions.len();
    let first = planes_of(input, n)?;
    let planes: usize = input.layout().sizes()[..first].iter().product();
    let Some(samples) = samples else {
        crate::refuse!("there are no random samples yet: forward comes before backward");
    };
    demand!(
        samples.numel() == planes * n,
        "{n} random samples for each of {planes} planes expected, got {}",
        samples.shape_text()
    );
    let drawn = Source::<T>::of(samples)?;
    Plan::of(input, first, |i, size| {
        let (name, window, output, which) = dimensions[i];
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
        let own: Vec<T> = drawn.iter().skip(which).step_by(n).copied().collect();
        Axis::fractional(size, output as usize, window as usize, &own)
    })
}

impl FractionalSpatial<'_> {
    fn plan<T: Float>(self, input: &Tensor, [width, height]: [i64; 2]) -> Result<Plan> {
        plan::<T>(input, self.samples, &[("height", self.kh, height, 1), ("width", self.kw, width, 0)])
    }
}

impl FractionalVolumetric<'_> {
    /// The dimensions of the input are height, width and time, in this order.
    fn plan<T: Float>(self, input: &Tensor, [time, width, height]: [i64; 3]) -> Result<Plan> {
        let time = ("time", self.kt, time, 0);
        plan::<T>(input, self.samples, &[("height", self.kh, height, 2), ("width", self.kw, width, 1), time])
    }
}

fn forward<T: Float>(input: &Tensor, output: &Tensor, indices: &Tensor, p: &Plan) -> Result<()> {
    let x = Source::<T>::of(input)?;
    let (mut y, mut at) = (Dest::<T>::new(output, &p.sizes)?, Dest::<i64>::new(indices, &p.sizes)?);
    max::forward(&x, p, &mut y, &mut at);
    max::check(&at, p.plane(), false)
}

/// Maxima over planes of an output of this size; indices count the places in the plane from 1.
///
/// # Errors
/// Sizes that do not fit, a window without a maximum.
pub fn fractional_spatial<T: Float>(
    input: &Tensor,
    output: &Tensor,
    indices: &Tensor,
    width: i64,
    height: i64,
    fields: FractionalSpatial,
) -> Result<()> {
    forward::<T>(input, output, indices, &fields.plan::<T>(input, [width, height])?)
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
    let p = fields.plan::<T>(input, [width, height])?;
    maxima_grad::<T>([input, grad_output, grad_input, indices], &p, Places::Plane, false)
}

/// As [`fractional_spatial`], over volumes of height x width x time.
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
    fields: FractionalVolumetric,
) -> Result<()> {
    forward::<T>(input, output, indices, &fields.plan::<T>(input, [time, width, height])?)
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
    let p = fields.plan::<T>(input, [time, width, height])?;
    maxima_grad::<T>([input, grad_output, grad_input, indices], &p, Places::Plane, false)
}
