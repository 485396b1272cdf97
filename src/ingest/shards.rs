//! Several files of vectors read one after the other, as one: `part-0.parquet part-1.parquet …`.
//!
//! Rows are counted through. All files are opened once at the start, so that the last one is not found missing after an hour.

use std::path::{Path, PathBuf};

use super::Error;
use crate::exchange::{Ask, Format, Reader, Row};

/// Rows looked at to see whether a file names its rows: a bad one may lack what the others have.
const LOOK: usize = 1_000;

/// Bytes of vectors and fields after which no more rows are read at a time.
const MOST_BYTES: usize = 8 << 20;

pub(super) struct Shards<'a> {
    format: &'static Format,
    ask: &'a Ask,
    files: &'a [PathBuf],
    /// The one that is read, by its place.
    at: usize,
    reader: Box<dyn Reader>,
    /// The number of the first row of each file that was begun.
    starts: Vec<u64>,
    next: u64,
    rows: Option<u64>,
    left_out: Vec<String>,
}

impl<'a> Shards<'a> {
    /// # Errors
    /// When there is none, or one can't be opened.
    pub fn open(format: &'static Format, ask: &'a Ask, files: &'a [PathBuf]) -> Result<Self, Error> {
        let first = files.first().ok_or_else(|| Error::Refused("no file was named: expected one or more".into()))?;
        let reader = open(format, ask, first)?;
        let (mut rows, mut left_out) = (reader.rows(), reader.left_out().to_vec());
        for file in files.iter().skip(1) {
            let other = open(format, ask, file)?;
            rows = rows.zip(other.rows()).map(|(a, b)| a.saturating_add(b));
            for part in other.left_out() {
                if !left_out.contains(part) {
                    left_out.push(part.clone());
                }
            }
        }
        Ok(Shards { format, ask, files, at: 0, reader, starts: vec![0], next: 0, rows, left_out })
    }

    /// The next rows, at most `most` and some megabytes of them, at least one; none at the end.
    ///
    /// # Errors
    /// When a file can't be read on.
    pub fn read(&mut self, most: usize) -> Result<Vec<Row>, Error> {
        let mut rows: Vec<Row> = Vec::new();
        let (mut bytes, mut step) = (0, 1);
        while rows.len() < most && bytes < MOST_BYTES {
            let file = self.files.get(self.at).map_or(Path::new(""), PathBuf::as_path);
            let more = self.reader.read(step.min(most - rows.len())).map_err(|e| unreadable(file, &e))?;
            self.next += more.len() as u64;
            if !more.is_empty() {
                bytes += more.iter().map(size).sum::<usize>();
                rows.extend(more);
                // As many again, unless they would not fit: rows are mostly of one size.
                step = (2 * step).min(MOST_BYTES / (bytes / rows.len()).max(1)).max(1);
                continue;
            }
            let Some(file) = self.files.get(self.at + 1) else { break };
            self.reader = open(self.format, self.ask, file)?;
            self.at += 1;
            self.starts.push(self.next);
        }
        Ok(rows)
    }

    /// How many rows there are, where all files say so.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// Parts of the files that are not taken.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The number of the file of a row that was read.
    pub fn file_of(&self, row: u64) -> usize {
        // Files without rows begin where the next one does: the last of them holds the row.
        self.starts.partition_point(|start| *start <= row).saturating_sub(1)
    }

    /// The file of a row that was read, and the row's number in it.
    pub fn place(&self, row: u64) -> (&'a Path, u64) {
        let at = self.file_of(row);
        let file = self.files.get(at).map_or(Path::new(""), PathBuf::as_path);
        (file, row - self.starts.get(at).copied().unwrap_or(0))
    }

    /// The rows of each file that was read.
    pub fn counts(&self) -> Vec<u64> {
        let ends = self.starts.iter().skip(1).copied().chain([self.next]);
        self.starts.iter().zip(ends).map(|(start, end)| end - start).collect()
    }
}

/// About the bytes that a row takes.
fn size(row: &Row) -> usize {
    let vector = row.vector.as_ref().map_or(0, |vector| 4 * vector.len());
    vector + row.fields.iter().map(|(name, value)| name.len() + value.bytes()).sum::<usize>()
}

/// Whether the files name their rows.
///
/// # Errors
/// When one can't be read, or only some of them do.
pub(super) fn have_ids(format: &'static Format, ask: &Ask, files: &[PathBuf]) -> Result<bool, Error> {
    let mut named: Option<(bool, &Path)> = None;
    for file in files {
        let Some(own) = has_ids(format, ask, file)? else { continue };
        match named {
            None => named = Some((own, file)),
            Some((first, _)) if first == own => {}
            Some((first, other)) => {
                let (with, without) = if first { (other, file.as_path()) } else { (file.as_path(), other) };
                let (with, without) = (with.display(), without.display());
                return Err(Error::Refused(format!("`{with}` names its rows and `{without}` does not: expected all or none")));
            }
        }
    }
    Ok(named.map_or(ask.ids.is_some(), |(own, _)| own))
}

/// Whether a file names its rows; none when it has no sound row to tell by.
fn has_ids(format: &'static Format, ask: &Ask, file: &Path) -> Result<Option<bool>, Error> {
    let mut reader = open(format, ask, file)?;
    for _ in 0..LOOK {
        match reader.read(1).map_err(|e| unreadable(file, &e))?.first() {
            Some(row) if row.vector.is_ok() => return Ok(Some(row.id.is_some())),
            Some(_) => {}
            None => break,
        }
    }
    Ok(None)
}

fn open(format: &'static Format, ask: &Ask, file: &Path) -> Result<Box<dyn Reader>, Error> {
    format.open(file, ask).map_err(|e| unreadable(file, &e))
}

pub(super) fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::Read { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_rows_are_read_than_fit() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.jsonl");
        let row = |text: usize| format!("{{\"id\":\"a\",\"text\":\"{}\",\"vector\":[1]}}\n", "x".repeat(text));
        std::fs::write(&file, row(3 << 20).repeat(6) + &row(1).repeat(1_500)).unwrap();
        let (ask, files) = (Ask::default(), [file]);
        let mut shards = Shards::open(Format::named("jsonl").unwrap(), &ask, &files).unwrap();
        let read: Vec<usize> = std::iter::from_fn(|| Some(shards.read(1_000).unwrap().len()).filter(|n| *n > 0)).collect();
        assert_eq!((read[0], read[1], read.iter().sum::<usize>()), (3, 3, 1_506));
    }
}
