//! The functions of an MPI library, loaded at run time: the one place that calls foreign code.
//!
//! What is safe to call here is safe whatever the arguments: memory is borrowed for as long as a function runs, or owned by a
//! [`Pending`] until MPI is done with it; [communicators](Comm) come from the library alone; and the level of thread support
//! that the library granted is kept.

mod loaded;

pub use loaded::start;

use super::abi::Family;
use crate::tensor::dtype::{DType, Element};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// What went wrong, in the library's words.
pub type Outcome<T> = Result<T, String>;

/// How MPI may be used by threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Level {
    /// By the thread that started it.
    Funneled,
    /// By one thread at a time.
    Serialized,
    /// By all at once.
    Multiple,
}

/// A group of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comm(usize);

/// How an operation waits for the other processes.
#[derive(Clone, Copy)]
pub enum Wait<'a> {
    /// As MPI's own functions do: they look without pause.
    Busy,
    /// Leaves the processor to the program, unless it waits itself: as many of its threads as the number says.
    Beside(&'a AtomicUsize),
}

impl Wait<'_> {
    /// Between the looks of an operation, of which there were `looks`. One costs some microseconds, and moves as much as
    /// fits into the library's buffers: soon at first, for short operations, then less often.
    fn pause(self, looks: u32) {
        match self {
            Wait::Beside(waiting) if waiting.load(Relaxed) == 0 => {
                std::thread::sleep(Duration::from_micros(50 << looks.min(3)));
            }
            _ => std::thread::yield_now(),
        }
    }
}

/// Bytes that are on their way; nobody else reaches them meanwhile.
pub struct Pending {
    request: usize,
    bytes: Vec<u8>,
    done: bool,
}

impl Pending {
    /// The bytes, once [`Library::is_done`] said so.
    pub fn into_bytes(mut self) -> Option<Vec<u8>> {
        self.done.then(|| std::mem::take(&mut self.bytes))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.done {
            // MPI may still read or write them
            std::mem::forget(std::mem::take(&mut self.bytes));
        }
    }
}

/// A started MPI.
pub trait Library: Send + Sync {
    /// Its family.
    fn family(&self) -> Family;
    /// How threads may use it.
    fn level(&self) -> Level;
    /// All processes.
    fn world(&self) -> Comm;
    /// This process's number in a group, and how many there are.
    fn place(&self, comm: Comm) -> Outcome<(usize, usize)>;
    /// The group of those that give the same colour, in the order of their numbers.
    fn split(&self, comm: Comm, color: usize) -> Outcome<Comm>;
    /// The name of the machine.
    fn machine(&self) -> Outcome<String>;
    /// Waits for all processes of a group.
    fn barrier(&self, comm: Comm) -> Outcome<()>;
    /// One process's elements to all.
    fn broadcast(&self, data: DataMut, root: usize, comm: Comm, wait: Wait) -> Outcome<()>;
    /// The sum of all processes' elements, for one of them or for all. Without input, the output is the input.
    fn reduce(&self, input: Option<Data>, output: DataMut, root: Option<usize>, comm: Comm, wait: Wait) -> Outcome<()>;
    /// All processes' elements one after another; `counts` says how many each has.
    fn allgather(&self, input: Data, output: DataMut, counts: &[usize], comm: Comm, wait: Wait) -> Outcome<()>;
    /// Sends elements to one process and replaces them by those of another.
    fn exchange(&self, data: DataMut, from: usize, to: usize, comm: Comm) -> Outcome<()>;
    /// Sends elements.
    fn send(&self, data: Data, to: usize, tag: u16, comm: Comm) -> Outcome<()>;
    /// Receives elements.
    fn receive(&self, data: DataMut, from: usize, tag: u16, comm: Comm) -> Outcome<()>;
    /// Begins to send bytes.
    fn begin_send(&self, bytes: Vec<u8>, to: usize, tag: u16, comm: Comm) -> Outcome<Pending>;
    /// Begins to receive so many bytes.
    fn begin_receive(&self, bytes: usize, from: usize, tag: u16, comm: Comm) -> Outcome<Pending>;
    /// Whether bytes have arrived.
    fn is_done(&self, pending: &mut Pending) -> Outcome<bool>;
    /// Who has sent something that nobody has received yet, and how many bytes.
    fn waiting(&self, tag: u16, comm: Comm) -> Outcome<Option<(usize, usize)>>;
    /// Ends MPI. Everything fails from then on.
    fn finish(&self) -> Outcome<()>;
    /// Ends all processes.
    fn abort(&self, code: i32);
}

/// Elements to be sent.
pub struct Data<'a> {
    at: *const c_void,
    count: usize,
    dtype: DType,
    _borrowed: PhantomData<&'a u8>,
}

/// Elements to be written.
pub struct DataMut<'a> {
    at: *mut c_void,
    count: usize,
    dtype: DType,
    _borrowed: PhantomData<&'a mut u8>,
}

/// What stands for elements where there are none: a slice of none may lie at 1, which to MPI means something else.
static NOTHING: [u64; 1] = [0];

impl<'a> Data<'a> {
    /// A slice.
    pub fn of<T: Element>(slice: &'a [T]) -> Data<'a> {
        let at = if slice.is_empty() { NOTHING.as_ptr().cast() } else { slice.as_ptr().cast() };
        Data { at, count: slice.len(), dtype: T::DTYPE, _borrowed: PhantomData }
    }
}

impl<'a> DataMut<'a> {
    /// A slice.
    pub fn of<T: Element>(slice: &'a mut [T]) -> DataMut<'a> {
        let empty = slice.is_empty();
        // nobody writes where there is no element
        let at = if empty { NOTHING.as_ptr().cast_mut().cast() } else { slice.as_mut_ptr().cast() };
        DataMut { at, count: slice.len(), dtype: T::DTYPE, _borrowed: PhantomData }
    }
}
