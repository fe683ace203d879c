//! Histograms, norms held below a bound, cross products and squared distances.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::{Element, Float, Real};
use crate::tensor::error::{Error, Kind, Result};
use crate::tensor::storage::room;
use crate::tensor::walk::update;

/// The ends of a histogram: as given, or those of the data where both are the same.
fn ends(data: &[f64], low: f64, high: f64) -> Result<(f64, f64)> {
    let (mut low, mut high) = (low, high);
    if low == high {
        let numbers = || data.iter().copied().filter(|v| !v.is_nan());
        (low, high) = (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max));
    }
    if low == high {
        (low, high) = (low - 1.0, high + 1.0);
    }
    demand!(low.is_finite() && high.is_finite() && low < high, "cannot make bins from {low} to {high}");
    Ok((low, high))
}

/// Counts `data` into bins between the ends.
fn count(bins: &mut [f64], data: &[f64], (low, high): (f64, f64)) {
    let width = (high - low) / bins.len() as f64;
    let last = bins.len() - 1;
    for &v in data.iter().filter(|&&v| v >= low && v <= high) {
        bins[(((v - low) / width) as usize).min(last)] += 1.0;
    }
}

fn numbers<T: Element>(x: &Tensor) -> Result<Vec<f64>> {
    Ok(x.to_vec::<T>()?.into_iter().map(Element::to_f64).collect())
}

fn bin_number(op: &str, bins: i64) -> Result<usize> {
    demand!(bins > 0 && bins < 1 << 40, in op, "expected a positive number of bins, got {bins}");
    Ok(bins as usize)
}

/// Writes values in logical order.
fn write<T: Element>(res: &Tensor, sizes: &[usize], data: &[f64]) -> Result<()> {
    res.resize(sizes)?;
    let mut values = data.iter();
    update(res, |old| values.next().map_or(old, |&v| T::from_f64(v)))
}

/// How many elements fall into each of equal bins between two ends (those of the data where the ends are the same).
///
/// # Errors
/// No element, no bin, infinite ends.
pub fn histc<T: Float>(res: &Tensor, x: &Tensor, bins: i64, low: f64, high: f64) -> Result<()> {
    check::has_elements("a tensor", x)?;
    let data = numbers::<T>(x)?;
    let bins = bin_number("histc", bins)?;
    let mut out = room(bins)?;
    out.resize(bins, 0.0);
    count(&mut out, &data, ends(&data, low, high)?);
    write::<T>(res, &[out.len()], &out)
}

/// As [`histc`], for each row of a matrix, with the same bins for all rows.
///
/// # Errors
/// As [`histc`]; not a matrix.
pub fn bhistc<T: Float>(res: &Tensor, x: &Tensor, bins: i64, low: f64, high: f64) -> Result<()> {
    check::rank("a matrix", x, 2)?;
    let data = numbers::<T>(x)?;
    let (rows, bins) = (x.size(0), bin_number("bhistc", bins)?);
    let ends = ends(&data, low, high)?;
    let total = rows.checked_mul(bins).filter(|&n| n < 1 << 40);
    let total = total.ok_or_else(|| Error::invalid(format!("{rows} rows of {bins} bins are too many")))?;
    let mut out = room(total)?;
    out.resize(total, 0.0);
    for (bins, row) in out.chunks_mut(bins).zip(data.chunks(x.size(1).max(1))) {
        count(bins, row, ends);
    }
    write::<T>(res, &[rows, bins], &out)
}

/// Slices along dimension `d` scaled down to a p-norm of at most `most`.
///
/// # Errors
/// A vector, a dimension that is not there, a power that is not positive.
pub fn renorm<T: Float>(res: &Tensor, x: &Tensor, p: f64, d: usize, most: f64) -> Result<()> {
    demand!(p > 0.0, "non-positive-norm not supported, got {p}");
    check::ranks("a tensor", x, 2..=usize::MAX)?;
    if d >= x.ndim() {
        return Err(Error::from(Kind::Dimension { op: "renorm", dim: d as i64 + 1, ndim: x.ndim() }));
    }
    let source = super::copy::contiguous(x)?;
    let out = Tensor::empty(T::DTYPE);
    out.resize_as_for_result(x)?;
    let sizes = source.layout().sizes().to_vec();
    let inner: usize = sizes[d + 1..].iter().product();
    let (Some((from, n)), Some((to, _))) = (source.flat::<T>()?, out.flat_mut::<T>()?) else { return Ok(()) };
    // SAFETY: `n` elements lie at each address, the second ones those of a new tensor.
    let (from, to) = unsafe { (std::slice::from_raw_parts(from, n), std::slice::from_raw_parts_mut(to, n)) };
    // for each slice its norm, then what it is multiplied by
    let mut scales = vec![0.0; sizes[d]];
    for (i, part) in from.chunks_exact(inner).enumerate() {
        scales[i % sizes[d]] += power_sum(part, p);
    }
    for scale in &mut scales {
        let norm = scale.powf(1.0 / p);
        *scale = if norm > most { most / (norm + 1e-7) } else { 1.0 };
    }
    for (i, (to, from)) in to.chunks_exact_mut(inner).zip(from.chunks_exact(inner)).enumerate() {
        let scale = scales[i % sizes[d]];
        to.iter_mut().zip(from).for_each(|(to, v)| *to = T::from_f64(v.to_f64() * scale));
    }
    res.resize_as_for_result(x)?;
    super::copy::copy(res, &out)
}

/// The sum of the `p`-th powers of the absolute values.
fn power_sum<T: Float>(part: &[T], p: f64) -> f64 {
    let total = |f: &dyn Fn(f64) -> f64| part.iter().map(|v| f(v.to_f64())).sum::<f64>();
    match p {
        1.0 => total(&f64::abs),
        2.0 => total(&|v| v * v),
        _ => total(&|v| v.abs().powf(p)),
    }
}

/// Cross products along a dimension of size 3: the given one, or the first such.
///
/// # Errors
/// Sizes that differ, no dimension of size 3.
pub fn cross<T: Real>(res: &Tensor, a: &Tensor, b: &Tensor, d: Option<usize>) -> Result<()> {
    check::same_size("a tensor", a, "another", b)?;
    let d = d.or_else(|| a.layout().sizes().iter().position(|&n| n == 3)).filter(|&d| d < a.ndim() && a.size(d) == 3);
    let Some(d) = d else {
        return Err(Error::invalid(format!("expected a dimension of size 3, got {}", a.shape_text())));
    };
    let x = super::view::transpose(a, 0, d)?.to_vec::<T>()?;
    let y = super::view::transpose(b, 0, d)?.to_vec::<T>()?;
    let n = x.len() / 3;
    res.resize_as(a)?;
    let mut at = 0;
    update::<T>(&super::view::transpose(res, 0, d)?, |_| {
        let (plane, i) = (at / n, at % n);
        let (j, k) = ((plane + 1) % 3 * n + i, (plane + 2) % 3 * n + i);
        at += 1;
        x[j].mul(y[k]).sub(x[k].mul(y[j]))
    })
}

/// Squared distances between the rows of two tensors, times `gain`.
///
/// # Errors
/// Rows of different length, no element.
pub fn distances<T: Real>(res: &Tensor, a: &Tensor, b: &Tensor, gain: T) -> Result<()> {
    check::has_elements("a tensor", a)?;
    check::has_elements("a tensor", b)?;
    let (rows, cols) = (a.size(0), b.size(0));
    let (x, y) = (a.to_vec::<T>()?, b.to_vec::<T>()?);
    let n = x.len() / rows.max(1);
    demand!(n > 0 && y.len() / cols.max(1) == n, "inconsistent sizes, {} and {}", a.shape_text(), b.shape_text());
    res.resize(&[rows, cols])?;
    let mut at = 0;
    update(res, |_: T| {
        let (u, v) = (&x[at / cols * n..][..n], &y[at % cols * n..][..n]);
        let sum = u.iter().zip(v).fold(T::ZERO, |s, (&u, &v)| s.add(u.sub(v).mul(u.sub(v))));
        at += 1;
        gain.mul(sum)
    })
}
