//! Spans around calls of modules and criteria, for `lua/rekindle/profile.lua`.

use crate::lua::prelude::*;
use crate::spans::{Call, Described, Timings};
use std::path::Path;

/// The class of calls, which have no methods.
pub const CALL: &str = "rekindle.Call";

objects! { Call: CALL, "Call"; }

fn enter(
    method: &str,
    class: &[u8],
    instance: i64,
    coroutine: i64,
    overhead: f64,
    caller: Option<&Call>,
) -> Result<Call> {
    let class = &String::from_utf8_lossy(class);
    let (instance, coroutine) = (instance.unsigned_abs(), coroutine.unsigned_abs());
    Ok(Call::enter(&Described { method, class, instance, coroutine, overhead }, caller))
}
fn leave(call: &Call) -> Result<()> {
    call.leave();
    Ok(())
}
fn describe(instance: i64, path: &[u8], text: &[u8]) -> Result<()> {
    let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Timings::ask(|t| t.describe(instance.unsigned_abs(), lossy(path), lossy(text)));
    Ok(())
}
fn tables() -> Result<String> {
    Ok(Timings::ask(Timings::tables).unwrap_or_default())
}
/// Whether there were more calls than the trace holds.
fn write_trace(path: &str) -> Result<bool> {
    let written = Timings::ask(|t| t.write_trace(Path::new(path))).unwrap_or(Ok(false));
    written.map_err(|e| Error::invalid(format!("cannot write <{path}>: {e}")))
}

/// The rows.
pub static ROWS: &[Op] = &[
    func!(
        "enter",
        &[form("method:str class:str instance:long coroutine:long overhead:num caller:object.Call=nil", any!(enter))]
    ),
    func!("leave", &[form("call:object.Call", any!(leave))]),
    func!("describe", &[form("instance:long path:str text:str", any!(describe))]),
    func!("tables", &[form("", any!(tables))]),
    func!("writeTrace", &[form("path:str", any!(write_trace))]),
];
