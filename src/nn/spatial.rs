//! Convolutions and poolings as the modules call them: with every field of the window as a parameter of its own.

#![allow(clippy::too_many_arguments, reason = "one parameter per field of the module")]

use super::{conv, pool};
use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::ops::blas::Blas;

/// The window of a convolution; layers of older files have one `padding` for both directions.
fn window(kw: i64, kh: i64, dw: i64, dh: i64, pad_w: Option<i64>, pad_h: Option<i64>, padding: i64) -> conv::Window {
    let pad_w = pad_w.unwrap_or(padding);
    conv::Window([kw, kh, dw, dh, pad_w, pad_h.unwrap_or(pad_w)])
}

/// [`conv::forward`].
///
/// # Errors
/// Sizes that do not fit.
pub fn conv_forward<T: Blas>(
    input: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    kw: i64,
    kh: i64,
    dw: i64,
    dh: i64,
    pad_w: Option<i64>,
    pad_h: Option<i64>,
    padding: i64,
) -> Result<()> {
    conv::forward::<T>(input, output, weight, bias, window(kw, kh, dw, dh, pad_w, pad_h, padding))
}

/// [`conv::grad_input`].
///
/// # Errors
/// Sizes that do not fit.
pub fn conv_grad_input<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
    kw: i64,
    kh: i64,
    dw: i64,
    dh: i64,
    pad_w: Option<i64>,
    pad_h: Option<i64>,
    padding: i64,
) -> Result<()> {
    conv::grad_input::<T>(input, grad_output, grad_input, weight, window(kw, kh, dw, dh, pad_w, pad_h, padding))
}

/// [`conv::acc_grad`].
///
/// # Errors
/// Sizes that do not fit.
pub fn conv_acc_grad<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    grad_bias: Option<&Tensor>,
    kw: i64,
    kh: i64,
    dw: i64,
    dh: i64,
    pad_w: Option<i64>,
    pad_h: Option<i64>,
    padding: i64,
) -> Result<()> {
    let w = window(kw, kh, dw, dh, pad_w, pad_h, padding);
    conv::acc_grad::<T>(input, grad_output, scale, grad_weight, grad_bias, w)
}

/// [`pool::max`].
///
/// # Errors
/// Sizes that do not fit.
pub fn max_pool<T: Float>(
    input: &Tensor,
    output: &Tensor,
    indices: &Tensor,
    kw: i64,
    kh: i64,
    dw: i64,
    dh: i64,
    pad_w: i64,
    pad_h: i64,
    ceil: bool,
) -> Result<()> {
    pool::max::<T>(input, output, indices, pool::Window { sizes: [kw, kh, dw, dh, pad_w, pad_h], ceil })
}

/// [`pool::max_grad`].
///
/// # Errors
/// Sizes that do not fit.
pub fn max_pool_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    indices: &Tensor,
    kw: i64,
    kh: i64,
    dw: i64,
    dh: i64,
    pad_w: i64,
    pad_h: i64,
    ceil: bool,
) -> Result<()> {
    let window = pool::Window { sizes: [kw, kh, dw, dh, pad_w, pad_h], ceil };
    pool::max_grad::<T>(input, grad_output, grad_input, indices, window)
}

/// [`pool::average`].
///
/// # Errors
/// Sizes that do not fit.
pub fn average_pool<T: Float>(
    input: &Tensor,
    output: &Tensor,
    kw: i64,
    kh: i64,
    dw: i64,
    dh: i64,
    pad_w: i64,
    pad_h: i64,
    ceil: bool,
    include_pad: bool,
    divide: bool,
) -> Result<()> {
    let window = pool::Window { sizes: [kw, kh, dw, dh, pad_w, pad_h], ceil };
    pool::average::<T>(input, output, window, pool::Divisor { include_pad, divide })
}

/// [`pool::average_grad`].
///
/// # Errors
/// Sizes that do not fit.
pub fn average_pool_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    kw: i64,
    kh: i64,
    dw: i64,
    dh: i64,
    pad_w: i64,
    pad_h: i64,
    ceil: bool,
    include_pad: bool,
    divide: bool,
) -> Result<()> {
    let window = pool::Window { sizes: [kw, kh, dw, dh, pad_w, pad_h], ceil };
    pool::average_grad::<T>(input, grad_output, grad_input, window, pool::Divisor { include_pad, divide })
}
