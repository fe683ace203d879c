//! Rows of package nn, one file per family.
use crate::lua::call::Class;

/// Every family.
pub static ALL: &[&[Class]] = &[];
