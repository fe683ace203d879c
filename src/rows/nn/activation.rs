//! Activations, stateless and with options.

use crate::lua::prelude::*;
use crate::nn::activation::{self, gated, shrink, softmax};

/// A class from its two kernels, what the gradient needs to know besides the input, and the fields that both read: `..` for a structure.
macro_rules! both {
    ($class:literal, $($f:ident)::+, $($g:ident)::+, $known:literal, $fields:literal) => {
        class!(
            $class,
            &[
                form3!("updateOutput", concat!("input:T *.output:T ", $fields), floats!($($f)::+)),
                form3!(
                    "updateGradInput",
                    concat!("input:T gradOutput:T *.gradInput:T ", $known, " ", $fields),
                    floats!($($g)::+)
                ),
            ],
        )
    };
}

macro_rules! stateless {
    ($($from:ident $class:literal $f:ident $g:ident: |$m:ident, $x:ident| $e:expr, |$n:ident, $z:ident, $d:ident| $de:expr;)*) => {
        /// The classes of `for_each_activation`.
        pub static STATELESS: &[Class] = &[$(stateless!(@$from $class $f $g)),*];
    };
    (@output $class:literal $f:ident $g:ident) => { both!($class, activation::$f, activation::$g, ".output:T", "") };
    (@input $class:literal $f:ident $g:ident) => { both!($class, activation::$f, activation::$g, "", "") };
}
crate::for_each_activation!(stateless);

/// The classes with options, and those that look at more than one element.
pub static CLASSES: &[Class] = &[
    both!("nn.SoftMax", softmax::softmax, softmax::softmax_grad, ".output:T", ""),
    both!("nn.SoftMin", softmax::softmin, softmax::softmin_grad, ".output:T", ""),
    both!("nn.LogSoftMax", softmax::log_softmax, softmax::log_softmax_grad, ".output:T", ""),
    both!("nn.SpatialSoftMax", softmax::softmax, softmax::softmax_grad, ".output:T", ""),
    both!("nn.SpatialLogSoftMax", softmax::log_softmax, softmax::log_softmax_grad, ".output:T", ""),
    both!("nn.Threshold", activation::threshold, activation::threshold_grad, "", ".."),
    both!("nn.LeakyReLU", activation::leaky, activation::leaky_grad, "", ".."),
    both!("nn.ELU", activation::elu, activation::elu_grad, ".output:T", ".."),
    both!("nn.HardTanh", activation::hard_tanh, activation::hard_tanh_grad, "", ".."),
    both!("nn.ReLU6", activation::hard_tanh, activation::hard_tanh_grad, "", ".."),
    both!("nn.HardShrink", shrink::hard, shrink::grad, "", ".lambda:real"),
    both!("nn.SoftShrink", shrink::soft, shrink::grad, "", ".lambda:real"),
    both!("nn.SoftPlus", shrink::soft_plus, shrink::soft_plus_grad, ".output:T", ".."),
    both!("nn.GatedLinearUnit", gated::gate, gated::gate_grad, "", ".dim:long=nil"),
    both!("nn.CReLU", gated::both_signs, gated::both_signs_grad, "", ".nInputDims:long"),
    class!(
        "nn.RReLU",
        &[
            form3!("updateOutput", "input:T *.output:T +.noise:T generator:gen ..", floats!(gated::random_leaky),),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .noise:T .inplace:bool=false",
                floats!(gated::random_leaky_grad),
            ),
        ],
    ),
    class!(
        "nn.PReLU",
        &[
            form3!("updateOutput", "input:T *.output:T .weight:T", floats!(shrink::prelu)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .weight:T", floats!(shrink::prelu_grad)),
            form3!("accGradParameters", "input:T gradOutput:T scale:real=1 .gradWeight:T", floats!(shrink::prelu_acc)),
        ],
    ),
];
