//! A block of vectors: the rows that one commit added to one space, as the model gave them.
//!
//! ```text
//!   0    version     u8 = 1 of f32, 2 of other numbers
//!   1    checksum    16 bytes: blake3 of the block's key and of all bytes from 17 on
//!   17   dim         u32       numbers in a row
//!   21   count       u32       rows
//!  (25   numbers     u8 = 1    f16; in version 2 alone)
//!   ..   seqs        u64 × count
//!   ..   rows        f32 or f16 × dim × count
//! ```
//! Numbers are little-endian. A block is never changed; rows that no longer count are listed beside it. A block says itself what
//! its numbers are, so it is read without asking what the collection is told to keep.

use super::error::Error;
use super::layout::RowRef;
use super::storage::Storage;

const VERSION: u8 = 1;
/// Of blocks that say what their numbers are.
const TYPED: u8 = 2;
const F16: u8 = 1;
const CHECKED_FROM: usize = 17;
const HEADER: usize = 25;

/// Most bytes of rows in a block, unless a single row is longer.
const MOST_BYTES: usize = 256 << 10;
/// Most rows in a block.
const MOST_ROWS: usize = 1024;

/// How many rows of `dim` numbers go into one block.
pub(super) fn rows_per_block(storage: Storage, dim: usize) -> usize {
    (MOST_BYTES / (storage.bytes() * dim.max(1))).clamp(1, MOST_ROWS)
}

/// The bytes of a block of `rows` (each `dim` numbers) that belong to the items `seqs`, to be stored under `key`.
pub(super) fn encode(storage: Storage, key: &[u8], dim: u32, seqs: &[u64], rows: &[&[f32]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + 1 + seqs.len() * (8 + storage.bytes() * dim as usize));
    bytes.push(if storage == Storage::F32 { VERSION } else { TYPED });
    bytes.resize(CHECKED_FROM, 0);
    bytes.extend_from_slice(&dim.to_le_bytes());
    bytes.extend_from_slice(&(seqs.len() as u32).to_le_bytes());
    match storage {
        Storage::F32 => {}
        Storage::F16 => bytes.push(F16),
    }
    seqs.iter().for_each(|seq| bytes.extend_from_slice(&seq.to_le_bytes()));
    for row in rows {
        storage.write(row, &mut bytes);
    }
    let sum = checksum(key, &bytes[CHECKED_FROM..]);
    bytes[1..CHECKED_FROM].copy_from_slice(&sum);
    bytes
}

fn checksum(key: &[u8], checked: &[u8]) -> [u8; 16] {
    let hash = blake3::Hasher::new().update(key).update(checked).finalize();
    let mut sum = [0; 16];
    sum.copy_from_slice(&hash.as_bytes()[..16]);
    sum
}

/// A block whose checksum was found right.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub dim: usize,
    pub count: usize,
    pub storage: Storage,
    seqs: &'a [u8],
    rows: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads the block that was stored under `key`.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the bytes are not those that were written; `what` names the block.
    pub fn decode(key: &[u8], bytes: &'a [u8], what: impl FnOnce() -> String) -> Result<Self, Error> {
        Self::read(key, bytes).map_err(|fault| Error::damaged(format!("{} {fault}", what())))
    }

    fn read(key: &[u8], bytes: &'a [u8]) -> Result<Self, String> {
        let (head, seqs_and_rows) =
            bytes.split_at_checked(HEADER).ok_or_else(|| format!("is cut after {} bytes", bytes.len()))?;
        if head[0] != VERSION && head[0] != TYPED {
            return Err(format!("has version {}, expected {VERSION} or {TYPED}", head[0]));
        }
        let checksum = &head[1..CHECKED_FROM];
        if self::checksum(key, &bytes[CHECKED_FROM..]) != *checksum {
            return Err("has a wrong checksum".to_owned());
        }
        let number = |at: usize| head[at..at + 4].iter().rev().fold(0usize, |n, &byte| n << 8 | usize::from(byte));
        let (dim, count) = (number(CHECKED_FROM), number(CHECKED_FROM + 4));
        let (storage, seqs_and_rows) = match (head[0], seqs_and_rows.split_first()) {
            (VERSION, _) => (Storage::F32, seqs_and_rows),
            (_, Some((&F16, rest))) => (Storage::F16, rest),
            (_, Some((other, _))) => return Err(format!("has numbers of kind {other}, expected {F16}")),
            (_, None) => return Err(format!("is cut after {HEADER} bytes")),
        };
        // In u128: no product of two u32 overflows.
        let expected = count as u128 * (8 + (storage.bytes() * dim) as u128);
        if seqs_and_rows.len() as u128 != expected {
            return Err(format!("holds {} bytes, expected {expected}", seqs_and_rows.len()));
        }
        let (seqs, rows) = seqs_and_rows.split_at(8 * count);
        Ok(Block { dim, count, storage, seqs, rows })
    }

    /// The checksum of a block that [`encode`] made.
    pub fn checksum_of(bytes: &[u8]) -> &[u8] {
        bytes.get(1..CHECKED_FROM).unwrap_or_default()
    }

    /// The items that the rows belong to.
    pub fn seqs(&self) -> impl Iterator<Item = u64> + '_ {
        self.seqs.chunks_exact(8).map(|bytes| bytes.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }

    /// The numbers of row `i`, none when there is no such row.
    pub fn row(&self, i: usize) -> Vec<f32> {
        let mut row = Vec::with_capacity(self.dim);
        self.push_row(i, &mut row);
        row
    }

    /// Puts the numbers of row `i` behind `to`.
    pub fn push_row(&self, i: usize, to: &mut Vec<f32>) {
        let length = self.storage.bytes() * self.dim;
        let start = i.saturating_mul(length);
        self.storage.read(self.rows.get(start..start.saturating_add(length)).unwrap_or_default(), to);
    }

    /// The bytes of the row that `place` names, if it is of item `seq`.
    pub fn bytes_of(&self, seq: u64, place: RowRef) -> Option<&'a [u8]> {
        let (row, length) = (place.row as usize, (self.storage.bytes() * self.dim).max(1));
        let of = self.seqs.chunks_exact(8).nth(row)?;
        if of == seq.to_le_bytes() { self.rows.chunks_exact(length).nth(row) } else { None }
    }

    /// The row that `place` names, if it is of item `seq`.
    pub fn row_of(&self, seq: u64, place: RowRef) -> Option<Vec<f32>> {
        let row = place.row as usize;
        (self.seqs().nth(row)? == seq).then(|| self.row(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(storage: Storage) -> Vec<u8> {
        encode(storage, b"key", 2, &[7, 1 << 40], &[&[1.0, -2.0], &[0.5, 6.103_515_6e-5]])
    }

    #[test]
    fn rows_come_back_as_they_were() {
        for storage in [Storage::F32, Storage::F16] {
            let bytes = sample(storage);
            let block = Block::decode(b"key", &bytes, || "b".into()).unwrap();
            assert_eq!((block.dim, block.count, block.storage), (2, 2, storage));
            assert_eq!(block.seqs().collect::<Vec<_>>(), [7, 1 << 40]);
            assert_eq!(block.row(1), [0.5, 6.103_515_6e-5]);
            assert!(block.row(2).is_empty());
            assert_eq!(block.row_of(8, RowRef { space: 0, block: 0, row: 0 }), None);
        }
        let lengths = [Storage::F32, Storage::F16].map(|storage| sample(storage).len());
        assert_eq!(lengths, [HEADER + 2 * (8 + 8), HEADER + 1 + 2 * (8 + 4)]);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        for good in [Storage::F32, Storage::F16].map(sample) {
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert!(Block::decode(b"key", &bad, || "b".into()).is_err(), "bit {bit}");
            }
            for cut in 0..good.len() {
                assert!(Block::decode(b"key", &good[..cut], || "b".into()).is_err());
            }
            assert!(Block::decode(b"kez", &good, || "b".into()).is_err(), "a block under another block's key");
            // The version is outside of the checksum: one taken for the other does not fit its length.
            let mut other = good.clone();
            other[0] = if good[0] == VERSION { TYPED } else { VERSION };
            assert!(Block::decode(b"key", &other, || "b".into()).is_err());
        }
    }

    #[test]
    fn a_row_longer_than_a_block_still_fits_one() {
        let rows = |storage| [512, 1024, 1 << 20, 1].map(|dim| rows_per_block(storage, dim));
        assert_eq!((rows(Storage::F32), rows(Storage::F16)), ([128, 64, 1, 1024], [256, 128, 1, 1024]));
    }
}
