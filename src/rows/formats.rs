//! Formats of text: what packages cjson, md5 and base64 are made from.

use crate::formats::{Data, json};
use crate::lua::prelude::*;

/// The value of a text in JSON, or nil and a message.
fn read_json(text: &[u8], max_depth: i64, invalid_numbers: bool) -> Result<Answer<Data>> {
    let options = json::Options { max_depth: max_depth.max(0) as usize, invalid_numbers };
    Ok(Answer(json::parse(text, options).map_err(Error::invalid)))
}

/// The rows.
pub static ROWS: &[Op] = &[func!("readJson", &[form("text:text maxDepth:long invalidNumbers:bool", any!(read_json))])];
