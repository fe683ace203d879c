//! Every way in which operands and results can share memory, against plain loops over copies.

use super::*;
use crate::tensor::dtype::DType;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::tensor::random::Generator;
use crate::tensor::storage::{Storage, reclaim};

/// Views of eight elements over one storage of 64: together, apart, touching, reversed in order, with gaps, repeated.
fn views(s: &Storage) -> Vec<Tensor> {
    let view = |offset, sizes: &[usize], strides: &[isize]| {
        Tensor::over(s.clone(), Layout::strided(offset, sizes, strides).unwrap())
    };
    vec![
        view(0, &[8], &[1]),
        view(8, &[8], &[1]),
        view(4, &[8], &[1]),
        view(0, &[2, 4], &[4, 1]),
        view(0, &[4, 2], &[1, 4]),
        view(1, &[8], &[2]),
        view(2, &[2, 4], &[16, 3]),
        view(3, &[2, 4], &[0, 1]),
        view(5, &[4, 2], &[1, 0]),
    ]
}

fn ramp(n: usize) -> Storage {
    Storage::from_slice(&(0..n).map(|i| i as f64 * 1.5 - 7.0).collect::<Vec<_>>()).unwrap()
}

/// What a kernel of two operands and a result should leave in the storage.
fn expected(s: &Storage, [a, b, r]: [&Tensor; 3]) -> Vec<f64> {
    let (a, b) = (a.to_vec::<f64>().unwrap(), b.to_vec::<f64>().unwrap());
    let result = Tensor::from_slice(&a.iter().rev().zip(&b).map(|(a, b)| a * 2.0 - b).collect::<Vec<_>>()).unwrap();
    crate::tensor::ops::copy::copy(r, &result).unwrap();
    s.to_vec::<f64>(0, 64)
}

fn kernel(a: &Tensor, b: &Tensor, r: &Tensor) -> Result<()> {
    let (a, b) = (Source::<f64>::of(a)?, Source::<f64>::of(b)?);
    let mut r = Dest::<f64>::new(r, r.layout().sizes())?;
    r.iter_mut().zip(a.iter().rev()).zip(b.iter()).for_each(|((r, a), b)| *r = a * 2.0 - b);
    Ok(())
}

#[test]
fn any_overlap_of_operands_and_result_gives_what_copies_give() {
    for i in 0..9 {
        for j in 0..9 {
            for k in 0..9 {
                let (s, t) = (ramp(64), ramp(64));
                let (v, w) = (views(&s), views(&t));
                kernel(&v[i], &v[j], &v[k]).unwrap();
                assert_eq!(s.to_vec::<f64>(0, 64), expected(&t, [&w[i], &w[j], &w[k]]), "{i} {j} {k}");
                assert!(!loans::any());
            }
        }
    }
}

#[test]
fn matrices_of_any_overlap_give_what_copies_give() {
    for i in 0..9 {
        for k in 0..9 {
            let (s, t) = (ramp(64), ramp(64));
            let (v, w) = (views(&s), views(&t));
            let as_column = |x: &Tensor| if x.ndim() == 1 { (8, 1) } else { (x.size(0), x.size(1)) };
            if as_column(&v[i]) != as_column(&v[k]) {
                continue;
            }
            {
                let a = MatrixSource::<f64>::of(&v[i]).unwrap();
                let mut r = MatrixDest::<f64>::update(&v[k]).unwrap();
                let (a, mut r) = (a.view(), r.view());
                for i in 0..a.rows() {
                    for j in 0..a.cols() {
                        *r.get_mut(i, j) = a.get(i, j) * 3.0 + 1.0;
                    }
                }
            }
            let result: Vec<f64> = w[i].to_vec::<f64>().unwrap().iter().map(|v| v * 3.0 + 1.0).collect();
            crate::tensor::ops::copy::copy(&w[k], &Tensor::from_slice(&result).unwrap()).unwrap();
            assert_eq!(s.to_vec::<f64>(0, 64), t.to_vec::<f64>(0, 64), "{i} {k}");
        }
    }
}

/// [`views`], and some with three dimensions.
fn views_with_cubes(s: &Storage) -> Vec<Tensor> {
    let cube =
        |offset, strides: &[isize]| Tensor::over(s.clone(), Layout::strided(offset, &[2, 2, 2], strides).unwrap());
    let cubes = [[4, 2, 1], [1, 2, 4], [2, 16, 5], [4, 1, 2], [0, 1, 2], [1, 1, 1]];
    views(s).into_iter().chain((0..).zip(&cubes).map(|(i, strides)| cube(i, strides))).collect()
}

/// The same along dimension `d`, of copies: each line reversed.
fn reversed_lines(x: &Tensor, r: &Tensor, d: usize) {
    let turn = |x: &Tensor| x.transpose(d, x.ndim() - 1).unwrap();
    let mut all = turn(x).to_vec::<f64>().unwrap();
    all.chunks_mut(x.size(d)).for_each(|line| {
        line.reverse();
        line.iter_mut().enumerate().for_each(|(j, v)| *v = *v * 3.0 + j as f64);
    });
    let flat = Tensor::from_slice(&all).unwrap();
    let whole = Tensor::new(DType::Double, x.layout().sizes()).unwrap();
    crate::tensor::ops::copy::copy(&turn(&whole), &flat).unwrap();
    crate::tensor::ops::copy::copy(r, &whole).unwrap();
}

/// Lines of both, some at a time, cut in two as threads do.
fn reverse_lines(from: Lines<f64>, to: LinesMut<f64>, cut: usize, most: usize) {
    let (a, b) = (from, to).cut(cut);
    for part in [b, a] {
        part.each_bundle(most, |(from, mut to)| {
            assert!(from.rows() > 0 && from.rows() <= most && from.rows() == to.rows());
            for i in 0..from.rows() {
                let last = from.cols() - 1;
                to.values_mut(i).enumerate().for_each(|(j, to)| *to = from.get(i, last - j) * 3.0 + j as f64);
            }
        });
    }
}

#[test]
fn lines_of_any_overlap_give_what_copies_give() {
    for i in 0..15 {
        for k in 0..15 {
            for (cut, most, together) in [(0, 99, false), (1, 1, false), (2, 2, true), (3, 99, true), (99, 3, false)] {
                for d in 0..3 {
                    let (s, t) = (ramp(64), ramp(64));
                    let (v, w) = (views_with_cubes(&s), views_with_cubes(&t));
                    if d >= v[i].ndim() || !v[i].same_size(&v[k]) {
                        continue;
                    }
                    {
                        let x =
                            if together { LinesSource::slices(&v[i], d) } else { LinesSource::of(&v[i], d) }.unwrap();
                        let dest = if together { LinesDest::slices } else { LinesDest::new };
                        let mut r = dest(&v[k], v[i].layout().sizes(), d).unwrap();
                        if together {
                            let (x, mut r) = (x.view().take(1), r.view().take(1));
                            assert!(x.row(0).is_some() && r.row_mut(0).is_some());
                        }
                        reverse_lines(x.view(), r.view(), cut, most);
                    }
                    reversed_lines(&w[i], &w[k], d);
                    assert_eq!(s.to_vec::<f64>(0, 64), t.to_vec::<f64>(0, 64), "{i} {k} along {d}, {cut} {most}");
                    assert!(!loans::any());
                }
            }
        }
    }
}

#[test]
fn lines_of_slices_are_those_of_tensors() {
    let data: Vec<f64> = (0..24).map(f64::from).collect();
    for sizes in [&[2usize, 3, 4][..], &[24], &[1, 24], &[6, 4], &[2, 2, 1, 6]] {
        for d in 0..sizes.len() {
            for cut in 0..9 {
                let mut found = vec![0.0; 24];
                reverse_lines(
                    Lines::new(&data, sizes, d).unwrap(),
                    LinesMut::new(&mut found, sizes, d).unwrap(),
                    cut,
                    3,
                );
                let x = Tensor::from_slice(&data).unwrap();
                x.resize(sizes).unwrap();
                reversed_lines(&x, &x, d);
                assert_eq!(x.to_vec::<f64>().unwrap(), found, "{sizes:?} along {d}");
            }
        }
    }
    assert!(Lines::new(&data, &[5, 5], 0).is_err() && Lines::new(&data, &[4, 5], 2).is_err());
    assert!(LinesMut::new(&mut [0.0; 24], &[5, 5], 0).is_err() && Lines::new(&data, &[], 0).is_err());
    assert!(Lines::new(&data, &[usize::MAX, usize::MAX, 0], 2).is_err());
}

#[test]
fn lines_of_one_tensor_as_two_results_are_those_of_the_last() {
    let x = Tensor::from_slice(&[1i64, 2, 3, 4]).unwrap();
    let mut a = LinesDest::<i64>::new(&x, &[4], 0).unwrap();
    let mut b = LinesDest::<i64>::new(&x, &[4], 0).unwrap();
    a.view().each_bundle(9, |mut m| m.values_mut(0).for_each(|v| *v = 5));
    b.view().each_bundle(9, |mut m| m.values_mut(0).for_each(|v| *v = 6));
    assert!(LinesSource::<i64>::of(&x, 0).is_err() && LinesSource::<i64>::of(&x, 1).is_err());
    drop(a);
    drop(b);
    assert_eq!(x.to_vec::<i64>().unwrap(), [6; 4]);
    assert!(LinesDest::<f32>::new(&x, &[4], 0).is_err() && LinesSource::<f32>::of(&x, 0).is_err());
}

#[test]
fn a_result_of_other_sizes_may_be_an_operand() {
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0]).unwrap();
    {
        let from = Source::<f32>::of(&x).unwrap();
        let mut to = Dest::<f32>::new(&x, &[2, 300]).unwrap();
        to.iter_mut().enumerate().for_each(|(i, to)| *to = from[i % 3]);
        // the operand's old memory is still what it was
        assert_eq!(*from, [1.0, 2.0, 3.0]);
    }
    reclaim();
    assert_eq!(x.layout().sizes(), [2, 300]);
    assert_eq!(x.to_vec::<f32>().unwrap()[..4], [1.0, 2.0, 3.0, 1.0]);
}

#[test]
fn lent_memory_outlives_its_tensor_and_its_storage() {
    let x = Tensor::from_slice(&[5i64; 1000]).unwrap();
    let from = Source::<i64>::of(&x).unwrap();
    x.storage().unwrap().resize(0).unwrap();
    x.set(&Tensor::empty(DType::Long)).unwrap();
    drop(x);
    reclaim();
    let other = Tensor::from_slice(&[6i64; 1000]).unwrap();
    assert!(from.iter().all(|&v| v == 5));
    drop(from);
    assert!(other.to_vec::<i64>().unwrap().iter().all(|&v| v == 6));
}

#[test]
fn lent_elements_are_refused_to_others() {
    let x = Tensor::from_slice(&[1.0f64, 2.0]).unwrap();
    let s = x.storage().unwrap();
    let read = Source::<f64>::of(&x).unwrap();
    assert!(!s.set(0, 9.0f64) && s.get::<f64>(0) == Some(1.0));
    assert!(crate::tensor::map::fill(&x, 0.0f64).is_err() && s.write_slice(0, &[1.0f64]).is_err());
    assert!(Source::<f64>::of(&x).is_ok() && x.to_vec::<f64>().is_ok());
    drop(read);
    let write = Dest::<f64>::update(&x).unwrap();
    assert!(s.get::<f64>(0).is_none() && Source::<f64>::of(&x).is_err() && x.to_vec::<f64>().is_err());
    assert!(Dest::<f64>::update(&x).is_err() && s.read_bytes(0, &mut [0; 4]).is_err());
    drop(write);
    assert!(s.set(0, 9.0f64));
}

#[test]
fn what_a_result_has_is_not_resized() {
    let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0]).unwrap();
    let (s, part) = (x.storage().unwrap(), x.narrow(0, 0, 2).unwrap());
    let mut write = Dest::<f64>::update(&part).unwrap();
    write[0] = 9.0;
    for len in [0, 1, 3, 5, 1000] {
        assert!(matches!(s.resize(len).unwrap_err().kind(), crate::tensor::error::Kind::InUse { .. }), "{len}");
        assert_eq!(s.len(), 4);
    }
    assert!(x.resize(&[70]).is_err() && x.has_sizes(&[4]));
    write[1] = 8.0;
    drop(write);
    // readers keep what they have
    let read = Source::<f64>::of(&x).unwrap();
    s.resize(5).unwrap();
    assert_eq!(*read, [9.0, 8.0, 3.0, 4.0]);
    assert_eq!(s.to_vec::<f64>(0, 9), [9.0, 8.0, 3.0, 4.0, 0.0]);
    assert!(s.set(0, 7.0f64));
    drop(read);
    reclaim();
    assert_eq!(s.get::<f64>(0), Some(7.0));
}

#[test]
fn functions_of_loops_reach_no_element() {
    thread_local! { static HELD: std::cell::RefCell<Option<Tensor>> = const { std::cell::RefCell::new(None) }; }
    for n in [3usize, 40, 1000] {
        for stride in [1isize, 2] {
            let s = Storage::from_slice(&vec![1.0f64; 2 * n]).unwrap();
            let x = Tensor::over(s, Layout::strided(0, &[n], &[stride]).unwrap());
            HELD.set(Some(x.clone()));
            let f = |v: f64| {
                HELD.with_borrow(|held| {
                    let x = held.as_ref().unwrap();
                    let (s, layout) = (x.storage().unwrap(), x.layout());
                    assert!(s.resize(9 * n).is_err() && s.resize(0).is_err() && s.get::<f64>(0).is_none());
                    assert!(Source::<f64>::of(x).is_err() && Dest::<f64>::update(x).is_err());
                    assert!(!s.set(0, 5.0f64) && crate::tensor::map::fill(x, 0.0f64).is_err());
                    // another storage: the first one's memory stays as long as the loop runs
                    x.set(&Tensor::empty(DType::Double)).unwrap();
                    x.set(&Tensor::over(s, layout)).unwrap();
                    reclaim();
                });
                v + 1.0
            };
            crate::tensor::map::unary("test", &x, &x, 1, f).unwrap();
            assert!(x.to_vec::<f64>().unwrap().iter().all(|&v| v == 2.0));
            assert!(!loans::any());
        }
    }
}

#[test]
fn memory_that_a_loop_works_on_outlives_its_tensors() {
    thread_local! { static HELD: std::cell::RefCell<Option<std::rc::Rc<Tensor>>> = const { std::cell::RefCell::new(None) }; }
    let x = std::rc::Rc::new(Tensor::from_slice(&[1.0f64; 5000]).unwrap());
    let r = Tensor::new(DType::Double, &[5000]).unwrap();
    HELD.set(Some(x.clone()));
    let empty = |v: f64| {
        HELD.with_borrow(|held| held.as_ref().unwrap().set(&Tensor::empty(DType::Double)).unwrap());
        drop(Tensor::new(DType::Double, &[5000]));
        v + 1.0
    };
    crate::tensor::map::unary("test", &r, &x, 1, empty).unwrap();
    assert!(x.ndim() == 0 && r.to_vec::<f64>().unwrap().iter().all(|&v| v == 2.0));
    assert!(!loans::any());
}

#[test]
fn strided_results_get_their_elements() {
    let s = ramp(64);
    let x = views(&s).swap_remove(5);
    let before = s.to_vec::<f64>(0, 64);
    Dest::<f64>::zeros(&x, &[8]).unwrap().finish().unwrap();
    for (i, (v, old)) in s.to_vec::<f64>(0, 64).iter().zip(before).enumerate() {
        assert_eq!(*v, if i % 2 == 1 && i < 17 { 0.0 } else { old });
    }
}

#[test]
fn parts_cover_everything_once() {
    let mut rng = Generator::with_seed(5);
    for _ in 0..200 {
        let (rows, row) = ((rng.random() % 700) as usize, (rng.random() % 300 + 1) as usize);
        let mut data = vec![0u32; rows * row];
        let mut heads = vec![0u32; rows];
        share((Rows::new(&mut data, row), Rows::new(&mut heads, 1)), row * 50, |first, (data, heads)| {
            for (i, (data, head)) in data.into_rows().zip(heads.into_slice()).enumerate() {
                data.iter_mut().for_each(|v| *v += 1);
                *head += (first + i) as u32;
            }
        });
        assert!(data.iter().all(|&v| v == 1));
        assert!(heads.iter().enumerate().all(|(i, &v)| v == i as u32));
    }
}

#[test]
fn matrices_with_positions_that_meet_are_no_results() {
    let meets = |rows, cols, rs, cs| {
        std::panic::catch_unwind(|| {
            MatrixMut::strided(&mut [0.0f32; 40], rows, cols, rs, cs);
        })
        .is_err()
    };
    assert!(!meets(3, 4, 4, 1) && !meets(4, 3, 1, 4) && !meets(3, 4, 9, 2) && !meets(1, 4, 0, 1) && !meets(0, 9, 9, 1));
    assert!(meets(3, 4, 3, 1) && meets(3, 4, 0, 1) && meets(2, 2, 1, 1) && meets(30, 4, 4, 1) && meets(2, 2, -1, 1));
}

#[test]
fn any_number_of_loans_ends_in_any_order() {
    let tensors: Vec<Tensor> = (0..40).map(|i| Tensor::from_slice(&[i as f64; 3]).unwrap()).collect();
    let mut held: Vec<_> = tensors.iter().map(|t| Some(Source::<f64>::of(t).unwrap())).collect();
    for i in (0..40).map(|i| i * 7 % 40) {
        assert!(crate::tensor::map::fill(&tensors[i], 1.0f64).is_err());
        assert!(held[i].take().is_some_and(|s| s.iter().all(|&v| v == i as f64)));
        assert!(crate::tensor::map::fill(&tensors[i], 1.0f64).is_ok(), "{i}");
    }
    assert!(!loans::any());
}
