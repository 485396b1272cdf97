//! Audio-only labels: a class is the mean of its clips' embeddings, at unit length.
//!
//! `classify clips using prototypes` scores each clip against these means. The paper averages over the very clips that it
//! then tests ([`Protocol::Resubstitution`]); here a tested clip is left out of its own class's mean, or means come from the
//! other folds. A clip whose own class has no other clip has no prototype to be found by: its score is −∞ (masked).
//!
//! Means are of the vectors as the model gave them, before unit length. Source: section 4.3 of the ISMIR 2024 paper.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::cosines::{Cosines, Rows, Visit, rows_a_block};
use super::{Error, check_classes};
use crate::embedding::Embeddings;
use crate::progress::Progress;

/// Clips that are summed up between two looks at whether to stop.
const CLIPS_A_BLOCK: usize = 1024;

/// A sum of vectors that is no longer than this beside their lengths is what rounding to f32 leaves of nothing.
pub const ROUNDING: f64 = 1e-6;

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

impl<'a> Protocol<'a> {
    /// The folds, where there are any, of `n` clips with classes below `classes`.
    ///
    /// # Errors
    /// When there is not one class a clip, or not one fold a clip.
    pub(super) fn folds(self, truth: &[usize], classes: usize, n: usize) -> Result<Option<&'a [usize]>, Error> {
        check_classes(n, classes, truth)?;
        match self {
            Protocol::Folds(folds) if folds.len() != n => {
                Err(Error::Shape { what: "folds, one a clip", expected: n, found: folds.len() })
            }
            Protocol::Folds(folds) => Ok(Some(folds)),
            Protocol::LeaveOneOut | Protocol::Resubstitution => Ok(None),
        }
    }
}

/// The cosines of clips with class means; a clip is read again whenever its cosines are asked for.
pub struct Prototypes {
    clips: Arc<dyn Rows>,
    truth: Vec<usize>,
    /// One a clip; 0 where there are none.
    folds: Vec<usize>,
    leave_one_out: bool,
    classes: usize,
    /// Of all clips, for means without one of them.
    total: Sums,
    /// For each fold the unit mean of each class, where it has clips outside.
    means: Vec<Means>,
    without_own: usize,
}

/// Unit means, turned: number d of class k is at `d * classes + k`.
struct Means {
    turned: Vec<f64>,
    there: Vec<bool>,
}

impl Prototypes {
    /// Sums up the clips of each class.
    ///
    /// # Errors
    /// When there is not one class below `classes` a clip, or not one fold a clip; when vectors can't be read or `progress`
    /// is cancelled.
    pub fn new(
        clips: Arc<dyn Rows>,
        truth: &[usize],
        classes: usize,
        protocol: Protocol<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let (n, dim) = (clips.count(), clips.dim());
        let folds = protocol.folds(truth, classes, n)?.map_or_else(|| vec![0; n], <[usize]>::to_vec);
        let fold_count = folds.iter().max().map_or(0, |f| f + 1);
        // Sums per fold and class; a clip's means are the totals less what must not be seen.
        let mut sums = vec![Sums::new(classes, dim); fold_count];
        let mut norms = Vec::with_capacity(n);
        clips.blocks(CLIPS_A_BLOCK, &mut |block| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let rows = block.unit.chunks_exact(dim).zip(block.norms);
            for ((row, &norm), (&class, &fold)) in rows.zip(truth.iter().zip(&folds).skip(block.first)) {
                if let Some(sums) = sums.get_mut(fold) {
                    sums.add(class, row, norm);
                }
            }
            norms.extend_from_slice(block.norms);
            Ok(())
        })?;
        let mut total = Sums::new(classes, dim);
        sums.iter().for_each(|fold| total.change(fold, 1.0));
        // Outside of what is left out, the means of all clips of a fold are the same: normalise them once.
        let seen = |fold: Sums| {
            let mut seen = total.clone();
            if matches!(protocol, Protocol::Folds(_)) {
                seen.change(&fold, -1.0);
            }
            Means::new(&seen, classes)
        };
        let means = sums.into_iter().map(seen).collect();
        let leave_one_out = matches!(protocol, Protocol::LeaveOneOut);
        let truth = truth.to_vec();
        let mut prototypes = Prototypes { clips, truth, folds, leave_one_out, classes, total, means, without_own: 0 };
        prototypes.without_own = prototypes.lacking(&norms, progress)?;
        Ok(prototypes)
    }

    /// How many clips have no mean of their own class to be found by.
    pub fn without_own(&self) -> usize {
        self.without_own
    }

    /// Counts the clips whose own class has no mean for them, given the clips' lengths.
    fn lacking(&self, norms: &[f32], progress: &dyn Progress) -> Result<usize, Error> {
        if !self.leave_one_out {
            let there = |own: usize, fold: usize| self.means.get(fold).and_then(|means| means.there.get(own).copied());
            let pairs = self.truth.iter().zip(&self.folds);
            return Ok(pairs.filter(|&(&own, &fold)| there(own, fold) != Some(true)).count());
        }
        let alone = self.truth.iter().filter(|&&own| self.total.count(own) < 2).count();
        // The others cancel each other out only where the sum of all is as long as the clip: for such rows are read again.
        let sums: Vec<f64> = (0..self.classes).map(|class| self.total.sum(class).map_or(0.0, length)).collect();
        let near = |own: usize, norm: f32| {
            let (sum, lengths) = (sums.get(own).copied().unwrap_or(0.0), self.total.lengths.get(own).copied().unwrap_or(0.0));
            self.total.count(own) > 1 && (sum - f64::from(norm)).abs() <= 2.0 * ROUNDING * lengths
        };
        if !self.truth.iter().zip(norms).any(|(&own, &norm)| near(own, norm)) {
            return Ok(alone);
        }
        let (mut cancelled_out, dim) = (0, self.clips.dim());
        self.clips.blocks(CLIPS_A_BLOCK, &mut |block| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let rows = block.unit.chunks_exact(dim).zip(block.norms).zip(self.truth.iter().skip(block.first));
            let lacking = rows.filter(|&((row, &norm), &own)| near(own, norm) && self.others(own, row, norm).is_none());
            cancelled_out += lacking.count();
            Ok(())
        })?;
        Ok(alone + cancelled_out)
    }

    /// The mean of a class without one of its clips.
    fn others(&self, class: usize, row: &[f32], norm: f32) -> Option<Vec<f64>> {
        let (sum, length, count) = (self.total.sum(class)?, self.total.lengths.get(class)?, self.total.count(class));
        let less = sum.iter().zip(row).map(|(t, &x)| t - f64::from(x) * f64::from(norm)).collect();
        (count > 1).then(|| direction(less, length - f64::from(norm))).flatten()
    }

    fn score(&self, clip: usize, row: &[f32], norm: f32, columns: Range<usize>, out: &mut [f32]) {
        let (Some(&own), Some(means)) = (self.truth.get(clip), self.folds.get(clip).and_then(|&fold| self.means.get(fold)))
        else {
            return;
        };
        let mut sums = vec![0.0f64; columns.len()];
        for (&x, means) in row.iter().zip(means.turned.chunks_exact(self.classes)) {
            let means = means.get(columns.clone()).unwrap_or_default();
            sums.iter_mut().zip(means).for_each(|(sum, m)| *sum += m * f64::from(x));
        }
        for ((out, sum), there) in out.iter_mut().zip(sums).zip(means.there.iter().skip(columns.start)) {
            *out = if *there { sum.clamp(-1.0, 1.0) as f32 } else { f32::NEG_INFINITY };
        }
        if self.leave_one_out
            && let Some(out) = own.checked_sub(columns.start).and_then(|at| out.get_mut(at))
        {
            *out = self.others(own, row, norm).map_or(f32::NEG_INFINITY, |mean| {
                let cosine: f64 = mean.iter().zip(row).map(|(m, &x)| m * f64::from(x)).sum();
                cosine.clamp(-1.0, 1.0) as f32
            });
        }
    }
}

impl Means {
    fn new(sums: &Sums, classes: usize) -> Means {
        let (mut turned, mut there) = (vec![0.0; classes * sums.dim], vec![false; classes]);
        for (class, there) in there.iter_mut().enumerate() {
            let Some(mean) = sums.mean(class) else { continue };
            *there = true;
            turned.iter_mut().skip(class).step_by(classes).zip(mean).for_each(|(to, x)| *to = x);
        }
        Means { turned, there }
    }
}

/// Sums over the clips of each class.
#[derive(Clone)]
struct Sums {
    dim: usize,
    /// Of the vectors as the model gave them; classes × dim.
    vectors: Vec<f64>,
    /// Of their lengths.
    lengths: Vec<f64>,
    counts: Vec<f64>,
}

impl Sums {
    fn new(classes: usize, dim: usize) -> Sums {
        Sums { dim, vectors: vec![0.0; classes * dim], lengths: vec![0.0; classes], counts: vec![0.0; classes] }
    }

    /// Adds one clip, as a unit row and the length that it had.
    fn add(&mut self, class: usize, row: &[f32], norm: f32) {
        if let (Some(length), Some(count)) = (self.lengths.get_mut(class), self.counts.get_mut(class)) {
            (*length, *count) = (*length + f64::from(norm), *count + 1.0);
        }
        let sum = self.vectors.iter_mut().skip(class * self.dim);
        sum.zip(row).for_each(|(s, &x)| *s += f64::from(x) * f64::from(norm));
    }

    /// Adds other sums, so many times.
    fn change(&mut self, by: &Sums, times: f64) {
        for (to, from) in [(&mut self.vectors, &by.vectors), (&mut self.lengths, &by.lengths), (&mut self.counts, &by.counts)] {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += times * from);
        }
    }

    fn count(&self, class: usize) -> usize {
        self.counts.get(class).map_or(0, |&n| n as usize)
    }

    fn sum(&self, class: usize) -> Option<&[f64]> {
        self.vectors.get(class * self.dim..(class + 1) * self.dim)
    }

    /// The unit mean of a class; none without clips, or where they cancel each other out.
    fn mean(&self, class: usize) -> Option<Vec<f64>> {
        let sum = self.sum(class).filter(|_| self.count(class) > 0)?;
        direction(sum.to_vec(), self.lengths.get(class).copied()?)
    }
}

impl Cosines for Prototypes {
    fn items(&self) -> usize {
        self.truth.len()
    }

    fn candidates(&self) -> usize {
        self.classes
    }

    fn blocks(&self, columns: Range<usize>, progress: &dyn Progress, each: &mut Visit<'_>) -> Result<(), Error> {
        let (width, dim) = (columns.len(), self.clips.dim());
        let mut values = Vec::new();
        // The sums are in f64 and slower than a product of matrices.
        self.clips.blocks(rows_a_block(width, 8 * dim), &mut |block| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            values.clear();
            values.resize(block.norms.len() * width, 0.0);
            let rows = values.par_chunks_exact_mut(width).zip(block.unit.par_chunks_exact(dim)).zip(block.norms);
            let score = |i: usize, row, norm, out: &mut [f32]| self.score(block.first + i, row, norm, columns.clone(), out);
            rows.enumerate().for_each(|(i, ((out, row), &norm))| score(i, row, norm, out));
            each(block.first, &values)
        })
    }
}

/// The mean of each class's clips, as the model gave them: one row a class, in the clips' space.
///
/// # Errors
/// When there is not one class below `classes` a clip, a class has no clip, or a mean has no direction.
pub fn class_means(clips: &Embeddings, truth: &[usize], classes: usize) -> Result<Embeddings, Error> {
    check_classes(clips.len(), classes, truth)?;
    let mut sums = Sums::new(classes, clips.dim());
    for (i, &class) in truth.iter().enumerate() {
        sums.add(class, clips.row(i), clips.norm(i));
    }
    let mut means = Embeddings::empty(clips.space.clone(), clips.dim());
    for class in 0..classes {
        if sums.count(class) == 0 {
            return Err(Error::Empty { what: "clips of a class" });
        }
        let mean = sums.mean(class).ok_or(Error::NoDirection { class })?;
        let mean: Vec<f32> = mean.iter().map(|&x| x as f32).collect();
        means.push(&mean).map_err(|_| Error::NoDirection { class })?;
    }
    Ok(means)
}

fn length(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// A sum of vectors at unit length; none where it is as short beside the `lengths` that went in as rounding to f32 leaves it.
fn direction(mut v: Vec<f64>, lengths: f64) -> Option<Vec<f64>> {
    let norm = length(&v);
    if norm <= ROUNDING * lengths {
        return None;
    }
    v.iter_mut().for_each(|x| *x /= norm);
    Some(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Modality, Scores, Space, Stage};
    use crate::metric::cosines::each_row;
    use crate::progress::Silent;

    fn prototype_scores(clips: &Embeddings, truth: &[usize], k: usize, protocol: Protocol<'_>) -> Result<Scores, Error> {
        let prototypes = Prototypes::new(Arc::new(clips.clone()), truth, k, protocol, &Silent)?;
        let values = each_row(&prototypes, "clips", &Silent, |_, row| Ok(row.to_vec()))?.concat();
        let lacking = (0..truth.len()).filter(|&i| values[i * k + truth[i]] == f32::NEG_INFINITY).count();
        assert_eq!(prototypes.without_own(), lacking);
        Ok(Scores { n: truth.len(), k, values })
    }

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
    fn clips_whose_others_cancel_out_are_counted() {
        let clips = clips(&[[1.0, 0.0], [-1.0, 0.0], [0.0, 3.0], [0.5, 0.5], [0.5, 0.25]]);
        let truth = [0, 0, 0, 1, 1];
        let own = prototype_scores(&clips, &truth, 2, Protocol::LeaveOneOut).unwrap();
        assert_eq!(own.row(2)[0], f32::NEG_INFINITY);
        // Clip 0 is left with (−1, 3).
        assert!((own.row(0)[0] + 0.1f32.sqrt()).abs() < 1e-6);
        let prototypes = Prototypes::new(Arc::new(clips), &truth, 2, Protocol::LeaveOneOut, &Silent).unwrap();
        assert_eq!(prototypes.without_own(), 1);
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
        for scale in [1e-30f32, 1e-14, 1.0, 1e30] {
            let scaled = |rows: [f32; 6]| rows.map(|x| x * scale).to_vec();
            let of = |rows| Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), 2, scaled(rows)).unwrap();
            let apart = of([1.0, 0.0, -0.6, 0.8, 0.0, 1.0]);
            assert!(class_means(&apart, &[0, 0, 1], 2).is_ok(), "{scale}");
            // Three directions at 120° cancel but for rounding.
            let h = 3f32.sqrt() / 2.0;
            let opposite = of([1.0, 0.0, -0.5, h, -0.5, -h]);
            assert_eq!(class_means(&opposite, &[0; 3], 1), Err(Error::NoDirection { class: 0 }));
        }
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
