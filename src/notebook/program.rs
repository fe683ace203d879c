//! What programs in a notebook can do beside everything else: show things in it, and ask for input.

use super::Frontends;
use super::message::{map, text};
use super::sockets::lock;
use super::streams::Streams;
use crate::Host;
use crate::formats::Data;
use crate::lua::raw::interrupted;
use mlua::{LuaString, Table, Value};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often a program that waits for input looks whether it was interrupted.
const MOMENT: Duration = Duration::from_millis(20);

/// A table of texts, numbers and tables of such as data.
fn data_of(table: &Table) -> mlua::Result<Data> {
    let mut pairs = vec![];
    for pair in table.pairs::<LuaString, Value>() {
        let (name, value) = pair?;
        let value = match value {
            Value::Table(t) => data_of(&t)?,
            Value::Number(n) => Data::Num(n),
            Value::Integer(n) => Data::Num(n as f64),
            Value::Boolean(b) => Data::Bool(b),
            // JSON's texts are letters
            Value::String(s) => text(s.to_string_lossy()),
            _ => continue,
        };
        pairs.push((name.to_string_lossy().as_bytes().into(), value));
    }
    Ok(Data::Map(pairs))
}

/// Gives the program `publish(kind, content)` and `ask(prompt, hidden)`, in the table `kernel` of `rekindle.native`.
///
/// # Errors
/// Out of memory.
pub fn offer(
    host: &Host,
    frontends: &Arc<Frontends>,
    streams: &Arc<Streams>,
    replies: Receiver<Data>,
) -> mlua::Result<()> {
    let lua = host.lua();
    let functions = lua.create_table()?;
    let (f, s) = (frontends.clone(), streams.clone());
    let publish = move |_: &mlua::Lua, (kind, content): (LuaString, Table)| {
        let content = data_of(&content)?;
        // what was written before stands above
        s.sync();
        f.publish_now(&kind.to_string_lossy(), &content);
        Ok(())
    };
    functions.set("publish", lua.create_function(publish)?)?;
    let (f, s) = (frontends.clone(), streams.clone());
    let ask = move |_: &mlua::Lua, (prompt, hidden): (LuaString, bool)| {
        s.sync();
        Ok(match input(&f, &replies, &prompt.to_string_lossy(), hidden) {
            Ok(line) => (Some(line), None),
            Err(why) => (None, Some(why)),
        })
    };
    functions.set("ask", lua.create_function(ask)?)?;
    let loaded: Table = lua.globals().get::<Table>("package")?.get("loaded")?;
    loaded.get::<Table>("rekindle.native")?.set("kernel", functions)
}

/// A line from who asked for what runs.
fn input(f: &Frontends, replies: &Receiver<Data>, prompt: &str, hidden: bool) -> Result<String, &'static str> {
    const NOBODY: &str = "this frontend gives no input";
    let asker = lock(&f.asker).clone().filter(|a| a.answers).ok_or(NOBODY)?;
    let socket = f.socket("stdin");
    if !socket.knows(&asker.identity) {
        return Err(NOBODY);
    }
    // what was sent for an earlier question that was given up
    while replies.try_recv().is_ok() {}
    let content = map([("prompt", text(prompt)), ("password", Data::Bool(hidden))]);
    let question = f.wire.compose(&asker.identity, "input_request", Some(&asker.header), &content);
    socket.send_to(&asker.identity, &question);
    loop {
        match replies.recv_timeout(MOMENT) {
            Ok(answer) => return Ok(answer.get("value").and_then(Data::text).unwrap_or_default()),
            Err(RecvTimeoutError::Timeout) if interrupted() => return Err("interrupted!"),
            Err(RecvTimeoutError::Timeout) if !socket.knows(&asker.identity) => return Err("the frontend is gone"),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(NOBODY),
        }
    }
}
