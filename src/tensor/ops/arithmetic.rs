//! Arithmetic, elementwise: with a number, with another tensor, and the fused forms. Integers wrap; where C would trap
//! (division by 0, the smallest integer by -1) there is an error.

use crate::maths;
use crate::tensor::Tensor;
use crate::tensor::access::{Blockwise, Dest, Rows, is_written, share};
use crate::tensor::dtype::{Float, Integer, Real};
use crate::tensor::error::{Error, Result};
use crate::tensor::function::Checked;
use crate::tensor::map;
use crate::tensor::simd::vectorize;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Defines `res[i] = f(x[i], v)`.
macro_rules! with_scalar {
    ($($(#[$doc:meta])* $name:ident<$t:ident: $bound:ident>($x:ident, $v:ident) = $body:expr;)*) => { $(
        $(#[$doc])*
        ///
        /// # Errors
        /// A view outside its storage.
        pub fn $name<$t: $bound>(res: &Tensor, x: &Tensor, $v: $t) -> Result<()> {
            res.resize_as_for_result(x)?;
            map::unary(stringify!($name), res, x, 1, #[inline(always)] |$x: $t| -> $t { $body })
        }
    )* };
}
with_scalar! {
    /// x + v
    add_scalar<T: Real>(x, v) = x.add(v);
    /// x - v
    sub_scalar<T: Real>(x, v) = x.sub(v);
    /// x * v
    mul_scalar<T: Real>(x, v) = x.mul(v);
    /// The larger of x and v; the second where the first is nan.
    cmax_scalar<T: Real>(x, v) = if x > v { x } else { v };
    /// The smaller of x and v; the second where the first is nan.
    cmin_scalar<T: Real>(x, v) = if x < v { x } else { v };
    /// Bits of x and v
    bitand<T: Integer>(x, v) = x.and(v);
    /// Bits of x or v
    bitor<T: Integer>(x, v) = x.or(v);
    /// Bits of x exclusive-or v
    bitxor<T: Integer>(x, v) = x.xor(v);
    /// x shifted left by v bits
    lshift<T: Integer>(x, v) = x.shl(v);
    /// x shifted right by v bits, as an unsigned pattern
    rshift<T: Integer>(x, v) = x.shr(v);
}

/// x shifted left: a floating-point number is multiplied by 2^v.
///
/// # Errors
/// A view outside its storage.
pub fn lshift_float<T: Float>(res: &Tensor, x: &Tensor, v: T) -> Result<()> {
    mul_scalar(res, x, T::from_f64(2f64.powf(v.to_f64())))
}

/// x shifted right: a floating-point number is divided by 2^v.
///
/// # Errors
/// A view outside its storage.
pub fn rshift_float<T: Float>(res: &Tensor, x: &Tensor, v: T) -> Result<()> {
    mul_scalar(res, x, T::from_f64(2f64.powf(-v.to_f64())))
}

/// x raised to 0.5: of either zero 0, of either infinity infinity.
#[inline(always)]
fn root<T: Float>(x: T) -> T {
    if x == T::LOWEST { T::HIGHEST } else { x.root().add(T::ZERO) }
}

#[inline(always)]
fn inverse<T: Float>(x: T) -> T {
    T::ONE.div(x).unwrap_or(x)
}

/// x raised to v. Exponents that programs use most take a few operations.
///
/// # Errors
/// A view outside its storage.
pub fn pow_scalar<T: Float>(res: &Tensor, x: &Tensor, v: T) -> Result<()> {
    res.resize_as_for_result(x)?;
    macro_rules! by {
        ($($exponent:literal => |$x:ident| $value:expr;)*) => {
            match v.to_f64() {
                $(e if e == $exponent => map::unary("pow", res, x, 1, #[inline(always)] |$x: T| $value),)*
                _ => map::unary("pow", res, x, 16, Checked(
                    maths!(|m, x: T| x.vpow(v, m)),
                    #[inline(always)] |x: T| x.hard_pow(v),
                    #[inline(always)] |x: T| x.pow(v),
                )),
            }
        };
    }
    by! {
        1.0 => |x| x;
        2.0 => |x| x.mul(x);
        3.0 => |x| x.mul(x).mul(x);
        0.5 => |x| root(x);
        -0.5 => |x| inverse(root(x));
        -1.0 => |x| inverse(x);
        -2.0 => |x| inverse(x).mul(inverse(x));
    }
}

/// v raised to x
///
/// # Errors
/// A view outside its storage.
pub fn pow_of<T: Float>(res: &Tensor, v: T, x: &Tensor) -> Result<()> {
    res.resize_as_for_result(x)?;
    let function = Checked(
        maths!(|m, x: T| v.vpow(x, m)),
        #[inline(always)]
        |x: T| v.hard_pow(x),
        #[inline(always)]
        |x: T| v.pow(x),
    );
    map::unary("pow", res, x, 16, function)
}

/// x raised to y
///
/// # Errors
/// Operands with different numbers of elements.
pub fn cpow_float<T: Float>(res: &Tensor, x: &Tensor, y: &Tensor) -> Result<()> {
    map::same_count("cpow", x, y)?;
    res.resize_as_for_result(x)?;
    let function = Checked(
        maths!(|m, x: T, y: T| x.vpow(y, m)),
        #[inline(always)]
        |x: T, y: T| x.hard_pow(y),
        #[inline(always)]
        |x: T, y: T| x.pow(y),
    );
    map::binary("cpow", res, x, y, function)
}

/// Defines `res[i] = f(x[i], y[i])`.
macro_rules! with_tensor {
    ($($(#[$doc:meta])* $name:ident<$t:ident: $bound:ident>($x:ident, $y:ident) = $body:expr;)*) => { $(
        $(#[$doc])*
        ///
        /// # Errors
        /// Operands with different numbers of elements.
        pub fn $name<$t: $bound>(res: &Tensor, x: &Tensor, y: &Tensor) -> Result<()> {
            map::same_count(stringify!($name), x, y)?;
            res.resize_as_for_result(x)?;
            map::binary(stringify!($name), res, x, y, #[inline(always)] |$x: $t, $y: $t| -> $t { $body })
        }
    )* };
}
with_tensor! {
    /// x * y
    cmul<T: Real>(x, y) = x.mul(y);
    /// x raised to y, of integers
    cpow<T: Integer>(x, y) = x.pow(y);
    /// The larger of x and y; the second where the first is nan.
    cmax<T: Real>(x, y) = if x > y { x } else { y };
    /// The smaller of x and y; the second where the first is nan.
    cmin<T: Real>(x, y) = if x < y { x } else { y };
    /// Bits of x and y
    cbitand<T: Integer>(x, y) = x.and(y);
    /// Bits of x or y
    cbitor<T: Integer>(x, y) = x.or(y);
    /// Bits of x exclusive-or y
    cbitxor<T: Integer>(x, y) = x.xor(y);
    /// x shifted left by y bits
    clshift<T: Integer>(x, y) = x.shl(y);
    /// x shifted right by y bits
    crshift<T: Integer>(x, y) = x.shr(y);
    /// x * 2^y
    clshift_float<T: Float>(x, y) = T::from_f64(x.to_f64() * 2f64.powf(y.to_f64()));
    /// x / 2^y
    crshift_float<T: Float>(x, y) = T::from_f64(x.to_f64() / 2f64.powf(y.to_f64()));
}

/// x + v * y
///
/// # Errors
/// Operands with different numbers of elements.
pub fn add_scaled<T: Real>(res: &Tensor, x: &Tensor, v: T, y: &Tensor) -> Result<()> {
    map::same_count("add", x, y)?;
    res.resize_as_for_result(x)?;
    if !is_written(y) && std::ptr::eq(res, x) && add_unwritten(res, v, y)? {
        return Ok(());
    }
    if v == T::ONE {
        return map::binary(
            "add",
            res,
            x,
            y,
            #[inline(always)]
            |x: T, y: T| x.add(y),
        );
    }
    map::binary(
        "add",
        res,
        x,
        y,
        #[inline(always)]
        move |x: T, y: T| x.add(v.mul(y)),
    )
}

/// Elements of an operand that are computed at a time.
const BLOCK: usize = 1024;

/// Adds `v * y`, of which some elements are not written, to `res`. Whether it did: not where they share memory.
fn add_unwritten<T: Real>(res: &Tensor, v: T, y: &Tensor) -> Result<bool> {
    let Some(from) = Blockwise::<T>::of(y)?.filter(|_| !res.may_overlap(y)) else { return Ok(false) };
    let mut to = Dest::<T>::update(res)?;
    share(Rows::new(&mut to, BLOCK), 2 * BLOCK, |first, rows| {
        let mut computed = [T::ZERO; BLOCK];
        for (i, to) in (first..).zip(rows.into_rows()) {
            let y = &mut computed[..to.len()];
            from.read(i * BLOCK, y);
            vectorize(
                #[inline(always)]
                move || to.iter_mut().zip(y).for_each(|(x, y)| *x = x.add(v.mul(*y))),
            );
        }
    });
    Ok(true)
}

/// x - v * y
///
/// # Errors
/// Operands with different numbers of elements.
pub fn sub_scaled<T: Real>(res: &Tensor, x: &Tensor, v: T, y: &Tensor) -> Result<()> {
    add_scaled(res, x, v.neg(), y)
}

/// Runs an elementwise operation that may trap; a trap anywhere is an error after the loop.
fn trapping(op: &str, f: impl FnOnce(&AtomicBool) -> Result<()>) -> Result<()> {
    let trapped = AtomicBool::new(false);
    f(&trapped)?;
    if trapped.load(Relaxed) {
        return Err(Error::about(op, "integer division by zero, or of the smallest integer by -1"));
    }
    Ok(())
}

/// Defines the three divisions, with a number and with a tensor.
macro_rules! divisions {
    ($($scalar:ident $tensor:ident $method:ident $op:literal;)*) => { $(
        #[doc = concat!("`", $op, "` by a number.")]
        ///
        /// # Errors
        /// Integer division by zero.
        pub fn $scalar<T: Real>(res: &Tensor, x: &Tensor, v: T) -> Result<()> {
            res.resize_as_for_result(x)?;
            trapping($op, |trap| {
                map::unary($op, res, x, 1, #[inline(always)] |x: T| {
                    x.$method(v).unwrap_or_else(|| { trap.store(true, Relaxed); x })
                })
            })
        }
        #[doc = concat!("`", $op, "` by a tensor, elementwise.")]
        ///
        /// # Errors
        /// Integer division by zero, different numbers of elements.
        pub fn $tensor<T: Real>(res: &Tensor, x: &Tensor, y: &Tensor) -> Result<()> {
            map::same_count($op, x, y)?;
            res.resize_as_for_result(x)?;
            trapping($op, |trap| {
                map::binary($op, res, x, y, #[inline(always)] |x: T, y: T| {
                    x.$method(y).unwrap_or_else(|| { trap.store(true, Relaxed); x })
                })
            })
        }
    )* };
}
divisions! {
    div_scalar cdiv div "div";
    fmod_scalar cfmod fmod "fmod";
    remainder_scalar cremainder remainder "remainder";
}

/// res = x + v * y1 * y2
///
/// # Errors
/// Different numbers of elements.
pub fn addcmul<T: Real>(res: &Tensor, x: &Tensor, v: T, a: &Tensor, b: &Tensor) -> Result<()> {
    start(res, x)?;
    map::ternary(
        "addcmul",
        res,
        a,
        b,
        #[inline(always)]
        |r: T, a, b| r.add(v.mul(a).mul(b)),
    )
}

/// res = x + v * y1 / y2
///
/// # Errors
/// Different numbers of elements, integer division by zero.
pub fn addcdiv<T: Real>(res: &Tensor, x: &Tensor, v: T, a: &Tensor, b: &Tensor) -> Result<()> {
    start(res, x)?;
    trapping("addcdiv", |trap| {
        map::ternary(
            "addcdiv",
            res,
            a,
            b,
            #[inline(always)]
            |r: T, a: T, b| {
                r.add(v.mul(a).div(b).unwrap_or_else(|| {
                    trap.store(true, Relaxed);
                    a
                }))
            },
        )
    })
}

/// Makes the result start as a copy of `x`, unless it is `x`.
fn start(res: &Tensor, x: &Tensor) -> Result<()> {
    if std::ptr::eq(res, x) {
        return Ok(());
    }
    res.resize_as_for_result(x)?;
    super::copy::copy(res, x)
}

/// a + weight * (b - a)
///
/// # Errors
/// Different numbers of elements.
pub fn lerp<T: Float>(res: &Tensor, a: &Tensor, b: &Tensor, weight: T) -> Result<()> {
    map::same_count("lerp", a, b)?;
    res.resize_as_for_result(a)?;
    map::binary(
        "lerp",
        res,
        a,
        b,
        #[inline(always)]
        |a: T, b: T| a.add(weight.mul(b.sub(a))),
    )
}

/// Limits to `lo..=hi`.
///
/// # Errors
/// A view outside its storage.
pub fn clamp<T: Real>(res: &Tensor, x: &Tensor, lo: T, hi: T) -> Result<()> {
    res.resize_as_for_result(x)?;
    map::unary(
        "clamp",
        res,
        x,
        1,
        #[inline(always)]
        |x: T| {
            // two selections rather than branches; what is no number stays
            let low = if x > hi { hi } else { x };
            if x < lo { lo } else { low }
        },
    )
}

/// Defines `res[i] = f(x[i])`.
macro_rules! of_one {
    ($($(#[$doc:meta])* $name:ident<$t:ident: $bound:ident>($x:ident) = $body:expr;)*) => { $(
        $(#[$doc])*
        ///
        /// # Errors
        /// A view outside its storage.
        pub fn $name<$t: $bound>(res: &Tensor, x: &Tensor) -> Result<()> {
            res.resize_as_for_result(x)?;
            map::unary(stringify!($name), res, x, 1, #[inline(always)] |$x: $t| -> $t { $body })
        }
    )* };
}
of_one! {
    /// -x
    neg<T: Real>(x) = x.neg();
    /// |x|
    abs<T: Real>(x) = x.abs();
    /// -1, 0 or 1
    sign<T: Real>(x) = if x > T::ZERO { T::ONE } else if x < T::ZERO { T::ONE.neg() } else { T::ZERO };
    /// 1 / x
    cinv<T: Float>(x) = T::ONE.div(x).unwrap_or(x);
}

/// The sign of unsigned numbers: 0 or 1.
///
/// # Errors
/// A view outside its storage.
pub fn sign_byte(res: &Tensor, x: &Tensor) -> Result<()> {
    res.resize_as_for_result(x)?;
    map::unary(
        "sign",
        res,
        x,
        1,
        #[inline(always)]
        |x: u8| u8::from(x > 0),
    )
}
