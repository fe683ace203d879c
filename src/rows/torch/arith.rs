//! Arithmetic.
use super::with_half;
use crate::lua::prelude::*;

/// Columns of two functions, one for integers and one for fractions.
const fn either(i: crate::lua::call::Column, f: crate::lua::call::Column) -> crate::lua::call::Column {
    [i[0], i[1], i[2], i[3], i[4], f[5], f[6], None]
}
/// A column with another kernel for Byte.
const fn byte_apart(c: crate::lua::call::Column, byte: crate::lua::call::Column) -> crate::lua::call::Column {
    [byte[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]
}
/// The column of Int, Long, Float and Double.
const fn wide(c: crate::lua::call::Column) -> crate::lua::call::Column {
    [None, None, None, c[3], c[4], c[5], c[6], None]
}
fn clamp_swapped<T: Real>(res: &Tensor, x: &Tensor, lo: T, hi: T) -> Result<()> {
    arith::clamp(res, x, lo, hi)
}

/// The magnitude of a number.
fn abs_number(x: f64) -> Result<f64> {
    Ok(x.abs())
}

/// Fractions have the methods of bits, as in Torch7, and refuse them.
fn no_bits(name: &str) -> Result<()> {
    refuse!(in name, "only tensors of integers have bits")
}

/// The rows.
pub static ROWS: &[Op] = &[
    op!(
        "add",
        &[
            form("*res?:T x@1:T v:real", with_half(all!(arith::add_scalar), any!(halves::add_scalar))),
            form("*res?:T x@1:T v:real=1 y:T", with_half(all!(arith::add_scaled), any!(halves::add_scaled))),
        ]
    ),
    op!(
        "csub",
        &[
            form("*res?:T x@1:T v:real", all!(arith::sub_scalar)),
            form("*res?:T x@1:T v:real=1 y:T", all!(arith::sub_scaled)),
        ]
    ),
    op!("mul", &[form("*res?:T x@1:T v:real", all!(arith::mul_scalar))]),
    op!("div", &[form("*res?:T x@1:T v:real", all!(arith::div_scalar))]),
    op!("fmod", &[form("*res?:T x@1:T v:real", all!(arith::fmod_scalar))]),
    op!("mod", &[form("*res?:T x@1:T v:real", all!(arith::fmod_scalar))]),
    op!("remainder", &[form("*res?:T x@1:T v:real", all!(arith::remainder_scalar))]),
    op!("cmul", &[form("*res?:T x@1:T y:T", all!(arith::cmul))]),
    op!("cdiv", &[form("*res?:T x@1:T y:T", all!(arith::cdiv))]),
    op!("cfmod", &[form("*res?:T x@1:T y:T", all!(arith::cfmod))]),
    op!("cmod", &[form("*res?:T x@1:T y:T", all!(arith::cfmod))]),
    op!("cremainder", &[form("*res?:T x@1:T y:T", all!(arith::cremainder))]),
    op!("cpow", &[form("*res?:T x@1:T y:T", either(ints!(arith::cpow), floats!(arith::cpow_float)))]),
    op!(
        "pow",
        &[
            form("*res?:T x@1:T v:real", floats!(arith::pow_scalar)),
            form("*res?:T v:real x:T", floats!(arith::pow_of)),
            form("x:num y:num", floats!(pointwise::pow_numbers)),
        ]
    ),
    op!("addcmul", &[form("*res?:T x@1:T v:real=1 a:T b:T", all!(arith::addcmul))]),
    op!("addcdiv", &[form("*res?:T x@1:T v:real=1 a:T b:T", all!(arith::addcdiv))]),
    op!(
        "lerp",
        &[
            form("*res?:T a@1:T b:T weight:real", floats!(arith::lerp)),
            form("a:num b:num weight:num", floats!(pointwise::lerp_numbers)),
        ]
    ),
    op!("clamp", &[form("*res?:T x@1:T lo:real hi:real", all!(clamp_swapped))]),
    op!("neg", &[form("*res?:T x@1:T", floats!(arith::neg))]),
    op!("cinv", &[form("*res?:T x@1:T", floats!(arith::cinv))]),
    op!("sign", &[form("*res?:T x@1:T", byte_apart(all!(arith::sign), any!(arith::sign_byte)))]),
    op!(
        "abs",
        &[
            form("*res?:T x@1:T", with_half(wide(all!(arith::abs)), any!(halves::abs))),
            form("x:num", wide(any!(abs_number))),
        ]
    ),
    op!(
        "cmax",
        &[form("*res?:T x@1:T v:real", all!(arith::cmax_scalar)), form("*res?:T x@1:T y:T", all!(arith::cmax)),]
    ),
    op!(
        "cmin",
        &[form("*res?:T x@1:T v:real", all!(arith::cmin_scalar)), form("*res?:T x@1:T y:T", all!(arith::cmin)),]
    ),
    op!(
        "bitand",
        &[form(
            "*res?:T x@1:T v:real",
            either(ints!(arith::bitand), any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitand")))
        )]
    ),
    op!(
        "bitor",
        &[form(
            "*res?:T x@1:T v:real",
            either(ints!(arith::bitor), any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitor")))
        )]
    ),
    op!(
        "bitxor",
        &[form(
            "*res?:T x@1:T v:real",
            either(ints!(arith::bitxor), any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitxor")))
        )]
    ),
    op!(
        "cbitand",
        &[form(
            "*res?:T x@1:T y:T",
            either(ints!(arith::cbitand), any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitand")))
        )]
    ),
    op!(
        "cbitor",
        &[form(
            "*res?:T x@1:T y:T",
            either(ints!(arith::cbitor), any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitor")))
        )]
    ),
    op!(
        "cbitxor",
        &[form(
            "*res?:T x@1:T y:T",
            either(ints!(arith::cbitxor), any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitxor")))
        )]
    ),
    op!("lshift", &[form("*res?:T x@1:T v:real", either(ints!(arith::lshift), floats!(arith::lshift_float)))]),
    op!("rshift", &[form("*res?:T x@1:T v:real", either(ints!(arith::rshift), floats!(arith::rshift_float)))]),
    op!("clshift", &[form("*res?:T x@1:T y:T", either(ints!(arith::clshift), floats!(arith::clshift_float)))]),
    op!("crshift", &[form("*res?:T x@1:T y:T", either(ints!(arith::crshift), floats!(arith::crshift_float)))]),
];
