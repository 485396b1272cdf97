//! Holds triplets, however they were made, against the ontology's own distances.

use super::triplets::Triplet;
use super::{Hops, Ontology, TermId};

/// How many triplets the ontology bears out; the three counts add up to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judgement {
    /// The positive is nearer than the negative.
    pub upheld: usize,
    /// The negative is nearer than the positive.
    pub inverted: usize,
    /// Both are equally far, or both unrelated.
    pub undecided: usize,
}

/// Counts the triplets over `labels` by what [`Ontology::hops`] says of them; unrelated is farther than any hops.
///
/// Triplets must hold positions in `labels`.
pub fn judge(ontology: &Ontology, labels: &[TermId], triplets: &[Triplet]) -> Judgement {
    let far = Hops(u32::MAX);
    let hops: Vec<Vec<Hops>> =
        labels.iter().map(|&a| labels.iter().map(|&b| ontology.hops(a, b).unwrap_or(far)).collect()).collect();
    let mut judgement = Judgement::default();
    for triplet in triplets {
        let from_anchor = &hops[triplet.anchor as usize];
        match from_anchor[triplet.positive as usize].cmp(&from_anchor[triplet.negative as usize]) {
            std::cmp::Ordering::Less => judgement.upheld += 1,
            std::cmp::Ordering::Greater => judgement.inverted += 1,
            std::cmp::Ordering::Equal => judgement.undecided += 1,
        }
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::{bundled, triplets};

    #[test]
    fn strict_triplets_are_all_upheld_and_turned_round_all_inverted() {
        let hdio = bundled::ontology("hdio").unwrap();
        let leaves = hdio.leaves();
        let mut strict = triplets::strict(&hdio, &leaves);
        assert_eq!(judge(&hdio, &leaves, &strict), Judgement { upheld: strict.len(), ..Judgement::default() });
        for triplet in &mut strict {
            std::mem::swap(&mut triplet.positive, &mut triplet.negative);
        }
        assert_eq!(judge(&hdio, &leaves, &strict), Judgement { inverted: strict.len(), ..Judgement::default() });
    }
}
