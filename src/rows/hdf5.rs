//! HDF5 files: what package hdf5 is made from.

use crate::lua::prelude::*;
use crate::models::hdf5::{Hdf5, Item, Options};
use crate::system::files::path;

/// The class of open files.
pub const CLASS: &str = "hdf5.Handle";

objects! { Hdf5: CLASS, "Hdf5"; }

fn open(name: &[u8], mode: &str) -> Result<Hdf5> {
    Hdf5::open(&path(name), mode)
}
fn close(f: &Hdf5) -> Result<()> {
    f.close()
}
fn is_open(f: &Hdf5) -> Result<bool> {
    Ok(f.is_open())
}
/// What stands under a path (`group`, `tensor`, `texts`, `other`), the class of its tensors, and its sizes.
fn item(f: &Hdf5, path: &str) -> Result<Option<Vec<Ret>>> {
    let sizes = |s: &[u64]| Ret::Dims(Dims(s.iter().map(|&n| n as i64).collect()));
    let word = |t: &str| Ret::Str(t.into());
    Ok(f.item(path)?.map(|item| match item {
        Item::Group => vec![word("group")],
        Item::Tensor(kind, s) => {
            vec![word("tensor"), word(crate::tensor::class::TensorClass::from(kind.dtype()).tensor_name()), sizes(&s)]
        }
        Item::Texts(s) => vec![word("texts"), word("string"), sizes(&s)],
        Item::Other(what) => vec![word("other"), word(&what)],
    }))
}
fn names(f: &Hdf5, path: &str) -> Result<(Vec<String>, Vec<String>)> {
    f.names(path)
}
/// All elements, or those between pairs of places, both included and counted from 1.
fn read(f: &Hdf5, path: &str, places: Option<&Storage>) -> Result<Tensor> {
    let places = places.map_or(vec![], |s| s.to_vec::<i64>(0, s.len()));
    let mut ranges = vec![];
    for pair in places.chunks(2) {
        let [from, to] = pair else { refuse!("expected pairs of places") };
        demand!(*from >= 1 && to >= from, "expected a range from 1 on, got {from} to {to}");
        ranges.push((*from as usize - 1, *to as usize));
    }
    f.read(path, &ranges)
}
fn texts(f: &Hdf5, path: &str) -> Result<Vec<String>> {
    f.texts(path)
}
fn write(f: &Hdf5, path: &str, x: &Tensor, chunks: &Storage, deflate: i64) -> Result<()> {
    let chunks = chunks.to_vec::<i64>(0, chunks.len());
    let chunks = chunks.iter().map(|&n| n.max(0) as u64).collect();
    f.write(path, x, &Options { chunks, deflate: deflate.clamp(0, 9) as u32, growing: false })
}
fn write_text(f: &Hdf5, path: &str, text: &str) -> Result<()> {
    f.write_text(path, text)
}
fn replace(f: &Hdf5, path: &str, x: &Tensor) -> Result<()> {
    f.replace(path, x)
}
fn make_group(f: &Hdf5, path: &str) -> Result<()> {
    f.make_groups(path, true)
}
fn remove(f: &Hdf5, path: &str) -> Result<()> {
    f.remove(path)
}

/// Makers of open files.
pub static CONSTRUCTORS: &[Op] = &[func!("open", &[form("path:str mode:str", any!(open))])];

/// Methods of open files.
pub static FILE: &[Op] = &[
    func!("close", &[form("f:object.Hdf5", any!(close))]),
    func!("isOpen", &[form("f:object.Hdf5", any!(is_open))]),
    func!("item", &[form("f:object.Hdf5 path:str", any!(item))]),
    func!("names", &[form("f:object.Hdf5 path:str", any!(names))]),
    func!("read", &[form("f:object.Hdf5 path:str places:LongStorage=nil", any!(read))]),
    func!("texts", &[form("f:object.Hdf5 path:str", any!(texts))]),
    func!("write", &[form("f:object.Hdf5 path:str x:tensor chunks:LongStorage deflate:long", any!(write))]),
    func!("writeText", &[form("f:object.Hdf5 path:str text:str", any!(write_text))]),
    func!("replace", &[form("f:object.Hdf5 path:str x:tensor", any!(replace))]),
    func!("makeGroup", &[form("f:object.Hdf5 path:str", any!(make_group))]),
    func!("remove", &[form("f:object.Hdf5 path:str", any!(remove))]),
];
