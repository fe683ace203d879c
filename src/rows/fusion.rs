//! Programs of elementwise steps, for `lua/nngraph/fusion.lua`.

use crate::lua::prelude::*;
use crate::nn::fusion;

/// The classes of activations that programs have, with a `+` before those whose gradient is computed from the output.
fn classes() -> Result<Vec<String>> {
    Ok(fusion::CLASSES.iter().map(|(name, output)| format!("{}{name}", if *output { "+" } else { "" })).collect())
}

/// The rows.
pub static ROWS: &[Op] =
    &[func!("run", &[form("inputs:T[] program:T rows:long columns:long outputs:T[]", floats!(fusion::run))])];
/// What programs have.
pub static ACTIVATIONS: &[Op] = &[func!("classes", &[form("", any!(classes))])];
