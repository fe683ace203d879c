//! Files of tensors as other programs have them: what `rekindle.models` is made from.

use crate::formats::Data;
use crate::lua::prelude::*;
use crate::models::inspect::inspect;
use crate::models::kind::{self, Kind};
use crate::models::{self, Entry, describe, prototxt};
use crate::system::files::path;

/// The class of lists of tensors on their way to a file.
pub const ENTRIES_CLASS: &str = "rekindle.models.Entries";

/// Tensors with their names, in order.
#[derive(Default)]
pub struct Entries(RefCell<Vec<Entry>>);

objects! { Entries: ENTRIES_CLASS, "Entries"; }

/// Names and tensors of a file, in its order.
fn load(name: &[u8]) -> Result<(Vec<String>, Vec<Tensor>)> {
    Ok(models::load(&path(name))?.into_iter().map(|e| (e.name, e.tensor)).unzip())
}
fn entries() -> Result<Entries> {
    Ok(Entries::default())
}
fn add(list: &Entries, name: &str, tensor: &Tensor) -> Result<()> {
    list.0.borrow_mut().push(Entry { name: name.to_owned(), tensor: tensor.clone() });
    Ok(())
}
fn save(list: &Entries, name: &[u8]) -> Result<()> {
    models::save(&path(name), &list.0.borrow())
}

/// What a file is, what to do with it, and which mode of `torch.load` reads it.
fn kind(name: &[u8]) -> Result<(String, String, String)> {
    let kind = kind::of(&path(name))?;
    let mode = match kind {
        Kind::T7Binary => "binary",
        Kind::T7Ascii => "ascii",
        _ => "",
    };
    Ok((kind.text().into(), kind.advice().into(), mode.into()))
}
fn limit(n: f64) -> usize {
    n.clamp(0.0, 1e9) as usize
}
/// What a file holds, as tables; what it is; its bytes.
fn describe(name: &[u8], most: f64) -> Result<(Data, String, f64)> {
    let found = inspect(&path(name))?;
    Ok((describe::describe(&found.tree, limit(most)), found.kind.text().into(), found.bytes as f64))
}
/// The same as JSON.
fn describe_json(name: &[u8], most: f64) -> Result<Vec<u8>> {
    Ok(inspect(&path(name))?.json(&String::from_utf8_lossy(name), limit(most)))
}
/// The variables of a MATLAB file, and the tensors among them.
fn load_mat(name: &[u8]) -> Result<(Data, Vec<Tensor>)> {
    let path = path(name);
    let mut tensors = vec![];
    let values = models::mat::load(&path).map_err(|e| models::about(&path, &e))?.into_iter();
    let values = values.map(|(name, v)| (name.into_bytes().into(), v.into_data(&mut tensors))).collect();
    Ok((Data::Map(values), tensors))
}
fn prototxt(text: &[u8]) -> Result<Data> {
    prototxt::parse(text)
}

/// Functions.
pub static ROWS: &[Op] = &[
    func!("load", &[form("path:str", any!(load))]),
    func!("entries", &[form("", any!(entries))]),
    func!("kind", &[form("path:str", any!(kind))]),
    func!("describe", &[form("path:str limit:num", any!(describe))]),
    func!("describeJson", &[form("path:str limit:num", any!(describe_json))]),
    func!("loadMat", &[form("path:str", any!(load_mat))]),
    func!("prototxt", &[form("text:str", any!(prototxt))]),
];

/// Methods of a list of tensors.
pub static ENTRIES: &[Op] = &[
    func!("add", &[form("list:object.Entries name:text tensor:tensor", any!(add))]),
    func!("save", &[form("list:object.Entries path:str", any!(save))]),
];
