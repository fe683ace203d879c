//! nn.LookupTable.

use crate::lua::prelude::*;
use crate::nn::lookup;

/// The methods that Rust computes; Lua brings the row numbers into a LongTensor first.
pub static CLASSES: &[Class] = &[class!(
    "nn.LookupTable",
    &[
        form3!("rows", "weight:T numbers:Long *.output:T", floats!(lookup::rows)),
        form3!("shorten", "weight:T numbers:Long ..", floats!(lookup::shorten)),
        form3!("accRows", "gradOutput:T numbers:Long scale:real=1 .gradWeight:T ..", floats!(lookup::acc_grad),),
    ],
)];
