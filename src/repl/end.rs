//! Ctrl-D that was typed while a command ran.
//!
//! The terminal collects lines then, and Ctrl-D ends its input at that place. Once the line editor has the terminal to
//! itself, what is left of that is a byte of zero, as from Ctrl-Space. So what stands at the head of the terminal's input is
//! looked at before each line.

use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, KeyEvent, RepeatCount};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether a zero byte is a Ctrl-D.
#[derive(Clone, Default)]
pub(super) struct End(Arc<AtomicBool>);

impl End {
    /// The key that the zero byte is, and what is done at it.
    pub(super) fn binding(&self) -> (KeyEvent, EventHandler) {
        (KeyEvent::ctrl('@'), EventHandler::Conditional(Box::new(self.clone())))
    }

    /// Looks whether the terminal's input, which still collects lines, has ended.
    pub(super) fn look(&self) {
        if has_ended() {
            self.0.store(true, Relaxed);
        }
    }
}

impl ConditionalEventHandler for End {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        // for nothing at all the editor would wait for a second key
        Some(if context.line().is_empty() && self.0.swap(false, Relaxed) { Cmd::EndOfFile } else { Cmd::Noop })
    }
}

/// Whether there is something to read and it has no bytes.
#[cfg(unix)]
fn has_ended() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let input = rustix::stdio::stdin();
    let mut waiting = [PollFd::new(&input, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut waiting, Some(&at_once)).is_ok_and(|n| n == 1)
        && rustix::io::ioctl_fionread(input).is_ok_and(|bytes| bytes == 0)
}

#[cfg(not(unix))]
fn has_ended() -> bool {
    false
}
