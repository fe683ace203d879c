//! What kernels ask of their arguments, each with one wording. Errors do not name the function: the boundary does.
//!
//! `what` is the argument as a message calls it: `"the weight"`, `"a tensor"`.

use super::Tensor;
use super::dtype::DType;
use super::error::{Error, Kind, Result};
use super::layout::shape_text;
use crate::{demand, refuse};
use std::ops::RangeInclusive;

/// `x` has `n` dimensions.
///
/// # Errors
/// The shape of `x`.
#[inline]
pub fn rank(what: &str, x: &Tensor, n: usize) -> Result<()> {
    ranks(what, x, n..=n)
}

/// The number of dimensions of `x` lies in a range.
///
/// # Errors
/// The shape of `x`.
#[inline]
pub fn ranks(what: &str, x: &Tensor, n: RangeInclusive<usize>) -> Result<()> {
    if n.contains(&x.ndim()) { Ok(()) } else { Err(bad_rank(what, x, *n.start(), *n.end())) }
}

#[cold]
fn bad_rank(what: &str, x: &Tensor, least: usize, most: usize) -> Error {
    let wanted = match most {
        _ if least == most => format!("{least}"),
        usize::MAX => format!("at least {least}"),
        _ if least + 1 == most => format!("{least} or {most}"),
        _ => format!("{least} to {most}"),
    };
    let noun = if most == 1 { "dimension" } else { "dimensions" };
    Error::invalid(format!("expected {what} of {wanted} {noun}, got {}D {}", x.ndim(), x.shape_text()))
}

/// `x` has elements.
///
/// # Errors
/// The shape of `x`.
#[inline]
pub fn has_elements(what: &str, x: &Tensor) -> Result<()> {
    demand!(x.numel() > 0, "expected {what} with elements, got an empty one {}", x.shape_text());
    Ok(())
}

/// Dimension `d`, from 0, of `ndim` dimensions.
///
/// # Errors
/// [`Kind::Dimension`].
#[inline]
pub fn dimension(op: &'static str, d: usize, ndim: usize) -> Result<()> {
    if d < ndim { Ok(()) } else { Err(Error::from(Kind::Dimension { op, dim: d as i64 + 1, ndim })) }
}

/// An index, from 1, into dimension `d`, from 0, of `size` elements; the index from 0.
///
/// # Errors
/// [`Kind::Index`].
#[inline]
pub fn index(op: &'static str, index: i64, d: usize, size: usize) -> Result<usize> {
    match usize::try_from(index) {
        Ok(i) if i >= 1 && i <= size => Ok(i - 1),
        _ => Err(Error::from(Kind::Index { op, index, dim: d + 1, size })),
    }
}

/// `a` and `b` have the same sizes.
///
/// # Errors
/// Both shapes.
#[inline]
pub fn same_size(a_is: &str, a: &Tensor, b_is: &str, b: &Tensor) -> Result<()> {
    demand!(
        a.same_size(b),
        "expected {a_is} and {b_is} of the same size, got {} and {}",
        a.shape_text(),
        b.shape_text()
    );
    Ok(())
}

/// `a` and `b` have as many elements.
///
/// # Errors
/// Both shapes.
#[inline]
pub fn same_number(a_is: &str, a: &Tensor, b_is: &str, b: &Tensor) -> Result<()> {
    demand!(
        a.numel() == b.numel(),
        "{a_is} {} and {b_is} {} differ in the number of elements",
        a.shape_text(),
        b.shape_text()
    );
    Ok(())
}

/// `x` has these sizes.
///
/// # Errors
/// The shape of `x`, and the sizes.
#[inline]
pub fn sizes(what: &str, x: &Tensor, sizes: &[usize]) -> Result<()> {
    demand!(x.has_sizes(sizes), "expected {what} of size {}, got {}", shape_text(sizes), x.shape_text());
    Ok(())
}

/// `x` has `n` elements.
///
/// # Errors
/// The shape of `x`, and `n`.
#[inline]
pub fn count(what: &str, x: &Tensor, n: usize) -> Result<()> {
    demand!(x.numel() == n, "expected {what} of {n} elements, got {}", x.shape_text());
    Ok(())
}

/// `x` is a matrix with as many rows as columns.
///
/// # Errors
/// The shape of `x`.
#[inline]
pub fn square(what: &str, x: &Tensor) -> Result<()> {
    rank(what, x, 2)?;
    demand!(x.size(0) == x.size(1), "expected {what} with as many rows as columns, got {}", x.shape_text());
    Ok(())
}

/// The elements of `x` are of a type.
///
/// # Errors
/// Both types.
#[inline]
pub fn dtype(what: &str, x: &Tensor, wanted: DType) -> Result<()> {
    let name = wanted.tensor_name();
    demand!(x.class().is_plain(wanted), "expected {what} to be a {name}, got a {}", x.class().tensor_name());
    Ok(())
}

/// The elements of `x` lie in host memory.
///
/// # Errors
/// The class.
#[inline]
pub fn host(x: &Tensor) -> Result<()> {
    demand!(x.class().in_host_memory(), "expected elements in host memory, got a {}", x.class().tensor_name());
    Ok(())
}

/// A number above 0, as a `usize`.
///
/// # Errors
/// The number.
#[inline]
pub fn positive(what: &str, n: i64) -> Result<usize> {
    match usize::try_from(n) {
        Ok(n) if n > 0 => Ok(n),
        _ => refuse!("expected a positive {what}, got {n}"),
    }
}

/// The largest kernel, stride and padding: sums of them with sizes stay far from the ends of `i64`.
const LARGEST: i64 = 1 << 31;

/// Kernel, stride and padding of a window that slides along one dimension, in elements: kernel and stride positive, none
/// too large to compute with. A negative padding cuts elements off.
///
/// # Errors
/// The three numbers.
#[inline]
pub fn window(kernel: i64, stride: i64, padding: i64) -> Result<()> {
    demand!(kernel > 0, "kernel size should be greater than zero, but got {kernel}");
    demand!(stride > 0, "stride should be greater than zero, but got {stride}");
    demand!(
        kernel.max(stride).max(padding.saturating_abs()) < LARGEST,
        "kernel {kernel}, stride {stride} or padding {padding} is too large"
    );
    Ok(())
}

/// A class, from 1, out of `n`; from 0.
///
/// # Errors
/// The class and `n`.
#[inline]
pub fn class(target: i64, n: usize) -> Result<usize> {
    match usize::try_from(target) {
        Ok(t) if t >= 1 && t <= n => Ok(t - 1),
        // what nan and infinity become as a whole number
        _ if target == i64::MIN => refuse!("target class nan or infinite, expected one of 1..{n}"),
        _ => refuse!("target class {target} out of range 1..{n}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T>(r: Result<T>) -> String {
        r.err().map_or(String::new(), |e| e.to_string())
    }

    #[test]
    fn each_check_tells_what_came_and_what_was_expected() {
        let x = Tensor::new(DType::Double, &[2, 3]).unwrap();
        let y = Tensor::new(DType::Int, &[4]).unwrap();
        assert_eq!(text(rank("a matrix", &y, 2)), "expected a matrix of 2 dimensions, got 1D [4]");
        assert_eq!(text(ranks("the input", &x, 3..=4)), "expected the input of 3 or 4 dimensions, got 2D [2 x 3]");
        assert_eq!(
            text(ranks("the input", &y, 2..=usize::MAX)),
            "expected the input of at least 2 dimensions, got 1D [4]"
        );
        assert_eq!(text(sizes("the target", &y, &[2, 3])), "expected the target of size [2 x 3], got [4]");
        assert_eq!(text(count("the bias", &y, 3)), "expected the bias of 3 elements, got [4]");
        assert_eq!(text(same_size("x", &x, "y", &y)), "expected x and y of the same size, got [2 x 3] and [4]");
        assert_eq!(text(square("a matrix", &x)), "expected a matrix with as many rows as columns, got [2 x 3]");
        assert_eq!(
            text(dtype("the mask", &y, DType::Byte)),
            "expected the mask to be a torch.ByteTensor, got a torch.IntTensor"
        );
        assert_eq!(text(positive("step", 0)), "expected a positive step, got 0");
        assert_eq!(text(class(0, 3)), "target class 0 out of range 1..3");
        assert_eq!(text(class(i64::MIN, 3)), "target class nan or infinite, expected one of 1..3");
        assert_eq!(text(index("select", 4, 1, 3)), "index 4 out of range, dimension 2 has 3 elements");
        assert_eq!(text(dimension("select", 2, 2)), "dimension 3 out of range of 2D tensor");
        assert!(window(3, 1, -1).is_ok() && window(0, 1, 0).is_err() && window(1, 1, i64::MIN).is_err());
        assert_eq!((positive("step", 2).unwrap(), class(3, 3).unwrap(), index("select", 1, 0, 1).unwrap()), (2, 2, 0));
        assert!(has_elements("a tensor", &Tensor::empty(DType::Byte)).is_err());
    }

    #[test]
    fn only_named_errors_name_their_subject() {
        assert!(Error::about("svd", "no").is_named() && !Error::invalid("no").is_named());
        assert_eq!(Error::about("svd", "no").to_string(), "svd: no");
    }
}
