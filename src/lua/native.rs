//! Native functions that are not operations on tensors: what the embedded Lua files need of the machine and of
//! userdata. Registered through mlua: none of them is hot.

use super::raw;
use crate::tensor::class::TensorClass;
use crate::tensor::display;
use crate::tensor::dtype::Element;
use crate::tensor::storage::Storage;
use crate::tensor::threads;
use crate::with_dtype;
use mlua::{AnyUserData, Lua, Result, Table};

/// The pages of the manual: name and text.
static MANUAL: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/manual.rs"));

/// Adds the functions to the table of natives.
///
/// # Errors
/// Out of memory in Lua.
pub fn register(lua: &Lua, t: &Table) -> Result<()> {
    t.set("default_type", lua.create_function(|_, ()| Ok(raw::default_class().tensor_name()))?)?;
    t.set(
        "set_default_type",
        lua.create_function(|_, name: String| {
            let found = TensorClass::parse(&name).filter(|c| c.tensor_name() == name);
            Ok(found.map(raw::set_default_class).is_some())
        })?,
    )?;
    t.set("threads", lua.create_function(|_, ()| Ok(threads::threads()))?)?;
    t.set(
        "set_threads",
        lua.create_function(|_, n: f64| {
            threads::set_threads(n as usize);
            Ok(())
        })?,
    )?;
    t.set("cores", lua.create_function(|_, ()| Ok(std::thread::available_parallelism().map_or(1, usize::from)))?)?;
    t.set("display", lua.create_function(display_value)?)?;
    // SAFETY: only reads its argument.
    t.set("identity", unsafe { lua.create_c_function(raw::identity) }?)?;
    t.set("address", lua.create_function(address)?)?;
    // SAFETY: only pushes a new object.
    t.set("default_generator", unsafe { lua.create_c_function(raw::default_generator_object) }?)?;
    // SAFETY: as above.
    t.set("generator", unsafe { lua.create_c_function(raw::new_generator) }?)?;
    t.set("usage", lua.create_function(|_, name: String| Ok(super::host::usage(&name)))?)?;
    // asked for by the help alone, so that a state which is not asked carries no page
    t.set("manual", lua.create_function(|lua, ()| lua.create_table_from(MANUAL.iter().copied()))?)?;
    super::file::register(lua, t)?;
    crate::system::lua::register(lua, t)
}

/// The storage behind a userdata.
///
/// # Errors
/// Something else.
pub fn storage_of(lua: &Lua, v: &AnyUserData) -> Result<Storage> {
    read(lua, v, |_, s| s.cloned())?.ok_or_else(|| mlua::Error::runtime("expected a storage"))
}

/// What a tensor or storage userdata is, read through mlua.
fn read<R>(
    lua: &Lua,
    v: &AnyUserData,
    f: impl FnOnce(Option<&crate::tensor::Tensor>, Option<&Storage>) -> R,
) -> Result<R> {
    let mut out = None;
    let mut f = Some(f);
    // SAFETY: the value is argument 1 of a protected call and stays there while it is read.
    unsafe {
        lua.exec_raw::<()>(v.clone(), |l| {
            if let Some(f) = f.take() {
                out = Some(f(raw::tensor_at(l, 1), raw::storage_at(l, 1)));
            }
        })?;
    }
    out.ok_or_else(|| mlua::Error::runtime("expected a tensor or a storage"))
}

/// The text of a tensor or storage, as Torch7 prints it.
fn display_value(lua: &Lua, v: AnyUserData) -> Result<mlua::String> {
    let text = read(lua, &v, |t, s| {
        if let Some(t) = t {
            return with_dtype!(t.dtype(), T => t.to_vec::<T>().map(|data| {
                let sizes = t.layout().sizes().to_vec();
                display::format_tensor(&sizes, &|i| data.get(i).map_or(0.0, |v| v.to_f64()), t.class().tensor_name())
            }))
            .map_err(|e| e.to_string());
        }
        let s = s.ok_or("expected a tensor or a storage")?;
        Ok(with_dtype!(s.dtype(), T => {
            display::format_storage(s.len(), &|i| s.get::<T>(i).map_or(0.0, |v| v.to_f64()), s.class().storage_name())
        }))
    })?;
    lua.create_string(text.map_err(mlua::Error::runtime)?)
}

/// Where the first element lies, for ffi: a number that fits a double on every 48-bit address space.
fn address(lua: &Lua, v: AnyUserData) -> Result<Option<f64>> {
    read(lua, &v, |t, s| match (t, s) {
        (Some(t), _) => t.storage().map(|s| (s.address() + t.offset() * t.dtype().size()) as f64),
        (_, Some(s)) => Some(s.address() as f64),
        _ => None,
    })
}
