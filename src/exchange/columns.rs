//! What the fields of many rows have in common: the columns that a file with typed columns gets.
//!
//! A field's column has the kind of its values. Whole and other numbers together are numbers; any other mixture is text.

use std::collections::BTreeMap;

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
        for (name, value) in fields {
            let Some(kind) = kind(value) else { continue };
            let longest = text(value).chars().count();
            match self.columns.get_mut(name) {
                Some(column) => {
                    column.kind = joined(column.kind, kind);
                    column.longest = column.longest.max(longest);
                    column.present += 1;
                }
                None => {
                    self.columns.insert(name.clone(), Column { name: name.clone(), kind, longest, present: 1 });
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
    let members: Option<Vec<serde_json::Value>> = text.starts_with('[').then(|| serde_json::from_str(&text).ok()).flatten();
    let scalar = |member: serde_json::Value| match member {
        serde_json::Value::Bool(bool) => Some(Value::Bool(bool)),
        serde_json::Value::Number(number) => number.as_i64().map(Value::Int).or_else(|| number.as_f64().map(Value::Float)),
        serde_json::Value::String(text) => Some(Value::Text(text)),
        _ => None,
    };
    let members: Option<Vec<Value>> = members.and_then(|members| members.into_iter().map(scalar).collect());
    members.map_or(Value::Text(text), Value::list)
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
}
