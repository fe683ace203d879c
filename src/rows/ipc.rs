//! Package ipc: mailboxes, gates and tables of threads, connections, processes.

use super::shared::{hash_key, hash_value, patience};
use crate::lua::call::{IntoOne, Val};
use crate::lua::prelude::*;
use crate::shared::socket::{Connection, Head, Listener, Outcome};
use crate::shared::{Gate, Hash, Key, List, Mailbox, State, Value};
use crate::system::process::{LockedFile, Process, Signal};
use crate::tensor::interruption;
use crate::tensor::ops::copy;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Pairs that look like a table to Lua.
#[derive(Default)]
pub struct Table(pub Hash);
/// An object as a text, and what it holds that is not copied.
#[derive(Default)]
pub struct Parcel(pub List);
/// A process that was started; none where it could not be.
#[derive(Default)]
pub struct Running(RefCell<Option<Process>>);
/// A locked file; none once it was closed.
#[derive(Default)]
pub struct Locked(RefCell<Option<LockedFile>>);

objects! {
    Mailbox: "ipc.channel", "Mailbox";
    Gate: "ipc.mutex", "Gate";
    Table: "ipc.sharedtable", "Table";
    Parcel: "ipc.marshal", "Parcel";
    Connection: "ipc.connection", "Connection";
    Listener: "ipc.listener", "Listener";
    Running: "ipc.process", "Process";
    Locked: "ipc.flock", "Locked";
}

// ---- mailboxes, gates, parcels, tables ----

fn mailbox() -> Result<Mailbox> {
    Ok(Mailbox::default())
}
/// Two mailboxes by a name, and whether they are new.
fn pair(name: &[u8]) -> Result<Rets> {
    let ([first, second], new) = Mailbox::pair(name);
    Ok(Rets::Values(vec![first.one(), second.one(), Ret::Bool(new)]))
}
fn gate() -> Result<Gate> {
    Ok(Gate::default())
}
fn table() -> Result<Table> {
    Ok(Table(Hash::default()))
}
fn parcel(text: &[u8]) -> Result<Parcel> {
    let list = List::default();
    list.set(0, Value::Text(text.into()));
    Ok(Parcel(list))
}
/// A number that no other Lua state has.
fn identity() -> Result<f64> {
    static LAST: AtomicU64 = AtomicU64::new(0);
    Ok(LAST.fetch_add(1, Relaxed) as f64 + 1.0)
}
fn number_of(state: State) -> f64 {
    match state {
        State::Open => 0.0,
        State::Closed => 1.0,
        State::Drained => 2.0,
    }
}

fn put(p: &Parcel, v: Val) -> Result<usize> {
    let v = hash_value(v)?;
    let at = p.0.len();
    p.0.set(at, v);
    Ok(at)
}
fn put_text(p: &Parcel, text: &[u8]) -> Result<()> {
    p.0.set(0, Value::Text(text.into()));
    Ok(())
}
fn take(p: &Parcel, i: f64) -> Result<Ret> {
    demand!((0.0..1e15).contains(&i), "expected a place, got {i}");
    Ok(p.0.get(i as usize).one())
}

/// Methods of parcels.
pub static PARCEL: &[Op] = &[
    func!("put", &[form("p:object.Parcel value:value", any!(put))]),
    func!("text", &[form("p:object.Parcel text:str", any!(put_text))]),
    func!("take", &[form("p:object.Parcel place:num", any!(take))]),
];

fn write(m: &Mailbox, p: &Parcel) -> Result<f64> {
    Ok(number_of(m.write(Value::Parcel(p.0.clone()))))
}
/// The state, and what was taken.
fn read(m: &Mailbox, milliseconds: f64, again: bool) -> Result<Rets> {
    let (value, state) = m.read(patience(milliseconds), again);
    Ok(Rets::Values(vec![number_of(state).one(), value.map_or(Ret::Nil, Value::one)]))
}
fn mailbox_len(m: &Mailbox) -> Result<usize> {
    Ok(m.len())
}
fn close(m: &Mailbox) -> Result<()> {
    m.close();
    Ok(())
}
fn state(m: &Mailbox) -> Result<f64> {
    Ok(number_of(m.state()))
}
fn quiet(m: &Mailbox, milliseconds: f64) -> Result<bool> {
    Ok(m.is_quiet(patience(milliseconds)))
}

/// Methods of mailboxes.
pub static MAILBOX: &[Op] = &[
    func!("write", &[form("m:object.Mailbox parcel:object.Parcel", any!(write))]),
    func!("read", &[form("m:object.Mailbox milliseconds:num again:bool=false", any!(read))]),
    func!("len", &[form("m:object.Mailbox", any!(mailbox_len))]),
    func!("close", &[form("m:object.Mailbox", any!(close))]),
    func!("state", &[form("m:object.Mailbox", any!(state))]),
    func!("quiet", &[form("m:object.Mailbox milliseconds:num", any!(quiet))]),
];

fn lock(g: &Gate, milliseconds: f64) -> Result<bool> {
    Ok(g.lock(patience(milliseconds)))
}
fn unlock(g: &Gate) -> Result<()> {
    g.unlock();
    Ok(())
}
fn arrive(g: &Gate, threads: f64) -> Result<usize> {
    demand!(threads >= 1.0, "expected a number of threads from 1 on, got {threads}");
    Ok(g.arrive(threads as usize))
}
fn passed(g: &Gate, round: f64, milliseconds: f64) -> Result<bool> {
    Ok(g.has_passed(round as usize, patience(milliseconds)))
}

/// Methods of gates.
pub static GATE: &[Op] = &[
    func!("lock", &[form("g:object.Gate milliseconds:num", any!(lock))]),
    func!("unlock", &[form("g:object.Gate", any!(unlock))]),
    func!("arrive", &[form("g:object.Gate threads:num", any!(arrive))]),
    func!("passed", &[form("g:object.Gate round:num milliseconds:num", any!(passed))]),
];

fn table_get(t: &Table, k: Val) -> Result<Ret> {
    Ok(t.0.get(&hash_key(k)?).one())
}
fn table_set(t: &Table, k: Val, v: Val) -> Result<()> {
    t.0.set(hash_key(k)?, hash_value(v)?);
    Ok(())
}
/// How many entries there are from 1 on without a gap.
fn table_len(t: &Table) -> Result<usize> {
    let is_there = |i: &usize| Key::number(*i as f64).is_some_and(|k| !matches!(t.0.get(&k), Value::Nil));
    Ok((1..).take_while(is_there).count())
}
fn table_next(t: &Table, from: f64) -> Result<Option<Vec<Ret>>> {
    Ok(t.0.next(from as usize).map(|(next, k, v)| vec![next.one(), k.value().one(), v.one()]))
}
/// About how many bytes its entries take.
fn table_size(t: &Table) -> Result<usize> {
    let (mut at, mut bytes) = (0, 0);
    while let Some((next, _, v)) = t.0.next(at) {
        at = next;
        bytes += 32;
        if let Value::Parcel(list) = v
            && let Value::Text(text) = list.get(0)
        {
            bytes += text.len();
        }
    }
    Ok(bytes)
}

/// Methods of tables.
pub static TABLE: &[Op] = &[
    func!("get", &[form("t:object.Table key:value", any!(table_get))]),
    func!("set", &[form("t:object.Table key:value value:value=nil", any!(table_set))]),
    func!("len", &[form("t:object.Table", any!(table_len))]),
    func!("following", &[form("t:object.Table from:num", any!(table_next))]),
    func!("size", &[form("t:object.Table", any!(table_size))]),
];

// ---- connections ----

fn told<T>(outcome: Outcome<T>) -> Result<T> {
    outcome.map_err(Error::invalid)
}
/// Whether a wait should go on.
fn go_on() -> Outcome<()> {
    interruption::check().map_err(|e| e.to_string())
}
fn port_of(port: f64) -> Result<u16> {
    demand!((0.0..65536.0).contains(&port), "expected a port from 0 to 65535, got {port}");
    Ok(port as u16)
}

fn listen(host: &str, port: f64) -> Result<Rets> {
    let (listener, port) = told(Listener::at(host, port_of(port)?))?;
    Ok(Rets::Values(vec![listener.one(), i64::from(port).one()]))
}
fn connect(host: &str, port: f64, seconds: f64) -> Result<Connection> {
    let within = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4);
    told(Connection::to(host, port_of(port)?, within.min(Duration::from_secs(1 << 30)), &go_on))
}
fn accept(l: &Listener) -> Result<Connection> {
    told(l.accept(&go_on))
}
fn stop_listening(l: &Listener) -> Result<()> {
    l.close();
    Ok(())
}

/// Methods of what listens.
pub static LISTENER: &[Op] = &[
    func!("accept", &[form("l:object.Listener", any!(accept))]),
    func!("close", &[form("l:object.Listener", any!(stop_listening))]),
];

const TEXT: u8 = 0;
const TENSOR: u8 = 1;
const STORAGE: u8 = 2;

fn send_text(c: &Connection, text: &[u8]) -> Result<()> {
    told(c.send(&Head { kind: TEXT, ..Head::default() }, text, &go_on))
}
fn send_tensor(c: &Connection, x: &Tensor) -> Result<()> {
    let x = &if x.is_contiguous() { x.clone() } else { copy::clone(x)? };
    let sizes = x.layout().sizes().iter().map(|&n| n as u64).collect();
    let head = Head { kind: TENSOR, dtype: x.dtype().index() as u8, sizes, bytes: 0 };
    match x.storage() {
        Some(s) => told(s.lend_bytes(x.layout().offset, x.numel(), |bytes| c.send(&head, bytes, &go_on))?),
        None => told(c.send(&head, &[], &go_on)),
    }
}
fn send_storage(c: &Connection, s: &Storage) -> Result<()> {
    let head = Head { kind: STORAGE, dtype: s.dtype().index() as u8, sizes: vec![s.len() as u64], bytes: 0 };
    told(s.lend_bytes(0, s.len(), |bytes| c.send(&head, bytes, &go_on))?)
}
/// What comes next: its kind, the name of its element type and its sizes.
fn head(c: &Connection) -> Result<Rets> {
    let head = told(c.head(&go_on))?;
    let kind = match head.kind {
        TEXT => "text",
        TENSOR => "tensor",
        STORAGE => "storage",
        _ => refuse!("what came is no message of this package"),
    };
    let name = DType::ALL.iter().find(|d| d.index() == usize::from(head.dtype)).map_or("", |d| d.name());
    let sizes = head.sizes.iter().map(|&n| Ret::Num(n as f64)).collect();
    Ok(Rets::Values(vec![kind.to_string().one(), name.to_string().one(), Ret::List(sizes)]))
}
fn text(c: &Connection) -> Result<Vec<u8>> {
    let n = told(c.head(&go_on))?.bytes;
    let n = usize::try_from(n).map_err(|_| Error::invalid("a message that no memory holds"))?;
    let mut bytes = crate::tensor::storage::room::<u8>(n)?;
    bytes.resize(n, 0);
    told(c.body(&mut bytes, &go_on))?;
    Ok(bytes)
}
/// Reads the elements that come into a storage.
fn body_into(c: &Connection, s: &Storage, from: usize, n: usize) -> Result<()> {
    told(s.fill_bytes(from, n, |bytes| c.body(bytes, &go_on))?)
}
/// Reads a tensor that comes into one of this type and as many elements.
fn into_tensor(c: &Connection, x: &Tensor) -> Result<()> {
    let head = told(c.head(&go_on))?;
    let fits = usize::from(head.dtype) == x.dtype().index() && head.bytes == (x.numel() * x.dtype().size()) as u64;
    demand!(fits, "a tensor of {} bytes of another type or size came", head.bytes);
    let whole = if x.is_contiguous() { x.clone() } else { Tensor::new(x.class(), x.layout().sizes())? };
    if let Some(s) = whole.storage() {
        body_into(c, &s, whole.layout().offset, whole.numel())?;
    } else {
        told(c.skip(&go_on))?;
    }
    if x.is_contiguous() { Ok(()) } else { copy::copy(x, &whole) }
}
fn into_storage(c: &Connection, s: &Storage) -> Result<()> {
    let head = told(c.head(&go_on))?;
    let fits = usize::from(head.dtype) == s.dtype().index() && head.bytes == (s.len() * s.dtype().size()) as u64;
    demand!(fits, "a storage of {} bytes of another type or size came", head.bytes);
    body_into(c, s, 0, s.len())
}
fn skip(c: &Connection) -> Result<()> {
    told(c.skip(&go_on))
}
fn ready(c: &Connection) -> Result<bool> {
    Ok(c.is_ready())
}
fn hang_up(c: &Connection) -> Result<()> {
    c.close();
    Ok(())
}
/// Messages and bytes sent and received.
fn traffic(c: &Connection) -> Result<Vec<f64>> {
    let t = c.traffic();
    Ok([t.sent, t.received].concat().into_iter().map(|n| n as f64).collect())
}

/// Methods of connections.
pub static CONNECTION: &[Op] = &[
    func!("sendText", &[form("c:object.Connection text:str", any!(send_text))]),
    func!("sendTensor", &[form("c:object.Connection tensor:tensor", any!(send_tensor))]),
    func!("sendStorage", &[form("c:object.Connection storage:storage", any!(send_storage))]),
    func!("head", &[form("c:object.Connection", any!(head))]),
    func!("text", &[form("c:object.Connection", any!(text))]),
    func!("intoTensor", &[form("c:object.Connection tensor:tensor", any!(into_tensor))]),
    func!("intoStorage", &[form("c:object.Connection storage:storage", any!(into_storage))]),
    func!("skip", &[form("c:object.Connection", any!(skip))]),
    func!("ready", &[form("c:object.Connection", any!(ready))]),
    func!("close", &[form("c:object.Connection", any!(hang_up))]),
    func!("traffic", &[form("c:object.Connection", any!(traffic))]),
];

// ---- processes and files ----

fn spawn(file: &str, args: &str, environment: Option<&str>) -> Result<Running> {
    // lists come as texts with a NUL after each entry
    let list = |text: &str| text.split_terminator('\0').map(String::from).collect::<Vec<_>>();
    let environment = environment.map(list);
    match Process::start(file.to_string(), &list(args), environment.as_deref()) {
        Ok(process) => Ok(Running(RefCell::new(Some(process)))),
        Err(e) => refuse!("cannot start '{file}': {e}"),
    }
}
fn failed(e: std::io::Error) -> Error {
    Error::invalid(e.to_string())
}
fn with_process<R>(p: &Running, f: impl FnOnce(&mut Process) -> std::io::Result<R>) -> Result<R> {
    match &mut *p.0.borrow_mut() {
        Some(process) => f(process).map_err(failed),
        None => refuse!("there is no process"),
    }
}
fn pid(p: &Running) -> Result<i64> {
    with_process(p, |p| Ok(i64::from(p.id())))
}
fn stdin(p: &Running, text: &[u8]) -> Result<()> {
    with_process(p, |p| p.write(text))
}
fn end_input(p: &Running) -> Result<()> {
    with_process(p, |p| {
        p.end_input();
        Ok(())
    })
}
fn line(p: &Running) -> Result<Option<Vec<u8>>> {
    with_process(p, Process::line)
}
fn output(p: &Running, most: f64) -> Result<Option<Vec<u8>>> {
    with_process(p, |p| p.read(most.clamp(0.0, 1e15) as usize))
}
fn ended(p: &Running) -> Result<bool> {
    with_process(p, Process::has_ended)
}
fn code(p: &Running) -> Result<Option<i64>> {
    with_process(p, |p| Ok(p.code().map(i64::from)))
}
fn signal(p: &Running, name: &str) -> Result<()> {
    let signal = match name {
        "TERM" => Signal::Terminate,
        "KILL" => Signal::Kill,
        _ => refuse!("expected 'TERM' or 'KILL' as signal, got '{name}'"),
    };
    with_process(p, |p| p.signal(signal))
}

/// Methods of processes.
pub static PROCESS: &[Op] = &[
    func!("pid", &[form("p:object.Process", any!(pid))]),
    func!("stdin", &[form("p:object.Process text:text", any!(stdin))]),
    func!("endInput", &[form("p:object.Process", any!(end_input))]),
    func!("line", &[form("p:object.Process", any!(line))]),
    func!("output", &[form("p:object.Process most:num", any!(output))]),
    func!("ended", &[form("p:object.Process", any!(ended))]),
    func!("code", &[form("p:object.Process", any!(code))]),
    func!("signal", &[form("p:object.Process name:str", any!(signal))]),
];

fn locked(path: &str) -> Result<Option<Locked>> {
    match LockedFile::open(path) {
        Ok(file) => Ok(file.map(|f| Locked(RefCell::new(Some(f))))),
        Err(e) => refuse!("cannot lock <{path}>: {e}"),
    }
}
fn with_file<R>(l: &Locked, f: impl FnOnce(&mut LockedFile) -> std::io::Result<R>) -> Result<R> {
    match &mut *l.0.borrow_mut() {
        Some(file) => f(file).map_err(failed),
        None => refuse!("the file is closed"),
    }
}
fn read_file(l: &Locked) -> Result<Vec<u8>> {
    with_file(l, LockedFile::read)
}
fn write_file(l: &Locked, text: &[u8]) -> Result<()> {
    with_file(l, |file| file.write(text))
}
fn close_file(l: &Locked) -> Result<()> {
    l.0.replace(None);
    Ok(())
}

/// Methods of locked files.
pub static LOCKED: &[Op] = &[
    func!("read", &[form("f:object.Locked", any!(read_file))]),
    func!("write", &[form("f:object.Locked text:text", any!(write_file))]),
    func!("close", &[form("f:object.Locked", any!(close_file))]),
];

fn getpid() -> Result<i64> {
    Ok(i64::from(std::process::id()))
}
fn getppid() -> Result<i64> {
    #[cfg(unix)]
    return Ok(i64::from(std::os::unix::process::parent_id()));
    #[cfg(not(unix))]
    return getpid();
}

/// Makers of objects, and numbers of processes.
pub static ROWS: &[Op] = &[
    func!("mailbox", &[form("", any!(mailbox))]),
    func!("pair", &[form("name:str", any!(pair))]),
    func!("gate", &[form("", any!(gate))]),
    func!("table", &[form("", any!(table))]),
    func!("parcel", &[form("text:str", any!(parcel))]),
    func!("identity", &[form("", any!(identity))]),
    func!("listen", &[form("host:str port:num", any!(listen))]),
    func!("connect", &[form("host:str port:num seconds:num", any!(connect))]),
    func!("spawn", &[form("file:str args:str environment:str=nil", any!(spawn))]),
    func!("flock", &[form("path:str", any!(locked))]),
    func!("getpid", &[form("", any!(getpid))]),
    func!("getppid", &[form("", any!(getppid))]),
];
