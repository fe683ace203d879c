//! Kernels of filters, saturation, colours from a table.

use super::{Picture, Pixel, Work, build, each_line, give};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::{Element, Float, Real};
use crate::tensor::error::Result;
use crate::tensor::map;

/// Height and spread of a bell, as parts of the kernel's size; the middle of the kernel is at 0.5.
#[derive(Clone, Copy, Debug)]
pub struct Bell {
    /// The value at the top.
    pub amplitude: f64,
    /// Whether values are divided by their sum.
    pub normalize: bool,
    /// Horizontal and vertical spread.
    pub sigma: [f64; 2],
    /// Horizontal and vertical place of the top.
    pub mean: [f64; 2],
}

fn matrix(what: &str, dst: &Tensor) -> Result<[usize; 2]> {
    let fits = dst.ndim() == 2 && dst.numel() > 0;
    demand!(fits, in what, "expected a matrix with elements, got {}", dst.shape_text());
    Ok([dst.size(0), dst.size(1)])
}

/// Fills a matrix with a Gaussian bell.
///
/// # Errors
/// Not a matrix.
pub fn gaussian<T: Pixel>(dst: &Tensor, bell: Bell) -> Result<()> {
    let [h, w] = matrix("image.gaussian", dst)?;
    let k = T::Work::of;
    let place = |n: usize, axis: usize| {
        let top = k((k(bell.mean[axis]) * k(n as f64)).wide() + 0.5);
        let scale = k(1.0 / (k(bell.sigma[axis]) * k(n as f64)).wide());
        move |i: usize| (k((i + 1) as f64) - top) * scale
    };
    let (across, down) = (place(w, 0), place(h, 1));
    let made = build::<T>(&[h, w], |out| {
        for (i, o) in out.iter_mut().enumerate() {
            let (dx, dy) = (across(i % w), down(i / w));
            *o = T::finish(k(k(bell.amplitude).wide() * (-0.5 * (dx * dx + dy * dy).wide()).exp()));
        }
        if bell.normalize {
            let sum = out.iter().fold(k(0.0), |sum, v| sum + v.work());
            let factor = k(1.0 / sum.wide());
            out.iter_mut().for_each(|v| *v = T::from_f64((v.work() * factor).wide()));
        }
        Ok(())
    })?;
    give(dst, &made)
}

/// Fills a matrix with the second derivative of a bell, turned over. The horizontal place and spread are those of rows,
/// as Torch7 has it.
///
/// # Errors
/// Not a matrix.
pub fn laplacian<T: Float>(dst: &Tensor, bell: Bell) -> Result<()> {
    let [h, w] = matrix("image.laplacian", dst)?;
    let half_square = |i: usize, n: usize, axis: usize| {
        let d = ((i + 1) as f64 - (bell.mean[axis] * n as f64 + 0.5)) / (bell.sigma[axis] * n as f64);
        d * d / 2.0
    };
    let made = build::<T>(&[h, w], |out| {
        for (i, o) in out.iter_mut().enumerate() {
            let sum = half_square(i / w, w, 0) + half_square(i % w, h, 1);
            *o = T::from_f64((1.0 - sum) * bell.amplitude * (-sum).exp());
        }
        if bell.normalize {
            let sum = T::from_f64(out.iter().map(|v| v.to_f64()).sum());
            out.iter_mut().for_each(|v| *v = v.div(sum).unwrap_or(T::ZERO));
        }
        Ok(())
    })?;
    give(dst, &made)
}

/// Holds elements to 0..1; bytes stay as they are.
///
/// # Errors
/// A view outside its storage.
pub fn saturate<T: Real>(x: &Tensor) -> Result<()> {
    if !T::DTYPE.is_float() {
        return Ok(());
    }
    let hold = |v: T| match v {
        v if v < T::ZERO => T::ZERO,
        v if v > T::ONE => T::ONE,
        v => v,
    };
    map::unary("saturate", x, x, 1, hold)
}

/// A picture of C x H x W from a matrix of H x W row numbers (from 0) of a table of N x C values.
///
/// # Errors
/// Other sizes, a number that is no row of the table.
pub fn colorize<T: Element>(dst: &Tensor, src: &Tensor, map: &Tensor) -> Result<()> {
    let [h, w] = matrix("image.colorize", src)?;
    let [n, c] = matrix("image.colorize", map)?;
    let (x, table) = (Picture::<T>::of(src)?, Picture::<T>::of(map)?);
    let (x, table) = (x.data(), table.data());
    let row = |v: &T| v.to_f64() as i64;
    let stray = x.iter().find(|v| !(0..n as i64).contains(&row(v)) || v.to_f64().is_nan());
    if let Some(v) = stray {
        crate::refuse!("colour {} is not in the table of {n} (levels count from 1)", v.to_f64() + 1.0);
    }
    let made = build(&[c, h, w], |out| {
        each_line(out, [c, h, w], 2 * c, |y, rows| {
            for (i, v) in x[y * w..][..w].iter().enumerate() {
                let colour = &table[row(v) as usize * c..][..c];
                rows.iter_mut().zip(colour).for_each(|(row, &v)| row[i] = v);
            }
        });
        Ok(())
    })?;
    give(dst, &made)
}
