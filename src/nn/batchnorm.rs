//! Batch normalization: input (N x C) or (N x C x ...), statistics, weight and bias (C).

#![allow(clippy::too_many_arguments, reason = "one parameter per field of the module")]

use super::target;
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::map::{self, Ptr};
use crate::tensor::ops::copy::contiguous;

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

    /// Calls `f(position)` for every element of channel `c`.
    fn each(self, c: usize, mut f: impl FnMut(usize)) {
        for n in 0..self.batch {
            let first = (n * self.count + c) * self.inner;
            (first..first + self.inner).for_each(&mut f);
        }
    }

    fn values(self) -> usize {
        self.batch * self.inner
    }
}

/// The elements of an optional vector, or `default` everywhere.
fn vector<T: Float>(t: Option<&Tensor>, n: usize, default: T) -> Result<Vec<T>> {
    let Some(t) = t else { return Ok(vec![default; n]) };
    demand!(t.numel() == n, "expected {n} elements, got {}", t.shape_text());
    t.to_vec::<T>()
}

/// `1 / sqrt(v)`; 0 for no variance at all, so that constant input gives 0.
fn inverse_root(v: f64) -> f64 {
    if v == 0.0 { 0.0 } else { 1.0 / v.sqrt() }
}

/// A batch of one sample, or a sample alone, cannot give statistics.
fn collects(train: bool, batch: usize) -> bool {
    train && batch > 1
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
    running_mean: &Tensor,
    running_var: &Tensor,
    save_mean: &Tensor,
    save_std: &Tensor,
    train: bool,
    momentum: f64,
    eps: f64,
    dims: i64,
) -> Result<()> {
    if !train && input.ndim() as i64 == dims - 1 {
        let mut l = input.layout();
        l.insert(0, 1, 1)?;
        input.set_layout(l);
    }
    let ch = Channels::of(input, running_mean, dims)?;
    let (w, b) = (vector(weight, ch.count, T::ONE)?, vector(bias, ch.count, T::ZERO)?);
    let x = contiguous(input)?;
    let (rm, rv) = (target::<T>(running_mean, &[ch.count])?, target::<T>(running_var, &[ch.count])?);
    let (sm, ss) = (target::<T>(save_mean, &[ch.count])?, target::<T>(save_std, &[ch.count])?);
    let [rm, rv, sm, ss] = [rm, rv, sm, ss].map(Ptr);
    let y = Ptr(target::<T>(output, input.layout().sizes())?);
    let x = Ptr(x.view::<T>()?.ptr);
    map::split(ch.count, ch.values() * 4, |first, count| {
        for c in first..first + count {
            // SAFETY: channel `c` of each vector and its positions in input and output; channels do not share any.
            unsafe {
                let (mut mean, mut inv) = ((*rm.at(c)).to_f64(), inverse_root((*rv.at(c)).to_f64() + eps));
                if collects(train, ch.batch) {
                    let n = ch.values() as f64;
                    (mean, inv) = (0.0, 0.0);
                    ch.each(c, |i| mean += (*x.at(i)).to_f64());
                    mean /= n;
                    ch.each(c, |i| inv += ((*x.at(i)).to_f64() - mean).powi(2));
                    let unbiased = inv / (n - 1.0);
                    inv = inverse_root(inv / n + eps);
                    *rm.at(c) = T::from_f64(momentum * mean + (1.0 - momentum) * (*rm.at(c)).to_f64());
                    *rv.at(c) = T::from_f64(momentum * unbiased + (1.0 - momentum) * (*rv.at(c)).to_f64());
                    *sm.at(c) = T::from_f64(mean);
                    *ss.at(c) = T::from_f64(inv);
                }
                let (w, b) = (w[c].to_f64(), b[c].to_f64());
                ch.each(c, |i| *y.at(i) = T::from_f64(((*x.at(i)).to_f64() - mean) * inv * w + b));
            }
        }
    });
    Ok(())
}

/// What both backward passes start from: the elements in a row, and what the forward pass did to each channel.
struct Backward<T> {
    ch: Channels,
    /// Whether the forward pass used the statistics of the batch.
    collected: bool,
    /// Mean and 1/std per channel.
    used: Vec<(f64, f64)>,
    x: Ptr<T>,
    g: Ptr<T>,
    /// Keeps copies alive that `x` and `g` may point into.
    _keep: [Tensor; 2],
}

/// The running and the saved statistics, and what decides between them.
struct Statistics<'a> {
    running: [&'a Tensor; 2],
    saved: [&'a Tensor; 2],
    train: bool,
    eps: f64,
}

impl<T: Float> Backward<T> {
    fn new(input: &Tensor, grad_output: &Tensor, s: &Statistics, dims: i64) -> Result<Backward<T>> {
        let ch = Channels::of(input, s.running[0], dims)?;
        demand!(
            grad_output.same_size(input),
            "gradOutput {} should have the size of the input, {}",
            grad_output.shape_text(),
            input.shape_text()
        );
        let collected = collects(s.train, ch.batch);
        let [mean, spread] = if collected { s.saved } else { s.running };
        let (mean, spread) = (vector(Some(mean), ch.count, T::ZERO)?, vector(Some(spread), ch.count, T::ONE)?);
        let inverse = |v: f64| if collected { v } else { inverse_root(v + s.eps) };
        let used = mean.iter().zip(&spread).map(|(m, s)| (m.to_f64(), inverse(s.to_f64()))).collect();
        let keep = [contiguous(input)?, contiguous(grad_output)?];
        let (x, g) = (Ptr(keep[0].view::<T>()?.ptr), Ptr(keep[1].view::<T>()?.ptr));
        Ok(Backward { ch, collected, used, x, g, _keep: keep })
    }
}

/// Sums over a channel: of the gradient, and of the gradient times the centred input.
fn sums<T: Float>(ch: Channels, c: usize, x: Ptr<T>, g: Ptr<T>, mean: f64) -> (f64, f64) {
    let (mut sum, mut dot) = (0.0, 0.0);
    ch.each(c, |i| {
        // SAFETY: positions of the channel, inside both tensors.
        let (x, g) = unsafe { ((*x.at(i)).to_f64(), (*g.at(i)).to_f64()) };
        sum += g;
        dot += g * (x - mean);
    });
    (sum, dot)
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
    running_mean: &Tensor,
    running_var: &Tensor,
    save_mean: &Tensor,
    save_std: &Tensor,
    train: bool,
    eps: f64,
    dims: i64,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let s = Statistics { running: [running_mean, running_var], saved: [save_mean, save_std], train, eps };
    let b = Backward::<T>::new(input, grad_output, &s, dims)?;
    let w = vector(weight, b.ch.count, T::ONE)?;
    let r = Ptr(target::<T>(grad_input, input.layout().sizes())?);
    let (x, g, n) = (b.x, b.g, b.ch.values() as f64);
    let (ch, used, collected) = (b.ch, &b.used, b.collected);
    map::split(ch.count, ch.values() * 4, |first, count| {
        for c in first..first + count {
            let ((mean, inv), w) = (used[c], w[c].to_f64());
            let (sum, dot) = if collected { sums(ch, c, x, g, mean) } else { (0.0, 0.0) };
            let (mean_g, slope) = (sum / n, dot * inv * inv / n);
            ch.each(c, |i| {
                // SAFETY: positions of the channel, inside all three tensors.
                unsafe {
                    let (x, g) = ((*x.at(i)).to_f64(), (*g.at(i)).to_f64());
                    *r.at(i) = T::from_f64((g - mean_g - (x - mean) * slope) * inv * w);
                }
            });
        }
    });
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
    running_mean: &Tensor,
    running_var: &Tensor,
    save_mean: &Tensor,
    save_std: &Tensor,
    train: bool,
    eps: f64,
    dims: i64,
) -> Result<()> {
    let s = Statistics { running: [running_mean, running_var], saved: [save_mean, save_std], train, eps };
    let b = Backward::<T>::new(input, grad_output, &s, dims)?;
    let found: Vec<[f64; 2]> = (0..b.ch.count)
        .map(|c| {
            let (mean, inv) = b.used[c];
            let (sum, dot) = sums(b.ch, c, b.x, b.g, mean);
            [dot * inv * scale, sum * scale]
        })
        .collect();
    for (t, pick) in [(grad_weight, 0), (grad_bias, 1)] {
        let Some(t) = t else { continue };
        demand!(t.numel() == b.ch.count, "expected {} elements, got {}", b.ch.count, t.shape_text());
        let mut add = found.iter().map(|f| f[pick]);
        crate::tensor::walk::for_each_ptr(&t.view::<T>()?, |p| {
            // SAFETY: the walk stays inside the view.
            unsafe { *p = T::from_f64((*p).to_f64() + add.next().unwrap_or(0.0)) };
        });
    }
    Ok(())
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
        forward::<f64>(&x, &y, None, None, &rm, &rv, &sm, &ss, true, 0.1, 0.0, 2).unwrap();
        let v = y.to_vec::<f64>().unwrap();
        assert!((v[0] + v[2] + v[4]).abs() < 1e-12);
        assert!((v[1] * v[1] + v[3] * v[3] + v[5] * v[5] - 3.0).abs() < 1e-12);
        assert!((rm.to_vec::<f64>().unwrap()[0] - 0.3).abs() < 1e-12);
        assert!((rv.to_vec::<f64>().unwrap()[0] - (0.9 + 0.7)).abs() < 1e-12);
    }
}
