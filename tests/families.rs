//! A family carries one name in every tree: its kernels, its rows, its Lua file and its page of the manual.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the files and folders in a folder, without extension, except these.
fn names(folder: &str, except: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(root().join(folder))
        .expect("the folder is part of the repository")
        .filter_map(|e| e.ok()?.path().file_stem()?.to_str().map(String::from))
        .filter(|n| !except.contains(&n.as_str()))
        .collect();
    found.sort();
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Whether a file of this name, or a folder, exists.
fn stands(folder: &str, name: &str, extension: &str) -> bool {
    let place = root().join(folder).join(name);
    place.is_dir() || place.with_extension(extension).is_file()
}

/// The classes that a file of rows names.
fn classes(rows: &str) -> Vec<&str> {
    let mut found: Vec<&str> = rows
        .split('"')
        .filter_map(|piece| piece.strip_prefix("nn."))
        .filter(|name| name.chars().all(char::is_alphanumeric))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Families of kernels: what is in `src/nn` besides what several of them use, and what graphs run.
const SHARED: &[&str] = &["mod", "window", "vectors", "positions", "fusion", "gradient_tests"];

#[test]
fn families_of_nn_carry_one_name() {
    let families = names("src/nn", SHARED);
    assert_eq!(families, names("src/rows/nn", &["mod"]), "src/nn and src/rows/nn");
    for family in &families {
        assert!(stands("lua/nn", family, "lua"), "lua/nn has no {family}");
        let page = root().join("docs/nn").join(family).with_extension("md");
        let headings: String = text(&page).lines().filter(|l| l.starts_with("## ")).collect::<Vec<_>>().join(" ");
        let rows = text(&root().join("src/rows/nn").join(family).with_extension("rs"));
        assert!(!classes(&rows).is_empty() || family == "activation", "src/rows/nn/{family}.rs names no class");
        for class in classes(&rows) {
            let named = headings.split(|c: char| !c.is_alphanumeric() && c != '.').any(|w| w == format!("nn.{class}"));
            assert!(named, "docs/nn/{family}.md has no section about nn.{class}");
        }
    }
}

#[test]
fn families_of_torch_carry_one_name() {
    for family in names("src/rows/torch", &["mod"]) {
        assert!(stands("src/tensor/ops", &family, "rs"), "src/tensor/ops has no {family}");
        assert!(stands("docs/torch", &family, "md"), "docs/torch has no {family}");
    }
}
