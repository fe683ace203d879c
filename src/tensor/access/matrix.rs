//! Matrices of any strides, with a lifetime: what products read and write.

use super::deferred::take_zeros;
use super::loans::{self, deliver, give_back};
use super::share::Divide;
use super::{RawSlice, Source, in_use, lend};
use crate::tensor::Tensor;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::map::fill;
use crate::tensor::ops::copy::clone;
use crate::tensor::shape::Extents;
use std::marker::PhantomData;

/// Sizes and strides of a matrix.
#[derive(Clone, Copy)]
pub(in crate::tensor) struct Form {
    rows: usize,
    cols: usize,
    rs: isize,
    cs: isize,
}

impl Form {
    #[inline(always)]
    pub(super) fn new(rows: usize, cols: usize, rs: isize, cs: isize) -> Form {
        Form { rows, cols, rs, cs }
    }

    /// A tensor of one dimension (as a column) or two.
    #[inline(always)]
    pub(in crate::tensor) fn of(e: Extents<'_>) -> Form {
        let at = |d: usize| (e.sizes.get(d).copied().unwrap_or(1), e.strides.get(d).copied().unwrap_or(1));
        let ((rows, rs), (cols, cs)) = (at(0), at(1));
        Form { rows, cols, rs, cs }
    }

    /// How many elements lie between the first and the last, both included.
    fn span(&self) -> Option<usize> {
        if self.rows == 0 || self.cols == 0 {
            return Some(0);
        }
        let (rs, cs) = (usize::try_from(self.rs).ok()?, usize::try_from(self.cs).ok()?);
        (self.rows - 1).checked_mul(rs)?.checked_add((self.cols - 1).checked_mul(cs)?)?.checked_add(1)
    }

    /// Whether no two positions are one element: rows apart by more than they are long, or columns.
    #[inline(always)]
    fn distinct(&self) -> bool {
        // the usual case without products
        self.cs == 1 && self.rs >= self.cols.max(1) as isize || self.are_distinct()
    }

    #[inline(never)]
    fn are_distinct(&self) -> bool {
        let apart = |n: usize, far: isize, near: isize, m: usize| {
            (m <= 1 || near > 0)
                && (n <= 1 || far > 0 && far as usize > (m.max(1) - 1).saturating_mul(near.max(0) as usize))
        };
        apart(self.rows, self.rs, self.cs, self.cols) || apart(self.cols, self.cs, self.rs, self.rows)
    }
}

/// A matrix to read. All its elements can be reached, and nobody writes them during its lifetime.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    first: *const T,
    form: Form,
    life: PhantomData<&'a [T]>,
}

// SAFETY: it stands for a shared slice.
unsafe impl<T: Sync> Send for Matrix<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Matrix<'_, T> {}

/// A matrix to write. All its elements can be reached, no two are one, and nobody else uses them during its lifetime.
pub struct MatrixMut<'a, T> {
    first: *mut T,
    form: Form,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a mutable slice.
unsafe impl<T: Send> Send for MatrixMut<'_, T> {}
// SAFETY: a shared reference to it only reads.
unsafe impl<T: Sync> Sync for MatrixMut<'_, T> {}

macro_rules! both {
    ($($name:ident)*) => { $(impl<T> $name<'_, T> {
        /// Number of rows.
        #[inline(always)]
        pub fn rows(&self) -> usize {
            self.form.rows
        }
        /// Number of columns.
        #[inline(always)]
        pub fn cols(&self) -> usize {
            self.form.cols
        }
        /// Distance between rows.
        #[inline(always)]
        pub fn row_stride(&self) -> isize {
            self.form.rs
        }
        /// Distance between columns.
        #[inline(always)]
        pub fn col_stride(&self) -> isize {
            self.form.cs
        }
        #[inline(always)]
        fn place(&self, i: usize, j: usize) -> isize {
            i as isize * self.form.rs + j as isize * self.form.cs
        }
        #[inline(always)]
        fn inside(&self, i: usize, j: usize) {
            assert!(i < self.form.rows && j < self.form.cols, "element {i}, {j} of a {} x {} matrix", self.form.rows, self.form.cols);
        }
    })* };
}
both!(Matrix MatrixMut);

impl<'a, T> Matrix<'a, T> {
    /// A matrix of this form from an element on.
    ///
    /// # Safety
    /// All its elements are there during the lifetime, and nobody writes them.
    #[inline(always)]
    pub(super) unsafe fn over(first: *const T, form: Form) -> Matrix<'a, T> {
        Matrix { first, form, life: PhantomData }
    }

    /// A row-major matrix without gaps.
    ///
    /// # Panics
    /// Fewer elements than that.
    #[inline]
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Matrix<'a, T> {
        Matrix::strided(data, rows, cols, cols as isize, 1)
    }

    /// A matrix whose rows and columns are that far apart.
    ///
    /// # Panics
    /// A slice that does not hold all its elements; negative strides.
    #[inline]
    pub fn strided(data: &'a [T], rows: usize, cols: usize, rs: isize, cs: isize) -> Matrix<'a, T> {
        let form = Form { rows, cols, rs, cs };
        assert!(form.span().is_some_and(|n| n <= data.len()), "a matrix of {rows} x {cols} in {} elements", data.len());
        Matrix { first: data.as_ptr(), form, life: PhantomData }
    }

    /// Rows and columns exchanged.
    #[inline(always)]
    pub fn t(self) -> Self {
        let f = self.form;
        Matrix { form: Form { rows: f.cols, cols: f.rows, rs: f.cs, cs: f.rs }, ..self }
    }

    /// Rows `first..first + n`.
    ///
    /// # Panics
    /// Rows that are not there.
    #[inline]
    pub fn row_range(self, first: usize, n: usize) -> Self {
        assert!(first <= self.form.rows && n <= self.form.rows - first, "rows {first}, {n} of {}", self.form.rows);
        let at = self.first.wrapping_offset(first as isize * self.form.rs);
        Matrix { first: at, form: Form { rows: n, ..self.form }, ..self }
    }

    /// Columns `first..first + n`.
    ///
    /// # Panics
    /// Columns that are not there.
    #[inline]
    pub fn col_range(self, first: usize, n: usize) -> Self {
        self.t().row_range(first, n).t()
    }

    /// Where an element lies.
    ///
    /// # Safety
    /// Only elements of the matrix are read from there.
    #[inline(always)]
    pub(in crate::tensor) unsafe fn at(&self, i: usize, j: usize) -> *const T {
        self.first.wrapping_offset(self.place(i, j))
    }

    /// Row `i` as a slice, where its elements lie together.
    #[inline(always)]
    pub fn row(&self, i: usize) -> Option<&'a [T]> {
        if self.form.cs != 1 && self.form.cols > 1 || i >= self.form.rows {
            return None;
        }
        if self.form.cols == 0 {
            return Some(&[]);
        }
        // SAFETY: the row lies inside and has no gaps; nobody writes it during the lifetime.
        Some(unsafe { std::slice::from_raw_parts(self.at(i, 0), self.form.cols) })
    }

    /// All elements, row by row, where they lie together.
    pub fn flat(&self) -> Option<&'a [T]> {
        let n = self.form.cols as isize;
        if self.form.rows < 2 {
            return self.row(0);
        }
        if n == 0 || self.form.cs != 1 && n > 1 || self.form.rs != n {
            return None;
        }
        // SAFETY: as above, each row followed by the next.
        Some(unsafe { std::slice::from_raw_parts(self.at(0, 0), self.form.rows * self.form.cols) })
    }
}

impl<T: Copy> Matrix<'_, T> {
    /// The elements of row `i`, wherever they lie.
    ///
    /// # Panics
    /// A row that is not there.
    #[inline(always)]
    pub fn values(&self, i: usize) -> impl Iterator<Item = T> {
        assert!(i < self.form.rows, "row {i} of {}", self.form.rows);
        let (first, apart) = (self.first.wrapping_offset(i as isize * self.form.rs), self.form.cs);
        // SAFETY: elements of the row, which lie inside the matrix.
        (0..self.form.cols as isize).map(move |j| unsafe { *first.wrapping_offset(j * apart) })
    }

    /// The element at row `i`, column `j`.
    ///
    /// # Panics
    /// A position outside.
    #[inline(always)]
    pub fn get(&self, i: usize, j: usize) -> T {
        self.inside(i, j);
        // SAFETY: inside the matrix.
        unsafe { *self.at(i, j) }
    }
}

impl<'a, T> MatrixMut<'a, T> {
    /// A matrix of this form from an element on.
    ///
    /// # Safety
    /// All its elements are there during the lifetime, no two of them are one, and nobody else uses them.
    #[inline(always)]
    pub(super) unsafe fn over(first: *mut T, form: Form) -> MatrixMut<'a, T> {
        MatrixMut { first, form, life: PhantomData }
    }

    /// A row-major matrix without gaps.
    ///
    /// # Panics
    /// Fewer elements than that.
    #[inline]
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> MatrixMut<'a, T> {
        MatrixMut::strided(data, rows, cols, cols as isize, 1)
    }

    /// A matrix whose rows and columns are that far apart.
    ///
    /// # Panics
    /// A slice that does not hold all its elements; strides that are negative or bring two positions together.
    #[inline]
    pub fn strided(data: &'a mut [T], rows: usize, cols: usize, rs: isize, cs: isize) -> MatrixMut<'a, T> {
        let form = Form { rows, cols, rs, cs };
        assert!(form.span().is_some_and(|n| n <= data.len()), "a matrix of {rows} x {cols} in {} elements", data.len());
        assert!(form.distinct(), "a matrix of {rows} x {cols} with strides {rs}, {cs}");
        MatrixMut { first: data.as_mut_ptr(), form, life: PhantomData }
    }

    /// The same matrix for a shorter time.
    #[inline(always)]
    pub fn reborrow(&mut self) -> MatrixMut<'_, T> {
        MatrixMut { first: self.first, form: self.form, life: PhantomData }
    }

    /// The same matrix, to read.
    #[inline(always)]
    pub fn as_matrix(&self) -> Matrix<'_, T> {
        Matrix { first: self.first, form: self.form, life: PhantomData }
    }

    /// Rows and columns exchanged.
    #[inline(always)]
    pub fn t(self) -> Self {
        let f = self.form;
        MatrixMut { form: Form { rows: f.cols, cols: f.rows, rs: f.cs, cs: f.rs }, ..self }
    }

    /// Rows `first..first + n`.
    ///
    /// # Panics
    /// Rows that are not there.
    #[inline]
    pub fn row_range(self, first: usize, n: usize) -> Self {
        assert!(first <= self.form.rows && n <= self.form.rows - first, "rows {first}, {n} of {}", self.form.rows);
        let at = self.first.wrapping_offset(first as isize * self.form.rs);
        MatrixMut { first: at, form: Form { rows: n, ..self.form }, ..self }
    }

    /// Columns `first..first + n`.
    ///
    /// # Panics
    /// Columns that are not there.
    #[inline]
    pub fn col_range(self, first: usize, n: usize) -> Self {
        self.t().row_range(first, n).t()
    }

    /// Where an element lies.
    ///
    /// # Safety
    /// Only elements of the matrix are used from there, and only while this is borrowed.
    #[inline(always)]
    pub(in crate::tensor) unsafe fn at(&mut self, i: usize, j: usize) -> *mut T {
        self.first.wrapping_offset(self.place(i, j))
    }

    /// Row `i` as a slice, where its elements lie together.
    #[inline(always)]
    pub fn row_mut(&mut self, i: usize) -> Option<&mut [T]> {
        if self.form.cs != 1 && self.form.cols > 1 || i >= self.form.rows {
            return None;
        }
        if self.form.cols == 0 {
            return Some(&mut []);
        }
        // SAFETY: the row lies inside and has no gaps; nobody else uses it while this matrix is borrowed.
        Some(unsafe { std::slice::from_raw_parts_mut(self.at(i, 0), self.form.cols) })
    }

    /// The element at row `i`, column `j`.
    ///
    /// # Panics
    /// A position outside.
    #[inline(always)]
    pub fn get_mut(&mut self, i: usize, j: usize) -> &mut T {
        self.inside(i, j);
        // SAFETY: inside the matrix, and nobody else uses the element while this matrix is borrowed.
        unsafe { &mut *self.at(i, j) }
    }

    /// The elements of row `i`, wherever they lie.
    ///
    /// # Panics
    /// A row that is not there.
    #[inline(always)]
    pub fn values_mut(&mut self, i: usize) -> impl Iterator<Item = &mut T> {
        assert!(i < self.form.rows, "row {i} of {}", self.form.rows);
        let (first, apart) = (self.first.wrapping_offset(i as isize * self.form.rs), self.form.cs);
        // SAFETY: elements of the row, no two of them one, which nobody else uses while this matrix is borrowed.
        (0..self.form.cols as isize).map(move |j| unsafe { &mut *first.wrapping_offset(j * apart) })
    }

    /// Calls `f(i, row i)` for every row where rows lie together, else with `f(i, ...)` on a copy that is written back.
    pub fn each_row(&mut self, mut f: impl FnMut(usize, &mut [T]))
    where
        T: Copy + Default,
    {
        let mut copy = vec![];
        for i in 0..self.rows() {
            if let Some(row) = self.row_mut(i) {
                f(i, row);
                continue;
            }
            copy.clear();
            copy.extend((0..self.cols()).map(|j| *self.get_mut(i, j)));
            f(i, &mut copy);
            copy.iter().enumerate().for_each(|(j, v)| *self.get_mut(i, j) = *v);
        }
    }
}

/// Cut between rows.
impl<T: Send> Divide for MatrixMut<'_, T> {
    fn items(&self) -> usize {
        self.form.rows
    }
    fn cut(self, n: usize) -> (Self, Self) {
        let n = n.min(self.form.rows);
        let rest = self.first.wrapping_offset(n as isize * self.form.rs);
        let b = MatrixMut { first: rest, form: Form { rows: self.form.rows - n, ..self.form }, life: PhantomData };
        (MatrixMut { form: Form { rows: n, ..self.form }, ..self }, b)
    }
}

/// Gives `f` the matrices of some operands (of one dimension, as columns, or two) and of results that keep their elements,
/// without lending them: that is much of what a small product costs. Nothing, and no error, for all that is left to
/// [`MatrixSource`] and [`MatrixDest`]: where anything is lent on this thread, where [`Tensor::free_matrix`] has nothing,
/// where a result has memory in common with another tensor or two of its positions are one element.
///
/// # Safety
/// `f` reaches no tensor and no storage but through what it is given.
#[inline(always)]
pub(in crate::tensor) unsafe fn with_matrices<T: Element, R, const N: usize, const M: usize>(
    operands: [&Tensor; N],
    results: [&Tensor; M],
    f: impl FnOnce([Matrix<T>; N], [MatrixMut<T>; M]) -> R,
) -> Option<R> {
    if loans::any() {
        return None;
    }
    let none = Form::new(0, 0, 1, 1);
    let (mut read, mut written) = ([(none, RawSlice::EMPTY); N], [(none, RawSlice::EMPTY); M]);
    for (to, x) in read.iter_mut().zip(operands) {
        *to = x.free_matrix::<T>()?;
    }
    for (to, x) in written.iter_mut().zip(results) {
        *to = x.free_matrix::<T>()?;
    }
    for (i, (form, res)) in written.iter().enumerate() {
        let apart = |(_, x): &(Form, RawSlice<T>)| x.is_apart(res);
        if !read.iter().all(apart) || !written[..i].iter().all(apart) || !form.distinct() {
            return None;
        }
    }
    // SAFETY: used by `f` alone, which reaches nothing else, and results are apart from all others.
    let first = |x: &RawSlice<T>| unsafe { x.first() }.as_ptr();
    let operands = read.each_ref().map(|(form, x)| Matrix { first: first(x), form: *form, life: PhantomData });
    let results = written.each_ref().map(|(form, x)| MatrixMut { first: first(x), form: *form, life: PhantomData });
    Some(f(operands, results))
}

/// The matrix of an operand, lent from its storage whatever its strides.
pub struct MatrixSource<T> {
    first: *const T,
    form: Form,
    /// How many bytes are lent.
    bytes: usize,
}

impl<T: Element> MatrixSource<T> {
    /// A tensor of one dimension (as a column) or two.
    ///
    /// # Errors
    /// Another element type, a view outside its storage, or a tensor that is a result of the same call already.
    #[inline]
    pub fn of(x: &Tensor) -> Result<MatrixSource<T>> {
        let (form, elements) = x.matrix::<T>()?;
        let bytes = elements.bytes();
        if bytes > 0 && !lend(x, elements.address(), bytes, false) {
            return Err(in_use(x));
        }
        // SAFETY: lent from now on until this is dropped.
        let first = unsafe { elements.first() }.as_ptr();
        Ok(MatrixSource { first, form, bytes })
    }

    /// The matrix.
    #[inline(always)]
    pub fn view(&self) -> Matrix<'_, T> {
        Matrix { first: self.first, form: self.form, life: PhantomData }
    }
}

impl<T> Drop for MatrixSource<T> {
    #[inline]
    fn drop(&mut self) {
        if self.bytes > 0 {
            // SAFETY: lent when this was made, and used no more.
            unsafe { give_back(self.first as usize, self.bytes, false) };
        }
    }
}

impl<T> Source<T> {
    /// The elements as a row-major matrix.
    ///
    /// # Panics
    /// Fewer elements than that.
    pub fn matrix(&self, rows: usize, cols: usize) -> Matrix<'_, T> {
        Matrix::new(self, rows, cols)
    }
}

/// The matrix of a result that keeps its sizes and elements: its own memory, or a buffer where that is an operand's of
/// the same call, or where two positions are one element. The buffer is written back as that of a
/// [`Dest`](super::Dest) is.
pub struct MatrixDest<T> {
    first: *mut T,
    form: Form,
    /// How many bytes are lent.
    bytes: usize,
    /// The result, and the buffer.
    buffer: Option<Box<[Tensor; 2]>>,
}

impl<T: Element> MatrixDest<T> {
    /// A tensor of one dimension (as a column) or two.
    ///
    /// # Errors
    /// Another element type, a view outside its storage, a tensor that is another result of the same call, or not
    /// enough memory.
    #[inline]
    pub fn update(res: &Tensor) -> Result<MatrixDest<T>> {
        let (form, elements) = res.matrix::<T>()?;
        let bytes = elements.bytes();
        if bytes == 0 || form.distinct() && lend(res, elements.address(), bytes, true) {
            // SAFETY: as above.
            let first = unsafe { elements.first() }.as_ptr();
            return Ok(MatrixDest { first, form, bytes, buffer: None });
        }
        MatrixDest::buffered(res)
    }

    /// As [`MatrixDest::update`], for a result that is added to. Whether its elements are zeros that nobody wrote: then they
    /// are anything, and the sum is to be written in whole.
    ///
    /// # Errors
    /// As [`MatrixDest::update`].
    pub fn sum(res: &Tensor) -> Result<(MatrixDest<T>, bool)> {
        let zeros = res.dtype() == T::DTYPE && take_zeros(res);
        match MatrixDest::update(res) {
            Ok(dest) => Ok((dest, zeros)),
            Err(e) => {
                // as it was
                if zeros {
                    fill(res, T::default())?;
                }
                Err(e)
            }
        }
    }

    #[cold]
    fn buffered(res: &Tensor) -> Result<MatrixDest<T>> {
        let elements = clone(res)?;
        let (form, all) = elements.matrix::<T>()?;
        // SAFETY: the buffer is nobody else's, and stays as long as this.
        let first = unsafe { all.first() }.as_ptr();
        Ok(MatrixDest { first, form, bytes: 0, buffer: Some(Box::new([res.clone(), elements])) })
    }

    /// The matrix.
    #[inline(always)]
    pub fn view(&mut self) -> MatrixMut<'_, T> {
        MatrixMut { first: self.first, form: self.form, life: PhantomData }
    }
}

impl<T> Drop for MatrixDest<T> {
    #[inline]
    fn drop(&mut self) {
        if self.bytes > 0 {
            // SAFETY: lent when this was made, and used no more.
            unsafe { give_back(self.first as usize, self.bytes, true) };
        }
        if let Some(pair) = self.buffer.take() {
            let [to, elements] = *pair;
            deliver(to, elements);
        }
    }
}
