//! The session, as a user has it: the built binary in a pseudo-terminal.
#![cfg(unix)]

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A running session, and what it has written so far.
struct Session {
    terminal: File,
    child: Child,
    seen: Arc<Mutex<String>>,
    history: PathBuf,
}

impl Session {
    fn new(name: &str) -> Session {
        let history = std::env::temp_dir().join(format!("rekindle-session-{name}-{}", std::process::id()));
        Session::with(history, &[])
    }

    /// One with this history and environment.
    fn with(history: PathBuf, environment: &[(&str, &str)]) -> Session {
        let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).expect("a pseudo-terminal");
        // th itself would keep its terminal alive, and not notice when it is gone
        for end in [&pair.master, &pair.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("an end that is this process's");
        }
        let end = || pair.slave.try_clone().expect("the terminal's other end");
        let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
        th.env("TREPL_HISTORY", &history).env("TERM", "xterm").env("NO_COLOR", "1");
        th.env_remove("TREPLSTARTUP").env("HOME", std::env::temp_dir()).envs(environment.iter().copied());
        let child = th.stdin(end()).stdout(end()).stderr(end()).spawn().expect("th runs");
        let seen = Arc::new(Mutex::new(String::new()));
        let (mut reader, text) = (File::from(pair.master.try_clone().expect("a reader")), seen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                text.lock().expect("a text").push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        });
        let session = Session { terminal: File::from(pair.master), child, seen, history };
        session.wait("th> ");
        session
    }

    fn text(&self) -> String {
        self.seen.lock().expect("a text").clone()
    }

    /// Waits until this has been written.
    fn wait(&self, what: &str) {
        self.wait_times(what, 1);
    }

    /// Waits until this has been written so often.
    fn wait_times(&self, what: &str, times: usize) {
        let begun = Instant::now();
        while self.text().matches(what).count() < times {
            assert!(begun.elapsed() < Duration::from_secs(60), "no {what:?} in {:?}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn types(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).expect("the terminal takes it");
    }

    fn interrupt(&self) {
        kill(Pid::from_raw(self.child.id().try_into().expect("a process")), Signal::SIGINT).expect("a signal");
    }

    /// Leaves with Ctrl-D, and takes the history away.
    fn leave(self) -> String {
        let history = self.history.clone();
        let text = self.end("\x04");
        std::fs::remove_file(history).ok();
        text
    }

    /// Leaves by typing this.
    fn end(mut self, how: &str) -> String {
        self.types(how);
        let begun = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no end after {:?}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(self.child.wait().expect("an end").success());
        self.text()
    }
}

/// A test that fails leaves no session behind.
impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[test]
fn nothing_typed_while_a_command_runs_is_lost() {
    let mut s = Session::new("ahead");
    s.types("sys.sleep(0.5)\ra = 20\rb = 22\r'sum ' .. a + b\rfor i = 7, 8 do\rio.write('n', i, '\\n')\rend\r");
    s.wait("\nsum 42");
    s.wait("\nn7");
    s.wait("\nn8");
    assert!(s.leave().contains("..> "));
}

#[test]
fn lines_behind_a_command_that_reads_are_its_input() {
    for (i, (term, enter)) in [("xterm", "\r"), ("xterm", "\n"), ("dumb", "\r")].into_iter().enumerate() {
        let history = std::env::temp_dir().join(format!("rekindle-session-read{i}-{}", std::process::id()));
        let mut s = Session::with(history, &[("TERM", term)]);
        let mut types = |lines: &[&str], what: &str| {
            s.types(&(lines.join(enter) + enter));
            s.wait(what);
        };
        types(&["x = io.read()", "hello there", "'got ' .. x"], "got hello there");
        types(&["a, b = io.stdin:read('*n', '*L')", "25 words", "'sum ' .. a + 1 .. b .. '.'"], "sum 26 words\r\n.");
        types(&["for i = 1, 2 do", "io.write('\\n<', io.read(), '>\\n')", "end", "one", "two"], "<two>");
        types(
            &[
                "for l in io.lines() do if l == '' then break end c = (c or 0) + #l end",
                "three",
                "four",
                "",
                "'length ' .. c",
            ],
            "length 9",
        );
        types(&["os.execute('read line; echo child got $line')", "a line"], "child got a line");
        types(
            &["io.write('be', 'gun\\n') sys.sleep(0.3)", "y = io.read()", "typed ahead", "'y is ' .. y"],
            "y is typed ahead",
        );
        types(&["'still ' .. 'here'"], "still here");
        s.leave();
    }
}

#[test]
fn a_line_begun_before_a_command_reads_it_is_ended_behind() {
    let mut s = Session::new("begun");
    s.types("io.write('be', 'gun\\n') z = io.read()\rhel");
    s.wait("\nbegun");
    s.types("lo\r'z is ' .. z\r");
    s.wait("\nz is hello");
    s.leave();
}

#[test]
fn pasted_lines_behind_a_command_that_reads_are_its_input() {
    let mut s = Session::new("paste-read");
    s.types("\x1b[200~x = io.read()\nhello there\n'got ' .. x\ny = io.read()\x1b[201~\rfrom the keys\r'y is ' .. y\r");
    s.wait("\ngot hello there");
    s.wait("\ny is from the keys");
    s.types(
        "\x1b[200~n, rest, other = io.stdin:read('*n', '*l', '*l')\n12 apples\x1b[201~\rtyped\rn .. rest .. other\r",
    );
    s.wait("\n12 applestyped");
    s.types("\x1b[200~io.read('*q')\n'after' .. ' it'\x1b[201~\r");
    s.wait("stdin:1: io.read: expected *l, *L, *n, *a or a number of bytes, got *q");
    s.wait("\nafter it");
    s.leave();
}

#[test]
fn pasted_lines_run_each_and_share_their_locals() {
    let mut s = Session::new("paste");
    s.types("\x1b[200~'one ' .. 1\n'two ' .. 2\x1b[201~\r");
    s.wait("\none 1");
    s.wait("\ntwo 2");
    s.types("\x1b[200~local q = 5\n'six ' .. q + 1\x1b[201~\r");
    s.wait("\nsix 6");
    s.leave();
}

#[test]
fn a_value_that_cannot_be_shown_is_told_with_the_programs_frames() {
    let mut s = Session::new("unshown");
    s.types("odd = setmetatable({}, { __tostring = function() error('no' .. ' text') end })\r");
    s.types("odd\rlocal x = 1 return odd\r'still ' .. 'here'\r");
    s.wait("\nstill here");
    let text = s.leave();
    assert!(text.matches("stdin:1: no text").count() >= 2, "{text}");
    assert!(!text.contains("rekindle/"), "{text}");
}

#[test]
fn the_end_typed_while_a_command_runs_is_not_lost() {
    let mut s = Session::new("end-ahead");
    s.types("io.write('be', 'gun\\n') sys.sleep(0.4)\r");
    s.wait("\nbegun");
    s.leave();
    // behind other lines
    for (i, term) in ["xterm", "dumb"].into_iter().enumerate() {
        let history = std::env::temp_dir().join(format!("rekindle-session-end{i}-{}", std::process::id()));
        let mut s = Session::with(history, &[("TERM", term)]);
        s.types("io.write('be', 'gun\\n') sys.sleep(0.4)\r");
        s.wait("\nbegun");
        s.types("'read ' .. io.read()\rtwo\r'one ' .. 1\r");
        let text = s.leave();
        assert!(text.contains("one 1") && text.contains("read two"), "{text}");
    }
    // Ctrl-Space is none
    let mut s = Session::new("no-end");
    s.types("\0io.write('be', 'gun\\n') sys.sleep(0.4)\r");
    s.wait("\nbegun");
    s.types("'and ' .. 'still'\r");
    s.wait("\nand still");
    s.types("\0'here ' .. 1\r");
    s.wait("\nhere 1");
    s.leave();
}

#[test]
fn a_semicolon_silences_and_results_are_kept() {
    let mut s = Session::new("silence");
    s.types("'hid' .. 'den';\r'kept ' .. _RESULT\r$ echo from the shell | tr a-z A-Z\r'last ' .. _LAST\r");
    s.wait("\nkept hidden");
    s.wait("\nFROM THE SHELL");
    s.wait("\nlast FROM THE SHELL");
    let text = s.leave();
    assert!(!text.contains("\nhidden"), "{text}");
    assert!(text.contains("s]"), "no time in {text}");
}

#[test]
fn interrupts_stop_sleep_and_keep_variables() {
    let mut s = Session::new("interrupt");
    s.types("kept = 'still' .. ' here'\rio.write('be', 'gun\\n') sys.sleep(600)\r");
    s.wait("\nbegun");
    std::thread::sleep(Duration::from_millis(100));
    s.interrupt();
    s.wait("interrupted!");
    s.types("kept\r");
    s.wait("\nstill here");
    s.leave();
}

#[test]
fn tab_completes_methods_and_files_and_not_an_empty_word() {
    let mut s = Session::new("tab");
    s.types("m = {1, {weight = 'found' .. ' it'}}\rm[2].we\t\r('abc'):le\t()\rtorch.manualS\t(1)\r");
    s.wait("\nfound it");
    s.wait("\n3");
    s.types("\t'em' .. 'pty'\r");
    s.wait("\nempty");
    s.leave();
}

#[test]
fn an_interrupt_at_a_plain_prompt_does_nothing() {
    let history = std::env::temp_dir().join(format!("rekindle-session-plain-{}", std::process::id()));
    let mut s = Session::with(history, &[("TERM", "dumb")]);
    for i in 1..=4 {
        s.interrupt();
        s.wait_times("(Ctrl-D leaves)", i);
    }
    s.types("io.write('be', 'gun\\n') io.read()\r");
    s.wait("\nbegun");
    s.interrupt();
    s.wait("interrupted!");
    s.types("'still ' .. 'here'\r");
    s.wait("\nstill here");
    s.leave();
}

#[test]
fn interrupts_stop_whatever_is_busy() {
    let mut s = Session::new("busy");
    let busy = [
        "while true do end",
        "local n = 0 for i = 1, 1e15 do n = n + i % 3 end",
        "io.read()",
        "local x = torch.ones(10) while true do x:add(1) end",
        "local t = {} for i = 1, 3e6 do t[i] = { i } end io.write('ma', 'de\\n') return t",
        "coroutine.wrap(function() while true do end end)()",
        "local m = torch.ones(6000, 6000) for i = 1, 99 do torch.mm(m, m) end",
    ];
    for (i, code) in busy.iter().enumerate() {
        s.types(&format!("io.write('be', 'gun{i}\\n') {code}\r"));
        s.wait(&format!("\nbegun{i}"));
        std::thread::sleep(Duration::from_millis(300));
        s.interrupt();
        s.wait_times("interrupted!", i + 1);
        s.types(&format!("'alive ' .. {i}\r"));
        s.wait(&format!("\nalive {i}"));
    }
    s.leave();
}

#[test]
fn a_third_interrupt_ends_a_program_that_goes_on() {
    let mut s = Session::new("third");
    s.types("io.write('be', 'gun\\n') while true do pcall(function() while true do end end) end\r");
    s.wait("\nbegun");
    s.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    s.interrupt();
    s.wait("a third Ctrl-C ends th");
    s.interrupt();
    s.wait("interrupted three times, leaving");
    assert_eq!(s.child.wait().expect("an end").code(), Some(130));
    std::fs::remove_file(&s.history).ok();
}

#[test]
fn the_history_is_there_in_the_next_session_and_can_be_searched() {
    let mut s = Session::new("history");
    let history = s.history.clone();
    s.types("'first ' .. 1\r'second ' .. 2\r");
    s.wait("\nsecond 2");
    s.end("exit\r");
    let mut s = Session::with(history.clone(), &[]);
    // the last line, then a search
    s.types("\x1b[A\r");
    s.wait("\nsecond 2");
    s.types("\x12firs\r");
    s.wait("\nfirst 1");
    s.leave();
}

#[test]
fn a_startup_file_is_run_and_its_error_is_told() {
    let dir = std::env::temp_dir().join(format!("rekindle-startup-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let file = dir.join(".thrc");
    std::fs::write(&file, "started = 'by ' .. 'a file'\nerror 'in the file'\n").expect("a file");
    let (home, name) = (dir.to_str().expect("a name"), file.to_str().expect("a name"));
    for environment in [("TREPLSTARTUP", name), ("HOME", home)] {
        let mut s = Session::with(dir.join("history"), &[environment]);
        s.types("started\r");
        s.wait("\nby a file");
        assert!(s.leave().contains("in the file"));
    }
    std::fs::remove_dir_all(&dir).ok();
}

#[test]
fn tab_completes_names_of_files_inside_strings() {
    let dir = std::env::temp_dir().join(format!("rekindle-files-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join("weights-of-the-net.txt"), "").expect("a file");
    let mut s = Session::new("files");
    s.types(&format!("#'{}/weig\t'\r", dir.display()));
    s.wait(&format!("\n{}", dir.join("weights-of-the-net.txt").display().to_string().len()));
    s.leave();
    std::fs::remove_dir_all(&dir).ok();
}

#[test]
fn a_session_has_its_functions() {
    let mut s = Session::new("functions");
    s.types("nn.Tanh()\r");
    s.wait("stdin:1: attempt to index global 'nn' (a nil value)");
    s.wait("\nrequire 'nn' makes it");
    s.types("require 'nn';\rhelp(nn.Linear)\r");
    s.wait("The product with a matrix");
    s.types("mine = torch.ones(2, 3);\rwho()\r");
    s.wait("mine  DoubleTensor - size: 2x3");
    s.types("import 'paths'\rdirp '/'\r");
    s.wait("\ntrue");
    s.types("setprintlevel(1)\r{ a = { b = { } } }\r");
    s.wait("deeper than setprintlevel(1)");
    s.types("monitor_G()\rfresh = 1\r");
    s.wait("new global 'fresh'");
    s.types("m = torch.zeroes(3)\r");
    s.wait("did you mean torch.zeros?");
    s.end("break\r");
}
