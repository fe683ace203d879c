//! Numbers as bytes and as text.

use crate::tensor::{cformat, decimal};
use half::f16;

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The order of this machine.
    pub const NATIVE: ByteOrder = if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };
}

/// What the start of a text is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scan<T> {
    /// A number, and how many bytes it takes.
    Number(T, usize),
    /// Not a number.
    Nothing,
    /// It depends on what comes after.
    More,
}

/// A type that files hold.
pub trait Primitive: Copy + Default {
    /// Bytes it takes.
    const SIZE: usize;
    /// Whether text holds it as a raw byte.
    const RAW: bool = false;
    /// Whether it is the C type `long`, whose size differs between systems.
    const LONG: bool = false;
    /// From its bytes, of which there are [`Primitive::SIZE`].
    fn from_bytes(bytes: &[u8], order: ByteOrder) -> Self;
    /// Appends its bytes.
    fn push_bytes(self, out: &mut Vec<u8>, order: ByteOrder);
    /// Appends its text.
    fn push_text(self, out: &mut Vec<u8>);
    /// Reads it from the start of a text without blanks in front; `last`: nothing comes after the text.
    fn scan(text: &[u8], last: bool) -> Scan<Self>;
    /// From the four bytes of a `long` of another system.
    fn from_short_long(v: i32) -> Self {
        let _ = v;
        Self::default()
    }
    /// The four bytes of a `long` of another system.
    fn to_short_long(self) -> i32 {
        0
    }
}

macro_rules! bytes_of {
    ($t:ident) => {
        const SIZE: usize = size_of::<$t>();
        #[inline(always)]
        fn from_bytes(bytes: &[u8], order: ByteOrder) -> Self {
            let mut b = [0; size_of::<$t>()];
            b.copy_from_slice(bytes);
            match order {
                ByteOrder::Little => $t::from_le_bytes(b),
                ByteOrder::Big => $t::from_be_bytes(b),
            }
        }
        #[inline(always)]
        fn push_bytes(self, out: &mut Vec<u8>, order: ByteOrder) {
            match order {
                ByteOrder::Little => out.extend_from_slice(&self.to_le_bytes()),
                ByteOrder::Big => out.extend_from_slice(&self.to_be_bytes()),
            }
        }
    };
}

macro_rules! whole {
    ($($t:ident $raw:literal $long:literal)*) => {$(
        impl Primitive for $t {
            const RAW: bool = $raw;
            const LONG: bool = $long;
            bytes_of!($t);
            fn push_text(self, out: &mut Vec<u8>) {
                push_whole(out, i64::from(self));
            }
            fn scan(text: &[u8], last: bool) -> Scan<Self> {
                match scan_whole(text, last) {
                    Scan::Number(v, n) => Scan::Number(v as $t, n),
                    Scan::Nothing => Scan::Nothing,
                    Scan::More => Scan::More,
                }
            }
            fn from_short_long(v: i32) -> Self {
                v as $t
            }
            fn to_short_long(self) -> i32 {
                self as i32
            }
        }
    )*};
}
whole!(u8 true false  i8 true false  i16 false false  i32 false false  i64 false true);

macro_rules! floating_point {
    ($($t:ident $digits:literal $bits:literal $parse:ident)*) => {$(
        impl Primitive for $t {
            bytes_of!($t);
            fn push_text(self, out: &mut Vec<u8>) {
                let mut text = [0; cformat::GENERAL];
                let n = cformat::general_bytes(&mut text, f64::from(self), $digits);
                out.extend_from_slice(&text[..n]);
            }
            fn scan(text: &[u8], last: bool) -> Scan<Self> {
                let slow = |digits: &str| digits.parse::<$parse>().ok().map(f64::from);
                match scan_float(text, last, $bits, slow) {
                    Scan::Number(v, n) => Scan::Number(narrow!($t v), n),
                    Scan::Nothing => Scan::Nothing,
                    Scan::More => Scan::More,
                }
            }
        }
    )*};
}
macro_rules! narrow {
    (f64 $v:ident) => {
        $v
    };
    (f32 $v:ident) => {
        $v as f32
    };
    (f16 $v:ident) => {
        f16::from_f64($v)
    };
}
floating_point!(f32 9 24 f32  f64 17 53 f64  f16 9 24 f32);

/// Appends a whole number.
fn push_whole(out: &mut Vec<u8>, v: i64) {
    let mut text = [0u8; 20];
    let (mut at, mut rest) = (20, v.unsigned_abs());
    loop {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if v < 0 {
        at -= 1;
        text[at] = b'-';
    }
    out.extend_from_slice(&text[at..]);
}

/// A whole number; beyond 64 bits the nearest one there is.
fn scan_whole(text: &[u8], last: bool) -> Scan<i64> {
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let digits = text[sign..].iter().take_while(|b| b.is_ascii_digit()).count();
    let end = sign + digits;
    if end == text.len() && !last {
        return Scan::More;
    }
    if digits == 0 {
        return Scan::Nothing;
    }
    let negative = text.first() == Some(&b'-');
    let value = text[sign..end].iter().fold(0i64, |v, b| {
        let d = i64::from(b - b'0');
        let ten = v.saturating_mul(10);
        if negative { ten.saturating_sub(d) } else { ten.saturating_add(d) }
    });
    Scan::Number(value, end)
}

/// What the start of a text says of a decimal number.
struct Decimal {
    /// The first digits as a whole number, as many as fit.
    whole: u64,
    /// The power of ten that belongs to it.
    power: i32,
    /// Whether there were more digits than fit.
    cut: bool,
    /// Bytes that belong to the number; 0 where there is none.
    length: usize,
    /// Bytes looked at, which may be more.
    seen: usize,
}

/// Reads digits from `at` on: where they end.
fn take_digits(text: &[u8], mut at: usize, d: &mut Decimal) -> usize {
    while let Some(digit) = text.get(at).map(|b| b.wrapping_sub(b'0')).filter(|&v| v < 10) {
        if d.whole >= u64::MAX / 10 - 1 {
            d.cut = true;
        } else {
            d.whole = d.whole * 10 + u64::from(digit);
        }
        at += 1;
    }
    at
}

/// Reads a decimal number as far as it goes.
fn decimal_of(text: &[u8]) -> Decimal {
    let mut d = Decimal { whole: 0, power: 0, cut: false, length: 0, seen: 0 };
    let start = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let mut end = take_digits(text, start, &mut d);
    let mut count = end - start;
    if text.get(end) == Some(&b'.') {
        let from = end + 1;
        end = take_digits(text, from, &mut d);
        count += end - from;
        d.power = -((end - from) as i32);
    }
    d.seen = end;
    if count == 0 {
        return d;
    }
    d.length = end;
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = text.get(end + 1).copied().filter(|b| matches!(b, b'-' | b'+'));
        let from = end + 1 + usize::from(sign.is_some());
        let digits = text.get(from..).unwrap_or(&[]).iter().take_while(|b| b.is_ascii_digit());
        let (mut n, mut power) = (0, 0i32);
        for b in digits {
            power = power.saturating_mul(10).saturating_add(i32::from(b - b'0'));
            n += 1;
        }
        d.seen = from + n;
        if n > 0 {
            d.length = from + n;
            d.power = d.power.saturating_add(if sign == Some(b'-') { -power } else { power });
        }
    }
    d
}

fn scan_float(text: &[u8], last: bool, bits: u32, slow: impl Fn(&str) -> Option<f64>) -> Scan<f64> {
    let d = decimal_of(text);
    if d.seen >= text.len() && !last {
        return Scan::More;
    }
    if d.length == 0 {
        return scan_word(text, last);
    }
    let fast = if d.cut { None } else { decimal::nearest(d.whole, d.power, bits) };
    let value = match fast {
        Some(v) => Some(if text[0] == b'-' { -v } else { v }),
        None => std::str::from_utf8(&text[..d.length]).ok().and_then(slow),
    };
    value.map_or(Scan::Nothing, |v| Scan::Number(v, d.length))
}

/// The words inf, infinity, nan and nan(...), in any case.
fn scan_word(text: &[u8], last: bool) -> Scan<f64> {
    let run = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-()_".contains(b)).count();
    if run == text.len() && !last {
        return Scan::More;
    }
    let run = &text[..run];
    let sign = usize::from(matches!(run.first(), Some(b'-' | b'+')));
    let words = [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)];
    let starts = |w: &str| run[sign..].get(..w.len()).is_some_and(|r| r.eq_ignore_ascii_case(w.as_bytes()));
    let Some((word, value)) = words.into_iter().find(|(w, _)| starts(w)) else { return Scan::Nothing };
    let mut length = sign + word.len();
    if word == "nan" && run.get(length) == Some(&b'(') {
        length = run.iter().position(|&b| b == b')').map_or(length, |p| p + 1);
    }
    Scan::Number(if run[0] == b'-' { -value } else { value }, length)
}
