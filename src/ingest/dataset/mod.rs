//! Datasets as their authors unpack them: `dyad ingest --dataset NAME FOLDER`.
//!
//! ```text
//!   FOLDER ─ folder ─ what is there ─┐
//!                                    ├─ the dataset's own file: rows → clips with fields ─ listing ─ ingest
//!   its table ─ table ─ columns ─────┘                            └ faults: file, line, column, what was expected
//! ```
//!
//! A dataset is one small file here: what it holds, layout, columns, licence, citation, where to get it; and how a row becomes a
//! clip. Nothing is downloaded. Without licence and citation it does not compile. `docs/datasets.md` is made from the records.
//!
//! Convention of fields: `label` is the one label of a clip; `labels` are all that it has, `absent` those that it is known not
//! to have (where `absent` is there, a label in neither is unknown); `captions` are texts; folds and splits are `fold`, `split`.
//!
//! Source: the datasets' own descriptions; the habit that a loader names licence, citation and checksums is mirdata's.

mod captions;
mod esc50;
mod folder;
mod gtzan;
mod listing;
mod magnatagatune;
mod medley_solos;
mod mirdata;
mod mtg_jamendo;
mod musiccaps;
mod nsynth;
mod openmic;
mod song_describer;
mod table;
mod tinysol;
mod urbansound8k;

use std::path::Path;

pub use folder::Folder;
pub use listing::Listing;
pub use table::{Becomes, Column};

use super::{Error, Rows};
use crate::diagnostic::{did_you_mean, one_of};

/// A dataset's record.
#[derive(Debug, Clone, Copy)]
pub struct Dataset {
    /// As `--dataset` knows it.
    pub name: &'static str,
    pub title: &'static str,
    /// What is in it, and what to know when reading it.
    pub about: &'static str,
    /// How many clips it has; 0 where that is not fixed.
    pub clips: usize,
    /// The files as they are unpacked.
    pub layout: &'static str,
    pub columns: &'static [Column],
    pub licence: &'static str,
    pub citation: &'static str,
    /// Where to get it.
    pub source: &'static str,
    /// Lists the clips of a folder.
    read: fn(&Folder, &mut Listing) -> Result<(), Error>,
}

/// Every dataset, by name.
pub const DATASETS: [Dataset; 13] = [
    esc50::DATASET,
    gtzan::DATASET,
    magnatagatune::DATASET,
    medley_solos::DATASET,
    mtg_jamendo::DATASET,
    captions::DATASET,
    musiccaps::DATASET,
    nsynth::DATASET,
    openmic::DATASET,
    song_describer::DATASET,
    song_describer::VALID,
    tinysol::DATASET,
    urbansound8k::DATASET,
];

/// What else `--dataset` takes, and what it makes of it.
pub const FORMS: [(&str, &str); 3] = [
    ("FILE.json", "an index of mirdata, each file held against its MD5; or an array of captions as `muscall` has them"),
    (
        "FILE.csv, FILE.tsv",
        "a table with a column `path` (or `file`, `id`, …) below FOLDER and further columns, as `--labels` takes",
    ),
    ("FILE.jsonl", "the same, an object a line"),
];

// A record without these is refused when it is compiled.
const _: () = {
    let mut at = 0;
    while at < DATASETS.len() {
        let d = &DATASETS[at];
        assert!(!d.licence.is_empty() && !d.citation.is_empty(), "a dataset states licence and citation");
        assert!(!d.source.is_empty() && !d.layout.is_empty() && !d.about.is_empty(), "a dataset states source and layout");
        at += 1;
    }
};

/// The dataset of this name.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> Result<&'static Dataset, Error> {
    const ALL: &[Dataset] = &DATASETS;
    ALL.iter().find(|d| d.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names = || ALL.iter().map(|d| d.name);
        let nearest = did_you_mean(name, names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Error::Refused(format!(
            "unknown dataset `{name}`: expected {}, or a FILE.json, .csv, .tsv or .jsonl{nearest}",
            one_of(names())
        ))
    })
}

/// What `--dataset` names, with its folder.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// A dataset's name, or a file that lists clips.
    pub dataset: &'a str,
    pub folder: &'a Path,
    /// The table that stands in for the dataset's own.
    pub annotations: Option<&'a Path>,
    /// Holds files that are no audio against their checksums too.
    pub thorough: bool,
}

/// The clips of a dataset with all that is wrong with it.
///
/// # Errors
/// When there is no such dataset, the folder or the table can't be read, or a column is not there.
pub fn read(request: &Request<'_>) -> Result<Listing, Error> {
    let mut folder = Folder::open(request.folder)?;
    folder.annotations = request.annotations.map(Path::to_owned);
    let mut listing = Listing::default();
    let file = Path::new(request.dataset);
    let extension = file.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("json") if is_array(file)? => {
            folder.annotations = Some(file.to_owned());
            (captions::DATASET.read)(&folder, &mut listing)?;
        }
        Some("json") => mirdata::read(file, &folder, request.thorough, &mut listing)?,
        Some("csv" | "tsv" | "jsonl" | "ndjson") => rows(file, &folder, &mut listing)?,
        _ => {
            let dataset = named(request.dataset)?;
            (dataset.read)(&folder, &mut listing)?;
            let found = listing.len();
            if dataset.clips > 0 && found != dataset.clips {
                let what = format!("{found} of the {} clips of {} are there", dataset.clips, dataset.title);
                listing.warnings.push((folder.root.display().to_string(), what));
            }
        }
    }
    listing.faults.append(&mut folder.failures);
    listing.warnings.append(&mut folder.warnings);
    listing.note_strangers(&folder);
    Ok(listing)
}

/// A table that names clips, one a row.
fn rows(file: &Path, folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    let table = Rows::read(file)?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    for ((path, fields), line) in table.rows.into_iter().zip(table.lines) {
        listing.push(folder, &path, fields, &format!("{name}, line {line}"));
    }
    Ok(())
}

/// Whether a JSON file holds an array.
fn is_array(file: &Path) -> Result<bool, Error> {
    Ok(super::table::text(file)?.trim_start().starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_complete() {
        for (at, dataset) in DATASETS.iter().enumerate() {
            assert!(DATASETS.iter().skip(at + 1).all(|other| dataset.name < other.name), "{} is not in order", dataset.name);
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(dataset.name.chars().all(word) && dataset.source.starts_with("http"), "{}", dataset.name);
            let sentence = |text: &str| !text.ends_with('.') && !text.contains('\n') && !text.contains("  ");
            assert!(sentence(dataset.about) && sentence(dataset.licence) && sentence(dataset.citation), "{}", dataset.name);
            assert!(dataset.columns.is_empty() || dataset.columns.iter().any(|c| c.becomes == Becomes::Name), "{}", dataset.name);
        }
    }

    #[test]
    fn names_are_told() {
        assert_eq!(named("TinySOL").unwrap().clips, 2_913);
        let fault = named("tinysoul").unwrap_err().to_string();
        assert!(fault.contains("did you mean `tinysol`?") && fault.contains("`esc-50`"), "{fault}");
    }
}
