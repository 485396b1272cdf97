//! Nearest clips: by the index where there is one, else by a scan of the vectors in the store.
//!
//! What passes a filter is found by going through the items once; the clips themselves are read only for the hits. So a
//! search by an index holds neither all vectors nor all items in memory; a scan without one reads both, and keeps them for the
//! statements that follow.

use std::sync::Arc;

use super::lacking::{in_all, none_with_vectors};
use super::sift::Source;
use super::windows::Tracks;
use super::{Error, ModelRef, Prompts, Workspace, lock};
use crate::diagnostic::Diagnostic;
use crate::embedding::{Embeddings, Modality, Similarity, Space, Stage};
use crate::index::{self, Exact, Flat, Hit, Hnsw, Index, RowSet};
use crate::ontology;
use crate::progress::Progress;
use crate::prompt::{self, Prompt};
use crate::query::Predicate;
use crate::store::{Collection, Item, SpaceInfo};

/// From so many rows on a search uses the graph unless it is asked to be exact.
pub const EXACT_BELOW: usize = 50_000;
/// Queries by which recall is measured.
const RECALL_QUERIES: usize = 200;
/// Texts that are enough to measure recall by.
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
    /// How many more pass that have no vector in the space.
    lacking: u64,
}

/// (collection, fingerprint, items without vectors, filter) → the items that pass.
pub(super) type Filtered = Vec<((String, [u8; 32], u64, String), Arc<Passing>)>;

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
    /// Of a walk: recall@10 of the graph at this breadth against the exact scan, and the queries that it was measured by; none
    /// where there are no queries of that kind to measure it by.
    pub recall: Option<(Option<f64>, String)>,
    /// The index was damaged, and was made again.
    pub mended: bool,
}

impl Workspace {
    /// The clips of a space that pass `filter`; the result says how many more have no vector there.
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
        let among = self.found_among(collection, info, filter, progress)?;
        let lacking = among.passing.as_ref().map_or_else(|| in_all(collection, info), |passing| Ok(passing.lacking))?;
        self.say_lacking(collection, info, lacking);
        Ok(among)
    }

    fn found_among(
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
        let key = (collection.name().to_owned(), info.fingerprint, in_all(collection, info)?, filter.to_string());
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
            return Err(none_with_vectors(collection, info, filter).into());
        }
        let lacking = self.lacking(collection, info, Some(filter), seqs.len(), progress)?;
        let passing = Arc::new(Passing { seqs, tracks: tracks.count(), lacking });
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
        recall: Option<(Option<f64>, String)>,
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

    /// Recall is measured once for an index, a breadth and a kind of query, without the filter, and remembered. Texts lie apart
    /// from clips and are harder to find for, so clips say nothing of them.
    fn recall(
        &self,
        flat: &Flat,
        searcher: &Hnsw<'_>,
        among: &Among,
        sought: &Sought<'_>,
        progress: &dyn Progress,
    ) -> Result<(Option<f64>, String), Error> {
        let texts = match sought.texts_of {
            Some(model) => match self.asking_texts(model, flat.dim(), progress)? {
                Some(texts) => Some(texts),
                None => return Ok((None, format!("nothing, as fewer than {FEWEST_TEXTS} texts are known"))),
            },
            None => None,
        };
        let mut kind = texts.as_ref().map_or("clips".to_owned(), |texts| format!("{} texts", texts.len()));
        let key = format!("{}-{}-{kind}", blake3::Hash::from_bytes(among.info.fingerprint).to_hex(), sought.ef);
        let recall = self.remembered("recall", key, || {
            let queries = texts.as_ref().map_or(RECALL_QUERIES.min(flat.len()), Embeddings::len);
            let measured = staged(progress, "measuring recall", queries, || match &texts {
                Some(texts) => index::measure_queries(searcher, flat, texts, RECALL_K),
                None => index::measure(searcher, flat, RECALL_K, RECALL_QUERIES, 0),
            })?;
            Ok(measured.value)
        })?;
        if among.passing.is_some() {
            kind.push_str(", without the filter");
        }
        Ok((Some(recall), kind))
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

    /// Texts in the joint space: queries as a user asks them. Where too few are known, the model reads the terms of the usual
    /// ontology; none where it can't.
    fn asking_texts(&self, model: &ModelRef, dim: usize, progress: &dyn Progress) -> Result<Option<Embeddings>, Error> {
        let known = self.known_texts(model, dim)?;
        if known.len() >= FEWEST_TEXTS {
            return Ok(Some(known));
        }
        if model.model.as_ref().is_none_or(|model| model.text.is_none()) {
            return Ok(None);
        }
        let ontologies = self.ontologies()?;
        let usual = ontologies.iter().filter(|ontology| ontology.name == ontology::USUAL);
        let labels: Vec<String> = usual.flat_map(|usual| usual.leaves().into_iter().map(|leaf| usual.spoken(leaf))).collect();
        let prompt = Prompt::template(prompt::USUAL).map_err(|error| Diagnostic::new(error.to_string()))?;
        self.label_vectors(model, Stage::Joint, &Prompts(vec![prompt]), &labels, progress)?;
        let known = self.known_texts(model, dim)?;
        Ok((known.len() >= FEWEST_TEXTS).then_some(known))
    }

    /// Texts that the model has read or that were imported for it.
    fn known_texts(&self, model: &ModelRef, dim: usize) -> Result<Embeddings, Error> {
        let space = Space::new(&model.id, Modality::Text, Stage::Joint);
        let mut texts = Embeddings::empty(space, dim);
        for prompt in self.imported_prompts(model, Stage::Joint)? {
            let held = self.held(model, Stage::Joint, &prompt)?;
            for found in held.texts().into_iter().filter_map(|text| held.find(text)).take(RECALL_QUERIES - texts.len()) {
                let _ = texts.push(found.vector);
            }
        }
        Ok(texts)
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
