//! Evaluation: from cosines and truth to numbers with intervals.
//!
//! ```text
//!   Cosines + truth ┬─ Classification ─┐ (several: Sensitivity) ┌─ point()      Vec<Estimate>
//!                   ├─ Pairs, Margins ─┤  Measure:              │
//!   Cosines + relevance ─ Retrieval ───┼─ weights → numbers ────┼─ Bootstrap    intervals, and of a Difference
//!   cosines + triplets ── Triplets ────┘                        └─ significance McNemar, sign flips, Holm
//! ```
//!
//! Convention: what is measured is a function of how often each item counts. A resample of the bootstrap is such a weight
//! per item, so nothing is sorted twice, and a weight means exactly what repeating the item would mean. Sums are kept in
//! integers where they can be; items may come in any order and any number of threads may work.
//!
//! Equal cosines never help: a tie counts against the model, and is counted. NaN is refused. A score of −∞ masks the pair:
//! it is not there (a class whose only clip was left out has no prototype to compare with).
//!
//! [`METRICS`] lists every metric; to add one is to add its record there.

mod areas;
mod bootstrap;
mod catalog;
mod classification;
mod cosines;
mod distribution;
mod gap;
mod hubs;
mod margin;
mod masked;
mod multilabel;
mod neighbour;
mod order;
mod pairs;
#[cfg(test)]
mod property;
mod prototype;
mod ranking;
mod sensitivity;
mod significance;
mod sorted;
mod triplet;
mod weighting;

pub use bootstrap::{Bootstrap, Difference, Interval, Sampled};
pub use catalog::{Direction, Function, METRICS, Metric, named};
pub use classification::{Class, Classification, Tally as ClassificationTally};
pub use cosines::{Block, Cosines, Product, Rows, Turned, Visit};
pub use distribution::{Bins, Distribution, QUANTILES, quantile};
pub use gap::{Gap, Tally as GapTally};
pub use hubs::{Hubs, Tally as HubsTally, csls};
pub use margin::{Margins, Tally as MarginTally};
pub use masked::Masked;
pub use multilabel::{MultiLabel, Tag};
pub use neighbour::Neighbours;
pub use pairs::{Pairs, Tally as PairsTally};
pub use prototype::{Protocol, Prototypes, ROUNDING, class_means};
pub use ranking::{Query, Retrieval, Tally as RetrievalTally};
pub use sensitivity::{OF_CLASS, OF_CONTROL, OF_WORDING, Sensitivity, Tally as SensitivityTally};
pub use significance::{McNemar, SignFlip, holm, mcnemar, sign_flip};
pub use triplet::{Anchor, Tally as TripletTally, Triplets};
pub use weighting::{Resamples, Through, Weighed, Weightings};

use std::sync::Arc;

use crate::embedding::Scores;
use crate::progress::{Progress, Silent};
use crate::report::Estimate;

/// Numbers that are a function of how often each item counts.
pub trait Measure: Sync {
    /// How many items there are to weigh.
    fn items(&self) -> usize;

    /// The names of the numbers, in the order of [`Measure::evaluate`].
    fn names(&self) -> Vec<String>;

    /// The numbers when item `i` counts `weights[i]` times; an item without a weight does not count. NaN where undefined.
    fn evaluate(&self, weights: &[u32]) -> Vec<f64>;

    /// The numbers at each of several weightings.
    ///
    /// # Errors
    /// When vectors can't be read or `progress` is cancelled.
    fn evaluate_each(&self, weightings: &dyn Weightings, progress: &dyn Progress) -> Result<Vec<Vec<f64>>, Error> {
        progress.begin(RESAMPLING, Some(weightings.count().saturating_sub(1) as u64));
        let found = weighting::each(weightings, self.items(), progress, |index, weights| {
            progress.advance(u64::from(index > 0));
            self.evaluate(weights)
        })?;
        progress.end();
        Ok(found)
    }

    /// The numbers when each item counts once.
    fn point(&self) -> Vec<Estimate> {
        let values = self.evaluate(&vec![1; self.items()]);
        self.names().iter().zip(values).map(|(name, value)| Estimate::point(name, value)).collect()
    }
}

/// The stage in which numbers are taken at all weightings.
const RESAMPLING: &str = "resampling";

/// Why there is nothing to measure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("no `{what}` to measure, expected at least one")]
    Empty { what: &'static str },
    #[error("expected {expected} {what}, found `{found}`")]
    Shape { what: &'static str, expected: usize, found: usize },
    #[error("`{found}` items are more than the {} that can be measured at once", order::MOST_ITEMS)]
    TooMany { found: usize },
    #[error("the score in row {row}, column {column} is `{value}`, expected a cosine from −1 to 1, or −∞ for a masked pair")]
    Score { row: usize, column: usize, value: String },
    #[error("item {item} has class `{class}`, expected a class below {classes}")]
    Class { item: usize, class: usize, classes: usize },
    #[error("the clips of class {class} cancel each other out, expected a mean with a direction")]
    NoDirection { class: usize },
    #[error("item {item} has `{found}` unmasked candidates, expected at least {expected}")]
    Candidates { item: usize, found: usize, expected: usize },
    #[error("none of the `{queries}` queries has a relevant candidate")]
    NoPositive { queries: usize },
    #[error("triplet {triplet} names term `{term}`, expected a term below {terms}")]
    Term { triplet: usize, term: u32, terms: usize },
    #[error("`{name}` is {value}, expected {expected}")]
    Setting { name: &'static str, value: String, expected: &'static str },
    #[error("the two measures do not pair: one has {a}, the other {b}")]
    Unpaired { a: String, b: String },
    #[error("{0}")]
    Unreadable(Fault),
    #[error("cancelled")]
    Cancelled,
}

/// What the place fails with that vectors are read from; equal only to itself.
#[derive(Debug, Clone)]
pub struct Fault(pub Arc<dyn std::error::Error + Send + Sync>);

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fault {}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Refuses what is no matrix of cosines: nothing in it, a wrong shape, NaN, or numbers beyond ±1 by more than rounding.
fn check(scores: &Scores, what: &'static str) -> Result<(), Error> {
    if scores.n == 0 || scores.k == 0 {
        return Err(Error::Empty { what });
    }
    if scores.n.max(scores.k) > order::MOST_ITEMS {
        return Err(Error::TooMany { found: scores.n.max(scores.k) });
    }
    if scores.values.len() != scores.n.saturating_mul(scores.k) {
        return Err(Error::Shape { what: "scores", expected: scores.n.saturating_mul(scores.k), found: scores.values.len() });
    }
    scores.values.chunks_exact(scores.k).enumerate().try_for_each(|(row, values)| fair(row, values))
}

/// Refuses a row with a number that is no cosine.
fn fair(row: usize, values: &[f32]) -> Result<(), Error> {
    let fair = |&x: &f32| x == f32::NEG_INFINITY || x.abs() <= 1.0 + 1e-3;
    match values.iter().enumerate().find(|(_, x)| !fair(x)) {
        Some((column, value)) => Err(Error::Score { row, column, value: value.to_string() }),
        None => Ok(()),
    }
}

/// Refuses a truth of another length than the scores, or with a class that no column stands for.
fn check_truth(scores: &dyn Cosines, truth: &[usize]) -> Result<(), Error> {
    check_classes(scores.items(), scores.candidates(), truth)
}

/// Refuses classes that are not one for each of `n` items, or not below `classes`.
fn check_classes(n: usize, classes: usize, truth: &[usize]) -> Result<(), Error> {
    if truth.len() != n {
        return Err(Error::Shape { what: "classes, one an item", expected: n, found: truth.len() });
    }
    match truth.iter().position(|&class| class >= classes) {
        Some(item) => Err(Error::Class { item, class: truth.get(item).copied().unwrap_or(0), classes }),
        None => Ok(()),
    }
}

/// The numbers of a measure that measures several weightings at once, at one; NaN throughout where the vectors can't be read any
/// more.
pub(crate) fn at(measure: &dyn Measure, weights: &[u32]) -> Vec<f64> {
    let mut found = measure.evaluate_each(&Weighed(weights), &Silent).unwrap_or_default();
    found.pop().unwrap_or_else(|| vec![f64::NAN; measure.names().len()])
}

/// How often item `i` counts.
fn weight(weights: &[u32], item: usize) -> u64 {
    weights.get(item).map_or(0, |&w| u64::from(w))
}

/// A quotient of counts, NaN without a denominator.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { f64::NAN } else { part as f64 / whole as f64 }
}

/// The mean of the numbers that are defined, NaN without one.
fn mean_of_defined(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, n) = values.into_iter().filter(|v| !v.is_nan()).fold((0.0, 0u64), |(sum, n), v| (sum + v, n + 1));
    if n == 0 { f64::NAN } else { sum / n as f64 }
}
