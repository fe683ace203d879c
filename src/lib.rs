//! Rekindle: Torch7, whole, in one binary.
//!
//! The main types are [`Host`], a Lua state that is a Torch7, and [`tensor::Tensor`], which programs in Rust share
//! with it.
//!
//! ```
//! let host = rekindle::Host::new()?;
//! let norm: f64 = host.eval("return torch.Tensor{3, 4}:norm()")?;
//! assert_eq!(norm, 5.0);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! - `fields`: fields of a module as one structure, for the row and the kernel.
//! - [`tensor`]: element types, storages, layouts, operations; knows neither Lua nor nn.
//! - `image`: kernels of the package image.
//! - `nn`: kernels of modules and criteria, functions over tensors.
//! - `optim`: steps of optimisation methods, likewise.
//! - `mpi`: many processes, over an MPI library that is found at run time.
//! - [`models`]: files of tensors and networks as other programs have them.
//! - [`lua`]: the boundary: signatures, matching, objects; names no operation.
//! - [`rows`]: what Lua can call, one declaration per call form.
//! - `notebook`: `th kernel`, what notebooks talk to.
//! - [`host`]: the Lua state with all of it, and the embedded Lua files.
//! - `atomic_file`: files that take another's place when they are whole.
//! - [`spans`]: spans of `tracing` around modules' calls, and the times that `th --profile` tells.
//! - `system`: files, processes and time for the packages paths and sys.
#[cfg(feature = "mimalloc")]
mod alloc;
#[forbid(unsafe_code)]
pub mod atomic_file;
#[forbid(unsafe_code)]
pub mod fields;
#[forbid(unsafe_code)]
pub mod formats;
#[forbid(unsafe_code)]
pub mod host;
#[forbid(unsafe_code)]
pub mod image;
pub mod lua;
#[forbid(unsafe_code)]
pub mod models;
pub mod mpi;
#[forbid(unsafe_code)]
pub mod nn;
#[cfg(all(feature = "jupyter", unix))]
#[forbid(unsafe_code)]
pub mod notebook;
#[forbid(unsafe_code)]
pub mod optim;
#[forbid(unsafe_code)]
pub mod repl;
#[forbid(unsafe_code)]
pub mod rows;
#[forbid(unsafe_code)]
pub mod shared;
#[forbid(unsafe_code)]
pub mod spans;
#[forbid(unsafe_code)]
pub mod system;
#[forbid(unsafe_code)]
pub mod t7;

pub mod tensor;

pub use host::Host;

/// The allocator of programs built with the crate's default features, Lua's own memory included.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: alloc::Mimalloc = alloc::Mimalloc;
