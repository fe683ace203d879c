//! Layer normalization: each vector without its mean, by its length, then scaled and shifted element by element; input (D)
//! or (N x D). Ba, Kiros and Hinton, Layer normalization, 2016.
//!
//! As Torch7 does it, where the means of a batch go around: element k of the batch, counted over all of it, loses the mean
//! of vector k modulo N.

use crate::nn::vectors::sum_of;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;

/// A batch of vectors, and what it is normalized with.
struct Batch<T> {
    x: Source<T>,
    rows: usize,
    features: usize,
    /// The means as they go around, as many as a vector needs from any of them on.
    means: Workspace<T>,
    eps: T,
    by: T,
}

impl<T: Float> Batch<T> {
    fn of(input: &Tensor, [eps, by]: [f64; 2]) -> Result<Batch<T>> {
        check::ranks("input", input, 1..=2)?;
        check::has_elements("input", input)?;
        let (rows, features) = (if input.ndim() == 2 { input.size(0) } else { 1 }, input.size(input.ndim() - 1));
        let x = Source::<T>::of(input)?;
        let mut means = Workspace::new(rows + features)?;
        let count = T::from_f64(features as f64);
        share_rows(&mut means[..rows], 1, features, |first, part| {
            for (n, mean) in (first..).zip(part) {
                let row = &x[n * features..][..features];
                let sum = vectorize(
                    #[inline(always)]
                    || sum_of([row], |[x]| x),
                );
                *mean = sum.over(count);
            }
        });
        (0..features).for_each(|k| means[rows + k] = means[k]);
        Ok(Batch { x, rows, features, means, eps: T::from_f64(eps), by: T::from_f64(by) })
    }

    /// A vector, and what its elements lose.
    fn row(&self, n: usize) -> [&[T]; 2] {
        let at = n * self.features;
        [&self.x[at..][..self.features], &self.means[at % self.rows..][..self.features]]
    }

    /// The length of a vector without the means.
    #[inline(always)]
    fn length(&self, row: [&[T]; 2]) -> T {
        let squares = sum_of(row, |[x, mean]| {
            let d = x.sub(mean);
            d.mul(d)
        });
        squares.add(self.eps).root()
    }
}

/// Normalizes vectors: `(x - mean) / sqrt(sum of (x - mean)^2 + eps) by`, times `scale` plus `shift` (D each) where they
/// are there.
///
/// # Errors
/// Sizes that do not fit.
pub fn layer<T: Float>(
    input: &Tensor,
    output: &Tensor,
    eps: f64,
    by: f64,
    scale: Option<&Tensor>,
    shift: Option<&Tensor>,
) -> Result<()> {
    let batch = Batch::<T>::of(input, [eps, by])?;
    let vector = |what: &str, v: Option<&Tensor>| {
        v.map(|v| check::count(what, v, batch.features).and_then(|()| Source::<T>::of(v))).transpose()
    };
    let (scale, shift) = (vector("weight", scale)?, vector("bias", shift)?);
    let mut y = Dest::<T>::like(output, input)?;
    share_rows(&mut y, batch.features, batch.features * 6, |first, rows| {
        for (n, y) in (first..).zip(rows.chunks_mut(batch.features)) {
            let [x, means] = batch.row(n);
            vectorize(
                #[inline(always)]
                || {
                    let length = batch.length([x, means]);
                    let all = y.iter_mut().zip(x.iter().zip(means));
                    all.for_each(|(y, (x, mean))| *y = x.sub(*mean).over(length).mul(batch.by));
                    if let Some(scale) = &scale {
                        y.iter_mut().zip(scale.iter()).for_each(|(y, s)| *y = y.mul(*s));
                    }
                    if let Some(shift) = &shift {
                        y.iter_mut().zip(shift.iter()).for_each(|(y, s)| *y = y.add(*s));
                    }
                },
            );
        }
    });
    Ok(())
}

/// The gradient of the input of [`layer`].
///
/// # Errors
/// Sizes that do not fit.
pub fn layer_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    eps: f64,
    by: f64,
    scale: Option<&Tensor>,
) -> Result<()> {
    let batch = Batch::<T>::of(input, [eps, by])?;
    check::same_size("gradOutput", grad_output, "input", input)?;
    if let Some(scale) = scale {
        check::count("weight", scale, batch.features)?;
    }
    let scale = scale.map(Source::<T>::of).transpose()?;
    let g = Source::<T>::of(grad_output)?;
    let mut r = Dest::<T>::like(grad_input, input)?;
    // the gradient of what has lost the means
    share_rows(&mut r, batch.features, batch.features * 8, |first, rows| {
        for (n, r) in (first..).zip(rows.chunks_mut(batch.features)) {
            let ([x, means], g) = (batch.row(n), &g[n * batch.features..][..batch.features]);
            vectorize(
                #[inline(always)]
                || {
                    let length = batch.length([x, means]);
                    r.iter_mut().zip(g).for_each(|(r, g)| *r = g.mul(batch.by));
                    if let Some(scale) = &scale {
                        r.iter_mut().zip(scale.iter()).for_each(|(r, s)| *r = r.mul(*s));
                    }
                    let product = sum_of([r, x, means], |[g, x, mean]| x.sub(mean).mul(g));
                    let along = product.over(length.mul(length));
                    let all = r.iter_mut().zip(x.iter().zip(means));
                    all.for_each(|(r, (x, mean))| *r = r.sub(x.sub(*mean).mul(along)).over(length));
                },
            );
        }
    });
    // and of the means
    let mut sums = Workspace::<T>::zeros(batch.rows)?;
    share_rows(&mut sums, 1, batch.features, |first, part| {
        vectorize(
            #[inline(always)]
            || {
                for round in r.chunks_exact(batch.rows) {
                    part.iter_mut().zip(&round[first..]).for_each(|(sum, r)| *sum = sum.add(*r));
                }
            },
        );
    });
    let count = T::from_f64(batch.features as f64);
    share_rows(&mut r, batch.features, batch.features, |first, rows| {
        for (r, sum) in rows.chunks_mut(batch.features).zip(&sums[first..]) {
            let lost = sum.over(count);
            r.iter_mut().for_each(|r| *r = r.sub(lost));
        }
    });
    Ok(())
}

/// Adds `factor` times the gradients of scale and shift, (D) each.
///
/// # Errors
/// Sizes that do not fit.
pub fn layer_acc_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    factor: T,
    grad_scale: &Tensor,
    grad_shift: &Tensor,
    eps: f64,
    by: f64,
) -> Result<()> {
    let batch = Batch::<T>::of(input, [eps, by])?;
    check::same_size("gradOutput", grad_output, "input", input)?;
    check::count("gradWeight", grad_scale, batch.features)?;
    check::count("gradBias", grad_shift, batch.features)?;
    let g = Source::<T>::of(grad_output)?;
    let mut lengths = Workspace::<T>::new(batch.rows)?;
    share_rows(&mut lengths, 1, batch.features * 2, |first, part| {
        for (n, length) in (first..).zip(part) {
            *length = vectorize(
                #[inline(always)]
                || batch.length(batch.row(n)),
            );
        }
    });
    // the sums of all rows, in their order
    let mut sums = Workspace::<T>::zeros(batch.features * 2)?;
    let (to_scale, to_shift) = sums.split_at_mut(batch.features);
    share((Rows::new(to_scale, 1), Rows::new(to_shift, 1)), batch.rows * 3, |first, (to_scale, to_shift)| {
        let (to_scale, to_shift) = (to_scale.into_slice(), to_shift.into_slice());
        vectorize(
            #[inline(always)]
            || {
                for (n, &length) in lengths.iter().enumerate() {
                    let row = batch.row(n).map(|v| &v[first..]);
                    let values = row[0].iter().zip(row[1]).zip(&g[n * batch.features + first..]);
                    let sums = to_scale.iter_mut().zip(to_shift.iter_mut());
                    for ((to_scale, to_shift), ((x, mean), g)) in sums.zip(values) {
                        let normal = x.sub(*mean).over(length).mul(batch.by);
                        *to_scale = to_scale.add(normal.mul(*g));
                        *to_shift = to_shift.add(*g);
                    }
                }
            },
        );
    });
    for (to, sums) in [grad_scale, grad_shift].into_iter().zip(sums.chunks_exact(batch.features)) {
        let mut r = Dest::<T>::update(to)?;
        r.iter_mut().zip(sums).for_each(|(r, sum)| *r = r.add(factor.mul(*sum)));
    }
    Ok(())
}
