//! Tensors with regular content.

use crate::tensor::Tensor;
use crate::tensor::access::zero_later;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::Result;
use crate::tensor::map;
use crate::tensor::simd::vectorize;
use crate::tensor::threads;
use crate::tensor::walk::update;
use crate::{demand, refuse};

/// Every element becomes `v`.
///
/// # Errors
/// A view outside its storage.
pub fn fill<T: Element>(res: &Tensor, v: T) -> Result<()> {
    map::fill(res, v)
}

/// Every element becomes 0; of large tensors, when somebody asks for them.
///
/// # Errors
/// As [`fill`].
pub fn zero<T: Element>(res: &Tensor) -> Result<()> {
    if zero_later(res) { Ok(()) } else { map::fill(res, T::default()) }
}

/// Element `i` becomes `f(i)`, in logical order.
fn generate<T: Element>(res: &Tensor, cost: usize, f: impl Fn(f64) -> f64 + Sync) -> Result<()> {
    if let Some(all) = res.flat_mut::<T>()? {
        threads::split(all.len(), cost, |first, count| {
            // SAFETY: each thread has its own part of the elements.
            let part = unsafe { all.slice_mut(first, count) };
            vectorize(
                #[inline(always)]
                || part.iter_mut().enumerate().for_each(|(i, v)| *v = T::from_f64(f((first + i) as f64))),
            );
        });
        return Ok(());
    }
    let mut i = 0.0;
    update(res, |_| {
        i += 1.0;
        T::from_f64(f(i - 1.0))
    })
}

/// Gives the result `n` elements in one dimension unless it has as many already.
fn sized(res: &Tensor, n: usize) -> Result<()> {
    if res.numel() == n { Ok(()) } else { res.resize_for_result(&[n]) }
}

/// `from, from + step, ...` up to and including `to`.
///
/// # Errors
/// A step of 0 or of the wrong sign, infinite bounds.
pub fn range<T: Real>(res: &Tensor, from: f64, to: f64, step: f64) -> Result<()> {
    let cut = |v: f64| if T::DTYPE.is_float() { v } else { v.trunc() };
    let (from, to, step) = (cut(from), cut(to), cut(step));
    demand!(step.abs() > 0.0, "step must be a non-null number, got {step}");
    demand!(
        (step > 0.0 && to >= from) || (step < 0.0 && to <= from),
        "upper bound and lower bound inconsistent with step sign: from {from} to {to} by {step}"
    );
    let n = ((to - from) / step + 1.0).floor();
    demand!(n.is_finite() && n < 1e15, "from {from} to {to} by {step} has too many elements");
    sized(res, n as usize)?;
    generate::<T>(res, 1, |i| from + i * step)
}

fn count(op: &str, n: f64, a: f64, b: f64) -> Result<usize> {
    demand!((1.0..1e15).contains(&n) && (n > 1.0 || a == b), in op, "invalid number of points: {n}");
    Ok(n as usize)
}

/// `n` points from `a` to `b`, equally spaced.
///
/// # Errors
/// No point, or one point for two different ends.
pub fn linspace<T: Real>(res: &Tensor, a: f64, b: f64, n: f64) -> Result<()> {
    let n = count("linspace", n, a, b)?;
    sized(res, n)?;
    let step = if n > 1 { (b - a) / (n - 1) as f64 } else { 0.0 };
    generate::<T>(res, 1, |i| a + i * step)
}

/// `n` points from `10^a` to `10^b`, equally spaced in the exponent.
///
/// # Errors
/// As [`linspace`].
pub fn logspace<T: Real>(res: &Tensor, a: f64, b: f64, n: f64) -> Result<()> {
    let n = count("logspace", n, a, b)?;
    sized(res, n)?;
    let step = if n > 1 { (b - a) / (n - 1) as f64 } else { 0.0 };
    generate::<T>(res, 16, |i| 10f64.powf(a + i * step))
}

/// A matrix with ones on its diagonal; square unless `m` is given.
///
/// # Errors
/// A size of 0 or less.
pub fn eye<T: Real>(res: &Tensor, n: i64, m: i64) -> Result<()> {
    let m = if m <= 0 { n } else { m };
    if n <= 0 {
        refuse!("invalid argument: {n} rows");
    }
    let (n, m) = (n as usize, m as usize);
    res.resize(&[n, m])?;
    map::fill(res, T::ZERO)?;
    let v = res.view_mut::<T>()?;
    let step = v.strides()[0] + v.strides()[1];
    for i in 0..n.min(m) as isize {
        // SAFETY: (i, i) lies inside the matrix.
        unsafe { *v.elements().at(i * step) = T::ONE };
    }
    Ok(())
}
