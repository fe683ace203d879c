//! Products of views.

use super::kernels::{Epilogue, Kernels, Multiply, Operands, Pair, TALL, WIDE};
use super::vectors::LANES;
use super::views::{View, ViewMut};
use crate::tensor::access::{RawSlice, Workspace};
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
pub fn multiply<T: Multiply>(a: View<T>, b: &Panels<T>, mut c: ViewMut<T>, pack: bool, end: Epilogue<T>) -> Result<()> {
    let (k, kernels, panels) = (a.cols().len(), b.kernels, b.shape());
    agree(&a, [b.filled, b.cols], &c, &end);
    if a.rows().is_empty() || b.cols == 0 {
        return Ok(());
    }
    let mut tile = [T::ZERO; TALL * WIDE * LANES];
    let how = if pack { Operands::Packed } else { Operands::ByTable };
    let most = kernels.most_rows(how, if panels.vectors() % PAIR == 1 && panels.vectors() > 1 { WIDE } else { PAIR });
    // packing writes whole vectors, the last one behind its panel
    let mut room = Workspace::<T>::new(if pack { k * most + LANES } else { 0 })?;
    let whole = end.is_biased() && is_plain(c.rows(), c.cols());
    for rows in parts(a.rows().len(), most) {
        let a_rows = &a.rows()[rows.clone()];
        if pack {
            // SAFETY: the view's elements are there, and the room is as large as packing wants it.
            unsafe { (kernels.pack)(a.first(), a.cols(), a_rows, a_rows.len(), room.as_mut_ptr()) };
        }
        for i in 0..panels.count() {
            let (cols, wide) = panels.panel(i);
            let (c_rows, c_cols) = (&c.rows()[rows.clone()], &c.cols()[cols.clone()]);
            let run = kernels.tile(how, wide / kernels.lanes, a_rows.len());
            let whole = whole && cols.len() == wide;
            let pair = Pair {
                // SAFETY: read by the tiles below alone.
                a: if pack { room.as_ptr() } else { unsafe { a.first() } },
                rows: a_rows,
                steps: a.cols(),
                b: b.data.as_ptr().wrapping_add(panels.start(i)),
                ld: wide,
                start: &[],
                bias: if whole { end.part(rows.clone(), cols.clone()).col_bias } else { &[] },
            };
            if whole {
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
    let end = Epilogue { alpha, beta: T::ONE, ..Epilogue::PLAIN };
    // SAFETY: the rows are there in whole vectors; elements of `c` are nobody else's.
    unsafe { (kernels.finish)(sums.as_ptr(), ld, c.first(), c.rows(), c.cols(), end) };
}
