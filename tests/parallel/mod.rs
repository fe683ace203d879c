//! Independent cases of one test, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Does this for each of the items, as many at a time as there are cores, beginning with the first: those that take long
/// should come early. A case that fails makes the test fail when the others are done.
pub fn each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|s| {
        for _ in 0..cores.min(items.len()) {
            s.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
