//! Order along a dimension: sorting, the k-th and the most frequent element, the k best.
//!
//! nan counts as larger than all numbers, and both zeros as one. Of equal elements the one that comes first is taken
//! first, so results do not depend on the method.

use super::radix::{self, Word};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Blocks, Bundles, Divide, LinesDest, LinesSource, Matrix, MatrixMut, share};
use crate::tensor::dtype::Real;
use crate::tensor::error::{Error, Kind, Result};
use crate::tensor::interruption;
use crate::tensor::storage;
use crate::tensor::threads;

/// What a kernel does with each line: it gives the places, from 1, of the elements for the result.
trait Kernel<T>: Sync {
    /// Writes the places; `W` has room for the line's ranks and places.
    fn line<W: Word>(&self, line: &[T], places: &mut [i64]);
}

/// Writes the places of words, from 1.
fn name<W: Word>(places: &mut [i64], words: &[W]) {
    places.iter_mut().zip(words).for_each(|(p, w)| *p = w.place() as i64 + 1);
}

/// Hands each line along `d` to a kernel, and stores the `k` elements it names with their places.
fn each_line<T: Real>(
    values: &Tensor,
    places: &Tensor,
    x: &Tensor,
    d: usize,
    k: usize,
    kernel: &impl Kernel<T>,
) -> Result<()> {
    let n = x.size(d);
    // kernels read slices: lines whose elements lie apart are copied, all at once since neighbours share memory
    let source = LinesSource::<T>::slices(x, d)?;
    if n > LONG_LINE {
        // words to sort, and as many to sort them into
        storage::enough::<u128>(n.saturating_mul(2).saturating_mul(threads::threads().min(x.numel() / n)))?;
    }
    let mut sizes = x.layout().sizes().to_vec();
    sizes[d] = k;
    let mut best = LinesDest::<T>::slices(values, &sizes, d)?;
    let mut named = LinesDest::<i64>::slices(places, &sizes, d)?;
    let lines = (source.view(), best.view(), named.view());
    let (count, step) = (lines.items(), (ELEMENTS / n.max(1)).max(1));
    Blocks::new(lines, step).try_for_each(0, |_, lines| {
        share(lines, n.saturating_mul(8), |_, lines| lines.each_bundle(usize::MAX, |part| write_lines(part, kernel)));
        if count > step { interruption::check() } else { Ok(()) }
    })?;
    // where both are one, the places are what stays
    drop(best);
    drop(named);
    Ok(())
}

/// Lines from this length on are sorted only where there is memory for it.
const LONG_LINE: usize = 1 << 16;

/// Runs the kernel over lines whose elements are neighbours.
fn write_lines<T: Real>(
    (lines, mut values, mut places): (Matrix<T>, MatrixMut<T>, MatrixMut<i64>),
    kernel: &impl Kernel<T>,
) {
    for i in 0..lines.rows() {
        let (Some(line), Some(values), Some(places)) = (lines.row(i), values.row_mut(i), places.row_mut(i)) else {
            return;
        };
        if radix::narrow::<T>(line.len()) {
            kernel.line::<u64>(line, places);
        } else {
            kernel.line::<u128>(line, places);
        }
        values.iter_mut().zip(places).for_each(|(v, p)| *v = line[*p as usize - 1]);
    }
}

/// Elements that are put in order between two looks at whether the program is to stop: about a second on one processor.
const ELEMENTS: usize = 1 << 24;

/// The dimension meant: the last one unless given.
fn dimension(op: &'static str, x: &Tensor, d: Option<usize>) -> Result<usize> {
    match d.or_else(|| x.ndim().checked_sub(1)) {
        Some(d) if d < x.ndim() => Ok(d),
        d => Err(Error::from(Kind::Dimension { op, dim: d.map_or(0, |d| d as i64 + 1), ndim: x.ndim() })),
    }
}

struct Sort {
    down: bool,
}

impl<T: Real> Kernel<T> for Sort {
    fn line<W: Word>(&self, line: &[T], places: &mut [i64]) {
        let mut words = radix::words::<T, W>(line, self.down);
        radix::sort(&mut words);
        name(places, &words);
    }
}

/// Sorted lines and where their elements came from; equal elements keep their order.
///
/// # Errors
/// A dimension that is not there.
pub fn sort<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: Option<usize>, down: bool) -> Result<()> {
    let d = dimension("sort", x, d)?;
    each_line::<T>(values, places, x, d, x.size(d), &Sort { down })
}

struct Nth {
    k: usize,
}

impl<T: Real> Kernel<T> for Nth {
    fn line<W: Word>(&self, line: &[T], places: &mut [i64]) {
        name(places, &[radix::nth::<T, W>(line, self.k, false)]);
    }
}

/// The `k`-th smallest element of each line, from 1.
///
/// # Errors
/// A dimension that is not there, `k` outside of the line.
pub fn kthvalue<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, k: i64, d: Option<usize>) -> Result<()> {
    let d = dimension("kthvalue", x, d)?;
    let n = x.size(d);
    demand!(k >= 1 && k as u64 <= n as u64, "selected index out of range: {k} of {n} elements");
    each_line::<T>(values, places, x, d, 1, &Nth { k: k as usize - 1 })
}

/// The middle element of each line, the lower one of two.
///
/// # Errors
/// A dimension that is not there.
pub fn median<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: Option<usize>) -> Result<()> {
    let d = dimension("median", x, d)?;
    each_line::<T>(values, places, x, d, 1, &Nth { k: (x.size(d) - 1) / 2 })
}

struct Mode;

impl<T: Real> Kernel<T> for Mode {
    fn line<W: Word>(&self, line: &[T], places: &mut [i64]) {
        let mut words = radix::words::<T, W>(line, false);
        radix::sort(&mut words);
        let (mut best, mut most) = (words[0], 0);
        // nan is no other nan's equal, so each stands for itself
        let same = |a: &W, b: &W| a.key() == b.key() && !line[a.place()].is_nan();
        for run in words.chunk_by(same) {
            if run.len() > most {
                (best, most) = (run[run.len() - 1], run.len());
            }
        }
        name(places, &[best]);
    }
}

/// The most frequent element of each line, the smallest of several, and its last place.
///
/// # Errors
/// A dimension that is not there.
pub fn mode<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: Option<usize>) -> Result<()> {
    let d = dimension("mode", x, d)?;
    each_line::<T>(values, places, x, d, 1, &Mode)
}

struct Best {
    largest: bool,
    sorted: bool,
}

impl<T: Real> Kernel<T> for Best {
    fn line<W: Word>(&self, line: &[T], places: &mut [i64]) {
        let mut words = radix::least::<T, W>(line, places.len(), self.largest);
        if self.sorted {
            words.sort_unstable();
        }
        name(places, &words);
    }
}

/// The `k` smallest (or largest) elements of each line.
///
/// # Errors
/// A dimension that is not there, `k` outside of the line.
pub fn topk<T: Real>(
    values: &Tensor,
    places: &Tensor,
    x: &Tensor,
    k: i64,
    d: Option<usize>,
    largest: bool,
    sorted: bool,
) -> Result<()> {
    let d = dimension("topk", x, d)?;
    let n = x.size(d);
    demand!(k >= 1 && k as u64 <= n as u64, "k not in range for dimension: {k} of {n} elements");
    each_line::<T>(values, places, x, d, k as usize, &Best { largest, sorted })
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
