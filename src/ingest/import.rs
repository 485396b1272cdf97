//! `import`: vectors computed elsewhere, from one or more files of any kind that [`crate::exchange`] reads.
//!
//! ```text
//!   files ─ read once: every row checked ─ nothing wrong, or --skip-bad ─ read again: committed a thousand rows or 8 MiB at a time
//! ```
//! Ids and fields are those of the file; where it has none, those of a table in the same order (a label a line for texts), or
//! row numbers. Text vectors need the prompt that they were made from. A file that is refused leaves nothing of itself.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::Error;
use super::labelling::{Rows, kept};
use super::shards::{Shards, have_ids, unreadable};
use super::table::{self, Table};
use crate::embedding::{Modality, Space, Stage};
use crate::exchange::{Ask, Format, Names, Row};
use crate::progress::Progress;
use crate::prompt::Prompt;
use crate::store::{NewItem, SpaceKey, Storage};
use crate::value::Fields;
use crate::workspace::Workspace;

/// Rows read, and committed, at a time.
const CHUNK: usize = 1_000;
/// The store's own limit.
const LONGEST_ID: usize = 4096;

/// What to import, and as what.
#[derive(Debug, Clone)]
pub struct Options {
    pub format: &'static Format,
    /// Read in this order, as one.
    pub files: Vec<PathBuf>,
    /// Which parts of the file hold vectors and ids, where their names don't say.
    pub ask: Ask,
    /// Made if there is none.
    pub collection: String,
    /// May be a model without a folder.
    pub model: String,
    /// Tells versions of such a model apart.
    pub model_hash: Option<String>,
    pub modality: Modality,
    pub stage: Stage,
    /// Ids and fields: a table or JSONL; for texts also a list.
    pub labels: Option<PathBuf>,
    /// The prompt that text vectors were made from.
    pub prompt: Option<String>,
    /// What the numbers are kept as; by default as in the collection before, else f32.
    pub storage: Option<Storage>,
    /// Leaves out rows that can't be taken, where otherwise they are an error.
    pub skip_bad: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    pub rows: u64,
    pub dim: usize,
    /// Rows of each file.
    pub of_files: Vec<u64>,
    /// Rows left out, counted through all files, with the reason.
    pub skipped: BTreeMap<u64, String>,
    /// Parts of the files that were not taken.
    pub left_out: Vec<String>,
    /// What is odd about the table of labels.
    pub strange: Option<String>,
}

/// Imports the files.
///
/// # Errors
/// When a file is not of its format, a row can't be taken, labels and rows differ in number, the prompt is missing, or the
/// vectors don't fit what the space holds.
pub fn import(workspace: &Workspace, options: &Options, progress: &dyn Progress) -> Result<Imported, Error> {
    workspace.store().writable()?;
    let prompt = prompt(options)?;
    let storage = workspace.store().storage_for(&options.collection, options.storage)?;
    let Checked { dim, bad, left_out, strange } = check(options, storage, progress)?;
    let space = Space::new(&options.model, options.modality, options.stage);
    workspace.check_import(&space, dim, options.model_hash.as_deref())?;
    // A name that can't be a collection's is refused here, before a model is made.
    let collection = workspace.store().open_or_create_as(&options.collection, options.storage)?;
    let model = workspace.register_import(&options.model, options.model_hash.as_deref())?;
    let mut key = SpaceKey::new(space, &model.hash);
    if let Some(prompt) = prompt {
        key = key.with_prompt(prompt);
    }
    let mut rows = NamedRows::open(options)?;
    progress.begin("importing vectors", rows.file.rows());
    let (mut at, mut stored) = (0, 0);
    loop {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let chunk = rows.next()?;
        if chunk.is_empty() {
            break;
        }
        let mut batch = Vec::with_capacity(chunk.len());
        for row in chunk {
            if let (Ok(vector), Some(id), false) = (row.vector, row.id, bad.contains_key(&at)) {
                let vectors = vec![(key.clone(), vector)];
                batch.push(NewItem { metadata: kept(row.fields), vectors, ..NewItem::new(id, options.modality) });
            }
            at += 1;
            progress.advance(1);
        }
        stored += batch.len() as u64;
        collection.commit(batch)?;
    }
    progress.end();
    workspace.forget_texts();
    Ok(Imported { rows: stored, dim, of_files: rows.file.counts(), skipped: bad, left_out, strange })
}

/// What a first reading of the whole file found.
struct Checked {
    dim: usize,
    /// Rows that can't be taken, by number, and why.
    bad: BTreeMap<u64, String>,
    left_out: Vec<String>,
    strange: Option<String>,
}

/// Reads the whole file: the dimension, the rows that can't be taken, and what of it is left out.
fn check(options: &Options, storage: Storage, progress: &dyn Progress) -> Result<Checked, Error> {
    let mut rows = NamedRows::open(options)?;
    progress.begin("checking vectors", rows.file.rows());
    let mut bad = BTreeMap::new();
    let mut seen: HashSet<[u8; 16]> = HashSet::new();
    let (mut at, mut dim) = (0, 0);
    let numbered = matches!(rows.source, Source::Numbers);
    loop {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let chunk = rows.next()?;
        if chunk.is_empty() {
            break;
        }
        progress.advance(chunk.len() as u64);
        for row in chunk {
            match fault(&row, storage, &mut dim, (!numbered).then_some(&mut seen)) {
                Some(reason) if options.skip_bad => drop(bad.insert(at, reason)),
                Some(reason) => {
                    let (file, row) = rows.file.place(at);
                    let file = file.display();
                    return Err(Error::Refused(format!("row {row} of `{file}` {reason}; `--skip-bad` leaves such rows out")));
                }
                None => {}
            }
            at += 1;
        }
    }
    progress.end();
    rows.same_number(at)?;
    if let (true, Some(reason)) = (bad.len() as u64 == at, bad.values().next()) {
        return Err(Error::Refused(format!("none of the {at} rows of {} can be taken: the first {reason}", named(options))));
    }
    if at == 0 {
        return Err(Error::Refused(format!("{} holds no vectors", named(options))));
    }
    Ok(Checked { dim, bad, left_out: rows.file.left_out().to_vec(), strange: rows.strange() })
}

/// Why a row can't be taken. The first good row says the dimension; ids that may come twice are kept in `seen`.
fn fault(row: &Row, storage: Storage, dim: &mut usize, seen: Option<&mut HashSet<[u8; 16]>>) -> Option<String> {
    let vector = match &row.vector {
        Ok(vector) => vector,
        Err(reason) => return Some(reason.clone()),
    };
    if *dim > 0 && vector.len() != *dim {
        return Some(format!("has {} numbers, expected {dim} as before it", vector.len()));
    }
    if !vector.iter().all(|x| x.is_finite()) {
        return Some("holds NaN or an infinite number".into());
    }
    if vector.iter().all(|&x| x == 0.0) {
        return Some("is all zeros and has no direction".into());
    }
    let square: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    if square.sqrt() > f64::from(f32::MAX) {
        return Some("is longer than the greatest number of 32 bits (3.4e38), expected a length below it".into());
    }
    if let Err(why) = storage.keeps(vector) {
        return Some(why.to_string());
    }
    let id = row.id.as_deref().unwrap_or_default();
    if id.is_empty() || id.len() > LONGEST_ID {
        return Some(format!("has an id of {} bytes, expected 1 to {LONGEST_ID}", id.len()));
    }
    if let Err(why) = NewItem::check_length(id, &row.fields) {
        return Some(format!("can't be stored: {why}"));
    }
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
    if seen.is_some_and(|seen| !seen.insert(short)) {
        return Some(format!("names `{id}` twice: expected each id once"));
    }
    *dim = vector.len();
    None
}

/// Ids and fields, as they are asked for.
type Named = Box<dyn Iterator<Item = Result<(String, Fields), Error>>>;

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
struct NamedRows<'a> {
    options: &'a Options,
    file: Shards<'a>,
    source: Source,
    /// Rows that were named so far.
    named: u64,
    /// True when names ended before the rows.
    short: bool,
    /// Of rows with ids of their own: the first id, and whether the table of labels has a row for any.
    first: Option<String>,
    known: bool,
}

impl<'a> NamedRows<'a> {
    fn open(options: &'a Options) -> Result<NamedRows<'a>, Error> {
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
        Ok(NamedRows { options, file, source, named: 0, short: false, first: None, known: false })
    }

    fn next(&mut self) -> Result<Vec<Row>, Error> {
        let mut rows = self.file.read(CHUNK)?;
        for row in &mut rows {
            let named = match &mut self.source {
                Source::Numbers => Some((self.named.to_string(), BTreeMap::new())),
                Source::InOrder(names) => names.next().transpose()?,
                Source::Objects(names) => {
                    let labels = self.options.labels.as_deref().unwrap_or(Path::new(""));
                    names.next().map_err(|e| unreadable(labels, &e))?
                }
                Source::ById(table) => {
                    if let Some(fields) = row.id.as_deref().and_then(|id| table.of(id)) {
                        row.fields.extend(fields.clone());
                        self.known = true;
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
                    row.fields.extend(fields);
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
    fn same_number(&mut self, rows: u64) -> Result<(), Error> {
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

    /// Tells of a table of labels of which no row names any of the file's.
    fn strange(&self) -> Option<String> {
        let (Source::ById(table), false) = (&self.source, self.known) else { return None };
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

/// What the files are called in messages.
fn named(options: &Options) -> String {
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

/// The ids and fields of a table, or of a list of texts, in its order.
fn in_order(modality: Modality, path: &Path) -> Result<Named, Error> {
    let text = table::text(path)?;
    if modality == Modality::Text {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<_> = lines.map(|line| Ok((line.to_owned(), Fields::new()))).collect();
        return Ok(Box::new(lines.into_iter()));
    }
    let path = path.to_owned();
    let table = Table::open(text).map_err(|reason| Error::Read { path: path.clone(), reason })?;
    if table.has_captions() {
        // Several rows of a clip are one.
        return Ok(Box::new(Rows::read(&path)?.rows.into_iter().map(Ok)));
    }
    let named = move |row: Result<(u64, String, Fields), String>| {
        row.map(|(_, id, fields)| (id, fields)).map_err(|reason| Error::Read { path: path.clone(), reason })
    };
    Ok(Box::new(table.map(named)))
}

fn prompt(options: &Options) -> Result<Option<String>, Error> {
    match (options.modality, &options.prompt) {
        (Modality::Audio, None) => Ok(None),
        (Modality::Audio, Some(_)) => Err(Error::Refused("audio vectors have no prompt: `--prompt` is for `--modality text`".into())),
        (Modality::Text, None) => Err(Error::Refused(
            "text vectors need the prompt that they were made from: `--prompt \"A <> track\"`, or `--prompt \"<>\"` for the bare label".into(),
        )),
        (Modality::Text, Some(prompt)) if prompt.contains('/') && !prompt.contains("<>") => Ok(Some(prompt.clone())),
        (Modality::Text, Some(prompt)) => match Prompt::template(prompt) {
            Ok(prompt) => Ok(Some(prompt.key().to_owned())),
            Err(error) => Err(Error::Refused(format!("{error}, or SET/NAME for a prompt of a set"))),
        },
    }
}
