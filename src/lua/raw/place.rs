//! Where errors happened, as messages say it: the line of a program, never one of the embedded files.

use super::Outcome;
use mlua::ffi::{self, lua_State};
use std::ffi::CStr;
use std::os::raw::c_int;
use std::sync::OnceLock;

/// Levels that are looked at. Embedded functions that call themselves fill a stack with some thousands.
const REACH: c_int = 10_000;

/// Whether a name is that of an embedded file. Programs name their chunks too, and `=settings.lua` is one of theirs.
static EMBEDDED: OnceLock<fn(&[u8]) -> bool> = OnceLock::new();

/// Tells which names, as `nn/module.lua`, are those of embedded files.
pub fn embedded(is_embedded: fn(&[u8]) -> bool) {
    EMBEDDED.get_or_init(|| is_embedded);
}

/// What stands at a level of the stack.
#[derive(PartialEq, Eq)]
enum Line {
    /// A line of one of the embedded files, which are named `=path.lua`.
    Ours,
    /// A line of anything else.
    Program,
    /// A function without lines.
    None,
}

/// What stands at a level; nothing where the stack has no more.
///
/// # Safety
/// `l` is a live state.
unsafe fn line_at(l: *mut lua_State, level: c_int) -> Option<Line> {
    // SAFETY: by the contract. `ar` is filled in before it is read, and the source it points to lives as long as the
    // function on the stack.
    unsafe {
        let mut ar: ffi::lua_Debug = std::mem::zeroed();
        if ffi::lua_getstack(l, level, &raw mut ar) == 0 {
            return None;
        }
        if ffi::lua_getinfo(l, c"Sl".as_ptr(), &raw mut ar) == 0 || ar.currentline <= 0 || ar.source.is_null() {
            return Some(Line::None);
        }
        let source = CStr::from_ptr(ar.source).to_bytes();
        let ours = source.strip_prefix(b"=").is_some_and(|name| EMBEDDED.get().is_some_and(|known| known(name)));
        Some(if ours { Line::Ours } else { Line::Program })
    }
}

/// The nearest level, from this one on, that is a line of a program; 0, which has no place, where there is none.
///
/// # Safety
/// `l` is a live state.
#[cold]
unsafe fn level_of_program(l: *mut lua_State, first: c_int) -> c_int {
    for level in first..REACH {
        // SAFETY: by the contract.
        match unsafe { line_at(l, level) } {
            Some(Line::Program) => return level,
            Some(_) => {}
            None => break,
        }
    }
    0
}

/// A message for the user, with the position in front that it is about.
///
/// # Safety
/// `l` is a live state with two free slots.
#[cold]
#[inline(never)]
pub(super) unsafe fn fail(l: *mut lua_State, text: &str) -> Outcome {
    // SAFETY: by the contract; the strings are copied by Lua.
    unsafe {
        ffi::luaL_where(l, level_of_program(l, 1));
        ffi::lua_pushlstring(l, text.as_ptr().cast(), text.len());
        ffi::lua_concat(l, 2);
    }
    Err(())
}

/// Lua's `error`, whose levels go past the embedded files: a level that is one of their lines stands for the program's
/// line that led there.
///
/// # Safety
/// `l` is a live state.
pub(super) unsafe extern "C-unwind" fn error(l: *mut lua_State) -> c_int {
    // SAFETY: by the contract. Nothing with a destructor is alive where errors are raised.
    unsafe {
        let level = ffi::luaL_optinteger(l, 2, 1).clamp(0, ffi::lua_Integer::from(REACH)) as c_int;
        ffi::lua_settop(l, 1);
        if level > 0 && ffi::lua_isstring(l, 1) != 0 {
            let ours = line_at(l, level) == Some(Line::Ours);
            ffi::luaL_where(l, if ours { level_of_program(l, level + 1) } else { level });
            ffi::lua_pushvalue(l, 1);
            ffi::lua_concat(l, 2);
        }
        ffi::lua_error(l)
    }
}
