//! numpy's `.npz`: a zip file of `.npy` arrays.
//!
//! ```text
//!   vector.npy          float (rows, dimension)
//!   id.npy              text (rows,)
//!   label.npy           text, whole numbers, floats or booleans (rows,)
//!   label.missing.npy   booleans (rows,): true where the row has no label
//! ```
//! Arrays are streamed beside each other, stored or deflated, and their checksums held at the end. Text is read and written
//! as numpy's `<U`, deflated because of its padding; Python objects (`|O`) are left out, as only Python can read them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::columns::{self, Column, Kind, Sheet};
use super::grid::{Grid, Place};
use super::npy::{Header, little_endian};
use super::strip::Strip;
use super::target::Spool;
use super::{Ask, Error, ID, Reader, Row, Sink, VECTOR, Writer, check_count, field_name, id_of, written_name};
use crate::value::Value;

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
        let Some(strip) = Strip::of(header, || after_header(entry, path))? else { return Ok(None) };
        Ok(Some(strip))
    };
    let others: Vec<&str> = arrays.iter().map(|(e, _)| e.name.as_str()).filter(|name| *name != vectors).collect();
    let ids = ask.ids_of("array", &others)?;
    let (mut fields, mut left_out) = (Vec::new(), Vec::new());
    for name in others.iter().filter(|name| Some(**name) != ids && !name.ends_with(MISSING)) {
        match strip(name)? {
            Some(values) => fields.push((field_name(name), values, strip(&format!("{name}{MISSING}"))?)),
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

/// A sink that fails once and takes everything after that: a `ZipWriter` that is dropped writes on, and prints what went wrong.
struct Silenced {
    sink: Box<dyn Sink>,
    failed: bool,
}

impl Silenced {
    fn try_to<T>(&mut self, job: impl FnOnce(&mut dyn Sink) -> io::Result<T>, ignored: T) -> io::Result<T> {
        if self.failed {
            return Ok(ignored);
        }
        let done = job(&mut *self.sink);
        self.failed = done.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        done
    }
}

impl Write for Silenced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_to(|sink| sink.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.try_to(|sink| sink.flush(), ())
    }
}

impl Seek for Silenced {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.try_to(|sink| sink.seek(to), 0)
    }
}

struct Packing {
    zip: ZipWriter<Silenced>,
    ids: (usize, Spool),
    /// With the column's values, and where it is missing if some rows miss it.
    columns: Vec<(Column, Spool, Option<Spool>)>,
    written: u64,
    expected: u64,
}

pub(super) fn create(sink: Box<dyn Sink>, sheet: &Sheet) -> Result<Box<dyn Writer>, Error> {
    let mut columns = Vec::new();
    for column in sheet.columns() {
        let missing = sheet.has_gaps(column).then(Spool::new).transpose()?;
        columns.push((column.clone(), Spool::new()?, missing));
    }
    let mut zip = ZipWriter::new(Silenced { sink, failed: false });
    begin(&mut zip, VECTOR, "<f4", &[sheet.rows, sheet.dim as u64], CompressionMethod::Stored)?;
    Ok(Box::new(Packing { zip, ids: (sheet.longest_id.max(1), Spool::new()?), columns, written: 0, expected: sheet.rows }))
}

fn begin(zip: &mut ZipWriter<Silenced>, name: &str, descr: &str, shape: &[u64], method: CompressionMethod) -> Result<(), Error> {
    // Two exports of the same rows are the same bytes: no clock.
    let options =
        SimpleFileOptions::default().compression_method(method).large_file(true).last_modified_time(zip::DateTime::default());
    zip.start_file(format!("{name}.npy"), options).map_err(|e| match e {
        zip::result::ZipError::Io(error) => Error::Io(error),
        other => Error::wrong(other.to_string()),
    })?;
    Ok(zip.write_all(&Header::write(descr, shape))?)
}

/// `text` as numpy's `<U` of `width` characters.
fn utf32(text: &str, width: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = text.chars().take(width).flat_map(|c| u32::from(c).to_le_bytes()).collect();
    bytes.resize(4 * width, 0);
    bytes
}

fn laid_down(value: &Value, column: &Column) -> Vec<u8> {
    match (column.kind, value) {
        (Kind::Bool, value) => vec![u8::from(*value == Value::Bool(true))],
        (Kind::Int, Value::Int(int)) => int.to_le_bytes().to_vec(),
        (Kind::Int, _) => vec![0; 8],
        (Kind::Float, value) => value.as_f64().unwrap_or(f64::NAN).to_le_bytes().to_vec(),
        (Kind::Text, value) => utf32(&columns::text(value), column.longest.max(1)),
    }
}

impl Writer for Packing {
    fn write(&mut self, id: &str, fields: &BTreeMap<String, Value>, vector: &[f32]) -> Result<(), Error> {
        self.written += 1;
        self.zip.write_all(&little_endian(vector))?;
        self.ids.1.put(&utf32(id, self.ids.0))?;
        for (column, values, missing) in &mut self.columns {
            let value = fields.get(&column.name).unwrap_or(&Value::Null);
            values.put(&laid_down(value, column))?;
            if let Some(missing) = missing {
                missing.put(&[u8::from(value.is_null())])?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        check_count(self.written, self.expected)?;
        let (rows, packed) = ([self.written], CompressionMethod::Deflated);
        begin(&mut self.zip, ID, &format!("<U{}", self.ids.0), &rows, packed)?;
        self.ids.1.copy_to(&mut self.zip)?;
        for (column, values, missing) in self.columns {
            let name = written_name(&column.name);
            let descr = match column.kind {
                Kind::Bool => "|b1".to_owned(),
                Kind::Int => "<i8".to_owned(),
                Kind::Float => "<f8".to_owned(),
                Kind::Text => format!("<U{}", column.longest.max(1)),
            };
            begin(&mut self.zip, &name, &descr, &rows, packed)?;
            values.copy_to(&mut self.zip)?;
            if let Some(missing) = missing {
                begin(&mut self.zip, &format!("{name}{MISSING}"), "|b1", &rows, packed)?;
                missing.copy_to(&mut self.zip)?;
            }
        }
        let mut sink = self.zip.finish().map_err(|e| Error::wrong(e.to_string()))?;
        if sink.failed {
            return Err(Error::wrong("an earlier write failed"));
        }
        Ok(sink.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
