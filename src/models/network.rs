//! Networks of nn in the tree of a `.t7` file, as tables of modules.

use super::tree::{Id, Node, TensorNode, Tree};
use std::collections::HashSet;

/// A module as one line of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its places in the containers above it: `2.1.3`; empty for the network itself.
    pub path: String,
    /// How deep it stands.
    pub depth: usize,
    /// Its class.
    pub class: String,
    /// What it was made with, in few words.
    pub options: String,
    /// Elements of its own weight and bias, without those that an earlier row has.
    pub parameters: u64,
    /// Whether it stood in the table before.
    pub shared: bool,
    /// Its node.
    pub node: Id,
}

/// Deepest container that is followed, and most rows of a table.
const DEEPEST: usize = 1000;
const MOST: usize = 10_000;

/// Fields that say nothing of how a module was made.
const NOISE: &[&str] = &[
    "train",
    "_type",
    "gradInput",
    "output",
    "accUpdate",
    "iSize",
    "oSize",
    "input_offset",
    "output_offset",
    "weight_offset",
    "groups",
    "nInputPlane",
    "nOutputPlane",
    "kT",
    "kW",
    "kH",
    "dT",
    "dW",
    "dH",
    "padT",
    "padW",
    "padH",
    "name",
];

impl Tree {
    /// The class of a node that is a module of nn: an object of a package of layers, or one with a field that modules
    /// have.
    pub fn module_class(&self, id: Id) -> Option<&str> {
        let Node::Object(class, _) = self.node(id) else { return None };
        let package = class.split('.').next().unwrap_or_default();
        let of_layers = ["nn", "cudnn", "inn", "nnx", "cunn", "fbcunn", "ccn2"].contains(&package);
        let has = |name: &str| self.field(id, name).is_some();
        let criterion = class.ends_with("Criterion");
        ((of_layers || has("gradInput"))
            && !criterion
            && (has("output") || has("gradInput") || has("modules") || of_layers))
            .then_some(class.as_str())
    }

    /// The outermost modules: not those inside another one.
    pub fn networks(&self) -> Vec<(String, Id)> {
        let (mut found, mut seen) = (vec![], HashSet::new());
        let mut todo = vec![(String::new(), self.root, 0)];
        while let Some((path, id, depth)) = todo.pop() {
            if depth > DEEPEST || !seen.insert(id) {
                continue;
            }
            if self.module_class(id).is_some() {
                found.push((path, id));
                continue;
            }
            let table = if let Node::Object(_, fields) = self.node(id) { *fields } else { id };
            if let Node::Table(pairs) = self.node(table) {
                let below = pairs.iter().rev().map(|&(k, v)| (format!("{path}{}", self.key(k)), v, depth + 1));
                todo.extend(below);
            }
        }
        found
    }

    /// A key as it stands in a path: `.name` or `[1]`.
    pub fn key(&self, id: Id) -> String {
        match self.node(id) {
            Node::Text(t, _) => format!(".{}", String::from_utf8_lossy(t)),
            Node::Num(n) => format!("[{n}]"),
            Node::Bool(b) => format!("[{b}]"),
            _ => "[?]".into(),
        }
    }

    /// The modules of a network, each container before its members.
    pub fn modules(&self, network: Id) -> Vec<Row> {
        let (mut rows, mut seen, mut weights) = (vec![], HashSet::new(), HashSet::new());
        let mut todo = vec![(String::new(), network, 0)];
        while let Some((path, id, depth)) = todo.pop() {
            if depth > DEEPEST || rows.len() >= MOST {
                continue;
            }
            let Some(class) = self.module_class(id) else { continue };
            let shared = !seen.insert(id);
            let options = self.options(id, class);
            let row =
                Row { path: path.clone(), depth, class: class.to_owned(), options, parameters: 0, shared, node: id };
            rows.push(Row { parameters: if shared { 0 } else { self.parameters(id, &mut weights) }, ..row });
            if shared {
                continue;
            }
            let members = self.field(id, "modules").map(|m| self.items(m)).unwrap_or_default();
            let below = members.iter().enumerate().rev();
            let dot = if path.is_empty() { "" } else { "." };
            todo.extend(below.map(|(i, &m)| (format!("{path}{dot}{}", i + 1), m, depth + 1)));
        }
        rows
    }

    /// A tensor under a text.
    fn tensor_field(&self, id: Id, name: &str) -> Option<&TensorNode> {
        match self.node(self.field(id, name)?) {
            Node::Tensor(t) => Some(t),
            _ => None,
        }
    }

    /// Elements of the weight and bias, those that another module has too not counted again.
    fn parameters(&self, id: Id, seen: &mut HashSet<(Option<Id>, u64)>) -> u64 {
        let own = ["weight", "bias"].iter().filter_map(|name| self.tensor_field(id, name));
        own.filter(|t| t.storage.is_none() || seen.insert((t.storage, t.offset))).map(TensorNode::count).sum()
    }

    fn options(&self, id: Id, class: &str) -> String {
        let n = |name: &str| self.number(id, name);
        let mut parts = vec![];
        if let (Some(from), Some(to)) =
            (n("nInputPlane").or(n("inputFrameSize")), n("nOutputPlane").or(n("outputFrameSize")))
        {
            parts.push(format!("{from} -> {to}"));
        } else if class.ends_with("Linear")
            && let Some([to, from]) = self.tensor_field(id, "weight").map(|w| &w.sizes[..])
        {
            parts.push(format!("{from} -> {to}"));
        } else if let Some(mean) = self.tensor_field(id, "running_mean") {
            parts.push(mean.count().to_string());
        } else if let Some([rows, width]) =
            self.tensor_field(id, "weight").map(|w| &w.sizes[..]).filter(|_| class.contains("Lookup"))
        {
            parts.push(format!("{rows} of {width}"));
        }
        let window = |names: [&str; 3]| {
            let all: Vec<String> = names.iter().filter_map(|name| n(name)).map(|v| v.to_string()).collect();
            all.join("x")
        };
        let (size, step, pad) =
            (window(["kT", "kW", "kH"]), window(["dT", "dW", "dH"]), window(["padT", "padW", "padH"]));
        if !size.is_empty() {
            parts.push(size);
        }
        if step.split('x').any(|v| v != "1" && !v.is_empty()) {
            parts.push(format!("stride {step}"));
        }
        if pad.split('x').any(|v| v != "0" && !v.is_empty()) {
            parts.push(format!("pad {pad}"));
        }
        if let Some(groups) = n("groups").filter(|&g| g != 1.0) {
            parts.push(format!("groups {groups}"));
        }
        parts.extend(self.other_options(id));
        parts.join(", ")
    }

    /// Numbers, switches and short texts among the fields.
    fn other_options(&self, id: Id) -> Vec<String> {
        let Node::Object(_, fields) = self.node(id) else { return vec![] };
        let Node::Table(pairs) = self.node(*fields) else { return vec![] };
        let mut found: Vec<String> = pairs
            .iter()
            .filter_map(|&(k, v)| {
                let Node::Text(name, _) = self.node(k) else { return None };
                let name = String::from_utf8_lossy(name);
                let own = name.starts_with('_') || NOISE.contains(&&*name);
                let value = match self.node(v) {
                    _ if own => return None,
                    Node::Num(n) => n.to_string(),
                    Node::Bool(b) => b.to_string(),
                    Node::Text(t, n) if *n <= 20 => String::from_utf8_lossy(t).into_owned(),
                    _ => return None,
                };
                Some(format!("{name}={value}"))
            })
            .collect();
        found.sort();
        let more = found.len().saturating_sub(6);
        found.truncate(6);
        if more > 0 {
            found.push("...".into());
        }
        found
    }
}
