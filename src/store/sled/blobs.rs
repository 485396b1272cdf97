//! Files of large values that sled has forgotten.
//!
//! sled keeps a page that is too large for its log in a file of `blobs/`, named by the place in the log where it is spoken of. A
//! page that is replaced leaves its file behind until the log goes on to another segment, and when sled is closed before, for
//! ever: a store that was written in one go kept twice its bytes. What is needed is written in the snapshot that sled leaves
//! when it is opened, which names the files of all pages up to its end:
//!
//! ```text
//!   snapshot   i64 end + 1   varint segment + 1   page …   u64 length   u32 crc32 of all before the length
//!   page       0   place   pointer                   a free one
//!              n   ( place   pointer   varint size ) × n
//!   pointer    0   varint place          in the log
//!              1   varint place   i64    in the file of that number
//! ```
//! (sled 0.34, `serialization.rs`; numbers are little-endian; how long a varint is tells its first byte.) Only files of before the end that no page
//! names are removed, and none at all where anything of this is not as expected, or a file that is named is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::Sled;

/// Removes the forgotten files of a folder that sled has just opened, under its lock. What cannot be removed stays.
pub(super) fn sweep(path: &Path) {
    // Whatever is wrong, sled says where it matters.
    for file in forgotten(path).ok().flatten().unwrap_or_default() {
        let _ = std::fs::remove_file(file);
    }
}

/// The files that no page names; none where that cannot be told.
fn forgotten(path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path.join("blobs"))? {
        let entry = entry?;
        let name = entry.file_name().to_str().and_then(|name| name.parse::<i64>().ok());
        // What is no file of sled's is left alone.
        name.map(|name| files.insert(name, entry.path()));
    }
    if files.is_empty() {
        return Ok(None);
    }
    // sled takes the last by name.
    let Some(snapshot) = Sled::snapshots(path).into_iter().max() else { return Ok(None) };
    let Some((end, named)) = read(&std::fs::read(&snapshot)?) else { return Ok(None) };
    if !snapshot.ends_with(format!("snap.{end:016X}")) || !named.iter().all(|name| files.contains_key(name)) {
        return Ok(None);
    }
    Ok(Some(files.into_iter().filter(|(name, _)| *name < end && !named.contains(name)).map(|(_, file)| file).collect()))
}

/// The end of a snapshot, and the files that its pages name.
fn read(bytes: &[u8]) -> Option<(i64, BTreeSet<i64>)> {
    let (rest, sum) = bytes.split_last_chunk::<4>()?;
    let (pages, length) = rest.split_last_chunk::<8>()?;
    if u64::from_le_bytes(*length) != pages.len() as u64 || u32::from_le_bytes(*sum) != crc32fast::hash(pages) {
        return None;
    }
    let mut bytes = pages;
    let end = place(&mut bytes)?.checked_sub(1)?;
    varint(&mut bytes)?;
    let mut named = BTreeSet::new();
    while let Some((&entries, rest)) = bytes.split_first() {
        bytes = rest;
        for _ in 0..entries.max(1) {
            place(&mut bytes)?;
            named.extend(pointer(&mut bytes)?);
            if entries > 0 {
                varint(&mut bytes)?;
            }
        }
    }
    Some((end, named))
}

/// The file that a pointer names, if it names one.
fn pointer(bytes: &mut &[u8]) -> Option<Option<i64>> {
    let (&kind, rest) = bytes.split_first()?;
    *bytes = rest;
    varint(bytes)?;
    match kind {
        0 => Some(None),
        1 => place(bytes).map(Some),
        _ => None,
    }
}

fn place(bytes: &mut &[u8]) -> Option<i64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(i64::from_le_bytes(*number))
}

fn varint(bytes: &mut &[u8]) -> Option<()> {
    let (&first, rest) = bytes.split_first()?;
    let more = match first {
        0..=240 => 0,
        241..=248 => 1,
        249 => 2,
        250.. => usize::from(first) - 247,
    };
    *bytes = rest.get(more..)?;
    Some(())
}
