//! exp, log and what is made of them, for both widths. The series are minimax polynomials (`src/tensor/vmath/minimax.py`).

use super::arith::{Arith, horner};

/// What differs between the two widths: the format's bits, ln 2 in two pieces of which products of the first with an
/// exponent are exact, where functions overflow, vanish and are flat, series.
macro_rules! kernel {
    ($name:ident, $t:ident, $u:ident, bits $bits:literal, bias $bias:literal, ln2 $hi:literal $lo:literal $rest:literal,
     half_root $half_root:literal, lowest $lowest:literal, highest $highest:literal, flat $flat:literal,
     tiny_scale $tiny:literal, exp $exp:expr, log $log:expr) => {
        #[doc = concat!("Kernels for ", stringify!($t), ".")]
        pub mod $name {
            use super::{Arith, horner};
            type T = $t;
            type U = $u;
            const BITS: u32 = $bits;
            /// Adding it leaves the nearest whole number in the low bits.
            const MAGIC: T = 1.5 * (1u64 << BITS) as T;
            const LN2: T = std::$t::consts::LN_2;
            const LN2_HIGH: T = T::from_bits($hi);
            const LN2_LOW: T = T::from_bits($lo);
            /// What [`LN2`] lacks.
            const LN2_REST: T = $rest;
            const ONE: U = (1.0 as T).to_bits();
            /// `(exp(r) - 1 - r) / r^2`
            const EXP: &[T] = &$exp;
            /// `(2 atanh(s) / s - 2) / s^2` by `s^2`
            const LOG: &[T] = &$log;

            /// `x` as `n ln 2 + r`: gives the bits of `n + offset` in the low bits of a number, `n`, and `r`.
            #[inline(always)]
            fn split_exp<M: Arith>(x: T, offset: T) -> (U, T, T) {
                let shifted = M::$t(x, std::$t::consts::LOG2_E, MAGIC + offset);
                let n = shifted - (MAGIC + offset);
                let r = if M::FUSED { M::$t(n, -LN2, x) } else { x - n * LN2_HIGH };
                (shifted.to_bits(), n, r)
            }

            /// e^x for `x` above the lowest that matters.
            #[inline(always)]
            fn exp_clamped<M: Arith>(x: T) -> T {
                // twice the bias, so that both halves are biased exponents; only one of them may leave the range
                let (n, whole, r) = split_exp::<M>(x, 2.0 * $bias as T);
                let r = M::$t(whole, if M::FUSED { -LN2_REST } else { -LN2_LOW }, r);
                let p = M::$t(r, M::$t(r, horner!(M $t, r, EXP), 1.0), 1.0);
                let half = n >> 1;
                p * T::from_bits(half << BITS) * T::from_bits(n.wrapping_sub(half) << BITS)
            }

            /// e^x
            #[inline(always)]
            pub fn exp<M: Arith>(x: T) -> T {
                let x = if x > $highest { $highest } else { x };
                exp_clamped::<M>(if x < $lowest { $lowest } else { x })
            }

            /// `-t / (t + 2)` with `t = exp(-2|x|) - 1`, less most of what rounding did to `t` and to `t + 2`.
            #[inline(always)]
            pub fn tanh<M: Arith>(x: T) -> T {
                let size = x.abs();
                let size = if size > $flat { $flat } else { size };
                let (n, whole, r) = split_exp::<M>(-2.0 * size, $bias as T);
                let p = if M::FUSED {
                    M::$t(r * r, horner!(M $t, r, EXP), r)
                } else {
                    let (high, r) = (r, r - whole * LN2_LOW);
                    r + (r * r * horner!(M $t, r, EXP) + ((high - r) - whole * LN2_LOW))
                };
                let scale = T::from_bits(n << BITS);
                let t = M::$t(scale, p, scale - 1.0);
                let t_lost = M::$t(scale, p, (scale - 1.0) - t);
                let d = -2.0 - t;
                let d_lost = ((-2.0 - d) - t) - t_lost;
                let q = t / d;
                // -1/d lies between 1/2, where most would remain, and 1
                M::$t(M::$t(-q, d_lost, t_lost), -0.55, q).copysign(x)
            }

            /// `1/(1 + e)` or `e/(1 + e)` with `e = exp(-|x|)`, less most of what the rounding of `1 + e` did to it.
            #[inline(always)]
            pub fn sigmoid<M: Arith>(x: T) -> T {
                let y = -x.abs();
                let e = exp_clamped::<M>(if y < $lowest { $lowest } else { y });
                let d = 1.0 + e;
                let lost = e - (d - 1.0);
                let q = (if x < 0.0 { e } else { 1.0 }) / d;
                M::$t(q, -lost, q)
            }

            /// A positive normal number as `2^k (1 + f)`, `1 + f` between the roots of 1/2 and 2: gives the bits of
            /// `2^k` with anything for a mantissa, and `f`.
            #[inline(always)]
            fn split_log(x: T) -> (U, T) {
                let shifted = x.to_bits().wrapping_add(ONE - $half_root);
                (shifted, T::from_bits((shifted & ((1 << BITS) - 1)) + $half_root) - 1.0)
            }

            /// The exponent in some bits, less `bias`, as a number.
            #[inline(always)]
            fn exponent(bits: U, bias: T) -> T {
                // put under the point of 2^BITS it is a number
                T::from_bits(((1u64 << BITS) as T).to_bits() | (bits >> BITS)) - ((1u64 << BITS) as T + bias)
            }

            /// `k ln 2 + log(1 + f)`. With `s = f/(2 + f)`, `f - s f` is `2 s`, the first term of the series by `s`.
            #[inline(always)]
            fn join_log<M: Arith>(k: T, f: T) -> T {
                let s = f / (2.0 + f);
                let z = s * s;
                let less = M::$t(-z, horner!(M $t, z, LOG), f);
                if M::FUSED {
                    M::$t(k, LN2, M::$t(-s, less, f))
                } else {
                    k * LN2_HIGH + (f - (s * less - k * LN2_LOW))
                }
            }

            /// The natural logarithm.
            #[inline(always)]
            pub fn log<M: Arith>(x: T) -> T {
                let tiny = x < T::MIN_POSITIVE;
                let normal = if tiny { x * (1u64 << $tiny) as T } else { x };
                let (bits, f) = split_log(normal);
                let k = exponent(bits, if tiny { ($bias + $tiny) as T } else { $bias as T });
                let y = join_log::<M>(k, f);
                let y = if x == 0.0 { T::NEG_INFINITY } else { y };
                let y = if x < T::INFINITY { y } else { x };
                if x >= 0.0 { y } else { T::NAN }
            }

            /// The natural logarithm of `1 + x`.
            #[inline(always)]
            pub fn log1p<M: Arith>(x: T) -> T {
                let u = 1.0 + x;
                // what rounding took from u
                let part = u - 1.0;
                let lost = (1.0 - (u - part)) + (x - part);
                let (bits, f) = split_log(u);
                let k = exponent(bits, $bias as T);
                // 2^(1-k): 0 for the largest, where nothing was lost that matters
                const ALL: U = ((2 * $bias + 1) as U) << BITS;
                let scale = T::from_bits(ALL.wrapping_sub(bits & !((1 << BITS) - 1)));
                let f = if k == 0.0 { x } else { M::$t(0.5 * lost, scale, f) };
                let y = join_log::<M>(k, f);
                let y = if x == 0.0 { x } else { y };
                let y = if x == -1.0 { T::NEG_INFINITY } else { y };
                let y = if x < T::INFINITY { y } else { x };
                if x >= -1.0 { y } else { T::NAN }
            }
        }
    };
}

kernel!(double, f64, u64, bits 52, bias 1023, ln2 0x3fe6_2e42_fee0_0000 0x3dea_39ef_3579_3c76 2.3190468138462996e-17,
half_root 0x3fe6_a09e_667f_3bcd, lowest -750.0, highest 710.0, flat 20.0, tiny_scale 54,
exp [
    0.5000000000000011, 0.1666666666666641, 0.041666666666529184, 0.00833333333349556, 0.0013888888943923625,
    0.00019841269504878626, 2.480149276170725e-05, 2.7557587256957847e-06, 2.7630379039924463e-07,
    2.4999988775310957e-08,
],
log [
    0.6666666666666735, 0.3999999999941111, 0.285714287432593, 0.22222198476224614, 0.1818356973255225,
    0.15313903309494908, 0.14797508217556193,
]);

kernel!(single, f32, u32, bits 23, bias 127, ln2 0x3f31_7180 0x3717_f7d2 -1.904654299957768e-09,
    half_root 0x3f35_04f3, lowest -105.0, highest 89.0, flat 10.0, tiny_scale 25,
    exp [0.4999999403953552, 0.1666651964187622, 0.04166839271783829, 0.0083687799051404, 0.0013814496342092752],
    log [0.6666677594184875, 0.399774968624115, 0.2987305819988251]);
