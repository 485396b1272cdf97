//! How much of the truth an approximate search finds, measured.
//!
//! Recall@k: of the k rows that an exact search finds, the share that the approximate one finds too, as a mean over queries.
//! A row as near as the k-th counts as found in its place.
//!
//! Stored rows are easy queries: the graph links them to their neighbours. What a search by text finds among audio is
//! measured with the texts: [`measure_queries`].

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Error, Exact, Flat, Hit, Index};
use crate::embedding::{Embeddings, Modality, Space, Stage};

/// A measured recall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recall {
    /// 0 to 1; 1 where there was nothing to find.
    pub value: f64,
    pub k: usize,
    /// Number of queries.
    pub queries: usize,
}

/// The recall@`k` of `index`, a search of `flat`, for `queries` stored rows chosen by `seed` (all rows where there are fewer),
/// each left out of its own results.
///
/// # Errors
/// As [`Index::search`].
pub fn measure(index: &dyn Index, flat: &Flat, k: usize, queries: usize, seed: u64) -> Result<Recall, Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut sample = sample(&mut rng, flat.stored(), queries.min(flat.stored())).into_vec();
    sample.retain(|&row| flat.live().is_none_or(|live| live.contains(row)));
    let mut chosen = Embeddings::empty(Space::new("", Modality::Audio, Stage::Joint), flat.dim());
    for &row in &sample {
        // A row was at unit length when it came in.
        let _ = chosen.push(flat.row(row)?);
    }
    recall(index, flat, &chosen, k, |query| sample.get(query).copied())
}

/// The recall@`k` of `index`, a search of `flat`, for these queries.
///
/// # Errors
/// As [`Index::search`].
pub fn measure_queries(index: &dyn Index, flat: &Flat, queries: &Embeddings, k: usize) -> Result<Recall, Error> {
    recall(index, flat, queries, k, |_| None)
}

fn recall(
    index: &dyn Index,
    flat: &Flat,
    queries: &Embeddings,
    k: usize,
    left_out: impl Fn(usize) -> Option<usize> + Sync,
) -> Result<Recall, Error> {
    let exact = Exact::of(flat).search_all(queries, k.saturating_add(1), None)?;
    let one = |(query, truth): (usize, &Vec<Hit>)| -> Result<(usize, usize), Error> {
        let itself = left_out(query);
        let truth: Vec<&Hit> = truth.iter().filter(|hit| Some(hit.row) != itself).take(k).collect();
        let Some(last) = truth.last() else { return Ok((0, 0)) };
        let found = index.search(queries.row(query), k.saturating_add(usize::from(itself.is_some())), None)?;
        let right = found.iter().filter(|hit| Some(hit.row) != itself && hit.similarity >= last.similarity).count();
        Ok((right.min(truth.len()), truth.len()))
    };
    let counts: Vec<(usize, usize)> = exact.par_iter().enumerate().map(one).collect::<Result<_, _>>()?;
    let (right, all) = counts.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let value = if all == 0 { 1.0 } else { right as f64 / all as f64 };
    Ok(Recall { value, k, queries: queries.len() })
}
