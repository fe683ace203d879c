//! Criteria that go element by element: input and target of the same number of elements; losses are numbers.

pub mod classification;
pub mod ctc;
pub mod pairwise;

use super::vectors::sums_of;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, Workspace, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::function::Function;
use crate::tensor::map;
use crate::tensor::simd::{vectorize, vectorize_maths, vectorize_maths_on};
use crate::tensor::vmath::{Fused, Plain, VectorMath};
use crate::{demand, fields, maths, refuse};

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

/// Elements whose terms are summed up together: the blocks of a sum depend on its size alone, as the order of additions does.
const BLOCK: usize = 1 << 14;

/// What a term costs, in units of an addition: it may have a logarithm or two.
const COST: usize = 8;

/// The sums of `f` over the values at each place, of vectors of one length, block by block.
fn sums<T: Float, const N: usize, const K: usize>(
    vectors: [&[T]; N],
    f: impl Function<([f64; N],), [f64; K]>,
) -> Result<[f64; K]> {
    let n = vectors[0].len();
    let block = |i: usize| {
        let part = vectors.map(|v| &v[i * BLOCK..n.min((i + 1) * BLOCK)]);
        vectorize_maths(
            #[inline(always)]
            || {
                sums_of(
                    part,
                    #[inline(always)]
                    |v| f.at(Plain, (v,)),
                )
            },
            #[inline(always)]
            || {
                sums_of(
                    part,
                    #[inline(always)]
                    |v| f.at(Fused, (v,)),
                )
            },
        )
    };
    if n <= BLOCK {
        return Ok(block(0));
    }
    let mut parts = Workspace::<f64>::new(n.div_ceil(BLOCK) * K)?;
    share_rows(&mut parts, K, BLOCK * COST, |first, parts| {
        (first..).zip(parts.as_chunks_mut::<K>().0).for_each(|(i, sums)| *sums = block(i));
    });
    let mut all = [0.0; K];
    parts.as_chunks::<K>().0.iter().for_each(|part| all.iter_mut().zip(part).for_each(|(sum, v)| *sum += v));
    Ok(all)
}

/// The loss of terms that sum up to `sum`.
fn averaged(sum: f64, input: &Tensor, average: bool) -> f64 {
    if average { sum / input.numel() as f64 } else { sum }
}

/// The sum of `f` over pairs of elements, divided by their number where `average` is set.
fn over_pairs<T: Float>(a: &Tensor, b: &Tensor, average: bool, f: impl Function<(f64, f64), f64>) -> Result<f64> {
    alike(a, b)?;
    let (x, y) = (Source::<T>::of(a)?, Source::<T>::of(b)?);
    let [sum] = sums([&x[..], &y], maths!(|m, v: [f64; 2]| [f.at(m, (v[0], v[1]))]))?;
    Ok(averaged(sum, a, average))
}

fn norm<T: Float>(x: &Tensor, average: bool) -> T {
    T::from_f64(if average { 1.0 / x.numel() as f64 } else { 1.0 })
}

/// One entry per criterion: the class, its kernels, the loss of a pair in double precision, and its slope in the
/// tensors' own; in brackets its fields, and the one among them that both take.
macro_rules! pairwise {
    ($($class:literal $loss:ident $grad:ident($fields:ident $($p:ident)?): |$m:ident, $x:ident, $y:ident| $f:expr,
        |$u:ident, $v:ident| $df:expr;)*) => { $(
        #[doc = concat!("The loss of nn.", $class, ".\n\n# Errors\nSizes that differ.")]
        pub fn $loss<T: Float>(input: &Tensor, target: &Tensor, fields: $fields) -> Result<f64> {
            $(let $p = fields.$p;)?
            over_pairs::<T>(input, target, fields.average, maths!(|$m, $x: f64, $y: f64| $f))
        }
        #[doc = concat!("The gradient of nn.", $class, ", of the input's size.\n\n# Errors\nSizes that differ.")]
        pub fn $grad<T: Float>(
            input: &Tensor, target: &Tensor, grad_input: &Tensor, fields: $fields
        ) -> Result<()> {
            $(let $p = T::from_f64(fields.$p);)?
            alike(input, target)?;
            grad_input.resize_as(input)?;
            let by = norm::<T>(input, fields.average);
            map::binary($class, grad_input, input, target, maths!(|$m, $u: T, $v: T| by.mul($df)))
        }
    )* };
}

fn select<T: Float>(cond: bool, v: T) -> T {
    if cond { v } else { T::ZERO }
}

pairwise! {
    "MSECriterion" mse mse_grad(Averaging): |m, x, y| (x - y) * (x - y), |x, y| x.sub(y).mul(T::from_f64(2.0));
    "AbsCriterion" abs abs_grad(Averaging): |m, x, y| (x - y).abs(), |x, y| if x.sub(y) >= T::ZERO { T::ONE } else { T::ONE.neg() };
    "SmoothL1Criterion" smooth_l1 smooth_l1_grad(Averaging):
        |m, x, y| { let d = (x - y).abs(); if d < 1.0 { 0.5 * d * d } else { d - 0.5 } },
        |x, y| {
            let d = x.sub(y);
            if d < T::ONE.neg() { T::ONE.neg() } else if d > T::ONE { T::ONE } else { d }
        };
    "MarginCriterion" margin margin_grad(Margin margin):
        |m, x, y| if margin - x * y > 0.0 { margin - x * y } else { 0.0 },
        |x, y| select(x.mul(y) < margin, y.neg());
    "SoftMarginCriterion" soft_margin soft_margin_grad(Averaging): |m, x, y| (1.0 + (-x * y).vexp(m)).vlog(m),
        |x, y| { let z = x.mul(y).neg().vexp(m); y.neg().mul(z).over(T::ONE.add(z)) };
    "HingeEmbeddingCriterion" hinge_embedding hinge_embedding_grad(Margin margin):
        |m, x, y| {
            // without branches: targets are as good as random
            let lacking = if x < margin { margin - x } else { 0.0 };
            let apart = if y == -1.0 { lacking } else { 0.0 };
            if y == 1.0 { x } else { apart }
        },
        |x, y| if y == T::ONE { y } else { select(y == T::ONE.neg() && x <= margin, y) };
    "DistKLDivCriterion" divergence divergence_grad(Averaging): |m, x, y| { let part = y * (y.vlog(m) - x); if y > 0.0 { part } else { 0.0 } },
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
    let [sum] = sums([&Source::<T>::of(input)?[..]], |[x]: [f64; 1]| [x.abs()])?;
    Ok(sum)
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

/// One weight per column, if any, for input (columns) or (rows x columns), or one per element of it. Where targets are a vector,
/// weights are one for each of them, whatever the input's sizes.
fn columns<T: Float>(weights: Option<&Tensor>, input: &Tensor, target: &Tensor) -> Result<Option<Source<T>>> {
    let Some(w) = weights else { return Ok(None) };
    let of_columns = matches!(input.ndim(), 1 | 2) && input.size(input.ndim() - 1) == w.numel();
    let of_targets = target.ndim() == 1 && w.numel() == input.numel();
    let fits = of_columns || of_targets || w.same_size(input);
    demand!(fits, "{} weights do not fit the columns of input {}", w.numel(), input.shape_text());
    Source::of(w).map(Some)
}

/// The sums of `f(x, y)`, of which the first is multiplied by the column's weight.
fn over_columns<T: Float, const K: usize>(
    [input, target]: [&Tensor; 2],
    weights: Option<&Tensor>,
    f: impl Function<(f64, f64), [f64; K]>,
) -> Result<[f64; K]> {
    alike(input, target)?;
    let weights = columns::<T>(weights, input, target)?;
    let (x, y) = (Source::<T>::of(input)?, Source::<T>::of(target)?);
    let Some(w) = weights else { return sums([&x[..], &y], maths!(|m, v: [f64; 2]| f.at(m, (v[0], v[1])))) };
    let weighted = maths!(|m, v: [f64; 3]| {
        let mut terms = f.at(m, (v[0], v[1]));
        terms[0] *= v[2];
        terms
    });
    let mut all = [0.0; K];
    for (x, y) in x.chunks(w.len().max(1)).zip(y.chunks(w.len().max(1))) {
        let row = sums([x, y, &w[..]], weighted)?;
        all.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
    }
    Ok(all)
}

/// Backward of [`over_columns`], with the slope of `f`.
fn column_grad<T: Float>(
    name: &'static str,
    [input, target, grad_input]: [&Tensor; 3],
    Weighted { average, weights }: Weighted,
    slope: impl Function<(f64, f64), f64>,
) -> Result<()> {
    alike(input, target)?;
    let by = norm::<f64>(input, average);
    let Some(w) = columns::<T>(weights, input, target)? else {
        grad_input.resize_as(input)?;
        let f = maths!(|m, x: T, y: T| T::from_f64(by * slope.at(m, (x.to_f64(), y.to_f64()))));
        return map::binary(name, grad_input, input, target, f);
    };
    let (x, y) = (Source::<T>::of(input)?, Source::<T>::of(target)?);
    let mut r = Dest::<T>::like(grad_input, input)?;
    let n = w.len();
    share_rows(&mut r, n, n * COST, |first, rows| {
        for (i, r) in (first..).zip(rows.chunks_mut(n)) {
            let values =
                x[i * n..].iter().zip(&y[i * n..]).zip(w.iter()).map(|((x, y), w)| (x.to_f64(), y.to_f64(), w));
            let all = r.iter_mut().zip(values);
            vectorize_maths_on(
                all,
                #[inline(always)]
                |all| all.for_each(|(r, (x, y, w))| *r = T::from_f64(by * slope.at(Plain, (x, y))).mul(*w)),
                #[inline(always)]
                |all| all.for_each(|(r, (x, y, w))| *r = T::from_f64(by * slope.at(Fused, (x, y))).mul(*w)),
            );
        }
    });
    Ok(())
}

/// Binary cross entropy of probabilities, with a weight per column or none.
///
/// # Errors
/// Sizes that differ, values outside 0 to 1.
pub fn bce<T: Float>(input: &Tensor, target: &Tensor, fields: Weighted) -> Result<f64> {
    // the loss, and how many are outside
    let terms = maths!(|m, x: f64, y: f64| {
        let loss = -((x + EPS).vlog(m) * y + (1.0 - x + EPS).vlog(m) * (1.0 - y));
        [loss, if (0.0..=1.0).contains(&x) { 0.0 } else { 1.0 }]
    });
    let [loss, outside] = over_columns::<T, 2>([input, target], fields.weights, terms)?;
    if outside > 0.0 {
        let bad = Source::<T>::of(input)?.iter().copied().find(|x| !(T::ZERO..=T::ONE).contains(x));
        refuse!("input between 0 and 1 expected, got {:?}", bad.unwrap_or(T::ZERO));
    }
    Ok(averaged(loss, input, fields.average))
}

/// Backward of [`bce`], of the input's size.
///
/// # Errors
/// Sizes that differ.
pub fn bce_grad<T: Float>(input: &Tensor, target: &Tensor, grad_input: &Tensor, fields: Weighted) -> Result<()> {
    let slope = |x: f64, y: f64| (x - y) / ((1.0 - x + EPS) * (x + EPS));
    column_grad::<T>("BCECriterion", [input, target, grad_input], fields, slope)
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
    let term = maths!(|m, x: f64, y: f64| [(-x.abs()).vexp(m).vlog1p(m) + if x >= 0.0 { x - x * y } else { -x * y }]);
    let [loss] = over_columns::<T, 1>([input, target], fields.weights, term)?;
    Ok(averaged(loss, input, fields.average))
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
    let slope = maths!(|m, x: f64, y: f64| x.vsigmoid(m) - y);
    column_grad::<T>("MultiLabelSoftMarginCriterion", [input, target, grad_input], fields, slope)
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
    share_rows(&mut r, n, n, |first, rows| {
        for (r, t) in rows.chunks_mut(n).zip(t[first * n..].chunks(n)) {
            let all = r.iter_mut().zip(t).zip(w.iter());
            vectorize(
                #[inline(always)]
                move || all.for_each(|((r, t), w)| *r = t.mul(*w)),
            );
        }
    });
    Ok(())
}
