//! Factors of symmetric positive (semi)definite matrices.

use super::householder::subtract;
use super::solve::triangular;
use super::{Dense, Linear, options};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use crate::tensor::map;
use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};

/// The triangle that an option names.
fn is_upper(op: &str, uplo: Option<&str>) -> Result<bool> {
    Ok(options(op, ["UL"], [uplo])? == ['U'])
}

/// The Cholesky factor of A (n x n): U with `A = U' U`, or with 'L' L with `A = L L'`. Only that triangle is read.
///
/// # Errors
/// Another shape, a matrix that is not positive definite, an unknown option.
pub fn potrf<T: Linear>(res: &Tensor, a: &Tensor, uplo: Option<&str>) -> Result<()> {
    let upper = is_upper("potrf", uplo)?;
    let mut a = Dense::<T>::square("A", a)?;
    if upper {
        a = a.transposed();
    }
    a.keep_triangle(false);
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<T>(a.rows, Par::Seq, Default::default()));
    let stack = MemStack::new(&mut memory);
    let done = cholesky_in_place(a.view_mut(), Default::default(), Par::Seq, stack, Default::default());
    if let Err(LltError::NonPositivePivot { index }) = done {
        crate::refuse!(in "Lapack Error in potrf ", "the leading minor of order {} is not positive definite", index + 1);
    }
    a.keep_triangle(false);
    if upper { a.transposed().store(res) } else { a.store(res) }
}

/// Solves `A X = B` in place of B, A given by its factor.
fn solve<T: Linear>(factor: &Dense<T>, upper: bool, b: &mut Dense<T>) {
    let (f, t) = (factor.view(), factor.view().transpose());
    let (first, second) = if upper { (t, f) } else { (f, t) };
    triangular(first, false, false, b.view_mut());
    triangular(second, true, false, b.view_mut());
}

/// The inverse of the matrix whose Cholesky factor is given (n x n), both triangles filled.
///
/// # Errors
/// Another shape, a zero on the diagonal, an unknown option.
pub fn potri<T: Linear>(res: &Tensor, factor: &Tensor, uplo: Option<&str>) -> Result<()> {
    let upper = is_upper("potri", uplo)?;
    let f = Dense::<T>::square("A", factor)?;
    if let Some(i) = f.zero_on_diagonal() {
        crate::refuse!(in "Lapack Error potri ", "A({0},{0}) is 0, A cannot be factorized", i + 1);
    }
    let mut x = Dense::identity(f.rows, f.rows);
    solve(&f, upper, &mut x);
    x.mirror(upper);
    x.store(res)
}

/// The solution of `A X = B` for the A whose Cholesky factor is given (n x n); B (n x k) or a vector.
///
/// # Errors
/// Shapes that do not fit, an unknown option.
pub fn potrs<T: Linear>(res: &Tensor, b: &Tensor, factor: &Tensor, uplo: Option<&str>) -> Result<()> {
    let upper = is_upper("potrs", uplo)?;
    let f = Dense::<T>::square("A", factor)?;
    let mut x = Dense::right_hand(b, f.rows)?;
    solve(&f, upper, &mut x);
    x.store(res)
}

/// The Cholesky factor with complete pivoting of a positive semidefinite A (n x n), and the order of its rows in `piv`
/// (from 1): `P' A P = U' U` (or `L L'`) with `P[piv[k]][k] = 1`. Pivots up to `tol` count as zero; a negative `tol`
/// stands for n times the precision times the largest diagonal element. Golub & Van Loan, Matrix Computations (4th
/// ed.), algorithm 4.2.4.
///
/// # Errors
/// Another shape, a matrix that is not of full rank and positive, an unknown option.
pub fn pstrf<T: Linear>(res: &Tensor, piv: &Tensor, a: &Tensor, uplo: Option<&str>, tol: T) -> Result<()> {
    let upper = is_upper("pstrf", uplo)?;
    let mut a = Dense::<T>::square("A", a)?;
    a.mirror(upper);
    let n = a.rows;
    let largest = (0..n).map(|i| a.at(i, i)).fold(T::ZERO, |m, v| if v > m { v } else { m });
    let limit = if tol < T::ZERO { T::from_f64(n as f64) * T::EPSILON * largest } else { tol };
    let mut order: Vec<i32> = (1..=n as i32).collect();
    for k in 0..n {
        let p = (k + 1..n).fold(k, |best, i| if a.at(i, i) > a.at(best, best) { i } else { best });
        let pivot = a.at(p, p);
        demand!(
            pivot > limit && pivot > T::ZERO,
            in "Lapack Error pstrf ", "matrix is rank deficient or not positive semidefinite (pivot {} of {n} is {})",
            k + 1,
            pivot.to_f64()
        );
        exchange(&mut a, k, p);
        order.swap(k, p);
        eliminate(&mut a, k);
    }
    a.keep_triangle(false);
    if upper {
        a.transposed().store(res)?
    } else {
        a.store(res)?
    }
    piv.resize(&[n])?;
    map::unary("copy", piv, &Tensor::from_slice(&order)?, 1, |v: i32| v)
}

/// Exchanges rows and columns `k` and `p` of the part that is still symmetric, and the rows of the factor before it.
fn exchange<T: Linear>(a: &mut Dense<T>, k: usize, p: usize) {
    if k == p {
        return;
    }
    for j in 0..a.cols {
        a.col_mut(j).swap(k, p);
    }
    for i in k..a.rows {
        let (x, y) = (a.at(i, k), a.at(i, p));
        a.set(i, k, y);
        a.set(i, p, x);
    }
}

/// Makes column `k` part of the factor and subtracts its outer product from what remains.
fn eliminate<T: Linear>(a: &mut Dense<T>, k: usize) {
    let d = a.at(k, k).root();
    let rows = a.rows;
    let (left, right) = a.data.split_at_mut((k + 1) * rows);
    let column = &mut left[k * rows + k..];
    column[0] = d;
    for v in &mut column[1..] {
        *v /= d;
    }
    for (c, rest) in right.chunks_exact_mut(rows).enumerate() {
        let w = column[1 + c];
        subtract(&mut rest[k + 1..], w, &column[1..]);
    }
}
