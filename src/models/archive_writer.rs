//! Zip archives that are written, entry by entry.

use super::data::failed;
use crate::demand;
use crate::tensor::error::Result;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

/// How entries are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    Stored,
    /// Deflated.
    Deflated,
}

/// Sizes from here on have 64 bits.
const FULL: u64 = u32::MAX as u64;
/// Entries of about so many bytes get room for 64 bits.
const LARGE: u64 = FULL - (1 << 20);
/// The id of bytes that say nothing, and what they are.
const PADDING: [u8; 2] = *b"FB";

/// An entry that was written.
struct Written {
    name: String,
    crc: u32,
    packed: u64,
    size: u64,
    header: u64,
}

/// An archive that is written.
pub struct ArchiveWriter<'a> {
    out: &'a mut BufWriter<File>,
    packing: Packing,
    alignment: u64,
    at: u64,
    entries: Vec<Written>,
}

/// Counts what goes through.
struct Counted<'a> {
    out: &'a mut BufWriter<File>,
    written: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = self.out.write(data)?;
        self.written += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Sums up what goes through.
struct Summed<W> {
    out: W,
    crc: Crc,
    size: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = self.out.write(data)?;
        self.crc.update(&data[..n]);
        self.size += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<'a> ArchiveWriter<'a> {
    /// A new archive at the start of a file; what is stored begins at multiples of `alignment` bytes.
    pub fn new(out: &'a mut BufWriter<File>, packing: Packing, alignment: u64) -> ArchiveWriter<'a> {
        ArchiveWriter { out, packing, alignment, at: 0, entries: vec![] }
    }

    /// Adds an entry of about so many bytes.
    ///
    /// # Errors
    /// Those of the system and of `write`; a name that is too long.
    pub fn add(&mut self, name: &str, bytes: u64, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        demand!(name.len() < 0xff00, "the name of an entry has {} bytes", name.len());
        let large = bytes >= LARGE;
        let mut entry = Written { name: name.to_owned(), crc: 0, packed: 0, size: 0, header: self.at };
        let extra = self.extra(name.len() as u64, large);
        let head = self.local_header(&entry, &extra, large);
        self.out.write_all(&head).map_err(failed)?;
        let counted = Counted { out: self.out, written: 0 };
        match self.packing {
            Packing::Stored => {
                let mut out = Summed { out: counted, crc: Crc::new(), size: 0 };
                write(&mut out)?;
                (entry.crc, entry.size, entry.packed) = (out.crc.sum(), out.size, out.out.written);
            }
            Packing::Deflated => {
                let encoder = DeflateEncoder::new(counted, Compression::default());
                let mut out = Summed { out: encoder, crc: Crc::new(), size: 0 };
                write(&mut out)?;
                (entry.crc, entry.size) = (out.crc.sum(), out.size);
                entry.packed = out.out.finish().map_err(failed)?.written;
            }
        }
        demand!(
            large || entry.size.max(entry.packed) < FULL,
            "entry {name} has {} bytes, {bytes} were announced",
            entry.size
        );
        let end = self.at + head.len() as u64 + entry.packed;
        // the sizes are known now
        let head = self.local_header(&entry, &extra, large);
        let mut rewrite = || -> io::Result<()> {
            self.out.seek(SeekFrom::Start(self.at))?;
            self.out.write_all(&head)?;
            self.out.seek(SeekFrom::Start(end)).map(drop)
        };
        rewrite().map_err(failed)?;
        self.at = end;
        self.entries.push(entry);
        Ok(())
    }

    /// Fields behind a name: room for 64 bits, and bytes up to where the content is to begin.
    fn extra(&self, name: u64, large: bool) -> Vec<u8> {
        let mut extra = if large { vec![0; 20] } else { vec![] };
        let from = self.at + 30 + name + extra.len() as u64;
        if self.packing == Packing::Stored && !from.is_multiple_of(self.alignment) {
            let mut n = from.next_multiple_of(self.alignment) - from;
            // a field has four bytes at least
            if n < 4 {
                n += self.alignment;
            }
            extra.extend(PADDING);
            extra.extend((n as u16 - 4).to_le_bytes());
            extra.resize(extra.len() + n as usize - 4, b'Z');
        }
        extra
    }

    fn local_header(&self, e: &Written, extra: &[u8], large: bool) -> Vec<u8> {
        let mut head = b"PK\x03\x04".to_vec();
        self.common(&mut head, e, large);
        head.extend((e.name.len() as u16).to_le_bytes());
        head.extend((extra.len() as u16).to_le_bytes());
        head.extend(e.name.bytes());
        let from = head.len();
        head.extend(extra);
        if large {
            let sizes = [&[1, 0, 16, 0][..], &e.size.to_le_bytes(), &e.packed.to_le_bytes()].concat();
            head[from..from + 20].copy_from_slice(&sizes);
        }
        head
    }

    /// What both headers of an entry say: version, flags, method, time, checksum, sizes.
    fn common(&self, head: &mut Vec<u8>, e: &Written, large: bool) {
        let method: u16 = if self.packing == Packing::Stored { 0 } else { 8 };
        let flags: u16 = if e.name.is_ascii() { 0 } else { 1 << 11 };
        // the first day that such an archive knows: files do not depend on when they are written
        for v in [if large { 45 } else { 20 }, flags, method, 0, 0x21] {
            head.extend(v.to_le_bytes());
        }
        head.extend(e.crc.to_le_bytes());
        for size in [e.packed, e.size] {
            head.extend((if large { FULL } else { size } as u32).to_le_bytes());
        }
    }

    /// Writes the list of entries.
    ///
    /// # Errors
    /// Those of the system.
    pub fn finish(self) -> Result<()> {
        let mut list = vec![];
        for e in &self.entries {
            let large = e.size.max(e.packed) >= LARGE || e.header >= FULL;
            list.extend(b"PK\x01\x02");
            list.extend(45u16.to_le_bytes());
            self.common(&mut list, e, large);
            let extra = if large { 28u16 } else { 0 };
            for v in [e.name.len() as u16, extra, 0, 0, 0, 0, 0] {
                list.extend(v.to_le_bytes());
            }
            list.extend((if large { FULL } else { e.header } as u32).to_le_bytes());
            list.extend(e.name.bytes());
            if large {
                list.extend([1, 0, 24, 0]);
                for v in [e.size, e.packed, e.header] {
                    list.extend(v.to_le_bytes());
                }
            }
        }
        let (count, bytes) = (self.entries.len() as u64, list.len() as u64);
        if count >= 0xffff || self.at + bytes >= FULL {
            let end = self.at + bytes;
            list.extend(b"PK\x06\x06");
            list.extend(44u64.to_le_bytes());
            list.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for v in [count, count, bytes, self.at] {
                list.extend(v.to_le_bytes());
            }
            list.extend(b"PK\x06\x07\0\0\0\0");
            list.extend(end.to_le_bytes());
            list.extend(1u32.to_le_bytes());
        }
        list.extend(b"PK\x05\x06\0\0\0\0");
        for _ in 0..2 {
            list.extend((count.min(0xffff) as u16).to_le_bytes());
        }
        list.extend((bytes.min(FULL) as u32).to_le_bytes());
        list.extend((self.at.min(FULL) as u32).to_le_bytes());
        list.extend([0, 0]);
        self.out.write_all(&list).map_err(failed)
    }
}
