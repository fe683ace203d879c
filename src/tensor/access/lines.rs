//! Lines along a dimension of tensors of any strides.
//!
//! A line has an element for each place along the dimension, and there is a line for each place along the others, in
//! logical order. As many of them as lie at equal distances are taken together, as a matrix with a line in each row:
//! where a line's elements are neighbours its row is a slice, and where lines are neighbours its columns are.

use super::matrix::{Form, Matrix, MatrixMut};
use super::share::Divide;
use crate::demand;
use crate::tensor::check;
use crate::tensor::error::Result;
use crate::tensor::shape::{Extents, Shape};
use crate::tensor::walk::Cursor;
use std::marker::PhantomData;

/// Where lines lie, counted from the first element of the first one, and which of them are left.
#[derive(Clone)]
pub(super) struct Grid {
    /// The first elements of the lines.
    heads: Cursor,
    /// The next one.
    next: usize,
    left: usize,
    /// Elements of a line, and how far they are apart.
    n: usize,
    step: isize,
}

impl Grid {
    /// The lines along dimension `d`, which there is.
    #[inline(always)]
    pub(super) fn new(e: Extents, d: usize) -> Grid {
        let dims = || e.sizes.iter().copied().zip(e.strides.iter().copied());
        let (before, from) = (|| dims().take(d), || dims().skip(d + 1));
        let left = before().chain(from()).fold(1, |n: usize, (m, _)| n.saturating_mul(m));
        Grid { heads: Cursor::over(before().chain(from())), next: 0, left, n: e.sizes[d], step: e.strides[d] }
    }

    #[inline(always)]
    fn run(&self) -> usize {
        self.heads.run().min(self.left)
    }

    /// The next `n` lines, at most those of the run: where the first one begins, and how they lie.
    #[inline(always)]
    fn take(&mut self, n: usize) -> (isize, Form) {
        let n = n.min(self.run());
        self.next += n;
        self.left -= n;
        (self.heads.take(n), Form::new(n, self.n, self.heads.stride(), self.step))
    }

    fn cut(self, n: usize) -> (Grid, Grid) {
        let n = n.min(self.left);
        let mut rest = self.clone();
        rest.next += n;
        rest.left -= n;
        rest.heads.seek(rest.next);
        (Grid { left: n, ..self }, rest)
    }
}

/// Lines to read. All their elements can be reached, and nobody writes them during the lifetime.
#[derive(Clone)]
pub struct Lines<'a, T> {
    first: *const T,
    grid: Grid,
    life: PhantomData<&'a [T]>,
}

// SAFETY: it stands for a shared slice.
unsafe impl<T: Sync> Send for Lines<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Lines<'_, T> {}

/// Lines to write. All their elements can be reached, no two are one, and nobody else uses those of the lines that are
/// left during the lifetime.
pub struct LinesMut<'a, T> {
    first: *mut T,
    grid: Grid,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a mutable slice.
unsafe impl<T: Send> Send for LinesMut<'_, T> {}
// SAFETY: a shared reference to it gives no element.
unsafe impl<T: Sync> Sync for LinesMut<'_, T> {}

/// The lines of a row-major array in a slice of so many elements.
#[inline]
fn row_major(len: usize, sizes: &[usize], d: usize) -> Result<Grid> {
    check::dimension("lines", d, sizes.len())?;
    let shape = Shape::contiguous(sizes)?;
    // a size of 0 must not hide that there are more lines than can be counted
    let counted = sizes.iter().try_fold(1, |n: usize, &m| n.checked_mul(m.max(1))).is_some();
    demand!(counted && shape.get().numel() <= len, "expected as many elements as {sizes:?} say, got {len}");
    Ok(Grid::new(shape.get(), d))
}

impl<'a, T> Lines<'a, T> {
    /// Lines that lie like this from an element on.
    ///
    /// # Safety
    /// All their elements are there during the lifetime, and nobody writes them.
    #[inline(always)]
    pub(super) unsafe fn over(first: *const T, grid: Grid) -> Lines<'a, T> {
        Lines { first, grid, life: PhantomData }
    }

    /// The lines along dimension `d` of a row-major array.
    ///
    /// # Errors
    /// A dimension that is not there, fewer elements than the sizes say.
    #[inline]
    pub fn new(data: &'a [T], sizes: &[usize], d: usize) -> Result<Lines<'a, T>> {
        let grid = row_major(data.len(), sizes, d)?;
        Ok(Lines { first: data.as_ptr(), grid, life: PhantomData })
    }
}

impl<'a, T> LinesMut<'a, T> {
    /// Lines that lie like this from an element on.
    ///
    /// # Safety
    /// All their elements are there during the lifetime, no two of them are one, and nobody else uses them.
    #[inline(always)]
    pub(super) unsafe fn over(first: *mut T, grid: Grid) -> LinesMut<'a, T> {
        LinesMut { first, grid, life: PhantomData }
    }

    /// The lines along dimension `d` of a row-major array.
    ///
    /// # Errors
    /// A dimension that is not there, fewer elements than the sizes say.
    #[inline]
    pub fn new(data: &'a mut [T], sizes: &[usize], d: usize) -> Result<LinesMut<'a, T>> {
        let grid = row_major(data.len(), sizes, d)?;
        Ok(LinesMut { first: data.as_mut_ptr(), grid, life: PhantomData })
    }
}

/// Lines that are taken some at a time: those of one tensor, or of several, which are taken in step.
pub trait Bundles: Divide {
    /// Some lines: a matrix of each tensor.
    type Bundle;
    /// How many of the next lines lie at equal distances.
    fn run(&self) -> usize;
    /// The next `n` lines, at most as many as [`Bundles::run`] says.
    fn take(&mut self, n: usize) -> Self::Bundle;

    /// Calls `f` with all lines in order, at most `most` (at least one) at a time.
    #[inline(always)]
    fn each_bundle(mut self, most: usize, mut f: impl FnMut(Self::Bundle)) {
        loop {
            let n = self.run().min(most.max(1));
            if n == 0 {
                return;
            }
            f(self.take(n));
        }
    }
}

macro_rules! lines {
    ($name:ident $matrix:ident $which:ident) => {
        impl<'a, T: $which> Divide for $name<'a, T> {
            #[inline(always)]
            fn items(&self) -> usize {
                self.grid.left
            }
            fn cut(self, n: usize) -> (Self, Self) {
                let (a, b) = self.grid.cut(n);
                (
                    $name { first: self.first, grid: a, life: PhantomData },
                    $name { first: self.first, grid: b, life: PhantomData },
                )
            }
        }

        impl<'a, T: $which> Bundles for $name<'a, T> {
            type Bundle = $matrix<'a, T>;
            #[inline(always)]
            fn run(&self) -> usize {
                self.grid.run()
            }
            #[inline(always)]
            fn take(&mut self, n: usize) -> $matrix<'a, T> {
                let (at, form) = self.grid.take(n);
                // SAFETY: lines that were left, and are no more: each is handed out once.
                unsafe { $matrix::over(self.first.wrapping_offset(at), form) }
            }
        }
    };
}
lines!(Lines Matrix Sync);
lines!(LinesMut MatrixMut Send);

macro_rules! together {
    ($($name:ident $i:tt),*) => {
        impl<$($name: Bundles),*> Bundles for ($($name,)*) {
            type Bundle = ($($name::Bundle,)*);
            #[inline(always)]
            fn run(&self) -> usize {
                let mut n = usize::MAX;
                $(n = n.min(self.$i.run());)*
                n
            }
            #[inline(always)]
            fn take(&mut self, n: usize) -> Self::Bundle {
                ($(self.$i.take(n),)*)
            }
        }
    };
}
together!(A 0, B 1);
together!(A 0, B 1, C 2);
