//! Mathematical functions, elementwise.

use crate::maths;
use crate::tensor::Tensor;
use crate::tensor::dtype::{Element, Float};
use crate::tensor::error::Result;
use crate::tensor::function::Checked;
use crate::tensor::map;

/// One line per function: its value for an element (in an arithmetic, for those of `vmath`), for a double, what a call
/// costs in elements of simple work, and where it is hard, the value there.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident($($v:ident),+) = $value:expr, $double:expr, $cost:literal
        $(, $hard:expr => $instead:expr)?;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// A view outside its storage.
            pub fn $name<T: Float>(res: &Tensor, x: &Tensor) -> Result<()> {
                res.resize_as_for_result(x)?;
                functions!(@call (stringify!($name), res, x, $cost) T $value, $($v),+ $(, $hard => $instead)?)
            }
        )*
        /// The same functions on a number; rounded to single precision where that is the default type.
        pub mod scalar {
            $(
                /// See the function on tensors.
                ///
                /// # Errors
                /// None.
                pub fn $name<T: super::Float>(x: f64) -> super::Result<f64> {
                    let f: fn(f64) -> f64 = $double;
                    Ok(<T as super::Element>::from_f64(f(x)).to_f64())
                }
            )*
        }
    };
    (@call ($($args:expr),*) $t:ident $value:expr, $x:ident) => {
        map::unary($($args,)* #[inline(always)] |$x: $t| -> $t { $value })
    };
    (@call ($($args:expr),*) $t:ident $value:expr, $m:ident, $x:ident) => {
        map::unary($($args,)* maths!(|$m, $x: $t| $value))
    };
    (@call ($($args:expr),*) $t:ident $value:expr, $m:ident, $x:ident, $hard:expr => $instead:expr) => {
        map::unary($($args,)* Checked(
            maths!(|$m, $x: $t| $value),
            #[inline(always)] |$x: $t| -> bool { $hard },
            #[inline(always)] |$x: $t| -> $t { $instead },
        ))
    };
}
functions! {
    /// e^x
    exp(m, x) = x.vexp(m), f64::exp, 8;
    /// Natural logarithm
    log(m, x) = x.vlog(m), f64::ln, 8;
    /// ln(1 + x)
    log1p(m, x) = x.vlog1p(m), f64::ln_1p, 8;
    /// Square root
    sqrt(x) = x.via(f32::sqrt, f64::sqrt), f64::sqrt, 2;
    /// 1 / sqrt(x)
    rsqrt(x) = x.via(|x| 1.0 / f32::sqrt(x), |x| 1.0 / f64::sqrt(x)), |x| 1.0 / f64::sqrt(x), 2;
    /// Sine
    sin(m, x) = x.vsin(m), f64::sin, 8, x.beyond_trig() => x.any_sin();
    /// Cosine
    cos(m, x) = x.vcos(m), f64::cos, 8, x.beyond_trig() => x.any_cos();
    /// Tangent
    tan(x) = x.via(f32::tan, f64::tan), f64::tan, 8;
    /// Arc sine
    asin(x) = x.via(f32::asin, f64::asin), f64::asin, 8;
    /// Arc cosine
    acos(x) = x.via(f32::acos, f64::acos), f64::acos, 8;
    /// Arc tangent
    atan(x) = x.via(f32::atan, f64::atan), f64::atan, 8;
    /// Hyperbolic sine
    sinh(x) = x.via(f32::sinh, f64::sinh), f64::sinh, 8;
    /// Hyperbolic cosine
    cosh(x) = x.via(f32::cosh, f64::cosh), f64::cosh, 8;
    /// Hyperbolic tangent
    tanh(m, x) = x.vtanh(m), f64::tanh, 8;
    /// 1 / (1 + e^-x)
    sigmoid(m, x) = x.vsigmoid(m), |x| 1.0 / (1.0 + f64::exp(-x)), 8;
    /// Largest integer not above
    floor(x) = x.via(f32::floor, f64::floor), f64::floor, 1;
    /// Smallest integer not below
    ceil(x) = x.via(f32::ceil, f64::ceil), f64::ceil, 1;
    /// Nearest integer, halves away from zero
    round(x) = x.via(f32::round, f64::round), f64::round, 1;
    /// Towards zero
    trunc(x) = x.via(f32::trunc, f64::trunc), f64::trunc, 1;
    /// What trunc takes away
    frac(x) = x.via(|x| x - f32::trunc(x), |x| x - f64::trunc(x)), |x| x - f64::trunc(x), 1;
    /// Magnitude
    abs(x) = x.via(f32::abs, f64::abs), f64::abs, 1;
}

/// Angle of the point (y, x).
///
/// # Errors
/// Different numbers of elements.
pub fn atan2<T: Float>(res: &Tensor, y: &Tensor, x: &Tensor) -> Result<()> {
    map::same_count("atan2", y, x)?;
    res.resize_as_for_result(y)?;
    map::binary(
        "atan2",
        res,
        y,
        x,
        #[inline(always)]
        |y: T, x: T| T::from_f64(y.to_f64().atan2(x.to_f64())),
    )
}

/// Angle of a point given as numbers.
///
/// # Errors
/// None.
pub fn atan2_numbers<T: Float>(y: f64, x: f64) -> Result<f64> {
    Ok(T::from_f64(y.atan2(x)).to_f64())
}

/// x raised to y, of numbers.
///
/// # Errors
/// None.
pub fn pow_numbers<T: Float>(x: f64, y: f64) -> Result<f64> {
    Ok(T::from_f64(x.powf(y)).to_f64())
}

/// a + weight * (b - a), of numbers.
///
/// # Errors
/// None.
pub fn lerp_numbers<T: Float>(a: f64, b: f64, weight: f64) -> Result<f64> {
    Ok(T::from_f64(a + weight * (b - a)).to_f64())
}
