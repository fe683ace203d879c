//! Products of vectors and matrices over strided views.
//!
//! Large products go to the `gemm` crate, one share a thread. How it cuts the sums of an element depends on their length
//! alone, so that results do not depend on the number of threads. Matrix-vector products, very small ones and integers have loops of their own.

use super::reduce::folded;
use super::small_gemm::{self, SmallGemm};
use crate::tensor::access::{Divide, Matrix, MatrixMut, share};
use crate::tensor::dtype::Real;
use crate::tensor::simd::{array, vectorize};
use crate::tensor::threads::shared_out;

/// An element type with products. The default is plain loops.
pub trait Blas: Real + SmallGemm {
    /// `c = alpha a b + beta c` on the calling thread.
    ///
    /// # Panics
    /// Sizes that do not agree.
    fn block(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: MatrixMut<Self>) {
        naive(alpha, a, b, beta, c);
    }
}

macro_rules! blas {
    (int: $($t:ty)*) => { $(impl Blas for $t {})* };
    (float: $($t:ty)*) => { $(impl Blas for $t {
        fn block(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, mut c: MatrixMut<Self>) {
            agree(&a, &b, &c);
            // SAFETY: the sizes agree, all elements of matrices can be reached, and `c` is nobody else's.
            unsafe {
                let (to, x, y) = (c.at(0, 0), a.at(0, 0), b.at(0, 0));
                gemm::gemm(
                    c.rows(), c.cols(), a.cols(), to, c.col_stride(), c.row_stride(), beta != 0.0, x, a.col_stride(),
                    a.row_stride(), y, b.col_stride(), b.row_stride(), beta, alpha, false, false, false,
                    gemm::Parallelism::None,
                );
            }
        }
    })* };
}
blas!(int: u8 i8 i16 i32 i64);
blas!(float: f32 f64);

#[inline(always)]
fn agree<T>(a: &Matrix<T>, b: &Matrix<T>, c: &MatrixMut<T>) {
    let fits = a.rows() == c.rows() && b.cols() == c.cols() && a.cols() == b.rows();
    assert!(
        fits,
        "product of {} x {} and {} x {} into {} x {}",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols(),
        c.rows(),
        c.cols()
    );
}

fn naive<T: Real>(alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, mut c: MatrixMut<T>) {
    for i in 0..c.rows() {
        for j in 0..c.cols() {
            let sum = (0..a.cols()).fold(T::ZERO, |sum, k| sum.add(a.get(i, k).mul(b.get(k, j))));
            store(alpha, sum, beta, c.get_mut(i, j));
        }
    }
}

#[inline(always)]
fn store<T: Real>(alpha: T, sum: T, beta: T, c: &mut T) {
    *c = if beta == T::ZERO { alpha.mul(sum) } else { alpha.mul(sum).add(beta.mul(*c)) };
}

/// `c = alpha a b + beta c`; what `c` holds is ignored where `beta` is 0.
///
/// # Panics
/// Sizes that do not agree: a (m x k), b (k x n), c (m x n).
pub fn product<T: Blas>(alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, mut c: MatrixMut<T>) {
    agree(&a, &b, &c);
    let work = work_of(&a, &c);
    if c.rows() == 0 || c.cols() == 0 {
        return;
    }
    if work == 0 || alpha == T::ZERO {
        return scale(beta, c);
    }
    if c.cols() == 1 {
        return gemv(alpha, a, b, beta, c);
    }
    if c.rows() == 1 {
        return gemv(alpha, b.t(), a.t(), beta, c.t());
    }
    if a.cols() == 1 && b.col_stride() == 1 && c.col_stride() == 1 {
        return outer(alpha, a, b, beta, c);
    }
    if work <= small_gemm::MOST
        && (T::small_gemm(alpha, a, b, beta, c.reborrow())
            || T::small_gemm(alpha, b.t(), a.t(), beta, c.reborrow().t()))
    {
        return;
    }
    if work <= 256 {
        return naive(alpha, a, b, beta, c);
    }
    if work < SHARED {
        return T::block(alpha, a, b, beta, c);
    }
    if c.rows() >= c.cols() {
        by_units(alpha, a, b, beta, c, |_, _| {});
    } else {
        by_units(alpha, b.t(), a.t(), beta, c.t(), |_, _| {});
    }
}

/// `c = a b`, each row of which starts from `bias`. Of a large product each thread writes the bias of its own share, which
/// is in its caches then: lines that another core wrote are dearer than the products on them.
///
/// # Panics
/// Sizes that do not agree: a (m x k), b (k x n), c (m x n), bias (n).
pub fn biased_product<T: Blas>(a: Matrix<T>, b: Matrix<T>, bias: &[T], mut c: MatrixMut<T>) {
    agree(&a, &b, &c);
    assert!(bias.len() == c.cols(), "a bias of {} for {} columns", bias.len(), c.cols());
    if !is_shared(&a, &c) {
        c.each_row(|_, row| row.copy_from_slice(bias));
        return product(T::ONE, a, b, T::ONE, c);
    }
    if c.rows() >= c.cols() {
        by_units(T::ONE, a, b, T::ONE, c, |_, c| c.each_row(|_, row| row.copy_from_slice(bias)));
    } else {
        by_units(T::ONE, b.t(), a.t(), T::ONE, c.t(), |first, c| {
            let bias = &bias[first..][..c.rows()];
            c.reborrow().t().each_row(|_, row| row.copy_from_slice(bias));
        });
    }
}

/// `c = alpha a b + beta c`, and `f(first row, rows)` for all rows of `beside`, of which there are as many as `c` has. Where
/// threads share a product by rows, each does so with its own, whose operands it has just read.
///
/// # Panics
/// Sizes that do not agree.
pub fn product_beside<T: Blas>(
    alpha: T,
    a: Matrix<T>,
    b: Matrix<T>,
    beta: T,
    c: MatrixMut<T>,
    beside: MatrixMut<T>,
    f: impl Fn(usize, MatrixMut<T>) + Sync,
) {
    agree(&a, &b, &c);
    assert!(c.rows() == beside.rows(), "{} rows beside {}", beside.rows(), c.rows());
    if alpha == T::ZERO || c.rows() < c.cols() || !is_shared(&a, &c) {
        product(alpha, a, b, beta, c);
        return f(0, beside);
    }
    let unit = unit(b.cols(), b.rows());
    let cost = unit.saturating_mul(b.cols()).saturating_mul(b.rows());
    share((Units(c, unit), Units(beside, unit)), cost, |first, (Units(c, _), Units(beside, _))| {
        T::block(alpha, a.row_range(first * unit, c.rows()), b, beta, c);
        f(first * unit, beside);
    });
}

/// Whether threads share a product: none of those that have loops of their own.
#[inline(always)]
pub(super) fn is_shared<T: Blas>(a: &Matrix<T>, c: &MatrixMut<T>) -> bool {
    c.rows() > 1 && c.cols() > 1 && a.cols() > 1 && work_of(a, c) >= SHARED
}

/// Multiplications from which on threads share a product.
pub const SHARED: usize = 3 << 17;

fn work_of<T: Blas>(a: &Matrix<T>, c: &MatrixMut<T>) -> usize {
    c.rows().saturating_mul(c.cols()).saturating_mul(a.cols())
}

/// Rows of a large product that stay together, of a result with that many columns and sums of that length: its threads
/// share it in multiples of this. `gemm` has other orders of summation for results of at most 256 elements, and cuts sums
/// of more than 512 in other places below 64 rows; no share may be so small, so that results do not depend on who shares.
pub(super) fn unit(cols: usize, sums: usize) -> usize {
    let least = if sums <= 512 { 32 } else { 96 };
    least.max((256 / cols.max(1) + 1).next_multiple_of(16))
}

/// A matrix in units of rows. The last share takes what is left over, so that none is smaller than a unit.
struct Units<'a, T>(MatrixMut<'a, T>, usize);

impl<T: Send> Divide for Units<'_, T> {
    fn items(&self) -> usize {
        (self.0.rows() / self.1).max(1)
    }
    fn cut(self, n: usize) -> (Self, Self) {
        let (a, b) = self.0.cut(n * self.1);
        (Units(a, self.1), Units(b, self.1))
    }
}

/// The product by shares of rows; `start(first row, rows of c)` is called for each before its product is.
fn by_units<T: Blas>(
    alpha: T,
    a: Matrix<T>,
    b: Matrix<T>,
    beta: T,
    c: MatrixMut<T>,
    start: impl Fn(usize, &mut MatrixMut<T>) + Sync,
) {
    let unit = unit(b.cols(), b.rows());
    let cost = unit.saturating_mul(b.cols()).saturating_mul(b.rows());
    share(Units(c, unit), cost, |first, Units(mut c, _)| {
        start(first * unit, &mut c);
        T::block(alpha, a.row_range(first * unit, c.rows()), b, beta, c);
    });
}

fn scale<T: Real>(beta: T, mut c: MatrixMut<T>) {
    for i in 0..c.rows() {
        for j in 0..c.cols() {
            store(T::ZERO, T::ZERO, beta, c.get_mut(i, j));
        }
    }
}

/// Elements of an outer product that are there sooner than a loop for wide registers has been entered.
const AT_ONCE: usize = 256;

/// `c = alpha a b + beta c` of a column and a row: what a single sample adds to the gradient of weights.
fn outer<T: Blas>(alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, c: MatrixMut<T>) {
    let Some(b) = b.row(0) else { return naive(alpha, a, b, beta, c) };
    if c.rows() * b.len() < AT_ONCE {
        return outer_rows(alpha, a, b, beta, c);
    }
    share(c, b.len(), |first, c| {
        let a = a.row_range(first, c.rows());
        vectorize(
            #[inline(always)]
            move || outer_rows(alpha, a, b, beta, c),
        );
    });
}

#[inline(always)]
fn outer_rows<T: Blas>(alpha: T, a: Matrix<T>, b: &[T], beta: T, mut c: MatrixMut<T>) {
    for i in 0..c.rows() {
        let v = alpha.mul(a.get(i, 0));
        let Some(c) = c.row_mut(i) else { continue };
        let both = c.iter_mut().zip(b);
        if beta == T::ONE {
            both.for_each(|(c, b)| *c = c.add(v.mul(*b)));
        } else if beta == T::ZERO {
            both.for_each(|(c, b)| *c = v.mul(*b));
        } else {
            both.for_each(|(c, b)| *c = beta.mul(*c).add(v.mul(*b)));
        }
    }
}

/// `y = alpha a x + beta y`, where `x` and `y` are columns.
fn gemv<T: Blas>(alpha: T, a: Matrix<T>, x: Matrix<T>, beta: T, y: MatrixMut<T>) {
    let packed: Vec<T>;
    let x = match x.t().row(0) {
        Some(row) => row,
        None => {
            packed = (0..a.cols()).map(|k| x.get(k, 0)).collect();
            &packed[..]
        }
    };
    if !shared_out(y.rows(), a.cols()) {
        return gemv_rows(alpha, a, x, beta, y);
    }
    share(y, a.cols(), |first, y| gemv_rows(alpha, a.row_range(first, y.rows()), x, beta, y));
}

/// As [`gemv`], of a column without gaps, on the calling thread.
fn gemv_rows<T: Blas>(alpha: T, a: Matrix<T>, x: &[T], beta: T, mut y: MatrixMut<T>) {
    let columns = a.row_stride() == 1 && a.col_stride() != 1 && y.rows() >= 8;
    match y.reborrow().t().row_mut(0).filter(|_| columns) {
        Some(y) => by_columns(alpha, a, x, beta, y),
        None => by_rows(alpha, a, x, beta, y),
    }
}

/// Rows of a transposed matrix below which the sums of all grow together in registers.
const FEW: usize = 8;

fn by_rows<T: Real>(alpha: T, a: Matrix<T>, x: &[T], beta: T, mut y: MatrixMut<T>) {
    let together = a.row_stride() == 1 && a.col_stride() != 1 && a.rows() < FEW;
    let mut i = 0;
    while together && i < a.rows() {
        let rows = |n| a.row_range(i, n).t();
        i += match a.rows() - i {
            4.. => few::<T, 4>(alpha, rows(4), x, beta, y.reborrow().row_range(i, 4)),
            2.. => few::<T, 2>(alpha, rows(2), x, beta, y.reborrow().row_range(i, 2)),
            _ => few::<T, 1>(alpha, rows(1), x, beta, y.reborrow().row_range(i, 1)),
        };
    }
    while x.len() < lanes::<T>() && i + 4 <= a.rows() {
        let some: [&[T]; 4] = array(&[], |j| a.row(i + j).and_then(|row| row.get(..x.len())).unwrap_or_default());
        let Some(sums) = dots(some, x) else { break };
        for (j, sum) in sums.into_iter().enumerate() {
            store(alpha, sum, beta, y.get_mut(i + j, 0));
        }
        i += 4;
    }
    for i in i..a.rows() {
        let sum = match a.row(i) {
            Some(row) if row.len() < lanes::<T>() => row.iter().zip(x).fold(T::ZERO, |sum, (a, x)| sum.add(a.mul(*x))),
            Some(row) => dot(row, x),
            None => x.iter().enumerate().fold(T::ZERO, |sum, (k, &v)| sum.add(a.get(i, k).mul(v))),
        };
        store(alpha, sum, beta, y.get_mut(i, 0));
    }
}

/// The products of `x` with the `N` columns of `a` (k x `N`, its rows without gaps) into `y` (`N` x 1); returns `N`.
fn few<T: Real, const N: usize>(alpha: T, a: Matrix<T>, x: &[T], beta: T, mut y: MatrixMut<T>) -> usize {
    let mut sums = [T::ZERO; N];
    for (k, v) in x.iter().enumerate() {
        let Some(row) = a.row(k).and_then(|row| row.first_chunk::<N>()) else { break };
        for j in 0..N {
            sums[j] = sums[j].add(row[j].mul(*v));
        }
    }
    sums.into_iter().enumerate().for_each(|(j, sum)| store(alpha, sum, beta, y.get_mut(j, 0)));
    N
}

/// The products of `x`, of fewer elements than there are [`lanes`], with some rows of as many; nothing for rows of other
/// lengths. Each is the one that [`dot`] gives, and none waits for another.
#[inline(always)]
fn dots<T: Real, const N: usize>(rows: [&[T]; N], x: &[T]) -> Option<[T; N]> {
    if rows.iter().any(|row| row.len() != x.len()) {
        return None;
    }
    let mut sums = [T::ZERO; N];
    for (k, v) in x.iter().enumerate() {
        for j in 0..N {
            sums[j] = sums[j].add(rows[j][k].mul(*v));
        }
    }
    Some(sums)
}

/// How many sums [`dot`] has side by side; shorter vectors have one. 128 bytes are enough additions under way at every level
/// of vectors.
const fn lanes<T>() -> usize {
    if size_of::<T>() <= 4 { 32 } else { 16 }
}

/// The sum of the products of elements, in many sums side by side: faster than one, and less is lost to rounding.
#[inline(always)]
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    if lanes::<T>() == 32 { dot_in::<T, 32>(a, b) } else { dot_in::<T, 16>(a, b) }
}

/// The sum of elements, as [`dot`] has its sums.
pub fn total<T: Real>(x: &[T]) -> T {
    const LANES: usize = 32;
    let (x, rest) = x.as_chunks::<LANES>();
    let rest = rest.iter().fold(T::ZERO, |sum, v| sum.add(*v));
    if x.is_empty() {
        return rest;
    }
    vectorize(
        #[inline(always)]
        move || {
            let mut sums = [T::ZERO; LANES];
            for x in x {
                for l in 0..LANES {
                    sums[l] = sums[l].add(x[l]);
                }
            }
            folded(sums, T::add).add(rest)
        },
    )
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
fn by_columns<T: Real>(alpha: T, a: Matrix<T>, x: &[T], beta: T, y: &mut [T]) {
    let columns = a.t();
    let col = |k: usize| columns.row(k).unwrap_or_default();
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
    fn a_bias_is_what_a_sum_starts_from() {
        for (m, n, k) in [(1, 9, 4), (5, 1, 3), (3, 4, 1), (7, 9, 11), (40, 300, 60), (300, 40, 60), (200, 200, 1)] {
            let (a, b, bias) = (ramp(m * k, 13), ramp(k * n, 7), ramp(n, 5));
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            let mut expected: Vec<f64> = bias.repeat(m);
            product(1.0, a, b, 1.0, MatrixMut::new(&mut expected, m, n));
            let mut c = vec![f64::NAN; m * n];
            biased_product(a, b, &bias, MatrixMut::new(&mut c, m, n));
            assert_eq!(c, expected, "{m} x {k} x {n}");
        }
    }

    #[test]
    fn products_with_a_vector_are_those_of_its_rows() {
        fn check<T: Blas>() {
            let numbers = |n, step| ramp(n, step).into_iter().map(|v| T::from_f64(v / 3.0)).collect::<Vec<T>>();
            for (m, k) in (1..10).flat_map(|m| (1..36).map(move |k| (m, k))) {
                // with gaps between the rows
                let (a, x) = (numbers(m * (k + 1), 13), numbers(k, 7));
                let a = Matrix::strided(&a, m, k, k as isize + 1, 1);
                let mut y = vec![T::ONE; m];
                product(T::ONE, a, Matrix::new(&x, k, 1), T::ONE, MatrixMut::new(&mut y, m, 1));
                for (i, y) in y.into_iter().enumerate() {
                    let sum = dot(a.row(i).unwrap(), &x);
                    assert!(y == sum.add(T::ONE), "row {i} of {m} x {k}");
                }
            }
        }
        check::<f64>();
        check::<f32>();
        check::<i32>();
    }

    #[test]
    fn shares_of_a_product_are_the_whole() {
        fn check<T: Blas>(m: usize, n: usize, k: usize, (turned, b_turned): (bool, bool)) {
            let number = |x: f64| T::from_f64(x);
            let a: Vec<T> = ramp(m * k, 13).into_iter().map(number).collect();
            let b: Vec<T> = ramp(k * n, 7).into_iter().map(number).collect();
            let ma = if turned { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
            let mb = if b_turned { Matrix::new(&b, n, k).t() } else { Matrix::new(&b, k, n) };
            let product_of = |cut: usize| {
                let mut c = vec![T::ZERO; m * n];
                for (first, count) in [(0, cut), (cut, m - cut)] {
                    let part = MatrixMut::new(&mut c, m, n).row_range(first, count);
                    T::block(T::ONE, ma.row_range(first, count), mb, T::ZERO, part);
                }
                c
            };
            let (whole, unit) = (product_of(m), unit(n, k));
            (unit..=m - unit).step_by(unit).for_each(|cut| assert!(product_of(cut) == whole, "{m} {n} {k} {cut}"));
        }
        const LONG: [(usize, usize, usize); 5] =
            [(192, 33, 700), (196, 32, 1500), (300, 2, 4000), (400, 5, 513), (300, 9, 600)];
        const SHORT: [(usize, usize, usize); 7] = [
            (197, 64, 129),
            (300, 100, 300),
            (230, 515, 40),
            (128, 50, 512),
            (512, 50, 65),
            (600, 2, 500),
            (700, 7, 300),
        ];
        for (m, n, k) in LONG.into_iter().chain(SHORT) {
            for turned in [(false, false), (true, false), (false, true), (true, true)] {
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
                let (a, b) = (ramp(m * k, 13), ramp(k * n, 7));
                let (mut c, mut d) = (vec![f64::NAN; m * n], vec![0.0; m * n]);
                let ma = if turned { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
                let mb = Matrix::new(&b, k, n);
                for beta in [0.0, 0.5] {
                    product(2.0, ma, mb, beta, MatrixMut::new(&mut c, m, n));
                    naive(2.0, ma, mb, beta, MatrixMut::new(&mut d, m, n));
                    assert!(c.iter().zip(&d).all(|(x, y)| (x - y).abs() < 1e-10), "{m} {n} {k} {turned} {beta}");
                }
            }
        }
    }
}
