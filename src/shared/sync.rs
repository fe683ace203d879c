//! Threads that run Lua, and what they wait for.

use std::collections::HashMap;
use std::sync::{self, Arc, Condvar, OnceLock, PoisonError, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Objects by their addresses, as long as they live: other threads ask for them by number.
struct Register<T>(sync::Mutex<Option<HashMap<usize, Weak<T>>>>);

impl<T> Register<T> {
    const fn new() -> Register<T> {
        Register(sync::Mutex::new(None))
    }

    fn put(&self, object: &Arc<T>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.get_or_insert_default();
        all.retain(|_, o| o.strong_count() > 0);
        all.insert(Arc::as_ptr(object) as usize, Arc::downgrade(object));
    }

    fn get(&self, id: usize) -> Option<Arc<T>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.as_ref()?.get(&id)?.upgrade()
    }
}

#[derive(Default)]
struct Flag {
    up: sync::Mutex<bool>,
    changed: Condvar,
}

impl Flag {
    /// Waits until the flag is up or down, and turns it; whether that came within this time.
    fn turn(&self, up: bool, patience: Duration) -> bool {
        let flag = self.up.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(flag, patience, |now| *now != up);
        let (mut flag, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let there = *flag == up;
        if there {
            *flag = !up;
        }
        there
    }

    fn set(&self, up: bool) {
        *self.up.lock().unwrap_or_else(PoisonError::into_inner) = up;
        self.changed.notify_all();
    }
}

static MUTEXES: Register<Flag> = Register::new();
static CONDITIONS: Register<Signals> = Register::new();

/// A lock that Lua takes and gives back.
#[derive(Clone)]
pub struct Mutex(Arc<Flag>);

impl Mutex {
    /// A new one.
    pub fn new() -> Mutex {
        let flag = Arc::new(Flag::default());
        MUTEXES.put(&flag);
        Mutex(flag)
    }

    /// The one with this number.
    pub fn with_id(id: usize) -> Option<Mutex> {
        MUTEXES.get(id).map(Mutex)
    }

    /// Takes it; whether that came within this time.
    pub fn lock(&self, patience: Duration) -> bool {
        self.0.turn(false, patience)
    }

    /// Gives it back, whoever has it.
    pub fn unlock(&self) {
        self.0.set(false);
    }

    /// Its number.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

impl Default for Mutex {
    fn default() -> Mutex {
        Mutex::new()
    }
}

/// How many wait, and how many of them may go on.
#[derive(Default)]
struct Signals {
    counts: sync::Mutex<(usize, usize)>,
    changed: Condvar,
}

/// What threads wait for until somebody signals.
#[derive(Clone)]
pub struct Condition(Arc<Signals>);

impl Condition {
    /// A new one.
    pub fn new() -> Condition {
        let signals = Arc::new(Signals::default());
        CONDITIONS.put(&signals);
        Condition(signals)
    }

    /// The one with this number.
    pub fn with_id(id: usize) -> Option<Condition> {
        CONDITIONS.get(id).map(Condition)
    }

    /// Gives the lock back and waits for a signal; whether that came within this time. The lock is not taken again.
    /// `again`: whether this goes on with an earlier wait.
    pub fn wait(&self, lock: &Mutex, again: bool, patience: Duration) -> bool {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if !again {
            // counted before the lock is free, so that no signal is missed
            counts.0 += 1;
            lock.unlock();
        }
        let waited = self.0.changed.wait_timeout_while(counts, patience, |c| c.1 == 0);
        let (mut counts, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let there = counts.1 > 0;
        if there {
            *counts = (counts.0 - 1, counts.1 - 1);
        }
        there
    }

    /// Lets one that waits go on.
    pub fn signal(&self) {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.1 = (counts.1 + 1).min(counts.0);
        self.0.changed.notify_one();
    }

    /// Its number.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

impl Default for Condition {
    fn default() -> Condition {
        Condition::new()
    }
}

/// Runs a piece of Lua in a state of its own; the text of an error.
type Runner = fn(&[u8]) -> Option<String>;

static RUNNER: OnceLock<Runner> = OnceLock::new();

/// Says how a state is made and a piece of Lua run in it.
pub fn start_with(runner: Runner) {
    RUNNER.get_or_init(|| runner);
}

/// Bytes of a thread's stack: functions that call each other in Lua take it too.
const STACK: usize = 8 << 20;

/// A thread that runs Lua.
pub struct Running(sync::Mutex<Option<JoinHandle<Option<String>>>>);

/// Starts a thread that runs a piece of Lua.
///
/// # Errors
/// A system that gives no thread.
pub fn start(code: &[u8]) -> Result<Running, String> {
    let runner = *RUNNER.get().ok_or("no Lua state can be made here")?;
    let code = code.to_vec();
    let thread = Builder::new().name("lua".into()).stack_size(STACK).spawn(move || runner(&code));
    thread.map(|t| Running(sync::Mutex::new(Some(t)))).map_err(|e| format!("a thread could not be started: {e}"))
}

impl Running {
    /// Waits for its end; the text of an error. A second time there is none.
    pub fn join(&self) -> Option<String> {
        let thread = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        thread.join().unwrap_or_else(|_| Some("the thread panicked".into()))
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_none_or(JoinHandle::is_finished)
    }
}
