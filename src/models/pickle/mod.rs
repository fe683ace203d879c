//! Python's pickles as data: the machine's instructions build nodes of a tree, and nothing of the file is run.
//!
//! A class or function of Python's is its name; an object made by one is [`Node::Object`], with what its maker would
//! have got. The few makers that stand for data (PyTorch's tensors and parameters, ordered dictionaries, sets) give
//! what they mean.

mod machine;
mod makers;

pub use machine::read;

use crate::demand;
use crate::tensor::error::Result;

/// The place of a node in its [`Tree`].
pub type Id = usize;

/// A storage of PyTorch's as a pickle names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageName {
    /// The class: `FloatStorage`.
    pub class: String,
    /// The name of its data.
    pub key: String,
    /// How many elements it has.
    pub length: u64,
    /// Where it was: `cpu`, `cuda:0`.
    pub location: String,
}

/// A tensor of PyTorch's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorNode {
    /// The node of its storage.
    pub storage: Id,
    /// Its first element in it.
    pub offset: u64,
    /// Its sizes.
    pub sizes: Vec<u64>,
    /// Its strides.
    pub strides: Vec<i64>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `None`
    None,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number of more than 64 bits: its bytes, the lowest first.
    Long(Vec<u8>),
    /// A number.
    Float(f64),
    /// A text, UTF-8 as a rule.
    Text(Vec<u8>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list.
    List(Vec<Id>),
    /// A set.
    Set(Vec<Id>),
    /// A dictionary.
    Dict(Vec<(Id, Id)>),
    /// A class or function: module and name.
    Global(String, String),
    /// An object: its class or maker, what that would have got, and its state.
    Object {
        /// Its class, or the function that would have made it.
        class: Id,
        /// The arguments.
        args: Id,
        /// What `__setstate__` would have got.
        state: Option<Id>,
    },
    /// A reference out of the pickle that names no storage.
    Outside(Id),
    /// A storage.
    Storage(Box<StorageName>),
    /// A tensor.
    Tensor(Box<TensorNode>),
}

/// What a pickle holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
    /// The value itself.
    pub root: Id,
}

/// How deep and how much a walk goes. Nodes may be reached by many ways, so that a small file can be an endless tree.
const DEEPEST: usize = 200;
const MOST: usize = 1 << 20;

impl Tree {
    /// A tree of nothing.
    pub fn empty() -> Tree {
        Tree { nodes: vec![], root: 0 }
    }

    /// Every storage that is named.
    pub fn storages(&self) -> impl Iterator<Item = &StorageName> {
        self.nodes.iter().filter_map(|n| if let Node::Storage(s) = n { Some(&**s) } else { None })
    }

    /// A node.
    pub fn node(&self, id: Id) -> &Node {
        self.nodes.get(id).unwrap_or(&Node::None)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The name of a class or function, `module.name`.
    pub fn global(&self, id: Id) -> Option<String> {
        match self.node(id) {
            Node::Global(module, name) => Some(format!("{module}.{name}")),
            _ => None,
        }
    }

    /// A value as a key of a path: texts and numbers.
    pub fn key(&self, id: Id) -> Option<String> {
        match self.node(id) {
            Node::Text(t) | Node::Bytes(t) => Some(String::from_utf8_lossy(t).into_owned()),
            Node::Int(n) => Some(n.to_string()),
            _ => None,
        }
    }

    /// The value of a dictionary under a text.
    pub fn field(&self, dict: Id, name: &str) -> Option<Id> {
        let Node::Dict(pairs) = self.node(dict) else { return None };
        let is = |id: &Id| matches!(self.node(*id), Node::Text(t) if t == name.as_bytes());
        pairs.iter().find(|(k, _)| is(k)).map(|(_, v)| *v)
    }

    /// Every tensor, with the path that leads to it: keys and places, with dots between; the dictionaries of a pickled
    /// `torch.nn.Module` count for nothing, so that the names are those of its state dict.
    ///
    /// # Errors
    /// A tree that goes too deep or has no end.
    pub fn tensors(&self) -> Result<Vec<(String, &TensorNode)>> {
        let mut walk = Walk { tree: self, found: vec![], steps: 0 };
        walk.visit(self.root, &mut String::new(), 0)?;
        Ok(walk.found)
    }
}

struct Walk<'a> {
    tree: &'a Tree,
    found: Vec<(String, &'a TensorNode)>,
    steps: usize,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, id: Id, path: &mut String, depth: usize) -> Result<()> {
        self.steps += 1;
        demand!(depth <= DEEPEST, "the values of the pickle are nested more than {DEEPEST} deep");
        demand!(self.steps <= MOST, "the values of the pickle are more than {MOST}");
        let tree = self.tree;
        match tree.node(id) {
            Node::Tensor(t) => self.found.push((path.clone(), t)),
            Node::Tuple(list) | Node::List(list) => {
                for (i, &v) in list.iter().enumerate() {
                    self.below(v, &i.to_string(), path, depth)?;
                }
            }
            Node::Dict(pairs) => {
                for &(k, v) in pairs {
                    if let Some(key) = tree.key(k) {
                        self.below(v, &key, path, depth)?;
                    }
                }
            }
            Node::Object { state: Some(state), .. } => {
                let parts = ["_parameters", "_buffers", "_modules"].map(|part| tree.field(*state, part));
                if parts.iter().all(Option::is_none) {
                    // as TorchScript has modules
                    self.visit(*state, path, depth + 1)?;
                }
                for dict in parts.into_iter().flatten() {
                    self.visit(dict, path, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn below(&mut self, id: Id, key: &str, path: &mut String, depth: usize) -> Result<()> {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        let done = self.visit(id, path, depth + 1);
        path.truncate(length);
        done
    }
}
