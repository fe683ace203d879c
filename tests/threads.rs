//! Results do not depend on the number of threads, in any family of kernels.

use std::path::Path;
use std::process::Command;

/// The families in a folder: its files, the folders in it, and those folders' files (`deep`), without the folders' own
/// files and tests.
fn families(folder: &Path, prefix: &str, deep: bool) -> Vec<String> {
    let mut names = vec![];
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        if stem == "mod" || stem == "tests" || stem.ends_with("_tests") {
            continue;
        }
        let name = format!("{prefix}/{stem}");
        if deep && path.is_dir() {
            names.extend(families(&path, &name, true));
        }
        names.push(name);
    }
    names.sort();
    // a folder beside the file of its name
    names.dedup();
    names
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut args = families(&root.join("src/tensor/ops"), "ops", false);
    args.extend(families(&root.join("src/nn"), "nn", true));
    args.extend(families(&root.join("src/optim"), "optim", false));
    let out = Command::new(env!("CARGO_BIN_EXE_th"))
        .arg(root.join("tests/lua/threads.lua"))
        .args(args)
        .output()
        .expect("th runs");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.contains("the same on 1, 2, 3 and 7 threads"), "{text}{}", String::from_utf8_lossy(&out.stderr));
}
