//! Lists the Lua files under `lua/` and the pages of the manual under `docs/`, so that the binary carries them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn collect(dir: &Path, extension: &str, out: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, extension, out)?;
        } else if path.extension().is_some_and(|e| e == extension) {
            out.push(path);
        }
    }
    Ok(())
}

/// Writes a slice of names and contents: every file with this extension in these parts of a folder, named by its
/// path with dots.
fn embed(folder: &str, parts: &[&str], extension: &str, list: &str) -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(folder);
    let mut files = vec![];
    for part in parts {
        println!("cargo:rerun-if-changed={folder}/{part}");
        collect(&root.join(part), extension, &mut files)?;
    }
    files.sort();
    let mut text = String::from("&[\n");
    for f in &files {
        let rel = f.strip_prefix(&root).unwrap_or(f).with_extension("");
        let name = rel.to_string_lossy().replace(['/', '\\'], ".");
        let name = name.strip_suffix(".init").unwrap_or(&name);
        let _ = writeln!(text, "({name:?}, include_str!({:?})),", f.display().to_string());
    }
    text.push(']');
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join(list), text)
}

fn main() -> io::Result<()> {
    println!("cargo:rustc-env=REKINDLE_TARGET={}", env::var("TARGET").unwrap_or_default());
    // libraries written in C for Lua find Lua's functions in the program that loads them
    if env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|f| f == "unix") {
        println!("cargo:rustc-link-arg-bins=-rdynamic");
    }
    embed("lua", &[""], "lua", "embedded.rs")?;
    // the other pages of docs/ are for whoever changes the program
    embed("docs", &["torch", "nn", "optim", "image"], "md", "manual.rs")
}
