//! Zip archives, as numpy and PyTorch have them: entries stored as they are, or deflated.

use super::{data, input};
use crate::demand;
use crate::tensor::error::{Error, Result};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use zip::read::{ZipArchive, ZipFile};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The most that a byte can become when it is inflated.
const MOST: u64 = 1032;
/// The most entries that an archive may have.
const MOST_ENTRIES: usize = 1 << 20;

/// How entries are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    Stored,
    /// Deflated.
    Deflated,
}

fn failed(e: zip::result::ZipError) -> Error {
    match e {
        zip::result::ZipError::Io(e) => data::failed(e),
        e => Error::invalid(format!("the zip archive is damaged: {e}")),
    }
}

/// An archive that is read.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
}

/// The content of an entry.
pub struct Content<'a> {
    from: ZipFile<'a, BufReader<File>>,
    /// Its bytes, inflated.
    pub size: u64,
    /// Its bytes in the file.
    pub packed: u64,
    /// Where they begin, where they are stored as they are.
    pub start: Option<u64>,
}

impl Read for Content<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.from.read(out)
    }
}

impl Archive {
    /// Opens an archive.
    ///
    /// # Errors
    /// A file that cannot be read; what is no archive.
    pub fn open(path: &Path) -> Result<Archive> {
        let (file, _) = input::open(path)?;
        let zip = ZipArchive::new(file).map_err(failed)?;
        demand!(zip.len() <= MOST_ENTRIES, "the archive has {} entries", zip.len());
        Ok(Archive { zip })
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.zip.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.zip.is_empty()
    }

    /// The names of the entries, in the archive's order.
    pub fn names(&self) -> Vec<String> {
        self.zip.file_names_raw().map(|n| String::from_utf8_lossy(n).into_owned()).collect()
    }

    /// The place of an entry with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.zip.index_for_name(name)
    }

    /// The name and content of an entry.
    ///
    /// # Errors
    /// Damaged entries; ways of packing other than deflation; sizes that cannot be.
    pub fn entry(&mut self, at: usize) -> Result<(String, Content<'_>)> {
        let from = self.zip.by_index(at).map_err(failed)?;
        let name = String::from_utf8_lossy(from.name_raw()).into_owned();
        let (size, packed) = (from.size(), from.compressed_size());
        let deflated = from.compression() != CompressionMethod::Stored;
        let most = if deflated { packed.saturating_mul(MOST).saturating_add(64) } else { packed };
        demand!(size <= most, "entry {name}: {packed} bytes cannot hold the {size} that it says");
        let start = if deflated { None } else { from.data_start() };
        Ok((name, Content { from, size, packed, start }))
    }

    /// All of a small entry.
    ///
    /// # Errors
    /// As [`Archive::entry`]; more than `limit` bytes.
    pub fn text(&mut self, at: usize, limit: u64) -> Result<Vec<u8>> {
        let (name, from) = self.entry(at)?;
        demand!(from.size <= limit, "entry {name} has {} bytes, {limit} are the most", from.size);
        let mut out = vec![];
        from.take(limit).read_to_end(&mut out).map_err(data::failed)?;
        Ok(out)
    }
}

/// An archive that is written.
pub struct Entries<'a> {
    zip: ZipWriter<&'a mut BufWriter<File>>,
    options: SimpleFileOptions,
}

impl<'a> Entries<'a> {
    /// A new archive; what is stored begins at multiples of `alignment` bytes.
    pub fn new(out: &'a mut BufWriter<File>, packing: Packing, alignment: u16) -> Entries<'a> {
        let options = SimpleFileOptions::default();
        let options = match packing {
            Packing::Stored => options.compression_method(CompressionMethod::Stored).with_alignment(alignment),
            Packing::Deflated => options.compression_method(CompressionMethod::Deflated),
        };
        Entries { zip: ZipWriter::new(out), options }
    }

    /// Adds an entry of about so many bytes.
    ///
    /// # Errors
    /// Those of the system and of `write`; a name twice.
    pub fn add(&mut self, name: &str, bytes: u64, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        let large = bytes > u64::from(u32::MAX) - (1 << 20);
        self.zip.start_file(name, self.options.large_file(large)).map_err(failed)?;
        write(&mut self.zip)
    }

    /// Writes the list of entries.
    ///
    /// # Errors
    /// Those of the system.
    pub fn finish(self) -> Result<()> {
        self.zip.finish().map(drop).map_err(failed)
    }
}
