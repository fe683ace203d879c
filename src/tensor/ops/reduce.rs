//! Reductions: over all elements, and along a dimension (which stays, with size 1).

use crate::demand;
use crate::tensor::dtype::{Element, Float, Real};
use crate::tensor::error::{Error, Kind, Result};
use crate::tensor::map::{self, Ptr, split};
use crate::tensor::simd::vectorize;
use crate::tensor::walk::{Cursor, for_each, walk};
use crate::tensor::{Tensor, View};

/// Elements summed one after another before a partial sum is taken: keeps errors and dependences short.
const BLOCK: usize = 4096;

/// Folds runs of neighbours block by block: `block` sums a slice, `join` adds partial results in order.
fn blocked<T: Element, A: Copy>(x: &Tensor, init: A, block: impl Fn(&[T]) -> A, join: impl Fn(A, A) -> A) -> Result<A> {
    let mut acc = init;
    if let Some((p, n)) = x.flat::<T>()? {
        // SAFETY: n elements lie there, and nothing writes while this reads.
        let all = unsafe { std::slice::from_raw_parts(p, n) };
        for chunk in all.chunks(BLOCK) {
            acc = join(acc, block(chunk));
        }
        return Ok(acc);
    }
    let mut buffer = Vec::with_capacity(BLOCK);
    for_each(&x.view::<T>()?, |v| {
        buffer.push(v);
        if buffer.len() == BLOCK {
            acc = join(acc, block(&buffer));
            buffer.clear();
        }
    });
    Ok(if buffer.is_empty() { acc } else { join(acc, block(&buffer)) })
}

/// Sums with eight running sums, so that the loop vectorises; the order is the same on every machine.
#[inline(always)]
fn lanes<T: Element, A: Real>(x: &[T], f: impl Fn(T) -> A + Copy) -> A {
    vectorize(
        #[inline(always)]
        || {
            let mut acc = [A::ZERO; 8];
            let mut chunks = x.chunks_exact(8);
            for c in &mut chunks {
                for (a, &v) in acc.iter_mut().zip(c) {
                    *a = a.add(f(v));
                }
            }
            let tail = chunks.remainder().iter().fold(A::ZERO, |a, &v| a.add(f(v)));
            acc.iter().fold(tail, |a, &b| a.add(b))
        },
    )
}

/// Sum of f over all elements, in the wide type.
fn sum_of<T: Real, A: Real>(x: &Tensor, f: impl Fn(T) -> A + Copy) -> Result<A> {
    blocked(x, A::ZERO, |b: &[T]| lanes(b, f), A::add)
}

/// Sum of all elements, accumulated in int64 or double.
///
/// # Errors
/// A view outside its storage.
pub fn sum_all<T: Real>(x: &Tensor) -> Result<f64> {
    sum_of(
        x,
        #[inline(always)]
        |v: T| T::Acc::convert(v),
    )
    .map(Element::to_f64)
}

/// Product of all elements, accumulated in int64 or double.
///
/// # Errors
/// A view outside its storage.
pub fn prod_all<T: Real>(x: &Tensor) -> Result<f64> {
    map::fold(x, T::Acc::ONE, |a, v: T| a.mul(T::Acc::convert(v))).map(Element::to_f64)
}

/// Mean of all elements.
///
/// # Errors
/// No element.
pub fn mean_all<T: Real>(x: &Tensor) -> Result<f64> {
    demand!(x.ndim() > 0, "mean: empty tensor");
    Ok(sum_all::<T>(x)? / x.numel() as f64)
}

/// The best of all elements by `better`; nan wins.
fn best<T: Real>(op: &str, x: &Tensor, better: impl Fn(T, T) -> bool + Copy) -> Result<T> {
    demand!(x.ndim() > 0, "{op}: tensor must have one dimension at least");
    let pick = move |a: T, b: T| if better(b, a) { b } else { a };
    let first = x.view::<T>()?;
    // SAFETY: there is at least one element.
    let first = unsafe { *first.ptr };
    let block = |b: &[T]| {
        let nan = b.iter().copied().find(|v| v.is_nan());
        nan.unwrap_or_else(|| {
            vectorize(
                #[inline(always)]
                || {
                    let mut acc = [b[0]; 16];
                    let mut chunks = b.chunks_exact(16);
                    for c in &mut chunks {
                        for (a, &v) in acc.iter_mut().zip(c) {
                            *a = pick(*a, v);
                        }
                    }
                    chunks.remainder().iter().chain(&acc).fold(acc[0], |a, &v| pick(a, v))
                },
            )
        })
    };
    blocked(x, first, block, |a, b| {
        if a.is_nan() {
            a
        } else if b.is_nan() {
            b
        } else {
            pick(a, b)
        }
    })
}

/// Largest of all elements; nan if there is one.
///
/// # Errors
/// No element.
pub fn max_all<T: Real>(x: &Tensor) -> Result<f64> {
    best("max", x, |a: T, b| a > b).map(Element::to_f64)
}

/// Smallest of all elements; nan if there is one.
///
/// # Errors
/// No element.
pub fn min_all<T: Real>(x: &Tensor) -> Result<f64> {
    best("min", x, |a: T, b| a < b).map(Element::to_f64)
}

/// Variance of all elements; divides by n - 1, or by n when `biased`.
///
/// # Errors
/// No element.
pub fn var_all<T: Float>(x: &Tensor, biased: bool) -> Result<f64> {
    let mean = mean_all::<T>(x)?;
    let squares: f64 = sum_of(x, move |v: T| (v.to_f64() - mean) * (v.to_f64() - mean))?;
    Ok(squares / (x.numel() as f64 - if biased { 0.0 } else { 1.0 }))
}

/// Standard deviation of all elements.
///
/// # Errors
/// No element.
pub fn std_all<T: Float>(x: &Tensor, biased: bool) -> Result<f64> {
    var_all::<T>(x, biased).map(f64::sqrt)
}

/// The p-norm of all elements; p = 0 counts those that are not 0.
///
/// # Errors
/// A view outside its storage.
pub fn norm_all<T: Float>(x: &Tensor, p: f64) -> Result<f64> {
    if p == 0.0 {
        sum_of(x, |v: T| f64::from(u8::from(v != T::ZERO)))
    } else if p == 1.0 {
        sum_of(x, |v: T| v.abs().to_f64())
    } else if p == 2.0 {
        sum_of(x, |v: T| v.to_f64() * v.to_f64()).map(f64::sqrt)
    } else {
        sum_of(x, move |v: T| v.abs().to_f64().powf(p)).map(|s| s.powf(1.0 / p))
    }
}

/// The p-norm of the difference of two tensors.
///
/// # Errors
/// Different numbers of elements.
pub fn dist<T: Float>(x: &Tensor, y: &Tensor, p: f64) -> Result<f64> {
    let d = Tensor::empty(T::DTYPE);
    super::arith::add_scaled(&d, x, T::ONE.neg(), y)?;
    norm_all::<T>(&d, p)
}

/// Sum of the products of two tensors' elements, accumulated in int64 or double.
///
/// # Errors
/// Different numbers of elements.
pub fn dot<T: Real>(x: &Tensor, y: &Tensor) -> Result<f64> {
    map::same_count("dot", x, y)?;
    let (a, b) = (x.to_vec::<T>()?, y.to_vec::<T>()?);
    let mut acc = T::Acc::ZERO;
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        acc = a.iter().zip(b).fold(acc, |s, (&a, &b)| s.add(T::Acc::convert(a).mul(T::Acc::convert(b))));
    }
    Ok(T::convert(acc).to_f64())
}

/// Sum of the diagonal of a matrix.
///
/// # Errors
/// Not a matrix.
pub fn trace<T: Real>(x: &Tensor) -> Result<f64> {
    demand!(x.ndim() == 2, "trace: expected a matrix, got a {}D tensor", x.ndim());
    let v = x.view::<T>()?;
    let step = v.layout.strides()[0] + v.layout.strides()[1];
    // SAFETY: (i, i) lies inside the matrix.
    let sum = (0..x.size(0).min(x.size(1)) as isize)
        .fold(T::Acc::ZERO, |s, i| s.add(T::Acc::convert(unsafe { *v.ptr.offset(i * step) })));
    Ok(sum.to_f64())
}

// ---- along a dimension ----

/// Resizes `res` to the sizes of `x` with dimension `d` of size 1.
fn keep_dim(op: &'static str, res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    if d >= x.ndim() {
        return Err(Error::from(Kind::Dimension { op, dim: d as i64 + 1, ndim: x.ndim() }));
    }
    let mut sizes = x.layout().sizes().to_vec();
    sizes[d] = 1;
    res.resize(&sizes)
}

/// Calls `f(first element, stride, place in the result)` for each line along `d`, on several threads.
fn lines<T: Element, R: Element>(
    res: &Tensor,
    x: &View<T>,
    d: usize,
    f: impl Fn(Line<T>, *mut R) + Sync,
) -> Result<()> {
    let r = res.view::<R>()?;
    let (n, stride) = (x.layout.sizes()[d], x.layout.strides()[d]);
    let mut outer = x.layout;
    if outer.ndim() > 1 {
        outer.remove(d);
    } else {
        outer = outer.narrow(0, 0, 1)?;
    }
    let (xp, rp) = (Ptr(x.ptr), Ptr(r.ptr));
    let layout = r.layout;
    split(outer.numel(), n, |start, count| {
        let mut c = [Cursor::new(&outer, start), Cursor::new(&layout, start)];
        let (xs, rs) = (c[0].stride(), c[1].stride());
        walk(&mut c, count, &mut |at, run| {
            for i in 0..run as isize {
                let ptr = xp.at(0).wrapping_offset(at[0] + i * xs);
                f(Line { ptr, n, stride }, rp.at(0).wrapping_offset(at[1] + i * rs));
            }
        });
    });
    Ok(())
}

/// Elements along a dimension.
#[derive(Clone, Copy)]
pub struct Line<T> {
    ptr: *mut T,
    n: usize,
    stride: isize,
}

impl<T: Copy> Line<T> {
    /// Element `i`.
    #[inline(always)]
    fn get(&self, i: usize) -> T {
        // SAFETY: i < n, and the line lies inside the view it was made from.
        unsafe { *self.ptr.wrapping_offset(i as isize * self.stride) }
    }
    #[inline(always)]
    fn iter(self) -> impl Iterator<Item = T> {
        (0..self.n).map(move |i| self.get(i))
    }
}

/// One value per line along `d`, written to `res`, which may be `x`.
fn along<T: Real>(op: &'static str, res: &Tensor, x: &Tensor, d: usize, f: impl Fn(Line<T>) -> T + Sync) -> Result<()> {
    let source = x.clone();
    keep_dim(op, res, x, d)?;
    lines(res, &source.view::<T>()?, d, |line, r| {
        // SAFETY: every line has its own element in the result.
        unsafe { *r = f(line) }
    })
}

/// Sums along a dimension, in the element type.
///
/// # Errors
/// A dimension that is not there.
pub fn sum<T: Real>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    along("sum", res, x, d, |l: Line<T>| T::convert(l.iter().fold(T::Acc::ZERO, |a, v| a.add(T::Acc::convert(v)))))
}

/// Products along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn prod<T: Real>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    along("prod", res, x, d, |l: Line<T>| T::convert(l.iter().fold(T::Acc::ONE, |a, v| a.mul(T::Acc::convert(v)))))
}

/// Means along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn mean<T: Float>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    along("mean", res, x, d, |l: Line<T>| T::from_f64(l.iter().fold(0.0, |a, v| a + v.to_f64()) / l.n as f64))
}

fn variance<T: Float>(l: Line<T>, biased: bool) -> f64 {
    let mean = l.iter().fold(0.0, |a, v| a + v.to_f64()) / l.n as f64;
    let squares = l.iter().fold(0.0, |a, v| a + (v.to_f64() - mean) * (v.to_f64() - mean));
    squares / (l.n as f64 - if biased { 0.0 } else { 1.0 })
}

/// Variances along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn var<T: Float>(res: &Tensor, x: &Tensor, d: usize, biased: bool) -> Result<()> {
    along("var", res, x, d, |l: Line<T>| T::from_f64(variance(l, biased)))
}

/// Standard deviations along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn std<T: Float>(res: &Tensor, x: &Tensor, d: usize, biased: bool) -> Result<()> {
    along("std", res, x, d, |l: Line<T>| T::from_f64(variance(l, biased).sqrt()))
}

/// p-norms along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn norm<T: Float>(res: &Tensor, x: &Tensor, p: f64, d: usize) -> Result<()> {
    along("norm", res, x, d, |l: Line<T>| {
        T::from_f64(if p == 0.0 {
            l.iter().filter(|&v| v != T::ZERO).count() as f64
        } else {
            l.iter().fold(0.0, |a, v| a + v.abs().to_f64().powf(p)).powf(1.0 / p)
        })
    })
}

/// The best element of each line and its place (from 1).
fn extreme<T: Real>(
    op: &'static str,
    values: &Tensor,
    places: &Tensor,
    x: &Tensor,
    d: usize,
    better: impl Fn(T, T) -> bool + Sync,
) -> Result<()> {
    let source = x.clone();
    keep_dim(op, values, x, d)?;
    keep_dim(op, places, x, d)?;
    let pick = |l: Line<T>| {
        let mut best = (l.get(0), 0);
        for i in 1..l.n {
            if best.0.is_nan() {
                break;
            }
            let v = l.get(i);
            if v.is_nan() || better(v, best.0) {
                best = (v, i);
            }
        }
        best
    };
    let x = source.view::<T>()?;
    lines(places, &x, d, |l, r: *mut i64| {
        // SAFETY: every line has its own element in the result.
        unsafe { *r = pick(l).1 as i64 + 1 }
    })?;
    lines(values, &x, d, |l, r: *mut T| {
        // SAFETY: as above.
        unsafe { *r = pick(l).0 }
    })
}

/// Largest elements along a dimension, and where they are; ties take the first, nan wins.
///
/// # Errors
/// A dimension that is not there.
pub fn max<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    extreme("max", values, places, x, d, |a: T, b| a > b)
}

/// Smallest elements along a dimension, and where they are.
///
/// # Errors
/// A dimension that is not there.
pub fn min<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    extreme("min", values, places, x, d, |a: T, b| a < b)
}

/// Running folds along a dimension.
fn scan<T: Real>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    d: usize,
    one: T::Acc,
    f: impl Fn(T::Acc, T::Acc) -> T::Acc + Sync,
) -> Result<()> {
    if d >= x.ndim() {
        return Err(Error::from(Kind::Dimension { op, dim: d as i64 + 1, ndim: x.ndim() }));
    }
    let source = x.clone();
    res.resize_as(x)?;
    let stride = res.stride(d);
    let heads = res.with_layout(res.layout().narrow(d, 0, 1)?);
    lines(&heads, &source.view::<T>()?, d, |l: Line<T>, r: *mut T| {
        let mut acc = one;
        for i in 0..l.n {
            acc = f(acc, T::Acc::convert(l.get(i)));
            // SAFETY: the result has as many elements along `d` as the line.
            unsafe { *r.wrapping_offset(i as isize * stride) = T::convert(acc) };
        }
    })
}

/// Running sums along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn cumsum<T: Real>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    scan::<T>("cumsum", res, x, d, T::Acc::ZERO, T::Acc::add)
}

/// Running products along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn cumprod<T: Real>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    scan::<T>("cumprod", res, x, d, T::Acc::ONE, T::Acc::mul)
}
