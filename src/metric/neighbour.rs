//! k nearest neighbours: each class scores by the neighbours that it has among the k nearest clips.
//!
//! Convention: a neighbour's vote is (1 + cosine) / 2, a class's score the sum of its votes over k: from 0 to 1, and 0 for
//! a class without a neighbour. The tested clip is never its own neighbour; with folds no clip of its fold is. Of equal
//! cosines the clip that comes first is the neighbour.
//!
//! Source: distance-weighted k-NN, Dudani 1976, with the cosine for the distance.

use rayon::prelude::*;

use super::{Error, Protocol};
use crate::embedding::{Embeddings, Scores};
use crate::progress::Progress;

/// The score of each clip with each class: n × `classes`. [`Protocol::Resubstitution`] is as leave-one-out here.
///
/// # Errors
/// When there is not one class below `classes` a clip or not one fold a clip, a clip has no candidate outside of its fold,
/// or `progress` is cancelled.
pub fn neighbour_scores(
    clips: &Embeddings,
    truth: &[usize],
    classes: usize,
    k: usize,
    protocol: Protocol<'_>,
    progress: &dyn Progress,
) -> Result<Scores, Error> {
    let n = clips.len();
    if truth.len() != n {
        return Err(Error::Shape { what: "classes, one a clip", expected: n, found: truth.len() });
    }
    if let Some((item, &class)) = truth.iter().enumerate().find(|&(_, &class)| class >= classes) {
        return Err(Error::Class { item, class, classes });
    }
    let folds = match protocol {
        Protocol::Folds(folds) if folds.len() != n => {
            return Err(Error::Shape { what: "folds, one a clip", expected: n, found: folds.len() });
        }
        Protocol::Folds(folds) => Some(folds),
        _ => None,
    };
    progress.begin("finding neighbours", Some(n as u64));
    let rows: Result<Vec<Vec<f32>>, Error> = (0..n)
        .into_par_iter()
        .map(|i| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let row = clips.row(i);
            let apart = |j: usize| j != i && folds.is_none_or(|folds| folds.get(j) != folds.get(i));
            let cosine = |j: usize| clips.row(j).iter().zip(row).map(|(a, b)| a * b).sum::<f32>().clamp(-1.0, 1.0);
            let mut others: Vec<(f32, usize)> = (0..n).filter(|&j| apart(j)).map(|j| (cosine(j), j)).collect();
            if others.is_empty() {
                return Err(Error::Candidates { item: i, found: 0, expected: 1 });
            }
            let nearest = k.clamp(1, others.len());
            others.select_nth_unstable_by(nearest - 1, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            // Summed in one order, so that equal votes give equal scores.
            let mut nearest: Vec<(f32, usize)> = others.into_iter().take(nearest).collect();
            nearest.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let mut scores = vec![0.0f32; classes];
            for &(cosine, j) in &nearest {
                if let Some(score) = truth.get(j).and_then(|&class| scores.get_mut(class)) {
                    *score += (1.0 + cosine) / 2.0 / nearest.len() as f32;
                }
            }
            progress.advance(1);
            Ok(scores)
        })
        .collect();
    progress.end();
    Ok(Scores { n, k: classes, values: rows?.concat() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Modality, Space, Stage};
    use crate::progress::Silent;

    fn clips() -> Embeddings {
        let space = Space::new("m", Modality::Audio, Stage::Joint);
        Embeddings::from_rows(space, 2, vec![1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 3.0]).unwrap()
    }

    #[test]
    fn a_clip_is_not_its_own_neighbour() {
        let nearest = |k, protocol| neighbour_scores(&clips(), &[0, 1, 0, 0], 2, k, protocol, &Silent).unwrap();
        let one = nearest(1, Protocol::LeaveOneOut);
        assert_eq!((one.row(0), one.row(1), one.row(2)), (&[0.0, 1.0][..], &[1.0, 0.0][..], &[1.0, 0.0][..]));
        // Three neighbours of clip 0: clip 1 at cosine 1, clips 2 and 3 at 0.
        let all = nearest(9, Protocol::LeaveOneOut);
        assert!((all.row(0)[0] - 1.0 / 3.0).abs() < 1e-6 && (all.row(0)[1] - 1.0 / 3.0).abs() < 1e-6);
        let folds = nearest(1, Protocol::Folds(&[0, 0, 1, 1]));
        assert_eq!((folds.row(0), folds.row(2)), (&[0.5, 0.0][..], &[0.5, 0.0][..]));
    }

    #[test]
    fn a_clip_without_any_other_is_refused() {
        let one = neighbour_scores(&clips(), &[0, 1, 0, 0], 2, 1, Protocol::Folds(&[0, 0, 0, 0]), &Silent);
        assert_eq!(one.unwrap_err(), Error::Candidates { item: 0, found: 0, expected: 1 });
        assert!(neighbour_scores(&clips(), &[0], 2, 1, Protocol::LeaveOneOut, &Silent).is_err());
    }
}
