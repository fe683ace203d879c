//! Vectors of one SIMD level: the few operations that the kernels of products need, so that each kernel is written once.

use crate::tensor::dtype::Real;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Most elements of a vector, at any level.
pub const LANES: usize = 16;

/// Vectors of `L` elements `T`.
///
/// Its functions are inlined into kernels that are compiled for the level, and are only called there.
pub trait Simd: 'static {
    /// The element type.
    type T: Real;
    /// The vector.
    type V: Copy;
    /// Elements of a vector, at most [`LANES`].
    const L: usize;

    /// # Safety
    /// The processor has the level.
    unsafe fn splat(x: Self::T) -> Self::V;
    /// # Safety
    /// As above, and `L` elements can be read at `p`.
    unsafe fn load(p: *const Self::T) -> Self::V;
    /// # Safety
    /// As above, and `L` elements can be written at `p`.
    unsafe fn store(p: *mut Self::T, v: Self::V);
    /// `a b + c`
    ///
    /// # Safety
    /// The processor has the level.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The elements at even places of the two, which count as one row.
    ///
    /// # Safety
    /// The processor has the level.
    unsafe fn even(a: Self::V, b: Self::V) -> Self::V;

    /// Asks for the line of memory at `p`, which need not be there.
    ///
    /// # Safety
    /// None: a hint, which changes nothing.
    #[inline(always)]
    unsafe fn prefetch(p: *const Self::T) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(p.cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = p;
    }

    /// `old` with the lanes of `mask` taken from memory, which is touched in those lanes only.
    ///
    /// # Safety
    /// As above, and the elements of the mask's lanes can be read.
    #[inline(always)]
    unsafe fn load_some(old: Self::V, mask: u32, p: *const Self::T) -> Self::V {
        let mut lanes = [Self::T::ZERO; LANES];
        // SAFETY: the buffer has a vector's lanes; memory is read by the contract.
        unsafe {
            Self::store(lanes.as_mut_ptr(), old);
            for (i, lane) in lanes.iter_mut().enumerate().take(Self::L) {
                if mask >> i & 1 == 1 {
                    *lane = *p.wrapping_add(i);
                }
            }
            Self::load(lanes.as_ptr())
        }
    }

    /// Writes the lanes of `mask` and touches no other memory.
    ///
    /// # Safety
    /// As above, and the elements of the mask's lanes can be written.
    #[inline(always)]
    unsafe fn store_some(p: *mut Self::T, mask: u32, v: Self::V) {
        let mut lanes = [Self::T::ZERO; LANES];
        // SAFETY: by the contract; the buffer has a vector's lanes.
        unsafe {
            if mask & (mask + 1) == 0 {
                return Self::store_first(p, mask.trailing_ones() as usize, v);
            }
            Self::store(lanes.as_mut_ptr(), v);
            for (i, lane) in lanes.iter().enumerate().take(Self::L) {
                if mask >> i & 1 == 1 {
                    *p.wrapping_add(i) = *lane;
                }
            }
        }
    }

    /// Writes the first `n` lanes, at most `L`, and touches no other memory.
    ///
    /// # Safety
    /// As above, and `n` elements can be written.
    #[inline(always)]
    unsafe fn store_first(p: *mut Self::T, n: usize, v: Self::V) {
        let mut lanes = [Self::T::ZERO; LANES];
        // SAFETY: by the contract; the buffer has a vector's lanes.
        unsafe {
            if n == Self::L {
                return Self::store(p, v);
            }
            Self::store(lanes.as_mut_ptr(), v);
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), p, n);
        }
    }

    /// `n` elements at each of at most `L` places become the columns of `n` rows at `to`, `ld` apart, each written as a
    /// whole vector; missing columns are 0. Rows are written in order: where `ld` is below `L`, a row overwrites what
    /// the one before it wrote too far.
    ///
    /// # Safety
    /// As above: `n` elements at each place, at most `L`; room for `n` rows and the last one's whole vector.
    #[inline(always)]
    unsafe fn turn(from: &[*const Self::T], n: usize, to: *mut Self::T, ld: usize) {
        for j in 0..n {
            for i in 0..Self::L {
                // SAFETY: by the contract.
                unsafe { *to.add(j * ld + i) = from.get(i).map_or(Self::T::ZERO, |p| *p.add(j)) };
            }
        }
    }
}

/// The operations of a vector of x86-64.
#[cfg(target_arch = "x86_64")]
macro_rules! vectors {
    ($(#[$doc:meta])* $name:ident $t:ty, $v:ty, $lanes:literal, $splat:ident $load:ident $store:ident $fma:ident $($more:tt)*) => {
        $(#[$doc])*
        pub struct $name;
        impl Simd for $name {
            type T = $t;
            type V = $v;
            const L: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(x: $t) -> $v {
                // SAFETY: by the contract.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(p: *const $t) -> $v {
                // SAFETY: by the contract.
                unsafe { $load(p) }
            }
            #[inline(always)]
            unsafe fn store(p: *mut $t, v: $v) {
                // SAFETY: by the contract.
                unsafe { $store(p, v) }
            }
            #[inline(always)]
            unsafe fn fma(a: $v, b: $v, c: $v) -> $v {
                // SAFETY: by the contract.
                unsafe { $fma(a, b, c) }
            }
            $($more)*
        }
    };
}

/// Loads and stores under the masks of AVX-512.
#[cfg(target_arch = "x86_64")]
macro_rules! masked {
    ($t:ty, $v:ty, $mask:ty, $load:ident $store:ident) => {
        #[inline(always)]
        unsafe fn load_some(old: $v, mask: u32, p: *const $t) -> $v {
            // SAFETY: by the contract.
            unsafe { $load(old, mask as $mask, p) }
        }
        #[inline(always)]
        unsafe fn store_some(p: *mut $t, mask: u32, v: $v) {
            // SAFETY: by the contract.
            unsafe { $store(p, mask as $mask, v) }
        }
        #[inline(always)]
        unsafe fn store_first(p: *mut $t, n: usize, v: $v) {
            // SAFETY: by the contract.
            unsafe { $store(p, ((1u32 << n) - 1) as $mask, v) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
vectors!(
    /// Eight floats of AVX2.
    Avx2F32 f32, __m256, 8, _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps
    #[inline(always)]
    unsafe fn even(a: __m256, b: __m256) -> __m256 {
        // SAFETY: by the contract.
        unsafe {
            let halves = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(a, b));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(halves))
        }
    }
    #[inline(always)]
    unsafe fn load_some(old: __m256, mask: u32, p: *const f32) -> __m256 {
        // SAFETY: by the contract; masked lanes are not read.
        unsafe {
            if mask == 0xff {
                return _mm256_loadu_ps(p);
            }
            let bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let lanes = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(mask as i32), bit), bit);
            _mm256_blendv_ps(old, _mm256_maskload_ps(p, lanes), _mm256_castsi256_ps(lanes))
        }
    }
    #[inline(always)]
    unsafe fn store_first(p: *mut f32, n: usize, v: __m256) {
        // SAFETY: by the contract: a half, a quarter and a lane are written, as many as make up `n`.
        unsafe {
            if n >= 8 {
                return _mm256_storeu_ps(p, v);
            }
            let (mut p, mut left) = (p, _mm256_castps256_ps128(v));
            if n & 4 != 0 {
                _mm_storeu_ps(p, left);
                (p, left) = (p.wrapping_add(4), _mm256_extractf128_ps::<1>(v));
            }
            if n & 2 != 0 {
                _mm_storel_epi64(p.cast(), _mm_castps_si128(left));
                (p, left) = (p.wrapping_add(2), _mm_movehl_ps(left, left));
            }
            if n & 1 != 0 {
                _mm_store_ss(p, left);
            }
        }
    }
    #[inline(always)]
    unsafe fn turn(from: &[*const f32], n: usize, to: *mut f32, ld: usize) {
        // SAFETY: by the contract.
        unsafe { turn_f32x8(from, n, to, ld) }
    }
);
#[cfg(target_arch = "x86_64")]
vectors!(
    /// Four doubles of AVX2.
    Avx2F64 f64, __m256d, 4, _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd
    #[inline(always)]
    unsafe fn even(a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: by the contract.
        unsafe { _mm256_permute4x64_pd::<0xd8>(_mm256_unpacklo_pd(a, b)) }
    }
    #[inline(always)]
    unsafe fn load_some(old: __m256d, mask: u32, p: *const f64) -> __m256d {
        // SAFETY: by the contract; masked lanes are not read.
        unsafe {
            if mask == 0xf {
                return _mm256_loadu_pd(p);
            }
            let bit = _mm256_setr_epi64x(1, 2, 4, 8);
            let lanes = _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(i64::from(mask)), bit), bit);
            _mm256_blendv_pd(old, _mm256_maskload_pd(p, lanes), _mm256_castsi256_pd(lanes))
        }
    }
    #[inline(always)]
    unsafe fn store_first(p: *mut f64, n: usize, v: __m256d) {
        // SAFETY: by the contract: a half and a lane are written, as many as make up `n`.
        unsafe {
            if n >= 4 {
                return _mm256_storeu_pd(p, v);
            }
            let (mut p, mut left) = (p, _mm256_castpd256_pd128(v));
            if n & 2 != 0 {
                _mm_storeu_pd(p, left);
                (p, left) = (p.wrapping_add(2), _mm256_extractf128_pd::<1>(v));
            }
            if n & 1 != 0 {
                _mm_store_sd(p, left);
            }
        }
    }
);
#[cfg(target_arch = "x86_64")]
vectors!(
    /// Sixteen floats of AVX-512.
    Avx512F32 f32, __m512, 16, _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps
    masked!(f32, __m512, u16, _mm512_mask_loadu_ps _mm512_mask_storeu_ps);
    #[inline(always)]
    unsafe fn even(a: __m512, b: __m512) -> __m512 {
        // SAFETY: by the contract.
        unsafe {
            let places = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            _mm512_permutex2var_ps(a, places, b)
        }
    }
    #[inline(always)]
    unsafe fn turn(from: &[*const f32], n: usize, to: *mut f32, ld: usize) {
        // SAFETY: by the contract.
        unsafe { turn_f32x16(from, n, to, ld) }
    }
);
#[cfg(target_arch = "x86_64")]
vectors!(
    /// Eight doubles of AVX-512.
    Avx512F64 f64, __m512d, 8, _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd
    masked!(f64, __m512d, u8, _mm512_mask_loadu_pd _mm512_mask_storeu_pd);
    #[inline(always)]
    unsafe fn even(a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: by the contract.
        unsafe { _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b) }
    }
    #[inline(always)]
    unsafe fn turn(from: &[*const f64], n: usize, to: *mut f64, ld: usize) {
        // SAFETY: by the contract.
        unsafe { turn_f64x8(from, n, to, ld) }
    }
);

/// A transposition of 16 x 16 in four rounds: pairs, quads (inside of 128-bit lanes), then whole lanes twice.
///
/// # Safety
/// That of [`Simd::turn`], with AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn turn_f32x16(from: &[*const f32], n: usize, to: *mut f32, ld: usize) {
    let some = ((1u32 << n) - 1) as u16;
    // SAFETY: by the contract.
    unsafe {
        let mut r = [_mm512_setzero_ps(); 16];
        for (r, p) in r.iter_mut().zip(from) {
            *r = _mm512_maskz_loadu_ps(some, *p);
        }
        let mut t = r;
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        for i in 0..4 {
            for h in 0..2 {
                let (a, b) = (_mm512_castps_pd(t[4 * i + h]), _mm512_castps_pd(t[4 * i + 2 + h]));
                r[4 * i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                r[4 * i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
            }
        }
        for i in 0..4 {
            let lo = _mm512_shuffle_f32x4::<0x88>(r[i], r[4 + i]);
            let hi = _mm512_shuffle_f32x4::<0xdd>(r[i], r[4 + i]);
            let lo2 = _mm512_shuffle_f32x4::<0x88>(r[8 + i], r[12 + i]);
            let hi2 = _mm512_shuffle_f32x4::<0xdd>(r[8 + i], r[12 + i]);
            t[i] = _mm512_shuffle_f32x4::<0x88>(lo, lo2);
            t[4 + i] = _mm512_shuffle_f32x4::<0x88>(hi, hi2);
            t[8 + i] = _mm512_shuffle_f32x4::<0xdd>(lo, lo2);
            t[12 + i] = _mm512_shuffle_f32x4::<0xdd>(hi, hi2);
        }
        for (i, t) in t.into_iter().enumerate().take(n) {
            _mm512_storeu_ps(to.add(i * ld), t);
        }
    }
}

/// A transposition of 8 x 8.
///
/// # Safety
/// That of [`Simd::turn`], with AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn turn_f32x8(from: &[*const f32], n: usize, to: *mut f32, ld: usize) {
    // SAFETY: by the contract.
    unsafe {
        let mut r = [_mm256_setzero_ps(); 8];
        for (r, p) in r.iter_mut().zip(from) {
            *r = if n == 8 { _mm256_loadu_ps(*p) } else { Avx2F32::load_some(*r, (1 << n) - 1, *p) };
        }
        let mut t = r;
        for i in 0..4 {
            t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        for i in 0..2 {
            for h in 0..2 {
                let (a, b) = (t[4 * i + h], t[4 * i + 2 + h]);
                r[4 * i + 2 * h] = _mm256_shuffle_ps::<0x44>(a, b);
                r[4 * i + 2 * h + 1] = _mm256_shuffle_ps::<0xee>(a, b);
            }
        }
        for i in 0..4 {
            t[i] = _mm256_permute2f128_ps::<0x20>(r[i], r[4 + i]);
            t[4 + i] = _mm256_permute2f128_ps::<0x31>(r[i], r[4 + i]);
        }
        for (i, t) in t.into_iter().enumerate().take(n) {
            _mm256_storeu_ps(to.add(i * ld), t);
        }
    }
}

/// A transposition of 8 x 8 doubles.
///
/// # Safety
/// That of [`Simd::turn`], with AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn turn_f64x8(from: &[*const f64], n: usize, to: *mut f64, ld: usize) {
    let some = ((1u32 << n) - 1) as u8;
    // SAFETY: by the contract.
    unsafe {
        let mut r = [_mm512_setzero_pd(); 8];
        for (r, p) in r.iter_mut().zip(from) {
            *r = _mm512_maskz_loadu_pd(some, *p);
        }
        let mut t = r;
        for i in 0..4 {
            t[2 * i] = _mm512_unpacklo_pd(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_pd(r[2 * i], r[2 * i + 1]);
        }
        // rows 0 to 3 and 4 to 7 of each parity, by 128-bit lanes
        for h in 0..2 {
            let lo = _mm512_shuffle_f64x2::<0x88>(t[h], t[2 + h]);
            let hi = _mm512_shuffle_f64x2::<0xdd>(t[h], t[2 + h]);
            let lo2 = _mm512_shuffle_f64x2::<0x88>(t[4 + h], t[6 + h]);
            let hi2 = _mm512_shuffle_f64x2::<0xdd>(t[4 + h], t[6 + h]);
            r[h] = _mm512_shuffle_f64x2::<0x88>(lo, lo2);
            r[2 + h] = _mm512_shuffle_f64x2::<0x88>(hi, hi2);
            r[4 + h] = _mm512_shuffle_f64x2::<0xdd>(lo, lo2);
            r[6 + h] = _mm512_shuffle_f64x2::<0xdd>(hi, hi2);
        }
        for (i, r) in r.into_iter().enumerate().take(n) {
            _mm512_storeu_pd(to.add(i * ld), r);
        }
    }
}

/// Four elements without any intrinsics, in loops that compilers vectorise.
pub struct Portable<T>(std::marker::PhantomData<T>);

macro_rules! portable {
    ($($t:ty)*) => { $(impl Simd for Portable<$t> {
        type T = $t;
        type V = [$t; 4];
        const L: usize = 4;
        #[inline(always)]
        unsafe fn splat(x: $t) -> [$t; 4] {
            [x; 4]
        }
        #[inline(always)]
        unsafe fn load(p: *const $t) -> [$t; 4] {
            // SAFETY: by the contract.
            unsafe { p.cast::<[$t; 4]>().read_unaligned() }
        }
        #[inline(always)]
        unsafe fn store(p: *mut $t, v: [$t; 4]) {
            // SAFETY: by the contract.
            unsafe { p.cast::<[$t; 4]>().write_unaligned(v) }
        }
        #[inline(always)]
        unsafe fn fma(a: [$t; 4], b: [$t; 4], c: [$t; 4]) -> [$t; 4] {
            // the baseline of 64-bit ARM fuses; elsewhere a fused product may be a call
            if cfg!(target_arch = "aarch64") {
                std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
            } else {
                std::array::from_fn(|i| a[i] * b[i] + c[i])
            }
        }
        #[inline(always)]
        unsafe fn even(a: [$t; 4], b: [$t; 4]) -> [$t; 4] {
            [a[0], a[2], b[0], b[2]]
        }
    })* };
}
portable!(f32 f64);
