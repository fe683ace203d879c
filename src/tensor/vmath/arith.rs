//! The two arithmetics that kernels are written over.

/// How `a * b + c` is computed. Kernels take one as a type, so that the choice is made once, outside the loop.
pub trait Arith: Copy + Send + Sync + 'static {
    /// Whether the product enters the sum unrounded.
    const FUSED: bool;
    /// a * b + c
    fn f32(a: f32, b: f32, c: f32) -> f32;
    /// a * b + c
    fn f64(a: f64, b: f64, c: f64) -> f64;
}

/// Product and sum are rounded one after the other: what every processor can do.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// One rounding. Right everywhere, but fast only where the processor has the instruction and the function that it is
/// inlined into is compiled for it; elsewhere each is a call into libm.
#[derive(Clone, Copy, Debug)]
pub struct Fused;

impl Arith for Plain {
    const FUSED: bool = false;
    #[inline(always)]
    fn f32(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
    #[inline(always)]
    fn f64(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
}

impl Arith for Fused {
    const FUSED: bool = true;
    #[inline(always)]
    fn f32(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    #[inline(always)]
    fn f64(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

/// `c[0] + x * (c[1] + x * (...))` in the arithmetic `$m` of the type `$t`.
macro_rules! horner {
    ($m:ident $t:ident, $x:expr, $c:expr) => {{
        let (x, c) = ($x, &$c);
        let mut sum = c[c.len() - 1];
        let mut i = c.len() - 1;
        while i > 0 {
            i -= 1;
            sum = $m::$t(sum, x, c[i]);
        }
        sum
    }};
}
pub(super) use horner;
