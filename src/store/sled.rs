//! The byte store in a folder: sled 0.34.
//!
//! One tree, a batch and a `flush` for each commit. Nothing that was flushed is lost to `kill -9`, and what survives is a
//! prefix of what was written (tried by killing; sled 1.0-alpha does not keep that).

use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::key_value::{Batch, Entry, KeyValue};

/// Bytes that sled may keep in memory.
const CACHE_BYTES: u64 = 64 << 20;

/// A folder that sled keeps.
pub struct Sled {
    db: ::sled::Db,
    path: PathBuf,
}

impl Sled {
    /// Opens the folder, makes it when it is not there.
    ///
    /// # Errors
    /// [`Error::Locked`] at once when another process (or this one) has it open; [`Error::Damaged`] and [`Error::Io`] as
    /// sled reports them.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // No flusher thread: a commit flushes itself, and what is between commits may be lost.
        let config =
            ::sled::Config::new().path(path).cache_capacity(CACHE_BYTES).mode(::sled::Mode::LowSpace).flush_every_ms(None);
        let db = config.open().map_err(|error| {
            // sled wraps the refusal of the file lock in a text.
            if error.to_string().contains("could not acquire lock") {
                return Error::Locked { path: path.to_owned() };
            }
            fault("open", path, error)
        })?;
        Ok(Sled { db, path: path.to_owned() })
    }

    fn fault(&self, doing: &'static str, error: ::sled::Error) -> Error {
        fault(doing, &self.path, error)
    }
}

fn fault(doing: &'static str, path: &Path, error: ::sled::Error) -> Error {
    match error {
        ::sled::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
            Error::damaged(format!("`{}`: {source}", path.display()))
        }
        ::sled::Error::Io(source) => Error::io(doing, path, source),
        ::sled::Error::Corruption { .. } => Error::damaged(format!("sled found wrong bytes in `{}`", path.display())),
        ::sled::Error::Unsupported(message) | ::sled::Error::ReportableBug(message) => Error::Backend { message },
        ::sled::Error::CollectionNotFound(_) => Error::damaged(format!("sled misses a tree in `{}`", path.display())),
    }
}

impl KeyValue for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.db.get(key).map_err(|e| self.fault("read from", e))?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }

    fn put_batch(&self, batch: Batch) -> Result<(), Error> {
        let mut writes = ::sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.db.apply_batch(writes).map_err(|e| self.fault("write to", e))
    }

    fn scan_prefix<'a>(&'a self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + 'a> {
        Box::new(self.db.scan_prefix(prefix).map(|entry| {
            let (key, value) = entry.map_err(|e| self.fault("read from", e))?;
            Ok((key.to_vec(), value.to_vec()))
        }))
    }

    fn flush(&self) -> Result<(), Error> {
        self.db.flush().map(|_| ()).map_err(|e| self.fault("flush", e))
    }

    fn clear(&self) -> Result<(), Error> {
        self.db.clear().map_err(|e| self.fault("clear", e))
    }
}
