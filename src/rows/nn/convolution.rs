//! Convolutions.

use crate::lua::prelude::*;
use crate::nn::convolution::{connected, depthwise, local, planes, temporal};

/// A class from the module of its kernels, which take its fields as a structure.
macro_rules! convolution {
    ($class:literal, $($m:ident)::+) => {
        class!(
            $class,
            &[
                form3!("updateOutput", "input:T *.output:T .weight:T .bias:T=nil ..", floats!($($m)::+::forward)),
                form3!(
                    "updateGradInput",
                    "input:T gradOutput:T *.gradInput:T=nil .weight:T .output:T ..",
                    floats!($($m)::+::grad_input)
                ),
                form3!(
                    "accGradParameters",
                    "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil ..",
                    floats!($($m)::+::acc_grad)
                ),
            ],
        )
    };
    ($class:literal, $bias:literal, $forward:expr, $gradient:expr, $accumulate:expr) => {
        class!(
            $class,
            &[
                form3!("updateOutput", concat!("input:T *.output:T .weight:T .bias:T", $bias, " .."), $forward),
                form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T=nil .weight:T ..", $gradient),
                form3!(
                    "accGradParameters",
                    concat!("input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T", $bias, " .."),
                    $accumulate
                ),
            ],
        )
    };
}

/// The methods that Rust computes. Those of classes that convert their input first have other names.
pub static CLASSES: &[Class] = &[
    convolution!("nn.SpatialConvolution", planes::spatial),
    convolution!("nn.SpatialConvolutionMM", planes::spatial),
    convolution!("nn.SpatialDilatedConvolution", planes::spatial),
    convolution!("nn.VolumetricConvolution", planes::volumetric),
    convolution!("nn.VolumetricDilatedConvolution", planes::volumetric),
    convolution!(
        "nn.SpatialConvolutionMap",
        "",
        floats!(connected::valid::forward),
        floats!(connected::valid::grad_input),
        floats!(connected::valid::acc_grad)
    ),
    convolution!(
        "nn.SpatialFullConvolutionMap",
        "",
        floats!(connected::full::forward),
        floats!(connected::full::grad_input),
        floats!(connected::full::acc_grad)
    ),
    convolution!(
        "nn.SpatialConvolutionLocal",
        "",
        floats!(local::forward),
        floats!(local::grad_input),
        floats!(local::acc_grad)
    ),
    convolution!(
        "nn.SpatialDepthWiseConvolution",
        "=nil",
        floats!(depthwise::forward),
        floats!(depthwise::grad_input),
        floats!(depthwise::acc_grad)
    ),
    convolution!(
        "nn.TemporalConvolution",
        "",
        floats!(temporal::forward),
        floats!(temporal::grad_input),
        floats!(temporal::acc_grad)
    ),
    class!(
        "nn.TemporalRowConvolution",
        &[
            form3!("convolve", "input:T *.output:T .weight:T .bias:T=nil ..", floats!(temporal::row_forward)),
            form3!(
                "gradient",
                "input:T gradOutput:T *.gradInput:T=nil .weight:T ..",
                floats!(temporal::row_grad_input)
            ),
            form3!(
                "accumulate",
                "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil ..",
                floats!(temporal::row_acc_grad)
            ),
        ],
    ),
    class!(
        "nn.SpatialFullConvolution",
        &[
            form3!("convolve", "input:T *.output:T .weight:T .bias:T=nil ..", floats!(planes::full_spatial::forward)),
            form3!(
                "gradient",
                "input:T gradOutput:T *.gradInput:T=nil .weight:T .output:T ..",
                floats!(planes::full_spatial::grad_input)
            ),
            form3!(
                "accumulate",
                "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil ..",
                floats!(planes::full_spatial::acc_grad)
            ),
        ],
    ),
    class!(
        "nn.VolumetricFullConvolution",
        &[
            form3!(
                "convolve",
                "input:T *.output:T .weight:T .bias:T=nil ..",
                floats!(planes::full_volumetric::forward)
            ),
            form3!(
                "gradient",
                "input:T gradOutput:T *.gradInput:T=nil .weight:T .output:T ..",
                floats!(planes::full_volumetric::grad_input)
            ),
            form3!(
                "accumulate",
                "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil ..",
                floats!(planes::full_volumetric::acc_grad)
            ),
        ],
    ),
];
