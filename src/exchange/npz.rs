//! numpy's `.npz`: a zip file of `.npy` arrays.
//!
//! ```text
//!   vector.npy          float (rows, dimension)
//!   id.npy              text (rows,)
//!   label.npy           text, whole numbers, floats or booleans (rows,)
//!   label.missing.npy   booleans (rows,): true where the row has no label
//! ```
//! Arrays are streamed beside each other, stored or deflated, and their checksums held at the end. Text is read and written
//! as numpy's `<U`, deflated because of its padding; Python objects (`|O`) and records are left out, as only Python can read
//! them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::grid::{Grid, Place};
use super::npy::Header;
use super::strip::Strip;
use super::{Ask, Error, Reader, Row, VECTOR_NAMES, field_name, id_of};
use crate::value::Value;

mod write;

pub(super) use write::create;

/// Behind the name of a column whose rows may lack it.
const MISSING: &str = ".missing";

/// Where an array lies in the zip file.
struct Entry {
    name: String,
    method: CompressionMethod,
    start: u64,
    packed: u64,
    size: u64,
    crc32: u32,
}

fn entries(path: &Path) -> Result<Vec<Entry>, Error> {
    let zip = |e: zip::result::ZipError| Error::wrong(format!("it is not a numpy .npz file, or cut short: {e}"));
    let mut archive = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(zip)?;
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(zip)?;
        let Some(name) = file.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        if file.encrypted() || !matches!(file.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(Error::wrong(format!(
                "its array `{name}` is encrypted or packed by {}: expected stored or deflated",
                file.compression()
            )));
        }
        let (packed, size, crc32) = (file.compressed_size(), file.size(), file.crc32());
        found.push(Entry { name, method: file.compression(), start: file.data_start(), packed, size, crc32 });
    }
    Ok(found)
}

impl Entry {
    /// Its bytes, unpacked; their end is an error where they are not those that were packed.
    fn stream(&self, path: &Path) -> Result<Box<dyn Read>, Error> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.start))?;
        let packed = BufReader::with_capacity(1 << 17, file.take(self.packed));
        let from: Box<dyn Read> = match self.method {
            CompressionMethod::Stored => Box::new(packed),
            _ => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        };
        Ok(Box::new(BufReader::with_capacity(1 << 17, Checked { from, hasher: crc32fast::Hasher::new(), expected: self.crc32 })))
    }
}

/// Bytes whose checksum is known.
struct Checked {
    from: Box<dyn Read>,
    hasher: crc32fast::Hasher,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(to)?;
        self.hasher.update(&to[..n]);
        if n == 0 && !to.is_empty() && self.hasher.clone().finalize() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged: an array's checksum is wrong"));
        }
        Ok(n)
    }
}

struct Arrays {
    vectors: Grid,
    ids: Option<Strip>,
    fields: Vec<(String, Strip, Option<Strip>)>,
    left_out: Vec<String>,
}

pub(super) fn open(path: &Path, ask: &Ask) -> Result<Box<dyn Reader>, Error> {
    let mut arrays = Vec::new();
    for entry in entries(path)? {
        let named = |e: Error| Error::wrong(format!("its array `{}`: {e}", entry.name));
        let header = Header::read(&mut entry.stream(path)?).map_err(named)?;
        arrays.push((entry, header));
    }
    let able: Vec<&str> =
        arrays.iter().filter(|(_, h)| h.shape.len() == 2 && h.float().is_some()).map(|(e, _)| e.name.as_str()).collect();
    if let Some(error) = wanted_records(&arrays, &able, ask) {
        return Err(error);
    }
    let vectors = ask.vectors_of("two-dimensional array", &able)?;
    let (entry, header) =
        arrays.iter().find(|(e, _)| e.name == vectors).ok_or_else(|| Error::wrong("it has no array of vectors"))?;
    let place = match (header.fortran, entry.method) {
        (false, _) => Place::Rows(after_header(entry, path)?),
        (true, CompressionMethod::Stored) => {
            // Column by column it never comes to its end, where a stream's checksum is held.
            io::copy(&mut entry.stream(path)?, &mut io::sink())?;
            Place::Columns(File::open(path)?, entry.start + header.length)
        }
        (true, _) => {
            let hint = "expected C order there, as `numpy.ascontiguousarray` gives";
            return Err(Error::wrong(format!("its array `{vectors}` is deflated and in Fortran order: {hint}")));
        }
    };
    let grid = header.grid(Some(entry.size.saturating_sub(header.length)), place)?;
    let rows = grid.rows;
    let strip = |name: &str| -> Result<Option<Strip>, Error> {
        let Some((entry, header)) = arrays.iter().find(|(e, h)| e.name == name && h.shape == [rows]) else { return Ok(None) };
        Strip::of(header, || after_header(entry, path)).map_err(|error| match error {
            Error::Wrong(reason) => Error::wrong(format!("its array `{name}`: {reason}")),
            other => other,
        })
    };
    let others: Vec<&str> = arrays.iter().map(|(e, _)| e.name.as_str()).filter(|name| *name != vectors).collect();
    let ids = ask.ids_of("array", &others)?;
    let (mut fields, mut left_out) = (Vec::new(), Vec::new());
    let plain: Vec<&str> = others.into_iter().filter(|name| Some(*name) != ids).collect();
    let is_bool = |name: &str| arrays.iter().any(|(e, h)| e.name == name && h.shape == [rows] && h.is_bool());
    for name in plain.iter().filter(|name| !is_mark(name, &plain, &is_bool)) {
        let mark = format!("{name}{MISSING}");
        match strip(name)? {
            Some(values) => {
                let missing = if is_mark(&mark, &plain, &is_bool) { strip(&mark)? } else { None };
                fields.push((field_name(name), values, missing));
            }
            None => left_out.push(format!("the array `{name}`, which is no column of {rows} numbers or texts")),
        }
    }
    let id_strip = match ids {
        None => None,
        Some(name) => Some(strip(name)?.ok_or_else(|| {
            let shown = arrays.iter().find(|(e, _)| e.name == name).map(|(_, h)| format!("{:?} of `{}`", h.shape, h.descr));
            let hint = "as `numpy.array(ids, dtype=str)` gives";
            Error::wrong(format!("its ids `{name}` are {}: expected {rows} texts or numbers, {hint}", shown.unwrap_or_default()))
        })?),
    };
    Ok(Box::new(Arrays { vectors: grid, ids: id_strip, fields, left_out }))
}

/// The reason, where what is called as the vectors are holds records.
fn wanted_records(arrays: &[(Entry, Header)], able: &[&str], ask: &Ask) -> Option<Error> {
    let names: Vec<&str> = ask.vectors.as_deref().map_or_else(|| VECTOR_NAMES.to_vec(), |name| vec![name]);
    if names.iter().any(|name| able.contains(name)) {
        return None;
    }
    let (entry, header) = names.into_iter().find_map(|name| arrays.iter().find(|(e, _)| e.name == name))?;
    let expected = "expected a two-dimensional array of `float16`, `float32` or `float64`";
    let reason = || format!("its array `{}` is one of records, `{}`: {expected}", entry.name, header.descr);
    header.is_records().then(|| Error::wrong(reason()))
}

/// Whether an array says of which rows another one, a plain one, has no value.
fn is_mark(name: &str, plain: &[&str], is_bool: &dyn Fn(&str) -> bool) -> bool {
    let of = name.strip_suffix(MISSING).filter(|of| plain.contains(of));
    of.is_some_and(|of| plain.contains(&name) && is_bool(name) && !is_mark(of, plain, is_bool))
}

/// The bytes of an array behind its header.
fn after_header(entry: &Entry, path: &Path) -> Result<Box<dyn Read>, Error> {
    let mut stream = entry.stream(path)?;
    Header::read(&mut stream)?;
    Ok(stream)
}

impl Reader for Arrays {
    fn read(&mut self, most: usize) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for vector in self.vectors.read(most)? {
            let mut row = Row { id: None, fields: BTreeMap::new(), vector: Ok(vector) };
            if let Some(ids) = &mut self.ids {
                row.id = id_of(&ids.next()?);
                if row.id.is_none() {
                    row.vector = Err("has no id".into());
                }
            }
            for (name, values, missing) in &mut self.fields {
                let value = values.next()?;
                let gap = missing.as_mut().map(Strip::next).transpose()? == Some(Value::Bool(true));
                if !gap && !value.is_null() {
                    row.fields.insert(name.clone(), value);
                }
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.vectors.rows)
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::exchange::npy::little_endian;

    /// Arrays by name, each with its kind and shape as Python writes them, in a file.
    fn file(path: &Path, arrays: &[(&str, &str, &str, &[u8])]) {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        for (name, descr, shape, bytes) in arrays {
            zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
            let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n");
            let length = (text.len() as u16).to_le_bytes();
            zip.write_all(&[&b"\x93NUMPY\x01\x00"[..], &length, text.as_bytes(), *bytes].concat()).unwrap();
        }
        zip.finish().unwrap();
    }

    /// What reading all of it gives, or why it can't be read.
    fn said(path: &Path, vectors: Option<&str>, ids: Option<&str>) -> Result<(Vec<Row>, String), String> {
        let ask = Ask { vectors: vectors.map(str::to_owned), ids: ids.map(str::to_owned) };
        let mut reader = open(path, &ask).map_err(|error| error.to_string())?;
        let rows = reader.read(9).map_err(|error| error.to_string())?;
        Ok((rows, reader.left_out().join(", ")))
    }

    #[test]
    fn records_are_left_out_unless_they_are_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.npz");
        let (numbers, zeros) = (little_endian(&[1.0, 2.0, 3.0, 4.0]), [0u8; 16]);
        let vectors = |name: &'static str| (name, "'<f4'", "(2, 2)", &numbers[..]);
        let records = |name: &'static str| (name, "[('shape', '<f4'), ('b', '<i4')]", "(2,)", &zeros[..]);
        file(&path, &[records("rec"), vectors("vector"), ("id", "'<U1'", "(2,)", &b"a\0\0\0b\0\0\0"[..])]);
        let (rows, left_out) = said(&path, None, None).unwrap();
        assert_eq!((rows[1].id.as_deref(), rows[1].vector.clone()), (Some("b"), Ok(vec![3.0, 4.0])));
        assert!(left_out.contains("`rec`"), "{left_out}");
        let fault = said(&path, Some("rec"), None).unwrap_err();
        assert!(fault.contains("`rec` is one of records") && fault.contains("`float32`"), "{fault}");
        let fault = said(&path, None, Some("rec")).unwrap_err();
        assert!(fault.contains("ids `rec`") && fault.contains("2 texts or numbers"), "{fault}");
        // No other array is taken in place of the one that has the name.
        file(&path, &[records("vector"), vectors("other")]);
        assert!(said(&path, None, None).unwrap_err().contains("`vector` is one of records"));
        assert_eq!(said(&path, Some("other"), None).unwrap().0.len(), 2);
    }

    #[test]
    fn an_array_that_marks_no_other_is_a_field() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.npz");
        let vectors = little_endian(&[1.0, 2.0]);
        let bytes = |name: &'static str, bytes: &'static [u8; 2]| (name, "'|u1'", "(2,)", &bytes[..]);
        let bools = |name: &'static str, bytes: &'static [u8; 2]| (name, "'|b1'", "(2,)", &bytes[..]);
        let of_x = [bytes("x", &[1, 2]), bools("x.missing", &[0, 1])];
        let others = [bytes("y", &[3, 4]), bytes("y.missing", &[5, 6]), bools("z.missing", &[1, 0])];
        let ids = [bytes("id", &[7, 8]), bools("id.missing", &[1, 1])];
        let vector = ("vector", "'<f4'", "(2, 1)", &vectors[..]);
        file(&path, &[&[vector][..], &of_x, &others, &ids].concat());
        let (rows, left_out) = said(&path, None, None).unwrap();
        let fields = |row: &Row| row.fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
        assert_eq!(fields(&rows[0]), "id.missing=true x=1 y=3 y.missing=5 z.missing=true");
        assert_eq!(fields(&rows[1]), "id.missing=true y=4 y.missing=6 z.missing=false");
        assert_eq!((left_out.as_str(), rows[1].id.as_deref()), ("", Some("8")));
    }

    #[test]
    fn an_element_that_is_too_wide_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.npz");
        let number = little_endian(&[1.0]);
        file(&path, &[("vector", "'<f4'", "(1, 1)", &number[..]), ("note", "'<U1048577'", "(1,)", &number[..0])]);
        let fault = said(&path, None, None).unwrap_err();
        assert_eq!(fault, "its array `note`: an element of `<U1048577` is longer than 4 MiB");
    }

    #[test]
    fn a_fortran_array_is_held_against_its_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f.npz");
        let header = String::from_utf8_lossy(&Header::write("<f4", &[2, 3])[10..]).replace("False, ", "True,  ");
        let header = [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file("vector.npy", stored).unwrap();
        zip.write_all(&header).unwrap();
        zip.write_all(&little_endian(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])).unwrap();
        let good = zip.finish().unwrap().into_inner();
        std::fs::write(&path, &good).unwrap();
        let rows = open(&path, &Ask::default()).unwrap().read(9).unwrap();
        assert_eq!(rows[1].vector, Ok(vec![4.0, 5.0, 6.0]));
        let at = good.windows(4).position(|bytes| bytes == 5.0f32.to_le_bytes()).unwrap();
        let mut bad = good;
        bad[at] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert!(open(&path, &Ask::default()).err().unwrap().to_string().contains("checksum is wrong"));
    }
}
