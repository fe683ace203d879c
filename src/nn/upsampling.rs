//! Larger planes, or volumes: elements are repeated, or interpolated linearly with the corners in their place. Input:
//! planes (C x H x W), volumes (C x T x H x W), or a batch of either.

use super::pooling::planes_of;
use super::positions::Positions;
use super::vectors::{add_scaled, put};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, try_share};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::layout::shape_text;
use crate::tensor::memory_limit;
use crate::tensor::ops::copy::copy;
use crate::tensor::simd::vectorize;

/// The positions of an input of which each of the last `dims` dimensions is `factor` times as large.
fn repeated(input: &Tensor, dims: i64, factor: i64) -> Result<Positions> {
    demand!((1..=3).contains(&dims), "1 to 3 dimensions to repeat expected, got {dims}");
    demand!(factor > 1 && factor < 1 << 31, "the scale factor should be greater than 1, but got {factor}");
    let factor = factor as usize;
    Positions::new(input, dims as usize, |_, n| Ok(n.saturating_mul(factor)), |_, _, o| o / factor)
}

/// Every element `factor` times in each of the last `dims` dimensions.
///
/// # Errors
/// Another number of dimensions, a factor of 1 or less.
pub fn nearest<T: Float>(input: &Tensor, output: &Tensor, dims: i64, factor: i64) -> Result<()> {
    repeated(input, dims, factor)?.forward::<T>(input, output)
}

/// Backward of [`nearest`].
///
/// # Errors
/// Sizes that do not fit.
pub fn nearest_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    dims: i64,
    factor: i64,
) -> Result<()> {
    repeated(input, dims, factor)?.backward::<T>(input, grad_output, grad_input)
}

/// One dimension: the two input positions of each output position, and their weights.
struct Axis<T> {
    input: usize,
    output: usize,
    /// Whether nothing changes; then the first position alone counts.
    same: bool,
    positions: Workspace<i64>,
    weights: Workspace<T>,
}

impl<T: Float> Axis<T> {
    fn new(input: usize, output: usize) -> Result<Axis<T>> {
        let (mut positions, mut weights) = (Workspace::new(output * 2)?, Workspace::new(output * 2)?);
        // single precision, as in Torch7
        let ratio = if output > 1 { (input - 1) as f32 / (output - 1) as f32 } else { 0.0 };
        let pairs = positions.as_chunks_mut::<2>().0.iter_mut().zip(weights.as_chunks_mut::<2>().0);
        for (o, (at, w)) in pairs.enumerate() {
            let place = ratio * o as f32;
            let first = (place as usize).min(input - 1);
            let part = T::from_f64((place - first as f32) as f64);
            *at = [first as i64, (first + 1).min(input - 1) as i64];
            *w = [T::ONE.sub(part), part];
        }
        Ok(Axis { input, output, same: input == output, positions, weights })
    }

    /// The interpolations of a line.
    #[inline(always)]
    fn gather(&self, line: &[T], y: &mut [T]) {
        if self.same {
            return y.copy_from_slice(line);
        }
        let pairs = self.positions.as_chunks::<2>().0.iter().zip(self.weights.as_chunks::<2>().0);
        for (y, (at, w)) in y.iter_mut().zip(pairs) {
            *y = line[at[0] as usize].mul(w[0]).add(line[at[1] as usize].mul(w[1]));
        }
    }

    /// The gradient of a line from those of its interpolations.
    #[inline(always)]
    fn spread(&self, g: &[T], line: &mut [T]) {
        if self.same {
            return line.copy_from_slice(g);
        }
        line.fill(T::ZERO);
        let pairs = self.positions.as_chunks::<2>().0.iter().zip(self.weights.as_chunks::<2>().0);
        for (g, (at, w)) in g.iter().zip(pairs) {
            for (at, w) in at.iter().zip(w) {
                let to = &mut line[*at as usize];
                *to = to.add(g.mul(*w));
            }
        }
    }

    #[inline(always)]
    fn taps(&self, o: usize) -> impl Iterator<Item = (usize, T)> + Clone {
        let (at, w) = (&self.positions[2 * o..][..2], &self.weights[2 * o..][..2]);
        let n = if self.same { 1 } else { 2 };
        [(at[0] as usize, w[0]), (at[1] as usize, w[1])].into_iter().take(n)
    }
}

/// An interpolation: frames, rows, columns.
struct Interpolation<T> {
    axes: [Axis<T>; 3],
    sizes: Vec<usize>,
}

impl<T: Float> Interpolation<T> {
    fn new(input: &Tensor, wanted: &[i64]) -> Result<Interpolation<T>> {
        let planes = planes_of(input, wanted.len())?;
        let fits = |n: i64| n > 0 && n < 1 << 31;
        demand!(wanted.iter().all(|&n| fits(n)), "output sizes of at least 1 expected, got {wanted:?}");
        let layout = input.layout();
        let mut sizes = layout.sizes().to_vec();
        sizes[planes..].iter_mut().zip(wanted).for_each(|(n, &wanted)| *n = wanted as usize);
        memory_limit::demand::<T>(&sizes)?;
        let axis = |i: usize| {
            let Some(i) = (i + wanted.len()).checked_sub(3) else { return Axis::new(1, 1) };
            Axis::new(layout.sizes()[planes + i], sizes[planes + i])
        };
        let axes = [axis(0)?, axis(1)?, axis(2)?];
        Ok(Interpolation { axes, sizes })
    }

    fn same(&self) -> bool {
        self.axes.iter().all(|a| a.same)
    }
    fn plane(&self) -> usize {
        self.axes.iter().map(|a| a.input).product()
    }
    fn rows(&self) -> usize {
        self.axes[0].output * self.axes[1].output
    }

    /// Calls `f(first position, weight)` for the input rows of row `r` of a plane.
    #[inline(always)]
    fn lines(&self, r: usize, mut f: impl FnMut(usize, T)) {
        let [az, ay, ax] = &self.axes;
        for (z, wz) in az.taps(r / ay.output) {
            for (y, wy) in ay.taps(r % ay.output) {
                f((z * ay.input + y) * ax.input, wz.mul(wy));
            }
        }
    }

    fn forward(&self, input: &Tensor, output: &Tensor) -> Result<()> {
        if self.same() {
            output.resize_as(input)?;
            return copy(output, input);
        }
        let x = Source::<T>::of(input)?;
        let mut y = Dest::<T>::new(output, &self.sizes)?;
        let (len, columns, width) = (self.plane(), &self.axes[2], self.axes[2].output);
        try_share(Rows::new(&mut y, width), width * 4 + columns.input * 4, |first, rows| {
            // the lines between which a row lies, interpolated
            let mut line = Workspace::<T>::new(columns.input)?;
            for (r, y) in (first..).zip(rows.into_rows()) {
                let x = &x[r / self.rows() * len..][..len];
                vectorize(
                    #[inline(always)]
                    || {
                        let mut add = false;
                        self.lines(r % self.rows(), |base, w| {
                            put(&mut line, x[base..][..columns.input].iter().map(|x| x.mul(w)), add);
                            add = true;
                        });
                        columns.gather(&line, y);
                    },
                );
            }
            Ok(())
        })
    }

    fn backward(&self, input: &Tensor, grad_output: &Tensor, grad_input: &Tensor) -> Result<()> {
        demand!(
            grad_output.has_sizes(&self.sizes),
            "gradOutput of size {} expected, got {}",
            shape_text(&self.sizes),
            grad_output.shape_text()
        );
        if self.same() {
            grad_input.resize_as(input)?;
            return copy(grad_input, grad_output);
        }
        let go = Source::<T>::of(grad_output)?;
        let mut gi = Dest::<T>::like(grad_input, input)?;
        let (len, columns, width, rows) = (self.plane(), &self.axes[2], self.axes[2].output, self.rows());
        try_share(Rows::new(&mut gi, len), len + rows * width * 8, |first, planes| {
            let mut line = Workspace::<T>::new(columns.input)?;
            for (plane, gi) in (first..).zip(planes.into_rows()) {
                gi.fill(T::ZERO);
                for r in 0..rows {
                    vectorize(
                        #[inline(always)]
                        || {
                            columns.spread(&go[(plane * rows + r) * width..][..width], &mut line);
                            self.lines(r, |base, w| add_scaled(&mut gi[base..][..columns.input], &line, w));
                        },
                    );
                }
            }
            Ok(())
        })
    }
}

/// Planes of this size by linear interpolation in both dimensions.
///
/// # Errors
/// Sizes that do not fit.
pub fn bilinear<T: Float>(input: &Tensor, output: &Tensor, height: i64, width: i64) -> Result<()> {
    Interpolation::<T>::new(input, &[height, width])?.forward(input, output)
}

/// Backward of [`bilinear`].
///
/// # Errors
/// Sizes that do not fit.
pub fn bilinear_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    height: i64,
    width: i64,
) -> Result<()> {
    Interpolation::<T>::new(input, &[height, width])?.backward(input, grad_output, grad_input)
}

/// Volumes of this size by linear interpolation in all three dimensions.
///
/// # Errors
/// Sizes that do not fit.
pub fn trilinear<T: Float>(input: &Tensor, output: &Tensor, depth: i64, height: i64, width: i64) -> Result<()> {
    Interpolation::<T>::new(input, &[depth, height, width])?.forward(input, output)
}

/// Backward of [`trilinear`].
///
/// # Errors
/// Sizes that do not fit.
pub fn trilinear_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    depth: i64,
    height: i64,
    width: i64,
) -> Result<()> {
    Interpolation::<T>::new(input, &[depth, height, width])?.backward(input, grad_output, grad_input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::gradient_tests::{agrees, empty, probe, scattered, values};

    #[test]
    fn elements_are_repeated() {
        let (x, y, gi) = (scattered(12, &[2, 2, 3]), empty(), empty());
        nearest::<f64>(&x, &y, 2, 3).unwrap();
        assert_eq!(y.layout().sizes(), [2, 6, 9]);
        let (xv, yv) = (values(&x), values(&y));
        for (i, y) in yv.iter().enumerate() {
            let (plane, row, column) = (i / 54, i / 9 % 6, i % 9);
            assert_eq!(*y, xv[(plane * 2 + row / 3) * 3 + column / 3]);
        }
        nearest_grad::<f64>(&x, &y, &gi, 2, 3).unwrap();
        assert!(values(&gi).iter().zip(xv).all(|(g, x)| (g - 9.0 * x).abs() < 1e-12));
        assert!(nearest::<f64>(&x, &y, 2, 1).is_err());
    }

    #[test]
    fn interpolations_keep_corners_and_planes() {
        // a function that is linear in each index is kept by linear interpolation
        for [d, h, w] in [[5, 3, 7], [1, 2, 3], [2, 2, 2], [3, 9, 1]] {
            let x = Tensor::new(crate::tensor::dtype::DType::Double, &[1, 3, 2, 4]).unwrap();
            for i in 0..24 {
                x.set_element(i, (i / 8) as f64 + 10.0 * (i / 4 % 2) as f64 - 3.0 * (i % 4) as f64);
            }
            let (y, gi) = (empty(), empty());
            trilinear::<f64>(&x, &y, d, h, w).unwrap();
            let at = |o: usize, n: i64, input: f64| if n > 1 { o as f64 * (input - 1.0) / (n - 1) as f64 } else { 0.0 };
            for (i, y) in values(&y).into_iter().enumerate() {
                let (du, hu, wu) = (d as usize, h as usize, w as usize);
                let want = at(i / wu / hu % du, d, 3.0) + 10.0 * at(i / wu % hu, h, 2.0) - 3.0 * at(i % wu, w, 4.0);
                assert!((y - want).abs() < 1e-5, "{d} {h} {w}: {y} {want}");
            }
            let g = scattered(y.numel(), y.layout().sizes());
            trilinear_grad::<f64>(&x, &g, &gi, d, h, w).unwrap();
            agrees("trilinear", &x, &gi, |x| {
                let y = empty();
                trilinear::<f64>(x, &y, d, h, w).map(|()| probe(&y, &g))
            });
        }
    }
}
