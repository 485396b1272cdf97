//! Triplets (anchor, positive, negative): by the ontology the anchor is nearer to the positive than to the negative.
//!
//! ```text
//! (violin, viola, piano)   2 hops < 4 hops
//! (violin, viola, flute)   2 hops, and violin and flute are unrelated
//! (violin, flute, piano)   never: an unrelated pair is no positive
//! ```
//!
//! Source: Vasilakis, Bittner, Pauwels, ISMIR 2024, by the definition in the text; their code's own rule is in
//! [`released`](super::released).

use super::{Hops, Ontology, TermId};

/// Three labels by their positions in the list they were made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Triplet {
    pub anchor: u32,
    pub positive: u32,
    pub negative: u32,
}

impl Triplet {
    /// From positions in a list of labels, which has fewer than 2³² entries.
    pub(super) fn new(anchor: usize, positive: usize, negative: usize) -> Self {
        Triplet { anchor: anchor as u32, positive: positive as u32, negative: negative as u32 }
    }
}

/// Every ordered triplet of distinct labels with hops(anchor, positive) < hops(anchor, negative), the positive related.
///
/// The positions are those in `labels`; two labels that are one term never meet in a pair. The order is by anchor, then
/// positive, then negative. For n labels there are up to n·(n − 1)·(n − 2), and as much work.
///
/// ```
/// use dyad::ontology::{bundled, triplets};
/// let hdio = bundled::ontology("hdio").unwrap();
/// let labels: Vec<_> = bundled::TINYSOL.iter().map(|label| hdio.resolve(label).unwrap()).collect();
/// assert_eq!(triplets::strict(&hdio, &labels).len(), 686);
/// ```
pub fn strict(ontology: &Ontology, labels: &[TermId]) -> Vec<Triplet> {
    let mut triplets = Vec::new();
    for (anchor, &a) in labels.iter().enumerate() {
        let hops: Vec<Option<Hops>> = labels.iter().map(|&other| ontology.hops(a, other)).collect();
        for (positive, near) in hops.iter().enumerate() {
            let Some(near) = near.filter(|&near| near > Hops(0)) else { continue };
            let farther = hops.iter().enumerate().filter(|(_, far)| far.is_none_or(|far| far > near));
            triplets.extend(farther.map(|(negative, _)| Triplet::new(anchor, positive, negative)));
        }
    }
    triplets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::bundled;
    use crate::ontology::reader::{Format, parse};

    #[test]
    fn counts_on_the_bundled_trees() {
        for name in bundled::names() {
            let ontology = bundled::ontology(name).unwrap();
            let tinysol: Vec<TermId> = bundled::TINYSOL.iter().map(|label| ontology.resolve(label).unwrap()).collect();
            assert_eq!(strict(&ontology, &tinysol).len(), 686, "{name}");
            assert_eq!(strict(&ontology, &ontology.leaves()).len(), 242_312, "{name}");
        }
    }

    #[test]
    fn the_triplets_of_a_small_tree() {
        let tree = parse("t", "top\n a\n  x\n  y\n b\n  z\n", Format::Indented).unwrap();
        let found = strict(&tree, &tree.leaves());
        assert_eq!(found, [Triplet::new(0, 1, 2), Triplet::new(1, 0, 2)]);
    }

    #[test]
    fn two_words_for_one_term_are_no_pair() {
        let hdio = bundled::ontology("hdio").unwrap();
        let labels: Vec<TermId> = ["cello", "violoncello", "viola", "piano"].iter().map(|l| hdio.resolve(l).unwrap()).collect();
        for Triplet { anchor, positive, negative } in strict(&hdio, &labels) {
            let term = |at: u32| labels[at as usize];
            assert!(term(anchor) != term(positive) && term(anchor) != term(negative) && term(positive) != term(negative));
        }
    }

    #[test]
    fn too_few_labels_give_none() {
        let hdio = bundled::ontology("hdio").unwrap();
        assert!(strict(&hdio, &[]).is_empty());
        assert!(strict(&hdio, &hdio.leaves()[..2]).is_empty());
    }
}
