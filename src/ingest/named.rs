//! The rows of imported files, each with its id and fields.
//!
//! ```text
//!   file with ids  ─ and a table: looked up by id, laid over the file's own fields
//!   file without   ─ a table, JSONL or a list of texts in the rows' order; none: numbers
//!   of texts       ─ a table is `.csv` or `.tsv`, with the text as `label`; any other file has a text a line
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Error;
use super::fields::{TAKEN_BACK, lay_over_stored};
use super::import::Options;
use super::rows::{Met, Rows};
use super::shards::{Shards, have_ids, unreadable};
use super::table::{self, Table};
use crate::embedding::Modality;
use crate::exchange::{Names, Row};
use crate::value::{Fields, Value};

/// Rows read, and committed, at a time.
const CHUNK: usize = 1_000;

/// Lines with their ids and fields, as they are asked for.
type Named = Box<dyn Iterator<Item = Result<(u64, String, Fields), Error>>>;

/// Where ids and fields come from when the file has none, or what is added to those that it has.
enum Source {
    Numbers,
    /// In the rows' order.
    InOrder(Named),
    Objects(Names),
    /// By id, for a file with ids of its own.
    ById(Rows),
}

/// The rows of the file, each with its id.
pub(super) struct NamedRows<'a> {
    options: &'a Options,
    pub file: Shards<'a>,
    source: Source,
    /// Rows that were named so far.
    named: u64,
    /// True when names ended before the rows.
    short: bool,
    /// Of rows with ids of their own: the first id, and for which the table of labels has a row.
    first: Option<String>,
    met: Met,
    /// Of the rows that were read last the lines that named them, from 1; empty where no line did.
    pub lines: Vec<u64>,
    /// Of [`TAKEN_BACK`] those that a JSONL file of labels has, as far as it was read: no line says it of all.
    pub columns: BTreeSet<&'static str>,
}

impl<'a> NamedRows<'a> {
    pub fn open(options: &'a Options) -> Result<NamedRows<'a>, Error> {
        let file = Shards::open(options.format, &options.ask, &options.files)?;
        let own = have_ids(options.format, &options.ask, &options.files)?;
        if let Some(path) = &options.labels {
            regular(path)?;
        }
        let source = match (&options.labels, own) {
            (None, true) => Source::ById(Rows::default()),
            (Some(path), true) => Source::ById(Rows::read(path)?),
            (None, false) if options.modality == Modality::Text => {
                return Err(Error::Refused("text vectors need `--labels FILE` with a label a line".into()));
            }
            (None, false) => Source::Numbers,
            (Some(path), false) if is_jsonl(path) => Source::Objects(Names::open(path).map_err(|e| unreadable(path, &e))?),
            (Some(path), false) => Source::InOrder(in_order(options.modality, path)?),
        };
        let met = if let Source::ById(table) = &source { table.none_met() } else { Met::default() };
        let (first, lines, columns) = (None, Vec::new(), BTreeSet::new());
        Ok(NamedRows { options, file, source, named: 0, short: false, first, met, lines, columns })
    }

    /// Whether their numbers are all that names them.
    pub fn are_numbered(&self) -> bool {
        matches!(self.source, Source::Numbers)
    }

    /// The next thousand rows or some megabytes of them; none at the end.
    pub fn next(&mut self) -> Result<Vec<Row>, Error> {
        let mut rows = self.file.read(CHUNK)?;
        self.lines.clear();
        for row in &mut rows {
            let named = match &mut self.source {
                Source::Numbers => Some((self.named.to_string(), BTreeMap::new())),
                Source::InOrder(names) => names.next().transpose()?.map(|(line, id, fields)| {
                    self.lines.push(line);
                    (id, fields)
                }),
                Source::Objects(names) => {
                    let labels = self.options.labels.as_deref().unwrap_or(Path::new(""));
                    let mut named = names.next().map_err(|e| unreadable(labels, &e))?;
                    if let Some((_, fields)) = &mut named {
                        note_columns(&mut self.columns, fields);
                        self.lines.push(names.line());
                    }
                    named
                }
                Source::ById(table) => {
                    if let Some((at, fields)) = row.id.as_deref().and_then(|id| table.of(id)) {
                        lay_over_stored(&mut row.fields, fields.clone());
                        self.met.meet(at);
                    }
                    if self.first.is_none() {
                        self.first.clone_from(&row.id);
                    }
                    self.named += 1;
                    continue;
                }
            };
            match named {
                Some((id, fields)) => {
                    row.id = Some(id);
                    lay_over_stored(&mut row.fields, fields);
                    self.named += 1;
                }
                None => self.short = true,
            }
        }
        if self.short {
            // What is left is counted for the message, so that both numbers can be said.
            let mut n = self.named + rows.iter().filter(|row| row.id.is_none()).count() as u64;
            while let Some(more) = Some(self.file.read(CHUNK)?).filter(|m| !m.is_empty()) {
                n += more.len() as u64;
            }
            return Err(self.differs(n, self.named));
        }
        Ok(rows)
    }

    /// Holds that there are no more names than rows.
    pub fn same_number(&mut self, rows: u64) -> Result<(), Error> {
        let mut names = rows;
        match &mut self.source {
            Source::Numbers | Source::ById(_) => {}
            Source::InOrder(rest) => {
                for name in rest {
                    name?;
                    names += 1;
                }
            }
            Source::Objects(rest) => {
                let labels = self.options.labels.as_deref().unwrap_or(Path::new(""));
                while rest.next().map_err(|e| unreadable(labels, &e))?.is_some() {
                    names += 1;
                }
            }
        }
        if names == rows { Ok(()) } else { Err(self.differs(rows, names)) }
    }

    /// Tells of rows of a table of labels that name none of the file's.
    pub fn strange(&self) -> Option<String> {
        let Source::ById(table) = &self.source else { return None };
        if self.met.any() {
            return table.left_over(&self.met, "imported id");
        }
        let ((begins, _), first) = (table.rows.first()?, self.first.as_deref().unwrap_or_default());
        let n = table.rows.len();
        Some(format!(
            "none of the {n} ids that the table of labels names was found: it begins with `{begins}`, the file with `{first}`"
        ))
    }

    fn differs(&self, rows: u64, names: u64) -> Error {
        let labels = self.options.labels.as_deref().unwrap_or(Path::new("")).display();
        Error::Refused(format!("{} has {rows} rows and `{labels}` has {names}: expected as many", named(self.options)))
    }
}

/// Adds to `columns` those that a line has, and null to its fields for those that it has not.
fn note_columns(columns: &mut BTreeSet<&'static str>, fields: &mut Fields) {
    columns.extend(TAKEN_BACK.into_iter().filter(|name| fields.contains_key(*name)));
    fields.retain(|_, value| !value.is_null());
    for name in columns.iter() {
        fields.entry((*name).to_owned()).or_insert(Value::Null);
    }
}

/// What the files are called in messages.
pub(super) fn named(options: &Options) -> String {
    let first = options.files.first().map(|file| file.display().to_string()).unwrap_or_default();
    match options.files.len() {
        0 | 1 => format!("`{first}`"),
        n => format!("`{first}` and {} more", n - 1),
    }
}

/// Holds that labels are in a file: a pipe is empty when it is read for the second time.
fn regular(path: &Path) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(unreadable(path, &"it is no regular file: expected one, which is read twice")),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn is_jsonl(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jsonl"))
}

/// The lines of a table, or of a list of texts, in its order.
fn in_order(modality: Modality, path: &Path) -> Result<Named, Error> {
    let text = table::text(path)?;
    let is = |extension: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension));
    let (texts, table) = (modality == Modality::Text, is("csv") || is("tsv"));
    if texts && !table {
        let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty());
        let lines: Vec<_> = lines.map(|(line, text)| Ok((line, text.to_owned(), Fields::new()))).collect();
        return Ok(Box::new(lines.into_iter()));
    }
    let table = if texts { Table::of_texts(text, is("tsv")) } else { Table::open(text) };
    let table = table.map_err(|reason| unreadable(path, &reason))?;
    if table.has_captions() && !texts {
        // Several rows of a clip are one.
        let Rows { lines, rows, .. } = Rows::read(path)?;
        return Ok(Box::new(lines.into_iter().zip(rows).map(|(line, (id, fields))| Ok((line, id, fields)))));
    }
    let path = path.to_owned();
    Ok(Box::new(table.map(move |row| row.map_err(|reason| unreadable(&path, &reason)))))
}
