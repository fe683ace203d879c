//! ZMTP 3.0, the protocol that ZeroMQ's sockets speak over a connection: a greeting, a READY command from both ends, then
//! messages of frames (<https://rfc.zeromq.org/spec/23/>). No encryption: Jupyter signs its messages.

use std::io::{self, ErrorKind, Read, Write};

/// What a socket is to its peers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Answers whoever asked, by its identity.
    Router,
    /// Sends to whoever subscribed.
    Publisher,
    /// Answers each message in turn.
    Reply,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Router => "ROUTER",
            Kind::Publisher => "PUB",
            Kind::Reply => "REP",
        }
    }

    /// Whether a peer of this type may connect.
    fn takes(self, other: &[u8]) -> bool {
        let allowed: &[&[u8]] = match self {
            Kind::Router => &[b"DEALER", b"REQ", b"ROUTER"],
            Kind::Publisher => &[b"SUB", b"XSUB"],
            Kind::Reply => &[b"REQ", b"DEALER"],
        };
        allowed.contains(&other)
    }
}

/// The frames of a message.
pub type Message = Vec<Vec<u8>>;

/// More bytes or frames than any frontend sends in one message.
const MOST_BYTES: usize = 256 << 20;
const MOST_FRAMES: usize = 4096;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// The first 64 bytes of both ends: a signature, version 3.0, no security.
fn greeting() -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

fn frame(out: &mut Vec<u8>, flags: u8, body: &[u8]) {
    match u8::try_from(body.len()) {
        Ok(short) => out.extend([flags, short]),
        Err(_) => {
            out.push(flags | LONG);
            out.extend((body.len() as u64).to_be_bytes());
        }
    }
    out.extend(body);
}

/// A message as the bytes of a connection.
pub fn encode(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frames.iter().map(|f| f.len() + 9).sum());
    for (i, body) in frames.iter().enumerate() {
        frame(&mut out, if i + 1 < frames.len() { MORE } else { 0 }, body);
    }
    out
}

/// One frame, which takes its bytes off those that are left to the message.
fn read_frame(from: &mut impl Read, left: &mut usize) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    from.read_exact(&mut head)?;
    let flags = head[0];
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err(wrong("a frame with unknown flags"));
    }
    let size = if flags & LONG == 0 {
        u64::from(head[1])
    } else {
        let mut bytes = [0; 8];
        bytes[0] = head[1];
        from.read_exact(&mut bytes[1..])?;
        u64::from_be_bytes(bytes)
    };
    let size = usize::try_from(size).ok().filter(|n| n <= left).ok_or_else(|| wrong("a message that is too large"))?;
    *left -= size;
    // memory grows with what arrives, not with what was announced
    let mut body = vec![];
    from.take(size as u64).read_to_end(&mut body)?;
    if body.len() < size { Err(ErrorKind::UnexpectedEof.into()) } else { Ok((flags, body)) }
}

/// The next message; commands of the protocol are passed over.
///
/// # Errors
/// The end of the connection, or bytes that are no message.
pub fn read(from: &mut impl Read) -> io::Result<Message> {
    let (mut frames, mut left) = (vec![], MOST_BYTES);
    loop {
        let (flags, body) = read_frame(from, &mut left)?;
        if flags & COMMAND != 0 {
            left = MOST_BYTES;
            continue;
        }
        frames.push(body);
        if flags & MORE == 0 {
            return Ok(frames);
        }
        if frames.len() == MOST_FRAMES {
            return Err(wrong("a message of too many frames"));
        }
    }
}

/// The properties of a READY command.
fn properties(body: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut rest = body.strip_prefix(b"\x05READY")?;
    let mut found = vec![];
    while let Some((&size, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(size.into())?;
        let (size, after) = after.split_first_chunk::<4>()?;
        let (value, after) = after.split_at_checked(u32::from_be_bytes(*size) as usize)?;
        found.push((name.to_ascii_lowercase(), value.to_vec()));
        rest = after;
    }
    Some(found)
}

/// Opens a connection that was accepted; the identity that the peer gave itself, which may be empty.
///
/// # Errors
/// A peer that speaks something else, or a socket that does not go with this one.
pub fn shake_hands(link: &mut (impl Read + Write), kind: Kind) -> io::Result<Vec<u8>> {
    link.write_all(&greeting())?;
    let mut theirs = [0; 64];
    link.read_exact(&mut theirs)?;
    if theirs[0] != 0xff || theirs[9] & 1 == 0 || theirs[10] < 3 || &theirs[12..17] != b"NULL\0" {
        return Err(wrong("a greeting that is not ZMTP 3 without security"));
    }
    let mut ready = b"\x05READY".to_vec();
    for (name, value) in [("Socket-Type", kind.name()), ("Identity", "")] {
        ready.push(name.len() as u8);
        ready.extend(name.bytes());
        ready.extend((value.len() as u32).to_be_bytes());
        ready.extend(value.bytes());
    }
    let mut command = vec![];
    frame(&mut command, COMMAND, &ready);
    link.write_all(&command)?;
    let mut left = 4096;
    let (flags, body) = read_frame(link, &mut left)?;
    let found = (flags & COMMAND != 0).then(|| properties(&body)).flatten().ok_or_else(|| wrong("no READY command"))?;
    let property = |name: &[u8]| found.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    if !property(b"socket-type").is_some_and(|other| kind.takes(&other)) {
        return Err(wrong("a socket of another type"));
    }
    Ok(property(b"identity").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn messages_come_back_as_they_were() {
        let message = vec![vec![], b"short".to_vec(), vec![7; 300], vec![9; 255]];
        assert_eq!(read(&mut Cursor::new(encode(&message))).expect("a message"), message);
    }

    #[test]
    fn announced_sizes_are_not_believed() {
        let mut huge = vec![LONG];
        huge.extend(u64::MAX.to_be_bytes());
        assert!(read(&mut Cursor::new(huge)).is_err());
        let mut short = vec![LONG];
        short.extend((200u64 << 20).to_be_bytes());
        short.extend([1, 2, 3]);
        assert!(read(&mut Cursor::new(short)).is_err());
        assert!(read(&mut Cursor::new([0x80, 1, 2])).is_err());
        assert!(read(&mut Cursor::new([MORE, 0].repeat(MOST_FRAMES + 1))).is_err());
    }

    #[test]
    fn commands_in_pieces_are_refused_everywhere() {
        let mut whole = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x03abc".to_vec();
        let found = properties(&whole).expect("properties");
        assert_eq!(found[1], (b"identity".to_vec(), b"abc".to_vec()));
        let starts = [6, 28];
        for n in 0..whole.len() {
            assert_eq!(properties(&whole[..n]).is_some(), starts.contains(&n), "{n}");
        }
        whole[6] = 255;
        assert!(properties(&whole).is_none());
    }
}
