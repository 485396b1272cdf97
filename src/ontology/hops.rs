//! How far two terms are apart: steps up to a common ancestor and down again.
//!
//! Where a term has several parents the shortest way counts. Source: protocols of the ISMIR 2024 paper, put right: a pair
//! that only the root joins is unrelated, which is no number at all.

use super::{Ontology, TermId};

/// Steps between two related terms; smaller is nearer, 0 is the term itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hops(pub u32);

impl Ontology {
    /// The steps between two terms, or none where only the root, or nothing, stands above both.
    ///
    /// ```
    /// # use dyad::ontology::{Hops, bundled};
    /// let hdio = bundled::ontology("hdio").unwrap();
    /// let term = |label: &str| hdio.resolve(label).unwrap();
    /// assert_eq!(hdio.hops(term("violin"), term("viola")), Some(Hops(2)));
    /// assert_eq!(hdio.hops(term("trumpet"), term("accordion")), Some(Hops(9)));
    /// assert_eq!(hdio.hops(term("violin"), term("flute")), None);
    /// ```
    pub fn hops(&self, a: TermId, b: TermId) -> Option<Hops> {
        if a == b {
            return Some(Hops(0));
        }
        self.common(a, b).filter(|(above, _)| Some(*above) != self.root).map(|(_, steps)| Hops(steps)).min()
    }

    /// Whether `term` stands under `above`, along any of its parents; a term is not below itself.
    pub fn is_below(&self, term: TermId, above: TermId) -> bool {
        term != above && self.lines[term.index()].iter().any(|&(id, _)| id == above)
    }

    /// What stands above both (or is one of them), with the steps from one to the other through it.
    pub(super) fn common(&self, a: TermId, b: TermId) -> impl Iterator<Item = (TermId, u32)> + '_ {
        let mut theirs = self.lines[b.index()].iter().peekable();
        self.lines[a.index()].iter().filter_map(move |&(above, up)| {
            while theirs.next_if(|(other, _)| *other < above).is_some() {}
            theirs.next_if(|(other, _)| *other == above).map(|&(_, down)| (above, up + down))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::{Builder, bundled};

    #[test]
    fn unrelated_means_only_the_root_in_common() {
        let hdio = bundled::ontology("hdio").unwrap();
        let term = |label: &str| hdio.resolve(label).unwrap();
        assert_eq!(hdio.hops(term("violin"), term("guitar")), Some(Hops(4)));
        assert_eq!(hdio.hops(term("violin"), term("bowed")), Some(Hops(1)));
        assert_eq!(hdio.hops(term("violin"), term("instrument")), None);
        assert_eq!(hdio.hops(term("instrument"), term("instrument")), Some(Hops(0)));
        let released = bundled::ontology("hdio-ismir2024").unwrap();
        let term = |label: &str| released.resolve(label).unwrap();
        assert_eq!(released.hops(term("theremin"), term("electric_guitar")), Some(Hops(5)));
    }

    #[test]
    fn hops_are_a_metric_within_a_family() {
        let hdio = bundled::ontology("hdio").unwrap();
        let leaves = hdio.leaves();
        for &a in &leaves {
            assert_eq!(hdio.hops(a, a), Some(Hops(0)));
            for &b in &leaves {
                let ab = hdio.hops(a, b);
                assert_eq!(ab, hdio.hops(b, a));
                assert_eq!(ab.is_some(), hdio.family(a) == hdio.family(b));
                if let (Some(Hops(ab)), Some(Hops(bv))) = (ab, hdio.hops(b, leaves[0])) {
                    assert!(hdio.hops(a, leaves[0]).is_some_and(|Hops(av)| av <= ab + bv));
                }
            }
        }
    }

    #[test]
    fn several_parents_give_the_shortest_way() {
        // top ─ strings ─ bowed ─ arpeggione, and top ─ guitars ─ arpeggione; `guitars` holds `guitar` too.
        let mut graph = Builder::default();
        let top = graph.add("top", &[]).unwrap();
        let strings = graph.add("strings", &[top]).unwrap();
        let bowed = graph.add("bowed", &[strings]).unwrap();
        let guitars = graph.add("guitars", &[top]).unwrap();
        let arpeggione = graph.add("arpeggione", &[bowed, guitars]).unwrap();
        let guitar = graph.add("guitar", &[guitars]).unwrap();
        let violin = graph.add("violin", &[bowed]).unwrap();
        let graph = graph.finish("g").unwrap();
        assert_eq!(graph.hops(arpeggione, guitar), Some(Hops(2)));
        assert_eq!(graph.hops(arpeggione, violin), Some(Hops(2)));
        assert_eq!(graph.hops(arpeggione, strings), Some(Hops(2)));
        assert_eq!(graph.hops(guitar, violin), None);
        assert!(graph.is_below(arpeggione, guitars) && graph.is_below(arpeggione, strings) && graph.is_below(guitar, top));
        assert!(!graph.is_below(guitar, strings) && !graph.is_below(guitar, guitar) && !graph.is_below(guitars, guitar));
    }

    #[test]
    fn terms_at_the_top_without_a_root_are_families() {
        let mut forest = Builder::default();
        let strings = forest.add("strings", &[]).unwrap();
        let winds = forest.add("winds", &[]).unwrap();
        let (lute, lyre) = (forest.add("lute", &[strings]).unwrap(), forest.add("lyre", &[strings]).unwrap());
        let flute = forest.add("flute", &[winds]).unwrap();
        let forest = forest.finish("f").unwrap();
        assert_eq!(forest.root(), None);
        assert_eq!(forest.hops(lute, lyre), Some(Hops(2)));
        assert_eq!(forest.hops(lute, flute), None);
        assert_eq!(forest.family(lute), Some(strings));
    }
}
