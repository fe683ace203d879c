//! The safe way to the elements of tensors, for every kernel outside this library.
//!
//! - [`Source`]: the elements of an operand as a slice, lent from its storage or copied where it has gaps.
//! - [`Dest`]: the elements of a result as a mutable slice. Where the result shares memory with an operand, or has
//!   gaps, it is a buffer that is written back when the slice is dropped.
//! - [`MatrixSource`], [`MatrixDest`]: the same for matrices of any strides, seen as [`Matrix`] and [`MatrixMut`].
//! - [`Blockwise`]: an operand that is read by blocks, where some of its elements may not be written yet.
//! - [`LinesSource`], [`LinesDest`]: the lines along a dimension of tensors of any strides, seen as [`Lines`] and
//!   [`LinesMut`], which hand them out some at a time as matrices ([`Bundles`]).
//! - [`share()`]: parts of results go to threads as disjoint slices; a [`Workspace`] is what each needs besides.
//!
//! Take the sources of a call first, then its results. A kernel that does so may be given any tensors, the same one
//! several times included: it always reads what was there before the call.
//!
//! ```
//! use rekindle::tensor::access::{Dest, Source};
//! use rekindle::tensor::Tensor;
//!
//! let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0])?;
//! {
//!     let from = Source::<f32>::of(&x)?;
//!     let mut to = Dest::<f32>::new(&x, &[3])?; // x is its own result: a buffer
//!     to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = *from);
//! }
//! assert_eq!(x.to_vec::<f32>()?, [3.0, 2.0, 1.0]);
//! # Ok::<(), rekindle::tensor::error::Error>(())
//! ```

mod deferred;
mod dest;
mod line_operands;
mod lines;
pub(super) mod loans;
mod matrix;
mod packed;
mod raw_slice;
mod share;
mod source;
#[cfg(test)]
mod tests;
mod view;
mod workspace;

#[cfg(test)]
pub(in crate::tensor) use deferred::take_zeros;
pub use deferred::{Blockwise, is_written, outer_later, zero_later};
pub use dest::Dest;
pub use line_operands::{LinesDest, LinesSource};
pub use lines::{Bundles, Lines, LinesMut};
pub(in crate::tensor) use matrix::{Form, with_matrices};
pub use matrix::{Matrix, MatrixDest, MatrixMut, MatrixSource};
pub use packed::{has_packed, note_use, packed};
pub(in crate::tensor) use raw_slice::RawSlice;
pub use share::{Blocks, Divide, Rows, share, share_rows, try_share};
pub use source::Source;
pub(in crate::tensor) use view::View;
pub use workspace::Workspace;

use super::Tensor;
use super::error::{Error, Kind};

/// Lends these bytes of a tensor's storage; whether that goes with what is lent already. Where other threads can reach the
/// storage, it stays as long as anything is lent: another thread may let go the last handle.
#[inline(always)]
fn lend(x: &Tensor, start: usize, bytes: usize, writes: bool) -> bool {
    let lent = loans::lend(start, bytes, writes);
    if lent && x.lock() != 0 {
        loans::keep_storage(x.storage());
    }
    lent
}

/// The error for memory that is lent to somebody else.
#[cold]
pub(super) fn in_use(x: &Tensor) -> Error {
    Error::from(Kind::InUse { shape: x.shape_text() })
}
