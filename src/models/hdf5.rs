//! HDF5 files, over the crate `hdf5-pure`: groups, and datasets that are tensors or texts.

use super::element::ElementType;
use super::hdf5_source::{self, Watched};
use super::tree::{Id, Node, Tree};
use super::{Entry, data};
use crate::tensor::Tensor;
use crate::tensor::dtype::DType;
use crate::tensor::error::{Error, Result};
use crate::tensor::ops::copy;
use crate::{demand, refuse};
use hdf5_pure::{
    Datatype, DatatypeByteOrder, FileAccessProperties, FileLocking, FixedPointLayout, FormatError, SyncPolicy,
};
use std::cell::{Ref, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Deepest group, and most groups and datasets, that are listed: links can lead in circles.
const DEEPEST: usize = 64;
const MOST: usize = 100_000;

/// How a dataset is written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The sizes of the chunks that it is cut into; none for one run of elements.
    pub chunks: Vec<u64>,
    /// The level of compression, 1 to 9; 0 for none. Only chunks are compressed.
    pub deflate: u32,
    /// Whether its first dimension may grow.
    pub growing: bool,
}

/// What stands under a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A group.
    Group,
    /// A dataset of elements that a tensor can have: their type and its sizes.
    Tensor(ElementType, Vec<u64>),
    /// A dataset of texts: its sizes.
    Texts(Vec<u64>),
    /// A dataset of something else, in words.
    Other(String),
}

/// An open file; the default one is closed.
#[derive(Default)]
pub struct Hdf5 {
    file: RefCell<Option<hdf5_pure::File>>,
    writes: bool,
    /// Bytes of the file when it was opened, by which sizes are judged.
    length: u64,
}

/// The crate's answer; a panic of it is a damaged file too. Damages are told with the place that was read last.
fn guarded<R>(work: impl FnOnce() -> std::result::Result<R, hdf5_pure::Error>) -> Result<R> {
    hdf5_source::last();
    let damage = |text: String| {
        let place = hdf5_source::last().map(|at| format!(", at position {}", at + 1)).unwrap_or_default();
        Error::invalid(format!("HDF5: {text}{place}"))
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(hdf5_pure::Error::Format(e))) if !matches!(e, FormatError::PathNotFound(_)) => {
            Err(damage(e.to_string()))
        }
        Ok(answer) => answer.map_err(|e| Error::invalid(format!("HDF5: {e}"))),
        Err(_) => Err(damage("the file is damaged".into())),
    }
}

/// A path without slashes at its ends.
fn plain(path: &str) -> &str {
    path.trim_matches('/')
}

impl Hdf5 {
    /// Opens a file: `r` to read, `r+` to read and write, `w` to make anew, `w-` to make where there is none, `a` to
    /// read and write or make.
    ///
    /// # Errors
    /// Another mode, a file that cannot be opened, what is no HDF5 file.
    pub fn open(path: &Path, mode: &str) -> Result<Hdf5> {
        let there = path.exists();
        let make = match mode {
            "r" | "r+" => false,
            "w" => true,
            "w-" | "x" => {
                demand!(!there, "cannot make <{}>: the file exists", path.display());
                true
            }
            "a" => !there,
            _ => refuse!("expected the mode 'r', 'r+', 'w', 'w-' or 'a', got '{mode}'"),
        };
        // a program may open a file twice, as with the C library
        let access =
            || FileAccessProperties::new().with_sync_policy(SyncPolicy::OnClose).with_locking(FileLocking::Disabled);
        let file = guarded(|| match (make, mode) {
            (true, _) => hdf5_pure::File::create_with_options(path, hdf5_pure::FileCreateProperties::new(), access()),
            (_, "r") => hdf5_pure::File::from_source(Watched::new(std::fs::File::open(path)?)?),
            _ => hdf5_pure::File::open_rw_with_options(path, access()),
        });
        let file = file.map_err(|e| Error::invalid(format!("cannot open <{}>: {e}", path.display())))?;
        let length = std::fs::metadata(path).map_or(0, |m| m.len());
        Ok(Hdf5 { file: RefCell::new(Some(file)), writes: mode != "r", length })
    }

    fn file(&self) -> Result<Ref<'_, hdf5_pure::File>> {
        Ref::filter_map(self.file.borrow(), Option::as_ref).map_err(|_| Error::invalid("the HDF5 file is closed"))
    }

    /// Whether it was not closed yet.
    pub fn is_open(&self) -> bool {
        self.file.borrow().is_some()
    }

    /// Closes the file; all that was written is on the disk then.
    ///
    /// # Errors
    /// Those of the system.
    pub fn close(&self) -> Result<()> {
        let Some(file) = self.file.borrow_mut().take() else { return Ok(()) };
        guarded(|| file.close())
    }

    fn group(&self, path: &str) -> Result<hdf5_pure::Group> {
        let file = self.file()?;
        let path = plain(path);
        guarded(|| if path.is_empty() { Ok(file.root()) } else { file.group(path) })
    }

    /// What stands under a path; none where there is nothing.
    ///
    /// # Errors
    /// A closed file, a damaged one.
    pub fn item(&self, path: &str) -> Result<Option<Item>> {
        let file = self.file()?;
        let path = plain(path);
        if path.is_empty() || guarded(|| file.group(path)).is_ok() {
            return Ok(Some(Item::Group));
        }
        let Ok(dataset) = guarded(|| file.dataset(path)) else { return Ok(None) };
        let (kind, sizes) = (guarded(|| dataset.datatype())?, guarded(|| dataset.shape())?);
        Ok(Some(match (element(&kind), &kind) {
            (Some((kind, _)), _) => Item::Tensor(kind, sizes),
            (_, Datatype::String { .. } | Datatype::VariableLength { is_string: true, .. }) => Item::Texts(sizes),
            _ => Item::Other(guarded(|| dataset.dtype()).map_or_else(|_| "elements".into(), |t| t.to_string())),
        }))
    }

    /// The names of the groups and of the datasets of a group.
    ///
    /// # Errors
    /// What is no group, a damaged file.
    pub fn names(&self, path: &str) -> Result<(Vec<String>, Vec<String>)> {
        let group = self.group(path)?;
        Ok((guarded(|| group.groups())?, guarded(|| group.datasets())?))
    }

    fn dataset(&self, path: &str) -> Result<(hdf5_pure::Dataset, Vec<usize>)> {
        let file = self.file()?;
        let dataset = guarded(|| file.dataset(plain(path)))?;
        let sizes = guarded(|| dataset.shape())?;
        let sizes = sizes.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<usize>>>();
        Ok((dataset, sizes.ok_or_else(|| Error::invalid("a dataset that is larger than memory"))?))
    }

    /// The elements of a dataset: all, or along each dimension those from the first to before the second of a pair.
    ///
    /// # Errors
    /// What is no such dataset, ranges outside it, a damaged file, not enough memory.
    pub fn read(&self, path: &str, ranges: &[(usize, usize)]) -> Result<Tensor> {
        let (dataset, sizes) = self.dataset(path)?;
        let kind = guarded(|| dataset.datatype())?;
        let (kind, big_endian) = element(&kind)
            .ok_or_else(|| Error::invalid(format!("dataset '{path}' has elements that Torch7 does not have")))?;
        demand!(
            ranges.is_empty() || ranges.len() == sizes.len(),
            "dataset '{path}' has {} dimensions, got {} ranges",
            sizes.len(),
            ranges.len()
        );
        for (d, (&(from, to), &size)) in ranges.iter().zip(&sizes).enumerate() {
            demand!(from < to && to <= size, "range {}: {} to {to} of a dimension of {size}", d + 1, from + 1);
        }
        let mut part = sizes.clone();
        if let Some(&(from, to)) = ranges.first() {
            part[0] = to - from;
        }
        // deflation makes a thousand bytes of one, and no more; elements that were never written take none
        let wanted = data::bytes_of(kind, &part)?;
        let most = self.length.saturating_mul(1100).saturating_add(1 << 26);
        demand!(wanted <= most, "dataset '{path}' of size {sizes:?} in a file of {} bytes", self.length);
        crate::tensor::storage::enough::<u8>(wanted as usize)?;
        let bytes = guarded(|| match ranges.first() {
            Some(&(from, to)) => dataset.read_raw_rows(from as u64, (to - from) as u64),
            None => dataset.read_raw(),
        })?;
        demand!(bytes.len() as u64 >= wanted, "dataset '{path}': {wanted} bytes are wanted, {} are there", bytes.len());
        let mut x = data::read_tensor(&mut bytes.as_slice(), kind, big_endian, &part, false)?;
        drop(bytes);
        for (d, &(from, to)) in ranges.iter().enumerate().skip(1) {
            x = x.narrow(d, from, to - from)?;
        }
        copy::contiguous(&x)
    }

    /// The texts of a dataset.
    ///
    /// # Errors
    /// What is no such dataset, a damaged file.
    pub fn texts(&self, path: &str) -> Result<Vec<String>> {
        let (dataset, sizes) = self.dataset(path)?;
        let count = sizes.iter().fold(1usize, |n, &s| n.saturating_mul(s));
        demand!(count as u64 <= self.length.saturating_mul(1100), "dataset '{path}' of size {sizes:?}");
        guarded(|| dataset.read_string())
    }

    /// Makes the groups that lead to a path, and the path itself where it is to be a group.
    ///
    /// # Errors
    /// A file that is only read; a dataset in the way.
    pub fn make_groups(&self, path: &str, whole: bool) -> Result<()> {
        demand!(self.writes, "the HDF5 file was opened to be read");
        let path = plain(path);
        let ends = path.match_indices('/').map(|(i, _)| i).chain(whole.then_some(path.len()));
        let file = self.file()?;
        for end in ends.filter(|&e| e > 0) {
            let group = &path[..end];
            match self.item(group)? {
                Some(Item::Group) => {}
                Some(_) => refuse!("'{group}' is a dataset, not a group"),
                None => {
                    guarded(|| file.root().create_group(group))?;
                    guarded(|| file.commit())?;
                }
            }
        }
        Ok(())
    }

    /// Writes a tensor as a dataset.
    ///
    /// # Errors
    /// A name that is there, options that do not fit, elements of type Half, those of the system.
    pub fn write(&self, path: &str, x: &Tensor, options: &Options) -> Result<()> {
        let there = self.item(path)?;
        demand!(there.is_none(), "'{path}' is there already");
        let mut bytes = crate::tensor::storage::room(x.numel() * x.dtype().size())?;
        data::write(&mut bytes, x)?;
        let sizes: Vec<u64> = data::sizes_of(x).iter().map(|&s| s as u64).collect();
        self.store(path, x.dtype(), bytes, &sizes, options)
    }

    fn store(&self, path: &str, dtype: DType, bytes: Vec<u8>, sizes: &[u64], options: &Options) -> Result<()> {
        self.make_groups(path, false)?;
        let count = sizes.iter().product();
        let kind = datatype(dtype)?;
        let chunks = &options.chunks;
        demand!(
            chunks.is_empty() || chunks.len() == sizes.len(),
            "the options have chunks of {} dimensions, the tensor has {}",
            chunks.len(),
            sizes.len()
        );
        demand!(chunks.iter().all(|&c| c > 0), "a chunk has a size of 0");
        let file = self.file()?;
        guarded(|| {
            file.root().create_dataset(plain(path), |b| {
                b.with_raw_data(kind, bytes, count).with_shape(sizes);
                if !chunks.is_empty() {
                    let fitting: Vec<u64> = chunks.iter().zip(sizes).map(|(&c, &s)| c.min(s.max(1))).collect();
                    b.with_chunks(if options.growing { chunks } else { &fitting });
                    if options.deflate > 0 {
                        b.with_shuffle().with_deflate(options.deflate.min(9));
                    }
                }
            })
        })?;
        guarded(|| file.commit())
    }

    /// Writes a text as a dataset.
    ///
    /// # Errors
    /// As [`Hdf5::write`].
    pub fn write_text(&self, path: &str, text: &str) -> Result<()> {
        demand!(self.item(path)?.is_none(), "'{path}' is there already");
        self.make_groups(path, false)?;
        let file = self.file()?;
        guarded(|| {
            file.root().create_dataset(plain(path), |b| {
                b.with_vlen_strings(&[text]).with_shape(&[]);
            })
        })?;
        guarded(|| file.commit())
    }

    /// Puts a tensor in place of a dataset's, of the same type and size.
    ///
    /// # Errors
    /// As [`Hdf5::write`].
    pub fn replace(&self, path: &str, x: &Tensor) -> Result<()> {
        demand!(self.writes, "the HDF5 file was opened to be read");
        let (mut dataset, sizes) = self.dataset(path)?;
        demand!(data::sizes_of(x) == sizes, "dataset '{path}' has the size {sizes:?}, the tensor {}", x.shape_text());
        let mut bytes = crate::tensor::storage::room(x.numel() * x.dtype().size())?;
        data::write(&mut bytes, x)?;
        let (kind, shape) = (datatype(x.dtype())?, sizes.iter().map(|&n| n as u64).collect::<Vec<u64>>());
        guarded(|| {
            dataset.write_staged(|b| {
                b.with_raw_data(kind, bytes, x.numel() as u64).with_shape(&shape);
            })
        })?;
        let file = self.file()?;
        guarded(|| file.commit())
    }

    /// Takes away what stands under a path.
    ///
    /// # Errors
    /// Nothing there, a file that is only read.
    pub fn remove(&self, path: &str) -> Result<()> {
        demand!(self.writes, "the HDF5 file was opened to be read");
        let file = self.file()?;
        guarded(|| file.root().delete(plain(path)))?;
        guarded(|| file.commit())
    }
}

/// The element type of a dataset and whether its bytes are in big-endian order.
fn element(kind: &Datatype) -> Option<(ElementType, bool)> {
    use DType::{Byte, Char, Double, Float, Half, Int, Long, Short};
    use ElementType::{Bool, Plain, U16, U32, U64};
    let big = |order: &DatatypeByteOrder| *order == DatatypeByteOrder::BigEndian;
    match kind {
        Datatype::FixedPoint {
            size,
            byte_order,
            layout: FixedPointLayout { signed, bit_offset: 0, bit_precision },
        } if u32::from(*bit_precision) == size * 8 => {
            let found = match (size, signed) {
                (1, false) => Plain(Byte),
                (1, true) => Plain(Char),
                (2, true) => Plain(Short),
                (4, true) => Plain(Int),
                (8, true) => Plain(Long),
                (2, false) => U16,
                (4, false) => U32,
                (8, false) => U64,
                _ => return None,
            };
            Some((found, big(byte_order)))
        }
        Datatype::FloatingPoint { size, byte_order, .. } if *byte_order != DatatypeByteOrder::Vax => {
            let found = match size {
                2 => Half,
                4 => Float,
                8 => Double,
                _ => return None,
            };
            Some((Plain(found), big(byte_order)))
        }
        // h5py's booleans
        Datatype::Enumeration { size: 1, .. } => Some((Bool, false)),
        _ => None,
    }
}

fn datatype(dtype: DType) -> Result<Datatype> {
    Ok(match dtype {
        DType::Byte => hdf5_pure::make_u8_type(),
        DType::Char => hdf5_pure::make_i8_type(),
        DType::Short => hdf5_pure::make_i16_type(),
        DType::Int => hdf5_pure::make_i32_type(),
        DType::Long => hdf5_pure::make_i64_type(),
        DType::Float => hdf5_pure::make_f32_type(),
        DType::Double => hdf5_pure::make_f64_type(),
        DType::Half => refuse!("a HalfTensor cannot be written to HDF5; convert it with x:float()"),
    })
}

/// Groups and datasets below a path, as far as `found` takes them.
fn walk(file: &Hdf5, path: &str, depth: usize, found: &mut Vec<(String, Item)>) -> Result<()> {
    demand!(depth <= DEEPEST, "groups nested deeper than {DEEPEST}");
    let (groups, datasets) = file.names(path)?;
    for name in groups.iter().chain(&datasets) {
        demand!(found.len() < MOST, "more than {MOST} groups and datasets");
        let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        let Some(item) = file.item(&below)? else { continue };
        let is_group = item == Item::Group;
        found.push((below.clone(), item));
        if is_group {
            walk(file, &below, depth + 1, found)?;
        }
    }
    Ok(())
}

/// Every dataset of tensors' elements, by its path.
///
/// # Errors
/// A file that cannot be read, a damaged one.
pub fn load(path: &Path) -> Result<Vec<Entry>> {
    let file = Hdf5::open(path, "r")?;
    let mut found = vec![];
    walk(&file, "", 0, &mut found)?;
    let tensors = found.into_iter().filter(|(_, item)| matches!(item, Item::Tensor(..)));
    tensors.map(|(name, _)| Ok(Entry { tensor: file.read(&name, &[])?, name })).collect()
}

/// The structure of a file.
///
/// # Errors
/// A file that cannot be read, a damaged one.
pub fn tree(path: &Path) -> Result<Tree> {
    let file = Hdf5::open(path, "r")?;
    let mut found = vec![];
    walk(&file, "", 0, &mut found)?;
    let mut tree = Tree::default();
    tree.root = branch(&mut tree, &found, "")?;
    Ok(tree)
}

/// The part of the list below a group.
fn branch(tree: &mut Tree, found: &[(String, Item)], group: &str) -> Result<Id> {
    let mut pairs = vec![];
    let mut at = 0;
    while at < found.len() {
        let (path, item) = &found[at];
        let name = path[group.len()..].trim_start_matches('/').to_owned();
        let inside = format!("{path}/");
        let more = found[at + 1..].iter().take_while(|(p, _)| p.starts_with(&inside)).count();
        let id = match item {
            Item::Group => branch(tree, &found[at + 1..at + 1 + more], path)?,
            Item::Tensor(kind, sizes) => {
                let bytes = sizes.iter().fold(kind.size() as u64, |n, &s| n.saturating_mul(s));
                tree.tensor(kind.text(), sizes, None, bytes)?
            }
            Item::Texts(sizes) => tree.add(Node::Other(format!("texts {sizes:?}")))?,
            Item::Other(what) => tree.add(Node::Other(what.clone()))?,
        };
        pairs.push((name, id));
        at += 1 + more;
    }
    tree.table(pairs.iter().map(|(k, v)| (k.as_str(), *v)))
}
