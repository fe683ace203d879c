//! Criteria over classes: input (classes), (batch x classes) or maps of classes (batch x classes x height x width);
//! targets are class numbers from 1.

use super::Averaging;
use crate::fields;
use crate::nn::vectors::sums_of;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, share_rows, try_share};
use crate::tensor::check;
use crate::tensor::dtype::{Element, Float};
use crate::tensor::error::Result;
use crate::tensor::layout::shape_text;
use crate::tensor::simd::vectorize;
use crate::{demand, refuse, with_dtype};

/// The elements of a tensor of any type as integers.
pub(in crate::nn) fn integers(t: &Tensor) -> Result<Vec<i64>> {
    with_dtype!(t.dtype(), T => Ok(Source::<T>::of(t)?.iter().map(|v| Element::to_i64(*v)).collect()))
}

/// How scores lie: `rows` samples with `n` classes each, every class with `inner` places.
#[derive(Clone, Copy)]
struct Scores {
    rows: usize,
    n: usize,
    inner: usize,
}

impl Scores {
    /// One sample or a batch of them.
    fn of(input: &Tensor) -> Result<Scores> {
        match *input.layout().sizes() {
            [n] => Ok(Scores { rows: 1, n, inner: 1 }),
            [rows, n] => Ok(Scores { rows, n, inner: 1 }),
            _ => refuse!("input tensor should be 1D or 2D, got {}", input.shape_text()),
        }
    }

    /// Maps of scores, with a target for every place.
    fn maps(input: &Tensor, target: &Tensor) -> Result<Scores> {
        demand!(input.ndim() == 4, "4D input expected, got {}", input.shape_text());
        let (rows, n, h, w) = (input.size(0), input.size(1), input.size(2), input.size(3));
        demand!(
            target.layout().sizes() == [rows, h, w],
            "target {} does not fit input {}",
            target.shape_text(),
            input.shape_text()
        );
        Ok(Scores { rows, n, inner: h * w })
    }

    /// The classes of a target with one entry per sample, counted from 0.
    fn targets(self, target: &Tensor) -> Result<Vec<usize>> {
        demand!(
            target.ndim() <= 1 && target.numel() == self.rows,
            "target {} expected, got {}",
            shape_text(&[self.rows]),
            target.shape_text()
        );
        integers(target)?.into_iter().map(|c| check::class(c, self.n)).collect()
    }

    /// The weight of each class.
    fn weights<T: Float>(self, weights: Option<&Tensor>) -> Result<Option<Source<T>>> {
        let Some(w) = weights else { return Ok(None) };
        demand!(w.numel() == self.n, "weights {} should have one entry per class, of {}", w.shape_text(), self.n);
        Source::of(w).map(Some)
    }
}

fn weight<T: Float>(weights: Option<&Source<T>>, class: usize) -> f64 {
    weights.map_or(1.0, |w| w[class].to_f64())
}

fields! {
    /// A negative log likelihood.
    pub struct Likelihood<'a> {
        /// Whether the loss is divided by the total weight.
        average: bool = ".sizeAverage:bool=true",
        /// One weight per class.
        weights: Option<&'a Tensor> = ".weights:T=nil",
        /// A class, from 1, whose samples do not count.
        ignore: i64 = ".ignoreIndex:long=-100",
    }
}

/// The scores that a negative log likelihood looks at: their positions and weights. Ignored ones are left out.
fn chosen<T: Float>(input: &Tensor, target: &Tensor, fields: Likelihood, maps: bool) -> Result<Vec<(usize, f64)>> {
    let scores = if maps { Scores::maps(input, target)? } else { Scores::of(input)? };
    let t = integers(target)?;
    if !maps {
        demand!(target.ndim() <= 1 && !t.is_empty(), "multi-target not supported, got {}", target.shape_text());
        let fits = input.ndim() == 1 || t.len() == scores.rows;
        demand!(fits, "target {} does not fit input {}", target.shape_text(), input.shape_text());
    }
    let w = scores.weights::<T>(fields.weights)?;
    let mut out = Vec::with_capacity(t.len());
    for (i, &c) in t[..scores.rows * scores.inner].iter().enumerate().filter(|(_, c)| **c != fields.ignore) {
        let c = check::class(c, scores.n)?;
        let (row, place) = (i / scores.inner, i % scores.inner);
        out.push(((row * scores.n + c) * scores.inner + place, weight(w.as_ref(), c)));
    }
    Ok(out)
}

/// The loss of the chosen scores, and their total weight.
fn likelihood<T: Float>(input: &Tensor, chosen: &[(usize, f64)], average: bool) -> Result<(f64, f64)> {
    let x = Source::<T>::of(input)?;
    let total: f64 = chosen.iter().map(|c| c.1).sum();
    let loss: f64 = chosen.iter().map(|&(i, w)| -x[i].to_f64() * w).sum();
    Ok((if average && total != 0.0 { loss / total } else { loss }, total))
}

/// Backward of [`likelihood`].
fn likelihood_grad<T: Float>(
    input: &Tensor,
    chosen: Vec<(usize, f64)>,
    grad_input: &Tensor,
    average: bool,
) -> Result<()> {
    let mut r = Dest::<T>::zeros_like(grad_input, input)?;
    let total: f64 = chosen.iter().map(|c| c.1).sum();
    let by = if average && total != 0.0 { total } else { 1.0 };
    chosen.into_iter().for_each(|(i, w)| r[i] = T::from_f64(-w / by));
    Ok(())
}

/// Negative log likelihood: log-probabilities (classes) or (batch x classes), target the classes from 1. Returns the
/// loss and the total weight.
///
/// # Errors
/// A class that is not there, sizes that do not fit.
pub fn nll<T: Float>(input: &Tensor, target: &Tensor, fields: Likelihood) -> Result<(f64, f64)> {
    likelihood::<T>(input, &chosen::<T>(input, target, fields, false)?, fields.average)
}

/// Backward of [`nll`], of the input's size.
///
/// # Errors
/// As [`nll`].
pub fn nll_grad<T: Float>(input: &Tensor, target: &Tensor, grad_input: &Tensor, fields: Likelihood) -> Result<()> {
    likelihood_grad::<T>(input, chosen::<T>(input, target, fields, false)?, grad_input, fields.average)
}

/// [`nll`] of maps: (batch x classes x height x width), with a target for every position.
///
/// # Errors
/// As [`nll`].
pub fn spatial_nll<T: Float>(input: &Tensor, target: &Tensor, fields: Likelihood) -> Result<(f64, f64)> {
    likelihood::<T>(input, &chosen::<T>(input, target, fields, true)?, fields.average)
}

/// Backward of [`spatial_nll`], of the input's size.
///
/// # Errors
/// As [`nll`].
pub fn spatial_nll_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    fields: Likelihood,
) -> Result<()> {
    likelihood_grad::<T>(input, chosen::<T>(input, target, fields, true)?, grad_input, fields.average)
}

fields! {
    /// nn.MultiMarginCriterion
    pub struct MultiMargin<'a> {
        /// Whether the loss is divided by the number of samples.
        average: bool = ".sizeAverage:bool=true",
        /// The power of a gap, 1 or 2.
        p: i64 = ".p:long=1",
        /// One weight per class.
        weights: Option<&'a Tensor> = ".weights:T=nil",
        /// How far the right class should be ahead.
        margin: f64 = ".margin:num=1",
    }
}

/// A sample of nn.MultiMarginCriterion.
struct Sample<'a, T> {
    /// The scores before and after the right class.
    wrong: [&'a [T]; 2],
    /// What wrong scores should not be above.
    least: f64,
    weight: f64,
    right: usize,
}

/// The samples of a batch.
struct Samples<T> {
    scores: Scores,
    x: Source<T>,
    right: Vec<usize>,
    weights: Option<Source<T>>,
    margin: f64,
}

impl<T: Float> Samples<T> {
    fn of(input: &Tensor, target: &Tensor, fields: &MultiMargin) -> Result<Samples<T>> {
        let scores = Scores::of(input)?;
        let (x, weights) = (Source::<T>::of(input)?, scores.weights::<T>(fields.weights)?);
        Ok(Samples { scores, x, right: scores.targets(target)?, weights, margin: fields.margin })
    }

    fn sample(&self, row: usize) -> Sample<'_, T> {
        let (x, right) = (&self.x[row * self.scores.n..][..self.scores.n], self.right[row]);
        let (before, rest) = x.split_at(right);
        let weight = weight(self.weights.as_ref(), right);
        Sample { wrong: [before, &rest[1..]], least: x[right].to_f64() - self.margin, weight, right }
    }
}

/// What of a score is above `least`.
#[inline(always)]
fn excess(score: f64, least: f64) -> f64 {
    let gap = score - least;
    if gap > 0.0 { gap } else { 0.0 }
}

/// nn.MultiMarginCriterion: how far wrong classes come into the margin of the right one, to the power of 1 or 2.
///
/// # Errors
/// A class that is not there, sizes that do not fit.
pub fn multi_margin<T: Float>(input: &Tensor, target: &Tensor, fields: MultiMargin) -> Result<f64> {
    let (samples, linear) = (Samples::<T>::of(input, target, &fields)?, fields.p == 1);
    let Scores { rows, n, .. } = samples.scores;
    let sum = row_sums(rows, n, |row| {
        let Sample { wrong, least, weight, .. } = samples.sample(row);
        let [below, above] = wrong.map(|x| {
            let [sum] = sums_of([x], |[x]| {
                let gap = excess(x, least);
                [if linear { gap } else { gap * gap }]
            });
            sum
        });
        weight * (below + above)
    })?;
    Ok(sum / n as f64 / if fields.average { rows as f64 } else { 1.0 })
}

/// The sum of what `f` gives for each row of `n` elements.
fn row_sums(rows: usize, n: usize, f: impl Fn(usize) -> f64 + Sync) -> Result<f64> {
    let mut sums = Workspace::<f64>::new(rows)?;
    share_rows(&mut sums, 1, n * 2, |first, sums| {
        vectorize(
            #[inline(always)]
            || (first..).zip(sums).for_each(|(row, sum)| *sum = f(row)),
        );
    });
    Ok(sums.iter().sum())
}

/// Backward of [`multi_margin`], of the input's size.
///
/// # Errors
/// As [`multi_margin`].
pub fn multi_margin_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    fields: MultiMargin,
) -> Result<()> {
    let count = if fields.average { input.numel() } else { input.size(input.ndim().saturating_sub(1)) } as f64;
    let (samples, linear) = (Samples::<T>::of(input, target, &fields)?, fields.p == 1);
    let n = samples.scores.n;
    let mut r = Dest::<T>::like(grad_input, input)?;
    share_rows(&mut r, n, n * 2, |first, rows| {
        vectorize(
            #[inline(always)]
            || {
                for (row, r) in (first..).zip(rows.chunks_mut(n)) {
                    let Sample { wrong, least, weight, right } = samples.sample(row);
                    let (before, rest) = r.split_at_mut(right);
                    let Some((own, after)) = rest.split_first_mut() else { return };
                    let one = weight / count;
                    let mut sum = 0.0;
                    for (r, x) in [before, after].into_iter().zip(wrong) {
                        r.iter_mut().zip(x).for_each(|(r, x)| {
                            let gap = excess(x.to_f64(), least);
                            let slope = if linear { one } else { 2.0 * gap * one };
                            *r = T::from_f64(if gap > 0.0 { slope } else { 0.0 });
                        });
                        sum += sums_of([r], |[v]| [v])[0];
                    }
                    *own = T::from_f64(-sum);
                }
            },
        );
    });
    Ok(())
}

/// The samples of nn.MultiLabelMarginCriterion. The labels of a sample stand at the front of its target; the first 0 ends
/// them.
struct Labelled<T> {
    scores: Scores,
    x: Source<T>,
    targets: Vec<i64>,
}

impl<T: Float> Labelled<T> {
    fn of(input: &Tensor, target: &Tensor) -> Result<Labelled<T>> {
        let scores = Scores::of(input)?;
        demand!(
            target.same_size(input),
            "target {} should have the size of the input, {}",
            target.shape_text(),
            input.shape_text()
        );
        let (x, targets) = (Source::<T>::of(input)?, integers(target)?);
        if let Some(bad) = targets.iter().find(|c| **c < 0 || **c as usize > scores.n) {
            refuse!("target class {bad} out of range 0..{}", scores.n);
        }
        Ok(Labelled { scores, x, targets })
    }

    /// The scores of a sample and its labels, from 1. Of `others`, those of labels become minus infinity, the other ones
    /// the scores.
    fn sample(&self, row: usize, others: &mut [T]) -> (&[T], &[i64]) {
        let part = row * self.scores.n..(row + 1) * self.scores.n;
        let (x, t) = (&self.x[part.clone()], &self.targets[part]);
        let labels = &t[..t.iter().position(|&c| c == 0).unwrap_or(t.len())];
        others.copy_from_slice(x);
        labels.iter().for_each(|&c| others[c as usize - 1] = T::LOWEST);
        (x, labels)
    }
}

/// nn.MultiLabelMarginCriterion: target of the input's size, the labels of each sample first.
///
/// # Errors
/// A label that is not there, sizes that do not fit.
pub fn multi_label_margin<T: Float>(input: &Tensor, target: &Tensor, fields: Averaging) -> Result<f64> {
    let labelled = Labelled::<T>::of(input, target)?;
    let Scores { rows, n, .. } = labelled.scores;
    let mut sums = Workspace::<f64>::new(rows)?;
    try_share(Rows::new(&mut sums, 1), n * 8, |first, sums| {
        let mut others = Workspace::<T>::new(n)?;
        vectorize(
            #[inline(always)]
            || {
                for (row, sum) in (first..).zip(sums.into_slice()) {
                    let (x, labels) = labelled.sample(row, &mut others);
                    let of_label = |&label: &i64| {
                        let least = x[label as usize - 1].to_f64() - 1.0;
                        sums_of([&others], |[x]| [excess(x, least)])[0]
                    };
                    *sum = labels.iter().map(of_label).sum();
                }
            },
        );
        Ok(())
    })?;
    Ok(sums.iter().sum::<f64>() / n as f64 / if fields.average { rows as f64 } else { 1.0 })
}

/// Backward of [`multi_label_margin`], of the input's size.
///
/// # Errors
/// As [`multi_label_margin`].
pub fn multi_label_margin_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    fields: Averaging,
) -> Result<()> {
    let count = if fields.average { input.numel() } else { input.size(input.ndim().saturating_sub(1)) };
    let by = T::from_f64(1.0 / count as f64);
    let labelled = Labelled::<T>::of(input, target)?;
    let n = labelled.scores.n;
    let mut r = Dest::<T>::like(grad_input, input)?;
    try_share(Rows::new(&mut r, n), n * 8, |first, rows| {
        let mut others = Workspace::<T>::new(n)?;
        vectorize(
            #[inline(always)]
            || {
                for (row, r) in (first..).zip(rows.into_rows()) {
                    let (x, labels) = labelled.sample(row, &mut others);
                    r.fill(T::ZERO);
                    for label in labels.iter().map(|&label| label as usize - 1) {
                        let least = x[label].to_f64() - 1.0;
                        let count = add_above(r, &others, least, by);
                        r[label] = r[label].sub(by.mul(T::from_f64(count)));
                    }
                }
            },
        );
        Ok(())
    })
}

/// Adds `by` where `x` is above `least`; gives how often it is.
#[inline(always)]
fn add_above<T: Float>(r: &mut [T], x: &[T], least: f64, by: T) -> f64 {
    let above = |x: f64| x - least > 0.0;
    r.iter_mut().zip(x).for_each(|(r, x)| *r = r.add(if above(x.to_f64()) { by } else { T::ZERO }));
    sums_of([x], |[x]| [if above(x) { 1.0 } else { 0.0 }])[0]
}
