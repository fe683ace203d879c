//! Criteria over classes: input (classes), (batch x classes) or maps of classes (batch x classes x height x width);
//! targets are class numbers from 1.

use super::Flat;
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::{Element, Float};
use crate::tensor::error::Result;
use crate::tensor::{map, walk};
use crate::with_dtype;

/// The elements of a tensor of any type as integers.
fn integers(t: &Tensor) -> Result<Vec<i64>> {
    with_dtype!(t.dtype(), T => {
        let mut out = Vec::with_capacity(t.numel());
        walk::for_each(&t.view::<T>()?, |v| out.push(Element::to_i64(v)));
        Ok(out)
    })
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
    fn of(name: &str, input: &Tensor) -> Result<Scores> {
        match *input.layout().sizes() {
            [n] => Ok(Scores { rows: 1, n, inner: 1 }),
            [rows, n] => Ok(Scores { rows, n, inner: 1 }),
            _ => {
                demand!(false, in name, "input tensor should be 1D or 2D, got {}", input.shape_text());
                Ok(Scores { rows: 0, n: 0, inner: 1 })
            }
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

    /// The class number `c` counted from 0.
    fn class(self, c: i64) -> Result<usize> {
        demand!(c >= 1 && c as usize <= self.n, "target class {c} out of range 1..{}", self.n);
        Ok(c as usize - 1)
    }

    /// The classes of a target with one entry per sample, counted from 0.
    fn targets(self, name: &str, target: &Tensor) -> Result<Vec<usize>> {
        demand!(
            target.ndim() <= 1 && target.numel() == self.rows,
            in name, "target of {} entries expected, got {}",
            self.rows,
            target.shape_text()
        );
        integers(target)?.into_iter().map(|c| self.class(c)).collect()
    }

    /// The weight of each class.
    fn weights<T: Float>(self, weights: Option<&Tensor>) -> Result<Option<Flat<T>>> {
        let Some(w) = weights else { return Ok(None) };
        demand!(w.numel() == self.n, "weights {} should have one entry per class, of {}", w.shape_text(), self.n);
        Flat::of(w).map(Some)
    }
}

fn weight<T: Float>(weights: Option<&Flat<T>>, class: usize) -> f64 {
    weights.map_or(1.0, |w| w.at(class).to_f64())
}

/// The scores that a negative log likelihood looks at: their positions and weights. Ignored ones are left out.
fn chosen<T: Float>(
    input: &Tensor,
    target: &Tensor,
    weights: Option<&Tensor>,
    ignore: i64,
    maps: bool,
) -> Result<Vec<(usize, f64)>> {
    let scores = if maps { Scores::maps(input, target)? } else { Scores::of("ClassNLLCriterion", input)? };
    let t = integers(target)?;
    if !maps {
        demand!(target.ndim() <= 1 && !t.is_empty(), "multi-target not supported, got {}", target.shape_text());
        let fits = input.ndim() == 1 || t.len() == scores.rows;
        demand!(fits, "target {} does not fit input {}", target.shape_text(), input.shape_text());
    }
    let w = scores.weights::<T>(weights)?;
    let mut out = Vec::with_capacity(t.len());
    for (i, &c) in t[..scores.rows * scores.inner].iter().enumerate().filter(|(_, c)| **c != ignore) {
        let c = scores.class(c)?;
        let (row, place) = (i / scores.inner, i % scores.inner);
        out.push(((row * scores.n + c) * scores.inner + place, weight(w.as_ref(), c)));
    }
    Ok(out)
}

/// Negative log likelihood: log-probabilities (classes), (batch x classes), or with `maps` (batch x classes x height x
/// width); target the classes from 1. Returns the loss and the total weight.
///
/// # Errors
/// A class that is not there, sizes that do not fit.
pub fn nll<T: Float>(
    input: &Tensor,
    target: &Tensor,
    average: bool,
    weights: Option<&Tensor>,
    ignore: i64,
    maps: bool,
) -> Result<(f64, f64)> {
    let chosen = chosen::<T>(input, target, weights, ignore, maps)?;
    let x = Flat::<T>::of(input)?;
    let total: f64 = chosen.iter().map(|c| c.1).sum();
    let loss: f64 = chosen.iter().map(|&(i, w)| -x.at(i).to_f64() * w).sum();
    Ok((if average && total != 0.0 { loss / total } else { loss }, total))
}

/// Backward of [`nll`], of the input's size.
///
/// # Errors
/// As [`nll`].
pub fn nll_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    average: bool,
    weights: Option<&Tensor>,
    ignore: i64,
    maps: bool,
) -> Result<()> {
    let chosen = chosen::<T>(input, target, weights, ignore, maps)?;
    let r = Flat::<T>::result(grad_input, input.layout().sizes())?;
    map::fill(grad_input, T::ZERO)?;
    let total: f64 = chosen.iter().map(|c| c.1).sum();
    let by = if average && total != 0.0 { total } else { 1.0 };
    chosen.into_iter().for_each(|(i, w)| r.put(i, T::from_f64(-w / by)));
    Ok(())
}

/// The hinge of nn.MultiMarginCriterion: its power, and how far the right class should be ahead.
#[derive(Clone, Copy)]
struct Hinge {
    p: i64,
    margin: f64,
}

impl Hinge {
    /// Calls `f(position, gap, weight, position of the right class)` for each wrong class within the margin.
    fn each<T: Float>(
        self,
        input: &Tensor,
        target: &Tensor,
        weights: Option<&Tensor>,
        mut f: impl FnMut(usize, f64, f64, usize),
    ) -> Result<Scores> {
        let name = "MultiMarginCriterion";
        let scores = Scores::of(name, input)?;
        let (x, w) = (Flat::<T>::of(input)?, scores.weights::<T>(weights)?);
        for (row, class) in scores.targets(name, target)?.into_iter().enumerate() {
            let (first, right, by) = (row * scores.n, row * scores.n + class, weight(w.as_ref(), class));
            let least = x.at(right).to_f64() - self.margin;
            for i in (first..first + scores.n).filter(|&i| i != right) {
                let gap = x.at(i).to_f64() - least;
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
pub fn multi_margin<T: Float>(
    input: &Tensor,
    target: &Tensor,
    average: bool,
    p: i64,
    weights: Option<&Tensor>,
    margin: f64,
) -> Result<f64> {
    let mut sum = 0.0;
    let scores = Hinge { p, margin }.each::<T>(input, target, weights, |_, gap, w, _| {
        sum += w * if p == 1 { gap } else { gap * gap };
    })?;
    Ok(sum / scores.n as f64 / if average { scores.rows as f64 } else { 1.0 })
}

/// Backward of [`multi_margin`], of the input's size.
///
/// # Errors
/// As [`multi_margin`].
pub fn multi_margin_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    average: bool,
    p: i64,
    weights: Option<&Tensor>,
    margin: f64,
) -> Result<()> {
    let hinge = Hinge { p, margin };
    let r = Flat::<T>::result(grad_input, input.layout().sizes())?;
    map::fill(grad_input, T::ZERO)?;
    let count = if average { input.numel() } else { input.size(input.ndim().saturating_sub(1)) } as f64;
    hinge.each::<T>(input, target, weights, |i, gap, w, right| {
        let slope = T::from_f64(w * if hinge.p == 1 { 1.0 } else { 2.0 * gap } / count);
        r.put(i, r.at(i).add(slope));
        r.put(right, r.at(right).sub(slope));
    })?;
    Ok(())
}

/// Calls `f(position of a label, position of another class, gap)` wherever a class that is no label comes within 1 of a
/// label. The labels of a sample stand at the front of its target; the first 0 ends them.
fn each_label<T: Float>(input: &Tensor, target: &Tensor, mut f: impl FnMut(usize, usize, f64)) -> Result<Scores> {
    let name = "MultiLabelMarginCriterion";
    let scores = Scores::of(name, input)?;
    demand!(
        target.same_size(input),
        in name, "target {} should have the size of the input, {}",
        target.shape_text(),
        input.shape_text()
    );
    let (x, t, n) = (Flat::<T>::of(input)?, integers(target)?, scores.n);
    if let Some(bad) = t.iter().find(|c| **c < 0 || **c as usize > n) {
        demand!(false, in name, "target {bad} out of range 0..{n}");
    }
    let mut is_label = vec![false; n];
    for (row, t) in t.chunks(n.max(1)).enumerate() {
        let count = t.iter().position(|&c| c == 0).unwrap_or(n);
        let labels = &t[..count];
        is_label.fill(false);
        labels.iter().for_each(|&c| is_label[c as usize - 1] = true);
        for &label in labels {
            let at = row * n + label as usize - 1;
            let least = x.at(at).to_f64() - 1.0;
            for other in (0..n).filter(|&c| !is_label[c]).map(|c| row * n + c) {
                let gap = x.at(other).to_f64() - least;
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
pub fn multi_label_margin<T: Float>(input: &Tensor, target: &Tensor, average: bool) -> Result<f64> {
    let mut sum = 0.0;
    let scores = each_label::<T>(input, target, |_, _, gap| sum += gap)?;
    Ok(sum / scores.n as f64 / if average { scores.rows as f64 } else { 1.0 })
}

/// Backward of [`multi_label_margin`], of the input's size.
///
/// # Errors
/// As [`multi_label_margin`].
pub fn multi_label_margin_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    average: bool,
) -> Result<()> {
    let r = Flat::<T>::result(grad_input, input.layout().sizes())?;
    map::fill(grad_input, T::ZERO)?;
    let count = if average { input.numel() } else { input.size(input.ndim().saturating_sub(1)) };
    let by = T::from_f64(1.0 / count as f64);
    each_label::<T>(input, target, |label, other, _| {
        r.put(label, r.at(label).sub(by));
        r.put(other, r.at(other).add(by));
    })?;
    Ok(())
}
