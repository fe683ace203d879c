//! Files as Torch7 sees them: numbers and text at a position, in bytes or as text, on disk, in memory or of a pipe.
//!
//! A stream holds its whole content; a disk file is written when it is flushed or closed, under a temporary name that
//! is then renamed, so that a failed save never destroys what was there.

use super::number::{self, Format};
use crate::tensor::dtype::{DType, Element};
use crate::tensor::storage::Storage;
use crate::with_dtype;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a stream can refuse, with the position.
pub type Fallible<T> = Result<T, String>;

/// Where written bytes go.
enum Target {
    Nowhere,
    Disk(PathBuf),
    Pipe(String),
}

/// A file.
pub struct Stream {
    data: Vec<u8>,
    at: usize,
    readable: bool,
    writable: bool,
    target: Target,
    dirty: bool,
    closed: bool,
    /// How numbers lie in it.
    pub format: Format,
    /// Whether text numbers are followed by white space.
    pub auto_spacing: bool,
    /// Whether failures only set a mark.
    pub quiet: bool,
    /// The mark.
    pub has_error: bool,
    name: String,
}

fn shell(command: &str) -> Command {
    let mut c = Command::new("sh");
    c.arg("-c").arg(command);
    c
}

impl Stream {
    fn make(data: Vec<u8>, mode: &str, target: Target, name: String) -> Stream {
        Stream {
            data,
            at: 0,
            readable: mode != "w",
            writable: mode != "r",
            target,
            dirty: mode == "w",
            closed: false,
            format: Format { ascii: true, big_endian: cfg!(target_endian = "big"), long_size: 8 },
            auto_spacing: true,
            quiet: false,
            has_error: false,
            name,
        }
    }

    /// A file on disk, mode `r`, `w` or `rw`.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn disk(path: &str, mode: &str) -> Fallible<Stream> {
        let fail = |e: std::io::Error| format!("cannot open <{path}> in mode {mode}: {e}");
        let data = match mode {
            "w" => {
                // opening to write fails now rather than when closed
                let dir = Path::new(path).parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
                if !dir.is_dir() || Path::new(path).is_dir() {
                    return Err(format!("cannot open <{path}> in mode w: there is no such folder, or it is one"));
                }
                vec![]
            }
            _ => std::fs::read(path).map_err(fail)?,
        };
        Ok(Stream::make(data, mode, Target::Disk(path.into()), format!("file <{path}>")))
    }

    /// A file in memory, over a copy of the given bytes.
    pub fn memory(data: Vec<u8>, mode: &str) -> Stream {
        Stream::make(data, mode, Target::Nowhere, "memory".into())
    }

    /// A program's output (mode `r`, read to its end) or input (mode `w`, given when closed).
    ///
    /// # Errors
    /// A shell that cannot be started.
    pub fn pipe(command: &str, mode: &str) -> Fallible<Stream> {
        let fail = |e: std::io::Error| format!("cannot run <{command}>: {e}");
        let (data, target) = match mode {
            "r" => (shell(command).stderr(Stdio::inherit()).output().map_err(fail)?.stdout, Target::Nowhere),
            _ => (vec![], Target::Pipe(command.into())),
        };
        Ok(Stream::make(data, mode, target, format!("pipe <{command}>")))
    }

    /// The path or command behind it (none for memory), whether it is open, and whether it was opened to read and to
    /// write.
    pub fn describe(&self) -> (Option<&str>, bool, bool, bool) {
        let on = self.name.split_once('<').map(|(_, rest)| rest.trim_end_matches('>'));
        (on, !self.closed, self.readable, self.writable)
    }

    /// Whether it can be read.
    pub fn is_readable(&self) -> bool {
        self.readable && !self.closed
    }
    /// Whether it can be written.
    pub fn is_writable(&self) -> bool {
        self.writable && !self.closed
    }
    /// Position, from 0.
    pub fn position(&self) -> usize {
        self.at
    }
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }
    /// Bytes from the position to the end.
    pub fn remaining(&self) -> usize {
        self.data.len() - self.at
    }

    /// Notes a failure: an error, or in quiet mode only a mark.
    fn trouble<T>(&mut self, value: T, text: String) -> Fallible<T> {
        self.has_error = true;
        if self.quiet { Ok(value) } else { Err(format!("{text} at position {} of {}", self.at + 1, self.name)) }
    }

    fn usable(&self, write: bool) -> Fallible<()> {
        if self.closed {
            return Err(format!("attempt to use a closed file: {}", self.name));
        }
        match (write, self.readable, self.writable) {
            (false, false, _) => Err(format!("attempt to read in a write-only file: {}", self.name)),
            (true, _, false) => Err(format!("attempt to write in a read-only file: {}", self.name)),
            _ => Ok(()),
        }
    }

    /// Moves to a position, from 0.
    ///
    /// # Errors
    /// A position outside.
    pub fn seek(&mut self, to: usize) -> Fallible<()> {
        if self.closed {
            return Err(format!("attempt to use a closed file: {}", self.name));
        }
        if to > self.data.len() {
            return self.trouble((), format!("unable to seek to position {}", to + 1));
        }
        self.at = to;
        Ok(())
    }

    /// Moves behind the last byte.
    pub fn seek_end(&mut self) {
        self.at = self.data.len();
    }

    /// Reads up to `n` elements over the start of a storage, which grows as data is found; how many there were.
    ///
    /// # Errors
    /// Fewer elements than asked for, unless quiet.
    pub fn read(&mut self, into: &Storage, n: usize) -> Fallible<usize> {
        self.usable(false)?;
        let got = with_dtype!(into.dtype(), T => self.read_typed::<T>(into, n))?;
        if got < n {
            return self.trouble(got, format!("read error: read {got} blocks instead of {n}"));
        }
        Ok(got)
    }

    fn read_typed<T: Element>(&mut self, into: &Storage, n: usize) -> Fallible<usize> {
        let text = self.format.ascii && !matches!(T::DTYPE, DType::Byte | DType::Char);
        let width = self.format.width(T::DTYPE);
        // no more is made than the bytes that are there can fill: a text number takes two bytes at least
        let fits = n.min(if text { self.remaining().div_ceil(2) } else { self.remaining() / width });
        into.reserve(fits).map_err(|e| e.to_string())?;
        let mut got = 0;
        if text {
            while got < n {
                let Some((v, used)) = number::parse::<T>(&self.data[self.at..]) else { break };
                into.reserve(got + 1).map_err(|e| e.to_string())?;
                into.set::<T>(got, v);
                self.at += used;
                got += 1;
            }
        } else {
            let bytes = &self.data[self.at..self.at + fits * width];
            let plain = !self.format.big_endian && width == size_of::<T>() && cfg!(target_endian = "little");
            if plain {
                // SAFETY: the storage holds at least `fits` elements of `width` bytes, and any bytes are an element.
                unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), into.byte_ptr(), bytes.len()) };
            } else {
                for (i, b) in bytes.chunks_exact(width).enumerate() {
                    into.set::<T>(i, self.format.get::<T>(b));
                }
            }
            self.at += bytes.len();
            got = fits;
        }
        if self.format.ascii && self.auto_spacing && n > 0 && self.data.get(self.at) == Some(&b'\n') {
            self.at += 1;
        }
        Ok(got)
    }

    fn put(&mut self, bytes: &[u8]) {
        let overlap = bytes.len().min(self.data.len() - self.at);
        self.data[self.at..self.at + overlap].copy_from_slice(&bytes[..overlap]);
        self.data.extend_from_slice(&bytes[overlap..]);
        self.at += bytes.len();
        self.dirty = true;
    }

    /// Writes all elements of a storage.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, from: &Storage) -> Fallible<usize> {
        self.usable(true)?;
        let n = from.len();
        let raw = matches!(from.dtype(), DType::Byte | DType::Char);
        let plain = !self.format.ascii && !self.format.big_endian && cfg!(target_endian = "little");
        if (plain && self.format.width(from.dtype()) == from.dtype().size()) || (raw && self.format.ascii) {
            // SAFETY: the storage's bytes, read while nothing writes them.
            let bytes = unsafe { std::slice::from_raw_parts(from.byte_ptr(), n * from.dtype().size()) };
            self.put(bytes);
        } else {
            let format = self.format;
            let out = with_dtype!(from.dtype(), T => {
                let mut out = vec![];
                for i in 0..n {
                    if i > 0 && format.ascii && self.auto_spacing {
                        out.push(b' ');
                    }
                    format.put(&mut out, from.get::<T>(i).unwrap_or_default());
                }
                out
            });
            self.put(&out);
        }
        if self.format.ascii && self.auto_spacing && n > 0 {
            self.put(b"\n");
        }
        Ok(n)
    }

    /// Reads a line (`*l`, without its end) or all that is left (`*a`).
    ///
    /// # Errors
    /// Another format, or the end of the file for a line, unless quiet.
    pub fn read_string(&mut self, format: &str) -> Fallible<Vec<u8>> {
        self.usable(false)?;
        let rest = &self.data[self.at..];
        if format.starts_with("*a") {
            let all = rest.to_vec();
            self.seek_end();
            Ok(all)
        } else if format.starts_with("*l") {
            let end = rest.iter().position(|&b| b == b'\n');
            if end.is_none() && rest.is_empty() {
                return self.trouble(vec![], "read error: read 0 blocks instead of 1".into());
            }
            let line = rest[..end.unwrap_or(rest.len())].to_vec();
            self.at += line.len() + usize::from(end.is_some());
            Ok(line)
        } else {
            Err(format!("format must be '*a' or '*l', got '{format}'"))
        }
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_string(&mut self, text: &[u8]) -> Fallible<usize> {
        self.usable(true)?;
        self.put(text);
        Ok(text.len())
    }

    /// Puts what was written where it belongs.
    ///
    /// # Errors
    /// A disk or program that does not take it.
    pub fn flush(&mut self) -> Fallible<()> {
        if !self.dirty || self.closed {
            return Ok(());
        }
        let fail = |e: std::io::Error| format!("cannot write {}: {e}", self.name);
        if let Target::Disk(path) = &self.target {
            // a device or pipe cannot be replaced by renaming
            if path.exists() && !path.is_file() {
                std::fs::write(path, &self.data).map_err(fail)?;
            } else {
                let mut temporary = path.clone().into_os_string();
                temporary.push(format!(".{}.tmp", std::process::id()));
                let written = std::fs::write(&temporary, &self.data).and_then(|()| std::fs::rename(&temporary, path));
                if written.is_err() {
                    // the message is about the write; a leftover that cannot be removed adds nothing to it
                    let _ = std::fs::remove_file(&temporary);
                }
                written.map_err(fail)?;
            }
            self.dirty = false;
        }
        Ok(())
    }

    /// Flushes and ends the file's use; a program gets its input now.
    ///
    /// # Errors
    /// As [`Stream::flush`].
    pub fn close(&mut self) -> Fallible<()> {
        let done = self.flush();
        if let (false, Target::Pipe(command)) = (self.closed, &self.target) {
            let fail = |e: std::io::Error| format!("cannot run <{command}>: {e}");
            let mut child = shell(command).stdin(Stdio::piped()).spawn().map_err(fail)?;
            if let Some(mut input) = child.stdin.take() {
                // a program that does not read its input to the end is no error here
                let _ = input.write_all(&self.data);
            }
            child.wait().map_err(fail)?;
        }
        self.closed = true;
        self.data = vec![];
        self.at = 0;
        done
    }

    /// Forgets what was written since the last flush.
    pub fn discard(&mut self) {
        self.dirty = false;
        self.closed = true;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // a file that a program forgot to close is written all the same; there is nobody to tell of a failure
        let _ = self.close();
    }
}
