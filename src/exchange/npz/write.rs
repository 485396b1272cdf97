//! Writes rows into a `.npz` file: vectors as they come, columns behind them.

use std::collections::BTreeMap;
use std::io::{self, Seek, SeekFrom, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::MISSING;
use crate::exchange::columns::{self, Column, Kind, Sheet};
use crate::exchange::npy::{Header, little_endian};
use crate::exchange::strip::WIDEST;
use crate::exchange::target::Spool;
use crate::exchange::{Error, ID, Sink, VECTOR, Writer, check_count, field_name, written_name};
use crate::value::Value;

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

pub(in crate::exchange) fn create(sink: Box<dyn Sink>, sheet: &Sheet) -> Result<Box<dyn Writer>, Error> {
    check(sheet)?;
    let mut columns = Vec::new();
    for column in sheet.columns() {
        let missing = sheet.has_gaps(column).then(Spool::new).transpose()?;
        columns.push((column.clone(), Spool::new()?, missing));
    }
    let mut zip = ZipWriter::new(Silenced { sink, failed: false });
    begin(&mut zip, VECTOR, "<f4", &[sheet.rows, sheet.dim as u64], CompressionMethod::Stored)?;
    Ok(Box::new(Packing { zip, ids: (sheet.longest_id.max(1), Spool::new()?), columns, written: 0, expected: sheet.rows }))
}

/// Bytes of a character.
const UTF32: usize = 4;

/// Holds that all of it comes back as it is.
fn check(sheet: &Sheet) -> Result<(), Error> {
    let unheld = |what: String| Error::wrong(format!("{what}; `parquet` and `jsonl` hold it"));
    if let Some(id) = &sheet.nul_id {
        return Err(unheld(format!("the id `{}` ends in a NUL character, which numpy drops", id.escape_debug())));
    }
    let names: Vec<String> = sheet.columns().map(|column| written_name(&column.name)).collect();
    for (column, written) in sheet.columns().zip(&names) {
        let name = &column.name;
        if column.kind == Kind::Text && UTF32 * column.longest > WIDEST {
            let (found, most) = (column.longest, WIDEST / UTF32);
            return Err(unheld(format!("its field `{name}` has a text of {found} characters, expected at most {most}")));
        }
        if column.kind == Kind::Text && column.ends_in_nul {
            return Err(unheld(format!("its field `{name}` has a text that ends in a NUL character, which numpy drops")));
        }
        let mut ends = std::iter::successors(written.strip_suffix(MISSING), |end| end.strip_suffix(MISSING));
        if let Some(other) = ends.find(|end| names.iter().any(|name| name == end)) {
            let other = field_name(other);
            return Err(unheld(format!("its field `{name}` has the name of the array that marks the rows without `{other}`")));
        }
    }
    Ok(())
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
    fn what_would_come_back_as_something_else_is_refused_by_name() {
        let fault = |id: &str, fields: &[(&str, Value)]| {
            let mut sheet = Sheet::new(1);
            sheet.add(id, &fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect());
            create(Box::new(io::Cursor::new(Vec::new())), &sheet).err().map(|error| error.to_string())
        };
        let long = |length: usize| ("text", Value::Text("é".repeat(length)));
        let (most, yes) = (WIDEST / UTF32, || Value::Bool(true));
        for (id, fields, named) in [
            ("a", vec![("x", yes()), ("x.missing", yes())], "`x.missing`"),
            ("a", vec![("x", yes()), ("x.missing.missing", yes())], "`x.missing.missing`"),
            ("a", vec![("id", yes()), ("meta.id", yes()), ("meta.id.missing", yes())], "without `meta.id`"),
            ("a", vec![("text", "q\0".into())], "`text`"),
            ("a\0", vec![], "`a\\0`"),
            ("a", vec![long(most + 1)], "`text` has a text of 1048577 characters, expected at most 1048576"),
        ] {
            let said = fault(id, &fields).unwrap();
            assert!(said.contains(named) && said.ends_with("`parquet` and `jsonl` hold it"), "{said}");
        }
        for fields in [
            vec![("x.missing", yes()), ("id.missing", yes()), ("vector.missing", yes())],
            vec![("id", yes()), ("id.missing", yes())],
            vec![("text", "\0q".into()), ("list", Value::list(["q\0"]))],
            vec![long(most)],
        ] {
            assert_eq!(fault("a", &fields), None);
        }
    }
}
