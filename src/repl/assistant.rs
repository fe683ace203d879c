//! What helps while a line is typed: names that continue it, hints from the history, colours.

use super::{colours, terminal};
use crate::Host;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use std::borrow::Cow;

/// The helper of the line editor.
pub struct Assistant<'h> {
    host: &'h Host,
    hints: HistoryHinter,
}

impl<'h> Assistant<'h> {
    /// One that asks this host for names.
    pub fn new(host: &'h Host) -> Assistant<'h> {
        Assistant { host, hints: HistoryHinter::new() }
    }
}

impl Helper for Assistant<'_> {}
impl Validator for Assistant<'_> {}

impl Hinter for Assistant<'_> {
    type Hint = String;
    fn hint(&self, line: &str, pos: usize, ctx: &Context) -> Option<String> {
        // the editor asks for a hint before it draws, and draws before it reads
        terminal::ends_lines();
        // several lines of an older chunk would move what stands below
        self.hints.hint(line, pos, ctx).filter(|h| !h.contains('\n'))
    }
}

impl Highlighter for Assistant<'_> {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        Cow::Owned(colours::line(line, pos))
    }
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(format!("\x1b[1;34m{prompt}\x1b[0m"))
    }
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }
    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::ForcedRefresh
    }
}

impl Completer for Assistant<'_> {
    type Candidate = String;
    fn complete(&self, line: &str, pos: usize, _: &Context) -> rustyline::Result<(usize, Vec<String>)> {
        let head = line.get(..pos).unwrap_or(line);
        let (found, replaced): (Vec<String>, usize) = self.host.call("complete", head).unwrap_or_default();
        Ok((head.len().saturating_sub(replaced), found))
    }
}
