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

impl Data {
    /// The value of this name in an object.
    pub fn get(&self, name: &str) -> Option<&Data> {
        let Data::Map(pairs) = self else { return None };
        pairs.iter().rev().find(|(n, _)| **n == *name.as_bytes()).map(|(_, value)| value)
    }

    /// A text, as letters.
    pub fn text(&self) -> Option<String> {
        if let Data::Text(bytes) = self { Some(String::from_utf8_lossy(bytes).into_owned()) } else { None }
    }

    /// A boolean.
    pub fn bool(&self) -> Option<bool> {
        if let Data::Bool(b) = self { Some(*b) } else { None }
    }

    /// A number.
    pub fn number(&self) -> Option<f64> {
        if let Data::Num(n) = self { Some(*n) } else { None }
    }
}
