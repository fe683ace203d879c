//! Operands and results as [`Lines`] and [`LinesMut`].

use super::RawSlice;
use super::in_use;
use super::lines::{Grid, Lines, LinesMut};
use super::loans::{Lent, deliver};
use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::Element;
use crate::tensor::error::{Kind, Result};
use crate::tensor::ops::copy::clone;
use crate::tensor::shape::Shape;
use crate::tensor::storage::Storage;

/// The tensor with the memory of dimension `d` together: as new tensors are, with that dimension the last.
fn turned(x: &Tensor, d: usize, make: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let last = x.ndim() - 1;
    make(&x.transpose(d, last)?)?.transpose(d, last)
}

/// The lines of an operand, lent from its storage whatever its strides.
pub struct LinesSource<T> {
    first: *const T,
    shape: Shape,
    d: usize,
    _lent: Option<Lent>,
    /// A copy that nobody else sees, where nothing is lent.
    _copy: Option<Box<Tensor>>,
}

/// Lends the memory of a tensor that has elements; whether that goes with what is lent already. Nothing to lend is no loan.
#[inline]
fn lend<T>(x: &Tensor, all: RawSlice<T>, writes: bool) -> Option<Option<Lent>> {
    match x.peek_storage() {
        Some(of) if !all.is_empty() => Lent::new(of, all.address(), all.bytes(), writes).map(Some),
        _ => Some(None),
    }
}

impl<T: Element> LinesSource<T> {
    /// The lines along dimension `d`.
    ///
    /// # Errors
    /// A dimension that is not there, another element type, a view outside its storage, or a tensor that is a result of
    /// the same call already.
    #[inline]
    pub fn of(x: &Tensor, d: usize) -> Result<LinesSource<T>> {
        check::dimension("lines", d, x.ndim())?;
        let all = x.span::<T>()?;
        let lent = lend(x, all, false).ok_or_else(|| in_use(x))?;
        // SAFETY: lent from now on until this is dropped.
        let first = unsafe { all.first() }.as_ptr();
        Ok(LinesSource { first, shape: x.shape().clone(), d, _lent: lent, _copy: None })
    }

    /// The lines along dimension `d`, copied where their elements lie apart: each row is a slice.
    ///
    /// # Errors
    /// As [`LinesSource::of`], and not enough memory.
    pub fn slices(x: &Tensor, d: usize) -> Result<LinesSource<T>> {
        check::dimension("lines", d, x.ndim())?;
        if x.stride(d) == 1 || x.size(d) == 1 {
            return LinesSource::of(x, d);
        }
        let copy = turned(x, d, clone)?;
        // SAFETY: the copy is nobody else's, and stays as long as this.
        let first = unsafe { copy.span::<T>()?.first() }.as_ptr();
        Ok(LinesSource { first, shape: copy.shape().clone(), d, _lent: None, _copy: Some(Box::new(copy)) })
    }

    /// The lines.
    #[inline(always)]
    pub fn view(&self) -> Lines<'_, T> {
        // SAFETY: lent to readers, or a copy that nobody writes, as long as this lives.
        unsafe { Lines::over(self.first, Grid::new(self.shape.get(), self.d)) }
    }
}

/// The lines of a result that is written in whole: in its own memory, or in a buffer where that is an operand's or another
/// result's of the same call, or where two positions are one element. The buffer is written back as that of a
/// [`Dest`](super::Dest) is.
pub struct LinesDest<T> {
    first: *mut T,
    shape: Shape,
    d: usize,
    _lent: Option<Lent>,
    /// The result, and the buffer.
    buffer: Option<Box<[Tensor; 2]>>,
}

impl<T: Element> LinesDest<T> {
    /// The lines along dimension `d` of a result that gets these sizes; what its elements are before may be anything.
    ///
    /// # Errors
    /// A dimension that is not there, too many dimensions, another element type, or not enough memory.
    #[inline]
    pub fn new(res: &Tensor, sizes: &[usize], d: usize) -> Result<LinesDest<T>> {
        LinesDest::with(res, sizes, d, false)
    }

    /// As [`LinesDest::new`], with a buffer also where the elements of a line lie apart: each row is a slice.
    ///
    /// # Errors
    /// As [`LinesDest::new`].
    pub fn slices(res: &Tensor, sizes: &[usize], d: usize) -> Result<LinesDest<T>> {
        LinesDest::with(res, sizes, d, true)
    }

    #[inline(always)]
    fn with(res: &Tensor, sizes: &[usize], d: usize, slices: bool) -> Result<LinesDest<T>> {
        check::dimension("lines", d, sizes.len())?;
        res.resize_for_result(sizes)?;
        let fits =
            (!slices || res.stride(d) == 1 || res.size(d) == 1) && (res.is_contiguous() || !res.layout().overlaps());
        let all = match res.span::<T>() {
            Ok(all) => all,
            // another result of the call has it
            Err(e) if matches!(e.kind(), Kind::InUse { .. }) && res.peek_storage().is_none_or(Storage::is_held) => {
                return LinesDest::buffered(res, d);
            }
            Err(e) => return Err(e),
        };
        match if fits || all.is_empty() { lend(res, all, true) } else { None } {
            Some(lent) => {
                // SAFETY: lent from now on until this is dropped.
                let first = unsafe { all.first() }.as_ptr();
                Ok(LinesDest { first, shape: res.shape().clone(), d, _lent: lent, buffer: None })
            }
            None => LinesDest::buffered(res, d),
        }
    }

    #[cold]
    fn buffered(res: &Tensor, d: usize) -> Result<LinesDest<T>> {
        let elements = turned(res, d, |res| Tensor::new(T::DTYPE, res.layout().sizes()))?;
        // SAFETY: the buffer is nobody else's, and stays as long as this.
        let first = unsafe { elements.span::<T>()?.first() }.as_ptr();
        let shape = elements.shape().clone();
        Ok(LinesDest { first, shape, d, _lent: None, buffer: Some(Box::new([res.clone(), elements])) })
    }

    /// The lines.
    #[inline(always)]
    pub fn view(&mut self) -> LinesMut<'_, T> {
        // SAFETY: lent to this alone, or a buffer of its own, as long as this lives; no two positions are one element.
        unsafe { LinesMut::over(self.first, Grid::new(self.shape.get(), self.d)) }
    }
}

impl<T> Drop for LinesDest<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(pair) = self.buffer.take() {
            let [to, elements] = *pair;
            deliver(to, elements);
        }
    }
}
