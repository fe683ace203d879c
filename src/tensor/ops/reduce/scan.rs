//! Running sums and products along a dimension.

use super::along::WIDE;
use super::{BLOCK, sum_slice};
use crate::tensor::Tensor;
use crate::tensor::access::{Bundles, LinesDest, LinesSource, Matrix, MatrixMut, Rows, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use crate::tensor::threads::{self, shared_out};

/// Lines scanned side by side where each needs the result before: enough to keep the adder busy.
const ABREAST: usize = 8;

/// Scans a bundle row by row: an element of each line, then the next.
#[inline(always)]
fn scan_rows<T: Real>(from: Matrix<T>, to: MatrixMut<T>, unit: T::Acc, f: impl Fn(T::Acc, T::Acc) -> T::Acc + Copy) {
    let (from, mut to) = (from.t(), to.t());
    vectorize(
        #[inline(always)]
        move || {
            let mut acc = [unit; WIDE];
            let acc = &mut acc[..from.cols()];
            for j in 0..from.rows() {
                let (Some(from), Some(to)) = (from.row(j), to.row_mut(j)) else { return };
                for ((a, &v), r) in acc.iter_mut().zip(from).zip(to) {
                    *a = f(*a, T::Acc::convert(v));
                    *r = T::convert(*a);
                }
            }
        },
    );
}

/// Scans `W` lines side by side, so that no result waits for the one before in its line alone; from `acc` on.
#[inline(always)]
fn scan_abreast<T: Real, const W: usize>(
    from: Matrix<T>,
    mut to: MatrixMut<T>,
    mut acc: [T::Acc; W],
    f: impl Fn(T::Acc, T::Acc) -> T::Acc + Copy,
) {
    assert!(from.rows() == W && to.rows() == W && to.cols() == from.cols(), "lines and their results");
    for j in 0..from.cols() {
        for (k, a) in acc.iter_mut().enumerate() {
            *a = f(*a, T::Acc::convert(from.get(k, j)));
            *to.get_mut(k, j) = T::convert(*a);
        }
    }
}

/// The sum of a slice, as running sums are kept.
#[inline(always)]
fn total<T: Real>(x: &[T]) -> T::Acc {
    sum_slice(
        x,
        #[inline(always)]
        |v: T| T::Acc::convert(v),
    )
}

/// Running sums of a block from `carry` on: its eighths side by side, each from the sum of those before it.
#[inline(always)]
fn sum_block<T: Real>(x: &[T], out: &mut [T], carry: T::Acc) {
    // eighths of a whole block would lie a power of two apart, and share their places in the cache
    let n = (x.len() / ABREAST).saturating_sub(8);
    let (eighths, rest) = x.split_at(ABREAST * n);
    let (to, to_rest) = out.split_at_mut(ABREAST * n);
    let mut sum = carry;
    if n > 0 {
        let mut starts = [carry; ABREAST];
        for (k, eighth) in eighths.chunks_exact(n).enumerate() {
            starts[k] = sum;
            sum = sum.add(total(eighth));
        }
        let add = |a: T::Acc, b: T::Acc| a.add(b);
        scan_abreast(Matrix::new(eighths, ABREAST, n), MatrixMut::new(to, ABREAST, n), starts, add);
    }
    for (&v, to) in rest.iter().zip(to_rest) {
        sum = sum.add(T::Acc::convert(v));
        *to = T::convert(sum);
    }
}

/// Running sums of a line: each block starts from the sum of those before it, so blocks can be done on any thread.
fn sum_line<T: Real>(x: &[T], out: &mut [T]) {
    let blocks = x.len().div_ceil(BLOCK);
    if blocks < 2 || !shared_out(x.len(), 1) || threads::threads() == 1 {
        let mut carry = T::Acc::ZERO;
        for (b, (x, out)) in x.chunks(BLOCK).zip(out.chunks_mut(BLOCK)).enumerate() {
            let next = if b + 1 < blocks { carry.add(total(x)) } else { carry };
            sum_block(x, out, carry);
            carry = next;
        }
        return;
    }
    let mut carries = vec![T::Acc::ZERO; blocks];
    share_rows(&mut carries, 1, BLOCK, |start, carries| {
        carries.iter_mut().zip(x[start * BLOCK..].chunks(BLOCK)).for_each(|(to, x)| *to = total(x));
    });
    let mut carry = T::Acc::ZERO;
    for c in &mut carries {
        (*c, carry) = (carry, carry.add(*c));
    }
    share(Rows::new(out, BLOCK), BLOCK, |start, out| {
        for (b, out) in (start..).zip(out.into_rows()) {
            sum_block(&x[b * BLOCK..][..out.len()], out, carries[b]);
        }
    });
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
    check::dimension(op, d, x.ndim())?;
    let n = x.size(d);
    let from = LinesSource::<T>::of(x, d)?;
    let mut to = LinesDest::<T>::new(res, x.layout().sizes(), d)?;
    share((from.view(), to.view()), n, |_, part| {
        part.each_bundle(WIDE, |(from, mut to)| {
            if sums && from.row(0).is_some() && to.row_mut(0).is_some() {
                for k in 0..from.rows() {
                    let (Some(from), Some(to)) = (from.row(k), to.row_mut(k)) else { return };
                    sum_line(from, to);
                }
                return;
            }
            if from.t().row(0).is_some() && to.reborrow().t().row_mut(0).is_some() {
                return scan_rows(from, to, unit, f);
            }
            let whole = from.rows() - from.rows() % ABREAST;
            for k in (0..whole).step_by(ABREAST) {
                let to = to.reborrow().row_range(k, ABREAST);
                scan_abreast(from.row_range(k, ABREAST), to, [unit; ABREAST], f);
            }
            for k in whole..from.rows() {
                scan_abreast(from.row_range(k, 1), to.reborrow().row_range(k, 1), [unit], f);
            }
        });
    });
    Ok(())
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
