//! The structure of ONNX models: inputs, outputs, nodes and weights.

use crate::models::input;
use crate::models::protobuf::{Message, Part, Parts};
use crate::models::tree::{Id, Node, Tree};
use crate::tensor::error::{Error, Result};
use std::collections::HashSet;
use std::path::Path;

/// Most fields of one message.
const MOST: usize = 1 << 20;

/// Element types by their numbers.
const TYPES: [&str; 17] = [
    "undefined",
    "float32",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "int64",
    "string",
    "bool",
    "float16",
    "float64",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
    "bfloat16",
];

fn type_name(number: i64) -> String {
    usize::try_from(number).ok().and_then(|n| TYPES.get(n)).map_or(format!("type {number}"), |t| (*t).to_owned())
}

/// Reads the structure of a model.
///
/// # Errors
/// A file that cannot be read; a damaged one, with the position.
pub fn read(path: &Path) -> Result<Tree> {
    let (file, length) = input::open(path)?;
    let mut m = Model { tree: Tree::default(), parts: Parts::new(file, length) };
    let mut fields = vec![];
    for part in m.parts.fields(m.parts.whole, MOST)? {
        let found = m.top(part).map_err(|e| Error::invalid(format!("ONNX, field at position {}: {e}", part.at + 1)))?;
        fields.extend(found);
    }
    m.tree.root = m.tree.table(fields.iter().map(|(k, v)| (k.as_str(), *v)))?;
    Ok(m.tree)
}

struct Model {
    tree: Tree,
    parts: Parts,
}

impl Model {
    fn top(&mut self, part: Part) -> Result<Vec<(String, Id)>> {
        let name = match part.number {
            1 => return Ok(vec![("ir_version".into(), self.tree.add(Node::Num(part.int as f64))?)]),
            2 => "producer",
            3 => "producer_version",
            7 => return self.graph(part),
            8 => return self.opset(part),
            _ => return Ok(vec![]),
        };
        let text = self.parts.text(part)?;
        Ok(vec![(name.to_owned(), self.tree.text(&text)?)])
    }

    fn opset(&mut self, part: Part) -> Result<Vec<(String, Id)>> {
        let (mut domain, mut version) = (String::new(), 0);
        let data = self.parts.bytes(part)?;
        Message::new(&data).each(|n, f| {
            match n {
                1 => domain = f.text(),
                2 => version = f.int(),
                _ => {}
            }
            Ok(())
        })?;
        let name = if domain.is_empty() { "opset".to_owned() } else { format!("opset {domain}") };
        Ok(vec![(name, self.tree.add(Node::Num(version as f64))?)])
    }

    fn graph(&mut self, graph: Part) -> Result<Vec<(String, Id)>> {
        let (mut nodes, mut weights, mut inputs, mut outputs) = (vec![], vec![], vec![], vec![]);
        let mut name = String::new();
        for part in self.parts.fields(graph, MOST)? {
            match part.number {
                1 => {
                    let data = self.parts.bytes(part)?;
                    nodes.push(self.node(&data)?);
                }
                2 => name = self.parts.text(part)?,
                5 => weights.push(self.tensor(part)?),
                11 | 12 => {
                    let data = self.parts.bytes(part)?;
                    let list = if part.number == 11 { &mut inputs } else { &mut outputs };
                    list.push(self.value(&data)?);
                }
                _ => {}
            }
        }
        // files of the first versions list weights among the inputs
        let known: HashSet<&str> = weights.iter().map(|(w, _): &(String, Id)| w.as_str()).collect();
        inputs.retain(|(name, _): &(String, Id)| !known.contains(name.as_str()));
        let mut found = vec![("graph".to_owned(), self.tree.text(&name)?)];
        for (name, pairs) in [("inputs", &inputs), ("outputs", &outputs), ("weights", &weights)] {
            found.push((name.to_owned(), self.tree.table(pairs.iter().map(|(k, v)| (k.as_str(), *v)))?));
        }
        found.push(("nodes".to_owned(), self.tree.list(nodes)?));
        Ok(found)
    }

    fn node(&mut self, data: &[u8]) -> Result<Id> {
        let (mut from, mut to, mut options) = (vec![], vec![], vec![]);
        let mut op = String::new();
        Message::new(data).each(|number, field| {
            match number {
                1 => from.push(field.text()),
                2 => to.push(field.text()),
                4 => op = field.text(),
                5 => options.push(attribute(field.bytes())?),
                _ => {}
            }
            Ok(())
        })?;
        let options = if options.is_empty() { String::new() } else { format!(" {{{}}}", options.join(", ")) };
        self.tree.add(Node::Other(format!("{op}({}){options} -> {}", from.join(", "), to.join(", "))))
    }

    fn tensor(&mut self, tensor: Part) -> Result<(String, Id)> {
        let (mut sizes, mut kind, mut name, mut bytes, mut at, mut outside) =
            (vec![], 0, String::new(), 0, None, false);
        for part in self.parts.fields(tensor, MOST)? {
            match part.number {
                1 => self.parts.ints(part, &mut sizes)?,
                2 => kind = part.int as i64,
                8 => name = self.parts.text(part)?,
                14 => outside = part.int == 1,
                4..=7 | 9..=11 => {
                    bytes += part.bytes.max(1);
                    at = at.or(Some(part.at));
                }
                _ => {}
            }
        }
        let sizes = sizes.iter().map(|&n| u64::try_from(n).ok()).collect::<Option<Vec<u64>>>();
        let sizes = sizes.ok_or_else(|| Error::invalid(format!("weight '{name}' has a negative size")))?;
        let class = format!("{}{}", type_name(kind), if outside { " (in another file)" } else { "" });
        let id = self.tree.tensor(&class, &sizes, at, bytes)?;
        Ok((name, id))
    }

    /// An input or output: its type and sizes, of which some are names.
    fn value(&mut self, data: &[u8]) -> Result<(String, Id)> {
        let (mut name, mut kind, mut sizes) = (String::new(), 0, vec![]);
        Message::new(data).each(|number, field| {
            match number {
                1 => name = field.text(),
                // TypeProto.tensor_type
                2 => Message::new(field.bytes()).each(|number, field| {
                    if number != 1 {
                        return Ok(());
                    }
                    Message::new(field.bytes()).each(|number, field| {
                        match number {
                            1 => kind = field.int(),
                            2 => shape(field.bytes(), &mut sizes)?,
                            _ => {}
                        }
                        Ok(())
                    })
                })?,
                _ => {}
            }
            Ok(())
        })?;
        let id = self.tree.add(Node::Other(format!("{} {}", type_name(kind), sizes.join("x"))))?;
        Ok((name, id))
    }
}

fn shape(data: &[u8], sizes: &mut Vec<String>) -> Result<()> {
    Message::new(data).each(|number, field| {
        if number == 1 {
            let mut size = "?".to_owned();
            Message::new(field.bytes()).each(|number, field| {
                match number {
                    1 => size = field.int().to_string(),
                    2 => size = field.text(),
                    _ => {}
                }
                Ok(())
            })?;
            sizes.push(size);
        }
        Ok(())
    })
}

/// `name=value`, where the value is short.
fn attribute(data: &[u8]) -> Result<String> {
    let (mut name, mut value, mut ints) = (String::new(), "...".to_owned(), vec![]);
    Message::new(data).each(|number, field| {
        match number {
            1 => name = field.text(),
            2 => value = field.float().to_string(),
            3 => value = field.int().to_string(),
            4 => value = field.text(),
            8 => field.ints(&mut ints)?,
            _ => {}
        }
        Ok(())
    })?;
    if !ints.is_empty() {
        value = format!("{ints:?}");
    }
    Ok(format!("{name}={}", value.chars().take(60).collect::<String>()))
}
