//! What kernels made of elements for themselves, kept until somebody gets at the elements.
//!
//! A recurrent network multiplies by the same weights in each of its steps, and each product packs them first, in the order
//! that its kernel reads. Where weights are multiplied by again and nobody got at them in between, what was packed of them
//! stays. Every gate of [`Storage`] forgets what it hands out, to readers as well: no write can be overlooked. Nothing is
//! kept where memory is reached without these gates, as in [`deferred`](super::deferred).

use super::{RawSlice, Storage};
use crate::tensor::access::loans;
use crate::tensor::dtype::Element;
use crate::tensor::error::Result;
use std::any::Any;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

/// The most entries of a storage.
const MOST: usize = 256;
/// How often elements are handed out, while nothing that is kept is used, before all of it goes: a program that looks at
/// elements one by one shall not be slower for it.
const LOOKS: usize = 1024;

/// What something is made of: a matrix that lies without gaps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tensor) struct Made {
    /// Its first element.
    pub from: usize,
    /// Its rows and columns.
    pub sizes: [usize; 2],
    /// Which of the things that are made of matrices.
    pub which: u8,
}

impl Made {
    fn end(&self) -> usize {
        self.from.saturating_add(self.sizes[0].saturating_mul(self.sizes[1]))
    }
}

struct Entry {
    of: Made,
    /// Nothing for what was used once.
    made: Option<Rc<dyn Any>>,
}

/// All that is kept of a storage's elements.
#[derive(Default)]
pub(super) struct Packed {
    entries: Vec<Entry>,
    looks: usize,
}

impl Packed {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets what is made of any of these elements, which somebody gets at.
    pub(super) fn forget(&mut self, from: usize, end: usize) {
        self.looks += 1;
        let all = self.looks > LOOKS;
        self.entries.retain(|e| !all && (e.of.end() <= from || end <= e.of.from));
    }
}

impl Storage {
    /// Whether something may be kept of these elements.
    fn may_keep<T: Element>(&self, of: &Made) -> bool {
        self.dtype() == T::DTYPE && self.is_gated(of.end())
    }

    /// Whether something is kept, or put off.
    #[inline(always)]
    pub(in crate::tensor) fn has_notes(&self) -> bool {
        !self.0.direct.load(Relaxed) && self.0.parent.is_none()
    }

    /// Says that a kernel could have used something again.
    pub(in crate::tensor) fn note_use<T: Element>(&self, of: Made) {
        if self.may_keep::<T>(&of) {
            self.with_deferred(|notes| {
                let kept = &mut notes.packed;
                kept.looks = 0;
                if kept.entries.len() >= MOST {
                    kept.entries.clear();
                }
                if kept.entries.iter().all(|e| e.of != of) {
                    kept.entries.push(Entry { of, made: None });
                }
            });
        }
    }

    /// What was made of elements before, or what `make` makes of them where a use was noted and nobody got at them since;
    /// otherwise nothing.
    ///
    /// # Errors
    /// Those of `make`.
    pub(in crate::tensor) fn packed<T: Element, P: 'static>(
        &self,
        of: Made,
        make: impl FnOnce(&[T]) -> Result<P>,
    ) -> Result<Option<Rc<P>>> {
        if !self.has_notes() || !self.may_keep::<T>(&of) {
            return Ok(None);
        }
        self.with_deferred(|notes| {
            let Some(at) = notes.packed.entries.iter().position(|e| e.of == of) else { return Ok(None) };
            notes.packed.looks = 0;
            if let Some(made) = &notes.packed.entries[at].made {
                return Ok(made.clone().downcast().ok());
            }
            self.write_parts(notes, of.from, of.end());
            let elements: RawSlice<T> = self.own_elements(of.from, of.end());
            if !self.is_held() || !loans::allows(elements.address(), elements.bytes(), false) {
                return Ok(None);
            }
            // SAFETY: all of them, and nobody writes while `make` reads.
            let made = Rc::new(make(unsafe { elements.slice(0, elements.len()) })?);
            notes.packed.entries[at].made = Some(made.clone());
            Ok(Some(made))
        })
    }
}
