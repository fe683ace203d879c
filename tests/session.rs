//! The session, as a user has it: the built binary in a pseudo-terminal.
#![cfg(unix)]

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
        let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).expect("a pseudo-terminal");
        let end = || pair.slave.try_clone().expect("the terminal's other end");
        let mut th = Command::new(env!("CARGO_BIN_EXE_th"));
        th.env("TREPL_HISTORY", &history).env("TERM", "xterm").env("NO_COLOR", "1");
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
        let begun = Instant::now();
        while !self.text().contains(what) {
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

    /// Leaves with Ctrl-D.
    fn leave(mut self) -> String {
        self.types("\x04");
        assert!(self.child.wait().expect("an end").success());
        std::fs::remove_file(&self.history).ok();
        self.text()
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
