//! A Lua state that is a Torch7: made, filled with what `rows` declares and the embedded Lua files, and run.

mod probe;

use crate::lua::raw::{self, Group};
use crate::rows::tables::{Entry, Tables, tables};
use crate::rows::{self, Package};
use crate::shared;
use crate::tensor::Tensor;
use crate::tensor::class::TensorClass;
use crate::tensor::dtype::DType;
use anyhow::{Context, anyhow};
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, Value};
use std::ffi::OsStr;

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

fn group(name: &'static str, entries: &'static [Entry]) -> Group<'static> {
    Group { name, functions: entries.iter().map(|e| (e.owner, e.name, &e.compiled)).collect() }
}

/// The modules that are loaded, by name.
fn loaded(lua: &Lua) -> mlua::Result<mlua::Table> {
    lua.globals().get::<mlua::Table>("package")?.get("loaded")
}

impl Host {
    /// Makes a state with all packages ready to be required, and `torch` loaded.
    ///
    /// # Errors
    /// Out of memory, or a defect of the embedded files.
    pub fn new() -> anyhow::Result<Host> {
        shared::start_with(in_a_state_of_its_own);
        let tables = tables().map_err(|e| anyhow!("a row is wrong: {e}"))?;
        let host = Host { lua: raw::new_state() };
        raw::embedded(rows::embedded::is_shown_as);
        let boot = rows::embedded::code(b"boot").context("boot.lua is missing")?;
        // nearly all that is made now stays
        raw::without_collector(&host.lua, || {
            host.register(tables).map_err(lua_error)?;
            host.lua.load(boot).set_mode(ChunkMode::Binary).exec().map_err(|e| anyhow!("{e}"))
        })?;
        Ok(host)
    }

    /// Makes the module `rekindle.native`, which the embedded files require.
    fn register(&self, t: &'static Tables) -> mlua::Result<()> {
        let lua = &self.lua;
        let table = lua.create_table()?;
        let groups = [
            group("functions", &t.functions),
            group("methods", &t.methods),
            group("storage_methods", &t.storage_methods),
            group("constructors", &t.constructors),
            group("classes", &t.classes),
        ];
        raw::register(lua, &table, rows::object_classes(), &groups)?;
        table.set("types", TensorClass::offered().map(TensorClass::name).collect::<Vec<_>>())?;
        table.set("numbers", TensorClass::offered().map(TensorClass::index).collect::<Vec<_>>())?;
        let elements = lua.create_table()?;
        for d in DType::ALL {
            let one = lua.create_table()?;
            one.set("name", d.name())?;
            one.set("family", d.family().name())?;
            one.set("pixel", d.is_pixel())?;
            one.set("size", d.size())?;
            elements.push(one)?;
        }
        // by class, in the order of `types`: those of host tensors come first
        let by_class = TensorClass::offered().map(|c| elements.raw_get(c.dtype.index() + 1));
        table.set("elements", by_class.collect::<mlua::Result<Vec<mlua::Table>>>()?)?;
        table.set("element_types", elements)?;
        table.set("null", Value::NULL)?;
        loaded(lua)?.set("rekindle.native", table)
    }

    /// Gives the embedded Lua files the functions of a package that only some programs have: the table of its name in
    /// `rekindle.native`.
    ///
    /// # Errors
    /// A row that cannot be read, or out of memory in Lua.
    pub fn offer(&self, package: &Package) -> anyhow::Result<()> {
        let entries = Vec::leak(package.compile().map_err(|e| anyhow!("a row is wrong: {e}"))?);
        let put = || {
            let functions = raw::functions(&self.lua, &group(package.table, entries))?;
            let native: mlua::Table = loaded(&self.lua)?.get("rekindle.native")?;
            native.set(package.table, functions.get::<mlua::Table>(package.table)?)
        };
        put().map_err(lua_error)
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
    pub fn run_file(&self, path: impl AsRef<OsStr>, args: &[impl AsRef<OsStr>]) -> anyhow::Result<()> {
        let args: Vec<_> = args.iter().map(|a| text(a.as_ref())).collect();
        self.run("run_file", (text(path.as_ref()), args))
    }

    /// Runs a program with a function of the embedded module `rekindle.run` that gives the text of an error, or nil.
    ///
    /// # Errors
    /// That text.
    pub fn run(&self, function: &str, args: impl mlua::IntoLuaMulti) -> anyhow::Result<()> {
        match self.call::<Option<mlua::LuaString>>(function, args)? {
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

    /// Writes a model of a `.t7` file in another format, which the suffix of `to` says, as `th convert` does with these options.
    ///
    /// ```no_run
    /// let host = rekindle::Host::new()?;
    /// host.convert("model.t7", "model.onnx", &["-input", "3x32x32"])?;
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    /// What cannot be read, expressed or written.
    pub fn convert(&self, from: &str, to: &str, options: &[&str]) -> anyhow::Result<()> {
        self.run("tool", ("convert", [&[from, to], options].concat()))
    }

    /// Compares what a file computes with the model of a `.t7` file, as `th verify` does with these options.
    ///
    /// # Errors
    /// What cannot be read or run, and a difference that is too large.
    pub fn verify(&self, model: &str, file: &str, options: &[&str]) -> anyhow::Result<()> {
        self.run("tool", ("verify", [&[model, file], options].concat()))
    }

    /// Sets a global variable to a tensor; data is shared, not copied.
    ///
    /// # Errors
    /// Out of memory in Lua.
    pub fn set_tensor(&self, name: &str, t: &Tensor) -> anyhow::Result<()> {
        let v = raw::tensor_value(&self.lua, t.clone()).map_err(lua_error)?;
        self.lua.globals().set(name, v).map_err(lua_error)
    }

    /// The tensor that a global variable holds; data is shared, not copied.
    ///
    /// # Errors
    /// A global that is not a tensor.
    pub fn get_tensor(&self, name: &str) -> anyhow::Result<Tensor> {
        let v: Value = self.lua.globals().get(name).map_err(lua_error)?;
        let tensor = raw::tensor_of(&self.lua, v).map_err(lua_error)?;
        tensor.ok_or_else(|| anyhow!("global '{name}' is not a tensor"))
    }
}

/// An argument or a file's name for Lua: its bytes, in whatever encoding.
pub fn text(given: &OsStr) -> mlua::BString {
    given.as_encoded_bytes().into()
}

/// Bytes for Lua, as a string.
pub fn bytes(given: Vec<u8>) -> mlua::BString {
    given.into()
}

/// Runs a piece of Lua on the thread that this is called on; the text of an error.
fn in_a_state_of_its_own(code: &[u8]) -> Option<String> {
    let run = || {
        let host = Host::new()?;
        host.call::<()>("prelude", (Vec::<String>::new(), false))?;
        host.lua.load(code).set_name("=thread").exec().map_err(lua_error)
    };
    run().err().map(|e| e.to_string())
}

fn lua_error(e: mlua::Error) -> anyhow::Error {
    match e {
        mlua::Error::RuntimeError(text) => anyhow!(text),
        e => anyhow!("{e}"),
    }
}
