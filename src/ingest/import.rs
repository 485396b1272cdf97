//! `import`: vectors computed elsewhere, from one or more files of any kind that [`crate::exchange`] reads.
//!
//! ```text
//!   files ─ read once: every row checked ─ nothing wrong, or --skip-bad ─ read again: committed a thousand rows or 8 MiB at a time
//! ```
//! Ids and fields are those of the file; where it has none, those of a table in the same order (a label a line for texts), or
//! row numbers. Text vectors need the prompt that they were made from. A file that is refused leaves nothing of itself. What a
//! table says of a clip that is stored already is said anew, as by `ingest`; what it does not name stays.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use super::Error;
use super::labelling::kept;
use super::named::{NamedRows, named};
use crate::embedding::{Modality, Space, Stage};
use crate::exchange::{Ask, Format, Row};
use crate::progress::Progress;
use crate::prompt::Prompt;
use crate::store::{Collection, NewItem, SpaceKey, Storage};
use crate::workspace::Workspace;

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
    /// Vectors of each file that took the place of one that was stored.
    pub replaced: Vec<u64>,
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
    let Checked { dim, bad, left_out, columns, strange } = check(options, storage, progress)?;
    let space = Space::new(&options.model, options.modality, options.stage);
    workspace.check_import(&options.collection, &space, dim, options.model_hash.as_deref())?;
    // A name that can't be a collection's is refused here, before a model is made.
    let collection = workspace.store().open_or_create_as(&options.collection, options.storage)?;
    let model = workspace.register_import(&options.model, options.model_hash.as_deref())?;
    let mut key = SpaceKey::new(space, &model.hash);
    if let Some(prompt) = prompt {
        key = key.with_prompt(prompt);
    }
    let mut rows = NamedRows::open(options)?;
    rows.columns = columns;
    progress.begin("importing vectors", rows.file.rows());
    let (mut at, mut stored, mut replaced) = (0, 0, vec![0; options.files.len()]);
    loop {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let chunk = rows.next()?;
        if chunk.is_empty() {
            break;
        }
        let (mut batch, mut of_files) = (Vec::with_capacity(chunk.len()), Vec::new());
        for row in chunk {
            if let (Ok(vector), Some(id), false) = (row.vector, row.id, bad.contains_key(&at)) {
                let vectors = vec![(key.clone(), vector)];
                batch.push(NewItem { metadata: kept(row.fields), vectors, ..NewItem::new(id, options.modality) });
                of_files.push(rows.file.file_of(at));
            }
            at += 1;
            progress.advance(1);
        }
        stored += batch.len() as u64;
        commit(&collection, &key, batch, &of_files, &mut replaced)?;
    }
    progress.end();
    workspace.forget_texts();
    Ok(Imported { rows: stored, dim, of_files: rows.file.counts(), replaced, skipped: bad, left_out, strange })
}

/// Stores rows, no id twice, of the files of these numbers; and counts for each file those whose vector took another's place.
fn commit(
    collection: &Collection,
    key: &SpaceKey,
    batch: Vec<NewItem>,
    of_files: &[usize],
    replaced: &mut [u64],
) -> Result<(), Error> {
    let there = || collection.space(key).map(|space| space.map_or(0, |info| info.rows));
    let (before, n) = (there()?, batch.len() as u64);
    let mut add = |file: usize, n: u64| {
        if let Some(count) = replaced.get_mut(file) {
            *count += n;
        }
    };
    match (of_files.first(), of_files.last()) {
        // What did not make the space larger took a place in it.
        (Some(first), Some(last)) if first == last => {
            collection.commit(batch)?;
            add(*first, (before + n).saturating_sub(there()?));
        }
        _ => {
            if before > 0 {
                for (item, file) in batch.iter().zip(of_files) {
                    add(*file, u64::from(collection.has(&item.id, None, key)?));
                }
            }
            collection.commit(batch)?;
        }
    }
    Ok(())
}

/// What a first reading of the whole file found.
struct Checked {
    dim: usize,
    /// Rows that can't be taken, by number, and why.
    bad: BTreeMap<u64, String>,
    left_out: Vec<String>,
    /// See [`NamedRows`].
    columns: BTreeSet<&'static str>,
    strange: Option<String>,
}

/// Reads the whole file: the dimension, the rows that can't be taken, and what of it is left out.
fn check(options: &Options, storage: Storage, progress: &dyn Progress) -> Result<Checked, Error> {
    let mut rows = NamedRows::open(options)?;
    progress.begin("checking vectors", rows.file.rows());
    let mut bad = BTreeMap::new();
    let mut seen = Seen::default();
    let (mut at, mut dim) = (0, 0);
    let numbered = rows.are_numbered();
    let labels = options.labels.as_ref().map_or_else(String::new, |path| path.display().to_string());
    loop {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let chunk = rows.next()?;
        if chunk.is_empty() {
            break;
        }
        progress.advance(chunk.len() as u64);
        for (nth, row) in chunk.iter().enumerate() {
            let id = row.id.as_deref().filter(|_| !numbered);
            let reason = fault(row, storage, &mut dim).or_else(|| {
                let line = rows.lines.get(nth).copied();
                let (id, first) = id.and_then(|id| Some((id, seen.again(id, line.unwrap_or(0))?)))?;
                Some(match line {
                    None => format!("names `{id}` twice: expected each id once"),
                    Some(line) => {
                        let what = format!("names `{id}` twice: line {first} did, expected each id once");
                        format!("is named by line {line} of `{labels}`, which {what}")
                    }
                })
            });
            match reason {
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
    let (left_out, strange) = (rows.file.left_out().to_vec(), rows.strange());
    Ok(Checked { dim, bad, left_out, columns: rows.columns, strange })
}

/// The ids that came, as hashes, each with the line that named it.
#[derive(Default)]
struct Seen(HashMap<[u8; 16], u64>);

impl Seen {
    /// The line that named an id before, if one did.
    fn again(&mut self, id: &str, line: u64) -> Option<u64> {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
        match self.0.entry(short) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }
}

/// Why a row can't be taken, whatever came before it. The first good row says the dimension.
fn fault(row: &Row, storage: Storage, dim: &mut usize) -> Option<String> {
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
    *dim = vector.len();
    None
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
