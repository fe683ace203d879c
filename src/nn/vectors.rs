//! Loops over vectors that several families of kernels share. They are to be inlined into a loop that
//! [`vectorize`](crate::tensor::simd::vectorize) compiles.

use crate::tensor::dtype::Float;

/// Partial sums, so that additions do not wait for one another.
pub const LANES: usize = 16;

/// The sum of what `f` makes of the values at each place, of vectors of one length.
#[inline(always)]
pub fn sum_of<T: Float, const K: usize>(vectors: [&[T]; K], f: impl Fn([T; K]) -> T + Copy) -> T {
    let n = vectors.iter().map(|v| v.len()).min().unwrap_or(0);
    let whole = n / LANES * LANES;
    let mut sums = [T::ZERO; LANES];
    for at in (0..whole).step_by(LANES) {
        let parts = vectors.map(|v| &v[at..at + LANES]);
        for (l, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(f(parts.map(|p| p[l])));
        }
    }
    let rest = vectors.map(|v| &v[whole..n]);
    let mut sum = T::ZERO;
    for i in 0..n - whole {
        sum = sum.add(f(rest.map(|p| p[i])));
    }
    sums.into_iter().fold(sum, T::add)
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
        let parts = vectors.map(|v| &v[at..at + LANES]);
        for l in 0..LANES {
            let values = f(parts.map(|p| p[l].to_f64()));
            (0..K).for_each(|k| sums[k][l] += values[k]);
        }
    }
    let rest = vectors.map(|v| &v[whole..n]);
    for i in 0..n - whole {
        let values = f(rest.map(|p| p[i].to_f64()));
        (0..K).for_each(|k| sums[k][i] += values[k]);
    }
    sums.map(|lanes| lanes.iter().sum())
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
}
