//! Spatial poolings: input (C x H x W) or (N x C x H x W), output the same with (oH x oW).

use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, share, share_rows};
use crate::tensor::dtype::{DType, Float};
use crate::tensor::error::Result;
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
        (sizes[nd - 2], sizes[nd - 1]) = (y.out as usize, x.out as usize);
        Ok(Plan { y, x, sizes })
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

    /// Calls `f(position in the output plane, rows, columns)` for every window of a plane.
    #[inline(always)]
    fn windows(&self, mut f: impl FnMut(usize, usize, usize)) {
        let (oh, ow) = (self.y.out as usize, self.x.out as usize);
        for oy in 0..oh {
            for ox in 0..ow {
                f(oy * ow + ox, oy, ox);
            }
        }
    }

    /// What a plane costs.
    fn cost(&self) -> usize {
        self.plane() + self.out_plane() * 4
    }
}

/// Maxima, and their places in the plane counted from 1 (0 where no value is above the lowest double).
///
/// # Errors
/// Sizes that do not fit.
pub fn max<T: Float>(input: &Tensor, output: &Tensor, indices: &Tensor, window: Window) -> Result<()> {
    let p = Plan::new(input, window)?;
    demand!(indices.dtype() == DType::Long, "indices must be a LongTensor, got a {}", indices.class().tensor_name());
    let x = Source::<T>::of(input)?;
    let (mut y, mut at) = (Dest::<T>::new(output, &p.sizes)?, Dest::<i64>::new(indices, &p.sizes)?);
    let (len, width) = (p.out_plane(), p.x.n as usize);
    share((Rows::new(&mut y, len), Rows::new(&mut at, len)), p.cost(), |first, (y, at)| {
        for (plane, (y, at)) in (first..).zip(y.into_rows().zip(at.into_rows())) {
            let x = &x[plane * p.plane()..][..p.plane()];
            p.windows(|i, oy, ox| {
                let (mut best, mut place) = (T::from_f64(-f64::MAX), 0);
                let cols = p.x.inside(ox);
                for row in p.y.inside(oy) {
                    for (col, &v) in cols.clone().zip(&x[row * width..][cols.clone()]) {
                        if v > best {
                            (best, place) = (v, (row * width + col) as i64 + 1);
                        }
                    }
                }
                (y[i], at[i]) = (best, place);
            });
        }
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
    let (len, out) = (p.plane(), p.out_plane());
    let (go, at) = (Source::<T>::of(grad_output)?, Source::<i64>::of(indices)?);
    if let Some(i) = at.iter().find(|&&i| i < 0 || i as usize > len) {
        demand!(false, "invalid max index {i}, the plane has {len} elements");
    }
    let mut gi = Dest::<T>::like(grad_input, input)?;
    share_rows(&mut gi, len, p.cost(), |first, planes| {
        for (plane, gi) in (first..).zip(planes.chunks_mut(len)) {
            gi.fill(T::ZERO);
            for (&g, &i) in go[plane * out..][..out].iter().zip(&at[plane * out..]) {
                if let Some(r) = (i as usize).checked_sub(1).and_then(|i| gi.get_mut(i)) {
                    *r = r.add(g);
                }
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
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::new(output, &p.sizes)?;
    let (len, width) = (p.out_plane(), p.x.n as usize);
    share_rows(&mut y, len, p.cost(), |first, planes| {
        for (plane, y) in (first..).zip(planes.chunks_mut(len)) {
            let x = &x[plane * p.plane()..][..p.plane()];
            p.windows(|i, oy, ox| {
                let row = |row: usize| x[row * width..][p.x.inside(ox)].iter();
                let sum = p.y.inside(oy).flat_map(row).fold(T::ZERO, |sum, &v| sum.add(v));
                y[i] = sum.mul(by.factor(&p, oy, ox));
            });
        }
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
    let go = Source::<T>::of(grad_output)?;
    let mut gi = Dest::<T>::like(grad_input, input)?;
    let (len, width) = (p.plane(), p.x.n as usize);
    share_rows(&mut gi, len, p.cost(), |first, planes| {
        for (plane, gi) in (first..).zip(planes.chunks_mut(len)) {
            gi.fill(T::ZERO);
            let go = &go[plane * p.out_plane()..][..p.out_plane()];
            p.windows(|i, oy, ox| {
                let g = go[i].mul(by.factor(&p, oy, ox));
                for row in p.y.inside(oy) {
                    gi[row * width..][p.x.inside(ox)].iter_mut().for_each(|r| *r = r.add(g));
                }
            });
        }
    });
    Ok(())
}
