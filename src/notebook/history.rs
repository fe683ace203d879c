//! What was typed: in this kernel, and before it in sessions.

use super::message::{map, text};
use crate::formats::Data;
use crate::repl;

/// The session of the lines that were typed before, and that of this kernel.
const BEFORE: i64 = 1;
const NOW: i64 = 2;

/// Cells that are kept.
const MOST: usize = 10_000;

struct Entry {
    session: i64,
    line: i64,
    code: String,
}

/// The lines of sessions and the cells of this kernel, oldest first.
pub struct History {
    entries: Vec<Entry>,
}

/// Whether a text is one of a pattern's, where `*` stands for any letters and `?` for one.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            // the last star takes one letter more
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

impl History {
    /// That of the sessions so far.
    pub fn new() -> History {
        let lines = repl::history().into_iter().zip(1..);
        History { entries: lines.map(|(code, line)| Entry { session: BEFORE, line, code }).collect() }
    }

    /// Adds a cell.
    pub fn add(&mut self, line: i64, code: &str) {
        if self.entries.len() >= MOST {
            self.entries.remove(0);
        }
        self.entries.push(Entry { session: NOW, line, code: code.into() });
    }

    /// What a request asks for.
    pub fn answer(&self, request: &Data) -> Data {
        let number = |name: &str| request.get(name).and_then(Data::number);
        let count = number("n").map_or(usize::MAX, |n| n.max(0.0) as usize);
        let flag = |name: &str| request.get(name).and_then(Data::bool).unwrap_or(false);
        let access = request.get("hist_access_type").and_then(Data::text).unwrap_or_default();
        let mut found: Vec<&Entry> = match access.as_str() {
            "range" => {
                let session = number("session").unwrap_or(0.0) as i64;
                // 0 is this one, negative numbers count back from it
                let session = if session <= 0 { NOW + session } else { session };
                let (start, stop) = (number("start").unwrap_or(0.0), number("stop").unwrap_or(f64::INFINITY));
                let within = |e: &&Entry| e.session == session && (start..stop).contains(&(e.line as f64));
                self.entries.iter().filter(within).collect()
            }
            "search" => {
                let pattern: Vec<char> =
                    request.get("pattern").and_then(Data::text).unwrap_or("*".into()).chars().collect();
                let fits = |e: &&Entry| matches(&pattern, &e.code.chars().collect::<Vec<_>>());
                self.entries.iter().filter(fits).collect()
            }
            _ => self.entries.iter().collect(),
        };
        if flag("unique") {
            let mut seen = std::collections::HashSet::new();
            found.reverse();
            found.retain(|e| seen.insert(&e.code));
            found.reverse();
        }
        let first = if access == "range" { 0 } else { found.len().saturating_sub(count) };
        let entry = |e: &&Entry| {
            let code = text(&e.code);
            // what cells gave is not kept
            let what = if flag("output") { Data::List(vec![code, Data::Null]) } else { code };
            Data::List(vec![Data::Num(e.session as f64), Data::Num(e.line as f64), what])
        };
        map([("status", text("ok")), ("history", Data::List(found[first..].iter().map(entry).collect()))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::json_text;

    #[test]
    fn patterns_are_those_of_file_names() {
        let fits = |p: &str, t: &str| matches(&p.chars().collect::<Vec<_>>(), &t.chars().collect::<Vec<_>>());
        assert!(fits("a*c?", "abbccd") && fits("*", "") && fits("", "") && fits("**x*", "aaxx"));
        assert!(!fits("a*c", "abcd") && !fits("?", "") && !fits("ab", "a"));
        assert!(!fits(&"*a".repeat(50), &"b".repeat(10_000)));
    }

    #[test]
    fn cells_are_found_by_place_and_by_pattern() {
        let mut h = History { entries: vec![Entry { session: BEFORE, line: 1, code: "old".into() }] };
        for (line, code) in [(1, "x = 1"), (2, "print(x)"), (3, "x = 1")] {
            h.add(line, code);
        }
        let list = |pairs: Vec<(&str, Data)>| {
            let request = Data::Map(pairs.into_iter().map(|(n, v)| (n.as_bytes().into(), v)).collect());
            String::from_utf8(json_text::write(h.answer(&request).get("history").expect("a list"))).expect("a text")
        };
        let tail = list(vec![("hist_access_type", text("tail")), ("n", Data::Num(2.0))]);
        assert_eq!(tail, r#"[[2,2,"print(x)"],[2,3,"x = 1"]]"#);
        let range = [("hist_access_type", text("range")), ("session", Data::Num(0.0)), ("start", Data::Num(1.0))];
        assert_eq!(list([&range[..], &[("stop", Data::Num(2.0))]].concat()), r#"[[2,1,"x = 1"]]"#);
        let search = [("hist_access_type", text("search")), ("pattern", text("x*")), ("unique", Data::Bool(true))];
        assert_eq!(list(search.to_vec()), r#"[[2,3,"x = 1"]]"#);
        let wild =
            [("hist_access_type", text("range")), ("session", Data::Num(f64::NAN)), ("start", Data::Num(-1e300))];
        assert!(list([&wild[..], &[("n", Data::Num(-3.0)), ("output", Data::Bool(true))]].concat()).starts_with("[["));
    }
}
