//! Reads the columns of a parquet file beside each other.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use half::f16;
use parquet::basic::{CompressionCodec, ConvertedType, LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::lists::{Levels, lists};
use super::{fault, fenced};
use crate::exchange::columns::{self, list_or_text};
use crate::exchange::{Ask, Error, Reader, Row, field_name, id_of};
use crate::value::Value;

/// A leaf of the schema that is taken.
struct Taken {
    leaf: usize,
    /// As in the file.
    name: String,
    unsigned: bool,
    /// Of a column of lists of texts.
    list: Option<Levels>,
}

struct Columns {
    file: SerializedFileReader<File>,
    vector: Taken,
    id: Option<Taken>,
    fields: Vec<Taken>,
    left_out: Vec<String>,
    rows: u64,
    /// The group that is read next.
    group: usize,
    /// Of the group that is being read, in the order vector, id, fields; and how many rows of it are left.
    open: Vec<ColumnReader>,
    left: usize,
}

pub(super) fn open(path: &Path, ask: &Ask) -> Result<Box<dyn Reader>, Error> {
    let file = SerializedFileReader::new(File::open(path)?).map_err(fault)?;
    let schema = file.metadata().file_metadata().schema_descr_ptr();
    let leaves: Vec<(usize, &ColumnDescriptor)> = schema.columns().iter().map(|c| &**c).enumerate().collect();
    let able: Vec<(String, usize)> = leaves.iter().filter(|(_, c)| is_vector(c)).map(|(i, c)| (root(c), *i)).collect();
    let mut fields: Vec<Taken> = fields(&leaves);
    let names: Vec<&str> = able.iter().map(|(name, _)| name.as_str()).collect();
    let vector = ask.vectors_of("column of lists", &names)?;
    let leaf = able.iter().find(|(name, _)| name == vector).map_or(0, |(_, leaf)| *leaf);
    let left_out = leaves.iter().filter(|(i, _)| *i != leaf && fields.binary_search_by_key(i, |field| field.leaf).is_err());
    let why = "which is no text, number, boolean or list of texts";
    let left_out = left_out.map(|(_, c)| format!("the column `{}`, {why}", c.path().string())).collect();
    let others: Vec<&str> = fields.iter().filter(|field| field.list.is_none()).map(|field| field.name.as_str()).collect();
    let id = ask.ids_of("column", &others)?;
    let id = id.and_then(|id| fields.iter().position(|field| field.list.is_none() && field.name == id));
    let id = id.map(|at| fields.remove(at));
    let rows = u64::try_from(file.metadata().file_metadata().num_rows()).unwrap_or(0);
    if rows == 0 {
        return Err(Error::wrong("it holds no vectors: it has no rows"));
    }
    let columns = Columns {
        vector: Taken { leaf, name: vector.to_owned(), unsigned: false, list: None },
        id,
        fields,
        left_out,
        rows,
        group: 0,
        open: Vec::new(),
        left: 0,
        file,
    };
    columns.check_packing()?;
    Ok(Box::new(columns))
}

/// The name of the column that a leaf is of.
fn root(column: &ColumnDescriptor) -> String {
    column.path().parts().first().cloned().unwrap_or_default()
}

/// What is taken as fields, in the order of the leaves.
fn fields(leaves: &[(usize, &ColumnDescriptor)]) -> Vec<Taken> {
    let mut leaves_of: HashMap<String, usize> = HashMap::new();
    leaves.iter().for_each(|(_, column)| *leaves_of.entry(root(column)).or_default() += 1);
    let taken = |(leaf, column): &(usize, &ColumnDescriptor)| {
        let (leaf, name) = (*leaf, root(column));
        match scalar(column) {
            Some(unsigned) => Some(Taken { leaf, name, unsigned, list: None }),
            // A map, or a list of structures, has several leaves.
            None if leaves_of.get(&name) == Some(&1) => {
                Levels::of(column).map(|levels| Taken { leaf, name, unsigned: false, list: Some(levels) })
            }
            None => None,
        }
    };
    leaves.iter().filter_map(taken).collect()
}

/// The name of a packing that is not read.
fn unread(packing: CompressionCodec) -> Option<&'static str> {
    match packing {
        CompressionCodec::UNCOMPRESSED | CompressionCodec::SNAPPY | CompressionCodec::GZIP | CompressionCodec::ZSTD => None,
        CompressionCodec::BROTLI => Some("brotli"),
        CompressionCodec::LZ4 | CompressionCodec::LZ4_RAW => Some("lz4"),
        CompressionCodec::LZO => Some("lzo"),
    }
}

fn is_vector(column: &ColumnDescriptor) -> bool {
    let float16 = || column.logical_type_ref() == Some(&LogicalType::Float16);
    column.max_rep_level() == 1
        && match column.physical_type() {
            Physical::FLOAT | Physical::DOUBLE => true,
            Physical::FIXED_LEN_BYTE_ARRAY => float16(),
            _ => false,
        }
}

/// Whether a flat column is taken as a field; true in it when its numbers have no sign.
fn scalar(column: &ColumnDescriptor) -> Option<bool> {
    if column.max_rep_level() > 0 || column.path().parts().len() != 1 {
        return None;
    }
    let (logical, converted) = (column.logical_type_ref(), column.converted_type());
    match (column.physical_type(), logical) {
        (Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE, _) => Some(false),
        (Physical::INT32 | Physical::INT64, Some(LogicalType::Integer(int))) => Some(!int.is_signed),
        (Physical::INT32 | Physical::INT64, None) => match converted {
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64 => Some(false),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => Some(true),
            _ => None,
        },
        _ => is_text(column).then_some(false),
    }
}

/// Whether its leaves are texts.
pub(super) fn is_text(column: &ColumnDescriptor) -> bool {
    match (column.physical_type(), column.logical_type_ref()) {
        (Physical::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Enum | LogicalType::Json)) => true,
        (Physical::BYTE_ARRAY, None) => column.converted_type() == ConvertedType::UTF8,
        _ => false,
    }
}

impl Columns {
    /// What is read, in the order of `open`.
    fn taken(&self) -> impl Iterator<Item = &Taken> {
        [Some(&self.vector), self.id.as_ref()].into_iter().flatten().chain(&self.fields)
    }

    /// Holds that what is read is packed by something that can be unpacked.
    fn check_packing(&self) -> Result<(), Error> {
        for group in self.file.metadata().row_groups() {
            for taken in self.taken() {
                if let Some(packing) = group.columns().get(taken.leaf).and_then(|column| unread(column.compression_codec())) {
                    let name = &taken.name;
                    return Err(Error::wrong(format!(
                        "its column `{name}` is packed by {packing}: expected snappy, zstd, gzip or nothing"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Opens the columns of the next group; false when there is none.
    fn next_group(&mut self) -> Result<bool, Error> {
        if self.group >= self.file.num_row_groups() {
            return Ok(false);
        }
        let group = self.file.get_row_group(self.group).map_err(fault)?;
        self.left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let open = self.taken().map(|taken| group.get_column_reader(taken.leaf)).collect::<Result<_, _>>();
        self.open = open.map_err(fault)?;
        self.group += 1;
        Ok(true)
    }
}

impl Reader for Columns {
    fn read(&mut self, most: usize) -> Result<Vec<Row>, Error> {
        fenced(|| self.next_rows(most))
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

impl Columns {
    fn next_rows(&mut self, most: usize) -> Result<Vec<Row>, Error> {
        while self.left == 0 {
            if !self.next_group()? {
                return Ok(Vec::new());
            }
        }
        let n = self.left.min(most);
        let mut columns = self.open.iter_mut();
        let first = columns.next().ok_or_else(|| Error::wrong("it has no columns"))?;
        let mut rows: Vec<Row> =
            vectors(first, n)?.into_iter().map(|vector| Row { id: None, fields: BTreeMap::new(), vector }).collect();
        let taken = self.id.iter().map(|id| (id, true)).chain(self.fields.iter().map(|field| (field, false)));
        for ((taken, is_id), column) in taken.zip(columns) {
            let values = match taken.list {
                Some(levels) => lists(column, n, levels)?,
                None => scalars(column, n, taken.unsigned)?,
            };
            if values.len() != rows.len() {
                let (found, expected) = (values.len(), rows.len());
                return Err(Error::wrong(format!("it is damaged: `{}` has {found} values for {expected} vectors", taken.name)));
            }
            for (row, value) in rows.iter_mut().zip(values) {
                if is_id {
                    row.id = id_of(&value);
                    if row.id.is_none() {
                        row.vector = Err(format!("has no `{}`", taken.name));
                    }
                } else if !value.is_null() {
                    row.fields.insert(field_name(&taken.name), value);
                }
            }
        }
        if rows.len() != n {
            return Err(Error::wrong(format!("it is damaged: {} rows where {n} were promised", rows.len())));
        }
        self.left -= n;
        Ok(rows)
    }
}

/// Records of one column: levels and the values that are there.
pub(super) struct Records<T> {
    pub definitions: Vec<i16>,
    pub repetitions: Vec<i16>,
    pub values: Vec<T>,
}

pub(super) fn records<T: DataType>(reader: &mut ColumnReaderImpl<T>, n: usize) -> Result<Records<T::T>, Error> {
    let mut found = Records { definitions: Vec::new(), repetitions: Vec::new(), values: Vec::new() };
    let mut done = 0;
    while done < n {
        let (definitions, repetitions) = (&mut found.definitions, &mut found.repetitions);
        let (records, ..) =
            reader.read_records(n - done, Some(definitions), Some(repetitions), &mut found.values).map_err(fault)?;
        if records == 0 {
            return Err(Error::wrong("it is damaged: a column ends before its group does"));
        }
        done += records;
    }
    Ok(found)
}

/// The next `n` vectors.
fn vectors(column: &mut ColumnReader, n: usize) -> Result<Vec<Result<Vec<f32>, String>>, Error> {
    match column {
        ColumnReader::FloatColumnReader(reader) => split(reader, n, |x| *x),
        ColumnReader::DoubleColumnReader(reader) => split(reader, n, |x| *x as f32),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => split(reader, n, |bytes| match bytes.data() {
            [a, b] => f16::from_le_bytes([*a, *b]).to_f32(),
            _ => f32::NAN,
        }),
        _ => Err(Error::wrong("its vectors are no lists of floats")),
    }
}

fn split<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    n: usize,
    number: impl Fn(&T::T) -> f32,
) -> Result<Vec<Result<Vec<f32>, String>>, Error> {
    let found = records(reader, n)?;
    // A level below the greatest means that the list, or a number in it, is not there.
    let whole = found.definitions.iter().copied().max().unwrap_or(0);
    let nothing_there = found.values.is_empty();
    let mut values = found.values.iter();
    let mut vectors: Vec<Result<Vec<f32>, String>> = Vec::with_capacity(n);
    for (definition, repetition) in found.definitions.iter().zip(&found.repetitions) {
        if *repetition == 0 {
            vectors.push(Ok(Vec::new()));
        }
        let Some(vector) = vectors.last_mut() else { return Err(Error::wrong("it is damaged: a list begins in its middle")) };
        match (*definition == whole && !nothing_there).then(|| values.next()).flatten() {
            Some(value) => {
                if let Ok(vector) = vector {
                    vector.push(number(value));
                }
            }
            None => *vector = Err("has no vector, or one with gaps".into()),
        }
    }
    Ok(vectors)
}

/// The next `n` values of a flat column.
fn scalars(column: &mut ColumnReader, n: usize, unsigned: bool) -> Result<Vec<Value>, Error> {
    let float = |x: f64| if x.is_nan() { Value::Null } else { Value::Float(x) };
    let whole = |x: i64| if unsigned { columns::unsigned(x as u64) } else { Value::Int(x) };
    let text = |bytes: &ByteArray| list_or_text(String::from_utf8_lossy(bytes.data()).into_owned());
    match column {
        ColumnReader::BoolColumnReader(reader) => spread(reader, n, |x| Value::Bool(*x)),
        ColumnReader::Int32ColumnReader(reader) => {
            spread(reader, n, |x| Value::Int(if unsigned { i64::from(*x as u32) } else { i64::from(*x) }))
        }
        ColumnReader::Int64ColumnReader(reader) => spread(reader, n, |x| whole(*x)),
        ColumnReader::FloatColumnReader(reader) => spread(reader, n, |x| float(f64::from(*x))),
        ColumnReader::DoubleColumnReader(reader) => spread(reader, n, |x| float(*x)),
        ColumnReader::ByteArrayColumnReader(reader) => spread(reader, n, text),
        _ => Err(Error::wrong("it has a column of an unexpected type")),
    }
}

fn spread<T: DataType>(reader: &mut ColumnReaderImpl<T>, n: usize, value: impl Fn(&T::T) -> Value) -> Result<Vec<Value>, Error> {
    let found = records(reader, n)?;
    let mut values = found.values.iter().map(value);
    if found.definitions.is_empty() {
        return Ok(values.collect());
    }
    Ok(found
        .definitions
        .iter()
        .map(|level| if *level > 0 { values.next().unwrap_or(Value::Null) } else { Value::Null })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packing_that_is_not_read_has_a_name() {
        let named =
            [CompressionCodec::BROTLI, CompressionCodec::LZ4, CompressionCodec::LZ4_RAW, CompressionCodec::LZO].map(unread);
        assert_eq!(named, [Some("brotli"), Some("lz4"), Some("lz4"), Some("lzo")]);
        for read in [CompressionCodec::UNCOMPRESSED, CompressionCodec::SNAPPY, CompressionCodec::GZIP, CompressionCodec::ZSTD] {
            assert_eq!(unread(read), None);
        }
    }
}
