//! Comparisons, elementwise: 1 where they hold, else 0, as bytes or in the operands' type.

use crate::tensor::Tensor;
use crate::tensor::check;
use crate::tensor::dtype::{Element, Real};
use crate::tensor::error::Result;
use crate::tensor::map;
use crate::tensor::walk::for_each;

macro_rules! comparisons {
    ($($name:ident $op:tt;)*) => { $(
        #[doc = concat!("`x ", stringify!($op), " y`, with a number or a tensor.")]
        pub mod $name {
            use super::*;
            /// `R` receives the answers.
            fn number<R: Real, T: Real>(res: &Tensor, x: &Tensor, v: T) -> Result<()> {
                res.resize_as_for_result(x)?;
                map::unary(stringify!($name), res, x, 1, #[inline(always)] |x: T| if x $op v { R::ONE } else { R::ZERO })
            }
            fn tensor<R: Real, T: Real>(res: &Tensor, x: &Tensor, y: &Tensor) -> Result<()> {
                map::same_count(stringify!($name), x, y)?;
                res.resize_as_for_result(x)?;
                map::binary(stringify!($name), res, x, y, #[inline(always)] |x: T, y: T| if x $op y { R::ONE } else { R::ZERO })
            }
            /// With a number, into bytes.
            ///
            /// # Errors
            /// A view outside its storage.
            pub fn scalar<T: Real>(res: &Tensor, x: &Tensor, v: T) -> Result<()> { number::<u8, T>(res, x, v) }
            /// With a number, into the type of `x`.
            ///
            /// # Errors
            /// A view outside its storage.
            pub fn scalar_own<T: Real>(res: &Tensor, x: &Tensor, v: T) -> Result<()> { number::<T, T>(res, x, v) }
            /// With a tensor, into bytes.
            ///
            /// # Errors
            /// Different numbers of elements.
            pub fn each<T: Real>(res: &Tensor, x: &Tensor, y: &Tensor) -> Result<()> { tensor::<u8, T>(res, x, y) }
            /// With a tensor, into the type of `x`.
            ///
            /// # Errors
            /// Different numbers of elements.
            pub fn each_own<T: Real>(res: &Tensor, x: &Tensor, y: &Tensor) -> Result<()> { tensor::<T, T>(res, x, y) }
        }
    )* };
}
comparisons! { lt <; gt >; le <=; ge >=; eq ==; ne !=; }

/// Whether every byte is not 0.
///
/// # Errors
/// No element.
pub fn all(x: &Tensor) -> Result<bool> {
    check::has_elements("a tensor", x)?;
    let mut holds = true;
    for_each(x, |v: u8| holds &= v != 0)?;
    Ok(holds)
}

/// Whether any byte is not 0.
///
/// # Errors
/// No element.
pub fn any(x: &Tensor) -> Result<bool> {
    check::has_elements("a tensor", x)?;
    let mut holds = false;
    for_each(x, |v: u8| holds |= v != 0)?;
    Ok(holds)
}

/// Whether sizes and elements are the same.
///
/// # Errors
/// A view outside its storage.
pub fn equal<T: Element>(x: &Tensor, y: &Tensor) -> Result<bool> {
    Ok(x.same_size(y) && x.to_vec::<T>()? == y.to_vec::<T>()?)
}
