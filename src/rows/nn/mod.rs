//! Rows of the nn classes, one file per family.

use crate::lua::prelude::Class;

pub mod activation;
pub mod batchnorm;
pub mod convolution;
pub mod criterion;
pub mod linear;
pub mod lookup;
pub mod pooling;
pub mod tables;

/// The classes of every family.
pub static ALL: &[&[Class]] = &[
    activation::STATELESS,
    activation::CLASSES,
    batchnorm::CLASSES,
    convolution::CLASSES,
    criterion::CLASSES,
    linear::CLASSES,
    lookup::CLASSES,
    pooling::CLASSES,
    tables::CLASSES,
];
