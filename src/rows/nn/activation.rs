//! Activations, SoftMax and LogSoftMax.

use crate::lua::prelude::*;
use crate::nn::{activation, shrink, softmax};

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.Tanh",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::tanh)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .output:T", floats!(activation::tanh_grad)),
        ],
    ),
    class!(
        "nn.Sigmoid",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::sigmoid)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .output:T",
                floats!(activation::sigmoid_grad)
            ),
        ],
    ),
    class!(
        "nn.Sqrt",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::sqrt)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .output:T", floats!(activation::sqrt_grad)),
        ],
    ),
    class!(
        "nn.SoftMax",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(softmax::softmax)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .output:T", floats!(softmax::softmax_grad)),
        ],
    ),
    class!(
        "nn.LogSoftMax",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(softmax::log_softmax)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .output:T",
                floats!(softmax::log_softmax_grad),
            ),
        ],
    ),
    class!(
        "nn.Abs",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::abs)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T", floats!(activation::abs_grad)),
        ],
    ),
    class!(
        "nn.Square",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::square)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T", floats!(activation::square_grad)),
        ],
    ),
    class!(
        "nn.SoftSign",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::soft_sign)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T", floats!(activation::soft_sign_grad)),
        ],
    ),
    class!(
        "nn.Threshold",
        &[
            form3!(
                "updateOutput",
                "input:T *.output:T .threshold:real .val:real .inplace:bool=false",
                floats!(activation::threshold),
            ),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .threshold:real .inplace:bool=false",
                floats!(activation::threshold_grad),
            ),
        ],
    ),
    class!(
        "nn.LeakyReLU",
        &[
            form3!("updateOutput", "input:T *.output:T .negval:real .inplace:bool=false", floats!(activation::leaky)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .negval:real .inplace:bool=false",
                floats!(activation::leaky_grad),
            ),
        ],
    ),
    class!(
        "nn.ELU",
        &[
            form3!("updateOutput", "input:T *.output:T .alpha:real .inplace:bool=false", floats!(activation::elu)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .output:T .alpha:real .inplace:bool=false",
                floats!(activation::elu_grad),
            ),
        ],
    ),
    class!(
        "nn.HardTanh",
        &[
            form3!(
                "updateOutput",
                "input:T *.output:T .min_val:real .max_val:real .inplace:bool=false",
                floats!(activation::hard_tanh),
            ),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .min_val:real .max_val:real .inplace:bool=false",
                floats!(activation::hard_tanh_grad),
            ),
        ],
    ),
    class!(
        "nn.Log",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::log)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T", floats!(activation::log_grad)),
        ],
    ),
    class!(
        "nn.LogSigmoid",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::log_sigmoid)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T", floats!(activation::log_sigmoid_grad)),
        ],
    ),
    class!(
        "nn.Exp",
        &[
            form3!("updateOutput", "input:T *.output:T", floats!(activation::exp)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .output:T", floats!(activation::exp_grad)),
        ],
    ),
    class!(
        "nn.ReLU6",
        &[
            form3!(
                "updateOutput",
                "input:T *.output:T .min_val:real .max_val:real .inplace:bool=false",
                floats!(activation::hard_tanh),
            ),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .min_val:real .max_val:real .inplace:bool=false",
                floats!(activation::hard_tanh_grad),
            ),
        ],
    ),
    class!(
        "nn.HardShrink",
        &[
            form3!("updateOutput", "input:T *.output:T .lambda:real", floats!(shrink::hard)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .lambda:real", floats!(shrink::grad)),
        ],
    ),
    class!(
        "nn.SoftShrink",
        &[
            form3!("updateOutput", "input:T *.output:T .lambda:real", floats!(shrink::soft)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .lambda:real", floats!(shrink::grad)),
        ],
    ),
    class!(
        "nn.SoftPlus",
        &[
            form3!("updateOutput", "input:T *.output:T .beta:real .threshold:real", floats!(shrink::soft_plus)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .output:T .beta:real .threshold:real",
                floats!(shrink::soft_plus_grad),
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
