//! Lua states for the host: made, filled with compiled functions, and objects put into them and taken out.

use super::index::push_element_access;
use super::invoke::push_compiled;
use super::place;
use super::traced::push_traced;
use super::{identity, push_metatables, push_tensor, tensor_at};
use crate::lua::table::Compiled;
use crate::tensor::Tensor;
use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua, LuaOptions, Result, StdLib, Table, Value};
use std::collections::HashMap;

/// Compiled functions by owner and name, and the table of natives that gets them.
pub struct Group<'a> {
    /// The table's name.
    pub name: &'static str,
    /// Owner, name, function.
    pub functions: Vec<(&'a str, &'a str, &'static Compiled)>,
}

/// A Lua state with all its libraries.
pub fn new_state() -> Lua {
    // SAFETY: Torch7 programs use ffi, debug and C modules, which mlua's safe mode leaves out; what they do with them is
    // theirs. With `catch_rust_panics(true)` pcall stays Lua's own, which can be yielded across (with `false` mlua puts
    // its own in place); panics of rows are caught by the trampoline.
    unsafe { Lua::unsafe_new_with(StdLib::ALL, LuaOptions::new().catch_rust_panics(true)) }
}

/// Runs `f` while Lua's collector rests. What there is then counts as alive: the next collection begins when there is
/// twice as much.
pub fn without_collector<R>(lua: &Lua, f: impl FnOnce() -> R) -> R {
    lua.gc_stop();
    let done = f();
    // SAFETY: starts the collector again, which allocates and raises nothing; -1 keeps it from beginning at once.
    let started = unsafe {
        lua.exec_raw::<()>((), |l| {
            ffi::lua_gc(l, ffi::LUA_GCRESTART, -1);
        })
    };
    debug_assert!(started.is_ok());
    done
}

/// Puts into `table` what is in Lua's way to Rust: `metatables` by class (those of foreign `classes` among them), the
/// groups of functions, access to elements, the functions for compiled code, `identity`. Replaces Lua's `error` by one whose levels
/// go past the embedded files.
///
/// # Errors
/// Out of memory in Lua.
pub fn register(lua: &Lua, table: &Table, classes: &[&'static str], groups: &[Group]) -> Result<()> {
    // SAFETY: the closures only push what they return, with the stack space that exec_raw reserves (they need a few
    // slots), inside its protected call.
    unsafe {
        table.set("metatables", lua.exec_raw::<Value>((), |l| push_metatables(l, classes))?)?;
        for group in groups {
            table.set(group.name, functions(lua, group)?)?;
        }
        type Access = (Function, Function, Function, Function);
        let access: Access = lua.exec_raw((), |l| push_element_access(l))?;
        table.set("index", access.0)?;
        table.set("newindex", access.1)?;
        table.set("storage_index", access.2)?;
        table.set("storage_newindex", access.3)?;
        table.set("traced", lua.exec_raw::<Value>((), |l| push_traced(l))?)?;
        lua.globals().set("error", lua.create_c_function(place::error)?)?;
        table.set("identity", lua.create_c_function(identity)?)
    }
}

/// The functions of a group by owner and name.
///
/// # Errors
/// Out of memory in Lua.
pub fn functions(lua: &Lua, group: &Group) -> Result<Table> {
    // SAFETY: as in `register`.
    unsafe { lua.exec_raw((), |l| push_nested(l, &group.functions)) }
}

/// Pushes `t[owner][name] = function` for a list of compiled functions, as a new table.
///
/// # Safety
/// `l` is a live state, inside a protected call.
unsafe fn push_nested(l: *mut lua_State, list: &[(&str, &str, &'static Compiled)]) {
    let mut owners: HashMap<&str, Vec<(&str, &'static Compiled)>> = HashMap::new();
    for &(owner, name, c) in list {
        owners.entry(owner).or_default().push((name, c));
    }
    // SAFETY: by the contract; the names are copied by Lua.
    unsafe {
        ffi::lua_createtable(l, 0, owners.len() as _);
        for (owner, functions) in owners {
            ffi::lua_pushlstring(l, owner.as_ptr().cast(), owner.len());
            ffi::lua_createtable(l, 0, functions.len() as _);
            for (name, c) in functions {
                ffi::lua_pushlstring(l, name.as_ptr().cast(), name.len());
                push_compiled(l, c);
                ffi::lua_rawset(l, -3);
            }
            ffi::lua_rawset(l, -3);
        }
    }
}

/// A tensor as an object of Lua's; data is shared, not copied.
///
/// # Errors
/// Out of memory in Lua.
pub fn tensor_value(lua: &Lua, t: Tensor) -> Result<Value> {
    let mut t = Some(t);
    // SAFETY: pushes one object inside exec_raw's protected call.
    unsafe {
        lua.exec_raw((), |l| {
            if let Some(t) = t.take() {
                push_tensor(l, t);
            }
        })
    }
}

/// The tensor that a value of Lua's is; data is shared, not copied.
///
/// # Errors
/// Out of memory in Lua.
pub fn tensor_of(lua: &Lua, v: Value) -> Result<Option<Tensor>> {
    let mut out = None;
    // SAFETY: only reads the argument, which is on the stack during the call.
    unsafe { lua.exec_raw::<()>(v, |l| out = tensor_at(l, 1).cloned())? };
    Ok(out)
}
