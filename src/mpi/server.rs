//! Parts of tensors that processes keep for each other: each process of a group has one part of every such tensor, a shard, and
//! serves it to the others, whatever the program does meanwhile.
//!
//! A thread of its own does both sides: it asks the others for what the program wants, and answers what they ask. A request is one
//! message, four words and the elements that go with it; the answer comes under a tag that the request names.

use super::progress::{Delivery, Event, Handle, Operation};
use super::raw::{Comm, Level, Library, Outcome, Pending};
use super::{Group, World};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::class::TensorClass;
use crate::tensor::dtype::{DType, Real};
use crate::tensor::error::{Error, Result};
use crate::tensor::ops::arithmetic::add_scaled;
use crate::{demand, refuse};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a shard does with elements that it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing.
    None,
    /// It becomes zero.
    Zero,
    /// It takes them.
    Copy,
    /// It adds them.
    Add,
}

impl Rule {
    const ALL: [(&'static str, Rule); 4] =
        [("none", Rule::None), ("zero", Rule::Zero), ("copy", Rule::Copy), ("add", Rule::Add)];

    /// The rule of this name.
    ///
    /// # Errors
    /// No such rule.
    pub fn named(name: &str) -> Result<Rule> {
        match Rule::ALL.iter().find(|(n, _)| *n == name) {
            Some((_, rule)) => Ok(*rule),
            None => refuse!("expected 'none', 'zero', 'copy' or 'add' as rule, got '{name}'"),
        }
    }
}

/// The tag of requests.
const REQUEST: u16 = 1;
/// Tags of answers: from here on, in turn.
const ANSWERS: std::ops::Range<u16> = 16..16_000;
/// Bytes before the elements of a request.
const HEAD: usize = 32;
/// What a request wants, in its head: the shard, or one of the rules by number.
const FETCH: u64 = 255;

type Add = fn(&Tensor, &Tensor) -> Result<()>;

/// A part of a tensor. Its thread made it, and nobody else reaches it.
struct Shard {
    part: Tensor,
    add: Add,
}

impl Shard {
    fn bytes(&self) -> Outcome<Vec<u8>> {
        let Some(storage) = self.part.storage() else { return Ok(vec![]) };
        let mut bytes = vec![0; self.part.numel() * storage.dtype().size()];
        storage.read_bytes(0, &mut bytes).map_err(|e| e.to_string())?;
        Ok(bytes)
    }

    fn apply(&self, rule: u64, bytes: &[u8]) -> Outcome<()> {
        let Some(storage) = self.part.storage() else { return Ok(()) };
        let done = match Rule::ALL.get(rule as usize).map(|(_, rule)| *rule) {
            Some(Rule::Zero) => storage.write_bytes(0, &vec![0; self.part.numel() * storage.dtype().size()]).map(drop),
            Some(Rule::Copy) => storage.write_bytes(0, bytes).map(drop),
            Some(Rule::Add) => part_of(bytes, storage.class()).and_then(|t| (self.add)(&self.part, &t)),
            _ => Ok(()),
        };
        done.map_err(|e| e.to_string())
    }
}

/// A tensor of these bytes.
fn part_of(bytes: &[u8], class: TensorClass) -> Result<Tensor> {
    let part = Tensor::new(class, &[bytes.len() / class.dtype.size()])?;
    if let Some(storage) = part.storage() {
        storage.write_bytes(0, bytes)?;
    }
    Ok(part)
}

/// Answers that come in, and how many are missing.
struct Answers {
    parts: Mutex<(Vec<Vec<u8>>, usize)>,
    over: Arc<Event>,
}

impl Answers {
    fn arrive(&self, i: usize, answer: Outcome<Vec<u8>>) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.1 -= 1;
        match answer {
            Ok(bytes) => parts.0[i] = bytes,
            Err(why) => self.over.happen(Err(why)),
        }
        if parts.1 == 0 && !self.over.is_over() {
            self.over.happen(Ok(()));
        }
    }
}

/// What the program tells the thread.
enum Order {
    Keep {
        id: u64,
        bytes: Vec<u8>,
        class: TensorClass,
        add: Add,
        comm: Option<Comm>,
        kept: Arc<Event>,
    },
    /// One request for each process of the group, with the elements for it.
    Ask {
        id: u64,
        what: u64,
        parts: Vec<Vec<u8>>,
        comm: Option<Comm>,
        rank: usize,
        answers: Arc<Answers>,
    },
    Free {
        id: u64,
    },
}

struct Thread {
    library: Option<Arc<dyn Library>>,
    orders: Receiver<Order>,
    shards: HashMap<u64, Shard>,
    comms: Vec<Comm>,
    next_tag: u16,
    leaving: Vec<Pending>,
    coming: Vec<(Pending, usize, Comm)>,
    expected: Vec<(Pending, usize, Arc<Answers>)>,
}

impl Thread {
    fn run(mut self) {
        // how many times in a row there was nothing to do
        let mut idle = 0u32;
        loop {
            let quiet = self.leaving.is_empty() && self.coming.is_empty() && self.expected.is_empty();
            let wait = match idle {
                0..16 => Duration::ZERO,
                _ if quiet && self.comms.is_empty() => Duration::from_secs(60),
                16..200 => Duration::from_micros(20),
                _ => Duration::from_micros(if quiet { 500 } else { 50 }),
            };
            idle = idle.saturating_add(1);
            match self.orders.recv_timeout(wait) {
                Ok(order) => {
                    self.obey(order);
                    idle = 0;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            match self.progress() {
                Ok(true) => idle = 0,
                Ok(false) => {}
                Err(why) => {
                    for (_, i, answers) in self.expected.drain(..) {
                        answers.arrive(i, Err(why.clone()));
                    }
                }
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Keep { id, bytes, class, add, comm, kept } => {
                let made = part_of(&bytes, class).map(|part| Shard { part, add });
                kept.happen(made.map(|shard| drop(self.shards.insert(id, shard))).map_err(|e| e.to_string()));
                self.comms.extend(comm.filter(|c| !self.comms.contains(c)));
            }
            Order::Ask { id, what, parts, comm, rank, answers } => {
                for (to, part) in parts.into_iter().enumerate() {
                    if to == rank {
                        answers.arrive(to, self.answer(id, what, &part));
                    } else if let Err(why) = self.ask(id, what, part, comm, to, &answers) {
                        answers.arrive(to, Err(why));
                    }
                }
            }
            Order::Free { id } => drop(self.shards.remove(&id)),
        }
    }

    /// What a request of this process's own, or of another, is answered.
    fn answer(&self, id: u64, what: u64, bytes: &[u8]) -> Outcome<Vec<u8>> {
        let shard = self.shards.get(&id).ok_or("the parameter server has been freed")?;
        if what == FETCH { shard.bytes() } else { shard.apply(what, bytes).map(|()| vec![]) }
    }

    fn ask(
        &mut self,
        id: u64,
        what: u64,
        part: Vec<u8>,
        comm: Option<Comm>,
        to: usize,
        answers: &Arc<Answers>,
    ) -> Outcome<()> {
        let (Some(library), Some(comm)) = (&self.library, comm) else { return Err("this process is alone".into()) };
        let tag = self.next_tag;
        self.next_tag = if tag + 1 == ANSWERS.end { ANSWERS.start } else { tag + 1 };
        let fetched = if what == FETCH { part.len() } else { 0 };
        let answer = library.begin_receive(fetched, to, tag, comm)?;
        let mut request = Vec::with_capacity(HEAD + part.len());
        for word in [id, what, u64::from(tag), 0] {
            request.extend_from_slice(&word.to_le_bytes());
        }
        if what != FETCH {
            request.extend_from_slice(&part);
        }
        self.expected.push((answer, to, answers.clone()));
        self.leaving.push(library.begin_send(request, to, REQUEST, comm)?);
        Ok(())
    }

    /// Moves on what is on its way; whether anything happened.
    fn progress(&mut self) -> Outcome<bool> {
        let Some(library) = self.library.clone() else { return Ok(false) };
        let mut moved = false;
        for i in (0..self.leaving.len()).rev() {
            if library.is_done(&mut self.leaving[i])? {
                self.leaving.swap_remove(i);
                moved = true;
            }
        }
        // in their order, which is that of the requests
        let mut i = 0;
        while i < self.expected.len() {
            if library.is_done(&mut self.expected[i].0)? {
                let (pending, part, answers) = self.expected.remove(i);
                answers.arrive(part, Ok(pending.into_bytes().unwrap_or_default()));
                moved = true;
            } else {
                i += 1;
            }
        }
        for &comm in &self.comms {
            if let Some((from, bytes)) = library.waiting(REQUEST, comm)? {
                self.coming.push((library.begin_receive(bytes, from, REQUEST, comm)?, from, comm));
                moved = true;
            }
        }
        let mut i = 0;
        while i < self.coming.len() {
            if library.is_done(&mut self.coming[i].0)? {
                let (pending, from, comm) = self.coming.remove(i);
                self.serve(&*library, &pending.into_bytes().unwrap_or_default(), from, comm)?;
                moved = true;
            } else {
                i += 1;
            }
        }
        Ok(moved)
    }

    fn serve(&mut self, library: &dyn Library, request: &[u8], from: usize, comm: Comm) -> Outcome<()> {
        let word =
            |i: usize| request.get(8 * i..8 * i + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
        // who asks for what has been freed gets an answer of another length, which is an error there
        let answer = self.answer(word(0), word(1), request.get(HEAD..).unwrap_or_default()).unwrap_or_default();
        let tag = u16::try_from(word(2)).map_err(|_| "a request without a tag".to_string())?;
        self.leaving.push(library.begin_send(answer, from, tag, comm)?);
        Ok(())
    }
}

/// The thread, from the program's side. It ends when this is dropped.
pub(super) struct Server {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(library: Option<Arc<dyn Library>>) -> Result<Server> {
        let (orders, received) = channel();
        let run = move || {
            let thread = Thread {
                library,
                orders: received,
                shards: HashMap::new(),
                comms: vec![],
                next_tag: ANSWERS.start,
                leaving: vec![],
                coming: vec![],
                expected: vec![],
            };
            thread.run();
        };
        let thread = std::thread::Builder::new().name("shards".into()).spawn(run);
        let thread = thread.map_err(|e| Error::invalid(format!("a thread could not be started: {e}")))?;
        Ok(Server { orders: Some(orders), thread: Some(thread) })
    }

    fn tell(&self, order: Order) {
        if let Some(orders) = &self.orders {
            orders.send(order).ok();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// A tensor whose parts the processes of a group keep.
pub struct Shards {
    id: u64,
    /// A group of its own, so that its messages meet no others.
    group: Group,
    class: TensorClass,
    count: usize,
    freed: RefCell<bool>,
}

/// Of a tensor without elements, and freed.
impl Default for Shards {
    fn default() -> Shards {
        let group = Group { comm: None, rank: 0, size: 1 };
        Shards { id: 0, group, class: TensorClass::host(DType::Float), count: 0, freed: RefCell::new(true) }
    }
}

/// Where part `i` of `n` begins.
fn begin_of(i: usize, n: usize, count: usize) -> usize {
    count / n * i + i.min(count % n)
}

impl World {
    fn tell(&self, order: Order) -> Result<()> {
        let mut server = self.server.borrow_mut();
        if server.is_none() {
            *server = Some(Server::start(self.library.clone())?);
        }
        if let Some(server) = &*server {
            server.tell(order);
        }
        Ok(())
    }

    /// Shares a tensor out to the processes of a group: each keeps its own part of its own tensor. All processes of the group do
    /// so, with tensors of equal length.
    ///
    /// # Errors
    /// Tensors of unequal length, a library that allows one thread at a time, what the library says.
    pub fn shards<T: Real>(&self, x: &Tensor, group: usize) -> Result<Shards> {
        let g = self.group(group)?;
        let threads = self.library.as_ref().is_none_or(|l| l.level() == Level::Multiple);
        demand!(threads, "this MPI library lets one thread at a time use it (no MPI_THREAD_MULTIPLE): it cannot serve");
        let counts = self.gather_counts(&g, x.numel())?;
        demand!(
            counts.iter().all(|&n| n == x.numel()),
            "expected tensors of one length in all processes, got {counts:?}"
        );
        let ids = self.gather_counts(&g, self.next_shards.get() as usize)?;
        let id = ids.into_iter().max().unwrap_or(1) as u64;
        self.next_shards.set(id + 1);
        let own = self.sub_group(&g, 0)?;
        let (count, class) = (x.numel(), x.class());
        let bytes = own_bytes(x)?;
        let size = class.dtype.size();
        let part = |i: usize| begin_of(i, g.size, count) * size;
        let bytes = bytes[part(g.rank)..part(g.rank + 1)].to_vec();
        let kept = Arc::new(Event::default());
        let add = |to: &Tensor, x: &Tensor| add_scaled::<T>(to, to, T::ONE, x);
        self.tell(Order::Keep { id, bytes, class, add, comm: own.comm, kept: kept.clone() })?;
        kept.wait()?;
        self.barrier(group)?;
        Ok(Shards { id, group: own, class, count, freed: RefCell::new(false) })
    }

    fn check(&self, shards: &Shards, x: &Tensor) -> Result<()> {
        demand!(!*shards.freed.borrow(), "this parameter server has been freed");
        demand!(
            x.class().dtype == shards.class.dtype && x.numel() == shards.count,
            "expected a {} of {} elements, got a {} of {}",
            shards.class.tensor_name(),
            shards.count,
            x.class().tensor_name(),
            x.numel()
        );
        Ok(())
    }

    fn ask(
        &self,
        shards: &Shards,
        what: u64,
        bytes: &[u8],
        delivery: impl FnOnce(Vec<Vec<u8>>) -> Result<()> + 'static,
    ) -> Result<Handle> {
        let (g, size) = (shards.group, shards.class.dtype.size());
        let part = |i: usize| begin_of(i, g.size, shards.count) * size;
        let parts: Vec<Vec<u8>> = (0..g.size).map(|i| bytes[part(i)..part(i + 1)].to_vec()).collect();
        let over = Arc::new(Event::default());
        let answers = Answers { parts: Mutex::new((vec![vec![]; g.size], g.size)), over: over.clone() };
        let answers = Arc::new(answers);
        let arrived = answers.clone();
        self.tell(Order::Ask { id: shards.id, what, parts, comm: g.comm, rank: g.rank, answers })?;
        let delivery: Delivery = Box::new(move || {
            delivery(std::mem::take(&mut arrived.parts.lock().unwrap_or_else(PoisonError::into_inner).0))
        });
        Ok(Handle(Rc::new(Operation { over, delivery: RefCell::new(Some(delivery)) })))
    }

    /// Sends each process its part, which does with it what the rule says. The handle is done when all have.
    ///
    /// # Errors
    /// A tensor of another type or length, freed shards.
    pub fn send_shards<T: Real>(&self, shards: &Shards, x: &Tensor, rule: Rule) -> Result<Handle> {
        self.check(shards, x)?;
        let what = Rule::ALL.iter().position(|(_, r)| *r == rule).unwrap_or_default() as u64;
        self.ask(shards, what, &own_bytes(x)?, |_| Ok(()))
    }

    /// Asks each process for its part; the tensor has them all when the handle is waited for.
    ///
    /// # Errors
    /// As [`World::send_shards`].
    pub fn fetch_shards<T: Real>(&self, shards: &Shards, x: &Tensor) -> Result<Handle> {
        self.check(shards, x)?;
        let (out, count, size) = (x.clone(), shards.count, shards.class.dtype.size());
        // the request has the length of what is asked for
        self.ask(shards, FETCH, &vec![0; count * size], move |parts| {
            let bytes = parts.concat();
            demand!(bytes.len() == count * size, "the parameter server was freed by another process");
            demand!(
                out.numel() == count,
                "the tensor had {count} elements when it was asked for, and has {}",
                out.numel()
            );
            let from = part_of(&bytes, out.class())?;
            let from = Source::<T>::of(&from)?;
            let mut to = Dest::<T>::update(&out)?;
            to.copy_from_slice(&from);
            drop(from);
            to.finish()
        })
    }

    /// Lets the parts go, once all processes of the group have come here.
    ///
    /// # Errors
    /// What the library says; shards that are freed already.
    pub fn free_shards(&self, shards: &Shards) -> Result<()> {
        demand!(!shards.freed.replace(true), "this parameter server has been freed");
        self.now(&shards.group, |library, comm| library.barrier(comm))?;
        self.tell(Order::Free { id: shards.id })
    }
}

/// A tensor's elements as bytes.
fn own_bytes(x: &Tensor) -> Result<Vec<u8>> {
    let x = if x.is_contiguous() { x.clone() } else { crate::tensor::ops::copy::clone(x)? };
    let size = x.class().dtype.size();
    let mut bytes = vec![0; x.numel() * size];
    if let Some(storage) = x.storage() {
        storage.read_bytes(x.layout().offset * size, &mut bytes)?;
    }
    Ok(bytes)
}
