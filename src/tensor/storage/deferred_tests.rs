use super::*;
use crate::tensor::access::{Blockwise, outer_later, take_zeros, zero_later};
use crate::tensor::layout::Layout;
use crate::tensor::ops::copy::copy;

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

const LEN: usize = 60_000;

fn part(x: &Tensor, from: usize, sizes: &[usize]) -> Tensor {
    let strides: Vec<isize> = (0..sizes.len()).map(|d| sizes[d + 1..].iter().product::<usize>() as isize).collect();
    x.with_layout(Layout::strided(from, sizes, &strides).unwrap())
}

fn vector(numbers: &mut Numbers, n: usize) -> Vec<f64> {
    (0..n).map(|_| numbers.below(9) as f64 / 4.0 - 1.0).collect()
}

/// One thing that programs do, to the tensor and to its model.
fn change(numbers: &mut Numbers, all: &Tensor, model: &mut [f64]) {
    let (a, b) = (numbers.below(LEN), numbers.below(LEN));
    let (from, end) = (a.min(b), a.max(b) + 1);
    let some = part(all, from, &[end - from]);
    match numbers.below(8) {
        0 | 1 => {
            if !zero_later(&some) {
                crate::tensor::map::fill(&some, 0.0).unwrap();
            }
            model[from..end].fill(0.0);
        }
        2 | 3 => {
            let rows = 1 + numbers.below(300);
            let cols = ((end - from) / rows).clamp(1, LEN / rows);
            let from = from.min(LEN - rows * cols);
            let (u, v) = (vector(numbers, rows), vector(numbers, cols));
            let (column, row) = (Tensor::from_slice(&u).unwrap(), Tensor::from_slice(&v).unwrap());
            // a product is put off only where it would be added to zeros that are: so this adds it
            if outer_later(&part(all, from, &[rows, cols]), 2.0, &column, &row).unwrap() {
                assert!(model[from..from + rows * cols].iter().all(|v| *v == 0.0));
                let product = u.iter().flat_map(|u| v.iter().map(move |v| 2.0 * u * v));
                model[from..].iter_mut().zip(product).for_each(|(to, v)| *to = v);
            }
        }
        4 => {
            let i = numbers.below(LEN);
            assert_eq!(all.storage().unwrap().get::<f64>(i), Some(model[i]));
            assert!(all.storage().unwrap().set(i, 7.5));
            model[i] = 7.5;
        }
        5 => {
            if take_zeros(&some) {
                assert!(model[from..end].iter().all(|v| *v == 0.0));
                crate::tensor::map::fill(&some, 1.25).unwrap();
                model[from..end].fill(1.25);
            }
        }
        6 => {
            let n = 1 + numbers.below(200).min(end - from - 1);
            let values = vector(numbers, n);
            copy(&part(all, from, &[n]), &Tensor::from_slice(&values).unwrap()).unwrap();
            model[from..from + n].copy_from_slice(&values);
        }
        _ => assert_eq!(some.to_vec::<f64>().unwrap(), model[from..end]),
    }
}

fn read(x: &Tensor, blocks: &mut Numbers) -> Option<Vec<f64>> {
    let found = Blockwise::<f64>::of(x).unwrap()?;
    let mut out = vec![0.5; found.len()];
    let mut at = 0;
    while at < out.len() {
        let n = (1 + blocks.below(3000)).min(out.len() - at);
        found.read(at, &mut out[at..at + n]);
        at += n;
    }
    Some(out)
}

#[test]
fn nobody_sees_that_writing_was_put_off() {
    let mut seen = 0;
    for seed in 0..40 {
        let mut numbers = Numbers(seed);
        let all = Tensor::from_slice(&vector(&mut numbers, LEN)).unwrap();
        let mut model = all.to_vec::<f64>().unwrap();
        for _ in 0..60 {
            change(&mut numbers, &all, &mut model);
            if let Some(found) = read(&all, &mut numbers) {
                seen += 1;
                assert!(found == model);
            }
        }
        assert!(all.to_vec::<f64>().unwrap() == model);
        assert!(all.storage().unwrap().is_written());
    }
    assert!(seen > 200, "{seen} reads of what is not written");
}

fn zeros_later() -> Tensor {
    let x = Tensor::from_slice(&vec![3.0f64; LEN]).unwrap();
    assert!(zero_later(&x));
    x
}

#[test]
fn what_goes_around_the_gates_is_written_first() {
    let x = zeros_later();
    x.storage().unwrap().resize(LEN + 10).unwrap();
    assert!(x.to_vec::<f64>().unwrap().iter().all(|v| *v == 0.0));

    let x = zeros_later();
    let view = Storage::part(&x.storage().unwrap(), 5, LEN - 5).unwrap();
    assert_eq!(view.to_vec::<f64>(0, LEN), vec![0.0; LEN - 5]);
    assert!(zero_later(&x), "a view that is gone or idle changes nothing");
    assert_eq!(view.get::<f64>(100), Some(0.0));

    let x = zeros_later();
    let mut bytes = [1; 8];
    x.storage().unwrap().read_bytes(800, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 8]);

    // a program that was told the address may look there at any time
    let x = zeros_later();
    assert_ne!(x.storage().unwrap().address(), 0);
    assert!(x.storage().unwrap().is_written());
    assert!(!zero_later(&x));
}

#[test]
fn memory_that_is_lent_is_not_put_off() {
    let x = Tensor::from_slice(&vec![3.0f64; LEN]).unwrap();
    let lent = Source::<f64>::of(&part(&x, 10, &[20])).unwrap();
    assert!(!zero_later(&x));
    assert_eq!(lent[0], 3.0);
}

#[test]
fn a_product_of_zeros_has_no_sign() {
    let x = zeros_later();
    let column = Tensor::from_slice(&[-1.0f64; 200]).unwrap();
    let row = Tensor::from_slice(&[0.0f64; 300]).unwrap();
    assert!(outer_later(&part(&x, 0, &[200, 300]), 1.0, &column, &row).unwrap());
    let mut numbers = Numbers(1);
    let read = read(&x, &mut numbers).unwrap();
    assert!(read.iter().chain(&x.to_vec::<f64>().unwrap()).all(|v| v.to_bits() == 0));
}
