//! Order along a dimension, histograms and what is close to them.
use crate::lua::prelude::*;

/// The rows.
pub static ROWS: &[Op] = &[
    op!("sort", &[form("*values?:T *places?:Long x:T dim:index=nil down:bool=false", all!(order::sort))]),
    op!("median", &[form("*values?:T *places?:Long x:T dim:index=nil", all!(order::median))]),
    op!("mode", &[form("*values?:T *places?:Long x:T dim:index=nil", all!(order::mode))]),
    op!("kthvalue", &[form("*values?:T *places?:Long x:T k:long dim:index=nil", all!(order::kthvalue))]),
    op!(
        "topk",
        &[form(
            "*values?:T *places?:Long x:T k:long=1 dim:index=nil largest:bool=false sorted:bool=false",
            all!(order::topk)
        ),]
    ),
    op!("histc", &[form("*res?:T x:T bins:long=100 low:num=0 high:num=0", floats!(histogram::histc))]),
    op!("bhistc", &[form("*res?:T x:T bins:long=100 low:num=0 high:num=0", floats!(histogram::bhistc))]),
    op!("renorm", &[form("*res?:T x@1:T p:num dim:index most:num", floats!(reduce::renorm))]),
    op!("cross", &[form("*res?:T a:T b:T dim:index=nil", all!(products::cross))]),
    op!("match", &[form("*res?:T a:T b:T gain:real=1", all!(products::distances))]),
];
