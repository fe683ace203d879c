//! stub
use crate::tensor::{Tensor, error::Result, dtype::Element};
/// stub
pub fn masked_select<T: Element>(_: &Tensor, _: &Tensor, _: &Tensor) -> Result<()> { Ok(()) }
/// stub
pub fn masked_fill<T: Element>(_: &Tensor, _: &Tensor, _: T) -> Result<()> { Ok(()) }
/// stub
pub fn masked_copy<T: Element>(_: &Tensor, _: &Tensor, _: &Tensor) -> Result<()> { Ok(()) }
