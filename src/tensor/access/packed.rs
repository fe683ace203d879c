//! What kernels make of an operand for themselves and use again, as long as nobody gets at its elements.

use crate::tensor::Tensor;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::storage::Storage;
use crate::tensor::storage::packed::Made;
use std::rc::Rc;

fn made(x: &Tensor, which: u8) -> Option<(Storage, Made)> {
    let storage = x.storage().filter(|s| x.ndim() > 0 && x.is_contiguous() && s.class() == x.class())?;
    let rows = x.size(0);
    Some((storage, Made { from: x.offset(), sizes: [rows, x.numel().checked_div(rows)?], which }))
}

/// Whether anything may be kept of the elements of the storage: what calls can afford to look at.
#[inline(always)]
pub fn has_packed(x: &Tensor) -> bool {
    x.peek_storage().is_some_and(Storage::has_notes)
}

/// What `make` makes of the elements of a tensor without gaps, a matrix with the rows of its first dimension: kept, where
/// [`note_use`] was called with the same number and nobody got at the elements since. Otherwise nothing.
///
/// # Errors
/// Those of `make`.
pub fn packed<T: Element, P: 'static>(
    x: &Tensor,
    which: u8,
    make: impl FnOnce(&[T]) -> Result<P>,
) -> Result<Option<Rc<P>>> {
    match made(x, which) {
        Some((storage, of)) => storage.packed(of, make),
        None => Ok(None),
    }
}

/// Says that a kernel read a tensor which it would have liked to have [`packed`].
pub fn note_use<T: Element>(x: &Tensor, which: u8) {
    if let Some((storage, of)) = made(x, which) {
        storage.note_use::<T>(of);
    }
}
