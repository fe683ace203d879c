//! Borders that repeat or reflect the input.

use crate::lua::prelude::*;
use crate::nn::padding;

macro_rules! padding {
    ($class:literal, $f:ident, $g:ident) => {
        class!(
            $class,
            &[
                form3!("updateOutput", "input:T *.output:T ..", floats!(padding::$f)),
                form3!("updateGradInput", "input:T gradOutput:T *.gradInput:T ..", floats!(padding::$g)),
            ],
        )
    };
}

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    padding!("nn.SpatialReflectionPadding", reflection, reflection_grad),
    padding!("nn.SpatialReplicationPadding", replication, replication_grad),
    padding!("nn.VolumetricReplicationPadding", volumetric_replication, volumetric_replication_grad),
];
