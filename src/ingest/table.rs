//! A table of labels and metadata: CSV, TSV or JSON lines, a row a clip.
//!
//! ```text
//!   path,label,dynamic           label and metadata
//!   song,tuba,violin / x,0,1     one-hot           → label "violin"
//!   song,tuba,violin / x,1,1     more than one 1   → labels "tuba", "violin"; an empty cell is unknown, and there is `absent`
//!   {"path": "a.wav", "labels": ["tuba"], "captions": ["A low note."]}
//!   label,family                 of texts: `label` is the text itself, or `id` where there is none
//! ```
//!
//! The first column, or one that is called as in [`KEYS`], names the clip. `labels` and `absent` are
//! lists in brackets or parted by `;` or `|`; `captions` is a list in brackets or one text, and `caption` is such a text. Where a
//! table has one of these columns, a row without a value there says that its clip has none: the field is null.
//!
//! Rows are made one at a time: a million of them as fields take a gigabyte, their text some forty megabytes.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::path::Path;

use super::{Error, cells};
use crate::value::{Fields, Value};

/// Column names that name the clip.
const KEYS: [&str; 9] = ["id", "path", "file", "filename", "file_name", "audio_path", "audio", "song", "clip"];

/// Columns with a meaning of their own.
const SPECIAL: [&str; 5] = ["label", "labels", "absent", "caption", "captions"];

/// A line and its cells, each with its column; a line of JSON has its own members alone.
type Record = (u64, Vec<(usize, Value)>);

/// The rows of a table in the file's order, each with its line, the clip that it names, and its fields.
pub(super) struct Table<T> {
    header: Vec<String>,
    /// The column that names the clip.
    key: usize,
    meaning: Meaning,
    /// The fields of those of [`SPECIAL`] that it has.
    special: Vec<&'static str>,
    records: Records<T>,
}

enum Meaning {
    /// A column a field.
    Named,
    /// A column a class: `single` when each row has one 1 and else 0, `complete` when no cell is empty.
    Hot { single: bool, complete: bool },
}

enum Records<T> {
    Delimited(csv::StringRecordsIntoIter<Cursor<T>>),
    Objects(std::vec::IntoIter<Record>),
}

/// The text of a file, without a byte order mark.
///
/// # Errors
/// When it can't be read, or is no UTF-8.
pub(super) fn text(path: &Path) -> Result<String, Error> {
    let fault = |reason: String| Error::Read { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
    let mut text = String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8 text".into()))?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

impl<T: AsRef<str> + AsRef<[u8]>> Table<T> {
    /// A text with a line of column names, or with a JSON object a line.
    ///
    /// # Errors
    /// When a line can't be read, or there is but one column.
    pub fn open(text: T) -> Result<Self, String> {
        let plain: &str = text.as_ref();
        let (mut header, objects) = if plain.trim_start().starts_with('{') {
            let (header, objects) = json_lines(plain)?;
            (header, Some(objects))
        } else {
            (delimited(plain).headers().map_err(|e| e.to_string())?.iter().map(|h| h.trim().to_owned()).collect(), None)
        };
        if header.len() < 2 {
            return Err("expected at least two columns, one that names the clip and one with its label".into());
        }
        let key = header.iter().position(|h| KEYS.contains(&h.to_lowercase().as_str())).unwrap_or(0);
        unite_cases(&mut header)?;
        let labelled = header.iter().any(|h| SPECIAL.contains(&h.as_str()));
        let hot = match &objects {
            _ if labelled => None,
            Some(objects) => hot(objects.iter().map(Ok), key, header.len() - 1)?,
            None => hot(delimited(plain).into_records().map(record), key, header.len() - 1)?,
        };
        if let (false, None, [_, _]) = (labelled, &hot, header.as_slice()) {
            // Two columns: whatever the second is called, it is the label.
            header[1 - key] = "label".into();
        }
        let records = match objects {
            Some(objects) => Records::Objects(objects.into_iter()),
            None => Records::Delimited(delimited(text).into_records()),
        };
        let special = special(&header, key);
        Ok(Table { header, key, meaning: hot.unwrap_or(Meaning::Named), special, records })
    }

    /// A table of texts, by which it names its rows; `tabs` says that its cells are parted by these alone.
    ///
    /// # Errors
    /// When a line can't be read, or no column holds the texts.
    pub fn of_texts(text: T, tabs: bool) -> Result<Self, String> {
        let mut read = if tabs { parted(text, b'\t') } else { delimited(text) };
        let mut header: Vec<String> = read.headers().map_err(|e| e.to_string())?.iter().map(|h| h.trim().to_owned()).collect();
        unite_cases(&mut header)?;
        let found = |name: &str| header.iter().position(|other| other.eq_ignore_ascii_case(name));
        let Some(key) = found("label").or_else(|| found("id")) else {
            let first = header.first().map_or("", String::as_str);
            return Err(format!(
                "it begins with `{first}`: expected a line of column names, one of them `label`; a text a line is a `.txt` file"
            ));
        };
        let (special, records) = (special(&header, key), Records::Delimited(read.into_records()));
        Ok(Table { header, key, meaning: Meaning::Named, special, records })
    }

    /// Whether rows of one clip may be several, each with a caption.
    pub fn has_captions(&self) -> bool {
        self.header.iter().any(|name| name == "caption" || name == "captions")
    }
}

impl<T> Table<T> {
    /// What a row says, or what is wrong with it, as the end of a sentence.
    fn fields(&self, cells: Vec<(usize, Value)>) -> Result<Fields, &'static str> {
        match self.meaning {
            Meaning::Named => self.named(cells),
            Meaning::Hot { single, complete } => Ok(self.classes(&cells, single, complete)),
        }
    }

    /// One 1 in each row is a label; else what is 1 is there, what is 0 is not, and an empty cell is unknown.
    fn classes(&self, cells: &[(usize, Value)], single: bool, complete: bool) -> Fields {
        let of = |digit| with(cells, self.key, digit).map(|c| self.header[c].as_str());
        let mut fields = match (single, of('1').next()) {
            (true, Some(label)) => Fields::from([("label".to_owned(), Value::from(label))]),
            _ => Fields::from([("labels".to_owned(), Value::list(of('1')))]),
        };
        if !complete {
            fields.insert("absent".into(), Value::list(of('0')));
        }
        fields
    }

    fn named(&self, cells: Vec<(usize, Value)>) -> Result<Fields, &'static str> {
        let mut fields = Fields::new();
        for (column, cell) in cells.into_iter().filter(|(column, _)| *column != self.key) {
            let name = self.header[column].as_str();
            let (name, value) = match (name, cell) {
                ("caption", cell) => ("captions", listed(cell, cells::sentences)),
                ("captions", cell) => (name, listed(cell, cells::sentences)),
                ("labels" | "absent", cell) => (name, listed(cell, cells::several)),
                ("label", cell) if cell.members().len() > 1 => return Err("has several words as `label`: write `labels`"),
                ("label", cell) if cell.to_string().is_empty() => (name, Value::Null),
                ("label", cell) => (name, Value::Text(cell.to_string())),
                (_, Value::Text(text)) => (name, cells::bracketed(&text).unwrap_or_else(|| Value::infer(&text))),
                (_, cell) => (name, cell),
            };
            if !value.is_null() {
                fields.insert(name.to_owned(), value);
            }
        }
        for name in &self.special {
            fields.entry((*name).to_owned()).or_insert(Value::Null);
        }
        Ok(fields)
    }
}

impl<T: AsRef<[u8]>> Iterator for Table<T> {
    type Item = Result<(u64, String, Fields), String>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = match &mut self.records {
            Records::Delimited(records) => record(records.next()?),
            Records::Objects(records) => Ok(records.next()?),
        };
        Some(read.and_then(|(line, cells)| {
            let id = cells.iter().find(|(column, _)| *column == self.key);
            let id = id.map(|(_, cell)| cell.to_string().trim().to_owned()).unwrap_or_default();
            if id.is_empty() {
                return Err(format!("line {line} has no `{}`", self.header[self.key]));
            }
            let fields = self.fields(cells).map_err(|what| format!("line {line} {what}"))?;
            Ok((line, id, fields))
        }))
    }
}

/// Writes the names of columns with a meaning of their own as they are written here.
///
/// # Errors
/// When two columns have one name.
fn unite_cases(header: &mut [String]) -> Result<(), String> {
    for name in header.iter_mut() {
        if SPECIAL.iter().any(|special| name.eq_ignore_ascii_case(special)) {
            *name = name.to_lowercase();
        }
    }
    match twice(header) {
        Some(name) => Err(format!("it has two columns `{name}`: expected each name once")),
        None => Ok(()),
    }
}

/// The fields of those of [`SPECIAL`] that the columns have, but for that of the `key`.
fn special(header: &[String], key: usize) -> Vec<&'static str> {
    let has = |name: &str| header.iter().enumerate().any(|(column, other)| column != key && other == name);
    SPECIAL.into_iter().filter(|name| has(name)).map(|name| if name == "caption" { "captions" } else { name }).collect()
}

/// A name of two columns. Empty ones belong to commas behind the last cell.
fn twice(header: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    header.iter().filter(|name| !name.is_empty()).find(|name| !seen.insert(name.as_str()))
}

fn delimited<T: AsRef<str> + AsRef<[u8]>>(text: T) -> csv::Reader<Cursor<T>> {
    let plain: &str = text.as_ref();
    let delimiter = if plain.lines().next().unwrap_or("").contains('\t') { b'\t' } else { b',' };
    parted(text, delimiter)
}

fn parted<T: AsRef<[u8]>>(text: T, delimiter: u8) -> csv::Reader<Cursor<T>> {
    csv::ReaderBuilder::new().delimiter(delimiter).from_reader(Cursor::new(text))
}

fn record(record: csv::Result<csv::StringRecord>) -> Result<Record, String> {
    let record = record.map_err(|e| e.to_string())?;
    let line = record.position().map_or(0, csv::Position::line);
    Ok((line, record.iter().map(|cell| Value::from(cell.trim())).enumerate().collect()))
}

fn json_lines(text: &str) -> Result<(Vec<String>, Vec<Record>), String> {
    let mut columns: HashMap<String, usize> = HashMap::new();
    let mut records = Vec::new();
    for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line = line as u64 + 1;
        let fault = |what: &str| format!("line {line} {what}: expected a JSON object");
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|e| fault(&format!("is not readable ({e})")))?;
        let mut cells = Vec::with_capacity(object.len());
        for (key, value) in object {
            let expected = "expected a number, a text or a list of them";
            let value = super::json_value(value).ok_or_else(|| format!("line {line}, `{key}`: {expected}"))?;
            let new = columns.len();
            cells.push((*columns.entry(key).or_insert(new), value));
        }
        cells.sort_by_key(|(column, _)| *column);
        records.push((line, cells));
    }
    let mut header: Vec<(String, usize)> = columns.into_iter().collect();
    header.sort_by_key(|(_, column)| *column);
    Ok((header.into_iter().map(|(name, _)| name).collect(), records))
}

/// A column a class, when all cells but those of the `key` are 0, 1 or empty and some are not.
fn hot<R: Borrow<Record>>(
    records: impl Iterator<Item = Result<R, String>>,
    key: usize,
    classes: usize,
) -> Result<Option<Meaning>, String> {
    let (mut any, mut single, mut complete) = (false, true, true);
    for record in records {
        let record = record?;
        let (_, cells) = record.borrow();
        for (_, cell) in cells.iter().filter(|(column, _)| *column != key) {
            let cell = cell.to_string();
            if !matches!(cell.as_str(), "0" | "1" | "0.0" | "1.0" | "") {
                return Ok(None);
            }
            any |= !cell.is_empty();
        }
        let (ones, zeros) = (with(cells, key, '1').count(), with(cells, key, '0').count());
        single &= ones == 1 && zeros + 1 == classes;
        complete &= ones + zeros == classes;
    }
    Ok(any.then_some(Meaning::Hot { single, complete }))
}

/// The columns but that of the `key` whose cells begin with `digit`.
fn with(cells: &[(usize, Value)], key: usize, digit: char) -> impl Iterator<Item = usize> + '_ {
    let found = cells.iter().filter(move |(column, cell)| *column != key && cell.to_string().starts_with(digit));
    found.map(|(column, _)| *column)
}

/// A cell as a list; null where there is none.
fn listed(cell: Value, read: fn(&str) -> Value) -> Value {
    match cell {
        Value::Text(text) if text.is_empty() => Value::Null,
        Value::Text(text) => read(&text),
        Value::Null => Value::Null,
        other => Value::list([other]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(row: Option<Result<(u64, String, Fields), String>>) -> Option<(u64, String, String)> {
        row?.ok().map(|(line, id, fields)| (line, id, fields["label"].to_string()))
    }

    #[test]
    fn rows_come_one_by_one_up_to_the_first_that_cannot_be_read() {
        let mut table = Table::open("path\tlabel\na.wav\tviolin\n\"b\tc.wav\"\ttuba\nd.wav\n".to_owned()).unwrap();
        assert!(!table.has_captions());
        assert_eq!(label(table.next()), Some((2, "a.wav".into(), "violin".into())));
        assert_eq!(label(table.next()), Some((3, "b\tc.wav".into(), "tuba".into())));
        assert!(table.next().unwrap().unwrap_err().contains("line: 4"));
        let mut table = Table::open("label,Path,Caption\nviolin,,x\n").unwrap();
        assert!(table.has_captions());
        assert_eq!(table.next().unwrap().unwrap_err(), "line 2 has no `Path`");
    }

    #[test]
    fn what_would_lose_a_value_is_refused() {
        let refused = |text: &'static str| Table::open(text).and_then(|table| table.collect::<Result<Vec<_>, _>>()).unwrap_err();
        assert_eq!(refused("path,label,label\na,x,y\n"), "it has two columns `label`: expected each name once");
        assert_eq!(refused("path,Label,label\na,x,y\n"), "it has two columns `label`: expected each name once");
        assert_eq!(refused("song,tuba,tuba\na,1,0\n"), "it has two columns `tuba`: expected each name once");
        let several = "{\"path\": \"a\", \"label\": \"x\"}\n{\"path\": \"b\", \"label\": [\"q\", \"r\"]}\n";
        assert_eq!(refused(several), "line 2 has several words as `label`: write `labels`");
        assert!(Table::open("path,label,,\na,x,,\n").unwrap().all(|row| row.is_ok()));
    }

    #[test]
    fn tables_of_texts_are_named_by_them() {
        let rows =
            |text: &'static str, tabs: bool| Table::of_texts(text, tabs).and_then(|table| table.collect::<Result<Vec<_>, _>>());
        let row = |line: u64, text: &str, fields: &[(&str, Value)]| {
            let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Fields>();
            (line, text.to_owned(), fields)
        };
        assert_eq!(rows("Label\nviolin\n\"tuba, low\"\n", false), Ok(vec![row(2, "violin", &[]), row(3, "tuba, low", &[])]));
        let brass = [("id", Value::Int(7)), ("family", "brass".into())];
        assert_eq!(rows("id,label,family\n7,tuba,brass\n", false), Ok(vec![row(2, "tuba", &brass)]));
        assert_eq!(rows("family,ID\nbrass,tuba\n", false), Ok(vec![row(2, "tuba", &brass[1..])]));
        assert_eq!(rows("label\nslow, low\n", true), Ok(vec![row(2, "slow, low", &[])]));
        assert!(rows("0,violin\n1,tuba\n", false).unwrap_err().starts_with("it begins with `0`: expected a line of column"));
        assert_eq!(rows("label,label\na,b\n", false).unwrap_err(), "it has two columns `label`: expected each name once");
        assert_eq!(rows("id,label\n1,\n", false).unwrap_err(), "line 2 has no `label`");
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "\u{feff}path,label\n").unwrap();
        assert_eq!(text(file.path()).unwrap(), "path,label\n");
        std::fs::write(file.path(), b"\xff\xfe").unwrap();
        assert!(text(file.path()).unwrap_err().to_string().contains("it is not UTF-8 text"));
    }

    #[test]
    fn classes_are_told_by_the_whole_table() {
        // The last row makes it a table of fields.
        let mut table = Table::open("song,a,b\nx,1,0\ny,0,3\n").unwrap();
        assert_eq!(table.next().unwrap().unwrap().2, Fields::from([("a".into(), Value::Int(1)), ("b".into(), Value::Int(0))]));
        let mut table = Table::open("song,a,b\nx,1,0\ny,0,1\n").unwrap();
        assert_eq!(label(table.next()), Some((2, "x".into(), "a".into())));
    }

    #[test]
    fn a_row_without_a_label_says_that_there_is_none() {
        let nulls = |text: &'static str| {
            let row = |row: Result<(u64, String, Fields), String>| {
                let nulls = row.unwrap().2.into_iter().filter(|(_, value)| value.is_null());
                nulls.map(|(name, _)| name).collect::<Vec<_>>()
            };
            Table::open(text).unwrap().map(row).collect::<Vec<_>>()
        };
        assert_eq!(nulls("path,Label,caption,note\na,,,\nb,x,y,\n"), [vec!["captions", "label"], vec![]]);
        assert_eq!(nulls("{\"path\":\"a\",\"note\":1}\n{\"path\":\"b\",\"labels\":null}\n"), [["labels"], ["labels"]]);
        assert_eq!(nulls("song,what\na,\n"), [["label"]]);
        // One that names the clips is no label; classes are told by their ones.
        assert_eq!(nulls("label,note\na,1\n"), [[""; 0]]);
        assert_eq!(nulls("song,tuba,oboe\na,0,0\nb,1,0\n"), [[""; 0]; 2]);
    }

    #[test]
    fn a_line_of_json_takes_its_own_members_and_no_more() {
        let lines: String = (0..3000).map(|i| format!("{{\"path\": \"{i}\", \"k{i}\": {i}, \"label\": \"x\"}}\n")).collect();
        let (header, records) = json_lines(&lines).unwrap();
        assert_eq!((header.len(), records.iter().map(|(_, cells)| cells.len()).sum::<usize>()), (3002, 9000));
        let last = Table::open(lines.as_str()).unwrap().last().unwrap().unwrap();
        assert_eq!((last.1.as_str(), &last.2["k2999"]), ("2999", &Value::Int(2999)));
    }
}
