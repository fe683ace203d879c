//! Criteria that go element by element: input and target of the same number of elements; losses are numbers.

pub mod classification;
pub mod pairwise;

use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::tensor::map;
use crate::tensor::ops::copy::contiguous;
use crate::tensor::vmath::Plain;
use std::cell::Cell;

fields! {
    /// What most criteria have.
    pub struct Averaging {
        /// Whether the loss is divided by the number of its terms.
        average: bool = ".sizeAverage:bool=true",
    }
}
fields! {
    /// A criterion with a margin.
    pub struct Margin {
        /// Whether the loss is divided by the number of its terms.
        average: bool = ".sizeAverage:bool=true",
        /// How far values should be apart.
        margin: f64 = ".margin:num=1",
    }
}
fields! {
    /// A criterion with a weight for each column, or none.
    pub struct Weighted<'a> {
        /// Whether the loss is divided by the number of its terms.
        average: bool = ".sizeAverage:bool=true",
        /// The weights (columns).
        weights: Option<&'a Tensor> = ".weights:T=nil",
    }
}

/// Demands input and target of as many elements.
#[inline]
fn alike(input: &Tensor, target: &Tensor) -> Result<()> {
    check::same_number("input", input, "target", target)
}

/// The sum of `f` over pairs of elements, divided by their number where `average` is set.
fn over_pairs<T: Float>(a: &Tensor, b: &Tensor, average: bool, f: impl Fn(f64, f64) -> f64) -> Result<f64> {
    alike(a, b)?;
    let (x, y) = (Source::<T>::of(a)?, Source::<T>::of(b)?);
    let sum: f64 = x.iter().zip(y.iter()).map(|(x, y)| f(x.to_f64(), y.to_f64())).sum();
    Ok(if average { sum / a.numel() as f64 } else { sum })
}

fn norm<T: Float>(x: &Tensor, average: bool) -> T {
    T::from_f64(if average { 1.0 / x.numel() as f64 } else { 1.0 })
}

/// One entry per criterion: the class, its kernels, the loss of a pair in double precision, and its slope in the
/// tensors' own; in brackets its fields, and the one among them that both take.
macro_rules! pairwise {
    ($($class:literal $loss:ident $grad:ident($fields:ident $($p:ident)?): |$x:ident, $y:ident| $f:expr,
        |$u:ident, $v:ident| $df:expr;)*) => { $(
        #[doc = concat!("The loss of nn.", $class, ".\n\n# Errors\nSizes that differ.")]
        pub fn $loss<T: Float>(input: &Tensor, target: &Tensor, fields: $fields) -> Result<f64> {
            $(let $p = fields.$p;)?
            over_pairs::<T>(input, target, fields.average, |$x, $y| $f)
        }
        #[doc = concat!("The gradient of nn.", $class, ", of the input's size.\n\n# Errors\nSizes that differ.")]
        pub fn $grad<T: Float>(
            input: &Tensor, target: &Tensor, grad_input: &Tensor, fields: $fields
        ) -> Result<()> {
            $(let $p = T::from_f64(fields.$p);)?
            alike(input, target)?;
            grad_input.resize_as(input)?;
            let by = norm::<T>(input, fields.average);
            map::binary($class, grad_input, input, target, |$u: T, $v: T| by.mul($df))
        }
    )* };
}

fn select<T: Float>(cond: bool, v: T) -> T {
    if cond { v } else { T::ZERO }
}

pairwise! {
    "MSECriterion" mse mse_grad(Averaging): |x, y| (x - y) * (x - y), |x, y| x.sub(y).mul(T::from_f64(2.0));
    "AbsCriterion" abs abs_grad(Averaging): |x, y| (x - y).abs(), |x, y| if x.sub(y) >= T::ZERO { T::ONE } else { T::ONE.neg() };
    "SmoothL1Criterion" smooth_l1 smooth_l1_grad(Averaging):
        |x, y| { let d = (x - y).abs(); if d < 1.0 { 0.5 * d * d } else { d - 0.5 } },
        |x, y| {
            let d = x.sub(y);
            if d < T::ONE.neg() { T::ONE.neg() } else if d > T::ONE { T::ONE } else { d }
        };
    "MarginCriterion" margin margin_grad(Margin margin):
        |x, y| if margin - x * y > 0.0 { margin - x * y } else { 0.0 },
        |x, y| select(x.mul(y) < margin, y.neg());
    "SoftMarginCriterion" soft_margin soft_margin_grad(Averaging): |x, y| (1.0 + (-x * y).exp()).ln(),
        |x, y| { let z = x.mul(y).neg().vexp(Plain); y.neg().mul(z).over(T::ONE.add(z)) };
    "HingeEmbeddingCriterion" hinge_embedding hinge_embedding_grad(Margin margin):
        |x, y| if y == 1.0 { x } else if y == -1.0 && x < margin { margin - x } else { 0.0 },
        |x, y| if y == T::ONE { y } else { select(y == T::ONE.neg() && x <= margin, y) };
    "DistKLDivCriterion" divergence divergence_grad(Averaging): |x, y| if y > 0.0 { y * (y.ln() - x) } else { 0.0 },
        |_x, y| select(y > T::ZERO, y.neg());
}

fn same_shape(input: &Tensor, target: &Tensor) -> Result<()> {
    demand!(input.same_size(target), "input {} and target {} differ in size", input.shape_text(), target.shape_text());
    Ok(())
}

/// [`divergence`] of distributions, which have the same sizes, not only as many elements.
///
/// # Errors
/// Sizes that differ.
pub fn kl<T: Float>(input: &Tensor, target: &Tensor, fields: Averaging) -> Result<f64> {
    same_shape(input, target)?;
    divergence::<T>(input, target, fields)
}

/// Backward of [`kl`], of the input's size.
///
/// # Errors
/// Sizes that differ.
pub fn kl_grad<T: Float>(input: &Tensor, target: &Tensor, grad_input: &Tensor, fields: Averaging) -> Result<()> {
    same_shape(input, target)?;
    divergence_grad::<T>(input, target, grad_input, fields)
}

/// Sum of absolute values, nn.L1Cost.
///
/// # Errors
/// None for floating-point tensors.
pub fn l1<T: Float>(input: &Tensor) -> Result<f64> {
    map::fold(input, 0.0, |sum, x: T| sum + x.to_f64().abs())
}

/// Backward of [`l1`]: signs.
///
/// # Errors
/// Not enough memory.
pub fn l1_grad<T: Float>(input: &Tensor, grad_input: &Tensor) -> Result<()> {
    grad_input.resize_as(input)?;
    let sign = |x: T| if x > T::ZERO { T::ONE } else { select(x < T::ZERO, T::ONE.neg()) };
    map::unary("L1Cost", grad_input, input, 1, sign)
}

const EPS: f64 = 1e-12;

/// One weight per column, if any, for input (columns) or (rows x columns), or one per element of it.
fn columns<T: Float>(weights: Option<&Tensor>, input: &Tensor) -> Result<Option<Source<T>>> {
    let Some(w) = weights else { return Ok(None) };
    let of_columns = matches!(input.ndim(), 1 | 2) && input.size(input.ndim() - 1) == w.numel();
    let fits = of_columns || w.same_size(input);
    demand!(fits, "{} weights do not fit the columns of input {}", w.numel(), input.shape_text());
    Source::of(w).map(Some)
}

/// The sum of `f(x, y)` times the column's weight.
fn over_columns<T: Float>(
    [input, target]: [&Tensor; 2],
    Weighted { average, weights }: Weighted,
    f: impl Fn(f64, f64) -> f64,
) -> Result<f64> {
    let Some(w) = columns::<T>(weights, input)? else { return over_pairs::<T>(input, target, average, f) };
    let i = Cell::new(0);
    over_pairs::<T>(input, target, average, |x, y| {
        let at = i.get();
        i.set(if at + 1 == w.len() { 0 } else { at + 1 });
        w[at].to_f64() * f(x, y)
    })
}

/// Backward of [`over_columns`], with the slope of `f`.
fn column_grad<T: Float>(
    name: &'static str,
    [input, target, grad_input]: [&Tensor; 3],
    Weighted { average, weights }: Weighted,
    slope: impl Fn(f64, f64) -> f64 + Copy + Sync,
) -> Result<()> {
    alike(input, target)?;
    columns::<T>(weights, input)?;
    grad_input.resize_as(input)?;
    let by = norm::<f64>(input, average);
    map::binary(name, grad_input, input, target, |x: T, y: T| T::from_f64(by * slope(x.to_f64(), y.to_f64())))?;
    let Some(w) = weights else { return Ok(()) };
    if w.same_size(input) {
        return map::binary(name, grad_input, grad_input, w, |g: T, w: T| g.mul(w));
    }
    let mut row = vec![1; input.ndim() - 1];
    row.push(w.numel());
    let spread = contiguous(w)?;
    let sizes = input.layout();
    let spread = spread.with_layout(
        Layout::strided(spread.offset(), &row, Layout::contiguous(&row)?.strides())?.expand(sizes.sizes())?,
    );
    map::binary(name, grad_input, grad_input, &spread, |g: T, w: T| g.mul(w))
}

/// Binary cross entropy of probabilities, with a weight per column or none.
///
/// # Errors
/// Sizes that differ, values outside 0 to 1.
pub fn bce<T: Float>(input: &Tensor, target: &Tensor, fields: Weighted) -> Result<f64> {
    let outside = map::fold(input, None, |o, x: T| if (T::ZERO..=T::ONE).contains(&x) { o } else { Some(x) })?;
    demand!(outside.is_none(), "input between 0 and 1 expected, got {:?}", outside.unwrap_or(T::ZERO));
    over_columns::<T>([input, target], fields, |x, y| -((x + EPS).ln() * y + (1.0 - x + EPS).ln() * (1.0 - y)))
}

/// Backward of [`bce`], of the input's size.
///
/// # Errors
/// Sizes that differ.
pub fn bce_grad<T: Float>(input: &Tensor, target: &Tensor, grad_input: &Tensor, fields: Weighted) -> Result<()> {
    column_grad::<T>("BCECriterion", [input, target, grad_input], fields, |x, y| {
        (x - y) / ((1.0 - x + EPS) * (x + EPS))
    })
}

fn in_rows(input: &Tensor, target: &Tensor) -> Result<()> {
    demand!(input.is_contiguous() && target.is_contiguous(), "contiguous input and target expected");
    Ok(())
}

/// Binary cross entropy of scores, whose probabilities are their sigmoids, with a weight per column or none.
///
/// # Errors
/// Sizes that differ, tensors with gaps.
pub fn multi_label<T: Float>(input: &Tensor, target: &Tensor, fields: Weighted) -> Result<f64> {
    in_rows(input, target)?;
    over_columns::<T>([input, target], fields, |x, y| {
        (-x.abs()).exp().ln_1p() + if x >= 0.0 { x - x * y } else { -x * y }
    })
}

/// Backward of [`multi_label`], of the input's size.
///
/// # Errors
/// As [`multi_label`].
pub fn multi_label_grad<T: Float>(
    input: &Tensor,
    target: &Tensor,
    grad_input: &Tensor,
    fields: Weighted,
) -> Result<()> {
    in_rows(input, target)?;
    column_grad::<T>("MultiLabelSoftMarginCriterion", [input, target, grad_input], fields, |x, y| {
        1.0 / (1.0 + (-x).exp()) - y
    })
}

/// The target times the weight of its place, in every sample alike: weight of the target's size or of a sample's.
///
/// # Errors
/// Sizes that do not fit.
pub fn weigh<T: Float>(input: &Tensor, target: &Tensor, buffer: &Tensor, weight: &Tensor) -> Result<()> {
    alike(input, target)?;
    let n = weight.numel();
    let sample: usize = input.layout().sizes().iter().skip(usize::from(input.ndim() > weight.ndim())).product();
    demand!(n > 0 && n == sample, "weight {} does not fit input {}", weight.shape_text(), input.shape_text());
    let (t, w) = (Source::<T>::of(target)?, Source::<T>::of(weight)?);
    let mut r = Dest::<T>::like(buffer, input)?;
    (0..t.len()).for_each(|i| r[i] = t[i].mul(w[i % n]));
    Ok(())
}
