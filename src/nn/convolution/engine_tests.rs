//! The engine against plain loops, over random geometries: one to three dimensions, every stride, padding (cropping
//! included), dilation and odd size, float and double, one thread and several, at every SIMD level.

use super::engine::Plan;
use super::unfold::Geometry;
use crate::nn::window::Step;
use crate::tensor::Tensor;
use crate::tensor::layout::Layout;
use crate::tensor::product::Multiply;
use crate::tensor::threads::set_threads;

/// Numbers that look random.
pub struct Numbers(u64);

impl Numbers {
    /// From a seed on.
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }
    /// From 0 to below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }
    /// One of these.
    pub fn of(&mut self, choices: &[usize]) -> usize {
        choices[self.below(choices.len())]
    }
    /// Between -1 and 1, of few digits, so that both types hold them.
    pub fn values(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next() as f64 % 4096.0 / 2048.0 - 1.0).collect()
    }
}

#[derive(Debug)]
struct Case {
    batch: usize,
    planes: usize,
    out: usize,
    sizes: Vec<usize>,
    steps: Vec<Step>,
}

impl Case {
    fn random(r: &mut Numbers) -> Case {
        let nd = 1 + r.below(3);
        let step = |r: &mut Numbers| Step {
            kernel: 1 + r.below(5) as i64,
            stride: if r.below(2) == 0 { 1 } else { 1 + r.below(4) as i64 },
            pad: r.below(6) as i64 - 1,
            dilation: if r.below(3) > 0 { 1 } else { 1 + r.below(3) as i64 },
        };
        Case {
            batch: r.of(&[1, 1, 2, 3, 5, 9]),
            planes: r.of(&[1, 2, 3, 16, 20]),
            out: r.of(&[1, 3, 5, 16, 20, 48, 50]),
            sizes: (0..nd).map(|_| 1 + r.below([40, 17, 8][nd - 1])).collect(),
            steps: (0..nd).map(|_| step(r)).collect(),
        }
    }

    /// One that goes Winograd's way.
    fn square(r: &mut Numbers) -> Case {
        let step = Step::new(3, 1, r.below(3) as i64);
        Case {
            batch: r.of(&[1, 2, 3, 5, 9]),
            planes: r.of(&[16, 20, 33]),
            out: r.of(&[16, 20, 48]),
            sizes: vec![3 + r.below(20), 3 + r.below(20)],
            steps: vec![step, step],
        }
    }

    /// Output, gradient of the input and of the weights, by loops over every index.
    fn plain(&self, g: &Geometry, [x, w, go]: [&[f64]; 3]) -> [Vec<f64>; 3] {
        let (o, s, a) = (g.output(), g.input(), g.axes());
        let k = a.map(|a| a.kernel);
        let at = |i: usize, s: [usize; 3]| [i / (s[1] * s[2]), i / s[2] % s[1], i % s[2]];
        let mut all = [vec![0.0; go.len()], vec![0.0; x.len()], vec![0.0; w.len()]];
        for (i, &grad) in go.iter().enumerate() {
            let (f, n, p) = (i / g.pixels() % self.out, i / g.pixels() / self.out, at(i % g.pixels(), o));
            for q in 0..g.rows() {
                let (c, q_at) = (q / g.window_len(), at(q % g.window_len(), k));
                let from = |d: usize| (p[d] * a[d].stride + q_at[d] * a[d].dilation) as isize - a[d].pad;
                let from = [from(0), from(1), from(2)];
                if (0..3).any(|d| from[d] < 0 || from[d] >= s[d] as isize) {
                    continue;
                }
                let [z, y, x_at] = from.map(|v| v as usize);
                let (xi, wi) = ((n * self.planes + c) * g.plane_len() + (z * s[1] + y) * s[2] + x_at, f * g.rows() + q);
                all[0][i] += x[xi] * w[wi];
                all[1][xi] += grad * w[wi];
                all[2][wi] += grad * x[xi];
            }
        }
        all
    }

    /// Compares with plain loops, within `limit` of the largest right value, and one thread with several.
    fn check<T: Multiply>(&self, r: &mut Numbers, limit: f64) {
        let Ok(geometry) = Geometry::new(self.planes, &self.sizes, &self.steps) else { return };
        let g = &geometry;
        let (x, w) = (r.values(self.batch * g.input_len()), r.values(self.out * g.rows()));
        let (go, bias) = (r.values(self.batch * self.out * g.pixels()), r.values(self.out.max(self.planes)));
        let mut right = self.plain(g, [&x, &w, &go]);
        let biased = |v: &mut [f64], planes: usize, len: usize| {
            v.iter_mut().enumerate().for_each(|(i, v)| *v += bias[i / len % planes]);
        };
        biased(&mut right[0], self.out, g.pixels());
        biased(&mut right[1], self.planes, g.plane_len());
        right[2].iter_mut().for_each(|v| *v = 1.0 + 0.5 * *v);
        let [x, w, go, bias] = [&x, &w, &go, &bias].map(|v| v.iter().map(|v| T::from_f64(*v)).collect::<Vec<_>>());
        let plan = Plan { geometry, out: self.out };
        let run = |threads| {
            set_threads(threads);
            let nan = T::from_f64(f64::NAN);
            let (mut y, mut gi, mut gw) = (vec![nan; go.len()], vec![nan; x.len()], vec![T::ONE; w.len()]);
            plan.forward(&x, &w, &bias[..self.out], &mut y).unwrap();
            plan.transposed(&go, &w, &bias[..self.planes], &mut gi).unwrap();
            plan.weight_gradient(&x, &go, T::from_f64(0.5), &mut gw).unwrap();
            if let Some(again) = forward_again(&plan, &x, &w, &bias[..self.out], self.batch) {
                assert!(again == y, "what is kept of the weights gives another result: {self:?}");
            }
            [y, gi, gw]
        };
        let (one, two) = (run(1), run(2));
        assert!(one == two && one == run(3), "results depend on threads: {self:?}");
        for (name, (got, right)) in ["output", "gradInput", "gradWeight"].iter().zip(one.iter().zip(&right)) {
            let largest = right.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            for (i, (a, b)) in got.iter().zip(right).enumerate() {
                let off = (a.to_f64() - b).abs() / largest;
                assert!(off <= limit, "{name} {i}: {a:?} for {b}, {self:?}");
            }
        }
    }
}

/// The output by what is kept of the weights, if anything is.
fn forward_again<T: Multiply>(plan: &Plan, x: &[T], w: &[T], bias: &[T], batch: usize) -> Option<Vec<T>> {
    let weight = Tensor::from_slice(w).unwrap();
    weight.set_layout(Layout::contiguous(&[plan.out, plan.geometry.rows()]).unwrap());
    assert!(plan.kept::<T>(&weight, batch).unwrap().is_none(), "nothing was noted");
    plan.note_use::<T>(&weight, batch);
    let kept = plan.kept::<T>(&weight, batch).unwrap()?;
    let mut y = vec![T::from_f64(f64::NAN); batch * plan.out * plan.geometry.pixels()];
    assert!(plan.forward_kept(x, &kept, bias, &mut y).unwrap());
    Some(y)
}

#[test]
fn weights_are_kept_for_few_positions_in_every_form() {
    let mut r = Numbers(5);
    let mut single = |n: usize| r.values(n).iter().map(|v| *v as f32).collect::<Vec<_>>();
    // Winograd's squares; panels for few positions, for many, and for planes that do not fill vectors; rows of pixels; nothing
    // for many positions
    for (planes, out, size, k, stride, kept) in [
        (64, 80, 14, 3, 1, true),
        (70, 144, 7, 3, 1, true),
        (48, 112, 15, 3, 2, true),
        (128, 40, 9, 1, 1, true),
        (2, 5, 30, 5, 1, true),
        (16, 32, 40, 3, 1, false),
    ] {
        let step = Step::new(k, stride, k / 2);
        let plan = Plan { geometry: Geometry::new(planes, &[size, size], &[step, step]).unwrap(), out };
        let (x, w, bias) = (single(plan.geometry.input_len()), single(out * plan.geometry.rows()), single(out));
        let mut y = vec![0.0; out * plan.geometry.pixels()];
        plan.forward(&x, &w, &bias, &mut y).unwrap();
        for threads in 1..5 {
            set_threads(threads);
            let again = forward_again(&plan, &x, &w, &bias, 1);
            assert!(again.is_some() == kept, "{planes} to {out} planes of {size} x {size}");
            assert!(again.is_none_or(|again| again == y), "{planes} to {out} planes of {size} x {size}");
        }
    }
}

#[test]
fn random_geometries_equal_plain_loops() {
    let mut r = Numbers(1);
    for _ in 0..40 {
        let case = Case::random(&mut r);
        case.check::<f32>(&mut r, 1e-5);
        case.check::<f64>(&mut r, 1e-13);
    }
    // more weights than are added at once, and every second pixel alone
    for (planes, side, step) in [(60, 6, Step::new(5, 1, 2)), (20, 33, Step::new(1, 2, 0))] {
        let case = Case { batch: 1, planes, out: 50, sizes: vec![side; 2], steps: vec![step; 2] };
        case.check::<f32>(&mut r, 1e-5);
        case.check::<f64>(&mut r, 1e-13);
    }
}

#[test]
fn winograds_way_equals_plain_loops() {
    let mut r = Numbers(2);
    for _ in 0..10 {
        Case::square(&mut r).check::<f32>(&mut r, 1e-4);
    }
}

#[test]
fn an_infinity_spoils_its_own_windows_alone() {
    let (step, mut r) = (Step::new(3, 1, 1), Numbers(3));
    let geometry = Geometry::new(16, &[20, 24], &[step, step]).unwrap();
    let plan = Plan { geometry, out: 16 };
    let single = |v: Vec<f64>| v.iter().map(|v| *v as f32).collect::<Vec<_>>();
    let (mut x, w) = (single(r.values(geometry.input_len())), single(r.values(16 * geometry.rows())));
    let go = single(r.values(16 * geometry.pixels()));
    for bad in [f32::INFINITY, f32::NAN] {
        x[5 * geometry.plane_len() + 7 * 24 + 9] = bad;
        let mut y = vec![0.0f32; 16 * geometry.pixels()];
        plan.forward(&x, &w, &[], &mut y).unwrap();
        for (i, v) in y.iter().enumerate() {
            let (row, col) = (i % 480 / 24, i % 24);
            assert_eq!(v.is_finite(), row.abs_diff(7) > 1 || col.abs_diff(9) > 1, "output {i}");
        }
        // the infinity meets the weights of its plane alone
        let mut gw = vec![1.0f32; w.len()];
        plan.weight_gradient(&x, &go, 1.0, &mut gw).unwrap();
        assert!(gw.iter().enumerate().all(|(i, v)| v.is_finite() == (i / 9 % 16 != 5)));
        // one in the output's gradient spoils the window that it is for, and the weights of its plane
        let mut bad_go = go.clone();
        bad_go[5 * geometry.pixels() + 7 * 24 + 9] = bad;
        let mut gi = vec![0.0f32; x.len()];
        plan.transposed(&bad_go, &w, &[], &mut gi).unwrap();
        for (i, v) in gi.iter().enumerate() {
            let (row, col) = (i % 480 / 24, i % 24);
            assert_eq!(v.is_finite(), row.abs_diff(7) > 1 || col.abs_diff(9) > 1, "gradInput {i}");
        }
    }
}

/// Whether the plan's results are those of the plain way, bit by bit.
fn is_plain<T: Multiply>(plan: &Plan) -> [bool; 3] {
    let (g, mut r) = (plan.geometry, Numbers(4));
    let mut values = |n: usize| r.values(n).iter().map(|v| T::from_f64(*v)).collect::<Vec<_>>();
    let (x, w, go) = (values(g.input_len()), values(plan.out * g.rows()), values(plan.out * g.pixels()));
    let zeros = |like: &[T]| vec![T::ZERO; like.len()];
    let ([mut y, mut plain_y], [mut gi, mut plain_gi]) = ([zeros(&go), zeros(&go)], [zeros(&x), zeros(&x)]);
    let [mut gw, mut plain_gw] = [zeros(&w), zeros(&w)];
    plan.forward(&x, &w, &[], &mut y).unwrap();
    plan.correlation().unwrap().run(&x, &w, &[], &mut plain_y).unwrap();
    plan.transposed(&go, &w, &[], &mut gi).unwrap();
    plan.input_gradient().unwrap().sample(&go, &w, &[], &mut plain_gi).unwrap();
    plan.weight_gradient(&x, &go, T::ONE, &mut gw).unwrap();
    plan.weights().unwrap().run(&x, &go, T::ONE, &mut plain_gw).unwrap();
    [y == plain_y, gi == plain_gi, gw == plain_gw]
}

#[test]
fn ways_are_those_that_the_environment_allows() {
    let exact = std::env::var_os("REKINDLE_EXACT").is_some();
    let plan = |planes: usize, kernel: i64, stride: i64| {
        let step = Step::new(kernel, stride, 1);
        Plan { geometry: Geometry::new(planes, &[20, 24], &[step, step]).unwrap(), out: 16 }
    };
    assert_eq!(is_plain::<f32>(&plan(16, 3, 1)), [exact; 3]);
    assert_eq!(is_plain::<f64>(&plan(16, 3, 1)), [true; 3]);
    for other in [plan(15, 3, 1), plan(16, 3, 2), plan(16, 5, 1)] {
        assert_eq!(is_plain::<f32>(&other), [true; 3], "{other:?}");
    }
}

/// Level and way are chosen once a process: the tests above run in other processes for those that this one does not take.
#[test]
fn other_levels_and_ways_do_the_same_in_a_process() {
    let settings =
        [("REKINDLE_SIMD", "avx2"), ("REKINDLE_SIMD", "base"), ("REKINDLE_EXACT", "1"), ("REKINDLE_TILE", "2")];
    for (name, value) in settings {
        let program = std::env::current_exe().unwrap();
        let done = std::process::Command::new(program)
            .args(["nn::convolution", "--skip", "in_a_process"])
            .env(name, value)
            .output();
        let done = done.unwrap();
        let told = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && told.contains("8 passed"), "{name} {value}: {told}");
    }
}
