//! The makers of Python's and PyTorch's that stand for data.

use super::machine::Machine;
use super::{Id, Node, TensorNode};
use crate::demand;
use crate::tensor::error::{Error, Result};

/// How deep makers may stand in each other (`_rebuild_from_type_v2`).
const DEEPEST: usize = 8;

impl Machine<'_> {
    /// What a maker makes of its arguments: data where that is known, else an object that remembers both.
    pub(super) fn made(&mut self, class: Id, args: Id, depth: usize) -> Result<Id> {
        let object = Node::Object { class, args, state: None };
        let (Node::Global(module, name), Node::Tuple(parts)) = (self.node(class), self.node(args)) else {
            return self.add(object);
        };
        let (parts, module, name) = (parts.clone(), module.clone(), name.clone());
        self.spend(parts.len() + module.len() + name.len())?;
        let name = format!("{module}.{name}");
        match name.as_str() {
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v3" => {
                let tensor = self.tensor(&parts)?;
                self.add(tensor)
            }
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" if !parts.is_empty() => {
                Ok(parts[0])
            }
            "torch._tensor._rebuild_from_type_v2" if parts.len() >= 3 => {
                demand!(depth < DEEPEST, "tensors are made from tensors more than {DEEPEST} deep");
                self.made(parts[0], parts[2], depth + 1)
            }
            "collections.OrderedDict" | "collections.defaultdict" | "__builtin__.dict" | "builtins.dict" => {
                let pairs = self.ordered(&parts)?;
                self.add(Node::Dict(pairs))
            }
            "__builtin__.set" | "builtins.set" | "__builtin__.frozenset" | "builtins.frozenset" => {
                let list = self.members(&parts)?;
                self.add(Node::Set(list))
            }
            "__builtin__.list" | "builtins.list" => {
                let list = self.members(&parts)?;
                self.add(Node::List(list))
            }
            "torch.Size" | "__builtin__.tuple" | "builtins.tuple" => {
                let list = self.members(&parts)?;
                self.add(Node::Tuple(list))
            }
            _ => self.add(object),
        }
    }

    fn members(&mut self, args: &[Id]) -> Result<Vec<Id>> {
        let list = match args.first().map(|&id| self.node(id)) {
            Some(Node::List(list) | Node::Tuple(list) | Node::Set(list)) => list.clone(),
            _ => vec![],
        };
        self.spend(list.len())?;
        Ok(list)
    }

    /// The pairs that an ordered dictionary was made from; Python 2 wrote them as a list of lists.
    fn ordered(&mut self, args: &[Id]) -> Result<Vec<(Id, Id)>> {
        let members = self.members(args)?;
        let pair = |id: &Id| match self.node(*id) {
            Node::List(p) | Node::Tuple(p) if p.len() == 2 => Some((p[0], p[1])),
            _ => None,
        };
        Ok(members.iter().filter_map(pair).collect())
    }

    /// `_rebuild_tensor_v2(storage, offset, sizes, strides, ...)`
    fn tensor(&mut self, parts: &[Id]) -> Result<Node> {
        let [storage, offset, sizes, strides, ..] = parts else {
            return Err(Error::invalid("a tensor without sizes and strides"));
        };
        demand!(matches!(self.node(*storage), Node::Storage(_)), "a tensor without a storage");
        let numbers = |id: Id| -> Option<Vec<i64>> {
            let (Node::Tuple(list) | Node::List(list)) = self.node(id) else { return None };
            list.iter().map(|&i| if let Node::Int(n) = self.node(i) { Some(*n) } else { None }).collect()
        };
        let whole = |n: i64| u64::try_from(n).ok();
        let offset = if let Node::Int(n) = self.node(*offset) { whole(*n) } else { None };
        let sizes = numbers(*sizes).and_then(|s| s.into_iter().map(whole).collect::<Option<Vec<u64>>>());
        match (offset, sizes, numbers(*strides)) {
            (Some(offset), Some(sizes), Some(strides)) if sizes.len() == strides.len() => {
                self.spend(sizes.len())?;
                Ok(Node::Tensor(Box::new(TensorNode { storage: *storage, offset, sizes, strides })))
            }
            _ => Err(Error::invalid("a tensor whose offset, sizes and strides are no numbers")),
        }
    }
}
