//! Batch normalization: input (N x C) or (N x C x ...), statistics, weight and bias (C).

use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Blocks, Dest, MatrixMut, Rows, Source, share, share_rows};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use crate::tensor::threads::threads;

/// How the values of a channel lie: `inner` neighbours in each of `batch` stretches.
#[derive(Clone, Copy)]
struct Channels {
    batch: usize,
    count: usize,
    inner: usize,
}

impl Channels {
    fn of(input: &Tensor, channels: &Tensor, dims: i64) -> Result<Channels> {
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

    fn values(self) -> usize {
        self.batch * self.inner
    }
}

/// Partial sums that a channel's values are added to in turn: so many that additions do not wait for one another.
const LANES: usize = 32;

/// What `f` of a channel makes of two values at the same position, summed over each channel.
fn channel_sums<T: Float, F: Fn(f64, f64) -> [f64; K] + Copy, const K: usize>(
    ch: Channels,
    [x, g]: [&[T]; 2],
    f: impl Fn(usize) -> F + Sync,
) -> Vec<[f64; K]> {
    let mut sums = vec![[0.0; K]; ch.count];
    share_rows(&mut sums, 1, ch.values() * 4, |first, sums| {
        if ch.inner > 1 {
            return (first..).zip(sums).for_each(|(c, sum)| *sum = channel_sum(ch, [x, g], c, f(c)));
        }
        for n in 0..ch.batch {
            let row = n * ch.count + first..n * ch.count + first + sums.len();
            for (((c, sum), x), g) in (first..).zip(sums.iter_mut()).zip(&x[row.clone()]).zip(&g[row]) {
                let values = f(c)(x.to_f64(), g.to_f64());
                sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
            }
        }
    });
    sums
}

fn channel_sum<T: Float, const K: usize>(
    ch: Channels,
    [x, g]: [&[T]; 2],
    c: usize,
    f: impl Fn(f64, f64) -> [f64; K] + Copy,
) -> [f64; K] {
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
                        let values = f(x[l].to_f64(), g[l].to_f64());
                        (0..K).for_each(|k| sums[k][l] += values[k]);
                    }
                }
                sums
            },
        );
        for (l, (x, g)) in x_rest.iter().zip(g_rest).enumerate() {
            let values = f(x.to_f64(), g.to_f64());
            (0..K).for_each(|k| sums[k][l] += values[k]);
        }
    }
    sums.map(|lanes| lanes.iter().sum())
}

/// Writes what `f` of the channel makes of two values at the same position to every position of `y`.
fn each_value<T: Float, F: Fn(f64, f64) -> f64 + Copy>(
    ch: Channels,
    y: &mut [T],
    [x, g]: [&[T]; 2],
    f: impl Fn(usize) -> F + Sync,
) {
    let row = if ch.inner > 1 { ch.inner } else { ch.count };
    share_rows(y, row, row * 4, |first, rows| {
        for (i, y) in (first..).zip(rows.chunks_mut(row)) {
            let (x, g) = (&x[i * row..][..y.len()], &g[i * row..][..y.len()]);
            if ch.inner > 1 {
                values(y, x, g, f(i % ch.count));
            } else {
                let all = y.iter_mut().zip(x).zip(g);
                all.enumerate().for_each(|(c, ((y, x), g))| *y = T::from_f64(f(c)(x.to_f64(), g.to_f64())));
            }
        }
    });
}

/// The sums of [`channel_sums`], and then what `value` makes of a channel's sums and of two of its values at the same
/// position, for every position of `y`. A channel has both passes one after the other, so that the second finds its values
/// in the core's cache.
fn sums_and_values<T: Float, F: Fn(f64, f64) -> [f64; K] + Copy, G: Fn(f64, f64) -> f64 + Copy, const K: usize>(
    ch: Channels,
    y: &mut [T],
    [x, g]: [&[T]; 2],
    sum: impl Fn(usize) -> F + Sync,
    value: impl Fn(usize, [f64; K]) -> G + Sync,
) -> Vec<[f64; K]> {
    if ch.inner < 2 || ch.count < threads() {
        let sums = channel_sums(ch, [x, g], sum);
        each_value(ch, y, [x, g], |c| value(c, sums[c]));
        return sums;
    }
    let mut sums = vec![[0.0; K]; ch.count];
    let columns = MatrixMut::new(y, ch.batch, ch.count * ch.inner).t();
    let all = (Blocks::new(columns, ch.inner), Rows::new(&mut sums, 1));
    share(all, ch.values() * 8, |first, (y, sums)| {
        let mut y = y.into_inner().t();
        for (i, found) in sums.into_slice().iter_mut().enumerate() {
            let c = first + i;
            *found = channel_sum(ch, [x, g], c, sum(c));
            let f = value(c, *found);
            for n in 0..ch.batch {
                let at = (n * ch.count + c) * ch.inner;
                let (x, g) = (&x[at..at + ch.inner], &g[at..at + ch.inner]);
                let row = y.row_mut(n).map(|row| &mut row[i * ch.inner..(i + 1) * ch.inner]);
                values(row.unwrap_or_default(), x, g, f);
            }
        }
    });
    sums
}

/// Writes what `f` makes of two values at the same position.
fn values<T: Float>(y: &mut [T], x: &[T], g: &[T], f: impl Fn(f64, f64) -> f64 + Copy) {
    let all = y.iter_mut().zip(x).zip(g);
    vectorize(
        #[inline(always)]
        move || all.for_each(|((y, x), g)| *y = T::from_f64(f(x.to_f64(), g.to_f64()))),
    );
}

/// The elements of an optional vector, or `default` everywhere.
fn vector<T: Float>(t: Option<&Tensor>, n: usize, default: f64) -> Result<Vec<f64>> {
    let Some(t) = t else { return Ok(vec![default; n]) };
    demand!(
        t.numel() == n,
        "{n} statistics or parameters expected, one for each feature, got {}: backward comes after a forward of the same module",
        t.shape_text()
    );
    Ok(Source::<T>::of(t)?.iter().map(|v| v.to_f64()).collect())
}

/// `1 / sqrt(v)`; 0 for no variance at all, so that constant input gives 0.
fn inverse_root(v: f64) -> f64 {
    if v == 0.0 { 0.0 } else { 1.0 / v.sqrt() }
}

/// A batch of one sample, or a sample alone, cannot give statistics.
fn collects(train: bool, batch: usize) -> bool {
    train && batch > 1
}

fields! {
    /// The running and the saved statistics of channels, and what decides between them.
    pub struct Statistics<'a> {
        /// Running means (C).
        running_mean: &'a Tensor = ".running_mean:T",
        /// Running unbiased variances (C).
        running_var: &'a Tensor = ".running_var:T",
        /// Means of the last batch (C).
        save_mean: &'a Tensor = "+.save_mean:T",
        /// 1/std of the last batch (C).
        save_std: &'a Tensor = "+.save_std:T",
        /// Whether the statistics of the batch are used.
        train: bool = ".train:bool=true",
        /// Added to variances.
        eps: f64 = ".eps:num=1e-5",
        /// How many dimensions a batch has.
        dims: i64 = ".nDim:long=2",
    }
}
fields! {
    /// What the forward pass takes.
    pub struct Forward<'a> {
        /// The statistics.
        statistics: Statistics<'a> = Statistics::TEXT,
        /// The share of the last batch in the running statistics.
        momentum: f64 = ".momentum:num=0.1",
    }
}

/// Forward. In evaluation a lone sample becomes a batch of 1. `save_std` receives 1/std.
///
/// # Errors
/// Sizes that do not fit.
pub fn forward<T: Float>(
    input: &Tensor,
    output: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    fields: Forward,
) -> Result<()> {
    let Forward { statistics, momentum } = fields;
    let Statistics { running_mean, running_var, save_mean, save_std, train, eps, dims } = statistics;
    if !train && input.ndim() as i64 == dims - 1 {
        let mut l = input.layout();
        l.insert(0, 1, 1)?;
        input.set_layout(l);
    }
    let ch = Channels::of(input, running_mean, dims)?;
    let (w, b) = (vector::<T>(weight, ch.count, 1.0)?, vector::<T>(bias, ch.count, 0.0)?);
    if !collects(train, ch.batch) {
        save_mean.resize(&[ch.count])?;
        save_std.resize(&[ch.count])?;
        let used = applied::<T>(&statistics, ch, false)?;
        let x = Source::<T>::of(input)?;
        let mut y = Dest::<T>::like(output, input)?;
        each_value(ch, &mut y, [&x, &x], |c| normalized(used[c], w[c], b[c]));
        return Ok(());
    }
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::like(output, input)?;
    let found = |c: usize, sums: [f64; 2]| Found::of(sums, ch, start(ch, &x, c), eps);
    let sums = sums_and_values(
        ch,
        &mut y,
        [&x, &x],
        |c| {
            let start = start(ch, &x, c);
            move |x, _| [x - start, (x - start) * (x - start)]
        },
        |c, sums| {
            let Found { mean, inverse, .. } = found(c, sums);
            normalized((mean, inverse), w[c], b[c])
        },
    );
    let found: Vec<Found> = sums.into_iter().enumerate().map(|(c, sums)| found(c, sums)).collect();
    for (t, pick) in [(running_mean, 0), (running_var, 1)] {
        let share = |old: f64, found: &Found| momentum * [found.mean, found.unbiased][pick] + (1.0 - momentum) * old;
        let mut kept = Dest::<T>::new(t, &[ch.count])?;
        kept.iter_mut().zip(&found).for_each(|(v, f)| *v = T::from_f64(share(v.to_f64(), f)));
    }
    for (t, pick) in [(save_mean, 0), (save_std, 1)] {
        let mut kept = Dest::<T>::new(t, &[ch.count])?;
        kept.iter_mut().zip(&found).for_each(|(v, f)| *v = T::from_f64([f.mean, f.inverse][pick]));
    }
    Ok(())
}

/// What becomes of a value, by its channel's mean and 1/std, weight and bias.
fn normalized((mean, inverse): (f64, f64), w: f64, b: f64) -> impl Fn(f64, f64) -> f64 + Copy {
    move |x, _| (x - mean) * inverse * w + b
}

/// Statistics of a channel in a batch.
struct Found {
    mean: f64,
    unbiased: f64,
    inverse: f64,
}

/// What a channel's sums are sums of distances from: its first value. Then one pass gives mean and variance.
fn start<T: Float>(ch: Channels, x: &[T], c: usize) -> f64 {
    let first = x.get(c * ch.inner).map_or(0.0, |v| v.to_f64());
    Some(first).filter(|v| v.is_finite()).unwrap_or(0.0)
}

impl Found {
    /// From the sum of the distances from `start`, and of their squares, of which the mean's share is taken off.
    fn of([sum, squares]: [f64; 2], ch: Channels, start: f64, eps: f64) -> Found {
        let n = ch.values() as f64;
        let sum_of_squares = squares - sum * (sum / n);
        // below 0 by rounding alone; what is not a number stays so
        let sum_of_squares = if sum_of_squares < 0.0 { 0.0 } else { sum_of_squares };
        Found {
            mean: start + sum / n,
            unbiased: sum_of_squares / (n - 1.0),
            inverse: inverse_root(sum_of_squares / n + eps),
        }
    }
}

/// Mean and 1/std of each channel as the forward pass used them: those of the batch, or the running ones.
fn applied<T: Float>(s: &Statistics, ch: Channels, collected: bool) -> Result<Vec<(f64, f64)>> {
    let (mean, deviation) = if collected { (s.save_mean, s.save_std) } else { (s.running_mean, s.running_var) };
    let (mean, deviation) = (vector::<T>(Some(mean), ch.count, 0.0)?, vector::<T>(Some(deviation), ch.count, 1.0)?);
    let inverse = |v: f64| if collected { v } else { inverse_root(v + s.eps) };
    Ok(mean.into_iter().zip(deviation).map(|(m, v)| (m, inverse(v))).collect())
}

/// What both backward passes start from: the elements, and what the forward pass did to each channel.
struct Backward<T> {
    ch: Channels,
    /// Whether the forward pass used the statistics of the batch.
    collected: bool,
    /// Mean and 1/std per channel.
    used: Vec<(f64, f64)>,
    x: Source<T>,
    g: Source<T>,
}

impl<T: Float> Backward<T> {
    fn new(input: &Tensor, grad_output: &Tensor, s: &Statistics) -> Result<Backward<T>> {
        let ch = Channels::of(input, s.running_mean, s.dims)?;
        demand!(
            grad_output.same_size(input),
            "gradOutput {} should have the size of the input, {}",
            grad_output.shape_text(),
            input.shape_text()
        );
        let collected = collects(s.train, ch.batch);
        let used = applied::<T>(s, ch, collected)?;
        Ok(Backward { ch, collected, used, x: Source::of(input)?, g: Source::of(grad_output)? })
    }

    /// What is summed over channel `c`: the gradient, and the gradient times the centred input.
    fn summed(&self, c: usize) -> impl Fn(f64, f64) -> [f64; 2] + Copy + use<T> {
        let mean = self.used[c].0;
        move |x, g| [g, g * (x - mean)]
    }

    /// The gradient of a value of channel `c`, from the channel's sums.
    fn gradient(&self, c: usize, [sum, dot]: [f64; 2], w: f64) -> impl Fn(f64, f64) -> f64 + Copy + use<T> {
        let (n, (mean, inv)) = (self.ch.values() as f64, self.used[c]);
        // what every value loses: a constant, and a share of its distance from the mean
        let (constant, slope) = if self.collected { (sum / n, dot * inv * inv / n) } else { (0.0, 0.0) };
        move |x, g| (g - constant - (x - mean) * slope) * inv * w
    }

    /// Adds `scale` times the gradients of weight and bias, where there are any.
    fn accumulate(&self, sums: &[[f64; 2]], scale: f64, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<()> {
        let found = |c: usize| [sums[c][1] * self.used[c].1 * scale, sums[c][0] * scale];
        for (t, pick) in [(weight, 0), (bias, 1)] {
            let Some(t) = t else { continue };
            demand!(t.numel() == self.ch.count, "expected {} elements, got {}", self.ch.count, t.shape_text());
            let mut into = Dest::<T>::update(t)?;
            into.iter_mut().enumerate().for_each(|(c, v)| *v = T::from_f64(v.to_f64() + found(c)[pick]));
        }
        Ok(())
    }
}

/// The gradient of the input, of its size.
///
/// # Errors
/// Sizes that do not fit.
pub fn grad_input<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: Option<&Tensor>,
    s: Statistics,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let b = Backward::<T>::new(input, grad_output, &s)?;
    let w = vector::<T>(weight, b.ch.count, 1.0)?;
    let mut r = Dest::<T>::like(grad_input, input)?;
    if b.collected {
        sums_and_values(b.ch, &mut r, [&b.x, &b.g], |c| b.summed(c), |c, sums| b.gradient(c, sums, w[c]));
    } else {
        each_value(b.ch, &mut r, [&b.x, &b.g], |c| b.gradient(c, [0.0; 2], w[c]));
    }
    Ok(())
}

/// Adds `scale` times the gradients of weight and bias, where there are any.
///
/// # Errors
/// Sizes that do not fit.
pub fn acc_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: f64,
    grad_weight: Option<&Tensor>,
    grad_bias: Option<&Tensor>,
    s: Statistics,
) -> Result<()> {
    let b = Backward::<T>::new(input, grad_output, &s)?;
    let sums = channel_sums(b.ch, [&b.x, &b.g], |c| b.summed(c));
    b.accumulate(&sums, scale, grad_weight, grad_bias)
}

/// [`grad_input`] and [`acc_grad`] from the same sums.
///
/// # Errors
/// Sizes that do not fit.
pub fn backward<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: f64,
    grad_input: Option<&Tensor>,
    weight: Option<&Tensor>,
    grad_weight: Option<&Tensor>,
    grad_bias: Option<&Tensor>,
    s: Statistics,
) -> Result<()> {
    let Some(grad_input) = grad_input else {
        return acc_grad::<T>(input, grad_output, scale, grad_weight, grad_bias, s);
    };
    let b = Backward::<T>::new(input, grad_output, &s)?;
    let w = vector::<T>(weight, b.ch.count, 1.0)?;
    let mut r = Dest::<T>::like(grad_input, input)?;
    let sums = sums_and_values(b.ch, &mut r, [&b.x, &b.g], |c| b.summed(c), |c, sums| b.gradient(c, sums, w[c]));
    b.accumulate(&sums, scale, grad_weight, grad_bias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::dtype::DType;

    #[test]
    fn a_batch_comes_out_with_mean_0_and_variance_1() {
        let x = Tensor::from_slice(&[1.0f64, 10.0, 2.0, 30.0, 6.0, 20.0]).unwrap();
        x.resize(&[3, 2]).unwrap();
        let e = || Tensor::empty(DType::Double);
        let (y, sm, ss) = (e(), e(), e());
        let (rm, rv) = (Tensor::new(DType::Double, &[2]).unwrap(), Tensor::from_slice(&[1.0f64, 1.0]).unwrap());
        let statistics = Statistics {
            running_mean: &rm,
            running_var: &rv,
            save_mean: &sm,
            save_std: &ss,
            train: true,
            eps: 0.0,
            dims: 2,
        };
        forward::<f64>(&x, &y, None, None, Forward { statistics, momentum: 0.1 }).unwrap();
        let v = y.to_vec::<f64>().unwrap();
        assert!((v[0] + v[2] + v[4]).abs() < 1e-12);
        assert!((v[1] * v[1] + v[3] * v[3] + v[5] * v[5] - 3.0).abs() < 1e-12);
        assert!((rm.to_vec::<f64>().unwrap()[0] - 0.3).abs() < 1e-12);
        assert!((rv.to_vec::<f64>().unwrap()[0] - (0.9 + 0.7)).abs() < 1e-12);
    }
}
