//! What a file is, from its first bytes.

use super::archive::Archive;
use super::protobuf::Parts;
use super::{data, input};
use crate::tensor::error::Result;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes at the start that are looked at.
const START: u64 = 4096;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Torch7 file in binary.
    T7Binary,
    /// A Torch7 file in text.
    T7Ascii,
    /// A state dict or model of PyTorch, zipped.
    PthZip,
    /// The same before PyTorch 1.6.
    PthLegacy,
    /// TorchScript.
    TorchScript,
    /// Another pickle.
    Pickle,
    /// safetensors
    Safetensors,
    /// `.npy`
    Npy,
    /// `.npz`
    Npz,
    /// HDF5.
    Hdf5,
    /// MATLAB 5 and later, before 7.3.
    Mat,
    /// ONNX.
    Onnx,
    /// Weights of Caffe.
    Caffe,
    /// A network of Caffe as text.
    Prototxt,
    /// No byte.
    Empty,
    /// A pointer of Git LFS.
    LfsPointer,
    /// The text of a symbolic link, as archives and repositories keep it.
    Link,
    /// A page of the web.
    Html,
    /// JSON.
    Json,
    /// Lua's source.
    Lua,
    /// Compiled Lua.
    LuaBytecode,
    /// Python's source.
    Python,
    /// A picture.
    Picture,
    /// A zip archive of other things.
    Zip,
    /// Another archive or compressed file.
    Packed(&'static str),
    /// Text of some kind.
    Text,
    /// A program.
    Program,
    /// Nothing known.
    Unknown,
}

use Kind::{
    Caffe, Empty, Hdf5, Html, Json, LfsPointer, Link, Lua, LuaBytecode, Mat, Npy, Npz, Onnx, Packed, Pickle, Picture,
    Program, Prototxt, PthLegacy, PthZip, Python, Safetensors, T7Ascii, T7Binary, Text, TorchScript, Unknown, Zip,
};

impl Kind {
    /// What it is called, with an article.
    pub fn text(self) -> &'static str {
        match self {
            T7Binary => "a binary .t7 file",
            T7Ascii => "an ascii .t7 file",
            PthZip => "a PyTorch file (zip)",
            PthLegacy => "a PyTorch file (of before 1.6)",
            TorchScript => "a TorchScript file",
            Pickle => "a Python pickle",
            Safetensors => "a safetensors file",
            Npy => "a numpy array (.npy)",
            Npz => "a numpy archive (.npz)",
            Hdf5 => "an HDF5 file",
            Mat => "a MATLAB file",
            Onnx => "an ONNX model",
            Caffe => "a Caffe model (.caffemodel)",
            Prototxt => "a Caffe network as text (.prototxt)",
            Empty => "an empty file",
            LfsPointer => "a Git LFS pointer, not the file itself",
            Link => "the target of a symbolic link, not the file itself",
            Html => "an HTML page, not the file itself",
            Json => "a JSON text",
            Lua => "a Lua program",
            LuaBytecode => "compiled Lua",
            Python => "a Python program",
            Picture => "a picture",
            Zip => "a zip archive",
            Packed(what) => what,
            Text => "a text",
            Program => "a program of the system",
            Unknown => "a file of no known kind",
        }
    }

    /// What to do with such a file where a `.t7` is expected.
    pub fn advice(self) -> &'static str {
        match self {
            T7Binary => "torch.load(path) reads it",
            T7Ascii => "torch.load(path, 'ascii') reads it",
            PthZip | PthLegacy | TorchScript => {
                "require 'rekindle.models'.load(path) reads its tensors; th inspect shows it"
            }
            Safetensors | Npz => "require 'rekindle.models'.load(path) reads it; th inspect shows it",
            Npy => "require 'npy4th'.loadnpy(path) reads it; th inspect shows it",
            Hdf5 => "require 'hdf5'.open(path) reads it; th inspect shows it",
            Mat => "require 'matio'.load(path) reads it; th inspect shows it",
            Caffe => "require 'loadcaffe'.load(prototxt, path) reads it; th inspect shows it",
            Prototxt => "require 'loadcaffe'.load(path, caffemodel) reads it with its weights; th inspect shows it",
            Pickle => "save the tensors with numpy or torch.save in Python",
            Onnx => "th inspect shows it; it cannot be loaded as a network",
            Empty => "it was perhaps not copied or downloaded to the end",
            LfsPointer => "git lfs pull fetches the file",
            Link => "look for the file that it names",
            Html => "the download gave a page instead: open the address in a browser and save what it offers",
            Lua | LuaBytecode => "dofile(path) or require runs it",
            Picture => "require 'image'.load(path) reads it",
            Zip | Packed(_) => "unpack it first",
            Json => "require 'cjson'.decode reads it",
            Python | Text | Program | Unknown => {
                "th inspect shows what .t7, safetensors, npz, pth, ONNX and HDF5 files hold"
            }
        }
    }

    /// Whether `torch.load` reads it.
    pub fn is_t7(self) -> bool {
        matches!(self, T7Binary | T7Ascii)
    }
}

/// What a file is.
///
/// # Errors
/// A file that cannot be read.
pub fn of(path: &Path) -> Result<Kind> {
    let (mut file, length) = input::open(path)?;
    let mut start = vec![];
    (&mut file).take(START).read_to_end(&mut start).map_err(data::failed)?;
    if start.is_empty() {
        return Ok(Empty);
    }
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return Ok(archive(path));
    }
    let found = signature(&start).or_else(|| t7(&start, length)).or_else(|| numbered(&start, length));
    Ok(match found {
        Some(kind) => kind,
        None if is_text(&start) => text(&start),
        None => user_block(&mut file, length).or_else(|| message(file, length)).unwrap_or(Unknown),
    })
}

/// Files that begin with bytes of their own.
fn signature(start: &[u8]) -> Option<Kind> {
    const SIGNATURES: &[(&[u8], Kind)] = &[
        (b"\x93NUMPY", Npy),
        (b"\x89HDF\r\n\x1a\n", Hdf5),
        (b"MATLAB 5.0 MAT-file", Mat),
        (b"version https://git-lfs", LfsPointer),
        (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", PthLegacy),
        (b"\x1bLJ", LuaBytecode),
        (b"\x1bLua", LuaBytecode),
        (b"\x89PNG", Picture),
        (b"\xff\xd8\xff", Picture),
        (b"GIF8", Picture),
        (b"RIFF", Packed("a RIFF file (sound, film or WebP)")),
        (b"\x1f\x8b", Packed("a gzip file")),
        (b"BZh", Packed("a bzip2 file")),
        (b"\xfd7zXZ", Packed("an xz file")),
        (b"7z\xbc\xaf", Packed("a 7z archive")),
        (b"\x28\xb5\x2f\xfd", Packed("a zstd file")),
        (b"Rar!", Packed("a rar archive")),
        (b"\x7fELF", Program),
        (b"MZ", Program),
        (b"%PDF", Packed("a PDF document")),
    ];
    if start.get(257..262) == Some(b"ustar") {
        return Some(Packed("a tar archive"));
    }
    let found = SIGNATURES.iter().find(|(bytes, _)| start.starts_with(bytes)).map(|s| s.1);
    found.or_else(|| (start.len() > 2 && start[0] == 0x80 && (2..=5).contains(&start[1])).then_some(Pickle))
}

/// A `.t7`: the kind of an object, and what must follow it.
fn t7(start: &[u8], length: u64) -> Option<Kind> {
    let int = |i: usize| start.get(4 * i..4 * i + 4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let binary = match int(0)? {
        0 => length == 4,
        1 => length == 12,
        2 => int(1).is_some_and(|n| n >= 0 && n as u64 + 8 == length),
        5 => length == 8 && int(1).is_some_and(|b| b == 0 || b == 1),
        3 => int(1).is_some_and(|n| n > 0) && int(2).is_some_and(|n| n >= 0 && (n as u64) * 8 <= length),
        4 => int(1).is_some_and(|n| n > 0) && int(2).is_some_and(|n| (1..=200).contains(&n)),
        6 => int(1).is_some_and(|n| n > 0 && n as u64 <= length) && start.get(8..11) == Some(b"\x1bLJ"),
        7 | 8 => int(1).is_some_and(|n| n > 0) && start.get(12..15) == Some(b"\x1bLJ"),
        _ => false,
    };
    if binary {
        return Some(T7Binary);
    }
    let mut words = start[..start.len().min(64)].split(|&b| b == b'\n');
    let number = |w: Option<&[u8]>| std::str::from_utf8(w?).ok()?.trim().parse::<i64>().ok();
    let (kind, second, third) = (number(words.next()), number(words.next()), number(words.next()));
    let ascii = match kind? {
        0 => second.is_none() && length <= 3,
        1 | 2 | 5 => second.is_some() && start.len() > 2,
        3 => second.is_some_and(|n| n > 0) && third.is_some_and(|n| n >= 0),
        4 | 7 | 8 => second.is_some_and(|n| n > 0) && third.is_some_and(|n| n > 0),
        _ => false,
    };
    ascii.then_some(T7Ascii)
}

/// safetensors: the length of a header in JSON.
fn numbered(start: &[u8], length: u64) -> Option<Kind> {
    let size = u64::from_le_bytes(start.get(..8)?.try_into().ok()?);
    let object = start.get(8) == Some(&b'{') && start[9..].iter().find(|c| !c.is_ascii_whitespace()) == Some(&b'"');
    ((object || start.get(8..10) == Some(b"{}")) && size <= length.saturating_sub(8)).then_some(Safetensors)
}

fn archive(path: &Path) -> Kind {
    let Ok(archive) = Archive::open(path) else { return Packed("a damaged zip archive") };
    let names = archive.names();
    let ends = |end: &str| names.iter().any(|n| n.ends_with(end));
    // an archive of nothing says nothing
    let arrays = match names.is_empty() {
        true => path.extension().is_some_and(|e| e == "npz"),
        false => names.iter().all(|n| n.ends_with(".npy")),
    };
    if ends("constants.pkl") || names.iter().any(|n| n.contains("/code/")) {
        TorchScript
    } else if ends("data.pkl") {
        PthZip
    } else if arrays {
        Npz
    } else {
        Zip
    }
}

/// HDF5 behind a block of the user's, as MATLAB 7.3 and others write it.
fn user_block(file: &mut BufReader<File>, length: u64) -> Option<Kind> {
    let mut at = 512;
    while at < length.min(1 << 20) {
        let mut bytes = [0; 8];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        if bytes == *b"\x89HDF\r\n\x1a\n" {
            return Some(Hdf5);
        }
        at *= 2;
    }
    None
}

/// Models as protocol buffers, by the fields that they have.
fn message(mut file: BufReader<File>, length: u64) -> Option<Kind> {
    file.rewind().ok()?;
    let mut parts = Parts::new(file, length);
    let fields = parts.fields(parts.whole, 4096).ok()?;
    let has = |number: u64, kind: u64| fields.iter().any(|f| f.number == number && f.kind == kind);
    if has(1, 0) && has(7, 2) && fields.iter().all(|f| f.number <= 30) {
        return Some(Onnx);
    }
    // a name, then layers of the old kind (2) or the new one (100)
    (has(100, 2) || has(2, 2) && has(1, 2)).then_some(Caffe)
}

fn is_text(start: &[u8]) -> bool {
    let odd = start.iter().filter(|&&b| b < 9 || (14..32).contains(&b) && b != 27 || b == 127).count();
    odd == 0
}

fn text(start: &[u8]) -> Kind {
    let text = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let begins = |words: &[&str]| words.iter().any(|w| text.starts_with(w));
    let line = text.trim_end();
    let path = line.len() == start.len() && !line.contains(|c: char| c.is_whitespace() || "{}<>()\"'".contains(c));
    if path && line.len() < 256 && line.contains('/') && line.contains('.') {
        return Link;
    }
    if begins(&["<!doctype html", "<html", "<head", "<!--"]) || begins(&["<?xml"]) && has(&["<html"]) {
        Html
    } else if begins(&["{", "["]) && has(&["\""]) {
        Json
    } else if has(&["layer {", "layers {", "layer{", "layers{", "input_dim:"]) {
        Prototxt
    } else if begins(&["p1\n", "p2\n", "p3\n", "p4\n", "p5\n", "p6\n"]) {
        Picture
    } else if begins(&["import ", "from ", "#!/usr/bin/env python", "def ", "\"\"\""]) {
        Python
    } else if begins(&["--", "require", "local ", "#!/usr/bin/env th"])
        || has(&["local ", "require '", "require(", "nn."]) && has(&["end"])
    {
        Lua
    } else {
        Text
    }
}
