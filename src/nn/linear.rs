//! nn.Linear: input (in) or (batch x in), weight (out x in), bias (out).

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Matrix, MatrixDest, MatrixMut, MatrixSource, Source, is_written, outer_later};
use crate::tensor::error::Result;
use crate::tensor::ops::blas::{Blas, SHARED, biased_product, product, product_beside};
use crate::tensor::ops::products::{column_sums, direct, direct_biased, direct_gradients, direct_sums};
use crate::tensor::product::{Multiply, Repeated, is_once, multiply_once};

/// Checks that a tensor is one sample or a batch of samples of this width.
#[inline]
fn samples(x: &Tensor, what: &str, width: usize) -> Result<()> {
    let nd = x.ndim();
    demand!(nd == 1 || nd == 2, "{what} must be vector or matrix, got {}", x.shape_text());
    demand!(x.size(nd - 1) == width, "size mismatch: {what} {} where {width} columns are expected", x.shape_text());
    Ok(())
}

/// The matrix whose rows are samples: a vector is one row.
#[inline]
fn rows<'a, T>(x: &Tensor, m: Matrix<'a, T>) -> Matrix<'a, T> {
    if x.ndim() == 1 { m.t() } else { m }
}

#[inline]
fn is_matrix(weight: &Tensor) -> Result<()> {
    demand!(weight.ndim() == 2, "weight must be a matrix, got {}", weight.shape_text());
    Ok(())
}

#[inline]
fn same_batch(input: &Tensor, grad_output: &Tensor) -> Result<()> {
    let batch = |x: &Tensor| if x.ndim() == 1 { 1 } else { x.size(0) };
    let fits = batch(input) == batch(grad_output);
    demand!(fits, "gradOutput {} does not fit input {}", grad_output.shape_text(), input.shape_text());
    Ok(())
}

/// `output = input weight' + bias`, (out) or (batch x out). `ones` becomes a vector of ones for a batch.
///
/// # Errors
/// Sizes that do not fit.
pub fn forward<T: Multiply>(
    input: &Tensor,
    output: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    ones: &Tensor,
) -> Result<()> {
    is_matrix(weight)?;
    samples(input, "input", weight.size(1))?;
    let out = weight.size(0);
    if let Some(b) = bias {
        let fits = b.ndim() == 1 && b.numel() == out;
        demand!(fits, "bias {} does not fit weight {}", b.shape_text(), weight.shape_text());
    }
    let single = input.ndim() == 1;
    let batch = if single { 1 } else { input.size(0) };
    let sizes = &[batch, out][usize::from(single)..];
    let repeated = Repeated { matrix: weight, turned: true };
    let packed = if input.is_contiguous() { repeated.packed::<T>(batch)? } else { None };
    let once = is_once(batch, out, weight.size(1));
    // an output of the right size from the last step needs no preparation
    if packed.is_none() && !once && output.has_sizes(sizes) && (single || ones.numel() == batch) {
        let done = match bias {
            Some(bias) => direct_biased::<T>(input, weight, bias, output),
            None => direct(T::ONE, (input, single), (weight, true), T::ZERO, (output, single)),
        };
        if done {
            repeated.note::<T>(batch);
            return Ok(());
        }
    }
    let x = MatrixSource::<T>::of(input)?;
    let x = rows(input, x.view());
    let packed = packed.filter(|_| x.flat().is_some());
    let bias = bias.map(Source::<T>::of).transpose()?;
    // reading the weights would make them forget what is packed
    let w = if packed.is_none() { Some(MatrixSource::<T>::of(weight)?) } else { None };
    if !single && ones.numel() != batch {
        Dest::<T>::new(ones, &[batch])?.fill(T::ONE);
    }
    let mut y = Dest::<T>::new(output, sizes)?;
    if let (Some(x), Some(w)) = (x.flat(), &packed) {
        return w.multiply(x, bias.as_deref().unwrap_or_default(), &mut y);
    }
    if let Some(w) = w {
        if let (Some(x), Some(w), true) = (x.flat(), w.view().flat(), once) {
            return multiply_once([x, w], batch, bias.as_deref().unwrap_or_default(), &mut y);
        }
        let (y, w) = (MatrixMut::new(&mut y, batch, out), w.view().t());
        match &bias {
            Some(b) => biased_product(x, w, b, y),
            None => product(T::ONE, x, w, T::ZERO, y),
        }
    }
    repeated.note::<T>(batch);
    Ok(())
}

/// Whether backward has anything to compute: as in Torch7, inputs of other dimensions have no gradient, and no error.
#[inline]
fn has_gradient(input: &Tensor) -> bool {
    input.ndim() == 1 || input.ndim() == 2
}

/// `gradInput = gradOutput weight`, of the input's size. Nothing where there is no gradInput, zeros where the input is
/// neither a vector nor a matrix.
///
/// # Errors
/// Sizes that do not fit.
pub fn grad_input<T: Multiply>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    weight: &Tensor,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    if !has_gradient(input) {
        Dest::<T>::like(grad_input, input)?.fill(T::ZERO);
        return Ok(());
    }
    is_matrix(weight)?;
    samples(input, "input", weight.size(1))?;
    samples(grad_output, "gradOutput", weight.size(0))?;
    same_batch(input, grad_output)?;
    let (turn, repeated) = (grad_output.ndim() == 1, Repeated { matrix: weight, turned: false });
    let batch = if turn { 1 } else { grad_output.size(0) };
    if let Some(w) = repeated.packed::<T>(batch)? {
        let g = Source::<T>::of(grad_output)?;
        return w.multiply(&g, &[], &mut Dest::<T>::like(grad_input, input)?);
    }
    // a gradInput of the right size from the last step needs no preparation
    if grad_input.same_size(input) && direct(T::ONE, (grad_output, turn), (weight, false), T::ZERO, (grad_input, turn))
    {
        repeated.note::<T>(batch);
        return Ok(());
    }
    let (g, w) = (MatrixSource::<T>::of(grad_output)?, MatrixSource::<T>::of(weight)?);
    let mut gi = Dest::<T>::like(grad_input, input)?;
    let n = input.numel() / weight.size(1).max(1);
    product(T::ONE, rows(grad_output, g.view()), w.view(), T::ZERO, MatrixMut::new(&mut gi, n, weight.size(1)));
    Ok(())
}

/// Adds `scale` times the gradients: gradWeight (out x in), gradBias (out). Nothing where the input is neither a vector
/// nor a matrix.
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
    if let Some(gb) = grad_bias
        && is_written(grad_weight)
        && direct_gradients(scale, grad_output, input, grad_weight, gb)
    {
        return Ok(());
    }
    if !has_gradient(input) {
        return Ok(());
    }
    is_matrix(grad_weight)?;
    samples(input, "input", grad_weight.size(1))?;
    samples(grad_output, "gradOutput", grad_weight.size(0))?;
    same_batch(input, grad_output)?;
    if let Some(gb) = grad_bias {
        let fits = gb.ndim() == 1 && gb.numel() == grad_weight.size(0);
        demand!(fits, "gradBias {} does not fit weight {}", gb.shape_text(), grad_weight.shape_text());
    }
    let single = input.ndim() == 1;
    let done = if is_written(grad_weight) {
        let small = single || !is_large(input, grad_weight);
        small && direct(scale, (grad_output, !single), (input, single), T::ONE, (grad_weight, false))
    } else {
        single && outer_later(grad_weight, scale, grad_output, input)?
    };
    match grad_bias {
        None if done => return Ok(()),
        Some(gb) if done && direct_sums(gb, scale, grad_output) => return Ok(()),
        _ => {}
    }
    let g = MatrixSource::<T>::of(grad_output)?;
    let g = rows(grad_output, g.view());
    let sums = |first: usize, sums: MatrixMut<T>| column_sums(scale, g.col_range(first, sums.rows()), sums);
    if let (true, Some(gb)) = (done, grad_bias) {
        sums(0, MatrixDest::<T>::update(gb)?.view());
        return Ok(());
    }
    let x = MatrixSource::<T>::of(input)?;
    let x = rows(input, x.view());
    // a negative scale would make -0 of a sum of zeros
    let (mut gw, zeros) =
        if scale > T::ZERO { MatrixDest::sum(grad_weight)? } else { (MatrixDest::update(grad_weight)?, false) };
    let beta = if zeros { T::ZERO } else { T::ONE };
    match grad_bias {
        Some(gb) => product_beside(scale, g.t(), x, beta, gw.view(), MatrixDest::<T>::update(gb)?.view(), sums),
        None => product(scale, g.t(), x, beta, gw.view()),
    }
    Ok(())
}

/// Whether threads share the product for the gradient of a batch.
#[inline]
fn is_large(input: &Tensor, grad_weight: &Tensor) -> bool {
    input.size(0).saturating_mul(grad_weight.size(0)).saturating_mul(grad_weight.size(1)) >= SHARED
}
