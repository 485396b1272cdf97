//! Cosines of positive pairs (an item with its own class) and of negative pairs (with any other).
//!
//! Convention: the overlap is Σ min(p, q) over histograms of area 1 with bins of 0.01 from −1 ([`Bins::COSINE`]): fixed
//! bins, so that models and prompts compare. Intervals resample items, each with all its pairs. A masked pair (−∞) is none.
//!
//! Source: Figure 3 of the ISMIR 2024 paper.

use std::sync::Arc;

use super::catalog::family;
use super::cosines::{Cosines, each_row};
use super::sorted::{Kinds, Sorted};
use super::weighting::{Weightings, each, eights};
use super::{Bins, Distribution, Error, Function, Measure, RESAMPLING, at, check, check_truth, ratio, weight};
use super::{areas::MOST_PAIRS, order::Curve};
use crate::embedding::Scores;
use crate::progress::{Progress, Silent};

/// Pairs, sorted and binned, ready to be measured at any weights.
pub struct Pairs {
    sums: Vec<Sums>,
    separations: Vec<f64>,
    sorted: Sorted,
    kinds: Kinds,
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

/// What the walk down the sorted pairs gives at one weighting.
#[derive(Debug, Clone, Default)]
struct Walked {
    curve: Curve,
    /// Positive and negative pairs in each of [`Bins::COSINE`]; empty before the walk.
    bins: Vec<(u64, u64)>,
}

impl Pairs {
    /// Takes the cosines of n items with k classes, and the class of each item, 0 to k − 1.
    ///
    /// # Errors
    /// Without items or classes, when lengths differ, at NaN, or at a class outside.
    pub fn new(scores: &Scores, truth: &[usize]) -> Result<Self, Error> {
        check(scores, "items and classes")?;
        Pairs::over(Arc::new(scores.clone()), truth, &Silent)
    }

    /// Takes cosines that need not be in memory; they are asked for again at each walk through the sorted pairs.
    ///
    /// # Errors
    /// As [`Pairs::new`]; when vectors can't be read or `progress` is cancelled.
    pub fn over(of: Arc<dyn Cosines>, truth: &[usize], progress: &dyn Progress) -> Result<Self, Error> {
        Pairs::within(MOST_PAIRS / 2, of, truth, progress)
    }

    /// Keeps at most `most` sorted pairs in memory.
    pub(super) fn within(most: usize, of: Arc<dyn Cosines>, truth: &[usize], progress: &dyn Progress) -> Result<Self, Error> {
        check_truth(&*of, truth)?;
        let own = |item: usize| truth.get(item).copied().unwrap_or(usize::MAX);
        let rows =
            each_row(&*of, "items and classes", progress, |item, row| Ok((sums(row, own(item)), separation(row, own(item)))))?;
        let (sums, separations): (Vec<Sums>, Vec<f64>) = rows.into_iter().unzip();
        let positives = sums.iter().fold((0, 0.0), |(count, sum), row| (count + row.positives, sum + row.positive));
        let negatives = sums.iter().fold((0, 0.0), |(count, sum), row| (count + row.negatives, sum + row.negative));
        progress.begin("sorting", None);
        let sorted = Sorted::new(of, truth, most, progress)?;
        let kinds = sorted.kinds(positives, negatives, progress)?;
        progress.end();
        Ok(Pairs { sums, separations, sorted, kinds })
    }

    /// The positive pairs.
    pub fn positive(&self) -> Distribution {
        self.kinds.positive.clone()
    }

    /// The negative pairs.
    pub fn negative(&self) -> Distribution {
        self.kinds.negative.clone()
    }

    /// Counts of the positive and of the negative pairs in [`Bins::COSINE`].
    pub fn histograms(&self) -> (Vec<f64>, Vec<f64>) {
        self.kinds.histograms.clone()
    }

    /// For each item the cosine with its own class less the mean of the others; NaN where one is masked.
    pub fn separations(&self) -> &[f64] {
        &self.separations
    }

    fn walk(&self, weightings: &dyn Weightings, progress: &dyn Progress) -> Result<Vec<Walked>, Error> {
        let mut walked = vec![Walked::default(); weightings.count()];
        progress.begin(RESAMPLING, Some((walked.len().saturating_sub(1) * self.sorted.parts()) as u64));
        for part in 0..self.sorted.parts() {
            let ranked = self.sorted.ranked(part, progress)?;
            eights(weightings, self.sums.len(), &mut walked, progress, |weights, walked| {
                // Here, and not for all at once: of many resamples that takes seconds, in which nobody can stop them.
                walked.iter_mut().for_each(|walked| walked.bins.resize(Bins::COSINE.count, (0, 0)));
                let mut curves = std::array::from_fn(|lane| walked.get(lane).map_or(Curve::default(), |w| w.curve));
                for ranked in &ranked {
                    if progress.cancelled() {
                        return Err(Error::Cancelled);
                    }
                    ranked.follow(
                        &mut curves,
                        |items| weights.sums(items),
                        |bin, positive, negative| {
                            for ((walked, positive), negative) in walked.iter_mut().zip(positive).zip(negative) {
                                if let Some(bin) = walked.bins.get_mut(usize::from(bin)) {
                                    *bin = (bin.0 + positive, bin.1 + negative);
                                }
                            }
                        },
                    );
                }
                walked.iter_mut().zip(curves).for_each(|(walked, curve)| walked.curve = curve);
                Ok(())
            })?;
        }
        progress.end();
        Ok(walked)
    }

    fn tally(&self, weights: &[u32], walked: &Walked) -> Tally {
        let mut total = Sums::default();
        for (item, sums) in self.sums.iter().enumerate() {
            let w = weight(weights, item);
            total.positive += w as f64 * sums.positive;
            total.positives += w * sums.positives;
            total.negative += w as f64 * sums.negative;
            total.negatives += w * sums.negatives;
        }
        let share = |&(p, q): &(u64, u64)| ratio(p, total.positives).min(ratio(q, total.negatives));
        let both = total.positives > 0 && total.negatives > 0;
        Tally {
            positive_mean: total.positive / total.positives as f64,
            negative_mean: total.negative / total.negatives as f64,
            overlap: if both { walked.bins.iter().map(share).sum() } else { f64::NAN },
            roc_auc: walked.curve.areas().roc_auc,
        }
    }
}

/// The pairs of one row, added up.
fn sums(row: &[f32], own: usize) -> Sums {
    let mut sums = Sums::default();
    for (class, &score) in row.iter().enumerate().filter(|(_, score)| **score > f32::NEG_INFINITY) {
        let (sum, count) = match class == own {
            true => (&mut sums.positive, &mut sums.positives),
            false => (&mut sums.negative, &mut sums.negatives),
        };
        *sum += f64::from(score);
        *count += 1;
    }
    sums
}

/// The own class's cosine less the mean of the others; NaN where one is masked.
fn separation(row: &[f32], own: usize) -> f64 {
    let others: Vec<f64> =
        row.iter().enumerate().filter(|&(c, s)| c != own && *s > f32::NEG_INFINITY).map(|(_, &s)| f64::from(s)).collect();
    match row.get(own) {
        Some(&score) if score > f32::NEG_INFINITY => f64::from(score) - others.iter().sum::<f64>() / others.len() as f64,
        _ => f64::NAN,
    }
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Pairs(of) = function { Some(of) } else { None })
}

impl Measure for Pairs {
    fn items(&self) -> usize {
        self.sums.len()
    }

    fn names(&self) -> Vec<String> {
        metrics().map(|(name, _)| name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        at(self, weights)
    }

    fn evaluate_each(&self, weightings: &dyn Weightings, progress: &dyn Progress) -> Result<Vec<Vec<f64>>, Error> {
        let walked = self.walk(weightings, progress)?;
        each(weightings, self.sums.len(), progress, |index, weights| {
            let Some(walked) = walked.get(index) else { return Vec::new() };
            let tally = self.tally(weights, walked);
            metrics().map(|(_, of)| of(&tally)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apart_and_alike() {
        let apart = Pairs::new(&Scores { n: 2, k: 2, values: vec![0.9, 0.1, 0.2, 0.8] }, &[0, 1]).unwrap();
        assert_eq!(apart.evaluate(&[1, 1])[2..], [0.0, 1.0]);
        assert_eq!((apart.positive().count, apart.negative().count), (2, 2));
        let alike = Pairs::new(&Scores { n: 2, k: 2, values: vec![0.3; 4] }, &[0, 1]).unwrap();
        assert_eq!(alike.evaluate(&[1, 1])[2..], [1.0, 0.5]);
    }

    #[test]
    fn many_resamples_are_stopped_before_their_states_are_made() {
        let pairs = Pairs::new(&Scores { n: 2, k: 2, values: vec![0.9, 0.1, 0.2, 0.8] }, &[0, 1]).unwrap();
        let bootstrap = crate::metric::Bootstrap { resamples: 1_000_000, ..Default::default() };
        let weightings = super::super::weighting::Resamples::new(&bootstrap, 2, None).unwrap();
        let stop = crate::progress::StopAfter::new(10);
        assert!(matches!(pairs.evaluate_each(&weightings, &stop), Err(Error::Cancelled)));
        // Each thread may have asked once more.
        assert!(stop.asked() <= 11 + rayon::current_num_threads() as u64, "asked {} times", stop.asked());
    }

    #[test]
    fn one_class_has_no_negative_pair() {
        let only = Pairs::new(&Scores { n: 1, k: 1, values: vec![0.3] }, &[0]).unwrap();
        let found = only.evaluate(&[1]);
        assert!(found[1..].iter().all(|x| x.is_nan()) && (found[0] - 0.3).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn separation_by_hand() {
        assert_eq!(separation(&[0.5, 0.25, 0.75], 2), 0.375);
        assert_eq!(separation(&[0.5, f32::NEG_INFINITY, 0.75], 0), -0.25);
        assert!(separation(&[0.5, f32::NEG_INFINITY], 1).is_nan());
    }
}
