//! Objects that several Lua states see, each on a thread of its own: what packages `tds`, `threads` and `ipc` are made from.
//!
//! Everything here may be used from any thread. Tensors are in it as [crossings](crate::tensor::storage::Crossing), so
//! that nobody reaches their elements without holding them.

mod collections;
mod mailbox;
mod park;
mod queue;
pub mod socket;
mod sync;

pub use collections::{Counter, Hash, Key, List};
pub use mailbox::{Gate, Mailbox, State};
pub use park::{claim, park};
pub use queue::Queue;
pub use sync::{Condition, Mutex, Running, start, start_with};

use crate::tensor::Tensor;
use crate::tensor::class::TensorClass;
use crate::tensor::error::Result;
use crate::tensor::layout::Layout;
use crate::tensor::storage::Crossing;

/// A value that is nobody's in particular.
#[derive(Clone)]
pub enum Value {
    /// Nothing.
    Nil,
    /// A boolean.
    Bool(bool),
    /// A number.
    Num(f64),
    /// A text.
    Text(std::sync::Arc<[u8]>),
    /// A tensor: its elements are shared, its shape is that of when it was put here.
    Tensor(TensorClass, Option<(Crossing, Box<Layout>)>),
    /// A storage.
    Storage(Crossing),
    /// Pairs.
    Hash(Hash),
    /// Values by their places.
    List(List),
    /// A counter.
    Counter(Counter),
    /// A queue.
    Queue(Queue),
    /// A mailbox.
    Mailbox(Mailbox),
    /// A gate.
    Gate(Gate),
    /// A connection.
    Connection(socket::Connection),
    /// Pairs that look like a table.
    Table(Hash),
    /// An object as a text, and what it holds that is not copied.
    Parcel(List),
}

impl Value {
    /// A tensor, whose storage other threads can reach from now on.
    ///
    /// # Errors
    /// A tensor that is being computed with.
    pub fn of_tensor(t: &Tensor) -> Result<Value> {
        let parts = match t.storage() {
            Some(s) => Some((Crossing::new(&s)?, Box::new(t.layout()))),
            None => None,
        };
        Ok(Value::Tensor(t.class(), parts))
    }

    /// A tensor again, over the same storage.
    pub fn tensor(class: TensorClass, parts: Option<(Crossing, Box<Layout>)>) -> Tensor {
        parts.map_or_else(|| Tensor::empty(class), |(s, layout)| Tensor::over(s.arrive(), *layout))
    }
}
