//! Sums over windows, which averages and subsamplings are made from: first the rows under a row of windows are added up,
//! which fills vectors whatever the windows look like, then what lies side by side. The gradient goes the other way.

use super::window::{Axis, Plan};
use crate::nn::vectors::put;
use crate::tensor::access::{Rows, Workspace, try_share};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;

/// The windows along a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Across {
    /// Each position is one.
    Whole,
    /// Each begins, from this position on, where the one before ends.
    Tiles { first: usize, width: usize },
    /// Most are equally wide, and `stride` positions apart, which is 1 or 2; those at the edges may not be.
    Even(Even),
    /// Any.
    Any,
}

/// Windows in a row that are equally wide and equally far apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Even {
    /// The first of them and the one after the last.
    windows: [usize; 2],
    /// Where the first of them starts.
    start: usize,
    width: usize,
    stride: usize,
}

/// Windows that are summed up side by side.
const LANES: usize = 8;

impl Even {
    fn among(axis: &Axis, spans: &[[i64; 4]]) -> Option<Even> {
        let size = |s: &[i64; 4]| s[2] - s[1];
        let width = spans.iter().map(size).max()?;
        let first = spans.iter().position(|s| size(s) == width)?;
        let n = spans[first..].iter().take_while(|s| size(s) == width).count();
        let some = &spans[first..first + n];
        let stride = some.get(1)?[1] - some[0][1];
        let even = some.windows(2).all(|w| w[1][1] - w[0][1] == stride);
        let fits = axis.step == 1 && even && (1..=2).contains(&stride) && width > 0 && n >= LANES;
        let even = Even {
            windows: [first, first + n],
            start: some[0][1] as usize,
            width: width as usize,
            stride: stride as usize,
        };
        fits.then_some(even)
    }

    /// The sums of these windows, [`LANES`] at a time; the last ones may be some of those before once more.
    #[inline(always)]
    fn gather<T: Float, const S: usize>(self, row: &[T], y: &mut [T]) {
        let y = &mut y[self.windows[0]..self.windows[1]];
        let last = y.len() - LANES;
        for first in (0..y.len()).step_by(LANES) {
            let first = first.min(last);
            let mut sums = [T::ZERO; LANES];
            for column in 0..self.width {
                let v = &row[self.start + first * S + column..][..(LANES - 1) * S + 1];
                for i in 0..LANES {
                    sums[i] = sums[i].add(v[i * S]);
                }
            }
            y[first..first + LANES].copy_from_slice(&sums);
        }
    }

    /// Adds to each position of a row the values of these windows, 1 apart, the first one's first.
    #[inline(always)]
    fn spread<T: Float>(self, values: &[T], row: &mut [T]) {
        let values = &values[self.windows[0]..self.windows[1]];
        for column in (0..self.width).rev() {
            row[self.start + column..].iter_mut().zip(values).for_each(|(to, v)| *to = to.add(*v));
        }
    }
}

impl Across {
    /// Those of a plane.
    fn of(axis: &Axis, plane: usize) -> Across {
        let spans = axis.spans(plane);
        let Some(&[_, first, end, _]) = spans.first() else { return Across::Any };
        let width = end - first;
        let tile = |(i, s): (usize, &[i64; 4])| s[1] == first + i as i64 * width && s[2] - s[1] == width;
        if width < 1 || width > 1 && axis.step > 1 || !spans.iter().enumerate().all(tile) {
            return Even::among(axis, spans).map_or(Across::Any, Across::Even);
        }
        match (first, width) {
            (0, 1) if axis.input == axis.output => Across::Whole,
            (first, width) => Across::Tiles { first: first as usize, width: width as usize },
        }
    }

    /// The sums of a row's windows.
    #[inline(always)]
    fn gather<T: Float>(self, axis: &Axis, plane: usize, row: &[T], y: &mut [T]) {
        match self {
            Across::Whole => y.copy_from_slice(row),
            Across::Tiles { first, width: 2 } => {
                let pairs = row[first..].as_chunks::<2>().0;
                y.iter_mut().zip(pairs).for_each(|(y, [a, b])| *y = a.add(*b));
            }
            Across::Tiles { first, width } => {
                let tiles = row[first..].chunks_exact(width);
                y.iter_mut().zip(tiles).for_each(|(y, v)| *y = v.iter().fold(T::ZERO, |sum, &v| sum.add(v)));
            }
            Across::Even(even) => {
                let n = y.len();
                for edge in [0..even.windows[0], even.windows[1]..n] {
                    gather_any(axis, &axis.spans(plane)[edge.clone()], row, &mut y[edge]);
                }
                match even.stride {
                    1 => even.gather::<T, 1>(row, y),
                    _ => even.gather::<T, 2>(row, y),
                }
            }
            Across::Any => gather_any(axis, axis.spans(plane), row, y),
        }
    }

    /// Writes to each position of a row the sum of its windows' values.
    #[inline(always)]
    fn spread<T: Float>(self, axis: &Axis, plane: usize, values: &[T], row: &mut [T]) {
        match self {
            Across::Whole => row.copy_from_slice(values),
            Across::Tiles { first, width } => {
                let (before, rest) = row.split_at_mut(first);
                let (tiles, after) = rest.split_at_mut(values.len() * width);
                before.fill(T::ZERO);
                after.fill(T::ZERO);
                if width == 2 {
                    tiles.as_chunks_mut::<2>().0.iter_mut().zip(values).for_each(|(to, &v)| *to = [v; 2]);
                } else {
                    tiles.chunks_exact_mut(width).zip(values).for_each(|(to, &v)| to.fill(v));
                }
            }
            Across::Even(even) if even.stride == 1 => {
                row.fill(T::ZERO);
                let [first, end] = even.windows;
                spread_any(axis, &axis.spans(plane)[..first], &values[..first], row);
                even.spread(values, row);
                spread_any(axis, &axis.spans(plane)[end..], &values[end..], row);
            }
            Across::Even(_) | Across::Any => {
                row.fill(T::ZERO);
                spread_any(axis, axis.spans(plane), values, row);
            }
        }
    }
}

/// The sums of some windows, whatever they look like.
#[inline(always)]
fn gather_any<T: Float>(axis: &Axis, spans: &[[i64; 4]], row: &[T], y: &mut [T]) {
    for (y, &[_, start, end, _]) in y.iter_mut().zip(spans) {
        let under = row[start as usize..end as usize].iter().step_by(axis.step);
        *y = under.fold(T::ZERO, |sum, &v| sum.add(v));
    }
}

/// Adds the values of some windows to their positions.
#[inline(always)]
fn spread_any<T: Float>(axis: &Axis, spans: &[[i64; 4]], values: &[T], row: &mut [T]) {
    for (&v, &[_, start, end, _]) in values.iter().zip(spans) {
        let under = row[start as usize..end as usize].iter_mut().step_by(axis.step);
        under.for_each(|to| *to = to.add(v));
    }
}

/// Writes the sums of all windows to `y`, and lets `finish(sums, row)` change those of each row of windows, counted over
/// all planes. `take(sums, line, add)` writes what counts of a line of the input, or adds it.
///
/// # Errors
/// Not enough memory.
pub fn forward<T: Float>(
    x: &[T],
    p: &Plan,
    y: &mut [T],
    take: impl Fn(&mut [T], &[T], bool) + Sync,
    finish: impl Fn(&mut [T], usize) + Sync,
) -> Result<()> {
    let (axis, len) = (&p.axes[2], p.plane());
    try_share(Rows::new(y, p.width()), p.row_cost(), |first, rows| {
        let mut sums = Workspace::<T>::new(axis.input)?;
        let mut across = None;
        for (r, y) in (first..).zip(rows.into_rows()) {
            let place = p.place(r);
            let plane = &x[place[0] * len..][..len];
            let across = across_of(&mut across, axis, place[0]);
            vectorize(
                #[inline(always)]
                || {
                    let mut add = false;
                    p.lines(place, |base| {
                        take(&mut sums, &plane[base..][..axis.input], add);
                        add = true;
                    });
                    if !add {
                        sums.fill(T::ZERO);
                    }
                    across.gather(axis, place[0], &sums, y);
                    finish(y, r);
                },
            );
        }
        Ok(())
    })
}

/// [`forward`] of elements as they are.
///
/// # Errors
/// Not enough memory.
pub fn forward_plain<T: Float>(x: &[T], p: &Plan, y: &mut [T], finish: impl Fn(&mut [T], usize) + Sync) -> Result<()> {
    forward(
        x,
        p,
        y,
        #[inline(always)]
        |sums, line, add| put(sums, line.iter().copied(), add),
        finish,
    )
}

/// The windows of a plane, looked at anew where the plane before had others.
fn across_of<'a>(known: &mut Option<(&'a [[i64; 4]], Across)>, axis: &'a Axis, plane: usize) -> Across {
    let spans = axis.spans(plane);
    match known {
        Some((of, across)) if std::ptr::eq(*of, spans) => *across,
        _ => known.insert((spans, Across::of(axis, plane))).1,
    }
}

/// The gradient of the input: what `prepare(gradients, row)` makes of each row of windows goes to every position of its
/// windows. `store(line, values, first position, add)` writes the values of a line of the input, or adds them where another
/// row's were written before.
///
/// # Errors
/// Not enough memory.
pub fn backward<T: Float>(
    go: &[T],
    p: &Plan,
    gi: &mut [T],
    prepare: impl Fn(&mut [T], usize) + Sync,
    store: impl Fn(&mut [T], &[T], usize, bool) + Sync,
) -> Result<()> {
    let (axis, width, len) = (&p.axes[2], p.width(), p.plane());
    let rows = p.axes[0].output * p.axes[1].output;
    try_share(Rows::new(gi, len), p.plane_cost(), |first, planes| {
        let (mut row, mut wide) = (Workspace::<T>::new(width)?, Workspace::<T>::new(axis.input)?);
        // which lines have been written
        let mut written = Workspace::<u8>::new(len / axis.input.max(1))?;
        let mut across = None;
        for (plane, gi) in (first..).zip(planes.into_rows()) {
            let across = across_of(&mut across, axis, plane);
            written.fill(0);
            for r in plane * rows..(plane + 1) * rows {
                row.copy_from_slice(&go[r * width..][..width]);
                vectorize(
                    #[inline(always)]
                    || {
                        prepare(&mut row, r);
                        across.spread(axis, plane, &row, &mut wide);
                        p.lines(p.place(r), |base| {
                            let known = &mut written[base / axis.input];
                            store(&mut gi[base..][..axis.input], &wide, plane * len + base, *known > 0);
                            *known = 1;
                        });
                    },
                );
            }
            let lines = gi.chunks_mut(axis.input.max(1)).zip(written.iter());
            lines.filter(|(_, known)| **known == 0).for_each(|(line, _)| line.fill(T::ZERO));
        }
        Ok(())
    })
}

/// [`backward`] of values that go to the positions as they are.
///
/// # Errors
/// Not enough memory.
pub fn backward_plain<T: Float>(
    go: &[T],
    p: &Plan,
    gi: &mut [T],
    prepare: impl Fn(&mut [T], usize) + Sync,
) -> Result<()> {
    backward(
        go,
        p,
        gi,
        prepare,
        #[inline(always)]
        |line, values, _, add| put(line, values.iter().copied(), add),
    )
}
