//! Noise in training.

use crate::lua::prelude::*;
use crate::nn::dropout;

/// The methods that Rust computes.
pub static CLASSES: &[Class] = &[
    class!(
        "nn.Dropout",
        &[form3!("drop", "input:T *.output:T +.noise:T generator:gen ..", floats!(dropout::drop_elements))],
    ),
    class!(
        "nn.WhiteNoise",
        &[form3!("disturb", "input:T *.output:T +.noise:T generator:gen ..", floats!(dropout::add_noise))],
    ),
];
