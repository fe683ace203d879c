//! Rows of the nn classes, one file per family.

use crate::lua::prelude::Class;

pub mod activation;
pub mod convolution;
pub mod criterion;
pub mod distance;
pub mod dropout;
pub mod featurepooling;
pub mod linear;
pub mod lookup;
pub mod neighbourhood;
pub mod normalization;
pub mod padding;
pub mod pooling;
pub mod products;
pub mod sparse;
pub mod tables;
pub mod tree;
pub mod upsampling;

/// The classes of every family.
pub static ALL: &[&[Class]] = &[
    activation::STATELESS,
    activation::CLASSES,
    convolution::CLASSES,
    criterion::CLASSES,
    distance::CLASSES,
    dropout::CLASSES,
    featurepooling::CLASSES,
    linear::CLASSES,
    lookup::CLASSES,
    neighbourhood::CLASSES,
    normalization::CLASSES,
    padding::CLASSES,
    pooling::CLASSES,
    products::CLASSES,
    sparse::CLASSES,
    tables::CLASSES,
    tree::CLASSES,
    upsampling::CLASSES,
];
