//! Tensors die with their memory: Lua's allocator tells when it frees a tensor object, and its storage is let go there.
//!
//! A finaliser (`__gc`) for each tensor costs half as much again as making the object: the collector takes the object
//! out of its list, calls the finaliser, and frees the memory a whole cycle later. The memory of an object is freed
//! exactly once, at the same moment at which nothing can reach it any more, finalisers of others included.

use super::{Object, STORAGE, is_ours, kind_of};
use crate::tensor::Tensor;
use mlua::ffi::{self, lua_State};
use std::os::raw::c_void;

/// The allocator that Lua had before, and what a block that holds a tensor looks like.
struct Heap {
    alloc: ffi::lua_Alloc,
    data: *mut c_void,
    /// Size of such a block.
    size: usize,
    /// Where the object starts in it.
    header: usize,
    /// The block handed out last, for finding out the two above.
    last: (*mut c_void, usize),
}

unsafe extern "C" fn allocate(h: *mut c_void, p: *mut c_void, old: usize, new: usize) -> *mut c_void {
    let h = h.cast::<Heap>();
    // SAFETY: `h` is the leaked Heap of this state. A block of this size that is freed and carries the process' secret
    // mark holds a tensor made by `push_tensor`: the mark cannot be written from Lua, and is cleared here, so that
    // memory that is used again never carries an old one.
    unsafe {
        if new == 0 && old == (*h).size && !p.is_null() {
            let object = p.cast::<u8>().add((*h).header).cast::<Object<Tensor>>();
            let magic = (*object).magic;
            if is_ours(magic) && kind_of(magic) < STORAGE {
                (*object).magic = 0;
                std::ptr::drop_in_place(&raw mut (*object).value);
            }
        }
        // userdata without content gets room for a mark, so that every userdata can be asked for one
        let room = if new > 0 && new == (*h).header { new + size_of::<u64>() } else { new };
        let block = ((*h).alloc)((*h).data, p, old, room);
        if (*h).size == 0 && new > 0 {
            (*h).last = (block, new);
        }
        block
    }
}

/// Puts the allocator that lets tensors go in front of the one that the state has. Before the first tensor is made.
///
/// # Safety
/// `l` is a live state with a free slot, inside a protected call.
pub unsafe fn install(l: *mut lua_State) {
    // SAFETY: the Heap lives as long as the process. The probe shows where in its block userdata of a tensor's size
    // lies: it is the last block that was asked for while it was made, and lies inside it.
    unsafe {
        let mut data = std::ptr::null_mut();
        let alloc = ffi::lua_getallocf(l, &mut data);
        let h = Box::into_raw(Box::new(Heap { alloc, data, size: 0, header: 0, last: (std::ptr::null_mut(), 0) }));
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
        let mut data = std::ptr::null_mut();
        let alloc = ffi::lua_getallocf(l, &mut data);
        std::ptr::fn_addr_eq(alloc, allocate as ffi::lua_Alloc) && (*data.cast::<Heap>()).size > 0
    }
}
