//! Rows of the products of vectors and matrices.

use crate::lua::prelude::*;
use crate::tensor::ops::blas;

/// All call forms. A given result of `mm` and kin must fit; the `add` family resizes it to the summand's size, and as
/// methods their receiver is the summand where none is given.
pub static ROWS: &[Op] = &[
    op!("mm", &[form("a:T b:T", all!(blas::mm_new)), form("*res:T a:T b:T", all!(blas::mm))]),
    op!("mv", &[form("a:T b:T", all!(blas::mv_new)), form("*res:T a:T b:T", all!(blas::mv))]),
    op!("ger", &[form("a:T b:T", all!(blas::ger_new)), form("*res:T a:T b:T", all!(blas::ger))]),
    op!("bmm", &[form("a:T b:T", all!(blas::bmm_new)), form("*res:T a:T b:T", all!(blas::bmm))]),
    func!("addmv", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(blas::addmv))]),
    method!(
        "addmv",
        &[
            form("*res:T a:T b:T", all!(blas::addmv::plain)),
            form("*res:T alpha:real a:T b:T", all!(blas::addmv::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(blas::addmv::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(blas::addmv::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(blas::addmv)),
        ],
    ),
    func!("addmm", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(blas::addmm))]),
    method!(
        "addmm",
        &[
            form("*res:T a:T b:T", all!(blas::addmm::plain)),
            form("*res:T alpha:real a:T b:T", all!(blas::addmm::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(blas::addmm::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(blas::addmm::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(blas::addmm)),
        ],
    ),
    func!("addr", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(blas::addr))]),
    method!(
        "addr",
        &[
            form("*res:T a:T b:T", all!(blas::addr::plain)),
            form("*res:T alpha:real a:T b:T", all!(blas::addr::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(blas::addr::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(blas::addr::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(blas::addr)),
        ],
    ),
    func!("addbmm", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(blas::addbmm))]),
    method!(
        "addbmm",
        &[
            form("*res:T a:T b:T", all!(blas::addbmm::plain)),
            form("*res:T alpha:real a:T b:T", all!(blas::addbmm::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(blas::addbmm::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(blas::addbmm::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(blas::addbmm)),
        ],
    ),
    func!("baddbmm", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(blas::baddbmm))]),
    method!(
        "baddbmm",
        &[
            form("*res:T a:T b:T", all!(blas::baddbmm::plain)),
            form("*res:T alpha:real a:T b:T", all!(blas::baddbmm::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(blas::baddbmm::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(blas::baddbmm::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(blas::baddbmm)),
        ],
    ),
];
