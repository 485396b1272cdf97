//! The folder of a store.
//!
//! ```text
//!   .dyad/
//!     dyad-store     "dyad store, format 1": says what the folder is, before anything in it is opened
//!     db/            the byte store
//!     changes        how many changes were made; locked by the process that has the store
//!     …              what others keep beside it: search files, history
//! ```
//! The changes are counted because sled, when it finds wrong bytes in its log, goes on with what was before them and says
//! nothing. They are locked because sled's own lock outlives its database by some milliseconds, until its threads have ended:
//! whoever holds ours may wait for sled's.

use std::fs;
use std::io::{ErrorKind, Read, Seek, Write};
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

/// Remembers, outside of the byte store, how many changes were made to it, and keeps other processes out.
#[derive(Debug)]
pub(super) struct Witness {
    file: fs::File,
    path: PathBuf,
    /// What it said when it was opened.
    seen: u64,
}

impl Witness {
    const FILE: &str = "changes";

    /// Opens the file, makes it when it is not there. One that says nothing has seen nothing.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(Self::FILE);
        let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(|e| Error::io("open", &path, e))?;
        // Where the file system has no locks, sled's refusal is left to say it.
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::Locked { path: dir.to_owned() });
        }
        let mut text = String::new();
        let seen = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok()).unwrap_or(0);
        Ok(Witness { file, path, seen })
    }

    /// Refuses a byte store that lost changes.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn check(&self, changes: u64) -> Result<(), Error> {
        if changes >= self.seen {
            return Ok(());
        }
        let (lost, path) = (self.seen - changes, self.path.display());
        Err(Error::damaged(format!(
            "the last {lost} of {} changes are gone; without `{path}` it opens with what is left",
            self.seen
        )))
    }

    /// Notes that change number `changes` is safe. Not being able to is no failure: then less is known, and nothing wrong. All
    /// numbers are of one length, so the file never grows and never holds part of an older one.
    pub fn saw(&self, changes: u64) {
        let mut file = &self.file;
        let _ = file.rewind().and_then(|()| file.write_all(format!("{changes:020}\n").as_bytes()));
    }
}
