//! The cosines of the angles from vectors, (D) or (N x D), to the rows of a weight (M x D).

use crate::nn::vectors::{add_scaled, sum_of};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Matrix, MatrixMut, Source, Workspace, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::ops::blas::{Blas, product};
use crate::tensor::simd::vectorize;
use crate::{demand, fields};

/// Added to every length.
const EPSILON: f64 = 1e-12;

fields! {
    /// The weight, and the lengths that a forward keeps for the gradients.
    pub struct Lengths<'a> {
        /// The vectors that inputs are compared with, (M x D).
        weight: &'a Tensor = ".weight:T",
        /// Their lengths, (M x 1).
        of_weight: &'a Tensor = "+._weightNorm:T",
        /// Those of the input, (N x 1).
        of_input: &'a Tensor = "+._inputNorm:T",
    }
}

/// Input and weight of a call.
struct Pair<T> {
    x: Source<T>,
    w: Source<T>,
    rows: usize,
    features: usize,
    outputs: usize,
}

impl<T: Float> Pair<T> {
    fn of(input: &Tensor, weight: &Tensor) -> Result<Pair<T>> {
        check::ranks("input", input, 1..=2)?;
        check::rank("weight", weight, 2)?;
        let (outputs, features) = (weight.size(0), weight.size(1));
        let got = input.size(input.ndim() - 1);
        demand!(got == features, "samples of {features} features expected as input, got {}", input.shape_text());
        let rows = if input.ndim() == 2 { input.size(0) } else { 1 };
        Ok(Pair { x: Source::of(input)?, w: Source::of(weight)?, rows, features, outputs })
    }

    /// The sizes of the output.
    fn sizes(&self, input: &Tensor) -> Vec<usize> {
        if input.ndim() == 2 { vec![self.rows, self.outputs] } else { vec![self.outputs] }
    }

    fn vectors(&self) -> Matrix<'_, T> {
        Matrix::new(&self.x, self.rows, self.features)
    }
    fn weights(&self) -> Matrix<'_, T> {
        Matrix::new(&self.w, self.outputs, self.features)
    }

    /// The lengths that a forward kept; where it kept none, as after a file, those of now.
    fn kept(&self, lengths: &Lengths) -> Result<[Dest<T>; 2]> {
        let one = |kept: &Tensor, vectors: &[T], n: usize| {
            if kept.numel() == n { Dest::update(kept) } else { measure(kept, vectors, n, self.features) }
        };
        Ok([one(lengths.of_input, &self.x, self.rows)?, one(lengths.of_weight, &self.w, self.outputs)?])
    }
}

/// Writes the lengths of `n` vectors.
fn measure<T: Float>(to: &Tensor, vectors: &[T], n: usize, features: usize) -> Result<Dest<T>> {
    let mut lengths = Dest::<T>::new(to, &[n, 1])?;
    share_rows(&mut lengths, 1, features, |first, part| {
        vectorize(
            #[inline(always)]
            || {
                for (i, length) in (first..).zip(part) {
                    let vector = &vectors[i * features..][..features];
                    *length = sum_of([vector], |[v]| v.mul(v)).root().add(T::from_f64(EPSILON));
                }
            },
        );
    });
    Ok(lengths)
}

/// The cosines, (M) for a vector and (N x M) for a batch.
///
/// # Errors
/// Sizes that do not fit.
pub fn angles<T: Float + Blas>(input: &Tensor, output: &Tensor, lengths: Lengths) -> Result<()> {
    let p = Pair::<T>::of(input, lengths.weight)?;
    let of_input = measure(lengths.of_input, &p.x, p.rows, p.features)?;
    let of_weight = measure(lengths.of_weight, &p.w, p.outputs, p.features)?;
    let mut y = Dest::<T>::new(output, &p.sizes(input))?;
    product(T::ONE, p.vectors(), p.weights().t(), T::ZERO, MatrixMut::new(&mut y, p.rows, p.outputs));
    share_rows(&mut y, p.outputs, p.outputs * 2, |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (n, row) in (first..).zip(rows.chunks_mut(p.outputs)) {
                    let length = of_input[n];
                    row.iter_mut().zip(of_weight.iter()).for_each(|(y, &w)| *y = y.over(length).over(w));
                }
            },
        );
    });
    Ok(())
}

/// `gradOutput` by both lengths, after the checks that both gradients begin with.
fn slopes<T: Float>(
    p: &Pair<T>,
    input: &Tensor,
    grad_output: &Tensor,
    output: &Tensor,
    [of_input, of_weight]: &[Dest<T>; 2],
) -> Result<(Source<T>, Source<T>, Workspace<T>)> {
    check::sizes("gradOutput", grad_output, &p.sizes(input))?;
    demand!(output.same_size(grad_output), "forward comes before backward, with the same input");
    let (g, y) = (Source::<T>::of(grad_output)?, Source::<T>::of(output)?);
    let mut by = Workspace::new(g.len())?;
    share_rows(&mut by, p.outputs, p.outputs * 2, |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (n, row) in (first..).zip(rows.chunks_mut(p.outputs)) {
                    let (length, g) = (of_input[n], &g[n * p.outputs..][..p.outputs]);
                    let all = row.iter_mut().zip(g).zip(of_weight.iter());
                    all.for_each(|((r, &g), &w)| *r = g.over(length).over(w));
                }
            },
        );
    });
    Ok((g, y, by))
}

/// The gradient of the input.
///
/// # Errors
/// Sizes that do not fit.
pub fn angles_grad<T: Float + Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    output: &Tensor,
    lengths: Lengths,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let p = Pair::<T>::of(input, lengths.weight)?;
    let kept = p.kept(&lengths)?;
    let (g, y, by) = slopes(&p, input, grad_output, output, &kept)?;
    let mut r = Dest::<T>::like(grad_input, input)?;
    let by = Matrix::new(&by, p.rows, p.outputs);
    product(T::ONE, by, p.weights(), T::ZERO, MatrixMut::new(&mut r, p.rows, p.features));
    share_rows(&mut r, p.features, p.features + p.outputs, |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (n, row) in (first..).zip(rows.chunks_mut(p.features)) {
                    let part = n * p.outputs..(n + 1) * p.outputs;
                    let sum = sum_of([&g[part.clone()], &y[part]], |[g, y]| g.mul(y));
                    let along = sum.over(kept[0][n]).over(kept[0][n]);
                    add_scaled(row, &p.x[n * p.features..][..p.features], along.neg());
                }
            },
        );
    });
    Ok(())
}

/// Adds `scale` times the gradient of the weight.
///
/// # Errors
/// Sizes that do not fit.
pub fn angles_acc_grad<T: Float + Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    output: &Tensor,
    lengths: Lengths,
) -> Result<()> {
    let p = Pair::<T>::of(input, lengths.weight)?;
    check::sizes("gradWeight", grad_weight, &[p.outputs, p.features])?;
    let kept = p.kept(&lengths)?;
    let (g, y, by) = slopes(&p, input, grad_output, output, &kept)?;
    let mut along = Workspace::<T>::zeros(p.outputs)?;
    for n in 0..p.rows {
        let (g, y) = (&g[n * p.outputs..], &y[n * p.outputs..]);
        along.iter_mut().zip(g.iter().zip(y)).for_each(|(sum, (&g, &y))| *sum = sum.add(g.mul(y)));
    }
    // the gradient may be the weight itself: then it is a buffer here
    let mut r = Dest::<T>::update(grad_weight)?;
    share_rows(&mut r, p.features, p.features, |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (m, row) in (first..).zip(rows.chunks_mut(p.features)) {
                    let along = along[m].over(kept[1][m]).over(kept[1][m]);
                    add_scaled(row, &p.w[m * p.features..][..p.features], along.mul(scale).neg());
                }
            },
        );
    });
    let by = Matrix::new(&by, p.rows, p.outputs);
    product(scale, by.t(), p.vectors(), T::ONE, MatrixMut::new(&mut r, p.outputs, p.features));
    Ok(())
}
