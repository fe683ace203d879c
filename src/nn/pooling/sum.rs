//! Sums over windows, which averages and subsamplings are made from.

use super::window::Plan;
use crate::tensor::access::{Rows, Workspace, share_rows, try_share};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;

/// A window: its plane, frame, row and column.
pub type Place = [usize; 4];

/// Writes `finish(sum, window)` of every window to `y`; the sum is that of `of(element)`.
pub fn forward<T: Float>(
    x: &[T],
    p: &Plan,
    y: &mut [T],
    of: impl Fn(T) -> T + Sync,
    finish: impl Fn(T, Place) -> T + Sync,
) {
    let (width, len, columns, step) = (p.width(), p.plane(), p.axes[2].input, p.axes[2].step);
    share_rows(y, width, p.row_cost(), |first, rows| {
        for (r, y) in (first..).zip(rows.chunks_mut(width.max(1))) {
            let place = p.place(r);
            let (plane, spans) = (&x[place[0] * len..][..len], p.axes[2].spans(place[0]));
            y.fill(T::ZERO);
            p.lines(place, |base| {
                let row = &plane[base..][..columns];
                for (y, &[_, start, end, _]) in y.iter_mut().zip(spans) {
                    let under = row[start as usize..end as usize].iter();
                    *y = if step == 1 {
                        under.fold(*y, |sum, &v| sum.add(of(v)))
                    } else {
                        under.step_by(step).fold(*y, |sum, &v| sum.add(of(v)))
                    };
                }
            });
            let [plane, oz, oy] = place;
            y.iter_mut().enumerate().for_each(|(ox, y)| *y = finish(*y, [plane, oz, oy, ox]));
        }
    });
}

/// The gradient of the input: `prepare(gradient, window)` goes to every position of its window.
///
/// # Errors
/// Not enough memory.
pub fn backward<T: Float>(go: &[T], p: &Plan, gi: &mut [T], prepare: impl Fn(T, Place) -> T + Sync) -> Result<()> {
    let (width, len, columns, step) = (p.width(), p.plane(), p.axes[2].input, p.axes[2].step);
    let rows = p.axes[0].output * p.axes[1].output;
    try_share(Rows::new(gi, len), p.plane_cost(), |first, planes| {
        let mut row = Workspace::<T>::new(width)?;
        for (plane, gi) in (first..).zip(planes.into_rows()) {
            gi.fill(T::ZERO);
            let spans = p.axes[2].spans(plane);
            for r in plane * rows..(plane + 1) * rows {
                let place = p.place(r);
                let [_, oz, oy] = place;
                let from = go[r * width..][..width].iter().enumerate();
                row.iter_mut().zip(from).for_each(|(to, (ox, &g))| *to = prepare(g, [plane, oz, oy, ox]));
                p.lines(place, |base| {
                    let line = &mut gi[base..][..columns];
                    for (&g, &[_, start, end, _]) in row.iter().zip(spans) {
                        let under = line[start as usize..end as usize].iter_mut();
                        if step == 1 {
                            under.for_each(|r| *r = r.add(g));
                        } else {
                            under.step_by(step).for_each(|r| *r = r.add(g));
                        }
                    }
                });
            }
        }
        Ok(())
    })
}
