//! Files of tensors as other programs have them: what `rekindle.models` is made from.

use crate::lua::call::{Arg, Val, held};
use crate::lua::prelude::*;
use crate::models::{self, Entry};
use crate::system::files::path;

/// The class of lists of tensors on their way to a file.
pub const ENTRIES_CLASS: &str = "rekindle.models.Entries";

/// Tensors with their names, in order.
#[derive(Default)]
pub struct Entries(RefCell<Vec<Entry>>);

impl Foreign for Entries {
    fn class(&self) -> &'static str {
        ENTRIES_CLASS
    }
    fn kind() -> &'static str {
        "Entries"
    }
}

impl<'a> Arg<'a> for &'a Entries {
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        held(c[0])
    }
}

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

/// Functions.
pub static ROWS: &[Op] =
    &[func!("load", &[form("path:str", any!(load))]), func!("entries", &[form("", any!(entries))])];

/// Methods of a list of tensors.
pub static ENTRIES: &[Op] = &[
    func!("add", &[form("list:object.Entries name:text tensor:tensor", any!(add))]),
    func!("save", &[form("list:object.Entries path:str", any!(save))]),
];
