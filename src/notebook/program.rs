//! What programs in a notebook can do beside everything else: show things in it, and ask for input.

use super::Frontends;
use super::message::{map, text};
use super::sockets::lock;
use super::streams::Streams;
use crate::formats::{Data, json};
use crate::lua::prelude::*;
use crate::lua::raw::interrupted;
use crate::lua::table::Dispatch;
use crate::rows::Package;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often a program that waits for input looks whether it was interrupted.
const MOMENT: Duration = Duration::from_millis(20);

/// What the functions work with.
pub struct Program {
    /// Who is shown something, and asked.
    pub frontends: Arc<Frontends>,
    /// What the program writes.
    pub streams: Arc<Streams>,
    /// What those who were asked sent.
    pub replies: Receiver<Data>,
}

thread_local! {
    /// That of the program that this thread runs.
    static PROGRAM: RefCell<Option<Program>> = const { RefCell::new(None) };
}

impl Program {
    /// Makes it that of this thread.
    pub fn begin(self) {
        PROGRAM.set(Some(self));
    }

    /// Calls `f` with that of this thread, when what the program wrote before has been sent: it stands above.
    fn ask<R>(f: impl FnOnce(&Program) -> Result<R>) -> Result<R> {
        PROGRAM.with_borrow(|program| match program {
            Some(program) => {
                program.streams.sync();
                f(program)
            }
            None => Err(Error::invalid("no notebook runs on this thread")),
        })
    }
}

/// Sends a message of a kind, with a content in JSON.
fn publish(kind: &str, content: &[u8]) -> Result<()> {
    let options = json::Options { max_depth: 1000, invalid_numbers: false };
    // JSON's texts are letters
    let content = json::parse(String::from_utf8_lossy(content).as_bytes(), options).map_err(Error::invalid)?;
    Program::ask(|p| {
        p.frontends.publish_now(kind, &content);
        Ok(())
    })
}

/// A line from who asked for what runs, or nil and why there is none.
fn ask(prompt: &[u8], hidden: bool) -> Result<Answer<String>> {
    Ok(Answer(Program::ask(|p| {
        input(&p.frontends, &p.replies, &String::from_utf8_lossy(prompt), hidden).map_err(Error::invalid)
    })))
}

/// The functions.
pub const PACKAGE: Package = Package {
    table: "kernel",
    prefix: "kernel",
    dispatch: Dispatch::Object,
    rows: &[
        func!("publish", &[form("kind:str content:str", any!(publish))]),
        func!("ask", &[form("prompt:text hidden:bool=false", any!(ask))]),
    ],
};

/// A line from who asked for what runs.
fn input(
    f: &Frontends,
    replies: &Receiver<Data>,
    prompt: &str,
    hidden: bool,
) -> std::result::Result<String, &'static str> {
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
