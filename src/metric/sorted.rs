//! All pairs of a matrix of cosines in the order of their cosines, a part at a time where memory should not hold them all.
//!
//! ```text
//!   cosine     1 ········ 0.31 ········ 0.12 ········ −1
//!   part       └─ pairs ──┘└── pairs ───┘└─ pairs ────┘      each is picked out of the matrix, sorted and forgotten
//! ```
//! Parts are made of whole buckets, by the first 20 bits of a cosine: some 2,000 buckets from one half to 1. So no tie is
//! cut, and a bucket that alone has more pairs than a part should (a model that gives one cosine to all) is held whole.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::cosines::Cosines;
use super::distribution::Rising;
use super::order::{Pair, Ranked, is_positive, score_of};
use super::{Bins, Distribution, Error};
use crate::progress::Progress;

/// What is left of a key in the number of its bucket.
const BUCKET_SHIFT: u32 = 44;
const BUCKETS: usize = 1 << (64 - BUCKET_SHIFT);

/// Consecutive buckets of sorted keys, the best pairs first.
type Part = Vec<Vec<u64>>;

/// See the module.
pub(super) enum Sorted {
    Kept(Part),
    Streamed { of: Arc<dyn Cosines>, truth: Vec<usize>, parts: Vec<Range<usize>> },
}

/// Both kinds of pairs, summed up.
pub(super) struct Kinds {
    pub positive: Distribution,
    pub negative: Distribution,
    /// Counts in [`Bins::COSINE`].
    pub histograms: (Vec<f64>, Vec<f64>),
}

impl Sorted {
    /// Keeps the pairs where there are at most `most`, and else parts of about as many.
    ///
    /// # Errors
    /// When vectors can't be read or `progress` is cancelled.
    pub fn new(of: Arc<dyn Cosines>, truth: &[usize], most: usize, progress: &dyn Progress) -> Result<Self, Error> {
        if of.items().saturating_mul(of.candidates()) <= most {
            return Ok(Sorted::Kept(part(&*of, truth, 0..BUCKETS, progress)?));
        }
        let mut counts = vec![0u32; BUCKETS];
        of.blocks(0..of.candidates(), progress, &mut |_, values| {
            for &score in values {
                let bucket = Pair { score, item: 0, positive: true }.key().map(bucket);
                bucket.and_then(|bucket| counts.get_mut(bucket)).into_iter().for_each(|count| *count += 1);
            }
            Ok(())
        })?;
        let (mut parts, mut start, mut held) = (Vec::new(), 0, 0);
        for (bucket, &count) in counts.iter().enumerate() {
            if held > 0 && held + count as usize > most {
                parts.push(start..bucket);
                (start, held) = (bucket, 0);
            }
            held += count as usize;
        }
        parts.push(start..BUCKETS);
        Ok(Sorted::Streamed { of, truth: truth.to_vec(), parts })
    }

    /// How many parts there are.
    pub fn parts(&self) -> usize {
        match self {
            Sorted::Kept(_) => 1,
            Sorted::Streamed { parts, .. } => parts.len(),
        }
    }

    fn with_part<T>(&self, index: usize, progress: &dyn Progress, f: impl FnOnce(&Part) -> T) -> Result<T, Error> {
        match self {
            Sorted::Kept(kept) => Ok(f(kept)),
            Sorted::Streamed { of, truth, parts } => {
                Ok(f(&part(&**of, truth, parts.get(index).cloned().unwrap_or_default(), progress)?))
            }
        }
    }

    /// Part `index`, ready to be walked down; 0 has the best pairs. Runs are told apart by [`Bins::COSINE`].
    ///
    /// # Errors
    /// As [`Sorted::new`].
    pub fn ranked(&self, index: usize, progress: &dyn Progress) -> Result<Vec<Ranked>, Error> {
        let bin = |score: f32| Bins::COSINE.of(f64::from(score)) as u16;
        self.with_part(index, progress, |part| part.par_iter().map(|keys| Ranked::of_sorted(keys, bin)).collect())
    }

    /// Sums up the positive and the negative pairs; of each kind the number and the sum are known.
    ///
    /// # Errors
    /// As [`Sorted::new`].
    pub fn kinds(&self, positives: (u64, f64), negatives: (u64, f64), progress: &dyn Progress) -> Result<Kinds, Error> {
        let rising = |(count, sum): (u64, f64)| Rising::new(count, sum / count as f64);
        let (mut positive, mut negative) = (rising(positives), rising(negatives));
        let mut bins = [vec![0.0; Bins::COSINE.count], vec![0.0; Bins::COSINE.count]];
        self.rise(progress, &mut |key| {
            let value = f64::from(score_of(key));
            let [above, below] = &mut bins;
            let (kind, bins) = if is_positive(key) { (&mut positive, above) } else { (&mut negative, below) };
            kind.take(value);
            bins.get_mut(Bins::COSINE.of(value)).into_iter().for_each(|bin| *bin += 1.0);
        })?;
        let [above, below] = bins;
        Ok(Kinds { positive: positive.distribution(), negative: negative.distribution(), histograms: (above, below) })
    }

    /// All keys, the worst pair first.
    fn rise(&self, progress: &dyn Progress, each: &mut dyn FnMut(u64)) -> Result<(), Error> {
        for index in (0..self.parts()).rev() {
            self.with_part(index, progress, |part| {
                for keys in part.iter().rev() {
                    if progress.cancelled() {
                        return Err(Error::Cancelled);
                    }
                    keys.iter().rev().for_each(|&key| each(key));
                }
                Ok(())
            })??;
        }
        Ok(())
    }
}

fn bucket(key: u64) -> usize {
    (key >> BUCKET_SHIFT) as usize
}

/// The pairs of these buckets, sorted.
fn part(of: &dyn Cosines, truth: &[usize], buckets: Range<usize>, progress: &dyn Progress) -> Result<Part, Error> {
    let k = of.candidates();
    // For each bucket, which of `part` it is, from 1.
    let mut slots = vec![0u32; buckets.len()];
    let mut part: Vec<(usize, Vec<u64>)> = Vec::new();
    of.blocks(0..k, progress, &mut |first, values| {
        let row = |(row, scores): (usize, &[f32])| {
            let item = first + row;
            let own = truth.get(item).copied();
            let pair = |(class, &score)| Pair { score, item, positive: Some(class) == own }.key();
            scores.iter().enumerate().filter_map(pair).filter(|&key| buckets.contains(&bucket(key))).collect::<Vec<u64>>()
        };
        let rows: Vec<Vec<u64>> = values.par_chunks_exact(k).enumerate().map(row).collect();
        for key in rows.into_iter().flatten() {
            let Some(slot) = slots.get_mut(bucket(key) - buckets.start) else { continue };
            match (*slot as usize).checked_sub(1).and_then(|at| part.get_mut(at)) {
                Some((_, keys)) => keys.push(key),
                None => {
                    part.push((bucket(key), vec![key]));
                    *slot = part.len() as u32;
                }
            }
        }
        Ok(())
    })?;
    part.sort_unstable_by_key(|(bucket, _)| *bucket);
    let sort = |(_, mut keys): (usize, Vec<u64>)| {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        keys.sort_unstable();
        Ok(keys)
    };
    part.into_par_iter().map(sort).collect()
}
