//! State dicts of PyTorch: a zip archive with a pickle and the storages' bytes, or, before PyTorch 1.6, pickles
//! followed by them. What is written, `torch.load(path, weights_only=True)` reads.

use super::archive::Archive;
use super::archive_writer::{ArchiveWriter, Packing};
use super::data;
use super::element::ElementType;
use super::pickle::{self, Node, StorageName, TensorNode, Tree};
use super::{Entry, input};
use crate::tensor::Tensor;
use crate::tensor::error::{Error, Result};
use crate::tensor::layout::{Layout, MAX_DIMS};
use crate::tensor::storage::Storage;
use crate::{demand, refuse};
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Largest pickle that is read: it holds names and sizes alone.
pub const LONGEST: u64 = 1 << 26;
/// What files from before PyTorch 1.6 begin with: a pickle of this number.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Where the bytes of storages lie.
enum Data {
    /// Entries of an archive: the folder before `data/`, and whether numbers are in big-endian order.
    Archive(Archive, String, bool),
    /// Places in a file: where the bytes of each key begin, and how many elements it has.
    File(std::io::BufReader<std::fs::File>, HashMap<String, (u64, u64)>, u64),
}

/// A file: what its pickle says, and where its storages are.
pub struct StateDict {
    /// What the pickle holds.
    pub tree: Tree,
    data: Data,
}

impl StateDict {
    /// Where the elements of a storage begin in the file (where they are not packed), and how many bytes they take;
    /// nothing where they are not there.
    ///
    /// # Errors
    /// A damaged archive.
    pub fn place(&mut self, key: &str) -> Result<Option<(Option<u64>, u64)>> {
        match &mut self.data {
            Data::Archive(archive, folder, _) => {
                let Some(at) = archive.find(&format!("{folder}data/{key}")) else { return Ok(None) };
                let (_, content) = archive.entry(at)?;
                Ok(Some((content.start, content.packed)))
            }
            Data::File(_, places, _) => {
                let size = self.tree.storages().find(|s| s.key == key).map_or(0, size_of_element) as u64;
                Ok(places.get(key).map(|&(from, count)| (Some(from), count.saturating_mul(size))))
            }
        }
    }
}

/// Reads what a file says, without its storages.
///
/// # Errors
/// A file that cannot be read; what is neither kind of file, with the position.
pub fn open(path: &Path) -> Result<StateDict> {
    let (mut file, length) = input::open(path)?;
    let mut start = [0; 2];
    let got = file.read(&mut start).map_err(data::failed)?;
    if got == 2 && start == *b"PK" {
        return open_archive(path);
    }
    demand!(got == 2 && start[0] == 0x80, "no file of PyTorch: expected a zip archive or a pickle at position 1");
    file.rewind().map_err(data::failed)?;
    open_legacy(file, length)
}

fn open_archive(path: &Path) -> Result<StateDict> {
    let mut archive = Archive::open(path)?;
    let names = archive.names();
    let found = names.iter().position(|n| n == "data.pkl" || n.ends_with("/data.pkl"));
    let Some(at) = found else { refuse!("a zip archive without data.pkl is no file of PyTorch") };
    let folder = names[at].trim_end_matches("data.pkl").to_owned();
    let text = archive.text(at, LONGEST)?;
    let (tree, _) = pickle::read(&text).map_err(|e| Error::invalid(format!("entry {folder}data.pkl: {e}")))?;
    let big_endian = match archive.find(&format!("{folder}byteorder")) {
        Some(at) => archive.text(at, 16)?.trim_ascii() == b"big",
        None => false,
    };
    Ok(StateDict { tree, data: Data::Archive(archive, folder, big_endian) })
}

/// Pickles of a magic number, a version, facts about the machine, the object and the storages' keys; then each
/// storage's length and bytes.
fn open_legacy(mut file: std::io::BufReader<std::fs::File>, length: u64) -> Result<StateDict> {
    let mut text = vec![];
    (&mut file).take(LONGEST.min(length)).read_to_end(&mut text).map_err(data::failed)?;
    let mut at = 0;
    let mut next = || -> Result<Tree> {
        let (tree, used) =
            pickle::read(&text[at..]).map_err(|e| Error::invalid(format!("pickle from position {}: {e}", at + 1)))?;
        at += used;
        Ok(tree)
    };
    let magic = next()?;
    demand!(
        *magic.node(magic.root) == Node::Long(MAGIC.to_vec()),
        "a pickle that is no file of torch.save; open it in Python"
    );
    next()?;
    next()?;
    let (tree, keys) = (next()?, next()?);
    let Node::List(list) = keys.node(keys.root) else { refuse!("position {}: expected a list of storages", at) };
    let sizes: HashMap<&str, usize> = tree.storages().map(|s| (s.key.as_str(), size_of_element(s))).collect();
    let (mut places, mut from) = (HashMap::new(), at as u64);
    for &id in list {
        let key = keys.key(id).unwrap_or_default();
        demand!(from + 8 <= length, "position {}: the storage '{key}' is not in the file", from + 1);
        file.seek(SeekFrom::Start(from)).map_err(data::failed)?;
        let mut count = [0; 8];
        file.read_exact(&mut count).map_err(data::failed)?;
        let count = u64::from_le_bytes(count);
        let size = sizes.get(key.as_str()).copied().unwrap_or(0) as u64;
        let end = count.checked_mul(size).and_then(|n| n.checked_add(from + 8));
        let Some(end) = end.filter(|&e| e <= length) else {
            refuse!("position {}: the storage '{key}' has {count} elements, the file ends at {length}", from + 1)
        };
        places.insert(key, (from + 8, count));
        from = end;
    }
    Ok(StateDict { tree, data: Data::File(file, places, length) })
}

fn size_of_element(s: &StorageName) -> usize {
    ElementType::of_storage(&s.class).map_or(0, ElementType::size)
}

/// The tensors of a file. Names are the keys that lead to a tensor, with dots between; storages stay shared.
///
/// # Errors
/// A file that cannot be read; a damaged one; elements that no tensor can have.
pub fn load(path: &Path) -> Result<Vec<Entry>> {
    let mut dict = open(path)?;
    let tree = std::mem::replace(&mut dict.tree, Tree::empty());
    let mut storages = HashMap::new();
    let mut found = vec![];
    for (name, t) in tree.tensors()? {
        let tensor = tensor(&tree, t, &mut dict.data, &mut storages);
        let tensor = tensor.map_err(|e| Error::invalid(format!("tensor '{name}': {e}")))?;
        found.push(Entry { name, tensor });
    }
    Ok(found)
}

fn tensor(
    tree: &Tree,
    t: &TensorNode,
    data: &mut Data,
    storages: &mut HashMap<(String, String), Storage>,
) -> Result<Tensor> {
    let Node::Storage(s) = tree.node(t.storage) else { refuse!("it has no storage") };
    let kind = ElementType::of_storage(&s.class)
        .ok_or_else(|| Error::invalid(format!("elements of a {} cannot be a tensor's", s.class)))?;
    if t.sizes.contains(&0) {
        return Ok(Tensor::empty(kind.dtype()));
    }
    demand!(t.sizes.len() <= MAX_DIMS, "it has {} dimensions, {MAX_DIMS} are the most", t.sizes.len());
    let small = |n: u64| usize::try_from(n).map_err(|_| Error::invalid(format!("a size of {n} is too large")));
    let mut sizes = t.sizes.iter().map(|&n| small(n)).collect::<Result<Vec<usize>>>()?;
    let mut strides: Vec<isize> = t.strides.iter().map(|&n| n as isize).collect();
    demand!(strides.iter().all(|&s| s >= 0), "it has the strides {strides:?}");
    if sizes.is_empty() {
        (sizes, strides) = (vec![1], vec![1]);
    }
    let layout = Layout::strided(small(t.offset)?, &sizes, &strides)?;
    let needed = layout.extent()?;
    let storage = match storages.get(&(s.class.clone(), s.key.clone())) {
        Some(storage) => storage.clone(),
        None => {
            let storage = read_storage(s, kind, data)?;
            storages.insert((s.class.clone(), s.key.clone()), storage.clone());
            storage
        }
    };
    demand!(needed <= storage.len(), "it reaches element {needed} of storage '{}', which has {}", s.key, storage.len());
    Ok(Tensor::over(storage, layout))
}

/// The elements of a storage; its bytes are there before memory is asked for.
fn read_storage(s: &StorageName, kind: ElementType, data: &mut Data) -> Result<Storage> {
    match data {
        Data::Archive(archive, folder, big_endian) => {
            let name = format!("{folder}data/{}", s.key);
            let at = archive.find(&name).ok_or_else(|| Error::invalid(format!("there is no entry {name}")))?;
            let (_, mut content) = archive.entry(at)?;
            let wanted = s.length.checked_mul(kind.size() as u64);
            demand!(
                wanted.is_some_and(|w| w <= content.size),
                "entry {name} has {} bytes, {} elements of {} are wanted",
                content.size,
                s.length,
                kind.text()
            );
            let storage = Storage::new(kind.dtype(), s.length as usize)?;
            let read = data::read(&mut content, kind, *big_endian, &storage);
            read.map_err(|e| Error::invalid(format!("entry {name}: {e}")))?;
            Ok(storage)
        }
        Data::File(file, places, length) => {
            let place = places.get(&s.key).copied();
            let (from, count) = place.ok_or_else(|| Error::invalid(format!("storage '{}' is not there", s.key)))?;
            let end = count.checked_mul(kind.size() as u64).and_then(|n| n.checked_add(from));
            demand!(
                end.is_some_and(|e| e <= *length),
                "storage '{}' has {count} elements at position {}",
                s.key,
                from + 1
            );
            file.seek(SeekFrom::Start(from)).map_err(data::failed)?;
            let storage = Storage::new(kind.dtype(), count as usize)?;
            data::read(file, kind, false, &storage).map_err(|e| input::at_position(e, file))?;
            Ok(storage)
        }
    }
}

/// Writes tensors as a state dict, in their order. Tensors over one storage stay so; the storage is written whole.
///
/// # Errors
/// Those of the system; a name that is not there twice.
pub fn save(path: &Path, entries: &[Entry]) -> Result<()> {
    let mut storages: Vec<Storage> = vec![];
    let mut keys: HashMap<usize, usize> = HashMap::new();
    let mut text = Pickle::new();
    for e in entries {
        let storage = e.tensor.storage_or_new()?;
        let key = *keys.entry(storage.id()).or_insert_with(|| {
            storages.push(storage.clone());
            storages.len() - 1
        });
        text.tensor(&e.name, &e.tensor, key, storage.len());
    }
    let text = text.finish();
    // torch.load looks for one folder, which torch.save names after the file
    let stem = path.file_stem().map_or("archive".into(), |s| s.to_string_lossy().into_owned());
    super::output::save(path, |out| {
        let mut archive = ArchiveWriter::new(out, Packing::Stored, 64);
        archive
            .add(&format!("{stem}/data.pkl"), text.len() as u64, |out| out.write_all(&text).map_err(data::failed))?;
        archive.add(&format!("{stem}/byteorder"), 6, |out| out.write_all(b"little").map_err(data::failed))?;
        for (key, s) in storages.iter().enumerate() {
            let bytes = s.len() as u64 * s.dtype().size() as u64;
            archive.add(&format!("{stem}/data/{key}"), bytes, |out| data::write_storage(out, s))?;
        }
        archive.add(&format!("{stem}/version"), 2, |out| out.write_all(b"3\n").map_err(data::failed))?;
        archive.finish()
    })
}

/// The pickle of a state dict, protocol 2: later ones `weights_only` refuses.
struct Pickle(Vec<u8>);

impl Pickle {
    fn new() -> Pickle {
        // an empty OrderedDict, then its pairs up to `u`
        let mut p = Pickle(b"\x80\x02".to_vec());
        p.ordered_dict();
        p.0.push(b'(');
        p
    }

    fn ordered_dict(&mut self) {
        self.0.extend(b"ccollections\nOrderedDict\n)R");
    }

    fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.bytes());
    }

    fn int(&mut self, n: i64) {
        match i32::try_from(n) {
            Ok(n) => {
                self.0.push(b'J');
                self.0.extend(n.to_le_bytes());
            }
            Err(_) => {
                self.0.extend([0x8a, 8]);
                self.0.extend(n.to_le_bytes());
            }
        }
    }

    fn ints(&mut self, all: impl Iterator<Item = i64>) {
        self.0.push(b'(');
        all.for_each(|n| self.int(n));
        self.0.push(b't');
    }

    fn tensor(&mut self, name: &str, x: &Tensor, key: usize, length: usize) {
        self.text(name);
        self.0.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.0.extend(format!("ctorch\n{}\n", data::type_of(x).storage()).bytes());
        self.text(&key.to_string());
        self.text("cpu");
        self.int(length as i64);
        self.0.extend(b"tQ");
        let layout = x.layout();
        self.int(layout.offset as i64);
        let empty = x.ndim() == 0;
        self.ints(data::sizes_of(x).iter().map(|&n| n as i64));
        let strides: &[isize] = if empty { &[1] } else { layout.strides() };
        self.ints(strides.iter().map(|&n| n as i64));
        self.0.push(0x89);
        self.ordered_dict();
        self.0.extend(b"tR");
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.extend(b"u.");
        self.0
    }
}
