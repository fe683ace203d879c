use super::super::Tensor;
use super::super::access::{Source, Workspace};
use super::super::layout::Layout;
use super::*;

#[test]
fn threads_take_turns_with_what_crosses() {
    let s = Storage::from_slice(&[0.0f64; 8]).unwrap();
    let view = Storage::part(&s, 4, 4).unwrap();
    let t = Tensor::over(s.clone(), Layout::contiguous(&[8]).unwrap());
    assert!(t.to_vec::<f64>().is_ok());
    let crossing = Crossing::new(&view).unwrap();
    // its elements are for whoever holds them
    assert!(t.to_vec::<f64>().is_err());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let s = crossing.arrive();
                for i in 0..1000 {
                    let _hold = s.hold().unwrap();
                    let v = s.get::<f64>(i % 4).unwrap();
                    assert!(s.set(i % 4, v + 1.0));
                }
            });
        }
    });
    assert_eq!(s.to_vec::<f64>(4, 4), [1000.0; 4]);
}

#[test]
fn resize_keeps_the_first_and_zeroes_the_rest() {
    let s = Storage::from_slice(&[1.0f64, 2.0, 3.0]).unwrap();
    s.resize(2).unwrap();
    s.resize(3).unwrap();
    assert_eq!(s.to_vec::<f64>(0, 9), [1.0, 2.0, 0.0]);
    s.resize(1000).unwrap();
    assert_eq!(s.get::<f64>(1), Some(2.0));
    assert_eq!(s.get::<f64>(999), Some(0.0));
    assert_eq!(s.get::<f64>(1000), None);
    reclaim();
}

#[test]
fn too_much_memory_is_an_error() {
    assert!(Storage::new(DType::Double, usize::MAX / 4).is_err());
    let s = Storage::from_slice(&[7u8]).unwrap();
    assert!(s.resize(usize::MAX / 2).is_err());
    assert_eq!(s.get::<u8>(0), Some(7));
}

#[test]
fn what_another_thread_lets_go_stays_while_it_is_lent() {
    let s = Storage::from_slice(&[3.0f64; 5000]).unwrap();
    let crossing = Crossing::new(&s).unwrap();
    let t = Tensor::over(s, Layout::contiguous(&[5000]).unwrap());
    let _hold = sharing::hold(t.lock()).unwrap();
    let lent = Source::<f64>::of(&t).unwrap();
    drop(t);
    // the last handle, on a thread where nothing is lent
    std::thread::scope(|scope| scope.spawn(move || drop(crossing)).join()).unwrap();
    let other = Storage::from_slice(&[-7.0f64; 5000]).unwrap();
    assert!(lent.iter().all(|&v| v == 3.0) && other.get::<f64>(0) == Some(-7.0));
}

#[test]
fn memory_of_no_element_is_aligned() {
    assert!(Storage::new(DType::Double, 0).unwrap().address().is_multiple_of(64));
    let none = Workspace::<f64>::new(0).unwrap();
    assert!(none.is_empty() && none.as_ptr().is_aligned());
}

#[test]
fn only_memory_that_is_reached_as_it_is_is_open() {
    let is_open = |s: &Storage| s.open_elements::<f32>(0, 1).is_some();
    let s = Storage::from_slice(&[1.0f32, 2.0, 3.0]).unwrap();
    assert_eq!((s.get_open::<f32>(2), s.get_open::<f32>(3), s.get_open::<f32>(usize::MAX)), (Some(3.0), None, None));
    assert!(s.set_open(0, 5.0f32) && !s.set_open(3, 5.0f32) && !s.set_open(usize::MAX, 5.0f32));
    assert!(s.get_open::<f64>(0).is_none() && !s.set_open(0, 7i32) && s.get::<f32>(0) == Some(5.0));
    assert!(s.open_elements::<f32>(2, 1).is_none() && s.open_elements::<f32>(1, 4).is_none());
    s.resize(2).unwrap();
    assert!(s.get_open::<f32>(2).is_none() && s.get_open::<f32>(1) == Some(2.0));
    assert!(!is_open(&Storage::part(&s, 0, 2).unwrap()) && is_open(&s));
    let t = Tensor::over(s.clone(), Layout::contiguous(&[2]).unwrap());
    {
        let _lent = Source::<f32>::of(&t).unwrap();
        assert!(s.get_open::<f32>(0).is_none() && !s.set_open(0, 1.0f32));
    }
    // zeros that are put off, and written by whoever asks
    let large = Storage::from_slice(&vec![1.0f32; deferred::LEAST]).unwrap();
    assert!(is_open(&large) && large.zero_later(0, large.len()) && !is_open(&large));
    assert_eq!(large.get::<f32>(7), Some(0.0));
    assert!(large.to_vec::<f32>(0, usize::MAX).iter().all(|&v| v == 0.0) && is_open(&large));
    let crossing = Crossing::new(&s).unwrap();
    assert!(!is_open(&s) && !is_open(&crossing.arrive()));
}
