//! What a search, and the file of an index, can fail with.

use std::io;
use std::path::PathBuf;

/// Why there is no result, or no index.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the query has {found} numbers, expected {expected} as the rows have")]
    Dimension { expected: usize, found: usize },
    #[error("an index takes vectors of at most {most} numbers, the space has {found}")]
    Wide { most: usize, found: usize },
    #[error("an index holds at most {most} rows, the space has {found}")]
    TooMany { most: usize, found: usize },
    #[error("the index is of {} rows of {} numbers, there are {} rows of {}", index.0, index.1, rows.0, rows.1)]
    OtherRows { index: (usize, usize), rows: (usize, usize) },
    #[error("stopped")]
    Cancelled,
    /// It was made from other rows. Make it again.
    #[error("the index `{}` was made from other rows than those stored", path.display())]
    Stale { path: PathBuf },
    /// Its bytes are not those that were written. Make it again.
    #[error("the index `{}` is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
    /// It is something else, or of another version of dyad. It may be somebody's file.
    #[error("`{}` is not an index of version {supported}", path.display())]
    Foreign { path: PathBuf, supported: u32 },
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}
