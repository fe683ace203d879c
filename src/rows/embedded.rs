//! The Lua files that the binary carries.

use crate::lua::prelude::*;

/// Module name and compiled code.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The code of a file. The list is sorted by paths, which is not quite the order of names.
pub fn code(name: &[u8]) -> Option<&'static [u8]> {
    FILES.iter().find(|(n, _)| n.as_bytes() == name).map(|(_, code)| *code)
}

/// Whether a file is shown by this name: `nn/module.lua` for `nn.module`, `csvigo.lua` for `packages.csvigo`.
pub fn is_shown_as(name: &[u8]) -> bool {
    let Some(name) = name.strip_suffix(b".lua") else { return false };
    let same = |a: &u8, b: &u8| a == b || *a == b'.' && *b == b'/';
    FILES.iter().any(|(n, _)| {
        let n = n.strip_prefix("packages.").unwrap_or(n).as_bytes();
        n.len() == name.len() && n.iter().zip(name).all(|(a, b)| same(a, b))
    })
}

fn has(name: &[u8]) -> Result<bool> {
    Ok(code(name).is_some())
}
/// The file as a function.
fn chunk(name: &[u8]) -> Result<Ret> {
    Ok(code(name).map_or(Ret::Nil, Ret::Code))
}
fn names() -> Result<Vec<String>> {
    Ok(FILES.iter().map(|(name, _)| (*name).into()).collect())
}

/// The rows.
pub static ROWS: &[Op] = &[
    func!("has", &[form("name:text", any!(has))]),
    func!("chunk", &[form("name:text", any!(chunk))]),
    func!("names", &[form("", any!(names))]),
];
