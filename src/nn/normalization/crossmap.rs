//! Values by what planes nearby have in the same place: x / (k + alpha / size * sum of squares)^beta, where the sum goes over
//! the plane and its neighbours on both sides; input (C x H x W) or (N x C x H x W). Krizhevsky, Sutskever and Hinton,
//! ImageNet classification with deep convolutional neural networks, 2012.

use crate::nn::vectors::{powers, put};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use crate::{demand, fields};
use std::ops::Range;

fields! {
    /// The neighbourhood, and what is made of its sum.
    pub struct CrossMap {
        /// How many planes it has.
        size: i64 = ".size:long",
        /// The factor of the mean square.
        alpha: f64 = ".alpha:num",
        /// The power.
        beta: f64 = ".beta:num",
        /// What is added to the mean square.
        k: f64 = ".k:num",
    }
}

/// Planes of samples.
struct Planes {
    channels: usize,
    /// Elements of a plane.
    inner: usize,
    /// Neighbours on each side.
    half: usize,
}

impl Planes {
    fn of(input: &Tensor, f: &CrossMap) -> Result<Planes> {
        check::ranks("input", input, 3..=4)?;
        check::has_elements("input", input)?;
        demand!(f.size > 0, "a neighbourhood of at least 1 plane expected, got {}", f.size);
        let layout = input.layout();
        let [.., channels, h, w] = *layout.sizes() else { crate::refuse!("planes expected") };
        let half = usize::try_from((f.size - 1) / 2).unwrap_or(channels).min(channels);
        Ok(Planes { channels, inner: h * w, half })
    }

    /// Where the planes near plane `i`, counted over all samples, lie: itself first.
    fn near(&self, i: usize) -> impl Iterator<Item = Range<usize>> {
        let (first, c) = (i - i % self.channels, i % self.channels);
        let (low, high) = (c.saturating_sub(self.half), (c + self.half + 1).min(self.channels));
        let others = (low..high).filter(move |&o| o != c);
        let inner = self.inner;
        std::iter::once(c).chain(others).map(move |o| (first + o) * inner..(first + o + 1) * inner)
    }

    fn cost(&self) -> usize {
        self.inner.saturating_mul(2 * self.half + 8)
    }
}

impl CrossMap {
    /// `scale^-3/4`, which needs roots only, and is usual.
    #[inline(always)]
    fn three_quarters<T: Float>(scale: T) -> T {
        let r = T::ONE.over(scale.root());
        r.mul(r.root())
    }
}

/// Normalizes; `scale` gets what is raised to the power.
///
/// # Errors
/// An input of other than 3 or 4 dimensions, or without elements.
pub fn cross_map<T: Float>(input: &Tensor, output: &Tensor, scale: &Tensor, f: CrossMap) -> Result<()> {
    let p = Planes::of(input, &f)?;
    let x = Source::<T>::of(input)?;
    let (mut y, mut scale) = (Dest::<T>::like(output, input)?, Dest::<T>::like(scale, input)?);
    let (factor, k) = (T::from_f64(f.alpha / f.size as f64), T::from_f64(f.k));
    share((Rows::new(&mut y, p.inner), Rows::new(&mut scale, p.inner)), p.cost(), |first, (y, scale)| {
        for (i, (y, scale)) in (first..).zip(y.into_rows().zip(scale.into_rows())) {
            vectorize(
                #[inline(always)]
                || {
                    for (k, near) in p.near(i).enumerate() {
                        put(scale, x[near].iter().map(|x| x.mul(*x)), k > 0);
                    }
                    let own = &x[i * p.inner..][..p.inner];
                    scale.iter_mut().for_each(|s| *s = s.mul(factor).add(k));
                    if f.beta == 0.75 {
                        let all = y.iter_mut().zip(own).zip(scale.iter());
                        return all.for_each(|((y, x), s)| *y = x.mul(CrossMap::three_quarters(*s)));
                    }
                    powers(
                        [scale],
                        |[s]| s,
                        T::from_f64(-f.beta),
                        |at, part| {
                            let all = y[at..].iter_mut().zip(&own[at..]).zip(part);
                            all.for_each(|((y, x), power)| *y = x.mul(*power));
                        },
                    );
                },
            );
        }
    });
    Ok(())
}

/// Backward of [`cross_map`].
///
/// # Errors
/// Sizes that do not fit.
pub fn cross_map_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    output: &Tensor,
    scale: &Tensor,
    f: CrossMap,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let p = Planes::of(input, &f)?;
    check::same_size("gradOutput", grad_output, "input", input)?;
    let fits = output.same_size(input) && scale.same_size(input);
    demand!(fits, "forward comes before backward, with the same input");
    let (x, g) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    let (y, scale) = (Source::<T>::of(output)?, Source::<T>::of(scale)?);
    let mut r = Dest::<T>::like(grad_input, input)?;
    // what a change of the scale changes
    let mut ratios = Workspace::<T>::new(x.len())?;
    share_rows(&mut ratios, p.inner, p.inner * 3, |first, part| {
        let at = first * p.inner;
        let values = part.iter_mut().zip(&g[at..]).zip(&y[at..]).zip(&scale[at..]);
        vectorize(
            #[inline(always)]
            move || values.for_each(|(((r, g), y), s)| *r = g.mul(*y).over(*s)),
        );
    });
    let factor = T::from_f64(-2.0 * f.alpha * f.beta / f.size as f64);
    share_rows(&mut r, p.inner, p.cost(), |first, planes| {
        for (i, r) in (first..).zip(planes.chunks_mut(p.inner)) {
            vectorize(
                #[inline(always)]
                || {
                    for (k, near) in p.near(i).enumerate() {
                        put(r, ratios[near].iter().copied(), k > 0);
                    }
                    let own = i * p.inner..(i + 1) * p.inner;
                    let [x, g, scale] = [&x, &g, &scale].map(|v| &v[own.clone()]);
                    let slope = |r: T, x: T, g: T, power: T| g.mul(power).add(factor.mul(x).mul(r));
                    if f.beta == 0.75 {
                        let all = r.iter_mut().zip(x.iter().zip(g)).zip(scale);
                        return all.for_each(|((r, (x, g)), s)| *r = slope(*r, *x, *g, CrossMap::three_quarters(*s)));
                    }
                    powers(
                        [scale],
                        |[s]| s,
                        T::from_f64(-f.beta),
                        |at, part| {
                            let all = r[at..].iter_mut().zip(x[at..].iter().zip(&g[at..])).zip(part);
                            all.for_each(|((r, (x, g)), power)| *r = slope(*r, *x, *g, *power));
                        },
                    );
                },
            );
        }
    });
    Ok(())
}
