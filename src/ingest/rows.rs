//! A table of labels and metadata: CSV, TSV or JSON lines, a row a clip.
//!
//! ```text
//!   path,label,dynamic           label and metadata
//!   song,tuba,violin / x,0,1     one-hot           → label "violin"
//!   song,tuba,violin / x,1,1     more than one 1   → labels "tuba", "violin"; an empty cell is unknown, and there is `absent`
//!   {"path": "a.wav", "labels": ["tuba"], "captions": ["A low note."]}
//! ```
//!
//! The first column, or the one called `id`, `path`, `file`, `filename` or `song`, names the clip: by its id, its file name, or
//! that without its extension. `labels` and `absent` are lists in brackets or parted by `;` or `|`; `captions` is a list in
//! brackets or one text, and `caption` is such a text. Several rows of a clip with captions are one clip with all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::{Error, cells};
use crate::value::{Fields, Value};

/// Column names that name the clip.
const KEYS: [&str; 9] = ["id", "path", "file", "filename", "file_name", "audio_path", "audio", "song", "clip"];

/// A table of labels and metadata, in the file's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Each row's key and its fields.
    pub rows: Vec<(String, Fields)>,
    /// The line of each row, from 1.
    pub lines: Vec<u64>,
    /// Place by key; by file name and stem too, where that means one row.
    by_key: HashMap<String, usize>,
    by_name: HashMap<String, Option<usize>>,
}

/// Where the cells of a table come from.
struct Grid {
    header: Vec<String>,
    /// The line and the cells, as many as the header has.
    records: Vec<(u64, Vec<Value>)>,
}

impl Rows {
    /// Reads a CSV or TSV file with a line of column names, or a file with a JSON object a line.
    ///
    /// # Errors
    /// When it can't be read, a line has another number of cells, no column holds labels, or two lines name one clip.
    pub fn read(path: &Path) -> Result<Rows, Error> {
        let bytes = std::fs::read(path).map_err(|e| Error::Read { path: path.to_owned(), reason: e.to_string() })?;
        let text =
            String::from_utf8(bytes).map_err(|_| Error::Read { path: path.to_owned(), reason: "it is not UTF-8 text".into() })?;
        Rows::parse(&text).map_err(|reason| Error::Read { path: path.to_owned(), reason })
    }

    pub(super) fn parse(text: &str) -> Result<Rows, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut grid = if text.trim_start().starts_with('{') { json_lines(text)? } else { delimited(text)? };
        if grid.header.len() < 2 {
            return Err("expected at least two columns, one that names the clip and one with its label".into());
        }
        let key = grid.header.iter().position(|h| KEYS.contains(&h.to_lowercase().as_str())).unwrap_or(0);
        for name in &mut grid.header {
            if SPECIAL.iter().any(|special| name.eq_ignore_ascii_case(special)) {
                *name = name.to_lowercase();
            }
        }
        let labelled = grid.header.iter().any(|h| SPECIAL.contains(&h.as_str()));
        let others: Vec<usize> = (0..grid.header.len()).filter(|&c| c != key).collect();
        let table: Vec<(u64, String, Fields)> = if !labelled && is_hot(&grid, &others) {
            hot(&grid, key, &others)
        } else {
            if let (false, [only]) = (labelled, others.as_slice()) {
                // Two columns: whatever the second is called, it is the label.
                grid.header[*only] = "label".into();
            }
            named(&grid, key, &others)
        };
        let mut rows = Rows::default();
        for (line, id, fields) in table {
            if id.is_empty() {
                return Err(format!("line {line} has no `{}`", grid.header[key]));
            }
            rows.push(line, id, fields)?;
        }
        Ok(rows)
    }

    fn push(&mut self, line: u64, id: String, fields: Fields) -> Result<(), String> {
        if let Some(&at) = self.by_key.get(&id) {
            let (Some((_, kept)), Some(first)) = (self.rows.get_mut(at), self.lines.get(at)) else { return Ok(()) };
            return match (kept.get_mut("captions"), fields.get("captions")) {
                (Some(Value::List(captions)), Some(more)) => {
                    captions.extend(more.members().iter().cloned());
                    Ok(())
                }
                _ => Err(format!("line {line} names `{id}` twice: line {first} did, expected each clip once")),
            };
        }
        let at = self.rows.len();
        let name = id.rsplit('/').next().unwrap_or(&id).to_owned();
        for name in BTreeSet::from([stem(&id).to_owned(), name]) {
            // A name of two clips in two folders means neither.
            self.by_name.entry(name).and_modify(|place| *place = None).or_insert(Some(at));
        }
        self.by_key.insert(id.clone(), at);
        self.rows.push((id, fields));
        self.lines.push(line);
        Ok(())
    }

    /// The row of a clip: by its id, its file name, or that without its extension.
    pub fn find(&self, id: &str) -> Option<&BTreeMap<String, Value>> {
        let name = id.rsplit('/').next().unwrap_or(id);
        let by_name = |name: &str| self.by_name.get(name).copied().flatten();
        let at = self.by_key.get(id).copied().or_else(|| by_name(name)).or_else(|| by_name(stem(id)))?;
        self.rows.get(at).map(|(_, fields)| fields)
    }
}

/// Columns with a meaning of their own.
const SPECIAL: [&str; 5] = ["label", "labels", "absent", "caption", "captions"];

fn delimited(text: &str) -> Result<Grid, String> {
    let first = text.lines().next().unwrap_or("");
    let delimiter = if first.contains('\t') { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().map_err(|e| e.to_string())?.iter().map(|h| h.trim().to_owned()).collect();
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        records.push((line, record.iter().map(|cell| Value::from(cell.trim())).collect()));
    }
    Ok(Grid { header, records })
}

fn json_lines(text: &str) -> Result<Grid, String> {
    let mut objects = Vec::new();
    let mut header: Vec<String> = Vec::new();
    for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line = line as u64 + 1;
        let fault = |what: &str| format!("line {line} {what}: expected a JSON object");
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|e| fault(&format!("is not readable ({e})")))?;
        header.extend(object.keys().filter(|key| !header.contains(key)).cloned().collect::<Vec<_>>());
        objects.push((line, object));
    }
    let mut records = Vec::new();
    for (line, mut object) in objects {
        let cells = header.iter().map(|key| match object.remove(key) {
            None => Ok(Value::Null),
            Some(value) => super::json_value(value)
                .ok_or_else(|| format!("line {line}, `{key}`: expected a number, a text or a list of them")),
        });
        records.push((line, cells.collect::<Result<_, _>>()?));
    }
    Ok(Grid { header, records })
}

/// Whether all cells are 0, 1 or empty: a column a class.
fn is_hot(grid: &Grid, others: &[usize]) -> bool {
    let binary = |cell: &Value| matches!(cell.to_string().as_str(), "0" | "1" | "0.0" | "1.0" | "");
    let set = |cell: &Value| !cell.to_string().is_empty();
    let cells = || grid.records.iter().flat_map(|(_, cells)| others.iter().filter_map(|&c| cells.get(c)));
    cells().all(binary) && cells().any(set)
}

/// One 1 in each row is a label; else what is 1 is there, what is 0 is not, and an empty cell is unknown.
fn hot(grid: &Grid, key: usize, others: &[usize]) -> Vec<(u64, String, Fields)> {
    let of = |cells: &[Value], digit: char| -> Vec<&str> {
        let is = |c: &&usize| cells.get(**c).is_some_and(|cell| cell.to_string().starts_with(digit));
        others.iter().filter(is).map(|&c| grid.header[c].as_str()).collect()
    };
    let single = grid.records.iter().all(|(_, cells)| of(cells, '1').len() == 1 && of(cells, '0').len() + 1 == others.len());
    let complete = grid.records.iter().all(|(_, cells)| of(cells, '1').len() + of(cells, '0').len() == others.len());
    let row = |(line, cells): &(u64, Vec<Value>)| {
        let present = of(cells, '1');
        let mut fields = match (single, present.first()) {
            (true, Some(label)) => Fields::from([("label".to_owned(), Value::from(*label))]),
            _ => Fields::from([("labels".to_owned(), Value::list(present))]),
        };
        if !complete {
            fields.insert("absent".into(), Value::list(of(cells, '0')));
        }
        (*line, text_of(cells, key), fields)
    };
    grid.records.iter().map(row).collect()
}

/// A column a field.
fn named(grid: &Grid, key: usize, others: &[usize]) -> Vec<(u64, String, Fields)> {
    let row = |(line, cells): &(u64, Vec<Value>)| {
        let mut fields = Fields::new();
        for &c in others {
            let (name, cell) = (grid.header[c].as_str(), cells.get(c).cloned().unwrap_or(Value::Null));
            let (name, value) = match (name, cell) {
                ("caption", cell) => ("captions", listed(cell, cells::sentences)),
                ("captions", cell) => (name, listed(cell, cells::sentences)),
                ("labels" | "absent", cell) => (name, listed(cell, cells::several)),
                ("label", cell) if cell.to_string().is_empty() => (name, Value::Null),
                ("label", cell) => (name, Value::Text(cell.to_string())),
                (_, Value::Text(text)) => (name, cells::bracketed(&text).unwrap_or_else(|| Value::infer(&text))),
                (_, cell) => (name, cell),
            };
            if !value.is_null() {
                fields.insert(name.to_owned(), value);
            }
        }
        (*line, text_of(cells, key), fields)
    };
    grid.records.iter().map(row).collect()
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

fn text_of(cells: &[Value], at: usize) -> String {
    cells.get(at).map(|cell| cell.to_string().trim().to_owned()).unwrap_or_default()
}

/// A clip's name without its folders and its extension.
pub fn stem(id: &str) -> &str {
    let name = id.rsplit('/').next().unwrap_or(id);
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_name_clips_by_id_name_or_stem() {
        let rows = Rows::parse("note,path,label\n60,violin/a.flac,violin\n61,b,01\n").unwrap();
        assert_eq!(rows.find("violin/a.flac").unwrap()["note"], Value::Int(60));
        assert_eq!(rows.find("other/b.wav").unwrap()["label"], Value::from("01"));
        assert!(rows.find("c.wav").is_none());
        // A name that two rows share means neither.
        let rows = Rows::parse("path,label\nx/a.flac,violin\ny/a.flac,viola\n").unwrap();
        assert_eq!(rows.find("y/a.flac").unwrap()["label"], Value::from("viola"));
        assert!(rows.find("z/a.flac").is_none());
    }

    #[test]
    fn rows_of_one_class_are_a_label_and_of_several_labels() {
        let rows = Rows::parse("song,bass tuba,cello\nx,1,0\ny,0,1\n").unwrap();
        assert_eq!(rows.find("y.wav").unwrap()["label"], Value::from("cello"));
        let rows = Rows::parse("song,a,b,c\nx,1,1,0\ny,0,0,0\n").unwrap();
        assert_eq!(rows.rows[0].1, Fields::from([("labels".into(), Value::list(["a", "b"]))]));
        assert_eq!(rows.rows[1].1["labels"], Value::List(vec![]));
        let partial = Rows::parse("song,a,b,c\nx,1,,0\ny,0,1.0,\n").unwrap();
        let expected = [("labels".to_owned(), Value::list(["a"])), ("absent".to_owned(), Value::list(["c"]))];
        assert_eq!(partial.rows[0].1, Fields::from(expected));
        assert!(Rows::parse("a\nb\n").is_err() && Rows::parse("a,b\nx\n").is_err() && Rows::parse("").is_err());
    }

    #[test]
    fn lists_in_cells_and_in_json() {
        let csv = "path,labels,caption,tempo\na.wav,\"['tuba', 'oboe']\",\"A slow; low tune\",90\nb.wav,tuba|flute,,\n";
        let json = "{\"path\": \"a.wav\", \"labels\": [\"tuba\", \"oboe\"], \"caption\": \"A slow; low tune\", \"tempo\": 90}\n\
                    {\"path\": \"b.wav\", \"labels\": \"tuba;flute\"}\n";
        let (csv, json) = (Rows::parse(csv).unwrap(), Rows::parse(json).unwrap());
        assert_eq!((csv.rows.clone(), csv.lines), (json.rows, vec![2, 3]));
        assert_eq!(csv.rows[0].1["captions"], Value::list(["A slow; low tune"]));
        assert_eq!(csv.rows[1].1["labels"], Value::list(["tuba", "flute"]));
        assert!(Rows::parse("{\"path\": \"a\", \"x\": {\"y\": 1}}\n").unwrap_err().contains("line 1, `x`"));
        assert!(Rows::parse("{\"path\": \"a\", \"x\": 1}\n{\n").unwrap_err().contains("line 2"));
    }

    #[test]
    fn a_clip_twice_is_an_error_unless_it_has_another_caption() {
        let rows = Rows::parse("path,caption\na.wav,One.\nb.wav,Other.\na.wav,Two.\n").unwrap();
        assert_eq!((rows.rows.len(), rows.find("a").unwrap()["captions"].clone()), (2, Value::list(["One.", "Two."])));
        assert!(Rows::parse("path,label\na.wav,x\nb.wav,y\na.wav,x\n").unwrap_err().starts_with("line 4 names `a.wav` twice"));
    }
}
