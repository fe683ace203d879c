//! A convolution as a product of views: `y[o][p] = sum over w of image[pixels[p] + window[w]] weight[o][w]`.
//!
//! The framed image is a matrix as it lies: the left operand where vectors hold output planes (weights are packed once, the
//! result is transposed as it is stored), or packed into panels where vectors hold pixels. The gradient of the input is
//! the same over the output's gradient: input positions of one residue by the stride are a correlation of stride 1.

use super::unfold::Geometry;
use crate::tensor::access::{Blocks, Divide, Rows, Workspace, share_rows, try_share};
use crate::tensor::error::Result;
use crate::tensor::memory_limit;
use crate::tensor::product::*;
use crate::tensor::threads::threads;

/// One product of a correlation: with a stride the gradient of the input has several, of other weights each.
struct Part {
    pixels: Offsets,
    window: Offsets,
    /// Where the weights of the places in the window lie, and of the planes of the result.
    places: Offsets,
    planes: Offsets,
    /// Where pixels and planes of the result lie in a sample, or in the scattered sample where there are several parts.
    to: [Offsets; 2],
    /// How many pixels lie side by side, at least, and in how many rows.
    row: usize,
    rows: usize,
}

/// What is in vectors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Planes of the result.
    Planes,
    /// Pixels, in panels.
    Pixels,
    /// Pixels of one row, as they lie.
    Row,
}

/// The weights of a part, prepared for its way.
pub enum Weights<T: 'static> {
    /// For vectors of planes.
    Panels(Panels<T>),
    /// For pixels of one row.
    Strips(Strips<T>),
    /// Used as they are.
    AsTheyLie,
}

/// What decides about the way.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Planes of the result.
    pub planes: usize,
    /// Positions in a sample of it.
    pub pixels: usize,
    /// How many of them lie side by side, at least.
    pub row: usize,
    /// Places in a window, of all planes.
    pub window: usize,
}

impl Sizes {
    /// Those of the convolution to `out` planes.
    pub fn forward(g: &Geometry, out: usize) -> Sizes {
        let single = g.window_len() == 1 && g.axes().iter().all(|a| a.stride == 1 && a.pad == 0);
        let row = match g.axes()[2].stride {
            // all of a plane
            1 if single => g.pixels(),
            1 => g.output()[2],
            _ => 1,
        };
        Sizes { planes: out, pixels: g.pixels(), row, window: g.rows() }
    }

    fn way<T: Multiply>(&self, batch: usize) -> Way {
        // weights that are used little are not worth packing
        if batch.saturating_mul(self.pixels) < 64 { Way::Pixels } else { self.best::<T>() }
    }

    /// The way, if preparing the weights cost nothing.
    fn best<T: Multiply>(&self) -> Way {
        let idle = |n: usize| n.next_multiple_of(T::lanes()) as f64 / n as f64;
        let short = self.window < SHORT || self.row == self.pixels;
        let pixels_cost = idle(self.pixels) * (self.planes as f64 + PACKING);
        let planes_cost = idle(self.planes) * self.planes as f64 * (1.0 + TURNING / self.window as f64);
        if self.row >= T::lanes() && (short && idle(self.row) < 1.3 || idle(self.planes) > idle(self.row) * 1.1) {
            Way::Row
        } else if pixels_cost < planes_cost {
            Way::Pixels
        } else {
            Way::Planes
        }
    }

    /// How weights are worth preparing that are used again and again by batches of a size, where nothing but the time differs;
    /// none where they are used as they are.
    pub fn lasting<T: Multiply>(&self, batch: usize) -> Option<Way> {
        let (now, best) = (self.way::<T>(batch), self.best::<T>());
        // sums that start from a bias round otherwise than those to which it is added
        (best == Way::Planes || best == Way::Row && now == best).then_some(best)
    }
}

impl Part {
    fn sizes(&self) -> Sizes {
        let [planes, pixels, window] = [&self.planes, &self.pixels, &self.window].map(Offsets::len);
        Sizes { planes, pixels, row: self.row, window }
    }

    fn weights<T: Multiply>(&self, w: &[T], way: Way) -> Result<Weights<T>> {
        Ok(match way {
            Way::Planes => Weights::Panels(Panels::pack(self.weight(w))?),
            Way::Row => Weights::Strips(Strips::pack(self.weight(w).t())?),
            Way::Pixels => Weights::AsTheyLie,
        })
    }

    fn weight<'a, T>(&'a self, w: &'a [T]) -> View<'a, T> {
        View::new(w, &self.places, &self.planes)
    }

    /// Pixels that stay together where they are read as they lie: a row, or a part of several vectors of all of them.
    fn share<T: Multiply>(&self) -> usize {
        let n = self.pixels.len();
        if self.row < n { self.row } else { n.div_ceil((n / (4 * T::lanes())).clamp(1, MOST_SHARES)) }
    }

    fn cost(&self) -> usize {
        self.window.len().saturating_mul(self.planes.len()) / 8 + 1
    }
}

/// Places in a window up to which rows of pixels are worth the lanes that their ends leave empty, where they do not lie one after
/// another.
const SHORT: usize = 100;

/// What packing a vector of pixels costs, in multiply-adds of vectors: one for each output plane follows.
const PACKING: f64 = 30.0;

/// What turning a vector of output planes as it is stored costs, in the same: one for each place in the window went before.
const TURNING: f64 = 24.0;

/// Shares of a plane's pixels, at most: then the last one has a vector at least.
const MOST_SHARES: usize = 32;

/// Input rows for each of the output from which rows of the input's gradient take the places of the window alone that
/// they meet.
const SPARSE: f64 = 1.2;

/// Memory of a panel of pixels, in elements: about half of what a core has for itself.
const PANEL: usize = 1 << 17;

/// A correlation over samples of planes.
pub struct Correlation {
    frame: Frame,
    /// Planes of the image.
    image: usize,
    /// Sizes of a plane of the result.
    result: Size,
    planes: usize,
    parts: Vec<Part>,
    /// Residues of each dimension: 1 but for a gradient with a stride.
    residues: Size,
}

/// What one call works on.
#[derive(Clone, Copy)]
struct Call<'a, T> {
    x: &'a [T],
    w: &'a [T],
    bias: &'a [T],
}

impl Correlation {
    /// The convolution to `out` planes.
    ///
    /// # Errors
    /// Frames that are too large.
    pub fn forward(g: &Geometry, out: usize) -> Result<Correlation> {
        let (frame, pixels, window) = image_of(g)?;
        let (k, n) = (g.rows(), g.pixels());
        let part = Part {
            pixels,
            window,
            places: Offsets::steps(k, 1),
            planes: Offsets::steps(out, k),
            to: [Offsets::steps(n, 1), Offsets::steps(out, n)],
            row: Sizes::forward(g, out).row,
            rows: g.output()[1],
        };
        Ok(Correlation { frame, image: g.planes, result: g.output(), planes: out, parts: vec![part], residues: [1; 3] })
    }

    /// The gradient of the input of the convolution to `out` planes.
    ///
    /// # Errors
    /// Frames that are too large.
    pub fn gradient(g: &Geometry, out: usize) -> Result<Correlation> {
        let residues = super::gradient::residues(g);
        let classes: usize = residues.iter().product();
        let all = (0..classes)
            .map(|i| [i / (residues[1] * residues[2]), i / residues[2] % residues[1], i % residues[2]])
            .map(|r| super::gradient::meets(g, r));
        let [_, rows, _] = g.output();
        let sparse = classes == 1 && g.input()[1] as f64 > SPARSE * rows as f64;
        let all: Vec<_> = if sparse { all.flat_map(|m| m.by_rows(rows)).collect() } else { all.collect() };
        let (before, after) = super::gradient::margins(g, &all);
        check_frame(g.output(), before, after)?;
        let frame = Frame::new(g.output(), before, after);
        let (mut parts, mut at) = (vec![], 0);
        for m in all {
            let n = volume(m.counts);
            let [pixels, window, places] = m.tables(&frame, before, out, g);
            let to = if classes > 1 {
                [Offsets::grid(at, &[n], &[1]), Offsets::steps(g.planes, n)]
            } else {
                let step = strides(g.input(), [1; 3]);
                [Offsets::grid(m.first[1] * step[1], &m.counts, &step), Offsets::steps(g.planes, g.plane_len())]
            };
            let planes = Offsets::steps(g.planes, g.window_len());
            parts.push(Part { pixels, window, places, planes, to, row: m.counts[2], rows: m.counts[1] });
            at += n * g.planes;
        }
        Ok(Correlation { frame, image: out, result: g.input(), planes: g.planes, parts, residues })
    }

    fn output_len(&self) -> usize {
        self.planes * volume(self.result)
    }

    fn image_len(&self) -> usize {
        self.image * volume(self.frame.size())
    }

    fn framed_len(&self) -> usize {
        if self.frame.is_plain() { 0 } else { self.image * self.frame.plane_len() }
    }

    fn is_strided(&self) -> bool {
        volume(self.residues) > 1
    }

    /// Correlates: `y` (batch x planes x positions) from `x` (batch x image planes x positions). No bias is an empty one.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn run<T: Multiply>(&self, x: &[T], w: &[T], bias: &[T], y: &mut [T]) -> Result<()> {
        if y.is_empty() {
            return Ok(());
        }
        let batch = y.len() / self.output_len();
        let packed = self.parts.iter().map(|p| p.weights(w, p.sizes().way::<T>(batch))).collect::<Result<Vec<_>>>()?;
        self.run_with(Call { x, w, bias }, &packed, y)
    }

    /// Weights prepared for [`Correlation::run_kept`].
    ///
    /// # Errors
    /// Not enough memory.
    pub fn prepared<T: Multiply>(&self, w: &[T], way: Way) -> Result<Weights<T>> {
        self.parts.first().map_or(Ok(Weights::AsTheyLie), |part| part.weights(w, way))
    }

    /// As [`Correlation::run`], with weights that were prepared before.
    ///
    /// # Errors
    /// Not enough memory.
    ///
    /// # Panics
    /// Weights that were not prepared, or for another correlation.
    pub fn run_kept<T: Multiply>(&self, x: &[T], w: &Weights<T>, bias: &[T], y: &mut [T]) -> Result<()> {
        if y.is_empty() { Ok(()) } else { self.run_with(Call { x, w: &[], bias }, std::slice::from_ref(w), y) }
    }

    fn run_with<T: Multiply>(&self, call: Call<T>, packed: &[Weights<T>], y: &mut [T]) -> Result<()> {
        let batch = y.len() / self.output_len();
        if batch >= 4 * threads() || batch.is_multiple_of(threads()) {
            self.samples(call, packed, y)
        } else {
            y.chunks_mut(self.output_len()).enumerate().try_for_each(|(n, y)| self.shared(call, n, packed, y))
        }
    }

    /// Each thread takes samples of its own.
    fn samples<T: Multiply>(&self, call: Call<T>, packed: &[Weights<T>], y: &mut [T]) -> Result<()> {
        let cost = self.parts.iter().map(|p| p.cost().saturating_mul(p.pixels.len())).sum();
        try_share(Rows::new(y, self.output_len()), cost, |first, samples| {
            self.some_samples(call, first, packed, samples.into_slice())
        })
    }

    /// Correlates one sample, on the calling thread.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn sample<T: Multiply>(&self, x: &[T], w: &[T], bias: &[T], y: &mut [T]) -> Result<()> {
        let call = Call { x, w, bias };
        let packed = self.parts.iter().map(|p| p.weights(w, p.sizes().way::<T>(1))).collect::<Result<Vec<_>>>()?;
        self.some_samples(call, 0, &packed, y)
    }

    /// Samples from `first` on, on the calling thread.
    fn some_samples<T: Multiply>(&self, call: Call<T>, first: usize, packed: &[Weights<T>], y: &mut [T]) -> Result<()> {
        let mut room = Workspace::zeros(self.framed_len())?;
        let mut scattered = Workspace::new(if self.is_strided() { self.output_len() } else { 0 })?;
        for (n, y) in (first..).zip(y.chunks_mut(self.output_len())) {
            let image = self.image_of(call, n, &mut room);
            let to = if self.is_strided() { &mut scattered[..] } else { &mut *y };
            for (part, packed) in self.parts.iter().zip(packed).filter(|(part, _)| self.computes(part)) {
                let to = ViewMut::new(to, &part.to[0], &part.to[1]);
                self.pixels(part, image, call, packed, 0, to)?;
            }
            if self.is_strided() {
                self.gather(0, &scattered, call.bias, y);
            }
        }
        Ok(())
    }

    /// Sample `n`, framed in `room` where that is needed.
    fn image_of<'a, T: Multiply>(&self, call: Call<'a, T>, n: usize, room: &'a mut [T]) -> &'a [T] {
        let sample = &call.x[n * self.image_len()..][..self.image_len()];
        if self.frame.is_plain() {
            return sample;
        }
        self.frame.fill(sample, room);
        room
    }

    /// Threads share sample `n`.
    fn shared<T: Multiply>(&self, call: Call<T>, n: usize, packed: &[Weights<T>], y: &mut [T]) -> Result<()> {
        let sample = &call.x[n * self.image_len()..][..self.image_len()];
        let mut room = Workspace::new(self.framed_len())?;
        let (plane, whole) = (volume(self.frame.size()), self.frame.plane_len());
        share_rows(&mut room, whole, whole, |first, framed| {
            framed.fill(T::ZERO);
            self.frame.fill(&sample[first * plane..][..framed.len() / whole * plane], framed);
        });
        let image = if self.frame.is_plain() { sample } else { &room };
        let mut scattered = Workspace::new(if self.is_strided() { self.output_len() } else { 0 })?;
        let to = if self.is_strided() { &mut scattered[..] } else { &mut *y };
        for (part, packed) in self.parts.iter().zip(packed).filter(|(part, _)| self.computes(part)) {
            let to = ViewMut::new(to, &part.to[0], &part.to[1]);
            let panel = 2 * T::lanes();
            if matches!(packed, Weights::AsTheyLie) && part.pixels.len() < threads() * panel {
                self.by_planes(part, image, call, to)?;
                continue;
            }
            if let Weights::Panels(weight) = packed
                && self.is_mostly_weights(part, weight.count())
            {
                let end = Epilogue { row_bias: call.bias, ..Epilogue::PLAIN };
                multiply_by_panels(View::new(image, &part.pixels, &part.window), weight, to, end.t())?;
                continue;
            }
            let unit = match packed {
                Weights::Panels(_) => 1,
                Weights::Strips(_) => part.share::<T>(),
                Weights::AsTheyLie => panel,
            };
            try_share(Blocks::new(to, unit), part.cost().saturating_mul(unit), |first, to| {
                self.pixels(part, image, call, packed, first * unit, to.into_inner())
            })?;
        }
        if self.is_strided() {
            let len = volume(self.result);
            share_rows(y, len, len, |first, planes| self.gather(first, &scattered, call.bias, planes));
        }
        Ok(())
    }

    /// Whether threads that share a sample had better read all of it, and a part of the weights each.
    fn is_mostly_weights(&self, part: &Part, panels: usize) -> bool {
        let even = panels >= 4 * threads() || panels.is_multiple_of(threads());
        even && part.window.len() * part.planes.len() > self.image_len()
    }

    /// Few pixels, which threads share by planes of the result.
    fn by_planes<T: Multiply>(&self, part: &Part, image: &[T], call: Call<T>, to: ViewMut<T>) -> Result<()> {
        let panels = Panels::pack(View::new(image, &part.pixels, &part.window).t())?;
        let cost = part.window.len().saturating_mul(part.pixels.len()) / 8 + 1;
        try_share(to.t(), cost, |first, to| {
            let planes = first..first + to.items();
            let end = Epilogue { row_bias: call.bias, ..Epilogue::PLAIN }.part(planes.clone(), 0..0);
            multiply(part.weight(call.w).t().row_range(planes), &panels, to, false, end)
        })
    }

    /// The pixels of a part from `first` on, as many as `to` has rows.
    fn pixels<T: Multiply>(
        &self,
        part: &Part,
        image: &[T],
        call: Call<T>,
        packed: &Weights<T>,
        first: usize,
        to: ViewMut<T>,
    ) -> Result<()> {
        let image = View::new(image, &part.pixels, &part.window).row_range(first..first + to.items());
        let end = Epilogue { row_bias: call.bias, ..Epilogue::PLAIN };
        match packed {
            Weights::Panels(weight) => return multiply(image, weight, to, false, end.t()),
            Weights::Strips(weight) => {
                multiply_direct(weight, image.t(), to.t(), call.bias);
                return Ok(());
            }
            Weights::AsTheyLie => {}
        }
        let panel = 2 * T::lanes();
        let most = (PANEL / part.window.len().max(1)).max(panel);
        let unit = to.items().div_ceil(to.items().div_ceil(most).max(1)).next_multiple_of(panel).min(to.items()).max(1);
        let mut panels = Panels::new(part.window.len(), unit)?;
        Blocks::new(to, unit).try_for_each(0, |at, to| {
            if to.items() != panels.cols() {
                panels = Panels::new(part.window.len(), to.items())?;
            }
            panels.clear();
            panels.push(image.row_range(at..at + to.items()).t());
            multiply(part.weight(call.w).t(), &panels, to.t(), panels.count() > 2, end)
        })
    }

    /// Whether there is anything to compute for a part: residues that meet no place of a window are their bias, which
    /// [`Correlation::gather`] writes.
    fn computes(&self, part: &Part) -> bool {
        !self.is_strided() || !part.window.is_empty()
    }

    /// Planes of the result from `first` on, from the results of the residues.
    fn gather<T: Multiply>(&self, first: usize, scattered: &[T], bias: &[T], planes: &mut [T]) {
        let ([_, height, width], [rz, ry, rx]) = (self.result, self.residues);
        let mut start = vec![T::ZERO; width.div_ceil(rx)];
        for (c, plane) in (first..).zip(planes.chunks_mut(volume(self.result))) {
            if let Some(bias) = bias.get(c) {
                start.fill(*bias);
            }
            for (z, slice) in plane.chunks_mut(height * width).enumerate() {
                for (y, row) in slice.chunks_mut(width).enumerate() {
                    let parts = &self.parts[(z % rz * ry + y % ry) * rx..][..rx];
                    let source = |x: usize| {
                        let part = &parts[x];
                        if !self.computes(part) {
                            return &start[..part.row];
                        }
                        let at = part.to[0].list()[0] + part.to[1].list()[c];
                        &scattered[at + (z / rz * part.rows + y / ry) * part.row..][..part.row]
                    };
                    if rx == 2 {
                        interleave(row, source(0), source(1));
                        continue;
                    }
                    (0..rx).for_each(|x| row[x..].iter_mut().step_by(rx).zip(source(x)).for_each(|(to, v)| *to = *v));
                }
            }
        }
    }
}

/// Even and odd elements of a row.
fn interleave<T: Copy>(row: &mut [T], even: &[T], odd: &[T]) {
    let (pairs, last) = row.as_chunks_mut::<2>();
    for ((pair, a), b) in pairs.iter_mut().zip(even).zip(odd) {
        *pair = [*a, *b];
    }
    if let ([last], Some(v)) = (last, even.last()) {
        *last = *v;
    }
}

/// Fails where framed planes are more than memory holds.
fn check_frame(size: Size, before: Size, after: Size) -> Result<()> {
    let whole: Size = std::array::from_fn(|d| size[d].saturating_add(before[d]).saturating_add(after[d]));
    memory_limit::demand::<f64>(&whole)
}

/// The framed input, with the offsets of its pixels (where the windows of outputs start) and of the places in a window.
pub fn image_of(g: &Geometry) -> Result<(Frame, Offsets, Offsets)> {
    let axes = g.axes();
    let before = axes.map(|a| a.pad.max(0) as usize);
    let crop = axes.map(|a| (-a.pad).max(0) as usize);
    let after = axes.map(|a| {
        let end = (a.output - 1).saturating_mul(a.stride).saturating_add((a.kernel - 1).saturating_mul(a.dilation));
        (end as isize + 1).saturating_sub(a.pad).saturating_sub(a.input as isize).max(0) as usize
    });
    check_frame(g.input(), before, after)?;
    let frame = Frame::new(g.input(), before, after);
    let step = strides(frame.whole(), [1; 3]);
    let first = crop.iter().zip(step).map(|(c, s)| c * s).sum();
    let pixels = Offsets::grid(first, &g.output(), &strides(frame.whole(), axes.map(|a| a.stride)));
    let [z, y, x] = strides(frame.whole(), axes.map(|a| a.dilation));
    let [d, h, w] = axes.map(|a| a.kernel);
    let window = Offsets::grid(0, &[g.planes, d, h, w], &[frame.plane_len(), z, y, x]);
    Ok((frame, pixels, window))
}
