//! Distances and angles. What compares two inputs is called by Lua with both of them.

use crate::lua::prelude::*;
use crate::nn::distance;

/// A class of distances to learned centers; the scales are there in one of them.
macro_rules! centered {
    ($class:literal) => {
        class!(
            $class,
            &[
                form3!(
                    "updateOutput",
                    "input:T *.output:T .weight:T .diagCov:T=nil",
                    floats!(distance::euclidean)
                ),
                form3!(
                    "updateGradInput",
                    "input:T gradOutput:T *.gradInput:T=nil .output:T .weight:T .diagCov:T=nil",
                    floats!(distance::euclidean_grad)
                ),
                form3!(
                    "accGradParameters",
                    "input:T gradOutput:T scale:real=1 .gradWeight:T .output:T .weight:T .diagCov:T=nil .gradDiagCov:T=nil",
                    floats!(distance::euclidean_acc_grad)
                ),
            ],
        )
    };
}

/// A class over two inputs.
macro_rules! between {
    ($class:literal, $f:ident, $g:ident) => {
        class!(
            $class,
            &[
                form3!("compare", "x:T y:T *.output:T", floats!(distance::$f)),
                form3!("gradients", "x:T y:T gradOutput:T gradX:T gradY:T", floats!(distance::$g)),
            ],
        )
    };
}

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    centered!("nn.Euclidean"),
    centered!("nn.WeightedEuclidean"),
    between!("nn.DotProduct", dot, dot_grad),
    between!("nn.CosineDistance", cosine, cosine_grad),
    class!(
        "nn.PairwiseDistance",
        &[
            form3!("compare", "x:T y:T *.output:T .norm:num", floats!(distance::pairwise)),
            form3!(
                "gradients",
                "x:T y:T gradOutput:T gradX:T gradY:T generator:gen .output:T .norm:num",
                floats!(distance::pairwise_grad)
            ),
        ],
    ),
    class!(
        "nn.Cosine",
        &[
            form3!("updateOutput", "input:T *.output:T ..", floats!(distance::angles)),
            form3!(
                "updateGradInput",
                "input:T gradOutput:T *.gradInput:T=nil .output:T ..",
                floats!(distance::angles_grad)
            ),
            form3!(
                "accGradParameters",
                "input:T gradOutput:T scale:real=1 .gradWeight:T .output:T ..",
                floats!(distance::angles_acc_grad)
            ),
        ],
    ),
];
