//! A snapshot file as a byte store that is only read, by any number of processes, without being restored.
//!
//! ```text
//!   open   the head of each chunk, and its first key ─ a table: chunk ← first key
//!   get    key ─ the chunk whose first key is the last one not behind it ─ read, checksum right? ─ the entry in it
//! ```
//! So opening reads some bytes of each MiB. Entries stand in order of keys, and a chunk is used only after its checksum was found
//! right. That a key is not there is believed when the chunk behind says so too: a table with a wrong first key in it hides
//! nothing. The file is held open: one that is replaced by a rename stays as it was for who reads it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{DATA, END, ENTRIES, FILE, LONGEST, MAGIC, SUM, VERSION, checksum, number};
use crate::store::error::{Error, Refused};
use crate::store::folder;
use crate::store::key_value::{Batch, Entry, KeyValue};
use crate::store::layout::FORMAT;

/// Chunks kept in memory.
const KEPT: usize = 16;
/// Bytes read of each chunk when the file is opened, unless its first key is longer.
const PEEK: usize = 96;
/// Bytes of a chunk's length and checksum, and of an entry's two lengths.
const HEAD: usize = 4 + SUM;
const LENGTHS: usize = 8;

/// An open snapshot file.
pub(in crate::store) struct View {
    path: PathBuf,
    file: Mutex<File>,
    /// The chunks of entries, in order.
    chunks: Vec<Place>,
    /// The chunks of files: each with its path in the store.
    files: Vec<(PathBuf, Vec<Place>)>,
    /// The last used in front.
    kept: Mutex<VecDeque<Arc<Chunk>>>,
    identity: [u8; 32],
}

/// Where a chunk is, and the key that it begins with.
struct Place {
    number: u64,
    at: u64,
    length: usize,
    first: Vec<u8>,
}

/// Entries of a chunk whose checksum was right.
struct Chunk {
    place: usize,
    bytes: Vec<u8>,
    /// Where each key begins, where its value does, and where that ends.
    entries: Vec<[usize; 3]>,
}

impl Chunk {
    fn key(&self, entry: usize) -> &[u8] {
        self.entries.get(entry).and_then(|&[key, value, _]| self.bytes.get(key..value)).unwrap_or_default()
    }

    fn value(&self, entry: usize) -> &[u8] {
        self.entries.get(entry).and_then(|&[_, value, end]| self.bytes.get(value..end)).unwrap_or_default()
    }

    /// The first entry whose key is not before `key`.
    fn from(&self, key: &[u8]) -> usize {
        self.entries.partition_point(|&[from, to, _]| self.bytes.get(from..to).unwrap_or_default() < key)
    }
}

/// True when the file begins as a snapshot does.
pub(in crate::store) fn is_snapshot(path: &Path) -> bool {
    let mut magic = [0; MAGIC.len()];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok()) && magic == *MAGIC
}

impl View {
    /// Opens a snapshot file.
    ///
    /// # Errors
    /// [`Error::BadSnapshot`] when it is cut or its chunks do not follow each other, [`Error::Format`] when a newer dyad wrote it,
    /// [`Refused::OldSnapshot`] when an older one did, [`Error::Io`].
    pub fn open(path: &Path) -> Result<View, Error> {
        let mut file = File::open(path).map_err(|e| Error::io("read", path, e))?;
        let length = file.metadata().map_err(|e| Error::io("read", path, e))?.len();
        let head = read(&mut file, path, 0, 16)?;
        if head.len() < 16 || head.get(..MAGIC.len()) != Some(MAGIC) || number(&head, 8) != VERSION {
            return Err(damaged(path, format!("it does not begin as one of version {VERSION}")));
        }
        let format = number(&head, 12);
        folder::check_format(path, format)?;
        if format < FORMAT {
            return Err(Refused::OldSnapshot { path: path.to_owned(), found: format, present: FORMAT }.into());
        }
        let file = Mutex::new(file);
        let (chunks, files, identity) = (Vec::new(), Vec::new(), [0; 32]);
        let mut view = View { path: path.to_owned(), file, chunks, files, kept: Mutex::default(), identity };
        view.walk(length)?;
        Ok(view)
    }

    /// Differs for files that differ in any chunk.
    pub fn identity(&self) -> [u8; 32] {
        self.identity
    }

    /// The files that stood beside the byte store.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Reads file number `file`, a chunk at a time.
    ///
    /// # Errors
    /// [`Error::BadSnapshot`], [`Error::Io`]; those of `take`.
    pub fn read_file(&self, file: usize, take: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let places = self.files.get(file).map(|(_, places)| places.as_slice()).unwrap_or_default();
        places.iter().try_for_each(|place| take(self.content(place)?.get(1..).unwrap_or_default()))
    }

    /// Reads all chunks and holds them to their checksums.
    ///
    /// # Errors
    /// [`Error::BadSnapshot`], [`Error::Io`]; [`Error::Cancelled`].
    pub fn verify(&self, progress: &dyn crate::progress::Progress) -> Result<(), Error> {
        progress.begin("reading the snapshot", Some(self.chunks.len() as u64));
        for place in 0..self.chunks.len() {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            self.chunk(place)?;
            progress.advance(1);
        }
        progress.end();
        (0..self.files.len()).try_for_each(|file| self.read_file(file, &mut |_| Ok(())))
    }

    /// Goes from head to head until the end.
    fn walk(&mut self, length: u64) -> Result<(), Error> {
        let path = self.path.clone();
        let bad = |what: String| damaged(&path, what);
        let mut heads = blake3::Hasher::new();
        let (mut at, mut chunk) = (16u64, 0u64);
        loop {
            let cut = || bad(format!("it is cut in chunk {chunk}"));
            let mut peek = self.read(at, PEEK.min(usize::try_from(length.saturating_sub(at)).unwrap_or(PEEK)))?;
            let (start, size) = (at + HEAD as u64, number(&peek, 0) as usize);
            if peek.len() <= HEAD || start + size as u64 > length {
                return Err(cut());
            }
            if size == 0 || size > LONGEST {
                return Err(bad(format!("chunk {chunk} has an impossible length")));
            }
            heads.update(peek.get(..HEAD).unwrap_or_default());
            let kind = peek.get(HEAD).copied().unwrap_or_default();
            let mut place = Place { number: chunk, at, length: size, first: Vec::new() };
            match kind {
                ENTRIES => {
                    let key = number(&peek, HEAD + 1) as usize;
                    let from = HEAD + 1 + LENGTHS;
                    if 1 + LENGTHS + key > size {
                        return Err(bad(format!("chunk {chunk} is not what was written")));
                    }
                    if peek.len() < from + key {
                        peek = self.read(at, from + key)?;
                    }
                    place.first = peek.get(from..from + key).ok_or_else(cut)?.to_vec();
                    if self.chunks.last().is_some_and(|before| before.first >= place.first) {
                        return Err(bad(format!("chunk {chunk} is not what was written")));
                    }
                    self.chunks.push(place);
                }
                FILE => {
                    let content = self.content(&place)?;
                    let name = super::read::inside(content.get(1..).unwrap_or_default());
                    let name = name.ok_or_else(|| bad(format!("chunk {chunk} names no place in a store")))?;
                    self.files.push((name, Vec::new()));
                }
                DATA => match self.files.last_mut() {
                    Some((_, places)) => places.push(place),
                    None => return Err(bad(format!("chunk {chunk} belongs to no file"))),
                },
                END => {
                    let content = self.content(&place)?;
                    let files = (self.files.len() as u64).to_le_bytes();
                    if start + size as u64 != length || content.len() != 17 || content.get(9..) != Some(&files[..]) {
                        return Err(bad("its end does not fit what is before it".to_owned()));
                    }
                    self.identity = *heads.finalize().as_bytes();
                    return Ok(());
                }
                other => return Err(bad(format!("it has a chunk of kind {other}"))),
            }
            at = start + size as u64;
            chunk += 1;
        }
    }

    fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, Error> {
        read(&mut lock(&self.file), &self.path, at, length)
    }

    /// A chunk's bytes, found right.
    fn content(&self, place: &Place) -> Result<Vec<u8>, Error> {
        let mut bytes = self.read(place.at, HEAD + place.length)?;
        if bytes.len() < HEAD + place.length {
            return Err(damaged(&self.path, format!("it is cut in chunk {}", place.number)));
        }
        let content = bytes.split_off(HEAD);
        if checksum(place.number, &content) != bytes.get(4..).unwrap_or_default() {
            return Err(damaged(&self.path, format!("chunk {} has a wrong checksum", place.number)));
        }
        Ok(content)
    }

    /// A chunk of entries, none behind the last one.
    fn chunk(&self, place: usize) -> Result<Option<Arc<Chunk>>, Error> {
        let Some(at) = self.chunks.get(place) else { return Ok(None) };
        {
            let mut kept = lock(&self.kept);
            if let Some(found) = kept.iter().position(|chunk| chunk.place == place).and_then(|found| kept.remove(found)) {
                kept.push_front(Arc::clone(&found));
                return Ok(Some(found));
            }
        }
        let bytes = self.content(at)?;
        let mut chunk = Chunk { place, bytes, entries: Vec::new() };
        let wrong = || damaged(&self.path, format!("an entry of chunk {} is cut", at.number));
        let mut from = 1;
        while from < chunk.bytes.len() {
            let (key, value) = (number(&chunk.bytes, from) as usize, number(&chunk.bytes, from + 4) as usize);
            let ends = [from + LENGTHS, from + LENGTHS + key, from + LENGTHS + key + value];
            if ends[2] > chunk.bytes.len() {
                return Err(wrong());
            }
            chunk.entries.push(ends);
            from = ends[2];
        }
        let ordered = (1..chunk.entries.len()).all(|entry| chunk.key(entry - 1) < chunk.key(entry));
        if !ordered || chunk.key(0) != at.first {
            return Err(wrong());
        }
        let chunk = Arc::new(chunk);
        let mut kept = lock(&self.kept);
        kept.push_front(Arc::clone(&chunk));
        kept.truncate(KEPT);
        Ok(Some(chunk))
    }

    /// The chunk in which a key would stand, and the first entry not before it; the place may be behind the chunk's last.
    fn find(&self, key: &[u8]) -> Result<Option<(Arc<Chunk>, usize)>, Error> {
        let place = self.chunks.partition_point(|place| place.first.as_slice() <= key).saturating_sub(1);
        let Some(chunk) = self.chunk(place)? else { return Ok(None) };
        let entry = chunk.from(key);
        if entry < chunk.entries.len() {
            return Ok(Some((chunk, entry)));
        }
        // Nothing of it is here; the next one, read and found right, tells where it begins.
        Ok(self.chunk(place + 1)?.map(|next| {
            let entry = next.from(key);
            (next, entry)
        }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each use leaves it as good as it was.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Up to so many bytes; fewer at the end of the file.
fn read(file: &mut File, path: &Path, at: u64, length: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(length);
    let done = file.seek(SeekFrom::Start(at)).and_then(|_| file.take(length as u64).read_to_end(&mut bytes));
    done.map_err(|e| Error::io("read", path, e))?;
    Ok(bytes)
}

/// A file that cannot be used as the store that it was to be.
fn damaged(path: &Path, what: impl Into<String>) -> Error {
    Error::BadSnapshot { path: path.to_owned(), what: what.into() }
}

impl KeyValue for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let found = self.find(key)?.filter(|(chunk, entry)| chunk.key(*entry) == key && *entry < chunk.entries.len());
        Ok(found.map(|(chunk, entry)| chunk.value(entry).to_vec()))
    }

    fn put_batch(&self, _: Batch) -> Result<(), Error> {
        Err(Refused::ReadOnly { path: self.path.clone() }.into())
    }

    fn scan_prefix<'a>(&'a self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + 'a> {
        let prefix = prefix.to_vec();
        let mut at = self.find(&prefix).transpose();
        Box::new(std::iter::from_fn(move || {
            let (chunk, entry) = match at.take()? {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            let (key, value) = (chunk.key(entry), chunk.value(entry));
            if entry >= chunk.entries.len() || !key.starts_with(&prefix) {
                return None;
            }
            let found = (key.to_vec(), value.to_vec());
            at = match entry + 1 < chunk.entries.len() {
                true => Some(Ok((chunk, entry + 1))),
                false => self.chunk(chunk.place + 1).map(|next| next.map(|next| (next, 0))).transpose(),
            };
            Some(Ok(found))
        }))
    }

    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }

    fn clear(&self) -> Result<(), Error> {
        Err(Refused::ReadOnly { path: self.path.clone() }.into())
    }
}
