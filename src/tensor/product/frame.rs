//! Planes with room around them, so that windows may hang over the edge.

use super::kernels::Multiply;

/// Frames, rows and columns.
pub type Size = [usize; 3];

/// How many elements.
pub fn volume(size: Size) -> usize {
    size.iter().product()
}

/// Distances between neighbours in each dimension, times `by`.
pub fn strides(size: Size, by: Size) -> Size {
    [size[1] * size[2] * by[0], size[2] * by[1], by[2]]
}

/// Planes of `size` inside of larger ones.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    size: Size,
    before: Size,
    whole: Size,
}

impl Frame {
    /// Planes of `size` with so much before and after each dimension.
    pub fn new(size: Size, before: Size, after: Size) -> Frame {
        Frame { size, before, whole: std::array::from_fn(|d| before[d] + size[d] + after[d]) }
    }

    /// Whether there is no room around the planes.
    pub fn is_plain(&self) -> bool {
        self.whole == self.size
    }

    /// Sizes of a plane.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Sizes of a framed plane.
    pub fn whole(&self) -> Size {
        self.whole
    }

    /// Elements of a framed plane.
    pub fn plane_len(&self) -> usize {
        volume(self.whole)
    }

    /// Where the first element of a plane lies in its frame.
    fn first(&self) -> usize {
        self.before.iter().zip(strides(self.whole, [1; 3])).map(|(b, s)| b * s).sum()
    }

    /// Copies planes into frames that are 0 already.
    ///
    /// # Panics
    /// Slices that do not hold the same number of planes.
    pub fn fill<T: Multiply>(&self, planes: &[T], framed: &mut [T]) {
        self.agree(planes.len(), framed.len());
        if planes.is_empty() {
            return;
        }
        for (from, to) in planes.chunks(volume(self.size)).zip(framed.chunks_mut(self.plane_len())) {
            self.slices(|plain, inside| {
                let [_, height, width] = self.size;
                // SAFETY: a slice of the plane, and its place inside of the frame: the lengths agree.
                unsafe {
                    let (from, to) = (from.as_ptr().wrapping_add(plain), to.as_mut_ptr().wrapping_add(inside));
                    (T::kernels().copy)(from, width, to, self.whole[2], height, width);
                }
            });
        }
    }

    /// Copies planes out of their frames.
    ///
    /// # Panics
    /// Slices that do not hold the same number of planes.
    pub fn empty<T: Multiply>(&self, framed: &[T], planes: &mut [T]) {
        self.agree(planes.len(), framed.len());
        if planes.is_empty() {
            return;
        }
        for (to, from) in planes.chunks_mut(volume(self.size)).zip(framed.chunks(self.plane_len())) {
            self.slices(|plain, inside| {
                let [_, height, width] = self.size;
                // SAFETY: as above.
                unsafe {
                    let (from, to) = (from.as_ptr().wrapping_add(inside), to.as_mut_ptr().wrapping_add(plain));
                    (T::kernels().copy)(from, self.whole[2], to, width, height, width);
                }
            });
        }
    }

    /// Calls `f(place in the plane, place in the frame)` for each of its frames of rows and columns.
    fn slices(&self, mut f: impl FnMut(usize, usize)) {
        let (first, step) = (self.first(), self.whole[1] * self.whole[2]);
        (0..self.size[0]).for_each(|z| f(z * self.size[1] * self.size[2], first + z * step));
    }

    #[track_caller]
    fn agree(&self, planes: usize, framed: usize) {
        let (len, whole) = (volume(self.size), self.plane_len());
        let n = planes.checked_div(len).unwrap_or(0);
        assert!(planes == n * len && framed == n * whole, "{planes} elements of planes, {framed} in frames of {whole}");
    }
}
