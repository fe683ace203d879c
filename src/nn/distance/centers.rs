//! From vectors, (D) or (N x D), to the columns of a weight, (D x M), which are centers.

use crate::demand;
use crate::nn::vectors::sum_of;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, Workspace, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;

/// Samples, features and centers, and the scale of each feature for each center, if there is one.
struct Centers<T> {
    x: Source<T>,
    weight: Source<T>,
    scale: Option<Source<T>>,
    rows: usize,
    features: usize,
    centers: usize,
}

impl<T: Float> Centers<T> {
    fn of(input: &Tensor, weight: &Tensor, scale: Option<&Tensor>) -> Result<Centers<T>> {
        check::ranks("input", input, 1..=2)?;
        check::rank("weight", weight, 2)?;
        let (features, centers) = (weight.size(0), weight.size(1));
        let got = input.size(input.ndim() - 1);
        demand!(got == features, "samples of {features} features expected as input, got {}", input.shape_text());
        if let Some(scale) = scale {
            check::sizes("diagCov", scale, &[features, centers])?;
        }
        let rows = if input.ndim() == 2 { input.size(0) } else { 1 };
        let scale = scale.map(Source::of).transpose()?;
        Ok(Centers { x: Source::of(input)?, weight: Source::of(weight)?, scale, rows, features, centers })
    }

    /// The weights of a feature, and its scales.
    fn feature(&self, i: usize) -> (&[T], Option<&[T]>) {
        let row = i * self.centers..(i + 1) * self.centers;
        (&self.weight[row.clone()], self.scale.as_ref().map(|s| &s[row]))
    }

    /// The sizes of the output: (M) for a vector, (N x M) for a batch.
    fn output(&self, input: &Tensor) -> Vec<usize> {
        if input.ndim() == 2 { vec![self.rows, self.centers] } else { vec![self.centers] }
    }

    fn cost(&self) -> usize {
        self.features.saturating_mul(self.centers)
    }

    /// The gradient of each distance by the distance.
    fn slopes(&self, input: &Tensor, grad_output: &Tensor, output: &Tensor) -> Result<Workspace<T>> {
        check::sizes("gradOutput", grad_output, &self.output(input))?;
        demand!(output.same_size(grad_output), "forward comes before backward, with the same input");
        let (g, y) = (Source::<T>::of(grad_output)?, Source::<T>::of(output)?);
        let mut slopes = Workspace::new(g.len())?;
        let all = slopes.iter_mut().zip(g.iter().zip(y.iter()));
        all.for_each(|(slope, (&g, &y))| *slope = g.over(y.add(T::from_f64(1e-7))));
        Ok(slopes)
    }
}

/// The distances from samples to centers; with `scale` (D x M), features are scaled before.
///
/// # Errors
/// Sizes that do not fit.
pub fn euclidean<T: Float>(input: &Tensor, output: &Tensor, weight: &Tensor, scale: Option<&Tensor>) -> Result<()> {
    let c = Centers::<T>::of(input, weight, scale)?;
    let mut y = Dest::<T>::new(output, &c.output(input))?;
    share_rows(&mut y, c.centers, c.cost(), |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (n, row) in (first..).zip(rows.chunks_mut(c.centers)) {
                    row.fill(T::ZERO);
                    for (i, &x) in c.x[n * c.features..][..c.features].iter().enumerate() {
                        let add = |sum: &mut T, d: T| *sum = sum.add(d.mul(d));
                        match c.feature(i) {
                            (weights, None) => row.iter_mut().zip(weights).for_each(|(sum, &w)| add(sum, w.sub(x))),
                            (weights, Some(scales)) => {
                                let all = row.iter_mut().zip(weights).zip(scales);
                                all.for_each(|((sum, &w), &s)| add(sum, w.sub(x).mul(s)));
                            }
                        }
                    }
                    row.iter_mut().for_each(|v| *v = (*v).root());
                }
            },
        );
    });
    Ok(())
}

/// The gradient of the input.
///
/// # Errors
/// Sizes that do not fit.
pub fn euclidean_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    output: &Tensor,
    weight: &Tensor,
    scale: Option<&Tensor>,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let c = Centers::<T>::of(input, weight, scale)?;
    let slopes = c.slopes(input, grad_output, output)?;
    let mut r = Dest::<T>::like(grad_input, input)?;
    share_rows(&mut r, c.features, c.cost(), |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (n, row) in (first..).zip(rows.chunks_mut(c.features)) {
                    let slopes = &slopes[n * c.centers..][..c.centers];
                    for (i, (r, &x)) in row.iter_mut().zip(&c.x[n * c.features..][..c.features]).enumerate() {
                        let sum = match c.feature(i) {
                            (weights, None) => sum_of([weights, slopes], |[w, slope]| w.sub(x).mul(slope)),
                            (weights, Some(scales)) => sum_of([weights, scales, slopes], |[w, scale, slope]| {
                                w.sub(x).mul(slope).mul(scale).mul(scale)
                            }),
                        };
                        *r = sum.neg();
                    }
                }
            },
        );
    });
    Ok(())
}

/// Adds `by` times the gradients of the centers, and of the scales where there are any.
///
/// # Errors
/// Sizes that do not fit.
#[allow(clippy::too_many_arguments)]
pub fn euclidean_acc_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    by: T,
    grad_weight: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    scale: Option<&Tensor>,
    grad_scale: Option<&Tensor>,
) -> Result<()> {
    let c = Centers::<T>::of(input, weight, scale)?;
    let slopes = c.slopes(input, grad_output, output)?;
    let sizes = [c.features, c.centers];
    check::sizes("gradWeight", grad_weight, &sizes)?;
    let mut to_weight = Dest::<T>::update(grad_weight)?;
    each_feature(&c, &slopes, &mut to_weight, |[w, scale, slope], x| by.mul(slope).mul(w.sub(x)).mul(scale).mul(scale));
    let Some(grad_scale) = grad_scale else { return Ok(()) };
    check::sizes("gradDiagCov", grad_scale, &sizes)?;
    let mut to_scale = Dest::<T>::update(grad_scale)?;
    each_feature(&c, &slopes, &mut to_scale, |[w, scale, slope], x| {
        let d = w.sub(x);
        by.mul(slope).mul(scale).mul(d).mul(d)
    });
    Ok(())
}

/// Adds `f([weight, scale, slope], value)` of every sample to each feature of each center.
fn each_feature<T: Float>(c: &Centers<T>, slopes: &[T], to: &mut [T], f: impl Fn([T; 3], T) -> T + Copy + Sync) {
    share_rows(to, c.centers, c.rows.saturating_mul(c.centers), |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (i, row) in (first..).zip(rows.chunks_mut(c.centers)) {
                    let (weights, scales) = c.feature(i);
                    for n in 0..c.rows {
                        let (x, slopes) = (c.x[n * c.features + i], &slopes[n * c.centers..][..c.centers]);
                        let all = row.iter_mut().zip(weights).zip(slopes);
                        match scales {
                            None => all.for_each(|((r, &w), &s)| *r = r.add(f([w, T::ONE, s], x))),
                            Some(scales) => {
                                all.zip(scales).for_each(|(((r, &w), &s), &scale)| *r = r.add(f([w, scale, s], x)))
                            }
                        }
                    }
                }
            },
        );
    });
}
