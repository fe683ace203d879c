//! The only file that touches `lua_State`: objects as raw userdata, the trampoline behind every row, and reading and
//! pushing of values.
//!
//! Rules that keep it sound: a Rust function called from Lua never calls back into Lua; nothing with a destructor is
//! alive when an error is raised; results are anchored on the Lua stack before anything can collect them.

use super::call::{Call, Dims, Nested, Ret, Rets, Val};
use super::sig::{Fill, Pattern, Read, kind};
use super::table::{Compiled, Dispatch};
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::random::Generator;
use crate::tensor::storage::{self, Storage};
use mlua::ffi::{self, lua_State};
use std::cell::{Cell, RefCell};
use std::os::raw::{c_int, c_void};

/// Marks userdata as ours; the low bits tell which object.
const MAGIC: u64 = 0x7265_6b69_6e64_0000;
const TENSOR: u64 = 0;
const STORAGE: u64 = 8;
const GENERATOR: u64 = 16;
/// Registry slots of metatables start here, far from those that `luaL_ref` gives out.
const METATABLE: c_int = 0x5eed_0000;

#[repr(C)]
struct Object<O> {
    magic: u64,
    value: O,
}

thread_local! {
    /// The element type of `torch.Tensor`.
    static DEFAULT: Cell<DType> = const { Cell::new(DType::Double) };
    /// Native bytes from which on the collector runs.
    static CEILING: Cell<usize> = const { Cell::new(GC_STEP) };
    static GEN: &'static RefCell<Generator> = Box::leak(Box::new(RefCell::new(Generator::new())));
}
/// Native bytes that may pile up between two full collections.
const GC_STEP: usize = 64 << 20;

/// The element type that `torch.Tensor` stands for.
pub fn default_dtype() -> DType {
    DEFAULT.get()
}
/// Sets the element type that `torch.Tensor` stands for.
pub fn set_default_dtype(d: DType) {
    DEFAULT.set(d);
}
/// The generator behind `torch.rand` and its kin.
pub fn default_generator() -> &'static RefCell<Generator> {
    GEN.with(|g| *g)
}

/// What an operation leaves to the trampoline: a number of results, or an error message on the stack.
pub type Outcome = std::result::Result<c_int, ()>;

/// A message for the user, with the position of the caller in front.
///
/// # Safety
/// `l` is a live state with two free slots.
#[cold]
#[inline(never)]
pub unsafe fn fail(l: *mut lua_State, text: &str) -> Outcome {
    // SAFETY: by the contract; the strings are copied by Lua.
    unsafe {
        ffi::luaL_where(l, 1);
        ffi::lua_pushlstring(l, text.as_ptr().cast(), text.len());
        ffi::lua_concat(l, 2);
    }
    Err(())
}

unsafe fn object<O>(l: *mut lua_State, i: c_int) -> Option<(u64, *mut O)> {
    // SAFETY: the caller has seen that `i` is full userdata; its length and magic are checked before use.
    unsafe {
        let p = ffi::lua_touserdata(l, i).cast::<Object<O>>();
        if ffi::lua_objlen(l, i) < 8 || (*p).magic & !0xff != MAGIC {
            return None;
        }
        Some(((*p).magic & 0xff, &raw mut (*p).value))
    }
}

/// The tensor at a stack position, if it is one.
///
/// # Safety
/// The reference lives as long as the value stays on the stack.
#[inline(always)]
pub unsafe fn tensor_at<'a>(l: *mut lua_State, i: c_int) -> Option<&'a Tensor> {
    // SAFETY: a magic below 8 marks tensors only, which `push_tensor` made whole.
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
pub unsafe fn storage_at<'a>(l: *mut lua_State, i: c_int) -> Option<&'a Storage> {
    // SAFETY: as in `tensor_at`.
    unsafe {
        if ffi::lua_type(l, i) != ffi::LUA_TUSERDATA {
            return None;
        }
        object::<Storage>(l, i).filter(|(k, _)| (STORAGE..GENERATOR).contains(k)).map(|(_, p)| &*p)
    }
}

/// Kind bits of an argument; plain values are read into `out`.
#[inline(always)]
unsafe fn classify<'a>(l: *mut lua_State, i: c_int, out: &mut Val<'a>) -> u32 {
    // SAFETY: `i` is a valid position; objects stay on the stack for the whole call.
    unsafe {
        match ffi::lua_type(l, i) {
            ffi::LUA_TNUMBER => {
                *out = Val::Num(ffi::lua_tonumber(l, i));
                kind::NUM | kind::NUMBER
            }
            ffi::LUA_TUSERDATA => match object::<c_void>(l, i) {
                Some((k, p)) if k < STORAGE => {
                    *out = Val::Tensor(&*p.cast());
                    kind::tensor(DType::ALL[k as usize])
                }
                Some((k, p)) if k < GENERATOR => {
                    *out = Val::Storage(&*p.cast());
                    kind::storage(DType::ALL[(k - STORAGE) as usize])
                }
                Some((GENERATOR, p)) => {
                    *out = Val::Gen(&*p.cast());
                    kind::GEN
                }
                _ => kind::OTHER,
            },
            ffi::LUA_TNIL => kind::NIL,
            ffi::LUA_TSTRING => {
                let mut n = 0;
                // numbers in strings pass as numbers, but the string itself must not be converted in place
                let s = ffi::lua_tolstring(l, i, &mut n).cast::<u8>();
                *out = Val::Str(std::slice::from_raw_parts(s, n));
                kind::STR | if ffi::lua_isnumber(l, i) != 0 { kind::NUM } else { 0 }
            }
            ffi::LUA_TTABLE => kind::TABLE,
            ffi::LUA_TBOOLEAN => {
                *out = Val::Bool(ffi::lua_toboolean(l, i) != 0);
                kind::BOOL
            }
            _ => kind::OTHER,
        }
    }
}

unsafe fn push_object<O>(l: *mut lua_State, which: u64, value: O) -> *mut O {
    // SAFETY: the userdata is large enough, 8-aligned as these objects need, and gets its metatable before anything
    // can raise; an out-of-memory error in lua_newuserdata only leaks `value`.
    unsafe {
        let p = ffi::lua_newuserdata(l, size_of::<Object<O>>()).cast::<Object<O>>();
        p.write(Object { magic: MAGIC | which, value });
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, (METATABLE + which as c_int) as _);
        ffi::lua_setmetatable(l, -2);
        &raw mut (*p).value
    }
}

/// Pushes a tensor object.
///
/// # Safety
/// `l` is a live state with three free slots.
#[inline(always)]
pub unsafe fn push_tensor<'a>(l: *mut lua_State, t: Tensor) -> &'a Tensor {
    // SAFETY: by the contract.
    unsafe { &*push_object(l, TENSOR + t.dtype().index() as u64, t) }
}

/// Pushes a storage object.
///
/// # Safety
/// `l` is a live state with three free slots.
pub unsafe fn push_storage(l: *mut lua_State, s: Storage) {
    // SAFETY: by the contract.
    unsafe { push_object(l, STORAGE + s.dtype().index() as u64, s) };
}

/// Pushes a generator object.
///
/// # Safety
/// `l` is a live state with three free slots.
pub unsafe fn push_generator(l: *mut lua_State, g: Generator) {
    // SAFETY: by the contract.
    unsafe { push_object(l, GENERATOR, RefCell::new(g)) };
}

/// `__gc` of all our objects.
unsafe extern "C-unwind" fn finalize(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it once per object; the magic is cleared so that a finaliser that still holds the object
    // finds something that is no longer a tensor.
    unsafe {
        if ffi::lua_type(l, 1) != ffi::LUA_TUSERDATA {
            return 0;
        }
        if let Some((k, p)) = object::<c_void>(l, 1) {
            (*ffi::lua_touserdata(l, 1).cast::<u64>()) = 0;
            match k {
                k if k < STORAGE => std::ptr::drop_in_place(p.cast::<Tensor>()),
                k if k < GENERATOR => std::ptr::drop_in_place(p.cast::<Storage>()),
                _ => std::ptr::drop_in_place(p.cast::<RefCell<Generator>>()),
            }
        }
    }
    0
}

/// Makes the metatable of each of our objects, registers it, and leaves on the stack a table class name -> metatable.
///
/// # Safety
/// `l` is a live state, inside a protected call.
pub unsafe fn push_metatables(l: *mut lua_State) {
    // SAFETY: plain table building; names are copied by Lua.
    unsafe {
        ffi::lua_createtable(l, 0, 20);
        let slots = (0..8)
            .map(|i| (TENSOR + i, DType::ALL[i as usize].tensor_name()))
            .chain((0..8).map(|i| (STORAGE + i, DType::ALL[i as usize].storage_name())))
            .chain([(GENERATOR, "torch.Generator")]);
        for (which, name) in slots {
            ffi::lua_createtable(l, 0, 64);
            ffi::lua_pushcclosure(l, finalize, 0);
            ffi::lua_setfield(l, -2, c"__gc".as_ptr());
            ffi::lua_pushvalue(l, -1);
            ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, (METATABLE + which as c_int) as _);
            ffi::lua_pushlstring(l, name.as_ptr().cast(), name.len());
            ffi::lua_insert(l, -2);
            ffi::lua_rawset(l, -3);
        }
    }
}

/// Pushes a compiled function with its field names as upvalues. The description lives as long as the process: it
/// comes from static rows.
///
/// # Safety
/// `l` is a live state with free slots for the fields.
pub unsafe fn push_compiled(l: *mut lua_State, c: &'static Compiled) {
    // SAFETY: by the contract; the pointer stays valid for ever.
    unsafe {
        ffi::lua_pushlightuserdata(l, std::ptr::from_ref(c).cast_mut().cast());
        for f in &c.fields {
            ffi::lua_pushlstring(l, f.as_ptr().cast(), f.len());
        }
        ffi::lua_pushcclosure(l, trampoline, 1 + c.fields.len() as c_int);
    }
}

unsafe extern "C-unwind" fn trampoline(l: *mut lua_State) -> c_int {
    // SAFETY: upvalue 1 was set by `push_compiled`. Nothing with a destructor is alive at lua_error.
    unsafe {
        let c = &*ffi::lua_touserdata(l, ffi::lua_upvalueindex(1)).cast::<Compiled>();
        let outcome = run(l, c);
        storage::reclaim();
        match outcome {
            Ok(n) => {
                if storage::live_bytes() > CEILING.get() {
                    collect(l);
                }
                n
            }
            Err(()) => ffi::lua_error(l),
        }
    }
}

/// Runs Lua's collector since native memory has grown; programs that make large temporaries stay small.
#[cold]
#[inline(never)]
unsafe fn collect(l: *mut lua_State) {
    // SAFETY: the results are on the stack; finalisers run Lua code only where users wrote it.
    unsafe { ffi::lua_gc(l, ffi::LUA_GCCOLLECT, 0) };
    let live = storage::live_bytes();
    CEILING.set(live + GC_STEP.max(live / 2));
}

use super::call::MAX_PARAMS as MAX_ARGS;

/// The arguments of a call as they were found on the stack.
struct Args<'a> {
    /// Stack position of argument 0.
    base: c_int,
    n: usize,
    kinds: [u32; MAX_ARGS],
    vals: [Val<'a>; MAX_ARGS],
}

unsafe fn run(l: *mut lua_State, c: &Compiled) -> Outcome {
    // SAFETY: called from the trampoline with a live state; positions below the top are valid.
    unsafe {
        let skip = c_int::from(matches!(c.dispatch, Dispatch::Class | Dispatch::Call(_)));
        let mut n = (ffi::lua_gettop(l) - skip).max(0) as usize;
        if c.dispatch == Dispatch::Class {
            if ffi::lua_type(l, 1) != ffi::LUA_TTABLE {
                return fail(l, &format!("{}: expected a module as self (call it with ':')", c.name));
            }
            // like any Lua function, a method ignores surplus arguments and takes nil for missing ones
            n = n.min(c.most);
            while n > 0 && ffi::lua_type(l, n as c_int + skip) == ffi::LUA_TNIL {
                n -= 1;
            }
        }
        if n > MAX_ARGS {
            return fail(l, &format!("{}: too many arguments ({n})", c.name));
        }
        let mut a = Args { base: skip + 1, n, kinds: [0; MAX_ARGS], vals: [Val::Nil; MAX_ARGS] };
        for i in 0..n {
            a.kinds[i] = classify(l, a.base + i as c_int, &mut a.vals[i]);
        }
        let dtype = element_type(l, c, &mut a);
        let own = kind::tensor(dtype);
        let own_storage = kind::storage(dtype);
        for k in &mut a.kinds[..a.n] {
            if *k & own != 0 {
                *k |= kind::T;
            } else if *k & own_storage != 0 {
                *k |= kind::S;
            }
        }
        match c.patterns.iter().find(|p| matches(p, &a.kinds[..a.n])) {
            Some(p) => dispatch(l, c, p, &mut a, dtype),
            None => mismatch(l, c, &a, dtype),
        }
    }
}

#[inline(always)]
fn matches(p: &Pattern, kinds: &[u32]) -> bool {
    if p.rest {
        if kinds.len() < p.nargs {
            return false;
        }
        let head = p.accept.iter().zip(kinds).all(|(a, k)| a & k != 0);
        return head && (kinds.len() == p.nargs || kinds[p.nargs - 1..].iter().all(|k| k & kind::NUM != 0));
    }
    p.nargs == kinds.len() && p.accept.iter().zip(kinds).all(|(a, k)| a & k != 0)
}

#[inline(always)]
unsafe fn element_type(l: *mut lua_State, c: &Compiled, a: &mut Args) -> DType {
    match c.dispatch {
        Dispatch::Fixed(d) | Dispatch::Call(d) => return d,
        Dispatch::First | Dispatch::Class => {}
    }
    for k in &a.kinds[..a.n.min(if c.dispatch == Dispatch::Class { MAX_ARGS } else { 2 })] {
        if k & kind::TENSOR != 0 {
            return DType::ALL[(k & kind::TENSOR).trailing_zeros() as usize - 8];
        }
    }
    // SAFETY: positions are valid; what is pushed is popped.
    unsafe { element_type_rare(l, a) }
}

#[inline(never)]
unsafe fn element_type_rare(l: *mut lua_State, a: &mut Args) -> DType {
    for i in 0..a.n.min(2) {
        if a.kinds[i] & kind::TABLE != 0 {
            // SAFETY: the argument is a table; the element is popped again.
            let found = unsafe {
                ffi::lua_rawgeti(l, a.base + i as c_int, 1);
                let d = tensor_at(l, -1).map(Tensor::dtype);
                ffi::lua_pop(l, 1);
                d
            };
            if let Some(d) = found {
                return d;
            }
        }
    }
    if let Some(Val::Str(s)) = a.n.checked_sub(1).map(|i| &a.vals[i]) {
        let named = std::str::from_utf8(s).ok().filter(|s| s.starts_with("torch.") && s.ends_with("Tensor"));
        if let Some(d) = named.and_then(DType::parse) {
            a.n -= 1;
            return d;
        }
    }
    DEFAULT.get()
}

unsafe fn dispatch(l: *mut lua_State, c: &Compiled, p: &Pattern, a: &mut Args, dtype: DType) -> Outcome {
    // SAFETY: positions are valid, objects are anchored on the stack until the results are pushed.
    unsafe {
        let Some(kernel) = c.columns[p.form][dtype.index()] else {
            let text = format!("{} does not implement the {}() function", dtype.tensor_name(), c.name);
            return fail(l, &text);
        };
        let params = &c.forms[p.form];
        ffi::luaL_checkstack(l, params.len() as c_int + 8, c"too many arguments".as_ptr());
        let mut positions = [0 as c_int; MAX_ARGS];
        let lists = match lists(l, p, params, a, dtype) {
            Ok(lists) => lists,
            Err(text) => return fail(l, &text),
        };
        let mut call = Call::new();
        for (i, (fill, param)) in p.fill.iter().zip(params).enumerate() {
            let got = match *fill {
                Fill::Stack(s) => {
                    positions[i] = a.base + c_int::from(s);
                    argument(l, positions[i], a.vals[s as usize], param, lists.as_deref())
                }
                Fill::Fresh(d) => {
                    let t = push_tensor(l, Tensor::empty(d.unwrap_or(dtype)));
                    positions[i] = ffi::lua_gettop(l);
                    Val::Tensor(t)
                }
                Fill::Field(f) => {
                    let v = field(l, c, f, param, dtype);
                    positions[i] = ffi::lua_gettop(l);
                    match v {
                        Ok(v) => v,
                        Err(text) => return fail(l, &text),
                    }
                }
                Fill::Num(x) => Val::Num(x),
                Fill::Bool(b) => Val::Bool(b),
                Fill::Nil => Val::Nil,
                Fill::Gen => Val::Gen(default_generator()),
            };
            call.push(got);
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| kernel(&call)));
        match result {
            Ok(Ok(rets)) => push_results(l, c, p, &positions, rets),
            Ok(Err(e)) => fail(l, &e.to_string()),
            Err(_) => fail(l, &format!("internal error: {} panicked; please report it", c.name)),
        }
    }
}

#[inline(always)]
unsafe fn push_results(
    l: *mut lua_State,
    c: &Compiled,
    p: &Pattern,
    positions: &[c_int; MAX_ARGS],
    rets: Rets,
) -> Outcome {
    // SAFETY: stack space was checked in `dispatch`.
    unsafe {
        match rets {
            Rets::Args => {
                let mut n = 0;
                for (param, &at) in c.forms[p.form].iter().zip(positions) {
                    if param.returned && at != 0 {
                        ffi::lua_pushvalue(l, at);
                        n += 1;
                    }
                }
                Ok(n)
            }
            Rets::Num(v) => {
                ffi::lua_pushnumber(l, v);
                Ok(1)
            }
            Rets::Tensor(t) => {
                push_tensor(l, t);
                Ok(1)
            }
            Rets::Values(v) => {
                let n = v.len() as c_int;
                v.into_iter().for_each(|r| push_ret(l, r));
                Ok(n)
            }
        }
    }
}

unsafe fn push_ret(l: *mut lua_State, r: Ret) {
    // SAFETY: stack space was checked in `dispatch`; strings are copied by Lua.
    unsafe {
        match r {
            Ret::Nil => ffi::lua_pushnil(l),
            Ret::Num(v) => ffi::lua_pushnumber(l, v),
            Ret::Bool(b) => ffi::lua_pushboolean(l, b.into()),
            Ret::Str(s) => {
                ffi::lua_pushlstring(l, s.as_ptr().cast(), s.len());
            }
            Ret::Tensor(t) => {
                push_tensor(l, t);
            }
            Ret::Storage(s) => push_storage(l, s),
            Ret::Dims(d) => match Storage::from_slice(&d.0) {
                Ok(s) => push_storage(l, s),
                Err(_) => ffi::lua_pushnil(l),
            },
            Ret::List(list) => {
                ffi::lua_createtable(l, list.len() as c_int, 0);
                for (i, t) in list.into_iter().enumerate() {
                    push_tensor(l, t);
                    ffi::lua_rawseti(l, -2, (i + 1) as _);
                }
            }
        }
    }
}

type Read1<'a> = std::result::Result<Val<'a>, String>;

/// Arguments that are lists, owned here while the kernel sees references.
#[derive(Default)]
struct Lists<'a> {
    dims: Dims,
    tensors: Vec<&'a Tensor>,
    nested: Nested,
}

/// Reads the lists among the arguments; none for the usual call.
#[inline(always)]
unsafe fn lists<'a>(
    l: *mut lua_State,
    p: &Pattern,
    params: &[super::sig::Param],
    a: &Args<'a>,
    dtype: DType,
) -> std::result::Result<Option<Box<Lists<'a>>>, String> {
    if !p.lists {
        return Ok(None);
    }
    let mut out = Box::new(Lists::default());
    for (fill, param) in p.fill.iter().zip(params) {
        let Fill::Stack(s) = *fill else { continue };
        let (s, at) = (s as usize, a.base + c_int::from(s));
        // SAFETY: `at` is a valid position, a table for the kinds that need one.
        unsafe {
            match param.read {
                Read::Plain => {}
                Read::Tensors => out.tensors = tensor_list(l, at, dtype)?,
                Read::Nested => out.nested = nested(l, at)?,
                Read::Dims => {
                    out.dims.0 = match a.vals[s] {
                        Val::Storage(st) => st.to_vec::<i64>(0, usize::MAX),
                        _ => (0..a.n - s).map(|k| ffi::lua_tonumber(l, at + k as c_int) as i64).collect(),
                    }
                }
            }
        }
    }
    Ok(Some(out))
}

#[inline(always)]
unsafe fn argument<'a>(
    l: *mut lua_State,
    at: c_int,
    v: Val<'a>,
    param: &super::sig::Param,
    lists: Option<&'a Lists<'a>>,
) -> Val<'a> {
    match (param.read, lists) {
        (Read::Plain, _) => match v {
            // SAFETY: `at` is a valid position; a string that reads as a number is converted without changing it.
            Val::Str(_) if param.accept & kind::NUM != 0 => Val::Num(unsafe { ffi::lua_tonumber(l, at) }),
            v => v,
        },
        (Read::Dims, Some(x)) => Val::Dims(&x.dims),
        (Read::Tensors, Some(x)) => Val::Tensors(&x.tensors),
        (Read::Nested, Some(x)) => Val::Nested(&x.nested),
        (_, None) => Val::Nil,
    }
}

unsafe fn tensor_list<'a>(l: *mut lua_State, at: c_int, dtype: DType) -> std::result::Result<Vec<&'a Tensor>, String> {
    // SAFETY: `at` is a table; its elements stay alive in it during the call.
    unsafe {
        let n = ffi::lua_objlen(l, at);
        let mut list = Vec::with_capacity(n.min(1 << 16));
        for i in 1..=n {
            ffi::lua_rawgeti(l, at, i as _);
            let t = tensor_at(l, -1).filter(|t| t.dtype() == dtype);
            ffi::lua_pop(l, 1);
            match t {
                Some(t) => list.push(t),
                None => return Err(format!("element {i} of the table is not a {}", dtype.tensor_name())),
            }
        }
        Ok(list)
    }
}

/// Reads a nested table of numbers; every table of a level has the same length.
unsafe fn nested(l: *mut lua_State, at: c_int) -> std::result::Result<Nested, String> {
    let mut out = Nested::default();
    // SAFETY: `at` is a table; the stack is restored.
    unsafe {
        let top = ffi::lua_gettop(l);
        ffi::lua_pushvalue(l, at);
        while ffi::lua_type(l, -1) == ffi::LUA_TTABLE && out.sizes.len() < 64 && ffi::lua_checkstack(l, 8) != 0 {
            out.sizes.push(ffi::lua_objlen(l, -1));
            ffi::lua_rawgeti(l, -1, 1);
        }
        ffi::lua_settop(l, top);
        if out.sizes.len() > 1 && out.sizes.contains(&0) {
            return Err("invalid table: it has an empty row".into());
        }
        if out.sizes.iter().all(|&n| n > 0) {
            let r = nested_level(l, at, 0, &mut out);
            ffi::lua_settop(l, top);
            r?;
        }
    }
    Ok(out)
}

unsafe fn nested_level(
    l: *mut lua_State,
    at: c_int,
    depth: usize,
    out: &mut Nested,
) -> std::result::Result<(), String> {
    // SAFETY: `at` is a table; recursion is as deep as sizes, at most 64 levels, each with checked stack space.
    unsafe {
        let n = ffi::lua_objlen(l, at);
        if n != out.sizes[depth] {
            return Err(format!("invalid table: level {} has {} and {n} elements", depth + 1, out.sizes[depth]));
        }
        let last = depth + 1 == out.sizes.len();
        ffi::lua_checkstack(l, 8);
        for i in 1..=n {
            ffi::lua_rawgeti(l, at, i as _);
            if last && ffi::lua_isnumber(l, -1) != 0 {
                out.data.push(ffi::lua_tonumber(l, -1));
            } else if !last && ffi::lua_type(l, -1) == ffi::LUA_TTABLE {
                nested_level(l, ffi::lua_gettop(l), depth + 1, out)?;
            } else {
                return Err(format!("invalid table: element {i} of level {} is not a number", depth + 1));
            }
            ffi::lua_pop(l, 1);
        }
    }
    Ok(())
}

/// Reads a field of `self`, with metamethods, and leaves it on the stack.
unsafe fn field<'a>(l: *mut lua_State, c: &Compiled, f: u8, param: &super::sig::Param, dtype: DType) -> Read1<'a> {
    // SAFETY: self is at 1, the names are upvalues from 2 on; the value stays on the stack for the call. Reading may
    // run a user's __index and raise: only plain values are alive here and in `dispatch`.
    unsafe {
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(c_int::from(f) + 2));
        ffi::lua_gettable(l, 1);
        let mut v = Val::Nil;
        let mut k = classify(l, -1, &mut v);
        if k & kind::NIL != 0 && param.field == Some(true) {
            ffi::lua_pop(l, 1);
            ffi::lua_pushvalue(l, ffi::lua_upvalueindex(c_int::from(f) + 2));
            let d = DType::ALL.into_iter().find(|&d| param.accept & kind::tensor(d) != 0).unwrap_or(dtype);
            v = Val::Tensor(push_tensor(l, Tensor::empty(d)));
            ffi::lua_pushvalue(l, -1);
            ffi::lua_insert(l, -3);
            ffi::lua_settable(l, 1);
            return Ok(v);
        }
        if k & kind::tensor(dtype) != 0 {
            k |= kind::T;
        }
        if k & param.accept != 0 {
            return Ok(match v {
                Val::Str(_) if param.accept & kind::NUM != 0 => Val::Num(ffi::lua_tonumber(l, -1)),
                v => v,
            });
        }
        match param.absent {
            Some(Fill::Nil) if k & kind::NIL != 0 => return Ok(Val::Nil),
            Some(Fill::Num(x)) if k & kind::NIL != 0 => return Ok(Val::Num(x)),
            Some(Fill::Bool(b)) if k & kind::NIL != 0 => return Ok(Val::Bool(b)),
            _ => {}
        }
        let want = super::sig::help(
            std::slice::from_ref(&super::sig::Param { field: None, returned: false, absent: None, ..param.clone() }),
            dtype,
        );
        Err(format!("{}: field '{}' is a {}, expected a {want}", c.name, param.name, kind_name(k)))
    }
}

/// What a value is called in messages.
fn kind_name(k: u32) -> &'static str {
    if k & kind::TENSOR != 0 {
        return DType::ALL[(k & kind::TENSOR).trailing_zeros() as usize - 8].tensor_name().trim_start_matches("torch.");
    }
    if k & kind::STORAGE != 0 {
        return DType::ALL[(k & kind::STORAGE).trailing_zeros() as usize - 16]
            .storage_name()
            .trim_start_matches("torch.");
    }
    match k & !(kind::NUM | kind::T) | if k & kind::STR == 0 { k & kind::NUM } else { 0 } {
        kind::NIL => "nil",
        kind::NUM => "number",
        kind::STR => "string",
        kind::TABLE => "table",
        kind::BOOL => "boolean",
        kind::GEN => "Generator",
        _ => "userdata",
    }
}

#[cold]
#[inline(never)]
unsafe fn mismatch(l: *mut lua_State, c: &Compiled, a: &Args, dtype: DType) -> Outcome {
    let got: Vec<&str> = a.kinds[..a.n].iter().map(|&k| kind_name(k)).collect();
    let forms: Vec<String> = c.forms.iter().map(|f| super::sig::help(f, dtype)).collect();
    let text = format!(
        "{}: invalid arguments: {}\nexpected arguments: {}",
        c.name,
        if got.is_empty() { "none".to_string() } else { got.join(" ") },
        forms.iter().map(|f| if f.is_empty() { "none" } else { f }).collect::<Vec<_>>().join(" | ")
    );
    // SAFETY: by the contract of `run`.
    unsafe { fail(l, &text) }
}

// ---- element access ----

use super::element::{self, Got, Key, Spec, Value};

/// Pushes the functions behind `x[key]` and `x[key] = value`, for tensors and then for storages.
///
/// # Safety
/// `l` is a live state with four free slots.
pub unsafe fn push_element_access(l: *mut lua_State) {
    // SAFETY: by the contract.
    unsafe {
        ffi::lua_pushcclosure(l, tensor_index, 0);
        ffi::lua_pushcclosure(l, tensor_newindex, 0);
        ffi::lua_pushcclosure(l, storage_index, 0);
        ffi::lua_pushcclosure(l, storage_newindex, 0);
    }
}

unsafe fn key_at<'a>(l: *mut lua_State, i: c_int) -> Option<Key<'a>> {
    // SAFETY: `i` is a valid position; what is pushed is popped.
    unsafe {
        match ffi::lua_type(l, i) {
            ffi::LUA_TNUMBER | ffi::LUA_TSTRING if ffi::lua_isnumber(l, i) != 0 => {
                Some(Key::Number(ffi::lua_tonumber(l, i)))
            }
            ffi::LUA_TTABLE => Some(Key::Table(specs_at(l, i))),
            ffi::LUA_TUSERDATA => {
                if let Some(t) = tensor_at(l, i) {
                    return (t.dtype() == DType::Byte).then_some(Key::Mask(t));
                }
                let s = storage_at(l, i).filter(|s| s.dtype() == DType::Long)?;
                Some(Key::Indices(s.to_vec(0, usize::MAX)))
            }
            _ => None,
        }
    }
}

unsafe fn specs_at(l: *mut lua_State, i: c_int) -> Vec<Spec> {
    let mut out = vec![];
    // SAFETY: `i` is a table (and not relative to the top); pops match pushes.
    unsafe {
        for k in 1..=ffi::lua_objlen(l, i).min(64) {
            ffi::lua_rawgeti(l, i, k as _);
            let spec = if ffi::lua_isnumber(l, -1) != 0 {
                Some(Spec::At(ffi::lua_tonumber(l, -1) as i64))
            } else if ffi::lua_type(l, -1) == ffi::LUA_TTABLE {
                let end = |l, k| {
                    ffi::lua_rawgeti(l, -1, k);
                    let v = (ffi::lua_isnumber(l, -1) != 0).then(|| ffi::lua_tonumber(l, -1) as i64);
                    ffi::lua_pop(l, 1);
                    v
                };
                Some(Spec::Range(end(l, 1), end(l, 2)))
            } else {
                None
            };
            ffi::lua_pop(l, 1);
            match spec {
                Some(s) => out.push(s),
                None => break,
            }
        }
    }
    out
}

unsafe extern "C-unwind" fn tensor_index(l: *mut lua_State) -> c_int {
    // SAFETY: nothing with a destructor is alive at lua_error.
    unsafe {
        match tensor_index_inner(l) {
            Ok(n) => n,
            Err(()) => ffi::lua_error(l),
        }
    }
}

unsafe fn tensor_index_inner(l: *mut lua_State) -> Outcome {
    // SAFETY: positions are checked by tensor_at and key_at.
    unsafe {
        let Some(t) = tensor_at(l, 1) else { return fail(l, "__index__: expected a tensor") };
        if ffi::lua_type(l, 2) == ffi::LUA_TNUMBER && t.ndim() == 1 {
            // the usual case without building a key
            let i = ffi::lua_tonumber(l, 2) as i64;
            let at = if i < 0 { t.size(0) as i64 + i } else { i - 1 };
            if at >= 0 && (at as usize) < t.size(0) {
                let at = t.offset() + at as usize * t.stride(0) as usize;
                let v =
                    crate::with_dtype!(t.dtype(), T => t.element::<T>(at).map(crate::tensor::dtype::Element::to_f64));
                if let Some(v) = v {
                    ffi::lua_pushnumber(l, v);
                    return Ok(1);
                }
            }
        }
        let got = match key_at(l, 2) {
            Some(key) => element::get(t, &key).map_err(|e| e.to_string()),
            None => return Ok(0),
        };
        storage::reclaim();
        match got {
            Ok(Got::Num(v)) => {
                ffi::lua_pushnumber(l, v);
                Ok(1)
            }
            Ok(Got::Tensor(t)) => {
                push_tensor(l, t);
                Ok(1)
            }
            Err(e) => fail(l, &e),
        }
    }
}

unsafe extern "C-unwind" fn tensor_newindex(l: *mut lua_State) -> c_int {
    // SAFETY: as in `tensor_index`.
    unsafe {
        match tensor_newindex_inner(l) {
            Ok(n) => n,
            Err(()) => ffi::lua_error(l),
        }
    }
}

unsafe fn tensor_newindex_inner(l: *mut lua_State) -> Outcome {
    // SAFETY: positions are checked by tensor_at and key_at.
    unsafe {
        let Some(t) = tensor_at(l, 1) else { return fail(l, "__newindex__: expected a tensor") };
        let number = ffi::lua_isnumber(l, 3) != 0;
        if number && ffi::lua_type(l, 2) == ffi::LUA_TNUMBER && t.ndim() == 1 {
            let i = ffi::lua_tonumber(l, 2) as i64;
            let at = if i < 0 { t.size(0) as i64 + i } else { i - 1 };
            if at >= 0 && (at as usize) < t.size(0) {
                let at = t.offset() + at as usize * t.stride(0) as usize;
                let v = ffi::lua_tonumber(l, 3);
                if crate::with_dtype!(t.dtype(), T => t.set_element::<T>(at, <T as crate::tensor::dtype::Element>::from_f64(v)))
                {
                    return Ok(0);
                }
            }
        }
        let value = if number {
            Value::Num(ffi::lua_tonumber(l, 3))
        } else if let Some(src) = tensor_at(l, 3) {
            Value::Tensor(src)
        } else {
            return fail(l, "__newindex__: expected a number or a tensor as value");
        };
        let done = match key_at(l, 2) {
            Some(key) => element::set(t, &key, &value).map_err(|e| e.to_string()),
            None => Err("__newindex__: a tensor takes numbers, {...}, LongStorage or ByteTensor as keys".to_string()),
        };
        storage::reclaim();
        match done {
            Ok(()) => Ok(0),
            Err(e) => fail(l, &e),
        }
    }
}

/// The element a storage's key stands for.
unsafe fn storage_place<'a>(l: *mut lua_State) -> std::result::Result<Option<(&'a Storage, usize)>, String> {
    // SAFETY: positions are checked.
    unsafe {
        let Some(s) = storage_at(l, 1) else { return Err("expected a storage".into()) };
        if ffi::lua_isnumber(l, 2) == 0 {
            return Ok(None);
        }
        let i = ffi::lua_tonumber(l, 2);
        if !(i >= 1.0 && i < s.len() as f64 + 1.0) {
            return Err(format!("out of range: index {i} of a storage of {} elements", s.len()));
        }
        Ok(Some((s, i as usize - 1)))
    }
}

unsafe extern "C-unwind" fn storage_index(l: *mut lua_State) -> c_int {
    // SAFETY: nothing with a destructor is alive at lua_error.
    unsafe {
        let outcome = match storage_place(l) {
            Ok(Some((s, i))) => {
                let v = crate::with_dtype!(s.dtype(), T => s.get::<T>(i).map(crate::tensor::dtype::Element::to_f64));
                ffi::lua_pushnumber(l, v.unwrap_or(f64::NAN));
                Ok(1)
            }
            Ok(None) => Ok(0),
            Err(e) => fail(l, &e),
        };
        outcome.unwrap_or_else(|()| ffi::lua_error(l))
    }
}

unsafe extern "C-unwind" fn storage_newindex(l: *mut lua_State) -> c_int {
    // SAFETY: nothing with a destructor is alive at lua_error.
    unsafe {
        let outcome = match storage_place(l) {
            Ok(Some((s, i))) if ffi::lua_isnumber(l, 3) != 0 => {
                let v = ffi::lua_tonumber(l, 3);
                crate::with_dtype!(s.dtype(), T => s.set::<T>(i, <T as crate::tensor::dtype::Element>::from_f64(v)));
                Ok(0)
            }
            Ok(_) => fail(l, "a storage takes a number as key and a number as value"),
            Err(e) => fail(l, &e),
        };
        outcome.unwrap_or_else(|()| ffi::lua_error(l))
    }
}

/// Pushes the identity of the value at 1 as a number: of tensors and storages the shared object behind them.
///
/// # Safety
/// `l` is a live state with an argument at 1.
pub unsafe extern "C-unwind" fn identity(l: *mut lua_State) -> c_int {
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

/// Pushes a fresh generator.
///
/// # Safety
/// `l` is a live state.
pub unsafe extern "C-unwind" fn new_generator(l: *mut lua_State) -> c_int {
    // SAFETY: by the contract.
    unsafe { push_generator(l, Generator::new()) };
    1
}
