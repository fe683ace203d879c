//! The threads that share the work of a kernel. Kernels divide work by sizes alone, so that results do not depend on how
//! many there are.

use super::workers::{join, processors};
use std::cell::Cell;
use std::sync::OnceLock;

/// From this many elements on, work is shared between threads.
const GRAIN: usize = 32 * 1024;

thread_local! {
    static THREADS: Cell<usize> = const { Cell::new(0) };
}

/// How many threads kernels use that this thread calls: set by [`set_threads`], else what OMP_NUM_THREADS in the
/// environment says, else as many as the machine has processors.
pub fn threads() -> usize {
    match THREADS.get() {
        0 => usual(),
        n => n,
    }
}

fn usual() -> usize {
    static USUAL: OnceLock<usize> = OnceLock::new();
    *USUAL.get_or_init(|| {
        let said = std::env::var("OMP_NUM_THREADS").ok();
        said.and_then(|text| first_of(&text)).unwrap_or_else(processors)
    })
}

/// The number of threads of a list for nested levels: its first, where that is one.
fn first_of(list: &str) -> Option<usize> {
    list.split(',').next()?.trim().parse().ok().filter(|&n| n > 0)
}

/// Sets how many threads kernels use that this thread calls, at least one; they share what processors there are.
pub fn set_threads(n: usize) {
    THREADS.set(n.max(1));
}

/// Calls `f(start, count)` for parts of `0..n`, on several threads when there is enough work of `cost` units an item.
#[inline(always)]
pub fn split(n: usize, cost: usize, f: impl Fn(usize, usize) + Sync) {
    if !shared_out(n, cost) {
        return f(0, n);
    }
    split_many(n, cost, &f);
}

/// Whether [`split`] would share this work between threads.
pub fn shared_out(n: usize, cost: usize) -> bool {
    n.saturating_mul(cost) >= 2 * GRAIN && n >= 2
}

/// How many items go together when `n` items of `cost` units each are shared: `n` for work that is too little.
pub(super) fn share_of(n: usize, cost: usize) -> usize {
    let parts = threads().min(n).min(n.saturating_mul(cost) / GRAIN).max(1);
    // shares are rounded to whole cache lines of bytes, so that neighbours never write the same line
    if parts > 1 && n >= parts * 64 { n.div_ceil(parts).next_multiple_of(64) } else { n.div_ceil(parts) }
}

#[inline(never)]
fn split_many(n: usize, cost: usize, f: &(dyn Fn(usize, usize) + Sync)) {
    let share = share_of(n, cost);
    if share >= n {
        return f(0, n);
    }
    parts(0, n, share, f);
}

fn parts(first: usize, n: usize, share: usize, f: &(dyn Fn(usize, usize) + Sync)) {
    if n <= share {
        return f(first, n);
    }
    let half = n.div_ceil(share) / 2 * share;
    join(|| parts(first, half, share, f), || parts(first + half, n - half, share, f));
}
