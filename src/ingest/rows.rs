//! The rows of a table of labels and metadata, found by clip: see [`super::table`] for what a table may look like.
//!
//! A clip is found by its id, its file name, or that without its extension. Several rows of a clip with captions are one clip
//! with all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::Error;
use super::table::{Table, text};
use crate::audio::stem;
use crate::value::{Fields, Value};

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

impl Rows {
    /// Reads a CSV or TSV file with a line of column names, or a file with a JSON object a line.
    ///
    /// # Errors
    /// When it can't be read, a line has another number of cells, no column holds labels, or two lines name one clip.
    pub fn read(path: &Path) -> Result<Rows, Error> {
        Rows::parse(&text(path)?).map_err(|reason| Error::Read { path: path.to_owned(), reason })
    }

    pub(super) fn parse(text: &str) -> Result<Rows, String> {
        let mut rows = Rows::default();
        for row in Table::open(text)? {
            let (line, id, fields) = row?;
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

    /// The row of this id and no other.
    pub fn of(&self, id: &str) -> Option<&Fields> {
        self.by_key.get(id).and_then(|&at| self.rows.get(at)).map(|(_, fields)| fields)
    }

    /// The row of a clip: by its id, its file name, or that without its extension.
    pub fn find(&self, id: &str) -> Option<&BTreeMap<String, Value>> {
        let name = id.rsplit('/').next().unwrap_or(id);
        let by_name = |name: &str| self.by_name.get(name).copied().flatten();
        let at = self.by_key.get(id).copied().or_else(|| by_name(name)).or_else(|| by_name(stem(id)))?;
        self.rows.get(at).map(|(_, fields)| fields)
    }
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
        // What stands behind a dot is an extension where it is one of audio.
        let rows = Rows::parse("path,label\nOp. 1,violin\n").unwrap();
        assert!(rows.find("Op. 2").is_none() && rows.find("Op. 1.flac").is_some());
        assert!(rows.of("Op. 1").is_some() && rows.of("Op. 1.flac").is_none());
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
