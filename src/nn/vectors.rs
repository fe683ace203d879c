//! Loops over vectors that several families of kernels share. They are to be inlined into a loop that
//! [`vectorize`](crate::tensor::simd::vectorize) compiles.

use crate::tensor::dtype::Float;
use crate::tensor::simd::{array, vectorize_maths_on};
use crate::tensor::vmath::{Arith, Fused, Plain};

/// Partial sums, so that additions do not wait for one another.
pub const LANES: usize = 16;

/// The sum of what `f` makes of the values at each place, of vectors of one length.
#[inline(always)]
pub fn sum_of<T: Float, const K: usize>(vectors: [&[T]; K], f: impl Fn([T; K]) -> T + Copy) -> T {
    let n = vectors.iter().map(|v| v.len()).min().unwrap_or(0);
    let whole = n / LANES * LANES;
    let mut sums = [T::ZERO; LANES];
    for at in (0..whole).step_by(LANES) {
        let parts: [&[T]; K] = array(&[][..], |k| &vectors[k][at..at + LANES]);
        for (l, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(f(array(T::ZERO, |k| parts[k][l])));
        }
    }
    let rest = (whole..n).fold(T::ZERO, |sum, i| sum.add(f(array(T::ZERO, |k| vectors[k][i]))));
    sums.into_iter().fold(rest, T::add)
}

/// The sums, in double precision, of what `f` makes of the values at each place, of vectors of one length.
#[inline(always)]
pub fn sums_of<T: Float, const N: usize, const K: usize>(
    vectors: [&[T]; N],
    f: impl Fn([f64; N]) -> [f64; K] + Copy,
) -> [f64; K] {
    let n = vectors.iter().map(|v| v.len()).min().unwrap_or(0);
    let whole = n / LANES * LANES;
    let mut sums = [[0.0; LANES]; K];
    for at in (0..whole).step_by(LANES) {
        let parts: [&[T]; N] = array(&[][..], |k| &vectors[k][at..at + LANES]);
        for l in 0..LANES {
            let values = f(array(0.0, |k| parts[k][l].to_f64()));
            (0..K).for_each(|k| sums[k][l] += values[k]);
        }
    }
    for i in whole..n {
        let values = f(array(0.0, |k| vectors[k][i].to_f64()));
        (0..K).for_each(|k| sums[k][i - whole] += values[k]);
    }
    array(0.0, |k| sums[k].iter().sum())
}

/// Writes values to a row, or adds them to it.
#[inline(always)]
pub fn put<T: Float>(row: &mut [T], values: impl Iterator<Item = T>, add: bool) {
    if add {
        row.iter_mut().zip(values).for_each(|(to, v)| *to = to.add(v));
    } else {
        row.iter_mut().zip(values).for_each(|(to, v)| *to = v);
    }
}

/// Adds `weight` times `x` to `y`, element by element.
#[inline(always)]
pub fn add_scaled<T: Float>(y: &mut [T], x: &[T], weight: T) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y = y.add(weight.mul(x)));
}

/// Values whose powers are computed together: where the vector function does not hold for one, each is asked.
const CHUNK: usize = 64;

/// Makes the power `p` of each value.
pub fn raise<T: Float>(values: &mut [T], p: T) {
    vectorize_maths_on(
        values,
        #[inline(always)]
        |values| raised(Plain, values, p),
        #[inline(always)]
        |values| raised(Fused, values, p),
    );
}

/// Powers that are products, quotients or roots; whether `p` is one.
#[inline(always)]
fn raised_simply<T: Float>(values: &mut [T], p: f64) -> bool {
    if p == 2.0 {
        values.iter_mut().for_each(|v| *v = v.mul(*v));
    } else if p == 3.0 {
        values.iter_mut().for_each(|v| *v = v.mul(*v).mul(*v));
    } else if p == -1.0 {
        values.iter_mut().for_each(|v| *v = T::ONE.over(*v));
    } else if p == 0.5 {
        // a power knows no negative zero, and no sign of infinity
        values.iter_mut().for_each(|v| *v = if *v == T::LOWEST { T::HIGHEST } else { v.add(T::ZERO).root() });
    } else {
        return false;
    }
    true
}

#[inline(always)]
fn raised<T: Float, M: Arith>(m: M, values: &mut [T], p: T) {
    if raised_simply(values, p.to_f64()) {
        return;
    }
    // zeros are many behind a ReLU, and so are known here
    let known = p > T::ZERO;
    for values in values.chunks_mut(CHUNK) {
        if values.iter().fold(false, |any, v| any | (v.hard_pow(p) & !(known & (*v == T::ZERO)))) {
            values.iter_mut().for_each(|v| *v = if v.hard_pow(p) { v.pow(p) } else { v.vpow(p, m) });
        } else {
            values.iter_mut().for_each(|v| {
                let power = v.vpow(p, m);
                *v = if *v == T::ZERO { T::ZERO } else { power };
            });
        }
    }
}

/// Hands to `f(first place, made)`, some places at a time, what `of` makes of the values at each place, of vectors of one
/// length.
#[inline(always)]
pub fn in_parts<T: Float, const K: usize>(
    vectors: [&[T]; K],
    of: impl Fn([T; K]) -> T + Copy,
    mut f: impl FnMut(usize, &mut [T]),
) {
    let n = vectors.iter().map(|v| v.len()).min().unwrap_or(0);
    let mut room = [T::ZERO; CHUNK];
    for first in (0..n).step_by(CHUNK) {
        let part = &mut room[..CHUNK.min(n - first)];
        let from = vectors.map(|v| &v[first..first + part.len()]);
        for (i, to) in part.iter_mut().enumerate() {
            *to = of(from.map(|v| v[i]));
        }
        f(first, part);
    }
}

/// [`in_parts`], to the power of `p`.
#[inline(always)]
pub fn powers<T: Float, const K: usize>(
    vectors: [&[T]; K],
    of: impl Fn([T; K]) -> T + Copy,
    p: T,
    mut f: impl FnMut(usize, &[T]),
) {
    in_parts(
        vectors,
        of,
        #[inline(always)]
        |at, part| {
            raise(part, p);
            f(at, part);
        },
    );
}

/// The sum of the powers `p` of what `of` makes of the values at each place, of vectors of one length.
#[inline(always)]
pub fn sum_of_powers<T: Float, const K: usize>(vectors: [&[T]; K], of: impl Fn([T; K]) -> T + Copy, p: T) -> T {
    let mut sum = T::ZERO;
    powers(vectors, of, p, |_, part| sum = sum.add(sum_of([part], |[v]| v)));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_take_every_place_once() {
        for n in [0, 1, 15, 16, 17, 40] {
            let (x, y): (Vec<f64>, Vec<f64>) = (0..n).map(|i| (f64::from(i), f64::from(i % 3))).unzip();
            let want: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
            assert_eq!(sum_of([&x, &y], |[x, y]| x * y), want);
            assert_eq!(sums_of([&x, &y], |[x, y]| [x * y, y]), [want, y.iter().sum()]);
        }
    }

    #[test]
    fn powers_are_those_of_single_values() {
        for p in [2.0, 3.0, 0.5, 1.0, -1.0, 2.5, 1.0 / 3.0, -1.5, -3.0, 0.0] {
            for odd in [vec![], vec![0.0], vec![f64::NAN, -2.0], vec![f64::INFINITY, -0.0, 1e-310, f64::NEG_INFINITY]] {
                let mut x: Vec<f64> = (1..700).map(|i| f64::from(i % 97) / 11.0 + 0.01).collect();
                x.extend(odd);
                let want: Vec<f64> = x.iter().map(|v| v.powf(p)).collect();
                let mut found = vec![];
                powers(
                    [&x],
                    |[x]| x,
                    p,
                    |at, part| {
                        assert_eq!(at, found.len());
                        found.extend_from_slice(part);
                    },
                );
                let close = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-14 * b.abs();
                assert!(found.len() == x.len() && found.iter().zip(&want).all(|(a, b)| close(*a, *b)), "{p}");
                if x.len() < 701 {
                    let sum: f64 = want.iter().sum();
                    assert!((sum_of_powers([&x], |[x]| x, p) - sum).abs() <= 1e-10 * sum.abs() || !sum.is_finite());
                }
            }
        }
    }
}
