//! Spatial poolings: input (C x H x W) or (N x C x H x W), output the same with (oH x oW).

use super::target;
use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::dtype::{DType, Float};
use crate::tensor::error::Result;
use crate::tensor::map::{self, Ptr};
use crate::tensor::ops::copy::contiguous;
use std::ops::Range;

fields! {
    /// The window of a pooling.
    pub struct Window {
        /// Its width.
        kw: i64 = ".kW:long",
        /// Its height.
        kh: i64 = ".kH:long",
        /// Step from one window to the next along the width.
        dw: i64 = ".dW:long",
        /// Step along the height.
        dh: i64 = ".dH:long",
        /// Padding on the left and on the right.
        pad_w: i64 = ".padW:long=0",
        /// Padding above and below.
        pad_h: i64 = ".padH:long=0",
        /// Whether a window may hang over the end.
        ceil: bool = ".ceil_mode:bool=false",
    }
}

/// One axis: input size, window, step, padding, output size.
#[derive(Clone, Copy)]
struct Axis {
    n: i64,
    k: i64,
    d: i64,
    pad: i64,
    out: i64,
}

impl Axis {
    fn new(n: usize, [k, d, pad]: [i64; 3], ceil: bool) -> Result<Axis> {
        let n = n as i64;
        demand!(k > 0 && k < 1 << 31, "kernel size should be greater than zero, but got {k}");
        demand!(d > 0 && d < 1 << 31, "stride should be greater than zero, but got {d}");
        demand!(pad >= 0 && k / 2 >= pad, "pad should be smaller than half of kernel size, but got {pad} of {k}");
        let free = n + 2 * pad - k;
        let mut out = if ceil { -(-free).div_euclid(d) } else { free.div_euclid(d) } + 1;
        // the last window starts inside of the input or its left padding
        if pad > 0 && (out - 1) * d >= n + pad {
            out -= 1;
        }
        demand!(out > 0, "Given input size {n}, window {k}, pad {pad}: output size {out} is too small");
        Ok(Axis { n, k, d, pad, out })
    }

    /// The input positions under window `i`.
    fn inside(&self, i: usize) -> Range<usize> {
        let start = i as i64 * self.d - self.pad;
        let lo = start.clamp(0, self.n);
        lo as usize..(start + self.k).clamp(lo, self.n) as usize
    }

    /// How many positions window `i` covers, padding included.
    fn padded(&self, i: usize) -> i64 {
        let start = i as i64 * self.d - self.pad;
        (start + self.k).min(self.n + self.pad) - start
    }
}

struct Plan {
    planes: usize,
    y: Axis,
    x: Axis,
    sizes: Vec<usize>,
}

impl Plan {
    fn new(input: &Tensor, w: Window) -> Result<Plan> {
        let nd = input.ndim();
        demand!(
            (nd == 3 || nd == 4) && input.numel() > 0,
            "3D or 4D (batch mode) tensor expected for input, got {}",
            input.shape_text()
        );
        let y = Axis::new(input.size(nd - 2), [w.kh, w.dh, w.pad_h], w.ceil)?;
        let x = Axis::new(input.size(nd - 1), [w.kw, w.dw, w.pad_w], w.ceil)?;
        let mut sizes = input.layout().sizes().to_vec();
        let planes = sizes[..nd - 2].iter().product();
        (sizes[nd - 2], sizes[nd - 1]) = (y.out as usize, x.out as usize);
        Ok(Plan { planes, y, x, sizes })
    }

    fn plane(&self) -> usize {
        (self.y.n * self.x.n) as usize
    }

    fn out_plane(&self) -> usize {
        (self.y.out * self.x.out) as usize
    }

    fn check(&self, what: &str, t: &Tensor) -> Result<()> {
        let want = crate::tensor::layout::shape_text(&self.sizes);
        demand!(t.layout().sizes() == self.sizes, "{what} of size {want} expected, got {}", t.shape_text());
        Ok(())
    }

    /// Calls `f(plane, position in the output plane, rows, columns)` for every window, planes shared between threads.
    fn windows(&self, f: impl Fn(usize, usize, usize, usize) + Sync) {
        let (oh, ow) = (self.y.out as usize, self.x.out as usize);
        map::split(self.planes, self.plane() + oh * ow * 4, |first, count| {
            for p in first..first + count {
                for oy in 0..oh {
                    for ox in 0..ow {
                        f(p, oy * ow + ox, oy, ox);
                    }
                }
            }
        });
    }
}

/// Maxima, and their places in the plane counted from 1 (0 where no value is above the lowest double).
///
/// # Errors
/// Sizes that do not fit.
pub fn max<T: Float>(input: &Tensor, output: &Tensor, indices: &Tensor, window: Window) -> Result<()> {
    let p = Plan::new(input, window)?;
    demand!(indices.dtype() == DType::Long, "indices must be a LongTensor, got a {}", indices.dtype().tensor_name());
    let x = contiguous(input)?;
    let (y, at) = (Ptr(target::<T>(output, &p.sizes)?), Ptr(target::<i64>(indices, &p.sizes)?));
    let x = Ptr(x.view::<T>()?.ptr);
    let width = p.x.n as usize;
    p.windows(|plane, i, oy, ox| {
        let src = x.at(plane * p.plane());
        let (mut best, mut place) = (T::from_f64(-f64::MAX), 0);
        let cols = p.x.inside(ox);
        for row in p.y.inside(oy) {
            for col in cols.clone() {
                // SAFETY: inside the plane.
                let v = unsafe { *src.wrapping_add(row * width + col) };
                if v > best {
                    (best, place) = (v, (row * width + col) as i64 + 1);
                }
            }
        }
        let o = plane * p.out_plane() + i;
        // SAFETY: each window has its own element of output and indices.
        unsafe { (*y.at(o), *at.at(o)) = (best, place) };
    });
    Ok(())
}

/// Backward of [`max`]: each gradient goes to the place of its maximum.
///
/// # Errors
/// Sizes that do not fit, indices that point outside of the plane.
pub fn max_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    indices: &Tensor,
    window: Window,
) -> Result<()> {
    let p = Plan::new(input, window)?;
    p.check("gradOutput", grad_output)?;
    p.check("indices", indices)?;
    let len = p.plane();
    let (go, at) = (contiguous(grad_output)?, contiguous(indices)?);
    let gi = Ptr(target::<T>(grad_input, input.layout().sizes())?);
    map::fill(grad_input, T::ZERO)?;
    let (go, at) = (Ptr(go.view::<T>()?.ptr), Ptr(at.view::<i64>()?.ptr));
    for o in 0..p.planes * p.out_plane() {
        // SAFETY: inside the indices.
        let i = unsafe { *at.at(o) };
        demand!(i >= 0 && i as usize <= len, "invalid max index {i}, the plane has {len} elements");
    }
    p.windows(|plane, i, _, _| {
        let o = plane * p.out_plane() + i;
        // SAFETY: the index was checked; a plane belongs to one thread.
        unsafe {
            if let Some(i) = (*at.at(o) as usize).checked_sub(1) {
                let r = gi.at(plane * len + i);
                *r = (*r).add(*go.at(o));
            }
        }
    });
    Ok(())
}

fields! {
    /// The window of an average, and how it divides: by the window with its padding or by what lies inside, or not at all.
    pub struct Average {
        /// The window.
        window: Window = Window::TEXT,
        /// Whether padding counts.
        include_pad: bool = ".count_include_pad:bool=true",
        /// Without it, sums (averages times kW kH) come out.
        divide: bool = ".divide:bool=false",
    }
}

impl Average {
    /// What the sum over window (`oy`, `ox`) is multiplied by.
    fn factor<T: Float>(self, p: &Plan, oy: usize, ox: usize) -> T {
        let n = if self.include_pad {
            p.y.padded(oy) * p.x.padded(ox)
        } else {
            (p.y.inside(oy).len() * p.x.inside(ox).len()) as i64
        };
        T::from_f64(if self.divide { 1.0 } else { (p.y.k * p.x.k) as f64 } / n as f64)
    }
}

/// Averages.
///
/// # Errors
/// Sizes that do not fit.
pub fn average<T: Float>(input: &Tensor, output: &Tensor, by: Average) -> Result<()> {
    let p = Plan::new(input, by.window)?;
    let x = contiguous(input)?;
    let y = Ptr(target::<T>(output, &p.sizes)?);
    let x = Ptr(x.view::<T>()?.ptr);
    let width = p.x.n as usize;
    p.windows(|plane, i, oy, ox| {
        let src = x.at(plane * p.plane());
        let mut sum = T::ZERO;
        let cols = p.x.inside(ox);
        for row in p.y.inside(oy) {
            for col in cols.clone() {
                // SAFETY: inside the plane.
                sum = sum.add(unsafe { *src.wrapping_add(row * width + col) });
            }
        }
        // SAFETY: each window has its own element of the output.
        unsafe { *y.at(plane * p.out_plane() + i) = sum.mul(by.factor(&p, oy, ox)) };
    });
    Ok(())
}

/// Backward of [`average`]: each gradient is shared out over its window.
///
/// # Errors
/// Sizes that do not fit.
pub fn average_grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, by: Average) -> Result<()> {
    let p = Plan::new(input, by.window)?;
    p.check("gradOutput", grad_output)?;
    let go = contiguous(grad_output)?;
    let gi = Ptr(target::<T>(grad_input, input.layout().sizes())?);
    map::fill(grad_input, T::ZERO)?;
    let go = Ptr(go.view::<T>()?.ptr);
    let width = p.x.n as usize;
    p.windows(|plane, i, oy, ox| {
        // SAFETY: inside gradOutput.
        let g = unsafe { *go.at(plane * p.out_plane() + i) }.mul(by.factor(&p, oy, ox));
        for row in p.y.inside(oy) {
            for col in p.x.inside(ox) {
                let r = gi.at(plane * p.plane() + row * width + col);
                // SAFETY: inside the plane, which belongs to one thread.
                unsafe { *r = (*r).add(g) };
            }
        }
    });
    Ok(())
}
