//! What LuaJIT's compiled code calls through ffi, without leaving its trace: elements, views made by numbers, tensors
//! made by sizes. A C function costs a trace exit and reads its arguments from the stack; here only the object's
//! content is made.
//!
//! Such a function may not use the Lua state, which the trace has not written back, so it cannot make objects: it fills
//! blanks, empty tensors that [`make_blanks`] makes some at a time. Whatever a function here does not take, wrong
//! arguments included, it leaves to the function with the full rules, which gives the error.

use super::invoke::{number_of, push_form};
use super::{CEILING, Object, STORAGE, is_interrupted, is_ours, kind_of, own_environment, push_new};
use crate::lua::table::Compiled;
use crate::tensor::class::TensorClass;
use crate::tensor::dtype::Element;
use crate::tensor::{Tensor, storage};
use crate::with_dtype;
use mlua::ffi::{self, lua_State};
use std::os::raw::{c_int, c_void};

/// The usual way has to answer.
const NO: c_int = 0;
/// The number is in its place.
const NUMBER: c_int = 1;
/// The blank has become the result.
const MADE: c_int = 2;

/// How many blanks are made at a time.
const BLANKS: c_int = 64;

/// Pushes a table of the functions' addresses and of [`make_blanks`].
///
/// # Safety
/// `l` is a live state with four free slots.
pub(super) unsafe fn push_quick(l: *mut lua_State) {
    let addresses: [(&std::ffi::CStr, *const c_void); 8] = [
        (c"get", get as *const c_void),
        (c"set", set as *const c_void),
        (c"get2", get2 as *const c_void),
        (c"set2", set2 as *const c_void),
        (c"narrow", narrow as *const c_void),
        (c"select", select as *const c_void),
        (c"new", new as *const c_void),
        (c"number", number as *const c_void),
    ];
    // SAFETY: by the contract.
    unsafe {
        ffi::lua_createtable(l, 0, 10);
        for (name, address) in addresses {
            ffi::lua_pushlightuserdata(l, address.cast_mut());
            ffi::lua_setfield(l, -2, name.as_ptr());
        }
        ffi::lua_pushcclosure(l, make_blanks, 0);
        own_environment(l);
        ffi::lua_setfield(l, -2, c"blanks".as_ptr());
        ffi::lua_pushcclosure(l, push_form, 0);
        ffi::lua_setfield(l, -2, c"form".as_ptr());
    }
}

/// `blanks(pool, type)` fills the array `pool` with empty tensors of the class with this number; how many.
unsafe extern "C-unwind" fn make_blanks(l: *mut lua_State) -> c_int {
    // SAFETY: only embedded Lua code has this function; both arguments are looked at all the same.
    unsafe {
        let class = TensorClass::ALL.get(ffi::lua_tonumber(l, 2) as usize);
        let (Some(&class), ffi::LUA_TTABLE) = (class, ffi::lua_type(l, 1)) else { return 0 };
        for i in 1..=BLANKS {
            push_new(l, Tensor::empty(class));
            ffi::lua_rawseti(l, 1, i.into());
        }
        ffi::lua_pushnumber(l, f64::from(BLANKS));
        1
    }
}

/// The tensor in an object, unless it is something else or the user wants the program to stop: a loop over elements
/// may make no other call.
///
/// # Safety
/// `object` is null or the address of userdata, whose memory is at least as large as a mark even when it has no
/// content.
#[inline(always)]
unsafe fn tensor_in<'a>(object: *const Object<Tensor>) -> Option<&'a Tensor> {
    // SAFETY: only objects with our mark are looked into.
    unsafe {
        let ours = !object.is_null() && is_ours((*object).magic) && kind_of((*object).magic) < STORAGE;
        (ours && !is_interrupted()).then(|| &(*object).value)
    }
}

/// Puts a tensor into a blank of its class.
///
/// # Safety
/// As for [`tensor_in`].
#[inline(always)]
unsafe fn fill(blank: *mut Object<Tensor>, make: impl FnOnce() -> Option<Tensor>, class: TensorClass) -> c_int {
    // SAFETY: the blank is one of ours when it has a tensor in it; only its pool refers to it, so no reference to
    // what it held is alive.
    unsafe {
        match tensor_in(blank) {
            Some(old) if old.class() == class => match make() {
                Some(t) => {
                    (*blank).value = t;
                    MADE
                }
                None => NO,
            },
            _ => NO,
        }
    }
}

/// The 0-based place of a 1-based key in a dimension, negative from the end; none outside.
#[inline(always)]
pub(super) fn inside(k: f64, size: usize) -> Option<usize> {
    let i = k as i64;
    let at = if i < 0 { size as i64 + i } else { i - 1 };
    (at >= 0 && (at as usize) < size).then_some(at as usize)
}

/// Storage element `at` as a number.
#[inline(always)]
fn read(t: &Tensor, at: usize) -> Option<f64> {
    with_dtype!(t.dtype(), T => t.element::<T>(at).map(Element::to_f64))
}

/// Tells what was done, and hands out the number where there is one. The many forms of nan would be taken for other
/// Lua values.
///
/// # Safety
/// `done` points to an int.
#[inline(always)]
unsafe fn tell(done: *mut c_int, number: Option<f64>) -> f64 {
    // SAFETY: by the contract.
    unsafe { *done = if number.is_some() { NUMBER } else { NO } };
    number.map_or(0.0, |v| if v.is_nan() { f64::NAN } else { v })
}

#[inline(always)]
fn write(t: &Tensor, at: usize, v: f64) -> bool {
    with_dtype!(t.dtype(), T => t.set_element::<T>(at, <T as Element>::from_f64(v)))
}

/// Where element `k` of a vector lies in its storage.
#[inline(always)]
fn place(t: &Tensor, k: f64) -> Option<usize> {
    if t.ndim() != 1 {
        return None;
    }
    Some(t.offset() + inside(k, t.size(0))? * t.stride(0) as usize)
}

/// Where element `i, j` of a matrix lies in its storage.
#[inline(always)]
fn place2(t: &Tensor, i: f64, j: f64) -> Option<usize> {
    if t.ndim() != 2 {
        return None;
    }
    let (i, j) = (inside(i, t.size(0))?, inside(j, t.size(1))?);
    Some(t.offset() + i * t.stride(0) as usize + j * t.stride(1) as usize)
}

/// `x[k]`: an element of a vector, or a slice.
unsafe extern "C" fn get(x: *const Object<Tensor>, k: f64, done: *mut c_int, blank: *mut Object<Tensor>) -> f64 {
    // SAFETY: called by `__index` with objects and with a place for what was done.
    unsafe {
        let Some(t) = tensor_in(x) else { return tell(done, None) };
        if t.ndim() == 1 {
            return tell(done, place(t, k).and_then(|at| read(t, at)));
        }
        *done = fill(blank, || t.row(inside(k, t.size(0))?), t.class());
        0.0
    }
}

/// `x[k] = v` of a vector.
unsafe extern "C" fn set(x: *const Object<Tensor>, k: f64, v: f64) -> bool {
    // SAFETY: called by `__newindex` with an object.
    unsafe { tensor_in(x).is_some_and(|t| place(t, k).is_some_and(|at| write(t, at, v))) }
}

/// `x[{i, j}]` of a matrix.
unsafe extern "C" fn get2(x: *const Object<Tensor>, i: f64, j: f64, done: *mut c_int) -> f64 {
    // SAFETY: as for `get`.
    unsafe { tell(done, tensor_in(x).and_then(|t| read(t, place2(t, i, j)?))) }
}

/// `x[{i, j}] = v` of a matrix.
unsafe extern "C" fn set2(x: *const Object<Tensor>, i: f64, j: f64, v: f64) -> bool {
    // SAFETY: as for `set`.
    unsafe { tensor_in(x).is_some_and(|t| place2(t, i, j).is_some_and(|at| write(t, at, v))) }
}

/// `x:f()` of a function that gives a number, known by its description.
unsafe extern "C" fn number(form: *const Compiled, x: *const Object<Tensor>, done: *mut c_int) -> f64 {
    // SAFETY: called with an object and with what `push_form` gave, which lives for ever.
    unsafe { tell(done, tensor_in(x).and_then(|t| number_of(&*form, t))) }
}

/// A number that counts from 1, counted from 0.
#[inline(always)]
fn index(n: f64) -> Option<usize> {
    (1.0..9e15).contains(&n).then(|| n as usize - 1)
}

/// `x:narrow(d, first, n)`.
unsafe extern "C" fn narrow(x: *const Object<Tensor>, blank: *mut Object<Tensor>, d: f64, first: f64, n: f64) -> c_int {
    // SAFETY: called with objects.
    unsafe {
        let Some(t) = tensor_in(x) else { return NO };
        fill(blank, || t.narrow(index(d)?, index(first)?, index(n)? + 1).ok(), t.class())
    }
}

/// `x:select(d, i)`.
unsafe extern "C" fn select(x: *const Object<Tensor>, blank: *mut Object<Tensor>, d: f64, i: f64) -> c_int {
    // SAFETY: called with objects.
    unsafe {
        let Some(t) = tensor_in(x) else { return NO };
        fill(blank, || t.select(index(d)?, index(i)?).ok(), t.class())
    }
}

/// `torch.Tensor(a, b, c, d)`: a size that is not positive ends the list.
unsafe extern "C" fn new(blank: *mut Object<Tensor>, a: f64, b: f64, c: f64, d: f64) -> c_int {
    // SAFETY: called with an object.
    unsafe {
        // whether other devices have a constructor, their rows know; large ones leave room for the collector to run first
        let Some(class) =
            tensor_in(blank).map(Tensor::class).filter(|c| c.is_host() && storage::live_bytes() <= CEILING.get())
        else {
            return NO;
        };
        let (mut sizes, mut n) = ([0; 4], 0);
        for given in [a, b, c, d].into_iter().take_while(|g| *g >= 1.0) {
            if given > 1e9 {
                return NO;
            }
            sizes[n] = given as usize;
            n += 1;
        }
        if n == 0 {
            return NO;
        }
        fill(blank, || Tensor::new(class, &sizes[..n]).ok(), class)
    }
}
