//! nn.SpatialConvolutionLocal: a convolution whose weights differ from position to position. Input (C x H x W) or
//! (N x C x H x W) of fixed sizes, weight (oH x oW x O x C x kH x kW), bias (O x oH x oW).

use super::Window;
use super::unfold::{Geometry, fold, unfold};
use crate::demand;
use crate::fields;
use crate::nn::vectors::{add_scaled, put, sum_of};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Divide, Rows, Source, Workspace, try_share};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use std::ops::Range;

fields! {
    /// Input size, window, stride and padding.
    pub struct Local {
        /// Columns of the input.
        width: i64 = ".iW:long",
        /// Rows of the input.
        height: i64 = ".iH:long",
        /// The window.
        window: Window = Window::TEXT,
    }
}

struct Call {
    g: Geometry,
    batch: usize,
    out: usize,
    output: Vec<usize>,
}

impl Call {
    fn new(input: &Tensor, weight: &Tensor, f: Local) -> Result<Call> {
        let nd = input.ndim();
        demand!(nd == 3 || nd == 4, "3D or 4D (batch mode) tensor expected for input, got {}", input.shape_text());
        demand!(weight.ndim() == 6, "weight must be 6D, got {}", weight.shape_text());
        check::has_elements("weight", weight)?;
        let planes = weight.size(3);
        let sizes = [planes as i64, f.height, f.width];
        let fits = (0..3).all(|i| input.size(nd - 3 + i) as i64 == sizes[i]);
        demand!(fits, "input of {planes} x {} x {} expected, got {}", f.height, f.width, input.shape_text());
        let steps = f.window.steps();
        let g = Geometry::new(planes, &[input.size(nd - 2), input.size(nd - 1)], &steps)?;
        let (out, [_, h, w]) = (weight.size(2), g.output());
        let fits = weight.size(0) == h && weight.size(1) == w && weight.numel() == h * w * out * g.rows();
        demand!(fits, "weight {} does not fit an output of {h} x {w}", weight.shape_text());
        let batch = if nd == 4 { input.size(0) } else { 1 };
        let mut output = input.layout().sizes().to_vec();
        output[nd - 3..].copy_from_slice(&[out, h, w]);
        Ok(Call { g, batch, out, output })
    }

    fn output_len(&self) -> usize {
        self.out * self.g.pixels()
    }

    fn cost(&self) -> usize {
        self.output_len().saturating_mul(self.g.rows())
    }

    /// Where the weights of a pixel lie: a row for each output plane.
    fn weights(&self, pixel: usize) -> Range<usize> {
        let len = self.out * self.g.rows();
        pixel * len..(pixel + 1) * len
    }
}

/// Pixels whose windows are turned together, from columns of a matrix to rows of another.
const TOGETHER: usize = 16;

/// Calls `f(pixel, window)` for some pixels, with their columns of `cols` (k x pixels) as vectors.
#[inline(always)]
fn each_window<T: Float>(
    cols: &[T],
    pixels: usize,
    some: Range<usize>,
    room: &mut [T],
    mut f: impl FnMut(usize, &[T]),
) {
    let k = room.len() / TOGETHER;
    for first in some.clone().step_by(TOGETHER) {
        let n = TOGETHER.min(some.end - first);
        for (r, row) in cols.chunks(pixels).enumerate() {
            row[first..first + n].iter().enumerate().for_each(|(i, &v)| room[i * k + r] = v);
        }
        room.chunks(k).take(n).enumerate().for_each(|(i, window)| f(first + i, window));
    }
}

/// The reverse of [`each_window`]: `f(pixel, window)` makes the columns of all pixels.
#[inline(always)]
fn make_windows<T: Float>(cols: &mut [T], pixels: usize, room: &mut [T], mut f: impl FnMut(usize, &mut [T])) {
    let k = room.len() / TOGETHER;
    for first in (0..pixels).step_by(TOGETHER) {
        let n = TOGETHER.min(pixels - first);
        room.chunks_mut(k).take(n).enumerate().for_each(|(i, window)| f(first + i, window));
        for (r, row) in cols.chunks_mut(pixels).enumerate() {
            row[first..first + n].iter_mut().enumerate().for_each(|(i, to)| *to = room[i * k + r]);
        }
    }
}

/// Convolves.
///
/// # Errors
/// Sizes that do not fit.
pub fn forward<T: Float>(input: &Tensor, output: &Tensor, weight: &Tensor, bias: &Tensor, f: Local) -> Result<()> {
    let call = Call::new(input, weight, f)?;
    let (g, pixels, k) = (&call.g, call.g.pixels(), call.g.rows());
    let [_, h, w] = g.output();
    check::sizes("bias", bias, &[call.out, h, w])?;
    let (x, w, b) = (Source::<T>::of(input)?, Source::<T>::of(weight)?, Source::<T>::of(bias)?);
    let mut y = Dest::<T>::new(output, &call.output)?;
    try_share(Rows::new(&mut y, call.output_len()), call.cost(), |first, samples| {
        let (mut cols, mut room) = (Workspace::new(k * pixels)?, Workspace::new(TOGETHER * k)?);
        for (n, y) in (first..).zip(samples.into_rows()) {
            unfold(g, (&x[n * g.input_len()..][..g.input_len()], 0), 0..k, 0, pixels, &mut cols);
            vectorize(
                #[inline(always)]
                || {
                    each_window(&cols, pixels, 0..pixels, &mut room, |p, window| {
                        for (o, weights) in w[call.weights(p)].chunks(k).enumerate() {
                            let at = o * pixels + p;
                            y[at] = b[at].add(sum_of([weights, window], |[w, x]| w.mul(x)));
                        }
                    });
                },
            );
        }
        Ok(())
    })
}

/// The gradient of the input, of its size. Nothing where there is no gradInput.
///
/// # Errors
/// Sizes that do not fit.
pub fn grad_input<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
    f: Local,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let call = Call::new(input, weight, f)?;
    check::sizes("gradOutput", grad_output, &call.output)?;
    let (g, pixels, k) = (&call.g, call.g.pixels(), call.g.rows());
    let (go, w) = (Source::<T>::of(grad_output)?, Source::<T>::of(weight)?);
    let mut gi = Dest::<T>::like(grad_input, input)?;
    try_share(Rows::new(&mut gi, g.input_len()), call.cost(), |first, samples| {
        let (mut cols, mut room) = (Workspace::new(k * pixels)?, Workspace::new(TOGETHER * k)?);
        for (n, gi) in (first..).zip(samples.into_rows()) {
            let go = &go[n * call.output_len()..];
            vectorize(
                #[inline(always)]
                || {
                    make_windows(&mut cols, pixels, &mut room, |p, window| {
                        for (o, weights) in w[call.weights(p)].chunks(k).enumerate() {
                            let g = go[o * pixels + p];
                            put(window, weights.iter().map(|w| w.mul(g)), o > 0);
                        }
                    });
                },
            );
            gi.fill(T::ZERO);
            fold(g, (gi, 0), 0..k, 0, pixels, &cols);
        }
        Ok(())
    })
}

/// Adds `scale` times the gradients of weight and bias.
///
/// # Errors
/// Sizes that do not fit.
pub fn acc_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    grad_bias: &Tensor,
    f: Local,
) -> Result<()> {
    let call = Call::new(input, grad_weight, f)?;
    check::sizes("gradOutput", grad_output, &call.output)?;
    let (g, pixels, k) = (&call.g, call.g.pixels(), call.g.rows());
    let [_, h, w] = g.output();
    check::sizes("gradBias", grad_bias, &[call.out, h, w])?;
    let (x, go) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    let mut gb = Dest::<T>::update(grad_bias)?;
    for go in go.chunks(call.output_len()) {
        gb.iter_mut().zip(go).for_each(|(b, &v)| *b = b.add(scale.mul(v)));
    }
    drop(gb);
    let mut gw = Dest::<T>::update(grad_weight)?;
    let mut cols = Workspace::new(k * pixels)?;
    for n in 0..call.batch {
        unfold(g, (&x[n * g.input_len()..][..g.input_len()], 0), 0..k, 0, pixels, &mut cols);
        let go = &go[n * call.output_len()..];
        try_share(Rows::new(&mut gw, call.out * k), call.out * k, |first, positions| {
            let (some, mut room) = (first..first + positions.items(), Workspace::new(TOGETHER * k)?);
            let gw = positions.into_slice();
            vectorize(
                #[inline(always)]
                || {
                    each_window(&cols, pixels, some, &mut room, |p, window| {
                        for (o, gw) in gw[call.weights(p - first)].chunks_mut(k).enumerate() {
                            add_scaled(gw, window, scale.mul(go[o * pixels + p]));
                        }
                    });
                },
            );
            Ok(())
        })?;
    }
    Ok(())
}
