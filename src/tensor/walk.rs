//! The walk over strided tensors, in logical order, run by run.
//!
//! Operands need the same number of elements, not the same sizes. Each one's contiguous dimensions are merged, and the
//! walk hands out stretches in which every operand moves by a constant stride. It is compiled once, for each number
//! of operands; element types come in only in the loops over runs.

use super::Tensor;
use super::access::View;
use super::access::in_use;
use super::access::loans::Lent;
use super::dtype::Element;
use super::error::Result;
use super::layout::{Layout, MAX_DIMS};
use super::threads::split;

/// A position in one operand: an odometer over its merged dimensions.
#[derive(Clone)]
pub struct Cursor {
    ndim: usize,
    sizes: [usize; MAX_DIMS],
    strides: [isize; MAX_DIMS],
    index: [usize; MAX_DIMS],
    at: isize,
}

impl Cursor {
    /// A cursor at logical element `start`.
    pub fn new(layout: &Layout, start: usize) -> Cursor {
        let mut c = Cursor::over(layout.sizes().iter().copied().zip(layout.strides().iter().copied()));
        c.seek(start);
        c
    }

    /// A cursor at the first element of these sizes and strides, [`MAX_DIMS`] at most.
    #[inline(always)]
    pub(in crate::tensor) fn over(dims: impl Iterator<Item = (usize, isize)>) -> Cursor {
        let mut c = Cursor { ndim: 0, sizes: [1; MAX_DIMS], strides: [0; MAX_DIMS], index: [0; MAX_DIMS], at: 0 };
        for (n, s) in dims {
            if n == 1 {
                continue;
            }
            if c.ndim > 0 && c.strides[c.ndim - 1] == n as isize * s {
                c.sizes[c.ndim - 1] *= n;
                c.strides[c.ndim - 1] = s;
            } else {
                c.sizes[c.ndim] = n;
                c.strides[c.ndim] = s;
                c.ndim += 1;
            }
        }
        c.ndim = c.ndim.max(1);
        c
    }

    /// Moves to logical element `start`.
    pub(in crate::tensor) fn seek(&mut self, mut start: usize) {
        self.at = 0;
        for d in (0..self.ndim).rev() {
            let n = self.sizes[d].max(1);
            // the first dimension takes what is left, so that a seek to the very end stays in the arrays
            self.index[d] = if d == 0 { start } else { start % n };
            start /= n;
            self.at += self.index[d] as isize * self.strides[d];
        }
    }

    /// Distance between neighbours of a run.
    #[inline(always)]
    pub fn stride(&self) -> isize {
        self.strides[self.ndim - 1]
    }

    /// How many elements are left of this run.
    #[inline(always)]
    pub(in crate::tensor) fn run(&self) -> usize {
        self.sizes[self.ndim - 1] - self.index[self.ndim - 1]
    }

    /// Takes `n` elements of this run: the distance of the first one from the operand's first.
    #[inline(always)]
    pub(in crate::tensor) fn take(&mut self, n: usize) -> isize {
        let at = self.at;
        self.advance(n);
        at
    }

    #[inline(always)]
    fn advance(&mut self, n: usize) {
        let mut d = self.ndim - 1;
        self.index[d] += n;
        self.at += n as isize * self.strides[d];
        while self.index[d] >= self.sizes[d] && d > 0 {
            self.at -= self.index[d] as isize * self.strides[d];
            self.index[d] = 0;
            d -= 1;
            self.index[d] += 1;
            self.at += self.strides[d];
        }
    }
}

/// A walk over all elements of `N` operands, parts of which threads take where these may run beside each other.
pub struct Walk<const N: usize> {
    begin: [Cursor; N],
    total: usize,
}

impl<const N: usize> Walk<N> {
    /// Operands of these layouts, all with as many elements as the first.
    #[inline(never)]
    pub fn new(layouts: [&Layout; N]) -> Walk<N> {
        Walk { begin: layouts.map(|l| Cursor::new(l, 0)), total: layouts.first().map_or(0, |l| l.numel()) }
    }

    /// The strides within runs, of each operand.
    pub fn strides(&self) -> [isize; N] {
        self.begin.each_ref().map(Cursor::stride)
    }

    /// Calls `f` for each run, as [`walk`] does; on several threads where parts are `apart` and there is enough work of
    /// `cost` units an element, otherwise one after another.
    #[inline(never)]
    pub fn share(&self, cost: usize, apart: bool, f: &(dyn Fn(&[isize; N], usize) + Sync)) {
        let part = |start, count| {
            let mut cursors = self.begin.clone();
            cursors.iter_mut().for_each(|c| c.seek(start));
            along(&mut cursors, count, f);
        };
        if apart { split(self.total, cost, part) } else { part(0, self.total) }
    }
}

/// Walks elements `start..start + count` of all operands together. `f` gets, for each run, the distance of each
/// operand's run from its first element, and the run's length; strides within runs are those of the cursors.
#[inline(never)]
pub fn walk<const N: usize>(cursors: &mut [Cursor; N], count: usize, f: &mut dyn FnMut(&[isize; N], usize)) {
    along(cursors, count, f);
}

#[inline(always)]
fn along<const N: usize>(cursors: &mut [Cursor; N], mut count: usize, mut f: impl FnMut(&[isize; N], usize)) {
    while count > 0 {
        let n = cursors.iter().map(Cursor::run).fold(count, usize::min);
        let mut at = [0; N];
        for (a, c) in at.iter_mut().zip(cursors.iter_mut()) {
            *a = c.take(n);
        }
        f(&at, n);
        count -= n;
    }
}

/// Calls `f` with every element in logical order.
///
/// # Errors
/// As [`Tensor::view`].
#[inline(always)]
pub fn for_each<T: Element>(x: &Tensor, mut f: impl FnMut(T)) -> Result<()> {
    let v = x.view::<T>()?;
    let _loan = lend(x, &v, false)?;
    // SAFETY: the elements are lent to this reader.
    unsafe { addresses(&v, |p| f(p.read())) };
    Ok(())
}

/// Every element, in logical order, becomes `f` of it.
///
/// # Errors
/// As [`Tensor::view`]; elements that are lent to anybody.
#[inline(always)]
pub fn update<T: Element>(x: &Tensor, mut f: impl FnMut(T) -> T) -> Result<()> {
    let v = x.view_mut::<T>()?;
    let _loan = lend(x, &v, true)?;
    // SAFETY: the elements are lent to this writer.
    unsafe { addresses(&v, |p| p.write(f(p.read()))) };
    Ok(())
}

/// Lends all from the first element to the last, where there is any.
fn lend<T: Element>(x: &Tensor, v: &View<'_, T>, writes: bool) -> Result<Option<Lent>> {
    let Some(storage) = x.peek_storage() else { return Ok(None) };
    let all = v.elements();
    Lent::new(storage, all.address(), all.bytes(), writes).ok_or_else(|| in_use(x)).map(Some)
}

/// Calls `f` with the address of every element in logical order.
///
/// # Safety
/// The view's elements are there as long as this runs.
#[inline(always)]
unsafe fn addresses<T: Element>(x: &View<T>, mut f: impl FnMut(*mut T)) {
    let mut c = [Cursor::new(x.layout(), 0)];
    let (stride, all) = (c[0].stride(), x.elements());
    walk(&mut c, x.layout().numel(), &mut |at, n| {
        // SAFETY: the walk stays inside the view.
        let mut p = unsafe { all.at(at[0]) };
        for _ in 0..n {
            f(p);
            p = p.wrapping_offset(stride);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(layout: &Layout, start: usize, count: usize) -> Vec<isize> {
        let mut c = [Cursor::new(layout, start)];
        let stride = c[0].stride();
        let mut out = vec![];
        walk(&mut c, count, &mut |at, n| out.extend((0..n as isize).map(|i| at[0] + i * stride)));
        out
    }

    #[test]
    fn contiguous_is_one_run() {
        let l = Layout::contiguous(&[2, 3, 4]).unwrap();
        let mut runs = 0;
        walk(&mut [Cursor::new(&l, 0)], 24, &mut |_, _| runs += 1);
        assert_eq!(runs, 1);
    }

    #[test]
    fn transposed_goes_in_logical_order_from_anywhere() {
        let l = Layout::contiguous(&[2, 3]).unwrap().transpose(0, 1).unwrap();
        assert_eq!(offsets(&l, 0, 6), [0, 3, 1, 4, 2, 5]);
        assert_eq!(offsets(&l, 3, 2), [4, 2]);
        assert_eq!(offsets(&l, 6, 0), [0isize; 0]);
    }

    #[test]
    fn operands_may_have_other_sizes() {
        let a = Layout::contiguous(&[6]).unwrap();
        let b = Layout::contiguous(&[2, 3]).unwrap().transpose(0, 1).unwrap();
        let mut lens = vec![];
        walk(&mut [Cursor::new(&a, 0), Cursor::new(&b, 0)], 6, &mut |_, n| lens.push(n));
        assert_eq!(lens, [2, 2, 2]);
    }
}
