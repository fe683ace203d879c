//! Views: other layouts over the same storage, and the few rearrangements that copy.

use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::{demand, refuse};
use std::ops::Range;

/// A view of part of dimension `d`.
///
/// # Errors
/// A part outside.
#[inline(always)]
pub fn narrow(x: &Tensor, d: usize, first: usize, n: i64) -> Result<Tensor> {
    x.narrow(d, first, usize::try_from(n).unwrap_or(0))
}

/// The slice at `index` of dimension `d`.
///
/// # Errors
/// A vector, or an index outside.
pub fn select(x: &Tensor, d: usize, index: usize) -> Result<Tensor> {
    x.select(d, index)
}

/// A part given by first and last index of each dimension; negative ones count from the end.
///
/// # Errors
/// A part outside, or an odd number of bounds.
pub fn sub(x: &Tensor, bounds: &[i64]) -> Result<Tensor> {
    check::has_elements("a tensor", x)?;
    demand!(
        bounds.len().is_multiple_of(2) && bounds.len() / 2 <= x.ndim(),
        "{} bounds for a {}D tensor",
        bounds.len(),
        x.ndim()
    );
    let mut l = x.layout();
    for (d, b) in bounds.chunks(2).enumerate() {
        let size = l.sizes()[d] as i64;
        let place = |i: i64| if i < 0 { size + i } else { i - 1 };
        let (a, z) = (place(b[0]), place(b[1]));
        demand!(0 <= a && a <= z && z < size, "range {}..{} is outside dimension {} of size {size}", b[0], b[1], d + 1);
        l = l.narrow(d, a as usize, (z - a + 1) as usize)?;
    }
    Ok(x.with_layout(l))
}

/// Two dimensions swapped.
///
/// # Errors
/// A dimension that is not there.
pub fn transpose(x: &Tensor, a: usize, b: usize) -> Result<Tensor> {
    x.transpose(a, b)
}

/// A matrix transposed.
///
/// # Errors
/// Not a matrix.
pub fn t(x: &Tensor) -> Result<Tensor> {
    check::rank("a matrix", x, 2)?;
    transpose(x, 0, 1)
}

/// Dimensions in another order.
///
/// # Errors
/// Not a permutation of the dimensions.
pub fn permute(x: &Tensor, order: &[i64]) -> Result<Tensor> {
    let l = x.layout();
    let mut seen = vec![false; l.ndim()];
    demand!(order.len() == l.ndim(), "{} dimensions given for a {}D tensor", order.len(), l.ndim());
    let (mut sizes, mut strides) = (vec![], vec![]);
    for &d in order {
        let k = usize::try_from(d - 1).ok().filter(|&k| k < l.ndim() && !seen[k]);
        let Some(k) = k else { refuse!("{order:?} is not an order of {} dimensions", l.ndim()) };
        seen[k] = true;
        sizes.push(l.sizes()[k]);
        strides.push(l.strides()[k]);
    }
    Ok(x.with_layout(Layout::strided(l.offset, &sizes, &strides)?))
}

/// Slices of `size`, `step` apart, along dimension `d`, in a new last dimension.
///
/// # Errors
/// A size or step that does not fit.
pub fn unfold(x: &Tensor, d: usize, size: i64, step: i64) -> Result<Tensor> {
    demand!(size > 0 && step > 0, "size and step must be positive, got {size} and {step}");
    Ok(x.with_layout(x.layout().unfold(d, size as usize, step as usize)?))
}

/// Sizes of 1 repeated without copying.
///
/// # Errors
/// Sizes that cannot be reached.
pub fn expand(x: &Tensor, sizes: &[usize]) -> Result<Tensor> {
    Ok(x.with_layout(x.layout().expand(sizes)?))
}

/// All dimensions of size 1 dropped.
///
/// # Errors
/// None.
pub fn squeeze(x: &Tensor) -> Result<Tensor> {
    Ok(x.with_layout(x.layout().squeeze()))
}

/// Dimension `d` dropped when its size is 1 and it is not the last one.
///
/// # Errors
/// A dimension that is not there.
pub fn squeeze_dim(x: &Tensor, d: usize) -> Result<Tensor> {
    check::dimension("squeeze", d, x.ndim())?;
    let mut l = x.layout();
    if l.sizes()[d] == 1 && l.ndim() > 1 {
        l.remove(d);
    }
    Ok(x.with_layout(l))
}

/// Fills in a single -1 so that the sizes hold `numel` elements.
fn infer(sizes: &[i64], numel: usize) -> Result<Vec<usize>> {
    let holes = sizes.iter().filter(|&&n| n < 0).count();
    demand!(holes <= 1, "only one dimension can be inferred, got {sizes:?}");
    demand!(sizes.iter().all(|&n| n >= -1), "invalid sizes {sizes:?}");
    let known: i64 = sizes.iter().filter(|&&n| n >= 0).product();
    let rest = if holes == 1 && known > 0 { numel as i64 / known } else { 0 };
    let full: Vec<usize> = sizes.iter().map(|&n| if n < 0 { rest as usize } else { n as usize }).collect();
    demand!(
        !full.is_empty() && full.iter().product::<usize>() == numel,
        "Wrong size for view. Input size: {numel}. Output size: {}",
        sizes.iter().map(i64::to_string).collect::<Vec<_>>().join("x")
    );
    Ok(full)
}

/// Other sizes over the same elements; the tensor must be contiguous. One size may be -1.
///
/// # Errors
/// Not contiguous, or sizes for another number of elements.
pub fn view(x: &Tensor, sizes: &[i64]) -> Result<Tensor> {
    demand!(x.is_contiguous(), "expecting a contiguous tensor");
    let mut l = Layout::contiguous(&infer(sizes, x.numel())?)?;
    l.offset = x.offset();
    Ok(x.with_layout(l))
}

/// A copy with other sizes.
///
/// # Errors
/// Sizes for another number of elements.
pub fn reshape<T: Element>(res: &Tensor, x: &Tensor, sizes: &[i64]) -> Result<()> {
    let sizes = infer(sizes, x.numel())?;
    let source = if std::ptr::eq(res, x) { super::copy::clone(x)? } else { x.clone() };
    res.resize(&sizes)?;
    super::copy::copy(res, &source)
}

/// Copies laid side by side: `times[d]` of them along each dimension; missing leading dimensions count as 1.
///
/// # Errors
/// Fewer numbers than dimensions.
pub fn repeat<T: Element>(res: &Tensor, x: &Tensor, times: &[i64]) -> Result<()> {
    demand!(times.iter().all(|&n| n > 0), "expected positive numbers, got {times:?}");
    demand!(
        times.len() >= x.ndim() && x.ndim() > 0,
        "number of dimensions of repeat dims ({}) can not be smaller than number of dimensions of tensor ({})",
        times.len(),
        x.ndim()
    );
    let source = super::copy::contiguous(x)?;
    let mut l = source.layout();
    while l.ndim() < times.len() {
        l.insert(0, 1, 0)?;
    }
    let sizes: Vec<usize> = l.sizes().iter().zip(times).map(|(&n, &k)| n * k as usize).collect();
    let base = l;
    // each dimension becomes a pair (times, size), of which the first has stride 0
    let mut pairs = Layout::EMPTY;
    pairs.offset = base.offset;
    for (d, &k) in times.iter().enumerate() {
        pairs.insert(2 * d, k as usize, 0)?;
        pairs.insert(2 * d + 1, base.sizes()[d], base.strides()[d])?;
    }
    let out = Tensor::new(T::DTYPE, &sizes)?;
    super::copy::copy(&out, &source.with_layout(pairs))?;
    res.resize(&sizes)?;
    super::copy::copy(res, &out)
}

/// Parts of `size` along dimension `d`; the last one may be smaller.
///
/// # Errors
/// A size of 0 or less, a dimension that is not there.
pub fn split(x: &Tensor, size: i64, d: usize) -> Result<Vec<Tensor>> {
    demand!(size > 0, "expected a positive size, got {size}");
    check::dimension("split", d, x.ndim())?;
    let (n, size) = (x.size(d), size as usize);
    (0..n).step_by(size).map(|k| Ok(x.with_layout(x.layout().narrow(d, k, size.min(n - k))?))).collect()
}

/// At most `n` parts of equal size along dimension `d`.
///
/// # Errors
/// As [`split`].
pub fn chunk(x: &Tensor, n: i64, d: usize) -> Result<Vec<Tensor>> {
    demand!(n > 0, "expected a positive number, got {n}");
    check::dimension("chunk", d, x.ndim())?;
    split(x, x.size(d).div_ceil(n as usize).max(1) as i64, d)
}

/// Tensors laid one after another along dimension `d` (from 0); missing dimensions count as size 1, tensors without
/// elements are left out.
///
/// # Errors
/// Sizes that differ elsewhere than along `d`.
pub fn cat<T: Element>(res: &Tensor, list: &[&Tensor], d: Option<usize>) -> Result<()> {
    let parts: Vec<Tensor> = list.iter().filter(|p| p.ndim() > 0).map(|p| (*p).clone()).collect();
    let deepest = parts.iter().map(Tensor::ndim).max().unwrap_or(0);
    demand!(!list.is_empty(), "nothing to concatenate");
    if deepest == 0 {
        return res.set(&Tensor::empty(res.class()));
    }
    let d = d.unwrap_or(deepest - 1);
    let n = deepest.max(d.saturating_add(1));
    demand!(n <= crate::tensor::layout::MAX_DIMS, "invalid dimension {}", d + 1);
    let mut full = vec![];
    for p in &parts {
        let mut l = p.layout();
        while l.ndim() < n {
            l.insert(l.ndim(), 1, 1)?;
        }
        full.push(p.with_layout(l));
    }
    let mut sizes = full[0].layout().sizes().to_vec();
    sizes[d] = full.iter().map(|p| p.size(d)).sum();
    for p in &full {
        let fits = (0..n).all(|k| k == d || p.size(k) == sizes[k]);
        demand!(
            fits,
            "inconsistent tensor sizes: cat of {} with {} along dimension {}",
            full[0].shape_text(),
            p.shape_text(),
            d + 1
        );
    }
    let out = if parts.iter().any(|p| p.shares_memory(res)) { Tensor::empty(res.class()) } else { res.clone() };
    out.resize_for_result(&sizes)?;
    let mut at = 0;
    for p in &full {
        super::copy::copy(&out.with_layout(out.layout().narrow(d, at, p.size(d))?), p)?;
        at += p.size(d);
    }
    res.set(&out)
}

/// A copy in which of row `i` the columns `keep(i)` stay and the others are 0.
fn triangle<T: Element>(res: &Tensor, x: &Tensor, keep: impl Fn(i64) -> Range<i64>) -> Result<()> {
    check::rank("a matrix", x, 2)?;
    let from = super::copy::apart(x, &[res])?;
    res.resize_as_for_result(&from)?;
    let (to, from) = (res.view_mut::<T>()?, from.view::<T>()?);
    let (rows, cols) = (res.size(0), res.size(1));
    let at = |v: &crate::tensor::access::View<T>, i: usize, j: usize| {
        let steps = v.strides();
        // SAFETY: called with the coordinates of elements.
        unsafe { v.elements().at(i as isize * steps[0] + j as isize * steps[1]) }
    };
    for i in 0..rows {
        let kept = keep(i as i64);
        let start = kept.start.clamp(0, cols as i64) as usize;
        let end = kept.end.clamp(start as i64, cols as i64) as usize;
        for j in start..end {
            // SAFETY: element (i, j) of two matrices of one size, which share no memory.
            unsafe { at(&to, i, j).write(at(&from, i, j).read()) };
        }
        for j in (0..start).chain(end..cols) {
            // SAFETY: as above.
            unsafe { at(&to, i, j).write(T::default()) };
        }
    }
    Ok(())
}

/// The part on and below diagonal `k`.
///
/// # Errors
/// Not a matrix.
pub fn tril<T: Element>(res: &Tensor, x: &Tensor, k: i64) -> Result<()> {
    triangle::<T>(res, x, |i| 0..i.saturating_add(k).saturating_add(1))
}

/// The part on and above diagonal `k`.
///
/// # Errors
/// Not a matrix.
pub fn triu<T: Element>(res: &Tensor, x: &Tensor, k: i64) -> Result<()> {
    triangle::<T>(res, x, |i| i.saturating_add(k)..i64::MAX)
}

/// A vector as diagonal `k` of a matrix, or diagonal `k` of a matrix as a vector.
///
/// # Errors
/// More than two dimensions, a diagonal that is not there.
pub fn diag<T: Element>(res: &Tensor, x: &Tensor, k: i64) -> Result<()> {
    check::ranks("a vector or matrix", x, 1..=2)?;
    let (down, right) = ((-k).max(0) as usize, k.max(0) as usize);
    let data = x.to_vec::<T>()?;
    if x.ndim() == 1 {
        let side = data.len() + down + right;
        let out = Tensor::new(res.class(), &[side, side])?;
        for (i, &v) in data.iter().enumerate() {
            out.set_element::<T>((i + down) * side + i + right, v);
        }
        return res.set(&out);
    }
    let (rows, cols) = (x.size(0), x.size(1));
    demand!(down < rows && right < cols, "diagonal {k} is outside of a {rows}x{cols} matrix");
    let n = (rows - down).min(cols - right);
    let values: Vec<T> = (0..n).map(|i| data[(i + down) * cols + i + right]).collect();
    res.set(&Tensor::from_slice_on(res.class().device, &values)?)
}
