//! Formats of text: what packages cjson, md5 and base64 are made from.

use crate::formats::{Data, bytes, json};
use crate::lua::prelude::*;

/// The value of a text in JSON, or nil and a message.
fn read_json(text: &[u8], max_depth: i64, invalid_numbers: bool) -> Result<Answer<Data>> {
    let options = json::Options { max_depth: max_depth.max(0) as usize, invalid_numbers };
    Ok(Answer(json::parse(text, options).map_err(Error::invalid)))
}

fn md5(data: &[u8]) -> Result<Vec<u8>> {
    Ok(bytes::md5(data).to_vec())
}
fn to_base64(data: &[u8]) -> Result<Vec<u8>> {
    Ok(bytes::to_base64(data))
}
fn from_base64(text: &[u8]) -> Result<Option<Vec<u8>>> {
    Ok(bytes::from_base64(text))
}

/// The rows.
pub static ROWS: &[Op] = &[
    func!("readJson", &[form("text:text maxDepth:long invalidNumbers:bool", any!(read_json))]),
    func!("md5", &[form("data:text", any!(md5))]),
    func!("toBase64", &[form("data:text", any!(to_base64))]),
    func!("fromBase64", &[form("text:text", any!(from_base64))]),
];
