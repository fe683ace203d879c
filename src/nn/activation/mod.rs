//! Activations: elementwise ones here, input and output of any size; those with a shape or a state of their own in the
//! files beside.

pub mod gated;
pub mod shrink;
pub mod softmax;

use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::function::Function;
use crate::tensor::map;
use crate::tensor::vmath::Arith;
use crate::{demand, fields, maths};

/// The stateless activations, one line each: what the gradient is computed from, the class, its kernels, the function of
/// an element, and the gradient from the output or the input and the output's gradient. The macro that is named gets
/// the list: here it makes the kernels, in `rows` the rows, and Lua has a class for every row.
#[macro_export]
macro_rules! for_each_activation {
    ($make:ident) => { $make! {
        output "nn.Tanh" tanh tanh_grad: |m, x| x.vtanh(m), |m, y, g| g.mul(T::ONE.sub(y.mul(y)));
        output "nn.Sigmoid" sigmoid sigmoid_grad: |m, x| T::ONE.over(T::ONE.add(exp_neg(x, m))), |m, y, g| g.mul(T::ONE.sub(y)).mul(y);
        output "nn.Exp" exp exp_grad: |m, x| x.vexp(m), |m, y, g| g.mul(y);
        output "nn.Sqrt" sqrt sqrt_grad: |m, x| x.root(), |m, y, g| if y == T::ZERO { T::ZERO } else { half(g).over(y) };
        input "nn.Abs" abs abs_grad: |m, x| x.abs(), |m, x, g| if x >= T::ZERO { g } else { g.neg() };
        input "nn.Log" log log_grad: |m, x| x.vlog(m), |m, x, g| g.over(x);
        input "nn.LogSigmoid" log_sigmoid log_sigmoid_grad: |m, x| log_logistic(x, m), |m, x, g| g.mul(logistic_of_minus(x, m));
        input "nn.Square" square square_grad: |m, x| x.mul(x), |m, x, g| g.mul(x).mul(T::from_f64(2.0));
        input "nn.SoftSign" soft_sign soft_sign_grad: |m, x| x.over(T::ONE.add(x.abs())),
            |m, x, g| { let d = T::ONE.add(x.abs()); g.over(d.mul(d)) };
        input "nn.TanhShrink" tanh_shrink tanh_shrink_grad: |m, x| x.sub(x.vtanh(m)), |m, x, g| { let t = x.vtanh(m); g.mul(t.mul(t)) };
    } };
}

macro_rules! kernels {
    ($($from:ident $class:literal $name:ident $grad:ident: |$m:ident, $x:ident| $f:expr, |$n:ident, $z:ident, $g:ident| $df:expr;)*) => { $(
        #[doc = concat!("Forward of ", $class, ": `output` gets the size of `input`.\n\n# Errors\nNot enough memory.")]
        pub fn $name<T: Float>(input: &Tensor, output: &Tensor) -> Result<()> {
            output.resize_as(input)?;
            map::unary($class, output, input, 16, maths!(|$m, $x: T| $f))
        }
        kernels!(@$from $class $grad |$n, $z, $g| $df);
    )* };
    (@output $class:literal $grad:ident |$n:ident, $z:ident, $g:ident| $df:expr) => {
        #[doc = concat!("Backward of ", $class, ": `grad_input` gets the size of `output`.\n\n# Errors\nSizes that differ.")]
        pub fn $grad<T: Float>(_input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, output: &Tensor) -> Result<()> {
            gradient::<T>($class, output, grad_output, grad_input, maths!(|$n, $z: T, $g: T| $df))
        }
    };
    (@input $class:literal $grad:ident |$n:ident, $z:ident, $g:ident| $df:expr) => {
        #[doc = concat!("Backward of ", $class, ": `grad_input` gets the size of `input`.\n\n# Errors\nSizes that differ.")]
        pub fn $grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor) -> Result<()> {
            gradient::<T>($class, input, grad_output, grad_input, maths!(|$n, $z: T, $g: T| $df))
        }
    };
}
for_each_activation!(kernels);

/// Demands a gradient with as many elements as what the slope is computed from: the input, or the output of forward.
fn check_gradient(grad_output: &Tensor, known: &Tensor) -> Result<()> {
    let (n, got) = (known.numel(), grad_output.numel());
    demand!(
        n > 0 || got == 0,
        "forward comes before backward: there is nothing yet that gradOutput {} belongs to",
        grad_output.shape_text()
    );
    demand!(n == got, "gradOutput of {n} elements expected, got {}", grad_output.shape_text());
    Ok(())
}

#[inline(always)]
fn gradient<T: Float>(
    name: &'static str,
    known: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    f: impl Function<(T, T), T>,
) -> Result<()> {
    check_gradient(grad_output, known)?;
    grad_input.resize_as(known)?;
    map::binary(name, grad_input, known, grad_output, f)
}

#[inline(always)]
pub(super) fn half<T: Float>(x: T) -> T {
    x.mul(T::from_f64(0.5))
}

#[inline(always)]
pub(super) fn exp_neg<T: Float, M: Arith>(x: T, m: M) -> T {
    x.neg().vexp(m)
}

/// `exp(-m) + exp(-x - m)` for the larger `m` of 0 and `-x`, which cannot overflow.
#[inline(always)]
fn shifted<T: Float, M: Arith>(x: T, m: M) -> (T, T, T) {
    let most = if x < T::ZERO { x.neg() } else { T::ZERO };
    let part = x.neg().sub(most).vexp(m);
    (most, part, exp_neg(most, m).add(part))
}

/// `log(1 / (1 + exp(-x)))`.
#[inline(always)]
pub(super) fn log_logistic<T: Float, M: Arith>(x: T, m: M) -> T {
    let (most, _, sum) = shifted(x, m);
    most.add(sum.vlog(m)).neg()
}

/// `1 / (1 + exp(x))`.
#[inline(always)]
pub(super) fn logistic_of_minus<T: Float, M: Arith>(x: T, m: M) -> T {
    let (_, part, sum) = shifted(x, m);
    part.over(sum)
}

/// Where an activation with a flag for it works in place, the result becomes a view of `from`; else it gets its size.
fn place(result: &Tensor, from: &Tensor, inplace: bool) -> Result<()> {
    if inplace { result.set(from) } else { result.resize_as(from) }
}

/// As [`place`]: in place a view of the gradient of the output, else of the size of `like`.
fn place_gradient(result: &Tensor, grad_output: &Tensor, like: &Tensor, inplace: bool) -> Result<()> {
    place(result, if inplace { grad_output } else { like }, inplace)
}

fields! {
    /// nn.Threshold
    pub struct Threshold<T> {
        /// What is not greater is replaced.
        threshold: T = ".threshold:real",
        /// What it becomes.
        val: T = ".val:real",
        /// Whether the result takes the place of what it is made from.
        inplace: bool = ".inplace:bool=false",
    }
}
fields! {
    /// nn.LeakyReLU
    pub struct LeakyReLU<T> {
        /// Slope below 0.
        slope: T = ".negval:real",
        /// Whether the result takes the place of what it is made from.
        inplace: bool = ".inplace:bool=false",
    }
}
fields! {
    /// nn.ELU
    pub struct ELU<T> {
        /// The limit far below 0, negated.
        alpha: T = ".alpha:real",
        /// Whether the result takes the place of what it is made from.
        inplace: bool = ".inplace:bool=false",
    }
}
fields! {
    /// nn.HardTanh and nn.ReLU6
    pub struct HardTanh<T> {
        /// Lower bound.
        low: T = ".min_val:real",
        /// Upper bound.
        high: T = ".max_val:real",
        /// Whether the result takes the place of what it is made from.
        inplace: bool = ".inplace:bool=false",
    }
}

/// Threshold: keeps what is greater than `threshold`, anything else (nan too) becomes `val`. In place, `input` is
/// changed and `output` becomes a view of it.
///
/// # Errors
/// Not enough memory.
pub fn threshold<T: Float>(input: &Tensor, output: &Tensor, f: Threshold<T>) -> Result<()> {
    let Threshold { threshold, val, inplace } = f;
    place(output, input, inplace)?;
    map::unary("threshold", output, input, 1, |x: T| if x > threshold { x } else { val })
}

/// Backward of [`threshold`]: `grad_input` gets the size of `input`; in place it becomes a view of `grad_output`.
///
/// # Errors
/// Sizes that differ.
pub fn threshold_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    f: Threshold<T>,
) -> Result<()> {
    let Threshold { threshold, inplace, .. } = f;
    check_gradient(grad_output, input)?;
    place_gradient(grad_input, grad_output, input, inplace)?;
    map::binary("threshold", grad_input, grad_output, input, |g: T, x: T| if x > threshold { g } else { T::ZERO })
}

/// LeakyReLU: `x` above 0, else `slope x`.
///
/// # Errors
/// Not enough memory.
pub fn leaky<T: Float>(input: &Tensor, output: &Tensor, f: LeakyReLU<T>) -> Result<()> {
    let LeakyReLU { slope, inplace } = f;
    place(output, input, inplace)?;
    map::unary("leaky", output, input, 1, |x: T| if x > T::ZERO { x } else { x.mul(slope) })
}

/// Backward of [`leaky`].
///
/// # Errors
/// Sizes that differ.
pub fn leaky_grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, f: LeakyReLU<T>) -> Result<()> {
    let LeakyReLU { slope, inplace } = f;
    check_gradient(grad_output, input)?;
    place_gradient(grad_input, grad_output, input, inplace)?;
    map::binary("leaky", grad_input, grad_output, input, |g: T, x: T| if x > T::ZERO { g } else { g.mul(slope) })
}

/// ELU: `x` above 0, else `alpha (exp(x) - 1)`.
///
/// # Errors
/// Not enough memory.
pub fn elu<T: Float>(input: &Tensor, output: &Tensor, f: ELU<T>) -> Result<()> {
    let ELU { alpha, inplace } = f;
    place(output, input, inplace)?;
    let f = maths!(|m, x: T| if x <= T::ZERO { x.vexp(m).sub(T::ONE).mul(alpha) } else { x });
    map::unary("elu", output, input, 16, f)
}

/// Backward of [`elu`], from its output.
///
/// # Errors
/// Sizes that differ.
pub fn elu_grad<T: Float>(
    _input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    output: &Tensor,
    f: ELU<T>,
) -> Result<()> {
    let ELU { alpha, inplace } = f;
    check_gradient(grad_output, output)?;
    place_gradient(grad_input, grad_output, output, inplace)?;
    let f = |g: T, y: T| if y <= T::ZERO { g.mul(y.add(alpha)) } else { g };
    map::binary("elu", grad_input, grad_output, output, f)
}

/// HardTanh: clamps to `low..high`; nan becomes `high`.
///
/// # Errors
/// Not enough memory.
pub fn hard_tanh<T: Float>(input: &Tensor, output: &Tensor, f: HardTanh<T>) -> Result<()> {
    let HardTanh { low, high, inplace } = f;
    place(output, input, inplace)?;
    let f = |x: T| {
        if x < low {
            low
        } else if x <= high {
            x
        } else {
            high
        }
    };
    map::unary("hard_tanh", output, input, 1, f)
}

/// Backward of [`hard_tanh`]: nothing passes at the bounds and outside.
///
/// # Errors
/// Sizes that differ.
pub fn hard_tanh_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    f: HardTanh<T>,
) -> Result<()> {
    let HardTanh { low, high, inplace } = f;
    check_gradient(grad_output, input)?;
    place_gradient(grad_input, grad_output, input, inplace)?;
    let f = |g: T, x: T| if x <= low || x >= high { T::ZERO } else { g };
    map::binary("hard_tanh", grad_input, grad_output, input, f)
}
