//! Results do not depend on the number of threads, in any family of kernels.

use std::path::Path;
use std::process::Command;

/// The families in a folder: its files and the folders in it, without the folder's own file and tests.
fn families(root: &Path, folder: &str, prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root.join(folder))
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(String::from))
        .filter(|stem| stem != "mod" && stem != "tests" && !stem.ends_with("_tests"))
        .map(|stem| format!("{prefix}/{stem}"))
        .collect();
    names.sort();
    // a folder beside the file of its name
    names.dedup();
    names
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut args = families(root, "src/tensor/ops", "ops");
    args.extend(families(root, "src/nn", "nn"));
    let out = Command::new(env!("CARGO_BIN_EXE_th"))
        .arg(root.join("tests/lua/threads.lua"))
        .args(args)
        .output()
        .expect("th runs");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.contains("the same on 1, 2, 3 and 7 threads"), "{text}{}", String::from_utf8_lossy(&out.stderr));
}
