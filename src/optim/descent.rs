//! Methods that step along the gradient, or along an average of gradients.

use super::{Gradient, each, each_beside, state};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, share};
use crate::tensor::check;
use crate::tensor::dtype::Real;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;

/// The running average of gradients that optim.sgd keeps.
#[derive(Clone, Copy)]
pub struct Momentum<'a> {
    /// It, of as many elements as the parameters.
    pub average: &'a Tensor,
    /// What it is multiplied with.
    pub keep: f64,
    /// What the gradient enters it with.
    pub enter: f64,
    /// Whether the step goes along the gradient with the new average, times `keep`, added (Nesterov).
    pub nesterov: bool,
}

/// Rates of the single parameters.
#[derive(Clone, Copy)]
pub struct Rates<'a> {
    /// They.
    pub rates: &'a Tensor,
    /// What becomes the way that the parameters go, times their rates.
    pub delta: &'a Tensor,
}

/// Weight decays of the single parameters.
#[derive(Clone, Copy)]
pub struct Decays<'a> {
    /// They.
    pub decays: &'a Tensor,
    /// What becomes what they add to the gradient.
    pub kept: &'a Tensor,
}

/// Adds `decays` times `x`, element by element, to the gradient; `kept` becomes what is added. All have as many elements.
fn decay<T: Real>(x: &Tensor, dfdx: &Tensor, decays: &Tensor, kept: &Tensor) -> Result<()> {
    check::count("the decays", decays, x.numel())?;
    let (by, from) = (Source::<T>::of(decays)?, Source::<T>::of(x)?);
    let (mut g, mut part) = (state::<T>(dfdx, x)?, state::<T>(kept, x)?);
    share((Rows::new(&mut g, 1), Rows::new(&mut part, 1)), 4, |first, (g, part)| {
        let (g, part) = (g.into_slice(), part.into_slice());
        let all = g.iter_mut().zip(part).zip(by[first..].iter().zip(&from[first..]));
        vectorize(
            #[inline(always)]
            move || {
                for ((g, part), (by, x)) in all {
                    *part = by.mul(*x);
                    *g = g.add(*part);
                }
            },
        );
    });
    Ok(())
}

/// A step of optim.sgd: `x` goes `-rate` times along `dfdx + decay x`, which `dfdx` becomes, or along what momentum makes of
/// that; the single parameters may have rates of their own. All have as many elements.
///
/// # Errors
/// Numbers of elements that differ.
pub fn sgd<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    rate: f64,
    decay: f64,
    momentum: Option<Momentum>,
    rates: Option<Rates>,
) -> Result<()> {
    let scales = scales::<T>(x, rates)?;
    let rate = T::from_f64(-rate);
    let gradient = Gradient::of(dfdx, x, decay, momentum.is_some_and(|m| m.nesterov))?;
    let mut to = state::<T>(x, x)?;
    let mut average = momentum.map(|m| state::<T>(m.average, x)).transpose()?;
    let mut delta = rates.map(|r| state::<T>(r.delta, x)).transpose()?;
    let way = Way::<T>::of(momentum);
    let along = move |g: T, average: T| way.along(g, average);
    match (&mut average, &mut delta) {
        (None, None) => each(gradient, [&mut to], move |g, [x]| (g, [x.add(rate.mul(g))])),
        (None, Some(d)) => each_beside(gradient, [&scales], [&mut to, d], move |g, [scale], [x, _]| {
            let way = scale.mul(g);
            (g, [x.add(rate.mul(way)), way])
        }),
        (Some(m), None) => each(gradient, [&mut to, m], move |g, [x, m]| {
            let (g, way, m) = along(g, m);
            (g, [x.add(rate.mul(way)), m])
        }),
        (Some(m), Some(d)) => each_beside(gradient, [&scales], [&mut to, m, d], move |g, [scale], [x, m, _]| {
            let (g, way, m) = along(g, m);
            let way = scale.mul(way);
            (g, [x.add(rate.mul(way)), m, way])
        }),
    }
    Ok(())
}

/// Where momentum leads.
#[derive(Clone, Copy)]
struct Way<T> {
    keep: T,
    enter: T,
    nesterov: bool,
}

impl<T: Real> Way<T> {
    fn of(momentum: Option<Momentum>) -> Way<T> {
        let of = |v: fn(Momentum) -> f64| momentum.map_or(T::ZERO, |m| T::from_f64(v(m)));
        Way { keep: of(|m| m.keep), enter: of(|m| m.enter), nesterov: momentum.is_some_and(|m| m.nesterov) }
    }

    /// The gradient, the way to go, and the average.
    #[inline(always)]
    fn along(self, g: T, average: T) -> (T, T, T) {
        let average = average.mul(self.keep).add(self.enter.mul(g));
        if self.nesterov {
            let g = g.add(self.keep.mul(average));
            (g, g, average)
        } else {
            (g, average, average)
        }
    }
}

/// [`sgd`] with a weight decay for each parameter. All have as many elements.
///
/// # Errors
/// Numbers of elements that differ.
pub fn sgd_with_decays<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    rate: f64,
    decays: Decays,
    momentum: Option<Momentum>,
    rates: Option<Rates>,
) -> Result<()> {
    if dfdx.may_overlap(x) {
        // a function may give its argument: first all of the gradient, then all of the step
        decay::<T>(x, dfdx, decays.decays, decays.kept)?;
        return sgd::<T>(x, dfdx, rate, 0.0, momentum, rates);
    }
    check::count("the decays", decays.decays, x.numel())?;
    let (by, scales) = (Source::<T>::of(decays.decays)?, scales::<T>(x, rates)?);
    let rate = T::from_f64(-rate);
    let gradient = Gradient::of(dfdx, x, 0.0, true)?;
    let (mut to, mut part) = (state::<T>(x, x)?, state::<T>(decays.kept, x)?);
    let mut average = momentum.map(|m| state::<T>(m.average, x)).transpose()?;
    let mut delta = rates.map(|r| state::<T>(r.delta, x)).transpose()?;
    let way = Way::<T>::of(momentum);
    match (&mut average, &mut delta) {
        (None, None) => each_beside(gradient, [&by], [&mut to, &mut part], move |g, [by], [x, _]| {
            let part = by.mul(x);
            let g = g.add(part);
            (g, [x.add(rate.mul(g)), part])
        }),
        (None, Some(d)) => {
            each_beside(gradient, [&by, &scales], [&mut to, &mut part, d], move |g, [by, scale], [x, _, _]| {
                let part = by.mul(x);
                let g = g.add(part);
                let way = scale.mul(g);
                (g, [x.add(rate.mul(way)), part, way])
            });
        }
        (Some(m), None) => each_beside(gradient, [&by], [&mut to, &mut part, m], move |g, [by], [x, _, m]| {
            let part = by.mul(x);
            let (g, way, m) = way.along(g.add(part), m);
            (g, [x.add(rate.mul(way)), part, m])
        }),
        (Some(m), Some(d)) => {
            each_beside(gradient, [&by, &scales], [&mut to, &mut part, m, d], move |g, [by, scale], [x, _, m, _]| {
                let part = by.mul(x);
                let (g, way, m) = way.along(g.add(part), m);
                let way = scale.mul(way);
                (g, [x.add(rate.mul(way)), part, m, way])
            });
        }
    }
    Ok(())
}

/// The rates of the single parameters; of none where there are no such rates.
fn scales<T: Real>(x: &Tensor, rates: Option<Rates>) -> Result<Source<T>> {
    let Some(Rates { rates, .. }) = rates else { return Source::of(&Tensor::empty(T::DTYPE)) };
    check::count("the rates", rates, x.numel())?;
    Source::of(rates)
}

/// What optim.nag does before it asks for the gradient: the velocity is multiplied by `momentum` and added to `x`.
///
/// # Errors
/// Numbers of elements that differ.
pub fn look_ahead<T: Real>(x: &Tensor, velocity: &Tensor, momentum: f64) -> Result<()> {
    let keep = T::from_f64(momentum);
    let (mut to, mut v) = (state::<T>(x, x)?, state::<T>(velocity, x)?);
    share((Rows::new(&mut to, 1), Rows::new(&mut v, 1)), 2, |_, (x, v)| {
        let all = x.into_slice().iter_mut().zip(v.into_slice());
        vectorize(
            #[inline(always)]
            move || {
                for (x, v) in all {
                    *v = v.mul(keep);
                    *x = x.add(*v);
                }
            },
        );
    });
    Ok(())
}

/// The step of optim.nag: `x` and the velocity go `-rate` times along `dfdx + decay x`, which `dfdx` becomes; the single
/// parameters may have rates of their own.
///
/// # Errors
/// Numbers of elements that differ.
pub fn nag<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    velocity: &Tensor,
    rate: f64,
    decay: f64,
    rates: Option<Rates>,
) -> Result<()> {
    let scales = scales::<T>(x, rates)?;
    let rate = T::from_f64(-rate);
    let gradient = Gradient::of(dfdx, x, decay, false)?;
    let (mut to, mut v) = (state::<T>(x, x)?, state::<T>(velocity, x)?);
    match &mut rates.map(|r| state::<T>(r.delta, x)).transpose()? {
        None => each(gradient, [&mut to, &mut v], move |g, [x, v]| {
            let step = rate.mul(g);
            (g, [x.add(step), v.add(step)])
        }),
        Some(d) => each_beside(gradient, [&scales], [&mut to, &mut v, d], move |g, [scale], [x, v, _]| {
            let way = scale.mul(g);
            let step = rate.mul(way);
            (g, [x.add(step), v.add(step), way])
        }),
    }
    Ok(())
}

/// A step of optim.asgd: `x` is multiplied by `shrink` and goes `-rate` times along `dfdx`; `average` comes closer to it by
/// `weight` of the way, and is it where that is 1. `change` becomes what the average changes by, and stays where the weight is 1.
///
/// # Errors
/// Numbers of elements that differ.
pub fn asgd<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    average: &Tensor,
    change: &Tensor,
    shrink: f64,
    rate: f64,
    weight: f64,
) -> Result<()> {
    let (shrink, rate, part) = (T::from_f64(shrink), T::from_f64(-rate), T::from_f64(weight));
    let whole = weight == 1.0;
    let gradient = Gradient::of(dfdx, x, 0.0, false)?;
    let mut to = state::<T>(x, x)?;
    let (mut mean, mut by): (Dest<T>, Dest<T>) = (state(average, x)?, state(change, x)?);
    each(gradient, [&mut to, &mut mean, &mut by], move |g, [x, mean, by]| {
        let x = x.mul(shrink).add(rate.mul(g));
        let moved = x.sub(mean).mul(part);
        (g, if whole { [x, x, by] } else { [x, mean.add(moved), moved] })
    });
    Ok(())
}
