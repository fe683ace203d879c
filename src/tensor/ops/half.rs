//! The arithmetic that half-precision tensors have: each element goes through f32 or f64 and is rounded once.

use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::error::Result;
use crate::tensor::map;
use crate::tensor::ops::{copy, reduce};
use half::f16;

/// x + v
///
/// # Errors
/// A view outside its storage.
pub fn add_scalar(res: &Tensor, x: &Tensor, v: f16) -> Result<()> {
    res.resize_as(x)?;
    map::unary("add", res, x, 1, |x: f16| f16::from_f64(x.to_f64() + v.to_f64()))
}

/// x + v * y
///
/// # Errors
/// Operands with different numbers of elements.
pub fn add_scaled(res: &Tensor, x: &Tensor, v: f16, y: &Tensor) -> Result<()> {
    map::same_count("add", x, y)?;
    res.resize_as(x)?;
    map::binary("add", res, x, y, |x: f16, y: f16| f16::from_f64(x.to_f64() + v.to_f64() * y.to_f64()))
}

/// |x|
///
/// # Errors
/// A view outside its storage.
pub fn abs(res: &Tensor, x: &Tensor) -> Result<()> {
    res.resize_as(x)?;
    map::unary("abs", res, x, 1, |x: f16| f16::from_f64(x.to_f64().abs()))
}

/// The same numbers in single precision, which holds every half exactly.
fn single(x: &Tensor) -> Result<Tensor> {
    let y = Tensor::empty(DType::Float);
    if x.ndim() > 0 {
        y.resize_as(x)?;
        copy::copy(&y, x)?;
    }
    Ok(y)
}

/// Runs a reduction in single precision and rounds what it gives into `res`.
fn through(res: &Tensor, x: &Tensor, f: impl FnOnce(&Tensor, &Tensor) -> Result<()>) -> Result<()> {
    let out = Tensor::empty(DType::Float);
    f(&out, &single(x)?)?;
    res.resize_as(&out)?;
    copy::copy(res, &out)
}

/// Mean of all elements.
///
/// # Errors
/// No element.
pub fn mean_all(x: &Tensor) -> Result<f64> {
    reduce::mean_all::<f32>(&single(x)?)
}

/// Mean along dimension `d`, which stays with size 1.
///
/// # Errors
/// A dimension that is not there.
pub fn mean(res: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    through(res, x, |out, x| reduce::mean::<f32>(out, x, d))
}

/// The largest element; nan if there is one.
///
/// # Errors
/// No element.
pub fn max_all(x: &Tensor) -> Result<f64> {
    reduce::max_all::<f32>(&single(x)?)
}

/// The largest elements along dimension `d` and their places.
///
/// # Errors
/// A dimension that is not there.
pub fn max(values: &Tensor, places: &Tensor, x: &Tensor, d: usize) -> Result<()> {
    through(values, x, |out, x| reduce::max::<f32>(out, places, x, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(v: &[f32]) -> Tensor {
        Tensor::from_slice(&v.iter().map(|&v| f16::from_f32(v)).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn sums_are_rounded_once() {
        let (x, y) = (halves(&[1.0, -2.0, 2048.0]), halves(&[0.5, 4.0, 1.0]));
        add_scaled(&x, &x, f16::from_f32(2.0), &y).unwrap();
        assert_eq!(x.to_vec::<f16>().unwrap(), halves(&[2.0, 6.0, 2050.0]).to_vec::<f16>().unwrap());
        abs(&x, &halves(&[-3.0, 3.0])).unwrap();
        assert_eq!(x.to_vec::<f16>().unwrap(), halves(&[3.0, 3.0]).to_vec::<f16>().unwrap());
    }

    #[test]
    fn reductions_go_through_single_precision() {
        let x = halves(&[60000.0, 60000.0, 1.0, 2.0]);
        x.resize(&[2, 2]).unwrap();
        assert_eq!((mean_all(&x).unwrap(), max_all(&x).unwrap()), (30000.75, 60000.0));
        let (v, p) = (Tensor::empty(DType::Half), Tensor::empty(DType::Long));
        max(&v, &p, &x, 1).unwrap();
        assert_eq!(p.to_vec::<i64>().unwrap(), [1, 2]);
        mean(&v, &x, 1).unwrap();
        assert_eq!(v.to_vec::<f16>().unwrap(), halves(&[60000.0, 1.5]).to_vec::<f16>().unwrap());
        assert!(mean_all(&Tensor::empty(DType::Half)).is_err());
    }
}
