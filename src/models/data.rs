//! Elements of tensors to files and back, a piece at a time: no file needs more memory than its tensors.

use super::element::ElementType;
use crate::tensor::Tensor;
use crate::tensor::error::{Error, Result};
use crate::tensor::layout::Layout;
use crate::tensor::ops::copy;
use crate::tensor::storage::Storage;
use std::io::{self, Read, Write};

/// Elements copied at a time where a tensor's do not lie one after another.
const PIECE: usize = 1 << 18;
/// Bytes converted at a time.
const CHUNK: usize = 1 << 16;

/// An error of the system as one of ours.
pub fn failed(e: io::Error) -> Error {
    Error::invalid(match e.kind() {
        io::ErrorKind::UnexpectedEof => "the data ends too early".into(),
        _ => e.to_string(),
    })
}

/// Writes bytes whose elements have this size, as little-endian.
fn put(out: &mut dyn Write, data: &[u8], size: usize) -> io::Result<()> {
    if cfg!(target_endian = "little") || size == 1 {
        return out.write_all(data);
    }
    for piece in data.chunks(CHUNK) {
        let mut copy = piece.to_vec();
        copy.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        out.write_all(&copy)?;
    }
    Ok(())
}

/// Writes the elements of a tensor in row-major order, as little-endian.
///
/// # Errors
/// Those of the system; a tensor that reaches outside its storage or lies in a device's own memory.
pub fn write(out: &mut dyn Write, x: &Tensor) -> Result<()> {
    if x.numel() == 0 {
        return Ok(());
    }
    let size = x.dtype().size();
    if x.is_contiguous() {
        let storage = x.storage().ok_or_else(|| Error::invalid("the tensor has no storage"))?;
        return lent(out, &storage, x.offset(), x.numel(), size);
    }
    if x.numel() <= PIECE {
        return write(out, &copy::contiguous(x)?);
    }
    if x.ndim() > 1 {
        return (0..x.size(0)).try_for_each(|i| write(out, &x.select(0, i)?));
    }
    let starts = (0..x.size(0)).step_by(PIECE);
    starts.into_iter().try_for_each(|i| write(out, &x.narrow(0, i, PIECE.min(x.size(0) - i))?))
}

/// Writes all elements of a storage, as little-endian.
///
/// # Errors
/// As [`write()`].
pub fn write_storage(out: &mut dyn Write, storage: &Storage) -> Result<()> {
    lent(out, storage, 0, storage.len(), storage.dtype().size())
}

fn lent(out: &mut dyn Write, storage: &Storage, from: usize, n: usize, size: usize) -> Result<()> {
    let wanted = n.saturating_mul(size);
    storage
        .lend_bytes(from, n, |data| {
            if data.len() < wanted {
                return Err(io::Error::other("the tensor's elements are not all in host memory"));
            }
            put(out, data, size)
        })?
        .map_err(failed)
}

/// Reads elements into a storage of their type, whose length says how many.
///
/// # Errors
/// Those of the system; data that ends too early.
pub fn read(from: &mut dyn Read, kind: ElementType, big_endian: bool, into: &Storage) -> Result<()> {
    let swaps = |size: usize| size > 1 && big_endian != cfg!(target_endian = "big");
    let all = into.len();
    if kind.size() == kind.dtype().size() {
        return into
            .fill_bytes(0, all, |out| {
                from.read_exact(out)?;
                if swaps(kind.size()) {
                    out.chunks_exact_mut(kind.size()).for_each(<[u8]>::reverse);
                }
                Ok(())
            })?
            .map_err(failed);
    }
    let step = CHUNK / kind.size();
    let mut piece = vec![0; CHUNK];
    for first in (0..all).step_by(step) {
        let n = step.min(all - first);
        let source = &mut piece[..n * kind.size()];
        from.read_exact(source).map_err(failed)?;
        if big_endian {
            source.chunks_exact_mut(kind.size()).for_each(<[u8]>::reverse);
        }
        into.fill_bytes(first, n, |out| widen(kind, source, out))?;
    }
    Ok(())
}

/// Elements of a type that tensors do not have, little-endian, as those of the next wider one.
fn widen(kind: ElementType, source: &[u8], out: &mut [u8]) {
    let size = kind.size();
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |n, &b| n << 8 | u32::from(b));
    let pairs = source.chunks_exact(size).zip(out.chunks_exact_mut(kind.dtype().size()));
    match kind {
        ElementType::BF16 => pairs.for_each(|(s, o)| o.copy_from_slice(&(number(s) << 16).to_ne_bytes())),
        ElementType::U16 => pairs.for_each(|(s, o)| o.copy_from_slice(&number(s).to_ne_bytes())),
        _ => pairs.for_each(|(s, o)| o.copy_from_slice(&u64::from(number(s)).to_ne_bytes())),
    }
}

/// The bytes of so many elements of a file.
///
/// # Errors
/// More than can be counted.
pub fn bytes_of(kind: ElementType, sizes: &[usize]) -> Result<u64> {
    let count = sizes.iter().try_fold(kind.size() as u64, |n, &s| n.checked_mul(s as u64));
    count.ok_or_else(|| Error::invalid(format!("sizes {sizes:?} are more than can be counted")))
}

/// A new tensor with elements of a file. A file's number without dimensions is a tensor of one element, and one without
/// elements a tensor without dimensions: Torch7 has neither. `columns` says that the first index is the fastest.
///
/// # Errors
/// As [`read`]; too many dimensions; not enough memory. The caller has compared the sizes with the file's length.
pub fn read_tensor(
    from: &mut dyn Read,
    kind: ElementType,
    big_endian: bool,
    sizes: &[usize],
    columns: bool,
) -> Result<Tensor> {
    let sizes = if sizes.is_empty() { &[1] } else { sizes };
    if sizes.contains(&0) {
        return Ok(Tensor::empty(kind.dtype()));
    }
    let layout = Layout::contiguous(sizes)?;
    let storage = Storage::new(kind.dtype(), layout.numel())?;
    read(from, kind, big_endian, &storage)?;
    if !columns || sizes.len() == 1 {
        return Ok(Tensor::over(storage, layout));
    }
    let mut strides = vec![1isize; sizes.len()];
    for d in 1..sizes.len() {
        strides[d] = strides[d - 1] * sizes[d - 1] as isize;
    }
    copy::contiguous(&Tensor::over(storage, Layout::strided(0, sizes, &strides)?))
}

/// The sizes that a file gets: those of a tensor without dimensions are `[0]`.
pub fn sizes_of(x: &Tensor) -> Vec<usize> {
    if x.ndim() == 0 { vec![0] } else { x.layout().sizes().to_vec() }
}

/// The type that a tensor's elements have in a file.
pub fn type_of(x: &Tensor) -> ElementType {
    ElementType::Plain(x.dtype())
}
