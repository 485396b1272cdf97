//! Small records that other modules keep in a store, each under a key of a table.
//!
//! ```
//! # fn main() -> Result<(), dyad::store::Error> {
//! let store = dyad::store::Store::in_memory()?;
//! store.put_record("prompts", "track", &"A <> track")?;
//! assert_eq!(store.record::<String>("prompts", "track")?.as_deref(), Some("A <> track"));
//! # Ok(()) }
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::catalog::{Store, check_name};
use super::error::Error;
use super::key_value::Batch;
use super::layout::{self, key};

impl Store {
    /// Keeps a small record for another module: under `key` of `table`, in place of what was there.
    ///
    /// # Errors
    /// [`Refused::Name`](super::Refused::Name) for the table, [`Refused::TooLarge`](super::Refused::TooLarge) from 16 MiB on,
    /// [`Refused::Unencodable`](super::Refused::Unencodable); [`Error::Io`].
    pub fn put_record<T: Serialize + ?Sized>(&self, table: &str, key: &str, record: &T) -> Result<(), Error> {
        check_name("table name", table)?;
        let bytes = layout::encode(record, &format!("{table} {key}"))?;
        let mut batch = Batch::default();
        batch.put(key::record(table, key), bytes);
        let mut writing = self.inner.write();
        self.inner.apply(&mut writing, batch)
    }

    /// The record under `key` of `table`. Types that need to look ahead (`serde_json::Value`) cannot be read back.
    ///
    /// # Errors
    /// [`Error::Damaged`] also when it is there and is no `T`; [`Error::Io`].
    pub fn record<T: DeserializeOwned>(&self, table: &str, key: &str) -> Result<Option<T>, Error> {
        match self.inner.kv.get(&key::record(table, key))? {
            Some(bytes) => layout::decode(&bytes, || format!("`{key}` in table `{table}`")).map(Some),
            None => Ok(None),
        }
    }

    /// All records of `table` with their keys, in order of keys.
    ///
    /// # Errors
    /// As [`Store::record`].
    pub fn records<T: DeserializeOwned>(&self, table: &str) -> Result<Vec<(String, T)>, Error> {
        let prefix = key::record(table, "");
        let read = |entry: Result<(Vec<u8>, Vec<u8>), Error>| {
            let (key, value) = entry?;
            let name = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
            let record = layout::decode(&value, || format!("`{name}` in table `{table}`"))?;
            Ok((name, record))
        };
        self.inner.kv.scan_prefix(&prefix).map(read).collect()
    }
}
