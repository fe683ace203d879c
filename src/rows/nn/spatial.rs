//! Poolings.

use crate::lua::prelude::*;
use crate::nn::pool;

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.SpatialMaxPooling",
        &[
            form3!("pool", "input:T *.output:T +.indices:Long ..", floats!(pool::max)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .indices:Long ..", floats!(pool::max_grad)),
        ],
    ),
    class!(
        "nn.SpatialAveragePooling",
        &[
            form3!("updateOutput", "input:T *.output:T ..", floats!(pool::average)),
            form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T ..", floats!(pool::average_grad)),
        ],
    ),
];
