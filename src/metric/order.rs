//! Pairs sorted once by score, for areas under curves at any weights.
//!
//! ```text
//!   score   .9   .7 .7 .7   .4          one entry a pair, best first
//!   kind     +    − + −      −          bit 1 of the entry
//!   last     1    0 0 1      1          bit 0: the last of its tie, where the curve gets its next point
//! ```
//!
//! Source: ROC-AUC is the Mann–Whitney statistic with ties one half; average precision is the step sum
//! Σ (Rₙ − Rₙ₋₁)·Pₙ over distinct scores, as `sklearn.metrics.average_precision_score`.

use super::weight;

/// Item numbers have 30 bits beside the two flags.
pub(super) const MOST_ITEMS: usize = (1 << 30) - 1;

/// A pair of an item with a candidate.
pub(super) struct Pair {
    pub score: f32,
    pub item: usize,
    pub positive: bool,
}

/// Pairs by falling score, packed as `item << 2 | positive << 1 | last of its tie`.
#[derive(Debug, Clone)]
pub(super) struct Ranked(Vec<u32>);

/// Areas under the two curves; both NaN unless there are positive and negative pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Areas {
    pub roc_auc: f64,
    pub average_precision: f64,
}

impl Ranked {
    /// Sorts the pairs; masked ones (−∞) are left out. Item numbers are at most [`MOST_ITEMS`].
    pub fn new(pairs: impl Iterator<Item = Pair>) -> Self {
        // Adding zero makes −0 and 0 one number for the total order.
        let mut sorted: Vec<(f32, u32)> = pairs
            .filter(|pair| pair.score > f32::NEG_INFINITY)
            .map(|pair| (pair.score + 0.0, (pair.item as u32) << 2 | u32::from(pair.positive) << 1))
            .collect();
        sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let next = sorted.iter().skip(1).map(|pair| Some(pair.0)).chain([None]);
        Ranked(sorted.iter().zip(next).map(|(&(score, entry), next)| entry | u32::from(next != Some(score))).collect())
    }

    /// The areas when each pair counts as often as its item.
    pub fn areas(&self, weights: &[u32]) -> Areas {
        let (mut above_positive, mut above) = (0u64, 0u64);
        let (mut tied_positive, mut tied) = (0u64, 0u64);
        let (mut wins_doubled, mut precision) = (0u64, 0.0f64);
        for &entry in &self.0 {
            let w = weight(weights, (entry >> 2) as usize);
            tied += w;
            tied_positive += w * u64::from(entry >> 1 & 1);
            if entry & 1 == 1 {
                wins_doubled += (tied - tied_positive) * (2 * above_positive + tied_positive);
                above_positive += tied_positive;
                above += tied;
                if tied_positive > 0 {
                    precision += tied_positive as f64 * above_positive as f64 / above as f64;
                }
                (tied, tied_positive) = (0, 0);
            }
        }
        let (positive, negative) = (above_positive, above - above_positive);
        if positive == 0 || negative == 0 {
            return Areas { roc_auc: f64::NAN, average_precision: f64::NAN };
        }
        Areas {
            roc_auc: wins_doubled as f64 / (2.0 * positive as f64 * negative as f64),
            average_precision: precision / positive as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(scores: &[(f32, bool)]) -> Ranked {
        Ranked::new(scores.iter().enumerate().map(|(item, &(score, positive))| Pair { score, item, positive }))
    }

    #[test]
    fn ties_count_one_half_and_zero_has_one_sign() {
        let areas = ranked(&[(0.0, true), (-0.0, false)]).areas(&[1, 1]);
        assert_eq!(areas, Areas { roc_auc: 0.5, average_precision: 0.5 });
        let areas = ranked(&[(0.9, true), (0.5, false), (0.5, true), (0.1, false)]).areas(&[1; 4]);
        assert_eq!(areas.roc_auc, 3.5 / 4.0);
        assert!((areas.average_precision - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-15);
    }

    #[test]
    fn one_kind_alone_has_no_area() {
        assert!(ranked(&[(0.3, true), (0.2, true)]).areas(&[1, 1]).roc_auc.is_nan());
        assert!(ranked(&[(0.3, true), (0.2, false)]).areas(&[1, 0]).roc_auc.is_nan());
        assert!(ranked(&[(0.3, true), (f32::NEG_INFINITY, false)]).areas(&[1, 1]).average_precision.is_nan());
    }
}
