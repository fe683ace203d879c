//! Poolings.

use crate::lua::prelude::*;
use crate::nn::pooling;

/// A class of maxima, whose Lua part calls `pool`.
macro_rules! maxima {
    ($class:literal, $($f:ident)::+, $($g:ident)::+) => {
        class!(
            $class,
            &[
                form3!("pool", "input:T *.output:T +.indices:Long ..", floats!($($f)::+)),
                form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T .indices:Long ..", floats!($($g)::+)),
            ],
        )
    };
}

/// A class whose kernels need its fields alone.
macro_rules! plain {
    ($class:literal, $($f:ident)::+, $($g:ident)::+) => {
        class!(
            $class,
            &[
                form3!("updateOutput", "input:T *.output:T ..", floats!($($f)::+)),
                form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T ..", floats!($($g)::+)),
            ],
        )
    };
}

/// Maxima over windows at random distances, for an output of the given sizes.
macro_rules! fractional {
    ($class:literal, $sizes:literal, $($f:ident)::+, $($g:ident)::+) => {
        class!(
            $class,
            &[
                form3!(
                    "pool",
                    concat!("input:T *.output:T +.indices:Long ", $sizes, " .randomSamples:T .."),
                    floats!($($f)::+)
                ),
                form3!(
                    "gradient",
                    concat!("input:T gradOutput:T *.gradInput:T .indices:Long ", $sizes, " .."),
                    floats!($($g)::+)
                ),
            ],
        )
    };
}

/// A class with a weight and a bias.
macro_rules! subsampling {
    ($class:literal, $module:ident) => {
        class!(
            $class,
            &[
                form3!("updateOutput", "input:T *.output:T .weight:T .bias:T ..", floats!(pooling::$module::forward)),
                form3!(
                    "updateGradInput",
                    "input:T gradOutput:T *.gradInput:T=nil .weight:T ..",
                    floats!(pooling::$module::grad_input)
                ),
                form3!(
                    "accGradParameters",
                    "input:T gradOutput:T scale:real=1 .gradWeight:T .gradBias:T ..",
                    floats!(pooling::$module::acc_grad)
                ),
            ],
        )
    };
}

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    maxima!("nn.SpatialMaxPooling", pooling::spatial_max, pooling::spatial_max_grad),
    maxima!("nn.SpatialDilatedMaxPooling", pooling::spatial_max, pooling::spatial_max_grad),
    maxima!("nn.VolumetricMaxPooling", pooling::volumetric_max, pooling::volumetric_max_grad),
    maxima!("nn.VolumetricDilatedMaxPooling", pooling::volumetric_max, pooling::volumetric_max_grad),
    maxima!("nn.TemporalMaxPooling", pooling::temporal_max, pooling::temporal_max_grad),
    maxima!("nn.SpatialAdaptiveMaxPooling", pooling::adaptive_max, pooling::adaptive_max_grad),
    plain!("nn.SpatialAdaptiveAveragePooling", pooling::adaptive_average, pooling::adaptive_average_grad),
    plain!("nn.SpatialAveragePooling", pooling::spatial_average, pooling::spatial_average_grad),
    plain!("nn.VolumetricAveragePooling", pooling::volumetric_average, pooling::volumetric_average_grad),
    fractional!(
        "nn.SpatialFractionalMaxPooling",
        "width:long height:long",
        pooling::fractional_spatial,
        pooling::fractional_spatial_grad
    ),
    fractional!(
        "nn.VolumetricFractionalMaxPooling",
        "time:long width:long height:long",
        pooling::fractional_volumetric,
        pooling::fractional_volumetric_grad
    ),
    class!(
        "nn.SpatialMaxUnpooling",
        &[
            form3!("unpool", "input:T *.output:T ..", floats!(pooling::spatial_unpooling)),
            form3!("gradient", "input:T gradOutput:T *.gradInput:T ..", floats!(pooling::spatial_unpooling_grad)),
        ],
    ),
    class!(
        "nn.VolumetricMaxUnpooling",
        &[
            form3!("unpool", "input:T *.output:T ..", floats!(pooling::volumetric_unpooling)),
            form3!("gradient", "input:T gradOutput:T *.gradInput:T ..", floats!(pooling::volumetric_unpooling_grad)),
        ],
    ),
    subsampling!("nn.SpatialSubSampling", spatial_subsampling),
    subsampling!("nn.TemporalSubSampling", temporal_subsampling),
];
