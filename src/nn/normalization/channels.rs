//! Loops over the channels of a batch, (N x C) or (N x C x ...): sums over each, and values made with parameters of each.
//! Where a channel has neighbouring values these fill vectors, and channels do otherwise.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Blocks, MatrixMut, Rows, share, share_rows};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use crate::tensor::threads::threads;

/// How the values of a channel lie: `inner` neighbours in each of `batch` stretches.
#[derive(Clone, Copy)]
pub struct Channels {
    /// Samples.
    pub batch: usize,
    /// Channels.
    pub count: usize,
    /// Neighbouring values of a channel.
    pub inner: usize,
}

impl Channels {
    /// Those of a batch with so many dimensions, and as many channels as `channels` has elements.
    ///
    /// # Errors
    /// Sizes that do not fit.
    pub fn of(input: &Tensor, channels: &Tensor, dims: i64) -> Result<Channels> {
        let l = input.layout();
        demand!(
            input.ndim() >= 2 && input.ndim() as i64 == dims,
            "only mini-batch supported ({dims}D tensor), got {}D tensor instead",
            input.ndim()
        );
        demand!(
            input.size(1) == channels.numel(),
            "got {}-feature tensor, expected {}",
            input.size(1),
            channels.numel()
        );
        Ok(Channels { batch: input.size(0), count: input.size(1), inner: l.sizes()[2..].iter().product() })
    }

    /// How many values a channel has.
    pub fn values(self) -> usize {
        self.batch * self.inner
    }
}

/// Partial sums that a channel's values are added to in turn: so many that additions do not wait for one another.
const LANES: usize = 32;

/// Channels that are done side by side where they have no neighbouring values.
const WIDE: usize = 32;

/// Something made of two values of a channel at the same position: the parameters of each channel, and the function.
#[derive(Clone, Copy)]
pub struct Made<A, F> {
    /// The parameters of a channel.
    pub of: A,
    /// What is made with them.
    pub f: F,
}

/// What `made` gives, summed over each channel.
pub fn channel_sums<T: Float, const P: usize, const K: usize>(
    ch: Channels,
    xg: [&[T]; 2],
    made: Made<impl Fn(usize) -> [f64; P] + Sync, impl Fn([f64; P], f64, f64) -> [f64; K] + Copy + Sync>,
) -> Vec<[f64; K]> {
    let mut sums = vec![[0.0; K]; ch.count];
    if ch.inner > 1 {
        share_rows(&mut sums, 1, ch.values() * 4, |first, sums| {
            (first..).zip(sums).for_each(|(c, sum)| *sum = channel_sum(ch, xg, c, &made));
        });
    } else {
        share(Blocks::new(Rows::new(&mut sums, 1), WIDE), ch.values() * 4 * WIDE, |first, blocks| {
            blocks.for_each(first, |first, sums| column_sums(ch, xg, first, sums.into_slice(), &made));
        });
    }
    sums
}

fn channel_sum<T: Float, const P: usize, const K: usize>(
    ch: Channels,
    [x, g]: [&[T]; 2],
    c: usize,
    made: &Made<impl Fn(usize) -> [f64; P], impl Fn([f64; P], f64, f64) -> [f64; K] + Copy>,
) -> [f64; K] {
    let (p, f) = ((made.of)(c), made.f);
    let mut sums = [[0.0; LANES]; K];
    for n in 0..ch.batch {
        let at = (n * ch.count + c) * ch.inner;
        let (x, x_rest) = x[at..at + ch.inner].as_chunks::<LANES>();
        let (g, g_rest) = g[at..at + ch.inner].as_chunks::<LANES>();
        // the sums go in and come out by value: what a closure holds by reference is stored in each round
        sums = vectorize(
            #[inline(always)]
            move || {
                let mut sums = sums;
                for (x, g) in x.iter().zip(g) {
                    for l in 0..LANES {
                        let values = f(p, x[l].to_f64(), g[l].to_f64());
                        (0..K).for_each(|k| sums[k][l] += values[k]);
                    }
                }
                sums
            },
        );
        for (l, (x, g)) in x_rest.iter().zip(g_rest).enumerate() {
            let values = f(p, x.to_f64(), g.to_f64());
            (0..K).for_each(|k| sums[k][l] += values[k]);
        }
    }
    sums.map(|lanes| lanes.iter().sum())
}

/// The sums of channels without neighbours, from `first` on.
fn column_sums<T: Float, const P: usize, const K: usize>(
    ch: Channels,
    xg: [&[T]; 2],
    first: usize,
    sums: &mut [[f64; K]],
    made: &Made<impl Fn(usize) -> [f64; P], impl Fn([f64; P], f64, f64) -> [f64; K] + Copy>,
) {
    let mut at = 0;
    while at < sums.len() {
        let rest = &mut sums[at..];
        at += match rest.len() {
            WIDE.. => wide_sums::<T, WIDE, P, K>(ch, xg, first + at, rest, made),
            8.. => wide_sums::<T, 8, P, K>(ch, xg, first + at, rest, made),
            _ => wide_sums::<T, 1, P, K>(ch, xg, first + at, rest, made),
        };
    }
}

/// Those of `W` channels; gives `W`.
fn wide_sums<T: Float, const W: usize, const P: usize, const K: usize>(
    ch: Channels,
    [x, g]: [&[T]; 2],
    first: usize,
    sums: &mut [[f64; K]],
    made: &Made<impl Fn(usize) -> [f64; P], impl Fn([f64; P], f64, f64) -> [f64; K] + Copy>,
) -> usize {
    let (p, f) = (beside::<W, P>(&made.of, first), made.f);
    let all = vectorize(
        #[inline(always)]
        move || {
            let mut all = [[0.0; W]; K];
            for (x, g) in x.chunks_exact(ch.count).zip(g.chunks_exact(ch.count)) {
                let (x, g) = (&x[first..first + W], &g[first..first + W]);
                for l in 0..W {
                    let values = f(std::array::from_fn(|k| p[k][l]), x[l].to_f64(), g[l].to_f64());
                    (0..K).for_each(|k| all[k][l] += values[k]);
                }
            }
            all
        },
    );
    sums[..W].iter_mut().enumerate().for_each(|(l, sum)| *sum = all.map(|lanes| lanes[l]));
    W
}

/// The parameters of `W` channels, side by side.
fn beside<const W: usize, const P: usize>(of: impl Fn(usize) -> [f64; P], first: usize) -> [[f64; W]; P] {
    let mut all = [[0.0; W]; P];
    for l in 0..W {
        all.iter_mut().zip(of(first + l)).for_each(|(lanes, v)| lanes[l] = v);
    }
    all
}

/// Writes what `made` gives to every position of `y`.
pub fn each_value<T: Float, const P: usize>(
    ch: Channels,
    y: &mut [T],
    [x, g]: [&[T]; 2],
    made: Made<impl Fn(usize) -> [f64; P] + Sync, impl Fn([f64; P], f64, f64) -> f64 + Copy + Sync>,
) {
    let row = if ch.inner > 1 { ch.inner } else { ch.count };
    share_rows(y, row, row * 4, |first, rows| {
        if ch.inner < 2 {
            let samples = rows.len() / row;
            let xg = [x, g].map(|v| &v[first * row..]);
            return column_values(ch, xg, 0, MatrixMut::new(rows, samples, row), &made);
        }
        for (i, y) in (first..).zip(rows.chunks_mut(row)) {
            values(y, &x[i * row..], &g[i * row..], (made.of)(i % ch.count), made.f);
        }
    });
}

/// The sums of [`channel_sums`], and then what `value` makes of a channel's sums and of two of its values at the same
/// position, for every position of `y`. A channel has both passes one after the other, so that the second finds its values
/// in the core's cache.
pub fn sums_and_values<T: Float, const P: usize, const Q: usize, const K: usize>(
    ch: Channels,
    y: &mut [T],
    xg: [&[T]; 2],
    sum: Made<impl Fn(usize) -> [f64; P] + Sync, impl Fn([f64; P], f64, f64) -> [f64; K] + Copy + Sync>,
    value: Made<impl Fn(usize, [f64; K]) -> [f64; Q] + Sync, impl Fn([f64; Q], f64, f64) -> f64 + Copy + Sync>,
) -> Vec<[f64; K]> {
    let (group, width) = if ch.inner > 1 { (1, ch.inner) } else { (WIDE, WIDE) };
    if ch.count.div_ceil(group) < threads() {
        let sums = channel_sums(ch, xg, sum);
        each_value(ch, y, xg, Made { of: |c| (value.of)(c, sums[c]), f: value.f });
        return sums;
    }
    let mut sums = vec![[0.0; K]; ch.count];
    let columns = MatrixMut::new(y, ch.batch, ch.count * ch.inner).t();
    let all = (Blocks::new(columns, width), Blocks::new(Rows::new(&mut sums, 1), group));
    share(all, ch.values() * 8 * group, |first, (y, sums)| {
        let (mut y, sums) = (y.into_inner().t(), sums.into_inner().into_slice());
        for (i, found) in sums.chunks_mut(group).enumerate() {
            let c = (first + i) * group;
            let mut y = y.reborrow().col_range(i * width, found.len() * ch.inner);
            if ch.inner > 1 {
                found[0] = channel_sum(ch, xg, c, &sum);
                let p = (value.of)(c, found[0]);
                y.each_row(|n, row| {
                    let at = (n * ch.count + c) * ch.inner;
                    values(row, &xg[0][at..], &xg[1][at..], p, value.f);
                });
            } else {
                column_sums(ch, xg, c, found, &sum);
                column_values(ch, xg, c, y, &Made { of: |at: usize| (value.of)(at, found[at - c]), f: value.f });
            }
        }
    });
    sums
}

/// Writes what `f` makes of two values at the same position.
fn values<T: Float, const P: usize>(
    y: &mut [T],
    x: &[T],
    g: &[T],
    p: [f64; P],
    f: impl Fn([f64; P], f64, f64) -> f64 + Copy,
) {
    let all = y.iter_mut().zip(x).zip(g);
    vectorize(
        #[inline(always)]
        move || all.for_each(|((y, x), g)| *y = T::from_f64(f(p, x.to_f64(), g.to_f64()))),
    );
}

/// The values of channels without neighbours, from `first` on: a column of `y` for each.
fn column_values<T: Float, const P: usize>(
    ch: Channels,
    xg: [&[T]; 2],
    first: usize,
    mut y: MatrixMut<T>,
    made: &Made<impl Fn(usize) -> [f64; P], impl Fn([f64; P], f64, f64) -> f64 + Copy>,
) {
    let (mut at, n) = (0, y.cols());
    while at < n {
        let (c, rest) = (first + at, y.reborrow().col_range(at, n - at));
        at += match n - at {
            WIDE.. => wide_values::<T, WIDE, P>(ch, xg, c, rest, made),
            8.. => wide_values::<T, 8, P>(ch, xg, c, rest, made),
            _ => wide_values::<T, 1, P>(ch, xg, c, rest, made),
        };
    }
}

/// Those of the first `W` columns; gives `W`.
fn wide_values<T: Float, const W: usize, const P: usize>(
    ch: Channels,
    [x, g]: [&[T]; 2],
    first: usize,
    mut y: MatrixMut<T>,
    made: &Made<impl Fn(usize) -> [f64; P], impl Fn([f64; P], f64, f64) -> f64 + Copy>,
) -> usize {
    let (p, f) = (beside::<W, P>(&made.of, first), made.f);
    let rows = x.chunks_exact(ch.count).zip(g.chunks_exact(ch.count)).take(y.rows());
    vectorize(
        #[inline(always)]
        move || {
            for (n, (x, g)) in rows.enumerate() {
                let Some(y) = y.row_mut(n) else { return };
                let (y, x, g) = (&mut y[..W], &x[first..first + W], &g[first..first + W]);
                for l in 0..W {
                    y[l] = T::from_f64(f(std::array::from_fn(|k| p[k][l]), x[l].to_f64(), g[l].to_f64()));
                }
            }
        },
    );
    W
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_values_are_those_of_loops() {
        for (batch, count, inner) in [(5, 75, 1), (3, 7, 1), (1, 32, 1), (4, 9, 45), (6, 1, 70)] {
            let ch = Channels { batch, count, inner };
            let number = |i: usize, by: usize| ((i * by) % 31) as f64 / 8.0 - 2.0;
            let n = batch * count * inner;
            let (x, g): (Vec<f64>, Vec<f64>) = (0..n).map(|i| (number(i, 7), number(i, 11))).unzip();
            let channel = |i: usize| i / inner % count;
            let mut want = vec![[0.0; 2]; count];
            (0..n).for_each(|i| {
                want[channel(i)][0] += x[i] * channel(i) as f64;
                want[channel(i)][1] += g[i];
            });
            let mut y = vec![0.0; n];
            let sum = Made { of: |c: usize| [c as f64], f: |[c]: [f64; 1], x, g| [c * x, g] };
            let value =
                Made { of: |c: usize, s: [f64; 2]| [c as f64, s[1]], f: |[c, s]: [f64; 2], x, g| x + c * g + s };
            let sums = sums_and_values(ch, &mut y, [&x[..], &g], sum, value);
            assert_eq!(sums, channel_sums(ch, [&x[..], &g], sum));
            let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
            assert!(sums.iter().zip(&want).all(|(s, w)| close(s[0], w[0]) && close(s[1], w[1])), "{sums:?} {want:?}");
            for i in 0..n {
                assert!(close(y[i], x[i] + channel(i) as f64 * g[i] + want[channel(i)][1]), "{i} of {n}");
            }
            let mut z = vec![0.0; n];
            each_value(ch, &mut z, [&x[..], &g], Made { of: |c: usize| [c as f64, sums[c][1]], f: value.f });
            assert_eq!(y, z);
        }
    }
}
