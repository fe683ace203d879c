//! What requests are answered, one after another, on the program's thread.

use super::history::History;
use super::message::{PROTOCOL, Request, map, text};
use super::sockets::{Socket, lock};
use super::streams::Streams;
use super::{Asker, Event, Frontends};
use crate::Host;
use crate::formats::Data;
use crate::lua::raw::{begin, end};
use mlua::LuaString;
use std::collections::VecDeque;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::Receiver;

/// What the kernel says of itself.
pub fn kernel_info() -> Data {
    let version = env!("CARGO_PKG_VERSION");
    let language = map([
        ("name", text("lua")),
        ("version", text("5.1")),
        ("mimetype", text("text/x-lua")),
        ("file_extension", text(".lua")),
        ("pygments_lexer", text("lua")),
        ("codemirror_mode", text("lua")),
    ]);
    map([
        ("status", text("ok")),
        ("protocol_version", text(PROTOCOL)),
        ("implementation", text("rekindle")),
        ("implementation_version", text(version)),
        ("language_info", language),
        ("banner", text(format!("Rekindle {version}: Torch7 in one binary. Tab completes, ?name explains."))),
        ("help_links", Data::List(vec![])),
    ])
}

fn ok() -> (&'static str, Data) {
    ("status", text("ok"))
}

/// The byte at which a place of a text lies, which is told in letters.
fn byte_at(code: &str, letters: Option<f64>) -> usize {
    let letters = letters.map_or(usize::MAX, |n| n.max(0.0) as usize);
    code.char_indices().nth(letters).map_or(code.len(), |(at, _)| at)
}

fn letters(code: &str) -> Data {
    Data::Num(code.chars().count() as f64)
}

/// Who answers.
pub struct Answers<'h> {
    host: &'h Host,
    frontends: &'h Frontends,
    streams: &'h Streams,
    requests: Receiver<Event>,
    /// Requests that came while others were looked at.
    waiting: VecDeque<Event>,
    history: History,
    count: i64,
}

impl<'h> Answers<'h> {
    /// Who answers these requests.
    pub fn new(
        host: &'h Host,
        frontends: &'h Frontends,
        streams: &'h Streams,
        requests: Receiver<Event>,
    ) -> Answers<'h> {
        let (waiting, history) = (VecDeque::new(), History::new());
        Answers { host, frontends, streams, requests, waiting, history, count: 0 }
    }

    /// Answers until a frontend ends the kernel.
    pub fn run(mut self) -> anyhow::Result<()> {
        end();
        loop {
            let event = self.waiting.pop_front().or_else(|| self.requests.recv().ok());
            let Some(Event::Request(request, to)) = event else { return Ok(()) };
            let header = request.header.clone();
            // later output of what runs beside it belongs to the last cell
            self.frontends.status(Some(&header), "busy");
            let goes_on = self.answer(&request, &to);
            self.frontends.status(Some(&header), "idle");
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Answers one request; false for the last one.
    fn answer(&mut self, request: &Request, to: &Socket) -> bool {
        let content = &request.content;
        let answer = match request.header.kind.as_str() {
            "execute_request" => {
                self.execute(request, to);
                return true;
            }
            "kernel_info_request" => kernel_info(),
            "complete_request" => self.complete(content),
            "inspect_request" => self.inspect(content),
            "is_complete_request" => self.is_complete(content),
            "history_request" => self.history.answer(content),
            "comm_info_request" => map([ok(), ("comms", map([]))]),
            "interrupt_request" | "connect_request" => map([ok()]),
            // there is nothing to open
            "comm_open" => {
                let id = content.get("comm_id").cloned().unwrap_or(Data::Null);
                let refused = map([("comm_id", id), ("data", map([]))]);
                self.frontends.publish("comm_close", Some(&request.header), &refused);
                return true;
            }
            "shutdown_request" => {
                let restart = content.get("restart").cloned().unwrap_or(Data::Bool(false));
                map([ok(), ("restart", restart)])
            }
            kind => {
                if kind.ends_with("_request") {
                    tracing::warn!("kernel: there is no answer to a {kind}");
                }
                return true;
            }
        };
        let kind = request.header.kind.replace("_request", "_reply");
        self.frontends.reply(to, request, &kind, &answer);
        kind != "shutdown_reply"
    }

    /// Calls a function of the host that gives the text of an error instead of what it gives.
    fn ask<R: mlua::FromLuaMulti>(&self, name: &str, args: impl mlua::IntoLuaMulti) -> Option<R> {
        self.host.call(name, args).inspect_err(|e| tracing::warn!("kernel: {name}: {e:#}")).ok()
    }

    fn complete(&self, content: &Data) -> Data {
        let code = content.get("code").and_then(Data::text).unwrap_or_default();
        let head = &code[..byte_at(&code, content.get("cursor_pos").and_then(Data::number))];
        let line = &head[head.rfind('\n').map_or(0, |at| at + 1)..];
        let (found, replaced): (Vec<LuaString>, usize) = self.ask("complete", line).unwrap_or_default();
        let start = head.get(..head.len().saturating_sub(replaced)).unwrap_or(head);
        let matches = found.iter().map(|name| text(name.to_string_lossy())).collect();
        map([
            ok(),
            ("matches", Data::List(matches)),
            ("cursor_start", letters(start)),
            ("cursor_end", letters(head)),
            ("metadata", map([])),
        ])
    }

    fn inspect(&self, content: &Data) -> Data {
        let code = content.get("code").and_then(Data::text).unwrap_or_default();
        let at = byte_at(&code, content.get("cursor_pos").and_then(Data::number));
        let page: Option<LuaString> = self.ask("inspect", (code, at)).flatten();
        let found = Data::Bool(page.is_some());
        let data = page.map_or(map([]), |page| map([("text/plain", text(page.to_string_lossy()))]));
        map([ok(), ("found", found), ("data", data), ("metadata", map([]))])
    }

    fn is_complete(&self, content: &Data) -> Data {
        let code = content.get("code").and_then(Data::text).unwrap_or_default();
        let (state, indent): (String, String) =
            self.ask("is_complete", code).unwrap_or_else(|| ("unknown".into(), String::new()));
        map([("status", text(state)), ("indent", text(indent))])
    }

    fn execute(&mut self, request: &Request, to: &Socket) {
        let content = &request.content;
        let flag = |name: &str, default| content.get(name).and_then(Data::bool).unwrap_or(default);
        let code = content.get("code").and_then(Data::text).unwrap_or_default();
        let silent = flag("silent", false);
        if !silent && flag("store_history", true) {
            self.count += 1;
            self.history.add(self.count, &code);
        }
        let answers = flag("allow_stdin", true);
        let asker = Asker { identity: request.identity.clone(), header: request.header.clone(), answers };
        *lock(&self.frontends.asker) = Some(asker);
        let count = ("execution_count", Data::Num(self.count as f64));
        if !silent {
            self.frontends.publish_now("execute_input", &map([("code", text(&code)), count.clone()]));
        }
        begin();
        self.frontends.busy.store(true, SeqCst);
        let failed = self.run_cell(&code, silent);
        let values = if failed.is_none() { self.user_expressions(content) } else { map([]) };
        self.frontends.busy.store(false, SeqCst);
        end();
        self.streams.sync();
        let Some(error) = failed else {
            let leave = map([("source", text("ask_exit")), ("keepkernel", Data::Bool(false))]);
            let payload = Data::List(if self.ask("leaves", ()).unwrap_or(false) { vec![leave] } else { vec![] });
            let answer = map([ok(), count, ("payload", payload), ("user_expressions", values)]);
            return self.frontends.reply(to, request, "execute_reply", &answer);
        };
        self.frontends.publish_now("error", &error);
        let Data::Map(pairs) = error else { return };
        let head = [("status", text("error")), count].map(|(name, value)| (name.as_bytes().into(), value));
        self.frontends.reply(to, request, "execute_reply", &Data::Map([pairs, head.into()].concat()));
        if flag("stop_on_error", true) {
            self.abort();
        }
    }

    /// Runs a cell; what is told of its error.
    fn run_cell(&self, code: &str, silent: bool) -> Option<Data> {
        let told = self.host.call::<Option<Vec<LuaString>>>("cell", (code, self.count, silent));
        let [name, value, whole] = match told {
            Ok(None) => return None,
            Ok(Some(told)) => [0, 1, 2].map(|i| told.get(i).map(|t| t.to_string_lossy()).unwrap_or_default()),
            // stopped where nothing of the program's own ran
            Err(e) => ["Error".into(), format!("{e:#}"), format!("{e:#}")],
        };
        let lines = whole.lines().map(text).collect();
        Some(map([("ename", text(name)), ("evalue", text(value)), ("traceback", Data::List(lines))]))
    }

    fn user_expressions(&self, content: &Data) -> Data {
        let Some(Data::Map(wanted)) = content.get("user_expressions") else { return map([]) };
        let value = |code: &Data| {
            let code = code.text().unwrap_or_default();
            let (value, why): (Option<LuaString>, Option<LuaString>) = self.ask("expression", code).unwrap_or_default();
            match value {
                Some(value) => {
                    let data = map([("text/plain", text(value.to_string_lossy()))]);
                    map([ok(), ("data", data), ("metadata", map([]))])
                }
                None => {
                    let why = why.map(|w| w.to_string_lossy()).unwrap_or_default();
                    let frames = Data::List(vec![]);
                    map([
                        ("status", text("error")),
                        ("ename", text("Error")),
                        ("evalue", text(why)),
                        ("traceback", frames),
                    ])
                }
            }
        };
        Data::Map(wanted.iter().map(|(name, code)| (name.clone(), value(code))).collect())
    }

    /// Refuses the cells that are waiting: one before them had an error.
    fn abort(&mut self) {
        self.waiting.extend(self.requests.try_iter());
        let (cells, others) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|e| matches!(e, Event::Request(r, _) if r.header.kind == "execute_request"));
        self.waiting = others;
        let cells: VecDeque<Event> = cells;
        for event in cells {
            let Event::Request(request, to) = event else { continue };
            self.frontends.status(Some(&request.header), "busy");
            let answer = map([("status", text("aborted")), ("execution_count", Data::Num(self.count as f64))]);
            self.frontends.reply(&to, &request, "execute_reply", &answer);
            self.frontends.status(Some(&request.header), "idle");
        }
    }
}
