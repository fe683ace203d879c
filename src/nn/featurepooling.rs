//! p-norms of windows, (sum of x^p)^(1/p): of planes (C x H x W) or a batch of them, and of neighbouring features
//! (F), (F x a) or (F x a x b), or a batch of either.

use super::pooling::sum;
use super::pooling::window::{Axis, Plan};
use super::vectors::{powers, put, raise};
use super::window::{PlaneWindow, Step};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::{demand, fields};

fn norms<T: Float>(input: &Tensor, output: &Tensor, plan: &Plan, p: f64) -> Result<()> {
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::new(output, &plan.sizes)?;
    if p == 1.0 {
        return sum::forward_plain(&x, plan, &mut y, |_, _| {});
    }
    if p == 2.0 {
        return sum::forward(
            &x,
            plan,
            &mut y,
            #[inline(always)]
            |sums, line, add| put(sums, line.iter().map(|v| v.mul(*v)), add),
            #[inline(always)]
            |sums, _| sums.iter_mut().for_each(|v| *v = v.root()),
        );
    }
    let (up, down) = (T::from_f64(p), T::from_f64(1.0 / p));
    sum::forward(
        &x,
        plan,
        &mut y,
        #[inline(always)]
        |sums, line, add| {
            powers([line], |[v]| v, up, |at, part| put(&mut sums[at..][..part.len()], part.iter().copied(), add));
        },
        |sums, _| raise(sums, down),
    )
}

/// The derivative of a norm y by an element x is (x / y)^(p-1). `still` says whether it counts as 0 where y is.
fn norms_grad<T: Float>(
    [input, grad_output, grad_input, output]: [&Tensor; 4],
    plan: &Plan,
    p: f64,
    still: bool,
) -> Result<()> {
    plan.check("gradOutput", grad_output)?;
    demand!(output.has_sizes(&plan.sizes), "forward comes before backward, with the same input");
    let (x, g, y) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?, Source::<T>::of(output)?);
    let width = plan.width();
    let mut r = Dest::<T>::like(grad_input, input)?;
    if p == 1.0 {
        return sum::backward_plain(&g, plan, &mut r, |_, _| {});
    }
    let up = T::from_f64(p - 1.0);
    sum::backward(
        &g,
        plan,
        &mut r,
        #[inline(always)]
        |row, r| slopes(row, &y[r * width..][..width], p, still),
        #[inline(always)]
        |line, values, at, add| {
            let x = &x[at..at + line.len()];
            if p == 2.0 {
                put(line, values.iter().zip(x).map(|(v, &x)| v.mul(x)), add);
            } else {
                powers(
                    [x],
                    |[x]| x,
                    up,
                    |at, part| {
                        let values = values[at..].iter().zip(part).map(|(v, power)| v.mul(*power));
                        put(&mut line[at..][..part.len()], values, add);
                    },
                );
            }
        },
    )
}

/// Makes `g / y^(p-1)` of gradients, from the norms of their windows.
#[inline(always)]
fn slopes<T: Float>(g: &mut [T], norms: &[T], p: f64, still: bool) {
    let none = |y: T| still && y == T::ZERO;
    if p == 2.0 {
        g.iter_mut().zip(norms).for_each(|(g, &y)| *g = if none(y) { T::ZERO } else { g.over(y) });
        return;
    }
    // anything but 0, where the slope does not count
    let of = |[y]: [T; 1]| if none(y) { T::ONE } else { y };
    powers([norms], of, T::from_f64(1.0 - p), |at, part| {
        let all = g[at..].iter_mut().zip(&norms[at..]).zip(part);
        all.for_each(|((g, &y), power)| *g = if none(y) { T::ZERO } else { g.mul(*power) });
    });
}

fn plane_windows(input: &Tensor, window: PlaneWindow) -> Result<Plan> {
    Plan::regular(input, &window.plain_steps(), false)
}

/// Norms of windows over planes.
///
/// # Errors
/// Sizes that do not fit.
pub fn spatial<T: Float>(input: &Tensor, output: &Tensor, power: f64, window: PlaneWindow) -> Result<()> {
    norms::<T>(input, output, &plane_windows(input, window)?, power)
}

/// Backward of [`spatial`]. The slope of a window of zeros is 0 for the power 2, and not defined for others.
///
/// # Errors
/// Sizes that do not fit, an output of another input.
pub fn spatial_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    output: &Tensor,
    power: f64,
    window: PlaneWindow,
) -> Result<()> {
    let plan = plane_windows(input, window)?;
    norms_grad::<T>([input, grad_output, grad_input, output], &plan, power, power == 2.0)
}

fields! {
    /// Windows over neighbouring features.
    pub struct Features {
        /// Features of the window.
        width: i64 = ".width:long",
        /// Stride.
        stride: i64 = ".stride:long",
        /// The power of the norm.
        power: f64 = ".power:num",
        /// Whether samples stand in a batch.
        batch: bool = ".batch_mode:bool=false",
    }
}

impl Features {
    fn plan(self, input: &Tensor) -> Result<Plan> {
        let first = usize::from(self.batch);
        check::ranks("input", input, first + 1..=first + 3)?;
        check::has_elements("input", input)?;
        let step = Step::new(self.width, self.stride, 0);
        step.check()?;
        let n = input.size(first);
        let enough = n as i64 >= self.width;
        demand!(enough, "at least {} features expected in dimension {}, got {n}", self.width, first + 1);
        let windows = (n - self.width as usize) / self.stride as usize + 1;
        // what follows the features comes last, and is not pooled
        Plan::of(input, first, |i, n| if i == 0 { Axis::regular(n, windows, step) } else { Axis::whole(n) })
    }
}

/// Norms of windows over neighbouring features.
///
/// # Errors
/// Sizes that do not fit.
pub fn features<T: Float>(input: &Tensor, output: &Tensor, fields: Features) -> Result<()> {
    norms::<T>(input, output, &fields.plan(input)?, fields.power)
}

/// Backward of [`features`]. The slope of a window of zeros is 0.
///
/// # Errors
/// Sizes that do not fit, an output of another input.
pub fn features_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    output: &Tensor,
    fields: Features,
) -> Result<()> {
    norms_grad::<T>([input, grad_output, grad_input, output], &fields.plan(input)?, fields.power, true)
}
