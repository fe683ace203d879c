//! What LuaJIT's compiled code calls through ffi, without leaving its trace: elements, and the functions whose rows say
//! so (`lua::call::traced`). A C function costs a trace exit and reads its arguments from the stack; here a tensor and
//! numbers are handed over as they are.
//!
//! Such a function may not use the Lua state, which the trace has not written back, so it cannot make objects: it fills
//! blanks, empty tensors that [`make_blanks`] makes some at a time. Whatever a function here does not take, wrong
//! arguments included, it leaves to the usual call, which gives the error.

use super::invoke::{hold, matches, push_form};
use super::{CEILING, Object, STORAGE, TENSOR, is_ours, kind_of, new_object, own_environment};
use crate::lua::call::{Dims, Kernel, Rets, Val};
use crate::lua::element::{self, inside, position, put};
use crate::lua::sig::{Fill, Pattern, Read, kind};
use crate::lua::table::{Compiled, Dispatch, MOST_TRACED};
use crate::tensor::class::TensorClass;
use crate::tensor::interruption;
use crate::tensor::{Tensor, storage};
use mlua::ffi::{self, lua_State};
use std::mem::ManuallyDrop;
use std::os::raw::{c_int, c_void};
use std::sync::atomic::Ordering::Relaxed;

/// The usual way has to answer.
const NO: c_int = 0;
/// The number is the result.
const NUMBER: c_int = 1;
/// The blank has become the result.
const MADE: c_int = 2;
/// The first argument is the result.
const ITSELF: c_int = 3;

/// How many blanks are made at a time.
const BLANKS: c_int = 64;

/// Pushes a table of the functions' addresses, of [`make_blanks`] and of `form`.
///
/// # Safety
/// `l` is a live state with four free slots.
pub(super) unsafe fn push_traced(l: *mut lua_State) {
    let addresses: [(&std::ffi::CStr, *const c_void); 7] = [
        (c"get", get as *const c_void),
        (c"set", set as *const c_void),
        (c"get2", get2 as *const c_void),
        (c"set2", set2 as *const c_void),
        (c"call", call as *const c_void),
        (c"call1", call1 as *const c_void),
        (c"call_numbers", call_numbers as *const c_void),
    ];
    // SAFETY: by the contract.
    unsafe {
        ffi::lua_createtable(l, 0, 8);
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

/// `blanks(pool, class)` fills the array `pool` with empty tensors of the class with this number; how many.
unsafe extern "C-unwind" fn make_blanks(l: *mut lua_State) -> c_int {
    // SAFETY: only embedded Lua code has this function; both arguments are looked at all the same.
    unsafe {
        let class = TensorClass::ALL.get(ffi::lua_tonumber(l, 2) as usize);
        let (Some(&class), ffi::LUA_TTABLE) = (class, ffi::lua_type(l, 1)) else { return 0 };
        // the metatable is found once for all of them; `push_object` says why it is looked at
        let which = TENSOR + class.index() as u64;
        ffi::lua_settop(l, 1);
        ffi::lua_rawgeti_(l, ffi::LUA_ENVIRONINDEX, which as c_int + 1);
        let known = ffi::lua_type(l, 2) == ffi::LUA_TTABLE;
        for i in 1..=BLANKS {
            new_object(l, which, Tensor::empty(class));
            if known {
                ffi::lua_pushvalue(l, 2);
                ffi::lua_setmetatable(l, 3);
            }
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
        (ours && !interruption::asked()).then(|| &(*object).value)
    }
}

/// Exchanges a new tensor with a blank of its class. In place: moving it would wait for the writes to its fields.
///
/// # Safety
/// As for [`tensor_in`].
#[inline(always)]
unsafe fn give(blank: *mut Object<Tensor>, made: &mut Tensor) -> c_int {
    // SAFETY: the blank is one of ours when it has a tensor in it; only its pool refers to it, so no reference to
    // what it held is alive.
    unsafe {
        match tensor_in(blank) {
            Some(old) if old.class() == made.class() => {
                std::mem::swap(&mut (*blank).value, made);
                MADE
            }
            _ => NO,
        }
    }
}

/// Hands out the number where there is one. What was done is told beside nan alone, so that who gets another number need
/// not read it. The many forms of nan would be taken for other Lua values.
///
/// # Safety
/// `done` points to an int.
#[inline(always)]
unsafe fn tell(done: *mut c_int, number: Option<f64>) -> f64 {
    match number {
        Some(v) if !v.is_nan() => v,
        // SAFETY: by the contract.
        _ => unsafe { other(done, if number.is_some() { NUMBER } else { NO }) },
    }
}

/// Tells what was done where that is no number.
///
/// # Safety
/// `done` points to an int.
#[inline(always)]
unsafe fn other(done: *mut c_int, did: c_int) -> f64 {
    // SAFETY: by the contract.
    unsafe { *done = did };
    f64::NAN
}

/// As [`position`], for indices of no wild size.
#[inline(always)]
fn usual_position<const N: usize>(t: &Tensor, indices: [f64; N]) -> Option<usize> {
    t.place::<N>(|d, size| {
        if !(-UNCOUNTED..UNCOUNTED).contains(&indices[d]) {
            return None;
        }
        // SAFETY: in the range of the integers.
        let i = unsafe { indices[d].to_int_unchecked::<i64>() };
        let at = (i + if i < 0 { size as i64 } else { -1 }) as usize;
        (at < size).then_some(at)
    })
}

/// An index that no dimension has.
const UNCOUNTED: f64 = (1u64 << 53) as f64;

// Each of these begins with the usual case, which calls nothing and so needs no registers saved, and goes on to a function of
// its own for all others.

/// `x[k]`: an element of a vector, or a slice.
unsafe extern "C" fn get(x: *const Object<Tensor>, k: f64, blank: *mut Object<Tensor>, done: *mut c_int) -> f64 {
    // SAFETY: called by `__index` with objects and with a place for what was done.
    unsafe {
        let Some(t) = tensor_in(x) else { return tell(done, None) };
        match usual_position(t, [k]).and_then(|at| element::open_at(t, at)) {
            Some(v) if !v.is_nan() => v,
            _ => get_any(t, k, blank, done),
        }
    }
}

/// # Safety
/// As for [`give`] and [`tell`].
#[inline(never)]
unsafe fn get_any(t: &Tensor, k: f64, blank: *mut Object<Tensor>, done: *mut c_int) -> f64 {
    // SAFETY: by the contract.
    unsafe {
        if t.ndim() == 1 {
            return tell(done, position(t, [k]).and_then(|at| element::at(t, at)));
        }
        let Some(mut row) = inside(k, t.size(0)).and_then(|at| t.row(at)) else { return tell(done, None) };
        other(done, give(blank, &mut row))
    }
}

/// `x[k] = v` of a vector.
unsafe extern "C" fn set(x: *const Object<Tensor>, k: f64, v: f64) -> bool {
    // SAFETY: called by `__newindex` with an object.
    unsafe { tensor_in(x) }.is_some_and(|t| set_at(t, [k], v))
}

/// `x[{i, j}]` of a matrix.
unsafe extern "C" fn get2(x: *const Object<Tensor>, i: f64, j: f64, done: *mut c_int) -> f64 {
    // SAFETY: as for `get`.
    unsafe {
        let Some(t) = tensor_in(x) else { return tell(done, None) };
        match usual_position(t, [i, j]).and_then(|at| element::open_at(t, at)) {
            Some(v) if !v.is_nan() => v,
            _ => get2_any(t, i, j, done),
        }
    }
}

/// # Safety
/// As for [`tell`].
#[inline(never)]
unsafe fn get2_any(t: &Tensor, i: f64, j: f64, done: *mut c_int) -> f64 {
    // SAFETY: by the contract.
    unsafe { tell(done, position(t, [i, j]).and_then(|at| element::at(t, at))) }
}

/// `x[{i, j}] = v` of a matrix.
unsafe extern "C" fn set2(x: *const Object<Tensor>, i: f64, j: f64, v: f64) -> bool {
    // SAFETY: as for `set`.
    unsafe { tensor_in(x) }.is_some_and(|t| set_at(t, [i, j], v))
}

/// Writes an element; whether it could.
#[inline(always)]
fn set_at<const N: usize>(t: &Tensor, indices: [f64; N], v: f64) -> bool {
    usual_position(t, indices).is_some_and(|at| element::open_put(t, at, v)) || set_any(t, indices, v)
}

#[inline(never)]
fn set_any<const N: usize>(t: &Tensor, indices: [f64; N], v: f64) -> bool {
    position(t, indices).is_some_and(|at| put(t, at, v))
}

/// An argument: a tensor, or the number where the pointer is null. Nothing where the object is no tensor.
///
/// # Safety
/// As for [`tensor_in`].
#[inline(always)]
unsafe fn value<'a>(x: *const Object<Tensor>, number: f64) -> Option<Val<'a>> {
    // SAFETY: by the contract.
    match unsafe { tensor_in(x) } {
        Some(t) => Some(Val::Tensor(t)),
        None => x.is_null().then_some(Val::Num(number)),
    }
}

/// A call of a function known by its description, with `count` arguments: tensors, or numbers where the pointer is null.
unsafe extern "C" fn call(
    form: *const Compiled,
    count: c_int,
    blank: *mut Object<Tensor>,
    done: *mut c_int,
    p0: *const Object<Tensor>,
    p1: *const Object<Tensor>,
    p2: *const Object<Tensor>,
    p3: *const Object<Tensor>,
    p4: *const Object<Tensor>,
    n0: f64,
    n1: f64,
    n2: f64,
    n3: f64,
    n4: f64,
) -> f64 {
    let pointers: [_; MOST_TRACED] = [p0, p1, p2, p3, p4];
    let numbers: [f64; MOST_TRACED] = [n0, n1, n2, n3, n4];
    let mut vals = [Val::Nil; MOST_TRACED];
    let count = (count as usize).min(MOST_TRACED);
    // SAFETY: called with objects, with what `push_form` gave, which lives for ever, and with a place for what was done.
    unsafe {
        for i in 0..count {
            let Some(v) = value(pointers[i], numbers[i]) else { return tell(done, None) };
            vals[i] = v;
        }
        answered(&*form, &vals, count, blank, done)
    }
}

/// As [`call`], with a tensor alone: what most calls so short have that their arguments count.
unsafe extern "C" fn call1(
    form: *const Compiled,
    blank: *mut Object<Tensor>,
    done: *mut c_int,
    x: *const Object<Tensor>,
) -> f64 {
    // SAFETY: as for `call`.
    unsafe {
        let Some(t) = tensor_in(x) else { return tell(done, None) };
        answered(&*form, &[Val::Tensor(t)], 1, blank, done)
    }
}

/// As [`call`], with one tensor at most, the first argument, and numbers: all of them go in registers.
unsafe extern "C" fn call_numbers(
    form: *const Compiled,
    count: c_int,
    blank: *mut Object<Tensor>,
    done: *mut c_int,
    x: *const Object<Tensor>,
    n0: f64,
    n1: f64,
    n2: f64,
    n3: f64,
    n4: f64,
) -> f64 {
    // SAFETY: as for `call`.
    unsafe {
        let Some(first) = value(x, n0) else { return tell(done, None) };
        let vals: [Val; MOST_TRACED] = [first, Val::Num(n1), Val::Num(n2), Val::Num(n3), Val::Num(n4)];
        answered(&*form, &vals, (count as usize).min(MOST_TRACED), blank, done)
    }
}

/// Calls a function with the first `count` of some tensors and numbers, and tells what was done.
///
/// # Safety
/// As for [`give`] and [`tell`].
#[inline(always)]
unsafe fn answered<const N: usize>(
    c: &Compiled,
    vals: &[Val; N],
    count: usize,
    blank: *mut Object<Tensor>,
    done: *mut c_int,
) -> f64 {
    // SAFETY: by the contract.
    unsafe {
        // what makes or resizes large tensors leaves room for the collector to run first
        if interruption::asked() || storage::live_bytes() > CEILING.get() {
            return tell(done, None);
        }
        // numbers and the first argument leave nothing in it
        let mut rets = ManuallyDrop::new(Rets::Args);
        match answer(c, vals, count, &mut rets) {
            Some(Answer::Number(v)) => tell(done, Some(v)),
            Some(Answer::Made) => {
                let Rets::Tensor(made) = &mut *rets else { return tell(done, None) };
                let did = give(blank, made);
                // a blank has nothing in it that would have to go
                if did != MADE || !made.is_blank() {
                    ManuallyDrop::drop(&mut rets);
                }
                other(done, did)
            }
            Some(Answer::Itself) => other(done, ITSELF),
            None => {
                ManuallyDrop::drop(&mut rets);
                tell(done, None)
            }
        }
    }
}

/// Most parameters of a form that compiled code calls.
const MOST_STEPS: usize = 8;

/// What a call from compiled code comes to.
#[derive(Clone, Copy)]
enum Answer {
    /// A number.
    Number(f64),
    /// What is in the results, a new tensor.
    Made,
    /// The first argument.
    Itself,
}

/// Calls a function with the first `count` of some tensors and numbers. It needs no Lua state. Nothing where the row wants
/// more than these, or for an error: both are left to the usual call. `rets` is [`Rets::Args`].
#[inline(always)]
fn answer<const N: usize>(c: &Compiled, vals: &[Val; N], count: usize, rets: &mut Rets) -> Option<Answer> {
    let (Dispatch::Fixed(class) | Dispatch::Call(class)) = c.dispatch else { return None };
    let given = vals.get(..count)?;
    let p = pattern_of(c, class, given)?;
    let kernel = c.columns[p.form].get(class)?;
    if p.direct { run(kernel, p, &vals.each_ref()[..count], rets) } else { assembled(kernel, p, class, given, rets) }
}

/// Calls a kernel with arguments that are made of the values. Apart, so that their room is no part of the usual call's stack
/// frame.
#[inline(never)]
fn assembled(kernel: Kernel, p: &Pattern, class: TensorClass, vals: &[Val], rets: &mut Rets) -> Option<Answer> {
    let mut args = [&Val::Nil; MOST_STEPS];
    // sizes, which nothing goes with; filled where they lie, since moving them would wait for each to be written
    let mut dims = Dims::default();
    let sizes = if p.rest == 0 { &[] } else { vals };
    for v in sizes {
        let Val::Num(n) = v else { return None };
        dims.0.push(*n as i64);
    }
    let listed = if p.rest == 0 { Val::Nil } else { Val::Dims(&dims) };
    // one number that the call leaves out
    let mut number = Val::Nil;
    let mut absent = Some(&mut number);
    let own = Val::Class(class);
    for (step, arg) in p.steps.iter().zip(&mut args) {
        *arg = match (step.fill, step.read) {
            (Fill::Stack(s), Read::Plain) => vals.get(usize::from(s))?,
            (Fill::Stack(0), Read::Dims) => &listed,
            (Fill::Class, _) => &own,
            (Fill::Num(x), Read::Plain) => {
                let v = absent.take()?;
                *v = Val::Num(x);
                v
            }
            _ => return None,
        };
    }
    run(kernel, p, args.get(..p.steps.len())?, rets)
}

/// The pattern for arguments of these kinds. Loops repeat their calls, so that of the last call is looked at first.
#[inline(always)]
fn pattern_of<'a>(c: &'a Compiled, class: TensorClass, vals: &[Val]) -> Option<&'a Pattern> {
    let code = |v: &Val| if let Val::Tensor(t) = v { t.class().index() as u64 + 2 } else { 1 };
    let key = vals.iter().fold(0, |key, v| key << 8 | code(v));
    let recent = c.recent.load(Relaxed);
    if recent >> 16 == key && key != 0 {
        return c.patterns.get((recent & 0xffff) as usize);
    }
    search(c, class, vals, key)
}

/// [`pattern_of`] of a call that is another than the last, which is noted as `key`.
#[inline(never)]
fn search<'a>(c: &'a Compiled, class: TensorClass, vals: &[Val], key: u64) -> Option<&'a Pattern> {
    let mut kinds = [kind::NUM | kind::NUMBER; MOST_TRACED];
    for (k, v) in kinds.iter_mut().zip(vals) {
        if let Val::Tensor(t) = v {
            *k = kind::in_call(kind::tensor(t.class()), class);
        }
    }
    let kinds = kinds.get(..vals.len())?;
    let bucket = &c.buckets[kinds.len().min(c.buckets.len() - 1)];
    let found = *bucket.iter().find(|&&i| matches(&c.patterns[usize::from(i)], kinds))?;
    c.recent.store(key << 16 | u64::from(found), Relaxed);
    c.patterns.get(usize::from(found))
}

/// Runs a kernel, and tells what it left.
#[inline(always)]
fn run(kernel: Kernel, p: &Pattern, args: &[&Val], rets: &mut Rets) -> Option<Answer> {
    let held = hold(args).ok()?;
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| kernel(args, rets)));
    drop(held);
    storage::reclaim();
    if !matches!(ran, Ok(None)) {
        return None;
    }
    // there is nothing in it to drop, which the compiler would look for
    std::mem::forget(ran);
    match rets {
        Rets::Num(v) => Some(Answer::Number(*v)),
        Rets::Tensor(_) => Some(Answer::Made),
        Rets::Args if p.returns == 1 && matches!(p.steps[0].fill, Fill::Stack(0)) => Some(Answer::Itself),
        _ => None,
    }
}
