//! `import npy`: vectors computed elsewhere.
//!
//! One row a clip or a text, as numpy saves it (`float16`, `float32` or `float64`, C or Fortran order). Audio rows get their
//! ids and labels from a table in the same order: `id,label` columns or one-hot. Text rows get a label a line, and the prompt
//! that they were made from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use ndarray_npy::{ReadNpyError, ReadNpyExt};

use super::Error;
use super::labelling::Rows;
use crate::embedding::{Modality, Space, Stage};
use crate::progress::Progress;
use crate::prompt::Prompt;
use crate::store::{NewItem, SpaceKey};
use crate::value::Value;
use crate::workspace::Workspace;

/// Items between two commits.
const CHUNK: usize = 1_000;

/// What to import, and as what.
#[derive(Debug, Clone)]
pub struct Options {
    pub file: PathBuf,
    /// Made if there is none.
    pub collection: String,
    /// May be a model without a folder.
    pub model: String,
    /// Tells versions of such a model apart.
    pub model_hash: Option<String>,
    pub modality: Modality,
    pub stage: Stage,
    /// A table for audio, a list for texts.
    pub labels: Option<PathBuf>,
    /// The prompt that text vectors were made from.
    pub prompt: Option<String>,
    /// Leaves out rows that are no direction, where otherwise they are an error.
    pub skip_bad: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    pub rows: usize,
    pub dim: usize,
    /// Rows left out, with the reason.
    pub skipped: Vec<(usize, String)>,
}

/// Imports one file.
///
/// # Errors
/// When the file is no two-dimensional array of floats, labels and rows differ in number, the prompt is missing, or the
/// vectors don't fit what the space holds.
pub fn import(workspace: &Workspace, options: &Options, progress: &dyn Progress) -> Result<Imported, Error> {
    let array = read(&options.file)?;
    let (n, dim) = array.dim();
    if n == 0 || dim == 0 {
        return Err(Error::Refused(format!("`{}` holds no vectors: its shape is ({n}, {dim})", options.file.display())));
    }
    let names = names(options, n)?;
    let prompt = prompt(options)?;
    if !options.skip_bad
        && let Some((at, reason)) = array.outer_iter().enumerate().find_map(|(at, row)| Some((at, fault(row.iter())?)))
    {
        // Found before anything is stored, so that a refused file leaves no half of itself.
        let hint = "`--skip-bad` leaves such rows out";
        return Err(Error::Refused(format!("row {at} of `{}` {reason}; {hint}", options.file.display())));
    }
    let model = workspace.register_import(&options.model, options.model_hash.as_deref())?;
    let collection = workspace.store().open_or_create(&options.collection)?;
    let mut key = SpaceKey::new(Space::new(&model.id, options.modality, options.stage), &model.hash);
    if let Some(prompt) = prompt {
        key = key.with_prompt(prompt);
    }
    let mut skipped = Vec::new();
    progress.begin("importing vectors", Some(n as u64));
    let mut rows = array.outer_iter().zip(names).enumerate();
    loop {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let mut batch = Vec::with_capacity(CHUNK);
        let mut taken = 0;
        for (at, (row, (id, metadata))) in rows.by_ref().take(CHUNK) {
            taken += 1;
            match fault(row.iter()) {
                Some(reason) => skipped.push((at, reason.to_owned())),
                None => batch.push(NewItem {
                    metadata,
                    vectors: vec![(key.clone(), row.to_vec())],
                    ..NewItem::new(id, options.modality)
                }),
            }
        }
        if taken == 0 {
            break;
        }
        collection.commit(batch)?;
        progress.advance(taken as u64);
    }
    progress.end();
    workspace.forget_texts();
    Ok(Imported { rows: n - skipped.len(), dim, skipped })
}

fn fault<'a>(mut row: impl Iterator<Item = &'a f32> + Clone) -> Option<&'static str> {
    if !row.clone().all(|x| x.is_finite()) {
        return Some("holds NaN or an infinite number");
    }
    row.all(|&x| x == 0.0).then_some("is all zeros and has no direction")
}

/// The array as `f32`.
fn read(path: &Path) -> Result<Array2<f32>, Error> {
    let fault = |reason: String| Error::Read { path: path.to_owned(), reason };
    let open = || File::open(path).map(BufReader::new).map_err(|e| fault(e.to_string()));
    check_size(path)?;
    match Array2::<f32>::read_npy(open()?) {
        Ok(array) => return Ok(array),
        Err(ReadNpyError::WrongDescriptor(_)) => {}
        Err(error) => return Err(fault(reason(&error))),
    }
    match Array2::<f64>::read_npy(open()?) {
        Ok(array) => Ok(array.mapv(|x| x as f32)),
        Err(ReadNpyError::WrongDescriptor(found)) => Err(fault(format!(
            "its numbers are `{found}`: expected `float32` or `float64`, as `array.astype(\"float32\")` gives"
        ))),
        Err(error) => Err(fault(reason(&error))),
    }
}

/// A header may promise more numbers than the file holds; they must not be allocated on its word.
fn check_size(path: &Path) -> Result<(), Error> {
    use std::io::Read as _;
    let fault = |reason: &str| Error::Read { path: path.to_owned(), reason: reason.to_owned() };
    let mut head = Vec::new();
    let file = File::open(path).map_err(|e| fault(&e.to_string()))?;
    let size = file.metadata().map_err(|e| fault(&e.to_string()))?.len();
    file.take(64 << 10).read_to_end(&mut head).map_err(|e| fault(&e.to_string()))?;
    if !head.starts_with(b"\x93NUMPY") {
        return Err(fault("it is not a numpy .npy file"));
    }
    let text = String::from_utf8_lossy(&head);
    let shape = text.split("'shape'").nth(1).and_then(|rest| rest.split_once('(')).and_then(|(_, rest)| rest.split_once(')'));
    let shape: Vec<u64> =
        shape.map(|(inside, _)| inside.split(',').filter_map(|part| part.trim().parse().ok()).collect()).unwrap_or_default();
    if shape.len() != 2 {
        return Err(fault("it does not hold a two-dimensional array: expected one row a clip or text"));
    }
    match shape[0].checked_mul(shape[1]) {
        Some(numbers) if numbers.saturating_mul(2) <= size => Ok(()),
        _ => Err(fault(&format!("it is cut short: its header promises {} × {} numbers in {size} bytes", shape[0], shape[1]))),
    }
}

fn reason(error: &ReadNpyError) -> String {
    match error {
        ReadNpyError::WrongNdim(_, found) => {
            format!("it holds an array of {found} dimensions: expected 2, one row a clip or text")
        }
        ReadNpyError::MissingData => "it is cut short: the data ends before the array does".into(),
        ReadNpyError::ExtraBytes(n) => format!("it has {n} bytes after the array"),
        other => other.to_string(),
    }
}

type Named = (String, BTreeMap<String, Value>);

/// The id and metadata of each row.
fn names(options: &Options, n: usize) -> Result<Vec<Named>, Error> {
    let Some(path) = &options.labels else {
        return match options.modality {
            Modality::Audio => Ok((0..n).map(|i| (i.to_string(), BTreeMap::new())).collect()),
            Modality::Text => Err(Error::Refused("text vectors need `--labels FILE` with a label a line".into())),
        };
    };
    let named = match options.modality {
        Modality::Audio => Rows::read(path)?.rows,
        Modality::Text => {
            let text = std::fs::read_to_string(path).map_err(|e| Error::Read { path: path.clone(), reason: e.to_string() })?;
            let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(|line| (line.to_owned(), BTreeMap::new())).collect()
        }
    };
    if named.len() != n {
        let (file, labels) = (options.file.display(), path.display());
        return Err(Error::Refused(format!("`{file}` has {n} rows and `{labels}` has {}: expected as many", named.len())));
    }
    let mut ids: Vec<&str> = named.iter().map(|(id, _)| id.as_str()).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::Refused(format!("`{}` names `{}` twice: expected each once", path.display(), twice[0])));
    }
    Ok(named)
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
