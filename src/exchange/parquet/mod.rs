//! Apache Parquet: typed columns in groups of rows.
//!
//! ```text
//!   message items {
//!     required binary id (STRING);
//!     required group vector (LIST) { repeated group list { required float element; } }
//!     optional binary label (STRING);     optional int64 pitch;     optional double duration_s;     optional boolean solo;
//!   }
//! ```
//! Read: the vectors from a column of lists of `float`, `double` or `float16` (pandas, polars and pyarrow write such), ids and
//! fields from columns of text, numbers and booleans, fields from lists of text too; packed by snappy, zstd or gzip, or not.
//! Other columns (times, decimals, bytes, nested ones) are left out and named. Written: as drawn, snappy but for the vectors,
//! some thousand rows a group.
//! Source: the crate `parquet`, without arrow.

mod lists;
mod read;
mod write;

pub(super) use write::create;

use std::path::Path;

use super::{Ask, Error, Reader};

/// Most rows in a group that is written, and most bytes of its vectors.
const GROUP: usize = 8_192;
const GROUP_BYTES: usize = 16 << 20;

pub(super) fn open(path: &Path, ask: &Ask) -> Result<Box<dyn Reader>, Error> {
    fenced(|| read::open(path, ask))
}

/// Runs a call into the crate, whose panics on wrong bytes are errors.
fn fenced<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let broken = |panic| Error::wrong(format!("it is not a parquet file, or damaged: {panic}"));
    crate::guard::guard(work).unwrap_or_else(|panic| Err(broken(panic)))
}

fn fault(error: parquet::errors::ParquetError) -> Error {
    // A failed write comes wrapped; what the system said is what matters.
    match error {
        parquet::errors::ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => Error::Io(*io),
            Err(other) => Error::wrong(other.to_string()),
        },
        other => {
            let text: String = other.to_string().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
            Error::wrong(format!("it is not a parquet file, or damaged: {}", text.trim_end_matches('.')))
        }
    }
}
