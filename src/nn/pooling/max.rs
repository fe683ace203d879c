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
        let (mut lines, mut next, mut columns) = (vec![], p.place(first), Columns::default());
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
                let step = p.axes[2].step;
                columns.greatest(plane, &lines, step, &spans[edge.clone()], &mut y[edge.clone()], &mut at[edge]);
            }
        }
    });
}

/// What a maximum is above, where there is one.
fn lowest<T: Float>() -> T {
    T::from_f64(-f64::MAX)
}

/// The maximum of the lines under a row of windows in each column, and which of the lines it is in; -1 for none.
#[derive(Default)]
struct Columns<T> {
    best: Vec<T>,
    line: Vec<i32>,
}

impl<T: Float> Columns<T> {
    /// The maxima of some windows of a row, whatever they look like: in vectors from line to line first, then across each
    /// window.
    fn greatest(&mut self, plane: &[T], lines: &[usize], step: usize, spans: &[[i64; 4]], y: &mut [T], at: &mut [i64]) {
        let first = spans.iter().map(|s| s[1]).min().unwrap_or(0) as usize;
        let end = spans.iter().map(|s| s[2]).max().unwrap_or(0).max(first as i64) as usize;
        self.best.resize(end - first, T::ZERO);
        self.line.resize(end - first, 0);
        let (best, line) = (&mut self.best[..], &mut self.line[..]);
        vectorize(
            #[inline(always)]
            || {
                best.fill(lowest());
                line.fill(-1);
                for (k, &base) in (0..).zip(lines) {
                    for ((best, line), &v) in best.iter_mut().zip(line.iter_mut()).zip(&plane[base + first..]) {
                        let above = v > *best;
                        *best = if above { v } else { *best };
                        *line = if above { k } else { *line };
                    }
                }
            },
        );
        // as many columns of each window, the last one again where there are fewer: the loop's end is no surprise then
        let most = spans.iter().map(|s| s[2] - s[1]).max().unwrap_or(0).max(0) as usize;
        for ((y, at), &[_, start, end, _]) in y.iter_mut().zip(at).zip(spans) {
            let (start, end) = (start as usize - first, end as usize - first);
            if start >= end {
                (*y, *at) = (lowest(), 0);
                continue;
            }
            let last = (end - 1 - start) / step * step + start;
            let (mut greatest, mut in_line, mut column) = (best[start], line[start], start);
            for i in (step..most).step_by(step) {
                let i = (start + i).min(last);
                let (v, k) = (best[i], line[i]);
                // of equal ones, the one in the first line, and there the first
                let above = (v > greatest) | ((v == greatest) & (k < in_line));
                greatest = if above { v } else { greatest };
                in_line = if above { k } else { in_line };
                column = if above { i } else { column };
            }
            *y = greatest;
            let base = usize::try_from(in_line).ok().and_then(|k| lines.get(k));
            *at = base.map_or(0, |base| (base + first + column) as i64 + 1);
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
            // a place is that in the first window, from 1, and 0 for none
            let (mut best, mut place) = ([lowest::<T>(); N], [0i32; N]);
            let wide = if W == 0 { self.wide } else { W };
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
            y[first..first + kept].copy_from_slice(&best[..kept]);
            for (i, (at, place)) in at[first..first + kept].iter_mut().zip(place).enumerate() {
                *at = if place > 0 { i64::from(place) + (i * S) as i64 } else { 0 };
            }
        }
    }
}

/// What the places of a row of windows are counted from.
struct Origins<'a> {
    /// Sizes of the plane.
    sizes: [i64; 3],
    /// Distances between the positions of a window.
    steps: [i64; 3],
    /// Where the windows begin along frames and rows.
    lines: [i64; 2],
    /// And along columns.
    spans: &'a [[i64; 4]],
}

impl Origins<'_> {
    fn of(p: &Plan, r: usize) -> Origins<'_> {
        let [plane, oz, oy] = p.place(r);
        Origins {
            sizes: [0, 1, 2].map(|i| p.axes[i].input as i64),
            steps: [0, 1, 2].map(|i| p.axes[i].step as i64),
            lines: [p.axes[0].span(plane, oz).origin, p.axes[1].span(plane, oy).origin],
            spans: p.axes[2].spans(plane),
        }
    }

    /// Frame, row and column within a window, which begins at `column`, of its place, from 1. In planes of less than 2^31
    /// elements, divisions of doubles are exact, and fill vectors.
    #[inline(always)]
    fn within(&self, place: i64, column: i64, small: bool) -> [i64; 3] {
        let over = |a: i64, b: i64| if small { i64::from((a as i32 as f64 / b as f64) as i32) } else { a / b };
        let steps = |a: i64, step: i64| if step == 1 { a } else { over(a, step) };
        let [frames, h, w] = self.sizes;
        let i = place - 1;
        let line = over(i, w);
        let frame = if frames == 1 { 0 } else { over(line, h) };
        let [t, y, x] = [frame - self.lines[0], line - frame * h - self.lines[1], i - line * w - column];
        [steps(t, self.steps[0]), steps(y, self.steps[1]), steps(x, self.steps[2])]
    }

    /// The place, from 1, of a frame, row and column within a window that begins at `column`, none of them of 2^31 or more;
    /// -1 outside of the plane.
    #[inline(always)]
    fn placed(&self, [t, y, x]: [i64; 3], column: i64) -> i64 {
        let ([frames, h, w], [st, sy, sx]) = (self.sizes, self.steps);
        let (t, y, x) = (t * st + self.lines[0], y * sy + self.lines[1], x * sx + column);
        let inside = (t >= 0) & (t < frames) & (y >= 0) & (y < h) & (x >= 0) & (x < w);
        let kept = |v: i64| if inside { v } else { 0 };
        let place = (kept(t) * h + kept(y)) * w + kept(x) + 1;
        if inside { place } else { -1 }
    }
}

/// Calls `f(row of windows, its indices)` in vector loops.
fn each_row(p: &Plan, at: &mut [i64], f: impl Fn(Origins, &mut [i64]) + Sync) {
    let width = p.width();
    share_rows(at, width, width * 8, |first, rows| {
        for (r, row) in (first..).zip(rows.chunks_mut(width.max(1))) {
            let origins = Origins::of(p, r);
            vectorize(
                #[inline(always)]
                || f(origins, row),
            );
        }
    });
}

/// Changes the index of each window of a row, given the column that it begins at.
#[inline(always)]
fn each_index(o: &Origins, row: &mut [i64], f: impl Fn(i64, i64) -> i64) {
    row.iter_mut().zip(o.spans).for_each(|(at, span)| *at = f(*at, span[0]));
}

/// Frame, row and column in bytes 0 to 2, and what is left of them, 10 bits each, from bit 32 on.
#[inline(always)]
fn pack([t, y, x]: [i64; 3]) -> i64 {
    let part = |v: i64, i: i64| (v & 255) << (8 * i) | (v >> 8 & 1023) << (32 + 10 * i);
    part(t, 0) | part(y, 1) | part(x, 2)
}
#[inline(always)]
fn unpack(at: i64) -> [i64; 3] {
    let part = |i: i64| (at >> (8 * i) & 255) | (at >> (32 + 10 * i) & 1023) << 8;
    [part(0), part(1), part(2)]
}

/// Whether every place of a plane is a number of 31 bits.
fn is_small(p: &Plan) -> bool {
    p.plane() < i32::MAX as usize
}

/// Places as a class keeps them.
pub fn encode(p: &Plan, at: &mut [i64], form: Places) {
    // a constant in each loop
    if is_small(p) { encode_rows::<true>(p, at, form) } else { encode_rows::<false>(p, at, form) }
}

fn encode_rows<const SMALL: bool>(p: &Plan, at: &mut [i64], form: Places) {
    let some = |at: i64, kept: i64| if at > 0 { kept } else { -1 };
    match form {
        Places::Plane => {}
        Places::Row => each_row(p, at, |o, row| each_index(&o, row, |at, c| some(at, o.within(at, c, SMALL)[1]))),
        Places::Bytes => each_row(p, at, |o, row| each_index(&o, row, |at, c| some(at, pack(o.within(at, c, SMALL))))),
    }
}

/// Adaptive indices: rows and columns within the window, from 1, and 0 for none.
pub fn split(p: &Plan, places: &[i64], rows: &mut [i64], columns: &mut [i64]) {
    if is_small(p) {
        split_rows::<true>(p, places, rows, columns)
    } else {
        split_rows::<false>(p, places, rows, columns)
    }
}

fn split_rows<const SMALL: bool>(p: &Plan, places: &[i64], rows: &mut [i64], columns: &mut [i64]) {
    let some = |at: i64, kept: i64| if at > 0 { kept + 1 } else { 0 };
    rows.copy_from_slice(places);
    each_row(p, rows, |o, row| each_index(&o, row, |at, c| some(at, o.within(at, c, SMALL)[1])));
    columns.copy_from_slice(places);
    each_row(p, columns, |o, row| each_index(&o, row, |at, c| some(at, o.within(at, c, SMALL)[2])));
}

/// The reverse of [`split`]: -1 for places outside of the plane.
pub fn join(p: &Plan, places: &mut [i64], rows: &[i64], columns: &[i64]) {
    places.iter_mut().zip(rows.iter().zip(columns)).for_each(|(at, (&y, &x))| {
        let fits = |v: i64| (0..1 << 31).contains(&v);
        *at = if fits(y) && fits(x) { y << 31 | x } else { -1 };
    });
    each_row(p, places, |o, row| {
        each_index(&o, row, |at, i| {
            let (y, x) = (at >> 31, at & ((1 << 31) - 1));
            let place = o.placed([0, y - 1, x - 1], i);
            if at == 0 { 0 } else { place }
        });
    });
}

/// The reverse of [`encode`]: -1 for places outside of the plane.
pub fn decode(p: &Plan, at: &mut [i64], form: Places) {
    match form {
        Places::Plane => {}
        Places::Row => each_row(p, at, |o, row| {
            each_index(&o, row, |at, i| {
                let fits = (at > -(1 << 31)) & (at < 1 << 31);
                let place = o.placed([0, if fits { at } else { 0 }, 0], i);
                let place = if fits { place } else { -1 };
                if at == -1 { 0 } else { place }
            });
        }),
        Places::Bytes => each_row(p, at, |o, row| {
            each_index(&o, row, |at, i| {
                let within = unpack(at);
                let place = o.placed(within, i);
                let place = if pack(within) == at { place } else { -1 };
                if at == -1 { 0 } else { place }
            });
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
