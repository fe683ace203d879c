//! The products of Torch7: mm, mv, ger, bmm, the family that adds a product to a summand, cross products and squared
//! distances.

use super::blas::{Blas, biased_product, is_shared, product, unit};
use super::copy::apart;
use super::view;
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Matrix, MatrixDest, MatrixMut, MatrixSource, Rows, Source, share, with_matrices};
use crate::tensor::check;
use crate::tensor::dtype::Real;
use crate::tensor::error::{Error, Result};
use crate::tensor::interruption;
use crate::tensor::map;
use crate::tensor::threads::{self, shared_out};
use crate::tensor::walk::update;

#[inline]
fn dims(x: &Tensor, n: usize) -> Result<()> {
    check::rank(["", "a vector", "a matrix", "a batch of matrices"][n], x, n)?;
    check::has_elements("a tensor", x)
}

/// Makes `res` a copy of the summand; for `beta` 0 only its size counts.
#[inline]
fn start<T: Blas>(res: &Tensor, beta: T, t: &Tensor) -> Result<()> {
    if std::ptr::eq(res, t) || res.same_storage(t) && res.layout() == t.layout() {
        return Ok(());
    }
    let from = apart(t, &[res])?;
    res.resize_as(&from)?;
    if beta == T::ZERO { Ok(()) } else { map::unary("copy", res, &from, 1, |v: T| v) }
}

/// Sizes of `a b` for matrices or batches (checked), without the batch.
#[inline]
fn product_sizes(a: &Tensor, b: &Tensor, batch: usize) -> Result<[usize; 2]> {
    dims(a, 2 + batch)?;
    dims(b, 2 + batch)?;
    demand!(
        a.size(batch + 1) == b.size(batch) && (batch == 0 || a.size(0) == b.size(0)),
        "size mismatch, m1: {}, m2: {}",
        a.shape_text(),
        b.shape_text()
    );
    Ok([a.size(batch), b.size(batch + 1)])
}

/// The product where it needs no preparation: the sizes fit, the result is the summand, and no operand lies in its
/// storage. Whether it was done; everything else is left to the general way, which has the errors.
#[inline(always)]
fn ready<T: Blas>(res: &Tensor, beta: T, t: &Tensor, alpha: T, a: &Tensor, b: &Tensor) -> bool {
    std::ptr::eq(res, t)
        && [a.ndim(), b.ndim(), res.ndim()] == [2; 3]
        && direct(alpha, (a, false), (b, false), beta, (res, false))
}

/// `m`, or its rows and columns exchanged.
#[inline(always)]
fn turned<T>(m: Matrix<T>, turn: bool) -> Matrix<T> {
    if turn { m.t() } else { m }
}

/// `res = alpha a b + beta res` of matrices, and of vectors as columns, each with whether rows and columns are to be
/// exchanged. Whether it was done: not where the sizes do not fit, where there is no element or where
/// [`with_matrices`] leaves it to the general way.
#[inline(always)]
pub fn direct<T: Blas>(
    alpha: T,
    (a, turn_a): (&Tensor, bool),
    (b, turn_b): (&Tensor, bool),
    beta: T,
    (res, turn): (&Tensor, bool),
) -> bool {
    let multiply = |[a, b]: [Matrix<T>; 2], [c]: [MatrixMut<T>; 1]| {
        let c = if turn { c.t() } else { c };
        fitting(alpha, turned(a, turn_a), turned(b, turn_b), beta, c)
    };
    // SAFETY: products look at the elements of their matrices alone.
    unsafe { with_matrices([a, b], [res], multiply) }.unwrap_or(false)
}

/// The product where the sizes fit; whether they do.
#[inline(always)]
fn fitting<T: Blas>(alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, c: MatrixMut<T>) -> bool {
    let fits = a.rows() == c.rows() && b.cols() == c.cols() && a.cols() == b.rows();
    if fits {
        product(alpha, a, b, beta, c);
    }
    fits
}

/// `res = x w' + bias`, of a matrix `w`, a vector `bias` and some rows or, as a vector, one; where that needs no preparation.
/// Whether it was done: as for [`direct`], and not where the bias has gaps.
pub fn direct_biased<T: Blas>(x: &Tensor, w: &Tensor, bias: &Tensor, res: &Tensor) -> bool {
    let single = x.ndim() == 1;
    let multiply = |[x, w, bias]: [Matrix<T>; 3], [c]: [MatrixMut<T>; 1]| {
        let (x, c) = if single { (x.t(), c.t()) } else { (x, c) };
        let fits = x.cols() == w.cols() && w.rows() == c.cols() && x.rows() == c.rows() && bias.cols() == 1;
        match bias.t().row(0) {
            Some(bias) if fits && bias.len() == c.cols() => {
                biased_product(x, w.t(), bias, c);
                true
            }
            _ => false,
        }
    };
    // SAFETY: as above.
    unsafe { with_matrices([x, w, bias], [res], multiply) }.unwrap_or(false)
}

/// Adds `scale` times the sum of each column of `x`, of which a vector is one row, to the elements of a vector, where that
/// needs no preparation. Whether it was done: as for [`direct`].
pub fn direct_sums<T: Blas>(res: &Tensor, scale: T, x: &Tensor) -> bool {
    let single = x.ndim() == 1;
    let add = |[x]: [Matrix<T>; 1], [res]: [MatrixMut<T>; 1]| fitting_sums(scale, turned(x, single), res);
    // SAFETY: as above.
    unsafe { with_matrices([x], [res], add) }.unwrap_or(false)
}

/// Adds the column sums where the sizes fit; whether they do.
#[inline(always)]
fn fitting_sums<T: Blas>(scale: T, x: Matrix<T>, res: MatrixMut<T>) -> bool {
    let fits = x.cols() == res.rows() && res.cols() == 1;
    if fits {
        column_sums(scale, x, res);
    }
    fits
}

/// Both what samples add to the gradient of a matrix of weights, `scale g' x`, and to that of a bias, [`direct_sums`] of
/// `g`: rows, or one sample as vectors. Whether it was done: as for [`direct`], and not where threads share the product.
pub fn direct_gradients<T: Blas>(scale: T, g: &Tensor, x: &Tensor, weight: &Tensor, bias: &Tensor) -> bool {
    let single = g.ndim() == 1;
    if weight.ndim() != 2 || bias.ndim() != 1 || x.ndim() != g.ndim() {
        return false;
    }
    let add = |[g, x]: [Matrix<T>; 2], [weight, bias]: [MatrixMut<T>; 2]| {
        let (g, x) = (turned(g, single), turned(x, single));
        g.cols() == bias.rows()
            && !is_shared(&g.t(), &weight)
            && fitting(scale, g.t(), x, T::ONE, weight)
            && fitting_sums(scale, g, bias)
    };
    // SAFETY: as above.
    unsafe { with_matrices([g, x], [weight, bias], add) }.unwrap_or(false)
}

/// Adds `scale` times the sum of each column of `g` (n x m) to the elements of `sums` (m x 1).
pub fn column_sums<T: Blas>(scale: T, g: Matrix<T>, mut sums: MatrixMut<T>) {
    if let (1, Some(row)) = (g.rows(), g.row(0)) {
        if let Some(sums) = sums.reborrow().t().row_mut(0) {
            return sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum = sum.add(scale.mul(v)));
        }
        return row.iter().enumerate().for_each(|(j, &v)| {
            let sum = sums.get_mut(j, 0);
            *sum = sum.add(scale.mul(v));
        });
    }
    if !shared_out(sums.rows(), g.rows()) {
        return sums_of_columns(scale, g, sums);
    }
    share(sums, g.rows(), |first, sums| sums_of_columns(scale, g.col_range(first, sums.rows()), sums));
}

/// [`column_sums`] on the calling thread.
fn sums_of_columns<T: Blas>(scale: T, g: Matrix<T>, mut sums: MatrixMut<T>) {
    let mut at = 0;
    while at < g.cols() {
        at += match g.cols() - at {
            64.. => sums_of_some::<T, 64>(scale, g, at, &mut sums),
            8.. => sums_of_some::<T, 8>(scale, g, at, &mut sums),
            2.. => sums_of_some::<T, 2>(scale, g, at, &mut sums),
            _ => sums_of_some::<T, 1>(scale, g, at, &mut sums),
        };
    }
}

/// [`column_sums`] of `N` columns, which are there, from one on; returns `N`.
#[inline(always)]
fn sums_of_some<T: Blas, const N: usize>(scale: T, g: Matrix<T>, at: usize, sums: &mut MatrixMut<T>) -> usize {
    let mut total = [T::ZERO; N];
    let g = g.col_range(at, N);
    for i in 0..g.rows() {
        match g.row(i).and_then(|row| row.first_chunk::<N>()) {
            Some(row) => total.iter_mut().zip(row).for_each(|(sum, &v)| *sum = sum.add(v)),
            None => total.iter_mut().zip(g.values(i)).for_each(|(sum, v)| *sum = sum.add(v)),
        }
    }
    for (j, v) in total.into_iter().enumerate() {
        let sum = sums.get_mut(at + j, 0);
        *sum = sum.add(scale.mul(v));
    }
    N
}

/// `res = beta res + alpha a b`, of checked sizes and operands that lie elsewhere; `turned` takes the second one's rows
/// for columns.
fn add_product<T: Blas>(res: &Tensor, beta: T, alpha: T, a: &Tensor, b: &Tensor, turned: bool) -> Result<()> {
    let (a, b) = (MatrixSource::<T>::of(a)?, MatrixSource::<T>::of(b)?);
    let b = if turned { b.view().t() } else { b.view() };
    let (mut dest, a) = (MatrixDest::update(res)?, a.view());
    let mut c = dest.view();
    let (rows, cols) = (c.rows(), c.cols());
    if rows.saturating_mul(cols).saturating_mul(a.cols()) < 2 * LONG {
        product(alpha, a, b, beta, c);
        return Ok(());
    }
    // as many rows or columns at a time as keep their sums what they are in the whole, and take a while
    let (lines, cost) = if rows >= cols { (rows, cols * a.cols()) } else { (cols, rows * a.cols()) };
    let unit = unit(rows.min(cols), a.cols());
    let step = (LONG / cost).next_multiple_of(unit).max(unit);
    let mut first = 0;
    while first < lines {
        // the last part takes what would be thin
        let n = if lines - first < step + unit { lines - first } else { step };
        if rows >= cols {
            product(alpha, a.row_range(first, n), b, beta, c.reborrow().row_range(first, n));
        } else {
            product(alpha, a, b.col_range(first, n), beta, c.reborrow().col_range(first, n));
        }
        interruption::check()?;
        first += n;
    }
    Ok(())
}

/// Products of elements between two looks at whether the program is to stop: about a second on one processor.
const LONG: usize = 1 << 34;

/// `res = beta t + alpha a b`: t (m x n), a (m x k), b (k x n).
///
/// # Errors
/// Sizes that do not fit.
pub fn addmm<T: Blas>(res: &Tensor, beta: T, t: &Tensor, alpha: T, a: &Tensor, b: &Tensor) -> Result<()> {
    if ready(res, beta, t, alpha, a, b) {
        return Ok(());
    }
    check::sizes("a tensor", t, &product_sizes(a, b, 0)?)?;
    let (a, b) = (apart(a, &[res])?, apart(b, &[res])?);
    start(res, beta, t)?;
    add_product(res, beta, alpha, &a, &b, false)
}

/// `res = beta t + alpha a x`: t (m), a (m x n), x (n).
///
/// # Errors
/// Sizes that do not fit.
pub fn addmv<T: Blas>(res: &Tensor, beta: T, t: &Tensor, alpha: T, a: &Tensor, x: &Tensor) -> Result<()> {
    dims(a, 2)?;
    dims(x, 1)?;
    demand!(a.size(1) == x.size(0), "size mismatch, {}, {}", a.shape_text(), x.shape_text());
    check::sizes("a tensor", t, &[a.size(0)])?;
    let (a, x) = (apart(a, &[res])?, apart(x, &[res])?);
    start(res, beta, t)?;
    add_product(res, beta, alpha, &a, &x, false)
}

/// `res = beta t + alpha x y'`: t (m x n), x (m), y (n).
///
/// # Errors
/// Sizes that do not fit.
pub fn addr<T: Blas>(res: &Tensor, beta: T, t: &Tensor, alpha: T, x: &Tensor, y: &Tensor) -> Result<()> {
    dims(x, 1)?;
    dims(y, 1)?;
    check::sizes("a tensor", t, &[x.size(0), y.size(0)])?;
    let (x, y) = (apart(x, &[res])?, apart(y, &[res])?);
    start(res, beta, t)?;
    add_product(res, beta, alpha, &x, &y, true)
}

/// `res = beta t + alpha` times the sum of all `a[i] b[i]`: t (m x n), a (batch x m x k), b (batch x k x n).
///
/// # Errors
/// Sizes that do not fit.
pub fn addbmm<T: Blas>(res: &Tensor, beta: T, t: &Tensor, alpha: T, a: &Tensor, b: &Tensor) -> Result<()> {
    check::sizes("a tensor", t, &product_sizes(a, b, 1)?)?;
    let (a, b) = (apart(a, &[res])?, apart(b, &[res])?);
    start(res, beta, t)?;
    for i in 0..a.size(0) {
        add_product(res, if i == 0 { beta } else { T::ONE }, alpha, &a.select(0, i)?, &b.select(0, i)?, false)?;
    }
    Ok(())
}

/// `res[i] = beta t[i] + alpha a[i] b[i]`: t (batch x m x n), a (batch x m x k), b (batch x k x n).
///
/// # Errors
/// Sizes that do not fit.
pub fn baddbmm<T: Blas>(res: &Tensor, beta: T, t: &Tensor, alpha: T, a: &Tensor, b: &Tensor) -> Result<()> {
    let mn = product_sizes(a, b, 1)?;
    check::sizes("a tensor", t, &[a.size(0), mn[0], mn[1]])?;
    let (a, b) = (apart(a, &[res])?, apart(b, &[res])?);
    start(res, beta, t)?;
    let (batch, [m, n], k) = (a.size(0), mn, a.size(2));
    // few large products are shared out themselves; so are those of matrices with gaps
    if batch < threads::threads() || ![&*a, &*b, res].iter().all(|x| x.is_contiguous()) {
        for i in 0..batch {
            add_product(&res.select(0, i)?, beta, alpha, &a.select(0, i)?, &b.select(0, i)?, false)?;
        }
        return Ok(());
    }
    let (x, y, mut c) = (Source::<T>::of(&a)?, Source::<T>::of(&b)?, Dest::<T>::update(res)?);
    share(Rows::new(&mut c, m * n), m.saturating_mul(n).saturating_mul(k), |first, some| {
        for (i, c) in (first..).zip(some.into_rows()) {
            let (x, y) = (&x[i * m * k..][..m * k], &y[i * k * n..][..k * n]);
            product(alpha, Matrix::new(x, m, k), Matrix::new(y, k, n), beta, MatrixMut::new(c, m, n));
        }
    });
    Ok(())
}

/// The plain products: `$new` makes its result, `$f` fills one that already has the right size. A result that is an
/// operand too becomes zero first, as in Torch7.
macro_rules! plain {
    ($($new:ident $f:ident $add:ident $doc:literal |$a:ident, $b:ident| $sizes:expr;)*) => { $(
        #[doc = concat!($doc, ", in a new tensor.\n\n# Errors\nSizes that do not fit.")]
        pub fn $new<T: Blas>($a: &Tensor, $b: &Tensor) -> Result<Tensor> {
            let res = Tensor::new($a.class(), &$sizes)?;
            $add(&res, T::ZERO, &res, T::ONE, $a, $b)?;
            Ok(res)
        }
        #[doc = concat!($doc, ", in `res`, which has that size.\n\n# Errors\nSizes that do not fit.")]
        pub fn $f<T: Blas>(res: &Tensor, $a: &Tensor, $b: &Tensor) -> Result<()> {
            if res.shares_memory($a) || res.shares_memory($b) {
                map::fill(res, T::ZERO)?;
            }
            $add(res, T::ZERO, res, T::ONE, $a, $b)
        }
    )* };
}
plain! {
    mm_new mm addmm "The product of two matrices (m x k, k x n)" |a, b| product_sizes(a, b, 0)?;
    mv_new mv addmv "The product of a matrix (m x n) and a vector (n)" |a, b| [a.size(0)];
    ger_new ger addr "The outer product of two vectors (m, n)" |a, b| [a.size(0), b.size(0)];
    bmm_new bmm baddbmm "The products of two batches (batch x m x k, batch x k x n)"
        |a, b| { let n = product_sizes(a, b, 1)?; [a.size(0), n[0], n[1]] };
}

/// The forms of methods, where the result is the summand unless there is another one: one module per function of the
/// family, with the number of dimensions that the receiver must have.
macro_rules! onto {
    ($($f:ident $n:literal)*) => { $(
        #[doc = concat!("Call forms of the method `", stringify!($f), "`.")]
        pub mod $f {
            use super::{Blas, Result, Tensor};
            use crate::demand;
            /// Adds the product.
            ///
            /// # Errors
            /// Sizes that do not fit.
            pub fn plain<T: Blas>(res: &Tensor, a: &Tensor, b: &Tensor) -> Result<()> {
                super::$f(res, T::ONE, res, T::ONE, a, b)
            }
            /// Adds `alpha` times the product.
            ///
            /// # Errors
            /// Sizes that do not fit.
            pub fn scaled<T: Blas>(res: &Tensor, alpha: T, a: &Tensor, b: &Tensor) -> Result<()> {
                super::$f(res, T::ONE, res, alpha, a, b)
            }
            /// Adds `alpha` times the product to `beta` times the receiver.
            ///
            /// # Errors
            /// Sizes that do not fit.
            pub fn both<T: Blas>(res: &Tensor, beta: T, alpha: T, a: &Tensor, b: &Tensor) -> Result<()> {
                super::$f(res, beta, res, alpha, a, b)
            }
            /// Puts the summand `t` plus `alpha` times the product into the receiver.
            ///
            /// # Errors
            /// Sizes that do not fit, or a receiver with another number of dimensions.
            pub fn summand<T: Blas>(res: &Tensor, t: &Tensor, alpha: T, a: &Tensor, b: &Tensor) -> Result<()> {
                full(res, T::ONE, t, alpha, a, b)
            }
            /// Puts `beta` times the summand `t` plus `alpha` times the product into the receiver.
            ///
            /// # Errors
            /// Sizes that do not fit, or a receiver with another number of dimensions.
            pub fn full<T: Blas>(res: &Tensor, beta: T, t: &Tensor, alpha: T, a: &Tensor, b: &Tensor) -> Result<()> {
                demand!(
                    res.ndim() == $n,
                    concat!("expected a receiver of ", $n, " dimensions, got a tensor {}"),
                    res.shape_text()
                );
                super::$f(res, beta, t, alpha, a, b)
            }
        }
    )* };
}
onto!(addmm 2 addmv 1 addr 2 addbmm 2 baddbmm 3);

/// Cross products along a dimension of size 3: the given one, or the first such.
///
/// # Errors
/// Sizes that differ, no dimension of size 3.
pub fn cross<T: Real>(res: &Tensor, a: &Tensor, b: &Tensor, d: Option<usize>) -> Result<()> {
    check::same_size("a tensor", a, "another", b)?;
    let d = d.or_else(|| a.layout().sizes().iter().position(|&n| n == 3)).filter(|&d| d < a.ndim() && a.size(d) == 3);
    let Some(d) = d else {
        return Err(Error::invalid(format!("expected a dimension of size 3, got {}", a.shape_text())));
    };
    let x = view::transpose(a, 0, d)?.to_vec::<T>()?;
    let y = view::transpose(b, 0, d)?.to_vec::<T>()?;
    let n = x.len() / 3;
    res.resize_as(a)?;
    let mut at = 0;
    update::<T>(&view::transpose(res, 0, d)?, |_| {
        let (plane, i) = (at / n, at % n);
        let (j, k) = ((plane + 1) % 3 * n + i, (plane + 2) % 3 * n + i);
        at += 1;
        x[j].mul(y[k]).sub(x[k].mul(y[j]))
    })
}

/// Squared distances between the rows of two tensors, times `gain`.
///
/// # Errors
/// Rows of different length, no element.
pub fn distances<T: Real>(res: &Tensor, a: &Tensor, b: &Tensor, gain: T) -> Result<()> {
    check::has_elements("a tensor", a)?;
    check::has_elements("a tensor", b)?;
    let (rows, cols) = (a.size(0), b.size(0));
    let (x, y) = (a.to_vec::<T>()?, b.to_vec::<T>()?);
    let n = x.len() / rows.max(1);
    demand!(n > 0 && y.len() / cols.max(1) == n, "inconsistent sizes, {} and {}", a.shape_text(), b.shape_text());
    res.resize(&[rows, cols])?;
    let mut at = 0;
    update(res, |_: T| {
        let (u, v) = (&x[at / cols * n..][..n], &y[at % cols * n..][..n]);
        let sum = u.iter().zip(v).fold(T::ZERO, |s, (&u, &v)| s.add(u.sub(v).mul(u.sub(v))));
        at += 1;
        gain.mul(sum)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_that_is_an_operand_becomes_zero() {
        let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0]).unwrap();
        x.resize(&[2, 2]).unwrap();
        mm::<f64>(&x, &x, &x).unwrap();
        assert_eq!(x.to_vec::<f64>().unwrap(), [0.0; 4]);
    }
}
