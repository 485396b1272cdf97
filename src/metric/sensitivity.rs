//! Prompt sensitivity: how much the answers hang on the wording of one and the same question.
//!
//! ```text
//!              paraphrases               controls
//!   item    bare  track  solo        no track   label removed
//!   A4       vn    vn     va            vn           ob           guesses
//!   top1    .61   .58    .52           .55          .12           spread .09 over the paraphrases; −.03 against `track`
//! ```
//!
//! Convention: mean, least, greatest and standard deviation (over n − 1) are over the paraphrases, each measured on the same
//! items; the spread is the greatest less the least. Two paraphrases agree on an item when both give it the same class. All
//! numbers are resampled together, so an interval of a spread or a difference is paired. A spread is never negative, so its
//! interval does not reach zero by itself: differences between two prompts are what to test.
//!
//! Source: after figure 2 of Vasilakis, Bittner, Pauwels, ISMIR 2024; spread and agreement as in Sclar and others, ICLR 2024.

use super::catalog::family;
use super::weighting::{Weightings, each};
use super::{Classification, Error, Function, Measure, at, mean_of_defined, weight};
use crate::progress::Progress;
use crate::report::Estimate;

/// What is measured of each wording.
pub const OF_WORDING: [&str; 3] = ["top1", "f1_macro", "roc_auc"];
/// What is measured of each control: its top-1 and area less its base's, and the share of items with the base's class.
pub const OF_CONTROL: [&str; 3] = ["top1_less_base", "roc_auc_less_base", "same_as_base"];
/// What is measured of each class: the recall over the paraphrases.
pub const OF_CLASS: [&str; 2] = ["recall_mean", "recall_spread"];

/// Several wordings of the same labels over the same items.
#[derive(Clone)]
pub struct Sensitivity {
    wordings: Vec<Classification>,
    /// Which of them are paraphrases.
    paraphrases: Vec<usize>,
    /// Which are controls, and of which wording.
    controls: Vec<(usize, usize)>,
    items: usize,
    details: bool,
}

/// What the metrics read, over the paraphrases.
#[derive(Debug, Clone)]
pub struct Tally {
    /// One a paraphrase.
    pub top1: Vec<f64>,
    pub f1_macro: Vec<f64>,
    pub roc_auc: Vec<f64>,
    /// Mean over items and pairs of paraphrases of giving the same class.
    pub agreement: f64,
    /// Items that all paraphrases give the same class.
    pub unanimous: f64,
    /// Items that some paraphrases have right and some have wrong.
    pub undecided: f64,
}

/// Estimates by what they are of.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The numbers of [`METRICS`](super::METRICS).
    pub over_paraphrases: &'a [Estimate],
    /// [`OF_WORDING`] for each.
    pub wordings: &'a [Estimate],
    /// [`OF_CONTROL`] for each.
    pub controls: &'a [Estimate],
    /// [`OF_CLASS`] for each.
    pub classes: &'a [Estimate],
}

impl Sensitivity {
    /// Takes the wordings, the positions of the paraphrases, and of each control with its base.
    ///
    /// # Errors
    /// With fewer than two paraphrases, or wordings of other items or classes.
    pub fn new(
        wordings: Vec<Classification>,
        paraphrases: Vec<usize>,
        controls: Vec<(usize, usize)>,
    ) -> Result<Sensitivity, Error> {
        let known = |&at: &usize| at < wordings.len();
        if paraphrases.len() < 2 || !paraphrases.iter().all(known) || !controls.iter().all(|(c, b)| known(c) && known(b)) {
            return Err(Error::Shape { what: "paraphrases at least", expected: 2, found: paraphrases.len() });
        }
        let Some(first) = wordings.first() else { return Err(Error::Empty { what: "wordings" }) };
        let (items, classes) = (first.items(), first.classes());
        for other in &wordings {
            if (other.items(), other.classes()) != (items, classes) {
                return Err(Error::Shape { what: "items in each wording", expected: items, found: other.items() });
            }
        }
        Ok(Sensitivity { wordings, paraphrases, controls, items, details: true })
    }

    /// Measures over the paraphrases alone, as two such measures are compared.
    #[must_use]
    pub fn without_details(mut self) -> Self {
        self.details = false;
        self
    }

    /// The wordings, in order.
    pub fn wordings(&self) -> &[Classification] {
        &self.wordings
    }

    /// For each item the share of paraphrases that have it right.
    pub fn share_right(&self) -> Vec<f64> {
        let right: Vec<Vec<bool>> = self.paraphrases.iter().filter_map(|&p| Some(self.wordings.get(p)?.right(1))).collect();
        let of = |item: usize| right.iter().filter(|wording| wording.get(item) == Some(&true)).count();
        (0..self.items).map(|item| of(item) as f64 / right.len() as f64).collect()
    }

    /// Cuts what this measure gave into its parts.
    pub fn parts<'a>(&self, estimates: &'a [Estimate]) -> Parts<'a> {
        let cut = |list: &'a [Estimate], n: usize| list.split_at(n.min(list.len()));
        let (over_paraphrases, rest) = cut(estimates, metrics().count());
        let (wordings, rest) = cut(rest, self.wordings.len() * OF_WORDING.len());
        let (controls, classes) = cut(rest, self.controls.len() * OF_CONTROL.len());
        Parts { over_paraphrases, wordings, controls, classes }
    }

    /// The class that each paraphrase gives to an item.
    fn guesses(&self, item: usize) -> impl Iterator<Item = usize> {
        self.paraphrases.iter().filter_map(move |&p| self.wordings.get(p)?.predicted().get(item).copied())
    }

    /// Agreement, unanimity and indecision.
    fn answers(&self, weights: &[u32]) -> [f64; 3] {
        let (mut total, mut agreement, mut unanimous, mut undecided) = (0u64, 0.0, 0u64, 0u64);
        let pairs = (self.paraphrases.len() * (self.paraphrases.len() - 1)) as f64;
        let classes = self.wordings.first().map_or(0, Classification::classes);
        let mut votes = vec![0u64; classes];
        for item in 0..self.items {
            let w = weight(weights, item);
            if w == 0 {
                continue;
            }
            votes.fill(0);
            for guess in self.guesses(item) {
                if let Some(count) = votes.get_mut(guess) {
                    *count += 1;
                }
            }
            total += w;
            let same: u64 = votes.iter().map(|&v| v * v.saturating_sub(1)).sum();
            agreement += w as f64 * same as f64 / pairs;
            unanimous += if votes.contains(&(self.paraphrases.len() as u64)) { w } else { 0 };
            let right = self.wordings.first().and_then(|c| votes.get(c.class_of(item)?).copied()).unwrap_or(0);
            undecided += if 0 < right && right < self.paraphrases.len() as u64 { w } else { 0 };
        }
        if total == 0 {
            return [f64::NAN; 3];
        }
        [agreement / total as f64, unanimous as f64 / total as f64, undecided as f64 / total as f64]
    }

    /// The numbers, from what each wording gave at these weights.
    fn values(&self, wordings: &[&Measured], weights: &[u32]) -> Vec<f64> {
        let of = |at: usize, which: usize| wordings.get(at).and_then(|w| w.of.get(which)).copied().unwrap_or(f64::NAN);
        let column = |which: usize| self.paraphrases.iter().map(|&p| of(p, which)).collect::<Vec<f64>>();
        let [agreement, unanimous, undecided] = self.answers(weights);
        let tally = Tally { top1: column(0), f1_macro: column(1), roc_auc: column(2), agreement, unanimous, undecided };
        let mut values: Vec<f64> = metrics().map(|(_, f)| f(&tally)).collect();
        if self.details {
            values.extend(wordings.iter().flat_map(|wording| wording.of));
            for &(control, base) in &self.controls {
                let less = |which: usize| of(control, which) - of(base, which);
                values.extend([less(0), less(2), self.same(control, base, weights)]);
            }
            for class in 0..self.wordings.first().map_or(0, Classification::classes) {
                let recall = |&p: &usize| wordings.get(p)?.recalls.get(class).copied();
                let recalls: Vec<f64> = self.paraphrases.iter().filter_map(recall).collect();
                values.extend([Tally::mean(&recalls), Tally::spread(&recalls)]);
            }
        }
        values
    }

    /// The share of items to which two wordings give the same class.
    fn same(&self, a: usize, b: usize, weights: &[u32]) -> f64 {
        let (Some(a), Some(b)) = (self.wordings.get(a), self.wordings.get(b)) else { return f64::NAN };
        let (mut total, mut same) = (0, 0);
        for (item, (x, y)) in a.predicted().iter().zip(b.predicted()).enumerate() {
            let w = weight(weights, item);
            total += w;
            same += if x == y { w } else { 0 };
        }
        super::ratio(same, total)
    }
}

/// What is measured of one wording at one weighting.
struct Measured {
    /// As in [`OF_WORDING`].
    of: [f64; 3],
    /// One a class.
    recalls: Vec<f64>,
}

impl Tally {
    /// The greatest less the least.
    pub fn spread(values: &[f64]) -> f64 {
        greatest(values) - least(values)
    }

    /// Standard deviation over n − 1.
    pub fn sd(values: &[f64]) -> f64 {
        let mean = mean_of_defined(values.iter().copied());
        let n = values.iter().filter(|v| !v.is_nan()).count() as f64;
        let squares: f64 = values.iter().filter(|v| !v.is_nan()).map(|v| (v - mean).powi(2)).sum();
        if n < 2.0 { f64::NAN } else { (squares / (n - 1.0)).sqrt() }
    }

    /// The mean of those that are defined.
    pub fn mean(values: &[f64]) -> f64 {
        mean_of_defined(values.iter().copied())
    }
}

/// NaN without a number.
pub(super) fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::min)
}

/// NaN without a number.
pub(super) fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Sensitivity(of) = function { Some(of) } else { None })
}

impl Measure for Sensitivity {
    fn items(&self) -> usize {
        self.items
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = metrics().map(|(name, _)| name.to_owned()).collect();
        if self.details {
            let each = |what: &str, n: usize, of: &[&str]| -> Vec<String> {
                (0..n).flat_map(|i| of.iter().map(move |name| format!("{what}{i}_{name}")).collect::<Vec<_>>()).collect()
            };
            let classes = self.wordings.first().map_or(0, Classification::classes);
            names.extend(each("wording", self.wordings.len(), &OF_WORDING));
            names.extend(each("control", self.controls.len(), &OF_CONTROL));
            names.extend(each("class", classes, &OF_CLASS));
        }
        names
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        at(self, weights)
    }

    fn evaluate_each(&self, weightings: &dyn Weightings, progress: &dyn Progress) -> Result<Vec<Vec<f64>>, Error> {
        let classes = if self.details { self.wordings.first().map_or(0, Classification::classes) } else { 0 };
        let measured = |tally: &super::ClassificationTally| Measured {
            of: [tally.top(1), tally.f1_macro(), tally.roc_auc()],
            recalls: (0..classes).map(|class| tally.recall(class)).collect(),
        };
        let wordings: Vec<Vec<Measured>> =
            self.wordings.iter().map(|w| w.tallied(weightings, progress, measured)).collect::<Result<_, _>>()?;
        each(weightings, self.items, progress, |index, weights| {
            self.values(&wordings.iter().filter_map(|of| of.get(index)).collect::<Vec<_>>(), weights)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Scores;

    /// Three items of two classes by the guesses of a wording; the guess leads by a little.
    fn wording(guesses: [usize; 3]) -> Classification {
        let values = guesses.iter().flat_map(|&g| if g == 0 { [0.5, 0.25] } else { [0.25, 0.5] }).collect();
        Classification::new(&Scores { n: 3, k: 2, values }, &[0, 0, 1]).unwrap()
    }

    #[test]
    fn numbers_by_hand() {
        // Paraphrases have 3, 2 and 1 of 3 right; the control has none right.
        let all = [wording([0, 0, 1]), wording([0, 1, 1]), wording([0, 1, 0]), wording([1, 1, 0])];
        let s = Sensitivity::new(all.into(), vec![0, 1, 2], vec![(3, 2)]).unwrap();
        let estimates = s.point();
        assert_eq!(estimates.len(), s.names().len());
        let value = |name: &str| estimates.iter().find(|e| e.name == name).unwrap().value;
        assert!((value("top1_mean") - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!((value("top1_best"), value("top1_worst")), (1.0, 1.0 / 3.0));
        assert!((value("top1_spread") - 2.0 / 3.0).abs() < 1e-15 && (value("top1_sd") - 1.0 / 3.0).abs() < 1e-15);
        // All agree on the first item; one pair of three on each of the others.
        assert!((value("agreement") - (1.0 + 1.0 / 3.0 + 1.0 / 3.0) / 3.0).abs() < 1e-15);
        assert!((value("unanimous") - 1.0 / 3.0).abs() < 1e-15 && (value("undecided") - 2.0 / 3.0).abs() < 1e-15);
        let parts = s.parts(&estimates);
        let plain = |list: &[Estimate]| list.iter().map(|e| e.value).collect::<Vec<_>>();
        assert_eq!(plain(parts.controls)[0], -1.0 / 3.0);
        assert_eq!(plain(parts.controls)[2], 2.0 / 3.0);
        // Recall of class 0: 1, ½, ½; of class 1: 1, 1, 0.
        assert_eq!(plain(parts.classes), [2.0 / 3.0, 0.5, 2.0 / 3.0, 1.0]);
        assert_eq!(s.share_right(), [1.0, 1.0 / 3.0, 2.0 / 3.0]);
        assert_eq!(s.clone().without_details().point().len(), parts.over_paraphrases.len());
    }

    #[test]
    fn equal_wordings_have_no_spread() {
        let s = Sensitivity::new(vec![wording([0, 1, 1]); 4], vec![0, 1, 2], vec![(3, 0)]).unwrap();
        for e in s.point().iter().filter(|e| e.name.ends_with("spread") || e.name.ends_with("sd") || e.name.contains("less")) {
            assert_eq!(e.value, 0.0, "{}", e.name);
        }
        assert!(s.evaluate(&[0; 3]).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn what_is_no_input_is_refused() {
        assert!(Sensitivity::new(vec![wording([0, 0, 0])], vec![0], vec![]).is_err());
        assert!(Sensitivity::new(vec![wording([0, 0, 0]); 2], vec![0, 2], vec![]).is_err());
        assert!(Sensitivity::new(vec![wording([0, 0, 0]); 2], vec![0, 1], vec![(0, 5)]).is_err());
        let other = Classification::new(&Scores { n: 1, k: 2, values: vec![0.5, 0.25] }, &[0]).unwrap();
        assert!(Sensitivity::new(vec![wording([0, 0, 0]), other], vec![0, 1], vec![]).is_err());
    }
}
