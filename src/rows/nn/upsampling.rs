//! Larger planes and volumes; Lua gives the sizes of the output.

use crate::lua::prelude::*;
use crate::nn::upsampling;

macro_rules! nearest {
    () => {
        (
            form3!("repeated", "input:T *.output:T dims:long factor:long", floats!(upsampling::nearest)),
            form3!(
                "repeatedGradient",
                "input:T gradOutput:T *.gradInput:T dims:long factor:long",
                floats!(upsampling::nearest_grad)
            ),
        )
    };
}
macro_rules! bilinear {
    () => {
        (
            form3!("bilinear", "input:T *.output:T height:long width:long", floats!(upsampling::bilinear)),
            form3!(
                "bilinearGradient",
                "input:T gradOutput:T *.gradInput:T height:long width:long",
                floats!(upsampling::bilinear_grad)
            ),
        )
    };
}

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    class!("nn.SpatialUpSamplingNearest", &[nearest!().0, nearest!().1]),
    class!("nn.SpatialUpSamplingBilinear", &[bilinear!().0, bilinear!().1]),
    class!(
        "nn.UpSampling",
        &[
            nearest!().0,
            nearest!().1,
            bilinear!().0,
            bilinear!().1,
            form3!("trilinear", "input:T *.output:T depth:long height:long width:long", floats!(upsampling::trilinear)),
            form3!(
                "trilinearGradient",
                "input:T gradOutput:T *.gradInput:T depth:long height:long width:long",
                floats!(upsampling::trilinear_grad)
            ),
        ],
    ),
];
