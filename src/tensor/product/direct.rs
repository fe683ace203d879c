//! Products whose right operand is read as it lies: its vectors are neighbours in memory already, as the pixels of a row
//! are.

use super::kernels::{Kernels, Multiply, Operands, Pair, WIDE};
use super::multiply::{is_plain, parts};
use super::vectors::LANES;
use super::views::{View, ViewMut};
use crate::tensor::access::Workspace;
use crate::tensor::error::Result;

/// Vectors side by side.
const PAIR: usize = 2;

/// Rows up to which two vectors have fewer sums under way than the units for products could take, so that it is three.
const FEW: usize = 4;

/// A left operand in strips of rows, packed once for many products.
pub struct Strips<T: 'static> {
    kernels: &'static Kernels<T>,
    data: Workspace<T>,
    rows: usize,
    depth: usize,
}

impl<T: Multiply> Strips<T> {
    /// The strips of a matrix.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn pack(a: View<T>) -> Result<Strips<T>> {
        let (kernels, rows, depth) = (T::kernels(), a.rows().len(), a.cols().len());
        // a strip writes whole vectors, into the next one or, the last one, behind all
        let mut data = Workspace::new((rows * depth).saturating_add(LANES))?;
        let strips = Strips { kernels, data: Workspace::new(0)?, rows, depth };
        for strip in strips.parts() {
            let rows = &a.rows()[strip.clone()];
            let to = &mut data[strip.start * depth..];
            // SAFETY: the view's elements are there, and so is room for the strip and a vector.
            unsafe { (kernels.pack)(a.first(), a.cols(), rows, rows.len(), to.as_mut_ptr()) };
        }
        Ok(Strips { data, ..strips })
    }

    fn parts(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<T> {
        parts(self.rows, self.kernels.most_rows(Operands::Direct, PAIR))
    }
}

/// Stretches of neighbours among offsets: where each begins and ends.
fn stretches(at: &[usize]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let left = at.get(start..).filter(|l| !l.is_empty())?;
        let n = 1 + left.windows(2).take_while(|w| w[1] == w[0] + 1).count();
        start += n;
        Some(start - n..start)
    })
}

/// `c = a b + bias` on this thread, with a bias for each row, or none. The columns of `b` lie in stretches of neighbours, each at
/// least a vector long, and so do those of `c`, whose rows are equally far apart. Each element's sum runs in the order of
/// the steps.
///
/// # Panics
/// Sizes that do not agree; columns that do not lie so.
pub fn multiply_direct<T: Multiply>(a: &Strips<T>, b: View<T>, mut c: ViewMut<T>, bias: &[T]) {
    let (kernels, lanes) = (a.kernels, a.kernels.lanes);
    let fits = a.rows == c.rows().len() && a.depth == b.rows().len() && b.cols().len() == c.cols().len();
    assert!(fits && (bias.is_empty() || bias.len() == a.rows), "products of other sizes");
    let ld = c.rows().get(1).map_or(0, |r| r.wrapping_sub(c.rows()[0]));
    let few = a.rows <= FEW.min(kernels.most_rows(Operands::Direct, WIDE));
    for s in stretches(b.cols()) {
        assert!(s.len() >= lanes && is_plain(c.rows(), &c.cols()[s.clone()]), "columns that lie otherwise");
        // the last vector ends with the stretch, and may overlap the one before
        let vectors = s.len().div_ceil(lanes);
        let start = |i: usize| s.start + (i * lanes).min(s.len() - lanes);
        let mut next = 0;
        while next < vectors {
            let (i, left) = (next, vectors - next);
            // three that are equally far apart, unless that would leave one alone
            let three = few && left >= WIDE && left != 2 * PAIR && start(i + 2) - start(i) == 2 * lanes;
            let (first, wide) = (start(i), if three { WIDE } else { left.min(PAIR) });
            next += wide;
            let apart = if wide > 1 { start(i + 1) - first } else { 0 };
            // SAFETY: read by the tiles below alone.
            let from = unsafe { b.first() }.wrapping_add(b.cols()[first]);
            for strip in a.parts() {
                // SAFETY: written by the tile below alone.
                let to = unsafe { c.first() }.wrapping_add(c.rows()[strip.start] + c.cols()[first]);
                let left = a.data.as_ptr().wrapping_add(strip.start * a.depth);
                let run = kernels.tile(Operands::Direct, wide, strip.len());
                let start = if bias.is_empty() { bias } else { &bias[strip] };
                let pair =
                    Pair { a: left, rows: &[], steps: b.rows(), b: from, ld: apart, ahead: from, start, bias: &[] };
                // SAFETY: the strip is packed; the columns of each vector are neighbours, all of which are there in
                // every step, and in `c`, whose rows are `ld` apart.
                unsafe { run(a.depth, &pair, to, ld) };
            }
        }
    }
}
