//! Damaged files of other programs' formats: an error that tells where, never a crash, a hang or memory out of
//! proportion. The files are made here, by our own writers.
#![allow(clippy::unwrap_used)]

mod dice;

use dice::Dice;
use rekindle::Host;
use rekindle::models::{self, Entry, inspect::inspect, pickle, prototxt};
use rekindle::tensor::Tensor;
use rekindle::tensor::dtype::DType;
use rekindle::tensor::storage;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A folder of this test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("rekindle-damage-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Scratch(dir)
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Dice {
    fn damage(&mut self, file: &mut Vec<u8>) {
        for _ in 0..=self.roll(3) {
            let at = self.roll(file.len());
            match self.roll(5) {
                0 if !file.is_empty() => file[at] = self.roll(256) as u8,
                1 if !file.is_empty() => file[at] ^= 1 << self.roll(8),
                2 => {
                    let end = (at + [1, 2, 4, 8][self.roll(4)]).min(file.len());
                    file[at..end].fill([0xff, 0x7f, 0, 0x80][self.roll(4)]);
                }
                3 => file.truncate(at),
                _ => {
                    let n = self.roll(8).min(file.len() - at);
                    file.drain(at..at + n);
                }
            }
        }
    }
}

fn entries() -> Vec<Entry> {
    let tensor = |dtype: DType, sizes: &[usize]| Tensor::new(dtype, sizes).unwrap();
    let shared = tensor(DType::Float, &[4, 3]);
    let part = shared.select(0, 1).unwrap();
    let list = [("w", shared), ("part", part), ("n", tensor(DType::Long, &[2])), ("d", tensor(DType::Double, &[2, 2]))];
    list.into_iter().map(|(name, tensor)| Entry { name: name.into(), tensor }).collect()
}

/// A `.caffemodel` with one layer of the second kind.
fn caffemodel() -> Vec<u8> {
    let field = |number: u32, data: &[u8]| {
        let mut out = vec![];
        let mut tag = number << 3 | 2;
        while tag >= 0x80 {
            out.push(tag as u8 | 0x80);
            tag >>= 7;
        }
        out.push(tag as u8);
        out.push(data.len() as u8);
        out.extend(data);
        out
    };
    let blob = [field(7, &field(1, &[2, 3])), field(5, &[0; 24])].concat();
    let layer = [field(1, b"conv"), field(2, b"Convolution"), field(7, &blob)].concat();
    [field(1, b"net"), field(100, &layer)].concat()
}

/// An ONNX model with a weight.
fn onnx() -> Vec<u8> {
    let field = |number: u8, data: &[u8]| [&[number << 3 | 2, data.len() as u8], data].concat();
    let weight = [&[0x08, 2, 0x08, 3, 0x10, 1][..], &field(8, b"w"), &field(9, &[0; 24])].concat();
    let node = [field(1, b"x"), field(1, b"w"), field(2, b"y"), field(4, b"Gemm")].concat();
    let graph = [field(1, &node), field(2, b"g"), field(5, &weight)].concat();
    [&[0x08, 8][..], &field(7, &graph), &field(8, &[0x10, 13])].concat()
}

/// A file of every format: its suffix and its bytes.
fn samples(dir: &Scratch) -> Vec<(&'static str, Vec<u8>)> {
    let entries = entries();
    let mut found = vec![];
    for suffix in ["safetensors", "npz", "pth", "mat", "npy"] {
        let path = dir.path(&format!("sample.{suffix}"));
        models::save(&path, if suffix == "npy" { &entries[..1] } else { &entries }).unwrap();
        found.push((suffix, fs::read(&path).unwrap()));
    }
    #[cfg(feature = "hdf5")]
    {
        let path = dir.path("sample.h5");
        let file = models::hdf5::Hdf5::open(&path, "w").unwrap();
        file.write("a/w", &entries[0].tensor, &Default::default()).unwrap();
        let options = models::hdf5::Options { chunks: vec![2, 2], deflate: 6, growing: false };
        file.write("z", &entries[3].tensor, &options).unwrap();
        file.write_text("t", "some words").unwrap();
        file.close().unwrap();
        found.push(("h5", fs::read(&path).unwrap()));
    }
    found.push(("caffemodel", caffemodel()));
    found.push(("onnx", onnx()));
    let host = Host::new().unwrap();
    let code = "require 'nn' local net = nn.Sequential():add(nn.Linear(2, 3)):add(nn.Tanh()) torch.manualSeed(1)
        local t = { net, net:get(1).weight, name = 'x', f = function() return net end, n = torch.LongStorage { 1, 2 } }
        return torch.serialize(t), torch.serialize(t, 'ascii')";
    let texts: mlua::Variadic<mlua::LuaString> = host.lua().load(code).call(()).unwrap();
    for (suffix, text) in ["t7", "ascii.t7"].into_iter().zip(texts.iter()) {
        found.push((suffix, text.as_bytes().to_vec()));
    }
    found
}

/// Reads a file in every way and looks at the errors, the memory and the time.
fn read(path: &Path, bytes: &[u8], what: &str) {
    fs::write(path, bytes).unwrap();
    let before = storage::live_bytes();
    let started = Instant::now();
    let texts = [models::load(path).map(|_| ()), inspect(path).map(|_| ())];
    for text in texts.into_iter().filter_map(Result::err).map(|e| e.to_string()) {
        let place = ["position", "entry ", "tensor '", "HDF5", "> is a", "zip archive", "storage '", "pickle"];
        assert!(place.iter().any(|p| text.contains(p)), "{what}: no place in: {text}");
        // paths that lead nowhere are told by their names
        let named = ["path not found", "dataset '"].iter().any(|n| text.contains(n));
        assert!(!text.contains("HDF5: ") || named || text.contains("position "), "{what}: no position in: {text}");
    }
    let grown = storage::live_bytes().saturating_sub(before);
    assert!(grown <= 1100 * bytes.len() + (1 << 20), "{what}: {grown} bytes for a file of {}", bytes.len());
    assert!(started.elapsed() < Duration::from_secs(10), "{what} took {:?}", started.elapsed());
}

#[test]
fn files_cut_off_and_damaged() {
    let dir = Scratch::new("all");
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let path = dir.path("damaged");
    let rounds: usize = std::env::var("DAMAGE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    for (suffix, whole) in samples(&dir) {
        fs::write(&path, &whole).unwrap();
        let found = inspect(&path).unwrap_or_else(|e| panic!("{suffix}: {e}"));
        assert!(found.tree.len() > 1, "{suffix}");
        for n in (0..whole.len()).step_by((whole.len() / 300).max(1)) {
            read(&path, &whole[..n], &format!("{suffix} cut at {n}"));
        }
        for round in 0..rounds {
            let mut file = whole.clone();
            dice.damage(&mut file);
            read(&path, &file, &format!("{suffix}, round {round}"));
        }
    }
}

#[test]
fn structures_agree_with_what_is_loaded() {
    let dir = Scratch::new("agree");
    for (suffix, whole) in samples(&dir) {
        if suffix.ends_with("t7") || suffix == "onnx" {
            continue;
        }
        let path = dir.path(suffix);
        fs::write(&path, &whole).unwrap();
        let tree = inspect(&path).unwrap().tree;
        let elements: u64 = tree.storages().map(|(_, s)| s.length).sum();
        let loaded: usize = models::load(&path).unwrap().iter().map(|e| e.tensor.numel()).sum();
        assert!(elements >= loaded as u64 / 2 && loaded > 0, "{suffix}: {elements} elements, {loaded} loaded");
    }
}

#[test]
fn endless_values_end() {
    // lists that hold the one before twice: a small file, a tree without end
    let mut bomb = b"\x80\x02]q\x00".to_vec();
    for i in 0..200u8 {
        bomb.extend(b"](h");
        bomb.push(i);
        bomb.push(b'h');
        bomb.extend([i, b'e', b'q', i + 1]);
    }
    bomb.push(b'.');
    let (tree, _) = pickle::read(&bomb).unwrap();
    assert!(tree.tensors().is_err());
    // copies of a list that grows
    let mut copies = b"\x80\x02(".to_vec();
    copies.extend(b"N".repeat(2000));
    copies.extend(b"tq\x00");
    copies.extend(b"c__builtin__\nlist\nq\x01");
    copies.extend(b"h\x01h\x00R".repeat(5000));
    assert!(pickle::read(&copies).is_err());
    assert!(prototxt::parse(&b"a{".repeat(100_000)).is_err());
    assert!(pickle::read(b"\x80\x02X\xff\xff\xff\x7f").is_err());
    let dir = Scratch::new("huge");
    let path = dir.path("huge");
    let header = br#"{"a":{"dtype":"F64","shape":[9007199254740992,4096],"data_offsets":[0,8]}}"#;
    let huge = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    read(&path, &huge, "huge sizes");
    let text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }\n";
    let huge = [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text].concat();
    read(&path, &huge, "a huge array");
    // tables inside tables, deeper than is followed
    let mut deep = vec![];
    for i in 0..200_000i32 {
        for v in [3, i + 1, 1, 1] {
            deep.extend(v.to_le_bytes());
        }
        deep.extend(1f64.to_le_bytes());
    }
    read(&path, &deep, "deep tables");
}

#[test]
fn every_kind_of_object_in_a_t7_file_has_a_structure() {
    let dir = Scratch::new("samples");
    let host = Host::new().unwrap();
    let source = include_str!("lua/samples.lua");
    let texts: mlua::Variadic<mlua::LuaString> = host.lua().load(source).set_name("=samples").call(()).unwrap();
    assert!(!texts.is_empty());
    let path = dir.path("sample.t7");
    for (i, text) in texts.iter().enumerate() {
        fs::write(&path, text.as_bytes()).unwrap();
        inspect(&path).unwrap_or_else(|e| panic!("sample {}: {e}", i + 1));
    }
}
