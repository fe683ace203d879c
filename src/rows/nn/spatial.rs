//! Convolutions and poolings.

use crate::lua::prelude::*;
use crate::nn::spatial;

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.SpatialConvolution",
        &[
            form3!(
                "updateOutput",
                "input:T *.output:T .weight:T .bias:T=nil .kW:long .kH:long .dW:long .dH:long .padW:long=nil .padH:long=nil .padding:long=0",
                floats!(spatial::conv_forward),
            ),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T=nil .weight:T .kW:long .kH:long .dW:long .dH:long .padW:long=nil .padH:long=nil .padding:long=0",
                floats!(spatial::conv_grad_input),
            ),
            form3!(
                "accGradParameters",
                "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil .kW:long .kH:long .dW:long .dH:long .padW:long=nil .padH:long=nil .padding:long=0",
                floats!(spatial::conv_acc_grad),
            ),
        ],
    ),
    class!(
        "nn.SpatialConvolutionMM",
        &[
            form3!(
                "updateOutput",
                "input:T *.output:T .weight:T .bias:T=nil .kW:long .kH:long .dW:long .dH:long .padW:long=nil .padH:long=nil .padding:long=0",
                floats!(spatial::conv_forward),
            ),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T=nil .weight:T .kW:long .kH:long .dW:long .dH:long .padW:long=nil .padH:long=nil .padding:long=0",
                floats!(spatial::conv_grad_input),
            ),
            form3!(
                "accGradParameters",
                "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil .kW:long .kH:long .dW:long .dH:long .padW:long=nil .padH:long=nil .padding:long=0",
                floats!(spatial::conv_acc_grad),
            ),
        ],
    ),
    class!(
        "nn.SpatialMaxPooling",
        &[
            form3!(
                "pool",
                "input:T *.output:T +.indices:Long .kW:long .kH:long .dW:long .dH:long .padW:long=0 .padH:long=0 .ceil_mode:bool=false",
                floats!(spatial::max_pool),
            ),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .indices:Long .kW:long .kH:long .dW:long .dH:long .padW:long=0 .padH:long=0 .ceil_mode:bool=false",
                floats!(spatial::max_pool_grad),
            ),
        ],
    ),
    class!(
        "nn.SpatialAveragePooling",
        &[
            form3!(
                "updateOutput",
                "input:T *.output:T .kW:long .kH:long .dW:long .dH:long .padW:long=0 .padH:long=0 .ceil_mode:bool=false .count_include_pad:bool=true .divide:bool=false",
                floats!(spatial::average_pool),
            ),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .kW:long .kH:long .dW:long .dH:long .padW:long=0 .padH:long=0 .ceil_mode:bool=false .count_include_pad:bool=true .divide:bool=false",
                floats!(spatial::average_pool_grad),
            ),
        ],
    ),
];
