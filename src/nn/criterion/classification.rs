//! Criteria over classes: input (classes), (batch x classes) or maps of classes (batch x classes x height x width);
//! targets are class numbers from 1.

use super::Averaging;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, Workspace};
use crate::tensor::check;
use crate::tensor::dtype::{Element, Float};
use crate::tensor::error::Result;
use crate::tensor::layout::shape_text;
use crate::{demand, refuse, with_dtype};

/// The elements of a tensor of any type as integers.
fn integers(t: &Tensor) -> Result<Vec<i64>> {
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

impl MultiMargin<'_> {
    /// Calls `f(position, gap, weight, position of the right class)` for each wrong class within the margin.
    fn each<T: Float>(
        self,
        input: &Tensor,
        target: &Tensor,
        mut f: impl FnMut(usize, f64, f64, usize),
    ) -> Result<Scores> {
        let scores = Scores::of(input)?;
        let (x, w) = (Source::<T>::of(input)?, scores.weights::<T>(self.weights)?);
        for (row, class) in scores.targets(target)?.into_iter().enumerate() {
            let (first, right, by) = (row * scores.n, row * scores.n + class, weight(w.as_ref(), class));
            let least = x[right].to_f64() - self.margin;
            for i in (first..first + scores.n).filter(|&i| i != right) {
                let gap = x[i].to_f64() - least;
                if gap > 0.0 {
                    f(i, gap, by, right);
                }
            }
        }
        Ok(scores)
    }
}

/// nn.MultiMarginCriterion: how far wrong classes come into the margin of the right one, to the power of 1 or 2.
///
/// # Errors
/// A class that is not there, sizes that do not fit.
pub fn multi_margin<T: Float>(input: &Tensor, target: &Tensor, fields: MultiMargin) -> Result<f64> {
    let mut sum = 0.0;
    let scores = fields.each::<T>(input, target, |_, gap, w, _| {
        sum += w * if fields.p == 1 { gap } else { gap * gap };
    })?;
    Ok(sum / scores.n as f64 / if fields.average { scores.rows as f64 } else { 1.0 })
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
    let mut slopes = Workspace::<T>::zeros(input.numel())?;
    fields.each::<T>(input, target, |i, gap, w, right| {
        let slope = T::from_f64(w * if fields.p == 1 { 1.0 } else { 2.0 * gap } / count);
        slopes[i] = slopes[i].add(slope);
        slopes[right] = slopes[right].sub(slope);
    })?;
    Dest::like(grad_input, input)?.copy_from_slice(&slopes);
    Ok(())
}

/// Calls `f(position of a label, position of another class, gap)` wherever a class that is no label comes within 1 of a
/// label. The labels of a sample stand at the front of its target; the first 0 ends them.
fn each_label<T: Float>(input: &Tensor, target: &Tensor, mut f: impl FnMut(usize, usize, f64)) -> Result<Scores> {
    let scores = Scores::of(input)?;
    demand!(
        target.same_size(input),
        "target {} should have the size of the input, {}",
        target.shape_text(),
        input.shape_text()
    );
    let (x, t, n) = (Source::<T>::of(input)?, integers(target)?, scores.n);
    if let Some(bad) = t.iter().find(|c| **c < 0 || **c as usize > n) {
        refuse!("target class {bad} out of range 0..{n}");
    }
    let mut is_label = vec![false; n];
    for (row, t) in t.chunks(n.max(1)).enumerate() {
        let count = t.iter().position(|&c| c == 0).unwrap_or(n);
        let labels = &t[..count];
        is_label.fill(false);
        labels.iter().for_each(|&c| is_label[c as usize - 1] = true);
        for &label in labels {
            let at = row * n + label as usize - 1;
            let least = x[at].to_f64() - 1.0;
            for other in (0..n).filter(|&c| !is_label[c]).map(|c| row * n + c) {
                let gap = x[other].to_f64() - least;
                if gap > 0.0 {
                    f(at, other, gap);
                }
            }
        }
    }
    Ok(scores)
}

/// nn.MultiLabelMarginCriterion: target of the input's size, the labels of each sample first.
///
/// # Errors
/// A label that is not there, sizes that do not fit.
pub fn multi_label_margin<T: Float>(input: &Tensor, target: &Tensor, fields: Averaging) -> Result<f64> {
    let mut sum = 0.0;
    let scores = each_label::<T>(input, target, |_, _, gap| sum += gap)?;
    Ok(sum / scores.n as f64 / if fields.average { scores.rows as f64 } else { 1.0 })
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
    let mut slopes = Workspace::<T>::zeros(input.numel())?;
    let count = if fields.average { input.numel() } else { input.size(input.ndim().saturating_sub(1)) };
    let by = T::from_f64(1.0 / count as f64);
    each_label::<T>(input, target, |label, other, _| {
        slopes[label] = slopes[label].sub(by);
        slopes[other] = slopes[other].add(by);
    })?;
    Dest::like(grad_input, input)?.copy_from_slice(&slopes);
    Ok(())
}
