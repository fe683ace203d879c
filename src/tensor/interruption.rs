//! The wish to stop what runs (Ctrl-C): long kernels ask between their blocks, and everything else when it ends.

use super::error::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static ASKED: AtomicBool = AtomicBool::new(false);

/// What the error says.
pub const TEXT: &str = "interrupted!";

/// Asks what runs to stop. Allowed in a signal.
pub fn ask() {
    ASKED.store(true, Relaxed);
}

/// Whether it is to stop.
#[inline(always)]
pub fn asked() -> bool {
    ASKED.load(Relaxed)
}

/// Whether it is to stop; the wish is then forgotten.
#[inline(always)]
pub fn take() -> bool {
    asked() && ASKED.swap(false, Relaxed)
}

/// Goes on unless it is to stop.
///
/// # Errors
/// It is.
#[inline]
pub fn check() -> Result<()> {
    if take() { Err(Error::invalid(TEXT)) } else { Ok(()) }
}
