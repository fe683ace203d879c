//! PNG, through the crate `png`.

use super::load::{Decoded, Samples, samples_of};
use crate::demand;
use crate::refuse;
use crate::tensor::Tensor;
use crate::tensor::error::{Error, Result};
use crate::tensor::storage::room;
use png::{BitDepth, ColorType, Decoder, Limits, Reader, Transformations};
use std::io::Cursor;

/// Deflate makes nothing smaller than this part.
const RATIO: u128 = 1032;

type Source<'a> = Reader<Cursor<&'a [u8]>>;

fn open<'a>(what: &str, data: &'a [u8]) -> Result<Source<'a>> {
    let bad =
        |e: png::DecodingError| Error::about(what, format!("Error during init_io: not a PNG that can be read: {e}"));
    demand!(data.starts_with(b"\x89PNG\r\n\x1a\n"), in what, "expected a PNG, got something else");
    // the sizes in the header, before anything is allocated for them
    let number = |at: usize| data.get(at..at + 4).map(|b| b.iter().fold(0u128, |n, &b| n << 8 | u128::from(b)));
    let (w, h, bits) = (number(16), number(20), data.get(24).map(|&b| u128::from(b)));
    let (Some(w), Some(h), Some(bits)) = (w, h, bits) else { refuse!(in what, "the PNG ends within its header") };
    let most = (data.len() as u128 + 64) * RATIO;
    demand!(w * h * bits.max(1) / 8 <= most, in what, "the PNG claims {w} x {h} pixels, but is too short for them");
    let mut decoder = Decoder::new_with_limits(Cursor::new(data), Limits { bytes: usize::MAX });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(bad)?;
    let small = (info.bit_depth as u8) < 8 || info.color_type == ColorType::Indexed;
    decoder.set_transformations(if small { Transformations::EXPAND } else { Transformations::IDENTITY });
    decoder.read_info().map_err(bad)
}

/// Samples of a pixel.
fn channels(colour: ColorType) -> usize {
    colour.samples()
}

/// Reads a PNG. Palettes become colours, few bits become eight; with `bytes` sixteen bits become their higher eight.
///
/// # Errors
/// Not a PNG, a damaged one, not enough memory.
pub fn decode(what: &str, data: &[u8], bytes: bool) -> Result<Decoded> {
    let mut reader = open(what, data)?;
    let (own, depth, w, h) = {
        let i = reader.info();
        (i.color_type, i.bit_depth, i.width as usize, i.height as usize)
    };
    let size = reader.output_buffer_size().unwrap_or(usize::MAX);
    let mut buffer = room::<u8>(size)?;
    buffer.resize(size, 0);
    let bad = |e: png::DecodingError| Error::about(what, format!("a damaged PNG: {e}"));
    let out = reader.next_frame(&mut buffer).map_err(bad)?;
    buffer.truncate(out.buffer_size());
    // an alpha that the expansion adds is not part of the picture
    let c = if own == ColorType::Indexed { 3 } else { channels(own) };
    let there = channels(out.color_type);
    let wide = out.bit_depth == BitDepth::Sixteen;
    if there > c {
        let unit = if wide { 2 } else { 1 };
        let mut at = 0;
        buffer.retain(|_| {
            at += 1;
            (at - 1) / unit % there < c
        });
    }
    let full = if depth == BitDepth::Sixteen { 65535.0 } else { 255.0 };
    let pairs = buffer.chunks_exact(2);
    let samples = match (wide, bytes) {
        (true, true) => Samples::Bytes(pairs.map(|p| p[0]).collect()),
        (true, false) => Samples::Words(pairs.map(|p| u16::from_be_bytes([p[0], p[1]])).collect()),
        _ => Samples::Bytes(buffer),
    };
    Ok(Decoded { sizes: [c, h, w], samples, full })
}

/// Channels, rows and columns of a PNG.
///
/// # Errors
/// Not a PNG, one with a palette.
pub fn size(what: &str, data: &[u8]) -> Result<[usize; 3]> {
    let reader = open(what, data)?;
    let i = reader.info();
    demand!(i.color_type != ColorType::Indexed, in what, "the PNG has a palette, which has no number of channels");
    Ok([channels(i.color_type), i.height as usize, i.width as usize])
}

/// Writes a picture of 1, 3 or 4 channels as PNG.
///
/// # Errors
/// Other sizes.
pub fn encode(what: &str, x: &Tensor) -> Result<Vec<u8>> {
    let ([c, h, w], data) = samples_of(x)?;
    let colour = match c {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        4 => ColorType::Rgba,
        _ => refuse!(in what, "expected an image of 1, 3 or 4 channels, got {}", x.shape_text()),
    };
    let (Ok(w), Ok(h)) = (u32::try_from(w), u32::try_from(h)) else {
        refuse!(in what, "an image of {w} x {h} is too large for a PNG")
    };
    let bad = |e: png::EncodingError| Error::about(what, e);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, w, h);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(bad)?;
    writer.write_image_data(&data).map_err(bad)?;
    writer.finish().map_err(bad)?;
    Ok(out)
}
