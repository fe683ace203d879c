//! Programs that run beside this one, and files that one process has to itself.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A program that was started, with its standard input and output.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    code: Option<i32>,
}

/// How a process is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

impl Process {
    /// Starts a program, found as the system finds it. `environment` replaces the environment: texts `NAME=VALUE`.
    pub fn start<S: AsRef<OsStr>>(file: S, args: &[S], environment: Option<&[String]>) -> io::Result<Process> {
        let mut command = Command::new(file);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(list) = environment {
            command.env_clear();
            command.envs(list.iter().filter_map(|pair| pair.split_once('=')));
        }
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| io::Error::other("a process without an output"))?;
        Ok(Process { child, input, output: BufReader::new(output), code: None })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.input {
            Some(input) => input.write_all(bytes).and_then(|()| input.flush()),
            None => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the standard input of the process is closed")),
        }
    }

    /// Closes its standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// A line of its output, without the end of the line; nothing at the end.
    pub fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = vec![];
        if self.output.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(Some(line))
    }

    /// At most so many bytes of its output; nothing at the end.
    pub fn read(&mut self, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![];
        (&mut self.output).take(most as u64).read_to_end(&mut bytes)?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Asks it to end.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.has_ended()? {
            return Ok(());
        }
        match signal {
            Signal::Kill => self.child.kill(),
            Signal::Terminate => {
                Command::new("kill").args(["-TERM", &self.id().to_string()]).stderr(Stdio::null()).status().map(drop)
            }
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        if self.code.is_none() {
            self.code = self.child.try_wait()?.map(|s| s.code().unwrap_or(0));
        }
        Ok(self.code.is_some())
    }

    /// How it ended; 0 for a signal.
    pub fn code(&self) -> Option<i32> {
        self.code
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input = None;
        // it is not waited for here: that may take as long as it likes
        if !self.has_ended().unwrap_or(true) {
            self.signal(Signal::Terminate).ok();
            self.has_ended().ok();
        }
    }
}

/// A file that this process has to itself as long as this lives.
pub struct LockedFile(File);

impl LockedFile {
    /// Opens a file, or makes one, if nobody else has it now.
    pub fn open(path: &str) -> io::Result<Option<LockedFile>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(LockedFile(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    /// Its content.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![];
        self.0.seek(SeekFrom::Start(0))?;
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Replaces its content.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(bytes)
    }
}
