//! The bytes of an index file.
//!
//! ```text
//!   0      magic        "dyadflat"
//!   8      version      u32 = 1, in the machine's byte order: a file of another order is foreign
//!   12     dim  links  build_beam  stride  layers  entry  lost          u32
//!   40     rows  dead  added  upper (bytes of the upper layers)         u64
//!   72     identity     32 bytes: names the rows that it was made from
//!   104    checksum     32 bytes: blake3 of all before, and of the upper layers
//!   4096   seqs         u64 × rows       the items; u64::MAX: the row no longer counts
//!   ..     scales       f32 × rows       of the codes
//!   ..     errors       f32 × rows       what rounding took
//!   ..     hot          u32 × rows       crc32 of the row's seq, scale, error, line and codes
//!   ..     cold         u32 × rows       crc32 of the row's numbers
//!   ..     lines        u32 × stride × rows      layer 0
//!   ..     codes        u8 × dim × rows
//!   ..     numbers      f32 × dim × rows         each row at unit length
//!   ..     upper        for each layer: lines, stride; its rows; its table        u32
//! ```
//! Each part begins at a multiple of 4096. The head and the upper layers are checked when a file is opened, a row the first
//! time that it is read: opening costs the same for any number of rows.

use bytemuck::{Pod, cast_slice, try_cast_slice};

use super::graph::{Layer, Table};

pub(super) const MAGIC: &[u8; 8] = b"dyadflat";
pub(super) const VERSION: u32 = 1;
pub(super) const PAGE: usize = 4096;
/// The seq of a row that no longer counts.
pub(super) const DEAD: u64 = u64::MAX;
const CHECKED: usize = 104;
/// More layers than any graph of 2³² rows has.
const MOST_LAYERS: u32 = 32;

/// What the head of a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub dim: u32,
    /// Most neighbours in an upper layer; twice as many in layer 0.
    pub links: u32,
    pub build_beam: u32,
    pub stride: u32,
    pub layers: u32,
    pub entry: u32,
    /// Rows that did not find themselves when they were searched for.
    pub lost: u32,
    pub rows: u64,
    pub dead: u64,
    /// Rows that came in after hnsw_rs had built the graph.
    pub added: u64,
    pub upper: u64,
    pub identity: [u8; 32],
}

impl Head {
    /// The first page of a file whose upper layers are `upper`.
    pub fn to_bytes(&self, upper: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for value in [VERSION, self.dim, self.links, self.build_beam, self.stride, self.layers, self.entry, self.lost] {
            bytes.extend_from_slice(&value.to_ne_bytes());
        }
        for value in [self.rows, self.dead, self.added, self.upper] {
            bytes.extend_from_slice(&value.to_ne_bytes());
        }
        bytes.extend_from_slice(&self.identity);
        let sum = checksum(&bytes, upper);
        bytes.extend_from_slice(&sum);
        bytes.resize(PAGE, 0);
        bytes
    }

    /// Reads the head of a file, and its upper layers.
    ///
    /// # Errors
    /// What is wrong. A file whose checksum is right, but whom somebody else wrote, gives an error or a sound head.
    pub fn read(bytes: &[u8]) -> Result<(Head, Parts, Vec<Layer>), &'static str> {
        let head = bytes.get(..PAGE).ok_or("it is cut")?;
        let small = |i: usize| head.get(8 + 4 * i..12 + 4 * i).map_or(0, |b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
        let large = |i: usize| u64::from(small(i)) | u64::from(small(i + 1)) << 32;
        let large = |i: usize| if cfg!(target_endian = "little") { large(i) } else { large(i).rotate_left(32) };
        let mut identity = [0; 32];
        identity.copy_from_slice(head.get(72..CHECKED).ok_or("it is cut")?);
        let found = Head {
            dim: small(1),
            links: small(2),
            build_beam: small(3),
            stride: small(4),
            layers: small(5),
            entry: small(6),
            lost: small(7),
            rows: large(8),
            dead: large(10),
            added: large(12),
            upper: large(14),
            identity,
        };
        let parts = found.parts().ok_or("its head is wrong")?;
        let upper = bytes.get(parts.upper..).ok_or("it is cut")?;
        if upper.len() as u64 != found.upper {
            return Err(if (upper.len() as u64) < found.upper { "it is cut" } else { "it is too long" });
        }
        if head.get(CHECKED..CHECKED + 32) != Some(&checksum(head.get(..CHECKED).unwrap_or_default(), upper)) {
            return Err("its checksum is wrong");
        }
        let layers = read_upper(upper, found.layers)?;
        Ok((found, parts, layers))
    }

    /// Where the parts lie; none when they would not fit into any memory.
    pub fn parts(&self) -> Option<Parts> {
        let (rows, dim, stride) = (usize::try_from(self.rows).ok()?, self.dim as usize, self.stride as usize);
        let mut at = PAGE;
        let mut part = |bytes_a_row: usize| {
            let start = at;
            at = at.checked_add(rows.checked_mul(bytes_a_row)?)?.checked_next_multiple_of(PAGE)?;
            Some(start)
        };
        let (seqs, scales, errors, hot, cold) = (part(8)?, part(4)?, part(4)?, part(4)?, part(4)?);
        let (lines, codes, numbers) = (part(stride.checked_mul(4)?)?, part(dim)?, part(dim.checked_mul(4)?)?);
        Some(Parts { rows, dim, stride, seqs, scales, errors, hot, cold, lines, codes, numbers, upper: at })
    }
}

fn checksum(head: &[u8], upper: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(head).update(upper).finalize().as_bytes()
}

/// Where the parts of a file begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    pub rows: usize,
    pub dim: usize,
    pub stride: usize,
    pub seqs: usize,
    pub scales: usize,
    pub errors: usize,
    pub hot: usize,
    pub cold: usize,
    pub lines: usize,
    pub codes: usize,
    pub numbers: usize,
    pub upper: usize,
}

/// `count` values from byte `at` on; none when they are not all there.
pub(super) fn values<T: Pod>(bytes: &[u8], at: usize, count: usize) -> &[T] {
    let length = count.saturating_mul(size_of::<T>());
    bytes.get(at..at.saturating_add(length)).and_then(|bytes| try_cast_slice(bytes).ok()).unwrap_or_default()
}

/// The checksum of what a walk reads of a row.
pub(super) fn hot_sum(seq: u64, scale: f32, error: f32, line: &[u32], codes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(bytemuck::bytes_of(&seq));
    hasher.update(bytemuck::bytes_of(&[scale, error]));
    hasher.update(cast_slice(line));
    hasher.update(codes);
    hasher.finalize()
}

/// The checksum of a row's numbers.
pub(super) fn cold_sum(row: &[f32]) -> u32 {
    crc32fast::hash(cast_slice(row))
}

/// The bytes of the upper layers.
pub(super) fn write_upper(layers: &[Layer]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for layer in layers {
        let size = [layer.rows.len() as u32, layer.table.stride as u32];
        [&size[..], &layer.rows, &layer.table.cells].iter().for_each(|values| bytes.extend_from_slice(cast_slice(values)));
    }
    bytes
}

fn read_upper(mut bytes: &[u8], count: u32) -> Result<Vec<Layer>, &'static str> {
    if count > MOST_LAYERS {
        return Err("it has too many layers");
    }
    let mut take = |count: usize| -> Result<Vec<u32>, &'static str> {
        let length = count.checked_mul(4).ok_or("it is cut")?;
        let (taken, rest) = bytes.split_at_checked(length).ok_or("it is cut")?;
        bytes = rest;
        Ok(taken.chunks_exact(4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect())
    };
    let mut layers = Vec::new();
    for _ in 0..count {
        let size = take(2)?;
        let (lines, stride) = (size.first().map_or(0, |&x| x as usize), size.get(1).map_or(0, |&x| x as usize));
        let rows = take(lines)?;
        if !rows.is_sorted() {
            return Err("the rows of a layer are not in order");
        }
        layers.push(Layer { rows, table: Table { stride, cells: take(lines.checked_mul(stride).ok_or("it is cut")?)? } });
    }
    if bytes.is_empty() { Ok(layers) } else { Err("it is too long") }
}
