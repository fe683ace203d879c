//! Which memory is lent on this thread, to readers or to one writer.
//!
//! Storages are shared and views overlap, so the borrow checker cannot see who uses which elements. What it would
//! do is done here at run time, by address: an operand is lent to readers, a result to one writer, and whoever asks
//! for memory that is lent in a way that does not go with theirs is refused. While anything is lent no block is freed
//! ([`keep`]), so a lent slice stays valid whatever happens to tensors and storages meanwhile.

use super::super::Tensor;
use super::super::buffer_pool::Block;
use super::super::ops::copy::copy;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

/// Addresses in use.
#[derive(Clone, Copy, PartialEq)]
struct Loan {
    start: usize,
    end: usize,
    writes: bool,
}

#[derive(Default)]
struct Waiting {
    /// Results that could not be written because somebody still reads there: the result, and its elements.
    results: Vec<(Tensor, Tensor)>,
    /// Blocks that were freed meanwhile.
    blocks: Vec<Block>,
}

thread_local! {
    /// How many loans there are: what every access can afford to look at.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    // without destructors, which would cost a look at each access; a thread that ends leaves an empty list behind
    static LOANS: RefCell<ManuallyDrop<Vec<Loan>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
    static WAITING: RefCell<ManuallyDrop<Waiting>> =
        const { RefCell::new(ManuallyDrop::new(Waiting { results: Vec::new(), blocks: Vec::new() })) };
}

/// Whether anything is lent on this thread.
#[inline(always)]
pub(in crate::tensor) fn any() -> bool {
    COUNT.get() != 0
}

/// Whether these bytes may be read, or written, beside what is lent.
#[inline(always)]
pub(in crate::tensor) fn allows(start: usize, bytes: usize, writes: bool) -> bool {
    !any() || allowed(start, bytes, writes)
}

#[cold]
fn allowed(start: usize, bytes: usize, writes: bool) -> bool {
    LOANS.with_borrow(|loans| fits(loans, Loan { start, end: start + bytes, writes }))
}

#[inline(always)]
fn fits(loans: &[Loan], new: Loan) -> bool {
    loans.iter().all(|l| !(l.writes || new.writes) || l.end <= new.start || new.end <= l.start)
}

/// Bytes that are lent until this is dropped, on the thread that made it.
pub(in crate::tensor) struct Lent(Loan, std::marker::PhantomData<*const u8>);

impl Lent {
    /// Lends these bytes; nothing where that does not go with what is lent already.
    #[inline]
    pub(in crate::tensor) fn new(start: usize, bytes: usize, writes: bool) -> Option<Lent> {
        let loan = Loan { start, end: start + bytes, writes };
        LOANS.with_borrow_mut(|loans| {
            if !loans.is_empty() && !fits(loans, loan) {
                return None;
            }
            loans.push(loan);
            COUNT.set(loans.len());
            Some(Lent(loan, std::marker::PhantomData))
        })
    }
}

impl Drop for Lent {
    #[inline]
    fn drop(&mut self) {
        let left = LOANS.with_borrow_mut(|loans| {
            // equal loans are as good as each other; the latest goes first, usually
            if let Some(at) = loans.iter().rposition(|l| *l == self.0) {
                loans.swap_remove(at);
            }
            COUNT.set(loans.len());
            loans.len()
        });
        if left == 0 && WAITING.with_borrow(|w| !w.results.is_empty() || !w.blocks.is_empty()) {
            settle();
        }
    }
}

/// Writes what had to wait and frees what could not be freed.
#[cold]
fn settle() {
    let Waiting { results, blocks } = WAITING.with_borrow_mut(|w| std::mem::take(&mut **w));
    for (to, elements) in results {
        write_back(&to, &elements);
    }
    drop(blocks);
}

/// Keeps a block that is about to be freed until nothing is lent. Only for when [`any`].
#[cold]
pub(in crate::tensor) fn keep(block: Block) {
    WAITING.with_borrow_mut(|w| w.blocks.push(block));
}

/// Writes a buffered result to where it belongs, at once or when the last loan has ended.
pub(super) fn deliver(to: Tensor, elements: Tensor) {
    if any() {
        WAITING.with_borrow_mut(|w| w.results.push((to, elements)));
    } else {
        write_back(&to, &elements);
    }
}

fn write_back(to: &Tensor, elements: &Tensor) {
    // fails only where the result's storage was made smaller meanwhile: then there is nowhere to write
    if let Err(e) = copy(to, elements) {
        tracing::debug!("a result could not be written: {e}");
    }
}
