//! Copies between tensors of any types, and conversions.

use super::transpose::{self, TILE};
use crate::tensor::Tensor;
use crate::tensor::access::RawSlice;
use crate::tensor::class::TensorClass;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::map::{self, same_count};
use crate::tensor::threads::split;
use crate::with_dtype;
use std::borrow::Cow;

/// Side of the blocks of tiles: what is read goes on along its rows for some lines, on few pages of memory.
const BLOCK: usize = 64;

/// `dst[i] = src[i]`, converted, in logical order; sizes may differ, the number of elements may not.
///
/// # Errors
/// Another number of elements.
pub fn copy(dst: &Tensor, src: &Tensor) -> Result<()> {
    same_count("copy", dst, src)?;
    with_dtype!(dst.dtype(), D => with_dtype!(src.dtype(), S => copy_typed::<D, S>(dst, src)))
}

fn copy_typed<D: Element, S: Element>(dst: &Tensor, src: &Tensor) -> Result<()> {
    if D::DTYPE == S::DTYPE {
        if let (Some(d), Some(s)) = (dst.flat_mut::<D>()?, src.flat::<D>()?) {
            // SAFETY: both have as many elements, and the result is lent to nobody.
            unsafe { run(d, s) };
            return Ok(());
        }
        if dst.ndim() == 2 && src.stride(1) > 1 && transposed::<D>(dst, src)? {
            return Ok(());
        }
    }
    map::unary(
        "copy",
        dst,
        src,
        1,
        #[inline(always)]
        |v: S| D::convert(v),
    )
}

/// Copies elements that lie one after another on both sides, which may overlap.
///
/// # Safety
/// There are as many on both sides, to be read and to be written.
unsafe fn run<T: Element>(d: RawSlice<'_, T>, s: RawSlice<'_, T>) {
    if !d.is_apart(&s) {
        // SAFETY: both runs have as many elements; `copy` allows them to overlap.
        return unsafe { std::ptr::copy(s.at(0), d.at(0), d.len()) };
    }
    split(d.len(), 1, |first, count| {
        // SAFETY: both runs have these elements and do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(s.at(first as isize), d.at(first as isize), count) }
    });
}

/// A matrix whose columns lie together, copied to one whose rows do, tile by tile so that both stay in cache. Not done
/// where the two overlap, since the order of elements then counts, nor for other tensors; whether it was.
fn transposed<T: Element>(dst: &Tensor, src: &Tensor) -> Result<bool> {
    let (d, s) = (dst.view_mut::<T>()?, src.view::<T>()?);
    let fit = d.layout().ndim() == 2 && d.layout().sizes() == s.layout().sizes();
    if !fit || d.strides()[1] != 1 || s.strides()[0] != 1 {
        return Ok(false);
    }
    let (rows, cols) = (d.layout().sizes()[0], d.layout().sizes()[1]);
    let (dr, sc) = (d.strides()[0] as usize, s.strides()[1] as usize);
    let (d, s) = (d.elements(), s.elements());
    if !d.is_apart(&s) {
        return Ok(false);
    }
    let part = |i0: usize, j0: usize, ni: usize, nj: usize| {
        if ni == TILE && nj == TILE {
            let (to, from) = ((i0 * dr + j0) as isize, (j0 * sc + i0) as isize);
            // SAFETY: the tile lies inside both views, which do not overlap.
            return unsafe { transpose::transpose(d.at(to), dr, s.at(from), sc) };
        }
        for i in i0..i0 + ni {
            for j in j0..j0 + nj {
                // SAFETY: i < rows and j < cols, inside both views.
                unsafe { *d.at((i * dr + j) as isize) = *s.at((j * sc + i) as isize) };
            }
        }
    };
    let body = |first: usize, count: usize| {
        let end = first + count;
        for i1 in (first..end).step_by(BLOCK) {
            for j1 in (0..cols).step_by(BLOCK) {
                for j0 in (j1..cols.min(j1 + BLOCK)).step_by(TILE) {
                    for i0 in (i1..end.min(i1 + BLOCK)).step_by(TILE) {
                        part(i0, j0, TILE.min(end - i0), TILE.min(cols - j0));
                    }
                }
            }
        }
    };
    split(rows, cols, body);
    Ok(true)
}

/// A contiguous copy of the given type.
///
/// # Errors
/// Not enough memory.
pub fn to_type(x: &Tensor, class: impl Into<TensorClass>) -> Result<Tensor> {
    let out = Tensor::empty(class);
    out.resize_as_for_result(x)?;
    copy(&out, x)?;
    Ok(out)
}

/// A contiguous copy.
///
/// # Errors
/// Not enough memory.
pub fn clone(x: &Tensor) -> Result<Tensor> {
    if x.ndim() == 0 { Ok(Tensor::empty(x.class())) } else { to_type(x, x.class()) }
}

/// The tensor itself, or a contiguous copy of it where a result lies in its memory: for kernels that must not read what
/// they write.
///
/// # Errors
/// Not enough memory.
#[inline]
pub fn apart<'a>(x: &'a Tensor, results: &[&Tensor]) -> Result<Cow<'a, Tensor>> {
    let shared = results.iter().any(|r| r.shares_memory(x));
    Ok(if shared { Cow::Owned(clone(x)?) } else { Cow::Borrowed(x) })
}

/// The tensor itself when contiguous, else a contiguous copy.
///
/// # Errors
/// Not enough memory.
pub fn contiguous(x: &Tensor) -> Result<Tensor> {
    if x.is_contiguous() { Ok(x.clone()) } else { clone(x) }
}
