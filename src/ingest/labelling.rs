//! Where a clip's label and metadata come from: its folder, its file name, or a table.
//!
//! ```text
//!   --label-from folder                     violin/A4.wav → label "violin"
//!   --label-from 'filename:^(?<label>\w+)-(?<pitch>\w+)'    Vn-A4.wav → label "Vn", pitch "A4"
//!   --labels notes.csv                      path,label,dynamic     → label and metadata
//!   --labels truth.csv                      song,tuba,violin / x,0,1   (one-hot) → label "violin"
//! ```
//!
//! A table's first column, or the one called `id`, `path`, `file`, `filename` or `song`, names the clip: by its id, its file
//! name, or that without its extension.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use regex::Regex;

use super::Error;
use crate::diagnostic::one_of;
use crate::value::Value;

/// Column names that name the clip.
const KEYS: [&str; 7] = ["id", "path", "file", "filename", "file_name", "song", "clip"];

/// A rule from a clip's id to its metadata.
#[derive(Debug, Clone)]
pub enum Labelling {
    /// The folder that the file is in.
    Folder,
    /// Named groups of a pattern over the file's name; the group `label`, or the first group, is the label.
    FileName(Regex),
    /// A table's rows.
    Table(Rows),
    /// No label.
    None,
}

impl Labelling {
    /// Reads the value of `--label-from`.
    ///
    /// # Errors
    /// When it is neither `folder`, `none` nor `filename:` with a pattern that has a group.
    pub fn parse(rule: &str) -> Result<Labelling, Error> {
        if let Some(pattern) = rule.strip_prefix("filename:") {
            let regex =
                Regex::new(pattern).map_err(|e| Error::Refused(format!("`{pattern}` is not a pattern: {}", last_line(&e))))?;
            if regex.captures_len() < 2 {
                let hint = "expected a group for the label, as in `filename:^(?<label>[^-]+)-`";
                return Err(Error::Refused(format!("the pattern `{pattern}` has no group: {hint}")));
            }
            return Ok(Labelling::FileName(regex));
        }
        match rule {
            "folder" => Ok(Labelling::Folder),
            "none" => Ok(Labelling::None),
            _ => Err(Error::Refused(format!("labels can't come from `{rule}`: expected `folder`, `none` or `filename:REGEX`"))),
        }
    }

    /// A clip's metadata by its id and its file; empty where the rule has nothing to say.
    pub fn metadata(&self, id: &str, path: &Path) -> BTreeMap<String, Value> {
        match self {
            Labelling::None => BTreeMap::new(),
            Labelling::Folder => {
                let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
                folder.map(|folder| BTreeMap::from([("label".to_owned(), Value::from(folder))])).unwrap_or_default()
            }
            Labelling::FileName(regex) => from_name(regex, stem(id)),
            Labelling::Table(rows) => rows.find(id).cloned().unwrap_or_default(),
        }
    }
}

fn from_name(regex: &Regex, name: &str) -> BTreeMap<String, Value> {
    let Some(captures) = regex.captures(name) else { return BTreeMap::new() };
    let mut fields = BTreeMap::new();
    for group in regex.capture_names().flatten() {
        if let Some(found) = captures.name(group) {
            let value = if group == "label" { Value::from(found.as_str()) } else { Value::infer(found.as_str()) };
            fields.insert(group.to_owned(), value);
        }
    }
    if !fields.contains_key("label")
        && let Some(first) = captures.get(1)
    {
        fields.insert("label".to_owned(), first.as_str().into());
    }
    fields
}

/// A table of labels and metadata, in the file's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Each row's key and its fields.
    pub rows: Vec<(String, BTreeMap<String, Value>)>,
    by_key: HashMap<String, usize>,
}

impl Rows {
    /// Reads a CSV or TSV file with a line of column names.
    ///
    /// # Errors
    /// When it can't be read, a line has another number of cells, no column holds labels, or a one-hot row is not one-hot.
    pub fn read(path: &Path) -> Result<Rows, Error> {
        let bytes = std::fs::read(path).map_err(|e| Error::Read { path: path.to_owned(), reason: e.to_string() })?;
        let text =
            String::from_utf8(bytes).map_err(|_| Error::Read { path: path.to_owned(), reason: "it is not UTF-8 text".into() })?;
        Rows::parse(&text).map_err(|reason| Error::Read { path: path.to_owned(), reason })
    }

    fn parse(text: &str) -> Result<Rows, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.lines().next().unwrap_or("");
        let delimiter = if first.contains('\t') { b'\t' } else { b',' };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().map_err(|e| e.to_string())?.iter().map(|h| h.trim().to_owned()).collect();
        if header.len() < 2 {
            return Err("expected at least two columns, one that names the clip and one with its label".into());
        }
        let key = header.iter().position(|h| KEYS.contains(&h.to_lowercase().as_str())).unwrap_or(0);
        let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let others: Vec<usize> = (0..header.len()).filter(|&c| c != key).collect();
        let binary = |cell: &str| matches!(cell.trim(), "0" | "1" | "0.0" | "1.0");
        let one_hot = !header.iter().any(|h| h.eq_ignore_ascii_case("label"))
            && !records.is_empty()
            && records.iter().all(|r| others.iter().all(|&c| r.get(c).is_some_and(binary)));
        if !one_hot && !header.iter().any(|h| h.eq_ignore_ascii_case("label")) && others.len() == 1 {
            // Two columns: whatever the second is called, it is the label.
            let mut renamed = header.clone();
            renamed[others[0]] = "label".into();
            return Rows::collect(&records, key, &others, &renamed, false);
        }
        Rows::collect(&records, key, &others, &header, one_hot)
    }

    fn collect(
        records: &[csv::StringRecord],
        key: usize,
        others: &[usize],
        header: &[String],
        one_hot: bool,
    ) -> Result<Rows, String> {
        let mut rows = Rows::default();
        for (line, record) in records.iter().enumerate() {
            let id = record.get(key).unwrap_or("").trim().to_owned();
            if id.is_empty() {
                return Err(format!("line {} has no `{}`", line + 2, header[key]));
            }
            let fields = if one_hot {
                let set: Vec<&str> = others
                    .iter()
                    .filter(|&&c| record.get(c).is_some_and(|v| v.trim().starts_with('1')))
                    .map(|&c| header[c].as_str())
                    .collect();
                match set.as_slice() {
                    [label] => BTreeMap::from([("label".to_owned(), Value::from(*label))]),
                    [] => return Err(format!("line {} (`{id}`) has no class: expected one 1 a row", line + 2)),
                    several => {
                        return Err(format!(
                            "line {} (`{id}`) has the classes {}: expected one 1 a row",
                            line + 2,
                            one_of(several.iter().copied())
                        ));
                    }
                }
            } else {
                let cell = |&c: &usize| {
                    let (name, text) = (&header[c], record.get(c).unwrap_or("").trim());
                    match name.eq_ignore_ascii_case("label") {
                        true => ("label".to_owned(), if text.is_empty() { Value::Null } else { Value::from(text) }),
                        false => (name.clone(), Value::infer(text)),
                    }
                };
                others.iter().map(cell).filter(|(_, value)| !value.is_null()).collect()
            };
            rows.by_key.entry(id.clone()).or_insert(line);
            rows.by_key.entry(stem(&id).to_owned()).or_insert(line);
            rows.rows.push((id, fields));
        }
        Ok(rows)
    }

    /// The row of a clip: by its id, its file name, or that without its extension.
    pub fn find(&self, id: &str) -> Option<&BTreeMap<String, Value>> {
        let name = id.rsplit('/').next().unwrap_or(id);
        let at = self.by_key.get(id).or_else(|| self.by_key.get(name)).or_else(|| self.by_key.get(stem(id)))?;
        self.rows.get(*at).map(|(_, fields)| fields)
    }
}

fn stem(id: &str) -> &str {
    let name = id.rsplit('/').next().unwrap_or(id);
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

fn last_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or("").trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(labelling: &Labelling, id: &str) -> Option<String> {
        labelling.metadata(id, Path::new(id)).get("label").map(ToString::to_string)
    }

    #[test]
    fn folders_and_names_give_labels() {
        assert_eq!(label(&Labelling::Folder, "lib/violin/A4.wav").as_deref(), Some("violin"));
        assert_eq!(label(&Labelling::Folder, "A4.wav"), None);
        let rule = Labelling::parse("filename:^(?<label>[A-Za-z]+)-(?<pitch>[^-]+)").unwrap();
        let fields = rule.metadata("x/Vn-60-mf.wav", Path::new("x/Vn-60-mf.wav"));
        assert_eq!((fields["label"].to_string(), fields["pitch"].clone()), ("Vn".into(), Value::Int(60)));
        assert!(rule.metadata("x/12.wav", Path::new("x/12.wav")).is_empty());
        assert!(
            Labelling::parse("filename:abc").is_err()
                && Labelling::parse("filename:(").is_err()
                && Labelling::parse("x").is_err()
        );
    }

    #[test]
    fn tables_name_clips_by_id_name_or_stem() {
        let rows = Rows::parse("note,path,label\n60,violin/a.flac,violin\n61,b,01\n").unwrap();
        assert_eq!(rows.find("violin/a.flac").unwrap()["note"], Value::Int(60));
        assert_eq!(rows.find("other/b.wav").unwrap()["label"], Value::from("01"));
        assert!(rows.find("c.wav").is_none());
    }

    #[test]
    fn one_hot_rows_are_one_label() {
        let rows = Rows::parse("song,bass tuba,cello\nx,1,0\ny,0,1\n").unwrap();
        assert_eq!(rows.find("y.wav").unwrap()["label"], Value::from("cello"));
        assert!(Rows::parse("song,a,b\nx,1,1\n").unwrap_err().contains("one 1 a row"));
        assert!(Rows::parse("song,a,b\nx,0,0\n").is_err());
        assert!(Rows::parse("a\nb\n").is_err() && Rows::parse("a,b\nx\n").is_err() && Rows::parse("").is_err());
    }
}
