//! The interactive session: line editing, history, completion of names, printing of results.

mod assistant;
mod colours;
mod end;
mod terminal;

use crate::Host;
use crate::host::text;
use crate::lua::raw::{begin, end as rest, watch};
use anyhow::anyhow;
use assistant::Assistant;
use end::End;
use rustyline::error::ReadlineError;
use rustyline::history::{DefaultHistory, History};
use rustyline::{ColorMode, CompletionType, Config, Editor};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Where the lines of earlier sessions are kept: `TREPL_HISTORY`, or a file in the home directory.
pub fn history_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TREPL_HISTORY").filter(|p| !p.is_empty()) {
        return Some(path.into());
    }
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".rekindle_history"))
}

/// What was typed in earlier sessions, oldest first.
pub fn history() -> Vec<String> {
    let mut lines = DefaultHistory::new();
    let there = history_file().is_some_and(|h| lines.load(&h).is_ok());
    if there { lines.iter().cloned().collect() } else { vec![] }
}

/// What a session runs when it begins: `TREPLSTARTUP`, or `.thrc` in the home directory where that exists.
pub fn startup_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TREPLSTARTUP").filter(|p| !p.is_empty()) {
        return Some(path.into());
    }
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".thrc")).filter(|f| f.is_file())
}

/// Whether what is written there may have colours.
pub fn has_colours(stream: &impl IsTerminal) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    !unwanted && !dumb && stream.is_terminal()
}

/// Makes Ctrl-C stop the program that runs, and the session go on. After a second one it says that it stops as soon as it can,
/// and a third ends the process.
///
/// # Errors
/// When the system takes no handler.
pub fn watch_interrupts(host: &Host) -> anyhow::Result<()> {
    watch(host.lua()).map_err(|e| anyhow!("{e}"))
}

type Lines<'h> = Editor<Assistant<'h>, DefaultHistory>;

/// Moves to the start of a line, with output that lacks its newline left where it is: as many blanks as a line is wide
/// end on the same line only where that was empty.
fn fresh_line(width: usize) {
    let mut out = std::io::stdout().lock();
    // a terminal that is gone is noticed when the next line is read
    let _ = write!(out, "{:width$}\r", "").and_then(|()| out.flush());
}

/// Writes at the right how long a command took.
fn tell_time(took: Duration, width: usize, coloured: bool) {
    let text = format!("[{:.4}s]", took.as_secs_f64());
    let at = width.saturating_sub(1);
    let (dim, plain) = if coloured { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    let _ = writeln!(std::io::stdout(), "{dim}{text:>at$}{plain}");
}

/// Reads lines until they are complete chunks. Nothing where they were given up with Ctrl-C.
fn read(editor: &mut Lines, host: &Host, end: &End) -> Result<Option<String>, ReadlineError> {
    let mut text = String::new();
    let edited = terminal::is_edited();
    loop {
        end.look();
        let prompt = if text.is_empty() { "th> " } else { "..> " };
        match if edited { editor.readline(prompt) } else { terminal::plain_line(prompt) } {
            Ok(line) => {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&line);
                let open: Option<mlua::LuaString> = host.call("open_part", text.as_str()).unwrap_or(None);
                if open.is_none() {
                    return Ok(Some(text));
                }
            }
            // what was begun is run, and tells what it lacks
            Err(ReadlineError::Eof) if !text.is_empty() => return Ok(Some(text)),
            Err(ReadlineError::Interrupted) => return Ok(None),
            Err(e) => return Err(e),
        }
    }
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
    let coloured = has_colours(&std::io::stdout());
    let config = Config::builder()
        .max_history_size(10_000)?
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .color_mode(if coloured { ColorMode::Enabled } else { ColorMode::Disabled })
        .build();
    let mut editor: Lines = Editor::with_config(config)?;
    // after the editor, which installs a handler of its own that only notes the signal
    watch_interrupts(host)?;
    editor.set_helper(Some(Assistant::new(host)));
    let end = End::default();
    let (key, handler) = end.binding();
    editor.bind_sequence(key, handler);
    let history = history_file();
    if let Some(h) = &history {
        // no history yet is fine
        let _ = editor.load_history(h);
    }
    if let Err(e) = host.run("session", (coloured, startup_file().map(|f| text(f.as_os_str())))) {
        eprintln!("{e:#}");
    }
    rest();
    loop {
        let typed = match read(&mut editor, host, &end) {
            Ok(Some(typed)) if typed.trim().is_empty() => continue,
            // as Torch7's th, where `break` went back to the program that had opened the session
            Ok(Some(typed)) if matches!(typed.trim(), "exit" | "quit" | "break") => return Ok(()),
            Ok(Some(typed)) => typed,
            Ok(None) => {
                println!("(Ctrl-D leaves)");
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        editor.add_history_entry(typed.as_str())?;
        if let Some(h) = &history {
            // a history that cannot be kept is no reason to stop
            let _ = editor.append_history(h);
        }
        begin();
        let begun = Instant::now();
        if let Err(e) = host.call::<()>("interact", typed) {
            eprintln!("{e:#}");
        }
        let took = begun.elapsed();
        rest();
        if let Some((width, _)) = editor.dimensions() {
            fresh_line(usize::from(width));
            tell_time(took, usize::from(width), coloured);
        }
    }
}
