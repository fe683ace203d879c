//! Poolings of random geometries against loops over every position, and gradients against differences.

use super::*;
use crate::nn::gradient_tests::{agrees, empty, probe, scattered, values};
use crate::tensor::dtype::DType;
use crate::tensor::random::Generator;

/// Numbers below a bound, from a seed.
struct Draw(Generator);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        (self.0.uniform01() * n as f64) as usize
    }
    fn from(&mut self, first: i64, last: i64) -> i64 {
        first + self.below((last - first + 1) as usize) as i64
    }
    /// Small whole numbers, so that windows have ties.
    fn tensor(&mut self, sizes: &[usize]) -> Tensor {
        let n = sizes.iter().product::<usize>();
        let t = Tensor::from_slice(&(0..n).map(|_| self.below(9) as f64 - 4.0).collect::<Vec<_>>()).unwrap();
        t.resize(sizes).unwrap();
        t
    }
}

fn indices() -> Tensor {
    Tensor::empty(DType::Long)
}

/// The windows of a random geometry that gives an output, as `[kernel, stride, pad, dilation]` of frames, rows, columns,
/// with input and output sizes.
struct Case {
    steps: [[i64; 4]; 3],
    ceil: bool,
    input: [usize; 3],
    output: [usize; 3],
}

impl Case {
    fn draw(d: &mut Draw, dilated: bool, padded: bool) -> Case {
        loop {
            let ceil = padded && d.below(2) == 1;
            let (mut steps, mut input, mut output) = ([[0; 4]; 3], [0; 3], [0; 3]);
            for i in 0..3 {
                let k = d.from(1, 4);
                let pad = if padded { d.from(0, k / 2) } else { 0 };
                let dilation = if dilated { d.from(1, 3) } else { 1 };
                let (stride, n) = (d.from(1, 3), d.from(1, if i == 2 { 40 } else { 9 }));
                // as many windows as begin early enough
                let fits = |o: i64| {
                    let last = o * stride - pad + dilation * (k - 1);
                    let inside = pad == 0 || o * stride < n + pad;
                    inside && if ceil { last + 1 < n + pad + stride } else { last < n + pad }
                };
                (steps[i], input[i]) = ([k, stride, pad, dilation], n as usize);
                output[i] = (0..).take_while(|&o| fits(o)).count();
            }
            if output.iter().all(|&o| o > 0) {
                return Case { steps, ceil, input, output };
            }
        }
    }

    fn fields(&self) -> Volumetric {
        let [[kt, dt, pad_t, dilation_t], [kh, dh, pad_h, dilation_h], [kw, dw, pad_w, dilation_w]] = self.steps;
        let window = VolumeWindow { kt, kw, kh, dt, dw, dh, pad_t, pad_w, pad_h, dilation_t, dilation_w, dilation_h };
        Volumetric { window, ceil: self.ceil }
    }

    /// How many positions the window of an output position has, with those in the padding.
    fn padded_window(&self, out: usize) -> f64 {
        let [_, oh, ow] = self.output;
        let at = [out / (oh * ow) % self.output[0], out / ow % oh, out % ow];
        let along = |i: usize| {
            let [k, stride, pad, _] = self.steps[i];
            let first = at[i] as i64 * stride - pad;
            (first + k).min(self.input[i] as i64 + pad) - first
        };
        (0..3).map(along).product::<i64>() as f64
    }

    /// Calls `f(output position, input position, position within the window)` for every pair in every plane.
    fn every(&self, planes: usize, mut f: impl FnMut(usize, usize, [i64; 3])) {
        let ([t, h, w], [ot, oh, ow]) = (self.input, self.output);
        for out in 0..planes * ot * oh * ow {
            let at = [out / (oh * ow) % ot, out / ow % oh, out % ow];
            let [kt, kh, kw] = [0, 1, 2].map(|i| self.steps[i][0]);
            for k in 0..kt * kh * kw {
                let within = [k / (kh * kw), k / kw % kh, k % kw];
                let p = [0, 1, 2].map(|i| {
                    let [_, stride, pad, dilation] = self.steps[i];
                    at[i] as i64 * stride - pad + within[i] * dilation
                });
                if (0..3).all(|i| p[i] >= 0 && p[i] < self.input[i] as i64) {
                    let plane = out / (ot * oh * ow);
                    let from = ((plane * t + p[0] as usize) * h + p[1] as usize) * w + p[2] as usize;
                    f(out, from, within);
                }
            }
        }
    }
}

#[test]
fn poolings_equal_plain_loops() {
    let mut d = Draw(Generator::with_seed(3));
    for round in 0..300 {
        let c = Case::draw(&mut d, round % 2 == 0, true);
        let batch = d.below(3);
        let planes = 2 * batch.max(1);
        let before: &[usize] = if batch == 0 { &[2] } else { &[batch, 2] };
        let x = d.tensor(&[before, &c.input].concat());
        let (y, at, gi) = (empty(), indices(), empty());
        volumetric_max::<f64>(&x, &y, &at, c.fields()).unwrap();
        assert_eq!(y.layout().sizes(), [before, &c.output].concat());
        let g = d.tensor(y.layout().sizes());

        let (xv, gv) = (values(&x), values(&g));
        let mut best = vec![(-f64::MAX, 0, 0); gv.len()];
        c.every(planes, |o, i, within| {
            if xv[i] > best[o].0 {
                best[o] = (xv[i], i, within[0] | within[1] << 8 | within[2] << 16);
            }
        });
        assert_eq!(values(&y), best.iter().map(|b| b.0).collect::<Vec<_>>());
        let found = best.iter().map(|b| if b.0 == -f64::MAX { -1 } else { b.2 });
        assert_eq!(at.to_vec::<i64>().unwrap(), found.collect::<Vec<_>>());
        if best.iter().all(|b| b.0 > -f64::MAX) {
            volumetric_max_grad::<f64>(&x, &g, &gi, &at, c.fields()).unwrap();
            let mut want = vec![0.0; xv.len()];
            best.iter().zip(&gv).for_each(|(b, g)| want[b.1] += g);
            assert_eq!(values(&gi), want);
        } else {
            assert!(volumetric_max_grad::<f64>(&x, &g, &gi, &at, c.fields()).is_err());
        }

        let c = Case::draw(&mut d, false, true);
        let x = d.tensor(&[before, &c.input].concat());
        let fields = VolumetricAverage { window: c.fields(), include_pad: round % 3 > 0 };
        volumetric_average::<f64>(&x, &y, fields).unwrap();
        let g = d.tensor(y.layout().sizes());
        volumetric_average_grad::<f64>(&x, &g, &gi, fields).unwrap();
        let (xv, gv) = (values(&x), values(&g));
        let mut counts = vec![0.0; gv.len()];
        c.every(planes, |o, _, _| counts[o] += 1.0);
        if fields.include_pad {
            counts.iter_mut().enumerate().for_each(|(o, n)| *n = c.padded_window(o));
        }
        let (mut sums, mut want) = (vec![0.0; gv.len()], vec![0.0; xv.len()]);
        c.every(planes, |o, i, _| {
            sums[o] += xv[i] / counts[o];
            want[i] += gv[o] / counts[o];
        });
        // a window without elements has no mean
        let means = values(&y).into_iter().zip(sums).zip(counts);
        assert!(means.into_iter().all(|((y, s), n)| n <= 0.0 || (y - s).abs() < 1e-12));
        assert!(values(&gi).iter().zip(want).all(|(r, w)| (r - w).abs() < 1e-12));
    }
}

#[test]
fn maxima_come_back_from_unpooling() {
    let mut d = Draw(Generator::with_seed(4));
    for _ in 0..50 {
        let [kt, kh, kw] = [d.from(1, 3), d.from(1, 3), d.from(1, 3)];
        let sizes = [kt, kh, kw].map(|k| (k * d.from(1, 3)) as usize);
        let x = d.tensor(&[&[2], &sizes[..]].concat());
        let (y, at, up, back, gi) = (empty(), indices(), empty(), empty(), empty());
        let steps = [kt, kh, kw].map(|k| [k, k, 0, 1]);
        let window = Case { steps, ceil: false, input: sizes, output: sizes }.fields();
        volumetric_max::<f64>(&x, &y, &at, window).unwrap();
        let [time, height, width] = sizes.map(|n| n as i64);
        let fields =
            UnpooledVolumes { time, height, width, dt: kt, dw: kw, dh: kh, pad_t: 0, pad_w: 0, pad_h: 0, indices: &at };
        volumetric_unpooling::<f64>(&y, &up, fields).unwrap();
        volumetric_max_grad::<f64>(&x, &y, &gi, &at, window).unwrap();
        assert_eq!(values(&up), values(&gi));
        volumetric_unpooling_grad::<f64>(&y, &up, &back, fields).unwrap();
        assert_eq!(values(&back), values(&y));
        let short = UnpooledVolumes { time: 1, height: 1, width: 1, ..fields };
        let fits = at.to_vec::<i64>().unwrap().iter().all(|&i| i == 0) && y.numel() == 2;
        assert_eq!(volumetric_unpooling::<f64>(&y, &up, short).is_ok(), fits);
    }
}

#[test]
fn gradients_of_poolings() {
    let x = scattered(60, &[2, 5, 6]);
    let (gi, at) = (empty(), indices());
    let size = Adaptive { width: 4, height: 3 };
    let g = scattered(24, &[2, 3, 4]);
    adaptive_average_grad::<f64>(&x, &g, &gi, size).unwrap();
    agrees("adaptive average", &x, &gi, |x| {
        let y = empty();
        adaptive_average::<f64>(x, &y, size).map(|()| probe(&y, &g))
    });
    let y = empty();
    adaptive_max::<f64>(&x, &y, &at, size).unwrap();
    adaptive_max_grad::<f64>(&x, &g, &gi, &at, size).unwrap();
    agrees("adaptive max", &x, &gi, |x| {
        let (y, at) = (empty(), indices());
        adaptive_max::<f64>(x, &y, &at, size).map(|()| probe(&y, &g))
    });
    assert!(adaptive_max_grad::<f64>(&x, &x, &gi, &at, size).is_err());
    assert!(adaptive_average::<f64>(&x, &y, Adaptive { width: 0, height: 0 }).is_err());

    let samples = scattered(4, &[2, 2]);
    let fields = FractionalSpatial { kw: 2, kh: 2 };
    let g = scattered(12, &[2, 2, 3]);
    fractional_spatial::<f64>(&x, &y, &at, 3, 2, &samples, fields).unwrap();
    fractional_spatial_grad::<f64>(&x, &g, &gi, &at, 3, 2, fields).unwrap();
    agrees("fractional", &x, &gi, |x| {
        let (y, at) = (empty(), indices());
        fractional_spatial::<f64>(x, &y, &at, 3, 2, &samples, fields).map(|()| probe(&y, &g))
    });
    assert!(fractional_spatial::<f64>(&x, &y, &at, 5, 2, &samples, fields).is_err());

    let window = PlaneWindow { kw: 3, kh: 2, dw: 2, dh: 2 };
    let window = Spatial { window, pad_w: 1, pad_h: 1, dilation_w: 1, dilation_h: 1, ceil: true };
    for (include_pad, divide) in [(true, true), (false, true), (true, false)] {
        let fields = SpatialAverage { window, include_pad, divide };
        spatial_average::<f64>(&x, &y, fields).unwrap();
        let g = scattered(y.numel(), y.layout().sizes());
        spatial_average_grad::<f64>(&x, &g, &gi, fields).unwrap();
        agrees("average", &x, &gi, |x| {
            let y = empty();
            spatial_average::<f64>(x, &y, fields).map(|()| probe(&y, &g))
        });
    }
    let s = scattered(18, &[6, 3]);
    let temporal = SequenceWindow { kw: 2, dw: 2 };
    let g = scattered(9, &[3, 3]);
    temporal_max::<f64>(&s, &y, &at, temporal).unwrap();
    temporal_max_grad::<f64>(&s, &g, &gi, &at, temporal).unwrap();
    agrees("temporal max", &s, &gi, |x| {
        let (y, at) = (empty(), indices());
        temporal_max::<f64>(x, &y, &at, temporal).map(|()| probe(&y, &g))
    });
}

#[test]
fn gradients_of_subsamplings() {
    let fields = SubSampling { planes: 2, window: PlaneWindow { kw: 3, kh: 2, dw: 2, dh: 1 } };
    let frames = Sequences { size: 3, window: SequenceWindow { kw: 2, dw: 3 } };
    let (x, s) = (scattered(60, &[2, 5, 6]), scattered(24, &[8, 3]));
    let (w, b, y) = (scattered(2, &[2]), scattered(2, &[2]), empty());
    let (v, c, z) = (scattered(3, &[3]), scattered(3, &[3]), empty());
    spatial_subsampling::forward::<f64>(&x, &y, &w, &b, fields).unwrap();
    temporal_subsampling::forward::<f64>(&s, &z, &v, &c, frames).unwrap();
    let (g, h) = (scattered(y.numel(), y.layout().sizes()), scattered(z.numel(), z.layout().sizes()));
    let loss = |x: &Tensor, w: &Tensor, b: &Tensor| {
        let y = empty();
        spatial_subsampling::forward::<f64>(x, &y, w, b, fields).map(|()| probe(&y, &g))
    };
    let frame_loss = |s: &Tensor, v: &Tensor, c: &Tensor| {
        let z = empty();
        temporal_subsampling::forward::<f64>(s, &z, v, c, frames).map(|()| probe(&z, &h))
    };
    let zeros = |n: usize| Tensor::new(DType::Double, &[n]).unwrap();
    let (gi, gw, gb) = (empty(), zeros(2), zeros(2));
    spatial_subsampling::grad_input::<f64>(&x, &g, Some(&gi), &w, fields).unwrap();
    spatial_subsampling::acc_grad::<f64>(&x, &g, 1.0, &gw, &gb, fields).unwrap();
    agrees("subsampling, input", &x, &gi, |x| loss(x, &w, &b));
    agrees("subsampling, weight", &w, &gw, |w| loss(&x, w, &b));
    agrees("subsampling, bias", &b, &gb, |b| loss(&x, &w, b));
    let (gw, gb) = (zeros(3), zeros(3));
    temporal_subsampling::grad_input::<f64>(&s, &h, Some(&gi), &v, frames).unwrap();
    temporal_subsampling::acc_grad::<f64>(&s, &h, 1.0, &gw, &gb, frames).unwrap();
    agrees("frames, input", &s, &gi, |s| frame_loss(s, &v, &c));
    agrees("frames, weight", &v, &gw, |v| frame_loss(&s, v, &c));
    agrees("frames, bias", &c, &gb, |c| frame_loss(&s, &v, c));
    assert!(temporal_subsampling::forward::<f64>(&x, &z, &v, &c, frames).is_err());
    assert!(temporal_subsampling::grad_input::<f64>(&s, &s, Some(&gi), &v, frames).is_err());
}
