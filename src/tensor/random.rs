//! Torch7's random numbers, draw for draw: MT19937, and the distributions made from its 32-bit numbers.
//!
//! Every draw takes the same numbers from the stream, in the same order, as Torch7 did, so that one seed gives the same
//! weights, shuffles and masks. Fills of tensors take whole blocks ([`fill`]) without changing the stream.

use super::error::{Error, Result};
use crate::demand;
use std::f64::consts::PI;
use std::hash::{BuildHasher, Hasher};

pub mod fill;

/// Words of the generator's state.
const N: usize = 624;
/// Distance of the word that is mixed in.
const M: usize = 397;
/// `next` of a generator that was seeded and has not drawn yet.
const FRESH: usize = N + 1;
/// One over the number of raw values.
pub(crate) const UNIT: f64 = 1.0 / 4_294_967_296.0;

/// Bytes of an exported state: what `torch.getRNGState()` holds.
pub const STATE_BYTES: usize = 5048;

/// A stream of random numbers.
#[derive(Clone)]
pub struct Generator {
    initial_seed: u64,
    /// Index of the next word; `N` and above: make a new block first.
    next: usize,
    words: [u32; N],
    pair: Pair,
}

/// The two uniforms behind a pair of normal draws, and whether the second of the pair is still to come.
#[derive(Clone, Copy, Default)]
struct Pair {
    x: f64,
    y: f64,
    rho: f64,
    half_left: bool,
}

impl Default for Generator {
    fn default() -> Self {
        Generator::new()
    }
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Generator {{ initial_seed: {}, next: {} }}", self.initial_seed, self.next)
    }
}

/// A seed that differs from call to call, small enough (53 bits) that a Lua number holds it whole.
fn entropy() -> u64 {
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    hasher.write_u128(since.map_or(0, |d| d.as_nanos()));
    hasher.finish() >> 11
}

fn check_deviation(std: f64) -> Result<()> {
    if std > 0.0 { Ok(()) } else { Err(Error::invalid("standard deviation must be strictly positive")) }
}

impl Generator {
    /// A generator with a seed from the system.
    pub fn new() -> Self {
        Generator::with_seed(entropy())
    }

    /// A generator with this seed.
    pub fn with_seed(seed: u64) -> Self {
        let mut g = Generator { initial_seed: 0, next: FRESH, words: [0; N], pair: Pair::default() };
        g.manual_seed(seed);
        g
    }

    /// Starts the stream over. Only the low 32 bits choose the stream; [`Generator::initial_seed`] returns all of them.
    /// Forgets the half of a pair of normal draws.
    pub fn manual_seed(&mut self, seed: u64) {
        self.initial_seed = seed;
        self.next = FRESH;
        self.pair = Pair::default();
        let mut word = seed as u32;
        for (i, slot) in self.words.iter_mut().enumerate() {
            if i > 0 {
                word = 1_812_433_253u32.wrapping_mul(word ^ (word >> 30)).wrapping_add(i as u32);
            }
            *slot = word;
        }
    }

    /// Takes a new seed from the system, and returns it.
    pub fn seed(&mut self) -> u64 {
        self.manual_seed(entropy());
        self.initial_seed
    }

    /// The seed of the stream, whole.
    pub fn initial_seed(&self) -> u64 {
        self.initial_seed
    }

    /// Makes the next block of words.
    fn refill(&mut self) {
        fill::refill(&mut self.words);
        self.next = 0;
    }

    #[inline(always)]
    fn temper(mut y: u32) -> u32 {
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// The next 32-bit number.
    #[inline]
    pub fn random(&mut self) -> u32 {
        if self.next >= N {
            self.refill();
        }
        let y = self.words[self.next];
        self.next += 1;
        Self::temper(y)
    }

    /// A number in `[0, 1)`.
    #[inline]
    pub fn uniform01(&mut self) -> f64 {
        f64::from(self.random()) * UNIT
    }

    /// A number between `a` and `b`.
    #[inline]
    pub fn uniform(&mut self, a: f64, b: f64) -> f64 {
        self.uniform01() * (b - a) + a
    }

    /// A whole number from 1 to `n`: the raw number modulo `n`, plus 1.
    ///
    /// # Errors
    /// `n` below 1.
    pub fn random_to(&mut self, n: i64) -> Result<i64> {
        demand!(n > 0, "upper bound must be strictly positive");
        Ok((u64::from(self.random()) % n as u64) as i64 + 1)
    }

    /// A whole number from `a` to `b`. The raw numbers have 32 bits, so wider ranges are not reached to their end.
    ///
    /// # Errors
    /// `b` below `a`.
    pub fn random_between(&mut self, a: i64, b: i64) -> Result<i64> {
        demand!(b >= a, "upper bound must be larger than lower bound");
        let width = b.wrapping_sub(a) as u64;
        let raw = u64::from(self.random());
        let step = if width == u64::MAX { raw } else { raw % (width + 1) };
        Ok(a.wrapping_add(step as i64))
    }

    /// A normal number. Draws come in pairs from two uniforms; the second of a pair costs none.
    ///
    /// # Errors
    /// A standard deviation that is not positive.
    pub fn normal(&mut self, mean: f64, std: f64) -> Result<f64> {
        check_deviation(std)?;
        Ok(self.normal01() * std + mean)
    }

    /// A normal number of mean 0 and standard deviation 1.
    pub fn normal01(&mut self) -> f64 {
        let second = self.pair.half_left;
        if !second {
            let x = self.uniform01();
            let y = self.uniform01();
            self.pair = Pair { x, y, rho: (-2.0 * (1.0 - y).ln()).sqrt(), half_left: true };
        }
        self.pair.half_left = !second;
        let angle = 2.0 * PI * self.pair.x;
        self.pair.rho * if second { angle.sin() } else { angle.cos() }
    }

    /// A number of the exponential distribution with rate `lambda`.
    pub fn exponential(&mut self, lambda: f64) -> f64 {
        -1.0 / lambda * (1.0 - self.uniform01()).ln()
    }

    /// A number of the Cauchy distribution.
    pub fn cauchy(&mut self, median: f64, sigma: f64) -> f64 {
        median + sigma * (PI * (self.uniform01() - 0.5)).tan()
    }

    /// The exponential of a normal number; shares the pair with [`Generator::normal`].
    ///
    /// # Errors
    /// As [`Generator::normal`].
    pub fn log_normal(&mut self, mean: f64, std: f64) -> Result<f64> {
        Ok(self.normal(mean, std)?.exp())
    }

    /// A number of the geometric distribution, from 1, in Torch7's sense: `p` is the chance to go on.
    ///
    /// # Errors
    /// `p` outside of `]0, 1[`, or a number above the largest C int.
    pub fn geometric(&mut self, p: f64) -> Result<i64> {
        demand!(p > 0.0 && p < 1.0, "must be > 0 and < 1");
        let steps = (1.0 - self.uniform01()).ln() / p.ln();
        let fits = steps < f64::from(i32::MAX);
        demand!(fits, "with p = {p} the number drawn is too large");
        Ok(steps as i64 + 1)
    }

    /// 1 with probability `p`, else 0.
    ///
    /// # Errors
    /// `p` outside of `[0, 1]`.
    pub fn bernoulli(&mut self, p: f64) -> Result<bool> {
        demand!((0.0..=1.0).contains(&p), "must be >= 0 and <= 1");
        Ok(self.uniform01() <= p)
    }

    /// The numbers `0..n` in random order.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn permutation(&mut self, n: usize) -> Result<Vec<usize>> {
        let mut order = super::storage::room(n)?;
        order.extend(0..n);
        self.shuffle(&mut order);
        Ok(order)
    }

    /// The state in the layout of `torch.getRNGState()`.
    pub fn export_state(&self) -> Vec<u8> {
        let (left, next) = if self.next >= FRESH { (1, 0) } else { (N + 1 - self.next, self.next) };
        let mut out = Vec::with_capacity(STATE_BYTES);
        out.extend(self.initial_seed.to_ne_bytes());
        out.extend((left.min(N) as i32).to_ne_bytes());
        out.extend(1i32.to_ne_bytes());
        out.extend((next as u64).to_ne_bytes());
        self.words.iter().for_each(|&w| out.extend(u64::from(w).to_ne_bytes()));
        [self.pair.x, self.pair.y, self.pair.rho].iter().for_each(|v| out.extend(v.to_ne_bytes()));
        out.extend(i32::from(self.pair.half_left).to_ne_bytes());
        out.extend([0; 4]);
        out
    }

    /// Takes over a state that [`Generator::export_state`], or Torch7 on this kind of machine, gave.
    ///
    /// # Errors
    /// Another number of bytes, or bytes that are no state; the generator is then unchanged.
    pub fn import_state(&mut self, bytes: &[u8]) -> Result<()> {
        demand!(bytes.len() == STATE_BYTES, "RNG state is wrong size");
        let word = |at: usize| {
            let mut w = [0; 8];
            w.copy_from_slice(&bytes[at..at + 8]);
            u64::from_ne_bytes(w)
        };
        let int = |at: usize| {
            let mut w = [0; 4];
            w.copy_from_slice(&bytes[at..at + 4]);
            i32::from_ne_bytes(w)
        };
        let (left, seeded, next) = (int(8), int(12), word(16));
        let next = match (left, next) {
            (1, 0) => FRESH,
            (1..=624, 1..=624) if left as u64 + next == N as u64 + 1 => next as usize,
            _ => N + 2,
        };
        demand!(seeded != 0 && next <= FRESH, "Invalid RNG state");
        let tail = 24 + 8 * N;
        let [x, y, rho] = [0, 8, 16].map(|d| f64::from_bits(word(tail + d)));
        self.initial_seed = word(0);
        self.next = next;
        self.words.iter_mut().enumerate().for_each(|(i, w)| *w = word(24 + 8 * i) as u32);
        self.pair = Pair { x, y, rho, half_left: int(tail + 24) != 0 };
        Ok(())
    }
}

#[cfg(test)]
#[path = "random_tests.rs"]
mod tests;
