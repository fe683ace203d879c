//! Rescaling: nearest neighbours, lines between pixels (means where the result is smaller), cubic curves. The two axes
//! are done one after the other, rows first, and what lies between has the picture's own element type.

use super::{Picture, Pixel, Work, build, each_row, give, zeroes};
use crate::demand;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;

/// How a picture is rescaled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The nearest pixel.
    Simple,
    /// Lines, or means.
    Bilinear,
    /// Cubic curves.
    Bicubic,
}

impl Mode {
    /// Reads the name of a mode; the default is bilinear.
    ///
    /// # Errors
    /// Another word.
    pub fn parse(name: Option<&[u8]>) -> Result<Mode> {
        Ok(match name {
            None | Some(b"bilinear") => Mode::Bilinear,
            Some(b"bicubic") => Mode::Bicubic,
            Some(b"simple") => Mode::Simple,
            Some(other) => {
                refuse!("expected the mode simple, bilinear or bicubic, got '{}'", String::from_utf8_lossy(other))
            }
        })
    }
}

/// Which source elements an element of the result is made of.
enum Axis {
    /// The source as it is.
    Same,
    /// A point between two neighbours: the first, the second, and how far from the first.
    Between(Vec<(usize, usize, f32)>),
    /// The mean over a stretch.
    Mean(Vec<Stretch>),
    /// A point on a curve through four neighbours: the second of them, and how far from it.
    Curve(Vec<(usize, f32)>),
}

/// A stretch of source elements with its ends cut.
struct Stretch {
    first: usize,
    last: usize,
    head: f32,
    tail: f32,
    total: f32,
}

/// Where element `i` of a longer result lies in the source.
fn position(i: usize, step: f32) -> (usize, f32) {
    let at = i as f32 * step;
    let whole = at as usize;
    (whole, at - whole as f32)
}

fn linear(n: usize, m: usize) -> Axis {
    if n == m {
        return Axis::Same;
    }
    if m > n {
        let step = (n - 1) as f32 / (m - 1) as f32;
        let point = |i| {
            let (at, f) = if i + 1 == m { (n - 1, 0.0) } else { position(i, step) };
            let at = at.min(n - 1);
            (at, (at + 1).min(n - 1), f)
        };
        return Axis::Between((0..m).map(point).collect());
    }
    let step = n as f32 / m as f32;
    let stretch = |i| {
        let ((first, cut), (last, tail)) = (position(i, step), position(i + 1, step));
        let head = 1.0 - cut;
        let whole = (first + 1..last.min(n)).fold(head, |sum, _| sum + 1.0);
        Stretch { first: first.min(n - 1), last, head, tail, total: if last < n { whole + tail } else { whole } }
    };
    Axis::Mean((0..m).map(stretch).collect())
}

fn cubic(n: usize, m: usize) -> Axis {
    if n == m {
        return Axis::Same;
    }
    let step = (n - 1) as f32 / (m.max(2) - 1) as f32;
    let point = |i| match position(i, step) {
        (at, f) if i + 1 < m && at + 1 < n => (at, f),
        // on the last element there is no curve
        _ => (n - 1, 0.0),
    };
    Axis::Curve((0..m).map(point).collect())
}

/// A value on the curve through four elements, `x` after the second.
#[inline(always)]
pub(super) fn curve<W: Work>(p: [W; 4], x: W) -> W {
    let k = |v: f32| W::from(v);
    let a1 = p[2] - p[0];
    let a2 = k(2.0) * p[0] - k(5.0) * p[1] + k(4.0) * p[2] - p[3];
    let a3 = k(3.0) * (p[1] - p[2]) + p[3] - p[0];
    W::of(p[1].wide() + 0.5 * x.wide() * (a1 + x * (a2 + x * a3)).wide())
}

#[inline(always)]
fn between<T: Pixel>(a: T, b: T, f: f32) -> T {
    T::finish(T::Work::from(1.0 - f) * a.work() + T::Work::from(f) * b.work())
}

/// The value `f` after element `at` of `n`; curves go on straight beyond the ends.
#[inline(always)]
fn on_curve<T: Pixel>(get: impl Fn(usize) -> T, at: usize, n: usize, f: f32) -> T {
    if at + 1 >= n {
        return get(at);
    }
    let two = T::Work::from(2.0);
    let (b, c) = (get(at).work(), get(at + 1).work());
    let a = if at > 0 { get(at - 1).work() } else { two * b - c };
    let d = if at + 2 < n { get(at + 2).work() } else { two * c - b };
    T::finish(curve([a, b, c, d], f.into()))
}

/// Adds to a sum that is kept as a float.
#[inline(always)]
fn plus<T: Pixel>(sum: f32, weight: f32, v: T) -> f32 {
    (T::Work::from(sum) + T::Work::from(weight) * v.work()).single()
}

/// One row from one row.
fn along<T: Pixel>(axis: &Axis, src: &[T], out: &mut [T]) {
    match axis {
        Axis::Same => out.copy_from_slice(src),
        Axis::Between(points) => {
            for (o, &(a, b, f)) in out.iter_mut().zip(points) {
                *o = if a == b { src[a] } else { between(src[a], src[b], f) };
            }
        }
        Axis::Mean(stretches) => {
            for (o, s) in out.iter_mut().zip(stretches) {
                let mut sum = plus(0.0, s.head, src[s.first]);
                let whole = src.get(s.first + 1..s.last.min(src.len())).unwrap_or_default();
                sum = whole.iter().fold(sum, |sum, &v| plus(sum, 1.0, v));
                if let Some(&v) = src.get(s.last) {
                    sum = plus(sum, s.tail, v);
                }
                *o = T::from_single(sum / s.total);
            }
        }
        Axis::Curve(points) => {
            for (o, &(at, f)) in out.iter_mut().zip(points) {
                *o = on_curve(|i| src[i], at, src.len(), f);
            }
        }
    }
}

/// Row `i` of the result from the rows of a plane.
fn across<T: Pixel>(axis: &Axis, i: usize, plane: &[T], out: &mut [T]) {
    let w = out.len();
    let row = |y: usize| &plane[y * w..][..w];
    match axis {
        Axis::Same => out.copy_from_slice(row(i)),
        Axis::Between(points) => {
            let (a, b, f) = points[i];
            if a == b {
                return out.copy_from_slice(row(a));
            }
            let (a, b) = (row(a), row(b));
            vectorize(
                #[inline(always)]
                move || out.iter_mut().zip(a).zip(b).for_each(|((o, &a), &b)| *o = between(a, b, f)),
            );
        }
        Axis::Mean(stretches) => mean_of_rows(&stretches[i], plane, out),
        Axis::Curve(points) => {
            let (at, f) = points[i];
            let n = plane.len() / w;
            vectorize(
                #[inline(always)]
                move || out.iter_mut().enumerate().for_each(|(x, o)| *o = on_curve(|y| plane[y * w + x], at, n, f)),
            );
        }
    }
}

fn mean_of_rows<T: Pixel>(s: &Stretch, plane: &[T], out: &mut [T]) {
    let w = out.len();
    let n = plane.len() / w;
    // a row is done in pieces whose sums stay in registers and cache
    let mut sums = [0f32; 256];
    for (k, out) in out.chunks_mut(256).enumerate() {
        let sums = &mut sums[..out.len()];
        sums.fill(0.0);
        let mut add = |y: usize, weight: f32| {
            let row = &plane[y * w + k * 256..][..sums.len()];
            let sums = &mut *sums;
            vectorize(
                #[inline(always)]
                move || sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum = plus(*sum, weight, v)),
            );
        };
        add(s.first, s.head);
        (s.first + 1..s.last.min(n)).for_each(|y| add(y, 1.0));
        if s.last < n {
            add(s.last, s.tail);
        }
        out.iter_mut().zip(&*sums).for_each(|(o, &sum)| *o = T::from_single(sum / s.total));
    }
}

/// The nearest source element of each element of the result.
fn nearest(n: usize, m: usize) -> Vec<usize> {
    let step = n as f32 / m as f32;
    (0..m).map(|i| ((i as f32 * step) as usize).min(n - 1)).collect()
}

fn simple<T: Pixel>(src: &Picture<T>, h: usize, w: usize, out: &mut [T]) {
    let (data, rows, cols) = (src.data(), nearest(src.h, h), nearest(src.w, w));
    let (high, wide) = (src.h, src.w);
    each_row(out, w, 1, |r, out| {
        let from = &data[(r / h * high + rows[r % h]) * wide..][..wide];
        out.iter_mut().zip(&cols).for_each(|(o, &x)| *o = T::from_single(from[x].single()));
    });
}

/// The picture with `h` rows and `w` columns.
///
/// # Errors
/// Not enough memory.
pub fn resample<T: Pixel>(src: &Picture<T>, h: usize, w: usize, mode: Mode) -> Result<Tensor> {
    demand!(h > 0 && w > 0, "expected a size of at least one pixel, got {w} x {h}");
    build(&src.sized(h, w), |out| {
        let axis = match mode {
            Mode::Simple => {
                simple(src, h, w, out);
                return Ok(());
            }
            Mode::Bilinear => linear,
            Mode::Bicubic => cubic,
        };
        let (x, y, data) = (axis(src.w, w), axis(src.h, h), src.data());
        let (high, wide) = (src.h, src.w);
        let rows;
        let narrow = if w == src.w {
            data
        } else {
            let mut made = zeroes::<T>(src.c * src.h * w)?;
            each_row(&mut made, w, 4, |r, out| along(&x, &data[r * wide..][..wide], out));
            rows = made;
            &rows
        };
        let cost = 2 + 2 * src.h.div_ceil(h);
        each_row(out, w, cost, |r, out| across(&y, r % h, &narrow[r / h * high * w..][..high * w], out));
        Ok(())
    })
}

/// Rescales `src` to the sizes that `dst` has.
///
/// # Errors
/// Sizes that do not fit, not enough memory.
pub fn to_destination<T: Pixel>(dst: &Tensor, src: &Tensor, mode: Mode) -> Result<()> {
    let p = Picture::<T>::of(src)?;
    let (h, w) = p.partner("image.scale", dst)?;
    give(dst, &resample(&p, h, w, mode)?)
}

/// A number of pixels from a number: truncated, at least 1.
fn pixels(n: f64) -> Result<usize> {
    demand!(n < 1e15, "a size of {n} pixels is too large");
    Ok((n as usize).max(1))
}

/// Rescales `src` to `width` x `height`, which are truncated.
///
/// # Errors
/// Sizes that cannot be had, not enough memory.
pub fn to_size<T: Pixel>(src: &Tensor, width: f64, height: f64, mode: Mode) -> Result<Tensor> {
    let p = Picture::<T>::of(src)?;
    resample(&p, pixels(height)?, pixels(width)?, mode)
}

/// Digits at the start of a text, and what follows.
fn digits(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok().map(|n| (n, &text[end..]))
}

/// The first run of digits that `rest` follows, as two numbers around it.
fn pair(text: &str, mark: char) -> Option<(f64, f64)> {
    text.match_indices(mark).find_map(|(at, _)| {
        let head = &text[..at];
        let start = head.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |i| i + 1);
        Some((head.get(start..)?.parse().ok()?, digits(&text[at + 1..])?.0))
    })
}

/// Width and height that a size like `"64"`, `"6x4"`, `"^32"`, `"*2"` or `"*2/3"` asks for.
fn asked(size: &str, w: f64, h: f64) -> Option<(f64, f64)> {
    if let Ok(most) = size.trim().parse::<f64>() {
        return Some((w * most / w.max(h), h * most / w.max(h)));
    }
    if let Some(both) = pair(size, 'x') {
        return Some(both);
    }
    if let Some((least, _)) = size.match_indices('^').find_map(|(i, _)| digits(&size[i + 1..])) {
        return Some((w * least / w.min(h), h * least / w.min(h)));
    }
    let (_, factor) = size.split_once('*')?;
    if let Some((n, rest)) = digits(factor)
        && let Some((d, _)) = rest.strip_prefix('/').and_then(digits)
    {
        return Some((w * n / d, h * n / d));
    }
    let factor = factor.trim().parse::<f64>().ok()?;
    Some((w * factor, h * factor))
}

/// Rescales `src` to a size in words: `"MAX"`, `"WxH"`, `"^MIN"`, `"*FACTOR"`, `"*N/D"`.
///
/// # Errors
/// Words that give no size, and as [`to_size`].
pub fn to_words<T: Pixel>(src: &Tensor, size: &[u8], mode: Mode) -> Result<Tensor> {
    let p = Picture::<T>::of(src)?;
    let text = String::from_utf8_lossy(size);
    match asked(&text, p.w as f64, p.h as f64) {
        Some((w, h)) => resample(&p, pixels(h)?, pixels(w)?, mode),
        None => refuse!("expected a size (MAX, WxH, ^MIN, *FACTOR or *N/D), got '{text}'"),
    }
}

/// Rescales `src` so that its larger side has `most` pixels.
///
/// # Errors
/// As [`to_size`].
pub fn to_largest<T: Pixel>(src: &Tensor, most: f64, mode: Mode) -> Result<Tensor> {
    let p = Picture::<T>::of(src)?;
    let (w, h) = (p.w as f64, p.h as f64);
    resample(&p, pixels(h * most / w.max(h))?, pixels(w * most / w.max(h))?, mode)
}
