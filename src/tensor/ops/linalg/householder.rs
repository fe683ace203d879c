//! Householder factorizations in LAPACK's storage: R in and above the diagonal; below it, column `i` holds the rest of
//! `v_i`, whose first element is 1 and stays unwritten; `Q = H_1 H_2 ... H_k` with `H_i = I - tau_i v_i v_i'`.
//!
//! Golub & Van Loan, Matrix Computations (4th ed.), sections 5.1 and 5.2; blocks by the compact WY form of Schreiber and
//! Van Loan (1989). Signs: the diagonal element of R is `-sign(x_1) |x|`, so that no digits cancel; a column that is
//! zero below its first element is left alone, with `tau = 0`.

use super::{Dense, Linear};
use crate::tensor::access::MatrixMut;
use crate::tensor::ops::blas::{dot, product};
use crate::tensor::simd::vectorize;

/// Columns that are factored together.
const BLOCK: usize = 32;

/// Rows that are summed up at once: the sum over all rows is one of partial sums, so that floats lose fewer digits.
const CHUNK: usize = 128;

/// The Euclidean length, without overflow.
pub fn norm<T: Linear>(x: &[T]) -> T {
    let squares = dot(x, x);
    if squares.finite() && squares > T::min_positive_impl() / T::EPSILON {
        return squares.root();
    }
    let largest = x.iter().fold(T::ZERO, |m, v| if v.abs() > m { v.abs() } else { m });
    if largest == T::ZERO || squares.is_nan() {
        return squares;
    }
    let sum = x.iter().fold(T::ZERO, |s, &v| s + (v / largest) * (v / largest));
    largest * sum.root()
}

/// `y = y - w x`
pub fn subtract<T: Linear>(y: &mut [T], w: T, x: &[T]) {
    vectorize(
        #[inline(always)]
        || {
            for (y, &x) in y.iter_mut().zip(x) {
                *y -= w * x;
            }
        },
    );
}

/// The length of (x, y), rounded as LAPACK does it: the larger one times what the ratio adds.
fn hypotenuse<T: Linear>(x: T, y: T) -> T {
    let (x, y) = (x.abs(), y.abs());
    let (large, small) = if x > y { (x, y) } else { (y, x) };
    let ratio = small / large;
    large * (T::ONE + ratio * ratio).root()
}

/// Replaces x by the reflection's `beta` and the rest of its vector, and gives `tau`, so that `H x = (beta, 0, ...)`.
pub fn reflector<T: Linear>(x: &mut [T]) -> T {
    let Some((head, tail)) = x.split_first_mut() else { return T::ZERO };
    if tail.iter().all(|&v| v == T::ZERO) {
        return T::ZERO;
    }
    let alpha = *head;
    let length = hypotenuse(alpha, norm(tail));
    let beta = if alpha < T::ZERO { length } else { -length };
    let below = alpha - beta;
    let factor = T::ONE / below;
    for v in tail {
        *v = if factor.finite() { *v * factor } else { *v / below };
    }
    *head = beta;
    below / -beta
}

/// Factors A (m x n) in place and gives the `tau` of its min(m, n) reflections.
pub fn factor<T: Linear>(a: &mut Dense<T>) -> Vec<T> {
    let (m, n) = (a.rows, a.cols);
    let k = m.min(n);
    let mut tau = Vec::with_capacity(k);
    for first in (0..k).step_by(BLOCK) {
        let count = BLOCK.min(k - first);
        for j in first..first + count {
            let (left, right) = a.data.split_at_mut((j + 1) * m);
            let v = &mut left[j * m + j..];
            let t = reflector(v);
            tau.push(t);
            for column in right.chunks_exact_mut(m).take(first + count - j - 1) {
                let w = t * (column[j] + dot(&v[1..], &column[j + 1..]));
                column[j] -= w;
                subtract(&mut column[j + 1..], w, &v[1..]);
            }
        }
        if first + count < n {
            let block = Block::new(a, &tau, first, count);
            let rest = a.result().row_range(first, m - first).col_range(first + count, n - first - count);
            block.apply(rest, true);
        }
    }
    tau
}

/// Some reflections as one: `H_1 ... H_b = I - V T V'`.
struct Block<T> {
    v: Dense<T>,
    t: Dense<T>,
}

impl<T: Linear> Block<T> {
    /// The reflections `first..first + count` of a factorization, for the rows from `first` on.
    fn new(a: &Dense<T>, tau: &[T], first: usize, count: usize) -> Self {
        let mut v = Dense::zeros(a.rows - first, count);
        for j in 0..count {
            v.col_mut(j)[j + 1..].copy_from_slice(&a.col(first + j)[first + j + 1..]);
            v.set(j, j, T::ONE);
        }
        let mut t = Dense::zeros(count, count);
        for j in 0..count {
            let scale = -tau[first + j];
            let w: Vec<T> = (0..j).map(|i| scale * dot(&v.col(i)[j..], &v.col(j)[j..])).collect();
            for i in 0..j {
                let sum = (i..j).fold(T::ZERO, |s, l| s + t.at(i, l) * w[l]);
                t.set(i, j, sum);
            }
            t.set(j, j, tau[first + j]);
        }
        Block { v, t }
    }

    /// Multiplies C by the block, or by its transpose, from the left.
    fn apply(&self, c: MatrixMut<T>, transpose: bool) {
        let (v, t) = (self.v.operand(), self.t.operand());
        let (mut w, mut tw) = (Dense::zeros(t.rows(), c.cols()), Dense::zeros(t.rows(), c.cols()));
        for first in (0..c.rows()).step_by(CHUNK) {
            let n = CHUNK.min(c.rows() - first);
            let beta = if first == 0 { T::ZERO } else { T::ONE };
            product(T::ONE, v.row_range(first, n).t(), c.as_matrix().row_range(first, n), beta, w.result());
        }
        product(T::ONE, if transpose { t.t() } else { t }, w.operand(), T::ZERO, tw.result());
        product(-T::ONE, v, tw.operand(), T::ONE, c);
    }
}

/// Multiplies C in place by the Q (m x m, or its transpose) of a factorization (m rows) from the left; C has m rows and
/// lies apart from the factorization.
pub fn multiply<T: Linear>(a: &Dense<T>, tau: &[T], mut c: MatrixMut<T>, transpose: bool) {
    let mut firsts: Vec<usize> = (0..tau.len()).step_by(BLOCK).collect();
    if !transpose {
        firsts.reverse();
    }
    for first in firsts {
        let block = Block::new(a, tau, first, BLOCK.min(tau.len() - first));
        block.apply(c.reborrow().row_range(first, a.rows - first), transpose);
    }
}

/// The first `cols` columns of Q.
pub fn form<T: Linear>(a: &Dense<T>, tau: &[T], cols: usize) -> Dense<T> {
    let mut q = Dense::identity(a.rows, cols);
    multiply(a, tau, q.result(), false);
    q
}
