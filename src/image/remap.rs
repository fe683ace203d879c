//! Rotation, polar and log-polar coordinates: each pixel of the result is found at one place of the source.

use super::{Picture, Pixel, Work, build, each_line, give};
use crate::demand;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::dtype::wrap_to_i64;
use crate::tensor::error::Result;
use std::f64::consts::PI;

/// What a pixel of the result is made of.
enum Spot {
    /// Nothing: it is 0.
    Blank,
    /// One pixel.
    At(usize),
    /// Four pixels, and how far right and down from the first.
    Among([usize; 4], f64, f64),
}

/// A plane's size, to tell which positions lie on it.
#[derive(Clone, Copy)]
struct Plane {
    h: i64,
    w: i64,
}

impl Plane {
    fn at(self, x: i64, y: i64) -> Spot {
        let on = (0..self.w).contains(&x) && (0..self.h).contains(&y);
        if on { Spot::At((y * self.w + x) as usize) } else { Spot::Blank }
    }

    /// Between the columns `x` and rows `y`, all of which lie on the plane.
    fn among(self, x: [i64; 2], y: [i64; 2], right: f64, down: f64) -> Spot {
        let i = |x, y| (y * self.w + x) as usize;
        Spot::Among([i(x[0], y[0]), i(x[1], y[0]), i(x[0], y[1]), i(x[1], y[1])], right, down)
    }
}

/// A result of `h` x `w` pixels, each made of what `find(y, x)` names.
fn remap<T: Pixel>(src: &Picture<T>, h: usize, w: usize, find: impl Fn(usize, usize) -> Spot + Sync) -> Result<Tensor> {
    let plane = src.h * src.w;
    let data = src.data();
    build(&src.sized(h, w), |out| {
        each_line(out, [src.c, h, w], 8 + 4 * src.c, |y, rows| {
            for x in 0..w {
                let spot = find(y, x);
                for (k, row) in rows.iter_mut().enumerate() {
                    let from = &data[k * plane..][..plane];
                    row[x] = match spot {
                        Spot::Blank => T::from_single(0.0),
                        Spot::At(i) => T::from_single(from[i].single()),
                        Spot::Among(i, right, down) => {
                            let [a, b, c, d] = i.map(|i| from[i].work().wide());
                            let (left, up) = (1.0 - right, 1.0 - down);
                            let v = left * up * a + right * up * b + left * down * c + right * down * d;
                            T::from_single(v as f32)
                        }
                    };
                }
            }
        });
        Ok(())
    })
}

/// Where a value between two pixels lies: they, and how far it is from the first. Beyond the border it counts as the
/// border's pixel for half a pixel.
fn straddle(at: f64, first: i64, n: i64) -> Option<[i64; 2]> {
    let f = at;
    let mut pair = [first, first + 1];
    if pair[1] == n && f < 0.5 {
        pair[1] = first;
    } else if pair[1] >= n {
        return None;
    }
    if first == -1 && f > 0.5 {
        pair[0] = pair[1];
    } else if first < 0 {
        return None;
    }
    Some(pair)
}

/// Rotates `src` by `theta` radians into `dst`, whose rows and columns say which part is seen.
///
/// # Errors
/// Sizes that do not fit, a destination that is the source.
pub fn rotate<T: Pixel>(dst: &Tensor, src: &Tensor, theta: f64, bilinear: bool) -> Result<()> {
    let p = Picture::<T>::of(src)?;
    let (h, w) = p.partner("image.rotate", dst)?;
    let in_place = dst.same_storage(src) && dst.offset() == src.offset();
    demand!(!in_place, "the destination cannot be the source");
    let theta = f64::from(theta as f32);
    let plane = Plane { h: p.h as i64, w: p.w as i64 };
    let (xc, yc) = ((p.w - 1) as f32 / 2.0, (p.h - 1) as f32 / 2.0);
    let made = if bilinear {
        let (sin, cos) = theta.sin_cos();
        remap(&p, h, w, |y, x| {
            let (dx, dy) = (f64::from(x as f32 - xc), f64::from(y as f32 - yc));
            let sx = T::Work::of(cos * dx - sin * dy) + xc.into();
            let sy = T::Work::of(cos * dy + sin * dx) + yc.into();
            let (ix, iy) = (sx.wide().floor(), sy.wide().floor());
            let (right, down) = (sx.wide() - ix, sy.wide() - iy);
            let columns = straddle(right, wrap_to_i64(ix), plane.w);
            let rows = straddle(down, wrap_to_i64(iy), plane.h);
            match (columns, rows) {
                (Some(x), Some(y)) => plane.among(x, y, right, down),
                _ => Spot::Blank,
            }
        })?
    } else {
        let (sin, cos) = (theta.sin() as f32, theta.cos() as f32);
        remap(&p, h, w, |y, x| {
            let (dx, dy) = (x as f32 - xc, y as f32 - yc);
            let place = |v: f32| wrap_to_i64(f64::from(v).round());
            plane.at(place(cos * dx - sin * dy + xc), place(cos * dy + sin * dx + yc))
        })?
    };
    give(dst, &made)
}

/// Which polar coordinates are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Polar {
    /// Whether distances grow by a factor from column to column.
    pub log: bool,
    /// Whether pixels are mixed.
    pub bilinear: bool,
    /// Whether the circle goes around the picture, or lies inside.
    pub full: bool,
}

impl Polar {
    /// Reads the names of the interpolation and of the mode.
    ///
    /// # Errors
    /// Other words.
    pub fn parse(what: &str, log: bool, interpolation: &[u8], mode: &[u8]) -> Result<Polar> {
        let bilinear = match interpolation {
            b"simple" => false,
            b"bilinear" => true,
            other => refuse!(in what, "expected simple or bilinear, got '{}'", String::from_utf8_lossy(other)),
        };
        let full = match mode {
            b"valid" => false,
            b"full" => true,
            other => refuse!(in what, "expected valid or full, got '{}'", String::from_utf8_lossy(other)),
        };
        Ok(Polar { log, bilinear, full })
    }
}

/// Polar coordinates around the middle of `src`: rows of `dst` are angles, columns distances.
///
/// # Errors
/// Sizes that do not fit.
pub fn polar<T: Pixel>(dst: &Tensor, src: &Tensor, how: Polar) -> Result<()> {
    let what = if how.log { "image.logpolar" } else { "image.polar" };
    let p = Picture::<T>::of(src)?;
    let (h, w) = p.partner(what, dst)?;
    let (mid_y, mid_x) = (p.h as f32 / 2.0, p.w as f32 / 2.0);
    let radius = if how.full {
        let (w, h) = (p.w as f32, p.h as f32);
        (f64::from(w * w + h * h).sqrt() / 2.0) as f32
    } else {
        mid_x.min(mid_y)
    };
    let rate = (f64::from(radius).ln() / w as f64) as f32;
    let distance = |x: usize| {
        if how.log { f64::from(x as f32 * rate).exp() as f32 } else { radius * x as f32 / w as f32 }
    };
    let distances: Vec<f64> = (0..w).map(|x| f64::from(distance(x))).collect();
    let turns: Vec<(f64, f64)> = (0..h).map(|y| f64::from((2.0 * PI * y as f64 / h as f64) as f32).sin_cos()).collect();
    let plane = Plane { h: p.h as i64, w: p.w as i64 };
    let rounded = |v: f64| if how.log { f64::from(v as f32) } else { T::Work::of(v).wide() };
    let made = remap(&p, h, w, |y, x| {
        let (r, (sin, cos)) = (distances[x], turns[y]);
        let (sy, sx) = (r * cos + f64::from(mid_y), -r * sin + f64::from(mid_x));
        if !how.bilinear {
            return plane.at(wrap_to_i64(sx.floor()), wrap_to_i64(sy.floor()));
        }
        let (sy, sx) = (rounded(sy), rounded(sx));
        let (x, y) = (wrap_to_i64(sx.floor()), wrap_to_i64(sy.floor()));
        if (0..plane.w - 1).contains(&x) && (0..plane.h - 1).contains(&y) {
            plane.among([x, x + 1], [y, y + 1], sx - x as f64, sy - y as f64)
        } else {
            plane.at(x, y)
        }
    })?;
    give(dst, &made)
}

/// As [`polar`]; a destination without elements gets the picture's channels, and a square as large as its larger side.
///
/// # Errors
/// As [`polar`], and a picture without channels.
pub fn polar_to<T: Pixel>(dst: &Tensor, src: &Tensor, how: Polar) -> Result<()> {
    if dst.numel() == 0 {
        let what = if how.log { "image.logpolar" } else { "image.polar" };
        let p = Picture::<T>::with_channels(what, src, 1)?;
        let side = p.h.max(p.w);
        dst.resize(&[p.c, side, side])?;
    }
    polar::<T>(dst, src, how)
}
