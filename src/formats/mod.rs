//! Formats of text that packages read and write: they know neither tensors nor Lua.

pub mod bytes;
pub mod json;
pub mod json_text;

/// Nested data as such a format holds it. Names and texts are bytes, as Lua has them.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// What JSON calls null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Num(f64),
    /// A text.
    Text(Box<[u8]>),
    /// Values by their places.
    List(Vec<Data>),
    /// Values by their names; of two with one name the last counts.
    Map(Vec<(Box<[u8]>, Data)>),
}
