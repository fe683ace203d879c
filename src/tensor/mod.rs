//! The tensor library: pure Rust, knows neither Lua nor nn.
pub mod error;
