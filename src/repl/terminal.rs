//! The terminal's input: lines that are read without an editor, and how lines end in what is typed ahead.

use rustyline::error::ReadlineError;
use std::io::{IsTerminal, Write};

/// Whether lines are edited: not in files and pipes, nor on terminals that cannot move the cursor.
pub(super) fn is_edited() -> bool {
    let plain =
        std::env::var("TERM").is_ok_and(|t| ["dumb", "cons25", "emacs"].iter().any(|p| t.eq_ignore_ascii_case(p)));
    !plain && std::io::stdin().is_terminal()
}

/// Has Enter end a line while the editor has the terminal to itself, as it does at all other times.
///
/// The editor asks for a carriage return instead. What is typed ahead then stays with the terminal, for the program that is about
/// to run, which would see no line there.
#[cfg(unix)]
pub(super) fn ends_lines() {
    use rustix::termios::{InputModes, OptionalActions, tcgetattr, tcsetattr};
    let input = rustix::stdio::stdin();
    if let Ok(mut modes) = tcgetattr(input)
        && !modes.input_modes.contains(InputModes::ICRNL)
    {
        modes.input_modes |= InputModes::ICRNL;
        // a terminal that is gone is noticed by whoever reads next
        let _ = tcsetattr(input, OptionalActions::Now, &modes);
    }
}

#[cfg(not(unix))]
pub(super) fn ends_lines() {}

/// Up to one byte of the input, without taking more from it.
#[cfg(unix)]
fn byte() -> std::io::Result<Option<u8>> {
    let mut byte = [0];
    Ok((rustix::io::read(rustix::stdio::stdin(), &mut byte)? == 1).then_some(byte[0]))
}

#[cfg(not(unix))]
fn byte() -> std::io::Result<Option<u8>> {
    use std::io::Read;
    let mut byte = [0];
    Ok((std::io::stdin().read(&mut byte)? == 1).then_some(byte[0]))
}

/// The next line as it stands there, with nothing behind it read.
pub(super) fn plain_line(prompt: &str) -> Result<String, ReadlineError> {
    if std::io::stdin().is_terminal() {
        let mut out = std::io::stdout().lock();
        out.write_all(prompt.as_bytes())?;
        out.flush()?;
    }
    let mut line = vec![];
    loop {
        match byte() {
            Ok(Some(b'\n')) => break,
            Ok(Some(b)) => line.push(b),
            Ok(None) if line.is_empty() => return Err(ReadlineError::Eof),
            Ok(None) => break,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => return Err(ReadlineError::Interrupted),
            Err(e) => return Err(e.into()),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}
