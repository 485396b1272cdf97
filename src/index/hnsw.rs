//! Approximate search: a walk through a graph of the rows.
//!
//! The walk is worth it only when it looks at far fewer rows than there are to choose from. A scan looks at the p rows that
//! pass the filter; a walk with beam b through n rows looks at about [`WALK_COST`] · b · n / p, counted in rows of a scan. The
//! cheaper of the two is taken, so with few rows, and with filters that pass little, a search is exact.

use super::beam::Walks;
use super::exact::{self, Exact};
use super::graph::Graph;
use super::select::hits;
use super::{Error, Hit, Index, RowSet};
use crate::embedding::Embeddings;

/// What one row of the beam costs, in rows of a scan: the neighbours that are looked at for it, in no order of memory.
pub const WALK_COST: usize = 32;

/// Rows kept in mind during a walk, unless more are asked for.
pub const BEAM: usize = 96;

/// A graph with its rows.
pub struct Hnsw<'a> {
    graph: &'a Graph,
    rows: &'a Embeddings,
    exact: Exact<'a>,
    beam: usize,
    walks: Walks,
}

impl<'a> Hnsw<'a> {
    /// Searches `rows` by the graph that was built from them.
    ///
    /// # Errors
    /// [`Error::OtherRows`] when the graph is of another number of rows or dimensions.
    pub fn new(graph: &'a Graph, rows: &'a Embeddings) -> Result<Self, Error> {
        if graph.len() != rows.len() || graph.dim() != rows.dim() {
            return Err(Error::OtherRows { graph: (graph.len(), graph.dim()), rows: (rows.len(), rows.dim()) });
        }
        Ok(Hnsw { graph, rows, exact: Exact::new(rows)?, beam: BEAM, walks: Walks::default() })
    }

    /// With another beam than the usual one: more rows find more and take longer.
    #[must_use]
    pub fn with_beam(mut self, beam: usize) -> Self {
        self.beam = beam.max(1);
        self
    }

    /// The `k` nearest rows by the walk alone, however many or few rows there are. It can give fewer than there are.
    pub(super) fn walk(&self, query: &[f32], k: usize, accept: Option<&RowSet>) -> Vec<Hit> {
        self.walks.with(|walk| {
            walk.run(self.graph, self.rows, query, self.beam.max(k), accept);
            hits(walk.best.words(), k)
        })
    }
}

impl Index for Hnsw<'_> {
    fn search(&self, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error> {
        exact::check(self.rows, query.len())?;
        let n = self.rows.len();
        let passing = accept.map_or(n, RowSet::count);
        let k = k.min(passing);
        let walk_rows = (self.beam.max(k) * WALK_COST).saturating_mul(n) / passing.max(1);
        if passing > walk_rows {
            let found = self.walk(query, k, accept);
            // A graph can hide rows; what was asked for and is there is given.
            if found.len() == k {
                return Ok(found);
            }
        }
        self.exact.search(query, k, accept)
    }

    fn is_exact(&self) -> bool {
        false
    }
}
