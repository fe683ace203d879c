//! Sine and cosine.

use super::arith::{Arith, Fused, Plain, horner};

/// The kernel over fused products. The first difference of the reduction is exact; the others round once each what is
/// left, however much has cancelled.
macro_rules! fused {
    ($name:ident, $t:ident, $u:ident, bits $bits:literal, pieces $pieces:expr, sin $sin:expr, cos $cos:expr) => {
        #[doc = concat!("Fused kernel for ", stringify!($t), ".")]
        pub mod $name {
            use super::{Arith, Fused as M, horner};
            type T = $t;
            const MAGIC: T = 1.5 * (1u64 << $bits) as T;
            const PIECES: [T; 3] = $pieces;
            /// `(sin(r) / r - 1) / r^2` by `r^2`
            pub(super) const SIN: &[T] = &$sin;
            /// `(cos(r) - 1 + r^2 / 2) / r^4` by `r^2`
            pub(super) const COS: &[T] = &$cos;

            /// The sine of `x` plus `quarters` right angles.
            #[inline(always)]
            pub fn sin_of(x: T, quarters: $u) -> T {
                let shifted = M::$t(x, std::$t::consts::FRAC_2_PI, MAGIC);
                let n = shifted - MAGIC;
                let r = M::$t(n, -PIECES[2], M::$t(n, -PIECES[1], M::$t(n, -PIECES[0], x)));
                let n = shifted.to_bits().wrapping_add(quarters);
                let z = r * r;
                let sin = M::$t(r * z, horner!(M $t, z, SIN), r);
                let head = M::$t(z, -0.5, 1.0);
                let lost = M::$t(z, -0.5, 1.0 - head);
                let cos = head + M::$t(z * z, horner!(M $t, z, COS), lost);
                let y = if n & 1 == 0 { sin } else { cos };
                T::from_bits(y.to_bits() ^ ((n & 2) << ($u::BITS - 2)))
            }
        }
    };
}

fused!(double, f64, u64, bits 52,
pieces [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33],
sin [
    -0.1666666666666663, 0.008333333333322063, -0.0001984126982954269, 2.7557313604537327e-06,
    -2.5050745037532088e-08, 1.5896067410689068e-10,
],
cos [
    0.041666666666666595, -0.0013888888888872978, 2.4801587288800692e-05, -2.7557314164147127e-07,
    2.0875698728783984e-09, -1.1358424422968518e-11,
]);

fused!(single, f32, u32, bits 23,
    pieces [1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15],
    sin [-0.16666655242443085, 0.00833215843886137, -0.00019514959421940148],
    cos [0.04166664555668831, -0.0013887312961742282, 2.4432787540717982e-05]);

/// The kernels over rounded products: floats go through doubles.
pub mod plain {
    use super::{Arith, Plain as M, double, horner, single};
    const MAGIC: f64 = 1.5 * (1u64 << 52) as f64;
    /// Half of pi in pieces of 33 bits, whose products with a whole number up to 2^20 are exact, and what is left.
    const PIECES: [f64; 3] = [
        f64::from_bits(0x3ff9_21fb_5440_0000),
        f64::from_bits(0x3dd0_b461_1a60_0000),
        f64::from_bits(0x3ba3_198a_2e00_0000),
    ];
    const LEFT: f64 = f64::from_bits(0x397b_839a_2520_49c1);

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
        let sin = high + (low * (1.0 - 0.5 * z) + high * z * horner!(M f64, z, double::SIN));
        let half = 0.5 * z;
        let head = 1.0 - half;
        let cos = head + (((1.0 - head) - half) + (z * z * horner!(M f64, z, double::COS) - high * low));
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
        let [s, c] = [single::SIN, single::COS].map(|c| [f64::from(c[0]), f64::from(c[1]), f64::from(c[2])]);
        let sin = r + r * z * horner!(M f64, z, s);
        let cos = 1.0 - z * (0.5 - z * horner!(M f64, z, c));
        let y = if n & 1 == 0 { sin } else { cos };
        f64::from_bits(y.to_bits() ^ ((n & 2) << 62))
    }
}
