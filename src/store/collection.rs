//! One collection, as it is read.
//!
//! Items come in the order of their `seq`, that is, of arrival; the rows of a space too. Writing is in `commit`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::embedding::{Embeddings, Modality};
use crate::kernel;

use super::block::Block;
use super::catalog::{self, Inner};
use super::error::{Error, Refused};
use super::ids;
use super::item::Item;
use super::items;
use super::key_value::Batch;
use super::layout::{self, ItemRecord, SpaceRecord, key};
use super::space::{SpaceInfo, SpaceKey};
use super::storage::Storage;

/// A handle to one collection. Any thread may use it; commits wait for each other.
#[derive(Clone)]
pub struct Collection {
    pub(super) inner: Arc<Inner>,
    pub(super) name: String,
    pub(super) cid: u32,
}

impl Collection {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the numbers of its vectors are kept as.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn storage(&self) -> Result<Storage, Error> {
        self.inner.storage(self.cid)
    }

    /// Number of items of a modality.
    ///
    /// # Errors
    /// [`Refused::NoCollection`] when it was dropped; [`Error::Damaged`], [`Error::Io`].
    pub fn len(&self, modality: Modality) -> Result<u64, Error> {
        Ok(*self.inner.collection(&self.name)?.count(modality))
    }

    /// True without items.
    ///
    /// # Errors
    /// As [`Collection::len`].
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len(Modality::Audio)? + self.len(Modality::Text)? == 0)
    }

    /// The item number `seq`.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`]; so for all lookups.
    pub fn item(&self, seq: u64) -> Result<Option<Item>, Error> {
        Ok(self.item_record(seq)?.map(|record| item(seq, record)))
    }

    /// The clip or label of this id.
    ///
    /// # Errors
    /// As [`Collection::item`].
    pub fn item_by_id(&self, modality: Modality, id: &str) -> Result<Option<Item>, Error> {
        Ok(self.find(modality, id)?.map(|(seq, record)| item(seq, record)))
    }

    /// The clip or label of this id, and whether it has a vector in each of `spaces`; found once.
    ///
    /// # Errors
    /// As [`Collection::item`].
    pub fn item_with(&self, modality: Modality, id: &str, spaces: &[&SpaceKey]) -> Result<Option<(Item, bool)>, Error> {
        let Some((seq, record)) = self.find(modality, id)? else {
            return Ok(None);
        };
        let mut all = true;
        for space in spaces {
            let number = self.space_record(space)?.map(|space| space.number);
            all = all && record.rows.iter().any(|row| Some(row.space) == number);
        }
        Ok(Some((item(seq, record), all)))
    }

    /// All items in order of arrival, read as they are asked for. Items committed meanwhile may be among them or not.
    pub fn items(&self) -> impl Iterator<Item = Result<Item, Error>> + '_ {
        items::scan(&*self.inner.kv, self.cid).map(|found| found.map(|(seq, record)| item(seq, record)))
    }

    /// True when the item is there with a vector in `space`, made from the same content. Without a `content_hash` any
    /// content will do. Takes some lookups: fit to ask for each file before it is embedded.
    ///
    /// # Errors
    /// As [`Collection::item`].
    pub fn has(&self, id: &str, content_hash: Option<&str>, space: &SpaceKey) -> Result<bool, Error> {
        let found = self.item_with(space.space.modality, id, &[space])?;
        Ok(found.is_some_and(|(item, has)| has && (content_hash.is_none() || content_hash == item.content_hash.as_deref())))
    }

    /// The spaces in the order in which they came.
    ///
    /// # Errors
    /// As [`Collection::item`].
    pub fn spaces(&self) -> Result<Vec<SpaceInfo>, Error> {
        Ok(self.inner.spaces(self.cid)?.iter().map(catalog::info).collect())
    }

    /// The space as it stands, if it is there.
    ///
    /// # Errors
    /// As [`Collection::item`].
    pub fn space(&self, space: &SpaceKey) -> Result<Option<SpaceInfo>, Error> {
        Ok(self.space_record(space)?.as_ref().map(catalog::info))
    }

    /// All vectors of a space: the items that they belong to, ascending, and the rows in the same order.
    ///
    /// # Errors
    /// [`Refused::NoSpace`]; [`Error::Damaged`] when a block or a row is not what was written; [`Error::Io`].
    pub fn vectors(&self, space: &SpaceKey) -> Result<(Vec<u64>, Embeddings), Error> {
        let mut seqs: Vec<u64> = Vec::new();
        let mut rows: Vec<f32> = Vec::new();
        let info = self.each_block(space, |info, block_seqs, block| {
            if seqs.is_empty() {
                // A count that is too large fails below.
                kernel::reserve(&mut rows, (info.rows as usize).saturating_mul(info.dim));
            }
            seqs.extend_from_slice(block_seqs);
            rows.extend_from_slice(block);
            true
        })?;
        let mut vectors = Embeddings::from_rows(info.key.space, info.dim, rows)
            .map_err(|fault| Error::damaged(format!("`{space}` of collection `{}`: {fault}", self.name)))?;
        // A vector that was renewed, or came after those of later items, stands behind them.
        if !seqs.is_sorted() {
            let mut order: Vec<usize> = (0..seqs.len()).collect();
            order.sort_by_key(|&row| seqs[row]);
            vectors = vectors.select(&order);
            seqs.sort_unstable();
        }
        Ok((seqs, vectors))
    }

    /// Goes through the vectors of a space as the model gave them, some hundred at a time, in the order in which they came: the
    /// items that they belong to, and their rows. Ends early where `take` says false. The space as it was meanwhile.
    ///
    /// # Errors
    /// As [`Collection::vectors`].
    pub fn each_block(
        &self,
        space: &SpaceKey,
        mut take: impl FnMut(&SpaceInfo, &[u64], &[f32]) -> bool,
    ) -> Result<SpaceInfo, Error> {
        let _reading = self.inner.read();
        let record = self.space_record(space)?.ok_or_else(|| self.no_space(space))?;
        let info = catalog::info(&record);
        let mut dead = self.dead_rows(&record)?;
        let (mut found, mut seqs, mut rows) = (0, Vec::new(), Vec::new());
        for entry in self.inner.kv.scan_prefix(&key::all_of_space(b'V', self.cid, record.number)) {
            let (key, bytes) = entry?;
            let number = key::number(&key, 9).unwrap_or(u32::MAX);
            let block = self.decode_block(&record, number, &key, &bytes)?;
            let dead = dead.remove(&number).unwrap_or_default();
            seqs.clear();
            rows.clear();
            for (row, seq) in block.seqs().enumerate() {
                if !dead.contains(&(row as u32)) {
                    seqs.push(seq);
                    block.push_row(row, &mut rows);
                }
            }
            found += seqs.len() as u64;
            if !take(&info, &seqs, &rows) {
                return Ok(info);
            }
        }
        if found != record.rows {
            return Err(Error::damaged(format!("`{space}` holds {found} vectors, expected {}", record.rows)));
        }
        Ok(info)
    }

    /// The vector of one item as the model gave it, if it has one in `space`.
    ///
    /// # Errors
    /// As [`Collection::vectors`], without [`Refused::NoSpace`].
    pub fn vector_of(&self, seq: u64, space: &SpaceKey) -> Result<Option<Vec<f32>>, Error> {
        let _reading = self.inner.read();
        let (Some(record), Some(item)) = (self.space_record(space)?, self.item_record(seq)?) else {
            return Ok(None);
        };
        let Some(place) = item.rows.iter().find(|row| row.space == record.number) else {
            return Ok(None);
        };
        let key = key::block(self.cid, record.number, place.block);
        let wrong = || Error::damaged(format!("the vector of `{}` is not where item {seq} says", item.id));
        let bytes = self.inner.kv.get(&key)?.ok_or_else(wrong)?;
        self.decode_block(&record, place.block, &key, &bytes)?.row_of(seq, *place).map(Some).ok_or_else(wrong)
    }

    /// Removes all vectors of a space; the items stay.
    ///
    /// # Errors
    /// [`Refused::NoSpace`]; [`Error::Damaged`], [`Error::Io`].
    pub fn drop_space(&self, space: &SpaceKey) -> Result<(), Error> {
        let mut writing = self.inner.write();
        let record = self.space_record(space)?.ok_or_else(|| self.no_space(space))?;
        let mut batch = Batch::default();
        batch.delete(key::space(self.cid, space));
        batch.put(key::sweep(self.cid, Some(record.number)), Vec::new());
        self.inner.apply(&mut writing, batch)?;
        self.inner.sweep()
    }

    pub(super) fn find(&self, modality: Modality, id: &str) -> Result<Option<(u64, ItemRecord)>, Error> {
        let mut before = None;
        loop {
            let mut found = ids::find(&*self.inner.kv, self.cid, &[ids::hash(modality, id)])?;
            // The newest first: an older one of this id is on its way out.
            found.sort_unstable_by(|a, b| b.cmp(a));
            for &(_, seq) in &found {
                if let Some(record) = self.item_record(seq)?.filter(|record| record.id == id && record.modality == modality) {
                    return Ok(Some((seq, record)));
                }
            }
            // A commit between the two lookups can have replaced the item: then its new number is there now.
            if found.is_empty() || before.as_ref() == Some(&found) {
                return Ok(None);
            }
            before = Some(found);
        }
    }

    pub(super) fn item_record(&self, seq: u64) -> Result<Option<ItemRecord>, Error> {
        items::record(&*self.inner.kv, self.cid, seq)
    }

    pub(super) fn space_record(&self, space: &SpaceKey) -> Result<Option<SpaceRecord>, Error> {
        let Some(bytes) = self.inner.kv.get(&key::space(self.cid, space))? else {
            return Ok(None);
        };
        let record: SpaceRecord = layout::decode(&bytes, || format!("space `{space}`"))?;
        if record.key != *space {
            return Err(Error::damaged(format!("the record of space `{space}` is that of `{}`", record.key)));
        }
        Ok(Some(record))
    }

    /// For each block of a space, its rows that no longer count.
    pub(super) fn dead_rows(&self, space: &SpaceRecord) -> Result<BTreeMap<u32, BTreeSet<u32>>, Error> {
        let read = |entry: Result<(Vec<u8>, Vec<u8>), Error>| {
            let (key, value) = entry?;
            let rows = layout::decode(&value, || format!("replaced rows of `{}`", space.key))?;
            Ok((key::number(&key, 9).unwrap_or(u32::MAX), rows))
        };
        self.inner.kv.scan_prefix(&key::all_of_space(b'D', self.cid, space.number)).map(read).collect()
    }

    pub(super) fn decode_block<'a>(
        &self,
        space: &SpaceRecord,
        number: u32,
        key: &[u8],
        bytes: &'a [u8],
    ) -> Result<Block<'a>, Error> {
        let what = || format!("block {number} of `{}` in collection `{}`", space.key, self.name);
        let block = Block::decode(key, bytes, what)?;
        if block.dim != space.dim as usize {
            return Err(Error::damaged(format!("{} has {} dimensions, expected {}", what(), block.dim, space.dim)));
        }
        Ok(block)
    }

    pub(super) fn no_space(&self, space: &SpaceKey) -> Refused {
        Refused::NoSpace { collection: self.name.clone(), space: space.clone() }
    }
}

pub(super) fn item(seq: u64, record: ItemRecord) -> Item {
    let ItemRecord { id, modality, content_hash, metadata, .. } = record;
    Item { seq, id, modality, content_hash, metadata }
}
