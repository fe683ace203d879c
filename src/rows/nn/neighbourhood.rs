//! Normalizations by the neighbourhood of each place; their Lua part calls the methods with the weights of the estimators.

use crate::lua::prelude::*;
use crate::nn::neighbourhood;

/// What a class has: what it does to an input, the gradient of that, and the coefficients that both need.
macro_rules! normalization {
    ($class:literal, $forward:literal, $f:ident, $backward:literal, $g:ident) => {
        class!(
            $class,
            &[
                form3!(
                    "coefficients",
                    "down:T +.coef:T planes:long height:long width:long across:T=nil",
                    floats!(neighbourhood::coefficients)
                ),
                form3!("normalize", $forward, floats!(neighbourhood::$f)),
                form3!("gradient", $backward, floats!(neighbourhood::$g)),
            ],
        )
    };
}

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    normalization!(
        "nn.SpatialSubtractiveNormalization",
        "input:T *.output:T .coef:T down:T across:T=nil",
        subtract,
        "input:T gradOutput:T *.gradInput:T .coef:T down:T across:T=nil",
        subtract_grad
    ),
    normalization!(
        "nn.SpatialDivisiveNormalization",
        "input:T *.output:T +.localstds:T .coef:T down:T across:T=nil ..",
        divide,
        "input:T gradOutput:T *.gradInput:T .localstds:T .coef:T down:T across:T=nil ..",
        divide_grad
    ),
];
