//! numpy's `.npy`: a header in Python's notation, then the numbers of one array.
//!
//! ```text
//!   0   \x93NUMPY
//!   6   version    1.0, 2.0 or 3.0
//!   8   length     u16 (1.0) or u32 of the header, little-endian
//!   ..  header     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 128), } padded with spaces to a multiple of 64
//!   ..  numbers
//! ```
//! Read: `float16`, `float32` and `float64` in either byte order, in C or Fortran order. Written: little-endian `float32`, C
//! order. Source: numpy's `numpy.lib.format`.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use super::columns::Sheet;
use super::grid::{Float, Grid, Place, cut_short};
use super::{Ask, Error, Reader, Row, Sink, Writer, check_count};
use std::collections::BTreeMap;

use crate::value::Value;

const MAGIC: &[u8] = b"\x93NUMPY";
/// numpy's own limit is 10,000 unless one asks for more.
const LONGEST_HEADER: u32 = 64 << 10;

/// What stands before the numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    /// `<f4`; of records a list, `[('start', '<f4'), ('name', '<U9')]`
    pub descr: String,
    pub fortran: bool,
    pub shape: Vec<u64>,
    /// Bytes before the numbers.
    pub length: u64,
}

impl Header {
    pub fn read(from: &mut impl Read) -> Result<Header, Error> {
        let mut head = [0; 8];
        let strange = || Error::wrong("it is not a numpy .npy file");
        from.read_exact(&mut head).map_err(|_| strange())?;
        if !head.starts_with(MAGIC) {
            return Err(strange());
        }
        let (long, size) = match head[6] {
            1 => (false, 2),
            2 | 3 => (true, 4),
            version => return Err(Error::wrong(format!("its format version is {version}: expected 1, 2 or 3"))),
        };
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes[..size]).map_err(cut_short)?;
        let length = u32::from_le_bytes(bytes);
        if length > LONGEST_HEADER {
            return Err(Error::wrong(format!("its header claims to be {length} bytes long: expected at most {LONGEST_HEADER}")));
        }
        let mut text = vec![0; length as usize];
        from.read_exact(&mut text).map_err(cut_short)?;
        let length = 8 + if long { 4 } else { 2 } + u64::from(length);
        Header::parse(&String::from_utf8_lossy(&text), length)
    }

    fn parse(text: &str, length: u64) -> Result<Header, Error> {
        let wrong = |key: &str| Error::wrong(format!("its header does not say `{key}`"));
        let from = after(text, "descr").ok_or_else(|| wrong("descr"))?;
        let quoted = |quote: char| from.strip_prefix(quote).and_then(|rest| rest.split_once(quote));
        let said = quoted('\'').or_else(|| quoted('"')).or_else(|| bracketed(from));
        let (descr, behind) = said.ok_or_else(|| wrong("descr"))?;
        // Records may have parts that are called as the other keys are.
        let others = [text.strip_suffix(from).unwrap_or_default(), behind].concat();
        let after = |key: &str| after(&others, key);
        let fortran = match after("fortran_order") {
            Some(rest) if rest.starts_with("True") => true,
            Some(rest) if rest.starts_with("False") => false,
            _ => return Err(wrong("fortran_order")),
        };
        let inside = after("shape").and_then(|rest| rest.strip_prefix('(')?.split_once(')')).map(|(inside, _)| inside);
        let parts = inside.ok_or_else(|| wrong("shape"))?.split(',').map(str::trim).filter(|part| !part.is_empty());
        let shape = parts.map(|part| part.trim_end_matches('L').parse()).collect::<Result<_, _>>().map_err(|_| wrong("shape"))?;
        Ok(Header { descr: descr.to_owned(), fortran, shape, length })
    }

    /// The header of a C-ordered array.
    pub fn write(descr: &str, shape: &[u64]) -> Vec<u8> {
        let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
        let shape = if shape.matches(',').count() == 1 { shape.trim_end() } else { shape.trim_end_matches(", ") };
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
        while !(MAGIC.len() + 4 + text.len() + 1).is_multiple_of(64) {
            text.push(' ');
        }
        text.push('\n');
        let mut bytes = [MAGIC, &[1, 0]].concat();
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    /// Whether an element is a record of several things.
    pub fn is_records(&self) -> bool {
        self.descr.starts_with('[')
    }

    /// Whether an element is true or false.
    pub fn is_bool(&self) -> bool {
        self.descr.trim_start_matches(['<', '>', '=', '|']) == "b1"
    }

    /// The kind of float, and whether it is big-endian; none when the array holds something else.
    pub fn float(&self) -> Option<(Float, bool)> {
        let big_endian = self.descr.starts_with('>');
        let float = match self.descr.trim_start_matches(['<', '>', '=', '|']) {
            "f2" => Float::F16,
            "f4" => Float::F32,
            "f8" => Float::F64,
            _ => return None,
        };
        Some((float, big_endian))
    }

    /// The array as rows of vectors, its numbers in `size` bytes (or so many that nobody knows) at `place`.
    pub fn grid(&self, size: Option<u64>, place: Place) -> Result<Grid, Error> {
        if self.is_records() {
            return Err(Error::wrong("it holds an array of records: expected one of numbers"));
        }
        let (float, big_endian) = self.float().ok_or_else(|| {
            Error::wrong(format!(
                "its numbers are `{}`: expected `float16`, `float32` or `float64`, as `array.astype(\"float32\")` gives",
                self.descr
            ))
        })?;
        let [rows, dim] = self.shape[..] else {
            return Err(Error::wrong(format!(
                "it holds an array of {} dimensions: expected 2, one row a clip or text",
                self.shape.len()
            )));
        };
        if rows == 0 || dim == 0 {
            return Err(Error::wrong(format!("it holds no vectors: its shape is ({rows}, {dim})")));
        }
        let expected = rows.checked_mul(dim).and_then(|numbers| numbers.checked_mul(float.bytes() as u64));
        let promised = || format!("its header promises {rows} × {dim} numbers");
        match (expected, size) {
            (Some(expected), Some(size)) if expected < size => {
                return Err(Error::wrong(format!("it has {} bytes after the array", size - expected)));
            }
            (Some(expected), Some(size)) if expected > size => {
                return Err(Error::wrong(format!("it is cut short: {} in {size} bytes", promised())));
            }
            (None, _) => return Err(Error::wrong(format!("it is cut short: {}", promised()))),
            _ => {}
        }
        let dim = usize::try_from(dim).map_err(|_| Error::wrong(promised()))?;
        Ok(Grid { rows, dim, float, big_endian, place, done: 0 })
    }
}

/// What stands behind a key and its colon.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let found = text.split_once(&format!("'{key}'")).or_else(|| text.split_once(&format!("\"{key}\"")));
    found.and_then(|(_, rest)| rest.trim_start().strip_prefix(':')).map(str::trim_start)
}

/// A list with its brackets at the start of a text, and what stands behind it. Brackets in quotes are none.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut quote) = (0usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') if depth == 1 => return text.split_at_checked(at + 1),
            (None, ']') => depth = depth.checked_sub(1)?,
            (None, _) if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

struct Array(Grid);

pub(super) fn open(path: &Path, _: &Ask) -> Result<Box<dyn Reader>, Error> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut stream = BufReader::with_capacity(1 << 20, file);
    let header = Header::read(&mut stream)?;
    let place = match header.fortran {
        true => Place::Columns(File::open(path)?, header.length),
        false => Place::Rows(Box::new(stream)),
    };
    Ok(Box::new(Array(header.grid(Some(size.saturating_sub(header.length)), place)?)))
}

impl Reader for Array {
    fn read(&mut self, most: usize) -> Result<Vec<Row>, Error> {
        self.0.nameless(most)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.0.rows)
    }

    fn left_out(&self) -> &[String] {
        &[]
    }
}

/// Writes a header and rows of `f32`; safetensors lays them down in the same way.
pub(super) struct Rows {
    sink: Box<dyn Sink>,
    written: u64,
    expected: u64,
}

impl Rows {
    pub fn begin(mut sink: Box<dyn Sink>, header: &[u8], sheet: &Sheet) -> Result<Box<dyn Writer>, Error> {
        sink.write_all(header)?;
        Ok(Box::new(Rows { sink, written: 0, expected: sheet.rows }))
    }
}

pub(super) fn create(sink: Box<dyn Sink>, sheet: &Sheet) -> Result<Box<dyn Writer>, Error> {
    Rows::begin(sink, &Header::write("<f4", &[sheet.rows, sheet.dim as u64]), sheet)
}

/// The numbers as they lie in a file.
pub(super) fn little_endian(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

impl Writer for Rows {
    fn write(&mut self, _: &str, _: &BTreeMap<String, Value>, vector: &[f32]) -> Result<(), Error> {
        self.written += 1;
        Ok(self.sink.write_all(&little_endian(vector))?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        check_count(self.written, self.expected)?;
        Ok(self.sink.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_were_written() {
        for shape in [&[3, 4][..], &[7], &[], &[1_000_000, 512]] {
            let bytes = Header::write("<f4", shape);
            assert!(bytes.len().is_multiple_of(64));
            let header = Header::read(&mut &bytes[..]).unwrap();
            assert_eq!((header.shape.as_slice(), header.length, header.fortran), (shape, bytes.len() as u64, false));
            for cut in 0..bytes.len() {
                assert!(Header::read(&mut &bytes[..cut]).is_err());
            }
        }
        // Python 2 wrote long numbers so.
        let old = Header::parse("{\"shape\": (3L, 4L), \"fortran_order\": True, \"descr\": \">f8\"}", 80).unwrap();
        assert_eq!((old.shape.as_slice(), old.fortran, old.float()), (&[3, 4][..], true, Some((Float::F64, true))));
    }

    #[test]
    fn records_are_told_from_what_stands_beside_them() {
        let list = "[('shape', '<f4', (2,)), ('a]', [('fortran_order', '|b1')])]";
        for text in [
            format!("{{'descr': {list}, 'fortran_order': False, 'shape': (3,), }}"),
            format!("{{'shape': (3,), 'fortran_order': False, 'descr': {list}}}"),
        ] {
            let header = Header::parse(&text, 80).unwrap();
            assert_eq!((header.descr.as_str(), header.fortran, header.shape.as_slice()), (list, false, &[3][..]));
            assert!(header.is_records() && header.float().is_none() && !header.is_bool());
        }
    }

    #[test]
    fn what_no_array_of_floats_is_gets_its_reason() {
        let fault = |bytes: &[u8]| {
            Header::read(&mut &bytes[..]).and_then(|h| h.grid(None, Place::Rows(Box::new(std::io::empty()))).map(drop))
        };
        let said = |bytes: &[u8]| fault(bytes).unwrap_err().to_string();
        assert!(said(b"\x93NUMPY\x09\x00ab").contains("version is 9"));
        assert!(said(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").contains("4294967295"));
        assert!(said(&Header::write("<i4", &[3, 4])).contains("<i4"));
        assert!(said(&Header::write("<f4", &[3])).contains("1 dimensions"));
        assert!(said(&Header::write("<f4", &[0, 4])).contains("no vectors"));
        assert!(said(&Header::write("<f4", &[u64::MAX, 4])).contains("cut short"));
        let records = Header::parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 4), }", 0).unwrap();
        let fault = records.grid(None, Place::Rows(Box::new(std::io::empty()))).map(drop).unwrap_err();
        assert_eq!(fault.to_string(), "it holds an array of records: expected one of numbers");
        let unended = "{'descr': [('a', '<f4'), 'fortran_order': False, 'shape': (3,), }";
        for cut in [unended, "{'descr': x}", "{'descr': ]}", "{'descr': "] {
            assert!(Header::parse(cut, 0).unwrap_err().to_string().contains("`descr`"), "{cut}");
        }
    }
}
