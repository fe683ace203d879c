//! Numbers as C's printf writes them: `%f`, `%e` and `%g`.

use super::decimal;
use std::fmt::Write as _;

/// The text of a value that is not finite: `inf`, `-inf`, `nan`, `-nan`.
fn special(v: f64) -> Option<&'static str> {
    match (v.is_nan(), v.is_infinite(), v.is_sign_negative()) {
        (true, _, false) => Some("nan"),
        (true, _, true) => Some("-nan"),
        (_, true, false) => Some("inf"),
        (_, true, true) => Some("-inf"),
        _ => None,
    }
}

/// Appends blanks before what `write` appends, up to `width` characters.
fn padded(out: &mut String, width: usize, write: impl FnOnce(&mut String)) {
    let start = out.len();
    write(out);
    let missing = width.saturating_sub(out.len() - start);
    if missing > 0 {
        out.insert_str(start, &" ".repeat(missing));
    }
}

/// Appends `%{width}.{precision}f`.
pub fn fixed(out: &mut String, v: f64, width: usize, precision: usize) {
    padded(out, width, |out| match special(v) {
        Some(text) => out.push_str(text),
        None => {
            let _ = write!(out, "{v:.precision$}");
        }
    });
}

/// Appends `%{width}.{precision}e`.
pub fn exponent(out: &mut String, v: f64, width: usize, precision: usize) {
    padded(out, width, |out| match special(v) {
        Some(text) => out.push_str(text),
        None => {
            let start = out.len();
            let _ = write!(out, "{v:.precision$e}");
            let e = out.rfind('e').filter(|&e| e >= start).unwrap_or(out.len());
            let power: i32 = out[e..].trim_start_matches('e').parse().unwrap_or(0);
            out.truncate(e);
            push_power(out, power);
        }
    });
}

/// Appends the exponent as C does: a sign and at least two digits.
fn push_power(out: &mut String, power: i32) {
    let _ = write!(out, "e{}{:02}", if power < 0 { '-' } else { '+' }, power.unsigned_abs());
}

/// Appends `%.{precision}g`, precision from 1 to 17.
pub fn general(out: &mut String, v: f64, precision: usize) {
    let mut text = [0u8; GENERAL];
    let n = general_bytes(&mut text, v, precision);
    // all of it is ASCII
    out.push_str(std::str::from_utf8(&text[..n]).unwrap_or_default());
}

/// Bytes that [`general_bytes`] writes at most.
pub const GENERAL: usize = 32;

/// Writes `%.{precision}g`, precision from 1 to 17, to the start of a buffer; how many bytes.
pub fn general_bytes(out: &mut [u8; GENERAL], v: f64, precision: usize) -> usize {
    if let Some(text) = special(v) {
        out[..text.len()].copy_from_slice(text.as_bytes());
        return text.len();
    }
    let precision = precision.clamp(1, 17);
    let sign = usize::from(v.is_sign_negative());
    out[0] = b'-';
    if v == 0.0 {
        out[sign] = b'0';
        return sign + 1;
    }
    let (mut whole, power) = decimal::digits(v.abs(), precision).unwrap_or_else(|| slow_digits(v.abs(), precision));
    let mut digits = [0u8; 17];
    let mut count = precision;
    while whole % 10 == 0 && count > 1 {
        (whole, count) = (whole / 10, count - 1);
    }
    for d in digits[..count].iter_mut().rev() {
        *d = b'0' + (whole % 10) as u8;
        whole /= 10;
    }
    sign + place(&mut out[sign..], &digits[..count], power, precision)
}

/// The digits by the general algorithm.
fn slow_digits(v: f64, precision: usize) -> (u64, i32) {
    let text = format!("{:.*e}", precision - 1, v);
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let whole = digits.bytes().filter(u8::is_ascii_digit).fold(0, |w, b| w * 10 + u64::from(b - b'0'));
    (whole, power.parse().unwrap_or(0))
}

/// Writes digits of which the first stands for 10 to `power`: plain where that takes no more zeros than C allows.
fn place(out: &mut [u8], digits: &[u8], power: i32, precision: usize) -> usize {
    let n = digits.len();
    if power < -4 || power >= precision as i32 {
        out[0] = digits[0];
        let mut at = 1;
        if n > 1 {
            out[1] = b'.';
            out[2..=n].copy_from_slice(&digits[1..]);
            at = n + 1;
        }
        out[at] = b'e';
        out[at + 1] = if power < 0 { b'-' } else { b'+' };
        let mut rest = power.unsigned_abs();
        let width = if rest >= 100 { 3 } else { 2 };
        for b in out[at + 2..at + 2 + width].iter_mut().rev() {
            *b = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        return at + 2 + width;
    }
    if power < 0 {
        let zeros = power.unsigned_abs() as usize + 1;
        out[..zeros].fill(b'0');
        out[1] = b'.';
        out[zeros..zeros + n].copy_from_slice(digits);
        return zeros + n;
    }
    let before = power as usize + 1;
    if n <= before {
        out[..n].copy_from_slice(digits);
        out[n..before].fill(b'0');
        return before;
    }
    out[..before].copy_from_slice(&digits[..before]);
    out[before] = b'.';
    out[before + 1..=n].copy_from_slice(&digits[before..]);
    n + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn g(v: f64, p: usize) -> String {
        let mut s = String::from("x");
        general(&mut s, v, p);
        s.split_off(1)
    }

    #[test]
    fn general_is_printfs() {
        for (v, p, text) in [
            (0.0, 17, "0"),
            (-0.0, 17, "-0"),
            (0.1, 17, "0.10000000000000001"),
            (0.1f32 as f64, 9, "0.100000001"),
            (1e20f32 as f64, 9, "1.00000002e+20"),
            (1e-20, 17, "9.9999999999999995e-21"),
            (123456789.125, 17, "123456789.125"),
            (-2.5, 9, "-2.5"),
            (1e300, 17, "1.0000000000000001e+300"),
            (1.0 / 3.0, 17, "0.33333333333333331"),
            (0.0001, 17, "0.0001"),
            (0.00001, 17, "1.0000000000000001e-05"),
            (0.00012345, 9, "0.00012345"),
            (123456789.0, 9, "123456789"),
            (1234567890.0, 9, "1.23456789e+09"),
            (1e16, 17, "10000000000000000"),
            (1e17, 17, "1e+17"),
            (-1e17 + 16.0, 17, "-99999999999999984"),
            (999999999.6, 9, "1e+09"),
            (99999.5, 5, "1e+05"),
            (5e-324, 17, "4.9406564584124654e-324"),
            (f64::MAX, 17, "1.7976931348623157e+308"),
            (100000.0, 6, "100000"),
            (1e6, 6, "1e+06"),
            (1500.5, 6, "1500.5"),
            (f64::INFINITY, 17, "inf"),
            (f64::NEG_INFINITY, 9, "-inf"),
            (f64::NAN, 9, "nan"),
            (-f64::NAN, 9, "-nan"),
        ] {
            assert_eq!(g(v, p), text);
        }
    }

    #[test]
    fn fixed_and_exponent_have_widths() {
        let mut s = String::new();
        fixed(&mut s, 1.23456, 9, 4);
        exponent(&mut s, -1.23456e10, 12, 4);
        exponent(&mut s, 1e-150, 0, 4);
        fixed(&mut s, f64::NEG_INFINITY, 6, 4);
        assert_eq!(s, "   1.2346 -1.2346e+101.0000e-150  -inf");
    }
}
