//! Reductions and scans.
use crate::lua::prelude::*;

fn spread<T: Float>(x: &Tensor, biased: bool) -> Result<f64> {
    reduce::var_all::<T>(x, biased)
}
fn numel(x: &Tensor) -> Result<usize> {
    Ok(x.numel())
}

/// The rows.
pub static ROWS: &[Op] = &[
    op!("sum", &[traced("x:T", all!(reduce::sum_all)), form("*res?:T x:T dim:index", all!(reduce::sum))]),
    op!("prod", &[form("x:T", all!(reduce::prod_all)), form("*res?:T x:T dim:index", all!(reduce::prod))]),
    op!(
        "mean",
        &[
            traced("x:T", floats!(reduce::mean_all).or(half!(half::mean_all))),
            form("*res?:T x:T dim:index", floats!(reduce::mean).or(half!(half::mean)))
        ]
    ),
    op!(
        "max",
        &[
            traced("x:T", all!(reduce::max_all).or(half!(half::max_all))),
            form("*values?:T *places?:Long x:T dim:index", all!(reduce::max).or(half!(half::max))),
        ]
    ),
    op!(
        "min",
        &[traced("x:T", all!(reduce::min_all)), form("*values?:T *places?:Long x:T dim:index", all!(reduce::min)),]
    ),
    op!(
        "var",
        &[
            form("x:T biased:bool=false", floats!(spread)),
            form("*res?:T x:T dim:index biased:bool=false", floats!(reduce::var)),
        ]
    ),
    op!(
        "std",
        &[
            form("x:T biased:bool=false", floats!(reduce::std_all)),
            form("*res?:T x:T dim:index biased:bool=false", floats!(reduce::std)),
        ]
    ),
    op!(
        "norm",
        &[form("x:T p:num=2", floats!(reduce::norm_all)), form("*res?:T x:T p:num dim:index", floats!(reduce::norm)),]
    ),
    op!("dist", &[form("x:T y:T p:num=2", floats!(reduce::dist))]),
    op!("dot", &[traced("x:T y:T", all!(reduce::dot))]),
    op!("trace", &[form("x:T", all!(reduce::trace))]),
    op!("cumsum", &[form("*res?:T x:T dim:index=1", all!(reduce::cumsum))]),
    op!("cumprod", &[form("*res?:T x:T dim:index=1", all!(reduce::cumprod))]),
    op!("numel", &[form("x:tensor", any!(numel))]),
];
