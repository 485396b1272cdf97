//! Zero-shot classification: each item goes to the class with the greatest cosine.
//!
//! ```
//! use dyad::{embedding::Scores, metric::{Classification, Measure}};
//! let scores = Scores { n: 3, k: 2, values: vec![0.9, 0.1, 0.2, 0.8, 0.6, 0.4] };
//! let c = Classification::new(&scores, &[0, 1, 1])?;
//! assert_eq!(c.predicted(), [0, 1, 0]);
//! assert_eq!(c.point()[0].value, 2.0 / 3.0); // top1
//! # Ok::<(), dyad::metric::Error>(())
//! ```
//!
//! Convention: a tie counts against the model. The rank of the true class is the number of other classes at or above its
//! cosine; the prediction is the class of the greatest cosine, of tied ones the first that is *not* the true class. So
//! `top1` is the accuracy of the predictions. A masked true class is never among the first m; a masked pair takes no part
//! in the areas. Absent classes are named by [`Classification::absent`].
//!
//! Source: protocols of the ISMIR 2024 paper; F1, balanced accuracy and the areas as scikit-learn has them.

mod baseline;
mod tally;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

pub use tally::Tally;

use super::areas::{Columns, MOST_PAIRS};
use super::catalog::family;
use super::cosines::{Cosines, each_row};
use super::order::Areas;
use super::weighting::{Weighed, Weightings, each};
use super::{Error, Function, Measure, at, check, check_truth, ratio, weight};
use crate::embedding::Scores;
use crate::progress::{Progress, Silent};

/// Items × classes, ready to be measured at any weights.
#[derive(Clone)]
pub struct Classification {
    classes: usize,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    judged: Vec<Judged>,
    /// Of each class, the items for which it is masked.
    masked: Vec<u64>,
    columns: Columns,
    /// The areas of each class as the items are, once they were asked for.
    plain: OnceLock<Vec<Areas>>,
    tops: usize,
}

/// How one item went.
#[derive(Debug, Clone, Copy)]
struct Judged {
    /// Other classes above the true one; the number of classes where the true one is masked.
    above: u32,
    /// Other classes at or above the true one; likewise.
    rank: u32,
    /// The greatest cosine.
    best: f32,
    /// The true class's cosine.
    own: f32,
    /// Classes that are not masked.
    open: u32,
}

/// One class against the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Items of this class.
    pub support: u64,
    /// Items that went to this class.
    pub predicted: u64,
    /// 0 without items.
    pub recall: f64,
    /// 0 without predictions.
    pub precision: f64,
    pub f1: f64,
    /// NaN without items of both kinds.
    pub roc_auc: f64,
    /// NaN without items of both kinds.
    pub average_precision: f64,
}

impl Classification {
    /// Takes the cosines of n items with k classes, and the class of each item, 0 to k − 1.
    ///
    /// # Errors
    /// Without items or classes, when lengths differ, at NaN, at a class outside, or when all of an item's classes are masked.
    pub fn new(scores: &Scores, truth: &[usize]) -> Result<Self, Error> {
        check(scores, "items and classes")?;
        Classification::over(Arc::new(scores.clone()), truth, &Silent)
    }

    /// Takes cosines that need not be in memory; they are asked for again when areas are measured.
    ///
    /// # Errors
    /// As [`Classification::new`]; when vectors can't be read or `progress` is cancelled.
    pub fn over(of: Arc<dyn Cosines>, truth: &[usize], progress: &dyn Progress) -> Result<Self, Error> {
        Classification::within(MOST_PAIRS, of, truth, progress)
    }

    /// Keeps at most `most` sorted pairs in memory.
    pub(super) fn within(most: usize, of: Arc<dyn Cosines>, truth: &[usize], progress: &dyn Progress) -> Result<Self, Error> {
        check_truth(&*of, truth)?;
        let masked: Vec<AtomicU64> = (0..of.candidates()).map(|_| AtomicU64::new(0)).collect();
        let found = each_row(&*of, "items and classes", progress, |item, row| {
            for (masked, _) in masked.iter().zip(row).filter(|&(_, &score)| score == f32::NEG_INFINITY) {
                masked.fetch_add(1, Ordering::Relaxed);
            }
            judge(item, row, truth.get(item).copied())
        })?;
        let (predicted, judged) = found.into_iter().unzip();
        let masked = masked.into_iter().map(AtomicU64::into_inner).collect();
        let (classes, truth) = (of.candidates(), truth.to_vec());
        let columns = Columns::new(of, &truth, most, progress)?;
        Ok(Classification { classes, truth, predicted, judged, masked, columns, plain: OnceLock::new(), tops: 5 })
    }

    /// Measures top-1 to top-`m`, where `m` is above the usual five.
    #[must_use]
    pub fn up_to(mut self, m: usize) -> Self {
        self.tops = m.max(5);
        self
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The class that an item has.
    pub fn class_of(&self, item: usize) -> Option<usize> {
        self.truth.get(item).copied()
    }

    /// The class that each item went to.
    pub fn predicted(&self) -> &[usize] {
        &self.predicted
    }

    /// For each item, whether its class is among the first `m`.
    pub fn right(&self, m: usize) -> Vec<bool> {
        self.judged.iter().map(|item| (item.rank as usize) < m).collect()
    }

    /// How many items missed the first `m` only because of an equal cosine at the border.
    pub fn ties(&self, m: usize) -> usize {
        self.judged.iter().filter(|item| (item.above as usize) < m && m <= item.rank as usize).count()
    }

    /// The classes that the means of the areas leave out, since all items or none are of them.
    pub fn absent(&self) -> Vec<usize> {
        self.plain_areas().iter().enumerate().filter(|(_, areas)| areas.roc_auc.is_nan()).map(|(class, _)| class).collect()
    }

    /// A row for each class.
    pub fn per_class(&self) -> Vec<Class> {
        let tally = self.counts();
        let counts = tally.support.iter().zip(&tally.predicted).zip(&tally.right);
        counts
            .zip(self.plain_areas())
            .map(|(((&support, &predicted), &right), areas)| Class {
                support,
                predicted,
                recall: ratio(right, support.max(1)),
                precision: ratio(right, predicted.max(1)),
                f1: ratio(2 * right, (support + predicted).max(1)),
                roc_auc: areas.roc_auc,
                average_precision: areas.average_precision,
            })
            .collect()
    }

    /// Items by true class (row) and predicted class (column).
    pub fn confusion(&self) -> Vec<Vec<u64>> {
        let mut matrix = vec![vec![0; self.classes]; self.classes];
        for (&own, &guess) in self.truth.iter().zip(&self.predicted) {
            if let Some(cell) = matrix.get_mut(own).and_then(|row| row.get_mut(guess)) {
                *cell += 1;
            }
        }
        matrix
    }

    /// The greatest cosine of each item and that of its class, which are the same where it went right.
    pub fn best_and_own(&self) -> impl Iterator<Item = (f32, f32)> {
        self.judged.iter().map(|item| (item.best, item.own))
    }

    /// The reciprocal of the rank of each item's class, ties against it; 0 where it is masked.
    pub fn reciprocal_ranks(&self) -> Vec<f64> {
        let reciprocal = |item: &Judged| if item.own == f32::NEG_INFINITY { 0.0 } else { 1.0 / f64::from(item.rank + 1) };
        self.judged.iter().map(reciprocal).collect()
    }

    /// The areas of each class as the items are: kept since the intervals were made, or else computed now. NaN where the
    /// vectors can't be read any more.
    fn plain_areas(&self) -> &[Areas] {
        self.plain.get_or_init(|| {
            let mut plain = None;
            let none = Areas { roc_auc: f64::NAN, average_precision: f64::NAN };
            match self.columns.means(&self.truth, &Weighed(&vec![1; self.truth.len()]), &mut plain, &Silent) {
                Ok(_) => plain.unwrap_or_default(),
                Err(_) => vec![none; self.classes],
            }
        })
    }

    /// Counts each item once, without areas.
    fn counts(&self) -> Tally {
        self.tally(&vec![1; self.truth.len()], (f64::NAN, f64::NAN))
    }

    /// `f` of the counts and areas at each of several weightings.
    ///
    /// # Errors
    /// When vectors can't be read or `progress` is cancelled.
    pub(super) fn tallied<T: Send>(
        &self,
        weightings: &dyn Weightings,
        progress: &dyn Progress,
        f: impl Fn(&Tally) -> T + Sync,
    ) -> Result<Vec<T>, Error> {
        let mut plain = self.plain.get().cloned();
        let means = self.columns.means(&self.truth, weightings, &mut plain, progress)?;
        self.plain.get_or_init(|| plain.unwrap_or_default());
        each(weightings, self.truth.len(), progress, |index, weights| {
            f(&self.tally(weights, means.get(index).map_or((f64::NAN, f64::NAN), |means| means.values())))
        })
    }

    /// Counts the items as often as their weights say.
    fn tally(&self, weights: &[u32], (roc_auc, pr_auc): (f64, f64)) -> Tally {
        let zeros = vec![0; self.classes];
        let mut tally = Tally {
            total: 0,
            ranks: vec![0; self.classes + 1],
            support: zeros.clone(),
            predicted: zeros.clone(),
            right: zeros,
            roc_auc,
            pr_auc,
        };
        for (item, ((&own, &guess), judged)) in self.truth.iter().zip(&self.predicted).zip(&self.judged).enumerate() {
            let w = weight(weights, item);
            tally.total += w;
            add(&mut tally.ranks, judged.rank as usize, w);
            add(&mut tally.support, own, w);
            add(&mut tally.predicted, guess, w);
            if own == guess {
                add(&mut tally.right, own, w);
            }
        }
        tally
    }
}

/// The class that an item goes to, and how far its own is from that.
fn judge(item: usize, row: &[f32], own: Option<usize>) -> Result<(usize, Judged), Error> {
    let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if best == f32::NEG_INFINITY {
        return Err(Error::Candidates { item, found: 0, expected: 1 });
    }
    let own_class = own.unwrap_or(row.len());
    let own = row.get(own_class).copied().unwrap_or(f32::NEG_INFINITY);
    let mut at_best = row.iter().enumerate().filter(|&(_, &score)| score == best).map(|(class, _)| class);
    let first = at_best.next().unwrap_or(own_class);
    let predicted = if first == own_class { at_best.next().unwrap_or(own_class) } else { first };
    let (above, rank) = match own {
        f32::NEG_INFINITY => (row.len(), row.len()),
        _ => (row.iter().filter(|&&s| s > own).count(), row.iter().filter(|&&s| s >= own).count() - 1),
    };
    let open = row.iter().filter(|&&s| s > f32::NEG_INFINITY).count();
    Ok((predicted, Judged { above: above as u32, rank: rank as u32, best, own, open: open as u32 }))
}

fn add(counts: &mut [u64], at: usize, w: u64) {
    if let Some(count) = counts.get_mut(at) {
        *count += w;
    }
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Classification(of) = function { Some(of) } else { None })
}

impl Measure for Classification {
    fn items(&self) -> usize {
        self.truth.len()
    }

    fn names(&self) -> Vec<String> {
        metrics().map(|(name, _)| name.to_owned()).chain((6..=self.tops).map(|m| format!("top{m}"))).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        at(self, weights)
    }

    fn evaluate_each(&self, weightings: &dyn Weightings, progress: &dyn Progress) -> Result<Vec<Vec<f64>>, Error> {
        self.tallied(weightings, progress, |tally| {
            metrics().map(|(_, of)| of(tally)).chain((6..=self.tops).map(|m| tally.top(m))).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Estimate;

    fn scores(k: usize, values: &[f32]) -> Scores {
        Scores { n: values.len() / k, k, values: values.to_vec() }
    }

    fn value(estimates: &[Estimate], name: &str) -> f64 {
        estimates.iter().find(|e| e.name == name).unwrap().value
    }

    #[test]
    fn what_is_no_input_is_refused() {
        assert!(matches!(Classification::new(&scores(2, &[]), &[]), Err(Error::Empty { .. })));
        assert!(matches!(Classification::new(&scores(2, &[0.1, f32::NAN]), &[0]), Err(Error::Score { row: 0, column: 1, .. })));
        assert!(matches!(Classification::new(&scores(2, &[0.1, f32::INFINITY]), &[0]), Err(Error::Score { .. })));
        assert!(matches!(
            Classification::new(&scores(2, &[0.1, 0.2]), &[2]),
            Err(Error::Class { item: 0, class: 2, classes: 2 })
        ));
        assert!(matches!(Classification::new(&scores(2, &[0.1, 0.2]), &[0, 1]), Err(Error::Shape { .. })));
        assert!(matches!(Classification::new(&scores(2, &[f32::NEG_INFINITY; 2]), &[0]), Err(Error::Candidates { .. })));
    }

    #[test]
    fn a_tie_at_the_border_counts_against_the_model_and_is_counted() {
        let c = Classification::new(&scores(3, &[0.5, 0.5, 0.1, 0.5, 0.5, 0.1]), &[0, 2]).unwrap();
        assert_eq!(c.predicted(), [1, 0]);
        assert_eq!((c.right(1), c.right(2), c.right(3)), (vec![false, false], vec![true, false], vec![true, true]));
        assert_eq!((c.ties(1), c.ties(2), c.ties(3)), (1, 0, 0));
    }

    #[test]
    fn a_masked_class_is_not_there() {
        let c = Classification::new(&scores(2, &[f32::NEG_INFINITY, -0.5, 0.9, 0.1]), &[0, 1]).unwrap();
        assert_eq!(c.predicted(), [1, 0]);
        assert_eq!(value(&c.point(), "top5"), 0.5);
        assert_eq!(c.absent(), [0]);
        assert_eq!(value(&c.point(), "roc_auc"), 1.0);
    }

    #[test]
    fn one_item_works() {
        let c = Classification::new(&scores(2, &[0.9, 0.1]), &[0]).unwrap();
        assert_eq!(value(&c.point(), "top1"), 1.0);
        assert_eq!(value(&c.point(), "f1_macro"), 1.0);
        assert!(value(&c.point(), "roc_auc").is_nan());
        assert_eq!(c.absent(), [0, 1]);
    }

    #[test]
    fn every_item_is_in_the_confusion_matrix_once() {
        let c = Classification::new(&scores(2, &[0.9, 0.1, 0.9, 0.2, 0.3, 0.4]), &[0, 1, 1]).unwrap();
        assert_eq!(c.confusion(), [[1, 0], [1, 1]]);
        let classes = c.per_class();
        assert_eq!((classes[1].support, classes[1].recall, classes[1].precision), (2, 0.5, 1.0));
    }
}
