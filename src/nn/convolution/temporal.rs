//! Convolutions over time: input (frames x features) or (batch x frames x features).
//!
//! nn.TemporalConvolution mixes features: its windows are rows of a matrix that overlap in memory, so they need no copy; nor
//! do those of the gradients that a frame gets, which lie as far apart as the stride says.
//! nn.TemporalRowConvolution keeps them apart.

use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::*;
use crate::tensor::check;
use crate::tensor::dtype::Real;
use crate::tensor::error::Result;
use crate::tensor::ops::blas::{Blas, biased_product, product};
use crate::tensor::ops::products::column_sums;
use crate::tensor::product::{Epilogue, Multiply, Offsets, Panels, View, ViewMut, multiply};
use crate::tensor::simd::vectorize;

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

    /// Elements of a window.
    fn row(&self) -> usize {
        self.kernel * self.features
    }

    fn sample(&self) -> usize {
        self.frames * self.features
    }

    /// The windows of sample `n` as the rows of a matrix.
    fn windows<'a, T>(&self, x: &'a [T], n: usize) -> Matrix<'a, T> {
        Matrix::strided(&x[n * self.sample()..], self.out, self.row(), (self.stride * self.features) as isize, 1)
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
            biased_product(p.windows(&x, n), w, &b, MatrixMut::new(y, p.out, out));
        }
        Ok(())
    })
}

/// The gradient of the input, of its size. Nothing where there is no gradInput.
///
/// # Errors
/// Sizes that do not fit.
pub fn grad_input<T: Multiply>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
    w: Window,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let p = plan_of(input, weight, w)?;
    let out = weight.size(0);
    check::sizes("gradOutput", grad_output, &p.output(input, out))?;
    let (go, w) = (Source::<T>::of(grad_output)?, Source::<T>::of(weight)?);
    let mut gi = Dest::<T>::like(grad_input, input)?;
    if gi.is_empty() {
        return Ok(());
    }
    // zeros around the output's gradients, so that every frame meets as many of them
    let residues = p.stride.min(p.frames);
    let meets = |r: usize| p.kernel.saturating_sub(r).div_ceil(p.stride);
    let (before, after) = (meets(0).saturating_sub(1), p.frames.div_ceil(p.stride).saturating_sub(p.out));
    let framed = (before + p.out + after) * out;
    let mut room = Workspace::<T>::new(p.batch * framed)?;
    share_rows(&mut room, framed, framed, |first, samples| {
        for (to, go) in samples.chunks_mut(framed).zip(go[first * p.out * out..].chunks(p.out * out)) {
            let (zeros, rest) = to.split_at_mut(before * out);
            let (inside, after) = rest.split_at_mut(go.len());
            zeros.fill(T::ZERO);
            inside.copy_from_slice(go);
            after.fill(T::ZERO);
        }
    });
    (0..residues).try_for_each(|r| {
        let (count, m) = ((p.frames - r).div_ceil(p.stride), meets(r));
        // gradients of frame r + q stride: those of the m frames before and at q, the first one first
        let from = Offsets::grid((before + 1 - m) * out, &[p.batch, count], &[framed, out]);
        let steps = Offsets::steps(m * out, 1);
        let places = (0..m * out).map(|i| i % out * p.row() + (r + p.stride * (m - 1 - i / out)) * p.features);
        let (places, features) = (Offsets::new(places.collect()), Offsets::steps(p.features, 1));
        let to = Offsets::grid(r * p.features, &[p.batch, count], &[p.sample(), p.stride * p.features]);
        product_of_views(
            View::new(&room, &from, &steps),
            View::new(&w, &places, &features),
            ViewMut::new(&mut gi, &to, &features),
        )
    })
}

/// Rows of a left operand for which the right one is not worth packing.
const FEW: usize = 64;

/// `c = a b`, shared by threads.
fn product_of_views<T: Multiply>(a: View<T>, b: View<T>, c: ViewMut<T>) -> Result<()> {
    let (n, k, m) = (a.rows().len(), a.cols().len(), b.cols().len());
    if n < FEW {
        let panels = Panels::pack(a.t())?;
        return try_share(c.t(), k.saturating_mul(n) / 8 + 1, |first, c| {
            multiply(b.t().row_range(first..first + c.items()), &panels, c, false, Epilogue::PLAIN)
        });
    }
    let panels = Panels::pack(b)?;
    try_share(c, k.saturating_mul(m) / 8 + 1, |first, c| {
        multiply(a.row_range(first..first + c.items()), &panels, c, panels.count() > 2, Epilogue::PLAIN)
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
    let w = by_places(&w, p.kernel)?;
    let mut y = Dest::<T>::new(output, &p.output(input, f))?;
    share_rows(&mut y, f, f * p.kernel, |first, rows| {
        for (i, y) in (first..).zip(rows.chunks_mut(f)) {
            let from = &x[(i / p.out * p.frames + i % p.out * p.stride) * f..];
            vectorize(
                #[inline(always)]
                || {
                    match &b {
                        Some(b) => y.copy_from_slice(b),
                        None => y.fill(T::ZERO),
                    }
                    for (x, w) in from.chunks(f).zip(w.chunks(f)) {
                        add_products(y, x, w);
                    }
                },
            );
        }
    });
    Ok(())
}

/// A weight for each feature and place, (features x kernel), with the places first.
fn by_places<T: Blas>(w: &[T], kernel: usize) -> Result<Workspace<T>> {
    let mut turned = Workspace::<T>::new(w.len())?;
    let features = w.len() / kernel.max(1);
    for (j, w) in w.chunks(kernel.max(1)).enumerate() {
        w.iter().enumerate().for_each(|(k, &w)| turned[k * features + j] = w);
    }
    Ok(turned)
}

/// `y += a b`, element by element.
#[inline(always)]
fn add_products<T: Real>(y: &mut [T], a: &[T], b: &[T]) {
    y.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (a, b))| *y = y.add(a.mul(*b)));
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
    let w = by_places(&w, p.kernel)?;
    share_rows(&mut gi, f, f * p.kernel.div_ceil(p.stride), |first, frames| {
        for (at, gi) in (first..).zip(frames.chunks_mut(f)) {
            // the windows that this frame lies in
            let (n, t) = (at / p.frames, at % p.frames);
            let windows = (t + 1).saturating_sub(p.kernel).div_ceil(p.stride)..(t / p.stride + 1).min(p.out);
            vectorize(
                #[inline(always)]
                || {
                    gi.fill(T::ZERO);
                    for i in windows {
                        add_products(gi, &go[(n * p.out + i) * f..][..f], &w[(t - i * p.stride) * f..][..f]);
                    }
                },
            );
        }
    });
    Ok(())
}

/// Features whose sums are done together: they stay in the nearest cache.
const TOGETHER: usize = 64;

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
    let mut sums = Workspace::<T>::zeros(f * p.kernel)?;
    let features = Blocks::new(MatrixMut::new(&mut sums, p.kernel, f).t(), TOGETHER);
    share(features, TOGETHER * p.kernel * p.batch * p.out, |first, blocks| {
        blocks.for_each(first, |j, sums| {
            let mut sums = sums.t();
            for i in 0..p.batch * p.out {
                let start = (i / p.out * p.frames + i % p.out * p.stride) * f + j;
                vectorize(
                    #[inline(always)]
                    || sums.each_row(|k, sums| add_products(sums, &go[i * f + j..], &x[start + k * f..])),
                );
            }
        });
    });
    for (k, sums) in sums.chunks(f.max(1)).enumerate() {
        let places = gw.iter_mut().skip(k).step_by(p.kernel);
        places.zip(sums).for_each(|(w, &sum)| *w = w.add(scale.mul(sum)));
    }
    Ok(())
}
