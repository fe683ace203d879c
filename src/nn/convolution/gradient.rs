//! The gradient of a convolution's input: which outputs meet which input positions, and the fold.

use super::correlation::image_of;
use super::unfold::Geometry;
use crate::tensor::access::{Rows, Workspace, try_share};
use crate::tensor::error::Result;
use crate::tensor::product::*;
use crate::tensor::threads::threads;

/// How many residues of input positions by the stride there are in each dimension.
pub fn residues(g: &Geometry) -> Size {
    g.axes().map(|a| a.stride.min(a.input))
}

/// Input positions that the same places of the window meet: where they begin, how many there are in each dimension, and
/// those places, with how far from a position (by the stride) they lie in the output.
#[derive(Clone)]
pub struct Meets {
    /// The first position.
    pub first: Size,
    /// How many.
    pub counts: Size,
    places: [Vec<(usize, isize)>; 3],
}

/// The positions of a residue.
pub fn meets(g: &Geometry, residue: Size) -> Meets {
    let axes = g.axes();
    let counts = std::array::from_fn(|d| (axes[d].input - residue[d]).div_ceil(axes[d].stride));
    let places = std::array::from_fn(|d| {
        let (a, at) = (&axes[d], residue[d] as isize + axes[d].pad);
        let from = |k: usize| at - (k * a.dilation) as isize;
        let stride = a.stride as isize;
        (0..a.kernel).filter(|&k| from(k) % stride == 0).map(|k| (k, from(k) / stride)).collect()
    });
    Meets { first: [0; 3], counts, places }
}

/// What the output's gradient needs around it for all of them.
pub fn margins(g: &Geometry, all: &[Meets]) -> (Size, Size) {
    let out = g.output();
    let most = |f: &dyn Fn(&Meets, usize, isize) -> isize| {
        std::array::from_fn(|d| {
            let each = all.iter().flat_map(|m| m.places[d].iter().map(move |&(_, at)| f(m, d, at)));
            each.fold(0, isize::max) as usize
        })
    };
    let before = most(&|m, d, at| -at - m.first[d] as isize);
    let after = most(&|m, d, at| (m.first[d] + m.counts[d]) as isize + at - out[d] as isize);
    (before, after)
}

impl Meets {
    /// Parts of the rows, each with the places alone that lie inside of an output of so many rows: what lies outside
    /// would be multiplied by 0.
    pub fn by_rows(self, rows: usize) -> Vec<Meets> {
        let inside = |row: usize| {
            let all = self.places[1].iter().copied();
            all.filter(|(_, at)| (0..rows as isize).contains(&(row as isize + at))).collect::<Vec<_>>()
        };
        let mut parts: Vec<Meets> = vec![];
        for row in 0..self.counts[1] {
            let places = inside(row);
            match parts.last_mut().filter(|p| p.places[1] == places) {
                Some(part) => part.counts[1] += 1,
                None => {
                    let mut part = self.clone();
                    (part.first[1], part.counts[1], part.places[1]) = (row, 1, places);
                    parts.push(part);
                }
            }
        }
        parts
    }

    /// The pixels and the window in a framed sample of the output's gradient, and the window's places in the weights.
    pub fn tables(&self, frame: &Frame, before: Size, out: usize, g: &Geometry) -> [Offsets; 3] {
        let step = strides(frame.whole(), [1; 3]);
        let kernel = strides(g.axes().map(|a| a.kernel), [1; 3]);
        let least: [isize; 3] = std::array::from_fn(|d| self.places[d].iter().map(|p| p.1).min().unwrap_or(0));
        // pixels begin where the window's first place is
        let start = |d: usize| (self.first[d] as isize + least[d] + before[d] as isize).max(0) as usize * step[d];
        let at = |d: usize, (k, m): (usize, isize)| ((m - least[d]) as usize * step[d], k * kernel[d]);
        let mut places = vec![];
        for &z in &self.places[0] {
            for &y in &self.places[1] {
                for &x in &self.places[2] {
                    let each = [at(0, z), at(1, y), at(2, x)];
                    places.push(each.iter().fold((0, 0), |sum, v| (sum.0 + v.0, sum.1 + v.1)));
                }
            }
        }
        let all = |f: &dyn Fn(usize, &(usize, usize)) -> usize| {
            Offsets::new((0..out).flat_map(|o| places.iter().map(move |p| f(o, p))).collect())
        };
        let pixels = Offsets::grid(start(0) + start(1) + start(2), &self.counts, &step);
        [pixels, all(&|o, p| o * frame.plane_len() + p.0), all(&|o, p| o * g.rows() + p.1)]
    }
}

/// The gradient of the input as the transposed weight times the output's gradient, each tile added where its windows lie:
/// for few planes, which leave vectors of planes empty.
pub struct Fold {
    geometry: Geometry,
    frame: Frame,
    pixels: Offsets,
    /// Output planes of the convolution.
    out: usize,
}

/// Rows of a block of planes that is folded at once, about: blocks depend on sizes alone, as the order of additions does.
const BLOCK: usize = 400;

/// What some planes of a sample are folded from.
#[derive(Clone, Copy)]
struct Folded<'a, T: 'static> {
    go: &'a Panels<T>,
    w: &'a [T],
    bias: &'a [T],
}

impl Fold {
    /// That of the convolution to `out` planes.
    ///
    /// # Errors
    /// Frames that are too large.
    pub fn new(geometry: Geometry, out: usize) -> Result<Fold> {
        let (frame, pixels, _) = image_of(&geometry)?;
        Ok(Fold { geometry, frame, pixels, out })
    }

    /// Folds: `gi` (batch x planes x positions) from `go` (batch x out x pixels) and weights (out x rows); each plane of
    /// `gi` starts from its `bias`, or from 0.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn run<T: Multiply>(&self, go: &[T], w: &[T], bias: &[T], gi: &mut [T]) -> Result<()> {
        let (g, n) = (&self.geometry, self.pixels.len());
        let cost = self.out.saturating_mul(g.rows()).saturating_mul(n) / 8;
        if gi.is_empty() {
            return Ok(());
        }
        let batch = gi.len() / g.input_len();
        if batch >= 4 * threads() || batch.is_multiple_of(threads()) {
            return try_share(Rows::new(gi, g.input_len()), cost, |first, samples| {
                self.samples(&go[first * self.out * n..], w, bias, samples.into_slice())
            });
        }
        let (rows, cols) = (Offsets::steps(self.out, n), Offsets::steps(n, 1));
        for (i, gi) in gi.chunks_mut(g.input_len()).enumerate() {
            let panels = Panels::pack(View::new(&go[i * self.out * n..], &rows, &cols))?;
            let block = self.block();
            try_share(Rows::new(gi, block * g.plane_len()), cost / g.planes.div_ceil(block), |first, blocks| {
                self.blocks(Folded { go: &panels, w, bias }, first, blocks)
            })?;
        }
        Ok(())
    }

    /// Folds one sample, on the calling thread.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn sample<T: Multiply>(&self, go: &[T], w: &[T], bias: &[T], gi: &mut [T]) -> Result<()> {
        self.samples(go, w, bias, gi)
    }

    /// Folds samples, on the calling thread.
    fn samples<T: Multiply>(&self, go: &[T], w: &[T], bias: &[T], gi: &mut [T]) -> Result<()> {
        let (sample, n) = (self.geometry.input_len(), self.pixels.len());
        let (rows, cols) = (Offsets::steps(self.out, n), Offsets::steps(n, 1));
        let mut panels = Panels::new(self.out, n)?;
        for (i, gi) in gi.chunks_mut(sample).enumerate() {
            panels.clear();
            panels.push(View::new(&go[i * self.out * n..], &rows, &cols));
            let blocks = Rows::new(gi, self.block() * self.geometry.plane_len());
            self.blocks(Folded { go: &panels, w, bias }, 0, blocks)?;
        }
        Ok(())
    }

    /// Planes of a block.
    fn block(&self) -> usize {
        BLOCK.div_ceil(self.geometry.window_len())
    }

    /// Blocks of planes from block `first` on.
    fn blocks<T: Multiply>(&self, from: Folded<T>, first: usize, blocks: Rows<T>) -> Result<()> {
        let framed = if self.frame.is_plain() { 0 } else { self.block() * self.frame.plane_len() };
        let mut room = Workspace::new(framed)?;
        (first..).zip(blocks.into_rows()).try_for_each(|(i, gi)| self.planes(from, i * self.block(), &mut room, gi))
    }

    /// Some planes of a sample, from `first` on.
    fn planes<T: Multiply>(&self, from: Folded<T>, first: usize, room: &mut [T], gi: &mut [T]) -> Result<()> {
        let (g, axes, whole) = (&self.geometry, self.geometry.axes(), self.frame.plane_len());
        let planes = gi.len() / g.plane_len();
        let to = if self.frame.is_plain() { &mut *gi } else { &mut room[..planes * whole] };
        for (c, to) in to.chunks_mut(whole).enumerate() {
            to.fill(from.bias.get(first + c).copied().unwrap_or(T::ZERO));
        }
        // neighbours in the window come far apart: adding where the row before has just been stored would wait for it
        let order = |step: Size, plane: usize, at: usize| {
            let [d, h, w] = axes.map(|a| a.kernel);
            Offsets::grid(at, &[w, h, d, planes], &[step[2], step[1], step[0], plane])
        };
        let to_rows = order(strides(self.frame.whole(), axes.map(|a| a.dilation)), whole, 0);
        let len = g.window_len();
        let rows = order(strides(axes.map(|a| a.kernel), [1; 3]), len, first * len);
        let outs = Offsets::steps(self.out, g.rows());
        let (w, to) = (View::new(from.w, &rows, &outs), ViewMut::new(to, &to_rows, &self.pixels));
        multiply(w, from.go, to, from.go.count() > 2, Epilogue { beta: T::ONE, ..Epilogue::PLAIN })?;
        if !self.frame.is_plain() {
            self.frame.empty(&room[..planes * whole], gi);
        }
        Ok(())
    }
}
