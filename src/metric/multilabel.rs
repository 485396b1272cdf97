//! Zero-shot tagging: items that can have several classes, of some of which it is not known whether they have them.
//!
//! ```
//! use dyad::{embedding::Scores, metric::{Measure, MultiLabel}};
//! let scores = Scores { n: 2, k: 3, values: vec![0.9, 0.5, 0.1, 0.2, 0.8, 0.3] };
//! // The first item has classes 0 and 1; of the second, class 1 is there, class 2 is not, and class 0 is unknown.
//! let known = |item: usize, class: usize| match (item, class) { (1, 0) => None, (i, c) => Some(c <= 1 || i == c) };
//! let m = MultiLabel::new(&scores, |i, c| if (i, c) == (1, 2) { Some(false) } else { known(i, c) })?;
//! assert_eq!(m.point()[0].value, 1.0); // top1
//! # Ok::<(), dyad::metric::Error>(())
//! ```
//!
//! Convention: a pair of unknown truth takes no part in the areas of its class, and its class stands in no item's order. An item
//! is right at m when any class that it has is among its first m; a tie with a class that it has not counts against the model.
//! An item of which no class is known to be there takes no part in that, but in the areas.
//!
//! Source: areas as scikit-learn has them, on the known pairs of each class, as in the evaluation of OpenMIC-2018.

use rayon::prelude::*;

use super::areas::{MOST_PAIRS, Means, gathered};
use super::classification::Tally;
use super::cosines::{Cosines, each_row};
use super::order::{Pair, Ranked};
use super::weighting::{Weightings, each, eights};
use super::{Error, Function, METRICS, Measure, RESAMPLING, at, check, mean_of_defined, ratio, weight};
use crate::embedding::Scores;
use crate::progress::{Progress, Silent};
use crate::report::Estimate;

/// The metrics of [`super::Classification`] that mean something for several classes an item.
const MEASURED: [&str; 7] = ["top1", "top2", "top3", "top4", "top5", "roc_auc", "pr_auc"];

/// Items × classes, sorted and ready to be measured at any weights.
#[derive(Clone)]
pub struct MultiLabel {
    classes: usize,
    /// Of each item with a class: classes that it has not above its best, and at or above it.
    ranks: Vec<Option<(usize, usize)>>,
    /// Of each item: classes that it has, and that it has not.
    counts: Vec<(u64, u64)>,
    /// Of each class: items that have it, and that have it not.
    support: Vec<(u64, u64)>,
    columns: Vec<Ranked>,
    tops: usize,
}

/// One class.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// Items that have it.
    pub present: u64,
    /// Items that have it not.
    pub absent: u64,
    /// NaN without items of both kinds.
    pub roc_auc: f64,
    /// NaN without items of both kinds.
    pub average_precision: f64,
}

/// How one item went.
struct Judged {
    /// Classes that it has, and that it has not.
    counts: (u64, u64),
    /// Classes that it has not above its best, and at or above it; none without a class.
    rank: Option<(usize, usize)>,
}

impl MultiLabel {
    /// Takes the cosines of n items with k classes; `known(item, class)` tells whether the item has the class, if that is known.
    ///
    /// # Errors
    /// Without items or classes, at NaN, or when no item has a class.
    pub fn new(scores: &Scores, known: impl Fn(usize, usize) -> Option<bool> + Sync) -> Result<Self, Error> {
        check(scores, "items and classes")?;
        MultiLabel::over(scores, known, &Silent)
    }

    /// Takes cosines that need not be in memory; 4 to 8 bytes of each known pair are kept.
    ///
    /// # Errors
    /// As [`MultiLabel::new`]; when vectors can't be read or `progress` is cancelled.
    pub fn over(
        of: &dyn Cosines,
        known: impl Fn(usize, usize) -> Option<bool> + Sync,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let judged = each_row(of, "items and classes", progress, |item, row| Ok(judge(row, |class| known(item, class))))?;
        let (ranks, counts): (Vec<_>, Vec<_>) = judged.into_iter().map(|item| (item.rank, item.counts)).unzip();
        if ranks.iter().all(Option::is_none) {
            return Err(Error::NoPositive { queries: ranks.len() });
        }
        let (n, k) = (of.items(), of.candidates());
        let (mut columns, mut support) = (Vec::with_capacity(k), Vec::with_capacity(k));
        let at_once = (MOST_PAIRS / n.max(1)).clamp(1, k);
        for start in (0..k).step_by(at_once) {
            let width = at_once.min(k - start);
            let scores = gathered(of, start..start + width, progress)?;
            let sort = |(c, column): (usize, Vec<f32>)| {
                let truth = |item: usize| known(item, start + c);
                let has = |wanted: bool| (0..n).filter(|&item| truth(item) == Some(wanted)).count() as u64;
                let pairs = column.iter().enumerate();
                let pairs = pairs.filter_map(|(item, &score)| Some(Pair { score, item, positive: truth(item)? }));
                (Ranked::new(pairs), (has(true), has(false)))
            };
            let sorted: Vec<(Ranked, (u64, u64))> = scores.into_par_iter().enumerate().map(sort).collect();
            for (column, counted) in sorted {
                columns.push(column);
                support.push(counted);
            }
        }
        Ok(MultiLabel { classes: k, ranks, counts, support, columns, tops: 5 })
    }

    /// Measures top-1 to top-`m`, where `m` is above the usual five.
    #[must_use]
    pub fn up_to(mut self, m: usize) -> Self {
        self.tops = m.max(5);
        self
    }

    /// For each item, whether a class that it has is among the first `m`; none without a class.
    pub fn right(&self, m: usize) -> Vec<Option<bool>> {
        self.ranks.iter().map(|rank| rank.map(|(_, rank)| rank < m)).collect()
    }

    /// One over the rank of the best class of each item; NaN without a class.
    pub fn reciprocal_ranks(&self) -> Vec<f64> {
        self.ranks.iter().map(|rank| rank.map_or(f64::NAN, |(_, rank)| 1.0 / (rank + 1) as f64)).collect()
    }

    /// Items of which no class is known to be there.
    pub fn without(&self) -> usize {
        self.ranks.iter().filter(|rank| rank.is_none()).count()
    }

    /// Those among them that are known to have none.
    pub fn with_none(&self) -> usize {
        self.counts.iter().filter(|&&(has, others)| has == 0 && others == self.classes as u64).count()
    }

    /// How many items missed the first `m` only because of an equal cosine at the border.
    pub fn ties(&self, m: usize) -> usize {
        self.ranks.iter().flatten().filter(|&&(above, rank)| above < m && m <= rank).count()
    }

    /// A row for each class.
    pub fn per_class(&self) -> Vec<Tag> {
        let ones = vec![1; self.ranks.len()];
        let tag = |(&(present, absent), column): (&(u64, u64), &Ranked)| {
            let areas = column.areas(&ones);
            Tag { present, absent, roc_auc: areas.roc_auc, average_precision: areas.average_precision }
        };
        self.support.iter().zip(&self.columns).map(tag).collect()
    }

    /// What cosines drawn blindly would be expected to give: the chance that one of the classes that an item has is drawn among
    /// m of those that are known, one half, and the mean prevalence for `pr_auc`.
    pub fn chance(&self) -> Vec<Estimate> {
        let missed = |&(has, others): &(u64, u64), m: usize| {
            (0..m as u64).map(|drawn| ratio(others.saturating_sub(drawn), (has + others).saturating_sub(drawn).max(1))).product()
        };
        let hit = |m: usize| {
            mean_of_defined(self.counts.iter().filter(|(has, _)| *has > 0).map(|count| {
                let missed: f64 = missed(count, m);
                1.0 - missed
            }))
        };
        let mut chance: Vec<Estimate> = (1..=self.tops).map(|m| Estimate::point(&format!("top{m}"), hit(m))).collect();
        chance.push(Estimate::point("roc_auc", 0.5));
        let both = self.support.iter().filter(|(present, absent)| *present > 0 && *absent > 0);
        let prevalence = mean_of_defined(both.map(|&(present, absent)| ratio(present, present + absent)));
        chance.push(Estimate::point("pr_auc", prevalence));
        chance
    }

    /// Scores that rank the classes by their share of the items of known truth, the same for each item.
    pub fn majority(&self) -> Scores {
        let shares: Vec<f32> =
            self.support.iter().map(|&(present, absent)| ratio(present, (present + absent).max(1)) as f32).collect();
        Scores { n: self.ranks.len(), k: self.classes, values: shares.repeat(self.ranks.len()) }
    }

    fn tally(&self, weights: &[u32], areas: (f64, f64)) -> Tally {
        let mut ranks = vec![0; self.classes + 1];
        for (item, rank) in self.ranks.iter().enumerate() {
            if let Some(count) = rank.and_then(|(_, rank)| ranks.get_mut(rank)) {
                *count += weight(weights, item);
            }
        }
        Tally::of_ranks(ranks, areas)
    }
}

fn judge(row: &[f32], known: impl Fn(usize) -> Option<bool>) -> Judged {
    let (mut best, mut has, mut others) = (f32::NEG_INFINITY, 0, Vec::new());
    for (class, &score) in row.iter().enumerate() {
        match known(class) {
            Some(true) => (has, best) = (has + 1, best.max(score)),
            Some(false) => others.push(score),
            None => {}
        }
    }
    let count = |above: fn(f32, f32) -> bool| others.iter().filter(|&&other| above(other, best)).count();
    let rank = match (has, best) {
        (0, _) => None,
        (_, f32::NEG_INFINITY) => Some((row.len(), row.len())),
        _ => Some((count(|other, best| other > best), count(|other, best| other >= best))),
    };
    Judged { counts: (has, others.len() as u64), rank }
}

impl Measure for MultiLabel {
    fn items(&self) -> usize {
        self.ranks.len()
    }

    fn names(&self) -> Vec<String> {
        MEASURED.iter().map(|&name| name.to_owned()).chain((6..=self.tops).map(|m| format!("top{m}"))).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        at(self, weights)
    }

    fn evaluate_each(&self, weightings: &dyn Weightings, progress: &dyn Progress) -> Result<Vec<Vec<f64>>, Error> {
        let mut means = vec![Means::default(); weightings.count()];
        progress.begin(RESAMPLING, Some(means.len().saturating_sub(1) as u64));
        eights(weightings, self.items(), &mut means, progress, |weights, means| {
            for column in &self.columns {
                if progress.cancelled() {
                    return Err(Error::Cancelled);
                }
                means.iter_mut().zip(column.areas_at(weights)).for_each(|(mean, areas)| mean.add(areas));
            }
            Ok(())
        })?;
        let found = each(weightings, self.items(), progress, |index, weights| {
            let tally = self.tally(weights, means.get(index).map_or((f64::NAN, f64::NAN), Means::values));
            let value = |name: &&str| match METRICS.iter().find(|m| m.name == *name).map(|m| m.function) {
                Some(Function::Classification(f)) => f(&tally),
                _ => f64::NAN,
            };
            MEASURED.iter().map(value).chain((6..=self.tops).map(|m| tally.top(m))).collect()
        });
        progress.end();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(estimates: &[Estimate], name: &str) -> f64 {
        estimates.iter().find(|e| e.name == name).unwrap().value
    }

    /// `+` has it, `-` has it not, `?` is unknown; a row an item.
    fn known(rows: &'static [&'static str]) -> impl Fn(usize, usize) -> Option<bool> {
        |item, class| match rows[item].as_bytes()[class] {
            b'?' => None,
            sign => Some(sign == b'+'),
        }
    }

    #[test]
    fn any_class_that_is_there_among_the_first_m_is_right() {
        let scores = Scores { n: 3, k: 3, values: vec![0.9, 0.5, 0.1, 0.5, 0.9, 0.5, 0.3, 0.2, 0.1] };
        let m = MultiLabel::new(&scores, known(&["+--", "+-+", "-++"])).unwrap();
        assert_eq!(m.right(1), [Some(true), Some(false), Some(false)]);
        assert_eq!(m.right(2), [Some(true); 3]);
        assert_eq!((value(&m.point(), "top1"), value(&m.point(), "top2")), (1.0 / 3.0, 1.0));
        // By hand: class 0 orders + . + . − as .9 + .5 + .3 −; class 1 .9 − .5 − .2 +; class 2 .5 + .1 ± tied.
        assert_eq!(m.per_class().iter().map(|t| t.roc_auc).collect::<Vec<_>>(), [1.0, 0.0, 0.75]);
        assert!((value(&m.point(), "pr_auc") - (1.0 + 1.0 / 3.0 + (1.0 + 2.0 / 3.0) / 2.0) / 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_unknown_takes_no_part() {
        let scores = Scores { n: 3, k: 2, values: vec![0.9, 0.5, 0.1, 0.5, 0.4, 0.3] };
        let all = MultiLabel::new(&scores, known(&["-+", "+-", "-+"])).unwrap();
        let masked = MultiLabel::new(&scores, known(&["?+", "+-", "-+"])).unwrap();
        assert_eq!((all.right(1)[0], masked.right(1)[0]), (Some(false), Some(true)));
        assert_eq!((all.per_class()[0].roc_auc, masked.per_class()[0].absent), (0.0, 1));
        // The unknown pair had the worst score of class 0; nothing else changes.
        assert_eq!(all.per_class()[1], masked.per_class()[1]);
        let none = MultiLabel::new(&scores, known(&["--", "+-", "-+"])).unwrap();
        assert_eq!((none.without(), none.right(1)[0], value(&none.point(), "top1")), (1, None, 0.0));
        let maybe = MultiLabel::new(&scores, known(&["-?", "+-", "--"])).unwrap();
        assert_eq!((none.with_none(), maybe.without(), maybe.with_none()), (1, 2, 1));
        assert!(matches!(MultiLabel::new(&scores, |_, _| Some(false)), Err(Error::NoPositive { .. })));
        assert!(matches!(MultiLabel::new(&scores, |_, _| None), Err(Error::NoPositive { .. })));
    }

    #[test]
    fn one_class_an_item_is_classification() {
        let values: Vec<f32> = (0..60).map(|i| ((i * 37 % 11) as f32 - 5.0) / 5.0).collect();
        let scores = Scores { n: 15, k: 4, values };
        let truth: Vec<usize> = (0..15).map(|i| i * 7 % 4).collect();
        let single = super::super::Classification::new(&scores, &truth).unwrap();
        let several = MultiLabel::new(&scores, |i, c| Some(truth[i] == c)).unwrap();
        for name in MEASURED {
            assert_eq!(value(&single.point(), name), value(&several.point(), name), "{name}");
        }
        assert_eq!(single.ties(1), several.ties(1));
        for baseline in several.chance() {
            assert!((value(&single.chance(), &baseline.name) - baseline.value).abs() < 1e-12, "{}", baseline.name);
        }
    }

    #[test]
    fn a_weight_is_a_repeated_item() {
        let scores = Scores { n: 2, k: 2, values: vec![0.9, 0.5, 0.1, 0.05] };
        let twice = Scores { n: 3, k: 2, values: vec![0.9, 0.5, 0.9, 0.5, 0.1, 0.05] };
        let m = MultiLabel::new(&scores, known(&["+-", "-+"])).unwrap();
        let repeated = MultiLabel::new(&twice, known(&["+-", "+-", "-+"])).unwrap();
        assert_eq!(m.evaluate(&[2, 1]), repeated.evaluate(&[1, 1, 1]));
    }

    #[test]
    fn resampling_ends_at_its_last_step() {
        use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
        #[derive(Default)]
        struct Left(AtomicU64);
        impl Progress for Left {
            fn begin(&self, _: &str, total: Option<u64>) {
                self.0.store(total.unwrap(), Relaxed);
            }
            fn advance(&self, n: u64) {
                self.0.fetch_sub(n, Relaxed);
            }
            fn end(&self) {}
            fn cancelled(&self) -> bool {
                false
            }
        }
        let scores = Scores { n: 2, k: 2, values: vec![0.9, 0.5, 0.1, 0.05] };
        let m = MultiLabel::new(&scores, known(&["+-", "-+"])).unwrap();
        let left = Left::default();
        crate::metric::Bootstrap { resamples: 20, ..Default::default() }.estimate(&m, None, &left).unwrap();
        assert_eq!(left.0.load(Relaxed), 0);
    }

    #[test]
    fn chance_is_the_share_of_draws_that_hit() {
        // Two of four are right: one draw hits in 1/2, two miss in 1/6.
        let scores = Scores { n: 1, k: 4, values: vec![0.1, 0.2, 0.3, 0.4] };
        let m = MultiLabel::new(&scores, known(&["++--"])).unwrap();
        let chance = ["top1", "top2", "top3"].map(|name| value(&m.chance(), name));
        assert!(chance.iter().zip([0.5, 5.0 / 6.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{chance:?}");
    }
}
