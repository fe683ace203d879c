//! exp, log, log1p, tanh, sigmoid, sin, cos and pow for inner loops.
//!
//! Every function is straight-line code (arithmetic, bit tricks, selects; no tables, no calls), so that a loop over it
//! becomes vector instructions of whatever level it is compiled for. Results are within 2 ulp of the true value over
//! the whole range; nan, infinities, zeros and subnormal numbers give what libm gives. Kernels are written over an
//! [`Arith`]: fused where [`super::simd`] finds that the processor fuses, so that results may differ by an ulp between
//! machines that do and machines that do not. On one machine an element's result depends on nothing but the element.
//!
//! sin, cos and pow do not hold everywhere. A loop first asks whether any element of a chunk is hard, which is
//! vectorised too, and takes std's functions for those elements of that chunk.

mod arith;
mod explog;
mod power;
mod trig;

pub use arith::{Arith, Fused, Plain};

/// Functions that vectorise.
pub trait VectorMath: Copy {
    /// The largest size for which [`VectorMath::vsin`] and [`VectorMath::vcos`] hold.
    const TRIG_LIMIT: Self;
    /// e to the power of `self`.
    fn vexp<M: Arith>(self, m: M) -> Self;
    /// The natural logarithm.
    fn vlog<M: Arith>(self, m: M) -> Self;
    /// The natural logarithm of `1 + self`.
    fn vlog1p<M: Arith>(self, m: M) -> Self;
    /// The hyperbolic tangent.
    fn vtanh<M: Arith>(self, m: M) -> Self;
    /// `1 / (1 + exp(-self))`.
    fn vsigmoid<M: Arith>(self, m: M) -> Self;
    /// The sine, for sizes up to [`VectorMath::TRIG_LIMIT`]; nan for nan and infinities.
    fn vsin<M: Arith>(self, m: M) -> Self;
    /// The cosine, as [`VectorMath::vsin`].
    fn vcos<M: Arith>(self, m: M) -> Self;
    /// Whether `self` is a finite number too large for [`VectorMath::vsin`] and [`VectorMath::vcos`].
    fn beyond_trig(self) -> bool;
    /// The sine of any number; does not vectorise.
    fn any_sin(self) -> Self;
    /// The cosine of any number; does not vectorise.
    fn any_cos(self) -> Self;
    /// `self` raised to `y`, unless that is hard.
    fn vpow<M: Arith>(self, y: Self, m: M) -> Self;
    /// Whether [`VectorMath::vpow`] does not hold: 0, infinities, nan, subnormal doubles.
    fn hard_pow(self, y: Self) -> bool;
}

macro_rules! implement {
    ($t:ident, $kernel:ident, $plain_sin:ident) => {
        impl VectorMath for $t {
            const TRIG_LIMIT: $t = 1e5;
            #[inline(always)]
            fn vexp<M: Arith>(self, _: M) -> $t {
                explog::$kernel::exp::<M>(self)
            }
            #[inline(always)]
            fn vlog<M: Arith>(self, _: M) -> $t {
                explog::$kernel::log::<M>(self)
            }
            #[inline(always)]
            fn vlog1p<M: Arith>(self, _: M) -> $t {
                explog::$kernel::log1p::<M>(self)
            }
            #[inline(always)]
            fn vtanh<M: Arith>(self, _: M) -> $t {
                explog::$kernel::tanh::<M>(self)
            }
            #[inline(always)]
            fn vsigmoid<M: Arith>(self, _: M) -> $t {
                explog::$kernel::sigmoid::<M>(self)
            }
            #[inline(always)]
            fn vsin<M: Arith>(self, _: M) -> $t {
                let y = if M::FUSED {
                    trig::$kernel::sin_of(self, 0)
                } else {
                    trig::plain::$plain_sin(f64::from(self), 0) as $t
                };
                if self == 0.0 { self } else { y }
            }
            #[inline(always)]
            fn vcos<M: Arith>(self, _: M) -> $t {
                if M::FUSED {
                    trig::$kernel::sin_of(self, 1)
                } else {
                    trig::plain::$plain_sin(f64::from(self), 1) as $t
                }
            }
            #[inline(always)]
            fn beyond_trig(self) -> bool {
                (self.abs() > Self::TRIG_LIMIT) & (self.abs() < $t::INFINITY)
            }
            #[inline]
            fn any_sin(self) -> $t {
                self.sin()
            }
            #[inline]
            fn any_cos(self) -> $t {
                self.cos()
            }
            #[inline(always)]
            fn vpow<M: Arith>(self, y: $t, _: M) -> $t {
                power::$kernel::pow::<M>(self, y)
            }
            #[inline(always)]
            fn hard_pow(self, y: $t) -> bool {
                power::$kernel::hard(self, y)
            }
        }
    };
}

implement!(f64, double, sin_of);
implement!(f32, single, single_sin_of);

#[cfg(test)]
#[path = "vmath_tests.rs"]
mod tests;
