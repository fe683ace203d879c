//! The one error type of the numeric core: what went wrong, in which operation, with the shapes that met.

/// Result of every operation of the core.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation refused. One pointer wide, so that results travel in registers: a small call spends more on moving
/// a larger one than on its numbers.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(Box<Kind>);

/// What a tensor operation can refuse. The text is what a Lua program sees; the boundary adds the position.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Kind {
    /// Two operands have to hold the same number of elements and do not.
    #[error("inconsistent tensor size, expected {op} operands {lhs} and {rhs} to have the same number of elements")]
    SizeMismatch {
        /// The operation's name.
        op: &'static str,
        /// Shape of the first operand, printed like `[2 x 3]`.
        lhs: String,
        /// Shape of the second operand.
        rhs: String,
    },
    /// A dimension that the tensor does not have. Counted from 1 in the text, as Lua does.
    #[error("{op}: dimension {dim} out of range of {ndim}D tensor")]
    Dimension {
        /// The operation's name.
        op: &'static str,
        /// The dimension asked for, from 1.
        dim: i64,
        /// How many the tensor has.
        ndim: usize,
    },
    /// An index outside its dimension. Counted from 1 in the text.
    #[error("{op}: index {index} out of range, dimension {dim} has {size} elements")]
    Index {
        /// The operation's name.
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

    /// What was refused.
    pub fn kind(&self) -> &Kind {
        &self.0
    }
}

impl From<Kind> for Error {
    #[cold]
    #[inline(never)]
    fn from(kind: Kind) -> Self {
        Error(Box::new(kind))
    }
}

/// Returns early with an [`Kind::Invalid`] made by `format!`.
#[macro_export]
macro_rules! refuse {
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
