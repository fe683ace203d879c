//! Methods that give every parameter a step of its own size, from what its gradients have been like so far.

use super::{BLOCK, Beside, COST, Gradient, Part, Parts, block, changing, each, state};
use crate::tensor::Tensor;
use crate::tensor::access::{Blocks, share};
use crate::tensor::dtype::{Float, Real};
use crate::tensor::error::Result;
use crate::tensor::ops::view::select;
use crate::tensor::simd::vectorize;

/// A running average: `keep` of it stays, and the rest of the new value enters.
#[derive(Clone, Copy)]
struct Average<T> {
    keep: T,
    enter: T,
}

impl<T: Float> Average<T> {
    fn new(keep: f64) -> Average<T> {
        Average { keep: T::from_f64(keep), enter: T::from_f64(1.0 - keep) }
    }
    #[inline(always)]
    fn of(self, old: T, new: T) -> T {
        old.mul(self.keep).add(self.enter.mul(new))
    }
    #[inline(always)]
    fn of_square(self, old: T, new: T) -> T {
        old.mul(self.keep).add(self.enter.mul(new).mul(new))
    }
}

/// `x + rate a / b`
#[inline(always)]
fn moved<T: Float>(x: T, rate: T, a: T, b: T) -> T {
    x.add(rate.mul(a).over(b))
}

/// A step of optim.adam: the running averages `mean` of the gradient and `square` of its square, and
/// `x - rate mean / (sqrt(square) + epsilon)`; `root` becomes the divisor. `dfdx` becomes `dfdx + decay x` first. All have as
/// many elements. Kingma and Ba, Adam: a method for stochastic optimization, 2015.
///
/// # Errors
/// Numbers of elements that differ.
pub fn adam<T: Float>(
    x: &Tensor,
    dfdx: &Tensor,
    mean: &Tensor,
    square: &Tensor,
    divisor: &Tensor,
    rate: f64,
    decay: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
) -> Result<()> {
    let (first, second) = (Average::<T>::new(beta1), Average::<T>::new(beta2));
    let (rate, epsilon) = (T::from_f64(-rate), T::from_f64(epsilon));
    let gradient = Gradient::of(dfdx, x, decay, false)?;
    let (mut to, mut m, mut v, mut d) = (state(x, x)?, state(mean, x)?, state(square, x)?, state(divisor, x)?);
    each(gradient, [&mut to, &mut m, &mut v, &mut d], move |g, [x, m, v, _]| {
        let (m, v) = (first.of(m, g), second.of_square(v, g));
        let d = v.root().add(epsilon);
        (g, [moved(x, rate, m, d), m, v, d])
    });
    Ok(())
}

/// A step of optim.adamax, which divides by the largest recent gradient: `norm`. `parts` has two rows, the faded norm and
/// the size of the new gradient with `epsilon` added; the larger one is the new norm. The same paper, section 7.
///
/// # Errors
/// Numbers of elements that differ.
pub fn adamax<T: Float>(
    x: &Tensor,
    dfdx: &Tensor,
    mean: &Tensor,
    norm: &Tensor,
    parts: &Tensor,
    rate: f64,
    decay: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
) -> Result<()> {
    let (first, fade) = (Average::<T>::new(beta1), T::from_f64(beta2));
    let (rate, epsilon) = (T::from_f64(-rate), T::from_f64(epsilon));
    let (faded, fresh) = (select(parts, 0, 0)?, select(parts, 0, 1)?);
    let gradient = Gradient::of(dfdx, x, decay, false)?;
    let (mut to, mut m, mut u) = (state(x, x)?, state(mean, x)?, state(norm, x)?);
    let (mut faded, mut fresh) = (state(&faded, x)?, state(&fresh, x)?);
    each(gradient, [&mut to, &mut m, &mut u, &mut faded, &mut fresh], move |g, [x, m, u, _, _]| {
        let (m, old, new) = (first.of(m, g), u.mul(fade), g.abs().add(epsilon));
        // what is no number stays one, as in torch.max
        let u = if new > old || new.is_nan() { new } else { old };
        (g, [moved(x, rate, m, u), m, u, old, new])
    });
    Ok(())
}

/// A step of optim.adagrad: `total` sums up the squares of all gradients, and `x - rate dfdx / (sqrt(total) + epsilon)`;
/// `divisor` becomes the divisor. Duchi, Hazan and Singer, Adaptive subgradient methods, 2011.
///
/// # Errors
/// Numbers of elements that differ.
pub fn adagrad<T: Float>(
    x: &Tensor,
    dfdx: &Tensor,
    total: &Tensor,
    divisor: &Tensor,
    rate: f64,
    decay: f64,
    epsilon: f64,
) -> Result<()> {
    scaled(x, dfdx, [total, divisor], [rate, decay, epsilon], |total: T, g| total.add(g.mul(g)))
}

/// A step of optim.rmsprop: `square` is the running average of squared gradients, and
/// `x - rate dfdx / (sqrt(square) + epsilon)`; `divisor` becomes the divisor. Tieleman and Hinton, lecture 6.5, 2012.
///
/// # Errors
/// Numbers of elements that differ.
pub fn rmsprop<T: Float>(
    x: &Tensor,
    dfdx: &Tensor,
    square: &Tensor,
    divisor: &Tensor,
    rate: f64,
    decay: f64,
    alpha: f64,
    epsilon: f64,
) -> Result<()> {
    let average = Average::<T>::new(alpha);
    scaled(x, dfdx, [square, divisor], [rate, decay, epsilon], move |v, g| average.of_square(v, g))
}

/// The gradient by the root of what `sum` makes of its squares.
#[inline(always)]
fn scaled<T: Float>(
    x: &Tensor,
    dfdx: &Tensor,
    [sums, divisor]: [&Tensor; 2],
    [rate, decay, epsilon]: [f64; 3],
    sum: impl Fn(T, T) -> T + Copy + Sync,
) -> Result<()> {
    let (rate, epsilon) = (T::from_f64(-rate), T::from_f64(epsilon));
    let gradient = Gradient::of(dfdx, x, decay, false)?;
    let (mut to, mut v, mut d) = (state(x, x)?, state(sums, x)?, state(divisor, x)?);
    each(gradient, [&mut to, &mut v, &mut d], move |g, [x, v, _]| {
        let v = sum(v, g);
        let d = v.root().add(epsilon);
        (g, [moved(x, rate, g, d), v, d])
    });
    Ok(())
}

/// A step of optim.adadelta, in the units of the parameters: `delta`, the gradient by the root of `square`, the running
/// average of squared gradients, times the root of `steps`, that of squared steps. `divisor` becomes the first root. Zeiler,
/// ADADELTA: an adaptive learning rate method, 2012.
///
/// # Errors
/// Numbers of elements that differ.
pub fn adadelta<T: Float>(
    x: &Tensor,
    dfdx: &Tensor,
    square: &Tensor,
    divisor: &Tensor,
    steps: &Tensor,
    delta: &Tensor,
    decay: f64,
    rho: f64,
    epsilon: f64,
) -> Result<()> {
    let (average, epsilon) = (Average::<T>::new(rho), T::from_f64(epsilon));
    let gradient = Gradient::of(dfdx, x, decay, false)?;
    let (mut to, mut v, mut d) = (state(x, x)?, state(square, x)?, state(divisor, x)?);
    let (mut sum, mut step) = (state(steps, x)?, state(delta, x)?);
    each(gradient, [&mut to, &mut v, &mut d, &mut sum, &mut step], move |g, [x, v, _, sum, _]| {
        let v = average.of_square(v, g);
        let d = v.add(epsilon).root();
        let step = sum.add(epsilon).root().over(d).mul(g);
        (g, [x.sub(step), v, d, average.of_square(sum, step), step])
    });
    Ok(())
}

/// How optim.rprop changes the step sizes.
#[derive(Clone, Copy)]
struct Resilience<T> {
    grow: T,
    shrink: T,
    largest: T,
    smallest: T,
}

impl<T: Real> Resilience<T> {
    /// The step size that follows `step` where `agreement` is the product of two gradients in succession, before it is
    /// made `smallest` at least.
    #[inline(always)]
    fn next(self, agreement: T, step: T) -> T {
        let step = if agreement > T::ZERO {
            step.mul(self.grow)
        } else if agreement < T::ZERO {
            step.mul(self.shrink)
        } else {
            step
        };
        if step > self.largest { self.largest } else { step }
    }
    #[inline(always)]
    fn kept(self, step: T) -> T {
        if step < self.smallest { self.smallest } else { step }
    }

    /// Fills the masks of [`rprop`], from what was before its step.
    #[inline(always)]
    fn tell(self, gradient: &[T], [_, delta, _, sizes]: &[&mut [T]; 4], [agree, differ, none, small]: [&mut [u8]; 4]) {
        let agreements = || gradient.iter().zip(delta.iter()).map(|(g, d)| g.mul(*d));
        agree.iter_mut().zip(agreements()).for_each(|(m, v)| *m = u8::from(v > T::ZERO));
        differ.iter_mut().zip(agreements()).for_each(|(m, v)| *m = u8::from(v < T::ZERO));
        none.iter_mut().zip(agreements()).for_each(|(m, v)| *m = u8::from(v == T::ZERO));
        let steps = agreements().zip(sizes.iter()).map(|(v, size)| self.next(v, *size));
        small.iter_mut().zip(steps).for_each(|(m, step)| *m = u8::from(step < self.smallest));
    }
}

#[inline(always)]
fn sign_of<T: Real>(v: T) -> T {
    if v > T::ZERO {
        T::ONE
    } else if v < T::ZERO {
        T::ZERO.sub(T::ONE)
    } else {
        T::ZERO
    }
}

/// A step of optim.rprop: step sizes grow where the gradient has the sign of the one before (`delta`), shrink where it has
/// the other, and stay within bounds; `x` goes by them against the gradient's `sign`, or rests after a change of sign, where
/// `dfdx` becomes 0. `delta` becomes `dfdx`, `masks` say where the two agreed, differed, were 0, and where a step was below
/// `smallest`. All have as many elements. Riedmiller and Braun, A direct adaptive method for faster backpropagation learning:
/// the RPROP algorithm, 1993.
///
/// # Errors
/// Numbers of elements that differ.
pub fn rprop<T: Real>(
    x: &Tensor,
    dfdx: &Tensor,
    [delta, sign, sizes]: [&Tensor; 3],
    masks: [&Tensor; 4],
    [grow, shrink, largest, smallest]: [f64; 4],
) -> Result<()> {
    let [grow, shrink, largest, smallest] = [grow, shrink, largest, smallest].map(T::from_f64);
    let by = Resilience { grow, shrink, largest, smallest };
    let mut gradient = changing::<T>(dfdx, x)?;
    let (mut to, mut delta, mut sign, mut sizes) = (state(x, x)?, state(delta, x)?, state(sign, x)?, state(sizes, x)?);
    let [agree, differ, none, small] = masks;
    let mut masks = [state::<u8>(agree, x)?, state(differ, x)?, state(none, x)?, state(small, x)?];
    let masks = Parts(masks.each_mut().map(|m| &mut m[..]));
    let changed = Parts([&mut to[..], &mut delta, &mut sign, &mut sizes]);
    share(Blocks::new((Parts([&mut gradient]), changed, masks), BLOCK), COST * BLOCK, |first, blocks| {
        blocks.for_each(first, |_, (Parts([gradient]), changed, Parts(masks))| {
            vectorize(
                #[inline(always)]
                move || {
                    by.tell(gradient, &changed.0, masks);
                    block(Part::Changed(gradient), T::ZERO, Beside([]), changed, move |g, [], [x, delta, _, size]| {
                        let agreement = g.mul(delta);
                        let size = by.kept(by.next(agreement, size));
                        let g = if agreement < T::ZERO { T::ZERO } else { g };
                        let sign = sign_of(g);
                        (g, [x.sub(sign.mul(size)), g, sign, size])
                    });
                },
            );
        });
    });
    Ok(())
}
