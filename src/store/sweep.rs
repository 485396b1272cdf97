//! Removing the keys of collections and spaces that were dropped: a drop itself only leaves a mark, in one small batch.

use super::catalog::Inner;
use super::error::Error;
use super::key_value::Batch;
use super::layout::key;

/// Keys removed in one batch when something large is dropped.
const SWEEP: usize = 1_000;

impl Inner {
    /// Removes the keys of what was dropped, batch by batch: a large collection would not fit one. A kill in between leaves
    /// the mark, and the next open goes on.
    pub fn sweep(&self) -> Result<(), Error> {
        let marks: Vec<_> = self.kv.scan_prefix(key::SWEEPS).collect::<Result<_, _>>()?;
        for (mark, _) in marks {
            let cid = key::number(&mark, 1).ok_or_else(|| Error::damaged("a mark of what was dropped names nothing"))?;
            let prefixes: Vec<Vec<u8>> = match key::number(&mark, 5) {
                Some(space) => key::OF_SPACE.iter().map(|&table| key::all_of_space(table, cid, space)).collect(),
                None => key::OF_COLLECTION.iter().map(|&table| key::all(table, cid)).collect(),
            };
            for prefix in prefixes {
                loop {
                    let mut batch = Batch::default();
                    for entry in self.kv.scan_prefix(&prefix).take(SWEEP) {
                        batch.delete(entry?.0);
                    }
                    if batch.is_empty() {
                        break;
                    }
                    self.kv.put_batch(batch)?;
                }
            }
            let mut batch = Batch::default();
            batch.delete(mark);
            self.kv.put_batch(batch)?;
            self.kv.flush()?;
        }
        Ok(())
    }
}
