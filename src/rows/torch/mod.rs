//! Rows of package torch, one file per family.
pub mod arith;
pub mod blas;
pub mod construct;
pub mod conv;
pub mod linalg;
pub mod order;
pub mod pointwise;
pub mod random;
pub mod reduce;
pub mod view;

use crate::lua::call::{Column, Op};

/// A column with the Half kernel of another: few operations have one, and those compute in a wider type.
const fn with_half(c: Column, half: Column) -> Column {
    [c[0], c[1], c[2], c[3], c[4], c[5], c[6], half[7]]
}

/// Every family.
pub static ALL: &[&[Op]] = &[
    arith::ROWS,
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
