//! Compacting: rows that no longer count are written away, small blocks become full ones, and the byte store is made anew.
//!
//! ```text
//!   repack   blocks with replaced rows, and blocks under three quarters full ─ group by group, one commit each ─ full blocks
//!   renew    all entries in order ─ a new byte store ─ in the place of the old one
//! ```
//! A block that is nearly full stays: to write it anew takes more than it gives. The new byte store is kept where it is the smaller
//! one. The rows of a space and their order stay, and so does its fingerprint: search files go on being right. It takes as much
//! disk as the compacted store needs, until the old one is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::progress::Progress;

use super::block::{self, Block};
use super::catalog::{self, Store};
use super::collection::Collection;
use super::error::Error;
use super::items;
use super::key_value::{Batch, KeyValue};
use super::layout::{self, ItemRecord, RowRef, SpaceRecord, key};
use super::renew::{self, Filling};
use super::sled::Sled;
use super::storage::Storage;

/// Rows of one commit, unless a block holds more.
const GROUP_ROWS: usize = 1_000;
const GROUP_BYTES: usize = 4 << 20;

/// What compacting did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes of the byte store's files.
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Blocks of vectors.
    pub blocks_before: u64,
    pub blocks_after: u64,
    /// Replaced rows that were written away.
    pub rows_removed: u64,
}

impl Store {
    /// Compacts the store in folder `dir`. When it fails, or the process is killed, the store is as it was or compacted.
    ///
    /// # Errors
    /// Those of [`Store::open`]; [`Error::Io`] when the disk is too small for a second copy; [`Error::Cancelled`].
    pub fn compact_folder(dir: &Path, progress: &dyn Progress) -> Result<Compacted, Error> {
        let (witness, kv) = catalog::open_parts(dir)?;
        let before = renew::size(&renew::db(dir));
        let kv: Arc<Sled> = Arc::new(kv);
        let mut done = {
            let store = Store::over(kv.clone(), None, None)?;
            witness.check(*store.inner.read())?;
            let done = store.repack(progress)?;
            witness.saw(*store.inner.read());
            done
        };
        let to = renew::begin(dir)?;
        progress.begin("writing the store anew", None);
        let copy = || {
            let mut filling = Filling::new(&to, progress);
            kv.scan_prefix(b"").try_for_each(|entry| filling.put(entry?))?;
            filling.end()
        };
        let copied = copy();
        drop(to);
        if let Err(error) = copied {
            renew::abandon(dir);
            return Err(error);
        }
        drop(kv);
        Sled::wait_until_closed(&renew::db(dir));
        // sled gives back space in its own way: what it has made of a young store may be smaller than a fresh copy.
        match renew::size(&renew::new(dir)) < renew::size(&renew::db(dir)) {
            true => renew::finish(dir)?,
            false => renew::abandon(dir),
        }
        progress.end();
        (done.bytes_before, done.bytes_after) = (before, renew::size(&renew::db(dir)));
        drop(witness);
        Ok(done)
    }

    /// Writes away the rows that no longer count and fills the blocks, in commits of their own. Bytes are not told.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`], [`Error::Backend`]; [`Error::Cancelled`]. What was done so far stays.
    pub fn repack(&self, progress: &dyn Progress) -> Result<Compacted, Error> {
        let mut done = Compacted::default();
        let collections = self.collections()?;
        progress.begin("filling blocks", Some(collections.iter().flat_map(|c| &c.spaces).map(|s| s.rows).sum()));
        for info in collections {
            let Some(collection) = self.collection(&info.name)? else { continue };
            let mut writing = self.inner.write();
            let storage = info.storage;
            for mut space in self.inner.spaces(collection.cid)? {
                let rows = space.rows;
                let mut packer = Packer { collection: &collection, space: &mut space, storage, done: &mut done };
                packer.space(&mut writing, progress)?;
                progress.advance(rows);
            }
        }
        progress.end();
        Ok(done)
    }
}

struct Packer<'a> {
    collection: &'a Collection,
    space: &'a mut SpaceRecord,
    storage: Storage,
    done: &'a mut Compacted,
}

impl Packer<'_> {
    fn space(&mut self, writing: &mut u64, progress: &dyn Progress) -> Result<(), Error> {
        let full = block::rows_per_block(self.storage, self.space.dim as usize);
        let group = full.max(GROUP_ROWS.min(GROUP_BYTES / (4 * self.space.dim as usize).max(1)));
        let dead = self.collection.dead_rows(self.space)?;
        let mut wanting: Vec<(u32, usize)> = Vec::new();
        let kv = Arc::clone(&self.collection.inner.kv);
        for entry in kv.scan_prefix(&key::all_of_space(b'V', self.collection.cid, self.space.number)) {
            let (key, bytes) = entry?;
            let number = key::number(&key, 9).unwrap_or(u32::MAX);
            let count = self.collection.decode_block(self.space, number, &key, &bytes)?.count;
            let live = count.saturating_sub(dead.get(&number).map_or(0, BTreeSet::len));
            self.done.blocks_before += 1;
            self.done.blocks_after += 1;
            if live < full - full / 4 || live < count {
                wanting.push((number, live));
            }
        }
        // One block has to be so.
        if let [(only, _)] = wanting.as_slice()
            && !dead.contains_key(only)
        {
            return Ok(());
        }
        let mut sources: Vec<u32> = Vec::new();
        let mut rows = 0;
        for (at, &(number, live)) in wanting.iter().enumerate() {
            sources.push(number);
            rows += live;
            if rows < group && at + 1 < wanting.len() {
                continue;
            }
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let short = self.merge(&sources, &dead, full, writing)?;
            // What did not fill a block goes into the next group.
            sources.clear();
            rows = 0;
            if let Some((block, live)) = short {
                sources.push(block);
                rows = live;
            }
        }
        Ok(())
    }

    fn kv(&self) -> &dyn KeyValue {
        &*self.collection.inner.kv
    }

    /// Writes the rows of `sources` that count to new blocks. Gives the last one, with its rows, when it is not full.
    fn merge(
        &mut self,
        sources: &[u32],
        dead: &BTreeMap<u32, BTreeSet<u32>>,
        full: usize,
        writing: &mut u64,
    ) -> Result<Option<(u32, usize)>, Error> {
        let (cid, space) = (self.collection.cid, self.space.number);
        let mut batch = Batch::default();
        let mut rows: Vec<(u64, RowRef, Vec<f32>)> = Vec::new();
        for &number in sources {
            let block_key = key::block(cid, space, number);
            let bytes = self.kv().get(&block_key)?.unwrap_or_default();
            let block: Block<'_> = self.collection.decode_block(self.space, number, &block_key, &bytes)?;
            for (row, seq) in (0u32..).zip(block.seqs()) {
                if dead.get(&number).is_none_or(|dead| !dead.contains(&row)) {
                    rows.push((seq, RowRef { space, block: number, row }, block.row(row as usize)));
                } else {
                    self.done.rows_removed += 1;
                }
            }
            batch.delete(block_key);
            batch.delete(key::dead(cid, space, number));
        }
        let kv = Arc::clone(&self.collection.inner.kv);
        let mut records = items::Edit::new(&*kv, cid);
        let mut short = None;
        let mut written = 0;
        for chunk in rows.chunks(full) {
            let number = self.space.next_block;
            self.space.next_block += 1;
            let block_key = key::block(cid, space, number);
            let seqs: Vec<u64> = chunk.iter().map(|(seq, ..)| *seq).collect();
            let vectors: Vec<&[f32]> = chunk.iter().map(|(.., vector)| vector.as_slice()).collect();
            batch.put(block_key.clone(), block::encode(self.storage, &block_key, self.space.dim, &seqs, &vectors));
            for (row, (seq, from, _)) in (0u32..).zip(chunk) {
                let mut item: ItemRecord = records.record(*seq)?.ok_or_else(|| self.unclaimed(*seq, from))?;
                let place = item.rows.iter_mut().find(|place| *place == from).ok_or_else(|| self.unclaimed(*seq, from))?;
                *place = RowRef { space, block: number, row };
                records.put(*seq, &item)?;
            }
            written += 1;
            short = (chunk.len() < full).then_some((number, chunk.len()));
        }
        records.finish(&mut batch)?;
        batch.put(key::space(cid, &self.space.key), layout::encode(&*self.space, &self.space.key.to_string())?);
        self.collection.inner.apply(writing, batch)?;
        self.done.blocks_after = (self.done.blocks_after + written).saturating_sub(sources.len() as u64);
        Ok(short)
    }

    fn unclaimed(&self, seq: u64, place: &RowRef) -> Error {
        Error::damaged(format!("row {} of block {} of `{}` is not of item {seq}", place.row, place.block, self.space.key))
    }
}
