//! How a tensor keeps its layout: few dimensions inline, more in a box. A tensor object is then a third of the size it
//! would have with a whole [`Layout`], which is what making and collecting views costs.

use super::check;
use super::error::{Error, Kind, Result};
use super::layout::{Layout, MAX_ELEMENTS, shape_text};
use crate::demand;

/// Dimensions that are kept without an allocation: batch, plane, row, column.
const INLINE: usize = 4;

/// Sizes, strides and offset of a tensor at rest.
#[derive(Clone)]
pub enum Shape {
    /// At most four dimensions.
    Few {
        /// First element, counted from the storage's start.
        offset: usize,
        /// Number of dimensions.
        ndim: u8,
        /// Sizes of the first `ndim`.
        sizes: [usize; INLINE],
        /// Strides of the first `ndim`.
        strides: [isize; INLINE],
    },
    /// Any number of dimensions.
    Many(Box<Layout>),
}

/// Sizes, strides and offset, borrowed: what [`Shape`] and [`Layout`] are asked in common.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Extents<'a> {
    /// First element, counted from the storage's start.
    pub offset: usize,
    /// Size of each dimension.
    pub sizes: &'a [usize],
    /// Stride of each dimension.
    pub strides: &'a [isize],
}

impl Shape {
    /// Without dimensions.
    pub const EMPTY: Shape = Shape::Few { offset: 0, ndim: 0, sizes: [0; INLINE], strides: [0; INLINE] };

    /// The shape of a layout.
    #[inline(always)]
    pub fn new(l: &Layout) -> Shape {
        let n = l.ndim();
        if n > INLINE {
            return Shape::Many(Box::new(*l));
        }
        let (mut sizes, mut strides) = ([0; INLINE], [0; INLINE]);
        for d in 0..n {
            (sizes[d], strides[d]) = (l.sizes()[d], l.strides()[d]);
        }
        Shape::Few { offset: l.offset, ndim: n as u8, sizes, strides }
    }

    /// Row-major over these sizes.
    ///
    /// # Errors
    /// As [`Layout::contiguous`].
    #[inline(always)]
    pub fn contiguous(sizes: &[usize]) -> Result<Shape> {
        if sizes.len() > INLINE {
            return Layout::contiguous(sizes).map(|l| Shape::new(&l));
        }
        // nothing is written before all is known: to move what was written one by one would wait for it
        let size = |d: usize| sizes.get(d).copied();
        let times = |n: usize, d| n.checked_mul(size(d).unwrap_or(1)).filter(|&n| n <= MAX_ELEMENTS);
        let third = times(1, 3);
        let second = third.and_then(|n| times(n, 2));
        let first = second.and_then(|n| times(n, 1));
        let (Some(third), Some(second), Some(first), Some(_)) = (third, second, first, first.and_then(|n| times(n, 0)))
        else {
            // the same again, for its error
            return Layout::contiguous(sizes).map(|l| Shape::new(&l));
        };
        let stride = |d: usize, n: usize| if d < sizes.len() { n as isize } else { 0 };
        Ok(Shape::Few {
            offset: 0,
            ndim: sizes.len() as u8,
            sizes: [0, 1, 2, 3].map(|d| size(d).unwrap_or(0)),
            strides: [stride(0, first), stride(1, second), stride(2, third), stride(3, 1)],
        })
    }

    /// As a layout to compute with.
    #[inline(always)]
    pub fn layout(&self) -> Layout {
        match self {
            Shape::Many(l) => **l,
            Shape::Few { .. } => Layout::of(self.get()),
        }
    }

    /// As [`Layout::narrow`].
    ///
    /// # Errors
    /// As there.
    #[inline(always)]
    pub fn narrow(&self, d: usize, first: usize, n: usize) -> Result<Shape> {
        if let Shape::Few { offset, ndim, sizes, strides } = self
            && d < usize::from(*ndim)
            && let Some((&size, &stride)) = sizes.get(d).zip(strides.get(d))
            && n > 0
            && first < size
            && n <= size - first
        {
            // without a write to a place that is not known before: the moves that follow would wait for it
            let mut sizes = *sizes;
            sizes.iter_mut().enumerate().for_each(|(k, size)| *size = if k == d { n } else { *size });
            return Ok(Shape::Few { offset: offset + first * stride as usize, ndim: *ndim, sizes, strides: *strides });
        }
        let mut s = self.clone();
        s.get_mut().narrow(d, first, n)?;
        Ok(s)
    }

    /// As [`Layout::select`].
    ///
    /// # Errors
    /// As there.
    #[inline(always)]
    pub fn select(&self, d: usize, index: usize) -> Result<Shape> {
        if let Shape::Many(l) = self {
            return Ok(Shape::new(&l.select(d, index)?));
        }
        let mut s = self.clone();
        s.get_mut().select(d, index)?;
        if let Shape::Few { ndim, .. } = &mut s {
            *ndim -= 1;
        }
        Ok(s)
    }

    /// The slice at `index` of the first dimension, which goes away; none where there is no such slice. What `m[i]`
    /// needs, without the moves and messages of [`Shape::select`].
    #[inline(always)]
    pub fn row(&self, index: usize) -> Option<Shape> {
        match self {
            Shape::Few { offset, ndim, sizes: [n, n2, n3, n4], strides: [s, s2, s3, s4] } => (*ndim > 1 && index < *n)
                .then(|| Shape::Few {
                    offset: offset + index * *s as usize,
                    ndim: ndim - 1,
                    sizes: [*n2, *n3, *n4, 0],
                    strides: [*s2, *s3, *s4, 0],
                }),
            Shape::Many(_) => self.select(0, index).ok(),
        }
    }

    /// Where in the storage the element lies whose place in each dimension, counted from 0, is what `find(dimension, size)`
    /// finds; none where it finds nothing, or unless there are `N` dimensions, at most four.
    #[inline(always)]
    pub fn place<const N: usize>(&self, find: impl Fn(usize, usize) -> Option<usize>) -> Option<usize> {
        const { assert!(N <= INLINE, "shapes in boxes are not looked into") };
        let Shape::Few { offset, ndim, sizes, strides } = self else { return None };
        if usize::from(*ndim) != N {
            return None;
        }
        let mut at = *offset;
        for d in 0..N {
            at = at.wrapping_add(find(d, sizes[d])?.wrapping_mul(strides[d] as usize));
        }
        Some(at)
    }

    /// Two dimensions swapped.
    ///
    /// # Errors
    /// A dimension that is not there.
    #[inline(always)]
    pub fn transpose(&self, a: usize, b: usize) -> Result<Shape> {
        let mut s = self.clone();
        s.get_mut().transpose(a, b)?;
        Ok(s)
    }

    /// What it holds, to be changed in place.
    #[inline(always)]
    fn get_mut(&mut self) -> ExtentsMut<'_> {
        match self {
            Shape::Few { offset, ndim, sizes, strides } => {
                let n = usize::from(*ndim).min(INLINE);
                ExtentsMut { offset, sizes: &mut sizes[..n], strides: &mut strides[..n] }
            }
            Shape::Many(l) => l.get_mut(),
        }
    }

    /// What it holds.
    #[inline(always)]
    pub fn get(&self) -> Extents<'_> {
        match self {
            Shape::Few { offset, ndim, sizes, strides } => {
                let n = usize::from(*ndim).min(INLINE);
                Extents { offset: *offset, sizes: &sizes[..n], strides: &strides[..n] }
            }
            Shape::Many(l) => l.get(),
        }
    }
}

/// [`Extents`] that can be changed.
pub struct ExtentsMut<'a> {
    /// First element, counted from the storage's start.
    pub offset: &'a mut usize,
    /// Size of each dimension.
    pub sizes: &'a mut [usize],
    /// Stride of each dimension.
    pub strides: &'a mut [isize],
}

impl ExtentsMut<'_> {
    fn check_dim(&self, op: &'static str, d: usize) -> Result<()> {
        let ndim = self.sizes.len();
        check::dimension(op, d, ndim)
    }

    /// Keeps elements `first..first + n` of dimension `d`.
    ///
    /// # Errors
    /// A dimension or range that is not there.
    #[inline(always)]
    pub fn narrow(self, d: usize, first: usize, n: usize) -> Result<()> {
        self.check_dim("narrow", d)?;
        let size = self.sizes[d];
        demand!(
            n > 0 && first < size && n <= size - first,
            "range {}..{} is not inside dimension {} of size {}",
            first as i64 + 1,
            first.wrapping_add(n) as i64,
            d + 1,
            size
        );
        *self.offset += first * self.strides[d] as usize;
        self.sizes[d] = n;
        Ok(())
    }

    /// Swaps two dimensions.
    ///
    /// # Errors
    /// A dimension that is not there.
    #[inline(always)]
    pub fn transpose(self, a: usize, b: usize) -> Result<()> {
        self.check_dim("transpose", a)?;
        self.check_dim("transpose", b)?;
        self.sizes.swap(a, b);
        self.strides.swap(a, b);
        Ok(())
    }

    /// Keeps the slice at `index` of dimension `d`; the dimensions after it move up, and the last becomes free.
    ///
    /// # Errors
    /// A dimension or index that is not there; a tensor of one dimension.
    #[inline(always)]
    pub fn select(self, d: usize, index: usize) -> Result<()> {
        let ndim = self.sizes.len();
        demand!(ndim > 1, "cannot select on a {ndim}D tensor");
        self.check_dim("select", d)?;
        if index >= self.sizes[d] {
            return Err(Error::from(Kind::Index {
                op: "select",
                index: index as i64 + 1,
                dim: d + 1,
                size: self.sizes[d],
            }));
        }
        *self.offset += index * self.strides[d] as usize;
        for k in d..ndim - 1 {
            self.sizes[k] = self.sizes[k + 1];
            self.strides[k] = self.strides[k + 1];
        }
        Ok(())
    }
}

impl Extents<'_> {
    /// Number of elements; 0 without dimensions.
    #[inline(always)]
    pub fn numel(&self) -> usize {
        match self.sizes {
            [] => 0,
            [n] => *n,
            many => many.iter().product(),
        }
    }

    /// Whether the elements lie one after another in logical order.
    #[inline(always)]
    pub fn is_contiguous(&self) -> bool {
        // the usual case without a loop
        if let (&[n], &[s]) = (self.sizes, self.strides) {
            return s == 1 || n == 1;
        }
        let mut expected = 1isize;
        for (&n, &s) in self.sizes.iter().zip(self.strides).rev() {
            if n != 1 {
                if s != expected {
                    return false;
                }
                expected *= n as isize;
            }
        }
        true
    }

    /// One past the last storage element that the view reaches.
    ///
    /// # Errors
    /// When that cannot be counted.
    #[inline(always)]
    pub fn extent(&self) -> Result<usize> {
        // the common cases without a loop; only wild strides overflow
        let last = match (self.sizes, self.strides) {
            (&[n], &[s]) if n > 0 => (n - 1).checked_mul(s as usize),
            (&[m, n], &[s, t]) if m > 0 && n > 0 => {
                match ((m - 1).checked_mul(s as usize), (n - 1).checked_mul(t as usize)) {
                    (Some(down), Some(right)) => down.checked_add(right),
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some(end) = last.and_then(|e| e.checked_add(self.offset + 1)) {
            return Ok(end);
        }
        self.extent_any()
    }

    fn extent_any(&self) -> Result<usize> {
        let mut last = self.offset;
        for (&n, &s) in self.sizes.iter().zip(self.strides) {
            if n == 0 {
                return Ok(0);
            }
            let reach = (n - 1).checked_mul(s as usize).and_then(|r| last.checked_add(r));
            last = reach.filter(|&l| l < isize::MAX as usize).ok_or_else(|| {
                let text = format!("strides {:?} of size {} reach too far", self.strides, shape_text(self.sizes));
                Error::invalid(text)
            })?;
        }
        Ok(if self.sizes.is_empty() { 0 } else { last + 1 })
    }

    /// Whether both have the same sizes: a loop, since a call to compare memory costs more than these few numbers.
    #[inline(always)]
    pub fn same_sizes(&self, sizes: &[usize]) -> bool {
        self.sizes.len() == sizes.len() && self.sizes.iter().zip(sizes).all(|(a, b)| a == b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_of_any_number_of_dimensions_come_back() {
        for n in 0..=16 {
            let mut l = Layout::contiguous(&vec![2; n]).unwrap();
            l.offset = n;
            let s = Shape::new(&l);
            assert_eq!(s.layout(), l);
            assert_eq!((s.get().numel(), s.get().extent().unwrap()), (l.numel(), l.extent().unwrap()));
        }
        assert!(size_of::<Shape>() <= 80);
    }

    #[test]
    fn parts_are_those_of_the_layout() {
        for n in 1..7 {
            let l = Layout::contiguous(&[2, 3, 4, 5, 6, 7][..n]).unwrap();
            let s = Shape::new(&l);
            assert_eq!(Shape::contiguous(l.sizes()).unwrap().layout(), l);
            for d in 0..n + 1 {
                assert_eq!(s.select(d, 1).ok().map(|s| s.layout()), l.select(d, 1).ok());
                assert_eq!(s.narrow(d, 1, 1).ok().map(|s| s.layout()), l.narrow(d, 1, 1).ok());
            }
            assert_eq!(s.row(1).map(|s| s.layout()), l.select(0, 1).ok());
            assert!(Shape::contiguous(&vec![usize::MAX / 2; n]).is_err());
            assert!(s.row(2).is_none() && s.select(0, 2).is_err() && s.narrow(0, 1, 2).is_err());
        }
    }
}
