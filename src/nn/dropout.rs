//! Noise in training: input and output of any size.

use crate::demand;
use crate::fields;
use crate::tensor::Tensor;
use crate::tensor::access::{Dest, Source};
use crate::tensor::dtype::Float;
use crate::tensor::error::Result;
use crate::tensor::random::Generator;
use crate::tensor::random::fill::EXACT;
use crate::tensor::simd::vectorize;
use std::cell::RefCell;

fields! {
    /// nn.Dropout
    pub struct Dropout {
        /// The probability with which an element becomes 0.
        p: f64 = ".p:num",
        /// Whether the others are divided by `1 - p`.
        scaled: bool = ".v2:bool=false",
        /// Whether the result takes the place of the input.
        inplace: bool = ".inplace:bool=false",
    }
}

/// Elements that are drawn and multiplied together: they stay in the nearest cache.
const BLOCK: usize = 1024;

/// Multiplies every element by what is drawn for it: 0 with probability `p`, otherwise 1, or `1 / (1 - p)`. `noise` keeps
/// that, in the input's size. In place, `output` becomes a view of `input`.
///
/// # Errors
/// A probability outside of 0 to 1.
pub fn drop_elements<T: Float>(
    input: &Tensor,
    output: &Tensor,
    noise: &Tensor,
    generator: &RefCell<Generator>,
    fields: Dropout,
) -> Result<()> {
    let Dropout { p, scaled, inplace } = fields;
    demand!((0.0..1.0).contains(&p), "a probability from 0 to below 1 expected, got {p}");
    let stays = T::from_f64(1.0 - p);
    let kept = if scaled { T::ONE.over(stays) } else { T::ONE };
    let draws = &mut *generator.borrow_mut();
    if inplace {
        output.set(input)?;
        let (mut y, mut noise) = (Dest::<T>::update(output)?, Dest::<T>::like(noise, input)?);
        for (y, noise) in y.chunks_mut(BLOCK).zip(noise.chunks_mut(BLOCK)) {
            draws.fill_bernoulli(noise, 1.0 - p, kept);
            vectorize(
                #[inline(always)]
                move || y.iter_mut().zip(noise).for_each(|(y, n)| *y = y.mul(*n)),
            );
        }
        return Ok(());
    }
    let x = Source::<T>::of(input)?;
    let (mut y, mut noise) = (Dest::<T>::like(output, input)?, Dest::<T>::like(noise, input)?);
    for ((y, noise), x) in y.chunks_mut(BLOCK).zip(noise.chunks_mut(BLOCK)).zip(x.chunks(BLOCK)) {
        draws.fill_bernoulli(noise, 1.0 - p, kept);
        vectorize(
            #[inline(always)]
            move || y.iter_mut().zip(noise).zip(x).for_each(|((y, n), x)| *y = x.mul(*n)),
        );
    }
    Ok(())
}

fields! {
    /// nn.WhiteNoise
    pub struct WhiteNoise {
        /// The mean of what is added.
        mean: f64 = ".mean:num",
        /// Its standard deviation.
        std: f64 = ".std:num",
    }
}

/// Normal numbers that are drawn and added together: they stay in the core's cache, and are enough for several threads.
const NORMALS: usize = 1 << 14;

/// Adds a normal number to every element. `noise` keeps them, in the input's size.
///
/// # Errors
/// A standard deviation that is not above 0.
pub fn add_noise<T: Float>(
    input: &Tensor,
    output: &Tensor,
    noise: &Tensor,
    generator: &RefCell<Generator>,
    fields: WhiteNoise,
) -> Result<()> {
    let WhiteNoise { mean, std } = fields;
    demand!(input.numel() == 0 || std > 0.0, "standard deviation must be strictly positive, got {std}");
    let draws = &mut *generator.borrow_mut();
    let x = Source::<T>::of(input)?;
    let (mut y, mut noise) = (Dest::<T>::like(output, input)?, Dest::<T>::like(noise, input)?);
    let few = x.len() <= EXACT;
    for ((y, noise), x) in y.chunks_mut(NORMALS).zip(noise.chunks_mut(NORMALS)).zip(x.chunks(NORMALS)) {
        if few {
            noise.iter_mut().for_each(|n| *n = T::from_f64(draws.normal01() * std + mean));
        } else {
            draws.fill_normal01(
                noise,
                #[inline(always)]
                move |z| T::from_f64(z * std + mean),
            );
        }
        vectorize(
            #[inline(always)]
            move || y.iter_mut().zip(noise).zip(x).for_each(|((y, n), x)| *y = x.add(*n)),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::gradient_tests::{empty, scattered, values};
    use crate::tensor::ops::random::{bernoulli, normal};

    #[test]
    fn draws_are_those_of_bernoulli() {
        let x = scattered(3000, &[3, 1000]);
        for (scaled, inplace) in [(true, false), (false, false), (true, true)] {
            let (y, noise, mask) = (empty(), empty(), empty());
            mask.resize(&[3000]).unwrap();
            let generator = || RefCell::new(Generator::with_seed(7));
            bernoulli::<f64>(&mask, &generator(), 0.75).unwrap();
            let before = values(&x);
            drop_elements::<f64>(&x, &y, &noise, &generator(), Dropout { p: 0.25, scaled, inplace }).unwrap();
            let by = if scaled { 1.0 / 0.75 } else { 1.0 };
            let (n, r) = (values(&noise), values(&y));
            for (i, kept) in values(&mask).into_iter().enumerate() {
                assert_eq!([n[i], r[i]], [kept * by, before[i] * (kept * by)]);
            }
        }
        let fields = Dropout { p: 1.0, scaled: true, inplace: false };
        assert!(drop_elements::<f64>(&x, &empty(), &empty(), &RefCell::new(Generator::new()), fields).is_err());
    }

    #[test]
    fn noise_is_that_of_normal() {
        for n in [100, 3 * NORMALS + 7] {
            let (x, y, noise, alone) = (scattered(n, &[n]), empty(), empty(), empty());
            let generator = || RefCell::new(Generator::with_seed(7));
            alone.resize(&[n]).unwrap();
            normal::<f64>(&alone, &generator(), 0.5, 2.0).unwrap();
            add_noise::<f64>(&x, &y, &noise, &generator(), WhiteNoise { mean: 0.5, std: 2.0 }).unwrap();
            assert_eq!(values(&noise), values(&alone));
            let all = values(&y).into_iter().zip(values(&x)).zip(values(&noise));
            assert!(all.into_iter().all(|((y, x), n)| y == x + n));
        }
        let fields = WhiteNoise { mean: 0.0, std: 0.0 };
        let x = scattered(3, &[3]);
        assert!(add_noise::<f64>(&x, &empty(), &empty(), &RefCell::new(Generator::new()), fields).is_err());
    }
}
