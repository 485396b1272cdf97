//! Pairs sorted once by score, for areas under curves at any weights.
//!
//! ```text
//!   score   .9 .8   .7 .7 .7   .4          best first; of equal ones the positive first
//!   kind     −  −    +  +  −    −
//!   runs    └ gap ┘ └─ tie ──┘             a run: the negatives above, then what ties with positives
//! ```
//! A curve moves only where a positive pair stands, so between them all that counts is how many negatives there are: most of
//! the work is adding up weights. [`Eight`] weightings are added up at once, a byte each in one 64-bit number.
//!
//! Source: ROC-AUC is the Mann–Whitney statistic with ties one half; average precision is the step sum
//! Σ (Rₙ − Rₙ₋₁)·Pₙ over distinct scores, as `sklearn.metrics.average_precision_score`.

use super::weight;

/// Item numbers have 30 bits beside the flag.
pub(super) const MOST_ITEMS: usize = (1 << 30) - 1;
/// Weightings that are added up at once.
pub(super) const LANES: usize = 8;
/// Every other byte of eight.
const EVEN: u64 = 0x00FF_00FF_00FF_00FF;

/// A pair of an item with a candidate.
pub(super) struct Pair {
    pub score: f32,
    pub item: usize,
    pub positive: bool,
}

impl Pair {
    /// A number that sorts pairs by falling score, the positive first; none for a masked pair (−∞).
    pub fn key(&self) -> Option<u64> {
        // Adding zero makes −0 and 0 one number.
        let bits = (self.score + 0.0).to_bits();
        let rising = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
        let rest = u64::from(!self.positive) << 31 | self.item as u64;
        (self.score > f32::NEG_INFINITY).then_some(u64::from(!rising) << 32 | rest)
    }
}

/// The score of a [`Pair::key`].
pub(super) fn score_of(key: u64) -> f32 {
    let rising = !((key >> 32) as u32);
    f32::from_bits(if rising >> 31 == 1 { rising & !(1 << 31) } else { !rising })
}

/// Whether the pair of a [`Pair::key`] is a positive one.
pub(super) fn is_positive(key: u64) -> bool {
    key >> 31 & 1 == 0
}

/// Negatives without a positive among them, and then a tie that has some; the last run of all may lack it.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    gap: u32,
    positives: u32,
    negatives: u32,
}

/// Pairs by falling score: their items, and where the curves bend.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranked {
    items: Vec<u32>,
    runs: Vec<Run>,
    /// The class of score that each run is in, where the pairs were told apart.
    bins: Vec<u16>,
}

/// Areas under the two curves; both NaN unless there are positive and negative pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Areas {
    pub roc_auc: f64,
    pub average_precision: f64,
}

impl Ranked {
    /// Sorts the pairs; masked ones (−∞) are left out. Item numbers are at most [`MOST_ITEMS`].
    pub fn new(pairs: impl Iterator<Item = Pair>) -> Self {
        let mut keys: Vec<u64> = pairs.filter_map(|pair| pair.key()).collect();
        keys.sort_unstable();
        Ranked::of_sorted(&keys, |_| 0)
    }

    /// Takes sorted keys. No run goes over the border of two bins; `bin` falls or stays as scores fall.
    pub fn of_sorted(keys: &[u64], bin: impl Fn(f32) -> u16) -> Self {
        let mut ranked = Ranked { items: Vec::with_capacity(keys.len()), ..Default::default() };
        let (mut run, mut run_bin) = (Run::default(), 0);
        for tie in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            let positives = tie.iter().take_while(|&&key| is_positive(key)).count() as u32;
            let tie_bin = tie.first().map_or(0, |&key| bin(score_of(key)));
            if tie_bin != run_bin {
                ranked.close(&mut run, run_bin);
                run_bin = tie_bin;
            }
            if positives == 0 {
                run.gap += tie.len() as u32;
            } else {
                (run.positives, run.negatives) = (positives, tie.len() as u32 - positives);
                ranked.close(&mut run, run_bin);
            }
            ranked.items.extend(tie.iter().map(|&key| key as u32 & ((1 << 31) - 1)));
        }
        ranked.close(&mut run, run_bin);
        ranked
    }

    fn close(&mut self, run: &mut Run, bin: u16) {
        if run.gap + run.positives > 0 {
            self.runs.push(std::mem::take(run));
            self.bins.push(bin);
        }
    }

    /// The areas when each pair counts as often as its item.
    pub fn areas(&self, weights: &[u32]) -> Areas {
        let mut curve = [Curve::default()];
        self.follow(&mut curve, |items| [sum(weights, items)], |_, _, _| {});
        curve[0].areas()
    }

    /// The areas at eight weightings.
    pub fn areas_at(&self, weights: &Eight) -> [Areas; LANES] {
        let mut curves = [Curve::default(); LANES];
        self.follow(&mut curves, |items| weights.sums(items), |_, _, _| {});
        curves.map(|curve| curve.areas())
    }

    /// Lets the curves go on over these pairs, which stand below those that they went over before; `seen` gets the bin of
    /// each run and the weight of its positives and negatives.
    pub fn follow<const L: usize>(
        &self,
        curves: &mut [Curve; L],
        sums: impl Fn(&[u32]) -> [u64; L],
        mut seen: impl FnMut(u16, [u64; L], [u64; L]),
    ) {
        let mut rest = self.items.as_slice();
        let mut next = |n: u32| {
            let (items, behind) = rest.split_at(rest.len().min(n as usize));
            rest = behind;
            if items.is_empty() { [0; L] } else { sums(items) }
        };
        for (run, &bin) in self.runs.iter().zip(&self.bins) {
            let (gap, positive, negative) = (next(run.gap), next(run.positives), next(run.negatives));
            for (lane, curve) in curves.iter_mut().enumerate() {
                curve.pass(gap[lane], positive[lane], negative[lane]);
            }
            seen(bin, positive, std::array::from_fn(|lane| gap[lane] + negative[lane]));
        }
    }
}

fn sum(weights: &[u32], items: &[u32]) -> u64 {
    items.iter().map(|&item| weight(weights, item as usize)).sum()
}

/// How far both curves came, from the best pair down.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Curve {
    above_positive: u64,
    above: u64,
    wins_doubled: u64,
    precision: f64,
}

impl Curve {
    fn pass(&mut self, gap: u64, positive: u64, negative: u64) {
        self.wins_doubled += gap * 2 * self.above_positive + negative * (2 * self.above_positive + positive);
        self.above_positive += positive;
        self.above += gap + positive + negative;
        if positive > 0 {
            self.precision += positive as f64 * self.above_positive as f64 / self.above as f64;
        }
    }

    /// The areas under them, at the end.
    pub fn areas(&self) -> Areas {
        let (positive, negative) = (self.above_positive, self.above - self.above_positive);
        if positive == 0 || negative == 0 {
            return Areas { roc_auc: f64::NAN, average_precision: f64::NAN };
        }
        Areas {
            roc_auc: self.wins_doubled as f64 / (2.0 * positive as f64 * negative as f64),
            average_precision: self.precision / positive as f64,
        }
    }
}

/// Eight weightings of the same items.
pub(super) enum Eight {
    /// A byte each, and the greatest weight there is.
    Bytes { packed: Vec<u64>, most: u32 },
    /// Weights beyond a byte, one weighting after the other.
    Wide(Vec<Vec<u32>>),
}

impl Eight {
    /// Takes up to eight weightings; those that are lacking are 0 throughout.
    pub fn new(weightings: Vec<Vec<u32>>) -> Self {
        let most = weightings.iter().flatten().max().copied().unwrap_or(0);
        if most > 255 {
            return Eight::Wide(weightings);
        }
        let mut packed = vec![0u64; weightings.iter().map(Vec::len).max().unwrap_or(0)];
        for (lane, weights) in weightings.iter().take(LANES).enumerate() {
            packed.iter_mut().zip(weights).for_each(|(bytes, &w)| *bytes |= u64::from(w) << (8 * lane));
        }
        Eight::Bytes { packed, most }
    }

    /// The weight of these items together, in each weighting.
    pub fn sums(&self, items: &[u32]) -> [u64; LANES] {
        match self {
            Eight::Wide(weightings) => std::array::from_fn(|lane| weightings.get(lane).map_or(0, |w| sum(w, items))),
            Eight::Bytes { packed, most } => {
                let mut sums = [0; LANES];
                // As many as four sums of 16 bits hold without running over.
                for items in items.chunks((0xFFFF / (*most).max(1)) as usize) {
                    let (mut even, mut odd) = (0u64, 0u64);
                    for &item in items {
                        let bytes = packed.get(item as usize).copied().unwrap_or(0);
                        even += bytes & EVEN;
                        odd += bytes >> 8 & EVEN;
                    }
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        let half = if lane % 2 == 0 { even } else { odd };
                        *sum += half >> (16 * (lane / 2)) & 0xFFFF;
                    }
                }
                sums
            }
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

    #[test]
    fn keys_give_their_pair_back() {
        for score in [-1.0, -0.25, 0.0, 1e-30, 0.5, 1.0] {
            let key = Pair { score, item: 7, positive: score > 0.0 }.key().unwrap();
            assert_eq!((score_of(key), is_positive(key), key as u32 & 0xFF), (score, score > 0.0, 7));
        }
        assert_eq!(score_of(Pair { score: -0.0, item: 0, positive: true }.key().unwrap()).to_bits(), 0);
    }

    #[test]
    fn eight_at_once_are_as_one_by_one() {
        // 3,000 items of few scores, so that ties abound; weights up to 200 fill the 16 bits, above 255 they go another way.
        let pairs: Vec<(f32, bool)> = (0..3_000u32).map(|i| ((i * 37 % 101) as f32 / 101.0, i % 7 == 0)).collect();
        let ranked = ranked(&pairs);
        for most in [3, 200, 1_000] {
            let weightings: Vec<Vec<u32>> =
                (0..6).map(|lane| (0..3_000).map(|i: u32| (i * (lane + 3) + lane) % (most + 1)).collect()).collect();
            let at_once = ranked.areas_at(&Eight::new(weightings.clone()));
            for (weights, areas) in weightings.iter().zip(at_once) {
                assert_eq!(ranked.areas(weights), areas);
            }
            assert!(at_once[6].roc_auc.is_nan());
        }
    }
}
