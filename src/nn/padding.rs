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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::gradient_tests::{empty, scattered, values};
    use crate::tensor::random::Generator;

    /// Where an output position comes from, step by step from the border.
    fn walk(border: Border, mut k: i64, n: i64) -> i64 {
        let (mut at, mut step) = (0, k.signum());
        while k != 0 {
            let next = at + step;
            if next < 0 || next >= n {
                step = if border == Border::Reflection { -step } else { 0 };
            }
            at += step;
            k -= k.signum();
        }
        at
    }

    #[test]
    fn borders_equal_plain_loops() {
        let mut draw = Generator::with_seed(5);
        let mut from = |a: i64, b: i64| a + (draw.uniform01() * (b - a + 1) as f64) as i64;
        for round in 0..200 {
            let border = [Border::Replication, Border::Reflection][round % 2];
            let n = [from(2, 5), from(2, 5)];
            let sides = n.map(|n| [from(-1, n), from(-1, n)]);
            let x = scattered((2 * n[0] * n[1]) as usize, &[2, n[0] as usize, n[1] as usize]);
            let out = [0, 1].map(|i| n[i] + sides[i][0] + sides[i][1]);
            let made = positions(&x, &sides, border);
            let outside = border == Border::Reflection && (0..2).any(|i| sides[i].contains(&n[i]));
            if outside || out.iter().any(|&o| o < 1) {
                assert!(made.is_err());
                continue;
            }
            let (made, y, gi) = (made.unwrap(), empty(), empty());
            made.forward::<f64>(&x, &y).unwrap();
            made.backward::<f64>(&x, &y, &gi).unwrap();
            let (xv, yv, mut want) = (values(&x), values(&y), vec![0.0; x.numel()]);
            assert_eq!(yv.len() as i64, 2 * out[0] * out[1]);
            for (o, y) in yv.iter().enumerate() {
                let o = o as i64;
                let at = [o / out[1] % out[0], o % out[1]];
                let [r, c] = [0, 1].map(|i| walk(border, at[i] - sides[i][0], n[i]));
                let i = ((o / out[1] / out[0] * n[0] + r) * n[1] + c) as usize;
                assert_eq!(*y, xv[i]);
                want[i] += y;
            }
            assert!(values(&gi).iter().zip(&want).all(|(r, w)| (r - w).abs() < 1e-12));
            assert!(made.backward::<f64>(&x, &scattered(2, &[2]), &gi).is_err());
        }
    }
}
