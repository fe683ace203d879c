//! Windows of planes as columns of a matrix, and back, in one to three dimensions.
//!
//! Row `((c kT + z) kH + y) kW + x` of the matrix holds, for every output position, the input value under position
//! `(z, y, x)` of the window in plane `c`; outside of the plane it is 0. Planes of two dimensions are three-dimensional
//! ones with one frame, those of one dimension also have one row.

use crate::demand;
use crate::nn::window::Step;
use crate::tensor::dtype::Real;
use crate::tensor::error::Result;
use std::ops::Range;

/// One dimension of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Input size.
    pub input: usize,
    /// Window size.
    pub kernel: usize,
    /// Distance between windows.
    pub stride: usize,
    /// Zeros before the input; negative where it is cropped.
    pub pad: isize,
    /// Distance between the positions of a window.
    pub dilation: usize,
    /// Number of windows.
    pub output: usize,
}

/// A dimension that is not there.
const NO_AXIS: Axis = Axis { input: 1, kernel: 1, stride: 1, pad: 0, dilation: 1, output: 1 };

/// Sizes of a convolution over one sample: planes of frames x rows x columns.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Input planes.
    pub planes: usize,
    axes: [Axis; 3],
}

impl Geometry {
    /// For input planes of these sizes (one to three) under these windows.
    ///
    /// # Errors
    /// Windows, strides or dilations below 1; sizes that leave no output position.
    pub fn new(planes: usize, sizes: &[usize], steps: &[Step]) -> Result<Geometry> {
        let mut outputs = vec![];
        for (&n, s) in sizes.iter().zip(steps) {
            s.check()?;
            outputs.push((n as i64 + 2 * s.pad - s.reach()).div_euclid(s.stride) + 1);
        }
        let list = |v: &[String]| v.join(" x ");
        let text = |v: &[i64]| list(&v.iter().map(i64::to_string).collect::<Vec<_>>());
        let of = |f: fn(&Step) -> i64| text(&steps.iter().map(f).collect::<Vec<_>>());
        demand!(
            planes > 0 && outputs.iter().all(|&o| o > 0),
            "Given input size: ({planes} x {}). Calculated output size: ({}). Output size is too small: \
             kernel {}, stride {}, padding {}, dilation {}",
            text(&sizes.iter().map(|&n| n as i64).collect::<Vec<_>>()),
            text(&outputs),
            of(|s| s.kernel),
            of(|s| s.stride),
            of(|s| s.pad),
            of(|s| s.dilation)
        );
        let mut axes = [NO_AXIS; 3];
        let first = axes.len() - sizes.len().min(3);
        for (((axis, &input), s), &output) in axes[first..].iter_mut().zip(sizes).zip(steps).zip(&outputs) {
            *axis = Axis {
                input,
                kernel: s.kernel as usize,
                stride: s.stride as usize,
                pad: s.pad as isize,
                dilation: s.dilation as usize,
                output: output as usize,
            };
        }
        Ok(Geometry { planes, axes })
    }

    /// For the transposed convolution: the convolution whose input gradient it computes. `sizes` are those of the
    /// transposed one's input, `extra` what is added at the end of each dimension of its output.
    ///
    /// # Errors
    /// As [`Geometry::new`]; `extra` that is negative or not below stride and dilation.
    pub fn transposed(planes: usize, sizes: &[usize], steps: &[Step], extra: &[i64]) -> Result<Geometry> {
        let mut outputs = vec![];
        for ((&n, s), &extra) in sizes.iter().zip(steps).zip(extra) {
            s.check()?;
            demand!(
                extra >= 0 && extra < s.stride.max(s.dilation),
                "output adjustment must be from 0 to below the stride {}, but got {extra}",
                s.stride
            );
            let size = (n as i64 - 1) * s.stride - 2 * s.pad + s.reach() + extra;
            demand!(
                n > 0 && size > 0,
                "Given input size {n}, kernel {}, stride {}, padding {}: output size {size} is too small",
                s.kernel,
                s.stride,
                s.pad
            );
            outputs.push(size as usize);
        }
        Geometry::new(planes, &outputs, steps)
    }

    /// Frames, rows, columns.
    pub fn axes(&self) -> [Axis; 3] {
        self.axes
    }
    /// Sizes of an input plane: frames, rows, columns.
    pub fn input(&self) -> [usize; 3] {
        self.axes.map(|a| a.input)
    }
    /// Sizes of an output plane: frames, rows, columns.
    pub fn output(&self) -> [usize; 3] {
        self.axes.map(|a| a.output)
    }
    /// Elements of a window in one plane.
    pub fn window_len(&self) -> usize {
        self.axes.iter().map(|a| a.kernel).product()
    }
    /// Rows of the matrix.
    pub fn rows(&self) -> usize {
        self.planes * self.window_len()
    }
    /// Columns of the matrix: elements of an output plane.
    pub fn pixels(&self) -> usize {
        self.output().iter().product()
    }
    /// Elements of one input plane.
    pub fn plane_len(&self) -> usize {
        self.input().iter().product()
    }
    /// Elements of a sample's input.
    pub fn input_len(&self) -> usize {
        self.planes * self.plane_len()
    }
    /// The same windows over another number of planes.
    pub fn with_planes(self, planes: usize) -> Geometry {
        Geometry { planes, ..self }
    }
    /// Whether the matrix is the input itself: windows of 1, strides of 1, no padding.
    pub fn is_plain(&self) -> bool {
        self.axes.iter().all(|a| a.kernel == 1 && a.stride == 1 && a.pad == 0)
    }

    /// Calls `f(row, column, input, length)` for each stretch of the matrix that lies in one output row:
    /// `input` is the position of its first element, `None` for a stretch of zeros.
    #[inline(always)]
    fn stretches(
        &self,
        rows: Range<usize>,
        at: usize,
        width: usize,
        mut f: impl FnMut(usize, usize, Option<usize>, usize),
    ) {
        let [az, ay, ax] = &self.axes;
        let first = rows.start;
        for r in rows {
            let (x, y) = (r % ax.kernel, r / ax.kernel % ay.kernel);
            let (z, c) = (r / ax.kernel / ay.kernel % az.kernel, r / self.window_len());
            let (lo, hi) = ax.inside(x);
            let mut col = 0;
            while col < width {
                let (line, ox) = ((at + col) / ax.output, (at + col) % ax.output);
                let n = (ax.output - ox).min(width - col);
                let row = az.under(line / ay.output, z).zip(ay.under(line % ay.output, y));
                let (a, b) = match row {
                    Some(_) => (lo.clamp(ox, ox + n), hi.clamp(ox, ox + n)),
                    None => (ox + n, ox + n),
                };
                f(r - first, col, None, a - ox);
                if let (Some((iz, iy)), true) = (row, b > a) {
                    let ix = (a * ax.stride) as isize + ax.shift(x);
                    let from = ((c * az.input + iz) * ay.input + iy) * ax.input + ix as usize;
                    f(r - first, col + a - ox, Some(from), b - a);
                }
                f(r - first, col + b.max(a) - ox, None, ox + n - b.max(a));
                col += n;
            }
        }
    }
}

impl Axis {
    /// The input position of window position `k` of the first window.
    #[inline(always)]
    fn shift(&self, k: usize) -> isize {
        (k * self.dilation) as isize - self.pad
    }

    /// The input position under position `k` of window `o`; none outside.
    #[inline(always)]
    fn under(&self, o: usize, k: usize) -> Option<usize> {
        let i = (o * self.stride) as isize + self.shift(k);
        (i >= 0 && i < self.input as isize).then_some(i as usize)
    }

    /// The windows `lo..hi` whose position `k` lies in the input.
    #[inline(always)]
    fn inside(&self, k: usize) -> (usize, usize) {
        let shift = self.shift(k);
        let lo = ((-shift).max(0) as usize).div_ceil(self.stride).min(self.output);
        let end = self.input as isize - shift;
        let hi = if end <= 0 { 0 } else { (end as usize).div_ceil(self.stride).min(self.output) };
        (lo, hi.max(lo))
    }
}

/// Writes rows `rows` of columns `at..at + width` into `cols`, without gaps. `input` is a sample, or the planes from
/// `plane` on.
pub fn unfold<T: Real>(
    g: &Geometry,
    (input, plane): (&[T], usize),
    rows: Range<usize>,
    at: usize,
    width: usize,
    cols: &mut [T],
) {
    let (before, step) = (plane * g.plane_len(), g.axes[2].stride);
    g.stretches(rows, at, width, |r, col, from, n| {
        let to = &mut cols[r * width + col..][..n];
        match from {
            None => to.fill(T::ZERO),
            Some(from) if step == 1 => to.copy_from_slice(&input[from - before..][..n]),
            Some(from) => to.iter_mut().zip(input[from - before..].iter().step_by(step)).for_each(|(to, v)| *to = *v),
        }
    });
}

/// Adds rows `rows` of columns `at..at + width` to the input positions that they were taken from. `input` is a sample, or
/// the planes from `plane` on.
pub fn fold<T: Real>(
    g: &Geometry,
    (input, plane): (&mut [T], usize),
    rows: Range<usize>,
    at: usize,
    width: usize,
    cols: &[T],
) {
    let (before, step) = (plane * g.plane_len(), g.axes[2].stride);
    g.stretches(rows, at, width, |r, col, to, n| {
        let Some(to) = to else { return };
        let from = &cols[r * width + col..][..n];
        if step == 1 {
            input[to - before..][..n].iter_mut().zip(from).for_each(|(to, v)| *to = to.add(*v));
        } else {
            input[to - before..].iter_mut().step_by(step).zip(from).for_each(|(to, v)| *to = to.add(*v));
        }
    });
}
