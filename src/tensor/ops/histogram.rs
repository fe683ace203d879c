//! Histograms.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::{Element, Float};
use crate::tensor::error::{Error, Result};
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
