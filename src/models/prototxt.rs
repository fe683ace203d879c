//! Protocol buffers as text, as Caffe's networks are: `name: value`, `name { ... }`.

use crate::formats::Data;
use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};

/// Most different names of a message.
const MOST: usize = 1000;
/// Deepest message.
const DEEPEST: usize = 100;

/// Reads a text. A message becomes names with lists of what stands under them, in order; words without quotes are
/// texts, `true` and `false` booleans.
///
/// # Errors
/// What is no such text, with the line.
pub fn parse(text: &[u8]) -> Result<Data> {
    let mut p = Parser { text, at: 0 };
    p.message(0).map_err(|e| {
        let line = text[..p.at.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1;
        Error::invalid(format!("line {line}, position {}: {e}", p.at + 1))
    })
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> u8 {
        while let Some(&c) = self.text.get(self.at) {
            if c == b'#' {
                let rest = &self.text[self.at..];
                self.at += rest.iter().position(|&c| c == b'\n').unwrap_or(rest.len());
            } else if c.is_ascii_whitespace() || c == b',' || c == b';' {
                self.at += 1;
            } else {
                return c;
            }
        }
        0
    }

    fn word(&mut self) -> String {
        let rest = &self.text[self.at..];
        let n = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || b"_.+-/".contains(c)).count();
        self.at += n;
        String::from_utf8_lossy(&rest[..n]).into_owned()
    }

    fn message(&mut self, depth: usize) -> Result<Data> {
        demand!(depth <= DEEPEST, "messages nested deeper than {DEEPEST}");
        let mut pairs: Vec<(Box<[u8]>, Data)> = vec![];
        loop {
            match self.peek() {
                0 if depth == 0 && self.at >= self.text.len() => break,
                0 => refuse!("a message has no end"),
                b'}' if depth > 0 => {
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            let name = self.word();
            demand!(!name.is_empty(), "expected a name");
            let mut values = vec![];
            match self.peek() {
                b'{' => values.push(self.value(depth)?),
                b':' => {
                    self.at += 1;
                    if self.peek() == b'[' {
                        self.at += 1;
                        while self.peek() != b']' {
                            values.push(self.value(depth)?);
                        }
                        self.at += 1;
                    } else {
                        values.push(self.value(depth)?);
                    }
                }
                _ => refuse!("expected ':' or '{{' behind '{name}'"),
            }
            let key = name.as_bytes();
            demand!(pairs.len() < MOST, "a message has more than {MOST} names");
            match pairs.iter_mut().find(|(k, _)| **k == *key) {
                Some((_, Data::List(list))) => list.extend(values),
                // the names are looked through one by one
                _ => pairs.push((key.into(), Data::List(values))),
            }
        }
        Ok(Data::Map(pairs))
    }

    fn value(&mut self, depth: usize) -> Result<Data> {
        match self.peek() {
            b'{' => {
                self.at += 1;
                self.message(depth + 1)
            }
            quote @ (b'"' | b'\'') => self.string(quote),
            _ => {
                let word = self.word();
                demand!(!word.is_empty(), "expected a value");
                Ok(match word.as_str() {
                    "true" => Data::Bool(true),
                    "false" => Data::Bool(false),
                    word => word.trim_end_matches('f').parse().map_or(Data::Text(word.as_bytes().into()), Data::Num),
                })
            }
        }
    }

    fn string(&mut self, quote: u8) -> Result<Data> {
        let mut out = vec![];
        self.at += 1;
        loop {
            let Some(&c) = self.text.get(self.at) else { refuse!("a text has no end") };
            self.at += 1;
            match c {
                c if c == quote => return Ok(Data::Text(out.into())),
                b'\\' => {
                    let Some(&next) = self.text.get(self.at) else { refuse!("a text has no end") };
                    self.at += 1;
                    out.push(match next {
                        b'n' => b'\n',
                        b't' => b'\t',
                        other => other,
                    });
                }
                c => out.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let text = b"name: 'net' # a comment
            layer { type: \"Pooling\" pooling_param { pool: MAX pad: 1 } }
            layer: { a: [1, 2] b: true }";
        let data = parse(text).unwrap();
        let list = |v: Vec<Data>| Data::List(v);
        let text = |t: &str| Data::Text(t.as_bytes().into());
        let map = |p: Vec<(&str, Data)>| Data::Map(p.into_iter().map(|(k, v)| (k.as_bytes().into(), v)).collect());
        let pooling = map(vec![("pool", list(vec![text("MAX")])), ("pad", list(vec![Data::Num(1.0)]))]);
        let first = map(vec![("type", list(vec![text("Pooling")])), ("pooling_param", list(vec![pooling]))]);
        let numbers = list(vec![Data::Num(1.0), Data::Num(2.0)]);
        let second = map(vec![("a", numbers), ("b", list(vec![Data::Bool(true)]))]);
        assert_eq!(data, map(vec![("name", list(vec![text("net")])), ("layer", list(vec![first, second]))]));
        let wrong = parse(b"a {\n b: }").unwrap_err().to_string();
        assert!(wrong.contains("line 2"), "{wrong}");
        assert!(parse(&b"a {".repeat(1000)).is_err());
    }
}
