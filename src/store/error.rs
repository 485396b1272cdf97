//! What a store can fail with.
//!
//! [`Error::Locked`], [`Error::Damaged`], [`Error::Format`] and [`Error::Foreign`] mean that the store cannot be used as it
//! is (the program's exit code 3); [`Error::Refused`] means that one request cannot be granted and the store is well.

use std::io;
use std::path::{Path, PathBuf};

use super::space::SpaceKey;
use super::storage::{Storage, Unkept};

/// Why a request to the store failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store `{}` is in use by another dyad process{}", path.display(), number(holder))]
    Locked { path: PathBuf, holder: Option<u32> },
    /// Bytes that were not written so. `what` is a clause that says which ("block 3 of …: …").
    #[error("the store is damaged: {what}")]
    Damaged { what: String },
    #[error("`{}` has store format {found}, expected format {supported} or older", path.display())]
    Format { path: PathBuf, found: u32, supported: u32 },
    #[error("`{}` is not a store: it holds `{file}`, expected an empty folder or a store made by dyad", path.display())]
    Foreign { path: PathBuf, file: String },
    #[error("`{}` holds no store", path.display())]
    NoStore { path: PathBuf },
    #[error("`{}` is a file and no snapshot of a store: expected a store's folder, or a file that `dyad snapshot` wrote", path.display())]
    NoSnapshot { path: PathBuf },
    /// As [`Error::Snapshot`], of one that is read in place of a store.
    #[error("`{}` is no whole snapshot of a store: {what}", path.display())]
    BadSnapshot { path: PathBuf, what: String },
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The byte store gave up for another reason than input or output.
    #[error("the byte store failed: {message}")]
    Backend { message: String },
    #[error("`{}` is no whole snapshot of a store: {what}", path.display())]
    Snapshot { path: PathBuf, what: String },
    #[error("interrupted")]
    Cancelled,
}

impl Error {
    /// True when the store as a whole cannot be used: locked, damaged, or of another make.
    pub fn is_fatal(&self) -> bool {
        use Error::{BadSnapshot, Damaged, Foreign, Format, Locked, NoSnapshot};
        let other = matches!(self, Format { .. } | Foreign { .. } | NoSnapshot { .. } | BadSnapshot { .. });
        other || matches!(self, Locked { .. } | Damaged { .. })
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Error::Damaged { what: what.into() }
    }

    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Error::Io { doing, path: path.to_owned(), source }
    }
}

/// The system's own error where sled wrapped how it is debugged: `Os { code: 28, kind: StorageFull, … }`.
pub(super) fn plain(error: io::Error) -> io::Error {
    let text = error.to_string();
    let wrapped = text.split_once("Os { code: ").filter(|(head, _)| head.is_empty() || head.starts_with("Custom {"));
    let code = wrapped.and_then(|(_, rest)| rest.split_once(',')?.0.parse().ok());
    code.map_or(error, io::Error::from_raw_os_error)
}

fn number(process: &Option<u32>) -> String {
    process.map(|number| format!(", number {number}")).unwrap_or_default()
}

/// A request that the store does not grant; it stays as it was.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("`{space}` holds vectors of {stored} dimensions, the vector of `{id}` has {given}")]
    Dimension { space: SpaceKey, stored: usize, given: usize, id: String },
    #[error(
        "the collection holds vectors of model `{model}` with hash `{stored}`, those given have hash `{given}`: expected one hash; `dyad collections reembed` renews a collection"
    )]
    ModelHash { model: String, stored: String, given: String },
    #[error("the vector of `{id}` in `{space}` holds NaN or an infinite number")]
    NotFinite { id: String, space: SpaceKey },
    #[error("the vector of `{id}` in `{space}` is all zeros and has no direction")]
    Zero { id: String, space: SpaceKey },
    #[error("the vector of `{id}` in `{space}` {why}: expected other numbers, or a collection with `--storage f32`")]
    Unkept { id: String, space: SpaceKey, why: Unkept },
    #[error(
        "the collection `{name}` keeps its vectors as {stored}, not as {given}: expected `--storage {stored}`, none, or another collection"
    )]
    Storage { name: String, stored: Storage, given: Storage },
    #[error("the {item} item `{id}` cannot have a vector in `{space}`")]
    Modality { id: String, item: crate::embedding::Modality, space: SpaceKey },
    #[error("`{name}` is no {what}: expected 1 to {longest} letters, digits, `-`, `_` or `.`, first a letter or a digit")]
    Name { what: &'static str, name: String, longest: usize },
    #[error("an item's id is 1 to {longest} bytes long, `{shown}…` has {given}")]
    Id { shown: String, given: usize, longest: usize },
    #[error("the record of `{what}` takes {given} bytes, expected at most {longest}")]
    TooLarge { what: String, given: usize, longest: usize },
    #[error("the record of `{what}` cannot be encoded: {reason}")]
    Unencodable { what: String, reason: String },
    #[error("`{}` is there already: expected the name of something new", path.display())]
    Taken { path: PathBuf },
    #[error("`{}` lies in the store that it would be a copy of: expected a place elsewhere", path.display())]
    Within { path: PathBuf },
    #[error(
        "`{}` is a snapshot, which is only read: expected the folder of a store; `dyad --store NEW restore {0}` makes one of it",
        path.display()
    )]
    ReadOnly { path: PathBuf },
    #[error(
        "the snapshot `{}` has store format {found}, and only one of format {present} is read as it is: `dyad --store NEW restore {0}` makes a store of it",
        path.display()
    )]
    OldSnapshot { path: PathBuf, found: u32, present: u32 },
    #[error("the collection `{name}` is there already")]
    Exists { name: String },
    #[error("the collection `{name}` does not exist")]
    NoCollection { name: String },
    #[error("the collection `{collection}` has no vectors in `{space}`")]
    NoSpace { collection: String, space: SpaceKey },
}

/// An item of a batch that was not stored, while others of it were.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// Its place in the batch, from 0.
    pub at: usize,
    pub id: String,
    pub why: Refused,
}
