//! Elements that are known and not written yet.
//!
//! A training step sets gradients to zero, adds one sample's outer product to them, and goes along them: five passes over
//! memory, of which one is needed. So `zero()` of large memory is put off, a product that would be added to such zeros
//! takes their place, and methods of optim read that product from its two vectors. Everything else asks for elements through
//! the gates of [`Storage`], which write what they are asked for first: nobody sees a difference.
//!
//! Nothing is put off where memory is reached without these gates: where a program was told an address, where other threads or
//! other processes see it, in files.

use super::Storage;
use super::packed::Packed;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, RawSlice, Source, loans};
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::tensor::simd::vectorize;
use crate::tensor::threads;
use crate::with_dtype;
use std::sync::atomic::Ordering::Relaxed;

/// Bytes from which on elements are put off: fewer are written while one would take notes. Builds that look for errors put off
/// everything.
pub(in crate::tensor) const LEAST: usize = if cfg!(debug_assertions) { 1 } else { 32 * 1024 };
/// Elements below which a program seems to go through elements one by one, and those that are written at once then.
const FEW: usize = 64;
const SOME: usize = 64 * 1024;
/// How often ranges are cut before everything is written.
const CUTS: usize = 1024;

/// Two vectors: element `i * cols + j` is `column[i] * row[j]`.
type Factors = Box<[Tensor; 2]>;

enum Value {
    Zero,
    /// The vectors, and what writes their product over elements of their type; whether it could.
    Product(Factors, fn(&Storage, usize, usize, &Factors) -> bool),
}

struct Part {
    from: usize,
    end: usize,
    value: Value,
}

/// What of a storage is not written yet, and what was made of its elements.
#[derive(Default)]
pub(super) struct Deferred {
    /// In order, none overlapping another.
    parts: Vec<Part>,
    /// Vectors of products that nobody came to see, for the next ones.
    spare: Vec<Factors>,
    cuts: usize,
    pub(super) packed: Packed,
}

/// What some elements are.
pub(in crate::tensor) enum Values<T> {
    /// What is written where they belong.
    Written(Source<T>),
    /// Zeros.
    Zero,
    /// As [`Factors`], from the product's first element on.
    Product(Source<T>, Source<T>),
}

impl Deferred {
    /// The parts that have an element in `from..end`.
    fn within(&self, from: usize, end: usize) -> std::ops::Range<usize> {
        let first = self.parts.partition_point(|p| p.end <= from);
        first..first.max(self.parts.partition_point(|p| p.from < end))
    }

    /// Forgets about `from..end`, where products lie as a whole or not at all.
    fn cut(&mut self, from: usize, end: usize) {
        let found = self.within(from, end);
        let mut left: [Option<Part>; 2] = [None, None];
        for part in self.parts.drain(found.clone()) {
            match part.value {
                Value::Product(factors, _) => self.spare.push(factors),
                Value::Zero => {
                    for (side, (a, b)) in left.iter_mut().zip([(part.from, from), (end, part.end)]) {
                        if a < b {
                            *side = Some(Part { from: a, end: b, value: Value::Zero });
                        }
                    }
                }
            }
        }
        let at = found.start;
        self.parts.splice(at..at, left.into_iter().flatten());
    }

    fn put(&mut self, part: Part) {
        let at = self.within(part.from, part.end).start;
        self.parts.insert(at, part);
    }
}

impl Storage {
    /// Whether all elements are where they belong.
    #[inline(always)]
    pub(in crate::tensor) fn is_written(&self) -> bool {
        self.0.direct.load(Relaxed) || self.0.parent.is_some() || self.has_no_parts()
    }

    #[cold]
    fn has_no_parts(&self) -> bool {
        self.with_deferred(|deferred| deferred.parts.is_empty())
    }

    /// Does something with what is put off, while which everything counts as written.
    pub(super) fn with_deferred<R>(&self, f: impl FnOnce(&mut Deferred) -> R) -> R {
        let mut deferred = self.0.deferred.take().unwrap_or_default();
        self.0.direct.store(true, Relaxed);
        let result = f(&mut deferred);
        self.0.direct.store(deferred.parts.is_empty() && deferred.packed.is_empty(), Relaxed);
        self.0.note_open();
        self.0.deferred.set(Some(deferred));
        result
    }

    /// Writes what is put off of `from..end`, and more where that is as well, and forgets what was made of these elements:
    /// somebody gets at them.
    #[cold]
    pub(super) fn write_deferred(&self, from: usize, end: usize) {
        self.with_deferred(|deferred| {
            self.write_parts(deferred, from, end);
            deferred.packed.forget(from, end);
        });
    }

    /// The same for all elements.
    pub(super) fn write_all_deferred(&self) {
        if self.has_notes() {
            self.write_deferred(0, usize::MAX);
        }
    }

    pub(super) fn write_parts(&self, deferred: &mut Deferred, from: usize, end: usize) {
        let found = deferred.within(from, end);
        let (mut from, mut end) = (from, end);
        for part in &deferred.parts[found.clone()] {
            let whole = match &part.value {
                Value::Product(..) => true,
                Value::Zero => end - from < FEW && part.end - part.from <= SOME,
            };
            if whole {
                (from, end) = (from.min(part.from), end.max(part.end));
            }
        }
        for part in &deferred.parts[found] {
            let (first, last) = (part.from.max(from), part.end.min(end));
            match &part.value {
                Value::Zero => with_dtype!(self.dtype(), T => zeros(self.own_elements::<T>(first, last))),
                Value::Product(factors, write) => {
                    // nobody gets at elements while a loop runs, those of the vectors no more than those that are asked for
                    if !write(self, first, last, factors) {
                        return;
                    }
                }
            }
        }
        deferred.cut(from, end);
        deferred.cuts += 1;
        if deferred.cuts > CUTS && !deferred.parts.is_empty() {
            deferred.cuts = 0;
            self.write_parts(deferred, 0, usize::MAX);
        }
    }

    /// The elements' own memory, as far as there are so many.
    pub(super) fn own_elements<T: Element>(&self, from: usize, end: usize) -> RawSlice<'_, T> {
        let end = end.min(self.host_len());
        if from > end || self.dtype() != T::DTYPE {
            return RawSlice::EMPTY;
        }
        // SAFETY: the memory is that of elements of this type, as many as the length says.
        unsafe { self.own_memory().cast_part(from, end - from) }
    }

    /// Whether elements up to `end` are there and reached through the gates alone: what may be put off, or kept.
    pub(super) fn is_gated(&self, end: usize) -> bool {
        let shared = &self.0;
        let own = shared.parent.is_none() && !shared.fixed && !shared.exposed.load(Relaxed);
        own && end <= self.host_len() && !shared.across.load(Relaxed)
    }

    /// Whether elements `from..end` may be put off.
    fn may_defer(&self, from: usize, end: usize) -> bool {
        let size = self.dtype().size();
        self.is_gated(end)
            && end.saturating_sub(from) * size >= LEAST
            && loans::allows(self.own_memory().address() + from * size, (end - from) * size, true)
    }

    /// Makes elements `from..end` zero when somebody asks for them. Whether it did: not few elements, nor those that are
    /// reached without asking.
    pub(in crate::tensor) fn zero_later(&self, from: usize, end: usize) -> bool {
        if !self.may_defer(from, end) {
            return false;
        }
        self.with_deferred(|deferred| {
            let found = deferred.within(from, end);
            let partly = |p: &&Part| matches!(p.value, Value::Product(..)) && (p.from < from || p.end > end);
            let cut: Vec<_> = deferred.parts[found].iter().filter(partly).map(|p| (p.from, p.end)).collect();
            cut.into_iter().for_each(|(from, end)| self.write_parts(deferred, from, end));
            deferred.cut(from, end);
            deferred.packed.forget(from, end);
            deferred.put(Part { from, end, value: Value::Zero });
            deferred.cuts = 0;
        });
        true
    }

    /// Whether elements `from..end` all are zeros that were put off; they count as written then, and are anything.
    pub(in crate::tensor) fn take_zeros(&self, from: usize, end: usize) -> bool {
        !self.is_written()
            && self.with_deferred(|deferred| {
                let found = deferred.within(from, end);
                let zeros = deferred
                    .parts
                    .get(found.start)
                    .is_some_and(|p| matches!(p.value, Value::Zero) && p.from <= from && end <= p.end);
                if zeros {
                    deferred.cut(from, end);
                    deferred.packed.forget(from, end);
                }
                zeros
            })
    }

    /// Makes elements from `from` on the product of a column and a row, when somebody asks for them. Whether it did: only
    /// where they are zeros that were put off.
    ///
    /// # Errors
    /// Not enough memory for copies of the vectors.
    pub(in crate::tensor) fn product_later<T: Real>(
        &self,
        from: usize,
        column: impl ExactSizeIterator<Item = T>,
        row: impl ExactSizeIterator<Item = T>,
    ) -> Result<bool> {
        let end = from.saturating_add(column.len().saturating_mul(row.len()));
        if self.dtype() != T::DTYPE || !self.may_defer(from, end) || !self.take_zeros(from, end) {
            return Ok(false);
        }
        let spare = self.with_deferred(|deferred| deferred.spare.pop());
        let made = spare.map_or_else(|| factors::<T>(), Ok).and_then(|factors| {
            keep(&factors[0], column)?;
            keep(&factors[1], row)?;
            Ok(factors)
        });
        self.with_deferred(|deferred| match made {
            Ok(factors) => {
                deferred.put(Part { from, end, value: Value::Product(factors, write_product::<T>) });
                Ok(true)
            }
            Err(e) => {
                deferred.put(Part { from, end, value: Value::Zero });
                Err(e)
            }
        })
    }

    /// What elements `from..end` are, as ranges one after another; nothing where all of them are written.
    ///
    /// # Errors
    /// As [`Source::of`].
    pub(in crate::tensor) fn deferred<T: Element>(&self, from: usize, end: usize) -> Result<Vec<(usize, Values<T>)>> {
        let mut ranges = vec![];
        if self.is_written() || self.dtype() != T::DTYPE || end > self.host_len() {
            return Ok(ranges);
        }
        let written = |from, end| {
            let layout = Layout::strided(from, &[end - from], &[1])?;
            Source::of(&Tensor::over(self.clone(), layout)).map(Values::Written)
        };
        self.with_deferred(|deferred| {
            let found = deferred.within(from, end);
            let mut at = from;
            for part in &deferred.parts[found] {
                let inside = from <= part.from && part.end <= end;
                let values = match &part.value {
                    Value::Zero => Values::Zero,
                    Value::Product(factors, _) if inside => {
                        Values::Product(Source::of(&factors[0])?, Source::of(&factors[1])?)
                    }
                    // some of a product's elements: it is written, as for everybody else
                    Value::Product(..) => return Ok(vec![]),
                };
                if at < part.from {
                    ranges.push((at, written(at, part.from)?));
                }
                ranges.push((part.from.max(from), values));
                at = part.end;
            }
            if !ranges.is_empty() && at < end {
                ranges.push((at, written(at, end)?));
            }
            Ok(ranges)
        })
    }
}

fn factors<T: Real>() -> Result<Factors> {
    Ok(Box::new([Tensor::new(T::DTYPE, &[1])?, Tensor::new(T::DTYPE, &[1])?]))
}

fn keep<T: Real>(to: &Tensor, from: impl ExactSizeIterator<Item = T>) -> Result<()> {
    let mut dest = Dest::<T>::new(to, &[from.len()])?;
    dest.iter_mut().zip(from).for_each(|(to, v)| *to = v);
    Ok(())
}

fn zeros<T: Element>(elements: RawSlice<T>) {
    threads::split(elements.len(), 1, |first, n| {
        // SAFETY: inside, each thread's own part; what is put off is lent to nobody.
        unsafe { elements.slice_mut(first, n) }.fill(T::default());
    });
}

fn write_product<T: Real>(to: &Storage, from: usize, end: usize, factors: &Factors) -> bool {
    let (Ok(column), Ok(row)) = (Source::<T>::of(&factors[0]), Source::<T>::of(&factors[1])) else { return false };
    let elements = to.own_elements::<T>(from, end);
    let rows = column.len().min(elements.len() / row.len().max(1));
    threads::split(rows, row.len(), |first, n| {
        // SAFETY: as above.
        let part = unsafe { elements.slice_mut(first * row.len(), n * row.len()) };
        multiply(&column, &row, first * row.len(), part);
    });
    true
}

/// Elements of a column's and a row's product, from number `at` on.
pub(in crate::tensor) fn multiply<T: Real>(column: &[T], row: &[T], at: usize, to: &mut [T]) {
    let (mut to, mut i, mut j) = (to, at / row.len(), at % row.len());
    while !to.is_empty() && i < column.len() {
        let n = to.len().min(row.len() - j);
        let (now, rest) = to.split_at_mut(n);
        let (by, from) = (column[i], &row[j..j + n]);
        vectorize(
            #[inline(always)]
            // what is added to 0 is no -0
            move || now.iter_mut().zip(from).for_each(|(to, &v)| *to = T::ZERO.add(by.mul(v))),
        );
        (to, i, j) = (rest, i + 1, 0);
    }
}

#[cfg(test)]
#[path = "deferred_tests.rs"]
mod tests;
