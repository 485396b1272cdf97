//! What the keys and values of a store are made of.
//!
//! ```text
//!   key                                   value
//!   F                                     format version, u32                    one a store
//!   G                                     changes so far, u64: one more with every batch, see `folder`
//!   N                                     id of the next collection, u32
//!   C  name                               CollectionRecord
//!   S  cid:4  hash:16                     SpaceRecord; hash = blake3 of the SpaceKey
//!   P  cid:4  page:8                      128 ItemRecords, with where their vectors are, see `items`
//!   M  cid:4  page:8                      their ids once more, see `items`
//!   L  cid:4  seq:8                       an ItemRecord too long for a page
//!   H  cid:4  depth:1  slot:4  page:2     from hashes of ids to numbers of items, see `ids`
//!   V  cid:4  space:4  block:4            vector block, see `block`
//!   D  cid:4  space:4  block:4            the rows of that block that no longer count
//!   T  cid:4                              Storage of the collection's vectors; none for f32
//!   R  table  00  key                     a small record of somebody else
//!   X  cid:4 [space:4]                    a dropped collection or space whose keys are still to be swept
//! ```
//! Formats 1 and 2 had `I cid seq`, an ItemRecord, and `K cid modality id`, its number: what is left of them is swept away.
//!
//! A field `name:n` is n bytes; numbers in keys are big-endian, so keys come in order. Ids of collections, of spaces and of
//! items, and numbers of blocks, are never given twice. A record is one version byte ([`RECORD_VERSION`]), then bincode's
//! standard encoding, at most [`RECORD_LIMIT`] bytes. The order of fields and of enum variants *is* the format: the fixture
//! `tests/fixtures/store-format-*.txt` hold it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::embedding::Modality;
use crate::value::Value;

use super::error::{Error, Refused};
use super::space::SpaceKey;

/// Version of all that is drawn above.
pub const FORMAT: u32 = 3;
/// First byte of every record.
pub const RECORD_VERSION: u8 = 1;
/// Longest record, in bytes.
pub const RECORD_LIMIT: usize = 16 << 20;
/// Holds back what corrupt lengths could make bincode allocate. It counts numbers at their full width, and a `u64` of 8 bytes
/// may be stored in one: so much of a record that is well formed, however it is made up.
const CLAIM_LIMIT: usize = 8 * RECORD_LIMIT;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CollectionRecord {
    pub cid: u32,
    /// Seconds since 1970.
    pub created: u64,
    pub next_seq: u64,
    pub next_space: u32,
    /// Items there are.
    pub audio: u64,
    pub text: u64,
}

impl CollectionRecord {
    pub fn count(&mut self, modality: Modality) -> &mut u64 {
        match modality {
            Modality::Audio => &mut self.audio,
            Modality::Text => &mut self.text,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SpaceRecord {
    pub key: SpaceKey,
    pub number: u32,
    pub dim: u32,
    /// Rows that count.
    pub rows: u64,
    pub next_block: u32,
    pub fingerprint: [u8; 32],
}

/// Where a vector is: a row of a block of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct RowRef {
    pub space: u32,
    pub block: u32,
    pub row: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ItemRecord {
    pub id: String,
    pub modality: Modality,
    pub content_hash: Option<String>,
    pub metadata: BTreeMap<String, Value>,
    /// One for each space that it has a vector in. A space that was dropped since may still stand here.
    pub rows: Vec<RowRef>,
}

/// The record of one version byte and bincode.
///
/// # Errors
/// When it cannot be encoded or is longer than [`RECORD_LIMIT`]; `what` names it.
pub(super) fn encode<T: Serialize + ?Sized>(record: &T, what: &str) -> Result<Vec<u8>, Refused> {
    let mut bytes = vec![RECORD_VERSION];
    bincode::serde::encode_into_std_write(record, &mut bytes, bincode::config::standard())
        .map_err(|e| Refused::Unencodable { what: what.to_owned(), reason: e.to_string() })?;
    if bytes.len() > RECORD_LIMIT {
        return Err(Refused::TooLarge { what: what.to_owned(), given: bytes.len(), longest: RECORD_LIMIT });
    }
    Ok(bytes)
}

/// Whether the record of an item of this id and these fields, with a row in so many spaces, is short enough.
///
/// # Errors
/// [`Refused::TooLarge`], [`Refused::Unencodable`].
pub(super) fn check_length(id: &str, metadata: &BTreeMap<String, Value>, spaces: usize) -> Result<(), Refused> {
    // A hash and the numbers before what was measured; three numbers a row.
    let given = encode(&(id, metadata), id)?.len() + 128 + 15 * spaces;
    match given > RECORD_LIMIT {
        true => Err(Refused::TooLarge { what: id.to_owned(), given, longest: RECORD_LIMIT }),
        false => Ok(()),
    }
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`Error::Damaged`] for anything else; `what` names it.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8], what: impl FnOnce() -> String) -> Result<T, Error> {
    let fault = match bytes.split_first() {
        Some((&RECORD_VERSION, rest)) => {
            match bincode::serde::decode_from_slice(rest, bincode::config::standard().with_limit::<CLAIM_LIMIT>()) {
                Ok((record, used)) if used == rest.len() => return Ok(record),
                Ok((_, used)) => format!("has {} bytes too many", rest.len() - used),
                Err(error) => format!("cannot be decoded ({error})"),
            }
        }
        Some((version, _)) => format!("has version {version}, expected {RECORD_VERSION}"),
        None => "is empty".to_owned(),
    };
    Err(Error::damaged(format!("the record of {} {fault}", what())))
}

/// A number as it stands at the end of a key.
pub(super) fn read_seq(bytes: &[u8], what: impl FnOnce() -> String) -> Result<u64, Error> {
    match bytes.try_into() {
        Ok(bytes) => Ok(u64::from_be_bytes(bytes)),
        Err(_) => Err(Error::damaged(format!("{} is {} bytes long, expected 8", what(), bytes.len()))),
    }
}

/// The keys, each as drawn in the header of this file.
pub(super) mod key {
    use super::{Modality, SpaceKey};

    pub const FORMAT: &[u8] = b"F";
    pub const CHANGES: &[u8] = b"G";
    pub const NEXT_COLLECTION: &[u8] = b"N";
    pub const COLLECTIONS: &[u8] = b"C";
    pub const SWEEPS: &[u8] = b"X";
    pub const RECORDS: &[u8] = b"R";
    /// First bytes of all keys.
    pub const TABLES: [u8; 14] = *b"FGNCTSPMLHVDRX";
    /// Tables of formats 1 and 2 that are no more.
    pub const RETIRED: [u8; 2] = *b"IK";
    /// Tables whose keys begin with a collection's id.
    pub const OF_COLLECTION: [u8; 8] = *b"SPMLHVDT";
    /// Tables whose keys begin with a collection's id and a space's number.
    pub const OF_SPACE: [u8; 2] = *b"VD";

    fn join(table: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = vec![table];
        parts.iter().for_each(|part| key.extend_from_slice(part));
        key
    }

    pub fn collection(name: &str) -> Vec<u8> {
        join(b'C', &[name.as_bytes()])
    }

    pub fn all(table: u8, cid: u32) -> Vec<u8> {
        join(table, &[&cid.to_be_bytes()])
    }

    pub fn all_of_space(table: u8, cid: u32, space: u32) -> Vec<u8> {
        join(table, &[&cid.to_be_bytes(), &space.to_be_bytes()])
    }

    pub fn space(cid: u32, key: &SpaceKey) -> Vec<u8> {
        let mut hasher = blake3::Hasher::new();
        // Lengths before texts: no two keys give the same bytes.
        for part in [&key.space.model, &key.model_hash] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.update(&[modality(key.space.modality), key.space.stage as u8, u8::from(key.prompt.is_some())]);
        hasher.update(key.prompt.as_deref().unwrap_or_default().as_bytes());
        join(b'S', &[&cid.to_be_bytes(), &hasher.finalize().as_bytes()[..16]])
    }

    pub fn page(cid: u32, page: u64) -> Vec<u8> {
        join(b'P', &[&cid.to_be_bytes(), &page.to_be_bytes()])
    }

    pub fn names(cid: u32, page: u64) -> Vec<u8> {
        join(b'M', &[&cid.to_be_bytes(), &page.to_be_bytes()])
    }

    pub fn long(cid: u32, seq: u64) -> Vec<u8> {
        join(b'L', &[&cid.to_be_bytes(), &seq.to_be_bytes()])
    }

    pub fn id_node(cid: u32, depth: u8, slot: u32) -> Vec<u8> {
        join(b'H', &[&cid.to_be_bytes(), &[depth], &slot.to_be_bytes()])
    }

    pub fn id_page(cid: u32, depth: u8, slot: u32, page: u16) -> Vec<u8> {
        join(b'H', &[&cid.to_be_bytes(), &[depth], &slot.to_be_bytes(), &page.to_be_bytes()])
    }

    pub fn block(cid: u32, space: u32, block: u32) -> Vec<u8> {
        join(b'V', &[&cid.to_be_bytes(), &space.to_be_bytes(), &block.to_be_bytes()])
    }

    pub fn dead(cid: u32, space: u32, block: u32) -> Vec<u8> {
        join(b'D', &[&cid.to_be_bytes(), &space.to_be_bytes(), &block.to_be_bytes()])
    }

    pub fn record(table: &str, key: &str) -> Vec<u8> {
        join(b'R', &[table.as_bytes(), &[0], key.as_bytes()])
    }

    pub fn sweep(cid: u32, space: Option<u32>) -> Vec<u8> {
        join(b'X', &[&cid.to_be_bytes(), space.map(u32::to_be_bytes).as_ref().map_or(&[][..], |s| s)])
    }

    /// The big-endian u32 in bytes `at..at + 4` of a key.
    pub fn number(key: &[u8], at: usize) -> Option<u32> {
        key.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub fn modality(of: Modality) -> u8 {
        match of {
            Modality::Audio => b'a',
            Modality::Text => b't',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_other_bytes_are_damage() {
        let record = CollectionRecord { cid: 3, created: 9, next_seq: 1 << 40, next_space: 2, audio: 7, text: 0 };
        let bytes = encode(&record, "c").unwrap();
        assert_eq!(decode::<CollectionRecord>(&bytes, || "c".into()).unwrap(), record);
        for cut in 0..bytes.len() {
            assert!(decode::<CollectionRecord>(&bytes[..cut], || "c".into()).is_err());
        }
        let long: Vec<u8> = bytes.iter().copied().chain([0]).collect();
        assert!(decode::<CollectionRecord>(&long, || "c".into()).unwrap_err().to_string().contains("1 bytes too many"));
        // A number of few bytes counts for eight.
        let list = vec![1u64; RECORD_LIMIT - 8];
        assert_eq!(decode::<Vec<u64>>(&encode(&list, "c").unwrap(), || "c".into()).unwrap(), list);
        assert!(encode(&vec![1u64; RECORD_LIMIT], "c").is_err());
        // A length of 2^60 must be refused, not allocated.
        let huge = [&[RECORD_VERSION, 253][..], &(1u64 << 60).to_le_bytes()].concat();
        assert!(decode::<String>(&huge, || "c".into()).is_err());
        assert!(decode::<Vec<u64>>(&huge, || "c".into()).is_err());
    }

    #[test]
    fn keys_come_in_the_order_of_their_numbers() {
        assert!(key::page(1, 255) < key::page(1, 256) && key::page(1, u64::MAX) < key::page(2, 0));
        assert!(key::block(1, 2, 255) < key::block(1, 2, 256));
        assert_eq!(key::number(&key::block(1, 2, 300), 9), Some(300));
        assert_eq!(key::number(b"V", 9), None);
    }
}
