//! Picking against plain loops, over contiguous tensors and views.
use super::*;
use crate::tensor::dtype::DType;

const SIZES: [usize; 3] = [5, 70, 9];

fn mixed(i: usize) -> usize {
    let z = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (z ^ (z >> 29)) as usize >> 7
}

/// A tensor of these sizes, contiguous or with its first and last dimension swapped in memory.
fn shaped<T: Element>(sizes: &[usize], swapped: bool, f: impl Fn(usize) -> T) -> Tensor {
    let n = sizes.iter().product();
    let mut memory = sizes.to_vec();
    let last = sizes.len() - 1;
    if swapped {
        memory.swap(0, last);
    }
    let t = Tensor::new(T::DTYPE, &memory).unwrap();
    if swapped {
        t.set_layout(t.layout().transpose(0, last).unwrap());
    }
    let mut i = 0;
    update(&t, |_: T| {
        i += 1;
        f(i - 1)
    })
    .unwrap();
    assert_eq!(i, n);
    t
}

/// The place of the element with these coordinates.
fn flat(at: [usize; 3], sizes: [usize; 3]) -> usize {
    (at[0] * sizes[1] + at[1]) * sizes[2] + at[2]
}

fn coordinates(sizes: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..sizes.iter().product()).map(move |i| [i / sizes[2] / sizes[1], i / sizes[2] % sizes[1], i % sizes[2]])
}

#[test]
fn masks() {
    for swapped in [false, true] {
        for odds in [0, 1, 2, 3] {
            // none, all, half, a third
            let bit = |i: usize| odds > 0 && mixed(i).is_multiple_of(odds);
            let x = shaped(&SIZES, swapped, |i| i as f32);
            let mask = shaped(&SIZES, !swapped, |i| u8::from(bit(i)));
            let n = x.numel();
            let wanted: Vec<f32> = (0..n).filter(|&i| bit(i)).map(|i| i as f32).collect();
            let r = Tensor::empty(DType::Float);
            masked_select::<f32>(&r, &x, &mask).unwrap();
            assert_eq!(r.to_vec::<f32>().unwrap(), wanted);
            let source = shaped(&[n], false, |i| -(i as f32));
            masked_copy::<f32>(&x, &mask, &source).unwrap();
            let mut k = 0.0;
            for (i, v) in x.to_vec::<f32>().unwrap().into_iter().enumerate() {
                assert_eq!(v, if bit(i) { -k } else { i as f32 });
                k += f32::from(u8::from(bit(i)));
            }
            masked_fill::<f32>(&x, &mask, 7.0).unwrap();
            for (i, v) in x.to_vec::<f32>().unwrap().into_iter().enumerate() {
                assert_eq!(v, if bit(i) { 7.0 } else { i as f32 });
            }
            // a result that is the argument, and a mask that is the tensor
            let y = shaped(&SIZES, swapped, |i| i as f32);
            masked_select::<f32>(&y, &y, &mask).unwrap();
            assert_eq!(y.to_vec::<f32>().unwrap(), wanted);
            let ones = wanted.len();
            masked_fill::<u8>(&mask, &mask, 0).unwrap();
            assert!(ones == 0 || mask.to_vec::<u8>().unwrap().iter().all(|&b| b == 0));
        }
    }
    let x = shaped(&[300], false, |i| i as f64);
    assert!(masked_fill::<f64>(&x, &shaped(&[300], false, |i| i as u8), 0.0).is_err());
    assert!(masked_copy::<f64>(&x, &shaped(&[300], false, |_| 1u8), &shaped(&[299], false, |_| 0.0)).is_err());
}

#[test]
fn slices_in_the_order_of_a_list() {
    for (d, swapped) in [(0, false), (1, false), (2, false), (0, true), (2, true)] {
        let x = shaped(&SIZES, swapped, |i| i as i32);
        let count = 2 * SIZES[d] + 1;
        let list = shaped(&[count], false, |i| (mixed(i) % SIZES[d]) as i64 + 1);
        let r = Tensor::empty(DType::Int);
        index::<i32>(&r, &x, d, &list).unwrap();
        let mut sizes = SIZES;
        sizes[d] = count;
        let wanted = |at: [usize; 3]| {
            let mut from = at;
            from[d] = mixed(at[d]) % SIZES[d];
            flat(from, SIZES) as i32
        };
        assert_eq!(r.to_vec::<i32>().unwrap(), coordinates(sizes).map(wanted).collect::<Vec<_>>());
        index::<i32>(&x, &x, d, &list).unwrap();
        assert_eq!(x.to_vec::<i32>().unwrap(), r.to_vec::<i32>().unwrap());
    }
    let x = shaped(&[4], false, |i| i as f32);
    for wrong in [0i64, 5, -1, i64::MIN, i64::MAX] {
        assert!(index::<f32>(&Tensor::empty(DType::Float), &x, 0, &shaped(&[1], false, |_| wrong)).is_err());
    }
}

#[test]
fn gathering_and_scattering() {
    for d in 0..3 {
        for swapped in [false, true] {
            let mut sizes = SIZES;
            sizes[d] += 3;
            let place = |i: usize| mixed(i) % SIZES[d];
            let list = shaped(&sizes, swapped, |i| place(i) as i64 + 1);
            let x = shaped(&SIZES, !swapped, |i| i as f64);
            let r = gather_fresh::<f64>(&x, d, &list).unwrap();
            let there = |at: [usize; 3]| {
                let mut to = at;
                to[d] = place(flat(at, sizes));
                flat(to, SIZES)
            };
            let wanted: Vec<f64> = coordinates(sizes).map(|at| there(at) as f64).collect();
            assert_eq!(r.to_vec::<f64>().unwrap(), wanted);
            let source = shaped(&sizes, swapped, |i| i as f64 + 0.5);
            let mut model: Vec<f64> = (0..x.numel()).map(|i| i as f64).collect();
            for at in coordinates(sizes) {
                // of several the last one stays
                model[there(at)] = flat(at, sizes) as f64 + 0.5;
            }
            scatter::<f64>(&x, d, &list, &source).unwrap();
            assert_eq!(x.to_vec::<f64>().unwrap(), model);
            let wrong = shaped(&sizes, swapped, |i| if i == 100 { 0 } else { 1i64 });
            assert!(gather::<f64>(&r, &x, d, &wrong).is_err());
        }
    }
}

#[test]
fn places_of_what_is_not_zero() {
    for swapped in [false, true] {
        for odds in [1, 2, 50] {
            let x = shaped(&SIZES, swapped, |i| mixed(i).is_multiple_of(odds) as i16 * -3);
            let r = Tensor::empty(DType::Long);
            nonzero::<i16>(&r, &x).unwrap();
            let wanted: Vec<i64> = coordinates(SIZES)
                .filter(|&at| mixed(flat(at, SIZES)).is_multiple_of(odds))
                .flat_map(|at| at.map(|p| p as i64 + 1))
                .collect();
            assert_eq!(r.to_vec::<i64>().unwrap(), wanted);
            assert_eq!(r.layout().sizes(), [wanted.len() / 3, 3]);
        }
    }
    let r = Tensor::empty(DType::Long);
    nonzero::<f64>(&r, &shaped(&[3], false, |_| 0.0)).unwrap();
    assert_eq!(r.ndim(), 0);
    nonzero::<f64>(&r, &Tensor::empty(DType::Double)).unwrap();
}
