//! Gradients against differences, and the edges of criteria, activations and table modules.

use super::activation::gated;
use super::criterion::classification::{Likelihood, MultiMargin};
use super::criterion::{self, classification, pairwise};
use super::criterion::{Averaging, Margin, Weighted};
use super::{lookup, tables};
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::error::Result;
use crate::tensor::random::Generator;
use std::cell::RefCell;

pub(super) fn tensor(values: &[f64], sizes: &[usize]) -> Tensor {
    let t = Tensor::from_slice(values).unwrap();
    t.resize(sizes).unwrap();
    t
}

pub(super) fn empty() -> Tensor {
    Tensor::empty(DType::Double)
}

pub(super) fn values(t: &Tensor) -> Vec<f64> {
    t.to_vec::<f64>().unwrap()
}

/// Some numbers without pattern, away from the bends of piecewise functions.
pub(super) fn scattered(n: usize, sizes: &[usize]) -> Tensor {
    let v: Vec<f64> = (0..n).map(|i| ((i * i + 3 * i + 1) as f64 * 0.77).sin() * 1.3 + 0.011).collect();
    tensor(&v, sizes)
}

/// Compares a gradient with differences of the loss around `x`.
pub(super) fn agrees(name: &str, x: &Tensor, gradient: &Tensor, loss: impl Fn(&Tensor) -> Result<f64>) {
    const H: f64 = 1e-6;
    let (start, sizes) = (values(x), x.layout().sizes().to_vec());
    for (i, g) in values(gradient).into_iter().enumerate() {
        let at = |h: f64| {
            let mut moved = start.clone();
            moved[i] += h;
            loss(&tensor(&moved, &sizes)).unwrap()
        };
        let slope = (at(H) - at(-H)) / (2.0 * H);
        assert!((slope - g).abs() < 1e-6, "{name}: element {i}: gradient {g}, difference {slope}");
    }
}

fn margin(Averaging { average }: Averaging) -> Margin {
    Margin { average, margin: 0.9 }
}

#[test]
fn elementwise_criteria() {
    let x = scattered(6, &[2, 3]);
    let signs = tensor(&[1.0, -1.0, 1.0, -1.0, -1.0, 1.0], &[2, 3]);
    let share = tensor(&[0.2, 0.0, 0.8, 0.5, 0.25, 0.25], &[2, 3]);
    type Loss = fn(&Tensor, &Tensor, Averaging) -> Result<f64>;
    type Grad = fn(&Tensor, &Tensor, &Tensor, Averaging) -> Result<()>;
    let list: [(&str, &Tensor, Loss, Grad); 7] = [
        ("mse", &share, criterion::mse::<f64>, criterion::mse_grad::<f64>),
        ("abs", &share, criterion::abs::<f64>, criterion::abs_grad::<f64>),
        ("smooth l1", &share, criterion::smooth_l1::<f64>, criterion::smooth_l1_grad::<f64>),
        ("soft margin", &signs, criterion::soft_margin::<f64>, criterion::soft_margin_grad::<f64>),
        ("kl", &share, criterion::kl::<f64>, criterion::kl_grad::<f64>),
        (
            "margin",
            &signs,
            |x, y, a| criterion::margin::<f64>(x, y, margin(a)),
            |x, y, g, a| criterion::margin_grad::<f64>(x, y, g, margin(a)),
        ),
        (
            "hinge",
            &signs,
            |x, y, a| criterion::hinge_embedding::<f64>(x, y, margin(a)),
            |x, y, g, a| criterion::hinge_embedding_grad::<f64>(x, y, g, margin(a)),
        ),
    ];
    for (name, y, loss, grad) in list {
        for average in [true, false].map(|average| Averaging { average }) {
            let g = empty();
            grad(&x, y, &g, average).unwrap();
            agrees(name, &x, &g, |x| loss(x, y, average));
        }
        assert!(loss(&x, &tensor(&[1.0], &[1]), Averaging { average: true }).is_err(), "{name}");
    }
    let g = empty();
    criterion::l1_grad::<f64>(&x, &g).unwrap();
    agrees("l1", &x, &g, criterion::l1::<f64>);
    assert!(criterion::kl::<f64>(&x, &scattered(6, &[6]), Averaging { average: true }).is_err());
}

#[test]
fn weighted_columns() {
    let x = tensor(&[0.2, 0.9, 0.4, 0.6, 0.1, 0.5], &[2, 3]);
    let y = tensor(&[1.0, 0.0, 1.0, 0.0, 0.0, 1.0], &[2, 3]);
    let w = tensor(&[1.0, 0.5, 2.0], &[3]);
    let weights = |average| Weighted { average, weights: Some(&w) };
    let none = Weighted { average: true, weights: None };
    let g = empty();
    criterion::bce_grad::<f64>(&x, &y, &g, weights(true)).unwrap();
    agrees("bce", &x, &g, |x| criterion::bce::<f64>(x, &y, weights(true)));
    criterion::multi_label_grad::<f64>(&x, &y, &g, weights(false)).unwrap();
    agrees("multi label", &x, &g, |x| criterion::multi_label::<f64>(x, &y, weights(false)));
    assert!(criterion::bce::<f64>(&x, &y, Weighted { weights: Some(&tensor(&[1.0, 2.0], &[2])), ..none }).is_err());
    assert!(criterion::bce::<f64>(&tensor(&[1.5], &[1]), &tensor(&[1.0], &[1]), none).is_err());
}

#[test]
fn classes_and_maps() {
    let x = scattered(12, &[3, 4]);
    let t = Tensor::from_slice(&[2i64, 4, 1]).unwrap();
    let w = tensor(&[0.5, 1.0, 2.0, 3.0], &[4]);
    let g = empty();
    for p in [1, 2] {
        let fields = MultiMargin { average: true, p, weights: Some(&w), margin: 1.0 };
        classification::multi_margin_grad::<f64>(&x, &t, &g, fields).unwrap();
        agrees("multi margin", &x, &g, |x| classification::multi_margin::<f64>(x, &t, fields));
    }
    let fields = Likelihood { average: true, weights: Some(&w), ignore: 4 };
    classification::nll_grad::<f64>(&x, &t, &g, fields).unwrap();
    agrees("nll", &x, &g, |x| Ok(classification::nll::<f64>(x, &t, fields)?.0));
    let averaging = Averaging { average: true };
    let labels = Tensor::from_slice(&[3i64, 1, 0, 0, 2, 0, 4, 4, 1, 2, 3, 4]).unwrap();
    labels.resize(&[3, 4]).unwrap();
    classification::multi_label_margin_grad::<f64>(&x, &labels, &g, averaging).unwrap();
    agrees("multi label margin", &x, &g, |x| classification::multi_label_margin::<f64>(x, &labels, averaging));

    let maps = scattered(12, &[1, 3, 2, 2]);
    let places = Tensor::from_slice(&[1i64, 2, 3, 1]).unwrap();
    places.resize(&[1, 2, 2]).unwrap();
    let fields = Likelihood { average: true, weights: None, ignore: -100 };
    classification::spatial_nll_grad::<f64>(&maps, &places, &g, fields).unwrap();
    agrees("maps", &maps, &g, |x| Ok(classification::spatial_nll::<f64>(x, &places, fields)?.0));

    let bad = Tensor::from_slice(&[2i64, 5, 1]).unwrap();
    assert!(
        classification::multi_margin::<f64>(&x, &bad, MultiMargin { average: true, p: 1, weights: None, margin: 1.0 })
            .is_err()
    );
    assert!(classification::nll::<f64>(&x, &bad, fields).is_err());
    assert!(classification::nll::<f64>(&maps, &places, fields).is_err());
    assert!(classification::multi_label_margin::<f64>(&x, &bad, averaging).is_err());
}

#[test]
fn criteria_of_pairs() {
    let (a, b) = (scattered(6, &[2, 3]), tensor(&[0.3, -0.4, 1.1, 0.9, 0.2, -0.6], &[2, 3]));
    let y = tensor(&[1.0, -1.0], &[2]);
    let (ga, gb) = (empty(), empty());
    pairwise::cosine_grad::<f64>(&ga, &gb, &a, &b, &y, pairwise::Cosine { average: true, margin: -0.9 }).unwrap();
    agrees("cosine, first", &a, &ga, |a| {
        pairwise::cosine::<f64>(a, &b, &y, pairwise::Cosine { average: true, margin: -0.9 })
    });
    agrees("cosine, second", &b, &gb, |b| {
        pairwise::cosine::<f64>(&a, b, &y, pairwise::Cosine { average: true, margin: -0.9 })
    });
    assert!(
        pairwise::cosine::<f64>(&a, &b, &tensor(&[1.0], &[1]), pairwise::Cosine { average: true, margin: 0.0 })
            .is_err()
    );

    let y = tensor(&[1.0, -1.0, 1.0, -1.0, 1.0, 1.0], &[2, 3]);
    let fields = Margin { average: true, margin: 0.5 };
    pairwise::ranking_grad::<f64>(&ga, &gb, &a, &b, &y, fields).unwrap();
    agrees("ranking, first", &a, &ga, |a| pairwise::ranking::<f64>(a, &b, &y, fields));
    agrees("ranking, second", &b, &gb, |b| pairwise::ranking::<f64>(&a, b, &y, fields));
    pairwise::ratio_grad::<f64>(&ga, &gb, &a, &b, Averaging { average: true }).unwrap();
    agrees("ratio, first", &a, &ga, |a| pairwise::ratio::<f64>(a, &b, Averaging { average: true }));
    agrees("ratio, second", &b, &gb, |b| pairwise::ratio::<f64>(&a, b, Averaging { average: true }));
    let generator = RefCell::new(Generator::with_seed(1));
    for (y, margin) in [(1.0, 1.0), (-1.0, 50.0), (-1.0, 0.1)] {
        pairwise::l1_hinge_grad::<f64>(&ga, &gb, &a, &b, y, &generator, margin).unwrap();
        agrees("l1 hinge, first", &a, &ga, |a| pairwise::l1_hinge::<f64>(a, &b, y, margin));
        agrees("l1 hinge, second", &b, &gb, |b| pairwise::l1_hinge::<f64>(&a, b, y, margin));
    }
}

/// The sum of an output times fixed weights, as a loss with the gradient `weights`.
pub(super) fn probe(y: &Tensor, weights: &Tensor) -> f64 {
    values(y).iter().zip(values(weights)).map(|(y, w)| y * w).sum()
}

#[test]
fn halves_and_doubles() {
    let x = scattered(12, &[2, 6]);
    let (g, r) = (scattered(6, &[2, 3]), empty());
    let gate = |x: &Tensor| {
        let y = empty();
        gated::gate::<f64>(x, &y, None).map(|()| probe(&y, &g))
    };
    gated::gate_grad::<f64>(&x, &g, &r, None).unwrap();
    agrees("gate", &x, &r, gate);
    assert!(gated::gate::<f64>(&scattered(3, &[3]), &r, None).is_err());
    let g = scattered(24, &[2, 12]);
    gated::both_signs_grad::<f64>(&x, &g, &r, 1).unwrap();
    agrees("both signs", &x, &r, |x| {
        let y = empty();
        gated::both_signs::<f64>(x, &y, 1).map(|()| probe(&y, &g))
    });
}

#[test]
fn drawn_slopes_stay_within_bounds_and_repeat() {
    let (x, y, noise) = (tensor(&[-1.0, 2.0, -3.0, 0.0], &[4]), empty(), empty());
    let run = || {
        let g = RefCell::new(Generator::with_seed(7));
        let slopes = gated::RReLU { lower: 0.1, upper: 0.3, train: true, inplace: false };
        gated::random_leaky::<f64>(&x, &y, &noise, &g, slopes).unwrap();
        values(&noise)
    };
    let slopes = run();
    assert!(slopes[1] == 1.0 && [0, 2, 3].iter().all(|&i| (0.1..0.3).contains(&slopes[i])));
    assert_eq!(slopes, run());
    assert_eq!(values(&y)[2], -3.0 * slopes[2]);
}

#[test]
fn tables_of_inputs() {
    let (a, b, c) = (scattered(4, &[4]), tensor(&[0.5, 2.0, -1.0, 0.7], &[4]), tensor(&[3.0, 0.1, 0.2, -2.0], &[4]));
    let (g, y, ga, gb) = (tensor(&[1.0, -2.0, 0.5, 3.0], &[4]), empty(), empty(), empty());
    tables::product_grads::<f64>(&[&a, &b, &c], &g, &[&ga, &gb, &y]).unwrap();
    agrees("product", &b, &gb, |b| {
        let y = empty();
        tables::product::<f64>(&[&a, b, &c], &y).map(|()| probe(&y, &g))
    });
    tables::quotient_grad::<f64>(&[&a, &b], &g, &ga, &gb).unwrap();
    agrees("quotient, below", &b, &gb, |b| {
        let y = empty();
        tables::quotient::<f64>(&[&a, b], &y).map(|()| probe(&y, &g))
    });
    tables::extreme::<f64>(&[&a, &b, &c], &y, &ga, false).unwrap();
    tables::extreme_grads::<f64>(&[&a, &b, &c], &g, &ga, &[&y, &empty(), &gb]).unwrap();
    agrees("extreme", &c, &gb, |c| {
        let (y, at) = (empty(), empty());
        tables::extreme::<f64>(&[&a, &b, c], &y, &at, false).map(|()| probe(&y, &g))
    });
    tables::sum::<f64>(&[&a, &a], &y, false).unwrap();
    assert!(values(&y).iter().zip(values(&a)).all(|(y, a)| *y == 2.0 * a));
    assert!(tables::sum::<f64>(&[&a, &tensor(&[1.0], &[1])], &y, false).is_err());
    assert!(tables::sum::<f64>(&[], &y, true).is_err());
}

#[test]
fn rows_are_copied_and_shortened_once() {
    let w = tensor(&[3.0, 4.0, 0.3, 0.4], &[2, 2]);
    let numbers = Tensor::from_slice(&[1i64, 2, 1]).unwrap();
    lookup::shorten::<f64>(&w, &numbers, lookup::Norm { max: 1.0, p: 2.0 }).unwrap();
    assert!((values(&w)[0] - 0.6).abs() < 1e-6 && values(&w)[2] == 0.3);
    let y = empty();
    lookup::rows::<f64>(&w, &numbers, &y).unwrap();
    assert_eq!(y.layout().sizes(), [3, 2]);
    assert!(lookup::rows::<f64>(&w, &Tensor::from_slice(&[3i64]).unwrap(), &y).is_err());
}
