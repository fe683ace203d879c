//! exp, log, log1p, tanh, sigmoid, sin and cos for inner loops.
//!
//! Every function is straight-line code (arithmetic, bit tricks, selects; no tables, no calls, no fused
//! multiply-add), so that a loop over it becomes vector instructions of whatever level it is compiled for, with the
//! same results on all of them. Results are within 2 ulp of the true value over the whole range; nan, infinities,
//! zeros and subnormal numbers give what libm gives.
//!
//! sin and cos hold up to [`VectorMath::TRIG_LIMIT`]. A loop first asks whether any element is beyond it (one pass
//! of [`VectorMath::beyond_trig`], joined by `|`, which is vectorised too), and takes std's functions for that run
//! if so.

/// Functions that vectorise.
pub trait VectorMath: Copy {
    /// The largest size for which [`VectorMath::vsin`] and [`VectorMath::vcos`] hold.
    const TRIG_LIMIT: Self;
    /// e to the power of `self`.
    fn vexp(self) -> Self;
    /// The natural logarithm.
    fn vlog(self) -> Self;
    /// The natural logarithm of `1 + self`.
    fn vlog1p(self) -> Self;
    /// The hyperbolic tangent.
    fn vtanh(self) -> Self;
    /// `1 / (1 + exp(-self))`.
    fn vsigmoid(self) -> Self;
    /// The sine, for sizes up to [`VectorMath::TRIG_LIMIT`]; nan for nan and infinities.
    fn vsin(self) -> Self;
    /// The cosine, as [`VectorMath::vsin`].
    fn vcos(self) -> Self;
    /// Whether `self` is a finite number too large for [`VectorMath::vsin`] and [`VectorMath::vcos`].
    fn beyond_trig(self) -> bool;
    /// The sine of any number; does not vectorise.
    fn any_sin(self) -> Self;
    /// The cosine of any number; does not vectorise.
    fn any_cos(self) -> Self;
}

/// `c[0] + x * (c[1] + x * (...))`.
macro_rules! horner {
    ($x:expr, $c:expr) => {{
        let (x, c) = ($x, &$c);
        let mut sum = c[c.len() - 1];
        let mut i = c.len() - 1;
        while i > 0 {
            i -= 1;
            sum = sum * x + c[i];
        }
        sum
    }};
}

/// What differs between the two widths: the format's bits, constants split so that products are exact, series.
macro_rules! kernel {
    ($name:ident, $t:ident, $u:ident, bits $bits:literal, bias $bias:literal, ln2 $hi:literal $lo:literal,
     half_root $half_root:literal, lowest $lowest:literal, highest $highest:literal, flat $flat:literal,
     tiny_scale $tiny:literal, exp $exp:expr, log $log:expr) => {
        mod $name {
            type T = $t;
            type U = $u;
            const BITS: u32 = $bits;
            /// Adding it leaves the nearest whole number in the low bits.
            const MAGIC: T = 1.5 * (1u64 << BITS) as T;
            const LN2_HIGH: T = T::from_bits($hi);
            const LN2_LOW: T = T::from_bits($lo);
            /// 1/2!, 1/3!, ...
            const EXP: &[T] = &$exp;
            /// 2/3, 2/5, 2/7, ...
            const LOG: &[T] = &$log;

            #[inline(always)]
            fn whole(x: T) -> T {
                (x + MAGIC) - MAGIC
            }

            /// 2 to a whole number that is in the range of exponents.
            #[inline(always)]
            fn power_of_two(n: T) -> T {
                T::from_bits((n + MAGIC).to_bits().wrapping_add($bias) << BITS)
            }

            /// `x` as `n ln 2 + r`; gives `n` and `exp(r) - 1`.
            #[inline(always)]
            fn split_exp(x: T) -> (T, T) {
                let n = whole(x * std::$t::consts::LOG2_E);
                let high = x - n * LN2_HIGH;
                let low = n * LN2_LOW;
                let r = high - low;
                let lost = (high - r) - low;
                (n, r + (r * (r * horner!(r, EXP) + lost) + lost))
            }

            #[inline(always)]
            pub fn exp(x: T) -> T {
                let x = if x > $highest { $highest } else { x };
                let x = if x < $lowest { $lowest } else { x };
                let (n, p) = split_exp(x);
                let half = whole(n * 0.5);
                (1.0 + p) * power_of_two(half) * power_of_two(n - half)
            }

            /// `t / (t + 2)` with `t = exp(2|x|) - 1`, less what the rounding of `t + 2` did to it.
            #[inline(always)]
            pub fn tanh(x: T) -> T {
                let size = x.abs();
                let size = if size > $flat { $flat } else { size };
                let (n, p) = split_exp(2.0 * size);
                let scale = power_of_two(n);
                let t = scale * p + (scale - 1.0);
                let d = t + 2.0;
                let lost = if t > 2.0 { 2.0 - (d - t) } else { t - (d - 2.0) };
                let q = t / d;
                // 1/d is (1 - q)/2
                (q - q * lost * (0.5 * (1.0 - q))).copysign(x)
            }

            /// `1/(1 + e)` or `e/(1 + e)` with `e = exp(-|x|)`, less what the rounding of `1 + e` did to it.
            #[inline(always)]
            pub fn sigmoid(x: T) -> T {
                let e = exp(-x.abs());
                let negative = x < 0.0;
                let d = 1.0 + e;
                let lost = e - (d - 1.0);
                let q = if negative { e } else { 1.0 } / d;
                let inverse = if negative { 1.0 - q } else { q };
                q - q * lost * inverse
            }

            /// A positive normal number as `k` and `f` with `2^k (1 + f)`, `1 + f` between the roots of 1/2 and 2.
            #[inline(always)]
            fn split_log(x: T) -> (T, T) {
                const ONE: U = (1.0 as T).to_bits();
                let shifted = x.to_bits().wrapping_add(ONE - $half_root);
                // the biased exponent, put under the point of 2^BITS, is a number
                let k =
                    T::from_bits(((1u64 << BITS) as T).to_bits() | (shifted >> BITS)) - ((1u64 << BITS) + $bias) as T;
                let f = T::from_bits((shifted & ((1 << BITS) - 1)) + $half_root) - 1.0;
                (k, f)
            }

            /// `k ln 2 + log(1 + f) + extra`.
            #[inline(always)]
            fn join_log(k: T, f: T, extra: T) -> T {
                let half_square = 0.5 * f * f;
                let s = f / (2.0 + f);
                let z = s * s;
                let rest = z * horner!(z, LOG);
                let low = s * (half_square + rest) + (k * LN2_LOW + extra);
                k * LN2_HIGH + (f - (half_square - low))
            }

            #[inline(always)]
            pub fn log(x: T) -> T {
                let tiny = x < T::MIN_POSITIVE;
                let normal = if tiny { x * (1u64 << $tiny) as T } else { x };
                let (k, f) = split_log(normal);
                let k = if tiny { k - $tiny as T } else { k };
                let y = join_log(k, f, 0.0);
                let y = if x == 0.0 { T::NEG_INFINITY } else { y };
                let y = if x == T::INFINITY { x } else { y };
                if x >= 0.0 { y } else { T::NAN }
            }

            #[inline(always)]
            pub fn log1p(x: T) -> T {
                let u = 1.0 + x;
                let (k, f) = split_log(u);
                // what rounding took from u
                let lost = if u >= 2.0 { 1.0 - (u - x) } else { x - (u - 1.0) };
                let near = (x > -0.29) & (x < 0.41);
                let (k, f) = if near { (0.0, x) } else { (k, f) };
                let y = join_log(k, f, if near { 0.0 } else { lost / u });
                let y = if x == 0.0 { x } else { y };
                let y = if x == -1.0 { T::NEG_INFINITY } else { y };
                let y = if x == T::INFINITY { x } else { y };
                if x >= -1.0 { y } else { T::NAN }
            }
        }
    };
}

kernel!(double, f64, u64, bits 52, bias 1023, ln2 0x3fe6_2e42_fee0_0000 0x3dea_39ef_3579_3c76,
half_root 0x3fe6_a09e_667f_3bcd, lowest -750.0, highest 710.0, flat 30.0, tiny_scale 54,
exp [
    1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0, 1.0 / 40320.0, 1.0 / 362880.0,
    1.0 / 3628800.0, 1.0 / 39916800.0, 1.0 / 479001600.0, 1.0 / 6227020800.0,
],
log [
    2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0, 2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0, 2.0 / 19.0,
    2.0 / 21.0,
]);

kernel!(single, f32, u32, bits 23, bias 127, ln2 0x3f31_7180 0x3717_f7d2,
    half_root 0x3f35_04f3, lowest -105.0, highest 89.0, flat 15.0, tiny_scale 25,
    exp [1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0],
    log [2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0]);

/// Sine and cosine.
mod trig {
    const MAGIC: f64 = 1.5 * (1u64 << 52) as f64;
    /// Half of pi in pieces of 33 bits, whose products with a whole number up to 2^20 are exact, and what is left.
    const PIECES: [f64; 3] = [
        f64::from_bits(0x3ff9_21fb_5440_0000),
        f64::from_bits(0x3dd0_b461_1a60_0000),
        f64::from_bits(0x3ba3_198a_2e00_0000),
    ];
    const LEFT: f64 = f64::from_bits(0x397b_839a_2520_49c1);
    /// -1/3!, 1/5!, -1/7!, ...
    const SIN: [f64; 8] = [
        -1.0 / 6.0,
        1.0 / 120.0,
        -1.0 / 5040.0,
        1.0 / 362880.0,
        -1.0 / 39916800.0,
        1.0 / 6227020800.0,
        -1.0 / 1307674368000.0,
        1.0 / 355687428096000.0,
    ];
    /// 1/4!, -1/6!, 1/8!, ...
    const COS: [f64; 7] = [
        1.0 / 24.0,
        -1.0 / 720.0,
        1.0 / 40320.0,
        -1.0 / 3628800.0,
        1.0 / 479001600.0,
        -1.0 / 87178291200.0,
        1.0 / 20922789888000.0,
    ];

    /// The exact sum, rounded, and what rounding lost.
    #[inline(always)]
    fn two_sum(a: f64, b: f64) -> (f64, f64) {
        let sum = a + b;
        let part = sum - a;
        (sum, (a - (sum - part)) + (b - part))
    }

    /// The low bits of the nearest multiple of half pi, and the distance to it in two pieces.
    #[inline(always)]
    fn reduce(x: f64) -> (u64, f64, f64) {
        let shifted = x * std::f64::consts::FRAC_2_PI + MAGIC;
        let n = shifted - MAGIC;
        let (a, lost) = two_sum(x - n * PIECES[0], -(n * PIECES[1]));
        let (b, lost_too) = two_sum(a, -(n * PIECES[2]));
        let low = (lost + lost_too) - n * LEFT;
        let high = b + low;
        (shifted.to_bits(), high, (b - high) + low)
    }

    /// The sine of `x` plus `quarters` right angles.
    #[inline(always)]
    pub fn sin_of(x: f64, quarters: u64) -> f64 {
        let (n, high, low) = reduce(x);
        let n = n.wrapping_add(quarters);
        let z = high * high;
        let sin = high + (low * (1.0 - 0.5 * z) + high * z * horner!(z, SIN));
        let half = 0.5 * z;
        let head = 1.0 - half;
        let cos = head + (((1.0 - head) - half) + (z * z * horner!(z, COS) - high * low));
        let y = if n & 1 == 0 { sin } else { cos };
        f64::from_bits(y.to_bits() ^ ((n & 2) << 62))
    }

    /// As [`sin_of`], for the accuracy of a float.
    #[inline(always)]
    pub fn single_sin_of(x: f64, quarters: u64) -> f64 {
        let shifted = x * std::f64::consts::FRAC_2_PI + MAGIC;
        let n = shifted - MAGIC;
        let r = (x - n * PIECES[0]) - n * PIECES[1];
        let n = shifted.to_bits().wrapping_add(quarters);
        let z = r * r;
        let sin = r + r * z * horner!(z, SIN[..5]);
        let cos = 1.0 - z * (0.5 - z * horner!(z, COS[..4]));
        let y = if n & 1 == 0 { sin } else { cos };
        f64::from_bits(y.to_bits() ^ ((n & 2) << 62))
    }
}

macro_rules! implement {
    ($t:ident, $kernel:ident, $sin:ident) => {
        impl VectorMath for $t {
            const TRIG_LIMIT: $t = 1e5;
            #[inline(always)]
            fn vexp(self) -> $t {
                $kernel::exp(self)
            }
            #[inline(always)]
            fn vlog(self) -> $t {
                $kernel::log(self)
            }
            #[inline(always)]
            fn vlog1p(self) -> $t {
                $kernel::log1p(self)
            }
            #[inline(always)]
            fn vtanh(self) -> $t {
                $kernel::tanh(self)
            }
            #[inline(always)]
            fn vsigmoid(self) -> $t {
                $kernel::sigmoid(self)
            }
            #[inline(always)]
            fn vsin(self) -> $t {
                let y = trig::$sin(f64::from(self), 0) as $t;
                if self == 0.0 { self } else { y }
            }
            #[inline(always)]
            fn vcos(self) -> $t {
                trig::$sin(f64::from(self), 1) as $t
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
        }
    };
}

implement!(f64, double, sin_of);
implement!(f32, single, single_sin_of);

#[cfg(test)]
#[path = "vmath_tests.rs"]
mod tests;
