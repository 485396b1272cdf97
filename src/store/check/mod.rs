//! Finding damage: what was read wrongly, what does not fit together, what is lost and what can be made again.
//!
//! ```text
//!   tolerant (reads what can be read) ─ catalog, then each collection ─ findings ─ report
//!                                                                          └ fixes ─ `mend`
//! ```
//! The vectors, the items with their ids, and the spaces are what is kept; all else follows from them and is rebuilt: the
//! table of ids, the lists of replaced rows, counts and next numbers. An item whose record is gone is lost with its vectors;
//! an item whose vector is gone loses that vector. Each is named, so that it can be embedded again.

mod catalog;
mod collection;
mod items;
pub(super) mod tolerant;
mod totals;

use std::path::PathBuf;

use crate::progress::Progress;

use super::catalog::Store;
use super::error::{Error, Refused};
use super::key_value::KeyValue;

/// What follows from a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Nothing is lost: a repair makes it again from what is there.
    Rebuilt,
    /// It is gone; a repair takes out what is left of it.
    Lost,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// None where it concerns the whole store.
    pub collection: Option<String>,
    /// The id of the clip or label, where it concerns one.
    pub item: Option<String>,
    /// A clause: "its vector in `m joint (audio)`: block 3 has a wrong checksum".
    pub fault: String,
    pub remedy: Remedy,
}

/// What a check saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkup {
    pub findings: Vec<Finding>,
    /// Sound items.
    pub items: u64,
    /// Sound vectors, of all spaces.
    pub vectors: u64,
    /// The folder in which a repair that lost something left the byte store as it was.
    pub kept: Option<PathBuf>,
    pub(super) fixes: Vec<Fix>,
    /// Some pages of the byte store cannot be read, so they cannot be written to either.
    pub(super) unreadable: bool,
}

/// A key with the value that it should have, none where it should not be.
pub(super) type Fix = (Vec<u8>, Option<Vec<u8>>);

impl Checkup {
    /// True without findings.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    /// Findings of what is lost.
    pub fn lost(&self) -> usize {
        self.findings.iter().filter(|finding| finding.remedy == Remedy::Lost).count()
    }

    pub(super) fn find(&mut self, remedy: Remedy, collection: Option<&str>, item: Option<&str>, fault: impl Into<String>) {
        let (collection, item) = (collection.map(str::to_owned), item.map(str::to_owned));
        self.findings.push(Finding { collection, item, fault: fault.into(), remedy });
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.fixes.push((key, Some(value)));
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.fixes.push((key, None));
    }
}

impl Store {
    /// Reads all that is in the store, or in the collection `only`, and tells what is wrong with it. Nothing is changed.
    ///
    /// # Errors
    /// [`Refused::NoCollection`]; [`Error::Cancelled`]; [`Error::Io`] and [`Error::Backend`] when the byte store fails in
    /// another way than by wrong bytes.
    pub fn check(&self, only: Option<&str>, progress: &dyn Progress) -> Result<Checkup, Error> {
        let _reading = self.inner.read();
        examine(&*self.inner.kv, only, progress)
    }
}

/// The faults of a byte store, and the writes that would mend them.
pub(super) fn examine(kv: &dyn KeyValue, only: Option<&str>, progress: &dyn Progress) -> Result<Checkup, Error> {
    let mut checkup = Checkup::default();
    let collections = catalog::examine(kv, &mut checkup)?;
    if let Some(name) = only
        && collections.iter().all(|(found, _)| found != name)
    {
        return Err(Refused::NoCollection { name: name.to_owned() }.into());
    }
    let chosen: Vec<_> = collections.iter().filter(|(name, _)| only.is_none_or(|only| only == name)).collect();
    progress.begin("checking", Some(chosen.iter().map(|(_, record)| record.audio + record.text).sum()));
    for (name, record) in chosen {
        collection::examine(kv, name, record, &mut checkup, progress)?;
    }
    progress.end();
    if only.is_some() {
        checkup.findings.retain(|finding| finding.collection.as_deref() == only);
    }
    Ok(checkup)
}
