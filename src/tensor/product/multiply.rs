//! Products of views.

use super::kernels::{Epilogue, Kernels, Multiply, Operands, Pair, TALL, WIDE};
use super::vectors::LANES;
use super::views::{View, ViewMut};
use crate::tensor::access::{Divide, RawSlice, Workspace, try_share};
use crate::tensor::error::Result;
use crate::tensor::threads;
use std::ops::Range;

/// Vectors of a panel.
const PAIR: usize = 2;

/// Bytes of panels up to which a core keeps them near while it goes through the rows of the left operand. With more of them
/// each is read once, for all rows.
const NEAR: usize = 1 << 20;

/// Rows whose sums are written together where they do not go straight to the result: its lines may be far apart, and are better
/// written once than by every tile.
const BLOCK: usize = 48;

/// A right operand in panels of two vectors of columns; the last one may have one or three.
pub struct Panels<T: 'static> {
    kernels: &'static Kernels<T>,
    data: Workspace<T>,
    /// Rows that there is room for, and those that are filled.
    depth: usize,
    filled: usize,
    cols: usize,
}

impl<T: Multiply> Panels<T> {
    /// Room for a matrix of `depth` rows.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn new(depth: usize, cols: usize) -> Result<Panels<T>> {
        let kernels = T::kernels();
        let data = Workspace::new(depth.saturating_mul(cols.next_multiple_of(kernels.lanes)))?;
        Ok(Panels { kernels, data, depth, filled: 0, cols })
    }

    /// The panels of a matrix, packed by several threads where there is enough to do.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn pack(b: View<T>) -> Result<Panels<T>> {
        let mut panels = Panels::new(b.rows().len(), b.cols().len())?;
        let cost = b.rows().len().saturating_mul(PAIR * panels.kernels.lanes);
        panels.fill(b, |count, fill| threads::split(count, cost, fill));
        Ok(panels)
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// How many columns they have.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Adds a matrix below the rows that are there.
    ///
    /// # Panics
    /// Another number of columns, more rows than there is room for.
    pub fn push(&mut self, b: View<T>) {
        self.fill(b, |count, fill| fill(0, count));
    }

    /// Adds a matrix, whose panels `share` hands out: `fill(first, how many)` for each part of all.
    fn fill(&mut self, b: View<T>, share: impl FnOnce(usize, &(dyn Fn(usize, usize) + Sync))) {
        let (rows, at, kernels) = (b.rows().len(), self.filled, self.kernels);
        assert!(b.cols().len() == self.cols && rows <= self.depth - at, "{rows} rows of {} columns", b.cols().len());
        let shape = self.shape();
        let room = RawSlice::new(&mut self.data);
        share(shape.count(), &|first, n| {
            for i in first..first + n {
                let (cols, wide) = shape.panel(i);
                // SAFETY: the view's elements are there; the panel has room for whole vectors of `rows` more rows,
                // a vector never reaches behind its row, and nobody else writes this panel.
                unsafe {
                    let to = room.at((shape.start(i) + at * wide) as isize);
                    (kernels.pack)(b.first(), b.rows(), &b.cols()[cols], wide, to);
                }
            }
        });
        self.filled += rows;
    }

    /// How many panels there are.
    pub fn count(&self) -> usize {
        self.shape().count()
    }

    fn shape(&self) -> Shape {
        Shape { lanes: self.kernels.lanes, depth: self.depth, cols: self.cols }
    }
}

/// How panels lie.
#[derive(Clone, Copy)]
struct Shape {
    lanes: usize,
    depth: usize,
    cols: usize,
}

impl Shape {
    fn vectors(self) -> usize {
        self.cols.div_ceil(self.lanes)
    }

    /// How many panels there are.
    fn count(self) -> usize {
        (self.vectors() / PAIR).max(1)
    }

    /// Where a panel starts.
    fn start(self, i: usize) -> usize {
        i * PAIR * self.lanes * self.depth
    }

    /// The columns of a panel, and the elements of its rows.
    fn panel(self, i: usize) -> (Range<usize>, usize) {
        let first = i * PAIR * self.lanes;
        let vectors = if i + 1 == self.count() { self.vectors() - PAIR * i } else { PAIR };
        (first.min(self.cols)..(first + vectors * self.lanes).min(self.cols), vectors * self.lanes)
    }

    /// The first column of a panel.
    fn start_column(self, i: usize) -> usize {
        (i * PAIR * self.lanes).min(self.cols)
    }

    /// The columns of some panels.
    fn columns(self, panels: &Range<usize>) -> Range<usize> {
        let end = if panels.end == self.count() { self.cols } else { self.start_column(panels.end) };
        self.start_column(panels.start).min(end)..end
    }
}

/// Parts of `n` as equal as can be, none longer than `most`: a short last tile would waste the most.
pub fn parts(n: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let count = n.div_ceil(most.max(1));
    (0..count).map(move |i| i * n / count..(i + 1) * n / count)
}

/// Whether tiles can go straight to a result: rows without gaps, equally far apart.
pub(super) fn is_plain(rows: &[usize], cols: &[usize]) -> bool {
    let even = rows.windows(3).all(|w| w[2].wrapping_sub(w[1]) == w[1].wrapping_sub(w[0]));
    even && cols.windows(2).all(|w| w[1] == w[0] + 1) && rows.is_sorted()
}

/// `c = alpha a b + bias + beta c` on this thread, the sum of each element in the order of the steps. `pack` lets it copy the rows
/// of `a` first, which may pay where they serve several panels.
///
/// # Errors
/// Not enough memory.
///
/// # Panics
/// Sizes that do not agree.
pub fn multiply<T: Multiply>(a: View<T>, b: &Panels<T>, c: ViewMut<T>, pack: bool, end: Epilogue<T>) -> Result<()> {
    agree(&a, [b.filled, b.cols], &c, &end);
    Product { a, b, panels: 0..b.count(), end }.run(c, pack)
}

/// As [`multiply`], by threads that share the panels: each reads all of `a`, and its own part of `b`.
///
/// # Errors
/// Not enough memory.
///
/// # Panics
/// Sizes that do not agree.
pub fn multiply_by_panels<T: Multiply>(a: View<T>, b: &Panels<T>, c: ViewMut<T>, end: Epilogue<T>) -> Result<()> {
    agree(&a, [b.filled, b.cols], &c, &end);
    let (rows, cost) = (a.rows().len(), a.rows().len().saturating_mul(a.cols().len()) * PAIR);
    try_share(Columns { c: c.t(), shape: b.shape(), panels: 0..b.count() }, cost, |_, part| {
        let end = end.part(0..rows, b.shape().columns(&part.panels));
        Product { a, b, panels: part.panels, end }.run(part.c.t(), false)
    })
}

/// The columns of a result that some panels make; here they are rows.
struct Columns<'a, T> {
    c: ViewMut<'a, T>,
    shape: Shape,
    panels: Range<usize>,
}

impl<T: Send> Divide for Columns<'_, T> {
    fn items(&self) -> usize {
        self.panels.len()
    }

    fn cut(self, n: usize) -> (Self, Self) {
        let at = (self.panels.start + n).min(self.panels.end);
        let (left, right) = (self.panels.start..at, at..self.panels.end);
        let (a, b) = self.c.cut(self.shape.columns(&left).len());
        (Columns { c: a, panels: left, ..self }, Columns { c: b, panels: right, ..self })
    }
}

/// A product with some of the panels of its right operand, and what becomes of it.
struct Product<'a, T: 'static> {
    a: View<'a, T>,
    b: &'a Panels<T>,
    panels: Range<usize>,
    end: Epilogue<'a, T>,
}

impl<T: Multiply> Product<'_, T> {
    /// Computes it on this thread.
    fn run(&self, mut c: ViewMut<T>, pack: bool) -> Result<()> {
        let (a, kernels, shape) = (&self.a, self.b.kernels, self.b.shape());
        if a.rows().is_empty() || c.cols().is_empty() {
            return Ok(());
        }
        let k = a.cols().len();
        // which pays for taller tiles
        let pack = pack && kernels.most_rows(Operands::Packed, PAIR) > kernels.most_rows(Operands::ByTable, PAIR);
        let mut room = [T::ZERO; TALL * WIDE * LANES];
        let how = if pack { Operands::Packed } else { Operands::ByTable };
        let odd = shape.vectors() % PAIR == 1 && shape.vectors() > 1;
        let most = kernels.most_rows(how, if odd { WIDE } else { PAIR });
        let plain = self.end.is_biased() && is_plain(c.rows(), c.cols());
        if !plain && !pack {
            return self.by_blocks(c, most);
        }
        if !pack && self.is_far() {
            for i in self.panels.clone() {
                let next = self.panel_after(i);
                for (n, rows) in parts(a.rows().len(), most).enumerate() {
                    self.tile(i, rows, None, (next, n), (&mut c, plain), &mut room);
                }
            }
            return Ok(());
        }
        // packing writes whole vectors, the last one behind its panel
        let mut strip = Workspace::<T>::new(if pack { k * most + LANES } else { 0 })?;
        for rows in parts(a.rows().len(), most) {
            if pack {
                let rows = &a.rows()[rows.clone()];
                // SAFETY: the view's elements are there, and the strip is as large as packing wants it.
                unsafe { (kernels.pack)(a.first(), a.cols(), rows, rows.len(), strip.as_mut_ptr()) };
            }
            for i in self.panels.clone() {
                self.tile(i, rows.clone(), pack.then_some(&strip[..]), (None, 0), (&mut c, plain), &mut room);
            }
        }
        Ok(())
    }

    /// Whether the panels are more than a core keeps near.
    fn is_far(&self) -> bool {
        let columns = self.b.shape().columns(&self.panels).len();
        columns.saturating_mul(self.a.cols().len()).saturating_mul(size_of::<T>()) > NEAR
    }

    /// The panel that is read after one, where there is one.
    fn panel_after(&self, i: usize) -> Option<&[T]> {
        (i + 1 < self.panels.end).then(|| &self.b.data[self.b.shape().start(i + 1)..])
    }

    /// The columns of a panel in the result, and the elements of its rows.
    #[inline(always)]
    fn columns(&self, i: usize) -> (Range<usize>, usize) {
        let (cols, wide) = self.b.shape().panel(i);
        let before = self.b.shape().start_column(self.panels.start);
        (cols.start - before..cols.end - before, wide)
    }

    /// The operands of a tile of some rows and one panel; `strip` has the rows where they are packed.
    #[inline(always)]
    fn pair<'a>(&'a self, i: usize, rows: Range<usize>, strip: Option<&[T]>, bias: &'a [T]) -> Pair<'a, T> {
        let b = self.b.data.as_ptr().wrapping_add(self.b.shape().start(i));
        Pair {
            // SAFETY: read by the tile that gets the pair alone.
            a: strip.map_or_else(|| unsafe { self.a.first() }, <[T]>::as_ptr),
            rows: &self.a.rows()[rows],
            steps: self.a.cols(),
            b,
            ld: self.b.shape().panel(i).1,
            ahead: b,
            start: &[],
            bias,
        }
    }

    /// Computes it block by block of rows, or, with many panels, panel by panel.
    fn by_blocks(&self, mut c: ViewMut<T>, most: usize) -> Result<()> {
        let rows = self.a.rows().len();
        let block = BLOCK.max(most).min(rows);
        let mut room = Workspace::new(block * WIDE * self.b.kernels.lanes)?;
        if self.is_far() {
            for i in self.panels.clone() {
                let next = self.panel_after(i);
                for (n, rows) in parts(rows, block).enumerate() {
                    self.block(i, rows, most, next.filter(|_| n == 0), &mut c, &mut room);
                }
            }
        } else {
            for rows in parts(rows, block) {
                self.panels.clone().for_each(|i| self.block(i, rows.clone(), most, None, &mut c, &mut room));
            }
        }
        Ok(())
    }

    /// Some rows of one panel, in tiles of at most so many, which stay in `room` until all of them are there; `next` is the panel
    /// that is read next.
    fn block(&self, i: usize, rows: Range<usize>, most: usize, next: Option<&[T]>, c: &mut ViewMut<T>, room: &mut [T]) {
        let (kernels, k, (cols, wide)) = (self.b.kernels, self.a.cols().len(), self.columns(i));
        assert!(room.len() >= rows.len() * wide, "no room for {} rows", rows.len());
        for (n, some) in parts(rows.len(), most).enumerate() {
            let run = kernels.tile(Operands::ByTable, wide / kernels.lanes, some.len());
            let at = some.start;
            let pair = self.pair(i, rows.start + some.start..rows.start + some.end, None, &[]);
            // SAFETY: the sizes agree, the operands are there, and there is room for the tile.
            unsafe { run(k, &pair.before(next, n), room.as_mut_ptr().wrapping_add(at * wide), wide) };
        }
        let (c_rows, c_cols) = (&c.rows()[rows.clone()], &c.cols()[cols.clone()]);
        // SAFETY: all of these rows stand in the room, and those of `c` are nobody else's.
        unsafe { (kernels.finish)(room.as_ptr(), wide, c.first(), c_rows, c_cols, self.end.part(rows, cols)) };
    }

    /// Some rows of one panel; `strip` has the rows of `a` where they are packed, `next` the panel that is read next, and `n`
    /// which tile of this one it is. Where the result is `plain`, whole vectors go straight to it; else to `room` first.
    #[inline(always)]
    fn tile(
        &self,
        i: usize,
        rows: Range<usize>,
        strip: Option<&[T]>,
        (next, n): (Option<&[T]>, usize),
        (c, plain): (&mut ViewMut<T>, bool),
        room: &mut [T; TALL * WIDE * LANES],
    ) {
        let (kernels, k, (cols, wide)) = (self.b.kernels, self.a.cols().len(), self.columns(i));
        let (c_rows, c_cols) = (&c.rows()[rows.clone()], &c.cols()[cols.clone()]);
        let how = if strip.is_some() { Operands::Packed } else { Operands::ByTable };
        let run = kernels.tile(how, wide / kernels.lanes, rows.len());
        let plain = plain && cols.len() == wide;
        let bias = if plain { self.end.part(rows.clone(), cols.clone()).col_bias } else { &[] };
        let pair = self.pair(i, rows.clone(), strip, bias).before(next, n);
        if plain {
            let ld = c_rows.get(1).map_or(0, |r| r - c_rows[0]);
            // SAFETY: the sizes agree, the operands are there, and the tile is a part of `c` row by row.
            unsafe { run(k, &pair, c.first().wrapping_add(c_rows[0] + c_cols[0]), ld) };
            return;
        }
        // SAFETY: as above; the room holds the largest tile. What is stored are elements of `c`, which are nobody else's.
        unsafe {
            run(k, &pair, room.as_mut_ptr(), wide);
            (kernels.finish)(room.as_ptr(), wide, c.first(), c_rows, c_cols, self.end.part(rows, cols));
        }
    }
}

#[track_caller]
fn agree<T: Multiply>(a: &View<T>, b: [usize; 2], c: &ViewMut<T>, end: &Epilogue<T>) {
    let fits = a.cols().len() == b[0] && a.rows().len() == c.rows().len() && b[1] == c.cols().len();
    let sizes = [a.rows().len(), a.cols().len(), b[0], b[1], c.rows().len(), c.cols().len()];
    assert!(fits, "products of matrices with sizes {sizes:?}");
    let biased = |bias: &[T], n: usize| bias.is_empty() || bias.len() == n;
    assert!(biased(end.row_bias, c.rows().len()) && biased(end.col_bias, c.cols().len()), "a bias for {sizes:?}");
}

/// Adds `alpha` times a row-major matrix to `c`: sums of products on their way to where they belong.
///
/// # Panics
/// Sizes that do not agree.
pub fn add<T: Multiply>(alpha: T, sums: &[T], mut c: ViewMut<T>) {
    let (kernels, rows, cols) = (T::kernels(), c.rows().len(), c.cols().len());
    let ld = cols.next_multiple_of(kernels.lanes);
    assert!(rows.checked_mul(ld).is_some_and(|n| n <= sums.len()), "{rows} rows of {ld} elements");
    let end = Epilogue { alpha, beta: T::ONE, ..Epilogue::PLAIN };
    // SAFETY: the rows are there in whole vectors; elements of `c` are nobody else's.
    unsafe { (kernels.finish)(sums.as_ptr(), ld, c.first(), c.rows(), c.cols(), end) };
}
