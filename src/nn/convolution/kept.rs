//! What convolutions make of their weights and keep between calls, as long as nobody gets at the weights: for a few positions
//! the weights take longer to prepare than to multiply by.

use super::correlation::{Sizes, Way, Weights};
use super::engine::Plan;
use super::winograd::Winograd;
use crate::tensor::Tensor;
use crate::tensor::access::{has_packed, note_use, packed};
use crate::tensor::error::Result;
use crate::tensor::product::{Multiply, Squares};
use std::rc::Rc;

/// Positions of an output, in all samples, up to which it pays.
const POSITIONS: usize = 1024;

/// The most elements that are kept of the weights of a convolution.
const LARGEST: usize = 1 << 22;

/// Prepared weights.
pub enum Kept<T: 'static> {
    /// Winograd's squares.
    Squares(Squares<T>),
    /// Those of a correlation.
    Weights(Weights<T>),
}

/// What is worth keeping.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Squares(Winograd),
    Weights(Way),
}

impl Form {
    /// Its number among all that is made of matrices: [`Repeated`](crate::tensor::product::Repeated) has 0 and 1.
    fn number(self) -> u8 {
        match self {
            Form::Squares(_) => 2,
            Form::Weights(Way::Planes) => 3,
            Form::Weights(_) => 4,
        }
    }
}

impl Plan {
    /// What of the weights is worth keeping for batches of a size.
    fn form<T: Multiply>(&self, batch: usize) -> Option<Form> {
        let g = &self.geometry;
        let weights = self.out.saturating_mul(g.rows());
        if weights > LARGEST || batch.saturating_mul(g.pixels()) > POSITIONS {
            return None;
        }
        if let Some(fast) = Winograd::of::<T>(g, self.out)
            && fast.is_worth(batch * g.input_len())
        {
            return (fast.squares_len::<T>() <= LARGEST).then_some(Form::Squares(fast));
        }
        Sizes::forward(g, self.out).lasting::<T>(batch).map(Form::Weights)
    }

    /// What is kept of the weights for batches of a size, where they were [noted](Plan::note_use) and nobody got at them since.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn kept<T: Multiply>(&self, weight: &Tensor, batch: usize) -> Result<Option<Rc<Kept<T>>>> {
        if !has_packed(weight) {
            return Ok(None);
        }
        let Some(form) = self.form::<T>(batch) else { return Ok(None) };
        packed(weight, form.number(), |w: &[T]| {
            Ok(match form {
                Form::Squares(fast) => Kept::Squares(fast.squares(w)?),
                Form::Weights(way) => Kept::Weights(self.correlation()?.prepared(w, way)?),
            })
        })
    }

    /// Notes that a convolution prepared its weights for one call.
    pub fn note_use<T: Multiply>(&self, weight: &Tensor, batch: usize) {
        if let Some(form) = self.form::<T>(batch) {
            note_use::<T>(weight, form.number());
        }
    }
}
