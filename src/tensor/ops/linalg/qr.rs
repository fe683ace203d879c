//! QR factorizations and what is solved with them.

use super::householder::{factor, form, multiply};
use super::solve::triangular;
use super::{Dense, Linear, options, store_vector};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::error::Result;

/// The thin factorization `A = Q R` of A (m x n): with k = min(m, n), Q (m x k) orthonormal and R (k x n) upper
/// triangular. Signs as in [`super::householder`].
///
/// # Errors
/// Another shape.
pub fn qr<T: Linear>(q: &Tensor, r: &Tensor, a: &Tensor) -> Result<()> {
    let mut a = Dense::<T>::read("A", a)?;
    let tau = factor(&mut a);
    form(&a, &tau, tau.len()).store(q)?;
    let mut upper = a.part(tau.len(), a.cols);
    upper.keep_triangle(true);
    upper.store(r)
}

/// The factorization of A (m x n) in LAPACK's storage, in `m` (m x n) and `tau` (min(m, n)).
///
/// # Errors
/// Another shape.
pub fn geqrf<T: Linear>(m: &Tensor, tau: &Tensor, a: &Tensor) -> Result<()> {
    let mut a = Dense::<T>::read("A", a)?;
    let t = factor(&mut a);
    a.store(m)?;
    store_vector(&t, tau)
}

/// A factorization as [`geqrf`] leaves it.
fn reflections<T: Linear>(m: &Tensor, tau: &Tensor) -> Result<(Dense<T>, Vec<T>)> {
    let a = Dense::<T>::read("A", m)?;
    check::rank("tau", tau, 1)?;
    let t = tau.to_vec()?;
    let most = a.rows.min(a.cols);
    demand!(
        t.len() <= most,
        "tau should have at most {most} elements for a {}x{} matrix, but has {}",
        a.rows,
        a.cols,
        t.len()
    );
    Ok((a, t))
}

/// The first min(m, n) columns of the Q of a factorization `m` (m x n), `tau`.
///
/// # Errors
/// Another shape, or more reflections than columns.
pub fn orgqr<T: Linear>(q: &Tensor, m: &Tensor, tau: &Tensor) -> Result<()> {
    let (a, t) = reflections::<T>(m, tau)?;
    form(&a, &t, a.rows.min(a.cols)).store(q)
}

/// C multiplied by the whole Q (m x m) of a factorization `m` (m x n), `tau`: from the left, or with side 'R' from the
/// right; with 'T' by the transpose of Q.
///
/// # Errors
/// Shapes that do not fit, or an unknown option.
pub fn ormqr<T: Linear>(
    res: &Tensor,
    m: &Tensor,
    tau: &Tensor,
    c: &Tensor,
    side: Option<&str>,
    trans: Option<&str>,
) -> Result<()> {
    let [side, trans] = options("ormqr", ["LR", "NT"], [side, trans])?;
    let (a, t) = reflections::<T>(m, tau)?;
    let mut c = Dense::<T>::read("C", c)?;
    let fits = a.rows == if side == 'L' { c.rows } else { c.cols };
    demand!(
        fits,
        "size mismatch, Q is {0}x{0} and C, which it multiplies from side {side}, is {1}x{2}",
        a.rows,
        c.rows,
        c.cols
    );
    let target = c.result();
    if side == 'L' {
        multiply(&a, &t, target, trans == 'T');
    } else {
        // C Q is the transpose of Q' C'
        multiply(&a, &t, target.t(), trans == 'N');
    }
    c.store(res)
}

/// The least squares solution of `A X = B` (m >= n), or the shortest of its solutions (m < n), in `resb` (n x k), and
/// the factorization of A in `resa` (m x n); A (m x n) of full rank, B (m x k) or a vector.
///
/// # Errors
/// Shapes that do not fit, or an exact zero on the diagonal of the triangular factor.
pub fn gels<T: Linear>(resb: &Tensor, resa: &Tensor, b: &Tensor, a: &Tensor) -> Result<()> {
    let a = Dense::<T>::read("A", a)?;
    let (m, n) = (a.rows, a.cols);
    let b = Dense::right_hand(b, m)?;
    let wide = m < n;
    let mut f = if wide { a.transposed() } else { a };
    let tau = factor(&mut f);
    if let Some(i) = f.zero_on_diagonal() {
        crate::refuse!(
            in "Lapack Error in gels ", "The {}-th diagonal element of the triangular factor of A is zero",
            i + 1
        );
    }
    let k = m.min(n);
    let r = f.part(k, k);
    let x = if wide {
        let mut y = b;
        triangular(r.view().transpose(), false, false, y.view_mut());
        let mut x = y.part(n, y.cols);
        multiply(&f, &tau, x.result(), false);
        x
    } else {
        let mut y = b;
        multiply(&f, &tau, y.result(), true);
        let mut x = y.part(n, y.cols);
        triangular(r.view(), true, false, x.view_mut());
        x
    };
    x.store(resb)?;
    if wide { f.transposed().store(resa) } else { f.store(resa) }
}
