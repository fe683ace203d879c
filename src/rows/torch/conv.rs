//! Convolutions of images and volumes.
use crate::lua::prelude::*;

/// An operation with its number of dimensions, and whether it turns the kernel.
macro_rules! convolution {
    ($f:ident, $dims:expr, $turned:expr) => {
        fn $f<T: Real>(res: &Tensor, x: &Tensor, k: &Tensor, option: Option<&str>) -> Result<()> {
            let full = conv::is_full(stringify!($f), option)?;
            conv::convolve::<T>(res, x, k, conv::Mode { name: stringify!($f), dims: $dims, turned: $turned, full })
        }
    };
}
convolution!(conv2, 2, true);
convolution!(xcorr2, 2, false);
convolution!(conv3, 3, true);
convolution!(xcorr3, 3, false);

/// The rows.
pub static ROWS: &[Op] = &[
    op!("conv2", &[form("*res?:T x:T k:T option:str=nil", all!(conv2))]),
    op!("xcorr2", &[form("*res?:T x:T k:T option:str=nil", all!(xcorr2))]),
    op!("conv3", &[form("*res?:T x:T k:T option:str=nil", all!(conv3))]),
    op!("xcorr3", &[form("*res?:T x:T k:T option:str=nil", all!(xcorr3))]),
];
