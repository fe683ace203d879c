//! Against exact values, in both arithmetics: a reference with twice the digits for f64, std's f64 functions for f32.
use super::*;
use crate::tensor::layout::Layout;
use crate::tensor::ops::{arithmetic as sums, pointwise};
use crate::tensor::{Tensor, error::Result, threads};
use rayon::prelude::*;

/// A number in two pieces.
#[derive(Clone, Copy)]
struct Two(f64, f64);

impl Two {
    fn of(a: f64, b: f64) -> Two {
        let s = a + b;
        let t = s - a;
        Two(s, (a - (s - t)) + (b - t))
    }
    fn add(self, o: Two) -> Two {
        let Two(s, e) = Two::of(self.0, o.0);
        Two::of(s, e + self.1 + o.1)
    }
    fn mul(self, o: Two) -> Two {
        let p = self.0 * o.0;
        let e = self.0.mul_add(o.0, -p);
        Two::of(p, e + self.0 * o.1 + self.1 * o.0)
    }
    fn neg(self) -> Two {
        Two(-self.0, -self.1)
    }
    fn div(self, o: Two) -> Two {
        let q = self.0 / o.0;
        let rest = self.add(o.mul(Two(q, 0.0)).neg());
        let q2 = rest.0 / o.0;
        let rest = rest.add(o.mul(Two(q2, 0.0)).neg());
        Two::of(q, q2).add(Two(rest.0 / o.0, 0.0))
    }
    fn scale(self, by: f64) -> Two {
        Two(self.0 * by, self.1 * by)
    }
    /// exp(self) - 1 as a series, for small numbers.
    fn series(self) -> Two {
        let mut sum = Two(1.0, 0.0);
        for k in (2..30).rev() {
            sum = sum.mul(self).div(Two(f64::from(k), 0.0)).add(Two(1.0, 0.0));
        }
        sum.mul(self)
    }
    /// exp(self) - 1.
    fn exp_m1(self) -> Two {
        let mut e = self.scale(1.0 / 1024.0).series();
        for _ in 0..10 {
            // (1 + e)^2 - 1
            e = e.scale(2.0).add(e.mul(e));
        }
        e
    }
    fn exp(self) -> Two {
        let one = Two(1.0, 0.0);
        if self.0 < 0.0 { one.div(self.neg().exp()) } else { self.exp_m1().add(one) }
    }
    /// As [`Two::exp`], down to where results are subnormal.
    fn exp_low(self) -> Two {
        if self.0 > -700.0 {
            return self.exp();
        }
        let root = self.scale(0.5).exp();
        root.mul(root)
    }
    /// The logarithm of any positive number.
    fn ln_any(self) -> Two {
        const LN_2: Two = Two(std::f64::consts::LN_2, 2.3190468138462996e-17);
        let (x, less) = if self.0 < 1e-290 { (self.scale(2f64.powi(100)), 100) } else { (self, 0) };
        let e = ((x.0.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        if e.abs() < 2 {
            return x.ln();
        }
        let half = 2f64.powi(-e / 2);
        x.scale(half).scale(2f64.powi(-e) / half).ln().add(LN_2.mul(Two(f64::from(e - less), 0.0)))
    }
    /// One Newton step from std's value.
    fn ln(self) -> Two {
        let y = Two(self.0.ln(), 0.0);
        let one = self.mul(y.neg().exp());
        // log(1 + d) for tiny d
        let d = one.add(Two(-1.0, 0.0));
        y.add(d).add(d.mul(d).scale(-0.5))
    }
    /// sin and cos of a small number as series.
    fn sin_cos(self) -> (Two, Two) {
        let square = self.mul(self).neg();
        let (mut s, mut c) = (Two(1.0, 0.0), Two(1.0, 0.0));
        for k in (1..16).rev() {
            let k = f64::from(2 * k);
            s = s.mul(square).div(Two(k * (k + 1.0), 0.0)).add(Two(1.0, 0.0));
            c = c.mul(square).div(Two(k * (k - 1.0), 0.0)).add(Two(1.0, 0.0));
        }
        (s.mul(self), c)
    }
}

/// Size of the last place of a number.
fn place(v: f64) -> f64 {
    let v = v.abs();
    (v.next_up() - v).max(v - v.next_down())
}

fn ulps(got: f64, exact: Two) -> f64 {
    ((got - exact.0) - exact.1).abs() / place(exact.0)
}

/// Numbers spread evenly from `a` to `b`, at odd places.
fn spread(a: f64, b: f64, n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| a + (b - a) * ((i as f64 + 0.377) / n as f64))
}

/// Doubles of all exponents between two positive numbers, with either sign.
fn walk(from: f64, to: f64) -> impl Iterator<Item = f64> {
    const N: u64 = 12007;
    let (a, b) = (from.to_bits(), to.to_bits());
    let step = ((b - a) / N) | 1;
    (0..N).map(move |i| f64::from_bits(a + i * step)).flat_map(|x| [x, -x])
}

/// One function of floats or doubles in both arithmetics.
macro_rules! both {
    (|$m:ident, $x:ident| $body:expr) => {
        [
            |$x| {
                let $m = Plain;
                $body
            },
            |$x| {
                let $m = Fused;
                $body
            },
        ]
    };
}

fn check(name: &str, points: impl Iterator<Item = f64>, f: [fn(f64) -> f64; 2], exact: fn(f64) -> Two) {
    for x in points {
        let want = exact(x);
        for got in f.map(|f| f(x)) {
            assert!(ulps(got, want) <= 2.0, "{name}({x:?}) = {got:?}, not {:?}", want.0);
        }
    }
}

/// log(1 + x): by its series where the sum would have too few digits for it.
fn log1p(x: f64) -> Two {
    if x.abs() > 1e-3 {
        return Two::of(1.0, x).ln_any();
    }
    let (x, mut sum) = (Two(x, 0.0), Two(0.0, 0.0));
    for k in (1..13).rev() {
        sum = Two(1.0, 0.0).div(Two(f64::from(k), 0.0)).add(sum.mul(x).neg());
    }
    sum.mul(x)
}

#[test]
fn doubles_are_within_two_ulp() {
    const N: usize = 2000;
    let near = || spread(-3.0, 3.0, N);
    let positive = |x: &f64| *x > 0.0;
    let exp: [fn(f64) -> f64; 2] = both!(|m, x| x.vexp(m));
    check("exp", near().chain(spread(-745.0, 709.7, 2 * N)).chain(walk(1e-300, 700.0)), exp, |x| Two(x, 0.0).exp_low());
    let points = spread(0.4, 2.5, N).chain(walk(5e-324, 1.7e308).filter(positive));
    check("log", points, both!(|m, x| x.vlog(m)), |x| Two(x, 0.0).ln_any());
    let points = spread(-0.9999, 3.0, 2 * N).chain(walk(1e-300, 1e308).filter(|x| *x > -1.0));
    check("log1p", points, both!(|m, x| x.vlog1p(m)), log1p);
    let tanh = |x: f64| {
        if x.abs() > 30.0 {
            return Two(x.signum(), 0.0);
        }
        let t = Two(2.0 * x, 0.0).exp_m1();
        t.div(t.add(Two(2.0, 0.0)))
    };
    let points = near().chain(spread(-0.4, 0.4, 2 * N)).chain(spread(-20.0, 20.0, N)).chain(walk(1e-300, 1e308));
    check("tanh", points, both!(|m, x| x.vtanh(m)), tanh);
    let sigmoid = |x: f64| {
        if x > 100.0 {
            return Two(1.0, 0.0);
        }
        let e = Two(x, 0.0).exp_low();
        e.div(e.add(Two(1.0, 0.0)))
    };
    let points = near().chain(spread(-744.0, 100.0, N)).chain(walk(1e-300, 740.0));
    check("sigmoid", points, both!(|m, x| x.vsigmoid(m)), sigmoid);
    check("sin", near(), both!(|m, x| x.vsin(m)), |x| Two(x, 0.0).sin_cos().0);
    check("cos", near(), both!(|m, x| x.vcos(m)), |x| Two(x, 0.0).sin_cos().1);
}

#[test]
fn powers_of_doubles_are_within_two_ulp() {
    let f = [|x: f64, y: f64| x.vpow(y, Plain), |x: f64, y: f64| x.vpow(y, Fused)];
    let check = |x: f64, y: f64| {
        let log = Two(x, 0.0).ln_any();
        let want = log.mul(Two(y, 0.0)).exp_low();
        for got in f.map(|f| f(x, y)) {
            assert!(ulps(got, want) <= 2.0, "{x:?} to the {y:?} is {got:?}, not {:?}", want.0);
        }
    };
    let bases = walk(f64::MIN_POSITIVE, 1.7e308).filter(|x| *x > 0.0).chain(spread(0.5, 2.0, 2000));
    for (x, t) in bases.zip(spread(0.0, 1.0, 14001)) {
        // results of all sizes, the greatest exponents with bases near 1
        check(x, (t - 0.51) * 1400.0 / x.ln());
        check(x, (t - 0.5) * 0.1);
    }
    for x in spread(-50.0, 50.0, 301) {
        for y in -9..9 {
            let (got, want) = (x.vpow(f64::from(y), Fused), x.powi(y));
            assert!((got / want - 1.0).abs() < 1e-14, "{x:?} to the {y}: {got:?}, not {want:?}");
        }
        assert!(x > 0.0 || x.vpow(1.5, Fused).is_nan() && x.vpow(1.5, Plain).is_nan());
    }
}

/// Values that the kernels of pow take, and those they must refuse, give what libm gives.
#[test]
fn special_powers() {
    macro_rules! specials {
        ($t:ident) => {
            let all = [
                0.0,
                -0.0,
                1.0,
                -1.0,
                0.5,
                -0.5,
                2.0,
                -2.0,
                3.0,
                -3.0,
                1e30,
                -1e30,
                $t::MAX,
                $t::MIN,
                $t::NAN,
                $t::INFINITY,
                $t::NEG_INFINITY,
                $t::MIN_POSITIVE,
                16777215.0,
                9007199254740991.0,
                9007199254740992.0,
            ];
            for (x, y) in all.iter().flat_map(|x| all.iter().map(move |y| (*x, *y))) {
                let want = x.powf(y);
                for got in [x.vpow(y, Plain), x.vpow(y, Fused)] {
                    let close = (got - want).abs() <= 2.0 * (want.abs().next_up() - want.abs());
                    let same = close || got == want || got.is_nan() && want.is_nan();
                    assert!(x.hard_pow(y) || same, "{x:?} to the {y:?}: {got:?}, not {want:?}");
                }
            }
        };
    }
    specials!(f64);
    specials!(f32);
}

#[test]
fn sines_of_larger_numbers_agree_with_std() {
    let multiples = (1..60000).step_by(7).map(|n| f64::from(n) * std::f64::consts::FRAC_PI_2);
    for x in spread(-1e5, 1e5, 20000).chain(multiples).chain(walk(1e-300, 1e5)) {
        let pairs =
            [(x.vsin(Plain), x.sin()), (x.vsin(Fused), x.sin()), (x.vcos(Plain), x.cos()), (x.vcos(Fused), x.cos())];
        for (got, want) in pairs {
            assert!((got - want).abs() <= 2.0 * place(want), "{x:?}: {got:?}, not {want:?}");
        }
    }
}

/// Checks every function of floats at `start`, `start + step` and so on.
fn check_floats(start: u32, step: usize) {
    type Row = (&'static str, [fn(f32) -> f32; 2], fn(f64) -> f64);
    let functions: [Row; 10] = [
        ("exp", both!(|m, x| x.vexp(m)), f64::exp),
        ("log", both!(|m, x| x.vlog(m)), f64::ln),
        ("log1p", both!(|m, x| x.vlog1p(m)), f64::ln_1p),
        ("tanh", both!(|m, x| x.vtanh(m)), f64::tanh),
        ("sigmoid", both!(|m, x| x.vsigmoid(m)), |x| {
            if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
        }),
        ("sin", both!(|m, x| x.vsin(m)), f64::sin),
        ("cos", both!(|m, x| x.vcos(m)), f64::cos),
        ("pow -1.7", both!(|m, x| x.vpow(-1.7, m)), |x| x.powf(f64::from(-1.7f32))),
        ("pow 3", both!(|m, x| x.vpow(3.0, m)), |x| x.powi(3)),
        ("0.7 pow", both!(|m, x| 0.7f32.vpow(x, m)), |x| f64::from(0.7f32).powf(x)),
    ];
    for bits in (start..=u32::MAX).step_by(step) {
        let x = f32::from_bits(bits);
        for (name, f, exact) in functions {
            let hard = match name {
                "sin" | "cos" => x.beyond_trig(),
                "0.7 pow" => x.is_nan(),
                _ => name.contains("pow") && x.hard_pow(1.0),
            };
            if hard {
                continue;
            }
            let want = exact(f64::from(x));
            let nearest = want as f32;
            let last = f64::from((nearest.abs().next_up() - nearest.abs()).abs());
            for got in f.map(|f| f(x)) {
                let near = (f64::from(got) - want).abs() <= 2.0 * last;
                assert!(
                    near || got == nearest || got.is_nan() && want.is_nan(),
                    "{name}({x:?}) = {got:?}, not {nearest:?}"
                );
            }
        }
    }
}

#[test]
fn floats_are_within_two_ulp() {
    check_floats(0, 4001);
}

/// All of them, which takes the better part of an hour.
#[test]
#[ignore = "long"]
fn every_float_is_within_two_ulp() {
    (0..4096).into_par_iter().for_each(|start| check_floats(start, 4096));
}

/// An element's result depends neither on where it lies nor on how many there are, strides and threads included.
macro_rules! same_everywhere {
    ($t:ident) => {
        type Op = fn(&Tensor, &Tensor) -> Result<()>;
        let ops: [Op; 9] = [
            pointwise::exp::<$t>,
            pointwise::log::<$t>,
            pointwise::log1p::<$t>,
            pointwise::tanh::<$t>,
            pointwise::sigmoid::<$t>,
            pointwise::sin::<$t>,
            pointwise::cos::<$t>,
            |r, x| sums::pow_scalar::<$t>(r, x, 1.7),
            |r, x| sums::cpow_float::<$t>(r, x, x),
        ];
        // one element in 90 is hard for some of them
        let value = |i: usize| if i % 90 == 70 { -2e5 } else { (i as $t * 0.37) % 7.0 };
        let n = 150_000;
        let x = Tensor::from_slice(&(0..n).map(value).collect::<Vec<$t>>()).unwrap();
        for op in ops {
            let run = |x: &Tensor| {
                let r = Tensor::empty(x.dtype());
                op(&r, x).unwrap();
                r.to_vec::<$t>().unwrap().into_iter().map($t::to_bits).collect::<Vec<_>>()
            };
            threads::set_threads(1);
            let all = run(&x);
            threads::set_threads(2);
            assert!(all == run(&x), "threads");
            for first in 0..70 {
                let part = x.narrow(0, first, 75 - first).unwrap();
                assert_eq!(run(&part), all[first..75], "{first}");
            }
            let apart = x.with_layout(Layout::strided(1, &[1000], &[3]).unwrap());
            assert_eq!(run(&apart), all[1..].iter().step_by(3).take(1000).copied().collect::<Vec<_>>());
            let same = Tensor::from_slice(&x.to_vec::<$t>().unwrap()[..777]).unwrap();
            op(&same, &same).unwrap();
            assert!(same.to_vec::<$t>().unwrap().iter().zip(&all).all(|(a, b)| a.to_bits() == *b), "in place");
        }
    };
}

#[test]
fn an_element_gives_the_same_everywhere() {
    same_everywhere!(f64);
    {
        same_everywhere!(f32);
    }
}

/// Checks values that must be exactly libm's, for both widths.
macro_rules! specials {
    ($t:ident, $($x:expr),*) => {
        for x in [$($x),*, 0.0, -0.0, 1.0, -1.0, -2.0, $t::INFINITY, $t::NEG_INFINITY, $t::NAN, $t::MAX, $t::MIN,
            $t::MIN_POSITIVE, $t::from_bits(1), -$t::from_bits(1), $t::MIN_POSITIVE / 8.0] {
            let sigmoid = if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) };
            fn all<M: Arith>(x: $t, m: M) -> [$t; 7] {
                [x.vexp(m), x.vlog(m), x.vlog1p(m), x.vtanh(m), x.vsigmoid(m), x.vsin(m), x.vcos(m)]
            }
            let exact = [x.exp(), x.ln(), x.ln_1p(), x.tanh(), sigmoid, x.sin(), x.cos()];
            let pairs = all(x, Plain).into_iter().zip(exact).chain(all(x, Fused).into_iter().zip(exact));
            for (i, (got, want)) in pairs.enumerate() {
                if i % 7 >= 5 && x.beyond_trig() {
                    continue;
                }
                let close = (got - want).abs() <= 2.0 * (want.abs().next_up() - want.abs());
                let same = got == want && got.is_sign_negative() == want.is_sign_negative();
                assert!(same || close && want != 0.0 || got.is_nan() && want.is_nan(), "{i} of {x:?}: {got:?}, not {want:?}");
            }
        }
    };
}

#[test]
fn special_values() {
    specials!(f64, 709.782712893384, 709.79, -708.5, -740.0, -745.2, -800.0, 1e-300, 1e300, 22.0, 40.0);
    specials!(f32, 88.72283, 88.73, -87.5, -100.0, -104.5, -200.0, 1e-40, 1e30, 9.1, 20.0);
    assert!(2e5f64.beyond_trig() && !f64::INFINITY.beyond_trig() && !f64::NAN.beyond_trig() && !1e5f32.beyond_trig());
    assert_eq!((2e5f64.any_sin(), 2e5f32.any_cos()), (2e5f64.sin(), 2e5f32.cos()));
}
