//! A new byte store in place of the old one: for compacting, and where the old one can no longer be written to.
//!
//! ```text
//!   db.new/    being written; removed at the next open
//!   db.whole/  written and safe on the disk: from here on it is the store
//!   db.old/    the one before, on its way out; removed at the next open
//!   db.damaged/  as it was before a repair that lost something; the user removes it
//! ```
//! [`finish`] renames `db.new` to `db.whole`, then `db` to `db.old`, then `db.whole` to `db`. A kill between any two of them
//! leaves what [`settle`] brings to the same end.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::progress::Progress;

use super::error::Error;
use super::folder;
use super::key_value::{Batch, Entry, KeyValue};
use super::sled::Sled;

const NEW: &str = "db.new";
const WHOLE: &str = "db.whole";
const OLD: &str = "db.old";
/// What the names of folders begin with that a repair keeps.
pub(super) const KEPT: &str = "db.damaged";
/// Most bytes and most entries of one batch of a copy.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_ENTRIES: usize = 1_000;

/// Opens an empty byte store in the store's folder `dir`, beside its own.
pub(super) fn begin(dir: &Path) -> Result<Sled, Error> {
    remove(&new(dir))?;
    Sled::open(&new(dir))
}

/// Puts the byte store that [`begin`] gave, now closed, in the place of the one before.
pub(super) fn finish(dir: &Path) -> Result<(), Error> {
    Sled::wait_until_closed(&dir.join(NEW));
    sync(&dir.join(NEW))?;
    rename(&dir.join(NEW), &dir.join(WHOLE))?;
    settle(dir)
}

/// Removes what [`begin`] made, as far as that is possible: the next open does the rest.
pub(super) fn abandon(dir: &Path) {
    Sled::wait_until_closed(&dir.join(NEW));
    let _ = fs::remove_dir_all(dir.join(NEW));
}

/// Ends what a kill may have left unfinished.
pub(super) fn settle(dir: &Path) -> Result<(), Error> {
    remove(&dir.join(NEW))?;
    if dir.join(WHOLE).exists() {
        if dir.join(folder::DB).exists() {
            remove(&dir.join(OLD))?;
            rename(&dir.join(folder::DB), &dir.join(OLD))?;
        }
        rename(&dir.join(WHOLE), &dir.join(folder::DB))?;
        sync(dir)?;
    }
    remove(&dir.join(OLD))
}

/// Keeps the byte store as it is beside itself before a repair that may lose some of it, and gives the folder. Files that sled
/// writes into are copied; those of large values are never changed, and take no place twice where the file system has links.
pub(super) fn keep(dir: &Path) -> Result<PathBuf, Error> {
    let (from, blobs) = (db(dir), Path::new("blobs"));
    let free = |number: &u32| !dir.join(kept(*number)).exists();
    let to = dir.join(kept((1..).find(free).unwrap_or(u32::MAX)));
    fs::create_dir_all(to.join(blobs)).map_err(|e| Error::io("make", &to, e))?;
    for folder in [Path::new(""), blobs] {
        let entries = fs::read_dir(from.join(folder)).into_iter().flatten().filter_map(Result::ok);
        for file in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
            let place = to.join(folder).join(file.file_name());
            if folder != blobs || fs::hard_link(file.path(), &place).is_err() {
                fs::copy(file.path(), &place).map_err(|e| Error::io("copy to", &place, e))?;
            }
        }
    }
    Ok(to)
}

fn kept(number: u32) -> String {
    if number == 1 { KEPT.to_owned() } else { format!("{KEPT}-{number}") }
}

/// Puts what [`keep`] kept back in its place.
pub(super) fn put_back(dir: &Path, kept: &Path) -> Result<(), Error> {
    Sled::wait_until_closed(&db(dir));
    remove(&db(dir))?;
    rename(kept, &db(dir))
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|e| Error::io("rename", from, e))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// Makes the names in a folder safe on the disk, where the system lets folders be opened.
pub(super) fn sync(dir: &Path) -> Result<(), Error> {
    match fs::File::open(dir).and_then(|file| file.sync_all()) {
        Err(error) if cfg!(unix) => Err(Error::io("flush", dir, error)),
        _ => Ok(()),
    }
}

/// Bytes of all files in a folder, as far as they can be told.
pub(super) fn size(dir: &Path) -> u64 {
    let mut folders = vec![dir.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => bytes += meta.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

/// The folder of the byte store that is being written.
pub(super) fn new(dir: &Path) -> PathBuf {
    dir.join(NEW)
}

/// The folder of the byte store.
pub(super) fn db(dir: &Path) -> PathBuf {
    dir.join(folder::DB)
}

/// Entries on their way into a byte store, batch by batch.
pub(super) struct Filling<'a> {
    to: &'a dyn KeyValue,
    progress: &'a dyn Progress,
    batch: Batch,
    bytes: usize,
    /// All entries so far.
    pub entries: u64,
}

impl<'a> Filling<'a> {
    pub fn new(to: &'a dyn KeyValue, progress: &'a dyn Progress) -> Self {
        Filling { to, progress, batch: Batch::default(), bytes: 0, entries: 0 }
    }

    /// # Errors
    /// [`Error::Cancelled`]; those of the byte store.
    pub fn put(&mut self, (key, value): Entry) -> Result<(), Error> {
        self.bytes += key.len() + value.len();
        self.entries += 1;
        self.batch.put(key, value);
        if self.bytes >= BATCH_BYTES || self.batch.len() >= BATCH_ENTRIES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), Error> {
        if self.progress.cancelled() {
            return Err(Error::Cancelled);
        }
        self.progress.advance(self.batch.len() as u64);
        self.bytes = 0;
        self.to.put_batch(std::mem::take(&mut self.batch))
    }

    /// Returns when all is safe.
    ///
    /// # Errors
    /// As [`Filling::put`].
    pub fn end(mut self) -> Result<u64, Error> {
        self.write()?;
        self.to.flush()?;
        Ok(self.entries)
    }
}
