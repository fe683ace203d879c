//! `th --profile`: what it tells, and that programs do the same with it as without.

use std::path::PathBuf;
use std::process::{Command, Output};

fn th(args: &[&str]) -> Output {
    let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
    th.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("th runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A name in a folder of its own, which goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("rekindle-profile-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a scratch folder");
        Scratch(folder)
    }
    fn file(&self) -> String {
        self.0.join("trace.json").to_string_lossy().into_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Whether a table has a row of so many calls of a method, with this behind it.
fn has_row(table: &str, calls: usize, method: &str, name: &str) -> bool {
    table.lines().any(|l| {
        let words: Vec<_> = l.split_whitespace().collect();
        let counted = words.len() > 5 && words[1].ends_with('%') && words[3..5] == [&*calls.to_string(), method];
        counted && l.ends_with(name)
    })
}

#[test]
fn programs_do_the_same_and_every_call_is_told() {
    let scratch = Scratch::new("same");
    let plain = th(&["tests/lua/profiled.lua"]);
    assert!(plain.status.success(), "{}", text(&plain.stderr));
    assert_eq!(text(&plain.stderr), "");
    let profiled = th(&[&format!("--profile={}", scratch.file()), "tests/lua/profiled.lua"]);
    let table = text(&profiled.stderr);
    assert!(profiled.status.success(), "{table}");
    assert_eq!(text(&profiled.stdout), text(&plain.stdout));

    assert!(table.contains("th --profile: 80 calls of modules and criteria took "), "{table}");
    for (calls, method, name) in [
        (4, "forward", "nn.Linear (4 instances)"),
        (3, "gradInput", "Sequential.2.ConcatTable.1.Linear  nn.Linear(4 -> 3)"),
        (3, "accGradParameters", "Sequential.2.ConcatTable.2.Twice \"é\"  Twice \"é\"(4 -> 3)"),
        (3, "backward", "Sequential  nn.Sequential"),
        (3, "gradInput", "ClassNLLCriterion  nn.ClassNLLCriterion"),
        (2, "forward", "Sequential#2.2.Sequential.1.Failing  Failing"),
    ] {
        assert!(has_row(&table, calls, method, name), "{calls} {method} {name} in {table}");
    }

    let trace = th(&["tests/lua/trace.lua", &scratch.file()]);
    let events = text(&trace.stdout);
    assert!(trace.status.success(), "{}", text(&trace.stderr));
    assert_eq!(events.lines().count(), 80);
    assert!(events.starts_with("Sequential.1.Tanh\tforward\tnn.Tanh\tnn.Tanh\n"), "{events}");
    let left: Vec<_> = std::fs::read_dir(&scratch.0).expect("the folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_name_of_svg_gets_a_flame_chart() {
    let scratch = Scratch::new("chart");
    let chart = scratch.0.join("chart.svg");
    let out = th(&[&format!("--profile={}", chart.display()), "tests/lua/profiled.lua"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let svg = std::fs::read_to_string(&chart).expect("the chart");
    assert!(svg.starts_with("<?xml") && svg.ends_with("</svg>\n"), "{svg}");
    for part in ["<title>the program</title>", "<title>Sequential forward\n", "nn.Linear(4 -&gt; 3)"] {
        assert!(svg.contains(part), "{part:?} is not in {svg}");
    }
    // every tag that opens closes
    let opened = svg.matches("<g>").count();
    assert_eq!(
        (opened, opened, opened),
        (svg.matches("</g>").count(), svg.matches("<rect").count() - 1, svg.matches("</text>").count())
    );
}

#[test]
fn own_times_and_shares_are_sorted_and_whole() {
    let code = "require 'nn' local m = nn.Sequential():add(nn.Linear(200, 200)):add(nn.Tanh()) \
                for i = 1, 5 do m:forward(torch.randn(100, 200)) end";
    let table = text(&th(&["--profile", "-e", code]).stderr);
    let classes = table.split("  class\n").nth(1).and_then(|t| t.split("\n\n").next()).unwrap_or_default();
    let rows: Vec<Vec<&str>> = classes.lines().map(|l| l.split_whitespace().collect()).collect();
    let column = |i: usize| -> Vec<f64> {
        let numbers = rows.iter().map(|r| r[i].trim_end_matches('%').parse());
        numbers.collect::<Result<_, _>>().expect("a number")
    };
    let (own, shares, totals) = (column(0), column(1), column(2));
    assert_eq!(rows.len(), 3, "{table}");
    assert!(own.windows(2).all(|w| w[0] >= w[1]), "{table}");
    assert!((shares.iter().sum::<f64>() - 100.0).abs() < 0.5, "{table}");
    // the container's total is everybody's own
    let largest = totals.iter().copied().fold(0.0, f64::max);
    assert!((largest - own.iter().sum::<f64>()).abs() < 0.01, "{table}");
}

#[test]
fn every_end_is_told() {
    let module = "require 'nn' nn.Tanh():forward(torch.ones(2)) ";
    let out = th(&["--profile", "-e", &format!("{module} error('on purpose')")]);
    let told = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1));
    assert!(told.contains("1 call of modules") && told.contains("th: (command line):1: on purpose"), "{told}");
    for leave in ["os.exit(3)", "coroutine.wrap(function() os.exit(3) end)()"] {
        let out = th(&["--profile", "-e", &format!("{module} {leave}")]);
        assert_eq!(out.status.code(), Some(3));
        assert!(has_row(&text(&out.stderr), 1, "forward", "Tanh  nn.Tanh"), "{}", text(&out.stderr));
    }
    let out = th(&["--profile", "-l", "nn", "-e", "print(1)"]);
    assert!(out.status.success() && text(&out.stderr).contains("0 calls of modules"), "{}", text(&out.stderr));
}

#[test]
fn a_trace_that_cannot_be_written_stops_the_program_before_it_starts() {
    let out = th(&["--profile=/no/such/folder/trace.json", "-e", "print 'begun'"]);
    let told = text(&out.stderr);
    assert_eq!((out.status.code(), text(&out.stdout)), (Some(1), String::new()));
    assert!(told.contains("th: --profile: ") && told.contains("cannot open </no/such/folder/trace.json>"), "{told}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_program_is_told_about() {
    use std::io::{BufRead, BufReader, Read};
    let program = "require 'nn' local m, x = nn.Linear(3, 2), torch.randn(3) \
                   m:forward(x) print('begun') io.stdout:flush() while true do m:forward(x) end";
    let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
    let th = th.args(["--profile", "-e", program]).stdout(std::process::Stdio::piped());
    let mut running = th.stderr(std::process::Stdio::piped()).spawn().expect("th runs");
    let mut first = String::new();
    BufReader::new(running.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    assert_eq!(first, "begun\n");
    let id = running.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
    let mut told = String::new();
    running.stderr.take().expect("a pipe").read_to_string(&mut told).expect("text");
    assert_eq!(running.wait().expect("an end").code(), Some(1), "{told}");
    assert!(told.contains("interrupted!") && told.contains("nn.Linear(3 -> 2)"), "{told}");
}
