//! Packages paths and sys: what they ask of the operating system. What fails there gives nil and a message.

use crate::lua::prelude::*;
use crate::system;
use crate::tensor::interruption;
use std::{fs, io};

type Asked<T> = Result<Answer<T>>;

fn asked<T>(result: io::Result<T>) -> Asked<T> {
    Ok(Answer(result.map_err(|e| Error::invalid(e.to_string()))))
}
fn concat(parts: Vec<&str>) -> Asked<String> {
    asked(system::absolute(&parts))
}
fn concat_none() -> Asked<String> {
    asked(system::absolute::<&str>(&[]))
}
fn is_file(path: &str) -> Result<bool> {
    Ok(system::is_file(path))
}
fn is_dir(path: &str) -> Result<bool> {
    Ok(system::is_dir(path))
}
fn make_dir(path: &str) -> Asked<bool> {
    // with the folders above it; what is wrong with these is wrong with the folder too
    if let Some(above) = std::path::Path::new(path).parent() {
        let _ = fs::create_dir_all(above);
    }
    asked(fs::create_dir(path).map(|()| true))
}
fn remove_dir(path: &str) -> Asked<bool> {
    asked(fs::remove_dir(path).map(|()| true))
}
fn remove_all(path: &str) -> Asked<bool> {
    asked(system::remove_all(path).map(|()| true))
}
fn list(path: &str) -> Asked<Vec<String>> {
    asked(system::list_dir(path))
}
fn cwd() -> Asked<String> {
    asked(system::cwd())
}
fn executable_dir() -> Result<Option<String>> {
    Ok(system::execdir())
}
fn temporary_name() -> Result<String> {
    Ok(system::tmpname())
}
fn operating_system() -> Result<String> {
    Ok(system::uname().into())
}
fn home() -> Result<Option<String>> {
    Ok(system::home())
}

/// Functions of package paths.
pub static PATHS: &[Op] = &[
    func!("concat", &[form("", any!(concat_none)), form("parts:texts", any!(concat))]),
    func!("filep", &[form("path:text", any!(is_file))]),
    func!("dirp", &[form("path:text", any!(is_dir))]),
    func!("mkdir", &[form("path:text", any!(make_dir))]),
    func!("rmdir", &[form("path:text", any!(remove_dir))]),
    func!("dir", &[form("path:text", any!(list))]),
    func!("cwd", &[form("", any!(cwd))]),
    func!("execdir", &[form("", any!(executable_dir))]),
    func!("tmpname", &[form("", any!(temporary_name))]),
    func!("uname", &[form("", any!(operating_system))]),
];

fn monotonic() -> Result<f64> {
    Ok(system::monotonic())
}

/// What package paths and the profiler are made from.
pub static PARTS: &[Op] = &[
    func!("removeAll", &[form("path:text", any!(remove_all))]),
    func!("home", &[form("", any!(home))]),
    func!("monotonic", &[form("", any!(monotonic))]),
];

fn clock() -> Result<f64> {
    Ok(system::clock())
}
fn sleep(seconds: f64) -> Result<()> {
    const SLICE: f64 = 0.02;
    let end = system::monotonic() + seconds;
    if seconds <= SLICE {
        system::sleep(seconds);
        return Ok(());
    }
    loop {
        let left = end - system::monotonic();
        if left <= 0.0 || left.is_nan() {
            return Ok(());
        }
        system::sleep(left.min(SLICE));
        // Ctrl-C
        interruption::check()?;
    }
}
fn sleep_micro(microseconds: f64) -> Result<()> {
    sleep(microseconds * 1e-6)
}

/// Functions of package sys.
pub static SYS: &[Op] = &[
    func!("clock", &[form("", any!(clock))]),
    func!("sleep", &[form("seconds:num", any!(sleep))]),
    func!("usleep", &[form("microseconds:num", any!(sleep_micro))]),
];
