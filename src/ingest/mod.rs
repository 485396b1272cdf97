//! Audio files and vectors into collections.
//!
//! ```text
//!   paths ─ files ─ labelling ─┐        or a dataset, which brings its own
//!                              ├─ each file: read, hash, known? decode, embed ─ in order ─ commits, while others are embedded
//!   text towers ── labels ─────┘            (all threads)          pipeline       │
//!                                                              what was committed stays, whatever happens next
//! ```
//!
//! Memory is bounded by the files in work. A file that can't be read is listed with its reason and the rest goes on. A file whose
//! content and model are those of the stored vectors is left alone, from whatever folder it is named now.

pub mod audio;
mod batch;
mod cells;
mod clip;
pub mod dataset;
pub mod export;
mod fields;
pub mod files;
pub mod import;
pub mod labelling;
mod named;
mod pipeline;
mod places;
mod rows;
mod shards;
mod table;
mod windows;

use std::path::PathBuf;

use crate::value::Value;
use crate::workspace;

pub use audio::{Failure, Options, Summary, ingest, ingest_found, reembed};
pub use labelling::Labelling;
pub use rows::Rows;
pub use windows::{Keep, Pool};

/// Why nothing could be ingested or imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Workspace(#[from] workspace::Error),
    #[error("`{}` can't be read: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    #[error("{0}")]
    Refused(String),
    #[error("interrupted; what was stored so far stays, and the same command goes on from there")]
    Cancelled,
}

impl From<crate::store::Error> for Error {
    fn from(error: crate::store::Error) -> Self {
        Error::Workspace(error.into())
    }
}

/// A number, text, truth value or list of these; none for an object, or a list with one or with a list in it.
fn json_value(value: serde_json::Value) -> Option<Value> {
    match value {
        serde_json::Value::Null => Some(Value::Null),
        serde_json::Value::Bool(bool) => Some(Value::Bool(bool)),
        serde_json::Value::Number(number) => Some(match number.as_i64() {
            Some(int) => Value::Int(int),
            // A float would round it.
            None if number.is_u64() => Value::Text(number.to_string()),
            None => number.as_f64().into(),
        }),
        serde_json::Value::String(text) => Some(Value::Text(text)),
        serde_json::Value::Array(members) => {
            let scalar = |member: serde_json::Value| json_value(member).filter(|value| !value.is_list());
            Some(Value::List(members.into_iter().map(scalar).collect::<Option<_>>()?))
        }
        serde_json::Value::Object(_) => None,
    }
}
