//! Elementwise modules over several inputs of one number of elements: sums, products, quotients, extremes.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, share};
use crate::tensor::check;
use crate::tensor::dtype::{Element, Float};
use crate::tensor::error::Result;
use crate::tensor::map::{self, same_count};
use crate::tensor::ops::copy::copy;
use crate::tensor::ops::view::select;
use crate::tensor::simd::vectorize;

fn check(name: &'static str, inputs: &[&Tensor], least: usize) -> Result<()> {
    demand!(inputs.len() >= least, "{least} inputs or more expected, got {}", inputs.len());
    inputs.iter().try_for_each(|x| same_count(name, inputs[0], x))
}

/// Folds the inputs into `output`, which gets the size of the first; two at a time, so two inputs take one pass.
fn fold<T: Float>(
    name: &'static str,
    inputs: &[&Tensor],
    output: &Tensor,
    f: impl Fn(T, T) -> T + Copy + Sync,
) -> Result<()> {
    check(name, inputs, 1)?;
    output.resize_as(inputs[0])?;
    let Some((second, rest)) = inputs[1..].split_first() else {
        return map::unary(name, output, inputs[0], 1, |x: T| x);
    };
    map::binary(name, output, inputs[0], second, f)?;
    rest.iter().try_for_each(|x| map::binary(name, output, output, x, f))
}

/// nn.CAddTable: the sum of the inputs; in place, it is added up in the first and `output` becomes a view of that.
///
/// # Errors
/// No input, sizes that differ.
pub fn sum<T: Float>(inputs: &[&Tensor], output: &Tensor, inplace: bool) -> Result<()> {
    if inplace && !inputs.is_empty() {
        output.set(inputs[0])?;
    }
    fold("CAddTable", inputs, output, |a: T, b: T| a.add(b))
}

/// nn.CMulTable: the product of the inputs.
///
/// # Errors
/// No input, sizes that differ.
pub fn product<T: Float>(inputs: &[&Tensor], output: &Tensor) -> Result<()> {
    fold("CMulTable", inputs, output, |a: T, b: T| a.mul(b))
}

/// Backward of [`sum`]: a copy of the gradient for each input, of its size.
///
/// # Errors
/// Sizes that differ.
pub fn sum_grads<T: Float>(inputs: &[&Tensor], grad_output: &Tensor, grads: &[&Tensor]) -> Result<()> {
    inputs.iter().zip(grads).try_for_each(|(x, grad)| {
        grad.resize_as(x)?;
        copy(grad, grad_output)
    })
}

/// Backward of [`product`]: for each input the gradient times the product of all others, so that zeros do no harm.
///
/// # Errors
/// Sizes that differ.
pub fn product_grads<T: Float>(inputs: &[&Tensor], grad_output: &Tensor, grads: &[&Tensor]) -> Result<()> {
    check("CMulTable", inputs, 1)?;
    same_count("CMulTable", grad_output, inputs[0])?;
    grads.iter().enumerate().try_for_each(|(i, grad)| product_grad::<T>(inputs, grad_output, i, grad))
}

fn product_grad<T: Float>(inputs: &[&Tensor], grad_output: &Tensor, i: usize, grad_input: &Tensor) -> Result<()> {
    grad_input.resize_as(inputs[i])?;
    let mut so_far = grad_output;
    for (j, x) in inputs.iter().enumerate() {
        if j != i {
            map::binary("CMulTable", grad_input, so_far, x, |a: T, b: T| a.mul(b))?;
            so_far = grad_input;
        }
    }
    if inputs.len() == 1 { map::unary("CMulTable", grad_input, so_far, 1, |g: T| g) } else { Ok(()) }
}

/// nn.CDivTable: the first input by the second.
///
/// # Errors
/// Fewer than two inputs, sizes that differ.
pub fn quotient<T: Float>(inputs: &[&Tensor], output: &Tensor) -> Result<()> {
    check("CDivTable", inputs, 2)?;
    output.resize_as(inputs[0])?;
    map::binary("CDivTable", output, inputs[0], inputs[1], |a: T, b: T| a.over(b))
}

/// Backward of [`quotient`] for its two inputs.
///
/// # Errors
/// Fewer than two inputs, sizes that differ.
pub fn quotient_grad<T: Float>(
    inputs: &[&Tensor],
    grad_output: &Tensor,
    grad_above: &Tensor,
    grad_below: &Tensor,
) -> Result<()> {
    check("CDivTable", inputs, 2)?;
    same_count("CDivTable", grad_output, inputs[0])?;
    let (a, b, g) = (Source::<T>::of(inputs[0])?, Source::<T>::of(inputs[1])?, Source::<T>::of(grad_output)?);
    let mut ga = Dest::<T>::like(grad_above, inputs[0])?;
    let mut gb = Dest::<T>::like(grad_below, inputs[1])?;
    share((Rows::new(&mut ga, 1), Rows::new(&mut gb, 1)), 8, |first, (ga, gb)| {
        let values = a[first..].iter().zip(&b[first..]).zip(&g[first..]);
        let all = ga.into_slice().iter_mut().zip(gb.into_slice()).zip(values);
        vectorize(
            #[inline(always)]
            move || {
                for ((ga, gb), ((a, b), g)) in all {
                    let part = g.over(*b);
                    (*ga, *gb) = (part, part.mul(*a).over(*b).neg());
                }
            },
        );
    });
    Ok(())
}

/// nn.CMaxTable, or nn.CMinTable with `least`: the extreme of the inputs; `index` receives which input it came from,
/// counted from 1, the first of equal ones.
///
/// # Errors
/// No input, sizes that differ.
pub fn extreme<T: Float>(inputs: &[&Tensor], output: &Tensor, index: &Tensor, least: bool) -> Result<()> {
    let name = if least { "CMinTable" } else { "CMaxTable" };
    check(name, inputs, 1)?;
    let sizes = inputs[0].layout();
    let inputs = inputs.iter().map(|x| Source::<T>::of(x)).collect::<Result<Vec<_>>>()?;
    let (mut y, mut at) = (Dest::<T>::new(output, sizes.sizes())?, Dest::<T>::new(index, sizes.sizes())?);
    for (k, x) in inputs.iter().enumerate() {
        let from = T::from_f64(k as f64 + 1.0);
        for ((y, at), &v) in y.iter_mut().zip(at.iter_mut()).zip(x.iter()) {
            if k == 0 || (if least { v < *y } else { v > *y }) {
                (*y, *at) = (v, from);
            }
        }
    }
    Ok(())
}

/// Backward of [`extreme`] for input `i`: the gradient where it gave the extreme, else 0.
///
/// # Errors
/// Sizes that differ.
pub fn extreme_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    index: &Tensor,
    i: i64,
    grad_input: &Tensor,
) -> Result<()> {
    same_count("CMaxTable", grad_output, input)?;
    same_count("CMaxTable", index, input)?;
    grad_input.resize_as(input)?;
    let here = T::from_f64(i as f64);
    map::binary("CMaxTable", grad_input, grad_output, index, |g: T, k: T| if k == here { g } else { T::ZERO })
}

/// nn.SplitTable: the slices of the input along a dimension.
///
/// # Errors
/// No such dimension.
pub fn slices(input: &Tensor, dim: usize) -> Result<Vec<Tensor>> {
    check::dimension("SplitTable", dim, input.ndim())?;
    (0..input.size(dim)).map(|i| select(input, dim, i)).collect()
}

/// Backward of [`slices`]: `grad_input` gets the size of the input, and the parts as its slices.
///
/// # Errors
/// No such dimension, more parts than slices, parts of other numbers of elements.
pub fn join<T: Element>(input: &Tensor, parts: &[&Tensor], dim: usize, grad_input: &Tensor) -> Result<()> {
    check::dimension("SplitTable", dim, input.ndim())?;
    grad_input.resize_as(input)?;
    parts.iter().enumerate().try_for_each(|(i, part)| copy(&select(grad_input, dim, i)?, part))
}
