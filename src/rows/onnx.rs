//! Models of ONNX, put together by `lua/rekindle/export`.

use crate::lua::prelude::*;
use crate::models::onnx::{INLINE, Model};
use std::cell::RefCell;

/// The class of models.
pub const MODEL: &str = "rekindle.OnnxModel";

/// A model that Lua fills.
#[derive(Default)]
pub struct Handle(RefCell<Model>);

objects! { Handle: MODEL, "OnnxModel"; }

fn model() -> Result<Handle> {
    Ok(Handle::default())
}
fn int(m: &Handle, name: &str, v: i64) -> Result<()> {
    m.0.borrow_mut().int(name, v);
    Ok(())
}
fn float(m: &Handle, name: &str, v: f64) -> Result<()> {
    m.0.borrow_mut().float(name, v);
    Ok(())
}
fn text(m: &Handle, name: &str, v: &str) -> Result<()> {
    m.0.borrow_mut().text(name, v);
    Ok(())
}
fn ints(m: &Handle, name: &str, list: Dims) -> Result<()> {
    m.0.borrow_mut().ints(name, &list.0);
    Ok(())
}
/// The first `outputs` names are those of what the node gives, the others those of what it takes.
fn node(m: &Handle, op: &str, name: &str, outputs: i64, names: Vec<&str>) -> Result<()> {
    let n = usize::try_from(outputs).unwrap_or(0);
    demand!(n >= 1 && n <= names.len(), "the names of {outputs} outputs expected, got {}", names.len());
    let (outputs, inputs) = names.split_at(n);
    m.0.borrow_mut().node(op, name, inputs, outputs);
    Ok(())
}
fn weight(m: &Handle, name: &str, x: &Tensor) -> Result<()> {
    m.0.borrow_mut().weight(name, x)
}
fn scalar(m: &Handle, name: &str, x: &Tensor) -> Result<()> {
    m.0.borrow_mut().scalar(name, x)
}
/// `like` is a tensor of the port's type.
fn port(m: &Handle, input: bool, name: &str, like: &Tensor, sizes: Dims) -> Result<()> {
    m.0.borrow_mut().port(input, name, like.dtype(), &sizes.0);
    Ok(())
}
fn note(m: &Handle, key: &str, value: &str) -> Result<()> {
    m.0.borrow_mut().note(key, value);
    Ok(())
}
fn save(m: &Handle, path: &str, opset: i64, inline: Option<f64>) -> Result<()> {
    m.0.borrow().save(path, opset, inline.map_or(INLINE, |n| n.max(0.0) as usize))
}

/// The rows.
pub static ROWS: &[Op] = &[
    func!("model", &[form("", any!(model))]),
    func!("int", &[form("model:object.OnnxModel name:str value:long", any!(int))]),
    func!("float", &[form("model:object.OnnxModel name:str value:num", any!(float))]),
    func!("text", &[form("model:object.OnnxModel name:str value:str", any!(text))]),
    func!("ints", &[form("model:object.OnnxModel name:str list:dims", any!(ints))]),
    func!("node", &[form("model:object.OnnxModel op:str name:str outputs:long names:texts", any!(node))]),
    func!("weight", &[form("model:object.OnnxModel name:str x:tensor", any!(weight))]),
    func!("scalar", &[form("model:object.OnnxModel name:str x:tensor", any!(scalar))]),
    func!("port", &[form("model:object.OnnxModel input:bool name:str like:tensor sizes:dims", any!(port))]),
    func!("note", &[form("model:object.OnnxModel key:str value:str", any!(note))]),
    func!("save", &[form("model:object.OnnxModel path:str opset:long inline:num=nil", any!(save))]),
];
