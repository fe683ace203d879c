//! The only module that touches `lua_State`: objects as raw userdata here, reading of arguments in `read`, the
//! trampoline behind every row in `invoke`, element access in `index`, where errors happened in `place`.
//!
//! Rules that keep it sound: a Rust function called from Lua never calls back into Lua; nothing with a destructor is
//! alive when an error is raised; results are anchored on the Lua stack before anything can collect them.

mod heap;
mod index;
mod interrupts;
mod invoke;
mod place;
mod push;
mod read;
mod state;
mod traced;

use place::fail;

pub use interrupts::{begin, end, interrupted, watch};
pub use place::embedded;
pub use state::{Group, functions, new_state, register, tensor_of, tensor_value, without_collector};

use crate::lua::call::Foreign;
use crate::tensor::Tensor;
use crate::tensor::class::{CLASSES, DEVICES, Device, TensorClass};
use crate::tensor::dtype::DType;
use crate::tensor::random::Generator;
use crate::tensor::storage::{self, Storage};
use mlua::ffi::{self, lua_State};
use std::cell::{Cell, RefCell};
use std::os::raw::{c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Marks userdata as ours; the low byte tells which object. Drawn anew in every process, so that no content of a
/// Lua string or table can pass for it.
static MAGIC: AtomicU64 = AtomicU64::new(0);

fn magic() -> u64 {
    MAGIC.load(Relaxed)
}
#[inline(always)]
fn is_ours(mark: u64) -> bool {
    mark & !0xff == magic()
}
#[inline(always)]
fn kind_of(mark: u64) -> u64 {
    mark & 0xff
}

/// Draws the mark once for the process.
fn draw_magic() {
    let drawn = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), MAGIC.as_ptr()) | 0x100;
    let _ = MAGIC.compare_exchange(0, drawn & !0xff, Relaxed, Relaxed);
}

/// The objects by number: tensors and storages of every class, and what has one class.
const TENSOR: u64 = 0;
const STORAGE: u64 = CLASSES as u64;
const GENERATOR: u64 = 2 * CLASSES as u64;
/// The generator that functions use when none is given: an object with the device whose entry of [`GENERATORS`] it is.
const DEFAULT_GENERATOR: u64 = GENERATOR + 1;
/// A value of Rust's behind [`Foreign`].
const FOREIGN: u64 = GENERATOR + 2;
const _: () = assert!(FOREIGN < 0x100, "a mark has no room for so many classes");
/// The registry's slot of the table of metatables, far from those that `luaL_ref` gives out.
const METATABLES: ffi::lua_Integer = 0x5eed_0000;

#[repr(C)]
struct Object<O> {
    magic: u64,
    value: O,
}

thread_local! {
    /// The class of `torch.Tensor`.
    static DEFAULT: Cell<TensorClass> = const { Cell::new(TensorClass::host(DType::Double)) };
    /// Native bytes from which on the collector runs. None while it does: a finaliser that makes tensors would call the next
    /// finaliser, and so on until the stack is at its end.
    static CEILING: Cell<usize> = const { Cell::new(GC_LEAST) };
    /// Native bytes that may pile up before that, and what collections have cost since that last changed.
    static STEP: Cell<(usize, Duration)> = const { Cell::new((GC_LEAST, Duration::ZERO)) };
    static GENERATORS: &'static [RefCell<Generator>; DEVICES] = Box::leak(Box::new(
        Device::ALL.map(|_| RefCell::new(Generator::new()))
    ));
}
/// Native bytes that may pile up between two full collections: at first, and at most unless more is alive.
const GC_LEAST: usize = 8 << 20;
const GC_MOST: usize = 64 << 20;
/// What it costs to get a megabyte from the system and to touch it for the first time, roughly.
const FRESH: Duration = Duration::from_micros(500);

/// The class that `torch.Tensor` stands for.
pub fn default_class() -> TensorClass {
    DEFAULT.get()
}
/// Sets the class that `torch.Tensor` stands for.
pub fn set_default_class(class: TensorClass) {
    DEFAULT.set(class);
}
/// The generator behind `torch.rand` and its kin on a device.
fn default_generator(device: Device) -> &'static RefCell<Generator> {
    GENERATORS.with(|g| &g[device as usize])
}

/// What an operation leaves to the trampoline: a number of results, or an error message on the stack.
type Outcome = std::result::Result<c_int, ()>;

#[inline(always)]
unsafe fn object<O>(l: *mut lua_State, i: c_int) -> Option<(u64, *mut O)> {
    // SAFETY: the caller has seen that `i` is full userdata, whose memory is at least as large as a mark (`heap` sees
    // to it); the mark is checked before more is read.
    unsafe {
        let p = ffi::lua_touserdata(l, i).cast::<Object<O>>();
        if !is_ours((*p).magic) {
            return None;
        }
        Some((kind_of((*p).magic), &raw mut (*p).value))
    }
}

/// The tensor at a stack position, if it is one.
///
/// # Safety
/// The reference lives as long as the value stays on the stack.
#[inline(always)]
unsafe fn tensor_at<'a>(l: *mut lua_State, i: c_int) -> Option<&'a Tensor> {
    // SAFETY: a mark below STORAGE is one of tensors only, which `push_tensor` made whole.
    unsafe {
        if ffi::lua_type(l, i) != ffi::LUA_TUSERDATA {
            return None;
        }
        object::<Tensor>(l, i).filter(|(k, _)| *k < STORAGE).map(|(_, p)| &*p)
    }
}

/// The storage at a stack position, if it is one.
///
/// # Safety
/// As [`tensor_at`].
unsafe fn storage_at<'a>(l: *mut lua_State, i: c_int) -> Option<&'a Storage> {
    // SAFETY: as in `tensor_at`.
    unsafe {
        if ffi::lua_type(l, i) != ffi::LUA_TUSERDATA {
            return None;
        }
        object::<Storage>(l, i).filter(|(k, _)| (STORAGE..GENERATOR).contains(k)).map(|(_, p)| &*p)
    }
}

/// Where the metatables of objects lie: found fastest in the environment of our own functions, else in the registry.
#[derive(Clone, Copy)]
enum Metatables {
    Environment,
    Registry,
}

/// Pushes an object without its metatable.
///
/// # Safety
/// `l` is a live state with a free slot; `which` is the mark of this type of object.
#[inline(always)]
unsafe fn new_object<O>(l: *mut lua_State, which: u64, value: O) -> *mut O {
    // SAFETY: the userdata is large enough and 8-aligned as these objects need; an out-of-memory error in
    // lua_newuserdata only leaks `value`.
    unsafe {
        let p = ffi::lua_newuserdata(l, size_of::<Object<O>>()).cast::<Object<O>>();
        p.write(Object { magic: magic() | which, value });
        &raw mut (*p).value
    }
}

#[inline(always)]
unsafe fn push_object<O>(l: *mut lua_State, which: u64, value: O, from: Metatables) -> *mut O {
    // SAFETY: the object gets its metatable before anything can raise.
    unsafe {
        let p = new_object(l, which, value);
        match from {
            Metatables::Environment => {
                ffi::lua_rawgeti_(l, ffi::LUA_ENVIRONINDEX, which as c_int + 1);
            }
            Metatables::Registry => {
                ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, METATABLES);
                ffi::lua_rawgeti(l, -1, which as ffi::lua_Integer + 1);
                ffi::lua_remove(l, -2);
            }
        }
        // a program can give our functions another environment, and Lua takes whatever lies there for a table
        if ffi::lua_type(l, -1) == ffi::LUA_TTABLE {
            ffi::lua_setmetatable(l, -2);
        } else {
            ffi::lua_pop(l, 1);
        }
        p
    }
}

/// Pushes a tensor object.
///
/// # Safety
/// `l` is a live state with three free slots.
unsafe fn push_tensor<'a>(l: *mut lua_State, t: Tensor) -> &'a Tensor {
    // SAFETY: by the contract.
    unsafe { &*push_object(l, TENSOR + t.class().index() as u64, t, Metatables::Registry) }
}

/// As [`push_tensor`], in a function made with [`own_environment`].
#[inline(always)]
unsafe fn push_new<'a>(l: *mut lua_State, t: Tensor) -> &'a Tensor {
    // SAFETY: by the contract.
    unsafe { &*push_object(l, TENSOR + t.class().index() as u64, t, Metatables::Environment) }
}

/// Gives the function on top of the stack the table of metatables as environment.
///
/// # Safety
/// A C function is on top of a live state's stack, with a free slot.
unsafe fn own_environment(l: *mut lua_State) {
    // SAFETY: by the contract; `push_metatables` made the table.
    unsafe {
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, METATABLES);
        ffi::lua_setfenv(l, -2);
    }
}

/// Pushes a storage object.
///
/// # Safety
/// `l` is a live state with three free slots.
unsafe fn push_storage(l: *mut lua_State, s: Storage) {
    // SAFETY: by the contract.
    unsafe { push_object(l, STORAGE + s.class().index() as u64, s, Metatables::Registry) };
}

/// Pushes a generator object.
///
/// # Safety
/// `l` is a live state with three free slots.
unsafe fn push_generator(l: *mut lua_State, g: Generator) {
    // SAFETY: by the contract.
    unsafe { push_object(l, GENERATOR, RefCell::new(g), Metatables::Registry) };
}

/// Pushes an object that stands for the default generator of a device.
///
/// # Safety
/// `l` is a live state with three free slots.
unsafe fn push_default_generator(l: *mut lua_State, device: Device) {
    // SAFETY: by the contract.
    unsafe { push_object(l, DEFAULT_GENERATOR, device, Metatables::Registry) };
}

/// Pushes an object that holds a value of Rust's, with the metatable of its class.
///
/// # Safety
/// `l` is a live state with three free slots.
unsafe fn push_foreign(l: *mut lua_State, held: Box<dyn Foreign>) {
    // SAFETY: as in `push_object`, whose metatables lie under numbers, these under names.
    unsafe {
        let class = held.class();
        let p = ffi::lua_newuserdata(l, size_of::<Object<Box<dyn Foreign>>>()).cast::<Object<Box<dyn Foreign>>>();
        p.write(Object { magic: magic() | FOREIGN, value: held });
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, METATABLES);
        ffi::lua_pushlstring(l, class.as_ptr().cast(), class.len());
        ffi::lua_rawget(l, -2);
        ffi::lua_remove(l, -2);
        if ffi::lua_type(l, -1) == ffi::LUA_TTABLE {
            ffi::lua_setmetatable(l, -2);
        } else {
            ffi::lua_pop(l, 1);
        }
    }
}

/// `__gc` of storages and generators, and of tensors where the allocator does not let them go: elsewhere it leaves tensors
/// alone. Programs may call it too, in the middle of a call that was given the object; `invoke` looks for that.
unsafe extern "C-unwind" fn finalize(l: *mut lua_State) -> c_int {
    // SAFETY: the magic is cleared so that whoever still holds the object finds something that is none of ours. A call
    // that has begun looks again once it has run the program's code.
    unsafe {
        if ffi::lua_type(l, 1) != ffi::LUA_TUSERDATA {
            return 0;
        }
        if let Some((k, p)) = object::<c_void>(l, 1).filter(|(k, _)| *k >= STORAGE || !heap::installed(l)) {
            (*ffi::lua_touserdata(l, 1).cast::<u64>()) = 0;
            match k {
                k if k < STORAGE => std::ptr::drop_in_place(p.cast::<Tensor>()),
                k if k < GENERATOR => std::ptr::drop_in_place(p.cast::<Storage>()),
                GENERATOR => std::ptr::drop_in_place(p.cast::<RefCell<Generator>>()),
                FOREIGN => std::ptr::drop_in_place(p.cast::<Box<dyn Foreign>>()),
                _ => {}
            }
        }
    }
    0
}

/// Runs Lua's collector when native memory has grown: programs that make large temporaries stay small, and get memory
/// again that was used before, instead of pages that the system has to clear first.
#[inline(always)]
unsafe fn collect_if_large(l: *mut lua_State) {
    if storage::live_bytes() > CEILING.get() {
        // SAFETY: passed on to the caller.
        unsafe { collect(l) }
    }
}

/// Collects, and says when the next time is. How much may pile up until then grows once collections have cost as much as
/// the memory would: a small heap is collected often, and a large one as seldom as memory allows.
#[cold]
#[inline(never)]
unsafe fn collect(l: *mut lua_State) {
    let begun = Instant::now();
    CEILING.set(usize::MAX);
    // SAFETY: the results are on the stack; finalisers run Lua code only where users wrote it. Their errors end with them.
    unsafe { ffi::lua_gc(l, ffi::LUA_GCCOLLECT, 0) };
    storage::collected();
    let (mut step, mut cost) = STEP.get();
    let live = storage::live_bytes();
    cost += begun.elapsed();
    if cost > FRESH * (step >> 20) as u32 {
        (step, cost) = ((2 * step).min(GC_MOST.max(live / 2)), Duration::ZERO);
    }
    STEP.set((step, cost));
    CEILING.set(live + step);
}

/// Makes the metatable of each of our objects, those of foreign `classes` included, registers it, and leaves on the
/// stack a table class name -> metatable.
///
/// # Safety
/// `l` is a live state, inside a protected call.
unsafe fn push_metatables(l: *mut lua_State, classes: &[&'static str]) {
    // SAFETY: plain table building; names are copied by Lua.
    unsafe {
        draw_magic();
        heap::install(l);
        let tensors_die_alone = heap::installed(l);
        ffi::lua_createtable(l, DEFAULT_GENERATOR as c_int + 1, 0);
        ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, METATABLES);
        ffi::lua_createtable(l, 0, DEFAULT_GENERATOR as c_int);
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, METATABLES);
        let tensor_classes = || TensorClass::offered().map(|c| (c.index() as u64, c));
        let slots = tensor_classes()
            .map(|(i, c)| (TENSOR + i, c.tensor_name()))
            .chain(tensor_classes().map(|(i, c)| (STORAGE + i, c.storage_name())))
            .chain([(GENERATOR, "torch.Generator")]);
        for (which, name) in slots {
            ffi::lua_createtable(l, 0, 64);
            if which >= STORAGE || !tensors_die_alone {
                ffi::lua_pushcclosure(l, finalize, 0);
                ffi::lua_setfield(l, -2, c"__gc".as_ptr());
            }
            for kind in [which].into_iter().chain((which == GENERATOR).then_some(DEFAULT_GENERATOR)) {
                ffi::lua_pushvalue(l, -1);
                ffi::lua_rawseti(l, -3, kind as ffi::lua_Integer + 1);
            }
            ffi::lua_pushlstring(l, name.as_ptr().cast(), name.len());
            ffi::lua_insert(l, -2);
            ffi::lua_rawset(l, -4);
        }
        for name in classes {
            ffi::lua_createtable(l, 0, 16);
            ffi::lua_pushcclosure(l, finalize, 0);
            ffi::lua_setfield(l, -2, c"__gc".as_ptr());
            // in the registered table and in the one handed out
            for depth in [-2, -3] {
                ffi::lua_pushlstring(l, name.as_ptr().cast(), name.len());
                ffi::lua_pushvalue(l, -2);
                ffi::lua_rawset(l, depth - 2);
            }
            ffi::lua_pop(l, 1);
        }
        ffi::lua_pop(l, 1);
    }
}

/// Pushes the identity of the value at 1 as a number: of tensors and storages the shared object behind them.
///
/// # Safety
/// `l` is a live state with an argument at 1.
unsafe extern "C-unwind" fn identity(l: *mut lua_State) -> c_int {
    // SAFETY: by the contract.
    unsafe {
        let id = match storage_at(l, 1) {
            Some(s) => s.id(),
            None => ffi::lua_topointer(l, 1) as usize,
        };
        ffi::lua_pushnumber(l, id as f64);
        1
    }
}
