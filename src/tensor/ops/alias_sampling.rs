//! Draws from a discrete distribution in constant time: Walker's alias tables (Vose's construction), as Torch7 builds
//! and uses them, its off-by-one included, since streams have to agree.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::random::Generator;
use crate::tensor::walk::update;
use std::cell::RefCell;

/// Builds the tables of alternatives and of thresholds for probabilities `p` (a vector that sums to 1).
///
/// # Errors
/// No probability, or tables that cannot be balanced because of a zero weight.
pub fn setup<T: Float>(p: &Tensor, alternative: &Tensor, threshold: &Tensor) -> Result<()> {
    check::rank("a vector of probabilities", p, 1)?;
    let weights = p.to_vec::<T>()?;
    let n = weights.len();
    let mut q: Vec<f64> = weights.iter().map(|w| T::from_f64(w.to_f64() * n as f64).to_f64()).collect();
    let mut j = vec![0i64; n];
    let (mut small, mut large) = (vec![], vec![]);
    for (i, &v) in q.iter().enumerate() {
        if v < 1.0 { small.push(i) } else { large.push(i) }
    }
    while let (Some(&s), Some(&l)) = (small.last(), large.last()) {
        small.pop();
        large.pop();
        j[s] = l as i64;
        q[l] = T::from_f64(q[l] - (1.0 - q[s])).to_f64();
        if q[l] < 1.0 { small.push(l) } else { large.push(l) }
    }
    let least = q.iter().copied().fold(f64::INFINITY, f64::min);
    demand!(least > 0.0, "q_min is less than 0: {least}");
    let largest = q.iter().copied().fold(least, f64::max);
    if largest > 1.0 {
        q.iter_mut().for_each(|v| *v /= largest);
    }
    // an alternative of 0 counts as none, also where it means the first category
    q.iter_mut().zip(&j).filter(|(_, j)| **j <= 0).for_each(|(q, _)| *q = 1.0);
    alternative.set(&Tensor::from_slice_on(alternative.class().device, &j)?)?;
    let device = threshold.class().device;
    threshold.set(&Tensor::from_slice_on(device, &q.iter().map(|&v| T::from_f64(v)).collect::<Vec<T>>())?)
}

/// Fills `out` with draws from tables made by [`setup`].
///
/// # Errors
/// Tables of different lengths, or without entries.
pub fn draw<T: Float>(out: &Tensor, g: &RefCell<Generator>, alternative: &Tensor, threshold: &Tensor) -> Result<()> {
    let (j, q) = (alternative.to_vec::<i64>()?, threshold.to_vec::<T>()?);
    demand!(!j.is_empty() && j.len() == q.len(), "tables of {} and {} entries", j.len(), q.len());
    let g = &mut *g.borrow_mut();
    let n = j.len();
    update(out, |_: i64| {
        let k = (g.uniform(0.0, n as f64) as usize).min(n - 1);
        let first = g.uniform(0.0, 1.0) <= q[k].to_f64();
        if first { k as i64 + 1 } else { j[k] }
    })
}
