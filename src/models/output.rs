//! A file that is written whole or not at all.

use crate::atomic_file::AtomicFile;
use crate::tensor::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes a file under a temporary name, and gives it its own when all is written; a failure leaves an older file as it
/// was. What is no plain file, a device say, is written directly.
///
/// # Errors
/// Those of the system and of `write`, with the path.
pub fn save(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let about = |text: String| Error::invalid(format!("cannot write <{}>: {text}", path.display()));
    let fail = |e: std::io::Error| about(e.to_string());
    let (file, mut atomic_file) = AtomicFile::open(path).map_err(fail)?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    write(&mut out).map_err(|e| about(e.to_string()))?;
    out.flush().map_err(fail)?;
    drop(out);
    atomic_file.as_mut().map_or(Ok(()), |a| a.finish(true)).map_err(fail)
}
