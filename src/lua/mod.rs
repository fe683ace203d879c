//! The boundary between Lua and Rust. It names no operation: what can be called is declared in `rows`.
pub mod call;
pub mod column;
pub mod element;
pub mod file;
pub mod host;
pub mod native;
pub mod prelude;
mod probe;
pub mod raw;
pub mod sig;
pub mod table;

#[cfg(test)]
mod device_tests;
