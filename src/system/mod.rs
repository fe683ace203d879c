//! What `paths` and `sys` need from the operating system, over the standard library alone.

pub mod files;
pub mod process;

use std::io::IsTerminal;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, io, thread};

/// Whether `path` is a directory.
pub fn is_dir(path: &str) -> bool {
    Path::new(path).is_dir()
}

/// Whether `path` exists and is not a directory.
pub fn is_file(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|m| !m.is_dir())
}

/// The names in a directory, `.` and `..` first.
pub fn list_dir(path: &str) -> io::Result<Vec<String>> {
    let mut names = vec![".".to_owned(), "..".to_owned()];
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Removes a file, or a directory with all that is in it; a symbolic link is removed, not followed.
pub fn remove_all(path: &str) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// The working directory.
pub fn cwd() -> io::Result<String> {
    Ok(env::current_dir()?.to_string_lossy().into_owned())
}

/// The name of the operating system as `uname` gives it.
pub fn uname() -> &'static str {
    match env::consts::OS {
        "linux" => "Linux",
        "macos" => "Darwin",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        other => other,
    }
}

/// Whether the standard output is a terminal.
pub fn writes_to_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns, rows, width and height in pixels of the terminal that the standard output is; 0 for what is not known.
pub fn terminal_size() -> [u16; 4] {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(io::stdout()) {
        return [size.ws_col, size.ws_row, size.ws_xpixel, size.ws_ypixel];
    }
    [0; 4]
}

/// The name of a file in the temporary directory that does not exist.
pub fn tmpname() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let stamp = clock().to_bits() & 0xff_ffff;
        let path = env::temp_dir().join(format!("lua_{:x}_{stamp:06x}_{n:x}", std::process::id()));
        if fs::symlink_metadata(&path).is_err() {
            return path.to_string_lossy().into_owned();
        }
    }
}

/// The directory of the running program.
pub fn execdir() -> Option<String> {
    Some(env::current_exe().ok()?.parent()?.to_string_lossy().into_owned())
}

/// The home directory of the user.
pub fn home() -> Option<String> {
    env::var_os("HOME").or_else(|| env::var_os("USERPROFILE")).map(|h| h.to_string_lossy().into_owned())
}

/// Seconds since 1970.
pub fn clock() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// Seconds since the first call, by a clock that nobody sets.
pub fn monotonic() -> f64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Waits for so many seconds; not at all where that is no time to wait for.
pub fn sleep(seconds: f64) {
    if let Ok(d) = Duration::try_from_secs_f64(seconds) {
        thread::sleep(d);
    }
}

/// Joins names to an absolute one, resolving `.` and `..` by name; a name that is absolute starts anew.
pub fn absolute<S: AsRef<str>>(parts: &[S]) -> io::Result<String> {
    let mut path = env::current_dir()?;
    for part in parts {
        let mut next = PathBuf::from(&path);
        for component in Path::new(part.as_ref()).components() {
            match component {
                Component::Prefix(_) | Component::RootDir => next.push(component.as_os_str()),
                Component::CurDir => {}
                Component::ParentDir => {
                    next.pop();
                }
                Component::Normal(name) => next.push(name),
            }
        }
        path = next;
    }
    Ok(path.to_string_lossy().into_owned())
}
