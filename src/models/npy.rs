//! The files of numpy: one array (`.npy`), or several by their names in a zip archive (`.npz`).
//!
//! Versions 1 to 3 of the format are read, both byte orders and both orders of indices; version 1 is written, or 2
//! where the header is longer than 64 KB.

use super::archive::Archive;
use super::archive_writer::{ArchiveWriter, Packing};
use super::data;
use super::element::ElementType;
use super::{Entry, input};
use crate::tensor::Tensor;
use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};
use std::io::{Read, Write};
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest header that is looked at.
const LONGEST: u64 = 1 << 20;

/// What the header says of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The elements.
    pub kind: ElementType,
    /// Whether their bytes are in big-endian order.
    pub big_endian: bool,
    /// Whether the first index is the fastest.
    pub columns: bool,
    /// Its sizes.
    pub sizes: Vec<usize>,
    /// Bytes before the elements.
    pub length: u64,
}

impl Header {
    /// The bytes of the elements.
    ///
    /// # Errors
    /// More than can be counted.
    pub fn data_bytes(&self) -> Result<u64> {
        data::bytes_of(self.kind, &self.sizes).map_err(|e| Error::invalid(format!("npy header from position 11: {e}")))
    }
}

/// Reads the header at the start of an array.
///
/// # Errors
/// What is no such header, with the position; elements that no tensor can have.
pub fn header(from: &mut dyn Read) -> Result<Header> {
    let mut start = [0; 8];
    from.read_exact(&mut start).map_err(data::failed)?;
    demand!(start.starts_with(MAGIC), "no npy array: expected the bytes \\x93NUMPY at position 1");
    let (width, version) = match start[6] {
        1 => (2, 1),
        v @ (2 | 3) => (4, v),
        v => refuse!("version {v} of the npy format is not known (position 7)"),
    };
    let mut length = [0; 4];
    from.read_exact(&mut length[..width]).map_err(data::failed)?;
    let length = u64::from(u32::from_le_bytes(length));
    demand!(
        length <= LONGEST,
        "the header of a npy array (version {version}) says that it has {length} bytes (position 9)"
    );
    let mut text = vec![];
    from.take(length).read_to_end(&mut text).map_err(data::failed)?;
    demand!(text.len() as u64 == length, "the header of the npy array ends too early");
    let before = 8 + width as u64;
    let mut p = Literal { text: &text, at: 0 };
    let (kind, big_endian, columns, sizes) = p
        .dictionary()
        .map_err(|e| Error::invalid(format!("npy header, position {}: {e}", before + p.at as u64 + 1)))?;
    Ok(Header { kind, big_endian, columns, sizes, length: before + length })
}

/// The Python dictionary of a header.
struct Literal<'a> {
    text: &'a [u8],
    at: usize,
}

type Parts = (ElementType, bool, bool, Vec<usize>);

impl Literal<'_> {
    fn peek(&mut self) -> u8 {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn accept(&mut self, c: u8) -> bool {
        let found = self.peek() == c;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, c: u8) -> Result<()> {
        demand!(self.accept(c), "expected '{}'", c as char);
        Ok(())
    }

    fn string(&mut self) -> Result<String> {
        let quote = self.peek();
        demand!(quote == b'\'' || quote == b'"', "expected a string");
        let rest = &self.text[self.at + 1..];
        let n = rest.iter().position(|&c| c == quote).ok_or_else(|| Error::invalid("a string without an end"))?;
        self.at += n + 2;
        Ok(String::from_utf8_lossy(&rest[..n]).into_owned())
    }

    fn word(&mut self) -> String {
        self.peek();
        let n = self.text[self.at..].iter().take_while(|c| c.is_ascii_alphanumeric()).count();
        self.at += n;
        String::from_utf8_lossy(&self.text[self.at - n..self.at]).into_owned()
    }

    fn sizes(&mut self) -> Result<Vec<usize>> {
        self.expect(b'(')?;
        let mut sizes = vec![];
        while !self.accept(b')') {
            let word = self.word();
            // numpy of Python 2 wrote 3L
            let size = word.trim_end_matches('L').parse();
            sizes.push(size.map_err(|_| Error::invalid(format!("expected a size, got '{word}'")))?);
            if !self.accept(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(sizes)
    }

    fn dictionary(&mut self) -> Result<Parts> {
        let (mut kind, mut columns, mut sizes) = (None, None, None);
        self.expect(b'{')?;
        while !self.accept(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            match key.as_str() {
                "descr" => {
                    demand!(self.peek() != b'[', "an array of records {FOREIGN}");
                    let text = self.string()?;
                    kind = Some(element(&text)?);
                }
                "fortran_order" => {
                    columns = Some(match self.word().as_str() {
                        "True" => true,
                        "False" => false,
                        word => refuse!("expected True or False, got '{word}'"),
                    });
                }
                "shape" => sizes = Some(self.sizes()?),
                _ => refuse!("an entry '{key}' is not known"),
            }
            if !self.accept(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        match (kind, columns, sizes) {
            (Some((kind, big)), Some(columns), Some(sizes)) => Ok((kind, big, columns, sizes)),
            _ => refuse!("expected entries 'descr', 'fortran_order' and 'shape'"),
        }
    }
}

/// An element type and whether its bytes are in big-endian order.
fn element(text: &str) -> Result<(ElementType, bool)> {
    let name = text.trim_start_matches(['<', '>', '|', '=']);
    let what = match name.bytes().next() {
        Some(b'O') => "Python objects",
        Some(b'S' | b'U' | b'a') => "texts",
        Some(b'c') => "complex numbers",
        Some(b'M' | b'm') => "times",
        Some(b'V') => "records",
        _ => "elements that Torch7 does not have",
    };
    let kind = ElementType::of_numpy(name);
    let kind = kind.ok_or_else(|| Error::invalid(format!("an array of {what} ('{text}') {FOREIGN}")))?;
    Ok((kind, text.starts_with('>') || text.starts_with('=') && cfg!(target_endian = "big")))
}

/// Reads an array of which so many bytes are there.
fn array(from: &mut dyn Read, there: u64) -> Result<Tensor> {
    let header = header(from)?;
    let wanted = header.data_bytes()?;
    let left = there.saturating_sub(header.length);
    demand!(
        wanted <= left,
        "the array of size {:?} needs {wanted} bytes from position {} on, {left} are there",
        header.sizes,
        header.length + 1
    );
    data::read_tensor(from, header.kind, header.big_endian, &header.sizes, header.columns)
}

/// The array of a file.
///
/// # Errors
/// A file that cannot be read, what is no such array.
pub fn load(path: &Path) -> Result<Tensor> {
    let (mut file, length) = input::open(path)?;
    array(&mut file, length).map_err(|e| input::at_position(e, &mut file))
}

/// Writes an array: row-major, little-endian.
///
/// # Errors
/// Those of the system.
pub fn write(out: &mut dyn Write, x: &Tensor) -> Result<()> {
    out.write_all(&header_of(x)).map_err(data::failed)?;
    data::write(out, x)
}

fn header_of(x: &Tensor) -> Vec<u8> {
    let name = data::type_of(x).numpy();
    let order = if x.dtype().size() == 1 { '|' } else { '<' };
    let sizes: String = data::sizes_of(x).iter().map(|s| format!("{s}, ")).collect();
    let sizes = if x.ndim() > 1 { sizes.trim_end_matches(", ") } else { sizes.trim_end() };
    let mut text = format!("{{'descr': '{order}{name}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // the elements begin at a multiple of 64; 16 dimensions are far from the longest header of version 1
    let end = (MAGIC.len() + 4 + text.len() + 1).next_multiple_of(64);
    text.extend(std::iter::repeat_n(' ', end - MAGIC.len() - 4 - text.len() - 1));
    text.push('\n');
    let mut header = MAGIC.to_vec();
    header.extend([1, 0]);
    header.extend((text.len() as u16).to_le_bytes());
    header.extend(text.into_bytes());
    header
}

/// Writes one array to a file.
///
/// # Errors
/// Those of the system.
pub fn save(path: &Path, x: &Tensor) -> Result<()> {
    super::output::save(path, |out| write(out, x))
}

/// The arrays of an archive, in its order; those of texts and Python objects are left out.
///
/// # Errors
/// A file that cannot be read, what is no archive of arrays.
pub fn load_npz(path: &Path) -> Result<Vec<Entry>> {
    let mut archive = Archive::open(path)?;
    let mut found = vec![];
    for i in 0..archive.len() {
        let (name, mut data) = archive.entry(i)?;
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
        let size = data.size;
        match array(&mut data, size) {
            Ok(tensor) => found.push(Entry { name, tensor }),
            Err(e) if is_foreign(&e) => {}
            Err(e) => return Err(Error::invalid(format!("entry {name}.npy: {e}"))),
        }
    }
    Ok(found)
}

/// What an error says of an array whose elements no tensor has.
const FOREIGN: &str = "cannot be a tensor";

/// Whether an array is in order, but of elements that no tensor has.
pub fn is_foreign(e: &Error) -> bool {
    e.to_string().contains(FOREIGN)
}

/// Writes arrays to an archive, in their order.
///
/// # Errors
/// Those of the system; a name twice.
pub fn save_npz(path: &Path, entries: &[Entry], packing: Packing) -> Result<()> {
    super::output::save(path, |out| {
        let mut archive = ArchiveWriter::new(out, packing, 64);
        for Entry { name, tensor } in entries {
            let bytes = tensor.numel() as u64 * tensor.dtype().size() as u64;
            archive.add(&format!("{name}.npy"), bytes, |out| write(out, tensor))?;
        }
        archive.finish()
    })
}
