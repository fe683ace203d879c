//! Maxima over windows, and where they are.

use super::window::Plan;
use crate::demand;
use crate::tensor::access::{Rows, share, share_rows};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use std::ops::Range;

/// What stands for the place of a maximum in the indices of a class. Inside of this file places are positions in the
/// plane counted from 1, and 0 where no value of the window is above the lowest double.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// The position in the plane, from 1; 0 for none.
    Plane,
    /// The row within the window, from 0; -1 for none.
    Row,
    /// Frame, row and column within the window, from 0, one byte each; -1 for none.
    Bytes,
}

/// Writes the maximum of every window to `y` and its place in the plane, from 1, to `at`.
pub fn forward<T: Float>(x: &[T], p: &Plan, y: &mut [T], at: &mut [i64]) {
    let (width, len) = (p.width(), p.plane());
    share((Rows::new(y, width), Rows::new(at, width)), p.row_cost(), |first, (y, at)| {
        let mut whole: Option<(&[[i64; 4]], Whole)> = None;
        let (mut lines, mut next) = (vec![], p.place(first));
        for (y, at) in y.into_rows().zip(at.into_rows()) {
            let place = next;
            next = p.after(place);
            let spans = p.axes[2].spans(place[0]);
            let whole = match &whole {
                // the same windows for all planes
                Some((of, found)) if std::ptr::eq(*of, spans) => found.clone(),
                _ => whole.insert((spans, Whole::among(spans, p.axes[2].step, len))).1.clone(),
            };
            lines.clear();
            p.lines(place, |base| lines.push(base));
            let plane = &x[place[0] * len..][..len];
            whole.greatest(plane, &lines, y, at);
            for edge in [0..whole.windows.start, whole.windows.end..width].into_iter().filter(|e| !e.is_empty()) {
                at_edge(plane, &lines, p, &spans[edge.clone()], &mut y[edge.clone()], &mut at[edge]);
            }
        }
    });
}

/// What a maximum is above, where there is one.
fn lowest<T: Float>() -> T {
    T::from_f64(-f64::MAX)
}

/// The maxima of some windows of a row, whatever they look like.
fn at_edge<T: Float>(plane: &[T], lines: &[usize], p: &Plan, spans: &[[i64; 4]], y: &mut [T], at: &mut [i64]) {
    y.fill(lowest());
    at.fill(0);
    for &base in lines {
        let row = &plane[base..][..p.axes[2].input];
        if p.axes[2].step == 1 {
            greatest(row, base, spans, y, at, |v| v.iter().enumerate());
        } else {
            greatest(row, base, spans, y, at, |v| v.iter().enumerate().step_by(p.axes[2].step));
        }
    }
}

/// Windows in a row that are equally wide and equally far apart: the most of them, those at the edges may not be.
#[derive(Clone)]
struct Whole {
    windows: Range<usize>,
    /// Where the first of them starts, how wide they are and how far apart.
    start: usize,
    wide: usize,
    stride: usize,
}

impl Whole {
    /// None, an empty range, where windows have gaps or are too few or too far apart for vectors, or where places in a
    /// plane of `len` elements do not fit their numbers.
    fn among(spans: &[[i64; 4]], step: usize, len: usize) -> Whole {
        let size = |s: &[i64; 4]| s[2] - s[1];
        let wide = spans.iter().map(size).max().unwrap_or(0);
        let first = spans.iter().position(|s| size(s) == wide).unwrap_or(0);
        let n = spans[first..].iter().take_while(|s| size(s) == wide).count();
        let some = &spans[first..first + n];
        let stride = some.get(1).map_or(0, |s| s[1] - some[0][1]);
        let even = some.windows(2).all(|w| w[1][1] - w[0][1] == stride);
        let fits = len < i32::MAX as usize;
        if step != 1 || n < 4 || wide == 0 || !even || !(1..=3).contains(&stride) || !fits {
            return Whole { windows: 0..0, start: 0, wide: 0, stride: 1 };
        }
        Whole { windows: first..first + n, start: some[0][1] as usize, wide: wide as usize, stride: stride as usize }
    }

    /// The maxima of these windows, which lie in these lines of a plane.
    fn greatest<T: Float>(&self, plane: &[T], lines: &[usize], y: &mut [T], at: &mut [i64]) {
        let (y, at) = (&mut y[self.windows.clone()], &mut at[self.windows.clone()]);
        match (self.stride, self.wide) {
            (1, _) => self.in_vectors::<T, 1, 0>(plane, lines, y, at),
            (2, 2) => self.in_vectors::<T, 2, 2>(plane, lines, y, at),
            (2, 3) => self.in_vectors::<T, 2, 3>(plane, lines, y, at),
            (2, _) => self.in_vectors::<T, 2, 0>(plane, lines, y, at),
            _ => self.in_vectors::<T, 3, 0>(plane, lines, y, at),
        }
    }

    /// As many windows side by side as fill a vector. Where there are fewer, windows behind the row are computed with them,
    /// if there is something in the plane.
    fn in_vectors<T: Float, const S: usize, const W: usize>(
        &self,
        plane: &[T],
        lines: &[usize],
        y: &mut [T],
        at: &mut [i64],
    ) {
        let (n, end) = (y.len(), lines.last().map_or(0, |line| line + self.start + self.wide));
        let fill = |lanes: usize| n >= lanes || n > lanes / 2 && end + (lanes - 1) * S <= plane.len();
        vectorize(
            #[inline(always)]
            || match n {
                0..4 => {}
                _ if fill(16) => self.side_by_side::<T, S, W, 16>(plane, lines, y, at),
                _ if fill(8) => self.side_by_side::<T, S, W, 8>(plane, lines, y, at),
                _ => self.side_by_side::<T, S, W, 4>(plane, lines, y, at),
            },
        );
    }

    /// `N` windows at a time, `S` columns apart and `W` wide (or as wide as they are, where that is 0), without branches. The
    /// last ones end with the row, and may be some of those before once more; only where all of them are fewer, they end
    /// behind it.
    #[inline(always)]
    fn side_by_side<T: Float, const S: usize, const W: usize, const N: usize>(
        &self,
        plane: &[T],
        lines: &[usize],
        y: &mut [T],
        at: &mut [i64],
    ) {
        let kept = N.min(y.len());
        for first in (0..y.len()).step_by(N) {
            let first = first.min(y.len() - kept);
            let start = self.start + first * S;
            let wide = if W == 0 { self.wide } else { W };
            let (best, place) = of_windows::<T, S, N>(plane, lines, start, wide);
            y[first..first + kept].copy_from_slice(&best[..kept]);
            for (i, (at, place)) in at[first..first + kept].iter_mut().zip(place).enumerate() {
                *at = if place > 0 { i64::from(place) + (i * S) as i64 } else { 0 };
            }
        }
    }
}

/// The maxima of `N` windows, the first of which begins at `start` of each line, and where they are: the place that the
/// element has in the first window, from 1, and 0 for none. As values: arrays that are copied from would stay in memory.
#[inline(always)]
fn of_windows<T: Float, const S: usize, const N: usize>(
    plane: &[T],
    lines: &[usize],
    start: usize,
    wide: usize,
) -> ([T; N], [i32; N]) {
    let (mut best, mut place) = ([lowest::<T>(); N], [0; N]);
    for &line in lines {
        // a width that is known lets pairs of columns be read at once
        let row = &plane[line + start..][..(N - 1) * S + wide];
        for column in 0..wide {
            let v = &row[column..][..(N - 1) * S + 1];
            let number = (line + start + column) as i32 + 1;
            for i in 0..N {
                let above = v[i * S] > best[i];
                best[i] = if above { v[i * S] } else { best[i] };
                place[i] = if above { number } else { place[i] };
            }
        }
    }
    (best, place)
}

/// Compares the maxima of a row of windows so far with the elements of an input row that begins at `base`.
#[inline(always)]
fn greatest<'a, T: Float + 'a, I: Iterator<Item = (usize, &'a T)>>(
    row: &'a [T],
    base: usize,
    spans: &[[i64; 4]],
    y: &mut [T],
    at: &mut [i64],
    elements: impl Fn(&'a [T]) -> I,
) {
    for ((y, at), &[_, start, end, _]) in y.iter_mut().zip(at).zip(spans) {
        let (mut best, mut place) = (*y, *at);
        for (i, &v) in elements(&row[start as usize..end as usize]) {
            if v > best {
                (best, place) = (v, (base + i) as i64 + start + 1);
            }
        }
        (*y, *at) = (best, place);
    }
}

/// Calls `f(index, plane, frame, row, column)` for every window's index.
fn each_index(p: &Plan, at: &mut [i64], f: impl Fn(&mut i64, [usize; 4]) + Sync) {
    let width = p.width();
    share_rows(at, width, width * 8, |first, rows| {
        for (r, row) in (first..).zip(rows.chunks_mut(width.max(1))) {
            let [plane, oz, oy] = p.place(r);
            row.iter_mut().enumerate().for_each(|(ox, at)| f(at, [plane, oz, oy, ox]));
        }
    });
}

/// Frame, row and column of a place counted from 1.
fn coordinates(p: &Plan, place: i64) -> [i64; 3] {
    let [_, y, x] = &p.axes;
    let (i, w, h) = (place - 1, x.input as i64, y.input as i64);
    [i / w / h, i / w % h, i % w]
}

/// Within its window: frame, row and column of a place.
fn within(p: &Plan, place: i64, [plane, oz, oy, ox]: [usize; 4]) -> [i64; 3] {
    let (o, at) = ([oz, oy, ox], coordinates(p, place));
    [0, 1, 2].map(|i| (at[i] - p.axes[i].span(plane, o[i]).origin) / p.axes[i].step as i64)
}

/// The place, from 1, of a frame, row and column within a window; nothing outside of the plane.
fn placed(p: &Plan, within: [i64; 3], [plane, oz, oy, ox]: [usize; 4]) -> Option<i64> {
    let o = [oz, oy, ox];
    let mut place = 0;
    for (i, a) in p.axes.iter().enumerate() {
        let v = within[i].checked_mul(a.step as i64)?.checked_add(a.span(plane, o[i]).origin)?;
        if v < 0 || v >= a.input as i64 {
            return None;
        }
        place = place * a.input as i64 + v;
    }
    Some(place + 1)
}

/// Frame, row and column in bytes 0 to 2, and what is left of them, 10 bits each, from bit 32 on.
fn pack(v: [i64; 3]) -> i64 {
    (0..3).fold(0, |all, i| all | (v[i] & 255) << (8 * i) | (v[i] >> 8 & 1023) << (32 + 10 * i))
}
fn unpack(at: i64) -> [i64; 3] {
    [0, 1, 2].map(|i| (at >> (8 * i) & 255) | (at >> (32 + 10 * i) & 1023) << 8)
}

/// Places as a class keeps them.
pub fn encode(p: &Plan, at: &mut [i64], form: Places) {
    match form {
        Places::Plane => {}
        Places::Row => each_index(p, at, |at, o| *at = if *at > 0 { within(p, *at, o)[1] } else { -1 }),
        Places::Bytes => each_index(p, at, |at, o| *at = if *at > 0 { pack(within(p, *at, o)) } else { -1 }),
    }
}

/// Adaptive indices: rows and columns within the window, from 1, and 0 for none.
pub fn split(p: &Plan, places: &[i64], rows: &mut [i64], columns: &mut [i64]) {
    for (at, which) in [(rows, 1), (columns, 2)] {
        at.copy_from_slice(places);
        each_index(p, at, |at, o| *at = if *at > 0 { within(p, *at, o)[which] + 1 } else { 0 });
    }
}

/// The reverse of [`split`]: -1 for places outside of the plane.
pub fn join(p: &Plan, places: &mut [i64], rows: &[i64], columns: &[i64]) {
    places.iter_mut().zip(rows.iter().zip(columns)).for_each(|(at, (&y, &x))| {
        let fits = |v: i64| (0..1 << 31).contains(&v);
        *at = if fits(y) && fits(x) { y << 31 | x } else { -1 };
    });
    each_index(p, places, |at, o| {
        let (y, x) = (*at >> 31, *at & ((1 << 31) - 1));
        *at = if *at == 0 { 0 } else { placed(p, [0, y - 1, x - 1], o).unwrap_or(-1) };
    });
}

/// The reverse of [`encode`]: -1 for places outside of the plane.
pub fn decode(p: &Plan, at: &mut [i64], form: Places) {
    match form {
        Places::Plane => {}
        Places::Row => each_index(p, at, |at, o| {
            *at = if *at == -1 { 0 } else { placed(p, [0, *at, 0], o).unwrap_or(-1) };
        }),
        Places::Bytes => each_index(p, at, |at, o| {
            let within = unpack(*at);
            let found = if pack(within) == *at { placed(p, within, o) } else { None };
            *at = if *at == -1 { 0 } else { found.unwrap_or(-1) };
        }),
    }
}

/// Demands places inside of the plane; `none` says whether windows may be without one.
///
/// # Errors
/// Places outside of it.
pub fn check(places: &[i64], plane: usize, none: bool) -> Result<()> {
    let lowest = if none { 0 } else { 1 };
    let wrong = |i: i64| i < lowest || i > plane as i64;
    // all of them without a way out: so it vectorises
    let any = vectorize(
        #[inline(always)]
        || places.iter().fold(false, |any, &i| any | wrong(i)),
    );
    if any && let Some(&i) = places.iter().find(|i| wrong(**i)) {
        demand!(
            i != 0,
            "a window has no maximum (all of its values are NaN or the lowest), so its gradient has no place"
        );
        demand!(
            false,
            "indices point outside of the input, whose planes have {plane} elements: is the input another one than forward's?"
        );
    }
    Ok(())
}

/// Adds each gradient to the place of its maximum.
pub fn backward<T: Float>(go: &[T], p: &Plan, places: &[i64], gi: &mut [T]) {
    let (len, out) = (p.plane(), p.out_plane());
    share_rows(gi, len, p.plane_cost(), |first, planes| {
        for (plane, gi) in (first..).zip(planes.chunks_mut(len.max(1))) {
            gi.fill(T::ZERO);
            for (&g, &i) in go[plane * out..][..out].iter().zip(&places[plane * out..]) {
                if let Some(r) = (i as usize).checked_sub(1).and_then(|i| gi.get_mut(i)) {
                    *r = r.add(g);
                }
            }
        }
    });
}

/// Writes each value to its place in planes of `len` elements; everything else is 0.
pub fn unpool<T: Float>(x: &[T], places: &[i64], inner: usize, len: usize, y: &mut [T]) {
    share_rows(y, len, len + inner * 2, |first, planes| {
        for (plane, y) in (first..).zip(planes.chunks_mut(len.max(1))) {
            y.fill(T::ZERO);
            for (&v, &i) in x[plane * inner..][..inner].iter().zip(&places[plane * inner..]) {
                if let Some(r) = (i as usize).checked_sub(1).and_then(|i| y.get_mut(i)) {
                    *r = v;
                }
            }
        }
    });
}

/// The reverse of [`unpool`]: reads each value from its place.
pub fn gather<T: Float>(go: &[T], places: &[i64], inner: usize, len: usize, gi: &mut [T]) {
    share_rows(gi, inner, inner * 2, |first, planes| {
        for (plane, gi) in (first..).zip(planes.chunks_mut(inner.max(1))) {
            let go = &go[plane * len..][..len];
            for (r, &i) in gi.iter_mut().zip(&places[plane * inner..]) {
                *r = (i as usize).checked_sub(1).and_then(|i| go.get(i)).copied().unwrap_or(T::ZERO);
            }
        }
    });
}
