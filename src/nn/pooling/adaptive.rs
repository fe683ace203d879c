//! Poolings whose windows divide the input evenly, whatever its size.

use super::window::{Axis, Plan, planes_of};
use super::{INSIDE, averages, averages_grad, max};
use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, Workspace};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::memory_limit;

fields! {
    /// The size of the output's planes.
    pub struct Adaptive {
        /// Its width.
        width: i64 = ".W:long",
        /// Its height.
        height: i64 = ".H:long",
    }
}

impl Adaptive {
    /// `bounds(i, output, input)` gives start and end of window `i`.
    fn plan(self, input: &Tensor, bounds: fn(usize, usize, usize) -> [usize; 2]) -> Result<Plan> {
        let Adaptive { width, height } = self;
        let fits = |n: i64| n > 0 && n < 1 << 31;
        demand!(fits(width) && fits(height), "an output of at least 1 x 1 expected, got {height} x {width}");
        let planes = planes_of(input, 2)?;
        memory_limit::demand::<f32>(&[&input.layout().sizes()[..planes], &[height as usize, width as usize]].concat())?;
        Plan::of(input, planes, |i, n| {
            let output = [height, width][i] as usize;
            Axis::adaptive(n, output, |k| bounds(k, output, n))
        })
    }
}

/// The windows of maxima, with the roundings of single precision, as Torch7 computes them.
fn single(i: usize, output: usize, input: usize) -> [usize; 2] {
    let at = |i: usize| i as f32 / output as f32 * input as f32;
    [at(i).floor() as usize, at(i + 1).ceil() as usize]
}

/// The windows of averages.
fn exact(i: usize, output: usize, input: usize) -> [usize; 2] {
    [i * input / output, ((i + 1) * input).div_ceil(output)]
}

/// Maxima; indices (2 x size of the output): the row and the column within the window, from 1 (0: none).
///
/// # Errors
/// Sizes that do not fit.
pub fn adaptive_max<T: Float>(input: &Tensor, output: &Tensor, indices: &Tensor, size: Adaptive) -> Result<()> {
    let p = size.plan(input, single)?;
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::new(output, &p.sizes)?;
    let mut at = Dest::<i64>::new(indices, &[&[2], &p.sizes[..]].concat())?;
    let mut places = Workspace::new(p.len())?;
    max::forward(&x, &p, &mut y, &mut places);
    let (rows, columns) = at.split_at_mut(p.len());
    max::split(&p, &places, rows, columns);
    Ok(())
}

/// Backward of [`adaptive_max`]: each gradient goes to the place of its maximum.
///
/// # Errors
/// Sizes that do not fit, indices outside of the input, a window without a maximum.
pub fn adaptive_max_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    indices: &Tensor,
    size: Adaptive,
) -> Result<()> {
    let p = size.plan(input, single)?;
    p.check("gradOutput", grad_output)?;
    super::check_indices(indices, &[&[2], &p.sizes[..]].concat())?;
    let (go, at) = (Source::<T>::of(grad_output)?, Source::<i64>::of(indices)?);
    let (rows, columns) = at.split_at(p.len());
    let mut places = Workspace::new(p.len())?;
    max::join(&p, &mut places, rows, columns);
    max::check(&places, p.plane(), false)?;
    let mut gi = Dest::<T>::like(grad_input, input)?;
    max::backward(&go, &p, &places, &mut gi);
    Ok(())
}

/// Averages.
///
/// # Errors
/// Sizes that do not fit.
pub fn adaptive_average<T: Float>(input: &Tensor, output: &Tensor, size: Adaptive) -> Result<()> {
    averages::<T>(input, output, &size.plan(input, exact)?, INSIDE)
}

/// Backward of [`adaptive_average`].
///
/// # Errors
/// Sizes that do not fit.
pub fn adaptive_average_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    size: Adaptive,
) -> Result<()> {
    averages_grad::<T>(input, grad_output, grad_input, &size.plan(input, exact)?, INSIDE)
}
