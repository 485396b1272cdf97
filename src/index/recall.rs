//! How much of the truth an approximate search finds, measured.
//!
//! Recall@k: of the k rows that an exact search finds, the share that the approximate one finds too; the mean over a sample
//! of stored rows as queries, each left out of its own results. A row as near as the k-th counts as found in its place.

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Error, Exact, Index};
use crate::embedding::Embeddings;

/// A measured recall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recall {
    /// 0 to 1; 1 where there was nothing to find.
    pub value: f64,
    pub k: usize,
    /// Number of queries.
    pub queries: usize,
}

/// The recall@`k` of `found_by` on `rows`, with `queries` stored rows chosen by `seed` (all rows where there are fewer).
///
/// # Errors
/// As [`Index::search`].
pub fn measure(found_by: &dyn Index, rows: &Embeddings, k: usize, queries: usize, seed: u64) -> Result<Recall, Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sample = index::sample(&mut rng, rows.len(), queries.min(rows.len())).into_vec();
    let exact = Exact::new(rows)?.search_all(&rows.select(&sample), k.saturating_add(1), None)?;
    let one = |(&row, truth): (&usize, &Vec<super::Hit>)| -> Result<(usize, usize), Error> {
        let truth: Vec<_> = truth.iter().filter(|hit| hit.row != row).take(k).collect();
        let Some(last) = truth.last() else { return Ok((0, 0)) };
        let found = found_by.search(rows.row(row), k.saturating_add(1), None)?;
        let right = found.iter().filter(|hit| hit.row != row && hit.similarity >= last.similarity).count();
        Ok((right.min(truth.len()), truth.len()))
    };
    let counts: Vec<(usize, usize)> = sample.par_iter().zip(&exact).map(one).collect::<Result<_, _>>()?;
    let (right, all) = counts.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let value = if all == 0 { 1.0 } else { right as f64 / all as f64 };
    Ok(Recall { value, k, queries: sample.len() })
}
