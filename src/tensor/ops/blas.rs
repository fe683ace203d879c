//! Products of vectors and matrices over strided views.
//!
//! Large products go to the `gemm` crate, one share a thread. How it cuts the sums of an element depends on their length
//! alone, so that results do not depend on the number of threads. Matrix-vector products, very small ones and integers have loops of their own.

use super::reduce::folded;
use super::tiny::{self, Tiny};
use crate::tensor::Tensor;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use crate::tensor::threads;

/// A strided matrix in memory. Whoever makes one vouches that all its elements can be reached.
#[derive(Clone, Copy)]
pub struct Mat<T> {
    /// The element at row 0, column 0.
    pub ptr: *mut T,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Distance between rows.
    pub rs: isize,
    /// Distance between columns.
    pub cs: isize,
}

// SAFETY: products give every thread its own part of the result and only read the operands.
unsafe impl<T> Send for Mat<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Mat<T> {}

impl<T: Element> Mat<T> {
    /// A tensor of one dimension (as a column) or two.
    ///
    /// # Errors
    /// Another element type, or a view outside its storage.
    #[inline]
    pub fn of(x: &Tensor) -> Result<Self> {
        let (e, ptr) = x.reach::<T>()?;
        let at = |d: usize| (e.sizes.get(d).copied().unwrap_or(1), e.strides.get(d).copied().unwrap_or(1));
        let ((rows, rs), (cols, cs)) = (at(0), at(1));
        Ok(Mat { ptr, rows, cols, rs, cs })
    }
}

impl<T> Mat<T> {
    /// A row-major matrix without gaps at `ptr`.
    pub fn dense(ptr: *mut T, rows: usize, cols: usize) -> Self {
        Mat { ptr, rows, cols, rs: cols as isize, cs: 1 }
    }

    /// Rows and columns exchanged.
    pub fn t(self) -> Self {
        Mat { rows: self.cols, cols: self.rows, rs: self.cs, cs: self.rs, ..self }
    }

    /// Rows `first..first + n`.
    pub fn row_range(self, first: usize, n: usize) -> Self {
        Mat { ptr: self.ptr.wrapping_offset(first as isize * self.rs), rows: n, ..self }
    }

    /// Columns `first..first + n`.
    pub fn col_range(self, first: usize, n: usize) -> Self {
        self.t().row_range(first, n).t()
    }

    /// Where an element lies.
    #[inline(always)]
    pub fn at(&self, i: usize, j: usize) -> *mut T {
        self.ptr.wrapping_offset(i as isize * self.rs + j as isize * self.cs)
    }
}

/// An element type with products. The default is plain loops.
pub trait Blas: Real + Tiny {
    /// `c = alpha a b + beta c` on the calling thread; `c` overlaps neither operand.
    fn block(alpha: Self, a: Mat<Self>, b: Mat<Self>, beta: Self, c: Mat<Self>) {
        naive(alpha, a, b, beta, c);
    }
}

macro_rules! blas {
    (int: $($t:ty)*) => { $(impl Blas for $t {})* };
    (float: $($t:ty)*) => { $(impl Blas for $t {
        fn block(alpha: Self, a: Mat<Self>, b: Mat<Self>, beta: Self, c: Mat<Self>) {
            // SAFETY: the matrices are in bounds by the promise of `Mat`, and `c` overlaps neither operand.
            unsafe {
                gemm::gemm(
                    c.rows, c.cols, a.cols, c.ptr, c.cs, c.rs, beta != 0.0, a.ptr, a.cs, a.rs, b.ptr, b.cs, b.rs,
                    beta, alpha, false, false, false, gemm::Parallelism::None,
                );
            }
        }
    })* };
}
blas!(int: u8 i8 i16 i32 i64);
blas!(float: f32 f64);

fn naive<T: Real>(alpha: T, a: Mat<T>, b: Mat<T>, beta: T, c: Mat<T>) {
    for i in 0..c.rows {
        for j in 0..c.cols {
            let mut sum = T::ZERO;
            for k in 0..a.cols {
                // SAFETY: inside the matrices.
                sum = sum.add(unsafe { (*a.at(i, k)).mul(*b.at(k, j)) });
            }
            store(alpha, sum, beta, c.at(i, j));
        }
    }
}

#[inline(always)]
fn store<T: Real>(alpha: T, sum: T, beta: T, c: *mut T) {
    // SAFETY: callers give an address inside the result.
    unsafe { *c = if beta == T::ZERO { alpha.mul(sum) } else { alpha.mul(sum).add(beta.mul(*c)) } }
}

/// `c = alpha a b + beta c`; what `c` holds is ignored where `beta` is 0. The sizes agree, and `c` overlaps neither
/// operand.
pub fn product<T: Blas>(alpha: T, a: Mat<T>, b: Mat<T>, beta: T, c: Mat<T>) {
    debug_assert!(a.rows == c.rows && b.cols == c.cols && a.cols == b.rows);
    let work = c.rows.saturating_mul(c.cols).saturating_mul(a.cols);
    if c.rows == 0 || c.cols == 0 {
        return;
    }
    if work == 0 || alpha == T::ZERO {
        return scale(beta, c);
    }
    if c.cols == 1 {
        return gemv(alpha, a, b, beta, c);
    }
    if c.rows == 1 {
        return gemv(alpha, b.t(), a.t(), beta, c.t());
    }
    if a.cols == 1 && b.cs == 1 && c.cs == 1 {
        return outer(alpha, a, b, beta, c);
    }
    if work <= tiny::MOST && (T::tiny(alpha, a, b, beta, c) || T::tiny(alpha, b.t(), a.t(), beta, c.t())) {
        return;
    }
    if work <= 256 {
        return naive(alpha, a, b, beta, c);
    }
    if work < 1 << 19 {
        return T::block(alpha, a, b, beta, c);
    }
    let by_rows = c.rows >= c.cols;
    let long = c.rows.max(c.cols);
    // the last share takes what is left over, so that none is so thin that `gemm` would sum in another order
    let units = (long / UNIT).max(1);
    threads::split(units, work / units, |first, count| {
        let start = first * UNIT;
        let n = if first + count == units { long - start } else { count * UNIT };
        if by_rows {
            T::block(alpha, a.row_range(start, n), b, beta, c.row_range(start, n));
        } else {
            T::block(alpha, a, b.col_range(start, n), beta, c.col_range(start, n));
        }
    });
}

/// Rows or columns of a large product that stay together: its threads share it in multiples of this.
const UNIT: usize = 32;

fn scale<T: Real>(beta: T, c: Mat<T>) {
    for i in 0..c.rows {
        for j in 0..c.cols {
            store(T::ZERO, T::ZERO, beta, c.at(i, j));
        }
    }
}

/// `c = alpha a b + beta c` of a column and a row: what a single sample adds to the gradient of weights.
fn outer<T: Blas>(alpha: T, a: Mat<T>, b: Mat<T>, beta: T, c: Mat<T>) {
    threads::split(c.rows, c.cols, |first, count| {
        for i in first..first + count {
            // SAFETY: inside the column; the rows have no gaps and do not overlap.
            let (v, b, c) = unsafe {
                let v = alpha.mul(*a.at(i, 0));
                let row = std::slice::from_raw_parts(b.at(0, 0), c.cols);
                (v, row, std::slice::from_raw_parts_mut(c.at(i, 0), c.cols))
            };
            vectorize(
                #[inline(always)]
                move || match beta {
                    beta if beta == T::ZERO => c.iter_mut().zip(b).for_each(|(c, b)| *c = v.mul(*b)),
                    beta if beta == T::ONE => c.iter_mut().zip(b).for_each(|(c, b)| *c = c.add(v.mul(*b))),
                    beta => c.iter_mut().zip(b).for_each(|(c, b)| *c = beta.mul(*c).add(v.mul(*b))),
                },
            );
        }
    });
}

/// `y = alpha a x + beta y`, where `x` and `y` are columns.
fn gemv<T: Blas>(alpha: T, a: Mat<T>, x: Mat<T>, beta: T, y: Mat<T>) {
    let packed: Vec<T>;
    let x = if x.rs == 1 {
        // SAFETY: a column without gaps, which `y` does not overlap.
        unsafe { std::slice::from_raw_parts(x.ptr, a.cols) }
    } else {
        // SAFETY: inside the column.
        packed = (0..a.cols).map(|k| unsafe { *x.at(k, 0) }).collect();
        &packed[..]
    };
    threads::split(a.rows, a.cols, |first, count| {
        let (a, y) = (a.row_range(first, count), y.row_range(first, count));
        if a.rs == 1 && a.cs != 1 && y.rs == 1 && count >= 8 {
            by_columns(alpha, a, x, beta, y)
        } else {
            by_rows(alpha, a, x, beta, y)
        }
    });
}

fn by_rows<T: Real>(alpha: T, a: Mat<T>, x: &[T], beta: T, y: Mat<T>) {
    // SAFETY: a row without gaps of as many elements as `x` has.
    let row = |i: usize| unsafe { std::slice::from_raw_parts(a.at(i, 0), x.len()) };
    for i in 0..a.rows {
        let sum = if a.cs == 1 {
            dot(row(i), x)
        } else {
            let mut sum = T::ZERO;
            for (k, &v) in x.iter().enumerate() {
                // SAFETY: inside the matrix.
                sum = sum.add(unsafe { *a.at(i, k) }.mul(v));
            }
            sum
        };
        store(alpha, sum, beta, y.at(i, 0));
    }
}

/// The sum of the products of elements, in many sums side by side: faster than one, and less is lost to rounding.
#[inline(always)]
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    // 128 bytes of sums: enough additions under way at every level of vectors
    match size_of::<T>() {
        0..=4 => dot_in::<T, 32>(a, b),
        _ => dot_in::<T, 16>(a, b),
    }
}

fn dot_in<T: Real, const LANES: usize>(a: &[T], b: &[T]) -> T {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let rest = a_rest.iter().zip(b_rest).fold(T::ZERO, |sum, (x, y)| sum.add(x.mul(*y)));
    if a.is_empty() {
        return rest;
    }
    vectorize(
        #[inline(always)]
        move || {
            let mut sums = [T::ZERO; LANES];
            for (a, b) in a.iter().zip(b) {
                for l in 0..LANES {
                    sums[l] = sums[l].add(a[l].mul(b[l]));
                }
            }
            folded(sums, T::add).add(rest)
        },
    )
}

/// Columns without gaps, into a result without gaps: the sums of all rows grow together, four columns at a time.
fn by_columns<T: Real>(alpha: T, a: Mat<T>, x: &[T], beta: T, y: Mat<T>) {
    // SAFETY: columns of `rows` elements without gaps, and `y` overlaps none of them.
    let col = |k: usize| unsafe { std::slice::from_raw_parts(a.at(0, k), a.rows) };
    // SAFETY: as above.
    let y = unsafe { std::slice::from_raw_parts_mut(y.ptr, a.rows) };
    vectorize(
        #[inline(always)]
        move || {
            match beta {
                beta if beta == T::ZERO => y.fill(T::ZERO),
                beta if beta == T::ONE => {}
                beta => y.iter_mut().for_each(|y| *y = beta.mul(*y)),
            }
            let mut k = 0;
            while k + 4 <= x.len() {
                let v: [T; 4] = std::array::from_fn(|j| alpha.mul(x[k + j]));
                let (c0, c1, c2, c3) = (col(k), col(k + 1), col(k + 2), col(k + 3));
                for ((((y, c0), c1), c2), c3) in y.iter_mut().zip(c0).zip(c1).zip(c2).zip(c3) {
                    *y = y.add(c0.mul(v[0]).add(c1.mul(v[1])).add(c2.mul(v[2]).add(c3.mul(v[3]))));
                }
                k += 4;
            }
            for (k, x) in x.iter().enumerate().skip(k) {
                let v = alpha.mul(*x);
                y.iter_mut().zip(col(k)).for_each(|(y, c)| *y = y.add(c.mul(v)));
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(n: usize, step: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * step) % 17) as f64 / 8.0 - 1.0).collect()
    }

    #[test]
    fn shares_of_a_product_are_the_whole() {
        fn check<T: Blas>(m: usize, n: usize, k: usize, turned: bool) {
            let number = |x: f64| T::from_f64(x);
            let mut a: Vec<T> = ramp(m * k, 13).into_iter().map(number).collect();
            let mut b: Vec<T> = ramp(k * n, 7).into_iter().map(number).collect();
            let ma = if turned { Mat::dense(a.as_mut_ptr(), k, m).t() } else { Mat::dense(a.as_mut_ptr(), m, k) };
            let mb = Mat::dense(b.as_mut_ptr(), k, n);
            let product_of = |cut: usize| {
                let mut c = vec![T::ZERO; m * n];
                let mc = Mat::dense(c.as_mut_ptr(), m, n);
                for (first, count) in [(0, cut), (cut, m - cut)] {
                    T::block(T::ONE, ma.row_range(first, count), mb, T::ZERO, mc.row_range(first, count));
                }
                c
            };
            let whole = product_of(m);
            (UNIT..=m - UNIT).step_by(UNIT).for_each(|cut| assert!(product_of(cut) == whole, "{m} {n} {k} {cut}"));
        }
        for (m, n, k) in [(64, 33, 700), (97, 64, 129), (200, 100, 300), (130, 515, 40), (96, 32, 1500)] {
            for turned in [false, true] {
                check::<f64>(m, n, k, turned);
                check::<f32>(m, n, k, turned);
            }
        }
    }

    #[test]
    fn products_equal_plain_loops() {
        for (m, n, k) in [
            (1, 5, 7),
            (6, 1, 40),
            (40, 1, 7),
            (1, 33, 9),
            (3, 3, 3),
            (20, 30, 1),
            (10, 10, 10),
            (7, 19, 5),
            (16, 8, 3),
            (12, 17, 31),
            (33, 29, 47),
            (130, 90, 64),
            (64, 200, 50),
        ] {
            for turned in [false, true] {
                let (mut a, mut b) = (ramp(m * k, 13), ramp(k * n, 7));
                let (mut c, mut d) = (vec![f64::NAN; m * n], vec![0.0; m * n]);
                let mut ma = Mat::dense(a.as_mut_ptr(), m, k);
                if turned {
                    ma = Mat::dense(a.as_mut_ptr(), k, m).t();
                }
                let mb = Mat::dense(b.as_mut_ptr(), k, n);
                for beta in [0.0, 0.5] {
                    product(2.0, ma, mb, beta, Mat::dense(c.as_mut_ptr(), m, n));
                    naive(2.0, ma, mb, beta, Mat::dense(d.as_mut_ptr(), m, n));
                    assert!(c.iter().zip(&d).all(|(x, y)| (x - y).abs() < 1e-10), "{m} {n} {k} {turned} {beta}");
                }
            }
        }
    }
}
