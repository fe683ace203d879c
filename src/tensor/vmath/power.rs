//! Powers of positive and negative numbers: `exp(y log|x|)`, with a logarithm of more digits than the result has.
//!
//! The kernels hold for what [`double::hard`] and [`single::hard`] do not refuse.

use super::arith::{Arith, horner};

const MAGIC: f64 = 1.5 * (1u64 << 52) as f64;
const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// Exponents beyond it give what it gives.
const LARGE: f64 = 1e25;
/// Beyond it e^x is 0 or infinite.
const REACH: f64 = 750.0;

/// A positive normal number as `2^k (1 + f)`, `1 + f` between the roots of 1/2 and 2.
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    const HALF_ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    const MANTISSA: u64 = (1 << 52) - 1;
    let shifted = x.to_bits().wrapping_add(1f64.to_bits() - HALF_ROOT);
    // the exponent put under the point of 2^52 is a number
    let k = f64::from_bits(((1u64 << 52) as f64).to_bits() | (shifted >> 52)) - ((1u64 << 52) + 1023) as f64;
    (k, f64::from_bits((shifted & MANTISSA) + HALF_ROOT) - 1.0)
}

/// `p e^r` for `x + low = n ln 2 + r`, where `series` is `(e^r - 1 - r) / r^2`.
#[inline(always)]
fn exp<M: Arith>(x: f64, low: f64, series: &[f64]) -> f64 {
    const OFFSET: f64 = MAGIC + 2046.0;
    let shifted = M::f64(x, std::f64::consts::LOG2_E, OFFSET);
    let n = shifted - OFFSET;
    let r = M::f64(n, -LN2_HIGH, x) + M::f64(n, -LN2_LOW, low);
    let p = M::f64(r, M::f64(r, horner!(M f64, r, series), 1.0), 1.0);
    let (n, half) = (shifted.to_bits(), shifted.to_bits() >> 1);
    p * f64::from_bits(half << 52) * f64::from_bits(n.wrapping_sub(half) << 52)
}

/// `size` with the sign of `x` to the power of `y`: nan for negative `x` unless `y` is a whole number.
#[inline(always)]
fn signed(size: f64, x: f64, y: f64) -> f64 {
    let half = 0.5 * y;
    let odd = half.trunc() != half;
    let whole = y.trunc() == y;
    let y = if odd { -size } else { size };
    let y = if whole { y } else { f64::NAN };
    if x < 0.0 { y } else { size }
}

/// Powers of doubles.
pub mod double {
    use super::{Arith, LARGE, LN2_HIGH, LN2_LOW, REACH, exp, horner, signed, split};
    const EXP: [f64; 10] = [
        0.5000000000000011,
        0.1666666666666641,
        0.041666666666529184,
        0.00833333333349556,
        0.0013888888943923625,
        0.00019841269504878626,
        2.480149276170725e-05,
        2.7557587256957847e-06,
        2.7630379039924463e-07,
        2.4999988775310957e-08,
    ];
    /// 2/3 in two pieces, the first term of `(2 atanh(s) / s - 2) / s^2`.
    const FIRST: (f64, f64) = (2.0 / 3.0, 3.700743415417188e-17);
    /// The other terms, by `s^2`.
    const REST: [f64; 7] = [
        0.4000000000000227,
        0.2857142857009195,
        0.22222222521345655,
        0.18181784237696882,
        0.15386763502858342,
        0.1325666949333151,
        0.13197744152124238,
    ];

    /// Whether the kernel does not hold.
    #[inline(always)]
    pub fn hard(x: f64, y: f64) -> bool {
        let size = x.abs();
        !(f64::MIN_POSITIVE..f64::INFINITY).contains(&size) | y.is_nan()
    }

    /// The product and what rounding took from it.
    #[inline(always)]
    fn product<M: Arith>(a: f64, b: f64) -> (f64, f64) {
        let p = a * b;
        if M::FUSED {
            return (p, M::f64(a, b, -p));
        }
        // halves of 26 bits, whose products are exact
        let halves = |v: f64| {
            let t = v * 134217729.0;
            let high = t - (t - v);
            (high, v - high)
        };
        let ((ah, al), (bh, bl)) = (halves(a), halves(b));
        (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
    }

    /// The sum of two numbers, the first being larger or 0.
    #[inline(always)]
    fn sum(a: f64, b: f64) -> (f64, f64) {
        let s = a + b;
        (s, (a - s) + b)
    }

    /// The logarithm in two pieces.
    #[inline(always)]
    fn log<M: Arith>(x: f64) -> (f64, f64) {
        let (k, f) = split(x);
        // s = f / (2 + f)
        let (d, d_low) = sum(2.0, f);
        let inverse = 1.0 / d;
        let s = f * inverse;
        let (back, back_low) = product::<M>(s, d);
        let s_low = M::f64(-s, d_low, (f - back) - back_low) * inverse;
        // z = s^2
        let (z, low) = product::<M>(s, s);
        let z_low = M::f64(s + s, s_low, low);
        // w = z (2/3 + ...)
        let (c, c_low) = sum(FIRST.0, z * horner!(M f64, z, REST));
        let (w, low) = product::<M>(z, c);
        let w_low = M::f64(z, c_low + FIRST.1, M::f64(z_low, c, low));
        // log(1 + f) = s (2 + w)
        let (v, low) = sum(2.0, w);
        let v_low = low + w_low;
        let (g, low) = product::<M>(s, v);
        let g_low = M::f64(s, v_low, M::f64(s_low, v, low));
        let (high, low) = sum(k * LN2_HIGH, g);
        (high, low + M::f64(k, LN2_LOW, g_low))
    }

    /// x raised to y
    #[inline(always)]
    pub fn pow<M: Arith>(x: f64, y: f64) -> f64 {
        let (l, l_low) = log::<M>(x.abs());
        let by = if y > LARGE { LARGE } else { y };
        let by = if by < -LARGE { -LARGE } else { by };
        let (e, low) = product::<M>(by, l);
        let low = M::f64(by, l_low, low);
        let low = if e.abs() < REACH { low } else { 0.0 };
        let e = if e > REACH { REACH } else { e };
        let e = if e < -REACH { -REACH } else { e };
        signed(exp::<M>(e, low, &EXP), x, y)
    }
}

/// Powers of floats, by way of doubles.
pub mod single {
    use super::{Arith, LARGE, LN2_HIGH, LN2_LOW, REACH, exp, horner, signed, split};
    const EXP: [f64; 6] = [
        0.5000000068030582,
        0.16666665864173466,
        0.041666293644212996,
        0.008333497740271914,
        0.001394475828165357,
        0.00019790218201475653,
    ];
    const LOG: [f64; 4] = [0.6666666564136375, 0.40000336201538494, 0.28537239493396, 0.23583546997666746];

    /// Whether the kernel does not hold.
    #[inline(always)]
    pub fn hard(x: f32, y: f32) -> bool {
        let size = x.abs();
        !((size > 0.0) & (size < f32::INFINITY)) | y.is_nan()
    }

    /// x raised to y
    #[inline(always)]
    pub fn pow<M: Arith>(x: f32, y: f32) -> f32 {
        let (x, y) = (f64::from(x), f64::from(y));
        let (k, f) = split(x.abs());
        let s = f / (2.0 + f);
        let z = s * s;
        let l = M::f64(k, LN2_HIGH, M::f64(k, LN2_LOW, M::f64(-s, M::f64(-z, horner!(M f64, z, LOG), f), f)));
        let by = if y > LARGE { LARGE } else { y };
        let by = if by < -LARGE { -LARGE } else { by };
        let e = by * l;
        let e = if e > REACH { REACH } else { e };
        let e = if e < -REACH { -REACH } else { e };
        signed(exp::<M>(e, 0.0, &EXP), x, y) as f32
    }
}
