//! Reading of arguments: kinds, lists, nested tables, fields of `self`.

use super::{DEFAULT_GENERATOR, FOREIGN, GENERATOR, STORAGE, TENSOR, object, push_new, tensor_at};
use crate::lua::call::{Dims, Foreign, Nested, Val};
use crate::lua::sig::{self, Fill, Param, Pattern, Read, Step, kind};
use crate::lua::table::Compiled;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::class::TensorClass;
use crate::tensor::error::{Error, Result};
use mlua::ffi::{self, lua_State};
use std::os::raw::{c_int, c_void};

/// Kind bits of an argument; plain values are read into `out`.
#[inline(always)]
pub(super) unsafe fn classify<'a>(l: *mut lua_State, i: c_int, out: &mut Val<'a>) -> u64 {
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
                    kind::tensor_numbered((k - TENSOR) as usize)
                }
                Some((k, p)) if k < GENERATOR => {
                    *out = Val::Storage(&*p.cast());
                    kind::storage_numbered((k - STORAGE) as usize)
                }
                Some((DEFAULT_GENERATOR, p)) => {
                    *out = Val::Gen(super::default_generator(*p.cast()));
                    kind::GEN
                }
                Some((GENERATOR, p)) => {
                    *out = Val::Gen(&*p.cast());
                    kind::GEN
                }
                Some((FOREIGN, p)) => {
                    *out = Val::Object(&**p.cast::<Box<dyn Foreign>>());
                    kind::OBJECT
                }
                _ => kind::OTHER,
            },
            ffi::LUA_TNIL => kind::NIL,
            ffi::LUA_TSTRING => {
                let mut n = 0;
                // numbers in strings pass as numbers, but the string itself must not be converted in place
                let s = ffi::lua_tolstring(l, i, &mut n).cast::<u8>();
                *out = Val::Str(std::slice::from_raw_parts(s, n));
                kind::STR | if ffi::lua_isnumber(l, i) != 0 { kind::NUM | kind::NUMERAL } else { 0 }
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

/// Arguments that are lists, owned here while the kernel sees references.
#[derive(Default)]
pub(super) struct Lists<'a> {
    dims: Dims,
    /// With the places of the tables.
    tensors: Vec<(c_int, Vec<&'a Tensor>)>,
    nested: Nested,
    strings: Vec<&'a [u8]>,
}

/// Reads the lists among the arguments of a pattern that has some.
#[inline(never)]
pub(super) unsafe fn lists<'a>(
    l: *mut lua_State,
    p: &Pattern,
    base: c_int,
    vals: &[Val<'a>],
    class: TensorClass,
) -> Result<Lists<'a>> {
    let mut out = Lists::default();
    for step in &p.steps {
        let Fill::Stack(s) = step.fill else { continue };
        let (s, at) = (usize::from(s), base + c_int::from(s));
        // SAFETY: `at` is a valid position, a table for the kinds that need one.
        unsafe {
            match step.read {
                Read::Plain | Read::Text => {}
                Read::Texts => out.strings = (0..vals.len() - s).map(|k| text(l, at + k as c_int)).collect(),
                Read::Tensors => out.tensors.push((at, tensor_list(l, at, class)?)),
                Read::Nested => out.nested = nested(l, at)?,
                Read::Dims => {
                    out.dims.0 = match vals[s] {
                        Val::Storage(st) => st.to_vec::<i64>(0, usize::MAX).into(),
                        _ => (0..vals.len() - s).map(|k| ffi::lua_tonumber(l, at + k as c_int) as i64).collect(),
                    }
                }
            }
        }
    }
    Ok(out)
}

/// The argument of a step where its parameter takes it in another form than it was given in.
#[inline(always)]
pub(super) unsafe fn convert<'a>(
    l: *mut lua_State,
    at: c_int,
    v: &Val<'a>,
    step: &Step,
    lists: Option<&'a Lists<'a>>,
) -> Option<Val<'a>> {
    match step.read {
        Read::Plain => match v {
            // SAFETY: `at` is a valid position; a string that reads as a number is converted without changing it.
            Val::Str(_) if step.number => Some(Val::Num(unsafe { ffi::lua_tonumber(l, at) })),
            _ => None,
        },
        // SAFETY: as above; a number becomes the string that it reads as, in its place on the stack.
        Read::Text => Some(Val::Str(unsafe { text(l, at) })),
        Read::Texts => lists.map(|x| Val::Strings(&x.strings)),
        Read::Dims => lists.map(|x| Val::Dims(&x.dims)),
        Read::Tensors => lists?.tensors.iter().find(|(place, _)| *place == at).map(|(_, list)| Val::Tensors(list)),
        Read::Nested => lists.map(|x| Val::Nested(&x.nested)),
    }
}

/// The bytes of an argument that is a string or a number, which becomes a string in its place.
pub(super) unsafe fn text<'a>(l: *mut lua_State, at: c_int) -> &'a [u8] {
    let mut n = 0;
    // SAFETY: `at` is a valid position; the string stays there for the call.
    unsafe {
        let s = ffi::lua_tolstring(l, at, &mut n).cast::<u8>();
        if s.is_null() { &[] } else { std::slice::from_raw_parts(s, n) }
    }
}

unsafe fn tensor_list<'a>(l: *mut lua_State, at: c_int, class: TensorClass) -> Result<Vec<&'a Tensor>> {
    // SAFETY: `at` is a table; its elements stay alive in it during the call.
    unsafe {
        let n = ffi::lua_objlen(l, at);
        let mut list = Vec::with_capacity(n.min(1 << 16));
        for i in 1..=n {
            ffi::lua_rawgeti(l, at, i as _);
            let t = tensor_at(l, -1).filter(|t| t.class() == class);
            ffi::lua_pop(l, 1);
            match t {
                Some(t) => list.push(t),
                None => refuse!("element {i} of the table is not a {}", class.tensor_name()),
            }
        }
        Ok(list)
    }
}

/// Reads a nested table of numbers; every table of a level has the same length.
unsafe fn nested(l: *mut lua_State, at: c_int) -> Result<Nested> {
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
            refuse!("invalid table: it has an empty row");
        }
        if out.sizes.iter().all(|&n| n > 0) {
            let r = nested_level(l, at, 0, &mut out);
            ffi::lua_settop(l, top);
            r?;
        }
    }
    Ok(out)
}

unsafe fn nested_level(l: *mut lua_State, at: c_int, depth: usize, out: &mut Nested) -> Result<()> {
    // SAFETY: `at` is a table; recursion is as deep as sizes, at most 64 levels, each with checked stack space.
    unsafe {
        let n = ffi::lua_objlen(l, at);
        if n != out.sizes[depth] {
            refuse!("invalid table: level {} has {} and {n} elements", depth + 1, out.sizes[depth]);
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
                refuse!("invalid table: element {i} of level {} is not a number", depth + 1);
            }
            ffi::lua_pop(l, 1);
        }
    }
    Ok(())
}

/// Reads a field of `self`, with metamethods, and leaves it on the stack.
#[inline(always)]
pub(super) unsafe fn field<'a>(
    l: *mut lua_State,
    c: &Compiled,
    f: u8,
    param: &Param,
    class: TensorClass,
) -> Result<Val<'a>> {
    // SAFETY: self is at 1, the names are upvalues from 2 on; the value stays on the stack for the call. Reading may
    // run a user's __index and raise: only plain values are alive here and in `dispatch`.
    unsafe {
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(c_int::from(f) + 2));
        ffi::lua_gettable_(l, 1);
        let mut v = Val::Nil;
        let k = classify(l, -1, &mut v);
        match v {
            Val::Tensor(t) if t.class() == class && param.accept & kind::T != 0 => Ok(v),
            Val::Num(_) if param.accept & kind::NUM != 0 => Ok(v),
            v => field_of(l, c, f, param, class, (k, v)),
        }
    }
}

/// The value of a field for its parameter, where it is not simply a tensor of the call's class or a number.
///
/// # Safety
/// As for [`field`], with the value, of kind and content `found`, on top of the stack.
#[inline(never)]
unsafe fn field_of<'a>(
    l: *mut lua_State,
    c: &Compiled,
    f: u8,
    param: &Param,
    class: TensorClass,
    (mut k, mut v): (u64, Val<'a>),
) -> Result<Val<'a>> {
    // SAFETY: by the contract.
    unsafe {
        if k & kind::NIL != 0 && param.field == Some(true) {
            ffi::lua_pop(l, 1);
            ffi::lua_pushvalue(l, ffi::lua_upvalueindex(c_int::from(f) + 2));
            let named = TensorClass::ALL.into_iter().find(|&c| param.accept & kind::tensor(c) != 0);
            let made = named.map_or(class, |c| class.with_dtype(c.dtype));
            v = Val::Tensor(push_new(l, Tensor::empty(made)));
            ffi::lua_pushvalue(l, -1);
            ffi::lua_insert(l, -3);
            ffi::lua_settable(l, 1);
            return Ok(v);
        }
        let own = kind::class(k);
        k = kind::in_call(k, class);
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
        // programs write `nn.CAddTable(1)`; Torch7 asked flags for their truth, in Lua or in C
        if let (Val::Num(x), true) = (&v, param.accept & kind::BOOL != 0) {
            return Ok(Val::Bool(*x != 0.0));
        }
        if let Some(own) = own.filter(|_| k & kind::ANY_TENSOR != 0 && param.accept & kind::T != 0) {
            return Err(two_types(own, class));
        }
        let want = sig::help(
            std::slice::from_ref(&Param { field: None, returned: false, absent: None, ..param.clone() }),
            class,
        );
        refuse!(in &c.name, "field '{}' is a {}, expected a {want}", param.name, kind_name(whole(k, &v)))
    }
}

/// The method that converts to a class: `float`, `cudaLong`.
#[cold]
pub(super) fn conversion(class: TensorClass) -> String {
    let name = class.name();
    name.char_indices().map(|(i, c)| if i == 0 { c.to_ascii_lowercase() } else { c }).collect()
}

/// A module whose fields are of one type, called with tensors of another.
#[cold]
fn two_types(own: TensorClass, given: TensorClass) -> Error {
    Error::invalid(format!(
        "the module is {}, its input {}; convert one: module:{}() or input:{}()",
        own.tensor_name(),
        given.tensor_name(),
        conversion(given),
        conversion(own)
    ))
}

/// The bits of a value with that of its class, which a call of host tensors takes from tensors of other devices.
pub(super) fn whole(k: u64, v: &Val) -> u64 {
    match v {
        Val::Tensor(t) => k & !kind::TENSOR_AWAY | kind::tensor(t.class()),
        Val::Storage(s) => k & !kind::STORAGE_AWAY | kind::storage(s.class()),
        _ => k,
    }
}

/// What a value is called in messages.
pub(super) fn kind_name(k: u64) -> &'static str {
    if let Some(class) = kind::class(k) {
        let name = if k & kind::TENSOR != 0 { class.tensor_name() } else { class.storage_name() };
        return name.trim_start_matches("torch.");
    }
    match k & !(kind::NUM | kind::NUMBER | kind::NUMERAL | kind::T | kind::S)
        | if k & kind::STR == 0 { k & kind::NUM } else { 0 }
    {
        kind::NIL => "nil",
        kind::NUM => "number",
        kind::STR => "string",
        kind::TABLE => "table",
        kind::BOOL => "boolean",
        kind::GEN => "Generator",
        kind::OBJECT => "object",
        _ => "userdata",
    }
}
