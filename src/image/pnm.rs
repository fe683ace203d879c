//! PPM and PGM: text (P2, P3) and binary (P5, P6).

use super::load::{Decoded, Samples, samples_of};
use crate::demand;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::error::{Error, Result};
use crate::tensor::storage::room;

/// A place in the file.
struct Reader<'a> {
    what: &'a str,
    data: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte; a comment, to the end of its line, counts as that end.
    fn next(&mut self) -> Option<u8> {
        let mut c = *self.data.get(self.at)?;
        self.at += 1;
        if c == b'#' {
            while c != b'\n' && c != b'\r' {
                c = *self.data.get(self.at)?;
                self.at += 1;
            }
        }
        Some(c)
    }

    /// A number of the header and the one byte that ends it.
    fn header(&mut self) -> Result<usize> {
        let mut c = self.next();
        while matches!(c, Some(b' ' | b',' | b'\t' | b'\n' | b'\r')) {
            c = self.next();
        }
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = c {
            number = number.unwrap_or(0usize).checked_mul(10).and_then(|n| n.checked_add(usize::from(digit - b'0')));
            if number.is_none() {
                break;
            }
            c = self.next();
        }
        number.ok_or_else(|| Error::about(self.what, "expected a number in the header"))
    }

    /// A number of the text, and what stands before it.
    fn sample(&mut self) -> Result<i64> {
        let rest = &self.data[self.at.min(self.data.len())..];
        let blank = rest.iter().take_while(|c| c.is_ascii_whitespace()).count();
        let word = &rest[blank..];
        let sign = usize::from(matches!(word.first(), Some(b'-' | b'+')));
        let len = sign + word[sign..].iter().take_while(|c| c.is_ascii_digit()).count();
        self.at += blank + len;
        let number = std::str::from_utf8(&word[..len]).ok().and_then(|w| w.parse::<i32>().ok());
        number.map(i64::from).ok_or_else(|| Error::about(self.what, "expected a number in the text"))
    }
}

fn start<'a>(what: &'a str, data: &'a [u8]) -> Result<(Reader<'a>, u8, [usize; 3])> {
    let (Some(b'P'), Some(&kind)) = (data.first(), data.get(1)) else {
        refuse!(in what, "expected a PPM or PGM, got something else")
    };
    let c = match kind {
        b'2' | b'5' => 1,
        b'3' | b'6' => 3,
        _ => refuse!(in what, "unsupported magic number P{}, expected P2, P3, P5 or P6", char::from(kind)),
    };
    let mut reader = Reader { what, data, at: 2 };
    let w = reader.header()?;
    let h = reader.header()?;
    Ok((reader, kind, [c, h, w]))
}

/// Reads a PPM or PGM. Text is scaled to 255; binary values are as they are, those of sixteen bits with the lower byte
/// first.
///
/// # Errors
/// Not such a file, one that ends too early, not enough memory.
pub fn decode(what: &str, data: &[u8]) -> Result<Decoded> {
    let (mut reader, kind, sizes) = start(what, data)?;
    let most = reader.header()?;
    let [c, h, w] = sizes;
    let rest = data.len().saturating_sub(reader.at);
    let unit = if most > 255 && kind > b'3' { 2 } else { 1 };
    let count = c.checked_mul(h).and_then(|n| n.checked_mul(w));
    let fits = count.and_then(|n| n.checked_mul(unit)).is_some_and(|n| n <= rest);
    let Some(count) = count.filter(|&n| fits && n > 0) else {
        refuse!(in what, "{rest} bytes do not hold an image of {w} x {h}")
    };
    let body = &data[reader.at..];
    let samples = if kind > b'3' && unit == 2 {
        let pairs = body[..count * 2].chunks_exact(2);
        Samples::Words(pairs.map(|p| u16::from_le_bytes([p[0], p[1]])).collect())
    } else if kind > b'3' {
        Samples::Bytes(body[..count].to_vec())
    } else {
        demand!(most > 0, in what, "the largest value is 0");
        let mut list = room(count)?;
        for _ in 0..count {
            list.push((255 * reader.sample()? / most as i64) as u8);
        }
        Samples::Bytes(list)
    };
    Ok(Decoded { sizes, samples, full: 255.0 })
}

/// Channels, rows and columns of a PPM or PGM.
///
/// # Errors
/// Not such a file.
pub fn size(what: &str, data: &[u8]) -> Result<[usize; 3]> {
    Ok(start(what, data)?.2)
}

/// Writes a picture of three channels as PPM, one of one channel as PGM.
///
/// # Errors
/// Other sizes.
pub fn encode(what: &str, x: &Tensor) -> Result<Vec<u8>> {
    let ([c, h, w], data) = samples_of(x)?;
    demand!(c == 1 || c == 3, in what, "expected an image of 1 or 3 channels, got {}", x.shape_text());
    let mut out = format!("P{}\n{w} {h}\n255\n", if c == 3 { 6 } else { 5 }).into_bytes();
    out.extend_from_slice(&data);
    Ok(out)
}
