//! The windows of a pooling, in one to three dimensions: regular ones, those that divide the input evenly (adaptive), and
//! those that a random number places (fractional). Kernels see only where each window lies.

use crate::demand;
use crate::nn::window::Step;
use crate::tensor::Tensor;
use crate::tensor::access::Workspace;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::layout::shape_text;
use std::ops::Range;

/// One window along a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The input position of its first element, which may lie in the padding.
    pub origin: i64,
    /// Its first position inside of the input.
    pub start: usize,
    /// After its last position inside of the input.
    pub end: usize,
    /// How many positions it has, padding included; below 0 where it begins after the padding.
    pub full: i64,
}

impl Span {
    fn new([origin, start, end, full]: [i64; 4]) -> Span {
        Span { origin, start: start as usize, end: end as usize, full }
    }

    /// The positions inside of the input, of windows without gaps.
    #[inline(always)]
    pub fn inside(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// The windows along one dimension.
pub struct Axis {
    /// Input size.
    pub input: usize,
    /// Number of windows.
    pub output: usize,
    /// Distance between the positions of a window.
    pub step: usize,
    /// The windows as origin, start, end, full size: for all planes together, or for one plane after another.
    spans: Workspace<i64>,
}

impl Axis {
    /// Windows as `span(i)` gives them: `[origin, start, end, full size]`.
    fn new(input: usize, output: usize, step: usize, span: impl Fn(usize) -> [i64; 4]) -> Result<Axis> {
        let mut spans = Workspace::new(output.saturating_mul(4))?;
        spans.as_chunks_mut::<4>().0.iter_mut().enumerate().for_each(|(i, s)| *s = span(i));
        Ok(Axis { input, output, step, spans })
    }

    /// A dimension that is not pooled: each of its positions is a window.
    pub fn whole(input: usize) -> Result<Axis> {
        Axis::new(input, input, 1, |i| [i as i64, i as i64, i as i64 + 1, 1])
    }

    /// `output` windows over `input` positions.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn regular(input: usize, output: usize, s: Step) -> Result<Axis> {
        let (n, reach) = (input as i64, s.reach());
        Axis::new(input, output, s.dilation.max(1) as usize, |i| {
            let origin = i as i64 * s.stride - s.pad;
            // the first position inside, in steps of the dilation
            let start = origin + divided_up((-origin).max(0), s.dilation) * s.dilation;
            let start = start.clamp(0, n);
            let end = (origin + reach).clamp(start, n);
            [origin, start, end, (origin + s.kernel).min(n + s.pad) - origin]
        })
    }

    /// `output` windows that divide the input evenly; `bounds(i)` gives start and end of window `i`.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn adaptive(input: usize, output: usize, bounds: impl Fn(usize) -> [usize; 2]) -> Result<Axis> {
        Axis::new(input, output, 1, |i| {
            let [start, end] = bounds(i);
            let start = start.min(input.saturating_sub(1));
            let end = end.clamp(start + 1, input.max(start + 1));
            [start, start, end, end - start].map(|v| v as i64)
        })
    }

    /// Windows of `size` positions for each plane, at distances that the plane's random number places (Graham 2014).
    ///
    /// # Errors
    /// Not enough memory.
    pub fn fractional<T: Float>(input: usize, output: usize, size: usize, samples: &[T]) -> Result<Axis> {
        let last = input - size;
        let alpha = if output > 1 { last as f64 / (output - 1) as f64 } else { 0.0 };
        // in the precision of the input, as the samples are
        let place = |k: usize, u: T| T::from_f64(k as f64).add(u).mul(T::from_f64(alpha)).to_f64().floor() as i64;
        let mut axis = Axis::new(input, output.saturating_mul(samples.len()), 1, |i| {
            let (plane, k) = (i / output, i % output);
            let u = samples[plane];
            let start = if k + 1 == output { last as i64 } else { place(k, u).saturating_sub(place(0, u)) };
            let start = start.clamp(0, last as i64);
            [start, start, start + size as i64, size as i64]
        })?;
        axis.output = output;
        Ok(axis)
    }

    /// The windows of a plane; [`Axis::span`] reads one.
    #[inline(always)]
    pub fn spans(&self, plane: usize) -> &[[i64; 4]] {
        let all = self.spans.as_chunks::<4>().0;
        if all.len() > self.output { &all[plane * self.output..][..self.output] } else { all }
    }

    /// Window `i` of a plane.
    #[inline(always)]
    pub fn span(&self, plane: usize, i: usize) -> Span {
        Span::new(self.spans(plane)[i])
    }
}

/// Rounded towards plus infinity.
fn divided_up(v: i64, by: i64) -> i64 {
    -(-v).div_euclid(by)
}

/// What a pooling does with each dimension, and the sizes of its output.
pub struct Plan {
    /// Frames, rows, columns.
    pub axes: [Axis; 3],
    /// Planes of all samples.
    pub planes: usize,
    /// Sizes of the output tensor.
    pub sizes: Vec<usize>,
}

impl Plan {
    /// A plan for the last `steps.len()` dimensions of an input that has one more, or two with a batch.
    ///
    /// # Errors
    /// Sizes and windows that do not fit.
    pub fn regular(input: &Tensor, steps: &[Step], ceil: bool) -> Result<Plan> {
        let planes = planes_of(input, steps.len())?;
        let layout = input.layout();
        let sizes = &layout.sizes()[planes..];
        let mut outputs = vec![];
        for (&n, s) in sizes.iter().zip(steps) {
            outputs.push(output_size(n, *s, ceil)?);
        }
        demand!(
            outputs.iter().all(|&o| o > 0),
            "Given input size {}, kernel {}, stride {}, padding {}, dilation {}: output size {} is too small",
            shape_text(sizes),
            listed(steps, |s| s.kernel),
            listed(steps, |s| s.stride),
            listed(steps, |s| s.pad),
            listed(steps, |s| s.dilation),
            listed(&outputs, |&o| o)
        );
        Plan::of(input, planes, |i, n| Axis::regular(n, outputs[i] as usize, steps[i]))
    }

    /// A plan for the dimensions after the first `planes` ones; `axis(i, size)` makes those of dimension `i` after them.
    ///
    /// # Errors
    /// Those of `axis`.
    pub fn of(input: &Tensor, planes: usize, mut axis: impl FnMut(usize, usize) -> Result<Axis>) -> Result<Plan> {
        let mut sizes = input.layout().sizes().to_vec();
        let absent = 3 - (sizes.len() - planes);
        let mut made = |i: usize| {
            if i < absent {
                return Axis::whole(1);
            }
            let d = planes + i - absent;
            let made = axis(i - absent, sizes[d])?;
            sizes[d] = made.output;
            Ok(made)
        };
        let axes = [made(0)?, made(1)?, made(2)?];
        Ok(Plan { axes, planes: sizes[..planes].iter().product(), sizes })
    }

    /// Elements of an input plane.
    pub fn plane(&self) -> usize {
        self.axes.iter().map(|a| a.input).product()
    }
    /// Elements of an output plane.
    pub fn out_plane(&self) -> usize {
        self.axes.iter().map(|a| a.output).product()
    }
    /// Elements of the output.
    pub fn len(&self) -> usize {
        self.planes * self.out_plane()
    }
    /// Columns of the output.
    pub fn width(&self) -> usize {
        self.axes[2].output
    }
    /// What an output row costs.
    pub fn row_cost(&self) -> usize {
        self.plane_cost() / (self.axes[0].output * self.axes[1].output).max(1)
    }
    /// What a plane costs.
    pub fn plane_cost(&self) -> usize {
        self.plane() + self.out_plane() * 4
    }
    /// The plane, frame and row of output row `r`.
    #[inline(always)]
    pub fn place(&self, r: usize) -> [usize; 3] {
        let [z, y, _] = &self.axes;
        [r / (z.output * y.output), r / y.output % z.output, r % y.output]
    }

    /// The plane, frame and row of the output row after that one.
    #[inline(always)]
    pub fn after(&self, [plane, z, y]: [usize; 3]) -> [usize; 3] {
        match (y + 1 < self.axes[1].output, z + 1 < self.axes[0].output) {
            (true, _) => [plane, z, y + 1],
            (false, true) => [plane, z + 1, 0],
            (false, false) => [plane + 1, 0, 0],
        }
    }

    /// Calls `f(first position)` for every input row under an output row.
    #[inline(always)]
    pub fn lines(&self, [plane, oz, oy]: [usize; 3], mut f: impl FnMut(usize)) {
        let [az, ay, ax] = &self.axes;
        let (frames, rows) = (az.span(plane, oz), ay.span(plane, oy));
        for z in frames.inside().step_by(az.step) {
            for y in rows.inside().step_by(ay.step) {
                f((z * ay.input + y) * ax.input);
            }
        }
    }

    /// Demands a tensor of the output's sizes.
    ///
    /// # Errors
    /// Another size.
    pub fn check(&self, what: &str, t: &Tensor) -> Result<()> {
        demand!(
            t.has_sizes(&self.sizes),
            "{what} of size {} expected, got {}",
            shape_text(&self.sizes),
            t.shape_text()
        );
        Ok(())
    }
}

/// How many dimensions come before the pooled ones: planes, and a batch.
///
/// # Errors
/// Another number of dimensions.
pub fn planes_of(input: &Tensor, pooled: usize) -> Result<usize> {
    let nd = input.ndim();
    demand!(
        (nd == pooled + 1 || nd == pooled + 2) && input.numel() > 0,
        "{}D or {}D (batch mode) tensor expected for input, got {}",
        pooled + 1,
        pooled + 2,
        input.shape_text()
    );
    Ok(nd - pooled)
}

/// How many windows there are.
fn output_size(n: usize, s: Step, ceil: bool) -> Result<i64> {
    s.check()?;
    demand!(
        s.pad >= 0 && s.kernel / 2 >= s.pad,
        "pad should be smaller than half of kernel size, but got {} of {}",
        s.pad,
        s.kernel
    );
    let n = n as i64;
    let free = n + 2 * s.pad - s.reach();
    let out = if ceil { divided_up(free, s.stride) } else { free.div_euclid(s.stride) } + 1;
    // the last window starts inside of the input or its left padding
    Ok(if s.pad > 0 && (out - 1) * s.stride >= n + s.pad { out - 1 } else { out })
}

fn listed<V>(values: &[V], f: impl Fn(&V) -> i64) -> String {
    values.iter().map(|v| f(v).to_string()).collect::<Vec<_>>().join(" x ")
}
