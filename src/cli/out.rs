//! Standard output and standard error, whose reader may go away: `dyad … | head`.
//!
//! A program whose reader is gone ends there, quietly and with the exit code that a shell gives to SIGPIPE.

use std::io::{self, Write};

/// 128 + SIGPIPE.
const READER_GONE: i32 = 141;

/// Standard output.
pub fn stdout() -> impl Write {
    Piped(io::stdout().lock())
}

/// Writes to standard error; where that fails there is nobody to tell.
pub fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

struct Piped<W>(W);

impl<W: Write> Write for Piped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        noticed(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        noticed(self.0.flush())
    }
}

fn noticed<T>(result: io::Result<T>) -> io::Result<T> {
    if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        std::process::exit(READER_GONE);
    }
    result
}
