//! The memory under storages: owned blocks, and large ones kept for the next storage.
//!
//! A program that makes a large result in each step would otherwise get fresh pages from the system each time, and
//! touching them for the first time costs several times what most operations do with them. What is not used again goes
//! back: kept blocks to the allocator after two collections of Lua's, and the allocator's memory to the system, from a
//! thread beside the program's.

use super::access::{RawSlice, loans};
use super::error::{Error, Kind, Result};
use super::memory_limit;
use std::alloc::{self, Layout as Alloc};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Alignment of a buffer: for the widest vector registers, but small ones as the allocator likes them best, since an
/// aligned allocation costs more than what is done with a handful of numbers.
const fn align(bytes: usize) -> usize {
    if bytes < 1024 { 16 } else { 64 }
}

/// Above this many bytes one looks whether the machine has them.
const LARGE: usize = 1 << 28;

/// Blocks from this size are kept when they are freed. The allocator recycles smaller ones well; for larger ones it goes
/// round through its memory, and some of what a kernel takes in each step would always be new to the system.
const KEPT_FROM: usize = 1 << 14;

/// Bytes that kept blocks may have in all.
const KEPT: usize = 128 << 20;

/// Collections that a kept block outlives without being used.
const UNUSED: u8 = 2;

/// Bytes held by all storages of the process.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Bytes of Lua's heaps, when they were last looked at.
static LUA: AtomicUsize = AtomicUsize::new(0);

/// Freed blocks, the latest last.
static SPARE: Mutex<Spare> = Mutex::new(Spare { blocks: Vec::new(), bytes: 0 });

/// Bytes in which memory goes back to the system.
const RETURNED: usize = 64 << 20;

/// How long freed memory may still be asked for again, twice: while much is being freed, and after that.
const WAIT: Duration = Duration::from_millis(400);

/// Gives the allocator's free memory back to the system.
static RELEASE: OnceLock<fn()> = OnceLock::new();

/// Bytes given to the allocator since memory last went back to the system.
static FREED: AtomicUsize = AtomicUsize::new(0);

/// Whether a thread waits to give memory back.
static RELEASING: AtomicBool = AtomicBool::new(false);

/// The most bytes that storages and Lua held: since memory last went back, and since the thread that waits last looked.
static MOST: AtomicUsize = AtomicUsize::new(0);
static LATELY: AtomicUsize = AtomicUsize::new(0);

/// Whether blocks are kept at all: not with `REKINDLE_POOL=off` in the environment, so that a sanitizer sees who uses memory
/// that was freed.
fn keeps() -> bool {
    static KEEPS: OnceLock<bool> = OnceLock::new();
    *KEEPS.get_or_init(|| std::env::var_os("REKINDLE_POOL").is_none_or(|v| v != "off"))
}

/// Says how the allocator gives memory back to the system; without it, memory stays with the allocator.
pub fn release_with(release: fn()) {
    RELEASE.get_or_init(|| release);
}

/// Counts what the allocator got back. Where that is much, it goes on to the system, unless storages need it again soon.
fn note_freed(bytes: usize) {
    let freed = FREED.fetch_add(bytes, Relaxed) + bytes;
    if freed > RETURNED.max(live_bytes() / 2) && !RELEASING.swap(true, Relaxed) {
        release_soon();
    }
}

#[cold]
fn release_soon() {
    let Some(release) = RELEASE.get() else { return };
    let work = move || {
        std::thread::sleep(WAIT);
        LATELY.store(bytes_in_use(), Relaxed);
        std::thread::sleep(WAIT);
        FREED.store(0, Relaxed);
        RELEASING.store(false, Relaxed);
        let lately = LATELY.load(Relaxed);
        if MOST.load(Relaxed).saturating_sub(lately) > RETURNED {
            MOST.store(lately, Relaxed);
            release();
        }
    };
    if std::thread::Builder::new().name("memory".into()).spawn(work).is_err() {
        RELEASING.store(false, Relaxed);
    }
}

/// Looks, now and then while objects are freed, whether so much is free that it goes back to the system. What is freed in
/// small pieces is not counted otherwise. Takes the bytes of a Lua heap, and those that it had at its last look.
pub fn look_after(before: usize, now: usize) {
    LUA.fetch_add(now.wrapping_sub(before), Relaxed);
    let used = bytes_in_use();
    note_most(used);
    let freed = MOST.load(Relaxed).saturating_sub(used);
    if freed > RETURNED.max(used / 2) && !RELEASING.swap(true, Relaxed) {
        release_soon();
    }
}

fn bytes_in_use() -> usize {
    live_bytes().saturating_add(LUA.load(Relaxed))
}

#[inline(always)]
fn note_most(used: usize) {
    for most in [&MOST, &LATELY] {
        if used > most.load(Relaxed) {
            most.store(used, Relaxed);
        }
    }
}

/// Bytes that all storages hold at present; the Lua side feeds them to its collector.
pub fn live_bytes() -> usize {
    LIVE.load(Relaxed)
}

/// What a new block holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Zeros.
    Zeros,
    /// Zeros or elements of an earlier storage: for what is written in whole before anyone reads it.
    Any,
}

/// Memory without an owner.
struct Raw {
    ptr: NonNull<u8>,
    bytes: usize,
}

// SAFETY: plain memory that nobody uses.
unsafe impl Send for Raw {}

impl Raw {
    fn free(self) {
        if self.bytes >= KEPT_FROM {
            note_freed(self.bytes);
        }
        // SAFETY: blocks are allocated with this size and the alignment that follows from it, and are freed once, since
        // this takes the only handle.
        unsafe { alloc::dealloc(self.ptr.as_ptr(), Alloc::from_size_align_unchecked(self.bytes, align(self.bytes))) }
    }
}

/// A block that is kept, and how many collections it has been.
struct Kept {
    raw: Raw,
    age: u8,
}

struct Spare {
    blocks: Vec<Kept>,
    bytes: usize,
}

impl Spare {
    /// A block of at least this size and at most an eighth more, the latest first: its content may still be cached.
    fn take(&mut self, bytes: usize) -> Option<Raw> {
        let fits = |k: &Kept| k.raw.bytes >= bytes && k.raw.bytes - bytes <= bytes / 8;
        let at = self.blocks.iter().rposition(fits)?;
        let raw = self.blocks.remove(at).raw;
        self.bytes -= raw.bytes;
        Some(raw)
    }

    /// Keeps a block; the oldest ones go where there are too many.
    fn keep(&mut self, raw: Raw) {
        if raw.bytes > KEPT / 2 {
            return raw.free();
        }
        self.bytes += raw.bytes;
        self.blocks.push(Kept { raw, age: 0 });
        let mut over = 0;
        while self.bytes > KEPT {
            self.bytes -= self.blocks[over].raw.bytes;
            over += 1;
        }
        self.blocks.drain(..over).for_each(|k| k.raw.free());
    }

    /// Lets go what has not been used for some collections.
    fn decay(&mut self) {
        for old in self.blocks.extract_if(.., |k| k.age >= UNUSED) {
            self.bytes -= old.raw.bytes;
            old.raw.free();
        }
        self.blocks.iter_mut().for_each(|k| k.age += 1);
    }
}

/// What is done with the spare blocks; no panic can leave them in disorder.
fn spare<R>(f: impl FnOnce(&mut Spare) -> R) -> R {
    f(&mut SPARE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What may lie at the start of any block.
#[repr(align(64))]
struct Aligned;

/// An owned allocation.
pub struct Block {
    ptr: NonNull<u8>,
    bytes: usize,
    /// What is behind a block that is not memory of our own.
    file: Option<Box<Pages>>,
}

/// A file's pages.
struct Pages {
    /// Unmapped with the block.
    _map: memmap2::MmapRaw,
    /// A file to be removed with the block: memory shared by name.
    remove: Option<std::path::PathBuf>,
}

// SAFETY: a block is plain memory with one owner.
unsafe impl Send for Block {}

impl Block {
    /// Without memory: aligned as every block, since slices of no element lie there.
    pub const EMPTY: Block = Block { ptr: NonNull::<Aligned>::dangling().cast(), bytes: 0, file: None };

    /// A block of at least this many bytes.
    ///
    /// # Errors
    /// [`Kind::Memory`] when there is not enough.
    pub fn new(bytes: usize, content: Content) -> Result<Block> {
        if bytes == 0 {
            return Ok(Block::EMPTY);
        }
        let raw = if bytes < KEPT_FROM { fresh(bytes) } else { recycled(bytes, content) };
        let Raw { ptr, bytes } = raw.ok_or_else(|| Error::from(Kind::Memory { bytes }))?;
        let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
        if bytes >= KEPT_FROM {
            note_most(live.saturating_add(LUA.load(Relaxed)));
        }
        Ok(Block { ptr, bytes, file: None })
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Its memory, aligned for elements of any type, always written.
    pub fn memory(&self) -> RawSlice<'_, u8> {
        // SAFETY: so many bytes lie there, zeroed or written by an earlier owner, as long as the block lives.
        unsafe { RawSlice::over(self.ptr.as_ptr(), self.bytes) }
    }

    /// The pages of a mapped file.
    pub fn of_file(map: memmap2::MmapRaw) -> Option<Block> {
        let (ptr, bytes) = (NonNull::new(map.as_mut_ptr())?, map.len());
        Some(Block { ptr, bytes, file: Some(Box::new(Pages { _map: map, remove: None })) })
    }

    /// The file goes with the block.
    pub fn remove_with(&mut self, path: std::path::PathBuf) {
        if let Some(file) = &mut self.file {
            file.remove = Some(path);
        }
    }
}

/// A zeroed block from the allocator.
fn fresh(bytes: usize) -> Option<Raw> {
    let layout = Alloc::from_size_align(bytes, align(bytes)).ok()?;
    // SAFETY: the size is not zero. Zeroed, because Torch7 programs may read what they never wrote and must not
    // see freed memory of the process; large zeroed blocks come from the system without being touched.
    let ptr = unsafe { alloc::alloc_zeroed(layout) };
    Some(Raw { ptr: NonNull::new(ptr)?, bytes })
}

fn recycled(bytes: usize, content: Content) -> Option<Raw> {
    if bytes <= KEPT / 2
        && let Some(raw) = spare(|s| s.take(bytes))
    {
        if content == Content::Zeros {
            // SAFETY: the block has that many bytes, and nobody else has it.
            unsafe { raw.ptr.write_bytes(0, raw.bytes) };
        }
        return Some(raw);
    }
    if bytes > LARGE && live_bytes().saturating_add(bytes) > memory_limit::bytes() {
        return None;
    }
    fresh(bytes).or_else(|| {
        free_spare();
        fresh(bytes)
    })
}

/// Frees the blocks that are kept, where memory runs out.
pub fn free_spare() {
    let blocks = spare(|s| {
        s.bytes = 0;
        std::mem::take(&mut s.blocks)
    });
    blocks.into_iter().for_each(|k| k.raw.free());
}

/// Frees the kept blocks that have not been used lately; called once for each collection of Lua's.
pub fn collected() {
    spare(Spare::decay);
}

impl Drop for Block {
    fn drop(&mut self) {
        if loans::any() && self.bytes > 0 {
            // somebody may be using it
            let bytes = std::mem::take(&mut self.bytes);
            return loans::keep(Block { ptr: self.ptr, bytes, file: self.file.take() });
        }
        if let Some(file) = &self.file {
            if let Some(path) = &file.remove {
                // another storage of this name may have removed it
                std::fs::remove_file(path).ok();
            }
            return;
        }
        if self.bytes > 0 {
            LIVE.fetch_sub(self.bytes, Relaxed);
            let raw = Raw { ptr: self.ptr, bytes: self.bytes };
            if self.bytes < KEPT_FROM || !keeps() { raw.free() } else { spare(|s| s.keep(raw)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(b: &Block) -> &[u8] {
        // SAFETY: the block has that many bytes, all written.
        unsafe { std::slice::from_raw_parts(b.ptr.as_ptr(), b.bytes) }
    }

    #[test]
    fn recycled_blocks_are_zeroed_unless_anything_will_do() {
        // a size that no other test uses
        let size = 3_333_333;
        let b = Block::new(size, Content::Zeros).unwrap();
        let at = b.ptr;
        // SAFETY: inside the block.
        unsafe { at.write_bytes(7, size) };
        drop(b);
        let b = Block::new(size - 1000, Content::Any).unwrap();
        assert!(b.ptr == at && b.bytes == size && bytes_of(&b)[size - 1] == 7);
        drop(b);
        let b = Block::new(size - 2000, Content::Zeros).unwrap();
        assert!(b.ptr == at && bytes_of(&b).iter().all(|&v| v == 0));
        let other = Block::new(size / 2, Content::Zeros).unwrap();
        assert!(other.ptr != at);
    }

    #[test]
    fn spare_blocks_are_limited() {
        let mut s = Spare { blocks: Vec::new(), bytes: 0 };
        let raw = || fresh(KEPT / 8).unwrap();
        let first = raw();
        let at = first.ptr;
        s.keep(first);
        for _ in 0..8 {
            s.keep(raw());
        }
        assert!(s.blocks.len() == 8 && s.bytes == KEPT && s.blocks.iter().all(|k| k.raw.ptr != at));
        assert!(s.take(KEPT / 16).is_none() && s.take(KEPT / 4).is_none());
        assert!(s.take(KEPT / 8).is_some() && s.bytes == KEPT / 8 * 7);
        s.keep(fresh(KEPT).unwrap());
        assert!(s.blocks.len() == 7);
        // those that two collections found unused go with the third
        s.decay();
        s.keep(raw());
        s.decay();
        assert!(s.blocks.len() == 8);
        s.decay();
        assert!(s.blocks.len() == 1 && s.bytes == KEPT / 8);
        s.decay();
        assert!(s.blocks.is_empty() && s.bytes == 0);
    }
}
