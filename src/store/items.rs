//! The records of items, a page of [`WIDTH`] numbers in one value.
//!
//! ```text
//!   page n     slot:1 length:4 record, for each item with a number in n × 128 .. (n + 1) × 128, in order; see `page`
//!   length     u32 little-endian; FF FF FF FF: the record is long, and stands by itself under `L`
//!   names of n slot:1 modality:1 length:2 id, for the same items: what says which they were, should the page be lost
//! ```
//! An [`Edit`] gathers the changes of one commit and writes each page once.

use std::collections::BTreeMap;

use crate::embedding::Modality;

use super::error::Error;
use super::key_value::{Batch, KeyValue};
use super::layout::{self, ItemRecord, key};
use super::page;

/// Numbers of items in a page.
pub(super) const WIDTH: u64 = 128;
/// Longest record that stands in a page.
const LONG: usize = 4 << 10;
const APART: u32 = u32::MAX;

/// The number of an item's page, and the item's place in it.
pub(super) fn place(seq: u64) -> (u64, u8) {
    (seq / WIDTH, (seq % WIDTH) as u8)
}

/// The number of the item in a slot of a page.
pub(super) fn seq(page: u64, slot: u8) -> u64 {
    page.saturating_mul(WIDTH).saturating_add(u64::from(slot))
}

/// How a page is named in messages.
pub(super) fn title(page: u64) -> String {
    format!("the records of items {} to {}", seq(page, 0), seq(page, (WIDTH - 1) as u8))
}

/// A record in a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    Here(Vec<u8>),
    Apart,
}

/// The records of a page by slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub slots: BTreeMap<u8, Slot>,
}

/// Takes `n` bytes from the front.
fn take<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(n)?;
    *rest = left;
    Some(taken)
}

/// The records of a page's content in order of slots.
fn each(content: &[u8]) -> impl Iterator<Item = Option<(u8, Option<&[u8]>)>> {
    let mut rest = content;
    let mut next = move || {
        let slot = *take(&mut rest, 1)?.first()?;
        let length = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
        let record = if length == APART { None } else { Some(take(&mut rest, length as usize)?) };
        Some(((slot, record), rest.is_empty()))
    };
    let mut ended = content.is_empty();
    std::iter::from_fn(move || {
        let read = if ended { return None } else { next() };
        ended = read.is_none_or(|(_, last)| last);
        Some(read.map(|(entry, _)| entry))
    })
}

fn disordered(number: u64) -> Error {
    Error::damaged(format!("{} do not follow each other", title(number)))
}

impl Page {
    /// Reads what was stored under the key of page `number`.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn decode(key: &[u8], number: u64, bytes: &[u8]) -> Result<Self, Error> {
        let content = page::open(key, bytes, || title(number))?;
        let mut slots = BTreeMap::new();
        for entry in each(&content) {
            let (slot, record) = entry.ok_or_else(|| disordered(number))?;
            let record = record.map_or(Slot::Apart, |bytes| Slot::Here(bytes.to_vec()));
            if u64::from(slot) >= WIDTH || slots.insert(slot, record).is_some() {
                return Err(disordered(number));
            }
        }
        Ok(Page { slots })
    }

    /// What is to be stored under `key`.
    pub fn encode(&self, key: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        for (slot, record) in &self.slots {
            content.push(*slot);
            match record {
                Slot::Here(bytes) => {
                    content.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                    content.extend_from_slice(bytes);
                }
                Slot::Apart => content.extend_from_slice(&APART.to_le_bytes()),
            }
        }
        page::seal(key, &content)
    }
}

/// Which items a page holds, by slot.
pub(super) type Names = BTreeMap<u8, (Modality, String)>;

/// What is to be stored under `key` for the names of a page.
pub(super) fn encode_names(key: &[u8], names: &Names) -> Vec<u8> {
    let mut content = Vec::new();
    for (slot, (modality, id)) in names {
        content.extend_from_slice(&[*slot, key::modality(*modality)]);
        content.extend_from_slice(&(id.len() as u16).to_le_bytes());
        content.extend_from_slice(id.as_bytes());
    }
    page::seal(key, &content)
}

/// The names of a page, if they can be read.
pub(super) fn decode_names(key: &[u8], bytes: &[u8]) -> Option<Names> {
    let content = page::open(key, bytes, String::new).ok()?;
    let (mut rest, mut names) = (content.as_slice(), Names::new());
    while !rest.is_empty() {
        let &[slot, modality, low, high] = take(&mut rest, 4)? else { return None };
        let modality = if modality == key::modality(Modality::Text) { Modality::Text } else { Modality::Audio };
        let id = take(&mut rest, usize::from(u16::from_le_bytes([low, high])))?;
        names.insert(slot, (modality, String::from_utf8(id.to_vec()).ok()?));
    }
    Some(names)
}

fn load(kv: &dyn KeyValue, cid: u32, number: u64) -> Result<Option<Page>, Error> {
    let key = key::page(cid, number);
    kv.get(&key)?.map(|bytes| Page::decode(&key, number, &bytes)).transpose()
}

/// The record of item `seq`.
///
/// # Errors
/// [`Error::Damaged`]; those of the byte store.
pub(super) fn record(kv: &dyn KeyValue, cid: u32, seq: u64) -> Result<Option<ItemRecord>, Error> {
    let (number, slot) = place(seq);
    // A commit between two lookups can have moved the record: then the second time finds it.
    for _ in 0..2 {
        let key = key::page(cid, number);
        let Some(bytes) = kv.get(&key)? else { return Ok(None) };
        let content = page::open(&key, &bytes, || title(number))?;
        let found = each(&content).find(|entry| entry.is_none_or(|(at, _)| at >= slot));
        match found.map(|entry| entry.ok_or_else(|| disordered(number))).transpose()? {
            Some((at, Some(bytes))) if at == slot => return decode(seq, bytes).map(Some),
            Some((at, None)) if at == slot => {
                if let Some(bytes) = kv.get(&key::long(cid, seq))? {
                    return decode(seq, &bytes).map(Some);
                }
            }
            _ => return Ok(None),
        }
    }
    Err(Error::damaged(format!("the record of item {seq} is missing")))
}

pub(super) fn decode(seq: u64, bytes: &[u8]) -> Result<ItemRecord, Error> {
    layout::decode(bytes, || format!("item {seq}"))
}

/// All records in order, read page by page.
pub(super) fn scan(kv: &dyn KeyValue, cid: u32) -> impl Iterator<Item = Result<(u64, ItemRecord), Error>> + '_ {
    kv.scan_prefix(&key::all(b'P', cid)).flat_map(move |entry| {
        let read = entry.and_then(|(key, bytes)| {
            let number = layout::read_seq(key.get(5..).unwrap_or_default(), || "the number of a page of items".into())?;
            let page = Page::decode(&key, number, &bytes)?;
            Ok(page.slots.into_iter().map(move |(slot, record)| (seq(number, slot), record)))
        });
        let (records, error) = match read {
            Ok(records) => (Some(records), None),
            Err(error) => (None, Some(Err(error))),
        };
        let records = records.into_iter().flatten().filter_map(move |(seq, slot)| match slot {
            Slot::Here(bytes) => Some(decode(seq, &bytes).map(|record| (seq, record))),
            Slot::Apart => record(kv, cid, seq).map(|found| found.map(|record| (seq, record))).transpose(),
        });
        records.chain(error)
    })
}

/// Changes to the records of a collection, before they are written. Pages that were looked at are kept.
pub(super) struct Edit<'a> {
    kv: &'a dyn KeyValue,
    cid: u32,
    /// The pages, and whether they changed.
    pages: BTreeMap<u64, (Page, bool)>,
    /// The long records: none where one is taken out.
    long: BTreeMap<u64, Option<Vec<u8>>>,
}

impl<'a> Edit<'a> {
    pub fn new(kv: &'a dyn KeyValue, cid: u32) -> Self {
        Edit { kv, cid, pages: BTreeMap::new(), long: BTreeMap::new() }
    }

    fn page(&mut self, number: u64) -> Result<&mut (Page, bool), Error> {
        use std::collections::btree_map::Entry;
        match self.pages.entry(number) {
            Entry::Occupied(there) => Ok(there.into_mut()),
            Entry::Vacant(free) => Ok(free.insert((load(self.kv, self.cid, number)?.unwrap_or_default(), false))),
        }
    }

    /// The record of item `seq`.
    ///
    /// # Errors
    /// As [`record`].
    pub fn record(&mut self, seq: u64) -> Result<Option<ItemRecord>, Error> {
        let (number, slot) = place(seq);
        match self.page(number)?.0.slots.get(&slot) {
            None => Ok(None),
            Some(Slot::Here(bytes)) => decode(seq, bytes).map(Some),
            Some(Slot::Apart) => self.apart(seq).map(Some),
        }
    }

    fn apart(&self, seq: u64) -> Result<ItemRecord, Error> {
        let bytes = match self.long.get(&seq) {
            Some(bytes) => bytes.clone(),
            None => self.kv.get(&key::long(self.cid, seq))?,
        };
        decode(seq, &bytes.ok_or_else(|| Error::damaged(format!("the record of item {seq} is missing")))?)
    }

    /// # Errors
    /// [`Error::Refused`] when it is too long or cannot be encoded; those of reading the page.
    pub fn put(&mut self, seq: u64, record: &ItemRecord) -> Result<(), Error> {
        let bytes = layout::encode(record, &record.id)?;
        self.put_bytes(seq, bytes)
    }

    /// As [`Edit::put`], for a record that is encoded.
    ///
    /// # Errors
    /// Those of reading the page.
    pub fn put_bytes(&mut self, seq: u64, bytes: Vec<u8>) -> Result<(), Error> {
        let slot = if bytes.len() > LONG {
            self.long.insert(seq, Some(bytes));
            Slot::Apart
        } else {
            Slot::Here(bytes)
        };
        self.set(seq, Some(slot))
    }

    /// # Errors
    /// Those of reading the page.
    pub fn delete(&mut self, seq: u64) -> Result<(), Error> {
        self.set(seq, None)
    }

    fn set(&mut self, seq: u64, to: Option<Slot>) -> Result<(), Error> {
        let (number, slot) = place(seq);
        let stays = to == Some(Slot::Apart);
        let (page, changed) = self.page(number)?;
        *changed |= page.slots.get(&slot) != to.as_ref();
        let before = match to {
            Some(to) => page.slots.insert(slot, to),
            None => page.slots.remove(&slot),
        };
        if before == Some(Slot::Apart) && !stays {
            self.long.insert(seq, None);
        }
        Ok(())
    }

    /// Writes what changed.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a record in a changed page that cannot be read.
    pub fn finish(self, batch: &mut Batch) -> Result<(), Error> {
        for (&number, (page, _)) in self.pages.iter().filter(|(_, (_, changed))| *changed) {
            let (page_key, names_key) = (key::page(self.cid, number), key::names(self.cid, number));
            if page.slots.is_empty() {
                batch.delete(page_key);
                batch.delete(names_key);
                continue;
            }
            let mut names = Names::new();
            for (&slot, record) in &page.slots {
                let seq = seq(number, slot);
                let record = match record {
                    Slot::Here(bytes) => decode(seq, bytes)?,
                    Slot::Apart => self.apart(seq)?,
                };
                names.insert(slot, (record.modality, record.id));
            }
            let bytes = page.encode(&page_key);
            batch.put(page_key, bytes);
            let bytes = encode_names(&names_key, &names);
            batch.put(names_key, bytes);
        }
        for (seq, bytes) in self.long {
            match bytes {
                Some(bytes) => batch.put(key::long(self.cid, seq), bytes),
                None => batch.delete(key::long(self.cid, seq)),
            }
        }
        Ok(())
    }
}
