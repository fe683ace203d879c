//! Filling tensors with random numbers, in logical order, draw for draw as Torch7 does.

use crate::demand;
use crate::tensor::Tensor;
use crate::tensor::access::Dest;
use crate::tensor::check;
use crate::tensor::dtype::{Element, Family, Float, Real};
use crate::tensor::error::{Error, Result};
use crate::tensor::memory_limit;
use crate::tensor::random::fill::{COSTLY, EXACT, block_size, modulo, nearest};
use crate::tensor::random::{Generator, UNIT};
use crate::tensor::simd::vectorize;
use crate::tensor::storage::room;
use crate::tensor::vmath::{Plain, VectorMath};
use crate::tensor::walk::update;
use std::cell::RefCell;
use std::f64::consts::PI;

/// Hands the tensor's elements in logical order to `fill`, block by block; blocks have an even number of elements.
fn fill_blocks<T: Element>(x: &Tensor, cost: usize, mut fill: impl FnMut(&mut [T])) -> Result<()> {
    if let Some(all) = x.flat_mut::<T>()? {
        // SAFETY: all of them, and `fill` reaches no tensor.
        fill(unsafe { all.slice_mut(0, all.len()) });
        return Ok(());
    }
    let mut left = x.numel();
    let mut buffer = vec![T::default(); left.min(block_size(cost))];
    let mut at = buffer.len();
    update(x, |_| {
        if at == buffer.len() {
            at = 0;
            buffer.truncate(left);
            fill(&mut buffer);
            left -= buffer.len();
        }
        at += 1;
        buffer[at - 1]
    })
}

/// Element `i` becomes `f` of the generator's next raw number.
#[inline(always)]
fn draw_raw<T: Element>(x: &Tensor, g: &RefCell<Generator>, f: impl Fn(u32) -> T + Copy) -> Result<()> {
    let g = &mut *g.borrow_mut();
    fill_blocks(x, 1, |out| g.fill_with(out, f))
}

/// As [`draw_raw`] for distributions that take long enough to be shared between threads: one draw after another for
/// few elements, `fast` on a number between 0 and 1 for more.
#[inline(always)]
fn draw_costly<T: Real>(
    x: &Tensor,
    g: &RefCell<Generator>,
    single: impl Fn(&mut Generator) -> f64,
    fast: impl Fn(f64) -> f64 + Sync + Copy,
) -> Result<()> {
    let g = &mut *g.borrow_mut();
    if x.numel() <= EXACT {
        return fill_blocks(x, 1, |out: &mut [T]| out.iter_mut().for_each(|v| *v = T::from_f64(single(g))));
    }
    fill_blocks(x, COSTLY, |out| {
        g.fill_costly(
            out,
            COSTLY,
            #[inline(always)]
            move |_, u| T::from_f64(fast(f64::from(u) * UNIT)),
        );
    })
}

/// As [`draw_costly`], of functions of a normal number.
#[inline(always)]
fn draw_normal<T: Real>(
    x: &Tensor,
    g: &RefCell<Generator>,
    single: impl Fn(f64) -> f64,
    fast: impl Fn(f64) -> f64 + Sync + Copy,
) -> Result<()> {
    let g = &mut *g.borrow_mut();
    if x.numel() <= EXACT {
        return fill_blocks(x, 1, |out: &mut [T]| out.iter_mut().for_each(|v| *v = T::from_f64(single(g.normal01()))));
    }
    fill_blocks(x, COSTLY, |out: &mut [T]| {
        g.fill_normal01(
            out,
            #[inline(always)]
            move |z| T::from_f64(fast(z)),
        );
    })
}

/// Uniform over a..b.
///
/// # Errors
/// A view outside its storage.
pub fn uniform<T: Real>(x: &Tensor, g: &RefCell<Generator>, a: f64, b: f64) -> Result<()> {
    draw_raw(
        x,
        g,
        #[inline(always)]
        move |u| T::from_f64(f64::from(u) * UNIT * (b - a) + a),
    )
}

/// Normal.
///
/// # Errors
/// A standard deviation that is not positive.
pub fn normal<T: Real>(x: &Tensor, g: &RefCell<Generator>, mean: f64, std: f64) -> Result<()> {
    demand!(x.numel() == 0 || std > 0.0, "standard deviation must be strictly positive");
    draw_normal::<T>(
        x,
        g,
        |z| z * std + mean,
        #[inline(always)]
        move |z| z * std + mean,
    )
}

/// exp of a normal.
///
/// # Errors
/// A standard deviation that is not positive.
pub fn log_normal<T: Real>(x: &Tensor, g: &RefCell<Generator>, mean: f64, std: f64) -> Result<()> {
    demand!(x.numel() == 0 || std > 0.0, "standard deviation must be strictly positive");
    draw_normal::<T>(
        x,
        g,
        |z| (z * std + mean).exp(),
        #[inline(always)]
        move |z| (z * std + mean).vexp(Plain),
    )
}

/// Exponential with rate lambda.
///
/// # Errors
/// A view outside its storage.
pub fn exponential<T: Real>(x: &Tensor, g: &RefCell<Generator>, lambda: f64) -> Result<()> {
    draw_costly::<T>(
        x,
        g,
        |g| g.exponential(lambda),
        #[inline(always)]
        move |u| -1.0 / lambda * (1.0 - u).vlog(Plain),
    )
}

/// Cauchy.
///
/// # Errors
/// A view outside its storage.
pub fn cauchy<T: Real>(x: &Tensor, g: &RefCell<Generator>, median: f64, sigma: f64) -> Result<()> {
    draw_costly::<T>(
        x,
        g,
        |g| g.cauchy(median, sigma),
        #[inline(always)]
        move |u| {
            let angle = PI * (u - 0.5);
            median + sigma * (angle.vsin(Plain) / angle.vcos(Plain))
        },
    )
}

/// Number of trials up to the first success.
///
/// # Errors
/// A chance outside 0..1, a number too large.
pub fn geometric<T: Real>(x: &Tensor, g: &RefCell<Generator>, p: f64) -> Result<()> {
    demand!(x.numel() == 0 || p > 0.0 && p < 1.0, "must be > 0 and < 1");
    let g = &mut *g.borrow_mut();
    let log_p = p.ln();
    // the smallest number drawn is 2^-32, whose logarithm is -22.2
    let fits = -22.2 / log_p < f64::from(i32::MAX);
    let mut failed = None;
    let mut steps = vec![0.0; 1024];
    fill_blocks(x, 1, |out: &mut [T]| {
        for out in out.chunks_mut(1024) {
            let steps = &mut steps[..out.len()];
            let mut single = g.clone();
            g.fill_with(
                steps,
                #[inline(always)]
                move |u| (1.0 - f64::from(u) * UNIT).vlog(Plain) / log_p,
            );
            let doubtful = vectorize(
                #[inline(always)]
                || {
                    let mut doubtful = false;
                    for (out, &s) in out.iter_mut().zip(&*steps) {
                        let whole = nearest(s);
                        doubtful |= ((s - whole).abs() < 1e-12 * s) & (s > 0.5);
                        *out = T::from_f64(if whole > s { whole } else { whole + 1.0 });
                    }
                    doubtful
                },
            );
            // so near to a whole number, the last bit of a logarithm decides; and what does not fit is an error
            if doubtful || !fits {
                for out in out {
                    match single.geometric(p) {
                        Ok(v) => *out = T::from_f64(v as f64),
                        Err(e) => failed = Some(e),
                    }
                }
            }
        }
    })?;
    failed.map_or(Ok(()), Err)
}

/// 1 with probability p, else 0.
///
/// # Errors
/// A probability outside 0..1.
pub fn bernoulli<T: Real>(x: &Tensor, g: &RefCell<Generator>, p: f64) -> Result<()> {
    demand!(x.numel() == 0 || (0.0..=1.0).contains(&p), "must be >= 0 and <= 1");
    let g = &mut *g.borrow_mut();
    fill_blocks(x, 1, |out| g.fill_bernoulli(out, p, T::ONE))
}

/// 1 with the probability that `p` has at the same place, else 0.
///
/// # Errors
/// Another number of elements, a probability outside 0..1.
pub fn bernoulli_of<T: Real, P: Float>(x: &Tensor, g: &RefCell<Generator>, p: &Tensor) -> Result<()> {
    crate::tensor::map::same_count("bernoulli", x, p)?;
    let p = p.to_vec::<P>()?;
    demand!(p.iter().all(|p| (0.0..=1.0).contains(&p.to_f64())), "must be >= 0 and <= 1");
    let g = &mut *g.borrow_mut();
    let mut rest = &p[..];
    fill_blocks(x, 1, |out: &mut [T]| {
        let (now, later) = rest.split_at(out.len());
        rest = later;
        let mut raw = [0u32; 1024];
        for (out, p) in out.chunks_mut(1024).zip(now.chunks(1024)) {
            let raw = &mut raw[..out.len()];
            g.fill_with(raw, |u| u);
            vectorize(
                #[inline(always)]
                || {
                    for ((out, p), &u) in out.iter_mut().zip(p).zip(&*raw) {
                        *out = if f64::from(u) * UNIT <= p.to_f64() { T::ONE } else { T::ZERO };
                    }
                },
            );
        }
    })
}

/// Whole numbers over the range that the type can hold exactly.
///
/// # Errors
/// None.
pub fn random<T: Real>(x: &Tensor, g: &RefCell<Generator>) -> Result<()> {
    draw_raw(
        x,
        g,
        #[inline(always)]
        |u| {
            // known at compile time here, so that the remainder needs no division; wider ranges change nothing
            let u = match T::DTYPE.family() {
                Family::Integer if T::DTYPE.size() < 8 => u % (T::HIGHEST.to_i64() as u32 + 1),
                Family::Floating if T::DTYPE.size() < 8 => u % ((1 << 24) + 1),
                _ => u,
            };
            T::from_i64(i64::from(u))
        },
    )
}

/// Whole numbers in a..=b.
///
/// # Errors
/// An empty range.
pub fn random_between<T: Real>(x: &Tensor, g: &RefCell<Generator>, a: i64, b: i64) -> Result<()> {
    demand!(x.numel() == 0 || b >= a, "upper bound must be larger than lower bound");
    // raw numbers have 32 bits: wider ranges take them as they are
    let width = u32::try_from((b.wrapping_sub(a) as u64).wrapping_add(1)).ok().filter(|&w| w > 0);
    // Torch7 adds the lower end as an unsigned number, which shows in fractions
    let place = move |step: u32| {
        let v = a.wrapping_add(i64::from(step));
        if T::DTYPE.is_float() && v < 0 { T::from_f64(v as u64 as f64) } else { T::from_i64(v) }
    };
    match width {
        Some(w) => draw_raw(
            x,
            g,
            #[inline(always)]
            move |u| place(modulo(u, w)),
        ),
        None => draw_raw(x, g, place),
    }
}

/// A random order of 1..=n.
///
/// # Errors
/// n below 1.
pub fn randperm<T: Real>(res: &Tensor, g: &RefCell<Generator>, n: i64) -> Result<()> {
    let n = usize::try_from(n)
        .ok()
        .filter(|&n| n > 0)
        .ok_or_else(|| Error::invalid(format!("must be strictly positive, got {n}")))?;
    // half the memory to jump about in, where the numbers fit
    match u32::try_from(n) {
        Ok(last) => {
            let mut order: Vec<u32> = room(n)?;
            order.extend(1..=last);
            g.borrow_mut().shuffle(&mut order);
            write_order::<T>(res, &order)
        }
        Err(_) => {
            let order = g.borrow_mut().permutation(n)?;
            write_order::<T>(res, &order.iter().map(|&i| i as u64 + 1).collect::<Vec<u64>>())
        }
    }
}

fn write_order<T: Real>(res: &Tensor, order: &[impl Copy + Into<u64>]) -> Result<()> {
    let mut to = Dest::<T>::new(res, &[order.len()])?;
    to.iter_mut().zip(order).for_each(|(to, &i)| *to = T::from_i64(i.into() as i64));
    Ok(())
}

/// Draws category numbers (from 1) by weight, per row of a matrix or from one vector.
///
/// # Errors
/// Weights that are negative or all 0, more draws than categories without replacement.
pub fn multinomial<T: Float>(res: &Tensor, g: &RefCell<Generator>, p: &Tensor, n: i64, replace: bool) -> Result<()> {
    check::ranks("a vector or matrix of probabilities", p, 1..=2)?;
    let n = usize::try_from(n).unwrap_or(0);
    demand!(n > 0, "cannot sample n_sample < 1");
    let cats = p.size(p.ndim() - 1);
    demand!(replace || n <= cats, "cannot sample {n} > {cats} (number of categories) without replacement");
    let weights = p.to_vec::<T>()?;
    let samples = (weights.len() / cats).saturating_mul(n);
    // twice: the samples, and the result
    memory_limit::demand::<[i64; 2]>(&[samples])?;
    let mut out: Vec<i64> = room(samples)?;
    let g = &mut *g.borrow_mut();
    for row in weights.chunks(cats) {
        let mut cum: Vec<f64> = room(cats)?;
        let mut sum = 0.0;
        for &w in row {
            demand!(!w.to_f64().is_nan(), "invalid multinomial distribution (a probability is nan)");
            demand!(w >= T::ZERO, "invalid multinomial distribution (encountering probability entry < 0)");
            sum += w.to_f64();
            cum.push(sum);
        }
        demand!(sum > 0.0 && sum.is_finite(), "invalid multinomial distribution (sum of probabilities {sum})");
        let possible = row.iter().filter(|w| **w > T::ZERO).count();
        demand!(
            replace || n <= possible,
            "cannot sample {n} > {possible} (number of categories with a probability) without replacement"
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
        crate::tensor::storage::Storage::from_slice_on(res.class().device, &out)?,
        crate::tensor::layout::Layout::contiguous(&sizes)?,
    ))
}

/// Takes category `k` out of a cumulative distribution and scales the rest to 1.
fn exclude(cum: &mut [f64], k: usize) {
    let before = if k > 0 { cum[k - 1] } else { 0.0 };
    let gone = cum[k] - before;
    let rest = 1.0 - gone;
    cum[k] = before;
    // without a branch, and dividing by 1 where nothing is left, both loops vectorise
    let scale = if rest > 0.0 { rest } else { 1.0 };
    let (kept, moved) = cum.split_at_mut(k + 1);
    vectorize(
        #[inline(always)]
        || {
            kept.iter_mut().for_each(|c| *c /= scale);
            moved.iter_mut().for_each(|c| *c = (*c - gone) / scale);
        },
    );
}
