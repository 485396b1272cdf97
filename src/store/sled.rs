//! The byte store in a folder: sled 0.34.
//!
//! One tree, a batch and a `flush` for each commit. Nothing that was flushed is lost to `kill -9`, and what survives is a
//! prefix of what was written (tried by killing; sled 1.0-alpha does not keep that).
//!
//! ```text
//!   call ─ so much went through? ─ all others out ─ flush ─ close ─ open ─ the last write is there? ─ the call
//! ```
//! sled counts a page above 128 KiB by the size of a pointer and so keeps our vector blocks in memory: closing it is what gives
//! them back. A scan therefore holds nothing of sled between its steps; it goes on behind its last key.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use super::error::{Error, plain};
use super::key_value::{Batch, Entry, KeyValue};

mod blobs;
mod scan;

use blobs::Blobs;
use scan::Scan;

/// Bytes that are free on the disk when a write is begun, beside what it takes: for segments and snapshots of sled.
const RESERVE: u64 = 16 << 20;
/// How often what is written may stand on the disk for a while.
const COPIES: u64 = 3;
/// Bytes that sled may keep in memory.
const CACHE_BYTES: u64 = 64 << 20;

/// After so many bytes of keys and values, read or written, sled is closed and opened again.
const REOPEN_BYTES: u64 = 256 << 20;

/// After more bytes than these were written, the log is summed up when the store is closed.
const MUCH: u64 = 32 << 10;

/// How long a byte store that was just closed is waited for.
pub(super) const WAIT: Duration = Duration::from_millis(5);
pub(super) const MOST_WAITS: u32 = 400;

/// A folder that sled keeps. The fields are dropped in this order.
pub struct Sled {
    /// Read by each call while it lasts, written by who opens it again. When that failed, what was said.
    db: RwLock<Result<::sled::Db, String>>,
    path: PathBuf,
    /// Bytes that went through since it was opened, and how many may.
    moved: AtomicU64,
    reopen_bytes: u64,
    /// The key that was written last.
    last: Mutex<Option<Vec<u8>>>,
    log: Log,
}

/// What was written since sled was opened. sled goes through its whole log since its last snapshot when it is opened
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
            let _ = open(&self.path);
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
        let log = Log { path: path.to_owned(), written: AtomicU64::new(0), failed: OnceLock::new() };
        Ok(Sled {
            db: RwLock::new(Ok(open(path)?)),
            path: path.to_owned(),
            moved: AtomicU64::new(0),
            reopen_bytes: REOPEN_BYTES,
            last: Mutex::new(None),
            log,
        })
    }

    /// True when the folder holds files of sled.
    pub(super) fn is_at(path: &Path) -> bool {
        ["conf", "db"].iter().any(|name| path.join(name).is_file()) || has_files(path)
    }

    /// The files in which sled sums up its log.
    pub(super) fn snapshots(path: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("snap.")).map(|entry| entry.path()).collect()
    }

    /// The same, closed and opened again each time so many bytes went through.
    #[must_use]
    pub fn reopening_after(mut self, bytes: u64) -> Self {
        self.reopen_bytes = bytes;
        self
    }

    /// Waits until a byte store that was dropped has let go of its files; its threads take some milliseconds. Not for ever: who
    /// then opens or renames it hears what is wrong.
    pub(super) fn wait_until_closed(path: &Path) {
        for _ in 0..MOST_WAITS {
            if !is_open(path) {
                break;
            }
            std::thread::sleep(WAIT);
        }
    }

    /// The files of pages for which sled would cut its log when it is opened, since they are not what was written.
    pub(super) fn damaged_pages(path: &Path) -> Vec<PathBuf> {
        Blobs::of(path).map_or_else(Vec::new, |blobs| blobs.damaged().cloned().collect())
    }

    /// Runs a call into sled, which it opens again before when that is due. Nobody keeps a lock beyond a call, so who opens it
    /// waits for calls only.
    fn with<T>(&self, job: impl FnOnce(&::sled::Db) -> Result<T, Error>) -> Result<T, Error> {
        // After a write that failed, sled can no longer be closed.
        if self.moved.load(Ordering::Relaxed) >= self.reopen_bytes && self.log.failed.get().is_none() {
            self.reopen()?;
        }
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        match &*db {
            Ok(db) => job(db),
            Err(message) => Err(Error::Backend { message: format!("it could not be opened again: {message}") }),
        }
    }

    /// A call that reads. sled may write at it, too, to give back memory: where the disk fails it is as after a write.
    fn call<T>(&self, doing: &'static str, job: impl FnOnce(&::sled::Db) -> ::sled::Result<T>) -> Result<T, Error> {
        self.with(|db| self.read(db, doing, || job(db)))
    }

    fn read<T>(&self, db: &::sled::Db, doing: &'static str, job: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Error> {
        let failed = |error: &Error| {
            if matches!(error, Error::Io { .. }) {
                self.fail(db, error)
            }
        };
        call(doing, &self.path, job).inspect_err(failed)
    }

    /// A call that writes. After one that failed, sled waits for ever in the next one, and in its end: so there is neither. Its
    /// files stay locked until the process ends.
    fn write<T>(&self, doing: &'static str, job: impl FnOnce(&::sled::Db) -> ::sled::Result<T>) -> Result<T, Error> {
        if let Some(message) = self.log.failed.get() {
            return Err(Error::Backend { message: format!("a write before this one failed: {message}") });
        }
        self.with(|db| call(doing, &self.path, || job(db)).inspect_err(|error| self.fail(db, error)))
    }

    /// Refuses a write for which the disk has no room. Where one runs out in a write, sled's log, its files of large values and its
    /// snapshot can end at different places, and the store has lost what lay between.
    fn make_sure_of_room(&self, bytes: usize) -> Result<(), Error> {
        // What cannot be asked is left to the write.
        let free = fs2::available_space(&self.path).unwrap_or(u64::MAX);
        let needed = RESERVE + COPIES * bytes as u64;
        if free >= needed {
            return Ok(());
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let what = format!("no space left: a write is begun with {} MiB free, and there are {}", mib(needed), free >> 20);
        Err(Error::io("write to", &self.path, io::Error::new(io::ErrorKind::StorageFull, what)))
    }

    fn fail(&self, db: &::sled::Db, error: &Error) {
        let _ = self.log.failed.set(error.to_string());
        std::mem::forget(db.clone());
    }

    /// Closes sled and opens it again. Where it cannot be flushed it stays open for who reads. sled goes on without the end of a
    /// log in which it finds wrong bytes: what was written last tells whether it did.
    fn reopen(&self) -> Result<(), Error> {
        let mut place = self.db.write().unwrap_or_else(PoisonError::into_inner);
        let moved = self.moved.swap(0, Ordering::Relaxed);
        if moved < self.reopen_bytes || self.log.failed.get().is_some() {
            // Somebody else did it, or could not.
            return Ok(());
        }
        let Ok(db) = &*place else { return Ok(()) };
        if let Err(error) = call("flush", &self.path, || db.flush()) {
            self.fail(db, &error);
            return Ok(());
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let written = |db: &::sled::Db| {
            let value = last.as_ref().map(|key| call("read from", &self.path, || db.get(key))).transpose();
            value.map(|value| value.flatten().map(|bytes| *blake3::hash(&bytes).as_bytes()))
        };
        // Who asks for it hears that it cannot be read.
        let Ok(before) = written(db) else { return Ok(()) };
        let closed = std::mem::replace(&mut *place, Err("it was closed".into()));
        let opened = call("close", &self.path, || {
            drop(closed);
            Ok(())
        })
        .and_then(|()| open_closed(&self.path))
        .and_then(|db| {
            let lost = written(&db)? != before;
            if lost { Err(Error::damaged(format!("what was written last to `{}` is gone", self.path.display()))) } else { Ok(db) }
        });
        let db = opened.inspect_err(|error| {
            let _ = self.log.failed.set(error.to_string());
            *place = Err(error.to_string());
        })?;
        // It left a snapshot.
        self.log.written.store(0, Ordering::Relaxed);
        *place = Ok(db);
        Ok(())
    }

    fn moves(&self, bytes: usize) {
        self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Whether somebody has it open, and may be writing.
fn is_open(path: &Path) -> bool {
    let lock = std::fs::File::open(path.join("db")).map(|file| file.try_lock());
    matches!(lock, Ok(Err(std::fs::TryLockError::WouldBlock)))
}

/// Opens the folder, makes it when it is not there.
fn open(path: &Path) -> Result<::sled::Db, Error> {
    // sled would make a new log, and lose what the old one's files still tell.
    if !path.join("db").exists() && has_files(path) {
        return Err(Error::damaged(format!("`{}` is missing", path.join("db").display())));
    }
    if !is_open(path) {
        remove_unfinished(path);
        if let Some(blobs) = Blobs::of(path) {
            blobs.sweep();
            if let Some(file) = blobs.damaged().next() {
                return Err(Error::damaged(format!("`{}` is not what was written", file.display())));
            }
        }
    }
    let db = call("open", path, || config(path).open()).map_err(|error| match error {
        // sled wraps the refusal of the file lock in a text.
        Error::Io { source, .. } if source.to_string().contains("could not acquire lock") => {
            Error::Locked { path: path.to_owned(), holder: None }
        }
        other => other,
    })?;
    // sled left another snapshot.
    if let Some(blobs) = Blobs::of(path) {
        blobs.sweep();
    }
    Ok(db)
}

/// Opens a folder that was just closed here. Others are kept out by the lock of the store's folder.
fn open_closed(path: &Path) -> Result<::sled::Db, Error> {
    Sled::wait_until_closed(path);
    for _ in 0..MOST_WAITS {
        match open(path) {
            // A process that is being spawned holds the locks of its parent for a moment.
            Err(Error::Locked { .. }) => std::thread::sleep(WAIT),
            other => return other,
        }
    }
    open(path)
}

/// Removes what a kill left half written. sled writes `snap.N.generating`, renames it to `snap.N` and then removes the one
/// before; but when it is opened it takes the last of all `snap.*` and would refuse the half of one, though the one before is
/// whole. It makes its `conf` in two writes, before its log. What cannot be removed is told by sled.
fn remove_unfinished(path: &Path) {
    match std::fs::metadata(path.join("db")) {
        Ok(_) => {
            let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
            for entry in entries.filter(|entry| is_half_a_snapshot(&entry.file_name().to_string_lossy())) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        // Nothing was ever stored.
        Err(error) if error.kind() == io::ErrorKind::NotFound => drop(std::fs::remove_file(path.join("conf"))),
        Err(_) => {}
    }
}

fn is_half_a_snapshot(name: &str) -> bool {
    name.starts_with("snap.") && name.ends_with(".generating")
}

/// True when the folder holds files that sled makes beside its log.
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
        ::sled::Error::Io(source) => Error::io(doing, path, plain(source)),
        ::sled::Error::Corruption { .. } => Error::damaged(format!("sled found wrong bytes in `{}`", path.display())),
        // What it calls unsupported is what it cannot read: a `conf` with wrong bytes.
        ::sled::Error::Unsupported(message) => Error::damaged(format!("sled says of `{}`: {message}", path.display())),
        ::sled::Error::ReportableBug(message) => Error::Backend { message },
        ::sled::Error::CollectionNotFound(_) => Error::damaged(format!("sled misses a tree in `{}`", path.display())),
    }
}

impl KeyValue for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.call("read from", |db| Ok(db.get(key)?.map(|bytes| bytes.to_vec())))?;
        self.moves(value.as_ref().map_or(0, Vec::len));
        Ok(value)
    }

    fn put_batch(&self, batch: Batch) -> Result<(), Error> {
        let mut writes = ::sled::Batch::default();
        let (mut bytes, mut last) = (0, None);
        for (key, value) in batch {
            bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            last = Some(key.clone());
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.make_sure_of_room(bytes)?;
        self.log.written.fetch_add(bytes as u64, Ordering::Relaxed);
        self.write("write to", |db| {
            db.apply_batch(writes)?;
            if last.is_some() {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
            }
            Ok(())
        })?;
        self.moves(bytes);
        Ok(())
    }

    fn scan_prefix<'a>(&'a self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + 'a> {
        Box::new(Scan::new(self, prefix))
    }

    fn flush(&self) -> Result<(), Error> {
        self.write("flush", |db| db.flush()).map(|_| ())
    }

    fn clear(&self) -> Result<(), Error> {
        self.write("clear", |db| {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
            db.clear()
        })
    }
}

#[cfg(test)]
mod tests;
