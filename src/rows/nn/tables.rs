//! Elementwise modules over tables of inputs.

use crate::lua::prelude::*;
use crate::nn::tables;

/// The methods that Rust computes; Lua makes one gradient for each input.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.CAddTable",
        &[
            form3!("updateOutput", "input:T[] *.output:T .inplace:bool=false", floats!(tables::sum)),
            form3!("copies", "input:T[] gradOutput:T gradients:T[]", floats!(tables::sum_grads)),
        ],
    ),
    class!(
        "nn.CMulTable",
        &[
            form3!("updateOutput", "input:T[] *.output:T", floats!(tables::product)),
            form3!("others", "input:T[] gradOutput:T gradients:T[]", floats!(tables::product_grads)),
        ],
    ),
    class!(
        "nn.CDivTable",
        &[
            form3!("updateOutput", "input:T[] *.output:T", floats!(tables::quotient)),
            form3!("quotients", "input:T[] gradOutput:T above:T below:T", floats!(tables::quotient_grad)),
        ],
    ),
    class!(
        "nn.CMaxTable",
        &[
            form3!("updateOutput", "input:T[] *.output:T +.maxIdx:T .least:bool=false", floats!(tables::extreme)),
            form3!("chosen", "input:T[] gradOutput:T index:T gradients:T[]", floats!(tables::extreme_grads)),
        ],
    ),
    class!(
        "nn.CMinTable",
        &[
            form3!("updateOutput", "input:T[] *.output:T +.minIdx:T .least:bool=true", floats!(tables::extreme)),
            form3!("chosen", "input:T[] gradOutput:T index:T gradients:T[]", floats!(tables::extreme_grads)),
        ],
    ),
    class!(
        "nn.SplitTable",
        &[
            form3!("slices", "input:tensor dim:index", any!(tables::slices)),
            form3!("join", "input:T gradOutput:T[] dim:index .gradInput:T", every!(tables::join)),
        ],
    ),
];
