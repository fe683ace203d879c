//! What a launcher has not read yet of this process's output.
//!
//! A launcher that is told to end all processes need not look at their pipes again: MPICH's loses the message of the
//! process that failed, once in twenty times.

use std::time::Duration;
#[cfg(unix)]
use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd},
    os::unix::fs::FileTypeExt,
    thread::sleep,
    time::Instant,
};

/// Waits until standard error and standard output are read by who reads them, or for `limit`: nobody may read. What is no
/// pipe has nothing to be read, and a stream that is closed nobody to wait for.
#[cfg(unix)]
pub(super) fn wait_for_readers(limit: Duration) {
    let until = Instant::now() + limit;
    for stream in [io::stderr().as_fd(), io::stdout().as_fd()] {
        let _ = is_read(stream, until);
    }
}

/// Where the number of unread bytes cannot be asked.
#[cfg(not(unix))]
pub(super) fn wait_for_readers(_limit: Duration) {}

/// Whether a stream's reader has all of it, at `until` at the latest.
#[cfg(unix)]
fn is_read(stream: BorrowedFd, until: Instant) -> io::Result<bool> {
    if !File::from(stream.try_clone_to_owned()?).metadata()?.file_type().is_fifo() {
        return Ok(true);
    }
    while rustix::io::ioctl_fionread(stream)? != 0 {
        if Instant::now() >= until {
            return Ok(false);
        }
        sleep(Duration::from_millis(1));
    }
    Ok(true)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_pipe_is_read_when_its_reader_has_all() {
        let (mut reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(b"not here").expect("room in a pipe");
        let asked = |limit| is_read(writer.as_fd(), Instant::now() + limit).expect("a pipe can be asked");
        assert!(!asked(Duration::ZERO));
        let mut all = [0; 8];
        reader.read_exact(&mut all).expect("eight bytes");
        assert!(asked(Duration::ZERO));
    }

    #[test]
    fn a_file_has_nobody_to_wait_for() {
        let file = File::open("Cargo.toml").expect("a file");
        assert!(is_read(file.as_fd(), Instant::now()).expect("a file can be asked"));
    }
}
