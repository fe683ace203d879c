//! What Lua programs ask of the operating system: files, folders, the process, the time. Plain functions over `std`;
//! [`lua`] gives them to Lua under the same names.

mod fs;
pub mod lua;
mod process;

pub use fs::{absolute, is_dir, is_file, list_dir, mkdir, name_bytes, path_from_bytes, remove_all, rmdir};
pub use process::{clock, cwd, execdir, home, sleep, tmpname, uname};
