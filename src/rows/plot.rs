//! What package gnuplot paints pictures with.

use crate::image::plot;
use crate::lua::prelude::*;

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
