//! Files for `lua/torch/file.lua`: native functions on streams. None is hot: bulk data goes in one call.

use super::{native, raw};
use crate::t7::stream::{Fallible, Stream};
use crate::tensor::dtype::DType;
use crate::tensor::storage::Storage;
use crate::with_dtype;
use mlua::{AnyUserData, Lua, Result, Table, UserData};
use std::cell::RefCell;

/// A stream as Lua holds it.
struct Handle(RefCell<Stream>);
impl UserData for Handle {}

/// Runs a function on the stream behind a handle.
fn with<R>(h: &AnyUserData, f: impl FnOnce(&mut Stream) -> R) -> Result<R> {
    Ok(f(&mut h.borrow::<Handle>()?.0.borrow_mut()))
}

fn open(stream: Fallible<Stream>) -> Fallible<Handle> {
    stream.map(|s| Handle(RefCell::new(s)))
}

/// Adds the functions, as a table `file` of the natives.
///
/// # Errors
/// Out of memory in Lua.
pub fn register(lua: &Lua, natives: &Table) -> Result<()> {
    let t = lua.create_table()?;
    t.set(
        "disk",
        lua.create_function(|_, (path, mode, quiet): (String, String, bool)| {
            Ok(open(Stream::disk(&path, &mode).map(|mut s| {
                s.quiet = quiet;
                s
            })))
        })?,
    )?;
    t.set(
        "pipe",
        lua.create_function(|_, (cmd, mode, quiet): (String, String, bool)| {
            Ok(open(Stream::pipe(&cmd, &mode).map(|mut s| {
                s.quiet = quiet;
                s
            })))
        })?,
    )?;
    t.set("memory", lua.create_function(memory)?)?;
    t.set(
        "storage",
        lua.create_function(|lua, h: AnyUserData| {
            let mut bytes = with(&h, |s| s.bytes().to_vec())?;
            bytes.push(0);
            push_storage(lua, Storage::from_slice(&bytes.into_iter().map(|b| b as i8).collect::<Vec<i8>>()))
        })?,
    )?;
    t.set("position", lua.create_function(|_, h: AnyUserData| with(&h, |s| s.position() + 1))?)?;
    t.set(
        "seek",
        lua.create_function(|_, (h, to): (AnyUserData, f64)| {
            with(&h, |s| {
                if to >= 1.0 { s.seek(to as usize - 1) } else { Err(format!("position must be positive, got {to}")) }
                    .map(|()| true)
            })
        })?,
    )?;
    t.set(
        "long_size",
        lua.create_function(|_, (h, n): (AnyUserData, f64)| {
            with(&h, |s| {
                s.format.long_size = match n as i64 {
                    0 | 8 => 8,
                    4 => 4,
                    n => return Err(format!("long size must be 0, 4 or 8, got {n}")),
                };
                Ok(true)
            })
        })?,
    )?;
    t.set(
        "command",
        lua.create_function(|_, (h, what): (AnyUserData, String)| with(&h, |s| command(s, &what).map(|()| true)))?,
    )?;
    t.set("ask", lua.create_function(|_, (h, what): (AnyUserData, String)| with(&h, |s| ask(s, &what)))?)?;
    t.set(
        "describe",
        lua.create_function(|_, h: AnyUserData| {
            with(&h, |s| {
                let (on, open, readable, writable) = s.describe();
                (on.map(String::from), open, readable, writable)
            })
        })?,
    )?;
    t.set("discard", lua.create_function(|_, h: AnyUserData| with(&h, Stream::discard))?)?;
    data_functions(lua, &t)?;
    natives.set("file", t)
}

fn data_functions(lua: &Lua, t: &Table) -> Result<()> {
    t.set(
        "read_one",
        lua.create_function(|_, (h, kind): (AnyUserData, String)| {
            let d = DType::parse(&kind).unwrap_or(DType::Double);
            with(&h, |s| -> Fallible<f64> {
                let one = Storage::new(d, 1).map_err(|e| e.to_string())?;
                s.read(&one, 1)?;
                Ok(with_dtype!(d, T => one.get::<T>(0).map_or(0.0, crate::tensor::dtype::Element::to_f64)))
            })
        })?,
    )?;
    t.set(
        "write_one",
        lua.create_function(|_, (h, kind, v): (AnyUserData, String, f64)| {
            let d = DType::parse(&kind).unwrap_or(DType::Double);
            with(&h, |s| -> Fallible<usize> {
                let one = Storage::new(d, 1).map_err(|e| e.to_string())?;
                with_dtype!(d, T => one.set::<T>(0, crate::tensor::dtype::Element::from_f64(v)));
                s.write(&one)
            })
        })?,
    )?;
    t.set(
        "read_many",
        lua.create_function(|lua, (h, into, n): (AnyUserData, AnyUserData, f64)| {
            let into = native::storage_of(lua, &into)?;
            with(&h, |s| if n >= 0.0 { s.read(&into, n as usize) } else { Err(format!("cannot read {n} elements")) })
        })?,
    )?;
    t.set(
        "write_many",
        lua.create_function(|lua, (h, from): (AnyUserData, AnyUserData)| {
            let from = native::storage_of(lua, &from)?;
            with(&h, |s| s.write(&from))
        })?,
    )?;
    t.set(
        "read_string",
        lua.create_function(|lua, (h, format): (AnyUserData, String)| {
            let got = with(&h, |s| s.read_string(&format))?;
            got.map(|b| lua.create_string(b)).map_or_else(|e| Ok(Err(e)), |r| r.map(Ok))
        })?,
    )?;
    t.set(
        "write_string",
        lua.create_function(|_, (h, text): (AnyUserData, mlua::String)| {
            with(&h, |s| s.write_string(&text.as_bytes()))
        })?,
    )
}

/// A memory file over a copy of a CharStorage that ends with a zero byte, or an empty one.
fn memory(lua: &Lua, (storage, mode): (Option<AnyUserData>, String)) -> Result<Fallible<Handle>> {
    let mut bytes = vec![];
    if let Some(s) = storage {
        let s = native::storage_of(lua, &s)?;
        bytes = s.to_vec::<i8>(0, usize::MAX).into_iter().map(|b| b as u8).collect();
        if bytes.pop() != Some(0) {
            return Ok(Err("provided CharStorage must be terminated by 0".into()));
        }
        if mode == "w" {
            bytes.clear();
        }
    }
    Ok(open(Ok(Stream::memory(bytes, &mode))))
}

/// Pushes a storage, or hands back why there is none.
pub fn push_storage(lua: &Lua, s: crate::tensor::error::Result<Storage>) -> Result<Fallible<mlua::Value>> {
    match s {
        // SAFETY: pushes one object inside exec_raw's protected call.
        Ok(s) => unsafe { lua.exec_raw((), |l| raw::push_storage(l, s)) }.map(Ok),
        Err(e) => Ok(Err(e.to_string())),
    }
}

fn command(s: &mut Stream, what: &str) -> Fallible<()> {
    match what {
        "ascii" => s.format.ascii = true,
        "binary" => s.format.ascii = false,
        "autoSpacing" => s.auto_spacing = true,
        "noAutoSpacing" => s.auto_spacing = false,
        "quiet" => s.quiet = true,
        "pedantic" => s.quiet = false,
        "clearError" => s.has_error = false,
        "seekEnd" => s.seek_end(),
        "synchronize" => return s.flush(),
        "close" => return s.close(),
        "nativeEndianEncoding" => s.format.big_endian = cfg!(target_endian = "big"),
        "littleEndianEncoding" => s.format.big_endian = false,
        "bigEndianEncoding" => s.format.big_endian = true,
        other => return Err(format!("unknown command '{other}'")),
    }
    Ok(())
}

fn ask(s: &Stream, what: &str) -> bool {
    match what {
        "isQuiet" => s.quiet,
        "isReadable" => s.is_readable(),
        "isWritable" => s.is_writable(),
        "isBinary" => !s.format.ascii,
        "isAutoSpacing" => s.auto_spacing,
        "hasError" => s.has_error,
        _ => false,
    }
}
