//! Percentile bootstrap: how far a number might move with other items of the same kind.
//!
//! ```text
//!   resample r ── ChaCha8(seed, stream r) ── n draws ── how often each item counts ── Measure ── numbers
//!                                                                      1,000 of these ── 2.5 % … 97.5 %
//! ```
//!
//! Convention: items are drawn with replacement, as many as there are; with groups, whole groups are. Each resample has its
//! own stream of the seed, so any number of threads gives the same result. A resample is measured as the data are: a class
//! that it lacks is absent from it. Where a number is undefined in a resample, that resample is left out of the number's
//! interval, and counted. A metric whose record says why resamples tell nothing of it has no interval.
//!
//! Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13; quantiles as `numpy.quantile`.

use super::weighting::units;
use super::{Error, Measure, Resamples, Weightings, named, quantile};
use crate::progress::Progress;
use crate::report::Estimate;

/// Fewer groups than these say little of how far a number would move with others.
const FEW: usize = 10;

/// How to resample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// How many resamples; 0 gives numbers without intervals.
    pub resamples: usize,
    /// The part of the resamples that an interval holds, between 0 and 1.
    pub confidence: f64,
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Bootstrap { resamples: 1000, confidence: 0.95, seed: 0 }
    }
}

/// From `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Numbers with their intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    pub estimates: Vec<Estimate>,
    /// For each of them, the resamples in which it was undefined.
    pub undefined: Vec<usize>,
    pub resamples: usize,
    /// There was one item or group alone, which every resample draws again: no interval.
    pub alone: bool,
    /// How many groups were drawn, where they were few.
    pub few: Option<usize>,
}

impl Sampled {
    /// A sentence for each number that some resamples left undefined, and for intervals that are not there or are rough.
    pub fn notes(&self) -> Vec<String> {
        self.notes_of(self.estimates.len())
    }

    /// The same, of the first `n` numbers.
    pub fn notes_of(&self, n: usize) -> Vec<String> {
        if self.alone {
            return vec!["there is one item or group alone to resample, so numbers have no intervals".to_owned()];
        }
        let rough =
            self.few.map(|few| format!("intervals rest on {few} groups: with so few they are rough, and mostly too narrow"));
        let undefined = self.estimates.iter().zip(&self.undefined).take(n).filter(|&(_, &n)| n > 0).map(|(e, n)| {
            format!("`{}` is undefined in {n} of {} resamples, which its interval leaves out", e.name, self.resamples)
        });
        let without = self.estimates.iter().take(n).filter(|_| self.resamples > 0);
        let without = without.filter_map(|e| Some(format!("`{}` has no interval: {}", e.name, no_interval(&e.name)?)));
        rough.into_iter().chain(undefined).chain(without).collect()
    }
}

/// Why the number of this name has no interval, if it has none.
fn no_interval(name: &str) -> Option<&'static str> {
    named(name).and_then(|metric| metric.no_interval)
}

impl Bootstrap {
    /// Measures the items as they are and resampled; `groups` gives each item's group, where groups are drawn and not items.
    ///
    /// # Errors
    /// When the confidence is not between 0 and 1, groups are not one an item, or `progress` is cancelled.
    pub fn estimate(&self, measure: &dyn Measure, groups: Option<&[usize]>, progress: &dyn Progress) -> Result<Sampled, Error> {
        let units = units(measure.items(), groups)?.1 as usize;
        let alone = self.resamples > 0 && units < 2;
        let few = (self.resamples > 0 && groups.is_some() && (2..FEW).contains(&units)).then_some(units);
        let sampling = if alone { Bootstrap { resamples: 0, ..*self } } else { *self };
        let mut samples = sampling.all(measure, groups, progress)?;
        let point = if samples.is_empty() { Vec::new() } else { samples.remove(0) };
        let mut estimates: Vec<Estimate> =
            measure.names().iter().zip(point).map(|(name, value)| Estimate::point(name, value)).collect();
        let mut undefined = Vec::new();
        for (i, estimate) in estimates.iter_mut().enumerate() {
            if no_interval(&estimate.name).is_some() {
                undefined.push(0);
                continue;
            }
            let mut values: Vec<f64> =
                samples.iter().filter_map(|sample| sample.get(i).copied()).filter(|v| !v.is_nan()).collect();
            undefined.push(samples.len() - values.len());
            let interval = self.interval(&mut values);
            (estimate.low, estimate.high) = (interval.map(|i| i.low), interval.map(|i| i.high));
        }
        Ok(Sampled { estimates, undefined, resamples: self.resamples, alone, few })
    }

    /// The middle part of these numbers; none without numbers. Sorts them.
    pub fn interval(&self, values: &mut [f64]) -> Option<Interval> {
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        (!values.is_empty()).then(|| Interval { low: quantile(values, tail), high: quantile(values, 1.0 - tail) })
    }

    /// The measure's numbers as the items are, and in each resample.
    fn all(&self, measure: &dyn Measure, groups: Option<&[usize]>, progress: &dyn Progress) -> Result<Vec<Vec<f64>>, Error> {
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let value = self.confidence.to_string();
            return Err(Error::Setting { name: "confidence", value, expected: "a number between 0 and 1" });
        }
        measure.evaluate_each(&Resamples::new(self, measure.items(), groups)?, progress)
    }
}

/// One measure minus another over the same items: resampled together, its interval is the paired one.
pub struct Difference<'a> {
    a: &'a dyn Measure,
    b: &'a dyn Measure,
}

impl<'a> Difference<'a> {
    /// `a` minus `b`, item `i` of one being item `i` of the other.
    ///
    /// # Errors
    /// When the numbers of items or the names differ.
    pub fn new(a: &'a dyn Measure, b: &'a dyn Measure) -> Result<Self, Error> {
        if a.items() != b.items() {
            return Err(Error::Unpaired { a: format!("`{}` items", a.items()), b: format!("`{}`", b.items()) });
        }
        if a.names() != b.names() {
            return Err(Error::Unpaired {
                a: format!("`{}`", a.names().join("`, `")),
                b: format!("`{}`", b.names().join("`, `")),
            });
        }
        Ok(Difference { a, b })
    }
}

impl Measure for Difference<'_> {
    fn items(&self) -> usize {
        self.a.items()
    }

    fn names(&self) -> Vec<String> {
        self.a.names()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        self.a.evaluate(weights).iter().zip(self.b.evaluate(weights)).map(|(a, b)| a - b).collect()
    }

    fn evaluate_each(&self, weightings: &dyn Weightings, progress: &dyn Progress) -> Result<Vec<Vec<f64>>, Error> {
        let (a, b) = (self.a.evaluate_each(weightings, progress)?, self.b.evaluate_each(weightings, progress)?);
        Ok(a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Silent, StopAfter};

    /// The weighted mean of 0, 1, 2 …; undefined where item 0 does not count.
    struct Ramp(usize);

    impl Measure for Ramp {
        fn items(&self) -> usize {
            self.0
        }
        fn names(&self) -> Vec<String> {
            vec!["mean".into(), "sometimes".into()]
        }
        fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
            let sum: f64 = weights.iter().enumerate().map(|(i, &w)| i as f64 * f64::from(w)).sum();
            let mean = sum / weights.iter().sum::<u32>() as f64;
            vec![mean, if weights[0] == 0 { f64::NAN } else { mean }]
        }
    }

    #[test]
    fn the_interval_of_a_mean_has_the_width_of_theory() {
        let sampled = Bootstrap { resamples: 4000, ..Default::default() }.estimate(&Ramp(200), None, &Silent).unwrap();
        let mean = &sampled.estimates[0];
        // sd of 0…199 is 57.7; of the mean 4.08; ± 1.96 of it, with the sampling error of 4,000 resamples.
        let half = 1.96 * 57.73 / 200f64.sqrt();
        assert!((mean.low.unwrap() - (99.5 - half)).abs() < 0.6 && (mean.high.unwrap() - (99.5 + half)).abs() < 0.6, "{mean:?}");
    }

    #[test]
    fn undefined_resamples_are_left_out_and_counted() {
        let sampled = Bootstrap::default().estimate(&Ramp(50), None, &Silent).unwrap();
        // A resample lacks a given item with probability (1 − 1/50)^50 = 0.364.
        assert!(sampled.undefined[0] == 0 && (300..430).contains(&sampled.undefined[1]), "{:?}", sampled.undefined);
        assert_eq!(sampled.notes().len(), 1);
        assert!(sampled.estimates[1].low.is_some());
    }

    #[test]
    fn groups_are_drawn_whole() {
        struct Alike;
        impl Measure for Alike {
            fn items(&self) -> usize {
                4
            }
            fn names(&self) -> Vec<String> {
                vec!["alike".into()]
            }
            fn evaluate(&self, w: &[u32]) -> Vec<f64> {
                vec![f64::from(u8::from(w[0] == w[2] && w[1] == w[3] && w[0] + w[1] == 2))]
            }
        }
        let samples = Bootstrap::default().all(&Alike, Some(&[7, 3, 7, 3]), &Silent).unwrap();
        assert!(samples.iter().all(|s| s == &[1.0]));
        assert!(matches!(Bootstrap::default().all(&Alike, Some(&[1]), &Silent), Err(Error::Shape { .. })));
    }

    #[test]
    fn settings_and_cancelling() {
        let wrong = Bootstrap { confidence: 1.0, ..Default::default() };
        assert!(matches!(wrong.estimate(&Ramp(3), None, &Silent), Err(Error::Setting { .. })));
        assert_eq!(Bootstrap::default().estimate(&Ramp(3), None, &StopAfter::default()), Err(Error::Cancelled));
        let none = Bootstrap { resamples: 0, ..Default::default() }.estimate(&Ramp(3), None, &Silent).unwrap();
        assert_eq!(none.estimates, Ramp(3).point());
    }

    #[test]
    fn one_unit_has_no_interval() {
        for (items, groups) in [(1, None), (3, Some(&[5, 5, 5][..]))] {
            let one = Bootstrap::default().estimate(&Ramp(items), groups, &Silent).unwrap();
            assert_eq!((one.estimates[0].low, one.estimates[0].high, one.notes().len()), (None, None, 1));
        }
        let none = Bootstrap { resamples: 0, ..Default::default() }.estimate(&Ramp(1), None, &Silent).unwrap();
        assert!(none.notes().is_empty());
    }

    #[test]
    fn few_groups_are_told_of() {
        let notes = |groups: &[usize]| Bootstrap::default().estimate(&Ramp(12), Some(groups), &Silent).unwrap().notes_of(1);
        let three: Vec<usize> = (0..12).map(|i| i % 3).collect();
        assert_eq!(notes(&three), ["intervals rest on 3 groups: with so few they are rough, and mostly too narrow"]);
        assert!(notes(&(0..12).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn what_resamples_say_nothing_of_has_no_interval() {
        struct Overlap;
        impl Measure for Overlap {
            fn items(&self) -> usize {
                9
            }
            fn names(&self) -> Vec<String> {
                vec!["overlap".into(), "top1".into()]
            }
            fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
                vec![if weights[0] == 0 { f64::NAN } else { 0.5 }, 1.0]
            }
        }
        let why = "`overlap` has no interval: a resample leaves more bins empty, and so lies below it";
        let difference = Difference::new(&Overlap, &Overlap).unwrap();
        for measure in [&Overlap as &dyn Measure, &difference] {
            let sampled = Bootstrap::default().estimate(measure, None, &Silent).unwrap();
            let low: Vec<bool> = sampled.estimates.iter().map(|e| e.low.is_some() && e.high.is_some()).collect();
            assert_eq!((low, sampled.notes()), (vec![false, true], vec![why.to_owned()]));
        }
        let none = Bootstrap { resamples: 0, ..Default::default() }.estimate(&Overlap, None, &Silent).unwrap();
        assert!(none.notes().is_empty());
    }

    #[test]
    fn seeds_matter_and_equal_measures_do_not_differ() {
        let run = |seed| Bootstrap { seed, ..Default::default() }.all(&Ramp(20), None, &Silent).unwrap();
        let first = |samples: &[Vec<f64>]| samples.iter().map(|s| s[0]).collect::<Vec<_>>();
        assert_eq!(first(&run(1)), first(&run(1)));
        assert_ne!(first(&run(1)), first(&run(2)));
        let (a, b) = (Ramp(20), Ramp(20));
        let difference = Bootstrap::default().estimate(&Difference::new(&a, &b).unwrap(), None, &Silent).unwrap();
        assert_eq!((difference.estimates[0].low, difference.estimates[0].high), (Some(0.0), Some(0.0)));
        assert!(matches!(Difference::new(&a, &Ramp(3)), Err(Error::Unpaired { .. })));
    }
}
