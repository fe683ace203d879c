//! Warping by a field: each pixel of the result is taken from the place that its vector points to.

use super::scale::curve;
use super::{Picture, Pixel, build, each_line};
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
                refuse!("image.warp: expected the mode simple, bilinear, bicubic or lanczos, got '{other}'")
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
            _ => refuse!("image.warp: expected a mode from 0 to 3, got {n}"),
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
    let square = f64::from(PI) as f32 * PI;
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

/// A plane of the source.
struct Plane<'a, T> {
    data: &'a [T],
    h: i64,
    w: i64,
}

impl<T: Pixel> Plane<'_, T> {
    fn at(&self, x: i64, y: i64) -> T::Work {
        self.data[(y.clamp(0, self.h - 1) * self.w + x.clamp(0, self.w - 1)) as usize].work()
    }

    fn bilinear(&self, x: f32, y: f32) -> T {
        let (ix, iy) = (x.floor(), y.floor());
        let (left, right, up, down) = (ix + 1.0 - x, x - ix, iy + 1.0 - y, y - iy);
        let (ix, iy) = (ix as i64, iy as i64);
        let part = |weight: f32, x, y| self.at(x, y) * weight.into();
        let upper = part(left * up, ix, iy) + part(right * up, ix + 1, iy);
        T::finish(upper + part(left * down, ix, iy + 1) + part(right * down, ix + 1, iy + 1))
    }

    fn bicubic(&self, x: f32, y: f32, pad: T::Work) -> T {
        let (ix, iy) = (x.floor(), y.floor());
        let (right, down) = (T::Work::from(x) - ix.into(), T::Work::from(y) - iy.into());
        let (ix, iy) = (ix as i64, iy as i64);
        let inside = |x: i64, y: i64| (0..self.w).contains(&x) && (0..self.h).contains(&y);
        let get = |x, y| if inside(x, y) { self.at(x, y) } else { pad };
        let row = |k: usize| {
            let y = iy + k as i64 - 1;
            curve([get(ix - 1, y), get(ix, y), get(ix + 1, y), get(ix + 2, y)], right)
        };
        T::finish(curve(std::array::from_fn(row), down))
    }

    fn lanczos(&self, x: f32, y: f32, across: &[f32; 6], along: &[f32; 6], total: f32) -> T {
        let (first_x, first_y) = (x.floor() as i64 - 2, y.floor() as i64 - 2);
        let mut sum = T::Work::from(0.0);
        for (u, &wx) in (first_x..).zip(across) {
            for (v, &wy) in (first_y..).zip(along) {
                sum = sum + self.at(u, v) * (wx * wy).into();
            }
        }
        T::finish(sum / total.into())
    }
}

/// The picture as the field says, which is 2 x H x W: how far down, how far right. The result has the picture's channels
/// and the field's rows and columns; one of a matrix has one channel.
///
/// # Errors
/// Sizes that do not fit.
pub fn warp<T: Pixel>(src: &Tensor, field: &Tensor, how: How) -> Result<Tensor> {
    let p = Picture::<T>::of("image.warp", src)?;
    let f = Picture::<T>::with_channels("image.warp", field, 2)?;
    let (h, w, plane, area) = (f.h, f.w, p.h * p.w, f.h * f.w);
    let (data, vectors, pad) = (p.data(), f.data(), T::from_f64(how.pad));
    demand!(p.h < 1 << 24 && p.w < 1 << 24, "image.warp: an image of {} x {} is too large", p.h, p.w);
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
                let weights = if how.mode == Mode::Lanczos { (lanczos(sx), lanczos(sy)) } else { ([0.0; 6], [0.0; 6]) };
                let total: f32 = weights.0.iter().fold(0.0, |s, u| weights.1.iter().fold(s, |s, v| s + u * v));
                for (k, row) in rows.iter_mut().enumerate() {
                    let source = Plane { data: &data[k * plane..][..plane], h: p.h as i64, w: p.w as i64 };
                    row[x] = match how.mode {
                        Mode::Simple => {
                            let near = |v: f32| (f64::from(v) + 0.5).floor() as usize;
                            source.data[near(sy).min(p.h - 1) * p.w + near(sx).min(p.w - 1)]
                        }
                        Mode::Bilinear => source.bilinear(sx, sy),
                        Mode::Bicubic => source.bicubic(sx, sy, pad.work()),
                        Mode::Lanczos => source.lanczos(sx, sy, &weights.0, &weights.1, total),
                    };
                }
            }
        });
        Ok(())
    })
}
