//! Matrices whose elements may lie anywhere on a grid of offsets: element (i, j) at `rows[i] + cols[j]`.
//!
//! Matrices with strides, transposed ones, the windows of an image (a table for pixels, one for places in the window),
//! flipped weights and the target of a fold are all that.

use crate::tensor::access::Divide;
use std::marker::PhantomData;
use std::ops::Range;

/// Offsets of the rows, or of the columns, of matrices.
#[derive(Clone, Debug)]
pub struct Offsets {
    list: Vec<usize>,
    least: usize,
    most: usize,
    /// The least distance between neighbours where they ascend, else 0.
    gap: usize,
}

impl Offsets {
    /// These offsets.
    pub fn new(list: Vec<usize>) -> Offsets {
        let (least, most) = list.iter().fold((usize::MAX, 0), |(a, b), &v| (a.min(v), b.max(v)));
        let gap = list.windows(2).map(|w| w[1].saturating_sub(w[0])).min().unwrap_or(usize::MAX);
        Offsets { list, least, most, gap }
    }

    /// `n` multiples of a stride.
    pub fn steps(n: usize, stride: usize) -> Offsets {
        Offsets::new((0..n).map(|i| i * stride).collect())
    }

    /// All points of a grid from `first` on: `counts` of them in each dimension, so many elements apart, the last
    /// dimension fastest.
    pub fn grid(first: usize, counts: &[usize], strides: &[usize]) -> Offsets {
        let mut list = Vec::with_capacity(counts.iter().product());
        let Some((&n, &stride)) = counts.last().zip(strides.last()) else { return Offsets::new(vec![first]) };
        let lines: usize = counts[..counts.len() - 1].iter().product();
        for line in 0..lines {
            let (mut at, mut rest) = (first, line);
            for (&n, &stride) in counts[..counts.len() - 1].iter().zip(strides).rev() {
                at += rest % n * stride;
                rest /= n;
            }
            list.extend((0..n).map(|i| at + i * stride));
        }
        Offsets::new(list)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The offsets.
    pub fn list(&self) -> &[usize] {
        &self.list
    }

    /// Whether no two positions of a matrix with these rows and columns are one element.
    fn distinct(&self, cols: &Offsets) -> bool {
        let apart = |far: &Offsets, near: &Offsets| {
            near.gap > 0 && far.gap > 0 && (far.len() <= 1 || far.gap > near.most.saturating_sub(near.least))
        };
        apart(self, cols) || apart(cols, self)
    }
}

/// A matrix to read. All its elements can be reached, and nobody writes them during its lifetime.
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    first: *const T,
    rows: &'a [usize],
    cols: &'a [usize],
    life: PhantomData<&'a [T]>,
}

// SAFETY: it stands for a shared slice.
unsafe impl<T: Sync> Send for View<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for View<'_, T> {}

/// A matrix to write. All its elements can be reached, and nobody else uses them during its lifetime.
pub struct ViewMut<'a, T> {
    first: *mut T,
    rows: &'a [usize],
    cols: &'a [usize],
    /// Whether no two positions are one element.
    distinct: bool,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a mutable slice.
unsafe impl<T: Send> Send for ViewMut<'_, T> {}
// SAFETY: a shared reference to it reads its sizes alone.
unsafe impl<T: Sync> Sync for ViewMut<'_, T> {}

/// Fails unless all elements of a matrix lie in a slice.
#[track_caller]
fn check(len: usize, rows: &Offsets, cols: &Offsets) {
    let inside = rows.is_empty() || cols.is_empty() || rows.most.checked_add(cols.most).is_some_and(|at| at < len);
    assert!(inside, "a matrix with offsets up to {} and {} in {len} elements", rows.most, cols.most);
}

impl<'a, T> View<'a, T> {
    /// The matrix of these rows and columns of a slice.
    ///
    /// # Panics
    /// Offsets that lead outside.
    pub fn new(data: &'a [T], rows: &'a Offsets, cols: &'a Offsets) -> View<'a, T> {
        check(data.len(), rows, cols);
        View { first: data.as_ptr(), rows: &rows.list, cols: &cols.list, life: PhantomData }
    }

    /// Rows and columns exchanged.
    pub fn t(self) -> Self {
        View { rows: self.cols, cols: self.rows, ..self }
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// Rows that are not there.
    pub fn row_range(self, rows: Range<usize>) -> Self {
        View { rows: &self.rows[rows], ..self }
    }

    /// Some of the columns.
    ///
    /// # Panics
    /// Columns that are not there.
    pub fn col_range(self, cols: Range<usize>) -> Self {
        View { cols: &self.cols[cols], ..self }
    }

    /// From where offsets count.
    ///
    /// # Safety
    /// Only elements of the matrix are read from there.
    pub(super) unsafe fn first(&self) -> *const T {
        self.first
    }

    /// Offsets of the rows.
    pub fn rows(&self) -> &'a [usize] {
        self.rows
    }

    /// Offsets of the columns.
    pub fn cols(&self) -> &'a [usize] {
        self.cols
    }
}

impl<'a, T> ViewMut<'a, T> {
    /// The matrix of these rows and columns of a slice. Where positions share elements, it takes additions alone, and cannot
    /// be divided.
    ///
    /// # Panics
    /// Offsets that lead outside.
    pub fn new(data: &'a mut [T], rows: &'a Offsets, cols: &'a Offsets) -> ViewMut<'a, T> {
        check(data.len(), rows, cols);
        let distinct = rows.distinct(cols);
        ViewMut { first: data.as_mut_ptr(), rows: &rows.list, cols: &cols.list, distinct, life: PhantomData }
    }

    /// Rows and columns exchanged.
    pub fn t(self) -> Self {
        ViewMut { rows: self.cols, cols: self.rows, ..self }
    }

    /// The same matrix for a shorter time.
    pub fn reborrow(&mut self) -> ViewMut<'_, T> {
        ViewMut { life: PhantomData, ..*self }
    }

    /// From where offsets count.
    ///
    /// # Safety
    /// Only elements of the matrix are used from there, and only while this is borrowed.
    pub(super) unsafe fn first(&mut self) -> *mut T {
        self.first
    }

    /// Offsets of the rows.
    pub fn rows(&self) -> &'a [usize] {
        self.rows
    }

    /// Offsets of the columns.
    pub fn cols(&self) -> &'a [usize] {
        self.cols
    }
}

/// Cut between rows.
impl<T: Send> Divide for ViewMut<'_, T> {
    fn items(&self) -> usize {
        self.rows.len()
    }

    /// # Panics
    /// Positions that share elements.
    fn cut(self, n: usize) -> (Self, Self) {
        assert!(self.distinct, "a matrix whose positions share elements cannot be divided");
        let (a, b) = self.rows.split_at(n.min(self.rows.len()));
        (ViewMut { rows: a, ..self }, ViewMut { rows: b, ..self })
    }
}
