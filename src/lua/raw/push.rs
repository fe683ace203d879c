//! Values on their way to Lua's stack.

use super::{push_default_generator, push_foreign, push_generator, push_new, push_storage};
use crate::formats::Data;
use crate::lua::call::Ret;
use crate::tensor::storage::Storage;
use mlua::ffi::{self, lua_State};
use std::os::raw::c_int;

/// Pushes a value.
///
/// # Safety
/// `l` is a live state with a few free slots, in a function made with `own_environment`.
pub unsafe fn push_ret(l: *mut lua_State, r: Ret) {
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
                push_new(l, t);
            }
            Ret::Storage(s) => push_storage(l, s),
            Ret::Dims(d) => match Storage::from_slice(&d.0) {
                Ok(s) => push_storage(l, s),
                Err(_) => ffi::lua_pushnil(l),
            },
            Ret::List(list) => {
                ffi::lua_createtable(l, list.len() as c_int, 0);
                for (i, r) in list.into_iter().enumerate() {
                    push_ret(l, r);
                    ffi::lua_rawseti(l, -2, (i + 1) as _);
                }
            }
            Ret::Tensors(list) => {
                ffi::lua_createtable(l, list.len() as c_int, 0);
                for (i, t) in list.into_iter().enumerate() {
                    push_new(l, t);
                    ffi::lua_rawseti(l, -2, (i + 1) as _);
                }
            }
            Ret::Data(data) => push_data(l, &data),
            Ret::Object(held) => push_foreign(l, held),
            Ret::Generator(g) => push_generator(l, g),
            Ret::Code(code) => {
                // what lies on the stack afterwards is the function, or a message
                if ffi::luaL_loadbuffer(l, code.as_ptr().cast(), code.len(), c"=embedded".as_ptr()) != 0 {
                    ffi::lua_pop(l, 1);
                    ffi::lua_pushnil(l);
                }
            }
            Ret::DefaultGenerator(device) => push_default_generator(l, device),
        }
    }
}

/// Pushes nested data: tables of tables. What lies deeper than Lua's stack reaches is nil.
///
/// # Safety
/// `l` is a live state.
unsafe fn push_data(l: *mut lua_State, data: &Data) {
    // SAFETY: each level asks for the slots that it needs; strings are copied by Lua.
    unsafe {
        let text = |t: &[u8]| ffi::lua_pushlstring(l, t.as_ptr().cast(), t.len());
        let deep = matches!(data, Data::List(_) | Data::Map(_));
        if deep && ffi::lua_checkstack(l, 4) == 0 {
            return ffi::lua_pushnil(l);
        }
        match data {
            Data::Null => ffi::lua_pushlightuserdata(l, std::ptr::null_mut()),
            Data::Bool(b) => ffi::lua_pushboolean(l, (*b).into()),
            Data::Num(v) => ffi::lua_pushnumber(l, *v),
            Data::Text(t) => {
                text(t);
            }
            Data::List(list) => {
                ffi::lua_createtable(l, list.len() as c_int, 0);
                for (i, v) in list.iter().enumerate() {
                    push_data(l, v);
                    ffi::lua_rawseti(l, -2, (i + 1) as _);
                }
            }
            Data::Map(map) => {
                ffi::lua_createtable(l, 0, map.len() as c_int);
                for (name, v) in map {
                    text(name);
                    push_data(l, v);
                    ffi::lua_rawset(l, -3);
                }
            }
        }
    }
}
