use super::*;
use crate::tensor::dtype::DType;
use crate::tensor::ops::copy;

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("rekindle-models-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Tensors of every type, of several shapes, some of them views.
fn samples() -> Vec<Entry> {
    let numbers: Vec<f64> = (0..24).map(|i| f64::from(i) - 3.0).collect();
    let base = Tensor::from_slice(&numbers).unwrap();
    base.resize(&[2, 3, 4]).unwrap();
    let mut out = vec![];
    for dtype in DType::ALL {
        out.push(Entry { name: format!("all.{}", dtype.name()), tensor: copy::to_type(&base, dtype).unwrap() });
    }
    let turned = base.transpose(0, 2).unwrap();
    out.push(Entry { name: "turned".into(), tensor: turned });
    out.push(Entry { name: "part \"1\"/ä".into(), tensor: base.select(1, 1).unwrap() });
    out.push(Entry { name: "empty".into(), tensor: Tensor::empty(DType::Float) });
    out.push(Entry { name: "again".into(), tensor: base });
    out.push(Entry { name: "third".into(), tensor: out[out.len() - 1].tensor.clone() });
    out
}

fn same(a: &Tensor, b: &Tensor) -> bool {
    let values = |t: &Tensor| copy::to_type(t, DType::Double).unwrap().to_vec::<f64>().unwrap();
    a.dtype() == b.dtype() && a.numel() == b.numel() && (a.numel() == 0 || a.same_size(b) && values(a) == values(b))
}

#[test]
fn what_is_written_is_read() {
    let folder = Folder::new("round");
    for suffix in ["safetensors", "npz", "pth"] {
        let (path, entries) = (folder.file(&format!("m.{suffix}")), samples());
        save(&path, &entries).unwrap();
        let found = load(&path).unwrap();
        assert_eq!(found.len(), entries.len());
        for (a, b) in entries.iter().zip(&found) {
            assert_eq!(a.name, b.name);
            assert!(same(&a.tensor, &b.tensor), "{suffix} {}", a.name);
        }
        let shared = found[found.len() - 1].tensor.same_storage(&found[found.len() - 2].tensor);
        assert_eq!(shared, suffix != "npz");
    }
    let array = Entry { name: "array".into(), tensor: Tensor::from_slice(&[1i16, 2]).unwrap() };
    save(&folder.file("a.npy"), std::slice::from_ref(&array)).unwrap();
    assert!(same(&load(&folder.file("a.npy")).unwrap()[0].tensor, &array.tensor));
}

#[test]
fn large_views_are_written_in_pieces() {
    let folder = Folder::new("pieces");
    let wide = Tensor::new(DType::Float, &[3, 400_000]).unwrap();
    for i in 0..1_200_000 {
        wide.set_element(i, i as f32);
    }
    let turned = wide.transpose(0, 1).unwrap();
    let line = turned.select(1, 1).unwrap();
    let entries = [("turned", turned), ("line", line)].map(|(n, tensor)| Entry { name: n.into(), tensor });
    for suffix in ["safetensors", "npz"] {
        let path = folder.file(&format!("m.{suffix}"));
        save(&path, &entries).unwrap();
        let found = load(&path).unwrap();
        assert!(entries.iter().zip(&found).all(|(a, b)| same(&a.tensor, &b.tensor)));
    }
}

#[test]
fn suffixes_and_names_are_checked() {
    let folder = Folder::new("names");
    let one = |name: &str| Entry { name: name.into(), tensor: Tensor::from_slice(&[1.0f32]).unwrap() };
    let text = save(&folder.file("m.t7"), &[one("a")]).unwrap_err().to_string();
    assert!(text.contains(".safetensors"), "{text}");
    let text = save(&folder.file("m.pth"), &[one("a"), one("a")]).unwrap_err().to_string();
    assert!(text.contains("two tensors are called 'a'"), "{text}");
    let text = save(&folder.file("m.safetensors"), &[one("__metadata__")]).unwrap_err().to_string();
    assert!(text.contains("another one"), "{text}");
    // an archive of no arrays is one all the same
    save(&folder.file("nothing.npz"), &[]).unwrap();
    assert!(load(&folder.file("nothing.npz")).unwrap().is_empty());
    let text = load(&folder.file("none.npz")).unwrap_err().to_string();
    assert!(text.contains("none.npz"), "{text}");
}

#[test]
fn files_are_told_by_their_first_bytes() {
    let folder = Folder::new("kinds");
    let path = folder.file("x");
    let t7 = [4i32, 1, 3].iter().flat_map(|v| v.to_le_bytes()).chain(*b"V 1").collect::<Vec<u8>>();
    let safetensors = [&2u64.to_le_bytes()[..], b"{}"].concat();
    let cases: &[(&[u8], Kind)] = &[
        (&t7, Kind::T7Binary),
        (b"4\n1\n3\nV 1\n", Kind::T7Ascii),
        (&safetensors, Kind::Safetensors),
        (b"\x80\x02}q\x00.", Kind::Pickle),
        (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", Kind::PthLegacy),
        (b"", Kind::Empty),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", Kind::LfsPointer),
        (b"\n<!DOCTYPE html><html>", Kind::Html),
        (b"../models/net.t7", Kind::Link),
        (b"{\"a\": 1}", Kind::Json),
        (b"require 'nn'\nlocal x = 1\n", Kind::Lua),
        (b"import torch\n", Kind::Python),
        (b"layer { name: 'a' }", Kind::Prototxt),
        (b"\x89PNG\r\n\x1a\n", Kind::Picture),
        (b"\x1f\x8b\x08\x00", Kind::Packed("a gzip file")),
        (b"\x08\x08\x3a\x00\x42\x02\x10\x0d", Kind::Onnx),
        (b"some words\n", Kind::Text),
        (b"\x01\x02\x03\x04\xff\xfe", Kind::Unknown),
    ];
    for (bytes, kind) in cases {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(kind::of(&path).unwrap(), *kind, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn archives_are_read_behind_other_bytes_and_checked() {
    let folder = Folder::new("archive");
    let path = folder.file("m.npz");
    save(&path, &samples()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    // as programs that unpack themselves have them
    std::fs::write(&path, [b"#!/bin/sh\n".repeat(5), whole.clone()].concat()).unwrap();
    assert_eq!(npy::load_npz(&path).unwrap().len(), samples().len());
    let mut archive = archive::Archive::open(&path).unwrap();
    let start = archive.entry(0).unwrap().1.start.unwrap() as usize - 50;
    assert_eq!(start % 64, 0);
    // an element that changed
    let mut changed = whole;
    changed[start + 130] ^= 1;
    std::fs::write(&path, changed).unwrap();
    let text = load(&path).unwrap_err().to_string();
    assert!(text.contains("entry all.Byte.npy") && text.contains("checksum"), "{text}");
    let deflated = folder.file("d.npz");
    npy::save_npz(&deflated, &samples(), archive_writer::Packing::Deflated).unwrap();
    assert!(samples().iter().zip(&load(&deflated).unwrap()).all(|(a, b)| same(&a.tensor, &b.tensor)));
}
