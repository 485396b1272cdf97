//! A two-dimensional array of floats somewhere in a file, read a few rows at a time.
//!
//! Row-major (`C`) arrays are read as a stream. In a column-major (`Fortran`) array the numbers of a row lie far apart, so
//! each read gathers one run of every column; that needs a file that can be sought in.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::{Error, Row};

/// How a floating-point number is laid down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    pub fn bytes(self) -> usize {
        match self {
            Float::F16 | Float::Bf16 => 2,
            Float::F32 => 4,
            Float::F64 => 8,
        }
    }

    /// The number in `bytes`, as many as [`Float::bytes`] says, little-endian; what `f32` can't hold becomes infinite.
    pub fn decode(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Float::F16, &[a, b, ..]) => half::f16::from_le_bytes([a, b]).to_f32(),
            (Float::Bf16, &[a, b, ..]) => half::bf16::from_le_bytes([a, b]).to_f32(),
            (Float::F32, &[a, b, c, d, ..]) => f32::from_le_bytes([a, b, c, d]),
            (Float::F64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
            _ => f32::NAN,
        }
    }
}

/// Where the numbers are.
pub(super) enum Place {
    /// Row after row.
    Rows(Box<dyn Read>),
    /// Column after column, from this byte of the file on.
    Columns(File, u64),
}

/// Longest row, in bytes; a line of JSON may be as long.
const LONGEST_ROW: usize = 64 << 20;
/// Most bytes of rows that are read at a time, unless one row is longer.
const MOST_BYTES: usize = 8 << 20;

/// See the module.
pub(super) struct Grid {
    pub rows: u64,
    pub dim: usize,
    pub float: Float,
    pub big_endian: bool,
    pub place: Place,
    /// Rows that were read.
    pub done: u64,
}

impl Grid {
    /// The next vectors, at most `most`. Memory follows the bytes that are there: a header promises what it likes.
    pub fn read(&mut self, most: usize) -> Result<Vec<Vec<f32>>, Error> {
        let width = self.float.bytes();
        let row = self.dim.checked_mul(width).filter(|bytes| *bytes <= LONGEST_ROW).ok_or_else(|| {
            Error::wrong(format!("its rows are {} numbers long: expected at most {}", self.dim, LONGEST_ROW / width))
        })?;
        let n = usize::try_from(self.rows - self.done).unwrap_or(usize::MAX).min(most).min((MOST_BYTES / row.max(1)).max(1));
        if n == 0 {
            return Ok(Vec::new());
        }
        let mut vectors = match &mut self.place {
            Place::Rows(stream) => {
                let mut bytes = Vec::new();
                if stream.take((n * row) as u64).read_to_end(&mut bytes)? < n * row {
                    return Err(cut_short(std::io::ErrorKind::UnexpectedEof.into()));
                }
                turn(&mut bytes, width, self.big_endian);
                bytes.chunks_exact(row).map(|row| row.chunks_exact(width).map(|b| self.float.decode(b)).collect()).collect()
            }
            Place::Columns(file, start) => {
                let mut vectors = vec![Vec::with_capacity(self.dim); n];
                let mut run = vec![0; n * width];
                for column in 0..self.dim as u64 {
                    file.seek(SeekFrom::Start(*start + (column * self.rows + self.done) * width as u64))?;
                    file.read_exact(&mut run).map_err(cut_short)?;
                    turn(&mut run, width, self.big_endian);
                    vectors.iter_mut().zip(run.chunks_exact(width)).for_each(|(v, b)| v.push(self.float.decode(b)));
                }
                vectors
            }
        };
        vectors.iter_mut().for_each(Vec::shrink_to_fit);
        self.done += n as u64;
        if let (true, Place::Rows(stream)) = (self.done == self.rows, &mut self.place) {
            at_end(stream)?;
        }
        Ok(vectors)
    }

    /// The next rows, nameless.
    pub fn nameless(&mut self, most: usize) -> Result<Vec<Row>, Error> {
        let vectors = self.read(most)?;
        Ok(vectors.into_iter().map(|vector| Row { id: None, fields: Default::default(), vector: Ok(vector) }).collect())
    }
}

/// Big-endian numbers to little-endian ones.
fn turn(bytes: &mut [u8], width: usize, big_endian: bool) {
    if big_endian {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
}

/// Holds that nothing follows; what checks its bytes does so there.
pub(super) fn at_end(stream: &mut dyn Read) -> Result<(), Error> {
    match stream.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(Error::wrong("it has bytes after the array")),
    }
}

/// An end of file in the middle of the data has a plainer name.
pub(super) fn cut_short(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::wrong("it is cut short: the data ends before the array does"),
        _ => Error::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: u64, dim: usize, bytes: Vec<u8>) -> Grid {
        let place = Place::Rows(Box::new(std::io::Cursor::new(bytes)));
        Grid { rows, dim, float: Float::F32, big_endian: false, place, done: 0 }
    }

    #[test]
    fn no_more_memory_is_taken_than_there_are_bytes() {
        for dim in [1 << 40, usize::MAX, (64 << 20) / 4 + 1] {
            let said = grid(1, dim, vec![0; 8]).read(1).unwrap_err().to_string();
            assert!(said.contains(&format!("{dim} numbers")) && said.contains("16777216"), "{said}");
        }
        assert!(grid(u64::MAX, 1 << 20, vec![0; 8]).read(usize::MAX).unwrap_err().to_string().contains("cut short"));
        let mut rows = grid(5, 1 << 20, vec![0; 5 << 22]);
        let read: Vec<usize> = (0..4).map(|_| rows.read(1000).unwrap().len()).collect();
        assert_eq!(read, [2, 2, 1, 0]);
    }
}
