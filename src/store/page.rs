//! A value of many small things: packed where that is worth it, with a checksum.
//!
//! ```text
//!   0    version     u8 = 1
//!   1    checksum    16 bytes: blake3 of the value's key and of all bytes from 17 on
//!   17   packing     u8: 0 as it is, 1 zstd
//!   18   length      u32: bytes when unpacked, at most 2 MiB
//!   22   bytes
//! ```
//! Numbers are little-endian. sled spends some 200 bytes on an entry however small, and so a value holds a hundred things.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

use super::error::Error;

const VERSION: u8 = 1;
const CHECKED_FROM: usize = 17;
const HEADER: usize = 22;
const LEVEL: i32 = 3;
/// What is packed saves this part of its bytes at least: each reading unpacks it. Hashes never do.
const WORTH: usize = 8;
/// Most bytes of a page, unpacked.
pub(super) const LONGEST: usize = 2 << 20;

// Making them takes longer than most pages do.
thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = RefCell::new(Compressor::new(LEVEL).ok());
    static UNPACKER: RefCell<io::Result<Decompressor<'static>>> = RefCell::new(Decompressor::new());
}

/// What is to be stored under `key` to hold `content`, which is at most [`LONGEST`] bytes long.
pub(super) fn seal(key: &[u8], content: &[u8]) -> Vec<u8> {
    let packed = PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress(content).ok());
    let packed = packed.filter(|packed| packed.len() + content.len() / WORTH <= content.len());
    let (packing, stored) = packed.as_deref().map_or((0, content), |packed| (1, packed));
    let mut bytes = Vec::with_capacity(HEADER + stored.len());
    bytes.push(VERSION);
    bytes.resize(CHECKED_FROM, 0);
    bytes.push(packing);
    bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
    bytes.extend_from_slice(stored);
    let sum = checksum(key, &bytes[CHECKED_FROM..]);
    bytes[1..CHECKED_FROM].copy_from_slice(&sum);
    bytes
}

/// The content of what was stored under `key`.
///
/// # Errors
/// [`Error::Damaged`] when the bytes are not those that [`seal`] gave for this key; `what` names them.
pub(super) fn open(key: &[u8], bytes: &[u8], what: impl FnOnce() -> String) -> Result<Vec<u8>, Error> {
    read(key, bytes).map_err(|fault| Error::damaged(format!("{} {fault}", what())))
}

fn read(key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, String> {
    let (head, stored) = bytes.split_at_checked(HEADER).ok_or_else(|| format!("are cut after {} bytes", bytes.len()))?;
    if head[0] != VERSION {
        return Err(format!("have version {}, expected {VERSION}", head[0]));
    }
    if checksum(key, &bytes[CHECKED_FROM..]) != head[1..CHECKED_FROM] {
        return Err("have a wrong checksum".to_owned());
    }
    let length = head[18..HEADER].iter().rev().fold(0usize, |n, &byte| n << 8 | usize::from(byte));
    if length > LONGEST {
        return Err(format!("take {length} bytes, expected at most {LONGEST}"));
    }
    let content = match head[CHECKED_FROM] {
        0 => stored.to_vec(),
        1 => UNPACKER
            .with_borrow_mut(|unpacker| match unpacker {
                Ok(unpacker) => unpacker.decompress(stored, length),
                Err(error) => Err(io::Error::other(error.to_string())),
            })
            .map_err(|error| format!("cannot be unpacked ({error})"))?,
        packing => return Err(format!("are packed in way {packing}, expected 0 or 1")),
    };
    if content.len() != length {
        return Err(format!("take {} bytes, expected {length}", content.len()));
    }
    Ok(content)
}

fn checksum(key: &[u8], checked: &[u8]) -> [u8; 16] {
    let hash = blake3::Hasher::new().update(key).update(checked).finalize();
    let mut sum = [0; 16];
    sum.copy_from_slice(&hash.as_bytes()[..16]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_comes_back_and_every_flipped_bit_and_every_cut_is_noticed() {
        // Hashes, and a little that repeats itself.
        let mut hashes = vec![7; 540];
        blake3::Hasher::new().finalize_xof().fill(&mut hashes[..500]);
        for content in [&b""[..], b"abc", &hashes, &[7; 500]] {
            let good = seal(b"key", content);
            assert!(good.len() <= HEADER + content.len());
            assert_eq!(good[CHECKED_FROM], u8::from(content.len() == 500), "packed where an eighth is saved");
            assert_eq!(open(b"key", &good, String::new).unwrap(), content);
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert!(open(b"key", &bad, String::new).is_err(), "bit {bit}");
            }
            for cut in 0..good.len() {
                assert!(open(b"key", &good[..cut], String::new).is_err());
            }
            assert!(open(b"kez", &good, String::new).is_err(), "a page under another page's key");
        }
    }
}
