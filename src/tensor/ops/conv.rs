//! Convolution and cross-correlation of images and volumes.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::share_rows;
use crate::tensor::dtype::Real;
use crate::tensor::error::{Error, Result};
use crate::tensor::simd::vectorize;
use crate::tensor::storage;

/// How two operands are combined.
#[derive(Clone, Copy)]
pub struct Mode {
    /// Name of the operation, for messages.
    pub name: &'static str,
    /// Number of dimensions of an image: 2, or 3 for volumes.
    pub dims: usize,
    /// Whether the kernel is turned around (convolution) or not (cross-correlation).
    pub turned: bool,
    /// Whether the result holds every overlap, or only the whole ones.
    pub full: bool,
}

/// Sizes of an image; images are volumes of depth 1.
type Sizes = [usize; 3];

/// Reads `V...` or `F...`.
///
/// # Errors
/// Another word.
pub fn is_full(name: &str, option: Option<&str>) -> Result<bool> {
    match option.map(|o| o.chars().next()) {
        None | Some(Some('V' | 'v')) => Ok(false),
        Some(Some('F' | 'f')) => Ok(true),
        _ => Err(Error::about(name, format!("expected 'V' or 'F', got '{}'", option.unwrap_or_default()))),
    }
}

/// `out[..] += v * row[..]`
#[inline(always)]
fn add_row<T: Real>(out: &mut [T], row: &[T], v: T) {
    for (o, &r) in out.iter_mut().zip(row) {
        *o = o.add(v.mul(r));
    }
}

/// Adds one image by one kernel to `out`.
#[inline(always)]
fn single<T: Real>(out: &mut [T], os: Sizes, x: &[T], xs: Sizes, k: &[T], ks: Sizes, full: bool) {
    let rows = if full { [xs[0], xs[1]] } else { [os[0], os[1]] };
    for z in 0..rows[0] {
        for y in 0..rows[1] {
            for (i, &v) in k.iter().enumerate() {
                let (kz, ky, kx) = (i / (ks[1] * ks[2]), i / ks[2] % ks[1], i % ks[2]);
                if full {
                    let o = ((z + kz) * os[1] + y + ky) * os[2] + kx;
                    add_row(&mut out[o..][..xs[2]], &x[(z * xs[1] + y) * xs[2]..][..xs[2]], v);
                } else {
                    let from = ((z + kz) * xs[1] + y + ky) * xs[2] + kx;
                    add_row(&mut out[(z * os[1] + y) * os[2]..][..os[2]], &x[from..][..os[2]], v);
                }
            }
        }
    }
}

/// The last dimensions of a tensor as the sizes of an image.
fn image(t: &Tensor, dims: usize) -> Sizes {
    let mut s = [1; 3];
    s[3 - dims..].copy_from_slice(&t.layout().sizes()[t.ndim() - dims..]);
    s
}

/// An image by a kernel, planes by as many kernels, or planes by a bank of kernels (outputs x planes).
///
/// # Errors
/// Operands that do not belong together, a kernel larger than the image unless the result is full.
pub fn convolve<T: Real>(res: &Tensor, x: &Tensor, k: &Tensor, m: Mode) -> Result<()> {
    let n = m.dims;
    let bank = k.ndim() == n + 2;
    let fits = (x.ndim() == n && k.ndim() == n)
        || (x.ndim() == n + 1 && (k.ndim() == n + 1 && k.size(0) == x.size(0) || bank && k.size(1) == x.size(0)));
    demand!(fits, in m.name, "cannot combine {} with {}", x.shape_text(), k.shape_text());
    let (xs, ks) = (image(x, n), image(k, n));
    let larger = (0..3).any(|d| ks[d] > xs[d]);
    demand!(m.full || !larger, in m.name, "the kernel {} is larger than the image {}", k.shape_text(), x.shape_text());
    let os: Sizes = std::array::from_fn(|d| if m.full { xs[d] + ks[d] - 1 } else { xs[d] - ks[d] + 1 });
    let (data, mut kernels) = (x.to_vec::<T>()?, k.to_vec::<T>()?);
    let (xn, kn, on) = (xs.iter().product::<usize>(), ks.iter().product::<usize>(), os.iter().product::<usize>());
    demand!(xn > 0 && kn > 0, in m.name, "expected tensors with elements");
    // a full result spreads each element by the kernel, which turns it once more
    if m.turned != m.full {
        kernels.chunks_mut(kn).for_each(<[T]>::reverse);
    }
    let planes = data.len() / xn;
    let outputs = if bank { k.size(0) } else { planes };
    let mut out = storage::room(outputs * on)?;
    out.resize(outputs * on, T::ZERO);
    let each = if bank { planes } else { 1 };
    share_rows(&mut out, on, on.saturating_mul(kn).saturating_mul(each), |first, parts| {
        for (o, part) in (first..).zip(parts.chunks_mut(on)) {
            for i in 0..each {
                let (from, at) = if bank { (i, o * planes + i) } else { (o, o) };
                let (x, k) = (&data[from * xn..][..xn], &kernels[at * kn..][..kn]);
                vectorize(
                    #[inline(always)]
                    || single(part, os, x, xs, k, ks, m.full),
                );
            }
        }
    });
    let mut sizes = os[3 - n..].to_vec();
    if x.ndim() > n {
        sizes.insert(0, outputs);
    }
    let flat = Tensor::from_slice(&out)?;
    res.resize(&sizes)?;
    super::copy::copy(res, &flat)
}
