//! The kinds of convolutions against loops over every product, over random geometries: weights for planes of their own, groups
//! of planes, a table of connections, weights for each position, and sequences; float and double, one thread and
//! several. `engine_tests` runs them at every SIMD level.

use super::engine_tests::Numbers;
use super::{Window, connected, depthwise, local, planes, temporal};
use crate::nn::window::PlaneWindow;
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::error::Result;
use crate::tensor::product::Multiply;
use crate::tensor::threads::set_threads;

/// Every product of a convolution, as the places of output, input and weight, and the place of each output's bias.
#[derive(Default)]
struct Products {
    all: Vec<[usize; 3]>,
    bias: Vec<usize>,
}

/// The kernels of a kind.
struct Kernels<'a> {
    /// `(input, output, weight, bias)`.
    forward: &'a dyn Fn([&Tensor; 4]) -> Result<()>,
    /// `(input, gradOutput, gradInput, weight)`.
    gradient: &'a dyn Fn([&Tensor; 4]) -> Result<()>,
    /// `(input, gradOutput, gradWeight, gradBias)`, times 0.5.
    accumulate: &'a dyn Fn([&Tensor; 4]) -> Result<()>,
}

fn tensor<T: Multiply>(values: &[f64], sizes: &[usize]) -> Tensor {
    let t = Tensor::from_slice(&values.iter().map(|v| T::from_f64(*v)).collect::<Vec<_>>()).unwrap();
    t.resize(sizes).unwrap();
    t
}

fn numbers<T: Multiply>(t: &Tensor) -> Vec<f64> {
    t.to_vec::<T>().unwrap().iter().map(|v| v.to_f64()).collect()
}

/// Compares with sums over all products, and one thread with several.
fn check<T: Multiply>(r: &mut Numbers, name: &str, sizes: [&[usize]; 4], products: &Products, kernels: &Kernels) {
    let [xs, ys, ws, bs] = sizes.map(|s| r.values(s.iter().product()));
    let mut right = [ys.iter().map(|_| 0.0).collect(), vec![0.0; xs.len()], vec![1.0; ws.len()], vec![1.0; bs.len()]];
    for (y, b) in products.bias.iter().enumerate() {
        right[0][y] += bs[*b];
        right[3][*b] += 0.5 * ys[y];
    }
    for &[y, x, w] in &products.all {
        right[0][y] += xs[x] * ws[w];
        right[1][x] += ys[y] * ws[w];
        right[2][w] += 0.5 * ys[y] * xs[x];
    }
    let run = |threads| {
        set_threads(threads);
        let [x, go, w, b] = [(&xs, 0), (&ys, 1), (&ws, 2), (&bs, 3)].map(|(v, i)| tensor::<T>(v, sizes[i]));
        let (y, gi) = (Tensor::empty(T::DTYPE), Tensor::empty(T::DTYPE));
        let [gw, gb] = [2, 3].map(|i| tensor::<T>(&vec![1.0; sizes[i].iter().product()], sizes[i]));
        (kernels.forward)([&x, &y, &w, &b]).unwrap();
        (kernels.gradient)([&x, &go, &gi, &w]).unwrap();
        (kernels.accumulate)([&x, &go, &gw, &gb]).unwrap();
        assert!(y.has_sizes(sizes[1]) && gi.has_sizes(sizes[0]), "{name}: {} {}", y.shape_text(), gi.shape_text());
        [&y, &gi, &gw, &gb].map(numbers::<T>)
    };
    let one = run(1);
    assert!(one == run(2) && one == run(3), "{name}: results depend on threads, {sizes:?}");
    let limit = if T::DTYPE == DType::Float { 1e-5 } else { 1e-13 };
    for (what, (got, right)) in ["output", "gradInput", "gradWeight", "gradBias"].iter().zip(one.iter().zip(&right)) {
        let largest = right.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
        for (i, (a, b)) in got.iter().zip(right).enumerate() {
            assert!((a - b).abs() <= limit * largest, "{name} {what} {i}: {a} for {b}, {sizes:?}");
        }
    }
}

/// Windows over planes: kernel, stride and padding of rows and of columns, and the sizes of input and output.
struct Planes {
    k: [usize; 2],
    d: [usize; 2],
    pad: [usize; 2],
    input: [usize; 2],
    output: [usize; 2],
}

impl Planes {
    fn random(r: &mut Numbers, padded: bool) -> Planes {
        let k = [1 + r.below(4), 1 + r.below(5)];
        let (d, pad) = ([1 + r.below(3), 1 + r.below(3)], k.map(|k| if padded { r.below(k + 1) } else { 0 }));
        let input = k.map(|k| k + r.below(18));
        let output = [0, 1].map(|i| (input[i] + 2 * pad[i] - k[i]) / d[i] + 1);
        Planes { k, d, pad, input, output }
    }

    fn window(&self) -> PlaneWindow {
        let [kh, kw, dh, dw] = [self.k[0], self.k[1], self.d[0], self.d[1]].map(|v| v as i64);
        PlaneWindow { kw, kh, dw, dh }
    }

    fn padded(&self) -> Window {
        Window { window: self.window(), pad_w: self.pad[1] as i64, pad_h: self.pad[0] as i64 }
    }

    /// Calls `f(place in the output, in the input, in the window)` for each product of one plane.
    fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [oh, ow] = self.output;
        for (o, q) in (0..oh * ow).flat_map(|o| (0..self.k[0] * self.k[1]).map(move |q| (o, q))) {
            let (at, place) = ([o / ow, o % ow], [q / self.k[1], q % self.k[1]]);
            let from = [0, 1].map(|i| (at[i] * self.d[i] + place[i]).wrapping_sub(self.pad[i]));
            if from[0] < self.input[0] && from[1] < self.input[1] {
                f(o, from[0] * self.input[1] + from[1], q);
            }
        }
    }
}

fn volume(sizes: [usize; 2]) -> usize {
    sizes[0] * sizes[1]
}

fn planes_of_their_own<T: Multiply>(r: &mut Numbers) {
    let (n, c, m, g) = (1 + r.below(3), 1 + r.below(5), r.of(&[1, 1, 2, 18]), Planes::random(r, true));
    let (len, out, window) = (volume(g.input), volume(g.output), volume(g.k));
    let mut p = Products { bias: vec![0; n * c * m * out], ..Products::default() };
    for i in 0..n * c * m {
        let (plane, of) = (i / m, i % m);
        p.bias[i * out..][..out].fill(of * c + plane % c);
        g.each(|o, x, q| p.all.push([i * out + o, plane * len + x, (of * c + plane % c) * window + q]));
    }
    let sizes: [&[usize]; 4] =
        [&[n, c, g.input[0], g.input[1]], &[n, c * m, g.output[0], g.output[1]], &[m, c, g.k[0], g.k[1]], &[m, c]];
    let kernels = Kernels {
        forward: &|[x, y, w, b]| depthwise::forward::<T>(x, y, w, Some(b), g.padded()),
        gradient: &|[x, go, gi, w]| depthwise::grad_input::<T>(x, go, Some(gi), w, g.padded()),
        accumulate: &|[x, go, gw, gb]| depthwise::acc_grad::<T>(x, go, T::from_f64(0.5), gw, Some(gb), g.padded()),
    };
    check::<T>(r, "depthwise", sizes, &p, &kernels);
}

fn groups_of_planes<T: Multiply>(r: &mut Numbers) {
    let (n, groups, g) = (1 + r.below(3), r.of(&[1, 2, 3, 6]), Planes::random(r, true));
    let [c, m] = [1 + r.below(4), 1 + r.below(5)];
    let (len, out, window) = (volume(g.input), volume(g.output), volume(g.k));
    let all = groups * m;
    let mut p = Products { bias: (0..n * all * out).map(|y| y / out % all).collect(), ..Products::default() };
    for i in 0..n * all * c {
        let (sample, to, a) = (i / c / all, i / c % all, i % c);
        let from = (sample * groups + to / m) * c + a;
        g.each(|o, x, q| p.all.push([(sample * all + to) * out + o, from * len + x, (to * c + a) * window + q]));
    }
    let fields = || planes::Spatial {
        planes: false,
        window: g.window(),
        pad_w: Some(g.pad[1] as i64),
        pad_h: Some(g.pad[0] as i64),
        padding: 0,
        dilation_w: 1,
        dilation_h: 1,
        groups: groups as i64,
    };
    let sizes: [&[usize]; 4] = [
        &[n, groups * c, g.input[0], g.input[1]],
        &[n, all, g.output[0], g.output[1]],
        &[all, c, g.k[0], g.k[1]],
        &[all],
    ];
    let some = tensor::<T>(&[1.0], &[1]);
    let kernels = Kernels {
        forward: &|[x, y, w, b]| planes::spatial::forward::<T>(x, y, w, Some(b), fields()),
        gradient: &|[x, go, gi, w]| planes::spatial::grad_input::<T>(x, go, Some(gi), w, &some, fields()),
        accumulate: &|[x, go, gw, gb]| planes::spatial::acc_grad::<T>(x, go, T::from_f64(0.5), gw, Some(gb), fields()),
    };
    check::<T>(r, "groups", sizes, &p, &kernels);
}

fn connections<T: Multiply>(r: &mut Numbers) {
    let (n, groups, g) = (1 + r.below(3), 1 + r.below(3), Planes::random(r, false));
    let (from, to) = (groups * (1 + r.below(6)), groups * (1 + r.below(6)));
    let grouped = r.below(2) == 0;
    let all = (0..from * to).map(|i| [i % from, i / from]);
    // groups, or any connections; the last planes have one, so that they are there
    let mut table: Vec<[usize; 2]> =
        all.filter(|[a, b]| if grouped { a * groups / from == b * groups / to } else { r.below(3) == 0 }).collect();
    table.push([from - 1, to - 1]);
    let (len, out, window) = (volume(g.input), volume(g.output), volume(g.k));
    let mut p = Products { bias: (0..n * to * out).map(|y| y / out % to).collect(), ..Products::default() };
    for (sample, (k, [a, b])) in (0..n).flat_map(|s| table.iter().enumerate().map(move |t| (s, t))) {
        g.each(|o, x, q| p.all.push([(sample * to + b) * out + o, (sample * from + a) * len + x, k * window + q]));
    }
    let table: Vec<f64> = table.iter().flatten().map(|v| *v as f64 + 1.0).collect();
    let table = tensor::<f64>(&table, &[table.len() / 2, 2]);
    let fields = || connected::Connected { table: &table, from: from as i64, to: to as i64, window: g.window() };
    let sizes: [&[usize]; 4] = [
        &[n, from, g.input[0], g.input[1]],
        &[n, to, g.output[0], g.output[1]],
        &[table.size(0), g.k[0], g.k[1]],
        &[to],
    ];
    let kernels = Kernels {
        forward: &|[x, y, w, b]| connected::valid::forward::<T>(x, y, w, b, fields()),
        gradient: &|[x, go, gi, w]| connected::valid::grad_input::<T>(x, go, Some(gi), w, fields()),
        accumulate: &|[x, go, gw, gb]| connected::valid::acc_grad::<T>(x, go, T::from_f64(0.5), gw, gb, fields()),
    };
    check::<T>(r, "connected", sizes, &p, &kernels);
}

fn weights_of_positions<T: Multiply>(r: &mut Numbers) {
    let (n, c, to, g) = (1 + r.below(3), 1 + r.below(4), 1 + r.below(4), Planes::random(r, true));
    let (len, out, window) = (volume(g.input), volume(g.output), volume(g.k));
    let mut p = Products { bias: (0..n * to * out).map(|y| y % (to * out)).collect(), ..Products::default() };
    for i in 0..n * to * c {
        let (sample, b, a) = (i / c / to, i / c % to, i % c);
        g.each(|o, x, q| {
            let w = ((o * to + b) * c + a) * window + q;
            p.all.push([(sample * to + b) * out + o, (sample * c + a) * len + x, w]);
        });
    }
    let f = || local::Local { width: g.input[1] as i64, height: g.input[0] as i64, window: g.padded() };
    let sizes: [&[usize]; 4] = [
        &[n, c, g.input[0], g.input[1]],
        &[n, to, g.output[0], g.output[1]],
        &[g.output[0], g.output[1], to, c, g.k[0], g.k[1]],
        &[to, g.output[0], g.output[1]],
    ];
    let kernels = Kernels {
        forward: &|[x, y, w, b]| local::forward::<T>(x, y, w, b, f()),
        gradient: &|[x, go, gi, w]| local::grad_input::<T>(x, go, Some(gi), w, f()),
        accumulate: &|[x, go, gw, gb]| local::acc_grad::<T>(x, go, T::from_f64(0.5), gw, gb, f()),
    };
    check::<T>(r, "local", sizes, &p, &kernels);
}

/// Windows of sequences: batch, features, frames, window, stride, output frames.
fn sequence(r: &mut Numbers) -> [usize; 6] {
    let (k, d) = (1 + r.below(6), 1 + r.below(5));
    let frames = k + r.below(90);
    [1 + r.below(4), r.of(&[1, 3, 16, 70]), frames, k, d, (frames - k) / d + 1]
}

fn sequences<T: Multiply>(r: &mut Numbers) {
    let ([n, f, t, k, d, out], to) = (sequence(r), r.of(&[1, 5, 33]));
    let mut p = Products { bias: (0..n * out * to).map(|y| y % to).collect(), ..Products::default() };
    for y in 0..n * out * to {
        let (sample, i, o) = (y / to / out, y / to % out, y % to);
        p.all.extend((0..k * f).map(|q| [y, (sample * t + i * d) * f + q, o * k * f + q]));
    }
    let w = || temporal::Window { kernel: k as i64, stride: d as i64 };
    let kernels = Kernels {
        forward: &|[x, y, weight, b]| temporal::forward::<T>(x, y, weight, b, w()),
        gradient: &|[x, go, gi, weight]| temporal::grad_input::<T>(x, go, Some(gi), weight, w()),
        accumulate: &|[x, go, gw, gb]| temporal::acc_grad::<T>(x, go, T::from_f64(0.5), gw, gb, w()),
    };
    check::<T>(r, "temporal", [&[n, t, f], &[n, out, to], &[to, k * f], &[to]], &p, &kernels);
}

fn rows_of_sequences<T: Multiply>(r: &mut Numbers) {
    let [n, f, t, k, d, out] = sequence(r);
    let mut p = Products { bias: (0..n * out * f).map(|y| y % f).collect(), ..Products::default() };
    for y in 0..n * out * f {
        let (sample, i, j) = (y / f / out, y / f % out, y % f);
        p.all.extend((0..k).map(|q| [y, (sample * t + i * d + q) * f + j, j * k + q]));
    }
    let w = || temporal::Window { kernel: k as i64, stride: d as i64 };
    let kernels = Kernels {
        forward: &|[x, y, weight, b]| temporal::row_forward::<T>(x, y, weight, Some(b), w()),
        gradient: &|[x, go, gi, weight]| temporal::row_grad_input::<T>(x, go, Some(gi), weight, w()),
        accumulate: &|[x, go, gw, gb]| temporal::row_acc_grad::<T>(x, go, T::from_f64(0.5), gw, Some(gb), w()),
    };
    check::<T>(r, "row", [&[n, t, f], &[n, out, f], &[f, 1, k], &[f]], &p, &kernels);
}

#[test]
fn every_kind_equals_plain_loops() {
    let mut r = Numbers::new(5);
    for _ in 0..12 {
        planes_of_their_own::<f32>(&mut r);
        planes_of_their_own::<f64>(&mut r);
        groups_of_planes::<f32>(&mut r);
        groups_of_planes::<f64>(&mut r);
        connections::<f32>(&mut r);
        connections::<f64>(&mut r);
        weights_of_positions::<f32>(&mut r);
        weights_of_positions::<f64>(&mut r);
        sequences::<f32>(&mut r);
        sequences::<f64>(&mut r);
        rows_of_sequences::<f32>(&mut r);
        rows_of_sequences::<f64>(&mut r);
    }
}
