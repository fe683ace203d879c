//! Connections between processes and threads, on one machine or several: messages over TCP.
//!
//! A message is a head, and as many bytes as that says: what it holds, an element type, sizes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a wait goes on before it is asked whether it should.
const PATIENCE: Duration = Duration::from_millis(100);

/// Most sizes that a head may have.
const SIZES: usize = 64;

/// What a message holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// A kind, as those who send and receive understand it.
    pub kind: u8,
    /// An element type, likewise.
    pub dtype: u8,
    /// Sizes.
    pub sizes: Vec<u64>,
    /// How many bytes follow.
    pub bytes: u64,
}

/// How much went over a connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traffic {
    /// Messages and bytes sent.
    pub sent: [u64; 2],
    /// Messages and bytes received.
    pub received: [u64; 2],
}

#[derive(Default)]
struct Line {
    stream: Option<TcpStream>,
    /// A message whose bytes nobody has read yet.
    open: Option<Head>,
    traffic: Traffic,
}

/// One end of a connection; one that is closed by default.
#[derive(Clone, Default)]
pub struct Connection(Arc<Mutex<Line>>);

/// What went wrong, in words.
pub type Outcome<T> = Result<T, String>;

/// Asked now and then by what waits: an error ends the wait.
pub type Patience<'a> = &'a dyn Fn() -> Outcome<()>;

fn told(e: std::io::Error) -> String {
    e.to_string()
}

impl Line {
    fn stream(&mut self) -> Outcome<&mut TcpStream> {
        self.stream.as_mut().ok_or_else(|| "the connection is closed".to_string())
    }

    /// Reads all these bytes. What fails on the way ends the connection, which is out of step then.
    /// How many bytes of a part passed, none where the other end is not ready yet; the stream is gone after an error.
    fn passed(&mut self, part: std::io::Result<usize>, patience: Patience) -> Outcome<usize> {
        let outcome = match part {
            Ok(n) => Ok(n),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                patience().map(|()| 0)
            }
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Err("the other end closed the connection".to_string()),
            Err(e) => Err(told(e)),
        };
        if outcome.is_err() {
            self.stream = None;
        }
        outcome
    }

    fn read(&mut self, mut to: &mut [u8], patience: Patience) -> Outcome<()> {
        while !to.is_empty() {
            let part = match self.stream()?.read(to) {
                Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
                part => part,
            };
            let n = self.passed(part, patience)?;
            to = &mut std::mem::take(&mut to)[n..];
        }
        Ok(())
    }

    fn write(&mut self, mut from: &[u8], patience: Patience) -> Outcome<()> {
        while !from.is_empty() {
            let part = self.stream()?.write(from);
            from = &from[self.passed(part, patience)?..];
        }
        Ok(())
    }
}

impl Connection {
    fn over(stream: TcpStream) -> Outcome<Connection> {
        stream.set_nodelay(true).map_err(told)?;
        stream.set_nonblocking(false).map_err(told)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(told)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(told)?;
        let line = Line { stream: Some(stream), open: None, traffic: Traffic::default() };
        Ok(Connection(Arc::new(Mutex::new(line))))
    }

    /// Connects, as soon as somebody listens there, within this time.
    ///
    /// # Errors
    /// Nobody who listens, and what `patience` says.
    pub fn to(host: &str, port: u16, within: Duration, patience: Patience) -> Outcome<Connection> {
        let end = Instant::now() + within;
        loop {
            match TcpStream::connect((host, port)) {
                Ok(stream) => return Connection::over(stream),
                Err(e) if Instant::now() >= end => return Err(format!("cannot connect to {host}:{port}: {e}")),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
            patience()?;
        }
    }

    fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message: `body` writes its bytes.
    ///
    /// # Errors
    /// A connection that is closed, too many sizes, what `patience` says.
    pub fn send(&self, head: &Head, body: &[u8], patience: Patience) -> Outcome<()> {
        if head.sizes.len() > SIZES {
            return Err(format!("at most {SIZES} dimensions can be sent, got {}", head.sizes.len()));
        }
        let mut bytes = vec![head.kind, head.dtype, head.sizes.len() as u8];
        for n in head.sizes.iter().chain([&(body.len() as u64)]) {
            bytes.extend_from_slice(&n.to_le_bytes());
        }
        let mut line = self.line();
        line.write(&bytes, patience)?;
        line.write(body, patience)?;
        line.traffic.sent[0] += 1;
        line.traffic.sent[1] += (bytes.len() + body.len()) as u64;
        Ok(())
    }

    /// The head of the next message. Until its bytes were read it is the same one.
    ///
    /// # Errors
    /// A connection that is closed, what is no head, what `patience` says.
    pub fn head(&self, patience: Patience) -> Outcome<Head> {
        let mut line = self.line();
        if let Some(head) = &line.open {
            return Ok(head.clone());
        }
        let mut first = [0u8; 3];
        line.read(&mut first, patience)?;
        let count = usize::from(first[2]);
        if count > SIZES {
            line.stream = None;
            return Err("what came is no message".into());
        }
        let mut numbers = vec![0u8; 8 * (count + 1)];
        line.read(&mut numbers, patience)?;
        let mut sizes: Vec<u64> =
            numbers.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default())).collect();
        let bytes = sizes.pop().unwrap_or(0);
        let head = Head { kind: first[0], dtype: first[1], sizes, bytes };
        line.traffic.received[0] += 1;
        line.traffic.received[1] += (3 + numbers.len()) as u64 + bytes;
        line.open = Some(head.clone());
        Ok(head)
    }

    /// Reads the bytes of the message whose head was asked for; the slice is to be as long as they are many.
    ///
    /// # Errors
    /// A slice of another length, a connection that is closed, what `patience` says.
    pub fn body(&self, to: &mut [u8], patience: Patience) -> Outcome<()> {
        let mut line = self.line();
        match &line.open {
            Some(head) if head.bytes == to.len() as u64 => {}
            _ => return Err(format!("a message of {} bytes is not what came", to.len())),
        }
        line.open = None;
        line.read(to, patience)
    }

    /// Lets the bytes of a message go.
    ///
    /// # Errors
    /// As [`Connection::body`].
    pub fn skip(&self, patience: Patience) -> Outcome<()> {
        let mut line = self.line();
        let mut left = line.open.take().map_or(0, |h| h.bytes);
        let mut room = [0u8; 4096];
        while left > 0 {
            let n = left.min(room.len() as u64);
            line.read(&mut room[..n as usize], patience)?;
            left -= n;
        }
        Ok(())
    }

    /// Whether a message has begun to come in, or the connection has ended.
    pub fn is_ready(&self) -> bool {
        let mut line = self.line();
        if line.open.is_some() {
            return true;
        }
        let Ok(stream) = line.stream() else { return true };
        if stream.set_nonblocking(true).is_err() {
            return true;
        }
        let came = stream.peek(&mut [0]);
        let back = stream.set_nonblocking(false);
        back.is_err() || !matches!(came, Err(e) if e.kind() == ErrorKind::WouldBlock)
    }

    /// What went over it so far.
    pub fn traffic(&self) -> Traffic {
        self.line().traffic
    }

    /// Ends it.
    pub fn close(&self) {
        if let Some(stream) = self.line().stream.take() {
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    /// An address that is the same for all handles.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

/// What others connect to; by default nobody can.
#[derive(Default)]
pub struct Listener(Mutex<Option<TcpListener>>);

impl Listener {
    /// Listens at a port, or at one that is free where it is 0; and which.
    ///
    /// # Errors
    /// What the system says.
    pub fn at(host: &str, port: u16) -> Outcome<(Listener, u16)> {
        let fail = |e: std::io::Error| format!("cannot listen at {host}:{port}: {e}");
        let listener = TcpListener::bind((host, port)).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let port = listener.local_addr().map_err(fail)?.port();
        Ok((Listener(Mutex::new(Some(listener))), port))
    }

    /// Waits for somebody who connects.
    ///
    /// # Errors
    /// A listener that was closed, what `patience` says.
    pub fn accept(&self, patience: Patience) -> Outcome<Connection> {
        loop {
            {
                let listener = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let listener = listener.as_ref().ok_or("the server is closed")?;
                match listener.accept() {
                    Ok((stream, _)) => return Connection::over(stream),
                    Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                    Err(e) => return Err(told(e)),
                }
            }
            std::thread::sleep(Duration::from_millis(2));
            patience()?;
        }
    }

    /// Listens no more.
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_whole_and_in_order() {
        let go = || Ok(());
        let (listener, port) = Listener::at("127.0.0.1", 0).unwrap();
        let client = Connection::to("127.0.0.1", port, Duration::from_secs(5), &go).unwrap();
        let server = listener.accept(&go).unwrap();
        assert!(!server.is_ready());
        let head = Head { kind: 2, dtype: 5, sizes: vec![3, 4], bytes: 5 };
        client.send(&head, b"hello", &go).unwrap();
        client.send(&Head::default(), b"", &go).unwrap();
        while !server.is_ready() {}
        assert_eq!(server.head(&go).unwrap(), head);
        let mut body = [0; 5];
        assert!(server.body(&mut [0; 4], &go).is_err());
        server.body(&mut body, &go).unwrap();
        assert_eq!(&body, b"hello");
        assert_eq!(server.head(&go).unwrap().bytes, 0);
        server.skip(&go).unwrap();
        client.close();
        assert!(server.head(&go).is_err() && client.send(&head, b"", &go).is_err());
        listener.close();
        assert!(listener.accept(&go).is_err());
    }
}
