//! Vectors by their p-norm, (sum |x|^p + eps)^(1/p), or by their largest absolute value: input (D) or (N x D).

use crate::nn::vectors::{self, LANES, sum_of, sum_of_powers};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::simd::vectorize;
use crate::{demand, fields};

fields! {
    /// Which norm.
    pub struct Norm {
        /// Its power; infinity for the largest absolute value.
        p: f64 = ".p:num",
        /// Added to the sum, or to the largest.
        eps: f64 = ".eps:num",
    }
}

/// Vectors and elements of each.
fn sizes(input: &Tensor) -> Result<[usize; 2]> {
    check::ranks("input", input, 1..=2)?;
    check::has_elements("input", input)?;
    Ok([if input.ndim() == 2 { input.size(0) } else { 1 }, input.size(input.ndim() - 1)])
}

/// The place of the largest absolute value, the first of equal ones; a nan is larger than all.
#[inline(always)]
fn largest<T: Float>(x: &[T]) -> usize {
    let (whole, rest) = x.as_chunks::<LANES>();
    let larger = |m: T, v: T| if v > m { v } else { m };
    let (mut tops, mut none) = ([T::ZERO; LANES], [false; LANES]);
    for x in whole {
        for l in 0..LANES {
            tops[l] = larger(tops[l], x[l].abs());
            none[l] |= x[l].is_nan();
        }
    }
    let top = rest.iter().map(|v| v.abs()).chain(tops).fold(T::ZERO, larger);
    let nan = none.into_iter().chain(rest.iter().map(|v| v.is_nan())).any(|none| none);
    let found = |v: &T| if nan { v.is_nan() } else { v.abs() == top };
    // blocks first, which are looked at in vectors
    let block = x.chunks(BLOCK).position(|block| block.iter().fold(false, |any, v| any | found(v))).unwrap_or(0);
    let within = x[block * BLOCK..].iter().position(found).unwrap_or(0);
    block * BLOCK + within
}

/// Elements that are looked at together.
const BLOCK: usize = 64;

impl Norm {
    /// The norm of a vector, and its p-th power, which a gradient divides by.
    #[inline(always)]
    fn of<T: Float>(self, x: &[T]) -> [T; 2] {
        let eps = T::from_f64(self.eps);
        if self.p == f64::INFINITY {
            let norm = x[largest(x)].abs().add(eps);
            return [norm, norm];
        }
        let power = match self.p {
            2.0 => sum_of([x], |[v]| v.mul(v)),
            1.0 => sum_of([x], |[v]| v.abs()),
            p => sum_of_powers([x], |[v]| v.abs(), T::from_f64(p)),
        }
        .add(eps);
        [if self.p == 2.0 { power.root() } else { power.pow(T::from_f64(1.0 / self.p)) }, power]
    }
}

/// Divides vectors by their norms, which `norm` (N x 1) gets, and `normp` their p-th powers.
///
/// # Errors
/// Sizes that do not fit.
pub fn normalize<T: Float>(input: &Tensor, output: &Tensor, norm: &Tensor, normp: &Tensor, fields: Norm) -> Result<()> {
    let [n, d] = sizes(input)?;
    let x = Source::<T>::of(input)?;
    let mut y = Dest::<T>::like(output, input)?;
    let (mut norms, mut powers) = (Dest::<T>::new(norm, &[n, 1])?, Dest::<T>::new(normp, &[n, 1])?);
    let all = (Rows::new(&mut y, d), Rows::new(&mut norms, 1), Rows::new(&mut powers, 1));
    share(all, d * 3, |first, (y, norms, powers)| {
        let kept = norms.into_slice().iter_mut().zip(powers.into_slice());
        for (i, (y, (norm, power))) in (first..).zip(y.into_rows().zip(kept)) {
            let x = &x[i * d..][..d];
            [*norm, *power] = vectorize(
                #[inline(always)]
                || {
                    let found = fields.of(x);
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = x.over(found[0]));
                    found
                },
            );
        }
    });
    Ok(())
}

/// Backward of [`normalize`]: (g - d (x . g) / norm) / norm, where d is the derivative of the norm. Where x is 0 and p
/// below 2, `eps` stands for what would be infinite.
///
/// # Errors
/// Sizes that do not fit, norms of another input.
pub fn normalize_grad<T: Float>(
    input: &Tensor,
    grad_output: &Tensor,
    grad_input: Option<&Tensor>,
    norm: &Tensor,
    normp: &Tensor,
    fields: Norm,
) -> Result<()> {
    let Some(grad_input) = grad_input else { return Ok(()) };
    let [n, d] = sizes(input)?;
    check::same_size("gradOutput", grad_output, "input", input)?;
    demand!(norm.numel() == n && normp.numel() == n, "forward comes before backward, with the same input");
    let (x, g) = (Source::<T>::of(input)?, Source::<T>::of(grad_output)?);
    let (norms, powers) = (Source::<T>::of(norm)?, Source::<T>::of(normp)?);
    let mut r = Dest::<T>::like(grad_input, input)?;
    let (eps, power) = (T::from_f64(fields.eps), T::from_f64(fields.p - 2.0));
    share_rows(&mut r, d, d * 4, |first, rows| {
        for (i, row) in (first..).zip(rows.chunks_mut(d)) {
            let (x, g, norm) = (&x[i * d..][..d], &g[i * d..][..d], norms[i]);
            vectorize(
                #[inline(always)]
                || {
                    let product = sum_of([x, g], |[x, g]| x.mul(g));
                    if fields.p == f64::INFINITY {
                        row.iter_mut().zip(g).for_each(|(r, &g)| *r = g.over(norm));
                        let at = largest(x);
                        let sign = if x[at] > T::ZERO {
                            T::ONE
                        } else if x[at] < T::ZERO {
                            T::ONE.neg()
                        } else {
                            T::ZERO
                        };
                        row[at] = row[at].sub(sign.mul(product).over(norm).over(norm));
                        return;
                    }
                    let along = product.over(powers[i]);
                    let slope = |r: &mut T, g: T, d: T| *r = g.sub(d.mul(along)).over(norm);
                    if fields.p == 2.0 {
                        return row.iter_mut().zip(x).zip(g).for_each(|((r, &x), &g)| slope(r, g, x));
                    }
                    let size = |[x]: [T; 1]| if fields.p < 2.0 { x.abs().add(eps) } else { x.abs() };
                    vectors::powers([x], size, power, |at, part| {
                        let all = row[at..].iter_mut().zip(part).zip(x[at..].iter().zip(&g[at..]));
                        all.for_each(|((r, power), (&x, &g))| slope(r, g, power.mul(x)));
                    });
                },
            );
        }
    });
    Ok(())
}
