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

use super::catalog::family;
use super::cosines::{Cosines, each_row};
use super::distribution::Ascending;
use super::{Error, Function, Measure, check, ratio, weight};
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

/// The ranks of one query's relevant candidates: only those are sorted, the others are counted between them.
fn rank(row: &[f32], relevant: impl Fn(usize) -> bool) -> Option<Query> {
    let (mut wanted, mut others) = (Vec::new(), Vec::with_capacity(row.len()));
    for (candidate, &score) in row.iter().enumerate().filter(|&(_, &score)| score > f32::NEG_INFINITY) {
        if relevant(candidate) { wanted.push(score) } else { others.push(score) }
    }
    wanted.sort_unstable_by(|a, b| b.total_cmp(a));
    let &least = wanted.last()?;
    // Of each other candidate that is not behind all: which relevant one it is the last to stand before.
    let (mut before, mut equalled) = (vec![0usize; wanted.len()], vec![false; wanted.len()]);
    for score in others.into_iter().filter(|&score| score >= least) {
        let at = wanted.partition_point(|&better| better > score);
        if let (Some(before), Some(equalled), Some(&next)) = (before.get_mut(at), equalled.get_mut(at), wanted.get(at)) {
            *before += 1;
            *equalled |= next == score;
        }
    }
    let mut query = Query { first: 0, average_precision: 0.0, ndcg: 0.0, relevant: 0, tied: 0 };
    let (mut gain, mut best_gain, mut ahead, mut tie) = (0.0, 0.0, 0, None);
    for ((&score, before), equalled) in wanted.iter().zip(before).zip(equalled) {
        ahead += before;
        let place = query.relevant + ahead;
        tie = if equalled { Some(score) } else { tie };
        query.relevant += 1;
        query.tied += usize::from(tie == Some(score));
        if query.first == 0 {
            query.first = place + 1;
        }
        query.average_precision += query.relevant as f64 / (place + 1) as f64;
        gain += discount(place);
        best_gain += discount(query.relevant - 1);
    }
    query.average_precision /= query.relevant as f64;
    query.ndcg = gain / best_gain;
    Some(query)
}

/// What a relevant candidate at place `i` from 0 is worth.
fn discount(i: usize) -> f64 {
    if i < GAIN_DEPTH { 1.0 / ((i + 2) as f64).log2() } else { 0.0 }
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Retrieval(of) = function { Some(of) } else { None })
}

impl Measure for Retrieval {
    fn items(&self) -> usize {
        self.queries.len()
    }

    fn names(&self) -> Vec<String> {
        metrics().map(|(name, _)| name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let tally = self.tally(weights);
        metrics().map(|(_, of)| of(&tally)).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn of_equal_cosines_the_irrelevant_come_first() {
        let scores = Scores { n: 1, k: 4, values: vec![0.5, 0.5, 0.5, 0.1] };
        let r = Retrieval::new(&scores, |_, c| c == 0).unwrap();
        assert_eq!((r.queries()[0].as_ref().unwrap().first, r.ties()), (3, 1));
        let masked = Scores { n: 1, k: 4, values: vec![0.5, f32::NEG_INFINITY, 0.5, 0.1] };
        assert_eq!(Retrieval::new(&masked, |_, c| c == 0).unwrap().queries()[0].as_ref().unwrap().first, 2);
    }

    /// As the definition says it: all candidates sorted.
    fn by_sorting(row: &[f32], relevant: &[bool]) -> (Vec<usize>, usize) {
        let masked = |c: &usize| row[*c] > f32::NEG_INFINITY;
        let mut order: Vec<usize> = (0..row.len()).filter(masked).collect();
        order.sort_by(|&a, &b| row[b].partial_cmp(&row[a]).unwrap().then(relevant[a].cmp(&relevant[b])));
        let ranks = (1..).zip(&order).filter(|&(_, &c)| relevant[c]).map(|(rank, _)| rank).collect();
        let equalled = |c: usize| order.iter().any(|&other| !relevant[other] && row[other] == row[c]);
        (ranks, order.iter().filter(|&&c| relevant[c] && equalled(c)).count())
    }

    #[test]
    fn ranks_are_those_of_a_sorted_list() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        for round in 0..2000 {
            let k = random.random_range(1..40);
            let steps = [2, 5, 1000][round % 3];
            let one = |random: &mut ChaCha8Rng| match random.random_range(0..steps + 1) {
                0 => f32::NEG_INFINITY,
                step => (step - 1) as f32 / steps as f32 * if random.random_bool(0.5) { -1.0 } else { 1.0 },
            };
            let row: Vec<f32> = (0..k).map(|_| one(&mut random)).collect();
            let share = random.random_range(0.0..1.0);
            let relevant: Vec<bool> = (0..k).map(|_| random.random_bool(share)).collect();
            let (ranks, tied) = by_sorting(&row, &relevant);
            let found = rank(&row, |c| relevant[c]);
            assert_eq!(found.is_none(), ranks.is_empty(), "{row:?} {relevant:?}");
            let Some(found) = found else { continue };
            assert_eq!((found.first, found.relevant, found.tied), (ranks[0], ranks.len(), tied), "{row:?} {relevant:?}");
            let precision = (1..).zip(&ranks).map(|(i, &rank)| i as f64 / rank as f64).sum::<f64>() / ranks.len() as f64;
            assert_eq!(found.average_precision, precision, "{row:?} {relevant:?}");
            let gain = |ranks: &mut dyn Iterator<Item = usize>| ranks.map(|rank| discount(rank - 1)).sum::<f64>();
            let ndcg = gain(&mut ranks.iter().copied()) / gain(&mut (1..=ranks.len()));
            assert!((found.ndcg - ndcg).abs() < 1e-12, "{row:?} {relevant:?}");
        }
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
