//! The folder of a store.
//!
//! ```text
//!   .dyad/
//!     dyad-store     "dyad store, format 3": says what the folder is, before anything in it is opened
//!     db/            the byte store
//!     changes        how many changes were made, and the number of the process that has the store; locked by it
//!     …              what others keep beside it: search files, history
//! ```
//! The changes are counted because sled, when it finds wrong bytes in its log, goes on with what was before them and says
//! nothing. They are locked because sled's own lock outlives its database by some milliseconds, until its threads have ended:
//! whoever holds ours may wait for sled's.

use std::fs;
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use super::error::Error;
use super::layout::FORMAT;

/// The folder of the byte store.
pub(super) const DB: &str = "db";
const MARKER: &str = "dyad-store";
/// More than `changes` ever holds.
const LONGEST: u64 = 64;
const MARKER_TEXT: &str = "dyad store, format ";

/// Folders that a user may fill before there is a store.
const GIVEN: [&str; 3] = ["models", "ontologies", "prompts"];

/// Makes or checks the folder.
///
/// # Errors
/// [`Error::Foreign`] when it holds files and is no store, [`Error::Format`] when a newer dyad wrote it, [`Error::Io`].
pub(super) fn prepare(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(|e| Error::io("create the folder", dir, e))?;
    match marker(dir)? {
        // Empty: a first start that was killed between making the file and writing it.
        Marker::Missing => {
            if !dir.join(MARKER).exists() {
                refuse_foreign(dir)?;
            }
            write_marker(dir)?;
        }
        Marker::Format(found) => check_format(dir, found)?,
        Marker::Damaged => {
            return Err(Error::damaged(format!("`{}` does not say a format", dir.join(MARKER).display())));
        }
    }
    Ok(())
}

/// What the file that names the folder a store says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// It is not there, or empty.
    Missing,
    Damaged,
    Format(u32),
}

/// Reads the marker.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn marker(dir: &Path) -> Result<Marker, Error> {
    let marker = dir.join(MARKER);
    let text = match fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Marker::Missing),
        Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(Marker::Damaged),
        Err(error) => return Err(Error::io("read", &marker, error)),
    };
    let format = text.trim_end().strip_prefix(MARKER_TEXT).and_then(|number| number.parse().ok());
    Ok(if text.is_empty() { Marker::Missing } else { format.map_or(Marker::Damaged, Marker::Format) })
}

/// Writes the marker of the present format.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn write_marker(dir: &Path) -> Result<(), Error> {
    let marker = dir.join(MARKER);
    let write = || {
        let mut file = fs::File::create(&marker)?;
        writeln!(file, "{MARKER_TEXT}{FORMAT}")?;
        file.sync_all()
    };
    write().map_err(|e| Error::io("write", &marker, e))
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
    for entry in fs::read_dir(dir).map_err(|e| Error::io("read the folder", dir, e))? {
        let file = entry.map_err(|e| Error::io("read the folder", dir, e))?.file_name().to_string_lossy().into_owned();
        if !GIVEN.contains(&file.as_str()) {
            return Err(Error::Foreign { path: dir.to_owned(), file });
        }
    }
    Ok(())
}

/// Remembers, outside of the byte store, how many changes were made to it, and keeps other processes out.
#[derive(Debug)]
pub(super) struct Witness {
    file: fs::File,
    said: Option<u64>,
}

impl Witness {
    pub const FILE: &str = "changes";

    /// True when the folder has the file, with a number in it.
    pub fn speaks(dir: &Path) -> bool {
        fs::File::open(dir.join(Self::FILE)).is_ok_and(|mut file| Self::number(&mut file).is_some())
    }

    fn number(file: &mut fs::File) -> Option<u64> {
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).ok().and_then(|_| text.lines().next()?.parse().ok())
    }

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
            let mut text = String::new();
            let holder = file.read_to_string(&mut text).ok().and_then(|_| text.lines().nth(1)?.parse().ok());
            return Err(Error::Locked { path: dir.to_owned(), holder });
        }
        let said = Self::number(&mut file);
        let witness = Witness { file, said };
        witness.saw(witness.seen());
        Ok(witness)
    }

    /// What it said when it was opened, 0 when nothing.
    pub fn seen(&self) -> u64 {
        self.said.unwrap_or(0)
    }

    /// True when it was there with a number in it.
    pub fn spoke(&self) -> bool {
        self.said.is_some()
    }

    /// Refuses a byte store that lost changes.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn check(&self, changes: u64) -> Result<(), Error> {
        if changes >= self.seen() {
            return Ok(());
        }
        let (lost, all) = (self.seen() - changes, self.seen());
        Err(Error::damaged(format!("the last {lost} of {all} changes are gone; `dyad check --repair` goes on with what is left")))
    }

    /// Notes that change number `changes` is safe. Not being able to is no failure: then less is known, and nothing wrong. All
    /// numbers are of one length, so the file never grows and never holds part of an older one.
    pub fn saw(&self, changes: u64) {
        let mut file = &self.file;
        let _ = file.rewind().and_then(|()| file.write_all(format!("{changes:020}\n{:010}\n", std::process::id()).as_bytes()));
    }
}
