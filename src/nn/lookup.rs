//! nn.LookupTable: gradients (n x width) go to the rows of gradWeight (rows x width) that were looked up.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::ops::blas::Mat;

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
    padding: i64,
    by_freq: bool,
) -> Result<()> {
    demand!(grad_weight.ndim() == 2, "gradWeight must be a matrix, got {}", grad_weight.shape_text());
    let (rows, width) = (grad_weight.size(0), grad_weight.size(1));
    let at = numbers.to_vec::<i64>()?;
    demand!(
        gradients.numel() == at.len() * width,
        "gradOutput {} does not fit {} rows of {width}",
        gradients.shape_text(),
        at.len()
    );
    let mut count = vec![0usize; rows];
    for &k in &at {
        demand!(k >= 1 && k as usize <= rows, "index {k} out of range 1..{rows}");
        count[k as usize - 1] += 1;
    }
    let g = gradients.to_vec::<T>()?;
    let w = Mat::of(&grad_weight.view::<T>()?);
    for (g, &k) in g.chunks(width.max(1)).zip(&at).filter(|(_, k)| **k != padding) {
        let row = k as usize - 1;
        let by = if by_freq { T::from_f64(scale.to_f64() / count[row] as f64) } else { scale };
        let into = w.row_range(row, 1);
        for (j, &v) in g.iter().enumerate() {
            let p = into.ptr.wrapping_offset(j as isize * into.cs);
            // SAFETY: row and column lie inside the weight gradient.
            unsafe { *p = (*p).add(by.mul(v)) };
        }
    }
    Ok(())
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
        acc_grad::<f64>(&g, &n, 2.0, &w, 1, false).unwrap();
        assert_eq!(w.to_vec::<f64>().unwrap(), [0.0, 8.0, 0.0]);
        assert!(acc_grad::<f64>(&g, &Tensor::from_slice(&[4i64, 1, 1]).unwrap(), 1.0, &w, 0, false).is_err());
    }
}
