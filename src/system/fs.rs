//! Files and folders. Names are bytes in Lua and need not be UTF-8, so everything takes and gives paths.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

/// A path from the bytes of a Lua string.
#[cfg(unix)]
#[must_use]
pub fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// A path from the bytes of a Lua string.
#[cfg(not(unix))]
#[must_use]
pub fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// The bytes of a file name, for a Lua string.
#[cfg(unix)]
#[must_use]
pub fn name_bytes(name: &OsStr) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    name.as_bytes().to_vec()
}

/// The bytes of a file name, for a Lua string.
#[cfg(not(unix))]
#[must_use]
pub fn name_bytes(name: &OsStr) -> Vec<u8> {
    name.to_string_lossy().into_owned().into_bytes()
}

/// Whether `path` is a folder, or a link to one.
#[must_use]
pub fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

/// Whether `path` is a regular file, or a link to one.
#[must_use]
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// The names in a folder, `.` and `..` first as Torch7 lists them too; `None` where it cannot be read.
#[must_use]
pub fn list_dir(path: &Path) -> Option<Vec<OsString>> {
    let mut names = vec![OsString::from("."), OsString::from("..")];
    for entry in fs::read_dir(path).ok()? {
        names.push(entry.ok()?.file_name());
    }
    Some(names)
}

fn told(result: io::Result<()>, path: &Path) -> Result<(), String> {
    result.map_err(|e| format!("{}: {e}", path.display()))
}

/// Makes one folder; its parent must exist.
///
/// # Errors
/// What the system says, with the name.
pub fn mkdir(path: &Path) -> Result<(), String> {
    told(fs::create_dir(path), path)
}

/// Removes one empty folder.
///
/// # Errors
/// What the system says, with the name.
pub fn rmdir(path: &Path) -> Result<(), String> {
    told(fs::remove_dir(path), path)
}

/// Removes a file, a link (never what it points to), or a folder with everything in it.
///
/// # Errors
/// What the system says, with the name.
pub fn remove_all(path: &Path) -> Result<(), String> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) => return Err(format!("{}: {e}", path.display())),
    };
    told(if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }, path)
}

/// `path` from the root, without `.` and `..`, resolved by name only: it need not exist, and links are not followed.
///
/// # Errors
/// When the current folder is gone and `path` is relative to it.
pub fn absolute(path: &Path) -> Result<PathBuf, String> {
    let full = if path.is_absolute() { path.to_path_buf() } else { super::cwd()?.join(path) };
    let mut out = PathBuf::new();
    for part in full.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> PathBuf {
        let root = super::super::tmpname();
        assert!(mkdir(&root).is_ok());
        root
    }

    #[test]
    fn folders_are_made_listed_and_removed() {
        let root = fresh();
        let sub = root.join("sub");
        assert!(mkdir(&sub).is_ok() && is_dir(&sub) && !is_file(&sub));
        assert!(mkdir(&sub).is_err());
        assert!(fs::write(sub.join("file"), "text").is_ok() && is_file(&sub.join("file")));
        let names = list_dir(&sub).unwrap_or_default();
        assert_eq!(names.len(), 3);
        assert!(names.contains(&OsString::from("..")) && names.contains(&OsString::from("file")));
        assert!(rmdir(&sub).is_err(), "it is not empty");
        assert!(remove_all(&root).is_ok() && !is_dir(&root));
        assert!(list_dir(&root).is_none() && remove_all(&root).is_err());
    }

    #[test]
    fn names_are_resolved_without_looking() {
        assert_eq!(absolute(Path::new("/a/./b/../c")), Ok(PathBuf::from("/a/c")));
        assert_eq!(absolute(Path::new("/../..")), Ok(PathBuf::from("/")));
        assert_eq!(absolute(Path::new("x")), super::super::cwd().map(|d| d.join("x")));
    }
}
