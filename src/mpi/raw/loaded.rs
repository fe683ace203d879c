//! A library that was opened, and its functions.

use super::super::abi::{Constants, Family, constants};
use super::{Comm, Data, DataMut, Level, Library, Outcome, Pending, Wait};
use crate::tensor::dtype::DType;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

/// Elements in one call: MPI counts with `int`.
const MOST: usize = 1 << 30;

/// A handle as a family passes it: a number of 32 bits, or as wide as a pointer.
trait Raw: Copy + Send + Sync + 'static {
    fn of(word: usize) -> Self;
    fn word(self) -> usize;
}
impl Raw for c_int {
    fn of(word: usize) -> c_int {
        word as u32 as c_int
    }
    fn word(self) -> usize {
        self as u32 as usize
    }
}
impl Raw for usize {
    fn of(word: usize) -> usize {
        word
    }
    fn word(self) -> usize {
        self
    }
}

/// A status: no family's is larger.
#[repr(C, align(8))]
struct Status([c_int; 16]);

/// A library that was opened; it stays so until the process ends.
#[derive(Clone, Copy)]
struct Opened(*mut c_void);

impl Opened {
    /// Opens a library, with its symbols for those that it loads itself.
    fn new(path: &Path) -> Outcome<Opened> {
        let name = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| "its name has a NUL".to_string())?;
        // SAFETY: `name` is text that ends; code that libraries run when they are loaded is what loading one means. The
        // text of an error is read at once.
        unsafe {
            let handle = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL);
            if !handle.is_null() {
                return Ok(Opened(handle));
            }
            let why = libc::dlerror();
            let known = !why.is_null();
            Err(if known { CStr::from_ptr(why).to_string_lossy().into_owned() } else { "it cannot be opened".into() })
        }
    }

    /// The address of a symbol.
    fn address(self, name: &str) -> Outcome<usize> {
        let text = CString::new(name).map_err(|_| "a name has a NUL".to_string())?;
        // SAFETY: an open library, and text that ends.
        let found = unsafe { libc::dlsym(self.0, text.as_ptr()) };
        if found.is_null() { Err(format!("it has no {name}")) } else { Ok(found as usize) }
    }

    /// A function.
    ///
    /// # Safety
    /// `F` is the type of a pointer to the function with this name.
    unsafe fn function<F: Copy>(self, name: &str) -> Outcome<F> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        let address = self.address(name)? as *mut c_void;
        // SAFETY: by the contract; the library stays open until the process ends.
        Ok(unsafe { std::mem::transmute_copy(&address) })
    }
}

/// Declares the functions of the library with their symbols, and how they are found.
macro_rules! functions {
    ($($name:ident $symbol:literal ($($arg:ty),*);)*) => {
        struct Functions<H> {
            $($name: unsafe extern "C" fn($($arg),*) -> c_int,)*
            _handles: PhantomData<H>,
        }
        impl<H: Raw> Functions<H> {
            fn of(library: Opened) -> Outcome<Functions<H>> {
                Ok(Functions {
                    // SAFETY: the symbol is that of a function which MPI declares so; `H` is a handle as the library's
                    // family passes it.
                    $($name: unsafe { library.function::<unsafe extern "C" fn($($arg),*) -> c_int>($symbol)? },)*
                    _handles: PhantomData,
                })
            }
        }
    };
}
functions! {
    init_thread "MPI_Init_thread" (*mut c_int, *mut *mut *mut c_char, c_int, *mut c_int);
    initialized "MPI_Initialized" (*mut c_int);
    finalize "MPI_Finalize" ();
    abort "MPI_Abort" (H, c_int);
    error_string "MPI_Error_string" (c_int, *mut c_char, *mut c_int);
    set_errhandler "MPI_Comm_set_errhandler" (H, H);
    rank "MPI_Comm_rank" (H, *mut c_int);
    size "MPI_Comm_size" (H, *mut c_int);
    split "MPI_Comm_split" (H, c_int, c_int, *mut H);
    processor "MPI_Get_processor_name" (*mut c_char, *mut c_int);
    barrier "MPI_Barrier" (H);
    bcast "MPI_Bcast" (*mut c_void, c_int, H, c_int, H);
    reduce "MPI_Reduce" (*const c_void, *mut c_void, c_int, H, H, c_int, H);
    allreduce "MPI_Allreduce" (*const c_void, *mut c_void, c_int, H, H, H);
    allgatherv "MPI_Allgatherv" (*const c_void, c_int, H, *mut c_void, *const c_int, *const c_int, H, H);
    ibcast "MPI_Ibcast" (*mut c_void, c_int, H, c_int, H, *mut H);
    ireduce "MPI_Ireduce" (*const c_void, *mut c_void, c_int, H, H, c_int, H, *mut H);
    iallreduce "MPI_Iallreduce" (*const c_void, *mut c_void, c_int, H, H, H, *mut H);
    iallgatherv "MPI_Iallgatherv" (*const c_void, c_int, H, *mut c_void, *const c_int, *const c_int, H, H, *mut H);
    replace "MPI_Sendrecv_replace" (*mut c_void, c_int, H, c_int, c_int, c_int, c_int, H, *mut Status);
    send "MPI_Send" (*const c_void, c_int, H, c_int, c_int, H);
    recv "MPI_Recv" (*mut c_void, c_int, H, c_int, c_int, H, *mut Status);
    isend "MPI_Isend" (*const c_void, c_int, H, c_int, c_int, H, *mut H);
    irecv "MPI_Irecv" (*mut c_void, c_int, H, c_int, c_int, H, *mut H);
    test "MPI_Test" (*mut H, *mut c_int, *mut Status);
    iprobe "MPI_Iprobe" (c_int, c_int, H, *mut c_int, *mut Status);
    get_count "MPI_Get_count" (*const Status, H, *mut c_int);
}

/// Parts of so many elements that one call takes: where each starts, and its length. One of no element where there is none:
/// the other processes call too.
fn parts(count: usize) -> impl Iterator<Item = (usize, c_int)> {
    (0..count.div_ceil(MOST).max(1)).map(move |i| (i * MOST, (count - i * MOST).min(MOST) as c_int))
}

/// A library whose handles are `H`.
struct Loaded<H> {
    family: Family,
    f: Functions<H>,
    c: Constants,
    level: Level,
    starter: ThreadId,
    turn: Mutex<()>,
}

/// Whether MPI has ended: it does not begin again in this process.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Opens a library and starts MPI.
///
/// # Errors
/// A file that is no MPI library, or one of another family than `wanted`; what the library says.
pub fn start(path: &Path, wanted: Option<Family>) -> Outcome<Box<dyn Library>> {
    if ENDED.load(SeqCst) {
        return Err("MPI begins once in a process, and has ended".into());
    }
    let opened = Opened::new(path)?;
    let standard = path.file_name().is_some_and(|n| n.to_string_lossy().contains("mpi_abi"));
    let family = match (standard, opened.address("ompi_mpi_comm_world").is_ok()) {
        (true, _) => Family::Standard,
        (_, true) => Family::OpenMpi,
        _ => Family::Mpich,
    };
    if let Some(wanted) = wanted
        && (wanted == Family::OpenMpi) != (family == Family::OpenMpi)
    {
        return Err(format!("it is {}, and the launcher is {}", family.name(), wanted.name()));
    }
    let c = constants(family, |name: &str| opened.address(name))?;
    Ok(match family {
        Family::Mpich => Box::new(Loaded::<c_int>::start(opened, family, c)?),
        _ => Box::new(Loaded::<usize>::start(opened, family, c)?),
    })
}

impl<H: Raw> Loaded<H> {
    fn start(library: Opened, family: Family, c: Constants) -> Outcome<Loaded<H>> {
        let f = Functions::<H>::of(library)?;
        let (mut running, mut got) = (0, c.levels[0]);
        // SAFETY: the pointers are to variables of ours, and no arguments of the program are handed over.
        unsafe {
            (f.initialized)(&mut running);
            if running == 0 {
                let code = (f.init_thread)(std::ptr::null_mut(), std::ptr::null_mut(), c.levels[3], &mut got);
                if code != 0 {
                    return Err(format!("MPI_Init_thread failed with code {code}"));
                }
            }
        }
        let level = match got {
            got if got >= c.levels[3] => Level::Multiple,
            got if got >= c.levels[2] => Level::Serialized,
            _ => Level::Funneled,
        };
        let starter = std::thread::current().id();
        let loaded = Loaded { family, f, c, level, starter, turn: Mutex::new(()) };
        loaded.report_errors(Comm(loaded.c.world))?;
        Ok(loaded)
    }

    /// Lets this thread call the library until the guard is dropped.
    fn enter(&self) -> Outcome<Option<MutexGuard<'_, ()>>> {
        if ENDED.load(SeqCst) {
            return Err("MPI has been stopped".into());
        }
        match self.level {
            Level::Multiple => Ok(None),
            Level::Serialized => Ok(Some(self.turn.lock().unwrap_or_else(PoisonError::into_inner))),
            Level::Funneled if std::thread::current().id() == self.starter => Ok(None),
            Level::Funneled => Err("this library may be used by the thread alone that started it".into()),
        }
    }

    /// The text of an error's code.
    fn checked(&self, name: &str, code: c_int) -> Outcome<()> {
        if code == 0 {
            return Ok(());
        }
        let (mut text, mut len) = ([0u8; 1024], 0);
        // SAFETY: no library's texts are longer than 512 bytes.
        unsafe { (self.f.error_string)(code, text.as_mut_ptr().cast(), &mut len) };
        let text = &text[..usize::try_from(len).unwrap_or(0).min(text.len())];
        Err(format!("{name} failed: {}", String::from_utf8_lossy(text).trim_end_matches('\0')))
    }

    /// Has errors in this group come back as codes, where MPI would end the process.
    fn report_errors(&self, comm: Comm) -> Outcome<()> {
        // SAFETY: a communicator and an error handler of the library.
        let code = unsafe { (self.f.set_errhandler)(H::of(comm.0), H::of(self.c.errors_return)) };
        self.checked("MPI_Comm_set_errhandler", code)
    }

    fn kind(&self, dtype: DType) -> H {
        H::of(self.c.types[dtype.index()])
    }

    /// How many elements MPI sees in so many of ours: halves are pairs of bytes.
    fn counted(&self, dtype: DType, count: usize) -> usize {
        if self.c.types[dtype.index()] == self.c.byte { count * dtype.size() } else { count }
    }

    /// Parts of so many elements: the byte at which each starts, and its length as MPI counts it.
    fn pieces(&self, dtype: DType, count: usize) -> impl Iterator<Item = (usize, c_int)> + use<H> {
        let all = self.counted(dtype, count);
        let unit = if all == count { dtype.size() } else { 1 };
        parts(all).map(move |(start, n)| (start * unit, n))
    }

    /// Calls a function of the library for parts of so many elements: with the byte at which each starts, its length and its
    /// type.
    fn each_part(
        &self,
        name: &str,
        count: usize,
        dtype: DType,
        call: impl Fn(usize, c_int, H) -> c_int,
    ) -> Outcome<()> {
        let _turn = self.enter()?;
        self.pieces(dtype, count).try_for_each(|(start, n)| self.checked(name, call(start, n, self.kind(dtype))))
    }

    /// Whether an operation is over.
    ///
    /// # Safety
    /// A request of this library that was not over before: MPI frees those that are.
    unsafe fn is_over(&self, name: &str, request: &mut H) -> Outcome<bool> {
        let _turn = self.enter()?;
        let mut done = 0;
        // SAFETY: by the contract, and variables of ours.
        let code = unsafe { (self.f.test)(request, &mut done, self.c.status_ignore as *mut Status) };
        self.checked(name, code)?;
        Ok(done != 0)
    }

    /// Runs a collective operation to its end: `blocking` does it, or `begin` begins it and gives it a request.
    fn to_the_end(
        &self,
        name: &str,
        wait: Wait,
        blocking: impl Fn() -> c_int,
        begin: impl Fn(&mut H) -> c_int,
    ) -> Outcome<()> {
        let mut request = H::of(0);
        {
            let _turn = self.enter()?;
            match wait {
                Wait::Busy => return self.checked(name, blocking()),
                Wait::Beside(_) => self.checked(name, begin(&mut request))?,
            }
        }
        // whoever lent memory to it has it back when MPI is done, or has ended
        for looks in 0.. {
            // SAFETY: the request that has just begun; this loop ends when it is over.
            if unsafe { self.is_over(name, &mut request) }? {
                break;
            }
            wait.pause(looks);
        }
        Ok(())
    }

    /// The number of a process, as MPI takes it.
    fn peer(&self, peer: usize, comm: Comm) -> Outcome<c_int> {
        let (_, size) = self.place(comm)?;
        if peer < size { Ok(peer as c_int) } else { Err(format!("there is no rank {peer} among {size}")) }
    }

    /// A count of bytes in one message.
    fn bytes(n: usize) -> Outcome<c_int> {
        c_int::try_from(n).map_err(|_| format!("a message of {n} bytes is too long: at most {} go at once", c_int::MAX))
    }
}

impl<H: Raw> Library for Loaded<H> {
    fn family(&self) -> Family {
        self.family
    }
    fn level(&self) -> Level {
        self.level
    }
    fn world(&self) -> Comm {
        Comm(self.c.world)
    }

    fn place(&self, comm: Comm) -> Outcome<(usize, usize)> {
        let _turn = self.enter()?;
        let (mut rank, mut size) = (0, 0);
        // SAFETY: a communicator of the library, and variables of ours.
        unsafe {
            self.checked("MPI_Comm_rank", (self.f.rank)(H::of(comm.0), &mut rank))?;
            self.checked("MPI_Comm_size", (self.f.size)(H::of(comm.0), &mut size))?;
        }
        Ok((rank as usize, size as usize))
    }

    fn split(&self, comm: Comm, color: usize) -> Outcome<Comm> {
        let mut new = H::of(0);
        {
            let _turn = self.enter()?;
            // SAFETY: as above; the key is equal for all, so that numbers keep their order.
            let code = unsafe { (self.f.split)(H::of(comm.0), color as c_int & c_int::MAX, 0, &mut new) };
            self.checked("MPI_Comm_split", code)?;
        }
        let comm = Comm(new.word());
        self.report_errors(comm)?;
        Ok(comm)
    }

    fn machine(&self) -> Outcome<String> {
        let _turn = self.enter()?;
        let (mut text, mut len) = ([0u8; 1024], 0);
        // SAFETY: no library's names are longer than 256 bytes.
        let code = unsafe { (self.f.processor)(text.as_mut_ptr().cast(), &mut len) };
        self.checked("MPI_Get_processor_name", code)?;
        let text = &text[..usize::try_from(len).unwrap_or(0).min(text.len())];
        Ok(String::from_utf8_lossy(text).trim_end_matches('\0').to_string())
    }

    fn barrier(&self, comm: Comm) -> Outcome<()> {
        let _turn = self.enter()?;
        // SAFETY: a communicator of the library.
        self.checked("MPI_Barrier", unsafe { (self.f.barrier)(H::of(comm.0)) })
    }

    fn broadcast(&self, data: DataMut, root: usize, comm: Comm, wait: Wait) -> Outcome<()> {
        let (root, h) = (self.peer(root, comm)?, H::of(comm.0));
        let kind = self.kind(data.dtype);
        for (start, n) in self.pieces(data.dtype, data.count) {
            let at = data.at.wrapping_byte_add(start);
            // SAFETY: `n` elements from `at` lie in the borrowed slice; any bytes are elements of their type. It stays
            // borrowed until the operation is over.
            let blocking = || unsafe { (self.f.bcast)(at, n, kind, root, h) };
            // SAFETY: the same.
            let begin = |request: &mut H| unsafe { (self.f.ibcast)(at, n, kind, root, h, request) };
            self.to_the_end("MPI_Bcast", wait, blocking, begin)?;
        }
        Ok(())
    }

    fn reduce(&self, input: Option<Data>, output: DataMut, root: Option<usize>, comm: Comm, wait: Wait) -> Outcome<()> {
        let (dtype, count) = (output.dtype, output.count);
        if self.counted(dtype, count) != count || input.as_ref().is_some_and(|i| i.dtype != dtype || i.count != count) {
            return Err("the sum of elements of this type, or of unequal counts, is not there".into());
        }
        let (rank, _) = self.place(comm)?;
        let root = root.map(|r| self.peer(r, comm)).transpose()?;
        let in_place = self.c.in_place as *const c_void;
        let (kind, sum, h) = (self.kind(dtype), H::of(self.c.sum), H::of(comm.0));
        for (start, n) in self.pieces(dtype, count) {
            let to = output.at.wrapping_byte_add(start);
            let own = input.as_ref().map(|i| i.at.wrapping_byte_add(start));
            // where there is one slice, MPI is told so; ranks other than the root then only send it
            let (from, to) = match (own, root) {
                (Some(own), _) => (own, to),
                (None, Some(root)) if root as usize != rank => (to.cast_const(), std::ptr::null_mut()),
                (None, _) => (in_place, to),
            };
            let f = &self.f;
            // SAFETY: `n` elements lie from there on in both slices, which do not overlap: one is borrowed to be written.
            // They stay borrowed until the operation is over.
            let blocking = || unsafe {
                match root {
                    None => (f.allreduce)(from, to, n, kind, sum, h),
                    Some(root) => (f.reduce)(from, to, n, kind, sum, root, h),
                }
            };
            // SAFETY: the same.
            let begin = |request: &mut H| unsafe {
                match root {
                    None => (f.iallreduce)(from, to, n, kind, sum, h, request),
                    Some(root) => (f.ireduce)(from, to, n, kind, sum, root, h, request),
                }
            };
            self.to_the_end(if root.is_some() { "MPI_Reduce" } else { "MPI_Allreduce" }, wait, blocking, begin)?;
        }
        Ok(())
    }

    fn allgather(&self, input: Data, output: DataMut, counts: &[usize], comm: Comm, wait: Wait) -> Outcome<()> {
        let (rank, size) = self.place(comm)?;
        let dtype = output.dtype;
        let all: usize = counts.iter().sum();
        if input.dtype != dtype || counts.len() != size || counts[rank] != input.count || all != output.count {
            return Err("counts that do not fit the slices".into());
        }
        let int = |n: usize| Self::bytes(self.counted(dtype, n));
        let lengths = counts.iter().map(|&n| int(n)).collect::<Outcome<Vec<c_int>>>()?;
        let mut starts = Vec::with_capacity(size);
        let mut at = 0;
        for &n in counts {
            starts.push(int(at)?);
            at += n;
        }
        let (f, kind, n, h) = (&self.f, self.kind(dtype), int(input.count)?, H::of(comm.0));
        // SAFETY: the counts were compared with both slices, and each start is the sum of the counts before it. Slices and
        // counts live until the operation is over.
        let blocking =
            || unsafe { (f.allgatherv)(input.at, n, kind, output.at, lengths.as_ptr(), starts.as_ptr(), kind, h) };
        // SAFETY: the same.
        let begin = |r: &mut H| unsafe {
            (f.iallgatherv)(input.at, n, kind, output.at, lengths.as_ptr(), starts.as_ptr(), kind, h, r)
        };
        self.to_the_end("MPI_Allgatherv", wait, blocking, begin)
    }

    fn exchange(&self, data: DataMut, from: usize, to: usize, comm: Comm) -> Outcome<()> {
        let (from, to) = (self.peer(from, comm)?, self.peer(to, comm)?);
        let ignored = self.c.status_ignore as *mut Status;
        self.each_part("MPI_Sendrecv_replace", data.count, data.dtype, |start, n, kind| {
            let at = data.at.wrapping_byte_add(start);
            // SAFETY: `n` elements from there on lie in the borrowed slice.
            unsafe { (self.f.replace)(at, n, kind, to, 0, from, 0, H::of(comm.0), ignored) }
        })
    }

    fn send(&self, data: Data, to: usize, tag: u16, comm: Comm) -> Outcome<()> {
        let to = self.peer(to, comm)?;
        self.each_part("MPI_Send", data.count, data.dtype, |start, n, kind| {
            let at = data.at.wrapping_byte_add(start);
            // SAFETY: `n` elements from there on lie in the borrowed slice.
            unsafe { (self.f.send)(at, n, kind, to, c_int::from(tag), H::of(comm.0)) }
        })
    }

    fn receive(&self, data: DataMut, from: usize, tag: u16, comm: Comm) -> Outcome<()> {
        let from = self.peer(from, comm)?;
        let ignored = self.c.status_ignore as *mut Status;
        self.each_part("MPI_Recv", data.count, data.dtype, |start, n, kind| {
            let at = data.at.wrapping_byte_add(start);
            // SAFETY: `n` elements from there on lie in the borrowed slice; longer messages are an error of MPI's.
            unsafe { (self.f.recv)(at, n, kind, from, c_int::from(tag), H::of(comm.0), ignored) }
        })
    }

    fn begin_send(&self, bytes: Vec<u8>, to: usize, tag: u16, comm: Comm) -> Outcome<Pending> {
        let (to, n) = (self.peer(to, comm)?, Self::bytes(bytes.len())?);
        let _turn = self.enter()?;
        let mut request = H::of(0);
        let (byte, tag) = (H::of(self.c.byte), c_int::from(tag));
        // SAFETY: the bytes stay where they are until MPI is done with them: see `Pending`.
        let code = unsafe { (self.f.isend)(bytes.as_ptr().cast(), n, byte, to, tag, H::of(comm.0), &mut request) };
        self.checked("MPI_Isend", code)?;
        Ok(Pending { request: request.word(), bytes, done: false })
    }

    fn begin_receive(&self, bytes: usize, from: usize, tag: u16, comm: Comm) -> Outcome<Pending> {
        let (from, n) = (self.peer(from, comm)?, Self::bytes(bytes)?);
        let mut bytes = vec![0; bytes];
        let _turn = self.enter()?;
        let mut request = H::of(0);
        let (byte, tag) = (H::of(self.c.byte), c_int::from(tag));
        // SAFETY: as above.
        let code =
            unsafe { (self.f.irecv)(bytes.as_mut_ptr().cast(), n, byte, from, tag, H::of(comm.0), &mut request) };
        self.checked("MPI_Irecv", code)?;
        Ok(Pending { request: request.word(), bytes, done: false })
    }

    fn is_done(&self, pending: &mut Pending) -> Outcome<bool> {
        if pending.done {
            return Ok(true);
        }
        let mut request = H::of(pending.request);
        // SAFETY: a request of this library's, and `done` says that it was not over before.
        pending.done = unsafe { self.is_over("MPI_Test", &mut request) }?;
        pending.request = request.word();
        Ok(pending.done)
    }

    fn waiting(&self, tag: u16, comm: Comm) -> Outcome<Option<(usize, usize)>> {
        let _turn = self.enter()?;
        let (mut status, mut there, mut count) = (Status([0; 16]), 0, 0);
        // SAFETY: a status of ours, at least as large as the library's.
        unsafe {
            let code = (self.f.iprobe)(self.c.any_source, c_int::from(tag), H::of(comm.0), &mut there, &mut status);
            self.checked("MPI_Iprobe", code)?;
            if there == 0 {
                return Ok(None);
            }
            self.checked("MPI_Get_count", (self.f.get_count)(&status, H::of(self.c.byte), &mut count))?;
        }
        let source =
            usize::try_from(status.0[self.c.source_at]).map_err(|_| "a source without a number".to_string())?;
        Ok(Some((source, usize::try_from(count).unwrap_or(0))))
    }

    fn finish(&self) -> Outcome<()> {
        let _turn = self.enter()?;
        ENDED.store(true, SeqCst);
        // SAFETY: every function here fails from now on.
        self.checked("MPI_Finalize", unsafe { (self.f.finalize)() })
    }

    fn abort(&self, code: i32) {
        if !ENDED.load(SeqCst) {
            // SAFETY: ends the process.
            unsafe { (self.f.abort)(H::of(self.c.world), code) };
        }
    }
}
