//! Batch normalization, where `nDim` is a field of the classes, and that of vectors.

use crate::lua::prelude::*;
use crate::nn::normalization;

/// The methods that Rust computes; the spatial and volumetric classes inherit them.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.BatchNormalization",
        &[
            form3!("updateOutput", "input:T *.output:T .weight:T=nil .bias:T=nil ..", floats!(normalization::forward),),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T=nil .weight:T=nil ..",
                floats!(normalization::grad_input),
            ),
            form3!(
                "accGradParameters",
                "input:T gradOutput:T scale:num=1 .gradWeight:T=nil .gradBias:T=nil ..",
                floats!(normalization::acc_grad),
            ),
            form3!(
                "backward",
                "input:T gradOutput:T scale:num=1 *.gradInput:T=nil .weight:T=nil .gradWeight:T=nil .gradBias:T=nil ..",
                floats!(normalization::backward),
            ),
        ],
    ),
    class!(
        "nn.Normalize",
        &[
            form3!("updateOutput", "input:T *.output:T +.norm:T +.normp:T ..", floats!(normalization::normalize)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T=nil .norm:T .normp:T ..",
                floats!(normalization::normalize_grad)
            ),
        ],
    ),
    class!(
        "nn.SpatialCrossMapLRN",
        &[
            form3!("updateOutput", "input:T *.output:T +.scale:T ..", floats!(normalization::cross_map)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T=nil .output:T +.scale:T ..",
                floats!(normalization::cross_map_grad)
            ),
        ],
    ),
    // Lua hands over what the inner modules hold
    class!(
        "nn.LayerNormalization",
        &[
            form3!(
                "normalize",
                "input:T *output:T eps:num by:num scale:T=nil shift:T=nil",
                floats!(normalization::layer)
            ),
            form3!(
                "gradients",
                "input:T gradOutput:T *gradInput:T eps:num by:num scale:T=nil",
                floats!(normalization::layer_grad)
            ),
            form3!(
                "accumulate",
                "input:T gradOutput:T factor:real gradWeight:T gradBias:T eps:num by:num",
                floats!(normalization::layer_acc_grad)
            ),
        ],
    ),
];
