//! The byte store in a folder: sled 0.34.
//!
//! One tree, a batch and a `flush` for each commit. Nothing that was flushed is lost to `kill -9`, and what survives is a
//! prefix of what was written (tried by killing; sled 1.0-alpha does not keep that).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::Error;
use super::key_value::{Batch, Entry, KeyValue};

/// Bytes that sled may keep in memory.
const CACHE_BYTES: u64 = 64 << 20;

/// After more bytes than these were written, the log is summed up when the store is closed.
const MUCH: u64 = 4 << 20;

/// How long a byte store that was just closed is waited for.
pub(super) const WAIT: Duration = Duration::from_millis(5);
pub(super) const MOST_WAITS: u32 = 400;

/// A folder that sled keeps. The fields are dropped in this order.
pub struct Sled {
    db: ::sled::Db,
    path: PathBuf,
    log: Log,
}

/// What was written since the store was opened. sled goes through its whole log since its last snapshot when it is opened
/// (60 ms for 100,000 clips) and then leaves a snapshot: the one who wrote much does that, not the one who opens it next.
struct Log {
    path: PathBuf,
    written: AtomicU64,
    /// What the first write that failed said.
    failed: OnceLock<String>,
}

impl Drop for Log {
    fn drop(&mut self) {
        // After a write that failed, sled keeps its files.
        if *self.written.get_mut() > MUCH && self.failed.get().is_none() {
            Sled::wait_until_closed(&self.path);
            // Whatever is wrong is told at the next opening.
            let _ = call("open", &self.path, || config(&self.path).open());
        }
    }
}

fn config(path: &Path) -> ::sled::Config {
    // No flusher thread: a commit flushes itself, and what is between commits may be lost.
    ::sled::Config::new().path(path).cache_capacity(CACHE_BYTES).mode(::sled::Mode::LowSpace).flush_every_ms(None)
}

impl Sled {
    /// Opens the folder, makes it when it is not there.
    ///
    /// # Errors
    /// [`Error::Locked`] at once when another process (or this one) has it open; [`Error::Damaged`] and [`Error::Io`] as
    /// sled reports them.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // sled would make a new log, and lose what the old one's files still tell.
        if !path.join("db").exists() && has_files(path) {
            return Err(Error::damaged(format!("`{}` is missing", path.join("db").display())));
        }
        let db = call("open", path, || config(path).open()).map_err(|error| match error {
            // sled wraps the refusal of the file lock in a text.
            Error::Io { source, .. } if source.to_string().contains("could not acquire lock") => {
                Error::Locked { path: path.to_owned(), holder: None }
            }
            other => other,
        })?;
        let log = Log { path: path.to_owned(), written: AtomicU64::new(0), failed: OnceLock::new() };
        Ok(Sled { db, path: path.to_owned(), log })
    }

    /// Waits until a byte store that was dropped has let go of its files; its threads take some milliseconds. Not for ever: who
    /// then opens or renames it hears what is wrong.
    pub(super) fn wait_until_closed(path: &Path) {
        for _ in 0..MOST_WAITS {
            let lock = std::fs::File::open(path.join("db")).map(|file| file.try_lock());
            if !matches!(lock, Ok(Err(std::fs::TryLockError::WouldBlock))) {
                break;
            }
            std::thread::sleep(WAIT);
        }
    }

    fn call<T>(&self, doing: &'static str, job: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Error> {
        call(doing, &self.path, job)
    }

    /// A call that writes. After one that failed, sled waits for ever in the next one, and in its end: so there is neither. Its
    /// files stay locked until the process ends.
    fn write<T>(&self, doing: &'static str, job: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Error> {
        if let Some(message) = self.log.failed.get() {
            return Err(Error::Backend { message: format!("a write before this one failed: {message}") });
        }
        self.call(doing, job).inspect_err(|error| {
            let _ = self.log.failed.set(error.to_string());
            std::mem::forget(self.db.clone());
        })
    }
}

/// True when the folder holds files that sled makes from its log.
fn has_files(path: &Path) -> bool {
    let blobs = std::fs::read_dir(path.join("blobs")).is_ok_and(|mut files| files.next().is_some());
    let mut entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    blobs || entries.any(|entry| entry.file_name().to_string_lossy().starts_with("snap."))
}

/// Runs a call into sled. Some wrong bytes make it panic: that is damage, and nothing of sled is used after it.
fn call<T>(doing: &'static str, path: &Path, job: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Error> {
    match crate::guard::guard(job) {
        Ok(result) => result.map_err(|error| fault(doing, path, error)),
        Err(_) => Err(Error::damaged(format!("sled gave up on the bytes in `{}`", path.display()))),
    }
}

fn fault(doing: &'static str, path: &Path, error: ::sled::Error) -> Error {
    match error {
        ::sled::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
            Error::damaged(format!("`{}`: {source}", path.display()))
        }
        // sled keeps large values in files of their own; it makes all its files itself.
        ::sled::Error::Io(source) if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {
            Error::damaged(format!("a file in `{}` is missing or cut", path.display()))
        }
        ::sled::Error::Io(source) => Error::io(doing, path, source),
        ::sled::Error::Corruption { .. } => Error::damaged(format!("sled found wrong bytes in `{}`", path.display())),
        // What it calls unsupported is what it cannot read: a `conf` with wrong bytes.
        ::sled::Error::Unsupported(message) => Error::damaged(format!("sled says of `{}`: {message}", path.display())),
        ::sled::Error::ReportableBug(message) => Error::Backend { message },
        ::sled::Error::CollectionNotFound(_) => Error::damaged(format!("sled misses a tree in `{}`", path.display())),
    }
}

impl KeyValue for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.call("read from", || self.db.get(key))?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }

    fn put_batch(&self, batch: Batch) -> Result<(), Error> {
        let mut writes = ::sled::Batch::default();
        for (key, value) in batch {
            let bytes = key.len() + value.as_ref().map_or(0, Vec::len);
            self.log.written.fetch_add(bytes as u64, Ordering::Relaxed);
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.write("write to", || self.db.apply_batch(writes))
    }

    fn scan_prefix<'a>(&'a self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + 'a> {
        let mut entries = self.db.scan_prefix(prefix);
        Box::new(std::iter::from_fn(move || {
            let entry = self.call("read from", || entries.next().transpose()).transpose()?;
            Some(entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
        }))
    }

    fn flush(&self) -> Result<(), Error> {
        self.write("flush", || self.db.flush()).map(|_| ())
    }

    fn clear(&self) -> Result<(), Error> {
        self.write("clear", || self.db.clear())
    }
}
