//! nn.Linear.

use crate::lua::prelude::*;
use crate::nn::linear;

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[class!(
    "nn.Linear",
    &[
        form3!("updateOutput", "input:T *.output:T .weight:T .bias:T=nil +.addBuffer:T", floats!(linear::forward)),
        form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T=nil .weight:T", floats!(linear::grad_input)),
        form3!(
            "accGradParameters",
            "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T=nil",
            floats!(linear::acc_grad),
        ),
    ],
)];
