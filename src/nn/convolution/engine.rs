//! Convolutions in one to three dimensions, and what is made of them: their gradients, and transposed convolutions, whose
//! passes are those of a convolution in another order.
//!
//! Samples are planes without gaps, a batch is one sample after another, weights are a matrix with a row for each output
//! plane. The input's windows are unfolded into a matrix, tile by tile, each small enough to stay in the cache, and
//! every tile is one matrix product. Tiles and blocks depend on the sizes alone, so results do not depend on the number of
//! threads.

use super::unfold::{Geometry, fold, unfold};
use crate::tensor::access::{Blocks, Matrix, MatrixMut, Rows, Workspace, share, try_share};
use crate::tensor::error::Result;
use crate::tensor::ops::blas::{Blas, product};
use std::ops::Range;

/// Batches from this size give every thread samples of its own; smaller ones share each sample.
const MANY: usize = 8;

/// Elements of the unfolded tile, about.
const TILE: usize = 1 << 16;

/// Elements of weights up to which groups of samples sum their gradients on their own.
const SMALL_WEIGHT: usize = 1 << 16;

/// A convolution of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Sizes of a sample.
    pub geometry: Geometry,
    /// Number of samples.
    pub batch: usize,
    /// Number of output planes.
    pub out: usize,
}

impl Plan {
    /// Pixels of a tile of so many rows: some more tiles for a lone sample, which threads share.
    fn tile(&self, rows: usize) -> usize {
        let pixels = self.geometry.pixels();
        let most = if self.batch < MANY { pixels.div_ceil(MANY) } else { pixels };
        (TILE / rows.max(1)).min(most).next_multiple_of(16).max(16).min(pixels)
    }

    fn output_len(&self) -> usize {
        self.out * self.geometry.pixels()
    }

    /// Convolves: `y` (batch x out x pixels) from `x` (batch x planes x positions) and `w` (out x rows).
    ///
    /// # Errors
    /// Not enough memory.
    pub fn forward<T: Blas>(&self, x: &[T], w: Matrix<T>, bias: Option<&[T]>, y: &mut [T]) -> Result<()> {
        let g = &self.geometry;
        let (k, pixels) = (g.rows(), g.pixels());
        let tile = self.tile(k);
        let cost = self.out.saturating_mul(k).saturating_mul(tile);
        let columns = |n: usize, first: usize, part: Blocks<MatrixMut<T>>| {
            let sample = &x[n * g.input_len()..][..g.input_len()];
            let mut cols = Workspace::new(if g.is_plain() { 0 } else { k * tile })?;
            part.try_for_each(first, |at, y| {
                let (width, mut y) = (y.rows(), y.t());
                let from = if g.is_plain() {
                    Matrix::new(sample, k, pixels).col_range(at, width)
                } else {
                    unfold(g, (sample, 0), 0..k, at, width, &mut cols);
                    Matrix::new(&cols, k, width)
                };
                if let Some(bias) = bias {
                    y.each_row(|o, row| row.fill(bias[o]));
                }
                product(T::ONE, w, from, if bias.is_some() { T::ONE } else { T::ZERO }, y);
                Ok(())
            })
        };
        let tiles = |y| Blocks::new(MatrixMut::new(y, self.out, pixels).t(), tile);
        if self.batch < MANY {
            return y
                .chunks_mut(self.output_len())
                .enumerate()
                .try_for_each(|(n, y)| try_share(tiles(y), cost, |first, part| columns(n, first, part)));
        }
        try_share(Rows::new(y, self.output_len()), cost.saturating_mul(pixels / tile), |first, samples| {
            (first..).zip(samples.into_rows()).try_for_each(|(n, y)| columns(n, 0, tiles(y)))
        })
    }

    /// The gradient of the input: `gi` (batch x planes x positions) from `go` (batch x out x pixels). Every plane starts
    /// from its `bias`, or from 0: so this is the transposed convolution as well.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn transposed<T: Blas>(&self, go: &[T], w: Matrix<T>, bias: Option<&[T]>, gi: &mut [T]) -> Result<()> {
        let g = &self.geometry;
        let (window, plane, pixels) = (g.window_len(), g.plane_len(), g.pixels());
        // the columns of one block of input planes go back to those planes only, so blocks are independent
        let planes = if self.batch >= MANY { g.planes } else { g.planes.div_ceil(MANY) };
        let tile = self.tile(planes * window);
        let cost = self.out.saturating_mul(planes * window).saturating_mul(pixels);
        let block = |n: usize, first: usize, gi: &mut [T], cols: &mut [T]| {
            let rows = gi.len() / plane * window;
            for (c, gi) in gi.chunks_mut(plane).enumerate() {
                gi.fill(bias.map_or(T::ZERO, |b| b[first + c]));
            }
            let go = Matrix::new(&go[n * self.output_len()..], self.out, pixels);
            let w = w.col_range(first * window, rows).t();
            for at in (0..pixels).step_by(tile) {
                let width = tile.min(pixels - at);
                product(T::ONE, w, go.col_range(at, width), T::ZERO, MatrixMut::new(cols, rows, width));
                let rows = first * window..first * window + rows;
                fold(g, (&mut *gi, first), rows, at, width, cols);
            }
        };
        if self.batch < MANY {
            return gi.chunks_mut(g.input_len()).enumerate().try_for_each(|(n, gi)| {
                try_share(Rows::new(gi, planes * plane), cost, |first, part| {
                    let mut cols = Workspace::new(planes * window * tile)?;
                    (first..).zip(part.into_rows()).for_each(|(i, gi)| block(n, i * planes, gi, &mut cols));
                    Ok(())
                })
            });
        }
        try_share(Rows::new(gi, g.input_len()), cost, |first, samples| {
            let mut cols = Workspace::new(planes * window * tile)?;
            (first..).zip(samples.into_rows()).for_each(|(n, gi)| block(n, 0, gi, &mut cols));
            Ok(())
        })
    }

    /// Adds `scale` times the gradient of the weights to `gw` (out x rows). Small weights: groups of samples sum up on
    /// their own, and the sums are added in order. Large ones: blocks of weight columns, each over the whole batch.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn weight_gradient<T: Blas>(&self, x: &[T], go: &[T], scale: T, mut gw: MatrixMut<T>) -> Result<()> {
        let (k, pixels) = (self.geometry.rows(), self.geometry.pixels());
        let groups = if self.out * k <= SMALL_WEIGHT { self.batch.min(16) } else { 1 };
        if groups <= 1 {
            let columns = k.div_ceil(16).max(16).min(k);
            let cost = self.out.saturating_mul(columns).saturating_mul(self.batch * pixels);
            return try_share(Blocks::new(gw.t(), columns), cost, |first, part| {
                part.try_for_each(first, |row, gw| self.weight_block(x, go, scale, 0..self.batch, row, gw.t()))
            });
        }
        let (len, per) = (self.out * k, self.batch.div_ceil(groups));
        let mut sums = Workspace::<T>::zeros(groups * len)?;
        let cost = len.saturating_mul(per).saturating_mul(pixels);
        try_share(Rows::new(&mut sums, len), cost, |first, part| {
            (first..).zip(part.into_rows()).try_for_each(|(i, sum)| {
                let samples = (i * per).min(self.batch)..((i + 1) * per).min(self.batch);
                self.weight_block(x, go, T::ONE, samples, 0, MatrixMut::new(sum, self.out, k))
            })
        })?;
        for sum in sums.chunks(len) {
            gw.each_row(|o, row| row.iter_mut().zip(&sum[o * k..]).for_each(|(r, &v)| *r = r.add(scale.mul(v))));
        }
        Ok(())
    }

    /// Adds `scale` times the gradient of the weight columns from `row` on, summed over these samples.
    fn weight_block<T: Blas>(
        &self,
        x: &[T],
        go: &[T],
        scale: T,
        samples: Range<usize>,
        row: usize,
        mut gw: MatrixMut<T>,
    ) -> Result<()> {
        let (g, k, pixels) = (&self.geometry, gw.cols(), self.geometry.pixels());
        let tile = self.tile(k);
        let mut cols = Workspace::new(if g.is_plain() { 0 } else { k * tile })?;
        for n in samples {
            let sample = &x[n * g.input_len()..][..g.input_len()];
            let go = Matrix::new(&go[n * self.output_len()..], self.out, pixels);
            for at in (0..pixels).step_by(tile) {
                let width = tile.min(pixels - at);
                let from = if g.is_plain() {
                    Matrix::new(sample, g.rows(), pixels).row_range(row, k).col_range(at, width)
                } else {
                    unfold(g, (sample, 0), row..row + k, at, width, &mut cols);
                    Matrix::new(&cols, k, width)
                };
                product(scale, go.col_range(at, width), from.t(), T::ONE, gw.reborrow());
            }
        }
        Ok(())
    }
}

/// Adds `scale` times the sum of each plane over the batch to `sums` (planes x 1); `go` is batch x planes x `len`.
pub fn plane_sums<T: Blas>(go: &[T], batch: usize, len: usize, scale: T, sums: MatrixMut<T>) {
    let planes = sums.rows();
    share(sums, batch.saturating_mul(len), |first, mut sums| {
        for o in 0..sums.rows() {
            let plane = |n: usize| &go[(n * planes + first + o) * len..][..len];
            let sum = (0..batch).fold(T::ZERO, |s, n| plane(n).iter().fold(s, |s, &v| s.add(v)));
            let r = sums.get_mut(o, 0);
            *r = r.add(scale.mul(sum));
        }
    });
}
