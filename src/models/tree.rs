//! What a file holds, as a tree of values without the elements of its tensors: what `th inspect` shows.

use crate::demand;
use crate::tensor::error::Result;

/// The place of a node in its [`Tree`].
pub type Id = usize;

/// A tensor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TensorNode {
    /// Its class or element type: `torch.FloatTensor`, `float32`.
    pub class: String,
    /// Its sizes; none for a tensor without elements, and for a number of numpy's or PyTorch's.
    pub sizes: Vec<u64>,
    /// Its strides; empty where the file has tensors without gaps alone.
    pub strides: Vec<i64>,
    /// Its first element in the storage, from 0.
    pub offset: u64,
    /// The node of its storage.
    pub storage: Option<Id>,
}

impl TensorNode {
    /// How many elements it has.
    pub fn count(&self) -> u64 {
        if self.sizes.is_empty() { 0 } else { self.sizes.iter().fold(1, |n, &s| n.saturating_mul(s)) }
    }
}

/// A run of elements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageNode {
    /// Its class or element type.
    pub class: String,
    /// How many elements it has.
    pub length: u64,
    /// Where its elements begin in the file, from 0; none where they are packed.
    pub at: Option<u64>,
    /// Bytes that they take in the file.
    pub bytes: u64,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// nil, None, null
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Num(f64),
    /// A text: its first bytes, and how many it has.
    Text(Vec<u8>, u64),
    /// A table, dictionary, group or list, with its keys.
    Table(Vec<(Id, Id)>),
    /// An object of a class, with its fields or what else it was written as.
    Object(String, Id),
    /// A tensor.
    Tensor(Box<TensorNode>),
    /// A storage.
    Storage(Box<StorageNode>),
    /// A function: bytes of its code, and its variables.
    Function(u64, Id),
    /// Something else, in words.
    Other(String),
}

/// All that a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
    /// The value itself.
    pub root: Id,
}

/// Most nodes that a tree may have.
const MOST: usize = 1 << 24;

impl Tree {
    /// A node.
    pub fn node(&self, id: Id) -> &Node {
        self.nodes.get(id).unwrap_or(&Node::Null)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds a node.
    ///
    /// # Errors
    /// More values than any model has.
    pub fn add(&mut self, node: Node) -> Result<Id> {
        demand!(self.nodes.len() < MOST, "the file has more than {MOST} values");
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    /// Gives a node its value, which was not known when it was added.
    pub fn set(&mut self, id: Id, node: Node) {
        if let Some(place) = self.nodes.get_mut(id) {
            *place = node;
        }
    }

    /// Adds a text.
    ///
    /// # Errors
    /// As [`Tree::add`].
    pub fn text(&mut self, text: &str) -> Result<Id> {
        self.add(Node::Text(text.as_bytes().to_vec(), text.len() as u64))
    }

    /// Adds a table with texts as keys.
    ///
    /// # Errors
    /// As [`Tree::add`].
    pub fn table<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, Id)>) -> Result<Id> {
        let pairs = pairs.into_iter().map(|(k, v)| Ok((self.text(k)?, v))).collect::<Result<_>>()?;
        self.add(Node::Table(pairs))
    }

    /// Adds a list, whose keys are 1, 2, 3 ...
    ///
    /// # Errors
    /// As [`Tree::add`].
    pub fn list(&mut self, values: impl IntoIterator<Item = Id>) -> Result<Id> {
        let pairs = values.into_iter().enumerate();
        let pairs = pairs.map(|(i, v)| Ok((self.add(Node::Num((i + 1) as f64))?, v))).collect::<Result<_>>()?;
        self.add(Node::Table(pairs))
    }

    /// Adds a tensor with a storage of its own, as files have them whose tensors share nothing.
    ///
    /// # Errors
    /// As [`Tree::add`].
    pub fn tensor(&mut self, class: &str, sizes: &[u64], at: Option<u64>, bytes: u64) -> Result<Id> {
        let length = sizes.iter().fold(1, |n: u64, &s| n.saturating_mul(s));
        let storage = StorageNode { class: class.to_owned(), length, at, bytes };
        let storage = self.add(Node::Storage(Box::new(storage)))?;
        let tensor =
            TensorNode { class: class.to_owned(), sizes: sizes.to_vec(), storage: Some(storage), ..Default::default() };
        self.add(Node::Tensor(Box::new(tensor)))
    }

    /// Every storage.
    pub fn storages(&self) -> impl Iterator<Item = (Id, &StorageNode)> {
        let storage = |(id, n): (Id, &'_ Node)| if let Node::Storage(_) = n { Some(id) } else { None };
        let ids: Vec<Id> = self.nodes.iter().enumerate().filter_map(storage).collect();
        ids.into_iter().filter_map(|id| if let Node::Storage(s) = self.node(id) { Some((id, &**s)) } else { None })
    }

    /// The value of a table, or of an object's table, under a text.
    pub fn field(&self, id: Id, name: &str) -> Option<Id> {
        match self.node(id) {
            Node::Object(_, fields) => match self.node(*fields) {
                Node::Table(_) => self.field(*fields, name),
                _ => None,
            },
            Node::Table(pairs) => {
                let is = |id: Id| matches!(self.node(id), Node::Text(t, _) if t == name.as_bytes());
                pairs.iter().find(|(k, _)| is(*k)).map(|(_, v)| *v)
            }
            _ => None,
        }
    }

    /// A number under a text.
    pub fn number(&self, id: Id, name: &str) -> Option<f64> {
        match self.node(self.field(id, name)?) {
            Node::Num(n) => Some(*n),
            _ => None,
        }
    }

    /// The values of a table under 1, 2, 3 ... as far as they go.
    pub fn items(&self, id: Id) -> Vec<Id> {
        let Node::Table(pairs) = self.node(id) else { return vec![] };
        let mut found: Vec<(u64, Id)> = pairs
            .iter()
            .filter_map(|&(k, v)| match self.node(k) {
                Node::Num(n) if *n >= 1.0 && n.fract() == 0.0 => Some((*n as u64, v)),
                _ => None,
            })
            .collect();
        found.sort_unstable();
        found.iter().enumerate().take_while(|(i, (n, _))| *n == *i as u64 + 1).map(|(_, (_, v))| *v).collect()
    }
}
