//! Files that are read.

use crate::tensor::error::{Error, Result};
use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;

/// Opens a file; with its length.
///
/// # Errors
/// Those of the system, with the path; what is no file.
pub fn open(path: &Path) -> Result<(BufReader<File>, u64)> {
    let fail = |e: std::io::Error| Error::invalid(format!("cannot read <{}>: {e}", path.display()));
    let file = File::open(path).map_err(fail)?;
    let facts = file.metadata().map_err(fail)?;
    if facts.is_dir() {
        return Err(fail(std::io::ErrorKind::IsADirectory.into()));
    }
    Ok((BufReader::with_capacity(1 << 16, file), facts.len()))
}

/// An error with the position at which a file stands, unless it tells one.
pub fn at_position(e: Error, file: &mut BufReader<File>) -> Error {
    let text = e.to_string();
    match file.stream_position() {
        Ok(at) if !text.contains("position ") => Error::invalid(format!("{text}, at position {}", at + 1)),
        _ => e,
    }
}
