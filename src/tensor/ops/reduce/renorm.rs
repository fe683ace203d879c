//! Slices scaled down to a norm.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::ops::copy;

/// Slices along dimension `d` scaled down to a p-norm of at most `most`.
///
/// # Errors
/// A vector, a dimension that is not there, a power that is not positive.
pub fn renorm<T: Float>(res: &Tensor, x: &Tensor, p: f64, d: usize, most: f64) -> Result<()> {
    demand!(p > 0.0, "non-positive-norm not supported, got {p}");
    check::ranks("a tensor", x, 2..=usize::MAX)?;
    check::dimension("renorm", d, x.ndim())?;
    let source = copy::contiguous(x)?;
    let out = Tensor::empty(T::DTYPE);
    out.resize_as_for_result(x)?;
    let sizes = source.layout().sizes().to_vec();
    let inner: usize = sizes[d + 1..].iter().product();
    let (from, mut to) = (Source::<T>::of(&source)?, Dest::<T>::update(&out)?);
    // for each slice its norm, then what it is multiplied by
    let mut scales = vec![0.0; sizes[d]];
    for (i, part) in from.chunks_exact(inner).enumerate() {
        scales[i % sizes[d]] += power_sum(part, p);
    }
    for scale in &mut scales {
        let norm = scale.powf(1.0 / p);
        *scale = if norm > most { most / (norm + 1e-7) } else { 1.0 };
    }
    for (i, (to, from)) in to.chunks_exact_mut(inner).zip(from.chunks_exact(inner)).enumerate() {
        let scale = scales[i % sizes[d]];
        to.iter_mut().zip(from).for_each(|(to, v)| *to = T::from_f64(v.to_f64() * scale));
    }
    drop((from, to));
    res.resize_as_for_result(x)?;
    copy::copy(res, &out)
}

/// The sum of the `p`-th powers of the absolute values.
fn power_sum<T: Float>(part: &[T], p: f64) -> f64 {
    let total = |f: &dyn Fn(f64) -> f64| part.iter().map(|v| f(v.to_f64())).sum::<f64>();
    match p {
        1.0 => total(&f64::abs),
        2.0 => total(&|v| v * v),
        _ => total(&|v| v.abs().powf(p)),
    }
}
