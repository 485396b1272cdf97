//! Audio files and vectors into collections.
//!
//! ```text
//!   paths ─ files ─ labelling ─┐
//!                              ├─ each file: read, hash, known? decode, embed ─ in order ─ commits, while others are embedded
//!   text towers ── labels ─────┘            (all threads)          pipeline       │
//!                                                              what was committed stays, whatever happens next
//! ```
//!
//! Memory is bounded by the files in work. A file that can't be read is listed with its reason and the rest goes on. A file whose
//! content and model are those of the stored vectors is left alone.

pub mod audio;
pub mod export;
mod files;
pub mod import;
pub mod labelling;
mod pipeline;
mod windows;

use std::path::PathBuf;

use crate::workspace;

pub use audio::{Failure, Options, Summary, ingest, reembed};
pub use labelling::Labelling;
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
