//! `x[key]` and `x[key] = value` of tensors and storages.

use super::{Outcome, fail, own_environment, push_new, storage_at, tensor_at};
use crate::lua::element::{self, Got, Key, Spec, Specs, Value, inside};
use crate::tensor::Tensor;
use crate::tensor::dtype::{DType, Element};
use crate::tensor::interruption;
use crate::tensor::storage::{self, Storage};
use crate::with_dtype;
use mlua::ffi::{self, lua_State};
use std::os::raw::c_int;

/// Pushes the functions behind `x[key]` and `x[key] = value`, for tensors and then for storages.
///
/// # Safety
/// `l` is a live state with five free slots.
pub(super) unsafe fn push_element_access(l: *mut lua_State) {
    // SAFETY: by the contract.
    unsafe {
        for f in [tensor_index, tensor_newindex, storage_index, storage_newindex] {
            ffi::lua_pushcclosure(l, f, 0);
            own_environment(l);
        }
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

unsafe fn specs_at(l: *mut lua_State, i: c_int) -> Specs {
    let mut out = Specs::new();
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

/// Where the element lies that the key at 2 stands for, a number or a table of numbers: what programs ask for most, without
/// a list of the key's entries. Nothing where it stands for something else, or for no element.
///
/// # Safety
/// `l` is a live state with a free slot and a value at 2.
#[inline(always)]
unsafe fn single(l: *mut lua_State, t: &Tensor) -> Option<usize> {
    // SAFETY: by the contract; what is pushed is popped.
    unsafe {
        let number = |i| (ffi::lua_type(l, i) == ffi::LUA_TNUMBER).then(|| ffi::lua_tonumber(l, i));
        if let Some(i) = number(2) {
            return element::position(t, [i]);
        }
        if ffi::lua_type(l, 2) != ffi::LUA_TTABLE {
            return None;
        }
        element::position_of(t, ffi::lua_objlen(l, 2), |d| {
            ffi::lua_rawgeti_(l, 2, d as c_int + 1);
            let i = number(-1);
            ffi::lua_pop(l, 1);
            i
        })
    }
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
        if interruption::take() {
            return fail(l, interruption::TEXT);
        }
        let Some(t) = tensor_at(l, 1) else { return fail(l, "__index__: expected a tensor") };
        if let Some(v) = single(l, t).and_then(|at| element::open_at(t, at).or_else(|| element::at(t, at))) {
            ffi::lua_pushnumber(l, v);
            return Ok(1);
        }
        // `m[i]` without building a key
        if ffi::lua_type(l, 2) == ffi::LUA_TNUMBER
            && let Some(row) = inside(ffi::lua_tonumber(l, 2), t.size(0)).and_then(|at| t.row(at))
        {
            push_new(l, row);
            return Ok(1);
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
                push_new(l, t);
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
        if interruption::take() {
            return fail(l, interruption::TEXT);
        }
        let Some(t) = tensor_at(l, 1) else { return fail(l, "__newindex__: expected a tensor") };
        if ffi::lua_type(l, 3) == ffi::LUA_TNUMBER
            && let Some(at) = single(l, t)
        {
            let v = ffi::lua_tonumber(l, 3);
            if element::open_put(t, at, v) || element::put(t, at, v) {
                return Ok(0);
            }
        }
        let value = if ffi::lua_isnumber(l, 3) != 0 {
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
                let v = with_dtype!(s.dtype(), T => s.get::<T>(i).map(Element::to_f64));
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
                with_dtype!(s.dtype(), T => s.set::<T>(i, <T as Element>::from_f64(v)));
                Ok(0)
            }
            Ok(_) => fail(l, "a storage takes a number as key and a number as value"),
            Err(e) => fail(l, &e),
        };
        outcome.unwrap_or_else(|()| ffi::lua_error(l))
    }
}
