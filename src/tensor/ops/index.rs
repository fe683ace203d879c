//! Elements picked by number or mask.

use crate::tensor::Tensor;
use crate::tensor::access::{Bundles, Dest, LinesDest, LinesSource, Source, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::{Error, Kind, Result};
use crate::tensor::layout::Layout;
use crate::tensor::simd::vectorize;
use crate::tensor::walk::{Cursor, update, walk};
use crate::{demand, refuse};
use std::cell::Cell;

/// The mask's elements, and how many are 1.
fn mask_bits(op: &str, x: &Tensor, mask: &Tensor) -> Result<(Source<u8>, usize)> {
    demand!(
        x.numel() == mask.numel(),
        in op, "sizes do not match: {} elements and a mask of {}",
        x.numel(),
        mask.numel()
    );
    let bits = Source::<u8>::apart(mask, &[x])?;
    let (all, count) = vectorize(
        #[inline(always)]
        || {
            let all = bits.iter().fold(0, |all, &b| all | b);
            // sums of few bits fit a byte, and bytes are added many at once
            let count = |few: &[u8]| usize::from(few.iter().fold(0u8, |n, &b| n.wrapping_add(b)));
            (all, bits.chunks(255).map(count).sum::<usize>())
        },
    );
    demand!(all < 2, in op, "mask tensor can take 0 and 1 values only");
    Ok((bits, count))
}

/// The elements where the mask is 1, in one dimension.
///
/// # Errors
/// A mask with another number of elements, or with other values than 0 and 1.
pub fn masked_select<T: Element>(res: &Tensor, x: &Tensor, mask: &Tensor) -> Result<()> {
    let (bits, count) = mask_bits("maskedSelect", x, mask)?;
    let from = Source::<T>::of(x)?;
    if count == 0 {
        drop((bits, from));
        return res.resize(&[]);
    }
    choose(&from, &bits, &mut Dest::<T>::new(res, &[count])?);
    Ok(())
}

/// Writes the values whose bit is 1, as many as `to` has room for. Each is written and then kept or not, so that no branch
/// depends on the bits.
fn choose<T: Element>(from: &[T], bits: &[u8], to: &mut [T]) {
    let last = bits.iter().rposition(|&b| b == 1).map_or(0, |at| at + 1);
    let mut k = 0;
    for (&v, &b) in from.iter().zip(&bits[..last]) {
        // there always is one
        if let Some(to) = to.get_mut(k) {
            *to = v;
        }
        k += usize::from(b);
    }
}

/// Makes the result a vector of these values; no value leaves it without dimensions.
fn write_list<T: Element>(res: &Tensor, values: &[T]) -> Result<()> {
    if values.is_empty() {
        return res.resize(&[]);
    }
    Dest::<T>::new(res, &[values.len()])?.copy_from_slice(values);
    Ok(())
}

/// Writes `v` where the mask is 1.
///
/// # Errors
/// As [`masked_select`].
pub fn masked_fill<T: Element>(x: &Tensor, mask: &Tensor, v: T) -> Result<()> {
    let (bits, _) = mask_bits("maskedFill", x, mask)?;
    if x.is_contiguous() {
        let (mut all, bits) = (Dest::<T>::update(x)?, &*bits);
        share_rows(&mut all, 1, 1, |start, x| {
            let bits = &bits[start..start + x.len()];
            vectorize(
                #[inline(always)]
                move || {
                    // through a tile: an element stored where it was loaded becomes a branch, which nobody can predict
                    let mut tile = [v; 64];
                    for (x, bits) in x.chunks_mut(64).zip(bits.chunks(64)) {
                        for ((t, &x), &b) in tile.iter_mut().zip(&*x).zip(bits) {
                            *t = if b != 0 { v } else { x };
                        }
                        x.copy_from_slice(&tile[..x.len()]);
                    }
                },
            );
        });
        return Ok(());
    }
    let mut i = 0;
    update(x, |old| {
        i += 1;
        if bits[i - 1] != 0 { v } else { old }
    })
}

/// Writes the source's elements one after another where the mask is 1.
///
/// # Errors
/// As [`masked_select`], and a source with too few elements.
pub fn masked_copy<T: Element>(x: &Tensor, mask: &Tensor, src: &Tensor) -> Result<()> {
    let (bits, wanted) = mask_bits("maskedCopy", x, mask)?;
    demand!(src.numel() >= wanted, "{wanted} elements are wanted, the source has {}", src.numel());
    if wanted == 0 {
        return Ok(());
    }
    let values = Source::<T>::apart(src, &[x])?;
    let (mut i, mut k) = (0, 0);
    update(x, |old| {
        // no branch depends on the bits: the next value is read in any case, and kept or not
        let (next, bit) = (values[k.min(wanted - 1)], usize::from(bits[i] & 1));
        k += bit;
        i += 1;
        [old, next][bit]
    })
}

/// Indices from 1 as offsets, checked.
fn indices(op: &'static str, list: &Tensor, size: usize, d: usize) -> Result<Vec<usize>> {
    check::rank("a vector of indices", list, 1)?;
    let list = Source::<i64>::of(list)?;
    within(op, &list, size, d)?;
    Ok(list.iter().map(|&i| i as usize - 1).collect())
}

/// Fails where an index is not in `1..=size`.
fn within(op: &'static str, list: &[i64], size: usize, d: usize) -> Result<()> {
    let outside = move |i: i64| i.wrapping_sub(1) as u64 >= size as u64;
    let any = vectorize(
        #[inline(always)]
        move || list.iter().fold(false, |any, &i| any | outside(i)),
    );
    match list.iter().find(|&&i| any && outside(i)) {
        Some(&index) => Err(Error::from(Kind::Index { op, index, dim: d + 1, size })),
        None => Ok(()),
    }
}

fn has_dim(op: &'static str, x: &Tensor, d: usize) -> Result<()> {
    check::dimension(op, d, x.ndim())
}

/// The slice at `k` of dimension `d`; a single element of a vector stays a vector.
fn slice(x: &Tensor, d: usize, k: usize) -> Result<Tensor> {
    Ok(x.with_layout(x.layout().narrow(d, k, 1)?))
}

/// Slices of the first dimension, of a tensor without gaps.
fn pick_rows<T: Element>(out: &Tensor, sizes: &[usize], source: &Tensor, places: &[usize]) -> Result<()> {
    let from = Source::<T>::of(source)?;
    let mut to = Dest::<T>::new(out, sizes)?;
    let width: usize = sizes[1..].iter().product();
    share_rows(&mut to, width, width, |first, rows| {
        for (to, &k) in rows.chunks_exact_mut(width).zip(&places[first..]) {
            to.copy_from_slice(&from[k * width..][..width]);
        }
    });
    Ok(())
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
    let out = if res.shares_memory(x) { Tensor::empty(res.class()) } else { res.clone() };
    if d == 0 && source.is_contiguous() {
        pick_rows::<T>(&out, &sizes, &source, &places)?;
    } else if d + 1 == sizes.len() {
        pick_from_lines::<T>(&out, &sizes, &source, &places)?;
    } else {
        out.resize_for_result(&sizes)?;
        for (i, &k) in places.iter().enumerate() {
            super::copy::copy(&slice(&out, d, i)?, &slice(&source, d, k)?)?;
        }
    }
    res.set(&out)
}

/// The elements at `places` of each line along the last dimension.
fn pick_from_lines<T: Element>(out: &Tensor, sizes: &[usize], x: &Tensor, places: &[usize]) -> Result<()> {
    let last = x.ndim() - 1;
    let from = LinesSource::<T>::of(x, last)?;
    let mut to = LinesDest::<T>::new(out, sizes, last)?;
    share((from.view(), to.view()), places.len(), |_, lines| {
        lines.each_bundle(usize::MAX, |(from, mut to)| {
            for i in 0..from.rows() {
                match from.row(i) {
                    Some(line) => to.values_mut(i).zip(places).for_each(|(to, &k)| *to = line[k]),
                    None => to.values_mut(i).zip(places).for_each(|(to, &k)| *to = from.get(i, k)),
                }
            }
        });
    });
    Ok(())
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
        super::arithmetic::add_scaled(&part, &part, T::ONE, &slice(src, d, i)?)?;
    }
    Ok(())
}

fn places_for(op: &'static str, x: &Tensor, d: usize, list: &Tensor, src: &Tensor) -> Result<Vec<usize>> {
    has_dim(op, x, d)?;
    has_dim(op, src, d)?;
    let places = indices(op, list, x.size(d), d)?;
    demand!(
        places.len() == src.size(d),
        in op, "number of indices ({}) should be equal to source:size(dim) ({})",
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

/// Calls `f` with each element of `shape` and that of `other` which its multi-index leads to, with dimension `d` from the list.
/// The two may be one.
fn gather_like<T: Element>(
    op: &'static str,
    shape: &Tensor,
    other: &Tensor,
    d: usize,
    list: &Tensor,
    f: impl Fn(&Cell<T>, &Cell<T>),
) -> Result<()> {
    has_dim(op, shape, d)?;
    demand!(
        other.ndim() == shape.ndim() && list.ndim() == shape.ndim(),
        in op, "expected tensors with the same number of dimensions, got {}, {} and {}",
        shape.ndim(),
        other.ndim(),
        list.ndim()
    );
    for k in 0..shape.ndim() {
        if list.size(k) != shape.size(k) || (k != d && other.size(k) != shape.size(k)) {
            refuse!(
                in op, "sizes {}, {} and {} do not fit together",
                shape.shape_text(),
                other.shape_text(),
                list.shape_text()
            );
        }
    }
    let (s, o) = (shape.view_mut::<T>()?, other.view_mut::<T>()?);
    // what is written must not change what is read
    let list = super::copy::apart(list, &[shape, other])?;
    within(op, &Source::<i64>::of(&list)?, other.size(d), d)?;
    let l = list.view::<i64>()?;
    let last = shape.ndim() - 1;
    // lines along the last dimension; the other tensor's place along `d` comes from the list alone
    let base = if last == d { 0 } else { o.strides()[last] };
    let heads = [s.layout().narrow(last, 0, 1)?, l.layout().narrow(last, 0, 1)?, {
        let mut sizes = s.layout().sizes().to_vec();
        let mut strides = o.strides().to_vec();
        (sizes[last], strides[d]) = (1, 0);
        Layout::strided(0, &sizes, &strides)?
    }];
    let (ss, ls, along) = (s.strides()[last], l.strides()[last], o.strides()[d]);
    let (s, l, o) = (s.elements(), l.elements(), o.elements());
    let width = shape.size(last) as isize;
    let mut c = heads.each_ref().map(|l| Cursor::new(l, 0));
    let apart = c.each_ref().map(Cursor::stride);
    walk(&mut c, heads[0].numel(), &mut |at, run| {
        for i in 0..run as isize {
            let [s_at, l_at, o_at] = [0, 1, 2].map(|q| at[q] + i * apart[q]);
            for j in 0..width {
                // SAFETY: element j of the line, inside the list, and with that an element of each view, since coordinates
                // are below the sizes. Nobody has a reference to them but as cells.
                let (own, others) = unsafe {
                    let k = *l.at(l_at + j * ls) - 1;
                    let others = o.at(o_at + j * base + k as isize * along);
                    (&*s.at(s_at + j * ss).cast(), &*others.cast())
                };
                f(own, others);
            }
        }
    });
    Ok(())
}

/// `res[i][j] = x[index[i][j]][j]` along dimension `d`.
///
/// # Errors
/// Sizes that do not fit, an index that is not there.
pub fn gather<T: Element>(res: &Tensor, x: &Tensor, d: usize, list: &Tensor) -> Result<()> {
    gather_like::<T>("gather", res, x, d, list, |r, x| r.set(x.get()))
}

/// As [`gather`], with a result that takes the index's sizes.
///
/// # Errors
/// As [`gather`].
pub fn gather_fresh<T: Element>(x: &Tensor, d: usize, list: &Tensor) -> Result<Tensor> {
    let res = Tensor::new(x.class(), list.layout().sizes())?;
    gather::<T>(&res, x, d, list)?;
    Ok(res)
}

/// `x[index[i][j]][j] = src[i][j]` along dimension `d`.
///
/// # Errors
/// As [`gather`].
pub fn scatter<T: Element>(x: &Tensor, d: usize, list: &Tensor, src: &Tensor) -> Result<()> {
    gather_like::<T>("scatter", src, x, d, list, |s, x| x.set(s.get()))
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
    let values = Source::<T>::of(x)?;
    let mut rows: Vec<i64> = vec![];
    let Some(last) = n.checked_sub(1) else { return res.resize(&[]) };
    let width = x.size(last);
    let mut at = vec![1; n];
    let mut hits = vec![0; width];
    for line in values.chunks(width) {
        // each place is written and then kept or not, so that no branch depends on the values
        let mut found = 0;
        for (place, &v) in (1..).zip(line) {
            hits[found] = place;
            found += usize::from(v != T::default());
            if found == width {
                break;
            }
        }
        rows.reserve(found * n);
        if n == 1 {
            rows.extend_from_slice(&hits[..found]);
            continue;
        }
        for &hit in &hits[..found] {
            at[last] = hit;
            rows.extend_from_slice(&at);
        }
        for q in (0..last).rev() {
            at[q] += 1;
            if at[q] <= x.size(q) as i64 {
                break;
            }
            at[q] = 1;
        }
    }
    if rows.is_empty() {
        return res.resize(&[]);
    }
    let count = rows.len() / n;
    // the result may be the tensor itself
    drop(values);
    write_list(res, &rows)?;
    res.resize(&[count, n])
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
