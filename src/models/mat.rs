//! MATLAB's files of version 5: arrays, texts, structures and cells, packed or not. Version 7.3 is HDF5.

use super::data;
use super::element::ElementType;
use super::tree::{Id, Node, Tree};
use super::{Entry, input};
use crate::formats::Data;
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::error::{Error, Result};
use crate::tensor::layout::Layout;
use crate::tensor::ops::copy;
use crate::{demand, refuse};
use flate2::read::ZlibDecoder;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Deepest structure.
const DEEPEST: usize = 32;
/// The most that a byte can become when it is inflated.
const MOST: u64 = 1032;

/// Types of elements in a file, by their numbers.
fn stored_type(number: u32) -> Option<ElementType> {
    use DType::{Byte, Char, Double, Float, Int, Long, Short};
    Some(match number {
        1 => ElementType::Plain(Char),
        2 | 16 => ElementType::Plain(Byte),
        3 => ElementType::Plain(Short),
        4 | 17 => ElementType::U16,
        5 => ElementType::Plain(Int),
        6 | 18 => ElementType::U32,
        7 => ElementType::Plain(Float),
        9 => ElementType::Plain(Double),
        12 => ElementType::Plain(Long),
        13 => ElementType::U64,
        _ => return None,
    })
}

/// The class of an array: its tensor's type, by the class's number. Types without sign become the next wider one, so
/// that no value changes.
fn class_type(class: u32) -> Option<DType> {
    Some(match class {
        6 => DType::Double,
        7 => DType::Float,
        8 => DType::Char,
        9 => DType::Byte,
        10 => DType::Short,
        11 | 12 => DType::Int,
        13..=15 => DType::Long,
        _ => return None,
    })
}

/// A variable.
#[derive(Debug, Clone)]
pub enum Value {
    /// Numbers; the first index is the row, as in MATLAB.
    Tensor(Tensor),
    /// Characters: the rows of a text one after another, and its sizes.
    Text(Vec<u8>, Vec<usize>),
    /// Cells, in MATLAB's order.
    Cells(Vec<Value>),
    /// Fields with their names; one list for each element of an array of structures.
    Struct(Vec<Vec<(String, Value)>>),
    /// What this reader does not know: its words.
    Other(String),
}

/// An element of a file: its type, its bytes, and where they lie.
struct Part<'a> {
    kind: u32,
    data: &'a [u8],
}

/// Elements one after another in memory.
struct Parts<'a> {
    data: &'a [u8],
    at: usize,
    big: bool,
}

impl<'a> Parts<'a> {
    fn u32(&self, at: usize) -> Option<u32> {
        let b = self.data.get(at..at + 4)?;
        let b = [b[0], b[1], b[2], b[3]];
        Some(if self.big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
    }

    fn next(&mut self) -> Result<Option<Part<'a>>> {
        if self.at >= self.data.len() {
            return Ok(None);
        }
        let cut = || Error::invalid(format!("an element is cut off at byte {}", self.at));
        let tag = self.u32(self.at).ok_or_else(cut)?;
        // up to four bytes stand in the tag itself
        let (kind, n, from, next) = match tag >> 16 {
            0 => {
                let n = self.u32(self.at + 4).ok_or_else(cut)? as usize;
                (tag, n, self.at + 8, (self.at + 8).saturating_add(n).next_multiple_of(8))
            }
            n => (tag & 0xffff, n as usize, self.at + 4, self.at + 8),
        };
        let data = from.checked_add(n).and_then(|end| self.data.get(from..end)).ok_or_else(cut)?;
        self.at = next;
        Ok(Some(Part { kind, data }))
    }

    fn need(&mut self, what: &str) -> Result<Part<'a>> {
        self.next()?.ok_or_else(|| Error::invalid(format!("{what} is missing")))
    }

    fn ints(&self, part: &Part) -> Vec<u32> {
        let inner = Parts { data: part.data, at: 0, big: self.big };
        (0..part.data.len() / 4).filter_map(|i| inner.u32(4 * i)).collect()
    }
}

/// Reads a matrix: its name and value.
fn matrix(data: &[u8], big: bool, depth: usize) -> Result<(String, Value)> {
    demand!(depth <= DEEPEST, "arrays nested deeper than {DEEPEST}");
    if data.is_empty() {
        // an empty cell
        return Ok((String::new(), Value::Tensor(Tensor::empty(DType::Double))));
    }
    let mut parts = Parts { data, at: 0, big };
    let flags = parts.need("the flags of an array")?;
    let flags = parts.ints(&flags).first().copied().unwrap_or(0);
    let (class, complex) = (flags & 0xff, flags & 0x800 != 0);
    let dims = parts.need("the sizes of an array")?;
    let dims: Vec<usize> = parts.ints(&dims).into_iter().map(|n| n as usize).collect();
    let name = parts.need("the name of an array")?;
    let name = String::from_utf8_lossy(name.data).into_owned();
    let count = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let count = count.ok_or_else(|| Error::invalid(format!("'{name}' has the sizes {dims:?}")))?;
    let value = match class {
        1 => Value::Cells(cells(&mut parts, count, big, depth)?),
        2 => structure(&mut parts, count, big, depth)?,
        4 => characters(&mut parts, &dims, count)?,
        _ if complex => Value::Other("complex numbers".into()),
        5 => Value::Other("a sparse matrix".into()),
        _ => match class_type(class) {
            Some(dtype) => Value::Tensor(
                numbers(&mut parts, &dims, count, dtype).map_err(|e| Error::invalid(format!("'{name}': {e}")))?,
            ),
            None => Value::Other(format!("an array of class {class}")),
        },
    };
    Ok((name, value))
}

fn cells(parts: &mut Parts, count: usize, big: bool, depth: usize) -> Result<Vec<Value>> {
    let mut found = vec![];
    for _ in 0..count {
        let part = parts.need("a cell")?;
        demand!(part.kind == 14, "a cell of type {}", part.kind);
        found.push(matrix(part.data, big, depth + 1)?.1);
    }
    Ok(found)
}

fn structure(parts: &mut Parts, count: usize, big: bool, depth: usize) -> Result<Value> {
    let width = parts.need("the length of names")?;
    let width = parts.ints(&width).first().copied().unwrap_or(0) as usize;
    let names = parts.need("the names of fields")?;
    demand!(width > 0, "names of fields without a length");
    let text = |n: &[u8]| String::from_utf8_lossy(&n[..n.iter().position(|&b| b == 0).unwrap_or(n.len())]).into_owned();
    let names: Vec<String> = names.data.chunks(width).map(text).collect();
    let mut found = vec![];
    for _ in 0..count {
        // fields are there, so that no count makes elements out of nothing
        demand!(!names.is_empty(), "an array of {count} structures without fields");
        let mut fields = vec![];
        for name in &names {
            let part = parts.need("a field")?;
            demand!(part.kind == 14, "field '{name}' of type {}", part.kind);
            fields.push((name.clone(), matrix(part.data, big, depth + 1)?.1));
        }
        found.push(fields);
    }
    Ok(Value::Struct(found))
}

fn characters(parts: &mut Parts, dims: &[usize], count: usize) -> Result<Value> {
    let part = if count == 0 { Part { kind: 2, data: &[] } } else { parts.need("characters")? };
    let codes: Vec<char> = match part.kind {
        // UTF-8, and bytes as they are
        16 | 1 | 2 => String::from_utf8_lossy(part.data).chars().collect(),
        4 | 17 => {
            let unit =
                |b: &[u8]| if parts.big { u16::from_be_bytes([b[0], b[1]]) } else { u16::from_le_bytes([b[0], b[1]]) };
            char::decode_utf16(part.data.chunks_exact(2).map(unit)).map(|c| c.unwrap_or('?')).collect()
        }
        kind => refuse!("characters of type {kind}"),
    };
    let (rows, columns) = (dims.first().copied().unwrap_or(1).max(1), codes.len());
    let columns = columns / rows;
    // columns lie one after another
    let text: String =
        (0..rows).flat_map(|r| (0..columns).map(move |c| c * rows + r)).filter_map(|i| codes.get(i)).collect();
    Ok(Value::Text(text.into_bytes(), dims.to_vec()))
}

fn numbers(parts: &mut Parts, dims: &[usize], count: usize, dtype: DType) -> Result<Tensor> {
    let part = parts.need("the elements")?;
    if count == 0 {
        return Ok(Tensor::empty(dtype));
    }
    let kind = stored_type(part.kind).ok_or_else(|| Error::invalid(format!("elements of type {}", part.kind)))?;
    let wanted = data::bytes_of(kind, dims)?;
    demand!(
        wanted <= part.data.len() as u64,
        "an array of size {dims:?} needs {wanted} bytes, {} are there",
        part.data.len()
    );
    let x = data::read_tensor(&mut &part.data[..], kind, parts.big, dims, true)?;
    // whole numbers are kept in as few bytes as they need, whatever the class
    if x.dtype() == dtype { Ok(x) } else { copy::to_type(&x, dtype) }
}

/// The variables of a file, in its order.
///
/// # Errors
/// A file that cannot be read, what is no such file, a damaged one, with the position.
pub fn load(path: &Path) -> Result<Vec<(String, Value)>> {
    let (mut file, length) = input::open(path)?;
    let mut header = [0; 128];
    file.read_exact(&mut header).map_err(data::failed).map_err(|e| input::at_position(e, &mut file))?;
    let big = match &header[126..] {
        b"IM" => false,
        b"MI" => true,
        _ => refuse!("no MATLAB file of version 5: expected IM or MI at position 127"),
    };
    let mut at = 128;
    let mut found = vec![];
    while at + 8 <= length {
        file.seek(SeekFrom::Start(at)).map_err(data::failed)?;
        let mut tag = [0; 8];
        file.read_exact(&mut tag).map_err(data::failed)?;
        let head = Parts { data: &tag, at: 0, big };
        let (kind, size) = (head.u32(0).unwrap_or(0), u64::from(head.u32(4).unwrap_or(0)));
        let left = length - at - 8;
        demand!(size <= left, "a variable at position {} has {size} bytes, {left} are left", at + 1);
        let about = |e: Error| Error::invalid(format!("variable at position {}: {e}", at + 1));
        let value = match kind {
            14 => {
                let mut data = crate::tensor::storage::room(size as usize)?;
                (&mut file).take(size).read_to_end(&mut data).map_err(data::failed)?;
                Some(matrix(&data, big, 0).map_err(about)?)
            }
            15 => Some(packed((&mut file).take(size), size, big).map_err(about)?),
            _ => None,
        };
        found.extend(value);
        at += 8 + size;
        // what is packed is not padded
        if kind == 14 {
            at = at.next_multiple_of(8);
        }
    }
    Ok(found)
}

fn packed(from: impl Read, size: u64, big: bool) -> Result<(String, Value)> {
    let mut inflated = ZlibDecoder::new(from);
    let mut tag = [0; 8];
    inflated.read_exact(&mut tag).map_err(data::failed)?;
    let head = Parts { data: &tag, at: 0, big };
    let (kind, wanted) = (head.u32(0).unwrap_or(0), u64::from(head.u32(4).unwrap_or(0)));
    demand!(kind == 14, "a packed element of type {kind}");
    demand!(wanted <= size.saturating_mul(MOST) + 64, "{size} bytes cannot hold the {wanted} that they say");
    let mut data = vec![];
    inflated.take(wanted).read_to_end(&mut data).map_err(data::failed)?;
    matrix(&data, big, 0)
}

impl Value {
    /// As nested data, with the tensors in a list of their own: `{ tensor = 1 }` is the first. Cells become lists,
    /// structures tables, an array of structures a list of them.
    pub fn into_data(self, tensors: &mut Vec<Tensor>) -> Data {
        let key = |t: &str| t.as_bytes().into();
        match self {
            Value::Tensor(t) => {
                tensors.push(t);
                Data::Map(vec![(key("tensor"), Data::Num(tensors.len() as f64))])
            }
            Value::Text(text, sizes) => {
                let sizes = sizes.into_iter().map(|n| Data::Num(n as f64)).collect();
                Data::Map(vec![(key("text"), Data::Text(text.into())), (key("sizes"), Data::List(sizes))])
            }
            Value::Cells(list) => {
                let list = list.into_iter().map(|v| v.into_data(tensors)).collect();
                Data::Map(vec![(key("list"), Data::List(list))])
            }
            Value::Struct(all) => {
                let mut one = |fields: Vec<(String, Value)>| {
                    let fields = fields.into_iter().map(|(k, v)| (k.into_bytes().into(), v.into_data(tensors)));
                    Data::Map(vec![(key("fields"), Data::Map(fields.collect()))])
                };
                let mut all: Vec<Data> = all.into_iter().map(&mut one).collect();
                if all.len() == 1 { all.remove(0) } else { Data::Map(vec![(key("list"), Data::List(all))]) }
            }
            Value::Other(what) => Data::Map(vec![(key("other"), Data::Text(what.into_bytes().into()))]),
        }
    }
}

/// The structure of a file.
///
/// # Errors
/// As [`load`].
pub fn tree(path: &Path) -> Result<Tree> {
    let mut tree = Tree::default();
    let mut pairs = vec![];
    for (name, value) in load(path)? {
        pairs.push((name, node(&mut tree, &value)?));
    }
    tree.root = tree.table(pairs.iter().map(|(k, v)| (k.as_str(), *v)))?;
    Ok(tree)
}

fn node(tree: &mut Tree, value: &Value) -> Result<Id> {
    match value {
        Value::Tensor(t) => {
            let sizes: Vec<u64> = data::sizes_of(t).iter().map(|&n| n as u64).collect();
            tree.tensor(t.class().tensor_name(), &sizes, None, (t.numel() * t.dtype().size()) as u64)
        }
        Value::Text(text, _) => tree.text(&String::from_utf8_lossy(text)),
        Value::Cells(list) => {
            let ids = list.iter().map(|v| node(tree, v)).collect::<Result<Vec<Id>>>()?;
            tree.list(ids)
        }
        Value::Struct(all) => {
            let mut ids = vec![];
            for fields in all {
                let pairs = fields.iter().map(|(k, v)| Ok((k.as_str(), node(tree, v)?))).collect::<Result<Vec<_>>>()?;
                ids.push(tree.table(pairs)?);
            }
            if let [one] = ids[..] { Ok(one) } else { tree.list(ids) }
        }
        Value::Other(what) => tree.add(Node::Other(what.clone())),
    }
}

/// Writes tensors as variables, unpacked.
///
/// # Errors
/// Names that are none of MATLAB's, elements of type Half, more than 4 GB in a variable, those of the system.
pub fn save(path: &Path, entries: &[Entry]) -> Result<()> {
    for Entry { name, tensor } in entries {
        let first = name.bytes().next().is_some_and(|c| c.is_ascii_alphabetic());
        let fits = first && name.len() <= 63 && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        demand!(fits, "'{name}' is no name of a variable in MATLAB");
        demand!(tensor.dtype() != DType::Half, "variable '{name}' is a HalfTensor; convert it with x:float()");
        let bytes = tensor.numel().saturating_mul(tensor.dtype().size());
        demand!(bytes < u32::MAX as usize - 1024, "variable '{name}' has {bytes} bytes, 4 GB are the most");
    }
    super::output::save(path, |out| {
        let mut header = b"MATLAB 5.0 MAT-file, written by Rekindle".to_vec();
        header.resize(124, b' ');
        header.extend([0, 1, b'I', b'M']);
        out.write_all(&header).map_err(data::failed)?;
        entries.iter().try_for_each(|e| write(out, &e.name, &e.tensor))
    })
}

fn write(out: &mut dyn Write, name: &str, x: &Tensor) -> Result<()> {
    let (class, kind) = match x.dtype() {
        DType::Char => (8u32, 1u32),
        DType::Byte => (9, 2),
        DType::Short => (10, 3),
        DType::Int => (12, 5),
        DType::Long => (14, 12),
        DType::Float => (7, 7),
        _ => (6, 9),
    };
    // an array of MATLAB's has two dimensions at least
    let mut dims = data::sizes_of(x);
    match x.ndim() {
        0 => dims = vec![0, 0],
        1 => dims.push(1),
        _ => {}
    }
    let bytes = x.numel() * x.dtype().size();
    let mut head: Vec<u8> = vec![];
    let mut element = |kind: u32, data: &[u8]| {
        head.extend(kind.to_le_bytes());
        head.extend((data.len() as u32).to_le_bytes());
        head.extend(data);
        head.resize(head.len().next_multiple_of(8), 0);
    };
    element(6, &[class.to_le_bytes(), 0u32.to_le_bytes()].concat());
    element(5, &dims.iter().flat_map(|&d| (d as u32).to_le_bytes()).collect::<Vec<u8>>());
    element(1, name.as_bytes());
    head.extend(kind.to_le_bytes());
    head.extend((bytes as u32).to_le_bytes());
    let all = head.len() + bytes.next_multiple_of(8);
    let io = |r: std::io::Result<()>| r.map_err(data::failed);
    io(out.write_all(&14u32.to_le_bytes()))?;
    io(out.write_all(&(all as u32).to_le_bytes()))?;
    io(out.write_all(&head))?;
    // columns first: the same elements, turned
    let order: Vec<usize> = (0..x.ndim()).rev().collect();
    let layout = x.layout();
    let sizes: Vec<usize> = order.iter().map(|&d| layout.sizes()[d]).collect();
    let strides: Vec<isize> = order.iter().map(|&d| layout.strides()[d]).collect();
    data::write(out, &x.with_layout(Layout::strided(layout.offset, &sizes, &strides)?))?;
    io(out.write_all(&[0; 8][..bytes.next_multiple_of(8) - bytes]))
}
