//! Lua's memory: it runs out with an error, and tensors die with it.
//!
//! Lua's allocator tells when it frees a tensor object, and its storage is let go there. A finaliser (`__gc`) for each
//! tensor costs half as much again as making the object: the collector takes the object out of its list, calls the
//! finaliser, and frees the memory a whole cycle later. The memory of an object is freed exactly once, at the same moment
//! at which nothing can reach it any more, finalisers of others included.
//!
//! mlua's allocator ends the process when there is no memory; this one says so, and Lua raises "not enough memory". What
//! the program gave up by then is garbage that Lua would only collect later: it is collected before the next instruction.

use super::{Object, STORAGE, is_ours, kind_of};
use crate::tensor::{Tensor, memory_limit, storage};
use mlua::ffi::{self, lua_State};
use std::alloc::{Layout, alloc, dealloc, realloc};
use std::os::raw::{c_int, c_void};
use std::ptr::null_mut;

/// Lua's heap, and what a block in it that holds a tensor looks like.
struct Heap {
    state: *mut lua_State,
    /// Bytes that Lua holds.
    used: usize,
    /// Bytes that it may hold together with all storages.
    most: usize,
    /// Size of a tensor's block.
    size: usize,
    /// Where the object starts in it.
    header: usize,
    /// The block handed out last, for finding out the two above.
    last: (*mut c_void, usize),
    /// The program's hook, while ours waits to collect.
    hook: Option<(Option<ffi::lua_Hook>, c_int, c_int)>,
    /// Whether it collects since memory ran out. The collector may need a little of the reserve.
    collecting: bool,
    /// How often it has tried again.
    tries: u8,
    /// Blocks freed so far, and the bytes that Lua held when that was last looked at.
    freed: usize,
    seen: usize,
    /// Bytes of small requests that are granted although memory has run out, until it has been collected.
    grace: usize,
}

/// What small requests get in all between an error for want of memory and the collection after it: the program that
/// caught the error goes on meanwhile.
const GRACE: usize = 4 << 20;

/// The largest of them.
const SMALL: usize = 4096;

/// Blocks that are freed between two looks at how much memory is free.
const LOOK: usize = 1 << 14;

/// Bytes up to which nobody asks how much memory the machine has.
const LARGE: usize = 1 << 28;

impl Heap {
    /// Userdata without content gets room for a mark, so that every userdata can be asked for one.
    fn layout(&self, size: usize) -> Layout {
        let room = if size == self.header { size + size_of::<u64>() } else { size };
        // SAFETY: the alignment is a power of two; Lua asks for less than half of the address space.
        unsafe { Layout::from_size_align_unchecked(room, ffi::SYS_MIN_ALIGN) }
    }

    /// Whether there may be that many bytes more.
    #[inline(always)]
    fn allows(&self, more: usize) -> bool {
        #[cfg(feature = "mimalloc")]
        if !self.collecting && !crate::alloc::has_reserve() {
            return false;
        }
        let used = self.used + more;
        used <= LARGE || used.saturating_add(storage::live_bytes()) <= self.most
    }

    /// A block of another size with the same content, or null.
    ///
    /// # Safety
    /// `p` is null or a block of this heap with `old` bytes; `new` is not 0.
    unsafe fn resized(&self, p: *mut c_void, old: usize, new: usize) -> *mut c_void {
        let layout = self.layout(new);
        // SAFETY: by the contract; blocks are made and freed with the layout that follows from their size.
        unsafe { if p.is_null() { alloc(layout) } else { realloc(p.cast(), self.layout(old), layout.size()) }.cast() }
    }
}

unsafe extern "C" fn allocate(h: *mut c_void, p: *mut c_void, old: usize, new: usize) -> *mut c_void {
    // SAFETY: `h` is the leaked Heap of this state, and nobody else uses it during the call. A block of this size that is
    // freed and carries the process' secret mark holds a tensor made by `push_tensor`: the mark cannot be written from
    // Lua, and is cleared here, so that memory that is used again never carries an old one.
    unsafe {
        let h = h.cast::<Heap>();
        if new == 0 {
            if p.is_null() {
                return null_mut();
            }
            if old == (*h).size {
                let object = p.cast::<u8>().add((*h).header).cast::<Object<Tensor>>();
                let magic = (*object).magic;
                if is_ours(magic) && kind_of(magic) < STORAGE {
                    (*object).magic = 0;
                    std::ptr::drop_in_place(&raw mut (*object).value);
                }
            }
            (*h).used = (*h).used.saturating_sub(old);
            (*h).freed = (*h).freed.wrapping_add(1);
            if (*h).freed.is_multiple_of(LOOK) {
                storage::look_after(std::mem::replace(&mut (*h).seen, (*h).used), (*h).used);
            }
            dealloc(p.cast(), (*h).layout(old));
            return null_mut();
        }
        let old = if p.is_null() { 0 } else { old };
        let fits = new <= old || new < isize::MAX as usize && (*h).allows(new - old);
        let mut made = if fits { (*h).resized(p, old, new) } else { null_mut() };
        if made.is_null() {
            made = exhausted(h, p, old, new);
        }
        if !made.is_null() {
            (*h).used = (*h).used + new - old;
        }
        if (*h).size == 0 {
            (*h).last = (made, new);
        }
        made
    }
}

/// What is done when there is no memory: the blocks kept for storages are set free, and if that does not help, Lua
/// collects as soon as it has raised its error.
///
/// # Safety
/// As for `allocate`.
#[cold]
#[inline(never)]
unsafe fn exhausted(h: *mut Heap, p: *mut c_void, old: usize, new: usize) -> *mut c_void {
    // SAFETY: by the contract; Lua allows hooks to be set at any time, signals included.
    unsafe {
        if new <= old {
            return p;
        }
        storage::free_spare();
        let fits = new < isize::MAX as usize && (*h).allows(new - old);
        let more = new - old;
        let granted = (*h).hook.is_some() && more <= SMALL && more <= (*h).grace;
        if granted && !fits {
            (*h).grace -= more;
        }
        let made = if fits || granted { (*h).resized(p, old, new) } else { null_mut() };
        let l = (*h).state;
        if made.is_null() && (*h).hook.is_none() {
            (*h).grace = GRACE;
            (*h).hook = Some((ffi::lua_gethook(l), ffi::lua_gethookmask(l), ffi::lua_gethookcount(l)));
            ffi::lua_sethook(l, Some(collect), ffi::LUA_MASKCOUNT, 1);
        }
        made
    }
}

/// How often the collector tries again.
const TRIES: u8 = 8;

/// The hook that collects, and takes itself away.
unsafe extern "C-unwind" fn collect(l: *mut lua_State, _: *mut ffi::lua_Debug) {
    // SAFETY: called by Lua between two instructions, where its collector may run; the allocator's data is our Heap.
    unsafe {
        let mut data = null_mut();
        ffi::lua_getallocf(l, &mut data);
        let h = data.cast::<Heap>();
        let (hook, mask, count) = (*h).hook.take().unwrap_or((None, 0, 0));
        ffi::lua_sethook(l, hook, mask, count);
        let held = (*h).used;
        (*h).collecting = true;
        ffi::lua_gc(l, ffi::LUA_GCCOLLECT, 0);
        (*h).collecting = false;
        // what filled the memory may still stand in a place of the stack that later instructions overwrite: soon, or when
        // the program has gone some way
        if (*h).used > held / 2 && (*h).tries < TRIES {
            (*h).tries += 1;
            (*h).hook = Some((hook, mask, count));
            ffi::lua_sethook(l, Some(collect), ffi::LUA_MASKCOUNT, 1 << (2 * (*h).tries));
        } else {
            (*h).tries = 0;
        }
    }
}

/// Puts our allocator in the place of the one that the state has. Before the first tensor is made.
///
/// # Safety
/// `l` is a live state with a free slot, inside a protected call. Its allocator so far takes blocks from Rust's global
/// one, as mlua's does.
pub unsafe fn install(l: *mut lua_State) {
    #[cfg(feature = "mimalloc")]
    {
        crate::alloc::configure();
        storage::release_with(crate::alloc::release);
    }
    // SAFETY: the Heap lives as long as the process. The probe shows where in its block userdata of a tensor's size
    // lies: it is the last block that was asked for while it was made, and lies inside it.
    unsafe {
        let used = ffi::lua_gc(l, ffi::LUA_GCCOUNT, 0) as usize * 1024 + ffi::lua_gc(l, ffi::LUA_GCCOUNTB, 0) as usize;
        let most = memory_limit::bytes() / 8 * 7;
        let h = Heap {
            state: l,
            used,
            most,
            size: 0,
            header: 0,
            last: (null_mut(), 0),
            hook: None,
            collecting: false,
            tries: 0,
            freed: 0,
            seen: 0,
            grace: 0,
        };
        let h = Box::into_raw(Box::new(h));
        ffi::lua_setallocf(l, allocate, h.cast());
        let probe = ffi::lua_newuserdata(l, size_of::<Object<Tensor>>());
        let ((block, size), object) = ((*h).last, probe as usize);
        (*h).header = object.wrapping_sub(block as usize);
        if (*h).header < size && size - (*h).header >= size_of::<Object<Tensor>>() {
            probe.write_bytes(0, size_of::<Object<Tensor>>());
            (*h).size = size;
        }
        ffi::lua_pop(l, 1);
    }
}

/// Whether tensors of this state need no finaliser.
///
/// # Safety
/// `l` is a live state.
pub unsafe fn installed(l: *mut lua_State) -> bool {
    // SAFETY: data of our own allocator is a Heap.
    unsafe {
        let mut data = null_mut();
        let alloc = ffi::lua_getallocf(l, &mut data);
        std::ptr::fn_addr_eq(alloc, allocate as ffi::lua_Alloc) && (*data.cast::<Heap>()).size > 0
    }
}
