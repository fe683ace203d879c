//! The bytes and the text of Torch7's files; runs no Lua.
pub mod number;
pub mod stream;
