//! Winograd's transforms of small squares of vectors (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
//! 2016), with the points 0, 1, -1 (2, -2) and infinity.

use super::vectors::*;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::simd::array;

/// Transforms one square: element (i, j) is a vector at `from + i by[0] + j by[1]`, and likewise at `to`.
///
/// # Safety
/// The processor has the level; all vectors of both squares are there.
pub type Square<T> = unsafe fn(from: *const T, by: [usize; 2], to: *mut T, to_by: [usize; 2]);

/// Transforms for outputs of `m` x `m` and windows of 3 x 3, all of which meet in squares of `m + 2`.
pub struct Winograd<T: 'static> {
    /// The side of a tile of outputs.
    pub m: usize,
    /// Image to square.
    pub image: Square<T>,
    /// Window of 3 to square.
    pub window: Square<T>,
    /// Square to output of `m`.
    pub output: Square<T>,
    /// Gradient of an output of `m` to square.
    pub grad_output: Square<T>,
    /// Square to gradient of a window of 3.
    pub grad_window: Square<T>,
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "moving columns out of an array copies them through the stack")]
unsafe fn square<S: Simd, const R: usize, const Q: usize>(
    line: impl Fn([S::V; R]) -> [S::V; Q],
    from: *const S::T,
    by: [usize; 2],
    to: *mut S::T,
    to_by: [usize; 2],
) {
    // SAFETY: by the contract: R x R vectors at `from`, room for Q x Q at `to`.
    unsafe {
        let zero = S::splat(S::T::ZERO);
        let mut half = [[zero; Q]; R];
        for (i, half) in half.iter_mut().enumerate() {
            *half = line(array(zero, |j| S::load(from.add(i * by[0] + j * by[1]))));
        }
        for j in 0..Q {
            let column = line(array(zero, |i| half[i][j]));
            for (i, v) in column.iter().enumerate() {
                S::store(to.add(i * to_by[0] + j * to_by[1]), *v);
            }
        }
    }
}

/// The one-dimensional transforms, over a level's vectors.
struct Lines<S>(std::marker::PhantomData<S>);

impl<S: Simd> Lines<S> {
    /// `y + k x`
    #[inline(always)]
    fn plus(y: S::V, k: f64, x: S::V) -> S::V {
        // SAFETY: only called inside of a routine of the level.
        unsafe { S::fma(S::splat(S::T::from_f64(k)), x, y) }
    }
    /// `k x`
    #[inline(always)]
    fn times(k: f64, x: S::V) -> S::V {
        // SAFETY: as above.
        Self::plus(unsafe { S::splat(S::T::ZERO) }, k, x)
    }
    /// `x + k y` and `x - k y`
    #[inline(always)]
    fn both(x: S::V, k: f64, y: S::V) -> [S::V; 2] {
        [Self::plus(x, k, y), Self::plus(x, -k, y)]
    }
    #[inline(always)]
    fn image6(x: [S::V; 6]) -> [S::V; 6] {
        let (p, q) = (Self::plus(x[4], -4.0, x[2]), Self::plus(x[3], -4.0, x[1]));
        let (r, s) = (Self::plus(x[4], -1.0, x[2]), Self::plus(x[3], -1.0, x[1]));
        let ([a, b], [c, d]) = (Self::both(p, 1.0, q), Self::both(r, 2.0, s));
        let end = |x0, x2, x4| Self::plus(Self::plus(x4, 4.0, x0), -5.0, x2);
        [end(x[0], x[2], x[4]), a, b, c, d, end(x[1], x[3], x[5])]
    }
    /// Sums and differences of the values at opposite points.
    #[inline(always)]
    fn opposite(x: [S::V; 6]) -> ([S::V; 2], [S::V; 2]) {
        (Self::both(x[1], 1.0, x[2]), Self::both(x[3], 1.0, x[4]))
    }
    #[inline(always)]
    fn output6(x: [S::V; 6]) -> [S::V; 4] {
        let ([s1, d1], [s2, d2]) = Self::opposite(x);
        let first = Self::plus(Self::plus(x[0], 1.0, s1), 1.0, s2);
        let last = Self::plus(Self::plus(x[5], 1.0, d1), 8.0, d2);
        [first, Self::plus(d1, 2.0, d2), Self::plus(s1, 4.0, s2), last]
    }
    #[inline(always)]
    fn grad_window6(x: [S::V; 6]) -> [S::V; 3] {
        let ([s1, d1], [s2, d2]) = Self::opposite(x);
        let first = Self::plus(Self::plus(x[0], 1.0, s1), 1.0, s2);
        [first, Self::plus(d1, 2.0, d2), Self::plus(Self::plus(x[5], 1.0, s1), 4.0, s2)]
    }
    /// The even and odd parts of a polynomial at the points, scaled, with its first and last coefficient.
    #[inline(always)]
    fn values6(first: S::V, last: S::V, at1: [S::V; 2], at2: [S::V; 2]) -> [S::V; 6] {
        let [a, b] = Self::both(Self::times(-1.0 / 6.0, at1[0]), -1.0 / 6.0, at1[1]);
        let [c, d] = Self::both(Self::times(1.0 / 24.0, at2[0]), 1.0 / 24.0, at2[1]);
        [Self::times(0.25, first), a, b, c, d, last]
    }
    #[inline(always)]
    fn window6(g: [S::V; 3]) -> [S::V; 6] {
        let (even1, even2) = (Self::plus(g[0], 1.0, g[2]), Self::plus(g[0], 4.0, g[2]));
        Self::values6(g[0], g[2], [even1, g[1]], [even2, Self::times(2.0, g[1])])
    }
    #[inline(always)]
    fn grad_output6(g: [S::V; 4]) -> [S::V; 6] {
        let (even1, even2) = (Self::plus(g[0], 1.0, g[2]), Self::plus(g[0], 4.0, g[2]));
        let (odd1, odd2) = (Self::plus(g[1], 1.0, g[3]), Self::plus(Self::times(2.0, g[1]), 8.0, g[3]));
        Self::values6(g[0], g[3], [even1, odd1], [even2, odd2])
    }
    #[inline(always)]
    fn image4(x: [S::V; 4]) -> [S::V; 4] {
        let [a, b] = Self::both(x[2], 1.0, x[1]);
        [Self::plus(x[0], -1.0, x[2]), a, b, Self::plus(x[1], -1.0, x[3])]
    }
    #[inline(always)]
    fn output4(x: [S::V; 4]) -> [S::V; 2] {
        let [s, d] = Self::both(x[1], 1.0, x[2]);
        [Self::plus(x[0], 1.0, s), Self::plus(d, -1.0, x[3])]
    }
    #[inline(always)]
    fn window4(g: [S::V; 3]) -> [S::V; 4] {
        let [a, b] = Self::both(Self::times(0.5, Self::plus(g[0], 1.0, g[2])), 0.5, g[1]);
        [g[0], a, b, g[2]]
    }
    #[inline(always)]
    fn grad_output4(g: [S::V; 2]) -> [S::V; 4] {
        let [a, b] = Self::both(Self::times(0.5, g[0]), 0.5, g[1]);
        [g[0], a, b, g[1]]
    }
    #[inline(always)]
    fn grad_window4(x: [S::V; 4]) -> [S::V; 3] {
        let [s, d] = Self::both(x[1], 1.0, x[2]);
        [Self::plus(x[0], 1.0, s), d, Self::plus(s, -1.0, x[3])]
    }
}

macro_rules! winograd {
    ($name:ident, $s:ty, $t:ty $(, #[$feature:meta])?) => {
        pub static $name: [Winograd<$t>; 2] = {
            macro_rules! run {
                ($line:ident) => {{
                    $(#[$feature])?
                    unsafe fn run(from: *const $t, by: [usize; 2], to: *mut $t, to_by: [usize; 2]) {
                        // SAFETY: by the contract. A closure: a function's name would not be inlined here.
                        unsafe { square::<$s, _, _>(#[inline(always)] |x| Lines::<$s>::$line(x), from, by, to, to_by) }
                    }
                    run
                }};
            }
            [
                Winograd {
                    m: 2,
                    image: run!(image4),
                    window: run!(window4),
                    output: run!(output4),
                    grad_output: run!(grad_output4),
                    grad_window: run!(grad_window4),
                },
                Winograd {
                    m: 4,
                    image: run!(image6),
                    window: run!(window6),
                    output: run!(output6),
                    grad_output: run!(grad_output6),
                    grad_window: run!(grad_window6),
                },
            ]
        };
    };
}
#[cfg(target_arch = "x86_64")]
winograd!(V4_F32, Avx512F32, f32, #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]);
#[cfg(target_arch = "x86_64")]
winograd!(V4_F64, Avx512F64, f64, #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]);
#[cfg(target_arch = "x86_64")]
winograd!(V3_F32, Avx2F32, f32, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
winograd!(V3_F64, Avx2F64, f64, #[target_feature(enable = "avx2,fma")]);
winograd!(BASE_F32, Portable<f32>, f32);
winograd!(BASE_F64, Portable<f64>, f64);
