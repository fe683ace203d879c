//! Products of small matrices, where the preparations of `gemm` cost more than the product: tiles of the result stay
//! in registers, and masks take the columns that do not fill one. AVX-512 alone has such masks, so elsewhere small
//! products go the way of the others.

use super::blas::Mat;

/// Up to this many multiplications.
pub const MOST: usize = 8192;

/// `c = alpha a b + beta c` if the machine can; what `c` holds is ignored where `beta` is 0. Rows of `b` and `c` have no
/// gaps.
pub trait Tiny: Sized {
    /// Whether it was done.
    fn tiny(alpha: Self, a: Mat<Self>, b: Mat<Self>, beta: Self, c: Mat<Self>) -> bool;
}

/// A tile's rows are tried in these numbers. Ten running sums hide the latency of two units for fused products.
#[cfg(target_arch = "x86_64")]
const TALL: [usize; 4] = [10, 5, 2, 1];

/// A function for tiles of the result as wide as one vector.
#[cfg(target_arch = "x86_64")]
macro_rules! tile {
    ($name:ident, $t:ty, $mask:ty, $vector:ident $zero:ident $set:ident $load:ident $fma:ident $mul:ident $store:ident) => {
        /// A tile of `H` rows from row `i`, columns from `j` under a mask.
        ///
        /// # Safety
        /// The rows and the masked columns are inside the matrices, as [`super::Tiny`] wants them.
        #[target_feature(enable = "avx512f,avx512vl")]
        unsafe fn $name<const H: usize>(
            alpha: $t,
            a: Mat<$t>,
            b: Mat<$t>,
            beta: $t,
            c: Mat<$t>,
            (i, j, mask): (usize, usize, $mask),
        ) {
            // SAFETY: by the contract; masked lanes are neither read nor written.
            unsafe {
                let mut sums: [$vector; H] = [$zero(); H];
                let mut rows: [*const $t; H] = std::array::from_fn(|h| a.at(i + h, 0).cast_const());
                let mut from = b.at(0, j);
                for _ in 0..a.cols {
                    let row = $load(mask, from);
                    for (sum, v) in sums.iter_mut().zip(&mut rows) {
                        *sum = $fma($set(**v), row, *sum);
                        *v = v.wrapping_offset(a.cs);
                    }
                    from = from.wrapping_offset(b.rs);
                }
                for (h, sum) in sums.into_iter().enumerate() {
                    let to = c.at(i + h, j);
                    let scaled = $mul($set(alpha), sum);
                    let done = if beta == 0.0 { scaled } else { $fma($set(beta), $load(mask, to), scaled) };
                    $store(to, mask, done);
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! tiny {
    ($t:ty, $module:ident, $lanes:literal, $mask:ty, whole: $($whole:ident)*, half: $($half:ident)*) => {
        mod $module {
            use super::{Mat, TALL};
            use std::arch::x86_64::*;

            tile!(whole, $t, $mask, $($whole)*);
            tile!(half, $t, __mmask8, $($half)*);

            /// The whole product.
            ///
            /// # Safety
            /// As for the tiles.
            #[target_feature(enable = "avx512f,avx512vl")]
            pub unsafe fn product(alpha: $t, a: Mat<$t>, b: Mat<$t>, beta: $t, c: Mat<$t>) {
                let mut j = 0;
                while j < c.cols {
                    let left = (c.cols - j).min($lanes);
                    let mask = (1u64 << left).wrapping_sub(1);
                    let mut i = 0;
                    macro_rules! rows {
                        ($n:literal) => {
                            while i + TALL[$n] <= c.rows {
                                // SAFETY: inside the matrices, by the bounds of the loops and the mask.
                                unsafe {
                                    if left > $lanes / 2 {
                                        whole::<{ TALL[$n] }>(alpha, a, b, beta, c, (i, j, mask as $mask));
                                    } else {
                                        half::<{ TALL[$n] }>(alpha, a, b, beta, c, (i, j, mask as __mmask8));
                                    }
                                }
                                i += TALL[$n];
                            }
                        };
                    }
                    rows!(0);
                    rows!(1);
                    rows!(2);
                    rows!(3);
                    j += $lanes;
                }
            }
        }

        impl Tiny for $t {
            #[inline]
            fn tiny(alpha: $t, a: Mat<$t>, b: Mat<$t>, beta: $t, c: Mat<$t>) -> bool {
                let able = crate::tensor::simd::level() == crate::tensor::simd::Level::V4 && b.cs == 1 && c.cs == 1;
                if able {
                    // SAFETY: the level has AVX-512, and rows have no gaps.
                    unsafe { $module::product(alpha, a, b, beta, c) }
                }
                able
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
tiny!(f64, double, 8, __mmask8,
    whole: __m512d _mm512_setzero_pd _mm512_set1_pd _mm512_maskz_loadu_pd _mm512_fmadd_pd _mm512_mul_pd
        _mm512_mask_storeu_pd,
    half: __m256d _mm256_setzero_pd _mm256_set1_pd _mm256_maskz_loadu_pd _mm256_fmadd_pd _mm256_mul_pd
        _mm256_mask_storeu_pd);
#[cfg(target_arch = "x86_64")]
tiny!(f32, single, 16, __mmask16,
    whole: __m512 _mm512_setzero_ps _mm512_set1_ps _mm512_maskz_loadu_ps _mm512_fmadd_ps _mm512_mul_ps
        _mm512_mask_storeu_ps,
    half: __m256 _mm256_setzero_ps _mm256_set1_ps _mm256_maskz_loadu_ps _mm256_fmadd_ps _mm256_mul_ps
        _mm256_mask_storeu_ps);

macro_rules! never {
    ($($t:ty)*) => { $(impl Tiny for $t {
        #[inline]
        fn tiny(_: $t, _: Mat<$t>, _: Mat<$t>, _: $t, _: Mat<$t>) -> bool { false }
    })* };
}
never!(u8 i8 i16 i32 i64);
#[cfg(not(target_arch = "x86_64"))]
never!(f32 f64);
