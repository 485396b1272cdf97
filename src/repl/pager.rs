//! Output longer than the terminal goes through `$PAGER`, or `less` as git calls it (quit if it fits, keep colours and
//! the screen).

use std::io::{self, Write};
use std::process::{Command, Stdio};

/// Shows `text` in the pager.
///
/// # Errors
/// The pager could not be started (126 and 127 are the shell's words for that); nothing has been shown then.
pub fn page(text: &[u8]) -> io::Result<()> {
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let mut command = Command::new("sh");
    command.args(["-c", pager.as_deref().unwrap_or("command -v less >/dev/null && exec less; exec cat")]);
    for (name, value) in [("LESS", "FRX"), ("LESSCHARSET", "utf-8")] {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // The reader may leave before the end: a broken pipe is no error.
        let _ = input.write_all(text);
    }
    match child.wait()?.code() {
        Some(code @ (126 | 127)) => Err(io::Error::other(format!("the pager could not be started ({code})"))),
        _ => Ok(()),
    }
}

/// True when `text` is longer than a terminal of this many rows, prompt and statement kept in sight.
pub fn is_long(text: &[u8], rows: usize) -> bool {
    text.iter().filter(|byte| **byte == b'\n').count() + 2 > rows
}
