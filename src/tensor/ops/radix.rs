//! Sorting and selecting by digits: each element becomes a word that orders as the element does, equal ones by place.

use crate::tensor::access::{RawSlice, share_rows};
use crate::tensor::dtype::Real;
use crate::tensor::threads::{split, threads};

/// Up to this many words, comparing beats counting digits.
const SHORT: usize = 64;
/// Up to this many words, dealing out beats counting all digits first.
const FEW_WORDS: usize = 512;
/// Keys that differ in this many bits at most are sorted digit by digit, the lowest first.
const NARROW: u32 = 16;
/// From this many words on, a first pass deals them out to buckets that fit the caches.
const LONG: usize = 1 << 15;
/// From this many words on, that pass is shared between threads.
const SHARED: usize = 1 << 16;
/// Bits of the digits that deal out to buckets.
const WIDE: u32 = 11;

/// A number that orders as the elements do and the place of the element, in one.
///
/// # Safety
/// A word has one key: words are counted by their keys before they are put where the counts say.
pub unsafe trait Word: Copy + Ord + Send + Sync + Default {
    /// Joins a [`Real::rank`] and a place.
    fn new(key: u64, place: usize) -> Self;
    /// The rank.
    fn key(self) -> u64;
    /// The place.
    fn place(self) -> usize;
}

// SAFETY: the key is a part of the number.
unsafe impl Word for u64 {
    #[inline(always)]
    fn new(key: u64, place: usize) -> Self {
        key << 32 | place as u64
    }
    #[inline(always)]
    fn key(self) -> u64 {
        self >> 32
    }
    #[inline(always)]
    fn place(self) -> usize {
        self as u32 as usize
    }
}

// SAFETY: as above.
unsafe impl Word for u128 {
    #[inline(always)]
    fn new(key: u64, place: usize) -> Self {
        u128::from(key) << 64 | place as u128
    }
    #[inline(always)]
    fn key(self) -> u64 {
        (self >> 64) as u64
    }
    #[inline(always)]
    fn place(self) -> usize {
        self as u64 as usize
    }
}

/// Whether a line of `n` elements has words of 64 bits.
pub fn narrow<T: Real>(n: usize) -> bool {
    size_of::<T>() <= 4 && u32::try_from(n).is_ok()
}

/// Bits of an element's rank.
const fn bits<T>() -> u32 {
    8 * size_of::<T>() as u32
}

/// The rank of an element, or for `down` one that orders the other way round; nan is the largest number.
#[inline(always)]
pub fn key<T: Real>(v: T, down: bool) -> u64 {
    v.rank() ^ if down { u64::MAX >> (64 - bits::<T>()) } else { 0 }
}

/// The words of a line.
pub fn words<T: Real, W: Word>(line: &[T], down: bool) -> Vec<W> {
    line.iter().enumerate().map(|(i, &v)| W::new(key(v, down), i)).collect()
}

/// Sorts words that stand in the order of their places.
pub fn sort<W: Word>(words: &mut Vec<W>) {
    if words.len() <= SHORT {
        return words.sort_unstable();
    }
    let first = words[0].key();
    let varying = words.iter().fold(0, |all, w| all | (w.key() ^ first));
    if varying == 0 {
        return;
    }
    let (low, high) = (varying.trailing_zeros(), 64 - varying.leading_zeros());
    let mut other = vec![W::default(); words.len()];
    if high - low <= NARROW {
        if by_digits(words, &mut other, low, high) {
            std::mem::swap(words, &mut other);
        }
        return;
    }
    if words.len() < LONG {
        return by_buckets(words, &mut other, low, high, false);
    }
    let shift = high.saturating_sub(WIDE).max(low);
    let ends = deal(words, &mut other, shift);
    let n = words.len();
    let (a, b) = (RawSlice::new(words), RawSlice::new(&mut other));
    let parts = if n < SHARED { 1 } else { threads() };
    // buckets go to the parts so that each gets about as many words
    let first_of = |part: usize| ends.partition_point(|&end| end <= part * n / parts);
    split(parts, n, |start, count| {
        for part in start..start + count {
            let last = if part + 1 == parts { ends.len() } else { first_of(part + 1) };
            for bucket in first_of(part)..last {
                let begin = if bucket == 0 { 0 } else { ends[bucket - 1] };
                let len = ends[bucket] - begin;
                // SAFETY: buckets are disjoint ranges of both lists, and each belongs to one part.
                let (a, b) = unsafe { (a.slice_mut(begin, len), b.slice_mut(begin, len)) };
                if len < FEW_WORDS || shift - low > 2 * WIDE {
                    by_buckets(b, a, low, shift, true);
                } else if !by_digits(b, a, low, shift) {
                    a.copy_from_slice(b);
                }
            }
        }
    });
}

/// Deals words out to buckets by the digit from bit `shift` of their keys on, in order; gives the buckets' ends.
fn deal<W: Word>(from: &[W], to: &mut [W], shift: u32) -> Vec<usize> {
    const BUCKETS: usize = 1 << WIDE;
    let n = from.len();
    let parts = if n < SHARED { 1 } else { threads() };
    let digit = |w: W| (w.key() >> shift) as usize % BUCKETS;
    let range = |part: usize| part * n / parts..(part + 1) * n / parts;
    let mut counts = vec![0usize; parts * BUCKETS];
    share_rows(&mut counts, BUCKETS, n, |start, counts| {
        for (part, counts) in (start..).zip(counts.chunks_exact_mut(BUCKETS)) {
            from[range(part)].iter().for_each(|&w| counts[digit(w)] += 1);
        }
    });
    let mut ends = vec![0; BUCKETS];
    let mut sum = 0;
    for (bucket, end) in ends.iter_mut().enumerate() {
        for part in 0..parts {
            let count = &mut counts[part * BUCKETS + bucket];
            (*count, sum) = (sum, sum + *count);
        }
        *end = sum;
    }
    let to = RawSlice::new(to);
    share_rows(&mut counts, BUCKETS, n, |start, counts| {
        for (part, next) in (start..).zip(counts.chunks_exact_mut(BUCKETS)) {
            for &w in &from[range(part)] {
                let place = &mut next[digit(w)];
                // SAFETY: places count up to where those of the next part or bucket begin, inside `to`: keys are always the
                // same.
                unsafe { to.at(*place as isize).write(w) };
                *place += 1;
            }
        }
    });
    ends
}

/// Sorts words whose keys differ in the bits `low..high` alone: deals them out by the highest digit, and each bucket
/// by the next, until few are left together. The result goes to `other` if `over`, else back.
fn by_buckets<W: Word>(from: &mut [W], other: &mut [W], low: u32, high: u32, over: bool) {
    let n = from.len();
    if n <= SHORT || high <= low {
        if n <= SHORT {
            from.sort_unstable();
        }
        if over {
            other.copy_from_slice(from);
        }
        return;
    }
    let shift = high.saturating_sub(8).max(low);
    let digit = |w: W| (w.key() >> shift) as usize & 255;
    let mut next = [0usize; 256];
    from.iter().for_each(|&w| next[digit(w)] += 1);
    if next[digit(from[0])] == n {
        return by_buckets(from, other, low, shift, over);
    }
    let mut sum = 0;
    for c in &mut next {
        (*c, sum) = (sum, sum + *c);
    }
    for &w in &*from {
        let place = &mut next[digit(w)];
        other[*place] = w;
        *place += 1;
    }
    let mut begin = 0;
    for end in next {
        let bucket = begin..end;
        begin = end;
        if !bucket.is_empty() {
            by_buckets(&mut other[bucket.clone()], &mut from[bucket], low, shift, !over);
        }
    }
}

/// Sorts by the bits `low..high` of the keys, a digit at a time, the lowest first; whether the result is in `b`.
fn by_digits<W: Word>(a: &mut [W], b: &mut [W], low: u32, high: u32) -> bool {
    let n = a.len();
    let width = if n >= 8192 { WIDE } else { 8 };
    let (mask, passes) = ((1usize << width) - 1, (high.saturating_sub(low)).div_ceil(width) as usize);
    let digit = |w: W, pass: usize| (w.key() >> (low + pass as u32 * width)) as usize & mask;
    let mut counts = vec![0usize; passes << width];
    for &w in &*a {
        for pass in 0..passes {
            counts[pass << width | digit(w, pass)] += 1;
        }
    }
    let (mut from, mut to, mut swapped) = (a, b, false);
    for (pass, next) in counts.chunks_mut(mask + 1).enumerate() {
        // a digit that all have in common moves nothing
        if next[digit(from[0], pass)] == n {
            continue;
        }
        let mut sum = 0;
        for c in next.iter_mut() {
            (*c, sum) = (sum, sum + *c);
        }
        for &w in &*from {
            let place = &mut next[digit(w, pass)];
            to[*place] = w;
            *place += 1;
        }
        std::mem::swap(&mut from, &mut to);
        swapped = !swapped;
    }
    swapped
}

/// The word that would stand at place `k` of the sorted line.
pub fn nth<T: Real, W: Word>(line: &[T], k: usize, down: bool) -> W {
    let mut k = k;
    if line.len() < 2048 {
        return *words::<T, W>(line, down).select_nth_unstable(k).1;
    }
    let mut shift = bits::<T>().saturating_sub(WIDE);
    let bucket = find_bucket(line.iter().map(|&v| key(v, down) >> shift), &mut k);
    let mut left: Vec<W> = vec![];
    for (i, part) in line.chunks(PART).enumerate() {
        let here = any(
            part,
            #[inline(always)]
            |v| key(v, down) >> shift == bucket,
        );
        if !here {
            continue;
        }
        for (j, &v) in part.iter().enumerate() {
            let key = key(v, down);
            if key >> shift == bucket {
                left.push(W::new(key, i * PART + j));
            }
        }
    }
    while left.len() > 4096 && shift > 0 {
        shift = shift.saturating_sub(WIDE);
        let bucket = find_bucket(left.iter().map(|w| w.key() >> shift), &mut k);
        left.retain(|w| (w.key() >> shift) & ((1 << WIDE) - 1) == bucket);
    }
    *left.select_nth_unstable(k).1
}

/// The low digit of the `k`-th smallest of keys that have all higher digits in common; takes those below from `k`.
fn find_bucket(keys: impl Iterator<Item = u64>, k: &mut usize) -> u64 {
    // neighbours are counted apart: a counter is not waited for when two in a row are the same
    let mut counts = [[0usize; 2]; 1 << WIDE];
    for (i, key) in keys.enumerate() {
        counts[key as usize % (1 << WIDE)][i % 2] += 1;
    }
    let totals = counts.iter().map(|c| c[0] + c[1]);
    for (bucket, count) in (0..).zip(totals) {
        if *k < count {
            return bucket;
        }
        *k -= count;
    }
    0
}

/// The words of the `k` smallest elements of a line, in any order; of equal ones those that come first.
pub fn least<T: Real, W: Word>(line: &[T], k: usize, down: bool) -> Vec<W> {
    if k > line.len() / 16 || line.len() < 256 {
        let last: W = nth(line, k - 1, down);
        return (0..).zip(line).map(|(i, &v)| W::new(key(v, down), i)).filter(|w| *w <= last).collect();
    }
    let room = (4 * k).max(PART);
    let mut found: Vec<W> = Vec::with_capacity(room);
    let keep = |found: &mut Vec<W>| {
        let limit = line[found.select_nth_unstable(k - 1).1.place()];
        found.truncate(k);
        limit
    };
    // what does not beat the k-th best so far is none of the best, and with it most of the line
    let mut limit = None;
    for (i, part) in line.chunks(PART).enumerate() {
        if limit.is_some_and(|limit| !any_beats(part, limit, down)) {
            continue;
        }
        for (j, &v) in part.iter().enumerate() {
            if limit.is_none_or(|limit| beats(v, limit, down)) {
                found.push(W::new(key(v, down), i * PART + j));
                if found.len() == room {
                    limit = Some(keep(&mut found));
                }
            }
        }
    }
    keep(&mut found);
    found
}

/// Elements that are looked at together: for most of a line, whether it has any that matters is all there is to know.
const PART: usize = 64;

#[inline(always)]
fn beats<T: Real>(v: T, limit: T, down: bool) -> bool {
    if down { v > limit || v.is_nan() && !limit.is_nan() } else { v < limit || limit.is_nan() && !v.is_nan() }
}

fn any_beats<T: Real>(part: &[T], limit: T, down: bool) -> bool {
    crate::tensor::simd::vectorize(
        #[inline(always)]
        || {
            // one direction or the other outside of the loop
            if down {
                part.iter().fold(false, |any, &v| any | (v > limit) | (v.is_nan() & !limit.is_nan()))
            } else {
                part.iter().fold(false, |any, &v| any | (v < limit) | (limit.is_nan() & !v.is_nan()))
            }
        },
    )
}

/// Whether `f` is true for any of these.
#[inline(always)]
fn any<T: Real>(part: &[T], f: impl Fn(T) -> bool) -> bool {
    crate::tensor::simd::vectorize(
        #[inline(always)]
        || part.iter().fold(false, |any, &v| any | f(v)),
    )
}
