//! Reductions along a dimension, which stays with size 1.
//!
//! Where a line's elements are neighbours, it is folded as a slice. Where lines are neighbours, as in the columns of
//! a matrix, a bundle of lines is folded together, so that memory is read row by row.

use super::{BLOCK, Moments, Summed, always, best_of_slice, p_norm, sum_slice, times_slice};
use crate::tensor::Tensor;
use crate::tensor::access::{Bundles, LinesDest, LinesSource, Matrix, MatrixMut, share};
use crate::tensor::check;
use crate::tensor::dtype::{Element, Float, Real};
use crate::tensor::error::Result;
use crate::tensor::simd::{array, vectorize};

/// Lines of a bundle: what is kept for each stays in the first cache.
pub(super) const WIDE: usize = 256;

/// The sizes of `x` with dimension `d` of size 1.
fn one_per_line(x: &Tensor, d: usize) -> Vec<usize> {
    let mut sizes = x.layout().sizes().to_vec();
    sizes[d] = 1;
    sizes
}

/// Writes what was found for each line of a bundle.
#[inline(always)]
fn write<T>(mut to: MatrixMut<T>, found: impl Iterator<Item = T>) {
    if let Some(to) = to.reborrow().t().row_mut(0) {
        return to.iter_mut().zip(found).for_each(|(to, v)| *to = v);
    }
    to.t().values_mut(0).zip(found).for_each(|(to, v)| *to = v);
}

/// Rows that are folded in one go, so that what is kept for a line is read and written once for all of them.
const ROWS: usize = 4;

/// Lines that fill vectors. Of others the last are folded beside the rest, together with as many before them as fill one
/// group: alone they would go one by one, which takes longer than all groups.
const GROUP: usize = 16;

/// Folds all lines, some rows at a time, into what two lists hold for each.
#[inline(always)]
fn fold<T: Element, A: Copy, B: Copy>(
    lines: Matrix<T>,
    a: &mut [A],
    b: &mut [B],
    step: impl Fn(&mut A, &mut B, T, usize) + Copy,
) {
    vectorize(
        #[inline(always)]
        move || {
            let (rows, n) = (lines.t(), lines.rows());
            let (a, b) = (&mut a[..n], &mut b[..n]);
            let (Some(&any_a), Some(&any_b)) = (a.first(), b.first()) else { return };
            let beside = n > GROUP && n % GROUP > 0 && rows.row(0).is_some();
            let (main, last) = if beside { (n - n % GROUP, n - GROUP) } else { (n, n) };
            let (mut last_a, mut last_b) = ([any_a; GROUP], [any_b; GROUP]);
            let (last_a, last_b) = (&mut last_a[..n - last], &mut last_b[..n - last]);
            last_a.copy_from_slice(&a[last..]);
            last_b.copy_from_slice(&b[last..]);
            let mut j = 0;
            while j < rows.rows() {
                let some: [Option<&[T]>; ROWS] = array(None, |k| rows.row(j + k));
                let parts = [(&mut a[..main], &mut b[..main], 0), (&mut *last_a, &mut *last_b, last)];
                if let [Some(r0), Some(r1), Some(r2), Some(r3)] = some {
                    for (a, b, at) in parts {
                        let (r0, r1, r2, r3) = (&r0[at..], &r1[at..], &r2[at..], &r3[at..]);
                        for (((((a, b), &v0), &v1), &v2), &v3) in a.iter_mut().zip(b).zip(r0).zip(r1).zip(r2).zip(r3) {
                            // in registers: stores that depend on a condition would have the next step wait
                            let (mut x, mut y) = (*a, *b);
                            step(&mut x, &mut y, v0, j);
                            step(&mut x, &mut y, v1, j + 1);
                            step(&mut x, &mut y, v2, j + 2);
                            step(&mut x, &mut y, v3, j + 3);
                            (*a, *b) = (x, y);
                        }
                    }
                    j += ROWS;
                    continue;
                }
                match some[0] {
                    Some(row) => {
                        for (a, b, at) in parts {
                            a.iter_mut().zip(b).zip(&row[at..]).for_each(|((a, b), &v)| step(a, b, v, j));
                        }
                    }
                    None => a.iter_mut().zip(&mut *b).zip(rows.values(j)).for_each(|((a, b), v)| step(a, b, v, j)),
                }
                j += 1;
            }
            a[last..].copy_from_slice(last_a);
            b[last..].copy_from_slice(last_b);
        },
    );
}

/// One value per line along `d`, written to `res`, which may be `x`: what `compute` leaves of a bundle, from `zero` on,
/// handed to `last` with the lines' length.
fn per_line<T: Real, A: Copy + Send + Sync>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    d: usize,
    zero: A,
    compute: impl Fn(Matrix<T>, &mut [A]) + Sync,
    last: impl Fn(A, usize) -> T + Sync,
) -> Result<()> {
    check::dimension(op, d, x.ndim())?;
    let n = x.size(d);
    let from = LinesSource::<T>::of(x, d)?;
    let mut to = LinesDest::<T>::new(res, &one_per_line(x, d), d)?;
    share((from.view(), to.view()), n, |_, part| {
        part.each_bundle(WIDE, |(lines, to)| {
            let mut found = [zero; WIDE];
            let found = &mut found[..lines.rows()];
            compute(lines, found);
            write(to, found.iter().map(|&v| last(v, n)));
        });
    });
    Ok(())
}

/// Whether lines are slices.
#[inline(always)]
fn are_slices<T>(lines: &Matrix<T>) -> bool {
    lines.row(0).is_some()
}

/// The lines as slices, where they are.
#[inline(always)]
fn slices<'a, T>(lines: Matrix<'a, T>) -> impl Iterator<Item = &'a [T]> {
    (0..lines.rows()).map_while(move |k| lines.row(k))
}

/// [`per_line`] of a fold: what `whole` makes of a slice, or folding with `step` from `zero` on.
fn along<T: Real, A: Copy + Send + Sync>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    d: usize,
    zero: A,
    step: impl Fn(A, T) -> A + Sync + Copy,
    whole: impl Fn(&[T]) -> A + Sync,
    last: impl Fn(A, usize) -> T + Sync,
) -> Result<()> {
    let compute = |lines: Matrix<T>, sums: &mut [A]| {
        if are_slices(&lines) {
            return sums.iter_mut().zip(slices(lines)).for_each(|(s, line)| *s = whole(line));
        }
        fold(
            lines,
            sums,
            &mut [(); WIDE],
            #[inline(always)]
            move |a, _, v, _| *a = step(*a, v),
        );
    };
    per_line(op, res, x, d, zero, compute, last)
}

/// Sums along a dimension, in the element type.
///
/// # Errors
/// A dimension that is not there.
pub fn sum<T: Real>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    let wide = always(
        #[inline(always)]
        |v: T| T::Acc::convert(v),
    );
    let step = always(
        #[inline(always)]
        move |a: T::Acc, v| a.add(wide(v)),
    );
    let whole = |l: &[T]| l.chunks(BLOCK).fold(T::Acc::ZERO, |a, b| a.add(sum_slice(b, wide)));
    along("sum", res, x, d, T::Acc::ZERO, step, whole, |s, _| T::convert(s))
}

/// Products along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn prod<T: Real>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    let step = always(
        #[inline(always)]
        |a: T::Acc, v| a.mul(T::Acc::convert(v)),
    );
    along("prod", res, x, d, T::Acc::ONE, step, |l| times_slice(T::Acc::ONE, l), |s, _| T::convert(s))
}

/// Sums of `f` of the elements along a dimension, in floating point.
fn sums<T: Float>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    d: usize,
    f: impl Fn(T) -> f64 + Copy + Sync,
    last: impl Fn(f64, usize) -> f64 + Sync,
) -> Result<()> {
    let step = always(
        #[inline(always)]
        move |a: f64, v| a + f(v),
    );
    let whole = |l: &[T]| l.chunks(BLOCK).fold(0.0, |a, b| a + sum_slice(b, f));
    along(op, res, x, d, 0.0, step, whole, |s, n| T::from_f64(last(s, n)))
}

/// Means along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn mean<T: Float>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    sums(
        "mean",
        res,
        x,
        d,
        #[inline(always)]
        |v: T| v.to_f64(),
        |s, n| s / n as f64,
    )
}

/// What norms along a dimension are taken of, and where they go.
struct Along<'a> {
    res: &'a Tensor,
    x: &'a Tensor,
    d: usize,
}

impl<T: Float> Summed<T> for Along<'_> {
    type Sums = ();
    fn sums(&self, f: impl Fn(T) -> f64 + Copy + Sync, last: impl Fn(f64) -> f64 + Sync) -> Result<()> {
        sums("norm", self.res, self.x, self.d, f, |s, _| last(s))
    }
}

/// p-norms along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn norm<T: Float>(res: &Tensor, x: &Tensor, p: f64, d: usize) -> Result<()> {
    p_norm::<T, _>(&Along { res, x, d }, p)
}

/// `last` of the variances along a dimension.
fn spread<T: Float>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    d: usize,
    biased: bool,
    last: impl Fn(f64) -> f64 + Sync,
) -> Result<()> {
    let compute = |lines: Matrix<T>, squares: &mut [f64]| {
        if are_slices(&lines) {
            for (s, line) in squares.iter_mut().zip(slices(lines)) {
                *s = line.chunks(BLOCK).map(Moments::of).fold(Moments::NONE, Moments::join).2;
            }
            return;
        }
        let mut means = [0.0; WIDE];
        let means = &mut means[..lines.rows()];
        fold(
            lines,
            means,
            &mut [(); WIDE],
            #[inline(always)]
            |m, _, v: T, _| *m += v.to_f64(),
        );
        means.iter_mut().for_each(|m| *m /= lines.cols() as f64);
        fold(
            lines,
            squares,
            means,
            #[inline(always)]
            |s, m, v: T, _| *s += (v.to_f64() - *m) * (v.to_f64() - *m),
        );
    };
    let finish = |s, n| T::from_f64(last(Moments(n as f64, 0.0, s).variance(biased)));
    per_line(op, res, x, d, 0.0, compute, finish)
}

/// Variances along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn var<T: Float>(res: &Tensor, x: &Tensor, d: usize, biased: bool) -> Result<()> {
    spread::<T>("var", res, x, d, biased, |v| v)
}

/// Standard deviations along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn std<T: Float>(res: &Tensor, x: &Tensor, d: usize, biased: bool) -> Result<()> {
    spread::<T>("std", res, x, d, biased, f64::sqrt)
}

/// Where a line's best element is: the first nan, or the first of the best.
fn best_place<T: Real>(line: &[T], better: impl Fn(T, T) -> bool + Copy) -> usize {
    let best = best_of_slice(line, better);
    let found = always(
        #[inline(always)]
        |v: T| v == best || (best.is_nan() && v.is_nan()),
    );
    for (i, part) in line.chunks(64).enumerate() {
        let here = vectorize(
            #[inline(always)]
            || part.iter().fold(false, |any, &v| any | found(v)),
        );
        if here {
            return i * 64 + part.iter().position(|&v| found(v)).unwrap_or(0);
        }
    }
    0
}

/// Elements of a line that are looked at before places are counted from there: places in them take half a word, so that
/// twice as many lines go together.
const PART: usize = 1 << 31;
/// Where no element of a part is better than those before it.
const AS_BEFORE: u32 = u32::MAX;

/// The best element of each line and its place (from 1).
fn extreme<T: Real>(
    op: &'static str,
    values: &Tensor,
    places: &Tensor,
    x: &Tensor,
    d: usize,
    better: impl Fn(T, T) -> bool + Sync + Copy,
) -> Result<()> {
    check::dimension(op, d, x.ndim())?;
    let (n, sizes) = (x.size(d), one_per_line(x, d));
    let from = LinesSource::<T>::of(x, d)?;
    let mut best = LinesDest::<T>::new(values, &sizes, d)?;
    let mut place = LinesDest::<i64>::new(places, &sizes, d)?;
    share((from.view(), best.view(), place.view()), n, |_, part| {
        part.each_bundle(WIDE, |(lines, to_best, to_place)| {
            let (mut best, mut place) = ([T::ZERO; WIDE], [0; WIDE]);
            let (best, place) = (&mut best[..lines.rows()], &mut place[..lines.rows()]);
            if are_slices(&lines) {
                for ((best, place), line) in best.iter_mut().zip(&mut *place).zip(slices(lines)) {
                    *place = best_place(line, better);
                    *best = line[*place];
                }
            } else {
                best.iter_mut().zip(lines.t().values(0)).for_each(|(best, v)| *best = v);
                for first in (0..n).step_by(PART) {
                    let mut found = [AS_BEFORE; WIDE];
                    fold(
                        lines.col_range(first, PART.min(n - first)),
                        best,
                        &mut found,
                        #[inline(always)]
                        move |best, place, v, j| {
                            let take = !best.is_nan() & (v.is_nan() | better(v, *best));
                            *best = if take { v } else { *best };
                            *place = if take { j as u32 } else { *place };
                        },
                    );
                    let found = place.iter_mut().zip(found).filter(|(_, at)| *at != AS_BEFORE);
                    found.for_each(|(place, at)| *place = first + at as usize);
                }
            }
            write(to_best, best.iter().copied());
            write(to_place, place.iter().map(|&place| place as i64 + 1));
        });
    });
    // where both are one, the places are what stays
    drop(best);
    drop(place);
    Ok(())
}

/// Largest elements along a dimension, and where they are; ties take the first, nan wins.
///
/// # Errors
/// A dimension that is not there.
pub fn max<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    extreme(
        "max",
        values,
        places,
        x,
        d,
        #[inline(always)]
        |a: T, b| a > b,
    )
}

/// Smallest elements along a dimension, and where they are.
///
/// # Errors
/// A dimension that is not there.
pub fn min<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    extreme(
        "min",
        values,
        places,
        x,
        d,
        #[inline(always)]
        |a: T, b| a < b,
    )
}
