//! Removing the keys of collections and spaces that were dropped, and of former formats: a drop itself only leaves a mark, in one
//! small batch.

use super::catalog::Inner;
use super::error::Error;
use super::key_value::{Batch, empty};
use super::layout::key;

impl Inner {
    /// Removes what no longer counts, batch by batch: a large collection would not fit one. A kill in between leaves the mark, and
    /// the next open goes on.
    pub fn sweep(&self) -> Result<(), Error> {
        for table in key::RETIRED {
            empty(&*self.kv, &[table])?;
        }
        let marks: Vec<_> = self.kv.scan_prefix(key::SWEEPS).collect::<Result<_, _>>()?;
        for (mark, _) in marks {
            let cid = key::number(&mark, 1).ok_or_else(|| Error::damaged("a mark of what was dropped names nothing"))?;
            let prefixes: Vec<Vec<u8>> = match key::number(&mark, 5) {
                Some(space) => key::OF_SPACE.iter().map(|&table| key::all_of_space(table, cid, space)).collect(),
                None => key::OF_COLLECTION.iter().map(|&table| key::all(table, cid)).collect(),
            };
            prefixes.iter().try_for_each(|prefix| empty(&*self.kv, prefix))?;
            let mut batch = Batch::default();
            batch.delete(mark);
            self.kv.put_batch(batch)?;
            self.kv.flush()?;
        }
        Ok(())
    }
}
