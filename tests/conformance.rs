//! Runs the conformance suite through the built binary, one process per area (`tests/lua/conformance.lua`). Every case is
//! pinned: `tests/passing.txt` lists those that pass, `tests/failing.txt` those that fail, with the family of the reason
//! behind a tab. A case on the first list that fails, one on the second that passes, one on neither, and a listed one that
//! is gone make the test fail.
//!
//! `UPDATE_PASSING=1 cargo test --release --test conformance` writes both lists anew. A case that passed before and
//! fails now is kept among the passing, so that the test goes on failing: who means to give it up deletes its line first.

use std::collections::{BTreeMap, BTreeSet};
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

/// How cases ended, as `area/case`.
#[derive(Default)]
struct Outcome {
    passed: BTreeSet<String>,
    /// The family of the reason, and the reason.
    failed: BTreeMap<String, (String, String)>,
}

/// Runs one area with the instructions of a level. Where the process dies, the cases from there on count as failed.
fn run(area: &str, level: &str, scratch: &Path) -> Outcome {
    let out = Command::new(env!("CARGO_BIN_EXE_th"))
        .env("REKINDLE_SIMD", level)
        .arg(root().join("tests/lua/conformance.lua"))
        .arg(area)
        .current_dir(scratch)
        .output()
        .expect("th runs");
    let text = String::from_utf8_lossy(&out.stdout);
    let mut outcome = Outcome::default();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("ok ") {
            outcome.passed.insert(name.into());
        } else if let Some(rest) = line.strip_prefix("FAIL ") {
            let mut parts = rest.splitn(3, '\t').map(String::from);
            if let (Some(name), Some(family), Some(why)) = (parts.next(), parts.next(), parts.next()) {
                outcome.failed.insert(name, (family, why));
            }
        }
    }
    let ended = text.lines().last() == Some("end");
    if !ended {
        println!("{area}: did not reach its end ({}): {}", out.status, String::from_utf8_lossy(&out.stderr));
    }
    for name in text.lines().filter_map(|l| l.strip_prefix("case ")) {
        if !outcome.passed.contains(name) && !outcome.failed.contains_key(name) {
            outcome.failed.insert(name.into(), ("the process died".into(), String::new()));
        }
    }
    outcome
}

/// Runs these areas, two at a time.
fn run_all(areas: Vec<String>, level: &str) -> Outcome {
    let scratch = std::env::temp_dir().join(format!("rekindle-conformance-{level}-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a scratch folder");
    let queue = Mutex::new(areas);
    let all = Mutex::new(Outcome::default());
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                loop {
                    let next = queue.lock().expect("no worker panics").pop();
                    let Some(area) = next else { break };
                    let outcome = run(&area, level, &scratch);
                    let mut all = all.lock().expect("no worker panics");
                    all.passed.extend(outcome.passed);
                    all.failed.extend(outcome.failed);
                }
            });
        }
    });
    std::fs::remove_dir_all(&scratch).ok();
    all.into_inner().expect("no worker panics")
}

fn list(file: &str) -> Vec<String> {
    std::fs::read_to_string(root().join("tests").join(file)).unwrap_or_default().lines().map(String::from).collect()
}

fn write_list(file: &str, lines: impl IntoIterator<Item = String>) {
    let text: String = lines.into_iter().map(|l| l + "\n").collect();
    std::fs::write(root().join("tests").join(file), text).expect("the list can be written");
}

/// The cases that passed when the list was written.
fn listed_as_passing() -> BTreeSet<String> {
    list("passing.txt").into_iter().collect()
}

/// The cases that failed when the list was written.
fn listed_as_failing() -> BTreeSet<String> {
    list("failing.txt").into_iter().map(|l| l.split('\t').next().unwrap_or_default().to_string()).collect()
}

/// How many failed cases there are of each family of reasons.
fn families(failed: &BTreeMap<String, (String, String)>) -> BTreeMap<&str, usize> {
    let mut count = BTreeMap::new();
    for (family, _) in failed.values() {
        // a class is a reason of its own in the list, and one family here
        let family = if family.starts_with("missing class") { "missing class" } else { family };
        *count.entry(family).or_default() += 1;
    }
    count
}

#[test]
fn every_case_is_as_listed() {
    let outcome = run_all(areas(), "best");
    println!("{} cases pass; {} are known to fail", outcome.passed.len(), outcome.failed.len());
    for (family, n) in families(&outcome.failed) {
        println!("{n:6} {family}");
    }
    let (mut passing, failing) = (listed_as_passing(), listed_as_failing());
    let lost: Vec<String> = passing
        .iter()
        .filter_map(|name| outcome.failed.get(name).map(|(family, why)| format!("{name}: {family}: {why}")))
        .collect();
    if std::env::var_os("UPDATE_PASSING").is_some() {
        passing.retain(|name| outcome.failed.contains_key(name));
        passing.extend(outcome.passed.iter().cloned());
        let fails = outcome.failed.iter().filter(|(name, _)| !passing.contains(*name));
        write_list("failing.txt", fails.map(|(name, (family, _))| format!("{name}\t{family}")));
        write_list("passing.txt", passing.iter().cloned());
        assert!(lost.is_empty(), "cases that passed before and fail now: {lost:#?}");
        return;
    }
    let known = |name: &&String| passing.contains(*name) || failing.contains(*name);
    let there = |name: &&String| outcome.passed.contains(*name) || outcome.failed.contains_key(*name);
    let gained: Vec<&String> = failing.intersection(&outcome.passed).collect();
    let new: Vec<&String> = outcome.passed.iter().chain(outcome.failed.keys()).filter(|n| !known(n)).collect();
    let gone: Vec<&String> = passing.iter().chain(&failing).filter(|n| !there(n)).collect();
    assert!(lost.is_empty(), "cases that passed before and fail now: {lost:#?}");
    let advice = "UPDATE_PASSING=1 writes the lists anew";
    assert!(gained.is_empty(), "cases on the list of failing ones that pass ({advice}): {gained:#?}");
    assert!(new.is_empty(), "cases on no list ({advice}): {new:#?}");
    assert!(gone.is_empty(), "listed cases that are gone ({advice}): {gone:#?}");
    let both: Vec<&String> = passing.intersection(&failing).collect();
    assert!(both.is_empty(), "cases on both lists: {both:#?}");
}

/// The loops compiled for lesser processors give what the case files want too.
#[test]
fn listed_cases_pass_on_lesser_processors() {
    let listed = listed_as_passing();
    assert!(listed.len() > 1000, "{} cases", listed.len());
    for level in ["base", "avx2"] {
        let passed = run_all(areas(), level).passed;
        let lost: Vec<&String> = listed.difference(&passed).collect();
        assert!(lost.is_empty(), "cases that fail with the instructions of level {level}: {lost:#?}");
    }
}
