//! Nearest rows of a space: an exact scan, or the HNSW graph kept beside the store.
//!
//! The graph is a cache: its file is named after the space's fingerprint, so a changed space never meets an old graph, and
//! what can't be read is built again.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Clips, Error, Loaded, Workspace, lock};
use crate::index::{self, Exact, Hit, Hnsw, Index};
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
        let accept = clips.rows.as_ref().map(|chosen| { let mut next = chosen.iter().copied().peekable(); index::RowSet::new(rows.len(), |row| next.next_if_eq(&row).is_some()) });
        if exact {
            let hits = Exact::new(rows).search(query, k, accept.as_ref());
            return Ok(Search { hits, exact: true, recall: None });
        }
        let graph = self.graph(&clips.loaded, progress)?;
        let recall = self.recall(&clips.loaded, &graph, ef)?;
        let hits = graph.over(rows, ef.max(k)).search(query, k, accept.as_ref());
        Ok(Search { hits, exact: false, recall: Some(recall) })
    }

    /// The graph of a space: the one in memory, the one in its file, or a new one.
    ///
    /// # Errors
    /// When it can't be built or saved, or the user cancels.
    pub fn graph(&self, loaded: &Loaded, progress: &dyn Progress) -> Result<Arc<Hnsw>, Error> {
        let identity = loaded.info.fingerprint;
        if let Some(graph) = lock(&self.indices).get(&identity) {
            return Ok(Arc::clone(graph));
        }
        let file = self.graph_file(loaded);
        let saved = file.as_ref().and_then(|file| Hnsw::load(file, &identity, &loaded.embeddings).ok());
        let graph = match saved {
            Some(graph) => graph,
            None => {
                let graph = Hnsw::build(&loaded.embeddings, &index::Params::default(), progress)?;
                if let Some(file) = &file {
                    graph.save(file, &identity)?;
                }
                graph
            }
        };
        let graph = Arc::new(graph);
        lock(&self.indices).insert(identity, Arc::clone(&graph));
        Ok(graph)
    }

    fn graph_file(&self, loaded: &Loaded) -> Option<PathBuf> {
        let name: String = loaded.info.fingerprint.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.beside("index").map(|dir| dir.join(format!("{name}.hnsw")))
    }

    /// Recall is measured once for a graph and a breadth, and remembered in the store.
    fn recall(&self, loaded: &Loaded, graph: &Hnsw, ef: usize) -> Result<f64, Error> {
        let name: String = loaded.info.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("{name}-{ef}");
        if let Some(recall) = self.store.record::<f64>("recall", &key)? {
            return Ok(recall);
        }
        let recall = index::recall(graph, &loaded.embeddings, RECALL_K, ef, RECALL_QUERIES, 0);
        self.store.put_record("recall", &key, &recall)?;
        Ok(recall)
    }
}
