//! Rows of package torch, one file per family.
pub mod arithmetic;
pub mod blas;
pub mod construct;
pub mod conv;
pub mod linalg;
pub mod order;
pub mod pointwise;
pub mod random;
pub mod reduce;
pub mod view;

use crate::lua::call::Op;

/// Every family.
pub static ALL: &[&[Op]] = &[
    arithmetic::ROWS,
    blas::ROWS,
    construct::ROWS,
    conv::ROWS,
    linalg::ROWS,
    order::ROWS,
    pointwise::ROWS,
    random::ROWS,
    reduce::ROWS,
    view::ROWS,
];
