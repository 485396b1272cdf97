//! Nearest rows of a space: an exact scan, or the HNSW graph kept beside the store.
//!
//! The graph is a cache: its file is named after the space's fingerprint, so a changed space never meets an old graph, and
//! a file that is stale or damaged is built again. Files of spaces that are gone are removed when a graph is saved.

use std::path::Path;
use std::sync::Arc;

use super::{Clips, Error, Loaded, Workspace, lock};
use crate::index::{self, Exact, Graph, Hit, Hnsw, Index, RowSet};
use crate::progress::Progress;

/// From so many rows on a search uses the graph unless it is asked to be exact.
pub const EXACT_BELOW: usize = 50_000;
/// Stored vectors that are searched for to measure recall.
const RECALL_QUERIES: usize = 200;
/// Recall is measured at k.
const RECALL_K: usize = 10;

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Best first; rows are those of the loaded space.
    pub hits: Vec<Hit>,
    pub exact: bool,
    /// Recall@10 of the graph at this breadth against the exact scan, measured on stored vectors.
    pub recall: Option<f64>,
}

impl Workspace {
    /// The `k` rows nearest to `query` among the clips that passed their filter.
    ///
    /// # Errors
    /// When the graph can't be built or saved, or the user cancels.
    pub fn search(
        &self,
        clips: &Clips,
        query: &[f32],
        k: usize,
        exact: bool,
        ef: usize,
        progress: &dyn Progress,
    ) -> Result<Search, Error> {
        let rows = &clips.loaded.embeddings;
        let accept = clips.rows.as_ref().map(|chosen| {
            let mut next = chosen.iter().copied().peekable();
            RowSet::new(rows.len(), |row| next.next_if_eq(&row).is_some())
        });
        if exact {
            let hits = Exact::new(rows)?.search(query, k, accept.as_ref())?;
            return Ok(Search { hits, exact: true, recall: None });
        }
        let graph = self.graph(&clips.loaded, progress)?;
        let searcher = Hnsw::new(&graph, rows)?.with_beam(ef.max(k));
        let recall = self.recall(&clips.loaded, &searcher, ef)?;
        let hits = searcher.search(query, k, accept.as_ref())?;
        Ok(Search { hits, exact: false, recall: Some(recall) })
    }

    /// The graph of a space: the one in memory, the one in its file, or a new one.
    ///
    /// # Errors
    /// When it can't be built or saved, or the user cancels.
    pub fn graph(&self, loaded: &Loaded, progress: &dyn Progress) -> Result<Arc<Graph>, Error> {
        let identity = loaded.info.fingerprint;
        if let Some(graph) = lock(&self.graphs).get(&identity) {
            return Ok(Arc::clone(graph));
        }
        let file = self.beside("index").map(|dir| dir.join(file_name(&identity)));
        let fits = |graph: &Graph| graph.len() == loaded.embeddings.len() && graph.dim() == loaded.embeddings.dim();
        // Whatever is wrong with the file, the graph can be made again.
        let saved = file.as_ref().and_then(|file| Graph::load(file, &identity).ok().flatten()).filter(fits);
        let graph = match saved {
            Some(graph) => graph,
            None => {
                let graph = index::build(&loaded.embeddings, identity, &index::Settings::default(), progress)
                    .map_err(|error| if progress.cancelled() { Error::Cancelled } else { error.into() })?;
                if let Some(file) = &file {
                    if let Some(dir) = file.parent() {
                        let io = |source| index::Error::Io { doing: "make", path: dir.to_owned(), source };
                        std::fs::create_dir_all(dir).map_err(io)?;
                    }
                    graph.save(file)?;
                    self.remove_orphans(file);
                }
                graph
            }
        };
        let graph = Arc::new(graph);
        lock(&self.graphs).insert(identity, Arc::clone(&graph));
        Ok(graph)
    }

    /// Removes graph files of spaces that no longer are. They are a cache, so failing to is no harm.
    fn remove_orphans(&self, kept: &Path) {
        let Ok(collections) = self.store.collections() else { return };
        let names: Vec<String> = collections.iter().flat_map(|c| &c.spaces).map(|s| file_name(&s.fingerprint)).collect();
        let Some(dir) = kept.parent() else { return };
        for entry in std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(SUFFIX) && !names.contains(&name) && entry.path() != kept {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Recall is measured once for a graph and a breadth, and remembered in the store.
    fn recall(&self, loaded: &Loaded, searcher: &Hnsw<'_>, ef: usize) -> Result<f64, Error> {
        let key = format!("{}-{ef}", hex(&loaded.info.fingerprint));
        if let Some(recall) = self.store.record::<f64>("recall", &key)? {
            return Ok(recall);
        }
        let recall = index::measure(searcher, &loaded.embeddings, RECALL_K, RECALL_QUERIES, 0)?.value;
        self.store.put_record("recall", &key, &recall)?;
        Ok(recall)
    }
}

const SUFFIX: &str = ".hnsw";

pub(super) fn file_name(fingerprint: &[u8; 32]) -> String {
    format!("{}{SUFFIX}", &hex(fingerprint)[..32])
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push_str(&format!("{byte:02x}"));
    }
    out
}
