//! The first digits of a double, correctly rounded: what printf's `%e` and `%g` print, several times faster than the
//! general algorithm.
//!
//! A double is `m * 2^e`; its first `n` digits are the whole part of `m * 2^e * 10^k` for the right `k`. Powers of ten
//! are kept to 128 bits, so that the product is known to within one part in 2^127; where that does not decide how to
//! round, nothing is returned and the caller takes the slow way.

use std::sync::OnceLock;

const LOWEST: i32 = -310;
const HIGHEST: i32 = 345;

/// The leading 128 bits of each power of ten, rounded down.
fn powers() -> &'static [u128] {
    static TABLE: OnceLock<Vec<u128>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut below = Vec::new();
        // 10^-k from one big power of two: each division rounds down, and so does their chain as a whole
        let mut big = vec![0u32; 48];
        big[47] = 1;
        for _ in 0..-LOWEST {
            let mut rest = 0u64;
            for limb in big.iter_mut().rev() {
                let v = rest << 32 | u64::from(*limb);
                *limb = (v / 10) as u32;
                rest = v % 10;
            }
            below.push(leading(&big));
        }
        below.reverse();
        let mut big = vec![0u32; 40];
        big[0] = 1;
        for _ in 0..=HIGHEST {
            below.push(leading(&big));
            let mut carry = 0u64;
            for limb in &mut big {
                let v = u64::from(*limb) * 10 + carry;
                *limb = v as u32;
                carry = v >> 32;
            }
        }
        below
    })
}

/// The 128 bits from the highest one that is set, zeros behind a shorter number.
fn leading(limbs: &[u32]) -> u128 {
    let Some(top) = limbs.iter().rposition(|&l| l != 0) else { return 0 };
    let shift = limbs[top].leading_zeros();
    let at = |i: usize| top.checked_sub(i).map_or(0, |i| limbs[i]);
    let bits = (0..4).fold(0u128, |v, i| v << 32 | u128::from(at(i)));
    let more = u128::from(at(4));
    if shift == 0 { bits } else { bits << shift | more >> (32 - shift) }
}

/// The exponent of two that belongs to the 128 bits of `10^k`.
fn power_exponent(k: i32) -> i32 {
    ((k * 217_706) >> 16) - 127
}

/// The first `n` digits (at most 17) of a positive finite double, rounded to the nearest, as a whole number, and the
/// power of ten of the first one. `None` where 128 bits do not decide.
pub fn digits(v: f64, n: usize) -> Option<(u64, i32)> {
    let bits = v.to_bits();
    let (raw, fraction) = ((bits >> 52) as i32 & 0x7ff, bits & ((1 << 52) - 1));
    let (m, e) = if raw == 0 { (fraction, -1074) } else { (fraction | 1 << 52, raw - 1075) };
    if m == 0 || raw == 0x7ff || !(1..=17).contains(&n) {
        return None;
    }
    let zeros = m.leading_zeros();
    let (m, e) = (m << zeros, e - zeros as i32);
    let limit = 10u64.pow(n as u32);
    // never too large, and at most one too small
    let mut p = ((e + 63) * 78_913) >> 18;
    loop {
        let k = n as i32 - 1 - p;
        let power = *powers().get(usize::try_from(k - LOWEST).ok()?)?;
        let low = u128::from(m) * u128::from(power as u64);
        let high = u128::from(m) * (power >> 64) + (low >> 64);
        let (x2, x1) = ((high >> 64) as u64, high as u64);
        // the product is x2:x1:x0 times 2^(e + exponent), a number below 2^58
        let shift = u32::try_from(-(e + power_exponent(k)) - 128).ok().filter(|s| (1..64).contains(s))?;
        let whole = x2 >> shift;
        if whole >= limit {
            p += 1;
            continue;
        }
        let half = 1u64 << (shift - 1);
        let rest = x2 & ((half << 1) - 1);
        if (rest == half && x1 == 0) || (rest + 1 == half && x1 == u64::MAX) {
            return None;
        }
        let rounded = whole + u64::from(rest >= half);
        return Some(if rounded == limit { (limit / 10, p + 1) } else { (rounded, p) });
    }
}

/// `w * 10^q` rounded to the nearest number of `bits` bits (53 of a double, 24 of a float). `None` where 128 bits do
/// not decide, and outside the type's normal numbers.
pub fn nearest(w: u64, q: i32, bits: u32) -> Option<f64> {
    if w == 0 {
        return Some(0.0);
    }
    let power = *powers().get(usize::try_from(q.checked_sub(LOWEST)?).ok()?)?;
    let zeros = w.leading_zeros();
    let w = w << zeros;
    let low = u128::from(w) * u128::from(power as u64);
    let high = u128::from(w) * (power >> 64) + (low >> 64);
    let (x2, x1) = ((high >> 64) as u64, high as u64);
    let shift = 64 - x2.leading_zeros() - bits;
    let half = 1u64 << (shift - 1);
    let rest = x2 & ((half << 1) - 1);
    if (rest == half && x1 == 0) || (rest + 1 == half && x1 == u64::MAX) {
        return None;
    }
    let mut m = (x2 >> shift) + u64::from(rest >= half);
    // the product is x2:x1:x0 times 2^(exponent - zeros)
    let mut e = power_exponent(q) - zeros as i32 + 128 + shift as i32;
    if m >> bits != 0 {
        (m, e) = (m >> 1, e + 1);
    }
    let exponent = e + bits as i32 - 1;
    let (lowest, highest) = if bits == 24 { (-126, 127) } else { (-1022, 1023) };
    if !(lowest..=highest).contains(&exponent) {
        return None;
    }
    let fraction = (m << (53 - bits)) & ((1 << 52) - 1);
    Some(f64::from_bits(((exponent + 1023) as u64) << 52 | fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_of_the_slow_way() {
        let mut seed = 88172645463325252u64;
        let mut undecided = 0;
        for i in 0..200_000u32 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let q = (seed % 80) as i32 - if i % 2 == 0 { 60 } else { 300 };
            let w = seed >> (i % 60);
            let text = format!("{w}e{q}");
            match nearest(w, q, 53) {
                Some(v) => assert_eq!(v, text.parse::<f64>().unwrap(), "{text}"),
                None => undecided += 1,
            }
            match nearest(w, q, 24) {
                Some(v) => assert_eq!(v as f32, text.parse::<f32>().unwrap(), "{text}"),
                None => undecided += u32::from(i % 2 == 0 && q > -30),
            }
        }
        assert!(undecided < 4000, "{undecided}");
    }

    #[test]
    fn powers_out_of_the_table_are_left_to_the_slow_way() {
        for q in [i32::MIN, -400, 400, i32::MAX - 300, i32::MAX] {
            assert_eq!((nearest(1, q, 53), nearest(1, q, 24)), (None, None), "{q}");
        }
    }

    fn slow(v: f64, n: usize) -> (u64, i32) {
        let text = format!("{:.*e}", n - 1, v);
        let (d, e) = text.split_once('e').unwrap();
        (d.replace('.', "").parse().unwrap(), e.parse().unwrap())
    }

    #[test]
    fn digits_are_those_of_the_slow_way() {
        let mut seed = 88172645463325252u64;
        let mut undecided = 0;
        for i in 0..200_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let v = match i % 4 {
                0 => f64::from_bits(seed & !(1 << 63)),
                1 => f64::from(f32::from_bits(seed as u32 & 0x7fff_ffff)),
                2 => (seed >> 11) as f64 / 9_007_199_254_740_992.0,
                _ => 10f64.powi((seed % 640) as i32 - 325) * f64::from((seed >> 40) as u8 % 3),
            };
            if !v.is_finite() || v == 0.0 {
                continue;
            }
            for n in [17, 9, 1, 6] {
                match digits(v, n) {
                    Some(got) => assert_eq!(got, slow(v, n), "{v:e} {n}"),
                    None => undecided += 1,
                }
            }
        }
        assert!(undecided < 8000, "{undecided}");
        for v in [5e-324, f64::MAX, f64::MIN_POSITIVE, 9.5, 0.1, 1e22, 1e23, 123456789.0, 999999999.6] {
            for n in 1..=17 {
                if let Some(got) = digits(v, n) {
                    assert_eq!(got, slow(v, n), "{v:e} {n}");
                }
            }
        }
    }
}
