//! SoftMax, SoftMin and LogSoftMax: over dimension 1 of 1D and 3D inputs, over dimension 2 of 2D and 4D inputs.

use super::target;
use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::map::{Ptr, same_count};
use crate::tensor::ops::copy::contiguous;
use crate::tensor::simd::vectorize_maths;
use crate::tensor::threads;
use crate::tensor::vmath::{Arith, Fused, Plain};

/// How the values that are normalised together lie: `n` of them `step` apart, in `outer * step` groups.
#[derive(Clone, Copy)]
struct Groups {
    outer: usize,
    n: usize,
    step: usize,
}

fn groups(x: &Tensor) -> Result<Groups> {
    demand!((1..=4).contains(&x.ndim()), "1D, 2D, 3D or 4D tensor expected, got {}", x.shape_text());
    let d = (x.ndim() + 1) % 2;
    let l = x.layout();
    let outer = l.sizes()[..d].iter().product();
    Ok(Groups { outer, n: l.sizes()[d], step: l.sizes()[d + 1..].iter().product() })
}

impl Groups {
    /// Calls `f(first)` with the position of each group's first value, on several threads.
    fn each(&self, f: impl Fn(usize) + Sync) {
        threads::split(self.outer * self.step, self.n * 16, |start, count| {
            for i in start..start + count {
                f(i / self.step * self.n * self.step + i % self.step);
            }
        });
    }
}

/// Which of the family.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Max,
    Min,
    LogMax,
}

impl Kind {
    /// What the input is multiplied with.
    fn sign<T: Float>(self) -> T {
        if self == Kind::Min { T::ONE.neg() } else { T::ONE }
    }
}

/// Forward of all: `output` of the input's size.
///
/// # Errors
/// A number of dimensions other than 1 to 4.
fn normalise<T: Float>(input: &Tensor, output: &Tensor, kind: Kind) -> Result<()> {
    let (g, log, sign) = (groups(input)?, kind == Kind::LogMax, kind.sign::<T>());
    let x = contiguous(input)?;
    let y = Ptr(target::<T>(output, input.layout().sizes())?);
    let x = Ptr(x.view::<T>()?.ptr);
    let apart = (x.0 as usize).abs_diff(y.0 as usize) >= g.outer * g.n * g.step * size_of::<T>();
    g.each(|first| {
        if g.step == 1 && apart {
            return vectorize_maths(
                #[inline(always)]
                move || normalise_row(Plain, x.at(first), y.at(first), g.n, log, sign),
                #[inline(always)]
                move || normalise_row(Fused, x.at(first), y.at(first), g.n, log, sign),
            );
        }
        // `move`: what a closure holds by reference is loaded again after each store
        vectorize_maths(
            #[inline(always)]
            move || normalise_apart(Plain, x.at(first), y.at(first), g, log, sign),
            #[inline(always)]
            move || normalise_apart(Fused, x.at(first), y.at(first), g, log, sign),
        );
    });
    Ok(())
}

/// [`normalise`] of a group from its first value on; both may be the same.
#[inline(always)]
fn normalise_apart<T: Float, M: Arith>(m: M, x: *const T, y: *mut T, g: Groups, log: bool, sign: T) {
    let at = |i: usize| i * g.step;
    // SAFETY: all positions of a group lie inside both tensors, and no two groups share one.
    unsafe {
        let value = |i: usize| (*x.add(at(i))).mul(sign);
        let top = (0..g.n).map(value).fold(T::LOWEST, |m, v| if v > m { v } else { m });
        let mut sum = 0.0;
        for i in 0..g.n {
            let e = value(i).sub(top).vexp(m);
            sum += e.to_f64();
            if !log {
                *y.add(at(i)) = e;
            }
        }
        if log {
            let total = top.add(T::from_f64(sum.ln()));
            (0..g.n).for_each(|i| *y.add(at(i)) = value(i).sub(total));
        } else {
            let by = T::from_f64(1.0 / sum);
            (0..g.n).for_each(|i| *y.add(at(i)) = (*y.add(at(i))).mul(by));
        }
    }
}

/// How many partial results a fold over a row keeps, so that it vectorises.
const LANES: usize = 16;

/// A fold over `0..n` in partial results, of which each takes every sixteenth.
#[inline(always)]
fn lanes<S: Copy>(n: usize, start: S, f: impl Fn(S, usize) -> S) -> [S; LANES] {
    let mut all = [start; LANES];
    let whole = n - n % LANES;
    for i in (0..whole).step_by(LANES) {
        all.iter_mut().enumerate().for_each(|(k, s)| *s = f(*s, i + k));
    }
    (whole..n).zip(&mut all).for_each(|(i, s)| *s = f(*s, i));
    all
}

/// [`normalise`] of values that lie one after another: loops that vectorise. The result holds the exponentials meanwhile.
#[inline(always)]
fn normalise_row<T: Float, M: Arith>(m: M, x: *const T, y: *mut T, n: usize, log: bool, sign: T) {
    // SAFETY: the group's values lie one after another inside both tensors, which do not overlap.
    let (x, y) = unsafe { (std::slice::from_raw_parts(x, n), std::slice::from_raw_parts_mut(y, n)) };
    let larger = |m: T, v: T| if v > m { v } else { m };
    // SAFETY: `i` is below `n`.
    let tops = lanes(n, T::LOWEST, |m, i| larger(m, unsafe { *x.as_ptr().add(i) }.mul(sign)));
    let top = tops.into_iter().fold(T::LOWEST, larger);
    y.iter_mut().zip(x).for_each(|(y, x)| *y = x.mul(sign).sub(top).vexp(m));
    // SAFETY: as above.
    let sums = lanes(n, 0.0, |s, i| s + unsafe { *y.as_ptr().add(i) }.to_f64());
    let sum: f64 = sums.iter().sum();
    if log {
        let total = top.add(T::from_f64(sum.ln()));
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x.mul(sign).sub(total));
    } else {
        let by = T::from_f64(1.0 / sum);
        y.iter_mut().for_each(|y| *y = y.mul(by));
    }
}

fn backward<T: Float>(grad_output: &Tensor, grad_input: &Tensor, output: &Tensor, kind: Kind) -> Result<()> {
    same_count("SoftMax", grad_output, output)?;
    let g = groups(output)?;
    let (go, y) = (contiguous(grad_output)?, contiguous(output)?);
    let r = Ptr(target::<T>(grad_input, output.layout().sizes())?);
    let (go, y) = (Ptr(go.view::<T>()?.ptr), Ptr(y.view::<T>()?.ptr));
    g.each(|first| {
        let (r, go, y) = (r.at(first), go.at(first), y.at(first));
        vectorize_maths(
            #[inline(always)]
            move || backward_group(Plain, r, go, y, g, kind),
            #[inline(always)]
            move || backward_group(Fused, r, go, y, g, kind),
        );
    });
    Ok(())
}

/// [`backward`] of a group from its first values on.
#[inline(always)]
fn backward_group<T: Float, M: Arith>(m: M, r: *mut T, go: *const T, y: *const T, g: Groups, kind: Kind) {
    let (log, sign) = (kind == Kind::LogMax, kind.sign::<T>());
    let at = |i: usize| i * g.step;
    // SAFETY: as in `normalise_apart`.
    unsafe {
        let weigh = |i: usize| {
            if log { (*go.add(at(i))).to_f64() } else { (*go.add(at(i))).to_f64() * (*y.add(at(i))).to_f64() }
        };
        let sum = T::from_f64(lanes(g.n, 0.0, |s, i| s + weigh(i)).iter().sum());
        if log && g.step == 1 {
            return (0..g.n).for_each(|i| *r.add(i) = (*go.add(i)).sub((*y.add(i)).vexp(m).mul(sum)));
        }
        for i in 0..g.n {
            let (d, v) = (*go.add(at(i)), *y.add(at(i)));
            *r.add(at(i)) = if log { d.sub(v.vexp(m).mul(sum)) } else { v.mul(d.sub(sum)).mul(sign) };
        }
    }
}

/// One line per class: its kernels.
macro_rules! family {
    ($($class:literal $name:ident $grad:ident $kind:ident;)*) => { $(
        #[doc = concat!("Forward of ", $class, ".\n\n# Errors\nA number of dimensions other than 1 to 4.")]
        pub fn $name<T: Float>(input: &Tensor, output: &Tensor) -> Result<()> {
            normalise::<T>(input, output, Kind::$kind)
        }
        #[doc = concat!("Backward of ", $class, ", from its output.\n\n# Errors\nSizes that differ.")]
        pub fn $grad<T: Float>(_input: &Tensor, grad_output: &Tensor, grad_input: &Tensor, output: &Tensor) -> Result<()> {
            backward::<T>(grad_output, grad_input, output, Kind::$kind)
        }
    )* };
}
family! {
    "nn.SoftMax" softmax softmax_grad Max;
    "nn.SoftMin" softmin softmin_grad Min;
    "nn.LogSoftMax" log_softmax log_softmax_grad LogMax;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::dtype::DType;

    #[test]
    fn a_transposed_matrix_is_normalised_by_rows() {
        let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        x.resize(&[2, 3]).unwrap();
        let xt = x.with_layout(x.layout().transpose(0, 1).unwrap());
        let y = Tensor::empty(DType::Double);
        softmax::<f64>(&xt, &y).unwrap();
        let v = y.to_vec::<f64>().unwrap();
        let want = 1.0 / (1.0 + 3f64.exp());
        assert!(v.chunks(2).all(|r| (r[0] - want).abs() < 1e-12 && (r[0] + r[1] - 1.0).abs() < 1e-12));
    }
}
