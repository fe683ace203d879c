//! Pictures as text that terminals show: half blocks and sixels.

use super::Picture;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use std::collections::BTreeSet;
use std::fmt::Write;

type Rgb = [u8; 3];

/// A picture's pixels, row by row.
struct Pixels<'a> {
    w: usize,
    h: usize,
    data: &'a [u8],
}

impl Pixels<'_> {
    fn at(&self, x: usize, y: usize) -> Rgb {
        let plane = self.w * self.h;
        [0, 1, 2].map(|c| self.data.get(c * plane + y * self.w + x).copied().unwrap_or(0))
    }
}

fn with_pixels<R>(pixels: &Tensor, f: impl FnOnce(&Pixels) -> Result<R>) -> Result<R> {
    let p = Picture::<u8>::with_channels("pictures", pixels, 3)?;
    f(&Pixels { w: p.w, h: p.h, data: p.data() })
}

/// The levels of the colour cube that terminals with 256 colours have.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn distance(a: Rgb, b: Rgb) -> i32 {
    a.iter().zip(b).map(|(&a, b)| (i32::from(a) - i32::from(b)).pow(2)).sum()
}

/// The number of the nearest of 256 colours: 16 to 231 are a cube, 232 to 255 greys.
fn nearest(colour: Rgb) -> u8 {
    let level = |v: u8| (0..6).min_by_key(|&k| (i32::from(LEVELS[k]) - i32::from(v)).abs()).unwrap_or(0);
    let [r, g, b] = colour.map(level);
    let mean = colour.iter().map(|&v| i32::from(v)).sum::<i32>() / 3;
    let grey = ((mean - 3) / 10).clamp(0, 23) as u8;
    let of_cube = distance(colour, [LEVELS[r], LEVELS[g], LEVELS[b]]);
    if distance(colour, [8 + 10 * grey; 3]) < of_cube { 232 + grey } else { (16 + 36 * r + 6 * g + b) as u8 }
}

/// Turns the colour of letters (3) or of what is behind them (4).
fn paint(out: &mut String, ground: u8, colour: Option<Rgb>, exact: bool) {
    let written = match colour {
        None => write!(out, "\x1b[49m"),
        Some([r, g, b]) if exact => write!(out, "\x1b[{ground}8;2;{r};{g};{b}m"),
        Some(c) => write!(out, "\x1b[{ground}8;5;{}m", nearest(c)),
    };
    // writing to a text does not fail
    written.ok();
}

/// Black on what is bright, white on what is dark.
fn ink(ground: Rgb) -> Rgb {
    let [r, g, b] = ground.map(u32::from);
    if 3 * r + 6 * g + b > 1100 { [0; 3] } else { [255; 3] }
}

/// Two rows of pixels (3 x H x W bytes) in every line of text, as upper half blocks in colours: 24-bit ones, or the
/// nearest of 256. Below the last of an odd number of rows the background stays. Where a line of `letters` has one that is
/// no space, it stands in place of the blocks, on the mean of their colours.
///
/// # Errors
/// Other sizes.
pub fn blocks(pixels: &Tensor, exact: bool, letters: &str) -> Result<String> {
    with_pixels(pixels, |p| {
        let mut out = String::new();
        let mut lines = letters.lines();
        for y in (0..p.h).step_by(2) {
            let mut line = lines.next().unwrap_or_default().chars();
            let mut before = (None, None);
            for x in 0..p.w {
                let (upper, lower) = (p.at(x, y), (y + 1 < p.h).then(|| p.at(x, y + 1)));
                let letter = line.next().filter(|c| *c != ' ' && !c.is_control());
                let mut now = (Some(upper), lower);
                if letter.is_some() {
                    let other = lower.unwrap_or(upper);
                    let mean = [0, 1, 2].map(|c| u8::midpoint(upper[c], other[c]));
                    now = (Some(ink(mean)), Some(mean));
                }
                if now.0 != before.0 {
                    paint(&mut out, 3, now.0, exact);
                }
                if now.1 != before.1 {
                    paint(&mut out, 4, now.1, exact);
                }
                out.push(letter.unwrap_or('▀'));
                before = now;
            }
            out.push_str("\x1b[0m\n");
        }
        Ok(out)
    })
}

/// The colours of a picture in their order, and true, where 256 are enough for all; else a cube of 6 x 7 x 6.
fn palette(p: &Pixels) -> (Vec<Rgb>, bool) {
    let mut seen = BTreeSet::new();
    for y in 0..p.h {
        for x in 0..p.w {
            seen.insert(p.at(x, y));
            if seen.len() > 256 {
                let level = |k: u32, n: u32| ((255 * k + (n - 1) / 2) / (n - 1)) as u8;
                let cube = (0..252).map(|k| [level(k / 42, 6), level(k / 6 % 7, 7), level(k % 6, 6)]);
                return (cube.collect(), false);
            }
        }
    }
    (seen.into_iter().collect(), true)
}

/// Where a colour stands in a palette.
fn index_of(palette: &[Rgb], exact: bool, colour: Rgb) -> usize {
    if exact {
        return palette.binary_search(&colour).unwrap_or(0);
    }
    let step = |v: u8, n: usize| (usize::from(v) * (n - 1) + 127) / 255;
    step(colour[0], 6) * 42 + step(colour[1], 7) * 6 + step(colour[2], 6)
}

/// One colour's part of a band of six rows: a letter for each column, repeated ones with their number.
fn band_of(out: &mut String, letters: &[u8]) {
    for run in letters.chunk_by(|a, b| a == b) {
        let letter = char::from(63 + run[0]);
        if run.len() > 3 {
            // writing to a text does not fail
            write!(out, "!{}{letter}", run.len()).ok();
        } else {
            run.iter().for_each(|_| out.push(letter));
        }
    }
}

/// A picture (3 x H x W bytes) as sixels, in its own colours or in 252.
///
/// # Errors
/// Other sizes.
pub fn sixel(pixels: &Tensor) -> Result<String> {
    with_pixels(pixels, |p| {
        let (palette, exact) = palette(p);
        let mut out = format!("\x1bPq\"1;1;{};{}", p.w, p.h);
        for (k, c) in palette.iter().enumerate() {
            let [r, g, b] = c.map(|v| (u32::from(v) * 100 + 127) / 255);
            write!(out, "#{k};2;{r};{g};{b}").ok();
        }
        for top in (0..p.h).step_by(6) {
            let mut bands = vec![Vec::new(); palette.len()];
            for y in top..(top + 6).min(p.h) {
                for x in 0..p.w {
                    let band: &mut Vec<u8> = &mut bands[index_of(&palette, exact, p.at(x, y))];
                    if band.is_empty() {
                        band.resize(p.w, 0);
                    }
                    band[x] |= 1 << (y - top);
                }
            }
            for (k, band) in bands.iter().enumerate().filter(|(_, band)| !band.is_empty()) {
                write!(out, "#{k}").ok();
                band_of(&mut out, band);
                out.push('$');
            }
            out.push('-');
        }
        out.push_str("\x1b\\");
        Ok(out)
    })
}
