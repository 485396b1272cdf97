//! The rows of a table of labels and metadata, found by clip: see [`super::table`] for what a table may look like.
//!
//! A clip is found by its id, its file name, or that without its extension. A row that names folders is of a file in these alone,
//! so `train/001.flac` says nothing of `test/001.flac`. Several rows of a clip with captions are one clip with all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::Error;
use super::files::absolute;
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
    /// What was read.
    file: PathBuf,
    /// Place by key.
    by_key: HashMap<String, usize>,
    /// Places by file name and by stem, behind the folder that the row names: `train/001.flac`, `train/001`.
    by_name: HashMap<String, Vec<usize>>,
}

impl Rows {
    /// Reads a CSV or TSV file with a line of column names, or a file with a JSON object a line.
    ///
    /// # Errors
    /// When it can't be read, a line has another number of cells, no column holds labels, or two lines name one clip.
    pub fn read(path: &Path) -> Result<Rows, Error> {
        let rows = Rows::parse(&text(path)?).map_err(|reason| Error::Read { path: path.to_owned(), reason })?;
        Ok(Rows { file: path.to_owned(), ..rows })
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
                (Some(Value::List(captions)), Some(more @ Value::List(_))) => {
                    captions.extend(more.members().iter().cloned());
                    Ok(())
                }
                _ => Err(format!("line {line} names `{id}` twice: line {first} did, expected each clip once")),
            };
        }
        let at = self.rows.len();
        let folder = named_folders(&id).next().map(|folder| format!("{folder}/")).unwrap_or_default();
        for name in BTreeSet::from([stem(&id), id.rsplit('/').next().unwrap_or(&id)]) {
            self.by_name.entry(format!("{folder}{name}")).or_default().push(at);
        }
        self.by_key.insert(id.clone(), at);
        self.rows.push((id, fields));
        self.lines.push(line);
        Ok(())
    }

    /// The place of the row of this id and no other, and the row.
    pub(super) fn of(&self, id: &str) -> Option<(usize, &Fields)> {
        let &at = self.by_key.get(id)?;
        self.rows.get(at).map(|(_, fields)| (at, fields))
    }

    /// The row of a clip: by its id, its file's name, or that without its extension.
    pub fn find(&self, id: &str, path: &Path) -> Option<&BTreeMap<String, Value>> {
        self.rows.get(self.place(id, path)?).map(|(_, fields)| fields)
    }

    /// The place of the row of a clip.
    pub(super) fn place(&self, id: &str, path: &Path) -> Option<usize> {
        self.by_key.get(id).copied().or_else(|| self.by_file(id, path))
    }

    /// Of its rows as yet none.
    pub(super) fn none_met(&self) -> Met {
        Met(vec![false; self.rows.len()])
    }

    /// Tells of the rows that were not met, each of which names no `what`.
    pub(super) fn left_over(&self, met: &Met, what: &str) -> Option<String> {
        let mut over = self.rows.iter().zip(&met.0).filter(|(_, met)| !**met).map(|((id, _), _)| id);
        let (first, all, file) = (over.next()?, self.rows.len(), self.file.display());
        Some(match 1 + over.count() {
            1 => format!("1 of {all} rows of `{file}` names no {what}: `{first}`"),
            n => format!("{n} of {all} rows of `{file}` name no {what}, such as `{first}`"),
        })
    }

    fn by_file(&self, id: &str, path: &Path) -> Option<usize> {
        let folders = folders(id, path);
        let names = [id.rsplit('/').next().unwrap_or(id), stem(id)];
        let within = folders.first().into_iter().flat_map(|folder| names.map(|name| format!("{folder}/{name}")));
        let fits = |at: usize| {
            self.rows.get(at).is_some_and(|(key, _)| named_folders(key).zip(&folders).all(|(named, folder)| named == folder))
        };
        within.chain(names.map(str::to_owned)).find_map(|name| {
            let mut rows = self.by_name.get(&name)?.iter().copied().filter(|at| fits(*at));
            // A name of two rows means neither.
            Some(rows.next()?).filter(|_| rows.next().is_none())
        })
    }
}

/// Which rows of a table were asked for.
#[derive(Default)]
pub(super) struct Met(Vec<bool>);

impl Met {
    pub fn meet(&mut self, at: usize) {
        if let Some(met) = self.0.get_mut(at) {
            *met = true;
        }
    }

    pub fn any(&self) -> bool {
        self.0.contains(&true)
    }
}

/// The folders that a row names, innermost first.
fn named_folders(key: &str) -> impl Iterator<Item = &str> {
    key.rsplit('/').skip(1).filter(|part| !matches!(*part, "" | ".")).take_while(|part| *part != "..")
}

/// The folders of a clip's file, innermost first: those of its id and the one above. What is called so above these is chance.
fn folders(id: &str, path: &Path) -> Vec<String> {
    let place = absolute(path);
    let above = place.rsplit(['/', std::path::MAIN_SEPARATOR]).skip(1).take_while(|part| !matches!(*part, "" | ".."));
    above.take(id.matches('/').count() + 1).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row of a clip below the folder `lib`.
    fn find<'a>(rows: &'a Rows, id: &str) -> Option<&'a Fields> {
        rows.find(id, &Path::new("/data/lib").join(id))
    }

    #[test]
    fn tables_name_clips_by_id_name_or_stem() {
        let rows = Rows::parse("note,path,label\n60,violin/a.flac,violin\n61,b,01\n").unwrap();
        assert_eq!(find(&rows, "violin/a.flac").unwrap()["note"], Value::Int(60));
        assert_eq!(find(&rows, "other/b.wav").unwrap()["label"], Value::from("01"));
        assert!(find(&rows, "c.wav").is_none());
        // What stands behind a dot is an extension where it is one of audio.
        let rows = Rows::parse("path,label\nOp. 1,violin\n").unwrap();
        assert!(find(&rows, "Op. 2").is_none() && find(&rows, "Op. 1.flac").is_some());
        assert!(rows.of("Op. 1").is_some() && rows.of("Op. 1.flac").is_none());
    }

    #[test]
    fn a_row_with_a_folder_is_of_no_file_elsewhere() {
        let rows = Rows::parse("path,label\nx/a.flac,violin\ny/a.flac,viola\ntrain/1.flac,horn\n").unwrap();
        let label = |id: &str| find(&rows, id).map(|fields| fields["label"].to_string());
        assert_eq!((label("y/a.flac").as_deref(), label("q/y/a.wav").as_deref()), (Some("viola"), Some("viola")));
        assert_eq!((label("z/a.flac"), label("test/1.flac"), label("1.flac")), (None, None, None));
        // The folder that was named holds too, whatever stands above it and however it was named.
        let placed = |path: &str| rows.find("1.flac", Path::new(path)).is_some();
        assert!(placed("/data/train/1.flac") && placed("train/1.flac") && !placed("/data/test/1.flac"));
        let rows = Rows::parse("path,label\n/home/ann/set/train/1.flac,horn\n./b.wav,tuba\n").unwrap();
        assert!(rows.find("set/train/1.flac", Path::new("/mnt/ann/set/train/1.flac")).is_some());
        assert!(find(&rows, "set/test/1.flac").is_none() && find(&rows, "any/b.wav").is_some());
    }

    #[test]
    fn the_row_with_the_folder_goes_first_and_two_mean_neither() {
        let rows = Rows::parse("path,label\nx/a.flac,violin\na.flac,viola\nc.flac,horn\nc.mp3,tuba\n").unwrap();
        let label = |id: &str| find(&rows, id).map(|fields| fields["label"].to_string());
        assert_eq!((label("q/x/a.flac").as_deref(), label("q/y/a.flac").as_deref()), (Some("violin"), Some("viola")));
        assert_eq!((label("q/c.mp3").as_deref(), label("q/c.wav")), (Some("tuba"), None));
    }

    #[test]
    fn rows_of_one_class_are_a_label_and_of_several_labels() {
        let rows = Rows::parse("song,bass tuba,cello\nx,1,0\ny,0,1\n").unwrap();
        assert_eq!(find(&rows, "y.wav").unwrap()["label"], Value::from("cello"));
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
        assert_eq!((rows.rows.len(), find(&rows, "a").unwrap()["captions"].clone()), (2, Value::list(["One.", "Two."])));
        assert!(Rows::parse("path,label\na.wav,x\nb.wav,y\na.wav,x\n").unwrap_err().starts_with("line 4 names `a.wav` twice"));
        assert!(Rows::parse("path,caption,x\na.wav,One.,1\na.wav,,2\n").unwrap_err().starts_with("line 3 names `a.wav` twice"));
    }
}
