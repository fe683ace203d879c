//! Reductions: over all elements here, along a dimension in [`along`], [`scan`] and [`mod@renorm`].
//!
//! Elements are taken in blocks whose bounds depend on nothing but the number of elements; blocks give partial results
//! that are joined in order. So results are the same on any number of threads, and rounding errors stay small.

mod along;
mod renorm;
mod scan;

pub use along::{max, mean, min, norm, prod, std, sum, var};
pub use renorm::renorm;
pub use scan::{cumprod, cumsum};

use crate::tensor::Tensor;
use crate::tensor::access::{MatrixSource, Source, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::{Element, Float, Real};
use crate::tensor::error::Result;
use crate::tensor::map;
use crate::tensor::simd::vectorize;
use crate::tensor::threads::{self, shared_out};
use crate::tensor::walk::for_each;

/// Elements summed one after another before a partial sum is taken: keeps errors and dependences short.
const BLOCK: usize = 4096;

/// Elements of a product taken before one looks whether it left the range of numbers.
const FEW: usize = 256;

/// The closure itself: one that is an argument can be marked to be inlined, one that a variable is set to cannot.
#[inline(always)]
fn always<F>(f: F) -> F {
    f
}

/// Joins what `block(start, count)` gives for the blocks of `0..n`, in order.
fn join_blocks<A: Copy + Send + Sync>(
    n: usize,
    init: A,
    block: impl Fn(usize, usize) -> A + Sync,
    join: impl Fn(A, A) -> A,
) -> A {
    if n <= BLOCK {
        return if n == 0 { init } else { join(init, block(0, n)) };
    }
    let one = |b: usize| block(b * BLOCK, BLOCK.min(n - b * BLOCK));
    let blocks = n.div_ceil(BLOCK);
    if !shared_out(n, 1) || threads::threads() == 1 {
        return (0..blocks).fold(init, |acc, b| join(acc, one(b)));
    }
    let mut parts = vec![init; blocks];
    share_rows(&mut parts, 1, BLOCK, |start, parts| {
        parts.iter_mut().zip(start..).for_each(|(to, b)| *to = one(b));
    });
    parts.into_iter().fold(init, join)
}

/// As [`join_blocks`], with the elements of each block as a slice.
fn blocked<T: Element, A: Copy + Send + Sync>(
    x: &Tensor,
    init: A,
    block: impl Fn(&[T]) -> A + Sync,
    join: impl Fn(A, A) -> A,
) -> Result<A> {
    if let Some(all) = x.flat::<T>()? {
        // SAFETY: all of them, and nothing writes while this reads.
        let all = unsafe { all.slice(0, all.len()) };
        return Ok(join_blocks(all.len(), init, |start, count| block(&all[start..start + count]), join));
    }
    gathered(x, init, block, join)
}

/// [`blocked`] of elements that do not lie one after another. Apart, so that its layouts are no part of the usual call's
/// stack frame.
#[inline(never)]
fn gathered<T: Element, A: Copy>(
    x: &Tensor,
    init: A,
    block: impl Fn(&[T]) -> A,
    join: impl Fn(A, A) -> A,
) -> Result<A> {
    let mut acc = init;
    let mut buffer = Vec::with_capacity(BLOCK);
    for_each(x, |v| {
        buffer.push(v);
        if buffer.len() == BLOCK {
            acc = join(acc, block(&buffer));
            buffer.clear();
        }
    })?;
    Ok(if buffer.is_empty() { acc } else { join(acc, block(&buffer)) })
}

/// Folds `f` of elements that lie at the same place in a few slices with running results side by side, so that the loop
/// vectorises; the order is the same on every machine.
#[inline(always)]
fn lanes<T: Element, A: Real, const N: usize>(
    x: [&[T]; N],
    unit: A,
    op: impl Fn(A, A) -> A + Copy,
    f: impl Fn([T; N]) -> A + Copy,
) -> A {
    let n = x.iter().map(|x| x.len()).min().unwrap_or(0);
    // SAFETY: callers of `at` stay below the length of each slice.
    let at = always(
        #[inline(always)]
        move |i: usize| f(x.map(|x| unsafe { *x.get_unchecked(i) })),
    );
    // a few are added before a loop for wide registers has been entered; many need more sums than it takes additions
    // one after the other
    match n {
        0..32 => side_by_side::<A, 8>(n, unit, op, at),
        32..512 => vectorize(
            #[inline(always)]
            move || side_by_side::<A, 8>(n, unit, op, at),
        ),
        _ => vectorize(
            #[inline(always)]
            move || side_by_side::<A, 16>(n, unit, op, at),
        ),
    }
}

/// Folds the values of `at` below `n`, with `LANES` running results.
#[inline(always)]
fn side_by_side<A: Real, const LANES: usize>(
    n: usize,
    unit: A,
    op: impl Fn(A, A) -> A + Copy,
    at: impl Fn(usize) -> A,
) -> A {
    let mut acc = [unit; LANES];
    let whole = n - n % LANES;
    let mut i = 0;
    while i < whole {
        for (k, a) in acc.iter_mut().enumerate() {
            *a = op(*a, at(i + k));
        }
        i += LANES;
    }
    let tail = (whole..n).fold(unit, |a, i| op(a, at(i)));
    if LANES > 8 { op(tail, folded(acc, op)) } else { acc.iter().fold(tail, |a, &b| op(a, b)) }
}

/// Running results joined, halves by halves. Apart from the loop before it, whose vectors would otherwise become as narrow as the last here.
#[inline(never)]
pub(super) fn folded<A: Real, const LANES: usize>(mut acc: [A; LANES], op: impl Fn(A, A) -> A) -> A {
    let mut width = LANES / 2;
    while width > 0 {
        for k in 0..width {
            acc[k] = op(acc[k], acc[k + width]);
        }
        width /= 2;
    }
    acc[0]
}

/// Sum of f over a slice, in the wide type.
#[inline(always)]
fn sum_slice<T: Real, A: Real>(x: &[T], f: impl Fn(T) -> A + Copy) -> A {
    lanes(
        [x],
        A::ZERO,
        A::add,
        #[inline(always)]
        |[v]| f(v),
    )
}

/// Sum of f over all elements, in the wide type.
fn sum_of<T: Real, A: Real>(x: &Tensor, f: impl Fn(T) -> A + Copy + Sync) -> Result<A> {
    blocked(x, A::ZERO, |b: &[T]| sum_slice(b, f), A::add)
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

/// `acc` times the product of a slice. Running products side by side may leave the range of numbers where the one
/// from front to back would not (0 times infinity is nan); where they come near to that, the latter is taken.
fn times_slice<T: Real>(acc: T::Acc, x: &[T]) -> T::Acc {
    x.chunks(FEW).fold(acc, |acc, x| {
        let wide = always(
            #[inline(always)]
            |[v]: [T; 1]| T::Acc::convert(v),
        );
        let product = lanes([x], T::Acc::ONE, T::Acc::mul, wide);
        // as many bits as FEW elements take if every one of them is as large as the largest lane allows
        let safe = !T::DTYPE.is_float() || {
            let widest = sum_slice(
                x,
                #[inline(always)]
                |v: T| exponent(v.to_f64()),
            );
            widest < 960
        };
        if safe { acc.mul(product) } else { x.iter().fold(acc, |acc, &v| acc.mul(T::Acc::convert(v))) }
    })
}

/// The size of the binary exponent, plus one: a bound of what a factor adds to that of a product. Zeros, subnormal
/// numbers, infinities and nan have more than a double has range.
#[inline(always)]
fn exponent(v: f64) -> i64 {
    ((v.to_bits() >> 52 & 0x7ff) as i64 - 1023).abs() + 1
}

/// Product of all elements, accumulated in int64 or double.
///
/// # Errors
/// A view outside its storage.
pub fn prod_all<T: Real>(x: &Tensor) -> Result<f64> {
    Ok(times_slice(T::Acc::ONE, &Source::<T>::of(x)?).to_f64())
}

/// Mean of all elements.
///
/// # Errors
/// No element.
pub fn mean_all<T: Real>(x: &Tensor) -> Result<f64> {
    check::has_elements("a tensor", x)?;
    Ok(sum_all::<T>(x)? / x.numel() as f64)
}

/// The better of two by `better`; nan wins.
#[inline(always)]
fn pick<T: Real>(a: T, b: T, better: impl Fn(T, T) -> bool) -> T {
    if !a.is_nan() && (b.is_nan() || better(b, a)) { b } else { a }
}

/// The best of a slice, which has one element at least, by `better`; the first nan if there is one.
#[inline(always)]
fn best_of_slice<T: Real>(x: &[T], better: impl Fn(T, T) -> bool + Copy) -> T {
    let nan = vectorize(
        #[inline(always)]
        || x.iter().fold(false, |nan, v| nan | v.is_nan()),
    );
    if nan {
        return x.iter().copied().find(|v| v.is_nan()).unwrap_or(x[0]);
    }
    let pick = always(
        #[inline(always)]
        move |a: T, b: T| if better(b, a) { b } else { a },
    );
    vectorize(
        #[inline(always)]
        || {
            if !T::DTYPE.is_float() {
                // the compiler knows this loop
                return x.iter().fold(x[0], |a, &v| pick(a, v));
            }
            let mut acc = [x[0]; 32];
            let mut chunks = x.chunks_exact(32);
            for c in &mut chunks {
                for (a, &v) in acc.iter_mut().zip(c) {
                    *a = pick(*a, v);
                }
            }
            chunks.remainder().iter().chain(&acc).fold(acc[0], |a, &v| pick(a, v))
        },
    )
}

/// The best of all elements by `better`; nan wins.
fn best<T: Real>(x: &Tensor, better: impl Fn(T, T) -> bool + Copy + Sync) -> Result<T> {
    check::has_elements("a tensor", x)?;
    let first = x.view::<T>()?;
    // SAFETY: there is at least one element.
    let first = unsafe { *first.elements().at(0) };
    blocked(x, first, |b: &[T]| best_of_slice(b, better), |a, b| pick(a, b, better))
}

/// Largest of all elements; nan if there is one.
///
/// # Errors
/// No element.
pub fn max_all<T: Real>(x: &Tensor) -> Result<f64> {
    best(
        x,
        #[inline(always)]
        |a: T, b| a > b,
    )
    .map(Element::to_f64)
}

/// Smallest of all elements; nan if there is one.
///
/// # Errors
/// No element.
pub fn min_all<T: Real>(x: &Tensor) -> Result<f64> {
    best(
        x,
        #[inline(always)]
        |a: T, b| a < b,
    )
    .map(Element::to_f64)
}

/// How many, their mean, and the sum of the squares of their distances from it.
#[derive(Clone, Copy)]
struct Moments(f64, f64, f64);

impl Moments {
    const NONE: Moments = Moments(0.0, 0.0, 0.0);

    /// Of a slice short enough to be read twice from the first cache.
    fn of<T: Float>(x: &[T]) -> Moments {
        let n = x.len() as f64;
        let mean = sum_slice(
            x,
            #[inline(always)]
            |v: T| v.to_f64(),
        ) / n;
        Moments(
            n,
            mean,
            sum_slice(
                x,
                #[inline(always)]
                move |v: T| (v.to_f64() - mean) * (v.to_f64() - mean),
            ),
        )
    }

    /// Of two lots together.
    fn join(self, o: Moments) -> Moments {
        if self.0 == 0.0 {
            return o;
        }
        let n = self.0 + o.0;
        let apart = o.1 - self.1;
        Moments(n, self.1 + apart * (o.0 / n), self.2 + o.2 + apart * apart * (self.0 * (o.0 / n)))
    }

    fn variance(self, biased: bool) -> f64 {
        self.2 / (self.0 - if biased { 0.0 } else { 1.0 })
    }
}

/// Variance of all elements; divides by n - 1, or by n when `biased`.
///
/// # Errors
/// No element.
pub fn var_all<T: Float>(x: &Tensor, biased: bool) -> Result<f64> {
    check::has_elements("a tensor", x)?;
    Ok(blocked(x, Moments::NONE, Moments::of::<T>, Moments::join)?.variance(biased))
}

/// Standard deviation of all elements.
///
/// # Errors
/// No element.
pub fn std_all<T: Float>(x: &Tensor, biased: bool) -> Result<f64> {
    var_all::<T>(x, biased).map(f64::sqrt)
}

/// What sums of functions of elements can be taken over.
trait Summed<T> {
    /// One sum, or one along each line.
    type Sums;
    /// Sums `f` of the elements and hands each sum to `last`.
    fn sums(&self, f: impl Fn(T) -> f64 + Copy + Sync, last: impl Fn(f64) -> f64 + Sync) -> Result<Self::Sums>;
}

/// The p-norm; p = 0 counts elements that are not 0.
fn p_norm<T: Float, S: Summed<T>>(over: &S, p: f64) -> Result<S::Sums> {
    if p == 0.0 {
        over.sums(
            #[inline(always)]
            |v: T| f64::from(u8::from(v != T::ZERO)),
            |s| s,
        )
    } else if p == 1.0 {
        over.sums(
            #[inline(always)]
            |v: T| v.abs().to_f64(),
            |s| s,
        )
    } else if p == 2.0 {
        over.sums(
            #[inline(always)]
            |v: T| v.to_f64() * v.to_f64(),
            f64::sqrt,
        )
    } else {
        over.sums(move |v: T| v.abs().to_f64().powf(p), move |s| s.powf(1.0 / p))
    }
}

impl<T: Real> Summed<T> for Tensor {
    type Sums = f64;
    fn sums(&self, f: impl Fn(T) -> f64 + Copy + Sync, last: impl Fn(f64) -> f64 + Sync) -> Result<f64> {
        sum_of(self, f).map(last)
    }
}

/// The p-norm of all elements; p = 0 counts those that are not 0.
///
/// # Errors
/// A view outside its storage.
pub fn norm_all<T: Float>(x: &Tensor, p: f64) -> Result<f64> {
    p_norm::<T, _>(x, p)
}

/// The differences of two tensors' elements.
struct Differences<T>(Source<T>, Source<T>);

impl<T: Real> Summed<T> for Differences<T> {
    type Sums = f64;
    fn sums(&self, f: impl Fn(T) -> f64 + Copy + Sync, last: impl Fn(f64) -> f64 + Sync) -> Result<f64> {
        let (x, y) = (&*self.0, &*self.1);
        let block = |i: usize, n: usize| {
            lanes(
                [&x[i..i + n], &y[i..i + n]],
                0.0,
                f64::add,
                #[inline(always)]
                |[x, y]| f(x.sub(y)),
            )
        };
        Ok(last(join_blocks(x.len(), 0.0, block, f64::add)))
    }
}

/// The p-norm of the difference of two tensors.
///
/// # Errors
/// Different numbers of elements.
pub fn dist<T: Float>(x: &Tensor, y: &Tensor, p: f64) -> Result<f64> {
    map::same_count("dist", x, y)?;
    p_norm(&Differences(Source::<T>::of(x)?, Source::<T>::of(y)?), p)
}

/// Sum of the products of two tensors' elements, accumulated in int64 or double.
///
/// # Errors
/// Different numbers of elements.
pub fn dot<T: Real>(x: &Tensor, y: &Tensor) -> Result<f64> {
    map::same_count("dot", x, y)?;
    let (x, y) = (Source::<T>::of(x)?, Source::<T>::of(y)?);
    let product = always(
        #[inline(always)]
        |[x, y]: [T; 2]| T::Acc::convert(x).mul(T::Acc::convert(y)),
    );
    let block = |i: usize, n: usize| lanes([&x[i..i + n], &y[i..i + n]], T::Acc::ZERO, T::Acc::add, product);
    Ok(T::convert(join_blocks(x.len(), T::Acc::ZERO, block, T::Acc::add)).to_f64())
}

/// Sum of the diagonal of a matrix.
///
/// # Errors
/// Not a matrix.
pub fn trace<T: Real>(x: &Tensor) -> Result<f64> {
    check::rank("a matrix", x, 2)?;
    let source = MatrixSource::<T>::of(x)?;
    let x = source.view();
    let sum = (0..x.rows().min(x.cols())).fold(T::Acc::ZERO, |s, i| s.add(T::Acc::convert(x.get(i, i))));
    Ok(sum.to_f64())
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
mod tests;
