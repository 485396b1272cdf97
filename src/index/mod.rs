//! Search: the rows nearest to a query.
//!
//! ```text
//!   Embeddings ─┬───────────────────────────────────────────── Exact ┐
//!               │                                                    ├─ Index::search → hits, best first
//!               └─ Draft ─ hnsw_rs builds ─ Flat (a mapped file) ────┤
//!                                                                    └ Hnsw: a walk by codes, exact at the end
//! ```
//! Rows and queries are at unit length; nearness is the cosine, greater is nearer. Equal similarities are ordered by row, so
//! a search gives the same hits with any number of threads. An index is a cache: it names the rows that it was
//! made from by an identity of 32 bytes, and can always be made again.
//!
//! To add a kind of search, implement [`Index`] in a file of its own.

mod beam;
mod build;
mod codes;
mod draft;
mod each;
mod error;
mod exact;
mod flat;
mod graph;
mod grow;
mod hnsw;
mod layout;
mod product;
mod recall;
mod row_set;
mod select;
mod sought;

pub use build::{Settings, build};
pub use draft::Draft;
pub use each::each_nearest;
pub use error::Error;
pub use exact::Exact;
pub use flat::Flat;
pub use hnsw::Hnsw;
pub use recall::{Recall, measure, measure_queries};
pub use row_set::RowSet;

use crate::embedding::Similarity;

/// A row that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub row: usize,
    pub similarity: Similarity,
}

/// Finds the rows nearest to a query.
pub trait Index: Sync {
    /// The `k` nearest rows of those in `accept` (of all without it), best first; fewer when there are fewer.
    ///
    /// `query` is at unit length, of the rows' space.
    ///
    /// # Errors
    /// [`Error::Dimension`] when the query is of another length than the rows.
    fn search(&self, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error>;
}
