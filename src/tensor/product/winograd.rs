//! Correlations with windows of 3 x 3 and steps of 1 by Winograd's method (Lavin and Gray, 2016): squares of the image, of
//! the weights and of the output's gradient become squares of numbers whose places do not mix, so that one product of
//! matrices for each place does the work of 9/4 (outputs of 2 x 2) or 4 (outputs of 4 x 4) times as many
//! multiplications.
//!
//! Vectors hold planes. Everything of a job stays in a core's own cache: it takes a few rows of tiles through all three
//! stages. An infinity would spread over its tile: what is not finite is found in the results, and the caller goes the
//! plain way then.

use super::kernels::{Epilogue, Kernels, Multiply, Operands, Pair};
use super::multiply::parts;
use super::squares::{Squares, Windows};
use super::transform::{Square, Winograd};
use super::views::{Offsets, View};
use crate::tensor::access::{Divide, RawSlice, Workspace, try_share};
use crate::tensor::error::Result;
use crate::tensor::threads::threads;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Outputs of a tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outputs {
    /// 2 x 2: sums are shorter than the plain ones, and more accurate.
    Two,
    /// 4 x 4: about three to six times the rounding error of plain sums.
    Four,
}

/// Sizes of a batch of planes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Planes {
    /// How many a sample has.
    pub count: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Planes {
    fn area(&self) -> usize {
        self.height * self.width
    }
    /// Elements of a sample.
    pub fn sample_len(&self) -> usize {
        self.count * self.area()
    }
}

/// Items by number.
struct Items(Range<usize>);

impl Divide for Items {
    fn items(&self) -> usize {
        self.0.len()
    }
    fn cut(self, n: usize) -> (Self, Self) {
        let at = self.0.start + n.min(self.0.len());
        (Items(self.0.start..at), Items(at..self.0.end))
    }
}

/// Calls `f` for each of `n` items of a `cost`, shared by threads.
pub(super) fn each(n: usize, cost: usize, f: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    try_share(Items(0..n), cost, |_, mut items| items.0.try_for_each(&f))
}

/// Which squares a call works on, and with which transforms.
pub(super) struct Plan<T: 'static> {
    outputs: Outputs,
    pub(super) kernels: &'static Kernels<T>,
    pub(super) w: &'static Winograd<T>,
    /// Tiles down and across.
    tiles: [usize; 2],
}

/// Some rows of tiles of one sample.
struct Segment {
    sample: usize,
    rows: Range<usize>,
    /// The first tile's number in the job.
    first: usize,
}

/// A batch as squares are taken from it.
#[derive(Clone, Copy)]
struct Image<'a, T> {
    data: &'a [T],
    planes: Planes,
    /// Zeros before the first row and column.
    pad: usize,
    /// The side of a square.
    side: usize,
}

/// Where squares go: places of a square so far apart; for a vector of planes, its start and the distance of tiles.
struct Target<'a, T> {
    to: &'a mut [T],
    place_ld: usize,
    at: &'a dyn Fn(usize) -> (usize, usize),
}

impl<T: Multiply> Plan<T> {
    pub(super) fn new(outputs: Outputs, y: Planes) -> Self {
        let kernels = T::kernels();
        let w = &kernels.winograd[usize::from(outputs == Outputs::Four)];
        Plan { outputs, kernels, w, tiles: [y.height.div_ceil(w.m), y.width.div_ceil(w.m)] }
    }

    pub(super) fn side(&self) -> usize {
        self.w.m + 2
    }

    pub(super) fn places(&self) -> usize {
        self.side() * self.side()
    }

    fn whole(&self, planes: usize) -> usize {
        planes.next_multiple_of(self.kernels.lanes)
    }

    /// Rows of tiles that are worth fetching the weights for (they fill a core's cache with 128 planes), and not many more.
    fn fit(&self, planes: usize) -> usize {
        ((64 + planes / 2) / self.tiles[1]).max(1)
    }

    fn segments(&self, rows: Range<usize>) -> Vec<Segment> {
        let (mut at, mut all) = (rows.start, vec![]);
        while at < rows.end {
            let (sample, y) = (at / self.tiles[0], at % self.tiles[0]);
            let end = (y + rows.end - at).min(self.tiles[0]);
            all.push(Segment { sample, rows: y..end, first: (at - rows.start) * self.tiles[1] });
            at += end - y;
        }
        all
    }

    /// Vectors side by side in the panel that vector `v` of `n` belongs to: two, in the last one if `n` is odd.
    fn wide(v: usize, n: usize) -> usize {
        if v / 2 * 2 + 1 < n { 2 } else { 1 }
    }

    /// Where vector `v` of `n` starts in panels of `depth` rows, and how far rows are apart.
    pub(super) fn panel(&self, v: usize, n: usize, depth: usize) -> (usize, usize) {
        let lanes = self.kernels.lanes;
        (v / 2 * 2 * lanes * depth + v % 2 * lanes, Self::wide(v, n) * lanes)
    }

    /// Takes squares at every tile of the segments through a transform.
    ///
    /// # Safety
    /// The transform is one of squares with the image's side to squares with this plan's.
    unsafe fn gather(&self, image: Image<T>, f: Square<T>, segments: &[Segment], target: Target<T>) -> Result<()> {
        let (lanes, m, planes) = (self.kernels.lanes, self.w.m, image.planes);
        let across = (self.tiles[1] - 1) * m + image.side;
        let mut room = Workspace::<T>::new(((self.tiles[0] - 1) * m + image.side) * across * lanes)?;
        let unit = Offsets::steps(planes.width, 1);
        for block in 0..planes.count.div_ceil(lanes) {
            let (start, tile_ld) = (target.at)(block);
            let inside = block * lanes..planes.count.min((block + 1) * lanes);
            let channels = Offsets::grid(inside.start * planes.area(), &[inside.len()], &[planes.area()]);
            for s in segments {
                self.lines(image, s, &channels, &unit, across, &mut room);
                for (i, t) in (0..s.rows.len()).flat_map(|i| (0..self.tiles[1]).map(move |t| (i, t))) {
                    let from = &room[(i * m * across + t * m) * lanes..];
                    let to = &mut target.to[(s.first + i * self.tiles[1] + t) * tile_ld + start..];
                    let last = |by: [usize; 2], n: usize| (n - 1) * (by[0] + by[1]) + lanes;
                    let (by, to_by) = ([across * lanes, lanes], [target.place_ld * self.side(), target.place_ld]);
                    assert!(last(by, image.side) <= from.len() && last(to_by, self.side()) <= to.len());
                    // SAFETY: both squares end inside of the slices.
                    unsafe { f(from.as_ptr(), by, to.as_mut_ptr(), to_by) };
                }
            }
        }
        Ok(())
    }

    /// The lines under a segment's squares, with the planes of a vector side by side.
    fn lines(&self, image: Image<T>, s: &Segment, channels: &Offsets, unit: &Offsets, across: usize, to: &mut [T]) {
        let (lanes, pad, p) = (self.kernels.lanes, image.pad, image.planes);
        let top = (s.rows.start * self.w.m) as isize - pad as isize;
        let height = (s.rows.len() - 1) * self.w.m + image.side;
        for (y, to) in to.chunks_mut(across * lanes).take(height).enumerate() {
            let row = top + y as isize;
            if row < 0 || row >= p.height as isize {
                to.fill(T::ZERO);
                continue;
            }
            let used = (p.width + pad).min(across);
            to[..pad * lanes].fill(T::ZERO);
            to[used * lanes..].fill(T::ZERO);
            let from = &image.data[s.sample * p.sample_len() + row as usize * p.width..];
            let view = View::new(from, unit, channels);
            let to = &mut to[pad * lanes..used * lanes];
            // SAFETY: the view's elements are there; rows are whole vectors, as many as there is room for.
            unsafe {
                (self.kernels.pack)(view.first(), &unit.list()[..used - pad], view.cols(), lanes, to.as_mut_ptr())
            };
        }
    }

    /// The products of a place: rows of `steps`, with panels of `n` vectors; `next` are the panels of the place that follows. `done`
    /// gets each tile's operands, its rows and the number of its first vector.
    fn products(
        &self,
        a: &[T],
        rows: &Offsets,
        steps: &Offsets,
        (panels, next, n): (&[T], Option<&[T]>, usize),
        mut done: impl FnMut(&Pair<T>, Range<usize>, usize),
    ) {
        // makes sure of every element
        let view = View::new(a, rows, steps);
        assert!(panels.len() >= n * self.kernels.lanes * steps.len());
        for v in (0..n).step_by(2) {
            let (start, ld) = self.panel(v, n, steps.len());
            let b = panels.as_ptr().wrapping_add(start);
            let next = if v + 2 < n { Some(&panels[self.panel(v + 2, n, steps.len()).0..]) } else { next };
            for (i, tile) in parts(rows.len(), self.kernels.most_rows(Operands::ByTable, 2)).enumerate() {
                let rows = &view.rows()[tile.clone()];
                // SAFETY: read by tiles alone.
                let a = unsafe { view.first() };
                let pair = Pair { a, rows, steps: view.cols(), b, ld, ahead: b, start: &[], bias: &[] };
                done(&pair.before(next, i), tile, v);
            }
        }
    }

    /// From squares of sums (`place` apart; panels of some vectors of planes, tile by tile) to planes; whether all are finite.
    fn scatter(
        &self,
        (segments, tiles): (&[Segment], usize),
        (sums, place): (&[T], usize),
        vectors: Range<usize>,
        bias: &[T],
        (y, to): (Planes, RawSlice<'_, T>),
    ) -> Result<bool> {
        let (lanes, m) = (self.kernels.lanes, self.w.m);
        let across = self.tiles[1] * m;
        let mut room = Workspace::<T>::new(self.tiles[0] * m * across * lanes)?;
        let unit = Offsets::steps(y.area(), 1);
        let mut finite = true;
        for v in vectors.clone() {
            let (start, ld) = self.panel(v - vectors.start, vectors.len(), tiles);
            let planes = v * lanes..y.count.min((v + 1) * lanes);
            let end = Epilogue { col_bias: bias, ..Epilogue::PLAIN }.part(0..0, planes.clone());
            let channels = Offsets::grid(planes.start * y.area(), &[planes.len()], &[y.area()]);
            for s in segments {
                for (i, t) in (0..s.rows.len()).flat_map(|i| (0..self.tiles[1]).map(move |t| (i, t))) {
                    let from = &sums[start + (s.first + i * self.tiles[1] + t) * ld..];
                    let to = &mut room[(i * m * across + t * m) * lanes..];
                    assert!((self.places() - 1) * place + lanes <= from.len());
                    assert!((m - 1) * (across + 1) * lanes + lanes <= to.len());
                    let by = [place * self.side(), place];
                    // SAFETY: both squares end inside of the slices.
                    unsafe { (self.w.output)(from.as_ptr(), by, to.as_mut_ptr(), [across * lanes, lanes]) };
                }
                let (top, bottom) = (s.rows.start * m, (s.rows.end * m).min(y.height));
                let whole = across == y.width;
                // SAFETY: rows of the room that hold rows of these planes, which are this job's own.
                unsafe {
                    let to = to.at((s.sample * y.sample_len()) as isize);
                    finite &= (self.kernels.finite)(room.as_ptr(), s.rows.len() * m * across);
                    if whole {
                        let pixels = &unit.list()[top * y.width..bottom * y.width];
                        (self.kernels.finish)(room.as_ptr(), lanes, to, pixels, channels.list(), end);
                        continue;
                    }
                    for r in top..bottom {
                        let row = room.as_ptr().wrapping_add((r - top) * across * lanes);
                        let pixels = &unit.list()[r * y.width..(r + 1) * y.width];
                        (self.kernels.finish)(row, lanes, to, pixels, channels.list(), end);
                    }
                }
            }
        }
        Ok(finite)
    }
}

/// `y = x * w + bias` with `pad` zeros around `x`. No bias is an empty one. Whether all is finite: if not, `y` is to be
/// computed in the plain way.
///
/// # Errors
/// Not enough memory.
///
/// # Panics
/// Slices and weights that do not have these sizes, squares for other outputs; more than two zeros around.
pub fn correlate<T: Multiply>(
    outputs: Outputs,
    (x, planes, pad): (&[T], Planes, usize),
    w: Windows<T>,
    bias: &[T],
    (y, results): (&mut [T], Planes),
) -> Result<bool> {
    let batch = y.len().checked_div(results.sample_len()).unwrap_or(0);
    assert!(pad <= 2 && x.len() == batch * planes.sample_len() && y.len() == batch * results.sample_len());
    assert!(w.sizes() == [9 * planes.count, results.count]);
    assert!(bias.is_empty() || bias.len() == results.count);
    if y.is_empty() || x.is_empty() {
        return Ok(false);
    }
    let plan = Plan::<T>::new(outputs, results);
    let vectors = results.count.div_ceil(plan.kernels.lanes);
    let deep = plan.whole(planes.count);
    let rows = batch * plan.tiles[0];
    let by_rows = rows.div_ceil(plan.fit(deep.max(plan.whole(results.count))));
    let by_rows = if by_rows >= threads() { by_rows.next_multiple_of(threads()) } else { by_rows };
    let by_rows: Vec<_> = parts(rows, rows.div_ceil(by_rows)).collect();
    // with fewer jobs than threads, planes of the result are shared as well
    let panels = vectors.div_ceil(2);
    let by_planes: Vec<_> = parts(panels, panels.div_ceil(threads().div_ceil(by_rows.len()))).collect();
    let made;
    let w = match w {
        Windows::Plain(w) if by_rows.len() > 1 => {
            made = Squares::new(outputs, w)?;
            Windows::Squares(&made)
        }
        w => w,
    };
    let image = Image { data: x, planes, pad, side: plan.side() };
    let (to, finite) = (RawSlice::new(y), AtomicBool::new(true));
    let cost = rows.div_ceil(by_rows.len()) * plan.tiles[1] * plan.places() * deep;
    each(by_rows.len() * by_planes.len(), cost, |job| {
        let panels = &by_planes[job % by_planes.len()];
        let some = panels.start * 2..vectors.min(panels.end * 2);
        if !plan.job(image, by_rows[job / by_planes.len()].clone(), (w, some), bias, (results, to))? {
            finite.store(false, Relaxed);
        }
        Ok(())
    })?;
    Ok(finite.into_inner())
}

impl<T: Multiply> Plan<T> {
    /// Some rows of tiles of some vectors of planes, the first of which begins a panel; whether all are finite. Weights become
    /// squares two vectors at a time, which stay near until they are used.
    fn job(
        &self,
        image: Image<T>,
        rows: Range<usize>,
        (w, vectors): (Windows<T>, Range<usize>),
        bias: &[T],
        (results, to): (Planes, RawSlice<'_, T>),
    ) -> Result<bool> {
        let (lanes, planes) = (self.kernels.lanes, image.planes.count);
        let (segments, tiles, deep) = (self.segments(rows.clone()), rows.len() * self.tiles[1], self.whole(planes));
        let x_ld = tiles * deep + lanes;
        let mut squares = Workspace::<T>::new(self.places() * x_ld)?;
        let target = Target { to: &mut squares, place_ld: x_ld, at: &|v| (v * lanes, deep) };
        // SAFETY: the transform of images.
        unsafe { self.gather(image, self.w.image, &segments, target)? };
        let together = if matches!(w, Windows::Plain(_)) { 2.min(vectors.len()) } else { vectors.len() };
        let y_ld = tiles * together * lanes + lanes;
        let mut sums = Workspace::<T>::new(self.places() * y_ld)?;
        let (rows, steps) = (Offsets::steps(tiles, deep), Offsets::steps(planes, 1));
        let mut finite = true;
        for first in vectors.clone().step_by(together) {
            let some = first..vectors.end.min(first + together);
            let made;
            let (u, from) = match w {
                Windows::Squares(u) => (u, first),
                Windows::Plain(w) => {
                    let w = w.col_range(first * lanes..results.count.min(some.end * lanes));
                    made = Squares::make(self.outputs, w, |n, _, f| (0..n).try_for_each(f))?;
                    (&made, 0)
                }
            };
            assert!(u.outputs == self.outputs);
            for place in 0..self.places() {
                let next = (place + 1 < self.places()).then(|| u.panels(place + 1, from));
                let (a, b) = (&squares[place * x_ld..][..x_ld], (u.panels(place, from), next, some.len()));
                let c = &mut sums[place * y_ld..][..y_ld];
                self.products(a, &rows, &steps, b, |pair, tile, v| {
                    let (start, ld) = self.panel(v, some.len(), tiles);
                    let run = self.kernels.tile(Operands::ByTable, ld / lanes, tile.len());
                    assert!(start + tile.end * ld <= c.len());
                    // SAFETY: the operands are there; the rows of this tile in the panel of sums.
                    unsafe { run(planes, pair, c.as_mut_ptr().wrapping_add(start + tile.start * ld), ld) };
                });
            }
            finite &= self.scatter((&segments, tiles), (&sums, y_ld), some, bias, (results, to))?;
        }
        Ok(finite)
    }
}

/// Groups of rows of tiles whose sums are made on their own: a number that does not depend on threads.
const GROUPS: usize = 2;

/// Adds `scale` times the weights' gradient to `gw` (planes of `go` x planes of `x` x 3 x 3), where `go` is the gradient of an
/// output of `x` with `pad` zeros around. Whether all is finite: if not, nothing was added.
///
/// # Errors
/// Not enough memory.
///
/// # Panics
/// Slices that do not have these sizes; more than two zeros around.
pub fn weight_gradient<T: Multiply>(
    outputs: Outputs,
    (x, planes, pad): (&[T], Planes, usize),
    (go, results): (&[T], Planes),
    scale: T,
    gw: &mut [T],
) -> Result<bool> {
    let batch = go.len().checked_div(results.sample_len()).unwrap_or(0);
    assert!(pad <= 2 && x.len() == batch * planes.sample_len() && go.len() == batch * results.sample_len());
    assert!(gw.len() == 9 * planes.count * results.count);
    if go.is_empty() || x.is_empty() {
        return Ok(false);
    }
    let plan = Plan::<T>::new(outputs, results);
    let lanes = plan.kernels.lanes;
    let ld = planes.count * plan.whole(results.count) + lanes;
    let len = plan.places() * ld;
    let rows = batch * plan.tiles[0];
    let groups: Vec<_> = parts(rows, rows.div_ceil(GROUPS)).collect();
    let mut sums = Workspace::<T>::new(groups.len() * len)?;
    let cost = len.saturating_mul(rows * plan.tiles[1] / GROUPS);
    try_share(crate::tensor::access::Rows::new(&mut sums, len), cost, |first, some| {
        (first..)
            .zip(some.into_rows())
            .try_for_each(|(g, sums)| plan.group((x, planes, pad), (go, results), groups[g].clone(), sums, ld))
    })?;
    // SAFETY: whole vectors of sums; gaps between places were written as 0.
    if !unsafe { (plan.kernels.finite)(sums.as_ptr(), sums.len() / lanes) } {
        return Ok(false);
    }
    let to = RawSlice::new(gw);
    each(planes.count, plan.places() * plan.whole(results.count) * groups.len(), |c| {
        let mut window = [T::ZERO; 9 * super::vectors::LANES];
        for v in 0..results.count.div_ceil(lanes) {
            for g in 0..groups.len() {
                let from = &sums[g * len + (c * results.count.div_ceil(lanes) + v) * lanes..(g + 1) * len];
                assert!((plan.places() - 1) * ld + lanes <= from.len());
                // SAFETY: a square inside of the slice; a window of nine vectors.
                unsafe {
                    (plan.w.grad_window)(from.as_ptr(), [ld * plan.side(), ld], window.as_mut_ptr(), [3 * lanes, lanes])
                };
                for (o, k) in (0..lanes.min(results.count - v * lanes)).flat_map(|o| (0..9).map(move |k| (o, k))) {
                    let at = ((v * lanes + o) * planes.count + c) * 9 + k;
                    // SAFETY: an element of this plane's gradient, which no other item has.
                    unsafe { *to.at(at as isize) = (*to.at(at as isize)).add(scale.mul(window[k * lanes + o])) };
                }
            }
        }
        Ok(())
    })?;
    Ok(true)
}

impl<T: Multiply> Plan<T> {
    /// The sums of a group of rows of tiles.
    fn group(
        &self,
        (x, planes, pad): (&[T], Planes, usize),
        (go, results): (&[T], Planes),
        rows: Range<usize>,
        sums: &mut [T],
        ld: usize,
    ) -> Result<()> {
        let (lanes, vectors) = (self.kernels.lanes, results.count.div_ceil(self.kernels.lanes));
        let (deep, outs) = (self.whole(planes.count), self.whole(results.count));
        let mut tile_sums = [T::ZERO; super::kernels::TALL * 2 * super::vectors::LANES];
        let (to_rows, to_cols) = (Offsets::steps(planes.count, outs), Offsets::steps(outs, 1));
        sums.chunks_mut(ld).for_each(|place| place[ld - lanes..].fill(T::ZERO));
        let mut end = Epilogue::PLAIN;
        for job in parts(rows.len(), self.fit(deep.max(outs))) {
            let segments = self.segments(rows.start + job.start..rows.start + job.end);
            let tiles = job.len() * self.tiles[1];
            let (x_ld, y_ld) = (tiles * deep + lanes, tiles * outs + lanes);
            let mut image = Workspace::<T>::new(self.places() * x_ld)?;
            let target = Target { to: &mut image, place_ld: x_ld, at: &|v| (v * lanes, deep) };
            // SAFETY: the transform of images.
            unsafe { self.gather(Image { data: x, planes, pad, side: self.side() }, self.w.image, &segments, target)? };
            let mut grad = Workspace::<T>::new(self.places() * y_ld)?;
            let target = Target { to: &mut grad, place_ld: y_ld, at: &|v| self.panel(v, vectors, tiles) };
            let from = Image { data: go, planes: results, pad: 0, side: self.w.m };
            // SAFETY: the transform of gradients, whose squares have that side.
            unsafe { self.gather(from, self.w.grad_output, &segments, target)? };
            let (a_rows, a_steps) = (Offsets::steps(planes.count, 1), Offsets::steps(tiles, deep));
            for place in 0..self.places() {
                let (a, b) = (&image[place * x_ld..][..x_ld], &grad[place * y_ld..][..y_ld]);
                let c = &mut sums[place * ld..][..ld];
                self.products(a, &a_rows, &a_steps, (b, None, vectors), |pair, tile, v| {
                    let wide = Self::wide(v, vectors) * lanes;
                    let (rows, cols) = (&to_rows.list()[tile.clone()], &to_cols.list()[v * lanes..v * lanes + wide]);
                    let run = self.kernels.tile(Operands::ByTable, wide / lanes, tile.len());
                    // SAFETY: the operands are there, the tile has room, and its place in the sums is inside.
                    unsafe {
                        run(tiles, pair, tile_sums.as_mut_ptr(), wide);
                        (self.kernels.finish)(tile_sums.as_ptr(), wide, c.as_mut_ptr(), rows, cols, end);
                    }
                });
            }
            end.beta = T::ONE;
        }
        Ok(())
    }
}
