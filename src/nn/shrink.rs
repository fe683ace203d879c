//! Activations with a shape of their own: shrinking ones, SoftPlus, and PReLU with its parameters.

use super::target;
use crate::demand;
use crate::maths;
use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::map;
use crate::tensor::ops::copy::contiguous;

/// HardShrink: 0 within `lambda` of 0.
///
/// # Errors
/// Not enough memory.
pub fn hard<T: Float>(input: &Tensor, output: &Tensor, lambda: T) -> Result<()> {
    output.resize_as(input)?;
    map::unary("HardShrink", output, input, 1, |x: T| if x > lambda || x < lambda.neg() { x } else { T::ZERO })
}

/// SoftShrink: everything moved towards 0 by `lambda`.
///
/// # Errors
/// Not enough memory.
pub fn soft<T: Float>(input: &Tensor, output: &Tensor, lambda: T) -> Result<()> {
    output.resize_as(input)?;
    map::unary("SoftShrink", output, input, 1, |x: T| {
        if x > lambda {
            x.sub(lambda)
        } else if x < lambda.neg() {
            x.add(lambda)
        } else {
            T::ZERO
        }
    })
}

/// Backward of [`hard`] and [`soft`].
///
/// # Errors
/// Sizes that differ.
pub fn grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, lambda: T) -> Result<()> {
    map::same_count("shrink", grad_output, input)?;
    grad_input.resize_as(input)?;
    let f = |g: T, x: T| if x > lambda || x < lambda.neg() { g } else { T::ZERO };
    map::binary("shrink", grad_input, grad_output, input, f)
}

/// SoftPlus: `log(1 + exp(beta x)) / beta`, and `x` where `beta x` is above the threshold.
///
/// # Errors
/// Not enough memory.
pub fn soft_plus<T: Float>(input: &Tensor, output: &Tensor, beta: T, threshold: T) -> Result<()> {
    output.resize_as(input)?;
    let f = maths!(|m, x: T| {
        let bx = x.mul(beta);
        let y = bx.vexp(m).vlog1p(m).div(beta).unwrap_or(T::ZERO);
        if bx > threshold { x } else { y }
    });
    map::unary("SoftPlus", output, input, 16, f)
}

/// Backward of [`soft_plus`], from its output.
///
/// # Errors
/// Sizes that differ.
pub fn soft_plus_grad<T: Float>(
    _input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    output: &Tensor,
    beta: T,
    threshold: T,
) -> Result<()> {
    map::same_count("SoftPlus", grad_output, output)?;
    grad_input.resize_as(output)?;
    let f = maths!(|m, g: T, y: T| {
        let by = y.mul(beta);
        let z = by.vexp(m);
        let part = g.mul(z.sub(T::ONE).div(z).unwrap_or(T::ZERO));
        if by > threshold { g } else { part }
    });
    map::binary("SoftPlus", grad_input, grad_output, output, f)
}

/// Which slope each element takes: `(i / inner) % planes`. One slope serves everything; several go by planes, which are
/// dimension 1 of 1D inputs and dimension 2 of others.
fn planes(input: &Tensor, slopes: &Tensor) -> Result<(usize, usize)> {
    let n = slopes.numel();
    if n == 1 {
        return Ok((1, 1));
    }
    demand!((1..=4).contains(&input.ndim()), "1D to 4D input expected, got {}", input.shape_text());
    let d = usize::from(input.ndim() > 1);
    demand!(input.size(d) == n, "wrong number of input planes: {} where {n} are expected", input.size(d));
    Ok((n, input.layout().sizes()[d + 1..].iter().product()))
}

/// PReLU: `x` above 0, else `weight x`; weight (1) or (planes).
///
/// # Errors
/// Sizes that do not fit.
pub fn prelu<T: Float>(input: &Tensor, output: &Tensor, weight: &Tensor) -> Result<()> {
    let (n, inner) = planes(input, weight)?;
    let (x, w) = (input.to_vec::<T>()?, weight.to_vec::<T>()?);
    let y = target::<T>(output, input.layout().sizes())?;
    for (i, &x) in x.iter().enumerate() {
        // SAFETY: the output has as many elements as the input.
        unsafe { *y.add(i) = if x > T::ZERO { x } else { x.mul(w[i / inner % n]) } };
    }
    Ok(())
}

/// Backward of [`prelu`], of the input's size.
///
/// # Errors
/// Sizes that do not fit.
pub fn prelu_grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, weight: &Tensor) -> Result<()> {
    map::same_count("PReLU", grad_output, input)?;
    let (n, inner) = planes(input, weight)?;
    let (x, g, w) = (input.to_vec::<T>()?, grad_output.to_vec::<T>()?, weight.to_vec::<T>()?);
    let r = target::<T>(grad_input, input.layout().sizes())?;
    for (i, (&x, &g)) in x.iter().zip(&g).enumerate() {
        // SAFETY: gradInput has as many elements as the input.
        unsafe { *r.add(i) = if x > T::ZERO { g } else { g.mul(w[i / inner % n]) } };
    }
    Ok(())
}

/// Adds `scale` times the gradient of the slopes.
///
/// # Errors
/// Sizes that do not fit.
pub fn prelu_acc<T: Float>(input: &Tensor, grad_output: &Tensor, scale: T, grad_weight: &Tensor) -> Result<()> {
    map::same_count("PReLU", grad_output, input)?;
    let (n, inner) = planes(input, grad_weight)?;
    let mut sums = vec![0.0; n];
    for (i, (x, g)) in input.to_vec::<T>()?.into_iter().zip(grad_output.to_vec::<T>()?).enumerate() {
        if x <= T::ZERO {
            sums[i / inner % n] += x.mul(g).to_f64();
        }
    }
    let sums: Vec<T> = sums.into_iter().map(|s| scale.mul(T::from_f64(s))).collect();
    let add = Tensor::from_slice(&sums)?;
    map::binary("PReLU", grad_weight, &contiguous(grad_weight)?, &add, |a: T, b: T| a.add(b))
}
