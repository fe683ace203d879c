//! Criteria that compare two inputs: nn.CosineEmbeddingCriterion, nn.MarginRankingCriterion,
//! nn.L1HingeEmbeddingCriterion and nn.DistanceRatioCriterion.

use super::{Averaging, Margin};
use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::random::Generator;
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
        let (mut aa, mut bb, mut ab) = (EPSILON, EPSILON, 0.0);
        for i in row * self.width..(row + 1) * self.width {
            let (a, b) = (self.first[i].to_f64(), self.second[i].to_f64());
            aa += a * a;
            bb += b * b;
            ab += a * b;
        }
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
        for i in row * rows.width..(row + 1) * rows.width {
            let (a, b) = (rows.first[i].to_f64(), rows.second[i].to_f64());
            ga[i] = T::from_f64(by * (b * root - a * angle.cosine * ia));
            gb[i] = T::from_f64(by * (a * root - b * angle.cosine * ib));
        }
    }
    Ok(())
}

/// How much the input that `y` puts first (1: the first, -1: the second) lacks of being `margin` ahead.
fn shortfall<T: Float>(a: T, b: T, y: T, margin: f64) -> f64 {
    margin - y.to_f64() * (a.to_f64() - b.to_f64())
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
    let lack = (0..y.len()).map(|i| shortfall(a[i], b[i], y[i], margin));
    let sum: f64 = lack.map(|v| if v < 0.0 { 0.0 } else { v }).sum();
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
    for i in 0..y.len() {
        let lost = shortfall(a[i], b[i], y[i], margin) >= 0.0;
        let g = if lost { T::from_f64(y[i].to_f64() * by) } else { T::ZERO };
        ga[i] = T::ZERO.sub(g);
        gb[i] = g;
    }
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
    Ok((0..a.len()).map(|i| a[i].sub(b[i]).abs().to_f64()).sum())
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
    let sum: f64 = (0..x.len()).map(|i| (x[i].to_f64() - y[i].to_f64()).exp().ln_1p()).sum();
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
