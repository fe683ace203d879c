//! Methods that choose a direction from gradients so far: conjugate gradients and limited-memory BFGS. Each function is one
//! pass over vectors, which computes the products that the next one needs on its way.

use super::{Beside, COST, Parts, state};
use crate::tensor::Tensor;
use crate::tensor::access::{Blocks, Rows, Source, Workspace, share};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::{array, vectorize};

/// Elements whose terms are summed up together: the parts of a sum depend on its size alone, as the order of additions does.
const SPAN: usize = 1 << 13;

/// Running sums side by side; with fewer elements, a compiler unrolls the loop over them before it looks for vectors.
const LANES: usize = 64;

/// `(changed..., terms) = f(changed..., read...)` for each element; gives the sums of the terms.
fn pass<T: Float, const N: usize, const R: usize, const K: usize>(
    changed: [&mut [T]; N],
    read: [&[T]; R],
    f: impl Fn([T; N], [T; R]) -> ([T; N], [f64; K]) + Copy + Sync,
) -> Result<[f64; K]> {
    let n = changed.iter().map(|c| c.len()).chain(read.iter().map(|r| r.len())).min().unwrap_or(0);
    let mut parts = Workspace::<f64>::new(n.div_ceil(SPAN) * K)?;
    let spans = Blocks::new((Parts(changed), Beside(read)), SPAN);
    share((spans, Rows::new(&mut parts, K)), COST * SPAN, |_, (spans, sums)| {
        let mut sums = sums.into_rows();
        spans.for_each(0, |_, (Parts(changed), Beside(read))| {
            let found = vectorize(
                #[inline(always)]
                move || span(changed, read, f),
            );
            if let Some(to) = sums.next() {
                to.iter_mut().zip(found).for_each(|(to, lanes)| *to = total(lanes));
            }
        });
    });
    let mut all = [0.0; K];
    parts.as_chunks::<K>().0.iter().for_each(|part| all.iter_mut().zip(part).for_each(|(sum, v)| *sum += v));
    Ok(all)
}

/// [`pass`] over some elements.
#[inline(always)]
fn span<T: Float, const N: usize, const R: usize, const K: usize>(
    changed: [&mut [T]; N],
    read: [&[T]; R],
    f: impl Fn([T; N], [T; R]) -> ([T; N], [f64; K]) + Copy,
) -> [[f64; LANES]; K] {
    let mut sums = [[0.0; LANES]; K];
    let read: [_; R] = array(Default::default(), |k| read[k].as_chunks::<LANES>());
    let mut changed = changed.map(|c| c.as_chunks_mut::<LANES>());
    let counts = changed.iter().map(|c| c.0.len()).chain(read.iter().map(|r| r.0.len()));
    for i in 0..counts.min().unwrap_or(0) {
        let from = array([T::ZERO; LANES], |k| read[k].0[i]);
        let own = array([T::ZERO; LANES], |k| changed[k].0[i]);
        let (new, terms) = lanes(own, from, f);
        (0..N).for_each(|k| changed[k].0[i] = new[k]);
        for (sums, terms) in sums.iter_mut().zip(&terms) {
            (0..LANES).for_each(|l| sums[l] += terms[l]);
        }
    }
    let rest = changed.iter().map(|c| c.1.len()).chain(read.iter().map(|r| r.1.len())).min().unwrap_or(0);
    (0..rest).for_each(|l| {
        let (new, terms) = f(array(T::ZERO, |k| changed[k].1[l]), array(T::ZERO, |k| read[k].1[l]));
        (0..N).for_each(|k| changed[k].1[l] = new[k]);
        (0..K).for_each(|k| sums[k][l] += terms[k]);
    });
    sums
}

/// Elements that are all read before any is written: so the loop needs no proof that slices are apart.
#[inline(always)]
fn lanes<T: Float, const N: usize, const R: usize, const K: usize>(
    mut changed: [[T; LANES]; N],
    read: [[T; LANES]; R],
    f: impl Fn([T; N], [T; R]) -> ([T; N], [f64; K]),
) -> ([[T; LANES]; N], [[f64; LANES]; K]) {
    let mut terms = [[0.0; LANES]; K];
    for l in 0..LANES {
        let old = array(T::ZERO, |k| changed[k][l]);
        let (new, of_lane) = f(old, array(T::ZERO, |k| read[k][l]));
        (0..N).for_each(|k| changed[k][l] = new[k]);
        (0..K).for_each(|k| terms[k][l] = of_lane[k]);
    }
    (changed, terms)
}

/// Running sums joined, halves by halves. Apart from the loop before it, whose vectors would otherwise become as narrow as
/// the last here.
#[inline(never)]
fn total(mut lanes: [f64; LANES]) -> f64 {
    for half in [32, 16, 8, 4, 2, 1] {
        (0..half).for_each(|l| lanes[l] += lanes[l + half]);
    }
    lanes[0]
}

/// `a b` in double precision.
#[inline(always)]
fn times<T: Float>(a: T, b: T) -> f64 {
    a.to_f64() * b.to_f64()
}

/// The elements of a vector, as many as `d` has.
fn vector<T: Float>(v: &Tensor, d: &Tensor) -> Result<Source<T>> {
    check::count("a vector", v, d.numel())?;
    Source::of(v)
}

/// `d` becomes `(before d + by v) after`. Gives the products of `u` with that, and with `w` where there is one. All have as
/// many elements.
///
/// # Errors
/// Numbers of elements that differ.
pub fn turn<T: Float>(
    d: &Tensor,
    before: f64,
    v: &Tensor,
    by: f64,
    after: f64,
    u: &Tensor,
    w: Option<&Tensor>,
) -> Result<(f64, f64)> {
    let [before, by, after] = [before, by, after].map(T::from_f64);
    let (v, u) = (vector::<T>(v, d)?, vector::<T>(u, d)?);
    let w = w.map(|w| vector::<T>(w, d)).transpose()?;
    let mut d = state::<T>(d, d)?;
    let turned = move |d: T, v: T| d.mul(before).add(by.mul(v)).mul(after);
    let [along, beside] = match &w {
        None => pass([&mut d], [&v, &u], move |[d], [v, u]| {
            let d = turned(d, v);
            ([d], [times(u, d), 0.0])
        }),
        Some(w) => pass([&mut d], [&v, &u, w], move |[d], [v, u, w]| {
            let d = turned(d, v);
            ([d], [times(u, d), times(u, w)])
        }),
    }?;
    Ok((along, beside))
}

/// What optim.lbfgs keeps of a step: `step` becomes `rate` times the direction `d`, `change` what the gradient changed by
/// since `old`, which becomes the gradient; `d` becomes its negative. Gives the products of the change with the step and
/// with itself, and of the step with the new `d`. All have as many elements.
///
/// # Errors
/// Numbers of elements that differ.
pub fn remember<T: Float>(
    gradient: &Tensor,
    old: &Tensor,
    d: &Tensor,
    rate: f64,
    step: &Tensor,
    change: &Tensor,
) -> Result<(f64, f64, f64)> {
    let (rate, minus) = (T::from_f64(rate), T::ONE.neg());
    let g = vector::<T>(gradient, d)?;
    let (mut old, mut s, mut y) = (state::<T>(old, d)?, state::<T>(step, d)?, state::<T>(change, d)?);
    let mut d = state::<T>(d, d)?;
    let sums = pass([&mut old, &mut d, &mut s, &mut y], [&g], move |[old, d, _, _], [g]| {
        let (y, s, d) = (g.sub(old), d.mul(rate), g.mul(minus));
        ([g, d, s, y], [times(y, s), times(y, y), times(s, d)])
    });
    let [curvature, square, along] = sums?;
    Ok((curvature, square, along))
}

/// `to` becomes the sizes of `by x`. Gives their sum.
///
/// # Errors
/// Numbers of elements that differ.
pub fn sizes<T: Float>(to: &Tensor, x: &Tensor, by: f64) -> Result<f64> {
    let by = T::from_f64(by);
    let x = vector::<T>(x, to)?;
    let mut to = state::<T>(to, to)?;
    let sums = pass([&mut to], [&x], move |_, [x]| {
        let size = x.mul(by).abs();
        ([size], [size.to_f64()])
    });
    Ok(sums?[0])
}

/// `to` becomes `x`. Gives its product with `d`.
///
/// # Errors
/// Numbers of elements that differ.
pub fn take<T: Float>(to: &Tensor, x: &Tensor, d: &Tensor) -> Result<f64> {
    let (x, d) = (vector::<T>(x, to)?, vector::<T>(d, to)?);
    let mut to = state::<T>(to, to)?;
    Ok(pass([&mut to], [&x, &d], move |_, [x, d]| ([x], [times(x, d)]))?[0])
}

/// The products of `x` with itself, of both, and of `y` with itself.
///
/// # Errors
/// Numbers of elements that differ.
pub fn products<T: Float>(x: &Tensor, y: &Tensor) -> Result<(f64, f64, f64)> {
    let (x, y) = (Source::<T>::of(x)?, vector::<T>(y, x)?);
    let [xx, xy, yy] = pass([], [&x, &y], move |[], [x, y]| ([], [times(x, x), times(x, y), times(y, y)]))?;
    Ok((xx, xy, yy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, step: usize) -> Tensor {
        Tensor::from_slice(&(0..n).map(|i| ((i * step) % 23) as f64 / 7.0 - 1.5).collect::<Vec<_>>()).unwrap()
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn sums_go_over_what_the_pass_wrote() {
        for n in [0, 1, LANES - 1, LANES, 100, SPAN, 9 * SPAN + 70] {
            let (d, v, u, w) = (numbers(n, 3), numbers(n, 5), numbers(n, 7), numbers(n, 11));
            let all = |t: &Tensor| t.to_vec::<f64>().unwrap();
            let want: Vec<f64> = all(&d).iter().zip(all(&v)).map(|(d, v)| (0.5 * d + 2.0 * v) * -0.25).collect();
            let (along, beside) = turn::<f64>(&d, 0.5, &v, 2.0, -0.25, &u, Some(&w)).unwrap();
            assert_eq!(all(&d), want);
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * n as f64;
            assert!(close(along, dot(&all(&u), &want)) && close(beside, dot(&all(&u), &all(&w))), "{n}");
            let (xx, xy, yy) = products::<f64>(&u, &u).unwrap();
            assert!(xx == xy && xy == yy && close(xx, dot(&all(&u), &all(&u))));
            let to = numbers(n, 2);
            assert!(close(take::<f64>(&to, &u, &w).unwrap(), beside) && all(&to) == all(&u));
            let sum = sizes::<f64>(&to, &v, -2.0).unwrap();
            assert!(close(sum, all(&v).iter().map(|v| 2.0 * v.abs()).sum()) && all(&to).iter().all(|v| *v >= 0.0));
        }
        assert!(turn::<f64>(&numbers(3, 1), 1.0, &numbers(4, 1), 1.0, 1.0, &numbers(3, 1), None).is_err());
        assert!(products::<f64>(&numbers(3, 1), &numbers(4, 1)).is_err());
    }

    #[test]
    fn a_step_is_remembered_as_it_was() {
        let (g, old, d, s, y) = (numbers(70, 3), numbers(70, 5), numbers(70, 7), numbers(70, 1), numbers(70, 1));
        let all = |t: &Tensor| t.to_vec::<f64>().unwrap();
        let (before, way) = (all(&old), all(&d));
        let sums = remember::<f64>(&g, &old, &d, 0.5, &s, &y).unwrap();
        for i in 0..70 {
            let got = [all(&old)[i], all(&d)[i], all(&s)[i], all(&y)[i]];
            assert_eq!(got, [all(&g)[i], -all(&g)[i], way[i] * 0.5, all(&g)[i] - before[i]]);
        }
        let want = (dot(&all(&y), &all(&s)), dot(&all(&y), &all(&y)), dot(&all(&s), &all(&d)));
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(sums.0, want.0) && close(sums.1, want.1) && close(sums.2, want.2));
    }
}
