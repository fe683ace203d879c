//! Numbers as bytes in either order, and as the text that C's printf and scanf give and take.

use crate::tensor::cformat;
use crate::tensor::dtype::{DType, Element};

/// How numbers lie in a file.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Whether numbers are text.
    pub ascii: bool,
    /// Whether bytes go from the most significant down.
    pub big_endian: bool,
    /// Bytes of a long: 4 or 8.
    pub long_size: usize,
}

impl Format {
    /// Bytes of an element in a binary file.
    pub fn width(&self, d: DType) -> usize {
        if d == DType::Long { self.long_size } else { d.size() }
    }

    /// Appends an element.
    pub fn put<T: Element>(&self, out: &mut Vec<u8>, v: T) {
        if self.ascii {
            return put_text(out, v);
        }
        let at = out.len();
        match T::DTYPE {
            DType::Float => out.extend((v.to_f64() as f32).to_le_bytes()),
            DType::Double => out.extend(v.to_f64().to_le_bytes()),
            d => out.extend(&v.to_i64().to_le_bytes()[..self.width(d)]),
        }
        if self.big_endian {
            out[at..].reverse();
        }
    }

    /// Reads an element from exactly as many bytes as it takes.
    pub fn get<T: Element>(&self, bytes: &[u8]) -> T {
        let mut b = [0u8; 8];
        let n = bytes.len().min(8);
        b[..n].copy_from_slice(&bytes[..n]);
        if self.big_endian {
            b[..n].reverse();
        }
        match T::DTYPE {
            DType::Float => T::from_f64(f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            DType::Double => T::from_f64(f64::from_le_bytes(b)),
            _ => {
                // shifts carry the sign of narrow integers upwards
                let shift = 64 - 8 * n as u32;
                T::from_i64(if n == 0 { 0 } else { i64::from_le_bytes(b) << shift >> shift })
            }
        }
    }
}

/// The text of a number: floats with 9 and doubles with 17 digits, bytes and chars as they are.
fn put_text<T: Element>(out: &mut Vec<u8>, v: T) {
    match T::DTYPE {
        DType::Byte | DType::Char => out.push(v.to_i64() as u8),
        DType::Float => put_general(out, v.to_f64(), 9),
        DType::Double => put_general(out, v.to_f64(), 17),
        _ => out.extend(v.to_i64().to_string().into_bytes()),
    }
}

fn put_general(out: &mut Vec<u8>, v: f64, precision: usize) {
    let mut text = String::with_capacity(24);
    cformat::general(&mut text, v, precision);
    out.extend(text.into_bytes());
}

/// Reads a number from the start of a text after white space; what it takes and how many bytes that was.
pub fn parse<T: Element>(text: &[u8]) -> Option<(T, usize)> {
    let skip = text.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let rest = &text[skip..];
    let word = &rest[..rest.iter().take_while(|b| !b.is_ascii_whitespace()).take(64).count()];
    let word = std::str::from_utf8(word).ok()?;
    if T::DTYPE.is_float() {
        let longest = (1..=word.len()).rev().filter(|&n| word.is_char_boundary(n));
        for n in longest {
            let w = word[..n].trim_start_matches('+');
            if let Ok(v) = w
                .trim_start_matches('-')
                .eq_ignore_ascii_case("nan")
                .then_some(f64::NAN)
                .map_or_else(|| w.parse::<f64>(), Ok)
            {
                return Some((T::from_f64(v), skip + n));
            }
        }
        return None;
    }
    let sign = usize::from(word.starts_with(['-', '+']));
    let n = sign + word[sign..].bytes().take_while(u8::is_ascii_digit).count();
    let v: i64 = word[..n].trim_start_matches('+').parse().ok()?;
    Some((T::from_i64(v), skip + n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for big_endian in [false, true] {
            let f = Format { ascii: false, big_endian, long_size: 4 };
            let mut b = vec![];
            f.put(&mut b, -5i64);
            f.put(&mut b, -2i16);
            f.put(&mut b, 1.5f64);
            assert_eq!(f.get::<i64>(&b[..4]), -5);
            assert_eq!(f.get::<i16>(&b[4..6]), -2);
            assert_eq!(f.get::<f64>(&b[6..]), 1.5);
        }
    }

    #[test]
    fn texts_are_read_as_far_as_they_are_numbers() {
        assert_eq!(parse::<i32>(b"  -12x"), Some((-12, 5)));
        assert_eq!(parse::<f64>(b"1.5e3,"), Some((1500.0, 5)));
        assert!(parse::<f64>(b"-nan ").unwrap().0.is_nan());
        assert_eq!(parse::<f64>(b"-inf").unwrap().0, f64::NEG_INFINITY);
        assert_eq!(parse::<i32>(b"x"), None);
    }
}
