//! Filling tensors with random numbers, in logical order, draw for draw as Torch7 does.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::dtype::{DType, Element, Float, Real};
use crate::tensor::error::{Error, Result};
use crate::tensor::random::Generator;
use crate::tensor::storage::room;
use crate::tensor::walk::for_each_ptr;
use std::cell::RefCell;

/// Element `i` becomes the generator's next draw.
fn draw<T: Element>(x: &Tensor, g: &RefCell<Generator>, mut f: impl FnMut(&mut Generator) -> Result<T>) -> Result<()> {
    let g = &mut *g.borrow_mut();
    let mut failed = None;
    for_each_ptr(&x.view::<T>()?, |p| match f(g) {
        // SAFETY: the walk stays inside the view.
        Ok(v) => unsafe { p.write(v) },
        Err(e) => failed = Some(e),
    });
    failed.map_or(Ok(()), Err)
}

/// Draws in blocks, which `fill` makes one after another, and hands them out in logical order.
fn draw_blocks<T: Real>(
    x: &Tensor,
    g: &RefCell<Generator>,
    fill: impl Fn(&mut Generator, &mut [f64]) -> Result<()>,
) -> Result<()> {
    let g = &mut *g.borrow_mut();
    let mut buffer = [0.0; 1024];
    let (mut left, mut at, mut ready) = (x.numel(), 0, 0);
    if left > 0 {
        // a wrong parameter is told before anything is written
        fill(g, &mut [])?;
    }
    let mut failed = None;
    for_each_ptr(&x.view::<T>()?, |p| {
        if at == ready {
            (at, ready) = (0, left.min(buffer.len()));
            left -= ready;
            if let Err(e) = fill(g, &mut buffer[..ready]) {
                failed = Some(e);
            }
        }
        // SAFETY: the walk stays inside the view.
        unsafe { p.write(T::from_f64(buffer[at])) };
        at += 1;
    });
    failed.map_or(Ok(()), Err)
}

/// Uniform over a..b.
///
/// # Errors
/// A view outside its storage.
pub fn uniform<T: Real>(x: &Tensor, g: &RefCell<Generator>, a: f64, b: f64) -> Result<()> {
    draw_blocks::<T>(x, g, |g, out| {
        g.fill_uniform_between(out, a, b);
        Ok(())
    })
}

/// Normal.
///
/// # Errors
/// A standard deviation that is not positive.
pub fn normal<T: Real>(x: &Tensor, g: &RefCell<Generator>, mean: f64, std: f64) -> Result<()> {
    draw_blocks::<T>(x, g, |g, out| g.fill_normal(out, mean, std))
}

/// Defines a fill from a method of the generator that gives doubles.
macro_rules! fills {
    ($($(#[$doc:meta])* $name:ident($($p:ident),*) = |$g:ident| $draw:expr;)*) => { $(
        $(#[$doc])*
        ///
        /// # Errors
        /// Parameters outside the distribution's domain.
        pub fn $name<T: Real>(x: &Tensor, g: &RefCell<Generator>, $($p: f64),*) -> Result<()> {
            draw(x, g, |$g| Ok(T::from_f64($draw)))
        }
    )* };
}
fills! {
    /// Exponential with rate lambda.
    exponential(lambda) = |g| g.exponential(lambda);
    /// Cauchy.
    cauchy(median, sigma) = |g| g.cauchy(median, sigma);
    /// exp of a normal.
    log_normal(mean, std) = |g| g.log_normal(mean, std)?;
    /// Number of trials up to the first success.
    geometric(p) = |g| g.geometric(p)? as f64;
    /// 1 with probability p, else 0.
    bernoulli(p) = |g| f64::from(u8::from(g.bernoulli(p)?));
}

/// 1 with the probability that `p` has at the same place, else 0.
///
/// # Errors
/// Another number of elements, a probability outside 0..1.
pub fn bernoulli_of<T: Real, P: Float>(x: &Tensor, g: &RefCell<Generator>, p: &Tensor) -> Result<()> {
    crate::tensor::map::same_count("bernoulli", x, p)?;
    let p = p.to_vec::<P>()?;
    let mut i = 0;
    draw(x, g, |g| {
        let hit = g.bernoulli(p[i].to_f64())?;
        i += 1;
        Ok(if hit { T::ONE } else { T::ZERO })
    })
}

/// Whole numbers over the range that the type can hold exactly.
///
/// # Errors
/// None.
pub fn random<T: Real>(x: &Tensor, g: &RefCell<Generator>) -> Result<()> {
    let range: u64 = match T::DTYPE {
        DType::Byte => 256,
        DType::Char => 128,
        DType::Short => 1 << 15,
        DType::Int => 1 << 31,
        DType::Long => 1 << 63,
        DType::Float => (1 << 24) + 1,
        DType::Double | DType::Half => (1 << 53) + 1,
    };
    draw(x, g, |g| Ok(T::from_i64((u64::from(g.random()) % range) as i64)))
}

/// Whole numbers in a..=b.
///
/// # Errors
/// An empty range.
pub fn random_between<T: Real>(x: &Tensor, g: &RefCell<Generator>, a: i64, b: i64) -> Result<()> {
    // Torch7 adds the lower end as an unsigned number, which shows in fractions
    let unsigned = T::DTYPE.is_float();
    draw(x, g, |g| {
        let v = g.random_between(a, b)?;
        Ok(if unsigned && v < 0 { T::from_f64(v as u64 as f64) } else { T::from_i64(v) })
    })
}

/// A random order of 1..=n.
///
/// # Errors
/// n below 1.
pub fn randperm<T: Real>(res: &Tensor, g: &RefCell<Generator>, n: i64) -> Result<()> {
    let n = usize::try_from(n)
        .ok()
        .filter(|&n| n > 0)
        .ok_or_else(|| Error::invalid(format!("randperm: must be strictly positive, got {n}")))?;
    let order = g.borrow_mut().permutation(n)?;
    res.resize(&[n])?;
    let mut i = 0;
    for_each_ptr(&res.view::<T>()?, |p| {
        // SAFETY: the walk stays inside the view.
        unsafe { p.write(T::from_i64(order[i] as i64 + 1)) };
        i += 1;
    });
    Ok(())
}

/// Draws category numbers (from 1) by weight, per row of a matrix or from one vector.
///
/// # Errors
/// Weights that are negative or all 0, more draws than categories without replacement.
pub fn multinomial<T: Float>(res: &Tensor, g: &RefCell<Generator>, p: &Tensor, n: i64, replace: bool) -> Result<()> {
    demand!(p.ndim() == 1 || p.ndim() == 2, "multinomial: prob_dist must be 1 or 2 dim, got {}", p.ndim());
    let n = usize::try_from(n).unwrap_or(0);
    demand!(n > 0, "multinomial: cannot sample n_sample < 1");
    let cats = p.size(p.ndim() - 1);
    demand!(replace || n <= cats, "multinomial: cannot sample {n} > {cats} (number of categories) without replacement");
    let weights = p.to_vec::<T>()?;
    let mut out: Vec<i64> = room((weights.len() / cats).saturating_mul(n))?;
    let g = &mut *g.borrow_mut();
    for row in weights.chunks(cats) {
        let mut cum: Vec<f64> = Vec::with_capacity(cats);
        let mut sum = 0.0;
        for &w in row {
            demand!(w >= T::ZERO, "multinomial: invalid multinomial distribution (encountering probability entry < 0)");
            sum += w.to_f64();
            cum.push(sum);
        }
        demand!(
            sum > 0.0 && sum.is_finite(),
            "multinomial: invalid multinomial distribution (sum of probabilities {sum})"
        );
        cum.iter_mut().for_each(|c| *c /= sum);
        for _ in 0..n {
            let u = g.uniform(0.0, 1.0);
            let k = cum.partition_point(|&c| c < u).min(cats - 1);
            out.push(k as i64 + 1);
            if !replace {
                exclude(&mut cum, k);
            }
        }
    }
    let sizes = if p.ndim() == 1 { vec![n] } else { vec![p.size(0), n] };
    res.set(&Tensor::over(
        crate::tensor::storage::Storage::from_slice(&out)?,
        crate::tensor::layout::Layout::contiguous(&sizes)?,
    ))
}

/// Takes category `k` out of a cumulative distribution and scales the rest to 1.
fn exclude(cum: &mut [f64], k: usize) {
    let before = if k > 0 { cum[k - 1] } else { 0.0 };
    let gone = cum[k] - before;
    let rest = 1.0 - gone;
    for (i, c) in cum.iter_mut().enumerate() {
        if i >= k {
            *c = if i == k { before } else { *c - gone };
        }
        if rest > 0.0 {
            *c /= rest;
        }
    }
}
