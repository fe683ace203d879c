//! Activations with a shape of their own: shrinking ones, SoftPlus, and PReLU with its parameters.

use super::check_gradient;
use crate::demand;
use crate::fields;
use crate::maths;
use crate::nn::vectors::sums_of;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, share_rows};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::map;
use crate::tensor::simd::vectorize;

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
    check_gradient(grad_output, input)?;
    grad_input.resize_as(input)?;
    let f = |g: T, x: T| if x > lambda || x < lambda.neg() { g } else { T::ZERO };
    map::binary("shrink", grad_input, grad_output, input, f)
}

fields! {
    /// nn.SoftPlus
    pub struct SoftPlus<T> {
        /// How sharp the bend is.
        beta: T = ".beta:real",
        /// `beta x` above this gives `x`.
        threshold: T = ".threshold:real",
    }
}

/// SoftPlus: `log(1 + exp(beta x)) / beta`, and `x` where `beta x` is above the threshold.
///
/// # Errors
/// Not enough memory.
pub fn soft_plus<T: Float>(input: &Tensor, output: &Tensor, fields: SoftPlus<T>) -> Result<()> {
    let SoftPlus { beta, threshold } = fields;
    output.resize_as(input)?;
    let f = maths!(|m, x: T| {
        let bx = x.mul(beta);
        let y = bx.vexp(m).vlog1p(m).over(beta);
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
    fields: SoftPlus<T>,
) -> Result<()> {
    let SoftPlus { beta, threshold } = fields;
    check_gradient(grad_output, output)?;
    grad_input.resize_as(output)?;
    let f = maths!(|m, g: T, y: T| {
        let by = y.mul(beta);
        let z = by.vexp(m);
        let part = g.mul(z.sub(T::ONE).over(z));
        if by > threshold { g } else { part }
    });
    map::binary("SoftPlus", grad_input, grad_output, output, f)
}

/// Which slope each element takes: `(i / inner) % planes`. One slope serves everything; several go by planes, which are
/// dimension 1 of 1D inputs and dimension 2 of others.
fn planes(input: &Tensor, slopes: &Tensor) -> Result<(usize, usize)> {
    let n = slopes.numel();
    if n == 1 {
        return Ok((1, input.numel().max(1)));
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
    let (x, w) = (Source::<T>::of(input)?, Source::<T>::of(weight)?);
    let mut y = Dest::<T>::like(output, input)?;
    share_rows(&mut y, inner, inner, |first, y| {
        for (plane, y) in (first..).zip(y.chunks_mut(inner)) {
            let w = w[plane % n];
            let all = y.iter_mut().zip(&x[plane * inner..]);
            vectorize(
                #[inline(always)]
                move || all.for_each(|(y, &x)| *y = if x > T::ZERO { x } else { x.mul(w) }),
            );
        }
    });
    Ok(())
}

/// Backward of [`prelu`], of the input's size.
///
/// # Errors
/// Sizes that do not fit.
pub fn prelu_grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, weight: &Tensor) -> Result<()> {
    check_gradient(grad_output, input)?;
    let (n, inner) = planes(input, weight)?;
    let (x, g, w) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?, Source::<T>::of(weight)?);
    let mut r = Dest::<T>::like(grad_input, input)?;
    share_rows(&mut r, inner, inner, |first, r| {
        for (plane, r) in (first..).zip(r.chunks_mut(inner)) {
            let w = w[plane % n];
            let all = r.iter_mut().zip(&x[plane * inner..]).zip(&g[plane * inner..]);
            vectorize(
                #[inline(always)]
                move || all.for_each(|((r, &x), &g)| *r = if x > T::ZERO { g } else { g.mul(w) }),
            );
        }
    });
    Ok(())
}

/// Adds `scale` times the gradient of the slopes.
///
/// # Errors
/// Sizes that do not fit.
pub fn prelu_acc<T: Float>(input: &Tensor, grad_output: &Tensor, scale: T, grad_weight: &Tensor) -> Result<()> {
    check_gradient(grad_output, input)?;
    let (n, inner) = planes(input, grad_weight)?;
    let mut sums = vec![0.0; n];
    let (x, g) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    for (plane, (x, g)) in x.chunks(inner).zip(g.chunks(inner)).enumerate() {
        let [sum] = vectorize(
            #[inline(always)]
            || {
                sums_of(
                    [x, g],
                    #[inline(always)]
                    |[x, g]| [if x <= 0.0 { T::from_f64(x * g).to_f64() } else { 0.0 }],
                )
            },
        );
        sums[plane % n] += sum;
    }
    let mut into = Dest::<T>::update(grad_weight)?;
    into.iter_mut().zip(&sums).for_each(|(w, &sum)| *w = w.add(scale.mul(T::from_f64(sum))));
    Ok(())
}
