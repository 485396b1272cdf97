//! An index on its way: rows come in one after the other, a graph follows, and all of it becomes a [`Flat`].
//!
//! With a path the rows go straight to a file beside it and only their codes stay in memory; the file is moved into place when
//! it is whole, so a reader sees the old one or the new one, and a failure leaves what was there.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use memmap2::MmapMut;
use rayon::prelude::*;

use super::codes::{Coded, MOST_NUMBERS, encode};
use super::graph::{Layer, Table};
use super::layout::{DEAD, Head, PAGE, Parts, cold_sum, hot_sum, write_upper};
use super::{Error, Flat};
use crate::kernel::Map;

/// Rows of an index that is being made.
pub struct Draft {
    pub(super) head: Head,
    parts: Parts,
    sink: Sink,
    pub(super) seqs: Vec<u64>,
    codes: MmapMut,
    scales: Vec<f32>,
    errors: Vec<f32>,
    cold: Vec<u32>,
}

/// Where the bytes go.
enum Sink {
    Memory(MmapMut),
    File { file: File, beside: PathBuf, path: PathBuf },
}

impl Draft {
    /// For `rows` rows of `dim` numbers, named by `identity`, to be kept at `path`, or in memory only. `links`: most neighbours of
    /// a row in an upper layer.
    ///
    /// # Errors
    /// [`Error::TooMany`], [`Error::Wide`]; [`Error::Io`] when there is no room.
    pub fn new(path: Option<&Path>, rows: usize, dim: usize, identity: [u8; 32], links: usize) -> Result<Draft, Error> {
        let most = i32::MAX as usize;
        if rows > most {
            return Err(Error::TooMany { most, found: rows });
        }
        if dim > MOST_NUMBERS {
            return Err(Error::Wide { most: MOST_NUMBERS, found: dim });
        }
        let links = links.clamp(2, 128);
        let stride = super::build::places(links) + 1;
        let head =
            Head { dim: dim as u32, links: links as u32, stride: stride as u32, rows: rows as u64, identity, ..Head::default() };
        let parts = head.parts().ok_or(Error::TooMany { most, found: rows })?;
        let memory =
            |source| Error::Io { doing: "find memory for", path: path.unwrap_or(Path::new("an index")).to_owned(), source };
        let sink = match path {
            None => Sink::Memory(Map::blank(parts.upper).map_err(memory)?),
            Some(path) => {
                let beside = path.with_extension(format!("{}.tmp", std::process::id()));
                let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| File::create(&beside));
                let mut file = made.map_err(|source| Error::Io { doing: "write", path: path.to_owned(), source })?;
                let found = file.seek(SeekFrom::Start(parts.numbers as u64));
                found.map_err(|source| Error::Io { doing: "write", path: path.to_owned(), source })?;
                Sink::File { file, beside, path: path.to_owned() }
            }
        };
        let codes = Map::blank(rows * dim).map_err(memory)?;
        let (seqs, scales, errors, cold) = Default::default();
        Ok(Draft { head, parts, sink, seqs, codes, scales, errors, cold })
    }

    /// Adds rows at unit length, `seqs.len()` of them.
    ///
    /// # Errors
    /// [`Error::OtherRows`] when there are more than were announced, or of another length; [`Error::Io`].
    pub fn push(&mut self, seqs: &[u64], rows: &[f32]) -> Result<(), Error> {
        let (dim, before) = (self.parts.dim, self.seqs.len());
        let after = before + seqs.len();
        if after > self.parts.rows || rows.len() != seqs.len() * dim {
            let found = (after, if seqs.is_empty() { 0 } else { rows.len() / seqs.len() });
            return Err(Error::OtherRows { index: (self.parts.rows, dim), rows: found });
        }
        let Some(codes) = self.codes.get_mut(before * dim..after * dim) else { return Ok(()) };
        let places = codes.par_chunks_exact_mut(dim.max(1)).zip(rows.par_chunks_exact(dim.max(1)));
        let sums: Vec<_> = places.map(|(codes, row)| (encode(row, codes), cold_sum(row))).collect();
        for (rounding, sum) in sums {
            self.scales.push(rounding.scale);
            self.errors.push(rounding.error);
            self.cold.push(sum);
        }
        self.seqs.extend_from_slice(seqs);
        self.put(self.parts.numbers + 4 * before * dim, bytemuck::cast_slice(rows))
    }

    /// A row that no longer counts: a walk may pass through it.
    pub(super) fn strike(&mut self, row: usize) {
        if let Some(seq) = self.seqs.get_mut(row).filter(|seq| **seq != DEAD) {
            *seq = DEAD;
            self.head.dead += 1;
        }
    }

    pub(super) fn coded(&self) -> Coded<'_> {
        let (dim, rows) = (self.parts.dim, self.scales.len());
        let codes = self.codes.get(..rows * dim).unwrap_or_default();
        Coded { dim, codes, scales: &self.scales, errors: &self.errors }
    }

    /// All bytes into their places, and the file into its own.
    pub(super) fn finish(mut self, base: &Table, upper: Vec<Layer>, entry: u32) -> Result<Flat, Error> {
        let parts = self.parts;
        if self.seqs.len() != parts.rows || base.stride != parts.stride {
            return Err(Error::OtherRows { index: (parts.rows, parts.dim), rows: (self.seqs.len(), parts.dim) });
        }
        let bytes = write_upper(&upper);
        (self.head.entry, self.head.layers, self.head.upper) = (entry, upper.len() as u32, bytes.len() as u64);
        let coded = self.coded();
        let hot = |row: usize| {
            let line = base.cells.get(row * base.stride..(row + 1) * base.stride).unwrap_or_default();
            hot_sum(self.seqs[row], self.scales[row], self.errors[row], line, coded.row(row))
        };
        let hot: Vec<u32> = (0..parts.rows).into_par_iter().map(hot).collect();
        let head = self.head.to_bytes(&bytes);
        let seqs = std::mem::take(&mut self.seqs);
        let (scales, errors, cold) =
            (std::mem::take(&mut self.scales), std::mem::take(&mut self.errors), std::mem::take(&mut self.cold));
        let none = Map::blank(0).map_err(|source| self.failed(source))?;
        let codes = std::mem::replace(&mut self.codes, none);
        self.put(0, &head)?;
        self.put(parts.seqs, bytemuck::cast_slice(&seqs))?;
        for (at, values) in [(parts.scales, &scales), (parts.errors, &errors)] {
            self.put(at, bytemuck::cast_slice(values))?;
        }
        for (at, values) in [(parts.hot, &hot), (parts.cold, &cold), (parts.lines, &base.cells)] {
            self.put(at, bytemuck::cast_slice(values))?;
        }
        self.put(parts.codes, codes.get(..parts.rows * parts.dim).unwrap_or_default())?;
        self.close(&bytes, upper)
    }

    fn close(mut self, bytes: &[u8], upper: Vec<Layer>) -> Result<Flat, Error> {
        let head = std::mem::take(&mut self.head);
        let none = Sink::Memory(Map::blank(0).map_err(|source| self.failed(source))?);
        match std::mem::replace(&mut self.sink, none) {
            Sink::Memory(map) => {
                let map = Map::finished(map).map_err(|source| self.failed(source))?;
                Flat::over(head, self.parts, upper, map, None)
            }
            Sink::File { mut file, beside, path } => {
                let mut close = || {
                    // The last part may end before the page's end.
                    file.set_len(self.parts.upper as u64)?;
                    file.seek(SeekFrom::Start(self.parts.upper as u64))?;
                    file.write_all(bytes)?;
                    file.sync_all()?;
                    fs::rename(&beside, &path)
                };
                close().map_err(|source| {
                    let _ = fs::remove_file(&beside);
                    Error::Io { doing: "write", path: path.clone(), source }
                })?;
                let flat = Flat::open(&path, &head.identity)?;
                flat.ok_or_else(|| Error::Damaged { path, what: "it is gone".to_owned() })
            }
        }
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> Result<(), Error> {
        let written = match &mut self.sink {
            Sink::Memory(map) => {
                map.get_mut(at..at + bytes.len()).into_iter().for_each(|place| place.copy_from_slice(bytes));
                Ok(())
            }
            Sink::File { file, .. } => file.seek(SeekFrom::Start(at as u64)).and_then(|_| file.write_all(bytes)),
        };
        written.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> Error {
        let path = match &self.sink {
            Sink::Memory(_) => PathBuf::from("an index in memory"),
            Sink::File { path, .. } => path.clone(),
        };
        Error::Io { doing: "write", path, source }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Sink::File { beside, .. } = &self.sink {
            // What was not finished is of no use to anybody.
            let _ = fs::remove_file(beside);
        }
    }
}

const _: () = assert!(PAGE.is_multiple_of(64));
