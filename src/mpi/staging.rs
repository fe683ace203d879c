//! Memory that holds elements while they are on their way, kept for the next time.

use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use crate::tensor::storage::room;
use std::any::Any;
use std::sync::{Mutex, PoisonError};

/// Bytes that may be kept in all.
const KEPT: usize = 512 << 20;

struct Spare {
    bytes: usize,
    list: Box<dyn Any + Send>,
}

/// Freed lists, the latest last.
static SPARE: Mutex<Vec<Spare>> = Mutex::new(Vec::new());

fn spare() -> std::sync::MutexGuard<'static, Vec<Spare>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A copy of these elements.
///
/// # Errors
/// Not enough memory.
pub(super) fn copy_of<T: Element>(slice: &[T]) -> Result<Vec<T>> {
    let fits = |s: &Spare| {
        let list = s.list.downcast_ref::<Vec<T>>();
        list.is_some_and(|l| l.capacity() >= slice.len() && l.capacity() / 2 <= slice.len())
    };
    let mut all = spare();
    let found = all.iter().rposition(fits).map(|i| all.remove(i));
    drop(all);
    let mut list = match found.and_then(|s| s.list.downcast::<Vec<T>>().ok()) {
        Some(list) => *list,
        None => room(slice.len())?,
    };
    list.clear();
    list.extend_from_slice(slice);
    Ok(list)
}

/// Keeps a list; the oldest go where there are too many.
pub(super) fn keep<T: Element>(list: Vec<T>) {
    let bytes = list.capacity() * size_of::<T>();
    if bytes == 0 || bytes > KEPT / 2 {
        return;
    }
    let mut all = spare();
    all.push(Spare { bytes, list: Box::new(list) });
    let mut total: usize = all.iter().map(|s| s.bytes).sum();
    while total > KEPT {
        total -= all.remove(0).bytes;
    }
}

/// Lets all go.
pub(super) fn free() {
    spare().clear();
}
