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

use super::{Ontology, TermId};

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
    each(ontology, labels, Rule::default(), &mut |triplet| triplets.push(triplet));
    triplets
}

/// How near two terms are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Distance {
    /// Steps through the lowest common ancestor.
    #[default]
    Path,
    /// 1 − 2·depth(lca) / (steps between the two + 2·depth(lca)), the root at depth 0: in a tree the divisor is the sum of
    /// both depths. Source: Wu, Palmer, ACL 1994.
    WuPalmer,
    /// The deeper the lowest common ancestor, the nearer.
    LcaDepth,
}

impl Distance {
    /// The names that statements take.
    pub const NAMES: [&'static str; 3] = ["path", "wu-palmer", "lca"];

    /// Reads a distance by name.
    pub fn parse(name: &str) -> Option<Distance> {
        let all = [Distance::Path, Distance::WuPalmer, Distance::LcaDepth];
        all.into_iter().find(|distance| distance.name().eq_ignore_ascii_case(name))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Distance::Path => "path",
            Distance::WuPalmer => "wu-palmer",
            Distance::LcaDepth => "lca",
        }
    }

    /// How far `b` is from `a`, smaller is nearer; none where only the root, or nothing, stands above both.
    ///
    /// Where terms have several parents, the common ancestor counts that brings them nearest.
    pub fn between(self, ontology: &Ontology, a: TermId, b: TermId) -> Option<f64> {
        if a == b {
            return Some(if self == Distance::LcaDepth { -f64::from(depth(ontology, a)) } else { 0.0 });
        }
        let related = ontology.common(a, b).filter(|(above, _)| Some(*above) != ontology.root);
        let through = related.map(|(above, steps)| {
            let (depth, steps) = (f64::from(depth(ontology, above)), f64::from(steps));
            match self {
                Distance::Path => steps,
                Distance::WuPalmer => 1.0 - 2.0 * depth / (steps + 2.0 * depth),
                Distance::LcaDepth => -depth,
            }
        });
        through.min_by(f64::total_cmp)
    }
}

/// Steps down from the root by the shortest way; a term at the top without a root over it has depth 1.
fn depth(ontology: &Ontology, term: TermId) -> u32 {
    let top = |id: &TermId| ontology.terms[id.index()].parents.is_empty();
    let steps = ontology.lines[term.index()].iter().filter(|(above, _)| top(above)).map(|&(_, steps)| steps).min();
    steps.unwrap_or(0) + u32::from(ontology.root.is_none())
}

/// Two distances differ by a margin where they do but for rounding: 0.6 − 0.4 is below 0.2 in floats.
const ROUNDING: f64 = 1e-9;

/// Which triplets there are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rule {
    pub distance: Distance,
    /// By how much the negative is farther at least; at 0 any difference will do. Unrelated is farther by more than any margin.
    pub margin: f64,
}

/// Gives every ordered triplet of distinct labels that the rule allows to `take`, by anchor, then positive, then negative.
pub fn each(ontology: &Ontology, labels: &[TermId], rule: Rule, take: &mut dyn FnMut(Triplet)) {
    for (anchor, &a) in labels.iter().enumerate() {
        let far: Vec<Option<f64>> = labels.iter().map(|&other| rule.distance.between(ontology, a, other)).collect();
        for (positive, near) in far.iter().enumerate() {
            let Some(near) = near.filter(|_| labels[positive] != a) else { continue };
            for (negative, far) in far.iter().enumerate() {
                let farther = far.is_none_or(|far| far > near && far - near >= rule.margin - ROUNDING);
                if farther && labels[negative] != a {
                    take(Triplet::new(anchor, positive, negative));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::bundled;
    use crate::ontology::reader::{Format, parse};

    #[test]
    fn counts_on_the_bundled_trees() {
        let counts = |name: &str| {
            let ontology = bundled::ontology(name).unwrap();
            let tinysol = bundled::TINYSOL.iter().map(|label| ontology.resolve(label)).collect::<Result<Vec<TermId>, _>>();
            let leaves = strict(&ontology, &ontology.leaves()).len();
            (tinysol.ok().map(|labels| strict(&ontology, &labels).len()), leaves)
        };
        // tools/golden/count_triplets.py counts the same from the files alone. AudioSet has no tuba.
        let expected = [
            ("hdio", (Some(686), 242_312)),
            ("hdio-ismir2024", (Some(686), 242_312)),
            ("hornbostel-sachs", (Some(717), 486_776)),
            ("audioset-music", (None, 798_160)),
        ];
        assert_eq!(expected.map(|(name, _)| name).to_vec(), bundled::names().collect::<Vec<_>>());
        assert_eq!(expected.map(|(name, _)| counts(name)), expected.map(|(_, counts)| counts));
    }

    #[test]
    fn the_triplets_of_a_small_tree() {
        let tree = parse("t", "top\n a\n  x\n  y\n b\n  z\n", Format::Indented).unwrap();
        let found = strict(&tree, &tree.leaves());
        assert_eq!(found, [Triplet::new(0, 1, 2), Triplet::new(1, 0, 2)]);
    }

    #[test]
    fn distances_by_hand() {
        // Depths: a 1, b 1, x 2, y 2, z 3, w 2.
        let tree = parse("t", "top\n a\n  x\n  y\n   z\n b\n  w\n", Format::Indented).unwrap();
        let term = |name: &str| tree.resolve(name).unwrap();
        let far = |distance: Distance, a: &str, b: &str| distance.between(&tree, term(a), term(b));
        assert_eq!(far(Distance::Path, "x", "z"), Some(3.0));
        assert_eq!(far(Distance::WuPalmer, "x", "z"), Some(1.0 - 2.0 / 5.0));
        assert_eq!(far(Distance::WuPalmer, "y", "z"), Some(1.0 - 4.0 / 5.0));
        assert_eq!((far(Distance::LcaDepth, "x", "z"), far(Distance::LcaDepth, "y", "z")), (Some(-1.0), Some(-2.0)));
        assert_eq!(far(Distance::WuPalmer, "x", "w"), None);
    }

    #[test]
    fn where_terms_have_several_parents_the_nearest_ancestor_counts() {
        // c stands under a (depth 1) and under b2 (depth 2); d under b2, e under a.
        let rows = "parent,child\ntop,a\ntop,b\nb,b2\na,c\nb2,c\nb2,d\na,e\n";
        let graph = parse("t", rows, Format::Csv).unwrap();
        let term = |name: &str| graph.resolve(name).unwrap();
        let far = |distance: Distance, a: &str, b: &str| distance.between(&graph, term(a), term(b));
        for distance in [Distance::Path, Distance::WuPalmer, Distance::LcaDepth] {
            assert_eq!(far(distance, "c", "d"), far(distance, "d", "c"));
            assert_eq!(far(distance, "d", "e"), None);
        }
        assert_eq!((far(Distance::Path, "c", "d"), far(Distance::Path, "c", "e")), (Some(2.0), Some(2.0)));
        assert_eq!(far(Distance::WuPalmer, "c", "d"), Some(1.0 - 4.0 / 6.0));
        assert_eq!(far(Distance::WuPalmer, "c", "e"), Some(1.0 - 2.0 / 4.0));
        assert_eq!((far(Distance::LcaDepth, "c", "d"), far(Distance::LcaDepth, "c", "e")), (Some(-2.0), Some(-1.0)));
        let labels: Vec<TermId> = ["c", "d", "e"].map(term).into();
        assert_eq!(strict(&graph, &labels), [Triplet::new(1, 0, 2), Triplet::new(2, 0, 1)]);
    }

    #[test]
    fn a_margin_asks_for_more() {
        let tree = parse("t", "top\n a\n  x\n  y\n   z\n b\n  w\n", Format::Indented).unwrap();
        let labels: Vec<TermId> = ["x", "y", "z", "w"].map(|name| tree.resolve(name).unwrap()).into();
        let count = |margin| {
            let mut n = 0;
            each(&tree, &labels, Rule { margin, ..Rule::default() }, &mut |_| n += 1);
            n
        };
        // Pairs: xy 2, xz 3, yz 1, and w unrelated to all. By margin 0: x: (y,z), y: (z,x), z: (y,x), and w as negative of 6.
        assert_eq!((count(0.0), count(1.0), count(2.0), count(9.0)), (9, 9, 7, 6));
    }

    #[test]
    fn a_difference_at_the_margin_is_enough() {
        let hdio = bundled::ontology("hdio").unwrap();
        let mut n = 0;
        each(&hdio, &hdio.leaves(), Rule { distance: Distance::WuPalmer, margin: 0.2 }, &mut |_| n += 1);
        // Counted in fractions from the file alone.
        assert_eq!(n, 228_738);
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
