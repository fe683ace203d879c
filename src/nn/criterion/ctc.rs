//! Connectionist temporal classification (Graves et al. 2006): the loss of label sequences that are not aligned with the
//! frames of the input (batch x frames x classes), whose scores a softmax makes probabilities. Class 0 is the blank. Sums over
//! alignments are kept as logarithms.

use super::classification::integers;
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, try_share};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;

/// What the samples of a batch are compared with.
struct Batch {
    frames: usize,
    classes: usize,
    /// For each sample its labels, and how many of its frames count.
    samples: Vec<(Vec<usize>, usize)>,
}

impl Batch {
    /// `labels` are those of all samples, one after another; `lengths` says how many each has.
    fn new(input: &Tensor, labels: &Tensor, lengths: &Tensor, sizes: &Tensor) -> Result<Batch> {
        check::rank("a tensor (batch x frames x classes) as input", input, 3)?;
        let (batch, frames, classes) = (input.size(0), input.size(1), input.size(2));
        let (all, lengths, sizes) = (integers(labels)?, integers(lengths)?, integers(sizes)?);
        demand!(
            lengths.len() == batch && sizes.len() == batch,
            "targets and sizes of {batch} sequences expected, got {} and {}",
            lengths.len(),
            sizes.len()
        );
        let (mut rest, mut samples) = (all.into_iter(), Vec::with_capacity(batch));
        for (length, size) in lengths.into_iter().zip(sizes) {
            demand!(
                (0..=frames as i64).contains(&size),
                "the size of a sequence should be 0 to {frames}, the frames of the input, got {size}"
            );
            let own = rest.by_ref().take(length.max(0) as usize);
            // labels are classes from 1 on, behind the blank
            let own: Result<Vec<usize>> = own.map(|c| Ok(check::class(c, classes.saturating_sub(1))? + 1)).collect();
            samples.push((own?, size as usize));
        }
        Ok(Batch { frames, classes, samples })
    }

    /// Calls `f(sample, its scores, its part of the result)` for each, on several threads, with `row` elements of the result
    /// for each.
    fn each<T: Float, R: Send>(
        &self,
        input: &Tensor,
        result: &mut [R],
        row: usize,
        f: impl Fn(&Lattice<T>, &mut [R]) -> Result<()> + Sync,
    ) -> Result<()> {
        let x = Source::<T>::of(input)?;
        let len = self.frames * self.classes;
        let states = self.samples.iter().map(|(labels, _)| 2 * labels.len() + 1).max().unwrap_or(0);
        let cost = self.frames.saturating_mul(self.classes * 8 + states * 32);
        try_share(Rows::new(result, row), cost, |first, part| {
            for (i, result) in (first..).zip(part.into_rows()) {
                let (labels, frames) = &self.samples[i];
                f(&Lattice::new(&x[i * len..][..frames * self.classes], labels, self.classes)?, result)?;
            }
            Ok(())
        })
    }
}

/// log(exp(a) + exp(b)).
#[inline]
fn add_logs(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// One sample: its frames as columns, and as rows the states of an alignment, which are its labels with blanks around.
struct Lattice<'a, T> {
    x: &'a [T],
    labels: &'a [usize],
    classes: usize,
    frames: usize,
    /// The logarithm of the sum of each frame's exponentials.
    totals: Workspace<f64>,
}

impl<'a, T: Float> Lattice<'a, T> {
    fn new(x: &'a [T], labels: &'a [usize], classes: usize) -> Result<Lattice<'a, T>> {
        let frames = x.len().checked_div(classes).unwrap_or(0);
        let mut totals = Workspace::<f64>::new(frames)?;
        for (total, x) in totals.iter_mut().zip(x.chunks(classes.max(1))) {
            let most = x.iter().fold(f64::NEG_INFINITY, |m, v| m.max(v.to_f64()));
            *total = most + x.iter().map(|v| (v.to_f64() - most).exp()).sum::<f64>().ln();
        }
        Ok(Lattice { x, labels, classes, frames, totals })
    }

    fn states(&self) -> usize {
        2 * self.labels.len() + 1
    }

    /// Whether there are frames enough: one for each label, and one between equal ones.
    fn fits(&self) -> bool {
        let repeated = self.labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
        self.frames > 0 && self.labels.len() + repeated <= self.frames
    }

    /// The class of a state.
    #[inline]
    fn class(&self, state: usize) -> usize {
        if state % 2 == 1 { self.labels[state / 2] } else { 0 }
    }

    /// Whether an alignment may go from state `state - 2` to this one, leaving out the blank between.
    #[inline]
    fn skips(&self, state: usize) -> bool {
        state % 2 == 1 && state >= 3 && self.labels[state / 2] != self.labels[state / 2 - 1]
    }

    /// The log-probability of a state's class in a frame.
    #[inline]
    fn log(&self, frame: usize, state: usize) -> f64 {
        self.x[frame * self.classes + self.class(state)].to_f64() - self.totals[frame]
    }

    /// For every frame and state the log-probability of the alignments up to there, and that of all of them.
    fn forward(&self) -> Result<(Workspace<f64>, f64)> {
        let n = self.states();
        let mut all = Workspace::<f64>::new(self.frames * n)?;
        for t in 0..self.frames {
            let (before, now) = all.split_at_mut(t * n);
            for (s, at) in now[..n].iter_mut().enumerate() {
                let mut sum = f64::NEG_INFINITY;
                if let Some(before) = before.len().checked_sub(n).map(|first| &before[first..]) {
                    sum = before[s];
                    if s >= 1 {
                        sum = add_logs(sum, before[s - 1]);
                    }
                    if self.skips(s) {
                        sum = add_logs(sum, before[s - 2]);
                    }
                } else if s <= 1 {
                    sum = 0.0;
                }
                *at = sum + self.log(t, s);
            }
        }
        let last = &all[(self.frames - 1) * n..];
        let total = if n > 1 { add_logs(last[n - 1], last[n - 2]) } else { last[0] };
        Ok((all, total))
    }

    /// The gradient of the loss by the scores.
    fn gradient(&self, result: &mut [T]) -> Result<()> {
        let (all, total) = self.forward()?;
        let n = self.states();
        // the log-probability of what follows each state, without its own class
        let mut after = Workspace::<f64>::new(n)?;
        let mut share = Workspace::<f64>::new(self.classes)?;
        after.iter_mut().enumerate().for_each(|(s, v)| *v = if s + 2 >= n { 0.0 } else { f64::NEG_INFINITY });
        for t in (0..self.frames).rev() {
            share.fill(0.0);
            for (s, follows) in after.iter().enumerate() {
                share[self.class(s)] += (all[t * n + s] + follows - total).exp();
            }
            let x = &self.x[t * self.classes..][..self.classes];
            for ((g, x), share) in result[t * self.classes..][..self.classes].iter_mut().zip(x).zip(share.iter()) {
                *g = T::from_f64((x.to_f64() - self.totals[t]).exp() - share);
            }
            after.iter_mut().enumerate().for_each(|(s, v)| *v += self.log(t, s));
            for s in 0..n {
                let mut sum = after[s];
                if s + 1 < n {
                    sum = add_logs(sum, after[s + 1]);
                }
                if s + 2 < n && self.skips(s + 2) {
                    sum = add_logs(sum, after[s + 2]);
                }
                after[s] = sum;
            }
        }
        Ok(())
    }
}

/// The loss of each sample; 0 where there are too few frames for the labels.
///
/// # Errors
/// Sizes that do not fit, labels that are not there.
pub fn losses<T: Float>(input: &Tensor, labels: &Tensor, lengths: &Tensor, sizes: &Tensor) -> Result<Vec<f64>> {
    let batch = Batch::new(input, labels, lengths, sizes)?;
    let mut list = vec![0.0; batch.samples.len()];
    batch.each::<T, f64>(input, &mut list, 1, |lattice, loss| {
        if lattice.fits() {
            loss[0] = -lattice.forward()?.1;
        }
        Ok(())
    })?;
    Ok(list)
}

/// The gradient of the sum of the losses, in a tensor of the input's size; 0 in frames that do not count.
///
/// # Errors
/// As [`losses`].
pub fn gradient<T: Float>(
    input: &Tensor,
    labels: &Tensor,
    lengths: &Tensor,
    sizes: &Tensor,
    gradient: &Tensor,
) -> Result<()> {
    let batch = Batch::new(input, labels, lengths, sizes)?;
    check::sizes("the gradient", gradient, input.layout().sizes())?;
    let mut all = Dest::<T>::update(gradient)?;
    batch.each::<T, T>(input, &mut all, batch.frames * batch.classes, |lattice, part| {
        part.fill(T::ZERO);
        if lattice.fits() { lattice.gradient(part) } else { Ok(()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::gradient_tests::{agrees, scattered, tensor, values};

    fn longs(values: &[i64]) -> Tensor {
        Tensor::from_slice(values).unwrap()
    }

    /// The loss by adding up every alignment.
    fn by_hand(x: &[f64], classes: usize, labels: &[usize]) -> f64 {
        let frames = x.len() / classes;
        let total = |t: usize| x[t * classes..][..classes].iter().map(|v| v.exp()).sum::<f64>();
        let mut sum = 0.0;
        for code in 0..classes.pow(frames as u32) {
            let way: Vec<usize> = (0..frames).map(|t| code / classes.pow(t as u32) % classes).collect();
            let mut collapsed = way.clone();
            collapsed.dedup();
            collapsed.retain(|&c| c > 0);
            if collapsed == labels {
                sum += way.iter().enumerate().map(|(t, &c)| x[t * classes + c].exp() / total(t)).product::<f64>();
            }
        }
        -f64::ln(sum)
    }

    #[test]
    fn alignments_are_all_counted_and_gradients_agree() {
        let x = scattered(60, &[4, 5, 3]);
        // the last sample has more labels than frames
        let (labels, lengths, sizes) = (longs(&[1, 2, 1, 1, 2, 2]), longs(&[2, 2, 0, 2]), longs(&[4, 5, 3, 2]));
        let got = losses::<f64>(&x, &labels, &lengths, &sizes).unwrap();
        let v = values(&x);
        for (i, own) in [vec![1, 2], vec![1, 1], vec![]].into_iter().enumerate() {
            let frames = [4, 5, 3][i];
            assert!((got[i] - by_hand(&v[i * 15..][..frames * 3], 3, &own)).abs() < 1e-10, "{i}");
        }
        assert_eq!(got[3], 0.0);
        let g = tensor(&[7.0; 60], &[4, 5, 3]);
        gradient::<f64>(&x, &labels, &lengths, &sizes, &g).unwrap();
        agrees("input", &x, &g, |x| losses::<f64>(x, &labels, &lengths, &sizes).map(|l| l.iter().sum()));
        for wrong in [[0i64, 1], [3, 1], [-4, 1], [i64::MAX, 1]] {
            let labels = longs(&[wrong[0], 1, 1, 1, 1, 1]);
            assert!(losses::<f64>(&x, &labels, &lengths, &sizes).is_err());
        }
        assert!(losses::<f64>(&x, &labels, &lengths, &longs(&[4, 6, 3, 2])).is_err());
        assert!(losses::<f64>(&x, &labels, &longs(&[2]), &sizes).is_err());
    }
}
