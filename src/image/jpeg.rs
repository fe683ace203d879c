//! JPEG, through the crates `zune-jpeg` and `jpeg-encoder`.

use super::load::{Decoded, Samples, samples_of};
use crate::demand;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::error::{Error, Result};
use crate::tensor::storage::room;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Most pixels of a side.
const SIDE: usize = 65535;

type Source<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

fn open<'a>(what: &str, data: &'a [u8]) -> Result<(Source<'a>, [usize; 3])> {
    demand!(data.starts_with(b"\xff\xd8\xff"), in what, "expected a JPEG, got something else");
    let options = DecoderOptions::default().set_max_width(SIDE).set_max_height(SIDE).set_strict_mode(false);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    let bad = |e| Error::about(what, format!("not a JPEG that can be read: {e:?}"));
    decoder.decode_headers().map_err(bad)?;
    let info = decoder.info().ok_or_else(|| Error::about(what, "the JPEG ends within its header"))?;
    let (w, h) = (usize::from(info.width), usize::from(info.height));
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let space = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    Ok((decoder, [if grey { 1 } else { 3 }, h, w]))
}

/// Reads a JPEG: grey or colours.
///
/// # Errors
/// Not a JPEG, a damaged one, not enough memory.
pub fn decode(what: &str, data: &[u8]) -> Result<Decoded> {
    let (mut decoder, sizes) = open(what, data)?;
    let [c, h, w] = sizes;
    // each block of 8 x 8 takes a bit at least
    let blocks = w.div_ceil(8) * h.div_ceil(8);
    demand!(blocks / 8 <= data.len() + 512, in what, "the JPEG claims {w} x {h} pixels, but is too short for them");
    drop(room::<i32>(w * h * 3)?);
    let size = decoder.output_buffer_size().unwrap_or(0).max(c * h * w);
    let mut buffer = room::<u8>(size)?;
    buffer.resize(size, 0);
    decoder.decode_into(&mut buffer).map_err(|e| Error::about(what, format!("a damaged JPEG: {e:?}")))?;
    Ok(Decoded { sizes, samples: Samples::Bytes(buffer), full: 255.0 })
}

/// Channels, rows and columns of a JPEG.
///
/// # Errors
/// Not a JPEG.
pub fn size(what: &str, data: &[u8]) -> Result<[usize; 3]> {
    Ok(open(what, data)?.1)
}

/// Writes a picture of 1 or 3 channels as JPEG, of a quality from 0 to 100.
///
/// # Errors
/// Other sizes, another quality.
pub fn encode(what: &str, x: &Tensor, quality: i64) -> Result<Vec<u8>> {
    demand!((0..=100).contains(&quality), in what, "expected a quality from 0 to 100, got {quality}");
    let ([c, h, w], data) = samples_of(x)?;
    let colour = match c {
        1 => jpeg_encoder::ColorType::Luma,
        3 => jpeg_encoder::ColorType::Rgb,
        _ => refuse!(in what, "expected an image of 1 or 3 channels, got {}", x.shape_text()),
    };
    let (Ok(w), Ok(h)) = (u16::try_from(w), u16::try_from(h)) else {
        refuse!(in what, "an image of {w} x {h} is too large for a JPEG, whose sides have {SIDE} pixels at most")
    };
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, (quality as u8).max(1));
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(&data, w, h, colour).map_err(|e| Error::about(what, e))?;
    Ok(out)
}
