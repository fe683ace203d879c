//! Jupyter's messages: four texts of JSON with a signature, between the identities of who asked and buffers that are not
//! used here (<https://jupyter-client.readthedocs.io/en/stable/messaging.html>).

use super::zmtp::Message;
use crate::formats::Data;
use crate::formats::json::{self, Options};
use crate::formats::json_text;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of the protocol.
pub const PROTOCOL: &str = "5.3";

const DELIMITER: &[u8] = b"<IDS|MSG>";

/// The head of a message that came in.
#[derive(Debug, PartialEq)]
pub struct Header {
    /// What it asks for.
    pub kind: String,
    /// As it came: answers carry it.
    whole: Data,
}

/// A message that came in.
pub struct Request {
    /// Who sent it.
    pub identity: Vec<u8>,
    /// Its head.
    pub header: Arc<Header>,
    /// What it says.
    pub content: Data,
}

/// Letters that nobody guesses.
pub fn unique() -> String {
    let half = || RandomState::new().hash_one(SystemTime::now());
    format!("{:016x}{:016x}", half(), half())
}

/// A moment as ISO 8601 has it.
fn date(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86400, since.as_secs() % 86400);
    // the calendar repeats itself every 146,097 days; years are counted from March on, so that the leap day is the last
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month < 3);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z", since.subsec_micros())
}

/// What messages of this process have in common: the key and the session.
pub struct Wire {
    key: Vec<u8>,
    session: String,
    count: AtomicU64,
}

/// A text as data.
pub fn text(of: impl AsRef<str>) -> Data {
    Data::Text(of.as_ref().as_bytes().into())
}

/// An object.
pub fn map<const N: usize>(pairs: [(&str, Data); N]) -> Data {
    Data::Map(pairs.into_iter().map(|(name, value)| (name.as_bytes().into(), value)).collect())
}

impl Wire {
    /// One that signs with this key; with an empty one nothing is signed.
    pub fn new(key: Vec<u8>) -> Wire {
        Wire { key, session: unique(), count: AtomicU64::new(0) }
    }

    fn mac(&self, parts: &[Vec<u8>]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        parts.iter().for_each(|part| mac.update(part));
        Some(mac)
    }

    fn sign(&self, parts: &[Vec<u8>]) -> Vec<u8> {
        if self.key.is_empty() {
            return vec![];
        }
        let bytes = self.mac(parts).map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
        let mut letters = String::with_capacity(64);
        // a text takes everything
        bytes.iter().for_each(|b| write!(letters, "{b:02x}").unwrap_or_default());
        letters.into_bytes()
    }

    fn is_signed(&self, signature: &[u8], parts: &[Vec<u8>]) -> bool {
        if self.key.is_empty() {
            return true;
        }
        let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = signature.chunks(2).map(digits).collect();
        bytes.zip(self.mac(parts)).is_some_and(|(bytes, mac)| mac.verify_slice(&bytes).is_ok())
    }

    /// The frames of a message: who or what it is for, its kind, what it answers and what it says.
    pub fn compose(&self, to: &[u8], kind: &str, parent: Option<&Header>, content: &Data) -> Message {
        let header = map([
            ("msg_id", text(format!("{}_{}", self.session, self.count.fetch_add(1, Relaxed)))),
            ("session", text(&self.session)),
            ("username", text("kernel")),
            ("date", text(date(SystemTime::now()))),
            ("msg_type", text(kind)),
            ("version", text(PROTOCOL)),
        ]);
        let none = map([]);
        let parts = [&header, parent.map_or(&none, |p| &p.whole), &none, content].map(json_text::write);
        let signature = self.sign(&parts);
        [vec![to.to_vec(), DELIMITER.to_vec(), signature], parts.into()].concat()
    }

    /// Reads what came in from a peer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(&self, identity: &[u8], frames: &Message) -> Result<Request, &'static str> {
        let at = frames.iter().position(|f| f == DELIMITER).ok_or("no delimiter")?;
        let signature = frames.get(at + 1).ok_or("no signature")?;
        let parts = frames.get(at + 2..at + 6).ok_or("too few parts")?;
        if !self.is_signed(signature, parts) {
            return Err("a wrong signature");
        }
        let options = Options { max_depth: 200, invalid_numbers: false };
        let read = |part: &[u8]| {
            // answers carry the header, and go to others too
            let part = std::str::from_utf8(part).map_err(|_| "bytes that are no UTF-8")?;
            json::parse(part.as_bytes(), options).map_err(|_| "a part that is no JSON")
        };
        let (whole, content) = (read(&parts[0])?, read(&parts[3])?);
        let kind = whole.get("msg_type").and_then(Data::text).ok_or("a header without msg_type")?;
        if !matches!(content, Data::Map(_)) {
            return Err("a content that is no object");
        }
        Ok(Request { identity: identity.to_vec(), header: Arc::new(Header { kind, whole }), content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn messages_are_signed_and_read_back() {
        let wire = Wire::new(b"secret".to_vec());
        let content = map([("code", text("print 'é'"))]);
        let message = wire.compose(b"me", "execute_request", None, &content);
        let request = wire.parse(b"me", &message).expect("a request");
        assert_eq!((request.header.kind.as_str(), &request.content), ("execute_request", &content));
        let told = |frames: &Message| wire.parse(b"", frames).err().unwrap_or("nothing");
        for at in 2..message.len() {
            let mut other = message.clone();
            other[at].push(b'0');
            assert_eq!(told(&other), "a wrong signature", "{at}");
            assert_ne!(told(&message[..at].to_vec()), "nothing", "{at}");
        }
        assert_eq!(told(&vec![]), "no delimiter");
        let open = Wire::new(vec![]);
        for (at, bytes) in [(3, "{}"), (3, "[]"), (3, "{"), (6, "3"), (6, ""), (3, "{\"msg_type\":1}")] {
            let mut other = message.clone();
            other[at] = bytes.into();
            assert!(open.parse(b"", &other).is_err(), "{bytes}");
        }
    }

    #[test]
    fn the_signature_is_that_of_the_protocol() {
        let parts = ["{\"a\":1}", "{}", "{}", "{}"].map(|p| p.as_bytes().to_vec());
        let signature = Wire::new(b"key".to_vec()).sign(&parts);
        assert_eq!(
            signature,
            b"f1128388193e4dd1aa760827bd756a1b40b627676b5efe22c0e8297919bfa218",
            "{}",
            String::from_utf8_lossy(&signature)
        );
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let at = |seconds| date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(951_827_696), "2000-02-29T12:34:56.000000Z");
        assert_eq!(at(4_107_542_399), "2100-02-28T23:59:59.000000Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000000Z");
    }
}
