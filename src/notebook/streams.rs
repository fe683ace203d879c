//! What the process writes to its output and its errors, from Lua, from C, from programs that it starts: both descriptors
//! lead into pipes, and what comes out of these is handed on as it comes. The pipes are short, so that writers wait for
//! readers.

use super::message::unique;
use super::sockets::lock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that are handed on at once, and how long they are gathered.
const PIECE: usize = 1 << 17;
const MOMENT: Duration = Duration::from_millis(20);

/// How many marks have come out of a pipe.
type Seen = (Mutex<u64>, Condvar);

/// A pipe in place of a descriptor.
struct Pipe {
    /// Its entrance, which stays when the program closes its own.
    entrance: Mutex<(PipeWriter, u64)>,
    seen: Arc<Seen>,
}

/// Both pipes.
pub struct Streams {
    mark: Arc<[u8]>,
    pipes: [Pipe; 2],
    before: [OwnedFd; 2],
}

impl Streams {
    /// Leads standard output and error to a function that takes the stream's name and a text, and gives programs an empty
    /// input.
    ///
    /// # Errors
    /// Descriptors or threads that cannot be had.
    pub fn redirect(take: impl Fn(&str, &str) + Send + Sync + 'static) -> io::Result<Streams> {
        // not a text that anyone prints
        let mark: Arc<[u8]> = format!("\0\x02{}\x03", unique()).into_bytes().into();
        let take = Arc::new(take);
        let before = [io::stdout().as_fd().try_clone_to_owned()?, io::stderr().as_fd().try_clone_to_owned()?];
        let open = |name: &'static str| {
            let (from, entrance) = io::pipe()?;
            let seen = Arc::new((Mutex::new(0), Condvar::new()));
            let (take, mark, noted) = (take.clone(), mark.clone(), seen.clone());
            thread::Builder::new().spawn(move || relay(from, &mark, &noted, |text| take(name, text)))?;
            io::Result::Ok(Pipe { entrance: Mutex::new((entrance, 0)), seen })
        };
        let pipes = [open("stdout")?, open("stderr")?];
        dup2_stdout(&lock(&pipes[0].entrance).0)?;
        dup2_stderr(&lock(&pipes[1].entrance).0)?;
        dup2_stdin(File::open("/dev/null")?)?;
        Ok(Streams { mark, pipes, before })
    }

    /// Waits until everything that was written so far has been handed on.
    pub fn sync(&self) {
        for pipe in &self.pipes {
            let number = {
                let mut entrance = lock(&pipe.entrance);
                // short writes are whole; a pipe whose reader is gone has handed on all there was
                if entrance.0.write_all(&self.mark).is_err() {
                    continue;
                }
                entrance.1 += 1;
                entrance.1
            };
            let mut seen = lock(&pipe.seen.0);
            while *seen < number {
                seen = pipe.seen.1.wait(seen).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Leads output and errors back to where they went before.
    pub fn restore(&self) {
        // where these fail the process has no output, and nobody to tell
        let _ = dup2_stdout(&self.before[0]);
        let _ = dup2_stderr(&self.before[1]);
    }
}

/// Adds what there is to read; false at the end.
fn read_more(from: &mut PipeReader, chunk: &mut [u8], held: &mut Vec<u8>) -> bool {
    loop {
        match from.read(chunk) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) | Ok(0) => return false,
            Ok(n) => {
                held.extend_from_slice(&chunk[..n]);
                return true;
            }
        }
    }
}

/// Hands on what comes out of a pipe, until it ends.
fn relay(mut from: PipeReader, mark: &[u8], seen: &Seen, take: impl Fn(&str)) {
    let (mut held, mut chunk) = (vec![], vec![0; 1 << 16]);
    let hand_on = |bytes: &[u8]| {
        if !bytes.is_empty() {
            take(&String::from_utf8_lossy(bytes));
        }
    };
    while read_more(&mut from, &mut chunk, &mut held) {
        let (mut searched, begun) = (0, Instant::now());
        loop {
            while let Some(at) = find(&held[searched..], mark) {
                hand_on(&held[..searched + at]);
                held.drain(..searched + at + mark.len());
                searched = 0;
                *lock(&seen.0) += 1;
                seen.1.notify_all();
            }
            searched = held.len().saturating_sub(mark.len() - 1);
            let left = MOMENT.saturating_sub(begun.elapsed());
            let enough = held.is_empty() || held.len() >= PIECE || left.is_zero();
            if enough || !readable(&from, left) || !read_more(&mut from, &mut chunk, &mut held) {
                break;
            }
        }
        let rest = held.split_off(held.len() - unfinished(&held, mark));
        hand_on(&held);
        held = rest;
    }
    hand_on(&held);
}

/// Whether there is something to read before this time is over.
fn readable(fd: &impl AsFd, time: Duration) -> bool {
    let time = Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
    poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&time)).is_ok_and(|n| n > 0)
}

/// Where a text begins in another.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].iter().position(|&c| c == wanted[0])?;
        if text[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// How many bytes at a text's end begin a letter or a mark that is still to come.
fn unfinished(text: &[u8], mark: &[u8]) -> usize {
    let marked = (1..mark.len().min(text.len() + 1)).rev().find(|&n| text.ends_with(&mark[..n]));
    let begins = |n: &usize| {
        let last = &text[text.len() - n..];
        std::str::from_utf8(last).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
    };
    marked.or_else(|| (1..text.len().min(3) + 1).rev().find(begins)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_marks_are_not_cut() {
        let mark = b"\0\x02abc";
        assert_eq!(unfinished("aé".as_bytes(), mark), 0);
        assert_eq!(unfinished(&"aé".as_bytes()[..2], mark), 1);
        assert_eq!(unfinished(&"a😀".as_bytes()[..4], mark), 3);
        assert_eq!(unfinished(b"a\xff", mark), 0);
        assert_eq!(unfinished(b"a\0\x02ab", mark), 4);
        assert_eq!((find(b"xx\0\0\x02abcx", mark), find(b"\0\x02ab", mark)), (Some(3), None));
    }

    #[test]
    fn what_was_written_comes_out_before_the_mark_is_seen() {
        let (from, mut entrance) = io::pipe().expect("a pipe");
        let (mark, seen) = (b"\0\x02mark".to_vec(), Arc::new((Mutex::new(0), Condvar::new())));
        let (told, noted, wanted) = (Arc::new(Mutex::new(String::new())), seen.clone(), mark.clone());
        let out = told.clone();
        let thread = thread::spawn(move || relay(from, &wanted, &noted, |text| lock(&out).push_str(text)));
        let text = "äöü".repeat(100_000);
        entrance.write_all(text.as_bytes()).expect("room");
        entrance.write_all(&mark).expect("room");
        let mut count = lock(&seen.0);
        while *count < 1 {
            count = seen.1.wait(count).expect("a count");
        }
        drop(count);
        assert!(*lock(&told) == text);
        entrance.write_all(b"\xffend\0").expect("room");
        drop(entrance);
        thread.join().expect("an end");
        assert!(lock(&told).ends_with("\u{fffd}end\0"));
    }
}
