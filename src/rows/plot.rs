//! What package gnuplot paints pictures with, and what terminals show of them.

use crate::image::{plot, terminal};
use crate::lua::prelude::*;
use crate::system;

fn fill(canvas: &Tensor, points: &Tensor, r: f64, g: f64, b: f64, opacity: f64) -> Result<()> {
    plot::fill(canvas, points, [r, g, b], opacity)
}
fn stroke(canvas: &Tensor, points: &Tensor, width: f64, r: f64, g: f64, b: f64, opacity: f64) -> Result<()> {
    plot::stroke(canvas, points, width, [r, g, b], opacity)
}
fn text(canvas: &Tensor, text: &[u8], x: f64, y: f64, upright: bool, r: f64, g: f64, b: f64) -> Result<()> {
    plot::text(canvas, &String::from_utf8_lossy(text), [x, y], upright, [r, g, b])
}

/// The rows.
pub static ROWS: &[Op] = &[
    func!("fill", &[form("canvas:Byte points:Double r:num g:num b:num opacity:num", any!(fill))]),
    func!("stroke", &[form("canvas:Byte points:Double width:num r:num g:num b:num opacity:num", any!(stroke))]),
    func!("text", &[form("canvas:Byte text:text x:num y:num upright:bool r:num g:num b:num", any!(text))]),
];

fn blocks(pixels: &Tensor, exact: bool, letters: &[u8]) -> Result<String> {
    terminal::blocks(pixels, exact, &String::from_utf8_lossy(letters))
}
fn sixel(pixels: &Tensor) -> Result<String> {
    terminal::sixel(pixels)
}
fn is_terminal() -> Result<bool> {
    Ok(system::writes_to_terminal())
}
fn size() -> Result<Vec<i64>> {
    Ok(system::terminal_size().map(i64::from).to_vec())
}

/// What the embedded Lua file of terminals' pictures needs.
pub static TERMINAL: &[Op] = &[
    func!("blocks", &[form("pixels:Byte exact:bool letters:text", any!(blocks))]),
    func!("sixel", &[form("pixels:Byte", any!(sixel))]),
    func!("isTerminal", &[form("", any!(is_terminal))]),
    func!("size", &[form("", any!(size))]),
];
