//! Lists the Lua files under `lua/`, so that the binary carries them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn collect(dir: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "lua") {
            out.push(path);
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=lua");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("lua");
    let mut files = vec![];
    collect(&root, &mut files)?;
    files.sort();
    let mut text = String::from("&[\n");
    for f in &files {
        let rel = f.strip_prefix(&root).unwrap_or(f).with_extension("");
        let name = rel.to_string_lossy().replace(['/', '\\'], ".");
        let name = name.strip_suffix(".init").unwrap_or(&name);
        let _ = writeln!(text, "({name:?}, include_str!({:?})),", f.display().to_string());
    }
    text.push(']');
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("embedded.rs"), text)
}
