//! What package `lfs` asks about files: attributes, folders, links and times. Names are bytes, as Lua has them.

use std::fs::{self, File, FileTimes, Metadata};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// A name of Lua's as a path.
#[cfg(unix)]
pub fn path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(name))
}
/// A name of Lua's as a path.
#[cfg(not(unix))]
pub fn path(name: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(name).into_owned())
}

/// A path as a name of Lua's.
#[cfg(unix)]
fn name(path: PathBuf) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    path.into_os_string().into_vec()
}
/// A path as a name of Lua's.
#[cfg(not(unix))]
fn name(path: PathBuf) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

/// What an error says, without Rust's remark about its number.
pub fn message(e: &io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The attributes of a file.
#[derive(Default)]
pub struct Attributes {
    /// `file`, `directory`, `link`, `socket`, `named pipe`, `char device`, `block device` or `other`.
    pub mode: &'static str,
    /// As `ls` writes them: `rwxr-xr-x`.
    pub permissions: String,
    /// dev, ino, nlink, uid, gid, rdev, access, modification, change, size, blocks, blksize; times are seconds since 1970.
    pub numbers: [f64; 12],
    /// What a symbolic link points to.
    pub target: Option<Vec<u8>>,
}

#[cfg(unix)]
fn described(m: &Metadata) -> Attributes {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let t = m.file_type();
    let kinds = [
        (t.is_file(), "file"),
        (t.is_dir(), "directory"),
        (t.is_symlink(), "link"),
        (t.is_socket(), "socket"),
        (t.is_fifo(), "named pipe"),
        (t.is_char_device(), "char device"),
        (t.is_block_device(), "block device"),
    ];
    let mode = kinds.into_iter().find(|(is, _)| *is).map_or("other", |(_, kind)| kind);
    let bits = m.mode();
    let permissions = (0..9).map(|i| if bits >> (8 - i) & 1 == 1 { ['r', 'w', 'x'][i % 3] } else { '-' }).collect();
    let numbers = [
        m.dev() as f64,
        m.ino() as f64,
        m.nlink() as f64,
        f64::from(m.uid()),
        f64::from(m.gid()),
        m.rdev() as f64,
        m.atime() as f64,
        m.mtime() as f64,
        m.ctime() as f64,
        m.size() as f64,
        m.blocks() as f64,
        m.blksize() as f64,
    ];
    Attributes { mode, permissions, numbers, target: None }
}

#[cfg(not(unix))]
fn described(m: &Metadata) -> Attributes {
    let since = |t: io::Result<std::time::SystemTime>| {
        t.ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0.0, |d| d.as_secs() as f64)
    };
    let mode = if m.is_dir() { "directory" } else { "file" };
    let permissions = if m.permissions().readonly() { "r-xr-xr-x" } else { "rwxrwxrwx" }.to_owned();
    let (access, modification) = (since(m.accessed()), since(m.modified()));
    let numbers = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, access, modification, since(m.created()), m.len() as f64, 0.0, 0.0];
    Attributes { mode, permissions, numbers, target: None }
}

/// The attributes of a file, or of a symbolic link itself.
///
/// # Errors
/// A file that is not there or cannot be asked.
pub fn attributes(file: &[u8], follow: bool) -> io::Result<Attributes> {
    let path = path(file);
    if follow {
        return Ok(described(&fs::metadata(path)?));
    }
    let mut found = described(&fs::symlink_metadata(&path)?);
    if found.mode == "link" {
        found.target = Some(name(fs::read_link(path)?));
    }
    Ok(found)
}

/// The names in a folder, `.` and `..` first.
///
/// # Errors
/// A folder that is not there or cannot be read.
pub fn names(dir: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let mut names = vec![b".".to_vec(), b"..".to_vec()];
    for entry in fs::read_dir(path(dir))? {
        names.push(name(entry?.file_name().into()));
    }
    Ok(names)
}

/// Makes a folder the working one.
///
/// # Errors
/// A folder that is not there or may not be entered.
pub fn change_dir(dir: &[u8]) -> io::Result<()> {
    std::env::set_current_dir(path(dir))
}

/// Makes a folder.
///
/// # Errors
/// One that is there, or whose parent is not.
pub fn make_dir(dir: &[u8]) -> io::Result<()> {
    fs::create_dir(path(dir))
}

/// Removes an empty folder.
///
/// # Errors
/// One that is not there or not empty.
pub fn remove_dir(dir: &[u8]) -> io::Result<()> {
    fs::remove_dir(path(dir))
}

/// Makes a hard or a symbolic link.
///
/// # Errors
/// A name that is there, or a file that is not.
pub fn link(old: &[u8], new: &[u8], symbolic: bool) -> io::Result<()> {
    if !symbolic {
        return fs::hard_link(path(old), path(new));
    }
    #[cfg(unix)]
    return std::os::unix::fs::symlink(path(old), path(new));
    #[cfg(not(unix))]
    Err(io::Error::new(io::ErrorKind::Unsupported, "symbolic links are not supported on this system"))
}

/// Sets the times of last access and modification, in seconds since 1970.
///
/// # Errors
/// A file that is not there or of somebody else.
pub fn touch(file: &[u8], access: f64, modification: f64) -> io::Result<()> {
    let time = |seconds: f64| {
        let d = Duration::try_from_secs_f64(seconds.abs()).ok();
        let t = d.and_then(|d| if seconds < 0.0 { UNIX_EPOCH.checked_sub(d) } else { UNIX_EPOCH.checked_add(d) });
        t.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such time"))
    };
    let times = FileTimes::new().set_accessed(time(access)?).set_modified(time(modification)?);
    let path = path(file);
    // a folder can only be opened for reading
    let opened = File::open(&path).or_else(|e| fs::OpenOptions::new().write(true).open(&path).map_err(|_| e))?;
    opened.set_times(times)
}
