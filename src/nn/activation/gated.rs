//! Activations that halve or double one dimension (nn.GatedLinearUnit, nn.CReLU), and nn.RReLU with its drawn slopes.

#![allow(clippy::too_many_arguments, reason = "one parameter per field of the module")]

use super::check_gradient;
use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, share_rows};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::map;
use crate::tensor::random::Generator;
use crate::tensor::simd::{vectorize, vectorize_maths_on};
use crate::tensor::vmath::{Arith, Fused, Plain, VectorMath};
use std::cell::RefCell;

/// A tensor as pairs of halves along a dimension: twice `half` elements in a row, again and again.
struct Halves {
    half: usize,
    sizes: Vec<usize>,
}

impl Halves {
    /// The halves of a tensor with these sizes, whose dimension `d` is even.
    fn of(whole: &[usize], d: usize) -> Halves {
        let mut sizes = whole.to_vec();
        sizes[d] /= 2;
        Halves { half: sizes[d..].iter().product(), sizes }
    }

    /// The first and the second half of pair `i`.
    fn pair<'a, T>(&self, whole: &'a [T], i: usize) -> (&'a [T], &'a [T]) {
        whole[2 * i * self.half..2 * (i + 1) * self.half].split_at(self.half)
    }
}

/// The gated dimension from 0: the last one, unless given from 1.
fn gated(input: &Tensor, dim: Option<i64>) -> Result<Halves> {
    let d = dim.unwrap_or(input.ndim() as i64);
    demand!(
        d >= 1 && d as usize <= input.ndim() && input.size(d as usize - 1).is_multiple_of(2),
        "an input with an even size in dimension {} expected, got {}",
        d.max(1),
        input.shape_text()
    );
    Ok(Halves::of(input.layout().sizes(), d as usize - 1))
}

/// nn.GatedLinearUnit: the first half of a dimension times the sigmoid of the second.
///
/// # Errors
/// A dimension that is odd or not there.
pub fn gate<T: Float>(input: &Tensor, output: &Tensor, dim: Option<i64>) -> Result<()> {
    let halves = gated(input, dim)?;
    let (x, mut y) = (Source::<T>::of(input)?, Dest::<T>::new(output, &halves.sizes)?);
    share_rows(&mut y, halves.half, halves.half * 16, |first, rows| {
        for (i, y) in (first..).zip(rows.chunks_mut(halves.half.max(1))) {
            let (a, b) = halves.pair(&x, i);
            vectorize_maths_on(
                y.iter_mut().zip(a.iter().zip(b)),
                #[inline(always)]
                |all| all.for_each(|(y, (a, b))| *y = T::from_f64(a.to_f64() * b.to_f64().vsigmoid(Plain))),
                #[inline(always)]
                |all| all.for_each(|(y, (a, b))| *y = T::from_f64(a.to_f64() * b.to_f64().vsigmoid(Fused))),
            );
        }
    });
    Ok(())
}

/// Backward of [`gate`], of the input's size.
///
/// # Errors
/// Sizes that do not fit.
pub fn gate_grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, dim: Option<i64>) -> Result<()> {
    let halves = gated(input, dim)?;
    demand!(
        grad_output.numel() * 2 == input.numel(),
        "gradOutput {} does not fit input {}",
        grad_output.shape_text(),
        input.shape_text()
    );
    let (x, g) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    let mut r = Dest::<T>::like(grad_input, input)?;
    share_rows(&mut r, 2 * halves.half, halves.half * 24, |first, rows| {
        for (i, r) in (first..).zip(rows.chunks_mut(2 * halves.half.max(1))) {
            let ((ra, rb), (a, b)) = (r.split_at_mut(halves.half), halves.pair(&x, i));
            let all = ra.iter_mut().zip(rb).zip(a.iter().zip(b).zip(&g[i * halves.half..]));
            vectorize_maths_on(
                all,
                #[inline(always)]
                |all| all.for_each(|((ra, rb), ((a, b), g))| [*ra, *rb] = gate_slopes(Plain, *a, *b, *g)),
                #[inline(always)]
                |all| all.for_each(|((ra, rb), ((a, b), g))| [*ra, *rb] = gate_slopes(Fused, *a, *b, *g)),
            );
        }
    });
    Ok(())
}

/// The gradients of `a` and of `b` in `a sigmoid(b)`.
#[inline(always)]
fn gate_slopes<T: Float, M: Arith>(m: M, a: T, b: T, g: T) -> [T; 2] {
    let (v, s, g) = (a.to_f64(), b.to_f64().vsigmoid(m), g.to_f64());
    [T::from_f64(g * s), T::from_f64(g * v * s * (1.0 - s))]
}

/// The output of nn.CReLU as halves: the dimension after those of a batch doubles.
fn doubled(input: &Tensor, dims: i64) -> Result<Halves> {
    let batch = input.ndim() as i64 - dims;
    demand!(
        (0..=1).contains(&batch) && dims > 0,
        "{dims} dimensions, or one more for a batch, expected, got {}",
        input.shape_text()
    );
    let mut sizes = input.layout().sizes().to_vec();
    sizes[batch as usize] *= 2;
    Ok(Halves::of(&sizes, batch as usize))
}

/// nn.CReLU: what is above 0, then the negative of what is below, side by side in dimension 1 of a sample.
///
/// # Errors
/// Another number of dimensions.
pub fn both_signs<T: Float>(input: &Tensor, output: &Tensor, dims: i64) -> Result<()> {
    let halves = doubled(input, dims)?;
    let mut sizes = input.layout().sizes().to_vec();
    sizes[input.ndim() - dims as usize] *= 2;
    let (x, mut y) = (Source::<T>::of(input)?, Dest::<T>::new(output, &sizes)?);
    let above = |v: T| if v > T::ZERO { v } else { T::ZERO };
    share_rows(&mut y, 2 * halves.half, halves.half * 3, |first, rows| {
        for (i, y) in (first..).zip(rows.chunks_mut(2 * halves.half.max(1))) {
            let (up, down) = y.split_at_mut(halves.half);
            let all = up.iter_mut().zip(down).zip(&x[i * halves.half..]);
            vectorize(
                #[inline(always)]
                move || all.for_each(|((up, down), x)| (*up, *down) = (above(*x), above(x.neg()))),
            );
        }
    });
    Ok(())
}

/// Backward of [`both_signs`], of the input's size.
///
/// # Errors
/// Sizes that do not fit.
pub fn both_signs_grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, dims: i64) -> Result<()> {
    let halves = doubled(input, dims)?;
    demand!(
        grad_output.numel() == 2 * input.numel(),
        "gradOutput {} does not fit input {}",
        grad_output.shape_text(),
        input.shape_text()
    );
    let (x, g) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    let mut r = Dest::<T>::like(grad_input, input)?;
    let slope = |x: T, up: T, down: T| {
        let up = if x > T::ZERO { up } else { T::ZERO };
        if x < T::ZERO { down.neg() } else { up }
    };
    share_rows(&mut r, halves.half, halves.half * 4, |first, rows| {
        for (i, r) in (first..).zip(rows.chunks_mut(halves.half.max(1))) {
            let (up, down) = halves.pair(&g, i);
            let all = r.iter_mut().zip(&x[i * halves.half..]).zip(up.iter().zip(down));
            vectorize(
                #[inline(always)]
                move || all.for_each(|((r, x), (up, down))| *r = slope(*x, *up, *down)),
            );
        }
    });
    Ok(())
}

fields! {
    /// nn.RReLU
    pub struct RReLU {
        /// The least slope.
        lower: f64 = ".lower:num",
        /// The greatest slope.
        upper: f64 = ".upper:num",
        /// Whether slopes are drawn.
        train: bool = ".train:bool=true",
        /// Whether the result takes the place of the input.
        inplace: bool = ".inplace:bool=false",
    }
}

/// Elements that are drawn and multiplied together: they stay in the nearest cache.
const BLOCK: usize = 1024;

/// nn.RReLU: `noise`, of the input's size, receives the slope of every element: 1 above 0; else drawn between `lower` and
/// `upper` in training, and their middle in evaluation. In place, `output` becomes a view of `input`.
///
/// # Errors
/// Not enough memory.
pub fn random_leaky<T: Float>(
    input: &Tensor,
    output: &Tensor,
    noise: &Tensor,
    generator: &RefCell<Generator>,
    fields: RReLU,
) -> Result<()> {
    let RReLU { lower, upper, train, inplace } = fields;
    let draws = &mut *generator.borrow_mut();
    let middle = T::from_f64((lower + upper) / 2.0);
    // the slopes below 0 of a block, one after another, and where they go
    let (mut drawn, mut places) = ([0.0; BLOCK], [0u16; BLOCK]);
    let mut slopes = |x: &[T], slopes: &mut [T]| {
        if !train {
            let all = slopes.iter_mut().zip(x);
            return vectorize(
                #[inline(always)]
                move || all.for_each(|(slope, x)| *slope = if *x <= T::ZERO { middle } else { T::ONE }),
            );
        }
        // without branches: signs are as good as random
        let mut count = 0;
        for (i, x) in x.iter().enumerate() {
            places[count.min(BLOCK - 1)] = i as u16;
            count += usize::from(*x <= T::ZERO);
        }
        draws.fill_uniform_between(&mut drawn[..count], lower, upper);
        slopes.fill(T::ONE);
        for (i, v) in places[..count].iter().zip(&drawn) {
            slopes[usize::from(*i)] = T::from_f64(*v);
        }
    };
    if inplace {
        output.set(input)?;
        let (mut y, mut noise) = (Dest::<T>::update(output)?, Dest::<T>::like(noise, input)?);
        for (y, noise) in y.chunks_mut(BLOCK).zip(noise.chunks_mut(BLOCK)) {
            slopes(y, noise);
            vectorize(
                #[inline(always)]
                move || y.iter_mut().zip(noise).for_each(|(y, slope)| *y = y.mul(*slope)),
            );
        }
        return Ok(());
    }
    let x = Source::<T>::of(input)?;
    let (mut y, mut noise) = (Dest::<T>::like(output, input)?, Dest::<T>::like(noise, input)?);
    for ((y, noise), x) in y.chunks_mut(BLOCK).zip(noise.chunks_mut(BLOCK)).zip(x.chunks(BLOCK)) {
        slopes(x, noise);
        vectorize(
            #[inline(always)]
            move || y.iter_mut().zip(x.iter().zip(noise)).for_each(|(y, (x, slope))| *y = x.mul(*slope)),
        );
    }
    Ok(())
}

/// Backward of [`random_leaky`]: the gradient times the slopes; in place, `grad_input` becomes a view of `grad_output`.
///
/// # Errors
/// Sizes that differ.
pub fn random_leaky_grad<T: Float>(
    _input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    noise: &Tensor,
    inplace: bool,
) -> Result<()> {
    check_gradient(grad_output, noise)?;
    if inplace {
        grad_input.set(grad_output)?
    } else {
        grad_input.resize_as(grad_output)?
    }
    map::binary("RReLU", grad_input, grad_output, noise, |g: T, s: T| g.mul(s))
}
