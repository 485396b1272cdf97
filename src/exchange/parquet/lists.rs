//! Columns of lists of texts.
//!
//! ```text
//!   optional group labels (LIST) { repeated group list { optional binary element (STRING); } }
//!   level of a definition    0 no list    1 an empty one    2 a member that is nothing    3 a text
//! ```
//! The levels are fewer where a part is required, or the group in the middle is left out.

use parquet::basic::Repetition;
use parquet::column::reader::ColumnReader;
use parquet::schema::types::ColumnDescriptor;

use super::read::{is_text, records};
use crate::exchange::Error;
use crate::value::Value;

/// The levels of definitions in such a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    /// From this on there is a member.
    member: i16,
    /// At this the member is a text.
    text: i16,
}

impl Levels {
    /// Those of a column, if it holds lists of texts.
    pub fn of(column: &ColumnDescriptor) -> Option<Levels> {
        let fits = column.max_rep_level() == 1 && column.path().parts().len() <= 3 && is_text(column);
        let text = column.max_def_level();
        let optional = column.self_type().get_basic_info().repetition() == Repetition::OPTIONAL;
        fits.then(|| Levels { member: text - i16::from(optional), text })
    }
}

/// The next `n` lists, without members that are nothing; null where there is no list.
pub(super) fn lists(column: &mut ColumnReader, n: usize, levels: Levels) -> Result<Vec<Value>, Error> {
    let ColumnReader::ByteArrayColumnReader(reader) = column else {
        return Err(Error::wrong("it has a column of an unexpected type"));
    };
    let found = records(reader, n)?;
    let mut texts = found.values.iter();
    let mut lists: Vec<Option<Vec<Value>>> = Vec::with_capacity(n);
    for (definition, repetition) in found.definitions.iter().zip(&found.repetitions) {
        if *repetition == 0 {
            lists.push((*definition >= levels.member - 1).then(Vec::new));
        }
        if *definition == levels.text {
            let torn = || Error::wrong("it is damaged: a list of texts has a gap");
            let (list, text) = lists.last_mut().and_then(Option::as_mut).zip(texts.next()).ok_or_else(torn)?;
            list.push(Value::Text(String::from_utf8_lossy(text.data()).into_owned()));
        }
    }
    Ok(lists.into_iter().map(|list| list.map_or(Value::Null, Value::List)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType};
    use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::exchange::{Ask, Row};

    /// Values, levels of definition, levels of repetition.
    type Column<'a, T> = (&'a [T], &'a [i16], &'a [i16]);

    fn put<T: DataType>(group: &mut SerializedRowGroupWriter<'_, std::fs::File>, written: Column<T::T>) {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<T>().write_batch(written.0, Some(written.1), Some(written.2)).unwrap();
        column.close().unwrap();
    }

    /// The rows of a file whose first column is `field`, four rows of it, and what is left out.
    fn read(field: &str, columns: &[Column<ByteArray>]) -> (Vec<Row>, Vec<String>) {
        let vector = "required group vector (LIST) { repeated group list { required float element; } }";
        let schema = Arc::new(parse_message_type(&format!("message m {{ {field} {vector} }}")).unwrap());
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = SerializedFileWriter::new(file.reopen().unwrap(), schema, Default::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            put::<ByteArrayType>(&mut group, *column);
        }
        put::<FloatType>(&mut group, (&[1.0, 2.0, 3.0, 4.0], &[1; 4], &[0; 4]));
        group.close().unwrap();
        writer.close().unwrap();
        let mut reader = super::super::open(file.path(), &Ask::default()).unwrap();
        let left_out = reader.left_out().to_vec();
        (reader.read(10).unwrap(), left_out)
    }

    /// The field `labels` of each row.
    fn labels(field: &str, column: Column<ByteArray>) -> Vec<Option<Value>> {
        let (rows, left_out) = read(field, &[column]);
        assert!(left_out.is_empty(), "{left_out:?}");
        rows.into_iter().map(|mut row| row.fields.remove("labels")).collect()
    }

    #[test]
    fn lists_of_texts_are_lists() {
        let texts: Vec<ByteArray> = ["tuba", "oboe", "horn"].map(ByteArray::from).into();
        let several = Some(Value::list(["tuba", "oboe"]));
        let (empty, horn) = (Some(Value::List(Vec::new())), Some(Value::list(["horn"])));
        let common = "optional group labels (LIST) { repeated group list { optional binary element (STRING); } }";
        let found = labels(common, (&texts, &[3, 3, 0, 1, 2, 3], &[0, 1, 0, 0, 0, 1]));
        assert_eq!(found, [several.clone(), None, empty.clone(), horn.clone()]);
        let firm = "required group labels (LIST) { repeated group list { required binary element (STRING); } }";
        let found = labels(firm, (&texts, &[1, 1, 0, 0, 1], &[0, 1, 0, 0, 0]));
        assert_eq!(found, [several.clone(), empty.clone(), empty.clone(), horn.clone()]);
        let bare = "repeated binary labels (STRING);";
        let found = labels(bare, (&texts, &[1, 1, 0, 0, 1], &[0, 1, 0, 0, 0]));
        assert_eq!(found, [several, empty.clone(), empty, horn]);
    }

    #[test]
    fn what_is_no_list_of_texts_is_left_out() {
        let texts: Vec<ByteArray> = ["a", "b", "c", "d"].map(ByteArray::from).into();
        let column: Column<ByteArray> = (&texts, &[1; 4], &[0; 4]);
        let pair = "required binary key (STRING); required binary value (STRING);";
        let map = format!("required group x (MAP) {{ repeated group key_value {{ {pair} }} }}");
        let (rows, left_out) = read(&map, &[column, column]);
        assert!(rows.iter().all(|row| row.fields.is_empty()) && rows.len() == 4);
        assert_eq!(left_out[0], "the column `x.key_value.key`, which is no text, number, boolean or list of texts");
        assert_eq!(left_out.len(), 2);
    }
}
