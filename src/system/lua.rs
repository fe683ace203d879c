//! stub
/// stub
pub fn register(_: &mlua::Lua, _: &mlua::Table) -> mlua::Result<()> { Ok(()) }
