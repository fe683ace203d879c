//! Spatial convolutions: input (C x H x W) or (N x C x H x W), weight (O x C x kH x kW) or (O x C kH kW), bias (O).
//!
//! The input's windows are unfolded into a matrix, tile by tile, each small enough to stay in the cache, and every tile
//! is one matrix product. Tiles and blocks depend on the sizes alone, so results do not depend on the number of threads.

use super::target;
use super::unfold::{Geometry, fold, unfold};
use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::tensor::map::{self, Ptr};
use crate::tensor::ops::blas::{Blas, Mat, product};
use crate::tensor::ops::copy::contiguous;

fields! {
    /// Window, step and padding of a convolution.
    pub struct Window {
        /// Whether a weight matrix, as older files have it, gets its four dimensions.
        planes: bool = ".hasPlanes:bool=false",
        /// Width of the window.
        kw: i64 = ".kW:long",
        /// Height of the window.
        kh: i64 = ".kH:long",
        /// Step from one window to the next along the width.
        dw: i64 = ".dW:long",
        /// Step along the height.
        dh: i64 = ".dH:long",
        /// Zeros on the left and on the right.
        pad_w: Option<i64> = ".padW:long=nil",
        /// Zeros above and below; as many as `pad_w` without it.
        pad_h: Option<i64> = ".padH:long=nil",
        /// What layers of older files have for both directions.
        padding: i64 = ".padding:long=0",
    }
}

impl Window {
    /// `kW kH dW dH padW padH`
    fn sizes(self) -> [i64; 6] {
        let pad_w = self.pad_w.unwrap_or(self.padding);
        [self.kw, self.kh, self.dw, self.dh, pad_w, self.pad_h.unwrap_or(pad_w)]
    }

    /// Gives the weight matrix of an older file its planes: (O x C kH kW) becomes (O x C x kH x kW).
    fn give_planes(self, weight: &Tensor) -> Result<()> {
        let (kw, kh) = (self.kw.max(1) as usize, self.kh.max(1) as usize);
        let matrix = weight.ndim() == 2 && weight.is_contiguous() && weight.size(1).is_multiple_of(kw * kh);
        if self.planes && matrix {
            let sizes = [weight.size(0), weight.size(1) / (kw * kh), kh, kw];
            let flat = Layout::contiguous(&sizes)?;
            weight.set_layout(Layout::strided(weight.offset(), &sizes, flat.strides())?);
        }
        Ok(())
    }
}

/// Everything about one call: sizes, and whether the input had no batch dimension.
struct Plan {
    g: Geometry,
    batch: usize,
    out: usize,
    single: bool,
}

impl Plan {
    fn new(input: &Tensor, weight: &Tensor, w: Window) -> Result<Plan> {
        demand!(
            input.ndim() == 3 || input.ndim() == 4,
            "3D or 4D (batch mode) tensor expected for input, got {}",
            input.shape_text()
        );
        demand!(weight.ndim() == 2 || weight.ndim() == 4, "weight must be 2D or 4D, got {}", weight.shape_text());
        let d = input.ndim() - 3;
        let g = Geometry::new([input.size(d), input.size(d + 1), input.size(d + 2)], w.sizes())?;
        let per_output: usize = weight.layout().sizes()[1..].iter().product();
        demand!(
            per_output == g.rows(),
            "Need input of a size that fits weight {}, got {}",
            weight.shape_text(),
            input.shape_text()
        );
        let batch = if d == 1 { input.size(0) } else { 1 };
        Ok(Plan { g, batch, out: weight.size(0), single: d == 0 })
    }

    fn output_sizes(&self) -> Vec<usize> {
        let s = [self.batch, self.out, self.g.out_h, self.g.out_w];
        s[usize::from(self.single)..].to_vec()
    }

    fn check_grad(&self, grad_output: &Tensor) -> Result<()> {
        demand!(
            grad_output.layout().sizes() == self.output_sizes(),
            "Need gradOutput of size {}, got {}",
            crate::tensor::layout::shape_text(&self.output_sizes()),
            grad_output.shape_text()
        );
        Ok(())
    }

    /// Pixels of a tile: about 64K elements of columns, but several tiles for a lone sample.
    fn tile(&self, rows: usize) -> usize {
        let fit = (1 << 16) / rows.max(1);
        let most = if self.batch < 8 { self.g.pixels().div_ceil(8) } else { self.g.pixels() };
        fit.min(most).next_multiple_of(16).max(16).min(self.g.pixels())
    }
}

fn bias_of<T: Blas>(bias: Option<&Tensor>, out: usize) -> Result<Option<Vec<T>>> {
    let Some(b) = bias else { return Ok(None) };
    demand!(b.numel() == out, "bias {} does not fit {out} output planes", b.shape_text());
    Ok(Some(b.to_vec::<T>()?))
}

/// Convolves: output (O x oH x oW) or (N x O x oH x oW).
///
/// # Errors
/// Sizes that do not fit.
pub fn forward<T: Blas>(
    input: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    window: Window,
) -> Result<()> {
    window.give_planes(weight)?;
    let p = Plan::new(input, weight, window)?;
    let bias = bias_of::<T>(bias, p.out)?;
    let (x, w) = (contiguous(input)?, contiguous(weight)?);
    let y = Ptr(target::<T>(output, &p.output_sizes())?);
    let (x, w) = (Ptr(x.view::<T>()?.ptr), Ptr(w.view::<T>()?.ptr));
    let (k, pixels) = (p.g.rows(), p.g.pixels());
    let tile = p.tile(k);
    let tiles = pixels.div_ceil(tile);
    map::split(p.batch * tiles, p.out * k * tile, |first, count| {
        let mut cols = if p.g.is_plain() { vec![] } else { vec![T::ZERO; k * tile] };
        for job in first..first + count {
            let (n, at) = (job / tiles, job % tiles * tile);
            let width = tile.min(pixels - at);
            let sample = x.at(n * p.g.input_len());
            let c = Mat::dense(y.at(n * p.out * pixels), p.out, pixels).col_range(at, width);
            let b = if p.g.is_plain() {
                Mat::dense(sample, k, pixels).col_range(at, width)
            } else {
                unfold(&p.g, sample, 0, k, at, width, &mut cols);
                Mat::dense(cols.as_mut_ptr(), k, width)
            };
            if let Some(bias) = &bias {
                spread(bias, c);
            }
            let beta = if bias.is_some() { T::ONE } else { T::ZERO };
            product(T::ONE, Mat::dense(w.at(0), p.out, k), b, beta, c);
        }
    });
    Ok(())
}

/// Fills each row with its bias.
fn spread<T: Blas>(bias: &[T], c: Mat<T>) {
    for (i, &v) in bias.iter().enumerate() {
        for j in 0..c.cols {
            // SAFETY: inside the matrix, whose columns lie one after another.
            unsafe { *c.ptr.wrapping_offset(i as isize * c.rs).wrapping_add(j) = v };
        }
    }
}

/// The gradient of the input, of its size. Nothing where there is no gradInput.
///
/// # Errors
/// Sizes that do not fit, a backward pass before the first forward one.
pub fn grad_input<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
    output: &Tensor,
    window: Window,
) -> Result<()> {
    demand!(output.numel() > 0, "convolution: backward before forward, there is no output yet");
    window.give_planes(weight)?;
    let Some(grad_input) = grad_input else { return Ok(()) };
    let p = Plan::new(input, weight, window)?;
    p.check_grad(grad_output)?;
    let (go, w) = (contiguous(grad_output)?, contiguous(weight)?);
    let gi = Ptr(target::<T>(grad_input, input.layout().sizes())?);
    let (go, w) = (Ptr(go.view::<T>()?.ptr), Ptr(w.view::<T>()?.ptr));
    // the columns of one block of input planes go back to those planes only, so blocks are independent
    let planes = if p.batch >= 8 { p.g.planes } else { p.g.planes.div_ceil(8) };
    let blocks = p.g.planes.div_ceil(planes);
    let (pixels, area, k) = (p.g.pixels(), p.g.window_area(), p.g.rows());
    let tile = p.tile(planes * area);
    map::split(p.batch * blocks, p.out * planes * area * pixels, |first, count| {
        let mut cols = vec![T::ZERO; planes * area * tile];
        for job in first..first + count {
            let (n, c0) = (job / blocks, job % blocks * planes);
            let rows = planes.min(p.g.planes - c0) * area;
            let sample = gi.at(n * p.g.input_len());
            let plane = sample.wrapping_add(c0 * p.g.plane_len());
            // SAFETY: the block's planes of this sample belong to this job alone.
            unsafe { std::slice::from_raw_parts_mut(plane, rows / area * p.g.plane_len()) }.fill(T::ZERO);
            for at in (0..pixels).step_by(tile) {
                let width = tile.min(pixels - at);
                let g = Mat::dense(go.at(n * p.out * pixels), p.out, pixels).col_range(at, width);
                let wt = Mat::dense(w.at(0), p.out, k).col_range(c0 * area, rows).t();
                product(T::ONE, wt, g, T::ZERO, Mat::dense(cols.as_mut_ptr(), rows, width));
                fold(&p.g, sample, c0 * area, rows, at, width, &cols);
            }
        }
    });
    Ok(())
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
    grad_bias: Option<&Tensor>,
    window: Window,
) -> Result<()> {
    window.give_planes(grad_weight)?;
    let p = Plan::new(input, grad_weight, window)?;
    p.check_grad(grad_output)?;
    let go = contiguous(grad_output)?;
    let x = contiguous(input)?;
    let (x, go) = (Ptr(x.view::<T>()?.ptr), Ptr(go.view::<T>()?.ptr));
    if let Some(gb) = grad_bias {
        demand!(gb.numel() == p.out && gb.ndim() == 1, "gradBias {} does not fit", gb.shape_text());
        add_bias_grad(&p, go, scale, Mat::of(gb)?);
    }
    let gw = contiguous(grad_weight)?;
    add_weight_grad(&p, x, go, scale, Ptr(gw.view::<T>()?.ptr));
    if !grad_weight.is_contiguous() {
        map::unary("copy", grad_weight, &gw, 1, |v: T| v)?;
    }
    Ok(())
}

fn add_bias_grad<T: Blas>(p: &Plan, go: Ptr<T>, scale: T, gb: Mat<T>) {
    let pixels = p.g.pixels();
    map::split(p.out, p.batch * pixels, |first, count| {
        for o in first..first + count {
            let mut sum = T::ZERO;
            for n in 0..p.batch {
                // SAFETY: the plane of this sample and output, inside gradOutput.
                let plane = unsafe { std::slice::from_raw_parts(go.at((n * p.out + o) * pixels), pixels) };
                sum = plane.iter().fold(sum, |s, &v| s.add(v));
            }
            let r = gb.row_range(o, 1).ptr;
            // SAFETY: element `o` of the bias gradient.
            unsafe { *r = (*r).add(scale.mul(sum)) };
        }
    });
}

/// Small weights: groups of samples sum up on their own, and the sums are added in order. Large ones: blocks of
/// weight columns, each over the whole batch.
fn add_weight_grad<T: Blas>(p: &Plan, x: Ptr<T>, go: Ptr<T>, scale: T, gw: Ptr<T>) {
    let k = p.g.rows();
    let groups = if p.out * k <= 1 << 16 { p.batch.min(16) } else { 1 };
    if groups > 1 {
        let mut sums = vec![T::ZERO; groups * p.out * k];
        let at = Ptr(sums.as_mut_ptr());
        let per = p.batch.div_ceil(groups);
        map::split(groups, p.out * k * per * p.g.pixels(), |first, count| {
            for i in first..first + count {
                let samples = (i * per).min(p.batch)..((i + 1) * per).min(p.batch);
                weight_block(p, x, go, T::ONE, samples, 0, Mat::dense(at.at(i * p.out * k), p.out, k));
            }
        });
        for sum in sums.chunks(p.out * k) {
            for (i, &v) in sum.iter().enumerate() {
                // SAFETY: inside the weight gradient.
                unsafe { *gw.at(i) = (*gw.at(i)).add(scale.mul(v)) };
            }
        }
        return;
    }
    let cols = k.div_ceil(16).max(16).min(k);
    map::split(k.div_ceil(cols), p.out * cols * p.batch * p.g.pixels(), |first, count| {
        for i in first..first + count {
            let c = Mat::dense(gw.at(0), p.out, k).col_range(i * cols, cols.min(k - i * cols));
            weight_block(p, x, go, scale, 0..p.batch, i * cols, c);
        }
    });
}

/// Adds `scale` times the gradient of the weight columns from `row` on, summed over these samples.
fn weight_block<T: Blas>(
    p: &Plan,
    x: Ptr<T>,
    go: Ptr<T>,
    scale: T,
    samples: std::ops::Range<usize>,
    row: usize,
    c: Mat<T>,
) {
    let pixels = p.g.pixels();
    let tile = p.tile(c.cols);
    let mut cols = vec![T::ZERO; c.cols * tile];
    for n in samples {
        for at in (0..pixels).step_by(tile) {
            let width = tile.min(pixels - at);
            unfold(&p.g, x.at(n * p.g.input_len()), row, c.cols, at, width, &mut cols);
            let g = Mat::dense(go.at(n * p.out * pixels), p.out, pixels).col_range(at, width);
            product(scale, g, Mat::dense(cols.as_mut_ptr(), c.cols, width).t(), T::ONE, c);
        }
    }
}
