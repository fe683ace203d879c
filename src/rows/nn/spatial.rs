//! Convolutions.

use crate::lua::prelude::*;
use crate::nn::conv;

/// A convolution: the classes differ in the sizes of their weights, which the kernels take in both forms.
macro_rules! convolution {
    ($class:literal) => {
        class!(
            $class,
            &[
                form3!("updateOutput", "input:T *.output:T .weight:T .bias:T=nil ..", floats!(conv::spatial::forward)),
                form3!(
                    "updateGradInput",
                    "input:T gradOutput:T *.gradInput:T=nil .weight:T .output:T ..",
                    floats!(conv::spatial::grad_input)
                ),
                form3!(
                    "accGradParameters",
                    "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil ..",
                    floats!(conv::spatial::acc_grad)
                ),
            ],
        )
    };
}

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[convolution!("nn.SpatialConvolution"), convolution!("nn.SpatialConvolutionMM")];
