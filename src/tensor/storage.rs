//! The shared buffer under tensors, and the one place of the core where memory is aliased.
//!
//! A [`Storage`] is a reference-counted, resizable run of elements of one type. Many tensors look at one storage, and
//! an operation may write through one while it reads through another: so what is handed out of the memory is a
//! [`RawSlice`], or lent to a function for the time of its call.

use super::access::{RawSlice, loans};
use super::buffer_pool::{Block, Content};
pub use super::buffer_pool::{collected, free_spare, live_bytes, look_after, release_with};
use super::class::{Device, TensorClass};
use super::dtype::{DType, Element};
use super::error::{Error, Kind, Result};
use super::sharing::{self, Hold};
use deferred::Deferred;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering::Relaxed};

pub(in crate::tensor) mod deferred;
mod open;
pub(in crate::tensor) mod packed;

thread_local! {
    /// Whether the list below has any: a flag without a destructor is what every call can afford to look at.
    static ANY_RETIRED: Cell<bool> = const { Cell::new(false) };
    /// Buffers that a resize replaced while a scope was open; views taken before the resize still read them.
    static RETIRED: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Frees the buffers that resizes replaced on this thread; those that are lent stay until they are given back. Kernels
/// that hold raw views do not call it, nor anything that does: the Lua boundary does after each call.
#[inline(always)]
pub fn reclaim() {
    if ANY_RETIRED.get() {
        drop_retired();
    }
}

#[cold]
fn drop_retired() {
    ANY_RETIRED.set(false);
    // the borrow ends before the blocks are dropped
    let blocks = RETIRED.with(|r| std::mem::take(&mut *r.borrow_mut()));
    drop(blocks);
}

/// What all handles of a storage share. Where it is marked as shared by threads, others may ask for `len` and `ptr`
/// meanwhile, and `block` is for whoever [holds](sharing) it.
struct Shared {
    class: TensorClass,
    len: AtomicUsize,
    block: Cell<Block>,
    ptr: AtomicPtr<u8>,
    /// Whether the memory is its own, and nothing is put off or kept.
    direct: AtomicBool,
    /// All of that in a byte which every access can afford to look at: see [`open`].
    open: AtomicU8,
    /// What is not written, and what is kept. Only where no other thread can reach it.
    deferred: Cell<Option<Box<Deferred>>>,
    /// Whether a program was told its address.
    exposed: AtomicBool,
    /// Whether other threads can reach it.
    across: AtomicBool,
    /// For a view: the storage it looks into, and from which element.
    parent: Option<(Storage, usize)>,
    /// Whether it cannot be resized: views and mapped files.
    fixed: bool,
}

/// An empty list with room for `n` elements.
///
/// # Errors
/// [`Kind::Memory`] when there is not enough, where `Vec::with_capacity` would end the process.
pub fn room<T>(n: usize) -> Result<Vec<T>> {
    super::memory_limit::demand::<T>(&[n])?;
    let (mut list, bytes) = (Vec::new(), n.saturating_mul(size_of::<T>()));
    list.try_reserve_exact(n).map_err(|_| Error::from(Kind::Memory { bytes }))?;
    Ok(list)
}

/// Fails unless there is memory for so many elements: before work whose own lists cannot fail one by one.
///
/// # Errors
/// As [`room`].
pub fn enough<T>(n: usize) -> Result<()> {
    room::<T>(n).map(drop)
}

/// A shared, resizable buffer of elements of one type. It stays on the thread that made it unless it goes across as a
/// [`Crossing`]; what threads get that work for a kernel are parts of its memory, lent by [`access`](super::access).
#[derive(Clone)]
pub struct Storage(Arc<Shared>);

impl Storage {
    #[allow(clippy::arc_with_non_send_sync, reason = "handles cross to other threads as a `Crossing`")]
    fn over(class: TensorClass, len: usize, block: Block, parent: Option<(Storage, usize)>, fixed: bool) -> Storage {
        // SAFETY: used by `memory` alone, as long as the block is this storage's.
        let ptr = AtomicPtr::new(unsafe { block.memory().at(0) });
        let (direct, open) = (AtomicBool::new(parent.is_none()), AtomicU8::new(open::CLOSED));
        let (len, block, deferred) = (AtomicUsize::new(len), Cell::new(block), Cell::new(None));
        let [exposed, across] = [const { AtomicBool::new(false) }; 2];
        let shared = Shared { class, len, block, ptr, direct, open, deferred, exposed, across, parent, fixed };
        shared.note_open();
        Storage(Arc::new(shared))
    }

    /// A storage of `len` zero elements.
    ///
    /// # Errors
    /// [`Kind::Memory`] when there is not enough.
    pub fn new(class: impl Into<TensorClass>, len: usize) -> Result<Storage> {
        let class = class.into();
        let bytes =
            len.checked_mul(class.dtype.size()).ok_or_else(|| Error::from(Kind::Memory { bytes: usize::MAX }))?;
        let block = Block::new(bytes, Content::Zeros)?;
        Ok(Storage::over(class, len, block, None, false))
    }

    /// A host storage with a copy of these elements.
    ///
    /// # Errors
    /// [`Kind::Memory`] when there is not enough.
    pub fn from_slice<T: Element>(data: &[T]) -> Result<Storage> {
        Storage::from_slice_on(Device::Host, data)
    }

    /// A storage of a device with a copy of these elements.
    ///
    /// # Errors
    /// [`Kind::Memory`] when there is not enough; [`Kind::OutOfStorage`] where the device has a memory of its own.
    pub fn from_slice_on<T: Element>(device: Device, data: &[T]) -> Result<Storage> {
        let s = Storage::new(TensorClass { dtype: T::DTYPE, device }, data.len())?;
        s.write_slice(0, data)?;
        Ok(s)
    }

    /// The content of a file as elements. Shared: writes reach the file, which is made longer where `len` asks for more.
    /// Not shared: a copy of the file's first `len` elements, or of all.
    ///
    /// # Errors
    /// A file that cannot be opened or is too short.
    pub fn mapped(dtype: DType, path: &str, shared: bool, len: usize) -> Result<Storage> {
        let fail = |e: std::io::Error| Error::invalid(format!("unable to map file <{path}>: {e}"));
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(shared)
            .create(shared)
            .truncate(false)
            .open(path)
            .map_err(fail)?;
        let there = usize::try_from(file.metadata().map_err(fail)?.len()).unwrap_or(usize::MAX);
        let wanted = len.checked_mul(dtype.size()).ok_or_else(|| Error::from(Kind::Memory { bytes: usize::MAX }))?;
        if there < wanted {
            if !shared {
                return Err(Error::invalid(format!("file <{path}> has {there} bytes, {wanted} are wanted")));
            }
            file.set_len(wanted as u64).map_err(fail)?;
        }
        let bytes = if len > 0 { wanted } else { there / dtype.size() * dtype.size() };
        if bytes == 0 {
            return Storage::new(dtype, 0);
        }
        let options = {
            let mut o = memmap2::MmapOptions::new();
            o.len(bytes);
            o
        };
        if !shared {
            let mut s = Storage::new(dtype, bytes / dtype.size())?;
            if let Some(fresh) = Arc::get_mut(&mut s.0) {
                fresh.fixed = true;
            }
            let content = std::fs::read(path).map_err(fail)?;
            // what the file lost meanwhile stays zero
            s.write_bytes(0, &content[..bytes.min(content.len())])?;
            return Ok(s);
        }
        let map = options.map_raw(&file).map_err(fail)?;
        let block = Block::of_file(map).ok_or_else(|| Error::from(Kind::Memory { bytes }))?;
        Ok(Storage::over(dtype.into(), bytes / dtype.size(), block, None, true))
    }

    /// Memory of `len` elements that other processes see under this name. The name goes with the storage.
    ///
    /// # Errors
    /// No element, a name that has folders in it, memory that the system refuses.
    pub fn shared_memory(dtype: DType, name: &str, len: usize) -> Result<Storage> {
        let plain = name.strip_prefix('/').unwrap_or(name);
        let fits = !plain.is_empty() && !plain.contains(['/', '\\', '\0']) && plain != "." && plain != "..";
        if !fits || len == 0 {
            let text = format!("shared memory: expected a name without folders and a size, got <{name}> and {len}");
            return Err(Error::invalid(text));
        }
        let folder = std::path::PathBuf::from("/dev/shm");
        let file = if folder.is_dir() { folder } else { std::env::temp_dir() }.join(plain);
        let path = file.to_str().ok_or_else(|| Error::invalid("shared memory: its folder has no readable name"))?;
        let mut s = Storage::mapped(dtype, path, true, len)?;
        if let Some(shared) = Arc::get_mut(&mut s.0) {
            shared.block.get_mut().remove_with(file);
        }
        Ok(s)
    }

    /// A view of `len` elements from `offset` of another storage, which shares their memory and cannot be resized.
    ///
    /// # Errors
    /// A part outside, or without elements.
    pub fn part(of: &Storage, offset: usize, len: usize) -> Result<Storage> {
        let end = offset.checked_add(len);
        if len == 0 || end.is_none_or(|e| e > of.len()) {
            return Err(Error::invalid(format!(
                "size out of bounds: {len} elements from {} of a storage of {}",
                offset.saturating_add(1),
                of.len()
            )));
        }
        Ok(Storage::over(of.class(), len, Block::EMPTY, Some((of.clone(), offset)), true))
    }

    /// The elements' type.
    #[inline(always)]
    pub fn dtype(&self) -> DType {
        self.0.class.dtype
    }

    /// The elements' type and where they lie.
    #[inline(always)]
    pub fn class(&self) -> TensorClass {
        self.0.class
    }

    /// How many elements the gate to host memory lets through: none on another device. All that hands out or copies
    /// elements asks here.
    #[inline(always)]
    fn host_len(&self) -> usize {
        if self.0.class.in_host_memory() { self.len() } else { 0 }
    }

    /// How many elements there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        if self.0.parent.is_none() { self.0.len.load(Relaxed) } else { self.part_len() }
    }

    /// The length of a view. Apart, as [`Storage::other_memory`]: with the recursion in them, the usual cases would not be
    /// inlined.
    #[cold]
    fn part_len(&self) -> usize {
        // the parent may have become smaller
        let there = |(p, offset): &(Storage, usize)| p.len().saturating_sub(*offset);
        self.0.len.load(Relaxed).min(self.0.parent.as_ref().map_or(usize::MAX, there))
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory. On another device there is none.
    #[inline(always)]
    fn memory(&self) -> RawSlice<'_, u8> {
        if self.0.direct.load(Relaxed) { self.own_memory() } else { self.other_memory() }
    }

    #[inline(always)]
    fn own_memory(&self) -> RawSlice<'_, u8> {
        // SAFETY: the block has so many elements, zeroed or written. `resize_with` replaces block and length one after the
        // other, and no other thread looks meanwhile: it would have to hold the storage.
        unsafe { RawSlice::over(self.0.ptr.load(Relaxed), self.host_len() * self.dtype().size()) }
    }

    /// The memory of a view, and memory that is not written yet.
    #[cold]
    fn other_memory(&self) -> RawSlice<'_, u8> {
        let Some((parent, offset)) = &self.0.parent else {
            self.write_all_deferred();
            return self.own_memory();
        };
        let size = self.dtype().size();
        parent.memory().part(offset * size, self.host_len() * size)
    }

    /// Elements `from..end`, whoever uses them; nothing where there are not so many in host memory.
    ///
    /// # Panics
    /// If `T` is not the storage's type: callers are dispatched by it.
    #[inline(always)]
    pub(in crate::tensor) fn elements<T: Element>(&self, from: usize, end: usize) -> Option<RawSlice<'_, T>> {
        self.open_elements(from, end).or_else(|| self.closed_elements(from, end))
    }

    /// [`Storage::elements`] of all memory. Apart, so that little is inlined.
    #[inline(never)]
    fn closed_elements<T: Element>(&self, from: usize, end: usize) -> Option<RawSlice<'_, T>> {
        if from > end || end > self.host_len() {
            return None;
        }
        assert!(self.0.class.dtype == T::DTYPE, "storage of another class");
        if !self.0.direct.load(Relaxed) && self.0.parent.is_none() {
            self.write_deferred(from, end);
            return Some(self.own_elements(from, end));
        }
        // SAFETY: the memory is that of elements of this type, as many as the length says.
        Some(unsafe { self.memory().cast_part(from, end - from) })
    }

    /// The address of the first element, for programs that compare or print it, or reach the memory there.
    pub fn address(&self) -> usize {
        self.root().0.exposed.store(true, Relaxed);
        self.memory().address()
    }

    /// An address that is the same for all handles of one storage.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The storage whose memory this one sees.
    fn root(&self) -> &Storage {
        match &self.0.parent {
            None => self,
            Some((of, _)) => of.root(),
        }
    }

    /// The lock that a thread needs for the memory; 0 while other threads cannot reach it.
    #[inline(always)]
    pub(crate) fn lock(&self) -> u64 {
        if !sharing::any() { 0 } else { self.lock_across() }
    }

    #[inline(never)]
    fn lock_across(&self) -> u64 {
        let root = self.root();
        if root.0.across.load(Relaxed) { sharing::lock_of(root.id()) } else { 0 }
    }

    /// Whether this thread may touch the memory now.
    #[inline(always)]
    pub(in crate::tensor) fn is_held(&self) -> bool {
        !sharing::any() || sharing::holds(self.lock_across())
    }

    /// Lets this thread touch the memory until the result is dropped.
    ///
    /// # Errors
    /// [`Kind::InUse`] for a storage that another thread keeps.
    #[inline(always)]
    fn hold(&self) -> Result<Option<Hold>> {
        if !sharing::any() { Ok(None) } else { self.hold_across() }
    }

    #[inline(never)]
    fn hold_across(&self) -> Result<Option<Hold>> {
        match self.lock_across() {
            0 => Ok(None),
            lock => sharing::hold(lock).map(Some),
        }
    }

    /// Whether both are handles of one storage.
    pub fn same(&self, other: &Storage) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether both see the same memory: one storage, or views into one.
    #[inline(always)]
    pub fn shares_memory(&self, other: &Storage) -> bool {
        let parts = self.0.parent.is_some() || other.0.parent.is_some();
        self.same(other) || parts && self.root().same(other.root())
    }

    /// Changes the number of elements and keeps the first ones; new ones are zero. Every tensor over it sees the change.
    ///
    /// # Errors
    /// [`Kind::Memory`] when there is not enough, [`Kind::InUse`] while a result has the elements; the storage is then as
    /// before.
    pub fn resize(&self, len: usize) -> Result<()> {
        self.resize_with(len, Content::Zeros)
    }

    fn resize_with(&self, len: usize, content: Content) -> Result<()> {
        if self.0.fixed {
            return Err(Error::invalid("Trying to resize storage that is not resizable"));
        }
        let _hold = self.hold()?;
        self.write_all_deferred();
        let size = self.dtype().size();
        let bytes = len.checked_mul(size).ok_or_else(|| Error::from(Kind::Memory { bytes: usize::MAX }))?;
        let old = self.0.block.replace(Block::EMPTY);
        let (had, old_len) = (old.bytes(), self.len());
        let in_place = bytes <= had && bytes >= had / 2;
        // what a result has cannot be read
        if !loans::allows(old.memory().address(), had, false) {
            self.0.block.set(old);
            return Err(Error::from(Kind::InUse { shape: format!("storage of {old_len} elements") }));
        }
        // what is lent is not overwritten with zeros: it moves
        if in_place && loans::allows(old.memory().address(), had, true) {
            if len > old_len && content == Content::Zeros {
                // SAFETY: bytes old_len..len lie in the block, whose capacity covers them; no reference to them lives.
                unsafe { old.memory().slice_mut(old_len * size, (len - old_len) * size) }.fill(0);
            }
            self.0.block.set(old);
            self.0.len.store(len, Relaxed);
            return Ok(());
        }
        let new = match Block::new(bytes, content) {
            Ok(b) => b,
            Err(e) => {
                self.0.block.set(old);
                return Err(e);
            }
        };
        let kept = len.min(old_len) * size;
        // SAFETY: both blocks have at least the smaller of the two lengths; the new one is nobody else's, and nobody writes
        // the old one while this copies.
        unsafe {
            std::ptr::copy_nonoverlapping(old.memory().at(0), new.memory().at(0), kept);
            self.0.ptr.store(new.memory().at(0), Relaxed);
        }
        self.0.block.set(new);
        self.0.len.store(len, Relaxed);
        if had > 0 {
            RETIRED.with(|r| r.borrow_mut().push(old));
            ANY_RETIRED.set(true);
        }
        Ok(())
    }

    /// Grows to at least `len` elements; new ones are zero.
    ///
    /// # Errors
    /// As [`Storage::resize`].
    #[inline(always)]
    pub fn reserve(&self, len: usize) -> Result<()> {
        self.reserve_with(len, Content::Zeros)
    }

    /// Grows to at least `len` elements; what new ones are is the caller's choice.
    ///
    /// # Errors
    /// As [`Storage::resize`].
    #[inline(always)]
    pub fn reserve_with(&self, len: usize, content: Content) -> Result<()> {
        if len > self.len() { self.resize_with(len, content) } else { Ok(()) }
    }

    /// The bytes from byte `at`, at most `n`, where they are free to be read or written.
    fn bytes_from(&self, at: usize, n: usize, writes: bool) -> Result<RawSlice<'_, u8>> {
        let all = self.memory();
        let found = all.part(at.min(all.len()), n.min(all.len().saturating_sub(at)));
        if !loans::allows(found.address(), found.len(), writes) {
            return Err(Error::from(Kind::InUse { shape: format!("storage of {} elements", self.len()) }));
        }
        Ok(found)
    }

    /// Copies the bytes from byte `at` to `out`, as far as they go; how many.
    ///
    /// # Errors
    /// [`Kind::InUse`] while a result has them.
    pub fn read_bytes(&self, at: usize, out: &mut [u8]) -> Result<usize> {
        let _hold = self.hold()?;
        let found = self.bytes_from(at, out.len(), false)?;
        // SAFETY: the whole range, which no writer has; `out`, being writable, does not overlap it.
        out[..found.len()].copy_from_slice(unsafe { found.slice(0, found.len()) });
        Ok(found.len())
    }

    /// Copies a slice over the bytes from byte `at`, as far as they go; how many.
    ///
    /// # Errors
    /// [`Kind::InUse`] while they are lent.
    pub fn write_bytes(&self, at: usize, data: &[u8]) -> Result<usize> {
        let _hold = self.hold()?;
        let found = self.bytes_from(at, data.len(), true)?;
        // SAFETY: the whole range, which is lent to nobody, so `data` is not part of it.
        unsafe { found.slice_mut(0, found.len()) }.copy_from_slice(&data[..found.len()]);
        Ok(found.len())
    }

    /// Lends the bytes of the elements from `from`, at most `n` of them, to a function that reads them.
    ///
    /// # Errors
    /// [`Kind::InUse`] while a result has them.
    pub fn lend_bytes<R>(&self, from: usize, n: usize, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        let _hold = self.hold()?;
        let size = self.dtype().size();
        let found = self.bytes_from(from.saturating_mul(size), n.saturating_mul(size), false)?;
        let _loan = loans::Lent::new(self, found.address(), found.len(), false);
        // SAFETY: the whole range, which is initialised; it is lent to readers during the call.
        Ok(f(unsafe { found.slice(0, found.len()) }))
    }

    /// Lends the bytes of the elements from `from`, at most `n` of them, to a function that fills them; any bytes are
    /// elements.
    ///
    /// # Errors
    /// [`Kind::InUse`] while they are lent.
    pub fn fill_bytes<R>(&self, from: usize, n: usize, f: impl FnOnce(&mut [u8]) -> R) -> Result<R> {
        let _hold = self.hold()?;
        let size = self.dtype().size();
        let found = self.bytes_from(from.saturating_mul(size), n.saturating_mul(size), true)?;
        let _loan = loans::Lent::new(self, found.address(), found.len(), true);
        // SAFETY: as above, and lent to this function alone.
        Ok(f(unsafe { found.slice_mut(0, found.len()) }))
    }

    /// A copy of the elements from `from`, at most `n`; none while a result has them.
    pub fn to_vec<T: Element>(&self, from: usize, n: usize) -> Vec<T> {
        let Ok(_hold) = self.hold() else { return vec![] };
        let len = self.host_len();
        let from = from.min(len);
        let n = n.min(len - from);
        if n == 0 {
            return vec![];
        }
        match self.elements::<T>(from, from + n) {
            Some(found) if loans::allows(found.address(), found.bytes(), false) => {
                // SAFETY: the whole range, which no writer has.
                unsafe { found.slice(0, n) }.to_vec()
            }
            _ => vec![],
        }
    }

    /// Copies a slice over the elements from `at`; elements beyond the end are an error.
    ///
    /// # Errors
    /// [`Kind::OutOfStorage`] when the slice does not fit; [`Kind::InUse`] while the elements are lent.
    pub fn write_slice<T: Element>(&self, at: usize, data: &[T]) -> Result<()> {
        let _hold = self.hold()?;
        let needed = at.saturating_add(data.len());
        if needed > self.host_len() {
            return Err(Error::from(Kind::OutOfStorage { needed, len: self.host_len() }));
        }
        let found = self.elements::<T>(at, needed).unwrap_or(RawSlice::EMPTY);
        self.bytes_from(at * size_of::<T>(), size_of_val(data), true)?;
        // SAFETY: the whole range, which is lent to nobody, so `data` is not part of it.
        unsafe { found.slice_mut(0, found.len()) }.copy_from_slice(data);
        Ok(())
    }
}

/// A storage on its way to another thread. Making one marks the storage for ever: from then on its memory is reached
/// only by a thread that holds it.
#[derive(Clone)]
pub struct Crossing(Storage);

// SAFETY: the storage is marked, and so are those that it looks into. What threads then share of `Shared`: the class, the
// parent and `fixed` never change; `len`, `ptr` and the flags are atomic; `block` is touched in `resize_with` alone, which
// holds the storage, and when the last handle goes; `deferred` has nothing to write, and stays as it is where that is so.
// Memory behind `ptr` is handed out by methods that hold the storage themselves, or by `Tensor::elements`, which refuses a
// marked storage that its thread does not hold. A storage that was not marked has handles on one thread only, since nothing
// else lets a handle pass.
unsafe impl Send for Crossing {}
// SAFETY: a shared reference gives nothing but new handles, for which the same holds.
unsafe impl Sync for Crossing {}

impl Crossing {
    /// Marks a storage, and what it looks into.
    ///
    /// # Errors
    /// [`Kind::InUse`] while anything is lent on this thread: a slice that was lent without holding the storage would not
    /// be protected from other threads.
    pub fn new(storage: &Storage) -> Result<Crossing> {
        if loans::any() {
            return Err(Error::from(Kind::InUse { shape: format!("storage of {} elements", storage.len()) }));
        }
        sharing::begin();
        let mut marked = Some(storage);
        while let Some(s) = marked {
            s.write_all_deferred();
            s.0.across.store(true, Relaxed);
            s.0.note_open();
            marked = s.0.parent.as_ref().map(|(of, _)| of);
        }
        Ok(Crossing(storage.clone()))
    }

    /// A handle on the thread that this is called on.
    pub fn arrive(&self) -> Storage {
        self.0.clone()
    }
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;
