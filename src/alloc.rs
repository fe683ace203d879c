//! mimalloc as the process' allocator. The crate `mimalloc` does the same but sends every request through mimalloc's
//! functions for special alignments, which are half as fast as the plain ones.

use libmimalloc_sys as mi;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_long, c_void};
use std::ptr::{NonNull, copy_nonoverlapping, null_mut, write_bytes};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::*};

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
    !RESERVE.load(Relaxed).is_null() || LAST.is_mostly_free() && fill_reserve()
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

/// Bytes for small requests that find no memory even where the reserve was: what is set free is not always of use to mimalloc
/// for blocks of another size. They are part of the program's image, and none of the machine's memory before they are used.
static LAST: Last<{ 1 << 20 }> = Last::new();

/// Memory that is given out from the front, and starts anew when all of it has come back.
#[repr(align(4096))]
struct Last<const N: usize> {
    bytes: UnsafeCell<[u8; N]>,
    /// How many bytes are given out, and in the upper half how many blocks.
    given: AtomicU64,
}

// SAFETY: blocks of it that are given out do not overlap, and nothing else reaches its bytes.
unsafe impl<const N: usize> Sync for Last<N> {}

/// One block, as `given` counts.
const BLOCK: u64 = 1 << 32;

impl<const N: usize> Last<N> {
    const fn new() -> Last<N> {
        Last { bytes: UnsafeCell::new([0; N]), given: AtomicU64::new(0) }
    }

    /// The block at a place that [`Last::give`] gave.
    ///
    /// # Safety
    /// It is used with the layout that it was given for, by who got it, until it is taken back.
    unsafe fn at(&self, place: usize) -> *mut u8 {
        self.bytes.get().cast::<u8>().wrapping_add(place)
    }

    /// Whether a block at this address came from here.
    #[inline(always)]
    fn has(&self, address: usize) -> bool {
        address.wrapping_sub(self.bytes.get() as usize) < N
    }

    fn is_mostly_free(&self) -> bool {
        self.given.load(Relaxed) % BLOCK <= N as u64 / 2
    }

    /// The place of a block, which is not cleared, or nothing where there is no room.
    #[cold]
    fn give(&self, l: Layout) -> Option<usize> {
        // the bytes begin at a multiple of 4096
        if l.align() > 4096 {
            return None;
        }
        let mut at = 0;
        let add = |given: u64| {
            at = (given % BLOCK).next_multiple_of(l.align() as u64);
            let end = at.checked_add(l.size().max(1) as u64).filter(|&end| end <= N as u64)?;
            Some((given / BLOCK + 1) * BLOCK + end)
        };
        self.given.fetch_update(AcqRel, Relaxed, add).ok()?;
        Some(at as usize)
    }

    /// Takes a block back.
    #[cold]
    fn take_back(&self) {
        let less = |given: u64| Some(if given / BLOCK <= 1 { 0 } else { given - BLOCK });
        let _ = self.given.fetch_update(AcqRel, Relaxed, less);
    }
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

/// One of the last bytes' blocks, not cleared, or null.
///
/// # Safety
/// It is used with this layout until it goes back.
#[cold]
unsafe fn last(l: Layout) -> *mut u8 {
    let place = if l.size() <= LARGEST { LAST.give(l) } else { None };
    // SAFETY: by the contract.
    place.map_or(null_mut(), |place| unsafe { LAST.at(place) })
}

/// The largest request that gets some of the last bytes.
const LARGEST: usize = 1 << 14;

fn is_plain(l: Layout) -> bool {
    l.align() <= PLAIN && l.align() <= l.size()
}

// SAFETY: mimalloc's functions keep GlobalAlloc's contract; a plain request of at least its alignment, up to 16, is
// aligned by mimalloc's size classes, and `mi_free` takes the blocks of all of them. Blocks of the last bytes do not overlap, and
// go back to where they came from.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, l: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = with_reserve(l.size(), || unsafe {
            NonNull::new(if is_plain(l) { mi::mi_malloc(l.size()) } else { mi::mi_malloc_aligned(l.size(), l.align()) })
        });
        // SAFETY: by the contract of allocators.
        block.map_or_else(|| unsafe { last(l) }, |block| block.as_ptr().cast())
    }
    #[inline]
    unsafe fn alloc_zeroed(&self, l: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = with_reserve(l.size(), || unsafe {
            NonNull::new(if is_plain(l) { mi::mi_zalloc(l.size()) } else { mi::mi_zalloc_aligned(l.size(), l.align()) })
        });
        let Some(block) = block else {
            // SAFETY: by the contract of allocators; a block of that size.
            unsafe {
                let block = last(l);
                if !block.is_null() {
                    write_bytes(block, 0, l.size());
                }
                return block;
            }
        };
        block.as_ptr().cast()
    }
    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, _: Layout) {
        if LAST.has(p as usize) {
            return LAST.take_back();
        }
        // SAFETY: `p` came from one of the functions here.
        unsafe { mi::mi_free(p.cast()) }
    }
    #[inline]
    unsafe fn realloc(&self, p: *mut u8, l: Layout, size: usize) -> *mut u8 {
        // SAFETY: by the contract, `size` does not overflow when it is rounded up to the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, l.align()) };
        let from_last = LAST.has(p as usize);
        let plain = is_plain(l) && is_plain(new);
        // SAFETY: as above; the old block is still there when there is no new one.
        let block = with_reserve(size, || unsafe {
            let p = p.cast();
            NonNull::new(match (from_last, plain) {
                (true, _) => mi::mi_malloc_aligned(size, l.align()),
                (false, true) => mi::mi_realloc(p, size),
                (false, false) => mi::mi_realloc_aligned(p, size, l.align()),
            })
        });
        // SAFETY: by the contract of allocators.
        let block = block.map_or_else(|| unsafe { last(new) }, |block| block.as_ptr().cast::<u8>());
        if !block.is_null() && (from_last || LAST.has(block as usize)) {
            // SAFETY: both blocks are there, and are not one; the old one goes back to where it came from.
            unsafe {
                copy_nonoverlapping(p, block, l.size().min(size));
                self.dealloc(p, l);
            }
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_given_once_and_come_back() {
        static LAST: Last<8192> = Last::new();
        let layout = |size, align| Layout::from_size_align(size, align).unwrap();
        for _ in 0..3 {
            assert!(LAST.is_mostly_free());
            let mut ends = vec![];
            for (size, align) in [(88, 8), (1, 1), (100, 64), (0, 1), (3000, 16), (7, 4096)] {
                let p = LAST.bytes.get() as usize + LAST.give(layout(size, align)).unwrap();
                assert!(LAST.has(p) && p.is_multiple_of(align), "{size} {align}");
                assert!(ends.last().is_none_or(|&end| end <= p), "{size} {align}");
                ends.push(p + size);
            }
            assert!(!LAST.is_mostly_free() && LAST.give(layout(4096, 1)).is_none());
            assert!(LAST.give(layout(1, 8192)).is_none() && LAST.give(layout(usize::MAX >> 1, 1)).is_none());
            for left in (0..ends.len()).rev() {
                LAST.take_back();
                assert_eq!(LAST.is_mostly_free(), left == 0);
            }
        }
        let behind = LAST.bytes.get() as usize + 8192;
        assert!(!LAST.has(0) && LAST.has(behind - 1) && !LAST.has(behind));
    }

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
