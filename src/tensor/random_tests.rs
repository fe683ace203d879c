//! The streams, against numbers that Torch7 gave.
use super::*;
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::layout::Layout;
use crate::tensor::ops::random;
use crate::tensor::threads::set_threads;
use std::cell::RefCell;

fn fresh() -> Generator {
    Generator::with_seed(1234)
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-14 * b.abs(), "{a:?} is not {b:?}");
}

#[test]
fn raw_numbers_and_seeds() {
    let mut g = fresh();
    let got: Vec<u32> = (0..6).map(|_| g.random()).collect();
    assert_eq!(got, [822569775, 2137449171, 2671936806, 3512589365, 1880026316, 2629000564]);
    for (seed, first) in
        [(0u64, 2357136044u32), (42, 1608637542), (5489, 3499211612), ((1 << 32) + 7, 327741615), (u64::MAX, 419326371)]
    {
        g.manual_seed(seed);
        assert_eq!((g.random(), g.initial_seed()), (first, seed));
    }
}

#[test]
fn far_into_the_stream_and_across_blocks() {
    let mut g = fresh();
    g.fill_uniform(&mut [0.0; 2000]);
    assert_eq!((g.random(), g.random()), (1722738895, 3679306028));
    g.fill_uniform(&mut [0.0; 5000]);
    assert_eq!(g.random(), 4182035526);
    let mut g = fresh();
    g.fill_uniform(&mut [0.0; 620]);
    let mut ten = [0u32; 10];
    g.fill_with(&mut ten, |u| u);
    assert_eq!(ten[..6], [3066663617, 976196910, 755503097, 1664263489, 303637765, 2105248208]);
}

#[test]
fn the_smoke_test() {
    let mut g = fresh();
    let normals: Vec<f64> = (0..3).map(|_| g.normal(0.0, 1.0).unwrap()).collect();
    assert_eq!(normals, [0.42153786471472626, 1.0951148893249112, -1.3284263581284623]);
    assert_eq!(g.uniform01(), 0.4377277372404933);
    assert_eq!(g.permutation(5).unwrap(), [4, 1, 2, 0, 3]);
}

#[test]
fn distributions() {
    close(fresh().uniform(2.0, 5.0), 2.5745583504904062);
    close(fresh().exponential(1.5), 0.14173243823468348);
    close(fresh().cauchy(0.0, 1.0), -1.4564516179415943);
    close(fresh().log_normal(1.0, 2.0).unwrap(), 6.3159345225951373);
    let mut g = fresh();
    let got: Vec<i64> = (0..6).map(|_| g.geometric(0.97).unwrap()).collect();
    assert_eq!(got, [7, 23, 32, 56, 19, 32]);
    let mut g = fresh();
    let got: Vec<bool> = (0..6).map(|_| g.bernoulli(0.5).unwrap()).collect();
    assert_eq!(got, [true, true, false, false, true, false]);
    let mut g = fresh();
    let got: Vec<i64> = (0..6).map(|_| g.random_to(10).unwrap()).collect();
    assert_eq!(got, [6, 2, 7, 6, 7, 5]);
    let mut g = fresh();
    let got: Vec<i64> = (0..5).map(|_| g.random_between(-20, -3).unwrap()).collect();
    assert_eq!(got, [-5, -17, -8, -9, -12]);
    assert_eq!(fresh().random_between(0, 4294967295).unwrap(), 822569775);
    assert!(fresh().random_between(i64::MIN, i64::MAX).is_ok());
}

#[test]
fn the_other_half_survives_uniform_draws_and_fills_keep_the_stream() {
    let mut a = fresh();
    let one = a.normal01();
    let u = a.uniform01();
    let two = a.normal01();
    assert_eq!((one, two), (0.42153786471472626, 1.0951148893249112));
    close(u, 0.62210876634344459);
    let (mut a, mut b) = (fresh(), fresh());
    for n in [1, 2, 5, 0, 700, 1, 3] {
        let mut block = vec![0.0; n];
        b.fill_normal(&mut block, 0.5, 2.0).unwrap();
        for v in block {
            close(v, a.normal(0.5, 2.0).unwrap());
        }
        assert_eq!(a.export_state(), b.export_state());
    }
}

/// Single draws of a generator, and the fill that stands for them.
fn same_as_singles(
    fill: impl Fn(&Tensor, &RefCell<Generator>),
    single: impl Fn(&mut Generator) -> f64,
    tolerance: f64,
) {
    for threads in [1, 3] {
        set_threads(threads);
        let (a, mut b) = (RefCell::new(fresh()), fresh());
        // one before, so that fills meet the middle of a block of words
        assert_eq!(a.borrow_mut().random(), b.random());
        for n in [1, 2, 5, 700, 3, 5000, 140_001] {
            let x = Tensor::new(DType::Double, &[n]).unwrap();
            // every other fill goes to elements that lie apart
            if n % 2 == 0 {
                x.resize(&[2 * n]).unwrap();
                x.set_layout(Layout::strided(0, &[n], &[2]).unwrap());
            }
            fill(&x, &a);
            for v in x.to_vec::<f64>().unwrap() {
                let wanted = single(&mut b);
                // few numbers are the same to the last bit
                let tolerance = if n <= 4096 { 0.0 } else { tolerance };
                assert!((v - wanted).abs() <= tolerance * wanted.abs(), "{v:?} is not {wanted:?}");
            }
            assert_eq!(a.borrow().export_state(), b.export_state());
        }
    }
    set_threads(crate::tensor::workers::processors());
}

#[test]
fn fills_give_what_single_draws_give() {
    same_as_singles(|x, g| random::uniform::<f64>(x, g, -1.0, 3.0).unwrap(), |g| g.uniform(-1.0, 3.0), 0.0);
    same_as_singles(|x, g| random::bernoulli::<f64>(x, g, 0.3).unwrap(), |g| g.bernoulli(0.3).unwrap().into(), 0.0);
    // logarithm, root, sine and cosine, each within 2 units of 1.1e-16 to 2.2e-16 in the last place, and the products
    same_as_singles(|x, g| random::normal::<f64>(x, g, 0.0, 2.0).unwrap(), |g| g.normal(0.0, 2.0).unwrap(), 1e-15);
    same_as_singles(|x, g| random::exponential::<f64>(x, g, 1.5).unwrap(), |g| g.exponential(1.5), 6e-16);
    same_as_singles(|x, g| random::cauchy::<f64>(x, g, 0.0, 2.0).unwrap(), |g| g.cauchy(0.0, 2.0), 1e-15);
    // the exponential turns an error of 1e-15 into one times the size of its argument
    same_as_singles(
        |x, g| random::log_normal::<f64>(x, g, 0.0, 1.0).unwrap(),
        |g| g.log_normal(0.0, 1.0).unwrap(),
        5e-15,
    );
    for p in [0.5, 0.25, 0.75, 0.97] {
        same_as_singles(|x, g| random::geometric::<f64>(x, g, p).unwrap(), |g| g.geometric(p).unwrap() as f64, 0.0);
    }
    for (a, b) in [(1, 10), (-20, -3), (0, u32::MAX.into()), (5, 5), (1, 1 << 31), (i64::MIN, i64::MAX)] {
        let unsigned = |v: i64| if v < 0 { v as u64 as f64 } else { v as f64 };
        same_as_singles(
            |x, g| random::random_between::<f64>(x, g, a, b).unwrap(),
            |g| unsigned(g.random_between(a, b).unwrap()),
            0.0,
        );
    }
}

#[test]
fn remainders_by_doubles_are_exact() {
    let mut g = fresh();
    for d in [1, 2, 3, 7, 10, 65_537, 1 << 31, (1 << 31) + 1, u32::MAX - 1, u32::MAX] {
        for u in [0, 1, d - 1, d, d.saturating_add(1), u32::MAX, u32::MAX - 1, g.random(), g.random()] {
            assert_eq!(fill::modulo(u, d), u % d, "{u} % {d}");
        }
    }
}

#[test]
fn bad_parameters_are_errors() {
    let mut g = fresh();
    for std in [0.0, -1.0, f64::NAN] {
        assert!(g.normal(0.0, std).is_err() && g.fill_normal(&mut [0.0], 0.0, std).is_err());
    }
    for p in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(g.geometric(p).is_err());
    }
    assert!(g.geometric(1.0 - 1e-16).is_err());
    assert!(g.bernoulli(1.5).is_err() && g.bernoulli(-0.1).is_err() && g.bernoulli(f64::NAN).is_err());
    assert!(g.random_to(0).is_err() && g.random_between(5, 3).is_err());
    assert!(g.permutation(usize::MAX).is_err());
    assert!(g.permutation(0).unwrap().is_empty());
}

#[test]
fn states() {
    let mut g = fresh();
    for draws in [0, 1, 2, 621, 1, 500] {
        for _ in 0..draws {
            g.random();
        }
        g.normal01();
        let state = g.export_state();
        assert_eq!(state.len(), STATE_BYTES);
        let mut h = Generator::new();
        h.import_state(&state).unwrap();
        assert_eq!(h.export_state(), state);
        assert_eq!(h.initial_seed(), 1234);
        assert_eq!((h.normal01(), h.random()), (g.normal01(), g.random()));
    }
    let mut h = Generator::with_seed(0);
    h.import_state(&fresh().export_state()).unwrap();
    assert_eq!(h.random(), 822569775);
    assert!(h.import_state(&[0; 10]).is_err());
    assert!(h.import_state(&[0; STATE_BYTES]).is_err());
    let mut broken = fresh().export_state();
    broken[16..24].copy_from_slice(&u64::MAX.to_ne_bytes());
    assert!(h.import_state(&broken).is_err());
    assert_eq!(h.random(), 2137449171);
}

#[test]
fn seeds_from_the_system_differ() {
    let mut g = Generator::new();
    let (a, b) = (g.initial_seed(), g.seed());
    assert!(a != b && b == g.initial_seed() && b < 1 << 53);
}
