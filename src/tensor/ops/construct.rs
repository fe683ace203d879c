//! Making tensors and storages from sizes, other storages, numbers and text; and what storages can do.

use crate::tensor::Tensor;
use crate::tensor::class::{Device, TensorClass};
use crate::tensor::dtype::Element;
use crate::tensor::error::{Error, Result};
use crate::tensor::layout::{Layout, MAX_DIMS};
use crate::tensor::storage::Storage;
use crate::{demand, refuse};

/// A tensor without elements, over an empty storage of its own.
pub fn empty(class: TensorClass) -> Result<Tensor> {
    Ok(Tensor::over(Storage::new(class, 0)?, Layout::EMPTY))
}

/// A zeroed tensor of these sizes and strides (negative: as for contiguous).
///
/// # Errors
/// As many strides as sizes are needed.
pub fn strided(class: TensorClass, sizes: &[usize], strides: &[isize]) -> Result<Tensor> {
    demand!(sizes.len() == strides.len(), "invalid stride: {} strides for {} sizes", strides.len(), sizes.len());
    let layout = Layout::strided(0, sizes, strides)?;
    Ok(Tensor::over(Storage::new(class, layout.extent()?)?, layout))
}

/// A tensor of one dimension over all of a storage from `offset` on (from 0).
///
/// # Errors
/// None today; sizes are counted.
pub fn over_all(s: &Storage) -> Result<Tensor> {
    let n = s.len();
    let layout = if n == 0 { Layout::EMPTY } else { Layout::contiguous(&[n])? };
    Ok(Tensor::over(s.clone(), layout))
}

/// A tensor over a storage, which grows where the view reaches further.
///
/// # Errors
/// Sizes and strides that do not belong together, not enough memory.
pub fn over(s: &Storage, offset: usize, sizes: &[usize], strides: &[isize]) -> Result<Tensor> {
    demand!(
        strides.is_empty() || strides.len() == sizes.len(),
        "inconsistent size and stride: {} sizes, {} strides",
        sizes.len(),
        strides.len()
    );
    let layout = Layout::strided(offset, sizes, strides)?;
    s.reserve(layout.extent()?)?;
    Ok(Tensor::over(s.clone(), layout))
}

/// Numbers given as pairs: sizes and strides alternate.
pub fn size_stride_pairs(list: &[i64]) -> Result<(Vec<usize>, Vec<isize>)> {
    let (mut sizes, mut strides) = (vec![], vec![]);
    for pair in list.chunks(2) {
        if pair[0] <= 0 {
            break;
        }
        demand!(sizes.len() < MAX_DIMS, "too many dimensions (at most {MAX_DIMS})");
        sizes.push(pair[0] as usize);
        strides.push(pair.get(1).map_or(-1, |&s| s as isize));
    }
    Ok((sizes, strides))
}

/// A tensor with these sizes and a copy of these numbers, converted.
///
/// # Errors
/// Not enough memory.
pub fn from_numbers<T: Element>(device: Device, sizes: &[usize], data: &[f64]) -> Result<Tensor> {
    if data.is_empty() {
        return empty(TensorClass { dtype: T::DTYPE, device });
    }
    let data: Vec<T> = data.iter().map(|&v| T::from_f64(v)).collect();
    Ok(Tensor::over(Storage::from_slice_on(device, &data)?, Layout::contiguous(sizes)?))
}

/// A storage of `n` zeros.
///
/// # Errors
/// A negative number, not enough memory.
pub fn storage(class: TensorClass, n: i64) -> Result<Storage> {
    match usize::try_from(n) {
        Ok(n) => Storage::new(class, n),
        Err(_) => refuse!("cannot make a storage of {n} elements"),
    }
}

/// A storage with these numbers, converted.
///
/// # Errors
/// Not enough memory.
pub fn storage_of<T: Element>(device: Device, data: &[f64]) -> Result<Storage> {
    Storage::from_slice_on(device, &data.iter().map(|&v| T::from_f64(v)).collect::<Vec<T>>())
}

/// Sets all elements of a storage.
///
/// # Errors
/// None today.
pub fn storage_fill<T: Element>(s: &Storage, v: T) -> Result<()> {
    for i in 0..s.len() {
        s.set(i, v);
    }
    Ok(())
}

/// Copies a storage over another of the same length, or the beginning of a longer one of another type.
///
/// # Errors
/// Another number of elements.
pub fn storage_copy(dst: &Storage, src: &Storage) -> Result<()> {
    let exact = dst.dtype() == src.dtype() || src.dtype() == crate::tensor::dtype::DType::Half;
    let fits = if exact { dst.len() == src.len() } else { dst.len() <= src.len() };
    demand!(fits, "size mismatch, {} and {} elements", dst.len(), src.len());
    if dst.is_empty() {
        return Ok(());
    }
    let first = over_all(src)?;
    super::copy::copy(&over_all(dst)?, &first.with_layout(first.layout().narrow(0, 0, dst.len())?))
}

/// Changes a storage's number of elements.
///
/// # Errors
/// A negative number, not enough memory.
pub fn storage_resize(s: &Storage, n: i64) -> Result<()> {
    match usize::try_from(n) {
        Ok(n) => s.resize(n),
        Err(_) => Err(Error::invalid(format!("cannot have {n} elements"))),
    }
}
