//! The gradient of a convolution's weights: the windows' matrix, transposed, times the output's gradient.

use super::correlation::image_of;
use super::unfold::Geometry;
use crate::tensor::access::{Blocks, Divide, Rows, Workspace, try_share};
use crate::tensor::error::Result;
use crate::tensor::product::*;
use crate::tensor::simd::vectorize;
use std::ops::Range;

/// Samples are taken together up to about this many pixels, so that sums stay in registers for as long.
const TOGETHER: usize = 512;

/// Elements of weights up to which groups of samples sum their gradients on their own.
const SMALL_WEIGHT: usize = 1 << 14;

/// Output planes up to which the gradient by one sample goes along the rows of pixels.
const FEW_OUTPUTS: usize = 4;

/// Sums side by side along a row.
const LANES: usize = 16;

/// Sums that are added before the next ones are made.
const SUMS: usize = 1 << 16;

/// Most groups of samples.
const GROUPS: usize = 8;

/// The gradient of the weights of a convolution to `out` planes.
pub struct WeightGradient {
    geometry: Geometry,
    out: usize,
    frame: Frame,
    pixels: Offsets,
    window: Offsets,
}

/// What one call works on.
#[derive(Clone, Copy)]
struct Call<'a, T> {
    x: &'a [T],
    go: &'a [T],
    scale: T,
}

impl WeightGradient {
    /// That of the convolution to `out` planes.
    ///
    /// # Errors
    /// Frames that are too large.
    pub fn new(geometry: Geometry, out: usize) -> Result<WeightGradient> {
        let (frame, pixels, window) = image_of(&geometry)?;
        Ok(WeightGradient { geometry, out, frame, pixels, window })
    }

    /// Adds `scale` times the gradient to `gw` (out x rows), summed over the samples in order. Small weights: groups of samples
    /// sum up on their own, and the sums are added in order. Large ones: threads share the places of the window.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn run<T: Multiply>(&self, x: &[T], go: &[T], scale: T, gw: &mut [T]) -> Result<()> {
        let (k, n) = (self.window.len(), self.pixels.len());
        let batch = go.len().checked_div(self.out * n).unwrap_or(0);
        if batch == 0 || gw.is_empty() {
            return Ok(());
        }
        let (places, planes) = (Offsets::steps(k, 1), Offsets::steps(self.out, k));
        let call = Call { x, go, scale };
        let groups = if self.out * k <= SMALL_WEIGHT { batch.min(GROUPS) } else { 1 };
        if groups <= 1 {
            let cost = (self.out * batch).saturating_mul(n) / 8 + 1;
            return try_share(ViewMut::new(gw, &places, &planes), cost, |first, to| {
                self.places(call, 0..batch, first..first + to.items(), to)
            });
        }
        let (len, per) = (self.out * k, batch.div_ceil(groups));
        let mut sums = Workspace::<T>::zeros(batch.div_ceil(per) * len)?;
        let cost = len.saturating_mul(per).saturating_mul(n) / 8;
        try_share(Rows::new(&mut sums, len), cost, |first, groups| {
            (first..).zip(groups.into_rows()).try_for_each(|(i, sum)| {
                let call = Call { scale: T::ONE, ..call };
                let samples = i * per..batch.min((i + 1) * per);
                self.places(call, samples, 0..k, ViewMut::new(sum, &places, &planes))
            })
        })?;
        for sum in sums.chunks(len) {
            gw.iter_mut().zip(sum).for_each(|(w, &s)| *w = w.add(scale.mul(s)));
        }
        Ok(())
    }

    /// Adds `scale` times the gradient by one sample, on the calling thread.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn sample<T: Multiply>(&self, x: &[T], go: &[T], scale: T, gw: &mut [T]) -> Result<()> {
        let (k, row) = (self.window.len(), self.geometry.axes()[2]);
        if self.out <= FEW_OUTPUTS && row.stride == 1 && row.output >= LANES {
            return self.rows(x, go, scale, gw);
        }
        let (places, planes) = (Offsets::steps(k, 1), Offsets::steps(self.out, k));
        self.places(Call { x, go, scale }, 0..1, 0..k, ViewMut::new(gw, &places, &planes))
    }

    /// By one sample, where output planes would leave vectors empty: sums of products along the rows of pixels.
    fn rows<T: Multiply>(&self, x: &[T], go: &[T], scale: T, gw: &mut [T]) -> Result<()> {
        let (g, width) = (&self.geometry, self.geometry.output()[2]);
        let plain = self.frame.is_plain();
        let mut room = Workspace::<T>::zeros(if plain { 0 } else { g.planes * self.frame.plane_len() })?;
        let x = &x[..g.input_len()];
        if !plain {
            self.frame.fill(x, &mut room);
        }
        let image = if plain { x } else { &room };
        let starts = || self.pixels.list().iter().step_by(width);
        for (gw, go) in gw.chunks_mut(self.window.len()).zip(go.chunks(g.pixels())) {
            for (gw, at) in gw.iter_mut().zip(self.window.list()) {
                let sums = vectorize(
                    #[inline(always)]
                    || {
                        let mut sums = [T::ZERO; LANES];
                        for (start, go) in starts().zip(go.chunks_exact(width)) {
                            let (whole, rest) = go.as_chunks::<LANES>();
                            let (x, x_rest) = image[start + at..][..width].as_chunks::<LANES>();
                            for (x, go) in x.iter().zip(whole) {
                                (0..LANES).for_each(|l| sums[l] = sums[l].add(x[l].mul(go[l])));
                            }
                            let last = sums.iter_mut().zip(x_rest.iter().zip(rest));
                            last.for_each(|(sum, (x, go))| *sum = sum.add(x.mul(*go)));
                        }
                        sums
                    },
                );
                *gw = gw.add(scale.mul(sums.into_iter().fold(T::ZERO, T::add)));
            }
        }
        Ok(())
    }

    /// Adds the gradient of some places of the window, summed over these samples.
    fn places<T: Multiply>(
        &self,
        call: Call<T>,
        samples: Range<usize>,
        places: Range<usize>,
        to: ViewMut<T>,
    ) -> Result<()> {
        let (g, n, out) = (&self.geometry, self.pixels.len(), self.out);
        let window = g.window_len();
        let planes = places.start / window..places.end.div_ceil(window);
        let together = (TOGETHER / n.max(1)).clamp(1, samples.len().max(1));
        // what is read of a sample: its planes as they lie, or framed ones side by side
        let plain = self.frame.is_plain();
        let framed = planes.len() * self.frame.plane_len();
        let apart = if plain { g.input_len() } else { framed };
        let skipped = planes.start * self.frame.plane_len();
        let rows = Offsets::new(self.window.list()[places.clone()].iter().map(|at| at - skipped).collect());
        let list = (0..together).flat_map(|s| self.pixels.list().iter().map(move |p| s * apart + p));
        let pixels = Offsets::new(list.collect());
        let mut room = Workspace::<T>::zeros(if plain { 0 } else { together * framed })?;
        let (go_rows, go_cols) = (Offsets::steps(n, 1), Offsets::steps(out, n));
        let ld = out.next_multiple_of(T::lanes());
        let (sum_rows, sum_cols) = (Offsets::steps(places.len(), ld), Offsets::steps(out, 1));
        // one product is added while its sums are in the caches, some places after others
        let alone = samples.len() <= together;
        let some = if alone { (SUMS / ld).clamp(1, places.len().max(1)) } else { places.len() };
        let mut sums = Workspace::<T>::new(some * ld)?;
        let mut panels = Panels::new(together * n, out)?;
        let mut end = Epilogue::PLAIN;
        for first in samples.clone().step_by(together) {
            let count = together.min(samples.end - first);
            panels.clear();
            for s in 0..count {
                let sample = first + s;
                panels.push(View::new(&call.go[sample * out * n..][..out * n], &go_rows, &go_cols));
                if !plain {
                    let at = sample * g.planes;
                    let part = (at + planes.start) * g.plane_len()..(at + planes.end) * g.plane_len();
                    self.frame.fill(&call.x[part], &mut room[s * framed..][..framed]);
                }
            }
            let image = if plain { &call.x[first * g.input_len() + skipped..] } else { &room[..] };
            // the last samples may be fewer, and then the image ends before the last pixels
            let short;
            let pixels = if count == together {
                &pixels
            } else {
                short = Offsets::new(pixels.list()[..count * n].to_vec());
                &short
            };
            let windows = View::new(image, &rows, pixels);
            if alone {
                return Blocks::new(to, some).try_for_each(0, |at, to| {
                    let n = to.items();
                    let rows = Offsets::steps(n, ld);
                    let sum = ViewMut::new(&mut sums, &rows, &sum_cols);
                    multiply(windows.row_range(at..at + n), &panels, sum, false, end)?;
                    add(call.scale, &sums, to);
                    Ok(())
                });
            }
            multiply(windows, &panels, ViewMut::new(&mut sums, &sum_rows, &sum_cols), false, end)?;
            end.beta = T::ONE;
        }
        add(call.scale, &sums, to);
        Ok(())
    }
}
