//! Files of vectors: what other programs write and read.
//!
//! ```text
//!   id    vector              label   pitch        one row an item; `id` and `vector` are names that no field has
//!   a     [0.1, −0.3, …]      violin  64
//!   b     [0.2,  0.0, …]      tuba
//! ```
//!
//! | format | vector | id and fields |
//! |---|---|---|
//! | npy | the array, rows × dimension | a JSONL file of the same rows beside it |
//! | npz | the array `vector` | an array each, with `NAME.missing` where some rows have none |
//! | safetensors | the tensor `vector` | a JSONL file beside it |
//! | jsonl | a list of numbers | members of the row's object |
//! | parquet | a column of lists of `float` | a column each |
//!
//! All are read and written row by row: memory does not grow with the file. Nothing here knows a store. To add a format, write
//! its [`Reader`] and [`Writer`] and give it a line in [`FORMATS`].

mod columns;
mod grid;
mod jsonl;
mod npy;
mod npz;
mod parquet;
mod safetensors;
mod strip;
mod target;
#[cfg(test)]
mod trial;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::one_of;
use crate::value::Value;

pub use columns::{Column, Kind, Sheet};
pub use jsonl::Names;
pub use target::{Sink, Target};

/// Name of the column, array or member that holds the ids.
pub const ID: &str = "id";
/// Name of the column, array or member that holds the vectors.
pub const VECTOR: &str = "vector";
/// Other names that files of others give to vectors, in the order in which they are tried.
const VECTOR_NAMES: [&str; 6] = [VECTOR, "vectors", "embedding", "embeddings", "emb", "features"];
/// Other names that files of others give to ids.
const ID_NAMES: [&str; 9] = [ID, "ids", "path", "file", "filename", "file_name", "name", "song", "key"];
/// A field of this name would hide the ids or vectors: it is written behind this.
const ESCAPE: &str = "meta.";

type Open = fn(&Path, &Ask) -> Result<Box<dyn Reader>, Error>;
type Create = fn(Box<dyn Sink>, &Sheet) -> Result<Box<dyn Writer>, Error>;

/// A kind of file.
pub struct Format {
    /// What the command line calls it; also its usual extension.
    pub name: &'static str,
    /// True when ids and fields are in the file itself; else they go to a JSONL file beside it.
    pub has_fields: bool,
    open: Open,
    create: Create,
}

/// Every format.
pub static FORMATS: [Format; 5] = [
    Format { name: "npy", has_fields: false, open: npy::open, create: npy::create },
    Format { name: "npz", has_fields: true, open: npz::open, create: npz::create },
    Format { name: "safetensors", has_fields: false, open: safetensors::open, create: safetensors::create },
    Format { name: "jsonl", has_fields: true, open: jsonl::open, create: jsonl::create },
    Format { name: "parquet", has_fields: true, open: parquet::open, create: parquet::create },
];

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// Opens a file of vectors.
    ///
    /// # Errors
    /// When it can't be read, is not of this format, or does not say which of its parts holds the vectors.
    pub fn open(&self, path: &Path, ask: &Ask) -> Result<Box<dyn Reader>, Error> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(Error::wrong(format!("it is a folder: expected a file of kind {}", self.name)));
        }
        if !metadata.is_file() {
            // A pipe is empty when it is read for the second time.
            return Err(Error::wrong(format!("it is no regular file: expected one of kind {}, which is read twice", self.name)));
        }
        (self.open)(path, ask)
    }

    /// Begins a file of vectors in `sink`.
    ///
    /// # Errors
    /// When it can't be written, or the format can't hold what `sheet` says.
    pub fn create(&self, sink: Box<dyn Sink>, sheet: &Sheet) -> Result<Box<dyn Writer>, Error> {
        (self.create)(sink, sheet)
    }

    /// Where the ids and fields of `path` go when the format has no place for them.
    pub fn beside(&self, path: &Path) -> Option<PathBuf> {
        (!self.has_fields).then(|| path.with_extension("jsonl"))
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Which parts of a file hold what, where that is not plain from their names.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The array, tensor, column or member with the vectors.
    pub vectors: Option<String>,
    /// That with the ids.
    pub ids: Option<String>,
}

impl Ask {
    /// The part that holds the vectors, out of `able`, those that could.
    fn vectors_of<'a>(&self, what: &str, able: &[&'a str]) -> Result<&'a str, Error> {
        let find = |name: &str| able.iter().copied().find(|one| *one == name);
        if let Some(asked) = &self.vectors {
            return find(asked).ok_or_else(|| {
                let there =
                    if able.is_empty() { "it has none".to_owned() } else { format!("it has {}", one_of(able.iter().copied())) };
                Error::wrong(format!("it has no {what} of vectors `{asked}`: {there}"))
            });
        }
        match (VECTOR_NAMES.iter().find_map(|name| find(name)), able) {
            (Some(found), _) => Ok(found),
            (None, [only]) => Ok(only),
            (None, []) => Err(Error::wrong(format!("it has no {what} of vectors"))),
            (None, several) => Err(Error::wrong(format!(
                "several {what}s could be the vectors: `--vectors-in NAME` says which of {}",
                one_of(several.iter().copied())
            ))),
        }
    }

    /// The part that holds the ids, out of all that are no vectors; none when the file has no ids.
    fn ids_of<'a>(&self, what: &str, able: &[&'a str]) -> Result<Option<&'a str>, Error> {
        let find = |name: &str| able.iter().copied().find(|one| *one == name);
        match &self.ids {
            Some(asked) => find(asked).map(Some).ok_or_else(|| {
                let there =
                    if able.is_empty() { "it has none".to_owned() } else { format!("it has {}", one_of(able.iter().copied())) };
                Error::wrong(format!("it has no {what} of ids `{asked}`: {there}"))
            }),
            None => Ok(ID_NAMES.iter().find_map(|name| find(name))),
        }
    }
}

/// One row of a file of vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the row is called, where the file says so.
    pub id: Option<String>,
    pub fields: BTreeMap<String, Value>,
    /// The numbers, or what is wrong with this row, as the end of a sentence: "is no JSON object". Other rows are fine.
    pub vector: Result<Vec<f32>, String>,
}

/// Reads the rows of a file in their order.
pub trait Reader {
    /// The next rows, at most `most`; none at the end.
    ///
    /// # Errors
    /// When the file can't be read on: it is cut short, damaged, or the disk fails.
    fn read(&mut self, most: usize) -> Result<Vec<Row>, Error>;

    /// How many rows there are, where the file says so before they are read.
    fn rows(&self) -> Option<u64>;

    /// Parts of the file that are not taken, with the reason: "`when` is a timestamp".
    fn left_out(&self) -> &[String];
}

/// Writes rows one after the other.
pub trait Writer {
    /// Adds a row; `vector` has as many numbers as the sheet said.
    ///
    /// # Errors
    /// When the file can't be written.
    fn write(&mut self, id: &str, fields: &BTreeMap<String, Value>, vector: &[f32]) -> Result<(), Error>;

    /// Completes the file and gives it back.
    ///
    /// # Errors
    /// When it can't be written, or there were more or fewer rows than the sheet said.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// Why a file can't be read or written, as the end of a sentence that names the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Wrong(String),
}

impl Error {
    fn wrong(reason: impl Into<String>) -> Error {
        Error::Wrong(reason.into())
    }
}

/// The name that a field has in a file.
fn written_name(field: &str) -> String {
    match field == ID || field == VECTOR || field.starts_with(ESCAPE) {
        true => format!("{ESCAPE}{field}"),
        false => field.to_owned(),
    }
}

/// The field that a name in a file stands for: only what [`written_name`] puts behind the prefix comes out of it.
fn field_name(written: &str) -> String {
    let escaped = written.strip_prefix(ESCAPE).filter(|field| written_name(field) == written);
    escaped.unwrap_or(written).to_owned()
}

/// Held by writers whose header gave the number of rows away.
fn check_count(written: u64, expected: u64) -> Result<(), Error> {
    match written == expected {
        true => Ok(()),
        false => Err(Error::wrong(format!("{written} rows came where {expected} were expected: the store changed meanwhile"))),
    }
}

/// The id that a value stands for: numbers are ids too.
fn id_of(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_hides_ids_or_vectors() {
        for name in ["id", "vector", "label", "meta.id", "meta.x", "ids"] {
            let written = written_name(name);
            assert!(written != ID && written != VECTOR);
            assert_eq!(field_name(&written), name);
        }
    }

    #[test]
    fn names_that_others_gave_stay() {
        for name in ["meta.x", "meta.label", "meta.", "meta", "x"] {
            assert_eq!(field_name(name), name);
        }
        assert_eq!((field_name("meta.id"), field_name("meta.meta.x")), ("id".to_owned(), "meta.x".to_owned()));
    }

    #[test]
    fn the_part_with_the_vectors_is_found_or_asked_for() {
        let ask = Ask::default();
        assert_eq!(ask.vectors_of("array", &["b", "embeddings"]).unwrap(), "embeddings");
        assert_eq!(ask.vectors_of("array", &["odd"]).unwrap(), "odd");
        assert!(ask.vectors_of("array", &["a", "b"]).unwrap_err().to_string().contains("`--vectors-in NAME`"));
        let ask = Ask { vectors: Some("b".into()), ids: Some("c".into()) };
        assert_eq!(ask.vectors_of("array", &["a", "b"]).unwrap(), "b");
        assert!(ask.ids_of("array", &["a"]).unwrap_err().to_string().contains("`c`"));
    }
}
