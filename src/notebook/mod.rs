//! `th kernel`: what a notebook of Jupyter talks to. The program runs on the process's first thread, as everywhere; beside it
//! every connection has a thread, and so has each stream of output.
//!
//! [`zmtp`] and [`sockets`] are ZeroMQ's sockets as far as a kernel needs them. They are our own because output has to wait for
//! a slow frontend: sockets that send to subscribers elsewhere drop what does not fit in a queue, or let it grow.

mod answers;
mod connection;
mod history;
pub mod message;
mod program;
mod sockets;
mod streams;
pub mod zmtp;

use crate::Host;
use crate::formats::Data;
use crate::repl;
use anyhow::Context;
use connection::{Connection, SOCKETS};
use message::{Header, Request, Wire, map, text};
pub use program::PACKAGE;
use program::Program;
use sockets::{Socket, lock};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use streams::Streams;
use zmtp::{Kind, Message};

/// How long a program may take to end when the frontend wants the kernel to.
const ENDING: Duration = Duration::from_secs(2);

/// What the program's thread is told.
enum Event {
    /// A request, and the socket that its answer goes to.
    Request(Request, Arc<Socket>),
    /// To end.
    Shutdown,
}

/// Who asked for what runs, and whether it can be asked for input.
#[derive(Clone)]
struct Asker {
    identity: Vec<u8>,
    header: Arc<Header>,
    answers: bool,
}

/// The frontends, as all threads see them.
struct Frontends {
    wire: Wire,
    sockets: [Arc<Socket>; 5],
    /// Whose request output belongs to.
    asker: Mutex<Option<Asker>>,
    /// Whether a program runs.
    busy: AtomicBool,
}

impl Frontends {
    fn socket(&self, name: &str) -> &Arc<Socket> {
        let at = SOCKETS.iter().position(|s| *s == name).unwrap_or_default();
        &self.sockets[at]
    }

    /// Tells everyone.
    fn publish(&self, kind: &str, parent: Option<&Header>, content: &Data) {
        self.socket("iopub").publish(&self.wire.compose(kind.as_bytes(), kind, parent, content));
    }

    /// Tells everyone about what runs.
    fn publish_now(&self, kind: &str, content: &Data) {
        let asker = lock(&self.asker).clone();
        self.publish(kind, asker.as_ref().map(|a| &*a.header), content);
    }

    fn status(&self, parent: Option<&Header>, state: &str) {
        self.publish("status", parent, &map([("execution_state", text(state))]));
    }

    fn reply(&self, to: &Socket, request: &Request, kind: &str, content: &Data) {
        to.send_to(&request.identity, &self.wire.compose(&request.identity, kind, Some(&request.header), content));
    }

    /// Stops what runs, as Ctrl-C does: its children, too, where the process leads a group of its own.
    fn interrupt(&self) {
        use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group, kill_process};
        if !self.busy.load(SeqCst) {
            return;
        }
        let own = getpid();
        let sent =
            if getpgrp() == own { kill_current_process_group(Signal::INT) } else { kill_process(own, Signal::INT) };
        // it takes signals from itself
        sent.unwrap_or_default();
    }

    /// What comes over the control socket is answered at once, whatever runs.
    fn control(&self, request: Request, queue: &Sender<Event>) {
        let (to, parent) = (self.socket("control"), request.header.clone());
        let kind = parent.kind.as_str();
        // first of all: what follows may wait for a slow frontend
        if kind == "interrupt_request" {
            self.interrupt();
        }
        let ok = ("status", text("ok"));
        let content = match kind {
            "interrupt_request" => map([ok]),
            "shutdown_request" => {
                map([ok, ("restart", request.content.get("restart").cloned().unwrap_or(Data::Bool(false)))])
            }
            "kernel_info_request" => answers::kernel_info(),
            _ => {
                // when the program's thread is gone, so is the process
                let _ = queue.send(Event::Request(request, to.clone()));
                return;
            }
        };
        self.status(Some(&parent), "busy");
        self.reply(to, &request, &kind.replace("_request", "_reply"), &content);
        self.status(Some(&parent), "idle");
        if kind == "shutdown_request" {
            let _ = queue.send(Event::Shutdown);
            self.interrupt();
            // a program that does not stop is not waited for
            thread::spawn(|| {
                thread::sleep(ENDING);
                std::process::exit(0);
            });
        }
    }

    /// Waits until everything is sent.
    fn drain(&self) {
        for socket in &self.sockets {
            socket.drain(Duration::from_secs(1));
        }
    }
}

/// Binds the sockets; what comes in goes to the queue, input to the second one.
fn connect(at: &Connection, queue: &Sender<Event>, inputs: Sender<Data>) -> anyhow::Result<Arc<Frontends>> {
    let kinds = [Kind::Router, Kind::Router, Kind::Router, Kind::Publisher, Kind::Reply];
    let sockets = kinds.map(Socket::new);
    let frontends = Arc::new(Frontends {
        wire: Wire::new(at.key.clone()),
        sockets,
        asker: Mutex::new(None),
        busy: AtomicBool::new(false),
    });
    let listeners = (0..SOCKETS.len()).map(|i| at.listen(i)).collect::<anyhow::Result<Vec<_>>>()?;
    for (i, listener) in listeners.into_iter().enumerate() {
        let (f, queue, inputs) = (frontends.clone(), queue.clone(), inputs.clone());
        frontends.sockets[i].serve(listener, move |identity: &[u8], message: Message| {
            let request = match f.wire.parse(identity, &message) {
                Ok(request) => request,
                Err(why) => return tracing::warn!("kernel: a message at {} with {why}", SOCKETS[i]),
            };
            // when the program's thread is gone, so is the process: nothing is lost that could be sent
            match SOCKETS[i] {
                "control" => f.control(request, &queue),
                "stdin" if request.header.kind == "input_reply" => drop(inputs.send(request.content)),
                "stdin" => {}
                _ => drop(queue.send(Event::Request(request, f.sockets[i].clone()))),
            }
        });
    }
    Ok(frontends)
}

/// Ends the process when the one that started it is gone, if it asked for that.
fn watch_parent() {
    if std::env::var_os("JPY_PARENT_PID").is_none() {
        return;
    }
    let parent = std::os::unix::process::parent_id();
    thread::spawn(move || {
        while std::os::unix::process::parent_id() == parent {
            thread::sleep(Duration::from_secs(1));
        }
        std::process::exit(1);
    });
}

/// Runs `th kernel` with what stands behind it: makes Jupyter know the program, or is a kernel until a frontend ends it.
///
/// # Errors
/// Options and connection files that are wrong, sockets that cannot be had.
pub fn run(host: &Host, args: &[mlua::BString]) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("th kernel: where this program lies is unknown")?;
    let given = (args.to_vec(), crate::host::text(program.as_os_str()));
    let (why, file): (Option<mlua::LuaString>, Option<mlua::BString>) = host.call("kernel", given)?;
    if let Some(why) = why {
        anyhow::bail!("{}", why.to_string_lossy());
    }
    let Some(file) = file else { return Ok(()) };
    let path = String::from_utf8_lossy(&file).into_owned();
    serve(host, Path::new(&path)).context("th kernel")
}

fn serve(host: &Host, path: &Path) -> anyhow::Result<()> {
    let at = Connection::read(path)?;
    let (queue, requests) = channel();
    let (inputs, replies) = channel();
    let frontends = connect(&at, &queue, inputs)?;
    let out = frontends.clone();
    let streams = Streams::redirect(move |name, what| {
        out.publish_now("stream", &map([("name", text(name)), ("text", text(what))]));
    })
    .context("cannot redirect the output")?;
    let streams = Arc::new(streams);
    repl::watch_interrupts(host)?;
    watch_parent();
    let served = attend(host, &frontends, &streams, requests, replies);
    streams.sync();
    frontends.drain();
    streams.restore();
    served
}

fn attend(
    host: &Host,
    frontends: &Arc<Frontends>,
    streams: &Arc<Streams>,
    requests: Receiver<Event>,
    replies: Receiver<Data>,
) -> anyhow::Result<()> {
    host.call::<()>("unbuffered", ())?;
    Program { frontends: frontends.clone(), streams: streams.clone(), replies }.begin();
    host.offer(&PACKAGE)?;
    let startup = repl::startup_file().map(|f| crate::host::text(f.as_os_str()));
    if let Err(e) = host.run("notebook", startup) {
        eprintln!("{e:#}");
    }
    frontends.status(None, "starting");
    answers::Answers::new(host, frontends, streams, requests).run()
}
