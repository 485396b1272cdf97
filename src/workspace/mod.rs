//! An opened store together with the towers, ontologies and prompt sets that statements use.
//!
//! Verbs ask it for clips with their vectors, for label texts as vectors, and for a search index; it knows where each
//! comes from (the store, a tower, a file) and keeps what was read.

mod audit;
mod clip;
mod clips;
mod free_text;
mod held;
mod indices;
mod lacking;
mod models;
mod names;
mod patience;
mod search;
mod sift;
mod stored;
mod texts;
mod towers;
mod windows;
mod wording;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::diagnostic::Diagnostic;
use crate::embedding::{BadVector, Embeddings, Incomparable};
use crate::encoder;
use crate::index;
use crate::store::{self, Store};

pub use audit::GraphFault;
pub use clips::{Clips, Loaded};
pub use models::{Home, Imported, ModelRef};
pub use patience::patiently;
pub use search::{Among, EXACT_BELOW, Search, Sought};
pub use sift::{ID, Known, Source, field_of, heeding, nothing_passes};
pub use stored::Stored;
pub use texts::{Prompts, TEXTS, spoken};
pub use windows::{SPAN, TRACK, holds_windows, windows_name};

/// Why the workspace could not give what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Diagnostic(#[from] Diagnostic),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Encoder(#[from] encoder::Error),
    #[error(transparent)]
    Index(#[from] index::Error),
    #[error("`{}`: {source}", path.display())]
    Audio { path: PathBuf, source: crate::audio::Error },
    #[error(transparent)]
    Vector(#[from] BadVector),
    #[error(transparent)]
    Incomparable(#[from] Incomparable),
    #[error("interrupted")]
    Cancelled,
}

/// See the module.
pub struct Workspace {
    store: Store,
    folders: encoder::ModelFolders,
    models: Mutex<BTreeMap<String, ModelRef>>,
    loaded: Mutex<Vec<Arc<Loaded>>>,
    texts: Mutex<held::Cache>,
    ontologies: Mutex<Option<Arc<Vec<crate::ontology::Ontology>>>>,
    /// Whether a tower ran since it was last asked.
    towers_ran: std::sync::atomic::AtomicBool,
    /// Sentences for the result of the statement that runs.
    said: Mutex<Vec<String>>,
    /// Open indices by name, the last used first.
    indices: Mutex<Vec<(String, Arc<index::Flat>)>>,
    no_index_files: bool,
    filtered: Mutex<search::Filtered>,
    /// (table, key) → a number that cannot be kept in the store.
    remembered: Mutex<BTreeMap<(String, String), f64>>,
}

impl Workspace {
    /// Opens the store in `dir` (made if there is none). `models` are folders to look for models in before the usual ones.
    ///
    /// # Errors
    /// When the store is locked, damaged or of another make.
    pub fn open(dir: &Path, models: &[PathBuf]) -> Result<Workspace, Error> {
        Ok(Workspace::over(Store::open(dir)?, models))
    }

    /// A workspace over an open store.
    pub fn over(store: Store, models: &[PathBuf]) -> Workspace {
        Workspace {
            folders: encoder::ModelFolders::new(models, store.dir()),
            store,
            models: Mutex::default(),
            loaded: Mutex::default(),
            texts: Mutex::default(),
            ontologies: Mutex::default(),
            towers_ran: Default::default(),
            said: Mutex::default(),
            indices: Mutex::default(),
            no_index_files: false,
            filtered: Mutex::default(),
            remembered: Mutex::default(),
        }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The store's folder, or the snapshot file, as text, for provenance.
    pub fn place(&self) -> String {
        self.store.place().map_or_else(|| "memory".to_owned(), |dir| dir.display().to_string())
    }

    /// The backend that ran a tower since the last call, if one did: part of a result's provenance.
    pub fn backend_used(&self) -> Option<String> {
        let ran = self.towers_ran.swap(false, std::sync::atomic::Ordering::Relaxed);
        ran.then(|| encoder::runtime::backend().ok()).flatten().map(|backend| backend.to_string())
    }

    /// What a result must say of what was asked for since the last call: the collection that was chosen, the texts that a model
    /// does not read to the end.
    pub fn said(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.said))
    }

    /// Leaves a sentence for the result; one is enough.
    fn say(&self, sentence: String) {
        let mut said = lock(&self.said);
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    }

    fn note_tower(&self) {
        self.towers_ran.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// A folder beside the store's own bytes.
    pub(crate) fn beside(&self, name: &str) -> Option<PathBuf> {
        self.store.dir().map(|dir| dir.join(name))
    }
}

/// What a mutex guards here is a cache: one that a panicking thread left is as good as another.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The rows of `embeddings` at `rows`, or all of them.
pub fn chosen(embeddings: &Arc<Embeddings>, rows: Option<&[usize]>) -> Arc<Embeddings> {
    match rows {
        Some(rows) => Arc::new(embeddings.select(rows)),
        None => Arc::clone(embeddings),
    }
}
