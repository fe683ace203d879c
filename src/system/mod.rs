//! stub
pub mod lua;
