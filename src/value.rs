//! A metadata field, a literal of the language and a cell of a report: one type for the three.
//!
//! Order between values: null < booleans < numbers < text < lists; integers and floats compare by number. Text that a reader
//! finds in a CSV cell becomes a number where it is written as one ([`Value::infer`]). A list holds scalars only: what a clip
//! has several of, such as `labels` and `captions`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The metadata of an item, by name.
pub type Fields = BTreeMap<String, Value>;

/// A scalar, or a list of them.
///
/// The order of the variants is part of the store's format: a new one comes last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Made by [`Value::list`], so that no list stands in a list.
    #[serde(deserialize_with = "scalars")]
    List(Vec<Value>),
}

/// What may stand in a list; the same bytes as a [`Value`], without the depth that damaged bytes could ask for.
#[derive(Deserialize)]
enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

fn scalars<'de, D: Deserializer<'de>>(bytes: D) -> Result<Vec<Value>, D::Error> {
    let value = |scalar| match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(bool) => Value::Bool(bool),
        Scalar::Int(int) => Value::Int(int),
        Scalar::Float(float) => Value::Float(float),
        Scalar::Text(text) => Value::Text(text),
    };
    Ok(Vec::<Scalar>::deserialize(bytes)?.into_iter().map(value).collect())
}

impl Value {
    /// About the bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        size_of::<Value>()
            + match self {
                Value::Text(text) => text.len(),
                Value::List(members) => members.iter().map(Value::bytes).sum(),
                _ => 0,
            }
    }

    /// A list; the members of a list in it become its own.
    pub fn list<T: Into<Value>>(members: impl IntoIterator<Item = T>) -> Value {
        let flat = |member: T| match member.into() {
            Value::List(inner) => inner,
            scalar => vec![scalar],
        };
        Value::List(members.into_iter().flat_map(flat).collect())
    }

    /// The members of a list, nothing of null, and any other value itself.
    pub fn members(&self) -> &[Value] {
        match self {
            Value::Null => &[],
            Value::List(members) => members,
            scalar => std::slice::from_ref(scalar),
        }
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        matches!(self, Value::List(_))
    }

    /// Reads a cell of text: empty is null, then integer, float, `true`/`false`, else text. `01` and `+1` stay text, and so
    /// do digits beyond 64 bits, of which a float would keep the first sixteen.
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
                && !digits.bytes().all(|b| b.is_ascii_digit())
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

    /// The whole number, if it is one however it is written: `20`, `2e1`.
    pub fn whole(&self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(*int),
            Value::Float(float) if float.fract() == 0.0 && float.abs() < EXACT => Some(*float as i64),
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
            Value::List(_) => "a list",
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
            Value::List(members) => members.iter().map(Value::to_json).collect(),
        }
    }

    /// SQL-like comparison: `None` when either is null or a list, or the kinds do not compare.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
            (Value::Int(a), Value::Float(b)) => int_with_float(*a, *b),
            (Value::Float(a), Value::Int(b)) => int_with_float(*b, *a).map(Ordering::reverse),
            _ => None,
        }
    }

    /// A total order for sorting: null, booleans, numbers (NaN last), text, lists by their members.
    pub fn sort_order(&self, other: &Value) -> Ordering {
        let rank = |v: &Value| match v {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) | Value::Float(_) => 2,
            Value::Text(_) => 3,
            Value::List(_) => 4,
        };
        let is_nan = |v: &Value| matches!(v, Value::Float(float) if float.is_nan());
        rank(self).cmp(&rank(other)).then_with(|| match (self, other) {
            (Value::List(a), Value::List(b)) => {
                let differing = a.iter().zip(b).map(|(a, b)| a.sort_order(b)).find(|order| order.is_ne());
                differing.unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (a, b) => a.compare(b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b))),
        })
    }
}

/// Below it every whole number is a float of its own.
const EXACT: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;

/// By their exact values: as floats, integers beyond 2^53 would equal their neighbours, and a sort would lose its order.
fn int_with_float(int: i64, float: f64) -> Option<Ordering> {
    const BEYOND: f64 = (1u64 << 63) as f64;
    if float >= BEYOND {
        return Some(Ordering::Less);
    }
    if float < -BEYOND {
        return Some(Ordering::Greater);
    }
    // NaN has no fraction that compares.
    let fraction = 0f64.partial_cmp(&float.fract())?;
    Some(int.cmp(&(float.trunc() as i64)).then(fraction))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => Ok(()),
            Value::Bool(bool) => write!(f, "{bool}"),
            Value::Int(int) => write!(f, "{int}"),
            Value::Float(float) => write!(f, "{float}"),
            Value::Text(text) => f.write_str(text),
            Value::List(members) => {
                for (i, member) in members.iter().enumerate() {
                    write!(f, "{}{member}", if i > 0 { "; " } else { "" })?;
                }
                Ok(())
            }
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
        assert_eq!(Value::infer("-9223372036854775808"), Value::Int(i64::MIN));
        for id in ["9223372036854775808", "12345678901234567890", "-12345678901234567891"] {
            assert_eq!(Value::infer(id), Value::Text(id.into()));
        }
    }

    #[test]
    fn numbers_are_ordered_by_their_exact_values() {
        let big = 1i64 << 60;
        let (int, float) = (Value::Int, Value::Float);
        assert_eq!(int(big + 1).compare(&float(big as f64)), Some(Ordering::Greater));
        assert_eq!(float(big as f64).compare(&int(big + 1)), Some(Ordering::Less));
        assert_eq!(int(-2).compare(&float(-2.5)), Some(Ordering::Greater));
        assert_eq!(int(i64::MAX).compare(&float(i64::MAX as f64)), Some(Ordering::Less));
        assert_eq!(int(i64::MIN).compare(&float(i64::MIN as f64)), Some(Ordering::Equal));
        let mut all = vec![float(f64::NAN), float(-0.0), int(0), float(0.0), float(f64::INFINITY), float(-f64::NAN), Value::Null];
        for at in -70..70 {
            all.extend([int(big + at), float((big + 64 * at) as f64), float(at as f64 / 2.0), int(at)]);
        }
        for a in &all {
            for b in &all {
                assert_eq!(a.sort_order(b), b.sort_order(a).reverse(), "{a:?} {b:?}");
                for c in &all {
                    let [first, second] = [a.sort_order(b), b.sort_order(c)];
                    assert!(first != second || a.sort_order(c) == first, "{a:?} {b:?} {c:?}");
                }
            }
        }
    }

    #[test]
    fn lists_are_flat_and_ordered_last() {
        let list = Value::list([Value::list(["violin", "flute"]), Value::Null]);
        assert_eq!(list, Value::List(vec!["violin".into(), "flute".into(), Value::Null]));
        assert_eq!((list.to_string().as_str(), list.members().len(), Value::Null.members().len()), ("violin; flute; ", 3, 0));
        assert_eq!(list.to_json().to_string(), r#"["violin","flute",null]"#);
        assert_eq!(list.compare(&list), None);
        assert_eq!(Value::list(["a"]).sort_order(&Value::list(["a", "b"])), Ordering::Less);
        assert_eq!(Value::list(["b"]).sort_order(&Value::list(["a", "b"])), Ordering::Greater);
        assert_eq!(Value::from("z").sort_order(&Value::list::<Value>([])), Ordering::Less);
    }

    #[test]
    fn bytes_of_a_list_in_a_list_are_refused() {
        let config = bincode::config::standard();
        let write = |value: &Value| bincode::serde::encode_to_vec(value, config).unwrap();
        let read = |bytes: &[u8]| bincode::serde::decode_from_slice::<Value, _>(bytes, config).map(|(value, _)| value);
        let list = Value::list([Value::from("violin"), 3i64.into(), 0.5.into(), true.into(), Value::Null]);
        assert_eq!(read(&write(&list)).unwrap(), list);
        assert!(read(&write(&Value::List(vec![Value::List(vec![])]))).is_err());
        // Depth that would overflow the stack.
        assert!(read(&[5u8, 1].repeat(1_000_000)).is_err());
    }

    #[test]
    fn null_and_mixed_kinds_do_not_compare() {
        assert_eq!(Value::Null.compare(&Value::Null), None);
        assert_eq!(Value::Int(1).compare(&Value::Text("1".into())), None);
        assert_eq!(Value::Int(1).compare(&Value::Float(1.5)), Some(Ordering::Less));
    }
}
