//! Against exact values: a reference with twice the digits for f64, std's f64 functions for f32.
use super::*;

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

fn check(name: &str, points: impl Iterator<Item = f64>, f: fn(f64) -> f64, exact: fn(f64) -> Two) {
    for x in points {
        let (got, want) = (f(x), exact(x));
        assert!(ulps(got, want) <= 2.0, "{name}({x:?}) = {got:?}, not {:?}", want.0);
    }
}

fn one_plus(x: f64) -> Two {
    Two::of(1.0, x)
}

#[test]
fn doubles_are_within_two_ulp() {
    const N: usize = 3000;
    let near = || spread(-3.0, 3.0, N);
    check("exp", near().chain(spread(-600.0, 700.0, N)), |x| x.vexp(), |x| Two(x, 0.0).exp());
    check("log", spread(0.4, 2.5, N).chain(spread(1e-3, 1e6, N)), |x| x.vlog(), |x| Two(x, 0.0).ln());
    check("log1p", spread(-0.9, 3.0, N), |x| x.vlog1p(), |x| one_plus(x).ln());
    let tanh = |x: f64| {
        let t = Two(2.0 * x, 0.0).exp_m1();
        t.div(t.add(Two(2.0, 0.0)))
    };
    check("tanh", near().chain(spread(-0.2, 0.2, N)).chain(spread(-20.0, 20.0, N)), |x| x.vtanh(), tanh);
    let sigmoid = |x: f64| {
        let e = Two(x, 0.0).exp();
        e.div(e.add(Two(1.0, 0.0)))
    };
    check("sigmoid", near().chain(spread(-200.0, 100.0, N)), |x| x.vsigmoid(), sigmoid);
    check("sin", near(), |x| x.vsin(), |x| Two(x, 0.0).sin_cos().0);
    check("cos", near(), |x| x.vcos(), |x| Two(x, 0.0).sin_cos().1);
}

#[test]
fn sines_of_larger_numbers_agree_with_std() {
    let multiples = (1..60000).step_by(7).map(|n| f64::from(n) * std::f64::consts::FRAC_PI_2);
    for x in spread(-1e5, 1e5, 20000).chain(multiples) {
        for (got, want) in [(x.vsin(), x.sin()), (x.vcos(), x.cos())] {
            assert!((got - want).abs() <= 2.0 * place(want), "{x:?}: {got:?}, not {want:?}");
        }
    }
}

#[test]
fn floats_are_within_two_ulp() {
    type Pair = (&'static str, fn(f32) -> f32, fn(f64) -> f64);
    let functions: [Pair; 7] = [
        ("exp", |x| x.vexp(), f64::exp),
        ("log", |x| x.vlog(), f64::ln),
        ("log1p", |x| x.vlog1p(), f64::ln_1p),
        ("tanh", |x| x.vtanh(), f64::tanh),
        ("sigmoid", |x| x.vsigmoid(), |x| if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }),
        ("sin", |x| x.vsin(), f64::sin),
        ("cos", |x| x.vcos(), f64::cos),
    ];
    for (name, f, exact) in functions {
        for bits in (0..=u32::MAX).step_by(26021) {
            let x = f32::from_bits(bits);
            if (name == "sin" || name == "cos") && x.beyond_trig() {
                continue;
            }
            let (got, want) = (f(x), exact(f64::from(x)));
            let nearest = want as f32;
            let last = f64::from((nearest.abs().next_up() - nearest.abs()).abs());
            let near = (f64::from(got) - want).abs() <= 2.0 * last;
            assert!(
                near || got == nearest || got.is_nan() && want.is_nan(),
                "{name}({x:?}) = {got:?}, not {nearest:?}"
            );
        }
    }
}

/// Checks values that must be exactly libm's, for both widths.
macro_rules! specials {
    ($t:ident, $($x:expr),*) => {
        for x in [$($x),*, 0.0, -0.0, 1.0, -1.0, -2.0, $t::INFINITY, $t::NEG_INFINITY, $t::NAN, $t::MAX, $t::MIN,
            $t::MIN_POSITIVE, $t::from_bits(1), -$t::from_bits(1), $t::MIN_POSITIVE / 8.0] {
            let sigmoid = if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) };
            let all = [(x.vexp(), x.exp()), (x.vlog(), x.ln()), (x.vlog1p(), x.ln_1p()), (x.vtanh(), x.tanh()),
                (x.vsigmoid(), sigmoid), (x.vsin(), x.sin()), (x.vcos(), x.cos())];
            for (i, (got, want)) in all.into_iter().enumerate() {
                if i >= 5 && x.beyond_trig() {
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
