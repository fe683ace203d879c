//! Linear layers of sparse inputs; Lua brings their inputs into one form.

use crate::lua::prelude::*;
use crate::nn::sparse;

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.SparseLinear",
        &[
            form3!("combine", "input:T[] *.output:T .weight:T .bias:T", floats!(sparse::forward)),
            form3!(
                "accumulate",
                "input:T[] gradOutput:T scale:real .gradWeight:T .gradBias:T .weight:T .weightDecay:real=0",
                floats!(sparse::acc_grad)
            ),
            form3!("updateColumns", "input:T[] rate:real .weight:T .gradWeight:T", floats!(sparse::update)),
            form3!("zeroColumns", "input:T[] .gradWeight:T", floats!(sparse::zero)),
        ],
    ),
    class!(
        "nn.IndexLinear",
        &[
            form3!(
                "combine",
                "values:T keys:Long sizes:Long *.output:T .weight:T .bias:T +.normalizedValues:T ..",
                floats!(sparse::indexed)
            ),
            form3!(
                "gradients",
                "values:T gradOutput:T keys:Long sizes:Long scale:real *into:T .gradBias:T .weight:T ..",
                floats!(sparse::indexed_grad)
            ),
            form3!(
                "step",
                "gradients:T keys:Long rate:real .weightDecay:real=0 .weight:T ..",
                floats!(sparse::indexed_step)
            ),
        ],
    ),
];
