//! What the formats have in common: files, and the way from samples to tensors and back.

use super::{Pixel, build, colour};
use crate::atomic_file::AtomicFile;
use crate::demand;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::Element;
use crate::tensor::error::{Error, Result};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;

/// Most bytes that are read from what is no plain file.
const MOST_OF_STREAM: u64 = 1 << 28;

/// The samples of a picture, pixel by pixel.
pub enum Samples {
    /// Of eight bits.
    Bytes(Vec<u8>),
    /// Of sixteen bits.
    Words(Vec<u16>),
}

/// A picture as a file holds it.
pub struct Decoded {
    /// Channels, rows, columns.
    pub sizes: [usize; 3],
    /// `c * h * w` values, those of a pixel together.
    pub samples: Samples,
    /// The value of full intensity.
    pub full: f64,
}

fn path_of(name: &[u8]) -> Result<PathBuf> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Ok(PathBuf::from(std::ffi::OsStr::from_bytes(name)))
    }
    #[cfg(not(unix))]
    {
        let text = std::str::from_utf8(name).map_err(|_| Error::invalid("expected a file name in UTF-8"))?;
        Ok(PathBuf::from(text))
    }
}

/// The content of a file.
///
/// # Errors
/// A file that cannot be read.
pub fn read_file(what: &str, name: &[u8]) -> Result<Vec<u8>> {
    let path = path_of(name)?;
    let fail = |e: std::io::Error| Error::about(what, format!("cannot read <{}>: {e}", path.display()));
    let file = File::open(&path).map_err(fail)?;
    let about = file.metadata().map_err(fail)?;
    let most = if about.is_file() { about.len() } else { MOST_OF_STREAM };
    let mut data = Vec::new();
    file.take(most).read_to_end(&mut data).map_err(fail)?;
    Ok(data)
}

/// Writes a file whole or not at all: a failure leaves an older one as it was. What is no plain file (a device, a pipe)
/// is written to directly.
///
/// # Errors
/// A file that cannot be written.
pub fn write_file(what: &str, name: &[u8], data: &[u8]) -> Result<()> {
    let path = path_of(name)?;
    let write = || match AtomicFile::of(&path)? {
        Some((mut file, mut replacement)) => file.write_all(data).and_then(|()| replacement.finish(true)),
        None => fs::write(&path, data),
    };
    write().map_err(|e| Error::about(what, format!("cannot write <{}>: {e}", path.display())))
}

fn planar<T: Pixel, S: Copy>(sizes: [usize; 3], samples: &[S], value: impl Fn(S) -> T) -> Result<Tensor> {
    let [c, h, w] = sizes;
    let n = h * w;
    demand!(samples.len() >= c * n, "{} samples do not make an image of {c} x {h} x {w}", samples.len());
    build(&sizes, |out| {
        for (k, plane) in out.chunks_mut(n.max(1)).enumerate() {
            plane.iter_mut().zip(samples[k..].iter().step_by(c)).for_each(|(o, &v)| *o = value(v));
        }
        Ok(())
    })
}

/// Hands a picture to `img`, with values up to 1 unless it holds bytes. With a `depth` of 1 colours become luminance, a
/// matrix; with 3 grey becomes colours.
///
/// # Errors
/// Channels that cannot be turned into this depth, not enough memory.
pub fn deliver<T: Pixel>(what: &str, img: &Tensor, d: &Decoded, depth: Option<f64>) -> Result<()> {
    let factor = T::from_f64(1.0 / d.full);
    let scaled = |v: f64| if T::FULL > 1.0 { T::from_f64(v) } else { T::from_f64(v).mul(factor) };
    let all = match &d.samples {
        Samples::Bytes(b) => planar(d.sizes, b, |v| scaled(f64::from(v)))?,
        Samples::Words(w) => planar(d.sizes, w, |v| scaled(f64::from(v)))?,
    };
    let c = d.sizes[0];
    let fit = match depth.map(|d| d as i64) {
        Some(1) => match c {
            1 => all,
            2 => all.narrow(0, 0, 1)?,
            3 | 4 => colour::luminance::<T>(&all.narrow(0, 0, 3)?)?,
            _ => refuse!(in what, "cannot make a grey image of {c} channels"),
        },
        Some(3) => match c {
            3 => all,
            4 => all.narrow(0, 0, 3)?,
            1 => {
                let [_, h, w] = d.sizes;
                let grey = all.to_vec::<T>()?;
                build(&[3, h, w], |out| {
                    out.chunks_mut(grey.len().max(1)).for_each(|plane| plane.copy_from_slice(&grey));
                    Ok(())
                })?
            }
            _ => refuse!(in what, "cannot make a colour image of {c} channels"),
        },
        _ => all,
    };
    if img.class() == fit.class() { img.set(&fit) } else { super::give(img, &fit) }
}

/// The sizes of a tensor of bytes as a picture (channels, rows, columns), and its samples, those of a pixel together.
///
/// # Errors
/// Not a picture, not enough memory.
pub fn samples_of(x: &Tensor) -> Result<([usize; 3], Vec<u8>)> {
    let p = super::Picture::<u8>::of(x)?;
    let (n, data) = (p.h * p.w, p.data());
    if p.c == 1 {
        return Ok(([1, p.h, p.w], data.to_vec()));
    }
    let mut out = super::zeroes::<u8>(data.len())?;
    for (k, plane) in data.chunks(n.max(1)).enumerate() {
        out[k..].iter_mut().step_by(p.c).zip(plane).for_each(|(o, &v)| *o = v);
    }
    Ok(([p.c, p.h, p.w], out))
}

/// The elements of a tensor of bytes.
///
/// # Errors
/// Another element type.
pub fn bytes_of(x: &Tensor) -> Result<Vec<u8>> {
    check::dtype("the picture's bytes", x, u8::DTYPE)?;
    x.to_vec::<u8>()
}
