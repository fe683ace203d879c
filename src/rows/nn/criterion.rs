//! Criteria: `loss` is kept in `output` by Lua.

use crate::lua::prelude::*;
use crate::nn::criterion::{self, classification, ctc, pairwise};

/// A criterion of input and target, from the kernels of its loss and gradient; they take its fields as a structure.
macro_rules! criterion {
    ($class:literal, $gradient:literal, $target:literal, $($f:ident)::+, $($g:ident)::+) => {
        class!(
            $class,
            &[
                form3!("loss", concat!("input:T ", $target, " .."), floats!($($f)::+)),
                form3!($gradient, concat!("input:T ", $target, " *.gradInput:T .."), floats!($($g)::+)),
            ],
        )
    };
    ($class:literal, $($f:ident)::+, $($g:ident)::+) => {
        criterion!($class, "updateGradInput", "target:T", $($f)::+, $($g)::+)
    };
}

/// A criterion of two inputs, whose gradients are given too.
macro_rules! comparing {
    ($class:literal, $($f:ident)::+, $($g:ident)::+, $given:literal) => {
        class!(
            $class,
            &[
                form3!("loss", concat!("input1:T input2:T ", $given, " .."), floats!($($f)::+)),
                form3!(
                    "lossGradients",
                    concat!("gradFirst:T gradSecond:T input1:T input2:T ", $given, " .."),
                    floats!($($g)::+)
                ),
            ],
        )
    };
}

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    criterion!("nn.MSECriterion", criterion::mse, criterion::mse_grad),
    criterion!("nn.AbsCriterion", criterion::abs, criterion::abs_grad),
    criterion!("nn.SmoothL1Criterion", criterion::smooth_l1, criterion::smooth_l1_grad),
    criterion!("nn.SoftMarginCriterion", criterion::soft_margin, criterion::soft_margin_grad),
    criterion!("nn.DistKLDivCriterion", criterion::kl, criterion::kl_grad),
    criterion!("nn.MarginCriterion", criterion::margin, criterion::margin_grad),
    criterion!("nn.HingeEmbeddingCriterion", criterion::hinge_embedding, criterion::hinge_embedding_grad),
    criterion!("nn.BCECriterion", criterion::bce, criterion::bce_grad),
    criterion!("nn.MultiLabelSoftMarginCriterion", criterion::multi_label, criterion::multi_label_grad),
    class!(
        "nn.CTCCriterion",
        &[
            form3!("losses", "input:T labels:Long lengths:Long sizes:Long", floats!(ctc::losses)),
            form3!("lossGradient", "input:T labels:Long lengths:Long sizes:Long gradient:T", floats!(ctc::gradient)),
        ],
    ),
    class!(
        "nn.L1Cost",
        &[
            form3!("loss", "input:T", floats!(criterion::l1)),
            form3!("updateGradInput", "input:T *.gradInput:T", floats!(criterion::l1_grad)),
        ],
    ),
    class!(
        "nn.WeightedMSECriterion",
        &[form3!("weigh", "input:T target:T +.buffer:T .weight:T", floats!(criterion::weigh))],
    ),
    criterion!("nn.ClassNLLCriterion", "lossGradient", "target:tensor", classification::nll, classification::nll_grad),
    criterion!(
        "nn.SpatialClassNLLCriterion",
        "lossGradient",
        "target:tensor",
        classification::spatial_nll,
        classification::spatial_nll_grad
    ),
    criterion!(
        "nn.MultiMarginCriterion",
        "lossGradient",
        "target:tensor",
        classification::multi_margin,
        classification::multi_margin_grad
    ),
    criterion!(
        "nn.MultiLabelMarginCriterion",
        "lossGradient",
        "target:tensor",
        classification::multi_label_margin,
        classification::multi_label_margin_grad
    ),
    comparing!("nn.CosineEmbeddingCriterion", pairwise::cosine, pairwise::cosine_grad, "target:T"),
    comparing!("nn.MarginRankingCriterion", pairwise::ranking, pairwise::ranking_grad, "target:T"),
    comparing!("nn.DistanceRatioCriterion", pairwise::ratio, pairwise::ratio_grad, ""),
    class!(
        "nn.L1HingeEmbeddingCriterion",
        &[
            form3!("loss", "input1:T input2:T target:num .margin:num=1", floats!(pairwise::l1_hinge)),
            form3!(
                "lossGradients",
                "gradFirst:T gradSecond:T input1:T input2:T target:num generator:gen .margin:num=1",
                floats!(pairwise::l1_hinge_grad),
            ),
        ],
    ),
];
