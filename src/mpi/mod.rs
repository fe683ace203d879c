//! Many processes: collective operations on tensors over MPI, whose library is found at run time.
//!
//! A process that no launcher started is alone: there is no library then, and everything answers as with one rank. Synchronous
//! operations run on the thread that asks, on the tensors' own memory. Asynchronous ones get a copy of their input, which a
//! thread of its own hands to MPI in the order in which they were begun; results reach their tensors when the program waits
//! for them, so that no memory of tensors is ever touched beside the program. Where the library allows no second thread,
//! they are over when they have begun.
//!
//! - `find`: which launcher there is, and where its library may be.
//! - `abi`: what differs between families of libraries.
//! - `raw`: the functions of a library, the one place with `unsafe`.
//! - `pipes`: the launcher has read what this process wrote.
//! - `progress`: the thread of asynchronous operations.
//! - `server`: parts of tensors that processes keep for each other.

mod abi;
mod collective;
mod find;
mod pipes;
mod progress;
mod raw;
mod server;
mod staging;

pub use progress::Handle;
pub use server::{Rule, Shards};

use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};
use progress::{Event, Operation, Progress};
use raw::{Comm, Data, DataMut, Level, Library, Outcome, Wait};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// A group of processes.
#[derive(Debug, Clone, Copy)]
struct Group {
    /// None where this process is alone.
    comm: Option<Comm>,
    rank: usize,
    size: usize,
}

/// All processes, from this one's side. It belongs to the thread that started it.
pub struct World {
    library: Option<Arc<dyn Library>>,
    progress: Option<Progress>,
    groups: RefCell<Vec<Group>>,
    /// What is on its way.
    operations: RefCell<Vec<Rc<Operation>>>,
    server: RefCell<Option<server::Server>>,
    next_shards: Cell<u64>,
    /// What the library calls itself, and its level of thread support.
    description: String,
}

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// Whether a thread of this process has started MPI.
static STARTED: AtomicBool = AtomicBool::new(false);

fn failed(why: String) -> Error {
    Error::invalid(why)
}

/// Finds a library and starts it, where a launcher started this process.
fn load() -> Result<(Option<Arc<dyn Library>>, String)> {
    let launcher = find::launcher();
    let named = std::env::var_os(find::VARIABLE).is_some_and(|v| !v.is_empty());
    let Some(launcher) =
        launcher.or_else(|| named.then_some(find::Launcher { variable: find::VARIABLE, family: None, size: None }))
    else {
        return Ok((None, "no launcher: one process".into()));
    };
    let mut tried = vec![];
    for path in find::candidates(launcher.family) {
        match raw::start(&path, launcher.family) {
            Ok(library) => {
                let (_, size) = library.place(library.world()).map_err(failed)?;
                if let Some(wanted) = launcher.size
                    && wanted != size
                {
                    refuse!(
                        "{} ({}) sees {size} processes, and the launcher started {wanted} ({} says so); name the \
                         launcher's own library in {}",
                        path.display(),
                        library.family().name(),
                        launcher.variable,
                        find::VARIABLE
                    );
                }
                let text = format!("{} ({}), threads: {:?}", path.display(), library.family().name(), library.level());
                return Ok((Some(library.into()), text));
            }
            Err(why) => tried.push(format!("{}: {why}", path.display())),
        }
    }
    refuse!(
        "a launcher started this program ({} is set), but no MPI library can be used; tried {}; name one in {}",
        launcher.variable,
        tried.join("; "),
        find::VARIABLE
    )
}

/// Starts MPI on this thread.
///
/// # Errors
/// A launcher whose library cannot be found or used; a second start.
pub fn start() -> Result<Rc<World>> {
    demand!(!STARTED.swap(true, SeqCst), "it was started before; it is started once, by one thread");
    let made = load().and_then(|(library, description)| {
        let mut group = Group { comm: None, rank: 0, size: 1 };
        let mut progress = None;
        if let Some(library) = &library {
            let (rank, size) = library.place(library.world()).map_err(failed)?;
            group = Group { comm: Some(library.world()), rank, size };
            if library.level() >= Level::Serialized {
                progress = Some(Progress::start(library.clone()).map_err(failed)?);
            }
        }
        Ok(Rc::new(World {
            library,
            progress,
            groups: RefCell::new(vec![group]),
            operations: RefCell::default(),
            server: RefCell::default(),
            next_shards: Cell::new(1),
            description,
        }))
    });
    match made {
        Ok(world) => {
            WORLD.set(Some(world.clone()));
            Ok(world)
        }
        Err(e) => {
            STARTED.store(false, SeqCst);
            Err(e)
        }
    }
}

/// What was started on this thread.
///
/// # Errors
/// Nothing, or on another thread.
pub fn world() -> Result<Rc<World>> {
    WORLD.with_borrow(Clone::clone).ok_or_else(|| {
        Error::invalid(if STARTED.load(SeqCst) {
            "it was started by another thread, which alone may use it"
        } else {
            "start comes first"
        })
    })
}

/// Ends MPI on this thread, after what is on its way. All processes do so.
///
/// # Errors
/// What went wrong with an operation on its way, or in the library.
pub fn stop() -> Result<()> {
    let world = world()?;
    let drained = world.settle(true);
    let together = world.barrier(0);
    world.server.take();
    staging::free();
    WORLD.set(None);
    let ended = world.library.as_ref().map_or(Ok(()), |l| l.finish().map_err(failed));
    if world.library.is_none() {
        // alone, it may begin again
        STARTED.store(false, SeqCst);
    }
    drained.and(together).and(ended)
}

/// Ends all processes, where this one is not alone: for a program that fails while others would wait for it.
pub fn abort() {
    if let Some(world) = WORLD.with_borrow(Clone::clone)
        && let Some(library) = &world.library
        && world.groups.borrow()[0].size > 1
    {
        pipes::wait_for_readers(Duration::from_secs(1));
        library.abort(1);
    }
}

impl World {
    fn group(&self, group: usize) -> Result<Group> {
        let groups = self.groups.borrow();
        groups.get(group).copied().ok_or_else(|| {
            Error::invalid(format!(
                "there is no communicator {group}: they have numbers from 0 to {}",
                groups.len() - 1
            ))
        })
    }

    /// This process's number in a group, from 0.
    ///
    /// # Errors
    /// No such group, as everywhere here.
    pub fn rank(&self, group: usize) -> Result<usize> {
        Ok(self.group(group)?.rank)
    }

    /// How many processes a group has.
    ///
    /// # Errors
    /// As [`World::rank`].
    pub fn size(&self, group: usize) -> Result<usize> {
        Ok(self.group(group)?.size)
    }

    /// Which library this is.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The name of the machine.
    ///
    /// # Errors
    /// What the library says.
    pub fn machine(&self) -> Result<String> {
        match &self.library {
            Some(library) => library.machine().map_err(failed),
            None => Ok("localhost".into()),
        }
    }

    /// Waits for all processes of a group.
    ///
    /// # Errors
    /// What the library says, or an interruption.
    pub fn barrier(&self, group: usize) -> Result<()> {
        let g = self.group(group)?;
        self.now(&g, |library, comm| library.barrier(comm))
    }

    /// A group of those of a group's processes that give the same key; its number.
    ///
    /// # Errors
    /// As [`World::barrier`].
    pub fn split(&self, group: usize, key: &[u8]) -> Result<usize> {
        let g = self.group(group)?;
        let keys = self.gather_bytes(&g, key)?;
        let color = keys.iter().position(|k| k == key).unwrap_or(0);
        let new = self.sub_group(&g, color)?;
        self.groups.borrow_mut().push(new);
        Ok(self.groups.borrow().len() - 1)
    }

    /// The texts that the processes of a group give.
    ///
    /// # Errors
    /// As [`World::barrier`].
    pub fn gather_texts(&self, group: usize, text: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.gather_bytes(&self.group(group)?, text)
    }

    fn sub_group(&self, g: &Group, color: usize) -> Result<Group> {
        let mut new = *g;
        self.now(g, |library, comm| {
            let comm = library.split(comm, color)?;
            let (rank, size) = library.place(comm)?;
            new = Group { comm: Some(comm), rank, size };
            Ok(())
        })?;
        Ok(new)
    }

    fn gather_bytes(&self, g: &Group, own: &[u8]) -> Result<Vec<Vec<u8>>> {
        let counts = self.gather_counts(g, own.len())?;
        let mut all = vec![0u8; counts.iter().sum()];
        all[..if g.size == 1 { own.len() } else { 0 }].copy_from_slice(if g.size == 1 { own } else { &[] });
        self.now(g, |library, comm| {
            library.allgather(Data::of(own), DataMut::of(&mut all), &counts, comm, Wait::Busy)
        })?;
        let mut rest = &all[..];
        Ok(counts
            .iter()
            .map(|&n| {
                let (one, left) = rest.split_at(n);
                rest = left;
                one.to_vec()
            })
            .collect())
    }

    /// The numbers that the processes of a group give.
    fn gather_counts(&self, g: &Group, own: usize) -> Result<Vec<usize>> {
        let mut all = vec![own as i64; g.size];
        let ones = vec![1; g.size];
        self.now(g, |library, comm| {
            library.allgather(Data::of(&[own as i64]), DataMut::of(&mut all), &ones, comm, Wait::Busy)
        })?;
        Ok(all.into_iter().map(|n| usize::try_from(n).unwrap_or(0)).collect())
    }

    /// Calls the library after what was begun before; nothing where this process is alone.
    fn now(&self, g: &Group, f: impl FnOnce(&dyn Library, Comm) -> Outcome<()>) -> Result<()> {
        let (Some(library), Some(comm)) = (&self.library, g.comm) else { return Ok(()) };
        self.settle(false)?;
        f(&**library, comm).map_err(failed)
    }

    /// Waits for what was begun, and forgets what is over. Results of operations that nobody holds any more are delivered;
    /// with `all`, those of every operation.
    fn settle(&self, all: bool) -> Result<()> {
        let mut first = Ok(());
        let operations = self.operations.take();
        let mut left = vec![];
        for (i, operation) in operations.iter().enumerate() {
            if !operation.over.is_over()
                && let Err(e) = operation.over.wait()
                && !operation.over.is_over()
            {
                // interrupted
                left.extend(operations[i..].iter().cloned());
                self.operations.borrow_mut().append(&mut left);
                return Err(e);
            }
            if all || Rc::strong_count(operation) == 1 {
                let ended = operation.finish();
                first = first.and(ended);
            } else if operation.delivery.borrow().is_some() {
                left.push(operation.clone());
            }
        }
        self.operations.borrow_mut().append(&mut left);
        first
    }

    /// Begins an operation.
    fn begin(
        &self,
        g: &Group,
        job: impl FnOnce(&dyn Library, Comm, Wait) -> Outcome<()> + Send + 'static,
        delivery: progress::Delivery,
    ) -> Handle {
        let over = Arc::new(Event::default());
        let operation = Rc::new(Operation { over: over.clone(), delivery: RefCell::new(Some(delivery)) });
        match (&self.library, &self.progress, g.comm) {
            (Some(_), Some(progress), Some(comm)) => {
                progress.run(Box::new(move |library, wait| over.happen(job(library, comm, wait))));
            }
            (Some(library), None, Some(comm)) => over.happen(job(&**library, comm, Wait::Busy)),
            _ => over.happen(Ok(())),
        }
        let mut operations = self.operations.borrow_mut();
        // what is over and was waited for, or has nobody who would
        operations.retain(|o| !o.over.is_over() || o.delivery.borrow().is_some());
        operations.push(operation.clone());
        Handle(operation)
    }
}
