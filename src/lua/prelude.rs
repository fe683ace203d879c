//! What a file of rows needs.
pub use super::call::{Answer, Class, Dims, Foreign, Form, Nested, Nil, Op, Place, Ret, Rets, form, traced};
pub use super::column::Column;
pub use crate::tensor::Tensor;
pub use crate::tensor::dtype::{DType, Element, Family, Float, Integer, Real};
pub use crate::tensor::error::{Error, Result};
pub use crate::tensor::ops::*;
pub use crate::tensor::random::Generator;
pub use crate::tensor::storage::Storage;
pub use crate::{
    all, any, class, demand, every, floats, form3, func, half, ints, kernel, method, objects, op, pixels, refuse,
    storage_method,
};
pub use std::cell::RefCell;
