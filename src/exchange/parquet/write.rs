//! Writes rows into a parquet file, a group of rows at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};

use super::{GROUP, GROUP_BYTES, fault};
use crate::exchange::columns::text;
use crate::exchange::{Column, Error, ID, Kind, Sheet, Sink, VECTOR, Writer, check_count, written_name};
use crate::value::Value;

struct Groups {
    file: SerializedFileWriter<Box<dyn Sink>>,
    columns: Vec<Column>,
    dim: usize,
    ids: Vec<ByteArray>,
    vectors: Vec<f32>,
    /// A list for each column.
    values: Vec<Vec<Value>>,
    written: u64,
    expected: u64,
}

pub(in crate::exchange) fn create(sink: Box<dyn Sink>, sheet: &Sheet) -> Result<Box<dyn Writer>, Error> {
    let columns: Vec<Column> = sheet.columns().cloned().collect();
    let vector = ColumnPath::new([VECTOR, "list", "element"].map(str::to_owned).to_vec());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        // Floats of an embedding neither repeat nor pack.
        .set_column_compression(vector.clone(), Compression::UNCOMPRESSED)
        .set_column_dictionary_enabled(vector, false)
        .build();
    let schema = schema(&columns).map_err(fault)?;
    let file = SerializedFileWriter::new(sink, Arc::new(schema), Arc::new(properties)).map_err(fault)?;
    let values = vec![Vec::new(); columns.len()];
    Ok(Box::new(Groups {
        file,
        columns,
        dim: sheet.dim,
        ids: Vec::new(),
        vectors: Vec::new(),
        values,
        written: 0,
        expected: sheet.rows,
    }))
}

fn schema(columns: &[Column]) -> parquet::errors::Result<Type> {
    let leaf = |name: &str, physical, logical, repetition| {
        Type::primitive_type_builder(name, physical).with_logical_type(logical).with_repetition(repetition).build().map(Arc::new)
    };
    let element = leaf("element", Physical::FLOAT, None, Repetition::REQUIRED)?;
    let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![element]).build()?;
    let vector =
        Type::group_type_builder(VECTOR).with_logical_type(Some(LogicalType::List)).with_repetition(Repetition::REQUIRED);
    let vector = vector.with_fields(vec![Arc::new(list)]).build()?;
    let mut fields = vec![leaf(ID, Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED)?, Arc::new(vector)];
    for column in columns {
        let (physical, logical) = match column.kind {
            Kind::Bool => (Physical::BOOLEAN, None),
            Kind::Int => (Physical::INT64, None),
            Kind::Float => (Physical::DOUBLE, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        fields.push(leaf(&written_name(&column.name), physical, logical, Repetition::OPTIONAL)?);
    }
    Type::group_type_builder("items").with_fields(fields).build()
}

impl Groups {
    fn flush(&mut self) -> Result<(), Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group().map_err(fault)?;
        put::<ByteArrayType>(&mut group, &self.ids, None, None)?;
        let definitions = vec![1; self.vectors.len()];
        let repetitions: Vec<i16> = (0..self.vectors.len()).map(|at| i16::from(!at.is_multiple_of(self.dim.max(1)))).collect();
        put::<FloatType>(&mut group, &self.vectors, Some(&definitions), Some(&repetitions))?;
        for (column, values) in self.columns.iter().zip(&mut self.values) {
            let levels: Vec<i16> = values.iter().map(|value| i16::from(!value.is_null())).collect();
            let there = values.drain(..).filter(|value| !value.is_null());
            match column.kind {
                Kind::Bool => {
                    put::<BoolType>(&mut group, &there.map(|v| v == Value::Bool(true)).collect::<Vec<_>>(), Some(&levels), None)?
                }
                Kind::Int => {
                    let whole = |v| if let Value::Int(int) = v { int } else { 0 };
                    put::<Int64Type>(&mut group, &there.map(whole).collect::<Vec<_>>(), Some(&levels), None)?;
                }
                Kind::Float => {
                    put::<DoubleType>(
                        &mut group,
                        &there.map(|v| v.as_f64().unwrap_or(f64::NAN)).collect::<Vec<_>>(),
                        Some(&levels),
                        None,
                    )?;
                }
                Kind::Text => {
                    let texts: Vec<ByteArray> = there.map(|v| ByteArray::from(text(&v).into_bytes())).collect();
                    put::<ByteArrayType>(&mut group, &texts, Some(&levels), None)?;
                }
            }
        }
        group.close().map_err(fault)?;
        self.ids.clear();
        self.vectors.clear();
        Ok(())
    }
}

/// Writes the next column of a group.
fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Box<dyn Sink>>,
    values: &[T::T],
    definitions: Option<&[i16]>,
    repetitions: Option<&[i16]>,
) -> Result<(), Error> {
    let column = group.next_column().map_err(fault)?;
    let mut column = column.ok_or_else(|| Error::wrong("its schema has fewer columns than its rows"))?;
    column.typed::<T>().write_batch(values, definitions, repetitions).map_err(fault)?;
    column.close().map_err(fault)
}

impl Writer for Groups {
    fn write(&mut self, id: &str, fields: &BTreeMap<String, Value>, vector: &[f32]) -> Result<(), Error> {
        self.written += 1;
        self.ids.push(ByteArray::from(id));
        self.vectors.extend_from_slice(vector);
        for (column, values) in self.columns.iter().zip(&mut self.values) {
            values.push(fields.get(&column.name).cloned().unwrap_or(Value::Null));
        }
        if self.ids.len() == GROUP || 4 * self.vectors.len() >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        check_count(self.written, self.expected)?;
        self.flush()?;
        let mut sink = self.file.into_inner().map_err(fault)?;
        Ok(sink.flush()?)
    }
}
