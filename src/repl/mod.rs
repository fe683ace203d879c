//! The interactive session: line editing, history, completion of names, printing of results.

use crate::Host;
use crate::lua::raw::{interrupt, take_interrupt};
use anyhow::anyhow;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};
use std::path::PathBuf;

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

/// Makes Ctrl-C stop the running chunk: at its next call of a row, or at the next hook where it makes none. A second one
/// that comes before the first had any effect (a loop that LuaJIT has compiled, a long kernel) ends the process.
///
/// # Errors
/// When Lua refuses the hook.
pub fn watch_interrupts(host: &Host) -> anyhow::Result<()> {
    let asked = || {
        if interrupt() {
            eprintln!("\nth: interrupted twice, leaving");
            std::process::exit(130);
        }
    };
    // a second handler cannot be set; then Ctrl-C keeps its old meaning
    if ctrlc::set_handler(asked).is_err() {
        return Ok(());
    }
    let every = mlua::HookTriggers::new().every_nth_instruction(10_000);
    host.lua()
        .set_global_hook(every, |_, _| match take_interrupt() {
            true => Err(mlua::Error::runtime("interrupted!")),
            false => Ok(mlua::VmState::Continue),
        })
        .map_err(|e| anyhow!("{e}"))
}

/// Reads, runs and prints until Ctrl-D or `os.exit`.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(host: &Host) -> anyhow::Result<()> {
    println!(
        "Rekindle {}: Torch7 in one binary. Ctrl-D leaves, Tab completes, ?name explains.",
        env!("CARGO_PKG_VERSION")
    );
    let mut editor: Editor<Assistant, DefaultHistory> =
        Editor::with_config(Config::builder().auto_add_history(true).max_history_size(10_000)?.build())?;
    // after the editor, which installs a handler of its own that only notes the signal
    watch_interrupts(host)?;
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
                take_interrupt();
                if let Err(e) = host.run("interact", line) {
                    eprintln!("{e:#}");
                }
            }
            Err(ReadlineError::Interrupted) => println!("(Ctrl-D leaves)"),
            Err(ReadlineError::Eof) => return Ok(()),
            Err(e) => return Err(e.into()),
        }
    }
}
