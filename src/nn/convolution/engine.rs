//! Convolutions in one to three dimensions, and what is made of them: their gradients, and transposed convolutions, whose
//! passes are those of a convolution in another order.
//!
//! Samples are planes without gaps, a batch is one sample after another, weights are a matrix with a row for each output
//! plane. All of it are products of views ([`crate::tensor::product`]); each result's sum runs in an order that depends on
//! the sizes alone, so results do not depend on the number of threads.

use super::correlation::Correlation;
use super::gradient::{Fold, residues};
use super::kept::Kept;
use super::unfold::Geometry;
use super::weight::WeightGradient;
use super::winograd::Winograd;
use crate::tensor::access::{MatrixMut, share};
use crate::tensor::error::Result;
use crate::tensor::ops::blas::{Blas, total};
use crate::tensor::product::{Multiply, Windows};

/// Input planes from which the gradient of the input fills vectors of planes.
const MANY_PLANES: usize = 16;

/// Output planes up to which a fold has more to add up than to multiply, and columns that fill vectors instead.
const FEW_OUTPUTS: usize = 4;
const LONG_ROW: usize = 16;

/// Residues of input positions by the stride beyond which each has too few for a product of its own.
const MANY_RESIDUES: usize = 16;

/// A convolution of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Sizes of a sample.
    pub geometry: Geometry,
    /// Number of output planes.
    pub out: usize,
}

/// How the gradient of the input is computed.
pub enum InputGradient {
    /// As a correlation.
    Correlation(Correlation),
    /// As a fold.
    Fold(Fold),
}

impl Plan {
    /// Convolves: `y` (batch x out x pixels) from `x` (batch x planes x positions) and `w` (out x rows). An empty bias is none.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn forward<T: Multiply>(&self, x: &[T], w: &[T], bias: &[T], y: &mut [T]) -> Result<()> {
        if let Some(fast) = Winograd::of::<T>(&self.geometry, self.out)
            && fast.forward(x, w, bias, y)?
        {
            return Ok(());
        }
        self.correlation()?.run(x, w, bias, y)
    }

    /// As [`Plan::forward`], with what was kept of the weights; whether it was done.
    ///
    /// # Errors
    /// Not enough memory.
    ///
    /// # Panics
    /// What was kept of other weights.
    pub fn forward_kept<T: Multiply>(&self, x: &[T], kept: &Kept<T>, bias: &[T], y: &mut [T]) -> Result<bool> {
        match kept {
            Kept::Squares(s) => match Winograd::of::<T>(&self.geometry, self.out) {
                Some(fast) => fast.correlate(x, Windows::Squares(s), bias, y),
                None => Ok(false),
            },
            Kept::Weights(w) => self.correlation()?.run_kept(x, w, bias, y).map(|()| true),
        }
    }

    /// What [`Plan::forward`] does, for any number of calls.
    ///
    /// # Errors
    /// Frames that are too large.
    pub fn correlation(&self) -> Result<Correlation> {
        Correlation::forward(&self.geometry, self.out)
    }

    /// The gradient of the input: `gi` (batch x planes x positions) from `go` (batch x out x pixels). Every plane starts
    /// from its `bias`, or from 0: so this is the transposed convolution as well.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn transposed<T: Multiply>(&self, go: &[T], w: &[T], bias: &[T], gi: &mut [T]) -> Result<()> {
        if let Some(fast) = Winograd::of::<T>(&self.geometry, self.out)
            && fast.transposed(go, w, bias, gi)?
        {
            return Ok(());
        }
        match self.input_gradient()? {
            InputGradient::Correlation(c) => c.run(go, w, bias, gi),
            InputGradient::Fold(f) => f.run(go, w, bias, gi),
        }
    }

    /// What [`Plan::transposed`] does, for any number of calls.
    ///
    /// # Errors
    /// Frames that are too large.
    pub fn input_gradient(&self) -> Result<InputGradient> {
        let g = &self.geometry;
        let classes: usize = residues(g).iter().product();
        let fold = if classes == 1 {
            g.planes < MANY_PLANES && (self.out > FEW_OUTPUTS || g.input()[2] < LONG_ROW)
        } else {
            classes > MANY_RESIDUES
        };
        Ok(match fold {
            true => InputGradient::Fold(Fold::new(*g, self.out)?),
            false => InputGradient::Correlation(Correlation::gradient(g, self.out)?),
        })
    }

    /// Adds `scale` times the gradient of the weights to `gw` (out x rows).
    ///
    /// # Errors
    /// Not enough memory.
    pub fn weight_gradient<T: Multiply>(&self, x: &[T], go: &[T], scale: T, gw: &mut [T]) -> Result<()> {
        if let Some(fast) = Winograd::of::<T>(&self.geometry, self.out)
            && fast.weight_gradient(x, go, scale, gw)?
        {
            return Ok(());
        }
        self.weights()?.run(x, go, scale, gw)
    }

    /// What [`Plan::weight_gradient`] does, for any number of calls.
    ///
    /// # Errors
    /// Frames that are too large.
    pub fn weights(&self) -> Result<WeightGradient> {
        WeightGradient::new(self.geometry, self.out)
    }
}

impl InputGradient {
    /// Of one sample, on the calling thread. No bias is an empty one.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn sample<T: Multiply>(&self, go: &[T], w: &[T], bias: &[T], gi: &mut [T]) -> Result<()> {
        match self {
            InputGradient::Correlation(c) => c.sample(go, w, bias, gi),
            InputGradient::Fold(f) => f.sample(go, w, bias, gi),
        }
    }
}

/// Adds `scale` times the sum of each plane over the batch to `sums` (planes x 1); `go` is batch x planes x `len`.
pub fn plane_sums<T: Blas>(go: &[T], batch: usize, len: usize, scale: T, sums: MatrixMut<T>) {
    let planes = sums.rows();
    share(sums, batch.saturating_mul(len), |first, mut sums| {
        for o in 0..sums.rows() {
            let plane = |n: usize| &go[(n * planes + first + o) * len..][..len];
            let sum = (0..batch).fold(T::ZERO, |s, n| s.add(total(plane(n))));
            let r = sums.get_mut(o, 0);
            *r = r.add(scale.mul(sum));
        }
    });
}
