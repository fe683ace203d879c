//! Products of some rows with a large matrix that is multiplied by once, as the weights of a fully connected layer are: it is
//! read as it lies, where packing it would be another pass over memory.

use super::kernels::{Epilogue, Multiply};
use super::multiply::{Panels, multiply};
use super::views::{Offsets, View, ViewMut};
use crate::tensor::access::{Divide, try_share};
use crate::tensor::error::Result;
use crate::tensor::simd::{self, Level};

/// Elements of a matrix from which on packing it is what takes the time.
const LEAST: usize = 1 << 21;
/// Rows up to which it is.
const MOST_ROWS: usize = 128;
/// Elements of the packed rows, which stay near while the matrix goes by.
const NEAR: usize = 1 << 17;

/// Whether [`multiply_once`] is for so many rows, and a matrix of n x k.
pub fn is_once(rows: usize, n: usize, k: usize) -> bool {
    (2..=MOST_ROWS).contains(&rows) && n.saturating_mul(k) >= LEAST && simd::level() != Level::Base
}

/// `c = a w' + bias` of rows without gaps: a (m x k), w (n x k), c (m x n); a bias of n elements, or none. Sums run in the order of
/// the steps, some of them at a time, which depend on the sizes alone.
///
/// # Errors
/// Not enough memory.
///
/// # Panics
/// Sizes that do not agree.
pub fn multiply_once<T: Multiply>([a, w]: [&[T]; 2], m: usize, bias: &[T], c: &mut [T]) -> Result<()> {
    let (k, n) = (a.len() / m, c.len() / m);
    assert!(a.len() == m * k && c.len() == m * n && w.len() == n * k, "{m} rows of {k} by {n} rows");
    let (rows, columns) = (Offsets::steps(n, 1), Offsets::steps(m, n));
    let (a_rows, w_rows, steps) = (Offsets::steps(m, k), Offsets::steps(n, k), Offsets::steps(k, 1));
    let (a, w) = (View::new(a, &a_rows, &steps), View::new(w, &w_rows, &steps));
    let mut end = Epilogue { row_bias: bias, ..Epilogue::PLAIN };
    let some = (NEAR / m).next_multiple_of(64);
    for first in (0..k).step_by(some) {
        let steps = first..k.min(first + some);
        let panels = Panels::pack(a.col_range(steps.clone()).t())?;
        let w = w.col_range(steps);
        try_share(ViewMut::new(c, &rows, &columns), w.cols().len() * m, |first, c| {
            let rows = first..first + c.items();
            multiply(w.row_range(rows.clone()), &panels, c, false, end.part(rows, 0..m))
        })?;
        end = Epilogue { beta: T::ONE, ..Epilogue::PLAIN };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_plain_sums() {
        for (m, n, k) in [(2, 2048, 1024), (33, 1400, 1501), (128, 513, 4100), (5, 6, 400_000)] {
            assert!(is_once(m, n, k) || simd::level() == Level::Base);
            let numbers = |n: usize, seed: usize| -> Vec<f64> {
                (0..n).map(|i| ((i * 7919 + seed) % 1013) as f64 / 500.0 - 1.0).collect()
            };
            let (a, w, bias) = (numbers(m * k, 1), numbers(n * k, 2), numbers(n, 3));
            for bias in [&bias[..], &[]] {
                let mut c = vec![f64::NAN; m * n];
                multiply_once([&a, &w], m, bias, &mut c).unwrap();
                for (i, j) in (0..m).step_by(3).flat_map(|i| (0..n).step_by(7).map(move |j| (i, j))) {
                    let sum: f64 = a[i * k..][..k].iter().zip(&w[j * k..][..k]).map(|(a, w)| a * w).sum();
                    let right = sum + bias.get(j).copied().unwrap_or(0.0);
                    assert!((c[i * n + j] - right).abs() < 1e-9 * k as f64, "{m} x {n} x {k}: {i}, {j}");
                }
            }
        }
    }
}
