//! Zip archives, as numpy and PyTorch have them: entries stored as they are, or deflated; large ones included.

use super::data::failed;
use super::input;
use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};
use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::Path;

/// The most that a byte can become when it is inflated.
const MOST: u64 = 1032;
/// The most entries that an archive may have, and bytes of their list.
const MOST_ENTRIES: u64 = 1 << 20;
const LONGEST: u64 = 1 << 28;
/// Bytes of the end record, and of the longest comment behind it.
const END: u64 = 22;
const COMMENT: u64 = 0xffff;

/// Numbers of little-endian bytes, none where they are cut off.
fn number(data: &[u8], at: usize, bytes: usize) -> Option<u64> {
    Some(data.get(at..at + bytes)?.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
}

/// What the list says of an entry.
#[derive(Debug, Clone)]
struct Listed {
    name: String,
    deflated: bool,
    /// Set where it cannot be read, with the reason.
    refused: Option<String>,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where its own header is.
    header: u64,
}

/// An archive that is read.
pub struct Archive {
    file: BufReader<File>,
    length: u64,
    entries: Vec<Listed>,
    places: HashMap<String, usize>,
}

/// The bytes of an entry as they lie in the file, or inflated.
enum Source<'a> {
    Stored(Take<&'a mut BufReader<File>>),
    Deflated(Box<DeflateDecoder<Take<&'a mut BufReader<File>>>>),
}

/// The content of an entry. Its checksum is compared when all of it was read.
pub struct Content<'a> {
    from: Source<'a>,
    crc: Crc,
    wanted: u32,
    left: u64,
    /// Its bytes, inflated.
    pub size: u64,
    /// Its bytes in the file.
    pub packed: u64,
    /// Where they begin, where they are stored as they are.
    pub start: Option<u64>,
}

impl Read for Content<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let room = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(0);
        }
        let got = match &mut self.from {
            Source::Stored(from) => from.read(&mut out[..room]),
            Source::Deflated(from) => from.read(&mut out[..room]),
        }?;
        self.crc.update(&out[..got]);
        self.left -= got as u64;
        if self.left == 0 && self.crc.sum() != self.wanted {
            return Err(io::Error::other("the checksum is another one: the data is damaged"));
        }
        Ok(got)
    }
}

impl Archive {
    /// Opens an archive.
    ///
    /// # Errors
    /// A file that cannot be read; what is no archive, with the position.
    pub fn open(path: &Path) -> Result<Archive> {
        let (mut file, length) = input::open(path)?;
        let (at, count, bytes, base) = end_record(&mut file, length)?;
        demand!(
            count <= MOST_ENTRIES && bytes <= LONGEST,
            "a zip archive with {count} entries in a list of {bytes} bytes"
        );
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut list = crate::tensor::storage::room(bytes as usize)?;
        (&mut file).take(bytes).read_to_end(&mut list).map_err(failed)?;
        let (mut entries, mut places, mut from) = (vec![], HashMap::new(), 0);
        for i in 0..count {
            let (entry, next) = listed(list.get(from..).unwrap_or_default(), base).ok_or_else(|| {
                Error::invalid(format!(
                    "zip archive: entry {} of the list at position {} is damaged",
                    i + 1,
                    at + from as u64 + 1
                ))
            })?;
            places.entry(entry.name.clone()).or_insert(entries.len());
            entries.push(entry);
            from += next;
        }
        Ok(Archive { file, length, entries, places })
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names of the entries, in the archive's order.
    pub fn names(&self) -> Vec<String> {
        self.entries.iter().map(|e| e.name.clone()).collect()
    }

    /// The place of an entry with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The name and content of an entry.
    ///
    /// # Errors
    /// No such entry; a damaged one; ways of packing other than deflation; sizes that cannot be.
    pub fn entry(&mut self, at: usize) -> Result<(String, Content<'_>)> {
        let entry =
            self.entries.get(at).ok_or_else(|| Error::invalid(format!("there is no entry {}", at + 1)))?.clone();
        let name = entry.name;
        if let Some(why) = entry.refused {
            refuse!("entry {name} {why}");
        }
        let mut head = [0; 30];
        self.file.seek(SeekFrom::Start(entry.header)).map_err(failed)?;
        let whole = entry.header.saturating_add(30) <= self.length;
        demand!(
            whole,
            "entry {name}: its header would be at position {} of {}",
            entry.header.saturating_add(1),
            self.length
        );
        self.file.read_exact(&mut head).map_err(failed)?;
        demand!(head.starts_with(b"PK\x03\x04"), "entry {name}: no header at position {}", entry.header + 1);
        let before = 30 + number(&head, 26, 2).unwrap_or(0) + number(&head, 28, 2).unwrap_or(0);
        let start = entry.header + before;
        let there = start.checked_add(entry.packed).is_some_and(|end| end <= self.length);
        demand!(
            there,
            "entry {name}: {} bytes from position {} on of a file of {}",
            entry.packed,
            start + 1,
            self.length
        );
        let most = if entry.deflated { entry.packed.saturating_mul(MOST).saturating_add(64) } else { entry.packed };
        demand!(entry.size <= most, "entry {name}: {} bytes cannot hold the {} that it says", entry.packed, entry.size);
        self.file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let from = (&mut self.file).take(entry.packed);
        let from =
            if entry.deflated { Source::Deflated(Box::new(DeflateDecoder::new(from))) } else { Source::Stored(from) };
        let (size, packed) = (entry.size, entry.packed);
        let start = (!entry.deflated).then_some(start);
        Ok((name, Content { from, crc: Crc::new(), wanted: entry.crc, left: size, size, packed, start }))
    }

    /// All of a small entry.
    ///
    /// # Errors
    /// As [`Archive::entry`]; more than `limit` bytes.
    pub fn text(&mut self, at: usize, limit: u64) -> Result<Vec<u8>> {
        let (name, mut from) = self.entry(at)?;
        demand!(from.size <= limit, "entry {name} has {} bytes, {limit} are the most", from.size);
        let size = from.size;
        let mut out = vec![];
        from.read_to_end(&mut out).map_err(|e| Error::invalid(format!("entry {name}: {}", failed(e))))?;
        demand!(out.len() as u64 == size, "entry {name} ends after {} of {size} bytes", out.len());
        Ok(out)
    }
}

/// Where the list of entries is, how many it has, its bytes, and what is added to all positions: bytes before the
/// archive.
fn end_record(file: &mut BufReader<File>, length: u64) -> Result<(u64, u64, u64, u64)> {
    let from = length.saturating_sub(END + COMMENT + 20);
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut tail = vec![];
    file.take(END + COMMENT + 20).read_to_end(&mut tail).map_err(failed)?;
    let fits = |&at: &usize| {
        tail[at..].starts_with(b"PK\x05\x06")
            && number(&tail, at + 20, 2).is_some_and(|n| at as u64 + END + n <= tail.len() as u64)
    };
    let found = (0..tail.len().saturating_sub(END as usize - 1)).rev().find(fits);
    let cut =
        || Error::invalid(format!("a zip archive without its end, at position {}: it was perhaps cut off", length + 1));
    let at = found.ok_or_else(cut)?;
    let end = from + at as u64;
    let get = |offset: usize, bytes: usize| number(&tail, at + offset, bytes).unwrap_or(0);
    let (mut count, mut bytes, mut list) = (get(10, 2), get(12, 4), get(16, 4));
    let mut list_end = end;
    // the record of large archives is told of just before
    if at >= 20 && tail[at - 20..].starts_with(b"PK\x06\x07") {
        let place = number(&tail, at - 12, 8).unwrap_or(0);
        let mut record = [0; 56];
        demand!(
            place.saturating_add(56) <= length,
            "a zip archive whose end is said to be at position {}",
            place.saturating_add(1)
        );
        file.seek(SeekFrom::Start(place)).map_err(failed)?;
        file.read_exact(&mut record).map_err(failed)?;
        demand!(record.starts_with(b"PK\x06\x06"), "a zip archive without its end at position {}", place + 1);
        let large = |at: usize| number(&record, at, 8).unwrap_or(0);
        (count, bytes, list) = (large(32), large(40), large(48));
        list_end = place;
    }
    let there = list.checked_add(bytes).filter(|&e| e <= list_end);
    let Some(used) = there else {
        refuse!("a zip archive whose list of {bytes} bytes would be at position {}", list.saturating_add(1))
    };
    let base = list_end - used;
    Ok((list + base, count, bytes, base))
}

/// An entry of the list, and the bytes it takes there.
fn listed(list: &[u8], base: u64) -> Option<(Listed, usize)> {
    if !list.starts_with(b"PK\x01\x02") {
        return None;
    }
    let get = |at: usize, bytes: usize| number(list, at, bytes);
    let (flags, method) = (get(8, 2)?, get(10, 2)?);
    let (mut packed, mut size, mut header) = (get(20, 4)?, get(24, 4)?, get(42, 4)?);
    let (name, extra, comment) = (get(28, 2)? as usize, get(30, 2)? as usize, get(32, 2)? as usize);
    let text = list.get(46..46 + name)?;
    let mut fields = list.get(46 + name..46 + name + extra)?;
    while let (Some(id), Some(n)) = (number(fields, 0, 2), number(fields, 2, 2)) {
        let body = fields.get(4..4 + n as usize)?;
        if id == 1 {
            // sizes of 64 bits, for those that are said to be full
            let mut at = 0;
            for value in [&mut size, &mut packed, &mut header] {
                if *value == u64::from(u32::MAX) {
                    *value = number(body, at, 8)?;
                    at += 8;
                }
            }
        }
        fields = &fields[4 + n as usize..];
    }
    let refused = match (flags & 1, method) {
        (1, _) => Some("is encrypted".to_owned()),
        (_, 0 | 8) => None,
        (_, method) => Some(format!("is packed by method {method}, which is not known")),
    };
    let name_text = String::from_utf8_lossy(text).into_owned();
    let (crc, header) = (get(16, 4)? as u32, header.checked_add(base)?);
    let entry = Listed { name: name_text, deflated: method == 8, refused, crc, packed, size, header };
    Some((entry, 46 + name + extra + comment))
}
