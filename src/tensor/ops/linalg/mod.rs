//! Linear algebra as LAPACK offers it: systems, factorizations, eigenvalues, singular values.
//!
//! Every function copies its matrices into column-major order ([`Dense`]), computes there, and writes its results only
//! when all went well. So a result may be an argument too, any strides are welcome, and an error changes nothing.
//! Results are column-major (strides `1, m`), as LAPACK leaves them and Torch7 documents.
//!
//! LU, Cholesky, triangular systems, eigenvalues and singular values come from the crate `faer`, sequentially: results
//! do not depend on the number of threads. Householder factorizations ([`householder`]) and the pivoted Cholesky factor
//! are our own, since callers see LAPACK's storage of them.

pub mod cholesky;
pub mod eigen;
pub mod householder;
pub mod qr;
pub mod solve;
pub mod svd;
#[cfg(test)]
mod tests;

use super::blas::Blas;
use crate::tensor::Tensor;
use crate::tensor::access::{Matrix, MatrixMut};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::{Error, Result};
use crate::tensor::layout::Layout;
use crate::tensor::map;
use crate::tensor::storage;
use crate::{demand, refuse};
use faer::{MatMut, MatRef};

/// An element type with linear algebra: f32 and f64.
pub trait Linear: Blas + Float + faer::traits::RealField {
    /// The distance from 1 to the next number.
    const EPSILON: Self;
}
impl Linear for f32 {
    const EPSILON: f32 = f32::EPSILON;
}
impl Linear for f64 {
    const EPSILON: f64 = f64::EPSILON;
}

/// A matrix of its own in column-major order without gaps.
#[derive(Clone, Debug)]
pub struct Dense<T> {
    /// The elements, column after column.
    pub data: Vec<T>,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
}

impl<T: Linear> Dense<T> {
    /// All zero.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Dense { data: vec![T::ZERO; rows * cols], rows, cols }
    }

    /// The first `cols` columns of the identity.
    pub fn identity(rows: usize, cols: usize) -> Self {
        let mut d = Dense::zeros(rows, cols);
        for i in 0..rows.min(cols) {
            d.set(i, i, T::ONE);
        }
        d
    }

    /// A copy of a tensor of two dimensions.
    ///
    /// # Errors
    /// Another number of dimensions, or no element; `name` is what the message calls the argument.
    pub fn read(name: &str, x: &Tensor) -> Result<Self> {
        check::rank(name, x, 2)?;
        check::has_elements(name, x)?;
        // factorizations keep a few matrices of this size
        storage::enough::<T>(x.numel().saturating_mul(6))?;
        let data = x.transpose(0, 1)?.to_vec()?;
        Ok(Dense { data, rows: x.size(0), cols: x.size(1) })
    }

    /// As [`Dense::read`], for a square matrix.
    ///
    /// # Errors
    /// As [`Dense::read`], and another shape.
    pub fn square(name: &str, x: &Tensor) -> Result<Self> {
        let d = Dense::read(name, x)?;
        check::square(name, x)?;
        Ok(d)
    }

    /// The right hand sides of a system with `rows` equations: a matrix, or a vector as one column.
    ///
    /// # Errors
    /// More dimensions, no element, or another number of rows.
    pub fn right_hand(b: &Tensor, rows: usize) -> Result<Self> {
        check::ranks("B", b, 1..=2)?;
        let d =
            if b.ndim() == 1 { Dense { data: b.to_vec()?, rows: b.size(0), cols: 1 } } else { Dense::read("B", b)? };
        demand!(d.rows == rows, "A,B size incompatible - A has {rows} rows, B has {}", d.rows);
        Ok(d)
    }

    /// The element in row `i`, column `j`.
    pub fn at(&self, i: usize, j: usize) -> T {
        self.data[j * self.rows + i]
    }

    /// Sets the element in row `i`, column `j`.
    pub fn set(&mut self, i: usize, j: usize, v: T) {
        self.data[j * self.rows + i] = v;
    }

    /// Column `j`.
    pub fn col(&self, j: usize) -> &[T] {
        &self.data[j * self.rows..(j + 1) * self.rows]
    }

    /// Column `j`, to change it.
    pub fn col_mut(&mut self, j: usize) -> &mut [T] {
        &mut self.data[j * self.rows..(j + 1) * self.rows]
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut t = Dense::zeros(self.cols, self.rows);
        for j in 0..self.cols {
            for (i, &v) in self.col(j).iter().enumerate() {
                t.set(j, i, v);
            }
        }
        t
    }

    /// The top left part with `rows` and `cols`; what lies outside of this matrix is zero.
    #[must_use]
    pub fn part(&self, rows: usize, cols: usize) -> Self {
        let mut p = Dense::zeros(rows, cols);
        let n = rows.min(self.rows);
        for j in 0..cols.min(self.cols) {
            p.col_mut(j)[..n].copy_from_slice(&self.col(j)[..n]);
        }
        p
    }

    /// Sets everything on the other side of the diagonal to zero.
    pub fn keep_triangle(&mut self, upper: bool) {
        let rows = self.rows;
        for j in 0..self.cols {
            let other = if upper { (j + 1).min(rows)..rows } else { 0..j.min(rows) };
            self.col_mut(j)[other].fill(T::ZERO);
        }
    }

    /// Makes a square matrix symmetric from one triangle.
    pub fn mirror(&mut self, from_upper: bool) {
        for j in 0..self.cols {
            for i in 0..j {
                if from_upper {
                    self.set(j, i, self.at(i, j));
                } else {
                    self.set(i, j, self.at(j, i));
                }
            }
        }
    }

    /// The first exact zero on the diagonal.
    pub fn zero_on_diagonal(&self) -> Option<usize> {
        (0..self.rows.min(self.cols)).find(|&i| self.at(i, i) == T::ZERO)
    }

    /// For `faer` to read.
    pub fn view(&self) -> MatRef<'_, T> {
        MatRef::from_column_major_slice(&self.data, self.rows, self.cols)
    }

    /// For `faer` to change.
    pub fn view_mut(&mut self) -> MatMut<'_, T> {
        MatMut::from_column_major_slice_mut(&mut self.data, self.rows, self.cols)
    }

    /// An operand of a product.
    pub fn operand(&self) -> Matrix<'_, T> {
        let (rows, cols) = (self.rows, self.cols);
        Matrix::strided(&self.data, rows, cols, 1, rows as isize)
    }

    /// The result of a product.
    pub fn result(&mut self) -> MatrixMut<'_, T> {
        let (rows, cols) = (self.rows, self.cols);
        MatrixMut::strided(&mut self.data, rows, cols, 1, rows as isize)
    }

    /// Prepares the matrix for an iteration: refuses nan and infinity, with which none converges, and divides extreme
    /// elements by the largest, since their squares would overflow or vanish. Gives that divisor.
    ///
    /// # Errors
    /// An element is not finite.
    pub fn tame(&mut self, op: &str) -> Result<T> {
        let bad = self.data.iter().position(|v| !v.finite());
        if let Some(at) = bad {
            let (i, j) = (at % self.rows + 1, at / self.rows + 1);
            refuse!(in op, "element ({i},{j}) of the {}x{} matrix is {}", self.rows, self.cols, self.data[at].to_f64());
        }
        let largest = self.data.iter().fold(T::ZERO, |m, v| if v.abs() > m { v.abs() } else { m });
        let small = T::sqrt_min_positive_impl() / T::EPSILON;
        if largest == T::ZERO || (largest > small && largest < T::ONE / small) {
            return Ok(T::ONE);
        }
        for v in &mut self.data {
            *v /= largest;
        }
        Ok(largest)
    }

    /// Writes the matrix into a tensor, which becomes column-major unless it already has the size and is a view with
    /// other strides than row-major.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn store(&self, res: &Tensor) -> Result<()> {
        if res.layout().sizes() != [self.rows, self.cols] || res.is_contiguous() {
            res.resize_strided(&[self.rows, self.cols], &[1, self.rows as isize])?;
        }
        let packed = Tensor::from_slice(&self.data)?;
        packed.set_layout(Layout::strided(0, &[self.rows, self.cols], &[1, self.rows as isize])?);
        map::unary("copy", res, &packed, 1, |v: T| v)
    }
}

/// Writes a vector into a tensor of one dimension.
fn store_vector<T: Linear>(v: &[T], res: &Tensor) -> Result<()> {
    res.resize(&[v.len()])?;
    map::unary("copy", res, &Tensor::from_slice(v)?, 1, |v: T| v)
}

/// Gives each option the first of the remaining arguments that names one of its letters; the first letter of an option
/// is its default. `kinds` is what messages show: `["UL", "NT"]`.
fn options<const N: usize>(op: &str, kinds: [&str; N], given: [Option<&str>; N]) -> Result<[char; N]> {
    let mut chosen = kinds.map(|k| k.chars().next().unwrap_or(' '));
    let mut next = 0;
    for text in given.into_iter().flatten() {
        let mut letters = text.chars();
        let letter = letters.next().filter(|_| letters.next().is_none());
        let slot = (next..N).find(|&s| letter.is_some_and(|c| kinds[s].contains(c)));
        let (Some(slot), Some(letter)) = (slot, letter) else {
            let all = kinds.map(|k| k.chars().map(String::from).collect::<Vec<_>>().join("|"));
            return Err(Error::about(op, format!("unexpected option '{text}', expected [({})]", all.join(")] [("))));
        };
        chosen[slot] = letter;
        next = slot + 1;
    }
    Ok(chosen)
}
