//! A one-dimensional numpy array of texts, numbers or booleans, read value by value.

use std::io::Read;

use super::Error;
use super::columns::{list_or_text, unsigned};
use super::grid::{Float, at_end, cut_short};
use super::npy::Header;
use crate::value::Value;

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Element {
    Bool,
    Int,
    Unsigned,
    Float(Float),
    /// UTF-32, ended by zeros.
    Text,
    /// Bytes, ended by zeros.
    Bytes,
}

/// Longest element, in bytes; a text of a million characters.
pub(super) const WIDEST: usize = 4 << 20;

/// See the module.
pub(super) struct Strip {
    element: Element,
    width: usize,
    big_endian: bool,
    left: u64,
    from: Box<dyn Read>,
}

impl Strip {
    /// The array behind a one-dimensional `header`, whose elements `open` gives; none when they are of another kind.
    pub fn of(header: &Header, open: impl FnOnce() -> Result<Box<dyn Read>, Error>) -> Result<Option<Strip>, Error> {
        let kind = header.descr.trim_start_matches(['<', '>', '=', '|']);
        let mut rest = kind.chars();
        let (letter, number) = (rest.next(), rest.as_str().parse::<usize>());
        let Ok(number) = number else { return Ok(None) };
        let (element, width) = match (letter, number) {
            (Some('b'), 1) => (Element::Bool, 1),
            (Some('i'), 1 | 2 | 4 | 8) => (Element::Int, number),
            (Some('u'), 1 | 2 | 4 | 8) => (Element::Unsigned, number),
            (Some('f'), 2) => (Element::Float(Float::F16), 2),
            (Some('f'), 4) => (Element::Float(Float::F32), 4),
            (Some('f'), 8) => (Element::Float(Float::F64), 8),
            (Some('U'), _) => (Element::Text, number.saturating_mul(4)),
            (Some('S'), _) => (Element::Bytes, number),
            _ => return Ok(None),
        };
        if width > WIDEST {
            return Err(Error::wrong(format!("an element of `{}` is longer than {} MiB", header.descr, WIDEST >> 20)));
        }
        let left = header.shape.first().copied().unwrap_or(0);
        Ok(Some(Strip { element, width, big_endian: header.descr.starts_with('>'), left, from: open()? }))
    }

    /// The next value; null for NaN, and behind the end.
    pub fn next(&mut self) -> Result<Value, Error> {
        if self.left == 0 {
            return Ok(Value::Null);
        }
        let mut bytes = vec![0; self.width];
        self.from.read_exact(&mut bytes).map_err(cut_short)?;
        self.left -= 1;
        if self.left == 0 {
            at_end(&mut self.from)?;
        }
        if self.big_endian {
            let unit = if self.element == Element::Text { 4 } else { self.width.max(1) };
            bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
        }
        Ok(self.value(&bytes))
    }

    fn value(&self, bytes: &[u8]) -> Value {
        let low = |fill: u8| {
            let mut eight = [fill; 8];
            eight.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            eight
        };
        match self.element {
            Element::Bool => Value::Bool(bytes.first() == Some(&1)),
            Element::Int => {
                let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
                Value::Int(i64::from_le_bytes(low(if negative { 0xff } else { 0 })))
            }
            Element::Unsigned => unsigned(u64::from_le_bytes(low(0))),
            Element::Float(Float::F64) => {
                Some(f64::from_le_bytes(low(0))).filter(|x| !x.is_nan()).map_or(Value::Null, Value::Float)
            }
            Element::Float(float) => {
                Some(float.decode(bytes)).filter(|x| !x.is_nan()).map_or(Value::Null, |x| Value::Float(x.into()))
            }
            Element::Text => {
                let unit = |four: &[u8]| four.try_into().ok().map(u32::from_le_bytes).unwrap_or(0);
                let units: Vec<u32> = bytes.chunks_exact(4).map(unit).collect();
                let end = units.iter().rposition(|unit| *unit != 0).map_or(0, |last| last + 1);
                let text = units.iter().take(end).map(|unit| char::from_u32(*unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                list_or_text(text.collect())
            }
            Element::Bytes => {
                let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                list_or_text(String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(descr: &str, shape: u64, bytes: &'static [u8]) -> Vec<Value> {
        let header = Header { descr: descr.into(), fortran: false, shape: vec![shape], length: 0 };
        let mut strip = Strip::of(&header, || Ok(Box::new(bytes))).unwrap().unwrap();
        (0..shape).map(|_| strip.next().unwrap()).collect()
    }

    #[test]
    fn every_kind_is_read_as_numpy_wrote_it() {
        assert_eq!(values("<i2", 2, &[0xff, 0xff, 2, 1]), [Value::Int(-1), Value::Int(258)]);
        assert_eq!(values(">i2", 2, &[0xff, 0xff, 1, 2]), [Value::Int(-1), Value::Int(258)]);
        assert_eq!(values("|u1", 1, &[200]), [Value::Int(200)]);
        assert_eq!(values("<u8", 1, &[0xff; 8]), [Value::from("18446744073709551615")]);
        assert_eq!(values("|b1", 2, &[1, 0]), [Value::Bool(true), Value::Bool(false)]);
        assert_eq!(values("<f4", 2, &[0, 0, 0xc0, 0x3f, 0, 0, 0xc0, 0x7f]), [Value::Float(1.5), Value::Null]);
        assert_eq!(values("<U2", 2, b"a\0\0\0\xe9\0\0\0b\0\0\0\0\0\0\0"), [Value::from("aé"), Value::from("b")]);
        assert_eq!(values(">U1", 1, b"\0\0\0a"), [Value::from("a")]);
        assert_eq!(values("|S3", 1, b"ab\0"), [Value::from("ab")]);
    }

    #[test]
    fn other_kinds_are_left_and_short_data_noticed() {
        let header = |descr: &str| Header { descr: descr.into(), fortran: false, shape: vec![2], length: 0 };
        for descr in ["|O", "<c8", "<M8[ns]", "<f16", ""] {
            assert!(Strip::of(&header(descr), || Ok(Box::new(std::io::empty()))).unwrap().is_none(), "{descr}");
        }
        assert!(Strip::of(&header("<U99999999"), || Ok(Box::new(std::io::empty()))).is_err());
        let mut short = Strip::of(&header("<i4"), || Ok(Box::new(&[1u8, 0, 0, 0, 2][..]))).unwrap().unwrap();
        assert_eq!(short.next().unwrap(), Value::Int(1));
        assert!(short.next().is_err());
    }
}
