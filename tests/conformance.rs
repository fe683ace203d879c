//! Runs the conformance suite through the built binary, one process per area, and checks that every case listed in
//! `tests/passing.txt` still passes. The list only grows: `UPDATE_PASSING=1 cargo test --release --test conformance`
//! adds what passes now.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names of all areas, from the case files.
fn areas() -> Vec<String> {
    let dir = root().join("tests/conformance/cases");
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("the cases are part of the repository")
        .filter_map(|e| e.ok()?.path().file_stem()?.to_str().map(String::from))
        .collect();
    names.sort();
    names
}

/// What passes in one area with the instructions of a level, as `area/case`. Cases of an area that kills the process
/// count as failed.
fn passing(area: &str, level: &str, scratch: &Path) -> Vec<String> {
    let out = Command::new(env!("CARGO_BIN_EXE_th"))
        .env("REKINDLE_SIMD", level)
        .arg(root().join("tests/conformance/run.lua"))
        .args(["-v", area])
        .current_dir(scratch)
        .output()
        .expect("th runs");
    let text = String::from_utf8_lossy(&out.stdout);
    let ok = text.lines().filter_map(|l| l.strip_prefix("ok   ")).map(String::from).collect();
    if !text.trim_end().ends_with("failed") {
        println!("{area}: did not reach its end: {}", String::from_utf8_lossy(&out.stderr));
    }
    ok
}

/// The cases on the list.
fn listed() -> BTreeSet<String> {
    std::fs::read_to_string(root().join("tests/passing.txt")).unwrap_or_default().lines().map(String::from).collect()
}

/// What passes in these areas.
fn passing_in(areas: Vec<String>, level: &str) -> BTreeSet<String> {
    let scratch = std::env::temp_dir().join(format!("rekindle-conformance-{level}-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a scratch folder");
    let queue = Mutex::new(areas);
    let found = Mutex::new(BTreeSet::new());
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                loop {
                    let next = queue.lock().expect("no worker panics").pop();
                    let Some(area) = next else { break };
                    let ok = passing(&area, level, &scratch);
                    found.lock().expect("no worker panics").extend(ok);
                }
            });
        }
    });
    std::fs::remove_dir_all(&scratch).ok();
    found.into_inner().expect("no worker panics")
}

#[test]
fn listed_cases_pass() {
    let (listed, found) = (listed(), passing_in(areas(), "best"));
    let lost: Vec<&String> = listed.difference(&found).collect();
    println!("{} passed, {} failed", listed.len() - lost.len(), lost.len());
    if std::env::var_os("UPDATE_PASSING").is_some() {
        let all: Vec<&str> = listed.union(&found).map(String::as_str).collect();
        std::fs::write(root().join("tests/passing.txt"), all.join("\n") + "\n").expect("the list can be written");
    }
    assert!(lost.is_empty(), "cases that passed before and fail now: {lost:#?}");
    assert!(!listed.is_empty() || !found.is_empty(), "no case passed");
}

/// The loops compiled for lesser processors give what the case files want too.
#[test]
fn listed_cases_pass_on_lesser_processors() {
    let numeric = |area: &&String| ["torch_", "math_", "nn_activation"].iter().any(|head| area.starts_with(head));
    let areas: Vec<String> = areas().iter().filter(numeric).cloned().collect();
    let of_areas = |case: &&String| areas.iter().any(|a| case.split_once('/').is_some_and(|(area, _)| area == a));
    let listed: BTreeSet<String> = listed().iter().filter(of_areas).cloned().collect();
    assert!(listed.len() > 1000, "{} cases", listed.len());
    for level in ["base", "avx2"] {
        let found = passing_in(areas.clone(), level);
        let lost: Vec<&String> = listed.difference(&found).collect();
        assert!(lost.is_empty(), "cases that fail with the instructions of level {level}: {lost:#?}");
    }
}
