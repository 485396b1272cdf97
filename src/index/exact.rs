//! Exhaustive search: every row is looked at, and only the best k are kept.

use ndarray::ArrayView2;
use ndarray::linalg::general_mat_mul;
use rayon::prelude::*;

use super::kernel::dot;
use super::select::{Best, hits, pack};
use super::{Error, Hit, Index, RowSet};
use crate::embedding::Embeddings;

/// Rows that one task looks at.
const PART: usize = 4096;
/// Numbers from which on tasks are worth their start.
const PARALLEL_FROM: usize = 1 << 19;
/// Queries and rows of one block of a product: its scores stay in the cache.
const BLOCK_QUERIES: usize = 32;
const BLOCK_ROWS: usize = 1024;
/// How many more than k a product keeps: it rounds otherwise than `dot`, by which the last are then chosen.
const MARGIN: usize = 16;

/// All rows of a space, searched one and all.
#[derive(Debug, Clone, Copy)]
pub struct Exact<'a> {
    rows: &'a Embeddings,
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
        Ok(Exact { rows })
    }

    /// The `k` nearest rows to each query, as [`Index::search`] finds them. Many queries at once cost far less than one by one:
    /// the scores are a blocked matrix product, of which only the best are kept.
    ///
    /// # Errors
    /// [`Error::Dimension`].
    pub fn search_all(&self, queries: &Embeddings, k: usize, accept: Option<&RowSet>) -> Result<Vec<Vec<Hit>>, Error> {
        check(self.rows, queries.dim())?;
        let blocks: Vec<Vec<Vec<Hit>>> =
            queries.rows().par_chunks(BLOCK_QUERIES * queries.dim()).map(|block| self.search_block(block, k, accept)).collect();
        Ok(blocks.into_iter().flatten().collect())
    }

    fn search_block(&self, queries: &[f32], k: usize, accept: Option<&RowSet>) -> Vec<Vec<Hit>> {
        let dim = self.rows.dim();
        let count = queries.len() / dim;
        let mut best: Vec<Best> = (0..count).map(|_| Best::new(k.saturating_add(MARGIN).min(self.rows.len()))).collect();
        let mut scores = ndarray::Array2::zeros((count, BLOCK_ROWS));
        for (number, rows) in self.rows.rows().chunks(BLOCK_ROWS * dim).enumerate() {
            let height = rows.len() / dim;
            let (Ok(a), Ok(b)) = (ArrayView2::from_shape((count, dim), queries), ArrayView2::from_shape((height, dim), rows))
            else {
                continue;
            };
            let mut product = scores.slice_mut(ndarray::s![.., ..height]);
            general_mat_mul(1.0, &a, &b.t(), 0.0, &mut product);
            for (best, scores) in best.iter_mut().zip(product.rows()) {
                let mut bar = best.bar();
                for (i, &score) in scores.iter().enumerate() {
                    let row = number * BLOCK_ROWS + i;
                    let word = pack(score, row as u32);
                    if word > bar && accept.is_none_or(|set| set.contains(row)) {
                        best.offer(word);
                        bar = best.bar();
                    }
                }
            }
        }
        best.iter()
            .zip(queries.chunks_exact(dim))
            .map(|(best, query)| hits(best.rows().map(|row| self.score(query, row)), k))
            .collect()
    }

    /// The word of one row.
    fn score(&self, query: &[f32], row: u32) -> u64 {
        pack(dot(query, self.rows.row(row as usize)), row)
    }

    fn search_part(&self, query: &[f32], k: usize, accept: Option<&RowSet>, part: usize) -> Best {
        let mut best = Best::new(k);
        for row in part * PART..((part + 1) * PART).min(self.rows.len()) {
            if accept.is_none_or(|set| set.contains(row)) {
                best.offer(self.score(query, row as u32));
            }
        }
        best
    }
}

impl Index for Exact<'_> {
    fn search(&self, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error> {
        check(self.rows, query.len())?;
        let k = k.min(self.rows.len());
        let parts = self.rows.len().div_ceil(PART);
        let passing = accept.map_or(self.rows.len(), RowSet::count);
        let best: Vec<Best> = if passing * self.rows.dim() < PARALLEL_FROM {
            (0..parts).map(|part| self.search_part(query, k, accept, part)).collect()
        } else {
            (0..parts).into_par_iter().map(|part| self.search_part(query, k, accept, part)).collect()
        };
        Ok(hits(best.iter().flat_map(Best::words), k))
    }

    fn is_exact(&self) -> bool {
        true
    }
}

/// Refuses queries of another dimension.
pub(super) fn check(rows: &Embeddings, found: usize) -> Result<(), Error> {
    let expected = rows.dim();
    if found == expected { Ok(()) } else { Err(Error::Dimension { expected, found }) }
}
