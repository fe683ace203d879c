//! Colour spaces. Each kernel turns three planes into three others (or one), pixel by pixel.

use super::{Picture, Pixel, Work, build, each_line, give};
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::{Float, Real};
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;

/// Applies `f` to the three values of each pixel. Further channels are left 0.
#[inline(always)]
fn planes<T: Real>(src: &Picture<T>, cost: usize, f: impl Fn([T; 3]) -> [T; 3] + Sync + Copy) -> Result<Tensor> {
    let (h, w) = (src.h, src.w);
    let data = src.data();
    build(&[src.c, h, w], |out| {
        each_line(out, [src.c, h, w], cost, |y, rows| {
            let [r, g, b] = [0, 1, 2].map(|k| &data[(k * h + y) * w..][..w]);
            if let [x, y, z, ..] = rows {
                let (x, y, z) = (&mut x[..w], &mut y[..w], &mut z[..w]);
                vectorize(
                    #[inline(always)]
                    move || {
                        for i in 0..w {
                            [x[i], y[i], z[i]] = f([r[i], g[i], b[i]]);
                        }
                    },
                );
            }
        });
        Ok(())
    })
}

/// A colour function in the intermediate type; the values of bytes are taken as parts of 255.
#[inline(always)]
fn convert<T: Pixel>(
    what: &str,
    dst: &Tensor,
    src: &Tensor,
    f: impl Fn([T::Work; 3]) -> [T::Work; 3] + Sync + Copy,
) -> Result<()> {
    let p = Picture::<T>::with_channels(what, src, 3)?;
    let full = T::Work::from(T::FULL);
    let made = planes(&p, 12, move |v: [T; 3]| f(v.map(|v| v.work() / full)).map(|v| T::finish(v * full)))?;
    give(dst, &made)
}

/// Largest, smallest, and the hue in 0..1, which grey has at 0.
#[inline(always)]
fn hue<W: Work>([r, g, b]: [W; 3]) -> (W, W, W) {
    let max = |a: W, b: W| if a > b { a } else { b };
    let min = |a: W, b: W| if a < b { a } else { b };
    let (most, least) = (max(max(r, g), b), min(min(r, g), b));
    let range = most - least;
    let k = |v: f32| W::from(v);
    let sixths = if most == least {
        k(0.0)
    } else if most == r {
        (g - b) / range + k(if g < b { 6.0 } else { 0.0 })
    } else if most == g {
        (b - r) / range + k(2.0)
    } else {
        (r - g) / range + k(4.0)
    };
    (most, least, sixths / k(6.0))
}

#[inline(always)]
fn to_hsl<W: Work>(rgb: [W; 3]) -> [W; 3] {
    let (most, least, h) = hue(rgb);
    if most == least {
        return [W::from(0.0), W::from(0.0), most];
    }
    let (range, two) = (most - least, W::from(2.0));
    let l = (most + least) / two;
    [h, if l.wide() > 0.5 { range / (two - most - least) } else { range / (most + least) }, l]
}

#[inline(always)]
fn to_hsv<W: Work>(rgb: [W; 3]) -> [W; 3] {
    let (most, least, h) = hue(rgb);
    if most == least { [W::from(0.0), W::from(0.0), most] } else { [h, (most - least) / most, most] }
}

#[inline(always)]
fn from_hsl<W: Work>([h, s, l]: [W; 3]) -> [W; 3] {
    let one = W::from(1.0);
    if s == W::from(0.0) {
        return [l; 3];
    }
    let q = if l.wide() < 0.5 { l * (one + s) } else { l + s - l * s };
    let p = W::from(2.0) * l - q;
    let channel = |shift: f64| {
        let mut t = W::of(h.wide() + shift);
        if t.wide() < 0.0 {
            t = t + one;
        }
        if t.wide() > 1.0 {
            t = t - one;
        }
        let (t, low, range) = (t.wide(), p.wide(), (q - p).wide());
        match t {
            t if t < 1.0 / 6.0 => W::of(low + range * 6.0 * t),
            t if t < 0.5 => q,
            t if t < 2.0 / 3.0 => W::of(low + range * (2.0 / 3.0 - t) * 6.0),
            _ => p,
        }
    };
    [channel(1.0 / 3.0), channel(0.0), channel(-1.0 / 3.0)]
}

#[inline(always)]
fn from_hsv<W: Work>([h, s, v]: [W; 3]) -> [W; 3] {
    let (one, six) = (W::from(1.0), W::from(6.0));
    let sector = (h.wide() * 6.0).floor();
    let f = h * six - W::of(sector);
    let (p, q, t) = (v * (one - s), v * (one - f * s), v * (one - (one - f) * s));
    // hues below 0 and those that are no number are black
    match (sector % 6.0).clamp(-1.0, 6.0) {
        0.0 => [v, t, p],
        1.0 => [q, v, p],
        2.0 => [p, v, t],
        3.0 => [p, q, v],
        4.0 => [t, p, v],
        5.0 => [v, p, q],
        _ => [W::from(0.0); 3],
    }
}

/// The linear intensity of an sRGB value.
fn expand<W: Work>(v: W) -> W {
    let v = v.wide();
    W::of(if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) })
}

/// The sRGB value of a linear intensity.
fn compress<W: Work>(v: W) -> W {
    let v = v.wide();
    W::of(if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 })
}

/// CIE's epsilon and kappa.
const EPSILON: f64 = 216.0 / 24389.0;
const KAPPA: f64 = 24389.0 / 27.0;
/// The white point D65: X and Z where Y is 1.
const WHITE: [f64; 2] = [0.950456, 1.088754];

fn dot(m: [f64; 3], v: [f64; 3]) -> f64 {
    m[0] * v[0] + m[1] * v[1] + m[2] * v[2]
}

fn to_lab<W: Work>(rgb: [W; 3]) -> [W; 3] {
    let linear = rgb.map(|v| expand(v).wide());
    let x = dot([0.412453, 0.357580, 0.180423], linear) / WHITE[0];
    let y = dot([0.212671, 0.715160, 0.072169], linear);
    let z = dot([0.019334, 0.119193, 0.950227], linear) / WHITE[1];
    let [x, y, z] = [x, y, z].map(|v| if v > EPSILON { v.cbrt() } else { (KAPPA * v + 16.0) / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)].map(W::of)
}

fn from_lab<W: Work>([l, a, b]: [W; 3]) -> [W; 3] {
    // sums of the element type keep its precision, as everywhere in this family
    let fy = ((l + W::from(16.0)) / W::from(116.0)).wide();
    let fz = fy - (b / W::from(200.0)).wide();
    let fx = (a / W::from(500.0)).wide() + fy;
    let cubed = |f: f64| {
        let v = f.powi(3);
        if v <= EPSILON { (116.0 * f - 16.0) / KAPPA } else { v }
    };
    let l = l.wide();
    let y = if l > KAPPA * EPSILON { fy.powi(3) } else { l / KAPPA };
    let xyz = [cubed(fx) * WHITE[0], y, cubed(fz) * WHITE[1]];
    let r = dot([3.2404542, -1.5371385, -0.4985314], xyz);
    let g = dot([-0.9692660, 1.8760108, 0.0415560], xyz);
    let b = dot([0.0556434, -0.2040259, 1.0572252], xyz);
    [r, g, b].map(|v| compress(W::of(v)))
}

/// Functions from a space of three channels to another one.
macro_rules! spaces {
    ($($name:ident $text:literal $bound:ident: $f:ident;)*) => { $(
        #[doc = concat!("`image.", stringify!($name), "`: ", $text, ", of an image of 3 x H x W.")]
        ///
        /// # Errors
        /// Other sizes, not enough memory.
        pub fn $name<T: Pixel + $bound>(dst: &Tensor, src: &Tensor) -> Result<()> {
            convert::<T>(concat!("image.", stringify!($name)), dst, src, $f)
        }
    )* };
}
spaces! {
    rgb2hsl "hue, saturation and lightness" Real: to_hsl;
    rgb2hsv "hue, saturation and value" Real: to_hsv;
    hsl2rgb "colours from hue, saturation and lightness" Real: from_hsl;
    hsv2rgb "colours from hue, saturation and value" Real: from_hsv;
    rgb2lab "CIE L*a*b* values of sRGB colours" Float: to_lab;
    lab2rgb "sRGB colours of CIE L*a*b* values" Float: from_lab;
}

/// Sums of three values with weights in the element type: integers have truncated weights.
#[inline(always)]
fn weighted<T: Real>(what: &str, dst: &Tensor, src: &Tensor, m: [[f64; 3]; 3]) -> Result<()> {
    let p = Picture::<T>::of_slices(what, src, 3)?;
    let m = m.map(|row| row.map(T::from_f64));
    let made = planes(&p, 4, move |v: [T; 3]| {
        m.map(|row| T::ZERO.add(row[0].mul(v[0])).add(row[1].mul(v[1])).add(row[2].mul(v[2])))
    })?;
    made.resize(src.layout().sizes())?;
    give(dst, &made)
}

/// Luminance and two colour differences of an image of 3 x H x W.
///
/// # Errors
/// Other sizes, not enough memory.
pub fn rgb2yuv<T: Real>(dst: &Tensor, src: &Tensor) -> Result<()> {
    let m = [[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]];
    weighted::<T>("image.rgb2yuv", dst, src, m)
}

/// Colours from luminance and colour differences.
///
/// # Errors
/// Other sizes, not enough memory.
pub fn yuv2rgb<T: Real>(dst: &Tensor, src: &Tensor) -> Result<()> {
    let m = [[1.0, 0.0, 1.13983], [1.0, -0.39465, -0.58060], [1.0, 2.03211, 0.0]];
    weighted::<T>("image.yuv2rgb", dst, src, m)
}

/// Each colour divided by the sum of the three.
///
/// # Errors
/// Other sizes, not enough memory, integers whose sum is 0.
pub fn rgb2nrgb<T: Real>(dst: &Tensor, src: &Tensor) -> Result<()> {
    let p = Picture::<T>::of_slices("image.rgb2nrgb", src, 3)?;
    check::ranks("an image", src, 3..=usize::MAX)?;
    let small = T::from_f64(1e-6);
    let sum = |v: [T; 3]| v[0].add(v[1]).add(v[2]).add(small);
    if !T::DTYPE.is_float() {
        let (data, n) = (p.data(), p.h * p.w);
        let zero = (0..n).any(|i| sum([data[i], data[n + i], data[2 * n + i]]) == T::ZERO);
        demand!(!zero, "integer division by zero, where the three colours add up to 0");
    }
    let made = planes(&p, 4, move |v: [T; 3]| {
        let total = sum(v);
        v.map(|v| v.div(total).unwrap_or(T::ZERO))
    })?;
    made.resize(src.layout().sizes())?;
    give(dst, &made)
}

/// The luminance of an image of 3 x H x W, as H x W.
///
/// # Errors
/// Other sizes, not enough memory.
pub fn luminance<T: Pixel>(src: &Tensor) -> Result<Tensor> {
    let p = Picture::<T>::with_channels("image.rgb2y", src, 3)?;
    let n = p.h * p.w;
    let data = p.data();
    build(&[p.h, p.w], |out| {
        each_line(out, [1, p.h, p.w], 4, |y, rows| {
            let [r, g, b] = [0, 1, 2].map(|k| &data[k * n + y * p.w..][..p.w]);
            for row in rows {
                let row = &mut row[..p.w];
                vectorize(
                    #[inline(always)]
                    move || {
                        for (((o, r), g), b) in row.iter_mut().zip(r).zip(g).zip(b) {
                            let [r, g, b] = [r, g, b].map(|v| v.work().wide());
                            *o = T::finish(T::Work::of(0.299 * r + 0.587 * g + 0.114 * b));
                        }
                    },
                );
            }
        });
        Ok(())
    })
}

/// The luminance as an image of 1 x H x W.
///
/// # Errors
/// Other sizes, not enough memory.
pub fn rgb2y<T: Pixel>(dst: &Tensor, src: &Tensor) -> Result<()> {
    let made = luminance::<T>(src)?;
    made.resize(&[1, src.size(1), src.size(2)])?;
    give(dst, &made)
}

/// The luminance into a matrix of the image's size.
///
/// # Errors
/// Other sizes, not enough memory.
pub fn rgb2y_into<T: Pixel>(src: &Tensor, dst: &Tensor) -> Result<()> {
    let made = luminance::<T>(src)?;
    let (have, want) = (dst.shape_text(), made.shape_text());
    demand!(dst.same_size(&made), "expected a destination of size {want}, got {have}");
    give(dst, &made)
}
