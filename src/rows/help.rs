//! What the help asks for: the call forms of a function, and the pages of the manual.

use crate::lua::prelude::*;

/// The pages of the manual: name and text.
static MANUAL: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/manual.rs"));

/// What its examples draw: name and bytes of a file.
static PICTURES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/pictures.rs"));

fn usage(name: &str) -> Result<Vec<String>> {
    Ok(super::tables::usage(name))
}
fn pages() -> Result<Vec<String>> {
    Ok(MANUAL.iter().map(|(name, _)| (*name).into()).collect())
}
/// Asked for one by one, so that a state that is not asked carries none.
fn page(name: &str) -> Result<Option<String>> {
    Ok(MANUAL.iter().find(|(n, _)| *n == name).map(|(_, text)| (*text).into()))
}
fn picture(name: &str) -> Result<Option<Vec<u8>>> {
    Ok(PICTURES.iter().find(|(n, _)| *n == name).map(|(_, bytes)| bytes.to_vec()))
}
/// A message about one of a thing, in the singular; one that quotes bytes which are no text stays as it is.
fn singular(text: &[u8]) -> Result<Vec<u8>> {
    Ok(std::str::from_utf8(text)
        .map_or_else(|_| text.to_vec(), |text| crate::tensor::error::singular(text).into_bytes()))
}

/// The rows.
pub static ROWS: &[Op] = &[
    func!("usage", &[form("name:str", any!(usage))]),
    func!("pages", &[form("", any!(pages))]),
    func!("page", &[form("name:str", any!(page))]),
    func!("picture", &[form("name:str", any!(picture))]),
    func!("singular", &[form("text:str", any!(singular))]),
];
