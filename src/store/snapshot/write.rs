//! Writing a snapshot.
//!
//! It is written to `FILE.partial` and gets its name when it is whole and on the disk.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::{CHUNK, DATA, END, ENTRIES, FILE, MAGIC, VERSION, checksum, is_own};
use crate::progress::Progress;
use crate::store::catalog::Store;
use crate::store::error::{Error, Refused};
use crate::store::layout::FORMAT;
use crate::store::renew;

/// What is in a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    pub entries: u64,
    pub files: u64,
    pub bytes: u64,
    /// What is beside the byte store and was left out: links, and what is no file.
    pub skipped: Vec<PathBuf>,
}

impl Store {
    /// Writes all of the store to the new file `file`. Changes wait until it is done.
    ///
    /// # Errors
    /// [`Refused::Taken`] when the file is there, or is being written; [`Error::Damaged`], [`Error::Io`]; [`Error::Cancelled`]. Then there is no
    /// such file.
    pub fn snapshot(&self, file: &Path, progress: &dyn Progress) -> Result<Written, Error> {
        let io = |doing: &'static str| move |e: io::Error| Error::io(doing, file, e);
        let name = file.file_name().ok_or_else(|| io("write")(ErrorKind::InvalidFilename.into()))?;
        if file.exists() {
            return Err(Refused::Taken { path: file.to_owned() }.into());
        }
        let parent = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let inside = |dir: &Path| Some(parent.canonicalize().ok()?.starts_with(dir.canonicalize().ok()?));
        if self.dir().and_then(inside).unwrap_or(false) {
            return Err(Refused::Within { path: file.to_owned() }.into());
        }
        let mut partial = name.to_owned();
        partial.push(".partial");
        let partial = parent.join(partial);
        let out = fs::OpenOptions::new().write(true).create(true).truncate(false).open(&partial).map_err(io("create"))?;
        // Held to the end. Who was waited for may have given its file the name: then it is that file that was opened.
        if matches!(out.try_lock(), Err(fs::TryLockError::WouldBlock)) || file.exists() {
            return Err(Refused::Taken { path: file.to_owned() }.into());
        }
        let write = || {
            out.set_len(0).map_err(io("create"))?;
            let mut buffered = BufWriter::with_capacity(CHUNK, &out);
            let mut written = self.snapshot_to(&mut buffered, progress)?;
            buffered.into_inner().map_err(|e| io("write")(e.into_error()))?;
            out.sync_all().map_err(io("flush"))?;
            written.bytes = out.metadata().map_err(io("read"))?.len();
            // A link is never put in the place of a file; where there are no links, a rename is the next best.
            match fs::hard_link(&partial, file) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(Refused::Taken { path: file.to_owned() }.into());
                }
                Err(_) => fs::rename(&partial, file).map_err(io("write"))?,
            }
            renew::sync(parent)?;
            Ok(written)
        };
        let done = write();
        let _ = fs::remove_file(&partial);
        drop(out);
        done.map_err(|error| match error {
            Error::Io { doing, path, source } if path.as_os_str().is_empty() => Error::io(doing, file, source),
            other => other,
        })
    }

    /// Writes all of the store as a snapshot to `out`.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub fn snapshot_to(&self, out: &mut dyn Write, progress: &dyn Progress) -> Result<Written, Error> {
        let _reading = self.inner.read();
        let mut chunks = Chunks { out, number: 0, progress };
        let head = [&MAGIC[..], &VERSION.to_le_bytes(), &FORMAT.to_le_bytes()].concat();
        chunks.raw(&head)?;
        let mut written = Written::default();
        progress.begin("writing the snapshot", None);
        let mut chunk = vec![ENTRIES];
        for entry in self.inner.kv.scan_prefix(b"") {
            let (key, value) = entry?;
            if chunk.len() + key.len() + value.len() + 8 > CHUNK && chunk.len() > 1 {
                chunks.put(&chunk)?;
                chunk.truncate(1);
            }
            chunk.extend_from_slice(&(key.len() as u32).to_le_bytes());
            chunk.extend_from_slice(&(value.len() as u32).to_le_bytes());
            chunk.extend_from_slice(&key);
            chunk.extend_from_slice(&value);
            written.entries += 1;
        }
        if chunk.len() > 1 {
            chunks.put(&chunk)?;
        }
        if let Some(dir) = self.dir() {
            let (files, skipped) = beside(dir)?;
            for file in files {
                chunks.file(dir, &file)?;
                written.files += 1;
            }
            written.skipped = skipped;
        }
        chunks.put(&[&[END][..], &written.entries.to_le_bytes(), &written.files.to_le_bytes()].concat())?;
        progress.end();
        Ok(written)
    }
}

struct Chunks<'a> {
    out: &'a mut dyn Write,
    number: u64,
    progress: &'a dyn Progress,
}

impl Chunks<'_> {
    fn raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        // The name of what is written to is put in where it is known.
        self.out.write_all(bytes).map_err(|e| Error::io("write", Path::new(""), e))
    }

    fn put(&mut self, chunk: &[u8]) -> Result<(), Error> {
        if self.progress.cancelled() {
            return Err(Error::Cancelled);
        }
        self.raw(&(chunk.len() as u32).to_le_bytes())?;
        self.raw(&checksum(self.number, chunk))?;
        self.raw(chunk)?;
        self.progress.advance(1);
        self.number += 1;
        Ok(())
    }

    fn file(&mut self, dir: &Path, file: &Path) -> Result<(), Error> {
        let io = |e: io::Error| Error::io("read", file, e);
        let name = file.strip_prefix(dir).unwrap_or(file);
        let parts: Vec<&str> = name.iter().filter_map(|part| part.to_str()).collect();
        self.put(&[&[FILE], parts.join("/").as_bytes()].concat())?;
        let mut reading = fs::File::open(file).map_err(io)?;
        loop {
            let mut chunk = vec![DATA];
            (&mut reading).take(CHUNK as u64).read_to_end(&mut chunk).map_err(io)?;
            if chunk.len() == 1 {
                return Ok(());
            }
            self.put(&chunk)?;
        }
    }
}

/// The files in the store's folder that are somebody's, and what is neither file nor folder or has no plain name.
fn beside(dir: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let io = |e: io::Error| Error::io("read the folder", &folder, e);
        for entry in fs::read_dir(&folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let (name, kind) = (entry.file_name(), entry.file_type().map_err(io)?);
            if folder == dir && is_own(&name) {
                continue;
            }
            match name.to_str() {
                Some(_) if kind.is_dir() => folders.push(entry.path()),
                Some(_) if kind.is_file() => files.push(entry.path()),
                _ => skipped.push(entry.path()),
            }
        }
    }
    files.sort();
    skipped.sort();
    Ok((files, skipped))
}
