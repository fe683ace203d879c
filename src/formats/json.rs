//! Reading of JSON as lua-cjson does it: bytes that are no escapes pass as they are, and numbers that JSON does not know
//! (NaN, infinity, hexadecimal, leading zeros) are taken unless told otherwise.

use super::Data;

/// What is read, and how deep.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Most arrays and objects inside each other.
    pub max_depth: usize,
    /// Whether NaN, infinity, hexadecimal numbers and leading zeros are numbers.
    pub invalid_numbers: bool,
}

/// Whoever allows more gets this: a value is handed to Lua level by level, on a stack that is not without end.
const DEEPEST: usize = 2000;

/// Reads a text.
///
/// # Errors
/// A text that is no JSON: what was expected, what was found, and at which character (from 1).
pub fn parse(text: &[u8], options: Options) -> Result<Data, String> {
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err("JSON parser does not support UTF-16 or UTF-32".into());
    }
    let max_depth = options.max_depth.min(DEEPEST);
    let mut p = Parser { text, at: 0, options: Options { max_depth, ..options } };
    let first = p.token();
    let value = p.value(first, 0)?;
    match p.token() {
        (Token::End, _) => Ok(value),
        found => Err(wrong("the end", found)),
    }
}

enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Text(Vec<u8>),
    Number(f64),
    Bool(bool),
    Null,
    Colon,
    Comma,
    End,
    Mistake(&'static str),
}

/// A token and the place of the character that it begins with, or that is wrong in it.
type Found = (Token, usize);

fn wrong(expected: &str, (token, at): Found) -> String {
    let name = match token {
        Token::ObjectBegin => "T_OBJ_BEGIN",
        Token::ObjectEnd => "T_OBJ_END",
        Token::ArrayBegin => "T_ARR_BEGIN",
        Token::ArrayEnd => "T_ARR_END",
        Token::Text(_) => "T_STRING",
        Token::Number(_) => "T_NUMBER",
        Token::Bool(_) => "T_BOOLEAN",
        Token::Null => "T_NULL",
        Token::Colon => "T_COLON",
        Token::Comma => "T_COMMA",
        Token::End => "T_END",
        Token::Mistake(what) => what,
    };
    format!("Expected {expected} but found {name} at character {}", at + 1)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    options: Options,
}

impl Parser<'_> {
    fn peek(&self, further: usize) -> u8 {
        self.text.get(self.at + further).copied().unwrap_or(0)
    }

    fn token(&mut self) -> Found {
        while matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let at = self.at;
        let Some(&c) = self.text.get(at) else { return (Token::End, at) };
        let simple = match c {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => return (self.number(), at),
            _ => return (self.word(), at),
        };
        self.at += 1;
        (simple, at)
    }

    fn word(&mut self) -> Token {
        for (word, token) in [("true", Token::Bool(true)), ("false", Token::Bool(false)), ("null", Token::Null)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return token;
            }
        }
        let start = usize::from(self.peek(0) == b'+');
        let special = self.is_word(start, b"inf") || self.is_word(start, b"nan") || start == 1 && self.is_odd(1);
        if self.options.invalid_numbers && special { self.number() } else { Token::Mistake("invalid token") }
    }

    fn is_word(&self, further: usize, word: &[u8]) -> bool {
        let from = self.at + further;
        self.text.get(from..from + word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word))
    }

    /// Whether a hexadecimal number or one with a leading zero stands there.
    fn is_odd(&self, further: usize) -> bool {
        self.peek(further) == b'0' && matches!(self.peek(further + 1), b'x' | b'X' | b'0'..=b'9')
    }

    fn number(&mut self) -> Token {
        const INVALID: Token = Token::Mistake("invalid number");
        let sign = usize::from(matches!(self.peek(0), b'-' | b'+'));
        let negative = self.peek(0) == b'-';
        let special = self.is_word(sign, b"inf") || self.is_word(sign, b"nan");
        if !self.options.invalid_numbers && (special || self.is_odd(sign)) {
            return INVALID;
        }
        let signed = |v: f64| Token::Number(if negative { -v } else { v });
        if special {
            let word: &[u8] = if self.is_word(sign, b"infinity") { b"infinity" } else { b"inf" };
            let value = if self.is_word(sign, b"nan") { f64::NAN } else { f64::INFINITY };
            self.at += sign + word.len();
            return signed(value);
        }
        if self.peek(sign) == b'0' && matches!(self.peek(sign + 1), b'x' | b'X') {
            self.at += sign + 2;
            return self.hexadecimal().map_or(INVALID, signed);
        }
        let begin = self.at;
        self.at += sign;
        let mut digits = self.skip_digits();
        if self.peek(0) == b'.' {
            self.at += 1;
            digits += self.skip_digits();
        }
        if digits == 0 {
            self.at = begin;
            return INVALID;
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'-' | b'+'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.skip_digits();
            }
        }
        let digits = std::str::from_utf8(&self.text[begin..self.at]).ok().and_then(|t| t.parse().ok());
        digits.map_or(INVALID, Token::Number)
    }

    fn skip_digits(&mut self) -> usize {
        let begin = self.at;
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
        self.at - begin
    }

    /// Digits behind `0x`, with a fraction and a power of two, as C reads them.
    fn hexadecimal(&mut self) -> Option<f64> {
        let (mut value, mut exponent, mut digits, mut fraction) = (0.0, 0i32, 0, false);
        loop {
            match self.peek(0) {
                b'.' if !fraction => fraction = true,
                c => {
                    let Some(d) = char::from(c).to_digit(16) else { break };
                    value = value * 16.0 + f64::from(d);
                    exponent -= if fraction { 4 } else { 0 };
                    digits += 1;
                }
            }
            self.at += 1;
        }
        if matches!(self.peek(0), b'p' | b'P') {
            let sign = usize::from(matches!(self.peek(1), b'-' | b'+'));
            if self.peek(1 + sign).is_ascii_digit() {
                let begin = self.at + 1;
                self.at += 1 + sign;
                self.skip_digits();
                let text = std::str::from_utf8(&self.text[begin..self.at]).ok()?;
                exponent =
                    exponent.saturating_add(text.parse().unwrap_or(if text.starts_with('-') { -9999 } else { 9999 }));
            }
        }
        (digits > 0).then(|| value * 2f64.powi(exponent))
    }

    fn string(&mut self) -> Found {
        let begin = self.at;
        self.at += 1;
        let mut out = vec![];
        loop {
            let run = self.text[self.at..].iter().position(|c| matches!(c, b'"' | b'\\' | 0));
            let end = run.map_or(self.text.len(), |n| self.at + n);
            out.extend_from_slice(&self.text[self.at..end]);
            self.at = end;
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return (Token::Text(out), begin);
                }
                b'\\' => {
                    if let Err(what) = self.escape(&mut out) {
                        return (Token::Mistake(what), self.at);
                    }
                }
                _ => return (Token::Mistake("unexpected end of string"), end),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let c = match self.peek(1) {
            c @ (b'"' | b'\\' | b'/') => c,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 12,
            b'r' => b'\r',
            b'u' => {
                let (c, used) = self.unicode().ok_or("invalid unicode escape code")?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                self.at += used;
                return Ok(());
            }
            _ => return Err("invalid escape code"),
        };
        out.push(c);
        self.at += 2;
        Ok(())
    }

    /// The character of `\uXXXX`, or of two such that are one, and how many bytes they take.
    fn unicode(&self) -> Option<(char, usize)> {
        let unit = |further: usize| {
            let digits = self.text.get(self.at + further..self.at + further + 4)?;
            digits.iter().try_fold(0, |n, &d| Some(n * 16 + char::from(d).to_digit(16)?))
        };
        let first = unit(2)?;
        if (0xd800..0xdc00).contains(&first) && self.peek(6) == b'\\' && self.peek(7) == b'u' {
            let second = unit(8).filter(|u| (0xdc00..0xe000).contains(u))?;
            return Some((char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?, 12));
        }
        Some((char::from_u32(first)?, 6))
    }

    fn value(&mut self, (token, at): Found, depth: usize) -> Result<Data, String> {
        let deeper = depth + 1;
        if matches!(token, Token::ObjectBegin | Token::ArrayBegin) && deeper > self.options.max_depth {
            return Err(format!("Found too many nested data structures ({deeper}) at character {}", at + 1));
        }
        match token {
            Token::Text(t) => Ok(Data::Text(t.into())),
            Token::Number(n) => Ok(Data::Num(n)),
            Token::Bool(b) => Ok(Data::Bool(b)),
            Token::Null => Ok(Data::Null),
            Token::ArrayBegin => self.array(deeper),
            Token::ObjectBegin => self.object(deeper),
            token => Err(wrong("value", (token, at))),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Data, String> {
        let mut list = vec![];
        let mut next = self.token();
        if matches!(next.0, Token::ArrayEnd) {
            return Ok(Data::List(list));
        }
        loop {
            list.push(self.value(next, depth)?);
            match self.token() {
                (Token::ArrayEnd, _) => return Ok(Data::List(list)),
                (Token::Comma, _) => next = self.token(),
                found => return Err(wrong("comma or array end", found)),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Data, String> {
        let mut map = vec![];
        let mut next = self.token();
        if matches!(next.0, Token::ObjectEnd) {
            return Ok(Data::Map(map));
        }
        loop {
            let (Token::Text(name), _) = next else { return Err(wrong("object key string", next)) };
            match self.token() {
                (Token::Colon, _) => {}
                found => return Err(wrong("colon", found)),
            }
            let found = self.token();
            map.push((name.into(), self.value(found, depth)?));
            match self.token() {
                (Token::ObjectEnd, _) => return Ok(Data::Map(map)),
                (Token::Comma, _) => next = self.token(),
                found => return Err(wrong("comma or object end", found)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Data, String> {
        parse(text.as_bytes(), Options { max_depth: 1000, invalid_numbers: true })
    }

    #[test]
    fn numbers_are_those_of_c() {
        for (text, value) in [("0x6.ffp1", 13.9921875), ("-0x10", -16.0), ("00.33", 0.33), ("1.", 1.0), ("-.5", -0.5)] {
            assert_eq!(read(text), Ok(Data::Num(value)), "{text}");
        }
        assert!(read("0x").is_err() && read("-").is_err() && read("1 2").is_err());
    }

    #[test]
    fn texts_that_end_early_are_refused_everywhere() {
        let text = r#"{ "a\u00e9\ud83d\ude00": [1, -2.5e3, true, null, "x"], "b": {} }"#;
        assert!(read(text).is_ok());
        for n in 0..text.len() {
            assert!(parse(&text.as_bytes()[..n], Options { max_depth: 9, invalid_numbers: false }).is_err(), "{n}");
        }
    }
}
