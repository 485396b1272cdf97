//! A store as one file, and back.
//!
//! ```text
//!   0    magic     "dyadsnap"
//!   8    version   u32 = 1
//!   12   format    u32: the store's, see `layout`
//!   16   chunks    each: length u32, checksum 16 bytes, then so many bytes
//!
//!   chunk    K  (key length u32, value length u32, key, value) …     entries, in order of keys
//!            F  path                                                 a file beside the byte store, `/` between folders
//!            D  bytes                                                of the file before
//!            E  entries u64, files u64                               the end; nothing comes after it
//! ```
//! Numbers are little-endian. The first byte of a chunk says what it is; its checksum is blake3 of its number and of its bytes,
//! so that a chunk that is missing, doubled or in another place is noticed. Search files are left out: they are made again.
//!
//! `write` makes one, `read` makes a store of it, `view` reads it as it is, with `cache` for what stands beside a store.

mod cache;
mod read;
mod view;
mod write;

pub use read::{Restored, restore_into};
pub use write::Written;

pub(super) use cache::{Beside, beside};
pub(super) use view::{View, is_snapshot};

use std::ffi::OsStr;
use std::path::Path;

use super::error::Error;

const MAGIC: &[u8; 8] = b"dyadsnap";
const VERSION: u32 = 1;
const SUM: usize = 16;
/// Bytes of a chunk, unless a single entry is longer.
const CHUNK: usize = 1 << 20;
/// Longer chunks are not believed.
const LONGEST: usize = 256 << 20;
/// What a store makes itself, or can make again.
const OWN: [&str; 7] = [super::folder::DB, "db.new", "db.whole", "db.old", "changes", "dyad-store", "index"];

/// True for what a store makes itself in its folder. Some file systems know no case, so neither do writer and reader.
fn is_own(name: &OsStr) -> bool {
    let kept = name.to_string_lossy().to_ascii_lowercase().starts_with(super::renew::KEPT);
    kept || OWN.iter().any(|own| name.eq_ignore_ascii_case(own))
}

const ENTRIES: u8 = b'K';
const FILE: u8 = b'F';
const DATA: u8 = b'D';
const END: u8 = b'E';

fn checksum(number: u64, chunk: &[u8]) -> [u8; SUM] {
    let hash = blake3::Hasher::new().update(&number.to_le_bytes()).update(chunk).finalize();
    let mut sum = [0; SUM];
    sum.copy_from_slice(&hash.as_bytes()[..SUM]);
    sum
}

/// The little-endian u32 at `at`; 0 where there is none.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn not_whole(file: &Path, what: impl Into<String>) -> Error {
    Error::Snapshot { path: file.to_owned(), what: what.into() }
}
