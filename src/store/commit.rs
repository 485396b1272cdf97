//! Storing items: what of a batch is new, what it replaces, and one atomic write for all of it.
//!
//! ```text
//!   NewItem ─ check ─ stage (beside what is stored) ─ blocks, item records, space records ─ one batch ─ flush
//! ```
//! An id that is stored keeps its number when the content is the same, and gains vectors and fields; other content replaces
//! it under a new number. Items of one batch count one after the other, as if each had been committed alone.

mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::embedding::Modality;

use super::collection::Collection;
use super::error::{Error, Refused, Rejected};
use super::ids;
use super::item::NewItem;
use super::items;
use super::key_value::Batch;
use super::layout::{self, CollectionRecord, ItemRecord, SpaceRecord};
use super::space::SpaceKey;
use super::storage::Storage;

const LONGEST_ID: usize = 4096;

impl Collection {
    /// Stores the items of `batch`, all or none; they are safe on the disk when it returns. Keep a batch to a thousand vectors or
    /// so: it is held in memory about twice, and sled needs more disk for larger ones.
    ///
    /// # Errors
    /// [`Refused`] names the item that does not fit (other dimension or model hash than the space has, no direction, NaN) and
    /// nothing is stored. [`Error::Io`], [`Error::Backend`] and [`Error::Damaged`] when the byte store fails: then the batch
    /// is there whole or not at all, and may be committed again.
    pub fn commit(&self, batch: Vec<NewItem>) -> Result<(), Error> {
        self.commit_or(batch, &mut |_, refused| Err(refused))
    }

    /// Stores those items of `batch` that fit, as [`Collection::commit`] does, and gives the others with the reasons.
    ///
    /// # Errors
    /// As [`Collection::commit`], without the refusals of single items.
    pub fn commit_sound(&self, batch: Vec<NewItem>) -> Result<Vec<Rejected>, Error> {
        let mut rejected = Vec::new();
        self.commit_or(batch, &mut |(at, id), why| {
            rejected.push(Rejected { at, id, why });
            Ok(())
        })?;
        Ok(rejected)
    }

    /// Whether vectors of `space` may come in: fit to ask before the first of many is made.
    ///
    /// # Errors
    /// [`Refused::ModelHash`] when the collection holds vectors of another version of the model; [`Error::Damaged`],
    /// [`Error::Io`].
    pub fn takes(&self, space: &SpaceKey) -> Result<(), Error> {
        match self.inner.spaces(self.cid)?.iter().find_map(|other| other_version(&other.key, space)) {
            Some(refused) => Err(refused.into()),
            None => Ok(()),
        }
    }

    /// `judge` hears of each item that does not fit, with its place in the batch, and passes over it or ends the commit.
    fn commit_or(
        &self,
        batch: Vec<NewItem>,
        judge: &mut dyn FnMut((usize, String), Refused) -> Result<(), Refused>,
    ) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut writing = self.inner.write();
        let mut stage = Stage::of(self, batch.iter().map(|item| ids::hash(item.modality, &item.id)))?;
        for (at, item) in batch.into_iter().enumerate() {
            let named = (at, item.id.clone());
            match stage.take(item) {
                Err(Error::Refused(refused)) => judge(named, refused)?,
                taken => taken?,
            }
        }
        if stage.items.is_empty() {
            return Ok(());
        }
        let (first, next) = (stage.first, stage.record.next_seq);
        let batch = stage.finish()?;
        self.inner.apply(&mut writing, batch)?;
        self.inner.sieve.passed(self.cid, first, next);
        Ok(())
    }
}

impl Collection {
    /// Removes the items of these ids with their vectors; ids that are not there are passed over.
    ///
    /// # Errors
    /// As [`Collection::commit`], without the refusals of items.
    pub fn remove(&self, modality: Modality, ids: &[String]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut writing = self.inner.write();
        let mut stage = Stage::of(self, ids.iter().map(|id| ids::hash(modality, id)))?;
        for id in ids {
            if let Some(seq) = stage.stage_stored(modality, id)? {
                stage.forget(seq);
                stage.names.remove(&(modality, id.clone()));
            }
        }
        let batch = stage.finish()?;
        self.inner.apply(&mut writing, batch)
    }
}

/// The refusal of `given` beside vectors of `stored`, if their model is one and its versions are two.
fn other_version(stored: &SpaceKey, given: &SpaceKey) -> Option<Refused> {
    let mixed = stored.space.model == given.space.model && stored.model_hash != given.model_hash;
    mixed.then(|| Refused::ModelHash {
        model: given.space.model.clone(),
        stored: stored.model_hash.clone(),
        given: given.model_hash.clone(),
    })
}

/// A commit before it is written.
struct Stage<'a> {
    collection: &'a Collection,
    record: CollectionRecord,
    storage: Storage,
    spaces: BTreeMap<SpaceKey, SpaceRecord>,
    /// The items that the commit touches, by number.
    items: BTreeMap<u64, Staged>,
    names: HashMap<(Modality, String), u64>,
    /// The numbers that the stored items of each hash may have.
    stored: HashMap<u32, Vec<u64>>,
    /// The first number that the commit gives.
    first: u64,
    /// The stored items that are taken out.
    gone: Vec<ids::Entry>,
    records: items::Edit<'a>,
    /// Stored rows that no longer count, by space and block.
    dead: BTreeMap<(u32, u32), BTreeSet<u32>>,
    batch: Batch,
}

struct Staged {
    record: ItemRecord,
    /// The new vectors, by number of space.
    vectors: BTreeMap<u32, Vec<f32>>,
}

impl<'a> Stage<'a> {
    /// Nothing yet of a commit to `collection`, as it stands, of items whose ids have these hashes.
    fn of(collection: &'a Collection, hashes: impl Iterator<Item = u32>) -> Result<Self, Error> {
        collection.inner.writable()?;
        let record = collection.inner.collection(&collection.name)?;
        if record.cid != collection.cid {
            return Err(Refused::NoCollection { name: collection.name.clone() }.into());
        }
        let storage = collection.storage()?;
        let spaces = collection.inner.spaces(collection.cid)?.into_iter().map(|space| (space.key.clone(), space)).collect();
        let hashes: Vec<u32> = hashes.collect::<BTreeSet<u32>>().into_iter().collect();
        let hashes = collection.inner.sieve.sift(&*collection.inner.kv, (record.cid, record.next_seq), hashes);
        let mut stored: HashMap<u32, Vec<u64>> = HashMap::new();
        for (hash, seq) in ids::find(&*collection.inner.kv, collection.cid, &hashes)? {
            stored.entry(hash).or_default().push(seq);
        }
        Ok(Stage {
            collection,
            first: record.next_seq,
            record,
            storage,
            spaces,
            items: BTreeMap::new(),
            names: HashMap::new(),
            stored,
            gone: Vec::new(),
            records: items::Edit::new(&*collection.inner.kv, collection.cid),
            dead: BTreeMap::new(),
            batch: Batch::default(),
        })
    }

    fn take(&mut self, new: NewItem) -> Result<(), Error> {
        if new.id.is_empty() || new.id.len() > LONGEST_ID {
            let shown = new.id.chars().take(40).collect();
            return Err(Refused::Id { shown, given: new.id.len(), longest: LONGEST_ID }.into());
        }
        let stored = self.stage_stored(new.modality, &new.id)?;
        let same = stored.and_then(|seq| self.items.get(&seq).map(|staged| (seq, &staged.record))).filter(|(_, record)| {
            let hashes = (&record.content_hash, &new.content_hash);
            !matches!(hashes, (Some(a), Some(b)) if a != b)
        });
        let record = match same {
            Some((_, stored)) => {
                let mut record = stored.clone();
                record.content_hash = new.content_hash.or(record.content_hash);
                for (name, value) in new.metadata {
                    if !value.is_null() || record.metadata.contains_key(&name) {
                        record.metadata.insert(name, value);
                    }
                }
                record
            }
            None => {
                let (id, mut metadata) = (new.id.clone(), new.metadata);
                metadata.retain(|_, value| !value.is_null());
                ItemRecord { id, modality: new.modality, content_hash: new.content_hash, metadata, rows: Vec::new() }
            }
        };
        // At most a row in each space that there is, and in each that is new.
        layout::check_length(&record.id, &record.metadata, self.spaces.len() + new.vectors.len())?;
        let same = same.map(|(seq, _)| seq);
        let vectors = self.place(&new.id, new.modality, new.vectors)?;
        if let Some(staged) = same.and_then(|seq| self.items.get_mut(&seq)) {
            staged.record = record;
            staged.vectors.extend(vectors);
            return Ok(());
        }
        stored.into_iter().for_each(|seq| self.forget(seq));
        let seq = self.record.next_seq;
        self.record.next_seq += 1;
        *self.record.count(new.modality) += 1;
        self.names.insert((new.modality, new.id), seq);
        self.items.insert(seq, Staged { record, vectors });
        Ok(())
    }

    /// Brings the stored item of this id into the stage, and gives its number.
    fn stage_stored(&mut self, modality: Modality, id: &str) -> Result<Option<u64>, Error> {
        let name = (modality, id.to_owned());
        if let Some(&seq) = self.names.get(&name) {
            return Ok(Some(seq));
        }
        let mut found = None;
        for &seq in self.stored.get(&ids::hash(modality, id)).into_iter().flatten() {
            let record = self.records.record(seq)?.filter(|record| record.id == id && record.modality == modality);
            found = found.or(record.map(|record| (seq, record)));
        }
        let Some((seq, mut record)) = found else { return Ok(None) };
        // What stood in a space that was dropped since is gone.
        record.rows.retain(|row| self.spaces.values().any(|space| space.number == row.space));
        self.names.insert(name, seq);
        self.items.insert(seq, Staged { record, vectors: BTreeMap::new() });
        Ok(Some(seq))
    }

    /// Takes an item out: its number and its rows are never used again.
    fn forget(&mut self, seq: u64) {
        if let Some(staged) = self.items.remove(&seq) {
            *self.record.count(staged.record.modality) -= 1;
            for row in staged.record.rows {
                self.dead.entry((row.space, row.block)).or_default().insert(row.row);
            }
            if seq < self.first {
                self.gone.push((ids::hash(staged.record.modality, &staged.record.id), seq));
            }
        }
    }

    /// The vectors of an item by number of space. When one does not fit, none of its spaces is made.
    fn place(
        &mut self,
        id: &str,
        modality: Modality,
        given: Vec<(SpaceKey, Vec<f32>)>,
    ) -> Result<BTreeMap<u32, Vec<f32>>, Error> {
        let next_space = self.record.next_space;
        let mut vectors = BTreeMap::new();
        for (space, vector) in given {
            match self.check(id, modality, &space, &vector) {
                Ok(number) => drop(vectors.insert(number, vector)),
                Err(refused) => {
                    self.spaces.retain(|_, space| space.number < next_space);
                    self.record.next_space = next_space;
                    return Err(refused);
                }
            }
        }
        Ok(vectors)
    }

    /// The number of the space, which is made if the collection does not have it.
    fn check(&mut self, id: &str, modality: Modality, key: &SpaceKey, vector: &[f32]) -> Result<u32, Error> {
        let (id, space) = (|| id.to_owned(), || key.clone());
        if key.space.modality != modality {
            return Err(Refused::Modality { id: id(), item: modality, space: space() }.into());
        }
        let square: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        if !square.is_finite() {
            return Err(Refused::NotFinite { id: id(), space: space() }.into());
        }
        if square == 0.0 {
            return Err(Refused::Zero { id: id(), space: space() }.into());
        }
        self.storage.keeps(vector).map_err(|why| Refused::Unkept { id: id(), space: space(), why })?;
        if let Some(record) = self.spaces.get(key) {
            if record.dim as usize != vector.len() {
                return Err(
                    Refused::Dimension { space: space(), stored: record.dim as usize, given: vector.len(), id: id() }.into()
                );
            }
            return Ok(record.number);
        }
        for other in self.spaces.values().filter(|other| other.key.space.model == key.space.model) {
            if let Some(refused) = other_version(&other.key, key) {
                return Err(refused.into());
            }
            // Prompts share their space's dimension, and both modalities that of a joint space.
            if key.space.comparable(&other.key.space).is_ok() && other.dim as usize != vector.len() {
                return Err(Refused::Dimension {
                    space: other.key.clone(),
                    stored: other.dim as usize,
                    given: vector.len(),
                    id: id(),
                }
                .into());
            }
        }
        let number = self.record.next_space;
        self.record.next_space += 1;
        let fingerprint = *blake3::hash(&layout::encode(key, &key.to_string())?).as_bytes();
        let record = SpaceRecord { key: space(), number, dim: vector.len() as u32, rows: 0, next_block: 0, fingerprint };
        self.spaces.insert(space(), record);
        Ok(number)
    }
}
