//! What a commit writes: new vectors in blocks, rows that no longer count, records that changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::block::{self, Block};
use crate::store::error::Error;
use crate::store::ids;
use crate::store::key_value::Batch;
use crate::store::layout::{self, ItemRecord, RowRef, SpaceRecord, key};

use super::Stage;

/// An item that has a vector, where it is, and the vector that comes.
type Given<'a> = (u64, RowRef, &'a [f32]);

impl Stage<'_> {
    pub(super) fn finish(mut self) -> Result<Batch, Error> {
        let cid = self.collection.cid;
        let mut spaces = std::mem::take(&mut self.spaces);
        for space in spaces.values_mut() {
            let blocks = space.next_block;
            let mut hasher = blake3::Hasher::new();
            hasher.update(&space.fingerprint);
            self.write_blocks(space, &mut hasher)?;
            let buried = self.bury(space, &mut hasher)?;
            if space.next_block != blocks || buried {
                space.fingerprint = *hasher.finalize().as_bytes();
                self.batch.put(key::space(cid, &space.key), layout::encode(space, &space.key.to_string())?);
            }
        }
        let mut table = ids::Edit::new(&*self.collection.inner.kv, cid);
        for &(hash, seq) in &self.gone {
            self.records.delete(seq)?;
            table.remove((hash, seq))?;
        }
        for (seq, staged) in &self.items {
            self.records.put(*seq, &staged.record)?;
        }
        let new = self.items.range(self.first..);
        table.add(new.map(|(seq, staged)| (ids::hash(staged.record.modality, &staged.record.id), *seq)).collect())?;
        table.finish(&mut self.batch);
        self.records.finish(&mut self.batch)?;
        self.batch.put(key::collection(&self.collection.name), layout::encode(&self.record, &self.collection.name)?);
        Ok(self.batch)
    }

    /// Writes the new vectors of `space` in blocks and says in the items where they are.
    fn write_blocks(&mut self, space: &mut SpaceRecord, hasher: &mut blake3::Hasher) -> Result<(), Error> {
        let stored = self.stored_so(space)?;
        let mut staged: Vec<(u64, &mut ItemRecord, Vec<f32>)> = Vec::new();
        for (seq, item) in &mut self.items {
            if let Some(vector) = item.vectors.remove(&space.number).filter(|_| !stored.contains(seq)) {
                staged.push((*seq, &mut item.record, vector));
            }
        }
        for chunk in staged.chunks_mut(block::rows_per_block(self.storage, space.dim as usize)) {
            let number = space.next_block;
            space.next_block += 1;
            let key = key::block(self.collection.cid, space.number, number);
            let seqs: Vec<u64> = chunk.iter().map(|(seq, ..)| *seq).collect();
            let rows: Vec<&[f32]> = chunk.iter().map(|(_, _, vector)| vector.as_slice()).collect();
            let bytes = block::encode(self.storage, &key, space.dim, &seqs, &rows);
            hasher.update(Block::checksum_of(&bytes));
            self.batch.put(key, bytes);
            space.rows += chunk.len() as u64;
            for (row, (_, item, _)) in chunk.iter_mut().enumerate() {
                let place = RowRef { space: space.number, block: number, row: row as u32 };
                match item.rows.iter_mut().find(|old| old.space == space.number) {
                    Some(old) => {
                        self.dead.entry((old.space, old.block)).or_default().insert(old.row);
                        *old = place;
                    }
                    None => item.rows.push(place),
                }
            }
        }
        Ok(())
    }

    /// The items whose new vector in `space` is stored already, bit for bit: what is stored twice changes nothing.
    fn stored_so(&self, space: &SpaceRecord) -> Result<BTreeSet<u64>, Error> {
        let mut places: BTreeMap<u32, Vec<Given<'_>>> = BTreeMap::new();
        for (seq, item) in &self.items {
            let row = item.record.rows.iter().find(|row| row.space == space.number);
            if let (Some(row), Some(vector)) = (row, item.vectors.get(&space.number)) {
                places.entry(row.block).or_default().push((*seq, *row, vector));
            }
        }
        let (mut same, mut given) = (BTreeSet::new(), Vec::new());
        for (number, rows) in places {
            let key = key::block(self.collection.cid, space.number, number);
            let Some(bytes) = self.collection.inner.kv.get(&key)? else { continue };
            // One that cannot be read is told of where its rows are struck out.
            let Ok(block) = Block::decode(&key, &bytes, String::new) else { continue };
            for (seq, row, vector) in rows {
                given.clear();
                self.storage.write(vector, &mut given);
                if block.bytes_of(seq, row) == Some(&given) {
                    same.insert(seq);
                }
            }
        }
        Ok(same)
    }

    /// Lists the rows of `space` that no longer count, and removes blocks of which none does. True when there were any.
    fn bury(&mut self, space: &mut SpaceRecord, hasher: &mut blake3::Hasher) -> Result<bool, Error> {
        let cid = self.collection.cid;
        let kv = &self.collection.inner.kv;
        let mut any = false;
        for (&(_, number), rows) in self.dead.range((space.number, 0)..=(space.number, u32::MAX)) {
            any = true;
            space.rows = space.rows.saturating_sub(rows.len() as u64);
            hasher.update(&number.to_le_bytes());
            rows.iter().for_each(|row| {
                hasher.update(&row.to_le_bytes());
            });
            let (block_key, dead_key) = (key::block(cid, space.number, number), key::dead(cid, space.number, number));
            let mut all = rows.clone();
            if let Some(bytes) = kv.get(&dead_key)? {
                all.extend(layout::decode::<BTreeSet<u32>>(&bytes, || format!("replaced rows of `{}`", space.key))?);
            }
            let bytes = kv.get(&block_key)?.unwrap_or_default();
            if all.len() == self.collection.decode_block(space, number, &block_key, &bytes)?.count {
                self.batch.delete(block_key);
                self.batch.delete(dead_key);
            } else {
                self.batch.put(dead_key, layout::encode(&all, "replaced rows")?);
            }
        }
        Ok(any)
    }
}
