//! Batch normalization: input (N x C) or (N x C x ...), statistics, weight and bias (C).

#![allow(clippy::too_many_arguments, reason = "one parameter per field of the module")]

use super::{dense, target};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::map::{self, Ptr};

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
    let x = dense::<T>(input)?;
    let (rm, rv) = (target::<T>(running_mean, &[ch.count])?, target::<T>(running_var, &[ch.count])?);
    let (sm, ss) = (target::<T>(save_mean, &[ch.count])?, target::<T>(save_std, &[ch.count])?);
    let [rm, rv, sm, ss] = [rm, rv, sm, ss].map(Ptr);
    let y = Ptr(target::<T>(output, input.layout().sizes())?);
    let x = Ptr(x.view::<T>()?.ptr);
    map::split(ch.count, ch.values() * 4, |first, count| {
        for c in first..first + count {
            // SAFETY: channel `c` of each vector and its positions in input and output; channels do not share any.
            unsafe {
                let (mut mean, mut inv) = ((*rm.at(c)).to_f64(), 1.0 / ((*rv.at(c)).to_f64() + eps).sqrt());
                if collects(train, ch.batch) {
                    let n = ch.values() as f64;
                    (mean, inv) = (0.0, 0.0);
                    ch.each(c, |i| mean += (*x.at(i)).to_f64());
                    mean /= n;
                    ch.each(c, |i| inv += ((*x.at(i)).to_f64() - mean).powi(2));
                    let unbiased = inv / (n - 1.0);
                    inv = 1.0 / (inv / n + eps).sqrt();
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

/// Mean and 1/std that the forward pass used, per channel.
fn used<T: Float>(stats: [&Tensor; 4], collected: bool, n: usize, eps: f64) -> Result<Vec<(f64, f64)>> {
    let [rm, rv, sm, ss] = stats;
    let (m, s) = if collected { (sm, ss) } else { (rm, rv) };
    let (m, s) = (vector::<T>(Some(m), n, T::ZERO)?, vector::<T>(Some(s), n, T::ONE)?);
    let inverse = |v: f64| if collected { v } else { 1.0 / (v + eps).sqrt() };
    Ok(m.iter().zip(&s).map(|(m, s)| (m.to_f64(), inverse(s.to_f64()))).collect())
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
    let ch = Channels::of(input, running_mean, dims)?;
    map::same_count("BatchNormalization", grad_output, input)?;
    let collected = collects(train, ch.batch);
    let stats = used::<T>([running_mean, running_var, save_mean, save_std], collected, ch.count, eps)?;
    let w = vector(weight, ch.count, T::ONE)?;
    let (x, g) = (dense::<T>(input)?, dense::<T>(grad_output)?);
    let r = Ptr(target::<T>(grad_input, input.layout().sizes())?);
    let (x, g) = (Ptr(x.view::<T>()?.ptr), Ptr(g.view::<T>()?.ptr));
    map::split(ch.count, ch.values() * 4, |first, count| {
        for c in first..first + count {
            let ((mean, inv), w, n) = (stats[c], w[c].to_f64(), ch.values() as f64);
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
    let ch = Channels::of(input, running_mean, dims)?;
    map::same_count("BatchNormalization", grad_output, input)?;
    let collected = collects(train, ch.batch);
    let stats = used::<T>([running_mean, running_var, save_mean, save_std], collected, ch.count, eps)?;
    let (x, g) = (dense::<T>(input)?, dense::<T>(grad_output)?);
    let (x, g) = (Ptr(x.view::<T>()?.ptr), Ptr(g.view::<T>()?.ptr));
    let mut found = vec![(0.0, 0.0); ch.count];
    for (c, f) in found.iter_mut().enumerate() {
        let (sum, dot) = sums(ch, c, x, g, stats[c].0);
        *f = (dot * stats[c].1 * scale, sum * scale);
    }
    for (t, pick) in [(grad_weight, 0), (grad_bias, 1)] {
        let Some(t) = t else { continue };
        demand!(t.numel() == ch.count, "expected {} elements, got {}", ch.count, t.shape_text());
        let mut i = 0;
        crate::tensor::walk::for_each_ptr(&t.view::<T>()?, |p| {
            let add = if pick == 0 { found[i].0 } else { found[i].1 };
            // SAFETY: the walk stays inside the view.
            unsafe { *p = T::from_f64((*p).to_f64() + add) };
            i += 1;
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
