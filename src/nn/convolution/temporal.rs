//! Convolutions over time: input (frames x features) or (batch x frames x features).
//!
//! nn.TemporalConvolution mixes features: its windows are rows of a matrix that overlap in memory, so they need no copy.
//! nn.TemporalRowConvolution keeps them apart.

use crate::demand;
use crate::fields;
use crate::nn::linear::column_sums;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Matrix, MatrixDest, MatrixMut, Rows, Source, Workspace, share_rows, try_share};
use crate::tensor::check;
use crate::tensor::error::Result;
use crate::tensor::ops::blas::{Blas, product};

/// Sizes of a call.
struct Plan {
    batch: usize,
    frames: usize,
    features: usize,
    kernel: usize,
    stride: usize,
    /// Output frames.
    out: usize,
}

impl Plan {
    /// For an input of (frames x `features`) and its windows of `kernel` frames, `stride` apart.
    fn new(input: &Tensor, features: usize, kernel: i64, stride: i64) -> Result<Plan> {
        let nd = input.ndim();
        demand!(nd == 2 || nd == 3, "2D or 3D (batch mode) tensor expected for input, got {}", input.shape_text());
        demand!(
            kernel > 0 && stride > 0,
            "kernel and stride should be greater than zero, but got {kernel} and {stride}"
        );
        let (frames, width) = (input.size(nd - 2), input.size(nd - 1));
        demand!(
            width == features,
            "invalid input frame size: {features} features expected, got {}",
            input.shape_text()
        );
        demand!(
            frames as i64 >= kernel,
            "input sequence smaller than kernel size: {frames} frames, kernel {kernel}, stride {stride}"
        );
        let (kernel, stride) = (kernel as usize, stride as usize);
        let batch = if nd == 3 { input.size(0) } else { 1 };
        Ok(Plan { batch, frames, features, kernel, stride, out: (frames - kernel) / stride + 1 })
    }

    fn output(&self, input: &Tensor, features: usize) -> Vec<usize> {
        let sizes = [self.batch, self.out, features];
        sizes[usize::from(input.ndim() == 2)..].to_vec()
    }

    fn sample(&self) -> usize {
        self.frames * self.features
    }

    /// The windows of sample `n` as the rows of a matrix.
    fn windows<'a, T>(&self, x: &'a [T], n: usize) -> Matrix<'a, T> {
        let row = self.kernel * self.features;
        Matrix::strided(&x[n * self.sample()..], self.out, row, (self.stride * self.features) as isize, 1)
    }
}

fields! {
    /// The window of a convolution over time.
    pub struct Window {
        /// Frames of a window.
        kernel: i64 = ".kW:long",
        /// From one window to the next.
        stride: i64 = ".dW:long",
    }
}

fn plan_of(input: &Tensor, weight: &Tensor, w: Window) -> Result<Plan> {
    demand!(weight.ndim() == 2, "weight must be a matrix, got {}", weight.shape_text());
    let fits = w.kernel > 0 && weight.size(1).is_multiple_of(w.kernel as usize);
    demand!(fits, "weight {} does not fit a kernel of {} frames", weight.shape_text(), w.kernel);
    Plan::new(input, weight.size(1) / w.kernel as usize, w.kernel, w.stride)
}

/// nn.TemporalConvolution: weight (out x kW features), bias (out); output frames of `out` features.
///
/// # Errors
/// Sizes that do not fit, fewer frames than a window has.
pub fn forward<T: Blas>(input: &Tensor, output: &Tensor, weight: &Tensor, bias: &Tensor, w: Window) -> Result<()> {
    let p = plan_of(input, weight, w)?;
    let out = weight.size(0);
    check::sizes("bias", bias, &[out])?;
    let (x, w, b) = (Source::<T>::of(input)?, Source::<T>::of(weight)?, Source::<T>::of(bias)?);
    let mut y = Dest::<T>::new(output, &p.output(input, out))?;
    let w = w.matrix(out, p.kernel * p.features).t();
    try_share(Rows::new(&mut y, p.out * out), p.out * out * w.rows(), |first, samples| {
        for (n, y) in (first..).zip(samples.into_rows()) {
            let mut y = MatrixMut::new(y, p.out, out);
            y.each_row(|_, row| row.copy_from_slice(&b));
            product(T::ONE, p.windows(&x, n), w, T::ONE, y);
        }
        Ok(())
    })
}

/// The gradient of the input, of its size. Nothing where there is no gradInput.
///
/// # Errors
/// Sizes that do not fit.
pub fn grad_input<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
    w: Window,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let p = plan_of(input, weight, w)?;
    let (out, row) = (weight.size(0), p.kernel * p.features);
    check::sizes("gradOutput", grad_output, &p.output(input, out))?;
    let (go, w) = (Source::<T>::of(grad_output)?, Source::<T>::of(weight)?);
    let mut gi = Dest::<T>::like(grad_input, input)?;
    try_share(Rows::new(&mut gi, p.sample()), p.out * out * row, |first, samples| {
        let mut windows = Workspace::new(p.out * row)?;
        for (n, gi) in (first..).zip(samples.into_rows()) {
            let go = Matrix::new(&go[n * p.out * out..], p.out, out);
            product(T::ONE, go, w.matrix(out, row), T::ZERO, MatrixMut::new(&mut windows, p.out, row));
            gi.fill(T::ZERO);
            for (i, window) in windows.chunks(row).enumerate() {
                let to = &mut gi[i * p.stride * p.features..][..row];
                to.iter_mut().zip(window).for_each(|(to, v)| *to = to.add(*v));
            }
        }
        Ok(())
    })
}

/// Adds `scale` times the gradients of weight and bias.
///
/// # Errors
/// Sizes that do not fit.
pub fn acc_grad<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    grad_bias: &Tensor,
    w: Window,
) -> Result<()> {
    let p = plan_of(input, grad_weight, w)?;
    let out = grad_weight.size(0);
    check::sizes("gradOutput", grad_output, &p.output(input, out))?;
    check::sizes("gradBias", grad_bias, &[out])?;
    let (x, go) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    column_sums(scale, go.matrix(p.batch * p.out, out), MatrixDest::update(grad_bias)?.view());
    let mut gw = MatrixDest::update(grad_weight)?;
    for n in 0..p.batch {
        let go = Matrix::new(&go[n * p.out * out..], p.out, out);
        product(scale, go.t(), p.windows(&x, n), T::ONE, gw.view());
    }
    Ok(())
}

/// The plan of nn.TemporalRowConvolution, whose weight has a row for each feature.
fn row_plan(input: &Tensor, weight: &Tensor, w: Window) -> Result<Plan> {
    let features = weight.size(0);
    let fits = w.kernel > 0 && weight.ndim() > 0 && weight.numel() == features * w.kernel as usize;
    demand!(fits, "weight {} does not fit a kernel of {} frames", weight.shape_text(), w.kernel);
    Plan::new(input, features, w.kernel, w.stride)
}

/// nn.TemporalRowConvolution: weight (features x 1 x kW), bias (features); output frames of as many features.
///
/// # Errors
/// Sizes that do not fit, fewer frames than a window has.
pub fn row_forward<T: Blas>(
    input: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    w: Window,
) -> Result<()> {
    let p = row_plan(input, weight, w)?;
    let f = p.features;
    if let Some(b) = bias {
        check::sizes("bias", b, &[f])?;
    }
    let (x, w) = (Source::<T>::of(input)?, Source::<T>::of(weight)?);
    let b = bias.map(Source::<T>::of).transpose()?;
    let mut y = Dest::<T>::new(output, &p.output(input, f))?;
    share_rows(&mut y, f, f * p.kernel, |first, rows| {
        for (i, y) in (first..).zip(rows.chunks_mut(f)) {
            let from = &x[(i / p.out * p.frames + i % p.out * p.stride) * f..];
            for (j, y) in y.iter_mut().enumerate() {
                let start = b.as_ref().map_or(T::ZERO, |b| b[j]);
                *y = (0..p.kernel).fold(start, |sum, k| sum.add(w[j * p.kernel + k].mul(from[k * f + j])));
            }
        }
    });
    Ok(())
}

/// The gradient of the input, of its size. Nothing where there is no gradInput.
///
/// # Errors
/// Sizes that do not fit.
pub fn row_grad_input<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
    w: Window,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let p = row_plan(input, weight, w)?;
    let f = p.features;
    check::sizes("gradOutput", grad_output, &p.output(input, f))?;
    let (go, w) = (Source::<T>::of(grad_output)?, Source::<T>::of(weight)?);
    let mut gi = Dest::<T>::like(grad_input, input)?;
    share_rows(&mut gi, p.sample(), p.sample() * p.kernel, |first, samples| {
        for (n, gi) in (first..).zip(samples.chunks_mut(p.sample())) {
            gi.fill(T::ZERO);
            for (i, go) in go[n * p.out * f..][..p.out * f].chunks(f).enumerate() {
                for (k, gi) in gi[i * p.stride * f..][..p.kernel * f].chunks_mut(f).enumerate() {
                    for (j, (gi, &g)) in gi.iter_mut().zip(go).enumerate() {
                        *gi = gi.add(g.mul(w[j * p.kernel + k]));
                    }
                }
            }
        }
    });
    Ok(())
}

/// Adds `scale` times the gradients of weight and bias.
///
/// # Errors
/// Sizes that do not fit.
pub fn row_acc_grad<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    grad_bias: Option<&Tensor>,
    w: Window,
) -> Result<()> {
    let p = row_plan(input, grad_weight, w)?;
    let f = p.features;
    check::sizes("gradOutput", grad_output, &p.output(input, f))?;
    let (x, go) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    if let Some(gb) = grad_bias {
        check::sizes("gradBias", gb, &[f])?;
        column_sums(scale, go.matrix(p.batch * p.out, f), MatrixDest::update(gb)?.view());
    }
    let mut gw = Dest::<T>::update(grad_weight)?;
    share_rows(&mut gw, p.kernel, p.kernel * p.batch * p.out, |first, rows| {
        for (j, gw) in (first..).zip(rows.chunks_mut(p.kernel)) {
            for (k, gw) in gw.iter_mut().enumerate() {
                let of = |i: usize| go[i * f + j].mul(x[(i / p.out * p.frames + i % p.out * p.stride + k) * f + j]);
                let sum = (0..p.batch * p.out).fold(T::ZERO, |sum, i| sum.add(of(i)));
                *gw = gw.add(scale.mul(sum));
            }
        }
    });
    Ok(())
}
