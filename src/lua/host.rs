//! A Lua state that is a Torch7: made, filled with what `rows` declares and the embedded Lua files, and run.

use super::call::{Op, Place};
use super::sig::{self, Style};
use super::table::{Compiled, Dispatch, compile, compile_class, has};
use super::{native, raw};
use crate::rows;
use crate::tensor::Tensor;
use crate::tensor::class::TensorClass;
use crate::tensor::dtype::DType;
use anyhow::{Context, anyhow};
use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua, LuaOptions, StdLib, Value};
use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

/// The Lua files of the binary: module name and source.
static EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A Lua state with Torch7 in it.
///
/// ```
/// let host = rekindle::Host::new()?;
/// let sum: f64 = host.eval("return torch.ones(2, 3):sum()")?;
/// assert_eq!(sum, 6.0);
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct Host {
    lua: Lua,
}

/// Everything compiled from the rows, once for the process.
struct Tables {
    functions: Vec<(&'static str, &'static str, Compiled)>,
    methods: Vec<(TensorClass, &'static str, Compiled)>,
    storage_methods: Vec<(TensorClass, &'static str, Compiled)>,
    constructors: Vec<(&'static str, &'static str, Compiled)>,
    classes: Vec<(&'static str, &'static str, Compiled)>,
}

fn tables() -> anyhow::Result<&'static Tables> {
    static TABLES: OnceLock<Result<Tables, String>> = OnceLock::new();
    TABLES.get_or_init(build_tables).as_ref().map_err(|e| anyhow!("a row is wrong: {e}"))
}

fn build_tables() -> Result<Tables, String> {
    let mut t =
        Tables { functions: vec![], methods: vec![], storage_methods: vec![], constructors: vec![], classes: vec![] };
    for op in rows::ops() {
        if matches!(op.place, Place::Both | Place::Function) {
            let c = compile(format!("torch.{}", op.name), op.forms, Style::Function, Dispatch::First)?;
            t.functions.push(("torch", op.name, c));
        }
        for d in TensorClass::ALL.into_iter().filter(|&d| has(op, d)) {
            add_methods(&mut t, op, d)?;
        }
    }
    for d in TensorClass::ALL {
        for (name, op) in
            [(d.tensor_name(), rows::tensor_constructor()), (d.storage_name(), rows::storage_constructor())]
        {
            for (key, dispatch) in [("call", Dispatch::Call(d)), ("new", Dispatch::Fixed(d))] {
                t.constructors.push((name, key, compile(name.to_string(), op.forms, Style::Function, dispatch)?));
            }
        }
    }
    for (package, ops) in rows::packages() {
        let owner = package.split('.').next().unwrap_or(package);
        for op in ops {
            let c = compile(format!("{owner}.{}", op.name), op.forms, Style::Function, Dispatch::Package)?;
            t.functions.push((package, op.name, c));
        }
    }
    for class in rows::classes() {
        t.classes.extend(compile_class(class)?.into_iter().map(|(m, c)| (class.name, m, c)));
    }
    Ok(t)
}

/// How a function is called, one line for each form: for `torch.add`, `torch.DoubleTensor.add`, `nn.Linear.updateOutput`
/// or `torch.DoubleTensor`. Nothing for a name that no row has.
pub fn usage(name: &str) -> Vec<String> {
    let Ok(t) = tables() else { return vec![] };
    let constructors = t.constructors.iter().filter(|c| c.1 == "call").map(|(_, _, c)| c);
    let functions = t.functions.iter().map(|(_, _, c)| c).chain(t.methods.iter().map(|(_, _, c)| c));
    let classes = t.storage_methods.iter().map(|(_, _, c)| c).chain(t.classes.iter().map(|(_, _, c)| c));
    let found = functions.chain(classes).chain(constructors).find(|c| c.name == name);
    found.map(|c| c.forms.iter().map(|f| format!("{name}{}", sig::usage(f))).collect()).unwrap_or_default()
}

fn add_methods(t: &mut Tables, op: &'static Op, d: TensorClass) -> Result<(), String> {
    let method =
        |of: &str| compile(format!("torch.{}{of}.{}", d.name(), op.name), op.forms, Style::Method, Dispatch::Fixed(d));
    match op.place {
        Place::Both | Place::Method => t.methods.push((d, op.name, method("Tensor")?)),
        Place::Storage => t.storage_methods.push((d, op.name, method("Storage")?)),
        Place::Function => {}
    }
    Ok(())
}

/// Pushes `t[class][name] = function` for a list of compiled functions, as a new table.
unsafe fn push_nested<'a>(l: *mut lua_State, list: impl Iterator<Item = (&'a str, &'a str, &'static Compiled)>) {
    let mut classes: HashMap<&str, Vec<(&str, &'static Compiled)>> = HashMap::new();
    for (class, name, c) in list {
        classes.entry(class).or_default().push((name, c));
    }
    // SAFETY: called inside `exec_raw`, which protects and gives stack space; setfield copies the names.
    unsafe {
        ffi::lua_createtable(l, 0, classes.len() as _);
        for (class, functions) in classes {
            ffi::lua_pushlstring(l, class.as_ptr().cast(), class.len());
            ffi::lua_createtable(l, 0, functions.len() as _);
            for (name, c) in functions {
                ffi::lua_pushlstring(l, name.as_ptr().cast(), name.len());
                raw::push_compiled(l, c);
                ffi::lua_rawset(l, -3);
            }
            ffi::lua_rawset(l, -3);
        }
    }
}

impl Host {
    /// Makes a state with all packages ready to be required, and `torch` loaded.
    ///
    /// # Errors
    /// Out of memory, or a defect of the embedded files.
    pub fn new() -> anyhow::Result<Host> {
        let tables = tables()?;
        // SAFETY: Torch7 programs use ffi, debug and C modules, which mlua's safe mode leaves out; what they do with
        // them is theirs. With `catch_rust_panics(true)` pcall stays Lua's own, which can be yielded across (with
        // `false` mlua puts its own in place); panics of rows are caught by the trampoline.
        let lua = unsafe { Lua::unsafe_new_with(StdLib::ALL, LuaOptions::new().catch_rust_panics(true)) };
        let host = Host { lua };
        host.register(tables)?;
        let boot = EMBEDDED.iter().find(|(n, _)| *n == "boot").context("boot.lua is missing")?.1;
        host.lua.load(boot).set_name("=boot.lua").exec().map_err(|e| anyhow!("{e}"))?;
        Ok(host)
    }

    /// Puts a table `rekindle` into the registry of loaded modules: `require 'rekindle.native'`.
    fn register(&self, t: &'static Tables) -> anyhow::Result<()> {
        let lua = &self.lua;
        let table = lua.create_table().map_err(lua_error)?;
        // SAFETY: the closures only push what they return, with the stack space that exec_raw reserves (they need a
        // few slots), inside its protected call.
        unsafe {
            let put = |name: &str, f: &dyn Fn(*mut lua_State)| -> anyhow::Result<()> {
                let v: Value = lua.exec_raw((), f).map_err(lua_error)?;
                table.set(name, v).map_err(lua_error)
            };
            put("metatables", &|l| raw::push_metatables(l))?;
            put("functions", &|l| push_nested(l, t.functions.iter().map(|(p, n, c)| (*p, *n, c))))?;
            put("methods", &|l| push_nested(l, t.methods.iter().map(|(d, n, c)| (d.tensor_name(), *n, c))))?;
            put("storage_methods", &|l| {
                push_nested(l, t.storage_methods.iter().map(|(d, n, c)| (d.storage_name(), *n, c)))
            })?;
            put("constructors", &|l| push_nested(l, t.constructors.iter().map(|(n, k, c)| (*n, *k, c))))?;
            put("classes", &|l| push_nested(l, t.classes.iter().map(|(k, n, c)| (*k, *n, c))))?;
            type Access = (Function, Function, Function, Function);
            let access: Access = lua.exec_raw((), |l| raw::push_element_access(l)).map_err(lua_error)?;
            table.set("index", access.0).map_err(lua_error)?;
            table.set("newindex", access.1).map_err(lua_error)?;
            table.set("storage_index", access.2).map_err(lua_error)?;
            table.set("storage_newindex", access.3).map_err(lua_error)?;
            put("quick", &|l| raw::push_quick(l))?;
        }
        let types: Vec<&str> = TensorClass::ALL.iter().map(|c| c.name()).collect();
        table.set("types", types).map_err(lua_error)?;
        let elements = lua.create_table().map_err(lua_error)?;
        for d in DType::ALL {
            let one = lua.create_table().map_err(lua_error)?;
            one.set("name", d.name()).map_err(lua_error)?;
            one.set("family", d.family().name()).map_err(lua_error)?;
            one.set("pixel", d.is_pixel()).map_err(lua_error)?;
            elements.push(one).map_err(lua_error)?;
        }
        table.set("element_types", elements).map_err(lua_error)?;
        let sources = lua.create_table().map_err(lua_error)?;
        for (name, source) in EMBEDDED {
            sources.raw_set(*name, *source).map_err(lua_error)?;
        }
        table.set("sources", sources).map_err(lua_error)?;
        native::register(lua, &table).map_err(lua_error)?;
        let loaded: mlua::Table =
            lua.globals().get::<mlua::Table>("package").and_then(|p| p.get("loaded")).map_err(lua_error)?;
        loaded.set("rekindle.native", table).map_err(lua_error)
    }

    /// The Lua state, for what this type does not offer.
    pub fn lua(&self) -> &Lua {
        &self.lua
    }

    /// Runs a piece of Lua and hands back what it returns.
    ///
    /// # Errors
    /// What Lua raises, as text, or a result of another type.
    pub fn eval<R: mlua::FromLuaMulti>(&self, code: &str) -> anyhow::Result<R> {
        self.lua.load(code).set_name("=eval").eval().map_err(lua_error)
    }

    /// Runs a script file with the global `arg` and the varargs set to `args`.
    ///
    /// # Errors
    /// A file that cannot be read, or what the script raises, as text with a traceback.
    pub fn run_file(&self, path: impl AsRef<Path>, args: &[String]) -> anyhow::Result<()> {
        let path = path.as_ref().to_string_lossy().into_owned();
        self.run("run_file", (path, args.to_vec()))
    }

    /// Runs a program with a function of the embedded module `rekindle.run` that gives the text of an error, or nil.
    ///
    /// # Errors
    /// That text.
    pub fn run(&self, function: &str, args: impl mlua::IntoLuaMulti) -> anyhow::Result<()> {
        match self.call::<Option<mlua::String>>(function, args)? {
            Some(text) => Err(anyhow!("{}", text.to_string_lossy())),
            None => Ok(()),
        }
    }

    /// Calls a function of the embedded module `rekindle.run`.
    ///
    /// # Errors
    /// What it raises, as text.
    pub fn call<R: mlua::FromLuaMulti>(&self, function: &str, args: impl mlua::IntoLuaMulti) -> anyhow::Result<R> {
        let require: Function = self.lua.globals().get("require").map_err(lua_error)?;
        let module: mlua::Table = require.call("rekindle.run").map_err(lua_error)?;
        let f: Function = module.get(function).map_err(lua_error)?;
        f.call(args).map_err(lua_error)
    }

    /// Sets a global variable to a tensor; data is shared, not copied.
    ///
    /// # Errors
    /// Out of memory in Lua.
    pub fn set_tensor(&self, name: &str, t: &Tensor) -> anyhow::Result<()> {
        let t = t.clone();
        // SAFETY: pushes one object inside exec_raw's protected call.
        let v: Value = unsafe {
            self.lua.exec_raw((), |l| {
                raw::push_tensor(l, t);
            })
        }
        .map_err(lua_error)?;
        self.lua.globals().set(name, v).map_err(lua_error)
    }

    /// The tensor that a global variable holds; data is shared, not copied.
    ///
    /// # Errors
    /// A global that is not a tensor.
    pub fn get_tensor(&self, name: &str) -> anyhow::Result<Tensor> {
        let v: Value = self.lua.globals().get(name).map_err(lua_error)?;
        let mut out = None;
        // SAFETY: only reads the argument, which is on the stack during the call.
        unsafe { self.lua.exec_raw::<()>(v, |l| out = raw::tensor_at(l, 1).cloned()) }.map_err(lua_error)?;
        out.ok_or_else(|| anyhow!("global '{name}' is not a tensor"))
    }
}

fn lua_error(e: mlua::Error) -> anyhow::Error {
    match e {
        mlua::Error::RuntimeError(text) => anyhow!(text),
        e => anyhow!("{e}"),
    }
}
