//! Criteria: `loss` is kept in `output` by Lua.

use crate::lua::prelude::*;
use crate::nn::criterion;

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.MSECriterion",
        &[
            form3!("loss", "input:T target:T .sizeAverage:bool=true", floats!(criterion::mse)),
            form3!(
                "updateGradInput",
                "input:T target:T *.gradInput:T .sizeAverage:bool=true",
                floats!(criterion::mse_grad),
            ),
        ],
    ),
    class!(
        "nn.AbsCriterion",
        &[
            form3!("loss", "input:T target:T .sizeAverage:bool=true", floats!(criterion::abs)),
            form3!(
                "updateGradInput",
                "input:T target:T *.gradInput:T .sizeAverage:bool=true",
                floats!(criterion::abs_grad),
            ),
        ],
    ),
    class!(
        "nn.SmoothL1Criterion",
        &[
            form3!("loss", "input:T target:T .sizeAverage:bool=true", floats!(criterion::smooth_l1)),
            form3!(
                "updateGradInput",
                "input:T target:T *.gradInput:T .sizeAverage:bool=true",
                floats!(criterion::smooth_l1_grad),
            ),
        ],
    ),
    class!(
        "nn.BCECriterion",
        &[
            form3!("loss", "input:T target:T .sizeAverage:bool=true weights:T=nil", floats!(criterion::bce)),
            form3!(
                "lossGradient",
                "input:T target:T *.gradInput:T .sizeAverage:bool=true weights:T=nil",
                floats!(criterion::bce_grad),
            ),
        ],
    ),
    class!(
        "nn.ClassNLLCriterion",
        &[
            form3!(
                "loss",
                "input:T target:tensor .sizeAverage:bool=true .weights:T=nil .ignoreIndex:long=-100",
                floats!(criterion::class_nll),
            ),
            form3!(
                "lossGradient",
                "input:T target:tensor *.gradInput:T .sizeAverage:bool=true .weights:T=nil .ignoreIndex:long=-100",
                floats!(criterion::class_nll_grad),
            ),
        ],
    ),
    class!(
        "nn.MarginCriterion",
        &[
            form3!("loss", "input:T target:T .sizeAverage:bool=true .margin:num=1", floats!(criterion::margin)),
            form3!(
                "updateGradInput",
                "input:T target:T *.gradInput:T .sizeAverage:bool=true .margin:real=1",
                floats!(criterion::margin_grad),
            ),
        ],
    ),
];
