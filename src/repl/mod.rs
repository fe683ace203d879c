//! The interactive session: line editing, history, completion of names, printing of results.

use crate::Host;
use anyhow::anyhow;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Set by Ctrl-C while a program runs; a Lua hook looks at it.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

struct Assistant<'h> {
    host: &'h Host,
}

impl Helper for Assistant<'_> {}
impl Highlighter for Assistant<'_> {}
impl Hinter for Assistant<'_> {
    type Hint = String;
}

impl Validator for Assistant<'_> {
    /// A chunk that only lacks its end goes on with the next line.
    fn validate(&self, ctx: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let incomplete = self.host.call("is_incomplete", ctx.input()).unwrap_or(false);
        Ok(if incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for Assistant<'_> {
    type Candidate = String;
    fn complete(&self, line: &str, pos: usize, _: &Context) -> rustyline::Result<(usize, Vec<String>)> {
        let head = line.get(..pos).unwrap_or(line);
        let start = head.rfind(|c: char| !(c.is_alphanumeric() || "_.:".contains(c))).map_or(0, |i| i + 1);
        let found: Vec<String> = self.host.call("complete", &head[start..]).unwrap_or_default();
        Ok((start, found))
    }
}

fn history_file() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".rekindle_history"))
}

/// Stops a running chunk at the next hook once Ctrl-C was pressed.
fn watch_interrupts(host: &Host) -> anyhow::Result<()> {
    // a second handler cannot be set; then Ctrl-C keeps its old meaning
    if ctrlc::set_handler(|| INTERRUPTED.store(true, Relaxed)).is_err() {
        return Ok(());
    }
    let every = mlua::HookTriggers::new().every_nth_instruction(10_000);
    host.lua()
        .set_global_hook(every, |_, _| {
            if INTERRUPTED.swap(false, Relaxed) {
                return Err(mlua::Error::runtime("interrupted!"));
            }
            Ok(mlua::VmState::Continue)
        })
        .map_err(|e| anyhow!("{e}"))
}

/// Reads, runs and prints until Ctrl-D or `os.exit`.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(host: &Host) -> anyhow::Result<()> {
    watch_interrupts(host)?;
    println!("Rekindle {}: Torch7 in one binary. Ctrl-D leaves, Tab completes.", env!("CARGO_PKG_VERSION"));
    let mut editor: Editor<Assistant, DefaultHistory> =
        Editor::with_config(Config::builder().auto_add_history(true).max_history_size(10_000)?.build())?;
    editor.set_helper(Some(Assistant { host }));
    let history = history_file();
    if let Some(h) = &history {
        // no history yet is fine
        let _ = editor.load_history(h);
    }
    loop {
        match editor.readline("th> ") {
            Ok(line) => {
                if let Some(h) = &history {
                    let _ = editor.append_history(h);
                }
                INTERRUPTED.store(false, Relaxed);
                if let Err(e) = host.call::<()>("interact", line) {
                    eprintln!("{e:#}");
                }
            }
            Err(ReadlineError::Interrupted) => println!("(Ctrl-D leaves)"),
            Err(ReadlineError::Eof) => return Ok(()),
            Err(e) => return Err(e.into()),
        }
    }
}
