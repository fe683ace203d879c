//! Where the bytes of a file live: on disk, in memory, or at the end of a pipe.

use crate::atomic_file::AtomicFile;
use crate::demand;
use crate::tensor::dtype::DType;
use crate::tensor::error::Result;
use crate::tensor::storage::Storage;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `"r"`
    Read,
    /// `"w"`
    Write,
    /// `"rw"`: what is there stays, and what is not is made.
    ReadWrite,
}

impl Mode {
    /// The mode of a name: `r`, `w` or `rw`.
    pub fn from_name(name: &str) -> Option<Mode> {
        match name {
            "r" => Some(Mode::Read),
            "w" => Some(Mode::Write),
            "rw" => Some(Mode::ReadWrite),
            _ => None,
        }
    }
    /// Whether the file can be read.
    pub fn reads(self) -> bool {
        self != Mode::Write
    }
    /// Whether the file can be written.
    pub fn writes(self) -> bool {
        self != Mode::Read
    }
}

/// A run of bytes that a file reads and writes.
pub trait Backing {
    /// Reads some bytes from a position; 0 at the end.
    ///
    /// # Errors
    /// Those of the system.
    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<usize>;
    /// Writes all bytes at a position.
    ///
    /// # Errors
    /// Those of the system.
    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()>;
    /// How many bytes there are; `None` for a pipe.
    ///
    /// # Errors
    /// Those of the system.
    fn size(&mut self) -> io::Result<Option<u64>>;
    /// Whether others see the bytes, so that nothing may be held back in a buffer.
    fn is_live(&self) -> bool {
        false
    }
    /// The storage that holds the bytes and a zero behind them, for a file in memory.
    fn storage(&mut self) -> Option<Result<Storage>> {
        None
    }
    /// Whether the bytes are those of this storage.
    fn is_over(&self, _storage: &Storage) -> bool {
        false
    }
    /// The last call. `keep` is false when what was written is not to take the place of an older file.
    ///
    /// # Errors
    /// Those of the system.
    fn finish(&mut self, _keep: bool) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes in a CharStorage that Lua may hold too. A zero follows the content, which is no part of it.
pub struct Memory {
    storage: Storage,
    size: usize,
    /// Elements of the storage behind the content: the zero, or nothing.
    tail: usize,
}

impl Memory {
    /// An empty file.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn new() -> Result<Memory> {
        Ok(Memory { storage: Storage::new(DType::Char, 1)?, size: 0, tail: 1 })
    }

    /// A file over all of a storage but its last element, which must be a zero.
    ///
    /// # Errors
    /// A storage of another type or without the zero.
    pub fn over(storage: Storage) -> Result<Memory> {
        Memory::check(&storage)?;
        let size = storage.len().wrapping_sub(1);
        demand!(storage.get::<i8>(size) == Some(0), "provided CharStorage must be terminated by 0");
        Ok(Memory { storage, size, tail: 1 })
    }

    /// All of a storage, to be read.
    ///
    /// # Errors
    /// A storage of another type.
    pub fn reading(storage: Storage) -> Result<Memory> {
        Memory::check(&storage)?;
        let size = storage.len();
        Ok(Memory { storage, size, tail: 0 })
    }

    fn check(storage: &Storage) -> Result<()> {
        let dtype = storage.dtype();
        demand!(dtype == DType::Char, "expected a torch.CharStorage, got a {}", dtype.storage_name());
        Ok(())
    }

    /// How many bytes there are: a program may have made the storage smaller.
    fn len(&self) -> usize {
        self.size.min(self.storage.len().saturating_sub(self.tail))
    }
}

impl Backing for Memory {
    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(self.len());
        let n = out.len().min(self.len() - from);
        self.storage.read_bytes(from, &mut out[..n]).map_err(io::Error::other)
    }
    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let end = at.checked_add(data.len()).ok_or(io::ErrorKind::OutOfMemory)?;
        let old = self.len();
        if end + 1 > self.storage.len() {
            // some more than is needed now, so that many small writes do not copy everything each time
            let more = if old == 0 { end } else { end.max(old + old / 2) };
            self.storage.resize(more + 1).map_err(io::Error::other)?;
        }
        self.storage.write_bytes(at, data).map_err(io::Error::other)?;
        self.size = old.max(end);
        if end >= old {
            self.storage.write_bytes(end, &[0]).map_err(io::Error::other)?;
        }
        Ok(())
    }
    fn size(&mut self) -> io::Result<Option<u64>> {
        Ok(Some(self.len() as u64))
    }
    fn is_live(&self) -> bool {
        true
    }
    fn storage(&mut self) -> Option<Result<Storage>> {
        let fits = self.storage.len() == self.len() + 1;
        let trimmed = if fits { Ok(()) } else { self.storage.resize(self.len() + 1) };
        Some(trimmed.map(|()| self.storage.clone()))
    }
    fn is_over(&self, other: &Storage) -> bool {
        self.storage.same(other)
    }
}

/// A file on disk, perhaps under a temporary name until it is whole.
pub struct Disk {
    file: File,
    at: u64,
    /// What it becomes when it is whole.
    atomic_file: Option<AtomicFile>,
}

impl Disk {
    /// Opens a file. With `atomic`, a file opened for writing alone is written under a temporary name in the same
    /// folder and takes its place when it is finished; what is not a plain file is written directly.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(path: &Path, mode: Mode, atomic: bool) -> io::Result<Disk> {
        let mut options = OpenOptions::new();
        match mode {
            Mode::Read => options.read(true),
            Mode::ReadWrite => options.read(true).write(true).create(true).truncate(false),
            Mode::Write => {
                // where a new file cannot be had, the old one is written
                if atomic && let Ok(Some((file, atomic_file))) = AtomicFile::of(path) {
                    return Ok(Disk { file, at: 0, atomic_file: Some(atomic_file) });
                }
                options.write(true).create(true).truncate(true)
            }
        };
        let file = options.open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Disk { file, at: 0, atomic_file: None })
    }

    fn go(&mut self, at: u64) -> io::Result<()> {
        if self.at != at {
            self.at = self.file.seek(SeekFrom::Start(at))?;
        }
        Ok(())
    }
}

impl Backing for Disk {
    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        self.go(at)?;
        let n = self.file.read(out)?;
        self.at += n as u64;
        Ok(n)
    }
    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()> {
        self.go(at)?;
        // after a failure the place is unknown
        self.at = u64::MAX;
        self.file.write_all(data)?;
        self.at = at + data.len() as u64;
        Ok(())
    }
    fn size(&mut self) -> io::Result<Option<u64>> {
        Ok(Some(self.file.metadata()?.len()))
    }
    fn finish(&mut self, keep: bool) -> io::Result<()> {
        self.atomic_file.take().map_or(Ok(()), |mut r| r.finish(keep))
    }
}

/// One end of a pipe to a command that the shell runs.
pub struct Pipe {
    child: Option<Child>,
}

impl Pipe {
    /// Starts the command, to read what it prints or to write what it reads.
    ///
    /// # Errors
    /// Those of the system; mode `rw`.
    pub fn open(command: &str, mode: Mode) -> io::Result<Pipe> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command);
        match mode {
            Mode::Read => shell.stdout(Stdio::piped()),
            Mode::Write => shell.stdin(Stdio::piped()),
            Mode::ReadWrite => return Err(io::ErrorKind::InvalidInput.into()),
        };
        Ok(Pipe { child: Some(shell.spawn()?) })
    }
}

impl Backing for Pipe {
    fn read_at(&mut self, _at: u64, out: &mut [u8]) -> io::Result<usize> {
        let end = self.child.as_mut().and_then(|c| c.stdout.as_mut()).ok_or(io::ErrorKind::BrokenPipe)?;
        end.read(out)
    }
    fn write_at(&mut self, _at: u64, data: &[u8]) -> io::Result<()> {
        let end = self.child.as_mut().and_then(|c| c.stdin.as_mut()).ok_or(io::ErrorKind::BrokenPipe)?;
        end.write_all(data)
    }
    fn size(&mut self) -> io::Result<Option<u64>> {
        Ok(None)
    }
    /// Closes our end and does not wait for the command, as Torch7 does not; a thread collects it when it ends.
    fn finish(&mut self, _keep: bool) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            drop((child.stdin.take(), child.stdout.take()));
            std::thread::Builder::new().name("pipe".into()).spawn(move || child.wait())?;
        }
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.finish(false);
    }
}
