//! All that Lua can call, as rows: nothing but declarations. See `docs/rows.md`.

pub mod embedded;
pub mod file;
pub mod files;
pub mod formats;
pub mod fusion;
#[cfg(feature = "hdf5")]
pub mod hdf5;
pub mod help;
pub mod image;
pub mod ipc;
pub mod models;
pub mod mpi;
pub mod nn;
pub mod onnx;
pub mod optim;
pub mod plot;
pub mod shared;
pub mod spans;
pub mod state;
pub mod system;
pub mod tables;
pub mod torch;

use crate::lua::call::{Class, Op};
use crate::lua::table::Dispatch;

/// Every operation of package torch.
pub fn ops() -> impl Iterator<Item = &'static Op> {
    torch::ALL.iter().flat_map(|rows| rows.iter())
}

/// Functions beyond those of tensors and storages.
pub struct Package {
    /// The table of natives that holds them.
    pub table: &'static str,
    /// What stands before their names in messages and in the help.
    pub prefix: &'static str,
    /// How the element type of a call is found.
    pub dispatch: Dispatch,
    /// They.
    pub rows: &'static [Op],
}

const fn package(table: &'static str, prefix: &'static str, dispatch: Dispatch, rows: &'static [Op]) -> Package {
    Package { table, prefix, dispatch, rows }
}

/// The functions of other packages, the methods of objects, and what the embedded Lua files need.
pub fn functions() -> &'static [Package] {
    const LIST: &[Package] = &[
        package("image", "image", Dispatch::Package, image::ROWS),
        package("image.tensor", "image", Dispatch::Package, image::TENSORS),
        package("image.part", "image", Dispatch::Package, image::PARTS),
        package("optim", "optim", Dispatch::Package, optim::ROWS),
        package("fusion", "nn.gModule", Dispatch::Package, fusion::ROWS),
        package("fusion.programs", "nn.gModule", Dispatch::Untyped, fusion::PROGRAMS),
        package("paths", "paths", Dispatch::Untyped, system::PATHS),
        package("sys", "sys", Dispatch::Untyped, system::SYS),
        package("system", "system", Dispatch::Untyped, system::PARTS),
        package("formats", "formats", Dispatch::Untyped, formats::ROWS),
        package("models", "rekindle.models", Dispatch::Untyped, models::ROWS),
        package("models.Entries", "rekindle.models", Dispatch::Object, models::ENTRIES),
        #[cfg(feature = "hdf5")]
        package("hdf5", "hdf5", Dispatch::Untyped, hdf5::CONSTRUCTORS),
        #[cfg(feature = "hdf5")]
        package("hdf5.Handle", "hdf5", Dispatch::Object, hdf5::FILE),
        package("lfs", "lfs", Dispatch::Untyped, files::ROWS),
        package("files", "torch", Dispatch::Object, file::CONSTRUCTORS),
        package("torch.File", "torch.File", Dispatch::Object, file::FILE),
        package("torch.DiskFile", "torch.DiskFile", Dispatch::Object, file::DISK),
        package("torch.MemoryFile", "torch.MemoryFile", Dispatch::Object, file::MEMORY),
        package("stream", "stream", Dispatch::Object, file::STREAM),
        package("spans", "spans", Dispatch::Object, spans::ROWS),
        package("onnx", "onnx", Dispatch::Object, onnx::ROWS),
        package("plot", "gnuplot", Dispatch::Untyped, plot::ROWS),
        package("terminal", "pictures", Dispatch::Untyped, plot::TERMINAL),
        package("tds", "tds", Dispatch::Untyped, shared::CONSTRUCTORS),
        package("tds.Hash", "tds.Hash", Dispatch::Object, shared::HASH),
        package("tds.Vec", "tds.Vec", Dispatch::Object, shared::VEC),
        package("tds.AtomicCounter", "tds.AtomicCounter", Dispatch::Object, shared::COUNTER),
        package("threads", "threads", Dispatch::Untyped, shared::THREADS),
        package("threads.Mutex", "threads.Mutex", Dispatch::Object, shared::MUTEX),
        package("threads.Condition", "threads.Condition", Dispatch::Object, shared::CONDITION),
        package("threads.Channel", "threads.Channel", Dispatch::Object, shared::CHANNEL),
        package("threads.Thread", "threads.Thread", Dispatch::Object, shared::THREAD),
        package("mpi", "torchmpi", Dispatch::Untyped, mpi::ROWS),
        package("mpi.tensor", "torchmpi", Dispatch::Package, mpi::TENSORS),
        package(mpi::HANDLE, "torchmpi.Handle", Dispatch::Object, mpi::HANDLES),
        package("ipc", "ipc", Dispatch::Untyped, ipc::ROWS),
        package("ipc.channel", "ipc.channel", Dispatch::Object, ipc::MAILBOX),
        package("ipc.mutex", "ipc.mutex", Dispatch::Object, ipc::GATE),
        package("ipc.sharedtable", "ipc.sharedtable", Dispatch::Object, ipc::TABLE),
        package("ipc.marshal", "ipc.marshal", Dispatch::Object, ipc::PARCEL),
        package("ipc.connection", "ipc", Dispatch::Object, ipc::CONNECTION),
        package("ipc.listener", "ipc.server", Dispatch::Object, ipc::LISTENER),
        package("ipc.process", "ipc.spawn", Dispatch::Object, ipc::PROCESS),
        package("ipc.flock", "ipc.flock", Dispatch::Object, ipc::LOCKED),
        package("state", "torch", Dispatch::Untyped, state::ROWS),
        package("embedded", "embedded", Dispatch::Untyped, embedded::ROWS),
        package("help", "help", Dispatch::Untyped, help::ROWS),
    ];
    LIST
}

/// The classes of objects that rows hand out, besides tensors, storages and generators.
pub fn object_classes() -> &'static [&'static str] {
    &[
        "torch.DiskFile",
        "torch.MemoryFile",
        "torch.PipeFile",
        spans::CALL,
        fusion::PROGRAM,
        models::ENTRIES_CLASS,
        #[cfg(feature = "hdf5")]
        hdf5::CLASS,
        onnx::MODEL,
        "tds.Hash",
        "tds.Vec",
        "tds.AtomicCounter",
        "threads.Mutex",
        "threads.Condition",
        "threads.Channel",
        "threads.Thread",
        mpi::HANDLE,
        mpi::SHARDS,
        "ipc.channel",
        "ipc.mutex",
        "ipc.sharedtable",
        "ipc.marshal",
        "ipc.connection",
        "ipc.listener",
        "ipc.process",
        "ipc.flock",
    ]
}

/// Every class with Rust methods.
pub fn classes() -> impl Iterator<Item = &'static Class> {
    nn::ALL.iter().flat_map(|rows| rows.iter())
}

/// The forms of `torch.DoubleTensor(...)`.
pub fn tensor_constructor() -> &'static Op {
    &torch::construct::TENSOR
}
/// The forms of `torch.DoubleStorage(...)`.
pub fn storage_constructor() -> &'static Op {
    &torch::construct::STORAGE
}
