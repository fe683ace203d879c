//! Outputs whose elements are elements of the input, chosen for each dimension apart: what padding and repeating are.

use super::pooling::planes_of;
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source, Workspace, share_rows};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::layout::shape_text;
use crate::tensor::memory_limit;
use crate::tensor::simd::vectorize;
use std::ops::Range;

/// One dimension.
struct Axis {
    /// Input size.
    input: usize,
    /// The input position of each output position.
    from: Workspace<i64>,
    /// Output positions whose input positions follow one another.
    run: Range<usize>,
    /// How often each input position is repeated, side by side, where all of them are equally often; otherwise 0.
    repeats: usize,
}

/// Calls `$f::<N>` with the number of repetitions, 2 to 4; the last is for other numbers.
macro_rules! repeated {
    ($n:expr, $f:ident($($arg:expr),*), $other:expr) => {
        match $n {
            2 => vectorize(#[inline(always)] || $f::<T, 2>($($arg),*)),
            3 => vectorize(#[inline(always)] || $f::<T, 3>($($arg),*)),
            4 => vectorize(#[inline(always)] || $f::<T, 4>($($arg),*)),
            _ => $other,
        }
    };
}

/// Every element of a line `N` times.
#[inline(always)]
fn repeat<T: Float, const N: usize>(x: &[T], y: &mut [T]) {
    y.as_chunks_mut::<N>().0.iter_mut().zip(x).for_each(|(y, x)| *y = [*x; N]);
}

/// Adds to every element of a line those of its `N` repetitions, one after another.
#[inline(always)]
fn add_repeated<T: Float, const N: usize>(g: &[T], to: &mut [T]) {
    to.iter_mut().zip(g.as_chunks::<N>().0).for_each(|(to, g)| *to = g.iter().fold(*to, |sum, g| sum.add(*g)));
}

impl Axis {
    fn new(input: usize, output: usize, position: impl Fn(usize) -> usize) -> Result<Axis> {
        let mut from = Workspace::new(output)?;
        from.iter_mut().enumerate().for_each(|(o, from)| *from = position(o) as i64);
        let (mut run, mut start) = (0..0, 0);
        for end in 1..=output {
            if end == output || from[end] != from[end - 1] + 1 {
                if end - start > run.len() {
                    run = start..end;
                }
                start = end;
            }
        }
        let repeats = output / input.max(1);
        let even = output == repeats * input && from.iter().enumerate().all(|(o, &at)| at as usize == o / repeats);
        Ok(Axis { input, from, run, repeats: if even { repeats } else { 0 } })
    }

    fn at(&self, o: usize) -> usize {
        self.from[o] as usize
    }
}

/// The positions of an output: planes of frames, rows and columns.
pub struct Positions {
    axes: [Axis; 3],
    sizes: Vec<usize>,
}

impl Positions {
    /// Those of the last `dims` dimensions of an input, which has one more or two with a batch. `size(i, n)` gives the
    /// output size of dimension `i`, whose input size is n, and `position(i, n, o)` the input position, below n, of
    /// output position `o`.
    ///
    /// # Errors
    /// Another number of dimensions, those of `size`, not enough memory.
    pub fn new(
        input: &Tensor,
        dims: usize,
        size: impl Fn(usize, usize) -> Result<usize>,
        position: impl Fn(usize, usize, usize) -> usize,
    ) -> Result<Positions> {
        let planes = planes_of(input, dims)?;
        let layout = input.layout();
        let mut sizes = layout.sizes().to_vec();
        for i in 0..dims {
            sizes[planes + i] = size(i, sizes[planes + i])?;
        }
        memory_limit::demand::<f32>(&sizes)?;
        let axis = |i: usize| {
            let Some(i) = (i + dims).checked_sub(3) else { return Axis::new(1, 1, |_| 0) };
            let n = layout.sizes()[planes + i];
            Axis::new(n, sizes[planes + i], |o| position(i, n, o).min(n.saturating_sub(1)))
        };
        let axes = [axis(0)?, axis(1)?, axis(2)?];
        Ok(Positions { axes, sizes })
    }

    fn plane(&self) -> usize {
        self.axes.iter().map(|a| a.input).product()
    }
    fn rows(&self) -> usize {
        self.axes[0].from.len() * self.axes[1].from.len()
    }

    /// Plane and first input position of output row `r`.
    fn line(&self, r: usize) -> (usize, usize) {
        let [az, ay, ax] = &self.axes;
        let (z, y) = (az.at(r % self.rows() / ay.from.len()), ay.at(r % ay.from.len()));
        (r / self.rows(), (z * ay.input + y) * ax.input)
    }

    /// Writes the output.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn forward<T: Float>(&self, input: &Tensor, output: &Tensor) -> Result<()> {
        let x = Source::<T>::of(input)?;
        let mut y = Dest::<T>::new(output, &self.sizes)?;
        let columns = &self.axes[2];
        let (width, run) = (columns.from.len(), columns.run.clone());
        share_rows(&mut y, width, width, |first, rows| {
            let mut last: Option<((usize, usize), &[T])> = None;
            for (r, y) in (first..).zip(rows.chunks_mut(width)) {
                let line = self.line(r);
                if let Some((_, same)) = last.filter(|(of, _)| *of == line) {
                    y.copy_from_slice(same);
                    continue;
                }
                let x = &x[line.0 * self.plane() + line.1..][..columns.input];
                repeated!(columns.repeats, repeat(x, y), {
                    for at in [0..run.start, run.end..width] {
                        y[at.clone()].iter_mut().zip(&columns.from[at]).for_each(|(y, &from)| *y = x[from as usize]);
                    }
                    if let Some(y) = y.get_mut(run.clone()).filter(|y| !y.is_empty()) {
                        y.copy_from_slice(&x[columns.at(run.start)..][..run.len()]);
                    }
                });
                last = Some((line, y));
            }
        });
        Ok(())
    }

    /// The gradient of the input: every element gets the sum of the gradients of the positions that it went to.
    ///
    /// # Errors
    /// A gradOutput of another size than the output, not enough memory.
    pub fn backward<T: Float>(&self, input: &Tensor, grad_output: &Tensor, grad_input: &Tensor) -> Result<()> {
        demand!(
            grad_output.has_sizes(&self.sizes),
            "gradOutput of size {} expected, got {}",
            shape_text(&self.sizes),
            grad_output.shape_text()
        );
        let go = Source::<T>::of(grad_output)?;
        let mut gi = Dest::<T>::like(grad_input, input)?;
        let (columns, len, rows) = (&self.axes[2], self.plane(), self.rows());
        let width = columns.from.len();
        share_rows(&mut gi, len, len + rows * width, |first, planes| {
            for (plane, gi) in (first..).zip(planes.chunks_mut(len)) {
                gi.fill(T::ZERO);
                for r in plane * rows..(plane + 1) * rows {
                    let (_, base) = self.line(r);
                    let (go, gi) = (&go[r * width..][..width], &mut gi[base..][..columns.input]);
                    repeated!(columns.repeats, add_repeated(go, gi), {
                        for (&g, &to) in go.iter().zip(columns.from.iter()) {
                            let to = &mut gi[to as usize];
                            *to = to.add(g);
                        }
                    });
                }
            }
        });
        Ok(())
    }
}
