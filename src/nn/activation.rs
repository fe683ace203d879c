//! Activations: elementwise, input and output of any size.

use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::map;

/// One line per activation whose derivative follows from its output `y` and the gradient `g`.
macro_rules! of_output {
    ($($name:ident $grad:ident: |$x:ident| $f:expr, |$y:ident, $g:ident| $df:expr;)*) => { $(
        #[doc = concat!("Forward of ", stringify!($name), ": `output` gets the size of `input`.\n\n# Errors\nNot enough memory.")]
        pub fn $name<T: Float>(input: &Tensor, output: &Tensor) -> Result<()> {
            output.resize_as(input)?;
            map::unary(stringify!($name), output, input, 16, |$x: T| $f)
        }
        #[doc = concat!("Backward of ", stringify!($name), ": `grad_input` gets the size of `output`.\n\n# Errors\nSizes that differ.")]
        pub fn $grad<T: Float>(_input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, output: &Tensor) -> Result<()> {
            map::same_count(stringify!($grad), grad_output, output)?;
            grad_input.resize_as(output)?;
            map::binary(stringify!($grad), grad_input, output, grad_output, |$y: T, $g: T| $df)
        }
    )* };
}

/// One line per activation whose derivative follows from its input `x` and the gradient `g`.
macro_rules! of_input {
    ($($name:ident $grad:ident: |$x:ident| $f:expr, |$z:ident, $g:ident| $df:expr;)*) => { $(
        #[doc = concat!("Forward of ", stringify!($name), ": `output` gets the size of `input`.\n\n# Errors\nNot enough memory.")]
        pub fn $name<T: Float>(input: &Tensor, output: &Tensor) -> Result<()> {
            output.resize_as(input)?;
            map::unary(stringify!($name), output, input, 4, |$x: T| $f)
        }
        #[doc = concat!("Backward of ", stringify!($name), ": `grad_input` gets the size of `input`.\n\n# Errors\nSizes that differ.")]
        pub fn $grad<T: Float>(input: &Tensor, grad_output: &Tensor, grad_input: &Tensor) -> Result<()> {
            map::same_count(stringify!($grad), grad_output, input)?;
            grad_input.resize_as(input)?;
            map::binary(stringify!($grad), grad_input, input, grad_output, |$z: T, $g: T| $df)
        }
    )* };
}

#[inline(always)]
fn ratio<T: Float>(a: T, b: T) -> T {
    a.div(b).unwrap_or(T::ZERO)
}

#[inline(always)]
fn exp_neg<T: Float>(x: T) -> T {
    x.neg().vexp()
}

of_output! {
    tanh tanh_grad: |x| x.vtanh(), |y, g| g.mul(T::ONE.sub(y.mul(y)));
    sigmoid sigmoid_grad: |x| ratio(T::ONE, T::ONE.add(exp_neg(x))), |y, g| g.mul(T::ONE.sub(y)).mul(y);
    exp exp_grad: |x| x.vexp(), |y, g| g.mul(y);
    sqrt sqrt_grad: |x| x.via(f32::sqrt, f64::sqrt),
        |y, g| if y == T::ZERO { T::ZERO } else { ratio(g.mul(T::from_f64(0.5)), y) };
}

of_input! {
    abs abs_grad: |x| x.abs(), |x, g| if x < T::ZERO { g.neg() } else { g };
    log log_grad: |x| x.vlog(), |x, g| ratio(g, x);
    log_sigmoid log_sigmoid_grad: |x| T::ONE.add(exp_neg(x)).vlog().neg(),
        |x, g| { let z = exp_neg(x); ratio(g.mul(z), T::ONE.add(z)) };
    square square_grad: |x| x.mul(x), |x, g| g.mul(x).mul(T::from_f64(2.0));
    soft_sign soft_sign_grad: |x| ratio(x, T::ONE.add(x.abs())),
        |x, g| { let d = T::ONE.add(x.abs()); ratio(g, d.mul(d)) };
}

/// Threshold: keeps what is greater than `threshold`, anything else (nan too) becomes `val`. In place, `input` is
/// changed and `output` becomes a view of it.
///
/// # Errors
/// Not enough memory.
pub fn threshold<T: Float>(input: &Tensor, output: &Tensor, threshold: T, val: T, inplace: bool) -> Result<()> {
    if inplace {
        output.set(input)?
    } else {
        output.resize_as(input)?
    }
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
    threshold: T,
    inplace: bool,
) -> Result<()> {
    map::same_count("threshold", grad_output, input)?;
    if inplace {
        grad_input.set(grad_output)?
    } else {
        grad_input.resize_as(input)?
    }
    map::binary("threshold", grad_input, grad_output, input, |g: T, x: T| if x > threshold { g } else { T::ZERO })
}

/// LeakyReLU: `x` above 0, else `slope x`.
///
/// # Errors
/// Not enough memory.
pub fn leaky<T: Float>(input: &Tensor, output: &Tensor, slope: T, inplace: bool) -> Result<()> {
    if inplace {
        output.set(input)?
    } else {
        output.resize_as(input)?
    }
    map::unary("leaky", output, input, 1, |x: T| if x > T::ZERO { x } else { x.mul(slope) })
}

/// Backward of [`leaky`].
///
/// # Errors
/// Sizes that differ.
pub fn leaky_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: &Tensor,
    slope: T,
    inplace: bool,
) -> Result<()> {
    map::same_count("leaky", grad_output, input)?;
    if inplace {
        grad_input.set(grad_output)?
    } else {
        grad_input.resize_as(input)?
    }
    map::binary("leaky", grad_input, grad_output, input, |g: T, x: T| if x > T::ZERO { g } else { g.mul(slope) })
}

/// ELU: `x` above 0, else `alpha (exp(x) - 1)`.
///
/// # Errors
/// Not enough memory.
pub fn elu<T: Float>(input: &Tensor, output: &Tensor, alpha: T, inplace: bool) -> Result<()> {
    if inplace {
        output.set(input)?
    } else {
        output.resize_as(input)?
    }
    let f = |x: T| if x > T::ZERO { x } else { x.vexp().sub(T::ONE).mul(alpha) };
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
    alpha: T,
    inplace: bool,
) -> Result<()> {
    map::same_count("elu", grad_output, output)?;
    if inplace {
        grad_input.set(grad_output)?
    } else {
        grad_input.resize_as(output)?
    }
    let f = |g: T, y: T| if y > T::ZERO { g } else { g.mul(y.add(alpha)) };
    map::binary("elu", grad_input, grad_output, output, f)
}

/// HardTanh: clamps to `low..high`; nan becomes `high`.
///
/// # Errors
/// Not enough memory.
pub fn hard_tanh<T: Float>(input: &Tensor, output: &Tensor, low: T, high: T, inplace: bool) -> Result<()> {
    if inplace {
        output.set(input)?
    } else {
        output.resize_as(input)?
    }
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
    low: T,
    high: T,
    inplace: bool,
) -> Result<()> {
    map::same_count("hard_tanh", grad_output, input)?;
    if inplace {
        grad_input.set(grad_output)?
    } else {
        grad_input.resize_as(input)?
    }
    let f = |g: T, x: T| if x <= low || x >= high { T::ZERO } else { g };
    map::binary("hard_tanh", grad_input, grad_output, input, f)
}
