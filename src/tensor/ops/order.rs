//! Order along a dimension: sorting, the k-th and the most frequent element, the k best.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::Real;
use crate::tensor::error::{Error, Kind, Result};
use crate::tensor::map::{Ptr, split};
use crate::tensor::walk::{Cursor, walk};
use std::cmp::Ordering;

/// An element and where it stands in its line, from 0.
type Item<T> = (T, usize);

/// Ascending, nan after all numbers.
fn ascending<T: Real>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// A layout with dimension `d` reduced to its first element.
fn heads(x: &Tensor, d: usize) -> Result<crate::tensor::layout::Layout> {
    x.layout().narrow(d, 0, 1)
}

/// Hands each line along `d` to `f`, which leaves its `k` results in front, and stores those with their places.
fn each_line<T: Real>(
    values: &Tensor,
    places: &Tensor,
    x: &Tensor,
    d: usize,
    k: usize,
    f: impl Fn(&mut Vec<Item<T>>) + Sync,
) -> Result<()> {
    let shared = |t: &Tensor| matches!((t.storage(), x.storage()), (Some(a), Some(b)) if a.same(&b));
    let source = if shared(values) || shared(places) { super::copy::clone(x)? } else { x.clone() };
    let mut sizes = source.layout().sizes().to_vec();
    let n = std::mem::replace(&mut sizes[d], k);
    values.resize(&sizes)?;
    places.resize(&sizes)?;
    let (v, p, s) = (values.view::<T>()?, places.view::<i64>()?, source.view::<T>()?);
    let layouts = [heads(&source, d)?, heads(values, d)?, heads(places, d)?];
    let steps = [s.layout.strides()[d], v.layout.strides()[d], p.layout.strides()[d]];
    let (sp, vp, pp) = (Ptr(s.ptr), Ptr(v.ptr), Ptr(p.ptr));
    let body = |start, count| {
        let mut line: Vec<Item<T>> = Vec::with_capacity(n);
        let mut c = layouts.each_ref().map(|l| Cursor::new(l, start));
        let run_steps = c.each_ref().map(Cursor::stride);
        walk(&mut c, count, &mut |at, run| {
            for i in 0..run as isize {
                let from = sp.at(0).wrapping_offset(at[0] + i * run_steps[0]);
                line.clear();
                // SAFETY: the line lies inside the source.
                line.extend((0..n).map(|j| (unsafe { *from.wrapping_offset(j as isize * steps[0]) }, j)));
                f(&mut line);
                for (j, &(value, place)) in line.iter().take(k).enumerate() {
                    let j = j as isize;
                    // SAFETY: the results have k elements along `d`.
                    unsafe {
                        *vp.at(0).wrapping_offset(at[1] + i * run_steps[1] + j * steps[1]) = value;
                        *pp.at(0).wrapping_offset(at[2] + i * run_steps[2] + j * steps[2]) = place as i64 + 1;
                    }
                }
            }
        });
    };
    // results that lie over each other are written in order
    if values.layout().overlaps() || places.layout().overlaps() {
        body(0, layouts[0].numel());
    } else {
        split(layouts[0].numel(), n.saturating_mul(8), body);
    }
    Ok(())
}

/// The dimension meant: the last one unless given.
fn dimension(op: &'static str, x: &Tensor, d: Option<usize>) -> Result<usize> {
    match d.or_else(|| x.ndim().checked_sub(1)) {
        Some(d) if d < x.ndim() => Ok(d),
        d => Err(Error::from(Kind::Dimension { op, dim: d.map_or(0, |d| d as i64 + 1), ndim: x.ndim() })),
    }
}

/// Sorted lines and where their elements came from; equal elements keep their order.
///
/// # Errors
/// A dimension that is not there.
pub fn sort<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: Option<usize>, down: bool) -> Result<()> {
    let d = dimension("sort", x, d)?;
    each_line(values, places, x, d, x.size(d), |line: &mut Vec<Item<T>>| {
        if super::radix::sort(line, down) {
            return;
        }
        if down {
            line.sort_by(|a, b| ascending(&b.0, &a.0));
        } else {
            line.sort_by(|a, b| ascending(&a.0, &b.0));
        }
    })
}

/// The `k`-th smallest element of each line, from 1.
///
/// # Errors
/// A dimension that is not there, `k` outside of the line.
pub fn kthvalue<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, k: i64, d: Option<usize>) -> Result<()> {
    let d = dimension("kthvalue", x, d)?;
    let n = x.size(d);
    demand!(k >= 1 && k as u64 <= n as u64, "kthvalue: selected index out of range: {k} of {n} elements");
    nth::<T>(values, places, x, d, k as usize - 1)
}

fn nth<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: usize, k: usize) -> Result<()> {
    each_line(values, places, x, d, 1, |line: &mut Vec<Item<T>>| {
        line.select_nth_unstable_by(k, |a, b| ascending(&a.0, &b.0));
        line.swap(0, k);
    })
}

/// The middle element of each line, the lower one of two.
///
/// # Errors
/// A dimension that is not there.
pub fn median<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: Option<usize>) -> Result<()> {
    let d = dimension("median", x, d)?;
    nth::<T>(values, places, x, d, (x.size(d) - 1) / 2)
}

/// The most frequent element of each line, the smallest of several, and its last place.
///
/// # Errors
/// A dimension that is not there.
pub fn mode<T: Real>(values: &Tensor, places: &Tensor, x: &Tensor, d: Option<usize>) -> Result<()> {
    let d = dimension("mode", x, d)?;
    each_line(values, places, x, d, 1, |line: &mut Vec<Item<T>>| {
        line.sort_by(|a, b| ascending(&a.0, &b.0));
        let (mut best, mut most) = (0, 0);
        let mut start = 0;
        for i in 0..line.len() {
            if line[i].0 != line[start].0 {
                start = i;
            }
            if i - start + 1 > most {
                (best, most) = (i, i - start + 1);
            }
        }
        line.swap(0, best);
    })
}

/// The `k` smallest (or largest) elements of each line.
///
/// # Errors
/// A dimension that is not there, `k` outside of the line.
pub fn topk<T: Real>(
    values: &Tensor,
    places: &Tensor,
    x: &Tensor,
    k: i64,
    d: Option<usize>,
    largest: bool,
    sorted: bool,
) -> Result<()> {
    let d = dimension("topk", x, d)?;
    let n = x.size(d);
    demand!(k >= 1 && k as u64 <= n as u64, "topk: k not in range for dimension: {k} of {n} elements");
    let k = k as usize;
    each_line(values, places, x, d, k, |line: &mut Vec<Item<T>>| {
        let order = |a: &Item<T>, b: &Item<T>| if largest { ascending(&b.0, &a.0) } else { ascending(&a.0, &b.0) };
        line.select_nth_unstable_by(k - 1, order);
        if sorted {
            line[..k].sort_by(order);
        }
    })
}
