//! The kernel of notebooks with Jupyter's own frontends, where a Python has them (REKINDLE_JUPYTER, else python3).
#![cfg(all(unix, feature = "jupyter"))]

use std::path::PathBuf;
use std::process::{Command, Output};

/// What `tests/python/notebook.py` prints; nothing where a package is missing.
fn told(what: &[&str]) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let home = std::env::temp_dir().join(format!("rekindle-jupyter-{}-{}", what[0], std::process::id()));
    let prefix = home.join("env");
    let installed =
        Command::new(env!("CARGO_BIN_EXE_th")).args(["kernel", "install", "--prefix"]).arg(&prefix).output();
    assert!(installed.expect("th runs").status.success());
    let python = std::env::var("REKINDLE_JUPYTER").unwrap_or_else(|_| "python3".into());
    let mut run = Command::new(&python);
    run.arg(root.join("tests/python/notebook.py")).args(what).current_dir(&root);
    run.env("HOME", &home).env("JUPYTER_PATH", prefix.join("share/jupyter")).env("TREPL_HISTORY", home.join("history"));
    for name in ["JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "TREPLSTARTUP"] {
        run.env_remove(name);
    }
    let Ok(Output { status, stdout, stderr }) = run.output() else {
        println!("there is no {python}: Jupyter was not tried");
        return None;
    };
    std::fs::remove_dir_all(&home).ok();
    let out = String::from_utf8_lossy(&stdout).into_owned();
    if status.code() == Some(3) {
        println!("{python} is {}", out.trim());
        return None;
    }
    assert!(status.success(), "{what:?}: {out}\n{}", String::from_utf8_lossy(&stderr));
    Some(out)
}

#[test]
fn the_kernel_speaks_the_protocol() {
    told(&["protocol"]);
}

#[test]
fn a_console_runs_lines_and_gives_input() {
    told(&["console"]);
}

#[test]
fn the_notebooks_of_the_examples_run() {
    let Some(out) = told(&["run", "examples/notebooks/digits.ipynb"]) else { return };
    let right = out.lines().find_map(|l| l.strip_suffix(" % of the test digits are right")).expect("a share");
    assert!(right.parse::<f64>().expect("a number") > 88.0, "{out}");
    assert!(out.matches("image/png").count() >= 3 && out.matches("image/svg+xml").count() >= 2, "{out}");
}
