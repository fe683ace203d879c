//! Trees as nested data: what `th inspect -json` writes and what Lua gets.
//!
//! A value is an object with a `type`: `nil`, `boolean`, `number`, `text`, `table`, `object`, `tensor`, `storage`,
//! `function`, `other`, or `reference` for what stood before under the same `id`.

use super::network::Row;
use super::tree::{Id, Node, TensorNode, Tree};
use crate::formats::Data;
use std::collections::{HashMap, HashSet};

/// Deepest value that is described.
const DEEPEST: usize = 200;

fn text(t: impl AsRef<str>) -> Data {
    Data::Text(t.as_ref().as_bytes().into())
}
fn number(n: u64) -> Data {
    Data::Num(n as f64)
}
fn map<const N: usize>(pairs: [(&str, Data); N]) -> Data {
    Data::Map(pairs.into_iter().map(|(k, v)| (k.as_bytes().into(), v)).collect())
}

/// How values are described.
struct Describer<'a> {
    tree: &'a Tree,
    seen: HashSet<Id>,
    /// Most entries of a table.
    limit: usize,
    /// Places of storages in their list.
    storages: &'a HashMap<Id, usize>,
}

/// A tree with its storages and networks. Tables keep their first `limit` entries.
pub fn describe(tree: &Tree, limit: usize) -> Data {
    let mut tensors: HashMap<Id, u64> = HashMap::new();
    let mut order = vec![];
    for id in 0..tree.len() {
        if let Node::Tensor(t) = tree.node(id)
            && let Some(s) = t.storage
        {
            *tensors.entry(s).or_default() += 1;
        }
    }
    for (id, s) in tree.storages() {
        let used = tensors.get(&id).copied().unwrap_or(0);
        // a storage that a pickle names again for each tensor is described once
        if used > 0 || s.at.is_some() && s.bytes > 0 && tensors.is_empty() {
            order.push((id, s, used));
        }
    }
    let places: HashMap<Id, usize> = order.iter().enumerate().map(|(i, (id, ..))| (*id, i + 1)).collect();
    let storages = order.iter().map(|(_, s, used)| {
        map([
            ("class", text(&s.class)),
            ("length", number(s.length)),
            ("position", s.at.map_or(Data::Null, |at| number(at + 1))),
            ("bytes", number(s.bytes)),
            ("tensors", number(*used)),
        ])
    });
    let storages = Data::List(storages.collect());
    let mut describer = Describer { tree, seen: HashSet::new(), limit, storages: &places };
    let value = describer.value(tree.root, 0);
    let networks = tree.networks().into_iter().map(|(path, id)| {
        let rows = tree.modules(id).iter().map(|r| row(tree, r)).collect();
        map([("path", text(path)), ("modules", Data::List(rows))])
    });
    map([("value", value), ("storages", storages), ("networks", Data::List(networks.collect()))])
}

fn row(tree: &Tree, r: &Row) -> Data {
    let name = |n: &str| match tree.field(r.node, n).map(|id| tree.node(id)) {
        Some(Node::Text(t, _)) => text(String::from_utf8_lossy(t)),
        _ => Data::Null,
    };
    map([
        ("path", text(&r.path)),
        ("depth", number(r.depth as u64)),
        ("class", text(&r.class)),
        ("name", name("name")),
        ("options", text(&r.options)),
        ("parameters", number(r.parameters)),
        ("shared", Data::Bool(r.shared)),
    ])
}

impl Describer<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Data {
        let kind = |name: &str| ("type", text(name));
        let place = ("id", number(id as u64));
        let nested =
            matches!(self.tree.node(id), Node::Table(_) | Node::Object(..) | Node::Tensor(_) | Node::Function(..));
        if nested && !self.seen.insert(id) {
            let class = match self.tree.node(id) {
                Node::Object(class, _) => text(class),
                Node::Tensor(t) => text(&t.class),
                _ => Data::Null,
            };
            let module = Data::Bool(self.tree.module_class(id).is_some());
            return map([kind("reference"), place, ("class", class), ("module", module)]);
        }
        match self.tree.node(id) {
            Node::Null => map([kind("nil")]),
            Node::Bool(b) => map([kind("boolean"), ("value", Data::Bool(*b))]),
            Node::Num(n) => map([kind("number"), ("value", Data::Num(*n))]),
            Node::Text(t, n) => map([kind("text"), ("value", text(String::from_utf8_lossy(t))), ("bytes", number(*n))]),
            Node::Other(what) => map([kind("other"), ("value", text(what))]),
            _ if depth >= DEEPEST => map([kind("other"), ("value", text("deeper values"))]),
            Node::Table(pairs) => {
                let (count, entries) = (number(pairs.len() as u64), self.entries(pairs, depth));
                map([kind("table"), place, ("count", count), ("entries", entries)])
            }
            Node::Object(class, fields) => {
                let module = Data::Bool(self.tree.module_class(id).is_some());
                let fields = self.value(*fields, depth + 1);
                map([kind("object"), place, ("class", text(class)), ("module", module), ("fields", fields)])
            }
            Node::Tensor(t) => self.tensor(t, place),
            Node::Storage(s) => {
                let storage = self.storages.get(&id).map_or(Data::Null, |&n| number(n as u64));
                map([kind("storage"), ("class", text(&s.class)), ("length", number(s.length)), ("storage", storage)])
            }
            Node::Function(bytes, variables) => {
                let variables = self.value(*variables, depth + 1);
                map([kind("function"), place, ("bytes", number(*bytes)), ("variables", variables)])
            }
        }
    }

    fn entries(&mut self, pairs: &[(Id, Id)], depth: usize) -> Data {
        let limit = pairs.len().min(self.limit);
        let all = pairs[..limit].iter().map(|&(k, v)| {
            let key = match self.tree.node(k) {
                Node::Num(n) => Data::Num(*n),
                Node::Text(t, _) => text(String::from_utf8_lossy(t)),
                Node::Bool(b) => Data::Bool(*b),
                _ => self.value(k, depth + 1),
            };
            Data::List(vec![key, self.value(v, depth + 1)])
        });
        Data::List(all.collect())
    }

    fn tensor(&self, t: &TensorNode, place: (&str, Data)) -> Data {
        let list = |n: &mut dyn Iterator<Item = f64>| Data::List(n.map(Data::Num).collect());
        let storage = t.storage.and_then(|s| self.storages.get(&s)).map_or(Data::Null, |&n| number(n as u64));
        map([
            ("type", text("tensor")),
            place,
            ("class", text(&t.class)),
            ("sizes", list(&mut t.sizes.iter().map(|&n| n as f64))),
            ("strides", list(&mut t.strides.iter().map(|&n| n as f64))),
            ("offset", number(t.offset + 1)),
            ("storage", storage),
        ])
    }
}
