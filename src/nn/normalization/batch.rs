//! Batch normalization: input (N x C) or (N x C x ...), statistics, weight and bias (C).

use super::channels::{Channels, Made, channel_sums, each_value, sums_and_values};
use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;

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
        let of = |c: usize| [used[c].0, used[c].1, w[c], b[c]];
        each_value(ch, &mut y, [&x, &x], Made { of, f: |p, x, _| normalized(p, x) });
        return Ok(());
    }
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::like(output, input)?;
    let found = |c: usize, sums: [f64; 2]| Found::of(sums, ch, start(ch, &x, c), eps);
    let sums = sums_and_values(
        ch,
        &mut y,
        [&x, &x],
        Made { of: |c| [start(ch, &x, c)], f: |[start]: [f64; 1], x, _| [x - start, (x - start) * (x - start)] },
        Made {
            of: |c, sums| {
                let Found { mean, inverse, .. } = found(c, sums);
                [mean, inverse, w[c], b[c]]
            },
            f: |p, x, _| normalized(p, x),
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
#[inline(always)]
fn normalized([mean, inverse, w, b]: [f64; 4], x: f64) -> f64 {
    (x - mean) * inverse * w + b
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

    /// What the sums of channel `c` are made with.
    fn mean(&self, c: usize) -> [f64; 1] {
        [self.used[c].0]
    }

    /// What the gradient of a value of channel `c` is made with, from the channel's sums.
    fn slopes(&self, c: usize, [sum, dot]: [f64; 2], w: f64) -> [f64; 5] {
        let (n, (mean, inv)) = (self.ch.values() as f64, self.used[c]);
        // what every value loses: a constant, and a share of its distance from the mean
        let (constant, slope) = if self.collected { (sum / n, dot * inv * inv / n) } else { (0.0, 0.0) };
        [constant, slope, mean, inv, w]
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

/// What is summed over a channel: the gradient, and the gradient times the centred input.
#[inline(always)]
fn summed([mean]: [f64; 1], x: f64, g: f64) -> [f64; 2] {
    [g, g * (x - mean)]
}

/// The gradient of a value.
#[inline(always)]
fn gradient([constant, slope, mean, inv, w]: [f64; 5], x: f64, g: f64) -> f64 {
    (g - constant - (x - mean) * slope) * inv * w
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
    let sum = Made { of: |c| b.mean(c), f: |p, x, g| summed(p, x, g) };
    if b.collected {
        sums_and_values(
            b.ch,
            &mut r,
            [&b.x, &b.g],
            sum,
            Made { of: |c, sums| b.slopes(c, sums, w[c]), f: |p, x, g| gradient(p, x, g) },
        );
    } else {
        each_value(
            b.ch,
            &mut r,
            [&b.x, &b.g],
            Made { of: |c| b.slopes(c, [0.0; 2], w[c]), f: |p, x, g| gradient(p, x, g) },
        );
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
    let sum = Made { of: |c| b.mean(c), f: |p, x, g| summed(p, x, g) };
    let sums = channel_sums(b.ch, [&b.x, &b.g], sum);
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
    let sum = Made { of: |c| b.mean(c), f: |p, x, g| summed(p, x, g) };
    let value = Made { of: |c, sums| b.slopes(c, sums, w[c]), f: |p, x, g| gradient(p, x, g) };
    let sums = sums_and_values(b.ch, &mut r, [&b.x, &b.g], sum, value);
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
