//! Sorting long lines digit by digit: each element becomes a whole number that orders as the elements do.

use crate::tensor::dtype::Real;

/// From this many elements on, counting digits beats comparing.
const LONG: usize = 512;

/// Sorts elements with their places, equal ones in the order given; nan counts as the largest. `false` where comparing
/// serves better, and then nothing has happened.
pub fn sort<T: Real>(line: &mut Vec<(T, usize)>, down: bool) -> bool {
    if line.len() < LONG || u32::try_from(line.len()).is_err() {
        return false;
    }
    let bytes = size_of::<T>();
    let all = u64::MAX >> (64 - 8 * bytes);
    let keys = line.iter().map(|&(v, _)| if down { v.rank() ^ all } else { v.rank() });
    let order: Vec<u32> = if bytes <= 4 {
        // the number and the place fit one word
        let words = keys.zip(0u32..).map(|(k, i)| k << 32 | u64::from(i)).collect();
        by_digits(words, bytes, |w: u64, digit| w >> (32 + 8 * digit)).into_iter().map(|w| w as u32).collect()
    } else {
        let pairs = keys.zip(0u32..).collect();
        by_digits(pairs, bytes, |p: (u64, u32), digit| p.0 >> (8 * digit)).into_iter().map(|p| p.1).collect()
    };
    *line = order.into_iter().map(|i| line[i as usize]).collect();
    true
}

/// Sorts by `digits` digits of eight bits each, the lowest first; `digit` shifts one into the low bits.
fn by_digits<E: Copy>(mut from: Vec<E>, digits: usize, digit: impl Fn(E, usize) -> u64) -> Vec<E> {
    let mut counts = vec![[0usize; 256]; digits];
    for &e in &from {
        for (d, count) in counts.iter_mut().enumerate() {
            count[(digit(e, d) & 255) as usize] += 1;
        }
    }
    let mut to = from.clone();
    for (d, count) in counts.iter().enumerate() {
        // a digit that all have in common moves nothing
        if count.contains(&from.len()) {
            continue;
        }
        let mut next = [0usize; 256];
        let mut sum = 0;
        for (n, c) in next.iter_mut().zip(count) {
            *n = sum;
            sum += c;
        }
        for &e in &from {
            let place = &mut next[(digit(e, d) & 255) as usize];
            to[*place] = e;
            *place += 1;
        }
        std::mem::swap(&mut from, &mut to);
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Real>(make: impl Fn(u64) -> T) {
        let values: Vec<T> =
            (0..2000u64).map(|i| make(i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17))).collect();
        for down in [false, true] {
            let mut line: Vec<(T, usize)> = values.iter().copied().zip(0..).collect();
            let mut wanted = line.clone();
            assert!(sort(&mut line, down));
            let order = |a: &T, b: &T| a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()));
            wanted.sort_by(|a, b| if down { order(&b.0, &a.0) } else { order(&a.0, &b.0) });
            let places = |l: &[(T, usize)]| l.iter().map(|i| i.1).collect::<Vec<_>>();
            assert_eq!(places(&line), places(&wanted));
        }
    }

    #[test]
    fn orders_as_comparing_does() {
        check(|r| r as u8);
        check(|r| r as i8);
        check(|r| r as i16);
        check(|r| r as i32);
        check(|r| r as i64);
        check(|r| (r % 7) as i64 - 3);
        check(|r| f32::from_bits(r as u32));
        check(f64::from_bits);
        check(|r| [0.0, -0.0, 1.0, f64::NAN, f64::NEG_INFINITY, -2.5][(r % 6) as usize]);
    }

    #[test]
    fn short_lines_are_left_alone() {
        assert!(!sort(&mut vec![(2.0, 0), (1.0, 1)], false));
    }
}
