//! Results whose writing is put off, and operands that are read before they are written.

use super::Source;
use crate::tensor::Tensor;
use crate::tensor::dtype::Real;
use crate::tensor::error::Result;
use crate::tensor::storage::Storage;
use crate::tensor::storage::deferred::{LEAST, Values, multiply};

/// Where a contiguous tensor's elements lie.
fn range(x: &Tensor) -> Option<(Storage, usize, usize)> {
    let (from, n) = (x.offset(), x.numel());
    let storage = x.storage().filter(|s| x.is_contiguous() && s.class() == x.class())?;
    Some((storage, from, from.saturating_add(n)))
}

/// Whether all elements of the storage are written: only otherwise there is something to gain by the functions below.
#[inline(always)]
pub fn is_written(x: &Tensor) -> bool {
    x.peek_storage().is_none_or(Storage::is_written)
}

/// Makes all elements zero when somebody asks for them. Whether it did: only large tensors, whose memory nobody reaches
/// without asking; others are as they were.
#[inline]
pub fn zero_later(x: &Tensor) -> bool {
    x.numel().saturating_mul(x.dtype().size()) >= LEAST && clear_later(x)
}

#[inline(never)]
fn clear_later(x: &Tensor) -> bool {
    range(x).is_some_and(|(storage, from, end)| storage.zero_later(from, end))
}

/// Whether all elements are zeros whose writing was put off. They are anything then, and to be written in whole.
pub(in crate::tensor) fn take_zeros(x: &Tensor) -> bool {
    range(x).is_some_and(|(storage, from, end)| storage.take_zeros(from, end))
}

/// Makes the elements of a matrix `scale` times the product of a column and a row, when somebody asks for them. Whether it did: only
/// where they are zeros whose writing was put off; others are as they were.
///
/// # Errors
/// As [`Source::of`].
pub fn outer_later<T: Real>(matrix: &Tensor, scale: T, column: &Tensor, row: &Tensor) -> Result<bool> {
    let fits = matrix.ndim() == 2 && [matrix.size(0), matrix.size(1)] == [column.numel(), row.numel()];
    let Some((storage, from, _)) = range(matrix).filter(|_| fits) else { return Ok(false) };
    let (column, row) = (Source::<T>::of(column)?, Source::<T>::of(row)?);
    storage.product_later(from, column.iter().map(|v| scale.mul(*v)), row.iter().copied())
}

/// The elements of a contiguous operand, read by blocks, with those computed that were put off: a gradient that is the outer
/// product of two vectors takes no pass over memory.
pub struct Blockwise<T> {
    /// Where each range begins, and what its elements are.
    ranges: Vec<(usize, Values<T>)>,
    len: usize,
}

impl<T: Real> Blockwise<T> {
    /// The elements of an operand; nothing where all of them are written, so that a [`Source`] is what to read.
    ///
    /// # Errors
    /// As [`Source::of`].
    pub fn of(x: &Tensor) -> Result<Option<Blockwise<T>>> {
        let Some((storage, from, end)) = range(x).filter(|_| !is_written(x)) else { return Ok(None) };
        let mut ranges = storage.deferred::<T>(from, end)?;
        ranges.iter_mut().for_each(|(start, _)| *start -= from);
        Ok((!ranges.is_empty()).then_some(Blockwise { ranges, len: end - from }))
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes the elements from number `at` on to a slice, as many as it has.
    pub fn read(&self, at: usize, to: &mut [T]) {
        let (mut at, mut to) = (at, to);
        let first = self.ranges.partition_point(|r| r.0 <= at).saturating_sub(1);
        for (i, (start, values)) in self.ranges.iter().enumerate().skip(first) {
            let end = self.ranges.get(i + 1).map_or(self.len, |r| r.0);
            let (now, rest) = to.split_at_mut(to.len().min(end - at));
            match values {
                Values::Written(all) => now.copy_from_slice(&all[at - start..][..now.len()]),
                Values::Zero => now.fill(T::ZERO),
                Values::Product(column, row) => multiply(column, row, at - start, now),
            }
            (at, to) = (end, rest);
            if to.is_empty() {
                return;
            }
        }
    }
}
