//! Rows of package torch, one file per family.
pub mod construct;

use crate::lua::call::Op;

/// Every family.
pub static ALL: &[&[Op]] = &[construct::ROWS];
