//! Warping by a field: each pixel of the result is taken from the place that its vector points to.

use super::scale::curve;
use super::{Picture, Pixel, Work, build, each_line};
use crate::demand;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use std::f32::consts::PI;

/// How a value between pixels is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The nearest pixel.
    Simple,
    /// A mixture of four pixels.
    Bilinear,
    /// Cubic curves through sixteen pixels.
    Bicubic,
    /// The Lanczos filter of radius 3.
    Lanczos,
}

impl Mode {
    /// Reads the name of a mode; the default is bilinear.
    ///
    /// # Errors
    /// Another word.
    pub fn parse(name: Option<&[u8]>) -> Result<Mode> {
        Ok(match name {
            None | Some(b"bilinear") => Mode::Bilinear,
            Some(b"simple") => Mode::Simple,
            Some(b"bicubic") => Mode::Bicubic,
            Some(b"lanczos") => Mode::Lanczos,
            Some(other) => {
                let other = String::from_utf8_lossy(other);
                refuse!("expected the mode simple, bilinear, bicubic or lanczos, got '{other}'")
            }
        })
    }

    /// The mode with this number: 0 to 3.
    ///
    /// # Errors
    /// Another number.
    pub fn numbered(n: i64) -> Result<Mode> {
        Ok(match n {
            0 => Mode::Simple,
            1 => Mode::Bilinear,
            2 => Mode::Bicubic,
            3 => Mode::Lanczos,
            _ => refuse!("expected a mode from 0 to 3, got {n}"),
        })
    }
}

/// How a picture is warped.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// How values are found.
    pub mode: Mode,
    /// Whether vectors count from their own pixel, or from the picture's corner.
    pub offset: bool,
    /// Whether pixels from outside get the value `pad`, or that of the border.
    pub padded: bool,
    /// The value of pixels outside, and of those that cubic curves miss.
    pub pad: f64,
}

/// The Lanczos filter's weights for the six pixels around a place.
fn lanczos(at: f32) -> [f32; 6] {
    const RADIUS: f32 = 3.0;
    let square = std::f64::consts::PI.powi(2) as f32;
    let first = at.floor() as i64 - 2;
    std::array::from_fn(|i| {
        let d = (at - (first + i as i64) as f32).abs();
        if d < 0.000_001 {
            return 1.0;
        }
        if d > RADIUS {
            return 0.0;
        }
        let wave = f64::from(PI * d).sin() * f64::from(PI * d / RADIUS).sin();
        (f64::from(RADIUS) * wave / f64::from(square * d * d)) as f32
    })
}

/// What the value at one place of every plane is made of: elements of the plane with their weights.
struct Taps<W> {
    /// Columns around the place, held to the picture.
    columns: [usize; 6],
    /// Starts of rows around the place, likewise.
    rows: [usize; 6],
    /// Which of the columns and rows lie in the picture.
    inside: ([bool; 6], [bool; 6]),
    /// How far right and down of the first pixel.
    fraction: [W; 2],
    /// The weights of columns and rows, and the sum of their products.
    weights: ([f32; 6], [f32; 6], f32),
}

/// The place (`x`, `y`) of planes of `h` x `w` elements, which it lies on.
fn taps<W: Work>(x: f32, y: f32, h: usize, w: usize, mode: Mode) -> Taps<W> {
    let (ix, iy) = (x.floor(), y.floor());
    // three pixels before, the place's own at 2, three after
    let around = |at: f32, n: usize| {
        let first = at as i64 - 2;
        let place = |i: usize| first + i as i64;
        let held = std::array::from_fn(|i| place(i).clamp(0, n as i64 - 1) as usize);
        (held, std::array::from_fn(|i| (0..n as i64).contains(&place(i))))
    };
    let ((columns, in_columns), (rows, in_rows)) = (around(ix, w), around(iy, h));
    let weights = if mode == Mode::Lanczos { (lanczos(x), lanczos(y)) } else { ([0.0; 6], [0.0; 6]) };
    let total = weights.0.iter().fold(0.0, |s, u| weights.1.iter().fold(s, |s, v| s + u * v));
    Taps {
        columns,
        rows: rows.map(|r: usize| r * w),
        inside: (in_columns, in_rows),
        fraction: [W::from(x) - W::from(ix), W::from(y) - W::from(iy)],
        weights: (weights.0, weights.1, total),
    }
}

/// The four pixels around a place and their weights.
#[inline(always)]
fn corners(x: f32, y: f32, h: usize, w: usize) -> ([usize; 4], [f32; 4]) {
    let (ix, iy) = (x.floor(), y.floor());
    let (left, right, up, down) = (ix + 1.0 - x, x - ix, iy + 1.0 - y, y - iy);
    let (column, row) = (ix as usize, iy as usize);
    let (upper, lower) = (row * w, (row + 1).min(h - 1) * w);
    let next = (column + 1).min(w - 1);
    let places = [upper + column, upper + next, lower + column, lower + next];
    (places, [left * up, right * up, left * down, right * down])
}

#[inline(always)]
fn bilinear<T: Pixel>(plane: &[T], places: [usize; 4], weights: [f32; 4]) -> T {
    let part = |i: usize| plane[places[i]].work() * weights[i].into();
    T::finish(part(0) + part(1) + part(2) + part(3))
}

#[inline(always)]
fn bicubic<T: Pixel>(plane: &[T], t: &Taps<T::Work>, pad: T::Work) -> T {
    let row = |k: usize| {
        let get = |i: usize| match t.inside.0[i + 1] && t.inside.1[k + 1] {
            true => plane[t.rows[k + 1] + t.columns[i + 1]].work(),
            false => pad,
        };
        curve([get(0), get(1), get(2), get(3)], t.fraction[0])
    };
    T::finish(curve([row(0), row(1), row(2), row(3)], t.fraction[1]))
}

#[inline(always)]
fn filtered<T: Pixel>(plane: &[T], t: &Taps<T::Work>) -> T {
    let mut sum = T::Work::from(0.0);
    for (&column, &wx) in t.columns.iter().zip(&t.weights.0) {
        for (&row, &wy) in t.rows.iter().zip(&t.weights.1) {
            sum = sum + plane[row + column].work() * (wx * wy).into();
        }
    }
    T::finish(sum / t.weights.2.into())
}

/// The picture as the field says, which is 2 x H x W: how far down, how far right. The result has the picture's channels
/// and the field's rows and columns; one of a matrix has one channel.
///
/// # Errors
/// Sizes that do not fit.
pub fn warp<T: Pixel>(src: &Tensor, field: &Tensor, how: How) -> Result<Tensor> {
    let p = Picture::<T>::of(src)?;
    let f = Picture::<T>::with_channels("image.warp", field, 2)?;
    let (h, w, plane, area) = (f.h, f.w, p.h * p.w, f.h * f.w);
    let (data, vectors, pad) = (p.data(), f.data(), T::from_f64(how.pad));
    demand!(p.h < 1 << 24 && p.w < 1 << 24, "an image of {} x {} is too large", p.h, p.w);
    let (high, wide) = (p.h, p.w);
    let (most_x, most_y) = ((p.w - 1) as f32, (p.h - 1) as f32);
    let cost = p.c * [2, 8, 60, 120][how.mode as usize];
    build(&[p.c, h, w], |out| {
        each_line(out, [p.c, h, w], cost, |y, rows| {
            for x in 0..w {
                let from = |v: T, i: usize| if how.offset { i as f32 + v.single() } else { v.single() };
                let (sy, sx) = (from(vectors[y * w + x], y), from(vectors[area + y * w + x], x));
                if how.padded && (sy < 0.0 || sy > most_y || sx < 0.0 || sx > most_x) {
                    rows.iter_mut().for_each(|row| row[x] = pad);
                    continue;
                }
                // nan goes to 0 too
                let (sx, sy) = (sx.max(0.0).min(most_x), sy.max(0.0).min(most_y));
                if how.mode == Mode::Simple {
                    let near = |v: f32| (f64::from(v) + 0.5).floor() as usize;
                    let at = near(sy).min(high - 1) * wide + near(sx).min(wide - 1);
                    rows.iter_mut().enumerate().for_each(|(k, row)| row[x] = data[k * plane + at]);
                    continue;
                }
                if how.mode == Mode::Bilinear {
                    let (places, weights) = corners(sx, sy, high, wide);
                    for (source, row) in data.chunks(plane).zip(rows.iter_mut()) {
                        row[x] = bilinear(source, places, weights);
                    }
                    continue;
                }
                let t = taps(sx, sy, high, wide, how.mode);
                for (source, row) in data.chunks(plane).zip(rows.iter_mut()) {
                    row[x] = match how.mode {
                        Mode::Lanczos => filtered(source, &t),
                        _ => bicubic(source, &t, pad.work()),
                    };
                }
            }
        });
        Ok(())
    })
}
