//! The functions of `system`, as Lua sees them: what fails gives nil and a message.

use std::{fs, io};

use mlua::{Lua, Table, Variadic};

type Answer<T> = mlua::Result<Result<T, String>>;

fn answer<T>(result: io::Result<T>) -> Answer<T> {
    Ok(result.map_err(|e| e.to_string()))
}

/// Puts the functions into the table of natives.
pub fn register(lua: &Lua, t: &Table) -> mlua::Result<()> {
    t.set("is_dir", lua.create_function(|_, p: String| Ok(super::is_dir(&p)))?)?;
    t.set("is_file", lua.create_function(|_, p: String| Ok(super::is_file(&p)))?)?;
    t.set("list_dir", lua.create_function(|_, p: String| answer(super::list_dir(&p)))?)?;
    t.set("mkdir", lua.create_function(|_, p: String| answer(fs::create_dir(p).map(|()| true)))?)?;
    t.set("rmdir", lua.create_function(|_, p: String| answer(fs::remove_dir(p).map(|()| true)))?)?;
    t.set("remove_file", lua.create_function(|_, p: String| answer(fs::remove_file(p).map(|()| true)))?)?;
    t.set("remove_all", lua.create_function(|_, p: String| answer(super::remove_all(&p).map(|()| true)))?)?;
    t.set("cwd", lua.create_function(|_, ()| answer(super::cwd()))?)?;
    t.set("uname", lua.create_function(|_, ()| Ok(super::uname()))?)?;
    t.set("tmpname", lua.create_function(|_, ()| Ok(super::tmpname()))?)?;
    t.set("execdir", lua.create_function(|_, ()| Ok(super::execdir()))?)?;
    t.set("home", lua.create_function(|_, ()| Ok(super::home()))?)?;
    t.set("clock", lua.create_function(|_, ()| Ok(super::clock()))?)?;
    t.set(
        "sleep",
        lua.create_function(|_, s: f64| {
            super::sleep(s);
            Ok(())
        })?,
    )?;
    t.set("absolute", lua.create_function(|_, parts: Variadic<String>| answer(super::absolute(&parts)))?)?;
    Ok(())
}
