//! Run-time choice of the instruction set: the same loop compiled for the baseline, AVX2 and AVX-512.

use std::sync::OnceLock;

/// What the processor offers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// What every processor of the target has.
    Base,
    /// AVX2 and FMA (x86-64-v3).
    V3,
    /// AVX-512 F, BW, DQ, VL (x86-64-v4).
    V4,
}

impl Level {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Base => "those that every processor of the target has",
            Level::V3 => "AVX2 and FMA",
            Level::V4 => "AVX-512",
        }
    }
}

/// The level of this machine, found once. The environment's `REKINDLE_SIMD`, `base` or `avx2`, makes it a lower one: for
/// tests, and for comparing results between machines.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let most = match std::env::var("REKINDLE_SIMD").as_deref() {
            Ok("base") => Level::Base,
            Ok("avx2") => Level::V3,
            _ => Level::V4,
        };
        detect().min(most)
    })
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let v3 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let v4 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (v3, v4) {
        (true, true) => Level::V4,
        (true, false) => Level::V3,
        _ => Level::Base,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Base
}

/// Runs a loop, compiled for the level of this machine. The loop must be inlined whole into it: give a closure whose
/// body is `#[inline(always)]` code.
#[inline(always)]
pub fn vectorize<R>(f: impl FnOnce() -> R) -> R {
    vectorize_on(
        (),
        #[inline(always)]
        |()| f(),
    )
}

#[inline(always)]
fn vectorize_on<A, R>(on: A, f: impl FnOnce(A) -> R) -> R {
    match level() {
        Level::Base => base(on, f),
        // SAFETY: `level` found these features on this processor.
        Level::V3 => unsafe { v3(on, f) },
        // SAFETY: as above.
        Level::V4 => unsafe { v4(on, f) },
    }
}

/// As [`vectorize`], of a loop written in both arithmetics of [`super::vmath`]: fused where the machine fuses.
#[inline(always)]
pub fn vectorize_maths<R>(plain: impl FnOnce() -> R, fused: impl FnOnce() -> R) -> R {
    vectorize_maths_on(
        (),
        #[inline(always)]
        |()| plain(),
        #[inline(always)]
        |()| fused(),
    )
}

/// As [`vectorize_maths`], of a loop that takes what it works on: mutable slices, which two closures cannot share.
#[inline(always)]
pub fn vectorize_maths_on<A, R>(on: A, plain: impl FnOnce(A) -> R, fused: impl FnOnce(A) -> R) -> R {
    match level() {
        // the baseline of 64-bit ARM fuses
        Level::Base if cfg!(target_arch = "aarch64") => base(on, fused),
        Level::Base => base(on, plain),
        // SAFETY: `level` found these features on this processor.
        Level::V3 => unsafe { v3(on, fused) },
        // SAFETY: as above.
        Level::V4 => unsafe { v4(on, fused) },
    }
}

/// Compiled once, as for the other levels, and not at every place that chooses.
#[inline(never)]
fn base<A, R>(on: A, f: impl FnOnce(A) -> R) -> R {
    f(on)
}

/// # Safety
/// The level is [`Level::V3`] at least.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
unsafe fn v3<A, R>(on: A, f: impl FnOnce(A) -> R) -> R {
    f(on)
}

/// # Safety
/// The level is [`Level::V4`].
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))]
unsafe fn v4<A, R>(on: A, f: impl FnOnce(A) -> R) -> R {
    f(on)
}

/// Bytes that come from memory at once.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Asks for memory that is read or written soon, so that it is on its way into the second cache meanwhile. The first one keeps
/// what is worked on.
#[inline(always)]
pub fn prefetch<T>(x: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..size_of_val(x)).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint, which changes nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(x.as_ptr().cast::<i8>().wrapping_add(at)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}

/// An array of what `f` gives for each place. That of the standard library goes through machinery for loops that end early,
/// which in hundreds of kernels was a tenth of what is compiled.
#[inline(always)]
pub fn array<T: Copy, const N: usize>(blank: T, mut f: impl FnMut(usize) -> T) -> [T; N] {
    let mut all = [blank; N];
    let mut i = 0;
    while i < N {
        all[i] = f(i);
        i += 1;
    }
    all
}
