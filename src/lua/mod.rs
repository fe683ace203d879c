//! The boundary between Lua and Rust. It names no operation: what can be called is declared in `rows`, and handed in by
//! the host.
pub mod bytecode;
pub mod call;
pub mod column;
pub mod element;
pub mod prelude;
pub mod raw;
pub mod sig;
pub mod table;
