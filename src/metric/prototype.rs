//! Audio-only labels: a class is the mean of its clips' embeddings, at unit length.
//!
//! `classify clips using prototypes` scores each clip against these means. The paper averages over the very clips that it
//! then tests ([`Protocol::Resubstitution`]); here a tested clip is left out of its own class's mean, or means come from the
//! other folds. A clip whose own class has no other clip has no prototype to be found by: its score is −∞ (masked).
//!
//! Means are of the vectors as the model gave them, before unit length. Source: section 4.3 of the ISMIR 2024 paper.

use super::Error;
use crate::embedding::{Embeddings, Scores};

/// Which clips a tested clip's class means come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol<'a> {
    /// All but the tested clip.
    LeaveOneOut,
    /// Clips of the other folds; one fold number a clip.
    Folds(&'a [usize]),
    /// All, the tested one too.
    Resubstitution,
}

/// The cosine of each clip with each class mean: n × `classes`.
///
/// # Errors
/// When there is not one class below `classes` a clip, or not one fold a clip.
pub fn prototype_scores(clips: &Embeddings, truth: &[usize], classes: usize, protocol: Protocol<'_>) -> Result<Scores, Error> {
    let (n, dim) = (clips.len(), clips.dim());
    if truth.len() != n {
        return Err(Error::Shape { what: "classes, one a clip", expected: n, found: truth.len() });
    }
    if let Some(item) = truth.iter().position(|&class| class >= classes) {
        return Err(Error::Class { item, class: truth[item], classes });
    }
    let single = vec![0; n];
    let folds = match protocol {
        Protocol::Folds(folds) if folds.len() != n => {
            return Err(Error::Shape { what: "folds, one a clip", expected: n, found: folds.len() });
        }
        Protocol::Folds(folds) => folds,
        _ => &single,
    };
    let fold_count = folds.iter().max().map_or(0, |f| f + 1);
    // Sums per fold and class; a clip's means are the totals less what must not be seen.
    let mut sums = vec![vec![0.0f64; classes * dim]; fold_count];
    let mut counts = vec![vec![0usize; classes]; fold_count];
    for i in 0..n {
        let norm = f64::from(clips.norm(i));
        let sum = &mut sums[folds[i]][truth[i] * dim..(truth[i] + 1) * dim];
        sum.iter_mut().zip(clips.row(i)).for_each(|(s, &x)| *s += f64::from(x) * norm);
        counts[folds[i]][truth[i]] += 1;
    }
    let mut total = vec![0.0f64; classes * dim];
    let mut total_count = vec![0usize; classes];
    for fold in 0..fold_count {
        total.iter_mut().zip(&sums[fold]).for_each(|(t, s)| *t += s);
        total_count.iter_mut().zip(&counts[fold]).for_each(|(t, c)| *t += c);
    }
    // Outside of what is left out, the means of all clips of a fold are the same: normalise them once.
    let mut means = Vec::with_capacity(fold_count);
    for fold in 0..fold_count {
        let held_out = matches!(protocol, Protocol::Folds(_));
        let mean: Vec<f64> = match held_out {
            true => total.iter().zip(&sums[fold]).map(|(t, s)| t - s).collect(),
            false => total.clone(),
        };
        let count: Vec<usize> = match held_out {
            true => total_count.iter().zip(&counts[fold]).map(|(t, c)| t - c).collect(),
            false => total_count.clone(),
        };
        let unit: Vec<Option<Vec<f64>>> =
            (0..classes).map(|k| (count[k] > 0).then(|| mean[k * dim..(k + 1) * dim].to_vec()).and_then(unit)).collect();
        means.push(unit);
    }
    let mut scores = Scores { n, k: classes, values: vec![f32::NEG_INFINITY; n * classes] };
    for i in 0..n {
        let row = clips.row(i);
        for k in 0..classes {
            let mean = match (protocol, k == truth[i]) {
                (Protocol::LeaveOneOut, true) => {
                    let norm = f64::from(clips.norm(i));
                    let others = total[k * dim..(k + 1) * dim].iter().zip(row).map(|(t, &x)| t - f64::from(x) * norm).collect();
                    (total_count[k] > 1).then_some(others).and_then(unit)
                }
                _ => means[folds[i]][k].clone(),
            };
            if let Some(mean) = mean {
                let cosine: f64 = mean.iter().zip(row).map(|(m, &x)| m * f64::from(x)).sum();
                scores.values[i * classes + k] = cosine.clamp(-1.0, 1.0) as f32;
            }
        }
    }
    Ok(scores)
}

/// The mean of each class's clips, as the model gave them: one row a class, in the clips' space.
///
/// # Errors
/// When there is not one class below `classes` a clip, a class has no clip, or a mean has no direction.
pub fn class_means(clips: &Embeddings, truth: &[usize], classes: usize) -> Result<Embeddings, Error> {
    if truth.len() != clips.len() {
        return Err(Error::Shape { what: "classes, one a clip", expected: clips.len(), found: truth.len() });
    }
    let mut sums = vec![vec![0.0f64; clips.dim()]; classes];
    for (i, &class) in truth.iter().enumerate() {
        let norm = f64::from(clips.norm(i));
        let Some(sum) = sums.get_mut(class) else { return Err(Error::Class { item: i, class, classes }) };
        sum.iter_mut().zip(clips.row(i)).for_each(|(s, &x)| *s += f64::from(x) * norm);
    }
    let mut means = Embeddings::empty(clips.space.clone(), clips.dim());
    for sum in sums {
        let mean: Vec<f32> = unit(sum).ok_or(Error::Empty { what: "clips of a class" })?.iter().map(|&x| x as f32).collect();
        means.push(&mean).map_err(|_| Error::Empty { what: "clips of a class" })?;
    }
    Ok(means)
}

fn unit(mut v: Vec<f64>) -> Option<Vec<f64>> {
    let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    if norm <= 1e-12 {
        return None;
    }
    v.iter_mut().for_each(|x| *x /= norm);
    Some(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Modality, Space, Stage};

    fn clips(rows: &[[f32; 2]]) -> Embeddings {
        let space = Space::new("m", Modality::Audio, Stage::Joint);
        Embeddings::from_rows(space, 2, rows.concat()).unwrap()
    }

    #[test]
    fn a_tested_clip_is_left_out_of_its_own_mean() {
        let clips = clips(&[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
        let truth = [0, 0, 1];
        let own = prototype_scores(&clips, &truth, 2, Protocol::LeaveOneOut).unwrap();
        assert_eq!(own.row(0)[0], 0.0, "the other clip of class 0 is orthogonal");
        assert_eq!(own.row(2)[1], f32::NEG_INFINITY, "class 1 has no other clip");
        let all = prototype_scores(&clips, &truth, 2, Protocol::Resubstitution).unwrap();
        assert!((all.row(0)[0] - 0.5f32.sqrt()).abs() < 1e-6 && (all.row(2)[1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn folds_take_means_from_elsewhere() {
        let clips = clips(&[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 2.0]]);
        let scores = prototype_scores(&clips, &[0, 1, 1, 0], 2, Protocol::Folds(&[0, 0, 1, 1])).unwrap();
        // Fold 0 sees class 0 as the clip (0, 2) and class 1 as the clip (1, 0).
        assert_eq!(scores.row(0), [0.0, 1.0]);
        assert_eq!(scores.row(3), [0.0, 1.0]);
    }

    #[test]
    fn means_are_of_the_vectors_as_given() {
        let clips = clips(&[[3.0, 0.0], [0.0, 4.0], [0.0, 1.0]]);
        let means = class_means(&clips, &[0, 0, 1], 2).unwrap();
        assert_eq!((means.row(0), means.row(1)), (&[0.6f32, 0.8][..], &[0.0f32, 1.0][..]));
        assert!(class_means(&clips, &[0, 0, 2], 2).is_err() && class_means(&clips, &[0, 0, 0], 2).is_err());
    }

    #[test]
    fn shapes_are_checked() {
        let clips = clips(&[[1.0, 0.0]]);
        assert!(prototype_scores(&clips, &[], 1, Protocol::LeaveOneOut).is_err());
        assert!(prototype_scores(&clips, &[3], 1, Protocol::LeaveOneOut).is_err());
        assert!(prototype_scores(&clips, &[0], 1, Protocol::Folds(&[])).is_err());
    }
}
