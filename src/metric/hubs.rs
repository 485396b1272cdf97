//! Hubs: candidates that are among the k nearest of far more queries than others are.
//!
//! Convention: N(c) is the number of queries that have candidate c among their k nearest, of equal scores the first. Hubness
//! is the skewness of N over candidates, third central moment over the second to 3/2, as `scipy.stats.skew`; 0 is even, and
//! it is undefined where all N are equal. Intervals resample candidates with the N that they have. A masked pair (−∞) is none.
//!
//! CSLS lowers a candidate by how near it lies to everything: cos(q, c) − ½ r(c), r(c) being its mean cosine with its k
//! nearest queries (the query's own term changes no order).
//!
//! Source: Radovanović, Nanopoulos, Ivanović, JMLR 2010; Conneau et al., ICLR 2018, for CSLS.

use rayon::prelude::*;

use super::catalog::family;
use super::{Error, Function, Measure, check, weight};
use crate::embedding::Scores;

/// How often each candidate is near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hubs(Vec<u32>);

/// Weighted numbers, which the metrics read.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub skewness: f64,
    /// Share of candidates that are near no query.
    pub orphans: f64,
}

impl Hubs {
    /// Counts, for each candidate (column), the queries (rows) that have it among their `k` nearest.
    ///
    /// # Errors
    /// Without queries or candidates, or at NaN.
    pub fn new(scores: &Scores, k: usize) -> Result<Self, Error> {
        check(scores, "queries and candidates")?;
        let none = || vec![0u32; scores.k];
        let count = |mut counts: Vec<u32>, row: &[f32]| {
            nearest(row.iter().copied(), k).into_iter().for_each(|c| counts[c] += 1);
            counts
        };
        let add = |mut counts: Vec<u32>, others: Vec<u32>| {
            counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
            counts
        };
        Ok(Hubs(scores.values.par_chunks_exact(scores.k).fold(none, count).reduce(none, add)))
    }

    /// How often each candidate is near.
    pub fn counts(&self) -> &[u32] {
        &self.0
    }
}

/// The positions of the `k` greatest, masked ones left out.
fn nearest(row: impl Iterator<Item = f32>, k: usize) -> Vec<usize> {
    let mut order: Vec<(f32, usize)> = row.enumerate().filter(|(_, s)| *s > f32::NEG_INFINITY).map(|(i, s)| (s, i)).collect();
    let by_score = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if k < order.len() && k > 0 {
        order.select_nth_unstable_by(k - 1, by_score);
    }
    order.into_iter().take(k).map(|(_, i)| i).collect()
}

/// The scores after CSLS, in their place, brought into −1 to 1: (cos − ½ r(c)) / 1.5.
///
/// # Errors
/// Without queries or candidates, or at NaN.
pub fn csls(mut scores: Scores, k: usize) -> Result<Scores, Error> {
    check(&scores, "queries and candidates")?;
    let column = |c: usize| scores.values.iter().skip(c).step_by(scores.k).copied();
    let crowd: Vec<f32> = (0..scores.k)
        .into_par_iter()
        .map(|c| {
            let near = nearest(column(c), k);
            let sum: f32 = near.iter().map(|&q| scores.row(q)[c]).sum();
            if near.is_empty() { 0.0 } else { sum / near.len() as f32 }
        })
        .collect();
    for row in scores.values.chunks_exact_mut(scores.k) {
        row.iter_mut().zip(&crowd).for_each(|(score, crowd)| *score = (*score - crowd / 2.0) / 1.5);
    }
    Ok(scores)
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Hubs(of) = function { Some(of) } else { None })
}

impl Measure for Hubs {
    fn items(&self) -> usize {
        self.0.len()
    }

    fn names(&self) -> Vec<String> {
        metrics().map(|(name, _)| name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let weighed = || self.0.iter().enumerate().map(|(i, &n)| (weight(weights, i) as f64, f64::from(n)));
        let total: f64 = weighed().map(|(w, _)| w).sum();
        let mean = weighed().map(|(w, n)| w * n).sum::<f64>() / total;
        let moment = |power: i32| weighed().map(|(w, n)| w * (n - mean).powi(power)).sum::<f64>() / total;
        let spread = moment(2);
        let tally = Tally {
            skewness: if spread > 0.0 { moment(3) / spread.powf(1.5) } else { f64::NAN },
            // An empty sum of floats is −0.
            orphans: (weighed().filter(|&(_, n)| n == 0.0).map(|(w, _)| w).sum::<f64>() + 0.0) / total,
        };
        metrics().map(|(_, of)| of(&tally)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hub() {
        // Candidate 0 is nearest to all four queries.
        let row = [0.9, 0.1, 0.1, 0.2];
        let hubs = Hubs::new(&Scores { n: 4, k: 4, values: row.repeat(4) }, 1).unwrap();
        assert_eq!(hubs.counts(), [4, 0, 0, 0]);
        // Deviations 3, −1, −1, −1: moments 3 and 6; 6 / 3^1.5.
        let found = hubs.evaluate(&[1; 4]);
        assert!((found[0] - 6.0 / 27f64.sqrt()).abs() < 1e-12 && found[1] == 0.75, "{found:?}");
        assert!(hubs.evaluate(&[0, 1, 1, 1])[0].is_nan());
        // No orphan is 0, not −0.
        assert!(hubs.evaluate(&[1, 0, 0, 0])[1].is_sign_positive());
    }

    #[test]
    fn csls_takes_the_hub_down() {
        // Candidate 0 is near both queries, and the second query has only candidate 1 for its own.
        let scores = Scores { n: 2, k: 2, values: vec![0.9, 0.0, 0.8, 0.7] };
        assert_eq!(Hubs::new(&scores, 1).unwrap().counts(), [2, 0]);
        // r = (0.85, 0.35): the second query's scores become 0.375 and 0.525 (over 1.5).
        assert_eq!(Hubs::new(&csls(scores, 2).unwrap(), 1).unwrap().counts(), [1, 1]);
    }

    #[test]
    fn a_masked_candidate_is_no_neighbour() {
        let masked = Scores { n: 1, k: 2, values: vec![f32::NEG_INFINITY, 0.1] };
        assert_eq!(Hubs::new(&masked, 5).unwrap().counts(), [0, 1]);
    }
}
