//! Exhaustive search: every row is looked at, and only the best k are kept.
//!
//! Where there are codes, they are looked at first: a quarter of the bytes. With the bound of what rounding changed
//! ([`super::codes`]) no row that could be among the best is missed; those few are looked at again by their numbers. So the
//! hits are those of a scan of all numbers, to the bit.

use rayon::prelude::*;

use super::codes::{Coded, Query};
use super::kernel::{self, dot};
use super::select::{Best, hits, pack, unpack};
use super::{Error, Flat, Hit, Index, RowSet, product};
use crate::embedding::Embeddings;

/// Rows that one task looks at.
const PART: usize = 4096;
/// Numbers from which on tasks are worth their start.
const PARALLEL_FROM: usize = 1 << 19;

/// All rows of a space, searched one and all.
#[derive(Debug, Clone, Copy)]
pub struct Exact<'a> {
    dim: usize,
    rows: &'a [f32],
    coded: Option<(&'a Flat, Coded<'a>)>,
}

impl<'a> Exact<'a> {
    /// Searches these rows.
    ///
    /// # Errors
    /// [`Error::TooMany`] from 2³² rows on.
    pub fn new(rows: &'a Embeddings) -> Result<Self, Error> {
        let most = u32::MAX as usize;
        if rows.len() > most {
            return Err(Error::TooMany { most, found: rows.len() });
        }
        Ok(Exact { dim: rows.dim(), rows: rows.rows(), coded: None })
    }

    /// Searches the rows of an index, those that count.
    pub fn of(flat: &'a Flat) -> Self {
        Exact { dim: flat.dim(), rows: flat.numbers(), coded: Some((flat, flat.coded())) }
    }

    /// The `k` nearest rows to each query, as [`Index::search`] finds them. Many queries at once cost far less than one by one:
    /// the scores are a blocked matrix product of codes, of which only the best are kept.
    ///
    /// # Errors
    /// [`Error::Dimension`]; [`Error::Damaged`] when a row of an index is not what was written.
    pub fn search_all(&self, queries: &Embeddings, k: usize, accept: Option<&RowSet>) -> Result<Vec<Vec<Hit>>, Error> {
        check(self.dim, queries.dim())?;
        let accept = accept.or(self.coded.and_then(|(flat, _)| flat.live()));
        if let Some((flat, _)) = self.coded {
            flat.check(0..self.len(), true)?;
        }
        Ok(product::search_all(self.rows, self.dim, queries, k, accept))
    }

    fn len(&self) -> usize {
        self.rows.len() / self.dim.max(1)
    }

    fn row(&self, row: usize) -> &'a [f32] {
        self.rows.get(row * self.dim..(row + 1) * self.dim).unwrap_or_default()
    }

    /// The word of one row.
    fn score(&self, query: &[f32], row: u32) -> u64 {
        pack(dot(query, self.row(row as usize)), row)
    }

    fn search_part(&self, query: &[f32], k: usize, accept: Option<&RowSet>, part: usize) -> Best {
        let mut best = Best::new(k);
        for row in part * PART..((part + 1) * PART).min(self.len()) {
            if accept.is_none_or(|set| set.contains(row)) {
                best.offer(self.score(query, row as u32));
            }
        }
        best
    }

    /// The rows of a part that may be among the best `k`: words of the least that their products can be, and of the most.
    fn sift_part(
        &self,
        (flat, coded): (&Flat, Coded<'_>),
        query: &Query,
        k: usize,
        accept: Option<&RowSet>,
        part: usize,
    ) -> Result<(Best, Vec<u64>), Error> {
        let range = part * PART..((part + 1) * PART).min(self.len());
        let passing: Vec<u32> = match accept {
            None => range.map(|row| row as u32).collect(),
            Some(set) => range.filter(|&row| set.contains(row)).map(|row| row as u32).collect(),
        };
        if !passing.iter().all(|&row| flat.check(row as usize..row as usize + 1, false).is_ok()) {
            return Err(flat.damaged());
        }
        let mut sums = Vec::with_capacity(passing.len());
        kernel::gather(&query.codes, coded.codes, &passing, &mut sums);
        let (mut best, mut maybe) = (Best::new(k), Vec::new());
        for (&row, &sum) in passing.iter().zip(&sums) {
            let of = |values: &[f32]| values.get(row as usize).copied().unwrap_or_default();
            let (estimate, bound) = (query.estimate(sum, of(coded.scales)), query.bound(of(coded.errors)));
            let most = pack(estimate + bound, row);
            if most >= best.bar() {
                best.offer(pack(estimate - bound, row));
                maybe.push(most);
            }
        }
        maybe.retain(|&most| most >= best.bar());
        Ok((best, maybe))
    }

    fn sift(&self, flat: &Flat, coded: Coded<'_>, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error> {
        let mut rounded = Query::default();
        rounded.set(query);
        let parts = self.len().div_ceil(PART);
        let one = |part| self.sift_part((flat, coded), &rounded, k, accept, part);
        let parts: Vec<(Best, Vec<u64>)> = match self.is_large(accept) {
            true => (0..parts).into_par_iter().map(one).collect::<Result<_, _>>()?,
            false => (0..parts).map(one).collect::<Result<_, _>>()?,
        };
        let mut best = Best::new(k);
        parts.iter().flat_map(|(part, _)| part.words()).for_each(|word| best.offer(word));
        // The best k are at least as near as the k-th of what all are at least.
        let maybe: Vec<u32> = parts.iter().flat_map(|(_, m)| m).filter(|&&m| m >= best.bar()).map(|&m| unpack(m).1).collect();
        let look = |&row: &u32| match flat.sound_numbers(row as usize) {
            true => Ok(self.score(query, row)),
            false => Err(flat.damaged()),
        };
        let words: Vec<u64> = maybe.iter().map(look).collect::<Result<_, _>>()?;
        Ok(hits(words.into_iter(), k))
    }

    fn is_large(&self, accept: Option<&RowSet>) -> bool {
        accept.map_or(self.len(), RowSet::count) * self.dim >= PARALLEL_FROM
    }
}

impl Index for Exact<'_> {
    fn search(&self, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error> {
        check(self.dim, query.len())?;
        let k = k.min(self.len());
        if let Some((flat, coded)) = self.coded {
            return self.sift(flat, coded, query, k, accept.or(flat.live()));
        }
        let parts = self.len().div_ceil(PART);
        let best: Vec<Best> = match self.is_large(accept) {
            true => (0..parts).into_par_iter().map(|part| self.search_part(query, k, accept, part)).collect(),
            false => (0..parts).map(|part| self.search_part(query, k, accept, part)).collect(),
        };
        Ok(hits(best.iter().flat_map(Best::words), k))
    }

    fn is_exact(&self) -> bool {
        true
    }
}

/// Refuses queries of another dimension.
pub(super) fn check(expected: usize, found: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Dimension { expected, found }) }
}
