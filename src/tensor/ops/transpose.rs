//! Square tiles of a matrix, transposed: both sides are read and written along their rows.

use crate::tensor::dtype::Element;
#[cfg(target_arch = "x86_64")]
use crate::tensor::simd::{Level, level};

/// Rows and columns of a tile: a cache line of floats, two of doubles.
pub const TILE: usize = 16;

/// Copies a tile: element `(i, j)` of `d` becomes element `(j, i)` of `s`.
///
/// # Safety
/// `TILE` rows of `TILE` elements lie `sc` apart from `s` on, and as many `dr` apart from `d` on; they do not overlap.
#[inline(always)]
pub unsafe fn transpose<T: Element>(d: *mut T, dr: usize, s: *const T, sc: usize) {
    // SAFETY: by the contract; elements are only moved, so any type of their size stands for them. The level has AVX2.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        match size_of::<T>() {
            8 if level() >= Level::V3 => return registers::doubles(d.cast(), dr, s.cast(), sc),
            4 if level() >= Level::V3 => return registers::floats(d.cast(), dr, s.cast(), sc),
            _ => {}
        }
        one_by_one(d, dr, s, sc);
    }
}

/// [`transpose`] in a buffer, for machines and sizes that have no better way.
///
/// # Safety
/// As there.
unsafe fn one_by_one<T: Element>(d: *mut T, dr: usize, s: *const T, sc: usize) {
    let mut buffer = [[T::default(); TILE]; TILE];
    for (j, row) in buffer.iter_mut().enumerate() {
        // SAFETY: by the contract.
        row.copy_from_slice(unsafe { std::slice::from_raw_parts(s.add(j * sc), TILE) });
    }
    for i in 0..TILE {
        // SAFETY: by the contract.
        let to = unsafe { std::slice::from_raw_parts_mut(d.add(i * dr), TILE) };
        to.iter_mut().zip(&buffer).for_each(|(v, row)| *v = row[i]);
    }
}

/// Tiles by blocks that fill registers: as many rows of as many elements as a register of AVX holds.
#[cfg(target_arch = "x86_64")]
mod registers {
    use super::TILE;
    use std::arch::x86_64::*;

    macro_rules! tile {
        ($name:ident, $t:ty, $n:literal, $zero:ident, $load:ident, $store:ident, $block:ident) => {
            /// A tile of elements of this size.
            ///
            /// # Safety
            /// As [`super::transpose`].
            #[target_feature(enable = "avx2")]
            pub unsafe fn $name(d: *mut $t, dr: usize, s: *const $t, sc: usize) {
                for i in (0..TILE).step_by($n) {
                    for j in (0..TILE).step_by($n) {
                        // SAFETY: the block lies inside the tile.
                        unsafe {
                            let mut rows = [$zero(); $n];
                            for (k, row) in rows.iter_mut().enumerate() {
                                *row = $load(s.add((j + k) * sc + i));
                            }
                            for (k, row) in $block(rows).into_iter().enumerate() {
                                $store(d.add((i + k) * dr + j), row);
                            }
                        }
                    }
                }
            }
        };
    }
    tile!(doubles, f64, 4, _mm256_setzero_pd, _mm256_loadu_pd, _mm256_storeu_pd, block4);
    tile!(floats, f32, 8, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_storeu_ps, block8);

    /// Four rows of four: pairs within the halves of a register, then the halves.
    #[target_feature(enable = "avx2")]
    fn block4([a, b, c, d]: [__m256d; 4]) -> [__m256d; 4] {
        let (ab, cd) = (
            [_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)],
            [_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d)],
        );
        [
            _mm256_permute2f128_pd::<0x20>(ab[0], cd[0]),
            _mm256_permute2f128_pd::<0x20>(ab[1], cd[1]),
            _mm256_permute2f128_pd::<0x31>(ab[0], cd[0]),
            _mm256_permute2f128_pd::<0x31>(ab[1], cd[1]),
        ]
    }

    /// Columns `k` and `k + 4` of four rows of eight, for k = 0..4, each pair in one register.
    #[target_feature(enable = "avx2")]
    fn quarters([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
        let (low, high) = (
            [_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d)],
            [_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d)],
        );
        [
            _mm256_shuffle_ps::<0x44>(low[0], low[1]),
            _mm256_shuffle_ps::<0xee>(low[0], low[1]),
            _mm256_shuffle_ps::<0x44>(high[0], high[1]),
            _mm256_shuffle_ps::<0xee>(high[0], high[1]),
        ]
    }

    /// Eight rows of eight.
    #[target_feature(enable = "avx2")]
    fn block8([a, b, c, d, e, f, g, h]: [__m256; 8]) -> [__m256; 8] {
        let (top, bottom) = (quarters([a, b, c, d]), quarters([e, f, g, h]));
        let mut out = [a; 8];
        for k in 0..4 {
            out[k] = _mm256_permute2f128_ps::<0x20>(top[k], bottom[k]);
            out[k + 4] = _mm256_permute2f128_ps::<0x31>(top[k], bottom[k]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Element>() {
        let (dr, sc) = (TILE + 3, TILE + 5);
        let from: Vec<T> = (0..TILE * sc).map(|v| T::from_f64((v % 127) as f64)).collect();
        let (mut fast, mut slow) = (vec![T::default(); TILE * dr], vec![T::default(); TILE * dr]);
        // SAFETY: the vectors hold the tiles, with gaps between their rows.
        unsafe {
            transpose(fast.as_mut_ptr(), dr, from.as_ptr(), sc);
            one_by_one(slow.as_mut_ptr(), dr, from.as_ptr(), sc);
        }
        assert_eq!(fast, slow);
        for i in 0..TILE {
            for j in 0..TILE {
                assert_eq!(fast[i * dr + j], from[j * sc + i]);
            }
        }
        assert_eq!(fast[TILE], T::default());
    }

    #[test]
    fn tiles_are_transposed() {
        check::<u8>();
        check::<i16>();
        check::<i32>();
        check::<i64>();
        check::<f32>();
        check::<f64>();
    }
}
