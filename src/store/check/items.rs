//! The items of one collection: their pages, the copies of their ids, and the table that leads from ids to them.
//!
//! A page that cannot be read is lost with its items; the copy of their ids says which they were. The copies and the table
//! follow from the pages and are made again.

use std::collections::{BTreeMap, BTreeSet};

use super::collection::{Counted, Examiner};
use super::tolerant::{self, Read};
use super::{Remedy, catalog::unread};
use crate::embedding::Modality;
use crate::progress::Progress;
use crate::store::error::Error;
use crate::store::ids::{self, Leaf};
use crate::store::items::{self, Names, Page, Slot, WIDTH};
use crate::store::key_value::Batch;
use crate::store::layout::{self, ItemRecord, key};
use crate::store::memory::Memory;

impl Examiner<'_> {
    pub(super) fn read_items(&mut self, progress: &dyn Progress) -> Result<Counted, Error> {
        let (kv, cid) = (self.kv, self.cid());
        let mut counted = Counted::default();
        let mut pages = BTreeSet::new();
        let probes = (0..self.record.next_seq.div_ceil(WIDTH)).map(|page| key::page(cid, page));
        let read = tolerant::visit(kv, &key::all(b'P', cid), probes, |key, read| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let Ok(number) = layout::read_seq(&key[5..], String::new) else {
                self.find(Remedy::Lost, None, format!("the key of a page of items is {} bytes long, expected 13", key.len()));
                self.out.delete(key.to_vec());
                return Ok(());
            };
            pages.insert(number);
            self.page(number, read, &mut counted, progress)
        })?;
        self.out.unreadable |= !read;
        let mut gone = Vec::new();
        let probes = (0..self.record.next_seq.div_ceil(WIDTH)).map(|page| key::names(cid, page));
        let read = tolerant::visit(kv, &key::all(b'M', cid), probes, |key, _| {
            match layout::read_seq(&key[5..], String::new) {
                Ok(number) if pages.contains(&number) => {}
                Ok(number) => gone.push(number),
                Err(_) => self.out.delete(key.to_vec()),
            }
            Ok(())
        })?;
        self.out.unreadable |= !read;
        for number in gone {
            self.lost_page(number, None, &mut counted)?;
        }
        self.long_records()?;
        Ok(counted)
    }

    fn names(&self, number: u64) -> Result<Option<Names>, Error> {
        let key = key::names(self.cid(), number);
        Ok(tolerant::get(self.kv, &key)?.and_then(Result::ok).and_then(|bytes| items::decode_names(&key, &bytes)))
    }

    /// Tells which items were in a page that cannot be read, or is not there when `reason` is none.
    fn lost_page(&mut self, number: u64, reason: Option<&str>, counted: &mut Counted) -> Result<(), Error> {
        self.out.delete(key::page(self.cid(), number));
        self.out.delete(key::names(self.cid(), number));
        let names = self.names(number)?;
        let known = names.is_some();
        let slots: Names =
            names.unwrap_or_else(|| (0..WIDTH as u8).map(|slot| (slot, (Modality::Audio, String::new()))).collect());
        for (slot, (_, id)) in slots {
            let seq = items::seq(number, slot);
            let reason =
                reason.map_or_else(|| format!("its record, number {seq}, is gone"), |reason| format!("its record: {reason}"));
            if known {
                counted.next_seq = counted.next_seq.max(seq.saturating_add(1));
                self.find(Remedy::Lost, Some(&id), reason.clone());
            }
            self.broken.insert(seq, reason);
        }
        if !known {
            let why = reason.unwrap_or("they are gone");
            let what = items::title(number);
            self.find(Remedy::Lost, None, format!("{what} are lost, and the copy of their ids: {why}"));
        }
        Ok(())
    }

    fn page(&mut self, number: u64, read: Read, counted: &mut Counted, progress: &dyn Progress) -> Result<(), Error> {
        let (cid, page_key, names_key) = (self.cid(), key::page(self.cid(), number), key::names(self.cid(), number));
        let page = read.and_then(|bytes| Page::decode(&page_key, number, &bytes).map_err(plain));
        let mut page = match page {
            Ok(page) => page,
            Err(reason) => return self.lost_page(number, Some(&reason), counted),
        };
        progress.advance(page.slots.len() as u64);
        let told = self.names(number)?;
        let (mut names, mut kept, mut changed) = (Names::new(), BTreeMap::new(), false);
        for (slot, stored) in std::mem::take(&mut page.slots) {
            let seq = items::seq(number, slot);
            counted.next_seq = counted.next_seq.max(seq.saturating_add(1));
            let record = match &stored {
                Slot::Here(bytes) => items::decode(seq, bytes).map_err(plain),
                Slot::Apart => match tolerant::get(self.kv, &key::long(cid, seq))? {
                    Some(read) => read.and_then(|bytes| items::decode(seq, &bytes).map_err(plain)),
                    None => Err(format!("its record, number {seq}, is gone")),
                },
            };
            match record {
                Ok(record) => {
                    let rows = record.rows.len();
                    let Some(record) = self.item(seq, record, counted) else {
                        changed = true;
                        continue;
                    };
                    let poorer = record.rows.len() < rows;
                    let stored = match stored {
                        Slot::Here(_) if poorer => Slot::Here(layout::encode(&record, &record.id)?),
                        Slot::Apart if poorer => {
                            self.out.put(key::long(cid, seq), layout::encode(&record, &record.id)?);
                            Slot::Apart
                        }
                        stored => stored,
                    };
                    if stored == Slot::Apart {
                        self.long.insert(seq);
                    }
                    changed |= poorer;
                    kept.insert(slot, stored);
                    names.insert(slot, (record.modality, record.id));
                }
                Err(reason) => {
                    changed = true;
                    let name = told.as_ref().and_then(|told| told.get(&slot)).map(|(_, id)| id.clone());
                    let name = name.unwrap_or_else(|| format!("(number {seq})"));
                    self.find(Remedy::Lost, Some(&name), reason.clone());
                    self.broken.insert(seq, reason);
                }
            }
        }
        if !changed && told.as_ref() == Some(&names) {
            return Ok(());
        }
        if !changed {
            self.find(Remedy::Rebuilt, None, format!("the copy of the ids of {} is missing or wrong", items::title(number)));
        }
        if kept.is_empty() {
            self.out.delete(page_key);
            self.out.delete(names_key);
        } else {
            let bytes = Page { slots: kept }.encode(&page_key);
            self.out.put(page_key, bytes);
            let bytes = items::encode_names(&names_key, &names);
            self.out.put(names_key, bytes);
        }
        Ok(())
    }

    /// Counts an item and gives it back with the vectors that it still has; none where there is another of its id.
    fn item(&mut self, seq: u64, mut record: ItemRecord, counted: &mut Counted) -> Option<ItemRecord> {
        let long = blake3::Hasher::new().update(&[key::modality(record.modality)]).update(record.id.as_bytes()).finalize();
        let long = long.as_bytes().iter().take(8).fold(0, |n, &byte| n << 8 | u64::from(byte));
        if !self.ids.insert(long) {
            self.find(Remedy::Rebuilt, Some(&record.id), format!("it is there twice, a second time as number {seq}"));
            return None;
        }
        self.entries.push((ids::hash(record.modality, &record.id), seq));
        match record.modality {
            Modality::Audio => counted.audio += 1,
            Modality::Text => counted.text += 1,
        }
        for place in std::mem::take(&mut record.rows) {
            match self.claim(seq, place) {
                Ok(()) => {
                    if self.spaces.contains_key(&place.space) {
                        *counted.rows.entry(place.space).or_default() += 1;
                    }
                    record.rows.push(place);
                }
                Err(reason) => {
                    let space = self.spaces.get(&place.space);
                    let space = space.map_or_else(|| format!("space number {}", place.space), |s| format!("`{}`", s.key));
                    self.find(Remedy::Lost, Some(&record.id), format!("its vector in {space}: block {} {reason}", place.block));
                    self.poorer.insert(place.space);
                }
            }
        }
        self.out.items += 1;
        Some(record)
    }

    /// Long records that no page names.
    fn long_records(&mut self) -> Result<(), Error> {
        let read = tolerant::visit_unguessed(self.kv, &key::all(b'L', self.cid()), |key, _| {
            let seq = layout::read_seq(&key[5..], String::new).ok();
            if seq.is_none_or(|seq| !self.long.contains(&seq)) {
                if seq.is_none_or(|seq| !self.broken.contains_key(&seq)) {
                    self.find(Remedy::Rebuilt, None, "a long record is left of an item that is gone");
                }
                self.out.delete(key.to_vec());
            }
            Ok(())
        })?;
        unread(read, "long records", self.out);
        Ok(())
    }

    /// The table of ids must hold the items that were found, each where it is looked for.
    pub(super) fn read_ids(&mut self) -> Result<(), Error> {
        let (kv, cid) = (self.kv, self.cid());
        let prefix = key::all(b'H', cid);
        let (mut keys, mut split, mut whole) = (Vec::new(), BTreeSet::new(), true);
        let (mut count, mut sum) = (0, 0u64);
        let read = tolerant::visit_unguessed(kv, &prefix, |key, read| {
            keys.push(key.to_vec());
            let leaf = read.ok().and_then(|bytes| Leaf::decode(key, &bytes).ok());
            match (ids::place(key), leaf) {
                (Some((depth, slot, number)), Some(leaf)) => {
                    // Nodes come in order of depth.
                    if leaf.split && number == 0 {
                        split.insert((depth, slot));
                    }
                    whole &= leaf.entries.iter().all(|(hash, _)| ids::belongs(*hash, depth, slot, &split));
                    count += leaf.entries.len();
                    sum = leaf.entries.iter().fold(sum, |sum, entry| sum.wrapping_add(mixed(*entry)));
                }
                _ => whole = false,
            }
            Ok(())
        })?;
        self.out.unreadable |= !read;
        let entries = std::mem::take(&mut self.entries);
        let expected = entries.iter().fold(0u64, |sum, entry| sum.wrapping_add(mixed(*entry)));
        if read && whole && count == entries.len() && sum == expected {
            return Ok(());
        }
        // Of items that are lost something is left in it.
        if self.broken.is_empty() || !whole || !read {
            self.find(Remedy::Rebuilt, None, "the table of ids is not that of its items");
        }
        keys.into_iter().for_each(|key| self.out.delete(key));
        let (nothing, mut batch) = (Memory::default(), Batch::default());
        let mut table = ids::Edit::new(&nothing, cid);
        table.add(entries)?;
        table.finish(&mut batch);
        for (key, value) in batch {
            match value {
                Some(value) => self.out.put(key, value),
                None => self.out.delete(key),
            }
        }
        Ok(())
    }
}

/// A number of an entry whose sum over many tells whether they are the same, in whatever order (the mixing of splitmix64).
fn mixed((hash, seq): ids::Entry) -> u64 {
    let mut x = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(hash).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn plain(error: Error) -> String {
    match error {
        Error::Damaged { what } => what,
        other => other.to_string(),
    }
}
