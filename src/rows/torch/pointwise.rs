//! Mathematical functions and comparisons.
use crate::lua::prelude::*;

/// A function on tensors and on numbers.
macro_rules! function {
    ($name:ident) => {
        op!(
            stringify!($name),
            &[form("*res?:T x@1:T", floats!(pointwise::$name)), form("x:num", floats!(pointwise::scalar::$name)),]
        )
    };
}
/// A comparison: with a number or a tensor, into bytes or into the operands' type.
macro_rules! comparison {
    ($name:ident) => {
        op!(
            stringify!($name),
            &[
                form("*res?:Byte x:T v:real", all!(compare::$name::scalar)),
                form("*res:T x:T v:real", all!(compare::$name::scalar_own)),
                form("*res?:Byte x:T y:T", all!(compare::$name::each)),
                form("*res:T x:T y:T", all!(compare::$name::each_own)),
            ]
        )
    };
}
/// The rows.
pub static ROWS: &[Op] = &[
    function!(exp),
    function!(log),
    function!(log1p),
    function!(sqrt),
    function!(rsqrt),
    function!(sin),
    function!(cos),
    function!(tan),
    function!(asin),
    function!(acos),
    function!(atan),
    function!(sinh),
    function!(cosh),
    function!(tanh),
    function!(sigmoid),
    function!(floor),
    function!(ceil),
    function!(round),
    function!(trunc),
    function!(frac),
    op!(
        "atan2",
        &[form("*res?:T y@1:T x:T", floats!(pointwise::atan2)), form("y:num x:num", floats!(pointwise::atan2_numbers)),]
    ),
    comparison!(lt),
    comparison!(gt),
    comparison!(le),
    comparison!(ge),
    comparison!(eq),
    comparison!(ne),
    op!("all", &[form("x:T", any!(compare::all).only(&[DType::Byte]))]),
    op!("any", &[form("x:T", any!(compare::any).only(&[DType::Byte]))]),
    op!("equal", &[form("x:T y:T", every!(compare::equal))]),
];
