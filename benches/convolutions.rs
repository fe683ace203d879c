//! Convolutions of float: output, gradient of the input and of the weights in GFLOP/s, on one thread and on all, beside what
//! the machine's multiply-adds reach in registers. `REKINDLE_SIMD=avx2` and `base` measure the lower levels,
//! `REKINDLE_EXACT=1` the plain way for windows of 3 x 3 (Winograd's does the same work with fewer operations, and may
//! exceed the peak).

use rekindle::nn::convolution::engine::Plan;
use rekindle::nn::convolution::unfold::Geometry;
use rekindle::nn::window::Step;
use rekindle::tensor::simd::{Level, level, vectorize_maths};
use rekindle::tensor::threads::{set_threads, threads};
use std::time::Instant;

/// Name, batch, planes, output planes, side of the input, window, stride, padding.
type Shape = (&'static str, usize, usize, usize, usize, i64, i64, i64);

const SHAPES: &[Shape] = &[
    ("vgg 3 -> 32 at 32, batch 32", 32, 3, 32, 32, 3, 1, 1),
    ("vgg 32 -> 32 at 32, batch 32", 32, 32, 32, 32, 3, 1, 1),
    ("vgg 64 -> 64 at 16, batch 32", 32, 64, 64, 16, 3, 1, 1),
    ("vgg 128 -> 128 at 8, batch 32", 32, 128, 128, 8, 3, 1, 1),
    ("lenet 1 -> 20 5x5 at 28, batch 64", 64, 1, 20, 28, 5, 1, 0),
    ("lenet 20 -> 50 5x5 at 12, batch 64", 64, 20, 50, 12, 5, 1, 0),
    ("tutorial 3 -> 64 5x5 at 32", 1, 3, 64, 32, 5, 1, 0),
    ("tutorial 64 -> 64 5x5 at 14", 1, 64, 64, 14, 5, 1, 0),
    ("resnet 3 -> 64 7x7 / 2 at 224", 1, 3, 64, 224, 7, 2, 3),
    ("resnet 64 -> 64 at 56", 1, 64, 64, 56, 3, 1, 1),
    ("resnet 128 -> 128 at 28", 1, 128, 128, 28, 3, 1, 1),
    ("resnet 256 -> 256 at 14", 1, 256, 256, 14, 3, 1, 1),
    ("resnet 512 -> 512 at 7", 1, 512, 512, 7, 3, 1, 1),
    ("resnet 64 -> 128 / 2 at 56", 1, 64, 128, 56, 3, 2, 1),
    ("resnet 64 -> 128 1x1 / 2 at 56", 1, 64, 128, 56, 1, 2, 0),
    ("dcgan 3 -> 32 4x4 / 2 at 64, batch 16", 16, 3, 32, 64, 4, 2, 1),
    ("dcgan 32 -> 64 4x4 / 2 at 32, batch 16", 16, 32, 64, 32, 4, 2, 1),
    ("dcgan 128 -> 256 4x4 / 2 at 8, batch 16", 16, 128, 256, 8, 4, 2, 1),
];

/// The least seconds a call of a tenth of a second's.
fn least(mut f: impl FnMut()) -> f64 {
    f();
    let (begin, mut least) = (Instant::now(), f64::MAX);
    while begin.elapsed().as_secs_f64() < 0.1 {
        let start = Instant::now();
        f();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least
}

/// How often each sum is added to.
const TIMES: usize = 20_000;

#[inline(always)]
fn repeat<const N: usize, const L: usize>(sums: [[f32; L]; N], f: impl Fn(f32, usize) -> f32) -> [[f32; L]; N] {
    let mut s = sums;
    for _ in 0..TIMES {
        s.iter_mut().for_each(|s| (0..L).for_each(|l| s[l] = f(s[l], l)));
    }
    s
}

/// Multiply-adds of `N` running sums of `L` lanes, in GFLOP/s.
fn rate<const N: usize, const L: usize>() -> f64 {
    let (x, y) = (std::hint::black_box([0.5f32; L]), std::hint::black_box([0.25f32; L]));
    let mut sums = [[0.0f32; L]; N];
    let seconds = least(|| {
        sums = vectorize_maths(
            #[inline(always)]
            || repeat(sums, |v, l| v * x[l] + y[l]),
            #[inline(always)]
            || repeat(sums, |v, l| v.mul_add(x[l], y[l])),
        );
    });
    std::hint::black_box(sums);
    2.0 * (N * L * TIMES) as f64 / seconds / 1e9
}

fn main() -> anyhow::Result<()> {
    let (all, level) = (threads(), level());
    let peak = match level {
        Level::V4 => rate::<24, 16>(),
        Level::V3 => rate::<12, 8>(),
        Level::Base => rate::<10, 4>(),
    };
    println!("convolutions at level {level:?}: GFLOP/s on 1 and on {all} threads; {peak:.0} in registers of one");
    println!("  {:<40} {:>13} {:>13} {:>13}", "", "output", "gradInput", "gradWeight");
    for &(name, batch, planes, out, side, kernel, stride, pad) in SHAPES {
        let step = Step::new(kernel, stride, pad);
        let geometry = Geometry::new(planes, &[side, side], &[step, step])?;
        let plan = Plan { geometry, out };
        let values = |n: usize| (0..n).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect::<Vec<_>>();
        let (x, w) = (values(batch * geometry.input_len()), values(out * geometry.rows()));
        let go = values(batch * out * geometry.pixels());
        let (mut y, mut gi, mut gw) = (go.clone(), x.clone(), w.clone());
        let work = 2.0 * (batch * out * geometry.pixels() * geometry.rows()) as f64 / 1e9;
        let mut figures = [[0.0; 2]; 3];
        for (i, n) in [1, all].into_iter().enumerate() {
            set_threads(n);
            figures[0][i] = work / least(|| plan.forward(&x, &w, &[], &mut y).expect("memory"));
            figures[1][i] = work / least(|| plan.transposed(&go, &w, &[], &mut gi).expect("memory"));
            figures[2][i] = work / least(|| plan.weight_gradient(&x, &go, 1.0, &mut gw).expect("memory"));
        }
        let [y, gi, gw] = figures.map(|[one, all]| format!("{one:.0} / {all:.0}"));
        println!("  {name:<40} {y:>13} {gi:>13} {gw:>13}");
    }
    Ok(())
}
