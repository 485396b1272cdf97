//! The byte store under everything: ordered keys, atomic batches.
//!
//! ```text
//!   catalog, collection ─ layout ─ KeyValue ┬ sled    a folder
//!                                           ├ memory  tests and passing stores
//!                                           └ fault   fails on purpose
//! ```
//! A backend promises: a batch is there whole or not at all, also after a kill; what was written before a [`KeyValue::flush`]
//! that returned is there after a kill or a power cut; keys come in the order of their bytes.

use super::error::Error;

/// A key with its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Writes that happen together. A later write of a key wins over an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// Sets `key` to `value`.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.push((key, Some(value)));
    }

    /// Removes `key`; it need not be there.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.writes.push((key, None));
    }

    /// Number of writes.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// True without writes.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

impl IntoIterator for Batch {
    type Item = (Vec<u8>, Option<Vec<u8>>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.writes.into_iter()
    }
}

/// An ordered map from bytes to bytes. All methods may be called from any thread.
pub trait KeyValue: Send + Sync {
    /// The value of `key`.
    ///
    /// # Errors
    /// When the backend cannot read.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Does all writes of the batch or none.
    ///
    /// # Errors
    /// When the backend cannot write; then none was done.
    fn put_batch(&self, batch: Batch) -> Result<(), Error>;

    /// The entries whose keys start with `prefix`, in order of keys, read as they are asked for. Entries written meanwhile
    /// may be among them or not.
    fn scan_prefix<'a>(&'a self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + 'a>;

    /// Returns once everything written before is safe on the disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    fn flush(&self) -> Result<(), Error>;

    /// Removes every entry.
    ///
    /// # Errors
    /// When the backend cannot write.
    fn clear(&self) -> Result<(), Error>;
}

/// Keys removed in one batch when something large is dropped.
const SWEEP: usize = 1_000;

/// Removes all keys that begin with `prefix`, batch by batch.
pub(super) fn empty(kv: &dyn KeyValue, prefix: &[u8]) -> Result<(), Error> {
    loop {
        let mut batch = Batch::default();
        for entry in kv.scan_prefix(prefix).take(SWEEP) {
            batch.delete(entry?.0);
        }
        if batch.is_empty() {
            return Ok(());
        }
        kv.put_batch(batch)?;
    }
}
