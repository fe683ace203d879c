//! Convolutions and poolings.

use crate::lua::prelude::*;
use crate::nn::spatial;

/// A convolution: the classes differ in the sizes of their weights, which the kernels take in both forms.
macro_rules! convolution {
    ($class:literal) => {
        class!(
            $class,
            &[
                convolution!("updateOutput", "input:T *.output:T .weight:T .bias:T=nil", spatial::conv_forward),
                convolution!(
                    "updateGradInput",
                    "input:T gradOutput:T *.gradInput:T=nil .weight:T .output:T",
                    spatial::conv_grad_input
                ),
                convolution!(
                    "accGradParameters",
                    "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil",
                    spatial::conv_acc_grad
                ),
            ],
        )
    };
    ($method:literal, $sig:literal, $($f:ident)::+) => {
        form3!(
            $method,
            concat!(
                $sig,
                " .hasPlanes:bool=false .kW:long .kH:long .dW:long .dH:long .padW:long=nil .padH:long=nil .padding:long=0"
            ),
            floats!($($f)::+)
        )
    };
}

/// A method of a pooling: what it takes, the window, and what else there is.
macro_rules! pooling {
    ($method:literal, $sig:literal, $($f:ident)::+, $more:literal) => {
        form3!(
            $method,
            concat!(
                $sig,
                " .kW:long .kH:long .dW:long .dH:long .padW:long=0 .padH:long=0 .ceil_mode:bool=false ",
                $more
            ),
            floats!($($f)::+)
        )
    };
}

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    convolution!("nn.SpatialConvolution"),
    convolution!("nn.SpatialConvolutionMM"),
    class!(
        "nn.SpatialMaxPooling",
        &[
            pooling!("pool", "input:T *.output:T +.indices:Long", spatial::max_pool, ""),
            pooling!("updateGradInput", "input:T gradOutput:T *.gradInput:T .indices:Long", spatial::max_pool_grad, ""),
        ],
    ),
    class!(
        "nn.SpatialAveragePooling",
        &[
            pooling!(
                "updateOutput",
                "input:T *.output:T",
                spatial::average_pool,
                ".count_include_pad:bool=true .divide:bool=false"
            ),
            pooling!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T",
                spatial::average_pool_grad,
                ".count_include_pad:bool=true .divide:bool=false"
            ),
        ],
    ),
];
