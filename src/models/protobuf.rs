//! Google's protocol buffers, as far as files of models need them: fields by their numbers, without a schema.

use super::data::failed;
use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

/// The content of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// A whole number.
    Int(u64),
    /// Four bytes.
    Four([u8; 4]),
    /// Eight bytes.
    Eight([u8; 8]),
    /// A text, a message or packed numbers.
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    /// A message, text or run of numbers; nothing for a number.
    pub fn bytes(self) -> &'a [u8] {
        if let Field::Bytes(b) = self { b } else { &[] }
    }
    /// A text.
    pub fn text(self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }
    /// A whole number.
    pub fn int(self) -> i64 {
        if let Field::Int(n) = self { n as i64 } else { 0 }
    }
    /// A number of four bytes, as a floating-point number.
    pub fn float(self) -> f32 {
        if let Field::Four(b) = self { f32::from_le_bytes(b) } else { 0.0 }
    }
    /// Whole numbers, packed or a single one.
    ///
    /// # Errors
    /// Numbers that are cut off.
    pub fn ints(self, out: &mut Vec<i64>) -> Result<()> {
        let Field::Bytes(data) = self else {
            out.push(self.int());
            return Ok(());
        };
        let mut m = Message { data, at: 0 };
        while m.at < data.len() {
            out.push(m.varint()? as i64);
        }
        Ok(())
    }
}

/// A message, field after field.
pub struct Message<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Message<'a> {
    /// The fields of these bytes.
    pub fn new(data: &'a [u8]) -> Message<'a> {
        Message { data, at: 0 }
    }

    /// Where the next field begins.
    pub fn position(&self) -> usize {
        self.at
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for i in 0..10 {
            let Some(&b) = self.data.get(self.at) else { refuse!("a number is cut off at byte {}", self.at) };
            self.at += 1;
            value |= u64::from(b & 0x7f) << (7 * i);
            if b < 0x80 {
                return Ok(value);
            }
        }
        refuse!("a number has no end at byte {}", self.at)
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8]> {
        let left = self.data.len() - self.at;
        demand!(n <= left as u64, "{n} bytes are announced at byte {}, {left} are left", self.at);
        self.at += n as usize;
        Ok(&self.data[self.at - n as usize..self.at])
    }

    /// The next field and its number; none at the end.
    ///
    /// # Errors
    /// What is no message, with the byte.
    pub fn next_field(&mut self) -> Result<Option<(u64, Field<'a>)>> {
        if self.at >= self.data.len() {
            return Ok(None);
        }
        let at = self.at;
        let tag = self.varint()?;
        let mut four = [0; 4];
        let mut eight = [0; 8];
        let field = match tag & 7 {
            0 => Field::Int(self.varint()?),
            1 => {
                eight.copy_from_slice(self.take(8)?);
                Field::Eight(eight)
            }
            2 => {
                let n = self.varint()?;
                Field::Bytes(self.take(n)?)
            }
            5 => {
                four.copy_from_slice(self.take(4)?);
                Field::Four(four)
            }
            kind => refuse!("a field of kind {kind} at byte {at} is none of a protocol buffer"),
        };
        demand!(tag >> 3 > 0, "a field has the number 0 at byte {at}");
        Ok(Some((tag >> 3, field)))
    }

    /// Hands out every field.
    ///
    /// # Errors
    /// As [`Message::next_field`], and what the function gives.
    pub fn each(mut self, mut f: impl FnMut(u64, Field<'a>) -> Result<()>) -> Result<()> {
        while let Some((number, field)) = self.next_field()? {
            f(number, field)?;
        }
        Ok(())
    }
}

/// A field of a message in a file: its number and kind, where its content begins, and its bytes. Numbers are their own
/// content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub number: u64,
    /// 0 for a number, 1 and 5 for eight and four bytes, 2 for what has a length.
    pub kind: u64,
    /// Where its content begins.
    pub at: u64,
    /// Bytes of its content.
    pub bytes: u64,
    /// The number.
    pub int: u64,
}

/// Messages of a file, of which only what is asked for is read.
pub struct Parts {
    file: BufReader<File>,
    at: u64,
    /// The whole file.
    pub whole: Part,
}

/// Longest content that is read at once.
const LONGEST: u64 = 1 << 26;

/// The position after someone else read on.
const UNKNOWN: u64 = u64::MAX;

impl Parts {
    /// Messages of an open file of so many bytes.
    pub fn new(file: BufReader<File>, length: u64) -> Parts {
        Parts { file, at: 0, whole: Part { number: 0, kind: 2, at: 0, bytes: length, int: 0 } }
    }

    fn go(&mut self, at: u64) -> Result<()> {
        match self.at {
            UNKNOWN => drop(self.file.seek(SeekFrom::Start(at)).map_err(failed)?),
            // what lies in the buffer is not read again
            here => self.file.seek_relative(at as i64 - here as i64).map_err(failed)?,
        }
        self.at = at;
        Ok(())
    }

    fn read(&mut self, out: &mut [u8]) -> Result<()> {
        let at = self.at;
        let wrong = |e| Error::invalid(format!("{}, at position {}", failed(e), at + 1));
        self.file.read_exact(out).map_err(wrong)?;
        self.at += out.len() as u64;
        Ok(())
    }

    /// The fields of a message, at most `most` of them.
    ///
    /// # Errors
    /// What is no message, with the position.
    pub fn fields(&mut self, message: Part, most: usize) -> Result<Vec<Part>> {
        let (mut at, end, mut found) = (message.at, message.at + message.bytes, vec![]);
        while at < end && found.len() < most {
            self.go(at)?;
            let mut head = [0; 20];
            let got = (end - at).min(20) as usize;
            self.read(&mut head[..got])?;
            let mut m = Message::new(&head[..got]);
            let wrong = |e: &Error| Error::invalid(format!("no protocol buffer at position {}: {e}", at + 1));
            let tag = m.varint().map_err(|e| wrong(&e))?;
            let (kind, number) = (tag & 7, tag >> 3);
            let (mut int, mut bytes) = (0, 0);
            match kind {
                0 => int = m.varint().map_err(|e| wrong(&e))?,
                1 => bytes = 8,
                2 => bytes = m.varint().map_err(|e| wrong(&e))?,
                5 => bytes = 4,
                _ => refuse!("no protocol buffer at position {}: a field of kind {kind}", at + 1),
            }
            let from = at + m.at as u64;
            demand!(
                number > 0 && bytes <= end - from,
                "no protocol buffer at position {}: a field of {bytes} bytes, {} are left",
                at + 1,
                end - from
            );
            found.push(Part { number, kind, at: from, bytes, int });
            at = from + bytes;
        }
        Ok(found)
    }

    /// The content of a field.
    ///
    /// # Errors
    /// More than can be some text or message of a model.
    pub fn bytes(&mut self, part: Part) -> Result<Vec<u8>> {
        demand!(part.bytes <= LONGEST, "a field of {} bytes at position {}", part.bytes, part.at + 1);
        let mut out = vec![0; part.bytes as usize];
        self.go(part.at)?;
        self.read(&mut out)?;
        Ok(out)
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Parts::bytes`].
    pub fn text(&mut self, part: Part) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(part)?).into_owned())
    }

    /// Whole numbers, packed or a single one.
    ///
    /// # Errors
    /// As [`Parts::bytes`].
    pub fn ints(&mut self, part: Part, out: &mut Vec<i64>) -> Result<()> {
        if part.kind == 0 {
            out.push(part.int as i64);
            return Ok(());
        }
        let data = self.bytes(part)?;
        Field::Bytes(&data).ints(out)
    }

    /// Goes to the content of a field, to read it from here.
    ///
    /// # Errors
    /// Those of the system.
    pub fn content(&mut self, part: Part) -> Result<&mut dyn Read> {
        self.go(part.at)?;
        self.at = UNKNOWN;
        Ok(&mut self.file)
    }
}
