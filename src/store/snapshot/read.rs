//! Reading a snapshot: into a new folder, or into any byte store.
//!
//! The folder is filled beside its place, under `.NAME.restoring`, and gets its name when all of it was read, found right, and
//! is on the disk. Chunks are checked before they are used; no more memory is taken than a chunk has bytes.

use std::fs;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};

use super::{CHUNK, DATA, END, ENTRIES, FILE, LONGEST, MAGIC, SUM, VERSION, checksum, is_own, not_whole, number};
use crate::progress::Progress;
use crate::store::catalog::Store;
use crate::store::error::{Error, Refused};
use crate::store::folder::{self, Witness};
use crate::store::key_value::{Entry, KeyValue};
use crate::store::layout::{self, key};
use crate::store::renew::{self, Filling};
use crate::store::sled::Sled;

/// What was read of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    pub entries: u64,
    pub files: u64,
}

impl Store {
    /// Makes the store in `dir`, which is not there or empty, from the snapshot `file`.
    ///
    /// # Errors
    /// [`Refused::Taken`]; [`Error::Snapshot`] when the file is no whole snapshot, or names a file outside of the store;
    /// [`Error::Format`] when a newer dyad made it; [`Error::Locked`] while another process restores to the same place;
    /// [`Error::Io`], [`Error::Cancelled`]. Then nothing is left.
    pub fn restore(file: &Path, dir: &Path, progress: &dyn Progress) -> Result<Restored, Error> {
        let input = fs::File::open(file).map_err(|e| Error::io("read", file, e))?;
        // A plain file or folder of somebody's is never touched; an empty folder takes the store in.
        let free = match fs::read_dir(dir) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        let dir = std::path::absolute(dir).map_err(|e| Error::io("find", dir, e))?;
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            return Err(Refused::Taken { path: dir }.into());
        };
        if !free {
            return Err(Refused::Taken { path: dir }.into());
        }
        fs::create_dir_all(parent).map_err(|e| Error::io("create the folder", parent, e))?;
        let work = parent.join(format!(".{}.restoring", name.to_string_lossy()));
        fs::create_dir_all(&work).map_err(|e| Error::io("create the folder", &work, e))?;
        let witness = Witness::open(&work)?;
        let fill = || {
            clear(&work)?;
            let kv = Sled::open(&renew::db(&work))?;
            let mut input = BufReader::with_capacity(CHUNK, input);
            let restored = restore_into(&mut input, file, &kv, Some(&work), progress)?;
            let changes =
                kv.get(key::CHANGES)?.map_or(Ok(0), |bytes| layout::decode(&bytes, || "the number of changes".into()))?;
            drop(kv);
            folder::write_marker(&work)?;
            witness.saw(changes);
            Ok(restored)
        };
        let filled = fill();
        Sled::wait_until_closed(&renew::db(&work));
        let placed = filled.and_then(|restored| {
            renew::sync(&work)?;
            // Onto an empty folder, or nothing: a folder with files in it refuses.
            fs::rename(&work, &dir).map_err(|e| Error::io("rename to", &dir, e))?;
            renew::sync(parent)?;
            Ok(restored)
        });
        if placed.is_err() {
            let _ = fs::remove_dir_all(&work);
        }
        drop(witness);
        placed
    }
}

/// Removes what a restore that was killed left, but for the lock.
fn clear(work: &Path) -> Result<(), Error> {
    let io = |e: io::Error| Error::io("remove", work, e);
    for entry in fs::read_dir(work).map_err(io)? {
        let entry = entry.map_err(io)?;
        match entry.file_type().map_err(io)? {
            kind if kind.is_dir() => fs::remove_dir_all(entry.path()).map_err(io)?,
            _ if entry.file_name() == Witness::FILE => {}
            _ => fs::remove_file(entry.path()).map_err(io)?,
        }
    }
    Ok(())
}

/// Reads a snapshot into an empty byte store, and its files into the folder `files` if there is one. `file` is its name in
/// messages.
///
/// # Errors
/// As [`Store::restore`]; what was read so far is there then.
pub fn restore_into(
    input: &mut dyn Read,
    file: &Path,
    kv: &dyn KeyValue,
    files: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Restored, Error> {
    let mut chunks = Chunks { input, file, number: 0 };
    let head = chunks.take(16)?;
    if head.get(..8) != Some(&MAGIC[..]) {
        return Err(not_whole(file, "it does not begin as one"));
    }
    let version = number(&head, 8);
    if version != VERSION {
        return Err(not_whole(file, format!("it has version {version}, expected {VERSION}")));
    }
    folder::check_format(file, number(&head, 12))?;
    progress.begin("restoring", None);
    let mut filling = Filling::new(kv, progress);
    let mut restored = Restored::default();
    let mut open: Option<(fs::File, PathBuf)> = None;
    loop {
        let chunk = chunks.next()?;
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let (kind, content) = chunk.split_first().ok_or_else(|| not_whole(file, "it has an empty chunk"))?;
        match *kind {
            ENTRIES => {
                for entry in entries(content) {
                    filling.put(entry.ok_or_else(|| not_whole(file, "an entry is cut"))?)?;
                    restored.entries += 1;
                }
            }
            FILE => {
                close(open.take())?;
                restored.files += 1;
                let path = inside(content).ok_or_else(|| {
                    not_whole(file, format!("it names `{}`, which is no place in a store", String::from_utf8_lossy(content)))
                })?;
                open = files.map(|dir| create(&dir.join(path))).transpose()?;
            }
            DATA => {
                if let Some((out, path)) = &mut open {
                    out.write_all(content).map_err(|e| Error::io("write", path, e))?;
                }
            }
            END => {
                close(open.take())?;
                let promised = [restored.entries.to_le_bytes(), restored.files.to_le_bytes()].concat();
                if content != promised {
                    return Err(not_whole(file, "it holds another number of entries than it says"));
                }
                break;
            }
            other => return Err(not_whole(file, format!("it has a chunk of kind {other}"))),
        }
    }
    chunks.expect_end()?;
    filling.end()?;
    let format = kv.get(key::FORMAT)?.ok_or_else(|| not_whole(file, "it does not say the format of its entries"))?;
    folder::check_format(file, layout::decode(&format, || "the format".into())?)?;
    progress.end();
    Ok(restored)
}

fn create(path: &Path) -> Result<(fs::File, PathBuf), Error> {
    let io = |e: io::Error| Error::io("create", path, e);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io)?;
    }
    Ok((fs::File::create_new(path).map_err(io)?, path.to_owned()))
}

fn close(open: Option<(fs::File, PathBuf)>) -> Result<(), Error> {
    open.map_or(Ok(()), |(file, path)| file.sync_all().map_err(|e| Error::io("flush", &path, e)))
}

/// The path of a file, when it lies in the store and is none of the store's own.
pub(super) fn inside(bytes: &[u8]) -> Option<PathBuf> {
    let path = Path::new(std::str::from_utf8(bytes).ok()?);
    let first = path.components().next()?;
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    (plain && !is_own(first.as_os_str()) && !bytes.contains(&0)).then(|| path.components().collect())
}

/// The entries of a chunk; `None` for one that is cut, the last then.
fn entries(mut rest: &[u8]) -> impl Iterator<Item = Option<Entry>> + '_ {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = (|| {
            let (head, content) = rest.split_at_checked(8)?;
            let (key, content) = content.split_at_checked(number(head, 0) as usize)?;
            let (value, content) = content.split_at_checked(number(head, 4) as usize)?;
            rest = content;
            Some((key.to_vec(), value.to_vec()))
        })();
        if entry.is_none() {
            rest = &[];
        }
        Some(entry)
    })
}

struct Chunks<'a> {
    input: &'a mut dyn Read,
    file: &'a Path,
    number: u64,
}

impl Chunks<'_> {
    /// Reads so many bytes; takes memory only for those that are there.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(length.min(CHUNK + 64));
        self.input.take(length as u64).read_to_end(&mut bytes).map_err(|e| Error::io("read", self.file, e))?;
        if bytes.len() < length {
            return Err(not_whole(self.file, format!("it is cut in chunk {}", self.number)));
        }
        Ok(bytes)
    }

    fn next(&mut self) -> Result<Vec<u8>, Error> {
        let head = self.take(4 + SUM)?;
        let length = number(&head, 0) as usize;
        if length > LONGEST {
            return Err(not_whole(self.file, format!("chunk {} has an impossible length", self.number)));
        }
        let chunk = self.take(length)?;
        if checksum(self.number, &chunk) != head[4..] {
            return Err(not_whole(self.file, format!("chunk {} has a wrong checksum", self.number)));
        }
        self.number += 1;
        Ok(chunk)
    }

    fn expect_end(&mut self) -> Result<(), Error> {
        let mut more = [0];
        match self.input.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(not_whole(self.file, "it goes on after its end")),
            Err(error) => Err(Error::io("read", self.file, error)),
        }
    }
}
