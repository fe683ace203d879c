//! stub
use crate::tensor::{Tensor, error::Result, dtype::DType};
/// stub
pub fn copy(_: &Tensor, _: &Tensor) -> Result<()> { Ok(()) }
/// stub
pub fn to_type(x: &Tensor, _: DType) -> Result<Tensor> { Ok(x.clone()) }
