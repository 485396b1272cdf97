//! Approximate search: a walk through the graph by codes, then the best of what was found by the rows themselves.
//!
//! The walk is worth it only when it looks at far fewer rows than there are to choose from. A scan looks at the p rows that
//! pass the filter; a walk with beam b through n rows looks at about [`WALK_COST`] · b · n / p, counted in rows of a scan. The
//! cheaper of the two is taken, so with few rows, and with filters that pass little, a search is exact.

use super::exact::{self, Exact};
use super::select::{hits, pack, unpack};
use super::{Error, Flat, Hit, Index, RowSet};
use crate::kernel;

/// What one row of the beam costs, in rows of a scan: the neighbours that are looked at for it, in no order of memory.
pub const WALK_COST: usize = 40;

/// Rows kept in mind during a walk, unless more are asked for.
pub const BEAM: usize = 96;

/// Rows that are looked at again beyond the k that are asked for: rounding can order near ones otherwise.
const AGAIN: usize = 30;

/// A walk through an index.
pub struct Hnsw<'a> {
    flat: &'a Flat,
    beam: usize,
}

impl<'a> Hnsw<'a> {
    /// Searches by the graph of `flat`.
    pub fn new(flat: &'a Flat) -> Self {
        Hnsw { flat, beam: BEAM }
    }

    /// With another beam than the usual one: more rows find more and take longer.
    #[must_use]
    pub fn with_beam(mut self, beam: usize) -> Self {
        self.beam = beam.max(1);
        self
    }

    /// Whether the `k` nearest of `passing` rows are walked to; else a scan of these rows is cheaper, and is what is done.
    pub fn walks(&self, k: usize, passing: usize) -> bool {
        let beam = self.beam.max(k.min(passing));
        passing > (beam * WALK_COST).saturating_mul(self.flat.len()) / passing.max(1)
    }

    /// The `k` nearest rows by the walk alone, however many or few rows there are. It can give fewer than there are.
    fn walk(&self, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error> {
        let beam = self.beam.max(k);
        self.flat.walks.with(|walk| {
            walk.query.set(query);
            walk.run(&self.flat.ground(), beam, accept).map_err(|_| self.flat.damaged())?;
            let mut found: Vec<u64> = walk.best.words().collect();
            let again = k.saturating_add(AGAIN.max(k / 4)).min(found.len());
            if again > 0 && again < found.len() {
                found.select_nth_unstable_by(again - 1, |a, b| b.cmp(a));
                found.truncate(again);
            }
            let (numbers, dim) = (self.flat.numbers(), self.flat.dim());
            let row_of = |row: u32| numbers.get(row as usize * dim..(row as usize + 1) * dim).unwrap_or_default();
            found.iter().for_each(|&word| kernel::prefetch(row_of(unpack(word).1)));
            for word in &mut found {
                let (_, row) = unpack(*word);
                if !self.flat.sound_numbers(row as usize) {
                    return Err(self.flat.damaged());
                }
                *word = pack(kernel::dot(query, row_of(row)), row);
            }
            Ok(hits(found.into_iter(), k))
        })
    }
}

impl Index for Hnsw<'_> {
    fn search(&self, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error> {
        exact::check(self.flat.dim(), query.len())?;
        let accept = accept.or(self.flat.live());
        let passing = accept.map_or(self.flat.len(), RowSet::count);
        let k = k.min(passing);
        if self.walks(k, passing) {
            let found = self.walk(query, k, accept)?;
            // A graph can hide rows; what was asked for and is there is given.
            if found.len() == k {
                return Ok(found);
            }
        }
        Exact::of(self.flat).search(query, k, accept)
    }
}
