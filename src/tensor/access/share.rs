//! Results divided between threads, as disjoint slices.

use crate::tensor::error::Result;
use crate::tensor::threads;
use crate::tensor::workers::join;
use std::sync::OnceLock;

/// Something that consists of items and can be cut between any two of them.
pub trait Divide: Send + Sized {
    /// How many items there are.
    fn items(&self) -> usize;
    /// The first `n` items, and the rest.
    fn cut(self, n: usize) -> (Self, Self);
}

/// A slice as rows of equal length; the last may be shorter.
pub struct Rows<'a, T> {
    data: &'a mut [T],
    row: usize,
}

impl<'a, T> Rows<'a, T> {
    /// Rows of `row` elements, at least one.
    pub fn new(data: &'a mut [T], row: usize) -> Rows<'a, T> {
        Rows { data, row: row.max(1) }
    }

    /// The elements of all rows.
    pub fn into_slice(self) -> &'a mut [T] {
        self.data
    }

    /// The rows, one after another.
    pub fn into_rows(self) -> std::slice::ChunksMut<'a, T> {
        self.data.chunks_mut(self.row)
    }
}

impl<T: Send> Divide for Rows<'_, T> {
    fn items(&self) -> usize {
        self.data.len().div_ceil(self.row)
    }
    fn cut(self, n: usize) -> (Self, Self) {
        let at = n.saturating_mul(self.row).min(self.data.len());
        let (a, b) = self.data.split_at_mut(at);
        (Rows { data: a, row: self.row }, Rows { data: b, row: self.row })
    }
}

macro_rules! together {
    ($($name:ident $i:tt),*) => {
        impl<$($name: Divide),*> Divide for ($($name,)*) {
            fn items(&self) -> usize {
                [$(self.$i.items()),*].into_iter().min().unwrap_or(0)
            }
            fn cut(self, n: usize) -> (Self, Self) {
                let parts = ($(self.$i.cut(n),)*);
                (($(parts.$i.0,)*), ($(parts.$i.1,)*))
            }
        }
    };
}
together!(A 0, B 1);
together!(A 0, B 1, C 2);
together!(A 0, B 1, C 2, D 3);

/// All of them together.
impl<D: Divide> Divide for Vec<D> {
    fn items(&self) -> usize {
        self.iter().map(D::items).min().unwrap_or(0)
    }
    fn cut(self, n: usize) -> (Self, Self) {
        self.into_iter().map(|d| d.cut(n)).unzip()
    }
}

/// Items of something else, some at a time: what is cut stays in whole blocks, so that the work within a block does not
/// depend on the number of threads.
pub struct Blocks<D> {
    all: D,
    size: usize,
}

impl<D: Divide> Blocks<D> {
    /// Blocks of `size` items, at least one; the last may have fewer.
    pub fn new(all: D, size: usize) -> Blocks<D> {
        Blocks { all, size: size.max(1) }
    }

    /// All of it.
    pub fn into_inner(self) -> D {
        self.all
    }

    /// Calls `f(first item, block)` for each block; `first` is the number of the first one.
    ///
    /// # Errors
    /// The first that `f` gives.
    pub fn try_for_each(self, first: usize, mut f: impl FnMut(usize, D) -> Result<()>) -> Result<()> {
        let (mut rest, mut at) = (self.all, first * self.size);
        while rest.items() > self.size {
            let (block, left) = rest.cut(self.size);
            f(at, block)?;
            at += self.size;
            rest = left;
        }
        if rest.items() > 0 { f(at, rest) } else { Ok(()) }
    }

    /// As [`Blocks::try_for_each`], for work that cannot fail.
    pub fn for_each(self, first: usize, mut f: impl FnMut(usize, D)) {
        let done = self.try_for_each(first, |at, block| {
            f(at, block);
            Ok(())
        });
        debug_assert!(done.is_ok());
    }
}

impl<D: Divide> Divide for Blocks<D> {
    fn items(&self) -> usize {
        self.all.items().div_ceil(self.size)
    }
    fn cut(self, n: usize) -> (Self, Self) {
        let at = n.saturating_mul(self.size).min(self.all.items());
        let (a, b) = self.all.cut(at);
        (Blocks { all: a, size: self.size }, Blocks { all: b, size: self.size })
    }
}

/// Calls `f(first item, part)` for parts of `all`, on several threads when there is enough work of `cost` units an item.
#[inline]
pub fn share<D: Divide>(all: D, cost: usize, f: impl Fn(usize, D) + Sync) {
    share_out(all, cost, &f);
}

/// Compiled once for each kind of results, whatever is done with them.
#[inline(never)]
fn share_out<D: Divide>(all: D, cost: usize, f: &(dyn Fn(usize, D) + Sync)) {
    let n = all.items();
    let share = if threads::shared_out(n, cost) { threads::share_of(n, cost) } else { n };
    halve(all, 0, share, f);
}

/// As [`share`], for work that can fail.
///
/// # Errors
/// One of those that `f` gives.
#[inline]
pub fn try_share<D: Divide>(all: D, cost: usize, f: impl Fn(usize, D) -> Result<()> + Sync) -> Result<()> {
    let failed = OnceLock::new();
    share(all, cost, |first, part| {
        if let Err(e) = f(first, part) {
            failed.set(e).ok();
        }
    });
    failed.into_inner().map_or(Ok(()), Err)
}

fn halve<D: Divide>(all: D, first: usize, share: usize, f: &(dyn Fn(usize, D) + Sync)) {
    let n = all.items();
    if n <= share {
        return f(first, all);
    }
    let half = n.div_ceil(share) / 2 * share;
    let (a, b) = all.cut(half);
    join(|| halve(a, first, share, f), || halve(b, first + half, share, f));
}

/// Calls `f(first row, rows)` for parts of a slice of rows, each a whole number of rows of `row` elements, on several
/// threads when there is enough work of `cost` units a row.
#[inline]
pub fn share_rows<T: Send>(data: &mut [T], row: usize, cost: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if !data.is_empty() {
        share(Rows::new(data, row), cost, |first, part| f(first, part.into_slice()));
    }
}
