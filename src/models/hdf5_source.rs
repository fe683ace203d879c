//! Where an HDF5 file is read: the crate that reads it does not say where a damage lies, so the last place that was read
//! is kept for errors.

use hdf5_pure::{FormatError, ReadSeekSource, Source};
use std::cell::Cell;
use std::fs::File;

thread_local! {
    /// The byte at which this thread read last.
    static LAST: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A file opened for reading that remembers where it was read.
pub struct Watched {
    inner: ReadSeekSource<File>,
}

impl Watched {
    /// A file from its first byte.
    ///
    /// # Errors
    /// A file whose length the system does not tell.
    pub fn new(file: File) -> Result<Watched, FormatError> {
        Ok(Watched { inner: ReadSeekSource::new(file)? })
    }
}

impl Source for Watched {
    fn len(&self) -> u64 {
        self.inner.len()
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), FormatError> {
        LAST.set(Some(offset));
        self.inner.read_at(offset, buffer)
    }
    fn read_exact_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, FormatError> {
        LAST.set(Some(offset));
        self.inner.read_exact_at(offset, length)
    }
}

/// Where the work since the last question read last; none where it read nothing.
pub fn last() -> Option<u64> {
    LAST.take()
}
