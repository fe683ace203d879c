//! Linear systems: LU factors, inverse, triangular systems.

use super::{Dense, Linear, options};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::lu::partial_pivoting::factor::{lu_in_place, lu_in_place_scratch};
use faer::linalg::triangular_solve as tri;
use faer::{MatMut, MatRef, Par};

/// `P A = L U` with partial pivoting.
struct Lu<T> {
    /// U in and above the diagonal, L without its ones below.
    factors: Dense<T>,
    /// Row `i` of `P A` is row `order[i]` of A.
    order: Vec<usize>,
}

impl<T: Linear> Lu<T> {
    fn new(mut a: Dense<T>) -> Self {
        let n = a.rows;
        let (mut order, mut inverse) = (vec![0usize; n], vec![0usize; n]);
        let mut memory = MemBuffer::new(lu_in_place_scratch::<usize, T>(n, n, Par::Seq, Default::default()));
        let stack = MemStack::new(&mut memory);
        lu_in_place(a.view_mut(), &mut order, &mut inverse, Par::Seq, stack, Default::default());
        Lu { factors: a, order }
    }

    /// The solution of `A X = B`.
    fn solve(&self, b: &Dense<T>) -> Dense<T> {
        let mut x = Dense::zeros(b.rows, b.cols);
        for j in 0..b.cols {
            for (to, &from) in x.col_mut(j).iter_mut().zip(&self.order) {
                *to = b.at(from, j);
            }
        }
        triangular(self.factors.view(), false, true, x.view_mut());
        triangular(self.factors.view(), true, false, x.view_mut());
        x
    }
}

/// Solves `A X = B` in place of B, where only one triangle of A is read; with `unit` its diagonal counts as ones.
pub fn triangular<T: Linear>(a: MatRef<'_, T>, upper: bool, unit: bool, b: MatMut<'_, T>) {
    match (upper, unit) {
        (true, false) => tri::solve_upper_triangular_in_place(a, b, Par::Seq),
        (true, true) => tri::solve_unit_upper_triangular_in_place(a, b, Par::Seq),
        (false, false) => tri::solve_lower_triangular_in_place(a, b, Par::Seq),
        (false, true) => tri::solve_unit_lower_triangular_in_place(a, b, Par::Seq),
    }
}

/// The solution of `A X = B` in `resb` (n x k) and the factors of `P A = L U` in `resa` (n x n); A (n x n), B (n x k)
/// or a vector.
///
/// # Errors
/// Shapes that do not fit, or a singular A.
pub fn gesv<T: Linear>(resb: &Tensor, resa: &Tensor, b: &Tensor, a: &Tensor) -> Result<()> {
    let a = Dense::<T>::square("A", a)?;
    let b = Dense::right_hand(b, a.rows)?;
    let lu = Lu::new(a);
    if let Some(i) = lu.factors.zero_on_diagonal() {
        crate::refuse!(in "Lapack Error in gesv ", "U({0},{0}) is zero, singular U.", i + 1);
    }
    lu.solve(&b).store(resb)?;
    lu.factors.store(resa)
}

/// The inverse of a square matrix.
///
/// # Errors
/// Another shape, or a singular matrix.
pub fn inverse<T: Linear>(res: &Tensor, a: &Tensor) -> Result<()> {
    let a = Dense::<T>::square("A", a)?;
    let n = a.rows;
    let lu = Lu::new(a);
    if let Some(i) = lu.factors.zero_on_diagonal() {
        crate::refuse!(in "Lapack Error in inverse ", "U({0},{0}) is 0, U is singular", i + 1);
    }
    lu.solve(&Dense::identity(n, n)).store(res)
}

/// The solution of `A X = B` (with 'T': `A' X = B`) in `resb` and a copy of A in `resa`, where only the triangle `uplo`
/// of A (n x n) is read; with `diag` 'U' its diagonal counts as ones. B (n x k) or a vector.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, an unknown option.
pub fn trtrs<T: Linear>(
    resb: &Tensor,
    resa: &Tensor,
    b: &Tensor,
    a: &Tensor,
    uplo: Option<&str>,
    trans: Option<&str>,
    diag: Option<&str>,
) -> Result<()> {
    let [uplo, trans, diag] = options("trtrs", ["UL", "NT", "NU"], [uplo, trans, diag])?;
    let a = Dense::<T>::square("A", a)?;
    let mut x = Dense::right_hand(b, a.rows)?;
    let zero = a.zero_on_diagonal().filter(|_| diag == 'N');
    demand!(zero.is_none(), in "Lapack Error in trtrs ", "A({0},{0}) is zero, singular A", zero.map_or(0, |i| i + 1));
    let upper = uplo == 'U';
    if trans == 'T' {
        triangular(a.view().transpose(), !upper, diag == 'U', x.view_mut());
    } else {
        triangular(a.view(), upper, diag == 'U', x.view_mut());
    }
    x.store(resb)?;
    a.store(resa)
}
