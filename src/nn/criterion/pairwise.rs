//! Criteria that compare two inputs: nn.CosineEmbeddingCriterion, nn.MarginRankingCriterion,
//! nn.L1HingeEmbeddingCriterion and nn.DistanceRatioCriterion.

use super::{Averaging, Margin, sums};
use crate::nn::vectors::sums_of;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::function::Function;
use crate::tensor::random::Generator;
use crate::tensor::simd::{vectorize, vectorize_maths_on};
use crate::tensor::vmath::{Arith, Fused, Plain, VectorMath};
use crate::{demand, fields, maths};
use std::cell::RefCell;

/// Elements that are looked at together, whether any needs a draw.
const BLOCK: usize = 1024;

/// Keeps squared lengths away from 0.
const EPSILON: f64 = 1e-12;

/// Rows of two inputs with a target each: (n), or (rows x n) with (rows) targets.
struct Pairs<T> {
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

impl<T: Float> Pairs<T> {
    fn of(first: &Tensor, second: &Tensor, y: &Tensor) -> Result<Pairs<T>> {
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
        Ok(Pairs { first: Source::of(first)?, second: Source::of(second)?, y: Source::of(y)?, width })
    }

    fn row(&self, row: usize) -> [&[T]; 2] {
        [&self.first, &self.second].map(|v| &v[row * self.width..][..self.width])
    }

    fn angle(&self, row: usize) -> Angle {
        let vectors = self.row(row);
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

/// What a term of `n` counts.
fn portion(average: bool, n: usize) -> f64 {
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
    let pairs = Pairs::<T>::of(first, second, y)?;
    let mut losses = Workspace::<f64>::new(pairs.y.len())?;
    share_rows(&mut losses, 1, pairs.width * 3, |first, losses| {
        for (row, loss) in (first..).zip(losses) {
            let (y, cosine) = (pairs.y[row], pairs.angle(row).cosine);
            let above = cosine - margin;
            *loss = if y == T::ONE {
                1.0 - cosine
            } else if y != T::ONE.neg() || above < 0.0 {
                0.0
            } else {
                above
            };
        }
    });
    Ok(losses.iter().sum::<f64>() * portion(average, pairs.y.len()))
}

/// The two gradients, each of its input's size.
fn gradients<T: Float>(first: (&Tensor, &Tensor), second: (&Tensor, &Tensor)) -> Result<(Dest<T>, Dest<T>)> {
    let of = |(grad, input): (&Tensor, &Tensor)| Dest::like(grad, input);
    Ok((of(first)?, of(second)?))
}

/// Calls `f(first place, parts)` for parts of both gradients, on several threads.
fn side_by_side<T: Float>((a, b): (&mut [T], &mut [T]), cost: usize, f: impl Fn(usize, (&mut [T], &mut [T])) + Sync) {
    share((Rows::new(a, 1), Rows::new(b, 1)), cost, |first, (a, b)| f(first, (a.into_slice(), b.into_slice())));
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
    let pairs = Pairs::<T>::of(first, second, y)?;
    let (mut ga, mut gb) = gradients::<T>((grad_first, first), (grad_second, second))?;
    let (n, width) = (pairs.y.len(), pairs.width);
    share((Rows::new(&mut ga, width), Rows::new(&mut gb, width)), width * 6, |first, (ga, gb)| {
        for (row, (ga, gb)) in (first..).zip(ga.into_rows().zip(gb.into_rows())) {
            let (y, angle) = (pairs.y[row], pairs.angle(row));
            let counts = if y == T::ONE {
                -1.0
            } else if y == T::ONE.neg() && angle.cosine > margin {
                1.0
            } else {
                0.0
            };
            let by = counts * portion(average, n);
            let [ia, ib] = angle.inverse;
            let root = (ia * ib).sqrt();
            let [a, b] = pairs.row(row);
            let all = ga.iter_mut().zip(gb).zip(a.iter().zip(b));
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
    });
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
    Ok(sum * portion(average, y.len()))
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
    let by = portion(average, y.len());
    side_by_side((&mut ga, &mut gb), 4, |first, (ga, gb)| {
        let all = ga.iter_mut().zip(gb).zip(a[first..].iter().zip(&b[first..]).zip(&y[first..]));
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
    });
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
    let down = T::ZERO.sub(by);
    let mut draws = generator.borrow_mut();
    let gradients = ga.chunks_mut(BLOCK).zip(gb.chunks_mut(BLOCK));
    for ((ga, gb), (a, b)) in gradients.zip(a.chunks(BLOCK).zip(b.chunks(BLOCK))) {
        let equal = vectorize(
            #[inline(always)]
            || {
                let all = ga.iter_mut().zip(gb.iter_mut()).zip(a.iter().zip(b));
                all.fold(false, |equal, ((ga, gb), (a, b))| {
                    let d = a.sub(*b);
                    let g = if d > T::ZERO { by } else { down };
                    (*ga, *gb) = (g, T::ZERO.sub(g));
                    equal | (d == T::ZERO)
                })
            },
        );
        if !equal {
            continue;
        }
        let alike = |i: &usize| a[*i].sub(b[*i]) == T::ZERO;
        for i in (0..a.len()).filter(alike) {
            if draws.random_to(2)? == 2 {
                (ga[i], gb[i]) = (by, down);
            }
        }
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
    Ok(sum * portion(fields.average, n))
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
    let by = portion(fields.average, distances(similar, other)?);
    let (x, y) = (Source::<T>::of(similar)?, Source::<T>::of(other)?);
    let (mut gx, mut gy) = (Dest::<T>::like(grad_similar, similar)?, Dest::like(grad_other, other)?);
    let slope = maths!(|m, x: f64, y: f64| by / (1.0 + (y - x).vexp(m)));
    #[inline(always)]
    fn both<T: Float, M: Arith>(
        m: M,
        (gx, gy): (&mut [T], &mut [T]),
        [x, y]: [&[T]; 2],
        slope: impl Function<(f64, f64), f64>,
    ) {
        for ((gx, gy), (x, y)) in gx.iter_mut().zip(gy).zip(x.iter().zip(y)) {
            let g = T::from_f64(slope.at(m, (x.to_f64(), y.to_f64())));
            (*gx, *gy) = (g, g.neg());
        }
    }
    side_by_side((&mut gx, &mut gy), 16, |first, all| {
        let xy = [&x[first..], &y[first..]];
        vectorize_maths_on(
            all,
            #[inline(always)]
            |all| both(Plain, all, xy, slope),
            #[inline(always)]
            |all| both(Fused, all, xy, slope),
        );
    });
    Ok(())
}
