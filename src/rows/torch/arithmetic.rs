//! Arithmetic.
use crate::lua::prelude::*;

/// The types whose magnitude is one.
const WIDE: &[DType] = &[DType::Int, DType::Long, DType::Float, DType::Double];

fn clamp_swapped<T: Real>(res: &Tensor, x: &Tensor, lo: T, hi: T) -> Result<()> {
    arithmetic::clamp(res, x, lo, hi)
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
            traced("*res?:T x@1:T v:real", all!(arithmetic::add_scalar).or(half!(half::add_scalar))),
            traced("*res?:T x@1:T v:real=1 y:T", all!(arithmetic::add_scaled).or(half!(half::add_scaled))),
        ]
    ),
    op!(
        "csub",
        &[
            form("*res?:T x@1:T v:real", all!(arithmetic::sub_scalar)),
            form("*res?:T x@1:T v:real=1 y:T", all!(arithmetic::sub_scaled)),
        ]
    ),
    op!("mul", &[traced("*res?:T x@1:T v:real", all!(arithmetic::mul_scalar))]),
    op!("div", &[traced("*res?:T x@1:T v:real", all!(arithmetic::div_scalar))]),
    op!("fmod", &[form("*res?:T x@1:T v:real", all!(arithmetic::fmod_scalar))]),
    op!("mod", &[form("*res?:T x@1:T v:real", all!(arithmetic::fmod_scalar))]),
    op!("remainder", &[form("*res?:T x@1:T v:real", all!(arithmetic::remainder_scalar))]),
    op!("cmul", &[traced("*res?:T x@1:T y:T", all!(arithmetic::cmul))]),
    op!("cdiv", &[traced("*res?:T x@1:T y:T", all!(arithmetic::cdiv))]),
    op!("cfmod", &[form("*res?:T x@1:T y:T", all!(arithmetic::cfmod))]),
    op!("cmod", &[form("*res?:T x@1:T y:T", all!(arithmetic::cfmod))]),
    op!("cremainder", &[form("*res?:T x@1:T y:T", all!(arithmetic::cremainder))]),
    op!("cpow", &[form("*res?:T x@1:T y:T", ints!(arithmetic::cpow).or(floats!(arithmetic::cpow_float)))]),
    op!(
        "pow",
        &[
            form("*res?:T x@1:T v:real", floats!(arithmetic::pow_scalar)),
            form("*res?:T v:real x:T", floats!(arithmetic::pow_of)),
            form("x:num y:num", floats!(pointwise::pow_numbers)),
        ]
    ),
    op!("addcmul", &[form("*res?:T x@1:T v:real=1 a:T b:T", all!(arithmetic::addcmul))]),
    op!("addcdiv", &[form("*res?:T x@1:T v:real=1 a:T b:T", all!(arithmetic::addcdiv))]),
    op!(
        "lerp",
        &[
            form("*res?:T a@1:T b:T weight:real", floats!(arithmetic::lerp)),
            form("a:num b:num weight:num", floats!(pointwise::lerp_numbers)),
        ]
    ),
    op!("clamp", &[form("*res?:T x@1:T lo:real hi:real", all!(clamp_swapped))]),
    op!("neg", &[form("*res?:T x@1:T", floats!(arithmetic::neg))]),
    op!("cinv", &[form("*res?:T x@1:T", floats!(arithmetic::cinv))]),
    op!("sign", &[form("*res?:T x@1:T", any!(arithmetic::sign_byte).only(&[DType::Byte]).or(all!(arithmetic::sign)))]),
    op!(
        "abs",
        &[
            form("*res?:T x@1:T", all!(arithmetic::abs).only(WIDE).or(half!(half::abs))),
            form("x:num", any!(abs_number).only(WIDE)),
        ]
    ),
    op!(
        "cmax",
        &[
            form("*res?:T x@1:T v:real", all!(arithmetic::cmax_scalar)),
            form("*res?:T x@1:T y:T", all!(arithmetic::cmax)),
        ]
    ),
    op!(
        "cmin",
        &[
            form("*res?:T x@1:T v:real", all!(arithmetic::cmin_scalar)),
            form("*res?:T x@1:T y:T", all!(arithmetic::cmin)),
        ]
    ),
    op!(
        "bitand",
        &[form(
            "*res?:T x@1:T v:real",
            ints!(arithmetic::bitand).or(any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitand")).of(Family::Floating))
        )]
    ),
    op!(
        "bitor",
        &[form(
            "*res?:T x@1:T v:real",
            ints!(arithmetic::bitor).or(any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitor")).of(Family::Floating))
        )]
    ),
    op!(
        "bitxor",
        &[form(
            "*res?:T x@1:T v:real",
            ints!(arithmetic::bitxor).or(any!(|_: &Tensor, _: &Tensor, _: f64| no_bits("bitxor")).of(Family::Floating))
        )]
    ),
    op!(
        "cbitand",
        &[form(
            "*res?:T x@1:T y:T",
            ints!(arithmetic::cbitand)
                .or(any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitand")).of(Family::Floating))
        )]
    ),
    op!(
        "cbitor",
        &[form(
            "*res?:T x@1:T y:T",
            ints!(arithmetic::cbitor)
                .or(any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitor")).of(Family::Floating))
        )]
    ),
    op!(
        "cbitxor",
        &[form(
            "*res?:T x@1:T y:T",
            ints!(arithmetic::cbitxor)
                .or(any!(|_: &Tensor, _: &Tensor, _: &Tensor| no_bits("cbitxor")).of(Family::Floating))
        )]
    ),
    op!("lshift", &[form("*res?:T x@1:T v:real", ints!(arithmetic::lshift).or(floats!(arithmetic::lshift_float)))]),
    op!("rshift", &[form("*res?:T x@1:T v:real", ints!(arithmetic::rshift).or(floats!(arithmetic::rshift_float)))]),
    op!("clshift", &[form("*res?:T x@1:T y:T", ints!(arithmetic::clshift).or(floats!(arithmetic::clshift_float)))]),
    op!("crshift", &[form("*res?:T x@1:T y:T", ints!(arithmetic::crshift).or(floats!(arithmetic::crshift_float)))]),
];
