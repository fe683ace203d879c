//! Sockets as ZeroMQ has them, bound to an address: messages come to a function, and go to one peer or to all that subscribed.
//!
//! What goes out waits in a queue of each peer's own, which is bounded: who sends waits for a slow peer, so that output
//! of any size takes no memory. A peer that takes nothing for a while is let go.

use super::zmtp::{self, Kind, Message};
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that wait for a peer before its sender does.
const CAPACITY: usize = 1 << 20;
/// How long a peer may take nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection's opening may take.
const OPENING: Duration = Duration::from_secs(10);

/// The value of a lock, whatever became of a thread that held it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where connections come in.
pub enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A file of this machine.
    Unix(UnixListener),
}

/// A connection.
enum Link {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    fn accept(&self) -> io::Result<Link> {
        match self {
            Listener::Tcp(l) => {
                let (stream, _) = l.accept()?;
                // replies are small, and waited for
                stream.set_nodelay(true)?;
                Ok(Link::Tcp(stream))
            }
            Listener::Unix(l) => Ok(Link::Unix(l.accept()?.0)),
        }
    }
}

impl Link {
    fn another(&self) -> io::Result<Link> {
        Ok(match self {
            Link::Tcp(s) => Link::Tcp(s.try_clone()?),
            Link::Unix(s) => Link::Unix(s.try_clone()?),
        })
    }

    fn set_patience(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Link::Tcp(s) => s.set_read_timeout(time),
            Link::Unix(s) => s.set_read_timeout(time),
        }
    }

    fn close(&self) {
        // one that is closed already is fine
        let _ = match self {
            Link::Tcp(s) => s.shutdown(Shutdown::Both),
            Link::Unix(s) => s.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Tcp(s) => s.read(buffer),
            Link::Unix(s) => s.read(buffer),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Link::Tcp(s) => s.write(bytes),
            Link::Unix(s) => s.write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What waits for a peer.
#[derive(Default)]
struct Waiting {
    messages: VecDeque<Arc<[u8]>>,
    /// Bytes, those that are being written included.
    size: usize,
    closed: bool,
}

/// A connection's way out.
struct Peer {
    identity: Vec<u8>,
    waiting: Mutex<Waiting>,
    moved: Condvar,
    link: Link,
    subscriptions: Mutex<Vec<Vec<u8>>>,
}

impl Peer {
    /// Puts a message behind those that wait, once there is room.
    fn send(&self, bytes: Arc<[u8]>) {
        let mut waiting = lock(&self.waiting);
        while !waiting.closed && waiting.size > 0 && waiting.size + bytes.len() > CAPACITY {
            let before = waiting.size;
            let (after, timed) = self.moved.wait_timeout(waiting, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            waiting = after;
            if timed.timed_out() && waiting.size == before {
                waiting.closed = true;
                self.link.close();
            }
        }
        if !waiting.closed {
            waiting.size += bytes.len();
            waiting.messages.push_back(bytes);
            self.moved.notify_all();
        }
    }

    /// Writes what waits, until the connection ends.
    fn write(&self, mut link: Link) {
        loop {
            let next = {
                let mut waiting = lock(&self.waiting);
                loop {
                    if waiting.closed {
                        return;
                    }
                    if let Some(next) = waiting.messages.pop_front() {
                        break next;
                    }
                    waiting = self.moved.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
            };
            let written = link.write_all(&next);
            lock(&self.waiting).size -= next.len();
            self.moved.notify_all();
            if written.is_err() {
                self.close();
            }
        }
    }

    fn close(&self) {
        lock(&self.waiting).closed = true;
        self.moved.notify_all();
        self.link.close();
    }

    /// Whether a message that begins so is wanted.
    fn wants(&self, topic: &[u8]) -> bool {
        lock(&self.subscriptions).iter().any(|s| topic.starts_with(s))
    }

    /// What a subscriber says: to subscribe to messages that begin so, or not to any more.
    fn subscribe(&self, message: &Message) {
        let mut all = lock(&self.subscriptions);
        match message.first().and_then(|body| body.split_first()) {
            Some((1, topic)) => all.push(topic.to_vec()),
            Some((0, topic)) => {
                if let Some(i) = all.iter().position(|s| s == topic) {
                    all.swap_remove(i);
                }
            }
            _ => {}
        }
    }
}

/// A bound socket.
pub struct Socket {
    kind: Kind,
    peers: Mutex<HashMap<Vec<u8>, Arc<Peer>>>,
    unnamed: AtomicU64,
}

impl Socket {
    /// One that nobody is connected to yet.
    pub fn new(kind: Kind) -> Arc<Socket> {
        Arc::new(Socket { kind, peers: Mutex::default(), unnamed: AtomicU64::new(0) })
    }

    /// Takes connections from now on; messages go to the function, with the identity of who sent them, each peer's on a
    /// thread of its own.
    pub fn serve(self: &Arc<Socket>, at: Listener, take: impl Fn(&[u8], Message) + Send + Sync + 'static) {
        let (socket, take) = (self.clone(), Arc::new(take));
        thread::spawn(move || {
            loop {
                let Ok(link) = at.accept() else {
                    // too many open files: later there may be fewer
                    thread::sleep(Duration::from_millis(100));
                    continue;
                };
                let (socket, take) = (socket.clone(), take.clone());
                // a peer that breaks off, or is none, is none of the others' business; nor are threads that cannot be had
                let _ = thread::Builder::new().spawn(move || socket.attend(link, &*take));
            }
        });
    }

    fn attend(&self, mut link: Link, take: &(impl Fn(&[u8], Message) + ?Sized)) -> io::Result<()> {
        link.set_patience(Some(OPENING))?;
        let mut identity = zmtp::shake_hands(&mut link, self.kind)?;
        link.set_patience(None)?;
        if identity.is_empty() {
            // as ZeroMQ names them: those that peers give themselves do not begin with a zero
            identity = [&[0], &self.unnamed.fetch_add(1, Relaxed).to_be_bytes()[..]].concat();
        }
        let (out, kept) = (link.another()?, link.another()?);
        let peer = Arc::new(Peer {
            identity: identity.clone(),
            waiting: Mutex::default(),
            moved: Condvar::new(),
            link: kept,
            subscriptions: Mutex::default(),
        });
        // who comes again under its name has lost its connection
        if let Some(old) = lock(&self.peers).insert(identity, peer.clone()) {
            old.close();
        }
        let writer = peer.clone();
        thread::Builder::new().spawn(move || writer.write(out))?;
        let mut from = io::BufReader::new(link);
        while let Ok(message) = zmtp::read(&mut from) {
            match self.kind {
                Kind::Publisher => peer.subscribe(&message),
                Kind::Reply => peer.send(zmtp::encode(&message).into()),
                Kind::Router => take(&peer.identity, message),
            }
        }
        peer.close();
        let mut peers = lock(&self.peers);
        if peers.get(&peer.identity).is_some_and(|p| Arc::ptr_eq(p, &peer)) {
            peers.remove(&peer.identity);
        }
        Ok(())
    }

    /// Whether there is a peer of this identity.
    pub fn knows(&self, identity: &[u8]) -> bool {
        lock(&self.peers).contains_key(identity)
    }

    /// Sends to the peer of this identity, if it is still there.
    pub fn send_to(&self, identity: &[u8], frames: &[Vec<u8>]) {
        let peer = lock(&self.peers).get(identity).cloned();
        if let Some(peer) = peer {
            peer.send(zmtp::encode(frames).into());
        }
    }

    /// Sends to everyone who subscribed to it. Waits while one of them is slow.
    pub fn publish(&self, frames: &[Vec<u8>]) {
        let topic = frames.first().map_or(&[][..], Vec::as_slice);
        let peers: Vec<_> = lock(&self.peers).values().filter(|p| p.wants(topic)).cloned().collect();
        let bytes: Arc<[u8]> = zmtp::encode(frames).into();
        for peer in peers {
            peer.send(bytes.clone());
        }
    }

    /// Waits until everything is written, for at most so long.
    pub fn drain(&self, most: Duration) {
        let end = Instant::now() + most;
        let peers: Vec<_> = lock(&self.peers).values().cloned().collect();
        for peer in peers {
            let mut waiting = lock(&peer.waiting);
            while waiting.size > 0 && !waiting.closed {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return;
                }
                waiting = peer.moved.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}
