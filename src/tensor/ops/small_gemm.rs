//! Products of small matrices, where the preparations of `gemm` cost more than the product: tiles of the result stay
//! in registers, and masks take the columns that do not fill one. Without AVX2 there are no such masks, and small products
//! go the way of the others.

use crate::tensor::access::{Matrix, MatrixMut};

/// Up to this many multiplications.
pub const MOST: usize = 8192;

/// `c = alpha a b + beta c` if the machine can; what `c` holds is ignored where `beta` is 0. Rows of `b` and `c` have no
/// gaps.
pub trait SmallGemm: Sized {
    /// Whether it was done.
    fn small_gemm(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: MatrixMut<Self>) -> bool;
}

/// Rows of a tile at most. Ten running sums hide the latency of two units for fused products.
#[cfg(target_arch = "x86_64")]
const TALL: usize = 10;

/// A function for tiles of the result as wide as one vector.
#[cfg(target_arch = "x86_64")]
macro_rules! tile {
    ($name:ident, $t:ty, $features:literal,
        $vector:ident $zero:ident $set:ident $fma:ident $mul:ident $mask:ident $load:ident $store:ident) => {
        /// A tile of `H` rows from row `i`, of `n` columns from `j`.
        ///
        /// # Safety
        /// These rows and columns are inside the matrices, as [`super::SmallGemm`] wants them.
        #[target_feature(enable = $features)]
        unsafe fn $name<const H: usize>(
            alpha: $t,
            a: &Matrix<$t>,
            b: &Matrix<$t>,
            beta: $t,
            c: &mut MatrixMut<$t>,
            (i, j, n): (usize, usize, usize),
        ) {
            // SAFETY: by the contract; masked lanes are neither read nor written.
            unsafe {
                let mask = $mask(n);
                let mut sums: [$vector; H] = [$zero(); H];
                let mut rows: [*const $t; H] = crate::tensor::simd::array(a.at(i, 0), |h| a.at(i + h, 0));
                let mut from = b.at(0, j);
                for _ in 0..a.cols() {
                    let row = $load(mask, from);
                    for (sum, v) in sums.iter_mut().zip(&mut rows) {
                        *sum = $fma($set(**v), row, *sum);
                        *v = v.wrapping_offset(a.col_stride());
                    }
                    from = from.wrapping_offset(b.row_stride());
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

/// Masks for the first `n` lanes, and what AVX2 calls loads and stores under them.
#[cfg(target_arch = "x86_64")]
mod masks {
    use std::arch::x86_64::*;

    pub fn bits8(n: usize) -> __mmask8 {
        (1u32 << n).wrapping_sub(1) as __mmask8
    }

    pub fn bits16(n: usize) -> __mmask16 {
        (1u32 << n).wrapping_sub(1) as __mmask16
    }

    /// Defines mask, load and store of a vector. The mask goes with its number of lanes: a store under a mask takes some
    /// processors longer than a whole product, so a part of a vector is stored lane by lane.
    macro_rules! lanes {
        ($mask:ident $load:ident $store:ident, $n:literal $t:ty, $vector:ty, $ints:ty,
            $greater:ident($all:expr, $count:expr), $from:ident $to:ident) => {
            #[target_feature(enable = "avx2")]
            pub fn $mask(n: usize) -> (usize, $ints) {
                (n, $greater($all(n as _), $count))
            }
            /// # Safety
            /// The lanes of the mask can be read.
            #[target_feature(enable = "avx2")]
            pub unsafe fn $load(mask: (usize, $ints), p: *const $t) -> $vector {
                // SAFETY: by the contract.
                unsafe { $from(p, mask.1) }
            }
            /// # Safety
            /// The lanes of the mask can be written.
            #[target_feature(enable = "avx2")]
            pub unsafe fn $store(p: *mut $t, mask: (usize, $ints), v: $vector) {
                // SAFETY: by the contract; the buffer has a vector's lanes.
                unsafe {
                    if mask.0 == $n {
                        return $to(p, v);
                    }
                    let mut part = [0.0; $n];
                    $to(part.as_mut_ptr(), v);
                    part.iter().take(mask.0).enumerate().for_each(|(k, &v)| p.add(k).write(v));
                }
            }
        };
    }
    lanes!(pd4 load_pd4 store_pd4, 4 f64, __m256d, __m256i,
        _mm256_cmpgt_epi64(_mm256_set1_epi64x, _mm256_setr_epi64x(0, 1, 2, 3)), _mm256_maskload_pd _mm256_storeu_pd);
    lanes!(pd2 load_pd2 store_pd2, 2 f64, __m128d, __m128i,
        _mm_cmpgt_epi64(_mm_set1_epi64x, _mm_set_epi64x(1, 0)), _mm_maskload_pd _mm_storeu_pd);
    lanes!(ps8 load_ps8 store_ps8, 8 f32, __m256, __m256i,
        _mm256_cmpgt_epi32(_mm256_set1_epi32, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
        _mm256_maskload_ps _mm256_storeu_ps);
    lanes!(ps4 load_ps4 store_ps4, 4 f32, __m128, __m128i,
        _mm_cmpgt_epi32(_mm_set1_epi32, _mm_setr_epi32(0, 1, 2, 3)), _mm_maskload_ps _mm_storeu_ps);
}

/// The call of a tile function for its number of rows.
#[cfg(target_arch = "x86_64")]
macro_rules! of_height {
    ($f:ident $tall:ident $arguments:tt $($h:literal)*) => {
        match $tall {
            // SAFETY: inside the matrices, by the bounds of the loops around.
            $($h => unsafe { $f::<$h> $arguments },)*
            _ => {}
        }
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! small {
    ($module:ident, $t:ty, $features:literal, $lanes:literal, whole: $($whole:ident)*, half: $($half:ident)*) => {
        mod $module {
            #[allow(unused_imports, reason = "each module takes those of its vectors")]
            use super::masks::*;
            use super::{Matrix, MatrixMut, TALL};
            use std::arch::x86_64::*;

            tile!(whole, $t, $features, $($whole)*);
            tile!(half, $t, $features, $($half)*);

            /// The whole product.
            ///
            /// # Safety
            /// As for the tiles.
            #[target_feature(enable = $features)]
            pub unsafe fn product(alpha: $t, a: &Matrix<$t>, b: &Matrix<$t>, beta: $t, c: &mut MatrixMut<$t>) {
                let mut j = 0;
                while j < c.cols() {
                    let left = (c.cols() - j).min($lanes);
                    // tiles of about one height: a low one would wait for its few sums
                    let mut tiles = c.rows().div_ceil(TALL);
                    let mut i = 0;
                    while tiles > 0 {
                        let tall = (c.rows() - i).div_ceil(tiles);
                        if left > $lanes / 2 {
                            of_height!(whole tall (alpha, a, b, beta, c, (i, j, left)) 1 2 3 4 5 6 7 8 9 10);
                        } else {
                            of_height!(half tall (alpha, a, b, beta, c, (i, j, left)) 1 2 3 4 5 6 7 8 9 10);
                        }
                        i += tall;
                        tiles -= 1;
                    }
                    j += $lanes;
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
small!(double, f64, "avx512f,avx512vl", 8,
    whole: __m512d _mm512_setzero_pd _mm512_set1_pd _mm512_fmadd_pd _mm512_mul_pd bits8 _mm512_maskz_loadu_pd
        _mm512_mask_storeu_pd,
    half: __m256d _mm256_setzero_pd _mm256_set1_pd _mm256_fmadd_pd _mm256_mul_pd bits8 _mm256_maskz_loadu_pd
        _mm256_mask_storeu_pd);
#[cfg(target_arch = "x86_64")]
small!(single, f32, "avx512f,avx512vl", 16,
    whole: __m512 _mm512_setzero_ps _mm512_set1_ps _mm512_fmadd_ps _mm512_mul_ps bits16 _mm512_maskz_loadu_ps
        _mm512_mask_storeu_ps,
    half: __m256 _mm256_setzero_ps _mm256_set1_ps _mm256_fmadd_ps _mm256_mul_ps bits8 _mm256_maskz_loadu_ps
        _mm256_mask_storeu_ps);
#[cfg(target_arch = "x86_64")]
small!(double_v3, f64, "avx2,fma", 4,
    whole: __m256d _mm256_setzero_pd _mm256_set1_pd _mm256_fmadd_pd _mm256_mul_pd pd4 load_pd4 store_pd4,
    half: __m128d _mm_setzero_pd _mm_set1_pd _mm_fmadd_pd _mm_mul_pd pd2 load_pd2 store_pd2);
#[cfg(target_arch = "x86_64")]
small!(single_v3, f32, "avx2,fma", 8,
    whole: __m256 _mm256_setzero_ps _mm256_set1_ps _mm256_fmadd_ps _mm256_mul_ps ps8 load_ps8 store_ps8,
    half: __m128 _mm_setzero_ps _mm_set1_ps _mm_fmadd_ps _mm_mul_ps ps4 load_ps4 store_ps4);

#[cfg(target_arch = "x86_64")]
macro_rules! by_level {
    ($t:ty, $v4:ident, $v3:ident) => {
        impl SmallGemm for $t {
            #[inline]
            fn small_gemm(alpha: $t, a: Matrix<$t>, b: Matrix<$t>, beta: $t, mut c: MatrixMut<$t>) -> bool {
                use crate::tensor::simd::{Level, level};
                let fits = a.rows() == c.rows() && b.cols() == c.cols() && a.cols() == b.rows();
                if b.col_stride() != 1 || c.col_stride() != 1 || !fits {
                    return false;
                }
                // SAFETY: the level has these vectors, the sizes agree, rows have no gaps, and `c` is nobody else's.
                unsafe {
                    match level() {
                        Level::V4 => $v4::product(alpha, &a, &b, beta, &mut c),
                        Level::V3 => $v3::product(alpha, &a, &b, beta, &mut c),
                        Level::Base => return false,
                    }
                }
                true
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
by_level!(f64, double, double_v3);
#[cfg(target_arch = "x86_64")]
by_level!(f32, single, single_v3);

macro_rules! never {
    ($($t:ty)*) => { $(impl SmallGemm for $t {
        #[inline]
        fn small_gemm(_: $t, _: Matrix<$t>, _: Matrix<$t>, _: $t, _: MatrixMut<$t>) -> bool { false }
    })* };
}
never!(u8 i8 i16 i32 i64);
#[cfg(not(target_arch = "x86_64"))]
never!(f32 f64);
