//! The threads that work beside the one that runs a kernel.
//!
//! A kernel's shares follow each other within microseconds, and a thread that sleeps takes longer to wake than a share
//! takes. So a worker that has nothing to do looks for work for a while before it sleeps ([`SEARCH`]). Nobody waits for a
//! worker that has not begun: who is done with the own share takes back the one given away and does it too. Only a
//! worker that has begun is waited for. Where another process needs the processors, a worker is stopped for a while: when
//! it looks for work, which its clock shows, or in the middle of a share, which the wait for it shows. Then nothing is given
//! away for some time, and workers sleep: one thread has all of the process' part of the machine.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::*};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long a worker looks for work before it sleeps.
const SEARCH: Duration = Duration::from_micros(500);

/// A worker that does nothing for longer than this was stopped, and one that is waited for longer than this, and than the
/// own share took.
const STOPPED: Duration = Duration::from_micros(200);

/// Nothing is given away for so many times the wait, and for twice as long each time that it happens again soon.
const PAUSE: u32 = 10;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(1);

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
    /// Null where it has none, [`busy`] while it works.
    job: AtomicPtr<Job>,
    asleep: AtomicBool,
    worker: OnceLock<Thread>,
}

/// Stands for a job in the place of a worker that cannot take one.
fn busy() -> *mut Job {
    ptr::without_provenance_mut(1)
}

impl Place {
    fn empty() -> Place {
        Place { job: AtomicPtr::new(null_mut()), asleep: AtomicBool::new(false), worker: OnceLock::new() }
    }

    /// Puts a job here, if there is none. Wakes the worker.
    ///
    /// # Safety
    /// The job lives until it is done or taken back.
    unsafe fn put(&self, job: *mut Job) -> bool {
        let free = self.job.compare_exchange(null_mut(), job, SeqCst, Relaxed).is_ok();
        if free
            && self.asleep.load(SeqCst)
            && let Some(worker) = self.worker.get()
        {
            worker.unpark();
        }
        free
    }

    /// Takes a job out again; whether it was still there.
    fn take_back(&self, job: *mut Job) -> bool {
        self.job.compare_exchange(job, null_mut(), Acquire, Relaxed).is_ok()
    }

    /// Waits for a job and takes it.
    fn wait(&self) -> *mut Job {
        let mut since = Instant::now();
        let mut seen = since;
        loop {
            for _ in 0..64 {
                let job = self.job.load(Relaxed);
                if !job.is_null() && self.job.compare_exchange(job, busy(), Acquire, Relaxed).is_ok() {
                    return job;
                }
                std::hint::spin_loop();
            }
            let now = Instant::now();
            let stopped = now - seen;
            if stopped > STOPPED {
                // somebody else wants this processor, perhaps the very thread that gives work away
                pause(stopped);
            }
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
            let work = move || {
                loop {
                    let job = place.wait();
                    // SAFETY: whoever put the job there keeps it until it is done, and it was taken out, so nobody
                    // else has it.
                    unsafe { ((*job).run)(job, place) };
                }
            };
            match thread::Builder::new().name("worker".into()).spawn(work) {
                Ok(worker) => place.worker.set(worker.thread().clone()).unwrap_or_default(),
                Err(e) => {
                    tracing::debug!("a worker could not be started: {e}");
                    place.job.store(busy(), Relaxed);
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
    let job = ptr::from_ref(&task.job).cast_mut();
    // SAFETY: this function does not end before the job is done or taken back.
    let free = |asleep| move |p: &&Place| p.asleep.load(Relaxed) == asleep && unsafe { p.put(job) };
    let places = if is_paused() { &[] } else { places() };
    // a sleeping one would be late
    let Some(place) = places.iter().find(free(false)).or_else(|| places.iter().find(free(true))) else {
        a();
        return call(task);
    };
    let begun = Instant::now();
    let first = catch_unwind(AssertUnwindSafe(a));
    if place.take_back(job) {
        return match first {
            Ok(()) => call(task),
            Err(panic) => resume_unwind(panic),
        };
    }
    let own = begun.elapsed();
    wait_for(&task.job);
    let waited = begun.elapsed() - own;
    if waited > STOPPED && waited > own {
        pause(waited);
    }
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

/// Until when nothing is given away, and how long the last pause was; in nanoseconds.
static PAUSED_UNTIL: AtomicU64 = AtomicU64::new(0);
static LAST_PAUSE: AtomicU64 = AtomicU64::new(0);

fn is_paused() -> bool {
    let until = PAUSED_UNTIL.load(Relaxed);
    until != 0 && now() < until
}

#[cold]
fn pause(waited: Duration) {
    let (now, last) = (now(), LAST_PAUSE.load(Relaxed));
    let again = now.saturating_sub(PAUSED_UNTIL.load(Relaxed)) < last;
    let least = (waited * PAUSE).as_nanos() as u64;
    let length = least.max(if again { 2 * last } else { 0 }).min(LONGEST.as_nanos() as u64);
    LAST_PAUSE.store(length, Relaxed);
    PAUSED_UNTIL.store(now + length, Relaxed);
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
    fn pauses_grow_and_end() {
        pause(Duration::from_micros(300));
        let first = LAST_PAUSE.load(Relaxed);
        assert!(first >= 3_000_000 && is_paused());
        pause(Duration::from_micros(300));
        assert!(LAST_PAUSE.load(Relaxed) == 2 * first);
        thread::sleep(Duration::from_nanos(2 * first));
        assert!(!is_paused());
    }
}
