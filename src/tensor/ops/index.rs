//! Elements picked by number or mask.

use crate::tensor::Tensor;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::{Error, Kind, Result};
use crate::tensor::walk::{for_each, for_each_ptr};
use crate::{demand, refuse};

fn mask_bits(op: &str, x: &Tensor, mask: &Tensor) -> Result<Vec<u8>> {
    demand!(
        x.numel() == mask.numel(),
        "{op}: sizes do not match: {} elements and a mask of {}",
        x.numel(),
        mask.numel()
    );
    let bits = mask.to_vec::<u8>()?;
    demand!(bits.iter().all(|&b| b < 2), "{op}: mask tensor can take 0 and 1 values only");
    Ok(bits)
}

/// The elements where the mask is 1, in one dimension.
///
/// # Errors
/// A mask with another number of elements, or with other values than 0 and 1.
pub fn masked_select<T: Element>(res: &Tensor, x: &Tensor, mask: &Tensor) -> Result<()> {
    let bits = mask_bits("maskedSelect", x, mask)?;
    let count = bits.iter().map(|&b| usize::from(b)).sum();
    if let Some((from, n)) = x.flat::<T>()? {
        // SAFETY: n elements lie there, and nothing writes while this reads.
        let from = unsafe { std::slice::from_raw_parts(from, n) };
        return write_list(res, &chosen(from, &bits, count));
    }
    let mut out = Vec::with_capacity(count);
    let mut i = 0;
    for_each(&x.view::<T>()?, |v| {
        if bits[i] != 0 {
            out.push(v);
        }
        i += 1;
    });
    write_list(res, &out)
}

/// The `count` values whose bit is 1. Each is written and then kept or not, so that no branch depends on the bits.
fn chosen<T: Element>(from: &[T], bits: &[u8], count: usize) -> Vec<T> {
    let mut out = vec![T::default(); count + 1];
    let mut k = 0;
    for (&v, &b) in from.iter().zip(bits) {
        out[k] = v;
        k += usize::from(b);
    }
    out.truncate(count);
    out
}

/// Makes the result a vector of these values; no value leaves it without dimensions.
fn write_list<T: Element>(res: &Tensor, values: &[T]) -> Result<()> {
    if values.is_empty() {
        return res.resize(&[]);
    }
    res.resize(&[values.len()])?;
    if let Some((to, n)) = res.flat::<T>()? {
        // SAFETY: n elements lie there; the values are no part of a storage.
        unsafe { std::slice::from_raw_parts_mut(to, n) }.copy_from_slice(&values[..n]);
        return Ok(());
    }
    let mut i = 0;
    for_each_ptr(&res.view::<T>()?, |p| {
        // SAFETY: the walk stays inside the view.
        unsafe { p.write(values[i]) };
        i += 1;
    });
    Ok(())
}

/// Writes `v` where the mask is 1.
///
/// # Errors
/// As [`masked_select`].
pub fn masked_fill<T: Element>(x: &Tensor, mask: &Tensor, v: T) -> Result<()> {
    let bits = mask_bits("maskedFill", x, mask)?;
    let mut i = 0;
    for_each_ptr(&x.view::<T>()?, |p| {
        if bits[i] != 0 {
            // SAFETY: the walk stays inside the view.
            unsafe { p.write(v) };
        }
        i += 1;
    });
    Ok(())
}

/// Writes the source's elements one after another where the mask is 1.
///
/// # Errors
/// As [`masked_select`], and a source with too few elements.
pub fn masked_copy<T: Element>(x: &Tensor, mask: &Tensor, src: &Tensor) -> Result<()> {
    let bits = mask_bits("maskedCopy", x, mask)?;
    let wanted = bits.iter().filter(|&&b| b != 0).count();
    let values = src.to_vec::<T>()?;
    demand!(values.len() >= wanted, "maskedCopy: {wanted} elements are wanted, the source has {}", values.len());
    let (mut i, mut k) = (0, 0);
    for_each_ptr(&x.view::<T>()?, |p| {
        if bits[i] != 0 {
            // SAFETY: the walk stays inside the view.
            unsafe { p.write(values[k]) };
            k += 1;
        }
        i += 1;
    });
    Ok(())
}

/// Indices from 1 as offsets, checked.
fn indices(op: &'static str, list: &Tensor, size: usize, d: usize) -> Result<Vec<usize>> {
    demand!(list.ndim() == 1, "{op}: index is supposed to be a vector, got a {}D tensor", list.ndim());
    let check = |&i: &i64| match usize::try_from(i - 1) {
        Ok(k) if k < size => Ok(k),
        _ => Err(Error::from(Kind::Index { op, index: i, dim: d + 1, size })),
    };
    list.to_vec::<i64>()?.iter().map(check).collect()
}

fn has_dim(op: &'static str, x: &Tensor, d: usize) -> Result<()> {
    if d < x.ndim() { Ok(()) } else { Err(Error::from(Kind::Dimension { op, dim: d as i64 + 1, ndim: x.ndim() })) }
}

/// The slice at `k` of dimension `d`; a single element of a vector stays a vector.
fn slice(x: &Tensor, d: usize, k: usize) -> Result<Tensor> {
    Ok(x.with_layout(x.layout().narrow(d, k, 1)?))
}

/// Slices of dimension `d` in the order of the list.
///
/// # Errors
/// A dimension or index that is not there.
pub fn index<T: Element>(res: &Tensor, x: &Tensor, d: usize, list: &Tensor) -> Result<()> {
    has_dim("index", x, d)?;
    let places = indices("index", list, x.size(d), d)?;
    let mut sizes = x.layout().sizes().to_vec();
    sizes[d] = places.len();
    let source = x.clone();
    let out = if res.storage().zip(x.storage()).is_some_and(|(a, b)| a.same(&b)) {
        Tensor::empty(T::DTYPE)
    } else {
        res.clone()
    };
    out.resize(&sizes)?;
    if out.ndim() == 1 {
        let values: Vec<T> = source.to_vec()?;
        write_list(&out, &places.iter().map(|&k| values[k]).collect::<Vec<T>>())?;
    } else {
        for (i, &k) in places.iter().enumerate() {
            super::copy::copy(&slice(&out, d, i)?, &slice(&source, d, k)?)?;
        }
    }
    res.set(&out)
}

/// Copies the source's slices over those at the listed places.
///
/// # Errors
/// A dimension or index that is not there, a source of another size.
pub fn index_copy<T: Element>(x: &Tensor, d: usize, list: &Tensor, src: &Tensor) -> Result<()> {
    for (i, k) in places_for("indexCopy", x, d, list, src)?.into_iter().enumerate() {
        super::copy::copy(&slice(x, d, k)?, &slice(src, d, i)?)?;
    }
    Ok(())
}

/// Adds the source's slices to those at the listed places.
///
/// # Errors
/// As [`index_copy`].
pub fn index_add<T: Real>(x: &Tensor, d: usize, list: &Tensor, src: &Tensor) -> Result<()> {
    for (i, k) in places_for("indexAdd", x, d, list, src)?.into_iter().enumerate() {
        let part = slice(x, d, k)?;
        super::arith::add_scaled(&part, &part, T::ONE, &slice(src, d, i)?)?;
    }
    Ok(())
}

fn places_for(op: &'static str, x: &Tensor, d: usize, list: &Tensor, src: &Tensor) -> Result<Vec<usize>> {
    has_dim(op, x, d)?;
    has_dim(op, src, d)?;
    let places = indices(op, list, x.size(d), d)?;
    demand!(
        places.len() == src.size(d),
        "{op}: number of indices ({}) should be equal to source:size(dim) ({})",
        places.len(),
        src.size(d)
    );
    Ok(places)
}

/// Fills the slices at the listed places.
///
/// # Errors
/// A dimension or index that is not there.
pub fn index_fill<T: Element>(x: &Tensor, d: usize, list: &Tensor, v: T) -> Result<()> {
    has_dim("indexFill", x, d)?;
    for k in indices("indexFill", list, x.size(d), d)? {
        crate::tensor::map::fill(&slice(x, d, k)?, v)?;
    }
    Ok(())
}

/// Where a multi-index leads: the storage distance of each logical element of `shape`, with dimension `d` replaced.
fn gather_like<T: Element>(
    op: &'static str,
    shape: &Tensor,
    other: &Tensor,
    d: usize,
    list: &Tensor,
    mut f: impl FnMut(*mut T, *mut T),
) -> Result<()> {
    has_dim(op, shape, d)?;
    demand!(
        other.ndim() == shape.ndim() && list.ndim() == shape.ndim(),
        "{op}: expected tensors with the same number of dimensions, got {}, {} and {}",
        shape.ndim(),
        other.ndim(),
        list.ndim()
    );
    for k in 0..shape.ndim() {
        if list.size(k) != shape.size(k) || (k != d && other.size(k) != shape.size(k)) {
            refuse!(
                "{op}: sizes {}, {} and {} do not fit together",
                shape.shape_text(),
                other.shape_text(),
                list.shape_text()
            );
        }
    }
    let (s, o) = (shape.view::<T>()?, other.view::<T>()?);
    let mut at = vec![0usize; shape.ndim()];
    for i in list.to_vec::<i64>()? {
        let k = usize::try_from(i - 1).ok().filter(|&k| k < other.size(d));
        let k = k.ok_or_else(|| Error::from(Kind::Index { op, index: i, dim: d + 1, size: other.size(d) }))?;
        let (mut a, mut b) = (0, 0);
        for (q, &p) in at.iter().enumerate() {
            a += p as isize * s.layout.strides()[q];
            b += if q == d { k } else { p } as isize * o.layout.strides()[q];
        }
        f(s.ptr.wrapping_offset(a), o.ptr.wrapping_offset(b));
        for q in (0..at.len()).rev() {
            at[q] += 1;
            if at[q] < shape.size(q) {
                break;
            }
            at[q] = 0;
        }
    }
    Ok(())
}

/// `res[i][j] = x[index[i][j]][j]` along dimension `d`.
///
/// # Errors
/// Sizes that do not fit, an index that is not there.
pub fn gather<T: Element>(res: &Tensor, x: &Tensor, d: usize, list: &Tensor) -> Result<()> {
    gather_like::<T>("gather", res, x, d, list, |r, x| {
        // SAFETY: both lie inside their views: coordinates are below the sizes.
        unsafe { *r = *x }
    })
}

/// As [`gather`], with a result that takes the index's sizes.
///
/// # Errors
/// As [`gather`].
pub fn gather_fresh<T: Element>(x: &Tensor, d: usize, list: &Tensor) -> Result<Tensor> {
    let res = Tensor::new(T::DTYPE, list.layout().sizes())?;
    gather::<T>(&res, x, d, list)?;
    Ok(res)
}

/// `x[index[i][j]][j] = src[i][j]` along dimension `d`.
///
/// # Errors
/// As [`gather`].
pub fn scatter<T: Element>(x: &Tensor, d: usize, list: &Tensor, src: &Tensor) -> Result<()> {
    gather_like::<T>("scatter", src, x, d, list, |s, x| {
        // SAFETY: as in `gather`.
        unsafe { *x = *s }
    })
}

/// `x[index[i][j]][j] = v` along dimension `d`.
///
/// # Errors
/// As [`gather`].
pub fn scatter_fill<T: Element>(x: &Tensor, d: usize, list: &Tensor, v: T) -> Result<()> {
    let src = Tensor::new(T::DTYPE, list.layout().sizes())?;
    crate::tensor::map::fill(&src, v)?;
    scatter::<T>(x, d, list, &src)
}

/// The coordinates (from 1) of the elements that are not 0: a matrix with a row for each.
///
/// # Errors
/// A view outside its storage.
pub fn nonzero<T: Element>(res: &Tensor, x: &Tensor) -> Result<()> {
    let n = x.ndim();
    let mut rows: Vec<i64> = vec![];
    let mut at = vec![0usize; n];
    for_each(&x.view::<T>()?, |v| {
        if v != T::default() {
            rows.extend(at.iter().map(|&p| p as i64 + 1));
        }
        for q in (0..n).rev() {
            at[q] += 1;
            if at[q] < x.size(q) {
                break;
            }
            at[q] = 0;
        }
    });
    if rows.is_empty() {
        return res.resize(&[]);
    }
    let count = rows.len() / n;
    write_list(res, &rows)?;
    res.resize(&[count, n])
}
