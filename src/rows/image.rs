//! The package image: its own functions, those of `x.image` and `image.double`, and those that its Lua is made from.

use crate::image::{Picture, Pixel};
use crate::image::{colour, draw, filter, jpeg, load, place, png, pnm, remap, scale, warp};
use crate::lua::prelude::*;

type Word<'a> = Option<&'a [u8]>;

fn scale_to<T: Pixel>(dst: &Tensor, src: &Tensor, mode: Word) -> Result<()> {
    scale::to_destination::<T>(dst, src, scale::Mode::parse(mode)?)
}
fn scale_size<T: Pixel>(src: &Tensor, w: f64, h: f64, mode: Word) -> Result<Tensor> {
    scale::to_size::<T>(src, w, h, scale::Mode::parse(mode)?)
}
fn scale_largest<T: Pixel>(src: &Tensor, most: f64, mode: Word) -> Result<Tensor> {
    scale::to_largest::<T>(src, most, scale::Mode::parse(mode)?)
}
fn scale_words<T: Pixel>(src: &Tensor, size: &[u8], mode: Word) -> Result<Tensor> {
    scale::to_words::<T>(src, size, scale::Mode::parse(mode)?)
}

fn crop<T: Pixel>(src: &Tensor, x1: f64, y1: f64, x2: f64, y2: f64) -> Result<Tensor> {
    place::crop::<T>(src, [x1, y1, x2, y2])
}
fn crop_scaled<T: Pixel>(dst: &Tensor, src: &Tensor, x1: f64, y1: f64, x2: f64, y2: f64) -> Result<()> {
    let part = crop::<T>(src, x1, y1, x2, y2)?;
    scale::to_destination::<T>(dst, &part, scale::Mode::Bilinear)
}
fn crop_placed<T: Pixel>(src: &Tensor, at: &[u8], w: f64, h: f64) -> Result<Tensor> {
    place::crop::<T>(src, place::corners(src, at, w, h)?)
}
fn crop_placed_scaled<T: Pixel>(dst: &Tensor, src: &Tensor, at: &[u8], w: f64, h: f64) -> Result<()> {
    scale::to_destination::<T>(dst, &crop_placed::<T>(src, at, w, h)?, scale::Mode::Bilinear)
}

fn rotate<T: Pixel>(dst: &Tensor, src: &Tensor, theta: f64, mode: Word) -> Result<()> {
    let bilinear = match mode {
        None | Some(b"simple") => false,
        Some(b"bilinear") => true,
        Some(other) => {
            refuse!("expected the mode simple or bilinear, got '{}'", String::from_utf8_lossy(other))
        }
    };
    // what is no image is refused before the destination changes
    Picture::<T>::of(src)?;
    dst.resize_as(src)?;
    remap::rotate::<T>(dst, src, theta, bilinear)
}

/// Torch7's defaults for the two words are not among those that it takes, so both have to be given.
fn polar_words<T: Pixel>(dst: &Tensor, src: &Tensor, log: bool, interpolation: Word, mode: Word) -> Result<()> {
    let what = if log { "image.logpolar" } else { "image.polar" };
    let how = remap::Polar::parse(what, log, interpolation.unwrap_or(b"nil"), mode.unwrap_or(b"nil"))?;
    remap::polar_to::<T>(dst, src, how)
}
fn polar<T: Pixel>(dst: &Tensor, src: &Tensor, interpolation: Word, mode: Word) -> Result<()> {
    polar_words::<T>(dst, src, false, interpolation, mode)
}
fn logpolar<T: Pixel>(dst: &Tensor, src: &Tensor, interpolation: Word, mode: Word) -> Result<()> {
    polar_words::<T>(dst, src, true, interpolation, mode)
}

fn warp<T: Pixel>(
    dst: &Tensor,
    src: &Tensor,
    field: &Tensor,
    mode: Word,
    offset: bool,
    clamp: Word,
    pad: Option<f64>,
) -> Result<Rets> {
    let padded = match clamp {
        None | Some(b"clamp") => false,
        Some(b"pad") => true,
        Some(other) => {
            refuse!("expected the clamp mode clamp or pad, got '{}'", String::from_utf8_lossy(other))
        }
    };
    demand!(padded || pad.is_none(), "a pad value goes with the clamp mode pad");
    let how = warp::How { mode: warp::Mode::parse(mode)?, offset, padded, pad: pad.unwrap_or(0.0) };
    crate::image::give(dst, &warp::warp::<T>(src, field, how)?)?;
    Ok(if src.ndim() == 2 { Rets::Tensor(dst.select(0, 0)?) } else { Rets::Args })
}

fn hflip<T: Pixel>(dst: &Tensor, src: &Tensor) -> Result<()> {
    place::mirror::<T>("image.hflip", dst, src, 1)
}
fn vflip<T: Pixel>(dst: &Tensor, src: &Tensor) -> Result<()> {
    place::mirror::<T>("image.vflip", dst, src, 2)
}

/// The functions `image.f`.
pub static ROWS: &[Op] = &[
    func!("rgb2yuv", &[form("*dst?:T src:T", all!(colour::rgb2yuv))]),
    func!("yuv2rgb", &[form("*dst?:T src:T", all!(colour::yuv2rgb))]),
    func!("rgb2nrgb", &[form("*dst?:T src:T", all!(colour::rgb2nrgb))]),
    func!("rgb2y", &[form("*dst?:T src:T", pixels!(colour::rgb2y))]),
    func!("rgb2hsl", &[form("*dst?:T src:T", pixels!(colour::rgb2hsl))]),
    func!("hsl2rgb", &[form("*dst?:T src:T", pixels!(colour::hsl2rgb))]),
    func!("rgb2hsv", &[form("*dst?:T src:T", pixels!(colour::rgb2hsv))]),
    func!("hsv2rgb", &[form("*dst?:T src:T", pixels!(colour::hsv2rgb))]),
    func!("rgb2lab", &[form("*dst?:T src:T", floats!(colour::rgb2lab))]),
    func!("lab2rgb", &[form("*dst?:T src:T", floats!(colour::lab2rgb))]),
    func!(
        "scale",
        &[
            form("src:T width:num height:num mode:str=nil", pixels!(scale_size)),
            form("*dst:T src:T mode:str=nil", pixels!(scale_to)),
            form("src:T size:num mode:str=nil", pixels!(scale_largest)),
            form("src:T size:str mode:str=nil", pixels!(scale_words)),
        ]
    ),
    func!(
        "crop",
        &[
            form("src:T x1:num y1:num x2:num y2:num", pixels!(crop)),
            form("*dst:T src:T x1:num y1:num x2:num y2:num", pixels!(crop_scaled)),
            form("dst:T src:T x:long y:long", pixels!(place::crop_to)),
            form("src:T place:str width:num height:num", pixels!(crop_placed)),
            form("*dst:T src:T place:str width:num height:num", pixels!(crop_placed_scaled)),
        ]
    ),
    func!("translate", &[form("*dst?:T src:T x:long y:long", pixels!(translate))]),
    func!("rotate", &[form("*dst?:T src:T theta:num mode:str=nil", pixels!(rotate))]),
    func!("polar", &[form("*dst?:T src:T interpolation:str=nil mode:str=nil", pixels!(polar))]),
    func!("logpolar", &[form("*dst?:T src:T interpolation:str=nil mode:str=nil", pixels!(logpolar))]),
    func!(
        "warp",
        &[form("*dst?:T src:T field:T mode:str=nil offset:bool=true clamp:str=nil pad:num=nil", pixels!(warp))]
    ),
    func!("hflip", &[form("*dst?:T src:T", pixels!(hflip))]),
    func!("vflip", &[form("*dst?:T src:T", pixels!(vflip))]),
    func!("flip", &[form("*dst?:T src:T dim:index", pixels!(place::flip))]),
];

fn translate<T: Pixel>(dst: &Tensor, src: &Tensor, x: i64, y: i64) -> Result<()> {
    place::translate::<T>(dst, src, x, y)
}

/// A function of (source, destination) that scales in some mode.
macro_rules! scaling {
    ($name:ident $mode:ident) => {
        fn $name<T: Pixel>(src: &Tensor, dst: &Tensor) -> Result<()> {
            scale::to_destination::<T>(dst, src, scale::Mode::$mode)
        }
    };
}
scaling!(scale_simple Simple);
scaling!(scale_bilinear Bilinear);
scaling!(scale_bicubic Bicubic);

/// A colour function with the source before the destination, which gets its sizes.
macro_rules! turned {
    ($name:ident $bound:ident $($f:ident)::+) => {
        fn $name<T: Pixel + $bound>(src: &Tensor, dst: &Tensor) -> Result<()> {
            $($f)::+::<T>(dst, src)
        }
    };
}
turned!(raw_rgb2hsl Real colour::rgb2hsl);
turned!(raw_rgb2hsv Real colour::rgb2hsv);
turned!(raw_hsl2rgb Real colour::hsl2rgb);
turned!(raw_hsv2rgb Real colour::hsv2rgb);
turned!(raw_rgb2lab Float colour::rgb2lab);
turned!(raw_lab2rgb Float colour::lab2rgb);

fn rotate_simple<T: Pixel>(src: &Tensor, dst: &Tensor, theta: f64) -> Result<()> {
    remap::rotate::<T>(dst, src, theta, false)
}
fn rotate_bilinear<T: Pixel>(src: &Tensor, dst: &Tensor, theta: f64) -> Result<()> {
    remap::rotate::<T>(dst, src, theta, true)
}

/// A function to polar coordinates, of (source, destination, 1 for the whole picture).
macro_rules! polars {
    ($name:ident $log:literal $bilinear:literal) => {
        fn $name<T: Pixel>(src: &Tensor, dst: &Tensor, full: f64) -> Result<()> {
            remap::polar::<T>(dst, src, remap::Polar { log: $log, bilinear: $bilinear, full: full == 1.0 })
        }
    };
}
polars!(polar_simple false false);
polars!(polar_bilinear false true);
polars!(logpolar_simple true false);
polars!(logpolar_bilinear true true);

fn crop_no_scale<T: Pixel>(src: &Tensor, dst: &Tensor, x: i64, y: i64) -> Result<()> {
    place::crop_to::<T>(dst, src, x, y)
}
fn translate_onto<T: Pixel>(src: &Tensor, dst: &Tensor, x: i64, y: i64) -> Result<()> {
    place::translate_onto::<T>(dst, src, x, y)
}
fn raw_warp<T: Pixel>(
    dst: &Tensor,
    src: &Tensor,
    field: &Tensor,
    mode: i64,
    offset: bool,
    clamp: i64,
    pad: f64,
) -> Result<()> {
    let how = warp::How { mode: warp::Mode::numbered(mode)?, offset, padded: clamp == 1, pad };
    let made = warp::warp::<T>(src, field, how)?;
    let (have, want) = (dst.shape_text(), made.shape_text());
    demand!(dst.same_size(&made), "expected a destination of size {want}, got {have}");
    crate::image::give(dst, &made)
}

fn bell(amplitude: f64, normalize: bool, su: f64, sv: f64, mu: f64, mv: f64) -> filter::Bell {
    filter::Bell { amplitude, normalize, sigma: [su, sv], mean: [mu, mv] }
}
fn gaussian<T: Pixel>(dst: &Tensor, a: f64, normalize: bool, su: f64, sv: f64, mu: f64, mv: f64) -> Result<()> {
    filter::gaussian::<T>(dst, bell(a, normalize, su, sv, mu, mv))
}
fn laplacian<T: Float>(dst: &Tensor, a: f64, normalize: bool, su: f64, sv: f64, mu: f64, mv: f64) -> Result<()> {
    filter::laplacian::<T>(dst, bell(a, normalize, su, sv, mu, mv))
}

fn text<T: Pixel>(
    x: &Tensor,
    text: &[u8],
    left: i64,
    top: i64,
    size: i64,
    r: i32,
    g: i32,
    b: i32,
    paper_r: i32,
    paper_g: i32,
    paper_b: i32,
    wrap: i64,
) -> Result<()> {
    let (ink, paper) = ([r, g, b], [paper_r, paper_g, paper_b]);
    draw::text::<T>(x, draw::Text { text, at: [left, top], size, ink, paper, wrap: wrap != 0 })
}
fn rectangle<T: Pixel>(
    x: &Tensor,
    x1: i64,
    y1: i64,
    x2: i64,
    y2: i64,
    width: i64,
    r: i32,
    g: i32,
    b: i32,
) -> Result<()> {
    draw::rectangle::<T>(x, [x1, y1, x2, y2], width, [r, g, b])
}

const GAUSSIAN: &str = "dst:T amplitude:num normalize:bool sigmaH:num sigmaV:num meanH:num meanV:num";

/// The functions of `x.image`, `image.double`, `image.float` and `image.byte`: destinations have their sizes.
pub static TENSORS: &[Op] = &[
    func!("scaleSimple", &[form("src:T dst:T", pixels!(scale_simple))]),
    func!("scaleBilinear", &[form("src:T dst:T", pixels!(scale_bilinear))]),
    func!("scaleBicubic", &[form("src:T dst:T", pixels!(scale_bicubic))]),
    func!("rotate", &[form("src:T dst:T theta:num", pixels!(rotate_simple))]),
    func!("rotateBilinear", &[form("src:T dst:T theta:num", pixels!(rotate_bilinear))]),
    func!("polar", &[form("src:T dst:T full:num", pixels!(polar_simple))]),
    func!("polarBilinear", &[form("src:T dst:T full:num", pixels!(polar_bilinear))]),
    func!("logPolar", &[form("src:T dst:T full:num", pixels!(logpolar_simple))]),
    func!("logPolarBilinear", &[form("src:T dst:T full:num", pixels!(logpolar_bilinear))]),
    func!("translate", &[form("src:T dst:T x:long y:long", pixels!(translate_onto))]),
    func!("cropNoScale", &[form("src:T dst:T x:long y:long", pixels!(crop_no_scale))]),
    func!(
        "warp",
        &[form("dst:T src:T field:T mode:long=0 offset:bool=false clamp:long=0 pad:num=0", pixels!(raw_warp))]
    ),
    func!("saturate", &[form("*x:T", pixels!(filter::saturate))]),
    func!("rgb2y", &[form("src:T dst:T", pixels!(colour::rgb2y_into))]),
    func!("rgb2hsv", &[form("src:T dst:T", pixels!(raw_rgb2hsv))]),
    func!("rgb2hsl", &[form("src:T dst:T", pixels!(raw_rgb2hsl))]),
    func!("hsv2rgb", &[form("src:T dst:T", pixels!(raw_hsv2rgb))]),
    func!("hsl2rgb", &[form("src:T dst:T", pixels!(raw_hsl2rgb))]),
    func!("rgb2lab", &[form("src:T dst:T", floats!(raw_rgb2lab))]),
    func!("lab2rgb", &[form("src:T dst:T", floats!(raw_lab2rgb))]),
    func!("gaussian", &[form(GAUSSIAN, pixels!(gaussian))]),
    func!("vflip", &[form("dst:T src:T", pixels!(vflip))]),
    func!("hflip", &[form("dst:T src:T", pixels!(hflip))]),
    func!("flip", &[form("dst:T src:T dim:index", pixels!(place::flip))]),
    func!("colorize", &[form("dst:T src:T map:T", pixels!(filter::colorize))]),
    func!(
        "text",
        &[form(
            "x:T text:str left:long top:long size:long r:long g:long b:long paperR:long paperG:long \
             paperB:long wrap:long",
            pixels!(text)
        )]
    ),
    func!(
        "drawRect",
        &[form("x:T x1:long y1:long x2:long y2:long width:long r:long g:long b:long", pixels!(rectangle))]
    ),
];

/// The functions of a format: to load a file into a tensor, to decode bytes into one, to tell a file's sizes.
macro_rules! format {
    ($load:ident $decode:ident $size:ident $what:literal: |$w:ident, $data:ident, $bytes:ident| $f:expr, $of:path) => {
        fn $decode<T: Pixel>(img: &Tensor, data: &Tensor, depth: Option<f64>) -> Result<()> {
            let ($w, $bytes, data) = (concat!("image.decompress", $what), T::FULL > 1.0, load::bytes_of(data)?);
            let $data: &[u8] = &data;
            load::deliver::<T>($w, img, &$f?, depth)
        }
        fn $load<T: Pixel>(img: &Tensor, path: &[u8], depth: Option<f64>) -> Result<()> {
            let ($w, $bytes) = (concat!("image.load", $what), T::FULL > 1.0);
            let data = load::read_file($w, path)?;
            let $data: &[u8] = &data;
            load::deliver::<T>($w, img, &$f?, depth)
        }
        fn $size(path: &[u8]) -> Result<(usize, usize, usize)> {
            let what = concat!("image.get", $what, "size");
            let [c, h, w] = $of(what, &load::read_file(what, path)?)?;
            Ok((c, h, w))
        }
    };
}
format!(load_png decode_png size_png "PNG": |w, data, bytes| png::decode(w, data, bytes), png::size);
format!(load_jpg decode_jpg size_jpg "JPG": |w, data, _bytes| jpeg::decode(w, data), jpeg::size);
format!(load_ppm decode_ppm size_ppm "PPM": |w, data, _bytes| pnm::decode(w, data), pnm::size);

fn compress_png(x: &Tensor) -> Result<Tensor> {
    Tensor::from_slice(&png::encode("image.compressPNG", x)?)
}
fn compress_jpg(x: &Tensor, quality: i64) -> Result<Tensor> {
    Tensor::from_slice(&jpeg::encode("image.compressJPG", x, quality)?)
}
fn save_png(path: &[u8], x: &Tensor) -> Result<()> {
    load::write_file("image.savePNG", path, &png::encode("image.savePNG", x)?)
}
fn save_jpg(path: &[u8], x: &Tensor, quality: i64) -> Result<()> {
    load::write_file("image.saveJPG", path, &jpeg::encode("image.saveJPG", x, quality)?)
}
fn save_pnm(path: &[u8], x: &Tensor) -> Result<()> {
    load::write_file("image.savePPM", path, &pnm::encode("image.savePPM", x)?)
}

/// What `lua/image` is made from.
pub static PARTS: &[Op] = &[
    func!("laplacian", &[form(GAUSSIAN, floats!(laplacian))]),
    func!("loadPNG", &[form("*img:T path:str depth:num=nil", pixels!(load_png))]),
    func!("loadJPG", &[form("*img:T path:str depth:num=nil", pixels!(load_jpg))]),
    func!("loadPPM", &[form("*img:T path:str depth:num=nil", pixels!(load_ppm))]),
    func!("decompressPNG", &[form("*img:T data:Byte depth:num=nil", pixels!(decode_png))]),
    func!("decompressJPG", &[form("*img:T data:Byte depth:num=nil", pixels!(decode_jpg))]),
    func!("decompressPPM", &[form("*img:T data:Byte depth:num=nil", pixels!(decode_ppm))]),
    func!("getPNGsize", &[form("path:str", any!(size_png))]),
    func!("getJPGsize", &[form("path:str", any!(size_jpg))]),
    func!("getPPMsize", &[form("path:str", any!(size_ppm))]),
    func!("compressPNG", &[form("x:Byte", any!(compress_png))]),
    func!("compressJPG", &[form("x:Byte quality:long=75", any!(compress_jpg))]),
    func!("savePNG", &[form("path:str x:Byte", any!(save_png))]),
    func!("saveJPG", &[form("path:str x:Byte quality:long=75", any!(save_jpg))]),
    func!("savePPM", &[form("path:str x:Byte", any!(save_pnm))]),
];
