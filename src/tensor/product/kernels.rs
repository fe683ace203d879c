//! The inner routines of products, compiled for every SIMD level: the tile of products, packing, and storing a tile.

use super::transform::Winograd;
use super::vectors::*;
use crate::tensor::dtype::Real;
use crate::tensor::simd;

/// Most rows of a tile.
pub const TALL: usize = 14;

/// Most vectors side by side in a tile.
pub const WIDE: usize = 3;

/// Where a tile's operands lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operands {
    /// The left one by offsets, the right one in packed panels.
    ByTable = 0,
    /// Both packed.
    Packed = 1,
    /// The left one packed, the vectors of the right one by offsets.
    Direct = 2,
}

/// A tile's operands: the left one has `M` rows, the right one `V` vectors, both `k` steps of the sum.
pub struct Pair<'a, T> {
    /// The left operand: packed, steps of `M` elements; or the element of row `i` in step `p` lies at `a + steps[p] +
    /// rows[i]`.
    pub a: *const T,
    /// Offsets of the rows of the left operand.
    pub rows: &'a [usize],
    /// Offsets of the steps: of the left operand, or of the right one where that is not packed.
    pub steps: &'a [usize],
    /// The right operand: steps of vectors, `ld` elements apart; or the vectors of step `p` lie at `b + steps[p]`.
    pub b: *const T,
    /// Elements between steps of the right operand, or between the vectors of a step where that is not packed.
    pub ld: usize,
    /// What is asked for meanwhile where the left operand is read by offsets: a line in each step, as far apart as the steps of the
    /// right one. `b` itself asks for nothing new.
    pub ahead: *const T,
    /// What the sums of each row start from; nothing for 0.
    pub start: &'a [T],
    /// What is added to each row in the end: `V` vectors, or nothing.
    pub bias: &'a [T],
}

/// Bytes that come from memory at once.
const LINE: usize = 64;

impl<T> Pair<'_, T> {
    /// This pair of tile `i` of those that read the same panel, the first of which ask for the one that is read next: its rows have up
    /// to two lines.
    #[inline(always)]
    pub fn before(self, next: Option<&[T]>, i: usize) -> Self {
        match next {
            Some(next) if i < 2 => Pair { ahead: next.as_ptr().wrapping_byte_add(i * LINE), ..self },
            _ => self,
        }
    }
}

/// Writes the products of `k` steps of a pair to `c`: M rows of V vectors, `ld` elements apart. The vectors of a row are
/// neighbours, or as far apart as those of the right operand where that is not packed.
///
/// # Safety
/// The processor has the level; all elements of the pair and of `c` are there.
pub type Tile<T> = unsafe fn(k: usize, pair: &Pair<'_, T>, c: *mut T, ld: usize);

#[inline(always)]
unsafe fn tile<S: Simd, const M: usize, const V: usize, const HOW: usize>(
    k: usize,
    pair: &Pair<'_, S::T>,
    c: *mut S::T,
    ld: usize,
) {
    let (a, b, b_ld) = (pair.a, pair.b, pair.ld);
    let (rows, steps) = (pair.rows.as_ptr(), pair.steps.as_ptr());
    let ahead = pair.ahead.addr().wrapping_sub(b.addr());
    // SAFETY: by the contract.
    unsafe {
        let mut sums = [[S::splat(S::T::ZERO); V]; M];
        if pair.start.len() == M {
            for (sums, start) in sums.iter_mut().zip(pair.start) {
                *sums = [S::splat(*start); V];
            }
        }
        for p in 0..k {
            let at = if HOW == 0 { a.add(*steps.add(p)) } else { a.add(p * M) };
            let from = if HOW == 2 { b.add(*steps.add(p)) } else { b.add(p * b_ld) };
            if HOW == 0 {
                S::prefetch(from.wrapping_byte_add(ahead));
            }
            let mut row = [S::splat(S::T::ZERO); V];
            for (j, v) in row.iter_mut().enumerate() {
                *v = S::load(from.add(j * if HOW == 2 { b_ld } else { S::L }));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = S::splat(if HOW == 0 { *at.add(*rows.add(i)) } else { *at.add(i) });
                for (sum, v) in sums.iter_mut().zip(row) {
                    *sum = S::fma(x, v, *sum);
                }
            }
        }
        let at = |i: usize, j: usize| c.wrapping_add(i * ld + j * if HOW == 2 { b_ld } else { S::L });
        if !pair.bias.is_empty() {
            let one = S::splat(S::T::ONE);
            for j in 0..V {
                let bias = S::load(pair.bias.as_ptr().add(j * S::L));
                for (i, sums) in sums.iter().enumerate() {
                    S::store(at(i, j), S::fma(sums[j], one, bias));
                }
            }
            return;
        }
        // by reference: moving the sums would copy them through the stack
        for (i, sums) in sums.iter().enumerate() {
            for (j, sum) in sums.iter().enumerate() {
                S::store(at(i, j), *sum);
            }
        }
    }
}

/// Offsets of up to [`LANES`] lanes as runs of neighbours, or of lanes that are two apart. Lane `i` of a run lies at
/// `offset + i`, or at `offset + 2 * i`.
struct Runs {
    count: usize,
    at: [(u32, isize); LANES],
}

impl Runs {
    #[inline(always)]
    fn of(lanes: &[usize]) -> Runs {
        let mut runs = Runs { count: 0, at: [(0, 0); LANES] };
        let first = lanes.first().copied().unwrap_or(0);
        // no early way out: so it vectorises
        if lanes.iter().enumerate().fold(true, |all, (i, &lane)| all & (lane == first + i)) {
            runs.count = 1;
            runs.at[0] = ((1 << lanes.len()) - 1, first as isize);
            return runs;
        }
        runs.find(lanes, 1);
        runs
    }

    /// Runs of lanes that are two apart, as strides leave them.
    #[inline(always)]
    fn of_two(lanes: &[usize]) -> Runs {
        let mut runs = Runs { count: 0, at: [(0, 0); LANES] };
        runs.find(lanes, 2);
        runs
    }

    #[inline(always)]
    fn find(&mut self, lanes: &[usize], apart: usize) {
        let mut before = usize::MAX - apart;
        for (i, &lane) in lanes.iter().enumerate() {
            if lane != before + apart {
                self.at[self.count] = (0, lane as isize - (apart * i) as isize);
                self.count += 1;
            }
            self.at[self.count - 1].0 |= 1 << i;
            before = lane;
        }
    }

    /// Whether there are so few that each vector is better read by them than lane by lane.
    #[inline(always)]
    fn are_long(&self, lanes: &[usize]) -> bool {
        self.count * 4 <= lanes.len().max(4)
    }

    #[inline(always)]
    fn all(&self) -> &[(u32, isize)] {
        &self.at[..self.count]
    }
}

/// Writes a panel: for each of the steps, the lanes' elements, in rows of `ld`. Lanes up to the next whole vector are 0
/// where the row has room for them; where it has not, up to `L - 1` elements behind the panel are overwritten.
///
/// # Safety
/// The processor has the level; all elements are there, and there is room for the panel and a vector behind it.
pub type Pack<T> = unsafe fn(base: *const T, steps: &[usize], lanes: &[usize], ld: usize, to: *mut T);

#[inline(always)]
unsafe fn pack<S: Simd>(base: *const S::T, steps: &[usize], lanes: &[usize], ld: usize, to: *mut S::T) {
    // steps in stretches of neighbours: worth turning from four on
    let breaks = steps.windows(2).filter(|s| s[1] != s[0] + 1).count();
    let stretched = (breaks + 1) * 4 <= steps.len();
    // the last vector first: what it writes behind its row is overwritten by the first one
    for (v, lanes) in lanes.chunks(S::L).enumerate().rev() {
        let (to, runs) = (to.wrapping_add(v * S::L), Runs::of(lanes));
        // SAFETY: by the contract: every lane of every step is an element, and the panel has room.
        unsafe {
            if !runs.are_long(lanes) {
                let runs = Runs::of_two(lanes);
                if runs.are_long(lanes) {
                    panel_of_two::<S>(base, steps, &runs, ld, to);
                    continue;
                }
                if stretched {
                    turned_panel::<S>(base, steps, lanes, ld, to);
                    continue;
                }
            }
            for (p, &step) in steps.iter().enumerate() {
                let mut row = S::splat(S::T::ZERO);
                for &(mask, offset) in runs.all() {
                    row = S::load_some(row, mask, base.wrapping_add(step).wrapping_offset(offset));
                }
                S::store(to.add(p * ld), row);
            }
        }
    }
}

/// A panel of one vector whose lanes are two apart.
#[inline(always)]
unsafe fn panel_of_two<S: Simd>(base: *const S::T, steps: &[usize], runs: &Runs, ld: usize, to: *mut S::T) {
    // the lanes of two vectors of neighbours: bit `i` of a mask becomes bit `2 * i`
    let wide = |mask: u32| (0..S::L).fold(0u32, |all, i| all | (mask >> i & 1) << (2 * i));
    let runs = runs.at.map(|(mask, offset)| (wide(mask), offset)).into_iter().take(runs.count);
    // SAFETY: that of `pack`; the masks leave out what lies between the lanes.
    unsafe {
        for (p, &step) in steps.iter().enumerate() {
            let (mut low, mut high) = (S::splat(S::T::ZERO), S::splat(S::T::ZERO));
            for (mask, offset) in runs.clone() {
                let from = base.wrapping_add(step).wrapping_offset(offset);
                low = S::load_some(low, mask & ((1 << S::L) - 1), from);
                high = S::load_some(high, mask >> S::L, from.wrapping_add(S::L));
            }
            S::store(to.add(p * ld), S::even(low, high));
        }
    }
}

/// A panel of one vector whose steps are neighbours in memory, and its lanes are not.
#[inline(always)]
unsafe fn turned_panel<S: Simd>(base: *const S::T, steps: &[usize], lanes: &[usize], ld: usize, to: *mut S::T) {
    let mut p = 0;
    while p < steps.len() {
        let left = &steps[p..steps.len().min(p + S::L)];
        let n = 1 + left.windows(2).take_while(|s| s[1] == s[0] + 1).count();
        let mut from = [base; LANES];
        for (f, lane) in from.iter_mut().zip(lanes) {
            *f = base.wrapping_add(lane + left[0]);
        }
        // SAFETY: that of `pack`.
        unsafe { S::turn(&from[..lanes.len()], n, to.add(p * ld), ld) };
        p += n;
    }
}

/// Copies `rows` rows of `n` elements, `from_ld` and `to_ld` apart.
///
/// # Safety
/// The processor has the level; the rows are there.
pub type Rows<T> = unsafe fn(from: *const T, from_ld: usize, to: *mut T, to_ld: usize, rows: usize, n: usize);

#[inline(always)]
unsafe fn copy_rows<S: Simd>(from: *const S::T, from_ld: usize, to: *mut S::T, to_ld: usize, rows: usize, n: usize) {
    let (whole, rest) = (n / S::L * S::L, (1u32 << (n % S::L)) - 1);
    for r in 0..rows {
        let (from, to) = (from.wrapping_add(r * from_ld), to.wrapping_add(r * to_ld));
        // SAFETY: by the contract; the mask ends at the end of the row.
        unsafe {
            for at in (0..whole).step_by(S::L) {
                S::store(to.add(at), S::load(from.add(at)));
            }
            if rest != 0 {
                let v = S::load_some(S::splat(S::T::ZERO), rest, from.wrapping_add(whole));
                S::store_some(to.wrapping_add(whole), rest, v);
            }
        }
    }
}

/// What becomes of a product: `c = alpha product + bias + beta c`; what `c` holds is ignored where `beta` is 0.
#[derive(Clone, Copy)]
pub struct Epilogue<'a, T> {
    /// Scales the product.
    pub alpha: T,
    /// Scales what is there.
    pub beta: T,
    /// One value for each row of the result, or nothing.
    pub row_bias: &'a [T],
    /// One value for each column of the result, or nothing.
    pub col_bias: &'a [T],
}

impl<'a, T: Real> Epilogue<'a, T> {
    /// The product itself.
    pub const PLAIN: Epilogue<'a, T> = Epilogue { alpha: T::ONE, beta: T::ZERO, row_bias: &[], col_bias: &[] };

    /// Whether the tile itself is the result.
    pub fn is_plain(&self) -> bool {
        self.alpha == T::ONE && self.beta == T::ZERO && self.col_bias.is_empty() && self.row_bias.is_empty()
    }

    /// Whether the tile itself is the result, but for the bias of each column.
    pub fn is_biased(&self) -> bool {
        Epilogue { col_bias: &[], ..*self }.is_plain()
    }

    /// That of the result with rows and columns exchanged.
    pub fn t(self) -> Self {
        Epilogue { row_bias: self.col_bias, col_bias: self.row_bias, ..self }
    }

    /// That of a part of the result.
    #[inline(always)]
    pub fn part(self, rows: std::ops::Range<usize>, cols: std::ops::Range<usize>) -> Self {
        let of = |bias: &'a [T], r| if bias.is_empty() { bias } else { &bias[r] };
        Epilogue { row_bias: of(self.row_bias, rows), col_bias: of(self.col_bias, cols), ..self }
    }
}

/// Stores a tile (rows of `ld`) into the part of the result with these row and column offsets.
///
/// # Safety
/// The processor has the level; the tile, in whole vectors, and all of the result's elements are there.
pub type Finish<T> =
    unsafe fn(tile: *const T, ld: usize, c: *mut T, rows: &[usize], cols: &[usize], end: Epilogue<'_, T>);

#[inline(always)]
unsafe fn finish<S: Simd>(
    tile: *const S::T,
    ld: usize,
    c: *mut S::T,
    rows: &[usize],
    cols: &[usize],
    end: Epilogue<'_, S::T>,
) {
    let neighbours = |at: &[usize]| at.len() > 1 && at[1] == at[0] + 1;
    // SAFETY: by the contract.
    unsafe {
        if rows.len() <= 2 || !neighbours(rows) || neighbours(cols) {
            return lay::<S>(tile, ld, c, rows, cols, end);
        }
        // the result's neighbours stand one below the other in the tile
        let mut turned = std::mem::MaybeUninit::<[S::T; LANES * LANES]>::uninit();
        let turned = turned.as_mut_ptr().cast::<S::T>();
        for (j, cols) in cols.chunks(S::L).enumerate() {
            let mut from = [tile; LANES];
            for (v, rows) in rows.chunks(S::L).enumerate() {
                for (i, f) in from[..rows.len()].iter_mut().enumerate() {
                    *f = tile.wrapping_add((v * S::L + i) * ld + j * S::L);
                }
                S::turn(&from[..rows.len()], cols.len(), turned, LANES);
                let end = end.part(v * S::L..v * S::L + rows.len(), j * S::L..j * S::L + cols.len()).t();
                lay::<S>(turned, LANES, c, cols, rows, end);
            }
        }
    }
}

/// Writes the rows of a tile, vector by vector along its columns.
#[inline(always)]
unsafe fn lay<S: Simd>(
    tile: *const S::T,
    ld: usize,
    c: *mut S::T,
    rows: &[usize],
    cols: &[usize],
    end: Epilogue<'_, S::T>,
) {
    let zero = S::T::ZERO;
    // SAFETY: that of `finish`; masks keep every access inside of the columns.
    unsafe {
        let (alpha, beta, one) = (S::splat(end.alpha), S::splat(end.beta), S::splat(S::T::ONE));
        for (v, cols) in cols.chunks(S::L).enumerate() {
            let runs = Runs::of(cols);
            let across = match end.col_bias.get(v * S::L..) {
                Some(b) if !b.is_empty() => S::load_some(S::splat(zero), (1 << cols.len()) - 1, b.as_ptr()),
                _ => S::splat(zero),
            };
            for (i, &row) in rows.iter().enumerate() {
                let down = S::splat(end.row_bias.get(i).copied().unwrap_or(zero));
                let x = S::load(tile.wrapping_add(i * ld + v * S::L));
                let x = S::fma(x, alpha, S::fma(down, one, across));
                if let ([(_, offset)], true) = (runs.all(), end.beta == zero) {
                    S::store_first(c.wrapping_add(row).wrapping_offset(*offset), cols.len(), x);
                    continue;
                }
                for &(mask, offset) in runs.all() {
                    let p = c.wrapping_add(row).wrapping_offset(offset);
                    if end.beta == zero {
                        S::store_some(p, mask, x);
                    } else {
                        S::store_some(p, mask, S::fma(beta, S::load_some(S::splat(zero), mask, p), x));
                    }
                }
            }
        }
    }
}

/// Whether so many whole vectors are finite.
///
/// # Safety
/// The processor has the level; the vectors are there.
pub type Finite<T> = unsafe fn(from: *const T, vectors: usize) -> bool;

#[inline(always)]
unsafe fn finite<S: Simd>(from: *const S::T, vectors: usize) -> bool {
    let mut lanes = [S::T::ZERO; LANES];
    // SAFETY: by the contract; the buffer has a vector's lanes.
    unsafe {
        // 0 times what is finite stays 0
        let zero = S::splat(S::T::ZERO);
        let mut sums = [zero; 4];
        for i in 0..vectors {
            let sum = &mut sums[i % 4];
            *sum = S::fma(S::load(from.add(i * S::L)), zero, *sum);
        }
        for sum in sums {
            S::store(lanes.as_mut_ptr(), sum);
            if lanes.iter().any(|v| *v != S::T::ZERO) {
                return false;
            }
        }
    }
    true
}

/// The routines of one SIMD level.
pub struct Kernels<T: 'static> {
    /// Elements of a vector.
    pub lanes: usize,
    /// By [`Operands`], vectors less one, rows less one.
    tiles: [[&'static [Tile<T>]; WIDE]; 3],
    /// Packs a panel.
    pub pack: Pack<T>,
    /// Stores a tile.
    pub finish: Finish<T>,
    /// Copies rows.
    pub copy: Rows<T>,
    /// Looks for what is not finite.
    pub finite: Finite<T>,
    /// Winograd's transforms for outputs of 2 and of 4.
    pub winograd: &'static [Winograd<T>; 2],
}

impl<T> Kernels<T> {
    /// Most rows of a tile that is so many vectors wide.
    pub fn most_rows(&self, how: Operands, vectors: usize) -> usize {
        self.tiles[how as usize][vectors - 1].len()
    }

    /// The routine for a tile of so many rows and vectors.
    pub fn tile(&self, how: Operands, vectors: usize, rows: usize) -> Tile<T> {
        self.tiles[how as usize][vectors - 1][rows - 1]
    }
}

/// Tiles of every number of rows.
macro_rules! tiles {
    ($t:ty, $v:literal $how:literal, $($m:literal)*) => {{
        const TILES: &[Tile<$t>] = &[$(run::<$m, $v, $how>),*];
        TILES
    }};
}

/// The routines of a level. As many rows as leave registers for the vectors of the right operand and one of the left:
/// `[left by table] [left packed] [three vectors]`. By table, with more than ten, the compiler would keep no table of rows
/// in registers, at a third of the speed.
macro_rules! level {
    ($name:ident, $s:ty, $t:ty, [$($table:literal)*] [$($packed:literal)*] [$($three:literal)*] $(, #[$feature:meta])?) => {
        static $name: Kernels<$t> = {
            $(#[$feature])?
            unsafe fn run<const M: usize, const V: usize, const HOW: usize>(
                k: usize,
                pair: &Pair<'_, $t>,
                c: *mut $t,
                ld: usize,
            ) {
                // SAFETY: by the contract.
                unsafe { tile::<$s, M, V, HOW>(k, pair, c, ld) }
            }
            $(#[$feature])?
            unsafe fn packed(base: *const $t, steps: &[usize], lanes: &[usize], ld: usize, to: *mut $t) {
                // SAFETY: by the contract.
                unsafe { pack::<$s>(base, steps, lanes, ld, to) }
            }
            $(#[$feature])?
            unsafe fn finished(
                tile: *const $t,
                ld: usize,
                c: *mut $t,
                rows: &[usize],
                cols: &[usize],
                end: Epilogue<'_, $t>,
            ) {
                // SAFETY: by the contract.
                unsafe { finish::<$s>(tile, ld, c, rows, cols, end) }
            }
            $(#[$feature])?
            unsafe fn copied(from: *const $t, from_ld: usize, to: *mut $t, to_ld: usize, rows: usize, n: usize) {
                // SAFETY: by the contract.
                unsafe { copy_rows::<$s>(from, from_ld, to, to_ld, rows, n) }
            }
            $(#[$feature])?
            unsafe fn all_finite(from: *const $t, vectors: usize) -> bool {
                // SAFETY: by the contract.
                unsafe { finite::<$s>(from, vectors) }
            }
            Kernels {
                lanes: <$s as Simd>::L,
                tiles: [
                    [tiles!($t, 1 0, $($table)*), tiles!($t, 2 0, $($table)*), tiles!($t, 3 0, $($three)*)],
                    [tiles!($t, 1 1, $($packed)*), tiles!($t, 2 1, $($packed)*), tiles!($t, 3 1, $($three)*)],
                    [tiles!($t, 1 2, $($packed)*), tiles!($t, 2 2, $($packed)*), tiles!($t, 3 2, $($three)*)],
                ],
                pack: packed,
                finish: finished,
                copy: copied,
                finite: all_finite,
                winograd: &super::transform::$name,
            }
        };
    };
}
#[cfg(target_arch = "x86_64")]
level!(V4_F32, Avx512F32, f32, [1 2 3 4 5 6 7 8 9 10] [1 2 3 4 5 6 7 8 9 10 11 12 13 14] [1 2 3 4 5 6 7 8 9],
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]);
#[cfg(target_arch = "x86_64")]
level!(V4_F64, Avx512F64, f64, [1 2 3 4 5 6 7 8 9 10] [1 2 3 4 5 6 7 8 9 10 11 12 13 14] [1 2 3 4 5 6 7 8 9],
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]);
#[cfg(target_arch = "x86_64")]
level!(V3_F32, Avx2F32, f32, [1 2 3 4 5 6] [1 2 3 4 5 6] [1 2 3 4], #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
level!(V3_F64, Avx2F64, f64, [1 2 3 4 5 6] [1 2 3 4 5 6] [1 2 3 4], #[target_feature(enable = "avx2,fma")]);
level!(BASE_F32, Portable<f32>, f32, [1 2 3 4] [1 2 3 4] [1 2]);
level!(BASE_F64, Portable<f64>, f64, [1 2 3 4] [1 2 3 4] [1 2]);

/// An element type with the kernels of products: Float and Double.
pub trait Multiply: crate::tensor::ops::blas::Blas + crate::tensor::dtype::Float {
    /// The kernels of this machine's level.
    fn kernels() -> &'static Kernels<Self>;

    /// Elements of a vector on this machine.
    fn lanes() -> usize {
        Self::kernels().lanes
    }
}

macro_rules! multiply {
    ($($t:ty, $v4:ident $v3:ident $base:ident;)*) => { $(impl Multiply for $t {
        fn kernels() -> &'static Kernels<$t> {
            match simd::level() {
                #[cfg(target_arch = "x86_64")]
                simd::Level::V4 => &$v4,
                #[cfg(target_arch = "x86_64")]
                simd::Level::V3 => &$v3,
                _ => &$base,
            }
        }
    })* };
}
multiply! {
    f32, V4_F32 V3_F32 BASE_F32;
    f64, V4_F64 V3_F64 BASE_F64;
}
