//! Files for `lua/torch/file.lua`: native functions on open files. Bulk data goes in one call, straight into and out of
//! the memory of storages.

use super::{native, raw};
use crate::t7::{ByteOrder, Encoding, Memory, Mode, TorchFile};
use crate::tensor::dtype::{DType, Element};
use crate::tensor::error::{Error, Result as Fallible};
use crate::tensor::storage::{self, Storage};
use crate::with_dtype;
use mlua::{AnyUserData, FromLuaMulti, IntoLua, Lua, Result, Table, UserData};
use std::cell::RefCell;

/// A file as Lua holds it.
struct Handle(RefCell<TorchFile>);
impl UserData for Handle {}

/// What a function answers: a value, or nil and a message.
type Answer<T> = std::result::Result<T, String>;

fn answer<T>(value: Fallible<T>) -> Answer<T> {
    value.map_err(|e| e.to_string())
}

fn open(file: Fallible<TorchFile>) -> Answer<Handle> {
    answer(file.map(|f| Handle(RefCell::new(f))))
}

fn mode_of(name: &str) -> Fallible<Mode> {
    Mode::from_name(name).ok_or_else(|| Error::invalid(format!("expected the mode 'r', 'w' or 'rw', got '{name}'")))
}

/// A table that functions on handles are added to.
struct Functions<'a> {
    lua: &'a Lua,
    table: &'a Table,
}

impl Functions<'_> {
    /// Adds a function of a handle and other arguments. What a resize left behind is freed after it.
    fn add<A, R>(&self, name: &str, f: impl Fn(&Lua, &mut TorchFile, A) -> Result<Fallible<R>> + 'static) -> Result<()>
    where
        (AnyUserData, A): FromLuaMulti,
        R: IntoLua,
    {
        let run = self.lua.create_function(move |lua, (handle, args): (AnyUserData, A)| {
            let handle = handle.borrow::<Handle>()?;
            let result = f(lua, &mut handle.0.borrow_mut(), args)?;
            storage::reclaim();
            Ok(answer(result))
        })?;
        self.table.set(name, run)
    }
}

/// Adds the functions, as a table `file` of the natives.
///
/// # Errors
/// Out of memory in Lua.
pub fn register(lua: &Lua, natives: &Table) -> Result<()> {
    let table = lua.create_table()?;
    openers(lua, &table)?;
    let t = Functions { lua, table: &table };
    places(&t)?;
    settings(&t)?;
    elements(&t)?;
    strings(&t)?;
    natives.set("file", table)
}

fn openers(lua: &Lua, t: &Table) -> Result<()> {
    let disk = |_: &Lua, (path, mode, quiet, atomic): (mlua::String, String, bool, bool)| {
        let path = path.to_string_lossy();
        Ok(open(mode_of(&mode).and_then(|m| TorchFile::disk(&path, m, atomic)).map(|f| quietly(f, quiet))))
    };
    t.set("disk", lua.create_function(disk)?)?;
    let pipe = |_: &Lua, (command, mode, quiet): (String, String, bool)| {
        Ok(open(mode_of(&mode).and_then(|m| TorchFile::pipe(&command, m)).map(|f| quietly(f, quiet))))
    };
    t.set("pipe", lua.create_function(pipe)?)?;
    let memory = |lua: &Lua, (storage, mode): (Option<AnyUserData>, String)| {
        let bytes = match storage {
            Some(s) => Memory::over(native::storage_of(lua, &s)?),
            None => Memory::new(),
        };
        Ok(open(mode_of(&mode).and_then(|m| bytes.map(|b| TorchFile::memory(b, m)))))
    };
    t.set("memory", lua.create_function(memory)?)?;
    let bytes = |lua: &Lua, storage: AnyUserData| {
        let bytes = Memory::reading(native::storage_of(lua, &storage)?);
        Ok(open(bytes.map(|b| TorchFile::memory(b, Mode::Read))))
    };
    t.set("bytes", lua.create_function(bytes)?)
}

fn quietly(mut file: TorchFile, quiet: bool) -> TorchFile {
    file.quiet = quiet;
    file
}

/// Positions, and the end of a file's use.
fn places(t: &Functions) -> Result<()> {
    t.add("position", |_, f, ()| Ok(f.position().map(|p| p + 1)))?;
    t.add("left", |_, f, ()| Ok(f.left()))?;
    t.add("seek", |_, f, to: f64| Ok(f.seek((to as i64).saturating_sub(1)).map(|()| true)))?;
    t.add("seekEnd", |_, f, ()| Ok(f.seek_end().map(|()| true)))?;
    t.add("synchronize", |_, f, ()| Ok(f.synchronize().map(|()| true)))?;
    t.add("noBuffer", |_, f, ()| Ok(f.no_buffer().map(|()| true)))?;
    t.add("close", |_, f, ()| Ok(f.close().map(|()| true)))?;
    t.add("discard", |_, f, ()| {
        f.discard();
        Ok(Ok(true))
    })?;
    t.add("storage", |lua, f, ()| match f.storage() {
        Ok(s) => Ok(push_storage(lua, Ok(s))?.map_err(Error::invalid)),
        Err(e) => Ok(Err(e)),
    })?;
    t.add("describe", |_, f, ()| Ok(Ok(f.describe())))
}

/// Switches and what is asked of them.
fn settings(t: &Functions) -> Result<()> {
    t.add("setLongSize", |_, f, n: f64| Ok(f.set_long_size(n as i64).map(|()| true)))?;
    t.add("getLongSize", |_, f, ()| Ok(Ok(f.long_size())))?;
    type Switch = (&'static str, fn(&mut TorchFile));
    let switches: [Switch; 10] = [
        ("ascii", |f| f.encoding = Encoding::Ascii),
        ("binary", |f| f.encoding = Encoding::Binary),
        ("autoSpacing", |f| f.auto_spacing = true),
        ("noAutoSpacing", |f| f.auto_spacing = false),
        ("quiet", |f| f.quiet = true),
        ("pedantic", |f| f.quiet = false),
        ("clearError", TorchFile::clear_error),
        ("nativeEndianEncoding", |f| f.byte_order = ByteOrder::NATIVE),
        ("littleEndianEncoding", |f| f.byte_order = ByteOrder::Little),
        ("bigEndianEncoding", |f| f.byte_order = ByteOrder::Big),
    ];
    for (name, switch) in switches {
        t.add(name, move |_, f, ()| {
            switch(f);
            Ok(Ok(true))
        })?;
    }
    type Question = (&'static str, fn(&TorchFile) -> bool);
    let questions: [Question; 6] = [
        ("isQuiet", |f| f.quiet),
        ("isReadable", TorchFile::is_readable),
        ("isWritable", TorchFile::is_writable),
        ("isBinary", TorchFile::is_binary),
        ("isAutoSpacing", |f| f.auto_spacing),
        ("hasError", TorchFile::has_error),
    ];
    for (name, question) in questions {
        t.add(name, move |_, f, ()| Ok(Ok(question(f))))?;
    }
    Ok(())
}

/// Numbers, one by one and whole storages.
fn elements(t: &Functions) -> Result<()> {
    for d in DType::ALL {
        t.add(&format!("read{}", d.name()), move |_, f, ()| {
            Ok(with_dtype!(d, T => f.read_one::<T>().map(Element::to_f64)))
        })?;
        t.add(&format!("write{}", d.name()), move |_, f, v: f64| {
            Ok(with_dtype!(d, T => f.write_one::<T>(Element::from_f64(v))))
        })?;
    }
    t.add("read_many", |lua, f, (into, n): (AnyUserData, f64)| {
        let into = native::storage_of(lua, &into)?;
        if n < 0.0 || n.is_nan() {
            return Ok(Err(Error::invalid(format!("cannot read {n} elements"))));
        }
        Ok(f.read_storage(&into, n as usize))
    })?;
    t.add("write_many", |lua, f, from: AnyUserData| {
        let from = native::storage_of(lua, &from)?;
        Ok(f.write_storage(&from))
    })
}

fn strings(t: &Functions) -> Result<()> {
    t.add("readString", |lua, f, format: String| give(lua, f.read_string(&format)))?;
    t.add("writeString", |_, f, text: mlua::String| Ok(f.write_string(&text.as_bytes())))?;
    t.add("read_bytes", |lua, f, n: f64| {
        let n = n.max(0.0) as usize;
        if let Ok(Some(left)) = f.left()
            && left < n as u64
        {
            return Ok(Err(Error::invalid(format!("{n} bytes are announced and {left} are left"))));
        }
        give(lua, f.read_vec::<u8>(n))
    })
}

fn give(lua: &Lua, bytes: Fallible<Vec<u8>>) -> Result<Fallible<mlua::String>> {
    match bytes {
        Ok(b) => lua.create_string(b).map(Ok),
        Err(e) => Ok(Err(e)),
    }
}

/// Pushes a storage, or hands back why there is none.
pub fn push_storage(lua: &Lua, s: Fallible<Storage>) -> Result<Answer<mlua::Value>> {
    match s {
        // SAFETY: pushes one object inside exec_raw's protected call.
        Ok(s) => unsafe { lua.exec_raw((), |l| raw::push_storage(l, s)) }.map(Ok),
        Err(e) => Ok(Err(e.to_string())),
    }
}
