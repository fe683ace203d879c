//! The directions between the parts of the crate, as `docs/architecture.md` draws them.

use std::fs;
use std::path::Path;

fn sources(dir: &Path, out: &mut Vec<(String, String)>) {
    for e in fs::read_dir(dir).into_iter().flatten().flatten() {
        let p = e.path();
        if p.is_dir() {
            sources(&p, out);
        } else if p.extension().is_some_and(|x| x == "rs") {
            out.push((p.display().to_string(), fs::read_to_string(&p).expect("sources are text")));
        }
    }
}

#[test]
fn nothing_points_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let forbidden: [(&str, &[&str]); 5] = [
        ("tensor", &["nn", "image", "t7", "system", "lua", "rows", "repl"]),
        ("image", &["nn", "t7", "system", "lua", "rows", "repl"]),
        ("nn", &["image", "t7", "system", "lua", "rows", "repl"]),
        ("t7", &["nn", "image", "system", "lua", "rows", "repl"]),
        ("rows", &["repl"]),
    ];
    let mut seen = 0;
    for (part, others) in forbidden {
        let mut files = vec![];
        sources(&root.join(part), &mut files);
        for (path, text) in files {
            seen += 1;
            for other in others {
                assert!(!text.contains(&format!("crate::{other}::")), "{path} uses {other}");
            }
            assert!(part == "rows" || !text.contains("mlua"), "{path} uses mlua");
        }
    }
    assert!(seen > 10, "the sources were not found");
}

#[test]
fn only_the_boundary_touches_lua_states() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![];
    sources(&root, &mut files);
    for (path, text) in files {
        let boundary = path.contains("lua/raw/") || path.ends_with("lua/host.rs") || path.ends_with("lua/native.rs");
        assert!(boundary || !text.contains("lua_State"), "{path} touches lua_State");
    }
}
