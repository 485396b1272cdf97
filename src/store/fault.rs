//! A byte store that fails on purpose, to show what its users do then.
//!
//! `Faulty::new(inner, 7)` passes six calls on to `inner` and fails the seventh and every one after it, as a disk that
//! fell out would. A step of a scan is a call too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::Error;
use super::key_value::{Batch, Entry, KeyValue};

/// Passes calls on until its time has come.
pub struct Faulty {
    inner: Arc<dyn KeyValue>,
    fails_from: u64,
    calls: AtomicU64,
}

impl Faulty {
    /// Fails from call number `fails_from` on, counted from 1.
    pub fn new(inner: Arc<dyn KeyValue>, fails_from: u64) -> Self {
        Faulty { inner, fails_from, calls: AtomicU64::new(0) }
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn call(&self) -> Result<(), Error> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if number < self.fails_from {
            return Ok(());
        }
        Err(Error::Backend { message: format!("call {number} fails on purpose") })
    }
}

impl KeyValue for Faulty {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.call()?;
        self.inner.get(key)
    }

    fn put_batch(&self, batch: Batch) -> Result<(), Error> {
        self.call()?;
        self.inner.put_batch(batch)
    }

    fn scan_prefix<'a>(&'a self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + 'a> {
        Box::new(self.inner.scan_prefix(prefix).map(|entry| {
            self.call()?;
            entry
        }))
    }

    fn flush(&self) -> Result<(), Error> {
        self.call()?;
        self.inner.flush()
    }

    fn clear(&self) -> Result<(), Error> {
        self.call()?;
        self.inner.clear()
    }
}
