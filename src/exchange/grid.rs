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
    /// The next vectors, at most `most`.
    pub fn read(&mut self, most: usize) -> Result<Vec<Vec<f32>>, Error> {
        let n = usize::try_from(self.rows - self.done).unwrap_or(usize::MAX).min(most);
        let width = self.float.bytes();
        let too_wide = || Error::wrong(format!("its rows of {} numbers are too long", self.dim));
        let size = n.checked_mul(self.dim).and_then(|numbers| numbers.checked_mul(width)).ok_or_else(too_wide)?;
        if n == 0 {
            return Ok(Vec::new());
        }
        let mut bytes = vec![0; size];
        let mut vectors = match &mut self.place {
            Place::Rows(stream) => {
                stream.read_exact(&mut bytes).map_err(cut_short)?;
                turn(&mut bytes, width, self.big_endian);
                bytes
                    .chunks_exact(self.dim * width)
                    .map(|row| row.chunks_exact(width).map(|b| self.float.decode(b)).collect())
                    .collect()
            }
            Place::Columns(file, start) => {
                let mut vectors = vec![Vec::with_capacity(self.dim); n];
                let run = &mut bytes[..n * width];
                for column in 0..self.dim as u64 {
                    file.seek(SeekFrom::Start(*start + (column * self.rows + self.done) * width as u64))?;
                    file.read_exact(run).map_err(cut_short)?;
                    turn(run, width, self.big_endian);
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
