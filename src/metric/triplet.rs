//! Triplets: is an anchor nearer to what the ontology puts near it than to what it puts far?
//!
//! ```
//! use dyad::metric::{Measure, Triplets};
//! let cosine = [[1.0, 0.8, 0.1], [0.8, 1.0, 0.1], [0.1, 0.1, 1.0]];
//! let t = Triplets::new(3, |a, b| cosine[a as usize][b as usize], &[(0, 1, 2), (1, 0, 2)])?;
//! assert_eq!((t.point()[0].value, t.ties()), (1.0, 0));
//! # Ok::<(), dyad::metric::Error>(())
//! ```
//!
//! Convention: a triplet (anchor, positive, negative) is right when cos(anchor, positive) > cos(anchor, negative); an equal
//! cosine is wrong, and counted. Triplets of one anchor share its vector, so intervals resample anchors with all their
//! triplets: the items of this measure are anchors.
//!
//! Source: Figure 5 of the ISMIR 2024 paper.

use std::collections::BTreeMap;

use super::catalog::family;
use super::{Error, Function, Measure, ratio, weight};

/// The triplets of one anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The term.
    pub term: u32,
    /// Its triplets.
    pub count: u64,
    pub right: u64,
    /// Wrong ones with equal cosines.
    pub ties: u64,
}

impl Anchor {
    /// The share of its triplets that are right.
    pub fn accuracy(&self) -> f64 {
        ratio(self.right, self.count)
    }
}

/// Triplets, counted by anchor and ready to be measured at any weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Triplets(Vec<Anchor>);

/// Weighted numbers, which the metrics read.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub accuracy: f64,
}

impl Triplets {
    /// What an anchor gets right by chance.
    pub const CHANCE: f64 = 0.5;

    /// Judges triplets over terms 0 to `terms` − 1 by their cosines.
    ///
    /// # Errors
    /// Without triplets, at a term outside, or at a cosine that is NaN.
    pub fn new(terms: usize, cosine: impl Fn(u32, u32) -> f64, triplets: &[(u32, u32, u32)]) -> Result<Self, Error> {
        let mut anchors: BTreeMap<u32, Anchor> = BTreeMap::new();
        // Triplets mostly come anchor by anchor: one is kept at hand and filed when the next begins.
        let mut at_hand: Option<Anchor> = None;
        for (i, &(a, p, n)) in triplets.iter().enumerate() {
            if let Some(&term) = [a, p, n].iter().find(|&&term| term as usize >= terms) {
                return Err(Error::Term { triplet: i, term, terms });
            }
            let (near, far) = (cosine(a, p), cosine(a, n));
            if near.is_nan() || far.is_nan() {
                let column = if near.is_nan() { p } else { n };
                return Err(Error::Score { row: a as usize, column: column as usize, value: f64::NAN.to_string() });
            }
            if at_hand.is_none_or(|anchor| anchor.term != a) {
                file(&mut anchors, at_hand.take());
            }
            let anchor = at_hand.get_or_insert(Anchor { term: a, count: 0, right: 0, ties: 0 });
            anchor.count += 1;
            anchor.right += u64::from(near > far);
            anchor.ties += u64::from(near == far);
        }
        file(&mut anchors, at_hand);
        Triplets::of(anchors.into_values())
    }

    /// The triplets of these anchors, such as those of one family.
    ///
    /// # Errors
    /// Without an anchor.
    pub fn of(anchors: impl IntoIterator<Item = Anchor>) -> Result<Self, Error> {
        let anchors: Vec<Anchor> = anchors.into_iter().collect();
        if anchors.is_empty() { Err(Error::Empty { what: "triplets" }) } else { Ok(Triplets(anchors)) }
    }

    /// The anchors, by term: the items that a bootstrap resamples.
    pub fn anchors(&self) -> &[Anchor] {
        &self.0
    }

    /// How many triplets there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|anchor| anchor.count).sum()
    }

    /// How many are right.
    pub fn right(&self) -> u64 {
        self.0.iter().map(|anchor| anchor.right).sum()
    }

    /// How many are wrong by an equal cosine.
    pub fn ties(&self) -> u64 {
        self.0.iter().map(|anchor| anchor.ties).sum()
    }
}

fn file(anchors: &mut BTreeMap<u32, Anchor>, anchor: Option<Anchor>) {
    if let Some(anchor) = anchor {
        let kept = anchors.entry(anchor.term).or_insert(Anchor { count: 0, right: 0, ties: 0, ..anchor });
        kept.count += anchor.count;
        kept.right += anchor.right;
        kept.ties += anchor.ties;
    }
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Triplets(of) = function { Some(of) } else { None })
}

impl Measure for Triplets {
    fn items(&self) -> usize {
        self.0.len()
    }

    fn names(&self) -> Vec<String> {
        metrics().map(|(name, _)| name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let weighed = self.0.iter().enumerate().map(|(i, anchor)| (weight(weights, i), anchor));
        let (right, count) =
            weighed.fold((0, 0), |(right, count), (w, anchor)| (right + w * anchor.right, count + w * anchor.count));
        let tally = Tally { accuracy: ratio(right, count) };
        metrics().map(|(_, of)| of(&tally)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_cosine_is_wrong_and_counted() {
        let cosine = |a: u32, b: u32| if a == b { 1.0 } else { f64::from(a + b) / 10.0 };
        let t = Triplets::new(3, cosine, &[(0, 1, 2), (1, 2, 0), (0, 2, 1), (0, 1, 1)]).unwrap();
        assert_eq!((t.count(), t.right(), t.ties()), (4, 2, 1));
        assert_eq!(t.anchors()[0], Anchor { term: 0, count: 3, right: 1, ties: 1 });
        assert_eq!(t.point()[0].value, 0.5);
    }

    #[test]
    fn what_is_no_triplet_is_refused() {
        assert_eq!(Triplets::new(3, |_, _| 0.0, &[]), Err(Error::Empty { what: "triplets" }));
        assert_eq!(Triplets::new(3, |_, _| 0.0, &[(0, 1, 3)]), Err(Error::Term { triplet: 0, term: 3, terms: 3 }));
        assert!(matches!(Triplets::new(3, |_, _| f64::NAN, &[(0, 1, 2)]), Err(Error::Score { .. })));
    }
}
