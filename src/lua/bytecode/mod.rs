//! Checks compiled Lua functions before LuaJIT loads them.
//!
//! `string.dump` and `.t7` files hold LuaJIT's bytecode, which LuaJIT loads and runs as it is: a changed byte makes it
//! read and write outside its memory, or take gigabytes. [`check`] walks a dump once and lets through only what
//! LuaJIT can load and run without leaving its memory: sizes against the bytes that are there ([`dump`]), operands
//! against the frame, the constants and the upvalues, and, following every path, what instructions take on trust: that
//! a slot holds a table, that a loop's counters are numbers, that a call left a list of results, that no upvalue points
//! at a slot which another function's frame takes over ([`flow`]). Functions as LuaJIT compiles them keep all of it.
//!
//! What a checked function computes may still be nonsense. It is that of the file's author, as everything in a file with
//! functions.

mod dump;
mod flow;
pub mod opcode;

/// The first byte of compiled functions.
pub const SIGNATURE: u8 = 0x1b;

/// Why bytes are not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Compiled by another kind of LuaJIT (or by another Lua): LuaJIT refuses it itself, with a message of its own.
    Foreign,
    /// Damaged: what is wrong, in the words of the format.
    Damaged(String),
}

/// Whether LuaJIT can load these bytes, which begin with [`SIGNATURE`].
///
/// # Errors
/// What is wrong with them. Sizes are in bytes, slots and instructions count from 0.
pub fn check(bytes: &[u8]) -> Result<(), Refusal> {
    dump::walk(bytes, &flow::check)
}

/// A refusal of damaged bytes.
fn damaged(text: impl Into<String>) -> Refusal {
    Refusal::Damaged(text.into())
}

/// A condition that whole bytecode keeps.
macro_rules! keep {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::lua::bytecode::damaged(format!($($text)+)));
        }
    };
}
use keep;
