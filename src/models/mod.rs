//! Files of tensors by their names, as other programs have them: safetensors, numpy's `.npy` and `.npz`, PyTorch's
//! state dicts (`.pth`).
//!
//! What is read is data alone: nothing of a file is run, and every size is compared with the file's length before
//! memory is asked for. What is written goes to the disk tensor by tensor, without a copy of the model, and takes an
//! older file's place when it is whole.

pub mod archive;
pub mod archive_writer;
pub mod caffe;
mod data;
pub mod describe;
pub mod element;
#[cfg(feature = "hdf5")]
pub mod hdf5;
#[cfg(feature = "hdf5")]
mod hdf5_source;
mod input;
pub mod inspect;
pub mod kind;
pub mod mat;
pub mod network;
pub mod npy;
pub mod onnx;
mod output;
pub mod pickle;
pub mod protobuf;
pub mod prototxt;
pub mod pth;
pub mod safetensors;
pub mod sources;
pub mod t7;
pub mod tree;

use crate::tensor::Tensor;
use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};
use kind::Kind;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// A tensor with its name.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The tensor; others may share its storage.
    pub tensor: Tensor,
}

/// A format of files of tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.safetensors`
    Safetensors,
    /// `.npz`
    Npz,
    /// `.npy`: one tensor, without a name.
    Npy,
    /// `.pth` or `.pt`: a state dict of PyTorch.
    Pth,
    /// `.mat`: variables of MATLAB, version 5.
    Mat,
}

impl Format {
    /// The format that a path's suffix means.
    ///
    /// # Errors
    /// Another suffix.
    pub fn of(path: &Path) -> Result<Format> {
        let suffix = path.extension().map(|s| s.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        match suffix.as_str() {
            "safetensors" => Ok(Format::Safetensors),
            "npz" => Ok(Format::Npz),
            "npy" => Ok(Format::Npy),
            "pth" | "pt" => Ok(Format::Pth),
            "mat" => Ok(Format::Mat),
            _ => Err(Error::invalid(format!(
                "<{}>: expected a name that ends in .safetensors, .npz, .npy, .pth, .pt or .mat",
                path.display()
            ))),
        }
    }
}

/// Reads the tensors of a file, in its order; its content says the format, not its name. The one of a `.npy` is called
/// `array`, those of Caffe's weights `layer.weight` and `layer.bias`.
///
/// # Errors
/// A file that cannot be read or holds no tensors, with what it is; a damaged one, with the position.
pub fn load(path: &Path) -> Result<Vec<Entry>> {
    let kind = kind::of(path)?;
    let found = match kind {
        Kind::Safetensors => safetensors::load(path),
        Kind::Npz => npy::load_npz(path),
        Kind::Npy => npy::load(path).map(|tensor| vec![Entry { name: "array".into(), tensor }]),
        Kind::PthZip | Kind::PthLegacy | Kind::TorchScript => pth::load(path),
        Kind::Caffe => caffe::weights(path),
        Kind::Mat => mat::load(path).map(|all| {
            let tensor = |(name, value)| {
                if let mat::Value::Tensor(tensor) = value { Some(Entry { name, tensor }) } else { None }
            };
            all.into_iter().filter_map(tensor).collect()
        }),
        #[cfg(feature = "hdf5")]
        Kind::Hdf5 => hdf5::load(path),
        _ => refuse!("<{}> is {}; {}", path.display(), kind.text(), kind.advice()),
    };
    found.map_err(|e| about(path, &e))
}

/// An error about a file, with the file's name, once.
pub fn about(path: &Path, e: &Error) -> Error {
    let (text, path) = (e.to_string(), path.display().to_string());
    if text.contains(&path) { Error::invalid(text) } else { Error::invalid(format!("<{path}>: {text}")) }
}

/// Writes tensors to a file, in their order; the suffix says the format.
///
/// # Errors
/// Another suffix; a name twice; more than one tensor for a `.npy`; what the system refuses.
pub fn save(path: &Path, entries: &[Entry]) -> Result<()> {
    let mut names = HashSet::new();
    for e in entries {
        demand!(names.insert(e.name.as_str()), "<{}>: two tensors are called '{}'", path.display(), e.name);
    }
    match Format::of(path)? {
        Format::Safetensors => safetensors::save(path, entries),
        Format::Npz => npy::save_npz(path, entries, archive_writer::Packing::Stored),
        Format::Npy => {
            demand!(entries.len() == 1, "<{}>: a .npy holds one tensor, got {}", path.display(), entries.len());
            npy::save(path, &entries[0].tensor)
        }
        Format::Pth => pth::save(path, entries),
        Format::Mat => mat::save(path, entries),
    }
}

/// The tensors that are another one before them under a second name: their place and that one's.
pub fn aliases(entries: &[Entry]) -> Vec<(usize, usize)> {
    let mut seen: HashMap<(usize, usize, Vec<usize>, Vec<isize>), usize> = HashMap::new();
    let mut found = vec![];
    for (i, e) in entries.iter().enumerate() {
        let Some(storage) = e.tensor.storage().filter(|_| e.tensor.numel() > 0) else { continue };
        let layout = e.tensor.layout();
        let key = (storage.id(), layout.offset, layout.sizes().to_vec(), layout.strides().to_vec());
        let kept = *seen.entry(key).or_insert(i);
        if kept != i {
            found.push((i, kept));
        }
    }
    found
}

#[cfg(test)]
mod tests;
