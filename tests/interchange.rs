//! Files of other programs, by those programs: what `th` writes is read in Python and the other way around. Python is
//! asked by the variable PYTHON, else `python3`; where it or its packages are not there, the test says so and passes.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn python() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".into())
}

/// Whether Python has a package.
fn has(package: &str) -> bool {
    Command::new(python()).args(["-c", &format!("import {package}")]).output().is_ok_and(|o| o.status.success())
}

fn run(command: &mut Command) -> String {
    let out = command.output().expect("the program starts");
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{command:?}\n{text}");
    text
}

fn exchange(dir: &Path, formats: &str) {
    let th = |step: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_th"));
        command.arg(root().join("tests/lua/interchange.lua")).arg(step).arg(dir).arg(formats);
        run(&mut command)
    };
    th("write");
    run(Command::new(python()).arg(root().join("tests/python/interchange.py")).arg(dir).arg(formats));
    th("read");
}

#[test]
fn files_pass_between_th_and_python() {
    let dir = std::env::temp_dir().join(format!("rekindle-interchange-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    // what each format needs besides numpy
    let needs =
        [("npz", "numpy"), ("pth", "torch"), ("safetensors", "safetensors"), ("h5", "h5py"), ("mat", "scipy.io")];
    let (mut there, mut missing) = (vec![], vec![]);
    for (format, package) in needs {
        if has("numpy") && has(package) && (format != "h5" || cfg!(feature = "hdf5")) {
            there.push(format);
        } else {
            missing.push(format!("{format} ({package})"));
        }
    }
    if !missing.is_empty() {
        eprintln!("SKIPPED with {}: {}", python(), missing.join(", "));
    }
    if !there.is_empty() {
        exchange(&dir, &there.join(","));
    }
    std::fs::remove_dir_all(&dir).ok();
}
