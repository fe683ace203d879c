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

/// Elements of all inputs that are done together: they stay in the nearest caches, however many inputs there are.
const BLOCK: usize = 1024;

/// The elements of each input, which have one number of them.
fn sources<T: Float>(inputs: &[&Tensor]) -> Result<Vec<Source<T>>> {
    inputs.iter().map(|x| Source::of(x)).collect()
}

/// Calls `f(first element, parts)` for blocks of results that have as many elements each.
fn each_block<T: Float>(results: &mut [Dest<T>], cost: usize, f: impl Fn(usize, &mut [&mut [T]]) + Copy + Sync) {
    let all: Vec<Rows<T>> = results.iter_mut().map(|r| Rows::new(r, 1)).collect();
    share(all, cost, |first, parts| {
        let mut rest: Vec<&mut [T]> = parts.into_iter().map(Rows::into_slice).collect();
        let mut block: Vec<&mut [T]> = rest.iter().map(|_| &mut [][..]).collect();
        let n = rest.first().map_or(0, |r| r.len());
        for start in (0..n).step_by(BLOCK) {
            for (part, rest) in block.iter_mut().zip(&mut rest) {
                let (now, later) = std::mem::take(rest).split_at_mut(BLOCK.min(n - start));
                (*part, *rest) = (now, later);
            }
            f(first + start, &mut block);
        }
    });
}

/// `y[i] = f(y[i], x[i])`
#[inline(always)]
fn combine<T: Float>(y: &mut [T], x: &[T], f: impl Fn(T, T) -> T + Copy) {
    vectorize(
        #[inline(always)]
        move || y.iter_mut().zip(x).for_each(|(y, x)| *y = f(*y, *x)),
    );
}

/// Folds the inputs into `output`, which gets the size of the first, or is it with `inplace`.
fn fold<T: Float>(
    name: &'static str,
    inputs: &[&Tensor],
    output: &Tensor,
    inplace: bool,
    f: impl Fn(T, T) -> T + Copy + Sync,
) -> Result<()> {
    check(name, inputs, 1)?;
    match inputs {
        [x] => {
            output.resize_as(x)?;
            map::unary(name, output, x, 1, |x: T| x)
        }
        [x, y] => {
            output.resize_as(x)?;
            map::binary(name, output, x, y, f)
        }
        _ => {
            let first = if inplace { None } else { Some(Source::<T>::of(inputs[0])?) };
            let rest = sources::<T>(&inputs[1..])?;
            let y = if inplace { Dest::update(output)? } else { Dest::like(output, inputs[0])? };
            each_block(&mut [y], inputs.len(), |at, parts| {
                let y = &mut *parts[0];
                let part = at..at + y.len();
                if let Some(x) = &first {
                    y.copy_from_slice(&x[part.clone()]);
                }
                rest.iter().for_each(|x| combine(y, &x[part.clone()], f));
            });
            Ok(())
        }
    }
}

/// nn.CAddTable: the sum of the inputs; in place, it is added up in the first and `output` becomes a view of that.
///
/// # Errors
/// No input, sizes that differ.
pub fn sum<T: Float>(inputs: &[&Tensor], output: &Tensor, inplace: bool) -> Result<()> {
    if inplace && !inputs.is_empty() {
        output.set(inputs[0])?;
    }
    fold("CAddTable", inputs, output, inplace, |a: T, b: T| a.add(b))
}

/// nn.CMulTable: the product of the inputs.
///
/// # Errors
/// No input, sizes that differ.
pub fn product<T: Float>(inputs: &[&Tensor], output: &Tensor) -> Result<()> {
    fold("CMulTable", inputs, output, false, |a: T, b: T| a.mul(b))
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
    let (g, x) = (Source::<T>::of(grad_output)?, sources::<T>(inputs)?);
    let mut results = inputs.iter().zip(grads).map(|(x, to)| Dest::like(to, x)).collect::<Result<Vec<Dest<T>>>>()?;
    each_block(&mut results, inputs.len() * inputs.len(), |at, parts| {
        for (i, to) in parts.iter_mut().enumerate() {
            let part = at..at + to.len();
            to.copy_from_slice(&g[part.clone()]);
            let others = x.iter().enumerate().filter(|(k, _)| *k != i);
            others.for_each(|(_, x)| combine(to, &x[part.clone()], |a, b| a.mul(b)));
        }
    });
    Ok(())
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
    let x = sources::<T>(inputs)?;
    let (y, at) = (Dest::<T>::like(output, inputs[0])?, Dest::<T>::like(index, inputs[0])?);
    // one loop for both, with the sign of what is compared
    let sign = if least { T::ONE.neg() } else { T::ONE };
    each_block(&mut [y, at], inputs.len(), |first, parts| {
        let [y, at] = parts else { return };
        let part = first..first + y.len();
        y.copy_from_slice(&x[0][part.clone()]);
        at.fill(T::ONE);
        for (k, x) in x.iter().enumerate().skip(1) {
            let all = y.iter_mut().zip(at.iter_mut()).zip(&x[part.clone()]);
            let from = T::from_f64(k as f64 + 1.0);
            vectorize(
                #[inline(always)]
                move || {
                    for ((y, at), x) in all {
                        let better = x.mul(sign) > y.mul(sign);
                        *y = if better { *x } else { *y };
                        *at = if better { from } else { *at };
                    }
                },
            );
        }
    });
    Ok(())
}

/// Backward of [`extreme`], for each of the inputs: the gradient where it gave the extreme, else 0.
///
/// # Errors
/// Sizes that differ.
pub fn extreme_grads<T: Float>(
    inputs: &[&Tensor],
    grad_output: &Tensor,
    index: &Tensor,
    grads: &[&Tensor],
) -> Result<()> {
    check("CMaxTable", inputs, 1)?;
    same_count("CMaxTable", grad_output, inputs[0])?;
    same_count("CMaxTable", index, inputs[0])?;
    let (g, at) = (Source::<T>::of(grad_output)?, Source::<T>::of(index)?);
    let mut results = inputs.iter().zip(grads).map(|(x, to)| Dest::like(to, x)).collect::<Result<Vec<Dest<T>>>>()?;
    each_block(&mut results, inputs.len(), |first, parts| {
        for (i, to) in parts.iter_mut().enumerate() {
            let here = T::from_f64(i as f64 + 1.0);
            let all = to.iter_mut().zip(g[first..].iter().zip(&at[first..]));
            vectorize(
                #[inline(always)]
                move || all.for_each(|(to, (g, at))| *to = if *at == here { *g } else { T::ZERO }),
            );
        }
    });
    Ok(())
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
