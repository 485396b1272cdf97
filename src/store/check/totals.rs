//! What follows from the items of a collection: the lists of replaced rows, counts, next numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::collection::{Counted, Examiner, Seen};
use super::{Remedy, tolerant};
use crate::store::error::Error;
use crate::store::layout::{self, key};
use crate::store::storage::Storage;

impl Examiner<'_> {
    /// What the collection says that its numbers are must be what they are, where the blocks tell.
    pub(super) fn storage(&mut self) -> Result<(), Error> {
        let key = key::all(b'T', self.cid());
        let said = match tolerant::get(self.kv, &key)? {
            Some(read) => read.ok().and_then(|bytes| layout::decode::<Storage>(&bytes, String::new).ok()),
            None => Some(Storage::default()),
        };
        let storage = |seen: &Seen| match seen {
            Seen::Rows { storage, .. } => Some(*storage),
            Seen::Bad(_) => None,
        };
        // The first block is as good as any.
        let found = self.blocks.values().find_map(storage);
        if said.is_some() && (found.is_none() || found == said) {
            return Ok(());
        }
        self.find(Remedy::Rebuilt, None, "what it says that its vectors are kept as cannot be read, or is not what they are");
        match found.unwrap_or_default() {
            Storage::F32 => self.out.delete(key),
            other => self.out.put(key, layout::encode(&other, self.name)?),
        }
        Ok(())
    }

    /// Rows that no item claimed must be those that are listed as replaced.
    pub(super) fn unclaimed_rows(&mut self) -> Result<(), Error> {
        let cid = self.cid();
        let mut listed: BTreeMap<(u32, u32), Option<BTreeSet<u32>>> = BTreeMap::new();
        let numbers = self.blocks.keys().map(|&(space, block)| key::dead(cid, space, block));
        let read = tolerant::visit(self.kv, &key::all(b'D', cid), numbers, |key, read| {
            let place = (key::number(key, 5).unwrap_or(u32::MAX), key::number(key, 9).unwrap_or(u32::MAX));
            listed.insert(place, read.ok().and_then(|bytes| layout::decode(&bytes, String::new).ok()));
            Ok(())
        })?;
        self.out.unreadable |= !read;
        for ((space, block), seen) in std::mem::take(&mut self.blocks) {
            let (block_key, dead_key) = (key::block(cid, space, block), key::dead(cid, space, block));
            let rows = listed.remove(&(space, block)).unwrap_or_else(|| Some(BTreeSet::new()));
            let what = self.spaces.get(&space).map(|s| format!("block {block} of `{}`", s.key));
            let (Seen::Rows { seqs, claimed, spoilt, .. }, Some(what)) = (seen, &what) else {
                if self.swept.contains(&space) {
                    continue;
                }
                // What was in it is told with the items.
                self.find(
                    Remedy::Lost,
                    None,
                    match &what {
                        Some(what) => format!("{what} is damaged"),
                        None => format!("block {block} belongs to space number {space}, whose record is gone"),
                    },
                );
                self.out.delete(block_key);
                self.out.delete(dead_key);
                continue;
            };
            let free: BTreeSet<u32> = (0u32..).zip(&claimed).filter(|(_, claimed)| !**claimed).map(|(row, _)| row).collect();
            if rows.as_ref() == Some(&free) && free.len() < seqs.len() {
                continue;
            }
            match &rows {
                None => self.find(Remedy::Rebuilt, None, format!("the replaced rows of {what} cannot be read")),
                Some(rows) if !rows.is_subset(&free) => {
                    self.find(Remedy::Rebuilt, None, format!("{what} lists rows as replaced that are in use"));
                }
                Some(_) => {}
            }
            let rows = rows.unwrap_or_else(|| free.clone());
            let orphans = free.difference(&rows).filter(|row| !spoilt.contains(row)).filter_map(|&row| seqs.get(row as usize));
            let orphans = orphans.filter(|seq| !self.broken.contains_key(seq)).count();
            if orphans > 0 {
                self.find(Remedy::Rebuilt, None, format!("{what} holds {orphans} vectors that no item has"));
            }
            if free.len() == seqs.len() {
                self.out.delete(block_key);
                self.out.delete(dead_key);
            } else {
                self.out.put(dead_key, layout::encode(&free, "replaced rows")?);
            }
        }
        for (space, block) in listed.into_keys() {
            self.find(Remedy::Rebuilt, None, format!("a list of replaced rows is left of block {block} of space number {space}"));
            self.out.delete(key::dead(cid, space, block));
        }
        Ok(())
    }

    pub(super) fn counts(&mut self, counted: &Counted) -> Result<(), Error> {
        let losses = !self.broken.is_empty() || !self.poorer.is_empty();
        let mut spaces = std::mem::take(&mut self.spaces);
        for space in spaces.values_mut() {
            let rows = counted.rows.get(&space.number).copied().unwrap_or(0);
            let (poorer, behind) = (self.poorer.contains(&space.number), self.behind.contains(&space.number));
            if behind {
                self.find(Remedy::Rebuilt, None, format!("the number of the next block of `{}` is too small", space.key));
            }
            if space.rows == rows && !poorer && !behind {
                continue;
            }
            if !losses && space.rows != rows {
                let (key, said) = (&space.key, space.rows);
                self.find(Remedy::Rebuilt, None, format!("`{key}` says that it holds {said} vectors, and {rows} are there"));
            }
            // Other rows, so another fingerprint: no search file of the old ones may pass for one of these.
            let mut hasher = blake3::Hasher::new();
            hasher.update(&space.fingerprint).update(b"mended").update(&rows.to_le_bytes());
            space.fingerprint = *hasher.finalize().as_bytes();
            space.rows = rows;
            self.out.put(key::space(self.record.cid, &space.key), layout::encode(space, &space.key.to_string())?);
        }
        let said = self.record.clone();
        let next_space = spaces.keys().map(|number| number.saturating_add(1)).max().unwrap_or(0);
        self.record.next_seq = self.record.next_seq.max(counted.next_seq);
        self.record.next_space = self.record.next_space.max(next_space);
        (self.record.audio, self.record.text) = (counted.audio, counted.text);
        if said != self.record {
            if !losses {
                let (audio, text) = (counted.audio, counted.text);
                let fault =
                    format!("its record counts {} clips and {} labels, {audio} and {text} are there", said.audio, said.text);
                self.find(Remedy::Rebuilt, None, fault);
            }
            self.out.put(key::collection(self.name), layout::encode(&self.record, self.name)?);
        }
        Ok(())
    }
}
