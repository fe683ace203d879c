//! Elements and strings of a [`TorchFile`].
//!
//! In text, elements stand between blanks and a write ends its line; bytes and characters stand as they are. A read
//! takes the line end after its last element. Nothing here allocates more than the file turns out to hold.

use super::number::{ByteOrder, Primitive, Scan};
use super::{Buffer, Encoding, TorchFile};
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::storage::Storage;
use crate::{refuse, with_dtype};
use std::io;

/// Elements moved at a time in binary.
const RUN: usize = 4096;
/// Longest text of one number; more digits are read as another number.
const LONGEST: usize = 4096;

/// Skips blanks, then reads a number; None where there is none.
fn next_number<T: Primitive>(buffer: &mut Buffer) -> io::Result<Option<T>> {
    loop {
        let ahead = buffer.ahead();
        let blanks = ahead.iter().take_while(|b| b.is_ascii_whitespace() || **b == 0x0b).count();
        let all = blanks == ahead.len();
        buffer.advance(blanks);
        if !all {
            break;
        }
        if !buffer.more()? {
            return Ok(None);
        }
    }
    let mut last = false;
    loop {
        match T::scan(buffer.ahead(), last || buffer.ahead().len() > LONGEST) {
            Scan::Number(v, n) => {
                buffer.advance(n);
                return Ok(Some(v));
            }
            Scan::Nothing => return Ok(None),
            Scan::More => last = !buffer.more()?,
        }
    }
}

fn read_text<T: Primitive>(buffer: &mut Buffer, n: usize, put: &mut impl FnMut(usize, T)) -> io::Result<usize> {
    for i in 0..n {
        match next_number(buffer)? {
            Some(v) => put(i, v),
            None => return Ok(i),
        }
    }
    Ok(n)
}

/// Passes over words between blanks, as many as are `left`, which is counted down.
fn skip_words(buffer: &mut Buffer, left: &mut u64) -> io::Result<()> {
    let mut inside = false;
    while *left > 0 {
        let ahead = buffer.ahead();
        let mut n = 0;
        for b in ahead {
            let blank = b.is_ascii_whitespace();
            if blank && inside {
                *left -= 1;
                if *left == 0 {
                    break;
                }
            }
            inside = !blank;
            n += 1;
        }
        buffer.advance(n);
        if *left > 0 && !buffer.more()? {
            // the end of the file ends a word too
            *left -= u64::from(inside);
            return Ok(());
        }
    }
    Ok(())
}

/// Takes a line end, if one comes.
fn skip_line_end(buffer: &mut Buffer) -> io::Result<()> {
    if buffer.ahead().is_empty() {
        buffer.more()?;
    }
    if buffer.ahead().first() == Some(&b'\n') {
        buffer.advance(1);
    }
    Ok(())
}

/// Reads runs of `size` bytes each and hands them out.
fn read_bytes(buffer: &mut Buffer, n: usize, size: usize, mut put: impl FnMut(usize, &[u8])) -> io::Result<usize> {
    let (mut one, mut many) = ([0; 8], Vec::new());
    let run: &mut [u8] = if n.min(RUN) * size <= one.len() {
        &mut one
    } else {
        many.resize(n.min(RUN) * size, 0);
        &mut many
    };
    let mut done = 0;
    while done < n {
        let want = (n - done).min(RUN) * size;
        let got = buffer.read(&mut run[..want])?;
        for bytes in run[..got].chunks_exact(size) {
            put(done, bytes);
            done += 1;
        }
        if got < want {
            break;
        }
    }
    Ok(done)
}

impl TorchFile {
    /// Whether longs take four bytes and `T` is one.
    fn shortens<T: Primitive>(&self) -> bool {
        T::LONG && self.long_size() == 4
    }

    /// Reads `n` elements and hands each out with its index. Returns how many there were: fewer than `n` only if the
    /// file is quiet.
    ///
    /// # Errors
    /// A file that cannot be read, or with fewer elements.
    pub fn read_with<T: Primitive>(&mut self, n: usize, mut put: impl FnMut(usize, T)) -> Result<usize> {
        let (order, short) = (self.byte_order, self.shortens::<T>());
        let text = self.encoding == Encoding::Ascii;
        let spacing = text && self.auto_spacing && n > 0;
        let buffer = self.reader()?;
        let mut got = 0;
        let mut counted = |i: usize, v: T| {
            got = i + 1;
            put(i, v);
        };
        let read = if text && !T::RAW {
            read_text(buffer, n, &mut counted)
        } else if short {
            read_bytes(buffer, n, 4, |i, b| counted(i, T::from_short_long(i32::from_bytes(b, order))))
        } else {
            read_bytes(buffer, n, T::SIZE, |i, b| counted(i, T::from_bytes(b, order)))
        };
        let done = read.and_then(|_| if spacing { skip_line_end(buffer) } else { Ok(()) });
        self.settle(done, "read error")?;
        if got < n {
            self.failed(&format!("read error: read {got} blocks instead of {n}"))?;
        }
        Ok(got)
    }

    /// In text, passes over `n` numbers and the line end behind the last without looking at their values.
    ///
    /// # Errors
    /// As [`TorchFile::read_with`].
    pub fn skip_numbers(&mut self, n: u64) -> Result<()> {
        let spacing = self.auto_spacing;
        let buffer = self.reader()?;
        let mut left = n;
        let skipped = skip_words(buffer, &mut left);
        let done = skipped.and_then(|()| if spacing { skip_line_end(buffer) } else { Ok(()) });
        self.settle(done, "read error")?;
        if left > 0 {
            self.failed(&format!("read error: read {} blocks instead of {n}", n - left))?;
        }
        Ok(())
    }

    /// Reads one element; zero where there is none and the file is quiet.
    ///
    /// # Errors
    /// As [`TorchFile::read_with`].
    pub fn read_one<T: Primitive>(&mut self) -> Result<T> {
        let mut value = T::default();
        self.read_with(1, |_, v| value = v)?;
        Ok(value)
    }

    /// Reads elements into a slice.
    ///
    /// # Errors
    /// As [`TorchFile::read_with`].
    pub fn read_into<T: Primitive>(&mut self, out: &mut [T]) -> Result<usize> {
        self.read_with(out.len(), |i, v| out[i] = v)
    }

    /// Reads `n` elements.
    ///
    /// # Errors
    /// As [`TorchFile::read_with`].
    pub fn read_vec<T: Primitive>(&mut self, n: usize) -> Result<Vec<T>> {
        let mut out = Vec::new();
        self.read_with(n, |_, v| out.push(v))?;
        Ok(out)
    }

    /// Reads a bool, which is stored as an int.
    ///
    /// # Errors
    /// As [`TorchFile::read_with`].
    pub fn read_bool(&mut self) -> Result<bool> {
        Ok(self.read_one::<i32>()? != 0)
    }

    /// Writes `n` elements, given by index. Returns how many were written: fewer than `n` only if the file is quiet.
    ///
    /// # Errors
    /// A file that cannot be written, or the system's.
    pub fn write_with<T: Primitive>(&mut self, n: usize, mut get: impl FnMut(usize) -> T) -> Result<usize> {
        let (order, short) = (self.byte_order, self.shortens::<T>());
        let text = self.encoding == Encoding::Ascii;
        let spacing = text && self.auto_spacing;
        let words = text && !T::RAW;
        let buffer = self.writer()?;
        let (mut bytes, mut done) = (Vec::new(), Ok(()));
        let mut written = 0;
        while written < n && done.is_ok() {
            bytes.clear();
            let end = n.min(written + RUN);
            for i in written..end {
                let v = get(i);
                match (words, short) {
                    (true, _) => {
                        v.push_text(&mut bytes);
                        if spacing && i + 1 < n {
                            bytes.push(b' ');
                        }
                    }
                    (_, true) => v.to_short_long().push_bytes(&mut bytes, order),
                    (_, false) => v.push_bytes(&mut bytes, order),
                }
            }
            done = buffer.write(&bytes);
            if done.is_ok() {
                written = end;
            }
        }
        if spacing && n > 0 && done.is_ok() {
            done = buffer.write(b"\n");
        }
        self.settle(done, &format!("write error: wrote {written} blocks instead of {n}"))?;
        Ok(written)
    }

    /// Whether elements of a type lie in the file as they lie in memory.
    fn is_plain<T: Primitive>(&self) -> bool {
        let raw = self.encoding == Encoding::Ascii && T::RAW;
        let ordered = self.byte_order == ByteOrder::NATIVE || T::SIZE == 1;
        raw || (self.encoding == Encoding::Binary && ordered && !self.shortens::<T>())
    }

    /// Reads `n` elements over the start of a storage, which grows as far as the file can fill it. Returns how many
    /// there were: fewer than `n` only if the file is quiet.
    ///
    /// # Errors
    /// As [`TorchFile::read_with`]; not enough memory.
    pub fn read_storage(&mut self, into: &Storage, n: usize) -> Result<usize> {
        with_dtype!(into.dtype(), T => self.read_elements::<T>(into, n))
    }

    fn read_elements<T: Primitive + Element>(&mut self, into: &Storage, n: usize) -> Result<usize> {
        let text = self.encoding == Encoding::Ascii;
        let left = if self.reader()?.is_over(into) { None } else { self.left()? };
        let Some(left) = left.map(|l| usize::try_from(l).unwrap_or(usize::MAX)) else {
            // nothing is known of the size, or source and target are one: by way of a list
            let list = self.read_vec::<T>(n)?;
            into.reserve(list.len())?;
            into.write_slice(0, &list)?;
            return Ok(list.len());
        };
        // a number and what stands between it and the next take two bytes at least
        let width = if self.shortens::<T>() { 4 } else { T::SIZE };
        let most = n.min(if text && !T::RAW { left / 2 + 1 } else { left / width });
        into.reserve(most)?;
        if !self.is_plain::<T>() {
            return self.read_with::<T>(n, |i, v| {
                into.set(i, v);
            });
        }
        let spacing = text && self.auto_spacing && n > 0;
        let buffer = self.reader()?;
        let read = into.fill_bytes(0, most, |bytes| buffer.read(bytes))?;
        let got = read.as_ref().map_or(0, |&bytes| bytes / T::SIZE);
        let done = read.and_then(|_| if spacing { skip_line_end(buffer) } else { Ok(()) });
        self.settle(done, "read error")?;
        if got < n {
            self.failed(&format!("read error: read {got} blocks instead of {n}"))?;
        }
        Ok(got)
    }

    /// Writes all elements of a storage. Returns how many were written: fewer only if the file is quiet.
    ///
    /// # Errors
    /// As [`TorchFile::write_with`].
    pub fn write_storage(&mut self, from: &Storage) -> Result<usize> {
        if self.writer()?.is_over(from) {
            return with_dtype!(from.dtype(), T => self.write_slice(&from.to_vec::<T>(0, from.len())));
        }
        with_dtype!(from.dtype(), T => self.write_elements::<T>(from))
    }

    fn write_elements<T: Primitive + Element>(&mut self, from: &Storage) -> Result<usize> {
        let n = from.len();
        if !self.is_plain::<T>() {
            return self.write_with::<T>(n, |i| from.get(i).unwrap_or_default());
        }
        let spacing = self.encoding == Encoding::Ascii && self.auto_spacing && n > 0;
        let buffer = self.writer()?;
        let mut done = from.lend_bytes(0, n, |bytes| buffer.write(bytes))?;
        let written = if done.is_ok() { n } else { 0 };
        if spacing && done.is_ok() {
            done = buffer.write(b"\n");
        }
        self.settle(done, &format!("write error: wrote {written} blocks instead of {n}"))?;
        Ok(written)
    }

    /// Writes one element.
    ///
    /// # Errors
    /// As [`TorchFile::write_with`].
    pub fn write_one<T: Primitive>(&mut self, v: T) -> Result<usize> {
        self.write_with(1, |_| v)
    }

    /// Writes the elements of a slice.
    ///
    /// # Errors
    /// As [`TorchFile::write_with`].
    pub fn write_slice<T: Primitive>(&mut self, values: &[T]) -> Result<usize> {
        self.write_with(values.len(), |i| values[i])
    }

    /// Writes a bool, as an int.
    ///
    /// # Errors
    /// As [`TorchFile::write_with`].
    pub fn write_bool(&mut self, v: bool) -> Result<usize> {
        self.write_one(i32::from(v))
    }

    /// Reads a string: everything to the end for a format that begins with `*a`, a line for `*l`. At the end of the
    /// file there is neither.
    ///
    /// # Errors
    /// Another format; a file that cannot be read, or is at its end.
    pub fn read_string(&mut self, format: &str) -> Result<Vec<u8>> {
        let line = match format.as_bytes() {
            [b'*', b'a', ..] => false,
            [b'*', b'l', ..] => true,
            _ => refuse!("format must be '*a' or '*l'"),
        };
        let buffer = self.reader()?;
        let mut out = Vec::new();
        let read = read_until(buffer, line, &mut out);
        let (some, done) = match read {
            Ok(some) => (some, Ok(())),
            Err(e) => (!out.is_empty(), Err(e)),
        };
        self.settle(done, "read error")?;
        if !some {
            self.failed("read error: read 0 blocks instead of 1")?;
        }
        Ok(out)
    }

    /// Writes a string as it is. Returns its length.
    ///
    /// # Errors
    /// As [`TorchFile::write_with`].
    pub fn write_string(&mut self, text: &[u8]) -> Result<usize> {
        let done = self.writer()?.write(text);
        let written = if done.is_ok() { text.len() } else { 0 };
        self.settle(done, &format!("write error: wrote {written} blocks instead of {}", text.len()))?;
        Ok(written)
    }
}

/// Appends what comes up to the line end, which is taken, or to the end; whether there was anything.
fn read_until(buffer: &mut Buffer, line: bool, out: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let ahead = buffer.ahead();
        let end = if line { ahead.iter().position(|&b| b == b'\n') } else { None };
        let n = end.unwrap_or(ahead.len());
        out.try_reserve(n)?;
        out.extend_from_slice(&ahead[..n]);
        buffer.advance(n + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(true);
        }
        if !buffer.more()? {
            return Ok(!out.is_empty());
        }
    }
}
