//! Cosines of positive pairs (an item with its own class) and of negative pairs (with any other).
//!
//! Convention: the overlap is Σ min(p, q) over histograms of area 1 with bins of 0.01 from −1 ([`Bins::COSINE`]): fixed
//! bins, so that models and prompts compare. Intervals resample items, each with all its pairs. A masked pair (−∞) is none.
//!
//! Source: Figure 3 of the ISMIR 2024 paper.

use super::order::{Pair, Ranked};
use super::{Bins, Distribution, Error, Function, METRICS, Measure, check, check_truth, ratio, weight};
use crate::embedding::Scores;

/// Pairs, sorted and binned, ready to be measured at any weights.
#[derive(Debug, Clone)]
pub struct Pairs {
    scores: Scores,
    truth: Vec<usize>,
    sums: Vec<Sums>,
    ranked: Ranked,
}

/// What one item adds.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    positive: f64,
    positives: u64,
    negative: f64,
    negatives: u64,
}

/// Weighted numbers, which the metrics read. NaN without pairs of a kind that they need.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub positive_mean: f64,
    pub negative_mean: f64,
    pub overlap: f64,
    pub roc_auc: f64,
}

impl Pairs {
    /// Takes the cosines of n items with k classes, and the class of each item, 0 to k − 1.
    ///
    /// # Errors
    /// Without items or classes, when lengths differ, at NaN, or at a class outside.
    pub fn new(scores: &Scores, truth: &[usize]) -> Result<Self, Error> {
        check(scores, "items and classes")?;
        check_truth(scores, truth)?;
        let mut pairs = Pairs {
            scores: scores.clone(),
            truth: truth.to_vec(),
            sums: vec![Sums::default(); scores.n],
            ranked: Ranked::new([].into_iter()),
        };
        pairs.ranked = Ranked::new(pairs.all());
        let mut sums = std::mem::take(&mut pairs.sums);
        for pair in pairs.all().filter(|pair| pair.score > f32::NEG_INFINITY) {
            if let Some(sum) = sums.get_mut(pair.item) {
                if pair.positive {
                    (sum.positive, sum.positives) = (sum.positive + f64::from(pair.score), sum.positives + 1);
                } else {
                    (sum.negative, sum.negatives) = (sum.negative + f64::from(pair.score), sum.negatives + 1);
                }
            }
        }
        pairs.sums = sums;
        Ok(pairs)
    }

    /// Every pair, row by row.
    fn all(&self) -> impl Iterator<Item = Pair> {
        let rows = self.scores.values.chunks_exact(self.scores.k).zip(&self.truth).enumerate();
        rows.flat_map(|(item, (row, &own))| {
            row.iter().enumerate().map(move |(class, &score)| Pair { score, item, positive: class == own })
        })
    }

    /// The cosines of one kind, unmasked.
    fn values(&self, positive: bool) -> impl Iterator<Item = f64> {
        self.all().filter(move |p| p.positive == positive && p.score > f32::NEG_INFINITY).map(|p| f64::from(p.score))
    }

    /// The positive pairs.
    pub fn positive(&self) -> Distribution {
        Distribution::new(self.values(true).collect())
    }

    /// The negative pairs.
    pub fn negative(&self) -> Distribution {
        Distribution::new(self.values(false).collect())
    }

    /// Counts of the positive and of the negative pairs in [`Bins::COSINE`].
    pub fn histograms(&self) -> (Vec<f64>, Vec<f64>) {
        (Bins::COSINE.counts(self.values(true)), Bins::COSINE.counts(self.values(false)))
    }

    fn tally(&self, weights: &[u32]) -> Tally {
        let mut total = Sums::default();
        for (item, sums) in self.sums.iter().enumerate() {
            let w = weight(weights, item);
            total.positive += w as f64 * sums.positive;
            total.positives += w * sums.positives;
            total.negative += w as f64 * sums.negative;
            total.negatives += w * sums.negatives;
        }
        let mut bins = vec![(0, 0); Bins::COSINE.count];
        for pair in self.all().filter(|pair| pair.score > f32::NEG_INFINITY) {
            if let Some(bin) = bins.get_mut(Bins::COSINE.of(f64::from(pair.score))) {
                let kind = if pair.positive { &mut bin.0 } else { &mut bin.1 };
                *kind += weight(weights, pair.item);
            }
        }
        let share = |&(p, q): &(u64, u64)| ratio(p, total.positives).min(ratio(q, total.negatives));
        let both = total.positives > 0 && total.negatives > 0;
        Tally {
            positive_mean: total.positive / total.positives as f64,
            negative_mean: total.negative / total.negatives as f64,
            overlap: if both { bins.iter().map(share).sum() } else { f64::NAN },
            roc_auc: self.ranked.areas(weights).roc_auc,
        }
    }
}

impl Measure for Pairs {
    fn items(&self) -> usize {
        self.truth.len()
    }

    fn names(&self) -> Vec<String> {
        METRICS.iter().filter(|m| matches!(m.function, Function::Pairs(_))).map(|m| m.name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let tally = self.tally(weights);
        METRICS.iter().filter_map(|m| if let Function::Pairs(f) = m.function { Some(f(&tally)) } else { None }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apart_and_alike() {
        let apart = Pairs::new(&Scores { n: 2, k: 2, values: vec![0.9, 0.1, 0.2, 0.8] }, &[0, 1]).unwrap();
        let tally = apart.tally(&[1, 1]);
        assert_eq!((tally.overlap, tally.roc_auc), (0.0, 1.0));
        assert_eq!((apart.positive().count, apart.negative().count), (2, 2));
        let alike = Pairs::new(&Scores { n: 2, k: 2, values: vec![0.3; 4] }, &[0, 1]).unwrap().tally(&[1, 1]);
        assert_eq!((alike.overlap, alike.roc_auc), (1.0, 0.5));
    }

    #[test]
    fn one_class_has_no_negative_pair() {
        let only = Pairs::new(&Scores { n: 1, k: 1, values: vec![0.3] }, &[0]).unwrap();
        let tally = only.tally(&[1]);
        assert!(tally.overlap.is_nan() && tally.roc_auc.is_nan() && tally.negative_mean.is_nan());
        assert!((tally.positive_mean - 0.3).abs() < 1e-7);
    }
}
