//! p-norms of windows.

use crate::lua::prelude::*;
use crate::nn::featurepooling;

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.SpatialLPPooling",
        &[
            form3!("norms", "input:T *.output:T power:num ..", floats!(featurepooling::spatial)),
            form3!(
                "gradient",
                "input:T gradOutput:T *.gradInput:T .output:T power:num ..",
                floats!(featurepooling::spatial_grad)
            ),
        ],
    ),
    class!(
        "nn.FeatureLPPooling",
        &[
            form3!("updateOutput", "input:T *.output:T ..", floats!(featurepooling::features)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T .output:T ..",
                floats!(featurepooling::features_grad)
            ),
        ],
    ),
];
