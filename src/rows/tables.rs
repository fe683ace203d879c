//! Everything compiled from the rows, once for the process.

use super::{Package, classes, functions, ops, storage_constructor, tensor_constructor};
use crate::lua::call::{Op, Place};
use crate::lua::sig::{self, Style};
use crate::lua::table::{Compiled, Dispatch, compile, compile_class, has};
use crate::tensor::class::TensorClass;
use std::sync::OnceLock;

/// A compiled function, with the table of natives that holds it and its name there.
pub struct Entry {
    /// The table: a package or a class.
    pub owner: &'static str,
    /// The name in it.
    pub name: &'static str,
    /// The function.
    pub compiled: Compiled,
}

/// The compiled functions, by what Lua makes of them.
#[derive(Default)]
pub struct Tables {
    /// Functions of packages and methods of objects.
    pub functions: Vec<Entry>,
    /// Methods of tensors.
    pub methods: Vec<Entry>,
    /// Methods of storages.
    pub storage_methods: Vec<Entry>,
    /// `call` and `new` of tensors and storages.
    pub constructors: Vec<Entry>,
    /// Methods of nn classes.
    pub classes: Vec<Entry>,
}

/// The tables, compiled at the first call.
///
/// # Errors
/// A row that cannot be read, with its name.
pub fn tables() -> Result<&'static Tables, &'static str> {
    static TABLES: OnceLock<Result<Tables, String>> = OnceLock::new();
    TABLES.get_or_init(build).as_ref().map_err(String::as_str)
}

fn build() -> Result<Tables, String> {
    let mut t = Tables::default();
    for op in ops() {
        if matches!(op.place, Place::Both | Place::Function) {
            let compiled = compile(format!("torch.{}", op.name), op.forms, Style::Function, Dispatch::First)?;
            t.functions.push(Entry { owner: "torch", name: op.name, compiled });
        }
        add_methods(&mut t, op)?;
    }
    // the forms of a name are compiled once, for whichever class is first
    for (op, name_of) in [
        (tensor_constructor(), TensorClass::tensor_name as fn(TensorClass) -> &'static str),
        (storage_constructor(), TensorClass::storage_name),
    ] {
        let first = t.constructors.len();
        for d in TensorClass::offered() {
            let owner = name_of(d);
            for (name, dispatch) in [("call", Dispatch::Call(d)), ("new", Dispatch::Fixed(d))] {
                let compiled = match t.constructors.get(first) {
                    Some(Entry { compiled, .. }) => compiled.under(owner.to_string(), dispatch),
                    None => compile(owner.to_string(), op.forms, Style::Function, dispatch)?,
                };
                t.constructors.push(Entry { owner, name, compiled });
            }
        }
    }
    for package in functions() {
        t.functions.extend(package.compile()?);
    }
    for class in classes() {
        for (name, compiled) in compile_class(class)? {
            t.classes.push(Entry { owner: class.name, name, compiled });
        }
    }
    Ok(t)
}

impl Package {
    /// Its functions, compiled.
    ///
    /// # Errors
    /// A row that cannot be read, with its name.
    pub fn compile(&self) -> Result<Vec<Entry>, String> {
        let one = |op: &'static Op| {
            let name = format!("{}.{}", self.prefix, op.name);
            let compiled = compile(name, op.forms, Style::Function, self.dispatch)?;
            Ok(Entry { owner: self.table, name: op.name, compiled })
        };
        self.rows.iter().map(one).collect()
    }
}

fn add_methods(t: &mut Tables, op: &'static Op) -> Result<(), String> {
    let (list, name_of): (_, fn(TensorClass) -> &'static str) = match op.place {
        Place::Both | Place::Method => (&mut t.methods, TensorClass::tensor_name),
        Place::Storage => (&mut t.storage_methods, TensorClass::storage_name),
        Place::Function => return Ok(()),
    };
    let first = list.len();
    for d in TensorClass::offered().filter(|&d| has(op, d)) {
        let owner = name_of(d);
        let (name, dispatch) = (format!("{owner}.{}", op.name), Dispatch::Fixed(d));
        let compiled = match list.get(first) {
            Some(Entry { compiled, .. }) => compiled.under(name, dispatch),
            None => compile(name, op.forms, Style::Method, dispatch)?,
        };
        list.push(Entry { owner, name: op.name, compiled });
    }
    Ok(())
}

/// How a function is called, one line for each form: for `torch.add`, `torch.DoubleTensor.add`, `nn.Linear.updateOutput`
/// or `torch.DoubleTensor`. Nothing for a name that no row has.
pub fn usage(name: &str) -> Vec<String> {
    let Ok(t) = tables() else { return vec![] };
    let constructors = t.constructors.iter().filter(|e| e.name == "call");
    let lists = [&t.functions, &t.methods, &t.storage_methods, &t.classes];
    let found = lists.into_iter().flatten().chain(constructors).find(|e| e.compiled.name == name);
    found.map(|e| e.compiled.forms.iter().map(|f| format!("{name}{}", sig::usage(f))).collect()).unwrap_or_default()
}
