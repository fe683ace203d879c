//! Storages that several threads can reach, and who uses one at a time.
//!
//! A storage stays on the thread that made it unless it is [given across](super::storage::Crossing), which marks it for
//! ever. The memory of a marked storage is reached only by a thread that holds it: the Lua boundary holds the storages
//! of all arguments of a call while its kernel runs, and what touches single elements holds the storage meanwhile. Whoever
//! asks for the memory of a marked storage without holding it is refused. Programs that work on one storage from several
//! threads therefore see whole calls of each other, never half of one.
//!
//! There are [`SHARDS`] locks, and a storage's address tells which is its own. A thread that holds none takes those of a call
//! in their order, so that no two threads wait for each other; one that holds some already waits for another at most
//! [`PATIENCE`], and is then refused.

use super::access::loans;
use super::error::{Error, Kind, Result};
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many locks there are.
const SHARDS: usize = 64;

/// How long a thread that holds a lock waits for another.
const PATIENCE: Duration = Duration::from_secs(2);

struct Lock {
    taken: Mutex<bool>,
    free: Condvar,
}

impl Lock {
    /// Takes the lock; whether that worked in this time, or without a limit.
    fn take(&self, patience: Option<Duration>) -> bool {
        let end = patience.map(|p| Instant::now() + p);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            taken = match end {
                None => self.free.wait(taken).unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.free.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *taken = true;
        true
    }

    fn give_back(&self) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.free.notify_one();
    }
}

static LOCKS: [Lock; SHARDS] = [const { Lock { taken: Mutex::new(false), free: Condvar::new() } }; SHARDS];

/// Whether any storage was ever given across: what every call can afford to look at.
static ANY: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The locks that this thread has, a bit for each.
    static HELD: Cell<u64> = const { Cell::new(0) };
}

/// Whether any storage was ever given to another thread.
#[inline(always)]
pub fn any() -> bool {
    ANY.load(Relaxed)
}

/// Notes that one was.
pub(super) fn begin() {
    ANY.store(true, Relaxed);
}

/// The bit of the lock of what lies at an address.
pub(super) fn lock_of(address: usize) -> u64 {
    1 << ((address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}

/// Whether this thread has all these locks.
#[inline(always)]
pub(super) fn holds(locks: u64) -> bool {
    HELD.get() & locks == locks
}

/// Locks that this thread has taken and will give back, a bit for each. It belongs to the thread that made it.
pub(super) struct Held(u64, PhantomData<*const u8>);

impl Held {
    pub(super) const NONE: Held = Held(0, PhantomData);

    /// These and others.
    pub(super) fn and(self, others: Held) -> Held {
        Held(self.0 | others.0, PhantomData)
    }
}

/// Locks that this thread has until this is dropped.
#[must_use]
pub struct Hold(Held);

/// Takes these locks, except those that this thread has already.
///
/// # Errors
/// Locks that another thread keeps, for a thread that has some.
pub fn hold(locks: u64) -> Result<Hold> {
    let held = HELD.get();
    let wanted = locks & !held;
    let patience = (held != 0).then_some(PATIENCE);
    let mut hold = Hold(Held::NONE);
    let mut left = wanted;
    while left != 0 {
        let i = left.trailing_zeros() as usize;
        left &= left - 1;
        // what was taken so far is given back with `hold`
        if !LOCKS[i].take(patience) {
            return Err(Error::from(Kind::InUse { shape: "storage that another thread uses".into() }));
        }
        hold.0.0 |= 1 << i;
        HELD.set(HELD.get() | 1 << i);
    }
    Ok(hold)
}

impl Drop for Hold {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.0 != 0 {
            end(std::mem::replace(&mut self.0, Held::NONE));
        }
    }
}

/// Gives locks back; while slices are lent that were taken under them, later.
#[inline(never)]
fn end(locks: Held) {
    if loans::any() { loans::keep_locks(locks) } else { give_back(locks) }
}

/// Gives locks back that this thread has.
pub(super) fn give_back(locks: Held) {
    HELD.set(HELD.get() & !locks.0);
    let mut left = locks.0;
    while left != 0 {
        LOCKS[left.trailing_zeros() as usize].give_back();
        left &= left - 1;
    }
}
