//! Retrieval: candidates by falling cosine for each query, some of them relevant.
//!
//! ```
//! use dyad::{embedding::Scores, metric::{Measure, Retrieval}};
//! let scores = Scores { n: 1, k: 3, values: vec![0.9, 0.5, 0.1] };
//! let r = Retrieval::new(&scores, |_query, candidate| candidate == 1)?;
//! assert_eq!(r.queries()[0].as_ref().map(|q| q.first), Some(2));
//! # Ok::<(), dyad::metric::Error>(())
//! ```
//!
//! Convention: of equal cosines the irrelevant candidates come first, so a tie never helps. R@m asks whether *any* relevant
//! candidate is among the first m. A masked pair (−∞) is no candidate. A query without a relevant candidate takes no part.

use super::cosines::{Cosines, each_row};
use super::distribution::Ascending;
use super::{Error, Function, METRICS, Measure, check, ratio, weight};
use crate::embedding::Scores;
use crate::progress::{Progress, Silent};

/// The depths of R@m.
const DEPTHS: [usize; 3] = [1, 5, 10];
/// The depth of nDCG.
const GAIN_DEPTH: usize = 10;

/// How one query went.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Rank of the first relevant candidate, from 1.
    pub first: usize,
    /// Mean of the precision at the rank of each relevant candidate.
    pub average_precision: f64,
    /// nDCG at 10.
    pub ndcg: f64,
    /// Relevant candidates.
    pub relevant: usize,
    /// Relevant candidates whose cosine an irrelevant one equals.
    pub tied: usize,
}

/// Queries, ranked and ready to be measured at any weights.
#[derive(Debug, Clone)]
pub struct Retrieval {
    queries: Vec<Option<Query>>,
    by_rank: Ascending,
}

/// Means over queries, which the metrics read.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// R@1, R@5, R@10.
    pub hits: [f64; 3],
    pub average_precision: f64,
    pub reciprocal_rank: f64,
    pub median_rank: f64,
    pub ndcg: f64,
}

impl Retrieval {
    /// Takes the cosines of n queries with k candidates; `relevant(query, candidate)` tells what should be found.
    ///
    /// # Errors
    /// Without queries or candidates, at NaN, or when no query has a relevant candidate.
    pub fn new(scores: &Scores, relevant: impl Fn(usize, usize) -> bool + Sync) -> Result<Self, Error> {
        check(scores, "queries and candidates")?;
        Retrieval::over(scores, relevant, &Silent)
    }

    /// Takes cosines that need not be in memory.
    ///
    /// # Errors
    /// As [`Retrieval::new`]; when vectors can't be read or `progress` is cancelled.
    pub fn over(
        of: &dyn Cosines,
        relevant: impl Fn(usize, usize) -> bool + Sync,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let queries = each_row(of, "queries and candidates", progress, |query, row| {
            // A row may be long.
            if progress.cancelled() { Err(Error::Cancelled) } else { Ok(rank(row, |c| relevant(query, c))) }
        })?;
        let firsts = queries.iter().enumerate().filter_map(|(i, q)| Some((q.as_ref()?.first as f64, i))).collect::<Vec<_>>();
        if firsts.is_empty() {
            return Err(Error::NoPositive { queries: queries.len() });
        }
        Ok(Retrieval { queries, by_rank: Ascending::new(firsts) })
    }

    /// How each query went; none without a relevant candidate.
    pub fn queries(&self) -> &[Option<Query>] {
        &self.queries
    }

    /// The queries that take no part, since nothing is relevant to them.
    pub fn without_positive(&self) -> Vec<usize> {
        self.queries.iter().enumerate().filter(|(_, query)| query.is_none()).map(|(i, _)| i).collect()
    }

    /// How many relevant candidates stand behind an irrelevant one of equal cosine.
    pub fn ties(&self) -> usize {
        self.queries.iter().flatten().map(|query| query.tied).sum()
    }

    fn tally(&self, weights: &[u32]) -> Tally {
        let (mut total, mut hits) = (0, [0; 3]);
        let (mut precision, mut reciprocal, mut ndcg) = (0.0, 0.0, 0.0);
        for (i, query) in self.queries.iter().enumerate() {
            let Some(query) = query else { continue };
            let w = weight(weights, i);
            total += w;
            for (hit, depth) in hits.iter_mut().zip(DEPTHS) {
                *hit += if query.first <= depth { w } else { 0 };
            }
            precision += w as f64 * query.average_precision;
            reciprocal += w as f64 / query.first as f64;
            ndcg += w as f64 * query.ndcg;
        }
        let mean = |sum: f64| if total == 0 { f64::NAN } else { sum / total as f64 };
        Tally {
            hits: hits.map(|hit| ratio(hit, total)),
            average_precision: mean(precision),
            reciprocal_rank: mean(reciprocal),
            median_rank: self.by_rank.quantile(weights, 0.5),
            ndcg: mean(ndcg),
        }
    }
}

/// Sorts one query's candidates and reads off the ranks of the relevant ones.
fn rank(row: &[f32], relevant: impl Fn(usize) -> bool) -> Option<Query> {
    let candidates = row.iter().enumerate().filter(|&(_, &score)| score > f32::NEG_INFINITY);
    let mut candidates: Vec<(f32, bool)> = candidates.map(|(c, &score)| (score + 0.0, relevant(c))).collect();
    candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut query = Query { first: 0, average_precision: 0.0, ndcg: 0.0, relevant: 0, tied: 0 };
    let (mut gain, mut best_gain) = (0.0, 0.0);
    let mut irrelevant_at = None;
    for (i, &(score, is_relevant)) in candidates.iter().enumerate() {
        if !is_relevant {
            irrelevant_at = Some(score);
            continue;
        }
        query.relevant += 1;
        query.tied += usize::from(irrelevant_at == Some(score));
        if query.first == 0 {
            query.first = i + 1;
        }
        query.average_precision += query.relevant as f64 / (i + 1) as f64;
        gain += discount(i);
        best_gain += discount(query.relevant - 1);
    }
    if query.relevant == 0 {
        return None;
    }
    query.average_precision /= query.relevant as f64;
    query.ndcg = gain / best_gain;
    Some(query)
}

/// What a relevant candidate at place `i` from 0 is worth.
fn discount(i: usize) -> f64 {
    if i < GAIN_DEPTH { 1.0 / ((i + 2) as f64).log2() } else { 0.0 }
}

impl Measure for Retrieval {
    fn items(&self) -> usize {
        self.queries.len()
    }

    fn names(&self) -> Vec<String> {
        METRICS.iter().filter(|m| matches!(m.function, Function::Retrieval(_))).map(|m| m.name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let tally = self.tally(weights);
        METRICS.iter().filter_map(|m| if let Function::Retrieval(f) = m.function { Some(f(&tally)) } else { None }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_cosines_the_irrelevant_come_first() {
        let scores = Scores { n: 1, k: 4, values: vec![0.5, 0.5, 0.5, 0.1] };
        let r = Retrieval::new(&scores, |_, c| c == 0).unwrap();
        assert_eq!((r.queries()[0].as_ref().unwrap().first, r.ties()), (3, 1));
        let masked = Scores { n: 1, k: 4, values: vec![0.5, f32::NEG_INFINITY, 0.5, 0.1] };
        assert_eq!(Retrieval::new(&masked, |_, c| c == 0).unwrap().queries()[0].as_ref().unwrap().first, 2);
    }

    #[test]
    fn queries_without_a_relevant_candidate_take_no_part() {
        let scores = Scores { n: 2, k: 2, values: vec![0.9, 0.1, 0.9, 0.1] };
        let r = Retrieval::new(&scores, |q, c| q == 0 && c == 0).unwrap();
        assert_eq!(r.without_positive(), [1]);
        assert!(r.point().iter().all(|e| e.value == 1.0));
        assert!(matches!(Retrieval::new(&scores, |_, _| false), Err(Error::NoPositive { queries: 2 })));
        let nan = Scores { n: 1, k: 1, values: vec![f32::NAN] };
        assert!(matches!(Retrieval::new(&nan, |_, _| true), Err(Error::Score { .. })));
    }
}
