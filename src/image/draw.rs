//! Text and rectangles, drawn into a picture of three channels.

use super::font;
use super::{Picture, Pixel};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use std::ops::Range;

/// A picture that is drawn into.
struct Canvas<'a> {
    what: &'static str,
    x: &'a Tensor,
    h: i64,
    w: i64,
}

impl<'a> Canvas<'a> {
    fn of<T: Pixel>(what: &'static str, x: &'a Tensor) -> Result<Canvas<'a>> {
        let p = Picture::<T>::with_channels(what, x, 3)?;
        Ok(Canvas { what, x, h: p.h as i64, w: p.w as i64 })
    }

    fn dot<T: Pixel>(&self, x: i64, y: i64, colour: [i32; 3]) -> Result<()> {
        let inside = (0..self.w).contains(&x) && (0..self.h).contains(&y);
        demand!(inside, in self.what, "pixel ({x}, {y}) lies outside of an image of {} x {}", self.w, self.h);
        let l = self.x.layout();
        let s = l.strides();
        for (k, &v) in (0..3).zip(&colour) {
            let v = if T::FULL > 1.0 { T::from_f64(f64::from(v)) } else { T::from_f64(f64::from(v as f32 / 255.0)) };
            let at = l.offset as isize + k * s[0] + y as isize * s[1] + x as isize * s[2];
            self.x.set_element(at as usize, v);
        }
        Ok(())
    }

    fn fill<T: Pixel>(&self, xs: Range<i64>, ys: Range<i64>, colour: [i32; 3]) -> Result<()> {
        for y in ys {
            for x in xs.clone() {
                self.dot::<T>(x, y, colour)?;
            }
        }
        Ok(())
    }

    /// A character in a field of 6 x 8 squares of `size` pixels; none that lies outside altogether.
    fn character<T: Pixel>(&self, c: u8, [x, y]: [i64; 2], size: i64, ink: [i32; 3], paper: [i32; 3]) -> Result<()> {
        if x >= self.w || y >= self.h || x + 6 * size <= 0 || y + 8 * size <= 0 {
            return Ok(());
        }
        let painted = !paper.contains(&-1);
        for column in 0..6 {
            for row in 0..8 {
                let colour = match font::pixel(c, column, row) {
                    true => ink,
                    false if painted => paper,
                    false => continue,
                };
                let (x, y) = (x + column as i64 * size, y + row as i64 * size);
                self.fill::<T>(x..x + size, y..y + size, colour)?;
            }
        }
        Ok(())
    }
}

/// Text from the pixel (`x`, `y`), counted from 0.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// What is written; it ends at a zero byte.
    pub text: &'a [u8],
    /// Where.
    pub at: [i64; 2],
    /// How many pixels a dot of the font is wide and high.
    pub size: i64,
    /// Red, green and blue of the letters, 0 to 255.
    pub ink: [i32; 3],
    /// Those of what lies between; -1 leaves the picture as it is.
    pub paper: [i32; 3],
    /// Whether a character that would reach the right edge goes to the next line.
    pub wrap: bool,
}

/// Writes text into a picture.
///
/// # Errors
/// Not a picture of three channels, a dot that falls outside.
pub fn text<T: Pixel>(x: &Tensor, t: Text<'_>) -> Result<()> {
    let canvas = Canvas::of::<T>("image.drawText", x)?;
    let fits = |v: i64| (-1i64 << 31..1 << 31).contains(&v);
    let [left, top] = t.at;
    demand!(fits(left) && fits(top), "expected a place near the image, got ({left}, {top})");
    demand!((0..1 << 16).contains(&t.size), "expected a size from 0, got {}", t.size);
    let (mut x, mut y) = (left, top);
    for &c in t.text.iter().take_while(|&&c| c != 0) {
        match c {
            b'\n' => (x, y) = (left, y + 8 * t.size),
            b'\r' => {}
            _ => {
                if t.wrap && x + 6 * t.size >= canvas.w {
                    (x, y) = (0, y + 8 * t.size);
                }
                canvas.character::<T>(c, [x, y], t.size, t.ink, t.paper)?;
                x += 6 * t.size;
            }
        }
    }
    Ok(())
}

/// Draws a rectangle between two corners, which count from 1 and are part of it; what lies outside is left out.
///
/// # Errors
/// Not a picture of three channels.
pub fn rectangle<T: Pixel>(x: &Tensor, corners: [i64; 4], width: i64, colour: [i32; 3]) -> Result<()> {
    let canvas = Canvas::of::<T>("image.drawRect", x)?;
    demand!((i32::MIN.into()..=i32::MAX.into()).contains(&width), "a line {width} wide is too wide");
    let before = width / 2 + 1;
    // the pixels that a line in the middle of `at` covers
    let line = |at: i64, n: i64| {
        let first = at.saturating_sub(before).max(0);
        first..at.saturating_add(width - before).min(n)
    };
    let [x1, y1, x2, y2] = corners;
    let (left, right) = (line(x1, canvas.w), line(x2, canvas.w));
    let (top, bottom) = (line(y1, canvas.h), line(y2, canvas.h));
    for side in [left.clone(), right.clone()] {
        canvas.fill::<T>(side, top.start..bottom.end, colour)?;
    }
    for side in [top, bottom] {
        canvas.fill::<T>(left.start..right.end, side, colour)?;
    }
    Ok(())
}
