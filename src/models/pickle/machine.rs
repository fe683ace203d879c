//! The instructions of pickles, of all protocols up to 5.

use super::{Id, Node, StorageName, Tree};
use crate::tensor::error::{Error, Result};
use crate::{demand, refuse};
use std::collections::HashMap;

/// Nodes and stack places for each byte of a pickle are at most one each, so memory follows the file's length. A pickle
/// of more than this many instructions is none of a model.
const MOST: usize = 1 << 26;

/// Reads the pickle at the start of some bytes; with the bytes it took.
///
/// # Errors
/// What is no pickle, with the position.
pub fn read(data: &[u8]) -> Result<(Tree, usize)> {
    let mut m = Machine { data, at: 0, nodes: vec![], stack: vec![], marks: vec![], memo: HashMap::new(), spent: 0 };
    let root = m.run().map_err(|e| Error::invalid(format!("pickle, position {}: {e}", m.at + 1)))?;
    Ok((Tree { nodes: m.nodes, root }, m.at))
}

/// The state of the machine.
pub(super) struct Machine<'a> {
    data: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// Lengths of the stack at the marks.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
    /// What was copied so far: values can be named again for a byte or two, copies of them cannot go on for ever.
    spent: usize,
}

impl<'a> Machine<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        let left = self.data.len() - self.at;
        demand!(n <= left, "{n} bytes are wanted, {left} are there");
        self.at += n;
        Ok(&self.data[self.at - n..self.at])
    }

    /// A number without sign of so many bytes.
    fn uint(&mut self, bytes: usize) -> Result<usize> {
        let n = self.bytes(bytes)?.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
        usize::try_from(n).map_err(|_| Error::invalid("a size is out of range"))
    }

    /// Bytes behind their count.
    fn counted(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let n = self.uint(bytes)?;
        self.bytes(n)
    }

    fn line(&mut self) -> Result<&'a [u8]> {
        let n = self.data[self.at..].iter().position(|&b| b == b'\n');
        let n = n.ok_or_else(|| Error::invalid("a line has no end"))?;
        Ok(&self.bytes(n + 1)?[..n])
    }

    fn line_number(&mut self) -> Result<usize> {
        let line = self.line()?;
        let number = std::str::from_utf8(line).ok().and_then(|t| t.trim().parse().ok());
        number.ok_or_else(|| Error::invalid("expected a number"))
    }

    /// The place in the memo that an instruction is followed by: as a line of text, a byte or four.
    fn memo_index(&mut self, code: u8) -> Result<usize> {
        match code {
            b'p' | b'g' => self.line_number(),
            b'q' | b'h' => self.uint(1),
            _ => self.uint(4),
        }
    }

    /// Counts what is copied.
    pub(super) fn spend(&mut self, n: usize) -> Result<()> {
        self.spent = self.spent.saturating_add(n);
        demand!(self.spent <= 16 * self.data.len() + 1024, "the pickle copies its values again and again");
        Ok(())
    }

    pub(super) fn add(&mut self, node: Node) -> Result<Id> {
        demand!(self.nodes.len() < MOST, "the pickle has too many values");
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    fn push(&mut self, node: Node) -> Result<()> {
        let id = self.add(node)?;
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        demand!(self.stack.len() > bottom, "nothing is on the stack");
        self.stack.pop().ok_or_else(|| Error::invalid("nothing is on the stack"))
    }

    fn top(&self) -> Result<Id> {
        self.stack.last().copied().ok_or_else(|| Error::invalid("nothing is on the stack"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| Error::invalid("there is no mark"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn pairs(&self, list: &[Id]) -> Result<Vec<(Id, Id)>> {
        demand!(list.len().is_multiple_of(2), "a key has no value");
        Ok(list.chunks_exact(2).map(|p| (p[0], p[1])).collect())
    }

    fn memoize(&mut self, at: usize) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(at, top);
        Ok(())
    }

    fn recall(&mut self, at: usize) -> Result<()> {
        let id = *self.memo.get(&at).ok_or_else(|| Error::invalid(format!("nothing was remembered as {at}")))?;
        self.stack.push(id);
        Ok(())
    }

    fn text(&mut self, id: Id) -> Result<String> {
        let text = match &self.nodes[id] {
            Node::Text(t) | Node::Bytes(t) => String::from_utf8_lossy(t).into_owned(),
            Node::Global(_, name) => name.clone(),
            _ => String::new(),
        };
        self.spend(text.len())?;
        Ok(text)
    }

    fn run(&mut self) -> Result<Id> {
        loop {
            let code = self.bytes(1)?[0];
            if code == b'.' {
                return self.pop();
            }
            let known = self.literal(code)? || self.structure(code)? || self.object(code)?;
            demand!(known, "0x{code:02x} is no instruction of a pickle");
        }
    }

    /// Numbers, texts and constants; whether it was one.
    fn literal(&mut self, code: u8) -> Result<bool> {
        let node = match code {
            b'N' => Node::None,
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            b'I' => match self.line()? {
                b"00" => Node::Bool(false),
                b"01" => Node::Bool(true),
                line => Node::Int(decimal(line)?),
            },
            b'L' => {
                let line = self.line()?;
                Node::Int(decimal(line.strip_suffix(b"L").unwrap_or(line))?)
            }
            b'J' => Node::Int(i64::from(self.uint(4)? as u32 as i32)),
            b'K' => Node::Int(self.uint(1)? as i64),
            b'M' => Node::Int(self.uint(2)? as i64),
            0x8a => long(self.counted(1)?),
            0x8b => long(self.counted(4)?),
            b'F' => {
                let line = std::str::from_utf8(self.line()?).ok().and_then(|t| t.trim().parse().ok());
                Node::Float(line.ok_or_else(|| Error::invalid("expected a number"))?)
            }
            b'G' => {
                let bits = self.bytes(8)?.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
                Node::Float(f64::from_bits(bits))
            }
            b'S' => {
                let line = self.line()?.trim_ascii();
                let inner = line.len() >= 2 && (line[0] == b'\'' || line[0] == b'"') && line[0] == line[line.len() - 1];
                demand!(inner, "expected a text in quotes");
                Node::Text(line[1..line.len() - 1].to_vec())
            }
            b'U' => Node::Text(self.counted(1)?.to_vec()),
            b'T' => Node::Text(self.counted(4)?.to_vec()),
            b'V' => Node::Text(self.line()?.to_vec()),
            0x8c => Node::Text(self.counted(1)?.to_vec()),
            b'X' => Node::Text(self.counted(4)?.to_vec()),
            0x8d => Node::Text(self.counted(8)?.to_vec()),
            b'C' => Node::Bytes(self.counted(1)?.to_vec()),
            b'B' => Node::Bytes(self.counted(4)?.to_vec()),
            0x8e | 0x96 => Node::Bytes(self.counted(8)?.to_vec()),
            _ => return Ok(false),
        };
        self.push(node)?;
        Ok(true)
    }

    /// The stack, the memory, lists, tuples and dictionaries; whether it was one.
    fn structure(&mut self, code: u8) -> Result<bool> {
        match code {
            0x80 => {
                let protocol = self.uint(1)?;
                demand!(protocol <= 5, "protocol {protocol} is not known");
            }
            // a frame is a hint for who reads from a pipe
            0x95 => drop(self.bytes(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                // what lies below a mark stays, the mark itself goes
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            b'1' => drop(self.pop_to_mark()?),
            b'2' => self.stack.push(self.top()?),
            b'p' | b'q' | b'r' => {
                let at = self.memo_index(code)?;
                self.memoize(at)?;
            }
            0x94 => self.memoize(self.memo.len())?,
            b'g' | b'h' | b'j' => {
                let at = self.memo_index(code)?;
                self.recall(at)?;
            }
            _ => return self.collection(code),
        }
        Ok(true)
    }

    fn collection(&mut self, code: u8) -> Result<bool> {
        match code {
            b']' => self.push(Node::List(vec![]))?,
            b')' => self.push(Node::Tuple(vec![]))?,
            b'}' => self.push(Node::Dict(vec![]))?,
            0x8f => self.push(Node::Set(vec![]))?,
            b'l' | b't' | 0x91 => {
                let list = self.pop_to_mark()?;
                self.push(match code {
                    b'l' => Node::List(list),
                    b't' => Node::Tuple(list),
                    _ => Node::Set(list),
                })?;
            }
            b'd' => {
                let list = self.pop_to_mark()?;
                let pairs = self.pairs(&list)?;
                self.push(Node::Dict(pairs))?;
            }
            0x85..=0x87 => {
                let mut list = (0..code - 0x84).map(|_| self.pop()).collect::<Result<Vec<Id>>>()?;
                list.reverse();
                self.push(Node::Tuple(list))?;
            }
            b'a' => {
                let value = self.pop()?;
                self.extend(&[value])?;
            }
            b'e' | 0x90 => {
                let list = self.pop_to_mark()?;
                self.extend(&list)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.assign(&[(key, value)])?;
            }
            b'u' => {
                let list = self.pop_to_mark()?;
                let pairs = self.pairs(&list)?;
                self.assign(&pairs)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn extend(&mut self, more: &[Id]) -> Result<()> {
        let at = self.top()?;
        match &mut self.nodes[at] {
            Node::List(list) | Node::Set(list) => list.extend(more),
            // a list of a class of its own
            Node::Object { .. } => {}
            _ => refuse!("what gets values is no list"),
        }
        Ok(())
    }

    fn assign(&mut self, more: &[(Id, Id)]) -> Result<()> {
        let at = self.top()?;
        match &mut self.nodes[at] {
            Node::Dict(pairs) => pairs.extend(more),
            Node::Object { .. } => {}
            _ => refuse!("what gets keys is no dictionary"),
        }
        Ok(())
    }

    /// Classes, objects and references out of the pickle; whether it was one.
    fn object(&mut self, code: u8) -> Result<bool> {
        match code {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                let text = |t: &[u8]| String::from_utf8_lossy(t).into_owned();
                self.push(Node::Global(text(module), text(name)))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let node = Node::Global(self.text(module)?, self.text(name)?);
                self.push(node)?;
            }
            b'R' | 0x81 => {
                let (args, class) = (self.pop()?, self.pop()?);
                self.make(class, args)?;
            }
            0x92 => {
                let (_named, args, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.make(class, args)?;
            }
            b'o' => {
                let mut list = self.pop_to_mark()?;
                demand!(!list.is_empty(), "an object has no class");
                let class = list.remove(0);
                let args = self.add(Node::Tuple(list))?;
                self.make(class, args)?;
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let text = |t: &[u8]| String::from_utf8_lossy(t).into_owned();
                let class = self.add(Node::Global(text(module), text(name)))?;
                let list = self.pop_to_mark()?;
                let args = self.add(Node::Tuple(list))?;
                self.make(class, args)?;
            }
            b'b' => {
                let given = self.pop()?;
                let at = self.top()?;
                if let Node::Object { state, .. } = &mut self.nodes[at] {
                    *state = Some(given);
                }
            }
            b'P' => {
                let name = Node::Text(self.line()?.to_vec());
                let name = self.add(name)?;
                self.push(Node::Outside(name))?;
            }
            b'Q' => {
                let name = self.pop()?;
                let node = self.outside(name)?;
                self.push(node)?;
            }
            // read-only and out-of-band buffers stay what they are
            0x98 => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn make(&mut self, class: Id, args: Id) -> Result<()> {
        let id = self.made(class, args, 0)?;
        self.stack.push(id);
        Ok(())
    }

    /// What a reference of PyTorch's means: a storage, `('storage', class, key, location, length)`.
    fn outside(&mut self, id: Id) -> Result<Node> {
        let Node::Tuple(parts) = &self.nodes[id] else { return Ok(Node::Outside(id)) };
        let [what, class, key, location, length, ..] = parts[..] else { return Ok(Node::Outside(id)) };
        let (Node::Global(..), &Node::Int(length)) = (&self.nodes[class], &self.nodes[length]) else {
            return Ok(Node::Outside(id));
        };
        let Ok(length) = u64::try_from(length) else { return Ok(Node::Outside(id)) };
        if self.text(what)? != "storage" {
            return Ok(Node::Outside(id));
        }
        let (class, key, location) = (self.text(class)?, self.text(key)?, self.text(location)?);
        Ok(Node::Storage(Box::new(StorageName { class, key, length, location })))
    }
}

fn decimal(line: &[u8]) -> Result<i64> {
    let number = std::str::from_utf8(line).ok().and_then(|t| t.trim().parse().ok());
    number.ok_or_else(|| Error::invalid("expected a whole number of 64 bits"))
}

/// A whole number in two's complement.
fn long(bytes: &[u8]) -> Node {
    if bytes.len() > 8 {
        return Node::Long(bytes.to_vec());
    }
    let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    let mut all = [fill; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    Node::Int(i64::from_le_bytes(all))
}
