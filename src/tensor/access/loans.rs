//! Which memory is lent on this thread, to readers or to one writer.
//!
//! Storages are shared and views overlap, so the borrow checker cannot see who uses which elements. What it would
//! do is done here at run time, by address: an operand is lent to readers, a result to one writer, and whoever asks
//! for memory that is lent in a way that does not go with theirs is refused. While anything is lent no block is freed
//! ([`keep`]), so a lent slice stays valid whatever happens to tensors and storages meanwhile.

use super::super::Tensor;
use super::super::buffer_pool::Block;
use super::super::ops::copy::copy;
use super::super::sharing::{self, Held};
use super::super::storage::Storage;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

/// Addresses in use: where they start, and where they end with whether they are written. Two words, which are read as they
/// were written, one by one: reading them as a whole right after would wait for the writes.
#[derive(Clone, Copy, PartialEq)]
struct Loan {
    start: usize,
    end: usize,
}

/// The bit that says so.
const WRITES: usize = 1 << (usize::BITS - 1);

impl Loan {
    #[inline(always)]
    fn new(start: usize, bytes: usize, writes: bool) -> Loan {
        Loan { start, end: (start + bytes) | if writes { WRITES } else { 0 } }
    }

    /// Whether the other may be there too.
    #[inline(always)]
    fn beside(self, other: Loan) -> bool {
        (self.end | other.end) & WRITES == 0 || self.end & !WRITES <= other.start || other.end & !WRITES <= self.start
    }
}

/// What every access looks at, side by side.
struct Lending {
    /// How many loans there are, and [`LOOP`] for each loop.
    count: Cell<usize>,
    /// How many of them are written: without one, readers need not look at the others.
    written: Cell<usize>,
    first: [Place; PLACES],
}

/// A place for a loan.
struct Place {
    start: Cell<usize>,
    end: Cell<usize>,
}

impl Place {
    const fn empty() -> Place {
        Place { start: Cell::new(0), end: Cell::new(0) }
    }

    #[inline(always)]
    fn get(&self) -> Loan {
        Loan { start: self.start.get(), end: self.end.get() }
    }

    #[inline(always)]
    fn set(&self, loan: Loan) {
        self.start.set(loan.start);
        self.end.set(loan.end);
    }
}

#[derive(Default)]
struct Waiting {
    /// Results that could not be written because somebody still reads there: the result, and its elements.
    results: Vec<(Tensor, Tensor)>,
    /// Blocks that were freed meanwhile.
    blocks: Vec<Block>,
    /// Storages that other threads can reach, and of which something is lent.
    storages: Vec<Storage>,
}

/// What a loop adds to the count of loans.
const LOOP: usize = 1 << (usize::BITS / 2);

/// Loans that are kept in place; a call with more has a list for the others.
const PLACES: usize = 12;

const NONE: Loan = Loan { start: 0, end: 0 };

// without destructors, which would cost a look at each access; a thread that ends leaves empty lists behind
thread_local! {
    static LENDING: Lending = const {
        Lending { count: Cell::new(0), written: Cell::new(0), first: [const { Place::empty() }; PLACES] }
    };
    static OTHERS: RefCell<ManuallyDrop<Vec<Loan>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
    /// Locks of storages that go back when the last loan ends: see [`sharing`].
    static LOCKS: Cell<Held> = const { Cell::new(Held::NONE) };
    /// Whether these and the lists below hold anything.
    static WAITS: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<ManuallyDrop<Waiting>> =
        const { RefCell::new(ManuallyDrop::new(Waiting { results: Vec::new(), blocks: Vec::new(), storages: Vec::new() })) };
}

/// Those of this thread. Lent for an access, not kept.
#[inline(always)]
fn lending<'a>() -> &'a Lending {
    // SAFETY: it has no destructor and stays as long as the thread, which the functions here do not outlive.
    unsafe { &*LENDING.with(std::ptr::from_ref) }
}

/// Whether anything is lent on this thread.
#[inline(always)]
pub(in crate::tensor) fn any() -> bool {
    lending().count.get() != 0
}

/// Whether these bytes may be read, or written, beside what is lent.
#[inline(always)]
pub(in crate::tensor) fn allows(start: usize, bytes: usize, writes: bool) -> bool {
    !any() || fits(Loan::new(start, bytes, writes), writes)
}

/// Whether a loan goes with all others.
#[inline]
fn fits(new: Loan, writes: bool) -> bool {
    lending().fits(new, writes)
}

impl Lending {
    #[inline]
    fn fits(&self, new: Loan, writes: bool) -> bool {
        let count = self.count.get();
        if count >= LOOP {
            return false;
        }
        if !writes && self.written.get() == 0 {
            return true;
        }
        self.first[..count.min(PLACES)].iter().all(|l| l.get().beside(new))
            && (count <= PLACES || OTHERS.with_borrow(|others| others.iter().all(|l| l.beside(new))))
    }
}

/// Lends these bytes until [`give_back`]; whether that goes with what is lent already.
#[inline]
pub(super) fn lend(start: usize, bytes: usize, writes: bool) -> bool {
    let l = lending();
    let (loan, count) = (Loan::new(start, bytes, writes), l.count.get());
    if count > 0 && !l.fits(loan, writes) {
        return false;
    }
    match l.first.get(count) {
        Some(place) => place.set(loan),
        None => OTHERS.with_borrow_mut(|others| others.push(loan)),
    }
    l.count.set(count + 1);
    l.written.set(l.written.get() + usize::from(writes));
    true
}

/// Ends a loan of these bytes, on the thread that it was made on.
///
/// # Safety
/// There is such a loan, and what was lent by it is used no more.
#[inline]
pub(super) unsafe fn give_back(start: usize, bytes: usize, writes: bool) {
    let l = lending();
    let (loan, left) = (Loan::new(start, bytes, writes), l.count.get() - 1);
    let loans = left % LOOP;
    // the latest is the usual one; what stands in for another was the last of all
    let last = if let Some(place) = l.first.get(loans) { place.get() } else { take_other() };
    l.count.set(left);
    l.written.set(l.written.get() - usize::from(writes));
    if last != loan {
        replace(loan, last, loans);
    }
    if left == 0 && WAITS.get() {
        settle();
    }
}

/// A loop over elements that calls a function for each: until this is dropped nothing else on this thread gets at any
/// element, and no block is freed, so that the function may be any. Costs less than to lend what the loop works on.
pub(in crate::tensor) struct Loop(std::marker::PhantomData<*const u8>);

impl Loop {
    /// To be called when the elements are known to be there and free.
    #[inline(always)]
    pub(in crate::tensor) fn begin() -> Loop {
        let count = &lending().count;
        count.set(count.get() + LOOP);
        Loop(std::marker::PhantomData)
    }
}

impl Drop for Loop {
    #[inline(always)]
    fn drop(&mut self) {
        let count = &lending().count;
        let left = count.get() - LOOP;
        count.set(left);
        if left == 0 && WAITS.get() {
            settle();
        }
    }
}

/// Bytes that are lent until this is dropped.
pub(in crate::tensor) struct Lent(usize, usize, bool, std::marker::PhantomData<*const u8>);

impl Lent {
    /// Lends these bytes of a storage; nothing where that does not go with what is lent already.
    #[inline]
    pub(in crate::tensor) fn new(of: &Storage, start: usize, bytes: usize, writes: bool) -> Option<Lent> {
        let lent = lend(start, bytes, writes);
        if lent && of.lock() != 0 {
            keep_storage(Some(of.clone()));
        }
        lent.then(|| Lent(start, bytes, writes, std::marker::PhantomData))
    }
}

impl Drop for Lent {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: lent when this was made; it is not sent to another thread.
        unsafe { give_back(self.0, self.1, self.2) };
    }
}

#[cold]
fn take_other() -> Loan {
    OTHERS.with_borrow_mut(|others| others.pop()).unwrap_or(NONE)
}

/// Puts a loan in the place of an equal of `ended` among the first `count`; equal loans are as good as each other.
fn replace(ended: Loan, last: Loan, count: usize) {
    let first = &lending().first;
    let found = first.iter().take(count).rposition(|l| l.get() == ended);
    match found {
        Some(at) => first[at].set(last),
        None => OTHERS.with_borrow_mut(|others| {
            if let Some(place) = others.iter_mut().rev().find(|l| **l == ended) {
                *place = last;
            }
        }),
    }
}

/// Writes what had to wait and frees what could not be freed.
#[cold]
fn settle() {
    WAITS.set(false);
    let Waiting { results, blocks, storages } = WAITING.with_borrow_mut(|w| std::mem::take(&mut **w));
    for (to, elements) in results {
        write_back(&to, &elements);
    }
    drop(blocks);
    drop(storages);
    sharing::give_back(LOCKS.replace(Held::NONE));
}

/// Keeps locks of this thread until nothing is lent. Only for when [`any`].
#[cold]
pub(in crate::tensor) fn keep_locks(locks: Held) {
    WAITS.set(true);
    LOCKS.set(LOCKS.replace(Held::NONE).and(locks));
}

/// Keeps a storage until nothing is lent. Only for when [`any`].
#[cold]
pub(super) fn keep_storage(storage: Option<Storage>) {
    WAITS.set(true);
    WAITING.with_borrow_mut(|w| w.storages.extend(storage));
}

/// Keeps a block that is about to be freed until nothing is lent. Only for when [`any`].
#[cold]
pub(in crate::tensor) fn keep(block: Block) {
    WAITS.set(true);
    WAITING.with_borrow_mut(|w| w.blocks.push(block));
}

/// Writes a buffered result to where it belongs, at once or when the last loan has ended.
pub(super) fn deliver(to: Tensor, elements: Tensor) {
    if any() {
        WAITS.set(true);
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
