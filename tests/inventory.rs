//! Every name of Torch7's packages answers, or stands in `docs/differences.md` with the reason why it does not.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names that the page of differences gives as absent: words in backticks under the heading.
fn excused() -> BTreeSet<String> {
    let page = std::fs::read_to_string(root().join("docs/differences.md")).expect("the page is there");
    let part = page.split("## Names that are not there").nth(1).expect("the page lists absent names");
    let part = part.split("\n## ").next().unwrap_or_default();
    part.split('`').skip(1).step_by(2).map(String::from).collect()
}

/// Whether a name is excused, by itself or by an entry with a star in it.
fn fits(name: &str, entry: &str) -> bool {
    match entry.split_once('*') {
        Some((head, tail)) => name.starts_with(head) && name.ends_with(tail),
        None => name == entry,
    }
}

/// The names of a list that `th` does not know.
fn missing(list: &str) -> BTreeSet<String> {
    let out = Command::new(env!("CARGO_BIN_EXE_th"))
        .args(["tests/lua/names.lua", list])
        .current_dir(root())
        .output()
        .expect("th runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    let count = text.lines().last().and_then(|l| l.strip_suffix(" names")?.parse::<usize>().ok());
    assert!(out.status.success() && count.is_some_and(|n| n > 0), "{text}{err}");
    text.lines().filter_map(|l| l.strip_prefix("missing ")).map(String::from).collect()
}

#[test]
fn names_of_torch_answer() {
    let (missing, excused) = (missing("tests/data/torch_names.txt"), excused());
    let lost: Vec<_> = missing.iter().filter(|n| !excused.iter().any(|e| fits(n, e))).collect();
    assert!(lost.is_empty(), "neither there nor in docs/differences.md: {lost:#?}");
    let there: Vec<_> =
        excused.iter().filter(|e| e.starts_with("torch.") && !missing.iter().any(|n| fits(n, e))).collect();
    assert!(there.is_empty(), "docs/differences.md calls these absent, and they are there: {there:#?}");
}
