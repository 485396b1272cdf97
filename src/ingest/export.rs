//! `export`: the vectors of one space with ids and fields, into a file that other programs read.
//!
//! ```text
//!   items of the space ─ once for the columns ─ once more with vectors ─ a file without a name ─ whole: it gets its name
//! ```
//! Vectors are those that the model gave, before they are brought to unit length, to the bit. Memory does not grow with the
//! space. A format without a place for text gets a JSONL file beside it, which `import --labels` takes.

use std::path::{Path, PathBuf};

use super::Error;
use crate::exchange::{self, Format, Sheet, Target, Writer};
use crate::progress::Progress;
use crate::store::{Collection, SpaceKey};

/// What to export, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    pub format: &'static Format,
    pub file: PathBuf,
    /// Replaces files that are there.
    pub force: bool,
}

/// What an export did.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    pub rows: u64,
    pub dim: usize,
    /// The files, that with the vectors first.
    pub files: Vec<PathBuf>,
}

/// A file to be, and what writes it.
struct Output {
    path: PathBuf,
    target: Target,
    writer: Box<dyn Writer>,
}

impl Output {
    fn begin(path: &Path, format: &Format, sheet: &Sheet, force: bool) -> Result<Output, Error> {
        let begin = || {
            let target = Target::begin(path, force)?;
            let writer = format.create(target.sink()?, sheet)?;
            Ok((target, writer))
        };
        let (target, writer) = begin().map_err(|e| unwritable(path, &e))?;
        Ok(Output { path: path.to_owned(), target, writer })
    }
}

/// Exports one space of a collection.
///
/// # Errors
/// When the file is there already or can't be written, the store can't be read, or the user cancels. Then nothing new is left.
pub fn export(collection: &Collection, key: &SpaceKey, options: &Options, progress: &dyn Progress) -> Result<Exported, Error> {
    let info = collection.space(key)?.filter(|info| info.rows > 0);
    let info = info.ok_or_else(|| Error::Refused(format!("the collection `{}` has no vectors in `{key}`", collection.name())))?;
    let beside = options.format.beside(&options.file);
    if beside.as_deref() == Some(&*options.file) {
        let (file, name) = (options.file.display(), options.format.name);
        return Err(Error::Refused(format!("`{file}` is the name of the ids' own file: expected another, as `{name}` gives")));
    }
    let mut sheet = Sheet::new(info.dim);
    progress.begin("reading fields", Some(info.rows));
    for item in collection.items_of(key.space.modality, Some(key), None)? {
        let item = item?;
        sheet.add(&item.id, &item.metadata);
        step(progress, sheet.rows)?;
    }
    let mut outputs = vec![Output::begin(&options.file, options.format, &sheet, options.force)?];
    if let (Some(path), Some(lines)) = (beside, Format::named("jsonl")) {
        let sheet = sheet.without_vectors();
        outputs.push(Output::begin(&path, lines, &sheet, options.force)?);
    }
    progress.begin("exporting vectors", Some(info.rows));
    for (at, row) in (1..).zip(collection.scan(key)?) {
        let (item, vector) = row?;
        for output in &mut outputs {
            output.writer.write(&item.id, &item.metadata, &vector).map_err(|e| unwritable(&output.path, &e))?;
        }
        step(progress, at)?;
    }
    let mut done = Vec::new();
    for Output { path, target, writer } in outputs {
        writer.finish().map_err(|e| unwritable(&path, &e))?;
        done.push((path, target));
    }
    progress.end();
    // The vectors' file last: whoever sees it has the other too.
    for (path, target) in done.into_iter().rev() {
        target.keep().map_err(|e| unwritable(&path, &e))?;
    }
    let files = [Some(options.file.clone()), options.format.beside(&options.file)];
    Ok(Exported { rows: sheet.rows, dim: info.dim, files: files.into_iter().flatten().collect() })
}

/// Tells of a row; asks at times whether to go on.
fn step(progress: &dyn Progress, at: u64) -> Result<(), Error> {
    progress.advance(1);
    if at.is_multiple_of(256) && progress.cancelled() { Err(Error::Cancelled) } else { Ok(()) }
}

fn unwritable(path: &Path, reason: &exchange::Error) -> Error {
    Error::Refused(format!("`{}` can't be written: {reason}", path.display()))
}
