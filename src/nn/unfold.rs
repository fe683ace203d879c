//! Windows of planes as columns of a matrix, and back.
//!
//! Row `(c kH + y) kW + x` of the matrix holds, for every output pixel, the input value under position `(y, x)` of the
//! window in plane `c`; outside of the plane it is 0.

use crate::demand;
use crate::tensor::dtype::Real;
use crate::tensor::error::Result;

/// Sizes of a convolution over one sample.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Input planes.
    pub planes: usize,
    height: usize,
    width: usize,
    kw: usize,
    kh: usize,
    dw: usize,
    dh: usize,
    pad_w: isize,
    pad_h: isize,
    /// Rows of the output.
    pub out_h: usize,
    /// Columns of the output.
    pub out_w: usize,
}

impl Geometry {
    /// For an input of `[planes, height, width]` and `[kW, kH, dW, dH, padW, padH]`.
    ///
    /// # Errors
    /// Windows or steps below 1, an output without pixels.
    pub fn new(size: [usize; 3], window: [i64; 6]) -> Result<Geometry> {
        let [kw, kh, dw, dh, pw, ph] = window;
        demand!(kw > 0 && kh > 0, "kernel size should be greater than zero, but got kH: {kh} kW: {kw}");
        demand!(dw > 0 && dh > 0, "stride should be greater than zero, but got dH: {dh} dW: {dw}");
        let big = |v: i64| v.unsigned_abs() < 1 << 31;
        demand!(window.into_iter().all(big), "kernel, stride or padding too large: {window:?}");
        let [planes, height, width] = size;
        let (free_h, free_w) = (height as i64 + 2 * ph - kh, width as i64 + 2 * pw - kw);
        demand!(
            planes > 0 && free_h >= 0 && free_w >= 0,
            "Given input size: ({planes} x {height} x {width}). Calculated output size: ({} x {}). Output size is too small",
            free_h.div_euclid(dh) + 1,
            free_w.div_euclid(dw) + 1
        );
        Ok(Geometry {
            planes,
            height,
            width,
            kw: kw as usize,
            kh: kh as usize,
            dw: dw as usize,
            dh: dh as usize,
            pad_w: pw as isize,
            pad_h: ph as isize,
            out_h: (free_h / dh + 1) as usize,
            out_w: (free_w / dw + 1) as usize,
        })
    }
    /// Elements of a window in one plane.
    pub fn window_area(&self) -> usize {
        self.kw * self.kh
    }
    /// Rows of the matrix.
    pub fn rows(&self) -> usize {
        self.planes * self.window_area()
    }
    /// Columns of the matrix.
    pub fn pixels(&self) -> usize {
        self.out_h * self.out_w
    }
    /// Elements of one input plane.
    pub fn plane_len(&self) -> usize {
        self.height * self.width
    }
    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.planes * self.plane_len()
    }
    /// Whether the matrix is the input itself: windows of 1, steps of 1, no padding.
    pub fn is_plain(&self) -> bool {
        self.window_area() == 1 && self.dw == 1 && self.dh == 1 && self.pad_w == 0 && self.pad_h == 0
    }

    /// Calls `f(row, column, input, length)` for each stretch of the matrix that lies in one output row:
    /// `input` is the position of its first element, `None` for a stretch of zeros.
    #[inline(always)]
    fn stretches(
        &self,
        rows: std::ops::Range<usize>,
        at: usize,
        width: usize,
        mut f: impl FnMut(usize, usize, Option<usize>, usize),
    ) {
        let first = rows.start;
        for r in rows {
            let (x, y, c) = (r % self.kw, r / self.kw % self.kh, r / self.window_area());
            let shift = x as isize - self.pad_w;
            // the output columns whose input column is inside of the plane
            let lo = (-shift).max(0) as usize;
            let lo = lo.div_ceil(self.dw).min(self.out_w);
            let end = self.width as isize - shift;
            let hi = if end <= 0 { 0 } else { (end as usize).div_ceil(self.dw).min(self.out_w) }.max(lo);
            let mut col = 0;
            while col < width {
                let (oy, ox) = ((at + col) / self.out_w, (at + col) % self.out_w);
                let n = (self.out_w - ox).min(width - col);
                let iy = (oy * self.dh + y) as isize - self.pad_h;
                let row = (iy >= 0 && iy < self.height as isize).then(|| (c * self.height + iy as usize) * self.width);
                let (a, b) =
                    if row.is_some() { (lo.clamp(ox, ox + n), hi.clamp(ox, ox + n)) } else { (ox + n, ox + n) };
                f(r - first, col, None, a - ox);
                if let (Some(row), true) = (row, b > a) {
                    let ix = ((a * self.dw) as isize + shift) as usize;
                    f(r - first, col + a - ox, Some(row + ix), b - a);
                }
                f(r - first, col + b.max(a) - ox, None, ox + n - b.max(a));
                col += n;
            }
        }
    }
}

/// Writes rows `row..row + rows` of columns `at..at + width` into `cols`, without gaps.
pub fn unfold<T: Real>(
    g: &Geometry,
    input: *const T,
    row: usize,
    rows: usize,
    at: usize,
    width: usize,
    cols: &mut [T],
) {
    g.stretches(row..row + rows, at, width, |r, col, from, n| {
        let to = &mut cols[r * width + col..][..n];
        match from {
            None => to.fill(T::ZERO),
            Some(from) => {
                let from = input.wrapping_add(from);
                if g.dw == 1 {
                    // SAFETY: the stretch lies inside one row of the input, which is not the buffer.
                    to.copy_from_slice(unsafe { std::slice::from_raw_parts(from, n) });
                } else {
                    for (i, v) in to.iter_mut().enumerate() {
                        // SAFETY: as above, with steps of `dw`.
                        *v = unsafe { *from.add(i * g.dw) };
                    }
                }
            }
        }
    });
}

/// Adds rows `row..row + rows` of columns `at..at + width` to the input positions that they were taken from.
pub fn fold<T: Real>(g: &Geometry, input: *mut T, row: usize, rows: usize, at: usize, width: usize, cols: &[T]) {
    g.stretches(row..row + rows, at, width, |r, col, to, n| {
        let Some(to) = to else { return };
        for (i, v) in cols[r * width + col..][..n].iter().enumerate() {
            let p = input.wrapping_add(to + i * g.dw);
            // SAFETY: the stretch lies inside one row of the input.
            unsafe { *p = (*p).add(*v) };
        }
    });
}
