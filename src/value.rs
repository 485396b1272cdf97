//! A metadata field, a literal of the language and a cell of a report: one type for the three.
//!
//! Order between values: null < booleans < numbers < text; integers and floats compare by number. Text that a reader
//! finds in a CSV cell becomes a number where it is written as one ([`Value::infer`]).

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A scalar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Value {
    /// Reads a cell of text: empty is null, then integer, float, `true`/`false`, else text. `01` and `+1` stay text.
    pub fn infer(cell: &str) -> Value {
        if cell.is_empty() {
            return Value::Null;
        }
        let digits = cell.strip_prefix('-').unwrap_or(cell);
        let starts_as_number = digits.starts_with(|c: char| c.is_ascii_digit());
        let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        if starts_as_number && !leading_zero {
            if let Ok(int) = cell.parse() {
                return Value::Int(int);
            }
            if let Ok(float) = cell.parse::<f64>()
                && float.is_finite()
            {
                return Value::Float(float);
            }
        }
        match cell {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Text(cell.to_owned()),
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(int) => Some(*int as f64),
            Value::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// True for [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// What kind of value it is, in a word for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Text(_) => "text",
        }
    }

    /// The JSON form: numbers that JSON cannot write (NaN, infinities) become null.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(bool) => (*bool).into(),
            Value::Int(int) => (*int).into(),
            Value::Float(float) => serde_json::Number::from_f64(*float).map_or(serde_json::Value::Null, Into::into),
            Value::Text(text) => text.as_str().into(),
        }
    }

    /// SQL-like comparison: `None` when either is null or the kinds do not compare.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            _ => self.as_f64()?.partial_cmp(&other.as_f64()?),
        }
    }

    /// A total order for sorting: null, booleans, numbers, text.
    pub fn sort_order(&self, other: &Value) -> Ordering {
        let rank = |v: &Value| match v {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) | Value::Float(_) => 2,
            Value::Text(_) => 3,
        };
        rank(self).cmp(&rank(other)).then_with(|| match (self, other) {
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (a, b) => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => Ok(()),
            Value::Bool(bool) => write!(f, "{bool}"),
            Value::Int(int) => write!(f, "{int}"),
            Value::Float(float) => write!(f, "{float}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}
impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Value::Bool(bool)
    }
}
impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Value::Int(int)
    }
}
impl From<usize> for Value {
    fn from(int: usize) -> Self {
        i64::try_from(int).map_or(Value::Float(int as f64), Value::Int)
    }
}
impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Value::Float(float)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(option: Option<T>) -> Self {
        option.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_are_written() {
        assert_eq!(Value::infer("12"), Value::Int(12));
        assert_eq!(Value::infer("-1.5e3"), Value::Float(-1500.0));
        assert_eq!(Value::infer("007"), Value::Text("007".into()));
        assert_eq!(Value::infer("nan"), Value::Text("nan".into()));
        assert_eq!(Value::infer(""), Value::Null);
        assert_eq!(Value::infer("true"), Value::Bool(true));
        assert_eq!(Value::infer("A4"), Value::Text("A4".into()));
    }

    #[test]
    fn null_and_mixed_kinds_do_not_compare() {
        assert_eq!(Value::Null.compare(&Value::Null), None);
        assert_eq!(Value::Int(1).compare(&Value::Text("1".into())), None);
        assert_eq!(Value::Int(1).compare(&Value::Float(1.5)), Some(Ordering::Less));
    }
}
