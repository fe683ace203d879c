//! Arithmetic.
use crate::lua::prelude::*;

/// The types whose magnitude is one.
const WIDE: &[DType] = &[DType::Int, DType::Long, DType::Float, DType::Double];

fn clamp_swapped<T: Real>(res: &Tensor, x: &Tensor, lo: T, hi: T) -> Result<()> {
    arith::clamp(res, x, lo, hi)
}

/// The magnitude of a number.
fn abs_number(x: f64) -> Result<f64> {
    Ok(x.abs())
}

/// Floating-point types have the methods of bits, as in Torch7, and refuse them.
fn no_bits(name: &str) -> Result<()> {
    refuse!(in name, "only tensors of integers have bits")
}

/// The rows.
pub static ROWS: &[Op] = &[
    op!(
        "add",
        &[
            form("*res?:T x@1:T v:real", all!(arith::add_scalar).or(half!(halves::add_scalar))),
            form("*res?:T x@1:T v:real=1 y:T", all!(arith::add_scaled).or(half!(halves::add_scaled))),
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
    op!("cpow", &[form("*res?:T x@1:T y:T", ints!(arith::cpow).or(floats!(arith::cpow_float)))]),
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
    op!("sign", &[form("*res?:T x@1:T", any!(arith::sign_byte).only(&[DType::Byte]).or(all!(arith::sign)))]),
    op!(
        "abs",
        &[
            form("*res?:T x@1:T", all!(arith::abs).only(WIDE).or(half!(halves::abs))),
            form("x:num", any!(abs_number).only(WIDE)),
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
            ints!(arith::bitand).or(any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitand")).of(Family::Floating))
        )]
    ),
    op!(
        "bitor",
        &[form(
            "*res?:T x@1:T v:real",
            ints!(arith::bitor).or(any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitor")).of(Family::Floating))
        )]
    ),
    op!(
        "bitxor",
        &[form(
            "*res?:T x@1:T v:real",
            ints!(arith::bitxor).or(any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitxor")).of(Family::Floating))
        )]
    ),
    op!(
        "cbitand",
        &[form(
            "*res?:T x@1:T y:T",
            ints!(arith::cbitand)
                .or(any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitand")).of(Family::Floating))
        )]
    ),
    op!(
        "cbitor",
        &[form(
            "*res?:T x@1:T y:T",
            ints!(arith::cbitor).or(any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitor")).of(Family::Floating))
        )]
    ),
    op!(
        "cbitxor",
        &[form(
            "*res?:T x@1:T y:T",
            ints!(arith::cbitxor)
                .or(any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitxor")).of(Family::Floating))
        )]
    ),
    op!("lshift", &[form("*res?:T x@1:T v:real", ints!(arith::lshift).or(floats!(arith::lshift_float)))]),
    op!("rshift", &[form("*res?:T x@1:T v:real", ints!(arith::rshift).or(floats!(arith::rshift_float)))]),
    op!("clshift", &[form("*res?:T x@1:T y:T", ints!(arith::clshift).or(floats!(arith::clshift_float)))]),
    op!("crshift", &[form("*res?:T x@1:T y:T", ints!(arith::crshift).or(floats!(arith::crshift_float)))]),
];
