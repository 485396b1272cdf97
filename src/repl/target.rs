//! The file that `.output` sends results to.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::session::format_of_output;

/// See the module.
pub(super) struct Target {
    pub path: PathBuf,
    file: File,
    /// Whether a result stands in it.
    written: bool,
}

impl Target {
    /// Makes the file, or makes it empty.
    ///
    /// # Errors
    /// When no format goes with its ending, or it can't be written.
    pub fn create(path: &Path) -> Result<Target, Diagnostic> {
        format_of_output(path)?;
        let file = File::create(path).map_err(|error| file_error("written", path, &error))?;
        Ok(Target { path: path.to_owned(), file, written: false })
    }

    /// Puts a result behind those before it, after a blank line if it is to stand `apart`.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put(&mut self, text: &[u8], apart: bool) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if apart && self.written {
            self.file.write_all(b"\n")?;
        }
        self.written = true;
        self.file.write_all(text)
    }
}

/// What is said of a file that could not be `done`.
pub(super) fn file_error(done: &str, path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::new(format!("the file `{}` could not be {done}: {error}", path.display()))
}
