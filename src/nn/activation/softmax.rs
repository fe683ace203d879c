//! SoftMax, SoftMin and LogSoftMax: over dimension 1 of 1D and 3D inputs, over dimension 2 of 2D and 4D inputs.

use crate::demand;
use crate::nn::vectors::{LANES, sums_of};
use crate::tensor::Tensor;
use crate::tensor::access::{Blocks, Dest, Matrix, MatrixMut, Source, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize_maths_on;
use crate::tensor::vmath::{Arith, Fused, Plain, VectorMath};

/// How the values that are normalised together lie: `n` of them `step` apart, in blocks of `step` groups.
#[derive(Clone, Copy)]
struct Groups {
    n: usize,
    step: usize,
}

fn groups(x: &Tensor) -> Result<Groups> {
    demand!((1..=4).contains(&x.ndim()), "1D, 2D, 3D or 4D tensor expected, got {}", x.shape_text());
    let d = (x.ndim() + 1) % 2;
    let l = x.layout();
    Ok(Groups { n: l.sizes()[d], step: l.sizes()[d + 1..].iter().product() })
}

/// Which of the family.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Max,
    Min,
    LogMax,
}

impl Kind {
    /// What the input is multiplied with.
    fn sign<T: Float>(self) -> T {
        if self == Kind::Min { T::ONE.neg() } else { T::ONE }
    }
}

/// Forward of all: `output` of the input's size.
///
/// # Errors
/// A number of dimensions other than 1 to 4.
fn normalise<T: Float>(input: &Tensor, output: &Tensor, kind: Kind) -> Result<()> {
    let g = groups(input)?;
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::like(output, input)?;
    if g.step == 1 {
        share_rows(&mut y, g.n, g.n * 16, |first, y| {
            let x = &x[first * g.n..][..y.len()];
            vectorize_maths_on(
                y,
                #[inline(always)]
                |y| normalise_rows(Plain, x, y, g.n, kind),
                #[inline(always)]
                |y| normalise_rows(Fused, x, y, g.n, kind),
            );
        });
        return Ok(());
    }
    g.each_block(&mut y, |block, first, y| {
        let x = Matrix::new(&x[block * g.n * g.step..], g.n, g.step).col_range(first, y.cols());
        vectorize_maths_on(
            y,
            #[inline(always)]
            |y| normalise_columns(Plain, x, y, kind),
            #[inline(always)]
            |y| normalise_columns(Fused, x, y, kind),
        );
    });
    Ok(())
}

/// A value less the logarithm of a sum, which is rounded once: among many classes both are large, and differ little.
#[inline(always)]
fn less<T: Float>(x: T, log_sum: f64) -> T {
    T::from_f64(x.to_f64() - log_sum)
}

/// Columns that are done together: their maxima and sums stay in cache.
const WIDTH: usize = 64;

impl Groups {
    /// Calls `f(block, first column, columns)` for at most [`WIDTH`] columns of each block of n x step elements.
    fn each_block<T: Float>(&self, y: &mut [T], f: impl Fn(usize, usize, MatrixMut<T>) + Sync) {
        for (block, y) in y.chunks_mut((self.n * self.step).max(1)).enumerate() {
            let columns = Blocks::new(MatrixMut::new(y, self.n, self.step).t(), WIDTH);
            share(columns, self.n * WIDTH * 16, |first, part| {
                part.for_each(first, |at, y| f(block, at, y.t()));
            });
        }
    }
}

/// [`normalise`] of the columns of matrices with rows of at most [`WIDTH`] elements.
#[inline(always)]
fn normalise_columns<T: Float, M: Arith>(m: M, x: Matrix<T>, mut y: MatrixMut<T>, kind: Kind) {
    let (log, sign) = (kind == Kind::LogMax, kind.sign::<T>());
    let (mut tops, mut sums) = ([T::LOWEST; WIDTH], [0.0; WIDTH]);
    let rows = || (0..x.rows()).filter_map(move |i| x.row(i));
    for x in rows() {
        tops.iter_mut().zip(x).for_each(|(top, &v)| {
            let v = v.mul(sign);
            *top = if v > *top { v } else { *top };
        });
    }
    for (i, x) in rows().enumerate() {
        let Some(y) = y.row_mut(i) else { return };
        for (((y, &x), &top), sum) in y.iter_mut().zip(x).zip(&tops).zip(&mut sums) {
            *y = x.mul(sign).sub(top).vexp(m);
            *sum += y.to_f64();
        }
    }
    for (sum, &top) in sums.iter_mut().zip(&tops) {
        *sum = if log { top.to_f64() + f64::ln(*sum) } else { 1.0 / *sum };
    }
    for (i, x) in rows().enumerate() {
        let Some(y) = y.row_mut(i) else { return };
        for ((y, &x), &last) in y.iter_mut().zip(x).zip(&sums) {
            *y = if log { less(x.mul(sign), last) } else { y.mul(T::from_f64(last)) };
        }
    }
}

/// Elements whose exponentials are computed in one loop: rows are often short, and what is left over behind the last whole
/// vector of a loop takes as long as many vectors.
const BLOCK: usize = 1024;

/// The rows of `n` elements that go into a block, as elements.
fn block_of(n: usize) -> usize {
    n * (BLOCK / n.max(1)).max(1)
}

/// The largest of a row.
#[inline(always)]
fn largest<T: Float>(row: &[T], sign: T) -> T {
    let larger = |m: T, v: T| if v > m { v } else { m };
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut top = T::LOWEST;
    if !whole.is_empty() {
        let mut tops = [T::LOWEST; LANES];
        for x in whole {
            tops.iter_mut().zip(x).for_each(|(top, &v)| *top = larger(*top, v.mul(sign)));
        }
        for half in [LANES / 2, LANES / 4, LANES / 8, LANES / 16] {
            (0..half).for_each(|l| tops[l] = larger(tops[l], tops[l + half]));
        }
        top = tops[0];
    }
    rest.iter().fold(top, |m, v| larger(m, v.mul(sign)))
}

/// The sum of what `f` makes of the values at each place of a row.
#[inline(always)]
fn sum_of_row<T: Float, const K: usize>(row: [&[T]; K], f: impl Fn([f64; K]) -> f64 + Copy) -> f64 {
    let n = row[0].len();
    if n >= LANES {
        let [sum] = sums_of(row, |v| [f(v)]);
        return sum;
    }
    // fewer than there are running sums
    (0..n).map(|i| f(std::array::from_fn(|k| row[k][i].to_f64()))).fold(0.0, |sum, v| sum + v)
}

/// From so many values on, a row is a loop of its own.
const LONG: usize = 256;

/// [`normalise`] of rows of `n` values. The result holds the exponentials meanwhile.
#[inline(always)]
fn normalise_rows<T: Float, M: Arith>(m: M, x: &[T], y: &mut [T], n: usize, kind: Kind) {
    let (log, sign) = (kind == Kind::LogMax, kind.sign::<T>());
    let block = block_of(n);
    // the largest values of a block's rows, and their sums; as many rows as there may be
    let (mut tops, mut sums) = ([T::ZERO; BLOCK], [0.0; BLOCK]);
    for (x, y) in x.chunks(block).zip(y.chunks_mut(block)) {
        let count = y.len() / n;
        for ((x, y), top) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).zip(&mut tops) {
            *top = largest(x, sign);
            if n < LONG {
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x.mul(sign).sub(*top));
            } else {
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x.mul(sign).sub(*top).vexp(m));
            }
        }
        if n < LONG {
            y.iter_mut().for_each(|y| *y = y.vexp(m));
        }
        y.chunks_exact(n).zip(&mut sums).for_each(|(y, sum)| *sum = sum_of_row([y], |[v]| v));
        for (sum, top) in sums[..count].iter_mut().zip(&tops) {
            *sum = if log { top.to_f64() + sum.vlog(m) } else { 1.0 / *sum };
        }
        for ((x, y), &last) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).zip(&sums) {
            if log {
                y.iter_mut().zip(x).for_each(|(y, x)| *y = less(x.mul(sign), last));
            } else {
                let last = T::from_f64(last);
                y.iter_mut().for_each(|y| *y = y.mul(last));
            }
        }
    }
}

/// The gradient of one value, where there is no logarithm: from gradOutput, output, and the group's sum.
#[inline(always)]
fn plain_slope<T: Float>(kind: Kind, d: T, v: T, sum: T) -> T {
    v.mul(d.sub(sum)).mul(kind.sign::<T>())
}

/// The gradient of one value.
#[inline(always)]
fn slope<T: Float, M: Arith>(m: M, kind: Kind, d: T, v: T, sum: T) -> T {
    if kind == Kind::LogMax { d.sub(v.vexp(m).mul(sum)) } else { plain_slope(kind, d, v, sum) }
}

/// What a value adds to the sum of its group.
#[inline(always)]
fn weigh<T: Float>(kind: Kind, d: T, v: T) -> f64 {
    if kind == Kind::LogMax { d.to_f64() } else { d.to_f64() * v.to_f64() }
}

fn backward<T: Float>(grad_output: &Tensor, grad_input: &Tensor, output: &Tensor, kind: Kind) -> Result<()> {
    demand!(output.numel() > 0, "forward comes before backward: there is no output yet");
    check::sizes("gradOutput", grad_output, output.layout().sizes())?;
    let g = groups(output)?;
    let (go, y) = (Source::<T>::of(grad_output)?, Source::<T>::of(output)?);
    let mut r = Dest::<T>::like(grad_input, output)?;
    if g.step == 1 {
        share_rows(&mut r, g.n, g.n * 16, |first, r| {
            let (go, y) = (&go[first * g.n..][..r.len()], &y[first * g.n..][..r.len()]);
            vectorize_maths_on(
                r,
                #[inline(always)]
                |r| backward_rows(Plain, r, go, y, g.n, kind),
                #[inline(always)]
                |r| backward_rows(Fused, r, go, y, g.n, kind),
            );
        });
        return Ok(());
    }
    g.each_block(&mut r, |block, first, r| {
        let columns = |all| Matrix::new(all, g.n, g.step).col_range(first, r.cols());
        let (go, y) = (columns(&go[block * g.n * g.step..]), columns(&y[block * g.n * g.step..]));
        vectorize_maths_on(
            r,
            #[inline(always)]
            |r| backward_columns(Plain, r, go, y, kind),
            #[inline(always)]
            |r| backward_columns(Fused, r, go, y, kind),
        );
    });
    Ok(())
}

/// [`backward`] of rows of `n` values.
#[inline(always)]
fn backward_rows<T: Float, M: Arith>(m: M, r: &mut [T], go: &[T], y: &[T], n: usize, kind: Kind) {
    let block = block_of(n);
    for ((r, go), y) in r.chunks_mut(block).zip(go.chunks(block)).zip(y.chunks(block)) {
        if kind == Kind::LogMax {
            r.iter_mut().zip(y).for_each(|(r, y)| *r = y.vexp(m));
        }
        for ((r, go), y) in r.chunks_exact_mut(n).zip(go.chunks_exact(n)).zip(y.chunks_exact(n)) {
            if kind == Kind::LogMax {
                let sum = T::from_f64(sum_of_row([go], |[d]| d));
                r.iter_mut().zip(go).for_each(|(r, &d)| *r = d.sub(r.mul(sum)));
            } else {
                let sum = T::from_f64(sum_of_row([go, y], |[d, v]| d * v));
                r.iter_mut().zip(go.iter().zip(y)).for_each(|(r, (&d, &v))| *r = plain_slope(kind, d, v, sum));
            }
        }
    }
}

/// [`backward`] of the columns of matrices with rows of at most [`WIDTH`] elements.
#[inline(always)]
fn backward_columns<T: Float, M: Arith>(m: M, mut r: MatrixMut<T>, go: Matrix<T>, y: Matrix<T>, kind: Kind) {
    let mut sums = [0.0; WIDTH];
    let rows = || (0..go.rows()).filter_map(move |i| go.row(i).zip(y.row(i)));
    for (go, y) in rows() {
        sums.iter_mut().zip(go).zip(y).for_each(|((sum, &d), &v)| *sum += weigh(kind, d, v));
    }
    for (i, (go, y)) in rows().enumerate() {
        let Some(r) = r.row_mut(i) else { return };
        for (((r, &d), &v), &sum) in r.iter_mut().zip(go).zip(y).zip(&sums) {
            *r = slope(m, kind, d, v, T::from_f64(sum));
        }
    }
}

/// One line per class: its kernels.
macro_rules! family {
    ($($class:literal $name:ident $grad:ident $kind:ident;)*) => { $(
        #[doc = concat!("Forward of ", $class, ".\n\n# Errors\nA number of dimensions other than 1 to 4.")]
        pub fn $name<T: Float>(input: &Tensor, output: &Tensor) -> Result<()> {
            normalise::<T>(input, output, Kind::$kind)
        }
        #[doc = concat!("Backward of ", $class, ", from its output.\n\n# Errors\nSizes that differ.")]
        pub fn $grad<T: Float>(_input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, output: &Tensor) -> Result<()> {
            backward::<T>(grad_output, grad_input, output, Kind::$kind)
        }
    )* };
}
family! {
    "nn.SoftMax" softmax softmax_grad Max;
    "nn.SoftMin" softmin softmin_grad Min;
    "nn.LogSoftMax" log_softmax log_softmax_grad LogMax;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::dtype::DType;

    #[test]
    fn a_transposed_matrix_is_normalised_by_rows() {
        let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        x.resize(&[2, 3]).unwrap();
        let xt = x.transpose(0, 1).unwrap();
        let y = Tensor::empty(DType::Double);
        softmax::<f64>(&xt, &y).unwrap();
        let v = y.to_vec::<f64>().unwrap();
        let want = 1.0 / (1.0 + 3f64.exp());
        assert!(v.chunks(2).all(|r| (r[0] - want).abs() < 1e-12 && (r[0] + r[1] - 1.0).abs() < 1e-12));
    }
}
