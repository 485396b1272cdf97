//! What the fields of many rows have in common: the columns that a file with typed columns gets.
//!
//! A field's column has the kind of its values. Whole and other numbers together are numbers; any other mixture is text.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::value::Value;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Float,
    Text,
}

/// One field of all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The field's name.
    pub name: String,
    pub kind: Kind,
    /// Length of the longest text, in characters; of other values as text too.
    pub longest: usize,
    /// Whether some text ends in a NUL character.
    pub ends_in_nul: bool,
    /// Rows that have the field.
    pub present: u64,
}

/// The outline of a file before it is written.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    pub rows: u64,
    /// Numbers in a vector.
    pub dim: usize,
    /// Length of the longest id, in characters.
    pub longest_id: usize,
    /// The first id that ends in a NUL character.
    pub nul_id: Option<String>,
    /// By name.
    columns: BTreeMap<String, Column>,
}

impl Sheet {
    /// An outline without rows, for vectors of `dim` numbers.
    pub fn new(dim: usize) -> Sheet {
        Sheet { dim, ..Sheet::default() }
    }

    /// Counts a row in.
    pub fn add(&mut self, id: &str, fields: &BTreeMap<String, Value>) {
        self.rows += 1;
        self.longest_id = self.longest_id.max(id.chars().count());
        if self.nul_id.is_none() && id.ends_with('\0') {
            self.nul_id = Some(id.to_owned());
        }
        for (name, value) in fields {
            let Some(kind) = kind(value) else { continue };
            let text = text(value);
            let (longest, ends_in_nul) = (text.chars().count(), text.ends_with('\0'));
            match self.columns.get_mut(name) {
                Some(column) => {
                    column.kind = joined(column.kind, kind);
                    column.longest = column.longest.max(longest);
                    column.ends_in_nul |= ends_in_nul;
                    column.present += 1;
                }
                None => {
                    let column = Column { name: name.clone(), kind, longest, ends_in_nul, present: 1 };
                    self.columns.insert(name.clone(), column);
                }
            }
        }
    }

    /// The outline of a file beside it, with ids and fields alone.
    #[must_use]
    pub fn without_vectors(&self) -> Sheet {
        Sheet { dim: 0, ..self.clone() }
    }

    /// The columns, by name.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.values()
    }

    /// True when some row has no such field.
    pub fn has_gaps(&self, column: &Column) -> bool {
        column.present < self.rows
    }
}

fn kind(value: &Value) -> Option<Kind> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(Kind::Bool),
        Value::Int(_) => Some(Kind::Int),
        Value::Float(_) => Some(Kind::Float),
        // What is no scalar is written as JSON.
        _ => Some(Kind::Text),
    }
}

/// A value as the text of a [`Kind::Text`] column.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => other.to_json().to_string(),
    }
}

fn joined(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (a, b) if a == b => a,
        (Kind::Int | Kind::Float, Kind::Int | Kind::Float) => Kind::Float,
        _ => Kind::Text,
    }
}

/// A text of such a column as a value: what [`text`] wrote of a list is that list.
pub(super) fn list_or_text(text: String) -> Value {
    let members: Option<Vec<&RawValue>> = text.starts_with('[').then(|| serde_json::from_str(&text).ok()).flatten();
    let member = |raw: &RawValue| scalar(raw.get()).filter(|value| !value.is_null());
    let members: Option<Vec<Value>> = members.and_then(|members| members.into_iter().map(member).collect());
    members.map_or(Value::Text(text), Value::list)
}

/// The value of a JSON text; none of a list or an object. As in tables, a whole number that an i64 does not hold is its digits.
pub(super) fn scalar(json: &str) -> Option<Value> {
    match serde_json::from_str(json).ok()? {
        serde_json::Value::Null => Some(Value::Null),
        serde_json::Value::Bool(bool) => Some(Value::Bool(bool)),
        serde_json::Value::Number(number) => Some(match json.parse() {
            Ok(int) => Value::Int(int),
            Err(_) if is_whole(json) => Value::Text(json.to_owned()),
            Err(_) => number.as_f64().map_or(Value::Null, Value::Float),
        }),
        serde_json::Value::String(text) => Some(Value::Text(text)),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}

fn is_whole(number: &str) -> bool {
    number.strip_prefix('-').unwrap_or(number).bytes().all(|byte| byte.is_ascii_digit())
}

/// A number without a sign; its digits where an i64 does not hold it and a float would round it.
pub(super) fn unsigned(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Int)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_room_for_all_its_values() {
        let mut sheet = Sheet::new(2);
        let row = |a: Value, b: Value| BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        sheet.add("é", &row(Value::Int(1), Value::Bool(true)));
        sheet.add("long", &row(Value::Float(0.5), "naïve".into()));
        sheet.add("x", &row(Value::Null, Value::Null));
        let columns: Vec<_> = sheet.columns().map(|c| (c.name.as_str(), c.kind, c.longest, sheet.has_gaps(c))).collect();
        assert_eq!(columns, [("a", Kind::Float, 3, true), ("b", Kind::Text, 5, true)]);
        assert_eq!((sheet.rows, sheet.longest_id), (3, 4));
    }

    #[test]
    fn whole_numbers_of_any_length_keep_their_digits() {
        let (most, more) = ("9223372036854775807", "123456789012345678901234567890");
        assert_eq!(scalar(most), Some(Value::Int(i64::MAX)));
        assert_eq!(
            (scalar("9223372036854775808"), unsigned(1 << 63)),
            (Some("9223372036854775808".into()), "9223372036854775808".into())
        );
        assert_eq!((scalar(more), scalar("-9223372036854775809")), (Some(more.into()), Some("-9223372036854775809".into())));
        assert_eq!(
            (scalar("-0"), scalar("0.5"), scalar("1e3")),
            (Some(Value::Int(0)), Some(Value::Float(0.5)), Some(Value::Float(1e3)))
        );
        assert_eq!((scalar("null"), scalar("[1]"), scalar("{}"), scalar("x")), (Some(Value::Null), None, None, None));
        assert_eq!(list_or_text(format!("[1, {more}]")), Value::list([Value::Int(1), more.into()]));
        for text in ["[null]", "[[1]]", "[x]", "x"] {
            assert_eq!(list_or_text(text.into()), Value::from(text));
        }
    }
}
