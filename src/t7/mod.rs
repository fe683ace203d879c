//! Files as Torch7 knows them: numbers as text or bytes, on disk, in memory or through a pipe. Runs no Lua.
//!
//! A [`TorchFile`] has Torch7's switches: text or binary, automatic spacing, byte order, the size of a `long`, quiet
//! or pedantic. Positions count from 0 here and from 1 in Lua. Elements are read and written in [`stream`], the text of
//! a number is in [`number`], and what holds the bytes is a [`Backing`].

mod backing;
mod buffer;
mod handle;
pub mod number;
pub mod stream;

pub use backing::{Backing, Disk, Memory, Mode, Pipe};
pub use handle::{FileHandle, synchronize_all};
pub use number::{ByteOrder, Primitive};

use crate::demand;
use crate::tensor::error::{Error, Result};
use crate::tensor::storage::Storage;
use buffer::Buffer;
use std::io;
use std::path::Path;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As text.
    Ascii,
    /// As bytes.
    Binary,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// torch.DiskFile
    Disk,
    /// torch.MemoryFile
    Memory,
    /// torch.PipeFile
    Pipe,
}

/// An open or closed file with its position and switches.
pub struct TorchFile {
    kind: Kind,
    name: String,
    mode: Mode,
    /// None once closed.
    buffer: Option<Buffer>,
    error: bool,
    /// Text or binary; text at first.
    pub encoding: Encoding,
    /// The order of bytes in binary.
    pub byte_order: ByteOrder,
    /// In text: blanks between elements and a line end after each write, which a read takes away.
    pub auto_spacing: bool,
    /// Whether failures only set the mark that [`TorchFile::has_error`] reads.
    pub quiet: bool,
    short_long: bool,
}

impl std::fmt::Debug for TorchFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl TorchFile {
    fn over(kind: Kind, name: &str, mode: Mode, backing: Box<dyn Backing>) -> TorchFile {
        TorchFile {
            kind,
            name: name.to_owned(),
            mode,
            buffer: Some(Buffer::new(backing)),
            error: false,
            encoding: Encoding::Ascii,
            byte_order: ByteOrder::NATIVE,
            auto_spacing: true,
            quiet: false,
            short_long: false,
        }
    }

    /// A file on disk. With `atomic`, what mode `w` writes gets its name only when the file is closed without an
    /// error, so that a failed save leaves the older file as it was.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn disk(path: &str, mode: Mode, atomic: bool) -> Result<TorchFile> {
        let disk = Disk::open(Path::new(path), mode, atomic);
        let disk = disk.map_err(|e| {
            let verb = if mode == Mode::Read { "read" } else { "write" };
            Error::invalid(format!("cannot open <{path}> in mode {} to {verb}: {e}", mode_name(mode)))
        })?;
        Ok(TorchFile::over(Kind::Disk, path, mode, Box::new(disk)))
    }

    /// A file in memory, over bytes or over any other [`Backing`].
    pub fn memory(bytes: impl Backing + 'static, mode: Mode) -> TorchFile {
        TorchFile::over(Kind::Memory, "", mode, Box::new(bytes))
    }

    /// What a command prints (`r`) or reads (`w`).
    ///
    /// # Errors
    /// The shell cannot be started; mode `rw`.
    pub fn pipe(command: &str, mode: Mode) -> Result<TorchFile> {
        demand!(mode != Mode::ReadWrite, "a pipe is read or written: mode should be 'r' or 'w'");
        let pipe = Pipe::open(command, mode).map_err(|e| Error::invalid(format!("cannot run <{command}>: {e}")))?;
        Ok(TorchFile::over(Kind::Pipe, command, mode, Box::new(pipe)))
    }

    /// What kind of file it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text that `tostring` gives.
    pub fn describe(&self) -> String {
        let status = if self.is_open() { "open" } else { "closed" };
        let (r, w) = (if self.mode.reads() { 'r' } else { ' ' }, if self.mode.writes() { 'w' } else { ' ' });
        match self.kind {
            Kind::Disk => format!("torch.DiskFile on <{}> [status: {status} -- mode {r}{w}]", self.name),
            Kind::Pipe => format!("torch.PipeFile on <{}> [status: {status} -- mode: {r}{w}]", self.name),
            Kind::Memory => format!("torch.MemoryFile [status: {status} -- mode: {r}{w}]"),
        }
    }

    /// Whether it was not closed yet.
    pub fn is_open(&self) -> bool {
        self.buffer.is_some()
    }
    /// Whether the mode allows reading.
    pub fn is_readable(&self) -> bool {
        self.mode.reads()
    }
    /// Whether the mode allows writing.
    pub fn is_writable(&self) -> bool {
        self.mode.writes()
    }
    /// Whether numbers are bytes.
    pub fn is_binary(&self) -> bool {
        self.encoding == Encoding::Binary
    }
    /// Whether something failed since [`TorchFile::clear_error`].
    pub fn has_error(&self) -> bool {
        self.error
    }
    /// Forgets what failed.
    pub fn clear_error(&mut self) {
        self.error = false;
    }

    /// Bytes of a `long` in binary: 4, or 8.
    pub fn long_size(&self) -> usize {
        if self.short_long { 4 } else { 8 }
    }

    /// Sets the bytes of a `long` in binary; 0 for this machine's.
    ///
    /// # Errors
    /// Another size than 0, 4 and 8.
    pub fn set_long_size(&mut self, size: i64) -> Result<()> {
        demand!(matches!(size, 0 | 4 | 8), "invalid long size {size}: must be 0 (this machine's), 4 or 8");
        self.short_long = size == 4;
        Ok(())
    }

    /// Makes every write go through at once.
    ///
    /// # Errors
    /// A closed file, or the system's.
    pub fn no_buffer(&mut self) -> Result<()> {
        self.open_buffer()?.unbuffered = true;
        self.synchronize()
    }

    fn open_buffer(&mut self) -> Result<&mut Buffer> {
        self.buffer.as_mut().ok_or_else(|| Error::invalid("attempt to use a closed file"))
    }

    fn reader(&mut self) -> Result<&mut Buffer> {
        let readable = self.mode.reads();
        let buffer = self.open_buffer()?;
        demand!(readable, "attempt to read in a write-only file");
        Ok(buffer)
    }

    fn writer(&mut self) -> Result<&mut Buffer> {
        let writable = self.mode.writes();
        let buffer = self.open_buffer()?;
        demand!(writable, "attempt to write in a read-only file");
        Ok(buffer)
    }

    /// Marks a failure; an error unless the file is quiet.
    fn failed(&mut self, what: &str) -> Result<()> {
        self.error = true;
        if self.quiet {
            return Ok(());
        }
        let at = self.buffer.as_ref().map_or(0, Buffer::position) + 1;
        let on = if self.name.is_empty() { String::new() } else { format!(" of <{}>", self.name) };
        Err(Error::invalid(format!("{what} at position {at}{on}")))
    }

    fn settle(&mut self, done: io::Result<()>, what: &str) -> Result<()> {
        let settled = self.buffer.as_mut().map_or(Ok(()), Buffer::settle);
        match done.and(settled) {
            Ok(()) => Ok(()),
            Err(e) => self.failed(&format!("{what}: {e}")),
        }
    }

    /// The position, from 0.
    ///
    /// # Errors
    /// A closed file.
    pub fn position(&mut self) -> Result<u64> {
        Ok(self.open_buffer()?.position())
    }

    /// Goes to a position, from 0. A file on disk has positions beyond its end.
    ///
    /// # Errors
    /// A closed file, a pipe, a position that is not there.
    pub fn seek(&mut self, position: i64) -> Result<()> {
        let growing = self.kind == Kind::Disk;
        let buffer = self.open_buffer()?;
        let done = match (u64::try_from(position), buffer.size()) {
            (Ok(at), Ok(Some(size))) if at <= size || growing => buffer.seek(at),
            (_, Err(e)) => Err(e),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        };
        match done {
            Ok(()) => Ok(()),
            Err(_) if self.kind == Kind::Memory => {
                // as Torch7 does: the position is then the end
                let end = self.left()?.unwrap_or(0) + self.position()?;
                let _ = self.open_buffer()?.seek(end);
                self.failed(&format!("unable to seek to position {}", position.saturating_add(1)))
            }
            Err(_) => self.failed(&format!("unable to seek to position {}", position.saturating_add(1))),
        }
    }

    /// Goes to the end.
    ///
    /// # Errors
    /// A closed file, a pipe.
    pub fn seek_end(&mut self) -> Result<()> {
        match self.open_buffer()?.size() {
            Ok(Some(end)) => self.seek(i64::try_from(end).unwrap_or(i64::MAX)),
            _ => self.failed("unable to seek to the end"),
        }
    }

    /// Hands everything written to the system.
    ///
    /// # Errors
    /// A closed file, or the system's.
    pub fn synchronize(&mut self) -> Result<()> {
        let done = self.open_buffer()?.flush();
        self.settle(done, "cannot write")
    }

    /// Closes the file. A file that was opened `atomic` gets its name now, unless something failed.
    ///
    /// # Errors
    /// A closed file; what was written cannot be kept.
    pub fn close(&mut self) -> Result<()> {
        let keep = !(self.error && self.mode == Mode::Write);
        let mut buffer = self.buffer.take().ok_or_else(|| Error::invalid("attempt to use a closed file"))?;
        if let Err(e) = buffer.finish(keep) {
            self.error = true;
            return Err(Error::invalid(format!("cannot write <{}>: {e}", self.name)));
        }
        Ok(())
    }

    /// Closes the file and, where it was opened `atomic`, leaves the older file in its place.
    pub fn discard(&mut self) {
        if let Some(mut buffer) = self.buffer.take() {
            let _ = buffer.finish(false);
        }
    }

    /// How many bytes there are from the position on; `None` for a pipe.
    ///
    /// # Errors
    /// A closed file, or the system's.
    pub fn left(&mut self) -> Result<Option<u64>> {
        let buffer = self.open_buffer()?;
        let at = buffer.position();
        match buffer.size() {
            Ok(size) => Ok(size.map(|s| s.saturating_sub(at))),
            Err(e) => Err(Error::invalid(format!("cannot tell the size of <{}>: {e}", self.name))),
        }
    }

    /// The storage of a file in memory: its content and a zero.
    ///
    /// # Errors
    /// A closed file, another kind of file.
    pub fn storage(&mut self) -> Result<Storage> {
        self.open_buffer()?.storage().ok_or_else(|| Error::invalid("only a file in memory has a storage"))?
    }
}

impl Drop for TorchFile {
    /// Writes what is pending, as C does at the end; a file opened `atomic` that nobody closed is dropped.
    fn drop(&mut self) {
        self.discard();
    }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Read => "r",
        Mode::Write => "w",
        Mode::ReadWrite => "rw",
    }
}

#[cfg(test)]
mod tests;
