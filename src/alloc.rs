//! mimalloc as the process' allocator. The crate `mimalloc` does the same but sends every request through mimalloc's
//! functions for special alignments, which are half as fast as the plain ones.

use libmimalloc_sys as mi;
use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_int, c_long, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// Alignment that plain requests have, as those of C's malloc.
const PLAIN: usize = 16;

/// The allocator of this program.
pub struct Mimalloc;

/// Memory that is set free when there is no other: an error message still needs some, and code that cannot tell of a
/// failure would end the process.
static RESERVE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Bytes of the reserve.
const RESERVED: usize = 8 << 20;

/// The largest request that the reserve is for. Larger ones can fail.
const SMALL: usize = 1 << 20;

/// Sees to it that there is a reserve. Whether there is one: otherwise memory has run out, and whoever can do without
/// more should.
#[inline]
pub fn has_reserve() -> bool {
    !RESERVE.load(Relaxed).is_null() || fill_reserve()
}

#[cold]
fn fill_reserve() -> bool {
    // SAFETY: plain requests of mimalloc; a block that another thread was faster with is freed again.
    unsafe {
        let block = mi::mi_malloc(RESERVED);
        if block.is_null() {
            return false;
        }
        if RESERVE.compare_exchange(null_mut(), block, Relaxed, Relaxed).is_err() {
            mi::mi_free(block);
        }
        true
    }
}

/// Sets the reserve free. Whether a request of this size should be tried again.
#[cold]
fn give_up_reserve(size: usize) -> bool {
    if size > SMALL {
        return false;
    }
    let block = RESERVE.swap(null_mut(), Relaxed);
    // SAFETY: the block came from mimalloc, and the swap made it this thread's alone.
    unsafe { mi::mi_free(block) };
    !block.is_null()
}

unsafe extern "C" {
    /// Frees what the allocator keeps; with `force` its memory goes back to the system, that of all threads.
    fn mi_collect(force: bool);
    /// Sets an option that the environment does not.
    fn mi_option_set_default(option: c_int, value: c_long);
}

/// The number of mimalloc's option `purge_delay`: how long memory stays free before it goes back to the system, in
/// milliseconds.
const PURGE_DELAY: c_int = 15;

/// Memory that training steps free is asked for again some steps later, when Lua's collector has run. After mimalloc's own
/// second some of it would be gone by then, and its pages new in every step: it stays until [`release`] is called, or an
/// hour has passed.
const KEPT_FOR: c_long = 3_600_000;

/// Sets how long free memory is kept.
pub fn configure() {
    // SAFETY: it may be called at any time; the option is one of those of the version that is built.
    unsafe { mi_option_set_default(PURGE_DELAY, KEPT_FOR) }
}

/// Gives memory that is free back to the system. From any thread; the caller's waits for it, and no other.
pub fn release() {
    // a thread that never asked for memory has no heap, and the call would do nothing
    drop(std::hint::black_box(Box::new(0u8)));
    // SAFETY: it may be called at any time.
    unsafe { mi_collect(true) }
}

/// What a request gives, with a second try after the reserve was set free.
#[inline(always)]
fn with_reserve<B>(size: usize, request: impl Fn() -> Option<B>) -> Option<B> {
    request().or_else(|| if give_up_reserve(size) { request() } else { None })
}

fn is_plain(l: Layout) -> bool {
    l.align() <= PLAIN && l.align() <= l.size()
}

// SAFETY: mimalloc's functions keep GlobalAlloc's contract; a plain request of at least its alignment, up to 16, is
// aligned by mimalloc's size classes, and `mi_free` takes the blocks of all of them.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, l: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = with_reserve(l.size(), || unsafe {
            NonNull::new(if is_plain(l) { mi::mi_malloc(l.size()) } else { mi::mi_malloc_aligned(l.size(), l.align()) })
        });
        block.map_or(null_mut(), |block| block.as_ptr().cast())
    }
    #[inline]
    unsafe fn alloc_zeroed(&self, l: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = with_reserve(l.size(), || unsafe {
            NonNull::new(if is_plain(l) { mi::mi_zalloc(l.size()) } else { mi::mi_zalloc_aligned(l.size(), l.align()) })
        });
        block.map_or(null_mut(), |block| block.as_ptr().cast())
    }
    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, _: Layout) {
        // SAFETY: `p` came from one of the functions here.
        unsafe { mi::mi_free(p.cast()) }
    }
    #[inline]
    unsafe fn realloc(&self, p: *mut u8, l: Layout, size: usize) -> *mut u8 {
        let plain = is_plain(l) && l.align() <= size;
        // SAFETY: as above; the old block is still there when there is no new one.
        let block = with_reserve(size, || unsafe {
            let p = p.cast();
            NonNull::new(if plain { mi::mi_realloc(p, size) } else { mi::mi_realloc_aligned(p, size, l.align()) })
        });
        block.map_or(null_mut(), |block| block.as_ptr().cast())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned() {
        for size in [1, 8, 15, 16, 17, 40, 152, 200, 1000, 5000, 1 << 20] {
            for align in [1, 8, 16, 64, 4096] {
                let l = Layout::from_size_align(size, align).unwrap();
                // SAFETY: the layout is not empty, and each block goes once.
                unsafe {
                    let p = std::alloc::alloc(l);
                    assert!((p as usize).is_multiple_of(align), "{size} {align}");
                    let p = std::alloc::realloc(p, l, size + 24);
                    assert!((p as usize).is_multiple_of(align), "{size} {align}");
                    std::alloc::dealloc(p, Layout::from_size_align(size + 24, align).unwrap());
                    let z = std::alloc::alloc_zeroed(l);
                    assert!((0..size).all(|i| *z.add(i) == 0));
                    std::alloc::dealloc(z, l);
                }
            }
        }
    }
}
