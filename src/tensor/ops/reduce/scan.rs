//! Running sums and products along a dimension.

use super::along::{Bundle, WIDE, bundles, check};
use super::{BLOCK, sum_slice};
use crate::tensor::Tensor;
use crate::tensor::access::{RawSlice, share_rows};
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::Result;
use crate::tensor::ops::copy::apart;
use crate::tensor::simd::vectorize;
use crate::tensor::threads::{self, shared_out, split};

/// Lines scanned side by side where each needs the result before: enough to keep the adder busy.
const ABREAST: usize = 8;

/// Where a scan writes the lines of a bundle.
#[derive(Clone, Copy)]
struct Target<'a, T> {
    /// From the first element of the first line on.
    elements: RawSlice<'a, T>,
    apart: isize,
    step: isize,
}

/// Scans a bundle row by row.
///
/// # Safety
/// The bundle's lines and the target's lie inside their views, which share no memory.
#[inline(always)]
unsafe fn scan_rows<T: Real>(
    b: Bundle<'_, T>,
    to: Target<'_, T>,
    unit: T::Acc,
    f: impl Fn(T::Acc, T::Acc) -> T::Acc + Copy,
) {
    vectorize(
        #[inline(always)]
        move || {
            let mut acc = [unit; WIDE];
            let acc = &mut acc[..b.lines];
            for j in 0..b.n as isize {
                // SAFETY: element j of the first line.
                let (from, to_row) = unsafe { (b.elements.at(j * b.step), to.elements.at(j * to.step)) };
                if b.apart == 1 && to.apart == 1 {
                    // SAFETY: element j of all lines; the result lies in another storage.
                    let (from, to) = unsafe {
                        (std::slice::from_raw_parts(from, b.lines), std::slice::from_raw_parts_mut(to_row, b.lines))
                    };
                    for ((a, &v), r) in acc.iter_mut().zip(from).zip(to) {
                        *a = f(*a, T::Acc::convert(v));
                        *r = T::convert(*a);
                    }
                    continue;
                }
                for (k, a) in acc.iter_mut().enumerate() {
                    let k = k as isize;
                    // SAFETY: element j of line k, in both views.
                    unsafe {
                        *a = f(*a, T::Acc::convert(*from.wrapping_offset(k * b.apart)));
                        *to_row.wrapping_offset(k * to.apart) = T::convert(*a);
                    }
                }
            }
        },
    );
}

/// Scans `W` lines side by side, so that no result waits for the one before in its line alone; from `acc` on.
///
/// # Safety
/// As [`scan_rows`].
#[inline(always)]
unsafe fn scan_abreast<T: Real, const W: usize>(
    b: Bundle<'_, T>,
    to: Target<'_, T>,
    acc: [T::Acc; W],
    f: impl Fn(T::Acc, T::Acc) -> T::Acc + Copy,
) {
    let mut acc = acc;
    for j in 0..b.n as isize {
        for (k, a) in (0..).zip(&mut acc) {
            // SAFETY: element j of line k, in both views, which lie in different storages.
            unsafe {
                *a = f(*a, T::Acc::convert(*b.elements.at(j * b.step + k * b.apart)));
                *to.elements.at(j * to.step + k * to.apart) = T::convert(*a);
            }
        }
    }
}

/// Running sums of a block from `carry` on: its eighths side by side, each from the sum of those before it.
///
/// # Safety
/// There is room for as many results, in other memory.
#[inline(always)]
unsafe fn sum_block<T: Real>(x: &[T], out: RawSlice<'_, T>, carry: T::Acc) {
    // eighths of a whole block would lie a power of two apart, and share their places in the cache
    let n = (x.len() / ABREAST).saturating_sub(8);
    let mut starts = [carry; ABREAST];
    for k in 1..ABREAST {
        starts[k] = starts[k - 1].add(sum_slice(&x[(k - 1) * n..k * n], |v: T| T::Acc::convert(v)));
    }
    let apart = n as isize;
    let add = |a: T::Acc, b: T::Acc| a.add(b);
    let bundle = Bundle { elements: RawSlice::to_read(x), lines: ABREAST, apart, n, step: 1 };
    // SAFETY: eighths of the block, and of its results.
    unsafe { scan_abreast(bundle, Target { elements: out, apart, step: 1 }, starts, add) };
    let done = ABREAST * n;
    let mut sum = x[..done]
        .last()
        .map_or(carry, |_| starts[ABREAST - 1].add(sum_slice(&x[done - n..done], |v: T| T::Acc::convert(v))));
    for (i, &v) in x.iter().enumerate().skip(done) {
        sum = sum.add(T::Acc::convert(v));
        // SAFETY: there are as many results as elements.
        unsafe { out.at(i as isize).write(T::convert(sum)) };
    }
}

/// Running sums of a line: each block starts from the sum of those before it, so blocks can be done on any thread.
///
/// # Safety
/// As [`sum_block`].
unsafe fn sum_line<T: Real>(x: &[T], out: RawSlice<'_, T>) {
    let total = |b: usize| {
        let block = &x[b * BLOCK..x.len().min((b + 1) * BLOCK)];
        sum_slice(
            block,
            #[inline(always)]
            |v: T| T::Acc::convert(v),
        )
    };
    let block = |b: usize, carry| {
        let block = &x[b * BLOCK..x.len().min((b + 1) * BLOCK)];
        // SAFETY: the results of this block.
        unsafe { sum_block(block, out.part(b * BLOCK, block.len()), carry) }
    };
    let blocks = x.len().div_ceil(BLOCK);
    if blocks < 2 || !shared_out(x.len(), 1) || threads::threads() == 1 {
        let mut carry = T::Acc::ZERO;
        for b in 0..blocks {
            let next = if b + 1 < blocks { carry.add(total(b)) } else { carry };
            block(b, carry);
            carry = next;
        }
        return;
    }
    let mut carries = vec![T::Acc::ZERO; blocks];
    share_rows(&mut carries, 1, BLOCK, |start, carries| {
        carries.iter_mut().zip(start..).for_each(|(to, b)| *to = total(b));
    });
    let mut carry = T::Acc::ZERO;
    for c in &mut carries {
        (*c, carry) = (carry, carry.add(*c));
    }
    split(blocks, BLOCK, |start, count| (start..start + count).for_each(|b| block(b, carries[b])));
}

/// Running folds along a dimension; `sums`: lines that are slices may be summed in another order.
fn scan<T: Real>(
    op: &'static str,
    res: &Tensor,
    x: &Tensor,
    d: usize,
    unit: T::Acc,
    f: impl Fn(T::Acc, T::Acc) -> T::Acc + Sync + Copy,
    sums: bool,
) -> Result<()> {
    check(op, x, d)?;
    let source = apart(x, &[res])?;
    let source = source.view::<T>()?;
    res.resize_as(x)?;
    let r = res.view_mut::<T>()?;
    let all = r.elements();
    let step = r.strides()[d];
    let scan_bundle = |b: Bundle<'_, T>, [place]: [isize; 1], [apart]: [isize; 1]| {
        let place = place as usize;
        let to = Target { elements: all.from(place), apart, step };
        if sums && b.step == 1 && step == 1 {
            for k in 0..b.lines {
                // SAFETY: line k of the bundle and of the result, which lies elsewhere.
                unsafe { sum_line(b.line(k), to.elements.part((k as isize * apart) as usize, b.n)) };
            }
        } else if b.apart == 1 && apart == 1 {
            // SAFETY: the bundle's own lines; the result lies elsewhere.
            unsafe { scan_rows(b, to, unit, f) };
        } else {
            for first in (0..b.lines).step_by(ABREAST) {
                let (lines, k) = (ABREAST.min(b.lines - first), first as isize);
                let line = |k: isize| {
                    let part = Bundle { elements: b.elements.from((k * b.apart) as usize), ..b };
                    (part, Target { elements: to.elements.from((k * apart) as usize), ..to })
                };
                if lines == ABREAST {
                    let (part, to) = line(k);
                    // SAFETY: as above, lines from k on.
                    unsafe { scan_abreast(part, to, [unit; ABREAST], f) };
                    continue;
                }
                for i in 0..lines as isize {
                    let (part, to) = line(k + i);
                    // SAFETY: as above, one line.
                    unsafe { scan_abreast(part, to, [unit], f) };
                }
            }
        }
    };
    // SAFETY: `source` outlives the call, and is not in the result's storage.
    unsafe { bundles(&source, d, [r.layout().narrow(d, 0, 1)?], scan_bundle) }
}

/// Running sums along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn cumsum<T: Real>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    scan::<T>(
        "cumsum",
        res,
        x,
        d,
        T::Acc::ZERO,
        #[inline(always)]
        |a, b| a.add(b),
        true,
    )
}

/// Running products along a dimension.
///
/// # Errors
/// A dimension that is not there.
pub fn cumprod<T: Real>(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    scan::<T>(
        "cumprod",
        res,
        x,
        d,
        T::Acc::ONE,
        #[inline(always)]
        |a, b| a.mul(b),
        false,
    )
}
