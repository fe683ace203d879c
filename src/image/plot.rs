//! What package gnuplot paints with: outlines, lines and text that are painted over a picture of bytes, with smooth edges.
//!
//! Places are in pixels from the picture's upper left corner. What lies outside is cut off; rows of points that are not
//! finite part a list of points into several outlines or lines.

use super::{Picture, zeroes};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::check;
use crate::tensor::error::Result;
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster};

/// Points further away than this are brought nearer, so that arithmetic stays exact enough.
const FAR: f64 = 1e5;
/// Width of a character of the font, in pixels.
const ADVANCE: f64 = 9.0;
/// The line that letters stand on, in pixels below the upper edge of their bitmaps.
const BASE: f64 = 12.0;

type Point = [f64; 2];

/// Red, green and blue, 0 to 255.
pub type Colour = [f64; 3];

/// How much of each pixel is covered, summed up over outlines: differences along every row. It spans the part of a picture
/// that the outlines reach, from the pixel `left`, `top` on.
struct Cover {
    left: usize,
    top: usize,
    w: usize,
    h: usize,
    // one more column: what is left of its right edge
    steps: Vec<f32>,
}

impl Cover {
    /// The cover of the part of a picture that points within `reach` of these lie in.
    fn around(canvas: &Tensor, parts: &[Vec<Point>], reach: f64) -> Result<Cover> {
        let size = {
            let p = Picture::<u8>::with_channels("gnuplot", canvas, 3)?;
            [p.w, p.h]
        };
        let mut span = [[0, 0]; 2];
        for (k, bounds) in span.iter_mut().enumerate() {
            let values = || parts.iter().flatten().map(|p| p[k]);
            let low = values().fold(f64::INFINITY, f64::min) - reach;
            let high = values().fold(f64::NEG_INFINITY, f64::max) + reach;
            // a cast holds what is not finite to the ends
            *bounds = [(low.floor().max(0.0) as usize).min(size[k]), (high.ceil().max(0.0) as usize).min(size[k])];
        }
        let [[left, right], [top, bottom]] = span;
        let (w, h) = (right.saturating_sub(left), bottom.saturating_sub(top));
        Ok(Cover { left, top, w, h, steps: zeroes((w + 2).saturating_mul(h))? })
    }

    /// An edge of an outline adds to the rows that it crosses the area on its right.
    fn edge(&mut self, a: Point, b: Point) {
        if a[1] == b[1] {
            return;
        }
        let [a, b] = [a, b].map(|p| [p[0] - self.left as f64, p[1] - self.top as f64]);
        let (sign, top, bottom) = if a[1] < b[1] { (1.0, a, b) } else { (-1.0, b, a) };
        let slope = (bottom[0] - top[0]) / (bottom[1] - top[1]);
        let first = top[1].max(0.0).floor() as usize;
        let last = bottom[1].min(self.h as f64).ceil().max(0.0) as usize;
        for y in first..last {
            let from = top[1].max(y as f64);
            let to = bottom[1].min((y + 1) as f64);
            if to > from {
                let xs = [from, to].map(|at| top[0] + (at - top[1]) * slope);
                self.span(y, xs, sign * (to - from));
            }
        }
    }

    /// The part of an edge within one row, which spans `height` of it.
    fn span(&mut self, y: usize, xs: [f64; 2], height: f64) {
        let w = self.w as f64;
        let [l, r] = if xs[0] < xs[1] { xs } else { [xs[1], xs[0]] }.map(|x| x.clamp(0.0, w));
        let Some(row) = self.steps.get_mut(y * (self.w + 2)..(y + 1) * (self.w + 2)) else { return };
        let (first, last) = (l as usize, (r.ceil() as usize).max(l as usize + 1));
        let width = r - l;
        for x in first..last {
            // the part of the edge within this pixel, and the area on its right there
            let (a, b) = (l.max(x as f64), r.min((x + 1) as f64));
            let share = if width > 0.0 { (b - a) / width } else { 1.0 };
            let area = share * ((x + 1) as f64 - (a + b) / 2.0) * height;
            if let Some(step) = row.get_mut(x) {
                *step += area as f32;
            }
            if let Some(step) = row.get_mut(x + 1) {
                *step += (share * height - area) as f32;
            }
        }
    }

    /// An outline that closes itself. All go round the same way, so that parts which overlap do not cancel out.
    fn outline(&mut self, points: &[Point]) {
        let next = |i: usize| points[(i + 1) % points.len()];
        let area: f64 = points.iter().enumerate().map(|(i, a)| a[0] * next(i)[1] - next(i)[0] * a[1]).sum();
        for (i, &a) in points.iter().enumerate() {
            if area > 0.0 { self.edge(a, next(i)) } else { self.edge(next(i), a) }
        }
    }

    /// Mixes a colour into a picture, where it is covered.
    fn paint(&self, canvas: &Tensor, colour: Colour, opacity: f64) -> Result<()> {
        let (wide, high) = (canvas.size(2), canvas.size(1));
        let mut out = Dest::<u8>::update(canvas)?;
        if self.w == 0 || self.h == 0 {
            return out.finish();
        }
        for (channel, &value) in out.chunks_mut(wide * high).zip(&colour) {
            let rows = channel.chunks_mut(wide).skip(self.top);
            for (row, steps) in rows.zip(self.steps.chunks(self.w + 2)) {
                let row = &mut row[self.left..self.left + self.w];
                let mut sum = 0.0f32;
                for (pixel, step) in row.iter_mut().zip(steps) {
                    sum += step;
                    if sum.abs() > 1e-3 {
                        let part = f64::from(sum.abs().min(1.0)) * opacity;
                        *pixel = (f64::from(*pixel) * (1.0 - part) + value * part + 0.5) as u8;
                    }
                }
            }
        }
        out.finish()
    }
}

/// The parts of a list of points.
fn parts(points: &Tensor) -> Result<Vec<Vec<Point>>> {
    check::rank("points of N x 2", points, 2)?;
    demand!(points.size(1) == 2, "expected points of N x 2, got {}", points.shape_text());
    let list = Source::<f64>::of(points)?;
    let whole = |p: &&[f64]| p.iter().all(|v| v.is_finite());
    let mut parts = vec![Vec::new()];
    for p in list.chunks(2) {
        match (Some(p).filter(whole), parts.last_mut()) {
            (Some(&[x, y]), Some(part)) => part.push([x, y].map(|v| v.clamp(-FAR, FAR))),
            _ => parts.push(Vec::new()),
        }
    }
    parts.retain(|p| !p.is_empty());
    Ok(parts)
}

/// Fills outlines (N x 2 points) in a picture of 3 x H x W.
///
/// # Errors
/// Other sizes, or not enough memory.
pub fn fill(canvas: &Tensor, points: &Tensor, colour: Colour, opacity: f64) -> Result<()> {
    let parts = parts(points)?;
    let mut cover = Cover::around(canvas, &parts, 0.0)?;
    for part in &parts {
        cover.outline(part);
    }
    cover.paint(canvas, colour, opacity.clamp(0.0, 1.0))
}

/// Draws lines through points (N x 2) in a picture of 3 x H x W; a single point is a square.
///
/// # Errors
/// Other sizes, or not enough memory.
pub fn stroke(canvas: &Tensor, points: &Tensor, width: f64, colour: Colour, opacity: f64) -> Result<()> {
    let half = width.clamp(0.1, 1000.0) / 2.0;
    let parts = parts(points)?;
    let mut cover = Cover::around(canvas, &parts, half)?;
    for part in &parts {
        for (i, &a) in part.iter().enumerate() {
            let b = part.get(i + 1).copied().unwrap_or(a);
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let length = dx.hypot(dy);
            if length > 0.0 {
                let (x, y) = (-dy / length * half, dx / length * half);
                cover.outline(&[
                    [a[0] + x, a[1] + y],
                    [b[0] + x, b[1] + y],
                    [b[0] - x, b[1] - y],
                    [a[0] - x, a[1] - y],
                ]);
            }
            // wide lines need their corners filled
            let corner = half > 0.6 && i > 0 && length > 0.0;
            if corner || part.len() == 1 {
                let round = |k: f64| {
                    let angle = k * std::f64::consts::FRAC_PI_4;
                    [a[0] + half * angle.cos(), a[1] + half * angle.sin()]
                };
                cover.outline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0].map(round));
            }
        }
    }
    cover.paint(canvas, colour, opacity.clamp(0.0, 1.0))
}

/// Writes a line of text from a place on its base line; upright text goes from below to above.
///
/// # Errors
/// Not a picture of 3 x H x W, or not enough memory.
pub fn text(canvas: &Tensor, text: &str, at: Point, upright: bool, colour: Colour) -> Result<()> {
    let (w, h) = {
        let p = Picture::<u8>::with_channels("gnuplot", canvas, 3)?;
        (p.w as i64, p.h as i64)
    };
    let mut out = Dest::<u8>::update(canvas)?;
    let [left, base] = at.map(|v| if v.is_finite() { v.clamp(-FAR, FAR) } else { -FAR });
    for (i, c) in text.chars().take(1000).enumerate() {
        let glyph = |c| get_raster(c, FontWeight::Regular, RasterHeight::Size16);
        let Some(letter) = glyph(c).or_else(|| glyph('?')) else { continue };
        for (row, line) in letter.rows().enumerate() {
            for (column, &ink) in line.iter().enumerate().filter(|(_, ink)| **ink > 0) {
                let along = (i as f64 * ADVANCE + column as f64).round() as i64;
                let across = row as i64 - BASE as i64;
                let (l, b) = (left.round() as i64, base.round() as i64);
                let (x, y) = if upright { (l + across, b - along) } else { (l + along, b + across) };
                if !(0..w).contains(&x) || !(0..h).contains(&y) {
                    continue;
                }
                let part = f64::from(ink) / 255.0;
                for (channel, &value) in (0..3).zip(&colour) {
                    if let Some(pixel) = out.get_mut(((channel * h + y) * w + x) as usize) {
                        *pixel = (f64::from(*pixel) * (1.0 - part) + value * part + 0.5) as u8;
                    }
                }
            }
        }
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::dtype::DType;

    fn points(list: &[f64]) -> Tensor {
        let t = Tensor::new(DType::Double, &[list.len() / 2, 2]).expect("memory");
        Dest::<f64>::update(&t).expect("its own").copy_from_slice(list);
        t
    }

    fn painted(draw: impl FnOnce(&Tensor) -> Result<()>) -> Vec<u8> {
        let canvas = Tensor::new(DType::Byte, &[3, 6, 6]).expect("memory");
        Dest::<u8>::update(&canvas).expect("its own").fill(0);
        draw(&canvas).expect("it draws");
        Source::<u8>::of(&canvas).expect("memory").iter().take(36).copied().collect()
    }

    #[test]
    fn outlines_cover_what_they_enclose() {
        let square = [1.0, 1.0, 4.0, 1.0, 4.0, 3.5, 1.0, 3.5];
        let pixels = painted(|c| fill(c, &points(&square), [200.0; 3], 1.0));
        for (i, &v) in pixels.iter().enumerate() {
            let (x, y) = (i % 6, i / 6);
            let want = match (1..4).contains(&x) {
                true if (1..3).contains(&y) => 200,
                true if y == 3 => 100,
                _ => 0,
            };
            assert_eq!(v, want, "pixel {x}, {y}");
        }
        let slanted = [0.0, 0.0, 6.0, 0.0, 0.0, 6.0];
        let pixels = painted(|c| fill(c, &points(&slanted), [200.0; 3], 1.0));
        assert_eq!((pixels[0], pixels[5], pixels[6 + 1], pixels[35]), (200, 100, 200, 0));
    }

    #[test]
    fn overlaps_and_far_points_are_no_trouble() {
        let crossing = [-1e300, 3.0, 1e300, 3.0, f64::NAN, 0.0, 3.0, -5.0, 3.0, 50.0];
        let pixels = painted(|c| stroke(c, &points(&crossing), 2.0, [250.0; 3], 1.0));
        assert_eq!(
            (pixels[0], pixels[2 * 6], pixels[2], pixels[2 * 6 + 2], pixels[3 * 6 + 5]),
            (0, 250, 250, 250, 250)
        );
    }
}
