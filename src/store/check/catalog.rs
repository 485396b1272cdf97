//! The records of the store as a whole, and which collections there are.

use std::collections::BTreeSet;

use super::{Checkup, Remedy, tolerant};
use crate::store::error::Error;
use crate::store::key_value::KeyValue;
use crate::store::layout::{self, CollectionRecord, FORMAT, RECORD_VERSION, key};

/// So many numbers of collections are tried when the next one is not known.
const GUESSED_COLLECTIONS: u32 = 1_000;
/// More collections than any store has had: a greater number is damage.
const MOST_COLLECTIONS: u32 = 1 << 20;

/// The collections with their records, made anew where there is none for keys that are there.
pub fn examine(kv: &dyn KeyValue, out: &mut Checkup) -> Result<Vec<(String, CollectionRecord)>, Error> {
    number::<u32>(kv, key::FORMAT, "the format", FORMAT, out)?;
    number::<u64>(kv, key::CHANGES, "the number of changes", 0, out)?;
    strangers(kv, out)?;
    let mut collections = Vec::new();
    let mut nameless = Vec::new();
    let read = tolerant::visit_unguessed(kv, key::COLLECTIONS, |key, read| {
        let name = String::from_utf8_lossy(&key[1..]).into_owned();
        match read.and_then(|bytes| layout::decode(&bytes, || format!("collection `{name}`")).map_err(|e| e.to_string())) {
            Ok(record) => collections.push((name, record)),
            Err(_) => nameless.push((name, key.to_vec())),
        }
        Ok(())
    })?;
    unread(read, "collections", out);
    let unclaimed = unclaimed(kv, &collections, out)?;
    // One name without a record, and one collection without a name: they belong together.
    match (nameless.as_slice(), unclaimed.as_slice()) {
        ([(name, _)], [cid]) => {
            out.find(Remedy::Rebuilt, Some(name), None, "its record cannot be read");
            collections.push((name.clone(), anew(*cid)));
        }
        _ => {
            for (name, key) in &nameless {
                out.find(
                    Remedy::Lost,
                    Some(name),
                    None,
                    "its record cannot be read: what was in it is no longer under this name",
                );
                out.delete(key.clone());
            }
            for cid in unclaimed {
                let name = format!("recovered-{cid}");
                out.find(Remedy::Rebuilt, Some(&name), None, "a collection without a name: it gets this one");
                collections.push((name, anew(cid)));
            }
        }
    }
    let next = collections.iter().map(|(_, record)| record.cid.saturating_add(1)).max().unwrap_or(0);
    if next_collection(kv)?.is_none_or(|given| given < next) && next > 0 {
        out.find(Remedy::Rebuilt, None, None, "the next collection's number is wrong");
        out.put(key::NEXT_COLLECTION.to_vec(), layout::encode(&next, "the next collection's id")?);
    }
    collections.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(collections)
}

fn anew(cid: u32) -> CollectionRecord {
    CollectionRecord { cid, created: 0, next_seq: 0, next_space: 0, audio: 0, text: 0 }
}

/// A single number of the store, which must be there.
fn number<T: serde::de::DeserializeOwned + serde::Serialize>(
    kv: &dyn KeyValue,
    key: &[u8],
    what: &str,
    otherwise: T,
    out: &mut Checkup,
) -> Result<(), Error> {
    let sound = match tolerant::get(kv, key)? {
        Some(Ok(bytes)) => layout::decode::<T>(&bytes, || what.to_owned()).is_ok(),
        Some(Err(_)) => {
            out.unreadable = true;
            false
        }
        None => false,
    };
    if !sound {
        out.find(Remedy::Rebuilt, None, None, format!("{what} cannot be read"));
        out.put(key.to_vec(), layout::encode(&otherwise, what)?);
    }
    Ok(())
}

/// The number of the next collection, if it can be.
pub fn next_collection(kv: &dyn KeyValue) -> Result<Option<u32>, Error> {
    let read = tolerant::get(kv, key::NEXT_COLLECTION)?.and_then(Result::ok);
    let next = read.and_then(|bytes| layout::decode(&bytes, || "the next collection's id".into()).ok());
    Ok(next.filter(|next| *next <= MOST_COLLECTIONS))
}

/// The numbers of collections that have keys and no record.
fn unclaimed(kv: &dyn KeyValue, collections: &[(String, CollectionRecord)], out: &mut Checkup) -> Result<Vec<u32>, Error> {
    let claimed: BTreeSet<u32> = collections.iter().map(|(_, record)| record.cid).collect();
    let mut found = Vec::new();
    for cid in 0..next_collection(kv)?.unwrap_or(GUESSED_COLLECTIONS) {
        if claimed.contains(&cid) {
            continue;
        }
        // What was dropped is swept away at the next open.
        if tolerant::get(kv, &key::sweep(cid, None))?.is_some() {
            continue;
        }
        if any(kv, &key::all(b'P', cid))? {
            found.push(cid);
            continue;
        }
        for table in key::OF_COLLECTION {
            if any(kv, &key::all(table, cid))? {
                out.find(Remedy::Rebuilt, None, None, format!("something is left of collection number {cid}, which is gone"));
                out.put(key::sweep(cid, None), Vec::new());
                break;
            }
        }
    }
    Ok(found)
}

/// Whether a key with this prefix can be read.
fn any(kv: &dyn KeyValue, prefix: &[u8]) -> Result<bool, Error> {
    match kv.scan_prefix(prefix).next() {
        None | Some(Err(Error::Damaged { .. })) => Ok(false),
        Some(Err(error)) => Err(error),
        Some(Ok(_)) => Ok(true),
    }
}

/// Keys of no table, and records of others that are none.
fn strangers(kv: &dyn KeyValue, out: &mut Checkup) -> Result<(), Error> {
    for table in (0..=u8::MAX).filter(|table| !key::TABLES.contains(table)) {
        if any(kv, &[table])? {
            out.find(Remedy::Rebuilt, None, None, format!("keys that begin with byte {table} belong to no table"));
            tolerant::visit(kv, &[table], [], |key, _| {
                out.delete(key.to_vec());
                Ok(())
            })?;
        }
    }
    let mut bad = Vec::new();
    let read = tolerant::visit_unguessed(kv, key::RECORDS, |key, read| {
        if read.ok().and_then(|bytes| bytes.first().copied()) != Some(RECORD_VERSION) || !key.contains(&0) {
            bad.push(key.to_vec());
        }
        Ok(())
    })?;
    for key in bad {
        let name = String::from_utf8_lossy(&key[1..]).replace('\0', " ");
        out.find(Remedy::Lost, None, None, format!("the record `{name}` cannot be read"));
        out.delete(key);
    }
    unread(read, "small records", out);
    Ok(())
}

/// Notes that a table could not be read to its end.
pub fn unread(read: bool, table: &str, out: &mut Checkup) {
    if !read {
        out.unreadable = true;
        out.find(Remedy::Lost, None, None, format!("some bytes of the table of {table} cannot be read"));
    }
}
