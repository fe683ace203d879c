//! What is told of the spans at the end: tables of times, and a trace for Chrome's about:tracing or Perfetto.

use super::flames;
use super::timings::{MOST_EVENTS, Seen, Sum, Timings};
use crate::atomic_file::AtomicFile;
use crate::formats::json_text::quoted;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Rows of a table at most.
const MOST_ROWS: usize = 50;

/// A row of a table: a method, its sums, and whose they are.
type Row<'a> = (&'a str, Sum, String);

fn rows<'a>(seen: &'a Seen, sums: &'a [Sum], name: &'a str) -> impl Iterator<Item = Row<'a>> {
    let called = sums.iter().enumerate().filter(|(_, sum)| sum.calls > 0);
    called.map(move |(method, sum)| (&*seen.methods[method], *sum, name.to_owned()))
}

fn plural(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn write_rows(out: &mut String, what: &str, mut rows: Vec<Row>, all: f64) {
    rows.sort_by(|(method, a, name), (method_b, b, name_b)| {
        b.own.total_cmp(&a.own).then_with(|| (name, method).cmp(&(name_b, method_b)))
    });
    let share = |own: f64| if all > 0.0 { own / all * 100.0 } else { 0.0 };
    let _ = writeln!(out, "\n{:>12} {:>7} {:>12} {:>9}  {:<18} {what}", "own ms", "%", "total ms", "calls", "method");
    for (method, Sum { calls, total, own }, name) in rows.iter().take(MOST_ROWS) {
        let (part, own, total) = (share(*own), own * 1e3, total * 1e3);
        let _ = writeln!(out, "{own:12.3} {part:6.1}% {total:12.3} {calls:9}  {method:<18} {name}");
    }
    if let Some(rest) = rows.get(MOST_ROWS..).filter(|rest| !rest.is_empty()) {
        let own: f64 = rest.iter().map(|(_, sum, _)| sum.own).sum();
        let _ = writeln!(out, "{:12.3} {:6.1}%  in {} more rows", own * 1e3, share(own), rest.len());
    }
}

impl Timings {
    /// Whether a trace can be written to a file.
    ///
    /// # Errors
    /// Why not.
    pub fn can_write(path: &Path) -> io::Result<()> {
        AtomicFile::open(path).map(drop)
    }

    /// The tables by class and by instance.
    pub fn tables(&self) -> String {
        let (seconds, seen) = (self.elapsed(), self.seen());
        let all = seen.instances.iter().flat_map(|i| &i.sums).fold(0.0, |all, sum| all + sum.own);
        let calls: u64 = seen.instances.iter().flat_map(|i| &i.sums).map(|sum| sum.calls).sum();
        let calls_text = plural(calls, "call");
        let mut out =
            format!("\nth --profile: {calls_text} of modules and criteria took {all:.3} s of {seconds:.3} s\n");
        if calls > 0 {
            let mut members = vec![0; seen.classes.len()];
            seen.instances.iter().filter(|i| !i.path.is_empty()).for_each(|i| members[i.class] += 1);
            let class_name = |i: usize| format!("{} ({})", seen.classes[i].name, plural(members[i], "instance"));
            let names: Vec<String> = (0..members.len()).map(class_name).collect();
            let by_class = seen.classes.iter().zip(&names).flat_map(|(c, name)| rows(&seen, &c.sums, name));
            write_rows(&mut out, "class", by_class.collect(), all);
            let names: Vec<String> = seen.instances.iter().map(|i| format!("{}  {}", i.path, i.text)).collect();
            let by_instance = seen.instances.iter().zip(&names).flat_map(|(i, name)| rows(&seen, &i.sums, name));
            write_rows(&mut out, "instance", by_instance.collect(), all);
        }
        out
    }

    /// Writes the calls, whole or not at all: as a flame chart where the file's name ends in `.svg`, else as complete events
    /// of Chrome's trace format, times in microseconds. Whether there were more calls than it holds.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_trace(&self, path: &Path) -> io::Result<bool> {
        let (seconds, seen) = (self.elapsed(), self.seen());
        let (file, mut name) = AtomicFile::open(path)?;
        let mut out = BufWriter::new(file);
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("svg")) {
            out.write_all(flames::chart(&seen, seconds).as_bytes())?;
        } else {
            write_events(&mut out, &seen)?;
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Some(name) = &mut name {
            name.finish(true)?;
        }
        Ok(seen.events.len() == MOST_EVENTS)
    }
}

fn write_events(out: &mut impl Write, seen: &Seen) -> io::Result<()> {
    let head = |i: &super::timings::Instance| {
        let class = quoted(seen.classes.get(i.class).map_or("", |c| &c.name));
        let (path, text) = (quoted(&i.path), quoted(&i.text));
        format!("{{\"ph\":\"X\",\"pid\":1,\"name\":{path},\"args\":{{\"class\":{class},\"module\":{text}}}")
    };
    let heads: Vec<String> = seen.instances.iter().map(head).collect();
    let mut before = "[\n";
    for e in &seen.events {
        let (head, method) = (&heads[e.instance as usize], &seen.methods[e.method as usize]);
        let (start, duration) = (e.start * 1e6, e.duration * 1e6);
        let place = format_args!("\"cat\":\"{method}\",\"tid\":{}", e.coroutine);
        write!(out, "{before}{head},{place},\"ts\":{start:.3},\"dur\":{duration:.3}}}")?;
        before = ",\n";
    }
    out.write_all(if seen.events.is_empty() { b"[\n]\n" } else { b"\n]\n" })
}
