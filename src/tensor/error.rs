//! The one error type of the numeric core: what went wrong, with the shapes that met.
//!
//! An error does not name the function that a user called: a kernel does not know it, since several functions may share
//! a kernel. The boundary puts that name in front, unless the text [names its subject](Error::is_named) itself.

use std::fmt::Display;

/// Result of every operation of the core.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation refused. One pointer wide, so that results travel in registers: a small call spends more on moving
/// a larger one than on its numbers.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(Box<Kind>);

/// What a tensor operation can refuse. The text is what a Lua program sees; the boundary adds position and function.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Kind {
    /// Two operands have to hold the same number of elements and do not.
    #[error("inconsistent tensor size, expected operands {lhs} and {rhs} to have the same number of elements")]
    SizeMismatch {
        /// The kernel's operation.
        op: &'static str,
        /// Shape of the first operand, printed like `[2 x 3]`.
        lhs: String,
        /// Shape of the second operand.
        rhs: String,
    },
    /// A dimension that the tensor does not have. Counted from 1 in the text, as Lua does.
    #[error("dimension {dim} out of range of {ndim}D tensor")]
    Dimension {
        /// The kernel's operation.
        op: &'static str,
        /// The dimension asked for, from 1.
        dim: i64,
        /// How many the tensor has.
        ndim: usize,
    },
    /// An index outside its dimension. Counted from 1 in the text.
    #[error("index {index} out of range, dimension {dim} has {size} elements")]
    Index {
        /// The kernel's operation.
        op: &'static str,
        /// The index asked for, from 1.
        index: i64,
        /// The dimension, from 1.
        dim: usize,
        /// Its size.
        size: usize,
    },
    /// An argument with a value or shape that the operation cannot take.
    #[error("{0}")]
    Invalid(String),
    /// As [`Kind::Invalid`], where the text says which function or class it is about.
    #[error("{0}")]
    Named(String),
    /// The tensor's view reaches outside its storage (the storage was made smaller under it).
    #[error("tensor reaches element {needed} of a storage that has only {len}")]
    OutOfStorage {
        /// Elements the view needs.
        needed: usize,
        /// Elements the storage has.
        len: usize,
    },
    /// Memory that a result of the same call has.
    #[error("tensor {shape} shares memory with another result of the same call; give each result memory of its own")]
    InUse {
        /// The tensor's shape.
        shape: String,
    },
    /// More memory than can be had.
    #[error("not enough memory: cannot allocate {bytes} bytes")]
    Memory {
        /// The size asked for.
        bytes: usize,
    },
}

impl Error {
    /// An [`Kind::Invalid`] from any text.
    #[cold]
    pub fn invalid(text: impl Into<String>) -> Self {
        Kind::Invalid(text.into()).into()
    }

    /// A [`Kind::Named`] `subject: text`, for what is not about the function that the user called.
    #[cold]
    pub fn about(subject: impl Display, text: impl Display) -> Self {
        Kind::Named(format!("{subject}: {text}")).into()
    }

    /// A [`Kind::Named`] from a text that names its subject.
    #[cold]
    pub fn named(text: impl Into<String>) -> Self {
        Kind::Named(text.into()).into()
    }

    /// What was refused.
    pub fn kind(&self) -> &Kind {
        &self.0
    }

    /// Whether the text says which function or class it is about, so that nobody needs to put a name in front.
    pub fn is_named(&self) -> bool {
        matches!(*self.0, Kind::Named(_))
    }
}

impl From<Kind> for Error {
    #[cold]
    #[inline(never)]
    fn from(kind: Kind) -> Self {
        Error(Box::new(kind))
    }
}

/// What messages count, where there may be one of it.
const COUNTED: [&str; 21] = [
    "arguments",
    "bytes",
    "centers",
    "channels",
    "classes",
    "columns",
    "dimensions",
    "elements",
    "entries",
    "features",
    "indices",
    "inputs",
    "modules",
    "outputs",
    "planes",
    "predictions",
    "rows",
    "samples",
    "targets",
    "tensors",
    "weights",
];

/// A message with `1 elements` made to read `1 element`, so that who writes one need not ask how many there are.
#[cold]
pub fn singular(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    let mut owned = Vec::with_capacity(2);
    for i in 1..words.len() {
        let noun = words[i].trim_end_matches(|c: char| !c.is_alphanumeric());
        if !matches!(words[i - 1].trim_start_matches('('), "1") || !COUNTED.contains(&noun) {
            continue;
        }
        let one = match noun {
            "classes" => "class".to_string(),
            "indices" => "index".to_string(),
            _ => match noun.strip_suffix("ies") {
                Some(stem) => format!("{stem}y"),
                None => noun.trim_end_matches('s').to_string(),
            },
        };
        owned.push((i, one + &words[i][noun.len()..]));
    }
    for (i, word) in &owned {
        words[*i] = word;
    }
    words.join(" ")
}

/// Returns early with an error made by `format!`: an [`Kind::Invalid`], or with `in subject` a [`Kind::Named`].
///
/// ```
/// # use rekindle::{refuse, tensor::error::Result};
/// fn halve(n: i64) -> Result<i64> {
///     if n % 2 == 1 {
///         refuse!("expected an even number, got {n}");
///     }
///     Ok(n / 2)
/// }
/// assert_eq!(halve(3).unwrap_err().to_string(), "expected an even number, got 3");
/// ```
#[macro_export]
macro_rules! refuse {
    (in $subject:expr, $($arg:tt)*) => {
        return Err($crate::tensor::error::Error::about($subject, format_args!($($arg)*)))
    };
    ($($arg:tt)*) => { return Err($crate::tensor::error::Error::invalid(format!($($arg)*))) };
}

/// Returns early with [`refuse!`] unless the condition holds.
#[macro_export]
macro_rules! demand {
    ($cond:expr, $($arg:tt)*) => {{
        let holds: bool = $cond;
        if !holds {
            $crate::refuse!($($arg)*)
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::singular;

    #[test]
    fn one_of_a_thing_is_told_in_the_singular() {
        for (text, expected) in [
            ("target of 1 entries expected, got [2]", "target of 1 entry expected, got [2]"),
            ("1 planes, 11 planes, 1 indices; 1 classes.", "1 plane, 11 planes, 1 index; 1 class."),
            ("module 1 gives 0 elements", "module 1 gives 0 elements"),
            ("a\n1 rows  (1 columns)", "a\n1 rows  (1 column)"),
            ("", ""),
        ] {
            assert_eq!(singular(text), expected);
        }
    }
}
