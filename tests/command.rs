//! The command line of `th`, through the built binary and its pipes.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of this test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("rekindle-command-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a scratch folder");
        Scratch(dir)
    }
    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn command(dir: &Path) -> Command {
    let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
    th.current_dir(dir).env_remove("TREPLSTARTUP").env("HOME", dir);
    th
}

/// A run that is given this on its standard input: status, standard output, standard error.
fn th(dir: &Path, args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut th = command(dir);
    let pipes = th.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("th runs");
    // a program that does not read it is fine
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).ok();
    let Output { status, stdout, stderr } = child.wait_with_output().expect("an end");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

fn here() -> PathBuf {
    std::env::temp_dir()
}

#[test]
fn libraries_and_code_come_in_their_order() {
    let (status, out, err) = th(&here(), &["-lnope", "-lnn", "-e", "x = torch.type(nn.Tanh())", "-e", "print(x)"], "");
    assert_eq!((status, out.as_str()), (Some(0), "nn.Tanh\n"));
    assert_eq!(err, "th: -l nope: module 'nope' not found\n");
}

#[test]
fn errors_in_code_end_with_status_1() {
    let (status, out, err) = th(&here(), &["-e", "error 'first'", "-e", "print 'second'"], "");
    assert!(status == Some(1) && out.is_empty() && err.contains("first"), "{out}{err}");
    assert_eq!(th(&here(), &["-e", "x = = 1"], "").0, Some(1));
}

#[test]
fn programs_may_stand_behind_code() {
    let dir = Scratch::new("behind");
    dir.write("p.lua", "print(x, ...)\n");
    assert_eq!(th(&dir.0, &["-e", "x = 1", "p.lua", "a"], "").1, "1\ta\n");
    assert_eq!(th(&dir.0, &["-e", "print(...)", "a", "-b"], "").1, "a\t-b\n");
}

#[test]
fn options_that_are_none_are_told() {
    let (status, _, err) = th(&here(), &["-z"], "");
    assert_eq!((status, err.as_str()), (Some(2), "th: invalid option '-z'; th -h lists the options\n"));
    let (status, _, err) = th(&here(), &["-e"], "");
    assert!(status == Some(2) && err.contains("missing argument for option '-e'"), "{err}");
}

#[test]
fn help_and_version_say_what_is_in_use() {
    let (status, out, _) = th(&here(), &["--help"], "");
    for part in ["Usage: th [options]", "-gg", "TREPL_HISTORY", ".rekindle_history", "OMP_NUM_THREADS", "th new NAME"] {
        assert!(status == Some(0) && out.contains(part), "{part} is not in {out}");
    }
    let (status, out, _) = th(&here(), &["-v"], "");
    for part in ["Rekindle ", "LuaJIT 2.1", "built for ", "instructions in use: "] {
        assert!(status == Some(0) && out.contains(part), "{part} is not in {out}");
    }
}

#[test]
fn the_environment_says_how_many_threads_kernels_use() {
    let threads = |said: &str| {
        let mut th = command(&here());
        let out =
            th.args(["-e", "print(torch.getnumthreads())"]).env("OMP_NUM_THREADS", said).output().expect("th runs");
        String::from_utf8_lossy(&out.stdout).trim().parse::<usize>().expect("a number")
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(["1", "3", "7,2", "", "0", "many"].map(threads), [1, 3, 7, processors, processors, processors]);
}

#[test]
fn the_standard_input_is_a_program_or_what_is_typed() {
    let run = |input: &str| th(&here(), &[], input);
    assert_eq!(run("6 * 7").1, "42\t\n".replace('\t', ""));
    assert_eq!(run("x = 5\nx + 1\n'a' .. x\n").1, "6\t\na5\t\n".replace('\t', ""));
    assert_eq!(run("local a = 1\nprint(a + 1)\n").1, "2\n");
    assert_eq!(run("x = io.read()\nhello\nx .. '!'\n").1, "hello!\n");
    assert_eq!(run("#!/usr/bin/env th\nprint(1)\n").1, "1\n");
    let (status, _, err) = run("x = 1\ny = = 2\n");
    assert!(status == Some(1) && err.contains("stdin:2: ") && err.contains("   2 | y = = 2"), "{err}");
    let (status, out, _) = run("x = 1\nx\nerror 'no'\nx + 1\n");
    assert_eq!((status, out.as_str()), (Some(1), "1\n"));
    assert_eq!(th(&here(), &["-", "a"], "print(arg[0], ...)").1, "-\ta\n");
}

#[test]
fn a_session_follows_a_program_that_failed() {
    let dir = Scratch::new("session");
    dir.write("bad.lua", "x = 5 error 'on purpose'");
    let (status, out, err) = th(&dir.0, &["-i", "bad.lua"], "x + 37\n");
    assert!(status == Some(0) && err.contains("on purpose") && out.contains("\n42\n"), "{out}{err}");
}

#[test]
fn a_session_leaves_a_pipes_lines_to_what_reads_them() {
    let lines = "x = io.read()\nhello\n'got ' .. x\nos.execute('read l; echo child $l')\na line\n'at the ' .. 'end'";
    let (status, out, err) = th(&here(), &["-i", "-e", "y = 1"], lines);
    assert!(status == Some(0) && err.is_empty(), "{err}");
    assert!(out.contains("\ngot hello\n") && out.contains("child a line\n") && out.contains("\nat the end\n"), "{out}");
    // whatever io.read reads
    let lines = "io.input(io.tmpfile()) x = io.stdin:read()\nhello\n'got ' .. x";
    let (status, out, err) = th(&here(), &["-i", "-e", "y = 1"], lines);
    assert!(status == Some(0) && err.is_empty() && out.contains("\ngot hello\n"), "{out}{err}");
}

#[test]
fn new_globals_are_warned_of_or_refused() {
    let (status, out, err) = th(&here(), &["-g", "-e", "local a\nb = 1\nb = 2 print(c)"], "");
    assert_eq!((status, out.as_str()), (Some(0), "nil\n"));
    assert_eq!(err, "th: (command line):2: new global 'b'\nth: (command line):3: global 'c' is read and not there\n");
    let (status, _, err) = th(&here(), &["-gg", "-lnn", "-e", "nn.Tanh() b = 1"], "");
    assert!(status == Some(1) && err.contains("(command line):1: new global 'b'"), "{err}");
}

#[test]
fn errors_within_containers_show_the_programs_own_frames() {
    let dir = Scratch::new("containers");
    dir.write(
        "net.lua",
        "require 'nn'\nlocal net = nn.Sequential():add(nn.Concat(1):add(nn.Linear(4, 2)))\n\
         local function train(x)\n   local y = net:forward(x)\n   return y\nend\nlocal z = train(torch.ones(3))\n",
    );
    let (_, _, err) = th(&dir.0, &["net.lua"], "");
    let expected = "th: In 1 module of nn.Sequential:\nIn 1 module of nn.Concat:\n\
        net.lua:4: nn.Linear: size mismatch: input [3] where 4 columns are expected\n   \
        4 |    local y = net:forward(x)\nstack traceback:\n\tnet.lua:4: in function 'train'\n\tnet.lua:7: in main chunk\n";
    assert_eq!(err, expected);
}

#[test]
fn errors_show_their_line_and_a_near_name() {
    let dir = Scratch::new("errors");
    dir.write("p.lua", "local model = { go = 1 }\nlocal function f()\n   return mdoel.go\nend\nf()\n");
    let (status, _, err) = th(&dir.0, &["p.lua"], "");
    let wanted = "th: p.lua:3: attempt to index global 'mdoel' (a nil value)\n   3 |    return mdoel.go\n\
                  stack traceback:\n\tp.lua:3: in function 'f'\n\tp.lua:5: in main chunk\n";
    assert_eq!((status, err.as_str()), (Some(1), wanted));
    let told = |code: &str| th(&here(), &["-e", code], "").2;
    assert!(told("local m = torch.zeroes(3)").contains("did you mean torch.zeros?"));
    assert!(told("local net = torch.ones(2) local nets = nte:sum()").contains("did you mean net?"));
    assert!(told("require 'nn' local m = nn.Tanh() local o = m:forwrd()").contains("did you mean m:forward?"));
    assert!(told("require 'nn' nn.Liner(1, 2)").contains("nn.Linear"));
    assert!(told("error { code = 7 }").contains("code : 7"));
    assert!(!told("error 'plain'").contains('\x1b'));
}

#[cfg(unix)]
#[test]
fn names_and_arguments_may_have_any_encoding() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = Scratch::new("encoding");
    let name = OsStr::from_bytes(b"caf\xe9.lua");
    fs::write(dir.0.join(name), "io.write(arg[-1], '|', arg[0], '|', ...)").expect("a file");
    let out = command(&dir.0).arg("-lnn").arg(name).arg(OsStr::from_bytes(b"\xff\xfe")).output().expect("th runs");
    assert_eq!(out.stdout, b"-lnn|caf\xe9.lua|\xff\xfe");
}

#[test]
fn output_to_a_program_comes_as_it_is_written() {
    let mut th = command(&here());
    let mut child = th.args(["-e", "io.write('begun') sys.sleep(60)"]).stdout(Stdio::piped()).spawn().expect("th runs");
    let mut text = [0; 5];
    child.stdout.take().expect("a pipe").read_exact(&mut text).expect("some output");
    assert_eq!(&text, b"begun");
    child.kill().expect("an end");
    child.wait().expect("an end");
}

#[test]
fn output_that_nobody_takes_ends_with_status_1() {
    for code in ["for i = 1, 1e5 do print(i) end", "for i = 1, 1e5 do io.write(i, '\\n') end"] {
        let mut th = command(&here());
        let mut child = th.args(["-e", code]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("th runs");
        drop(child.stdout.take());
        assert_eq!(child.wait().expect("an end").code(), Some(1), "{code}");
    }
}

#[test]
fn a_new_project_trains_and_passes_its_tests() {
    let dir = Scratch::new("project");
    let (status, out, err) = th(&dir.0, &["new", "spirals"], "");
    assert!(status == Some(0) && out.starts_with("made spirals "), "{out}{err}");
    let inside = dir.0.join("spirals");
    let (status, out, err) = th(&inside, &["train.lua", "-epochs", "10"], "");
    assert!(status == Some(0) && out.ends_with("saved model.t7\n"), "{out}{err}");
    let (status, out, err) = th(&inside, &["test", "tests.lua"], "");
    assert!(status == Some(0) && out.contains("3 passed, 0 failed in "), "{out}{err}");
    let (status, _, err) = th(&dir.0, &["new", "spirals"], "");
    assert_eq!((status, err.as_str()), (Some(1), "th new: there is a spirals already\n"));
}

#[test]
fn tests_that_fail_are_reported_by_name() {
    let dir = Scratch::new("tests");
    dir.write(
        "t.lua",
        "local t, s = torch.Tester(), torch.TestSuite()\n\
         function s.good() t:eq(1, 1) end\n\
         function s.wrong() t:eq(1, 2, 'one and two') end\n\
         function s.broken() error('on purpose') end\n\
         t:add(s) t:run()\n",
    );
    dir.write("bad.lua", "x = = 1");
    let (status, out, err) = th(&dir.0, &["test", "t.lua", "bad.lua"], "");
    assert_eq!((status, err.as_str()), (Some(1), "th: 3 failed\n"), "{out}");
    for part in [
        "test good ... ok (",
        "test wrong ... FAILED",
        "---- broken\nt.lua:4: on purpose",
        "one and two",
        "bad.lua:1: ",
        "1 passed, 3 failed in ",
    ] {
        assert!(out.contains(part), "{part:?} is not in {out}");
    }
    assert_eq!(th(&dir.0, &["test", "none.lua"], "").0, Some(1));
}

#[test]
fn annotations_are_what_editors_read() {
    let dir = Scratch::new("annotations");
    let (status, out, err) = th(&dir.0, &["--annotations", "."], "");
    assert!(status == Some(0), "{out}{err}");
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lua/annotations.lua");
    let (status, out, err) = th(&dir.0, &[checker.to_str().expect("a name in UTF-8"), "."], "");
    assert!(status == Some(0) && out.ends_with(" 0 complaints\n"), "{out}{err}");
    let rc = fs::read_to_string(dir.0.join(".luarc.json")).expect("settings");
    let (status, out, err) =
        th(&dir.0, &["-e", "print(require('cjson').decode(io.read('*a'))['runtime.version'])"], &rc);
    assert_eq!((status, out.as_str()), (Some(0), "LuaJIT\n"), "{err}");
}

#[test]
fn the_manual_is_pages_with_links_that_lead_somewhere() {
    let dir = Scratch::new("manual");
    let (status, out, err) = th(&dir.0, &["--manual", "m"], "");
    assert!(status == Some(0) && out.starts_with("wrote "), "{out}{err}");
    let names = fs::read_to_string(dir.0.join("m/names.js")).expect("names");
    let mut looked = 0;
    for line in names.lines().filter(|l| l.contains("[\"")) {
        let target = line.split('"').nth(3).expect("a target");
        let (file, name) = target.split_once('#').expect("a place");
        let page = fs::read_to_string(dir.0.join("m").join(file)).expect("a page");
        assert!(page.contains(&format!("id=\"{name}\"")), "{target}");
        assert_eq!(page.matches("<pre>").count(), page.matches("</pre>").count());
        looked += 1;
    }
    assert!(looked > 500, "{looked} names");
}

/// What a command cannot write whole is an error, and no page is lost without a word.
#[test]
fn folders_on_a_full_disk_are_told() {
    for (option, file) in [("--manual", "style.css"), ("--annotations", "torch.lua")] {
        let dir = Scratch::new(&format!("full{option}"));
        std::os::unix::fs::symlink("/dev/full", dir.0.join(file)).expect("a link");
        let (status, out, err) = th(&dir.0, &[option, "."], "");
        assert!(status == Some(1) && err.contains(&format!("th: {option}: cannot write /")), "{out}{err}");
        assert!(err.contains(&format!("{file}: No space left on device")), "{err}");
    }
}

/// Makes a network, a checkpoint and an archive in the folder.
const FILES: &str = "require 'nn' torch.manualSeed(1)
    local net = nn.Sequential():add(nn.SpatialConvolution(3, 8, 3, 3, 1, 1, 1, 1)):add(nn.ReLU()):add(nn.View(-1):setNumInputDims(3))
    net:add(nn.Linear(8 * 16, 10))
    torch.save('net.t7', net)
    torch.save('checkpoint.t7', { net = net, epoch = 3, words = { 'a', 'b' }, step = function() return os.exit(7) end,
       weight = net:get(4).weight }, 'ascii')
    require('rekindle.models').save('m.npz', net:stateDict())";

#[test]
fn inspect_shows_what_files_hold() {
    let dir = Scratch::new("inspect");
    let path = dir.0.as_path();
    let run = |args: &[&str]| th(path, args, "");
    let (status, out, err) = run(&["-e", FILES]);
    assert!(status == Some(0), "{out}{err}");
    let (status, out, _) = run(&["inspect", "net.t7", "m.npz"]);
    assert_eq!(status, Some(0));
    for part in [
        "net.t7: a binary .t7 file",
        "3 -> 8, 3x3, pad 1x1",
        "128 -> 10",
        "1,514",
        "m.npz: a numpy archive",
        "float64 8x3x3x3",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (_, out, _) = run(&["inspect", "-input", "3x4x4", "checkpoint.t7"]);
    for part in
        ["epoch   3", "{ 'a', 'b' }", "which nothing runs", "input 1x3x4x4", "1x8x4x4", "3,456", "1x10", "1,280"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (status, out, _) = run(&["inspect", "-json", "net.t7"]);
    assert!(
        status == Some(0) && out.starts_with("{\"file\":\"net.t7\"") && out.contains("\"options\":\"128 -> 10\""),
        "{out}"
    );
    dir.write("m.json", &out);
    let (status, _, err) =
        run(&["-e", "local t = require './m.json' assert(#t.networks[1].modules == 5 and t.value.module)"]);
    assert!(status == Some(0), "{err}");
}

#[test]
fn inspect_tells_what_it_cannot_show() {
    let dir = Scratch::new("inspect-odd");
    dir.write("page.t7", "<!DOCTYPE html>\n<html></html>");
    dir.write("empty.t7", "");
    let (status, out, err) = th(&dir.0, &["inspect", "page.t7", "empty.t7", "none.t7"], "");
    assert!(status == Some(1) && out.is_empty(), "{out}");
    for part in ["<page.t7> is an HTML page", "<empty.t7> is an empty file", "cannot read <none.t7>"] {
        assert!(err.contains(part), "{part}: {err}");
    }
    for (args, expected) in [
        (&["inspect"][..], "th inspect ["),
        (&["inspect", "-what", "x"], "th inspect: unknown option -what"),
        (&["inspect", "-input"], "th inspect: -input needs a value"),
        (&["inspect", "-input", "0x3", "empty.t7"], "th inspect: \"0x3\" is no shape of an input"),
    ] {
        let (status, _, err) = th(&dir.0, args, "");
        assert!(status == Some(1) && err.starts_with(expected), "{err}");
    }
    // networks whose fields are not as their classes make them
    let code = "require 'nn'
        local function net() return nn.Sequential():add(nn.Linear(4, 4)) end
        local nets = { net(), net(), net(), net() }
        nets[1].modules[1].weight, nets[2].modules, nets[3].modules[1] = 'x', nil, 5
        nets[4]:add(nets[4])
        torch.save('malformed.t7', nets)";
    assert_eq!(th(&dir.0, &["-e", code], "").0, Some(0));
    let (status, out, err) = th(&dir.0, &["inspect", "-input", "4", "malformed.t7"], "");
    assert!(status == Some(0), "{out}{err}");
    for part in [
        "field 'weight' is a string",
        "table of modules is missing",
        "1: number",
        "2: nn.Sequential: it contains itself",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
}
