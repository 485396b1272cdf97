//! The index of a space: the one at hand, the one in its file, one that grows from it, or a new one.
//!
//! ```text
//!   in memory? ─ file beside the store? ─ of these rows → open it
//!                                       ─ of earlier rows → compare, strike out and add; build again when much changed
//!                                       ─ damaged, foreign or none → build
//! ```
//! An index is a cache: it can always be made again from the store, and carries the fingerprint of the rows that it was made
//! from. Files of spaces that are gone are removed when one is written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Error, Workspace, lock};
use crate::embedding::Embeddings;
use crate::index::{self, Draft, Flat, Settings};
use crate::progress::Progress;
use crate::store::{Collection, SpaceInfo};

const SUFFIX: &str = ".flat";
/// Indices kept open between statements.
const KEPT: usize = 4;

impl Workspace {
    /// The index of a space, made if need be.
    ///
    /// # Errors
    /// When it can't be built or saved, or the user cancels.
    pub fn index(&self, collection: &Collection, info: &SpaceInfo, progress: &dyn Progress) -> Result<Arc<Flat>, Error> {
        if let Some(flat) = self.current_index(collection, info) {
            return Ok(flat);
        }
        let file = self.index_file(collection, info);
        let stopped = |error: Error| if progress.cancelled() { Error::Cancelled } else { error };
        // Whatever is wrong with the file, the index can be made again.
        let old = file.as_ref().and_then(|file| Flat::open_any(file).ok().flatten());
        let grown = match old.filter(|old| old.dim() == info.dim) {
            Some(old) => grow(&old, file.as_deref(), collection, info, progress).map_err(stopped)?,
            None => None,
        };
        let flat = match grown {
            Some(flat) => flat,
            None => build(file.as_deref(), collection, info, progress).map_err(stopped)?,
        };
        if let Some(file) = &file {
            self.remove_orphans(file);
        }
        Ok(self.keep(name(collection, info), flat))
    }

    /// The index of a space, if there is one of its present rows.
    pub fn current_index(&self, collection: &Collection, info: &SpaceInfo) -> Option<Arc<Flat>> {
        let name = name(collection, info);
        let fits = |flat: &Flat| *flat.identity() == info.fingerprint && flat.dim() == info.dim && flat.len() as u64 == info.rows;
        if let Some((_, flat)) = lock(&self.indices).iter().find(|(kept, flat)| *kept == name && fits(flat)) {
            return Some(Arc::clone(flat));
        }
        let file = self.index_file(collection, info)?;
        let flat = Flat::open(&file, &info.fingerprint).ok().flatten().filter(fits)?;
        Some(self.keep(name, flat))
    }

    /// Removes the index of a space, file and all.
    pub(super) fn forget_index(&self, collection: &Collection, info: &SpaceInfo) {
        let name = name(collection, info);
        lock(&self.indices).retain(|(kept, _)| *kept != name);
        if let Some(file) = self.index_file(collection, info) {
            let _ = std::fs::remove_file(file);
        }
    }

    /// Does without index files from now on: none is read and none is written.
    pub fn without_index_files(&mut self) {
        self.no_index_files = true;
    }

    /// Whether an index that is built serves later searches.
    pub fn keeps_indices(&self) -> bool {
        !self.no_index_files
    }

    fn keep(&self, name: String, flat: Flat) -> Arc<Flat> {
        let flat = Arc::new(flat);
        let mut kept = lock(&self.indices);
        kept.retain(|(other, _)| *other != name);
        kept.insert(0, (name, Arc::clone(&flat)));
        kept.truncate(KEPT);
        flat
    }

    /// None without a folder, and when index files are not wanted.
    fn index_file(&self, collection: &Collection, info: &SpaceInfo) -> Option<PathBuf> {
        let dir = self.beside("index").filter(|_| !self.no_index_files)?;
        Some(dir.join(name(collection, info)))
    }

    /// Removes index files of spaces that no longer are. They are a cache, so failing to is no harm.
    fn remove_orphans(&self, kept: &Path) {
        let Ok(collections) = self.store.collections() else { return };
        let named =
            |c: &crate::store::CollectionInfo| -> Vec<String> { c.spaces.iter().map(|s| file_name(&c.name, s)).collect() };
        let names: Vec<String> = collections.iter().flat_map(named).collect();
        let Some(dir) = kept.parent() else { return };
        for entry in std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_search_file(&entry.path()) && !names.contains(&name) && entry.path() != kept {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn name(collection: &Collection, info: &SpaceInfo) -> String {
    file_name(collection.name(), info)
}

/// True for the names of search files; `.hnsw` is what they were called once.
pub(super) fn is_search_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| [SUFFIX, ".hnsw"].iter().any(|end| name.to_string_lossy().ends_with(end)))
}

/// One file for each space of each collection.
pub(super) fn file_name(collection: &str, info: &SpaceInfo) -> String {
    let hash = blake3::hash(format!("{collection}\0{}\0{}", info.key, info.key.model_hash).as_bytes()).to_hex();
    format!("{}{SUFFIX}", hash.get(..32).unwrap_or_default())
}

/// The vectors of a space at unit length, some hundred at a time, until `take` gives an error.
fn each_block(
    collection: &Collection,
    info: &SpaceInfo,
    progress: &dyn Progress,
    mut take: impl FnMut(&[u64], Embeddings) -> Result<(), Error>,
) -> Result<SpaceInfo, Error> {
    let mut result = Ok(());
    progress.begin("reading vectors", Some(info.rows));
    let found = collection.each_block(&info.key, |info, seqs, rows| {
        if progress.cancelled() {
            result = Err(Error::Cancelled);
        } else if !seqs.is_empty() {
            let rows = Embeddings::from_rows(info.key.space.clone(), info.dim, rows.to_vec());
            result = rows.map_err(Error::from).and_then(|rows| take(seqs, rows));
            progress.advance(seqs.len() as u64);
        }
        result.is_ok()
    });
    progress.end();
    result?;
    Ok(found?)
}

fn build(file: Option<&Path>, collection: &Collection, info: &SpaceInfo, progress: &dyn Progress) -> Result<Flat, Error> {
    // Whoever asks for one thread gets the same file every time.
    let settings = Settings { serial: rayon::current_num_threads() == 1, ..Settings::default() };
    let mut draft = Draft::new(file, info.rows as usize, info.dim, info.fingerprint, settings.links)?;
    each_block(collection, info, progress, |seqs, rows| Ok(draft.push(seqs, rows.rows())?))?;
    Ok(draft.build(&settings, progress)?)
}

/// The index of the present rows from that of earlier ones; none when it had better be built.
fn grow(
    old: &Flat,
    file: Option<&Path>,
    collection: &Collection,
    info: &SpaceInfo,
    progress: &dyn Progress,
) -> Result<Option<Flat>, Error> {
    let mut kept = vec![false; old.stored()];
    let (mut seqs, mut rows) = (Vec::new(), Vec::new());
    let mut fresh: HashMap<u64, usize> = HashMap::new();
    let mut damaged = false;
    let enough = |new: usize| old.worn(new, 0);
    let read = each_block(collection, info, progress, |block, vectors| {
        for (i, &seq) in block.iter().enumerate() {
            let same = match old.row_of(seq) {
                // A row that is not what was written is no row to go on from.
                Some(row) => old.row(row).map(|stored| (stored == vectors.row(i)).then_some(row)),
                None => Ok(None),
            };
            match same {
                Ok(Some(row)) => kept.iter_mut().skip(row).take(1).for_each(|kept| *kept = true),
                Ok(None) => {
                    fresh.insert(seq, seqs.len());
                    seqs.push(seq);
                    rows.extend_from_slice(vectors.row(i));
                }
                Err(_) => damaged = true,
            }
        }
        // Reading on would be in vain.
        if damaged || enough(seqs.len()) { Err(Error::Cancelled) } else { Ok(()) }
    });
    match read {
        Err(Error::Cancelled) if !progress.cancelled() => return Ok(None),
        other => other?,
    };
    let gone: Vec<usize> = (0..old.stored()).filter(|&row| !kept[row] && old.seqs().get(row) != Some(&u64::MAX)).collect();
    if old.worn(seqs.len(), gone.len()) {
        return Ok(None);
    }
    let grown = || -> Result<Flat, index::Error> {
        let mut draft = Draft::from(old, file, info.fingerprint, &gone, seqs.len())?;
        draft.push(&seqs, &rows)?;
        draft.grow(old, progress)
    };
    match grown() {
        Err(index::Error::Damaged { .. }) => Ok(None),
        other => Ok(Some(other?)),
    }
}
