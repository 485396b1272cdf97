//! The index of a space: its rows, their codes and the graph, in one file that is mapped, or in memory like it.
//!
//! Opening reads the head. A row is held against its checksums the first time that a search reads it; the system brings the
//! pages that are touched and may take them back. So a space larger than memory can be searched: what a walk needs is the
//! codes and the lines, and of the rows themselves only those that come near.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::beam::{Ground, Walks};
use super::codes::{Coded, MOST_NUMBERS};
use super::graph::{Graph, Layer, Lines};
use super::layout::{DEAD, Head, MAGIC, Parts, VERSION, cold_sum, hot_sum, values};
use super::{Error, RowSet};
use crate::kernel::Map;

/// The index of a space.
#[derive(Debug)]
pub struct Flat {
    pub(super) head: Head,
    pub(super) upper: Vec<Layer>,
    /// None when it is in memory only.
    path: Option<PathBuf>,
    map: Map,
    parts: Parts,
    /// Rows that were held against their checksums; none for what this process wrote itself.
    checked: Option<Checked>,
    /// The rows that count, when there are others.
    live: Option<RowSet>,
    by_seq: OnceLock<HashMap<u64, u32>>,
    pub(super) walks: Walks,
}

impl Flat {
    /// Opens the file of the rows that `identity` names; `None` when there is no file.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Damaged`], [`Error::Foreign`], [`Error::Io`].
    pub fn open(path: &Path, identity: &[u8; 32]) -> Result<Option<Flat>, Error> {
        match Flat::open_any(path)? {
            Some(flat) if flat.head.identity != *identity => Err(Error::Stale { path: path.to_owned() }),
            flat => Ok(flat),
        }
    }

    /// Opens a file whatever rows it was made from; `None` when there is no file.
    ///
    /// # Errors
    /// As [`Flat::open`], but for [`Error::Stale`].
    pub fn open_any(path: &Path) -> Result<Option<Flat>, Error> {
        let failed = |source| Error::Io { doing: "read", path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        let foreign = || Error::Foreign { path: path.to_owned(), supported: VERSION };
        if file.metadata().map_err(failed)?.len() < 12 {
            return Err(foreign());
        }
        let map = Map::of(&file).map_err(failed)?;
        if map.bytes().get(..12) != Some(&[&MAGIC[..], &VERSION.to_ne_bytes()].concat()) {
            return Err(foreign());
        }
        let damaged = |what: &'static str| Error::Damaged { path: path.to_owned(), what: what.to_owned() };
        let (head, parts, upper) = Head::read(map.bytes()).map_err(damaged)?;
        if head.dim as usize > MOST_NUMBERS || parts.rows > u32::MAX as usize || (parts.rows > 0 && head.dim == 0) {
            return Err(damaged("its head is wrong"));
        }
        Flat::over(head, parts, upper, map, Some(path)).map(Some)
    }

    /// Over bytes that hold all parts. With a path they came from its file and are checked as they are read.
    pub(super) fn over(head: Head, parts: Parts, upper: Vec<Layer>, map: Map, path: Option<&Path>) -> Result<Flat, Error> {
        let checked = path.map(|_| Checked::new(parts.rows));
        let path = path.map(Path::to_owned);
        let (live, by_seq, walks) = (None, OnceLock::new(), Walks::default());
        let mut flat = Flat { head, upper, path, map, parts, checked, live, by_seq, walks };
        if flat.head.dead > 0 {
            let live = RowSet::new(flat.stored(), |row| flat.seqs().get(row).is_some_and(|&seq| seq != DEAD));
            if live.count() != flat.len() {
                return Err(flat.damaged());
            }
            flat.live = Some(live);
        }
        Ok(flat)
    }

    /// Number of rows that count.
    pub fn len(&self) -> usize {
        self.parts.rows.saturating_sub(self.head.dead as usize)
    }

    /// True without rows that count.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of rows in the file, with those that no longer count: rows are `0..stored()`.
    pub fn stored(&self) -> usize {
        self.parts.rows
    }

    /// Numbers in a row.
    pub fn dim(&self) -> usize {
        self.parts.dim
    }

    /// Names the rows that it was made from.
    pub fn identity(&self) -> &[u8; 32] {
        &self.head.identity
    }

    /// Rows that did not find themselves when searched for after the build; 0 in a good graph.
    pub fn lost(&self) -> usize {
        self.head.lost as usize
    }

    /// Rows that were put into the graph after it had been built.
    pub fn added(&self) -> usize {
        self.head.added as usize
    }

    /// Most neighbours of a row in the upper layers, and how many candidates were looked at for each.
    pub fn parameters(&self) -> (usize, usize) {
        (self.head.links as usize, self.head.build_beam as usize)
    }

    /// Size of the file, or of the memory that is like it.
    pub fn bytes(&self) -> usize {
        self.map.bytes().len()
    }

    /// Bytes of the neighbour lists.
    pub fn graph_bytes(&self) -> usize {
        4 * self.parts.stride * self.parts.rows + self.head.upper as usize
    }

    /// The item of each row; `u64::MAX` for a row that no longer counts.
    pub fn seqs(&self) -> &[u64] {
        values(self.map.bytes(), self.parts.seqs, self.parts.rows)
    }

    /// The row of an item.
    pub fn row_of(&self, seq: u64) -> Option<usize> {
        let seqs = self.seqs();
        // Rows mostly stand in the order of their items.
        if let Ok(row) = seqs.binary_search(&seq) {
            return Some(row);
        }
        let rows = self.by_seq.get_or_init(|| seqs.iter().zip(0..).map(|(&seq, row)| (seq, row)).collect());
        (seq != DEAD).then(|| rows.get(&seq).map(|&row| row as usize)).flatten()
    }

    /// The rows that count, when there are others.
    pub fn live(&self) -> Option<&RowSet> {
        self.live.as_ref()
    }

    /// Row `row`, at unit length, held against its checksum.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was written, or is not there.
    pub fn row(&self, row: usize) -> Result<&[f32], Error> {
        if !self.sound(row) || !self.sound_numbers(row) {
            return Err(self.damaged());
        }
        self.numbers().get(row * self.dim()..(row + 1) * self.dim()).ok_or_else(|| self.damaged())
    }

    /// All rows with those that no longer count, row-major, at unit length, held against their checksums.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn rows(&self) -> Result<&[f32], Error> {
        self.check(0..self.stored(), true)?;
        Ok(self.numbers())
    }

    pub(super) fn numbers(&self) -> &[f32] {
        values(self.map.bytes(), self.parts.numbers, self.parts.rows * self.parts.dim)
    }

    pub(super) fn lines(&self) -> Lines<'_> {
        let Parts { lines, rows, stride, .. } = self.parts;
        Lines { stride, cells: values(self.map.bytes(), lines, rows * stride) }
    }

    pub(super) fn coded(&self) -> Coded<'_> {
        let Parts { dim, rows, codes, scales, errors, .. } = self.parts;
        let bytes = self.map.bytes();
        let (codes, scales, errors) =
            (values(bytes, codes, rows * dim), values(bytes, scales, rows), values(bytes, errors, rows));
        Coded { dim, codes, scales, errors }
    }

    pub(super) fn ground(&self) -> Ground<'_, impl Fn(u32) -> bool> {
        let graph = Graph { entry: self.head.entry, base: self.lines(), upper: &self.upper };
        Ground { graph, rows: self.coded(), sound: |row| self.sound(row as usize) }
    }

    /// Holds rows against their checksums: what a walk reads of them, and with `numbers` the rows themselves.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub(super) fn check(&self, rows: std::ops::Range<usize>, numbers: bool) -> Result<(), Error> {
        let Some(checked) = &self.checked else { return Ok(()) };
        let sound = (checked.hot.have(&rows) || rows.clone().all(|row| self.sound(row)))
            && (!numbers || checked.cold.have(&rows) || rows.clone().all(|row| self.sound_numbers(row)));
        if sound { Ok(()) } else { Err(self.damaged()) }
    }

    #[inline]
    fn sound(&self, row: usize) -> bool {
        self.checked.as_ref().is_none_or(|checked| checked.hot.has(row) || self.check_hot(checked, row))
    }

    #[inline]
    pub(super) fn sound_numbers(&self, row: usize) -> bool {
        self.checked.as_ref().is_none_or(|checked| checked.cold.has(row) || self.check_cold(checked, row))
    }

    #[cold]
    fn check_hot(&self, checked: &Checked, row: usize) -> bool {
        let (bytes, parts, coded) = (self.map.bytes(), &self.parts, self.coded());
        let stride = parts.stride;
        let line = self.lines().cells.get(row * stride..(row + 1) * stride);
        let all = (self.seqs().get(row), coded.scales.get(row), coded.errors.get(row), line);
        let (Some(&seq), Some(&scale), Some(&error), Some(line)) = all else { return false };
        let right =
            values::<u32>(bytes, parts.hot, parts.rows).get(row) == Some(&hot_sum(seq, scale, error, line, coded.row(row)));
        right && checked.hot.set(row)
    }

    #[cold]
    fn check_cold(&self, checked: &Checked, row: usize) -> bool {
        let sums = values::<u32>(self.map.bytes(), self.parts.cold, self.parts.rows);
        let numbers = self.numbers().get(row * self.dim()..(row + 1) * self.dim());
        numbers.is_some_and(|numbers| sums.get(row) == Some(&cold_sum(numbers))) && checked.cold.set(row)
    }

    #[cold]
    pub(super) fn damaged(&self) -> Error {
        let path = self.path.clone().unwrap_or_default();
        Error::Damaged { path, what: "a row is not what was written".to_owned() }
    }
}

/// Which rows were found right: what a walk reads of them, and their numbers.
#[derive(Debug)]
struct Checked {
    hot: Bits,
    cold: Bits,
}

impl Checked {
    fn new(rows: usize) -> Self {
        Checked { hot: Bits::new(rows), cold: Bits::new(rows) }
    }
}

#[derive(Debug)]
struct Bits(Vec<AtomicU64>);

impl Bits {
    fn new(rows: usize) -> Self {
        Bits((0..rows.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    #[inline]
    fn has(&self, row: usize) -> bool {
        self.0.get(row / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (row % 64) & 1 == 1)
    }

    /// Whether all of these are there, many at a time where they are words' whole.
    #[inline]
    fn have(&self, rows: &std::ops::Range<usize>) -> bool {
        let whole = rows.start.div_ceil(64)..rows.end / 64;
        if whole.is_empty() {
            return rows.clone().all(|row| self.has(row));
        }
        (rows.start..whole.start * 64).chain(whole.end * 64..rows.end).all(|row| self.has(row))
            && self.0.get(whole).is_some_and(|words| words.iter().all(|word| word.load(Ordering::Relaxed) == u64::MAX))
    }

    fn set(&self, row: usize) -> bool {
        self.0.get(row / 64).is_some_and(|word| {
            word.fetch_or(1 << (row % 64), Ordering::Relaxed);
            true
        })
    }
}
