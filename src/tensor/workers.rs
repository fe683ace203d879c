//! The threads that work beside the one that runs a kernel.
//!
//! A kernel's shares follow each other within microseconds, and a thread that sleeps takes longer to wake than a share
//! takes. So a worker that has nothing to do looks for work for a while before it sleeps ([`SEARCH`]). Nobody waits for a
//! worker that has not begun: who is done with the own share takes back the one given away and does it too. Only a
//! worker that has begun is waited for. Where another process needs the processors, or the machine is a part of a busy one, a
//! worker is stopped in the middle of a share now and then. What was gained by giving work away and what was lost by
//! waiting are therefore held against each other ([`Account`]), and where more is lost, nothing is given away for some time.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU64, Ordering::*};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long a worker looks for work before it sleeps.
const SEARCH: Duration = Duration::from_micros(500);

/// A worker that looks for work and did not for longer than this was stopped: it sleeps, so that who wants its processor
/// has it.
const STOPPED: Duration = Duration::from_micros(200);

/// The most that is gained in advance, in nanoseconds: less than a second process takes from a worker in one of its turns would
/// end all sharing at each of them, and with much more a machine that has become busy is noticed late.
const CREDIT: i64 = 5_000_000;

/// So much more lost than gained, in nanoseconds, begins a pause.
const DEBT: i64 = 1_000_000;

/// What it costs to wake a worker that comes too late, in nanoseconds.
const WAKE: i64 = 5_000;

/// The first pause, in nanoseconds; one that begins soon after another is twice as long.
const PAUSE: u64 = 10_000_000;

/// The longest pause.
const LONGEST: u64 = 32 * PAUSE;

/// Work that somebody else may do. It lies on the stack of who gave it away, who does not leave before it is done or
/// taken back.
struct Job {
    /// Does it. To be called once, by whoever took it from its place, which it makes empty.
    run: unsafe fn(*const Job, &Place),
    done: AtomicBool,
}

/// A job, and what it consists of. The job is first, so that it can be found from that.
#[repr(C)]
struct Task<B> {
    job: Job,
    work: UnsafeCell<Option<B>>,
    panic: UnsafeCell<Option<Box<dyn Any + Send>>>,
}

impl<B: FnOnce() + Send> Task<B> {
    fn new(work: B) -> Task<B> {
        let job = Job { run: Task::<B>::run, done: AtomicBool::new(false) };
        Task { job, work: UnsafeCell::new(Some(work)), panic: UnsafeCell::new(None) }
    }

    /// # Safety
    /// `job` is that of a task of this type, which lives until its job is done, and nobody else has it.
    unsafe fn run(job: *const Job, place: &Place) {
        // SAFETY: by the contract; after `done` the task is not touched any more.
        unsafe {
            let task = &*job.cast::<Task<B>>();
            if let Some(work) = (*task.work.get()).take()
                && let Err(panic) = catch_unwind(AssertUnwindSafe(work))
            {
                *task.panic.get() = Some(panic);
            }
            // first, so that the next job finds it empty
            place.job.store(null_mut(), Release);
            task.job.done.store(true, Release);
        }
    }
}

/// Where a worker finds its job. On cache lines of its own.
#[repr(align(128))]
struct Place {
    /// Null where it has none, [`BUSY`] while it works.
    job: AtomicPtr<Job>,
    asleep: AtomicBool,
    worker: OnceLock<Thread>,
}

/// Stands for a job in the place of a worker that cannot take one.
const BUSY: *mut Job = ptr::without_provenance_mut(1);

impl Place {
    fn empty() -> Place {
        Place { job: AtomicPtr::new(null_mut()), asleep: AtomicBool::new(false), worker: OnceLock::new() }
    }

    /// Puts a task here, if there is none. Wakes the worker.
    ///
    /// # Safety
    /// The task lives, and nobody else takes its work, until its job is done or taken back.
    unsafe fn put<B>(&self, task: &Task<B>) -> bool {
        let free =
            self.job.compare_exchange(null_mut(), ptr::from_ref(task).cast_mut().cast(), SeqCst, Relaxed).is_ok();
        if free
            && self.asleep.load(SeqCst)
            && let Some(worker) = self.worker.get()
        {
            worker.unpark();
        }
        free
    }

    /// Takes a task out again; whether it was still there.
    fn take_back<B>(&self, task: &Task<B>) -> bool {
        let job = ptr::from_ref(task).cast_mut().cast();
        self.job.compare_exchange(job, null_mut(), Acquire, Relaxed).is_ok()
    }

    /// Waits for a job and does it.
    fn work(&self) {
        let mut since = Instant::now();
        let mut seen = since;
        loop {
            for _ in 0..64 {
                let job = self.job.load(Relaxed);
                if !job.is_null() && self.job.compare_exchange(job, BUSY, Acquire, Relaxed).is_ok() {
                    // SAFETY: whoever put the job here keeps it until it is done, and it was taken out, so nobody
                    // else has it.
                    return unsafe { ((*job).run)(job, self) };
                }
                std::hint::spin_loop();
            }
            let now = Instant::now();
            let stopped = now - seen;
            seen = now;
            if stopped > STOPPED || now - since > SEARCH {
                self.asleep.store(true, SeqCst);
                while self.job.load(SeqCst).is_null() {
                    thread::park();
                }
                self.asleep.store(false, SeqCst);
                since = Instant::now();
                seen = since;
            }
        }
    }
}

/// The places of the workers: one worker less than the machine has processors. Started at the first call.
fn places() -> &'static [Place] {
    static PLACES: OnceLock<&[Place]> = OnceLock::new();
    PLACES.get_or_init(|| {
        let places: &[Place] = Box::leak((1..processors()).map(|_| Place::empty()).collect());
        for place in places {
            match thread::Builder::new().name("worker".into()).spawn(move || {
                loop {
                    place.work();
                }
            }) {
                Ok(worker) => place.worker.set(worker.thread().clone()).unwrap_or_default(),
                Err(e) => {
                    tracing::debug!("a worker could not be started: {e}");
                    place.job.store(BUSY, Relaxed);
                }
            }
        }
        places
    })
}

/// How many processors this process may use.
pub(super) fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Calls both functions, the second on another thread where one is free to take it. Returns when both have returned; where
/// one panics, so does this, once neither runs any more.
pub(super) fn join(a: impl FnOnce(), b: impl FnOnce() + Send) {
    let task = Task::new(b);
    let given = &task;
    // SAFETY: this function does not end before the job is done or taken back.
    let free = |asleep| move |p: &&Place| p.asleep.load(Relaxed) == asleep && unsafe { p.put(given) };
    let places = if ACCOUNT.pauses(now) { &[] } else { places() };
    // a sleeping one would be late
    let awake = places.iter().find(free(false));
    let Some(place) = awake.or_else(|| places.iter().find(free(true))) else {
        a();
        return call(task);
    };
    let begun = Instant::now();
    let first = catch_unwind(AssertUnwindSafe(a));
    if place.take_back(&task) {
        if awake.is_none() {
            ACCOUNT.add(-WAKE, now);
        }
        return match first {
            Ok(()) => call(task),
            Err(panic) => resume_unwind(panic),
        };
    }
    let own = begun.elapsed();
    wait_for(&task.job);
    let waited = begun.elapsed() - own;
    // alone, the second share would have taken about as long as the first
    ACCOUNT.add(own.as_nanos() as i64 - waited.as_nanos() as i64, now);
    if let Some(panic) = first.err().or(task.panic.into_inner()) {
        resume_unwind(panic);
    }
}

fn call<B: FnOnce()>(task: Task<B>) {
    if let Some(work) = task.work.into_inner() {
        work();
    }
}

fn wait_for(job: &Job) {
    let mut looks = 0;
    while !job.done.load(Acquire) {
        looks += 1;
        // a worker that waits for this very processor gets it
        if looks < 1000 { std::hint::spin_loop() } else { thread::yield_now() }
    }
}

/// Nanoseconds since the first call.
fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// What giving work away gained and lost lately, and when it pauses; in nanoseconds. Several threads write it without
/// regard to each other: what is lost then is an estimate.
struct Account {
    balance: AtomicI64,
    until: AtomicU64,
    /// How long the last pause was.
    last: AtomicU64,
}

static ACCOUNT: Account = Account::new();

impl Account {
    const fn new() -> Account {
        Account { balance: AtomicI64::new(0), until: AtomicU64::new(0), last: AtomicU64::new(0) }
    }

    /// Whether nothing is given away now.
    fn pauses(&self, now: impl FnOnce() -> u64) -> bool {
        let until = self.until.load(Relaxed);
        until != 0 && now() < until
    }

    /// Adds what was gained, or lost where it is negative.
    fn add(&self, gain: i64, now: impl FnOnce() -> u64) {
        let balance = (self.balance.load(Relaxed).saturating_add(gain)).min(CREDIT);
        if balance < -DEBT {
            return self.pause(now());
        }
        self.balance.store(balance, Relaxed);
    }

    #[cold]
    fn pause(&self, now: u64) {
        let last = self.last.load(Relaxed);
        let again = now.saturating_sub(self.until.load(Relaxed)) < last;
        let length = if again { (2 * last).min(LONGEST) } else { PAUSE };
        self.balance.store(0, Relaxed);
        self.last.store(length, Relaxed);
        self.until.store(now + length, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn sum(from: usize, to: usize, total: &AtomicUsize) {
        if to - from == 1 {
            total.fetch_add(from, Relaxed);
            return;
        }
        let half = from.midpoint(to);
        join(|| sum(from, half, total), || sum(half, to, total));
    }

    #[test]
    fn everything_is_done_once_from_any_number_of_threads() {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 1..300 {
                        let total = AtomicUsize::new(0);
                        sum(0, n, &total);
                        assert_eq!(total.into_inner(), n * (n - 1) / 2);
                    }
                });
            }
        });
    }

    #[test]
    fn workers_that_slept_are_found() {
        for _ in 0..5 {
            thread::sleep(2 * SEARCH);
            let total = AtomicUsize::new(0);
            join(
                || thread::sleep(Duration::from_millis(1)),
                || {
                    total.fetch_add(1, Relaxed);
                },
            );
            assert_eq!(total.into_inner(), 1);
        }
    }

    #[test]
    fn panics_come_out_once_both_have_ended() {
        for round in 0..200 {
            let ended = AtomicUsize::new(0);
            let out = catch_unwind(AssertUnwindSafe(|| {
                join(
                    || if round % 2 == 0 { panic!("first") } else { thread::sleep(Duration::from_micros(50)) },
                    || {
                        ended.fetch_add(1, Relaxed);
                        if round % 2 == 1 {
                            panic!("second");
                        }
                    },
                );
            }));
            let text = *out.expect_err("it panics").downcast::<&str>().expect("a text");
            assert_eq!(text, if round % 2 == 0 { "first" } else { "second" });
            // where the first panics, the other may never have begun
            assert!(ended.into_inner() == 1 || round % 2 == 0);
        }
        let total = AtomicUsize::new(0);
        sum(0, 100, &total);
        assert_eq!(total.into_inner(), 4950);
    }

    #[test]
    fn what_is_lost_ends_sharing_for_a_while() {
        let account = Account::new();
        let paused = |at: u64| account.pauses(|| at);
        // gains do not add up without an end
        (0..100).for_each(|_| account.add(1_000_000, || 0));
        account.add(-CREDIT - DEBT, || 1000);
        assert!(!paused(1000));
        account.add(-1, || 1000);
        assert!(paused(1000) && paused(1000 + PAUSE - 1) && !paused(1000 + PAUSE));
        // soon after the last one
        let soon = 1000 + PAUSE + PAUSE / 2;
        account.add(-DEBT - 1, || soon);
        assert!(paused(soon + 2 * PAUSE - 1) && !paused(soon + 2 * PAUSE));
        // long after it
        let late = soon + 100 * PAUSE;
        account.add(-DEBT - 1, || late);
        assert!(paused(late + PAUSE - 1) && !paused(late + PAUSE));
        // one after the other
        let mut at = late;
        for _ in 0..20 {
            at = account.until.load(Relaxed);
            account.add(-DEBT - 1, || at);
        }
        assert!(paused(at + LONGEST - 1) && !paused(at + LONGEST));
    }
}
