//! Rows of the products of vectors and matrices.

use crate::lua::prelude::*;
use crate::tensor::ops::products;

/// All call forms. A given result of `mm` and kin must fit; the `add` family resizes it to the summand's size, and as
/// methods their receiver is the summand where none is given.
pub static ROWS: &[Op] = &[
    op!("mm", &[form("a:T b:T", all!(products::mm_new)), traced("*res:T a:T b:T", all!(products::mm))]),
    op!("mv", &[form("a:T b:T", all!(products::mv_new)), traced("*res:T a:T b:T", all!(products::mv))]),
    op!("ger", &[form("a:T b:T", all!(products::ger_new)), form("*res:T a:T b:T", all!(products::ger))]),
    op!("bmm", &[form("a:T b:T", all!(products::bmm_new)), form("*res:T a:T b:T", all!(products::bmm))]),
    func!("addmv", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(products::addmv))]),
    method!(
        "addmv",
        &[
            form("*res:T a:T b:T", all!(products::addmv::plain)),
            form("*res:T alpha:real a:T b:T", all!(products::addmv::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(products::addmv::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(products::addmv::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(products::addmv::full)),
        ],
    ),
    func!("addmm", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(products::addmm))]),
    method!(
        "addmm",
        &[
            form("*res:T a:T b:T", all!(products::addmm::plain)),
            form("*res:T alpha:real a:T b:T", all!(products::addmm::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(products::addmm::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(products::addmm::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(products::addmm::full)),
        ],
    ),
    func!("addr", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(products::addr))]),
    method!(
        "addr",
        &[
            form("*res:T a:T b:T", all!(products::addr::plain)),
            form("*res:T alpha:real a:T b:T", all!(products::addr::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(products::addr::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(products::addr::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(products::addr::full)),
        ],
    ),
    func!("addbmm", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(products::addbmm))]),
    method!(
        "addbmm",
        &[
            form("*res:T a:T b:T", all!(products::addbmm::plain)),
            form("*res:T alpha:real a:T b:T", all!(products::addbmm::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(products::addbmm::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(products::addbmm::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(products::addbmm::full)),
        ],
    ),
    func!("baddbmm", &[form("*res?:T beta:real=1 t:T alpha:real=1 a:T b:T", all!(products::baddbmm))]),
    method!(
        "baddbmm",
        &[
            form("*res:T a:T b:T", all!(products::baddbmm::plain)),
            form("*res:T alpha:real a:T b:T", all!(products::baddbmm::scaled)),
            form("*res:T beta:real alpha:real a:T b:T", all!(products::baddbmm::both)),
            form("*res:T t:T alpha:real=1 a:T b:T", all!(products::baddbmm::summand)),
            form("*res:T beta:real t:T alpha:real a:T b:T", all!(products::baddbmm::full)),
        ],
    ),
];
