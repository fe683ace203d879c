//! Kernels of the package image: pictures are tensors of C x H x W or H x W elements.
//!
//! A kernel reads its source as one run ([`Picture`]), writes memory of its own ([`build`]) and hands it over at the end
//! ([`give`]): so results may be sources, and loops see plain slices. Three element types have these functions: Byte,
//! Float and Double ([`Pixel`]).

pub mod colour;
pub mod draw;
pub mod filter;
pub mod font;
pub mod jpeg;
pub mod load;
pub mod place;
pub mod plot;
pub mod png;
pub mod pnm;
pub mod remap;
pub mod scale;
pub mod terminal;
pub mod warp;

#[cfg(test)]
mod tests;

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, share};
use crate::tensor::check;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::Result;
use crate::tensor::layout::shape_text;
use crate::tensor::storage::room;
use std::ops::{Add, Div, Mul, Sub};

/// A type that kernels compute in.
pub trait Work:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + From<f32>
    + Send
    + Sync
    + 'static
{
    /// From a double, rounded.
    fn of(v: f64) -> Self;
    /// As a double.
    fn wide(self) -> f64;
    /// As a float, rounded.
    fn single(self) -> f32;
}

impl Work for f32 {
    #[inline(always)]
    fn of(v: f64) -> f32 {
        v as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn single(self) -> f32 {
        self
    }
}

impl Work for f64 {
    #[inline(always)]
    fn of(v: f64) -> f64 {
        v
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn single(self) -> f32 {
        self as f32
    }
}

/// An element type of pictures, with the type that Torch7 computes its pixels in.
pub trait Pixel: Real {
    /// The type of intermediate values.
    type Work: Work;
    /// The value that stands for full intensity: 255 for bytes, else 1.
    const FULL: f32;
    /// As an intermediate value.
    fn work(self) -> Self::Work;
    /// From an intermediate value: bytes are rounded and held to 0..255.
    fn finish(v: Self::Work) -> Self;
    /// As a float, which most kernels pass values through, doubles included.
    #[inline(always)]
    fn single(self) -> f32 {
        self.work().single()
    }
    /// From a float.
    #[inline(always)]
    fn from_single(v: f32) -> Self {
        Self::finish(v.into())
    }
}

impl Pixel for u8 {
    type Work = f32;
    const FULL: f32 = 255.0;
    #[inline(always)]
    fn work(self) -> f32 {
        f32::from(self)
    }
    #[inline(always)]
    fn finish(v: f32) -> u8 {
        // a cast holds to 0..255 by itself
        (f64::from(v) + 0.5) as f32 as u8
    }
}

impl Pixel for f32 {
    type Work = f32;
    const FULL: f32 = 1.0;
    #[inline(always)]
    fn work(self) -> f32 {
        self
    }
    #[inline(always)]
    fn finish(v: f32) -> f32 {
        v
    }
}

impl Pixel for f64 {
    type Work = f64;
    const FULL: f32 = 1.0;
    #[inline(always)]
    fn work(self) -> f64 {
        self
    }
    #[inline(always)]
    fn finish(v: f64) -> f64 {
        v
    }
}

/// Elements of a tensor as one run, with the sizes of a picture.
pub struct Picture<T> {
    elements: Source<T>,
    /// Channels, 1 for a matrix.
    pub c: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
    /// Whether it is a matrix.
    pub flat: bool,
}

impl<T: Element> Picture<T> {
    /// A picture of C x H x W or H x W elements; one with gaps is copied.
    ///
    /// # Errors
    /// Other sizes, or not enough memory.
    pub fn of(x: &Tensor) -> Result<Picture<T>> {
        let nd = x.ndim();
        check::ranks("an image", x, 2..=3)?;
        Picture::shaped(x, [if nd == 3 { x.size(0) } else { 1 }, x.size(nd - 2), x.size(nd - 1)], nd == 2)
    }

    /// A picture of C x H x W elements.
    ///
    /// # Errors
    /// Other sizes, fewer channels, or not enough memory.
    pub fn with_channels(what: &str, x: &Tensor, least: usize) -> Result<Picture<T>> {
        let fits = x.ndim() == 3 && x.size(0) >= least;
        demand!(fits, in what, "expected an image of {least} x H x W, got {}", x.shape_text());
        Picture::of(x)
    }

    /// Any tensor of at least two dimensions and `least` slices, each slice taken as a picture.
    ///
    /// # Errors
    /// Other sizes, or not enough memory.
    pub fn of_slices(what: &str, x: &Tensor, least: usize) -> Result<Picture<T>> {
        let nd = x.ndim();
        let fits = nd >= 2 && x.size(0) >= least;
        demand!(fits, in what, "expected an image of {least} x H x W, got {}", x.shape_text());
        let (c, w) = (x.size(0), x.size(nd - 1));
        Picture::shaped(x, [c, x.numel() / (c * w).max(1), w], false)
    }

    fn shaped(x: &Tensor, [c, h, w]: [usize; 3], flat: bool) -> Result<Picture<T>> {
        Ok(Picture { elements: Source::of(x)?, c, h, w, flat })
    }

    /// The elements, channel by channel.
    pub fn data(&self) -> &[T] {
        &self.elements
    }

    /// The sizes of a result with other rows and columns.
    pub fn sized(&self, h: usize, w: usize) -> Vec<usize> {
        if self.flat { vec![h, w] } else { vec![self.c, h, w] }
    }

    /// Fails unless `dst` has as many dimensions and channels; its rows and columns.
    ///
    /// # Errors
    /// Sizes that do not fit.
    pub fn partner(&self, what: &str, dst: &Tensor) -> Result<(usize, usize)> {
        let nd = dst.ndim();
        let fits = if self.flat { nd == 2 } else { nd == 3 && dst.size(0) == self.c };
        let own = shape_text(&self.sized(self.h, self.w));
        demand!(fits, in what, "src {own} and dst {} do not match in depth", dst.shape_text());
        Ok((dst.size(nd - 2), dst.size(nd - 1)))
    }
}

/// A zeroed list.
///
/// # Errors
/// Not enough memory.
pub fn zeroes<T: Element>(n: usize) -> Result<Vec<T>> {
    let mut list = room(n)?;
    list.resize(n, T::default());
    Ok(list)
}

/// A new tensor of these sizes, whose elements `f` writes; they are zero before.
///
/// # Errors
/// Not enough memory, or what `f` refuses.
pub fn build<T: Element>(sizes: &[usize], f: impl FnOnce(&mut [T]) -> Result<()>) -> Result<Tensor> {
    let t = Tensor::new(T::DTYPE, sizes)?;
    f(&mut Dest::update(&t)?)?;
    Ok(t)
}

/// Hands a new tensor to a result, which gets its sizes; it may be the source of a picture.
///
/// # Errors
/// Not enough memory.
pub fn give(dst: &Tensor, made: &Tensor) -> Result<()> {
    if dst.storage().is_none() && dst.class() == made.class() {
        return dst.set(made);
    }
    crate::with_dtype!(made.dtype(), T => {
        let from = Source::<T>::of(made)?;
        Dest::<T>::like(dst, made)?.copy_from_slice(&from);
        Ok(())
    })
}

/// Calls `f` for every run of `len` elements with its number, on several threads where there is much to do; `cost` is
/// that of an element.
pub fn each_row<T: Element>(out: &mut [T], len: usize, cost: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if len == 0 {
        return;
    }
    share(Rows::new(out, len), len.saturating_mul(cost), |first, rows| {
        (first..).zip(rows.into_rows()).for_each(|(i, row)| f(i, row));
    });
}

/// Calls `f` for every row of a picture of C x H x W with that row of every channel, on several threads where there is
/// much to do; `cost` is that of a pixel.
pub fn each_line<T: Element>(
    out: &mut [T],
    [c, h, w]: [usize; 3],
    cost: usize,
    f: impl Fn(usize, &mut [&mut [T]]) + Sync,
) {
    if out.len() != c * h * w || out.is_empty() {
        return;
    }
    let channels: Vec<Rows<T>> = out.chunks_mut(h * w).map(|channel| Rows::new(channel, w)).collect();
    share(channels, w.saturating_mul(cost), |first, channels| {
        let mut channels: Vec<_> = channels.into_iter().map(Rows::into_rows).collect();
        for y in first.. {
            let mut rows: Vec<&mut [T]> = channels.iter_mut().filter_map(Iterator::next).collect();
            if rows.is_empty() {
                break;
            }
            f(y, &mut rows);
        }
    });
}
