//! Elementwise loops and folds over one to three tensors: the only place that visits elements for them.
//!
//! Results may be inputs. Operands that coincide exactly or not at all take vectorised loops; any other overlap goes
//! element by element in logical order, as Torch7 would.

use super::dtype::Element;
use super::error::{Error, Kind, Result};
use super::function::Function;
use super::simd::{vectorize, vectorize_maths};
use super::threads::{shared_out, split};
use super::vmath::{Arith, Fused, Plain};
use super::walk::{Cursor, walk};
use super::{Tensor, View};

/// A pointer that may go to another thread: kernels give each thread its own part.
#[derive(Clone, Copy)]
pub struct Ptr<T>(pub *mut T);
// SAFETY: the code that sends it writes disjoint parts from each thread.
unsafe impl<T> Send for Ptr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Ptr<T> {}

impl<T> Ptr<T> {
    /// The address of element `i`.
    #[inline(always)]
    pub fn at(&self, i: usize) -> *mut T {
        self.0.wrapping_add(i)
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

/// Whether two runs of elements share no byte.
pub fn disjoint<A, B>(a: *const A, na: usize, b: *const B, nb: usize) -> bool {
    let (a, b) = (a as usize, b as usize);
    a + na * size_of::<A>() <= b || b + nb * size_of::<B>() <= a
}

/// `res[i] = f()` for every element: results that do not depend on the old value.
pub fn fill<T: Element>(res: &Tensor, v: T) -> Result<()> {
    if let Some((r, n)) = res.flat_mut::<T>()? {
        let r = Ptr(r);
        split(n, 1, |start, count| {
            let r = r.at(start);
            if count < 16 {
                // SAFETY: `count` elements lie here.
                return (0..count).for_each(|i| unsafe { r.add(i).write(v) });
            }
            // SAFETY: `count` elements lie here, and nothing reads them meanwhile.
            vectorize(move || unsafe { std::slice::from_raw_parts_mut(r, count) }.fill(v));
        });
        return Ok(());
    }
    super::walk::for_each_ptr(&res.view_mut::<T>()?, |p| {
        // SAFETY: the walk stays inside the view.
        unsafe { p.write(v) }
    });
    Ok(())
}

/// `res[i] = f(x[i])`. `res` already has as many elements as `x`.
#[inline(always)]
pub fn unary<R: Element, A: Element>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    cost: usize,
    f: impl Function<(A,), R>,
) -> Result<()> {
    same_count(op, res, x)?;
    if let (Some((r, n)), Some((a, _))) = (res.flat_mut::<R>()?, x.flat::<A>()?) {
        let (r, a) = (Ptr(r), Ptr(a));
        let same = std::ptr::addr_eq(r.0, a.0) && size_of::<R>() == size_of::<A>();
        if same || disjoint(r.0, n, a.0, n) {
            split(n, cost, |start, count| flat1(r.at(start), a.at(start), count, same, cost, f));
            return Ok(());
        }
    }
    strided1(res, x, cost, f)
}

/// Elements whose hardness is asked together.
const CHUNK: usize = 512;

#[inline(always)]
fn flat1<R: Element, A: Element, F: Function<(A,), R>>(
    r: *mut R,
    a: *const A,
    n: usize,
    same: bool,
    cost: usize,
    f: F,
) {
    // a cheap function over a few elements is done before the vector loop has been entered
    if !F::MATHS && n < 16 && (cost == 1 || n < 4) || same && R::DTYPE != A::DTYPE {
        return line1(Plain, r, 1, a, 1, n, f);
    }
    // `move`: pointers that a closure holds by reference are loaded again after each store, and nothing vectorises
    vectorize_maths(
        #[inline(always)]
        move || chunks1(Plain, r, a, n, same, f),
        #[inline(always)]
        move || chunks1(Fused, r, a, n, same, f),
    );
}

/// [`run1`], of chunks where elements may be hard.
#[inline(always)]
fn chunks1<M: Arith, R: Element, A: Element, F: Function<(A,), R>>(
    m: M,
    r: *mut R,
    a: *const A,
    n: usize,
    same: bool,
    f: F,
) {
    if F::MATHS && n < FEW && !(F::CHECKED && hard1(a, n, f)) {
        return few1(m, r, a, n, f);
    }
    if !F::CHECKED {
        return run1(m, r, a, n, same, f);
    }
    for start in (0..n).step_by(CHUNK) {
        let count = CHUNK.min(n - start);
        let (r, a) = (r.wrapping_add(start), a.wrapping_add(start));
        if hard1(a, count, f) {
            line1(m, r, 1, a, 1, count, f);
        } else {
            run1(m, r, a, count, same, f);
        }
    }
}

/// Whether any of `n` elements is hard.
#[inline(always)]
fn hard1<R: Element, A: Element>(a: *const A, n: usize, f: impl Function<(A,), R>) -> bool {
    // SAFETY: the caller has `n` elements there.
    (0..n).fold(false, |hard, i| hard | f.hard((unsafe { *a.add(i) },)))
}

/// Below this many elements, [`few1`].
const FEW: usize = 64;

/// [`run1`] of few elements and a function that takes long, none of them hard: by vectors. What is left over is done
/// with the last vector, whose other elements are then done twice, or with one that is filled up; the loop that a
/// compiler makes for it takes one element at a time.
#[inline(always)]
fn few1<M: Arith, R: Element, A: Element>(m: M, r: *mut R, a: *const A, n: usize, f: impl Function<(A,), R>) {
    const WIDE: usize = 8;
    let vector = |from: [A; WIDE]| {
        let mut to = [R::default(); WIDE];
        to.iter_mut().zip(&from).for_each(|(to, v)| *to = f.at(m, (*v,)));
        to
    };
    // SAFETY: `n` elements lie at both addresses, and whole vectors are read where there are as many. Elements are
    // read before they are written, those of the last vector before any, so both addresses may be one.
    unsafe {
        if n < WIDE {
            let mut from = [A::default(); WIDE];
            (0..n).for_each(|i| from[i] = *a.add(i));
            let to = vector(from);
            return (0..n).for_each(|i| *r.add(i) = to[i]);
        }
        let last = a.add(n - WIDE).cast::<[A; WIDE]>().read();
        for start in (0..n - WIDE).step_by(WIDE) {
            r.add(start).cast::<[R; WIDE]>().write(vector(a.add(start).cast::<[A; WIDE]>().read()));
        }
        r.add(n - WIDE).cast::<[R; WIDE]>().write(vector(last));
    }
}

#[inline(always)]
fn run1<M: Arith, R: Element, A: Element>(
    m: M,
    r: *mut R,
    a: *const A,
    n: usize,
    same: bool,
    f: impl Function<(A,), R>,
) {
    if same {
        for i in 0..n {
            // SAFETY: n elements lie here; `r` is `a`, so one pointer serves both and the loop vectorises.
            unsafe { *r.add(i) = f.at(m, (*(r as *const A).add(i),)) };
        }
    } else {
        // SAFETY: n elements lie at both addresses, and the runs do not overlap.
        let (r, a) = unsafe { (std::slice::from_raw_parts_mut(r, n), std::slice::from_raw_parts(a, n)) };
        for (r, a) in r.iter_mut().zip(a) {
            *r = f.at(m, (*a,));
        }
    }
}

/// One element after another, `rs` and `xs` apart, hard or not.
#[inline(always)]
fn line1<M: Arith, R: Element, A: Element>(
    m: M,
    mut r: *mut R,
    rs: isize,
    mut a: *const A,
    xs: isize,
    n: usize,
    f: impl Function<(A,), R>,
) {
    for _ in 0..n {
        // SAFETY: the caller's line lies inside both tensors.
        unsafe { *r = f.any(m, (*a,)) };
        r = r.wrapping_offset(rs);
        a = a.wrapping_offset(xs);
    }
}

/// Views that are no runs. Apart, so that the layouts are no part of the usual call's stack frame.
#[inline(never)]
fn strided1<R: Element, A: Element, F: Function<(A,), R>>(res: &Tensor, x: &Tensor, cost: usize, f: F) -> Result<()> {
    let (r, a) = (res.view_mut::<R>()?, x.view::<A>()?);
    let total = r.layout.numel();
    let (rp, ap, rl, al) = (Ptr(r.ptr), Ptr(a.ptr), r.layout, a.layout);
    let body = |start, count| {
        let mut c = [Cursor::new(&rl, start), Cursor::new(&al, start)];
        let (rs, xs) = (c[0].stride(), c[1].stride());
        walk(&mut c, count, &mut |at, n| {
            let (r, a) = (Ptr::at(&rp, 0).wrapping_offset(at[0]), Ptr::at(&ap, 0).wrapping_offset(at[1]));
            if !F::MATHS {
                return line1(Plain, r, rs, a, xs, n, f);
            }
            vectorize_maths(
                #[inline(always)]
                move || line1(Plain, r, rs, a, xs, n, f),
                #[inline(always)]
                move || line1(Fused, r, rs, a, xs, n, f),
            );
        });
    };
    if shared_out(total, cost) && independent(&[span(&r), span(&a)]) {
        split(total, cost, body)
    } else {
        body(0, total)
    }
    Ok(())
}

/// `res[i] = f(x[i], y[i])`. `res` already has as many elements as both.
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
    if let (Some((r, n)), Some((a, _)), Some((b, _))) = (res.flat_mut::<R>()?, x.flat::<A>()?, y.flat::<B>()?) {
        let (r, a, b) = (Ptr(r), Ptr(a), Ptr(b));
        let same = std::ptr::addr_eq(r.0, a.0) && R::DTYPE == A::DTYPE;
        if disjoint(r.0, n, b.0, n) && (same || disjoint(r.0, n, a.0, n)) {
            split(n, 1, |start, count| flat2(r.at(start), a.at(start), b.at(start), count, same, f));
            return Ok(());
        }
    }
    strided2(res, x, y, f)
}

#[inline(always)]
fn flat2<R: Element, A: Element, B: Element, F: Function<(A, B), R>>(
    r: *mut R,
    a: *const A,
    b: *const B,
    n: usize,
    same: bool,
    f: F,
) {
    if !F::MATHS && n < 16 {
        return line2(Plain, (r, 1), (a, 1), (b, 1), n, f);
    }
    vectorize_maths(
        #[inline(always)]
        move || chunks2(Plain, r, a, b, n, same, f),
        #[inline(always)]
        move || chunks2(Fused, r, a, b, n, same, f),
    );
}

/// [`run2`], of chunks where elements may be hard.
#[inline(always)]
fn chunks2<M: Arith, R: Element, A: Element, B: Element, F: Function<(A, B), R>>(
    m: M,
    r: *mut R,
    a: *const A,
    b: *const B,
    n: usize,
    same: bool,
    f: F,
) {
    if !F::CHECKED {
        return run2(m, r, a, b, n, same, f);
    }
    for start in (0..n).step_by(CHUNK) {
        let count = CHUNK.min(n - start);
        let (r, a, b) = (r.wrapping_add(start), a.wrapping_add(start), b.wrapping_add(start));
        // SAFETY: `count` elements lie at each address.
        if (0..count).fold(false, |hard, i| hard | f.hard(unsafe { (*a.add(i), *b.add(i)) })) {
            line2(m, (r, 1), (a, 1), (b, 1), count, f);
        } else {
            run2(m, r, a, b, count, same, f);
        }
    }
}

#[inline(always)]
fn run2<M: Arith, R: Element, A: Element, B: Element>(
    m: M,
    r: *mut R,
    a: *const A,
    b: *const B,
    n: usize,
    same: bool,
    f: impl Function<(A, B), R>,
) {
    // SAFETY: n elements lie at each address, and `b` does not overlap `r`.
    let b = unsafe { std::slice::from_raw_parts(b, n) };
    if same {
        // SAFETY: `r` is `a`, of the same type, has n elements and overlaps `b` nowhere.
        let r = unsafe { std::slice::from_raw_parts_mut(r, n) };
        for (r, b) in r.iter_mut().zip(b) {
            // SAFETY: R and A are one type here.
            let old = unsafe { *std::ptr::from_mut(r).cast::<A>() };
            *r = f.at(m, (old, *b));
        }
    } else {
        // SAFETY: `a` does not overlap `r` either.
        let (r, a) = unsafe { (std::slice::from_raw_parts_mut(r, n), std::slice::from_raw_parts(a, n)) };
        for ((r, a), b) in r.iter_mut().zip(a).zip(b) {
            *r = f.at(m, (*a, *b));
        }
    }
}

/// One element after another along three lines, given by their starts and strides, hard or not.
#[inline(always)]
fn line2<M: Arith, R: Element, A: Element, B: Element>(
    m: M,
    (mut r, rs): (*mut R, isize),
    (mut a, xs): (*const A, isize),
    (mut b, ys): (*const B, isize),
    n: usize,
    f: impl Function<(A, B), R>,
) {
    for _ in 0..n {
        // SAFETY: the caller's lines lie inside the tensors.
        unsafe { *r = f.any(m, (*a, *b)) };
        r = r.wrapping_offset(rs);
        a = a.wrapping_offset(xs);
        b = b.wrapping_offset(ys);
    }
}

/// As [`strided1`].
#[inline(never)]
fn strided2<R: Element, A: Element, B: Element, F: Function<(A, B), R>>(
    res: &Tensor,
    x: &Tensor,
    y: &Tensor,
    f: F,
) -> Result<()> {
    let (r, a, b) = (res.view_mut::<R>()?, x.view::<A>()?, y.view::<B>()?);
    let total = r.layout.numel();
    let (rp, ap, bp) = (Ptr(r.ptr), Ptr(a.ptr), Ptr(b.ptr));
    let layouts = [r.layout, a.layout, b.layout];
    let body = |start, count| {
        let mut c = layouts.each_ref().map(|l| Cursor::new(l, start));
        let [rs, xs, ys] = c.each_ref().map(Cursor::stride);
        walk(&mut c, count, &mut |at, n| {
            let r = (Ptr::at(&rp, 0).wrapping_offset(at[0]), rs);
            let a = (Ptr::at(&ap, 0).wrapping_offset(at[1]).cast_const(), xs);
            let b = (Ptr::at(&bp, 0).wrapping_offset(at[2]).cast_const(), ys);
            if !F::MATHS {
                return line2(Plain, r, a, b, n, f);
            }
            vectorize_maths(
                #[inline(always)]
                move || line2(Plain, r, a, b, n, f),
                #[inline(always)]
                move || line2(Fused, r, a, b, n, f),
            );
        });
    };
    if shared_out(total, 1) && independent(&[span(&r), span(&a), span(&b)]) {
        split(total, 1, body)
    } else {
        body(0, total)
    }
    Ok(())
}

/// `res[i] = f(res[i], x[i], y[i])`.
#[inline(always)]
pub fn ternary<T: Element>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    y: &Tensor,
    f: impl Fn(T, T, T) -> T + Sync + Copy,
) -> Result<()> {
    same_count(op, x, y)?;
    same_count(op, res, x)?;
    if let (Some((r, n)), Some((a, _)), Some((b, _))) = (res.flat_mut::<T>()?, x.flat::<T>()?, y.flat::<T>()?)
        && disjoint(r, n, a, n)
        && disjoint(r, n, b, n)
    {
        let (r, a, b) = (Ptr(r), Ptr(a), Ptr(b));
        split(n, 1, |start, count| flat3(r.at(start), a.at(start), b.at(start), count, f));
        return Ok(());
    }
    strided3(res, x, y, f)
}

#[inline(always)]
fn flat3<T: Element>(r: *mut T, a: *const T, b: *const T, n: usize, f: impl Fn(T, T, T) -> T + Copy) {
    // SAFETY: n elements lie at each address, and `r` overlaps neither of the others.
    let (r, a, b) = unsafe {
        use std::slice::{from_raw_parts, from_raw_parts_mut};
        (from_raw_parts_mut(r, n), from_raw_parts(a, n), from_raw_parts(b, n))
    };
    vectorize(
        #[inline(always)]
        move || r.iter_mut().zip(a).zip(b).for_each(|((r, a), b)| *r = f(*r, *a, *b)),
    );
}

/// As [`strided1`].
#[inline(never)]
fn strided3<T: Element>(res: &Tensor, x: &Tensor, y: &Tensor, f: impl Fn(T, T, T) -> T + Sync + Copy) -> Result<()> {
    let views = [res.view_mut::<T>()?, x.view::<T>()?, y.view::<T>()?];
    let ptrs = views.map(|v| Ptr(v.ptr));
    let layouts = views.map(|v| v.layout);
    let body = |start, count| {
        let mut c = layouts.each_ref().map(|l| Cursor::new(l, start));
        let [rs, xs, ys] = c.each_ref().map(Cursor::stride);
        walk(&mut c, count, &mut |at, n| {
            let (r, a, b) = (
                Ptr::at(&ptrs[0], 0).wrapping_offset(at[0]),
                Ptr::at(&ptrs[1], 0).wrapping_offset(at[1]),
                Ptr::at(&ptrs[2], 0).wrapping_offset(at[2]),
            );
            for i in 0..n as isize {
                // SAFETY: the walk stays inside the three views.
                unsafe {
                    let r = r.offset(i * rs);
                    *r = f(*r, *a.offset(i * xs), *b.offset(i * ys));
                }
            }
        });
    };
    if shared_out(layouts[0].numel(), 1) && independent(&views.each_ref().map(span)) {
        split(layouts[0].numel(), 1, body)
    } else {
        body(0, layouts[0].numel())
    }
    Ok(())
}

/// Addresses a view can touch, and whether it writes each element once.
fn span<T: Element>(v: &View<T>) -> (usize, usize, Layout1) {
    let end = v.layout.extent().unwrap_or(0).saturating_sub(v.layout.offset);
    (v.ptr as usize, v.ptr as usize + end * size_of::<T>(), Layout1 { overlapping: v.layout.overlaps() })
}

/// What `independent` has to know of a layout.
struct Layout1 {
    overlapping: bool,
}

/// Whether parts of the walk may run on different threads: the first operand (the result) writes every element once
/// and touches nothing that the others read.
fn independent(spans: &[(usize, usize, Layout1)]) -> bool {
    let Some(((lo, hi, r), rest)) = spans.split_first() else { return true };
    !r.overlapping && rest.iter().all(|(l, h, _)| h <= lo || hi <= l)
}

/// Folds all elements in logical order.
#[inline(always)]
pub fn fold<T: Element, S>(x: &Tensor, init: S, mut f: impl FnMut(S, T) -> S) -> Result<S> {
    let mut acc = Some(init);
    super::walk::for_each(&x.view::<T>()?, |v| {
        if let Some(a) = acc.take() {
            acc = Some(f(a, v));
        }
    });
    acc.ok_or_else(|| Error::invalid("interrupted"))
}
