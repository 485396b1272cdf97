//! From format 2 to format 3: items from records of their own to pages.
//!
//! ```text
//!   I cid seq              ItemRecord     →   P, L, M (`items`)
//!   K cid modality id      seq            →   H (`ids`)
//! ```
//! It is done collection by collection, page by page; memory holds some pages. What a killed run made is removed first. The old
//! tables stay until the format is 3; the next sweep removes them.

use crate::store::error::Error;
use crate::store::key_value::{Batch, KeyValue, empty};
use crate::store::layout::{self, ItemRecord, key};
use crate::store::{ids, items};

/// Items of one batch, and what is left of their last page.
const BATCH: usize = 8 * items::WIDTH as usize;

/// Items of one collection, on their way.
struct Pages<'a> {
    kv: &'a dyn KeyValue,
    cid: u32,
    waiting: Vec<(u64, ItemRecord)>,
}

/// # Errors
/// [`Error::Damaged`] for an item that cannot be read; those of the byte store.
pub(super) fn items(kv: &dyn KeyValue) -> Result<(), Error> {
    for table in *b"PLMH" {
        empty(kv, &[table])?;
    }
    let mut pages = Pages { kv, cid: 0, waiting: Vec::new() };
    for entry in kv.scan_prefix(b"I") {
        let (key, bytes) = entry?;
        let cid = key::number(&key, 1).ok_or_else(|| Error::damaged("the key of an item is cut"))?;
        let seq = layout::read_seq(key.get(5..).unwrap_or_default(), || "the number of an item".into())?;
        // Pages are written whole, so that none is written twice.
        let last = pages.waiting.last().map(|(last, _)| items::place(*last).0);
        if cid != pages.cid || (pages.waiting.len() >= BATCH && last != Some(items::place(seq).0)) {
            pages.write()?;
            pages.cid = cid;
        }
        pages.waiting.push((seq, items::decode(seq, &bytes)?));
    }
    pages.write()
}

impl Pages<'_> {
    fn write(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (mut records, mut table) = (items::Edit::new(self.kv, self.cid), ids::Edit::new(self.kv, self.cid));
        let mut entries = Vec::with_capacity(self.waiting.len());
        for (seq, record) in self.waiting.drain(..) {
            entries.push((ids::hash(record.modality, &record.id), seq));
            records.put(seq, &record)?;
        }
        table.add(entries)?;
        let mut batch = Batch::default();
        records.finish(&mut batch)?;
        table.finish(&mut batch);
        self.kv.put_batch(batch)
    }
}
