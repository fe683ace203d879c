//! Products of views.

use super::kernels::{Epilogue, Kernels, Multiply, Operands, Pair, TALL, WIDE};
use super::vectors::LANES;
use super::views::{View, ViewMut};
use crate::tensor::access::Workspace;
use crate::tensor::error::Result;
use crate::tensor::threads;
use std::ops::Range;

/// Vectors of a panel.
const PAIR: usize = 2;

/// A right operand in panels of two vectors of columns; the last one may have one or three.
pub struct Panels<T: 'static> {
    kernels: &'static Kernels<T>,
    data: Workspace<T>,
    /// Rows that there is room for, and those that are filled.
    depth: usize,
    filled: usize,
    cols: usize,
}

/// Room that jobs share, each of which writes a part of its own.
#[derive(Clone, Copy)]
pub(super) struct Room<T>(pub(super) *mut T);
// SAFETY: jobs write parts of their own.
unsafe impl<T: Send> Sync for Room<T> {}

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
        let (rows, at) = (b.rows().len(), self.filled);
        assert!(b.cols().len() == self.cols && rows <= self.depth - at, "{rows} rows of {} columns", b.cols().len());
        let room = Room(self.data.as_mut_ptr());
        let this = &*self;
        share(this.count(), &|first, n| {
            // the whole of it, not the pointer alone, goes to threads
            let room = &room;
            for i in first..first + n {
                let (cols, wide) = this.panel(i);
                let to = room.0.wrapping_add(this.start(i) + at * wide);
                // SAFETY: the view's elements are there; the panel has room for whole vectors of `rows` more rows,
                // a vector never reaches behind its row, and nobody else writes this panel.
                unsafe { (this.kernels.pack)(b.first(), b.rows(), &b.cols()[cols], wide, to) };
            }
        });
        self.filled += rows;
    }

    fn vectors(&self) -> usize {
        self.cols.div_ceil(self.kernels.lanes)
    }

    /// How many panels there are.
    pub fn count(&self) -> usize {
        (self.vectors() / PAIR).max(1)
    }

    /// Where a panel starts.
    fn start(&self, i: usize) -> usize {
        i * PAIR * self.kernels.lanes * self.depth
    }

    /// The columns of a panel, and the elements of its rows.
    fn panel(&self, i: usize) -> (Range<usize>, usize) {
        let lanes = self.kernels.lanes;
        let first = i * PAIR * lanes;
        let vectors = if i + 1 == self.count() { self.vectors() - PAIR * i } else { PAIR };
        (first.min(self.cols)..(first + vectors * lanes).min(self.cols), vectors * lanes)
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

/// `c = alpha a b + bias + beta c` on this thread, the sum of each element in the order of the steps. `pack` copies the rows of
/// `a` first, which pays where they serve several panels.
///
/// # Errors
/// Not enough memory.
///
/// # Panics
/// Sizes that do not agree.
pub fn multiply<T: Multiply>(a: View<T>, b: &Panels<T>, c: ViewMut<T>, pack: bool, end: Epilogue<T>) -> Result<()> {
    let (k, kernels) = (a.cols().len(), b.kernels);
    agree(&a, [b.filled, b.cols], &c, &end);
    if a.rows().is_empty() || b.cols == 0 {
        return Ok(());
    }
    let mut tile = [T::ZERO; TALL * WIDE * LANES];
    let how = if pack { Operands::Packed } else { Operands::ByTable };
    let most = kernels.most_rows(how, if b.vectors() % PAIR == 1 && b.vectors() > 1 { WIDE } else { PAIR });
    // packing writes whole vectors, the last one behind its panel
    let mut room = Workspace::<T>::new(if pack { k * most + LANES } else { 0 })?;
    let whole = end.is_plain() && is_plain(c.rows(), c.cols());
    for rows in parts(a.rows().len(), most) {
        let a_rows = &a.rows()[rows.clone()];
        if pack {
            // SAFETY: the view's elements are there, and the room is as large as packing wants it.
            unsafe { (kernels.pack)(a.first(), a.cols(), a_rows, a_rows.len(), room.as_mut_ptr()) };
        }
        for i in 0..b.count() {
            let (cols, wide) = b.panel(i);
            let (c_rows, c_cols) = (&c.rows()[rows.clone()], &c.cols()[cols.clone()]);
            let run = kernels.tile(how, wide / kernels.lanes, a_rows.len());
            let pair = Pair {
                a: if pack { room.as_ptr() } else { a.first() },
                rows: a_rows,
                steps: a.cols(),
                b: b.data.as_ptr().wrapping_add(b.start(i)),
                ld: wide,
                start: &[],
            };
            if whole && cols.len() == wide {
                let ld = c_rows.get(1).map_or(0, |r| r - c_rows[0]);
                // SAFETY: the sizes agree, the operands are there, and the tile is a part of `c` row by row.
                unsafe { run(k, &pair, c.first().wrapping_add(c_rows[0] + c_cols[0]), ld) };
                continue;
            }
            // SAFETY: as above; the tile has room for the largest. What is stored are elements of `c`, which are
            // nobody else's.
            unsafe {
                run(k, &pair, tile.as_mut_ptr(), wide);
                (kernels.finish)(tile.as_ptr(), wide, c.first(), c_rows, c_cols, end.part(rows.clone(), cols));
            }
        }
    }
    Ok(())
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
    let c = c.reborrow();
    let end = Epilogue { alpha, beta: T::ONE, ..Epilogue::PLAIN };
    // SAFETY: the rows are there in whole vectors; elements of `c` are nobody else's.
    unsafe { (kernels.finish)(sums.as_ptr(), ld, c.first(), c.rows(), c.cols(), end) };
}
