//! A position in a [`Backing`], with buffers on both sides.

use super::backing::Backing;
use crate::tensor::error::{Error, Result};
use crate::tensor::storage::Storage;
use std::io;

/// Bytes moved at a time.
const CHUNK: usize = 1 << 16;
/// Bytes first asked of a backing that others see, whose window lives for one operation only.
const GLANCE: usize = 64;

/// Bytes at a position. Either a window of bytes read ahead or a run of bytes to be written is held, never both.
pub struct Buffer {
    backing: Box<dyn Backing>,
    /// Where the next byte is read or written.
    at: u64,
    /// Bytes read ahead from `at - used`.
    window: Vec<u8>,
    used: usize,
    /// Bytes that belong before `at`.
    pending: Vec<u8>,
    live: bool,
    /// Whether each write goes through at once.
    pub unbuffered: bool,
    step: usize,
}

impl Buffer {
    /// A buffer at the start.
    pub fn new(backing: Box<dyn Backing>) -> Buffer {
        let live = backing.is_live();
        Buffer {
            backing,
            at: 0,
            window: Vec::new(),
            used: 0,
            pending: Vec::new(),
            live,
            unbuffered: false,
            step: GLANCE,
        }
    }

    /// The position, from 0.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// How many bytes there are; `None` for a pipe.
    pub fn size(&mut self) -> io::Result<Option<u64>> {
        self.flush()?;
        self.backing.size()
    }

    /// Goes to a position.
    pub fn seek(&mut self, at: u64) -> io::Result<()> {
        self.flush()?;
        let start = self.at - self.used as u64;
        if at >= start && at - start <= self.window.len() as u64 {
            self.used = (at - start) as usize;
        } else {
            self.forget();
        }
        self.at = at;
        Ok(())
    }

    fn forget(&mut self) {
        self.window.clear();
        self.used = 0;
        self.step = GLANCE;
    }

    /// Ends an operation: what others may change is forgotten, what they may look at is written.
    pub fn settle(&mut self) -> io::Result<()> {
        if self.live {
            self.forget();
        }
        if self.live || self.unbuffered { self.flush() } else { Ok(()) }
    }

    /// The bytes read ahead.
    pub fn ahead(&self) -> &[u8] {
        &self.window[self.used..]
    }

    /// Moves over bytes that were read ahead.
    pub fn advance(&mut self, n: usize) {
        let n = n.min(self.window.len() - self.used);
        self.used += n;
        self.at += n as u64;
    }

    /// Reads more bytes ahead; false at the end.
    pub fn more(&mut self) -> io::Result<bool> {
        self.flush()?;
        if self.used > 0 {
            self.window.drain(..self.used);
            self.used = 0;
        }
        let held = self.window.len();
        let step = if self.live { self.step } else { CHUNK };
        self.step = (self.step * 2).min(CHUNK);
        self.window.resize(held + step, 0);
        let got = retry(|| self.backing.read_at(self.at + held as u64, &mut self.window[held..]));
        self.window.truncate(held + got.as_ref().copied().unwrap_or(0));
        Ok(got? > 0)
    }

    /// Reads bytes until `out` is full or the end; how many.
    pub fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.flush()?;
        let ahead = self.ahead();
        let mut done = ahead.len().min(out.len());
        out[..done].copy_from_slice(&ahead[..done]);
        self.advance(done);
        if done < out.len() && out.len() - done < CHUNK && !self.live {
            while self.ahead().len() < out.len() - done && self.more()? {}
            let ahead = self.ahead();
            let n = ahead.len().min(out.len() - done);
            out[done..done + n].copy_from_slice(&ahead[..n]);
            self.advance(n);
            return Ok(done + n);
        }
        while done < out.len() {
            self.forget();
            let n = retry(|| self.backing.read_at(self.at, &mut out[done..]))?;
            if n == 0 {
                break;
            }
            done += n;
            self.at += n as u64;
        }
        Ok(done)
    }

    /// Writes bytes.
    pub fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.forget();
        if self.pending.len() + data.len() > CHUNK {
            self.flush()?;
        }
        if data.len() > CHUNK {
            self.backing.write_at(self.at, data)?;
        } else {
            self.pending.extend_from_slice(data);
        }
        self.at += data.len() as u64;
        Ok(())
    }

    /// Writes what is pending. After an error it is lost.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let done = self.backing.write_at(self.at - self.pending.len() as u64, &self.pending);
        self.pending.clear();
        done
    }

    /// The storage behind a file in memory.
    pub fn storage(&mut self) -> Option<Result<Storage>> {
        if let Err(e) = self.flush() {
            return Some(Err(Error::invalid(e.to_string())));
        }
        self.backing.storage()
    }

    /// Whether the bytes are those of a storage.
    pub fn is_over(&self, storage: &Storage) -> bool {
        self.backing.is_over(storage)
    }

    /// The last call: flushes and closes.
    pub fn finish(&mut self, keep: bool) -> io::Result<()> {
        let flushed = self.flush();
        let finished = self.backing.finish(keep && flushed.is_ok());
        flushed.and(finished)
    }
}

/// Again while a signal interrupts.
fn retry(mut f: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match f() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
