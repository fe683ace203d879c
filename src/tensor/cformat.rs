//! Numbers as C's printf writes them: `%f`, `%e` and `%g`.

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
    if let Some(text) = special(v) {
        return out.push_str(text);
    }
    let precision = precision.clamp(1, 17);
    let whole = v as i64;
    if whole as f64 == v
        && whole.unsigned_abs() < 10u64.pow(precision.min(15) as u32)
        && (whole != 0 || v.is_sign_positive())
    {
        let _ = write!(out, "{whole}");
        return;
    }
    let start = out.len();
    let _ = write!(out, "{:.*e}", precision - 1, v.abs());
    // d.ddddde-x
    let e = start + out[start..].find('e').unwrap_or(0);
    let power: i32 = out[e + 1..].parse().unwrap_or(0);
    out.truncate(e);
    if out[start..].contains('.') {
        let kept = out.trim_end_matches('0').trim_end_matches('.').len();
        out.truncate(kept);
    }
    if power < -4 || power >= precision as i32 {
        push_power(out, power);
    } else {
        place_point(out, start, power);
    }
    if v.is_sign_negative() {
        out.insert(start, '-');
    }
}

/// Turns the digits `d.ddd` that begin at `start` into those of the number times 10 to `power`.
fn place_point(out: &mut String, start: usize, power: i32) {
    if power < 0 {
        if out.len() > start + 1 {
            out.remove(start + 1);
        }
        let zeros = power.unsigned_abs() as usize - 1;
        out.insert_str(start, &"0.0000"[..2 + zeros.min(4)]);
        return;
    }
    let power = power as usize;
    if power == 0 {
        return;
    }
    if out.len() > start + 1 {
        out.remove(start + 1);
    }
    let digits = out.len() - start;
    if digits > power + 1 {
        out.insert(start + power + 1, '.');
    } else {
        out.extend(std::iter::repeat_n('0', power + 1 - digits));
    }
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
