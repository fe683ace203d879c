//! Files that take another's place when they are whole: written under a temporary name in the same folder, so that a
//! failure leaves the older file as it was.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The name of a file that is being written, and the one it gets in the end. Without [`AtomicFile::finish`] it goes.
pub struct AtomicFile {
    names: Option<(PathBuf, PathBuf)>,
}

impl AtomicFile {
    /// A new file for `path`, with the permissions of the older one; `None` for what is no plain file (a device, a
    /// pipe), which nothing can replace.
    ///
    /// # Errors
    /// A file that may not be written, a folder that cannot take a new one.
    pub fn of(path: &Path) -> io::Result<Option<(File, AtomicFile)>> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // through links, so that the link stays
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let old = fs::metadata(&path).ok();
        if old.as_ref().is_some_and(|m| !m.is_file()) {
            return Ok(None);
        }
        if old.as_ref().is_some_and(|m| m.permissions().readonly()) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut name = OsString::from(".");
        name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
        name.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Relaxed)));
        let temporary = path.with_file_name(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        if let Some(old) = old {
            // best effort: the new file may belong to someone else than the old one did
            let _ = file.set_permissions(old.permissions());
        }
        Ok(Some((file, AtomicFile { names: Some((temporary, path)) })))
    }

    /// A file to write for `path`, new as [`of`](AtomicFile::of) makes it, or the device or pipe itself.
    ///
    /// # Errors
    /// As `of`; what cannot be opened.
    pub fn open(path: &Path) -> io::Result<(File, Option<AtomicFile>)> {
        Ok(match AtomicFile::of(path)? {
            Some((file, atomic_file)) => (file, Some(atomic_file)),
            None => (File::options().write(true).open(path)?, None),
        })
    }

    /// Puts the file into its place, or takes it away if it is not to be kept. Once; afterwards there is nothing to do.
    ///
    /// # Errors
    /// A name that the system refuses; the file is then gone.
    pub fn finish(&mut self, keep: bool) -> io::Result<()> {
        let Some((temporary, path)) = self.names.take() else { return Ok(()) };
        let done = if keep { fs::rename(&temporary, &path) } else { Ok(()) };
        if !keep || done.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        done
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        let _ = self.finish(false);
    }
}
