//! The structure of a `.t7` file: classes, fields, sizes. Elements of storages are passed over, functions stay bytes,
//! no class reads itself: nothing of the file is run.

use super::tree::{Id, Node, StorageNode, TensorNode, Tree};
use crate::t7::{Encoding, Mode, TorchFile};
use crate::tensor::dtype::DType;
use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::Path;

/// Most objects inside each other. Graphs of large networks are chains of nodes: as deep as `torch.load` goes would
/// need a stack of its own, which the thread of [`read`] has.
const DEEPEST: usize = 20_000;
/// Bytes of stack for each level, with room to spare in builds that are not optimized.
const STACK: usize = 16_384 * DEEPEST;
/// Longest text that is kept whole.
const LONGEST: usize = 1 << 12;

/// Reads the structure of a file.
///
/// # Errors
/// A file that cannot be read; a damaged one, with the position.
pub fn read(path: &Path, ascii: bool) -> Result<Tree> {
    let path = path.to_str().ok_or_else(|| Error::invalid("the path is no text"))?.to_owned();
    let work = move || -> Result<Tree> {
        let mut file = TorchFile::disk(&path, Mode::Read, false)?;
        file.encoding = if ascii { Encoding::Ascii } else { Encoding::Binary };
        structure(file)
    };
    let thread = std::thread::Builder::new().name("inspect".into()).stack_size(STACK).spawn(work);
    let thread = thread.map_err(|e| Error::invalid(format!("cannot start a thread: {e}")))?;
    thread.join().unwrap_or_else(|_| Err(Error::invalid("the file could not be read")))
}

/// Reads the structure of an open file.
///
/// # Errors
/// As [`read`].
pub fn structure(file: TorchFile) -> Result<Tree> {
    let mut r = Reader { file, tree: Tree::default(), known: HashMap::new(), detect: true, depth: 0 };
    match r.object() {
        Ok(root) => {
            r.tree.root = root;
            Ok(r.tree)
        }
        Err(e) => {
            let at = r.file.position().unwrap_or(0) + 1;
            let text = e.to_string();
            Err(if text.contains("position ") {
                e
            } else {
                Error::invalid(format!("{text}, before position {at}; the file is damaged"))
            })
        }
    }
}

struct Reader {
    file: TorchFile,
    tree: Tree,
    /// Objects by their numbers in the file.
    known: HashMap<i32, Id>,
    /// Whether it is open how many bytes a long has.
    detect: bool,
    depth: usize,
}

impl Reader {
    fn int(&mut self) -> Result<i32> {
        self.file.read_one::<i32>()
    }

    fn long(&mut self) -> Result<i64> {
        self.file.read_one::<i64>()
    }

    fn left(&mut self) -> Result<u64> {
        Ok(self.file.left()?.unwrap_or(0))
    }

    fn is_text(&self) -> bool {
        !self.file.is_binary()
    }

    /// Passes over so many bytes.
    fn skip(&mut self, bytes: u64) -> Result<()> {
        let left = self.left()?;
        demand!(bytes <= left, "{bytes} bytes are announced and {left} are left");
        let at = self.file.position()? + bytes;
        self.file.seek(i64::try_from(at).unwrap_or(i64::MAX))
    }

    /// A text: its first bytes and its length. In ascii a line ends behind it.
    fn text(&mut self) -> Result<(Vec<u8>, u64)> {
        let n = self.int()?;
        let left = self.left()?;
        let n = u64::try_from(n).map_err(|_| Error::invalid(format!("a text of {n} bytes")))?;
        demand!(n <= left, "a text of {n} bytes, {left} are left");
        let kept = (n as usize).min(LONGEST);
        if n as usize <= LONGEST {
            return Ok((self.file.read_vec::<u8>(kept)?, n));
        }
        // the line's end belongs to the last byte
        let auto = std::mem::replace(&mut self.file.auto_spacing, false);
        let start = self.file.read_vec::<u8>(kept);
        self.file.auto_spacing = auto;
        let start = start?;
        self.skip(n - kept as u64 - 1)?;
        self.file.read_one::<u8>()?;
        Ok((start, n))
    }

    fn word(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.text()?.0).into_owned())
    }

    fn object(&mut self) -> Result<Id> {
        let kind = self.int()?;
        let node = match kind {
            0 => Node::Null,
            1 => Node::Num(self.file.read_one::<f64>()?),
            2 => {
                let (start, n) = self.text()?;
                Node::Text(start, n)
            }
            5 => Node::Bool(self.int()? != 0),
            3 | 4 | 6 | 7 | 8 => {
                demand!(self.depth < DEEPEST, "objects nested deeper than {DEEPEST}");
                self.depth += 1;
                let id = self.nested(kind);
                self.depth -= 1;
                return id;
            }
            _ => refuse!("an object of kind {kind}"),
        };
        self.tree.add(node)
    }

    fn nested(&mut self, kind: i32) -> Result<Id> {
        if kind == 6 {
            // the first form of functions has no number
            let id = self.tree.add(Node::Null)?;
            return self.function(id);
        }
        let number = self.int()?;
        demand!(number >= 0, "reference {number}");
        if let Some(&id) = self.known.get(&number) {
            return Ok(id);
        }
        let id = self.tree.add(Node::Null)?;
        self.known.insert(number, id);
        match kind {
            3 => self.table(id),
            4 => self.torch(id),
            _ => self.function(id),
        }
    }

    fn function(&mut self, id: Id) -> Result<Id> {
        let (_, bytes) = self.text()?;
        let variables = self.object()?;
        self.tree.set(id, Node::Function(bytes, variables));
        Ok(id)
    }

    fn table(&mut self, id: Id) -> Result<Id> {
        let count = self.int()?;
        demand!(count >= 0, "a table of {count} entries");
        self.pairs(id, count as u64)
    }

    fn pairs(&mut self, id: Id, count: u64) -> Result<Id> {
        // an entry has two objects of at least a kind each
        let left = self.left()?;
        demand!(count <= left / 2, "a table of {count} entries, {left} bytes are left");
        let mut pairs = vec![];
        for _ in 0..count {
            pairs.push((self.object()?, self.object()?));
        }
        // the order in the file is that of a hash table
        pairs.sort_by(|a, b| self.compare(a.0, b.0));
        self.tree.set(id, Node::Table(pairs));
        Ok(id)
    }

    /// Numbers first, then texts, each in their order.
    fn compare(&self, a: Id, b: Id) -> Ordering {
        match (self.tree.node(a), self.tree.node(b)) {
            (Node::Num(a), Node::Num(b)) => a.total_cmp(b),
            (Node::Text(a, _), Node::Text(b, _)) => a.cmp(b),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }

    fn torch(&mut self, id: Id) -> Result<Id> {
        let first = self.word()?;
        // files older than versions begin with the class
        let name = if first.starts_with("V ") { self.word()? } else { first };
        let sane = name.len() <= 200 && name.bytes().all(|b| b.is_ascii_graphic());
        demand!(sane && !name.is_empty(), "a class named {:?}", name.chars().take(80).collect::<String>());
        let elements = |end: &str| name.strip_prefix("torch.").and_then(|n| n.strip_suffix(end)).and_then(element_type);
        if let Some(kind) = elements("Storage") {
            return self.storage(id, name.clone(), kind);
        }
        if elements("Tensor").is_some() {
            return self.tensor(id, name);
        }
        let content = match name.as_str() {
            "tds.Hash" => {
                let count = self.count()?;
                let table = self.tree.add(Node::Null)?;
                self.pairs(table, count)?
            }
            "tds.Vec" => {
                let count = self.count()?;
                let values = (0..count).map(|_| self.object()).collect::<Result<Vec<Id>>>()?;
                self.tree.list(values)?
            }
            "tds.AtomicCounter" => {
                let n = self.long()?;
                self.tree.add(Node::Num(n as f64))?
            }
            "torch.Timer" => self.tree.add(Node::Null)?,
            _ => self.object()?,
        };
        self.tree.set(id, Node::Object(name, content));
        Ok(id)
    }

    fn count(&mut self) -> Result<u64> {
        let (n, left) = (self.long()?, self.left()?);
        match u64::try_from(n) {
            Ok(n) if n <= left => Ok(n),
            _ => Err(Error::invalid(format!("{n} entries, {left} bytes are left"))),
        }
    }

    fn tensor(&mut self, id: Id, class: String) -> Result<Id> {
        let n = self.int()?;
        demand!((0..=1000).contains(&n), "a tensor of {n} dimensions");
        let n = n as usize;
        if self.detect && !self.is_text() {
            self.detect = false;
            let at = |longs: u64, size: u64| longs * size;
            let longs = 2 * n as u64 + 1;
            if !self.is_storage(at(longs, 8))? && self.is_storage(at(longs, 4))? {
                self.file.set_long_size(4)?;
            }
        }
        let longs = self.file.read_vec::<i64>(2 * n)?;
        let offset = self.long()?;
        let storage = self.object()?;
        let whole = |v: &i64| u64::try_from(*v).map_err(|_| Error::invalid(format!("a tensor with a size of {v}")));
        let sizes = longs[..n].iter().map(whole).collect::<Result<Vec<u64>>>()?;
        let mut t = TensorNode { class, sizes, strides: longs[n..].to_vec(), ..Default::default() };
        t.offset = offset.max(1) as u64 - 1;
        match self.tree.node(storage) {
            Node::Storage(s) => {
                let reach = t.sizes.iter().zip(&t.strides).try_fold(t.offset, |at, (&n, &s)| {
                    at.checked_add(n.saturating_sub(1).checked_mul(u64::try_from(s).ok()?)?)
                });
                let fits = t.count() == 0 || reach.is_some_and(|r| r < s.length);
                demand!(
                    fits,
                    "a tensor of size {:?} that reaches outside its storage of {} elements",
                    t.sizes,
                    s.length
                );
                t.storage = Some(storage);
            }
            Node::Null => demand!(n == 0, "a tensor without a storage"),
            _ => refuse!("a tensor over something that is no storage"),
        }
        self.tree.set(id, Node::Tensor(Box::new(t)));
        Ok(id)
    }

    /// Whether so many bytes further an integer stands that begins the storage of a tensor.
    fn is_storage(&mut self, further: u64) -> Result<bool> {
        let (back, left) = (self.file.position()?, self.left()?);
        if left < further + 4 {
            return Ok(false);
        }
        self.skip(further)?;
        let kind = self.int()?;
        let index = if kind == 4 && left >= further + 8 { Some(self.int()?) } else { None };
        self.file.seek(back as i64)?;
        Ok(kind == 0 || index.is_some_and(|i| i > 0))
    }

    fn storage(&mut self, id: Id, class: String, kind: DType) -> Result<Id> {
        if self.detect && !self.is_text() {
            self.detect = false;
            self.long_size_by_storage(kind)?;
        }
        let n = self.long()?;
        let n = u64::try_from(n).map_err(|_| Error::invalid(format!("a storage of {n} elements")))?;
        let at = self.file.position()?;
        let width = if kind == DType::Long { self.file.long_size() } else { kind.size() } as u64;
        if self.is_text() && kind.size() > 1 {
            // numbers with blanks between; a line's end behind the last
            let left = self.left()?;
            demand!(n <= left / 2 + 1, "a storage of {n} elements, {left} bytes are left");
            self.file.skip_numbers(n)?;
        } else {
            let bytes = n.checked_mul(width);
            let bytes = bytes.ok_or_else(|| Error::invalid(format!("a storage of {n} elements")))?;
            self.skip(bytes)?;
            if self.is_text() && n > 0 {
                self.file.skip_numbers(0)?;
            }
        }
        let bytes = self.file.position()? - at;
        let storage = StorageNode { class, length: n, at: Some(at), bytes };
        self.tree.set(id, Node::Storage(Box::new(storage)));
        Ok(id)
    }

    fn long_size_by_storage(&mut self, kind: DType) -> Result<()> {
        let (left, back) = (self.left()?, self.file.position()?);
        let fits = |n: i64, width: usize, long: u64| {
            u64::try_from(n).is_ok_and(|n| n.checked_mul(width as u64).is_some_and(|b| b + long <= left))
        };
        if left >= 8 {
            let n = self.long()?;
            self.file.seek(back as i64)?;
            if fits(n, kind.size(), 8) {
                return Ok(());
            }
        }
        self.file.set_long_size(4)?;
        let n = self.long()?;
        self.file.seek(back as i64)?;
        let width = if kind == DType::Long { 4 } else { kind.size() };
        if left >= 8 && !fits(n, width, 4) {
            self.file.set_long_size(8)?;
        }
        Ok(())
    }
}

fn rank(key: &Node) -> u8 {
    match key {
        Node::Num(_) => 0,
        Node::Text(..) => 1,
        _ => 2,
    }
}

/// The element type in a class's name, as `Float` in `torch.FloatTensor` and `CudaHalf` in `torch.CudaHalfTensor`.
fn element_type(name: &str) -> Option<DType> {
    let name = if name == "Cuda" { "Float" } else { name.strip_prefix("Cuda").unwrap_or(name) };
    DType::ALL.into_iter().find(|d| d.name() == name)
}
