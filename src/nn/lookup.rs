//! nn.LookupTable: gradients (n x width) go to the rows of gradWeight (rows x width) that were looked up.

use crate::demand;
use crate::fields;
use crate::nn::vectors::{powers, sums_of};
use crate::tensor::Tensor;
use crate::tensor::access::{MatrixDest, Source};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::tensor::map;
use crate::tensor::ops::copy::contiguous;
use crate::tensor::ops::index;
use crate::tensor::simd::vectorize;

fields! {
    /// Which rows of nn.LookupTable learn, and how fast.
    pub struct Learning {
        /// A row, from 1, that does not; 0 for none.
        padding: i64 = ".paddingValue:long=0",
        /// Whether gradients are divided by how often their row is looked up.
        by_freq: bool = ".shouldScaleGradByFreq:bool=false",
    }
}
fields! {
    /// How long rows of nn.LookupTable may be.
    pub struct Norm {
        /// The greatest p-norm.
        max: f64 = ".maxNorm:num",
        /// Its p.
        p: f64 = ".normType:num=2",
    }
}

/// Adds `scale` times gradient `i` to row `numbers[i]` (from 1), except for the row `padding`; with `by_freq` divided by
/// how often that row is looked up.
///
/// # Errors
/// Sizes that do not fit, rows that are not there.
pub fn acc_grad<T: Float>(
    gradients: &Tensor,
    numbers: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    fields: Learning,
) -> Result<()> {
    let Learning { padding, by_freq } = fields;
    demand!(grad_weight.ndim() == 2, "gradWeight must be a matrix, got {}", grad_weight.shape_text());
    let (rows, width) = (grad_weight.size(0), grad_weight.size(1));
    let at = row_numbers(numbers, rows)?;
    demand!(
        gradients.numel() == at.len() * width,
        "gradOutput {} does not fit {} rows of {width}",
        gradients.shape_text(),
        at.len()
    );
    let mut count = vec![0usize; rows];
    at.iter().for_each(|&k| count[k] += 1);
    let g = Source::<T>::of(gradients)?;
    let mut w = MatrixDest::<T>::update(grad_weight)?;
    let mut w = w.view();
    for (g, &row) in g.chunks(width.max(1)).zip(&at).filter(|(_, k)| **k as i64 + 1 != padding) {
        let by = if by_freq { T::from_f64(scale.to_f64() / count[row] as f64) } else { scale };
        w.reborrow().row_range(row, 1).each_row(|_, into| {
            into.iter_mut().zip(g).for_each(|(w, &v)| *w = w.add(by.mul(v)));
        });
    }
    Ok(())
}

/// Checks that all row numbers, from 1, lie in a matrix with this many.
fn check_rows(numbers: &Tensor, rows: usize) -> Result<()> {
    let outside = |k: i64| k < 1 || k as usize > rows;
    let bad = map::fold(numbers, None, |bad, k: i64| if outside(k) { bad.or(Some(k)) } else { bad })?;
    demand!(bad.is_none(), "index {} out of range 1..{rows}", bad.unwrap_or(0));
    Ok(())
}

/// Row numbers from 0, of a matrix with this many.
fn row_numbers(numbers: &Tensor, rows: usize) -> Result<Vec<usize>> {
    check_rows(numbers, rows)?;
    Ok(numbers.to_vec::<i64>()?.into_iter().map(|k| k as usize - 1).collect())
}

/// Copies rows of `weight` (rows x width) into `output`, whose sizes are those of the row numbers and the width.
///
/// # Errors
/// Rows that are not there.
pub fn rows<T: Float>(weight: &Tensor, numbers: &Tensor, output: &Tensor) -> Result<()> {
    demand!(weight.ndim() == 2, "weight must be a matrix, got {}", weight.shape_text());
    check_rows(numbers, weight.size(0))?;
    let list = contiguous(numbers)?;
    let list = list.with_layout(Layout::strided(list.offset(), &[numbers.numel()], &[1])?);
    index::index::<T>(output, weight, 0, &list)?;
    output.resize(&[numbers.layout().sizes(), &[weight.size(1)]].concat())
}

/// Scales rows that are looked up and longer than `max` in the p-norm down to it.
///
/// # Errors
/// Rows that are not there, `p` of 0 or less.
pub fn shorten<T: Float>(weight: &Tensor, numbers: &Tensor, norm: Norm) -> Result<()> {
    let Norm { max, p } = norm;
    demand!(weight.ndim() == 2, "weight must be a matrix, got {}", weight.shape_text());
    demand!(p > 0.0, "a norm type above 0 expected, got {p}");
    let rows = weight.size(0);
    let mut seen = vec![false; rows];
    let numbers = row_numbers(numbers, rows)?;
    let mut w = MatrixDest::<T>::update(weight)?;
    let mut w = w.view();
    for k in numbers.into_iter().filter(|&k| !std::mem::replace(&mut seen[k], true)) {
        w.reborrow().row_range(k, 1).each_row(|_, row| {
            vectorize(
                #[inline(always)]
                || {
                    let norm = sum_of_powers(row, p).powf(1.0 / p);
                    if norm > max {
                        let by = T::from_f64(max / (norm + 1e-7));
                        row.iter_mut().for_each(|v| *v = v.mul(by));
                    }
                },
            );
        });
    }
    Ok(())
}

/// The sum of the absolute values to the power of `p`.
#[inline(always)]
fn sum_of_powers<T: Float>(row: &[T], p: f64) -> f64 {
    if p == 2.0 {
        return sums_of([row], |[v]| [v * v])[0];
    }
    if p == 1.0 {
        return sums_of([row], |[v]| [v.abs()])[0];
    }
    let mut sum = 0.0;
    powers([row], |[v]| v.abs(), T::from_f64(p), |_, part| sum += sums_of([part], |[v]| [v])[0]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::dtype::DType;

    #[test]
    fn rows_add_up_and_padding_gets_nothing() {
        let g = Tensor::from_slice(&[1.0f64, 2.0, 3.0]).unwrap();
        let n = Tensor::from_slice(&[2i64, 1, 2]).unwrap();
        let w = Tensor::new(DType::Double, &[3, 1]).unwrap();
        acc_grad::<f64>(&g, &n, 2.0, &w, Learning { padding: 1, by_freq: false }).unwrap();
        assert_eq!(w.to_vec::<f64>().unwrap(), [0.0, 8.0, 0.0]);
        assert!(
            acc_grad::<f64>(
                &g,
                &Tensor::from_slice(&[4i64, 1, 1]).unwrap(),
                1.0,
                &w,
                Learning { padding: 0, by_freq: false }
            )
            .is_err()
        );
    }
}
