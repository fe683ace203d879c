//! Steps of the methods of optim: one pass over parameters, gradient and state, in place of a chain of tensor
//! operations that each go through memory. Rounding is that of the chain, operation by operation.

pub mod adaptive;
pub mod descent;
pub mod directions;

use crate::tensor::Tensor;
use crate::tensor::access::{Blocks, Blockwise, Dest, Divide, Source, share};
use crate::tensor::check;
use crate::tensor::dtype::Real;
use crate::tensor::error::Result;
use crate::tensor::ops::arithmetic::add_scaled;
use crate::tensor::ops::copy::clone;
use crate::tensor::simd::{array, vectorize};

/// Elements that are done together: they stay in the nearest cache.
const BLOCK: usize = 1024;

/// Elements that are read before any is written. A compiler that has to prove for each of many slices that it overlaps
/// no other gives up, and with fewer elements it unrolls the loop over them before it looks for vectors.
const WIDE: usize = 64;

/// What a step costs for each element, in units of an addition: it goes through several tensors.
const COST: usize = 4;

/// The gradient of a step.
struct Gradient<T> {
    given: Given<T>,
    /// What the parameters are weighted with and added to it.
    decay: T,
}

enum Given<T> {
    /// It is read.
    Fixed(Source<T>),
    /// It is read, and some of it is not written yet.
    Deferred(Blockwise<T>),
    /// It changes, as Torch7 does: weight decay goes into the caller's own gradient.
    Changed(Dest<T>),
}

impl<T: Real> Gradient<T> {
    /// The gradient for `x`, to which `decay * x` is added. It is changed where that is not 0 and where the method says so.
    /// To be asked for before `x` is.
    ///
    /// # Errors
    /// Another number of elements than `x` has.
    fn of(dfdx: &Tensor, x: &Tensor, decay: f64, changes: bool) -> Result<Gradient<T>> {
        check::count("the gradient", dfdx, x.numel())?;
        let decay = T::from_f64(decay);
        if dfdx.may_overlap(x) {
            // a function may give its argument: first all of the gradient, then all of the step
            if decay != T::ZERO {
                add_scaled(dfdx, dfdx, decay, x)?;
            }
            return Ok(Gradient { given: Given::Changed(changing(dfdx, x)?), decay: T::ZERO });
        }
        let given = if changes || decay != T::ZERO {
            Given::Changed(changing(dfdx, x)?)
        } else {
            match Blockwise::of(dfdx)? {
                Some(gradient) => Given::Deferred(gradient),
                None => Given::Fixed(Source::of(dfdx)?),
            }
        };
        Ok(Gradient { given, decay })
    }

    fn whole(&mut self) -> Share<'_, T> {
        match &mut self.given {
            Given::Fixed(g) => Share::Written(Part::Fixed(g)),
            Given::Deferred(g) => Share::Deferred(g, 0, g.len()),
            Given::Changed(g) => Share::Written(Part::Changed(g)),
        }
    }
}

/// A gradient that a step changes; a copy of it where it shares memory with the parameters. To be asked for before `x` is.
///
/// # Errors
/// Another number of elements than `x` has.
fn changing<T: Real>(dfdx: &Tensor, x: &Tensor) -> Result<Dest<T>> {
    check::count("the gradient", dfdx, x.numel())?;
    if dfdx.may_overlap(x) { Dest::update(&clone(dfdx)?) } else { Dest::update(dfdx) }
}

/// Some of a gradient.
enum Part<'a, T> {
    Fixed(&'a [T]),
    Changed(&'a mut [T]),
}

impl<T: Real> Divide for Part<'_, T> {
    fn items(&self) -> usize {
        match self {
            Part::Fixed(g) => g.len(),
            Part::Changed(g) => g.len(),
        }
    }
    fn cut(self, n: usize) -> (Self, Self) {
        match self {
            Part::Fixed(g) => {
                let (a, b) = g.split_at(n);
                (Part::Fixed(a), Part::Fixed(b))
            }
            Part::Changed(g) => {
                let (a, b) = g.split_at_mut(n);
                (Part::Changed(a), Part::Changed(b))
            }
        }
    }
}

/// A thread's share of a gradient.
enum Share<'a, T> {
    Written(Part<'a, T>),
    /// From which element on, and how many.
    Deferred(&'a Blockwise<T>, usize, usize),
}

impl<T: Real> Divide for Share<'_, T> {
    fn items(&self) -> usize {
        match self {
            Share::Written(g) => g.items(),
            Share::Deferred(_, _, n) => *n,
        }
    }
    fn cut(self, n: usize) -> (Self, Self) {
        match self {
            Share::Written(g) => {
                let (a, b) = g.cut(n);
                (Share::Written(a), Share::Written(b))
            }
            Share::Deferred(all, at, len) => (Share::Deferred(all, at, n), Share::Deferred(all, at + n, len - n)),
        }
    }
}

/// Parts of the tensors that a step changes, the parameters first.
struct Parts<'a, T, const N: usize>([&'a mut [T]; N]);

impl<T: Real, const N: usize> Divide for Parts<'_, T, N> {
    fn items(&self) -> usize {
        self.0.iter().map(|p| p.len()).min().unwrap_or(usize::MAX)
    }
    fn cut(self, n: usize) -> (Self, Self) {
        let mut rest = self.0;
        let first = rest.each_mut().map(|p| {
            let (a, b) = std::mem::take(p).split_at_mut(n);
            *p = b;
            a
        });
        (Parts(first), Parts(rest))
    }
}

/// A tensor of the state, which has an element for each of `x`.
///
/// # Errors
/// Another number of elements, another element type.
fn state<T: Real>(kept: &Tensor, x: &Tensor) -> Result<Dest<T>> {
    check::count("the state", kept, x.numel())?;
    Dest::update(kept)
}

/// Parts of tensors that a step reads besides.
struct Beside<'a, T, const R: usize>([&'a [T]; R]);

impl<T: Real, const R: usize> Divide for Beside<'_, T, R> {
    fn items(&self) -> usize {
        self.0.iter().map(|p| p.len()).min().unwrap_or(usize::MAX)
    }
    fn cut(self, n: usize) -> (Self, Self) {
        (Beside(self.0.map(|p| &p[..n])), Beside(self.0.map(|p| &p[n..])))
    }
}

/// `(gradient, changed...) = f(gradient, changed...)` for each element; `changed` begins with the parameters. The new
/// gradient counts where that is one that changes.
fn each<T: Real, const N: usize>(
    gradient: Gradient<T>,
    changed: [&mut Dest<T>; N],
    f: impl Fn(T, [T; N]) -> (T, [T; N]) + Copy + Sync,
) {
    each_beside(
        gradient,
        [],
        changed,
        #[inline(always)]
        move |g, [], changed| f(g, changed),
    );
}

/// [`each`] with tensors that are read: `(gradient, changed...) = f(gradient, read..., changed...)`.
fn each_beside<T: Real, const R: usize, const N: usize>(
    mut gradient: Gradient<T>,
    read: [&[T]; R],
    changed: [&mut Dest<T>; N],
    f: impl Fn(T, [T; R], [T; N]) -> (T, [T; N]) + Copy + Sync,
) {
    let decay = gradient.decay;
    let changed = Parts(changed.map(|d| &mut d[..]));
    let all = (gradient.whole(), Beside(read), changed);
    share(Blocks::new(all, BLOCK), COST * BLOCK, |first, blocks| {
        let mut computed = [T::ZERO; BLOCK];
        blocks.for_each(first, |_, (gradient, read, changed)| {
            let gradient = match gradient {
                Share::Written(part) => part,
                Share::Deferred(all, at, n) => {
                    all.read(at, &mut computed[..n]);
                    Part::Fixed(&computed[..n])
                }
            };
            vectorize(
                #[inline(always)]
                move || block(gradient, decay, read, changed, f),
            );
        });
    });
}

#[inline(always)]
fn block<T: Real, const R: usize, const N: usize>(
    mut gradient: Part<T>,
    decay: T,
    Beside(read): Beside<T, R>,
    Parts(changed): Parts<T, N>,
    f: impl Fn(T, [T; R], [T; N]) -> (T, [T; N]) + Copy,
) {
    if let (Part::Changed(g), true) = (&mut gradient, decay != T::ZERO) {
        g.iter_mut().zip(changed[0].iter()).for_each(|(g, x)| *g = g.add(decay.mul(*x)));
    }
    let read = array(Default::default(), |k| read[k].as_chunks::<WIDE>());
    let mut all = Chunks { read, changed: changed.map(|c| c.as_chunks_mut::<WIDE>()) };
    match gradient {
        Part::Fixed(g) => {
            let (whole, rest) = g.as_chunks::<WIDE>();
            for (i, g) in whole.iter().enumerate() {
                all.whole(i, *g, f);
            }
            all.rest(padded(rest), f);
        }
        Part::Changed(g) => {
            let (whole, rest) = g.as_chunks_mut::<WIDE>();
            for (i, g) in whole.iter_mut().enumerate() {
                *g = all.whole(i, *g, f);
            }
            let last = all.rest(padded(rest), f);
            rest.iter_mut().zip(last).for_each(|(g, v)| *g = v);
        }
    }
}

/// Tensors' parts, in chunks and what is left of each.
struct Chunks<'a, T, const R: usize, const N: usize> {
    read: [(&'a [[T; WIDE]], &'a [T]); R],
    changed: [(&'a mut [[T; WIDE]], &'a mut [T]); N],
}

impl<T: Real, const R: usize, const N: usize> Chunks<'_, T, R, N> {
    /// Chunk `i`, with its gradient; the new one.
    #[inline(always)]
    fn whole(&mut self, i: usize, g: [T; WIDE], f: impl Fn(T, [T; R], [T; N]) -> (T, [T; N])) -> [T; WIDE] {
        let blank = [T::ZERO; WIDE];
        let read = array(blank, |k| self.read[k].0[i]);
        let (gradient, new) = lanes(g, read, array(blank, |k| self.changed[k].0[i]), f);
        (0..N).for_each(|k| self.changed[k].0[i] = new[k]);
        gradient
    }

    /// What is left, as [`Chunks::whole`].
    #[inline(always)]
    fn rest(&mut self, g: [T; WIDE], f: impl Fn(T, [T; R], [T; N]) -> (T, [T; N])) -> [T; WIDE] {
        let blank = [T::ZERO; WIDE];
        let read = array(blank, |k| padded(self.read[k].1));
        let (gradient, new) = lanes(g, read, array(blank, |k| padded(self.changed[k].1)), f);
        (0..N).for_each(|k| self.changed[k].1.iter_mut().zip(new[k]).for_each(|(c, v)| *c = v));
        gradient
    }
}

/// The last elements, and ones after them.
#[inline(always)]
fn padded<T: Real>(rest: &[T]) -> [T; WIDE] {
    let mut all = [T::ONE; WIDE];
    all.iter_mut().zip(rest).for_each(|(to, v)| *to = *v);
    all
}

#[inline(always)]
fn lanes<T: Real, const R: usize, const N: usize>(
    mut gradient: [T; WIDE],
    read: [[T; WIDE]; R],
    mut changed: [[T; WIDE]; N],
    f: impl Fn(T, [T; R], [T; N]) -> (T, [T; N]),
) -> ([T; WIDE], [[T; WIDE]; N]) {
    for lane in 0..WIDE {
        let old = array(T::ZERO, |k| changed[k][lane]);
        let (g, new) = f(gradient[lane], array(T::ZERO, |k| read[k][lane]), old);
        gradient[lane] = g;
        (0..N).for_each(|k| changed[k][lane] = new[k]);
    }
    (gradient, changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::dtype::DType;

    fn numbers(n: usize, step: usize) -> Tensor {
        Tensor::from_slice(&(0..n).map(|i| ((i * step) % 23) as f64 / 7.0 - 1.5).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn every_element_is_done_once_whatever_the_length() {
        for n in [0, 1, 63, 64, 65, BLOCK - 1, BLOCK, BLOCK + 5, 100 * BLOCK + 33] {
            let (x, g, m) = (numbers(n, 5), numbers(n, 3), numbers(n, 11));
            let (old, grad, sum) = (x.to_vec::<f64>().unwrap(), g.to_vec::<f64>().unwrap(), m.to_vec::<f64>().unwrap());
            let gradient = Gradient::<f64>::of(&g, &x, 0.5, false).unwrap();
            let (mut a, mut b) = (state(&x, &x).unwrap(), state(&m, &x).unwrap());
            each(gradient, [&mut a, &mut b], |g, [x, m]| (g, [x - g, m + g]));
            drop((a, b));
            let now = [&x, &g, &m].map(|t| t.to_vec::<f64>().unwrap());
            for i in 0..n {
                let d = grad[i] + 0.5 * old[i];
                assert_eq!([now[0][i], now[1][i], now[2][i]], [old[i] - d, d, sum[i] + d]);
            }
        }
    }

    #[test]
    fn tensors_that_are_one_another_and_sizes_that_differ() {
        // the parameters are their own gradient
        let x = numbers(40, 5);
        let old = x.to_vec::<f64>().unwrap();
        let gradient = Gradient::<f64>::of(&x, &x, 0.5, false).unwrap();
        let mut a = state(&x, &x).unwrap();
        each(gradient, [&mut a], |g, [x]| (g, [x - 0.25 * g]));
        drop(a);
        let wanted: Vec<f64> = old.iter().map(|v| 1.5 * v - 0.25 * (1.5 * v)).collect();
        assert_eq!(x.to_vec::<f64>().unwrap(), wanted);
        assert!(Gradient::<f64>::of(&numbers(3, 1), &x, 0.0, false).is_err());
        assert!(state::<f64>(&numbers(3, 1), &x).is_err());
        assert!(state::<f64>(&Tensor::new(DType::Float, &[40]).unwrap(), &x).is_err());
    }
}
