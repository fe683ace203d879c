//! nn.SoftMaxTree.

use crate::lua::prelude::*;
use crate::nn::tree;

/// The methods that Rust computes; Lua builds the tree.
pub static CLASSES: &[Class] = &[class!(
    "nn.SoftMaxTree",
    &[
        form3!(
            "paths",
            "input:T target:tensor *.output:T ._multiBuffer:T .weight:T .bias:T ..",
            floats!(tree::forward)
        ),
        form3!(
            "inputGradient",
            "input:T target:tensor gradOutput:T *._gradInput:T ._multiBuffer:T .weight:T ..",
            floats!(tree::input_gradient)
        ),
        form3!(
            "accumulate",
            "input:T target:tensor gradOutput:T scale:real ._multiBuffer:T .gradWeight:T .gradBias:T ..",
            floats!(tree::accumulate)
        ),
    ],
)];
