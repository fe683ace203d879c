//! Between pairs of vectors, (D) or (N x D) each.

use crate::demand;
use crate::nn::vectors::{powers, sum_of, sum_of_powers};
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Rows, Source, Workspace, share, share_rows};
use crate::tensor::check;
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::random::Generator;
use crate::tensor::simd::vectorize;
use std::cell::RefCell;

/// Elements that are looked at together, whether any needs a draw.
const BLOCK: usize = 1024;

/// Two inputs of one size, as rows.
struct Pairs<T> {
    x: Source<T>,
    y: Source<T>,
    rows: usize,
    features: usize,
}

impl<T: Float> Pairs<T> {
    fn of(x: &Tensor, y: &Tensor) -> Result<Pairs<T>> {
        check::ranks("input[1]", x, 1..=2)?;
        check::same_size("input[1]", x, "input[2]", y)?;
        let features = x.size(x.ndim() - 1);
        let rows = if x.ndim() == 2 { x.size(0) } else { 1 };
        Ok(Pairs { x: Source::of(x)?, y: Source::of(y)?, rows, features })
    }

    fn row(&self, i: usize) -> [&[T]; 2] {
        [&self.x, &self.y].map(|v| &v[i * self.features..][..self.features])
    }

    /// Writes what `f` makes of each pair.
    fn each(&self, output: &Tensor, f: impl Fn([&[T]; 2]) -> T + Sync) -> Result<()> {
        let mut result = Dest::<T>::new(output, &[self.rows])?;
        share_rows(&mut result, 1, self.features * 2, |first, part| {
            (first..).zip(part).for_each(|(i, r)| {
                let pair = self.row(i);
                *r = vectorize(
                    #[inline(always)]
                    || f(pair),
                );
            });
        });
        Ok(())
    }

    /// The gradients of both inputs: `f(pair, row, gradient of its result, gradients of the pair)`.
    fn gradients(
        &self,
        [grad_output, x, y, grad_x, grad_y]: [&Tensor; 5],
        f: impl Fn([&[T]; 2], usize, T, [&mut [T]; 2]) + Sync,
    ) -> Result<()> {
        check::count("gradOutput", grad_output, self.rows)?;
        let g = Source::<T>::of(grad_output)?;
        let (mut gx, mut gy) = (Dest::<T>::like(grad_x, x)?, Dest::<T>::like(grad_y, y)?);
        let all = (Rows::new(&mut gx, self.features), Rows::new(&mut gy, self.features));
        share(all, self.features * 4, |first, (gx, gy)| {
            for (i, (gx, gy)) in (first..).zip(gx.into_rows().zip(gy.into_rows())) {
                let pair = self.row(i);
                vectorize(
                    #[inline(always)]
                    || f(pair, i, g[i], [gx, gy]),
                );
            }
        });
        Ok(())
    }
}

/// The product of each pair, (N).
///
/// # Errors
/// Inputs of other sizes than one another, or of more than two dimensions.
pub fn dot<T: Float>(x: &Tensor, y: &Tensor, output: &Tensor) -> Result<()> {
    Pairs::<T>::of(x, y)?.each(output, |pair| sum_of(pair, |[x, y]| x.mul(y)))
}

/// Backward of [`dot`].
///
/// # Errors
/// Sizes that do not fit.
pub fn dot_grad<T: Float>(
    x: &Tensor,
    y: &Tensor,
    grad_output: &Tensor,
    grad_x: &Tensor,
    grad_y: &Tensor,
) -> Result<()> {
    Pairs::<T>::of(x, y)?.gradients([grad_output, x, y, grad_x, grad_y], |[x, y], _, g, [gx, gy]| {
        gx.iter_mut().zip(y).for_each(|(r, &y)| *r = y.mul(g));
        gy.iter_mut().zip(x).for_each(|(r, &x)| *r = x.mul(g));
    })
}

/// The product of a pair, and `1 / |x|^2` and `1 / |y|^2`, with a small number added to what is divided by.
#[inline(always)]
fn angle<T: Float>([x, y]: [&[T]; 2]) -> [T; 3] {
    let inverse = |v: &[T]| T::ONE.over(sum_of([v], |[v]| v.mul(v)).add(T::from_f64(1e-12)));
    [sum_of([x, y], |[x, y]| x.mul(y)), inverse(x), inverse(y)]
}

/// The cosine of the angle of each pair, (N).
///
/// # Errors
/// Inputs of other sizes than one another, or of more than two dimensions.
pub fn cosine<T: Float>(x: &Tensor, y: &Tensor, output: &Tensor) -> Result<()> {
    Pairs::<T>::of(x, y)?.each(output, |pair| {
        let [product, x, y] = angle(pair);
        product.mul(x.mul(y).root())
    })
}

/// Backward of [`cosine`].
///
/// # Errors
/// Sizes that do not fit.
pub fn cosine_grad<T: Float>(
    x: &Tensor,
    y: &Tensor,
    grad_output: &Tensor,
    grad_x: &Tensor,
    grad_y: &Tensor,
) -> Result<()> {
    Pairs::<T>::of(x, y)?.gradients([grad_output, x, y, grad_x, grad_y], |pair, _, g, [gx, gy]| {
        let ([x, y], [product, of_x, of_y]) = (pair, angle(pair));
        let across = of_x.mul(of_y).root().mul(g);
        let (along_x, along_y) = (product.mul(of_x).mul(across), product.mul(of_y).mul(across));
        let values = gx.iter_mut().zip(gy).zip(x.iter().zip(y));
        values.for_each(|((gx, gy), (&x, &y))| {
            *gx = y.mul(across).sub(x.mul(along_x));
            *gy = x.mul(across).sub(y.mul(along_y));
        });
    })
}

/// The p-norm of the difference of each pair, (N).
///
/// # Errors
/// Inputs of other sizes than one another, or of more than two dimensions.
pub fn pairwise<T: Float>(x: &Tensor, y: &Tensor, output: &Tensor, p: f64) -> Result<()> {
    let pairs = Pairs::<T>::of(x, y)?;
    if p == 2.0 {
        return pairs.each(output, |pair| {
            sum_of(pair, |[x, y]| {
                let d = x.sub(y);
                d.mul(d)
            })
            .root()
        });
    }
    if p == 1.0 {
        return pairs.each(output, |pair| sum_of(pair, |[x, y]| x.sub(y).abs()));
    }
    if p == 0.0 {
        return pairs.each(output, |pair| sum_of(pair, |[x, y]| if x == y { T::ZERO } else { T::ONE }));
    }
    let (power, inverse) = (T::from_f64(p), T::from_f64(1.0 / p));
    pairs.each(output, |pair| sum_of_powers(pair, |[x, y]| x.sub(y).abs(), power).pow(inverse))
}

/// Backward of [`pairwise`]: d |d|^(p-2) / |d|_p^(p-1), for p = 1 the sign, which is drawn where there is none.
///
/// # Errors
/// Sizes that do not fit, a backward before the first forward.
#[allow(clippy::too_many_arguments)]
pub fn pairwise_grad<T: Float>(
    x: &Tensor,
    y: &Tensor,
    grad_output: &Tensor,
    grad_x: &Tensor,
    grad_y: &Tensor,
    generator: &RefCell<Generator>,
    output: &Tensor,
    p: f64,
) -> Result<()> {
    let pairs = Pairs::<T>::of(x, y)?;
    let tensors = [grad_output, x, y, grad_x, grad_y];
    if p == 1.0 {
        let mut signs = Workspace::<T>::new(pairs.x.len())?;
        let mut draws = generator.borrow_mut();
        for ((signs, x), y) in signs.chunks_mut(BLOCK).zip(pairs.x.chunks(BLOCK)).zip(pairs.y.chunks(BLOCK)) {
            let none = vectorize(
                #[inline(always)]
                || {
                    signs.iter_mut().zip(x.iter().zip(y)).fold(false, |none, (sign, (x, y))| {
                        let d = x.sub(*y);
                        *sign = if d > T::ZERO { T::ONE } else { T::ONE.neg() };
                        none | !((d > T::ZERO) | (d < T::ZERO))
                    })
                },
            );
            if !none {
                continue;
            }
            for (sign, (x, y)) in signs.iter_mut().zip(x.iter().zip(y)) {
                let d = x.sub(*y);
                if !((d > T::ZERO) | (d < T::ZERO)) && draws.random_to(2)? == 2 {
                    *sign = T::ONE;
                }
            }
        }
        return pairs.gradients(tensors, |_, i, g, [gx, gy]| {
            let signs = &signs[i * pairs.features..][..pairs.features];
            gx.iter_mut().zip(gy).zip(signs).for_each(|((gx, gy), &sign)| {
                *gx = sign.mul(g);
                *gy = gx.neg();
            });
        });
    }
    demand!(output.numel() == pairs.rows, "forward comes before backward, with the same input");
    let norms = Source::<T>::of(output)?;
    let (power, small) = (T::from_f64(p - 2.0), T::from_f64(1e-6));
    pairs.gradients(tensors, |[x, y], i, g, [gx, gy]| {
        let by = norms[i].add(small).pow(T::from_f64(1.0 - p)).mul(g);
        if p == 2.0 {
            let all = gx.iter_mut().zip(gy).zip(x.iter().zip(y));
            return all.for_each(|((gx, gy), (x, y))| {
                *gx = x.sub(*y).mul(by);
                *gy = gx.neg();
            });
        }
        let size = |[x, y]: [T; 2]| if p < 2.0 && x == y { T::ONE } else { x.sub(y).abs() };
        powers([x, y], size, power, |at, part| {
            let all = gx[at..].iter_mut().zip(&mut gy[at..]).zip(x[at..].iter().zip(&y[at..]));
            for (((gx, gy), (x, y)), power) in all.zip(part) {
                *gx = x.sub(*y).mul(*power).mul(by);
                *gy = gx.neg();
            }
        });
    })
}
