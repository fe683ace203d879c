//! Borders that repeat or reflect the input. Input: planes (C x H x W), with frames (C x T x H x W), or a batch of either.

use super::positions::Positions;
use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;

fields! {
    /// How many rows and columns come to planes; negative numbers take as many away.
    pub struct Planes {
        /// Columns on the left.
        left: i64 = ".pad_l:long",
        /// Columns on the right.
        right: i64 = ".pad_r:long",
        /// Rows above.
        top: i64 = ".pad_t:long",
        /// Rows below.
        bottom: i64 = ".pad_b:long",
    }
}
fields! {
    /// How many frames, rows and columns come to volumes; negative numbers take as many away.
    pub struct Volumes {
        /// Columns on the left.
        left: i64 = ".pleft:long",
        /// Columns on the right.
        right: i64 = ".pright:long",
        /// Rows above.
        top: i64 = ".ptop:long",
        /// Rows below.
        bottom: i64 = ".pbottom:long",
        /// Frames before.
        front: i64 = ".pfront:long",
        /// Frames after.
        back: i64 = ".pback:long",
    }
}

impl Planes {
    /// Before and after: rows, columns.
    fn sides(self) -> [[i64; 2]; 2] {
        [[self.top, self.bottom], [self.left, self.right]]
    }
}
impl Volumes {
    /// Before and after: frames, rows, columns.
    fn sides(self) -> [[i64; 2]; 3] {
        [[self.front, self.back], [self.top, self.bottom], [self.left, self.right]]
    }
}

/// What lies `k` before (negative) or behind the first of `n` positions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Border {
    /// The nearest one.
    Replication,
    /// The one as far on the other side of the first or last.
    Reflection,
}

impl Border {
    fn position(self, k: i64, n: i64) -> i64 {
        match self {
            Border::Replication => k.clamp(0, n - 1),
            Border::Reflection if k < 0 => -k,
            Border::Reflection if k >= n => 2 * (n - 1) - k,
            Border::Reflection => k,
        }
    }
}

fn positions(input: &Tensor, sides: &[[i64; 2]], border: Border) -> Result<Positions> {
    let size = |i: usize, n: usize| {
        let [before, after] = sides[i];
        let fits = |v: i64| v.unsigned_abs() < 1 << 31;
        demand!(fits(before) && fits(after), "padding too large: {before} and {after}");
        let output = n as i64 + before + after;
        demand!(
            output > 0,
            "input {} is too small: padding {before} and {after} leaves {output} of {n}",
            input.shape_text()
        );
        demand!(
            border == Border::Replication || before < n as i64 && after < n as i64,
            "padding {before} and {after} reflects more than there is: expected less than the input's size {n}"
        );
        Ok(output as usize)
    };
    Positions::new(input, sides.len(), size, |i, n, o| border.position(o as i64 - sides[i][0], n as i64) as usize)
}

macro_rules! kernels {
    ($($name:ident $grad:ident $fields:ident $border:ident;)*) => { $(
        /// The input with its borders.
        ///
        /// # Errors
        /// Sizes that do not fit.
        pub fn $name<T: Float>(input: &Tensor, output: &Tensor, fields: $fields) -> Result<()> {
            positions(input, &fields.sides(), Border::$border)?.forward::<T>(input, output)
        }

        #[doc = concat!("Backward of [`", stringify!($name), "`].")]
        ///
        /// # Errors
        /// Sizes that do not fit.
        pub fn $grad<T: Float>(
            input: &Tensor,
            grad_output: &Tensor,
            grad_input: &Tensor,
            fields: $fields,
        ) -> Result<()> {
            positions(input, &fields.sides(), Border::$border)?.backward::<T>(input, grad_output, grad_input)
        }
    )* };
}
kernels! {
    reflection reflection_grad Planes Reflection;
    replication replication_grad Planes Replication;
    volumetric_replication volumetric_replication_grad Volumes Replication;
}
