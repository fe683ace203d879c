//! Models of ONNX, written. A [`Model`] takes nodes, weights, inputs and outputs one by one and makes a file of them.
//!
//! Nodes are kept as the bytes that they will be in the file. Weights stay where they are: the file's lengths are computed
//! first, and then each storage is written as it lies in memory, so that a model needs no second copy of itself. A file
//! of protobuf cannot be larger than 2 GB; from there on weights go to a second file beside it (external data).

mod wire;

use crate::models::data::failed;
use crate::models::output::save;
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::error::Result;
use crate::tensor::storage::Storage;
use crate::{demand, refuse};
use std::io::Write;
use std::path::Path;
use wire::{bytes, float, int, message, opening};

/// The versions of operations that can be written.
pub const OPSETS: std::ops::RangeInclusive<i64> = 11..=21;
/// Bytes of weights from which on they go to a file of their own.
pub const INLINE: usize = 2_000_000_000;

/// The batch: a dimension whose size the caller of the model chooses.
pub const BATCH: i64 = -1;

/// A dense tensor of the file, over the storage of the tensor that it was made from.
struct Weight {
    name: String,
    sizes: Vec<usize>,
    dtype: DType,
    storage: Option<Storage>,
    offset: usize,
}

/// A model that is being put together.
#[derive(Default)]
pub struct Model {
    nodes: Vec<u8>,
    attributes: Vec<u8>,
    weights: Vec<Weight>,
    inputs: Vec<u8>,
    outputs: Vec<u8>,
    notes: Vec<u8>,
}

/// The number that ONNX gives an element type.
///
/// # Errors
/// A type that it does not have.
fn type_number(dtype: DType) -> i64 {
    match dtype {
        DType::Float => 1,
        DType::Byte => 2,
        DType::Char => 3,
        DType::Short => 5,
        DType::Int => 6,
        DType::Long => 7,
        DType::Half => 10,
        DType::Double => 11,
    }
}

/// An attribute of the next node, whose kind has a number of its own.
fn attribute(out: &mut Vec<u8>, name: &str, kind: i64, value: impl FnOnce(&mut Vec<u8>)) {
    message(out, 5, |a| {
        bytes(a, 1, name.as_bytes());
        value(a);
        int(a, 20, kind);
    });
}

impl Model {
    /// An integer as an attribute of the next node.
    pub fn int(&mut self, name: &str, v: i64) {
        attribute(&mut self.attributes, name, 2, |a| int(a, 3, v));
    }
    /// A number as an attribute of the next node.
    pub fn float(&mut self, name: &str, v: f64) {
        attribute(&mut self.attributes, name, 1, |a| float(a, 2, v as f32));
    }
    /// A text as an attribute of the next node.
    pub fn text(&mut self, name: &str, v: &str) {
        attribute(&mut self.attributes, name, 3, |a| bytes(a, 4, v.as_bytes()));
    }
    /// Integers as an attribute of the next node.
    pub fn ints(&mut self, name: &str, list: &[i64]) {
        attribute(&mut self.attributes, name, 7, |a| list.iter().for_each(|&v| int(a, 8, v)));
    }

    /// A node with the attributes given since the last one.
    pub fn node(&mut self, op: &str, name: &str, inputs: &[&str], outputs: &[&str]) {
        let attributes = std::mem::take(&mut self.attributes);
        message(&mut self.nodes, 1, |n| {
            inputs.iter().for_each(|i| bytes(n, 1, i.as_bytes()));
            outputs.iter().for_each(|o| bytes(n, 2, o.as_bytes()));
            bytes(n, 3, name.as_bytes());
            bytes(n, 4, op.as_bytes());
            n.extend(attributes);
        });
    }

    /// A weight of the file. The tensor's elements are read when the model is saved.
    ///
    /// # Errors
    /// A tensor with gaps between its elements.
    pub fn weight(&mut self, name: &str, x: &Tensor) -> Result<()> {
        demand!(x.is_contiguous(), "a contiguous tensor expected for {name:?}, got one of {}", x.shape_text());
        // a tensor without elements has no dimensions here, which means a number there
        let sizes = if x.ndim() == 0 { vec![0] } else { (0..x.ndim()).map(|d| x.size(d)).collect() };
        let (dtype, storage, offset) = (x.dtype(), x.storage(), x.offset());
        self.weights.push(Weight { name: name.into(), sizes, dtype, storage, offset });
        Ok(())
    }

    /// A weight that is one number, without dimensions.
    ///
    /// # Errors
    /// A tensor of more elements.
    pub fn scalar(&mut self, name: &str, x: &Tensor) -> Result<()> {
        demand!(x.numel() == 1, "one element expected for {name:?}, got {}", x.shape_text());
        self.weight(name, x)?;
        if let Some(w) = self.weights.last_mut() {
            w.sizes.clear();
        }
        Ok(())
    }

    /// An input, or an output: sizes below 0 are open, and [`BATCH`] among them is the batch.
    pub fn port(&mut self, input: bool, name: &str, dtype: DType, sizes: &[i64]) {
        let (out, field) = if input { (&mut self.inputs, 11) } else { (&mut self.outputs, 12) };
        message(out, field, |v| {
            bytes(v, 1, name.as_bytes());
            message(v, 2, |kind| {
                message(kind, 1, |tensor| {
                    int(tensor, 1, type_number(dtype));
                    message(tensor, 2, |shape| {
                        for &n in sizes {
                            message(shape, 1, |dim| match n {
                                BATCH => bytes(dim, 2, b"batch"),
                                n if n >= 0 => int(dim, 1, n),
                                _ => {}
                            });
                        }
                    });
                });
            });
        });
    }

    /// Something that is to be known of the model.
    pub fn note(&mut self, key: &str, value: &str) {
        message(&mut self.notes, 14, |entry| {
            bytes(entry, 1, key.as_bytes());
            bytes(entry, 2, value.as_bytes());
        });
    }

    /// Writes the file, with the weights in it, or beside it in `PATH.data` where they are more than `inline` bytes.
    ///
    /// # Errors
    /// An opset that is not known, a file that cannot be written.
    pub fn save(&self, path: &str, opset: i64, inline: usize) -> Result<()> {
        demand!(OPSETS.contains(&opset), "an opset from {} to {} expected, got {opset}", OPSETS.start(), OPSETS.end());
        demand!(self.attributes.is_empty(), "attributes without a node");
        let all: usize = self.weights.iter().map(Weight::len).sum();
        let beside = (all > inline).then(|| format!("{path}.data"));
        if let Some(data) = &beside {
            save(Path::new(data), |out| self.weights.iter().try_for_each(|w| w.write(out)))?;
        }
        save(Path::new(path), |out| self.write(out, opset, beside.as_deref()))
    }

    fn write(&self, out: &mut dyn Write, opset: i64, beside: Option<&str>) -> Result<()> {
        let mut heads = vec![];
        let mut at = 0;
        for w in &self.weights {
            heads.push(w.head(beside, at));
            at += w.len();
        }
        let mut rest = vec![];
        bytes(&mut rest, 2, b"rekindle");
        rest.extend(&self.inputs);
        rest.extend(&self.outputs);
        let inside = |w: &Weight| if beside.is_some() { 0 } else { w.len() };
        let weights: usize = heads.iter().zip(&self.weights).map(|(h, w)| h.len() + inside(w)).sum();
        let mut head = vec![];
        int(&mut head, 1, ir_version(opset));
        bytes(&mut head, 2, b"rekindle");
        bytes(&mut head, 3, env!("CARGO_PKG_VERSION").as_bytes());
        message(&mut head, 8, |set| {
            bytes(set, 1, b"");
            int(set, 2, opset);
        });
        head.extend(&self.notes);
        opening(&mut head, 7, self.nodes.len() + rest.len() + weights);
        put(out, &head)?;
        put(out, &self.nodes)?;
        for (head, w) in heads.iter().zip(&self.weights) {
            put(out, head)?;
            if beside.is_none() {
                w.write(out)?;
            }
        }
        put(out, &rest)
    }
}

/// The version of the file's own layout that came with an opset.
fn ir_version(opset: i64) -> i64 {
    match opset {
        ..=11 => 6,
        12..=14 => 7,
        15..=18 => 8,
        19..=20 => 9,
        _ => 10,
    }
}

impl Weight {
    fn elements(&self) -> usize {
        self.sizes.iter().product()
    }
    /// Its bytes.
    fn len(&self) -> usize {
        self.elements() * self.dtype.size()
    }

    /// All of it but the elements, which follow where they are not in another file.
    fn head(&self, beside: Option<&str>, at: usize) -> Vec<u8> {
        let mut t = vec![];
        self.sizes.iter().for_each(|&n| int(&mut t, 1, n as i64));
        int(&mut t, 2, type_number(self.dtype));
        bytes(&mut t, 8, self.name.as_bytes());
        let mut extent = self.len();
        if let Some(data) = beside {
            extent = 0;
            let file = Path::new(data).file_name().unwrap_or_default().to_string_lossy();
            for (key, value) in
                [("location", file.into_owned()), ("offset", at.to_string()), ("length", self.len().to_string())]
            {
                message(&mut t, 13, |entry| {
                    bytes(entry, 1, key.as_bytes());
                    bytes(entry, 2, value.as_bytes());
                });
            }
            int(&mut t, 14, 1);
        } else {
            opening(&mut t, 9, self.len());
        }
        let mut head = vec![];
        opening(&mut head, 5, t.len() + extent);
        head.extend(t);
        head
    }

    /// Its elements, in the order of the file: the lowest byte first.
    fn write(&self, out: &mut dyn Write) -> Result<()> {
        let Some(storage) = &self.storage else { return Ok(()) };
        let n = self.elements();
        let written = storage.lend_bytes(self.offset, n, |all| {
            if all.len() < self.len() {
                return Ok(false);
            }
            if cfg!(target_endian = "little") {
                return out.write_all(all).map(|()| true);
            }
            all.chunks_exact(self.dtype.size()).try_for_each(|e| {
                let e: Vec<u8> = e.iter().rev().copied().collect();
                out.write_all(&e)
            })?;
            Ok(true)
        })?;
        match written {
            Ok(true) => Ok(()),
            Ok(false) => refuse!("the storage of {:?} became smaller", self.name),
            Err(e) => Err(failed(e)),
        }
    }
}

fn put(out: &mut dyn Write, what: &[u8]) -> Result<()> {
    out.write_all(what).map_err(failed)
}

#[cfg(test)]
mod tests;
