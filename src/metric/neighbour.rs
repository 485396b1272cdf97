//! k nearest neighbours: each class scores by the neighbours that it has among the k nearest clips.
//!
//! Convention: a neighbour's vote is (1 + cosine) / 2, a class's score the sum of its votes over k: from 0 to 1, and 0 for
//! a class without a neighbour. The tested clip is never its own neighbour; with folds no clip of its fold is. Of equal
//! cosines the clip that comes first is the neighbour.
//!
//! Source: distance-weighted k-NN, Dudani 1976, with the cosine for the distance.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::cosines::{Cosines, Product, Visit, each_row, rows_a_block};
use super::{Error, Protocol};
use crate::embedding::Embeddings;
use crate::progress::Progress;

/// The score of each clip with each class, of which few are not 0.
pub struct Neighbours {
    classes: usize,
    /// For each clip the classes of its neighbours, with their scores.
    votes: Vec<Vec<(usize, f32)>>,
    without_own: usize,
}

impl Neighbours {
    /// Looks for the neighbours of each clip. [`Protocol::Resubstitution`] is as leave-one-out here.
    ///
    /// # Errors
    /// When there is not one class below `classes` a clip or not one fold a clip, a clip has no candidate outside of its fold,
    /// or `progress` is cancelled.
    pub fn new(
        clips: Arc<Embeddings>,
        truth: &[usize],
        classes: usize,
        k: usize,
        protocol: Protocol<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let folds = protocol.folds(truth, classes, clips.len())?;
        let votes = each_row(&Product::among(clips), "clips", progress, |i, row| {
            let apart = |j: usize| j != i && folds.is_none_or(|folds| folds.get(j) != folds.get(i));
            let mut others: Vec<(f32, usize)> =
                row.iter().enumerate().filter(|&(j, _)| apart(j)).map(|(j, &cosine)| (cosine, j)).collect();
            if others.is_empty() {
                return Err(Error::Candidates { item: i, found: 0, expected: 1 });
            }
            let nearest = k.clamp(1, others.len());
            others.select_nth_unstable_by(nearest - 1, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            // Summed in one order, so that equal votes give equal scores.
            let mut nearest: Vec<(f32, usize)> = others.into_iter().take(nearest).collect();
            nearest.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let mut votes: Vec<(usize, f32)> = Vec::new();
            for &(cosine, j) in &nearest {
                let (Some(&class), vote) = (truth.get(j), (1.0 + cosine) / 2.0 / nearest.len() as f32) else { continue };
                match votes.iter_mut().find(|(of, _)| *of == class) {
                    Some((_, score)) => *score += vote,
                    None => votes.push((class, vote)),
                }
            }
            Ok(votes)
        })?;
        Ok(Neighbours { classes, votes, without_own: without_own(truth, folds) })
    }

    /// How many clips have no clip of their own class among those that may be their neighbours.
    pub fn without_own(&self) -> usize {
        self.without_own
    }
}

/// Counts the clips whose fold holds their whole class; without folds each clip is its own.
fn without_own(truth: &[usize], folds: Option<&[usize]>) -> usize {
    let fold = |clip: usize| folds.and_then(|folds| folds.get(clip)).copied().unwrap_or(clip);
    let (mut of_class, mut of_fold) = (BTreeMap::new(), BTreeMap::new());
    for (clip, &class) in truth.iter().enumerate() {
        *of_class.entry(class).or_insert(0usize) += 1;
        *of_fold.entry((class, fold(clip))).or_insert(0usize) += 1;
    }
    let lacking = |&(clip, &class): &(usize, &usize)| of_class.get(&class) == of_fold.get(&(class, fold(clip)));
    truth.iter().enumerate().filter(lacking).count()
}

impl Cosines for Neighbours {
    fn items(&self) -> usize {
        self.votes.len()
    }

    fn candidates(&self) -> usize {
        self.classes
    }

    fn blocks(&self, columns: Range<usize>, progress: &dyn Progress, each: &mut Visit<'_>) -> Result<(), Error> {
        let (width, rows) = (columns.len(), rows_a_block(columns.len(), 1));
        let mut values = Vec::new();
        for (block, clips) in self.votes.chunks(rows).enumerate() {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            values.clear();
            values.resize(clips.len() * width, 0.0f32);
            for (votes, row) in clips.iter().zip(values.chunks_exact_mut(width.max(1))) {
                for &(class, score) in votes.iter().filter(|(class, _)| columns.contains(class)) {
                    row[class - columns.start] = score;
                }
            }
            each(block * rows, &values)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Modality, Scores, Space, Stage};
    use crate::progress::Silent;

    fn scores(of: &Neighbours) -> Scores {
        let values = each_row(of, "clips", &Silent, |_, row| Ok(row.to_vec())).unwrap().concat();
        Scores { n: of.items(), k: of.candidates(), values }
    }

    fn clips() -> Arc<Embeddings> {
        let space = Space::new("m", Modality::Audio, Stage::Joint);
        Arc::new(Embeddings::from_rows(space, 2, vec![1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 3.0]).unwrap())
    }

    #[test]
    fn a_clip_is_not_its_own_neighbour() {
        let nearest = |k, protocol| scores(&Neighbours::new(clips(), &[0, 1, 0, 0], 2, k, protocol, &Silent).unwrap());
        let one = nearest(1, Protocol::LeaveOneOut);
        assert_eq!((one.row(0), one.row(1), one.row(2)), (&[0.0, 1.0][..], &[1.0, 0.0][..], &[1.0, 0.0][..]));
        // Three neighbours of clip 0: clip 1 at cosine 1, clips 2 and 3 at 0.
        let all = nearest(9, Protocol::LeaveOneOut);
        assert!((all.row(0)[0] - 1.0 / 3.0).abs() < 1e-6 && (all.row(0)[1] - 1.0 / 3.0).abs() < 1e-6);
        let folds = nearest(1, Protocol::Folds(&[0, 0, 1, 1]));
        assert_eq!((folds.row(0), folds.row(2)), (&[0.5, 0.0][..], &[0.5, 0.0][..]));
    }

    #[test]
    fn clips_without_their_own_class_are_counted() {
        let lacking = |truth: &[usize], protocol| Neighbours::new(clips(), truth, 2, 1, protocol, &Silent).unwrap().without_own();
        assert_eq!(lacking(&[0, 1, 0, 0], Protocol::LeaveOneOut), 1);
        assert_eq!(lacking(&[0, 1, 0, 1], Protocol::Folds(&[0, 0, 1, 1])), 0);
        assert_eq!(lacking(&[0, 1, 1, 0], Protocol::Folds(&[0, 1, 1, 0])), 4);
    }

    #[test]
    fn a_clip_without_any_other_is_refused() {
        let one = Neighbours::new(clips(), &[0, 1, 0, 0], 2, 1, Protocol::Folds(&[0, 0, 0, 0]), &Silent);
        assert_eq!(one.err().unwrap(), Error::Candidates { item: 0, found: 0, expected: 1 });
        assert!(Neighbours::new(clips(), &[0], 2, 1, Protocol::LeaveOneOut, &Silent).is_err());
    }
}
