//! What a classification comes to at one weighting: counts by rank and by class, and the mean areas; the metrics read it.
//!
//! Convention: F1, recall and balanced accuracy as scikit-learn has them; 0 where a class has neither items nor predictions.

use crate::metric::{mean_of_defined, ratio};

/// Weighted counts, which the metrics read.
#[derive(Debug, Clone)]
pub struct Tally {
    pub(super) total: u64,
    /// Items by the rank of their class.
    pub(super) ranks: Vec<u64>,
    pub(super) support: Vec<u64>,
    pub(super) predicted: Vec<u64>,
    pub(super) right: Vec<u64>,
    pub(super) roc_auc: f64,
    pub(super) pr_auc: f64,
}

impl Tally {
    /// Of ranks from 0, the last that of what no m reaches, and mean areas alone: without guesses and so without F1.
    pub(in crate::metric) fn of_ranks(ranks: Vec<u64>, (roc_auc, pr_auc): (f64, f64)) -> Tally {
        let zeros = vec![0; ranks.len().saturating_sub(1)];
        let total = ranks.iter().sum();
        Tally { total, ranks, support: zeros.clone(), predicted: zeros.clone(), right: zeros, roc_auc, pr_auc }
    }

    /// Top-m accuracy.
    pub fn top(&self, m: usize) -> f64 {
        // The last rank is that of masked classes, which no m reaches.
        ratio(self.ranks.iter().take(m.min(self.support.len())).sum(), self.total)
    }

    /// F1 and support of the classes that occur or are guessed.
    fn f1(&self) -> impl Iterator<Item = (f64, u64)> {
        let counts = self.support.iter().zip(&self.predicted).zip(&self.right);
        counts.filter(|((s, p), _)| **s + **p > 0).map(|((&s, &p), &right)| (ratio(2 * right, s + p), s))
    }

    /// Weighted F1.
    pub fn f1_weighted(&self) -> f64 {
        if self.total == 0 {
            f64::NAN
        } else {
            self.f1().map(|(f1, support)| f1 * support as f64).sum::<f64>() / self.total as f64
        }
    }

    /// Macro F1.
    pub fn f1_macro(&self) -> f64 {
        mean_of_defined(self.f1().map(|(f1, _)| f1))
    }

    /// Recall of one class; NaN without items.
    pub fn recall(&self, class: usize) -> f64 {
        self.right.get(class).zip(self.support.get(class)).map_or(f64::NAN, |(&right, &support)| ratio(right, support))
    }

    /// Mean recall.
    pub fn balanced_accuracy(&self) -> f64 {
        mean_of_defined(self.right.iter().zip(&self.support).map(|(&right, &support)| ratio(right, support)))
    }

    /// Macro ROC-AUC.
    pub fn roc_auc(&self) -> f64 {
        self.roc_auc
    }

    /// Macro average precision.
    pub fn pr_auc(&self) -> f64 {
        self.pr_auc
    }
}
