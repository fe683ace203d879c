//! Element types as files name them: Torch7's, and those that become another one when they are read.

use crate::tensor::dtype::DType;

/// What an element of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// One of Torch7's.
    Plain(DType),
    /// A byte that is 0 or 1: read as Byte.
    Bool,
    /// 16 bits without sign: read as Int.
    U16,
    /// 32 bits without sign: read as Long.
    U32,
    /// 64 bits without sign: read as Long; what does not fit wraps.
    U64,
    /// The upper half of a float: read as Float.
    BF16,
}

use DType::{Byte, Char, Double, Float, Half, Int, Long, Short};
use ElementType::{BF16, Bool, Plain, U16, U32, U64};

/// A type with its names in safetensors, in numpy (without the byte order), and as a class of PyTorch's storages (empty
/// where there is none).
const NAMES: &[(ElementType, &str, &str, &str)] = &[
    (Plain(Byte), "U8", "u1", "ByteStorage"),
    (Plain(Char), "I8", "i1", "CharStorage"),
    (Plain(Short), "I16", "i2", "ShortStorage"),
    (Plain(Int), "I32", "i4", "IntStorage"),
    (Plain(Long), "I64", "i8", "LongStorage"),
    (Plain(Half), "F16", "f2", "HalfStorage"),
    (Plain(Float), "F32", "f4", "FloatStorage"),
    (Plain(Double), "F64", "f8", "DoubleStorage"),
    (Bool, "BOOL", "b1", "BoolStorage"),
    (U16, "U16", "u2", ""),
    (U32, "U32", "u4", ""),
    (U64, "U64", "u8", ""),
    (BF16, "BF16", "", "BFloat16Storage"),
];

impl ElementType {
    /// Bytes an element takes in the file.
    pub fn size(self) -> usize {
        match self {
            Plain(t) => t.size(),
            Bool => 1,
            U16 | BF16 => 2,
            U32 => 4,
            U64 => 8,
        }
    }

    /// The type of the tensor that is read.
    pub fn dtype(self) -> DType {
        match self {
            Plain(t) => t,
            Bool => Byte,
            U16 => Int,
            U32 | U64 => Long,
            BF16 => Float,
        }
    }

    fn names(self) -> (&'static str, &'static str, &'static str) {
        NAMES.iter().find(|n| n.0 == self).map_or(("", "", ""), |n| (n.1, n.2, n.3))
    }
    /// The name in safetensors.
    pub fn safetensors(self) -> &'static str {
        self.names().0
    }
    /// The name in numpy, without the byte order; empty where numpy has none.
    pub fn numpy(self) -> &'static str {
        self.names().1
    }
    /// The class of PyTorch's storages; empty where there is none.
    pub fn storage(self) -> &'static str {
        self.names().2
    }
    /// What people call it: `float32`.
    pub fn text(self) -> &'static str {
        match self {
            Plain(Byte) => "uint8",
            Plain(Char) => "int8",
            Plain(Short) => "int16",
            Plain(Int) => "int32",
            Plain(Long) => "int64",
            Plain(Half) => "float16",
            Plain(Float) => "float32",
            Plain(Double) => "float64",
            Bool => "bool",
            U16 => "uint16",
            U32 => "uint32",
            U64 => "uint64",
            BF16 => "bfloat16",
        }
    }

    /// The type that safetensors calls so.
    pub fn of_safetensors(name: &str) -> Option<ElementType> {
        NAMES.iter().find(|n| n.1 == name).map(|n| n.0)
    }
    /// The type that numpy calls so, without the byte order.
    pub fn of_numpy(name: &str) -> Option<ElementType> {
        NAMES.iter().find(|n| n.2 == name && !name.is_empty()).map(|n| n.0)
    }
    /// The type of PyTorch's storages of this class.
    pub fn of_storage(name: &str) -> Option<ElementType> {
        NAMES.iter().find(|n| n.3 == name && !name.is_empty()).map(|n| n.0)
    }
}
