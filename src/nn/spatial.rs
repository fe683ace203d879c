//! Convolutions and poolings as the modules call them: with every field of the window as a parameter of its own.

#![allow(clippy::too_many_arguments, reason = "one parameter per field of the module")]

use super::{conv, pool};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::tensor::ops::blas::Blas;

/// The window of a convolution; layers of older files have one `padding` for both directions.
fn window(kw: i64, kh: i64, dw: i64, dh: i64, pad_w: Option<i64>, pad_h: Option<i64>, padding: i64) -> conv::Window {
    let pad_w = pad_w.unwrap_or(padding);
    conv::Window([kw, kh, dw, dh, pad_w, pad_h.unwrap_or(pad_w)])
}

/// Gives the weight matrix of an older file its planes: (O x C kH kW) becomes (O x C x kH x kW).
fn with_planes(weight: &Tensor, kw: i64, kh: i64) -> Result<()> {
    let (kw, kh) = (kw.max(1) as usize, kh.max(1) as usize);
    if weight.ndim() == 2 && weight.is_contiguous() && weight.size(1).is_multiple_of(kw * kh) {
        let sizes = [weight.size(0), weight.size(1) / (kw * kh), kh, kw];
        let flat = Layout::contiguous(&sizes)?;
        weight.set_layout(Layout::strided(weight.offset(), &sizes, flat.strides())?);
    }
    Ok(())
}

/// One entry per method of a convolution: its tensors, and which of them is the weight or its gradient.
macro_rules! convolutions {
    ($($name:ident = $kernel:ident($($p:ident: $t:ty),*), weight $w:ident $(, $forward:ident)?;)*) => { $(
        #[doc = concat!("[`conv::", stringify!($kernel), "`]. With `planes`, a weight matrix gets four dimensions.")]
        ///
        /// # Errors
        /// Sizes that do not fit, a backward pass before the first forward one.
        pub fn $name<T: Blas>(
            $($p: $t,)*
            $($forward: &Tensor,)?
            planes: bool,
            kw: i64,
            kh: i64,
            dw: i64,
            dh: i64,
            pad_w: Option<i64>,
            pad_h: Option<i64>,
            padding: i64,
        ) -> Result<()> {
            $(demand!($forward.numel() > 0, "backward before forward, there is no output yet");)?
            if planes {
                with_planes($w, kw, kh)?;
            }
            conv::$kernel::<T>($($p,)* window(kw, kh, dw, dh, pad_w, pad_h, padding))
        }
    )* };
}
convolutions! {
    conv_forward = forward(input: &Tensor, output: &Tensor, weight: &Tensor, bias: Option<&Tensor>), weight weight;
    conv_grad_input = grad_input(
        input: &Tensor, grad_output: &Tensor, grad_input: Option<&Tensor>, weight: &Tensor
    ), weight weight, output;
    conv_acc_grad = acc_grad(
        input: &Tensor, grad_output: &Tensor, scale: T, grad_weight: &Tensor, grad_bias: Option<&Tensor>
    ), weight grad_weight;
}

/// One entry per method of a pooling: its tensors, and parameters that make up the divisor.
macro_rules! poolings {
    ($($name:ident = $kernel:ident($($p:ident: $t:ty),*) $($divisor:ident $($flag:ident)+)?;)*) => { $(
        #[doc = concat!("[`pool::", stringify!($kernel), "`].\n\n# Errors\nSizes that do not fit.")]
        pub fn $name<T: Float>(
            $($p: $t,)*
            kw: i64,
            kh: i64,
            dw: i64,
            dh: i64,
            pad_w: i64,
            pad_h: i64,
            ceil: bool,
            $($($flag: bool,)+)?
        ) -> Result<()> {
            let window = pool::Window { sizes: [kw, kh, dw, dh, pad_w, pad_h], ceil };
            pool::$kernel::<T>($($p,)* window $(, pool::$divisor { $($flag),+ })?)
        }
    )* };
}
poolings! {
    max_pool = max(input: &Tensor, output: &Tensor, indices: &Tensor);
    max_pool_grad = max_grad(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, indices: &Tensor);
    average_pool = average(input: &Tensor, output: &Tensor) Divisor include_pad divide;
    average_pool_grad = average_grad(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor)
        Divisor include_pad divide;
}
