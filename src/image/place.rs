//! Pixels moved as they are: flips, crops, translations.

use super::{Picture, Pixel, build, each_row, give};
use crate::demand;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;

/// The tensor with the order along dimension `d` turned around.
fn turned<T: Element>(src: &Tensor, d: usize) -> Result<Tensor> {
    let p = Picture::<T>::shaped(src, [1, 1, src.numel()], true)?;
    let sizes = src.layout().sizes().to_vec();
    let n = sizes[d];
    let len: usize = sizes[d + 1..].iter().product();
    let data = p.data();
    build(&sizes, |out| {
        if len == 1 {
            each_row(out, n, 1, |r, out| {
                out.iter_mut().zip(data[r * n..][..n].iter().rev()).for_each(|(o, &v)| *o = v);
            });
        } else {
            each_row(out, len, 1, |r, out| out.copy_from_slice(&data[(r / n * n + n - 1 - r % n) * len..][..len]));
        }
        Ok(())
    })
}

/// Flips left and right (`d` is 1) or up and down (2), dimensions counted from the last.
///
/// # Errors
/// Not an image, a matrix with gaps, a destination with gaps.
pub fn mirror<T: Pixel>(what: &str, dst: &Tensor, src: &Tensor, d: usize) -> Result<()> {
    let nd = src.ndim();
    check::ranks("an image", src, 2..=3)?;
    demand!(nd == 3 || src.is_contiguous(), in what, "expected a contiguous matrix, got one with gaps");
    let fits = dst.is_contiguous() || !dst.same_size(src);
    demand!(fits, in what, "expected a contiguous destination, got one with gaps");
    give(dst, &turned::<T>(src, nd - d)?)
}

/// Turns around the order along dimension `d` (from 0).
///
/// # Errors
/// More than five dimensions, no such dimension, tensors with gaps, a destination that is the source.
pub fn flip<T: Pixel>(dst: &Tensor, src: &Tensor, d: usize) -> Result<()> {
    let nd = src.ndim();
    check::ranks("a tensor", src, 1..=5)?;
    check::dimension("flip", d, nd)?;
    demand!(src.is_contiguous(), "expected a contiguous source, got one with gaps");
    let fits = dst.is_contiguous() || !dst.same_size(src);
    demand!(fits, "expected a contiguous destination, got one with gaps");
    let in_place = dst.same_storage(src) && dst.offset() == src.offset();
    demand!(!in_place, "the destination cannot be the source");
    give(dst, &turned::<T>(src, d)?)
}

/// The part of `src` that begins at (`x`, `y`) and has `h` rows and `w` columns. Values go through single precision.
fn part<T: Pixel>(src: &Picture<T>, [x, y]: [i64; 2], [h, w]: [usize; 2]) -> Result<Tensor> {
    let inside = |start: i64, n: usize, all: usize| start >= 0 && (start as u64).saturating_add(n as u64) <= all as u64;
    if !inside(x, w, src.w) || !inside(y, h, src.h) {
        refuse!("{w} x {h} pixels from ({x}, {y}) lie outside of an image of {} x {}", src.w, src.h);
    }
    let (x, y, data) = (x as usize, y as usize, src.data());
    let (rows, columns) = (src.h, src.w);
    build(&src.sized(h, w), |out| {
        each_row(out, w, 1, |r, out| {
            let from = &data[(r / h * rows + y + r % h) * columns + x..][..w];
            out.iter_mut().zip(from).for_each(|(o, v)| *o = T::from_single(v.single()));
        });
        Ok(())
    })
}

/// Fills `dst` with the part of `src` that begins at (`x`, `y`).
///
/// # Errors
/// A part outside, sizes that do not fit.
pub fn crop_to<T: Pixel>(dst: &Tensor, src: &Tensor, x: i64, y: i64) -> Result<()> {
    let p = Picture::<T>::of(src)?;
    let (h, w) = p.partner("image.crop", dst)?;
    give(dst, &part(&p, [x, y], [h, w])?)
}

/// The part of `src` from (`x1`, `y1`) up to, without, (`x2`, `y2`).
///
/// # Errors
/// A part outside or without pixels.
pub fn crop<T: Pixel>(src: &Tensor, [x1, y1, x2, y2]: [f64; 4]) -> Result<Tensor> {
    let p = Picture::<T>::of(src)?;
    let (w, h) = (x2 - x1, y2 - y1);
    let fits = (1.0..1e15).contains(&w) && (1.0..1e15).contains(&h);
    demand!(fits, "no pixel lies between ({x1}, {y1}) and ({x2}, {y2})");
    part(&p, [x1 as i64, y1 as i64], [h as usize, w as usize])
}

/// The corners of a part of `w` x `h` pixels of `src`, placed by a word: `c` in the middle, `tl`, `tr`, `bl`, `br` in a
/// corner.
///
/// # Errors
/// Another word, not an image.
pub fn corners(src: &Tensor, place: &[u8], w: f64, h: f64) -> Result<[f64; 4]> {
    let nd = src.ndim();
    check::ranks("an image", src, 2..=3)?;
    let (right, down) = (src.size(nd - 1) as f64 - w, src.size(nd - 2) as f64 - h);
    let (x, y) = match place {
        b"c" => ((right / 2.0).floor(), (down / 2.0).floor()),
        b"tl" => (0.0, 0.0),
        b"tr" => (right, 0.0),
        b"bl" => (0.0, down),
        b"br" => (right, down),
        other => refuse!("expected c, tl, tr, bl or br, got '{}'", String::from_utf8_lossy(other)),
    };
    Ok([x, y, x + w, y + h])
}

/// Writes `src`, moved right by `x` and down by `y`, over `dst`; what does not fall on it is lost.
///
/// # Errors
/// Sizes that do not fit.
pub fn translate_onto<T: Pixel>(dst: &Tensor, src: &Tensor, x: i64, y: i64) -> Result<()> {
    let p = Picture::<T>::of(src)?;
    let (h, w) = p.partner("image.translate", dst)?;
    let under = Picture::<T>::of(dst)?;
    let made = build(&p.sized(h, w), |out| {
        out.copy_from_slice(under.data());
        shift(&p, out, [h, w], [x, y]);
        Ok(())
    })?;
    give(dst, &made)
}

/// `src`, moved right by `x` and down by `y`, on zeros.
///
/// # Errors
/// Not an image.
pub fn translate<T: Pixel>(dst: &Tensor, src: &Tensor, x: i64, y: i64) -> Result<()> {
    let p = Picture::<T>::of(src)?;
    let made = build(&p.sized(p.h, p.w), |out| {
        shift(&p, out, [p.h, p.w], [x, y]);
        Ok(())
    })?;
    give(dst, &made)
}

fn shift<T: Pixel>(src: &Picture<T>, out: &mut [T], [h, w]: [usize; 2], [x, y]: [i64; 2]) {
    // the columns of the result that the source covers
    let first = x.clamp(0, w as i64);
    let last = x.saturating_add(src.w as i64).clamp(first, w as i64);
    if first == last {
        return;
    }
    let (data, rows, columns) = (src.data(), src.h, src.w);
    each_row(out, w, 1, |r, out| {
        let row = (r % h) as i64;
        if let Some(from) = row.checked_sub(y).filter(|n| (0..rows as i64).contains(n)) {
            let start = (r / h * rows + from as usize) * columns + (first - x) as usize;
            let n = (last - first) as usize;
            out[first as usize..last as usize].copy_from_slice(&data[start..start + n]);
        }
    });
}
