//! A byte store in memory: a `BTreeMap` behind a lock.
//!
//! For tests, and for stores that need not outlive the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::error::Error;
use super::key_value::{Batch, Entry, KeyValue};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Bytes that are gone with the process.
#[derive(Debug, Default)]
pub struct Memory {
    map: RwLock<Map>,
}

impl Memory {
    // A batch is applied without a step that can panic, so a poisoned lock guards a whole map.
    fn read(&self) -> RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Map> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValue for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.read().get(key).cloned())
    }

    fn put_batch(&self, batch: Batch) -> Result<(), Error> {
        let mut map = self.write();
        for (key, value) in batch {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        Ok(())
    }

    fn scan_prefix<'a>(&'a self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Entry, Error>> + 'a> {
        let prefix = prefix.to_vec();
        let mut from = Bound::Included(prefix.clone());
        Box::new(std::iter::from_fn(move || {
            let map = self.read();
            let (key, value) = map.range((from.clone(), Bound::Unbounded)).next()?;
            let entry = key.starts_with(&prefix).then(|| (key.clone(), value.clone()))?;
            from = Bound::Excluded(entry.0.clone());
            Some(Ok(entry))
        }))
    }

    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }

    fn clear(&self) -> Result<(), Error> {
        self.write().clear();
        Ok(())
    }
}
