//! Convolutions: output, gradients of the input and of the weights in GFLOP/s, on one thread and on all, beside what the
//! machine's multiply-adds reach in registers; gradients of the bias in GB/s. One table for floats and one for doubles
//! at each SIMD level, each in a process of its own (`REKINDLE_SIMD=avx2` or `base` measures that one alone).
//! `REKINDLE_EXACT=1` measures the plain way for windows of 3 x 3: Winograd's does the same work with fewer operations, and
//! may exceed the peak.

use rekindle::nn::convolution::engine::{Plan, plane_sums};
use rekindle::nn::convolution::unfold::Geometry;
use rekindle::nn::window::Step;
use rekindle::tensor::access::MatrixMut;
use rekindle::tensor::product::Multiply;
use rekindle::tensor::simd::{Level, level, vectorize_maths};
use rekindle::tensor::threads::{set_threads, threads};
use std::time::Instant;

/// Name, batch, planes, output planes, side of the input, window, stride, padding.
type Shape = (&'static str, usize, usize, usize, usize, i64, i64, i64);

/// The first layers, windows of 3 x 3, windows of 5 x 5 with few pixels, single samples, and strides.
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
    ("resnet 128 -> 256 / 2 at 28", 1, 128, 256, 28, 3, 2, 1),
    ("resnet 256 -> 512 / 2 at 14", 1, 256, 512, 14, 3, 2, 1),
    ("resnet 64 -> 128 1x1 / 2 at 56", 1, 64, 128, 56, 1, 2, 0),
    ("resnet 256 -> 64 1x1 at 56", 4, 256, 64, 56, 1, 1, 0),
    ("dcgan 3 -> 32 4x4 / 2 at 64, batch 16", 16, 3, 32, 64, 4, 2, 1),
    ("dcgan 32 -> 64 4x4 / 2 at 32, batch 16", 16, 32, 64, 32, 4, 2, 1),
    ("dcgan 64 -> 128 4x4 / 2 at 16, batch 16", 16, 64, 128, 16, 4, 2, 1),
    ("dcgan 128 -> 256 4x4 / 2 at 8, batch 16", 16, 128, 256, 8, 4, 2, 1),
];

/// Those that are measured for doubles too.
const DOUBLES: &[usize] = &[0, 2, 5, 6, 7, 12, 13, 18];

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
fn repeat<T: Copy, const N: usize, const L: usize>(sums: [[T; L]; N], f: impl Fn(T, usize) -> T) -> [[T; L]; N] {
    let mut s = sums;
    for _ in 0..TIMES {
        s.iter_mut().for_each(|s| (0..L).for_each(|l| s[l] = f(s[l], l)));
    }
    s
}

/// Multiply-adds of an element type in registers.
trait Peak: Multiply {
    /// GFLOP/s of `N` running sums of `L` lanes, on one thread.
    fn rate<const N: usize, const L: usize>() -> f64;
    /// As many sums as the level's registers hold.
    fn peak() -> f64;
}

macro_rules! peak {
    ($($t:ident $v4:literal $v3:literal $base:literal;)*) => { $(impl Peak for $t {
        fn rate<const N: usize, const L: usize>() -> f64 {
            let (x, y) = (std::hint::black_box([0.5 as $t; L]), std::hint::black_box([0.25 as $t; L]));
            let mut sums = [[0.0 as $t; L]; N];
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
        fn peak() -> f64 {
            match level() {
                Level::V4 => Self::rate::<24, $v4>(),
                Level::V3 => Self::rate::<12, $v3>(),
                Level::Base => Self::rate::<10, $base>(),
            }
        }
    })* };
}
peak! {
    f32 16 8 4;
    f64 8 4 2;
}

/// The peak of one thread, and that of so many at once.
fn peaks<T: Peak>(all: usize) -> [f64; 2] {
    let one = T::peak();
    let together = std::thread::scope(|s| {
        let threads: Vec<_> = (0..all).map(|_| s.spawn(T::peak)).collect();
        threads.into_iter().map(|t| t.join().unwrap_or(0.0)).sum()
    });
    [one, together]
}

/// Output, gradient of the input, of the weights and of the bias, on one thread and on all.
fn measure<T: Peak>(shape: &Shape, all: usize) -> anyhow::Result<[[f64; 2]; 4]> {
    let &(_, batch, planes, out, side, kernel, stride, pad) = shape;
    let step = Step::new(kernel, stride, pad);
    let geometry = Geometry::new(planes, &[side, side], &[step, step])?;
    let plan = Plan { geometry, out };
    let values = |n: usize| (0..n).map(|i| T::from_f64((i * 37 % 101) as f64 / 50.0 - 1.0)).collect::<Vec<_>>();
    let (x, w) = (values(batch * geometry.input_len()), values(out * geometry.rows()));
    let go = values(batch * out * geometry.pixels());
    let (mut y, mut gi, mut gw, mut gb) = (go.clone(), x.clone(), w.clone(), values(out));
    let work = 2.0 * (batch * out * geometry.pixels() * geometry.rows()) as f64 / 1e9;
    let read = size_of_val(&go[..]) as f64 / 1e9;
    let mut figures = [[0.0; 2]; 4];
    for (i, n) in [1, all].into_iter().enumerate() {
        set_threads(n);
        figures[0][i] = work / least(|| plan.forward(&x, &w, &[], &mut y).expect("memory"));
        figures[1][i] = work / least(|| plan.transposed(&go, &w, &[], &mut gi).expect("memory"));
        figures[2][i] = work / least(|| plan.weight_gradient(&x, &go, T::ONE, &mut gw).expect("memory"));
        let bias = || plane_sums(&go, batch, geometry.pixels(), T::ONE, MatrixMut::new(&mut gb, out, 1));
        figures[3][i] = read / least(bias);
    }
    Ok(figures)
}

fn table<T: Peak>(shapes: impl Iterator<Item = &'static Shape>, all: usize) -> anyhow::Result<()> {
    let [one, together] = peaks::<T>(all);
    let name = T::DTYPE;
    println!("{name:?} at level {:?}: on 1 and on {all} threads; in registers {one:.0} / {together:.0}", level());
    println!("  {:<40} {:>13} {:>13} {:>13} {:>15}", "GFLOP/s", "output", "gradInput", "gradWeight", "gradBias, GB/s");
    for shape in shapes {
        let [y, gi, gw, gb] = measure::<T>(shape, all)?.map(|[one, all]| format!("{one:.0} / {all:.0}"));
        println!("  {:<40} {y:>13} {gi:>13} {gw:>13} {gb:>15}", shape.0);
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    if std::env::var_os("REKINDLE_SIMD").is_none() {
        // the level is chosen once a process
        for level in ["best", "avx2", "base"] {
            let status = std::process::Command::new(std::env::current_exe()?).env("REKINDLE_SIMD", level).status()?;
            anyhow::ensure!(status.success(), "level {level}: {status}");
        }
        return Ok(());
    }
    let all = threads();
    table::<f32>(SHAPES.iter(), all)?;
    table::<f64>(DOUBLES.iter().map(|&i| &SHAPES[i]), all)
}
