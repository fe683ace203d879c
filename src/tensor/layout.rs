//! Sizes, strides and offset of a view. Nothing here touches data.

use super::error::{Error, Kind, Result};
use super::shape::{Extents, ExtentsMut};
use crate::{demand, refuse};

/// Most dimensions a tensor can have.
pub const MAX_DIMS: usize = 16;
/// Most elements a tensor can have, so that bytes can be counted.
pub const MAX_ELEMENTS: usize = isize::MAX as usize / 16;

/// How a tensor lies over its storage: `sizes[d]` elements along dimension `d`, `strides[d]` apart, from `offset`.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// First element, counted in elements from the storage's start.
    pub offset: usize,
    ndim: usize,
    sizes: [usize; MAX_DIMS],
    strides: [isize; MAX_DIMS],
}

impl PartialEq for Layout {
    fn eq(&self, other: &Layout) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Layout {}

impl Layout {
    /// The layout without dimensions: no element.
    pub const EMPTY: Layout = Layout { offset: 0, ndim: 0, sizes: [0; MAX_DIMS], strides: [0; MAX_DIMS] };

    /// Row-major over these sizes.
    ///
    /// # Errors
    /// More than [`MAX_DIMS`] dimensions, or more elements than can be counted.
    pub fn contiguous(sizes: &[usize]) -> Result<Layout> {
        demand!(sizes.len() <= MAX_DIMS, "too many dimensions: {} (at most {MAX_DIMS})", sizes.len());
        let mut l = Layout { ndim: sizes.len(), ..Layout::EMPTY };
        l.sizes[..sizes.len()].copy_from_slice(sizes);
        let mut stride = 1usize;
        for d in (0..sizes.len()).rev() {
            l.strides[d] = stride as isize;
            stride = match stride.checked_mul(sizes[d]) {
                Some(s) if s <= MAX_ELEMENTS => s,
                _ => refuse!("not enough memory: a tensor of size {} cannot be allocated", shape_text(sizes)),
            };
        }
        Ok(l)
    }

    /// Any sizes and strides; a negative stride means "as for contiguous".
    ///
    /// # Errors
    /// As [`Layout::contiguous`].
    pub fn strided(offset: usize, sizes: &[usize], strides: &[isize]) -> Result<Layout> {
        let mut l = Layout::contiguous(sizes)?;
        l.offset = offset;
        for d in (0..sizes.len()).rev() {
            l.strides[d] = match strides.get(d) {
                Some(&s) if s >= 0 => s,
                _ if d + 1 == sizes.len() => 1,
                _ => l.strides[d + 1].checked_mul(l.sizes[d + 1] as isize).unwrap_or(isize::MAX),
            };
        }
        l.extent()?;
        Ok(l)
    }

    /// Number of dimensions.
    #[inline(always)]
    pub fn ndim(&self) -> usize {
        self.ndim
    }
    /// Sizes of all dimensions.
    #[inline(always)]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.ndim]
    }
    /// Strides of all dimensions, in elements.
    #[inline(always)]
    pub fn strides(&self) -> &[isize] {
        &self.strides[..self.ndim]
    }
    /// What it holds, borrowed.
    #[inline(always)]
    pub fn get(&self) -> Extents<'_> {
        Extents { offset: self.offset, sizes: self.sizes(), strides: self.strides() }
    }
    /// A layout of these, which are at most [`MAX_DIMS`] dimensions (more are cut off).
    #[inline(always)]
    pub fn of(e: Extents) -> Layout {
        let n = e.sizes.len().min(MAX_DIMS);
        let mut l = Layout { offset: e.offset, ndim: n, ..Layout::EMPTY };
        for d in 0..n {
            (l.sizes[d], l.strides[d]) = (e.sizes[d], e.strides[d]);
        }
        l
    }
    /// Number of elements; 0 without dimensions.
    #[inline(always)]
    pub fn numel(&self) -> usize {
        self.get().numel()
    }
    /// Whether the elements lie one after another in logical order.
    #[inline(always)]
    pub fn is_contiguous(&self) -> bool {
        self.get().is_contiguous()
    }
    /// Whether two places of the view may be one element of the storage: expanded dimensions, overlapping windows.
    pub fn overlaps(&self) -> bool {
        let mut dims: Vec<(isize, usize)> =
            self.strides().iter().zip(self.sizes()).filter(|(_, n)| **n > 1).map(|(&s, &n)| (s, n)).collect();
        dims.sort_unstable();
        let mut reach = 0isize;
        dims.iter().any(|&(stride, n)| {
            let meets = stride <= reach;
            reach = reach.saturating_add(stride.saturating_mul(n as isize - 1));
            meets
        })
    }
    /// One past the last storage element that the view reaches.
    ///
    /// # Errors
    /// When that cannot be counted.
    #[inline(always)]
    pub fn extent(&self) -> Result<usize> {
        self.get().extent()
    }

    fn check_dim(&self, op: &'static str, d: usize) -> Result<()> {
        if d < self.ndim {
            Ok(())
        } else {
            Err(Error::from(Kind::Dimension { op, dim: d as i64 + 1, ndim: self.ndim }))
        }
    }

    /// Elements `first..first + n` of dimension `d`.
    ///
    /// # Errors
    /// A dimension or range that is not there.
    pub fn narrow(&self, d: usize, first: usize, n: usize) -> Result<Layout> {
        let mut l = *self;
        l.get_mut().narrow(d, first, n)?;
        Ok(l)
    }

    /// The slice at `index` of dimension `d`, which goes away.
    ///
    /// # Errors
    /// A dimension or index that is not there; a tensor of one dimension.
    pub fn select(&self, d: usize, index: usize) -> Result<Layout> {
        let mut l = *self;
        l.get_mut().select(d, index)?;
        l.ndim -= 1;
        Ok(l)
    }

    /// What it holds, to be changed in place.
    #[inline(always)]
    pub(super) fn get_mut(&mut self) -> ExtentsMut<'_> {
        let n = self.ndim;
        ExtentsMut { offset: &mut self.offset, sizes: &mut self.sizes[..n], strides: &mut self.strides[..n] }
    }

    /// Drops dimension `d` without moving the offset.
    pub fn remove(&mut self, d: usize) {
        self.sizes.copy_within(d + 1..self.ndim, d);
        self.strides.copy_within(d + 1..self.ndim, d);
        self.ndim -= 1;
    }

    /// Adds a dimension of `size` and `stride` before dimension `d`.
    ///
    /// # Errors
    /// When there are [`MAX_DIMS`] already.
    pub fn insert(&mut self, d: usize, size: usize, stride: isize) -> Result<()> {
        demand!(self.ndim < MAX_DIMS, "too many dimensions: {} (at most {MAX_DIMS})", self.ndim + 1);
        self.sizes.copy_within(d..self.ndim, d + 1);
        self.strides.copy_within(d..self.ndim, d + 1);
        self.sizes[d] = size;
        self.strides[d] = stride;
        self.ndim += 1;
        Ok(())
    }

    /// Swaps two dimensions.
    ///
    /// # Errors
    /// A dimension that is not there.
    pub fn transpose(&self, a: usize, b: usize) -> Result<Layout> {
        let mut l = *self;
        l.get_mut().transpose(a, b)?;
        Ok(l)
    }

    /// Slices of `size` along dimension `d`, `step` apart, in a new last dimension.
    ///
    /// # Errors
    /// A dimension that is not there, a size larger than it, a step of 0.
    pub fn unfold(&self, d: usize, size: usize, step: usize) -> Result<Layout> {
        demand!(self.ndim > 0, "cannot unfold an empty tensor");
        self.check_dim("unfold", d)?;
        demand!(size > 0 && size <= self.sizes[d], "size {size} is not in 1..{}, dimension {}", self.sizes[d], d + 1);
        demand!(step > 0, "step must be greater than 0, got {step}");
        let mut l = *self;
        l.insert(self.ndim, size, self.strides[d])?;
        l.sizes[d] = (self.sizes[d] - size) / step + 1;
        l.strides[d] = self.strides[d].checked_mul(step as isize).unwrap_or(isize::MAX);
        Ok(l)
    }

    /// Repeats dimensions of size 1 without copying (stride 0).
    ///
    /// # Errors
    /// Another number of dimensions, or a size other than 1 that would change.
    pub fn expand(&self, sizes: &[usize]) -> Result<Layout> {
        demand!(
            sizes.len() == self.ndim,
            "the number of dimensions provided must equal tensor.dim(): {} against {}",
            sizes.len(),
            self.ndim
        );
        let mut l = *self;
        for (d, &n) in sizes.iter().enumerate() {
            if self.sizes[d] == 1 {
                l.sizes[d] = n;
                l.strides[d] = 0;
            } else {
                demand!(
                    self.sizes[d] == n,
                    "incorrect size: only supporting singleton expansion (size=1), dimension {} is {} and should be {n}",
                    d + 1,
                    self.sizes[d]
                );
            }
        }
        Ok(l)
    }

    /// Drops every dimension of size 1, down to one dimension.
    pub fn squeeze(&self) -> Layout {
        let mut l = Layout { offset: self.offset, ..Layout::EMPTY };
        for (&n, &s) in self.sizes().iter().zip(self.strides()) {
            if n != 1 {
                l.sizes[l.ndim] = n;
                l.strides[l.ndim] = s;
                l.ndim += 1;
            }
        }
        if l.ndim == 0 && self.ndim > 0 {
            (l.ndim, l.sizes[0], l.strides[0]) = (1, 1, 1);
        }
        l
    }
}

/// A shape as error messages print it: `[2 x 3]`, and `[] (empty)` for a tensor without dimensions.
pub fn shape_text(sizes: &[usize]) -> String {
    if sizes.is_empty() {
        return "[] (empty)".to_string();
    }
    let parts: Vec<String> = sizes.iter().map(usize::to_string).collect();
    format!("[{}]", parts.join(" x "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_touch_only_the_layout() {
        let l = Layout::contiguous(&[2, 3, 4]).unwrap();
        assert_eq!(l.strides(), [12, 4, 1]);
        assert_eq!(l.narrow(1, 1, 2).unwrap().offset, 4);
        assert_eq!(l.select(0, 1).unwrap().sizes(), [3, 4]);
        assert!(!l.transpose(0, 2).unwrap().is_contiguous());
        let u = l.unfold(2, 2, 1).unwrap();
        assert_eq!((u.sizes(), u.strides()), (&[2, 3, 3, 2][..], &[12, 4, 1, 1][..]));
        assert_eq!(u.extent().unwrap(), 24);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let l = Layout::contiguous(&[2, 3]).unwrap();
        assert!(l.narrow(2, 0, 1).is_err());
        assert!(l.narrow(1, 2, 2).is_err());
        assert!(l.narrow(1, usize::MAX, 2).is_err());
        assert!(l.select(0, 2).is_err());
        assert!(l.unfold(0, 1, 0).is_err());
        assert!(l.expand(&[4, 3]).is_err());
        assert!(Layout::contiguous(&[usize::MAX, 2]).is_err());
        assert!(Layout::contiguous(&[1; 17]).is_err());
    }
}
