//! The state of the process and of the package: threads, the default element type, generators; and what the embedded Lua
//! files ask of tensors and storages.

use crate::lua::prelude::*;
use crate::lua::{bytecode, raw};
use crate::tensor::class::{Device, TensorClass};
use crate::tensor::{display, storage, threads as pool};
use crate::with_dtype;

fn threads() -> Result<usize> {
    Ok(pool::threads())
}
fn set_threads(n: f64) -> Result<()> {
    demand!(n >= 1.0, "expected a positive number of threads, got {n}");
    pool::set_threads(n as usize);
    Ok(())
}
fn cores() -> Result<usize> {
    Ok(std::thread::available_parallelism().map_or(1, usize::from))
}
fn default_type() -> Result<String> {
    Ok(raw::default_class().tensor_name().into())
}
/// Whether the name is that of a class of tensors.
fn set_default_type(name: &str) -> Result<bool> {
    let found = TensorClass::parse(name).filter(|c| c.tensor_name() == name);
    Ok(found.map(raw::set_default_class).is_some())
}
/// Gives back the memory that is kept for results to come.
fn free_spare() -> Result<()> {
    storage::free_spare();
    Ok(())
}
fn generator() -> Result<Generator> {
    Ok(Generator::new())
}
fn default_generator() -> Result<Ret> {
    Ok(Ret::DefaultGenerator(Device::Host))
}
/// The generator that tensors of a device draw from.
fn device_generator(name: &str) -> Result<Ret> {
    let found = TensorClass::parse(name).map(|c| c.device);
    demand!(found.is_some(), "no device has a {name}");
    Ok(found.map_or(Ret::Nil, Ret::DefaultGenerator))
}

/// The text of a tensor, as Torch7 prints it.
fn display_tensor(t: &Tensor) -> Result<String> {
    let sizes = t.layout().sizes().to_vec();
    with_dtype!(t.dtype(), T => {
        let data = t.to_vec::<T>()?;
        let value = |i: usize| data.get(i).map_or(0.0, |v: &T| v.to_f64());
        Ok(display::format_tensor(&sizes, &value, t.class().tensor_name()))
    })
}
fn display_storage(s: &Storage) -> Result<String> {
    with_dtype!(s.dtype(), T => {
        let value = |i| s.get::<T>(i).map_or(0.0, |v| v.to_f64());
        Ok(display::format_storage(s.len(), &value, s.class().storage_name()))
    })
}
/// Where the first element lies, for ffi: a number that fits a double on every 48-bit address space. A tensor without a
/// storage has none.
fn address(t: &Tensor) -> Result<Option<f64>> {
    Ok(t.storage().map(|s| (s.address() + t.offset() * t.dtype().size()) as f64))
}
fn storage_address(s: &Storage) -> Result<f64> {
    Ok(s.address() as f64)
}

/// What is wrong with a compiled function; nothing where LuaJIT can load it, or says itself why it does not.
fn check_bytecode(code: &[u8]) -> Result<Option<String>> {
    if code.first() != Some(&bytecode::SIGNATURE) {
        return Ok(None);
    }
    Ok(match bytecode::check(code) {
        Ok(()) | Err(bytecode::Refusal::Foreign) => None,
        Err(bytecode::Refusal::Damaged(what)) => Some(what),
    })
}

/// The rows.
pub static ROWS: &[Op] = &[
    func!("getnumthreads", &[form("", any!(threads))]),
    func!("setnumthreads", &[form("n:num", any!(set_threads))]),
    func!("getnumcores", &[form("", any!(cores))]),
    func!("getdefaulttensortype", &[form("", any!(default_type))]),
    func!("setDefaultType", &[form("name:str", any!(set_default_type))]),
    func!("freeSpare", &[form("", any!(free_spare))]),
    func!("generator", &[form("", any!(generator))]),
    func!("defaultGenerator", &[form("", any!(default_generator))]),
    func!("deviceGenerator", &[form("class:str", any!(device_generator))]),
    func!("checkBytecode", &[form("code:str", any!(check_bytecode))]),
    func!("display", &[form("x:tensor", any!(display_tensor)), form("s:storage", any!(display_storage))]),
    func!("address", &[form("x:tensor", any!(address)), form("s:storage", any!(storage_address))]),
];
