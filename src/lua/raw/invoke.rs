//! The trampoline behind every row: it reads the arguments, picks the pattern, runs the kernel and pushes the results.

use super::push::push_ret;
use super::read::{classify, conversion, convert, field, kind_name, lists, text, whole};
use super::{
    DEFAULT, Outcome, collect_if_large, default_generator, fail, object, own_environment, push_new, tensor_at,
};
use crate::lua::call::{MAX_PARAMS, Ret, Rets, Val};
use crate::lua::sig::{self, Fill, Pattern, Read, Step, kind};
use crate::lua::table::{Compiled, Dispatch, SMALL};
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::class::{Device, TensorClass};
use crate::tensor::dtype::DType;
use crate::tensor::error::{Error, Result};
use crate::tensor::interruption;
use crate::tensor::sharing::{self, Hold};
use crate::tensor::storage;
use mlua::ffi::{self, lua_State};
use std::ffi::CStr;
use std::os::raw::{c_int, c_void};

/// What a function of a Lua state holds as its first upvalue: the description, and what the last call came to. Calls
/// repeat: with arguments of the same kinds, pattern and element type need not be found again.
struct Callee {
    compiled: &'static Compiled,
    /// Kinds of the arguments of the last call, by their highest bits; 0 where it cannot stand for others.
    kinds: u64,
    pattern: u16,
    class: TensorClass,
}

/// How many arguments a call may have for its kinds to be kept.
const KEPT: usize = 4;

/// Pushes a compiled function with its field names as upvalues. The description lives as long as the process: it
/// comes from static rows.
///
/// # Safety
/// `l` is a live state with free slots for the fields.
pub(super) unsafe fn push_compiled(l: *mut lua_State, c: &'static Compiled) {
    // SAFETY: by the contract; the pointer stays valid for ever.
    unsafe {
        let callee = Callee { compiled: c, kinds: 0, pattern: 0, class: DType::Double.into() };
        ffi::lua_newuserdata(l, size_of::<Callee>()).cast::<Callee>().write(callee);
        for f in &c.fields {
            ffi::lua_pushlstring(l, f.as_ptr().cast(), f.len());
        }
        ffi::lua_pushcclosure(l, trampoline, 1 + c.fields.len() as c_int);
        own_environment(l);
    }
}

/// `form(f)`: what compiled code knows a function by, and how many arguments its calls may have, from and to. Nothing for
/// functions whose rows are not for compiled code.
pub(super) unsafe extern "C-unwind" fn push_form(l: *mut lua_State) -> c_int {
    // SAFETY: upvalue 1 of the trampoline was set by `push_compiled`; the description lives for ever.
    unsafe {
        let ours =
            ffi::lua_tocfunction(l, 1).is_some_and(|f| std::ptr::fn_addr_eq(f, trampoline as ffi::lua_CFunction));
        if !ours || ffi::lua_getupvalue(l, 1, 1).is_null() {
            return 0;
        }
        let compiled = (*ffi::lua_touserdata(l, -1).cast::<Callee>()).compiled;
        let Some((least, most)) = compiled.traced else { return 0 };
        ffi::lua_pushlightuserdata(l, std::ptr::from_ref(compiled).cast_mut().cast());
        ffi::lua_pushnumber(l, least as f64);
        ffi::lua_pushnumber(l, most as f64);
        3
    }
}

unsafe extern "C-unwind" fn trampoline(l: *mut lua_State) -> c_int {
    // SAFETY: upvalue 1 was set by `push_compiled`. Nothing with a destructor is alive at lua_error.
    unsafe {
        let callee = ffi::lua_touserdata(l, ffi::lua_upvalueindex(1)).cast::<Callee>();
        let given = ffi::lua_gettop(l) as usize;
        let compiled = (*callee).compiled;
        let small = compiled.small && given <= SMALL;
        let outcome = if small { run::<SMALL>(l, callee, given) } else { run_large(l, callee, given) };
        storage::reclaim();
        match outcome {
            Ok(n) => {
                collect_if_large(l);
                if interruption::take() {
                    let _ = fail(l, interruption::TEXT);
                    ffi::lua_error(l)
                }
                n
            }
            Err(()) => ffi::lua_error(l),
        }
    }
}

/// Apart, so that its large arrays are no part of the stack frame of the usual call.
#[inline(never)]
unsafe fn run_large(l: *mut lua_State, callee: *mut Callee, given: usize) -> Outcome {
    // SAFETY: as for `run`.
    unsafe { run::<MAX_PARAMS>(l, callee, given) }
}

/// The arguments of a call as they were found on the stack. Setting up these arrays is part of what a call costs, so
/// calls with few arguments have small ones.
struct Args<'a, const N: usize> {
    /// Stack position of argument 0.
    base: c_int,
    /// How many lie on the stack.
    given: usize,
    /// How many count.
    n: usize,
    /// Whether any is a string.
    strings: bool,
    kinds: [u64; N],
    vals: [Val<'a>; N],
}

#[inline(always)]
unsafe fn run<const N: usize>(l: *mut lua_State, callee: *mut Callee, given: usize) -> Outcome {
    // SAFETY: called from the trampoline with a live state; positions below the top are valid. The callee is read and
    // written only where no other call can run.
    unsafe {
        let c = (*callee).compiled;
        let skip = usize::from(matches!(c.dispatch, Dispatch::Class | Dispatch::Call(_)));
        let mut n = given.saturating_sub(skip);
        if c.dispatch == Dispatch::Class {
            if ffi::lua_type(l, 1) != ffi::LUA_TTABLE {
                return fail(l, &format!("{}: expected a module as self (call it with ':')", c.name));
            }
            // like any Lua function, a method ignores surplus arguments and takes nil for missing ones
            n = n.min(c.most);
        }
        if matches!(c.dispatch, Dispatch::Class | Dispatch::Package | Dispatch::Object) {
            while n > 0 && ffi::lua_type(l, (n + skip) as c_int) == ffi::LUA_TNIL {
                n -= 1;
            }
        }
        if n > c.most && c.surplus {
            n = c.most;
        }
        if n > N {
            return fail(l, &format!("{}: too many arguments ({n})", c.name));
        }
        let mut a = Args {
            base: skip as c_int + 1,
            given: given.saturating_sub(skip),
            n,
            strings: false,
            kinds: [0; N],
            vals: [Val::Nil; N],
        };
        let mut all = 0u64;
        for (i, (k, v)) in a.kinds.iter_mut().zip(&mut a.vals).take(n).enumerate() {
            *k = classify(l, a.base + i as c_int, v);
            // the highest bit tells which kind it is; no argument gives 0
            all = (all << 8) | u64::from(k.leading_zeros() ^ 0x7f);
        }
        if all == (*callee).kinds && all != 0 && n <= KEPT {
            let p = &c.patterns[usize::from((*callee).pattern)];
            return dispatch(l, c, p, &mut a, (*callee).class);
        }
        let class = class_of_call(l, c, &mut a);
        let tensors = |n: usize| a.kinds[..a.n.min(n)].iter().any(|k| k & kind::TENSOR != 0);
        // otherwise the type came from a table, a name, or is the default
        let sure = match c.dispatch {
            Dispatch::Fixed(_) | Dispatch::Call(_) | Dispatch::Untyped | Dispatch::Object => true,
            Dispatch::First | Dispatch::Package => tensors(2),
            Dispatch::Class => tensors(N),
        };
        for k in &mut a.kinds[..a.n] {
            a.strings |= *k & kind::STR != 0;
            *k = kind::in_call(*k, class);
        }
        let kinds = &a.kinds[..a.n];
        let bucket = &c.buckets[a.n.min(c.buckets.len() - 1)];
        let Some(&found) = bucket.iter().find(|&&i| matches(&c.patterns[usize::from(i)], kinds)) else {
            a.kinds.iter_mut().zip(&a.vals).for_each(|(k, v)| *k = whole(*k, v));
            return mismatch(l, c, &a.kinds[..a.n], class);
        };
        // what a string is depends on its text
        if n <= KEPT && sure && !a.strings {
            ((*callee).kinds, (*callee).pattern, (*callee).class) = (all, found, class);
        }
        dispatch(l, c, &c.patterns[usize::from(found)], &mut a, class)
    }
}

/// Whether these kinds fit a pattern of the right number of arguments.
#[inline(always)]
pub(super) fn matches(p: &Pattern, kinds: &[u64]) -> bool {
    p.accept.iter().zip(kinds).all(|(a, k)| a & k != 0)
        && (p.rest == 0 || kinds.len() == p.nargs || kinds[p.nargs - 1..].iter().all(|k| k & p.rest != 0))
}

#[inline(always)]
unsafe fn class_of_call<const N: usize>(l: *mut lua_State, c: &Compiled, a: &mut Args<'_, N>) -> TensorClass {
    match c.dispatch {
        Dispatch::Fixed(d) | Dispatch::Call(d) => return d,
        // every column has the same function
        Dispatch::Untyped | Dispatch::Object => return TensorClass::host(DType::Double),
        Dispatch::First | Dispatch::Package | Dispatch::Class => {}
    }
    for k in &a.kinds[..a.n.min(if c.dispatch == Dispatch::Class { N } else { 2 })] {
        if let Some(class) = kind::class(k & kind::TENSOR) {
            return class;
        }
    }
    // SAFETY: positions are valid; what is pushed is popped.
    let (found, named) = unsafe { class_of_call_rare(l, a.base, &a.kinds[..a.n], &a.vals[..a.n]) };
    a.n -= usize::from(named);
    found
}

/// The class that no tensor among the first arguments tells: from a table of tensors, from a type's name at the end
/// (which then is no argument), or the default.
#[inline(never)]
unsafe fn class_of_call_rare(l: *mut lua_State, base: c_int, kinds: &[u64], vals: &[Val]) -> (TensorClass, bool) {
    for (i, _) in kinds.iter().take(2).enumerate().filter(|(_, k)| **k & kind::TABLE != 0) {
        // SAFETY: the argument is a table; the element is popped again.
        let found = unsafe {
            ffi::lua_rawgeti(l, base + i as c_int, 1);
            let d = tensor_at(l, -1).map(Tensor::class);
            ffi::lua_pop(l, 1);
            d
        };
        if let Some(d) = found {
            return (d, false);
        }
    }
    if let Some(Val::Str(s)) = vals.last() {
        let named = std::str::from_utf8(s).ok().filter(|s| s.starts_with("torch.") && s.ends_with("Tensor"));
        if let Some(d) = named.and_then(TensorClass::parse) {
            return (d, true);
        }
    }
    (DEFAULT.get(), false)
}

/// The error of a function that a class of tensors does not have. A module says which one it wants.
///
/// # Safety
/// `l` is a live state with three free slots.
#[cold]
#[inline(never)]
unsafe fn no_kernel(l: *mut lua_State, c: &Compiled, class: TensorClass) -> Outcome {
    let given = class.tensor_name();
    // SAFETY: by the contract. The string is read while it is on the stack.
    let own = unsafe {
        if c.dispatch == Dispatch::Class && ffi::lua_type(l, 1) == ffi::LUA_TTABLE {
            ffi::lua_pushstring(l, c"_type".as_ptr());
            ffi::lua_rawget(l, 1);
            let name = (ffi::lua_type(l, -1) == ffi::LUA_TSTRING).then(|| CStr::from_ptr(ffi::lua_tostring(l, -1)));
            let own = name.and_then(|name| TensorClass::parse(name.to_str().ok()?));
            ffi::lua_pop(l, 1);
            own
        } else {
            None
        }
    };
    // SAFETY: by the contract.
    let class_of_self = |c| unsafe { class_of_self(l, c) };
    let text = match own {
        Some(own) => {
            let owner = class_of_self(c).unwrap_or(c.owner());
            let name = own.tensor_name();
            format!("{owner}: the module is {name}, its input {given}; convert one: input:{}()", conversion(own))
        }
        None if c.dispatch == Dispatch::Class => {
            let owner = class_of_self(c).unwrap_or(c.owner());
            format!("{owner}: a torch.FloatTensor or torch.DoubleTensor expected as input, got a {given}")
        }
        None => format!("{given} does not implement the {}() function", c.name),
    };
    // SAFETY: by the contract.
    unsafe { fail(l, &text) }
}

/// Stack slots that Lua guarantees to a C function.
const GUARANTEED: usize = 20;

#[inline(always)]
unsafe fn dispatch<const N: usize>(
    l: *mut lua_State,
    c: &Compiled,
    p: &Pattern,
    a: &mut Args<'_, N>,
    class: TensorClass,
) -> Outcome {
    // SAFETY: positions are valid, objects are anchored on the stack until the results are pushed.
    unsafe {
        let Some(kernel) = c.columns[p.form].get(class) else {
            return no_kernel(l, c, class);
        };
        if 2 * p.steps.len() + 6 > GUARANTEED {
            ffi::luaL_checkstack(l, 2 * p.steps.len() as c_int + 6, c"too many arguments".as_ptr());
        }
        let top = a.base + a.given as c_int;
        let mut made = [Val::Nil; N];
        // fresh results and fields first: making them may run the collector and the program's metamethods, which may
        // take tensors out of the tables that lists refer into
        for (i, (step, made)) in p.steps.iter().zip(&mut made).enumerate() {
            if matches!(step.fill, Fill::Fresh(_) | Fill::Field(_)) {
                match make(l, c, p, i, class) {
                    Ok(v) => *made = v,
                    Err(e) => return failed(l, c, &e),
                }
            }
        }
        if p.unsettled
            && let Err(e) = settle(l, p, a.base, top, &a.vals[..a.n], &made)
        {
            return failed(l, c, &e);
        }
        let lists = if p.lists {
            match lists(l, p, a.base, &a.vals[..a.n], class) {
                Ok(lists) => Some(lists),
                Err(e) => return failed(l, c, &e),
            }
        } else {
            None
        };
        let mut args = [&Val::Nil; N];
        for ((step, made), arg) in p.steps.iter().zip(&mut made).zip(&mut args) {
            *arg = match step.fill {
                Fill::Stack(s) => {
                    let (given, at) = (&a.vals[usize::from(s)], a.base + c_int::from(s));
                    match step.read {
                        Read::Plain if !(a.strings && step.number) => given,
                        _ => match convert(l, at, given, step, lists.as_ref()) {
                            Some(v) => {
                                *made = v;
                                made
                            }
                            None => given,
                        },
                    }
                }
                Fill::Fresh(_) | Fill::Field(_) => made,
                fill => {
                    *made = stand_in(fill, class);
                    made
                }
            };
        }
        let args = &args[..p.steps.len()];
        // nothing is left in it once the results are pushed, and nothing is there when there are none
        let mut rets = std::mem::ManuallyDrop::new(Rets::Args);
        // held while the kernel runs, and let go before anything can raise an error
        let held = hold(args);
        let ran = match &held {
            Ok(_) => std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| kernel(args, &mut rets))),
            Err(e) => Ok(Some(e.clone())),
        };
        drop(held);
        match ran {
            Ok(None) => push_results(l, p, a.base, top, &mut rets),
            Ok(Some(e)) => failed(l, c, &e),
            Err(_) => fail(l, &format!("internal error: {} panicked; please report it", c.name)),
        }
    }
}

/// Turns numbers into the strings that they are read as, and looks whether all objects are still whole: while fields were
/// read and results made, the program may have called a finaliser. From here on Lua allocates nothing and runs no code
/// until the kernel is done.
///
/// # Safety
/// As for `dispatch`.
#[inline(never)]
unsafe fn settle(l: *mut lua_State, p: &Pattern, base: c_int, top: c_int, given: &[Val], made: &[Val]) -> Result<()> {
    for (i, step) in p.steps.iter().enumerate() {
        let at = position(p, i, base, top);
        let count = match (step.fill, step.read) {
            (Fill::Stack(_), Read::Text) => 1,
            (Fill::Stack(s), Read::Texts) => given.len() - usize::from(s),
            _ => 0,
        };
        for at in at..at + count as c_int {
            // SAFETY: positions of arguments are valid.
            unsafe { text(l, at) };
        }
    }
    for (i, step) in p.steps.iter().enumerate() {
        let v = match step.fill {
            Fill::Stack(s) => &given[usize::from(s)],
            _ => &made[i],
        };
        // SAFETY: what is such a value is an object, at its place on the stack.
        let whole = || unsafe { object::<c_void>(l, position(p, i, base, top)).is_some() };
        if matches!(v, Val::Storage(_) | Val::Gen(_) | Val::Object(_)) && position(p, i, base, top) != 0 && !whole() {
            refuse!("an argument was finalised (its __gc was called) while the call read the others");
        }
    }
    Ok(())
}

/// What the boundary itself gives for a parameter: nil for one that comes from elsewhere.
#[inline(always)]
fn stand_in(fill: Fill, class: TensorClass) -> Val<'static> {
    match fill {
        Fill::Class => Val::Class(class),
        Fill::Num(x) => Val::Num(x),
        Fill::Bool(b) => Val::Bool(b),
        Fill::Gen => Val::Gen(default_generator(class.device)),
        Fill::HostGen => Val::Gen(default_generator(Device::Host)),
        Fill::Stack(_) | Fill::Fresh(_) | Fill::Field(_) | Fill::Nil => Val::Nil,
    }
}

/// Holds the storages of a call's arguments that other threads can reach.
#[inline(always)]
pub(super) fn hold(args: &[&Val]) -> Result<Option<Hold>> {
    if sharing::any() { hold_across(args) } else { Ok(None) }
}

#[inline(never)]
fn hold_across(args: &[&Val]) -> Result<Option<Hold>> {
    let lock = |v: &&Val| match *v {
        Val::Tensor(t) => t.lock(),
        Val::Storage(s) => s.lock(),
        Val::Tensors(list) => list.iter().fold(0, |locks, t| locks | t.lock()),
        _ => 0,
    };
    match args.iter().map(lock).fold(0, |locks, lock| locks | lock) {
        0 => Ok(None),
        locks => sharing::hold(locks).map(Some),
    }
}

/// The value of a parameter that is a fresh result or a field of `self`. It stays on the stack, in the order of the
/// parameters. No reference may be held that only a table of the program keeps alive.
#[inline(never)]
unsafe fn make<'a>(l: *mut lua_State, c: &Compiled, p: &Pattern, i: usize, class: TensorClass) -> Result<Val<'a>> {
    // SAFETY: as for `dispatch`.
    unsafe {
        Ok(match p.steps[i].fill {
            Fill::Fresh(d) => Val::Tensor(push_new(l, Tensor::empty(d.map_or(class, |d| class.with_dtype(d))))),
            Fill::Field(f) => field(l, c, f, &c.forms[p.form][i], class)?,
            _ => Val::Nil,
        })
    }
}

/// Where the value of parameter `i` lies on the stack; 0 when it does not.
fn position(p: &Pattern, i: usize, base: c_int, top: c_int) -> c_int {
    let pushes = |s: &Step| matches!(s.fill, Fill::Fresh(_) | Fill::Field(_));
    match p.steps[i].fill {
        Fill::Stack(s) => base + c_int::from(s),
        _ if pushes(&p.steps[i]) => top + p.steps[..i].iter().filter(|s| pushes(s)).count() as c_int,
        _ => 0,
    }
}

#[inline(always)]
unsafe fn push_results(l: *mut lua_State, p: &Pattern, base: c_int, top: c_int, rets: &mut Rets) -> Outcome {
    // SAFETY: stack space was checked in `dispatch`, and is for a list of values here.
    unsafe {
        match rets {
            Rets::Args => {
                let (mut bits, mut n) = (p.returns, 0);
                while bits != 0 {
                    let at = position(p, bits.trailing_zeros() as usize, base, top);
                    bits &= bits - 1;
                    if at != 0 {
                        ffi::lua_pushvalue(l, at);
                        n += 1;
                    }
                }
                Ok(n)
            }
            Rets::Num(v) => {
                ffi::lua_pushnumber(l, *v);
                Ok(1)
            }
            Rets::Tensor(_) => {
                if let Rets::Tensor(t) = std::mem::replace(rets, Rets::Args) {
                    push_new(l, t);
                }
                Ok(1)
            }
            Rets::One(r) => {
                // small values are not moved: that would wait for the writes to them
                match r {
                    Ret::Nil => ffi::lua_pushnil(l),
                    Ret::Num(v) => ffi::lua_pushnumber(l, *v),
                    Ret::Bool(b) => ffi::lua_pushboolean(l, (*b).into()),
                    r => push_ret(l, std::mem::replace(r, Ret::Nil)),
                }
                Ok(1)
            }
            Rets::Values(v) => {
                let v = std::mem::take(v);
                let n = v.len() as c_int;
                if ffi::lua_checkstack(l, n + 4) == 0 {
                    return fail(l, "too many results");
                }
                v.into_iter().for_each(|r| push_ret(l, r));
                Ok(n)
            }
        }
    }
}

/// The class of nn of the object that a method was called with: the one that users know, where a method is inherited.
///
/// # Safety
/// `l` is a live state with three free slots. The name is that of a class, which Lua keeps.
#[cold]
unsafe fn class_of_self<'a>(l: *mut lua_State, c: &Compiled) -> Option<&'a str> {
    // SAFETY: by the contract; the metatable keeps the name.
    unsafe {
        if c.dispatch != Dispatch::Class || ffi::lua_getmetatable(l, 1) == 0 {
            return None;
        }
        ffi::lua_pushstring(l, c"__typename".as_ptr());
        ffi::lua_rawget(l, -2);
        let name = (ffi::lua_type(l, -1) == ffi::LUA_TSTRING).then(|| CStr::from_ptr(ffi::lua_tostring(l, -1)));
        ffi::lua_pop(l, 2);
        name.and_then(|name| name.to_str().ok()).filter(|name| name.starts_with("nn.") || name.starts_with("cudnn."))
    }
}

/// Fails with an error of a kernel's, or of what reads its arguments.
///
/// # Safety
/// As for `run`, with three free slots.
#[cold]
#[inline(never)]
unsafe fn failed(l: *mut lua_State, c: &Compiled, e: &Error) -> Outcome {
    // SAFETY: by the contract.
    unsafe { fail(l, &c.named(class_of_self(l, c), e)) }
}

/// What a method of a module lacks, in words: the first argument that its row does not take.
///
/// # Safety
/// As for `run`, with three free slots.
#[cold]
unsafe fn of_module(l: *mut lua_State, c: &Compiled, kinds: &[u64], class: TensorClass) -> Option<String> {
    if c.dispatch != Dispatch::Class {
        return None;
    }
    // SAFETY: by the contract.
    let owner = unsafe { class_of_self(l, c) }.unwrap_or(c.owner());
    let params = c.forms.first()?.iter().filter(|p| p.is_argument());
    for (i, p) in params.enumerate() {
        let k = kinds.get(i).copied().unwrap_or(kind::NIL);
        if k & p.accept != 0 || k & kind::NIL != 0 && p.absent.is_some() {
            continue;
        }
        let want = match p.accept {
            kind::T => format!("a {}", class.tensor_name()),
            kind::NUM => "a number".to_string(),
            _ if p.read == Read::Tensors => format!("a table of {}s", class.tensor_name()),
            _ => format!("a {}", sig::help(std::slice::from_ref(p), class).trim_matches(['[', ']', '*'])),
        };
        let got = match kind_name(k) {
            "nil" => "nothing".to_string(),
            name if k & kind::TENSOR != 0 => format!("a torch.{name}"),
            // SAFETY: position 1 is the object, the arguments follow; names of types are static.
            "userdata" => unsafe {
                format!("a {}", CStr::from_ptr(ffi::luaL_typename(l, i as c_int + 2)).to_string_lossy())
            },
            name => format!("a {name}"),
        };
        return Some(format!("{owner}: {want} expected as {}, got {got}", p.name));
    }
    None
}

#[cold]
#[inline(never)]
unsafe fn mismatch(l: *mut lua_State, c: &Compiled, kinds: &[u64], class: TensorClass) -> Outcome {
    // SAFETY: by the contract of `run`.
    if let Some(text) = unsafe { of_module(l, c, kinds, class) } {
        // SAFETY: by the contract of `run`.
        return unsafe { fail(l, &text) };
    }
    let got: Vec<&str> = kinds.iter().map(|&k| kind_name(k)).collect();
    let forms: Vec<String> = c.forms.iter().map(|f| sig::help(f, class)).collect();
    let text = format!(
        "{}: invalid arguments: {}\nexpected arguments: {}",
        c.name,
        if got.is_empty() { "none".to_string() } else { got.join(" ") },
        forms.iter().map(|f| if f.is_empty() { "none" } else { f }).collect::<Vec<_>>().join(" | ")
    );
    // SAFETY: by the contract of `run`.
    unsafe { fail(l, &text) }
}
