//! Operations that go on beside the program: a thread runs them in the order in which they were begun.

use super::raw::{Library, Outcome, Wait};
use crate::tensor::error::{Error, Result};
use crate::tensor::interruption;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a wait goes on before it looks whether the program was interrupted.
const PATIENCE: Duration = Duration::from_millis(100);

/// How many threads wait for something: while there are none, operations leave the processor to them.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// A thread that waits, for as long as this lives.
struct Waiting;

impl Waiting {
    fn begin() -> Waiting {
        WAITING.fetch_add(1, Relaxed);
        Waiting
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Relaxed);
    }
}

/// Something that happens once, and how it ended.
#[derive(Default)]
pub(super) struct Event {
    outcome: Mutex<Option<Outcome<()>>>,
    changed: Condvar,
}

impl Event {
    /// It has happened.
    pub fn happen(&self, outcome: Outcome<()>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.changed.notify_all();
    }

    /// Whether it has.
    pub fn is_over(&self) -> bool {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Waits for it.
    ///
    /// # Errors
    /// How it ended, or an interruption of the program.
    pub fn wait(&self) -> Result<()> {
        let _waiting = Waiting::begin();
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = &*outcome {
                return outcome.clone().map_err(Error::invalid);
            }
            let waited = self.changed.wait_timeout(outcome, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            outcome = waited.0;
            interruption::check()?;
        }
    }
}

type Job = Box<dyn FnOnce(&dyn Library, Wait) + Send>;

/// The thread. It ends when this is dropped, after what was begun.
pub(super) struct Progress {
    jobs: Sender<Job>,
}

impl Progress {
    /// Starts it.
    ///
    /// # Errors
    /// A system that gives no thread.
    pub fn start(library: Arc<dyn Library>) -> Outcome<Progress> {
        let (jobs, work) = channel::<Job>();
        let run = move || work.into_iter().for_each(|job| job(&*library, Wait::Beside(&WAITING)));
        let thread = std::thread::Builder::new().name("mpi".into()).spawn(run);
        thread.map(|_| Progress { jobs }).map_err(|e| format!("a thread could not be started: {e}"))
    }

    /// Runs a job after those before it.
    pub fn run(&self, job: Job) {
        // the thread ends when there can be no more jobs
        self.jobs.send(job).ok();
    }
}

/// What puts results where they belong, on the thread that began the operation.
pub(super) type Delivery = Box<dyn FnOnce() -> Result<()>>;

/// An operation on its way.
pub(super) struct Operation {
    pub over: Arc<Event>,
    pub delivery: RefCell<Option<Delivery>>,
}

impl Operation {
    /// Waits for the end, and delivers results the first time.
    ///
    /// # Errors
    /// What went wrong; a result that no longer fits; an interruption.
    pub fn finish(&self) -> Result<()> {
        self.over.wait()?;
        let delivery = self.delivery.borrow_mut().take();
        delivery.map_or(Ok(()), |deliver| deliver())
    }
}

/// What a program holds of an operation on its way. Without it the operation goes on, and ends at the latest with MPI.
#[derive(Clone)]
pub struct Handle(pub(super) Rc<Operation>);

/// Of what is over.
impl Default for Handle {
    fn default() -> Handle {
        let over = Arc::new(Event::default());
        over.happen(Ok(()));
        Handle(Rc::new(Operation { over, delivery: RefCell::new(None) }))
    }
}

impl Handle {
    /// Waits for the end; results are in their tensors then. A second time there is nothing to wait for.
    ///
    /// # Errors
    /// What MPI says, a tensor that was made smaller or larger meanwhile, an interruption of the program.
    pub fn wait(&self) -> Result<()> {
        self.0.finish()
    }

    /// Whether it has ended; results come with [`Handle::wait`].
    pub fn is_done(&self) -> bool {
        self.0.over.is_over()
    }
}
