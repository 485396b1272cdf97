//! One collection: do its blocks, items, ids and counts fit each other.
//!
//! Blocks are read first and keep, for each row, the number of its item and whether an item has claimed it; then each item
//! claims its rows. What nobody claimed must be listed as replaced. Takes about ten bytes of memory a vector.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checkup, Remedy, catalog::unread, tolerant};
use crate::embedding::Modality;
use crate::progress::Progress;
use crate::store::block::Block;
use crate::store::error::Error;
use crate::store::key_value::KeyValue;
use crate::store::layout::{self, CollectionRecord, ItemRecord, RowRef, SpaceRecord, key};
use crate::store::storage::Storage;

/// Items between two looks at whether the user has had enough.
const STEP: u64 = 256;

/// A block as it was read.
pub(super) enum Seen {
    /// The item of each row, and whether it claimed it.
    Rows {
        seqs: Vec<u64>,
        claimed: Vec<bool>,
        spoilt: BTreeSet<u32>,
        storage: Storage,
    },
    Bad(String),
}

pub(super) struct Examiner<'a> {
    pub(super) kv: &'a dyn KeyValue,
    pub(super) name: &'a str,
    pub(super) record: CollectionRecord,
    pub(super) out: &'a mut Checkup,
    pub(super) spaces: BTreeMap<u32, SpaceRecord>,
    /// Some spaces have records that cannot be read; their names and numbers are gone.
    pub(super) nameless_spaces: bool,
    /// Spaces that were dropped and whose blocks are still to be swept away.
    pub(super) swept: BTreeSet<u32>,
    pub(super) blocks: BTreeMap<(u32, u32), Seen>,
    /// Items whose records cannot be read, with the reason.
    pub(super) broken: BTreeMap<u64, String>,
    /// Spaces that lost vectors.
    pub(super) poorer: BTreeSet<u32>,
    /// Spaces whose next block is there already.
    pub(super) behind: BTreeSet<u32>,
    /// The keys of ids that do not lead to their items, and will.
    misnamed: BTreeSet<Vec<u8>>,
}

/// Adds the faults of collection `name`, and what would mend them, to `out`.
pub fn examine(
    kv: &dyn KeyValue,
    name: &str,
    record: &CollectionRecord,
    out: &mut Checkup,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut examiner = Examiner {
        kv,
        name,
        record: record.clone(),
        out,
        spaces: BTreeMap::new(),
        nameless_spaces: false,
        swept: BTreeSet::new(),
        blocks: BTreeMap::new(),
        broken: BTreeMap::new(),
        poorer: BTreeSet::new(),
        behind: BTreeSet::new(),
        misnamed: BTreeSet::new(),
    };
    examiner.read_spaces()?;
    examiner.read_blocks()?;
    examiner.storage()?;
    let counted = examiner.read_items(progress)?;
    examiner.read_ids(counted.items)?;
    examiner.unclaimed_rows()?;
    examiner.counts(&counted)
}

/// What the items of a collection are, counted.
#[derive(Default)]
pub(super) struct Counted {
    items: u64,
    pub(super) audio: u64,
    pub(super) text: u64,
    pub(super) next_seq: u64,
    pub(super) rows: BTreeMap<u32, u64>,
}

impl Examiner<'_> {
    pub(super) fn cid(&self) -> u32 {
        self.record.cid
    }

    pub(super) fn find(&mut self, remedy: Remedy, item: Option<&str>, fault: impl Into<String>) {
        self.out.find(remedy, Some(self.name), item, fault);
    }

    fn read_spaces(&mut self) -> Result<(), Error> {
        let (mut bad, mut spaces) = (Vec::new(), BTreeMap::new());
        let cid = self.cid();
        let read = tolerant::visit_unguessed(self.kv, &key::all(b'S', cid), |key, read| {
            let record = read.ok().and_then(|bytes| layout::decode::<SpaceRecord>(&bytes, || "a space".into()).ok());
            match record.filter(|record| key == key::space(cid, &record.key)) {
                Some(record) => drop(spaces.insert(record.number, record)),
                None => bad.push(key.to_vec()),
            }
            Ok(())
        })?;
        unread(read, "spaces", self.out);
        self.nameless_spaces = !read || !bad.is_empty();
        for key in bad {
            self.find(Remedy::Lost, None, "the record of a space cannot be read: its vectors no longer say what they are of");
            self.out.delete(key);
        }
        self.spaces = spaces;
        Ok(())
    }

    fn read_blocks(&mut self) -> Result<(), Error> {
        let cid = self.cid();
        let mut blocks = BTreeMap::new();
        let spaces = self.spaces.clone();
        let probes = spaces.values().flat_map(|s| (0..s.next_block).map(move |block| key::block(cid, s.number, block)));
        let read = tolerant::visit(self.kv, &key::all(b'V', cid), probes, |key, read| {
            let (space, number) = (key::number(key, 5).unwrap_or(u32::MAX), key::number(key, 9).unwrap_or(u32::MAX));
            let seen = match read {
                Ok(bytes) => see(key, &bytes, spaces.get(&space)),
                Err(reason) => Seen::Bad(format!("cannot be read ({reason})")),
            };
            blocks.insert((space, number), seen);
            Ok(())
        })?;
        self.out.unreadable |= !read;
        for &(space, block) in blocks.keys() {
            if let Some(record) = self.spaces.get_mut(&space).filter(|record| record.next_block <= block) {
                record.next_block = block.saturating_add(1);
                self.behind.insert(space);
            }
        }
        let unknown: BTreeSet<u32> = blocks.keys().map(|(space, _)| *space).filter(|space| !spaces.contains_key(space)).collect();
        for space in unknown {
            if tolerant::get(self.kv, &key::sweep(cid, Some(space)))?.is_some() {
                self.swept.insert(space);
            }
        }
        self.blocks = blocks;
        Ok(())
    }

    fn read_items(&mut self, progress: &dyn Progress) -> Result<Counted, Error> {
        let cid = self.cid();
        let mut counted = Counted::default();
        let mut since = 0;
        let probes = (0..self.record.next_seq).map(|seq| key::item(cid, seq));
        let kv = self.kv;
        let read = tolerant::visit(kv, &key::all(b'I', cid), probes, |key, read| {
            since += 1;
            if since == STEP {
                progress.advance(std::mem::take(&mut since));
                if progress.cancelled() {
                    return Err(Error::Cancelled);
                }
            }
            let Ok(seq) = layout::read_seq(&key[5..], String::new) else {
                self.find(Remedy::Lost, None, format!("the key of an item is {} bytes long, expected 13", key.len()));
                self.out.delete(key.to_vec());
                return Ok(());
            };
            counted.next_seq = counted.next_seq.max(seq.saturating_add(1));
            let record = read.and_then(|bytes| {
                layout::decode::<ItemRecord>(&bytes, || format!("item {seq}")).map_err(|error| error.to_string())
            });
            match record {
                Ok(record) => self.item(seq, record, &mut counted),
                Err(reason) => {
                    self.broken.insert(seq, reason);
                    self.out.delete(key.to_vec());
                    Ok(())
                }
            }
        })?;
        progress.advance(since);
        self.out.unreadable |= !read;
        Ok(counted)
    }

    fn item(&mut self, seq: u64, mut record: ItemRecord, counted: &mut Counted) -> Result<(), Error> {
        let id_key = key::id(self.cid(), record.modality, &record.id);
        let named =
            tolerant::get(self.kv, &id_key)?.and_then(Result::ok).and_then(|bytes| layout::read_seq(&bytes, String::new).ok());
        if named != Some(seq) {
            // Another item of this name that is whole has it by right.
            if let Some(other) = named
                && self.bears(other, record.modality, &record.id)?
            {
                self.find(Remedy::Rebuilt, Some(&record.id), format!("it is there twice, as number {other} and as number {seq}"));
                self.out.delete(key::item(self.cid(), seq));
                return Ok(());
            }
            self.find(Remedy::Rebuilt, Some(&record.id), "it is not found by its id");
            self.misnamed.insert(id_key.clone());
            self.out.put(id_key, seq.to_be_bytes().to_vec());
        }
        counted.items += 1;
        match record.modality {
            Modality::Audio => counted.audio += 1,
            Modality::Text => counted.text += 1,
        }
        let before = record.rows.len();
        let rows = std::mem::take(&mut record.rows);
        for place in rows {
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
        if record.rows.len() < before {
            self.out.put(key::item(self.cid(), seq), layout::encode(&record, &record.id)?);
        }
        self.out.items += 1;
        Ok(())
    }

    fn bears(&self, seq: u64, modality: Modality, id: &str) -> Result<bool, Error> {
        let read = tolerant::get(self.kv, &key::item(self.cid(), seq))?.and_then(Result::ok);
        let record = read.and_then(|bytes| layout::decode::<ItemRecord>(&bytes, String::new).ok());
        Ok(record.is_some_and(|record| record.modality == modality && record.id == id))
    }

    /// Takes a row for its item, or says why it is not to be had.
    fn claim(&mut self, seq: u64, place: RowRef) -> Result<(), String> {
        let known = self.spaces.contains_key(&place.space);
        match self.blocks.get_mut(&(place.space, place.block)) {
            // The space was dropped since.
            None if !known && !self.nameless_spaces => return Ok(()),
            None => return Err("is gone".to_owned()),
            Some(_) if !known && self.swept.contains(&place.space) => return Ok(()),
            Some(_) if !known => return Err("belongs to a space whose record is gone".to_owned()),
            Some(Seen::Bad(reason)) => return Err(reason.clone()),
            Some(Seen::Rows { seqs, claimed, spoilt, .. }) => {
                let row = place.row as usize;
                if spoilt.contains(&place.row) {
                    return Err(format!("holds in row {row} what is no direction"));
                }
                match (seqs.get(row), claimed.get_mut(row)) {
                    (Some(&of), Some(taken)) if of == seq && !*taken => *taken = true,
                    _ => return Err(format!("has in row {row} no vector of it")),
                }
            }
        }
        self.out.vectors += 1;
        Ok(())
    }

    /// Ids that name nothing, and the names of the items that cannot be read.
    fn read_ids(&mut self, items: u64) -> Result<(), Error> {
        let cid = self.cid();
        let mut ids = 0;
        let kv = self.kv;
        let prefix = key::all(b'K', cid);
        // That some cannot be read is no loss: they follow from the items.
        let read = tolerant::visit_unguessed(kv, &prefix, |_, _| {
            ids += 1;
            Ok(())
        })?;
        self.out.unreadable |= !read;
        if ids != items || !self.misnamed.is_empty() || !self.broken.is_empty() {
            let mut unnamed = std::mem::take(&mut self.broken);
            let mut all = unnamed.clone();
            tolerant::visit_unguessed(kv, &prefix, |key, read| {
                let id = String::from_utf8_lossy(key.get(6..).unwrap_or_default()).into_owned();
                let modality = if key.get(5) == Some(&b't') { Modality::Text } else { Modality::Audio };
                let seq = read.ok().and_then(|bytes| layout::read_seq(&bytes, String::new).ok());
                if let Some(seq) = seq
                    && let Some(reason) = all.get(&seq)
                {
                    unnamed.remove(&seq);
                    self.find(Remedy::Lost, Some(&id), reason.clone());
                    self.out.delete(key.to_vec());
                } else if let Some(seq) = seq
                    && !self.misnamed.contains(key)
                    && !self.bears(seq, modality, &id)?
                {
                    let reason = format!("its record, number {seq}, is gone");
                    self.find(Remedy::Lost, Some(&id), reason.clone());
                    self.out.delete(key.to_vec());
                    all.insert(seq, reason);
                }
                Ok(())
            })?;
            for (seq, reason) in &unnamed {
                self.find(Remedy::Lost, Some(&format!("(number {seq})")), reason.clone());
            }
            self.broken = all;
        }
        Ok(())
    }
}

fn see(key: &[u8], bytes: &[u8], space: Option<&SpaceRecord>) -> Seen {
    let block = match Block::decode(key, bytes, String::new) {
        Ok(block) => block,
        Err(Error::Damaged { what }) => return Seen::Bad(what.trim().to_owned()),
        Err(error) => return Seen::Bad(error.to_string()),
    };
    if let Some(space) = space.filter(|space| space.dim as usize != block.dim) {
        return Seen::Bad(format!("has {} dimensions, expected {}", block.dim, space.dim));
    }
    let seqs: Vec<u64> = block.seqs().collect();
    let direction = |row: usize| {
        let square: f64 = block.row(row).into_iter().map(|x| f64::from(x) * f64::from(x)).sum();
        square.is_finite() && square > 0.0
    };
    let spoilt = (0..seqs.len()).filter(|&row| !direction(row)).map(|row| row as u32).collect();
    Seen::Rows { claimed: vec![false; seqs.len()], seqs, spoilt, storage: block.storage }
}
