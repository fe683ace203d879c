//! Windows of 3 x 3 as Winograd's method multiplies with them.

use super::kernels::Multiply;
use super::views::View;
use super::winograd::{Outputs, Plan, Planes, each};
use crate::tensor::access::{RawSlice, Workspace};
use crate::tensor::error::Result;

/// The squares of a convolution's weights, place by place, in panels of planes of the result.
pub struct Squares<T: 'static> {
    /// For which outputs they are.
    pub(super) outputs: Outputs,
    data: Workspace<T>,
    /// Elements between places: a vector more than they need, as a power of two would put a tile's places into few lines of a
    /// cache.
    ld: usize,
    planes: usize,
    outs: usize,
}

impl<T: Multiply> Squares<T> {
    /// Those of weights as [`correlate`](super::correlate) takes them, made by several threads.
    ///
    /// # Errors
    /// Not enough memory.
    ///
    /// # Panics
    /// Weights that are no windows of 3 x 3.
    pub fn new(outputs: Outputs, w: View<T>) -> Result<Squares<T>> {
        Squares::make(outputs, w, |n, cost, f| each(n, cost, f))
    }

    /// How many elements those of so many planes of the image and of the result have.
    pub fn count(outputs: Outputs, planes: usize, outs: usize) -> usize {
        let places = if outputs == Outputs::Four { 36 } else { 16 };
        let vectors = outs.next_multiple_of(T::lanes()).saturating_mul(planes);
        vectors.saturating_add(T::lanes()).saturating_mul(places)
    }

    /// `share` calls the function with each of so many numbers, for which it is told a cost.
    pub(super) fn make(
        outputs: Outputs,
        w: View<T>,
        share: impl FnOnce(usize, usize, &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()>,
    ) -> Result<Squares<T>> {
        let (planes, outs) = (w.rows().len() / 9, w.cols().len());
        assert!(w.rows().len() == 9 * planes, "{} rows of weights", w.rows().len());
        let plan = Plan::<T>::new(outputs, Planes { count: outs, height: 1, width: 1 });
        let (lanes, vectors, side) = (plan.kernels.lanes, outs.div_ceil(plan.kernels.lanes), plan.side());
        let ld = planes * vectors * lanes + lanes;
        let mut data = Workspace::<T>::new(Self::count(outputs, planes, outs))?;
        assert!(data.len() == plan.places() * ld);
        let to = RawSlice::new(&mut data);
        share(vectors, planes * lanes * plan.places(), &|v| {
            let some = w.col_range(v * lanes..outs.min((v + 1) * lanes));
            let mut room = Workspace::<T>::new(9 * planes * lanes)?;
            let (start, apart) = plan.panel(v, vectors, planes);
            // SAFETY: the room holds a vector for each row of the weights; squares go to this vector's own places.
            unsafe {
                (plan.kernels.pack)(some.first(), some.rows(), some.cols(), lanes, room.as_mut_ptr());
                for c in 0..planes {
                    let to = to.at((start + c * apart) as isize);
                    let from = room.as_ptr().wrapping_add(c * 9 * lanes);
                    (plan.w.window)(from, [3 * lanes, lanes], to, [ld * side, ld]);
                }
            }
            Ok(())
        })?;
        Ok(Squares { outputs, data, ld, planes, outs })
    }

    /// A place's panels from a vector on, the first of a panel.
    pub(super) fn panels(&self, place: usize, v: usize) -> &[T] {
        &self.data[place * self.ld + v * T::lanes() * self.planes..(place + 1) * self.ld]
    }
}

/// The weights of a correlation.
#[derive(Clone, Copy)]
pub enum Windows<'a, T: 'static> {
    /// The element of the window's place (row, column) from plane `c` to plane `o` is that of row `9 c + 3 row + column`, column
    /// `o`.
    Plain(View<'a, T>),
    /// What was made of such.
    Squares(&'a Squares<T>),
}

impl<T: Multiply> Windows<'_, T> {
    /// Planes of the image, times 9, and of the result.
    pub(super) fn sizes(&self) -> [usize; 2] {
        match self {
            Windows::Plain(w) => [w.rows().len(), w.cols().len()],
            Windows::Squares(s) => [9 * s.planes, s.outs],
        }
    }
}
