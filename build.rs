//! Compiles the Lua files under `lua/` and lists the pages of the manual under `docs/`, so that the binary carries them.

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

/// Every file with this extension in these parts of a folder, by a name: its path with dots.
fn files(folder: &str, parts: &[&str], extension: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(folder);
    let mut files = vec![];
    for part in parts {
        println!("cargo:rerun-if-changed={folder}/{part}");
        collect(&root.join(part), extension, &mut files)?;
    }
    files.sort();
    let named = |f: PathBuf| {
        let rel = f.strip_prefix(&root).unwrap_or(&f).with_extension("");
        let name = rel.to_string_lossy().replace(['/', '\\'], ".");
        (name.strip_suffix(".init").unwrap_or(&name).to_string(), f)
    };
    Ok(files.into_iter().map(named).collect())
}

/// Writes a slice of names and contents, each included by a macro.
fn list(to: &str, macro_name: &str, files: &[(String, PathBuf)]) -> io::Result<()> {
    let mut text = String::from("&[\n");
    for (name, path) in files {
        let _ = writeln!(text, "({name:?}, {macro_name}!({:?})),", path.display().to_string());
    }
    text.push(']');
    fs::write(out_dir().join(to), text)
}

fn out_dir() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default())
}

/// Compiles Lua files: to read their text takes half of the time in which a program starts. Names of files and lines stay
/// in them, and the code is the same for all processors with 64 bits.
fn compile(files: &[(String, PathBuf)]) -> io::Result<Vec<(String, PathBuf)>> {
    let lua = mlua::Lua::new();
    let folder = out_dir().join("lua");
    fs::create_dir_all(&folder)?;
    let one = |(name, path): &(String, PathBuf)| {
        let shown = name.strip_prefix("packages.").unwrap_or(name).replace('.', "/");
        let chunk = lua.load(fs::read(path)?).set_name(format!("={shown}.lua"));
        let compiled = chunk.into_function().map_err(|e| io::Error::other(format!("{}: {e}", path.display())))?;
        let to = folder.join(format!("{name}.bytecode"));
        fs::write(&to, compiled.dump(false))?;
        Ok((name.clone(), to))
    };
    files.iter().map(one).collect()
}

fn main() -> io::Result<()> {
    println!("cargo:rustc-env=REKINDLE_TARGET={}", env::var("TARGET").unwrap_or_default());
    // libraries written in C for Lua find Lua's functions in the program that loads them
    if env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|f| f == "unix") {
        println!("cargo:rustc-link-arg-bins=-rdynamic");
    }
    list("embedded.rs", "include_bytes", &compile(&files("lua", &[""], "lua")?)?)?;
    // the other pages of docs/ are for whoever changes the program
    list("manual.rs", "include_str", &files("docs", &["torch", "nn", "optim", "image", "gnuplot"], "md")?)?;
    let mut pictures = files("docs", &["pictures"], "svg")?;
    pictures.extend(files("docs", &["pictures"], "png")?);
    list("pictures.rs", "include_bytes", &pictures)
}
