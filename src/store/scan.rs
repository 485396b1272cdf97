//! A space from its first row to its last, without holding more than a few blocks.
//!
//! Items come in the order of their `seq`, as in [`Collection::vectors`], each with its vector as the model gave it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::embedding::Modality;

use super::block::Block;
use super::collection::{Collection, item};
use super::error::Error;
use super::item::Item;
use super::items;
use super::layout::{ItemRecord, RowRef, SpaceRecord, key};
use super::space::SpaceKey;

/// Blocks kept at hand. Rows follow each other but for those that were renewed, which follow each other elsewhere.
const KEPT: usize = 4;

impl Collection {
    /// The items of a modality in order of arrival: with a `space` those that have a vector in it, with `ids` those of these ids,
    /// each of which is looked up.
    ///
    /// # Errors
    /// [`Refused::NoSpace`](super::Refused::NoSpace); [`Error::Damaged`], [`Error::Io`], then and at each item.
    pub fn items_of<'a>(
        &'a self,
        modality: Modality,
        space: Option<&SpaceKey>,
        ids: Option<&BTreeSet<&str>>,
    ) -> Result<impl Iterator<Item = Result<Item, Error>> + 'a, Error> {
        type Found<'a> = Box<dyn Iterator<Item = Result<(u64, ItemRecord), Error>> + 'a>;
        let number = |space| Ok::<_, Error>(self.space_record(space)?.ok_or_else(|| self.no_space(space))?.number);
        let number = space.map(number).transpose()?;
        let found: Found<'a> = match ids {
            None => Box::new(items::scan(&*self.inner.kv, self.cid)),
            Some(ids) => {
                let found = ids.iter().filter_map(|id| self.find(modality, id).transpose());
                let found: BTreeMap<u64, ItemRecord> = found.collect::<Result<_, _>>()?;
                Box::new(found.into_iter().map(Ok))
            }
        };
        let has = move |record: &ItemRecord| number.is_none_or(|number| record.rows.iter().any(|row| row.space == number));
        let wanted = move |record: &ItemRecord| record.modality == modality && has(record);
        let found = found.filter(move |found| found.as_ref().map_or(true, |(_, record)| wanted(record)));
        Ok(found.map(|found| found.map(|(seq, record)| item(seq, record))))
    }

    /// The items that have a vector in `space`, in order, each with its vector as the model gave it. Items committed meanwhile
    /// may be among them or not.
    ///
    /// # Errors
    /// [`Refused::NoSpace`](super::Refused::NoSpace); [`Error::Damaged`], [`Error::Io`], then and at each item.
    pub fn scan(&self, space: &SpaceKey) -> Result<impl Iterator<Item = Result<(Item, Vec<f32>), Error>> + '_, Error> {
        let record = self.space_record(space)?.ok_or_else(|| self.no_space(space))?;
        let mut kept = Kept { collection: self, blocks: VecDeque::new() };
        Ok(self.places(record.number).map(move |found| {
            let (seq, owner, place) = found?;
            let vector = kept.row(&record, seq, place)?;
            let wrong = || Error::damaged(format!("the vector of `{}` is not where item {seq} says", owner.id));
            let vector = vector.ok_or_else(wrong)?;
            Ok((item(seq, owner), vector))
        }))
    }

    /// Every item with a row in the space of this number, and where the row is.
    fn places(&self, number: u32) -> impl Iterator<Item = Result<(u64, ItemRecord, RowRef), Error>> + '_ {
        items::scan(&*self.inner.kv, self.cid).filter_map(move |found| match found {
            Ok((seq, record)) => {
                let place = record.rows.iter().find(|row| row.space == number).copied();
                place.map(|place| Ok((seq, record, place)))
            }
            Err(error) => Some(Err(error)),
        })
    }
}

/// The rows of one block with the items that they belong to.
struct Rows {
    block: u32,
    dim: usize,
    seqs: Vec<u64>,
    numbers: Vec<f32>,
}

struct Kept<'a> {
    collection: &'a Collection,
    /// The one used last in front.
    blocks: VecDeque<Rows>,
}

impl Kept<'_> {
    /// The vector at `place`, none if it is not that of item `seq`.
    fn row(&mut self, space: &SpaceRecord, seq: u64, place: RowRef) -> Result<Option<Vec<f32>>, Error> {
        match self.blocks.iter().position(|rows| rows.block == place.block) {
            Some(0) => {}
            Some(at) => {
                if let Some(rows) = self.blocks.remove(at) {
                    self.blocks.push_front(rows);
                }
            }
            None => {
                let key = key::block(self.collection.cid, space.number, place.block);
                let Some(bytes) = self.collection.inner.kv.get(&key)? else { return Ok(None) };
                let block = self.collection.decode_block(space, place.block, &key, &bytes)?;
                self.blocks.truncate(KEPT - 1);
                self.blocks.push_front(Rows::of(place.block, &block));
            }
        }
        Ok(self.blocks.front().and_then(|rows| {
            let row = place.row as usize;
            (*rows.seqs.get(row)? == seq).then_some(())?;
            rows.numbers.get(row * rows.dim..(row + 1) * rows.dim).map(<[f32]>::to_vec)
        }))
    }
}

impl Rows {
    fn of(number: u32, block: &Block<'_>) -> Rows {
        let mut numbers = Vec::with_capacity(block.count * block.dim);
        (0..block.count).for_each(|row| block.push_row(row, &mut numbers));
        Rows { block: number, dim: block.dim, seqs: block.seqs().collect(), numbers }
    }
}
