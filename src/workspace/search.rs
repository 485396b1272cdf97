//! Nearest clips: by the index where there is one, else by a scan of the vectors in the store.
//!
//! What passes a filter is found by going through the items once; the clips themselves are read only for the hits. So a
//! search by an index holds neither all vectors nor all items in memory; a scan without one reads both, and keeps them for the
//! statements that follow.

use std::sync::Arc;

use super::sift::{Source, nothing_passes};
use super::windows::Tracks;
use super::{Error, ModelRef, Workspace, lock};
use crate::diagnostic::Diagnostic;
use crate::embedding::{Embeddings, Modality, Similarity, Space, Stage};
use crate::index::{self, Exact, Flat, Hit, Hnsw, Index, RowSet};
use crate::progress::Progress;
use crate::query::Predicate;
use crate::store::{Collection, Item, SpaceInfo};

/// From so many rows on a search uses the graph unless it is asked to be exact.
pub const EXACT_BELOW: usize = 50_000;
/// Queries by which recall is measured.
const RECALL_QUERIES: usize = 200;
/// With fewer texts than that recall is measured by stored vectors.
const FEWEST_TEXTS: usize = 20;
/// Recall is measured at k.
const RECALL_K: usize = 10;
/// Filters whose rows are kept between statements.
const KEPT: usize = 4;
/// The stage of a search that compares every row that may be found.
const SCAN: &str = "scanning rows";

/// The clips of a space that a search may find.
#[derive(Clone)]
pub struct Among {
    pub collection: Collection,
    pub info: SpaceInfo,
    /// Those that passed the filter; none when there is no filter.
    passing: Option<Arc<Passing>>,
}

/// The items that pass a filter.
pub(super) struct Passing {
    /// Ascending.
    seqs: Vec<u64>,
    tracks: usize,
}

/// (collection, fingerprint, filter) → the items that pass.
pub(super) type Filtered = Vec<((String, [u8; 32], String), Arc<Passing>)>;

impl Among {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.passing.as_ref().map_or(self.info.rows as usize, |passing| passing.seqs.len())
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an item is among them. Without a filter any is.
    pub fn has(&self, seq: u64) -> bool {
        self.passing.as_ref().is_none_or(|passing| passing.seqs.binary_search(&seq).is_ok())
    }
}

/// What is looked for, and how.
pub struct Sought<'a> {
    /// At unit length, in the space of the clips.
    pub query: &'a [f32],
    /// An item that is no hit.
    pub except: Option<u64>,
    pub k: usize,
    pub exact: bool,
    /// Rows that a walk keeps in mind.
    pub ef: usize,
    /// The model whose texts ask; none when clips do. Recall is measured by queries of that kind.
    pub texts_of: Option<&'a ModelRef>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Best first.
    pub hits: Vec<(Item, Similarity)>,
    pub exact: bool,
    /// Recall@10 of the graph at this breadth against the exact scan, and the queries that it was measured by.
    pub recall: Option<(f64, String)>,
    /// The index was damaged, and was made again.
    pub mended: bool,
}

impl Workspace {
    /// The clips of a space that pass `filter`.
    ///
    /// # Errors
    /// When the filter names a field that no item has, or lets none pass; when there are no clips; when the user cancels.
    pub fn among(
        &self,
        collection: &Collection,
        info: &SpaceInfo,
        filter: Option<&Predicate>,
        progress: &dyn Progress,
    ) -> Result<Among, Error> {
        let among = |passing| Among { collection: collection.clone(), info: info.clone(), passing };
        if info.rows == 0 {
            return Err(Diagnostic::new(format!("the collection `{}` holds no clips", collection.name())).into());
        }
        let Some(filter) = filter else { return Ok(among(None)) };
        let key = (collection.name().to_owned(), info.fingerprint, filter.to_string());
        if let Some((_, passing)) = lock(&self.filtered).iter().find(|(kept, _)| *kept == key) {
            return Ok(among(Some(Arc::clone(passing))));
        }
        let (mut seqs, mut tracks) = (Vec::new(), Tracks::default());
        progress.begin("filtering items", Some(info.rows));
        let read = Source::of(collection, info).each(Some(filter), progress, &mut |item| {
            tracks.see(&item);
            seqs.push(item.seq);
        });
        progress.end();
        read?;
        if seqs.is_empty() {
            return Err(nothing_passes(collection.name(), info.rows as usize, filter).into());
        }
        let passing = Arc::new(Passing { seqs, tracks: tracks.count() });
        let mut kept = lock(&self.filtered);
        kept.insert(0, (key, Arc::clone(&passing)));
        kept.truncate(KEPT);
        Ok(among(Some(passing)))
    }

    /// The clips of `among` nearest to a query.
    ///
    /// # Errors
    /// When the index can't be built or saved, or the user cancels.
    pub fn search(&self, among: &Among, sought: &Sought<'_>, progress: &dyn Progress) -> Result<Search, Error> {
        let (collection, info) = (&among.collection, &among.info);
        let mut mended = false;
        loop {
            let flat = match sought.exact {
                true => self.current_index(collection, info),
                false => Some(self.index(collection, info, progress)?),
            };
            let found = match &flat {
                Some(flat) => self.search_in(flat, among, sought, progress),
                None => self.scan(among, sought, progress),
            };
            match found {
                Err(Error::Index(index::Error::Damaged { .. })) if !mended => {
                    self.forget_index(collection, info);
                    mended = true;
                }
                found => return found.map(|found| Search { mended, ..found }),
            }
        }
    }

    fn search_in(&self, flat: &Flat, among: &Among, sought: &Sought<'_>, progress: &dyn Progress) -> Result<Search, Error> {
        let accept = among.passing.as_ref().map(|passing| {
            let mut rows: Vec<usize> = passing.seqs.iter().filter_map(|&seq| flat.row_of(seq)).collect();
            rows.sort_unstable();
            let mut next = rows.into_iter().peekable();
            RowSet::new(flat.stored(), |row| next.next_if_eq(&row).is_some())
        });
        let wanted = sought.k + usize::from(sought.except.is_some());
        let rows = accept.as_ref().map_or(flat.len(), RowSet::count);
        let (hits, recall) = match sought.exact {
            true => (staged(progress, SCAN, rows, || Exact::of(flat).search(sought.query, wanted, accept.as_ref()))?, None),
            false => {
                let searcher = Hnsw::new(flat).with_beam(sought.ef.max(wanted));
                let recall = self.recall(flat, &searcher, among, sought, progress)?;
                // How many rows a walk looks at is not known.
                let (what, rows) = if searcher.walks(wanted, rows) { ("walking the graph", 0) } else { (SCAN, rows) };
                (staged(progress, what, rows, || searcher.search(sought.query, wanted, accept.as_ref()))?, Some(recall))
            }
        };
        let seq_of = |hit: &Hit| flat.seqs().get(hit.row).copied();
        staged(progress, "reading hits", hits.len(), || self.read_hits(&hits, seq_of, among, sought, recall))
    }

    /// Without an index: all vectors are read.
    fn scan(&self, among: &Among, sought: &Sought<'_>, progress: &dyn Progress) -> Result<Search, Error> {
        let clips = self.clips(&among.collection, &among.info, None, progress)?;
        let items = &clips.loaded.items;
        let accept = among.passing.as_ref().map(|_| RowSet::new(items.len(), |row| among.has(items[row].seq)));
        let wanted = sought.k + usize::from(sought.except.is_some());
        let rows = accept.as_ref().map_or(items.len(), RowSet::count);
        let exact = Exact::new(&clips.loaded.embeddings)?;
        let hits = staged(progress, SCAN, rows, || exact.search(sought.query, wanted, accept.as_ref()))?;
        let seq_of = |hit: &Hit| items.get(hit.row).map(|item| item.seq);
        staged(progress, "reading hits", hits.len(), || self.read_hits(&hits, seq_of, among, sought, None))
    }

    fn read_hits(
        &self,
        hits: &[Hit],
        seq_of: impl Fn(&Hit) -> Option<u64>,
        among: &Among,
        sought: &Sought<'_>,
        recall: Option<(f64, String)>,
    ) -> Result<Search, Error> {
        let mut found = Vec::with_capacity(hits.len());
        for hit in hits {
            // What came back is held against the filter once more, whatever the index made of it.
            let seq = seq_of(hit).filter(|&seq| among.has(seq));
            if seq != sought.except
                && found.len() < sought.k
                && let Some(item) = seq.map(|seq| among.collection.item(seq)).transpose()?.flatten()
            {
                found.push((item, hit.similarity));
            }
        }
        Ok(Search { hits: found, exact: recall.is_none(), recall, mended: false })
    }

    /// Recall is measured once for an index, a breadth and a kind of query, and remembered.
    fn recall(
        &self,
        flat: &Flat,
        searcher: &Hnsw<'_>,
        among: &Among,
        sought: &Sought<'_>,
        progress: &dyn Progress,
    ) -> Result<(f64, String), Error> {
        let texts = match sought.texts_of {
            Some(model) => self.asking_texts(model, flat.dim())?,
            None => None,
        };
        let kind = texts.as_ref().map_or("clips".to_owned(), |texts| format!("{} texts", texts.len()));
        let key = format!("{}-{}-{kind}", blake3::Hash::from_bytes(among.info.fingerprint).to_hex(), sought.ef);
        let recall = self.remembered("recall", key, || {
            let queries = texts.as_ref().map_or(RECALL_QUERIES.min(flat.len()), Embeddings::len);
            let measured = staged(progress, "measuring recall", queries, || match &texts {
                Some(texts) => index::measure_queries(searcher, flat, texts, RECALL_K),
                None => index::measure(searcher, flat, RECALL_K, RECALL_QUERIES, 0),
            })?;
            Ok(measured.value)
        })?;
        Ok((recall, kind))
    }

    /// How many tracks the windows of `among` are of. Of all windows it is counted once, and remembered.
    ///
    /// # Errors
    /// When the store can't be read, or the user cancels.
    pub fn tracks(&self, among: &Among, progress: &dyn Progress) -> Result<usize, Error> {
        if let Some(passing) = &among.passing {
            return Ok(passing.tracks);
        }
        let key = blake3::Hash::from_bytes(among.info.fingerprint).to_hex().to_string();
        let count = self.remembered("tracks", key, || {
            let mut tracks = Tracks::default();
            Source::of(&among.collection, &among.info).each(None, progress, &mut |item| tracks.see(&item))?;
            Ok(tracks.count() as f64)
        })?;
        Ok(count as usize)
    }

    /// A number that is found once, and remembered in the store; of a snapshot, in memory.
    fn remembered(&self, table: &str, key: String, find: impl FnOnce() -> Result<f64, Error>) -> Result<f64, Error> {
        let name = (table.to_owned(), key);
        let known = lock(&self.remembered).get(&name).copied();
        if let Some(known) = known.map_or_else(|| self.store.record::<f64>(table, &name.1), |known| Ok(Some(known)))? {
            return Ok(known);
        }
        let found = find()?;
        match self.store.writable() {
            Ok(()) => self.store.put_record(table, &name.1, &found)?,
            Err(_) => drop(lock(&self.remembered).insert(name, found)),
        }
        Ok(found)
    }

    /// Texts that the model read or that were imported for it, in the joint space: queries as a user asks them.
    fn asking_texts(&self, model: &ModelRef, dim: usize) -> Result<Option<Embeddings>, Error> {
        let space = Space::new(&model.id, Modality::Text, Stage::Joint);
        let mut texts = Embeddings::empty(space, dim);
        for prompt in self.imported_prompts(model, Stage::Joint)? {
            let known = self.known_texts(model, Stage::Joint, &prompt)?;
            let mut names: Vec<&String> = known.keys().collect();
            names.sort();
            for name in names.into_iter().filter_map(|name| known.get(name)).take(RECALL_QUERIES - texts.len()) {
                let _ = texts.push(name);
            }
        }
        Ok((texts.len() >= FEWEST_TEXTS).then_some(texts))
    }
}

/// One stage of a search; it is over when `run` is, whatever came of it.
fn staged<T>(progress: &dyn Progress, what: &str, items: usize, run: impl FnOnce() -> T) -> T {
    progress.begin(what, Some(items as u64).filter(|&items| items > 0));
    let found = run();
    progress.advance(items as u64);
    progress.end();
    found
}
