//! The search files beside the store: which are sound, which are not, which are missing.
//!
//! They are a cache: whatever is wrong with one, it is made again when a search needs it.

use std::path::PathBuf;

use super::indices::{file_name, is_search_file};
use super::{Error, Workspace};
use crate::embedding::Modality;
use crate::index::{self, Flat};

/// What is wrong with a search file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphFault {
    /// There is none for this space (collection, space).
    Missing { collection: String, space: String },
    /// It belongs to rows that are gone, or an earlier version made it.
    Stale { file: PathBuf },
    /// Its bytes are not those that were written, or it is no search file.
    Bad { file: PathBuf, collection: Option<String>, fault: String },
}

impl Workspace {
    /// Reads every search file and holds it against the space that it is of. Nothing is changed.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn audit_graphs(&self) -> Result<Vec<GraphFault>, Error> {
        let Some(dir) = self.beside("index") else { return Ok(Vec::new()) };
        let mut faults = Vec::new();
        let mut known = Vec::new();
        for collection in self.store.collections()? {
            for space in &collection.spaces {
                let file = dir.join(file_name(&collection.name, space));
                known.push(file.clone());
                let bad =
                    |fault: String| GraphFault::Bad { file: file.clone(), collection: Some(collection.name.clone()), fault };
                // Each row is held against its checksums.
                let read = Flat::open(&file, &space.fingerprint)
                    .and_then(|flat| flat.map(|flat| flat.rows().map(|_| (flat.len(), flat.dim()))).transpose());
                match read {
                    Ok(None) if space.key.space.modality == Modality::Audio => {
                        let (collection, space) = (collection.name.clone(), space.key.to_string());
                        faults.push(GraphFault::Missing { collection, space });
                    }
                    Ok(None) => {}
                    Ok(Some((rows, dim))) if rows as u64 == space.rows && dim == space.dim => {}
                    Ok(Some((rows, _))) => faults.push(bad(format!("it has {rows} rows, the space has {}", space.rows))),
                    // Of earlier rows: the next search goes on from it.
                    Err(index::Error::Stale { .. }) => {}
                    Err(error) => faults.push(bad(error.to_string())),
                }
            }
        }
        let mut others: Vec<PathBuf> =
            std::fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
        // What others put there is theirs; `.tmp` is what a build that was killed left.
        let ours = |file: &PathBuf| is_search_file(file) || file.extension().is_some_and(|end| end == "tmp");
        others.retain(|file| ours(file) && !known.contains(file));
        others.sort();
        faults.extend(others.into_iter().map(|file| GraphFault::Stale { file }));
        Ok(faults)
    }
}
