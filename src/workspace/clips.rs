//! Clips of a collection with their vectors in one space, filtered by metadata.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::patience::{Waiter, patiently};
use super::{Error, Workspace, lock};
use crate::audio::stem;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::{Embeddings, Modality, Space, Stage};
use crate::progress::Progress;
use crate::query::Predicate;
use crate::store::{Collection, Item, SpaceInfo, SpaceKey};
use crate::value::Value;
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

/// The value of a field of an item's metadata; `id` is the item's own whatever that holds.
pub fn builtin_field(item: &Item, field: &str) -> Value {
    match item.metadata.get(field).filter(|_| field != "id") {
        Some(value) => value.clone(),
        None if field.eq_ignore_ascii_case("id") => Value::Text(item.id.clone()),
        None => Value::Null,
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

    /// The clips of a space that pass `filter`.
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
        self.passing(collection, self.load(collection, info, progress)?, filter)
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
                check_fields(collection.name(), Modality::Audio, &loaded.items, &filter.fields())?;
                let rows: Vec<usize> = (0..loaded.items.len())
                    .filter(|&r| filter.accepts(&|field| builtin_field(&loaded.items[r], field)))
                    .collect();
                if rows.is_empty() {
                    return Err(nothing_passes(collection.name(), loaded.items.len(), filter).into());
                }
                Some(rows)
            }
        };
        if loaded.items.is_empty() {
            return Err(Diagnostic::new(format!("the collection `{}` holds no clips", collection.name())).into());
        }
        Ok(Clips { loaded, rows })
    }

    /// The clip of this id. A unique file name, with or without its extension, will do.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn clip_row(&self, loaded: &Loaded, id: &Spanned<String>) -> Result<usize, Error> {
        if let Some(row) = loaded.items.iter().position(|i| i.id == id.node) {
            return Ok(row);
        }
        let matches: Vec<usize> = (0..loaded.items.len()).filter(|&r| stem(&loaded.items[r].id) == stem(&id.node)).collect();
        match matches.as_slice() {
            [row] => Ok(*row),
            [] => {
                let ids = loaded.items.iter().map(|i| i.id.as_str());
                let stems = loaded.items.iter().map(|i| stem(&i.id));
                Err(Diagnostic::new(format!("the collection `{}` has no clip `{}`", loaded.collection, id.node))
                    .at(id.span)
                    .expected("a clip's id")
                    .suggest(&id.node, stems.chain(ids))
                    .hint("`list clips` shows the ids")
                    .into())
            }
            several => {
                let names: Vec<String> = several.iter().take(5).map(|&r| format!("`{}`", loaded.items[r].id)).collect();
                Err(Diagnostic::new(format!("`{}` is the name of {} clips", id.node, several.len()))
                    .at(id.span)
                    .expected("an id that names one")
                    .hint(format!("they are {}{}", names.join(", "), if several.len() > 5 { ", …" } else { "" }))
                    .into())
            }
        }
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
            waiter.advance();
        }
    }
    if items.len() != seqs.len() {
        let what = format!("`{}` has {} vectors for {} items", info.key, seqs.len(), items.len());
        return Err(crate::store::Error::Damaged { what }.into());
    }
    Ok(items)
}

/// The message for a filter that lets nothing pass.
pub fn nothing_passes(collection: &str, of: usize, filter: &Predicate) -> Diagnostic {
    let mut fault = Diagnostic::new(format!("none of the {of} clips of `{collection}` has {filter}"));
    if let Some(field) = filter.fields().first() {
        fault = fault.at(field.span);
    }
    fault.hint("`describe COLLECTION` shows the fields and their values")
}

/// Refuses fields that none of `items` has, which are those of a collection and of one modality.
///
/// # Errors
/// Names the field and the nearest that is there.
pub fn check_fields(collection: &str, modality: Modality, items: &[Item], fields: &[&Spanned<String>]) -> Result<(), Diagnostic> {
    let keys = items.iter().flat_map(|item| item.metadata.keys().map(String::as_str));
    check_known(collection, modality, &keys.chain(["id"]).collect(), fields)
}

/// As [`check_fields`], of the fields that are `known`.
pub(super) fn check_known(
    collection: &str,
    modality: Modality,
    known: &BTreeSet<&str>,
    fields: &[&Spanned<String>],
) -> Result<(), Diagnostic> {
    let Some(field) = fields.iter().find(|field| !known.contains(field.node.as_str())) else { return Ok(()) };
    let what = match modality {
        Modality::Audio => "clips",
        Modality::Text => "labels",
    };
    let expected = match known.len() {
        1 => "`id`, their only field".to_owned(),
        _ => format!("one of the fields {}", crate::diagnostic::one_of(known.iter().copied())),
    };
    let fault = Diagnostic::new(format!("the {what} of `{collection}` have no field `{}`", field.node)).at(field.span);
    Err(fault.expected(expected).suggest(&field.node, known.iter().copied()))
}

/// The first characters of a hash, enough to tell models apart.
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
