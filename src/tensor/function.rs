//! Functions of one element or two, as the loops of [`super::map`] take them.

use super::vmath::Arith;

/// A function of `X`, a tuple of elements, in a given arithmetic. Elements of tensors are out of its reach: while a loop
/// runs, who asks for them is refused. Closures that compute the same in both are functions;
/// [`crate::maths`] makes one of an expression over [`super::vmath`].
pub trait Function<X, R>: Copy + Sync {
    /// Whether the arithmetic matters: then every loop, however short or strided, is compiled for the machine's level.
    const MATHS: bool = false;
    /// Whether some elements are hard.
    const CHECKED: bool = false;
    /// The value, unless that is hard.
    fn at<M: Arith>(self, m: M, x: X) -> R;
    /// Whether [`Function::at`] does not hold.
    #[inline(always)]
    fn hard(self, _: X) -> bool {
        false
    }
    /// The value, hard or not; does not vectorise where functions are checked.
    #[inline(always)]
    fn any<M: Arith>(self, m: M, x: X) -> R {
        self.at(m, x)
    }
}

impl<A, R, F: Fn(A) -> R + Copy + Sync> Function<(A,), R> for F {
    #[inline(always)]
    fn at<M: Arith>(self, _: M, (a,): (A,)) -> R {
        self(a)
    }
}

impl<A, B, R, F: Fn(A, B) -> R + Copy + Sync> Function<(A, B), R> for F {
    #[inline(always)]
    fn at<M: Arith>(self, _: M, (a, b): (A, B)) -> R {
        self(a, b)
    }
}

impl<A, B, C, R, F: Fn(A, B, C) -> R + Copy + Sync> Function<(A, B, C), R> for F {
    #[inline(always)]
    fn at<M: Arith>(self, _: M, (a, b, c): (A, B, C)) -> R {
        self(a, b, c)
    }
}

/// A function in plain and in fused arithmetic.
#[derive(Clone, Copy)]
pub struct Maths<P, F>(
    /// In plain arithmetic.
    pub P,
    /// In fused arithmetic.
    pub F,
);

impl<X, R, P: Function<X, R>, F: Function<X, R>> Function<X, R> for Maths<P, F> {
    const MATHS: bool = true;
    #[inline(always)]
    fn at<M: Arith>(self, m: M, x: X) -> R {
        if M::FUSED { self.1.at(m, x) } else { self.0.at(m, x) }
    }
}

/// A function that does not hold everywhere.
#[derive(Clone, Copy)]
pub struct Checked<F, H, S>(
    /// The function.
    pub F,
    /// Where it does not hold.
    pub H,
    /// What to take there.
    pub S,
);

impl<X: Copy, R, F: Function<X, R>, H: Function<X, bool>, S: Function<X, R>> Function<X, R> for Checked<F, H, S> {
    const MATHS: bool = true;
    const CHECKED: bool = true;
    #[inline(always)]
    fn at<M: Arith>(self, m: M, x: X) -> R {
        self.0.at(m, x)
    }
    #[inline(always)]
    fn hard(self, x: X) -> bool {
        self.1.at(super::vmath::Plain, x)
    }
    #[inline(always)]
    fn any<M: Arith>(self, m: M, x: X) -> R {
        if self.hard(x) { self.2.at(m, x) } else { self.at(m, x) }
    }
}

/// `maths!(|m, x: T| x.vexp(m))`: a [`Function`] of an expression that is compiled once for each arithmetic.
#[macro_export]
macro_rules! maths {
    (|$m:ident, $($x:ident: $t:ty),+| $body:expr) => {
        $crate::tensor::function::Maths(
            #[inline(always)]
            move |$($x: $t),+| {
                #[allow(unused_variables)]
                let $m = $crate::tensor::vmath::Plain;
                $body
            },
            #[inline(always)]
            move |$($x: $t),+| {
                #[allow(unused_variables)]
                let $m = $crate::tensor::vmath::Fused;
                $body
            },
        )
    };
}
