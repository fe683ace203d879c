//! The streams, against numbers that Torch7 gave.
use super::*;

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
