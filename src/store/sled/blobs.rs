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
//! (sled 0.34, `serialization.rs`; numbers are little-endian; how long a varint is tells its first byte.) Only files of before the
//! end that no page names are removed, and none at all where anything of this is not as expected, or a file that is named is not
//! there.
//!
//! When sled is opened it reads its log from the segment on in which the snapshot ends, with the files of which it speaks. At one
//! that is not what was written it first cuts the log and then finds that it ends before the snapshot: nothing can be read any
//! more. So they are looked at before: u32 crc32 of all that follows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Sled;

/// Bytes of a segment of the log, as sled makes them unless it is told otherwise.
const SEGMENT: i64 = 512 << 10;

/// The files of a folder's pages.
pub(super) struct Blobs {
    files: BTreeMap<i64, PathBuf>,
    /// What the pages name up to `end`, all of it there.
    named: BTreeSet<i64>,
    end: i64,
}

fn is_sound(file: &Path) -> bool {
    // One that cannot be read at all is sled's to tell of.
    std::fs::read(file).map_or(true, |bytes| {
        bytes.split_first_chunk::<4>().is_some_and(|(sum, rest)| crc32fast::hash(rest) == u32::from_le_bytes(*sum))
    })
}

impl Blobs {
    /// None where it cannot be told which are named, or one of them is missing: whatever is wrong then, sled says where it
    /// matters.
    pub fn of(path: &Path) -> Option<Blobs> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(path.join("blobs")).ok()? {
            let entry = entry.ok()?;
            // What is no file of sled's is left alone.
            if let Some(name) = entry.file_name().to_str().and_then(|name| name.parse::<i64>().ok()) {
                files.insert(name, entry.path());
            }
        }
        if files.is_empty() {
            return None;
        }
        // sled takes the last by name.
        let snapshot = Sled::snapshots(path).into_iter().max()?;
        let (end, named) = read(&std::fs::read(&snapshot).ok()?)?;
        let holds = snapshot.ends_with(format!("snap.{end:016X}")) && named.iter().all(|name| files.contains_key(name));
        holds.then_some(Blobs { files, named, end })
    }

    /// Removes the forgotten files. Nobody else may have the folder open. What cannot be removed stays.
    pub fn sweep(&self) {
        for (_, file) in self.files.iter().filter(|(name, _)| **name < self.end && !self.named.contains(name)) {
            let _ = std::fs::remove_file(file);
        }
    }

    /// The files that sled reads when it is opened and that are not what was written; none that a sweep removes is among them.
    pub fn damaged(&self) -> impl Iterator<Item = &PathBuf> {
        let begun = self.end - self.end % SEGMENT;
        let read = self.files.iter().filter(move |(name, _)| self.named.contains(name) && **name >= begun);
        read.map(|(_, file)| file).filter(|file| !is_sound(file))
    }
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
