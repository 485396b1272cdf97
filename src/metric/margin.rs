//! Confidence: the best cosine of each item minus the second best.
//!
//! Convention: tied best classes have margin 0, and by the rule of ties such an item is wrong when its class is among them.
//! An item with fewer than two unmasked classes has no margin (NaN) and takes no part.
//!
//! Source: Figure 4 of the ISMIR 2024 paper.

use super::catalog::family;
use super::cosines::{Cosines, each_row};
use super::distribution::Ascending;
use super::order::{Pair, Ranked};
use super::{Distribution, Error, Function, Measure, check, check_truth, weight};
use crate::embedding::Scores;
use crate::progress::{Progress, Silent};

/// Margins of items, sorted and ready to be measured at any weights.
#[derive(Debug, Clone)]
pub struct Margins {
    values: Vec<f64>,
    right: Vec<bool>,
    ascending: Ascending,
    ranked: Ranked,
}

/// Weighted numbers, which the metrics read.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub mean: f64,
    pub median: f64,
    pub roc_auc: f64,
}

impl Margins {
    /// Takes the cosines of n items with k classes, and the class of each item, 0 to k − 1.
    ///
    /// # Errors
    /// As [`Classification::new`](super::Classification::new), and when no item has two unmasked classes.
    pub fn new(scores: &Scores, truth: &[usize]) -> Result<Self, Error> {
        check(scores, "items and classes")?;
        Margins::over(scores, truth, &Silent)
    }

    /// Takes cosines that need not be in memory.
    ///
    /// # Errors
    /// As [`Margins::new`]; when vectors can't be read or `progress` is cancelled.
    pub fn over(of: &dyn Cosines, truth: &[usize], progress: &dyn Progress) -> Result<Self, Error> {
        check_truth(of, truth)?;
        let found = each_row(of, "items and classes", progress, |item, row| {
            let (mut best, mut second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
            for &score in row {
                if score > best {
                    (best, second) = (score, best);
                } else {
                    second = second.max(score);
                }
            }
            if second == f32::NEG_INFINITY {
                return Ok((f64::NAN, false));
            }
            // Right where the best class is the item's own and alone.
            let own = truth.get(item).and_then(|&own| row.get(own)).copied();
            Ok((f64::from(best) - f64::from(second), own == Some(best) && second < best))
        })?;
        let (values, right): (Vec<f64>, Vec<bool>) = found.into_iter().unzip();
        if values.iter().all(|value| value.is_nan()) {
            return Err(Error::Candidates { item: 0, found: of.candidates().min(1), expected: 2 });
        }
        let there = values.iter().enumerate().filter(|(_, value)| !value.is_nan());
        let ascending = Ascending::new(there.map(|(item, &value)| (value, item)).collect());
        let ranked = ranked(&values, &right);
        Ok(Margins { values, right, ascending, ranked })
    }

    /// The margin of each item, 0 to 2; NaN where there are no two classes to lie between.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many items have no margin.
    pub fn without(&self) -> usize {
        self.values.iter().filter(|value| value.is_nan()).count()
    }

    /// The margins of the items for which `wanted` holds, given whether an item is right.
    fn there(&self, wanted: impl Fn(bool) -> bool) -> Vec<f64> {
        let of = self.values.iter().zip(&self.right).filter(|&(value, &right)| !value.is_nan() && wanted(right));
        of.map(|(&value, _)| value).collect()
    }

    /// Whether each item went to its own class.
    pub fn right(&self) -> &[bool] {
        &self.right
    }

    /// The margins of all items.
    pub fn all(&self) -> Distribution {
        Distribution::new(self.there(|_| true))
    }

    /// The margins of the items that went to their own class (`true`), or of the others.
    pub fn of(&self, right: bool) -> Distribution {
        Distribution::new(self.there(|r| r == right))
    }
}

/// The items by margin, those that are right as positives. Places stand for margins, which in f32 might tie.
fn ranked(values: &[f64], right: &[bool]) -> Ranked {
    let mut distinct = values.to_vec();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup();
    let pairs = values.iter().zip(right).enumerate().filter(|(_, (value, _))| !value.is_nan());
    Ranked::new(pairs.map(|(item, (&value, &positive))| {
        let place = distinct.partition_point(|&d| d < value);
        Pair { score: place as f32, item, positive }
    }))
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Margins(of) = function { Some(of) } else { None })
}

impl Measure for Margins {
    fn items(&self) -> usize {
        self.values.len()
    }

    fn names(&self) -> Vec<String> {
        metrics().map(|(name, _)| name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let (mut sum, mut total) = (0.0, 0);
        for (item, value) in self.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            let w = weight(weights, item);
            sum += w as f64 * value;
            total += w;
        }
        let tally = Tally {
            mean: sum / total as f64,
            median: self.ascending.quantile(weights, 0.5),
            roc_auc: self.ranked.areas(weights).roc_auc,
        };
        metrics().map(|(_, of)| of(&tally)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_minus_second_best() {
        let scores = Scores { n: 2, k: 3, values: vec![0.25, 0.75, 0.5, 0.5, 0.5, 0.0] };
        let m = Margins::new(&scores, &[1, 0]).unwrap();
        assert_eq!((m.values(), m.right()), (&[0.25, 0.0][..], &[true, false][..]));
        assert_eq!((m.all().count, m.of(true).mean, m.of(false).mean), (2, 0.25, 0.0));
        assert_eq!(m.evaluate(&[1, 1]), [0.125, 0.125, 1.0]);
    }

    #[test]
    fn one_class_has_no_second_best() {
        let one = Margins::new(&Scores { n: 1, k: 1, values: vec![0.5] }, &[0]);
        assert_eq!(one.unwrap_err(), Error::Candidates { item: 0, found: 1, expected: 2 });
    }

    #[test]
    fn an_item_without_two_classes_takes_no_part() {
        let scores = Scores { n: 3, k: 2, values: vec![0.75, 0.5, f32::NEG_INFINITY, 0.5, 0.5, 0.0] };
        let m = Margins::new(&scores, &[0, 1, 1]).unwrap();
        assert!(m.values()[1].is_nan() && m.without() == 1);
        assert_eq!((m.all().count, m.of(false).count), (2, 1));
        let rest = Margins::new(&Scores { n: 2, k: 2, values: vec![0.75, 0.5, 0.5, 0.0] }, &[0, 1]).unwrap();
        assert_eq!(m.evaluate(&[1, 1, 1]), rest.evaluate(&[1, 1]));
    }
}
