//! Reductions along a dimension, which stays with size 1, and the bundles of lines that scans take too.
//!
//! Where a line's elements are neighbours, it is folded as a slice. Where lines are neighbours, as in the columns of
//! a matrix, a bundle of lines is folded together, so that memory is read row by row.

use super::{BLOCK, Moments, Summed, always, best_of_slice, p_norm, sum_slice, times_slice};
use crate::tensor::Tensor;
use crate::tensor::access::RawSlice;
use crate::tensor::access::View;
use crate::tensor::check;
use crate::tensor::dtype::{Element, Float, Real};
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::tensor::ops::copy::apart;
use crate::tensor::simd::vectorize;
use crate::tensor::threads::split;
use crate::tensor::walk::{Cursor, walk};

/// Lines of a bundle: what is kept for each stays in the first cache.
pub(super) const WIDE: usize = 256;

/// Fails where there is no dimension `d`.
pub(super) fn check(op: &'static str, x: &Tensor, d: usize) -> Result<()> {
    check::dimension(op, d, x.ndim())
}

/// Resizes `res` to the sizes of `x` with dimension `d` of size 1.
fn keep_dim(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    let mut sizes = x.layout().sizes().to_vec();
    sizes[d] = 1;
    res.resize(&sizes)
}

/// Lines along a dimension, `apart` from each other.
#[derive(Clone, Copy)]
pub(super) struct Bundle<'a, T> {
    /// From the first element of the first line on.
    pub(super) elements: RawSlice<'a, T>,
    pub(super) lines: usize,
    pub(super) apart: isize,
    pub(super) n: usize,
    pub(super) step: isize,
}

impl<T: Element> Bundle<'_, T> {
    /// Line `k`, whose elements are neighbours.
    ///
    /// # Safety
    /// `k` is one of the lines, elements are neighbours, and nothing writes there.
    #[inline(always)]
    pub(super) unsafe fn line(&self, k: usize) -> &[T] {
        // SAFETY: by the contract; lines lie inside the view that the bundle was made from.
        unsafe { self.elements.slice((k as isize * self.apart) as usize, self.n) }
    }

    fn has_slices(&self) -> bool {
        self.step == 1 || self.n == 1
    }

    /// Folds all lines, row by row, into what two lists hold for each.
    ///
    /// # Safety
    /// The lines lie inside the view that the bundle was made from, and nothing writes there.
    #[inline(always)]
    unsafe fn fold<A, B>(&self, a: &mut [A], b: &mut [B], step: impl Fn(&mut A, &mut B, T, usize) + Copy) {
        let (bundle, lines) = (*self, self.lines);
        vectorize(
            #[inline(always)]
            move || {
                for j in 0..bundle.n {
                    // SAFETY: element j of the first line.
                    let row = unsafe { bundle.elements.at(j as isize * bundle.step) };
                    if bundle.apart == 1 {
                        // SAFETY: element j of all lines, which lie inside the view.
                        let row = unsafe { std::slice::from_raw_parts(row, lines) };
                        for ((a, b), &v) in a.iter_mut().zip(&mut *b).zip(row) {
                            step(a, b, v, j);
                        }
                    } else {
                        for (k, (a, b)) in a.iter_mut().zip(&mut *b).enumerate().take(lines) {
                            // SAFETY: as above.
                            step(a, b, unsafe { *row.wrapping_offset(k as isize * bundle.apart) }, j);
                        }
                    }
                }
            },
        );
    }
}

/// Calls `f(bundle, places of its results, distances between results)` for all lines along `d`, on several threads.
/// Each layout of `results` has an element for each line.
///
/// # Safety
/// While this runs the view's elements stay where they are and nothing writes them; `f` keeps no bundle.
pub(super) unsafe fn bundles<T: Element, const R: usize>(
    x: &View<T>,
    d: usize,
    results: [Layout; R],
    f: impl Fn(Bundle<'_, T>, [isize; R], [isize; R]) + Sync,
) -> Result<()> {
    let (n, step) = (x.layout().sizes()[d], x.strides()[d]);
    let mut outer = *x.layout();
    if outer.ndim() > 1 {
        outer.remove(d);
    } else {
        outer = outer.narrow(0, 0, 1)?;
    }
    let all = x.elements();
    let body = |start: usize, count: usize| {
        let mut c = [Cursor::new(&outer, start)];
        let lines_apart = c[0].stride();
        let mut to = results.each_ref().map(|l| Cursor::new(l, start));
        let strides = to.each_ref().map(Cursor::stride);
        walk(&mut c, count, &mut |at, run| {
            let mut first = 0;
            // each run in bundles that end where the results turn a corner
            walk(&mut to, run, &mut |places, run| {
                for skip in (0..run).step_by(WIDE) {
                    let from = (at[0] + (first + skip) as isize * lines_apart) as usize;
                    let elements = all.from(from);
                    let mut places = *places;
                    for (place, stride) in places.iter_mut().zip(&strides) {
                        *place += skip as isize * stride;
                    }
                    let lines = WIDE.min(run - skip);
                    f(Bundle { elements, lines, apart: lines_apart, n, step }, places, strides);
                }
                first += run;
            });
        });
    };
    if results.iter().any(Layout::overlaps) {
        // results that lie over each other are written in order
        body(0, outer.numel());
    } else {
        split(outer.numel(), n, body);
    }
    Ok(())
}

/// One value per line along `d`, written to `res`, which may be `x`: what `compute` leaves of a bundle, from `zero` on,
/// handed to `last` with the lines' length.
fn per_line<T: Real, A: Copy + Send + Sync>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    d: usize,
    zero: A,
    compute: impl Fn(Bundle<T>, &mut [A]) + Sync,
    last: impl Fn(A, usize) -> T + Sync,
) -> Result<()> {
    check(op, x, d)?;
    let source = apart(x, &[res])?;
    let source = source.view::<T>()?;
    keep_dim(res, x, d)?;
    let r = res.view_mut::<T>()?;
    let to = r.elements();
    let write = |b: Bundle<T>, [place]: [isize; 1], [stride]: [isize; 1]| {
        let mut found = [zero; WIDE];
        let found = &mut found[..b.lines];
        compute(b, found);
        for (k, &v) in found.iter().enumerate() {
            // SAFETY: every line has its own element in the result.
            unsafe { *to.at(place + k as isize * stride) = last(v, b.n) };
        }
    };
    // SAFETY: `source` outlives the call, and is not in the result's storage.
    unsafe { bundles(&source, d, [*r.layout()], write) }
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
    let compute = |b: Bundle<T>, sums: &mut [A]| {
        if b.has_slices() {
            // SAFETY: there is a sum for each line, and what is written lies elsewhere.
            return sums.iter_mut().enumerate().for_each(|(k, s)| *s = whole(unsafe { b.line(k) }));
        }
        // SAFETY: the bundle's own lines; what is written lies elsewhere.
        unsafe {
            b.fold(
                sums,
                &mut [(); WIDE],
                #[inline(always)]
                move |a, _, v, _| *a = step(*a, v),
            );
        }
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
struct Lines<'a> {
    res: &'a Tensor,
    x: &'a Tensor,
    d: usize,
}

impl<T: Float> Summed<T> for Lines<'_> {
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
    p_norm::<T, _>(&Lines { res, x, d }, p)
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
    let compute = |b: Bundle<T>, squares: &mut [f64]| {
        if b.has_slices() {
            for (k, s) in squares.iter_mut().enumerate() {
                // SAFETY: there is a sum for each line, and what is written lies elsewhere.
                *s = unsafe { b.line(k) }.chunks(BLOCK).map(Moments::of).fold(Moments::NONE, Moments::join).2;
            }
            return;
        }
        let mut means = [0.0; WIDE];
        let means = &mut means[..b.lines];
        // SAFETY: the bundle's own lines; what is written lies elsewhere.
        unsafe {
            b.fold(
                means,
                &mut [(); WIDE],
                #[inline(always)]
                |m, _, v, _| *m += v.to_f64(),
            );
        }
        means.iter_mut().for_each(|m| *m /= b.n as f64);
        // SAFETY: the bundle's own lines; what is written lies elsewhere.
        unsafe {
            b.fold(
                squares,
                means,
                #[inline(always)]
                |s, m, v, _| *s += (v.to_f64() - *m) * (v.to_f64() - *m),
            );
        }
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

/// The best element of each line and its place (from 1).
fn extreme<T: Real>(
    op: &'static str,
    values: &Tensor,
    places: &Tensor,
    x: &Tensor,
    d: usize,
    better: impl Fn(T, T) -> bool + Sync + Copy,
) -> Result<()> {
    check(op, x, d)?;
    let source = apart(x, &[values, places])?;
    let source = source.view::<T>()?;
    keep_dim(values, x, d)?;
    keep_dim(places, x, d)?;
    let (v, p) = (values.view_mut::<T>()?, places.view_mut::<i64>()?);
    let (vp, pp) = (v.elements(), p.elements());
    let write = |b: Bundle<T>, at: [isize; 2], steps: [isize; 2]| {
        // SAFETY: lines have one element at least, inside the view.
        let mut best = [unsafe { *b.elements.at(0) }; WIDE];
        let mut place = [0usize; WIDE];
        let (best, place) = (&mut best[..b.lines], &mut place[..b.lines]);
        if b.has_slices() {
            for (k, (best, place)) in best.iter_mut().zip(&mut *place).enumerate() {
                // SAFETY: there is a place for each line, and what is written lies elsewhere.
                let line = unsafe { b.line(k) };
                *place = best_place(line, better);
                *best = line[*place];
            }
        } else {
            for (k, best) in best.iter_mut().enumerate() {
                // SAFETY: the first element of line k.
                *best = unsafe { *b.elements.at(k as isize * b.apart) };
            }
            // SAFETY: the bundle's own lines; what is written lies elsewhere.
            unsafe {
                b.fold(
                    best,
                    place,
                    #[inline(always)]
                    move |best, place, v, j| {
                        let take = !best.is_nan() & (v.is_nan() | better(v, *best));
                        *best = if take { v } else { *best };
                        *place = if take { j } else { *place };
                    },
                );
            }
        }
        for (k, (&best, &place)) in best.iter().zip(&*place).enumerate() {
            let k = k as isize;
            // SAFETY: every line has its own element in each result.
            unsafe {
                *vp.at(at[0] + k * steps[0]) = best;
                *pp.at(at[1] + k * steps[1]) = place as i64 + 1;
            }
        }
    };
    // SAFETY: `source` outlives the call, and is in neither result's storage.
    unsafe { bundles(&source, d, [*v.layout(), *p.layout()], write) }
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
