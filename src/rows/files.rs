//! Package lfs: what it asks about files. Each gives what was asked for, or nil, and then a message and the system's
//! number of the error.

use crate::lua::call::IntoOne;
use crate::lua::prelude::*;
use crate::system::{self, files};
use std::io;

/// A value, or nil, a message about `what` and the system's number.
fn asked<T: IntoOne>(result: io::Result<T>, what: impl FnOnce() -> String) -> Result<Rets> {
    Ok(match result {
        Ok(v) => Rets::One(v.one()),
        Err(e) => {
            let text = format!("{}{}", what(), files::message(&e));
            Rets::Values(vec![Ret::Nil, text.one(), i64::from(e.raw_os_error().unwrap_or(0)).one()])
        }
    })
}
fn done(result: io::Result<()>, what: impl FnOnce() -> String) -> Result<Rets> {
    asked(result.map(|()| true), what)
}
fn plain() -> String {
    String::new()
}
fn about(before: &'static str, name: &[u8]) -> impl FnOnce() -> String {
    move || format!("{before} '{}': ", String::from_utf8_lossy(name))
}

/// The names of the numbers among a file's attributes, in their order.
fn names() -> Result<Vec<String>> {
    const NAMES: &str = "dev ino nlink uid gid rdev access modification change size blocks blksize";
    Ok(NAMES.split(' ').map(str::to_owned).collect())
}
/// The numbers, `mode`, `permissions` and, for a link, `target`, as a list.
fn attributes(name: &[u8], follow: bool) -> Result<Rets> {
    let list = files::attributes(name, follow).map(|a| {
        let mut list: Vec<Ret> = a.numbers.into_iter().map(Ret::Num).collect();
        list.extend([a.mode.to_owned().one(), a.permissions.one()]);
        list.extend(a.target.map(Ret::Str));
        Ret::List(list)
    });
    asked(list, about("cannot obtain information from file", name))
}
fn entries(dir: &[u8]) -> Result<Rets> {
    asked(files::names(dir), about("cannot open", dir))
}
fn change_dir(dir: &[u8]) -> Result<Rets> {
    done(files::change_dir(dir), || {
        format!("Unable to change working directory to '{}'\n", String::from_utf8_lossy(dir))
    })
}
fn current_dir() -> Result<Rets> {
    asked(system::cwd(), plain)
}
fn make_dir(dir: &[u8]) -> Result<Rets> {
    done(files::make_dir(dir), plain)
}
fn remove_dir(dir: &[u8]) -> Result<Rets> {
    done(files::remove_dir(dir), plain)
}
fn link(old: &[u8], new: &[u8], symbolic: bool) -> Result<Rets> {
    done(files::link(old, new, symbolic), plain)
}
fn touch(name: &[u8], access: f64, modification: f64) -> Result<Rets> {
    done(files::touch(name, access, modification), plain)
}

/// What package lfs is made from.
pub static ROWS: &[Op] = &[
    func!("names", &[form("", any!(names))]),
    func!("attributes", &[form("path:text follow:bool", any!(attributes))]),
    func!("entries", &[form("path:text", any!(entries))]),
    func!("chdir", &[form("path:text", any!(change_dir))]),
    func!("currentdir", &[form("", any!(current_dir))]),
    func!("mkdir", &[form("path:text", any!(make_dir))]),
    func!("rmdir", &[form("path:text", any!(remove_dir))]),
    func!("link", &[form("old:text new:text symbolic:bool", any!(link))]),
    func!("touch", &[form("path:text access:num modification:num", any!(touch))]),
];
