//! Products of inputs: mixtures of experts.

use crate::lua::prelude::*;
use crate::nn::products;

/// The methods that Rust computes, of tables of experts and of tensors whose slices are experts.
pub static CLASSES: &[Class] = &[class!(
    "nn.MixtureTable",
    &[
        form3!("mix", "gate:T experts:T[] *.output:T", floats!(products::mixture)),
        form3!("gateGradient", "gate:T experts:T[] gradOutput:T gradGate:T", floats!(products::mixture_gate_grad)),
        form3!("expertGradient", "gate:T gradOutput:T i:index gradient:T", floats!(products::mixture_expert_grad)),
        form3!("mixSlices", "gate:T experts:T *.output:T d:index", floats!(products::mixed_slices)),
        form3!(
            "sliceGradients",
            "gate:T experts:T gradOutput:T gradGate:T gradExperts:T d:index",
            floats!(products::mixed_slices_grad)
        ),
    ],
)];
