//! Criteria: input and target of the same number of elements; losses are numbers.

use super::{dense, target as result};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::{DType, Element, Float};
use crate::tensor::error::Result;
use crate::tensor::map::same_count;
use crate::tensor::{map, walk};

/// The sum of `f` over pairs of elements, divided by their number where `average` is set.
fn over_pairs<T: Float>(a: &Tensor, b: &Tensor, average: bool, f: impl Fn(f64, f64) -> f64) -> Result<f64> {
    same_count("criterion", a, b)?;
    let (x, y) = (dense::<T>(a)?, dense::<T>(b)?);
    let (x, y) = (x.view::<T>()?, y.view::<T>()?);
    let mut sum = 0.0;
    for i in 0..a.numel() {
        // SAFETY: both have this many elements without gaps.
        sum += unsafe { f((*x.ptr.add(i)).to_f64(), (*y.ptr.add(i)).to_f64()) };
    }
    Ok(if average { sum / a.numel() as f64 } else { sum })
}

fn norm<T: Float>(x: &Tensor, average: bool, by: f64) -> T {
    T::from_f64(if average { by / x.numel() as f64 } else { by })
}

/// Squared differences.
///
/// # Errors
/// Sizes that differ.
pub fn mse<T: Float>(input: &Tensor, target: &Tensor, average: bool) -> Result<f64> {
    over_pairs::<T>(input, target, average, |x, y| (x - y) * (x - y))
}

/// Backward of [`mse`], of the input's size.
///
/// # Errors
/// Sizes that differ.
pub fn mse_grad<T: Float>(input: &Tensor, target: &Tensor, grad_input: &Tensor, average: bool) -> Result<()> {
    same_count("MSECriterion", input, target)?;
    grad_input.resize_as(input)?;
    let by = norm::<T>(input, average, 2.0);
    map::binary("MSECriterion", grad_input, input, target, |x: T, y: T| x.sub(y).mul(by))
}

/// Absolute differences.
///
/// # Errors
/// Sizes that differ.
pub fn abs<T: Float>(input: &Tensor, target: &Tensor, average: bool) -> Result<f64> {
    over_pairs::<T>(input, target, average, |x, y| (x - y).abs())
}

/// Backward of [`abs`], of the input's size.
///
/// # Errors
/// Sizes that differ.
pub fn abs_grad<T: Float>(input: &Tensor, target: &Tensor, grad_input: &Tensor, average: bool) -> Result<()> {
    same_count("AbsCriterion", input, target)?;
    grad_input.resize_as(input)?;
    let by = norm::<T>(input, average, 1.0);
    map::binary("AbsCriterion", grad_input, input, target, |x: T, y: T| if x.sub(y) >= T::ZERO { by } else { by.neg() })
}

/// Huber's loss with its bend at 1.
///
/// # Errors
/// Sizes that differ.
pub fn smooth_l1<T: Float>(input: &Tensor, target: &Tensor, average: bool) -> Result<f64> {
    over_pairs::<T>(input, target, average, |x, y| {
        let d = (x - y).abs();
        if d < 1.0 { 0.5 * d * d } else { d - 0.5 }
    })
}

/// Backward of [`smooth_l1`], of the input's size.
///
/// # Errors
/// Sizes that differ.
pub fn smooth_l1_grad<T: Float>(input: &Tensor, target: &Tensor, grad_input: &Tensor, average: bool) -> Result<()> {
    same_count("SmoothL1Criterion", input, target)?;
    grad_input.resize_as(input)?;
    let by = norm::<T>(input, average, 1.0);
    map::binary("SmoothL1Criterion", grad_input, input, target, |x: T, y: T| {
        let d = x.sub(y);
        if d < T::ONE.neg() {
            by.neg()
        } else if d > T::ONE {
            by
        } else {
            by.mul(d)
        }
    })
}

/// Hinge loss of targets 1 and -1.
///
/// # Errors
/// Sizes that differ.
pub fn margin<T: Float>(input: &Tensor, target: &Tensor, average: bool, margin: f64) -> Result<f64> {
    over_pairs::<T>(input, target, average, |x, y| if margin - x * y > 0.0 { margin - x * y } else { 0.0 })
}

/// Backward of [`margin`], of the input's size.
///
/// # Errors
/// Sizes that differ.
pub fn margin_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    average: bool,
    margin: T,
) -> Result<()> {
    same_count("MarginCriterion", input, target)?;
    grad_input.resize_as(input)?;
    let by = norm::<T>(input, average, 1.0);
    let f = |x: T, y: T| if x.mul(y) < margin { by.mul(y).neg() } else { T::ZERO };
    map::binary("MarginCriterion", grad_input, input, target, f)
}

const EPS: f64 = 1e-12;

fn weights_of<T: Float>(weights: Option<&Tensor>, input: &Tensor) -> Result<Option<Vec<T>>> {
    let Some(w) = weights else { return Ok(None) };
    same_count("criterion weights", w, input)?;
    Ok(Some(w.to_vec::<T>()?))
}

/// Binary cross entropy of probabilities; `weights` of the input's size, or none.
///
/// # Errors
/// Sizes that differ.
pub fn bce<T: Float>(input: &Tensor, target: &Tensor, average: bool, weights: Option<&Tensor>) -> Result<f64> {
    let w = weights_of::<T>(weights, input)?;
    let outside = input.to_vec::<T>()?.into_iter().find(|x| *x < T::ZERO || *x > T::ONE);
    demand!(outside.is_none(), "input value should be between 0~1, but got {:?}", outside.unwrap_or(T::ZERO));
    let i = std::cell::Cell::new(0);
    let sum = over_pairs::<T>(input, target, average, |x, y| {
        let w = w.as_ref().map_or(1.0, |w| w[i.replace(i.get() + 1)].to_f64());
        w * ((x + EPS).ln() * y + (1.0 - x + EPS).ln() * (1.0 - y))
    })?;
    Ok(-sum)
}

/// Backward of [`bce`], of the input's size.
///
/// # Errors
/// Sizes that differ.
pub fn bce_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    average: bool,
    weights: Option<&Tensor>,
) -> Result<()> {
    same_count("BCECriterion", input, target)?;
    let by = norm::<f64>(input, average, 1.0);
    let (w, x, y) = (weights_of::<T>(weights, input)?, input.to_vec::<T>()?, target.to_vec::<T>()?);
    let r = result::<T>(grad_input, input.layout().sizes())?;
    for (i, (x, y)) in x.iter().zip(&y).enumerate() {
        let (x, y) = (x.to_f64(), y.to_f64());
        let w = w.as_ref().map_or(1.0, |w| w[i].to_f64());
        // SAFETY: the result has as many elements as the input.
        unsafe { *r.add(i) = T::from_f64(-by * w * (y - x) / ((1.0 - x + EPS) * (x + EPS))) };
    }
    Ok(())
}

/// The elements of a tensor of any type as integers.
fn integers(t: &Tensor) -> Result<Vec<i64>> {
    fn of<T: Element>(t: &Tensor) -> Result<Vec<i64>> {
        let mut out = Vec::with_capacity(t.numel());
        walk::for_each(&t.view::<T>()?, |v| out.push(v.to_i64()));
        Ok(out)
    }
    match t.dtype() {
        DType::Byte => of::<u8>(t),
        DType::Char => of::<i8>(t),
        DType::Short => of::<i16>(t),
        DType::Int => of::<i32>(t),
        DType::Long => of::<i64>(t),
        DType::Float => of::<f32>(t),
        DType::Double => of::<f64>(t),
        DType::Half => of::<half::f16>(t),
    }
}

/// The classes of a batch: for each row its class from 0 and weight, or nothing where it is to be ignored.
fn classes<T: Float>(
    input: &Tensor,
    target: &Tensor,
    weights: Option<&Tensor>,
    ignore: i64,
) -> Result<Vec<Option<(usize, f64)>>> {
    let nd = input.ndim();
    demand!(nd == 1 || nd == 2, "input tensor should be 1D or 2D, got {}", input.shape_text());
    let (rows, n) = if nd == 1 { (1, input.size(0)) } else { (input.size(0), input.size(1)) };
    demand!(target.ndim() <= 1 && target.numel() >= 1, "multi-target not supported, got {}", target.shape_text());
    let t = integers(target)?;
    demand!(nd == 1 || t.len() == rows, "target {} does not fit input {}", target.shape_text(), input.shape_text());
    let w = match weights {
        Some(w) => {
            demand!(w.numel() == n, "weights {} should have one entry per class, of {n}", w.shape_text());
            Some(w.to_vec::<T>()?)
        }
        None => None,
    };
    let mut out = Vec::with_capacity(rows);
    for &c in &t[..rows] {
        if c == ignore {
            out.push(None);
            continue;
        }
        demand!(c >= 1 && c as usize <= n, "target class {c} out of range 1..{n}");
        let c = c as usize - 1;
        out.push(Some((c, w.as_ref().map_or(1.0, |w| w[c].to_f64()))));
    }
    Ok(out)
}

/// Negative log likelihood: input (classes) or (batch x classes) of log-probabilities, target the classes from 1.
/// Returns the loss and the total weight.
///
/// # Errors
/// A class that is not there, sizes that do not fit.
pub fn class_nll<T: Float>(
    input: &Tensor,
    target: &Tensor,
    average: bool,
    weights: Option<&Tensor>,
    ignore: i64,
) -> Result<(f64, f64)> {
    let keep = dense::<T>(input)?;
    let x = keep.view::<T>()?;
    let n = input.size(input.ndim().saturating_sub(1));
    let (mut loss, mut total) = (0.0, 0.0);
    for (i, c) in classes::<T>(input, target, weights, ignore)?.into_iter().enumerate() {
        if let Some((c, w)) = c {
            // SAFETY: class `c` of row `i`, checked by `classes`.
            loss -= unsafe { *x.ptr.add(i * n + c) }.to_f64() * w;
            total += w;
        }
    }
    Ok((if average && total != 0.0 { loss / total } else { loss }, total))
}

/// Backward of [`class_nll`], of the input's size.
///
/// # Errors
/// As [`class_nll`].
pub fn class_nll_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    average: bool,
    weights: Option<&Tensor>,
    ignore: i64,
) -> Result<()> {
    let classes = classes::<T>(input, target, weights, ignore)?;
    let n = input.size(input.ndim() - 1);
    let r = result::<T>(grad_input, input.layout().sizes())?;
    map::fill(grad_input, T::ZERO)?;
    let total: f64 = classes.iter().flatten().map(|c| c.1).sum();
    let by = if average && total != 0.0 { total } else { 1.0 };
    for (i, c) in classes.into_iter().enumerate() {
        if let Some((c, w)) = c {
            // SAFETY: class `c` of row `i`, checked by `classes`.
            unsafe { *r.add(i * n + c) = T::from_f64(-w / by) };
        }
    }
    Ok(())
}
