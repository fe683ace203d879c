//! Order against sorting pairs by comparing them.
use super::*;
use crate::tensor::dtype::{DType, Element};
use crate::tensor::threads::set_threads;
use std::cmp::Ordering;

/// Numbers as good as random, from a counter.
fn mixed(i: u64) -> u64 {
    let z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

fn compare<T: Real>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Places, from 1, of the sorted elements; equal ones keep their order.
fn model<T: Real>(line: &[T], down: bool) -> Vec<i64> {
    let mut places: Vec<i64> = (1..=line.len() as i64).collect();
    let at = |i: &i64| line[*i as usize - 1];
    places.sort_by(|a, b| if down { compare(at(b), at(a)) } else { compare(at(a), at(b)) });
    places
}

fn results(d: DType) -> (Tensor, Tensor) {
    (Tensor::empty(d), Tensor::empty(DType::Long))
}

fn check_line<T: Real>(line: &[T]) {
    let (n, x) = (line.len(), Tensor::from_slice(line).unwrap());
    let (v, p) = results(T::DTYPE);
    let places = || p.to_vec::<i64>().unwrap();
    for down in [false, true] {
        let wanted = model(line, down);
        sort::<T>(&v, &p, &x, None, down).unwrap();
        assert_eq!(places(), wanted, "sort of {n} {}", T::DTYPE.name());
        let bits = |t: &[T]| t.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>();
        let sorted: Vec<T> = wanted.iter().map(|&i| line[i as usize - 1]).collect();
        assert_eq!(bits(&v.to_vec::<T>().unwrap()), bits(&sorted));
        for k in [1, 2, n / 20, n / 2, n] {
            let k = k.clamp(1, n);
            topk::<T>(&v, &p, &x, k as i64, None, down, true).unwrap();
            assert_eq!(places(), wanted[..k], "the {k} best of {n} {}", T::DTYPE.name());
            topk::<T>(&v, &p, &x, k as i64, None, down, false).unwrap();
            let (mut got, mut wanted) = (places(), wanted[..k].to_vec());
            got.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(got, wanted);
        }
    }
    let wanted = model(line, false);
    for k in [1, n / 3, n / 2, n] {
        let k = k.clamp(1, n);
        kthvalue::<T>(&v, &p, &x, k as i64, None).unwrap();
        assert_eq!(places(), [wanted[k - 1]]);
    }
    median::<T>(&v, &p, &x, None).unwrap();
    assert_eq!(places(), [wanted[(n - 1) / 2]]);
    mode::<T>(&v, &p, &x, None).unwrap();
    let at = |i: i64| line[i as usize - 1];
    let (mut best, mut most, mut run) = (0, 0, 0);
    for (i, &place) in wanted.iter().enumerate() {
        run = if i > 0 && at(place) == at(wanted[i - 1]) { run + 1 } else { 1 };
        if run > most {
            (best, most) = (place, run);
        }
    }
    assert_eq!(places(), [best]);
}

fn check<T: Real>(make: impl Fn(u64) -> T) {
    for n in [1, 2, 3, 63, 64, 65, 300, 2047, 2500, 9000] {
        check_line(&(0..n).map(|i| make(mixed(i))).collect::<Vec<T>>());
    }
}

#[test]
fn every_type_is_ordered_as_comparing_does() {
    check(|r| r as u8);
    check(|r| r as i8);
    check(|r| r as i16);
    check(|r| r as i32);
    check(|r| r as i64);
    check(|r| (r % 7) as i64 - 3);
    check(|r| f32::from_bits(r as u32));
    check(f64::from_bits);
    check(|r| [0.0, -0.0, 1.0, f64::NAN, f64::NEG_INFINITY, -2.5][(r % 6) as usize]);
    check(|r| (r % 1000) as f32);
    check(|_| f32::NAN);
    check(|_| 5i32);
}

#[test]
fn long_lines_are_the_same_on_any_number_of_threads() {
    let ascending: Vec<f32> = (0..100_000).map(|i| i as f32).collect();
    let normal: Vec<f64> = (0..70_000).map(|i| (mixed(i) as f64 / 1e18).powi(3) - 100.0).collect();
    let whole: Vec<i64> = (0..70_000).map(|i| (mixed(i) >> 40) as i64).collect();
    for n in [1, 3] {
        set_threads(n);
        check_line(&ascending);
        check_line(&ascending.iter().rev().copied().collect::<Vec<_>>());
        check_line(&normal);
        check_line(&whole);
        check_line(&whole.iter().map(|&v| v as u8).collect::<Vec<_>>());
    }
    set_threads(crate::tensor::workers::processors());
}

#[test]
fn lines_along_any_dimension_and_results_that_are_arguments() {
    let data: Vec<f64> = (0..5 * 6 * 7).map(|i| (mixed(i) % 50) as f64).collect();
    for d in 0..3 {
        let x = Tensor::from_slice(&data).unwrap();
        x.resize(&[5, 6, 7]).unwrap();
        let (v, p) = results(DType::Double);
        sort::<f64>(&v, &p, &x, Some(d), false).unwrap();
        let n = x.size(d);
        let lines = x.transpose(d, 2).unwrap().to_vec::<f64>().unwrap();
        let got = p.transpose(d, 2).unwrap().to_vec::<i64>().unwrap();
        for (line, got) in lines.chunks(n).zip(got.chunks(n)) {
            assert_eq!(got, model(line, false));
        }
        // the same into the argument, and into a transposed result
        let turned = Tensor::new(DType::Double, &[7, 6, 5]).unwrap();
        turned.set_layout(turned.layout().transpose(0, 2).unwrap());
        sort::<f64>(&turned, &p, &x, Some(d), false).unwrap();
        sort::<f64>(&x, &p, &x, Some(d), false).unwrap();
        assert_eq!(x.to_vec::<f64>().unwrap(), v.to_vec::<f64>().unwrap());
        assert_eq!(turned.to_vec::<f64>().unwrap(), v.to_vec::<f64>().unwrap());
    }
    // one Long tensor for both results holds the places
    let x = Tensor::from_slice(&[3i64, 1, 2]).unwrap();
    let r = Tensor::empty(DType::Long);
    sort::<i64>(&r, &r, &x, None, false).unwrap();
    assert_eq!(r.to_vec::<i64>().unwrap(), [2, 3, 1]);
    assert!(sort::<f32>(&r, &r, &Tensor::empty(DType::Float), None, false).is_err());
    assert_eq!(i64::from_f64(2.0), 2);
}
