//! Files: constructors, methods, and what the reading and writing of objects (`lua/torch/serialize.lua`) needs.

use crate::lua::call::{Arg, Val, held};
use crate::lua::prelude::*;
use crate::t7::{ByteOrder, Encoding, FileHandle, Kind, Memory, Mode, Primitive, TorchFile, synchronize_all};

impl Foreign for FileHandle {
    fn class(&self) -> &'static str {
        match self.kind() {
            Kind::Disk => "torch.DiskFile",
            Kind::Memory => "torch.MemoryFile",
            Kind::Pipe => "torch.PipeFile",
        }
    }
    fn kind() -> &'static str {
        "File"
    }
}

impl<'a> Arg<'a> for &'a FileHandle {
    #[inline(always)]
    fn get(c: &'a [&'a Val<'a>]) -> Option<Result<Self>> {
        held(c[0])
    }
}

fn mode_of(name: Option<&str>, default: Mode) -> Result<Mode> {
    let Some(name) = name else { return Ok(default) };
    Mode::from_name(name).ok_or_else(|| Error::invalid(format!("expected a mode \"r\", \"w\" or \"rw\", got {name}")))
}

/// An opened file as an object; a file that cannot be opened quietly is none.
fn opened(file: Result<TorchFile>, quiet: bool) -> Result<Option<FileHandle>> {
    match file {
        Ok(mut file) => {
            file.quiet = quiet;
            Ok(Some(FileHandle::new(file)))
        }
        Err(_) if quiet => Ok(None),
        Err(e) => Err(e),
    }
}
fn disk(path: &str, mode: Option<&str>, quiet: bool, atomic: bool) -> Result<Option<FileHandle>> {
    opened(TorchFile::disk(path, mode_of(mode, Mode::Read)?, atomic), quiet)
}
fn pipe(command: &str, mode: Option<&str>, quiet: bool) -> Result<Option<FileHandle>> {
    opened(TorchFile::pipe(command, mode_of(mode, Mode::Read)?), quiet)
}
fn memory(mode: Option<&str>) -> Result<FileHandle> {
    Ok(FileHandle::new(TorchFile::memory(Memory::new()?, mode_of(mode, Mode::ReadWrite)?)))
}
fn memory_over(s: &Storage, mode: Option<&str>) -> Result<FileHandle> {
    let mode = mode_of(mode, Mode::ReadWrite)?;
    Ok(FileHandle::new(TorchFile::memory(Memory::over(s.clone())?, mode)))
}
/// The whole of a storage, without a zero at its end.
fn reading(s: &Storage) -> Result<FileHandle> {
    Ok(FileHandle::new(TorchFile::memory(Memory::reading(s.clone())?, Mode::Read)))
}

/// `torch.DiskFile(...)` and its kin.
pub static CONSTRUCTORS: &[Op] = &[
    func!("DiskFile", &[form("name:str mode:str=nil quiet:bool=false atomic:bool=false", any!(disk))]),
    func!("PipeFile", &[form("command:str mode:str=nil quiet:bool=false", any!(pipe))]),
    func!(
        "MemoryFile",
        &[form("mode:str=nil", any!(memory)), form("storage:CharStorage mode:str=nil", any!(memory_over))]
    ),
];

/// A method that sets a switch and hands back the file.
macro_rules! switch {
    ($name:literal, $f:ident => $set:expr) => {
        func!(
            $name,
            &[form(
                "*f:object.File",
                any!(|f: &FileHandle| -> Result<()> {
                    let $f = &mut *f.file();
                    $set;
                    Ok(())
                })
            )]
        )
    };
}
/// A method without an argument that hands back the file, or an error.
macro_rules! command {
    ($name:literal, $f:ident) => {
        func!($name, &[form("*f:object.File", any!(|f: &FileHandle| f.file().$f()))])
    };
}
/// A method without an argument that hands back what the file says.
macro_rules! question {
    ($name:literal, $f:ident => $answer:expr) => {
        func!(
            $name,
            &[form(
                "f:object.File",
                any!(|f: &FileHandle| {
                    let $f = f.file();
                    Ok($answer)
                })
            )]
        )
    };
}

fn position(f: &FileHandle) -> Result<f64> {
    Ok((f.file().position()? + 1) as f64)
}
fn seek(f: &FileHandle, position: i64) -> Result<()> {
    f.file().seek(position.saturating_sub(1))
}
fn close(f: &FileHandle) -> Result<()> {
    f.file().close()
}
fn discard(f: &FileHandle) -> Result<()> {
    f.file().discard();
    Ok(())
}
fn read_string(f: &FileHandle, format: &str) -> Result<Vec<u8>> {
    f.file().read_string(format)
}
fn write_string(f: &FileHandle, text: &[u8]) -> Result<usize> {
    f.file().write_string(text)
}
fn read_bool(f: &FileHandle) -> Result<bool> {
    f.file().read_bool()
}

fn read_one<T: Element + Primitive>(f: &FileHandle) -> Result<f64> {
    f.file().read_one::<T>().map(Element::to_f64)
}
/// As many elements as are wanted and there; fewer only if the file is quiet.
fn read_some<T: Element + Primitive>(f: &FileHandle, n: f64) -> Result<Storage> {
    let s = Storage::new(T::DTYPE, 0)?;
    let got = read_into(f, &s, n)?;
    if got < s.len() {
        s.resize(got)?;
    }
    Ok(s)
}
fn read_storage(f: &FileHandle, into: &Storage) -> Result<usize> {
    f.file().read_storage(into, into.len())
}
fn read_into(f: &FileHandle, into: &Storage, n: f64) -> Result<usize> {
    demand!(n >= 0.0, "cannot read {n} elements");
    f.file().read_storage(into, n as usize)
}
fn write_one<T: Element + Primitive>(f: &FileHandle, value: T) -> Result<()> {
    f.file().write_one::<T>(value).map(|_| ())
}
fn write_storage(f: &FileHandle, from: &Storage) -> Result<usize> {
    f.file().write_storage(from)
}

/// The methods that read elements of a type: one, some, a storage full.
macro_rules! reader {
    ($name:literal, $t:ty, $storage:literal) => {
        func!(
            $name,
            &[
                form("f:object.File", any!(read_one::<$t>)),
                form("f:object.File n:num", any!(read_some::<$t>)),
                form(concat!("f:object.File into:", $storage), any!(read_storage)),
            ]
        )
    };
}
/// The methods that write elements of a type: one, a storage.
macro_rules! writer {
    ($name:literal, $t:ty, $storage:literal) => {
        func!(
            $name,
            &[
                form("f:object.File value:num", any!(write_one::<$t>)),
                form(concat!("f:object.File from:", $storage), any!(write_storage)),
            ]
        )
    };
}

/// Methods of every file.
pub static FILE: &[Op] = &[
    switch!("ascii", f => f.encoding = Encoding::Ascii),
    switch!("binary", f => f.encoding = Encoding::Binary),
    switch!("autoSpacing", f => f.auto_spacing = true),
    switch!("noAutoSpacing", f => f.auto_spacing = false),
    switch!("quiet", f => f.quiet = true),
    switch!("pedantic", f => f.quiet = false),
    switch!("clearError", f => f.clear_error()),
    command!("seekEnd", seek_end),
    command!("synchronize", synchronize),
    question!("isQuiet", f => f.quiet),
    question!("isReadable", f => f.is_readable()),
    question!("isWritable", f => f.is_writable()),
    question!("isBinary", f => f.is_binary()),
    question!("isAutoSpacing", f => f.auto_spacing),
    question!("hasError", f => f.has_error()),
    question!("__tostring__", f => f.describe()),
    func!("position", &[form("f:object.File", any!(position))]),
    func!("seek", &[form("*f:object.File position:long", any!(seek))]),
    func!("close", &[form("f:object.File", any!(close))]),
    func!("discard", &[form("f:object.File", any!(discard))]),
    func!("readString", &[form("f:object.File format:str", any!(read_string))]),
    func!("writeString", &[form("f:object.File text:str", any!(write_string))]),
    func!("readBool", &[form("f:object.File", any!(read_bool))]),
    reader!("readByte", u8, "ByteStorage"),
    reader!("readChar", i8, "CharStorage"),
    reader!("readShort", i16, "ShortStorage"),
    reader!("readInt", i32, "IntStorage"),
    reader!("readLong", i64, "LongStorage"),
    reader!("readFloat", f32, "FloatStorage"),
    reader!("readDouble", f64, "DoubleStorage"),
    writer!("writeByte", u8, "ByteStorage"),
    writer!("writeChar", i8, "CharStorage"),
    writer!("writeShort", i16, "ShortStorage"),
    writer!("writeInt", i32, "IntStorage"),
    writer!("writeLong", i64, "LongStorage"),
    writer!("writeFloat", f32, "FloatStorage"),
    writer!("writeDouble", f64, "DoubleStorage"),
];

fn long_size(f: &FileHandle, n: i64) -> Result<()> {
    f.file().set_long_size(n)
}
fn is_little() -> Result<bool> {
    Ok(ByteOrder::NATIVE == ByteOrder::Little)
}
fn is_big() -> Result<bool> {
    Ok(ByteOrder::NATIVE == ByteOrder::Big)
}

/// Methods of files on disk and pipes.
pub static DISK: &[Op] = &[
    func!("longSize", &[form("*f:object.File n:long=0", any!(long_size))]),
    command!("noBuffer", no_buffer),
    switch!("nativeEndianEncoding", f => f.byte_order = ByteOrder::NATIVE),
    switch!("littleEndianEncoding", f => f.byte_order = ByteOrder::Little),
    switch!("bigEndianEncoding", f => f.byte_order = ByteOrder::Big),
    func!("isLittleEndianCPU", &[form("", any!(is_little)), form("f:object.File", any!(|_: &FileHandle| is_little()))]),
    func!("isBigEndianCPU", &[form("", any!(is_big)), form("f:object.File", any!(|_: &FileHandle| is_big()))]),
];

fn storage(f: &FileHandle) -> Result<Storage> {
    f.file().storage()
}

/// Methods of files in memory.
pub static MEMORY: &[Op] = &[
    func!("longSize", &[form("*f:object.File n:long=0", any!(long_size))]),
    func!("storage", &[form("f:object.File", any!(storage))]),
];

fn share(f: &FileHandle) -> Result<FileHandle> {
    Ok(f.clone())
}
fn read_number<T: Element + Primitive>(f: &FileHandle) -> Result<Answer<f64>> {
    Ok(Answer(read_one::<T>(f)))
}
fn write_number<T: Element + Primitive>(f: &FileHandle, value: T) -> Result<Answer<usize>> {
    Ok(Answer(f.file().write_one::<T>(value)))
}
/// An `int` and so many bytes; a new line behind them where text is spaced.
fn write_text(f: &FileHandle, text: &[u8]) -> Result<Answer<usize>> {
    let f = &mut *f.file();
    let mut write = || {
        f.write_one::<i32>(text.len() as i32)?;
        let n = f.write_string(text)?;
        if n > 0 && !f.is_binary() && f.auto_spacing {
            f.write_string(b"\n")?;
        }
        Ok(n)
    };
    Ok(Answer(write()))
}
fn read_bytes(f: &FileHandle, n: f64) -> Result<Answer<Vec<u8>>> {
    let (f, n) = (&mut *f.file(), n.max(0.0) as usize);
    Ok(Answer(match f.left() {
        Ok(Some(left)) if left < n as u64 => {
            Err(Error::invalid(format!("{n} bytes are announced and {left} are left")))
        }
        _ => f.read_vec::<u8>(n),
    }))
}
fn read_elements(f: &FileHandle, into: &Storage, n: f64) -> Result<Answer<usize>> {
    Ok(Answer(read_into(f, into, n)))
}
fn write_elements(f: &FileHandle, from: &Storage) -> Result<Answer<usize>> {
    Ok(Answer(write_storage(f, from)))
}
/// Bytes from the position to the end; nothing for a pipe.
fn left(f: &FileHandle) -> Result<Option<f64>> {
    Ok(f.file().left()?.map(|n| n as f64))
}
fn synchronize_open() -> Result<()> {
    synchronize_all();
    Ok(())
}

/// What the reading and writing of objects needs beyond methods: what fails gives nil and a message, to which the place
/// in the object is added.
pub static STREAM: &[Op] = &[
    func!("share", &[form("f:object.File", any!(share))]),
    func!("reading", &[form("storage:CharStorage", any!(reading))]),
    func!("readInt", &[form("f:object.File", any!(read_number::<i32>))]),
    func!("readLong", &[form("f:object.File", any!(read_number::<i64>))]),
    func!("readDouble", &[form("f:object.File", any!(read_number::<f64>))]),
    func!("readBytes", &[form("f:object.File n:num", any!(read_bytes))]),
    func!("readStorage", &[form("f:object.File into:storage n:num", any!(read_elements))]),
    func!("writeInt", &[form("f:object.File value:num", any!(write_number::<i32>))]),
    func!("writeLong", &[form("f:object.File value:num", any!(write_number::<i64>))]),
    func!("writeDouble", &[form("f:object.File value:num", any!(write_number::<f64>))]),
    func!("writeText", &[form("f:object.File text:str", any!(write_text))]),
    func!("writeStorage", &[form("f:object.File from:storage", any!(write_elements))]),
    func!("left", &[form("f:object.File", any!(left))]),
    func!("synchronizeAll", &[form("", any!(synchronize_open))]),
];
