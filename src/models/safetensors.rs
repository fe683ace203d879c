//! The format safetensors: a header in JSON that names the tensors, and their elements.
//!
//! Tensors that are one and the same are written under each of their names, so that every program finds them; the
//! header's `__metadata__` says of each further name which one it equals, and what is read shares its memory again.

use super::data;
use super::element::ElementType;
use super::{Entry, input};
use crate::formats::json::{self, Options};
use crate::formats::{Data, json_text};
use crate::tensor::Tensor;
use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;

/// Longest header that is read, as in the reference library.
const LONGEST: u64 = 100_000_000;
const METADATA: &[u8] = b"__metadata__";

/// A tensor as the header tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Its elements.
    pub kind: ElementType,
    /// Its sizes.
    pub sizes: Vec<usize>,
    /// Where its elements begin in the file, and how many bytes they have.
    pub place: (u64, u64),
}

/// All that the header says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The tensors, in the header's order.
    pub items: Vec<Item>,
    /// Texts about the file by their names.
    pub metadata: Vec<(String, String)>,
}

/// Reads the header of a file of so many bytes, and compares its sizes with them.
///
/// # Errors
/// What is no such header, with the position; sizes that do not fit.
pub fn header(from: &mut dyn Read, length: u64) -> Result<Header> {
    let mut size = [0; 8];
    from.read_exact(&mut size).map_err(data::failed)?;
    let size = u64::from_le_bytes(size);
    demand!(
        size <= LONGEST.min(length.saturating_sub(8)),
        "safetensors: position 1 says that the header has {size} bytes, the file has {length}"
    );
    let mut text = vec![];
    from.take(size).read_to_end(&mut text).map_err(data::failed)?;
    let options = Options { max_depth: 8, invalid_numbers: false };
    let data =
        json::parse(&text, options).map_err(|e| Error::invalid(format!("safetensors, header from position 9: {e}")))?;
    let Data::Map(pairs) = data else { refuse!("safetensors, position 9: expected an object") };
    let mut header = Header::default();
    for (name, value) in pairs {
        if *name == *METADATA {
            header.metadata = texts(value);
            continue;
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        let item = item(&name, &value, 8 + size);
        header.items.push(item.map_err(|e| Error::invalid(format!("safetensors, tensor '{name}': {e}")))?);
    }
    whole(&header.items, 8 + size, length)?;
    Ok(header)
}

fn texts(value: Data) -> Vec<(String, String)> {
    let Data::Map(pairs) = value else { return vec![] };
    let text = |t: &[u8]| String::from_utf8_lossy(t).into_owned();
    pairs
        .into_iter()
        .filter_map(|(k, v)| if let Data::Text(v) = v { Some((text(&k), text(&v))) } else { None })
        .collect()
}

fn item(name: &str, value: &Data, start: u64) -> Result<Item> {
    let Data::Map(fields) = value else { refuse!("expected an object") };
    let field = |name: &[u8]| fields.iter().find(|(n, _)| **n == *name).map(|(_, v)| v);
    let Some(Data::Text(kind)) = field(b"dtype") else { refuse!("expected a text 'dtype'") };
    let kind = String::from_utf8_lossy(kind);
    let kind = ElementType::of_safetensors(&kind)
        .ok_or_else(|| Error::invalid(format!("elements of type {kind} cannot be a tensor's")))?;
    let sizes = numbers(field(b"shape"), "shape")?;
    let offsets = numbers(field(b"data_offsets"), "data_offsets")?;
    let [from, to] = offsets[..] else { refuse!("expected two numbers 'data_offsets'") };
    let sizes: Vec<usize> = sizes.into_iter().map(|s| s as usize).collect();
    let bytes = data::bytes_of(kind, &sizes)?;
    demand!(
        to.checked_sub(from) == Some(bytes),
        "{} elements of size {sizes:?} need {bytes} bytes, data_offsets are {from} and {to}",
        kind.safetensors()
    );
    Ok(Item { name: name.to_owned(), kind, sizes, place: (start + from, bytes) })
}

fn numbers(value: Option<&Data>, name: &str) -> Result<Vec<u64>> {
    let Some(Data::List(list)) = value else { refuse!("expected a list '{name}'") };
    // the largest whole number that is certain in JSON
    let number = |v: &Data| match *v {
        Data::Num(n) if (0.0..=9_007_199_254_740_992.0).contains(&n) && n.fract() == 0.0 => Some(n as u64),
        _ => None,
    };
    let all: Option<Vec<u64>> = list.iter().map(number).collect();
    all.ok_or_else(|| Error::invalid(format!("expected whole numbers from 0 on in '{name}'")))
}

/// The elements fill the file behind the header, without a gap and without an overlap.
fn whole(items: &[Item], start: u64, length: u64) -> Result<()> {
    let mut places: Vec<(u64, u64, &str)> = items.iter().map(|i| (i.place.0, i.place.1, i.name.as_str())).collect();
    places.sort_unstable();
    let mut at = start;
    for (from, bytes, name) in places {
        demand!(
            from == at,
            "safetensors: the elements of '{name}' begin at position {}, those before end at {at}",
            from + 1
        );
        at = from.saturating_add(bytes);
        demand!(at <= length, "safetensors: the elements of '{name}' end at position {at}, the file at {length}");
    }
    demand!(at == length, "safetensors: the file has {length} bytes, its header speaks of {at}");
    Ok(())
}

/// The tensors of a file, in the header's order.
///
/// # Errors
/// A file that cannot be read, what is no such file.
pub fn load(path: &Path) -> Result<Vec<Entry>> {
    let (mut file, length) = input::open(path)?;
    let header = header(&mut file, length).map_err(|e| input::at_position(e, &mut file))?;
    let same: HashMap<&str, &str> = header.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    // in the order of the file
    let mut order: Vec<usize> = (0..header.items.len()).collect();
    order.sort_by_key(|&i| header.items[i].place);
    let mut tensors: HashMap<&str, Tensor> = HashMap::new();
    let mut at = header.items.iter().map(|i| i.place.0).min().unwrap_or(0);
    for &i in &order {
        let item = &header.items[i];
        debug_assert_eq!(at, item.place.0);
        at += item.place.1;
        let mut from = (&mut file).take(item.place.1);
        let tensor = data::read_tensor(&mut from, item.kind, false, &item.sizes, false)
            .map_err(|e| Error::invalid(format!("safetensors, tensor '{}': {e}", item.name)))?;
        tensors.insert(&item.name, tensor);
    }
    let shared: Vec<(&str, Tensor)> = (header.items.iter())
        .filter_map(|i| {
            let (kept, own) = (tensors.get(*same.get(i.name.as_str())?)?, tensors.get(i.name.as_str())?);
            (kept.dtype() == own.dtype() && kept.same_size(own)).then(|| (i.name.as_str(), kept.clone()))
        })
        .collect();
    tensors.extend(shared);
    let entry = |i: &Item| Some(Entry { name: i.name.clone(), tensor: tensors.get(i.name.as_str())?.clone() });
    Ok(header.items.iter().filter_map(entry).collect())
}

/// Writes tensors, in their order in the header; the elements lie by their size, so that all are aligned.
///
/// # Errors
/// Those of the system; a name twice; a tensor under the name that the format keeps for itself.
pub fn save(path: &Path, entries: &[Entry]) -> Result<()> {
    demand!(
        entries.iter().all(|e| e.name.as_bytes() != METADATA),
        "<{}>: safetensors keeps the name '__metadata__' for itself; give the tensor another one",
        path.display()
    );
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(entries[i].tensor.dtype().size()));
    let mut places = vec![(0, 0); entries.len()];
    let mut at = 0;
    for &i in &order {
        let end = at + data::bytes_of(data::type_of(&entries[i].tensor), &data::sizes_of(&entries[i].tensor))?;
        places[i] = (at, end);
        at = end;
    }
    let text = header_of(entries, &places);
    super::output::save(path, |out| {
        out.write_all(&(text.len() as u64).to_le_bytes()).map_err(data::failed)?;
        out.write_all(&text).map_err(data::failed)?;
        order.iter().try_for_each(|&i| data::write(out, &entries[i].tensor))
    })
}

fn header_of(entries: &[Entry], places: &[(u64, u64)]) -> Vec<u8> {
    let list = |n: &[u64]| Data::List(n.iter().map(|&n| Data::Num(n as f64)).collect());
    let text = |t: &str| Data::Text(t.as_bytes().into());
    let key = |t: &str| t.as_bytes().into();
    let aliases = super::aliases(entries);
    let mut metadata = vec![(key("format"), text("pt"))];
    metadata.extend(aliases.iter().map(|&(i, kept)| (key(&entries[i].name), text(&entries[kept].name))));
    let mut pairs = vec![(METADATA.into(), Data::Map(metadata))];
    for (entry, place) in entries.iter().zip(places) {
        let sizes: Vec<u64> = data::sizes_of(&entry.tensor).iter().map(|&s| s as u64).collect();
        let fields = vec![
            (key("dtype"), text(data::type_of(&entry.tensor).safetensors())),
            (key("shape"), list(&sizes)),
            (key("data_offsets"), list(&[place.0, place.1])),
        ];
        pairs.push((key(&entry.name), Data::Map(fields)));
    }
    let mut header = json_text::write(&Data::Map(pairs));
    header.resize(header.len().next_multiple_of(8), b' ');
    header
}
