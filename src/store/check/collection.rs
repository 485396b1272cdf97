//! One collection: do its blocks, items, ids and counts fit each other.
//!
//! Blocks are read first and keep, for each row, the number of its item and whether an item has claimed it; then each item
//! claims its rows (`items`). What nobody claimed must be listed as replaced. Takes some ten bytes of memory a vector, and some
//! fifty an item.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Checkup, Remedy, catalog::unread, tolerant};
use crate::progress::Progress;
use crate::store::block::Block;
use crate::store::error::Error;
use crate::store::ids;
use crate::store::key_value::KeyValue;
use crate::store::layout::{self, CollectionRecord, RowRef, SpaceRecord, key};
use crate::store::storage::Storage;

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
    /// Items whose long records are in use.
    pub(super) long: BTreeSet<u64>,
    /// What the table of ids should hold.
    pub(super) entries: Vec<ids::Entry>,
    /// The ids that were seen, as hashes of eight bytes.
    pub(super) ids: HashSet<u64>,
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
        long: BTreeSet::new(),
        entries: Vec::new(),
        ids: HashSet::new(),
    };
    examiner.read_spaces()?;
    examiner.read_blocks()?;
    examiner.storage()?;
    let counted = examiner.read_items(progress)?;
    examiner.read_ids()?;
    examiner.unclaimed_rows()?;
    examiner.counts(&counted)
}

/// What the items of a collection are, counted.
#[derive(Default)]
pub(super) struct Counted {
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

    /// Takes a row for its item, or says why it is not to be had.
    pub(super) fn claim(&mut self, seq: u64, place: RowRef) -> Result<(), String> {
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
