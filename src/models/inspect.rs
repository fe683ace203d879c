//! What a file of any known kind holds.

use super::describe::describe;
use super::kind::{self, Kind};
use super::tree::Tree;
use super::{caffe, mat, onnx, sources, t7};
use crate::formats::{Data, json_text};
use crate::refuse;
use crate::tensor::error::Result;
use std::path::Path;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// What the file is.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: u64,
    /// What it holds.
    pub tree: Tree,
}

impl Inspection {
    /// The text of `th inspect -json`: an object with `file`, `kind`, `bytes` and what
    /// [`describe()`] says.
    pub fn json(&self, name: &str, limit: usize) -> Vec<u8> {
        let key = |t: &str| t.as_bytes().into();
        let text = |t: &str| Data::Text(t.as_bytes().into());
        let mut pairs = vec![
            (key("file"), text(name)),
            (key("kind"), text(self.kind.text())),
            (key("bytes"), Data::Num(self.bytes as f64)),
        ];
        if let Data::Map(more) = describe(&self.tree, limit) {
            pairs.extend(more);
        }
        json_text::write(&Data::Map(pairs))
    }
}

/// Reads what a file holds, without the elements of its tensors. Nothing of the file is run.
///
/// # Errors
/// A file that cannot be read; a damaged one, with the position; one of a kind that holds no tensors, with what it is.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let kind = kind::of(path)?;
    let bytes = super::input::open(path)?.1;
    let tree = match kind {
        Kind::T7Binary => t7::read(path, false),
        Kind::T7Ascii => t7::read(path, true),
        Kind::Safetensors => sources::safetensors(path),
        Kind::Npy => sources::npy(path),
        Kind::Npz => sources::npz(path),
        Kind::PthZip | Kind::PthLegacy | Kind::TorchScript => sources::pth(path),
        Kind::Pickle => sources::pickle(path),
        Kind::Onnx => onnx::read(path),
        Kind::Caffe => caffe::tree(path),
        Kind::Mat => mat::tree(path),
        Kind::Prototxt => caffe::definition(path),
        #[cfg(feature = "hdf5")]
        Kind::Hdf5 => super::hdf5::tree(path),
        _ => refuse!("<{}> is {}; {}", path.display(), kind.text(), kind.advice()),
    };
    let tree = tree.map_err(|e| super::about(path, &e))?;
    Ok(Inspection { kind, bytes, tree })
}
