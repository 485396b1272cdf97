//! The folder of a store.
//!
//! ```text
//!   .dyad/
//!     dyad-store     "dyad store, format 1": says what the folder is, before anything in it is opened
//!     db/            the byte store
//!     …              what others keep beside it: search files, history
//! ```

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::layout::FORMAT;

const MARKER: &str = "dyad-store";
const MARKER_TEXT: &str = "dyad store, format ";

/// Makes or checks the folder and gives the place of the byte store in it.
///
/// # Errors
/// [`Error::Foreign`] when it holds files and is no store, [`Error::Format`] when a newer dyad wrote it, [`Error::Io`].
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(dir).map_err(|e| Error::io("create the folder", dir, e))?;
    let marker = dir.join(MARKER);
    let text = match fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            refuse_foreign(dir)?;
            String::new()
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(Error::damaged(format!("`{}` is no text", marker.display())));
        }
        Err(error) => return Err(Error::io("read", &marker, error)),
    };
    // Empty: a first start that was killed between making the file and writing it.
    if text.is_empty() {
        let write = || {
            let mut file = fs::File::create(&marker)?;
            writeln!(file, "{MARKER_TEXT}{FORMAT}")?;
            file.sync_all()
        };
        write().map_err(|e| Error::io("write", &marker, e))?;
    } else {
        let found = text.trim_end().strip_prefix(MARKER_TEXT).and_then(|number| number.parse().ok());
        check_format(dir, found.ok_or_else(|| Error::damaged(format!("`{}` does not say a format", marker.display())))?)?;
    }
    Ok(dir.join("db"))
}

/// Refuses formats newer than ours.
///
/// # Errors
/// [`Error::Format`].
pub(super) fn check_format(dir: &Path, found: u32) -> Result<(), Error> {
    if found > FORMAT {
        return Err(Error::Format { path: dir.to_owned(), found, supported: FORMAT });
    }
    Ok(())
}

fn refuse_foreign(dir: &Path) -> Result<(), Error> {
    let mut entries = fs::read_dir(dir).map_err(|e| Error::io("read the folder", dir, e))?;
    match entries.next() {
        None => Ok(()),
        Some(Ok(entry)) => Err(Error::Foreign { path: dir.to_owned(), file: entry.file_name().to_string_lossy().into_owned() }),
        Some(Err(error)) => Err(Error::io("read the folder", dir, error)),
    }
}
