//! Blocks of draws: the same numbers as single draws give, made by loops that vectorise.
//!
//! Only the raw 32-bit numbers are made one block after another; what is computed from them is independent from
//! element to element, so it is shared between threads where it costs enough. The arithmetic is the plain one, so that
//! a seed gives the same numbers on machines with and without fused multiply-add.

use super::{Generator, M, N, Pair, UNIT, check_deviation};
use crate::tensor::access::share_rows;
use crate::tensor::dtype::Real;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use crate::tensor::threads::threads;
use crate::tensor::vmath::{Plain, VectorMath};
use std::f64::consts::PI;

/// Pairs of normal numbers computed together.
const TILE: usize = 32;
/// Up to this many numbers a fill makes one draw after another, so that they are Torch7's to the last bit; in larger ones
/// logarithms, sines and cosines are those of [`VectorMath`], which are seven times faster and may differ in that bit.
pub const EXACT: usize = 4096;
/// Work units of one element of a costly distribution, as [`split`](crate::tensor::threads::split) counts them.
pub const COSTLY: usize = 16;

/// How many draws to make at once: what stays in the first cache, or enough for several threads.
pub fn block_size(cost: usize) -> usize {
    if cost > 1 && threads() > 1 { 1 << 16 } else { 4096 }
}

/// The next state from two neighbouring words and the word to mix in.
#[inline(always)]
fn twist(high: u32, low: u32, mixed: u32) -> u32 {
    let y = (high & 0x8000_0000) | (low & 0x7fff_ffff);
    mixed ^ (y >> 1) ^ ((y & 1).wrapping_neg() & 0x9908_b0df)
}

/// Makes the next block of words. Each loop reads ahead of what it writes, or far enough behind, that whole vectors
/// can be done at once.
pub(super) fn refill(words: &mut [u32; N]) {
    vectorize(
        #[inline(always)]
        || {
            for k in 0..N - M {
                words[k] = twist(words[k], words[k + 1], words[k + M]);
            }
            for k in N - M..N - 1 {
                words[k] = twist(words[k], words[k + 1], words[k + M - N]);
            }
        },
    );
    words[N - 1] = twist(words[N - 1], words[0], words[M - 1]);
}

/// The two factors of a pair: the radius and the angle.
#[inline(always)]
fn tile_of_pairs(x: &[f64; TILE], y: &[f64; TILE], cos: &mut [f64; TILE], sin: &mut [f64; TILE]) {
    for i in 0..TILE {
        let rho = (-2.0 * (1.0 - y[i]).vlog(Plain)).sqrt();
        let angle = 2.0 * PI * x[i];
        cos[i] = rho * angle.vcos(Plain);
        sin[i] = rho * angle.vsin(Plain);
    }
}

/// Normal numbers from pairs of raw numbers, each handed through `f`.
#[inline(always)]
fn normals<T>(raw: &[u32], out: &mut [T], f: impl Fn(f64) -> T + Copy) {
    let (mut x, mut y, mut cos, mut sin) = ([0.0; TILE], [0.0; TILE], [0.0; TILE], [0.0; TILE]);
    for (raw, out) in raw.chunks(2 * TILE).zip(out.chunks_mut(2 * TILE)) {
        for ((x, y), pair) in x.iter_mut().zip(&mut y).zip(raw.chunks_exact(2)) {
            *x = f64::from(pair[0]) * UNIT;
            *y = f64::from(pair[1]) * UNIT;
        }
        // a short tile at the end computes some numbers again
        tile_of_pairs(&x, &y, &mut cos, &mut sin);
        for ((out, &cos), &sin) in out.chunks_exact_mut(2).zip(&cos).zip(&sin) {
            out[0] = f(cos);
            out[1] = f(sin);
        }
    }
}

impl Generator {
    /// Fills a slice with values made from the next 32-bit numbers, one each; as many calls of [`Generator::random`],
    /// only faster.
    #[inline]
    pub fn fill_with<T>(&mut self, out: &mut [T], f: impl Fn(u32) -> T + Copy) {
        let mut rest = out;
        while !rest.is_empty() {
            if self.next >= N {
                self.refill();
            }
            let n = rest.len().min(N - self.next);
            let (now, later) = rest.split_at_mut(n);
            let words = &self.words[self.next..self.next + n];
            vectorize(
                #[inline(always)]
                move || {
                    for (r, &y) in now.iter_mut().zip(words) {
                        *r = f(Self::temper(y));
                    }
                },
            );
            self.next += n;
            rest = later;
        }
    }

    /// Fills a slice with `f(place, raw number)`, for functions of `cost` work units that do not fail.
    pub fn fill_costly<T: Send>(&mut self, out: &mut [T], cost: usize, f: impl Fn(usize, u32) -> T + Sync + Copy) {
        let mut raw = vec![0u32; block_size(cost).min(out.len())];
        let mut done = 0;
        for block in out.chunks_mut(raw.len().max(1)) {
            let (raw, first) = (&mut raw[..block.len()], done);
            self.fill_with(raw, |u| u);
            let raw = &*raw;
            share_rows(block, 1, cost, |start, to| {
                let raw = &raw[start..start + to.len()];
                vectorize(
                    #[inline(always)]
                    move || {
                        for (i, (t, &u)) in to.iter_mut().zip(raw).enumerate() {
                            *t = f(first + start + i, u);
                        }
                    },
                );
            });
            done += block.len();
        }
    }

    /// Fills with numbers in `[0, 1)`.
    pub fn fill_uniform(&mut self, out: &mut [f64]) {
        self.fill_with(out, |u| f64::from(u) * UNIT);
    }

    /// Fills with `one` where the next draw says so, which it does with probability `p`, and with 0 elsewhere.
    pub fn fill_bernoulli<T: Real>(&mut self, out: &mut [T], p: f64, one: T) {
        self.fill_with(
            out,
            #[inline(always)]
            move |u| if f64::from(u) * UNIT <= p { one } else { T::ZERO },
        );
    }

    /// Fills with numbers between `a` and `b`.
    pub fn fill_uniform_between(&mut self, out: &mut [f64], a: f64, b: f64) {
        self.fill_with(out, |u| f64::from(u) * UNIT * (b - a) + a);
    }

    /// Fills with normal numbers.
    ///
    /// # Errors
    /// As [`Generator::normal`].
    pub fn fill_normal(&mut self, out: &mut [f64], mean: f64, std: f64) -> Result<()> {
        check_deviation(std)?;
        if out.len() <= EXACT {
            out.iter_mut().for_each(|v| *v = self.normal01() * std + mean);
        } else {
            self.fill_normal01(out, move |z| z * std + mean);
        }
        Ok(())
    }

    /// Fills with `f` of normal numbers of mean 0 and standard deviation 1. For more than
    /// [`EXACT`] numbers; the state afterwards is that of single draws.
    pub fn fill_normal01<T: Send>(&mut self, out: &mut [T], f: impl Fn(f64) -> T + Sync + Copy) {
        let halves = usize::from(self.pair.half_left).min(out.len());
        let (half, rest) = out.split_at_mut(halves);
        half.iter_mut().for_each(|v| *v = f(self.normal01()));
        let (pairs, last) = rest.split_at_mut(rest.len() & !1);
        let mut raw = vec![0u32; block_size(COSTLY).min(pairs.len())];
        for block in pairs.chunks_mut(raw.len().max(1)) {
            let raw = &mut raw[..block.len()];
            self.fill_with(raw, |u| u);
            let raw = &*raw;
            share_rows(block, 2, 2 * COSTLY, |start, to| {
                let raw = &raw[2 * start..2 * start + to.len()];
                vectorize(
                    #[inline(always)]
                    move || normals(raw, to, f),
                );
            });
            if let [.., x, y] = *raw {
                // the state keeps the last pair as a single draw leaves it
                let (x, y) = (f64::from(x) * UNIT, f64::from(y) * UNIT);
                self.pair = Pair { x, y, rho: (-2.0 * (1.0 - y).ln()).sqrt(), half_left: false };
            }
        }
        last.iter_mut().for_each(|v| *v = f(self.normal01()));
    }

    /// Puts a list into random order.
    pub fn shuffle<I>(&mut self, order: &mut [I]) {
        let n = order.len();
        if u32::try_from(n).is_err() {
            for i in 0..n - 1 {
                order.swap(i, i + self.random() as usize % (n - i));
            }
            return;
        }
        let mut steps = [0u32; 512];
        let mut at = 0;
        while at + 1 < n {
            let steps = &mut steps[..512.min(n - 1 - at)];
            self.fill_with(steps, |u| u);
            let left = (n - at) as u32;
            vectorize(
                #[inline(always)]
                || {
                    for (i, s) in (0u32..).zip(steps.iter_mut()) {
                        *s = modulo(*s, left - i);
                    }
                },
            );
            for &s in &*steps {
                order.swap(at, at + s as usize);
                at += 1;
            }
        }
    }
}

/// The nearest whole number, for sizes up to 2^51: two additions, where a call would keep a loop from vectorising.
#[inline(always)]
pub fn nearest(v: f64) -> f64 {
    const MAGIC: f64 = 1.5 * (1u64 << 52) as f64;
    (v + MAGIC) - MAGIC
}

/// `u % d` by a division of doubles, which vectorises. The nearest whole quotient is right or one too large; its
/// product with `d` has 33 bits at most, so all that follows is exact.
#[inline(always)]
pub fn modulo(u: u32, d: u32) -> u32 {
    /// Adding it to a whole number leaves that in the low bits.
    const MAGIC: f64 = (1u64 << 52) as f64;
    let (u, d) = (f64::from(u), f64::from(d));
    let rest = u - nearest(u / d) * d;
    let rest = if rest < 0.0 { rest + d } else { rest };
    (rest + MAGIC).to_bits() as u32
}
