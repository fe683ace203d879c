//! Rows of linear algebra. As in Torch7 these are functions of `torch` and no methods.

use crate::lua::prelude::*;
use crate::tensor::ops::linalg::{cholesky, eigen, qr, solve, svd};

/// All call forms. Results come first and are optional; options are single letters and may be left out in any place.
pub static ROWS: &[Op] = &[
    func!("gesv", &[form("*resb?:T *resa?:T b:T a:T", floats!(solve::gesv))]),
    func!("gels", &[form("*resb?:T *resa?:T b:T a:T", floats!(qr::gels))]),
    func!("trtrs", &[form("*resb?:T *resa?:T b:T a:T uplo:str=nil trans:str=nil diag:str=nil", floats!(solve::trtrs))],),
    func!("inverse", &[form("*res?:T a:T", floats!(solve::inverse))]),
    func!("symeig", &[form("*e?:T *v?:T a:T job:str=nil uplo:str=nil", floats!(eigen::symeig))]),
    func!("eig", &[form("*e?:T *v?:T a:T job:str=nil", floats!(eigen::eig))]),
    func!("svd", &[form("*u?:T *s?:T *v?:T a:T job:str=nil", floats!(svd::svd))]),
    func!("potrf", &[form("*res?:T a:T uplo:str=nil", floats!(cholesky::potrf))]),
    func!("potri", &[form("*res?:T a:T uplo:str=nil", floats!(cholesky::potri))]),
    func!("potrs", &[form("*res?:T b:T a:T uplo:str=nil", floats!(cholesky::potrs))]),
    func!("pstrf", &[form("*res?:T *piv?:Int a:T uplo:str=nil tol:real=-1", floats!(cholesky::pstrf))]),
    func!("qr", &[form("*q?:T *r?:T a:T", floats!(qr::qr))]),
    func!("geqrf", &[form("*m?:T *tau?:T a:T", floats!(qr::geqrf))]),
    func!("orgqr", &[form("*q?:T m:T tau:T", floats!(qr::orgqr))]),
    func!("ormqr", &[form("*res?:T m:T tau:T c:T side:str=nil trans:str=nil", floats!(qr::ormqr))]),
];
