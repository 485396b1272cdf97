//! JSON lines: an object a row.
//!
//! ```text
//!   {"id":"violin/A4.wav","label":"violin","pitch":69,"vector":[0.25,-0.5,1.0]}
//! ```
//! Members that are text, numbers, booleans or null are fields (null is none), lists of such too; objects become their JSON text.
//! Numbers of a vector are written with as few digits as tell the `f32` apart, and read from their text, so they come back to
//! the bit. [`Names`] reads such a file without vectors, the companion of formats that hold numbers only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use serde_json::value::RawValue;

use super::columns::{Sheet, list_or_text, scalar};
use super::{
    Ask, Error, ID, ID_NAMES, Reader, Row, Sink, VECTOR, VECTOR_NAMES, Writer, check_count, field_name, id_of, written_name,
};
use crate::value::{Fields, Value};

/// A line above this is no row; 64 MiB are a vector of some million numbers.
const LONGEST_LINE: u64 = 64 << 20;

/// The objects of a file, a line each.
struct Lines {
    from: BufReader<File>,
    line: u64,
}

type Object = Vec<(String, Box<RawValue>)>;

impl Lines {
    fn open(path: &Path) -> Result<Lines, Error> {
        Ok(Lines { from: BufReader::with_capacity(1 << 20, File::open(path)?), line: 0 })
    }

    /// The next object, or what is wrong with its line; none at the end. Empty lines are passed over.
    fn next(&mut self) -> Result<Option<Result<Object, String>>, Error> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = (&mut self.from).take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if read as u64 == LONGEST_LINE && !bytes.ends_with(b"\n") {
                return Err(Error::wrong(format!("line {} is longer than {} MiB", self.line, LONGEST_LINE >> 20)));
            }
            let mut text = bytes.trim_ascii();
            if self.line == 1 {
                text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            }
            if !text.is_empty() {
                return Ok(Some(object(text).map_err(|reason| format!("(line {}) {reason}", self.line))));
            }
        }
    }
}

/// The members of one object.
fn object(text: &[u8]) -> Result<Object, String> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(text).map_err(|e| {
        // Its line is always 1, ours is said already.
        let reason = e.to_string();
        format!("is no JSON object: {}", reason.split(" at line ").next().unwrap_or_default())
    })?;
    Ok(members.into_iter().collect())
}

/// A member as a field.
fn value(raw: &RawValue) -> Value {
    let as_text = || serde_json::from_str(raw.get()).map_or(Value::Null, |json: serde_json::Value| Value::Text(json.to_string()));
    scalar(raw.get()).unwrap_or_else(|| match list_or_text(raw.get().to_owned()) {
        list @ Value::List(_) => list,
        _ => as_text(),
    })
}

/// The numbers of a member.
fn numbers(raw: &RawValue) -> Result<Vec<f32>, String> {
    let inside = raw.get().trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inside = inside.ok_or("has a vector that is no list of numbers")?.trim();
    if inside.is_empty() {
        return Err("has an empty vector".into());
    }
    let number = |part: &str| {
        let part = part.trim();
        // `parse` takes words such as `inf`; JSON has checked the rest.
        let digits = part.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        part.parse::<f32>()
            .ok()
            .filter(|_| digits)
            .ok_or_else(|| format!("has `{}` in its vector, expected a number", clipped(part)))
    };
    inside.split(',').map(number).collect()
}

fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}

struct Objects {
    lines: Lines,
    vector: String,
    /// The member that names the row, if rows have names.
    id: Option<String>,
}

/// Lines, and bytes of them, that are looked at for an id: the first may lack what the others have.
const LOOK: usize = 1_000;
const LOOK_BYTES: usize = 8 << 20;

fn is_list(raw: &RawValue) -> bool {
    raw.get().starts_with('[')
}

/// The names of the members that hold the vector and the id, by the first object; the id's by the next ones too.
fn parts(path: &Path, ask: &Ask) -> Result<(String, Option<String>), Error> {
    let mut lines = Lines::open(path)?;
    let first = loop {
        match lines.next()? {
            None if lines.line == 0 => return Err(Error::wrong("it is empty: it holds no vectors")),
            None => return Err(Error::wrong("it holds no JSON object: expected one a line, with `id` and `vector`")),
            Some(Ok(object)) => break object,
            Some(Err(_)) => {}
        }
    };
    let names = |wanted: bool| {
        let is = move |m: &&(String, Box<RawValue>)| wanted == (is_list(&m.1) || VECTOR_NAMES.contains(&m.0.as_str()));
        first.iter().filter(is).map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let vector = ask.vectors_of("member", &names(true))?.to_owned();
    let mut able: BTreeSet<String> = names(false).into_iter().map(str::to_owned).collect();
    let wanted = ask.ids.as_deref().unwrap_or(ID);
    let (mut looked, mut bytes) = (0, 0);
    while !able.contains(wanted) && looked < LOOK && bytes < LOOK_BYTES {
        let Some(next) = lines.next()? else { break };
        looked += 1;
        for (name, raw) in next.unwrap_or_default() {
            bytes += raw.get().len();
            if !is_list(&raw) && name != vector {
                able.insert(name);
            }
        }
    }
    let id = ask.ids_of("member", &able.iter().map(String::as_str).collect::<Vec<_>>())?.map(str::to_owned);
    Ok((vector, id))
}

pub(super) fn open(path: &Path, ask: &Ask) -> Result<Box<dyn Reader>, Error> {
    let (vector, id) = parts(path, ask)?;
    Ok(Box::new(Objects { lines: Lines::open(path)?, vector, id }))
}

impl Objects {
    fn row(&self, object: Object) -> Row {
        let missing = || Err(format!("has no `{}`", self.vector));
        let mut row = Row { id: None, fields: BTreeMap::new(), vector: missing() };
        for (name, raw) in object {
            if name == self.vector {
                row.vector = if raw.get() == "null" { missing() } else { numbers(&raw) };
            } else if Some(&name) == self.id.as_ref() {
                row.id = id_of(&value(&raw));
            } else if let found @ (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_)) =
                value(&raw)
            {
                row.fields.insert(field_name(&name), found);
            }
        }
        if self.id.is_some() && row.id.is_none() {
            row.vector = row.vector.and(Err(format!("has no `{}`", self.id.as_deref().unwrap_or_default())));
        }
        row
    }
}

impl Reader for Objects {
    fn read(&mut self, most: usize) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        while rows.len() < most {
            match self.lines.next()? {
                None => break,
                Some(Ok(object)) => rows.push(self.row(object)),
                Some(Err(reason)) => rows.push(Row { id: None, fields: BTreeMap::new(), vector: Err(reason) }),
            }
        }
        Ok(rows)
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn left_out(&self) -> &[String] {
        &[]
    }
}

/// The ids and fields of a JSONL file, row by row.
pub struct Names(Lines);

impl Names {
    /// Opens the file.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn open(path: &Path) -> Result<Names, Error> {
        Ok(Names(Lines::open(path)?))
    }

    /// The line of the row that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.0.line
    }

    /// The next row's id and fields, null where it says so; none at the end.
    ///
    /// # Errors
    /// When the file can't be read, or a line is no JSON object with an id.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<(String, Fields)>, Error> {
        let Some(object) = self.0.next()? else { return Ok(None) };
        let line = self.0.line;
        let mut members: Fields = match object {
            Ok(object) => object.into_iter().map(|(name, raw)| (name, value(&raw))).collect(),
            Err(reason) => return Err(Error::wrong(format!("a row {reason}"))),
        };
        let id = ID_NAMES.iter().find_map(|name| members.remove(*name)).as_ref().and_then(id_of);
        let id = id.ok_or_else(|| Error::wrong(format!("line {line} has no `id`")))?;
        Ok(Some((id, members.into_iter().map(|(name, value)| (field_name(&name), value)).collect())))
    }
}

struct Objectified {
    sink: Box<dyn Sink>,
    with_vectors: bool,
    written: u64,
    expected: u64,
}

pub(super) fn create(sink: Box<dyn Sink>, sheet: &Sheet) -> Result<Box<dyn Writer>, Error> {
    // A file beside one of vectors has rows without any: its sheet has no dimension.
    Ok(Box::new(Objectified { sink, with_vectors: sheet.dim > 0, written: 0, expected: sheet.rows }))
}

impl Writer for Objectified {
    fn write(&mut self, id: &str, fields: &BTreeMap<String, Value>, vector: &[f32]) -> Result<(), Error> {
        let mut object = serde_json::Map::new();
        object.insert(ID.to_owned(), id.into());
        for (name, value) in fields {
            let json = value.to_json();
            if !json.is_null() {
                object.insert(written_name(name), json);
            }
        }
        let mut line = serde_json::Value::Object(object).to_string();
        if self.with_vectors {
            let numbers = serde_json::to_string(vector).map_err(|e| Error::wrong(e.to_string()))?;
            line.truncate(line.len().saturating_sub(1));
            line.push_str(&format!(",\"{VECTOR}\":{numbers}}}"));
        }
        line.push('\n');
        self.written += 1;
        Ok(self.sink.write_all(line.as_bytes())?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        check_count(self.written, self.expected)?;
        Ok(self.sink.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids of a file's rows, and what is wrong with them.
    fn rows(text: &str) -> Vec<(Option<String>, Option<String>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut reader = open(file.path(), &Ask::default()).unwrap();
        reader.read(100).unwrap().into_iter().map(|row| (row.id, row.vector.err())).collect()
    }

    #[test]
    fn a_first_row_without_an_id_takes_none_from_the_others() {
        let found = rows("{\"vector\":[1],\"label\":\"x\"}\n{\"id\":\"b\",\"vector\":[2]}\n");
        assert_eq!(found[0], (None, Some("has no `id`".to_owned())));
        assert_eq!(found[1], (Some("b".to_owned()), None));
        assert!(rows("{\"vector\":[1]}\n{\"vector\":[2]}\n").iter().all(|(id, fault)| id.is_none() && fault.is_none()));
    }

    #[test]
    fn long_numbers_are_ids_to_the_last_digit() {
        let found = rows("{\"id\":9223372036854775808,\"vector\":[1]}\n{\"id\":98765432109876543210,\"vector\":[2]}\n");
        let ids: Vec<_> = found.into_iter().filter_map(|(id, _)| id).collect();
        assert_eq!(ids, ["9223372036854775808", "98765432109876543210"]);
    }
}
