//! The directions between the parts of the crate, as `docs/architecture.md` draws them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every part of the crate, and those that it may use.
const PARTS: &[(&str, &[&str])] = &[
    ("alloc", &[]),
    ("atomic_file", &[]),
    ("fields", &[]),
    ("formats", &[]),
    ("tensor", &[]),
    ("system", &[]),
    ("spans", &["atomic_file", "formats"]),
    ("nn", &["tensor", "fields"]),
    ("optim", &["tensor"]),
    ("image", &["tensor", "atomic_file"]),
    ("t7", &["tensor", "atomic_file"]),
    ("models", &["tensor", "atomic_file", "formats", "t7"]),
    ("shared", &["tensor"]),
    ("mpi", &["tensor"]),
    // its memory comes from the allocator with the reserve
    ("lua", &["tensor", "fields", "formats", "alloc"]),
    (
        "rows",
        &[
            "tensor", "nn", "optim", "image", "t7", "models", "system", "formats", "shared", "mpi", "spans", "lua",
            "fields",
        ],
    ),
    ("host", &["tensor", "shared", "lua", "rows"]),
    ("repl", &["lua", "host"]),
    ("notebook", &["lua", "rows", "host", "repl", "formats"]),
    ("command", &[]),
];

/// The parts that may call mlua.
const WITH_LUA: &[&str] = &["lua", "host", "repl", "notebook"];

/// The folders and files that may have unsafe code.
const WITH_UNSAFE: &[&str] = &[
    "tensor/access/",
    "tensor/product/",
    "tensor/ops/",
    "tensor/buffer_pool.rs",
    "tensor/storage.rs",
    "tensor/storage/",
    "tensor/mod.rs",
    "tensor/map.rs",
    "tensor/walk.rs",
    "tensor/simd.rs",
    "tensor/workers.rs",
    "lua/raw/",
    "mpi/raw/",
    "alloc.rs",
];

/// The sources: path below `src`, and text without comments.
fn sources() -> Vec<(String, String)> {
    fn collect(root: &Path, dir: &Path, out: &mut Vec<(String, String)>) {
        for e in fs::read_dir(dir).into_iter().flatten().flatten() {
            let p = e.path();
            if p.is_dir() {
                collect(root, &p, out);
            } else if p.extension().is_some_and(|x| x == "rs") {
                let text = fs::read_to_string(&p).expect("sources are text");
                let code = text.lines().map(|l| l.split("//").next().unwrap_or(l)).collect::<Vec<_>>().join("\n");
                let path = p.strip_prefix(root).expect("inside").to_string_lossy().replace('\\', "/");
                out.push((path, code));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut out = vec![];
    collect(&root, &root, &mut out);
    assert!(out.len() > 100, "the sources were not found");
    out
}

/// The names that a path begins with: one, or those of a group `{a::b, c}`.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let path = path.trim_start();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut start, mut found) = (0, 0, vec![]);
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(name(&group[start..i]));
                start = i + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

/// How many modules deep a file is: `tensor/mod.rs` and `lib.rs` are 1 and 0.
fn depth(path: &str) -> usize {
    let parts = path.split('/').count();
    if path.ends_with("mod.rs") || path == "lib.rs" { parts - 1 } else { parts }
}

/// The names at the crate's root that a file reaches, by `crate::` or by climbing up with `super::`.
fn reached(path: &str, code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::", "rekindle::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                found.extend(heads(&code[at + root.len()..]));
            }
        }
    }
    let climb = "super::".repeat(depth(path).max(1));
    for (at, _) in code.match_indices(&climb) {
        found.extend(heads(code[at + climb.len()..].trim_start_matches("super::")));
    }
    found
}

/// The part that a name at the crate's root belongs to.
fn part_of(name: &str) -> &str {
    if name == "Host" { "host" } else { name }
}

#[test]
fn paths_are_read_in_every_form() {
    let code = "use crate::{tensor::{Tensor, ops}, lua::call::Op, demand};\nlet x = crate::t7::Mode::Read;";
    let names: Vec<String> = reached("nn/mod.rs", code).into_iter().collect();
    assert_eq!(names, ["demand", "lua", "t7", "tensor"]);
    assert!(reached("lua/raw/read.rs", "use super::super::super::rows::{self};").contains("rows"));
    assert!(!reached("lua/raw/read.rs", "use super::super::call;").contains("call"));
    assert!(reached("host/mod.rs", "use super::{repl, lua};").contains("repl"));
}

#[test]
fn nothing_points_back() {
    let known: BTreeSet<&str> = PARTS.iter().map(|(part, _)| *part).collect();
    for (path, code) in sources() {
        let part = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        if ["lib", "main"].contains(&part) {
            continue;
        }
        let (_, may) = PARTS.iter().find(|(p, _)| *p == part).unwrap_or_else(|| panic!("{part} is no known part"));
        for name in reached(&path, &code) {
            let other = part_of(&name);
            let allowed = other == part || may.contains(&other) || !known.contains(other);
            assert!(allowed, "{path} uses {other}");
        }
        assert!(WITH_LUA.contains(&part) || !code.contains("mlua"), "{path} uses mlua");
    }
}

#[test]
fn every_part_is_declared() {
    for e in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("sources").flatten() {
        let name = e.file_name().to_string_lossy().trim_end_matches(".rs").to_string();
        let known = ["lib", "main"].contains(&name.as_str()) || PARTS.iter().any(|(part, _)| *part == name);
        assert!(known, "{name} has no place in the directions");
    }
}

#[test]
fn only_the_boundary_touches_lua_states() {
    for (path, code) in sources() {
        assert!(path.starts_with("lua/raw/") || !code.contains("lua_State"), "{path} touches lua_State");
    }
}

#[test]
fn unsafe_code_has_its_places() {
    for (path, code) in sources() {
        let word = code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|w| w == "unsafe");
        assert!(!word || WITH_UNSAFE.iter().any(|p| path.starts_with(p)), "{path} has unsafe code");
    }
}

/// The signatures of functions in a source: from the line's start to the body.
fn signatures(code: &str) -> Vec<&str> {
    let mut found = vec![];
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let mut depth = 0;
        let end = code[at..].find(|c| {
            depth += i32::from(matches!(c, '(' | '[')) - i32::from(matches!(c, ')' | ']'));
            depth == 0 && matches!(c, '{' | ';')
        });
        let start = code[..at].rfind('\n').map_or(0, |n| n + 1);
        found.push(&code[start..at + end.unwrap_or(0)]);
    }
    found
}

#[test]
fn no_safe_function_takes_or_gives_raw_pointers() {
    let code = "fn a(x: &u8) -> *const u8 { loop {} }\nunsafe fn b(x: *mut u8);\nfn c(n: [u8; 3]) -> u8 {";
    let raw = |s: &&str| ["*const ", "*mut ", "NonNull<", "AtomicPtr<"].iter().any(|p| s.contains(p));
    let safe = |code: &'static str| signatures(code).into_iter().filter(raw).filter(|s| !s.contains("unsafe")).count();
    assert_eq!((signatures(code).len(), safe(code)), (3, 1));
    for (path, code) in sources() {
        for signature in signatures(&code).iter().filter(|s| raw(s)) {
            assert!(signature.contains("unsafe"), "{path}: a safe function with raw pointers: {signature}");
        }
    }
}
