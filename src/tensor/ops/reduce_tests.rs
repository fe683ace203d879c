//! Reductions against plain loops.
use super::*;
use crate::tensor::dtype::DType;
use crate::tensor::layout::Layout;
use crate::tensor::threads::set_threads;

fn mixed(i: u64) -> f64 {
    let z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

fn close(a: f64, b: f64, n: usize) {
    assert!(
        a == b || (a - b).abs() <= 1e-15 * n as f64 * (1.0 + b.abs()) || a.is_nan() && b.is_nan(),
        "{a} is not {b}"
    );
}

/// A contiguous tensor, and the same elements two apart.
fn both<T: Real>(data: &[T]) -> [Tensor; 2] {
    let apart: Vec<T> = data.iter().flat_map(|&v| [v, T::ONE]).collect();
    let wide = Tensor::from_slice(&apart).unwrap();
    wide.set_layout(Layout::strided(0, &[data.len()], &[2]).unwrap());
    [Tensor::from_slice(data).unwrap(), wide]
}

#[test]
fn all_elements() {
    for n in [1usize, 7, 8, 33, 4096, 4097, 9001, 100_000] {
        let data: Vec<f64> = (0..n as u64).map(mixed).collect();
        let other: Vec<f64> = (0..n as u64).map(|i| mixed(i + 1_000_000)).collect();
        let mean = data.iter().sum::<f64>() / n as f64;
        let squares: f64 = data.iter().map(|v| (v - mean) * (v - mean)).sum();
        for threads in [1, 3] {
            set_threads(threads);
            for (x, y) in both(&data).iter().zip(&both(&other)) {
                close(sum_all::<f64>(x).unwrap(), data.iter().sum(), n);
                close(mean_all::<f64>(x).unwrap(), mean, n);
                close(var_all::<f64>(x, true).unwrap(), squares / n as f64, n);
                close(dot::<f64>(x, y).unwrap(), data.iter().zip(&other).map(|(a, b)| a * b).sum(), n);
                let apart = data.iter().zip(&other).map(|(a, b)| (a - b).abs());
                close(dist::<f64>(x, y, 1.0).unwrap(), apart.clone().sum(), n);
                close(dist::<f64>(x, y, 3.0).unwrap(), apart.map(|v| v.powi(3)).sum::<f64>().cbrt(), n);
                assert_eq!(max_all::<f64>(x).unwrap(), data.iter().copied().fold(f64::MIN, f64::max));
                assert_eq!(min_all::<f64>(x).unwrap(), data.iter().copied().fold(f64::MAX, f64::min));
            }
        }
    }
    set_threads(crate::tensor::workers::processors());
    let bytes: Vec<u8> = (0..1000u64).map(|i| (mixed(i) * 1e6) as i64 as u8).collect();
    assert_eq!(max_all::<u8>(&Tensor::from_slice(&bytes).unwrap()).unwrap(), f64::from(*bytes.iter().max().unwrap()));
    assert_eq!(min_all::<u8>(&Tensor::from_slice(&bytes).unwrap()).unwrap(), f64::from(*bytes.iter().min().unwrap()));
}

#[test]
fn nan_wins_wherever_it_stands() {
    for at in [0usize, 5, 4095, 4096, 8999] {
        let mut data: Vec<f32> = (0..9000).map(|i| mixed(i) as f32).collect();
        data[at] = f32::NAN;
        let x = Tensor::from_slice(&data).unwrap();
        assert!(max_all::<f32>(&x).unwrap().is_nan() && min_all::<f32>(&x).unwrap().is_nan());
        let (v, p) = (Tensor::empty(DType::Float), Tensor::empty(DType::Long));
        max::<f32>(&v, &p, &x, 0).unwrap();
        assert_eq!(p.to_vec::<i64>().unwrap(), [at as i64 + 1]);
        x.resize(&[9, 1000]).unwrap();
        min::<f32>(&v, &p, &x, 0).unwrap();
        assert_eq!(p.to_vec::<i64>().unwrap()[at % 1000], (at / 1000) as i64 + 1);
    }
}

#[test]
fn products_stay_in_range_as_from_front_to_back() {
    let product = |data: &[f64]| prod_all::<f64>(&Tensor::from_slice(data).unwrap()).unwrap();
    let alternating: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 1e200 } else { 1e-200 }).collect();
    close(product(&alternating), alternating.iter().product(), 1000);
    let mut zeros = vec![1e200; 300];
    zeros[0] = 0.0;
    assert_eq!(product(&zeros), 0.0);
    assert_eq!(product(&vec![2.0; 1023]), 2f64.powi(1023));
    assert!(product(&[f64::INFINITY, 0.0]).is_nan());
    let x = Tensor::from_slice(&(1..=300i64).collect::<Vec<_>>()).unwrap();
    assert_eq!(prod_all::<i64>(&x).unwrap(), (1..=300i64).fold(1i64, |a, v| a.wrapping_mul(v)) as f64);
}

/// Lines of a tensor along `d`.
fn lines_of(x: &Tensor, d: usize) -> Vec<Vec<f64>> {
    let last = x.ndim() - 1;
    let turned = x.transpose(d, last).unwrap();
    turned.to_vec::<f64>().unwrap().chunks(x.size(d)).map(<[f64]>::to_vec).collect()
}

/// Every kernel along `d` against loops over its lines.
fn check_along(x: &Tensor, d: usize) {
    let lines = lines_of(x, d);
    let (r, p) = (Tensor::empty(DType::Double), Tensor::empty(DType::Long));
    let agree = |model: &dyn Fn(&[f64]) -> Vec<f64>| {
        for (got, line) in lines_of(&r, d).iter().zip(&lines) {
            let wanted = model(line);
            assert_eq!(got.len(), wanted.len());
            got.iter().zip(wanted).for_each(|(&a, b)| close(a, b, 10 * line.len()));
        }
    };
    sum::<f64>(&r, x, d).unwrap();
    agree(&|l| vec![l.iter().sum()]);
    prod::<f64>(&r, x, d).unwrap();
    agree(&|l| vec![l.iter().product()]);
    mean::<f64>(&r, x, d).unwrap();
    agree(&|l| vec![l.iter().sum::<f64>() / l.len() as f64]);
    var::<f64>(&r, x, d, true).unwrap();
    agree(&|l| {
        let mean = l.iter().sum::<f64>() / l.len() as f64;
        vec![l.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / l.len() as f64]
    });
    norm::<f64>(&r, x, 2.0, d).unwrap();
    agree(&|l| vec![l.iter().map(|v| v * v).sum::<f64>().sqrt()]);
    max::<f64>(&r, &p, x, d).unwrap();
    agree(&|l| vec![l.iter().copied().fold(f64::MIN, f64::max)]);
    let last = x.ndim() - 1;
    let places = p.transpose(d, last).unwrap().to_vec::<i64>().unwrap();
    for (line, place) in lines.iter().zip(places) {
        let best = line.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!(line.iter().position(|&v| v == best).unwrap() as i64 + 1, place);
    }
    let running = |l: &[f64], f: &dyn Fn(f64, f64) -> f64, one: f64| {
        l.iter().scan(one, |a, &v| Some(std::mem::replace(a, f(*a, v))).map(|_| *a)).collect::<Vec<f64>>()
    };
    cumsum::<f64>(&r, x, d).unwrap();
    agree(&|l| running(l, &|a, v| a + v, 0.0));
    cumprod::<f64>(&r, x, d).unwrap();
    agree(&|l| running(l, &|a, v| a * v, 1.0));
    // into the argument itself
    let again = crate::tensor::ops::copy::clone(x).unwrap();
    cumprod::<f64>(&again, &again, d).unwrap();
    assert_eq!(again.to_vec::<f64>().unwrap(), r.to_vec::<f64>().unwrap());
    let again = crate::tensor::ops::copy::clone(x).unwrap();
    sum::<f64>(&r, x, d).unwrap();
    sum::<f64>(&again, &again, d).unwrap();
    // a copy may lie in another order, and be summed in another
    let sums = r.to_vec::<f64>().unwrap();
    again.to_vec::<f64>().unwrap().iter().zip(sums).for_each(|(&a, b)| close(a, b, 10 * lines[0].len()));
}

#[test]
fn along_every_dimension_of_every_layout() {
    for sizes in
        [&[9001][..], &[3, 5], &[300, 20], &[20, 300], &[2, 300, 9], &[5, 1, 4, 3], &[1, 1], &[70_001], &[2, 5000]]
    {
        let n = sizes.iter().product::<usize>();
        let x = Tensor::from_slice(&(0..n as u64).map(mixed).collect::<Vec<_>>()).unwrap();
        x.resize(sizes).unwrap();
        for d in 0..sizes.len() {
            for threads in [1, 3] {
                set_threads(threads);
                check_along(&x, d);
                check_along(&x.transpose(0, sizes.len() - 1).unwrap(), d);
            }
            check_along(&x.with_layout(x.layout().narrow(d, x.size(d) / 2, 1).unwrap()), 0);
        }
    }
    set_threads(crate::tensor::workers::processors());
}
