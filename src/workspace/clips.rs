//! Clips of a collection with their vectors in one space, filtered by metadata.

use std::sync::Arc;

use super::lacking::none_with_vectors;
use super::patience::{Waiter, patiently};
use super::sift::{Known, Source, accepts, field_of};
use super::{Error, Workspace, lock};
use crate::diagnostic::Diagnostic;
use crate::embedding::{Embeddings, Modality, Space, Stage};
use crate::progress::Progress;
use crate::query::Predicate;
use crate::query::kinds::Kinds;
use crate::store::{Collection, Item, SpaceInfo, SpaceKey};
use crate::workspace::ModelRef;

/// Spaces kept in memory between statements.
const KEPT: usize = 4;

/// A space read into memory: items and rows in the same order.
#[derive(Debug)]
pub struct Loaded {
    pub collection: String,
    pub info: SpaceInfo,
    pub items: Vec<Item>,
    pub embeddings: Arc<Embeddings>,
}

/// The clips that passed a filter, as rows of a loaded space.
#[derive(Debug, Clone)]
pub struct Clips {
    pub loaded: Arc<Loaded>,
    /// Rows that passed, ascending; none when all did.
    pub rows: Option<Vec<usize>>,
}

impl Clips {
    /// How many passed.
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.loaded.items.len(), Vec::len)
    }

    /// True when none did.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items, in order.
    pub fn items(&self) -> Vec<&Item> {
        match &self.rows {
            Some(rows) => rows.iter().map(|&r| &self.loaded.items[r]).collect(),
            None => self.loaded.items.iter().collect(),
        }
    }

    /// Their vectors, in the same order.
    pub fn embeddings(&self) -> Arc<Embeddings> {
        super::chosen(&self.loaded.embeddings, self.rows.as_deref())
    }

    /// The key of the space.
    pub fn key(&self) -> &SpaceKey {
        &self.loaded.info.key
    }
}

impl Workspace {
    /// The space of `model`'s audio vectors at `stage` in a collection.
    ///
    /// # Errors
    /// When the collection has none, or has them from another version of the model.
    pub fn audio_space(&self, collection: &Collection, model: &ModelRef, stage: Stage) -> Result<SpaceInfo, Error> {
        let wanted = Space::new(&model.id, Modality::Audio, stage);
        let spaces = collection.spaces()?;
        match spaces.iter().find(|s| s.key.space == wanted) {
            Some(info) if info.key.model_hash == model.hash => Ok(info.clone()),
            Some(info) => Err(Diagnostic::new(format!(
                "the collection `{}` holds vectors of `{}` with hash {}, its folder now has {}",
                collection.name(),
                model.id,
                short(&info.key.model_hash),
                short(&model.hash),
            ))
            .hint(format!("`dyad collections reembed {}` embeds its audio again", collection.name()))
            .into()),
            None => {
                let there: Vec<String> = spaces.iter().map(|s| s.key.space.to_string()).collect();
                let mut fault = Diagnostic::new(format!("the collection `{}` has no vectors in `{wanted}`", collection.name()));
                if !there.is_empty() {
                    fault = fault.hint(format!("it has {}", there.join(", ")));
                }
                Err(fault.into())
            }
        }
    }

    /// The clips of a space that pass `filter`; the result says how many more have no vector there.
    ///
    /// # Errors
    /// When the filter names a field that no item has, or lets none pass; when the user cancels.
    pub fn clips(
        &self,
        collection: &Collection,
        info: &SpaceInfo,
        filter: Option<&Predicate>,
        progress: &dyn Progress,
    ) -> Result<Clips, Error> {
        let clips = match filter.map(|filter| few(collection, info, filter)).transpose()?.flatten() {
            Some(clips) => clips,
            None => self.passing(collection, self.load(collection, info, progress)?, filter)?,
        };
        self.note_lacking(collection, info, filter, clips.len(), progress)?;
        Ok(clips)
    }

    /// The clips that pass `filter`.
    pub(super) fn passing(
        &self,
        collection: &Collection,
        loaded: Arc<Loaded>,
        filter: Option<&Predicate>,
    ) -> Result<Clips, Error> {
        let rows = match filter {
            None => None,
            Some(filter) => {
                Known::of(&loaded.items).check(collection.name(), Modality::Audio, &filter.fields())?;
                let mut kinds = Kinds::of(filter);
                loaded.items.iter().for_each(|item| kinds.see(&|field| field_of(item, field)));
                kinds.check()?;
                let rows: Vec<usize> = (0..loaded.items.len()).filter(|&r| accepts(filter, &loaded.items[r])).collect();
                if rows.is_empty() {
                    return Err(none_with_vectors(collection, &loaded.info, filter).into());
                }
                Some(rows)
            }
        };
        if loaded.items.is_empty() {
            return Err(Diagnostic::new(format!("the collection `{}` holds no clips", collection.name())).into());
        }
        Ok(Clips { loaded, rows })
    }

    fn load(&self, collection: &Collection, info: &SpaceInfo, progress: &dyn Progress) -> Result<Arc<Loaded>, Error> {
        let same = |l: &Arc<Loaded>| l.collection == collection.name() && l.info == *info;
        if let Some(loaded) = lock(&self.loaded).iter().find(|l| same(l)) {
            return Ok(Arc::clone(loaded));
        }
        progress.begin("reading vectors", Some(info.rows));
        let (from, space) = (collection.clone(), info.clone());
        let loaded = Arc::new(patiently(progress, move |waiter| read(&from, space, waiter))??);
        progress.end();
        let mut kept = lock(&self.loaded);
        kept.retain(|l| l.collection != loaded.collection || l.info.key != loaded.info.key);
        kept.insert(0, Arc::clone(&loaded));
        kept.truncate(KEPT);
        Ok(loaded)
    }
}

/// The clips that a filter names by their ids, without reading the space; none where it does not, see [`Source::few`].
pub(super) fn few(collection: &Collection, info: &SpaceInfo, filter: &Predicate) -> Result<Option<Clips>, Error> {
    let Some(found) = Source::of(collection, info).few(filter)? else { return Ok(None) };
    let (mut items, mut rows) = (Vec::with_capacity(found.len()), Vec::new());
    for item in found {
        if let Some(vector) = collection.vector_of(item.seq, &info.key)? {
            items.push(item);
            rows.extend(vector);
        }
    }
    if items.is_empty() {
        return Err(none_with_vectors(collection, info, filter).into());
    }
    let embeddings = Arc::new(Embeddings::from_rows(info.key.space.clone(), info.dim, rows)?);
    let loaded = Arc::new(Loaded { collection: collection.name().to_owned(), info: info.clone(), items, embeddings });
    Ok(Some(Clips { loaded, rows: None }))
}

/// Reads a space and its items.
fn read(collection: &Collection, info: SpaceInfo, waiter: &Waiter) -> Result<Loaded, Error> {
    let (seqs, embeddings) = collection.vectors(&info.key)?;
    let items = items(collection, &info, &seqs, waiter)?;
    Ok(Loaded { collection: collection.name().to_owned(), info, items, embeddings: Arc::new(embeddings) })
}

/// The items of these numbers, ascending.
pub(super) fn items(collection: &Collection, info: &SpaceInfo, seqs: &[u64], waiter: &Waiter) -> Result<Vec<Item>, Error> {
    let mut items = Vec::with_capacity(seqs.len());
    let mut wanted = seqs.iter().copied().peekable();
    for item in collection.items() {
        if waiter.is_gone() {
            return Err(Error::Cancelled);
        }
        let item = item?;
        if wanted.next_if_eq(&item.seq).is_some() {
            items.push(item);
            waiter.advance(1);
        }
    }
    if items.len() != seqs.len() {
        let what = format!("`{}` has {} vectors for {} items", info.key, seqs.len(), items.len());
        return Err(crate::store::Error::Damaged { what }.into());
    }
    Ok(items)
}

/// The first characters of a hash, enough to tell models apart.
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
