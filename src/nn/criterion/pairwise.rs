//! Criteria that compare two inputs: nn.CosineEmbeddingCriterion, nn.MarginRankingCriterion,
//! nn.L1HingeEmbeddingCriterion and nn.DistanceRatioCriterion.

use super::{Averaging, Margin, sums};
use crate::nn::vectors::sums_of;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::random::Generator;
use crate::tensor::simd::vectorize;
use crate::tensor::vmath::VectorMath;
use crate::{demand, fields, maths};
use std::cell::RefCell;

/// Keeps squared lengths away from 0.
const EPSILON: f64 = 1e-12;

/// Rows of two inputs with a target each: (n), or (rows x n) with (rows) targets.
struct Rows<T> {
    first: Source<T>,
    second: Source<T>,
    y: Source<T>,
    width: usize,
}

/// Two rows: inverse squared lengths, and the cosine of the angle between them.
struct Angle {
    inverse: [f64; 2],
    cosine: f64,
}

impl<T: Float> Rows<T> {
    fn of(first: &Tensor, second: &Tensor, y: &Tensor) -> Result<Rows<T>> {
        demand!(
            first.same_size(second) && matches!(first.ndim(), 1 | 2),
            "two vectors or matrices of one size expected, got {} and {}",
            first.shape_text(),
            second.shape_text()
        );
        let (rows, width) = if first.ndim() == 1 { (1, first.size(0)) } else { (first.size(0), first.size(1)) };
        demand!(
            y.numel() == rows,
            "{rows} targets expected for inputs of size {}, got {}",
            first.shape_text(),
            y.shape_text()
        );
        Ok(Rows { first: Source::of(first)?, second: Source::of(second)?, y: Source::of(y)?, width })
    }

    fn angle(&self, row: usize) -> Angle {
        let row = row * self.width..(row + 1) * self.width;
        let vectors = [&self.first[row.clone()], &self.second[row]];
        let [aa, bb, ab] = vectorize(
            #[inline(always)]
            || {
                sums_of(
                    vectors,
                    #[inline(always)]
                    |[a, b]| [a * a, b * b, a * b],
                )
            },
        );
        let (aa, bb) = (aa + EPSILON, bb + EPSILON);
        Angle { inverse: [1.0 / aa, 1.0 / bb], cosine: ab / (aa * bb).sqrt() }
    }
}

fn share(average: bool, n: usize) -> f64 {
    if average { 1.0 / n as f64 } else { 1.0 }
}

fields! {
    /// nn.CosineEmbeddingCriterion
    pub struct Cosine {
        /// Whether the loss is divided by the number of rows.
        average: bool = ".sizeAverage:bool=true",
        /// The cosine that strangers may have.
        margin: f64 = ".margin:num=0",
    }
}

/// Cosine distance of pairs (target 1), cosine above the margin of strangers (target -1).
///
/// # Errors
/// Sizes that do not fit.
pub fn cosine<T: Float>(first: &Tensor, second: &Tensor, y: &Tensor, fields: Cosine) -> Result<f64> {
    let Cosine { average, margin } = fields;
    let rows = Rows::<T>::of(first, second, y)?;
    let mut sum = 0.0;
    for row in 0..rows.y.len() {
        let (y, cosine) = (rows.y[row], rows.angle(row).cosine);
        if y == T::ONE {
            sum += 1.0 - cosine;
        } else if y == T::ONE.neg() {
            sum += if cosine - margin < 0.0 { 0.0 } else { cosine - margin };
        }
    }
    Ok(sum * share(average, rows.y.len()))
}

/// The two gradients, each of its input's size.
fn gradients<T: Float>(first: (&Tensor, &Tensor), second: (&Tensor, &Tensor)) -> Result<(Dest<T>, Dest<T>)> {
    let of = |(grad, input): (&Tensor, &Tensor)| Dest::like(grad, input);
    Ok((of(first)?, of(second)?))
}

/// Backward of [`cosine`]: a gradient of the inputs' size for each.
///
/// # Errors
/// As [`cosine`].
pub fn cosine_grad<T: Float>(
    grad_first: &Tensor,
    grad_second: &Tensor,
    first: &Tensor,
    second: &Tensor,
    y: &Tensor,
    fields: Cosine,
) -> Result<()> {
    let Cosine { average, margin } = fields;
    let rows = Rows::<T>::of(first, second, y)?;
    let (mut ga, mut gb) = gradients::<T>((grad_first, first), (grad_second, second))?;
    for row in 0..rows.y.len() {
        let (y, angle) = (rows.y[row], rows.angle(row));
        let counts = if y == T::ONE {
            -1.0
        } else if y == T::ONE.neg() && angle.cosine > margin {
            1.0
        } else {
            0.0
        };
        let by = counts * share(average, rows.y.len());
        let [ia, ib] = angle.inverse;
        let root = (ia * ib).sqrt();
        let row = row * rows.width..(row + 1) * rows.width;
        let values = rows.first[row.clone()].iter().zip(&rows.second[row.clone()]);
        let all = ga[row.clone()].iter_mut().zip(&mut gb[row]).zip(values);
        vectorize(
            #[inline(always)]
            move || {
                for ((ga, gb), (a, b)) in all {
                    let (a, b) = (a.to_f64(), b.to_f64());
                    *ga = T::from_f64(by * (b * root - a * angle.cosine * ia));
                    *gb = T::from_f64(by * (a * root - b * angle.cosine * ib));
                }
            },
        );
    }
    Ok(())
}

/// How much the input that `y` puts first (1: the first, -1: the second) lacks of being `margin` ahead.
#[inline(always)]
fn shortfall(a: f64, b: f64, y: f64, margin: f64) -> f64 {
    margin - y * (a - b)
}

/// Ranking loss, all of the same number of elements.
///
/// # Errors
/// Sizes that differ.
pub fn ranking<T: Float>(first: &Tensor, second: &Tensor, y: &Tensor, fields: Margin) -> Result<f64> {
    let Margin { average, margin } = fields;
    check::same_number("input[1]", first, "input[2]", second)?;
    check::same_number("input[1]", first, "target", y)?;
    let (a, b, y) = (Source::<T>::of(first)?, Source::<T>::of(second)?, Source::<T>::of(y)?);
    let [sum] = sums([&a[..], &b, &y], |[a, b, y]: [f64; 3]| {
        let v = shortfall(a, b, y, margin);
        [if v < 0.0 { 0.0 } else { v }]
    })?;
    Ok(sum * share(average, y.len()))
}

/// Backward of [`ranking`]: a gradient of the inputs' size for each.
///
/// # Errors
/// Sizes that differ.
pub fn ranking_grad<T: Float>(
    grad_first: &Tensor,
    grad_second: &Tensor,
    first: &Tensor,
    second: &Tensor,
    y: &Tensor,
    fields: Margin,
) -> Result<()> {
    let Margin { average, margin } = fields;
    check::same_number("input[1]", first, "input[2]", second)?;
    check::same_number("input[1]", first, "target", y)?;
    let (a, b, y) = (Source::<T>::of(first)?, Source::<T>::of(second)?, Source::<T>::of(y)?);
    let (mut ga, mut gb) = gradients::<T>((grad_first, first), (grad_second, second))?;
    let by = share(average, y.len());
    let all = ga.iter_mut().zip(gb.iter_mut()).zip(a.iter().zip(b.iter()).zip(y.iter()));
    vectorize(
        #[inline(always)]
        move || {
            for ((ga, gb), ((a, b), y)) in all {
                let lost = shortfall(a.to_f64(), b.to_f64(), y.to_f64(), margin) >= 0.0;
                let g = if lost { T::from_f64(y.to_f64() * by) } else { T::ZERO };
                (*ga, *gb) = (T::ZERO.sub(g), g);
            }
        },
    );
    Ok(())
}

/// Distance of a pair (`y` 1) as the sum of absolute differences, or what it lacks to the margin (`y` -1).
///
/// # Errors
/// Sizes that differ.
pub fn l1_hinge<T: Float>(first: &Tensor, second: &Tensor, y: f64, margin: f64) -> Result<f64> {
    let distance = l1_distance::<T>(first, second)?;
    Ok(if y == -1.0 { (margin - distance).max(0.0) } else { distance })
}

fn l1_distance<T: Float>(first: &Tensor, second: &Tensor) -> Result<f64> {
    check::same_number("input[1]", first, "input[2]", second)?;
    let (a, b) = (Source::<T>::of(first)?, Source::<T>::of(second)?);
    let [sum] = sums([&a[..], &b], |[a, b]: [f64; 2]| [T::from_f64(a).sub(T::from_f64(b)).abs().to_f64()])?;
    Ok(sum)
}

/// Backward of [`l1_hinge`]. Where the inputs are equal, the slope's sign is drawn.
///
/// # Errors
/// Sizes that differ.
pub fn l1_hinge_grad<T: Float>(
    grad_first: &Tensor,
    grad_second: &Tensor,
    first: &Tensor,
    second: &Tensor,
    y: f64,
    generator: &RefCell<Generator>,
    margin: f64,
) -> Result<()> {
    let distance = l1_distance::<T>(first, second)?;
    let (a, b) = (Source::<T>::of(first)?, Source::<T>::of(second)?);
    let (mut ga, mut gb) = gradients::<T>((grad_first, first), (grad_second, second))?;
    let by = match (y == -1.0, distance > margin) {
        (false, _) => T::ONE,
        (true, false) => T::ONE.neg(),
        (true, true) => T::ZERO,
    };
    let mut draws = generator.borrow_mut();
    for i in 0..a.len() {
        let d = a[i].sub(b[i]);
        let up = if d == T::ZERO { draws.random_to(2)? == 2 } else { d > T::ZERO };
        let g = if up { by } else { T::ZERO.sub(by) };
        ga[i] = g;
        gb[i] = T::ZERO.sub(g);
    }
    Ok(())
}

/// `log(1 + exp(x - y))` of distances between similar (`x`) and other samples (`y`), averaged over the first dimension.
///
/// # Errors
/// Sizes that differ.
pub fn ratio<T: Float>(similar: &Tensor, other: &Tensor, fields: Averaging) -> Result<f64> {
    let n = distances(similar, other)?;
    let (x, y) = (Source::<T>::of(similar)?, Source::<T>::of(other)?);
    let [sum] = sums([&x[..], &y], maths!(|m, v: [f64; 2]| [(v[0] - v[1]).vexp(m).vlog1p(m)]))?;
    Ok(sum * share(fields.average, n))
}

fn distances(similar: &Tensor, other: &Tensor) -> Result<usize> {
    check::same_number("input[1]", similar, "input[2]", other)?;
    demand!(
        similar.ndim() > 0 && similar.size(0) == other.size(0),
        "distances {} and {} differ in their first size",
        similar.shape_text(),
        other.shape_text()
    );
    Ok(similar.size(0))
}

/// Backward of [`ratio`]: a gradient of the inputs' size for each.
///
/// # Errors
/// Sizes that differ.
pub fn ratio_grad<T: Float>(
    grad_similar: &Tensor,
    grad_other: &Tensor,
    similar: &Tensor,
    other: &Tensor,
    fields: Averaging,
) -> Result<()> {
    let by = share(fields.average, distances(similar, other)?);
    let (x, y) = (Source::<T>::of(similar)?, Source::<T>::of(other)?);
    let (mut gx, mut gy) = (Dest::<T>::like(grad_similar, similar)?, Dest::like(grad_other, other)?);
    for i in 0..x.len() {
        let g = by / (1.0 + (y[i].to_f64() - x[i].to_f64()).exp());
        gx[i] = T::from_f64(g);
        gy[i] = T::from_f64(-g);
    }
    Ok(())
}
