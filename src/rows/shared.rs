//! Packages tds and threads: objects that several Lua states see.

use super::ipc::{Parcel, Table};
use crate::lua::call::{IntoOne, Val, held};
use crate::lua::prelude::*;
use crate::shared::socket::Connection;
use crate::shared::{self, Condition, Counter, Gate, Hash, Key, List, Mailbox, Mutex, Queue, Running, Value};
use std::time::Duration;

objects! {
    Hash: "tds.Hash", "Hash";
    List: "tds.Vec", "Vec";
    Counter: "tds.AtomicCounter", "AtomicCounter";
    Mutex: "threads.Mutex", "Mutex";
    Condition: "threads.Condition", "Condition";
    Queue: "threads.Channel", "Channel";
    Running: "threads.Thread", "Thread";
}

/// An argument as a value outside of Lua.
pub(super) fn hash_value(v: Val) -> Result<Value> {
    Ok(match v {
        Val::Nil => Value::Nil,
        Val::Bool(b) => Value::Bool(b),
        Val::Num(n) => Value::Num(n),
        Val::Str(t) => Value::Text(t.into()),
        Val::Tensor(t) => Value::of_tensor(t)?,
        Val::Storage(s) => Value::Storage(crate::tensor::storage::Crossing::new(s)?),
        v => {
            if let Some(Ok(h)) = held::<Hash>(&v) {
                return Ok(Value::Hash(h.clone()));
            }
            if let Some(Ok(l)) = held::<List>(&v) {
                return Ok(Value::List(l.clone()));
            }
            if let Some(Ok(c)) = held::<Counter>(&v) {
                return Ok(Value::Counter(c.clone()));
            }
            if let Some(Ok(q)) = held::<Queue>(&v) {
                return Ok(Value::Queue(q.clone()));
            }
            if let Some(Ok(m)) = held::<Mailbox>(&v) {
                return Ok(Value::Mailbox(m.clone()));
            }
            if let Some(Ok(g)) = held::<Gate>(&v) {
                return Ok(Value::Gate(g.clone()));
            }
            if let Some(Ok(c)) = held::<Connection>(&v) {
                return Ok(Value::Connection(c.clone()));
            }
            if let Some(Ok(t)) = held::<Table>(&v) {
                return Ok(Value::Table(t.0.clone()));
            }
            if let Some(Ok(p)) = held::<Parcel>(&v) {
                return Ok(Value::Parcel(p.0.clone()));
            }
            refuse!("expected a number, a string, a boolean, a tensor, a storage or an object of tds")
        }
    })
}

impl IntoOne for Value {
    fn one(self) -> Ret {
        match self {
            Value::Nil => Ret::Nil,
            Value::Bool(b) => Ret::Bool(b),
            Value::Num(n) => Ret::Num(n),
            Value::Text(t) => Ret::Str(t.to_vec()),
            Value::Tensor(class, parts) => Ret::Tensor(Value::tensor(class, parts)),
            Value::Storage(s) => Ret::Storage(s.arrive()),
            Value::Hash(h) => h.one(),
            Value::List(l) => l.one(),
            Value::Counter(c) => c.one(),
            Value::Queue(q) => q.one(),
            Value::Mailbox(m) => m.one(),
            Value::Gate(g) => g.one(),
            Value::Connection(c) => c.one(),
            Value::Table(h) => Table(h).one(),
            Value::Parcel(l) => Parcel(l).one(),
        }
    }
}

/// An argument as a key.
pub(super) fn hash_key(v: Val) -> Result<Key> {
    match v {
        Val::Num(n) => Key::number(n).ok_or_else(|| Error::invalid("a key is nan")),
        Val::Str(t) => Ok(Key::Text(t.into())),
        _ => refuse!("expected a number or a string as key"),
    }
}

fn new_hash() -> Result<Hash> {
    Ok(Hash::default())
}
fn new_list() -> Result<List> {
    Ok(List::default())
}
fn new_counter() -> Result<Counter> {
    Ok(Counter::default())
}

/// Makers of objects.
pub static CONSTRUCTORS: &[Op] = &[
    func!("Hash", &[form("", any!(new_hash))]),
    func!("Vec", &[form("", any!(new_list))]),
    func!("AtomicCounter", &[form("", any!(new_counter))]),
];

fn hash_len(h: &Hash) -> Result<usize> {
    Ok(h.len())
}
fn hash_get(h: &Hash, k: Val) -> Result<Ret> {
    // nothing can be kept under nan, and whoever looks there finds nothing, as in a table
    let found = match k {
        Val::Num(n) if n.is_nan() => Value::Nil,
        k => h.get(&hash_key(k)?),
    };
    Ok(found.one())
}
fn hash_set(h: &Hash, k: Val, v: Val) -> Result<()> {
    h.set(hash_key(k)?, hash_value(v)?);
    Ok(())
}
/// The first pair from a place on, and the place after it.
fn hash_next(h: &Hash, from: f64) -> Result<Option<Vec<Ret>>> {
    Ok(h.next(from as usize).map(|(next, k, v)| vec![next.one(), k.value().one(), v.one()]))
}
fn hash_id(h: &Hash) -> Result<usize> {
    Ok(h.id())
}

/// Methods of tds.Hash.
pub static HASH: &[Op] = &[
    func!("len", &[form("h:object.Hash", any!(hash_len))]),
    func!("get", &[form("h:object.Hash key:value", any!(hash_get))]),
    func!("set", &[form("h:object.Hash key:value value:value=nil", any!(hash_set))]),
    func!("following", &[form("h:object.Hash from:num", any!(hash_next))]),
    func!("id", &[form("h:object.Hash", any!(hash_id))]),
];

/// A place of Lua's, from 1.
fn place(i: f64) -> Result<usize> {
    demand!((1.0..1e15).contains(&i), "expected a positive index, got {i}");
    Ok(i as usize - 1)
}
fn list_len(l: &List) -> Result<usize> {
    Ok(l.len())
}
fn list_get(l: &List, i: f64) -> Result<Ret> {
    Ok(place(i).map_or(Value::Nil, |i| l.get(i)).one())
}
fn list_set(l: &List, i: f64, v: Val) -> Result<()> {
    let i = place(i)?;
    crate::tensor::storage::enough::<Value>(i.saturating_sub(l.len()))?;
    l.set(i, hash_value(v)?);
    Ok(())
}
fn list_resize(l: &List, n: f64) -> Result<()> {
    demand!((0.0..1e15).contains(&n), "expected a size, got {n}");
    crate::tensor::storage::enough::<Value>((n as usize).saturating_sub(l.len()))?;
    l.resize(n as usize);
    Ok(())
}
fn list_insert(l: &List, i: f64, v: Val) -> Result<()> {
    let i = place(i)?;
    crate::tensor::storage::enough::<Value>(i.saturating_sub(l.len()))?;
    l.insert(i, hash_value(v)?);
    Ok(())
}
fn list_remove(l: &List, i: f64) -> Result<bool> {
    Ok(place(i).is_ok_and(|i| l.remove(i)))
}
fn list_id(l: &List) -> Result<usize> {
    Ok(l.id())
}

/// Methods of tds.Vec.
pub static VEC: &[Op] = &[
    func!("len", &[form("l:object.Vec", any!(list_len))]),
    func!("get", &[form("l:object.Vec index:num", any!(list_get))]),
    func!("set", &[form("l:object.Vec index:num value:value=nil", any!(list_set))]),
    func!("resize", &[form("l:object.Vec size:num", any!(list_resize))]),
    func!("insert", &[form("l:object.Vec index:num value:value=nil", any!(list_insert))]),
    func!("remove", &[form("l:object.Vec index:num", any!(list_remove))]),
    func!("id", &[form("l:object.Vec", any!(list_id))]),
];

fn counter_get(c: &Counter) -> Result<i64> {
    Ok(c.get())
}
fn counter_set(c: &Counter, v: i64) -> Result<()> {
    c.set(v);
    Ok(())
}
fn counter_add(c: &Counter, v: i64) -> Result<i64> {
    Ok(c.add(v))
}
fn counter_id(c: &Counter) -> Result<usize> {
    Ok(c.id())
}

/// Methods of tds.AtomicCounter.
pub static COUNTER: &[Op] = &[
    func!("get", &[form("c:object.AtomicCounter", any!(counter_get))]),
    func!("set", &[form("c:object.AtomicCounter value:long", any!(counter_set))]),
    func!("add", &[form("c:object.AtomicCounter value:long", any!(counter_add))]),
    func!("id", &[form("c:object.AtomicCounter", any!(counter_id))]),
];

// ---- threads ----

/// How long a wait may be: a program looks in between whether it was interrupted.
pub(super) fn patience(milliseconds: f64) -> Duration {
    Duration::from_millis(milliseconds.clamp(0.0, 1e7) as u64)
}
/// Keeps a value for another state; its number.
fn park(v: Val) -> Result<f64> {
    Ok(shared::park(hash_value(v)?) as f64)
}
fn claim(id: f64) -> Result<Ret> {
    let v = shared::claim(id as u64);
    Ok(v.ok_or_else(|| Error::invalid("what was sent from another thread can be received once alone"))?.one())
}
fn new_mutex() -> Result<Mutex> {
    Ok(Mutex::new())
}
fn known_mutex(id: f64) -> Result<Mutex> {
    Mutex::with_id(id as usize).ok_or_else(|| Error::invalid(format!("there is no mutex with number {id}")))
}
fn new_condition() -> Result<Condition> {
    Ok(Condition::new())
}
fn known_condition(id: f64) -> Result<Condition> {
    Condition::with_id(id as usize).ok_or_else(|| Error::invalid(format!("there is no condition with number {id}")))
}
fn new_channel(room: f64) -> Result<Queue> {
    Ok(Queue::new(room.clamp(1.0, 1e9) as usize))
}
fn start(code: &[u8]) -> Result<Running> {
    shared::start(code).map_err(Error::invalid)
}

/// Functions of package threads.
pub static THREADS: &[Op] = &[
    func!("park", &[form("value:value", any!(park))]),
    func!("claim", &[form("number:num", any!(claim))]),
    func!("Mutex", &[form("", any!(new_mutex)), form("id:num", any!(known_mutex))]),
    func!("Condition", &[form("", any!(new_condition)), form("id:num", any!(known_condition))]),
    func!("Channel", &[form("room:num", any!(new_channel))]),
    func!("Thread", &[form("code:str", any!(start))]),
];

fn lock(m: &Mutex, milliseconds: f64) -> Result<bool> {
    Ok(m.lock(patience(milliseconds)))
}
fn unlock(m: &Mutex) -> Result<()> {
    m.unlock();
    Ok(())
}
fn mutex_id(m: &Mutex) -> Result<usize> {
    Ok(m.id())
}

/// Methods of threads.Mutex.
pub static MUTEX: &[Op] = &[
    func!("take", &[form("m:object.Mutex milliseconds:num", any!(lock))]),
    func!("unlock", &[form("m:object.Mutex", any!(unlock))]),
    func!("id", &[form("m:object.Mutex", any!(mutex_id))]),
];

fn wait(c: &Condition, m: &Mutex, again: bool, milliseconds: f64) -> Result<bool> {
    Ok(c.wait(m, again, patience(milliseconds)))
}
fn signal(c: &Condition) -> Result<()> {
    c.signal();
    Ok(())
}
fn condition_id(c: &Condition) -> Result<usize> {
    Ok(c.id())
}

/// Methods of threads.Condition.
pub static CONDITION: &[Op] = &[
    func!("await", &[form("c:object.Condition m:object.Mutex again:bool milliseconds:num", any!(wait))]),
    func!("signal", &[form("c:object.Condition", any!(signal))]),
    func!("id", &[form("c:object.Condition", any!(condition_id))]),
];

fn push(q: &Queue, text: &[u8], milliseconds: f64) -> Result<bool> {
    Ok(q.push(text, patience(milliseconds)))
}
fn pop(q: &Queue, milliseconds: f64) -> Result<Option<Vec<u8>>> {
    Ok(q.pop(patience(milliseconds)))
}
fn queue_len(q: &Queue) -> Result<usize> {
    Ok(q.len())
}
fn queue_room(q: &Queue) -> Result<usize> {
    Ok(q.room())
}

/// Methods of threads.Channel.
pub static CHANNEL: &[Op] = &[
    func!("push", &[form("q:object.Channel text:str milliseconds:num", any!(push))]),
    func!("pop", &[form("q:object.Channel milliseconds:num", any!(pop))]),
    func!("len", &[form("q:object.Channel", any!(queue_len))]),
    func!("room", &[form("q:object.Channel", any!(queue_room))]),
];

fn join(t: &Running) -> Result<Option<String>> {
    Ok(t.join())
}
fn has_ended(t: &Running) -> Result<bool> {
    Ok(t.has_ended())
}

/// Methods of threads.Thread.
pub static THREAD: &[Op] = &[
    func!("join", &[form("t:object.Thread", any!(join))]),
    func!("ended", &[form("t:object.Thread", any!(has_ended))]),
];
