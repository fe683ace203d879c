//! Products with a matrix that is multiplied by again and again, as the weights of a recurrent network are: it stays packed
//! in between.

use super::kernels::{Epilogue, Multiply};
use super::multiply::{Panels, multiply};
use super::views::{Offsets, View, ViewMut};
use crate::tensor::Tensor;
use crate::tensor::access::{Rows, has_packed, note_use, packed, try_share};
use crate::tensor::error::Result;
use crate::tensor::ops::blas::SHARED;
use crate::tensor::simd::{self, Level};
use std::rc::Rc;

/// Multiplications from which on it pays; [`product`](crate::tensor::ops::blas::product) sums smaller ones in other orders.
const LEAST: usize = SHARED;
/// The longest sums: `gemm` cuts longer ones, and results must not depend on whether a matrix was packed before.
const LONGEST: usize = 512;
/// The most rows of the other operand, beside which packing is nothing.
const MOST_ROWS: usize = 256;
/// The most elements of a matrix that is kept: some of them shall find room in the caches of a core.
const LARGEST: usize = 1 << 18;
/// Panels from which on copying the rows of the other operand pays.
const PANELS: usize = 4;

/// A product `a w`, or `a w'`, with a matrix `w`.
#[derive(Clone, Copy)]
pub struct Repeated<'a> {
    /// The matrix.
    pub matrix: &'a Tensor,
    /// Whether its rows are taken for columns.
    pub turned: bool,
}

impl Repeated<'_> {
    /// The length of a sum, and the columns of the result.
    fn sizes(&self) -> [usize; 2] {
        let [rows, cols] = [0, 1].map(|d| self.matrix.size(d));
        if self.turned { [cols, rows] } else { [rows, cols] }
    }

    /// Whether products with so many rows are among those that are worth it. `product` has the same sums then: in the order
    /// of the steps, with fused additions.
    #[inline]
    fn pays(&self, rows: usize) -> bool {
        if rows < 2 || self.matrix.ndim() != 2 || simd::level() == Level::Base {
            return false;
        }
        let [k, n] = self.sizes();
        let fits = rows <= MOST_ROWS && n > 1 && k > 1 && k <= LONGEST && k.saturating_mul(n) <= LARGEST;
        fits && rows * k * n >= LEAST
    }

    /// The matrix in panels, for a product with so many rows, where it is packed already or worth being packed now.
    /// Otherwise [`Repeated::note`] is to be called after the product.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn packed<T: Multiply>(&self, rows: usize) -> Result<Option<Rc<Packed<T>>>> {
        if !has_packed(self.matrix) || !self.pays(rows) {
            return Ok(None);
        }
        let [k, n] = self.sizes();
        let (down, right) = if self.turned { (1, k) } else { (n, 1) };
        packed(self.matrix, u8::from(self.turned), |w: &[T]| {
            let panels = Panels::pack(View::new(w, &Offsets::steps(k, down), &Offsets::steps(n, right)))?;
            Ok(Packed { panels, steps: Offsets::steps(k, 1), cols: Offsets::steps(n, 1) })
        })
    }

    /// Notes that a product was computed without.
    #[inline]
    pub fn note<T: Multiply>(&self, rows: usize) {
        if self.pays(rows) {
            note_use::<T>(self.matrix, u8::from(self.turned));
        }
    }
}

/// A packed matrix, k x n.
pub struct Packed<T: 'static> {
    panels: Panels<T>,
    /// The places of a row of k elements, and of one of n.
    steps: Offsets,
    cols: Offsets,
}

impl<T: Multiply> Packed<T> {
    /// `c = a w + bias` of rows without gaps: a (m x k), c (m x n); a bias of n elements, or none.
    ///
    /// # Errors
    /// Not enough memory.
    ///
    /// # Panics
    /// Sizes that do not agree.
    pub fn multiply(&self, a: &[T], bias: &[T], c: &mut [T]) -> Result<()> {
        let (k, n) = (self.steps.len(), self.cols.len());
        let rows = a.len() / k;
        assert!(a.len() == rows * k && c.len() == rows * n, "{} elements by {k} x {n} into {}", a.len(), c.len());
        let left = Offsets::steps(rows, k);
        let (a, pack) = (View::new(a, &left, &self.steps), self.panels.count() >= PANELS);
        let end = Epilogue { col_bias: bias, ..Epilogue::PLAIN };
        try_share(Rows::new(c, n), k * n, |first, part| {
            let c = part.into_slice();
            let rows = Offsets::steps(c.len() / n, n);
            let a = a.row_range(first..first + rows.len());
            multiply(a, &self.panels, ViewMut::new(c, &rows, &self.cols), pack, end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::access::{Dest, Matrix, MatrixMut, Source, zero_later};
    use crate::tensor::layout::Layout;
    use crate::tensor::ops::blas::{biased_product, product};

    fn numbers<T: Multiply>(n: usize, seed: usize) -> Vec<T> {
        (0..n).map(|i| T::from_f64(((i * 7919 + seed) % 1013) as f64 / 500.0 - 1.0)).collect()
    }

    /// A matrix that was multiplied by once.
    fn used<T: Multiply>(rows: usize, cols: usize) -> Tensor {
        let all = Tensor::from_slice(&numbers::<T>(rows * cols + 9, 3)).unwrap();
        let x = all.with_layout(Layout::strided(7, &[rows, cols], &[cols as isize, 1]).unwrap());
        for turned in [false, true] {
            Repeated { matrix: &x, turned }.note::<T>(MOST_ROWS);
        }
        x
    }

    fn agrees<T: Multiply>() {
        for (m, k, n) in [(50, 128, 512), (2, 512, 512), (256, 33, 65), (47, 512, 70), (200, 3, 900), (31, 401, 43)] {
            let (a, bias) = (numbers::<T>(m * k, 1), numbers::<T>(n, 2));
            for turned in [false, true] {
                let x = if turned { used::<T>(n, k) } else { used::<T>(k, n) };
                let ready = Repeated { matrix: &x, turned }.packed::<T>(m).unwrap();
                let Some(ready) = ready else {
                    assert!(m * k * n < LEAST || simd::level() == Level::Base, "{m} x {k} x {n} is not packed");
                    continue;
                };
                let w = Source::<T>::of(&x).unwrap();
                let w = if turned { Matrix::new(&w, n, k).t() } else { Matrix::new(&w, k, n) };
                let (mut plain, mut expected) = (numbers(m * n, 4), numbers(m * n, 5));
                for bias in [&[], &bias[..]] {
                    ready.multiply(&a, bias, &mut plain).unwrap();
                    let c = MatrixMut::new(&mut expected, m, n);
                    match bias {
                        [] => product(T::ONE, Matrix::new(&a, m, k), w, T::ZERO, c),
                        _ => biased_product(Matrix::new(&a, m, k), w, bias, c),
                    }
                    assert!(plain == expected, "{m} x {k} x {n}, turned: {turned}");
                }
            }
        }
    }

    #[test]
    fn sums_are_those_of_other_products() {
        agrees::<f32>();
        agrees::<f64>();
    }

    #[test]
    fn nothing_is_kept_of_what_somebody_gets_at() {
        if simd::level() == Level::Base {
            return;
        }
        let part = |x: &Tensor, from, n| x.with_layout(Layout::strided(from, &[n], &[1]).unwrap());
        type Look = (&'static str, fn(&Tensor));
        let looks: [Look; 9] = [
            ("a result", |x| drop(Dest::<f32>::update(x).unwrap())),
            ("a reader", |x| drop(Source::<f32>::of(x).unwrap())),
            ("zeros put off", |x| assert!(zero_later(x))),
            ("one element", |x| assert!(x.storage().unwrap().set(600, 3.0f32))),
            ("a slice", |x| x.storage().unwrap().write_slice(500, &[1.0f32; 3]).unwrap()),
            ("bytes", |x| x.storage().unwrap().fill_bytes(400, 2, |b| b.fill(0)).unwrap()),
            ("a view of the storage", |x| {
                let view = crate::tensor::storage::Storage::part(&x.storage().unwrap(), 100, 20).unwrap();
                assert!(view.set(3, 1.0f32));
            }),
            ("its size", |x| x.storage().unwrap().resize(1 << 20).unwrap()),
            ("an address", |x| assert!(x.storage().unwrap().address() > 0)),
        ];
        for (what, look) in looks {
            let x = used::<f32>(128, 512);
            let again = Repeated { matrix: &x, turned: false };
            assert!(again.packed::<f32>(50).unwrap().is_some(), "{what}");
            // elements beside it do not matter
            drop(Dest::<f32>::update(&part(&x, 0, 7)).unwrap());
            assert!(x.storage().unwrap().set(8 + 128 * 512, 1.0f32));
            assert!(again.packed::<f32>(50).unwrap().is_some(), "{what}");
            look(&x);
            assert!(again.packed::<f32>(50).unwrap().is_none(), "{what}");
            again.note::<f32>(50);
            let known = what == "an address";
            assert!(again.packed::<f32>(50).unwrap().is_none() == known, "{what}");
        }
    }
}
