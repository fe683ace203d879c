//! nn.Linear: input (in) or (batch x in), weight (out x in), bias (out).

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::error::Result;
use crate::tensor::map;
use crate::tensor::ops::blas::{Blas, Mat, product};

/// The matrix whose rows are samples: a vector is one row.
fn rows<T: Blas>(x: &Tensor, what: &str, width: usize) -> Result<Mat<T>> {
    demand!(x.ndim() == 1 || x.ndim() == 2, "{what} must be vector or matrix, got {}", x.shape_text());
    let m = Mat::of(x)?;
    let m = if x.ndim() == 1 { m.t() } else { m };
    demand!(m.cols == width, "size mismatch: {what} {} where {width} columns are expected", x.shape_text());
    Ok(m)
}

fn is_matrix(weight: &Tensor) -> Result<()> {
    demand!(weight.ndim() == 2, "weight must be a matrix, got {}", weight.shape_text());
    Ok(())
}

/// `output = input weight' + bias`, (out) or (batch x out). `ones` becomes a vector of ones for a batch.
///
/// # Errors
/// Sizes that do not fit.
pub fn forward<T: Blas>(
    input: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    ones: &Tensor,
) -> Result<()> {
    is_matrix(weight)?;
    let x = rows::<T>(input, "input", weight.size(1))?;
    let out = weight.size(0);
    if input.ndim() == 1 {
        output.resize(&[out])?;
    } else {
        output.resize(&[x.rows, out])?;
        if ones.numel() != x.rows {
            ones.resize(&[x.rows])?;
            map::fill(ones, T::ONE)?;
        }
    }
    let y = rows::<T>(output, "output", out)?;
    let beta = match bias {
        Some(b) => {
            demand!(b.numel() == out, "bias {} does not fit weight {}", b.shape_text(), weight.shape_text());
            let b = Mat::<T>::of(b)?;
            demand!(b.cols == 1, "bias must be a vector, got a matrix of {} rows", b.rows);
            for i in 0..y.rows as isize {
                for j in 0..y.cols as isize {
                    // SAFETY: inside the output and the bias, which has as many elements as the output columns.
                    unsafe { *y.ptr.wrapping_offset(i * y.rs + j * y.cs) = *b.ptr.wrapping_offset(j * b.rs) };
                }
            }
            T::ONE
        }
        None => T::ZERO,
    };
    product(T::ONE, x, Mat::of(weight)?.t(), beta, y);
    Ok(())
}

/// `gradInput = gradOutput weight`, of the input's size. Nothing where there is no gradInput.
///
/// # Errors
/// Sizes that do not fit.
pub fn grad_input<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    is_matrix(weight)?;
    rows::<T>(input, "input", weight.size(1))?;
    let g = rows::<T>(grad_output, "gradOutput", weight.size(0))?;
    grad_input.resize_as(input)?;
    let gi = rows::<T>(grad_input, "gradInput", weight.size(1))?;
    demand!(gi.rows == g.rows, "gradOutput {} does not fit input {}", grad_output.shape_text(), input.shape_text());
    product(T::ONE, g, Mat::of(weight)?, T::ZERO, gi);
    Ok(())
}

/// Adds `scale` times the gradients: gradWeight (out x in), gradBias (out).
///
/// # Errors
/// Sizes that do not fit.
pub fn acc_grad<T: Blas>(
    input: &Tensor,
    grad_output: &Tensor,
    scale: T,
    grad_weight: &Tensor,
    grad_bias: Option<&Tensor>,
) -> Result<()> {
    is_matrix(grad_weight)?;
    let x = rows::<T>(input, "input", grad_weight.size(1))?;
    let g = rows::<T>(grad_output, "gradOutput", grad_weight.size(0))?;
    demand!(x.rows == g.rows, "gradOutput {} does not fit input {}", grad_output.shape_text(), input.shape_text());
    product(scale, g.t(), x, T::ONE, Mat::of(grad_weight)?);
    if let Some(gb) = grad_bias {
        demand!(gb.ndim() == 1 && gb.numel() == g.cols, "gradBias {} does not fit", gb.shape_text());
        let gb = Mat::<T>::of(gb)?;
        for j in 0..g.cols {
            let mut sum = T::ZERO;
            for i in 0..g.rows {
                // SAFETY: inside gradOutput.
                sum = sum.add(unsafe { *g.ptr.wrapping_offset(i as isize * g.rs + j as isize * g.cs) });
            }
            // SAFETY: gradBias has as many elements as gradOutput has columns.
            unsafe {
                let b = gb.ptr.wrapping_offset(j as isize * gb.rs);
                *b = (*b).add(scale.mul(sum));
            }
        }
    }
    Ok(())
}
