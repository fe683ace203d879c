//! Elementwise loops and folds over one to three tensors: the only place that visits elements for them. One loop serves
//! every number of operands.
//!
//! Results may be inputs. Operands that coincide exactly or not at all take vectorised loops; any other overlap goes
//! element by element in logical order, as Torch7 would.

use super::Tensor;
use super::access::RawSlice;
use super::access::View;
use super::access::loans::Loop;
use super::dtype::{DType, Element};
use super::error::{Error, Kind, Result};
use super::function::Function;
use super::layout::Layout;
use super::simd::{array, vectorize, vectorize_maths};
use super::threads::split;
use super::vmath::{Arith, Fused, Plain};
use super::walk::Walk;

/// Where the elements of an operand start: a [`RawSlice`] without its length, which loops would carry along for nothing.
#[derive(Clone, Copy)]
struct Start<T>(*mut T);
// SAFETY: an address, which the loops below use inside unsafe functions alone, each thread for a part of its own.
unsafe impl<T: Send + Sync> Send for Start<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Start<T> {}

impl<T> Start<T> {
    #[inline(always)]
    fn of(x: RawSlice<'_, T>) -> Start<T> {
        // SAFETY: the first one lies there, and those who follow it vouch for the others.
        Start(unsafe { x.at(0) })
    }

    /// So many elements further.
    #[inline(always)]
    fn moved(self, by: isize) -> Start<T> {
        Start(self.0.wrapping_offset(by))
    }
}

/// The error for operands of different lengths.
#[cold]
pub fn mismatch(op: &'static str, a: &Tensor, b: &Tensor) -> Error {
    Error::from(Kind::SizeMismatch { op, lhs: a.shape_text(), rhs: b.shape_text() })
}

/// Fails unless both have as many elements.
#[inline(always)]
pub fn same_count(op: &'static str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.numel() == b.numel() { Ok(()) } else { Err(mismatch(op, a, b)) }
}

/// `res[i] = f()` for every element: results that do not depend on the old value.
pub fn fill<T: Element>(res: &Tensor, v: T) -> Result<()> {
    if let Some(r) = res.flat_mut::<T>()? {
        split(r.len(), 1, |start, count| {
            // SAFETY: parts inside the result, no two of which overlap, and nothing reads them meanwhile.
            let part = unsafe { r.slice_mut(start, count) };
            if count < 16 {
                return part.iter_mut().for_each(|to| *to = v);
            }
            vectorize(move || part.fill(v));
        });
        return Ok(());
    }
    super::walk::update(res, |_| v)
}

/// `res[i] = f(x[i])`. `res` already has as many elements as `x`.
///
/// # Errors
/// Another number of elements, another element type.
#[inline(always)]
pub fn unary<R: Element, A: Element>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    cost: usize,
    f: impl Function<(A,), R>,
) -> Result<()> {
    same_count(op, res, x)?;
    <(A,)>::apply(res, [x], cost, f)
}

/// `res[i] = f(x[i], y[i])`. `res` already has as many elements as both.
///
/// # Errors
/// Another number of elements, another element type.
#[inline(always)]
pub fn binary<R: Element, A: Element, B: Element>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    y: &Tensor,
    f: impl Function<(A, B), R>,
) -> Result<()> {
    same_count(op, x, y)?;
    same_count(op, res, x)?;
    <(A, B)>::apply(res, [x, y], 1, f)
}

/// `res[i] = f(res[i], x[i], y[i])`.
///
/// # Errors
/// Another number of elements, another element type.
#[inline(always)]
pub fn ternary<T: Element>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    y: &Tensor,
    f: impl Function<(T, T, T), T>,
) -> Result<()> {
    same_count(op, x, y)?;
    same_count(op, res, x)?;
    <(T, T, T)>::apply(res, [res, x, y], 1, f)
}

/// The element types of the operands of a loop, as a tuple.
trait Operands<const N: usize>: Copy + Send + Sync + Default + 'static {
    /// The type of the first one.
    const FIRST: DType;
    /// Where the elements of each start.
    type Starts: Copy + Send + Sync;

    /// `res[i] = f(...)` of all operands' elements `i`.
    fn apply<R: Element>(res: &Tensor, x: [&Tensor; N], cost: usize, f: impl Function<Self, R>) -> Result<()>;
    /// Starts that are `i` elements further.
    fn at(starts: Self::Starts, i: usize) -> Self::Starts {
        Self::moved(starts, [i as isize; N])
    }
    /// Starts that are so many elements further.
    fn moved(starts: Self::Starts, by: [isize; N]) -> Self::Starts;
    /// The elements at `i` of operands whose elements lie together.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn next(starts: Self::Starts, i: usize) -> Self;
    /// The elements at `i`, each operand's stride apart from its start.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn read(starts: Self::Starts, i: isize, strides: &[isize; N]) -> Self;
    /// `r[i] = f(...)` of `n` elements, none of them hard.
    ///
    /// # Safety
    /// All operands have `n` elements there, and `r` overlaps none of them, except the first if it is the `same`.
    unsafe fn run<M: Arith, R: Element>(
        m: M,
        r: *mut R,
        starts: Self::Starts,
        n: usize,
        same: bool,
        f: impl Function<Self, R>,
    );
}

/// Stands for lists of strides where elements lie together.
const TOGETHER: isize = 1;

macro_rules! operands {
    ($n:literal, $cursors:literal: $first:ident $start:ident $i:tt $(, $rest:ident $more:ident $j:tt)*) => {
        impl<$first: Element $(, $rest: Element)*> Operands<$n> for ($first, $($rest,)*) {
            const FIRST: DType = $first::DTYPE;
            type Starts = (Start<$first>, $(Start<$rest>,)*);

            #[inline(always)]
            fn apply<R: Element>(res: &Tensor, x: [&Tensor; $n], cost: usize, f: impl Function<Self, R>) -> Result<()> {
                if let (Some(r), Some($start), $(Some($more),)*)
                    = (res.flat_mut::<R>()?, x[$i].flat::<$first>()?, $(x[$j].flat::<$rest>()?,)*)
                {
                    let same = r.address() == $start.address() && R::DTYPE == Self::FIRST;
                    if (same || r.is_apart(&$start)) $(&& r.is_apart(&$more))* {
                        let (n, r, starts) = (r.len(), Start::of(r), (Start::of($start), $(Start::of($more),)*));
                        let _loop = Loop::begin();
                        split(n, cost, |first, count| {
                            // SAFETY: parts of runs that lie inside the tensors; the result's is one operand's or
                            // overlaps none, and no two parts overlap.
                            unsafe {
                                let to = r.moved(first as isize).0;
                                flat::<Self, _, _, $n>(to, Self::at(starts, first), count, same, cost, f)
                            }
                        });
                        return Ok(());
                    }
                }
                let ($start, $($more,)*) = (x[$i].view::<$first>()?, $(x[$j].view::<$rest>()?,)*);
                let views = [span(&$start), $(span(&$more)),*];
                let layouts = [*$start.layout(), $(*$more.layout()),*];
                let starts = (Start::of($start.elements()), $(Start::of($more.elements()),)*);
                // SAFETY: the operands lie there, with these layouts.
                unsafe { strided::<Self, R, _, $n, $cursors>(res, starts, layouts, &views, cost, f) }
            }

            #[inline(always)]
            fn moved(starts: Self::Starts, by: [isize; $n]) -> Self::Starts {
                (starts.$i.moved(by[$i]), $(starts.$j.moved(by[$j]),)*)
            }

            #[inline(always)]
            unsafe fn next(starts: Self::Starts, i: usize) -> Self {
                // SAFETY: by the contract.
                unsafe { (*starts.$i.0.add(i), $(*starts.$j.0.add(i),)*) }
            }

            #[inline(always)]
            unsafe fn read(starts: Self::Starts, i: isize, strides: &[isize; $n]) -> Self {
                // SAFETY: by the contract.
                unsafe {
                    (*starts.$i.0.wrapping_offset(i * strides[$i]), $(*starts.$j.0.wrapping_offset(i * strides[$j]),)*)
                }
            }

            #[inline(always)]
            unsafe fn run<M: Arith, R: Element>(
                m: M,
                r: *mut R,
                starts: Self::Starts,
                n: usize,
                same: bool,
                f: impl Function<Self, R>,
            ) {
                // by position, without a look at bounds: only so every number of operands vectorises
                // SAFETY: by the contract; what the result overlaps is read through the result alone.
                unsafe {
                    if same {
                        for i in 0..n {
                            let old = *r.cast_const().cast::<$first>().add(i);
                            *r.add(i) = f.at(m, (old, $(*starts.$j.0.add(i),)*));
                        }
                        return;
                    }
                    for i in 0..n {
                        *r.add(i) = f.at(m, Self::next(starts, i));
                    }
                }
            }
        }
    };
}
operands!(1, 2: A a 0);
operands!(2, 3: A a 0, B b 1);
operands!(3, 4: A a 0, B b 1, C c 2);

/// Elements whose hardness is asked together.
const CHUNK: usize = 512;

/// `r[i] = f(...)` of `n` elements that lie together.
///
/// # Safety
/// As [`Operands::run`].
#[inline(always)]
unsafe fn flat<X: Operands<N>, R: Element, F: Function<X, R>, const N: usize>(
    r: *mut R,
    x: X::Starts,
    n: usize,
    same: bool,
    cost: usize,
    f: F,
) {
    // a cheap function over a few elements is done before the vector loop has been entered
    if !F::MATHS && n < 16 && (cost == 1 || n < 4) {
        // SAFETY: by the contract.
        return unsafe { line(Plain, (r, TOGETHER), (x, [TOGETHER; N]), n, f) };
    }
    // `move`: pointers that a closure holds by reference are loaded again after each store, and nothing vectorises
    if !F::MATHS {
        return vectorize(
            #[inline(always)]
            // SAFETY: by the contract.
            move || unsafe { chunks(Plain, r, x, n, same, f) },
        );
    }
    vectorize_maths(
        #[inline(always)]
        // SAFETY: by the contract.
        move || unsafe { chunks(Plain, r, x, n, same, f) },
        #[inline(always)]
        // SAFETY: by the contract.
        move || unsafe { chunks(Fused, r, x, n, same, f) },
    );
}

/// [`Operands::run`], of chunks where elements may be hard.
///
/// # Safety
/// As [`Operands::run`].
#[inline(always)]
unsafe fn chunks<M: Arith, X: Operands<N>, R: Element, F: Function<X, R>, const N: usize>(
    m: M,
    r: *mut R,
    x: X::Starts,
    n: usize,
    same: bool,
    f: F,
) {
    // SAFETY: by the contract; chunks are parts of the run.
    unsafe {
        if F::MATHS && N == 1 && n < FEW && !(F::CHECKED && hard(x, n, f)) {
            return few(m, r, x, n, f);
        }
        if !F::CHECKED {
            return X::run(m, r, x, n, same, f);
        }
        for start in (0..n).step_by(CHUNK) {
            let count = CHUNK.min(n - start);
            let (r, x) = (r.wrapping_add(start), X::at(x, start));
            if hard(x, count, f) {
                line(m, (r, TOGETHER), (x, [TOGETHER; N]), count, f);
            } else {
                X::run(m, r, x, count, same, f);
            }
        }
    }
}

/// Whether any of `n` elements is hard.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn hard<X: Operands<N>, R: Element, const N: usize>(x: X::Starts, n: usize, f: impl Function<X, R>) -> bool {
    // SAFETY: by the contract.
    (0..n).fold(false, |any, i| any | f.hard(unsafe { X::next(x, i) }))
}

/// Below this many elements, [`few`].
const FEW: usize = 64;

/// [`Operands::run`] of few elements and a function that takes long, none of them hard: by vectors. What is left over is
/// done with the last vector, whose other elements are then done twice, or with one that is filled up; the loop that a
/// compiler makes for it takes one element at a time.
///
/// # Safety
/// As [`Operands::run`].
#[inline(always)]
unsafe fn few<M: Arith, X: Operands<N>, R: Element, const N: usize>(
    m: M,
    r: *mut R,
    x: X::Starts,
    n: usize,
    f: impl Function<X, R>,
) {
    const WIDE: usize = 8;
    let vector = |from: [X; WIDE]| {
        let mut to = [R::default(); WIDE];
        to.iter_mut().zip(&from).for_each(|(to, v)| *to = f.at(m, *v));
        to
    };
    // SAFETY: `n` elements lie at each address, and whole vectors are read where there are as many. Elements are read
    // before they are written, those of the last vector before any, so the result may be an operand.
    unsafe {
        let read = |start: usize| array(X::default(), |i| X::next(x, start + i));
        if n < WIDE {
            let mut from = [X::default(); WIDE];
            (0..n).for_each(|i| from[i] = X::next(x, i));
            let to = vector(from);
            return (0..n).for_each(|i| *r.add(i) = to[i]);
        }
        let last: [X; WIDE] = read(n - WIDE);
        for start in (0..n - WIDE).step_by(WIDE) {
            r.add(start).cast::<[R; WIDE]>().write(vector(read(start)));
        }
        r.add(n - WIDE).cast::<[R; WIDE]>().write(vector(last));
    }
}

/// One element after another along lines, given by their starts and strides, hard or not.
///
/// # Safety
/// The lines lie inside the tensors.
#[inline(always)]
unsafe fn line<M: Arith, X: Operands<N>, R: Element, const N: usize>(
    m: M,
    (mut r, rs): (*mut R, isize),
    (x, strides): (X::Starts, [isize; N]),
    n: usize,
    f: impl Function<X, R>,
) {
    for i in 0..n {
        // SAFETY: by the contract.
        unsafe { *r = f.any(m, X::read(x, i as isize, &strides)) };
        r = r.wrapping_offset(rs);
    }
}

/// Operands that are no runs, or overlap. Apart, so that the layouts are no part of the usual call's stack frame. `C` is
/// one more than `N`: the result goes first.
///
/// # Safety
/// The operands lie at `x`, with these layouts.
#[inline(never)]
unsafe fn strided<X: Operands<N>, R: Element, F: Function<X, R>, const N: usize, const C: usize>(
    res: &Tensor,
    x: X::Starts,
    layouts: [Layout; N],
    spans: &[Span; N],
    cost: usize,
    f: F,
) -> Result<()> {
    let r = res.view_mut::<R>()?;
    let (first, own) = (Start::of(r.elements()), *r.layout());
    let target = span(&r);
    let alike = own.sizes() == layouts[0].sizes() && own.strides() == layouts[0].strides();
    let same = alike && R::DTYPE == X::FIRST && spans[0].start == target.start;
    // whether the order of elements does not matter: then rows without gaps take the loops of flat operands
    let apart = independent(&target, &spans[usize::from(same)..]);
    let _loop = Loop::begin();
    let all = Walk::<C>::new(array(&own, |i| if i == 0 { &own } else { &layouts[i - 1] }));
    let steps = all.strides();
    let (rs, strides) = (steps[0], array(0, |i| steps[i + 1]));
    all.share(cost, apart, &|at, n| {
        let r = (first.moved(at[0]).0, rs);
        let x = (X::moved(x, array(0, |i| at[i + 1])), strides);
        if apart && rs == TOGETHER && strides == [TOGETHER; N] {
            // SAFETY: the walk stays inside the tensors; the result's row is the first operand's or overlaps none.
            return unsafe { flat::<X, _, _, N>(r.0, x.0, n, same, cost, f) };
        }
        if !F::MATHS {
            // SAFETY: the walk stays inside the tensors.
            return unsafe { line(Plain, r, x, n, f) };
        }
        vectorize_maths(
            #[inline(always)]
            // SAFETY: as above.
            move || unsafe { line(Plain, r, x, n, f) },
            #[inline(always)]
            // SAFETY: as above.
            move || unsafe { line(Fused, r, x, n, f) },
        );
    });
    Ok(())
}

/// The addresses that a view can touch, and whether two of its elements are one.
struct Span {
    start: usize,
    end: usize,
    overlapping: bool,
}

fn span<T: Element>(v: &View<T>) -> Span {
    let (start, bytes) = (v.elements().address(), v.elements().bytes());
    Span { start, end: start + bytes, overlapping: v.layout().overlaps() }
}

/// Whether parts of the walk may run on different threads: the result writes every element once and touches nothing
/// that the others read.
fn independent(r: &Span, rest: &[Span]) -> bool {
    !r.overlapping && rest.iter().all(|s| s.end <= r.start || r.end <= s.start)
}

/// Folds all elements in logical order.
#[inline(always)]
pub fn fold<T: Element, S>(x: &Tensor, init: S, mut f: impl FnMut(S, T) -> S) -> Result<S> {
    let mut acc = Some(init);
    super::walk::for_each(x, |v| {
        if let Some(a) = acc.take() {
            acc = Some(f(a, v));
        }
    })?;
    acc.ok_or_else(|| Error::invalid("interrupted"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maths;
    use crate::tensor::dtype::Real;
    use crate::tensor::ops::view::{narrow, transpose};

    /// A matrix of 40 rows and `width` columns, the place of its element and that element's value in a matrix of 200 columns.
    fn places(first: usize, width: usize) -> impl Iterator<Item = usize> {
        (0..40 * width).map(move |i| i / width * 200 + first + i % width)
    }

    #[test]
    fn rows_of_views_are_done_as_the_elements_are() {
        let data: Vec<f32> = (0..40 * 200).map(|i| ((i * 37) % 101) as f32 / 13.0 - 3.0).collect();
        for width in [1, 3, 16, 37, 64, 90] {
            // the result's columns: apart from the operand's, the same, and overlapping
            for (to, from) in [(0, 100), (100, 0), (20, 20), (20, 21), (21, 20)] {
                let all = Tensor::from_slice(&data).unwrap();
                all.resize(&[40, 200]).unwrap();
                let part = |first| narrow(&all, 1, first, width as i64).unwrap();
                let (r, x) = (part(to), part(from));
                unary("test", &r, &x, 1, |v: f32| v * 2.0 + 1.0).unwrap();
                unary("test", &r, &r, 16, maths!(|m, v: f32| v.add(0.0))).unwrap();
                binary("test", &r, &r, &x, |a: f32, b: f32| a * 3.0 - b).unwrap();
                let mut model = data.clone();
                let both = || places(to, width).zip(places(from, width));
                both().for_each(|(r, x)| model[r] = model[x] * 2.0 + 1.0);
                both().for_each(|(r, x)| model[r] = model[r] * 3.0 - model[x]);
                assert!(all.to_vec::<f32>().unwrap() == model, "{width} {to} {from}");
            }
        }
    }

    #[test]
    fn functions_over_strided_rows_give_what_they_give_over_runs() {
        let data: Vec<f64> = (0..40 * 200).map(|i| ((i * 37) % 1013) as f64 / 130.0 - 3.0).collect();
        let all = Tensor::from_slice(&data).unwrap();
        all.resize(&[40, 200]).unwrap();
        for width in [1, 5, 63, 64, 150] {
            let x = narrow(&all, 1, 11, width).unwrap();
            let run = crate::tensor::ops::copy::clone(&x).unwrap();
            let turned =
                transpose(&crate::tensor::ops::copy::clone(&transpose(&x, 0, 1).unwrap()).unwrap(), 0, 1).unwrap();
            let results = [&x, &run, &turned].map(|x| {
                let r = Tensor::new(DType::Double, &[40, width as usize]).unwrap();
                crate::tensor::ops::pointwise::tanh::<f64>(&r, x).unwrap();
                r.to_vec::<f64>().unwrap()
            });
            assert!(results[0] == results[1] && results[0] == results[2], "{width}");
        }
    }
}
