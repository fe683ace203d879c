//! Texts from thread to thread, in order.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

struct Inside {
    texts: Mutex<VecDeque<Vec<u8>>>,
    changed: Condvar,
    room: usize,
}

/// A queue with room for so many texts.
#[derive(Clone)]
pub struct Queue(Arc<Inside>);

impl Queue {
    /// An empty one.
    pub fn new(room: usize) -> Queue {
        Queue(Arc::new(Inside { texts: Mutex::default(), changed: Condvar::new(), room: room.max(1) }))
    }

    /// Puts a text at the end; whether there was room within this time.
    pub fn push(&self, text: &[u8], patience: Duration) -> bool {
        let texts = self.0.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |texts: &mut VecDeque<Vec<u8>>| texts.len() >= self.0.room;
        let waited = self.0.changed.wait_timeout_while(texts, patience, full);
        let (mut texts, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let fits = texts.len() < self.0.room;
        if fits {
            texts.push_back(text.to_vec());
            self.0.changed.notify_all();
        }
        fits
    }

    /// Takes the first text; nothing where none came within this time.
    pub fn pop(&self, patience: Duration) -> Option<Vec<u8>> {
        let texts = self.0.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.changed.wait_timeout_while(texts, patience, |texts| texts.is_empty());
        let (mut texts, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let first = texts.pop_front();
        if first.is_some() {
            self.0.changed.notify_all();
        }
        first
    }

    /// How many texts are in it.
    pub fn len(&self) -> usize {
        self.0.texts.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many it takes.
    pub fn room(&self) -> usize {
        self.0.room
    }

    /// An address that is the same for all handles.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}
