//! The trees of files of tensors by their names: safetensors, numpy's, PyTorch's.

use super::archive::Archive;
use super::element::ElementType;
use super::pickle::{self, Node as Pickled};
use super::tree::{Id, Node, StorageNode, TensorNode, Tree};
use super::{data, input, npy, pth, safetensors};
use crate::demand;
use crate::tensor::error::{Error, Result};
use std::collections::HashMap;
use std::path::Path;

/// A safetensors file: `metadata` and `tensors`.
///
/// # Errors
/// A file that cannot be read; a damaged one.
pub fn safetensors(path: &Path) -> Result<Tree> {
    let (mut file, length) = input::open(path)?;
    let header = safetensors::header(&mut file, length).map_err(|e| input::at_position(e, &mut file))?;
    let mut tree = Tree::default();
    let mut pairs = vec![];
    for item in &header.items {
        let sizes: Vec<u64> = item.sizes.iter().map(|&s| s as u64).collect();
        let id = tree.tensor(item.kind.text(), &sizes, Some(item.place.0), item.place.1)?;
        pairs.push((item.name.as_str(), id));
    }
    let tensors = tree.table(pairs)?;
    tree.root = tensors;
    if !header.metadata.is_empty() {
        let texts = header.metadata.iter().map(|(k, v)| Ok((k.as_str(), tree.text(v)?)));
        let texts = texts.collect::<Result<Vec<_>>>()?;
        let metadata = tree.table(texts)?;
        tree.root = tree.table([("metadata", metadata), ("tensors", tensors)])?;
    }
    Ok(tree)
}

/// One array of numpy.
///
/// # Errors
/// As [`safetensors()`].
pub fn npy(path: &Path) -> Result<Tree> {
    let (mut file, length) = input::open(path)?;
    let header = npy::header(&mut file).map_err(|e| input::at_position(e, &mut file))?;
    let bytes = header.data_bytes()?;
    demand!(
        bytes <= length.saturating_sub(header.length),
        "the array of size {:?} needs {bytes} bytes from position {} on, the file has {length}",
        header.sizes,
        header.length + 1
    );
    let mut tree = Tree::default();
    tree.root = array(&mut tree, &header, Some(header.length), bytes)?;
    Ok(tree)
}

fn array(tree: &mut Tree, header: &npy::Header, at: Option<u64>, bytes: u64) -> Result<Id> {
    let sizes: Vec<u64> = header.sizes.iter().map(|&s| s as u64).collect();
    let class = format!("{}{}", header.kind.text(), if header.big_endian { " (big-endian)" } else { "" });
    tree.tensor(&class, &sizes, at, bytes)
}

/// An archive of numpy's.
///
/// # Errors
/// As [`safetensors()`].
pub fn npz(path: &Path) -> Result<Tree> {
    let mut archive = Archive::open(path)?;
    let mut tree = Tree::default();
    let mut found = vec![];
    for i in 0..archive.len() {
        let (name, mut content) = archive.entry(i)?;
        let key = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        let about = |e: Error| Error::invalid(format!("entry {name}: {e}"));
        let (size, start) = (content.packed, content.start);
        let id = if name.ends_with(".npy") {
            match npy::header(&mut content) {
                Ok(header) => {
                    let before = if start.is_some() { header.length } else { 0 };
                    array(&mut tree, &header, start.map(|s| s + before), size.saturating_sub(before))?
                }
                // arrays of texts and records stand in archives too
                Err(e) if npy::is_foreign(&e) => tree.add(Node::Other(e.to_string()))?,
                Err(e) => return Err(about(e)),
            }
        } else {
            tree.add(Node::Other(format!("{size} bytes")))?
        };
        found.push((key, id));
    }
    tree.root = tree.table(found.iter().map(|(k, v)| (k.as_str(), *v)))?;
    Ok(tree)
}

/// A file of PyTorch.
///
/// # Errors
/// As [`safetensors()`].
pub fn pth(path: &Path) -> Result<Tree> {
    let mut dict = pth::open(path)?;
    let mut places = HashMap::new();
    for s in dict.tree.storages() {
        if !places.contains_key(&s.key) {
            places.insert(s.key.clone(), None);
        }
    }
    for (key, place) in &mut places {
        *place = dict.place(key)?;
    }
    from_pickle(&dict.tree, &places)
}

/// A pickle of other things.
///
/// # Errors
/// As [`safetensors()`].
pub fn pickle(path: &Path) -> Result<Tree> {
    let (file, length) = input::open(path)?;
    demand!(length <= pth::LONGEST, "a pickle of {length} bytes, {} are the most", pth::LONGEST);
    let mut text = vec![];
    std::io::Read::read_to_end(&mut std::io::Read::take(file, length), &mut text).map_err(data::failed)?;
    from_pickle(&pickle::read(&text)?.0, &HashMap::new())
}

/// Where the elements of a storage lie, and how many bytes they take.
type Places = HashMap<String, Option<(Option<u64>, u64)>>;

fn from_pickle(source: &pickle::Tree, places: &Places) -> Result<Tree> {
    let mut tree = Tree::default();
    // nodes keep their places, so that what is shared stays so
    for id in 0..source.len() {
        tree.add(Node::Null)?;
        debug_assert!(tree.len() == id + 1);
    }
    tree.root = source.root;
    for id in 0..source.len() {
        let node = converted(source, id, places, &mut tree)?;
        tree.set(id, node);
    }
    // the storages of one key are one: PyTorch names them again for each tensor
    let mut first = HashMap::new();
    for id in 0..source.len() {
        let Pickled::Tensor(t) = source.node(id) else { continue };
        let (Node::Tensor(node), Pickled::Storage(s)) = (tree.node(id), source.node(t.storage)) else { continue };
        let mut node = node.clone();
        node.storage = Some(*first.entry(s.key.clone()).or_insert(t.storage));
        tree.set(id, Node::Tensor(node));
    }
    Ok(tree)
}

fn converted(source: &pickle::Tree, id: Id, places: &Places, tree: &mut Tree) -> Result<Node> {
    let numbered = |tree: &mut Tree, list: &[Id]| -> Result<Node> {
        let pairs = list.iter().enumerate().map(|(i, &v)| Ok((tree.add(Node::Num(i as f64))?, v)));
        Ok(Node::Table(pairs.collect::<Result<_>>()?))
    };
    Ok(match source.node(id) {
        Pickled::None => Node::Null,
        Pickled::Bool(b) => Node::Bool(*b),
        Pickled::Int(n) => Node::Num(*n as f64),
        Pickled::Long(bytes) => Node::Other(format!("a whole number of {} bytes", bytes.len())),
        Pickled::Float(n) => Node::Num(*n),
        Pickled::Text(t) => Node::Text(t[..t.len().min(4096)].to_vec(), t.len() as u64),
        Pickled::Bytes(b) => Node::Other(format!("{} bytes", b.len())),
        Pickled::Tuple(list) | Pickled::List(list) | Pickled::Set(list) => numbered(tree, list)?,
        Pickled::Dict(pairs) => Node::Table(pairs.clone()),
        Pickled::Global(module, name) => Node::Other(format!("{module}.{name}")),
        Pickled::Object { class, args, state } => {
            let name = source.global(*class).unwrap_or_else(|| "an object".into());
            Node::Object(name, state.unwrap_or(*args))
        }
        Pickled::Outside(_) => Node::Other("a reference out of the file".into()),
        Pickled::Storage(s) => {
            let kind = ElementType::of_storage(&s.class);
            let (at, bytes) = places.get(&s.key).copied().flatten().unwrap_or((None, 0));
            let class = kind.map_or(s.class.clone(), |k| k.text().to_owned());
            Node::Storage(Box::new(StorageNode { class, length: s.length, at, bytes }))
        }
        Pickled::Tensor(t) => {
            let class = match source.node(t.storage) {
                Pickled::Storage(s) => {
                    ElementType::of_storage(&s.class).map_or(s.class.clone(), |k| k.text().to_owned())
                }
                _ => String::new(),
            };
            let storage = Some(t.storage);
            let (sizes, strides) = (t.sizes.clone(), t.strides.clone());
            Node::Tensor(Box::new(TensorNode { class, sizes, strides, offset: t.offset, storage }))
        }
    })
}
